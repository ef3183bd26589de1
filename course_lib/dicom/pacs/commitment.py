"""Storage commitment: the archive vouches for objects, so that a scanner may delete its own copies.

The scanner asks with N-ACTION; the archive looks at its disk and answers with N-EVENT-REPORT, over
the same association while it is open, otherwise over a new one. Source: DICOM PS3.4, annex J.
"""

import logging
import threading
import time
from collections.abc import Mapping

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import build_role
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.network import QUICK, Node

LOG = logging.getLogger(__name__)
ASK, ALL_SAFE, SOME_FAILED = 1, 1, 2  # action type, event types
DAMAGED, UNKNOWN, OTHER_CLASS = 0x0110, 0x0112, 0x0119  # failure reasons (PS3.3, C.14.1.1)
INVALID_ARGUMENT, NO_SUCH_ACTION = 0x0115, 0x0123
GRACE_S = 0.2  # the answer to N-ACTION goes out first


def requested(
    event: evt.Event, archive: Archive, destinations: Mapping[str, Node]
) -> tuple[int, None]:
    """Handler of N-ACTION: accept the request, and report from a thread of its own."""
    if event.action_type != ASK:
        return NO_SUCH_ACTION, None
    wanted = event.action_information
    if not wanted.get("TransactionUID") or not wanted.get("ReferencedSOPSequence"):
        return INVALID_ARGUMENT, None
    home = destinations.get(event.assoc.requestor.ae_title)
    arguments = (event.assoc, verdict(archive, wanted), home)
    threading.Thread(target=_deliver, args=arguments, daemon=True).start()
    return 0x0000, None


def verdict(archive: Archive, wanted: Dataset) -> Dataset:
    """Which of the asked-for objects are safe: on the disk now, every byte as it was received."""
    report = Dataset()
    report.TransactionUID = wanted.TransactionUID
    safe, failed = [], []
    for item in wanted.ReferencedSOPSequence:
        reason = _why_not(
            archive, str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID)
        )
        named = reference(item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID)
        if reason is None:
            safe.append(named)
        else:
            named.FailureReason = reason
            failed.append(named)
    if safe:
        report.ReferencedSOPSequence = safe
    if failed:
        report.FailedSOPSequence = failed
    return report


def reference(sop_class: str, uid: str) -> Dataset:
    """An item that names one object."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = UID(sop_class), UID(uid)
    return item


def _why_not(archive: Archive, sop_class: str, uid: str) -> int | None:
    kept = archive.one(uid)
    if kept is None:
        return UNKNOWN
    if kept.sop_class != sop_class:
        return OTHER_CLASS
    return None if kept.is_whole() else DAMAGED


def _deliver(asked_over: Association, report: Dataset, home: Node | None) -> None:
    time.sleep(GRACE_S)
    try:
        if asked_over.is_established:
            _report(asked_over, report)
        elif home is None:
            LOG.warning("The asker of a storage commitment has gone, and its address is unknown.")
        else:
            association = _call_back(asked_over.acceptor.ae_title, home)
            if association.is_established:
                _report(association, report)
                association.release()
    except Exception:
        LOG.exception("A storage commitment could not be reported.")


def _report(association: Association, report: Dataset) -> None:
    kind = SOME_FAILED if "FailedSOPSequence" in report else ALL_SAFE
    association.send_n_event_report(
        report, kind, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )


def _call_back(own_title: str, home: Node) -> Association:
    entity = AE(own_title)
    entity.add_requested_context(StorageCommitmentPushModel)
    role = build_role(StorageCommitmentPushModel, scp_role=True)
    return entity.associate(
        home.host, home.port, ae_title=home.ae_title, ext_neg=[role], evt_handlers=list(QUICK)
    )

"""What the archive does when a service of the DICOM network is asked of it.

Each handler turns a request into calls of `Archive`, and the outcome into the status that the
standard names (PS3.4, annexes B and C).
"""

import logging
from collections.abc import Iterator, Mapping

from pydicom.dataset import Dataset
from pydicom.uid import UID, ImplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
)

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.pacs import network
from course_lib.dicom.pacs.archive import Archive, Clash, Kept, WrongObject
from course_lib.dicom.pacs.files import StorageFull
from course_lib.dicom.pacs.identifiers import (
    answer,
    asked_level,
    check_hierarchy,
    ignored,
    keys_of,
    unique_keys,
)
from course_lib.dicom.pacs.levels import up_to
from course_lib.dicom.pacs.matching import BadQuery
from course_lib.dicom.pacs.network import Node
from course_lib.dicom.pacs.objects import as_file
from course_lib.dicom.pacs.statuses import (
    CANCELLED,
    CANNOT_UNDERSTAND,
    CLASH,
    DOES_NOT_MATCH,
    OUT_OF_RESOURCES,
    PENDING,
    PENDING_SOME_KEYS_IGNORED,
    SUCCESS,
    refused,
)

LOG = logging.getLogger(__name__)
# What a sender proposes that has nothing to send: an association needs one proposal.
ANY_OBJECT = (network.STORAGE_CLASSES[0], str(ImplicitVRLittleEndian))
PATIENT_ROOT = {
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelMove,
    PatientRootQueryRetrieveInformationModelGet,
}


def store(event: evt.Event, archive: Archive) -> Dataset:
    """C-STORE: success only once file and index are safe (see `keep`)."""
    status, comment = keep(
        archive,
        str(event.request.AffectedSOPClassUID),  # type: ignore[union-attr]
        str(event.request.AffectedSOPInstanceUID),  # type: ignore[union-attr]
        str(event.context.transfer_syntax),
        event.encoded_dataset(include_meta=False),
    )
    return refused(status, comment)


def keep(
    archive: Archive, sop_class: str, uid: str, transfer_syntax: str, data_set: bytes
) -> tuple[int, str]:
    """Keep what a sender delivered; returns the status to answer, and the reason of a refusal."""
    try:
        archive.keep(as_file(sop_class, uid, transfer_syntax, data_set), announced=uid)
    except StorageFull as error:
        return OUT_OF_RESOURCES, str(error.strerror or error)
    except Clash:
        return CLASH, "Another object with this SOP Instance UID is kept"
    except WrongObject as error:
        return DOES_NOT_MATCH, str(error)
    except UnreadableFile as error:
        return CANNOT_UNDERSTAND, error.reason
    except Exception as error:  # whatever fails, the sender must not hear success
        LOG.exception("An object could not be kept.")
        return OUT_OF_RESOURCES, f"The archive failed: {error}"
    return SUCCESS, ""


def find(event: evt.Event, archive: Archive) -> Iterator[tuple[int | Dataset, Dataset | None]]:
    """C-FIND: one pending answer per entity of the asked level."""
    root = _root(event)
    try:
        level = asked_level(event.identifier, root)
        keys = keys_of(event.identifier)
        check_hierarchy(keys, level, root, retrieve=False)
        columns = [*keys, *(place.unique for place in up_to(level))]
        rows = archive.find(level.name, keys, columns)
    except BadQuery as error:
        yield refused(DOES_NOT_MATCH, str(error)), None
        return
    pending = PENDING_SOME_KEYS_IGNORED if ignored(event.identifier, level) else PENDING
    for row in rows:
        if event.is_cancelled:
            yield CANCELLED, None
            return
        yield pending, answer(keys, row, level, event.assoc.acceptor.ae_title)


def move(event: evt.Event, archive: Archive, destinations: Mapping[str, Node]) -> Iterator:
    """C-MOVE: send the named objects to a destination that is known by its AE title.

    An unknown destination is answered 0xA801 (pynetdicom does so when it is given none).
    """
    destination = destinations.get(str(event.move_destination).strip())
    if destination is None:
        yield None, None
        return
    objects, problem = _objects_asked_for(event, archive)
    proposals = network.contexts_for({(o.sop_class, o.transfer_syntax) for o in objects})
    options = {
        "ae_title": destination.ae_title,
        "contexts": proposals or network.contexts_for({ANY_OBJECT}),
        "evt_handlers": network.QUICK,
    }
    yield destination.host, destination.port, options
    yield from _send_one_by_one(event, objects, problem)


def get(event: evt.Event, archive: Archive) -> Iterator:
    """C-GET: send the named objects back over the same association."""
    objects, problem = _objects_asked_for(event, archive)
    yield from _send_one_by_one(event, objects, problem)


def _objects_asked_for(event: evt.Event, archive: Archive) -> tuple[list[Kept], Dataset | None]:
    """The objects a C-MOVE or C-GET names, or the status that refuses it."""
    root = _root(event)
    try:
        keys = keys_of(event.identifier)
        check_hierarchy(keys, asked_level(event.identifier, root), root, retrieve=True)
    except BadQuery as error:
        return [], refused(DOES_NOT_MATCH, str(error))
    return archive.kept(unique_keys(keys)), None


def _send_one_by_one(event: evt.Event, objects: list[Kept], problem: Dataset | None) -> Iterator:
    yield len(objects) if problem is None else 1
    if problem is not None:
        yield problem, None
    for kept in objects:
        if event.is_cancelled:
            yield CANCELLED, None
            return
        yield PENDING, _readable(event, kept)


def _readable(event: evt.Event, kept: Kept) -> Dataset:
    """The object, unpacked if the receiver does not take it compressed.

    A damaged object goes out with its name only: sending it fails, and the failure is reported.
    """
    try:
        dataset = kept.dataset()
        taken = [c.transfer_syntax[0] for c in event.assoc.accepted_contexts
                 if c.abstract_syntax == kept.sop_class]  # fmt: skip
        packed = UID(kept.transfer_syntax).is_compressed and kept.transfer_syntax not in taken
        if packed and event.event.name == "EVT_C_GET":
            dataset.decompress()
        return dataset
    except Exception:
        LOG.exception("%s cannot be sent.", kept.path)
        nameless = Dataset()
        nameless.SOPInstanceUID = kept.uid
        return nameless


def _root(event: evt.Event) -> str:
    return "PATIENT" if event.context.abstract_syntax in PATIENT_ROOT else "STUDY"

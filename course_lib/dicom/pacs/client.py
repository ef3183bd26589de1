"""What a workstation does on the DICOM network: echo, send, find, move, get, ask for commitment.

Every function opens one association, does its work and closes it. What was refused or went
unanswered raises PacsError with a sentence that says what to look at.
"""

import io
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydicom import dcmread, dcmwrite
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    PatientRootQueryRetrieveInformationModelFind,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)
from tqdm.auto import tqdm

from course_lib.dicom.opening import open_dicom
from course_lib.dicom.pacs import commitment, network
from course_lib.dicom.pacs.conversation import TIMEOUT_S, associate, pending, require_success
from course_lib.dicom.pacs.identifiers import put
from course_lib.dicom.pacs.levels import as_text, level_named
from course_lib.dicom.pacs.network import Node, PacsError

SELF = "STUDENT"
USUAL = {  # what a workstation asks for at each level
    "PATIENT": ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    "STUDY": ("PatientID", "PatientName", "StudyDate", "StudyDescription", "ModalitiesInStudy",
              "NumberOfStudyRelatedInstances", "StudyInstanceUID"),
    "SERIES": ("Modality", "SeriesNumber", "SeriesDescription", "NumberOfSeriesRelatedInstances",
               "SeriesInstanceUID"),
    "IMAGE": ("InstanceNumber", "Rows", "Columns", "SOPClassUID", "SOPInstanceUID"),
}  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """Outcome of a C-MOVE: the final status and how many objects arrived, or did not."""

    status: int
    completed: int
    failed: int


@dataclass(frozen=True)
class Committed:
    """What an archive vouches for: UIDs that are safe, and UID -> reason for those that are not."""

    safe: list[str]
    failed: dict[str, int]


def echo(node: Node, calling: str = SELF) -> None:
    """C-ECHO, the ping of DICOM: returns if `node` answers, raises PacsError if it does not."""
    with associate(node, [build_context(Verification)], calling) as association:
        require_success(association.send_c_echo(), "echo")


def send(
    node: Node, objects: Iterable[str | Path | Dataset], calling: str = SELF, progress: bool = True
) -> dict[str, int]:
    """C-STORE each object (path or data set); returns SOP Instance UID -> status, 0 for success.

    Raises:
        PacsError: no conversation came about, or it broke; what it says tells how far it came.
        UnreadableFile: a path that is no DICOM file; nothing is sent then.
    """
    objects = list(objects)
    headers = [o if isinstance(o, Dataset) else open_dicom(o, header_only=True) for o in objects]
    kinds = {(str(h.SOPClassUID), str(h.file_meta.TransferSyntaxUID)) for h in headers}
    statuses: dict[str, int] = {}
    with associate(node, network.contexts_for(kinds), calling) as association:
        for item, header in zip(tqdm(objects, "sent", disable=not progress), headers, strict=True):
            statuses[str(header.SOPInstanceUID)] = _store(association, item, len(statuses))
    return statuses


def _store(association: Association, item: str | Path | Dataset, done: int) -> int:
    try:
        answer = association.send_c_store(_as_read(item))
    except (ValueError, RuntimeError) as error:
        raise PacsError(f"After {done} objects: {error}") from error
    if "Status" not in answer:
        raise PacsError(f"The connection broke after {done} objects; send the rest again.")
    return int(answer.Status)


def _as_read(item: str | Path | Dataset) -> Dataset | str:
    """A data set as if it came from a file: one that was changed may not know its own encoding."""
    if not isinstance(item, Dataset):
        return str(item)
    buffer = io.BytesIO()
    dcmwrite(buffer, item, enforce_file_format=True)
    buffer.seek(0)
    return dcmread(buffer, force=True)


def find(node: Node, level: str, calling: str = SELF, **keys: str) -> pd.DataFrame:
    """C-FIND: a table with one row per patient, study, series or image.

    Args:
        node: whom to ask.
        level: "PATIENT", "STUDY", "SERIES" or "IMAGE".
        keys: attributes to match (``PatientName="KIM*"``, ``StudyDate="20260101-"``); an empty one
            asks for a further column. The levels above need their UIDs.

    Raises:
        PacsError: the query was refused, or the conversation broke.
    """
    columns = list(dict.fromkeys([*USUAL[level_named(level).name], *keys]))
    rows = [
        {column: as_text(found.get(column), dictionary_VR(column)) for column in columns}
        for found in query(node, level, calling, **{**dict.fromkeys(columns, ""), **keys})
    ]
    return pd.DataFrame(rows, columns=columns)


def query(node: Node, level: str, calling: str = SELF, **keys: str) -> Iterator[Dataset]:
    """C-FIND as it comes: the data set of each answer, asked for exactly the `keys` given."""
    model = (
        PatientRootQueryRetrieveInformationModelFind
        if level == "PATIENT"
        else StudyRootQueryRetrieveInformationModelFind
    )
    with associate(node, [build_context(model, network.PLAIN)], calling) as association:
        for status, found in association.send_c_find(_identifier(level, keys), model):
            if pending(status, f"{level} query") and found is not None:
                yield found


def move(node: Node, destination: str, calling: str = SELF, **keys: str) -> Moved:
    """C-MOVE: have `node` send the named objects to `destination`, an AE title that it knows.

    Give StudyInstanceUID, and SeriesInstanceUID and SOPInstanceUID to narrow it down.

    Raises:
        PacsError: refused, with its status (0xA801: the destination is unknown to the archive).
    """
    model = StudyRootQueryRetrieveInformationModelMove
    with associate(node, [build_context(model, network.PLAIN)], calling) as association:
        for status, _ in association.send_c_move(_named(keys), destination, model):
            final = status
            pending(status, "move", partly=True)
    return Moved(
        int(final.Status),
        int(final.get("NumberOfCompletedSuboperations") or 0),
        int(final.get("NumberOfFailedSuboperations") or 0),
    )


def get(
    node: Node,
    calling: str = SELF,
    sop_classes: Iterable[str] | None = None,
    **keys: str,
) -> list[Dataset]:
    """C-GET: fetch the named objects over this very association.

    The caller must say beforehand which kinds of objects it takes: at most 127. By default it first
    asks which SOP classes there are. Objects of other kinds do not come.

    Raises:
        PacsError: refused, or some objects could not be sent.
    """
    kinds = sorted(set(sop_classes if sop_classes is not None else _kinds(node, calling, keys)))
    model = StudyRootQueryRetrieveInformationModelGet
    contexts = [build_context(model, network.PLAIN)]
    contexts += [build_context(kind, network.PLAIN) for kind in kinds]
    arrived: list[Dataset] = []
    with associate(
        node,
        contexts,
        calling,
        roles=kinds,
        handlers=[(evt.EVT_C_STORE, _arrive, [arrived])],
    ) as association:
        for status, _ in association.send_c_get(_named(keys), model):
            pending(status, "get", partly=sop_classes is not None)
    return arrived


def _arrive(event: evt.Event, arrived: list[Dataset]) -> int:
    dataset = event.dataset
    dataset.file_meta = event.file_meta
    arrived.append(dataset)
    return 0x0000


def _kinds(node: Node, calling: str, keys: dict[str, str]) -> set[str]:
    """SOP classes of the objects that `keys` name, asked series by series."""
    kinds = set()
    for series in query(node, "SERIES", calling, **{"SeriesInstanceUID": "", **_above(keys)}):
        names = {**_above(keys), "SeriesInstanceUID": str(series.SeriesInstanceUID)}
        images = query(node, "IMAGE", calling, **{"SOPInstanceUID": "", "SOPClassUID": "", **names})
        kinds |= {str(image.SOPClassUID) for image in images}
    return kinds


def _above(keys: dict[str, str]) -> dict[str, str]:
    names = ("StudyInstanceUID", "SeriesInstanceUID")
    return {name: keys[name] for name in names if keys.get(name)}


def commit(
    node: Node, objects: Iterable[Dataset], calling: str = SELF, wait_s: float = TIMEOUT_S
) -> Committed:
    """Ask `node` to vouch for objects; waits for its report over the same association.

    Raises:
        PacsError: refused, or no report came within `wait_s` seconds.
    """
    wanted = Dataset()
    wanted.TransactionUID = generate_uid(prefix=None)  # names this one conversation
    wanted.ReferencedSOPSequence = [
        commitment.reference(o.SOPClassUID, o.SOPInstanceUID) for o in objects
    ]
    came, reports = threading.Event(), []

    def reported(event: evt.Event) -> tuple[int, None]:
        reports.append(event.event_information)
        came.set()
        return 0x0000, None

    contexts = [build_context(StorageCommitmentPushModel)]
    handlers = [(evt.EVT_N_EVENT_REPORT, reported)]
    with associate(node, contexts, calling, handlers=handlers) as association:
        answer, _ = association.send_n_action(
            wanted, commitment.ASK, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        require_success(answer, "storage commitment")
        if not came.wait(wait_s):
            raise PacsError(f"{node} sent no report on the storage within {wait_s:g} s.")
    report = reports[0]
    return Committed(
        [str(i.ReferencedSOPInstanceUID) for i in report.get("ReferencedSOPSequence", [])],
        {str(i.ReferencedSOPInstanceUID): int(i.FailureReason)
         for i in report.get("FailedSOPSequence", [])},
    )  # fmt: skip


def _identifier(level: str, keys: dict[str, str]) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level_named(level).name
    if not all(str(value).isascii() for value in keys.values()):
        identifier.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in keys.items():
        put(identifier, keyword, str(value))
    return identifier


def _named(keys: dict[str, str]) -> Dataset:
    """What a retrieve asks for: the deepest UID given says the level."""
    names = {"StudyInstanceUID": "STUDY", "SeriesInstanceUID": "SERIES", "SOPInstanceUID": "IMAGE"}
    if "StudyInstanceUID" not in keys or not set(keys) <= set(names):
        raise ValueError("Name what to retrieve by StudyInstanceUID, and further UIDs to narrow.")
    return _identifier([names[name] for name in names if name in keys][-1], keys)

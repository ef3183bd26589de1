"""One setting chooses the archive: ours, which pip installs, or a real Orthanc."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests
from dicomweb_client import DICOMwebClient

from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.network import Node, free_port
from course_lib.dicom.pacs.orthanc import OrthancServer
from course_lib.dicom.pacs.server import DicomServer
from course_lib.dicom.pacs.web import WebServer

SETTING = "COURSE_PACS"
KINDS = ("embedded", "orthanc")
CALLERS = ("STUDENT", "SCANNER", "AI", "WARD", "ARCHIVE")  # whom Orthanc lets in


@dataclass(frozen=True)
class Running:
    """A running archive: its kind, its DICOM node, and where its web services stand."""

    kind: str
    node: Node
    web_url: str
    wado_url: str

    def web(self) -> DICOMwebClient:
        """A client for the web services; it goes there directly, past any proxy of this network."""
        session = requests.Session()
        session.trust_env = False
        return DICOMwebClient(self.web_url, session=session)


@contextlib.contextmanager
def open_archive(
    kind: str | None = None,
    folder: str | Path | None = None,
    destinations: Mapping[str, Node] | None = None,
    ae_title: str = "ARCHIVE",
) -> Iterator[Running]:
    """Run an archive on this computer for the length of a ``with`` block.

    Args:
        kind: "embedded" or "orthanc"; None takes the environment variable COURSE_PACS, and
            without it "embedded".
        folder: where it keeps its objects; None for a passing one that is deleted at the end.
        destinations: AE title -> Node to which it may send (C-MOVE).
        ae_title: its own name.

    Raises:
        ValueError: another kind.
        NotInstalled: Orthanc was chosen and is not on this computer.
    """
    kind = kind or os.environ.get(SETTING) or "embedded"
    if kind not in KINDS:
        raise ValueError(f"There is no archive {kind!r}; choose {' or '.join(KINDS)}.")
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="archive-", ignore_cleanup_errors=True)
            )
        known = dict(destinations or {})
        if kind == "orthanc":
            callers = {name: Node(name, free_port()) for name in CALLERS if name not in known}
            orthanc = stack.enter_context(OrthancServer(folder, ae_title, known | callers))
            yield Running(kind, orthanc.node, orthanc.web_url, orthanc.wado_url)
        else:
            archive = stack.enter_context(Archive(folder))
            server = stack.enter_context(DicomServer(archive, ae_title, destinations=known))
            web = stack.enter_context(WebServer(archive))
            yield Running(kind, server.node, web.web_url, web.wado_url)

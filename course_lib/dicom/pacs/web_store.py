"""STOW-RS: store objects over the web. POST /studies with many files in one message (PS3.18, 10.5).

The promise is that of C-STORE: what the answer lists as stored is on the disk.
"""

import json

from tornado.web import HTTPError

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.pacs import media
from course_lib.dicom.pacs.archive import Clash, header_of
from course_lib.dicom.pacs.dicom_json import element, tag
from course_lib.dicom.pacs.files import StorageFull
from course_lib.dicom.pacs.index import Row
from course_lib.dicom.pacs.levels import UNIQUE_KEYS, attributes_of
from course_lib.dicom.pacs.statuses import (
    CANNOT_UNDERSTAND,
    CLASH,
    DOES_NOT_MATCH,
    OUT_OF_RESOURCES,
)
from course_lib.dicom.pacs.web_base import JSON, ROOT, STUDY, ArchiveHandler
from course_lib.dicom.pacs.web_retrieve import DICOM, Retrieve
from course_lib.dicom.pacs.web_search import Search


class Store(ArchiveHandler):
    """Keep every object of a message; say for each whether it was kept, and if not, why."""

    def post(self, study: str = "") -> None:
        """200 if all were kept, 202 if some were, 409 if none was."""
        if study:
            self.keys(study)
        kept: list[dict] = []
        failed: list[dict] = []
        for content in self.objects():
            names, reason = self.store(content, study)
            (kept if reason is None else failed).append(self.outcome(names, reason))
        answer = element("RetrieveURL", self.address_of({"StudyInstanceUID": study}))
        if failed:
            answer[tag("FailedSOPSequence")] = {"vr": "SQ", "Value": failed}
        if kept:
            answer[tag("ReferencedSOPSequence")] = {"vr": "SQ", "Value": kept}
        self.set_status(409 if not kept else 202 if failed else 200)
        self.set_header("Content-Type", JSON)
        self.finish(json.dumps(dict(sorted(answer.items()))))

    def objects(self) -> list[bytes]:
        """The DICOM files of the message. HTTPError 415 or 400 if it is of another kind."""
        kind = media.media(self.request.headers.get("Content-Type", ""))
        if kind.name != "multipart/related" or kind.inner not in (DICOM, "*/*"):
            raise HTTPError(415, f'Send multipart/related; type="{DICOM}".')
        if not kind.parameters.get("boundary"):
            raise HTTPError(400, "The message does not say what separates its parts (boundary).")
        found = media.parts(self.request.body, kind.parameters["boundary"])
        if not found:
            raise HTTPError(400, "The message holds no object.")
        return [content for _, content in found]

    def store(self, content: bytes, study: str) -> tuple[Row, int | None]:
        """Keep one object: its names as far as they are known, and the reason if it was refused."""
        names: Row = {}
        try:
            names = attributes_of(header_of(content))
            if study and names["StudyInstanceUID"] != study:
                return names, DOES_NOT_MATCH
            self.archive.keep(content)
        except UnreadableFile:
            return names, CANNOT_UNDERSTAND
        except Clash:
            return names, CLASH
        except StorageFull:
            return names, OUT_OF_RESOURCES
        return names, None

    def outcome(self, names: Row, reason: int | None) -> dict:
        """The entry of one object in the answer."""
        entry: dict = {}
        if names:
            entry |= element("ReferencedSOPClassUID", names["SOPClassUID"])
            entry |= element("ReferencedSOPInstanceUID", names["SOPInstanceUID"])
        if reason is not None:
            return entry | element("FailureReason", reason)
        return entry | element("RetrieveURL", self.address_of({k: names[k] for k in UNIQUE_KEYS}))


class SearchOrStore(Store, Search):
    """/studies: GET searches, POST stores."""


class RetrieveOrStore(Store, Retrieve):
    """/studies/{study}: GET fetches, POST stores objects of this study only."""


STORE: list[tuple] = [
    (f"{ROOT}/studies", SearchOrStore, {"level": "STUDY"}),
    (STUDY, RetrieveOrStore),
]

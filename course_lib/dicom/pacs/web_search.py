"""QIDO-RS: search over the web. GET /studies?PatientName=KIM* (PS3.18, 10.6)."""

import json

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from tornado.web import HTTPError

from course_lib.dicom.pacs.dicom_json import element, row_as_json
from course_lib.dicom.pacs.index import Row
from course_lib.dicom.pacs.levels import expression, level_named, up_to
from course_lib.dicom.pacs.web_base import JSON, ROOT, SERIES, STUDY, ArchiveHandler

NO_KEYS = {"limit", "offset", "includefield", "fuzzymatching"}
UID_KEYS = {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"}


class Search(ArchiveHandler):
    """Entities of one level, each once, as DICOM JSON."""

    def initialize(self, level: str) -> None:
        """`level`: what the address asks for."""
        self.level = level_named(level)

    def get(self, *uids: str) -> None:
        """Answer a search; 204 where nothing matches."""
        keys = {**self.asked_keys(), **self.keys(*uids)}
        columns = []
        for place in up_to(self.level):
            columns += [place.unique, *place.keywords, *place.counted]
        rows = self.archive.find(self.level.name, keys, columns)
        first = self.number("offset", 0)
        most = self.number("limit")
        rows = rows[first:][:most]
        if not rows:
            self.set_status(204)
            return
        self.set_header("Content-Type", JSON)
        self.finish(json.dumps([self.as_json(row) for row in rows]))

    def asked_keys(self) -> Row:
        """Keys of the address by keyword; it may name them by keyword or by tag."""
        keys = {}
        for name in self.request.query_arguments:
            if name in NO_KEYS:
                continue
            keyword = keyword_for_tag(name) if _is_tag(name) else name
            if tag_for_keyword(keyword) is None:
                raise HTTPError(400, f"{name!r} is not an attribute.")
            if expression(keyword, self.level) is None:
                raise HTTPError(400, f"{keyword} cannot be searched at this level.")
            value = self.get_query_argument(name)
            keys[keyword] = value.replace(",", "\\") if keyword in UID_KEYS else value
        return keys

    def as_json(self, row: Row) -> dict:
        """One match, with the address at which it can be fetched."""
        found = {**row_as_json(row), **element("RetrieveURL", self.address_of(row))}
        return dict(sorted({**found, **element("InstanceAvailability", "ONLINE")}.items()))


def _is_tag(name: str) -> bool:
    return len(name) == 8 and all(c in "0123456789abcdefABCDEF" for c in name)


SEARCH = [
    (f"{ROOT}/series", Search, {"level": "SERIES"}),
    (f"{ROOT}/instances", Search, {"level": "IMAGE"}),
    (f"{STUDY}/series", Search, {"level": "SERIES"}),
    (f"{STUDY}/instances", Search, {"level": "IMAGE"}),
    (f"{SERIES}/instances", Search, {"level": "IMAGE"}),
]

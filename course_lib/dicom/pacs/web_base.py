"""What all web services of the archive share: addresses, who may ask, errors in words."""

import logging
from urllib.parse import urlsplit

from tornado.web import HTTPError, RequestHandler

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.pacs.archive import Archive, Kept
from course_lib.dicom.pacs.index import Row
from course_lib.dicom.pacs.levels import UNIQUE_KEYS, is_uid
from course_lib.dicom.pacs.matching import BadQuery
from course_lib.dicom.pacs.media import BadMessage
from course_lib.dicom.pacs.rendering import CannotConvert

LOG = logging.getLogger(__name__)
ROOT = "/dicom-web"
UID_PART = r"([^/]+)"
STUDY = f"{ROOT}/studies/{UID_PART}"
SERIES = f"{STUDY}/series/{UID_PART}"
INSTANCE = f"{SERIES}/instances/{UID_PART}"
JSON = "application/dicom+json"
LOCAL_NAMES = {"127.0.0.1", "localhost", "::1"}
STATUS_OF = {UnreadableFile: 500, BadQuery: 400, BadMessage: 400, CannotConvert: 406}


class ArchiveHandler(RequestHandler):
    """A request to the archive; errors are answered in one sentence of plain text."""

    @property
    def archive(self) -> Archive:
        """The archive that answers."""
        return self.application.settings["archive"]

    def prepare(self) -> None:
        """Turn away pages of the web that reach this computer under a name of their own.

        A page can make the browser ask 127.0.0.1 under the page's own host name ("DNS rebinding"),
        and could then read the answers. A caller on this computer says so in the Host header.
        """
        host = urlsplit("//" + self.request.host).hostname
        if host not in LOCAL_NAMES and not self.application.settings["any_host"]:
            raise HTTPError(403, "This archive serves this computer only.")

    def keys(self, *uids: str) -> Row:
        """The UIDs of an address as keys: study, series, instance. HTTPError 400 for nonsense."""
        for uid in uids:
            if not is_uid(uid):
                raise HTTPError(400, "An address holds UIDs: digits and dots, at most 64.")
        return dict(zip(UNIQUE_KEYS[1:], uids, strict=False))

    def kept(self, *uids: str) -> list[Kept]:
        """The objects that an address names. HTTPError 404 if there are none."""
        found = self.archive.kept(self.keys(*uids))
        if not found:
            raise HTTPError(404, "The archive holds no such object.")
        return found

    def address_of(self, row: Row) -> str:
        """Where the study, series or instance of a row can be fetched."""
        path = self.application.settings["address"] + ROOT
        for keyword, step in zip(UNIQUE_KEYS[1:], ("studies", "series", "instances"), strict=True):
            if row.get(keyword):
                path += f"/{step}/{row[keyword]}"
        return path

    def number(self, name: str, default: int | None = None) -> int | None:
        """A whole number from 0 in the address. HTTPError 400 for anything else."""
        text = self.get_query_argument(name, None)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise HTTPError(400, f"{name} must be a whole number.")
        return int(text)

    def send_error(self, status_code: int = 500, **kwargs) -> None:
        """Give the library's own errors their status."""
        error = kwargs.get("exc_info", (None, None))[1]
        super().send_error(STATUS_OF.get(type(error), status_code), **kwargs)

    def write_error(self, status_code: int, **kwargs) -> None:
        """The reason in plain text; nothing of the inner workings."""
        error = kwargs.get("exc_info", (None, None))[1]
        known = isinstance(error, tuple(STATUS_OF))
        reason = error.log_message if isinstance(error, HTTPError) else str(error) if known else ""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{reason or 'The archive could not answer.'}\n")

    def log_exception(self, kind, value, trace) -> None:
        """Only what nobody foresaw goes to the log."""
        if not isinstance(value, (HTTPError, *STATUS_OF)):
            LOG.error("A web request failed.", exc_info=(kind, value, trace))


class Nothing(ArchiveHandler):
    """Every address that no other handler answers."""

    def get(self, *_parts: str) -> None:
        """404."""
        raise HTTPError(404, "Nothing is served at this address.")

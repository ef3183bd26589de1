"""WADO-URI: the older way to fetch one object, everything in the query (PS3.18, 9)."""

from pydicom.uid import ExplicitVRLittleEndian
from tornado.web import HTTPError

from course_lib.dicom.pacs.rendering import PICTURES, View, encoded, picture
from course_lib.dicom.pacs.web_base import ArchiveHandler
from course_lib.dicom.pacs.web_retrieve import DICOM, frame_numbers
from course_lib.dicom.pixels import Window


class WadoUri(ArchiveHandler):
    """GET /wado?requestType=WADO&studyUID=...&seriesUID=...&objectUID=...&contentType=..."""

    def get(self) -> None:
        """One object as DICOM, JPEG or PNG; JPEG if the caller does not say."""
        if self.get_query_argument("requestType", "") != "WADO":
            raise HTTPError(400, "requestType must be WADO.")
        uids = [self.get_query_argument(f"{name}UID", "") for name in ("study", "series", "object")]
        kept = self.kept(*uids)[0]
        kind = self.get_query_argument("contentType", "image/jpeg")
        if kind not in (DICOM, *PICTURES):
            raise HTTPError(406, f"Objects come as {DICOM}, {' or '.join(PICTURES)}.")
        self.set_header("Content-Type", kind)
        if kind == DICOM:
            syntax = self.get_query_argument("transferSyntax", ExplicitVRLittleEndian)
            self.finish(encoded(kept, syntax))
        else:
            dataset = kept.dataset()
            frame = frame_numbers(self.get_query_argument("frameNumber", "1"), dataset)[0]
            self.finish(picture(dataset, View(frame, self.window(), self.size()), kind))

    def window(self) -> Window | None:
        """windowCenter and windowWidth; both or neither."""
        center = self.get_query_argument("windowCenter", None)
        width = self.get_query_argument("windowWidth", None)
        if center is None or width is None:
            return None
        try:
            found = Window(float(center), float(width))
        except ValueError:
            raise HTTPError(400, "windowCenter and windowWidth are numbers.") from None
        if not found.width > 0:
            raise HTTPError(400, "A window's width is above zero.")
        return found

    def size(self) -> tuple[int, int] | None:
        """rows and columns: the largest height and width."""
        rows, columns = self.number("rows"), self.number("columns")
        if not rows and not columns:
            return None
        return columns or rows or 0, rows or columns or 0


WADO_URI = [("/wado", WadoUri)]

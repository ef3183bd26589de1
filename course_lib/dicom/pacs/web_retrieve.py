"""WADO-RS: fetch objects, their headers, frames or pictures over the web (PS3.18, 10.4)."""

import json

from pydicom.uid import ExplicitVRLittleEndian
from tornado.web import HTTPError

from course_lib.dicom.pacs import media
from course_lib.dicom.pacs.archive import Kept
from course_lib.dicom.pacs.dicom_json import metadata
from course_lib.dicom.pacs.rendering import (
    BYTES,
    FRAME_TYPES,
    PICTURES,
    CannotConvert,
    View,
    encoded,
    frame_bytes,
    picture,
)
from course_lib.dicom.pacs.web_base import INSTANCE, JSON, SERIES, STUDY, ArchiveHandler
from course_lib.dicom.pixels import Window

DICOM = "application/dicom"
ANY = {"*/*", "application/*"}
THUMBNAIL = (160, 160)


class Retrieve(ArchiveHandler):
    """A study, series or instance as DICOM files."""

    async def get(self, *uids: str) -> None:
        """All objects that the address names, one after another."""
        found = self.kept(*uids)
        wanted = self.wanted()
        syntax = wanted.parameters.get("transfer-syntax", ExplicitVRLittleEndian)
        if wanted.name == DICOM:
            if len(found) != 1:
                raise HTTPError(406, "Several objects come as multipart/related only.")
            self.set_header("Content-Type", DICOM)
            self.finish(encoded(found[0], syntax))
            return
        first = encoded(found[0], syntax)  # what cannot be converted shows before anything is sent
        self.set_header("Content-Type", media.multipart_type(DICOM))
        self.write(media.part(first, DICOM))
        for kept in found[1:]:
            await self.flush()  # one object at a time in memory
            self.write(media.part(encoded(kept, syntax), DICOM))
        self.finish(media.ending())

    def wanted(self) -> media.Media:
        """The caller's first choice among what can be given. HTTPError 406 if there is none."""
        for wanted in media.accepted(self.request.headers.get("Accept", "")):
            if wanted.inner in (DICOM, *ANY):
                return wanted
        raise HTTPError(406, 'Objects come as multipart/related; type="application/dicom".')


class Metadata(ArchiveHandler):
    """The elements of objects, without pixels, as DICOM JSON."""

    def get(self, *uids: str) -> None:
        """A list with one entry per object."""
        listed = [metadata(kept, self.pixel_address(kept)) for kept in self.kept(*uids)]
        self.set_header("Content-Type", JSON)
        self.finish(json.dumps(listed))

    def pixel_address(self, kept: Kept) -> str:
        """Where the first frame of an object is."""
        names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        row = self.archive.find("IMAGE", {"SOPInstanceUID": kept.uid}, names)[0]
        return f"{self.address_of(row)}/frames/1"


class Frames(ArchiveHandler):
    """Single frames, plain or as they are compressed."""

    def get(self, study: str, series: str, instance: str, numbers: str) -> None:
        """The frames of a list such as ``1,3``; the first is number 1."""
        dataset = self.kept(study, series, instance)[0].dataset()
        packed = self.packed(dataset.file_meta.TransferSyntaxUID)
        frames = [frame_bytes(dataset, n, packed) for n in frame_numbers(numbers, dataset)]
        kind = frames[0][1]
        self.set_header("Content-Type", media.multipart_type(kind))
        self.finish(media.joined((content for content, _ in frames), kind))

    def packed(self, syntax: str) -> bool:
        """True if the caller wants frames as they are compressed. HTTPError 406 for other forms."""
        for wanted in media.accepted(self.request.headers.get("Accept", "")):
            if wanted.inner in (BYTES, *ANY):
                return wanted.parameters.get("transfer-syntax") == str(syntax)
            if wanted.inner == FRAME_TYPES.get(syntax):
                return True
        raise HTTPError(406, f"Frames come as {BYTES}, or as they are compressed.")


class Rendered(ArchiveHandler):
    """A picture of one frame, as a viewer shows it."""

    def initialize(self, small: bool = False) -> None:
        """`small`: a thumbnail."""
        self.small = small

    def get(self, study: str, series: str, instance: str = "", number: str = "1") -> None:
        """The picture; ``?window=40,400,linear&viewport=512,512`` choose window and size."""
        uids = (study, series, instance) if instance else (study, series)
        dataset = self.kept(*uids)[0].dataset()
        kind = self.kind()
        size = THUMBNAIL if self.small else None
        view = View(frame_numbers(number, dataset)[0], self.window(), self.viewport() or size)
        if "PixelData" not in dataset:
            raise CannotConvert("This object has no pixels to look at.")
        self.set_header("Content-Type", kind)
        self.finish(picture(dataset, view, kind))

    def kind(self) -> str:
        """JPEG or PNG, as the caller prefers. HTTPError 406 for anything else."""
        for wanted in media.accepted(self.request.headers.get("Accept", "")):
            if wanted.name in PICTURES:
                return wanted.name
            if wanted.name in ("*/*", "image/*"):
                return "image/jpeg"
        raise HTTPError(406, f"Pictures come as {' or '.join(PICTURES)}.")

    def window(self) -> Window | None:
        """``window=center,width,function`` of the address."""
        text = self.get_query_argument("window", None)
        if text is None:
            return None
        center, width, function = ([*text.split(","), "linear"])[:3]
        try:
            found = Window(float(center), float(width), function.upper().replace("-", "_"))
        except ValueError:
            raise HTTPError(400, "Write window=center,width,function.") from None
        if not found.width > 0:
            raise HTTPError(400, "A window's width is above zero.")
        return found

    def viewport(self) -> tuple[int, int] | None:
        """``viewport=width,height`` of the address."""
        text = self.get_query_argument("viewport", None)
        if text is None:
            return None
        sides = text.split(",")[:2]
        if len(sides) != 2 or not all(s.isascii() and s.isdigit() and int(s) > 0 for s in sides):
            raise HTTPError(400, "Write viewport=width,height in pixels.")
        return int(sides[0]), int(sides[1])


def frame_numbers(text: str, dataset) -> list[int]:
    """Frames of ``1,3`` counted from 0. HTTPError 400 for nonsense, 404 beyond the last."""
    if not all(part.isascii() and part.isdigit() for part in text.split(",")):
        raise HTTPError(400, "Frames are numbered from 1, separated by commas.")
    count = int(dataset.get("NumberOfFrames") or 1)
    numbers = [int(part) for part in text.split(",")]
    if not all(1 <= number <= count for number in numbers):
        raise HTTPError(404, f"This object has the frames 1 to {count}.")
    return [number - 1 for number in numbers]


RETRIEVE: list[tuple] = [
    (SERIES, Retrieve),
    (INSTANCE, Retrieve),
    (f"{STUDY}/metadata", Metadata),
    (f"{SERIES}/metadata", Metadata),
    (f"{INSTANCE}/metadata", Metadata),
    (f"{INSTANCE}/frames/([^/]+)", Frames),
    (f"{INSTANCE}/rendered", Rendered),
    (f"{INSTANCE}/frames/([^/]+)/rendered", Rendered),
    (f"{INSTANCE}/thumbnail", Rendered, {"small": True}),
    (f"{SERIES}/thumbnail", Rendered, {"small": True}),
]

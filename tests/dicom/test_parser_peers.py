"""Our parser reads every file as pydicom does: the same tags, VRs and bytes, at every depth."""

import warnings
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.parser import DEFLATED, Element, inflated, parse

PYDICOM = Path(pydicom.data.__file__).parent
NO_DICOM = {".py", ".pyc", ".json", ".txt", ".md", ".gz", ".dump", ".icc", ".nrrd"}
# Cut off, or begun in the middle, by those who made them: ours must say so in one sentence.
DAMAGED = {"MR_truncated.dcm", "rtplan_truncated.dcm", "DICOMDIR-nooffset", "no_meta.dcm"}


def files_in(folder: Path) -> list[Path]:
    found = (p for p in folder.rglob("*") if p.is_file() and p.suffix not in NO_DICOM)
    return sorted(p for p in found if p.name != "README")


def assert_same(elements: list[Element], theirs: Dataset, data: bytes, little: bool) -> None:
    ours = {e.tag: e for e in elements}
    raws = {int(tag): raw for tag, raw in theirs._dict.items()}
    assert list(ours) == list(raws)
    for tag, element in ours.items():
        raw = raws[tag]
        if element.vr == "SQ":
            items = theirs[tag].value
            assert theirs[tag].VR == "SQ" and len(items) == len(element.items)
            for item, dataset in zip(element.items, items, strict=True):
                assert_same(list(item.elements), dataset, data, little)
            continue
        value = data[element.at : element.end - 8] if element.items else element.value
        if isinstance(raw, RawDataElement):
            assert (raw.value or b"") == value
            assert raw.VR is None or element.vr in raw.VR
        else:  # pydicom has converted it already (meta group, character set, fragments)
            mine = RawDataElement(raw.tag, element.vr, len(value), value, 0, False, little)
            assert convert_raw_data_element(mine).value == raw.value
            assert element.vr in raw.VR


def assert_as_pydicom(path: Path) -> int:
    data = path.read_bytes()
    elements = list(parse(data, str(path)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(path, force=True)
        meta = [e for e in elements if e.tag >> 16 == 2]
        assert_same(meta, theirs.file_meta, data, True)
        if theirs.file_meta.get("TransferSyntaxUID") == DEFLATED:
            data = inflated(data[meta[-1].end :])
        assert_same(elements[len(meta) :], theirs, data, theirs.original_encoding[1])
    return len(elements)


FILES = files_in(PYDICOM)
WHOLE = [path for path in FILES if path.name not in DAMAGED]


def test_there_are_files_of_every_kind():
    assert len(WHOLE) > 150
    assert len(FILES) - len(WHOLE) == len(DAMAGED)


@pytest.mark.parametrize("path", WHOLE, ids=lambda p: p.relative_to(PYDICOM).as_posix())
def test_pydicoms_own_files(path):
    assert assert_as_pydicom(path) > 0


def test_real_files(real_data):
    for path in files_in(real_data / "dicom"):
        assert assert_as_pydicom(path) > 20, path


@pytest.mark.parametrize("name", ["MR_truncated.dcm", "rtplan_truncated.dcm"])
def test_what_comes_before_the_damage_is_read(name):
    path = PYDICOM / "test_files" / name
    good: list[Element] = []
    with pytest.raises(UnreadableFile, match=r"damaged at byte \d+: .* claims \d+ bytes, only"):
        for element in parse(path.read_bytes(), str(path)):
            good.append(element)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(path)
    assert [e.tag for e in good if e.tag >> 16 != 2] == list(theirs.keys())[:-1]


@pytest.mark.parametrize("name", ["dicomdirtests/DICOMDIR-nooffset", "no_meta.dcm"])
def test_damaged_files_are_named(name):
    with pytest.raises(UnreadableFile, match=name):
        list(parse((PYDICOM / "test_files" / name).read_bytes(), name))

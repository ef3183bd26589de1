"""The checker knows the module tables, the values, and what elements say about each other."""

import copy

import numpy as np
import pytest
from dicom_making import dicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from course_lib.dicom.conformance.checker import check
from course_lib.dicom.conformance.modules import holds, kinds, modules
from course_lib.dicom.conformance.values import problem_of_text
from course_lib.dicom.dictionary import tag_of
from course_lib.dicom.identity import make_identity
from course_lib.dicom.uids import meaning_of_uid, problem_of_uid
from course_lib.dicom.writing.ct import ct_slices
from course_lib.dicom.writing.dx import dx_image
from course_lib.dicom.writing.mr import mr_slices

WHO = make_identity(1)
GOOD = {
    "CT": ct_slices(np.zeros((1, 8, 8)), (2, 1, 1), WHO)[0],
    "MR": mr_slices(np.ones((1, 8, 8)), (2, 1, 1), WHO)[0],
    "DX": dx_image(np.zeros((8, 8), np.uint16), 0.2, WHO),
}


def damaged(kind: str, **elements) -> Dataset:
    """A copy of a good file with other elements; None deletes one, "" empties it."""
    ds = copy.deepcopy(GOOD[kind])
    for keyword, value in elements.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_file_has_no_problem(kind, tmp_path):
    assert check(GOOD[kind]) == []
    path = tmp_path / "good.dcm"
    GOOD[kind].save_as(path, enforce_file_format=True)
    assert check(path) == []


@pytest.mark.parametrize("kind", GOOD)
def test_every_type_1_element_must_be_there_with_a_value_and_every_type_2_must_be_there(kind):
    uid = GOOD[kind].SOPClassUID
    rules = [r for m in kinds()[uid].modules if m.name != "file_meta" for r in m.rules]
    tested = 0
    for rule in rules:
        if rule.type not in ("1", "2") or rule.keyword == "SOPClassUID":
            continue
        missing = check(damaged(kind, **{rule.keyword: None}))
        assert any(p.keyword == rule.keyword and "missing" in p.what for p in missing)
        ds = damaged(kind)
        ds[rule.keyword].value = [] if ds[rule.keyword].VR == "SQ" else None
        empty = [
            p for p in check(ds) if p.keyword == rule.keyword and "must not be empty" in p.what
        ]
        assert bool(empty) == (rule.type == "1")
        tested += 1
    assert tested > 30


DAMAGES = [
    ("CT", {"Rows": 9}, "PixelData", "has 128 bytes; .* ask for 144"),
    (
        "CT",
        {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        "ImageOrientationPatient",
        "right angl",
    ),
    ("CT", {"ImageOrientationPatient": [2, 0, 0, 0, 1, 0]}, "ImageOrientationPatient", "unit vec"),
    ("CT", {"HighBit": 15}, "HighBit", "BitsStored - 1"),
    ("CT", {"BitsStored": 17, "HighBit": 16}, "BitsStored", "17"),
    ("CT", {"Modality": "MR"}, "Modality", "CT Image"),
    ("CT", {"PixelSpacing": [0, 1]}, "PixelSpacing", "larger than zero"),
    ("CT", {"PixelSpacing": [1, 1, 1]}, "PixelSpacing", "3 values; the dictionary says 2"),
    ("CT", {"PhotometricInterpretation": "RGB"}, "PhotometricInterpretation", "allowed are MONO"),
    ("CT", {"PlanarConfiguration": 0}, "PlanarConfiguration", "must not be there unless"),
    ("CT", {"PatientSex": "W"}, "PatientSex", "allowed are M, F, O"),
    ("CT", {"WindowWidth": None}, "WindowWidth", "missing because has.WindowCenter"),
    ("CT", {"WindowWidth": [400]}, "WindowWidth", "1 values for 2"),
    ("CT", {"WindowWidth": [0, 1]}, "WindowWidth", "below 1"),
    ("CT", {"PatientPosition": None}, "PatientPosition", "missing because"),
    ("CT", {"SpecificCharacterSet": None}, "SpecificCharacterSet", "PatientName holds letters"),
    ("CT", {"LossyImageCompression": "01"}, "LossyImageCompressionRatio", "missing because"),
    ("CT", {"PatientIdentityRemoved": "YES"}, "DeidentificationMethod", "missing because"),
    ("MR", {"ScanningSequence": "XX"}, "ScanningSequence", "allowed are SE"),
    ("MR", {"ScanningSequence": "IR"}, "InversionTime", "missing because 'IR' in"),
    ("MR", {"RepetitionTime": None}, "RepetitionTime", "missing because"),
    ("DX", {"PhotometricInterpretation": "MONOCHROME1"}, "PresentationLUTShape", "for INVERSE"),
    ("DX", {"PixelIntensityRelationshipSign": 3}, "PixelIntensityRelationshipSign", "1, -1"),
    ("DX", {"RescaleSlope": 2}, "RescaleSlope", "allowed are 1"),
    ("DX", {"WindowCenter": None, "WindowWidth": None}, "VOILUTSequence", "missing because"),
]


@pytest.mark.parametrize(("kind", "change", "keyword", "what"), DAMAGES)
def test_damage_is_named(kind, change, keyword, what):
    assert [p for p in check(damaged(kind, **change)) if p.keyword == keyword]
    with pytest.raises(AssertionError, match=what):
        raise AssertionError("\n".join(str(p) for p in check(damaged(kind, **change))))


def test_private_elements_need_an_owner():
    ds = damaged("CT")
    ds.add_new(0x00111001, "LO", "secret")
    assert [p.what for p in check(ds)] == ["lies in a block that nobody has reserved"]
    ds.add_new(0x00110010, "LO", "ACME")
    assert check(ds) == []
    ds[0x00110010].value = ""
    assert [p.what for p in check(ds)] == ["names no owner"]


def test_a_study_is_not_a_series():
    ds = damaged("CT", SeriesInstanceUID=GOOD["CT"].StudyInstanceUID)
    assert [p.what for p in check(ds)] == ["is the same as StudyInstanceUID"]


def test_codes_inside_of_sequences_are_checked():
    ds = damaged("DX")
    del ds.ViewCodeSequence[0].CodeMeaning
    assert [(p.keyword, p.module) for p in check(ds)] == [("CodeMeaning", "code")]


def test_a_problem_reads_like_a_sentence():
    (problem,) = check(damaged("CT", PatientName=None))
    assert str(problem) == "(0010,0010) PatientName: is missing [patient, type 2]"


def test_other_kinds_are_said_to_be_unknown():
    (problem, *_) = check(dicom(np.zeros((8, 8), np.uint16)))
    assert "is Computed Radiography Image Storage; only CT, DX, MR" in problem.what


def test_a_real_file_and_what_it_lacks():
    problems = check(get_testdata_file("CT_small.dcm", download=False))
    assert all(p.what for p in problems)
    assert "PatientName" not in {p.keyword for p in problems}


@pytest.mark.parametrize(
    ("vr", "good", "bad"),
    [
        ("CS", "MONOCHROME2", "monochrome2"),
        ("CS", "A" * 16, "A" * 17),
        ("DS", "-1.5e-3", "1,5"),
        ("DS", "0.3", "0.30000000000000004"),
        ("IS", "-12", "1.0"),
        ("IS", "2147483647", "2147483648"),
        ("DA", "20240229", "20230229"),
        ("DA", "20240304", "2024.03.04"),
        ("TM", "093000.5", "9:30"),
        ("AS", "061Y", "61"),
        ("PN", "Kim^Jiwon=金^智媛=김^지원", "a=b=c=d"),
        ("UI", "1.2.840.10008.1.2", "1.2.0840.1"),
        ("LO", "x" * 64, "x" * 65),
    ],
)
def test_values_of_every_kind(vr, good, bad):
    assert problem_of_text(vr, good) is None
    assert problem_of_text(vr, bad)


def test_uids():
    assert problem_of_uid("2.25.329800735698586629295641978511506172918") is None
    assert "64" in (problem_of_uid("1." + "2" * 63) or "")
    assert "128 bits" in (problem_of_uid(f"2.25.{2**128}") or "")
    assert problem_of_uid("") and problem_of_uid("1..2") and problem_of_uid("1.2.")
    assert meaning_of_uid("1.2.840.10008.5.1.4.1.1.2") == "CT Image Storage"
    assert meaning_of_uid("1.2.3") == ""


def test_the_tables_hold_only_what_the_dictionary_knows_and_conditions_that_can_be_read():
    for module in modules().values():
        for rule in module.rules:
            assert tag_of(rule.keyword)
            assert rule.type in ("1", "1C", "2", "2C", "3")
            assert rule.type.endswith("C") == (rule.when != "True"), rule
            assert holds(rule.when, Dataset()) in (True, False)
            assert not rule.items or rule.items in modules()


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("SamplesPerPixel > 1", False),
        ("SamplesPerPixel == 1 and has(Rows)", True),
        ("has(PixelAspectRatio)", False),
        ("PixelAspectRatio != 1", False),  # absent: no comparison holds
        ("'PRIMARY' in ImageType", True),
        ("Modality in ('CT', 'MR')", True),
        ("not Modality in ('DX', 'CR')", True),
    ],
)
def test_conditions(condition, truth):
    assert holds(condition, GOOD["CT"]) is truth


def test_a_condition_cannot_run_programs():
    with pytest.raises(ValueError, match="cannot be read"):
        holds("__import__('os').getcwd()", Dataset())

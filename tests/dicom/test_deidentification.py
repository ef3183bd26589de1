"""De-identification: nothing is left in any byte, references hold, and pictures stay the same."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from course_lib.dicom.deidentification.dataset import CannotDeidentify, deidentify
from course_lib.dicom.deidentification.folder import deidentify_folder, kept_on_purpose
from course_lib.dicom.deidentification.leaks import Identifier, find_identifiers, identifiers_of
from course_lib.dicom.deidentification.profile import Profile, table
from course_lib.dicom.deidentification.pseudonyms import Pseudonyms
from course_lib.dicom.identity import CHARACTER_SETS, make_identity
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.pixels import displayed
from course_lib.dicom.results.report import Measured, read_report, report
from course_lib.dicom.results.segmentation import read_segmentation, segmentation
from course_lib.dicom.writing.ct import ct_slices
from course_lib.dicom.writing.files import save

KEY = bytes(range(32))
WHO = make_identity(
    11, "M", 93, character_set="korean", description="CT chest, Park Dohyun, ward 7"
)
SHAPE = (3, 24, 20)
VOLUME = np.random.default_rng(0).integers(-1000, 1500, SHAPE)
OPTIONS = tuple(table()["options"])
SAFE = ["clean_structured_content", "clean_descriptors", "clean_graphics", "retain_modified_dates"]


def bad_file() -> pydicom.Dataset:
    """A CT slice with the patient's identity in every corner where real files have it."""
    ds = ct_slices(VOLUME, (2, 1, 1), WHO)[0]
    latin = WHO.name.split("=")[0]
    ds.preamble = (b"exported by " + latin.encode()).ljust(128, b"\0")
    ds.file_meta.SourceApplicationEntityTitle = "KIMS_PC"
    ds.OtherPatientIDsSequence = Sequence([Dataset()])
    ds.OtherPatientIDsSequence[0].PatientID = "RRN-930304"
    ds.RequestAttributesSequence = Sequence([Dataset()])
    ds.RequestAttributesSequence[0].RequestedProcedureDescription = f"for {latin}"
    ds.ReferencedImageSequence = Sequence([Dataset()])
    ds.ReferencedImageSequence[0].ReferencedSOPClassUID = ds.SOPClassUID
    ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID = ds.SOPInstanceUID
    ds.ReferencedImageSequence[0].PatientComments = WHO.name
    ds.PatientAddress, ds.PatientTelephoneNumbers = "Mapo-gu 12, Seoul", "02-555-0123"
    ds.ImageComments = f"{WHO.patient_id} born {WHO.birth_date:%d.%m.%Y}"
    ds.ConvolutionKernel = latin.split("^")[1].upper()  # typed into the wrong field
    ds.SecondaryCaptureDeviceID = WHO.accession
    block = ds.private_block(0x0029, "COURSE PRIVATE", create=True)
    block.add_new(0x10, "LO", latin)
    block.add_new(0x11, "UN", WHO.name.split("=")[2].encode("utf-16-le"))
    ds.add_new(0x60003000, "OW", latin.encode() * 2)
    ds.add_new(0x60004000, "LT", latin)
    ds.add_new(0x50002500, "LO", latin)
    ds.IconImageSequence = Sequence([Dataset()])
    ds.IconImageSequence[0].ImageComments = latin
    ds.DataSetTrailingPadding = latin.encode().ljust(20, b"\0")
    return ds


def in_bytes(ds, tmp_path) -> bytes:
    return save(ds, tmp_path / "file.dcm").read_bytes()


def left(original, clean, tmp_path, profile=None):
    """Identifiers of `original` in the bytes of `clean`, apart from what an option keeps."""
    profile = profile or Profile()
    known = [i for i in identifiers_of(original) if not kept_on_purpose(i, profile)]
    return [str(leak) for leak in find_identifiers(in_bytes(clean, tmp_path), known)]


def test_the_search_finds_the_identity_in_the_original(tmp_path):
    ds = bad_file()
    found = find_identifiers(in_bytes(ds, tmp_path), identifiers_of(ds))
    assert {leak.identifier.kind for leak in found} == {"name", "number", "place", "uid", "date"}


def test_no_byte_of_the_identity_is_left(tmp_path):
    ds = bad_file()
    assert left(ds, deidentify(ds, KEY), tmp_path) == []


@pytest.mark.parametrize("option", OPTIONS)
def test_no_option_keeps_more_than_it_says(tmp_path, option):
    ds = bad_file()
    assert left(ds, deidentify(ds, KEY, [option]), tmp_path, Profile([option])) == []


@pytest.mark.parametrize("character_set", CHARACTER_SETS)
@pytest.mark.parametrize("seed", range(6))
def test_many_people_in_every_character_set(tmp_path, character_set, seed):
    who = make_identity(seed, "FM"[seed % 2], character_set=character_set)
    ds = ct_slices(VOLUME, (2, 1, 1), who)[0]
    ds.StudyDescription, ds.PatientComments = f"CT {who.name.split('=')[0]}", who.name
    assert left(ds, deidentify(ds, KEY, SAFE), tmp_path) == []


def test_the_original_is_not_touched():
    ds = bad_file()
    before = ds.to_json_dict()
    deidentify(ds, KEY, [*SAFE, "clean_pixel_data"])
    assert ds.to_json_dict() == before


def test_the_picture_stays_as_it_was(tmp_path):
    ds = bad_file()
    clean = open_dicom(save(deidentify(ds, KEY), tmp_path / "clean.dcm"))
    assert np.array_equal(displayed(clean), displayed(ds))


def test_hidden_drawings_in_unused_bits_are_cleared():
    ds = ct_slices(VOLUME, (2, 1, 1), WHO)[0]
    ds.PixelData = (np.frombuffer(ds.PixelData, "<u2") | 0x4000).astype("<u2").tobytes()
    clean = deidentify(ds, KEY)
    assert np.array_equal(clean.pixel_array.astype(int) - 1024, VOLUME[0])


def test_studies_of_one_patient_stay_together_and_patients_apart():
    first = make_identity(1, patient_id="A1")
    second = make_identity(1, patient_id="A1", study=1)
    other = make_identity(2, patient_id="B2")
    ids = [
        deidentify(ct_slices(VOLUME, (1, 1, 1), w)[0], KEY).PatientID
        for w in (first, second, other)
    ]
    assert ids[0] == ids[1] != ids[2]


def test_another_key_gives_other_pseudonyms():
    ds = ct_slices(VOLUME, (1, 1, 1), WHO)[0]
    one, two = deidentify(ds, KEY), deidentify(ds, KEY[::-1])
    assert one.PatientID != two.PatientID and one.SOPInstanceUID != two.SOPInstanceUID
    with pytest.raises(ValueError, match="16"):
        deidentify(ds, b"short")


def test_dates_move_by_whole_weeks_and_intervals_stay():
    keeper = Pseudonyms(KEY)
    for patient in ("A", "B", "C"):
        assert 52 <= keeper.weeks(patient) < 572
    ds = ct_slices(VOLUME, (1, 1, 1), WHO)[0]
    clean = deidentify(ds, KEY, ["retain_modified_dates"])
    days = [pydicom.valuerep.DA(d.StudyDate) for d in (ds, clean)]
    assert (days[0] - days[1]).days % 7 == 0 and days[0] != days[1]
    assert clean.StudyTime == ds.StudyTime
    assert not clean.PatientBirthDate
    assert clean.LongitudinalTemporalInformationModified == "MODIFIED"


def test_great_age_is_told_as_ninety():
    ds = ct_slices(VOLUME, (1, 1, 1), WHO)[0]
    assert ds.PatientAge == "093Y"
    assert deidentify(ds, KEY, ["retain_patient_characteristics"]).PatientAge == "090Y"
    assert "PatientAge" not in deidentify(ds, KEY)


def test_cleaned_descriptions_keep_harmless_words_only():
    ds = ct_slices(VOLUME, (1, 1, 1), WHO)[0]
    clean = deidentify(ds, KEY, ["clean_descriptors"])
    assert clean.StudyDescription == "CT chest"
    assert "StudyDescription" not in deidentify(ds, KEY)


def test_the_file_says_what_was_done():
    clean = deidentify(bad_file(), KEY, ["clean_descriptors", "retain_modified_dates"])
    codes = [item.CodeValue for item in clean.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113107"]
    assert clean.PatientIdentityRemoved == "YES"


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="not both"):
        Profile(["retain_full_dates", "retain_modified_dates"])
    with pytest.raises(ValueError, match="Unknown option"):
        Profile(["retain_everything"])


def test_objects_made_of_text_are_refused():
    ds = ct_slices(VOLUME, (1, 1, 1), WHO)[0]
    ds.BurnedInAnnotation = "YES"
    with pytest.raises(CannotDeidentify, match="clean_pixel_data"):
        deidentify(ds, KEY)
    assert deidentify(ds, KEY, ["clean_pixel_data"]).BurnedInAnnotation == "NO"
    ds.EncapsulatedDocument = b"%PDF"
    with pytest.raises(CannotDeidentify, match="document"):
        deidentify(ds, KEY, ["clean_pixel_data"])


def test_safe_private_elements_stay_only_with_the_option():
    ds = ct_slices(VOLUME, (1, 1, 1), WHO)[0]
    ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "1000")
    ds.private_block(0x0021, "SOMEBODY", create=True).add_new(0x0C, "LO", "secret")
    kept = [e for e in deidentify(ds, KEY, ["retain_safe_private"]) if e.tag.is_private]
    assert [str(e.value) for e in kept] == ["SIEMENS MR HEADER", "1000"]
    assert not [e for e in deidentify(ds, KEY) if e.tag.is_private]


def study(folder):
    """A CT, its segmentation and its report, in files named after the patient."""
    images = ct_slices(VOLUME, (2, 1, 1), WHO)
    mask = VOLUME > 500
    seg = segmentation(images, {"lung": mask})
    found = [Measured("nodule", {"volume": 33.0}, segment=1)]
    for index, ds in enumerate([*images, seg, report(images, found, seg)]):
        save(ds, folder / "Park_Dohyun" / f"{index}.dcm")
    return mask, found


def test_a_study_keeps_its_references(tmp_path):
    mask, found = study(tmp_path / "in")
    outcome = deidentify_folder(tmp_path / "in", tmp_path / "out", KEY, SAFE)
    assert outcome.held_back == {} and len(outcome.written) == 5
    files = [pydicom.dcmread(path) for path in outcome.written]
    by_kind = {kind: [d for d in files if d.Modality == kind] for kind in ("CT", "SEG", "SR")}
    images = sorted(by_kind["CT"], key=lambda d: d.ImagePositionPatient[2])
    assert np.array_equal(read_segmentation(by_kind["SEG"][0], images)["lung"], mask)
    assert read_report(by_kind["SR"][0])[0].measurements == found[0].measurements
    assert len({d.PatientID for d in files}) == len({d.StudyInstanceUID for d in files}) == 1
    assert "Park" not in " ".join(map(str, outcome.written))


def test_what_cannot_be_cleaned_is_held_back_with_the_reason(tmp_path):
    study(tmp_path / "in")
    (tmp_path / "in" / "notes.txt").write_text("Park, born 1930")
    outcome = deidentify_folder(tmp_path / "in", tmp_path / "out", KEY)
    reasons = {path.name: reason for path, reason in outcome.held_back.items()}
    assert set(reasons) == {"4.dcm", "notes.txt"}
    assert "clean_structured_content" in reasons["4.dcm"]
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == len(outcome.written) == 4


def test_source_and_target_must_not_overlap(tmp_path):
    with pytest.raises(ValueError, match="outside"):
        deidentify_folder(tmp_path, tmp_path / "out", KEY)
    with pytest.raises(FileNotFoundError):
        deidentify_folder(tmp_path / "nothing", tmp_path / "out", KEY)


REAL = sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm"))


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_files_are_cleaned_or_held_back_but_never_leak(path, tmp_path):
    try:
        original = open_dicom(path)
        clean = deidentify(original, KEY, SAFE)
    except ValueError:
        return
    assert left(original, clean, tmp_path) == []


def test_a_folder_of_real_files_is_cleaned_or_held_back(real_data, tmp_path):
    outcome = deidentify_folder(real_data / "dicom", tmp_path / "out", KEY, SAFE)
    assert len(outcome.written) >= 10
    for path in outcome.written:
        clean = open_dicom(path)
        assert clean.PatientIdentityRemoved == "YES" and not [e for e in clean if e.tag.is_private]
    assert all("left" not in reason for reason in outcome.held_back.values()), outcome.held_back


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("KIM minjun", "name", "Kim^Minjun"),
        ("민준", "name", "Kim^Minjun=金^敏俊=김^민준"),
        ("born 04.03.1980!", "date", "19800304"),
        ("1980년 3월 4일", "date", "19800304"),
        ("19800304093000", "date", "19800304"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "cp949"])
def test_the_search_knows_other_ways_to_write(text, kind, value, encoding):
    data = b"\0\xff" * 9 + text.encode(encoding) + b"\0" * 9
    assert find_identifiers(data, [Identifier(kind, "X", value)])


def test_the_search_looks_into_deflated_files(tmp_path):
    ds = ct_slices(VOLUME, (1, 1, 1), WHO)[0]
    ds.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    assert find_identifiers(in_bytes(ds, tmp_path), identifiers_of(ds))


def test_short_words_count_only_where_they_stand_alone():
    lee = [Identifier("name", "PatientName", "Lee")]
    assert find_identifiers(b"asleep fleece", lee) == []
    assert find_identifiers(b"Mr. LEE.", lee)

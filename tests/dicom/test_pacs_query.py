"""Queries match as the standard says (PS3.4, C.2.2.2), and refuse what it forbids."""

import pytest
from pacs_making import content, hospital, image, uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.identifiers import asked_level, check_hierarchy, ignored, keys_of
from course_lib.dicom.pacs.levels import level_named
from course_lib.dicom.pacs.matching import BadQuery


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive(tmp_path_factory.mktemp("archive")) as opened:
        for ds in hospital():
            opened.keep(content(ds))
        brackets = image("P3", 4, StudyDescription="Thorax [low dose] 100%_x", StudyTime="083000.5")
        opened.keep(content(brackets))
        yield opened


def studies(archive, **keys):
    found = archive.find("STUDY", keys, ["PatientID", "StudyDate"])
    return sorted(f"{row['PatientID']} {row['StudyDate'][-2:]}" for row in found)


ALL = ["P1 01", "P1 02", "P2 03", "P3 04"]


@pytest.mark.parametrize(
    ("keys", "matches"),
    [
        ({}, ALL),
        ({"PatientID": ""}, ALL),
        ({"PatientID": "*"}, ALL),
        ({"PatientID": "P1"}, ALL[:2]),
        ({"PatientID": "p1"}, []),  # letters count, except in names
        ({"PatientID": "P?"}, ALL),
        ({"PatientID": "?"}, []),
        ({"PatientID": "*1"}, ALL[:2]),
        ({"PatientID": "P1\\P3"}, ["P1 01", "P1 02", "P3 04"]),
        ({"PatientName": "name^p1"}, ALL[:2]),
        ({"PatientName": "NAME*"}, ["P1 01", "P1 02", "P3 04"]),
        ({"PatientName": "Name^P1^^"}, ALL[:2]),
        ({"PatientName": "Name"}, []),
        ({"PatientName": "hong^gildong"}, ["P2 03"]),
        ({"PatientName": "洪*"}, ["P2 03"]),
        ({"PatientName": "홍^길동"}, ["P2 03"]),
        ({"StudyDate": "20260102"}, ["P1 02"]),
        ({"StudyDate": "2026.01.02"}, ["P1 02"]),
        ({"StudyDate": "20260102-20260103"}, ["P1 02", "P2 03"]),
        ({"StudyDate": "20260103-"}, ["P2 03", "P3 04"]),
        ({"StudyDate": "-20260101"}, ["P1 01"]),
        ({"StudyTime": "0830"}, ["P3 04"]),
        ({"StudyTime": "08-0930"}, ["P3 04"]),
        ({"StudyTime": "10-10"}, ALL[:3]),
        ({"StudyDescription": "*[low*"}, ["P3 04"]),
        ({"StudyDescription": "*[lod]*"}, []),
        ({"StudyDescription": "*100%*"}, ["P3 04"]),
        ({"StudyDescription": "*' OR 1=1 --"}, []),
        ({"ModalitiesInStudy": "OT"}, ["P1 02"]),
        ({"ModalitiesInStudy": "CT"}, ALL),
        ({"ModalitiesInStudy": "M?"}, []),
        ({"ModalitiesInStudy": "*"}, ALL),
        ({"StudyInstanceUID": uid("P1", 1) + "\\" + uid("P2", 3)}, ["P1 01", "P2 03"]),
        ({"StudyInstanceUID": "1.2.*"}, []),  # a UID knows no wildcard
        ({"InstanceNumber": "99"}, ALL),  # not an attribute of this level: it matches anything
    ],
)
def test_a_key_picks_exactly_what_it_should(archive, keys, matches):
    assert studies(archive, **keys) == matches


@pytest.mark.parametrize("date", ["yesterday", "2026", "20260101-2026", "-", "20260101-20260102-"])
def test_a_date_that_is_none_is_refused(archive, date):
    with pytest.raises(BadQuery):
        studies(archive, StudyDate=date)


def test_counts_are_those_of_the_tree(archive):
    wanted = ["NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances", "ModalitiesInStudy"]
    row = archive.find("STUDY", {"StudyInstanceUID": uid("P1", 2)}, wanted)[0]
    assert [row[name] for name in wanted] == ["2", "2", "CT\\OT"]
    row = archive.find("PATIENT", {"PatientID": "P1"}, ["NumberOfPatientRelatedStudies"])[0]
    assert row == {"NumberOfPatientRelatedStudies": "2"}
    row = archive.find("SERIES", {"SeriesInstanceUID": uid("P1", 1, 1)},
                       ["NumberOfSeriesRelatedInstances"])[0]  # fmt: skip
    assert row == {"NumberOfSeriesRelatedInstances": "3"}


def identifier(level, **keys):
    ds = Dataset()
    ds.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize(
    ("root", "level", "keys", "retrieve", "allowed"),
    [
        ("STUDY", "STUDY", {}, False, True),
        ("STUDY", "SERIES", {}, False, False),
        ("STUDY", "SERIES", {"StudyInstanceUID": "1.2"}, False, True),
        ("STUDY", "SERIES", {"StudyInstanceUID": ["1.2", "1.3"]}, False, False),
        ("STUDY", "IMAGE", {"StudyInstanceUID": "1.2"}, False, False),
        ("STUDY", "STUDY", {}, True, False),
        ("STUDY", "STUDY", {"StudyInstanceUID": ["1.2", "1.3"]}, True, True),
        ("PATIENT", "STUDY", {"StudyInstanceUID": "1.2"}, True, False),
        ("PATIENT", "STUDY", {"StudyInstanceUID": "1.2", "PatientID": "P*"}, True, False),
        ("PATIENT", "STUDY", {"StudyInstanceUID": "1.2", "PatientID": "P1"}, True, True),
        ("PATIENT", "PATIENT", {"PatientID": "P1"}, True, True),
    ],
)
def test_the_levels_above_must_be_named_one_by_one(root, level, keys, retrieve, allowed):
    asked = identifier(level, **keys)

    def check():
        check_hierarchy(keys_of(asked), asked_level(asked, root), root, retrieve)

    if allowed:
        check()
    else:
        with pytest.raises(BadQuery):
            check()


@pytest.mark.parametrize(
    ("root", "level"), [("STUDY", "PATIENT"), ("STUDY", "FILM"), ("STUDY", "")]
)
def test_a_level_that_the_model_lacks_is_refused(root, level):
    with pytest.raises(BadQuery):
        asked_level(identifier(level), root)


def test_a_sequence_of_empty_keys_matches_anything_and_a_full_one_is_reported():
    empty, full = Dataset(), Dataset()
    empty.CodeValue, full.CodeValue = "", "113704"
    study = level_named("STUDY")
    assert not ignored(identifier("STUDY", ProcedureCodeSequence=Sequence([empty])), study)
    assert not ignored(identifier("STUDY", ProcedureCodeSequence=Sequence([])), study)
    asked = identifier("STUDY", ProcedureCodeSequence=Sequence([full]), Manufacturer="X")
    assert ignored(asked, study) == ["Manufacturer", "ProcedureCodeSequence"]

"""One setting opens the archive; the work list collects scores and loses nobody."""

import numpy as np
import pandas as pd
import pytest
from pacs_making import content, image

from course_lib.dicom.identity import make_identity
from course_lib.dicom.pacs import client, orthanc
from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.network import PacsError
from course_lib.dicom.pacs.opening import open_archive
from course_lib.dicom.pacs.orthanc import NotInstalled
from course_lib.dicom.pacs.work_list import scores_of, triage, work_list
from course_lib.dicom.results.report import Measured, report
from course_lib.dicom.writing.dx import dx_image

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def film(number):
    pixels = np.full((16, 16), 100 * number, np.uint16)
    return dx_image(pixels, 1.0, make_identity(number, patient_id=f"P{number}"))


def scored(of, score, finding="pleural_effusion"):
    return report([of], [Measured(finding, {"score": score})])


def test_the_embedded_archive_opens_and_closes_completely():
    with open_archive("embedded") as running:
        client.echo(running.node)
    with pytest.raises(PacsError, match="Nobody answers"):
        client.echo(running.node)


def test_a_folder_given_is_kept(tmp_path):
    with open_archive("embedded", folder=tmp_path) as running:
        client.send(running.node, [image()], progress=False)
    with Archive(tmp_path) as archive:
        assert archive.kept({})[0].content().endswith(content(image())[-100:])


def test_the_setting_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("COURSE_PACS", "filing cabinet")
    with (
        pytest.raises(ValueError, match="choose embedded or orthanc"),
        open_archive(),
    ):
        pass


def test_a_missing_orthanc_is_told_with_what_to_do(monkeypatch):
    monkeypatch.setattr(orthanc.shutil, "which", lambda *args, **more: None)
    with pytest.raises(NotInstalled, match="embedded"), open_archive("orthanc"):
        pass


def test_the_list_has_one_row_per_study_and_the_highest_score():
    films = [film(n) for n in (1, 2, 3)]
    reports = [scored(films[0], 0.2), scored(films[2], 0.9)]
    with open_archive("embedded") as running:
        client.send(running.node, [*films, *reports], progress=False)
        rows = work_list(running.node).set_index("patient")
    assert rows.score["P1"] == 0.2 and rows.score["P3"] == 0.9 and np.isnan(rows.score["P2"])
    assert rows.finding["P3"] == "pleural_effusion" and len(rows) == 3


def test_somebody_elses_report_is_not_used():
    foreign = scored(film(1), 0.99)
    foreign.PatientID = "P2"
    assert scores_of([foreign, scored(film(1), 0.3)], "P1") == {"pleural_effusion": 0.3}


def table(*scores):
    rows = pd.DataFrame({"score": list(scores)}, dtype=float)
    rows["patient"] = [f"P{n}" for n in range(len(rows))]
    rows["date"], rows["uid"] = "20260302", rows.patient
    rows["time"] = [f"08{n:02}00" for n in range(len(rows))]
    return rows


def test_triage_reads_the_urgent_first_and_the_others_as_they_came():
    rows = triage(table(0.1, None, 0.7, 0.2, 0.9, 0.5), threshold=0.5)
    assert list(rows.patient) == ["P4", "P2", "P5", "P0", "P1", "P3"]


@pytest.mark.parametrize("threshold", [-1, 0, 0.5, 1, 2])
def test_triage_loses_nobody(threshold):
    rows = table(*np.random.default_rng(0).uniform(size=30), None, None)
    assert sorted(triage(rows, threshold).patient) == sorted(rows.patient)

"""Batch screening: every file gets an answer or a reason, reports are real DICOM, runs resume."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from pydicom import dcmread

from course_lib.dicom.conformance.checker import check
from course_lib.dicom.results.report import read_report
from course_lib.dicom.writing.dx import write_dx
from course_lib.imaging.radiography import radiograph
from course_lib.learning.scxnn_screening import Scxnn
from course_lib.learning.support_vectors import fit_support_vectors
from course_lib.models.scxnn import DiseaseNetwork
from course_lib.patient.cohort import sample_patient
from course_lib.patient.risk import THIRTEEN
from course_lib.practice.screening import main, screen_folder, urgency, work_list
from course_lib.practice.screening_archive import screen_archive


@pytest.fixture(scope="module")
def scxnn():
    """Untrained networks with a machine that answers both ways: all paths are real, no opinion."""
    torch.manual_seed(0)
    networks = {name: DiseaseNetwork("laptop", 3, "none") for name in THIRTEEN}
    for network in networks.values():
        for weights in network.encoder.parameters():
            weights.data += 0.02 * torch.randn_like(weights)
    plain = Scxnn(networks, 64)
    rng = np.random.default_rng(0)
    films = [rng.random((64, 64), dtype=np.float32) for _ in range(12)]
    logits = plain.logits(films).reshape(12, -1)
    machine = fit_support_vectors(logits, np.arange(12) % 2 == 0, "rbf", 1.0)
    return plain.with_screening(machine, 0.0)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A folder: three frontal films and a lateral one as DICOM, a PNG, a text, a damaged file."""
    root = tmp_path_factory.mktemp("films")
    for number in range(4):
        view = "LAT" if number == 3 else "PA"
        picture = radiograph(sample_patient(number), size=64, view=view, seed=number)
        write_dx(root / f"case{number}.dcm", picture)
    grey = np.random.default_rng(1).integers(0, 255, (70, 60)).astype(np.uint8)
    Image.fromarray(grey).save(root / "photo.png")
    (root / "notes.txt").write_text("not a film")
    (root / "broken.dcm").write_bytes((root / "case0.dcm").read_bytes()[:900])
    return root


def test_every_file_gets_an_answer_or_a_reason(films, scxnn, tmp_path):
    table = screen_folder(films, tmp_path, scxnn).set_index("file")
    assert len(table) == 7
    answered = table[table["answer"] != ""]
    assert set(answered.index) == {"case0.dcm", "case1.dcm", "case2.dcm", "photo.png"}
    assert "not a frontal film" in table.loc["case3.dcm", "reason"]
    assert "text" in table.loc["notes.txt", "reason"] and table.loc["broken.dcm", "reason"]
    assert set(answered["answer"]) <= {"normal_group", "needs_reading"}
    stored = pd.read_csv(tmp_path / "screening.csv", keep_default_na=False)
    assert set(stored["file"]) == set(table.index)


def test_each_dicom_film_is_answered_by_a_valid_report_in_its_study(films, scxnn, tmp_path):
    table = screen_folder(films, tmp_path, scxnn).set_index("file")
    reports = sorted((tmp_path / "reports").glob("*.sr.dcm"))
    assert [path.name for path in reports] == [f"case{n}.dcm.sr.dcm" for n in range(3)]
    for number, path in enumerate(reports):
        source, sr = dcmread(films / f"case{number}.dcm"), dcmread(path)
        assert sr.StudyInstanceUID == source.StudyInstanceUID
        assert sr.PatientID == source.PatientID and sr.Modality == "SR"
        assert all("only CT, DX, MR" in problem.what for problem in check(sr))
        whole, *each = read_report(path)
        assert whole.verdict == table.loc[f"case{number}.dcm", "answer"]
        assert whole.measurements["margin"] == pytest.approx(
            float(table.loc[f"case{number}.dcm", "score"]), abs=1e-4
        )
        assert [found.finding for found in each] == list(THIRTEEN)
        assert all(0 <= found.measurements["score"] <= 1 for found in each)


def test_an_interrupted_run_goes_on_and_ends_alike(films, scxnn, tmp_path):
    whole = screen_folder(films, tmp_path / "a", scxnn)

    class Tired(Exception):
        pass

    class Interrupted(Scxnn):
        asked = 0

        def screen(self, pictures, batch_size=64):
            Interrupted.asked += 1
            if Interrupted.asked == 3:
                raise Tired
            return super().screen(pictures, batch_size)

    weak = Interrupted(scxnn.networks, scxnn.size, scxnn.equalise, scxnn.machine, scxnn.threshold)
    with pytest.raises(Tired):
        screen_folder(films, tmp_path / "b", weak, batch=1)
    done = len(pd.read_csv(tmp_path / "b" / "screening.csv"))
    assert 0 < done < len(whole)
    again = screen_folder(films, tmp_path / "b", weak, batch=1)
    assert Interrupted.asked == 3 + (4 - 2), "films with an answer are not asked about again"
    columns = ["file", "answer", "urgency", "reason"]
    assert again[columns].astype(str).equals(whole[columns].astype(str))


def test_results_inside_the_folder_are_not_screened(films, scxnn, tmp_path):
    import shutil

    root = tmp_path / "copy"
    shutil.copytree(films, root)
    assert len(screen_folder(root, root / "results", scxnn)) == 7
    assert len(screen_folder(root, root / "results", scxnn)) == 7


def test_a_missing_or_empty_folder_is_told(tmp_path, scxnn):
    with pytest.raises(FileNotFoundError, match="not a folder"):
        screen_folder(tmp_path / "nowhere", tmp_path / "out", scxnn)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no file"):
        screen_folder(tmp_path / "empty", tmp_path / "out", scxnn)


def test_the_most_dangerous_disease_decides_the_urgency():
    assert urgency(["nodule", "pneumothorax"]) == "critical"
    assert urgency(["cardiomegaly", "atelectasis"]) == "non_urgent"
    assert urgency([]) == "unclear" == urgency(["a stranger"])


def test_the_work_list_puts_danger_first_and_what_nobody_could_screen_before_the_normal():
    rows = [
        ("a", "normal_group", -1.0, ""),
        ("b", "needs_reading", 0.5, "cardiomegaly"),
        ("c", "", "", ""),
        ("d", "needs_reading", 0.2, "critical"),
        ("e", "needs_reading", 0.9, "unclear"),
        ("f", "needs_reading", 0.4, "critical"),
    ]
    table = pd.DataFrame(rows, columns=["file", "answer", "score", "urgency"])
    assert work_list(table)["file"].tolist() == ["f", "d", "e", "b", "c", "a"]


def test_an_archive_is_screened_once(films, scxnn, tmp_path):
    from course_lib.dicom.pacs import client
    from course_lib.dicom.pacs.archive import Archive
    from course_lib.dicom.pacs.server import DicomServer

    with Archive(tmp_path) as archive, DicomServer(archive, "ARCHIVE") as server:
        client.send(server.node, [films / f"case{n}.dcm" for n in range(4)], progress=False)
        table = screen_archive(server.node, scxnn)
        assert len(table) == 3, "the lateral film is left out"
        found = client.find(server.node, "STUDY", PatientID=table["patient"].iloc[0])
        assert "SR" in str(found["ModalitiesInStudy"].iloc[0])
        assert len(screen_archive(server.node, scxnn)) == 0


def test_the_command_tells_what_it_did(films, tmp_path, capsys, monkeypatch, scxnn):
    monkeypatch.setattr("course_lib.practice.screening.load_scxnn", lambda folder=None: scxnn)
    main([str(films), "--out", str(tmp_path)])
    told = capsys.readouterr().out
    assert "3 not screened" in told and "not for diagnosis" in told
    with pytest.raises(SystemExit):
        main([str(tmp_path / "nowhere"), "--out", str(tmp_path)])

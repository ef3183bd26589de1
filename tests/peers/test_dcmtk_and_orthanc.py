"""Programs of others against the archive: DCMTK's tools, and Orthanc in the archive's place."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from course_lib.dicom.pacs import client
from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.network import Node, PacsError, free_port
from course_lib.dicom.pacs.opening import open_archive
from course_lib.dicom.pacs.orthanc import NotInstalled, find_orthanc
from course_lib.dicom.pacs.server import DicomServer
from course_lib.dicom.results.segmentation import segmentation
from course_lib.dicom.writing.ct import ct_slices

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dicom"))
from pacs_making import hospital, uid

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
STUDY = uid("P1", 1)
# pynetdicom installs tools of the same names beside Python; DCMTK's are elsewhere.
PATH = os.pathsep.join(
    folder
    for folder in os.environ["PATH"].split(os.pathsep)
    if Path(folder) != Path(sys.executable).parent
)
QUICK = dict(os.environ, PATH=PATH, TCP_NODELAY="1")


@pytest.fixture(scope="module", autouse=True)
def dcmtk():
    missing = [t for t in ("echoscu", "storescu", "findscu", "movescu", "getscu")
               if not shutil.which(t, path=PATH)]  # fmt: skip
    if missing:
        pytest.skip(f"DCMTK's tools are not on this computer: {', '.join(missing)}")


def tool(name, node, *arguments, called=None):
    """Run a tool of DCMTK against `node`; returns the process."""
    command = [name, "-v", "-aet", "STUDENT", "-aec", called or node.ae_title]
    command += [*arguments[:-1], node.host, str(node.port), *arguments[-1:]]
    command = [str(part) for part in command if part != ""]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=QUICK)


def query(name, node, level, *more):
    """Run findscu, movescu or getscu in the study root."""
    keys = ["-k", f"QueryRetrieveLevel={level}", *more]
    command = [name, "-v", "-S", "-aet", "STUDENT", "-aec", node.ae_title, *keys]
    command += [node.host, str(node.port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=QUICK)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for number, ds in enumerate(hospital()):
        ds.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


@pytest.fixture
def archive(tmp_path):
    receiver = Node("STUDENT", free_port())
    with (
        Archive(tmp_path / "archive") as kept,
        DicomServer(kept, destinations={"STUDENT": receiver}) as server,
    ):
        yield server


@pytest.fixture
def filled(archive, files):
    done = tool("storescu", archive.node, "+sd", files)
    assert done.returncode == 0, done.stderr
    return archive


def test_echoscu_is_answered_and_a_wrong_name_is_not(archive):
    assert tool("echoscu", archive.node, "").returncode == 0
    refused = tool("echoscu", archive.node, "", called="WRONG")
    assert refused.returncode != 0 and "Called AE Title Not Recognized" in refused.stderr


def test_storescu_delivers_every_object(filled):
    assert len(filled.archive) == 9
    assert all(kept.is_whole() for kept in filled.archive.kept({}))


def test_storescu_sends_a_segmentation_when_it_proposes_it(archive, tmp_path):
    from course_lib.dicom.identity import make_identity

    ct = ct_slices(np.zeros((2, 16, 16)), (5.0, 1.0, 1.0), make_identity(1), (0.0, 0.0, 0.0))
    mask = np.zeros((2, 16, 16), bool)
    mask[:, 4:8, 4:8] = True
    file = tmp_path / "seg.dcm"
    segmentation(ct, {"nodule": mask}).save_as(file, enforce_file_format=True)
    without = tool("storescu", archive.node, file)
    assert "No presentation context" in without.stderr and len(archive.archive) == 0
    assert tool("storescu", archive.node, "-R", file).returncode == 0
    assert len(archive.archive) == 1


@pytest.mark.parametrize(
    ("level", "keys", "rows"),
    [
        ("STUDY", ["-k", "StudyInstanceUID"], 3),
        ("STUDY", ["-k", "PatientID=P1", "-k", "StudyInstanceUID"], 2),
        ("STUDY", ["-k", "PatientName=name*", "-k", "StudyDate=20260102-"], 1),
        ("SERIES", ["-k", f"StudyInstanceUID={STUDY}", "-k", "SeriesInstanceUID"], 2),
        ("IMAGE", ["-k", f"StudyInstanceUID={STUDY}",
                   "-k", f"SeriesInstanceUID={uid('P1', 1, 1)}", "-k", "SOPInstanceUID"], 3),
    ],
)  # fmt: skip
def test_findscu_gets_one_answer_per_entity(filled, level, keys, rows):
    done = query("findscu", filled.node, level, *keys)
    assert done.returncode == 0 and (done.stdout + done.stderr).count("(Pending)") == rows


def test_findscu_asks_for_patients_in_the_patient_root(filled):
    keys = ["-P", "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID"]
    command = ["findscu", "-v", *keys, "-aec", "ARCHIVE", "127.0.0.1", str(filled.node.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=QUICK)
    assert (done.stdout + done.stderr).count("(Pending)") == 2


def same_as_sent(folder, study):
    sent = {ds.SOPInstanceUID: ds for ds in hospital() if ds.StudyInstanceUID == study}
    arrived = [pydicom.dcmread(file) for file in Path(folder).iterdir()]
    assert len(arrived) == len(sent)
    return all(ds.PixelData == sent[ds.SOPInstanceUID].PixelData for ds in arrived)


def test_movescu_receives_the_study(filled, tmp_path):
    folder = tmp_path / "moved"
    folder.mkdir()
    port = filled.destinations["STUDENT"].port
    more = ["-aem", "STUDENT", "+P", str(port), "-od", str(folder)]
    done = query("movescu", filled.node, "STUDY", "-k", f"StudyInstanceUID={STUDY}", *more)
    assert done.returncode == 0, done.stderr
    assert same_as_sent(folder, STUDY)


def test_movescu_to_an_unknown_place_hears_a801(filled):
    more = ["-aem", "NOWHERE", "-d"]
    done = query("movescu", filled.node, "STUDY", "-k", f"StudyInstanceUID={STUDY}", *more)
    assert "0xa801" in (done.stdout + done.stderr).lower()


def test_getscu_receives_the_study(filled, tmp_path):
    folder = tmp_path / "got"
    folder.mkdir()
    done = query("getscu", filled.node, "STUDY", "-k", f"StudyInstanceUID={STUDY}", "-od", folder)
    assert done.returncode == 0, done.stderr
    assert same_as_sent(folder, STUDY)


@pytest.fixture(scope="module", params=["embedded", "orthanc"])
def either(request):
    """Our archive or Orthanc, with the same objects, knowing the same destination."""
    try:
        find_orthanc()
    except NotInstalled as missing:
        if request.param == "orthanc":
            pytest.skip(str(missing))
    with (
        open_archive("embedded", ae_title="WARD") as ward,
        open_archive(request.param, destinations={"WARD": ward.node}) as running,
    ):
        assert set(client.send(running.node, hospital(), progress=False).values()) == {0}
        yield running, ward


def test_both_give_the_same_rows(either):
    node = either[0].node
    assert len(client.find(node, "PATIENT")) == 2
    studies = client.find(node, "STUDY", PatientID="P1").set_index("StudyInstanceUID")
    assert studies.NumberOfStudyRelatedInstances[STUDY] == "5"
    assert len(client.find(node, "SERIES", StudyInstanceUID=STUDY)) == 2
    assert list(client.find(node, "STUDY", PatientName="hong*").PatientID) == ["P2"]


def test_both_move_and_get_the_same_objects(either):
    running, ward = either
    assert client.move(running.node, "WARD", StudyInstanceUID=STUDY).completed == 5
    assert len(client.find(ward.node, "SERIES", StudyInstanceUID=STUDY)) == 2
    arrived = {ds.SOPInstanceUID: ds for ds in client.get(running.node, StudyInstanceUID=STUDY)}
    for ds in hospital()[:5]:
        assert arrived[ds.SOPInstanceUID].PixelData == ds.PixelData


def test_both_refuse_a_wrong_name_and_an_unknown_destination(either):
    node = either[0].node
    with pytest.raises(PacsError, match="called ae title"):
        client.echo(Node("WRONG", node.port))
    with pytest.raises(PacsError) as refusal:
        client.move(node, "NOWHERE", StudyInstanceUID=STUDY)
    # The standard names A801; Orthanc 1.10 answers C000, "unable to process".
    assert refusal.value.status in ((0xA801,) if either[0].kind == "embedded" else (0xA801, 0xC000))


def test_both_serve_the_web_alike(either):
    web = either[0].web()
    assert len(web.search_for_studies()) == 3
    assert len(web.search_for_instances(STUDY)) == 5
    names = (STUDY, uid("P1", 1, 1), uid("P1", 1, 1, 1))
    assert web.retrieve_instance(*names).PixelData == hospital()[0].PixelData
    assert web.retrieve_instance_metadata(*names)["00280010"]["Value"] == [8]
    picture = web.retrieve_instance_rendered(*names, media_types=("image/png",))
    assert bytes(picture[:4]) == b"\x89PNG"

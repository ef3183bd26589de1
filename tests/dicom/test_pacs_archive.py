"""What the archive acknowledged stays, whatever happens; what it refused leaves no trace."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pacs_making import content, hospital, image, uid

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.pacs.archive import Archive, Clash, WrongObject
from course_lib.dicom.pacs.files import FileStore, StorageFull, digest
from course_lib.dicom.pacs.index import ArchiveInUse

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # odd values, on purpose
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def archive(tmp_path):
    with Archive(tmp_path / "archive") as opened:
        yield opened


def tree(archive):
    levels = ("PATIENT", "STUDY", "SERIES", "IMAGE")
    return [len(archive.find(level, {}, ["PatientID"])) for level in levels]


def test_every_level_has_one_row_per_entity(archive):
    for ds in hospital():
        archive.keep(content(ds))
    assert tree(archive) == [2, 3, 5, 9]


def test_an_object_comes_back_as_it_was(archive):
    ds = image()
    kept = archive.keep(content(ds))
    assert kept.content() == content(ds) and kept.dataset() == ds and kept.is_whole()


def test_objects_are_found_again_after_closing(tmp_path):
    with Archive(tmp_path) as archive:
        for ds in hospital():
            archive.keep(content(ds))
    with Archive(tmp_path) as archive:
        assert tree(archive) == [2, 3, 5, 9]


def test_the_index_can_be_made_again_from_the_files(archive):
    for ds in hospital():
        archive.keep(content(ds))
    before = archive.find("IMAGE", {}, ["SOPInstanceUID", "PatientName", "StudyDate"])
    archive.rebuild()
    after = archive.find("IMAGE", {}, ["SOPInstanceUID", "PatientName", "StudyDate"])
    assert sorted(map(str, before)) == sorted(map(str, after))


@pytest.mark.parametrize("harm", [lambda p: p.unlink(), lambda p: p.write_bytes(b"nonsense" * 99)])
def test_a_lost_or_damaged_index_is_made_again(tmp_path, harm):
    with Archive(tmp_path) as archive:
        for ds in hospital():
            archive.keep(content(ds))
    for part in tmp_path.glob("index.sqlite*"):
        harm(part)
    with Archive(tmp_path) as archive:
        assert tree(archive) == [2, 3, 5, 9]


def test_the_same_object_twice_is_kept_once(archive):
    first = archive.keep(content(image()))
    assert archive.keep(content(image())) == first and len(archive) == 1


def test_the_same_object_in_another_encoding_is_the_same_object(archive):
    ds = image()
    archive.keep(content(ds))
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    archive.keep(content(ds))
    assert len(archive) == 1


def test_another_object_with_a_known_uid_is_refused_and_the_first_stays(archive):
    archive.keep(content(image()))
    with pytest.raises(Clash):
        archive.keep(content(image(PatientName="Someone^Else")))
    assert archive.kept({})[0].dataset().PatientName == "Name^P1"


def test_one_patient_under_two_ids_shows_as_two(archive):
    archive.keep(content(image(number=1)))
    archive.keep(content(image(number=2, PatientID="TYPO")))  # same study UID
    assert tree(archive) == [2, 2, 2, 2]


def test_many_senders_at_once_lose_nothing_and_double_nothing(archive):
    contents = [content(ds) for ds in hospital()]
    threads = [
        threading.Thread(target=lambda: [archive.keep(c) for c in contents]) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tree(archive) == [2, 3, 5, 9]
    assert len(list(archive.files.all())) == 9


@pytest.mark.parametrize(
    "bad", ["../../../etc/passwd", "1.2/../..", "1.2\\..\\..", "1.2 3", "", "1." * 40, "1..2"]
)
@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
def test_a_uid_that_is_none_is_refused(archive, tmp_path, bad, keyword):
    ds = image()
    ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds[keyword]._value = bad
    before = sorted(tmp_path.rglob("*.dcm"))
    with pytest.raises(UnreadableFile):
        archive.keep(content(ds))
    assert sorted(tmp_path.rglob("*.dcm")) == before and len(archive) == 0


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "..\\x", "a\0b", "CON", "x" * 5000])
def test_no_text_becomes_a_path(tmp_path, name):
    store = FileStore(tmp_path / "store")
    path = store.write(name, b"content", digest(b"content"))
    assert path.resolve().is_relative_to((tmp_path / "store" / "files").resolve())


def test_a_number_that_is_none_does_not_turn_an_image_away(archive):
    ds = image()
    ds["InstanceNumber"]._value = "seven"
    archive.keep(content(ds))
    assert archive.find("IMAGE", {}, ["InstanceNumber"]) == [{"InstanceNumber": "seven"}]


@pytest.mark.parametrize("junk", [b"", b"hello", bytes(200), b"\0" * 128 + b"DICM", b"x" * 999])
def test_what_is_no_dicom_file_is_refused(archive, junk):
    with pytest.raises(UnreadableFile):
        archive.keep(junk)
    assert len(archive) == 0 and not list(archive.files.all())


def test_deflated_objects_are_refused_before_they_unpack(archive):
    ds = image()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    with pytest.raises(UnreadableFile, match="deflated"):
        archive.keep(content(ds))


def test_the_announced_object_must_be_the_one_that_comes(archive):
    with pytest.raises(WrongObject):
        archive.keep(content(image()), announced="1.2.3")
    assert len(archive) == 0


def test_a_full_archive_refuses_and_keeps_what_it_has(tmp_path):
    size = len(content(image()))
    with Archive(tmp_path, most_bytes=2 * size + size // 2) as archive:
        archive.keep(content(image(number=1)))
        archive.keep(content(image(number=2)))
        with pytest.raises(StorageFull):
            archive.keep(content(image(number=3)))
        assert len(archive) == 2 and len(list(tmp_path.rglob("*.dcm"))) == 2
        assert not list(tmp_path.rglob("*.part"))
        archive.keep(content(image(number=1)))  # what it has, it still acknowledges


@pytest.mark.skipif(os.name == "nt", reason="limits of a process are a matter of Unix")
def test_a_disk_that_fills_up_refuses_and_leaves_nothing(tmp_path):
    code = f"""
import resource, signal, sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests" / "dicom")!r}]
from pacs_making import content, image
import numpy as np
from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.files import StorageFull
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
large = image(Rows=600, Columns=600, PixelData=bytes(720000))
with Archive({str(tmp_path)!r}) as archive:
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
    try:
        archive.keep(content(large))
    except StorageFull as error:
        archive.keep(content(image()))
        print(error.strerror, len(archive))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "The disk is full. 1\n", done.stderr
    assert len(list(tmp_path.rglob("*.dcm"))) == 1 and not list(tmp_path.rglob("*.part"))


def test_a_file_that_vanished_leaves_the_index(tmp_path):
    with Archive(tmp_path) as archive:
        for ds in hospital():
            archive.keep(content(ds))
        gone = archive.one(uid("P1", 2, 2, 1))
    gone.path.unlink()
    with Archive(tmp_path) as archive:
        assert archive.one(gone.uid) is None
        assert tree(archive) == [2, 3, 4, 8]


def test_a_file_cut_off_by_a_power_cut_is_put_aside(tmp_path):
    with Archive(tmp_path) as archive:
        kept = archive.keep(content(image()))
    kept.path.write_bytes(kept.content()[:-20])
    for part in tmp_path.glob("index.sqlite*"):
        part.unlink()
    with Archive(tmp_path) as archive:
        assert len(archive) == 0
        assert [path.parent.name for path in archive.unreadable] == ["damaged"]
        archive.keep(content(image()))  # the sender, never answered, sends it again
        assert len(archive) == 1


def test_a_damaged_object_that_is_sent_again_is_kept_whole(archive):
    """The index may know an object whose file a power cut has cut off: no "I have it already"."""
    path = archive.keep(content(image())).path
    path.write_bytes(path.read_bytes()[:-100])
    again = archive.keep(content(image()))
    assert again.is_whole() and again.content() == content(image())
    assert len(archive) == 1 and len(archive.unreadable) == 1


@pytest.mark.parametrize("ended", ["power cut", "properly"])
def test_after_a_power_cut_queries_find_whole_objects_only(tmp_path, ended):
    with Archive(tmp_path) as archive:
        paths = [archive.keep(content(ds)).path for ds in hospital()]
    paths[0].write_bytes(paths[0].read_bytes()[:500])  # listed, and cut off
    if ended == "power cut":
        (tmp_path / "closed-well").unlink()
    with Archive(tmp_path) as archive:
        whole = [kept.is_whole() for kept in archive.kept({})]
        assert whole.count(False) == (ended == "properly")  # which is not searched, to start fast


def test_two_archives_do_not_share_a_folder(tmp_path):
    with Archive(tmp_path), pytest.raises(ArchiveInUse, match="close that one first"):
        Archive(tmp_path)
    with Archive(tmp_path):
        pass


SENDER = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from pacs_making import content, image
from course_lib.dicom.pacs.archive import Archive
with Archive({folder!r}) as archive:
    number = {first}
    while True:
        archive.keep(content(image(number=number)))
        print(number, flush=True)
        number += 1
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a matter of Unix")
def test_a_killed_archive_has_every_object_it_acknowledged(tmp_path):
    acknowledged = []
    for round_number, how_many in enumerate((1, 4, 9)):
        code = SENDER.format(
            root=str(ROOT),
            tests=str(ROOT / "tests" / "dicom"),
            folder=str(tmp_path),
            first=1000 * round_number,
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
            for _ in range(how_many):
                acknowledged.append(int(child.stdout.readline()))
            child.send_signal(signal.SIGKILL)  # in the middle of the next object
            acknowledged += [int(line) for line in child.stdout]
    with Archive(tmp_path) as archive:
        for number in acknowledged:
            kept = archive.one(uid("P1", 1, 1, number))
            assert kept is not None and kept.is_whole()
            assert kept.content() == content(image(number=number))
        assert not archive.unreadable

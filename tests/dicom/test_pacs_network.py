"""The archive on the DICOM network: who may call, what is promised, which status comes back."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from pacs_making import CT, SEG, content, hospital, image, uid
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless
from pynetdicom import AE, build_context
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from course_lib.dicom.pacs import client, services
from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.network import Node, PacsError, contexts_for, free_port
from course_lib.dicom.pacs.server import DicomServer
from course_lib.dicom.pacs.store_lane import decode_command, encode_command

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def ward(tmp_path):
    with Archive(tmp_path / "ward") as archive, DicomServer(archive, "WARD") as server:
        yield server


@pytest.fixture
def server(tmp_path, ward):
    known = {"WARD": ward.node, "GONE": Node("GONE", free_port())}
    with (
        Archive(tmp_path / "archive") as archive,
        DicomServer(archive, "ARCHIVE", destinations=known, timeout_s=10) as server,
    ):
        yield server


@pytest.fixture
def filled(server):
    for ds in hospital():
        server.archive.keep(content(ds))
    return server


def send(server, *objects):
    return list(client.send(server.node, objects, progress=False).values())


def test_the_archive_answers_to_its_name_only(server):
    client.echo(server.node)
    with pytest.raises(PacsError, match="called ae title not recognised"):
        client.echo(Node("ARCHIV", server.node.port))


def test_nobody_at_home_is_told_in_a_sentence():
    with pytest.raises(PacsError, match="Nobody answers"):
        client.echo(Node("ARCHIVE", free_port()))


def test_callers_can_be_named(tmp_path):
    with (
        Archive(tmp_path) as archive,
        DicomServer(archive, callers=("SCANNER",)) as server,
    ):
        client.echo(server.node, calling="SCANNER")
        with pytest.raises(PacsError, match="calling ae title not recognised"):
            client.echo(server.node, calling="STRANGER")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "", "example.org"])
def test_no_other_address_than_this_computers_without_asking(server, host):
    with pytest.raises(ValueError, match="public=True"):
        DicomServer(server.archive, host=host)


def test_what_is_acknowledged_is_kept(server):
    assert send(server, *hospital()) == [0] * 9
    assert len(server.archive) == 9 and all(k.is_whole() for k in server.archive.kept({}))


def test_the_stored_data_set_is_byte_for_byte_the_sent_one(server):
    ds = image()
    send(server, ds)
    kept = server.archive.kept({})[0].content()
    sent = content(ds)
    start = sent.index(b"\x08\x00\x16\x00UI")
    assert kept.endswith(sent[start:])


def test_a_full_archive_answers_a700_and_goes_on_answering(tmp_path):
    size = len(content(image()))
    with Archive(tmp_path, most_bytes=3 * size) as archive, DicomServer(archive) as server:
        statuses = send(server, *[image(number=n) for n in range(5)])
        assert [s == 0 for s in statuses].count(True) == len(archive)
        assert statuses[-1] == 0xA700
        client.echo(server.node)


def test_a_second_object_with_the_same_uid_is_not_acknowledged(server):
    assert send(server, image()) == send(server, image()) == [0]
    assert send(server, image(PatientName="Other")) == [0xC111]
    assert len(server.archive) == 1


def test_an_object_without_its_uids_is_not_acknowledged(server):
    ds = image()
    del ds.StudyInstanceUID
    assert send(server, ds) == [0xC000] and len(server.archive) == 0


def test_storing_beside_other_services_goes_the_general_way(server):
    contexts = [build_context(Verification), build_context(CT)]
    with client.associate(server.node, contexts, "STUDENT") as association:
        assert association.send_c_echo().Status == 0
        assert association.send_c_store(image(number=1)).Status == 0
        assert association.send_c_store(image(PatientName="Other", number=1)).Status == 0xC111
    assert len(server.archive) == 1


def test_a_seg_needs_a_context_of_its_own(server):
    with client.associate(server.node, [build_context(CT)], "AI") as association:
        seg = image()
        seg.SOPClassUID = SEG
        with pytest.raises(ValueError, match="No presentation context"):
            association.send_c_store(seg)
    seg.file_meta.MediaStorageSOPClassUID = SEG
    assert send(server, seg) == [0]


def test_compressed_objects_are_kept_as_they_are(server):
    ds = image()
    ds.compress(RLELossless, generate_instance_uid=False)
    assert send(server, ds) == [0]
    assert server.archive.kept({})[0].transfer_syntax == RLELossless


def test_more_kinds_than_an_association_holds_is_told():
    with pytest.raises(PacsError, match="128 kinds"):
        contexts_for({(f"1.2.{n}", "1.2.840.10008.1.2") for n in range(129)})


def test_find_gives_one_row_per_entity_at_each_level(filled):
    node = filled.node
    assert len(client.find(node, "PATIENT")) == 2
    studies = client.find(node, "STUDY", PatientID="P1")
    assert list(studies.NumberOfStudyRelatedInstances) == ["5", "2"]
    study = uid("P1", 1)
    assert len(client.find(node, "SERIES", StudyInstanceUID=study)) == 2
    images = client.find(node, "IMAGE", StudyInstanceUID=study, SeriesInstanceUID=uid("P1", 1, 1))
    assert sorted(images.InstanceNumber) == ["1", "2", "3"]


def test_find_speaks_korean(filled):
    found = client.find(filled.node, "STUDY", PatientName="홍^길동")
    assert list(found.PatientName) == ["Hong^Gildong=洪^吉洞=홍^길동"]


def test_find_without_the_levels_above_is_refused_with_a_reason(filled):
    with pytest.raises(PacsError, match="needs StudyInstanceUID") as refusal:
        client.find(filled.node, "SERIES")
    assert refusal.value.status == 0xA900


def test_unknown_keys_are_reported_with_ff01(filled):
    model = StudyRootQueryRetrieveInformationModelFind
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.Manufacturer, asked.PatientID = "STUDY", "ACME", "P2"
    with client.associate(filled.node, [build_context(model)], "STUDENT") as association:
        statuses = [s.Status for s, _ in association.send_c_find(asked, model)]
    assert statuses == [0xFF01, 0x0000]


def test_a_query_can_be_cancelled(server, monkeypatch):
    quick = services.answer

    def slow(*arguments):  # or all answers could be on their way before the cancellation
        time.sleep(0.02)
        return quick(*arguments)

    monkeypatch.setattr(services, "answer", slow)
    for number in range(120):
        server.archive.keep(content(image(study=number + 1)))
    model = StudyRootQueryRetrieveInformationModelFind
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", ""
    with client.associate(server.node, [build_context(model)], "STUDENT") as association:
        statuses = []
        for status, _ in association.send_c_find(asked, model, msg_id=7):
            if not statuses:
                association.send_c_cancel(7, query_model=model)
            statuses.append(status.Status)
    assert statuses[-1] == 0xFE00 and len(statuses) < 120


def test_move_delivers_to_a_known_destination(filled, ward):
    moved = client.move(filled.node, "WARD", StudyInstanceUID=uid("P1", 1))
    assert (moved.status, moved.completed, moved.failed) == (0, 5, 0)
    assert len(ward.archive) == 5
    moved = client.move(
        filled.node, "WARD", StudyInstanceUID=uid("P1", 2), SeriesInstanceUID=uid("P1", 2, 2)
    )
    assert moved.completed == 1


@pytest.mark.parametrize("destination", ["NOWHERE", "GONE"])
def test_a_destination_unknown_or_not_there_gives_a801(filled, destination):
    with pytest.raises(PacsError) as refusal:
        client.move(filled.node, destination, StudyInstanceUID=uid("P1", 1))
    assert refusal.value.status == 0xA801


def test_moving_what_is_not_there_moves_nothing(filled):
    assert client.move(filled.node, "WARD", StudyInstanceUID="1.2.3").completed == 0


def test_a_move_that_names_no_study_is_refused(filled):
    model = StudyRootQueryRetrieveInformationModelMove
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.PatientID = "STUDY", "P1"
    with client.associate(filled.node, [build_context(model)], "STUDENT") as association:
        statuses = [s.Status for s, _ in association.send_c_move(asked, "WARD", model)]
    assert statuses[-1] == 0xA900


def test_a_damaged_object_is_reported_and_the_others_arrive(filled, ward):
    study = uid("P1", 1)
    filled.archive.one(uid("P1", 1, 1, 2)).path.write_bytes(b"damaged")
    moved = client.move(filled.node, "WARD", StudyInstanceUID=study)
    assert (moved.status, moved.completed, moved.failed) == (0xB000, 4, 1)


def test_get_brings_the_objects_themselves(filled):
    arrived = client.get(filled.node, StudyInstanceUID=uid("P1", 1))
    assert sorted(ds.InstanceNumber for ds in arrived) == [1, 1, 2, 2, 3]
    assert arrived[0].pixel_array.shape == (8, 8)


def test_get_unpacks_what_the_caller_does_not_take_compressed(server):
    ds = image()
    pixels = ds.pixel_array.copy()
    ds.compress(RLELossless, generate_instance_uid=False)
    send(server, ds)
    arrived = client.get(server.node, StudyInstanceUID=ds.StudyInstanceUID)[0]
    assert not arrived.file_meta.TransferSyntaxUID.is_compressed
    assert np.array_equal(arrived.pixel_array, pixels)


def test_commitment_vouches_for_what_is_whole_on_the_disk_and_for_nothing_else(filled):
    good, damaged, gone, other_class = hospital()[:4]
    filled.archive.one(damaged.SOPInstanceUID).path.write_bytes(b"damaged")
    filled.archive.one(gone.SOPInstanceUID).path.unlink()
    other_class.SOPClassUID = SEG
    never = image(number=999)
    said = client.commit(filled.node, [good, damaged, gone, other_class, never])
    assert said.safe == [good.SOPInstanceUID]
    assert [said.failed[ds.SOPInstanceUID] for ds in (damaged, gone, other_class, never)] == [
        0x0110, 0x0110, 0x0119, 0x0112,
    ]  # fmt: skip


def test_too_many_callers_are_refused_and_the_others_go_on(tmp_path):
    with (
        Archive(tmp_path) as archive,
        DicomServer(archive, associations=2) as server,
        client.associate(server.node, [build_context(Verification)], "A") as first,
        client.associate(server.node, [build_context(Verification)], "B"),
    ):
        with pytest.raises(PacsError, match="refused C"):
            client.echo(server.node, calling="C")
        assert first.send_c_echo().Status == 0


def test_a_silent_caller_is_dropped(tmp_path):
    with Archive(tmp_path) as archive, DicomServer(archive, timeout_s=0.3) as server:
        entity = AE("SLEEPER")
        association = entity.associate(
            server.node.host, server.node.port, ae_title="ARCHIVE", contexts=[build_context(CT)]
        )
        assert association.is_established
        deadline = time.monotonic() + 5
        while association.is_established and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not association.is_established


def raw_store_association(server):
    """A socket on which an association for CT storage has been agreed."""
    entity = AE("RAW")
    association = entity.associate(
        server.node.host, server.node.port, ae_title="ARCHIVE", contexts=[build_context(CT)]
    )
    association.dul._kill_thread = True
    association.dul.join()
    return association.dul.socket.socket


def store_request(content_length, first_bytes, sop_instance=b"1.2.3\0"):
    command = encode_command({
        0x0002: CT.encode() + b"\0" * (len(CT) % 2), 0x0100: struct.pack("<H", 1),
        0x0110: struct.pack("<H", 1), 0x0700: struct.pack("<H", 0),
        0x0800: struct.pack("<H", 1), 0x1000: sop_instance,
    })  # fmt: skip
    pdv = struct.pack(">IBB", len(command) + 2, 1, 3) + command
    unit = struct.pack(">BxI", 4, len(pdv)) + pdv
    data = struct.pack(">IBB", content_length + 2, 1, 2) + first_bytes
    return unit + struct.pack(">BxI", 4, content_length + 6) + data


@pytest.mark.parametrize(
    "nonsense",
    [
        store_request(5000, b"half of it"),  # and then the line goes dead
        struct.pack(">BxI", 4, 0xFFFFFFF0),  # a unit of four gigabytes
        struct.pack(">BxI", 4, 10) + struct.pack(">IBB", 99, 1, 3) + b"abcd",
        struct.pack(">BxI", 9, 0),  # no such kind
        struct.pack(">BxI", 4, 10) + struct.pack(">IBB", 6, 1, 3) + b"\xff" * 4,
        struct.pack(">BxI", 4, 10) + struct.pack(">IBB", 6, 77, 2) + b"abcd",  # no such context
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_nonsense_ends_its_own_association_only(server, nonsense):
    connection = raw_store_association(server)
    connection.sendall(nonsense)
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(5)
    answer = b"".join(iter(lambda: connection.recv(100), b""))
    assert answer[:1] in (b"\x07", b"")  # A-ABORT, or just closed
    assert len(server.archive) == 0
    client.echo(server.node)


def test_a_connection_that_breaks_loses_nothing_acknowledged(server):
    entity = AE("SCANNER")
    association = entity.associate(
        server.node.host, server.node.port, ae_title="ARCHIVE", contexts=[build_context(CT)]
    )
    for number in range(5):
        assert association.send_c_store(image(number=number)).Status == 0
    association.dul.socket.socket.shutdown(socket.SHUT_RDWR)
    association.abort()
    assert all(server.archive.one(uid("P1", 1, 1, n)).is_whole() for n in range(5))


SERVER = """
import sys, time
sys.path.insert(0, {root!r})
from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.server import DicomServer
with Archive({folder!r}) as archive, DicomServer(archive) as server:
    print(server.node.port, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a matter of Unix")
@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05])
def test_an_archive_killed_while_it_receives_has_all_it_acknowledged(tmp_path, after_s):
    code = SERVER.format(root=str(ROOT), folder=str(tmp_path))
    acknowledged = []
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        node = Node("ARCHIVE", int(child.stdout.readline()))
        contexts = [build_context(CT)]
        with client.associate(node, contexts, "SCANNER") as association:
            for number in range(200):
                if number == 5:  # from here on, it can happen at any moment
                    threading.Timer(after_s, child.send_signal, [signal.SIGKILL]).start()
                answer = association.send_c_store(image(number=number))
                if "Status" not in answer or not association.is_established:
                    break
                assert answer.Status == 0
                acknowledged.append(number)
    assert 5 <= len(acknowledged) < 200
    with Archive(tmp_path) as archive:
        for number in acknowledged:
            kept = archive.one(uid("P1", 1, 1, number))
            assert kept is not None and kept.is_whole() and kept.dataset() == image(number=number)


def test_several_scanners_at_once(server):
    def scanner(name):
        objects = [image(patient=name, number=n) for n in range(8)]
        statuses[name] = client.send(server.node, objects, calling=name, progress=False)

    statuses: dict = {}
    threads = [threading.Thread(target=scanner, args=(f"CT{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(set(statuses[f"CT{n}"].values()) == {0} for n in range(4))
    assert len(server.archive) == 32


def test_commands_survive_writing_and_reading():
    fields = {0x0002: b"1.2.3\0", 0x0100: b"\x01\x00", 0x0902: b"words "}
    assert {k: v for k, v in decode_command(encode_command(fields)).items() if k} == fields


def test_the_port_is_free_again_after_stopping(tmp_path):
    with Archive(tmp_path) as archive:
        with DicomServer(archive) as server:
            port = server.node.port
        with DicomServer(archive, port=port):
            pass

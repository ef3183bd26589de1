"""The archive on the DICOM network: who may call, what is promised, which status comes back."""

import time
from pathlib import Path

import numpy as np
import pytest
from pacs_making import CT, SEG, content, hospital, image, send, uid
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless
from pynetdicom import build_context
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


def test_commands_survive_writing_and_reading():
    fields = {0x0002: b"1.2.3\0", 0x0100: b"\x01\x00", 0x0902: b"words "}
    assert {k: v for k, v in decode_command(encode_command(fields)).items() if k} == fields


def test_the_port_is_free_again_after_stopping(tmp_path):
    with Archive(tmp_path) as archive:
        with DicomServer(archive) as server:
            port = server.node.port
        with DicomServer(archive, port=port):
            pass

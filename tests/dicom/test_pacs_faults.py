"""The archive under attack: crowds, silence, nonsense, broken lines, and being killed."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pacs_making import CT, image, uid
from pynetdicom import AE, build_context
from pynetdicom.sop_class import (
    Verification,
)

from course_lib.dicom.pacs import client
from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.network import Node, PacsError
from course_lib.dicom.pacs.server import DicomServer
from course_lib.dicom.pacs.store_lane import encode_command

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


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

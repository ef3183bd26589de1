"""Lets the tests of this folder import their helpers, and gives them archives that run."""

import sys
from pathlib import Path

import pytest

from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.network import Node, free_port
from course_lib.dicom.pacs.server import DicomServer

sys.path.insert(0, str(Path(__file__).parent))
from pacs_making import content, hospital


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

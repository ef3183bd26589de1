"""dciodvfy finds nothing wrong with the reports of the screening program."""

import shutil
import subprocess

import numpy as np
import pytest

from course_lib.dicom.identity import make_identity
from course_lib.dicom.writing.dx import dx_image
from course_lib.learning.scxnn_screening import Screening
from course_lib.patient.risk import THIRTEEN
from course_lib.practice.screening import screening_report

pytestmark = pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not on this computer"
)


@pytest.mark.parametrize("score", [-1.25, 0.75])
def test_a_report_is_valid(tmp_path, score):
    film = dx_image(np.zeros((16, 16), np.uint16), 0.2, make_identity(1))
    logits = np.random.default_rng(0).normal(size=(1, 13, 3))
    screening = Screening(THIRTEEN, logits, np.array([score]), 0.1)
    path = tmp_path / "answer.dcm"
    screening_report(film, screening, 0).save_as(path, enforce_file_format=True)
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    lines = (said.stdout + said.stderr).splitlines()
    found = [line for line in lines if line.startswith(("Error", "Warning"))]
    # A scheme of one's own, "99...", is allowed (PS3.16, 8.2); the tool cannot know it.
    assert [line for line in found if "<99COURSE>" not in line] == []

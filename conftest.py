"""What all tests share, lessons included: quiet bars, two threads, where real images lie."""

import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads leave the cores to others
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ["COURSE_TRY_WIDGETS"] = "1"  # every slider of a lesson is drawn at both ends
os.environ["COURSE_PROGRESS"] = str(Path(tempfile.mkdtemp()) / "progress.jsonl")


def pytest_collectstart(collector):
    """Libraries may warn on stderr; what a lesson prints and shows is compared, that is not."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real medical images and known answers; the test is skipped where it is missing."""
    folder = Path(os.environ.get("COURSE_REAL_DATA", ROOT.parent / "shared" / "real"))
    if not folder.is_dir():
        pytest.skip("real images are not on this computer (set COURSE_REAL_DATA to their folder)")
    return folder

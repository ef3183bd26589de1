"""A headless Chromium and a JupyterLab started by the launcher itself."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from launcher import lab  # noqa: E402
from launcher.lessons import copy_lessons  # noqa: E402
from launcher.places import Places  # noqa: E402

# Chromium under root needs --no-sandbox; the rest keeps it from calling home.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--window-size=1400,1000",
)


def _program(*names: str) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Return a Selenium driver; skip where there is no Chromium or no driver for it."""
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium = _program("chromium", "chromium-browser", "google-chrome")
    driver = _program("chromedriver")
    if not (chromium and driver):
        pytest.skip("browser tests need Chromium and its driver (Debian: chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    running = webdriver.Chrome(options, webdriver.ChromeService(driver))
    running.set_script_timeout(60)
    yield running
    running.quit()


@pytest.fixture(scope="session")
def open_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], lab.Lab]]:
    """Return a function that starts JupyterLab on a folder, as ``course.py lab`` does."""
    started = []

    def start(work: Path) -> lab.Lab:
        home = tmp_path_factory.mktemp("lab home")
        places = Places(home)
        places.home.mkdir()
        running = lab.start(places, Path(sys.executable), work, lab.free_port(8950))
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def course_lab(open_lab, tmp_path_factory: pytest.TempPathFactory) -> lab.Lab:
    """Return JupyterLab on a learner's fresh folder with the course's own lessons."""
    if not (ROOT / "notebooks" / "START.md").exists():
        pytest.skip("there is no start page yet: run course.py build")
    work = tmp_path_factory.mktemp("learner 학생")
    copy_lessons(ROOT, work)
    return open_lab(work)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for screenshots, kept with pytest's own temporary folders.

    ``COURSE_SCREENSHOTS`` names another one, for looking at them.
    """
    named = os.environ.get("COURSE_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""A headless Chromium and a JupyterLab started by the launcher itself."""

import os
import re
import shutil
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

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


class LabPage:
    """What a learner does in JupyterLab: open, run all, move a slider, look."""

    def __init__(self, driver, running: lab.Lab, pictures: Path) -> None:
        self.driver = driver
        self.running = running
        self.pictures = pictures

    def open(self, name: str) -> None:
        """Open a file of the learner's folder in a fresh workspace of JupyterLab."""
        base = (
            f"http://127.0.0.1:{self.running.port}/lab/workspaces/{zlib.crc32(name.encode())}/tree/"
        )
        self.driver.get(f"{base}{quote(name)}?token={self.running.token}")
        self.wait("no splash", lambda: not self.find("#jupyterlab-splash"))

    def find(self, css: str) -> list:
        """Return the elements that a CSS selector finds."""
        return self.driver.find_elements("css selector", css)

    def wait(self, what: str, condition: Callable[[], object], seconds: float = 60) -> object:
        """Wait until a condition holds; a page that changes meanwhile is asked again."""
        from selenium.common.exceptions import StaleElementReferenceException

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if answer := condition():
                    return answer
            except StaleElementReferenceException:
                pass
            time.sleep(0.1)
        seen = self.look("failed")
        raise AssertionError(f"not within {seconds} s: {what} (what was seen instead: {seen})")

    def look(self, name: str) -> Path:
        """Keep a screenshot; return its file."""
        file = self.pictures / f"{name}.png"
        self.driver.save_screenshot(str(file))
        return file

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def choose(self, menu: str, entry: str) -> None:
        """Choose an entry of a menu by their visible names."""
        self._click_named(".lm-MenuBar-itemLabel", menu)
        self._click_named(".lm-Menu-itemLabel", entry)

    def _click_named(self, css: str, name: str) -> None:
        def clicked() -> bool:
            named = [e for e in self.find(css) if e.text.strip() == name and e.is_displayed()]
            for element in named[:1]:
                element.click()
            return bool(named)

        self.wait(name, clicked)  # a menu that is drawn anew meanwhile is asked again

    def run_all(self, seconds: float = 240) -> None:
        """Clear the stored outputs, run all cells, wait until every one of them has run."""
        self.wait("a kernel", self._kernel_is_idle)
        self.choose("Edit", "Clear Outputs of All Cells")
        self.wait("empty cells", lambda: not any(self._counts()))
        self.begin()
        self.wait("every cell has run", self.has_run, seconds)

    def begin(self) -> None:
        """Run all cells, and return as soon as the first one is at work."""
        self.wait("a kernel", self._kernel_is_idle)
        self.wait("the run begins", self._begun)

    def has_run(self) -> bool:
        """Whether every cell has run."""
        return all(self._counts())

    def _kernel_is_idle(self) -> bool:
        return any("| Idle" in item.text for item in self.find("#jp-main-statusbar"))

    def _begun(self) -> bool:
        # A kernel that is still connecting drops what it is asked: ask until it answers.
        self.choose("Run", "Run All Cells")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            if any("*" in text for text in self._prompts()) or all(self._counts()):
                return True
            time.sleep(0.1)
        return False

    def _prompts(self) -> list[str]:
        # [ ]: not yet run, [*]: waiting or running, [3]: has run; also of cells out of sight.
        script = """return [...document.querySelectorAll(".jp-Notebook .jp-CodeCell")]
            .map(cell => (cell.querySelector(".jp-InputPrompt") || cell).textContent)"""
        return self.driver.execute_script(script)

    def _counts(self) -> list[bool]:
        return [bool(re.fullmatch(r"\[\d+\]:", text.strip())) for text in self._prompts()]

    def show(self, element) -> None:
        """Scroll an element to the middle of the window."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)

    def size_drawn(self, picture) -> list[int]:
        """Return the width and height in pixels of the picture an <img> has loaded; 0 if none."""
        script = "return [arguments[0].naturalWidth, arguments[0].naturalHeight]"
        return self.driver.execute_script(script, picture)

    def content_drawn(self, picture) -> str:
        """Return what an <img> shows, as text that differs when a pixel does."""
        script = """
            const image = arguments[0], canvas = document.createElement("canvas");
            canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
            canvas.getContext("2d").drawImage(image, 0, 0);
            return image.complete && canvas.width ? canvas.toDataURL() : "";"""
        return self.driver.execute_script(script, picture)


@pytest.fixture
def page(browser, pictures: Path) -> Callable[[lab.Lab], LabPage]:
    """Return a function that makes a page on a running JupyterLab."""
    return lambda running: LabPage(browser, running, pictures)

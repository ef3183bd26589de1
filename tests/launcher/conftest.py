"""A small course of its own, which real pip installs into a real environment in seconds.

It has the launcher, two lessons, and one dependency that lies in a folder beside it, so nothing is
downloaded. Its folder has a space and Korean letters in its name.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from launcher.places import Places  # noqa: E402

PYPROJECT = """\
[build-system]
requires = []
build-backend = "small_backend"
backend-path = ["."]

[project]
name = "small_course"
version = "1.0"
dependencies = ["tiny_dep"]

[project.optional-dependencies]
dev = ["tiny_dev"]
"""
# What setuptools does for an editable install, without setuptools: a wheel with a path file.
BACKEND = """\
import pathlib
import zipfile

TAG = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"

def _metadata():
    return ("Metadata-Version: 2.1\\nName: small_course\\nVersion: 1.0\\nRequires-Dist: tiny_dep\\n"
            "Provides-Extra: dev\\nRequires-Dist: tiny_dev ; extra == 'dev'\\n")

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "small_course-1.0-py3-none-any.whl"
    info = "small_course-1.0.dist-info/"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as wheel:
        wheel.writestr("small_course.pth", str(pathlib.Path.cwd()) + "\\n")
        wheel.writestr(info + "METADATA", _metadata())
        wheel.writestr(info + "WHEEL", TAG)
        wheel.writestr(info + "RECORD", "")
    return name
"""


def write_wheel(folder: Path, name: str, version: str) -> None:
    """Write a wheel with one module that tells its version."""
    info = f"{name}-{version}.dist-info/"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", f"VERSION = '{version}'\n")
        wheel.writestr(
            info + "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(info + "WHEEL", tag)
        wheel.writestr(info + "RECORD", "")


@dataclass
class SmallCourse:
    """The small course's folder, and a way to call its course.py as a person would."""

    root: Path
    wheels: Path

    @property
    def places(self) -> Places:
        """Where its parts are."""
        return Places(self.root)

    def variables(self) -> dict[str, str]:
        """Keep pip to the wheels beside the course."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
        return kept | {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": self.wheels.as_uri(),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_EXTRA_INDEX_URL": "file:///none/cpu",  # an index of CPU builds: little room needed
        }

    def call(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run ``course.py`` with these words; return what it said and its status."""
        return subprocess.run(
            [sys.executable, str(self.root / "course.py"), *words],
            env=self.variables() | more,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def prepare(self, *extras: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Only make the environment ready, in a process of its own."""
        code = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "from launcher.environment import prepare\n"
            "from launcher.places import Places\n"
            "from launcher.problems import Problem, tell\n"
            "from pathlib import Path\n"
            "try: print('PYTHON', prepare(Places(Path(sys.argv[1])), sys.argv[2:]))\n"
            "except Problem as problem: tell(problem); sys.exit(1)\n"
        )
        return subprocess.run(
            [sys.executable, "-c", code, str(self.root), *extras],
            env=self.variables() | more,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def inside(self, code: str) -> str:
        """Return what a line of Python prints inside the environment."""
        answer = subprocess.run(
            [self.places.python, "-c", code], capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()


def make_course(root: Path) -> SmallCourse:
    """Write a small course into the folder ``root``."""
    root.mkdir(parents=True)
    shutil.copy(ROOT / "course.py", root)
    shutil.copytree(
        ROOT / "launcher", root / "launcher", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "small_backend.py").write_text(BACKEND)
    (root / "requirements.lock").write_text("tiny-dep==1.0\ntiny-dev==1.0\n")
    (root / "notebooks").mkdir()
    (root / "notebooks" / "START.md").write_text("# Welcome\n")
    (root / "notebooks" / "00_first.ipynb").write_text('{"cells": []}')
    wheels = root / "wheels"
    wheels.mkdir()
    for version in ("1.0", "2.0"):
        write_wheel(wheels, "tiny_dep", version)
        write_wheel(wheels, "tiny_dev", version)
    return SmallCourse(root, wheels)


@pytest.fixture(scope="module")
def small_course(tmp_path_factory: pytest.TempPathFactory) -> SmallCourse:
    """A small course, not set up yet, in a folder with spaces and Korean letters."""
    return make_course(tmp_path_factory.mktemp("강의 자료") / "small course")

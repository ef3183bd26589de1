"""The environment is made once, recognised when ready, mended when not; real venv and real pip.

The tests build on each other, as the calls of one user do.
"""

import json
import subprocess
import sys
import time

import pytest

from launcher import environment, failures
from launcher.places import Places, env_python
from launcher.problems import Problem
from launcher.recipe import recipe


def test_first_call_makes_it_with_the_locked_versions(small_course):
    answer = small_course.prepare()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert str(small_course.places.python) in answer.stdout
    assert small_course.inside("import tiny_dep; print(tiny_dep.VERSION)") == "1.0"
    assert small_course.inside("import small_backend; print('found')") == "found"
    stamp = json.loads(small_course.places.stamp.read_text())
    assert stamp["extras"] == [] and stamp["python"] == "{}.{}".format(*sys.version_info)


def test_second_call_changes_nothing_and_takes_a_moment(small_course):
    before = small_course.places.log.read_text()
    start = time.monotonic()
    assert small_course.prepare().returncode == 0
    assert time.monotonic() - start < 5
    assert small_course.places.log.read_text() == before


def test_extras_are_added_when_asked_for_and_then_stay(small_course):
    assert small_course.prepare("dev").returncode == 0
    assert small_course.inside("import tiny_dev; print(tiny_dev.VERSION)") == "1.0"
    assert environment.is_ready(small_course.places, ["dev"])
    assert environment.is_ready(small_course.places)


def test_a_new_lock_updates_in_place(small_course):
    small_course.places.lock.write_text("tiny-dep==2.0\ntiny-dev==2.0\n")
    assert not environment.is_ready(small_course.places)
    assert environment.is_usable(small_course.places)
    assert small_course.prepare().returncode == 0
    versions = "import tiny_dep, tiny_dev; print(tiny_dep.VERSION, tiny_dev.VERSION)"
    assert small_course.inside(versions) == "2.0 2.0"


def test_a_failed_update_leaves_the_old_environment_usable(small_course):
    small_course.places.lock.write_text("tiny-dep==3.0\n")
    answer = small_course.prepare()
    assert answer.returncode == 1
    assert "Setting up did not work (pip failed)" in answer.stderr
    assert "tiny-dep" in answer.stderr  # the end of pip's own words
    assert environment.is_usable(small_course.places)
    assert small_course.inside("import tiny_dep; print(tiny_dep.VERSION)") == "2.0"


def test_an_update_that_was_killed_half_way_is_not_taken_for_ready(small_course, monkeypatch):
    """The stamp is gone from the moment pip begins to change what is installed."""
    small_course.places.lock.write_text("tiny-dep==1.0\ntiny-dev==1.0\n")
    stamps = []

    def watched(command, log, variables, folder, watch):
        stamps.append(small_course.places.stamp.exists())
        watch("Collecting tiny_dep")
        stamps.append(small_course.places.stamp.exists())
        watch("Installing collected packages: tiny_dep")
        stamps.append(small_course.places.stamp.exists())
        raise KeyboardInterrupt

    kept = small_course.places.stamp.read_bytes()
    monkeypatch.setattr(environment, "run_behind_a_line", watched)
    with pytest.raises(KeyboardInterrupt):
        environment.prepare(small_course.places)
    assert stamps == [True, True, False]
    assert not environment.is_usable(small_course.places)
    small_course.places.stamp.write_bytes(kept)


def test_a_half_made_environment_is_made_anew(small_course):
    small_course.places.lock.write_text("tiny-dep==1.0\ntiny-dev==1.0\n")
    small_course.places.stamp.unlink()
    rubbish = small_course.places.env / "rubbish"
    rubbish.touch()
    answer = small_course.prepare()
    assert answer.returncode == 0
    assert "left half-made" in answer.stdout and not rubbish.exists()
    assert small_course.inside("import tiny_dep; print(tiny_dep.VERSION)") == "1.0"


def test_an_environment_whose_python_went_away_is_made_anew(small_course):
    python = small_course.places.python
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert not environment.is_usable(small_course.places)
    assert small_course.prepare().returncode == 0
    assert environment.is_ready(small_course.places)


def test_two_calls_at_once_make_one_environment(small_course):
    small_course.places.stamp.unlink()
    code = "import sys; sys.path.insert(0, sys.argv[1])\n" + (
        "from launcher.environment import prepare\nfrom launcher.places import Places\n"
        "from pathlib import Path\nprepare(Places(Path(sys.argv[1])))"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(small_course.root)],
            env=small_course.variables(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("first time takes" in words for words in said) == 1
    assert sum("waiting for it to finish" in words for words in said) == 1


def test_the_recipe_follows_lock_dependencies_and_folder(small_course, tmp_path):
    first = recipe(small_course.places)
    text = small_course.places.pyproject.read_text()
    small_course.places.pyproject.write_text(text.replace('"tiny_dep"', '"tiny_dep>=1"'))
    changed = recipe(small_course.places)
    small_course.places.pyproject.write_text(text.replace('version = "1.0"', 'version = "1.1"'))
    assert changed != first == recipe(small_course.places)
    small_course.places.pyproject.write_text(text)


def test_where_python_is_on_each_system(tmp_path):
    assert env_python(tmp_path, "linux") == tmp_path / "bin" / "python"
    assert env_python(tmp_path, "darwin") == tmp_path / "bin" / "python"
    assert env_python(tmp_path, "win32") == tmp_path / "Scripts" / "python.exe"


def test_no_venv_module_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    (tmp_path / "pyproject.toml").write_text("[project]\n[build-system]\n")
    (tmp_path / "requirements.lock").touch()
    with pytest.raises(Problem, match="sudo apt install python3-venv"):
        environment.prepare(Places(tmp_path))


def test_too_little_room_is_told_with_figures(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[project]\n[build-system]\n")
    (tmp_path / "requirements.lock").touch()

    class Usage:
        free = 1.24e9

    monkeypatch.setattr(environment.shutil, "disk_usage", lambda folder: Usage)
    with pytest.raises(Problem, match=r"1\.2 GB are free and setting up needs about \d+\.0 GB"):
        environment.prepare(Places(tmp_path))
    assert not Places(tmp_path).env.exists()


def test_a_missing_file_of_the_course_is_told(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]\n[build-system]\n")
    with pytest.raises(Problem, match="requirements.lock is missing. Get the course again"):
        environment.prepare(Places(tmp_path))


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / ".course").write_text("a file where the folder should be; root may write anywhere")
    with pytest.raises(Problem, match="cannot write in its own folder"):
        environment.prepare(Places(tmp_path))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("NewConnectionError(...): Failed to establish a new connection: [Errno -3]", "network"),
        ("ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "network"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate", "certificate"),
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "room"),
        ("ERROR: Could not install packages due to an OSError: Permission denied", "permission"),
        ("ERROR: No matching distribution found for torch==2.15.0", "version"),
        ("The virtual environment was not created: ensurepip is not available", "venv"),
        ("zipfile.BadZipFile: File is not a zip file", "damaged"),
        ("something never seen before", "unknown"),
    ],
)
def test_what_pip_says_is_understood(words, expected):
    noise = "\nERROR: No matching distribution found for x" if expected == "network" else ""
    assert failures.cause(words + noise) == expected
    assert expected in failures.ADVICE


def test_the_cpu_build_and_other_systems_need_less_room():
    full = failures.room_needed("linux", {})
    assert failures.room_needed("win32", {}) < full
    assert failures.room_needed("darwin", {}) < full
    assert failures.room_needed("linux", {"PIP_EXTRA_INDEX_URL": "https://a.b/whl/cpu"}) < full

"""What a person meets who types something: help, an old Python, a slip, each in plain words."""

import ast
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import course
from launcher import commands
from launcher.places import Places

ROOT = Path(course.__file__).parent


@pytest.mark.parametrize("minor", range(7, 11))
def test_course_py_is_understood_by_older_pythons(minor):
    ast.parse((ROOT / "course.py").read_text(), feature_version=(3, minor))


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 9), (3, 10, 14)])
def test_an_old_python_is_told_what_to_do(version):
    complaint = course.complaint_about_python(version)
    assert f"This is Python {version[0]}.{version[1]}" in complaint
    assert "needs Python 3.11 or newer" in complaint


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 4), (3, 20, 0), (4, 0, 0)])
def test_a_new_python_will_do(version):
    assert course.complaint_about_python(version) is None


def test_an_old_python_stops_before_anything_newer_is_read(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1, "final", 0))
    monkeypatch.setitem(sys.modules, "launcher.commands", None)  # importing it would raise
    assert course.main() == 1
    assert "This is Python 3.9" in capsys.readouterr().err


def test_the_launcher_needs_nothing_but_the_standard_library():
    for file in [ROOT / "course.py", *(ROOT / "launcher").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            tops = {name.split(".")[0] for name in names}
            assert tops <= sys.stdlib_module_names | {"launcher"}, file


def test_without_a_word_it_explains_itself(capsys):
    assert commands.run_command_line([]) == 0
    said = capsys.readouterr().out
    for command in ("lab", "test", "run", "build", "setup", "check"):
        assert f"\n    {command} " in said
    assert "python3 course.py lab" in said and "python3 course.py test" in said


def test_a_slip_is_named(capsys):
    with pytest.raises(SystemExit) as stop:
        commands.run_command_line(["lab", "--prot", "9000"])
    assert stop.value.code == 2
    assert "unknown: --prot 9000" in capsys.readouterr().err


@pytest.fixture
def gone(monkeypatch):
    """Record the commands that would run, instead of running them."""
    calls = []

    def record(command, places, variables):
        calls.append((list(command), variables))
        return 7

    monkeypatch.setattr(commands, "_go", record)
    return calls


def test_test_calls_pytest_once_with_two_threads_and_the_words_given(gone):
    words = ["test", "--no-env", "--online", "-k", "roc", "-x"]
    assert commands.run_command_line(words) == 7  # pytest's status is course.py's
    [(command, variables)] = gone
    assert command == [sys.executable, "-m", "pytest", "-k", "roc", "-x"]
    assert variables["TQDM_DISABLE"] == "1" and "OMP_NUM_THREADS" in variables


def test_test_cuts_the_network_unless_told_not_to(gone, monkeypatch):
    monkeypatch.setattr(commands.network, "cut", lambda command, python: (["cut", *command], "so"))
    commands.run_command_line(["test", "--no-env"])
    [(command, variables)] = gone
    assert command[0] == "cut" and variables["COURSE_NETWORK"] == "so"


@pytest.mark.parametrize("what", ["run", "build"])
def test_run_and_build_hand_over_to_the_library(gone, what):
    commands.run_command_line([what, "--no-env", "radiography"])
    [(command, _)] = gone
    assert command[1:] == ["-m", "course_lib.authoring", what, "radiography"]


def test_the_set_up_goes_before_everything(gone, monkeypatch):
    asked = []

    def prepare(places: Places, extras):
        asked.append(list(extras))
        return Path("env-python")

    monkeypatch.setattr(commands.environment, "prepare", prepare)
    for what in ("test", "run", "build"):
        commands.run_command_line([what, *(["--online"] if what == "test" else [])])
    assert asked == [["dev"]] * 3
    assert [command[0] for command, _ in gone] == ["env-python"] * 3


def test_lab_sets_up_and_copies_the_lessons_before_it_starts(small_course):
    answer = small_course.call("lab", "--no-browser")
    assert small_course.places.stamp.exists()
    assert (small_course.root / "work" / "00_first.ipynb").exists()
    assert "Copied to your folder: 2 files." in answer.stdout
    # The small course has no JupyterLab in it: the last step fails, and says so.
    assert answer.returncode == 1 and "JupyterLab did not start" in answer.stderr
    assert "No module named jupyterlab" in answer.stderr


def test_lab_goes_on_with_the_older_environment_when_an_update_fails(small_course):
    small_course.places.lock.write_text("tiny-dep==9.9\n")
    answer = small_course.call("lab", "--no-browser")
    assert "Setting up did not work (pip failed)" in answer.stderr
    assert "Going on with the environment as it was" in answer.stdout
    assert "Starting JupyterLab" in answer.stdout
    assert small_course.call("test").returncode == 1  # tests never run in the wrong environment


def listen_to_ctrl_c() -> None:
    """Tests that run in the background may have been told to ignore it, and pass that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_during_the_set_up_leaves_something_the_next_call_mends(small_course):
    small_course.places.lock.write_text("tiny-dep==1.0\ntiny-dev==1.0\n")
    small_course.places.stamp.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-u", small_course.root / "course.py", "setup"],
        env=small_course.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=listen_to_ctrl_c,
    )
    said = [process.stdout.readline()]
    process.send_signal(signal.SIGINT)
    said.append(process.communicate(timeout=30)[0])
    assert process.returncode == 130, said
    assert "run the same command again" in "".join(said) and "Traceback" not in "".join(said)
    assert not small_course.places.stamp.exists()
    answer = small_course.call("setup")
    assert answer.returncode == 0 and "The environment is ready." in answer.stdout

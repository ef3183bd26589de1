"""JupyterLab starts on the learner's folder, only for this computer, and ends without a trace."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from launcher import lab
from launcher.places import Places, clean_environment
from launcher.problems import Problem


@pytest.fixture
def folders(tmp_path):
    places = Places(tmp_path / "강의 course")
    places.home.mkdir(parents=True)
    work = tmp_path / "내 work"
    work.mkdir()
    (work / "START.md").write_text("# Start\n")
    return places, work


def ask(running, path, token=None):
    request = urllib.request.Request(f"http://127.0.0.1:{running.port}{path}")
    if token:
        request.add_header("Authorization", f"token {token}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def test_lab_serves_the_folder_to_who_has_the_token_and_stops_cleanly(folders):
    places, work = folders
    running = lab.start(places, Path(sys.executable), work, lab.free_port(8960))
    try:
        listed = ask(running, "/api/contents", running.token)["content"]
        assert [entry["name"] for entry in listed] == ["START.md"]
        with pytest.raises(urllib.error.HTTPError, match="403"):
            ask(running, "/api/contents")
        body = json.dumps({"name": "python3"}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{running.port}/api/kernels",
            data=body,
            headers={"Authorization": f"token {running.token}"},
        )
        urllib.request.urlopen(request, timeout=20).close()
        family = psutil.Process(running.process.pid).children(recursive=True)
        assert family, "a kernel runs"
        # The token is not on the command line, where other users of this computer could read it.
        assert running.token not in " ".join(psutil.Process(running.process.pid).cmdline())
    finally:
        running.stop()
    assert running.process.poll() is not None
    assert not psutil.wait_procs(family, timeout=10)[1], "no kernel is left behind"
    with socket.socket() as attempt:
        assert attempt.connect_ex(("127.0.0.1", running.port)) != 0


def test_a_lab_that_cannot_start_is_told_with_its_own_words(folders):
    places, work = folders
    broken = work / "python"
    broken.write_text("#!/bin/sh\necho 'no jupyter here' >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(Problem, match="JupyterLab did not start(.|\n)*no jupyter here"):
        lab.start(places, broken, work, lab.free_port(8970))


def test_a_port_in_use_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert lab.free_port(port) != port
        with pytest.raises(Problem, match="--port 9000"):
            lab.free_port(port, tries=1)


def test_lab_listens_on_this_computer_only():
    command = lab.lab_command(Path("python"), Path("work"), 8888)
    assert "--ServerApp.ip=127.0.0.1" in command
    assert "--ServerApp.port_retries=0" in command


def test_the_users_own_jupyter_settings_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    variables = clean_environment(Places(tmp_path))
    assert "PYTHONPATH" not in variables
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        assert variables[name].startswith(str(tmp_path / ".course"))


@pytest.mark.skipif(os.name != "posix", reason="signals are sent the POSIX way")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_ends_course_py_and_its_jupyterlab(small_course, tmp_path, number):
    port = lab.free_port(8980)
    taken = socket.socket()  # The wanted port is in use: the next one is taken, and said.
    taken.bind(("127.0.0.1", port))
    taken.listen()
    said = open(tmp_path / "said", "w+")  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-u", small_course.root / "course.py", "lab", "--no-env", "--no-browser"]
        + ["--port", str(port), "--work", str(tmp_path / "내 work")],
        stdout=said,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        wait_for("To stop, press Ctrl-C here.", tmp_path / "said")
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        taken.close()
        said.close()
        process.kill()
    words = (tmp_path / "said").read_text()
    assert f"Port {port} is in use; taking" in words
    assert "/lab/tree/START.md?token=" in words and "Traceback" not in words
    assert family and not psutil.wait_procs(family, timeout=10)[1]
    assert (tmp_path / "내 work" / "00_first.ipynb").exists()


def wait_for(words, file, seconds=60):
    end = time.monotonic() + seconds
    while words not in file.read_text():
        assert time.monotonic() < end, file.read_text()
        time.sleep(0.1)

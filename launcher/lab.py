"""Start JupyterLab on the learner's folder, and stop it again without leaving anything behind."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from launcher.lessons import START
from launcher.places import Places, clean_environment
from launcher.problems import Problem

# Defaults only: what a learner sets in JupyterLab's own settings still wins.
SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}


@dataclass
class Lab:
    """A running JupyterLab."""

    process: subprocess.Popen[bytes]
    port: int
    token: str

    @property
    def address(self) -> str:
        """Where the start page is, with the token that lets the reader in."""
        return f"http://127.0.0.1:{self.port}/lab/tree/{START}?token={self.token}"

    def stop(self, patience: float = 15.0) -> None:
        """Ask JupyterLab to close its kernels and end; insist after ``patience`` seconds."""
        if self.process.poll() is not None:
            return
        self._ask_to_end()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ask_to_end(self) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/shutdown",
            method="POST",
            headers={"Authorization": f"token {self.token}"},
        )
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except (urllib.error.URLError, OSError):
            self.process.send_signal(signal.SIGTERM)


def free_port(wanted: int, tries: int = 100) -> int:
    """Return the first free port from ``wanted`` on, for programs on this computer only."""
    for port in range(wanted, min(wanted + tries, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
            if sys.platform != "win32":  # There, this option would allow a port that is in use.
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Problem(
        f"No free port was found from {wanted} on. Choose another one, for example --port 9000."
    )


def lab_command(python: Path, work: Path, port: int) -> list[str]:
    """Return the command that starts JupyterLab for this computer only, on exactly this port."""
    command = [str(python), "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={work}", f"--LabApp.default_url=/lab/tree/{START}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # Containers run as root; the token still guards the door.
    return command


def write_settings(config: Path) -> None:
    """Make the start page open as a rendered page, and keep pop-ups away."""
    folder = config / "labconfig"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "default_setting_overrides.json").write_text(json.dumps(SETTINGS, indent=1))


def start(places: Places, python: Path, work: Path, port: int, patience: float = 120.0) -> Lab:
    """Start JupyterLab and return when it answers.

    Raises Problem with the end of its log when it does not answer within ``patience`` seconds.
    """
    variables = clean_environment(places)
    variables["JUPYTER_TOKEN"] = secrets.token_hex(
        16
    )  # Not on the command line: others can read it.
    write_settings(Path(variables["JUPYTER_CONFIG_DIR"]))
    log = places.home / "jupyterlab.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            lab_command(python, work, port),
            cwd=work,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for us; we then stop JupyterLab in an orderly way.
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    lab = Lab(process, port, variables["JUPYTER_TOKEN"])
    try:
        _wait_until_it_answers(lab, log, patience)
    except BaseException:
        lab.stop()
        raise
    return lab


def _wait_until_it_answers(lab: Lab, log: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end and lab.process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{lab.port}/api", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    rows = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-12:]
    raise Problem(
        "JupyterLab did not start. Run 'python3 course.py check' to see what is wrong."
        f"\nThe end of {log}:\n" + "\n".join("    " + row[:160] for row in rows)
    )

"""Programs that are started, watched and, whatever happens, ended with all that they started."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil

FIRST_PORT, LAST_PORT = 20000, 32000  # below the ports that systems hand out by themselves


def free_ports(count: int, first: int = FIRST_PORT) -> list[int]:
    """Ports on the loopback interface that nobody listens on, each different."""
    found: list[int] = []
    for port in range(first + os.getpid() % 4000, LAST_PORT):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"There are no {count} free ports between {first} and {LAST_PORT}.")


class Programs:
    """Programs with a log each. Leaving the ``with`` ends them and their children by their ids."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Programs":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        families = [family(program.pid) for program in self.running.values()]
        end([process for one in families for process in one])
        for program in self.running.values():
            program.wait()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a program; what it prints goes into folder/name.log."""
        with open(self.folder / f"{name}.log", "wb") as log:
            self.running[name] = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.environment,
                cwd=self.folder,
            )

    def kill(self, name: str) -> None:
        """End one program at once and with all its children, as a power cut would."""
        end(family(self.running[name].pid), patience=0)
        self.running[name].wait()

    def log(self, name: str) -> str:
        """What a program has printed so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def wait_for(self, name: str, done: Callable[[], bool], seconds: float) -> None:
        """Wait until ``done``. TimeoutError or ChildProcessError shows the end of the log."""
        limit = time.monotonic() + seconds
        while not done():
            if self.running[name].poll() is not None and not done():
                raise ChildProcessError(f"{name} ended too early:\n{self._tail(name)}")
            if time.monotonic() > limit:
                raise TimeoutError(f"{name}: not ready after {seconds:g} s:\n{self._tail(name)}")
            time.sleep(0.2)

    def _tail(self, name: str) -> str:
        return "\n".join(self.log(name).splitlines()[-15:])


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants; empty if it has gone."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def end(processes: Sequence[psutil.Process], patience: float = 3.0) -> None:
    """Ask the processes to end; after ``patience`` seconds end those that have not."""
    if patience > 0:
        _signal(processes, signal.SIGTERM)
        _, processes = psutil.wait_procs(processes, timeout=patience)
    _signal(processes, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    psutil.wait_procs(processes, timeout=5)


def _signal(processes: Sequence[psutil.Process], number: int) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue  # it went by itself

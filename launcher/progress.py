"""Run a long, talkative program behind one short line that shows it is alive."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

COLLECTING = re.compile(r"^Collecting ([\w.-]+)")
DOWNLOADING = re.compile(r"^\s+(?:Downloading|Using cached) ([\w.]+)-\S+(?: (\([\d.]+ [kMG]B\)))?")


class Line:
    """One line that is rewritten in place on a terminal, and printed now and then elsewhere."""

    def __init__(self, out: IO[str] | None = None, every: float = 15.0) -> None:
        self.out = out or sys.stdout
        self.terminal = self.out.isatty()
        self.started = time.monotonic()
        self.every = every
        self.last = self.started
        self.doing = "starting"

    def show(self) -> None:
        """Show what is being done and for how long already."""
        now = time.monotonic()
        minutes, seconds = divmod(int(now - self.started), 60)
        text = f"  [{minutes}:{seconds:02d}] {self.doing}"
        if self.terminal:
            self.out.write("\r" + text[:78].ljust(78))
            self.out.flush()
        elif now - self.last >= self.every:
            self.last = now
            print(text, file=self.out, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self.terminal:
            self.out.write("\r" + " " * 78 + "\r")
            self.out.flush()


def describe(output: str, count: int) -> tuple[str | None, int]:
    """Turn one line of pip's output into words; ``count`` counts the packages looked for."""
    if match := COLLECTING.match(output):
        return f"looking for package {count + 1}: {match[1]}", count + 1
    if match := DOWNLOADING.match(output):
        return f"fetching {match[1]} {match[2] or ''}", count
    if output.startswith("Installing collected packages"):
        return f"installing {output.count(',') + 1} packages (some minutes)", count
    return None, count


def run_behind_a_line(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    line: Line | None = None,
    watch: Callable[[str], None] = lambda output: None,
) -> int:
    """Run a command, append all it says to ``log``, show a short line; return its exit status.

    It runs in ``folder``; ``watch`` is called with every line of its output.
    """
    line = line or Line()
    with open(log, "a", encoding="utf-8") as record:
        record.write("\n$ " + " ".join(map(str, command)) + "\n")
        record.flush()
        process = subprocess.Popen(
            list(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env=None if environment is None else dict(environment),
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        done = threading.Event()
        ticker = threading.Thread(target=_tick, args=(line, done), daemon=True)
        ticker.start()
        try:
            _read(process, record, line, watch)
            return process.wait()
        finally:
            done.set()
            ticker.join()
            line.end()
            if process.poll() is None:
                process.terminate()
                process.wait()


def _tick(line: Line, done: threading.Event) -> None:
    while not done.wait(0.5):
        line.show()


def _read(
    process: subprocess.Popen[str], record: IO[str], line: Line, watch: Callable[[str], None]
) -> None:
    count = 0
    assert process.stdout is not None
    for output in process.stdout:
        record.write(output)
        record.flush()
        watch(output)
        words, count = describe(output, count)
        line.doing = words or line.doing

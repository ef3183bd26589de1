"""Does this computer have what the lessons need? A short report, also for pasting into a question.

``environment_report()`` is shown by lesson 0; ``course.py check`` runs this file as a program.
"""

import importlib.metadata
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

# What lessons import, by the name under which it is installed.
WATCHED = ("torch", "torchvision", "numpy", "matplotlib", "pydicom", "jupyterlab", "ipywidgets")
KOREAN_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "Noto Sans CJK JP",
    "NanumGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "UnDotum",
)
SLOW_SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``state`` is "ok", "note" (works, but know it) or "PROBLEM"."""

    state: str
    what: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Report:
    """All findings; shows itself as a table in a notebook."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.state != "PROBLEM" for finding in self.findings)

    def _repr_markdown_(self) -> str:
        rows = [f"| {f.state} | {f.what} | {f.found} |" for f in self.findings]
        advice = [f"- {f.what}: {f.advice}" for f in self.findings if f.state != "ok" and f.advice]
        verdict = "Nothing is wrong." if self.ok else "Something is wrong; see below."
        return "\n".join(["| | what | found |", "|---|---|---|", *rows, "", verdict, "", *advice])

    __str__ = _repr_markdown_


def environment_report(folder: Path | str = ".") -> Report:
    """Look at this computer and this Python; nothing is raised, all is told in the report.

    ``folder`` is where the learner works (it must be writable).
    """
    looks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("Python", python_version),
        ("computer", computer),
        ("versions", versions),
        ("PyTorch", torch_settings),
        ("speed", convolution_speed),
        ("Korean letters", korean_font),
        ("writing", lambda: may_write(Path(folder))),
    )
    return Report(tuple(_look(what, look) for what, look in looks))


def _look(what: str, look: Callable[[], Finding]) -> Finding:
    """Make a finding of whatever goes wrong while looking."""
    try:
        return look()
    except Exception as error:  # A broken library fails in any way it likes; the report goes on.
        advice = "delete the folder .course, then run: python3 course.py lab"
        return Finding("PROBLEM", what, f"{type(error).__name__}: {error}"[:150], advice)


def python_version() -> Finding:
    """Tell the version of Python."""
    found = f"{platform.python_version()} ({platform.python_implementation()})"
    good = sys.version_info >= (3, 11)
    return Finding("ok" if good else "PROBLEM", "Python", found, "install Python 3.11 or newer")


def computer() -> Finding:
    """Tell processor cores and memory; lessons are made for 2 cores and 8 GB."""
    memory = psutil.virtual_memory()
    cores = os.cpu_count() or 1
    found = (
        f"{cores} cores, {memory.total / 1e9:.0f} GB memory ({memory.available / 1e9:.0f} GB free)"
    )
    good = cores >= 2 and memory.available > 2e9
    return Finding(
        "ok" if good else "note", "computer", found, "close other programs; lessons may be slow"
    )


def versions(lock: Path | None = None) -> Finding:
    """Compare installed versions with the exact ones of ``requirements.lock``."""
    lock = lock or Path(__file__).resolve().parents[2] / "requirements.lock"
    installed = {name: importlib.metadata.version(name) for name in WATCHED}
    found = ", ".join(f"{name} {version}" for name, version in installed.items())
    if not lock.exists():
        return Finding("note", "versions", found, "there is no requirements.lock to compare with")
    locked = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(encoding="utf-8"), re.M))
    # A CPU build calls itself 2.15.0+cpu: the same version.
    other = [n for n, v in installed.items() if n in locked and v.split("+")[0] != locked[n]]
    advice = f"not as in requirements.lock: {', '.join(other)}; outputs may differ" if other else ""
    return Finding("note" if other else "ok", "versions", found, advice)


def torch_settings() -> Finding:
    """Tell how many threads PyTorch uses and whether it sees a GPU."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    if gpu is None and torch.backends.mps.is_available():
        gpu = "Apple GPU"
    return Finding("ok", "PyTorch", f"{torch.get_num_threads()} threads, GPU: {gpu or 'none'}")


def convolution_speed() -> Finding:
    """Time a small convolution (32 images, 16 to 16 channels, 3 x 3, 64 x 64 pixels), 10 times."""
    import torch

    layer = torch.nn.Conv2d(16, 16, 3, padding=1)
    images = torch.ones(32, 16, 64, 64)
    with torch.no_grad():
        layer(images)
        start = time.perf_counter()
        for _ in range(10):
            layer(images)
    seconds = time.perf_counter() - start
    state = "ok" if seconds < SLOW_SECONDS else "note"
    found = f"10 convolutions in {seconds * 1000:.0f} ms"
    return Finding(state, "speed", found, "slow; close other programs before training lessons")


def korean_font() -> Finding:
    """Find a font with which figures can show Korean letters."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    font = next((name for name in KOREAN_FONTS if name in installed), None)
    advice = "Korean letters in figures will be boxes; install the font Noto Sans KR or NanumGothic"
    return Finding("ok" if font else "note", "Korean letters", font or "no font", advice)


def may_write(folder: Path) -> Finding:
    """Try to write a file where the learner works."""
    try:
        with tempfile.TemporaryFile(dir=folder) as handle:
            handle.write(b"x" * 4096)
    except OSError as error:
        found = f"not in {folder.resolve()}: {error.strerror}"
        return Finding("PROBLEM", "writing", found, "open the lessons from a folder of your own")
    return Finding("ok", "writing", "works")


def main() -> int:
    """Print the report, as JSON for ``course.py`` when asked; return 1 when something is wrong."""
    report = environment_report()
    if "--json" in sys.argv:
        print(json.dumps([asdict(finding) for finding in report.findings]))
    else:
        print(report)
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())

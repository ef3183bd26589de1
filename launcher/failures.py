"""Each thing that can go wrong during set-up, in words that say what to do."""

import errno
import platform
import re
from collections.abc import Mapping
from pathlib import Path

LOG_TAIL = 12

NO_NETWORK = (
    r"NameResolutionError|name resolution|getaddrinfo|nodename nor servname|Network is unreachable"
    r"|NewConnectionError|Failed to establish a new connection|ConnectTimeout|Read timed out"
    r"|Connection (refused|reset|aborted)|ProxyError|RemoteDisconnected|IncompleteRead"
)
# Tried in this order: pip ends every failure with "no matching distribution", whatever the cause.
CAUSES = (
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|certificate verify", "certificate"),
    (r"No space left on device|Errno 28|not enough space", "room"),
    (NO_NETWORK, "network"),
    (r"Permission denied|Errno 13|Read-only file system|WinError 5\b", "permission"),
    (r"DO NOT MATCH THE HASHES|BadZipFile|is invalid|Wheel .* invalid", "damaged"),
    (r"ensurepip|No module named '?venv", "venv"),
    (r"No matching distribution|Could not find a version|requires a different Python", "version"),
)
ADVICE = {
    "certificate": (
        "The connection was refused because its certificate is not known here. Hospital and company"
        " networks often do this: use another network (a telephone's hotspot will do), or ask your"
        " IT department for the certificate file and set PIP_CERT to it. Then run the same command"
        " again; what was downloaded is kept."
    ),
    "room": (
        "The disk is full. Make room (setting up needs about 10 GB on Linux, 3 GB elsewhere) and"
        " run the same command again."
    ),
    "network": (
        "The package index could not be reached. Check that this computer is on the internet (and,"
        " behind a proxy, that HTTPS_PROXY is set), then run the same command again; what was"
        " downloaded is kept."
    ),
    "permission": (
        "Something may not be written here. Copy the course to a folder of your own, for example in"
        " your home folder, and run the same command there."
    ),
    "damaged": (
        "A download arrived damaged. Run the same command again; if it fails at the same package,"
        " empty pip's store first: python3 -m pip cache purge"
    ),
    "venv": (
        "The set-up of an empty environment failed. On Debian or Ubuntu: sudo apt install"
        " python3-venv"
    ),
    "version": (
        "A package does not exist for this Python ({python}) on this system ({system}). The"
        " course needs Python 3.11 to 3.13 on 64-bit Linux, Windows or Apple-silicon macOS; start"
        " it with one of those, for example: python3.12 course.py lab"
    ),
    "unknown": (
        "Run the same command again; if it fails in the same way, ask for help and paste what"
        " 'python3 course.py check' prints."
    ),
}


def cause(log: str) -> str:
    """Name the likely cause of a failure from what pip or venv printed."""
    return next((name for pattern, name in CAUSES if re.search(pattern, log)), "unknown")


def explain(log: Path, program: str) -> str:
    """Explain a failed set-up from the last command in its log, with the log's end."""
    text = log.read_text(encoding="utf-8", errors="replace").rsplit("\n$ ", 1)[-1]
    advice = ADVICE[cause(text)].format(
        python=platform.python_version(), system=f"{platform.system()} {platform.machine()}"
    )
    tail = "\n".join("    " + row[:160] for row in text.strip().splitlines()[-LOG_TAIL:])
    return f"Setting up did not work ({program} failed). {advice}\nThe end of {log}:\n{tail}"


def room_needed(system: str, variables: Mapping[str, str]) -> float:
    """Return the disk space in GB that a first set-up takes.

    PyTorch for Linux brings the GPU libraries with it, unless pip is told of an index of CPU builds
    (their addresses end in /cpu).
    """
    indexes = variables.get("PIP_EXTRA_INDEX_URL", "") + " " + variables.get("PIP_INDEX_URL", "")
    small = not system.startswith("linux") or "/cpu" in indexes
    return 3.0 if small else 10.0  # measured: 6.3 GB in the end, and 2.7 GB of downloads


def no_room(folder: Path, free: float, need: float) -> str:
    """Say that the disk is too full; sizes in GB."""
    return (
        f"Too little room on the disk of {folder}: {free:.1f} GB are free and setting up needs"
        f" about {need:.1f} GB. Make room, or put the course on another disk, and run the same"
        " command again."
    )


def incomplete(file: Path) -> str:
    """Say that a file of the course itself is missing."""
    return f"The course is not complete: {file} is missing. Get the course again."


def no_venv(missing: list[str]) -> str:
    """Say that this Python cannot make environments."""
    return (
        f"This Python came without its module {' and '.join(missing)}, which makes isolated"
        " environments. On Debian or Ubuntu install it with: sudo apt install python3-venv   (or"
        " python3.12-venv, to fit your Python). Elsewhere, install Python from python.org. Then run"
        " the same command again."
    )


def read_only(folder: Path, error: OSError) -> str:
    """Say that the course's folder cannot be written."""
    if error.errno == errno.ENOSPC:
        return f"The disk of {folder} is full. " + ADVICE["room"]
    return (
        f"The course cannot write in its own folder {folder} ({error.strerror or error})."
        f" {ADVICE['permission']}"
    )


def cannot_remove(folder: Path, error: OSError) -> str:
    """Say that an old environment is in the way."""
    return (
        f"The old environment {folder} could not be removed ({error.strerror or error}). Close"
        " JupyterLab and every notebook of the course, delete that folder by hand, and run the same"
        " command again."
    )

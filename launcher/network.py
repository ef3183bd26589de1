"""Cut the network for a program, to prove that the course works without one.

On Linux the program gets a network of its own in which only this computer's loopback exists: not
even a browser or a C library gets out. Elsewhere, or where this is not allowed, a hook refuses
every connection that Python code opens to another computer.
"""

import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "COURSE_NETWORK"
OWN_NETWORK, REFUSED = "own loopback only", "refused in Python"


def ways(root_user: bool) -> list[list[str]]:
    """Return the commands that may give a program its own network, the plainest first."""
    plain, as_user = ["unshare", "--net"], ["unshare", "--net", "--map-root-user"]
    return [plain, as_user] if root_user else [as_user]


def cut(command: Sequence[str], python: Path) -> tuple[list[str], str]:
    """Return the command that runs ``command`` without a network, and the method's name.

    The caller sets the environment variable ``COURSE_NETWORK`` to the method's name; with
    "refused in Python" the hook (``install_hook``) must be in the environment of ``python``.
    """
    if sys.platform.startswith("linux") and shutil.which("unshare"):
        for way in ways(os.geteuid() == 0):
            wrapped = [*way, str(python), str(Path(__file__).resolve())]
            trial = [*wrapped, str(python), "-c", "pass"]
            if subprocess.run(trial, capture_output=True).returncode == 0:
                return [*wrapped, *command], OWN_NETWORK
    return list(command), REFUSED


def install_hook(python: Path) -> None:
    """Put the refusing hook into an environment; it sleeps until ``COURSE_NETWORK`` wakes it."""
    ask = "import sysconfig; print(ascii(sysconfig.get_path('purelib')))"
    answer = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    packages = Path(answer.stdout.strip()[1:-1].encode("ascii").decode("unicode_escape"))
    guard = ascii(str(Path(__file__).with_name("refuse_network.py")))
    # ascii(): a .pth file is read in the system's own encoding, which may know no Korean.
    line = f"import os; os.environ.get('{VARIABLE}') == '{REFUSED}' and exec(open({guard}).read())"
    (packages / "course_network.pth").write_text(line + "\n", encoding="ascii")


def raise_loopback() -> None:
    """Switch on the loopback interface of a new, empty network (Linux)."""
    import fcntl

    set_flags, up_and_running = 0x8914, 0x1 | 0x40  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING
    request = struct.pack("16sH14s", b"lo", up_and_running, b"")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, set_flags, request)


if __name__ == "__main__":
    raise_loopback()
    os.execvp(sys.argv[1], sys.argv[1:])

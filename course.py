"""The one file to start the course with: ``python3 course.py lab``.

This file only looks at the Python that runs it, so it is written to be understood by very old
ones; everything else is in the folder ``launcher`` beside it (standard library only).
"""

import os
import sys

OLDEST = (3, 11)


def complaint_about_python(version):
    """Say what is wrong with a Python of this version, or return None when it will do.

    ``version`` is a tuple such as ``sys.version_info``.
    """
    if tuple(version[:2]) >= OLDEST:
        return None
    text = (
        "This is Python {}.{}, and the course needs Python {}.{} or newer.\n"
        "Install a newer Python (python.org, your system's software centre, or conda), then start\n"
        "the course with it: python3.12 course.py lab   (Windows: py -3.12 course.py lab)"
    )
    return text.format(version[0], version[1], OLDEST[0], OLDEST[1])


def main():
    """Run the command on the command line; return the exit status."""
    wrong = complaint_about_python(sys.version_info)
    if wrong:
        sys.stderr.write(wrong + "\n")
        return 1
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from launcher.commands import run_command_line

    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

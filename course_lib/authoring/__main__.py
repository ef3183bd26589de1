"""Command line of the authoring tools: `python -m course_lib.authoring COMMAND`."""

import argparse
import sys
from pathlib import Path

from course_lib.authoring import build, derive, manifest, site


def parser() -> argparse.ArgumentParser:
    """The commands and their words."""
    top = argparse.ArgumentParser(prog="course.py", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    made = commands.add_parser("build", help="renew every derived file; run what has changed")
    made.add_argument("lesson", nargs="*", help="lessons for --force; default: all")
    made.add_argument("--force", action="store_true", help="run lessons even if nothing changed")
    made.add_argument("--no-site", action="store_true", help="leave the web site as it is")
    made.add_argument(
        "--without-solutions", type=Path, metavar="FOLDER",
        help="instead, copy the course without any solution to a new folder",
    )  # fmt: skip
    ran = commands.add_parser("run", help="prove and run lessons headless; writes nothing")
    ran.add_argument("lesson", nargs="*", help="number or name; default: all")
    commands.add_parser("fresh", help="tell whether every derived file is fresh")
    return top


def main(words: list[str] | None = None) -> int:
    """Do what `words` say; returns the exit code."""
    arguments = parser().parse_args(words)
    try:
        return _do(arguments, manifest.load())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1


def _do(arguments: argparse.Namespace, course: manifest.Course) -> int:
    if arguments.command == "run":
        return build.run(course, course.select(arguments.lesson))
    if arguments.command == "fresh":
        return derive.report(course)
    if arguments.without_solutions:
        return build.edition_without_solutions(course, arguments.without_solutions)
    code = build.build(course, course.select(arguments.lesson), arguments.force)
    return code or (0 if arguments.no_site else site.build(course))


if __name__ == "__main__":
    sys.exit(main())

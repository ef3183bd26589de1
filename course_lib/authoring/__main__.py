"""Command line of the authoring tools: `python -m course_lib.authoring COMMAND`."""

import argparse
import sys
from pathlib import Path

from course_lib.authoring import build, derive, manifest


def parser() -> argparse.ArgumentParser:
    """The commands and their words."""
    top = argparse.ArgumentParser(prog="course_lib.authoring", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for name, text in {
        "build": "renew every derived file; runs only lessons whose inputs changed",
        "run": "run lessons headless, with minutes and memory; writes nothing",
        "try": "prove one lesson's exercises and run it",
        "fresh": "tell whether every derived file is fresh",
        "site": "build the web site into _site/",
        "edition": "copy the course without solutions to a new folder",
    }.items():
        command = commands.add_parser(name, help=text)
        if name in ("build", "run", "try"):
            command.add_argument("lesson", nargs="*", help="number or name; default: all")
        if name == "build":
            command.add_argument("--force", action="store_true", help="run the lessons anyway")
        if name == "edition":
            command.add_argument("folder", type=Path)
    return top


def main(words: list[str] | None = None) -> int:
    """Do what `words` say; returns the exit code."""
    arguments = parser().parse_args(words)
    course = manifest.load()
    try:
        return _do(arguments, course)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1


def _do(arguments: argparse.Namespace, course: manifest.Course) -> int:
    if arguments.command == "build":
        return build.build(course, course.select(arguments.lesson), arguments.force)
    if arguments.command in ("run", "try"):
        return build.run(course, course.select(arguments.lesson))
    if arguments.command == "edition":
        return build.edition_without_solutions(course, arguments.folder)
    if arguments.command == "site":
        from course_lib.authoring import site

        return site.build(course)
    found = derive.differences(derive.derived(course))
    print("\n".join(found) or "Every derived file is fresh.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())

"""Read the command line and do what it says."""

import argparse
import os
import signal
import subprocess
import sys
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

from launcher import environment, lab, network
from launcher.health import check
from launcher.lessons import copy_lessons
from launcher.places import Places, clean_environment
from launcher.problems import Problem, say, tell

INTRODUCTION = """\
The course on artificial intelligence in medical imaging. Two commands are all you need:

  python3 course.py lab      set up (the first time) and open the lessons in your browser
  python3 course.py test     set up and run every test, the lessons included

What you write stays in the folder "work"; an update of the course never overwrites it.
"""

Command = Callable[[Places, argparse.Namespace], int]


def run_command_line(arguments: Sequence[str]) -> int:
    """Do what ``course.py`` was asked; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # A path may hold letters this terminal does not know.
            stream.reconfigure(errors="replace")
    reader = make_reader()
    if not arguments:
        reader.print_help()
        return 0
    options, rest = reader.parse_known_args(list(arguments))
    if rest and not options.passes_on:
        reader.error(f"unknown: {' '.join(rest)} (see: python3 course.py {options.name} --help)")
    options.rest = rest
    for number in ("SIGTERM", "SIGHUP"):  # SIGHUP: the terminal's window was closed
        if hasattr(signal, number):
            signal.signal(getattr(signal, number), _like_ctrl_c)
    try:
        return options.command(Places(Path(__file__).resolve().parent.parent), options)
    except Problem as problem:
        tell(problem)
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Nothing is lost; run the same command again to go on.")
        return 130


def _like_ctrl_c(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def make_reader() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    reader = argparse.ArgumentParser(
        prog="course.py",
        description=INTRODUCTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = reader.add_subparsers(title="commands", metavar="COMMAND", dest="name")
    one = _adder(commands)
    opens = one("lab", "open the lessons in JupyterLab", run_lab)
    opens.add_argument("--no-browser", action="store_true", help="only print the address")
    opens.add_argument("--port", type=int, default=8888, help="try this port first (8888)")
    tests = one("test", "run all tests, with the network cut; more words go to pytest", run_tests)
    net = tests.add_mutually_exclusive_group()
    net.add_argument("--offline", action="store_true", help="cut the network (this is the default)")
    net.add_argument("--online", action="store_true", help="leave the network on")
    one("run", "run lessons from top to bottom: course.py run [LESSON ...]", run_lessons)
    one("build", "make notebooks, solutions, slides and site again from lessons/", run_build)
    sets = one("setup", "only set up; lab and test do this by themselves", run_setup)
    sets.add_argument("--dev", action="store_true", help="with what tests and authors need")
    one("check", "look whether all is well; paste what it prints into a question", run_check)
    for command in commands.choices.values():
        command.set_defaults(passes_on=command.prog.split()[-1] in ("test", "run", "build"))
    return reader


def _adder(commands: "argparse._SubParsersAction[argparse.ArgumentParser]"):
    def add(name: str, text: str, command: Command) -> argparse.ArgumentParser:
        reader = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        reader.set_defaults(command=command)
        reader.add_argument(
            "--no-env",
            action="store_true",
            help="use this Python as it is (conda, Binder), make no environment",
        )
        if name in ("lab", "check"):
            reader.add_argument(
                "--work", type=Path, metavar="FOLDER", help="your folder (default: work)"
            )
        return reader

    return add


def _python(places: Places, options: argparse.Namespace, extras: Sequence[str] = ()) -> Path:
    """Return the Python to work with: the course's own, or this one as it is."""
    if options.no_env:
        environment.make_home(places)
        return Path(sys.executable)
    return environment.prepare(places, extras)


def run_setup(places: Places, options: argparse.Namespace) -> int:
    """Make the environment, and nothing more."""
    say(f"Ready: {_python(places, options, ['dev'] if options.dev else [])}")
    return 0


def run_lab(places: Places, options: argparse.Namespace) -> int:
    """Set up, copy the lessons, open JupyterLab, wait for Ctrl-C."""
    try:
        python = _python(places, options)
    except Problem as problem:
        if not environment.is_usable(places):
            raise
        tell(problem)
        say("\nGoing on with the environment as it was; some lessons may want the newer one.")
        python = places.python
    work = _work(places, options)
    for sentence in copy_lessons(places.root, work).sentences():
        say(sentence)
    port = lab.free_port(options.port)
    if port != options.port:
        say(f"Port {options.port} is in use; taking {port} instead.")
    say("Starting JupyterLab ...")
    running = lab.start(places, python, work, port)
    try:
        _show_address(running, options.no_browser)
        return running.process.wait()
    except KeyboardInterrupt:
        say("\nClosing JupyterLab ...")
        return 0
    finally:
        running.stop()


def _show_address(running: lab.Lab, quiet: bool) -> None:
    opened = not quiet and webbrowser.open(running.address)
    what = "The course is open in your browser. Its address:" if opened else "Open in your browser:"
    say(f"\n{what}\n\n    {running.address}\n\nTo stop, press Ctrl-C here.")


def _work(places: Places, options: argparse.Namespace) -> Path:
    return (options.work or places.root / "work").expanduser().resolve()


def run_tests(places: Places, options: argparse.Namespace) -> int:
    """Set up with what tests need, then run them without a network; pytest has the last word."""
    python = _python(places, options, ["dev"])
    variables = clean_environment(places)
    variables.update(TQDM_DISABLE="1", OMP_NUM_THREADS=variables.get("OMP_NUM_THREADS", "2"))
    command = [str(python), "-m", "pytest", *options.rest]
    if not options.online:
        command, method = network.cut(command, python)
        variables[network.VARIABLE] = method
        if method == network.REFUSED:
            network.install_hook(python)
        say(f"The network is cut for the tests ({method}).")
    return _go(command, places, variables)


def run_lessons(places: Places, options: argparse.Namespace) -> int:
    """Run lessons headless."""
    return _author(places, options, "run")


def run_build(places: Places, options: argparse.Namespace) -> int:
    """Regenerate everything derived."""
    return _author(places, options, "build")


def _author(places: Places, options: argparse.Namespace, what: str) -> int:
    python = _python(places, options, ["dev"])
    command = [str(python), "-m", "course_lib.authoring", what, *options.rest]
    return _go(command, places, clean_environment(places))


def _go(command: Sequence[str], places: Places, variables: dict[str, str]) -> int:
    """Run a program in the course's folder; at Ctrl-C let it finish its own clearing up."""
    process = subprocess.Popen(command, cwd=places.root, env=variables)
    try:
        return process.wait()
    except KeyboardInterrupt:
        if os.name == "posix":
            process.send_signal(signal.SIGINT)
        process.wait()
        raise


def run_check(places: Places, options: argparse.Namespace) -> int:
    """Print the state of everything."""
    work = _work(places, options)
    return check(places, work, Path(sys.executable) if options.no_env else None)

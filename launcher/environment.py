"""Make the course's isolated Python, or recognise that it is there already.

The stamp (``recipe.py``) goes before anything is changed and is written last. So there are only
three states: ready, out of date (a stamp that does not fit), half-made (no stamp; made anew).
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from launcher import failures
from launcher.guard import one_at_a_time
from launcher.places import Places, clean_environment
from launcher.problems import Problem, say
from launcher.progress import run_behind_a_line
from launcher.recipe import read_stamp, recipe, write_stamp

USUAL_EXTRAS = ("engine",)  # optional for who uses the library alone; a lesson needs it


def prepare(places: Places, extras: Collection[str] = ()) -> Path:
    """Return the Python of a ready environment, making or mending the environment if needed.

    ``extras`` names optional parts of pyproject.toml ("dev": what tests and authors need).
    Raises Problem, in words for the reader, for everything that can go wrong.
    """
    make_home(places)
    with one_at_a_time(places.guard, say):
        if not is_ready(places, extras):
            _make(places, set(extras))
    return places.python


def is_ready(places: Places, extras: Collection[str] = ()) -> bool:
    """Tell whether the environment is whole, fits the course's files, and starts."""
    stamp = read_stamp(places)
    fits = stamp.get("recipe") == recipe(places) and set(extras) <= set(stamp.get("extras", []))
    return fits and is_usable(places)


def is_usable(places: Places) -> bool:
    """Tell whether a complete environment is there, if perhaps an older one than the course's."""
    stamp = read_stamp(places)
    return bool(stamp) and version_inside(places.python) == stamp.get("python")


def make_home(places: Places) -> None:
    """Make the folder for everything the launcher writes, or say why it cannot be."""
    try:
        (places.home / "jupyter").mkdir(parents=True, exist_ok=True)
        places.guard.touch()
    except OSError as error:
        raise Problem(failures.read_only(places.root, error)) from None


def version_inside(python: Path) -> str:
    """Return the version of an environment's Python, "" when it does not run.

    An environment borrows the Python it was made with, which may have been removed or replaced.
    """
    ask = "import sys; print('{}.{}'.format(*sys.version_info))"
    try:
        answer = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True)
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _make(places: Places, extras: set[str]) -> None:
    old = read_stamp(places) if is_usable(places) else {}
    if old:
        say("Bringing the course's own Python in .course/env up to date.")
        _look_for_room(places, first_time=False)
    else:
        _fresh(places)
    extras |= set(old.get("extras", []))
    _install(places, extras)
    write_stamp(places, extras, version_inside(places.python))
    say("The environment is ready.")


def _fresh(places: Places) -> None:
    """Replace whatever is there by a new, empty environment."""
    missing = [n for n in ("venv", "ensurepip") if importlib.util.find_spec(n) is None]
    if missing:
        raise Problem(failures.no_venv(missing))
    if places.env.exists():
        say("The environment was left half-made or no longer starts; making it anew.")
    places.stamp.unlink(missing_ok=True)
    _remove(places.env)
    places.log.unlink(missing_ok=True)
    _look_for_room(places, first_time=True)
    say("Setting up the course's own Python in .course/env; this first time takes some minutes.")
    command = [sys.executable, "-m", "venv", str(places.env)]
    if run_behind_a_line(command, places.log):
        raise Problem(failures.explain(places.log, "python -m venv"))


def _install(places: Places, extras: set[str]) -> None:
    """Run pip; an environment that was complete loses its stamp when pip begins to change it.

    pip first fetches everything. Stopped before it installs, by a lost network or by Ctrl-C, it
    leaves an older environment as complete as it was.
    """

    def watch(output: str) -> None:
        if output.startswith("Installing collected packages"):
            places.stamp.unlink(missing_ok=True)

    status = run_behind_a_line(
        pip_command(places, extras),
        places.log,
        clean_environment(places),
        folder=places.root,
        watch=watch,
    )
    if status:
        raise Problem(failures.explain(places.log, "pip"))


def pip_command(places: Places, extras: Collection[str]) -> list[str]:
    """Return the one pip command that installs the course with exact versions."""
    # "." and relative names: pip then never has to read a path with spaces or Korean letters.
    what = f".[{','.join(sorted({*extras, *USUAL_EXTRAS}))}]"
    pip = [str(places.python), "-m", "pip", "--disable-pip-version-check", "install"]
    return [*pip, "--no-input", "--progress-bar", "off", "-c", places.lock.name, "-e", what]


def _look_for_room(places: Places, first_time: bool) -> None:
    free = shutil.disk_usage(places.root).free / 1e9
    need = failures.room_needed(sys.platform, os.environ) if first_time else 1.0
    if free < need:
        raise Problem(failures.no_room(places.root, free, need))


def _remove(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise Problem(failures.cannot_remove(folder, error)) from None

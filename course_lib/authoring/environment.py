"""Derive the exact versions (requirements.lock) and environment.yml from pyproject.toml.

Run in an environment in which the course works: ``python -m course_lib.authoring.environment``.
The lock holds what is installed there and reachable from pyproject.toml, on every system and Python
the course supports; ``pip install -c requirements.lock`` then gives everybody the same versions.
"""

import argparse
import importlib.metadata
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

CONDA_PYTHON = "3.11"
USUAL_EXTRAS = ("engine",)  # what the launcher installs besides; a lesson needs it
OLDEST_PYTHON = "3.11.0"
PYTHONS = ("3.11", "3.12", "3.13")
# What a marker may ask for: one system a row, named as Python names it there.
SYSTEMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
)
MACHINES = {"linux": "x86_64", "darwin": "arm64", "win32": "AMD64"}
WHEELS = {"linux": "manylinux_2_28_x86_64", "darwin": "macosx_11_0_arm64", "win32": "win_amd64"}
LOCK_HEADER = """\
# Exact versions of everything, for reproducible outputs. Derived: edit pyproject.toml, then run
#   python -m course_lib.authoring.environment
"""
YML_HEADER = """\
# The same environment for conda, mamba, Binder, JupyterHub. Derived: edit pyproject.toml, then run
#   python -m course_lib.authoring.environment
"""


@dataclass(frozen=True)
class Need:
    """A package that the course needs, with the systems on which it does."""

    name: str
    systems: frozenset[str]


def direct(pyproject: Path, extras: Iterable[str] = ("engine", "dev")) -> list[Requirement]:
    """Return the requirements that pyproject.toml names, with the optional ones of ``extras``."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    optional = project.get("optional-dependencies", {})
    named = [*project["dependencies"], *(need for extra in extras for need in optional[extra])]
    return [Requirement(text) for text in named]


def closure(requirements: Iterable[Requirement]) -> list[Need]:
    """Return all packages that are needed, directly or through others, and on which systems.

    Follows the metadata of what is installed; packages of other systems that are not installed
    here are leaves.
    """
    needed: dict[str, set[str]] = {}
    wanted = list(requirements)
    for system in SYSTEMS:
        for python in PYTHONS:
            target = {**system, **_target(system["sys_platform"], python)}
            for name in _walk(wanted, target):
                needed.setdefault(name, set()).add(system["sys_platform"])
    return [Need(name, frozenset(systems)) for name, systems in sorted(needed.items())]


def _target(system: str, python: str) -> dict[str, str]:
    return {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "platform_machine": MACHINES[system],
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def _walk(requirements: list[Requirement], target: dict[str, str]) -> Iterator[str]:
    """Yield the canonical names of everything needed on one system and Python."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [r for r in requirements if _applies(r.marker, target, "")]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        yield name
        for text in _requires(name):
            need = Requirement(text)
            if any(_applies(need.marker, target, extra) for extra in ("", *requirement.extras)):
                waiting.append(need)


def _applies(marker: Marker | None, target: dict[str, str], extra: str) -> bool:
    return marker is None or marker.evaluate({**target, "extra": extra})


def _requires(name: str) -> list[str]:
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def lock_lines(needs: Iterable[Need]) -> Iterator[str]:
    """Yield one ``name==version`` line per package, with a marker when not all systems need it."""
    every = {system["sys_platform"] for system in SYSTEMS}
    for need in needs:
        line = f"{need.name}=={version_of(need)}"
        if need.systems != every:
            tests = " or ".join(f'sys_platform == "{name}"' for name in sorted(need.systems))
            line += f" ; {tests}"
        yield line


def version_of(need: Need) -> str:
    """Return the installed version of a package, or the one pip would choose.

    pip is asked about packages of other systems, and about those whose installed version is too new
    for the oldest Python that the course supports.
    Raises RuntimeError when the package is needed here and not installed, or is unknown to pip.
    """
    try:
        found = importlib.metadata.metadata(need.name)
        if SpecifierSet(str(found.json.get("requires_python", ""))).contains(OLDEST_PYTHON):
            # A CPU build calls itself 2.15.0+cpu; the lock names the version all builds share.
            return found["Version"].split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        if sys.platform in need.systems and need.name != "setuptools":  # from Python 3.12 on
            raise RuntimeError(
                f"{need.name} is needed and not installed here; run: pip install -e .[dev]"
            ) from None
    return _ask_pip(need)


def _ask_pip(need: Need) -> str:
    """Return the newest version that pip would install on a system that needs the package."""
    system = sorted(need.systems)[0]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-"]
    command += ["--ignore-installed", "--no-deps", "--only-binary", ":all:", "--target", "unused"]
    command += ["--python-version", OLDEST_PYTHON, "--platform", WHEELS[system], need.name]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        raise RuntimeError(f"pip does not know {need.name}: {answer.stderr.strip()}")
    return json.loads(answer.stdout)["install"][0]["metadata"]["version"]


def read_lock(lock: Path) -> dict[str, str]:
    """Return the exact version of every package in the lock, by canonical name."""
    pins: dict[str, str] = {}
    for row in lock.read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#"):
            requirement = Requirement(row)
            pins[canonicalize_name(requirement.name)] = str(requirement.specifier).lstrip("=")
    return pins


def environment_yml(pyproject: Path, lock: Path) -> str:
    """Return the text of environment.yml: pyproject's direct needs at the lock's versions."""
    pins = read_lock(lock)
    rows = []
    for requirement in direct(pyproject, extras=USUAL_EXTRAS):
        marker = f" ; {requirement.marker}" if requirement.marker else ""
        rows.append(f"{requirement.name}=={pins[canonicalize_name(requirement.name)]}{marker}")
    rows += ["-c requirements.lock", f"-e .[{','.join(USUAL_EXTRAS)}]"]
    listed = "\n".join(f"      - {row}" for row in rows)
    return f"""{YML_HEADER}name: course
channels:
  - conda-forge
dependencies:
  - python={CONDA_PYTHON}
  - pip
  - pip:
{listed}
"""


def main(arguments: list[str] | None = None) -> int:
    """Write requirements.lock and environment.yml beside pyproject.toml."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    reader.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    root = reader.parse_args(arguments).root
    pyproject, lock = root / "pyproject.toml", root / "requirements.lock"
    lock.write_text(LOCK_HEADER + "\n".join(lock_lines(closure(direct(pyproject)))) + "\n")
    (root / "environment.yml").write_text(environment_yml(pyproject, lock))
    print(f"Wrote {lock.name} ({len(read_lock(lock))} packages) and environment.yml.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

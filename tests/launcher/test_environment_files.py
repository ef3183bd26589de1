"""pyproject.toml is the one place; requirements.lock and environment.yml agree with it."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from course_lib.authoring import environment
from course_lib.authoring.environment import (
    Need,
    closure,
    direct,
    environment_yml,
    lock_lines,
    read_lock,
)

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT, LOCK, YML = (
    ROOT / name for name in ("pyproject.toml", "requirements.lock", "environment.yml")
)
SYSTEMS = {"linux", "darwin", "win32"}


@pytest.fixture(scope="module")
def needs():
    return closure(direct(PYPROJECT))


def test_the_lock_holds_everything_that_is_needed_and_nothing_else(needs):
    assert set(read_lock(LOCK)) == {need.name for need in needs}


def test_every_direct_requirement_is_satisfied_by_its_locked_version():
    pins = read_lock(LOCK)
    for requirement in direct(PYPROJECT):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def test_the_lock_is_exact_and_may_be_used_on_every_system():
    rows = [row for row in LOCK.read_text().splitlines() if row and not row.startswith("#")]
    assert rows == sorted(rows, key=lambda row: row.split("=")[0])
    for row in rows:
        requirement = Requirement(row)
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), row  # no local builds: +cpu
        if re.match(r"nvidia-|cuda-|triton", row):
            assert requirement.marker and 'sys_platform == "linux"' in str(requirement.marker), row


def test_environment_yml_is_what_pyproject_and_lock_make():
    assert YML.read_text() == environment_yml(PYPROJECT, LOCK), (
        "run course_lib.authoring.environment"
    )


def test_environment_yml_gives_conda_the_same_direct_packages():
    recipe = yaml.safe_load(YML.read_text())
    python, pip, listed = recipe["dependencies"]
    assert python.startswith("python=3.1") and pip == "pip"
    rows = listed["pip"]
    assert rows[-2:] == ["-c requirements.lock", "-e .[engine]"]
    pins = read_lock(LOCK)
    named = {canonicalize_name(r.name) for r in direct(PYPROJECT, extras=("engine",))}
    assert {canonicalize_name(Requirement(row).name) for row in rows[:-2]} == named
    for row in rows[:-2]:
        requirement = Requirement(row)
        assert str(requirement.specifier) == f"=={pins[canonicalize_name(requirement.name)]}"


def test_markers_say_which_systems_need_a_package(needs):
    systems = {need.name: need.systems for need in needs}
    assert systems["numpy"] == SYSTEMS
    assert systems["colorama"] == {"win32"} and systems["appnope"] == {"darwin"}
    assert systems["pexpect"] == {"linux", "darwin"}


def test_a_package_for_some_systems_gets_a_marker():
    every = Need("numpy", frozenset(SYSTEMS))
    assert re.fullmatch(r"numpy==[\d.]+", next(lock_lines([every])))
    some = next(lock_lines([Need("numpy", frozenset({"win32", "linux"}))]))
    assert some.endswith(' ; sys_platform == "linux" or sys_platform == "win32"')


def test_a_package_that_is_needed_here_and_missing_is_told(monkeypatch):
    monkeypatch.setattr(environment.sys, "platform", "linux")
    with pytest.raises(RuntimeError, match=r"not_there_at_all is needed .* pip install -e"):
        environment.version_of(Need("not_there_at_all", frozenset(SYSTEMS)))


def test_extras_of_a_requirement_are_followed():
    plain = {need.name for need in closure([Requirement("jupyter-client")])}
    more = {need.name for need in closure([Requirement("jupyter-client[test]")])}
    assert plain < more


def test_the_container_for_code_editors_installs_the_same():
    import json

    settings = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert settings["postCreateCommand"] == "pip install -e .[engine] -c requirements.lock"


def test_the_locked_versions_run_on_the_oldest_python_supported():
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    assert SpecifierSet(project["requires-python"]).contains(environment.OLDEST_PYTHON)
    for name, version in read_lock(LOCK).items():
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        if about["Version"] == version:
            wanted = SpecifierSet(about.get("Requires-Python", ""))
            assert wanted.contains(environment.OLDEST_PYTHON), (name, str(wanted))


def test_a_version_too_new_for_the_oldest_python_is_not_locked(monkeypatch):
    monkeypatch.setattr(environment, "OLDEST_PYTHON", "3.5.0")
    monkeypatch.setattr(environment, "_ask_pip", lambda need: "asked")
    assert environment.version_of(Need("numpy", frozenset(SYSTEMS))) == "asked"

"""``course.py check`` tells what is wrong, also when the environment is what is wrong."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.teaching import selftest
from launcher import health
from launcher.places import Places


def test_before_the_set_up_it_says_what_to_run(small_course):
    answer = small_course.call("check")
    assert answer.returncode == 1 and "Traceback" not in answer.stderr
    assert "| PROBLEM | environment | not made yet |" in answer.stdout
    assert "python3 course.py lab" in answer.stdout
    assert "path with spaces or non-ASCII" in answer.stdout


def test_a_broken_environment_is_named(small_course):
    small_course.places.env.mkdir(parents=True)
    assert "| PROBLEM | environment | half-made or broken |" in small_course.call("check").stdout
    shutil.rmtree(small_course.places.home)


def test_an_environment_without_the_course_is_named(small_course):
    small_course.prepare()
    answer = small_course.call("check")  # the small course has no self-test to run
    assert answer.returncode == 1
    assert "| ok | environment | ready" in answer.stdout
    assert "| PROBLEM | self-test | did not run: " in answer.stdout
    assert "No module named" in answer.stdout


def test_a_missing_lock_is_named(small_course):
    kept = small_course.places.lock.read_text()
    small_course.places.lock.unlink()
    answer = small_course.call("check")
    small_course.places.lock.write_text(kept)
    assert answer.returncode == 1 and "Traceback" not in answer.stderr
    assert "requirements.lock is missing" in answer.stdout


def test_the_block_is_a_table_with_advice_only_where_needed():
    rows = [("ok", "disk", "50 GB|free", "unused"), ("PROBLEM", "folder", "read-only", "copy it")]
    text = "\n".join(health.block(rows))
    assert "| ok | disk | 50 GB/free |" in text
    assert "- folder: copy it" in text and "unused" not in text
    assert "Nothing is wrong" not in text
    assert "Nothing is wrong" in "\n".join(health.block(rows[:1]))


def test_the_self_test_finds_this_environment_in_order():
    report = selftest.environment_report()
    assert report.ok, str(report)
    found = {finding.what: finding.found for finding in report.findings}
    assert "threads" in found["PyTorch"] and "torch 2." in found["versions"]
    assert "ms" in found["speed"] and "cores" in found["computer"]
    assert report._repr_markdown_().count("\n| ") == len(found)


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path):
    report = selftest.environment_report(tmp_path / "nowhere")
    assert not report.ok
    assert [f.what for f in report.findings if f.state == "PROBLEM"] == ["writing"]


def test_versions_that_differ_from_the_lock_are_named(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("# exact versions\nnumpy==0.1\n")
    finding = selftest.versions(lock)
    assert finding.state == "note" and "numpy" in finding.advice and "torch" not in finding.advice


def test_a_library_that_fails_in_any_way_is_reported_not_raised(monkeypatch):
    def broken():
        raise SystemError("initialisation of the library failed")

    monkeypatch.setattr(selftest, "torch_settings", broken)
    report = selftest.environment_report()
    assert not report.ok
    assert any("SystemError: initialisation" in f.found for f in report.findings)


@pytest.mark.parametrize("json_wanted", [True, False])
def test_run_as_a_program(monkeypatch, capsys, json_wanted):
    monkeypatch.setattr("sys.argv", ["selftest"] + ["--json"] * json_wanted)
    assert selftest.main() == 0
    said = capsys.readouterr().out
    if json_wanted:
        assert {"state", "what", "found", "advice"} == set(json.loads(said)[0])
    else:
        assert "Nothing is wrong." in said


@pytest.mark.parametrize(
    ("code", "said", "state"),
    [
        (0, "Every derived file is fresh.", "ok"),
        (1, "README.md is stale\nslides/a.md is stale", "PROBLEM"),
    ],
)
def test_an_author_is_told_of_stale_derived_files(monkeypatch, tmp_path, code, said, state):
    (tmp_path / "lessons").mkdir()
    answer = subprocess.CompletedProcess([], code, said, "")
    monkeypatch.setattr(health, "_ask", lambda *_: answer)
    found = health.derived(Places(tmp_path), Path(sys.executable))
    assert [row[0] for row in found] == [state]
    assert found[0][2].startswith(said.splitlines()[0])


def test_a_learner_is_not_asked_about_derived_files(tmp_path):
    (tmp_path / "lessons").mkdir()
    assert health.derived(Places(tmp_path), None) == []

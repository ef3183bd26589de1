"""What a learner wrote is never overwritten; what they did not touch is kept up to date."""

import json

import pytest

from launcher.lessons import RECORD, copy_lessons, freshness
from launcher.problems import Problem


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "course 강의" / "notebooks"
    folder.mkdir(parents=True)
    (folder / "START.md").write_text("# Start\n")
    (folder / "00_a.ipynb").write_text("first version of a")
    (folder / "01_b.ipynb").write_text("first version of b")
    (folder / "solutions").mkdir()
    (folder / "solutions" / "00_a.ipynb").write_text("answers")
    return folder.parent


@pytest.fixture
def work(tmp_path):
    return tmp_path / "내 work"


def names(work):
    return sorted(path.name for path in work.iterdir() if path.name != RECORD)


def test_the_first_copy_brings_everything_but_the_solutions(course, work):
    copied = copy_lessons(course, work)
    assert names(work) == ["00_a.ipynb", "01_b.ipynb", "START.md"] == sorted(copied.new)
    assert set(freshness(course, work).values()) == {"fresh"}


def test_nothing_new_does_nothing(course, work):
    copy_lessons(course, work)
    times = {path.name: path.stat().st_mtime_ns for path in work.glob("*.ipynb")}
    assert list(copy_lessons(course, work).sentences()) == []
    assert times == {path.name: path.stat().st_mtime_ns for path in work.glob("*.ipynb")}


def test_an_untouched_file_is_updated(course, work):
    copy_lessons(course, work)
    (course / "notebooks" / "00_a.ipynb").write_text("second version of a")
    assert freshness(course, work)["00_a.ipynb"] == "old"
    assert copy_lessons(course, work).updated == ["00_a.ipynb"]
    assert (work / "00_a.ipynb").read_text() == "second version of a"


def test_a_changed_file_is_kept_and_the_new_version_lies_beside_it_once(course, work):
    copy_lessons(course, work)
    (work / "00_a.ipynb").write_text("my answers")
    assert list(copy_lessons(course, work).sentences()) == []
    (course / "notebooks" / "00_a.ipynb").write_text("second version of a")
    assert copy_lessons(course, work).beside == ["00_a (new version).ipynb"]
    assert (work / "00_a.ipynb").read_text() == "my answers"
    assert (work / "00_a (new version).ipynb").read_text() == "second version of a"
    assert freshness(course, work)["00_a.ipynb"] == "yours"
    (work / "00_a (new version).ipynb").unlink()  # not wanted: it does not come back
    assert copy_lessons(course, work).beside == []


def test_a_second_new_version_replaces_an_untouched_first_one(course, work):
    copy_lessons(course, work)
    (work / "00_a.ipynb").write_text("my answers")
    for text in ("second", "third"):
        (course / "notebooks" / "00_a.ipynb").write_text(text)
        assert copy_lessons(course, work).beside == ["00_a (new version).ipynb"]
    assert (work / "00_a (new version).ipynb").read_text() == "third"


def test_work_in_the_new_version_is_kept_too(course, work):
    copy_lessons(course, work)
    (work / "00_a.ipynb").write_text("my answers")
    (course / "notebooks" / "00_a.ipynb").write_text("second")
    copy_lessons(course, work)
    (work / "00_a (new version).ipynb").write_text("my other answers")
    (course / "notebooks" / "00_a.ipynb").write_text("third")
    assert copy_lessons(course, work).beside == ["00_a (new version 2).ipynb"]
    assert (work / "00_a (new version).ipynb").read_text() == "my other answers"


def test_a_learners_own_file_of_the_same_name_is_never_taken_for_a_copy(course, work):
    work.mkdir()
    (work / "00_a.ipynb").write_text("was here before")
    copied = copy_lessons(course, work)
    assert copied.beside == ["00_a (new version).ipynb"]
    assert (work / "00_a.ipynb").read_text() == "was here before"


def test_a_deleted_lesson_comes_back(course, work):
    copy_lessons(course, work)
    (work / "01_b.ipynb").unlink()
    assert freshness(course, work)["01_b.ipynb"] == "missing"
    assert copy_lessons(course, work).restored == ["01_b.ipynb"]


@pytest.mark.parametrize("rubbish", ["", "{", "[]", '{"copied": 3}', '{"copied": {}}'])
def test_a_damaged_record_costs_nobody_their_work(course, work, rubbish):
    copy_lessons(course, work)
    (work / "00_a.ipynb").write_text("my answers")
    (course / "notebooks" / "00_a.ipynb").write_text("second version of a")
    (work / RECORD).write_text(rubbish)
    copy_lessons(course, work)
    assert (work / "00_a.ipynb").read_text() == "my answers"
    assert (work / "00_a (new version).ipynb").read_text() == "second version of a"


def test_an_interrupted_copy_is_finished_by_the_next(course, work, monkeypatch):
    from launcher import lessons

    real, calls = lessons.write_whole, []

    def stop_at_the_third(path, content):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(lessons, "write_whole", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        copy_lessons(course, work)
    monkeypatch.undo()
    copied = copy_lessons(course, work)
    assert not copied.beside and not copied.updated
    assert names(work) == ["00_a.ipynb", "01_b.ipynb", "START.md"]
    assert set(json.loads((work / RECORD).read_text())["copied"]) == set(names(work))


def test_what_cannot_be_written_is_told(course, work):
    work.write_text("a file where the folder should be")
    with pytest.raises(Problem, match="choose another one with --work"):
        copy_lessons(course, work)


def test_a_course_without_lessons_is_told(tmp_path, work):
    with pytest.raises(Problem, match="get it again"):
        copy_lessons(tmp_path, work)

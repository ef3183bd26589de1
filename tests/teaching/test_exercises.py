"""check, hint, solution, progress: kind to every answer, exact about what is wrong."""

import numpy as np
import pytest

from course_lib.teaching import exercises, journal

DOUBLE = {
    "lesson": "toy",
    "title": "double",
    "hints": ["add", "it to", "itself"],
    "solution": "def double(x):\n    return 2 * x",
    "imports": "import numpy as np",
    "given": "three = 3",
    "checker": (
        "def checker(double):\n"
        "    require(double(three) != 3, 'You give it back as it is.')\n"
        "    close(double(three), 6, 'Twice three is not that.')"
    ),
}


@pytest.fixture(autouse=True)
def toy_bank(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))
    monkeypatch.setattr(exercises, "bank", lambda: {"double": DOUBLE})


def returns(value):
    def double(x):
        return value

    return double


def test_right_answer():
    assert exercises.check("double", lambda x: x + x).status == "right"


@pytest.mark.parametrize("answer", [..., returns(...), (1, ...), {"a": ...}, [...]])
def test_placeholder_is_not_attempted(answer):
    assert exercises.check("double", answer).status == "not attempted"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: x, "as it is"),
        (lambda x: 7, "Twice three is not that. You have 7."),
        (lambda x: None, "forget `return`"),
        (lambda x: "six", "Expected a number"),
        (lambda x: [6, 6], "shape is (2,)"),
        (lambda x: float("nan"), "NaN"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (lambda: 6, "TypeError"),
        (12, "not callable"),
    ],
)
def test_wrong_answers_are_told_why(answer, message):
    judged = exercises.check("double", answer)
    assert judged.status == "wrong" and message in judged.message


def test_a_forgotten_return_is_named_even_where_the_checker_computes_with_the_answer(monkeypatch):
    checker = "def checker(double):\n    require(abs(double(3) - 6) < 1, 'No.')"
    monkeypatch.setattr(exercises, "bank", lambda: {"double": DOUBLE | {"checker": checker}})
    told = exercises.check("double", lambda x: None).message
    assert "Does your function return its result?" in told


def test_unknown_exercise_names_near_ones():
    with pytest.raises(KeyError, match="double"):
        exercises.check("doubel", 1)


def test_hints_come_one_after_the_other_and_then_the_solution():
    told = [exercises.hint("double").message for _ in range(4)]
    assert [t.split()[1] for t in told] == ["1:", "2:", "3:", "3:"]
    assert 'solution("double")' in told[2]
    assert "Hint 1: add" in exercises.hint("double", 1).message
    assert "1 to 3" in exercises.hint("double", 9).message
    assert exercises.solution("double").startswith("def double")


def test_edition_without_solutions(monkeypatch):
    monkeypatch.setattr(exercises, "bank", lambda: {"double": {**DOUBLE, "solution": None}})
    assert "instructor" in exercises.solution("double").message


def test_progress_counts_and_keeps_the_best(monkeypatch):
    for answer in (..., lambda x: x, lambda x: 2 * x, lambda x: x):
        exercises.check("double", answer)
    exercises.hint("double")
    row = exercises.progress().iloc[0]
    assert tuple(row) == ("toy", "double", "right", 3, 1)


def test_a_damaged_journal_loses_only_the_damaged_line():
    exercises.check("double", lambda x: 2 * x)
    with journal.path().open("ab") as file:
        file.write(b'{"key": "dou\xff\n[1]\n')
    exercises.check("double", lambda x: x)
    assert journal.state("double") == {"state": "right", "checks": 2, "hints": 0}


def test_a_folder_that_cannot_be_written_does_not_stop_the_lesson(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "missing" / "progress.jsonl"))
    assert exercises.check("double", lambda x: 2 * x).status == "right"
    assert "could not be saved" in capsys.readouterr().out


def test_tensors_are_numbers_too():
    torch = pytest.importorskip("torch")
    assert exercises.check("double", lambda x: torch.tensor(2.0 * x)).status == "right"


def test_messages_are_escaped_in_html():
    answer = exercises.check("double", lambda x: "<script>")
    assert "<script>" not in answer._repr_html_() and "&lt;script&gt;" in answer._repr_html_()


def test_a_checker_may_compare_arrays(monkeypatch):
    entry = {**DOUBLE, "checker": "def checker(a):\n    close(a, [[1, 2]], 'no')"}
    monkeypatch.setattr(exercises, "bank", lambda: {"double": entry})
    assert exercises.check("double", np.array([[1, 2.0]])).status == "right"

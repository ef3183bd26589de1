"""The format of a lesson: what the build accepts, refuses, and makes of it."""

import re
from pathlib import Path

import nbformat
import pytest

from course_lib.authoring import fingerprint, glossary, manifest, notebook, slides, source
from course_lib.authoring.prove import entry, prove
from course_lib.teaching.exercises import Answer

TERMS = {"lung": {"ko": "폐", "meaning": "Organ of breathing."}}
HEAD = """\
# %% [markdown] tags=["slide"]
# ## About the [[lung]] and both [[lungs|lung]]
# %% tags=["slide"]
import numpy as np
# %% [markdown] tags=["instructor"]
# Ask the room.
"""
EXERCISE = """\
# %% [markdown] tags=["exercise"] exercise="double_it"
# ### Exercise: double it
# %% tags=["given"] exercise="double_it"
three = 3
# %% tags=["stub"] exercise="double_it"
def double(x):
    return ...
# %% tags=["check"] exercise="double_it"
check("double_it", double)
# %% [markdown] tags=["hint"] exercise="double_it"
# one
# %% [markdown] tags=["hint"] exercise="double_it"
# two
# %% [markdown] tags=["hint"] exercise="double_it"
# three
# %% tags=["solution"] exercise="double_it"
def double(x):
    return 2 * x
# %% tags=["equivalent"] exercise="double_it"
def double(x):
    return x + x
# %% tags=["wrong"] exercise="double_it" says="as it is"
def double(x):
    return x
# %% tags=["wrong"] exercise="double_it" says="return"
def double(x):
    2 * x
# %% tags=["wrong"] exercise="double_it" says="Twice"
def double(x):
    return x**2
# %% tags=["checker"] exercise="double_it"
def checker(double):
    require(double(three) != three, "You give it back as it is.")
    close(double(three), 6, "Twice three is not that.")
"""


def read(text: str, tmp_path: Path) -> source.Source:
    file = tmp_path / "toy.py"
    file.write_text(text, encoding="utf-8")
    return source.read(file)


@pytest.fixture
def lesson():
    return manifest.Lesson(0, "toy", "Part", "Toy", "A promise.", 20, 5, (), ("do it",))


@pytest.fixture
def course(lesson):
    return manifest.Course("Title", "Subtitle", (lesson,))


def test_student_sees_neither_solutions_nor_notes(course, lesson, tmp_path):
    node = notebook.student(course, lesson, read(HEAD + EXERCISE, tmp_path), TERMS)
    nbformat.validate(node)
    text = "\n".join(cell.source for cell in node.cells)
    assert "return ..." in text and 'check("double_it", double)' in text
    for hidden in ("2 * x", "x + x", "x**2", "Ask the room", "def checker", "two"):
        assert hidden not in text


def test_solutions_edition_replaces_the_stub(course, lesson, tmp_path):
    node = notebook.solutions(course, lesson, read(HEAD + EXERCISE, tmp_path), TERMS)
    text = "\n".join(cell.source for cell in node.cells)
    assert "return 2 * x" in text and "return ..." not in text


def test_same_source_same_ids_and_they_survive_an_insertion(course, lesson, tmp_path):
    first = notebook.student(course, lesson, read(HEAD + EXERCISE, tmp_path), TERMS)
    again = notebook.student(course, lesson, read(HEAD + EXERCISE, tmp_path), TERMS)
    assert nbformat.writes(first) == nbformat.writes(again)
    longer = HEAD + "# %%\nnew = 1\n# %%\nnew = 1\n" + EXERCISE
    after = notebook.student(course, lesson, read(longer, tmp_path), TERMS)
    ids = [cell.id for cell in after.cells]
    assert {cell.id for cell in first.cells} <= set(ids) and len(ids) == len(set(ids))


def test_first_use_of_a_term_carries_the_korean_one():
    spell = glossary.Speller(TERMS)
    assert spell("The [[lung]]; both [[lungs|lung]].") == "The lung (폐); both lungs."
    assert spell("A matrix [[1, 2], [3, 4]] is no term.").count("[[") == 1
    with pytest.raises(ValueError, match="'heart' is not in"):
        spell("[[heart]]")


def test_exercise_is_proven(tmp_path):
    read_ = read(HEAD + EXERCISE, tmp_path)
    assert prove(read_.exercises["double_it"], read_) == []
    kept = entry(read_.exercises["double_it"], read_)
    assert kept["title"] == "double it" and kept["hints"] == ["one", "two", "three"]
    assert "x**2" not in str(kept)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("return 2 * x", "return 3 * x", "solution should be right"),
        ("return x + x", "return x + 4", "equivalent should be right"),
        ("return ...", "return 6", "stub should be not attempted"),
        ('says="Twice"', 'says="Thrice"', "should draw 'Thrice'"),
        ("return x**2", "return 6", "should draw 'Twice'"),
    ],
)
def test_a_checker_that_fails_its_own_answers_is_caught(tmp_path, old, new, fault):
    read_ = read(HEAD + EXERCISE.replace(old, new), tmp_path)
    faults = prove(read_.exercises["double_it"], read_)
    assert len(faults) == 1 and fault in faults[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# three\n", "# three\n" + '# %% [markdown] tags=["hint"] exercise="double_it"\n# 4\n',
         "4 hints"),
        ('tags=["solution"]', 'tags=["equivalent"]', "0 cells tagged solution"),
        ('tags=["stub"]', 'tags=["sutb"]', "unknown tags"),
        ('tags=["checker"] exercise="double_it"', 'tags=["checker"]', "needs both"),
        (' says="as it is"', "", "says="),
        ('check("double_it", double)', "double(1)", "must call check"),
        ("return x + x", "return x +", "invalid syntax"),
    ],
)  # fmt: skip
def test_breaches_of_the_format_are_named(tmp_path, old, new, message):
    with pytest.raises(source.LessonError, match=message):
        read(HEAD + EXERCISE.replace(old, new), tmp_path)


def test_deck_holds_slides_pictures_and_notes(course, lesson, tmp_path):
    read_ = read(HEAD, tmp_path)
    node = notebook.student(course, lesson, read_, TERMS)
    data = {"image/png": "iVBORw0KGgo="}
    output = nbformat.v4.new_output("display_data", data, metadata={"image/png": {"alt": "a [b]"}})
    next(c for c in node.cells if c.cell_type == "code").outputs = [output]
    deck, pictures = slides.deck(course, lesson, read_, node, TERMS)
    assert deck.startswith("---\nmarp: true")
    assert re.search(r"!\[h:\d+ a \(b\)\]\(pictures/00_toy-1.png\)", deck)
    assert "<!--\nAsk the room.\n-->" in deck
    assert pictures == {"00_toy-1.png": b"\x89PNG\r\n\x1a\n"}


def test_paragraphs_of_a_slide_are_one_line_each():
    text = "## Head\n\nOne\ntwo.\n\n- a\n  b\n- c\n\n$$\nx\n$$\nafter\n\n| t |\n|---|\n| u |\n"
    assert slides.unwrap(text).splitlines() == [
        "## Head", "", "One two.", "", "- a b", "- c", "", "$$", "x", "$$", "", "after", "",
        "| t |", "|---|", "| u |",
    ]  # fmt: skip
    assert slides.unwrap("$$a$$\nb").splitlines() == ["$$a$$", "", "b"]


def test_judgement_of_the_solution_is_shown(course, lesson, tmp_path):
    node = notebook.solutions(course, lesson, read(HEAD + EXERCISE, tmp_path), TERMS)
    notebook.show_judgement(node, 'check("double_it", double)', Answer("right", "Right."))
    shown = [c.outputs[0]["data"]["text/plain"] for c in node.cells if c.get("outputs")]
    assert shown == ["✓ Right."]


def test_fingerprint_sees_code_but_not_words():
    code = 'def f():\n    """Doc."""\n    return "# no comment"  # why\n'
    words = 'def f():\n    """Other."""\n\n    return "# no comment"\n'
    assert fingerprint.bare(code) == fingerprint.bare(words)
    assert fingerprint.bare(code) != fingerprint.bare(code.replace("no", "a"))


def test_fingerprint_follows_imports_into_the_library():
    code = "from course_lib.teaching.exercises import check"
    reached: dict = {}
    fingerprint._reach(code, reached)
    assert {"course_lib.teaching.exercises", "course_lib.teaching.checking"} <= set(reached)


def test_manifest_refuses_what_cannot_be(tmp_path):
    file = tmp_path / "course.toml"
    entry_ = '[[lesson]]\nslug="a"\npart="p"\ntitle="t"\npromise="p"\nminutes=1\n'
    entry_ += "exercise_minutes=1\n"
    head = 'title="T"\nsubtitle="S"\n'
    file.write_text(head + entry_ + 'needs=["b"]\n')
    with pytest.raises(ValueError, match="needs b"):
        manifest.load(file)
    file.write_text(head + entry_ + entry_)
    with pytest.raises(ValueError, match="twice"):
        manifest.load(file)
    file.write_text(head + entry_ + "pages=3\n")
    with pytest.raises(ValueError, match="a: .*pages"):
        manifest.load(file)


def test_a_lesson_is_found_by_number_or_name():
    course = manifest.load()
    assert course.find("0") is course.find("00_start_here") is course.find("start_here")
    with pytest.raises(ValueError, match="There are: 00_start_here"):
        course.find("nothing")

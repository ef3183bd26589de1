"""Every derived file is fresh, every exercise proven, every stored picture described."""

import ast
import json
import subprocess
import sys

import nbformat
import pytest

from course_lib.authoring import build, derive, execute, glossary, manifest, source
from course_lib.authoring.prove import prove

COURSE = manifest.load()
SOURCES = {lesson.slug: source.read(lesson.source) for lesson in COURSE.lessons}
EXERCISES = [(slug, key) for slug, read in SOURCES.items() for key in read.exercises]


def stored(lesson) -> nbformat.NotebookNode:
    return nbformat.read(manifest.ROOT / "notebooks" / f"{lesson.name}.ipynb", as_version=4)


def test_every_derived_file_is_fresh():
    stale = derive.differences(derive.derived(COURSE))
    assert not stale, f"run `python3 course.py build`: {stale}"


@pytest.mark.parametrize(("slug", "key"), EXERCISES)
def test_checker_knows_right_from_wrong(slug, key):
    assert prove(SOURCES[slug].exercises[key], SOURCES[slug]) == []


def test_exercise_keys_are_unique_in_the_course():
    keys = [key for _, key in EXERCISES]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("lesson", COURSE.lessons, ids=lambda lesson: lesson.name)
class TestLesson:
    def test_every_picture_has_alt_text(self, lesson):
        for cell in stored(lesson).cells:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    alt = output.metadata.get("image/png", {}).get("alt", "")
                    assert len(alt) > 10, f"a picture of {cell.source[:60]!r} has no alt text"

    def test_it_ran_to_its_end_without_error(self, lesson):
        code = [c for c in stored(lesson).cells if c.cell_type == "code"]
        assert all(c.execution_count for c in code)
        assert not [o for c in code for o in c.outputs if o.output_type == "error"]

    def test_it_has_the_parts_of_a_lesson(self, lesson):
        node = stored(lesson)
        text = "\n".join(c.source for c in node.cells if c.cell_type == "markdown")
        assert "## What to remember" in text and "## References" in text
        assert len(SOURCES[lesson.slug].exercises) >= 2
        assert any("explore(" in c.source for c in node.cells), "something to play with"

    def test_cells_fit_a_screen(self, lesson):
        for cell in stored(lesson).cells:
            limit = 30 if cell.cell_type == "code" else 40
            assert cell.source.count("\n") < limit, f"too long: {cell.source[:60]!r}"

    def test_nothing_is_imported_that_is_not_used(self, lesson):
        tree = ast.parse("\n".join(c.source for c in stored(lesson).cells if c.cell_type == "code"))
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {(a.asname or a.name).split(".")[0] for n in imports for a in n.names}
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        for exercise in SOURCES[lesson.slug].exercises.values():  # imported for learners' answers
            answer = ast.parse(exercise.one("solution").source)
            used |= {n.id for n in ast.walk(answer) if isinstance(n, ast.Name)}
        tools = {"check", "hint", "solution", "progress"}  # for the learner's own cells
        assert names - used - tools == set()

    def test_it_keeps_its_budget(self, lesson):
        measured = json.loads((manifest.ROOT / derive.MEASURED).read_text())[lesson.slug]
        assert measured["seconds"] <= 180 and measured["peak_mb"] <= 4000


def test_glossary_is_in_order_and_complete():
    terms = glossary.load()
    keys = [k.lower() for k in terms]
    assert keys == sorted(keys)
    for term, meaning in terms.items():
        assert any("가" <= letter <= "힣" for letter in meaning["ko"]), f"{term}: no Korean term"
        assert meaning["meaning"].endswith(".")


def test_edition_without_solutions_has_none(tmp_path):
    target = tmp_path / "edition"
    assert build.edition_without_solutions(COURSE, target) == 0
    texts = [p.read_text(encoding="utf-8") for p in target.rglob("*")
             if p.suffix in {".md", ".py", ".ipynb", ".json", ".toml"}]  # fmt: skip
    whole = "\n".join(texts)
    for slug, key in EXERCISES:
        exercise = SOURCES[slug].exercises[key]
        assert json.dumps(exercise.one("solution").source)[1:-1] not in whole, key
        assert f'check(\\"{key}\\"' in whole, f"the exercise {key} itself is there"
    assert build.edition_without_solutions(COURSE, target) == 1, "never into an existing folder"
    told = subprocess.run(
        [sys.executable, "course.py", "--help"], cwd=target, capture_output=True, text=True
    )
    assert told.returncode == 0 and "lab" in told.stdout
    assert (target / "docs" / "pictures" / "strip.png").is_file(), "the README's picture"


def test_a_failing_lesson_is_reported_with_its_cell():
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1 / 0", id="a")])
    run = execute.execute(node, "failing")
    assert run.error and "cell 0: ZeroDivisionError" in run.error


def test_running_twice_gives_the_same_bytes():
    code = (
        "import matplotlib.pyplot as plt\n"
        "from course_lib.teaching.figures import show\n"
        "from course_lib.teaching.widgets import explore\n"
        "fig, ax = plt.subplots(); ax.plot([1, 2]); show(fig, alt='a rising line')\n"
        "explore(lambda k: [[k / 9.0]], alt='a grey field', k=(0, 9, 1, 5))\n"
        "print('a'); print('b')"
    )
    written = []
    for _ in range(2):
        node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code, id="a")])
        run = execute.execute(node, "twice")
        assert run.error is None and run.peak_mb > 10
        written.append(nbformat.writes(node))
    assert written[0] == written[1]
    assert "widget-view" not in written[0] and "nbval-ignore-output" in written[0]


def test_progress_bars_are_not_stored():
    code = "from tqdm.auto import tqdm\nfor i in tqdm(range(3)):\n    pass\nprint('done')"
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code, id="a")])
    assert execute.execute(node, "bar").error is None
    assert [o.get("text") for o in node.cells[0].outputs] == ["done\n"]


def test_what_speaks_of_this_computer_is_not_stored():
    cell = nbformat.v4.new_code_cell("print(42)", id="a", metadata={"tags": ["local"]})
    node = nbformat.v4.new_notebook(cells=[cell])
    assert execute.execute(node, "local").error is None
    assert node.cells[0].outputs == [] and node.cells[0].execution_count == 1


def test_measured_minutes_change_only_with_the_lesson():
    before = {"seconds": 60, "peak_mb": 900}
    assert build._steady(before, execute.Run("a", 70, 1000)) == before
    assert build._steady(before, execute.Run("a", 95, 1000)) == {"seconds": 95, "peak_mb": 1000}
    assert build._steady(None, execute.Run("a", 1.4, 104)) == {"seconds": 1, "peak_mb": 100}

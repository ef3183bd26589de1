"""A lesson's source (`lessons/<slug>.py`, jupytext percent) as cells and exercises."""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

import jupytext

ROLES = {
    "exercise", "given", "stub", "check", "hint",
    "solution", "equivalent", "wrong", "checker",
}  # fmt: skip
TAGS = ROLES | {"slide", "slide-only", "instructor", "varies", "local"}
HIDDEN = {"hint", "solution", "equivalent", "wrong", "checker", "instructor", "slide-only"}


class LessonError(ValueError):
    """A lesson's source breaks a rule of the format; the message names lesson and cell."""


@dataclass(frozen=True)
class Cell:
    """One cell of the source, and the part it plays."""

    kind: str  # "markdown" or "code"
    source: str
    tags: tuple[str, ...] = ()
    exercise: str | None = None
    says: str | None = None  # for a wrong answer: part of the message it must draw

    @property
    def role(self) -> str | None:
        """The part this cell plays in its exercise, if any."""
        return next((t for t in self.tags if t in ROLES), None)

    @property
    def shown(self) -> bool:
        """Whether a student's notebook holds this cell."""
        return not HIDDEN & set(self.tags)


@dataclass
class Exercise:
    """One exercise with everything that belongs to it, in the lesson's own order."""

    key: str
    lesson: str
    cells: dict[str, list[Cell]] = field(default_factory=dict)

    def all(self, role: str) -> list[Cell]:
        """Every cell that plays `role`."""
        return self.cells.get(role, [])

    def one(self, role: str) -> Cell:
        """The first cell that plays `role`."""
        return self.all(role)[0]

    def code(self, role: str) -> str:
        """The code of every cell that plays `role`."""
        return "\n\n".join(c.source for c in self.all(role))

    @property
    def title(self) -> str:
        """The statement's heading, without its number signs."""
        return re.sub(r"^#+\s*(Exercise:?\s*)?", "", self.one("exercise").source.splitlines()[0])

    @property
    def answers(self) -> list[str]:
        """The names a learner defines: the arguments of the lesson's own call of `check`."""
        call = ast.parse(self.one("check").source).body[0].value  # type: ignore[attr-defined]
        return [ast.unparse(argument) for argument in call.args[1:]]


@dataclass(frozen=True)
class Source:
    """A lesson's source: all cells in order, and its exercises by key."""

    slug: str
    cells: tuple[Cell, ...]
    exercises: dict[str, Exercise]

    @property
    def imports(self) -> str:
        """The import lines of all shown code cells: what a checker may rely on."""
        lines: dict[str, None] = {}
        for cell in self.cells:
            if cell.kind == "code" and cell.shown:
                for node in ast.parse(cell.source).body:
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        lines[ast.unparse(node)] = None
        return "\n".join(lines)


def read(file: Path) -> Source:
    """Parse and check one lesson's source. Raises LessonError."""
    notebook = jupytext.reads(file.read_text(encoding="utf-8"), fmt="py:percent")
    cells = tuple(_cell(file.stem, number, raw) for number, raw in enumerate(notebook.cells))
    exercises: dict[str, Exercise] = {}
    for cell in cells:
        if cell.exercise and cell.role:
            exercise = exercises.setdefault(cell.exercise, Exercise(cell.exercise, file.stem))
            exercise.cells.setdefault(cell.role, []).append(cell)
    for exercise in exercises.values():
        _check_exercise(exercise)
    return Source(file.stem, cells, exercises)


def _cell(slug: str, number: int, raw) -> Cell:
    meta = raw.metadata
    tags, says = tuple(meta.get("tags", ())), meta.get("says")
    cell = Cell(raw.cell_type, raw.source, tags, meta.get("exercise"), says)
    where = f"{slug}, cell {number} ({cell.source[:40]!r})"
    if unknown := set(cell.tags) - TAGS:
        raise LessonError(f"{where}: unknown tags {sorted(unknown)}; known are {sorted(TAGS)}.")
    if bool(cell.role) != bool(cell.exercise):
        raise LessonError(f"{where}: an exercise cell needs both a role tag and exercise=.")
    if cell.kind == "code":
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            raise LessonError(f"{where}: {error}") from None
    return cell


def _check_exercise(exercise: Exercise) -> None:
    count = {role: len(exercise.all(role)) for role in ROLES}
    wanted = f"{exercise.lesson}: exercise {exercise.key}"
    for role in ("exercise", "stub", "check", "solution", "checker"):
        if count[role] != 1:
            raise LessonError(f"{wanted} has {count[role]} cells tagged {role}; it needs one.")
    if count["hint"] != 3:
        raise LessonError(f"{wanted} has {count['hint']} hints; it needs three.")
    if count["equivalent"] < 1 or count["wrong"] < 3:
        raise LessonError(f"{wanted} needs an equivalent right answer and three wrong ones.")
    if any(not cell.says for cell in exercise.all("wrong")):
        raise LessonError(f"{wanted}: every wrong answer names its message with says=.")
    if f'"{exercise.key}"' not in exercise.one("check").source:
        raise LessonError(f'{wanted}: its check cell must call check("{exercise.key}", ...).')

"""The manifest `course.toml`: which lessons there are, in which order, and what each promises."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Lesson:
    """One sitting: a notebook of 20 to 60 minutes."""

    number: int  # place in reading order, from 0
    slug: str  # file name of its source, lessons/<slug>.py
    part: str
    title: str
    promise: str  # one sentence
    minutes: int
    exercise_minutes: int
    needs: tuple[str, ...]  # slugs of lessons to do first
    objectives: tuple[str, ...]  # each completes "You will be able to ..."

    @property
    def name(self) -> str:
        """Name of every derived file: number and slug."""
        return f"{self.number:02d}_{self.slug}"

    @property
    def source(self) -> Path:
        return ROOT / "lessons" / f"{self.slug}.py"


@dataclass(frozen=True)
class Course:
    """The whole course, its lessons in reading order."""

    title: str
    subtitle: str
    lessons: tuple[Lesson, ...]

    def find(self, word: str) -> Lesson:
        """The lesson that `word` (number, slug or derived name) means. Raises ValueError."""
        for lesson in self.lessons:
            if word in (str(lesson.number), f"{lesson.number:02d}", lesson.slug, lesson.name):
                return lesson
        names = ", ".join(lesson.name for lesson in self.lessons)
        raise ValueError(f"No lesson is called {word!r}. There are: {names}")

    def select(self, words: list[str]) -> list[Lesson]:
        """The lessons that `words` mean; all of them if there are none."""
        return [self.find(w) for w in words] if words else list(self.lessons)


def load(file: Path = ROOT / "course.toml") -> Course:
    """Read and check the manifest. Raises ValueError with the entry and what is wrong in it."""
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    lessons: list[Lesson] = []
    for entry in table["lesson"]:
        lesson = _lesson(len(lessons), entry)
        known = [earlier.slug for earlier in lessons]
        if lesson.slug in known:
            raise ValueError(f"course.toml: {lesson.slug} stands twice.")
        for need in lesson.needs:
            if need not in known:
                raise ValueError(f"course.toml: {lesson.slug} needs {need}, which comes later.")
        lessons.append(lesson)
    return Course(table["title"], table["subtitle"], tuple(lessons))


def _lesson(number: int, entry: dict) -> Lesson:
    slug = entry.get("slug", f"entry {number}")
    fields = dict(entry, number=number)
    for name in ("needs", "objectives"):
        fields[name] = tuple(fields.get(name, ()))
    try:
        return Lesson(**fields)
    except TypeError as error:
        raise ValueError(f"course.toml: {slug}: {error}") from None

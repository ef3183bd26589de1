"""A visual Turing test in a notebook: film after film, two buttons, the truth at the end only."""

import hashlib
import html
import io
import time
from pathlib import Path

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_lib.evaluation.agreement import cohen_kappa
from course_lib.evaluation.turing import ReadingPlan, Score, against_chance, score_reading
from course_lib.teaching import turing_records as records
from course_lib.teaching.figures import films as sheet_of_films
from course_lib.teaching.figures import png_bytes
from course_lib.teaching.widgets import show_widget

SIDE = 448  # pixels on the screen; every film is enlarged the same way
REST_S = 0.3  # a second click within this time is a double click, not an answer
WORST = 6


class TuringTest:
    """A blinded reading of ``films`` uint8 (N, H, W), by film number (``plan.arrange``).

    Each reader sees the films in an order of his or her own. Answers go to
    ``folder/turing-TEST-READER.csv`` at once; a test that was interrupted goes on where it stopped.
    Raises ValueError for other films, or where the reader's file does not belong to this test.
    """

    def __init__(
        self,
        films: NDArray[np.uint8],
        plan: ReadingPlan,
        reader: str,
        folder: Path | str = "turing_readings",
    ) -> None:
        films = np.asarray(films)
        if films.dtype != np.uint8 or films.ndim != 3 or len(films) != len(plan.synthetic):
            raise ValueError(
                f"The test needs uint8 films ({len(plan.synthetic)}, H, W), as "
                f"plan.arrange(fair_display(...), ...) makes them; got {films.shape} {films.dtype}."
            )
        self.films, self.plan, self.reader = films, plan.other_order(_seed(reader)), reader
        self.file = records.reader_file(folder, plan.name, reader)
        self.answers = records.read_answers(self.file)
        self._check_file()
        self._build()
        self._show_next()

    def _check_file(self) -> None:
        order = self.plan.order
        if any(a.showing >= len(order) or a.film != order[a.showing] for a in self.answers):
            raise ValueError(f"{self.file} belongs to another reading; choose another reader name.")

    def _build(self) -> None:
        """Picture, two buttons, how sure, and a line to say where we are."""
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%"})
        self.message, self.trouble = ipywidgets.HTML(), ipywidgets.HTML()
        self.sure = ipywidgets.IntSlider(
            value=3, min=records.SURE[0], max=records.SURE[1], description="how sure"
        )
        self.buttons = {word: ipywidgets.Button(description=word) for word in records.CALLED}
        for word, button in self.buttons.items():
            button.on_click(lambda _button, word=word: self.answer(word))
        legend = ipywidgets.HTML("1: a guess &nbsp; 5: certain")
        controls = [self.message, self.sure, legend, *self.buttons.values(), self.trouble]
        self.widget = ipywidgets.HBox(
            [self.picture, ipywidgets.VBox(controls)],
            layout={
                "flex_flow": "row wrap",
                "align_items": "flex-start",
            },  # no picture is stretched
        )

    @property
    def showing(self) -> int | None:
        """Which showing comes next, from 0; None when all are answered."""
        answered = {answer.showing for answer in self.answers}
        return next((i for i in range(len(self.plan.order)) if i not in answered), None)

    def answer(self, called: str) -> None:
        """Take down "real" or "synthetic" for the film shown; go on only when it lies on disk."""
        showing, waited = self.showing, time.monotonic() - self._since
        if showing is None or waited < REST_S:
            return
        film = int(self.plan.order[showing])
        answer = records.Answer(showing, film, called, self.sure.value, round(waited, 1))
        try:
            records.add_answer(self.file, answer)
        except OSError as error:
            reason = html.escape(str(error.strerror))
            self.trouble.value = f"<b>Not saved</b> ({reason}): please make room and press again."
            return
        self.trouble.value = ""
        self.answers.append(answer)
        self._show_next()

    def _show_next(self) -> None:
        self._since = time.monotonic()
        showing = self.showing
        if showing is None:
            self._finish()
            return
        self.sure.value = 3
        self.picture.value = enlarged(self.films[self.plan.order[showing]])
        self.message.value = (
            f"<b>Film {showing + 1} of {len(self.plan.order)}</b>: real or synthetic?"
        )

    def _finish(self) -> None:
        """Uncover the truth: rates, repeats and the films that misled most."""
        for control in (*self.buttons.values(), self.sure):
            control.disabled = True
        self.message.value = self.report()
        self.picture.value = self.worst_films()
        try:
            records.write_key(self.file.parent, self.plan)
        except OSError as error:
            self.trouble.value = (
                f"<b>The key was not saved</b> ({html.escape(str(error.strerror))})."
            )

    def ratings(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """First and second ratings by film number (N,): -5 surely real ... 5 surely synthetic.

        NaN where there is none yet.
        """
        return records.ratings_of_answers(self.answers, len(self.plan.synthetic))

    def score(self) -> Score | None:
        """The rates of the first showings; None until every film was answered."""
        if self.showing is not None:
            return None
        return score_reading(self.plan.synthetic, self.ratings()[0] > 0)

    def report(self) -> str:
        """The result as HTML; before the end only how far the reading has come."""
        score = self.score()
        if score is None:
            return (
                f"{len(self.answers)} of {len(self.plan.order)} answered; no result before the end."
            )
        head = "<tr><th></th><th>share</th><th>films</th><th>95 % interval</th></tr>"
        rows = [
            f"<tr><td>{name}</td><td>{share.value:.2f}</td><td>{share.right} of {share.of}</td>"
            f"<td>{share.interval.low:.2f} to {share.interval.high:.2f}</td></tr>"
            for name, share in (
                ("accuracy", score.accuracy),
                ("synthetic called synthetic", score.sensitivity),
                ("real called real", score.specificity),
            )
        ]
        verdict = against_chance(score.accuracy.right, score.accuracy.of).verdict
        return (
            f"<b>{html.escape(self.reader)}: done.</b>"
            f"<table cellpadding='6'>{head}{''.join(rows)}</table>"
            f"Against a coin (margin 0.1): {verdict}.<br>{self._repeats()}"
        )

    def _repeats(self) -> str:
        first, second = self.ratings()
        twice = np.isfinite(second)
        if not twice.any():
            return ""
        calls = (first[twice] > 0, second[twice] > 0)
        kappa = cohen_kappa(*calls).value  # NaN where all answers were the same word
        same = f"{int((calls[0] == calls[1]).sum())} of {int(twice.sum())}"
        beyond_chance = "" if np.isnan(kappa) else f" (kappa {kappa:.2f})"
        return f"Shown twice: the same answer for {same} films{beyond_chance}."

    def worst_films(self) -> bytes:
        """PNG: the films that were called wrong with the most confidence, with the truth."""
        first, truth = self.ratings()[0], self.plan.synthetic
        wrong = np.flatnonzero((first > 0) != truth)
        if wrong.size == 0:
            fig, ax = plt.subplots(figsize=(4, 2))
            ax.text(0.5, 0.5, "No film was called wrong.", ha="center")
            ax.set_axis_off()
            return png_bytes(fig)
        worst = wrong[np.argsort(-np.abs(first[wrong]), kind="stable")][:WORST]
        titles = [
            f"{records.CALLED[int(truth[n])]}, you said {records.CALLED[int(first[n] > 0)]} "
            f"({abs(int(first[n]))})"
            for n in worst
        ]
        shown = [self.films[n] for n in worst]
        columns = min(3, len(shown))
        look = {"interpolation": "bicubic", "vmin": 0, "vmax": 255}  # as they were shown
        return png_bytes(sheet_of_films(shown, titles, columns, width=2.3 * columns, **look))


def turing_test(
    films: NDArray[np.uint8],
    plan: ReadingPlan,
    reader: str,
    alt: str,
    folder: Path | str = "turing_readings",
) -> TuringTest:
    """Show the test and return it; ``alt`` describes the picture to people who cannot see it."""
    test = TuringTest(films, plan, reader, folder)
    show_widget(test.widget, test.picture.value, alt)
    return test


def enlarged(film: NDArray[np.uint8], side: int = SIDE) -> bytes:
    """One film (H, W) as PNG, its longer side ``side`` pixels, smoothly interpolated."""
    picture = Image.fromarray(np.asarray(film, dtype=np.uint8))
    width, height = (max(1, round(n * side / max(picture.size))) for n in picture.size)
    buffer = io.BytesIO()
    picture.resize((width, height), Image.Resampling.BICUBIC).save(
        buffer, format="png", compress_level=1
    )
    return buffer.getvalue()


def _seed(reader: str) -> int:
    """A number that belongs to a name: the same reader gets the same order again."""
    return int.from_bytes(hashlib.sha256(reader.encode()).digest()[:4], "big")

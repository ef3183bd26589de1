"""Train the film judge, and keep it with its log and its test scores.

    python -m course_lib.learning.film_judge_training --out my_judge

Films: the cohort "study" of data.gan_films, one film per patient; 3000 to learn from, 1000 to
choose the epoch, 1000 to measure. A run that was interrupted goes on when it is called again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from course_lib.data.gan_films import film_stack, gan_cohort, truth_of
from course_lib.learning.film_judge import OUTPUTS, FilmJudge, new_film_judge, save_film_judge
from course_lib.learning.loading import epoch_seed
from course_lib.learning.losses import MultiLabelLoss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit

PARTS = {"train": slice(0, 3000), "validation": slice(3000, 4000), "test": slice(4000, 5000)}
PLAN = Plan(epochs=18, batch_size=32, learning_rate=5e-3, seed=523)
MOST_SHIFT = 3  # pixels


class JudgedFilms(Dataset[dict[str, Tensor]]):
    """Films uint8 (N, 1, H, W) with their truth (N, K), moved by chance while training.

    A film is moved by up to ``shift`` pixels along each axis and its edges are continued; nothing
    else, for the judge is to notice contrast, size and side. Seed and epoch decide which way.
    """

    def __init__(self, films: Tensor, truth: NDArray, shift: int = 0, seed: int = 0) -> None:
        self.films, self.shift, self.seed = films, shift, seed
        self.truth = torch.as_tensor(np.asarray(truth), dtype=torch.float32)
        if len(self.films) != len(self.truth):
            raise ValueError(f"{len(films)} films and {len(truth)} truths do not belong together.")
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw new shifts for this epoch."""
        random = np.random.default_rng(epoch_seed(self.seed, epoch))
        self.moves = random.integers(0, 2 * self.shift + 1, (len(self.films), 2))

    def __len__(self) -> int:
        return len(self.films)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        image = self.films[index].float() / 255
        height, width = image.shape[1:]
        if self.shift:
            down, right = self.moves[index]
            wide = functional.pad(image[None], [self.shift] * 4, mode="replicate")[0]
            image = wide[:, down : down + height, right : right + width]
        return {"image": image, "target": self.truth[index]}


def run(out: Path | str, n: int | None = None, plan: Plan = PLAN, **options) -> FilmJudge:
    """Train, and let it read the test films: film_judge.pt, log.csv and test_scores.csv in ``out``.

    n: fewer films, divided 60/20/20 as well. options: of data.gan_films.gan_cohort.
    """
    place = Path(out)
    cohort = gan_cohort("study", n, **options)
    films, truth = film_stack(cohort), truth_of(cohort)
    parts = {name: _part(where, len(films)) for name, where in PARTS.items()}
    learn, choose = parts["train"], parts["validation"]
    model = new_film_judge(plan.seed)
    history = fit(
        model,
        JudgedFilms(films[learn], truth[learn], MOST_SHIFT, plan.seed),
        JudgedFilms(films[choose], truth[choose]),
        MultiLabelLoss(),
        plan,
        place / "run",
    )
    judge = FilmJudge(model.cpu().float().eval())
    save_film_judge(judge, place)
    pd.DataFrame(history).to_csv(place / "log.csv", index=False, float_format="%.5g")
    test = parts["test"]
    scores = judge.likelihood(films[test].float() / 255)
    table_of_scores(truth[test], scores).to_csv(place / "test_scores.csv", index=False)
    return judge


def table_of_scores(truth: NDArray, likelihood: NDArray) -> pd.DataFrame:
    """One row per film: likelihood and truth of each output; both arrays (N, 6)."""
    scores = pd.DataFrame(likelihood.astype(np.float64).round(4), columns=list(OUTPUTS))
    return scores.join(pd.DataFrame(truth.astype(int), columns=[f"truth {x}" for x in OUTPUTS]))


def _part(where: slice, films: int) -> slice:
    """The same share of fewer films."""
    return slice(where.start * films // 5000, where.stop * films // 5000)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.learning.film_judge_training")
    parser.add_argument("--out", required=True, help="folder for the network and its tables")
    parser.add_argument("--films", type=int, help="use only so many films")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)  # two stall each other in a net as small as this
    run(given.out, given.films)
    print(f"{given.out}: the judge, its log and what it says of the test films.")


if __name__ == "__main__":
    main()

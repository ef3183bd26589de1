"""What the film classifiers said about many everyday films, kept for the lesson on calibration.

    python -m course_lib.evaluation.calibration_record

Whether 90 % means 90 of 100 cannot be seen on a hundred films. So the logits of all five members
are recorded once, for films whose findings are as faint as in a mixed work list (the networks
learned from plainer ones). "validation" films decide a calibration, "test" films measure it; the
patients of the other cohorts are the first thousand of "test", imaged by other machines.
Same command, same numbers.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.files import write_whole
from course_lib.data.gan_films import DISEASES, SIZE, film_stack, truth_of
from course_lib.data.virtual import VirtualChest
from course_lib.evaluation.calibration_inputs import softmax
from course_lib.learning.film_classifier import FilmClassifier, load_ensemble, one_finding_only

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "calibration"
FILE = "record.npz"
# name -> (patients, seed, scanner)
COHORTS: dict[str, tuple[int, int, str]] = {
    "validation": (1200, 6400, "A"),
    "test": (2400, 6401, "A"),
    "B": (1000, 6401, "B"),
    "C": (1000, 6401, "C"),
    "portable": (1000, 6401, "portable"),
}


class Recorded(NamedTuple):
    """One cohort: classes (N,) of the films and the logits (M, N, K) of the M members.

    features: those of the first member (N, 90).
    """

    classes: NDArray[np.intp]
    logits: NDArray[np.float64]
    features: NDArray[np.float64]

    def probability(self, member: int = 0) -> NDArray[np.float64]:
        """The softmax of one member, (N, K)."""
        return softmax(self.logits[member])

    def ensemble(self) -> NDArray[np.float64]:
        """The mean of all members' probabilities, (N, K)."""
        return softmax(self.logits).mean(0)


def everyday_films(
    cohort: str, n: int | None = None, **options
) -> tuple[torch.Tensor, NDArray[np.intp]]:
    """Films in 0..1 (N, 1, 64, 64) of a cohort that show at most one finding, and their classes.

    n: only the first n patients; film i does not depend on n. options: of VirtualChest.
    """
    if cohort not in COHORTS:
        raise ValueError(f"There is no cohort {cohort!r}; choose from {', '.join(COHORTS)}.")
    patients, seed, scanner = COHORTS[cohort]
    usual = {"prevalence": dict.fromkeys(DISEASES, 0.14), "scanner": scanner}
    source = VirtualChest(n or patients, seed, SIZE, DISEASES, **{**usual, **options})
    kept, classes = one_finding_only(truth_of(source))
    return film_stack(source)[torch.from_numpy(kept)].float() / 255, classes


def record(classifiers: Sequence[FilmClassifier], n: int | None = None) -> dict[str, Recorded]:
    """Image all cohorts (the first n patients of each) and ask every member."""
    result = {}
    for name in COHORTS:
        films, classes = everyday_films(name, n)
        logits = np.stack([one.logits(films) for one in classifiers]).astype(np.float64)
        features = classifiers[0].features(films).astype(np.float64)
        result[name] = Recorded(classes, logits, features)
    return result


def save_record(record: Mapping[str, Recorded], path: str | Path) -> None:
    """Write the cohorts into one file; logits with 16 bits, that is to 0.01."""
    arrays: dict[str, NDArray] = {}
    for name, part in record.items():
        arrays[f"{name}_classes"] = part.classes.astype(np.uint8)
        arrays[f"{name}_logits"] = part.logits.astype(np.float16)
        arrays[f"{name}_features"] = part.features.astype(np.float16)
    write_whole(Path(path), lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def load_record(path: str | Path = SHIPPED / FILE) -> dict[str, Recorded]:
    """The recorded cohorts by name.

    Raises ValueError, in one sentence, for a file that is missing or holds something else.
    """
    try:
        with np.load(path) as file:
            return {
                name: Recorded(
                    file[f"{name}_classes"].astype(np.intp),
                    file[f"{name}_logits"].astype(np.float64),
                    file[f"{name}_features"].astype(np.float64),
                )
                for name in COHORTS
            }
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} holds no record of logits ({error}); make it with python -m "
            "course_lib.evaluation.calibration_record."
        ) from error


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.evaluation.calibration_record")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder for the record")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # two stall each other in a net as small as this
    save_record(record(load_ensemble()), given.out / FILE)
    print(f"{given.out / FILE}: what five classifiers say of {sum(c[0] for c in COHORTS.values())}")


if __name__ == "__main__":
    main()

"""Train a PGGAN, and keep its averaged generator.

    python -m course_lib.generative.pggan_training --cohort all --out my_generator
    python -m course_lib.generative.pggan_training --data FOLDER --preset paper --out big

A run that was interrupted, also in the middle of a fade, goes on where it stopped when the same
command is given again. Source: Karras et al., arXiv:1710.10196.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from tqdm.auto import tqdm

from course_lib.data.gan_films import COHORTS, film_stack, gan_cohort
from course_lib.data.item import ImageRecord, Label
from course_lib.data.opening import open_dataset
from course_lib.data.source import Subset
from course_lib.generative.growth import Growth
from course_lib.generative.pggan_config import PRESETS, PgganConfig
from course_lib.generative.pggan_films import Films, LazyFilms, check_films
from course_lib.generative.shipped import save_generator
from course_lib.learning.device import best_precision, one_device
from course_lib.models.presets import chosen

MOST_IN_MEMORY = 2_000_000_000  # pixels; larger sets are read film by film


def train_pggan(
    config: PgganConfig,
    films: Films,
    folder: Path | str | None = None,
    fabric: Fabric | None = None,
    watch: Callable[[Growth], None] | None = None,
) -> Growth:
    """Grow a generator and a critic on uint8 films (N, C, R, R); see `pggan_films.Films`.

    folder: where checkpoints go; called again, the run goes on from the last one to the same
    weights. fabric: device(s) and precision; with several devices each shows the critic a whole
    batch of its own, and they move together. watch: called after every step.

    Returns the run: `.average` is the generator to use, `.history` a row per `log_every` steps,
    `.pictures` the time-lapse. Raises TrainingFailed if a loss is not a number any more (the last
    good state is kept), ValueError for films of another size, CheckpointError for a folder that
    holds a run with other settings.
    """
    check_films(films, config.size.resolution, config.size.image_channels)
    growth = Growth(config, fabric or one_device(), folder)
    total = config.schedule.steps
    with tqdm(total=total, initial=growth.steps, desc="PGGAN", unit="step") as bar:
        while growth.steps < total:
            row = growth.step(films)
            bar.update()
            if watch is not None:
                watch(growth)
            if growth.steps % config.log_every == 0:
                pixels, alpha = int(row["resolution"]), row["alpha"]
                bar.set_postfix_str(f"{pixels} px, alpha {alpha:.2f}, gap {row['gap']:.2f}")
    return growth


def run(
    config: PgganConfig,
    out: Path | str,
    cohort: str = "all",
    data: str = "virtual",
    devices: int = 1,
) -> Growth:
    """Train and write generator.pt, log.csv and timelapse.npz into the folder `out`.

    data: "virtual" for one of the course's cohorts, or a folder of real films (then `cohort`
    "normal" takes those without any finding).
    """
    place = Path(out)
    place.mkdir(parents=True, exist_ok=True)
    fabric = one_device()
    if devices > 1:
        fabric = Fabric(accelerator="auto", devices=devices, precision=best_precision())
        fabric.launch()
    films = _films(config, cohort, data)
    growth = train_pggan(config, films, place / "run", fabric)
    if fabric.is_global_zero:
        pd.DataFrame(growth.history).to_csv(place / "log.csv", index=False, float_format="%.5g")
        save_timelapse(growth, place / "timelapse.npz")
        about = {"cohort": cohort, "films": len(films), "seed": config.seed, "steps": growth.steps}
        path = save_generator(growth.average, place / "generator.pt", **about)
        print(f"{path}: {growth.steps} steps, {growth.shown} films shown, {growth.seconds:.0f} s.")
    return growth


def save_timelapse(growth: Growth, path: Path | str) -> None:
    """Write the pictures that the run kept: uint8 arrays, named by the step they were drawn at."""
    pictures: dict[str, Any] = {f"step_{n:07d}": films.numpy() for n, films in growth.pictures}
    np.savez_compressed(path, **pictures)


def load_timelapse(path: Path | str) -> list[tuple[int, np.ndarray]]:
    """(step, uint8 (8, C, r, r)) in order."""
    with np.load(path, allow_pickle=False) as file:
        return [(int(name.removeprefix("step_")), file[name]) for name in sorted(file.files)]


def _films(config: PgganConfig, cohort: str, data: str) -> Films:
    size = config.size.resolution
    source = gan_cohort(cohort, size=size) if data == "virtual" else open_dataset(data)
    if data != "virtual" and cohort == "normal":
        records = source.records
        source = Subset(source, [i for i, record in enumerate(records) if _healthy(record)])
    if len(source) * size**2 <= MOST_IN_MEMORY:
        return film_stack(source, size)
    return LazyFilms(source, size)


def _healthy(record: ImageRecord) -> bool:
    return not {Label.PRESENT, Label.UNCERTAIN} & set(record.labels.values())


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.generative.pggan_training")
    parser.add_argument("--out", required=True, help="folder; resumed if it holds a run")
    parser.add_argument("--preset", default="laptop", choices=sorted(PRESETS))
    parser.add_argument("--cohort", default="all", choices=sorted(COHORTS))
    parser.add_argument("--data", default="virtual", help="'virtual' or a folder of real films")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--devices", type=int, default=1, help="graphics cards or processes")
    parser.add_argument("--threads", type=int, default=1, help="processor threads of each")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    config = chosen(PRESETS, given.preset)
    if given.seed is not None:
        config = replace(config, seed=given.seed)
    run(config, given.out, given.cohort, given.data, given.devices)


if __name__ == "__main__":
    main()

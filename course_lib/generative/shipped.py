"""The generators that the course brings: 64 pixels, trained beforehand on virtual patients.

    generator = load_generator("all")            # of all patients; "normal": of healthy ones only
    films = sample_films(generator, 16, seed=1)  # (16, 1, 64, 64) in 0..1

How they were made and how good they are: datasets/checkpoints/pggan/README.md.
"""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from course_lib.data.gan_films import to_grey
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.models.pggan import Generator, PgganSize

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "pggan"


def save_generator(generator: Generator, path: Path | str, **about: Any) -> Path:
    """Write the weights with the size of the network; `about`: plain values to keep with them."""
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: value.contiguous() for name, value in generator.state_dict().items()}
    save_checkpoint(place, {"size": asdict(generator.size), "weights": weights, "about": about})
    return place


def load_generator(
    which: Literal["all", "normal"] | str | Path = "all", resolution: int | None = None
) -> Generator:
    """A trained generator, at rest: "all" or "normal" patients, or one from a file.

    resolution: what the caller needs, in pixels. Raises CheckpointError if the file is missing,
    damaged, of another kind, or draws at another resolution.
    """
    path = SHIPPED / f"{which}.pt" if which in ("all", "normal") else Path(which)
    content = load_checkpoint(path)
    try:
        generator = Generator(PgganSize(**content["size"]))
        generator.load_state_dict(content["weights"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} does not hold a generator of this course ({type(error).__name__}: {error})."
        ) from error
    if resolution is not None and resolution != generator.resolution:
        raise CheckpointError(
            f"{path} holds a generator of {generator.resolution} x {generator.resolution} pixels; "
            f"{resolution} are needed here."
        )
    return generator.eval().requires_grad_(False)


def weights_hash(generator: Generator) -> str:
    """A short name of these weights: results that belong to them can say so."""
    digest = hashlib.sha256()
    for name, value in generator.state_dict().items():
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def sample_latents(n: int, latent_size: int, seed: int) -> Tensor:
    """n latent vectors from the normal distribution, float32 (n, latent_size)."""
    numbers = np.random.default_rng(seed).standard_normal((n, latent_size))
    return torch.from_numpy(numbers.astype(np.float32))


@torch.inference_mode()
def draw(generator: Generator, z: Tensor, batch: int = 250) -> Tensor:
    """Films float32 (n, 1, R, R) in 0..1 of latents (n, latent_size)."""
    return torch.cat([to_grey(generator(part)) for part in z.split(batch)])


def sample_films(generator: Generator, n: int, seed: int, batch: int = 250) -> Tensor:
    """n films of patients who do not exist, float32 (n, 1, R, R) in 0..1."""
    return draw(generator, sample_latents(n, generator.latent_size, seed), batch)

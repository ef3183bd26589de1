"""Walking through the latent space: from one patient to another, or along an axis.

A walk is a row of latents; each has a film, and a classifier says what that film shows. PGGAN's
generator divides every latent by its length before it does anything else, so only the *direction*
of z is seen: the films live on a sphere, and far along an axis all patients become the same one.

generator: latents (B, L) to films (B, 1, R, R) about -1 to 1. model: films 0..1 to logits (B, K).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_lib.data.gan_films import to_grey
from course_lib.explain.cam import enlarge, grad_cam
from course_lib.generative.directions import Array, unit
from course_lib.learning.device import processor_has_bfloat16

BATCH = 250


@torch.no_grad()  # not inference mode: Grad-CAM needs gradients of what is done with the films
def films_from(generator: nn.Module, latents: ArrayLike, batch: int = BATCH) -> Tensor:
    """The films (N, 1, R, R) in 0..1 of latents (N, L).

    Raises ValueError for latents of another shape, NaN or infinity, or a latent of zeros, which
    has no direction.
    """
    z = _latents(generator, latents)
    return torch.cat([to_grey(generator(part).float()) for part in z.split(batch)])


@torch.inference_mode()
def logits_from(
    generator: nn.Module,
    model: nn.Module,
    latents: ArrayLike,
    batch: int = BATCH,
    progress: bool = False,
    fast: bool = False,
) -> NDArray[np.float32]:
    """Logits (N, K) of the films of latents (N, L); no film is kept.

    fast: in bfloat16 where the processor has it, which takes less than half the time and moves a
    likelihood by 0.01 on average. 30,000 films of 64 pixels take about three minutes of one core,
    one if fast. Errors as in `films_from`.
    """
    z = _latents(generator, latents)
    model.eval()
    parts = tqdm(z.split(batch), desc="making and judging films", disable=not progress)
    with torch.autocast("cpu", torch.bfloat16, enabled=fast and processor_has_bfloat16()):
        answers = [model(to_grey(generator(part).float())).float() for part in parts]
    return torch.cat(answers).numpy()


def likelihood_from(
    generator: nn.Module, model: nn.Module, latents: ArrayLike, **options
) -> NDArray[np.float32]:
    """Likelihoods (N, K) in 0..1 of the films of latents (N, L); options: of `logits_from`."""
    return torch.sigmoid(
        torch.from_numpy(logits_from(generator, model, latents, **options))
    ).numpy()


Way = Literal["straight", "arc"]


def between(start: ArrayLike, end: ArrayLike, count: int, way: Way = "arc") -> Array:
    """`count` latents (count, L) from start (L,) to end (L,), both included.

    "straight" (lerp): equal steps on the chord, which passes nearer to zero than any latent that
    was ever drawn. "arc" (slerp, Shoemake, SIGGRAPH 1985): equal angles, while the length changes
    evenly. Raises ValueError for other shapes, fewer than two latents, or opposite ends, between
    which every arc is as good as any other.
    """
    first, last = np.asarray(start, np.float64), np.asarray(end, np.float64)
    if first.ndim != 1 or first.shape != last.shape or count < 2:
        raise ValueError(
            f"Give two latents of one length and at least 2 places, not {first.shape}, "
            f"{last.shape} and {count}."
        )
    share = np.linspace(0, 1, count)[:, None]
    if way == "straight":
        return (1 - share) * first + share * last
    if way != "arc":
        raise ValueError(f'The way is "straight" or "arc", not {way!r}.')
    long, short = np.linalg.norm(first), np.linalg.norm(last)
    angle = np.arccos(np.clip(unit(first) @ unit(last), -1, 1))
    if np.sin(angle) < 1e-6:
        if angle > 1:
            raise ValueError("The two latents are opposite; no arc between them is shortest.")
        return (1 - share) * first + share * last
    direction = (
        np.sin((1 - share) * angle) * unit(first) + np.sin(share * angle) * unit(last)
    ) / np.sin(angle)
    return direction * ((1 - share) * long + share * short)


class Walk(NamedTuple):
    """One patient on the way along an axis.

    steps (T,); films (T, R, R) in 0..1; likelihood (T, K); heat (T, R, R), Grad-CAM of the output
    of interest, negative parts included.
    """

    steps: Array
    films: NDArray[np.float32]
    likelihood: NDArray[np.float32]
    heat: NDArray[np.float32]


def walk(
    generator: nn.Module,
    model: nn.Module,
    start: ArrayLike,
    axis: ArrayLike,
    steps: Sequence[float] | Array,
    output: int,
    layer: str = "features",
) -> Walk:
    """Films, likelihoods and Grad-CAM of z + t * axis for every t in `steps`.

    start, axis (L,); the axis is brought to length 1, so t is in standard deviations of a latent's
    component. output: which of the model's outputs Grad-CAM explains; layer: the submodule of
    `model` whose maps it takes. Raises ValueError for shapes that do not fit.
    """
    z, direction = np.asarray(start, np.float64), unit(axis)
    if z.ndim != 1 or z.shape != direction.shape:
        raise ValueError(f"Start {z.shape} and axis {direction.shape} must be two latents.")
    places = np.asarray(steps, np.float64)
    films = films_from(generator, z + places[:, None] * direction)
    heat = enlarge(grad_cam(model, films, output, layer), (films.shape[-2], films.shape[-1]))
    with torch.inference_mode():
        likelihood = torch.sigmoid(model(films)).float().numpy()
    return Walk(places, films[:, 0].numpy(), likelihood, heat.numpy())


class Reached(NamedTuple):
    """How far each start had to go.

    step (N,), NaN where the likelihood was not reached; latents (N, L), there or at the end of the
    way; before, after (N, K), likelihoods at the start and at `latents`.
    """

    step: Array
    latents: Array
    before: NDArray[np.float32]
    after: NDArray[np.float32]

    @property
    def arrived(self) -> NDArray[np.bool_]:
        """(N,): True where the wanted likelihood was reached."""
        return np.isfinite(self.step)


def reach(
    generator: nn.Module,
    model: nn.Module,
    starts: ArrayLike,
    axis: ArrayLike,
    output: int,
    wanted: float = 0.8,
    longest: float = 12.0,
    pace: float = 0.5,
    fast: bool = False,
) -> Reached:
    """The shortest step along an axis at which an output reaches the wanted likelihood.

    starts (N, L); axis (L,), brought to length 1. Steps of `pace` up to `longest` are tried, then
    the first that is enough is refined by halving, to pace / 16. fast: on the way (not for `before`
    and `after`), as in `likelihood_from`. Raises ValueError for a likelihood
    outside 0..1 or shapes that do not fit.
    """
    z, direction = np.asarray(starts, np.float64), unit(axis)
    if z.ndim != 2 or direction.shape != z.shape[1:] or not 0 < wanted < 1:
        raise ValueError(
            f"Starts {z.shape}, axis {direction.shape} and likelihood {wanted:g} do not fit: "
            "latents in rows, one axis of their length, a likelihood between 0 and 1."
        )

    def shown(step: Array) -> Array:
        latents = z + step[:, None] * direction
        answers = likelihood_from(generator, model, latents, fast=fast)
        return np.asarray(answers[:, output], np.float64)

    upper = np.full(len(z), np.nan)
    for step in np.arange(0.0, longest + pace / 2, pace):
        enough = shown(np.full(len(z), step)) >= wanted
        upper = np.where(np.isnan(upper) & enough, step, upper)
        if not np.isnan(upper).any():
            break
    width = pace / 2
    far = np.nan_to_num(upper, nan=longest)
    for _ in range(4):
        closer = np.maximum(far - width, 0.0)
        far = np.where(np.isfinite(upper) & (shown(closer) >= wanted), closer, far)
        width /= 2
    latents = z + far[:, None] * direction
    return Reached(
        np.where(np.isnan(upper), np.nan, far),
        latents,
        likelihood_from(generator, model, z),
        likelihood_from(generator, model, latents),
    )


def _latents(generator: nn.Module, latents: ArrayLike) -> Tensor:
    z = torch.as_tensor(np.asarray(latents), dtype=torch.float32)
    wide = getattr(generator, "latent_size", z.shape[-1] if z.dim() else 0)
    if z.dim() != 2 or len(z) == 0 or z.shape[1] != wide:
        raise ValueError(f"Latents must have the shape (N, {wide}), not {tuple(z.shape)}.")
    if not torch.isfinite(z).all():
        raise ValueError("A latent holds NaN or infinity; was the axis found at all?")
    if (z.square().sum(1) == 0).any():
        raise ValueError("A latent of zeros has no direction, so it stands for no film.")
    return z

"""An encoder: a network that guesses at once where a latent search should begin.

    python -m course_lib.generative.latent_encoder --out FOLDER

f-AnoGAN (Schlegl et al., Medical Image Analysis 2019;54:30) trains a network E after the generator
G is finished. Film -> latent -> film ("izi"): the twin G(E(x)) of a healthy film shall look like
x. Latent -> film -> latent ("ziz"): E shall find the latent of a film that G drew. Here both at
once, on healthy films; with a critic the izi term can compare its features as well ("izi_f").
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from course_lib.data.gan_films import film_stack, gan_cohort, to_grey
from course_lib.generative.latent_films import check_films
from course_lib.generative.latent_search import mean_pairwise_squared_error
from course_lib.generative.shipped import load_generator, sample_latents, weights_hash
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.learning.device import processor_has_bfloat16
from course_lib.models.pggan import Generator

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "anomaly"
FILE = "encoder.pt"


class LatentEncoder(nn.Module):
    """Films (B, 1, r, r) in 0..1 to latents (B, latent) of length sqrt(latent).

    Convolutions with stride 2 down to 4 x 4, then one linear layer. Random latents of many numbers
    nearly all have the length sqrt(latent); so the encoder's get exactly that.
    """

    def __init__(self, resolution: int, latent_size: int, width: int = 16, most: int = 128) -> None:
        super().__init__()
        if resolution < 8 or resolution & (resolution - 1):
            raise ValueError(f"resolution must be 8, 16, 32, ... pixels, not {resolution}.")
        self.resolution, self.latent_size, self.width, self.most = (
            resolution, latent_size, width, most,
        )  # fmt: skip
        layers: list[nn.Module] = []
        channels, side = 1, resolution
        while side > 4:
            wider = min(most, width if channels == 1 else 2 * channels)
            layers += [nn.Conv2d(channels, wider, 4, 2, 1, bias=False), nn.BatchNorm2d(wider)]
            layers += [nn.LeakyReLU(0.2)]
            channels, side = wider, side // 2
        self.features = nn.Sequential(*layers)
        self.last = nn.Linear(16 * channels, latent_size)

    def forward(self, films: Tensor) -> Tensor:
        z = self.last(self.features(films * 2 - 1).flatten(1)).float()
        return on_shell(z)


def on_shell(z: Tensor) -> Tensor:
    """Latents (B, d) with the same directions and the length sqrt(d)."""
    return functional.normalize(z, dim=1) * z.shape[1] ** 0.5


@dataclass(frozen=True)
class EncoderPlan:
    """How the encoder learns: epochs over the healthy films, films per step, Adam's highest rate.

    ziz: weight of the latent term beside the residual. feature_weight: of the critic's features
    (1 in f-AnoGAN), where a critic is given.
    """

    epochs: int = 2
    batch: int = 16
    rate: float = 2e-3
    ziz: float = 0.05
    feature_weight: float = 1.0
    seed: int = 0


def train_encoder(
    generator: Generator,
    films: Tensor,
    plan: EncoderPlan | None = None,
    *,
    features: Callable[[Tensor], Tensor] | None = None,
    progress: bool = True,
) -> tuple[LatentEncoder, list[float]]:
    """Teach an encoder where the generator keeps healthy films uint8 (N, 1, r, r).

    features: a critic's, for the izi_f term (latent_films.critic_features). Returns the encoder at
    rest and the mean residual (mpse, grey values -1..1) of each epoch.

    Raises ValueError for films that do not fit, fewer than two films, or a loss that becomes NaN.
    """
    plan = plan or EncoderPlan()
    check_films(films[:256].float() / 255, generator)
    if len(films) < 2 or plan.batch < 2:
        raise ValueError("The encoder's batch normalisation needs batches of two films or more.")
    torch.manual_seed(plan.seed)
    encoder = LatentEncoder(generator.resolution, generator.latent_size)
    adam = torch.optim.Adam(encoder.parameters(), plan.rate, betas=(0.5, 0.99))
    steps = plan.epochs * (len(films) // plan.batch)
    cosine = torch.optim.lr_scheduler.OneCycleLR(adam, plan.rate, total_steps=max(steps, 2))
    random = torch.Generator().manual_seed(plan.seed)
    log = []
    with tqdm(total=steps, desc="Encoder", disable=None if progress else True) as bar:
        for _ in range(plan.epochs):
            order = torch.randperm(len(films), generator=random)
            seen = []
            for rows in order.split(plan.batch):
                if len(rows) < plan.batch:
                    continue  # a last batch of few would disturb the batch normalisation
                z = torch.randn(plan.batch, generator.latent_size, generator=random)
                with torch.autocast("cpu", torch.bfloat16, enabled=processor_has_bfloat16()):
                    loss, residual = _losses(encoder, generator, films[rows], z, plan, features)
                if not torch.isfinite(loss):
                    raise ValueError("The encoder's loss became NaN; use a smaller rate.")
                adam.zero_grad()
                loss.backward()
                adam.step()
                cosine.step()
                seen.append(residual)
                bar.update()
            log.append(sum(seen) / len(seen))
    return encoder.eval(), log


def _losses(
    encoder: LatentEncoder,
    generator: Generator,
    films: Tensor,
    z: Tensor,
    plan: EncoderPlan,
    features: Callable[[Tensor], Tensor] | None,
) -> tuple[Tensor, float]:
    """The loss of one step, and the izi residual in it."""
    healthy = films.float() / 255
    with torch.no_grad():
        drawn = to_grey(generator(z).float())
    guessed = encoder(torch.cat([healthy, drawn]))
    found, again = guessed[: len(healthy)], guessed[len(healthy) :]
    twins, target = generator(found).float(), healthy * 2 - 1
    residual = mean_pairwise_squared_error(target - twins).mean()
    ziz = (again - on_shell(z)).square().mean()
    loss = residual + plan.ziz * ziz
    if features is not None:
        apart = (features(target) - features(twins)).float().square().mean()
        loss = loss + plan.feature_weight * apart
    return loss, float(residual.detach())


def save_encoder(encoder: LatentEncoder, generator: Generator, folder: Path | str) -> Path:
    """Write encoder.pt, with the name of the generator's weights that it belongs to."""
    content: dict[str, Any] = {
        "resolution": encoder.resolution,
        "latent_size": encoder.latent_size,
        "width": encoder.width,
        "most": encoder.most,
        "generator": weights_hash(generator),
        "weights": {name: value.contiguous() for name, value in encoder.state_dict().items()},
    }
    path = Path(folder) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(path, content)
    return path


def load_encoder(generator: Generator, folder: Path | str | None = None) -> LatentEncoder:
    """The encoder in a folder (the course's own when none is named), at rest.

    Raises CheckpointError if the file is missing, damaged, or belongs to other weights than
    those of this generator: its guesses would then be noise.
    """
    path = Path(folder or SHIPPED) / FILE
    content = load_checkpoint(path)
    try:
        belongs = content["generator"]
        names = ("resolution", "latent_size", "width", "most")
        encoder = LatentEncoder(*(content[name] for name in names))
        encoder.load_state_dict(content["weights"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} does not hold an encoder of this course ({type(error).__name__}: {error})."
        ) from error
    if belongs != weights_hash(generator):
        raise CheckpointError(
            f"{path} belongs to another generator ({belongs}, not {weights_hash(generator)}); "
            "train it again: python -m course_lib.generative.latent_encoder --out FOLDER"
        )
    return encoder.eval().requires_grad_(False)


def main(words: Sequence[str] | None = None) -> None:
    """The command; see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.generative.latent_encoder")
    parser.add_argument("--out", default=str(SHIPPED), help="folder for encoder.pt")
    parser.add_argument("--generator", default="normal", help='"normal" or a file')
    parser.add_argument("--epochs", type=int, default=EncoderPlan.epochs)
    parser.add_argument("--films", type=int, help="fewer healthy films than 5000")
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    generator = load_generator(given.generator)
    films = film_stack(gan_cohort("normal", given.films))
    begun = time.process_time()
    encoder, log = train_encoder(generator, films, EncoderPlan(given.epochs))
    path = save_encoder(encoder, generator, given.out)
    z = sample_latents(200, generator.latent_size, seed=1)
    with torch.no_grad():
        likeness = functional.cosine_similarity(encoder(to_grey(generator(z))), z)
    print(f"{path}: residual per epoch {', '.join(f'{value:.4f}' for value in log)};")
    print(f"cosine with the true latents {float(likeness.mean()):.2f};")
    print(f"{time.process_time() - begun:.0f} CPU seconds")


if __name__ == "__main__":
    main()

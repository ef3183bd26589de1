"""A PGGAN step: the course's way against a published design in plain eager float32.

    python -m benchmarks.pggan [--pixels 32 64 128] [--batch 16] [--rounds 5]
    python -m benchmarks.pggan --stable       # bfloat16 against float32: losses, gradients
    python -m benchmarks.pggan --growing      # is growing needed at 32 pixels? (several minutes)
    python -m benchmarks.pggan --full         # one training step at 1,024 pixels: time and memory

The published design is retold in benchmarks/pggan_peer.py. A step is one move of the critic and
one of the generator with their averages, at the same layers, channels and batch. Processor seconds
on one thread, the least of some rounds, both measured in turn in this run.
"""

import argparse
import resource
import time
from dataclasses import replace

import torch
from lightning_fabric import Fabric

from benchmarks.pggan_peer import PeerGame
from course_lib.data.gan_films import film_stack, gan_cohort
from course_lib.evaluation.generative.frechet import frechet_distance
from course_lib.generative.growing import Phase, Schedule
from course_lib.generative.growth import Growth
from course_lib.generative.losses import gradient_penalty
from course_lib.generative.pggan_config import PRESETS, PgganConfig
from course_lib.generative.pggan_training import train_pggan
from course_lib.generative.shipped import draw, sample_latents
from course_lib.learning.device import best_precision
from course_lib.models.pggan import Critic, PgganSize, minibatch_deviation

LONG = 10**6  # films: more than a benchmark shows


def seconds(action):
    """Processor seconds of one call."""
    start = time.process_time()
    action()
    return time.process_time() - start


def full_size_only(size, batch, **changes):
    """A run that is at its last resolution, faded in, from its third step per phase on."""
    early = [Phase(r, 0, 1, batch) for r in size.resolutions[:-1]]
    schedule = Schedule((*early, Phase(size.resolution, 0, LONG, batch)))
    return PgganConfig(size, schedule, log_every=LONG, save_every=LONG, pictures=1, **changes)


def growth_at_full_size(size, batch, precision, **changes):
    """A training that has all its layers in use."""
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    growth = Growth(full_size_only(size, batch, **changes), fabric)
    growth.steps = len(size.resolutions) - 1
    return growth


def step_times(given):
    """Print the table of times: peer, ours step by step."""
    fast = best_precision()
    variants = {
        "float32": ("32-true", {}),
        f"{fast}": (fast, {}),
        f"{fast}, penalty on half": (fast, {"penalty_share": 0.5}),
    }
    print(f"{'pixels':>6} {'published':>10}" + "".join(f"{name:>28}" for name in variants))
    for pixels in given.pixels:
        size = PgganSize(pixels, base=max(512, 8 * pixels), most=64)
        films = torch.randint(0, 256, (64, 1, pixels, pixels), dtype=torch.uint8)
        real = films[: given.batch].float() / 127.5 - 1
        peer = PeerGame(size.latent_size, [size.channels(r) for r in size.resolutions])
        players = [lambda peer=peer, real=real: peer.step(real)]
        for precision, changes in variants.values():
            growth = growth_at_full_size(size, given.batch, precision, **changes)
            players.append(lambda growth=growth, films=films: growth.step(films))
        for player in players:
            player()  # the first call prepares kernels
        rounds = [[seconds(player) for player in players] for _ in range(given.rounds)]
        best = [min(times) for times in zip(*rounds, strict=True)]
        cells = "".join(f"{t:20.3f} s {best[0] / t:5.2f}" for t in best[1:])
        print(f"{pixels:6} {best[0]:8.3f} s{cells}", flush=True)


def penalty_gradient(critic, real, fake, mix, autocast):
    """Gradient of the penalty for all weights of the critic, as one vector."""
    critic.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        penalty = gradient_penalty(critic, real, fake, mix)
    penalty.backward()
    return torch.cat([p.grad.flatten() for p in critic.parameters() if p.grad is not None])


def stability(given):
    """Penalty gradients in bfloat16 against float32, and how two short trainings go."""
    torch.manual_seed(0)
    for pixels in given.pixels:
        critic = Critic(PgganSize(pixels, base=max(512, 8 * pixels), most=64))
        real, fake = (torch.rand(16, 1, pixels, pixels) * 2 - 1 for _ in "rf")
        mix = torch.rand(16)
        exact = penalty_gradient(critic, real, fake, mix, False)
        rough = penalty_gradient(critic, real, fake, mix, True)
        cosine = torch.nn.functional.cosine_similarity(exact, rough, dim=0).item()
        print(
            f"{pixels} pixels: cosine {cosine:.4f}, length ratio {rough.norm() / exact.norm():.3f}"
        )
    films = small_films(500)
    for precision in ("32-true", "bf16-mixed"):
        config = replace(PRESETS["lesson"], schedule=shorter(), log_every=10)
        fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
        gaps = [row["gap"] for row in train_pggan(config, films, fabric=fabric).history]
        quarter = len(gaps) // 4
        means = [sum(gaps[k * quarter :][:quarter]) / quarter for k in range(4)]
        print(f"{precision}: mean lead of the critic in four quarters", [f"{m:.2f}" for m in means])


def shorter():
    """A schedule of 240 steps up to 32 pixels."""
    return Schedule(
        (
            Phase(4, 0, 640, 16),
            Phase(8, 320, 640, 16),
            Phase(16, 320, 640, 16),
            Phase(32, 640, 640, 16),
        )
    )


def small_films(n):
    """Virtual films of 32 pixels, uint8 (n, 1, 32, 32)."""
    whole = film_stack(gan_cohort("all", n)).float()
    return torch.nn.functional.avg_pool2d(whole, 2).round().to(torch.uint8)


def growing(given):
    """The lesson's training against one with all layers from the first step, in equal time."""
    films, lesson = small_films(1000), PRESETS["lesson"]
    grown = train_pggan(lesson, films)
    last = lesson.schedule.phases[-1]
    held = [r for r in grown.history if r["resolution"] == last.resolution and r["alpha"] == 1]
    per_step = (held[-1]["seconds"] - held[0]["seconds"]) / (held[-1]["step"] - held[0]["step"])
    early = [replace(phase, fade=0, hold=phase.batch) for phase in lesson.schedule.phases[:-1]]
    affordable = replace(last, fade=0, hold=int(grown.seconds / per_step) * last.batch)
    direct = train_pggan(replace(lesson, schedule=Schedule((*early, affordable))), films)
    held_out = small_films(2000)[1000:]
    print(f"other real films: distance {distance(held_out, films):.3f}")
    for name, run in (("growing", grown), ("all at once", direct)):
        made = draw(run.average, sample_latents(1000, run.config.size.latent_size, 5))
        print(
            f"{name}: {run.steps} steps, {run.seconds:.0f} s, distance "
            f"{distance(made, films):.3f}, deviation {minibatch_deviation(made)[:, -1].mean():.3f}"
        )


def distance(films, real):
    """Frechet distance of means of 4 x 4 pixels (64 numbers per film), in grey values 0..1."""
    parts = [x / 255.0 if x.dtype == torch.uint8 else x for x in (real, films)]
    coarse = [torch.nn.functional.avg_pool2d(part, 4).flatten(1).numpy() for part in parts]
    return frechet_distance(coarse[0], coarse[1], groups=0).value


def full_model(given):
    """One step of the paper's networks at 1,024 pixels, two films."""
    growth = growth_at_full_size(PgganSize(1024), 2, best_precision(), group=2)
    films = torch.randint(0, 256, (2, 1, 1024, 1024), dtype=torch.uint8)
    start, used = time.perf_counter(), seconds(lambda: growth.step(films))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    passed = time.perf_counter() - start
    print(f"1,024 pixels, 2 films: {used:.0f} processor s, {passed:.0f} s, {peak:.1f} GB at most")


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pggan")
    parser.add_argument("--pixels", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    for name in ("stable", "growing", "full"):
        parser.add_argument(f"--{name}", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    chosen = [
        action
        for name, action in (("stable", stability), ("growing", growing), ("full", full_model))
        if getattr(given, name)
    ]
    for action in chosen or [step_times]:
        action(given)


if __name__ == "__main__":
    main()

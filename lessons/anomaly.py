# %% [markdown] tags=["slide"]
# ## The finding that nobody taught
#
# A classifier that learned five diseases knows five diseases. Show it a sixth, and it will do its best with the five.
#
# **[[Anomaly detection]]** turns the question round. Learn only what is **healthy**; whatever does not fit is suspicious. Nobody has
# to draw outlines, and nobody has to foresee which disease will come.
#
# A [[generator]] of healthy films makes it visible: let it draw the **healthy twin** of a film, and subtract.

# %% [markdown]
# The idea is from AnoGAN (Schlegl, 2017); Kim (2021) did it with PGGAN on chest films. You rebuild it here, find out what it costs,
# and test it as strictly as any other detector: with a threshold set on healthy films, on diseases with known truth.
#
# ## Twelve findings, five of them known
#
# As in the thesis there are twelve findings. A supervised network, the *film judge* of this course, has learned five of them.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_lib.data.gan_films import film_stack
from course_lib.generative.anomaly_films import FINDINGS, KNOWN, chests_with, healthy_chests
from course_lib.generative.shipped import draw, load_generator, sample_films
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

EACH = 4
chests = [chests_with(name, EACH, 5500 + number) for number, name in enumerate(FINDINGS)]
ill = torch.cat([film_stack(one) for one in chests]).float() / 255  # four films of each finding
finding = np.repeat(FINDINGS, EACH)
masks = np.stack([one[i].masks[name] for one, name in zip(chests, FINDINGS, strict=True) for i in range(EACH)])
healthy = film_stack(healthy_chests(40, 5520)).float() / 255
print(f"{len(ill)} films with a finding, {len(healthy)} healthy films, {ill.shape[-1]} x {ill.shape[-1]} pixels")

# %%
titles = [name.replace("_", " ") + ("" if name in KNOWN else " *") for name in FINDINGS]
show(
    films([one[0] for one in ill[::EACH]], titles, columns=6, width=12),
    alt="Twelve virtual chest films of 64 by 64 pixels, one for each finding; a star marks the seven findings that the "
    "supervised network has not learned",
)

# %% [markdown]
# The star marks what the film judge was never taught. Two findings of the thesis, pneumomediastinum and subcutaneous emphysema,
# do not exist in the virtual hospital; cardiomegaly and hernia take their places.
#
# Look closely: can *you* see the rib fracture? At 64 pixels a rib is one or two pixels wide. Keep that in mind.
#
# ## A generator that has never seen an ill patient
#
# It learned from 5,000 healthy virtual chests. From 64 random numbers, the **[[latent vector]]** $z$, it draws one film.

# %%
generator = load_generator("normal")
show(
    films([one[0] for one in sample_films(generator, 6, seed=2)], columns=6, width=12),
    alt="Six generated chest films of healthy people who do not exist",
)

# %% [markdown] tags=["slide"]
# ## The nearest healthy film
#
# Healthy films are a thin sheet in the space of all pictures. The generator should draw the points *on* the sheet and no other.
#
# An ill film lies beside it. Its **twin** is the nearest point of the sheet; the **[[residual]]** is the way there.

# %%
angle = np.linspace(0.15, np.pi - 0.15, 200)
sheet = np.stack([1.6 * np.cos(angle), np.sin(angle)], 1)
points = {"healthy": (0.55, 0.93), "ill": (-0.5, 0.35)}
fig, ax = plt.subplots(figsize=(6, 3.2))
ax.plot(*sheet.T, color=COLOURS[2], lw=3, label="what the generator can draw")
for (name, point), colour in zip(points.items(), COLOURS, strict=False):
    nearest = sheet[((sheet - point) ** 2).sum(1).argmin()]
    ax.plot(*point, "o", color=colour, ms=9, label=f"{name} film")
    ax.plot(*nearest, "s", color=colour, ms=6)
    ax.plot(*zip(point, nearest, strict=True), color=colour, ls=":")
ax.set(xlabel="grey value of one pixel", ylabel="grey value of another", aspect="equal")
ax.legend(loc="lower right", fontsize=8)
show(fig, alt="A curve of healthy films, a healthy film beside it, an ill film far from it, each joined to its nearest point")

# %% [markdown]
# The generator has no way back from a film to $z$. So we search: begin anywhere, draw the film, see how it differs, change $z$
# a little so that it differs less, and again. That is [[gradient descent]], as in training; only now the network stands still and
# its *input* moves.

# %% [markdown] tags=["exercise"] exercise="anomaly_step"
# ### Exercise: one step of the search
#
# Take the simplest generator there is: film $= A z$, with a matrix $A$ (pixels, latents). The loss is
# $|x - A z|^2$, the sum of the squared differences. Write `step(z, A, x, rate)`, which returns $z$ after one step of gradient
# descent. The gradient of the loss is $-2 A^\top (x - A z)$.

# %% tags=["stub"] exercise="anomaly_step"
def step(z, A, x, rate):
    """The latent vector after one step towards the film x."""
    return ...

# %% tags=["check"] exercise="anomaly_step"
check("anomaly_step", step)

# %% [markdown] tags=["hint"] exercise="anomaly_step"
# Gradient descent goes against the gradient, `rate` times its length.

# %% [markdown] tags=["hint"] exercise="anomaly_step"
# New z = z - rate * gradient. What is left of x when the drawn film is taken away is `x - A @ z`.

# %% [markdown] tags=["hint"] exercise="anomaly_step"
# `z + rate * 2 * A.T @ (x - A @ z)`

# %% tags=["solution"] exercise="anomaly_step"
def step(z, A, x, rate):
    """The latent vector after one step towards the film x."""
    gradient = -2 * A.T @ (x - A @ z)
    return z - rate * gradient  # downhill: against the gradient

# %% tags=["equivalent"] exercise="anomaly_step"
def step(z, A, x, rate):
    missing = np.asarray(x) - np.dot(A, z)
    return z + 2 * rate * np.dot(missing, A)

# %% tags=["wrong"] exercise="anomaly_step" says="uphill"
def step(z, A, x, rate):
    return z + rate * -2 * A.T @ (x - A @ z)

# %% tags=["wrong"] exercise="anomaly_step" says="factor 2"
def step(z, A, x, rate):
    return z + rate * A.T @ (x - A @ z)

# %% tags=["wrong"] exercise="anomaly_step" says="Only the step"
def step(z, A, x, rate):
    return rate * 2 * A.T @ (x - A @ z)

# %% tags=["wrong"] exercise="anomaly_step" says="rate"
def step(z, A, x, rate):
    return z + 2 * A.T @ (x - A @ z)

# %% tags=["checker"] exercise="anomaly_step"
def checker(step):
    random = np.random.default_rng(1)
    A, x, z = random.normal(size=(9, 3)), random.normal(size=9), random.normal(size=3)
    way = 2 * A.T @ (x - A @ z)
    got = np.asarray(step(z, A, x, 0.01), dtype=float)
    require(got.shape == (3,), "The answer is a latent vector: as many numbers as z has.")
    require(not np.allclose(got, z - 0.01 * way), "You walk uphill: the film differs more after the step.")
    require(not np.allclose(got, z + 0.005 * way), "The right direction, but a factor 2 is missing.")
    require(not np.allclose(got, 0.01 * way), "Only the step; add it to where you stand, z.")
    require(not np.allclose(got, z + way), "The rate is missing: such a step jumps over the goal.")
    close(got, z + 0.01 * way, "z minus rate times gradient.")

# %% [markdown] tags=["slide"]
# ## Which loss?
#
# - **MSE**: the mean of the squared differences of the pixels.
# - **MPSE**, **[[mean pairwise squared error]]** (Kim 2021): for every *pair* of pixels, how differently do they differ? Squared,
#   and averaged over the pairs.
#
# A film that is brighter all over has the same pairs. MPSE does not see overall brightness; MSE does.
#
# (The methods of the thesis name MPSE, its results "mean squared error". So we try both, further down.)

# %% [markdown] tags=["exercise"] exercise="anomaly_mpse"
# ### Exercise: mean pairwise squared error
#
# `difference` is an array, film minus twin, of any shape with $n$ pixels. There are $n(n-1)/2$ pairs of different pixels. Write
# `mpse(difference)`: the mean of $(d_i - d_j)^2$ over all pairs. For `[0, 1, 3]` the pairs give 1, 9 and 4, so the answer is 14/3.
#
# With 4,096 pixels there are 8 million pairs: find a way without a loop over pairs.

# %% tags=["stub"] exercise="anomaly_mpse"
def mpse(difference):
    """Mean squared difference over all pairs of different pixels."""
    return ...

# %% tags=["check"] exercise="anomaly_mpse"
check("anomaly_mpse", mpse)

# %% [markdown] tags=["hint"] exercise="anomaly_mpse"
# How far apart are numbers on average? There is a well-known measure of spread.

# %% [markdown] tags=["hint"] exercise="anomaly_mpse"
# It is a multiple of the variance. Try it on `[0, 1, 3]`, with `n` and with `n - 1` in the denominator.

# %% [markdown] tags=["hint"] exercise="anomaly_mpse"
# Twice the variance with denominator `n - 1`: `2 * np.var(difference, ddof=1)`.

# %% tags=["solution"] exercise="anomaly_mpse"
def mpse(difference):
    """Mean squared difference over all pairs of different pixels."""
    return 2 * np.var(difference, ddof=1)  # ddof=1: pairs of a pixel with itself do not count

# %% tags=["equivalent"] exercise="anomaly_mpse"
def mpse(difference):
    d = np.ravel(difference).astype(float)
    n = d.size
    return 2 * (n * np.sum(d**2) - d.sum() ** 2) / (n * (n - 1))

# %% tags=["equivalent"] exercise="anomaly_mpse"
def mpse(difference):
    d = np.ravel(difference).astype(float)
    apart = (d[:, None] - d[None, :]) ** 2
    return apart.sum() / (d.size * (d.size - 1))

# %% tags=["wrong"] exercise="anomaly_mpse" says="plain MSE"
def mpse(difference):
    return np.mean(np.square(difference))

# %% tags=["wrong"] exercise="anomaly_mpse" says="twice"
def mpse(difference):
    return np.var(difference, ddof=1)

# %% tags=["wrong"] exercise="anomaly_mpse" says="which denominator"
def mpse(difference):
    return np.var(difference)

# %% tags=["wrong"] exercise="anomaly_mpse" says="with itself"
def mpse(difference):
    return 2 * np.var(difference)

# %% tags=["equivalent"] exercise="anomaly_mpse"
def mpse(difference):
    n = np.size(difference)
    return 2 * np.var(difference) * n / (n - 1)

# %% tags=["wrong"] exercise="anomaly_mpse" says="mean over the pairs"
def mpse(difference):
    d = np.ravel(difference)
    return np.sum((d[:, None] - d[None, :]) ** 2) / 2

# %% tags=["wrong"] exercise="anomaly_mpse" says="neighbours"
def mpse(difference):
    return np.mean(np.diff(np.ravel(difference)) ** 2)

# %% tags=["checker"] exercise="anomaly_mpse"
def checker(mpse):
    small = np.array([0.0, 1.0, 3.0])
    got = float(mpse(small))
    require(abs(got - 10 / 3) > 1e-6, "That is the plain MSE, 10/3; it compares no pairs.")
    require(abs(got - 7 / 3) > 1e-6, "Close: you need it twice.")
    require(abs(got - 28 / 9) > 1e-6, "You counted pairs of a pixel with itself, too.")
    require(abs(got - 2.5) > 1e-6, "You compared neighbours only; every pixel has n - 1 partners.")
    require(abs(got - 14 / 9) > 1e-6, "A variance is the right idea: which multiple, and which denominator?")
    require(abs(got - 14) > 1e-6, "That is the sum; the mean over the pairs is asked.")
    close(got, 14 / 3, "For [0, 1, 3] the pairs are 1, 9 and 4 apart (squared).")
    many = np.random.default_rng(2).normal(3, 2, (6, 7))
    close(mpse(many), 2 * many.var(ddof=1), "Pictures of two dimensions count as well.")

# %% [markdown] tags=["slide"]
# ## The search, live
#
# Random numbers to begin with, then 100 steps. Watch the twin come nearer: shape of the body, width of the chest, heart. A clear edge
# of fluid cannot come: no healthy film has one.

# %% tags=["varies"]
from course_lib.generative.latent_search import SearchPlan, search_twins

first = {name: EACH * number for number, name in enumerate(FINDINGS)}
one = first["pleural_effusion"]
shown = (0, 5, 20, 100)
found = search_twins(generator, ill[one : one + 1], SearchPlan(steps=100, keep=shown), seed=7)
steps = [draw(generator, found.kept[step])[0, 0] for step in shown]
pictures = [ill[one, 0], *steps, masks[one]]
show(
    films(pictures, ["film", *[f"twin, step {step}" for step in shown], "truth"], columns=6, width=12),
    alt="A film with a pleural effusion, its twin after 0, 5, 20 and 100 steps, and the true outline of the effusion; the twin "
    "resembles the patient more and more, but instead of the effusion it has a haze at both bases",
)
history = found.history[:, 0]
print(f"residual (MPSE) {history[0]:.3f} at the start, {history[20]:.3f} after 20 steps, {found.score[0]:.3f} after 100")
claim("The residual falls to less than half", float(found.score[0]) < 0.5 * float(history[0]))

# %% [markdown]
# Look at the bases of the last twin: both are hazy. The search pays for white pixels that are missing, so it takes from the healthy
# films whatever is whitest there, on both sides. A twin is the *least bad* healthy film, not the patient before the illness. Part of
# the effusion is lost in that way, and the healthy side gets a difference that it does not deserve.
#
# ### Many films at once
#
# One hundred steps for one film, hundreds of films: they go through the network together, in one batch. Each film has a loss of
# its own; they are **summed**. Then the gradient of film 1 is the same whether it is alone or has 99 companions. With the *mean*
# of the losses every gradient would be a hundred times smaller, and plain gradient descent a hundred times slower. (Adam divides the
# gradient by its own size and hides the mistake. That is no excuse.)

# %%
exact = SearchPlan(steps=5, fast=False)  # ordinary numbers: bfloat16 rounds differently in other company
together = search_twins(generator, ill[:6], exact, seed=7, progress=False)
alone = search_twins(generator, ill[:1], exact, seed=7, progress=False)
apart = float((together.z[0] - alone.z[0]).abs().max())
claim("A film finds the same twin alone and in company", apart < 1e-2)

# %% [markdown] tags=["slide"]
# ## Several starts
#
# The valley has many bottoms: from another random $z$ the search ends in another twin. Begin several times, keep the best.

# %% tags=["varies"]
some = [first[name] for name in ("mass", "pneumothorax", "cardiomegaly", "hernia")]
runs = [search_twins(generator, ill[some], SearchPlan(steps=40), seed=seed, progress=False) for seed in range(4)]
ends = torch.stack([run.score for run in runs]).numpy()
for column, name in enumerate(("mass", "pneumothorax", "cardiomegaly", "hernia")):
    print(f"{name:13s} residual from four starts: {', '.join(f'{value:.4f}' for value in np.sort(ends[:, column]))}")
best = search_twins(generator, ill[some], SearchPlan(steps=40, restarts=4), seed=0, progress=False)
claim("The best of four starts is better than the mean of four", float(best.score.mean()) < ends.mean())

# %% [markdown]
# The spread between starts is **noise of the method**: another twin, another map, another decision. A detector that calls the same film
# ill on Monday and healthy on Tuesday is not what a ward wants.
#
# ## A better start: the encoder
#
# f-AnoGAN (Schlegl, 2019) trains a third network once: the **[[encoder]]** looks at a film and guesses $z$ at once. It learned with
# healthy films only: guess $z$, draw, compare. We let the search go on from its guess.

# %% tags=["varies"]
from course_lib.generative.anomaly_detector import load_detector

detector = load_detector(rate=0.10)
both = torch.cat([ill[::EACH], healthy[:6]])
plan = SearchPlan(steps=50)
random_start = search_twins(generator, both, plan, seed=3, progress=False).history.mean(1)
encoder_start = search_twins(generator, both, plan, start=detector.encoder, progress=False).history.mean(1)
fig, ax = plt.subplots(figsize=(6, 3.2))
ax.plot(random_start, color=COLOURS[1], label="random start")
ax.plot(encoder_start, color=COLOURS[0], label="start of the encoder")
ax.set(xlabel="step", ylabel="mean residual (MPSE)", ylim=(0, None))
ax.legend()
show(fig, alt="Mean residual against steps: the encoder begins far below the random start and stays below it")
reached = int((random_start > encoder_start[0]).sum())
print(f"the encoder's first guess is as good as {reached} steps from a random start")
claim("The encoder saves at least five steps", reached >= 5)

# %% [markdown] tags=["slide"]
# ## What differs, and what is unusual?
#
# **[[Difference map]]**: film minus twin. Red: the film is whiter than it should be. Blue: blacker.
#
# But healthy films differ from their twins, too: at the edges of the heart, along ribs, at the diaphragm. So measure that on
# 200 healthy films, pixel by pixel, and divide by it. Three times the usual is conspicuous.

# %% tags=["varies"]
seen = detector.look(torch.cat([ill, healthy]))
twins = seen.twins[:, 0].numpy()


def row_of(axes, number, name):
    """Film, twin, difference, unusual difference, truth."""
    picture = ill[number, 0].numpy()
    film(axes[0], picture, name.replace("_", " "))
    film(axes[1], twins[number], "healthy twin")
    film(axes[2], seen.difference[number], "difference", cmap="RdBu_r", vmin=-0.2, vmax=0.2)
    film(axes[3], seen.odd[number], "in units of the usual", cmap="RdBu_r", vmin=-8, vmax=8)
    film(axes[4], picture, "truth")
    axes[4].contour(masks[number], [0.5], colors=COLOURS[4], linewidths=1.5)


names = ("mass", "pneumothorax", "mediastinal_widening", "cardiomegaly", "pneumoperitoneum", "rib_fracture")
fig, axes = plt.subplots(len(names), 5, figsize=(9, 1.85 * len(names)))
for axes_row, name in zip(axes, names, strict=True):
    row_of(axes_row, first[name], name)
show(
    fig,
    alt="Six rows, one finding each: film, healthy twin, difference in red and blue, difference in units of the usual one, and the "
    "true outline. Mass, wide mediastinum and large heart glow red in the right place; the rib fracture does not show",
)

# %% [markdown] tags=["exercise"] exercise="anomaly_sign"
# ### Exercise: whiter or blacker?
#
# Before you look again: is the film, inside the lesion, **whiter** or **blacker** than its healthy twin? Fill in `"whiter"` or
# `"blacker"` for each finding.

# %% tags=["stub"] exercise="anomaly_sign"
lesion_is = {
    "mass": ...,
    "pleural_effusion": ...,
    "pneumothorax": ...,
    "mediastinal_widening": ...,
    "pneumoperitoneum": ...,
    "cardiomegaly": ...,
}

# %% tags=["check"] exercise="anomaly_sign"
check("anomaly_sign", lesion_is)

# %% [markdown] tags=["hint"] exercise="anomaly_sign"
# What lies in the beam instead of the healthy tissue, more or less matter?

# %% [markdown] tags=["hint"] exercise="anomaly_sign"
# Tumour, fluid, vessels and heart muscle stop more x-rays than the lung they displace. Air stops fewer than whatever it displaces.

# %% [markdown] tags=["hint"] exercise="anomaly_sign"
# The two findings that are *free air* are blacker, the other four whiter.

# %% tags=["solution"] exercise="anomaly_sign"
lesion_is = {
    "mass": "whiter",
    "pleural_effusion": "whiter",
    "pneumothorax": "blacker",  # air where there was lung
    "mediastinal_widening": "whiter",
    "pneumoperitoneum": "blacker",  # air under the diaphragm, where there was liver
    "cardiomegaly": "whiter",
}

# %% tags=["equivalent"] exercise="anomaly_sign"
air = ("pneumothorax", "pneumoperitoneum")
others = ("mass", "pleural_effusion", "mediastinal_widening", "cardiomegaly")
lesion_is = {**dict.fromkeys(air, "Blacker"), **dict.fromkeys(others, "Whiter ")}

# %% tags=["wrong"] exercise="anomaly_sign" says="pneumothorax"
lesion_is = dict.fromkeys(
    ("mass", "pleural_effusion", "pneumothorax", "mediastinal_widening", "pneumoperitoneum", "cardiomegaly"), "whiter"
)

# %% tags=["wrong"] exercise="anomaly_sign" says="pleural effusion"
lesion_is = {"mass": "whiter", "pleural_effusion": "blacker", "pneumothorax": "blacker", "mediastinal_widening": "whiter",
             "pneumoperitoneum": "blacker", "cardiomegaly": "whiter"}  # fmt: skip

# %% tags=["wrong"] exercise="anomaly_sign" says="the words"
lesion_is = {"mass": True, "pleural_effusion": True, "pneumothorax": False, "mediastinal_widening": True,
             "pneumoperitoneum": False, "cardiomegaly": True}  # fmt: skip

# %% tags=["wrong"] exercise="anomaly_sign" says="pneumoperitoneum"
lesion_is = {"mass": "whiter", "pleural_effusion": "whiter", "pneumothorax": "blacker", "mediastinal_widening": "whiter",
             "pneumoperitoneum": "whiter", "cardiomegaly": "whiter"}  # fmt: skip

# %% tags=["checker"] exercise="anomaly_sign"
def checker(lesion_is):
    black = {"pneumothorax", "pneumoperitoneum"}
    white = {"mass", "pleural_effusion", "mediastinal_widening", "cardiomegaly"}
    require(isinstance(lesion_is, dict) and set(lesion_is) == black | white, "Keep the six findings.")
    said = {name: str(word).strip().lower() for name, word in lesion_is.items()}
    require(set(said.values()) <= {"whiter", "blacker"}, 'Use the words "whiter" and "blacker".')
    for name in ("pneumothorax", "pneumoperitoneum"):
        require(said[name] == "blacker", f"Think again about the {name}: what is there is air.")
    for name in sorted(white):
        plain = name.replace("_", " ")
        require(said[name] == "whiter", f"Think again about the {plain}: does it stop more x-rays than lung, or fewer?")

# %%
of_ill = seen.difference[: len(ill)]
inside = {name: of_ill[finding == name][masks[finding == name]].mean() for name in FINDINGS}
for name in ("mass", "pleural_effusion", "mediastinal_widening", "cardiomegaly"):
    claim(f"Inside: {name.replace('_', ' ')} is whiter than the twin", inside[name] > 0.005)
claim("Inside: pneumothorax is blacker than the twin", inside["pneumothorax"] < -0.005)

# %% [markdown] tags=["slide"]
# ## Alarms in healthy films
#
# Left: how much healthy films differ from their twins. Where the picture is bright, the generator cannot meet every patient exactly.
# Right: the two healthy films (of 40) with the highest scores.

# %% tags=["varies"]
worst = len(ill) + np.argsort(seen.score[len(ill) :])[::-1][:2]
fig, axes = plt.subplots(1, 5, figsize=(12, 2.7))
film(axes[0], detector.usual.spread, "usual difference", vmin=0, vmax=float(np.quantile(detector.usual.spread, 0.99)))
for k, number in enumerate(worst):
    film(axes[1 + 2 * k], healthy[number - len(ill), 0], f"healthy, score {seen.score[number]:.1f}")
    film(axes[2 + 2 * k], seen.odd[number], "in units of the usual", cmap="RdBu_r", vmin=-8, vmax=8)
show(
    fig,
    alt="A map of the usual differences, brightest beside the body and under the diaphragm, and the two healthy films with the highest "
    "scores: one is red nearly everywhere and most at the arms, the other blue, most at the bubble of gas in the stomach",
)
edges = np.hypot(*np.gradient(healthy[:, 0].numpy().mean(0)))
sharp, flat = edges > np.quantile(edges, 0.8), edges < np.quantile(edges, 0.4)
ratio = detector.usual.spread[sharp].mean() / detector.usual.spread[flat].mean()
print(f"at edges of the mean film the usual difference is {ratio:.1f} times that of its flat regions")
uneven = np.quantile(detector.usual.spread, 0.95) / np.quantile(detector.usual.spread, 0.2)
print(f"and 5 % of the pixels differ at least {uneven:.1f} times as much as the quietest 20 %")
claim("Healthy films differ from their twins much more in some places than in others", uneven > 1.5)

# %% [markdown]
# The thesis saw the same (its figure 15) and called it an open problem: *false positive maps should be handled*. Dividing by the usual
# difference handles the part that is the same in all patients. What is left are films that are unusual without being ill: brighter
# all over, arms at the margin, much gas in the stomach. A generator that learned from few people calls more people unusual.

# %% [markdown] tags=["slide"]
# ## Too much freedom: the twin that copies the lesion
#
# The twin must be *unable* to show the lesion. PGGAN divides $z$ by its own length before it uses it: whatever $z$ the search
# finds, it ends on the same shell as the random ones, length $\sqrt{64} = 8$.
#
# What if the search may move more than 64 numbers? Let it move the 1,024 numbers after the first layer.

# %% tags=["varies"]
from course_lib.generative.anomaly_detector import FreeGenerator

z = torch.randn(500, 64, generator=torch.Generator().manual_seed(0))
print(f"length of 500 random z: {z.norm(dim=1).mean():.2f}, give or take {z.norm(dim=1).std():.2f}")
claim("Three times as long, the same film", float((generator(3 * z[:4]) - generator(z[:4])).abs().max()) < 1e-3)

some = [first[name] + k for name in ("mass", "pleural_effusion") for k in range(2)]
plan = SearchPlan(steps=50)
bound = search_twins(generator, ill[some], plan, start=detector.encoder, progress=False)
loose_generator = FreeGenerator(generator)
begin = loose_generator.start(detector.encoder(ill[some]))
loose = search_twins(loose_generator, ill[some], plan, start=begin, progress=False)


def left_in_lesion(twin):
    """Root mean square of film minus twin inside the lesion."""
    difference = (ill[some] - twin).numpy()[:, 0]
    return float(np.sqrt((difference[masks[some]] ** 2).mean()))


print(f"left in the lesion: {left_in_lesion(bound.films):.3f} with 64 numbers, {left_in_lesion(loose.films):.3f} with 1,024")
claim("With more freedom the twin copies the lesion", left_in_lesion(loose.films) < 0.8 * left_in_lesion(bound.films))

# %% tags=["varies"]
number = some[2]
pictures = [ill[number, 0], bound.films[2, 0], loose.films[2, 0]]
show(
    films(pictures, ["film with effusion", "twin: 64 numbers", "twin: 1,024 numbers"], columns=3, width=8),
    alt="A film with an effusion, its healthy twin, and the twin of the freer search, which shows the effusion as well",
)

# %% [markdown]
# A lower residual is therefore not a better detector. In a generator *without* that division (DCGAN in AnoGAN) the search can get the
# same freedom by making $z$ long; there one adds a penalty on $|z|$ (`SearchPlan(prior=...)`).
#
# ## From a map to a yes or no
#
# A map has 4,096 numbers, a decision is one bit. Two choices are needed, and both must be made **without the test films**:
#
# 1. *The summary*: the mean over the film, the highest peak, the mean of the highest 1 %? Chosen on other films of the five **known**
#    diseases. The unknown ones must not help: they are unknown.
# 2. *The [[threshold]]*: chosen on 300 other **healthy** films, at the false-alarm rate that you accept.

# %% [markdown] tags=["exercise"] exercise="anomaly_threshold"
# ### Exercise: the threshold
#
# Write `threshold(normal_scores, rate)`: a film will be called when its score is **above** the threshold. At most the share `rate` of
# the healthy films may be called, and the threshold should be as low as that allows: one of the scores themselves.

# %% tags=["stub"] exercise="anomaly_threshold"
def threshold(normal_scores, rate):
    """The lowest of the scores that at most this share of healthy films exceeds."""
    return ...

# %% tags=["check"] exercise="anomaly_threshold"
check("anomaly_threshold", threshold)

# %% [markdown] tags=["hint"] exercise="anomaly_threshold"
# Sort the healthy scores. With 300 films and 10 %, how many may lie above?

# %% [markdown] tags=["hint"] exercise="anomaly_threshold"
# 30 may lie above, so the threshold is the 31st from the top. Whole films only: round the allowed number down.

# %% [markdown] tags=["hint"] exercise="anomaly_threshold"
# `allowed = int(rate * len(scores) + 1e-9)`, then `np.sort(scores)[len(scores) - 1 - allowed]`

# %% tags=["solution"] exercise="anomaly_threshold"
def threshold(normal_scores, rate):
    """The lowest of the scores that at most this share of healthy films exceeds."""
    ordered = np.sort(normal_scores)
    allowed = int(rate * len(ordered) + 1e-9)  # whole films; 0.29 * 100 is 28.999999999999996
    return ordered[len(ordered) - 1 - allowed]

# %% tags=["equivalent"] exercise="anomaly_threshold"
def threshold(normal_scores, rate):
    scores = np.asarray(normal_scores)
    return min(s for s in scores if (scores > s).mean() <= rate + 1e-12)

# %% tags=["equivalent"] exercise="anomaly_threshold"
def threshold(normal_scores, rate):
    return np.quantile(normal_scores, 1 - rate, method="inverted_cdf")

# %% tags=["wrong"] exercise="anomaly_threshold" says="scores themselves"
def threshold(normal_scores, rate):
    return np.quantile(normal_scores, 1 - rate)

# %% tags=["wrong"] exercise="anomaly_threshold" says="too many"
def threshold(normal_scores, rate):
    return np.quantile(normal_scores, rate)

# %% tags=["wrong"] exercise="anomaly_threshold" says="higher than"
def threshold(normal_scores, rate):
    return np.max(normal_scores)

# %% tags=["wrong"] exercise="anomaly_threshold" says="normal distribution"
def threshold(normal_scores, rate):
    return np.mean(normal_scores) + 1.2816 * np.std(normal_scores)

# %% tags=["wrong"] exercise="anomaly_threshold" says="one film too"
def threshold(normal_scores, rate):
    ordered = np.sort(normal_scores)
    return ordered[len(ordered) - int(rate * len(ordered) + 1e-9)]

# %% tags=["checker"] exercise="anomaly_threshold"
def checker(threshold):
    random = np.random.default_rng(5)
    scores = np.exp(random.normal(size=300))  # skewed, as such scores are
    got = float(threshold(scores, 0.10))
    above = int((scores > got).sum())
    gauss = scores.mean() + 1.2816 * scores.std()
    require(abs(got - gauss) > 1e-3, "That trusts in a normal distribution, but scores are skewed: count films instead.")
    require(above <= 30, f"{above} of 300 healthy films lie above: too many for 10 %. Which end of the scores did you take?")
    require(above != 29, "Only 29 of 300 lie above: one film too strict (count from the top, from 0).")
    require(above == 30, f"Only {above} of 300 lie above; the threshold is higher than 10 % asks for.")
    close(got, np.sort(scores)[269], "Take one of the scores themselves.")
    close(float(threshold(np.arange(20.0), 0.05)), 18.0, "Of 20 films one may lie above.")

# %% [markdown] tags=["slide"]
# ## The recorded study
#
# 60 films of each of twelve findings and 300 healthy ones, none seen before; every detector at **10 % false alarms**, set on the same 300
# other healthy films. The supervised judge calls a film when *any* of its five diseases is likely enough. (It can also be asked for
# its sixth output, "not normal". That question comes further down, and the answer changes.)

# %%
from course_lib.generative.anomaly_results import load_study

study = load_study()
RATE = 0.10
chosen = study.about["chosen"]["search"]
print(f"chosen on the known diseases: {chosen}\nhealthy films above the thresholds, of 300:")
for name, words in (("search", "healthy twin"), ("linear", "linear generator"), ("any disease", "film judge")):
    row = study.table(name, RATE).set_index("diagnosis").loc["normal"]
    print(f"{words:17s} {row.detected:3d} = {row.sensitivity:.1%}, 95 % {row.low:.1%} to {row.high:.1%}")
study.table("search", RATE)[["diagnosis", "in_training", "subjects", "detected", "sensitivity", "low", "high"]].round(2)

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(8, 4.6))
order = np.arange(len(FINDINGS))
for shift, (name, words) in enumerate((("search", "healthy twin"), ("any disease", "film judge (supervised)"))):
    table = study.table(name, RATE).iloc[:-1]
    error = np.abs(table[["low", "high"]].to_numpy().T - table.sensitivity.to_numpy())
    ax.errorbar(table.sensitivity, order + 0.2 * shift, xerr=error, fmt="os"[shift], color=COLOURS[shift], label=words)
ax.axvline(RATE, color="grey", ls=":", label="called by chance")
ax.axhline(len(KNOWN) - 0.4, color="grey", lw=0.8)
ax.set_yticks(order + 0.1, [name.replace("_", " ") + ("" if name in KNOWN else " *") for name in FINDINGS])
ax.invert_yaxis()
ax.set(xlabel="sensitivity at 10 % false alarms, with 95 % interval", xlim=(0, 1.02))
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
show(fig, alt="Sensitivity of both detectors for twelve findings with intervals; above a line the five known, below the unknown ones")

# %%
compared = study.compare("search", "any disease", RATE)
for row in compared.itertuples():
    print(f"{row.group:19s} {row.films} films: twin {row.search}, judge {row[4]}; gain {row.gain:+.1%} ({row.low:+.1%} to {row.high:+.1%}), p {row.p:.1g}")

# %%
gains = {}
for name in FINDINGS:
    twin, judge = study.calls("search", RATE, name), study.calls("any disease", RATE, name)
    gains[name] = twin.mean() - judge.mean()
large = ("mediastinal_widening", "cardiomegaly", "pneumoperitoneum")
claim("Unknown changes of large shapes and free air: the twin finds at least 20 points more", min(gains[n] for n in large) > 0.2)
small = ("rib_fracture", "pleural_calcification", "interstitial_opacity")
claim("Fine and faint findings: the judge finds more", max(gains[n] for n in small) < -0.1)
claim("What the judge has learned, it finds more often", compared.high[1] < 0)
claim("Over all unknown findings the difference could be chance", compared.low[2] < 0 < compared.high[2])

# %% [markdown]
# **An honest result.** The thesis reports 51 against 14 of 60 on unknown diseases. Here the twin finds 189 of 420 and the judge 174: on
# average no difference that could not be chance, *finding by finding* very different ones. (The two groups in the claims were formed
# after we had seen the figure: they are an idea to test on new films, not a proof.) Why is it so?
#
# - **The twin wins on large shapes and free air.** It cannot draw a wide mediastinum, so whatever is too wide is left over.
# - **It loses on what is fine or faint.** Ribs, calcifications and faint patterns are as small as the errors of the generator in every
#   healthy film. Rib fracture and interstitial opacity are called about as often as healthy films are.
# - **The judge knows more than its labels**, probably because an atelectasis looks a little like a consolidation.
#
# And the judge has not yet been asked the right question. Many of its 3,000 training films were healthy: its output "not normal" says how
# far a film is from *them*, and that is nearly the question of the twin.

# %%
print("unknown findings at 10 % false alarms, each detector by itself:")
for name in ("search", "encoder", "linear", "any disease", "not normal"):
    calls = np.concatenate([study.calls(name, RATE, one) for one in FINDINGS if one not in KNOWN])
    print(f"{name:12s} {calls.mean():4.0%} of {len(calls)}")
normal_of = {n: study.calls(n, 0.05, "normal") for n in ("search", "not normal")}
either = np.concatenate(
    [study.calls("search", 0.05, one) | study.calls("not normal", 0.05, one) for one in FINDINGS if one not in KNOWN]
)
alarms = (normal_of["search"] | normal_of["not normal"]).mean()
print(f"either of two, each at 5 %: {either.mean():4.0%}, with {alarms:.0%} false alarms in all")
alone = np.concatenate([study.calls("not normal", RATE, one) for one in FINDINGS if one not in KNOWN]).mean()
claim("Both together find more than the better one alone", either.mean() > alone + 0.03)
claim("Asked for not normal, the judge finds more than the twin", study.compare("search", "not normal", RATE).high[2] < 0)

# %% [markdown]
# **The goal is missed.** "Not normal" finds 221 of the 420, the twin 189: 7.6 points fewer (95 % interval 2.0 to 13.2). In fairness, both
# thresholds were set for 10 %, but on the *test* films the twin raised 7 % false alarms (22 of 300), "not normal" 11 % (33), and "any
# disease" 9 % (26). With exactly 30 of 300 each they would find 206, 207 and 182. That uses the test films to set the threshold, so it
# is no result, only a warning: a threshold from 300 films is itself uncertain, and one cannot call any winner over *all* unknown findings.
#
# "linear" is the cheapest rival: a mean film and 64 [[principal components|principal component]], the twin by one multiplication. On these films,
# which all come from one machine and one position, it is as good as the network. **Always build the cheap rival.**
#
# What does hold: the two kinds of detectors miss *different* films. Twin or "not normal" finds 60 %, with as many false alarms (33 of 300)
# as "not normal" raised alone for its 53 %. As a *second opinion*, which is what the thesis proposes, the twin is worth most.
#
# ### How many pairs decide?
#
# Both detectors read the *same* films, so only those count on which they disagree ([[McNemar's test]], lesson "Comparing networks and readers").

# %% [markdown] tags=["exercise"] exercise="anomaly_pairs"
# ### Exercise: the films that decide
#
# `twin_calls` and `judge_calls` say for the same 60 films with a wide mediastinum whether each detector called them. Write
# `discordant(first, second)`, which returns two numbers: films called **only** by the first, and **only** by the second.

# %% tags=["given"] exercise="anomaly_pairs"
twin_calls = load_study().calls("search", 0.10, "mediastinal_widening")
judge_calls = load_study().calls("any disease", 0.10, "mediastinal_widening")

# %% tags=["stub"] exercise="anomaly_pairs"
def discordant(first, second):
    """(only the first called it, only the second called it)."""
    return ...

# %% tags=["check"] exercise="anomaly_pairs"
check("anomaly_pairs", discordant)

# %% [markdown] tags=["hint"] exercise="anomaly_pairs"
# Four kinds of films: both, only the first, only the second, neither. Two of them say nothing about who is better.

# %% [markdown] tags=["hint"] exercise="anomaly_pairs"
# With arrays of True and False: `first & ~second` is "the first and not the second".

# %% [markdown] tags=["hint"] exercise="anomaly_pairs"
# `int((first & ~second).sum()), int((second & ~first).sum())`

# %% tags=["solution"] exercise="anomaly_pairs"
def discordant(first, second):
    """(only the first called it, only the second called it)."""
    first, second = np.asarray(first, bool), np.asarray(second, bool)
    return int((first & ~second).sum()), int((second & ~first).sum())

# %% tags=["equivalent"] exercise="anomaly_pairs"
def discordant(first, second):
    pairs = list(zip(first, second, strict=True))
    return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)

# %% tags=["equivalent"] exercise="anomaly_pairs"
def discordant(first, second):
    return (first > second).sum(), (second > first).sum()

# %% tags=["wrong"] exercise="anomaly_pairs" says="two numbers"
def discordant(first, second):
    return (first != second).sum()

# %% tags=["wrong"] exercise="anomaly_pairs" says="each of them called"
def discordant(first, second):
    return int(np.sum(first)), int(np.sum(second))

# %% tags=["wrong"] exercise="anomaly_pairs" says="order"
def discordant(first, second):
    return int((second & ~first).sum()), int((first & ~second).sum())

# %% tags=["wrong"] exercise="anomaly_pairs" says="agree"
def discordant(first, second):
    return int((first & second).sum()), int((~first & ~second).sum())

# %% tags=["checker"] exercise="anomaly_pairs"
def checker(discordant):
    first = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0], bool)
    second = np.array([1, 1, 0, 0, 0, 1, 0, 0, 0], bool)
    answer = discordant(first, second)
    require(np.ndim(answer) == 1 and len(answer) == 2, "Return two numbers: only the first, only the second.")
    got = tuple(int(value) for value in answer)
    require(got != (5, 3), "That is how many films each of them called; what both called does not count.")
    require(got != (1, 3), "The order is turned round: first the films that only the first called.")
    require(got != (2, 3), "Those are the films on which they agree.")
    close(got[0], 3, "Films that only the first called.")
    close(got[1], 1, "Films that only the second called.")

# %%
from course_lib.evaluation.mcnemar import mcnemar

only_twin, only_judge = int((twin_calls & ~judge_calls).sum()), int((judge_calls & ~twin_calls).sum())
test = mcnemar(only_twin, only_judge)
print(f"wide mediastinum, 60 films: only the twin {only_twin}, only the judge {only_judge}; mid p {test.mid:.1g}")

# %% [markdown] tags=["slide"]
# ## How many steps?
#
# The same films after 0, 25, 50 and (from noise) 200 steps. Each point is an [[AUC]] over all twelve findings together.

# %% tags=["slide"]
curves = study.curves[study.curves["map"] == "unusual difference"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for (start, loss), group in curves.groupby(["start", "loss"], sort=False):
    style = {"color": COLOURS[0 if start == "encoder" else 1], "ls": "-" if loss == "mpse" else "--"}
    axes[0].plot(group.steps, group.auc, "o", label=f"{start}, {loss.upper()}", **style)
    axes[1].plot(group.steps, group.residual_normal, "o", **style)
    if loss == "mpse":
        axes[0].fill_between(group.steps, group.low, group.high, color=style["color"], alpha=0.12)
axes[0].set(xlabel="steps", ylabel="AUC, all findings")
axes[1].set(xlabel="steps", ylabel="difference in healthy films (grey values)", ylim=(0, None))
axes[0].legend(fontsize=8)
show(fig, alt="Left: AUC against steps for random and encoder start and both losses. Right: the difference that is left in healthy films falls")

# %% [markdown]
# From noise it takes about 50 steps to come near what the encoder has at once, without any step. MSE arrives sooner than MPSE:
# what MPSE does not see, the overall brightness, it does not correct either, and it stays in the map. After that more steps bring little:
# with only 112 films the intervals overlap. The lesson: stop when the curve is flat; each step costs the same.
#
# ## Does the map point at the lesion?
#
# A detector may call a film for the wrong reason. So: does the highest peak of the map lie inside the true outline (grown by two pixels)?

# %%
hits = study.hits()
for row in hits.itertuples():
    print(f"{row.finding.replace('_', ' '):22s} peak in the lesion {row.hit:4.0%}   by luck {row.luck:4.0%}")
claim("The peak of a wide mediastinum lies in it, nearly always", hits.set_index("finding").hit["mediastinal_widening"] > 0.9)
claim("The map does not point at rib fractures", hits.set_index("finding").hit["rib_fracture"] < 0.25)

# %% [markdown] tags=["slide"]
# ## Back to the thesis
#
# Table 6 of Kim (2021): 100 ill films, AnoGAN finds 89 (printed: 90; you recounted it in lesson "Audit the paper"), the
# supervised network 51. **How many healthy films were there?** None. A machine that calls *every* film ill finds 100 of 100.

# %% [markdown] tags=["exercise"] exercise="anomaly_break_even"
# ### Exercise: what the table does not say
#
# One simple number for a yes-or-no detector is *Youden's index* (the J of lesson "Measuring a classifier"): sensitivity minus false-positive rate (0
# for a coin, 1 for a perfect detector). Suppose the supervised network called 10 % of healthy films ill. From
# which false-positive rate on would AnoGAN (sensitivity 0.89) be **no better** than the network (0.51)?
#
# Write `break_even(sensitivity_a, sensitivity_b, false_positive_b)` for any two detectors; the answer must not exceed 1.

# %% tags=["stub"] exercise="anomaly_break_even"
def break_even(sensitivity_a, sensitivity_b, false_positive_b):
    """False-positive rate of detector a at which both have the same Youden index."""
    return ...

# %% tags=["check"] exercise="anomaly_break_even"
check("anomaly_break_even", break_even)

# %% [markdown] tags=["hint"] exercise="anomaly_break_even"
# Write down both indices and set them equal. One number is unknown.

# %% [markdown] tags=["hint"] exercise="anomaly_break_even"
# sensitivity_a - x = sensitivity_b - false_positive_b. Solve for x.

# %% [markdown] tags=["hint"] exercise="anomaly_break_even"
# `min(1.0, sensitivity_a - sensitivity_b + false_positive_b)`; for the thesis 0.89 - 0.51 + 0.10.

# %% tags=["solution"] exercise="anomaly_break_even"
def break_even(sensitivity_a, sensitivity_b, false_positive_b):
    """False-positive rate of detector a at which both have the same Youden index."""
    return min(1.0, sensitivity_a - (sensitivity_b - false_positive_b))  # a rate ends at 1

# %% tags=["equivalent"] exercise="anomaly_break_even"
def break_even(sensitivity_a, sensitivity_b, false_positive_b):
    index_b = sensitivity_b - false_positive_b
    return np.clip(sensitivity_a - index_b, 0, 1)

# %% tags=["wrong"] exercise="anomaly_break_even" says="forgot"
def break_even(sensitivity_a, sensitivity_b, false_positive_b):
    return sensitivity_a - sensitivity_b

# %% tags=["wrong"] exercise="anomaly_break_even" says="sign"
def break_even(sensitivity_a, sensitivity_b, false_positive_b):
    return sensitivity_a - sensitivity_b - false_positive_b

# %% tags=["wrong"] exercise="anomaly_break_even" says="specificity"
def break_even(sensitivity_a, sensitivity_b, false_positive_b):
    return 1 - (sensitivity_a - sensitivity_b + false_positive_b)

# %% tags=["wrong"] exercise="anomaly_break_even" says="Only the index"
def break_even(sensitivity_a, sensitivity_b, false_positive_b):
    return sensitivity_b - false_positive_b

# %% tags=["wrong"] exercise="anomaly_break_even" says="exceed 1"
def break_even(sensitivity_a, sensitivity_b, false_positive_b):
    return sensitivity_a - sensitivity_b + false_positive_b

# %% tags=["checker"] exercise="anomaly_break_even"
def checker(break_even):
    got = float(break_even(0.89, 0.51, 0.10))
    require(abs(got - 0.38) > 1e-6, "You forgot that the supervised network raises false alarms, too.")
    require(abs(got - 0.28) > 1e-6, "Check a sign: its false alarms make the network worse, not better.")
    require(abs(got - 0.52) > 1e-6, "That is a specificity; asked is the false-positive rate.")
    require(abs(got - 0.41) > 1e-6, "Only the index of the network; at which rate does the other detector have the same?")
    close(got, 0.48, "Set both indices equal and solve for the unknown rate.")
    require(float(break_even(0.99, 0.2, 0.4)) <= 1, "No rate can exceed 1.")
    close(float(break_even(0.5, 0.5, 0.05)), 0.05, "Equal sensitivities: equal false-positive rates.")

# %% [markdown]
# At 48 % false alarms AnoGAN would be no better than the supervised network, and the table cannot rule that out. The text speaks of
# *false positive maps* in healthy films, so the question is fair. Our table has the row "normal"; ask for it in every paper.
#
# And "detected" meant there that one radiologist, who read *ill films only*, judged by eye; whether he or she knew that is not said. Ours
# is a machine's decision with a threshold. Do not compare 89 % with our figures.

# %% [markdown] tags=["slide"]
# ## Unusual for the wrong reason
#
# The generator knows healthy films *of one machine*. Another windowing is as unusual to it as a tumour.

# %% tags=["varies"]
plain = healthy[:10]
middle = plain.mean((1, 2, 3), keepdim=True)
changed = {
    "as it is": plain,
    "a little brighter": (plain + 0.05).clamp(0, 1),
    "less contrast": (plain - middle) * 0.8 + middle,
    "more contrast": ((plain - middle) * 1.25 + middle).clamp(0, 1),
    "moved by 4 pixels": torch.roll(plain, 4, dims=3),
}
flagged = {name: float((detector.look(films_).score > detector.threshold).mean()) for name, films_ in changed.items()}
for name, share in flagged.items():
    print(f"healthy films, {name:18s} {share:4.0%} called ill")
claim("Moving or windowing alone makes healthy films suspicious", max(flagged.values()) > flagged["as it is"] + 0.3)
try:
    detector.look(1 - plain)
except ValueError as message:
    print(message)

# %% [markdown]
# An inverted film (MONOCHROME1) is refused: it is so unlike everything the generator draws that the library can tell. The other changes
# cannot be told from disease by their residual. So films must be prepared exactly as those in training, and an alarm means *unlike the
# training films*, not *ill*.

# %% [markdown]
# ## Play: find the threshold of the map
#
# Choose a finding and a film; move the threshold of the map. Coloured is what lies above it. Try "rib fracture", and a healthy film.

# %%
gallery = {name.replace("_", " "): first[name] for name in FINDINGS} | {"healthy": len(ill)}


def look_at(finding_shown, film_number, threshold):
    number = gallery[finding_shown] + film_number - 1
    picture = torch.cat([ill, healthy])[number, 0].numpy()
    odd = np.where(np.abs(seen.odd[number]) > threshold, seen.odd[number], np.nan)
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.6))
    called = "called" if seen.score[number] > detector.threshold else "not called"
    film(axes[0], picture, f"{finding_shown}: {called}")
    film(axes[1], twins[number], "healthy twin")
    film(axes[2], picture, f"above {threshold:.1f} times the usual")
    axes[2].imshow(odd, cmap="coolwarm", vmin=-8, vmax=8, alpha=0.75, interpolation="nearest")
    if number < len(ill):
        axes[2].contour(masks[number], [0.5], colors=COLOURS[4], linewidths=1.5)
    return fig


explore(
    look_at,
    alt="A film, its healthy twin, and the film with coloured pixels where the map exceeds the threshold; the true outline in orange",
    finding_shown=list(gallery),
    film_number=(1, EACH, 1, 1),
    threshold=(1.0, 8.0, 0.5, 3.0),
)

# %% [markdown] tags=["instructor"]
# Typical mistakes: to take a low residual for a good detector (the section on freedom shows the opposite), to choose the threshold on the
# films that are tested, and to read a red spot as a diagnosis. Short of time: leave out the section on several starts and the exercise
# on pairs. Ask before the table: which findings will a 64-pixel detector miss? (Those that are thinner than a pixel.) Ask after it: would
# you rather have the twin, the judge, or both, on a night shift?

# %% [markdown] tags=["instructor"]
# The study is recorded (`python -m course_lib.generative.anomaly_study`); the lesson searches about 100 films live. On a computer
# without bfloat16 the search takes two to three times longer. Discussion: who decides what "normal" is, when the generator learned from
# one hospital's healthy patients only?

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Learn healthy films only; the twin that cannot show a lesion makes the lesion visible.
# - An encoder gives the search a start that is cheaper and steadier than chance.
# - The twin must be *unable* to copy: more freedom, smaller residual, worse detector.
# - Divide by what healthy films differ anyway; set the threshold on other healthy films.
# - A table of sensitivities without false alarms says nothing.
# - Here the twin did not beat the judge over all unknown findings; it finds *other* films. Use it as a second opinion.
# - Unusual is not ill: other machines, windows and positions are unusual, too.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - T. Schlegl et al., Unsupervised anomaly detection with generative adversarial networks to guide marker discovery, IPMI 2017,
#   arXiv:1703.05921.
# - T. Schlegl et al., f-AnoGAN: fast unsupervised anomaly detection with generative adversarial networks, Medical Image Analysis 54
#   (2019) 30.
# - M. Kim, Image synthesis and anomaly detection on chest radiographs using generative adversarial networks, master's thesis,
#   University of Ulsan, 2021, section 4 and table 6.
# - J. Zhang et al., Top-down neural attention by excitation backprop, IJCV 126 (2018) 1084 (the pointing game).
# - W. J. Youden, Index for rating diagnostic tests, Cancer 3 (1950) 32.

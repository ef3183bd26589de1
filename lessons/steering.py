# %% [markdown] tags=["slide"]
# ## Can you order a patient?
#
# A generator draws patients who do not exist, by chance. Could you ask for *this* chest, but with an
# effusion? For a larger effusion? And the same heart?
#
# The thesis on chest film GANs (Kim M., 2021) found such knobs for three of five diseases. Nobody had told
# its generator what a disease is. Today you find them for ours, and you test what they really turn.

# %% [markdown]
# The plan is that of TL-GAN (Guan, 2018):
#
# 1. Draw many [[latent vectors|latent vector]] z, and let the generator make their films.
# 2. Let a classifier say what each film shows.
# 3. Ask a linear regression how the answers depend on z. Its slope is a direction: the **axis** of a disease.
# 4. Take a healthy film and walk along the axis.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_lib.explain.overlay import overlay
from course_lib.generative.directions_basis import gram_schmidt, random_axes
from course_lib.generative.directions_measure import load_measure
from course_lib.generative.directions_shipped import load_steering, steering_table
from course_lib.generative.directions_walk import between, films_from, likelihood_from, walk
from course_lib.generative.shipped import load_generator
from course_lib.learning.film_judge import load_film_judge
from course_lib.models.pggan import features, grow
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown]
# The *film judge* is a small classifier of real (virtual) films with six outputs: five diseases and "normal".
# 30,000 films were made and judged beforehand, which takes some minutes; the answers are kept (rounded: 16 bits do for
# this), the films are not.
# The latents can be drawn again from their seed.

# %%
torch.set_num_threads(1)
generator, judge = load_generator("all"), load_film_judge()
steering = load_steering(generator)  # refuses axes that belong to other weights
z, likelihood = steering.latents(), steering.likelihood
names = judge.findings
words = [name.replace("_", " ") for name in names]
print("latents", z.shape, " answers", likelihood.shape)
print("outputs:", ", ".join(words))

# %%
shown = films_from(generator, z[:12])[:, 0]
titles = [f"{words[k]}\n{row[k]:.2f}" for row in likelihood[:12] for k in [row.argmax()]]
show(
    films(shown, titles, columns=6, vmin=0, vmax=1),
    alt="Twelve generated chest films, each with the judge's strongest answer and its likelihood above it",
)

# %% tags=["varies"]
again = likelihood_from(generator, judge.model, z[:200])
difference = np.abs(again - likelihood[:200])
print(f"200 films made again: mean difference of the answers {difference.mean():.4f}")
claim("The kept answers belong to these latents and this generator", difference.mean() < 0.05)

# %% [markdown] tags=["slide"]
# ## 1 From one patient to another
#
# Between two latents lie other latents. Each of them has a film, too. Two ways to get there:
#
# - **straight** (lerp): $(1-s)\,a + s\,b$
# - **along the arc** (slerp, known from "Judging generators"): equal angles, and the length goes evenly from that of a
#   to that of b
#
# Does the choice matter?

# %%
healthy = z[likelihood[:, -1] > 0.95]
start, end = healthy[3], healthy[8]
pictures, titles = [], []
for way in ("straight", "arc"):
    path = between(start, end, 7, way)
    pictures += list(films_from(generator, path)[:, 0])
    titles += [f"{way}: |z| = {length:.1f}" for length in np.linalg.norm(path, axis=1)]
show(
    films(pictures, titles, columns=7, vmin=0, vmax=1, width=12),
    alt="Two rows of seven films that change from one patient to another; the straight way passes shorter "
    "latents in the middle, yet the films of both rows look alike",
)

# %% [markdown]
# A latent here has 64 numbers from a normal distribution. Its length is therefore always near √64 = 8, as the mean
# of 64 squares is always near 1: the latents lie in a thin **shell**. The middle of a straight way lies deep inside it,
# where hardly any was ever drawn.

# %%
middle = between(start, end, 3, "straight")[1]
fig, ax = plt.subplots(figsize=(7, 2.4))
ax.hist(np.linalg.norm(z, axis=1), bins=60, color=COLOURS[0])
ax.axvline(np.linalg.norm(middle), color=COLOURS[1], lw=2)
ax.text(np.linalg.norm(middle) - 0.1, 900, "middle of the\nstraight way", ha="right", color=COLOURS[1])
ax.set(xlabel="length of z", ylabel="films", xlim=(3, 11))
show(fig, alt="Histogram of the lengths of 30,000 latents, all between 5.5 and 10.5 around 8; a line marks the "
     "shorter latent in the middle of the straight way")
claim("Hardly any latent is as short as the middle of the straight way",
      (np.linalg.norm(z, axis=1) < np.linalg.norm(middle)).mean() < 0.02)

# %% [markdown]
# Why do both rows look alike, then? PGGAN's first step divides z by its length ([[pixel normalisation]]). Only the
# **direction** counts. Both ways pass through the same directions, at another pace. In generators without this step
# (DCGAN, for instance) the straight way does leave the region that was learned.

# %%
same = films_from(generator, start[None]) - films_from(generator, 3 * start[None])
claim("A latent three times as long is the same patient", float(same.abs().max()) < 1e-3)

# %% [markdown] tags=["exercise"] exercise="steering_arc"
# ### Exercise: walk on the sphere
#
# Write `arc(a, b, share)` for two latents of the **same length**. With the angle $\omega$ between them,
#
# $$\text{arc} = \frac{\sin((1-s)\,\omega)}{\sin\omega}\,a + \frac{\sin(s\,\omega)}{\sin\omega}\,b$$
#
# `share` $s$ goes from 0 (at `a`) to 1 (at `b`). Angles are in radians, as numpy has them.

# %% tags=["stub"] exercise="steering_arc"
def arc(a, b, share):
    """The latent at this share of the way from a to b, on the sphere."""
    return ...

# %% tags=["check"] exercise="steering_arc"
check("steering_arc", arc)

# %% [markdown] tags=["hint"] exercise="steering_arc"
# You need the angle first. What does the scalar product of two vectors say about it?

# %% [markdown] tags=["hint"] exercise="steering_arc"
# $\cos\omega = a \cdot b / (|a|\,|b|)$, and `np.arccos` gives the angle.

# %% [markdown] tags=["hint"] exercise="steering_arc"
# `angle = np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))`, then the formula.

# %% tags=["solution"] exercise="steering_arc"
def arc(a, b, share):
    """The latent at this share of the way from a to b, on the sphere."""
    angle = np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))  # not the cosine itself
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)

# %% tags=["equivalent"] exercise="steering_arc"
def arc(a, b, share):
    aside = b - (a @ b) / (a @ a) * a  # at right angles to a
    aside = aside * np.linalg.norm(a) / np.linalg.norm(aside)
    angle = share * np.arctan2(aside @ b, a @ b)
    return np.cos(angle) * a + np.sin(angle) * aside

# %% tags=["wrong"] exercise="steering_arc" says="straight way"
def arc(a, b, share):
    return (1 - share) * a + share * b

# %% tags=["wrong"] exercise="steering_arc" says="cosine"
def arc(a, b, share):
    angle = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)

# %% tags=["wrong"] exercise="steering_arc" says="wrong end"
def arc(a, b, share):
    angle = np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    return (np.sin(share * angle) * a + np.sin((1 - share) * angle) * b) / np.sin(angle)

# %% tags=["wrong"] exercise="steering_arc" says="equal steps"
def arc(a, b, share):
    chord = (1 - share) * a + share * b
    return chord * np.linalg.norm(a) / np.linalg.norm(chord)

# %% tags=["wrong"] exercise="steering_arc" says="both lengths"
def arc(a, b, share):
    angle = np.arccos(a @ b)
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)

# %% tags=["wrong"] exercise="steering_arc" says="radians"
def arc(a, b, share):
    angle = np.degrees(np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)

# %% tags=["checker"] exercise="steering_arc"
def checker(arc):
    a, b = np.array([8.0, 0.0, 0.0]), 8 * np.array([np.cos(2.0), np.sin(2.0), 0.0])
    third = np.asarray(arc(a, b, 0.25), dtype=float)
    require(third.shape == (3,), "The answer must be a latent of the same length as a.")
    require(not np.isnan(third).any(), "A cosine lies between -1 and 1: divide the scalar product by both lengths.")
    require(not np.allclose(third, 0.75 * a + 0.25 * b), "This is the straight way, through the inside.")
    turn = np.degrees(2.0)
    degrees = (np.sin(0.75 * turn) * a + np.sin(0.25 * turn) * b) / np.sin(turn)
    require(not np.allclose(third, degrees), "np.sin wants radians, not degrees.")
    angle = np.cos(2.0)
    wrong = (np.sin(0.75 * angle) * a + np.sin(0.25 * angle) * b) / np.sin(angle)
    require(not np.allclose(third, wrong), "That is the cosine of the angle; the formula needs the angle.")
    require(not np.allclose(third, 8 * np.array([np.cos(1.5), np.sin(1.5), 0])), "You begin at the wrong end.")
    chord = 0.75 * a + 0.25 * b
    require(not np.allclose(third, 8 * chord / np.linalg.norm(chord)),
            "On the sphere, but not in equal steps: a quarter of the way is a quarter of the angle.")
    close(third, 8 * np.array([np.cos(0.5), np.sin(0.5), 0]), "A quarter of an angle of 2 is 0.5.")

# %% [markdown] tags=["slide"]
# ## The truncation trick
#
# Rare latents give odd films. The [[truncation trick]]: pull all of them towards the centre. Less variety, fewer
# failures.
#
# In PGGAN shortening z changes nothing. Pull what the first layer makes of z instead.

# %%
@torch.no_grad()
def drawn(maps):
    """The film of the generator's 4 x 4 maps."""
    for block in generator.blocks:
        maps = features(block, grow(maps))
    return ((generator.to_image[-1](maps) + 1) / 2).clamp(0, 1)[:, 0]


maps = generator.first_features(torch.tensor(z[:200], dtype=torch.float32))
centre = maps.mean(0, keepdim=True)
strengths = (1.0, 0.7, 0.4, 0.0)
rows = [drawn(centre + psi * (maps[:5] - centre)) for psi in strengths]
titles = [f"ψ = {psi}" if k == 0 else "" for psi in strengths for k in range(5)]
show(
    films([one for row in rows for one in row], titles, columns=5, vmin=0, vmax=1, width=8),
    alt="Five films each for four strengths: at one, five different patients; at zero, five times the same one",
)
spread = {psi: float(drawn(centre + psi * (maps[:60] - centre)).std(0).mean()) for psi in strengths}
claim("The more truncation, the less variety", spread[1.0] > spread[0.7] > spread[0.4] > spread[0.0])

# %% [markdown]
# At ψ = 0 everybody is the same average patient, and the average shows no disease: with truncation the rare diseases go
# first. For medical films this trick hides exactly what we look for. We do without it.

# %% [markdown] tags=["slide"]
# ## 2 Which films may teach?
#
# Many films show two things, or nothing clearly. The thesis keeps a film only if
#
# - **one** of the six likelihoods is at least 0.9, and
# - **all others** are at most 0.1.

# %% [markdown] tags=["exercise"] exercise="steering_rule"
# ### Exercise: the rule
#
# `likelihood` has one row per film and one column per output. Return one number per film: the column of the one thing
# it shows, or `-1` if the rule fails.

# %% tags=["given"] exercise="steering_rule"
six_films = np.array([
    [0.95, 0.05, 0.00], [0.60, 0.02, 0.01], [0.97, 0.30, 0.00],
    [0.01, 0.02, 0.99], [0.92, 0.93, 0.00], [0.03, 0.90, 0.10],
])

# %% tags=["stub"] exercise="steering_rule"
def single(likelihood):
    """(N,) column of the only thing a film shows, -1 where there is no such thing."""
    return ...

# %% tags=["check"] exercise="steering_rule"
check("steering_rule", single)

# %% [markdown] tags=["hint"] exercise="steering_rule"
# Count, for every film, how many likelihoods are high, and how many are low.

# %% [markdown] tags=["hint"] exercise="steering_rule"
# `(likelihood >= 0.9).sum(axis=1)` must be 1, and `(likelihood <= 0.1).sum(axis=1)` must be all but one.

# %% [markdown] tags=["hint"] exercise="steering_rule"
# `np.where(condition, likelihood.argmax(axis=1), -1)` gives the column where the condition holds, and -1 elsewhere.

# %% tags=["solution"] exercise="steering_rule"
def single(likelihood):
    """(N,) column of the only thing a film shows, -1 where there is no such thing."""
    one_high = (likelihood >= 0.9).sum(axis=1) == 1
    others_low = (likelihood <= 0.1).sum(axis=1) == likelihood.shape[1] - 1  # 0.3 is neither
    return np.where(one_high & others_low, likelihood.argmax(axis=1), -1)

# %% tags=["equivalent"] exercise="steering_rule"
def single(likelihood):
    ordered = np.sort(likelihood, axis=1)
    return np.where((ordered[:, -1] >= 0.9) & (ordered[:, -2] <= 0.1), np.argmax(likelihood, axis=1), -1)

# %% tags=["equivalent"] exercise="steering_rule"
def single(likelihood):
    result = []
    for row in likelihood:
        best = int(np.argmax(row))
        others = np.delete(row, best)
        result.append(best if row[best] >= 0.9 and others.max() <= 0.1 else -1)
    return np.array(result)

# %% tags=["wrong"] exercise="steering_rule" says="the others"
def single(likelihood):
    return np.where(likelihood.max(axis=1) >= 0.9, likelihood.argmax(axis=1), -1)

# %% tags=["wrong"] exercise="steering_rule" says="neither high nor low"
def single(likelihood):
    return np.where((likelihood >= 0.9).sum(axis=1) == 1, likelihood.argmax(axis=1), -1)

# %% tags=["wrong"] exercise="steering_rule" says="at least"
def single(likelihood):
    ordered = np.sort(likelihood, axis=1)
    return np.where((ordered[:, -1] > 0.9) & (ordered[:, -2] < 0.1), likelihood.argmax(axis=1), -1)

# %% tags=["wrong"] exercise="steering_rule" says="largest"
def single(likelihood):
    return likelihood.argmax(axis=1)

# %% tags=["checker"] exercise="steering_rule"
def checker(single):
    films = np.array([
        [0.95, 0.05, 0.00], [0.60, 0.02, 0.01], [0.97, 0.30, 0.00],
        [0.01, 0.02, 0.99], [0.92, 0.93, 0.00], [0.03, 0.90, 0.10],
    ])
    answer = np.asarray(single(films))
    require(answer.shape == (6,), "One number per film, please.")
    require(answer[1] == -1, "0.60 is the largest, but it is not certain: that film must go.")
    require(answer[4] == -1, "A film that shows two things teaches neither; you forgot the others.")
    require(answer[2] == -1, "0.30 is neither high nor low: such a film must go.")
    require(answer[5] == 1, "The rule says at least 0.9 and at most 0.1: the limits belong to it.")
    close(answer, [0, -1, -1, 2, -1, 1], "The column of the one thing each film shows, or -1.")

# %% tags=["varies", "slide"]
kept = np.where(
    (np.sort(likelihood, axis=1)[:, -1] >= 0.9) & (np.sort(likelihood, axis=1)[:, -2] <= 0.1),
    likelihood.argmax(axis=1), -1,
)  # fmt: skip
counts = np.array([(kept == k).sum() for k in range(6)])
thesis = {"mass": "478 (nodule)", "consolidation": "484", "interstitial opacity": "215",
          "pleural effusion": "2,235", "pneumothorax": "0", "normal": "8,683"}  # fmt: skip
print(f"{'of 30,000 films':22s} ours    thesis")
for word, count in zip(words, counts, strict=True):
    print(f"{word:22s} {count:6,}  {thesis[word]}")
print(f"{'thrown away':22s} {(kept < 0).sum():6,}  17,905")
claim("Pneumothorax is the rarest here, too", counts.argmin() == names.index("pneumothorax"))

# %% [markdown]
# The thesis' counts are from its section "Results 2". Its generator had learned from hospitals where a pneumothorax is
# rare. Ours learned from 8,000 patients of whom 2 % have one, and 16 % each of the other diseases.

# %% [markdown] tags=["exercise"] exercise="steering_none_seen"
# ### Exercise: what does "none of 30,000" say?
#
# 1. `at_most`: none of 30,000 films was kept as a pneumothorax. Which share of kept pneumothoraces can you exclude
#    with 95 % confidence? (The *rule of three*: for the largest share p, none is seen with probability
#    $(1-p)^{n} = 0.05$, so p is about 3/n.)
# 2. `kept_share`: which share of the thesis' 30,000 films was kept at all? Its five counts: 8,683, 478, 484, 215 and 2,235.
# 3. `expected`: in **our** training set, 2 % have a pneumothorax. Suppose the generator had copied that, and suppose
#    half of the pneumothoraces pass the rule. How many of 30,000 films should be kept as one?

# %% tags=["stub"] exercise="steering_none_seen"
at_most = ...
kept_share = ...
expected = ...

# %% tags=["check"] exercise="steering_none_seen"
check("steering_none_seen", at_most, kept_share, expected)

# %% [markdown] tags=["hint"] exercise="steering_none_seen"
# All three are one division or multiplication with 30,000.

# %% [markdown] tags=["hint"] exercise="steering_none_seen"
# For the second, add the five counts first. For the third, multiply three numbers.

# %% [markdown] tags=["hint"] exercise="steering_none_seen"
# `3 / 30_000`, `(8683 + 478 + 484 + 215 + 2235) / 30_000`, `30_000 * 0.02 * 0.5`

# %% tags=["solution"] exercise="steering_none_seen"
at_most = 3 / 30_000  # 1 in 10,000
kept_share = (8683 + 478 + 484 + 215 + 2235) / 30_000
expected = 30_000 * 0.02 * 0.5

# %% tags=["equivalent"] exercise="steering_none_seen"
at_most = 1 - 0.05 ** (1 / 30_000)
kept_share = 12_095 / 30_000
expected = 300

# %% tags=["wrong"] exercise="steering_none_seen" says="proves nothing"
at_most = 0
kept_share = 0.403
expected = 300

# %% tags=["wrong"] exercise="steering_none_seen" says="thrown away"
at_most = 0.0001
kept_share = 17_905 / 30_000
expected = 300

# %% tags=["wrong"] exercise="steering_none_seen" says="half"
at_most = 0.0001
kept_share = 12_095 / 30_000
expected = 600

# %% tags=["wrong"] exercise="steering_none_seen" says="per cent"
at_most = 0.01
kept_share = 40.3
expected = 300

# %% tags=["checker"] exercise="steering_none_seen"
def checker(at_most, kept_share, expected):
    require(at_most > 0, "None seen proves nothing about zero: a share of 1 in a million would look the same.")
    require(kept_share < 1, "Give shares from 0 to 1, not per cent.")
    close(at_most, 1e-4, "Three divided by the number of films.", rtol=5e-3)
    require(abs(kept_share - 17905 / 30000) > 0.01, "That is the share thrown away.")
    close(kept_share, 12095 / 30000, "The five counts together, divided by 30,000.", rtol=5e-3)
    require(expected != 600, "600 would be made, but only half of them pass the rule.")
    close(expected, 300, "Films, times share with a pneumothorax, times share that passes.")

# %% [markdown]
# A generator that copies the frequencies of its training set shows a disease of 1 in 10,000 about three times in 30,000
# films. Many do worse: rare things are what a GAN forgets first ([[mode collapse]] in small). "No axis found" can
# therefore have three reasons: the disease is *rare in the data*, it was *forgotten by the generator*, or it is
# *not recognised by the classifier*. Ours kept far fewer than your third answer: rare alone does not explain it.

# %% [markdown] tags=["slide"]
# ## 3 The regression, in two lines
#
# Outputs y (6 per film) as a linear function of z (64 per film): $\;y \approx W z + b$. Row k of W, brought to length
# 1, is the axis of class k.
#
# Without weights the many normal films would decide everything. So every class gets the same total weight: a film of a
# class with $n_c$ films counts $1/n_c$.

# %% [markdown] tags=["exercise"] exercise="steering_regression"
# ### Exercise: weighted least squares
#
# `np.linalg.lstsq(A, Y, rcond=None)[0]` finds the X for which the **sum of squares** of A X − Y is least. Make it
# minimise $\sum_i w_i\,(y_i - W z_i - b)^2$ instead. Return W with one row per output.
#
# `latents` (N, L), `values` (N, K), `weight` (N,). Do not forget the intercept b: a column of ones beside z.

# %% tags=["stub"] exercise="steering_regression"
def slopes(latents, values, weight):
    """(K, L): how each value depends on z, film i counting weight[i] times."""
    return ...

# %% tags=["check"] exercise="steering_regression"
check("steering_regression", slopes)

# %% [markdown] tags=["hint"] exercise="steering_regression"
# What must you multiply a row of A and of Y with, so that its *square* counts w times?

# %% [markdown] tags=["hint"] exercise="steering_regression"
# With the root of w. `A = np.column_stack([latents, np.ones(len(latents))])`, `root = np.sqrt(weight)[:, None]`.

# %% [markdown] tags=["hint"] exercise="steering_regression"
# `np.linalg.lstsq(A * root, values * root, rcond=None)[0]` has L + 1 rows; the last is b. Leave it out and transpose.

# %% tags=["solution"] exercise="steering_regression"
def slopes(latents, values, weight):
    """(K, L): how each value depends on z, film i counting weight[i] times."""
    A, root = np.column_stack([latents, np.ones(len(latents))]), np.sqrt(weight)[:, None]
    return np.linalg.lstsq(A * root, values * root, rcond=None)[0][:-1].T  # without the intercept

# %% tags=["equivalent"] exercise="steering_regression"
def slopes(latents, values, weight):
    w = weight / weight.sum()
    z, y = latents - w @ latents, values - w @ values  # the intercept takes the weighted means away
    return np.linalg.solve(z.T @ (w[:, None] * z), z.T @ (w[:, None] * y)).T

# %% tags=["equivalent"] exercise="steering_regression"
def slopes(latents, values, weight):
    A = np.hstack([np.ones((len(latents), 1)), latents])  # the intercept first
    return np.linalg.solve(A.T @ (weight[:, None] * A), A.T @ (weight[:, None] * values))[1:].T

# %% tags=["wrong"] exercise="steering_regression" says="left out"
def slopes(latents, values, weight):
    A, root = np.column_stack([latents, np.ones(len(latents))]), np.sqrt(weight)[:, None]
    return np.linalg.lstsq(A * root, values * root, rcond=None)[0].T

# %% tags=["wrong"] exercise="steering_regression" says="where you put"
def slopes(latents, values, weight):
    A, root = np.column_stack([latents, np.ones(len(latents))]), np.sqrt(weight)[:, None]
    return np.linalg.lstsq(A * root, values * root, rcond=None)[0][1:].T

# %% tags=["wrong"] exercise="steering_regression" says="square"
def slopes(latents, values, weight):
    A, w = np.column_stack([latents, np.ones(len(latents))]), weight[:, None]
    return np.linalg.lstsq(A * w, values * w, rcond=None)[0][:-1].T

# %% tags=["wrong"] exercise="steering_regression" says="weights"
def slopes(latents, values, weight):
    A = np.column_stack([latents, np.ones(len(latents))])
    return np.linalg.lstsq(A, values, rcond=None)[0][:-1].T

# %% tags=["wrong"] exercise="steering_regression" says="intercept"
def slopes(latents, values, weight):
    root = np.sqrt(weight)[:, None]
    return np.linalg.lstsq(latents * root, values * root, rcond=None)[0].T

# %% tags=["wrong"] exercise="steering_regression" says="one row per output"
def slopes(latents, values, weight):
    A, root = np.column_stack([latents, np.ones(len(latents))]), np.sqrt(weight)[:, None]
    return np.linalg.lstsq(A * root, values * root, rcond=None)[0][:-1]

# %% tags=["checker"] exercise="steering_regression"
def checker(slopes):
    rng = np.random.default_rng(0)
    latents, weight = rng.normal(size=(80, 4)), rng.uniform(0.1, 5, 80)
    values = np.column_stack([np.tanh(latents @ [1, 2, 0, -1] + 2), latents[:, 1] ** 2 + 3])
    A = np.column_stack([latents, np.ones(80)])
    fit = lambda rows, w: np.linalg.lstsq(rows * w[:, None], values * w[:, None], rcond=None)[0]
    answer = np.asarray(slopes(latents, values, weight), dtype=float)
    require(answer.shape != (4, 2), "The answer must have one row per output: transpose.")
    require(answer.shape == (2, 4), "Two outputs and four latents must give (2, 4); is b left out?")
    shifted = fit(A, np.sqrt(weight))[1:].T
    require(not np.allclose(answer, shifted), "You dropped a slope and kept b: it stands where you put the column of ones.")
    require(not np.allclose(answer, fit(A, np.ones(80))[:-1].T), "The weights do not count yet.")
    require(not np.allclose(answer, fit(A, weight)[:-1].T), "Films count by the square of their weight now.")
    require(not np.allclose(answer, fit(latents, np.sqrt(weight)).T), "Without an intercept the line goes through 0.")
    close(answer, fit(A, np.sqrt(weight))[:-1].T, "These are not the weighted least squares.")

# %%
usable = (kept >= 0) & (counts[kept] >= 50)  # fewer films teach 64 slopes nothing
weight = (1 / np.maximum(counts, 1))[kept[usable]]
A, root = np.column_stack([z[usable], np.ones(usable.sum())]), np.sqrt(weight)[:, None]
W = np.linalg.lstsq(A * root, likelihood[usable] * root, rcond=None)[0][:-1].T
mine = W / np.linalg.norm(W, axis=1, keepdims=True)
rule = steering.rule
cosine = np.array([mine[k] @ rule.direction[k] for k in range(6) if rule.found[k]])
claim("Two lines give the axes that the course brings", (cosine > 0.99).all())

# %% [markdown] tags=["slide"]
# ## Is it an axis, or chance?
#
# A regression always gives *some* slope. Three tests:
#
# - **[[R²|R squared]] on held-out films**: how much of the answer does the line explain?
# - **Two halves**: find the axis twice, in separate halves of the films. Chance gives a cosine of 0.
# - **Enough films**: fewer than 50 cannot teach 64 slopes.

# %% tags=["varies", "slide"]
def report(axes):
    print(f"{'class':22s} films   R²    two halves: cosine (95 %)   axis?")
    for k, word in enumerate(words):
        middle, low, high = axes.agreement[k]
        verdict = "yes" if axes.found[k] else "no: " + axes.reason[k]
        print(f"{word:22s} {axes.kept[k]:6,d} {axes.r2[k]:5.2f}   {middle:5.2f} ({low:.2f} to {high:.2f})    {verdict}")


report(rule)

# %% [markdown] tags=["slide"]
# ## Why throw films away?
#
# The rule keeps the clear films and wastes the rest. But a film with a likelihood of 0.02 teaches something, too, when most
# have 0.0002. The likelihood hides it: it has ends. The **[[logit]]** has none:
#
# $$\text{logit} = \log \frac{p}{1-p}$$
#
# So: regression of the **logits** of **all** films, without rule and without weights.

# %% tags=["varies", "slide"]
logit = steering.logit
report(logit)
claim("With all films, halves agree better", np.nanmedian(logit.agreement[:, 0]) > np.nanmedian(rule.agreement[:, 0]))
claim("Even pneumothorax, the rarest, has a direction that two halves agree on", logit.agreement[4, 1] > 0.5)

# %% [markdown]
# The judge need not ever be *certain* of a pneumothorax to tell where it becomes *less unlikely*. Whether a walk in this
# direction arrives at one is another question: see below.
#
# What does an axis look like? Here is how far the films lie along the axis of pleural effusion, and along a direction
# drawn by chance.

# %%
effusion = names.index("pleural_effusion")
control = random_axes(1, 64, seed=3)[0]
fig, panels = plt.subplots(1, 2, figsize=(9, 2.6), sharey=True)
apart = []
pairs = (("axis of effusion", logit.of("pleural_effusion")), ("random axis", control))
for ax, (title, axis) in zip(panels, pairs, strict=True):
    groups = [z[kept == k] @ axis for k in (names.index("normal"), effusion)]
    for group, colour, label in zip(groups, COLOURS, ("kept as normal", "kept as effusion"), strict=False):
        ax.hist(group, bins=40, density=True, alpha=0.6, color=colour, label=label)
    ax.set(title=title, xlabel="place along it")
    apart.append((groups[1].mean() - groups[0].mean()) / groups[0].std())
panels[0].legend(loc="upper left", fontsize=8)
show(fig, alt="Two pairs of histograms: along the axis of effusion the ill films lie further to the right than the "
     "normal ones, along the random axis they coincide")
claim("Along the axis the two groups lie apart", apart[0] > 1)
claim("Along a random direction they do not", abs(apart[1]) < 0.5)

# %% [markdown] tags=["slide"]
# ## 4 Walk
#
# $z(t) = z_0 + t \cdot \text{axis}$. The unit of t is the standard deviation of a latent's component.
#
# For each t: the film, the likelihoods, and [[Grad-CAM]]: where does the judge see the effusion?

# %%
patient = z[np.flatnonzero(likelihood[:, -1] > 0.95)[3]]
steps = np.linspace(0, 6, 7)
way = walk(generator, judge.model, patient, logit.of("pleural_effusion"), steps, output=effusion)
heat = np.clip(way.heat, 0, None) / max(way.heat.max(), 1e-9)  # one scale for all
fig, grid = plt.subplots(2, 7, figsize=(12, 3.8))
for k, step in enumerate(steps):
    film(grid[0, k], way.films[k], f"t = {step:.0f}: {way.likelihood[k, effusion]:.2f}", vmin=0, vmax=1)
    colours = overlay(way.films[k], heat[k], strength=0.6 * float(heat[k].max()))
    film(grid[1, k], colours)
show(fig, alt="Seven films of one patient from healthy to a pleural effusion, the likelihood above each; below, the "
     "same films with Grad-CAM, which lights up over the lower chest as the effusion grows")
claim("The likelihood of effusion rises along its axis", way.likelihood[-1, effusion] > way.likelihood[0, effusion] + 0.5)

# %% [markdown]
# Now you. Choose a disease and a healthy start, and move t. Watch all three: the film, the bars, the warm colours.
# Do other bars rise, too? Is it the same patient in the end? (The choice "steady" is explained in section 6.)

# %%
found = [name for name in names[:-1] if logit.found[names.index(name)]]


def steer(disease, axis, patient, t):
    k = names.index(disease)
    direction = logit.of(disease) if axis == "as found" else steering.steady[disease]
    now = walk(generator, judge.model, healthy[patient], direction, [0.0, t], output=k)
    fig, panels = plt.subplots(1, 4, figsize=(11, 2.9), width_ratios=[1, 1, 1, 1.3])
    film(panels[0], now.films[0], "start", vmin=0, vmax=1)
    film(panels[1], now.films[1], f"t = {t:.1f}", vmin=0, vmax=1)
    film(panels[2], overlay(now.films[1], now.heat[1]), "Grad-CAM")
    panels[3].barh(words, now.likelihood[1], color=[COLOURS[1] if i == k else COLOURS[0] for i in range(6)])
    panels[3].set(xlim=(0, 1), xlabel="likelihood")
    panels[3].invert_yaxis()
    return fig


explore(
    steer,
    alt="A healthy start, the film after a step along the axis of a disease, Grad-CAM, and six bars of likelihood",
    disease=found[::-1][1:] + found[-1:],
    axis=["as found", "steady"],
    patient=(0, 20, 1, 3),
    t=(-4.0, 12.0, 0.5, 4.0),
)

# %% [markdown]
# Towards t = 12 the patients resemble each other more and more, and in the end all become the same one: only the direction
# of z counts, and far along the axis every direction is that of the axis. Huge effusions on both sides (t above 4) are
# such a place: hardly any training patient looks like that. **The shortest step that is enough is the best.**

# %%
far = films_from(generator, healthy[:6] + 200 * logit.of("pleural_effusion"))
near = films_from(generator, healthy[:6] + 3 * logit.of("pleural_effusion"))
claim("Far along an axis there is only one patient left", float(far.std(0).mean()) < 0.2 * float(near.std(0).mean()))

# %% [markdown] tags=["slide"]
# ## 5 One knob turns another
#
# The axes are not at right angles. A step towards one disease is a small step towards others: the axes are **entangled**
# ([[disentanglement]]).
#
# Row: the axis we move along, from 30 healthy starts by t = 4. Column: by how much each likelihood changes. On the right,
# each row is another **random** direction (the names mean nothing there): almost no disease appears, yet the film becomes less "normal".

# %%
effects = steering_table("effects")


def effect(kind):
    """Mean change (axes, likelihoods) for one kind of axes, as recorded."""
    part = effects[effects["axes"] == kind].pivot(index="moved", columns="number", values="change")
    return part.loc[found, list(names)].to_numpy()


def draw_effects(kinds, titles):
    fig, panels = plt.subplots(1, len(kinds), figsize=(5.2 * len(kinds), 3.6), squeeze=False)
    for ax, kind, title in zip(panels[0], kinds, titles, strict=True):
        ax.imshow(effect(kind), cmap="PuOr_r", vmin=-1, vmax=1)
        for (row, column), value in np.ndenumerate(effect(kind)):
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8,
                    color="white" if abs(value) > 0.6 else "black")
        ax.set_xticks(range(6), words, rotation=40, ha="right", fontsize=8)
        ax.set_yticks(range(len(found)), [name.replace("_", " ") for name in found], fontsize=8)
        ax.set_title(title)
        ax.grid(False)
    return fig

# %% tags=["slide"]
show(draw_effects(["logit", "random"], ["axes as found", "random axes"]),
     alt="Two tables of numbers in colour: axes as found change their own likelihood most, and others too; random "
     "axes change little")

# %% [markdown] tags=["exercise"] exercise="steering_project_out"
# ### Exercise: leave the other disease alone
#
# `axis` and `other` are two axes of length 1. Change `axis` so that a step along it does not move the linear model
# behind `other` at all: take away what lies along `other`. Bring the result back to length 1.

# %% tags=["stub"] exercise="steering_project_out"
def without(axis, other):
    """The axis, at right angles to the other one, length 1."""
    return ...

# %% tags=["check"] exercise="steering_project_out"
check("steering_project_out", without)

# %% [markdown] tags=["hint"] exercise="steering_project_out"
# How long is the part of `axis` that lies along `other`? A scalar product tells.

# %% [markdown] tags=["hint"] exercise="steering_project_out"
# The part is `(axis @ other) * other`. Subtract it.

# %% [markdown] tags=["hint"] exercise="steering_project_out"
# `rest = axis - (axis @ other) * other`, then divide by its length.

# %% tags=["solution"] exercise="steering_project_out"
def without(axis, other):
    """The axis, at right angles to the other one, length 1."""
    rest = axis - (axis @ other) * other  # shorter than 1 now
    return rest / np.linalg.norm(rest)

# %% tags=["equivalent"] exercise="steering_project_out"
def without(axis, other):
    rest = (np.eye(len(axis)) - np.outer(other, other)) @ axis
    return rest / np.sqrt(rest @ rest)

# %% tags=["wrong"] exercise="steering_project_out" says="length"
def without(axis, other):
    return axis - (axis @ other) * other

# %% tags=["wrong"] exercise="steering_project_out" says="still moves"
def without(axis, other):
    rest = axis - axis * other * other  # number by number: no scalar product
    return rest / np.linalg.norm(rest)

# %% tags=["wrong"] exercise="steering_project_out" says="wrong one"
def without(axis, other):
    rest = other - (axis @ other) * axis
    return rest / np.linalg.norm(rest)

# %% tags=["wrong"] exercise="steering_project_out" says="all of the other"
def without(axis, other):
    rest = axis - other
    return rest / np.linalg.norm(rest)

# %% tags=["checker"] exercise="steering_project_out"
def checker(without):
    rng = np.random.default_rng(1)
    axis, other = rng.normal(size=(2, 6)) + 1
    axis, other = axis / np.linalg.norm(axis), other / np.linalg.norm(other)
    answer = np.asarray(without(axis.copy(), other.copy()), dtype=float)
    require(answer.shape == (6,), "The answer must be an axis again.")
    away = axis - other
    require(not np.allclose(answer, away / np.linalg.norm(away)),
            "You took all of the other axis away, not only the part that the two share.")
    require(abs(answer @ axis) > 1e-9, "This is at right angles to the wrong one: you changed `other`.")
    require(abs(answer @ other) < 1e-9, "A step along it still moves along the other axis.")
    close(np.linalg.norm(answer), 1.0, "Its length is not 1, so t would mean something else.")
    rest = axis - (axis @ other) * other
    close(answer, rest / np.linalg.norm(rest), "At right angles, but no longer near the axis.")

# %% [markdown] tags=["slide"]
# ## With many axes: who pays?
#
# **Gram-Schmidt** does this one axis after the other. The first keeps all; each later one gives up what it shares
# with those before. Another order, other axes.
#
# The **dual basis** projects out *all* other axes from each. No order, and a step along one leaves all other linear
# models as they are.

# %%
raw = np.array([logit.of(name) for name in found])
forward, backward = gram_schmidt(raw), gram_schmidt(raw[::-1])[::-1]
fig, ax = plt.subplots(figsize=(7, 2.4))
places = np.arange(len(found))
ax.bar(places - 0.2, (forward * raw).sum(axis=1), 0.4, label="first to last")
ax.bar(places + 0.2, (backward * raw).sum(axis=1), 0.4, label="last to first")
ax.set_xticks(places, [name.replace("_", " ") for name in found], fontsize=8)
ax.set(ylabel="cosine with the\naxis as found", ylim=(0, 1.3))
ax.legend(ncols=2, loc="upper center")
show(fig, alt="Bars of how much of each axis Gram-Schmidt keeps, in two orders: who comes first keeps all")
claim("Who comes first keeps all of its axis", np.isclose(forward[0] @ raw[0], 1) and np.isclose(backward[-1] @ raw[-1], 1))
claim("The order matters", not np.allclose(forward, backward, atol=0.01))

# %% [markdown] tags=["exercise"] exercise="steering_dual"
# ### Exercise: the dual basis
#
# `A` has one axis per row. Return D, also one axis per row, of length 1, such that row k of D is at right angles to all
# **other** rows of A, and has a positive scalar product with row k of A.
#
# Two ways: project the others out together, or look at what the pseudo-inverse `np.linalg.pinv(A)` does: A times it is
# the unit matrix.

# %% tags=["stub"] exercise="steering_dual"
def dual(A):
    """(K, L): row k moves model k and no other."""
    return ...

# %% tags=["check"] exercise="steering_dual"
check("steering_dual", dual)

# %% [markdown] tags=["hint"] exercise="steering_dual"
# "A times pinv(A) is the unit matrix" says: row j of A times *column* k of pinv(A) is 0 for j ≠ k.

# %% [markdown] tags=["hint"] exercise="steering_dual"
# So the columns of the pseudo-inverse are what you look for. They become rows with `.T`.

# %% [markdown] tags=["hint"] exercise="steering_dual"
# `D = np.linalg.pinv(A).T`, then divide each row by its length (`np.linalg.norm(D, axis=1, keepdims=True)`).

# %% tags=["solution"] exercise="steering_dual"
def dual(A):
    """(K, L): row k moves model k and no other."""
    D = np.linalg.pinv(A).T  # A @ pinv(A) is the unit matrix
    return D / np.linalg.norm(D, axis=1, keepdims=True)

# %% tags=["equivalent"] exercise="steering_dual"
def dual(A):
    rows = []
    for k in range(len(A)):
        Q = np.linalg.qr(np.delete(A, k, axis=0).T)[0]  # the others, made orthonormal
        rest = A[k] - Q @ (Q.T @ A[k])
        rows.append(rest / np.linalg.norm(rest))
    return np.array(rows)

# %% tags=["equivalent"] exercise="steering_dual"
def dual(A):
    D = np.linalg.solve(A @ A.T, A)
    return D / np.sqrt((D**2).sum(axis=1))[:, None]

# %% tags=["wrong"] exercise="steering_dual" says="order"
def dual(A):
    rows = []
    for row in A:
        for before in rows:
            row = row - (row @ before) * before
        rows.append(row / np.linalg.norm(row))
    return np.array(rows)

# %% tags=["wrong"] exercise="steering_dual" says="one after the other"
def dual(A):
    A = A / np.linalg.norm(A, axis=1, keepdims=True)
    rows = []
    for k, row in enumerate(A):
        for j, other in enumerate(A):
            if j != k:
                row = row - (row @ other) * other
        rows.append(row / np.linalg.norm(row))
    return np.array(rows)

# %% tags=["wrong"] exercise="steering_dual" says="length 1"
def dual(A):
    return np.linalg.pinv(A).T

# %% tags=["wrong"] exercise="steering_dual" says="each row"
def dual(A):
    D = np.linalg.pinv(A).T
    return D / np.linalg.norm(D, axis=0)

# %% tags=["wrong"] exercise="steering_dual" says="rows"
def dual(A):
    D = np.linalg.pinv(A)
    return D / np.linalg.norm(D, axis=0)

# %% tags=["checker"] exercise="steering_dual"
def checker(dual):
    rng = np.random.default_rng(2)
    A = rng.normal(size=(3, 7)) + 1
    A = A / np.linalg.norm(A, axis=1, keepdims=True)
    D = np.asarray(dual(A.copy()), dtype=float)
    require(D.shape != (7, 3), "The axes stand in columns; give them as rows.")
    require(D.shape == (3, 7), "One axis per row, as in A.")
    columns = np.linalg.norm(np.linalg.pinv(A).T, axis=0)
    require(not np.allclose(D * columns, np.linalg.pinv(A).T), "You divided the columns; each row must get length 1.")
    cross = D @ A.T
    upper = np.abs(cross - np.diag(np.diag(cross)))
    require(not (np.allclose(D @ D.T, np.eye(3)) and upper.max() > 1e-6),
            "At right angles to each other, but only to those before in A: this depends on the order.")
    require(upper.max() < 1e-9, "Still moves others. Projecting out one after the other brings the first one back in.")
    require((np.diag(cross) > 0).all(), "Some axes point backwards.")
    close(np.linalg.norm(D, axis=1), np.ones(3), "Every axis must have length 1.")

# %% tags=["slide"]
show(draw_effects(["logit", "dual"], ["axes as found", "dual basis"]),
     alt="Effect tables before and after: on the dual axes the numbers off the diagonal, other diseases than the one "
     "moved, are smaller on average")


def others(kind):
    """Mean size of the changes of other diseases than the one moved."""
    aside = np.abs(effect(kind)[:, : len(found)])
    return float(aside[~np.eye(len(found), dtype=bool)].mean())


claim("On dual axes other diseases move less", others("dual") < others("logit"))
claim("The own disease moves more than by random axes", np.diag(effect("dual")).mean() > 2 * np.diag(effect("random")).mean())

# %% [markdown]
# The column "normal" falls in every row. It must: who becomes ill is not normal any more. That is why "normal" is not
# among the axes that are projected out.
#
# The cure is not perfect. The dual basis is exact for the *linear models*; the likelihoods are curved functions of z. Effusion
# no longer comes along by itself. But on the way to a mass or a consolidation, interstitial opacity rises even more
# than before, and the step of t = 4 along the axis of consolidation brings less consolidation than it did.

# %% [markdown] tags=["slide"]
# ## 6 Still the same patient?
#
# A knob for effusion that also enlarges the heart is no knob for effusion. Nobody knows the true heart of a patient who
# does not exist. But a small network can learn from virtual patients, whose hearts are known, to read from a film
#
# - the [[cardiothoracic ratio]], the width of the chest, the body mass index.
#
# The unit of change is the **spread over patients** (one standard deviation).

# %%
measure = load_measure()
before, after = (measure.body(films_from(generator, (patient + t * logit.of("pleural_effusion"))[None]))[0] for t in (0, 4))
quality = steering_table("measure").set_index("number")
fig, ax = plt.subplots(figsize=(7, 2.2))
change = (after - before) / measure.spread
ax.barh(["heart ratio", "chest width", "BMI"], change, color=COLOURS[2])
ax.axvspan(-0.5, 0.5, color="0.9", zorder=0)
ax.set(xlabel="change from t = 0 to t = 4, in spreads over patients", xlim=(-3, 3))
show(fig, alt="Bars of the change of heart ratio, chest width and BMI of one patient on the way to an effusion; a grey "
     "band marks half a spread to both sides")
claim("The measure reads heart, chest and weight of patients it has not met",
      quality.loc[["heart_ratio", "chest_mm", "bmi"], "correlation"].min() > 0.6)

# %% [markdown]
# Take these bars with care: at t = 4 the effusion hides most of this heart, and the network has to guess its size.
#
# How steady can a reading be at all? Virtual twins tell: the same patient imaged without and with the disease. The body is
# the same; what the measure says still moves a little, as an effusion hides the border of the heart. (These effusions are as large
# as those of the training patients. For one as large as above it will move more.)

# %%
alone = steering_table("disease_alone").pivot(index="disease", columns="number", values="change_abs")
print("mean |change| by the disease alone, in spreads\n")
print(alone.loc[found].round(2).to_string())
claim("A disease alone moves the readings by less than half a spread", alone.to_numpy().max() < 0.5)

# %% [markdown]
# Heart, chest and weight depend on z, too: they have axes of their own, found by the same regression. So one can project
# them out **as well**. These are the *steady* axes of the course.
#
# The test: 30 healthy starts, each walks until the judge's likelihood reaches 0.8, and not further. What has changed? (Starts
# with 0.1 or more already do not count: 26 remain for interstitial opacity. t, before and after are medians.)

# %% tags=["varies", "slide"]
table = steering_table("reached")
body = ["heart_ratio_abs", "chest_mm_abs", "bmi_abs"]
for kind, title in (("rule", "found by rule"), ("logit", "all films"), ("steady", "steady"), ("random", "random")):
    print(f"{title:14s} arrived  t     before after  heart chest BMI (mean |change|, in spreads)")
    for row in table[table["axes"] == kind].itertuples():
        print(f"  {row.disease:21s} {row.arrived:2.0f} of {row.starts:2.0f}", end="")
        if row.arrived:
            numbers = [row.step, row.before, row.after, row.heart_ratio_abs, row.chest_mm_abs, row.bmi_abs]
            print("".join(f"{number:6.2f}" for number in numbers), end="")
        print()

# %%
def mean_change(kind):
    """Mean absolute change of the body over the diseases, in spreads; arrived only."""
    return float(table[(table["axes"] == kind) & (table.arrived > 0)][body].to_numpy().mean())


fig, ax = plt.subplots(figsize=(7, 2.6))
kinds = {"logit": "as found", "dual": "dual basis", "steady": "steady"}
ax.bar(list(kinds.values()), [mean_change(kind) for kind in kinds], color=COLOURS[:3])
ax.axhline(0.5, color="0.4", ls="--")
ax.set(ylabel="mean |change| of\nthe body, in spreads")
show(fig, alt="Three bars: the body changes less on steady axes than on the axes as found; a dashed line at one half")
steady = table[table["axes"] == "steady"]
good = steady[(steady.arrived >= 0.8 * steady.starts) & (steady[["heart_ratio", "chest_mm", "bmi"]].abs().max(axis=1) < 0.5)]
claim("At least three diseases: from below 0.1 to 0.8, while heart, chest and weight stay on average", len(good) >= 3)

# %% [markdown] tags=["instructor"]
# Ask: is half a spread much? For the heart it is about 0.016 of the cardiothoracic ratio: nobody would see it on two films
# of the same person taken at different breath.

# %% [markdown] tags=["slide"]
# ## 7 The disease, or what the judge calls so?
#
# The axis was found by asking a classifier. So it shows **what the classifier calls effusion**. To ask for more, compare
# with the truth of virtual patients:
#
# - Does the film change **where** the disease would be?
# - Does a second reader measure **more** of it? (The network of section 6. It also learned how *severe* each disease
#   is, from the truth of virtual patients, not from the judge.)

# %%
fig, grid = plt.subplots(2, len(found), figsize=(2.4 * len(found), 5), squeeze=False)
inside = {}
for column, name in enumerate(found):
    k, region = names.index(name), steering.where[name] > 0.02
    ends = [films_from(generator, healthy[:30] + t * steering.steady[name])[:, 0].numpy() for t in (0, 4)]
    change = np.abs(ends[1] - ends[0]).mean(axis=0)
    inside[name] = change[region].mean() / change[~region].mean()
    film(grid[0, column], change, name.replace("_", " "), cmap="inferno", vmin=0, vmax=0.25)
    film(grid[1, column], steering.where[name], f"inside : outside {inside[name]:.1f}", cmap="inferno", vmin=0)
show(fig, alt="Above, where films change on the way to each disease; below, where this disease lies in virtual patients: "
     "effusion and pneumothorax match, on the way to a mass the outlines of ribs and body change most")
claim("Effusion and pneumothorax come where they belong", min(inside["pleural_effusion"], inside["pneumothorax"]) > 1.4)
claim("The way to a mass changes the film mostly elsewhere", inside["mass"] < 1.1)

# %% [markdown]
# Effusion and pneumothorax change the film where they belong. On the way to a **mass** or an **interstitial opacity** the film
# changes at least as much elsewhere: ribs, shoulders and the outline of the body move. **Consolidation** lies between. The three numbers that we projected
# out stayed, the rest of the patient did not. "The same patient" holds for what was measured, and for nothing else.

# %% tags=["varies"]
readable = [name for name in found if quality.loc[name, "correlation"] > 0.8]
seen = steady[(steady.arrived > 0) & steady.disease.isin(readable)]
for row in seen.itertuples():
    print(f"{row.disease:17s} judge {row.before:.2f} to {row.after:.2f}; severity measured {row.severity:+.2f} (0 to 1)")
print("not readable at 64 pixels:", ", ".join(name for name in found if name not in readable))
claim("A second reader, whose severities had no part in it, sees more of what it can read", (seen.severity > 0.05).all() and len(seen) > 0)

# %% [markdown] tags=["exercise"] exercise="steering_meaning"
# ### Exercise: what may you say?
#
# Write `True` or `False`.
#
# - `"A"`: The likelihood rose from 0 to 0.97 along the axis, so a radiologist will see the disease on the film.
# - `"B"`: No axis was found for pneumothorax, so PGGAN cannot draw one.
# - `"C"`: If the classifier takes a chest tube for a pneumothorax, the axis may draw chest tubes.
# - `"D"`: A high R² on films that took part in the regression shows that the axis is real.
# - `"E"`: Films walked to one disease can be labelled with it and used to train the **same** classifier; it learns
#   something new about that disease.

# %% tags=["stub"] exercise="steering_meaning"
said = {"A": ..., "B": ..., "C": ..., "D": ..., "E": ...}

# %% tags=["check"] exercise="steering_meaning"
check("steering_meaning", said)

# %% [markdown] tags=["hint"] exercise="steering_meaning"
# Ask of each sentence: who was asked, the film or the classifier?

# %% [markdown] tags=["hint"] exercise="steering_meaning"
# "B": rare, forgotten, or not recognised; "D": think of 64 slopes and 50 films.

# %% [markdown] tags=["hint"] exercise="steering_meaning"
# Only one of the five is true.

# %% tags=["solution"] exercise="steering_meaning"
said = {"A": False, "B": False, "C": True, "D": False, "E": False}  # the classifier was asked, nobody else

# %% tags=["equivalent"] exercise="steering_meaning"
said = dict.fromkeys("ABCDE", False) | {"C": True}

# %% tags=["wrong"] exercise="steering_meaning" says="A is"
said = {"A": True, "B": False, "C": True, "D": False, "E": False}

# %% tags=["wrong"] exercise="steering_meaning" says="B is"
said = {"A": False, "B": True, "C": True, "D": False, "E": False}

# %% tags=["wrong"] exercise="steering_meaning" says="D is"
said = {"A": False, "B": False, "C": True, "D": True, "E": False}

# %% tags=["wrong"] exercise="steering_meaning" says="E is"
said = {"A": False, "B": False, "C": True, "D": False, "E": True}

# %% tags=["wrong"] exercise="steering_meaning" says="True or False"
said = {"A": "no", "B": "no", "C": "yes", "D": "no", "E": "no"}

# %% tags=["checker"] exercise="steering_meaning"
def checker(said):
    require(isinstance(said, dict) and set(said) == set("ABCDE"), "Keep the five letters.")
    require(all(isinstance(value, (bool, np.bool_)) for value in said.values()), "Write True or False for each letter.")
    require(not said["A"], "A is too much: the classifier is convinced, and nobody else was asked.")
    require(not said["B"], "B is too much: it may draw some that are too few to keep, or that the classifier misses.")
    require(said["C"], "C is possible: the axis leads to whatever the classifier takes for the disease.")
    require(not said["D"], "D is wrong: 64 slopes can fit 50 films without any axis. Held-out films are needed.")
    require(not said["E"], "E is circular: the films show what this classifier already calls by that name.")

# %% [markdown] tags=["slide"]
# ## The honest table
#
# | | thesis | this course |
# |---|---|---|
# | looked for | 5 axes | 5 axes |
# | rule finds | consolidation, interstitial opacity, effusion | these, and mass |
# | rule does not find | nodule (478 films), pneumothorax (none kept) | pneumothorax (one kept) |
# | all films, logits | not tried | a direction for all five |
# | walk arrives | likelihood 0.97, 0.89, 0.99 | mass, effusion: all; consolidation, interstitial opacity: most; pneumothorax: 2 of 3 |
# | control | none told | random axes, two halves |
# | other knobs that move | not told | effect table; heart, chest, weight |
# | who checked | one radiologist | truth of virtual patients |

# %% [markdown]
# What did **not** come out well:
#
# - The walk to a **mass** (or a consolidation) makes **interstitial opacity** rise, too, on all our axes. And the second reader
#   can measure neither masses nor interstitial opacity at 64 pixels: nobody but the judge vouches for these walks.
# - **Pneumothorax**: 2 % of the training patients have one, the judge sees one on 0.3 % of the generated films. The generator
#   has half forgotten it. The walk needs the longest steps, and one in three does not arrive.
# - In the thesis, 478 films with a nodule gave no axis, while 215 with an interstitial opacity did: number is not all. A nodule
#   can be anywhere, and "somewhere in the lungs" need not be a straight line in z.

# %% [markdown] tags=["instructor"]
# Typical mistakes: t is taken for a severity (it is not; t = 4 means something else on every axis), and "orthogonal" is
# taken for "independent". Short of time: leave out truncation and Gram-Schmidt. Ask: would you train residents with
# steered films? What would you have to show first?

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Directions in the latent space can mean something: a regression of a classifier's answers on z finds them.
# - Judge an axis on films that did not make it, against halves and against random directions.
# - Axes are entangled. The dual basis frees each from all others, in no order; body measures can be projected out, too.
# - The shortest step that is enough keeps the patient.
# - No axis: too rare, forgotten, not recognised, or not a straight line.
# - An axis shows what the **classifier** calls by that name.

# %% [markdown]
# ## References
#
# - M. Kim, Image synthesis and anomaly detection on chest radiographs using generative adversarial
#   networks, master's thesis, University of Ulsan, 2021 (section 3, results 2).
# - S. Guan, TL-GAN: transparent latent-space GAN, github.com/SummitKwan/transparent_latent_gan, 2018.
# - Y. Shen, J. Gu, X. Tang, B. Zhou, Interpreting the latent space of GANs for semantic face editing, CVPR 2020,
#   arXiv:1907.10786 (projecting one axis out of another).
# - T. Karras, T. Aila, S. Laine, J. Lehtinen, Progressive growing of GANs, ICLR 2018, arXiv:1710.10196.
# - K. Shoemake, Animating rotation with quaternion curves, SIGGRAPH 1985 (slerp).
# - A. Brock, J. Donahue, K. Simonyan, Large scale GAN training, ICLR 2019, arXiv:1809.11096 (truncation).
# - J. A. Hanley, A. Lippman-Hand, If nothing goes wrong, is everything all right?, JAMA 249 (1983) 1743 (rule of three).

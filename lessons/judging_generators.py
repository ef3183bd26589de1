# %% [markdown] tags=["slide"]
# ## Which forger is the better one?
#
# Two forgers copy paintings. One paints a single landscape, flawlessly, again and again. The other paints everything, a
# little out of focus. Who is better? And a third one has simply photographed the museum's catalogue.
#
# A [[generator]] of chest films can fail in the same three ways: **too few kinds**, **not sharp**, **copied**. Today you measure all
# three, learn how far each number can be trusted, and judge the generator that this course has trained.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torchvision.transforms.functional import gaussian_blur

from course_lib.data.gan_films import (
    COHORTS,
    DISEASES,
    SEVERITY,
    SIZE,
    film_stack,
    gan_cohort,
    to_grey,
    truth_of,
)
from course_lib.data.virtual import VirtualChest
from course_lib.evaluation.generative.frechet import (
    expected_between_equals,
    extrapolated_frechet,
    frechet_distance,
    frechet_from_moments,
    real_floor,
)
from course_lib.evaluation.generative.inception import inception_score
from course_lib.evaluation.generative.kernel import kernel_distance
from course_lib.evaluation.generative.neighbours import copying, nearest, precision_recall

# %%
from course_lib.evaluation.generative.path_length import perceptual_path_length, slerp
from course_lib.evaluation.generative.report import comparison
from course_lib.evaluation.intervals import wilson
from course_lib.generative.shipped import load_generator, sample_films, sample_latents
from course_lib.learning.film_judge import FilmJudge, load_film_judge, new_film_judge
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)  # small networks: two threads would wait for each other

# %% [markdown] tags=["slide"]
# ## The loss does not tell
#
# A classifier's loss compares with the truth. A generator's loss compares with an **opponent who learns too**.
#
# - Both become better: the score stays where it was, as in a match between two improving teams.
# - Another opponent gives another score. So losses of two trainings cannot be compared.
# - The loss of a [[Wasserstein critic|critic]] has no zero: add a constant to all its answers, and nothing changes.
#
# We need judges who do not play.

# %% [markdown]
# ## Look first
#
# 600 films of virtual patients that the generator has learned from, 600 that it has **never** seen, and 600 that it drew. Always
# begin with your own eyes. Upper row real, lower row drawn.

# %% tags=["varies"]
N = 600
learned = film_stack(gan_cohort("all", N)).float() / 255  # a part of the generator's own films
strangers = VirtualChest(N, 5210, SIZE, DISEASES, prevalence=COHORTS["all"][2], severity=SEVERITY)
unseen = film_stack(strangers).float() / 255  # other patients of the same hospital

generator = load_generator("all")
drawn = sample_films(generator, N, seed=11)

# %% tags=["varies", "slide"]
fig = films([*learned[:8, 0], *drawn[:8, 0]], ["real"] * 8 + ["drawn"] * 8, columns=8, vmin=0, vmax=1)
show(fig, alt="Eight chest films of virtual patients above eight that the generator drew")

# %% [markdown]
# Eyes find what is *there* and wrong: a rib that ends in nothing, a pattern like a chessboard. They do not find what is *missing*:
# whether 2 % or none of 600 films show a [[pneumothorax]], or whether films repeat. (How well eyes do with single films
# is the next lesson: the visual Turing test.)

# %% [markdown] tags=["slide"]
# ## From films to points
#
# Pixels are poor witnesses: shift a film by one pixel, and all of them change. So we ask a network that has learned to read
# films. The **film judge** of this course tells five diseases and "normal" apart. Just before it answers, it
# has turned the film into **90 numbers**, its *features*.
#
# A film becomes a *point* in 90 dimensions, a set of films a *cloud*.

# %% tags=["varies"]
judge = load_film_judge()
points = {name: judge.features(part) for name, part in
          {"learned": learned, "unseen": unseen, "drawn": drawn}.items()}
likelihood = {"unseen": judge.likelihood(unseen), "drawn": judge.likelihood(drawn)}
print("learned, unseen, drawn:", *(table.shape for table in points.values()))

# %% tags=["varies", "slide"]
centre = points["learned"].mean(0)
axes_2d = np.linalg.svd(points["learned"] - centre, full_matrices=False)[2][:2].T
fig, panels = plt.subplots(1, 2, figsize=(9, 4), sharex=True, sharey=True)
for ax, name in zip(panels, ("unseen", "drawn"), strict=True):
    flat = (points[name] - centre) @ axes_2d
    shows = likelihood[name].argmax(1)
    for k, finding in enumerate((*DISEASES, "normal")):
        ax.scatter(*flat[shows == k].T, s=6, color=COLOURS[k], label=finding.replace("_", " "))
    ax.set_title(f"{'real' if name == 'unseen' else 'drawn'}: the two widest of 90 directions")
panels[0].legend(fontsize=8, markerscale=2)
show(fig, alt="Clouds of real and of drawn films in two of the judge's directions, coloured by what the judge "
     "sees; normal films lie together and each disease reaches out to a side of its own")

# %% [markdown] tags=["slide"]
# ## Two clouds: the Fréchet distance
#
# Describe each cloud by its centre $\mu$ and its spread $\Sigma$ (the covariance), then compare:
#
# $$\text{FD} = \underbrace{|\mu_1-\mu_2|^2}_{\text{centres apart}} + \underbrace{\text{tr}\left(\Sigma_1+\Sigma_2-2(\Sigma_1^{1/2}\Sigma_2\Sigma_1^{1/2})^{1/2}\right)}_{\text{spreads differ}}$$
#
# This is the [[Fréchet distance]]. With features of *Inception*, a network trained on everyday photographs, it is called FID.
# Zero means: same centre, same spread. It does not mean: same cloud.

# %% tags=["slide"]
wide, long, tilted = np.diag([1.0, 1.0]), np.diag([4.0, 0.25]), np.array([[2.1, 1.85], [1.85, 2.1]])
pairs = {"shifted": ((2, 1), wide, wide), "wider": ((0, 0), wide, 4 * wide), "turned": ((0, 0), long, tilted)}
fig, panels = plt.subplots(1, 3, figsize=(9, 3.2), sharex=True, sharey=True)
circle = np.stack([np.cos(np.linspace(0, 2 * np.pi, 100)), np.sin(np.linspace(0, 2 * np.pi, 100))])
for ax, (title, (shift, one, two)) in zip(panels, pairs.items(), strict=True):
    value = frechet_from_moments((0, 0), one, shift, two)
    for mean, spread, colour in (((0, 0), one, COLOURS[0]), (shift, two, COLOURS[1])):
        cloud = np.random.default_rng(0).multivariate_normal(mean, spread, 150)
        ax.scatter(*cloud.T, s=4, color=colour, alpha=0.5)
        ax.plot(*(np.linalg.cholesky(spread) @ (2 * circle) + np.array(mean)[:, None]), color=colour)
    ax.set(title=f"{title}: FD = {value:.2f}", aspect="equal", xlim=(-6, 6), ylim=(-6, 6))
show(fig, alt="Three pairs of clouds with ellipses: one shifted, one twice as wide, one turned, each with its Fréchet distance")

# %%
known = frechet_from_moments((1, -2, 0.5), np.diag([1, 4, 9]), (0, 1, 2), np.diag([4, 1, 0.25]))
claim("Without tilt each direction counts for itself: (mean difference)^2 + (deviation difference)^2, here 20.5",
      abs(known - 20.5) < 1e-9)
spread = np.cov(points["learned"].T)
origin = np.zeros(len(spread))
claim("A cloud three times as wide lies 4 times its total variance away",
      abs(frechet_from_moments(origin, spread, origin, 9 * spread) / (4 * np.trace(spread)) - 1) < 1e-6)

# %% [markdown] tags=["exercise"] exercise="frechet_one_feature"
# ### Exercise: one feature only
#
# With a single feature the covariances are plain variances and the formula becomes short. Write `frechet_1d(first, second)` for two
# arrays of numbers, one per film. Take the variance with `ddof=1` (the sum of squares divided by n - 1).

# %% tags=["stub"] exercise="frechet_one_feature"
def frechet_1d(first, second):
    """Fréchet distance of two samples of one feature."""
    return ...

# %% tags=["check"] exercise="frechet_one_feature"
check("frechet_one_feature", frechet_1d)

# %% [markdown] tags=["hint"] exercise="frechet_one_feature"
# Put two variances a and b into the trace: a + b - 2 (a b)^(1/2). Do you know this from school?

# %% [markdown] tags=["hint"] exercise="frechet_one_feature"
# It is the square of a difference: of the two standard deviations.

# %% [markdown] tags=["hint"] exercise="frechet_one_feature"
# (difference of means)^2 + (difference of standard deviations)^2, with `np.std(first, ddof=1)`.

# %% tags=["solution"] exercise="frechet_one_feature"
def frechet_1d(first, second):
    """Fréchet distance of two samples of one feature."""
    centres = np.mean(first) - np.mean(second)
    spreads = np.std(first, ddof=1) - np.std(second, ddof=1)  # a + b - 2 sqrt(ab) is a square
    return centres**2 + spreads**2

# %% tags=["equivalent"] exercise="frechet_one_feature"
def frechet_1d(first, second):
    a, b = np.var(first, ddof=1), np.var(second, ddof=1)
    return (np.mean(first) - np.mean(second)) ** 2 + a + b - 2 * np.sqrt(a * b)

# %% tags=["equivalent"] exercise="frechet_one_feature"
def frechet_1d(first, second):
    return frechet_distance(np.reshape(first, (-1, 1)), np.reshape(second, (-1, 1)), groups=0).value

# %% tags=["wrong"] exercise="frechet_one_feature" says="spread"
def frechet_1d(first, second):
    return (np.mean(first) - np.mean(second)) ** 2

# %% tags=["wrong"] exercise="frechet_one_feature" says="squared"
def frechet_1d(first, second):
    return abs(np.mean(first) - np.mean(second)) + abs(np.std(first, ddof=1) - np.std(second, ddof=1))

# %% tags=["wrong"] exercise="frechet_one_feature" says="centres is squared"
def frechet_1d(first, second):
    return abs(np.mean(first) - np.mean(second)) + (np.std(first, ddof=1) - np.std(second, ddof=1)) ** 2

# %% tags=["wrong"] exercise="frechet_one_feature" says="last part of the trace"
def frechet_1d(first, second):
    return (np.mean(first) - np.mean(second)) ** 2 + np.var(first, ddof=1) + np.var(second, ddof=1)

# %% tags=["wrong"] exercise="frechet_one_feature" says="variances themselves"
def frechet_1d(first, second):
    return (np.mean(first) - np.mean(second)) ** 2 + (np.var(first, ddof=1) - np.var(second, ddof=1)) ** 2

# %% tags=["wrong"] exercise="frechet_one_feature" says="ddof=1"
def frechet_1d(first, second):
    return (np.mean(first) - np.mean(second)) ** 2 + (np.std(first) - np.std(second)) ** 2

# %% tags=["wrong"] exercise="frechet_one_feature" says="square root"
def frechet_1d(first, second):
    a, b = np.std(first, ddof=1), np.std(second, ddof=1)
    return np.sqrt((np.mean(first) - np.mean(second)) ** 2 + (a - b) ** 2)

# %% tags=["checker"] exercise="frechet_one_feature"
def checker(frechet_1d):
    first, second = np.array([1.0, 2, 3, 4, 5]), np.array([0.0, 5, 10])
    got = frechet_1d(first, second)
    centres, a, b = 4.0, np.std(first, ddof=1), np.std(second, ddof=1)
    if isinstance(got, (int, float, np.number)):
        require(abs(got - centres) > 1e-6, "Two clouds can differ in spread as well.")
        require(abs(got - (2 + abs(a - b))) > 1e-6, "Both differences are squared in this distance.")
        require(abs(abs(got - (a - b) ** 2) - 2) > 1e-6, "The difference of the centres is squared, too.")
        require(abs(got - (centres + a * a + b * b)) > 1e-6, "The last part of the trace is missing: minus twice a root.")
        require(abs(got - (centres + (a * a - b * b) ** 2)) > 1e-6, "Not the variances themselves are compared; their roots are.")
        require(abs(got - (centres + (np.std(first) - np.std(second)) ** 2)) > 1e-6, "Estimate the variance with ddof=1, please.")
        require(abs(got - np.sqrt(centres + (a - b) ** 2)) > 1e-6, "By tradition no square root is taken at the end.")
    close(got, centres + (a - b) ** 2, "For 1..5 against 0, 5, 10 it is another number.")

# %% [markdown] tags=["slide"]
# ## What chance alone gives
#
# Now the drawn films against 600 real ones. And, first of all, **real against real**: other patients, nothing drawn. That is the
# [[real-to-real floor]]: an honest generator does better only by luck.

# %% tags=["varies", "slide"]
floor = real_floor(np.concatenate([points["learned"], points["unseen"]]), N, rounds=10)
distance = frechet_distance(points["unseen"], points["drawn"])
print(f"real against real:  FD {floor}")
print(f"drawn against real: FD {distance}")

# %%
claim("Between two sets of real films the distance is not zero", floor.values.min() > 0)
claim("The drawn films are farther away than chance explains", distance.interval.low > floor.interval.high)

# %% [markdown]
# Why is the floor not zero? Centre and spread are *estimated*, and two samples never agree. For two samples of $n$ films from
# the same bell-shaped cloud with $d$ independent features of variance 1, one can work out what to expect:
#
# $$\text{FD} \approx \frac{2d}{n} + \frac{d(d+1)}{2n}$$
#
# The first term is the error of the two centres, the second that of the two spreads: it has $d(d+1)/2$ numbers to estimate.
# Move the number of films and watch both distances, measured 30 times each on such clouds: nothing *is* different there.

# %%
def chance_only(films, features):
    """Fréchet and kernel distances between pairs of samples of one and the same cloud."""
    random = np.random.default_rng(films + features)
    pairs = [random.standard_normal((2, films, features)) for _ in range(30)]
    far = [frechet_distance(*pair, groups=0).value for pair in pairs]
    kernel = [kernel_distance(*pair, groups=0).value for pair in pairs]
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3))
    left.hist(far, color=COLOURS[0], bins=12)
    left.axvline(expected_between_equals(features, films), color=COLOURS[1], label="formula")
    left.set(title="Fréchet distance", xlim=(0, None))
    left.legend()
    right.hist(kernel, color=COLOURS[2], bins=12)
    right.axvline(0, color=COLOURS[1])
    right.set(title="kernel distance")
    return fig


explore(chance_only, alt="Histograms of both distances between samples of the same cloud: the Fréchet distance lies around "
        "the value of the formula, far from zero; the kernel distance around zero",
        films=(50, 600, 50, 100), features=[10, 30, 60])

# %% [markdown] tags=["slide"]
# ## Two ways out
#
# - **Extrapolate** (Chong & Forsyth 2020): the excess shrinks like $1/n$. Measure at several $n$, draw a line, read it off at $1/n = 0$.
# - **[[Kernel distance|kernel distance]]** (KID): average a similarity over all pairs of films, real-real, drawn-drawn, real-drawn, and leave out the pair
#   of a film with itself. What remains is zero on average when the clouds are the same, at any $n$.

# %% tags=["varies", "slide"]
apart = extrapolated_frechet(points["unseen"], points["drawn"], rounds=8, groups=5)
same = extrapolated_frechet(points["unseen"], points["learned"], rounds=8, groups=5)
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for found, colour, name in ((apart, COLOURS[1], "drawn against real"), (same, COLOURS[0], "real against real")):
    ax.plot(1 / found.sizes, found.distances, "o", color=colour, label=name)
    start = found.at_infinity.value
    ax.plot([0, 1 / found.sizes[0]], [start, start + found.slope / found.sizes[0]], color=colour)
ax.axvline(0, color="grey", lw=0.8)
ax.set(xlabel="1 / number of films", ylabel="Fréchet distance", ylim=(min(0, same.at_infinity.value), None))
ax.legend()
show(fig, alt="Fréchet distance against one over the number of films: two straight lines rise to the right; that of real "
     "against real meets the axis near zero, that of the drawn films well above")

# %% tags=["varies"]
print(f"with endless films: real against real {same.at_infinity.value:.2f}, drawn against real {apart.at_infinity}")
print(f"kernel distance: real against real {kernel_distance(points['unseen'], points['learned'])}")
print(f"                drawn against real {kernel_distance(points['unseen'], points['drawn'])}")

# %%
claim("Extrapolated, real against real comes near zero",
      abs(same.at_infinity.value) < 0.5 * same.distances[0])
claim("The drawn films stay apart", apart.at_infinity.value > 3 * abs(same.at_infinity.value))

# %% [markdown] tags=["exercise"] exercise="films_for_a_distance"
# ### Exercise: how many films?
#
# A paper reports FID 8 for its chest films, with the 2,048 features of the Inception network. With how few films could this be
# *chance alone*? Write `films_needed(features, distance)`: the number of films $n$ (no need to round) at which two samples
# of the same cloud, features independent with variance 1, have this expected distance.

# %% tags=["stub"] exercise="films_for_a_distance"
def films_needed(features, distance):
    """The number of films at which chance alone gives this Fréchet distance."""
    return ...

# %% tags=["check"] exercise="films_for_a_distance"
check("films_for_a_distance", films_needed)

# %% [markdown] tags=["hint"] exercise="films_for_a_distance"
# The formula has the form (something with d) / n. Which something?

# %% [markdown] tags=["hint"] exercise="films_for_a_distance"
# FD = (2d + d(d+1)/2) / n. Solve it for n.

# %% [markdown] tags=["hint"] exercise="films_for_a_distance"
# n = (2d + d(d+1)/2) / FD, with d the features.

# %% tags=["solution"] exercise="films_for_a_distance"
def films_needed(features, distance):
    """The number of films at which chance alone gives this Fréchet distance."""
    centres, spreads = 2 * features, features * (features + 1) / 2
    return (centres + spreads) / distance

# %% tags=["equivalent"] exercise="films_for_a_distance"
def films_needed(features, distance):
    return features * (features + 5) / (2 * distance)

# %% tags=["equivalent"] exercise="films_for_a_distance"
def films_needed(features, distance):
    return 1000 * expected_between_equals(features, 1000) / distance

# %% tags=["wrong"] exercise="films_for_a_distance" says="spreads"
def films_needed(features, distance):
    return 2 * features / distance

# %% tags=["wrong"] exercise="films_for_a_distance" says="centres"
def films_needed(features, distance):
    return features * (features + 1) / 2 / distance

# %% tags=["wrong"] exercise="films_for_a_distance" says="upside down"
def films_needed(features, distance):
    return distance / (2 * features + features * (features + 1) / 2)

# %% tags=["wrong"] exercise="films_for_a_distance" says="fewer, not more"
def films_needed(features, distance):
    return (2 * features + features * (features + 1) / 2) * distance

# %% tags=["checker"] exercise="films_for_a_distance"
def checker(films_needed):
    got, more = films_needed(2048, 8), films_needed(2048, 16)
    right = (4096 + 1024 * 2049) / 8
    if isinstance(got, (int, float, np.number)) and isinstance(more, (int, float, np.number)):
        require(abs(got - 512) > 1e-6, "Only the centres so far; the spreads have far more numbers to estimate.")
        require(abs(got - 1024 * 2049 / 8) > 1e-3, "Nearly; the error of the two centres is missing.")
        require(got > 1e-3, "That is less than one film: the fraction stands upside down.")
        require(more < got, "A larger distance by chance needs fewer, not more films.")
    close(got, right, "For 2,048 features and a distance of 8 it is another number.")
    close(films_needed(64, 2.208), 1000, "64 features, 1,000 films: by chance 2.208.")

# %% [markdown]
# 263,000 films: more than ChestX-ray14 or CheXpert holds. The features of Inception hang together and vary by less than 1, so their
# true excess is smaller than this formula's; how much smaller, nobody knows beforehand. Hence the rule: **never a Fréchet distance without its floor at the same number of films**.

# %% [markdown] tags=["instructor"]
# Many papers on drawn films give one FID without floor, interval or number of films. The thesis of Kim M. (2021) gives none: FID, it
# argues, has no statistics and sees with features of photographs. Here it got intervals and a judge of films: does that answer both?
# Ask also: what would you want to know before you believe that 8.0 is better than 9.5? (Number of films, floor, interval, whose features,
# same real films for both?)

# %% [markdown] tags=["slide"]
# ## Sharp or complete? Two numbers instead of one
#
# Put a ball around every real film that reaches to its third-nearest real neighbour. All balls together are the *region* of
# real films. The same with drawn films. Then (Kynkäänniemi 2019):
#
# - **[[Precision|precision of a generator]]**: which share of the *drawn* films lies in the *real* region? Do they look like patients?
# - **[[Recall|recall of a generator]]**: which share of the *real* films lies in the *drawn* region? Are all kinds of patients drawn?

# %% tags=["slide"]
random = np.random.default_rng(4)
patients = np.concatenate([random.normal((0, 0), 0.5, (40, 2)), random.normal((3, 1.5), 0.5, (40, 2))])
forgers = {"one kind only": random.normal((0, 0), 0.25, (80, 2)),
           "out of focus": random.normal((1.5, 0.75), 1.3, (80, 2))}
fig, panels = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True, sharey=True)
toy = {}
for ax, (name, made) in zip(panels, forgers.items(), strict=True):
    reach = np.sort(np.linalg.norm(patients[:, None] - patients, axis=2), axis=1)[:, 3]
    for point, radius in zip(patients, reach, strict=True):
        ax.add_patch(plt.Circle(point, radius, color=COLOURS[0], alpha=0.07))
    ax.plot(*patients.T, "o", ms=3, color=COLOURS[0], label="real, with their balls")
    ax.plot(*made.T, "x", ms=4, color=COLOURS[1], label="drawn")
    toy[name] = precision_recall(patients, made)
    ax.set(title=f"{name}: precision {toy[name].precision.value:.2f}, recall {toy[name].recall.value:.2f}", aspect="equal")
panels[0].legend(loc="upper left", fontsize=8)
show(fig, alt="Two kinds of real points with balls. A forger who draws one kind only has high precision and low recall, one "
     "who scatters points everywhere has lower precision and high recall")

# %%
claim("Who draws one kind only has precision, but little recall",
      toy["one kind only"].precision.value > 0.9 and toy["one kind only"].recall.value < 0.5)
claim("Who is out of focus has recall, but less precision",
      toy["out of focus"].recall.value > 0.8 and toy["out of focus"].precision.value < 0.8)

# %% [markdown] tags=["exercise"] exercise="precision_from_distances"
# ### Exercise: precision from two tables
#
# `between` is a table of distances: one row per real film, one column per drawn film. `own` is the table of distances among the real
# films (with zeros on the diagonal). Write `precision(own, between, k)`.

# %% tags=["stub"] exercise="precision_from_distances"
def precision(own, between, k):
    """Share of drawn films within the k-th-neighbour ball of at least one real film."""
    return ...

# %% tags=["check"] exercise="precision_from_distances"
check("precision_from_distances", precision)

# %% [markdown] tags=["hint"] exercise="precision_from_distances"
# First the radius of every real film's ball, from `own` alone. Sort each row: what stands in place 0?

# %% [markdown] tags=["hint"] exercise="precision_from_distances"
# `reach = np.sort(own, axis=1)[:, k]`, because place 0 is the film itself. Then compare each row of `between` with its radius.

# %% [markdown] tags=["hint"] exercise="precision_from_distances"
# `(between <= reach[:, None]).any(axis=0).mean()`: for each drawn film, is there any ball around it?

# %% tags=["solution"] exercise="precision_from_distances"
def precision(own, between, k):
    """Share of drawn films within the k-th-neighbour ball of at least one real film."""
    reach = np.sort(own, axis=1)[:, k]  # place 0 is the film itself
    return (between <= reach[:, None]).any(axis=0).mean()

# %% tags=["equivalent"] exercise="precision_from_distances"
def precision(own, between, k):
    reach = np.partition(own, k, axis=1)[:, k]
    return np.mean([any(column <= reach) for column in between.T])

# %% tags=["wrong"] exercise="precision_from_distances" says="the film itself"
def precision(own, between, k):
    reach = np.sort(own, axis=1)[:, k - 1]
    return (between <= reach[:, None]).any(axis=0).mean()

# %% tags=["wrong"] exercise="precision_from_distances" says="real films that"
def precision(own, between, k):
    reach = np.sort(own, axis=1)[:, k]
    return (between <= reach[:, None]).any(axis=1).mean()

# %% tags=["wrong"] exercise="precision_from_distances" says="every ball"
def precision(own, between, k):
    reach = np.sort(own, axis=1)[:, k]
    return (between <= reach[:, None]).all(axis=0).mean()

# %% tags=["wrong"] exercise="precision_from_distances" says="pairs"
def precision(own, between, k):
    reach = np.sort(own, axis=1)[:, k]
    return (between <= reach[:, None]).mean()

# %% tags=["wrong"] exercise="precision_from_distances" says="share"
def precision(own, between, k):
    reach = np.sort(own, axis=1)[:, k]
    return (between <= reach[:, None]).any(axis=0).sum()

# %% tags=["checker"] exercise="precision_from_distances"
def checker(precision):
    real, made = np.array([0.0, 1, 2, 10, 30]), np.array([-1.5, -3, 3.5, 60.0])
    own, between = np.abs(real[:, None] - real), np.abs(real[:, None] - made)
    reach = np.sort(own, axis=1)
    got = precision(own, between, 2)
    hit = between <= reach[:, 2][:, None]
    if isinstance(got, (int, float, np.number)):
        require(got <= 1, "We want a share of the drawn films, not their number.")
        require(abs(got - hit.any(axis=1).mean()) > 1e-9, "You count real films that have a drawn one near.")
        require(abs(got - hit.mean()) > 1e-9, "You count pairs; one ball around a drawn film is enough.")
        require(abs(got - hit.all(axis=0).mean()) > 1e-9, "It need not lie in every ball; one is enough.")
        shorter = (between <= reach[:, 1][:, None]).any(axis=0).mean()
        require(abs(got - shorter) > 1e-9, "The balls are too small: is the film itself among its neighbours?")
    close(got, hit.any(axis=0).mean(), "In a small example with five real and four drawn films it is another share.")

# %% [markdown] tags=["slide"]
# ## Three forgers of chest films
#
# We make them ourselves from *real* films, so we know what is wrong with each:
#
# - **collapsed**: twelve sharp real films, again and again, a touch brighter or darker: [[mode collapse]];
# - **blurred**: all kinds of patients, but a little out of focus;
# - **our generator**.
#
# And as a yardstick: **other real films**.

# %% tags=["varies", "slide"]
random = np.random.default_rng(6)
brightness = torch.from_numpy(random.uniform(0.98, 1.02, (N, 1, 1, 1)).astype(np.float32))
collapsed = (learned[torch.arange(N) % 12] * brightness).clamp(0, 1)
blurred = gaussian_blur(learned, 7, 0.7)
forged = {"other real films": learned, "collapsed": collapsed, "blurred": blurred, "our generator": drawn}
names = [name for name in forged for _ in range(4)]
fig = films([part[20 + i, 0] for part in forged.values() for i in range(4)], names, columns=8, vmin=0, vmax=1)
show(fig, alt="Four films each of: other real patients, the collapsed forger, the blurred forger and the generator of the course")

# %% tags=["varies"]
seen_as = {"other real films": points["learned"], "collapsed": judge.features(collapsed),
           "blurred": judge.features(blurred), "our generator": points["drawn"]}
table = comparison(points["unseen"], seen_as)
print(table.round(2).to_string())

# %%
real_row, few, soft = (table.loc[name] for name in ("other real films", "collapsed", "blurred"))
claim("The collapsed forger keeps its precision and loses nearly all recall",
      few["precision"] > 0.7 * real_row["precision"] and few["recall"] < 0.3 * real_row["recall"])
claim("The blurred forger loses precision, and keeps more recall",
      soft["precision"] < 0.7 * real_row["precision"] and soft["recall"] > few["recall"] + 0.15)
claim("Other real films are nearest by every distance", table["Frechet"].idxmin() == table["kernel"].idxmin() == "other real films")

# %% [markdown]
# *Density* and *coverage* (Naeem 2020) are precision and recall made robust: they draw balls around **real** films only, so that one
# far-off drawn film with a huge ball cannot claim all patients for itself. (Density counts balls, so it may exceed 1.)
#
# The first row is *one* pair of real sets: by chance one holds more patients with effusion than the other. So its Fréchet distance
# differs from the mean of ten random divisions above.
#
# None of these numbers is a percentage of "goodness". Read each row against the first one: that is what perfect looks like with 600 films.

# %% [markdown] tags=["exercise"] exercise="which_forger"
# ### Exercise: which forger is it?
#
# Three generators, judged with the very films that they learned from. Real against real gives precision 0.80, recall 0.80.
#
# | | precision | recall | what is wrong |
# |---|---|---|---|
# | A | 0.81 | 0.22 | ? |
# | B | 0.31 | 0.74 | ? |
# | C | 1.00 | 0.80 | ? |
#
# Choose for each one of `"misses kinds of patients"`, `"unlike any patient"`, `"suspiciously good: look for copies"`.

# %% tags=["stub"] exercise="which_forger"
wrong_with = {"A": ..., "B": ..., "C": ...}

# %% tags=["check"] exercise="which_forger"
check("which_forger", wrong_with)

# %% [markdown] tags=["hint"] exercise="which_forger"
# Precision asks about drawn films, recall about real ones.

# %% [markdown] tags=["hint"] exercise="which_forger"
# What precision would you expect of *real* films? Can an honest forger be better than that?

# %% [markdown] tags=["hint"] exercise="which_forger"
# A draws good films of few kinds. B draws much that lies outside. C lies inside more often than reality.

# %% tags=["solution"] exercise="which_forger"
wrong_with = {
    "A": "misses kinds of patients",  # recall is far below that of real films
    "B": "unlike any patient",  # precision is
    "C": "suspiciously good: look for copies",  # a copy has distance 0 to a film it learned from
}

# %% tags=["equivalent"] exercise="which_forger"
answers = ("misses kinds of patients", "unlike any patient", "suspiciously good: look for copies")
wrong_with = dict(zip("ABC", answers, strict=True))

# %% tags=["wrong"] exercise="which_forger" says="recall"
wrong_with = {"A": "unlike any patient", "B": "misses kinds of patients", "C": "suspiciously good: look for copies"}

# %% tags=["wrong"] exercise="which_forger" says="better than"
wrong_with = {"A": "misses kinds of patients", "B": "unlike any patient", "C": "misses kinds of patients"}

# %% tags=["wrong"] exercise="which_forger" says="one of the three"
wrong_with = {"A": "misses kinds of patients", "B": "blurred", "C": "suspiciously good: look for copies"}

# %% tags=["wrong"] exercise="which_forger" says="B"
wrong_with = {"A": "misses kinds of patients", "B": "suspiciously good: look for copies", "C": "suspiciously good: look for copies"}

# %% tags=["checker"] exercise="which_forger"
def checker(wrong_with):
    require(isinstance(wrong_with, dict) and set(wrong_with) == {"A", "B", "C"}, "Give an answer for A, B and C.")
    if any(value is ... for value in wrong_with.values()):
        close(..., 0, "")
    answers = ("misses kinds of patients", "unlike any patient", "suspiciously good: look for copies")
    require(all(value in answers for value in wrong_with.values()), "Each answer is one of the three sentences.")
    require(wrong_with["A"] == answers[0], "A: drawn films are fine. What does a low recall mean?")
    require(wrong_with["C"] == answers[2], "C: its precision is better than that of real films. How can that be?")
    require(wrong_with["B"] == answers[1], "B: two of three drawn films lie outside the region of patients.")

# %% [markdown] tags=["slide"]
# ## The Inception score: a beauty contest without the real films
#
# The oldest score (Salimans 2016) asks a classifier. Each film should show *one* class clearly, all films together *every* class equally:
#
# $$\text{IS} = \exp\left(\text{mean over films of } \sum_k p_k \log\frac{p_k}{\bar p_k}\right)$$
#
# $p$: classes of one film, $\bar p$: their mean over all films. Best value: the number of classes. Real films are never asked.
# This is the [[Inception score]].

# %% [markdown] tags=["exercise"] exercise="inception_by_hand"
# ### Exercise: the score by hand
#
# Write `score(p)` for a table `p` with one row per film and one column per class, all entries above zero, rows adding up to one.

# %% tags=["stub"] exercise="inception_by_hand"
def score(p):
    """The Inception score of a table of class probabilities."""
    return ...

# %% tags=["check"] exercise="inception_by_hand"
check("inception_by_hand", score)

# %% [markdown] tags=["hint"] exercise="inception_by_hand"
# Begin with the mean over the films, `p.mean(axis=0)`: what all films show together.

# %% [markdown] tags=["hint"] exercise="inception_by_hand"
# For each film add up `p * log(p / mean)` over the classes. Then average over the films.

# %% [markdown] tags=["hint"] exercise="inception_by_hand"
# `np.exp((p * np.log(p / p.mean(axis=0))).sum(axis=1).mean())`

# %% tags=["solution"] exercise="inception_by_hand"
def score(p):
    """The Inception score of a table of class probabilities."""
    together = p.mean(axis=0)
    surprise = (p * np.log(p / together)).sum(axis=1)  # one number per film
    return np.exp(surprise.mean())  # first the mean, then exp

# %% tags=["equivalent"] exercise="inception_by_hand"
def score(p):
    together = p.mean(axis=0)
    entropy = -(together * np.log(together)).sum()
    return np.exp(entropy + (p * np.log(p)).sum(axis=1).mean())

# %% tags=["equivalent"] exercise="inception_by_hand"
def score(p):
    return inception_score(p, groups=0).value

# %% tags=["wrong"] exercise="inception_by_hand" says="exp"
def score(p):
    return (p * np.log(p / p.mean(axis=0))).sum(axis=1).mean()

# %% tags=["wrong"] exercise="inception_by_hand" says="first the mean"
def score(p):
    return np.exp((p * np.log(p / p.mean(axis=0))).sum(axis=1)).mean()

# %% tags=["wrong"] exercise="inception_by_hand" says="over the films"
def score(p):
    return np.exp((p * np.log(p / p.mean(axis=1, keepdims=True))).sum(axis=1).mean())

# %% tags=["wrong"] exercise="inception_by_hand" says="natural logarithm"
def score(p):
    return np.exp((p * np.log2(p / p.mean(axis=0))).sum(axis=1).mean())

# %% tags=["wrong"] exercise="inception_by_hand" says="turned round"
def score(p):
    mean = p.mean(axis=0)
    return np.exp((mean * np.log(mean / p)).sum(axis=1).mean())

# %% tags=["checker"] exercise="inception_by_hand"
def checker(score):
    p = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.7, 0.2, 0.1]])
    got, mean = score(p), p.mean(axis=0)
    each = (p * np.log(p / mean)).sum(axis=1)
    if isinstance(got, (int, float, np.number)):
        require(abs(got - each.mean()) > 1e-6, "So far its logarithm; take exp, so that the best value is the number of classes.")
        require(abs(got - np.exp(each).mean()) > 1e-6, "Take first the mean over the films, then exp.")
        flat = np.exp((p * np.log(p / p.mean(axis=1, keepdims=True))).sum(axis=1).mean())
        require(abs(got - flat) > 1e-6, "The mean of each class is taken over the films, not within a film.")
        require(abs(got - np.exp(each.mean() / np.log(2))) > 1e-6, "exp undoes the natural logarithm, `np.log`, not that to base 2.")
        turned = np.exp((mean * np.log(mean / p)).sum(axis=1).mean())
        require(abs(got - turned) > 1e-6, "The two distributions are turned round: weigh with p of the film.")
    close(got, np.exp(each.mean()), "For a table of four films it is another score.")

# %%
def shares(likelihood):
    """Six sigmoid outputs per film, made to add up to one."""
    return likelihood / likelihood.sum(axis=1, keepdims=True)

# %% tags=["varies"]
real_shares = shares(likelihood["unseen"])
clearest = real_shares.argmax(axis=0)  # for each class the one film that shows it most clearly
cheat = real_shares[np.repeat(clearest, 100)]
scores = {"600 real films": real_shares, "our generator": shares(likelihood["drawn"]), "six films, 100 times each": cheat}
for name, part in scores.items():
    print(f"{name:26} {inception_score(part)}")

# %%
claim("Six films, repeated, beat 600 real ones: the score is no measure of realism",
      inception_score(cheat).value > inception_score(real_shares).value + 0.5)

# %% [markdown]
# And chest films often show *two* findings, which this score punishes. Use it to read old papers, not to choose a generator.

# %% [markdown] tags=["slide"]
# ## Whose eyes? The choice of features
#
# A distance sees what its features see. We change *real* films in six ways, and ask three witnesses:
#
# - **grey values**: the film averaged to 8 x 8 squares;
# - **untrained network**: same build as the judge, random weights;
# - **film judge**: learned five diseases.
#
# For each: distance of the changed films to real ones, as a multiple of real to real.

# %%
def with_marker(films):
    """A small white L in the upper corner, as a radiographer puts it."""
    marked = films.clone()
    marked[:, 0, 3:11, 4] = 1.0
    marked[:, 0, 10, 4:9] = 1.0
    return marked


def noisy(films):
    grain = np.random.default_rng(8).normal(0, 0.03, films.shape).astype(np.float32)
    return (films + torch.from_numpy(grain)).clamp(0, 1)


changes = {
    "marker": with_marker,
    "mirrored": lambda films: films.flip(3),
    "slightly blurred": lambda films: gaussian_blur(films, 7, 0.7),
    "noise": noisy,
    "a tenth darker": lambda films: 0.9 * films,
    "no ill patient": lambda films: films[torch.from_numpy(healthy)],
}

# %% tags=["varies"]
half = slice(0, 300)  # films of each kind: enough here, and quicker
healthy = np.resize(np.flatnonzero(truth_of(gan_cohort("all", N))[:, -1]), 300)  # without repeats
untrained = FilmJudge(new_film_judge(1).eval())
witnesses = {
    "grey values": lambda films: torch.nn.functional.avg_pool2d(films, 8).flatten(1).numpy(),
    "untrained network": untrained.features,
    "film judge": judge.features,
}
seen = pd.DataFrame(index=list(changes), columns=list(witnesses), dtype=float)
for witness, features in witnesses.items():
    real = features(unseen[half])
    chance = frechet_distance(real, features(learned[half]), groups=0).value
    for change, apply in changes.items():
        far = frechet_distance(real, features(apply(learned)[half]), groups=0).value
        seen.loc[change, witness] = far / chance
print(seen.round(1).to_string())

# %% tags=["varies", "slide"]
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), width_ratios=[1.2, 1])
shown = [apply(learned)[0, 0] for apply in changes.values()]
film(left, np.vstack([np.hstack(shown[:3]), np.hstack(shown[3:])]), "marker, mirrored, blurred / noise, darker, no ill patient")
picture = right.imshow(np.log10(seen), cmap="cividis", vmin=0, aspect="auto")
for (i, j), value in np.ndenumerate(seen.to_numpy()):
    right.text(j, i, f"{value:.3g}", ha="center", color="white" if value < 10 else "black")
right.set_xticks(range(3), ["grey\nvalues", "untrained\nnetwork", "film\njudge"])
right.set_yticks(range(6), list(changes))
right.set(title="distance / real to real")
right.grid(visible=False)
show(fig, alt="Six changed films, and a table of how many times larger than chance each of three witnesses finds the change")

# %%
claim("Nobody taught the judge to mind a marker: it stays near chance", seen.loc["marker", "film judge"] < 3)
claim("That no patient is ill does not strike an untrained network", seen.loc["no ill patient", "untrained network"] < 3)
claim("It strikes the judge, and so does a heart on the right",
      seen.loc[["no ill patient", "mirrored"], "film judge"].min() > 5)
claim("Coarse grey values see neither noise nor blur", seen.loc[["noise", "slightly blurred"], "grey values"].max() < 2.5)

# %% [markdown]
# Read the columns. **Grey values** average fine grain away. The **untrained network** does not mind that hearts lie on the right, nor that all
# patients are healthy. The **film judge** minds both, and grain most of all: virtual films have next to none, so it never learned to
# ignore it. But a *marker* passes unnoticed: no disease ever hung on it. A generator could write an L on every film and
# keep its distance. (Below 1 means: nearer than the other real films happened to be. That is chance.)
#
# And the features of papers come from **Inception**, which learned dogs, cars and fruit. What does it see on a chest film? Some of this, nobody
# knows which. `course_lib.evaluation.generative.inception.inception_features()` gives you its 2,048 features, if its weights are on
# your computer. Then try the six changes, with the kernel distance: 300 films are far too few for 2,048 features.

# %% [markdown] tags=["slide"]
# ## The verdict on our generator
#
# 1. **Distance**: above the floor, but how far? (done)
# 2. **Kinds**: does every disease occur as often as in its training films?
# 3. **Copies**: has it learned patients by heart ([[memorisation]])?
# 4. **Order**: do small steps in latent space make small changes?

# %% tags=["varies", "slide"]
called = {name: likelihood[name] > 0.5 for name in ("unseen", "drawn")}
fig, ax = plt.subplots(figsize=(8, 3.4))
for shift, (name, label) in zip((-0.18, 0.18), (("unseen", "real"), ("drawn", "drawn")), strict=True):
    counts = called[name].sum(0)
    limits = np.array([wilson(int(count), N) for count in counts])
    places, shares_called = np.arange(6) + shift, counts / N
    ax.bar(places, shares_called, 0.34, label=f"{label}, as the judge calls it")
    ax.errorbar(places, shares_called, np.abs(limits.T - shares_called), fmt="none", color="black", capsize=3)
ordered = np.array([COHORTS["all"][2][disease] for disease in DISEASES])
ordered = np.append(ordered, np.prod(1 - ordered))  # the last: no disease at all
ax.hlines(ordered, np.arange(6) - 0.4, np.arange(6) + 0.4, color="black", label="as ordered for the training films")
ax.set_xticks(range(6), [name.replace("_", "\n") for name in (*DISEASES, "normal")])
ax.set(ylabel="share of films")
ax.legend(fontsize=8)
show(fig, alt="Share of films with each disease, real and drawn, as the film judge calls them, with intervals and the shares "
     "ordered for the training films")

# %% tags=["varies"]
table = pd.DataFrame({name: [f"{flags[:, k].mean():.3f} ({wilson(int(flags[:, k].sum()), N)})" for k in range(6)]
                      for name, flags in called.items()}, index=[*DISEASES, "normal"])
print(table.to_string())
claim("Interstitial opacity is called more often in drawn films than in real ones",
      called["drawn"][:, 2].sum() > 1.4 * called["unseen"][:, 2].sum())

# %% [markdown]
# Compare the drawn bars with the real ones as *the same judge* calls them, not with the order: a judge errs, too. Interstitial opacity
# stands out. Is it drawn too often? Or does a trace of grain in healthy lungs look like it, to a judge whom grain alarms? Distance
# and shares alone cannot tell; looking at those films can. And pneumothorax: how many do you see? Is that few?

# %% [markdown] tags=["exercise"] exercise="none_among_many"
# ### Exercise: when is "none" evidence?
#
# Pneumothorax was in 2 % of the training films. Somebody draws films, and none shows one. How many films must be drawn until "none" has
# less than 5 % chance, if the generator draws 2 % as it should? Write `films_to_tell(prevalence)`: the smallest whole number.

# %% tags=["stub"] exercise="none_among_many"
def films_to_tell(prevalence):
    """Smallest n for which "none of n" has a chance below 0.05."""
    return ...

# %% tags=["check"] exercise="none_among_many"
check("none_among_many", films_to_tell)

# %% [markdown] tags=["hint"] exercise="none_among_many"
# The chance that *one* film does not show it is 1 - prevalence. And that none of n does?

# %% [markdown] tags=["hint"] exercise="none_among_many"
# (1 - prevalence)^n < 0.05. Take logarithms on both sides; mind the sign.

# %% [markdown] tags=["hint"] exercise="none_among_many"
# `np.log(0.05) / np.log(1 - prevalence)`, rounded up.

# %% tags=["solution"] exercise="none_among_many"
def films_to_tell(prevalence):
    """Smallest n for which "none of n" has a chance below 0.05."""
    return int(np.floor(np.log(0.05) / np.log(1 - prevalence))) + 1

# %% tags=["equivalent"] exercise="none_among_many"
def films_to_tell(prevalence):
    n = 1
    while (1 - prevalence) ** n >= 0.05:
        n += 1
    return n

# %% tags=["equivalent"] exercise="none_among_many"
def films_to_tell(prevalence):
    return np.ceil(np.log(0.05) / np.log1p(-prevalence))

# %% tags=["wrong"] exercise="none_among_many" says="on average one"
def films_to_tell(prevalence):
    return int(np.ceil(1 / prevalence))

# %% tags=["wrong"] exercise="none_among_many" says="rule of three"
def films_to_tell(prevalence):
    return int(np.ceil(3 / prevalence))

# %% tags=["wrong"] exercise="none_among_many" says="0.95"
def films_to_tell(prevalence):
    return int(np.ceil(np.log(0.95) / np.log(1 - prevalence)))

# %% tags=["wrong"] exercise="none_among_many" says="whole number"
def films_to_tell(prevalence):
    return np.log(0.05) / np.log(1 - prevalence)

# %% tags=["wrong"] exercise="none_among_many" says="that one film shows it"
def films_to_tell(prevalence):
    return int(np.ceil(np.log(0.05) / np.log(prevalence)))

# %% tags=["wrong"] exercise="none_among_many" says="round up"
def films_to_tell(prevalence):
    return int(np.log(0.05) / np.log(1 - prevalence))

# %% tags=["checker"] exercise="none_among_many"
def checker(films_to_tell):
    got, other = films_to_tell(0.02), films_to_tell(0.16)
    if isinstance(got, (int, float, np.number)):
        require(got != 50, "50 films show on average one; none among 50 still has a chance of 36 %.")
        require(got != 3, "You let the chance fall below 0.95 only; it must fall below 0.05.")
        require(got != 150, "The rule of three is a good estimate; we want the exact number.")
        require(got > 1, "You took the chance that one film shows it; here no film shows it.")
        require(not 148 < got < 149, "There are no parts of films: give the next whole number.")
        require(got != 148, "With this many the chance is still above 5 %: round up.")
    close(got, 149, "For 2 % it is another number.", rtol=1e-9)
    close(other, 18, "For 16 % it is another number.", rtol=1e-9)

# %% [markdown] tags=["slide"]
# ## New patients or old acquaintances?
#
# For each drawn film: how far to the *nearest* film that the generator learned from? And for comparison: how far from an **unseen real**
# film to its nearest learned one? A new patient is no nearer than a stranger is.
#
# One number: the chance that a drawn film lies nearer than a stranger. About 0.5 is innocent, 1 is a photocopier, and far below 0.5
# means films unlike any patient.

# %% tags=["varies"]
blocks = {name: witnesses["grey values"](part) for name, part in
          {"learned": learned, "unseen": unseen, "drawn": drawn}.items()}
photocopies = witnesses["grey values"](noisy(learned))
print(f"our generator: {copying(blocks['learned'], blocks['unseen'], blocks['drawn'])}")
print(f"a photocopier: {copying(blocks['learned'], blocks['unseen'], photocopies)}")
claim("A photocopier with some noise is caught", copying(blocks["learned"], blocks["unseen"], photocopies).value > 0.95)

# %% tags=["varies", "slide"]
number, how_far = nearest(blocks["drawn"], blocks["learned"])
closest = np.argsort(how_far)[:4]
pictures = [picture for i in closest for picture in (drawn[i, 0], learned[number[i], 0])]
fig = films(pictures, ["drawn", "nearest learned"] * 4, columns=8, vmin=0, vmax=1)
show(fig, alt="The four drawn films that lie nearest to a learned one, each beside that one: alike in build, other patients in detail")

# %% [markdown]
# These are the four *most* suspicious pairs. Look at ribs, heart and belly: the same person? (We compared with 600 of the 8,000 films
# that it learned from: a copy of one of the other 7,400 would have passed. Before a generator of real patients leaves a hospital,
# compare with all of them.)

# %% [markdown] tags=["slide"]
# ## Small steps, small changes? The path length
#
# Walk between two [[latent vectors|latent vector]] and measure how fast the judge's features change: the [[path length]] (Karras 2019). Short paths mean an orderly
# latent space, which you will need for *steering*.
#
# Latents from a bell curve lie near a sphere. So walk along its surface (*slerp*), not straight through the middle.

# %% tags=["varies", "slide"]
ends = sample_latents(2, generator.latent_size, seed=21).numpy()
steps = [slerp(ends[:1], ends[1:], share)[0] for share in np.linspace(0, 1, 8)]
with torch.inference_mode():
    walk = to_grey(generator(torch.tensor(np.array(steps), dtype=torch.float32)))
says = judge.likelihood(walk)
titles = [f"{(*DISEASES, 'normal')[row.argmax()]}\n{row.max():.2f}".replace("_", " ") for row in says]
show(films(walk[:, 0], titles, columns=8, vmin=0, vmax=1),
     alt="Eight films on the way from one latent vector to another, with what the judge sees in each")

# %% tags=["varies"]
def features_of(made):
    return judge.features(to_grey(made))


paths = {}
for name in ("all", "normal"):
    net = load_generator(name)
    paths[name] = perceptual_path_length(net, features_of, net.latent_size, seed=3, paths=100)
    print(f"{name:6} patients: {paths[name]}")
claim("The generator that knows only healthy patients walks shorter ways", paths["normal"].value < 0.5 * paths["all"].value)

# %% [markdown]
# The number has no scale of its own: it compares generators under the same judge. A film that changes its diagnosis within a small step
# counts most: hence the shorter ways among healthy patients.
#
# **The verdict.** Our generator draws chests, and we found no copies. Its distance lies clearly above the floor, its precision and
# recall somewhat below those of real films. Interstitial opacity comes too often, or grain looks like it; pneumothorax, rare in its
# training, is drawn hardly ever. No single number would have told all this.

# %% [markdown] tags=["instructor"]
# Short of time: leave out the Inception score and the path length. Typical mistakes: reading precision and recall as percentages of quality
# (compare with real against real); comparing Fréchet distances of different numbers of films or of different features; calling a
# generator "good" because its distance went down by less than the interval's width.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - The loss of a GAN is a score against an opponent who learns; it does not measure films.
# - Look first; then measure **distance** (Fréchet, kernel), **kinds** (recall, shares of diseases), **realism** (precision) and **copies**.
# - A Fréchet distance needs its floor: same features, same number of real films. On average chance makes it larger.
# - Features decide what is seen. What the network was not taught, it may overlook.
# - Nothing here proves that a film is *right*. That is asked in the next lessons: by readers, and by classifiers.

# %% [markdown]
# ## References
#
# - Heusel et al., GANs trained by a two time-scale update rule (FID), NeurIPS 2017, arXiv:1706.08500
# - Salimans et al., Improved techniques for training GANs (Inception score), NeurIPS 2016, arXiv:1606.03498
# - Bińkowski et al., Demystifying MMD GANs (kernel distance), ICLR 2018, arXiv:1801.01401
# - Chong and Forsyth, Effectively unbiased FID and Inception score, CVPR 2020, arXiv:1911.07023
# - Kynkäänniemi et al., Improved precision and recall metric, NeurIPS 2019, arXiv:1904.06991
# - Naeem et al., Reliable fidelity and diversity metrics (density, coverage), ICML 2020, arXiv:2002.09797
# - Karras et al., A style-based generator architecture (path length), CVPR 2019, arXiv:1812.04948
# - Meehan et al., A non-parametric test to detect data-copying, AISTATS 2020, arXiv:2004.05675
# - Kim M., Image synthesis and anomaly detection on chest radiographs using generative adversarial networks, master's thesis, University of
#   Ulsan, 2021 (why it does without FID); this course's lesson on checking papers looks at its tables

# %% [markdown] tags=["slide"]
# ## "80 %" means 80 of 100
#
# A network looks at a film and says: *pneumothorax, 80 %*. What should that mean?
#
# Take all the films about which it says 80 %. If 80 of 100 such patients have a pneumothorax, the network is **honest**:
# it is [[calibrated|calibration]]. If only 60 have one, it is over-confident.
#
# You cannot check honesty on one patient. You need many, and you need to know how far chance moves the answer.

# %% [markdown]
# Weather services have lived with this for generations: rain must fall on seven of ten days with "70 % chance of rain". Radiology
# needs it as much. *Treat if the risk is above 20 %* makes no sense with a number that is no risk.
#
# The subject is the **film classifier** of the lessons on trust: six answers, one network, five copies trained from different seeds.
# It learned from films with plain findings. Here it meets an everyday work list, in which findings are fainter. Thousands of answers
# are needed, so they were recorded once: `python -m course_lib.evaluation.calibration_record`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_lib.evaluation.calibration_classes import (
    classwise_errors,
    confidence_error,
    confidence_reliability,
    errors_by_choice,
    ks_error,
    overconfidence,
    right_and_confidence,
)
from course_lib.evaluation.calibration_inputs import softmax
from course_lib.evaluation.calibration_record import everyday_films, load_record
from course_lib.evaluation.calibration_scores import brier_classes, brier_classes_parts, log_loss
from course_lib.evaluation.calibration_uncertainty import error_interval, errors_if_honest
from course_lib.evaluation.calibrators import TemperatureScaling, VectorScaling, with_prior
from course_lib.evaluation.calibrators_one_class import IsotonicCalibration, PlattScaling
from course_lib.learning.film_classifier import CLASSES, load_film_classifier
from course_lib.learning.label_smoothing import smoothed_cross_entropy
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)
record = load_record()
validation, test = record["validation"], record["test"]
print(f"{len(validation.classes)} validation films, {len(test.classes)} test films, {len(test.logits)} networks")

# %% [markdown]
# Is the record what it says? We image its first patients again and ask the network ourselves.

# %%
few, truth_of_few = everyday_films("test", 60)
live = load_film_classifier(0).probability(few)
gap = np.abs(live - test.probability(0)[: len(few)]).max()
claim("The recorded answers are those of the network on these films", gap < 0.02)

# %% tags=["varies"]
least = np.argsort(live.max(1))[:6]
names = [name.replace("_", " ") for name in CLASSES]
says = [f"says {names[live[i].argmax()]}, {live[i].max():.0%}\nis {names[truth_of_few[i]]}" for i in least]
show(films(few[least, 0].numpy(), says, columns=6, width=14),
     alt="Six films on which the network is least sure, each with what it says, how sure it is, and what is true")

# %% [markdown] tags=["slide"]
# ## The reliability diagram
#
# Lesson *measuring* drew it for yes or no. With six classes:
#
# 1. Put the films into bins by **confidence**: the probability of the answer.
# 2. In each bin compare the mean confidence (promised) with the share of right answers (observed).
# 3. Honest: all points on the diagonal.
#
# The [[expected calibration error]] (ECE) is the mean gap, each bin counting as its films:
#
# $$\text{ECE} = \sum_b \frac{n_b}{N}\,\bigl|\,\text{confidence}_b - \text{accuracy}_b\,\bigr|$$

# %% [markdown] tags=["exercise"] exercise="calibration_ece"
# ### Exercise: the expected calibration error
#
# Write `ece(confidence, right, bins)`: `confidence` (N,) in 0 to 1, `right` (N,) 1 for a right answer, else 0. Bins are of equal width
# from 0 to 1; an empty bin counts nothing.

# %% tags=["stub"] exercise="calibration_ece"
def ece(confidence, right, bins):
    """Mean gap between promised and observed, each bin counting as its films."""
    return ...

# %% tags=["check"] exercise="calibration_ece"
check("calibration_ece", ece)

# %% [markdown] tags=["hint"] exercise="calibration_ece"
# Which bin? `np.minimum((confidence * bins).astype(int), bins - 1)`.

# %% [markdown] tags=["hint"] exercise="calibration_ece"
# For each bin that has films: the mean of its confidences, the mean of `right`, the gap without its sign.

# %% [markdown] tags=["hint"] exercise="calibration_ece"
# Add `inside.mean() * abs(confidence[inside].mean() - right[inside].mean())` over the bins; `inside.mean()` is n_b / N.

# %% tags=["solution"] exercise="calibration_ece"
def ece(confidence, right, bins):
    """Mean gap between promised and observed, each bin counting as its films."""
    number = np.minimum((confidence * bins).astype(int), bins - 1)  # 1.0 belongs to the last bin
    total = 0.0
    for b in np.unique(number):
        inside = number == b
        total += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return total

# %% tags=["equivalent"] exercise="calibration_ece"
def ece(confidence, right, bins):
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return np.abs(np.bincount(number, weights=confidence - right)).sum() / len(right)

# %% tags=["equivalent"] exercise="calibration_ece"
def ece(confidence, right, bins):
    edges, total = np.linspace(0, 1, bins + 1), 0.0
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (confidence > low) & (confidence <= high)  # a border may belong to the lower bin
        if inside.any():
            total += inside.sum() / len(right) * abs(right[inside].mean() - confidence[inside].mean())
    return total

# %% tags=["wrong"] exercise="calibration_ece" says="no mean"
def ece(confidence, right, bins):
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [(number == b).mean() * abs(confidence[number == b].mean() - right[number == b].mean()) for b in range(bins)]
    return np.sum(gaps)

# %% tags=["wrong"] exercise="calibration_ece" says="belongs to the last bin"
def ece(confidence, right, bins):
    number = np.digitize(confidence, np.linspace(0, 1, bins + 1))
    return np.abs(np.bincount(number, weights=confidence - right)).sum() / len(right)

# %% tags=["wrong"] exercise="calibration_ece" says="counts as its films"
def ece(confidence, right, bins):
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return np.mean([abs(confidence[number == b].mean() - right[number == b].mean()) for b in np.unique(number)])

# %% tags=["wrong"] exercise="calibration_ece" says="within each bin"
def ece(confidence, right, bins):
    return abs(confidence.mean() - right.mean())

# %% tags=["wrong"] exercise="calibration_ece" says="single film"
def ece(confidence, right, bins):
    return np.abs(confidence - right).mean()

# %% tags=["wrong"] exercise="calibration_ece" says="cancel"
def ece(confidence, right, bins):
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum((number == b).mean() * (confidence[number == b].mean() - right[number == b].mean()) for b in np.unique(number))

# %% tags=["wrong"] exercise="calibration_ece" says="middle of a bin"
def ece(confidence, right, bins):
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum((number == b).mean() * abs((b + 0.5) / bins - right[number == b].mean()) for b in np.unique(number))

# %% tags=["checker"] exercise="calibration_ece"
def checker(ece):
    c = np.array([0.95, 0.9, 0.85, 0.87, 0.75, 0.45, 0.42, 0.3])  # none on a border
    r = np.array([1, 0, 1, 0, 1, 1, 1, 0])
    got = ece(c, r, 5)
    if isinstance(got, (float, np.floating)):
        n = np.minimum((c * 5).astype(int), 4)
        gaps = np.array([c[n == b].mean() - r[n == b].mean() for b in np.unique(n)])
        share = np.array([(n == b).mean() for b in np.unique(n)])
        middle = np.array([abs((b + 0.5) / 5 - r[n == b].mean()) for b in np.unique(n)])
        require(not np.isnan(got), "An empty bin has no mean: leave it out.")
        require(abs(got - np.abs(c - r).mean()) > 1e-6, "A single film is right or wrong; compare means of many.")
        require(abs(got - abs(gaps).mean()) > 1e-6, "A bin counts as its films do: weigh the gaps.")
        require(abs(abs(got) - abs((share * gaps).sum())) > 1e-6, "Gaps of both signs cancel: compare within each bin, and without the sign.")
        require(abs(got - (share * middle).sum()) > 1e-6, "The middle of a bin is not what the network promised: use its mean confidence.")
        close(got, (share * abs(gaps)).sum(), "Eight answers in five bins have another mean gap.")
    c = np.array([0.95, 0.92, 0.88, 0.85, 0.75, 0.72, 0.65, 0.55, 0.45, 0.35])
    r = np.array([1, 1, 1, 0, 1, 0, 1, 0, 1, 0])
    close(ece(c, r, 5), 0.107, "Of ten answers in five bins the mean gap is another.")
    close(ece(np.array([1.0, 0.92]), np.array([0, 1]), 10), 0.46, "A confidence of exactly 1 belongs to the last bin.")

# %% [markdown]
# Now the network itself. Each point carries a 95 % interval (Wilson's); bins with fewer than five films are not drawn. Below are the films per
# bin: most answers are very sure. The diagram has ten bins; where nothing else is said, an ECE is computed with 15.

# %%
def reliability_figure(probability, bins=10, title=""):
    every = confidence_reliability(test.classes, probability, bins)
    points = [p for p in every if p.cases >= 5]  # fewer say nothing
    promised, observed = [p.promised for p in points], [p.observed for p in points]
    limits = np.array([p.interval for p in points]).T
    fig, (top, low) = plt.subplots(2, 1, figsize=(5.2, 5), height_ratios=[3, 1], sharex=True)
    top.plot([0, 1], [0, 1], "k:", label="honest")
    around = np.abs(limits - np.array(observed))
    top.errorbar(promised, observed, around, fmt="o", capsize=3, label="observed, 95 % interval")
    top.set(ylabel="share of right answers", ylim=(0, 1.03), title=title)
    top.legend(loc="upper left")
    low.bar(promised, [p.cases for p in points], width=0.6 / bins, color=COLOURS[5])
    low.set(xlabel="confidence", ylabel="films", yscale="log", xlim=(0.15, 1.02))
    return fig


show(reliability_figure(test.probability(0), title="the film classifier on everyday films"),
     alt="Reliability diagram with ten bins: the points lie near the diagonal within wide intervals, the last one, "
     "with nine tenths of the films, a little below it")

# %% tags=["varies"]
right, confidence = right_and_confidence(test.classes, test.probability(0))
print(f"mean confidence {confidence.mean():.3f}, right {right.mean():.3f}, ECE {confidence_error(test.classes, test.probability(0)):.3f}")

# %% [markdown] tags=["slide"]
# ## Where over-confidence comes from
#
# Not bad, for a network that was stopped in time. Now a colleague gets hold of its 90 features and trains a new head on 300 films of his
# own. The loss is the **log loss** (cross-entropy): the mean of $-\log p$ of the true class. He trains until it is nearly 0, because
# *lower is better*.
#
# From some step on, all his training films are answered rightly. The loss can fall further in one way only: by growing **surer**.
#
# A second head has [[label smoothing]]: it is told to say 92 % for the true class, not 100 %, and to share 8 % among the others.

# %%
mean, spread = validation.features.mean(0), validation.features.std(0) + 1e-6
inputs = {n: torch.tensor((record[n].features - mean) / spread, dtype=torch.float32) for n in ("validation", "test")}
OWN = 300  # films to learn from; the other validation films are kept for calibrating
STEPS = (10, 20, 40, 80, 160, 320, 640, 1280)


def train_head(smoothing=0.0, seed=0):
    """Logits of the calibration and test films after each number of steps."""
    torch.manual_seed(seed)
    head = torch.nn.Sequential(torch.nn.Linear(90, 64), torch.nn.ReLU(), torch.nn.Linear(64, 6))
    optimiser = torch.optim.Adam(head.parameters(), 3e-3)
    x, y = inputs["validation"][:OWN], torch.tensor(validation.classes[:OWN])
    kept = {}
    for step in range(1, STEPS[-1] + 1):
        loss = smoothed_cross_entropy(head(x), y, smoothing)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step in STEPS:
            with torch.no_grad():
                kept[step] = [head(some).double().numpy() for some in (x, inputs["validation"][OWN:], inputs["test"])]
    return kept


heads = {smoothing: train_head(smoothing) for smoothing in (0.0, 0.1)}
keep_classes = validation.classes[OWN:]

# %% tags=["slide", "varies"]
fig, (left, right_ax) = plt.subplots(1, 2, figsize=(10, 3.6))
of = {s: [softmax(z[2]) for z in heads[s].values()] for s in heads}
left.plot(STEPS, [log_loss(validation.classes[:OWN], softmax(z[0])) for z in heads[0.0].values()], "--", label="training films")
left.plot(STEPS, [log_loss(test.classes, p) for p in of[0.0]], label="test films")
left.set(xscale="log", xlabel="training steps", ylabel="log loss", title="no smoothing: the loss tells", ylim=(0, 1))
left.legend()
accuracies = [right_and_confidence(test.classes, p)[0].mean() for p in of[0.0]]
right_ax.plot(STEPS, accuracies, "k", label="right answers")
for smoothing, colour in zip(heads, COLOURS, strict=False):
    sure = [right_and_confidence(test.classes, p)[1].mean() for p in of[smoothing]]
    right_ax.plot(STEPS, sure, color=colour, label=f"confidence, smoothing {smoothing:g}")
right_ax.set(xscale="log", xlabel="training steps", title="accuracy hardly moves, confidence does", ylim=(0.4, 1.01))
right_ax.legend(loc="lower right")
show(fig, alt="Left: with more steps the log loss of training films falls to zero, that of test films rises again. Right: accuracy "
     "stays near 93 percent while the mean confidence climbs to 99; with label smoothing it stays below the accuracy")

# %%
raw = heads[0.0][STEPS[-1]]
sharp = softmax(raw[2])  # the over-trained head on the test films
losses = [log_loss(test.classes, p) for p in of[0.0]]
claim("At the end the log loss of new films is more than twice its best", losses[-1] > 2 * min(losses))
claim("The over-trained head promises at least 4 points too much", overconfidence(test.classes, sharp) > 0.04)
claim("Label smoothing overdoes it: at least 4 points too little", overconfidence(test.classes, of[0.1][-1]) < -0.04)

# %% [markdown]
# Label smoothing prevents over-confidence, but it does not aim at honesty: it asks for the same 92 % on every film, easy or hard. On new films
# the head says even less, and is right more often than it says. It is a guard rail, not a calibration.
#
# The head shows what over-training does. It is the patient for the treatment that follows.

# %%
show(reliability_figure(sharp, title="the over-trained head"),
     alt="Reliability diagram of the over-trained head: the points lie below the diagonal, the last one, with nearly all films, too")

# %% [markdown] tags=["slide"]
# ## One number: the temperature
#
# Divide all logits by one number $T$ before the softmax: $p = \text{softmax}(z / T)$.
#
# - $T > 1$: more modest. $T < 1$: surer.
# - The largest logit stays the largest: **no answer changes**, neither accuracy nor any ranking of a film's classes.
# - [[Temperature scaling]] picks the $T$ with the smallest log loss on validation films. One number cannot overfit much.

# %% [markdown]
# ### Play: find the temperature, and be fooled by bins
#
# Move the temperature until the points lie on the diagonal. Then move the number of bins, and watch what the error says.

# %%
def draw_temperature(temperature, bins):
    p = softmax(raw[2] / temperature)
    title = f"T = {temperature:g}: ECE {confidence_error(test.classes, p, bins):.3f}, log loss {log_loss(test.classes, p):.3f}"
    return reliability_figure(p, bins, title=title)


explore(draw_temperature, alt="Reliability diagram of the over-trained head at the chosen temperature and number of bins",
        temperature=(0.5, 8.0, 0.1, 1.0), bins=(2, 50, 1, 10))

# %% [markdown] tags=["exercise"] exercise="calibration_temperature"
# ### Exercise: fit the temperature
#
# Write `best_temperature(logits, classes, candidates)`: the one of the `candidates` whose softmax has the smallest log loss (mean of
# $-\log p$ of the true class). `softmax(z)` works on the last axis.

# %% tags=["stub"] exercise="calibration_temperature"
def best_temperature(logits, classes, candidates):
    """The candidate with the smallest log loss."""
    return ...

# %% tags=["check"] exercise="calibration_temperature"
check("calibration_temperature", best_temperature)

# %% [markdown] tags=["hint"] exercise="calibration_temperature"
# For each candidate: divide, softmax, look at the probability of the true class only.

# %% [markdown] tags=["hint"] exercise="calibration_temperature"
# `p[np.arange(len(classes)), classes]` are the probabilities of the true classes.

# %% [markdown] tags=["hint"] exercise="calibration_temperature"
# Collect `-np.log(p[np.arange(len(classes)), classes]).mean()` in a list; `candidates[np.argmin(losses)]`.

# %% tags=["solution"] exercise="calibration_temperature"
def best_temperature(logits, classes, candidates):
    """The candidate with the smallest log loss."""
    losses = []
    for temperature in candidates:
        p = softmax(logits / temperature)
        losses.append(-np.log(p[np.arange(len(classes)), classes]).mean())  # a proper score
    return candidates[int(np.argmin(losses))]

# %% tags=["equivalent"] exercise="calibration_temperature"
def best_temperature(logits, classes, candidates):
    return min(candidates, key=lambda t: log_loss(classes, softmax(logits / t)))

# %% tags=["wrong"] exercise="calibration_temperature" says="Divide"
def best_temperature(logits, classes, candidates):
    return min(candidates, key=lambda t: log_loss(classes, softmax(logits * t)))

# %% tags=["wrong"] exercise="calibration_temperature" says="smallest, not largest"
def best_temperature(logits, classes, candidates):
    return max(candidates, key=lambda t: log_loss(classes, softmax(logits / t)))

# %% tags=["wrong"] exercise="calibration_temperature" says="never changes"
def best_temperature(logits, classes, candidates):
    return max(candidates, key=lambda t: (softmax(logits / t).argmax(1) == classes).mean())

# %% tags=["wrong"] exercise="calibration_temperature" says="true class"
def best_temperature(logits, classes, candidates):
    return min(candidates, key=lambda t: -np.log(softmax(logits / t).max(1)).mean())

# %% tags=["wrong"] exercise="calibration_temperature" says="its place"
def best_temperature(logits, classes, candidates):
    return np.argmin([log_loss(classes, softmax(logits / t)) for t in candidates])

# %% tags=["wrong"] exercise="calibration_temperature" says="depends on its bins"
def best_temperature(logits, classes, candidates):
    return min(candidates, key=lambda t: confidence_error(classes, softmax(logits / t)))

# %% tags=["checker"] exercise="calibration_temperature"
def checker(best_temperature):
    random = np.random.default_rng(0)
    z = random.normal(size=(3000, 3))
    y = (random.random((3000, 1)) > softmax(z).cumsum(1)).sum(1)
    steps = [4.0, 2.0, 1.0, 0.5, 0.25]
    got, honest = best_temperature(2 * z, y, steps), best_temperature(z, y, steps)
    perfect = best_temperature(z, z.argmax(1), steps)
    require(not (got == 0.5 and honest == 1.0), "Divide the logits by the temperature; you multiply.")
    require(not (got == honest == perfect == 4.0), "The accuracy never changes with the temperature: use the log loss.")
    require(not (got == honest == perfect == 0.25), "You look at the largest probability; look at that of the true class.")
    require(not (got == 0.25 and perfect == 4.0), "The loss should be the smallest, not largest.")
    require(not (got == 1 and honest == 2), "Return the candidate itself, not its place in the list.")
    few = np.random.default_rng(5)
    z_few = 2 * few.normal(size=(60, 3))
    y_few = (few.random((60, 1)) > softmax(z_few).cumsum(1)).sum(1)
    require(best_temperature(z_few, y_few, steps) != 0.5, "Do not choose by the calibration error, which depends on its bins: take the log loss.")
    close(float(got), 2.0, "Logits that are twice too large need another temperature.")
    close(float(honest), 1.0, "An honest network needs no other temperature.")

# %%
fitted = TemperatureScaling.fit(raw[1], keep_classes)  # films that the head has not learned from
mended = fitted.probability(raw[2])
show(reliability_figure(mended, title=f"the over-trained head at T = {fitted.temperature:.2f}"),
     alt="Reliability diagram after temperature scaling: the points lie much nearer to the diagonal")

# %% tags=["varies"]
for name, p in (("as it is", sharp), (f"T = {fitted.temperature:.2f}", mended)):
    print(f"{name:10} confidence {right_and_confidence(test.classes, p)[1].mean():.3f}, ECE {confidence_error(test.classes, p):.3f}, "
          f"log loss {log_loss(test.classes, p):.3f}, Brier {brier_classes(test.classes, p):.3f}")

# %%
claim("No answer has changed", np.array_equal(sharp.argmax(1), mended.argmax(1)))
claim("The calibration error is less than half", confidence_error(test.classes, mended) < 0.5 * confidence_error(test.classes, sharp))
claim("The log loss of new films is 30 % lower or more", log_loss(test.classes, mended) < 0.7 * log_loss(test.classes, sharp))
try:
    TemperatureScaling.fit(raw[0], validation.classes[:OWN])
except ValueError as refused:
    print("Fitted on the head's own training films:", refused)

# %% [markdown]
# That refusal is the reason for validation films: on its training films the head makes no mistake, so its extreme confidence looks justified.
#
# At the best temperature something simple holds (the derivative of the log loss is 0): averaged over the films, the logit of the
# true class equals the logit that the network *expects*, $\overline{z_y} = \overline{\sum_k p_k z_k}$.

# %% [markdown] tags=["slide"]
# ## Is an ECE of 0.02 bad?
#
# An ECE without its bins and its number of films means nothing.
#
# - Gaps are taken without their sign, so **chance alone makes an error**: a perfectly honest network does not reach 0.
# - More bins, fewer films per bin, more chance, larger error.
# - Remedy: draw the truth anew **from the network's own probabilities** (then it *is* honest), many times, and see what ECE comes out.

# %%
random = np.random.default_rng(64)
numbers = (50, 100, 200, 500, 1000, 2000)
measured, honest = [], []
for n in numbers:
    parts = [random.choice(len(test.classes), n, replace=False) for _ in range(40)]
    measured.append([confidence_error(test.classes[part], mended[part]) for part in parts])
    honest.append([errors_if_honest(mended[part], rounds=1, seed=k)[0] for k, part in enumerate(parts)])
fig, (left, right_ax) = plt.subplots(1, 2, figsize=(10, 3.5))
for values, name in ((measured, "the mended head"), (honest, "if it were honest")):
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=1)
    left.plot(numbers, middle, "o-", label=name)
    left.fill_between(numbers, low, high, alpha=0.2)
left.set(xscale="log", xlabel="films in the study", ylabel="ECE, 15 bins", ylim=(0, None), title="the same network, more films")
left.legend()
choices = errors_by_choice(test.classes, test.probability(0), (2, 5, 10, 15, 20, 50, 100))
for by in ("width", "mass"):
    right_ax.plot([b for kind, b in choices if kind == by], [e for (kind, _), e in choices.items() if kind == by], "o-", label=f"bins of equal {by}")
right_ax.set(xscale="log", xlabel="bins", ylabel="ECE", ylim=(0, None), title="the same answers, other bins")
right_ax.legend()
show(fig, alt="Left: the ECE falls with the number of films, for the mended head and nearly as high for an honest network. "
     "Right: the ECE of the same answers grows with the number of bins, for bins of equal width and of equal mass")

# %%
claim("On 100 films even honest answers show an ECE three times as large as on 2000", np.median(honest[1]) > 3 * np.median(honest[-1]))
claim("More bins never make it smaller when they divide the old ones", choices["width", 100] >= choices["width", 50] >= choices["width", 10])

# %% [markdown]
# So an ECE is reported with its interval, beside what an honest network would show. (The interval is a [[bootstrap]]; the chance that resampling
# itself adds is taken off.) And there are measures without bins: the
# **overconfidence** (mean confidence minus accuracy), and the KS error, the largest gap of the *running sums*.

# %% tags=["varies"]
from course_lib.evaluation.calibration_uncertainty import honesty_p_value

for name, p in (("film classifier", test.probability(0)), ("over-trained head", sharp), ("mended head", mended)):
    print(f"{name:18} ECE {confidence_error(test.classes, p):.3f} (95 % interval {error_interval(test.classes, p, rounds=200)}); "
          f"if honest {errors_if_honest(p, rounds=100).mean():.3f}, p = {honesty_p_value(test.classes, p, rounds=200):.3f}; "
          f"KS {ks_error(test.classes, p):.3f}; overconfidence {overconfidence(test.classes, p):+.3f}")

# %%
claim("The over-trained head is not honest: no honest draw comes near", honesty_p_value(test.classes, sharp, rounds=99) <= 0.0101)

# %% [markdown] tags=["instructor"]
# Ask: *network A has ECE 0.03 on 150 films, network B 0.02 on 5000. Which is better calibrated?* Nobody can say; A's may be chance alone.
# Short of time: skip the Brier parts and the table of calibrators. Typical mistakes: fitting T on training films; fitting T on the films it
# is then judged on; choosing T by the smallest ECE (it depends on bins and may reward the useless); believing that a better
# calibrated network ranks better.

# %% [markdown] tags=["slide"]
# ## Scores that cannot be cheated
#
# A network that always says the prevalences has an ECE of 0. It is honest, and useless.
#
# A **[[proper score]]** is best, on average, only for who says what he believes:
#
# - [[Brier score]]: $\sum_k (p_k - y_k)^2$, from 0 to 2
# - **log loss**: $-\log p_{\text{true}}$, from 0 to infinity: certain and wrong is unforgivable

# %% tags=["varies"]
shares = np.bincount(test.classes) / len(test.classes)
lazy = np.tile(shares, (len(test.classes), 1))
for name, p in (("always the prevalences", lazy), ("over-trained head", sharp), ("mended head", mended)):
    parts = brier_classes_parts(test.classes, p, 20)
    three = parts.reliability - parts.resolution + parts.uncertainty
    print(f"{name:23} ECE {confidence_error(test.classes, p):.2f}  Brier {parts.brier:.2f} = reliability {parts.reliability:.3f} "
          f"- resolution {parts.resolution:.2f} + uncertainty {parts.uncertainty:.2f}, and within bins {parts.brier - three:+.3f}")
parts = brier_classes_parts(test.classes, sharp, 20)
claim("Five parts make up the Brier score exactly", abs(parts.brier - brier_classes(test.classes, sharp)) < 1e-12)
claim("The lazy answer is calibrated, and worse by far", confidence_error(test.classes, lazy) < 1e-9 and brier_classes(test.classes, lazy) > 4 * parts.brier)

# %% [markdown]
# **Reliability** is the squared gap (bad), **resolution** how far the bins' frequencies lie apart (good), **uncertainty** what these patients
# alone cost. Murphy's three parts of 1973 are exact only if all probabilities of a bin are equal; two terms *within* the bins (Stephenson
# 2008) close the gap.

# %% [markdown] tags=["exercise"] exercise="calibration_proper"
# ### Exercise: why the Brier score is proper
#
# A patient is ill with probability `q`. You say `p`. Write `expected_score(p, q)`, the Brier score $(p - y)^2$ that you must expect
# ($y$ is 1 if ill, else 0). Then look at the picture below: where is it smallest?

# %% tags=["stub"] exercise="calibration_proper"
def expected_score(p, q):
    """Expected (p - y)^2 when y is 1 with probability q."""
    return ...

# %% tags=["check"] exercise="calibration_proper"
check("calibration_proper", expected_score)

# %% [markdown] tags=["hint"] exercise="calibration_proper"
# Two things can happen. What is the score in each, and how often does it happen?

# %% [markdown] tags=["hint"] exercise="calibration_proper"
# Ill (probability q): the score is (p - 1) squared. Healthy (1 - q): p squared.

# %% [markdown] tags=["hint"] exercise="calibration_proper"
# `q * (p - 1) ** 2 + (1 - q) * p**2`

# %% tags=["solution"] exercise="calibration_proper"
def expected_score(p, q):
    """Expected (p - y)^2 when y is 1 with probability q."""
    return q * (p - 1) ** 2 + (1 - q) * p**2  # its slope by p is 2 (p - q): smallest at p = q

# %% tags=["equivalent"] exercise="calibration_proper"
def expected_score(p, q):
    return (p - q) ** 2 + q * (1 - q)

# %% tags=["wrong"] exercise="calibration_proper" says="uncertain"
def expected_score(p, q):
    return (p - q) ** 2

# %% tags=["wrong"] exercise="calibration_proper" says="healthy"
def expected_score(p, q):
    return q * (p - 1) ** 2

# %% tags=["wrong"] exercise="calibration_proper" says="squared"
def expected_score(p, q):
    return q * abs(p - 1) + (1 - q) * abs(p)

# %% tags=["wrong"] exercise="calibration_proper" says="other way round"
def expected_score(p, q):
    return q * p**2 + (1 - q) * (p - 1) ** 2

# %% tags=["wrong"] exercise="calibration_proper" says="How often"
def expected_score(p, q):
    return (p - 1) ** 2 + p**2

# %% tags=["checker"] exercise="calibration_proper"
def checker(expected_score):
    got = expected_score(0.7, 0.4)
    if isinstance(got, (int, float, np.floating)):
        require(abs(got - 0.09) > 1e-9, "Even who says exactly q pays: the single outcome stays uncertain.")
        require(abs(got - 0.036) > 1e-9, "And if the patient is healthy? That happens too.")
        require(abs(got - 0.54) > 1e-9, "The distance is squared.")
        require(abs(got - 0.58) > 1e-9, "How often does each of the two happen? Weigh them.")
        require(abs(got - 0.25) > 1e-9, "It is the other way round: if ill, the distance is p - 1.")
    close(got, 0.33, "At p = 0.7 and q = 0.4 we expect another score.")
    close(expected_score(0.4, 0.4), 0.24, "Who says q = 0.4 expects another score.")

# %%
p_said = np.linspace(0.01, 0.99, 99)
fig, ax = plt.subplots(figsize=(6, 3.2))
for q, colour in zip((0.2, 0.5, 0.9), COLOURS, strict=False):
    ax.plot(p_said, (p_said - q) ** 2 + q * (1 - q), color=colour, label=f"true risk {q:g}")
    ax.plot(p_said, q * (1 - p_said) + (1 - q) * p_said, ":", color=colour)
    ax.plot(q, q * (1 - q), "o", color=colour)
ax.set(xlabel="what is said", ylabel="expected score", title="solid: squared distance; dotted: distance not squared")
ax.legend()
show(fig, alt="Expected score against what is said for three true risks: the squared distance is smallest at the true risk, "
     "the distance without square at 0 or 1")

# %% [markdown]
# Without the square the score is *not* proper: it rewards whoever rounds his risk to 0 or 1. So does the accuracy.

# %% [markdown] tags=["slide"]
# ## More numbers: vector, Platt, isotonic
#
# | method | numbers for 6 classes | can change answers |
# |---|---|---|
# | temperature | 1 | no |
# | vector scaling: weight and offset per class | 12 | yes |
# | Platt: a sigmoid per class, then sum 1 | 12 | yes |
# | isotonic: any rising staircase per class, then sum 1 | as many as the films allow | yes |
#
# More numbers fit more shapes, and need more films.

# %%
METHODS = {"temperature": TemperatureScaling, "vector": VectorScaling, "Platt": PlattScaling, "isotonic": IsotonicCalibration}
sizes = (60, 120, 240, 480, len(keep_classes))
found = {name: [] for name in METHODS}
for size in sizes:
    first = np.arange(size)
    for name, method in METHODS.items():
        p = method.fit(raw[1][first], keep_classes[first]).probability(raw[2])
        found[name].append((log_loss(test.classes, p), classwise_errors(test.classes, p).mean(), right_and_confidence(test.classes, p)[0].mean()))

fig, axes = plt.subplots(1, 3, figsize=(12, 3.4))
for ax, what, k in zip(axes, ("log loss", "class-wise ECE", "accuracy"), range(3), strict=True):
    for name, values in found.items():
        ax.plot(sizes, [v[k] for v in values], "o-", label=name)
    before = (log_loss(test.classes, sharp), classwise_errors(test.classes, sharp).mean(), right_and_confidence(test.classes, sharp)[0].mean())[k]
    ax.axhline(before, color="k", linestyle=":", label="as it was")
    ax.set(xscale="log", xlabel="validation films", title=what)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
axes[0].legend(fontsize=8)
show(fig, alt="Log loss, class-wise ECE and accuracy on the test films against the number of validation films, for four calibrators "
     "and without: with 60 films the temperature has the lowest log loss, with all films they are close together")

# %%
small = {name: values[0][0] for name, values in found.items()}
large = {name: values[-1][0] for name, values in found.items()}
claim("With all validation films every method beats the raw head", max(large.values()) < log_loss(test.classes, sharp))
claim("With 60 films isotonic regression is worse than one temperature", small["isotonic"] > small["temperature"])

# %% [markdown]
# **Platt** puts a sigmoid on each class's log odds, against all others. **Isotonic** regression draws the best rising staircase; its first
# step may say exactly 0, and one patient who shows that class makes the log loss infinite, so ours has a floor. Both calibrate each
# class alone and then divide by the sum, which moves again what was just put right. The **class-wise** ECE looks at every class's
# probability, not only at the answer's: a consolidation at 8 % in the second place also is a promise.

# %% [markdown] tags=["slide"]
# ## Five networks are more modest than one
#
# An [[ensemble]] averages the probabilities of networks trained from different seeds. Where they disagree, the mean is less sure.

# %% tags=["varies"]
alone = [test.probability(member) for member in range(5)]
together = test.ensemble()
for name, p in [(f"network {k}", p) for k, p in enumerate(alone)] + [("all five", together)]:
    print(f"{name:10} accuracy {right_and_confidence(test.classes, p)[0].mean():.3f}  overconfidence {overconfidence(test.classes, p):+.3f}  "
          f"log loss {log_loss(test.classes, p):.3f}")

# %%
claim("The ensemble has a lower log loss than any of its members", log_loss(test.classes, together) < min(log_loss(test.classes, p) for p in alone))
claim("It promises less than its members do on average", right_and_confidence(test.classes, together)[1].mean() < np.mean([p.max(1) for p in alone]))

# %% [markdown]
# Is it better *calibrated*? Modest is not the same as honest: averaging an honest crowd makes it **under**-confident. What is sure
# is this: the log loss is convex, so the log loss of the mean probability is never above the mean of the members' log losses. That it beats
# even the best member, as here, is usual but not certain.
#
# ## When the world changes
#
# A calibration is a promise about *these* patients and *this* machine. We fit a temperature to each network on scanner A, where it belongs,
# and send the **same thousand patients** to other machines.

# %% tags=["slide", "varies"]
PLACES = {"A": "test", "B": "B", "C": "C", "portable": "portable"}
cooled = [TemperatureScaling.fit(z, validation.classes) for z in validation.logits]
patients = len(record["B"].classes)
shift = {}
for place, cohort in PLACES.items():
    y, z = record[cohort].classes[:patients], record[cohort].logits[:, :patients]
    one = [(overconfidence(y, softmax(z[m])), overconfidence(y, cooled[m].probability(z[m]))) for m in range(5)]
    shift[place] = {
        "one network": np.mean([before for before, _ in one]), "one network, T of A": np.mean([after for _, after in one]),
        "ensemble": overconfidence(y, softmax(z).mean(0)),
        "accuracy": np.mean([right_and_confidence(y, softmax(z[m]))[0].mean() for m in range(5)]),
    }
fig, ax = plt.subplots(figsize=(8, 3.4))
for k, name in enumerate(("one network", "one network, T of A", "ensemble")):
    ax.bar(np.arange(4) + 0.25 * (k - 1), [shift[place][name] for place in shift], 0.25, label=name)
ax.axhline(0, color="k", lw=0.8)
ax.set_xticks(range(4), [f"{place}\naccuracy {values['accuracy']:.2f}" for place, values in shift.items()])
ax.set(ylabel="overconfidence", title="the same patients on four machines")
ax.legend()
show(fig, alt="Bars of overconfidence on four machines for one network, with the temperature of machine A, and for the ensemble: near zero on "
     "A and B, much above zero on C and the portable machine; the temperature of A takes off a third, the ensemble most of it at the bedside only")

# %%
claim("Accuracy falls on the old machine C and at the bedside", max(shift["C"]["accuracy"], shift["portable"]["accuracy"]) < shift["A"]["accuracy"] - 0.03)
claim("There the temperature of A leaves most of the overconfidence",
      all(shift[place]["one network, T of A"] > 0.5 * shift[place]["one network"] for place in ("C", "portable")))

claim("The ensemble helps at the bedside, and much less on C", shift["portable"]["ensemble"] < 0.05 < shift["C"]["ensemble"])

# %% [markdown]
# A temperature knows nothing of where a film comes from. The films of C look strange, the answers are often wrong, and the network is
# sure all the same. The ensemble is modest where its members disagree, as at the bedside; on C they err alike, and nobody
# warns. Calibrate again with labelled films of the new machine, or find out that a film does not belong (lesson
# *unknowns*); a better fit on the old films does not help.
#
# ### When only the prevalences change
#
# One kind of change can be computed, as lesson *shifts* did for a flu wave. Here about every second patient is ill. Let the network move to
# **screening**, where 1 of 100 is: same films, other mixture ([[label shift]]). By Bayes' rule, what was honest before is put right by
#
# $$p'_k \;\propto\; p_k \,\frac{\text{new share}_k}{\text{old share}_k}$$

# %% [markdown] tags=["exercise"] exercise="calibration_prior"
# ### Exercise: the same answers in another hospital
#
# In lesson *shifts* there were two classes, ill or not. Now all classes at once: `p` (N, K) are the probabilities of N films, calibrated where
# the classes have the shares `before` (K,). Write `elsewhere(p, before, after)`, the probabilities (N, K) of the same films where the
# shares are `after` (K,).

# %% tags=["stub"] exercise="calibration_prior"
def elsewhere(p, before, after):
    """Probabilities (N, K) where the classes have the shares `after`."""
    return ...

# %% tags=["check"] exercise="calibration_prior"
check("calibration_prior", elsewhere)

# %% [markdown] tags=["hint"] exercise="calibration_prior"
# The sign $\propto$ means: up to one factor per film. Which factor makes the probabilities of a film sum to 1?

# %% [markdown] tags=["hint"] exercise="calibration_prior"
# `weighed = p * after / before` has the shape of `p`: every column has been multiplied by its own number.

# %% [markdown] tags=["hint"] exercise="calibration_prior"
# Divide each row by its sum: `weighed / weighed.sum(1, keepdims=True)`.

# %% tags=["solution"] exercise="calibration_prior"
def elsewhere(p, before, after):
    """Probabilities (N, K) where the classes have the shares `after`."""
    weighed = p * after / before
    return weighed / weighed.sum(1, keepdims=True)  # each film's probabilities sum to 1 again

# %% tags=["equivalent"] exercise="calibration_prior"
def elsewhere(p, before, after):
    return np.array([row * after / before / sum(row * after / before) for row in p])

# %% tags=["equivalent"] exercise="calibration_prior"
def elsewhere(p, before, after):
    return softmax(np.log(p) + np.log(after) - np.log(before))

# %% tags=["wrong"] exercise="calibration_prior" says="sum to 1"
def elsewhere(p, before, after):
    return p * after / before

# %% tags=["wrong"] exercise="calibration_prior" says="own sum"
def elsewhere(p, before, after):
    return p * after / before / (p * after / before).sum()

# %% tags=["wrong"] exercise="calibration_prior" says="own sum"
def elsewhere(p, before, after):
    return p * after / before / (p * after / before).sum(0)

# %% tags=["wrong"] exercise="calibration_prior" says="other direction"
def elsewhere(p, before, after):
    weighed = p * before / after
    return weighed / weighed.sum(1, keepdims=True)

# %% tags=["wrong"] exercise="calibration_prior" says="twice"
def elsewhere(p, before, after):
    return p * after / (p * after).sum(1, keepdims=True)

# %% tags=["checker"] exercise="calibration_prior"
def checker(elsewhere):
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
    old, new = np.array([0.5, 0.3, 0.2]), np.array([0.9, 0.08, 0.02])

    def rows_to_one(x):
        return x / x.sum(1, keepdims=True)

    got = elsewhere(p, old, new)
    if isinstance(got, np.ndarray) and got.shape == (2, 3):
        weighed = p * new / old
        require(np.abs(got - weighed).max() > 1e-9, "The probabilities of each film must sum to 1 afterwards.")
        for total in (weighed.sum(), weighed.sum(0)):
            require(np.abs(got - weighed / total).max() > 1e-9, "Each film has its own sum: divide every row by the sum of that row.")
        require(np.abs(got - rows_to_one(p * old / new)).max() > 1e-9, "That is the other direction: from the new hospital to the old one.")
        require(np.abs(got - rows_to_one(p * new)).max() > 1e-9,
                "The old shares are in p already; without dividing by them you count shares twice.")
    close(got, rows_to_one(p * new / old), "Two films, three classes, other shares: the probabilities are others.")
    close(elsewhere(p, old, old), p, "With the same shares nothing changes.")

# %%
before = np.bincount(validation.classes, minlength=6) / len(validation.classes)
screening = np.array([0.99, *[0.01 / 5] * 5])
weight = (screening / shares)[test.classes]
rows = np.random.default_rng(6402).choice(len(test.classes), 40_000, p=weight / weight.sum())
as_said = together[rows]
corrected = with_prior(as_said, before, screening)
ill = test.classes[rows] != 0
flagged = as_said[:, 0] < 0.5
fig, (left, right_ax) = plt.subplots(1, 2, figsize=(9, 3.2))
left.bar(["as said", "corrected", "truly ill"], [1 - as_said[:, 0].mean(), 1 - corrected[:, 0].mean(), ill.mean()], color=[*COLOURS[1::-1], "0.4"])
left.set(ylabel="mean risk of any finding", title="screening: 1 of 100 is ill")
right_ax.bar(["as said", "corrected"], [log_loss(test.classes[rows], p) for p in (as_said, corrected)], color=COLOURS[1::-1])
right_ax.set(ylabel="log loss", title="lower is better")
show(fig, alt="Left: mean risk in screening, about three times too high as the network says it, near the truth after the correction. "
     "Right: the log loss falls to less than half")

# %% tags=["varies"]
for name, p in (("as said", as_said), ("corrected", corrected)):
    print(f"{name:9} mean risk {1 - p[:, 0].mean():.3f} (true {ill.mean():.3f}), of films called ill {1 - p[flagged, 0].mean():.2f} "
          f"(true {ill[flagged].mean():.2f}), log loss {log_loss(test.classes[rows], p):.4f}")

# %%
said, right_prior = 1 - as_said[:, 0].mean(), 1 - corrected[:, 0].mean()
claim("In screening the network promises far more illness than there is", said > 1.5 * ill.mean())
claim("Corrected, the mean risk is nearer to the truth", abs(right_prior - ill.mean()) < 0.5 * abs(said - ill.mean()))
claim("... and the log loss is lower by a third or more", log_loss(test.classes[rows], corrected) < 0.67 * log_loss(test.classes[rows], as_said))

# %% [markdown]
# Nothing was trained again. But look at the films *called ill*: there the corrected risk is now too low. Bayes' rule is exact for honest
# probabilities only; a small dishonesty near 1 is magnified a hundredfold. It needs the new prevalences: known in advance, or estimated from unlabelled films (lesson *shifts*).
#
# ## What it is for: decisions
#
# Call a patient back if the expected harm of waiting is larger than that of calling: a missed finding costs `missed`, a needless CT costs
# `needless`. With an honest risk $p$ the rule is a threshold, and nobody has to tune it.

# %% [markdown] tags=["exercise"] exercise="calibration_threshold"
# ### Exercise: the threshold of a decision
#
# Write `threshold(missed, needless)`: the risk above which calling back is the cheaper choice. (Right decisions cost nothing.)

# %% tags=["stub"] exercise="calibration_threshold"
def threshold(missed, needless):
    """Risk at which both choices have the same expected cost."""
    return ...

# %% tags=["check"] exercise="calibration_threshold"
check("calibration_threshold", threshold)

# %% [markdown] tags=["hint"] exercise="calibration_threshold"
# Risk p. What does *waiting* cost on average? What does *calling* cost on average?

# %% [markdown] tags=["hint"] exercise="calibration_threshold"
# Waiting: p times missed. Calling: (1 - p) times needless. Where are they equal?

# %% [markdown] tags=["hint"] exercise="calibration_threshold"
# p missed = needless - p needless, so p = needless / (missed + needless).

# %% tags=["solution"] exercise="calibration_threshold"
def threshold(missed, needless):
    """Risk at which both choices have the same expected cost."""
    return needless / (missed + needless)  # p * missed = (1 - p) * needless

# %% tags=["equivalent"] exercise="calibration_threshold"
def threshold(missed, needless):
    return 1 / (1 + missed / needless)

# %% tags=["wrong"] exercise="calibration_threshold" says="odds"
def threshold(missed, needless):
    return needless / missed

# %% tags=["wrong"] exercise="calibration_threshold" says="dangerous"
def threshold(missed, needless):
    return missed / (missed + needless)

# %% tags=["wrong"] exercise="calibration_threshold" says="costs matter"
def threshold(missed, needless):
    return 0.5

# %% tags=["wrong"] exercise="calibration_threshold" says="at most 1"
def threshold(missed, needless):
    return missed / needless

# %% tags=["checker"] exercise="calibration_threshold"
def checker(threshold):
    got = threshold(19, 1)
    if isinstance(got, (int, float, np.floating)):
        require(got <= 1, "A risk is at most 1; yours is larger.")
        require(abs(got - 1 / 19) > 1e-9, "Those are the odds at the threshold; we want the risk.")
        require(abs(got - 0.95) > 1e-9, "The more dangerous a miss, the *lower* the risk at which you act.")
        require(abs(got - 0.5) > 1e-9, "At one half both mistakes would cost the same; the costs matter.")
    close(got, 0.05, "If a miss costs 19 times as much, act at another risk.")
    close(threshold(1, 1), 0.5, "If both cost the same, act when illness is the more likely.")

# %%
def cost_per_patient(p, missed):
    """Mean cost when the honest threshold is used; a needless call costs 1."""
    call = 1 - p[:, 0] > 1 / (1 + missed)
    is_ill = test.classes != 0
    return (missed * (is_ill & ~call) + (~is_ill & call)).mean()


missed = np.array([1, 2, 5, 10, 20, 50, 100])
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for name, p in (("over-trained head", sharp), ("the same, mended", mended)):
    ax.plot(missed, [cost_per_patient(p, m) for m in missed], "o-", label=name)
ax.set(xscale="log", xlabel="cost of a missed finding (a needless call costs 1)", ylabel="mean cost per patient", ylim=(0, None))
ax.legend()
show(fig, alt="Mean cost per patient against the cost of a miss: the over-trained head gets dearer and dearer, the mended one much less")

# %%
claim("Where a miss is dear, honest risks at least halve the cost", cost_per_patient(mended, 50) < 0.5 * cost_per_patient(sharp, 50))

# %% [markdown]
# Same network, and for the AUC hardly a difference (both 0.98): the patients are ranked nearly as before. Who knows the ROC curve can
# find the other threshold too (lesson *measuring*), for one prevalence and one price. An honest risk serves every price, and can be told
# to a patient.

# %% [markdown] tags=["instructor"]
# Questions: why does temperature scaling leave the AUC of *one class against the rest* not exactly as it was? (The order of the classes
# of one film stays; the order of the films by one class's probability may change a little.) Who would have to be asked for the price of a miss?

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Honest: of 100 answers given with 80 %, about 80 are right. It is another quality than a good AUC.
# - An ECE needs its bins, its number of films, an interval, and what an honest network would show.
# - Over-trained networks are over-confident; the log loss of *new* films shows it, the accuracy does not.
# - One temperature, fitted on validation films, mends most of it and changes no answer.
# - It does not travel: other machines need new calibration. A change of prevalence alone can be computed.
# - Compare networks with proper scores (log loss, Brier), never with the ECE alone.

# %% [markdown]
# ## References
#
# - Guo C. et al., On calibration of modern neural networks, ICML 2017, arXiv:1706.04599.
# - Naeini M., Cooper G., Hauskrecht M., Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
# - Bröcker J., Smith L., Increasing the reliability of reliability diagrams, Weather and Forecasting 2007;22:651.
# - Murphy A., A new vector partition of the probability score, Journal of Applied Meteorology 1973;12:595.
# - Stephenson D., Coelho C., Jolliffe I., Two extra components in the Brier score decomposition, Weather and Forecasting 2008;23:752.
# - Platt J., Probabilistic outputs for support vector machines, 1999. Zadrozny B., Elkan C., KDD 2002.
# - Kull M. et al., Beyond temperature scaling, NeurIPS 2019, arXiv:1910.12656. Gupta K. et al., ICLR 2021, arXiv:2006.12800.
# - Saerens M. et al., Adjusting the outputs of a classifier to new a priori probabilities, Neural Computation 2002;14:21.
# - Ovadia Y. et al., Can you trust your model's uncertainty?, NeurIPS 2019, arXiv:1906.02530.
# - Algorithm robustness and confidence, workshop lecture (source document 000), slides 33-34.

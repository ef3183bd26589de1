# %% [markdown] tags=["slide"]
# ## A network that has to answer
#
# Ask a radiologist about a photograph of a cat, and she asks what you want. Ask a classifier, and it says: *pneumothorax, 99 %*.
#
# It has no other choice. Its last step, the [[softmax]], shares out exactly 100 % over the answers it knows.
#
# - Which films does it meet that fit **none** of its answers?
# - Which warning signs notice them, and which do not?
# - When should the product say **"I don't know"**?

# %% [markdown]
# The subject is the course's *film classifier*. It learned six answers: normal, or one of five findings. On films like those it
# learned from it is right in 96 of 100. Today it gets other films. In the field's words they are
# **[[out-of-distribution]]** (OOD); we say *unknown*.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from course_lib.learning.film_classifier import CLASSES, load_ensemble
from course_lib.robustness.unknown.sets import UNKNOWN, known_films, unknown_films
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)
members = load_ensemble()  # five networks, trained alike from different seeds
classifier = members[0]  # the first of them answers
EACH = 8
unknown = {name: unknown_films(name, EACH) for name in UNKNOWN}
known, classes = known_films("test", 60)
print(f"{len(known)} films of the known kind, and {len(UNKNOWN)} sets of {EACH} unknown films")

# %% [markdown] tags=["slide"]
# ## Sure of nothing
#
# Twelve kinds of unknown films, with the answer of the classifier and its [[softmax]] probability. Of eight films of each kind we show
# the one it is surest about.

# %% tags=["varies", "slide"]
odd = ("noise", "byte order", "one grey", "head CT", "chest CT", "skull film", "lateral view", "on its side", "inverted",
       "rows skewed", "child", "cardiomegaly")  # fmt: skip
probability = {name: classifier.probability(unknown[name]) for name in UNKNOWN}


def surest(name):
    """The film of this set that the classifier is most certain of, and what it says."""
    number = int(probability[name].max(1).argmax())
    answer = CLASSES[probability[name][number].argmax()].replace("_", " ").replace("interstitial", "interst.")
    return unknown[name][number, 0], f"{name}:\n{answer} {probability[name][number].max():.0%}"


pictures, titles = zip(*[surest(name) for name in odd], strict=True)
show(
    films(pictures, titles, columns=6, width=12, vmin=0, vmax=1),
    alt="Twelve pictures that are no frontal chest films of adults with a known finding; above each the answer of the classifier, "
    "mostly with a probability near 100 %",
)
loud = np.mean([probability[name].max() > 0.9 for name in odd])
claim("In most of these sets the classifier is more than 90 % sure of some film", loud > 0.5)

# %% [markdown]
# ## Twenty-two sets from a hospital's daily life
#
# None of these is exotic. A lateral view in the wrong folder, a plate read upside down, a transfer that broke off: every archive holds
# them. *Near* sets look like what was learned, *far* sets do not.

# %%
families = pd.DataFrame({name: (one.family, "near" if one.near else "far") for name, one in UNKNOWN.items()}, index=["family", "kind"]).T
for (family, kind), rows in families.groupby(["family", "kind"], sort=False):
    print(f"{family:10s} {kind:5s} {', '.join(rows.index)}")

# %%
names = list(UNKNOWN)
show(
    films([unknown[name][1, 0] for name in names], names, columns=8, width=13, vmin=0, vmax=1),
    alt="One film of each of the 22 sets: six unknown diseases, three other machines, four ways to turn a film, a child, a skull, two "
    "CT slices, three damaged files, noise and an even grey",
)

# %% [markdown]
# The *diseases* are findings that the six answers lack: the right answer would be "none of these". Films of another *machine* are of
# another sort: the six answers still apply, only the picture looks different. Whether a warning is wanted there is a question of
# policy; lesson "When the data change" measures the damage.
#
# The child is an adult's anatomy made smaller, shorter and with a larger heart; growing bones are not modelled.

# %% [markdown] tags=["slide"]
# ## Why the softmax cannot say "none of these"
#
# $p_k = e^{z_k} / \sum_j e^{z_j}$. Add 100 to every [[logit]] $z_k$: nothing changes. Only **differences** count.
#
# So "all outputs are silent, one a little less so" and "one output shouts" can give the same 99 %.
#
# And far away from everything learned, differences usually **grow**: a straight border between two classes runs on for ever.

# %%
points = np.random.default_rng(3).normal(0, 0.6, (3, 60, 2)) + [[[-2, -1]], [[2, -1]], [[0, 2]]]
centres = points.mean(1)
across, up = np.meshgrid(np.linspace(-8, 8, 161), np.linspace(-8, 8, 161))
plane = np.stack([across.ravel(), up.ravel()], 1)
logits = (plane @ centres.T - (centres**2).sum(1) / 2) / 0.36  # the best linear classifier of three round clouds
confidence = np.exp(logits - logits.max(1, keepdims=True))
confidence = (1 / confidence.sum(1)).reshape(across.shape)
distance = np.sqrt(((plane[:, None] - centres) ** 2).sum(2).min(1) / 0.36).reshape(across.shape)
fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.2))
for ax, values, title in zip(axes, (confidence, distance), ("largest softmax probability", "distance to the nearest cloud"), strict=True):
    shown = ax.pcolormesh(across, up, values, cmap="viridis", shading="auto")
    fig.colorbar(shown, ax=ax)
    for cloud, colour in zip(points, (COLOURS[1], COLOURS[4], "white"), strict=True):
        ax.plot(*cloud.T, ".", color=colour, ms=3)
    ax.plot(6.5, -6.5, "*", color="red", ms=14)
    ax.set(title=title, aspect="equal")
    ax.grid(False)
show(fig, alt="Three clouds of points in a plane. Left: the softmax is certain nearly everywhere, also at a red star far from all "
     "clouds; doubt only along the borders. Right: the distance to the nearest cloud is large at the star")  # fmt: skip
claim("At the star the softmax is certain, though nobody was ever there", confidence[15, 145] > 0.999)

# %% [markdown]
# The star lies where no training point ever was. The softmax is certain there: it asks *which side of the border?* and never *how far
# from home?* The right-hand map asks the second question.
#
# ## Four families of warning signs
#
# All scores here point the same way: **the higher, the more unusual**.
#
# | looks at | scores | idea |
# |---|---|---|
# | the answer | softmax, max logit, energy, ODIN | is the answer weak? |
# | the features | Mahalanobis, neighbours, one-class SVM, forest | is it far from what was learned? |
# | votes | ensemble and MC dropout: entropy, disagreement | do several voters contradict each other? |
# | pixels | appearance | do eight plain numbers of the picture differ? |
# | (training) | outlier exposure | was it taught what nothing looks like? |

# %% [markdown] tags=["slide"]
# ## Signs from the answer
#
# - **Maximum softmax** (Hendrycks 2017): is the largest probability low? The baseline of the field.
# - **[[Energy|energy score]]** (Liu 2020): $E = -T \log \sum_k e^{z_k/T}$, here with the *temperature* $T = 1$. Keeps what the softmax
#   divides away: how *loud* the outputs are.
# - **ODIN** (Liang 2018): divide the logits by $T = 1000$, push the film a little towards its own answer, look again. What is known
#   moves further.

# %% [markdown] tags=["exercise"] exercise="unknowns_energy"
# ### Exercise: the energy
#
# Write `energy(logits)` for one film with $T = 1$: $E = -\log \sum_k e^{z_k}$. It must also survive logits of 1000, where $e^{z}$
# is too large for a computer.

# %% tags=["stub"] exercise="unknowns_energy"
def energy(logits):
    """Energy of one film from its logits (K,)."""
    return ...

# %% tags=["check"] exercise="unknowns_energy"
check("unknowns_energy", energy)

# %% [markdown] tags=["hint"] exercise="unknowns_energy"
# First write it as the formula stands, and try it with `[1000, 999]`. What is `np.exp(1000)`?

# %% [markdown] tags=["hint"] exercise="unknowns_energy"
# Take the largest logit $m$ out of the sum: $\sum_k e^{z_k} = e^{m} \sum_k e^{z_k - m}$. Then take the logarithm.

# %% [markdown] tags=["hint"] exercise="unknowns_energy"
# `m = np.max(logits)`, then `-(m + np.log(np.sum(np.exp(np.asarray(logits) - m))))`

# %% tags=["solution"] exercise="unknowns_energy"
def energy(logits):
    """Energy of one film from its logits (K,)."""
    z = np.asarray(logits, dtype=float)
    largest = z.max()  # taken out of the sum, so that no exponential overflows
    return -(largest + np.log(np.exp(z - largest).sum()))

# %% tags=["equivalent"] exercise="unknowns_energy"
def energy(logits):
    return -np.logaddexp.reduce(np.asarray(logits, dtype=float))

# %% tags=["equivalent"] exercise="unknowns_energy"
def energy(logits):
    return -float(torch.logsumexp(torch.as_tensor(logits, dtype=torch.float64), 0))

# %% tags=["wrong"] exercise="unknowns_energy" says="too large"
def energy(logits):
    return -np.log(np.sum(np.exp(np.asarray(logits, dtype=float))))

# %% tags=["wrong"] exercise="unknowns_energy" says="sign"
def energy(logits):
    return np.logaddexp.reduce(np.asarray(logits, dtype=float))

# %% tags=["equivalent"] exercise="unknowns_energy"
def energy(logits):
    m = logits.max()
    return -m - math.log(sum(math.exp(z - m) for z in logits))

# %% tags=["wrong"] exercise="unknowns_energy" says="in the exponent"
def energy(logits):
    return np.logaddexp.reduce(-np.asarray(logits, dtype=float))

# %% tags=["wrong"] exercise="unknowns_energy" says="add the largest logit"
def energy(logits):
    return -np.log(np.exp(logits - logits.max()).sum())

# %% tags=["wrong"] exercise="unknowns_energy" says="largest logit alone"
def energy(logits):
    return -np.max(logits)

# %% tags=["wrong"] exercise="unknowns_energy" says="softmax"
def energy(logits):
    z = np.exp(np.asarray(logits, dtype=float) - np.max(logits))
    return -np.log(np.max(z / z.sum()))

# %% tags=["checker"] exercise="unknowns_energy"
def checker(energy):
    with np.errstate(all="ignore"):
        got, huge = float(energy(np.array([2.0, 1.0, -1.0]))), float(energy(np.array([1000.0, 999.0])))
    require(abs(got - 2.349012) > 1e-4, "The sign: silent outputs must have a high energy.")
    require(abs(got + 2) > 1e-9, "That is the largest logit alone; the others count, too.")
    require(abs(got - 1.169858) > 1e-4, "The minus sign stands before the logarithm, not in the exponent.")
    require(abs(got + 0.349012) > 1e-4, "After the logarithm you have to add the largest logit again.")
    require(abs(got - 0.349012) > 1e-4, "That comes from the softmax, which has forgotten how large the logits are.")
    close(got, -2.349012, "For the logits 2, 1, -1.", rtol=1e-5)
    require(np.isfinite(huge), "With a logit of 1000 the exponential is too large for a computer: take the largest out first.")
    close(huge, -1000.313262, "For the logits 1000 and 999.", rtol=1e-6)

# %%
from course_lib.robustness.unknown import answers

some = classifier.logits(known)
claim("log of the largest softmax probability = energy + largest logit",
      np.allclose(np.log(-answers.max_softmax(some)), answers.energy(some) + some.max(1)))  # fmt: skip
claim("Adding 7 to all logits: the softmax does not notice, the energy falls by 7",
      np.allclose(answers.max_softmax(some + 7), answers.max_softmax(some), atol=1e-6)
      and np.allclose(answers.energy(some + 7), answers.energy(some) - 7, atol=1e-4))  # fmt: skip

# %% [markdown] tags=["slide"]
# ## Signs from the features
#
# Before its last layer the classifier has turned a film into 90 numbers, its *features*.
#
# - **[[Mahalanobis distance]]** (Lee 2018): one centre per class, one covariance for all; how far to the nearest centre, measured in
#   the spread that is usual in that direction?
# - **Neighbours** (Sun 2022): how far to the 10th nearest training film?
# - **One-class SVM**: a border round the training films. **Isolation forest**: how few random cuts set this film apart?

# %% [markdown] tags=["exercise"] exercise="unknowns_mahalanobis"
# ### Exercise: the distance to the nearest centre
#
# `centres` (K, D) are the classes' mean features, `inverse` (D, D) is the inverse of their common covariance. Write
# `distance(x, centres, inverse)`: the **squared** Mahalanobis distance $(x - c)^\top \Sigma^{-1} (x - c)$ of one film's features `x`
# (D,) to the nearest centre.

# %% tags=["stub"] exercise="unknowns_mahalanobis"
def distance(x, centres, inverse):
    """Squared Mahalanobis distance of x (D,) to the nearest of centres (K, D)."""
    return ...

# %% tags=["check"] exercise="unknowns_mahalanobis"
check("unknowns_mahalanobis", distance)

# %% [markdown] tags=["hint"] exercise="unknowns_mahalanobis"
# Do it for one centre first. Then for all, and keep the smallest.

# %% [markdown] tags=["hint"] exercise="unknowns_mahalanobis"
# With `d = x - c`: `d @ inverse @ d`. The nearest centre is the one for which *this* is smallest, not the ordinary distance.

# %% [markdown] tags=["hint"] exercise="unknowns_mahalanobis"
# `min((x - c) @ inverse @ (x - c) for c in centres)`

# %% tags=["solution"] exercise="unknowns_mahalanobis"
def distance(x, centres, inverse):
    """Squared Mahalanobis distance of x (D,) to the nearest of centres (K, D)."""
    return min((x - centre) @ inverse @ (x - centre) for centre in centres)  # nearest in this measure

# %% tags=["equivalent"] exercise="unknowns_mahalanobis"
def distance(x, centres, inverse):
    away = np.asarray(centres) - x
    return np.einsum("kd,de,ke->k", away, inverse, away).min()

# %% tags=["wrong"] exercise="unknowns_mahalanobis" says="ordinary distance"
def distance(x, centres, inverse):
    return min(((x - centre) ** 2).sum() for centre in centres)

# %% tags=["wrong"] exercise="unknowns_mahalanobis" says="one number"
def distance(x, centres, inverse):
    return [(x - centre) @ inverse @ (x - centre) for centre in centres]

# %% tags=["wrong"] exercise="unknowns_mahalanobis" says="inverted already"
def distance(x, centres, inverse):
    away = centres - x
    return min(d @ np.linalg.inv(inverse) @ d for d in away)

# %% tags=["wrong"] exercise="unknowns_mahalanobis" says="root"
def distance(x, centres, inverse):
    return np.sqrt(min((x - centre) @ inverse @ (x - centre) for centre in centres))

# %% tags=["wrong"] exercise="unknowns_mahalanobis" says="mean of all centres"
def distance(x, centres, inverse):
    away = x - np.mean(centres, axis=0)
    return away @ inverse @ away

# %% tags=["wrong"] exercise="unknowns_mahalanobis" says="nearest in which sense"
def distance(x, centres, inverse):
    nearest = min(centres, key=lambda centre: ((x - centre) ** 2).sum())
    return (x - nearest) @ inverse @ (x - nearest)

# %% tags=["wrong"] exercise="unknowns_mahalanobis" says="the farthest"
def distance(x, centres, inverse):
    return max((x - centre) @ inverse @ (x - centre) for centre in centres)

# %% tags=["checker"] exercise="unknowns_mahalanobis"
def checker(distance):
    x, centres = np.array([3.0, 0.0]), np.array([[0.0, 0.0], [3.0, 2.0], [-10.0, 0.0]])
    inverse = np.array([[0.25, 0.0], [0.0, 4.0]])  # spreads of 2 and of 1/2
    got = distance(x, centres, inverse)
    require(np.ndim(got) == 0, "Return one number: of all these distances, that to the nearest centre.")
    got = float(got)
    require(abs(got - 4) > 1e-9, "That is the ordinary distance; the spread in each direction is left out.")
    require(abs(got - 1) > 1e-9, "`inverse` is inverted already; use it as it is.")
    require(abs(got - 1.5) > 1e-9, "The squared distance is asked; leave out the root.")
    middle = (x - centres.mean(0)) @ inverse @ (x - centres.mean(0))
    require(abs(got - middle) > 1e-9, "You measured from the mean of all centres; each class has its own.")
    require(abs(got - 42.25) > 1e-9, "You kept the farthest centre.")
    require(abs(got - 16) > 1e-9, "The nearest in which sense? Measured in the common spread, another centre is nearer.")
    close(got, 2.25, "3 in a direction where 2 is usual: (3/2) squared.")

# %% [markdown] tags=["slide"]
# ## Signs from votes
#
# Ask five networks (a **[[deep ensemble]]**), or one network ten times with [[dropout]] switched on (**[[MC dropout]]**).
#
# [[Entropy]] of the mean answer = mean entropy of the answers + **disagreement**
#
# - all say "50 : 50" $\to$ the *film* is ambiguous;
# - each is certain, of something else $\to$ the *voters* do not know. This part is the [[mutual information]].

# %% [markdown] tags=["exercise"] exercise="unknowns_votes"
# ### Exercise: doubt, split in two
#
# `p` (M, K) holds the probabilities of M voters for one film. Write `doubt(p)`, which returns three numbers: the entropy of the
# **mean** answer, the **mean** of the voters' entropies, and the difference of both, the disagreement. Entropy is
# $-\sum_k p_k \ln p_k$ (with the natural logarithm its unit is the *nat*), and $0 \ln 0$ counts as 0.

# %% tags=["stub"] exercise="unknowns_votes"
def doubt(p):
    """Total doubt, doubt within the voters, disagreement between them."""
    return ...

# %% tags=["check"] exercise="unknowns_votes"
check("unknowns_votes", doubt)

# %% [markdown] tags=["hint"] exercise="unknowns_votes"
# Write a small function for the entropy first. `np.where(p > 0, p, 1)` inside the logarithm avoids the logarithm of 0.

# %% [markdown] tags=["hint"] exercise="unknowns_votes"
# Total: first the mean over the voters (`axis=0`), then the entropy. Within: first the entropies (sum over `axis=1`), then their mean.

# %% [markdown] tags=["hint"] exercise="unknowns_votes"
# `h = lambda q: -(q * np.log(np.where(q > 0, q, 1))).sum(-1)`; then `h(p.mean(0))`, `h(p).mean()` and their difference.

# %% tags=["solution"] exercise="unknowns_votes"
def doubt(p):
    """Total doubt, doubt within the voters, disagreement between them."""
    p = np.asarray(p, dtype=float)

    def entropy(q):
        return -(q * np.log(np.where(q > 0, q, 1))).sum(-1)  # 0 log 0 counts as 0

    total, within = entropy(p.mean(axis=0)), entropy(p).mean()
    return total, within, total - within

# %% tags=["equivalent"] exercise="unknowns_votes"
def doubt(p):
    total = answers.entropy(np.mean(p, axis=0))
    within = np.mean([answers.entropy(voter) for voter in p])
    return [total, within, total - within]

# %% tags=["wrong"] exercise="unknowns_votes" says="mean answer"
def doubt(p):
    each = -(np.asarray(p) * np.log(np.clip(p, 1e-12, 1))).sum(1)
    return each.sum(), each.mean(), each.sum() - each.mean()

# %% tags=["wrong"] exercise="unknowns_votes" says="bits"
def doubt(p):
    def entropy(q):
        return -(q * np.log2(np.clip(q, 1e-12, 1))).sum(-1)

    total, within = entropy(np.mean(p, axis=0)), entropy(np.asarray(p)).mean()
    return total, within, total - within

# %% tags=["wrong"] exercise="unknowns_votes" says="0 ln 0"
def doubt(p):
    def entropy(q):
        with np.errstate(all="ignore"):
            return -(q * np.log(q)).sum(-1)

    total, within = entropy(np.mean(p, axis=0)), entropy(np.asarray(p)).mean()
    return total, within, total - within

# %% tags=["wrong"] exercise="unknowns_votes" says="minus the part within"
def doubt(p):
    total = answers.entropy(np.mean(p, axis=0))
    within = answers.entropy(np.asarray(p)).mean()
    return total, within, total + within

# %% tags=["checker"] exercise="unknowns_votes"
def checker(doubt):
    answer = doubt(np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]))
    require(np.ndim(answer) == 1 and len(answer) == 3, "Return three numbers: total, within, between.")
    got = np.array([float(value) for value in answer])
    require(np.isfinite(got).all(), "One number is NaN: let 0 ln 0 count as 0.")
    require(abs(got[0] - 1.5) > 1e-6, "Close; you measured in bits. Use the natural logarithm.")
    close(got[0], 1.5 * np.log(2), "The first number is the entropy of the mean answer.", rtol=1e-5)
    close(got[1], 0.5 * np.log(2), "The second number is the mean of both entropies.", rtol=1e-5)
    close(got[2], np.log(2), "The third number is the total minus the part within.", rtol=1e-5)

# %% tags=["varies"]
from course_lib.robustness.unknown.votes import ensemble_votes

shown_sets = {"known": known, **{name: unknown[name] for name in ("noise", "skull film", "cardiomegaly", "bedside")}}
fig, ax = plt.subplots(figsize=(6.6, 4))
for (name, pictures), colour in zip(shown_sets.items(), COLOURS, strict=False):
    voted = ensemble_votes(members, pictures)
    ax.plot(voted.within, voted.between, "o", ms=4 if name == "known" else 7, color=colour, label=name, alpha=0.8)
ax.set(xlabel="doubt within the voters (nats)", ylabel="disagreement between them (nats)")
ax.legend()
show(fig, alt="Each point is a film; known films lie near zero in both directions, unknown ones scatter, many of them with little doubt "
     "within the voters but disagreement between them, and some at zero")  # fmt: skip

# %% [markdown]
# Look at the noise, top left: each network is certain, but of something else. The answer of one network alone would not have told.
#
# Networks that learned the same thing can also be wrong *together*: points near zero are films of which all five are certain, and of the
# same thing. Votes are no proof.

# %% [markdown] tags=["slide"]
# ## The sober baseline
#
# Eight plain numbers of the picture: brightness, contrast, shares of black and white, edges, grain, likeness of left and right, spine
# brighter than lungs. No network.
#
# A clever score that does not beat *this* is not needed.

# %%
from course_lib.robustness.unknown.appearance import NUMBERS, Looks

looks = Looks.fit(known)
table = {name: looks.deviations(unknown[name][:1])[0] for name in ("inverted", "noise", "rib fracture")}
for name, deviations in table.items():
    largest = int(np.abs(deviations).argmax())
    print(f"{name:13s} strangest in: {NUMBERS[largest]}")
claim("An inverted film is far outside, a rib fracture is not", np.abs(table["inverted"]).max() > 2 * np.abs(table["rib fracture"]).max())

# %% [markdown] tags=["slide"]
# ## How well? Measures, and their traps
#
# - **AUROC** ([[AUC]]): the chance that an unknown film scores higher than a known one. Does not mind which side is called positive.
# - **AUPR** (area under the precision-recall curve): changes with the mixture *and* with the side. Always say which.
# - **"FPR at 95 % TPR"** has **two meanings** in the literature:
#   older papers: accept 95 % of the *known*, how many unknown slip through? The public benchmark OpenOOD since 1.5: catch 95 % of the
#   *unknown*, how many known films are refused?

# %% [markdown] tags=["exercise"] exercise="unknowns_fpr"
# ### Exercise: one name, two numbers
#
# Higher score = more unusual. Write `two_rates(known, unknown)` with the scores of known and unknown films. Return
#
# 1. *slipped*: the threshold is the lowest score below or at which at least 95 % of the **known** films lie; which share of the
#    unknown films is at or below it?
# 2. *refused*: the threshold is the highest score at or above which at least 95 % of the **unknown** films lie; which share of the
#    known films is at or above it?

# %% tags=["stub"] exercise="unknowns_fpr"
def two_rates(known, unknown):
    """Share of unknown films that slip through, share of known films that are refused."""
    return ...

# %% tags=["check"] exercise="unknowns_fpr"
check("unknowns_fpr", two_rates)

# %% [markdown] tags=["hint"] exercise="unknowns_fpr"
# With 20 known films, 95 % are 19: the threshold is the 19th smallest score.

# %% [markdown] tags=["hint"] exercise="unknowns_fpr"
# Sort. `np.sort(known)[int(np.ceil(0.95 * len(known))) - 1]` is the first threshold. The second is the mirror image: sort downwards.

# %% [markdown] tags=["hint"] exercise="unknowns_fpr"
# The second: `np.sort(unknown)[::-1][int(np.ceil(0.95 * len(unknown))) - 1]`, then the mean of `known >= threshold`.

# %% tags=["solution"] exercise="unknowns_fpr"
def two_rates(known, unknown):
    """Share of unknown films that slip through, share of known films that are refused."""
    known, unknown = np.sort(known), np.sort(unknown)[::-1]
    accept = known[int(np.ceil(0.95 * len(known) - 1e-9)) - 1]  # 95 % of the known lie here or below
    catch = unknown[int(np.ceil(0.95 * len(unknown) - 1e-9)) - 1]  # 95 % of the unknown here or above
    return np.mean(unknown <= accept), np.mean(known >= catch)

# %% tags=["equivalent"] exercise="unknowns_fpr"
def two_rates(known, unknown):
    accept = np.quantile(known, 0.95, method="inverted_cdf")
    catch = -np.quantile(-np.asarray(unknown), 0.95, method="inverted_cdf")
    return (np.asarray(unknown) <= accept).mean(), (np.asarray(known) >= catch).mean()

# %% tags=["wrong"] exercise="unknowns_fpr" says="order"
def two_rates(known, unknown):
    accept = np.quantile(known, 0.95, method="inverted_cdf")
    catch = -np.quantile(-np.asarray(unknown), 0.95, method="inverted_cdf")
    return (np.asarray(known) >= catch).mean(), (np.asarray(unknown) <= accept).mean()

# %% tags=["wrong"] exercise="unknowns_fpr" says="caught"
def two_rates(known, unknown):
    accept = np.quantile(known, 0.95, method="inverted_cdf")
    catch = -np.quantile(-np.asarray(unknown), 0.95, method="inverted_cdf")
    return (np.asarray(unknown) > accept).mean(), (np.asarray(known) >= catch).mean()

# %% tags=["wrong"] exercise="unknowns_fpr" says="between two scores"
def two_rates(known, unknown):
    accept, catch = np.quantile(known, 0.95), np.quantile(unknown, 0.05)
    return np.mean(unknown <= accept), np.mean(known >= catch)

# %% tags=["wrong"] exercise="unknowns_fpr" says="same threshold"
def two_rates(known, unknown):
    accept = np.quantile(known, 0.95, method="inverted_cdf")
    return (np.asarray(unknown) <= accept).mean(), (np.asarray(known) > accept).mean()

# %% tags=["wrong"] exercise="unknowns_fpr" says="lower end"
def two_rates(known, unknown):
    accept = np.quantile(known, 0.05, method="inverted_cdf")
    catch = -np.quantile(-np.asarray(unknown), 0.95, method="inverted_cdf")
    return (np.asarray(unknown) <= accept).mean(), (np.asarray(known) >= catch).mean()

# %% tags=["checker"] exercise="unknowns_fpr"
def checker(two_rates):
    known, unknown = np.arange(20.0), np.arange(12.5, 52.5, 4)  # 12.5, 16.5, 20.5, ... ten films
    answer = two_rates(known, unknown)
    require(np.ndim(answer) == 1 and len(answer) == 2, "Return two shares: slipped, refused.")
    slipped, refused = (float(value) for value in answer)
    require((round(slipped, 6), round(refused, 6)) != (0.35, 0.2), "The right shares, but the order is turned round.")
    require(abs(slipped - 0.8) > 1e-6, "The first number counts what is caught; what slips through is asked.")
    require(abs(slipped) > 1e-6, "Your first threshold lies at the lower end: 95 % of the known films must lie below it, not above.")
    close(slipped, 0.2, "Slipped: threshold 18, and two of ten unknown films are below it.")
    require(abs(refused - 0.05) > 1e-6, "You used the same threshold twice; the second comes from the unknown films.")
    require(abs(refused - 0.25) > 1e-6, "np.quantile can lie between two scores; then fewer than 95 % of the unknown are caught. Sort and count.")
    close(refused, 0.35, "Refused: threshold 12.5, and 7 of 20 known films are above it.")

# %% [markdown]
# Same scores, same films, same name: 20 % and 35 %. A table that says "FPR95" without saying which is a table without a unit. We take
# AUROC to compare scores, and *refused* and *slipped* by name.

# %% [markdown] tags=["slide"]
# ## Fifteen signs, twenty-two sets
#
# AUROC against known test films: 1 = always noticed, 0.5 = blind, **below 0.5 = calmer about the unknown than about the known**.

# %% tags=["slide"]
from course_lib.robustness.unknown.detectors import SCORES
from course_lib.robustness.unknown.record import recorded_scores
from course_lib.robustness.unknown.results import auroc_table, family_means, refused_table

record = recorded_scores()
auroc = auroc_table(record)
fig, ax = plt.subplots(figsize=(11, 8.4))
ax.imshow(auroc, cmap="RdYlBu", vmin=0, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(auroc.to_numpy()):
    ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color="white" if value > 0.93 or value < 0.1 else "black")
ax.set_xticks(range(len(SCORES)), SCORES, rotation=40, ha="right")
ax.set_yticks(range(len(UNKNOWN)), UNKNOWN)
bounds = np.flatnonzero([UNKNOWN[a].family != UNKNOWN[b].family for a, b in zip(names[:-1], names[1:], strict=True)])
ax.hlines(bounds + 0.5, -0.5, len(SCORES) - 0.5, color="black", lw=1.5)
ax.vlines([3.5, 7.5, 11.5, 13.5], -0.5, len(UNKNOWN) - 0.5, color="black", lw=1.5)
ax.grid(False)
show(fig, alt="A table of colours: 22 sets of unknown films in rows, 15 scores in columns; most scores see the far sets, and hardly any "
     "sees a rib fracture or a mirrored film")  # fmt: skip


# %%
means = family_means(record)
best = means.idxmax(axis=1)
for family in means.index:
    print(f"{family:10s} best on average: {best[family]:22s} {means.loc[family, best[family]]:.2f}   softmax {means.loc[family, 'softmax']:.2f}")
hardest = auroc.max(axis=1).idxmin()
print(f"the set that even its best score finds worst: {hardest}, {auroc.loc[hardest].max():.2f}")

# %% [markdown]
# Read it by columns.
#
# - **The answer** (first four columns) fails where this lesson began. For noise the softmax has an AUROC of 0.06: the classifier is
#   *calmer about noise than about patients*. But for unknown **diseases**, energy and largest logit are the best of all (0.87).
# - **Distances in the features** notice everything far, and the bedside machine. *Neighbours* is the best all-rounder.
# - The one-class SVM draws **one** border round all six classes. Unknown diseases excite no output fully, so they lie *between* the
#   classes, in the middle: deeper inside than the known films themselves.
# - **Pixels alone**: perfect for what is far, blind for diseases. A detector that is only shown far sets proves nothing.
# - Disagreement of the ensemble brings little that its entropy did not (a tenth at most, for rows skewed and inverted); MC dropout behaves
#   like the softmax it is made of.
#
# Each set has 60 films, so differences of a few hundredths are chance; and whoever picks the best of fifteen columns *after* looking
# reports a number that is too good.

# %%
claim("The classifier is calmer about noise than about patients", auroc.loc["noise", "softmax"] < 0.2)
claim("Distances notice every far set", auroc.loc[[n for n in names if not UNKNOWN[n].near], ["Mahalanobis", "neighbours"]].min().min() > 0.95)
claim("Pixels are blind for diseases", 0.4 < means.loc["disease", "appearance"] < 0.6)
claim("To the one-class SVM unknown diseases are less unusual than known films", means.loc["disease", "one-class SVM"] < 0.5)
claim("No score is best in every family", best.nunique() > 1)

# %% [markdown] tags=["slide"]
# ## The hard one: a disease that nobody taught
#
# What does the classifier *say* to them? And does a score notice the *unknown* disease, or just *some* disease? Compare with known
# healthy films, and with known **ill** ones.

# %% tags=["slide"]
from course_lib.evaluation.roc import auc

diseases = [name for name in UNKNOWN if UNKNOWN[name].family == "disease"]
test = record[record["set"] == "test"]
said = record[record["set"].isin(diseases)].groupby("set").answer.value_counts().unstack(fill_value=0).loc[diseases]
rows = {}
for score in ("softmax", "energy", "Mahalanobis", "neighbours", "ensemble entropy"):
    new = [record.loc[record["set"] == name, score] for name in diseases]
    for kind, old in (("healthy", test.loc[test.truth == 0, score]), ("ill", test.loc[test.truth > 0, score])):
        areas = [auc(np.repeat([0, 1], [len(old), len(one)]), np.concatenate([old, one])) for one in new]
        rows[score, kind] = np.mean(areas)
fig, (left, ax) = plt.subplots(1, 2, figsize=(11, 3.8))
start = np.zeros(len(diseases))
for number, colour in zip(said.columns, COLOURS, strict=False):
    left.barh(range(len(diseases)), said[number], left=start, color=colour, label=CLASSES[number].replace("_", " "))
    start = start + said[number].to_numpy()
left.set_yticks(range(len(diseases)), diseases)
left.set(title="answers to 60 films each")
left.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
for kind, marker, colour in (("healthy", "o", COLOURS[2]), ("ill", "s", COLOURS[1])):
    ax.plot([value for (_, of), value in rows.items() if of == kind], range(5), marker, color=colour, ms=9, label=f"against known {kind} films")
ax.set_yticks(range(5), list(dict.fromkeys(score for score, _ in rows)))
ax.axvline(0.5, color="grey", ls=":")
ax.set(xlabel="mean AUROC over six unknown diseases", xlim=(0.4, 1))
ax.legend(fontsize=8, loc="upper left")
show(fig, alt="Left: most unknown diseases are called normal, a wide mediastinum mostly mass. Right: mean AUROC against healthy and "
     "against ill known films; Mahalanobis falls to one half against ill films, energy does not fall")  # fmt: skip

# %%
for name in ("cardiomegaly", "free air", "wide mediastinum"):
    print(f"{name:17s} called normal: {said.loc[name, 0]} of {said.loc[name].sum()}")
claim("Free air under the diaphragm is called normal, always or nearly always", said.loc["free air", 0] >= 55)
claim("Mahalanobis sees that somebody is ill, not that the disease is unknown", rows["Mahalanobis", "ill"] < 0.6)
claim("Energy does both", rows["energy", "ill"] > 0.75 and rows["energy", "healthy"] > 0.75)

# %% [markdown]
# Free air in the belly is an emergency, and the answer is "normal". A warning sign would have helped: the best one notices it with an
# AUROC below 0.8. In lesson "Anomaly detection" a generator that knows healthy people only found free air more often than a classifier
# did, but hardly a rib fracture.
#
# And Mahalanobis shows how a good number can come about for the wrong reason: half of the known films are healthy, all unknown ones
# are ill. Against known *ill* films nothing is left.

# %%
live = answers.energy(classifier.logits(unknown["skull film"]))
kept = record.loc[record["set"] == "skull film", "energy"].to_numpy()[:EACH]
claim("The films of this page score as those of the record", np.allclose(live, kept, rtol=0.02, atol=0.05))

# %% [markdown] tags=["slide"]
# ## The threshold: set on known films only
#
# Which unknown films will come, nobody knows. So the threshold must not depend on them: **refuse 5 % of known films**, chosen on films
# that measure nothing afterwards. Then count.

# %% tags=["slide"]
chosen = ("softmax", "Mahalanobis", "ensemble entropy", "appearance")
fig, axes = plt.subplots(1, len(chosen), figsize=(12, 6), sharey=True)
for ax, score in zip(axes, chosen, strict=True):
    caught = refused_table(record, score).iloc[::-1]
    colours = [COLOURS[6] if name == "test" else COLOURS[0 if UNKNOWN[name].near else 1] for name in caught.index]
    ax.hlines(range(len(caught)), caught.low, caught.high, color=colours, lw=2)
    ax.scatter(caught.refused, range(len(caught)), color=colours, zorder=3)
    ax.axvline(0.05, color="grey", ls=":")
    ax.set(title=score, xlabel="share refused", xlim=(-0.03, 1.03))
axes[0].set_yticks(range(len(caught)), ["known films" if name == "test" else name for name in caught.index])
show(fig, alt="For four scores the share of refused films in each set, with intervals: black known films near 5 percent, blue near sets, "
     "orange far sets; far sets are mostly refused, near ones mostly not")  # fmt: skip

# %%
for score in chosen:
    caught = refused_table(record, score)
    rows = {"known": caught.loc["test"], "disease": caught.loc[[n for n in UNKNOWN if UNKNOWN[n].family == "disease"]].mean(),
            "far": caught.loc[[n for n in UNKNOWN if not UNKNOWN[n].near]].mean()}  # fmt: skip
    print(f"{score:17s}", "   ".join(f"{name} {row.refused:4.0%}" for name, row in rows.items()))
knowns = [refused_table(record, score).loc["test"] for score in SCORES]
claim("The price stays near what was agreed: 1 to 12 % of other known films are refused", all(0.01 < row.refused < 0.12 for row in knowns))

# %% [markdown]
# Softmax lets two thirds of the far films pass, pixels nearly all unknown diseases. They fail in different places. So, **two guards** in a
# row, each at half the price: refuse a film when it is strange to the *neighbours* or when its *energy* is high? It sounds
# convincing. Measure it, at the same total price.

# %%
from course_lib.robustness.unknown.results import thresholds

full, half = thresholds(record, 0.05), thresholds(record, 0.025)
over = {score: (record[score] > full[score].value).to_numpy() for score in ("neighbours", "energy")}
over["both at half price"] = np.any([record[score] > half[score].value for score in ("neighbours", "energy")], axis=0)
kind = record["set"].map(lambda name: UNKNOWN[name].family if name in UNKNOWN else name)
shares = pd.DataFrame({name: pd.Series(refused).groupby(kind.to_numpy()).mean() for name, refused in over.items()})
for family in ("test", *means.index):
    print(f"{family.replace('test', 'known'):10s}", "   ".join(f"{name} {shares.loc[family, name]:4.0%}" for name in shares))
gain = (shares["both at half price"] - shares["neighbours"]).loc[list(means.index)]
claim("Two guards are not better than the neighbours alone: five points nowhere", gain.max() < 0.05)

# %% [markdown]
# The second guard costs sensitivity of the first and adds nothing here. A combination is one more detector, and has to be measured like
# one.

# %% [markdown] tags=["slide"]
# ## Teach it what nothing looks like: outlier exposure
#
# **[[Outlier exposure]]** (Hendrycks 2019): train on with extra pictures, and ask for *all answers alike* on them. Two networks, three
# epochs each:
#
# - **cheap** outliers: films cut into tiles and shuffled, two films over each other, clouds;
# - the same **and four diseases** (edema, emphysema, tuberculosis, pleural calcification), none of them among the six tested.

# %%
pairs = ("softmax", "exposed to cheap", "exposed to diseases")
for family in means.index:
    print(f"{family:10s}", "   ".join(f"{score} {means.loc[family, score]:.2f}" for score in pairs))
claim("Cheap outliers cure the certainty about noise", auroc.loc["noise", "exposed to cheap"] > 0.95)
claim("Cheap outliers do not help with unknown diseases", means.loc["disease", "exposed to cheap"] < means.loc["disease", "softmax"])
claim("Four other diseases in the training did not bring the six up either", means.loc["disease", "exposed to diseases"] < means.loc["disease", "energy"])

# %% [markdown]
# Exposure teaches what it shows, and what resembles it. Tiles, double films and clouds cured noise, skewed rows and even inverted
# films, which it had never seen. For unknown diseases the network got *worse*, perhaps because it learned that whatever looks like a chest
# is known. Four real diseases among the outliers took back a part of that only. And there is a price: of 343 known test films the plain classifier
# has 339 right, the exposed ones 333 and 332 (the card in `datasets/checkpoints/outlier_exposure`). By chance these are plainer cases
# than the films on which it had 96 of 100 right. One training each, so do not read the second decimal.

# %% [markdown] tags=["slide"]
# ## "I don't know" as a product decision
#
# A classifier that may stay silent has two numbers, not one:
#
# - **[[coverage]]**: the share of films it answers;
# - **[[selective risk]]**: the share of wrong answers among those.
#
# Sort the films by a score, answer the calm ones. The curve of risk against coverage is the offer; the product has to pick a point.

# %% [markdown] tags=["exercise"] exercise="unknowns_selective"
# ### Exercise: risk at a coverage
#
# `correct` (N,) is True where the answer is right, `unusual` (N,) is a score, higher = less certain (no ties). Write
# `risk_at(correct, unusual, coverage)`: answer the calmest `round(coverage * N)` films; which share of these answers is wrong?

# %% tags=["stub"] exercise="unknowns_selective"
def risk_at(correct, unusual, coverage):
    """Share of wrong answers among the answered films."""
    return ...

# %% tags=["check"] exercise="unknowns_selective"
check("unknowns_selective", risk_at)

# %% [markdown] tags=["hint"] exercise="unknowns_selective"
# Which films are answered? Those with the *lowest* scores. `np.argsort` gives their numbers in order.

# %% [markdown] tags=["hint"] exercise="unknowns_selective"
# Divide by the number of *answered* films, not by all.

# %% [markdown] tags=["hint"] exercise="unknowns_selective"
# `answered = np.argsort(unusual)[: round(coverage * len(unusual))]`, then `1 - np.mean(np.asarray(correct)[answered])`

# %% tags=["solution"] exercise="unknowns_selective"
def risk_at(correct, unusual, coverage):
    """Share of wrong answers among the answered films."""
    calmest = np.argsort(unusual)[: round(coverage * len(unusual))]  # the lowest scores first
    return 1 - np.asarray(correct, dtype=float)[calmest].mean()

# %% tags=["equivalent"] exercise="unknowns_selective"
def risk_at(correct, unusual, coverage):
    number = round(coverage * len(unusual))
    answered = np.asarray(unusual) <= np.sort(unusual)[number - 1]
    return np.sum(~np.asarray(correct, bool) & answered) / answered.sum()

# %% tags=["equivalent"] exercise="unknowns_selective"
def risk_at(correct, unusual, coverage):
    return 1 - correct[unusual <= np.quantile(unusual, coverage)].mean()

# %% tags=["wrong"] exercise="unknowns_selective" says="first of the list"
def risk_at(correct, unusual, coverage):
    return 1 - correct[: round(coverage * len(correct))].mean()

# %% tags=["wrong"] exercise="unknowns_selective" says="not of silence"
def risk_at(correct, unusual, coverage):
    order = np.argsort(unusual)[: round((1 - coverage) * len(unusual))]
    return 1 - correct[order].mean()

# %% tags=["wrong"] exercise="unknowns_selective" says="error rate"
def risk_at(correct, unusual, coverage):
    return 1 - correct[unusual < np.quantile(unusual, coverage)].mean()

# %% tags=["wrong"] exercise="unknowns_selective" says="strangest"
def risk_at(correct, unusual, coverage):
    order = np.argsort(unusual)[::-1][: round(coverage * len(unusual))]
    return 1 - np.asarray(correct, dtype=float)[order].mean()

# %% tags=["wrong"] exercise="unknowns_selective" says="all films"
def risk_at(correct, unusual, coverage):
    order = np.argsort(unusual)[: round(coverage * len(unusual))]
    return np.sum(1 - np.asarray(correct, dtype=float)[order]) / len(unusual)

# %% tags=["wrong"] exercise="unknowns_selective" says="right answers"
def risk_at(correct, unusual, coverage):
    order = np.argsort(unusual)[: round(coverage * len(unusual))]
    return np.asarray(correct, dtype=float)[order].mean()

# %% tags=["wrong"] exercise="unknowns_selective" says="score above"
def risk_at(correct, unusual, coverage):
    answered = np.asarray(unusual) <= coverage
    return 1 - np.asarray(correct, dtype=float)[answered].mean()

# %% tags=["checker"] exercise="unknowns_selective"
def checker(risk_at):
    correct = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0], bool)
    unusual = np.array([7.0, 1, 2, 3, 4, 5, 6, 8, 9, 0.5])
    got = float(risk_at(correct, unusual, 0.7))
    require(abs(got - 3 / 7) > 1e-9, "You answered the strangest films and kept silent on the calm ones.")
    require(abs(got - 1 / 7) > 1e-9, "Sort by the score: the calmest films are not the first of the list.")
    require(abs(got - 1 / 3) > 1e-9, "Coverage is the share of answers, not of silence.")
    require(abs(got - 0.2) > 1e-9, "You divided by all films; the risk is a share of the answers that were given.")
    require(abs(got - 5 / 7) > 1e-9, "That is the share of right answers.")
    require(abs(got - 1) > 1e-9, "You compared the score with the coverage. Coverage is a share of films, not a score above or below.")
    close(got, 2 / 7, "Seven films are answered, two of them wrongly.")
    close(float(risk_at(correct, unusual, 1.0)), 0.4, "At full coverage the risk is the error rate.")

# %% [markdown]
# Errors are rare, so this needs many films. Beside the networks lie the answers of all five to 852 test films. The first half will
# choose thresholds, the second half measures.

# %% tags=["slide"]
from course_lib.robustness.selective import Costs, area_interval, in_the_mix, risk_coverage
from course_lib.robustness.unknown.results import shipped_answers
from course_lib.robustness.unknown.votes import votes

truth, logits_of = shipped_answers()
right = logits_of[0].argmax(1) == truth  # the first network answers
shares_of = np.exp(logits_of - logits_of.max(2, keepdims=True))
unsure = {
    "softmax": answers.max_softmax(logits_of[0]),
    "energy": answers.energy(logits_of[0]),
    "ensemble entropy": votes(shares_of / shares_of.sum(2, keepdims=True)).total,
}
strange = record[record["set"].isin(UNKNOWN)]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.9))
for (score, values), colour in zip(unsure.items(), COLOURS, strict=False):
    alone = risk_coverage(right, values)
    mixed = risk_coverage(*in_the_mix(right, values, strange[score], share=0.10, seed=1))
    for ax, curve in zip(axes, (alone, mixed), strict=True):
        ax.plot(curve.coverage[20:], curve.risk[20:], color=colour, label=score)
axes[0].set(title="known films only", xlabel="coverage", ylabel="selective risk", ylim=(0, 0.05))
axes[1].set(title="one film in ten is unknown", xlabel="coverage", ylim=(0, 0.5))
axes[0].legend()
show(fig, alt="Selective risk against coverage for three scores; left for known films only, where the risk falls with the coverage, right "
     "with one unknown film in ten, where the risk is ten times higher and rises again for the films that seem most certain")  # fmt: skip

# %%
alone = risk_coverage(right, unsure["softmax"])
for share in (1.0, 0.9, 0.8):
    point = alone.at_coverage(share)
    print(f"softmax, coverage {point.coverage:.2f}: {point.wrong:2d} wrong of {point.answered},", end=" ")
    print(f"risk {point.risk:.3f} ({point.risk_interval})")
for score, values in unsure.items():
    both = risk_coverage(*in_the_mix(right, values, strange[score], share=0.10, seed=1))
    print(f"{score:17s} AURC {risk_coverage(right, values).area:.4f} ({area_interval(right, values, 200)}), with unknown films {both.area:.3f}")
claim("Silence on the least certain tenth takes away more than a third of the errors", alone.at_coverage(0.9).wrong < 0.67 * (~right).sum())
one_in_ten = {score: risk_coverage(*in_the_mix(right, values, strange[score], 0.10, 1)) for score, values in unsure.items()}
claim("Unknown films make the softmax's offer much worse", one_in_ten["softmax"].area > 3 * alone.area)

# %% [markdown]
# AURC is the mean risk along the curve, smaller is better. Among known films the three scores are close, and their intervals overlap.
# With unknown films in the stream the curve of the softmax starts high: the films of which it is *most* certain are noise and broken
# files. So ask in this order: does the file's header say "chest, PA, adult"? Is the film near what was learned? Only then does the
# question of certainty make sense.

# %% [markdown] tags=["slide"]
# ## What does silence cost?
#
# Two prices: a **wrong answer** costs $c_w$, **silence** costs $c_s$ (somebody has to read the film anyway). A right answer is free.
#
# If the answer is right with probability $p$, answering costs $(1 - p)\,c_w$ on average. Silence costs $c_s$.

# %% [markdown] tags=["exercise"] exercise="unknowns_chow"
# ### Exercise: when to be silent
#
# Write `least_confidence(wrong, silent)`: the smallest probability of being right at which answering is **not dearer** than silence.
# It must not be negative. (It is known as *Chow's rule*.)

# %% tags=["stub"] exercise="unknowns_chow"
def least_confidence(wrong, silent):
    """Answer from this probability of being right on."""
    return ...

# %% tags=["check"] exercise="unknowns_chow"
check("unknowns_chow", least_confidence)

# %% [markdown] tags=["hint"] exercise="unknowns_chow"
# Write down what both choices cost on average, and set them equal.

# %% [markdown] tags=["hint"] exercise="unknowns_chow"
# $(1 - p)\,c_w = c_s$. Solve for $p$. What if silence is dearer than an error?

# %% [markdown] tags=["hint"] exercise="unknowns_chow"
# `max(0, 1 - silent / wrong)`

# %% tags=["solution"] exercise="unknowns_chow"
def least_confidence(wrong, silent):
    """Answer from this probability of being right on."""
    return max(0.0, 1 - silent / wrong)  # where silence is dearer than an error, always answer

# %% tags=["equivalent"] exercise="unknowns_chow"
def least_confidence(wrong, silent):
    return Costs(wrong, silent).least_confidence

# %% tags=["equivalent"] exercise="unknowns_chow"
def least_confidence(wrong, silent):
    return np.clip((wrong - silent) / wrong, 0, 1)

# %% tags=["equivalent"] exercise="unknowns_chow"
def least_confidence(wrong, silent):
    if silent >= wrong:
        return 0
    return (wrong - silent) / wrong

# %% tags=["wrong"] exercise="unknowns_chow" says="always answer"
def least_confidence(wrong, silent):
    return min(1, abs(1 - silent / wrong))

# %% tags=["wrong"] exercise="unknowns_chow" says="probability of being wrong"
def least_confidence(wrong, silent):
    return silent / wrong

# %% tags=["wrong"] exercise="unknowns_chow" says="upside down"
def least_confidence(wrong, silent):
    return max(0, 1 - wrong / silent)

# %% tags=["wrong"] exercise="unknowns_chow" says="negative"
def least_confidence(wrong, silent):
    return 1 - silent / wrong

# %% tags=["wrong"] exercise="unknowns_chow" says="right answer is free"
def least_confidence(wrong, silent):
    return max(0, wrong / (wrong + silent))

# %% tags=["checker"] exercise="unknowns_chow"
def checker(least_confidence):
    got = float(least_confidence(20, 1))
    require(abs(got - 0.05) > 1e-9, "That is the probability of being wrong that you may risk; asked is that of being right.")
    require(abs(got) > 1e-9, "The fraction is upside down: the dearer an error, the surer you must be.")
    require(abs(got - 20 / 21) > 1e-9, "Compare the two choices again: a right answer is free, only errors and silence cost.")
    close(got, 0.95, "An error costs as much as 20 times silence.")
    require(float(least_confidence(1, 3)) >= 0, "A probability cannot be negative: where silence is dearer than any error, always answer.")
    close(float(least_confidence(1, 3)), 0.0, "Silence is three times as dear as an error: then always answer.")

# %% [markdown]
# The rule needs a probability that means what it says; lesson "Calibration" mends that. And it holds for *known* films only: for an
# unknown one, $p = 0$ whatever the softmax claims. So we let data decide: the threshold with the smallest cost on the films kept for
# thresholds, then the price on test films.

# %%
costs = Costs(wrong=20, silent=1)
first, second = np.arange(len(right)) < 426, np.arange(len(right)) >= 426
for score, values in unsure.items():
    rule = risk_coverage(right[first], values[first]).cheapest(costs)
    offer = risk_coverage(right[second], values[second])
    paid, everything = offer.at_threshold(rule.threshold), offer.at_coverage(1.0)
    print(f"{score:17s} answers {paid.coverage:.2f} of the second half;", end=" ")
    print(f"cost per film {paid.cost(costs):.2f}, without silence {everything.cost(costs):.2f}")
    claim(f"Silence pays at these prices ({score})", paid.cost(costs) < everything.cost(costs))

# %% [markdown]
# ## Play: set the threshold yourself
#
# One film in ten is unknown, of the set you choose. Move the share of known films that you are ready to refuse. Green: answered and
# right; orange: answered and wrong (every unknown film counts as wrong); grey: handed back.

# %%
keep = record[record["set"] == "threshold"]
fits = (test.truth == test.answer).to_numpy()


def fates(answered, good):
    """Answered rightly, answered wrongly, handed back: shares of a group."""
    return np.array([(answered & good).mean(), (answered & ~good).mean(), (~answered).mean()])


def bar_of(ax, row, parts):
    """One bar of three colours, with the numbers that have room."""
    for start, part, colour in zip(np.cumsum([0, *parts[:2]]), parts, (COLOURS[2], COLOURS[1], "#bbbbbb"), strict=True):
        ax.barh(row, part, left=start, color=colour)
        if part > 2:
            ax.text(start + part / 2, row, f"{part:.0f}", ha="center", va="center")


# %%
def play(score, unknown_set, refuse):
    value = np.quantile(keep[score], 1 - refuse)
    old, new = test[score].to_numpy(), record.loc[record["set"] == unknown_set, score].to_numpy()
    fig, (ax, bars) = plt.subplots(1, 2, figsize=(10.5, 3.6), width_ratios=(1.5, 1))
    edges = np.histogram_bin_edges(np.concatenate([old, new]), 40)
    for values, name, colour in ((old, "known films", COLOURS[0]), (new, unknown_set, COLOURS[1])):
        ax.hist(values, edges, weights=np.full(len(values), 100 / len(values)), alpha=0.6, color=colour, label=name)
    ax.axvline(value, color="black")
    ax.set(xlabel=f"{score} (right of the line: refused)", ylabel="% of its group", yscale="symlog")
    ax.legend()
    bar_of(bars, 0, 90 * fates(old <= value, fits))
    bar_of(bars, 1, 10 * fates(new <= value, np.zeros(len(new), bool)))
    bars.set_yticks([0, 1], ["known films", unknown_set])
    bars.set(xlabel="of 100 films")
    return fig


# %%
explore(
    play,
    alt="Left: histograms of a score for known and unknown films with the threshold; right: of 100 films, how many are answered rightly, "
    "answered wrongly and handed back",
    score=list(SCORES),
    unknown_set=list(UNKNOWN),
    refuse=(0.0, 0.5, 0.01, 0.05),
)

# %% [markdown] tags=["instructor"]
# Typical mistakes: to read a softmax of 99 % as "99 % sure that this is a chest film with this finding"; to choose the threshold or the
# score on the unknown films that are then reported; to report FPR95 without its direction. Short of time: leave out the exercise on
# the votes and the section on exposure. Ask before the heat map: which sets will *pixels alone* find? Which will nobody find?

# %% [markdown] tags=["instructor"]
# Discussion: a vendor shows AUROC 0.99 against photographs of cats. What would you like to see instead? (Near sets: lateral views,
# children, findings that the product does not list, your own bedside machine; with the price in refused films.) Compare with lesson
# "Anomaly detection": there a generator that knows healthy people only met the same unknown findings, and found some that a classifier
# did not.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A softmax shares out 100 % among the answers it knows. It has no word for "none of these".
# - Scores look at the answer, the features, votes, or the pixels. No score wins everywhere; plain pixel statistics are the bar to clear.
# - Far films are mostly noticed, unknown **diseases** mostly not: a warning sign does not replace a reader.
# - Set the threshold on known films, state the price (share refused), and say which FPR95 you mean.
# - "I don't know" is a decision with two prices. Coverage and risk belong together.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - D. Hendrycks, K. Gimpel, A baseline for detecting misclassified and out-of-distribution examples in neural networks, ICLR 2017,
#   arXiv:1610.02136.
# - S. Liang, Y. Li, R. Srikant, Enhancing the reliability of out-of-distribution image detection in neural networks (ODIN), ICLR 2018,
#   arXiv:1706.02690.
# - K. Lee et al., A simple unified framework for detecting out-of-distribution samples and adversarial attacks, NeurIPS 2018,
#   arXiv:1807.03888. Y. Sun et al., Out-of-distribution detection with deep nearest neighbors, ICML 2022, arXiv:2204.06507.
# - W. Liu et al., Energy-based out-of-distribution detection, NeurIPS 2020, arXiv:2010.03759.
# - M. Hein et al., Why ReLU networks yield high-confidence predictions far away from the training data, CVPR 2019, arXiv:1812.05720.
# - B. Lakshminarayanan et al., Simple and scalable predictive uncertainty estimation using deep ensembles, NeurIPS 2017,
#   arXiv:1612.01474. Y. Gal, Z. Ghahramani, Dropout as a Bayesian approximation, ICML 2016, arXiv:1506.02142.
# - D. Hendrycks, M. Mazeika, T. Dietterich, Deep anomaly detection with outlier exposure, ICLR 2019, arXiv:1812.04606.
# - J. Zhang et al., OpenOOD v1.5: enhanced benchmark for out-of-distribution detection, arXiv:2306.09301.
# - C. K. Chow, On optimum recognition error and reject tradeoff, IEEE Trans. Inf. Theory 16 (1970) 41. Y. Geifman, R. El-Yaniv,
#   Selective classification for deep neural networks, NeurIPS 2017, arXiv:1705.08500.

# %% [markdown] tags=["slide"]
# ## One grey level
#
# Take a chest film and change every pixel by **one** of its 256 grey levels, up or down. Nobody sees it. Choose up or down by chance:
# the network does not care. Choose it *on purpose*: the network no longer knows what it sees.
#
# Such a film is an **[[adversarial example]]**. Today you make some, on the screen and with metal on a patient's back; you build three
# defences, and break each of them.

# %% [markdown]
# Why would anybody do that? Finlayson and colleagues (2019) asked it for medicine. A film decides about money: whether a scan is
# paid for, a drug approved, a trial patient counted as cured. Where a machine decides, somebody may want to persuade the machine
# while every human sees an ordinary film.
#
# There is a second reason, for those who expect no crooks at all: attacks show *what a network looks at*.
#
# ## The network that we attack
#
# The film classifier of this part: six answers, films with at most one finding. The films below come from patients it has never met.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_lib.data.gan_films import DISEASES, SEVERITY, film_stack, truth_of
from course_lib.data.virtual import VirtualChest
from course_lib.learning.film_classifier import CLASSES, load_ensemble, one_finding_only
from course_lib.robustness.attack_transfer import accuracy_curve, transfer_table, universal_noise
from course_lib.robustness.attacks import ascend, fgsm, lengths, pgd, predicted
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)  # two stall each other in a network as small as this
patients = VirtualChest(150, 6200, 64, DISEASES, prevalence=dict.fromkeys(DISEASES, 0.14), severity=SEVERITY)
kept, classes = one_finding_only(truth_of(patients))
originals = film_stack(patients)[torch.from_numpy(kept[:100])].float() / 255
truth = torch.from_numpy(classes[:100])
print(f"{len(originals)} films of {originals.shape[-1]} x {originals.shape[-1]} pixels, {(truth > 0).sum()} with a finding")

# %% tags=["varies"]
classifier, second = load_ensemble((0, 1))
network = classifier.model
clean = float((predicted(network, originals) == truth).float().mean())
print(f"right without any attack: {clean:.0%}")
claim("The network reads untouched films well", clean > 0.9)

# %% [markdown] tags=["slide"]
# ## The simplest reader
#
# A **linear** reader gives each pixel a weight $w$ and adds up: $w \cdot x + b$. Above zero means *effusion*.
#
# Now move every pixel by $\varepsilon$, each in the direction that hurts: $-\varepsilon\,\mathrm{sign}(w)$.
# The sum falls by exactly
#
# $$\varepsilon \sum |w_i| = \varepsilon\,\lVert w \rVert_1$$
#
# Each pixel contributes a trifle. There are 4,096 of them, and **they all pull the same way**.

# %%
from sklearn.linear_model import LogisticRegression

chosen = (truth == 0) | (truth == CLASSES.index("pleural_effusion"))
pixels, effusion = originals[chosen].flatten(1).double().numpy(), (truth[chosen] > 0).numpy()
linear = LogisticRegression(C=1.0, max_iter=300).fit(pixels, effusion)
weights, bias = linear.coef_[0], float(linear.intercept_[0])
ill = pixels[effusion][0]
eps = 4 / 255
fall = (ill @ weights) - ((ill - eps * np.sign(weights)) @ weights)
chance = eps * np.random.default_rng(0).choice([-1.0, 1.0], ill.size) @ weights
claim("The sum falls by eps times the sum of all |w|, exactly", abs(fall - eps * np.abs(weights).sum()) < 1e-9)
claim("Random signs of the same size move it ten times less", abs(chance) < 0.1 * fall)

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.4))
film(axes[0], ill.reshape(64, 64), "a film with an effusion")
edge = np.abs(weights).max()
axes[1].imshow(weights.reshape(64, 64), cmap="coolwarm", vmin=-edge, vmax=edge)
axes[1].set(title="weights of the linear reader", xticks=[], yticks=[])
axes[1].grid(False)
grey = np.linspace(0, 12, 50)
axes[2].plot(grey, ill @ weights + bias - grey / 255 * np.abs(weights).sum(), label="signs on purpose")
axes[2].plot(grey, ill @ weights + bias + grey / 255 * chance / eps, ls="--", label="signs by chance")
axes[2].axhline(0, color="black", lw=0.8)
axes[2].set(xlabel="change of every pixel (grey levels)", ylabel="sum (above 0: effusion)")
axes[2].legend(fontsize=8)
show(fig, alt="A film; the weights of the linear reader as a picture; the reader's sum falls along a straight line below zero when "
     "signs are chosen on purpose and hardly moves when they are random")

# %% [markdown] tags=["exercise"] exercise="attack_smallest_eps"
# ### Exercise: how much is enough?
#
# Write `smallest_eps(w, b, x)`: by how much must every pixel of $x$ be allowed to change, so that the linear reader $w \cdot x + b$ is
# brought to exactly zero, the point where it changes its mind? (Whichever side it is on. Do not worry about black and white.)

# %% tags=["stub"] exercise="attack_smallest_eps"
def smallest_eps(w, b, x):
    """The least change per pixel that brings the reader's sum to zero."""
    return ...

# %% tags=["check"] exercise="attack_smallest_eps"
check("attack_smallest_eps", smallest_eps)

# %% [markdown] tags=["hint"] exercise="attack_smallest_eps"
# How far is the sum from zero now, and how far does each unit of eps bring it?

# %% [markdown] tags=["hint"] exercise="attack_smallest_eps"
# The sum moves by eps times the sum of the absolute weights. It has to move by its own absolute value.

# %% [markdown] tags=["hint"] exercise="attack_smallest_eps"
# `abs(w @ x + b) / np.abs(w).sum()`

# %% tags=["solution"] exercise="attack_smallest_eps"
def smallest_eps(w, b, x):
    """The least change per pixel that brings the reader's sum to zero."""
    return abs(np.dot(w, x) + b) / np.abs(w).sum()  # way to go / way per unit of eps

# %% tags=["equivalent"] exercise="attack_smallest_eps"
def smallest_eps(w, b, x):
    total = sum(a * c for a, c in zip(w, x, strict=True)) + b
    return max(total, -total) / np.linalg.norm(w, 1)

# %% tags=["wrong"] exercise="attack_smallest_eps" says="absolute"
def smallest_eps(w, b, x):
    return abs(np.dot(w, x) + b) / abs(np.sum(w))

# %% tags=["wrong"] exercise="attack_smallest_eps" says="length"
def smallest_eps(w, b, x):
    return abs(np.dot(w, x) + b) / np.linalg.norm(w)

# %% tags=["wrong"] exercise="attack_smallest_eps" says="b"
def smallest_eps(w, b, x):
    return abs(np.dot(w, x)) / np.abs(w).sum()

# %% tags=["wrong"] exercise="attack_smallest_eps" says="add up"
def smallest_eps(w, b, x):
    return abs(np.dot(w, x) + b) / np.abs(w).mean()

# %% tags=["wrong"] exercise="attack_smallest_eps" says="add up"
def smallest_eps(w, b, x):
    return abs(np.dot(w, x) + b) / np.abs(w).max()

# %% tags=["wrong"] exercise="attack_smallest_eps" says="how far"
def smallest_eps(w, b, x):
    return abs(np.dot(w, x) + b)

# %% tags=["wrong"] exercise="attack_smallest_eps" says="negative"
def smallest_eps(w, b, x):
    return (np.dot(w, x) + b) / np.abs(w).sum()

# %% tags=["checker"] exercise="attack_smallest_eps"
def checker(smallest_eps):
    w, x = np.array([3.0, -1.0, 2.0]), np.array([0.2, 0.4, 0.5])
    got = float(smallest_eps(w, 0.5, x))
    require(abs(got - 1.7 / 4) > 1e-9, "Pixels with a negative weight can be used as well: take the sum of *absolute* weights.")
    require(abs(got - 1.7 / np.sqrt(14)) > 1e-9, "That is the length of w: the answer for changes of a given length. Here each pixel has its own allowance.")
    require(abs(got - 1.2 / 6) > 1e-9, "Do not forget b.")
    require(min(abs(got - 1.7 / 2), abs(got - 1.7 / 3)) > 1e-9, "All pixels move at once, so what they contribute must add up.")
    require(abs(got - 1.7) > 1e-9, "That is the way to go; how far does each unit of eps bring the sum?")
    close(got, 1.7 / 6, "For w = (3, -1, 2), b = 0.5, x = (0.2, 0.4, 0.5).")
    require(float(smallest_eps(w, -3.0, x)) > 0, "An allowance is not negative: a film on the other side has to be moved, too.")
    close(float(smallest_eps(w, -3.0, x)), 1.8 / 6, "The same film with b = -3.")

# %% [markdown] tags=["slide"]
# ## FGSM: the same, for any network
#
# A deep network is not linear, but nearly so over one grey level. Its slope for each pixel is the **[[gradient of the loss]]** with
# respect to the *film*. Training follows the gradient of the weights downhill; the **[[fast gradient sign method]]** (Goodfellow 2015)
# follows that of the film **uphill**, one step ($x'$ is the changed film, $y$ the true class):
#
# $$x' = x + \varepsilon\,\mathrm{sign}\left(\nabla_x\, \mathrm{loss}(x, y)\right)$$

# %% [markdown] tags=["exercise"] exercise="attack_fgsm"
# ### Exercise: write FGSM
#
# `film` and `gradient` are arrays of one shape, grey values lie in 0 to 1. Write `one_step(film, gradient, eps)`; what it returns must
# be a film again.

# %% tags=["stub"] exercise="attack_fgsm"
def one_step(film, gradient, eps):
    """The film after one step of FGSM."""
    return ...

# %% tags=["check"] exercise="attack_fgsm"
check("attack_fgsm", one_step)

# %% [markdown] tags=["hint"] exercise="attack_fgsm"
# The loss must rise. And: is a grey value of 1.01 possible?

# %% [markdown] tags=["hint"] exercise="attack_fgsm"
# Add eps times the sign of the gradient, then cut off below 0 and above 1.

# %% [markdown] tags=["hint"] exercise="attack_fgsm"
# `np.clip(film + eps * np.sign(gradient), 0, 1)`

# %% tags=["solution"] exercise="attack_fgsm"
def one_step(film, gradient, eps):
    """The film after one step of FGSM."""
    return np.clip(film + eps * np.sign(gradient), 0, 1)  # uphill, and still a film

# %% tags=["equivalent"] exercise="attack_fgsm"
def one_step(film, gradient, eps):
    change = np.where(gradient > 0, eps, 0) - np.where(gradient < 0, eps, 0)
    return np.minimum(np.maximum(film + change, 0), 1)

# %% tags=["wrong"] exercise="attack_fgsm" says="downhill"
def one_step(film, gradient, eps):
    return np.clip(film - eps * np.sign(gradient), 0, 1)

# %% tags=["wrong"] exercise="attack_fgsm" says="sign"
def one_step(film, gradient, eps):
    return np.clip(film + eps * gradient, 0, 1)

# %% tags=["wrong"] exercise="attack_fgsm" says="0 to 1"
def one_step(film, gradient, eps):
    return film + eps * np.sign(gradient)

# %% tags=["wrong"] exercise="attack_fgsm" says="gradient is zero"
def one_step(film, gradient, eps):
    return np.clip(film + np.where(gradient > 0, eps, -eps), 0, 1)

# %% tags=["wrong"] exercise="attack_fgsm" says="0 divided by 0"
def one_step(film, gradient, eps):
    with np.errstate(invalid="ignore"):
        return np.clip(film + eps * gradient / np.abs(gradient), 0, 1)

# %% tags=["wrong"] exercise="attack_fgsm" says="full eps"
def one_step(film, gradient, eps):
    return np.clip(film + eps * gradient / np.linalg.norm(gradient), 0, 1)

# %% tags=["wrong"] exercise="attack_fgsm" says="Only the change"
def one_step(film, gradient, eps):
    return eps * np.sign(gradient)

# %% tags=["checker"] exercise="attack_fgsm"
def checker(one_step):
    film, gradient = np.array([0.5, 0.5, 0.99, 0.3]), np.array([0.2, -3.0, 1.0, 0.0])
    got = np.asarray(one_step(film, gradient, 0.1), dtype=float)
    require(got.shape == (4,), "The answer has the shape of the film.")
    require(not np.allclose(got, [0.4, 0.6, 0.89, 0.3]), "You go downhill: this film would be recognised even better.")
    require(not np.allclose(got, [0.1, -0.1, 0.1, 0]), "Only the change; add it to the film.")
    require(not np.isnan(got).any(), "0 divided by 0: where the gradient is zero, the pixel stays.")
    length = np.linalg.norm(gradient)
    require(not np.allclose(got[:2], 0.5 + 0.1 * gradient[:2] / length), "Every pixel moves by the full eps, whatever its slope.")
    require(not np.allclose(got[:2], [0.52, 0.2]), "Every pixel moves by the full eps; only the sign of the gradient counts.")
    require(got.max() <= 1 and got.min() >= 0, "Grey values outside 0 to 1 are no film; cut them off.")
    require(abs(abs(got[3] - 0.3) - 0.1) > 1e-9, "Where the gradient is zero the pixel makes no difference; leave it alone. The sign of 0 is 0.")
    close(got, [0.6, 0.4, 1.0, 0.3], "Up where the gradient is positive, down where it is negative.")

# %% tags=["varies"]
one = 1 / 255  # one grey level
changed = fgsm(network, originals, truth, one)
signs = np.random.default_rng(1).choice([-1.0, 1.0], originals.shape)
noisy = (originals + one * torch.from_numpy(signs).float()).clamp(0, 1)
by_chance, attacked = (float((predicted(network, some) == truth).float().mean()) for some in (noisy, changed))
print(f"right: untouched {clean:.0%}, every pixel moved by chance {by_chance:.0%}, moved by FGSM {attacked:.0%}")
claim("One grey level by chance does no harm", by_chance > clean - 0.1)
claim("One grey level on purpose costs more than 40 films of 100", attacked < clean - 0.4)
eight_bit = (fgsm(network, originals, truth, 1.5 * one) * 255).round() / 255  # one and a half levels do not fit into 8 bits
claim("Saving the film with 8 bits does not undo it", float((predicted(network, eight_bit) == truth).float().mean()) < clean - 0.4)

# %% [markdown]
# Below: a film that was read correctly, the change *enlarged a hundred times*, and the changed film. If you cannot see a difference, your
# eyes are fine.

# %% tags=["varies", "slide"]
before, after = predicted(network, originals), predicted(network, changed)
fooled = torch.nonzero((before == truth) & (after != truth) & (truth > 0))[:, 0]
sure = torch.from_numpy(classifier.probability(changed))[fooled].amax(1)
number = int(fooled[sure.argmax()])


def answer(picture):
    chance = classifier.probability(picture[None])[0]
    return f"{CLASSES[chance.argmax()].replace('_', ' ')}, {chance.max():.0%}"


change = (changed[number, 0] - originals[number, 0]).numpy()
pictures = [originals[number, 0].numpy(), 0.5 + 100 * change, changed[number, 0].numpy()]
titles = [answer(originals[number]), "change x 100", answer(changed[number])]
show(
    films(pictures, titles, columns=3, width=10, vmin=0, vmax=1),
    alt="A chest film with the network's correct answer; the change enlarged a hundred times, which looks like fine noise with a hint of "
    "the anatomy; the changed film, which looks the same as the first and gets another answer",
)

# %% [markdown] tags=["slide"]
# ## PGD: many small steps
#
# One step follows the slope at the start. **[[Projected gradient descent]]** (Madry 2018) takes many small steps and looks at the slope anew
# each time. (It is called descent; here it climbs.) After each step it goes **back into the ball**: no pixel further than
# $\varepsilon$ from the original, no grey value below 0 or above 1.
#
# What one may change is a *choice*: at most $\varepsilon$ per pixel ($L_\infty$, in this lesson), or a total length, the root of the
# sum of all squared changes, of at most $\varepsilon$ ($L_2$: `pgd(..., norm="l2")`).

# %% [markdown] tags=["exercise"] exercise="attack_projection"
# ### Exercise: back into the ball
#
# After some steps the film is `attacked`; the original is `film`. Write `project(attacked, film, eps)`: the nearest film in which no pixel
# differs by more than eps from the original.

# %% tags=["stub"] exercise="attack_projection"
def project(attacked, film, eps):
    """The nearest allowed film."""
    return ...

# %% tags=["check"] exercise="attack_projection"
check("attack_projection", project)

# %% [markdown] tags=["hint"] exercise="attack_projection"
# It is the *change* that is limited, pixel by pixel, and not the film.

# %% [markdown] tags=["hint"] exercise="attack_projection"
# Cut the change `attacked - film` off at -eps and eps, add it to the film, then cut the grey values off.

# %% [markdown] tags=["hint"] exercise="attack_projection"
# `np.clip(film + np.clip(attacked - film, -eps, eps), 0, 1)`

# %% tags=["solution"] exercise="attack_projection"
def project(attacked, film, eps):
    """The nearest allowed film."""
    change = np.clip(attacked - film, -eps, eps)  # each pixel has its own allowance
    return np.clip(film + change, 0, 1)

# %% tags=["equivalent"] exercise="attack_projection"
def project(attacked, film, eps):
    low, high = np.maximum(film - eps, 0), np.minimum(film + eps, 1)
    return np.minimum(np.maximum(attacked, low), high)

# %% tags=["equivalent"] exercise="attack_projection"
def project(attacked, film, eps):
    return np.clip(np.clip(attacked, 0, 1), film - eps, film + eps)

# %% tags=["wrong"] exercise="attack_projection" says="no reason to shrink"
def project(attacked, film, eps):
    change = attacked - film  # the projection for a limited length
    return np.clip(film + change * min(1, eps / np.linalg.norm(change)), 0, 1)

# %% tags=["wrong"] exercise="attack_projection" says="every pixel as it was"
def project(attacked, film, eps):
    return film if np.abs(attacked - film).max() > eps else attacked

# %% tags=["wrong"] exercise="attack_projection" says="change"
def project(attacked, film, eps):
    return np.clip(attacked, -eps, eps)

# %% tags=["wrong"] exercise="attack_projection" says="0 to 1"
def project(attacked, film, eps):
    return film + np.clip(attacked - film, -eps, eps)

# %% tags=["wrong"] exercise="attack_projection" says="shrink"
def project(attacked, film, eps):
    change = attacked - film
    return np.clip(film + change * min(1, eps / np.abs(change).max()), 0, 1)

# %% tags=["wrong"] exercise="attack_projection" says="full eps"
def project(attacked, film, eps):
    return np.clip(film + eps * np.sign(attacked - film), 0, 1)

# %% tags=["checker"] exercise="attack_projection"
def checker(project):
    film = np.array([0.5, 0.5, 0.5, 0.02, 0.99])
    attacked = np.array([0.53, 0.8, 0.35, -0.3, 1.2])
    got = np.asarray(project(attacked, film, 0.1), dtype=float)
    require(got.shape == (5,), "The answer has the shape of the film.")
    require(got.max() > 0.2, "It is the change that is limited to eps, not the film.")
    require(not (got.max() > 1 or got.min() < 0), "Grey values outside 0 to 1 are no film.")
    require(abs(got[0] - 0.6) > 1e-9, "A pixel that moved less than allowed stays where it is; you gave it the full eps.")
    require(not np.allclose(got, film), "You left every pixel as it was; each may still move by up to eps.")
    require(abs(got[0] - 0.53) < 1e-6, "One pixel too far is no reason to shrink the others: each has its own allowance.")
    close(got, [0.53, 0.6, 0.4, 0.0, 1.0], "Change cut off at eps, grey values at 0 and 1.")

# %% tags=["varies"]
greys = (0, 0.5, 1, 2)
curves = {"FGSM": accuracy_curve(network, originals, truth, [g / 255 for g in greys], fgsm)}
curves["PGD, 7 steps"] = accuracy_curve(
    network, originals, truth, [g / 255 for g in greys], lambda *given: pgd(*given, steps=7)
)
fig, ax = plt.subplots(figsize=(6.5, 3.6))
for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
    ax.plot(255 * curve.eps, curve.accuracy, "o-", color=colour, label=name)
    ax.fill_between(255 * curve.eps, curve.low, curve.high, color=colour, alpha=0.12)
ax.set(xlabel="most that a pixel may change (grey levels of 255)", ylabel="share of films read correctly", ylim=(0, 1))
ax.legend()
show(fig, alt="The share of correctly read films against the allowed change: it falls from nearly all to few within one or two grey levels; "
     "PGD lies below FGSM")
hit = curves["PGD, 7 steps"].set_index("eps").accuracy
print("PGD: " + ", ".join(f"{255 * e:.2g} grey levels {a:.0%}" for e, a in hit.items()))
claim("PGD leaves no more films right than FGSM", hit[one] <= curves["FGSM"].set_index("eps").accuracy[one] + 0.03)
claim("At two grey levels PGD leaves fewer films than FGSM", hit[2 * one] < curves["FGSM"].accuracy.iloc[-1] - 0.03)
claim("Within one grey level most films fall", hit[one] < 0.5)

# %% [markdown]
# The shaded bands are 95 % intervals (Wilson): with 100 films the figures are rough, the fall is not. Up to one grey level both curves
# agree: there the network *is* nearly linear. At two, FGSM overshoots; the small steps of PGD do not. (Half a grey level does not fit
# into a file with 8 bits. DICOM files with 12 bits have room for it.)
#
# Whoever may spread the same total length as he likes ($L_2$) needs less of it: he spends it where it hurts.

# %% tags=["varies"]
whole = 64 * one  # the length of one grey level in each of 64 x 64 pixels
free = pgd(network, originals[:50], truth[:50], whole / 2, "l2", steps=7)
change = free - originals[:50]
kept_right = float((predicted(network, free) == truth[:50]).float().mean())
print(f"half that length, freely spread: single pixels up to {255 * float(change.abs().max()):.0f} grey levels, right {kept_right:.0%}")
claim("No change is longer than allowed", float(lengths(change).max()) < 1.001 * whole / 2)
claim("Half the length, spread as one likes, is enough", kept_right < 0.5)

# %% [markdown]
# Both curves begin at eps = 0, where nothing may change. That point is a **test of the attack**: it has to be the accuracy without attack.

# %% [markdown] tags=["exercise"] exercise="attack_eps_zero"
# ### Exercise: a curve that begins too low
#
# A colleague shows a robustness curve. Without attack her network reads 96 % of the films correctly; the curve begins at 81 % for
# eps = 0. What is the most likely cause? Put a letter into `cause`:
#
# - "a": PGD took too few steps.
# - "b": During the attack the network was in training mode: dropout and batch statistics were on.
# - "c": The step size was too large.
# - "d": The attack was made for another network.

# %% tags=["stub"] exercise="attack_eps_zero"
cause = ...

# %% tags=["check"] exercise="attack_eps_zero"
check("attack_eps_zero", cause)

# %% [markdown] tags=["hint"] exercise="attack_eps_zero"
# With eps = 0 the film that comes out is the film that went in, whatever the attack does inside.

# %% [markdown] tags=["hint"] exercise="attack_eps_zero"
# So steps, step size and source do not matter. What else differs between the two measurements?

# %% [markdown] tags=["hint"] exercise="attack_eps_zero"
# The films are equal, so the *network* must have been different.

# %% tags=["solution"] exercise="attack_eps_zero"
cause = "b"  # equal films, different answers: the network itself was different

# %% tags=["equivalent"] exercise="attack_eps_zero"
cause = "B"

# %% tags=["wrong"] exercise="attack_eps_zero" says="number of steps"
cause = "a"

# %% tags=["wrong"] exercise="attack_eps_zero" says="projection"
cause = "c"

# %% tags=["wrong"] exercise="attack_eps_zero" says="unchanged"
cause = "d"

# %% tags=["checker"] exercise="attack_eps_zero"
def checker(cause):
    letter = str(cause).strip().lower()
    require(letter != "a", "With eps = 0 no number of steps changes anything.")
    require(letter != "c", "Whatever the step, the projection brings it back to the film itself.")
    require(letter != "d", "For eps = 0 the films are unchanged, for whomever the attack was made.")
    require(letter == "b", "Give one of the letters a, b, c, d.")

# %% [markdown]
# This mistake has been reported as a bug of a public attack library. Our attacks refuse a network in training mode. They were also
# compared with public libraries on the same network: FGSM and PGD agree in every pixel.
#
# ### Play: how much is enough for this film?
#
# Choose a film (the list says what it really shows) and move eps. The middle picture is the change, enlarged 50 times. It was found
# once, with PGD; the slider makes it weaker or stronger. Where does the answer turn?

# %% tags=["varies"]
some = torch.cat([torch.nonzero((before == truth) & (truth == one_class))[:1, 0] for one_class in range(6)])
names = {CLASSES[int(truth[i])].replace("_", " "): int(i) for i in some}
direction = {i: pgd(network, originals[i : i + 1], truth[i : i + 1], one, steps=7)[0] - originals[i] for i in names.values()}


def play(shown, grey_levels):
    original = originals[names[shown]]
    moved = (original + grey_levels * direction[names[shown]]).clamp(0, 1)
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), width_ratios=(1, 1, 1.2))
    film(axes[0], moved[0].numpy(), "changed film", vmin=0, vmax=1)
    film(axes[1], 0.5 + 50 * (moved - original)[0].numpy(), "change x 50", vmin=0, vmax=1)
    chance = classifier.probability(moved[None])[0]
    axes[2].barh([name.replace("_", " ") for name in CLASSES], chance, color=COLOURS[0])
    axes[2].set(xlim=(0, 1), xlabel="probability")
    axes[2].invert_yaxis()
    return fig


explore(
    play,
    alt="A film changed by up to two grey levels, the change enlarged, and the network's six probabilities",
    shown=list(names),
    grey_levels=(0.0, 2.0, 0.1, 1.0),
)

# %% [markdown] tags=["slide"]
# ## The attacker does not have your network
#
# "Our weights are secret." Does it help? Attack a network of your own and hope: many attacks **[[transfer|transferability]]**, because
# networks that learned the same task look at similar things. Below: PGD with two grey levels.

# %% tags=["varies"]
from course_lib.robustness.attack_networks import load_resnet

readers = {"the classifier": network, "another seed": second.model, "another build": load_resnet()}
table = transfer_table(readers, originals, truth, 2 * one, lambda *given: pgd(*given, steps=5))
print(table.map("{:.0%}".format).to_string())
claim("Who knows the network hits hardest", table.iloc[1, 0] <= min(table.iloc[2:, 0]))
claim("Attacks made on a sister network work, too", table.iloc[2, 0] < table.iloc[0, 0] - 0.15)

# %% [markdown]
# Each column is one reader, each row says for which network the films were attacked. Read the first column from the top: the
# classifier on untouched films, on films made for itself, on films made for the two others. "Another build" is a residual network with
# other layers. Secrecy makes an attack weaker; it does not make it go away.
#
# And it is not symmetric: the residual network is a worse reader, yet what fools the classifier hardly moves *it*. Attacks made on it
# carry over in part. So "our attack did not transfer" says as much about the two networks as about the danger.
#
# There is even one change for *all* films: add up the gradients of many films, and follow the sum. Here it may change four grey levels.
# It is found on 60 films and tried on 40 others. For comparison its mirror image: as strong, with the same texture, in the wrong places.

# %% tags=["varies"]
learn, test = slice(0, 60), slice(60, 100)
noise = universal_noise(network, originals[learn], truth[learn], 4 * one, steps=6)
everyone = (originals[test] + noise).clamp(0, 1)
flipped = (originals[test] + noise.flip(3)).clamp(0, 1)
rates = [float((predicted(network, some) == truth[test]).float().mean()) for some in (originals[test], everyone, flipped)]
print("40 other films: untouched {:.0%}, with the common noise {:.0%}, with its mirror image {:.0%}".format(*rates))
claim("One noise for all costs films that it was not made for", rates[1] < rates[0] - 0.2)

# %% [markdown] tags=["slide"]
# ## An attack with a mass
#
# So far somebody edited a file. Can one fool the network **without touching the film**? Sew thin copper platelets onto the back of a shirt. The
# patient wears it during the exposure; the rays do the rest.
#
# Now the change has to survive what attacks on files never meet: other patients, a shirt that sits askew, another tube voltage, scatter
# and noise.

# %% [markdown]
# How to design such a shirt? Draw a patient, a placement, a tube voltage, noise; image; see how each pixel would have to change; pass that
# on to the platelets that cover it; make them a little thicker or thinner. Again, with other patients. The average over all that can
# happen is called *expectation over transformation* (Athalye 2018). The simulator runs forward in full; only on the way back we take a
# simple rule, "more metal, brighter pixel".
#
# The shirt below was designed that way on 150 patients of the attacker. Its aim: **pneumothorax**, whoever wears it. For comparison:
# the *same platelets* in random order. Same metal, same mass, no design.

# %% tags=["varies"]
from course_lib.robustness.attack_networks import load_sheet, load_table
from course_lib.robustness.physical_record import films_wearing, patients_without

sheet = load_sheet()
people = patients_without("pneumothorax", 16, 6220)
shirts = {"no shirt": None, "designed": sheet, "same, shuffled": sheet.shuffled(1)}
worn = {name: torch.from_numpy(films_wearing(people, shirt, 10 * n)) for n, (name, shirt) in enumerate(shirts.items())}
said = {name: [CLASSES[n] for n in predicted(network, some)] for name, some in worn.items()}
for name, answers in said.items():
    print(f"{name:15s} {answers.count('pneumothorax'):2d} of {len(people)} called pneumothorax")
print(f"{sheet.metal}, {sheet.mass_g:.0f} g, at most {sheet.thickness_mm.max():.2f} mm thick")

# %% tags=["varies", "slide"]
hit = next((i for i, name in enumerate(said["designed"]) if name == "pneumothorax"), 0)
fig, axes = plt.subplots(1, 4, figsize=(13, 3.5))
axes[0].imshow(sheet.thickness_mm, cmap="copper", vmin=0)
axes[0].set(title="thickness of the platelets", xticks=[], yticks=[])
axes[0].grid(False)
for ax, (name, some) in zip(axes[1:], worn.items(), strict=True):
    film(ax, some[hit, 0].numpy(), f"{name}: {said[name][hit].replace('_', ' ')}", vmin=0, vmax=1)
show(fig, alt="The thickness of the platelets as a picture, and three films of one patient: without a shirt, with the designed shirt, with the "
     "shuffled one; the platelets are visible as faint spots")

# %%
recorded = load_table("physical")
for row in recorded.itertuples():
    print(f"{row.sheet:11s} {row.mass_g:4.0f} g   {row.hits:3d} of {row.patients} called pneumothorax, {row.low:.0%} to {row.high:.0%}")
worn_by = recorded.set_index("sheet")
claim("The designed shirt works on new patients, with fresh noise", worn_by.low["designed"] > worn_by.high["none"])
claim("It is the design and not the metal", worn_by.low["designed"] > worn_by.high.filter(like="shuffled").max())

# %% [markdown]
# Look at the film: a radiologist sees the platelets and asks for another film without the shirt. The network has no such thought. So the
# physical attack is weak where a human looks at the picture, and strong where nobody does. (Shuffled platelets may disturb a reading, too:
# see the title of the last film. But they do not lead to the answer that the attacker wants.)
#
# And it is harder than the attack on the file: it needs millimetres of freedom, not one grey level, and it succeeds in some patients,
# not in all. Keep the order of dangers in mind: **who can write to the archive needs no shirt.**

# %% [markdown] tags=["slide"]
# ## Three defences
#
# 1. **Detect**: a side model looks for attacks and raises the alarm.
# 2. **Denoise**: clean every film before it is read.
# 3. **[[Adversarial training]]**: show the network attacked films while it learns.
#
# Each is tested twice: against an attacker who does not know it, and against one who does. **Only the second test counts.**

# %% [markdown]
# ### Detection, and an attacker who knows the detector
#
# The side model is a small network that sees only fine structure: the film minus its own blur. It learned from 2,000 films and their
# attacked twins. Its threshold is set on 50 clean films (5 % false alarms), and tested on 50 others.
#
# The second attacker raises another objective: be misread *and* stay below the detector's threshold. He takes more steps, 25 instead
# of 7.

# %% tags=["varies"]
from course_lib.robustness.attack_networks import load_denoiser, load_detector
from course_lib.robustness.defences import Cleaned, bypassed, gaussian, jpeg, median, unnoticed

detector = load_detector()
rest, answers = originals[50:], truth[50:]
with torch.no_grad():
    threshold = float(detector(originals[:50]).quantile(0.95))
unaware = pgd(network, rest, answers, 2 * one, steps=7)
aware = ascend(unnoticed(network, detector, threshold), rest, answers, 2 * one, steps=25)


def outcome(shown):
    """Shares of films that raise the alarm, and that are misread without an alarm."""
    with torch.no_grad():
        alarm = detector(shown) > threshold
    misread = predicted(network, shown) != answers
    return float(alarm.float().mean()), float((misread & ~alarm).float().mean())


seen = {"no attack": outcome(rest), "attack on the classifier": outcome(unaware), "attack on both": outcome(aware)}
for name, (alarms, harm) in seen.items():
    print(f"{name:26s} alarm {alarms:4.0%}   misread and no alarm {harm:4.0%}")
claim("The detector sees nearly every attack that ignores it", seen["attack on the classifier"][0] > 0.85)
claim("It does not see the attack that knows it", seen["attack on both"][1] > 0.5)

# %% [markdown]
# A detector is a network, too. Two networks can be fooled at once, and the allowance was the same two grey levels (Carlini and Wagner
# 2017 did this to ten published detectors).
#
# Look at the first line as well. The threshold promised 5 % false alarms; the other 50 films gave 16 % in our run. Fifty films fix such a
# threshold only roughly. A detector that interrupts one film in six would soon be switched off.
#
# ### Denoising, and an attacker who attacks through it
#
# Blur, median, JPEG, or a network that learned to remove attacks (DnCNN). The attacker who knows puts the denoiser *into* the network
# and follows the gradient through both. JPEG rounds, so its gradient is zero nearly everywhere; the attacker pretends on the way back that
# JPEG did nothing (*BPDA*, Athalye 2018). The allowance is four grey levels, still hard to see.

# %% tags=["varies"]
denoisers = {"none": lambda shown: shown, "Gaussian": gaussian, "median": median, "JPEG": jpeg, "DnCNN": load_denoiser()}
careless = pgd(network, rest, answers, 4 * one, steps=7)
rows = {}
for name, denoise in denoisers.items():
    reader = Cleaned(network, denoise)
    through = Cleaned(network, bypassed(denoise)) if name == "JPEG" else reader
    known = pgd(through, rest, answers, 4 * one, steps=7)
    rows[name] = [float((predicted(reader, shown) == answers).float().mean()) for shown in (rest, careless, known)]
    print(f"{name:9s} clean {rows[name][0]:4.0%}   unaware {rows[name][1]:4.0%}   aware {rows[name][2]:4.0%}")
best = max(row[1] for name, row in rows.items() if name != "none")
claim("Some denoiser helps against an attacker who does not know it", best > rows["none"][1] + 0.3)
claim("None keeps half of the films against one who does", max(row[2] for row in rows.values()) < 0.5)
blurred = Cleaned(network, gaussian)
small = float((predicted(blurred, pgd(blurred, rest, answers, one, steps=7)) == answers).float().mean())
print(f"Gaussian with only one grey level allowed, aware: {small:.0%}")
claim("At one grey level blur holds even against one who knows it", small > 0.7)

# %%
fig, ax = plt.subplots(figsize=(7, 3.2))
place = np.arange(len(rows))
for shift, (label, colour) in enumerate(zip(("no attack", "unaware", "aware"), COLOURS, strict=False)):
    ax.bar(place + 0.27 * (shift - 1), [row[shift] for row in rows.values()], 0.25, color=colour, label=label)
ax.set(xticks=place, xticklabels=list(rows), ylabel="read correctly", ylim=(0, 1))
ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8)
show(fig, alt="Bars for five denoisers: all high without attack; against an attacker who does not know the denoiser only blur and median "
    "stay high; against one who knows it all are near zero")

# %% [markdown]
# Two bars of "none" and "DnCNN" are missing because they are zero. Now read the last line above the picture. Against *one* grey level a
# simple blur holds: it removes the fine pattern that the attack needs. It does not make the network safe, it makes the attack dearer:
# with four grey levels it falls like the others. So a claim "robust" means nothing without its eps. (DnCNN learned from attacks of up to two grey levels; four are new to it, and it lets them through.)

# %% [markdown] tags=["slide"]
# ## Adversarial training
#
# In every step of training, attack the films of the batch with the network as it is now; learn from the attacked films.
#
# $$\min_{\text{weights}} \; \max_{\lVert\delta\rVert_\infty \le \varepsilon} \mathrm{loss}(x + \delta, y)$$
#
# Of the three it is the one that has stood up to attackers who know it. It costs training time (one extra pass per step of the attack),
# and it costs accuracy on clean films.

# %%
curves = load_table("curves")
fig, ax = plt.subplots(figsize=(6.5, 3.6))
for (name, group), colour in zip(curves.groupby("network"), COLOURS, strict=False):
    ax.plot(255 * group.eps, group.accuracy, "o-", color=colour, label=f"{name} network")
    ax.fill_between(255 * group.eps, group.low, group.high, color=colour, alpha=0.12)
ax.axvline(2, color="black", lw=0.8, ls=":")
ax.set(xlabel="most that a pixel may change (grey levels of 255)", ylabel="read correctly", ylim=(0, 1))
ax.legend()
show(fig, alt="Accuracy under attack of two networks; the plain one falls to zero within one or two grey levels, the adversarially trained one "
     "falls slowly; a dotted line marks two grey levels, for which it was trained")

# %%
wide = curves.assign(grey=(255 * curves.eps).round(2)).set_index(["network", "grey"])
for name in ("plain", "robust"):
    for grey in (0, 2):
        row = wide.loc[(name, grey)]
        print(f"{name:7s} {grey:.0f} grey levels: {row.accuracy:4.0%} ({row.low:.0%} to {row.high:.0%})")
claim("At two grey levels only the robust network still reads", wide.low["robust", 2] > wide.high["plain", 2])
claim("It pays with accuracy on clean films", wide.accuracy["robust", 0] < wide.accuracy["plain", 0])

# %% [markdown]
# The figures are of 150 test films, recorded (`python -m course_lib.robustness.attack_record`). Both networks are member 0 of the film
# classifier; the robust one was trained on with attacked films. With 150 films the intervals of the two clean figures overlap: that
# there is a price is known from many studies, how large it is here is not sure. Is it worth paying? That depends on how
# often somebody attacks and how often a lesion is faint. A hospital that buys "robustness" should see both figures on one page.
#
# ### Is it really robust, or does it hide?
#
# Many defences were published that only *hide the gradient*: the attack gets lost, the error is still there. Athalye (2018) found this
# in seven of nine, and broke six of them fully, one in part. The signs are known, so one can look for them. Below: the robust network on
# the first 50 of these films. They are harder by chance: 84 % without attack, not 91 %. "Made for the plain network" are borrowed films;
# "2 losses, 2 starts" takes the best of four attacks for every film.

# %%
checks = load_table("checks")
for row in checks.itertuples():
    print(f"{row.attack:27s} {255 * row.eps:4.0f} grey levels   right {row.accuracy:4.0%} ({row.low:.0%} to {row.high:.0%})")
rate = checks.set_index(["attack", checks.eps.mul(255).round().astype(int)]).accuracy
claim("Many steps hurt at least as much as one", rate["PGD, 40 steps", 2] <= rate["FGSM", 2] + 0.02)
claim("Borrowed films hurt less than films made for it", rate["made for the plain network", 2] > rate["2 losses, 2 starts", 2])
claim("With a huge allowance nothing is left", rate["PGD, 10 steps", 32] < 0.1)

# %% [markdown]
# No sign of a hidden gradient: more steps do not hurt less than one, borrowed films hurt least, and a huge allowance leaves nothing. So the
# robustness is real, and it has an end: trained for two grey levels, the network reads nothing any more at eight.

# %% [markdown] tags=["exercise"] exercise="attack_worst_case"
# ### Exercise: robust against whom?
#
# Several attacks were tried on the same films. `right[a, f]` is True where the network still read film f correctly under attack a. An attacker
# may choose the best attack *for every film*. Write `robust_accuracy(right)`.

# %% tags=["stub"] exercise="attack_worst_case"
def robust_accuracy(right):
    """Share of films that no attack turned; right is bool (attacks, films)."""
    return ...

# %% tags=["check"] exercise="attack_worst_case"
check("attack_worst_case", robust_accuracy)

# %% [markdown] tags=["hint"] exercise="attack_worst_case"
# When does a film count as safe?

# %% [markdown] tags=["hint"] exercise="attack_worst_case"
# If it was read correctly under *all* attacks. Then take the share of such films.

# %% [markdown] tags=["hint"] exercise="attack_worst_case"
# `np.asarray(right).all(axis=0).mean()`

# %% tags=["solution"] exercise="attack_worst_case"
def robust_accuracy(right):
    """Share of films that no attack turned; right is bool (attacks, films)."""
    return np.asarray(right).all(axis=0).mean()  # one success of one attack is enough

# %% tags=["equivalent"] exercise="attack_worst_case"
def robust_accuracy(right):
    return np.mean(np.min(np.asarray(right, dtype=float), axis=0))

# %% tags=["wrong"] exercise="attack_worst_case" says="independent"
def robust_accuracy(right):
    return np.prod(np.asarray(right).mean(axis=1))

# %% tags=["wrong"] exercise="attack_worst_case" says="one number"
def robust_accuracy(right):
    return np.asarray(right).all(axis=0)

# %% tags=["wrong"] exercise="attack_worst_case" says="average attacker"
def robust_accuracy(right):
    return np.mean(right)

# %% tags=["wrong"] exercise="attack_worst_case" says="for every film"
def robust_accuracy(right):
    return np.asarray(right).mean(axis=1).min()

# %% tags=["wrong"] exercise="attack_worst_case" says="at least one"
def robust_accuracy(right):
    return np.asarray(right).any(axis=0).mean()

# %% tags=["equivalent"] exercise="attack_worst_case"
def robust_accuracy(right):
    safe = [all(row[f] for row in right) for f in range(len(right[0]))]
    return sum(safe) / len(safe)

# %% tags=["wrong"] exercise="attack_worst_case" says="attacker's success"
def robust_accuracy(right):
    return 1 - np.asarray(right).all(axis=0).mean()

# %% tags=["wrong"] exercise="attack_worst_case" says="number of films"
def robust_accuracy(right):
    return np.asarray(right).all(axis=0).sum()

# %% tags=["wrong"] exercise="attack_worst_case" says="attacks that"
def robust_accuracy(right):
    return np.asarray(right).all(axis=1).mean()

# %% tags=["checker"] exercise="attack_worst_case"
def checker(robust_accuracy):
    right = np.array([[1, 1, 0, 1, 1, 0, 1, 1], [0, 1, 1, 1, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0, 1, 1]], dtype=bool)
    got = robust_accuracy(right)
    require(np.size(got) == 1, "Give one number for all films together: a share.")
    got = float(got)
    require(abs(got - np.prod(right.mean(axis=1))) > 1e-6, "Attacks are not independent: a film that resists one often resists the next.")
    require(abs(got - 2) > 1e-6, "That is a number of films; give the share of all films.")
    require(abs(got - 0.75) > 1e-6, "That is the attacker's success: films that some attack turned.")
    require(abs(got - right.mean()) > 1e-6, "That is the average attacker; a real one takes what works.")
    require(abs(got - 0.625) > 1e-6, "The strongest *single* attack; an attacker chooses anew for every film.")
    require(abs(got - 0.875) > 1e-6, "These films survived at least one attack; they must survive all.")
    require(abs(got - 0.0) > 1e-6, "You counted attacks that left every film right; count films.")
    close(got, 0.25, "For three attacks on eight films.")

# %% [markdown] tags=["exercise"] exercise="attack_claim"
# ### Exercise: read a defence's claim
#
# A vendor's report, all at four grey levels unless stated. Which lines show that the defence only hides its gradient (or was tested too
# weakly)? Put their letters into `suspicious`, for instance `{"a", "b"}`.
#
# | | attack | read correctly |
# |---|---|---|
# | a | none | 94 % |
# | b | FGSM, one step | 61 % |
# | c | PGD, 40 steps | 78 % |
# | d | random signs | 93 % |
# | e | PGD, 40 steps, 255 grey levels allowed | 52 % |
# | f | films made for *another* network | 39 % |

# %% tags=["stub"] exercise="attack_claim"
suspicious = ...

# %% tags=["check"] exercise="attack_claim"
check("attack_claim", suspicious)

# %% [markdown] tags=["hint"] exercise="attack_claim"
# Sort the attacks by how strong they ought to be. Which results are out of order?

# %% [markdown] tags=["hint"] exercise="attack_claim"
# More steps cannot be weaker than one. Who may change everything must always win. A stranger cannot know better than an insider.

# %% [markdown] tags=["hint"] exercise="attack_claim"
# Three lines: compare c with b, look at e, and compare f with b and c.

# %% tags=["solution"] exercise="attack_claim"
suspicious = {"c", "e", "f"}  # 40 steps weaker than one; not 0 when all is allowed; a stranger hits harder

# %% tags=["equivalent"] exercise="attack_claim"
suspicious = ["f", "C", "e"]

# %% tags=["equivalent"] exercise="attack_claim"
suspicious = "c, e, f"

# %% tags=["wrong"] exercise="attack_claim" says="a price"
suspicious = {"a", "c", "e", "f"}

# %% tags=["wrong"] exercise="attack_claim" says="Random"
suspicious = {"d", "e", "f"}

# %% tags=["wrong"] exercise="attack_claim" says="more steps"
suspicious = {"e", "f"}

# %% tags=["wrong"] exercise="attack_claim" says="everything"
suspicious = {"c", "f"}

# %% tags=["wrong"] exercise="attack_claim" says="stranger"
suspicious = {"c", "e"}

# %% tags=["wrong"] exercise="attack_claim" says="one step"
suspicious = {"b", "c", "e", "f"}

# %% tags=["checker"] exercise="attack_claim"
def checker(suspicious):
    letters = {letter for letter in "".join(map(str, suspicious)).lower() if letter.isalpha()}
    require("a" not in letters, "94 % on clean films is a price, not a sign of hiding.")
    require("d" not in letters, "Random signs do little harm to any network; you saw it above.")
    require("b" not in letters, "61 % after one step is plausible by itself; compare the stronger attacks with it.")
    require("c" in letters, "Look for an attack with more steps that does less harm.")
    require("e" in letters, "Who may change everything can paint any film he likes: what should be left?")
    require("f" in letters, "Should a stranger hit harder than somebody who has the network?")
    require(letters == {"c", "e", "f"}, "Give letters of lines in the table.")

# %% [markdown] tags=["slide"]
# ## What should a hospital do?
#
# Begin with the **[[threat model]]**: who, what for, with what access?
#
# | who | wants | can change |
# |---|---|---|
# | someone who bills | a paid diagnosis | files on the way to the machine |
# | a vendor or sponsor | better trial results | the data set |
# | an intruder | harm, or ransom | archive, network |
# | a patient | a certificate | what lies on the body |

# %% [markdown]
# - **Guard the path**, not only the network: encrypted transfer, signed files, a log of who changed what. (The path itself: lesson "PACS: send, find, fetch".) A film
#   that cannot be altered on its way needs no denoiser.
# - **No money without a human look** where a machine alone would decide. Platelets on a film are plain to see.
# - **Ask the vendor** for accuracy under an attack that knows the defence, with intervals, next to the clean accuracy.
# - **Compare with an honest alternative**: who can write into the archive can also swap the whole film, or draw a tumour into a CT
#   (Mirsky 2019 did). Attacks of one grey level are the *elegant* way, not the only one.
# - **Small natural changes are the daily danger**: another scanner needs no enemy. That is the lesson before this one.

# %% [markdown] tags=["instructor"]
# Typical mistakes: gradient downhill instead of uphill; projection of the film instead of the change; to believe that an attack made once
# measures a defence. Short of time: leave out universal noise and denoising. Ask before the random-sign cell: will one grey level by chance
# do harm? Ask at the shirt: who sees it first, network or radiographer? Discussion: is a network that gives up two points of clean
# accuracy for robustness better for patients?

# %% [markdown] tags=["instructor"]
# Recorded: `course_lib.robustness.defence_training` (robust network, residual net, denoiser, side model), `attack_record` (curves and checks),
# `physical_record` (the shirt). Everything else is computed in the lesson. The attacks agree with torchattacks and foolbox (tests/peers);
# torchattacks has to be installed with `pip install --no-deps`, because it asks for a version of requests that is too old.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Many tiny changes that all pull the same way move a network far; the same changes by chance do nothing.
# - FGSM is one step uphill, PGD many, with a projection after each. At eps = 0 the curve must start at the clean accuracy.
# - Attacks transfer to networks that the attacker has never seen, and, weaker, through the X-ray beam.
# - A defence counts only against an attacker who knows it. The detector fell, denoisers made the attack dearer, adversarial training bent, at a price.
# - More steps weaker than one, or strangers stronger than insiders: the gradient is hidden, the error is not gone.
# - First the threat model and the path of the file, then the network.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - I. Goodfellow, J. Shlens, C. Szegedy, Explaining and harnessing adversarial examples, ICLR 2015, arXiv:1412.6572.
# - A. Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR 2018, arXiv:1706.06083.
# - S. Finlayson et al., Adversarial attacks on medical machine learning, Science 363 (2019) 1287.
# - A. Athalye, N. Carlini, D. Wagner, Obfuscated gradients give a false sense of security, ICML 2018, arXiv:1802.00420.
# - A. Athalye et al., Synthesizing robust adversarial examples, ICML 2018, arXiv:1707.07397.
# - N. Carlini, D. Wagner, Adversarial examples are not easily detected, AISec 2017, arXiv:1705.07263.
# - N. Papernot et al., Transferability in machine learning, 2016, arXiv:1605.07277.
# - S. Moosavi-Dezfooli et al., Universal adversarial perturbations, CVPR 2017, arXiv:1610.08401.
# - Y. Mirsky et al., CT-GAN: malicious tampering of 3D medical imagery using deep learning, USENIX Security 2019.

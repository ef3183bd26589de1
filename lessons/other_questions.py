# %% [markdown] tags=["slide"]
# ## Before "is there a tumour?"
#
# Most networks that work in a hospital today answer humbler questions:
#
# - *What is this picture?* A PA film? A T2 series? Is it good enough to be read?
# - *What lies here?* A class for every **region** of a picture.
# - *How much?* An age, a heart size: a **number** instead of a class. This is [[regression]].
#
# One small network answers all three. What changes is the last layer, the loss, and how you measure.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_lib.data.film_faults import FAULTS, faulty_films
from course_lib.data.heart_size import measured_films
from course_lib.data.modalities import KINDS, pictures_of
from course_lib.data.regions import MASS, REGIONS, cut_patches, named_films
from course_lib.evaluation.free_response import free_response
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.measurement import bland_altman
from course_lib.evaluation.regression import bias_line, corrected_with_truth, mean_absolute_error
from course_lib.evaluation.roc import auc
from course_lib.learning.classes import Pictures, class_probabilities
from course_lib.learning.label_smoothing import ClassLoss
from course_lib.learning.pairs import Pairs
from course_lib.learning.plan import Plan
from course_lib.learning.regression import NumberLoss, Scale, predicted_values
from course_lib.learning.sliding import marks_of, sliding_answers
from course_lib.learning.trainer import fit
from course_lib.models.densenet import densenet
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 What is this picture?
#
# Headers lie: a series is called "T2" and is a PD, a film called PA was taken AP in bed. The pixels know. Here are nine
# kinds from the virtual hospital: three film views, CT, and four MR sequences whose times differ from hospital to
# hospital. [[Modality|modality]], view and sequence are classes like any others.

# %%
torch.set_num_threads(1)
pictures = 2 * pictures_of(KINDS, range(3000, 3065))[:, :, None] - 1  # (kind, patient, 1, 64, 64), -1 to 1
shown = [(kind, number) for number in (50, 51) for kind in range(len(KINDS))]

# %% tags=["slide"]
show(
    films([pictures[kind, n, 0] for kind, n in shown], [KINDS[kind] for kind, _ in shown], columns=9),
    alt="Two pictures of each of nine kinds: PA, AP and lateral chest films, CT of chest and head, four MR contrasts",
)

# %%
def learned(training, validation, outputs, epochs=10, seed=0):
    """A small DenseNet that has learned pictures (N, 1, H, W) and their class numbers."""
    torch.manual_seed(seed)
    network = densenet("laptop", num_classes=outputs)
    plan = Plan(epochs=epochs, batch_size=32, learning_rate=4e-3, seed=seed)
    fit(network, Pictures(*training), Pictures(*validation), ClassLoss(), plan)
    return network


def cases(kinds, patients):
    """Pictures of some kinds and patients, with class numbers 0, 1, ..."""
    chosen = pictures[kinds][:, patients]
    return chosen.reshape(-1, 1, 64, 64), np.repeat(np.arange(len(kinds)), chosen.shape[1])


everyone = list(range(len(KINDS)))
TRAIN, VALIDATE, TEST = slice(0, 38), slice(38, 45), slice(45, 65)

# %% tags=["varies"]
namer = learned(cases(everyone, TRAIN), cases(everyone, VALIDATE), len(KINDS))
test_pictures, true_kind = cases(everyone, TEST)
kind_probabilities = class_probabilities(namer, test_pictures)
said = kind_probabilities.argmax(axis=1)
print(f"{(said == true_kind).mean():.1%} of {len(said)} pictures named rightly")
for true, wrong in sorted({(KINDS[t], KINDS[s]) for t, s in zip(true_kind, said, strict=True) if t != s}):
    print(f"   a {true} was called {wrong}")
claim("Kinds of pictures are an easy question", (said == true_kind).mean() > 0.9)

# %% [markdown]
# Nearly perfect, with 38 patients. What it confuses are relatives: two views of one chest, two MR contrasts. The
# protocol name "PD" or "T2" is a convention: echo times of 45 ms and 60 ms are neighbours.
#
# ### Predict, then run
#
# We train again **without head CT**: eight kinds, in which every head is an MR and every CT a chest. Then we show it
# head CTs. There is no right answer. What will it say: "CT", because it is one, or "MR", because it is a head?

# %% tags=["varies", "slide"]
eight = [kind for kind in everyone if KINDS[kind] != "head CT"]
narrow = learned(cases(eight, TRAIN), cases(eight, VALIDATE), len(eight))
head_ct = pictures[KINDS.index("head CT"), TEST]
answers = class_probabilities(narrow, head_ct)
names = [KINDS[eight[k]] for k in answers.argmax(axis=1)]
for name in sorted(set(names)):
    print(f"{names.count(name):2d} of {len(names)} head CTs are called {name}")
sure = answers.max(axis=1) > 0.5
print(f"{sure.mean():.0%} of these wrong answers have a probability above 0.5")
as_mr = np.mean([name not in ("chest CT", "PA film", "AP film", "lateral film") for name in names])
claim("Many head CTs are taken for MR", as_mr > 0.25)

# %% [markdown]
# In its world, *head* and *MR* were the same thing. It learned whichever was easier to see. And [[softmax]] shares out
# 100 % among the kinds that it knows: "none of these" is not on the list. Show a network what it will meet, or measure
# what it does with the rest.

# %% [markdown] tags=["exercise"] exercise="suspicious_headers"
# ### Exercise: which headers should a human check?
#
# `probabilities` (pictures, kinds) come from the network, `header` (pictures,) is the kind that each header claims.
# Return the numbers of the `count` pictures whose header the network believes **least**, the least believed first.

# %% tags=["stub"] exercise="suspicious_headers"
def suspicious(probabilities, header, count):
    """Numbers of the pictures whose header is least likely to be true."""
    return ...

# %% tags=["check"] exercise="suspicious_headers"
check("suspicious_headers", suspicious)

# %% [markdown] tags=["hint"] exercise="suspicious_headers"
# For each picture one number matters: the probability of the kind that its header claims.

# %% [markdown] tags=["hint"] exercise="suspicious_headers"
# `probabilities[np.arange(len(header)), header]` picks that number from every row.

# %% [markdown] tags=["hint"] exercise="suspicious_headers"
# Sort with `np.argsort` and keep the first `count`.

# %% tags=["solution"] exercise="suspicious_headers"
def suspicious(probabilities, header, count):
    """Numbers of the pictures whose header is least likely to be true."""
    believed = probabilities[np.arange(len(header)), header]  # not the largest: the claimed one
    return np.argsort(believed)[:count]

# %% tags=["equivalent"] exercise="suspicious_headers"
def suspicious(probabilities, header, count):
    ranked = sorted(range(len(header)), key=lambda i: probabilities[i][header[i]])
    return ranked[:count]

# %% tags=["wrong"] exercise="suspicious_headers" says="unsure"
def suspicious(probabilities, header, count):
    return np.argsort(probabilities.max(axis=1))[:count]

# %% tags=["wrong"] exercise="suspicious_headers" says="believes most"
def suspicious(probabilities, header, count):
    return np.argsort(-probabilities[np.arange(len(header)), header])[:count]

# %% tags=["wrong"] exercise="suspicious_headers" says="exactly as many"
def suspicious(probabilities, header, count):
    return np.flatnonzero(probabilities.argmax(axis=1) != header)

# %% tags=["wrong"] exercise="suspicious_headers" says="not their probabilities"
def suspicious(probabilities, header, count):
    return np.sort(probabilities[np.arange(len(header)), header])[:count]

# %% tags=["checker"] exercise="suspicious_headers"
def checker(suspicious):
    p = np.array([[0.1, 0.9, 0.0], [0.40, 0.35, 0.25], [0.02, 0.03, 0.95], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    got = np.asarray(suspicious(p, np.array([1, 0, 0, 2, 1]), 2), dtype=float)
    require(got.shape == (2,), "Return exactly as many as asked: two of these five.")
    require(not (got % 1).any(), "Return the numbers of the pictures, not their probabilities.")
    require(list(got) != [1, 4], "These are where the network is unsure; ask whether it contradicts the header.")
    require(list(got) != [0, 4], "These headers are the ones that the network believes most.")
    require(list(got) != [3, 2], "The right two, but the least believed comes first.")
    more = np.asarray(suspicious(p, np.array([1, 0, 0, 2, 1]), 3), dtype=float)
    require(more.shape == (3,), "Return exactly as many as asked, also when three are.")
    close(got, [2, 3], "Picture 2 has 0.02 for its header, picture 3 has 0.1; no other has less.")

# %% tags=["varies"]
header = true_kind.copy()
wrong = np.random.default_rng(1).choice(len(header), 15, replace=False)
header[wrong] = (header[wrong] + np.random.default_rng(2).integers(1, len(KINDS), 15)) % len(KINDS)
believed = kind_probabilities[np.arange(len(header)), header]
found = np.isin(np.argsort(believed)[:15], wrong).sum()
print(f"15 of {len(header)} headers were falsified; {found} of them are among the 15 least believed")
claim("Most false headers are found by looking at 15 pictures", found >= 11)

# %% [markdown] tags=["slide"]
# ## 2 Is it good enough to be read?
#
# [[Quality control]] is a class as well: *nothing wrong*, or what is. The radiographer learns of a film that was cut
# off while the patient is still there.

# %%
sheet = faulty_films(range(4000, 4105))
fault_names = list(FAULTS)
first = np.flatnonzero(sheet.seeds == 4102)
show(
    films(sheet.pictures[first], [fault_names[k] for k in sheet.faults[first]], columns=8),
    alt="One patient eight times: without fault, inverted, upside down, on its side, mirrored, cut off, moved, with a necklace",
)

# %% tags=["varies"]
fault_pictures = 2 * sheet.pictures[:, None] - 1
parts = [sheet.seeds < 4075, (sheet.seeds >= 4075) & (sheet.seeds < 4082), sheet.seeds >= 4082]  # by patient
train, validation, test = [(fault_pictures[part], sheet.faults[part]) for part in parts]
inspector = learned(train, validation, len(FAULTS))
verdict = class_probabilities(inspector, test[0]).argmax(axis=1)
for number, name in enumerate(fault_names):
    print(f"{name:12s} {np.mean(verdict[test[1] == number] == number):4.0%} named rightly")
claim("Faults are found", np.mean((verdict == 0) == (test[1] == 0)) > 0.9)

# %% [markdown]
# *Mirrored* deserves a thought. The pixels of a mirrored film and of a patient with situs inversus are the same. The
# network has never seen the second, and will send that patient back. The side marker or the patient decides, not the
# network.
#
# ### What 64 pixels cannot show
#
# "Underexposed" is not on our list. On a pixel 6 mm wide some 900 true detector pixels (0.2 mm) are averaged, and their
# noise with them. **A small picture hides noise and blur**: for these questions cut a piece at full resolution instead.

# %%
def noise_left(share_of_dose, pixel_mm):
    """A grey step with quantum noise, seen with detector pixels averaged to pixel_mm."""
    photons = 400 * share_of_dose * (pixel_mm / 0.2) ** 2  # 400 in a detector pixel at full dose
    side = int(48 / pixel_mm)
    step = np.where(np.arange(side) < side / 2, 1.0, 0.9) * np.ones((side, 1))
    noisy = np.random.default_rng(0).poisson(step * photons) / photons
    fig, ax = plt.subplots(figsize=(3.6, 3.2))
    ax.imshow(noisy, vmin=0.75, vmax=1.15)
    ax.set_title(f"noise {100 / np.sqrt(photons):.2g} % of the signal")
    ax.set_axis_off()
    return fig


explore(
    noise_left, alt="a faint grey step: noisy with small pixels and a low dose, clean with large pixels",
    share_of_dose=[1.0, 0.3, 0.1, 0.03], pixel_mm=[0.2, 0.5, 1.5, 6.0],
)  # fmt: skip

# %% [markdown] tags=["slide"]
# ## 3 What lies *here*?
#
# Region classification: cut a patch, name what is in its **middle**. Then slide over the whole film.
#
# - *anatomy*: upper, middle, lower zone, heart, elsewhere
# - *anomaly*: a mass
#
# The truth comes from the shadows of the patients' own solids, pixel by pixel.

# %%
named = named_films(range(5000, 5190), size=128, masses=0.6)
WINDOW = 32  # pixels of 3 mm
rng = np.random.default_rng(0)
patches = [cut_patches(part, WINDOW, 3, rng) for part in (named[:140], named[140:155], named[155:])]
shares = np.bincount(patches[0].names) / len(patches[0].names)
print("training patches:", ", ".join(f"{name} {share:.0%}" for name, share in zip(REGIONS, shares, strict=True)))

# %% tags=["varies"]
torch.manual_seed(0)
patch_net = densenet("laptop", num_classes=len(REGIONS))
sets = [Pictures(2 * part.pictures - 1, part.names) for part in patches]
fit(patch_net, sets[0], sets[1], ClassLoss(), Plan(epochs=8, batch_size=64, learning_rate=4e-3, seed=0))
p_patch = class_probabilities(patch_net, 2 * patches[2].pictures - 1)
print(f"{np.mean(p_patch.argmax(1) == patches[2].names):.0%} of the test patches named rightly")
print(f"AUC of mass against all else: {auc(patches[2].names == MASS, p_patch[:, MASS]):.3f}")

# %%
test_films = named[155:]
maps = [sliding_answers(patch_net, 2 * one.picture - 1, WINDOW, step=4) for one in test_films]
with_mass = next(n for n, one in enumerate(test_films) if one.mass.sum() > 120)

# %% tags=["slide", "varies"]
one, answer = test_films[with_mass], maps[with_mass]
fig, axes = plt.subplots(1, 4, figsize=(11, 3))
edges = (answer.column_centres[0] - 2, answer.column_centres[-1] + 2, answer.row_centres[-1] + 2, answer.row_centres[0] - 2)
axes[0].imshow(one.picture)
axes[1].imshow(one.names, cmap="Set2", vmin=0, vmax=7, interpolation="nearest")
axes[2].imshow(answer.probabilities.argmax(2), cmap="Set2", vmin=0, vmax=7, extent=edges, interpolation="nearest")
axes[3].imshow(answer.probabilities[..., MASS], cmap="magma", vmin=0, vmax=1, extent=edges)
for number, name in enumerate(REGIONS[:4]):  # names on the right half of the map
    row, column = np.argwhere((one.names == number) & (np.arange(128) > 64)).mean(axis=0)
    axes[1].text(column, row, name, ha="center", size=8)
for ax, title in zip(axes, ("film", "truth", "625 patches named", "probability of a mass"), strict=True):
    ax.set(title=title, xlim=(0, 128), ylim=(128, 0))
    ax.set_axis_off()
show(fig, alt="A film, its true regions, the regions that the network names patch by patch, and a map of the mass")

# %% tags=["varies"]
agreement = []
for one, answer in zip(test_films, maps, strict=True):
    truth = one.names[np.ix_(answer.row_centres, answer.column_centres)]
    agreement.append(np.mean((answer.probabilities.argmax(2) == truth)[truth != MASS]))
print(f"{np.mean(agreement):.0%} of all windows without a mass get the right name")
claim("Patches draw a map of the chest", np.mean(agreement) > 0.8)

# %% [markdown] tags=["exercise"] exercise="false_windows"
# ### Exercise: a good specificity is not good enough
#
# A film is `side` pixels wide and high; a window of `window` pixels moves by `step`. How many windows of a **healthy**
# film will be called positive, on average, if the classifier has this `specificity`?

# %% tags=["stub"] exercise="false_windows"
def false_windows(side, window, step, specificity):
    """Mean number of false positive windows on one healthy film."""
    return ...

# %% tags=["check"] exercise="false_windows"
check("false_windows", false_windows)

# %% [markdown] tags=["hint"] exercise="false_windows"
# First count the places of a window along one side.

# %% [markdown] tags=["hint"] exercise="false_windows"
# The first place is 0, the last `side - window`. Count both ends. And a film has two directions.

# %% [markdown] tags=["hint"] exercise="false_windows"
# `((side - window) // step + 1) ** 2` windows, each false with probability `1 - specificity`.

# %% tags=["solution"] exercise="false_windows"
def false_windows(side, window, step, specificity):
    """Mean number of false positive windows on one healthy film."""
    places = (side - window) // step + 1
    return places**2 * (1 - specificity)

# %% tags=["equivalent"] exercise="false_windows"
def false_windows(side, window, step, specificity):
    places = len(range(0, side - window + 1, step))
    return places * places - places * places * specificity

# %% tags=["wrong"] exercise="false_windows" says="last place"
def false_windows(side, window, step, specificity):
    return ((side - window) // step) ** 2 * (1 - specificity)

# %% tags=["wrong"] exercise="false_windows" says="two directions"
def false_windows(side, window, step, specificity):
    return ((side - window) // step + 1) * (1 - specificity)

# %% tags=["wrong"] exercise="false_windows" says="rightly negative"
def false_windows(side, window, step, specificity):
    return ((side - window) // step + 1) ** 2 * specificity

# %% tags=["wrong"] exercise="false_windows" says="hang over"
def false_windows(side, window, step, specificity):
    return (side // step) ** 2 * (1 - specificity)

# %% tags=["checker"] exercise="false_windows"
def checker(false_windows):
    value = false_windows(128, 32, 4, 0.98)
    if isinstance(value, (int, float, np.number)):
        require(abs(value - 24**2 * 0.02) > 1e-6, "Count the last place as well: from 0 to 96 in steps of 4.")
        require(abs(value - 25 * 0.02) > 1e-6, "A film has two directions.")
        require(abs(value - 625 * 0.98) > 1e-6, "These windows are rightly negative.")
        require(abs(value - 32**2 * 0.02) > 1e-6, "Some of your windows hang over the edge.")
    close(value, 12.5, "128 pixels, windows of 32, steps of 4, specificity 0.98.")
    close(false_windows(10, 10, 3, 0.5), 0.5, "A window as large as the film fits once.")

# %% [markdown]
# 12 false windows on every healthy film, at 98 %. Two things help.
#
# **One mark per place.** Overlapping windows see the same mass. Keep the highest, drop its neighbours, go on:
# [[non-maximum suppression]] (`marks_of`).
#
# **The right prevalence.** In training one patch in nine was a mass. On the films it is one or two windows in a
# hundred. The network still believes in the world of its training.

# %% [markdown] tags=["exercise"] exercise="prior_shift"
# ### Exercise: move to another world
#
# `probabilities` (N, K) are right where classes have the shares `trained` (K,). In the hospital they have the shares
# `real` (K,). By Bayes, every column is multiplied by `real / trained`; then each row is made to add up to 1 again.
# Write it.

# %% tags=["stub"] exercise="prior_shift"
def moved(probabilities, trained, real):
    """Probabilities (N, K) for a place where the classes have other shares."""
    return ...

# %% tags=["check"] exercise="prior_shift"
check("prior_shift", moved)

# %% [markdown] tags=["hint"] exercise="prior_shift"
# A class that is ten times rarer in the hospital than in training must lose.

# %% [markdown] tags=["hint"] exercise="prior_shift"
# `probabilities * real / trained` multiplies each column. What do the rows add up to now?

# %% [markdown] tags=["hint"] exercise="prior_shift"
# Divide by `.sum(axis=1, keepdims=True)`.

# %% tags=["solution"] exercise="prior_shift"
def moved(probabilities, trained, real):
    """Probabilities (N, K) for a place where the classes have other shares."""
    weighted = probabilities * (np.asarray(real) / np.asarray(trained))
    return weighted / weighted.sum(axis=1, keepdims=True)

# %% tags=["equivalent"] exercise="prior_shift"
def moved(probabilities, trained, real):
    logits = np.log(probabilities) + np.log(real) - np.log(trained)
    return np.exp(logits) / np.exp(logits).sum(axis=1)[:, None]

# %% tags=["wrong"] exercise="prior_shift" says="add up to 1"
def moved(probabilities, trained, real):
    return probabilities * (np.asarray(real) / np.asarray(trained))

# %% tags=["wrong"] exercise="prior_shift" says="wrong way"
def moved(probabilities, trained, real):
    weighted = probabilities * (np.asarray(trained) / np.asarray(real))
    return weighted / weighted.sum(axis=1, keepdims=True)

# %% tags=["wrong"] exercise="prior_shift" says="forgot what it was trained on"
def moved(probabilities, trained, real):
    weighted = probabilities * np.asarray(real)
    return weighted / weighted.sum(axis=1, keepdims=True)

# %% tags=["checker"] exercise="prior_shift"
def checker(moved):
    p = np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
    got = np.asarray(moved(p, np.array([0.8, 0.2]), np.array([0.96, 0.04])), dtype=float)
    require(got.shape == p.shape, "Give a row per picture and a column per class.")
    require(np.allclose(got.sum(axis=1), 1), "Each row must add up to 1 again.")
    require(got[0, 1] < 0.5, "It goes the wrong way: the second class became rarer.")
    require(abs(got[0, 1] - 0.04) > 1e-6, "You forgot what it was trained on: half and half is already told by 0.8 and 0.2.")
    close(got[0], [6 / 7, 1 / 7], "The odds of the second class fall by a factor of six.")
    close(moved(p, np.array([0.3, 0.7]), np.array([0.3, 0.7])), p, "In the same world nothing changes.")

# %% tags=["varies", "slide"]
centres = maps[0].row_centres  # the same for all films, rows and columns
seen = np.concatenate([one.names[np.ix_(centres, centres)].ravel() for one in named[:140]])
real = np.bincount(seen, minlength=len(REGIONS)) / len(seen)  # shares of all windows of the training films
marks_in = {"as trained": [], "moved to real shares": []}
for answer in maps:
    flat = answer.probabilities.reshape(-1, len(REGIONS))
    weighted = flat * real / shares
    for name, p in (("as trained", flat), ("moved to real shares", weighted / weighted.sum(1, keepdims=True))):
        scores = p[:, MASS].reshape(answer.probabilities.shape[:2])
        marks_in[name].append(marks_of(scores, answer.row_centres, answer.column_centres, radius=10, lowest=0.02))
masks = [one.mass for one in test_films]
for name, marks in marks_in.items():
    sure = [[mark for mark in on_film if mark.score > 0.5] for on_film in marks]
    curve = free_response(sure, masks, reach=3)
    print(f"{name:22s} {curve.sensitivity[-1]:4.0%} of the masses marked, {curve.false_per_film[-1]:.2f} false marks a film")

# %% [markdown]
# The same network, the same threshold of 0.5: only the prevalence was set right. With *ranks* nothing has changed. The
# [[free-response ROC]] shows all thresholds at once: how many masses are found, at how many false marks per film.

# %% tags=["slide", "varies"]
curve = free_response(marks_in["as trained"], masks, reach=3)
fig, ax = plt.subplots(figsize=(5, 3.2))
ax.step(curve.false_per_film, curve.sensitivity, where="post")
ax.set(xlabel="false marks per film", ylabel="masses found", xlim=(0, 4), ylim=(0, 1.02))
show(fig, alt="The share of masses found rises steeply with the number of false marks per film")
claim("Most masses are found at two false marks per film", curve.sensitivity_at(2) > 0.7)

# %% [markdown] tags=["instructor"]
# Short of time: leave out section 2. Ask before the FROC curve: "Why no ROC curve?" (A hit at the wrong place would
# count as right; and "negative windows" can be made as many as one likes by a smaller step.) The same network found
# next to nothing when we asked for *nodules* of 7 to 29 mm: at 3 mm per pixel, with 90 of them to learn from, it marked
# one in five. Resolution and number of lesions decide, not the architecture.

# %% [markdown] tags=["slide"]
# ## 4 How much?
#
# Now the last layer has **no softmax**: one output per number. We ask two of each film:
#
# - the [[cardiothoracic ratio]]: clearly visible;
# - the patient's **age**: hardly visible (aorta, bones, shape of the chest).

# %%
past = measured_films(range(6000, 6400))
values = np.stack([past.age, past.ratio], axis=1)
grey = 2 * torch.tensor(past.pictures[0])[:, None] - 1
(age, ratio), (age_sd, ratio_sd) = values.mean(axis=0), values.std(axis=0)
print(f"age {age:.0f} +- {age_sd:.0f} years; ratio {ratio:.2f} +- {ratio_sd:.2f}")

# %%
future = measured_films(range(7000, 7100), views=("PA", "AP"))
truth = np.stack([future.age, future.ratio], axis=1)

# %% [markdown]
# ### Which loss?
#
# If all you may say is **one number** for everybody, squared errors are least for the mean, absolute errors for the
# median. Real labels hold typing errors: an age of 1957, a year of birth. The [[Huber loss|huber loss]] is squared near
# by, and straight far away.

# %%
def best_answer(typing_errors, delta):
    """Mean penalty of saying one age for all of 200 patients, some of whose ages are years of birth."""
    ages = past.age[:200].copy()
    ages[:typing_errors] = 2026 - ages[:typing_errors]
    said = np.arange(20, 400)
    fig, ax = plt.subplots(figsize=(6.2, 3.2))
    for penalty, colour in zip(("squared", "absolute", "huber"), COLOURS, strict=False):
        loss = NumberLoss(penalty, delta)
        column = torch.tensor(ages)[:, None]
        cost = np.array([float(loss.between(torch.full_like(column, s), column)) for s in said])
        cost = (cost - cost.min()) / (cost[-1] - cost.min())
        style = "--" if penalty == "huber" else "-"
        ax.plot(said, cost, style, color=colour, label=f"{penalty}: best at {said[cost.argmin()]}")
    ax.set(xlabel="age said for everybody", ylabel="loss, scaled", xlim=(20, 300), ylim=(-0.02, 0.6))
    ax.legend()
    return fig


explore(best_answer, alt="Three loss curves: with typing errors only the squared one moves its minimum far away",
        typing_errors=(0, 20, 2, 10), delta=[80.0, 20.0, 5.0])  # fmt: skip

# %% [markdown] tags=["exercise"] exercise="huber_penalty"
# ### Exercise: write the Huber loss
#
# For a difference $d$: $\frac12 d^2$ while $|d| \le \delta$, beyond it the straight line
# $\delta\,(|d| - \frac12\delta)$. `differences` is an array; return one penalty for each.

# %% tags=["stub"] exercise="huber_penalty"
def huber(differences, delta):
    """The Huber penalty of each difference."""
    return ...

# %% tags=["check"] exercise="huber_penalty"
check("huber_penalty", huber)

# %% [markdown] tags=["hint"] exercise="huber_penalty"
# Compute both formulas for all differences, then choose element by element.

# %% [markdown] tags=["hint"] exercise="huber_penalty"
# `np.where(condition, here, there)` chooses. The condition uses the *absolute* difference.

# %% [markdown] tags=["hint"] exercise="huber_penalty"
# `size = np.abs(differences)`, then `np.where(size <= delta, size**2 / 2, ...)`.

# %% tags=["solution"] exercise="huber_penalty"
def huber(differences, delta):
    """The Huber penalty of each difference."""
    size = np.abs(differences)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))

# %% tags=["equivalent"] exercise="huber_penalty"
def huber(differences, delta):
    size = np.abs(differences)
    near = np.minimum(size, delta)
    return near**2 / 2 + delta * (size - near)

# %% tags=["wrong"] exercise="huber_penalty" says="jumps"
def huber(differences, delta):
    size = np.abs(differences)
    return np.where(size <= delta, size**2 / 2, delta * size)

# %% tags=["wrong"] exercise="huber_penalty" says="negative"
def huber(differences, delta):
    d = np.asarray(differences)
    return np.where(d <= delta, d**2 / 2, delta * (d - delta / 2))

# %% tags=["wrong"] exercise="huber_penalty" says="half"
def huber(differences, delta):
    size = np.abs(differences)
    return np.where(size <= delta, size**2, delta * (2 * size - delta))

# %% tags=["wrong"] exercise="huber_penalty" says="one for each"
def huber(differences, delta):
    size = np.abs(differences)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2)).mean()

# %% tags=["checker"] exercise="huber_penalty"
def checker(huber):
    got = np.asarray(huber(np.array([0.0, 1.0, -1.0, 2.0, 10.0, -10.0]), 2.0), dtype=float)
    require(got.shape == (6,), "Return one for each difference, not their mean.")
    require(abs(got[5] - 50) > 1e-6, "A negative difference of 10 is as large as a positive one.")
    require(abs(got[1] - 1) > 1e-6, "The squared part has a factor of one half.")
    require(abs(got[4] - 20) > 1e-6, "The penalty jumps at delta; the straight line must begin where the parabola ends.")
    close(got, [0, 0.5, 0.5, 2, 18, 18], "Differences 0, 1, -1, 2, 10, -10 with delta 2.")

# %% tags=["varies"]
scale = Scale.of(values[:330])  # years and ratios, brought to the same scale
torch.manual_seed(0)
measurer = densenet("laptop", num_classes=2)
fit(
    measurer, Pairs(grey[:330], scale.small(values[:330])), Pairs(grey[330:], scale.small(values[330:])),
    NumberLoss("huber"), Plan(epochs=14, batch_size=32, learning_rate=4e-3, seed=0),
)  # fmt: skip
on_validation = predicted_values(measurer, grey[330:], scale)
on_pa, on_ap = (predicted_values(measurer, 2 * views[:, None] - 1, scale) for views in future.pictures)

# %% [markdown]
# ### How good? The [[mean absolute error]], and against what?
#
# "An error of 11 years" says nothing without the error of somebody who does not look at the film.

# %% tags=["varies", "slide"]
lazy = np.tile(values[:330].mean(axis=0), (len(truth), 1))
for k, (name, unit) in enumerate((("age", "years"), ("heart/chest ratio", ""))):
    error = mean_absolute_error(on_pa[:, k], truth[:, k])
    interval = bootstrap(mean_absolute_error, on_pa[:, k], truth[:, k], seed=1)
    without = mean_absolute_error(lazy[:, k], truth[:, k])
    print(f"{name:18s} MAE {error:.3g} ({interval.low:.3g} to {interval.high:.3g}) {unit}; always the mean {without:.3g}")
ratio_mae = mean_absolute_error(on_pa[:, 1], truth[:, 1])
claim("The ratio is read far better than by guessing", ratio_mae < 0.5 * mean_absolute_error(lazy[:, 1], truth[:, 1]))
enlarged = truth[:, 1] > 0.5
print(f"and as a test for a ratio above one half: AUC {auc(enlarged, on_pa[:, 1]):.3f}")
claim("A number is also a score for every threshold", auc(enlarged, on_pa[:, 1]) > 0.9)

# %% tags=["varies", "slide"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for k, (ax, name) in enumerate(zip(axes, ("age in years", "cardiothoracic ratio"), strict=True)):
    line = bias_line(on_pa[:, k], truth[:, k])
    ends = np.array([truth[:, k].min(), truth[:, k].max()])
    ax.plot(truth[:, k], on_pa[:, k], ".", color=COLOURS[0])
    ax.plot(ends, ends, "k--", lw=1, label="perfect")
    ax.plot(ends, ends + line.at(ends), color=COLOURS[1], label=f"slope of the error {line.slope:.2f}")
    ax.set(xlabel="true " + name, ylabel="predicted")
    ax.legend()
show(fig, alt="Ages are drawn towards the middle, a flat cloud; heart sizes lie near the diagonal")
claim("Ages are drawn to the mean, ratios hardly", bias_line(on_pa[:, 0], truth[:, 0]).slope < -0.3)

# %% [markdown] tags=["slide"]
# ## 5 The old look younger: [[regression to the mean]]
#
# Who sees little should say little: the best guess without evidence is the mean. So the young are guessed too old and
# the old too young. The error follows a line: $\text{error} = \alpha \cdot \text{age} + \beta$, with $\alpha$ between 0
# and −1.
#
# Papers on "brain age" *correct* it:
#
# - predicted − (α · **true age** + β). It uses the truth!
# - (predicted − β) / (1 + α). It needs no truth, and stretches the errors too.

# %% [markdown] tags=["exercise"] exercise="constant_predictor"
# ### Exercise: the program that does not look
#
# A program says **52** for everybody. Work out its line of errors, error = α · age + β. Then correct it with the first
# formula, for two patients of 30 and 70.

# %% tags=["stub"] exercise="constant_predictor"
alpha, beta = ..., ...
corrected_at_30, corrected_at_70 = ..., ...

# %% tags=["check"] exercise="constant_predictor"
check("constant_predictor", alpha, beta, corrected_at_30, corrected_at_70)

# %% [markdown] tags=["hint"] exercise="constant_predictor"
# The error is what it says minus the age: 52 − age. Compare with α · age + β.

# %% [markdown] tags=["hint"] exercise="constant_predictor"
# α = −1. For the patient of 30 the line expects an error of 52 − 30 = 22.

# %% [markdown] tags=["hint"] exercise="constant_predictor"
# 52 − 22 = 30. Is that a coincidence? Try 70.

# %% tags=["solution"] exercise="constant_predictor"
alpha, beta = -1, 52  # error = 52 - age
corrected_at_30, corrected_at_70 = 52 - (-1 * 30 + 52), 52 - (-1 * 70 + 52)  # perfect, without looking!

# %% tags=["equivalent"] exercise="constant_predictor"
alpha, beta = -1.0, 52.0
corrected_at_30, corrected_at_70 = 30.0, 70.0

# %% tags=["wrong"] exercise="constant_predictor" says="52 minus age"
alpha, beta = 0, 52
corrected_at_30, corrected_at_70 = 0, 0

# %% tags=["wrong"] exercise="constant_predictor" says="other way"
alpha, beta = 1, -52
corrected_at_30, corrected_at_70 = 30, 70

# %% tags=["wrong"] exercise="constant_predictor" says="Subtract the line"
alpha, beta = -1, 52
corrected_at_30, corrected_at_70 = 52, 52

# %% tags=["wrong"] exercise="constant_predictor" says="that is the error"
alpha, beta = -1, 52
corrected_at_30, corrected_at_70 = 22, -18

# %% tags=["checker"] exercise="constant_predictor"
def checker(alpha, beta, corrected_at_30, corrected_at_70):
    if all(isinstance(v, (int, float)) for v in (alpha, beta, corrected_at_30, corrected_at_70)):
        require((alpha, beta) != (0, 52), "The error is not always 52; it is 52 minus age.")
        require((alpha, beta) != (1, -52), "You took age minus prediction; it is the other way round.")
        require(corrected_at_30 != 52, "Subtract the line's value at that age from 52.")
        require(corrected_at_30 != 22, "No: that is the error; subtract it from the prediction.")
    close([alpha, beta], [-1, 52], "alpha and beta of error = 52 - age.")
    close([corrected_at_30, corrected_at_70], [30, 70], "52 minus the line's value at 30, and at 70.")

# %% [markdown] tags=["exercise"] exercise="fair_correction"
# ### Exercise: a correction that is not told the answer
#
# Write the second formula. From error = α · truth + β, that is predicted − truth = α · truth + β, solve for the truth.

# %% tags=["stub"] exercise="fair_correction"
def fairly_corrected(predicted, alpha, beta):
    """Predictions (N,) stretched so that they spread like the truth."""
    return ...

# %% tags=["check"] exercise="fair_correction"
check("fair_correction", fairly_corrected)

# %% [markdown] tags=["hint"] exercise="fair_correction"
# Bring everything with "truth" to one side.

# %% [markdown] tags=["hint"] exercise="fair_correction"
# predicted = (1 + α) · truth + β.

# %% [markdown] tags=["hint"] exercise="fair_correction"
# Subtract β, then divide by (1 + α).

# %% tags=["solution"] exercise="fair_correction"
def fairly_corrected(predicted, alpha, beta):
    """Predictions (N,) stretched so that they spread like the truth."""
    return (np.asarray(predicted) - beta) / (1 + alpha)

# %% tags=["equivalent"] exercise="fair_correction"
def fairly_corrected(predicted, alpha, beta):
    slope = 1 + alpha
    return np.asarray(predicted) / slope - beta / slope

# %% tags=["wrong"] exercise="fair_correction" says="its own prediction"
def fairly_corrected(predicted, alpha, beta):
    return np.asarray(predicted) - (alpha * np.asarray(predicted) + beta)

# %% tags=["wrong"] exercise="fair_correction" says="squeezes"
def fairly_corrected(predicted, alpha, beta):
    return (np.asarray(predicted) - beta) / (1 - alpha)

# %% tags=["wrong"] exercise="fair_correction" says="first take away"
def fairly_corrected(predicted, alpha, beta):
    return np.asarray(predicted) / (1 + alpha) - beta

# %% tags=["checker"] exercise="fair_correction"
def checker(fairly_corrected):
    truth = np.array([20.0, 50.0, 80.0])
    predicted = truth + (-0.6 * truth + 30)
    got = np.asarray(fairly_corrected(predicted, -0.6, 30), dtype=float)
    require(got.shape == (3,), "Give one number for each prediction.")
    require(not np.allclose(got, 1.6 * predicted - 30), "You put its own prediction in the place of the truth.")
    require(not np.allclose(got, (predicted - 30) / 1.6), "This squeezes them even more; mind the sign of alpha.")
    require(not np.allclose(got, predicted / 0.4 - 30), "The order: first take away beta, then divide.")
    close(got, truth, "Predictions that lie exactly on the line with alpha -0.6 and beta 30.")

# %% tags=["varies", "slide"]
line = bias_line(on_validation[:, 0], values[330:, 0])  # fitted on validation, used on the test
age = truth[:, 0]
told = corrected_with_truth(on_pa[:, 0], age, line)
fair = (on_pa[:, 0] - line.offset) / (1 + line.slope)
blind = np.full(len(age), values[:330, 0].mean())
blind_told = corrected_with_truth(blind, age, bias_line(np.full(70, blind[0]), values[330:, 0]))
answers = {"as predicted": on_pa[:, 0], "corrected, told the age": told, "corrected, not told": fair,
           "always the mean": blind, "always the mean, corrected, told": blind_told}  # fmt: skip
for name, ages in answers.items():
    print(f"{name:34s} MAE {mean_absolute_error(ages, age):5.1f} years")
mae = {name: mean_absolute_error(ages, age) for name, ages in answers.items()}
claim("Told the age, the error shrinks", mae["corrected, told the age"] < mae["as predicted"])
claim("not told, it grows", mae["corrected, not told"] > mae["as predicted"])
claim("and a program that does not look becomes perfect", mae["always the mean, corrected, told"] < 1e-6)

# %% [markdown]
# Our network knows next to nothing of age: it is hardly better than the mean. Its *corrected* error looks respectable
# all the same. So a corrected MAE says nothing about how well an age is read. In the lecture's papers the correction
# takes 2.64 years to 2.43, and 2.13 to 1.96; a constant would reach 0. What the first formula is good for: comparing
# the *gap* (predicted minus true) of patients and healthy people of different ages, since it makes the gap independent
# of age. Report the MAE before it.
#
# ## 6 Same patients, another view
#
# The network learned PA films. Here are the same patients AP, as in bed. Their hearts have not changed, and neither has
# the true ratio. But the tube is in front of them and nearer, the heart is enlarged more than the chest wall, and the
# shoulder blades lie over the lungs.

# %% tags=["varies", "slide"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
for ax, (view, answer) in zip(axes, (("PA", on_pa), ("AP", on_ap)), strict=True):
    agreement = bland_altman(answer[:, 1], truth[:, 1])
    ax.plot((answer[:, 1] + truth[:, 1]) / 2, answer[:, 1] - truth[:, 1], ".", color=COLOURS[0])
    for height in (agreement.bias, *agreement.limits):
        ax.axhline(height, color=COLOURS[1], lw=1)
    ax.set(title=f"{view}: bias {agreement.bias:+.3f}", xlabel="mean of network and truth")
    low, high = agreement.limits
    print(f"{view}: bias {agreement.bias:+.3f}, 95 % of the differences between {low:+.3f} and {high:+.3f}")
axes[0].set_ylabel("network minus truth")
show(fig, alt="Differences lie close to zero on PA films and scatter widely on AP films")
spread = [bland_altman(answer[:, 1], truth[:, 1]).standard_deviation for answer in (on_pa, on_ap)]
claim("A view that it has not learned makes the network's measurements scatter", spread[1] > 1.4 * spread[0])

# %% [markdown]
# On an AP film a ruler would read every ratio about 5 % too large. The network is no ruler: trained from four different
# starts it was off by -0.02 to +0.03 on the average; only the scatter was always two to three times larger. The
# [[limits of agreement]] show what the mean hides. Section 1 could have warned us: first ask *which view*, then
# measure.

# %% [markdown] tags=["instructor"]
# Typical mistakes: correlation in the place of agreement; a corrected MAE in the abstract; MAE without that of the
# mean. Ask: "Your network's MAE is 3 years in adults from 18 to 90. In children from 8 to 12 a constant has one of 1
# year. Is that better?" A good end: which of the six models of this lesson needs another if it is to be safe?

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Kind, view, sequence and quality are easy classes. What is not on the list gets a confident wrong name.
# - A patch classifier slides: hundreds of windows per film make 98 % specificity poor. One mark per place; the real prevalence.
# - Measure "where" with a free-response ROC curve: lesions found over false marks per film.
# - Regression: squared loss for the mean, absolute for the median, Huber against typing errors. Compare the MAE with that of the mean.
# - Little information: answers shrink to the mean. A correction that is told the truth makes any program look good.
# - Bland-Altman shows shift and scatter. A network that reads PA films well need not read AP films.

# %% [markdown]
# ## References
#
# - P. Huber, Robust estimation of a location parameter, Ann Math Stat 35 (1964) 73.
# - H. Danzer, The cardiothoracic ratio, Am J Med Sci 157 (1919) 513.
# - P. Bunch et al., A free response approach, Proc SPIE 127 (1977) 124.
# - M. Saerens, P. Latinne, C. Decaestecker, Adjusting the outputs of a classifier to new a priori probabilities, Neural Comput 14 (2002) 21.
# - A.-M. de Lange, J. Cole, Commentary: correction procedures in brain-age prediction, NeuroImage Clin 26 (2020) 102229.
# - J. Bland, D. Altman, Statistical methods for assessing agreement, Lancet 327 (1986) 307.

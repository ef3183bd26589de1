# %% [markdown] tags=["slide"]
# ## Twenty slices, three series, one answer
#
# A knee examination is no picture. It is three series of about twenty slices each, and the question is about the
# *knee*: is it abnormal? Is the [[ACL]] torn? Is a [[meniscus]] torn?
#
# In 2018 a group at Stanford answered with **MRNet**: one small network per series, the largest value over all
# slices, and a weighted sum of the three series.
#
# You will build it, dilute it, fool it, and ask it *where* it looked.

# %%
from functools import lru_cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from course_lib.data.knee import KneeSeries, knee_exam, knee_exams
from course_lib.evaluation.delong import delong
from course_lib.evaluation.hanley_mcneil import error_from_interval, hanley_mcneil_error
from course_lib.evaluation.published import published
from course_lib.evaluation.roc import auc
from course_lib.imaging.mr.knee import ELSEWHERE, PROTOCOL
from course_lib.learning.combination import fit_combination
from course_lib.learning.losses import MultiLabelLoss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.counting import count_parameters
from course_lib.models.mrnet import mrnet
from course_lib.patient.knee import QUESTIONS
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## The examination
#
# - **sagittal T2**, fat saturated: fluid is bright; the ACL runs in this plane
# - **coronal T1**: fat and [[bone marrow]] are bright, oedema and fluid are dark
# - **axial PD**, fat saturated: kneecap, recesses, the ligaments cut across
#
# Our knees are virtual. Every solid is known, so the truth of each *slice* is known, too.

# %% tags=["slide"]
exam = knee_exam(11, size=128, findings={"ACL tear": 0.8, "bone bruise": 0.7, "effusion": 0.5})
shown, titles = [], []
for name, images in exam.images.items():
    best = int(exam.shown[name][:, 0].argmax())
    for number in (best, len(images) // 2, len(images) // 3):
        shown.append(np.clip(images[number] / np.percentile(images, 99.5), 0, 1))
        titles.append(f"{name}, slice {number + 1} of {len(images)}")
show(films(shown, titles, columns=3, width=9),
     alt="Nine slices of a virtual knee: sagittal with bright fluid, coronal with bright marrow and dark menisci, "
         "axial with the femoral condyles; round bright spots are bone bruises")

# %% [markdown]
# Play: one knee, one [[finding]] at a time. In which series, and in how many slices, do you see it?

# %%
@lru_cache(maxsize=24)
def knee_with(finding):
    return knee_exam(21, size=128, findings={} if finding == "nothing" else {finding: 0.7})


def draw_slice(finding, series, slice_percent):
    exam = knee_with(finding)
    images = exam.images[series]
    number = round(slice_percent / 100 * (len(images) - 1))
    shown = exam.shown[series][number, 0]
    fig, ax = plt.subplots(figsize=(4.6, 4.8))
    film(ax, images[number], f"slice {number + 1} of {len(images)}: {shown:.0f} mm² of {finding}",
         vmax=np.percentile(images, 99.7))
    return fig


explore(draw_slice, alt="One slice of a virtual knee with the chosen finding; its title says how much of it is in the slice",
        finding=["ACL tear", "meniscal tear", "effusion", "bone bruise", "cartilage defect", "Baker's cyst",
                 "MCL sprain", "marrow oedema", "nothing"],
        series=list(PROTOCOL), slice_percent=(0, 100, 5, 45))

# %% [markdown]
# Now a hundred and forty knees to learn from, fifty for tuning, and a hundred and ten for the test. The sets are
# other *patients*.

# %%
learn = knee_exams(range(140), truth=False)
tune = knee_exams(range(1000, 1050), truth=False)

# %%
test = knee_exams(range(2000, 2110))
truth = np.array([exam.answers for exam in test])
print("share of the test knees:", dict(zip(QUESTIONS, truth.mean(0).round(2).tolist(), strict=True)))

# %% [markdown]
# How many slices does an examination have?

# %%
counts = {name: [len(exam.images[name]) for exam in learn] for name in PROTOCOL}
for name, numbers in counts.items():
    print(f"{name:12} {min(numbers)} to {max(numbers)} slices")
claim("The number of slices differs from knee to knee", all(len(set(n)) > 3 for n in counts.values()))

# %% [markdown] tags=["slide"]
# ## The network
#
# 1. Every slice goes through the same feature extractor (in the paper that of **AlexNet**, which had learned
#    photographs): 256 maps of 7 x 7.
# 2. Each map is averaged: 256 numbers per slice.
# 3. Of each number, the **largest over all slices** is kept ([[max pooling|pooling]] over slices).
# 4. One linear layer makes the [[logit]].
#
# It takes any number of slices. But one exam at a time: [[batch size]] 1.

# %% tags=["slide"]
paper = mrnet("paper")
print(f"{count_parameters(paper):,} parameters; nine networks (3 series x 3 questions): "
      f"{9 * count_parameters(paper):,}")
with torch.no_grad():
    for slices in (17, 3):
        print(f"{slices} slices of 256 x 256 -> maps {tuple(paper.features(torch.zeros(slices, 3, 256, 256)).shape)}"
              f" -> answer {tuple(paper(torch.zeros(1, slices, 1, 256, 256)).shape)}")

# %% [markdown] tags=["exercise"] exercise="series_answer"
# ### Exercise: from slices to a series
#
# `features` (slices, channels) holds the averaged maps of every slice. Write the logit of the series as MRNet does:
# `weight` (channels,) and the number `bias` are those of the linear layer.

# %% tags=["stub"] exercise="series_answer"
def series_logit(features, weight, bias):
    """One logit for a series of any number of slices."""
    return ...

# %% tags=["check"] exercise="series_answer"
check("series_answer", series_logit)

# %% [markdown] tags=["hint"] exercise="series_answer"
# Which comes first: the largest over the slices, or the linear layer?

# %% [markdown] tags=["hint"] exercise="series_answer"
# First pool: one number per *channel*. Axis 0 counts slices.

# %% [markdown] tags=["hint"] exercise="series_answer"
# `features.max(axis=0)` has one number per channel; multiply by the weights, add up, add the bias.

# %% tags=["solution"] exercise="series_answer"
def series_logit(features, weight, bias):
    """One logit for a series of any number of slices."""
    return features.max(axis=0) @ weight + bias  # each channel may find its maximum in another slice

# %% tags=["equivalent"] exercise="series_answer"
def series_logit(features, weight, bias):
    return sum(w * column.max() for w, column in zip(weight, features.T, strict=True)) + bias

# %% tags=["wrong"] exercise="series_answer" says="largest logit"
def series_logit(features, weight, bias):
    return (features @ weight + bias).max()

# %% tags=["wrong"] exercise="series_answer" says="mean"
def series_logit(features, weight, bias):
    return features.mean(axis=0) @ weight + bias

# %% tags=["wrong"] exercise="series_answer" says="bias"
def series_logit(features, weight, bias):
    return features.max(axis=0) @ weight

# %% tags=["wrong"] exercise="series_answer" says="number of slices"
def series_logit(features, weight, bias):
    return features.max(axis=1)[:3] @ weight + bias

# %% tags=["checker"] exercise="series_answer"
def checker(series_logit):
    features = np.array([[1.0, 4.0, 0.0], [3.0, 1.0, 2.0], [0.0, 2.0, 5.0], [2.0, 2.0, 2.0]])
    weight, bias = np.array([1.0, -2.0, 0.5]), 0.25
    got = series_logit(features, weight, bias)
    if isinstance(got, (int, float, np.number)):
        require(abs(got - (features @ weight + bias).max()) > 1e-9,
                "This is the largest logit of a slice. MRNet pools the features first: each channel for itself.")
        require(abs(got - features.mean(0) @ weight - bias) > 1e-9, "This is the mean over the slices.")
        require(abs(got - features.max(0) @ weight) > 1e-9, "The bias of the linear layer is missing.")
        require(abs(got - features.max(1)[:3] @ weight - bias) > 1e-9,
                "You pooled over the channels; the number of slices must not matter, axis 0 counts them.")
    close(got, features.max(0) @ weight + bias, "The pooled features, weighted and added up, with the bias.")

# %% [markdown] tags=["slide"]
# ## Max or mean?
#
# A tear fills two slices of twenty. The **mean** over slices divides it by ten. The **maximum** keeps it, but it
# also keeps the loudest noise of all twenty.
#
# Play: how strong is the sign, and in how many of the slices?

# %%
def pooled_aucs(strength, ill_slices, slices=20, seed=0):
    """AUC of max and mean over slices: unit noise in all, `strength` added in some of the ill."""
    random = np.random.default_rng(seed)
    ill, healthy = random.normal(size=(2, 2000, slices))
    ill[:, :ill_slices] += strength
    answer = np.repeat([1, 0], 2000)
    scores = {"max": np.concatenate([ill.max(1), healthy.max(1)]),
              "mean": np.concatenate([ill.mean(1), healthy.mean(1)])}
    return {how: auc(answer, score) for how, score in scores.items()}


def draw_pooling(strength, ill_slices):
    lengths = [n for n in (5, 10, 15, 20, 30, 40) if n >= ill_slices]
    areas = [pooled_aucs(strength, ill_slices, n) for n in lengths]
    fig, ax = plt.subplots(figsize=(6, 3.4))
    for how in ("max", "mean"):
        ax.plot(lengths, [row[how] for row in areas], "o-", label=f"{how} over slices")
    ax.set(xlabel="slices in the series", ylabel="AUC", ylim=(0.45, 1.01),
           title=f"sign of {strength:g} noise widths, ill slices: {ill_slices}")
    ax.legend()
    return fig


explore(draw_pooling, alt="AUC against the number of slices: it falls for both, faster for the mean when the sign is strong and in few slices",
        strength=(0.5, 5.0, 0.5, 4.0), ill_slices=(1, 5, 1, 1))

# %%
few, many = pooled_aucs(4, 1), pooled_aucs(0.8, 10)
print("strong, in 1 of 20 slices: ", {how: round(area, 2) for how, area in few.items()})
print("weak, in 10 of 20 slices:  ", {how: round(area, 2) for how, area in many.items()})
claim("A strong sign in one slice: max is better", few["max"] > few["mean"] + 0.1)
claim("A weak sign in half of the slices: mean is better", many["mean"] > many["max"] + 0.1)

# %% [markdown] tags=["exercise"] exercise="diluted_lesion"
# ### Exercise: how much is left?
#
# A feature is 0 in healthy slices and `height` in the `ill` slices that show the lesion. A technologist changes the
# protocol: the same knee now has `slices` slices. Write what mean pooling and what max pooling make of it, as a pair
# `(mean, maximum)`. Take care of a series that missed the lesion (`ill` is 0).

# %% tags=["stub"] exercise="diluted_lesion"
def after_pooling(height, ill, slices):
    """(mean, maximum) over the slices of a feature that is `height` in `ill` of them."""
    return ...

# %% tags=["check"] exercise="diluted_lesion"
check("diluted_lesion", after_pooling)

# %% [markdown] tags=["hint"] exercise="diluted_lesion"
# Write down the feature for 5 slices of which 2 are ill, and pool by hand.

# %% [markdown] tags=["hint"] exercise="diluted_lesion"
# The mean is the sum, `height * ill`, divided by all slices. The maximum does not know how many there were.

# %% [markdown] tags=["hint"] exercise="diluted_lesion"
# The maximum is `height` if at least one slice is ill, else 0.

# %% tags=["solution"] exercise="diluted_lesion"
def after_pooling(height, ill, slices):
    """(mean, maximum) over the slices of a feature that is `height` in `ill` of them."""
    return height * ill / slices, height if ill > 0 else 0  # the mean depends on the protocol

# %% tags=["equivalent"] exercise="diluted_lesion"
def after_pooling(height, ill, slices):
    feature = np.zeros(slices)
    feature[:ill] = height
    return feature.mean(), feature.max()

# %% tags=["wrong"] exercise="diluted_lesion" says="healthy slices count"
def after_pooling(height, ill, slices):
    return (height, height) if ill else (0, 0)

# %% tags=["wrong"] exercise="diluted_lesion" says="missed"
def after_pooling(height, ill, slices):
    return height * ill / slices, height

# %% tags=["wrong"] exercise="diluted_lesion" says="order"
def after_pooling(height, ill, slices):
    return (height if ill > 0 else 0), height * ill / slices

# %% tags=["wrong"] exercise="diluted_lesion" says="several slices"
def after_pooling(height, ill, slices):
    return height / slices if ill else 0, height if ill else 0

# %% tags=["checker"] exercise="diluted_lesion"
def checker(after_pooling):
    got = after_pooling(6.0, 2, 20)
    require(isinstance(got, (tuple, list)) and len(got) == 2, "We want a pair: (mean, maximum).")
    mean, most = (float(value) for value in got)
    require(not (mean == 6 and most == 0.6), "You have them in the other order: mean first.")
    require(mean != 6, "The healthy slices count in the mean, too.")
    require(abs(mean - 0.3) > 1e-9, "The lesion may be in several slices; each adds its height.")
    close([mean, most], [0.6, 6.0], "Two slices of height 6 among 20.")
    close(list(after_pooling(6.0, 0, 20)), [0, 0], "A series that missed the lesion shows nothing.")

# %% [markdown] tags=["slide"]
# ## Three networks learn
#
# The paper trains **nine** networks, one per series and question. We save time: one per series, with three answers each,
# the same class in a small size, on the middle 96 mm.
#
# - the loss is weighted [[cross-entropy]]: rare answers count more
# - one exam per step (the number of slices differs)
# - the epoch with the best tuning loss is kept
# - the paper's networks began with weights that had learned photographs; our coronal and axial networks begin with those
#   of the sagittal one

# %%
torch.set_num_threads(1)  # so small a network is slower with two


def of_series(exams, name):
    """The series for a network; of T1, where fluid is dark, the negative: the maximum carries what is bright."""
    return KneeSeries(exams, name, crop_px=48, negative=name == "coronal T1")


def train_series(name, epochs, start=None):
    """A small MRNet for one series, trained on `learn` from the weights of `start`, best epoch chosen on `tune`."""
    torch.manual_seed(3)
    network = mrnet("laptop", outputs=3, in_channels=1)
    if start is not None:
        network.load_state_dict(start.state_dict())
    lessons, tuning = of_series(learn, name), of_series(tune, name)
    share = lessons.targets.mean(0)
    loss = MultiLabelLoss((1 - share) / share)
    fit(network, lessons, tuning, loss, Plan(epochs, batch_size=1, learning_rate=1.5e-3))
    return network.eval()


def logits_of(name, exams):
    """(exams, 3) logits of the network of a series, one exam after the other."""
    with torch.no_grad():
        return np.concatenate([networks[name](item["image"]).numpy() for item in of_series(exams, name)])

# %% tags=["varies"]
networks = {"sagittal T2": train_series("sagittal T2", 8)}

# %% tags=["varies"]
networks["coronal T1"] = train_series("coronal T1", 6, networks["sagittal T2"])

# %% tags=["varies"]
networks["axial PD"] = train_series("axial PD", 6, networks["sagittal T2"])

# %% tags=["varies"]
scores = {name: logits_of(name, test) for name in PROTOCOL}
table = pd.DataFrame({name: [auc(truth[:, k], s[:, k]) for k in range(3)] for name, s in scores.items()}, QUESTIONS)
print(table.round(2).to_string())
claim("Fluid is bright in the sagittal and the axial series: both tell abnormal from normal knees",
      min(table.loc["abnormal", ["sagittal T2", "axial PD"]]) > 0.75)
claim("For the ACL, too, both know more than chance", min(table.loc["acl", ["sagittal T2", "axial PD"]]) > 0.6)

# %% [markdown]
# A meniscal tear, one or two bright pixels wide, is the hardest question: in the paper, too, it has the lowest area.
#
# **The coronal network has hardly learned anything**, although you saw the bone bruise in its series. On T1 a finding is
# grey among white fat and black tendon. It is neither the brightest nor the darkest thing, and the maximum carries
# extremes. A hundred and forty exams are too few to teach it more; the paper had over a thousand, and nets that had
# learned photographs. We keep it: the combination must cope with a series that knows nothing.
#
# And max against mean on *these* knees? We take the features that the sagittal network has learned, pool them over the
# slices in both ways, and fit the last layer anew for each, on the exams it learned from.

# %% tags=["varies"]
def pooled_features(exams, how):
    """(exams, 64) features of the sagittal series: the "max" or the "mean" over its slices."""
    network = networks["sagittal T2"]
    with torch.no_grad():
        maps = [network.features(item["image"]) for item in of_series(exams, "sagittal T2")]
    of_slices = [one.mean((2, 3)).numpy() for one in maps]
    return np.stack([one.max(0) if how == "max" else one.mean(0) for one in of_slices])


answers_learn = np.array([exam.answers for exam in learn])
for how in ("max", "mean"):
    inputs, fresh = pooled_features(learn, how), pooled_features(test, how)
    layers = [fit_combination(inputs, answers_learn[:, k], strength=0.01) for k in range(3)]
    found = [auc(truth[:, k], layer.logit(fresh)) for k, layer in enumerate(layers)]
    print(f"{how:5}", {question: round(area, 2) for question, area in zip(QUESTIONS, found, strict=True)})

# %% [markdown]
# With a hundred and ten test exams, differences of a few hundredths are chance. The rule stands nevertheless: what is
# small and strong wants the maximum, what is everywhere and weak wants the mean. An effusion is in many slices; a
# partial tear is in two. (These features grew up with the maximum; a network trained with the mean would have others.
# `mrnet("laptop", 3, 1, pooling="mean")` builds it, if you have a minute.)

# %% [markdown] tags=["slide"]
# ## Three series, one answer
#
# [[Logistic regression]] weighs the three logits: $z = w_1 z_\text{sag} + w_2 z_\text{cor} + w_3 z_\text{ax} + b$.
#
# On which exams do we fit it? The paper: on the *training* exams. There every network has already seen the answers:
# the one that **memorised** most looks best, and gets the weight. We fit on the **tuning** exams.

# %% tags=["varies"]
answers = {"learn": answers_learn, "tune": np.array([exam.answers for exam in tune])}
logits = {
    fitted: np.stack([logits_of(name, exams) for name in PROTOCOL], 1)  # (exams, series, questions)
    for fitted, exams in (("tune", tune), ("learn", learn), ("test", test))
}
combined, rows = {}, []
for k, question in enumerate(QUESTIONS):
    for fitted in ("tune", "learn"):
        regression = fit_combination(logits[fitted][..., k], answers[fitted][:, k], strength=0.1)
        whole = regression.logit(logits["test"][..., k])
        rows.append([question, fitted, *regression.weights.round(2), round(auc(truth[:, k], whole), 2)])
        if fitted == "tune":
            combined[question] = whole
print(pd.DataFrame(rows, columns=["question", "fitted on", *PROTOCOL, "test AUC"]).to_string(index=False))

# %% tags=["varies"]
known = [auc(answers_learn[:, 1], logits["learn"][:, j, 1]) for j in range(3)]
print("AUC for the ACL")
print(pd.DataFrame({"learned exams": known, "test exams": table.loc["acl"]}, list(PROTOCOL)).round(2).to_string())

# %% [markdown]
# The areas on learned exams flatter. How much, depends on how long and how large the training was; and a regression
# fitted there believes them. With fifty tuning exams its weights are uncertain, too: a strong penalty (`strength=0.1`)
# keeps them close together. The next exercise shows where memorising ends.

# %% [markdown] tags=["exercise"] exercise="honest_combination"
# ### Exercise: the memoriser
#
# Two networks read the same exams. One is honest. The other has learned its training exams by heart and knows nothing
# else. You have their scores (exams, 2) on training and on tuning exams, with the answers. Write `combine`, which
# returns `fit_combination(scores, answers)` fitted so that it serves new exams.

# %% tags=["given"] exercise="honest_combination"
def two_networks(exams, memory, seed):
    """Scores (exams, 2) and answers: an honest network, and one that has or has not `memory` of them."""
    random = np.random.default_rng(seed)
    answer = random.integers(0, 2, exams)
    honest = random.normal(size=exams) + 1.5 * answer
    by_heart = random.normal(size=exams) * (0.3 if memory else 3) + (6 * answer - 3) * memory
    return np.stack([honest, by_heart], 1), answer


training, tuning = two_networks(300, True, 1), two_networks(100, False, 2)
new_scores, new_answers = two_networks(1000, False, 3)

# %% tags=["stub"] exercise="honest_combination"
def combine(training_scores, training_answers, tuning_scores, tuning_answers):
    """A combination that is good on new exams."""
    return ...

# %% tags=["check"] exercise="honest_combination"
check("honest_combination", combine)

# %% [markdown] tags=["hint"] exercise="honest_combination"
# Plot or print the scores of the second network against the answers, on both sets.

# %% [markdown] tags=["hint"] exercise="honest_combination"
# On which exams does the memoriser behave as it will on new ones?

# %% [markdown] tags=["hint"] exercise="honest_combination"
# Neither network has learned from the tuning exams. Give those two to `fit_combination`.

# %% tags=["solution"] exercise="honest_combination"
def combine(training_scores, training_answers, tuning_scores, tuning_answers):
    """A combination that is good on new exams."""
    return fit_combination(tuning_scores, tuning_answers)  # unseen by both networks, like new exams

# %% tags=["equivalent"] exercise="honest_combination"
def combine(training_scores, training_answers, tuning_scores, tuning_answers):
    return fit_combination(list(tuning_scores), list(tuning_answers), strength=10)

# %% tags=["wrong"] exercise="honest_combination" says="by heart"
def combine(training_scores, training_answers, tuning_scores, tuning_answers):
    return fit_combination(training_scores, training_answers)

# %% tags=["wrong"] exercise="honest_combination" says="by heart"
def combine(training_scores, training_answers, tuning_scores, tuning_answers):
    scores = np.concatenate([training_scores, tuning_scores])
    return fit_combination(scores, np.concatenate([training_answers, tuning_answers]))

# %% tags=["wrong"] exercise="honest_combination" says="upside down"
def combine(training_scores, training_answers, tuning_scores, tuning_answers):
    return fit_combination(tuning_scores, 1 - tuning_answers)

# %% tags=["wrong"] exercise="honest_combination" says="fit_combination"
def combine(training_scores, training_answers, tuning_scores, tuning_answers):
    return tuning_scores.mean(axis=1)

# %% tags=["checker"] exercise="honest_combination"
def checker(combine):
    got = combine(*training, *tuning)
    require(hasattr(got, "logit"), "Return what fit_combination gives: it has weights and a bias.")
    require(got.weights[0] > 0, "This combination is upside down: a higher score must make a yes likelier.")
    require(abs(got.weights[1]) < 0.3 * got.weights[0],
            "Much weight for the network that knows its exams by heart. Does that help with new exams?")
    close(auc(new_answers, got.logit(new_scores)), auc(new_answers, new_scores[:, 0]),
          "On new exams it should be about as good as the honest network.", rtol=0.03)

# %% [markdown] tags=["slide"]
# ## Our result, with its uncertainty

# %% tags=["varies", "slide"]
fig, ax = plt.subplots(figsize=(8, 3.6))
for k, question in enumerate(QUESTIONS):
    every = [*(scores[name][:, k] for name in PROTOCOL), combined[question]]
    for j, score in enumerate(every):
        estimate = delong(truth[:, k], score)
        y = 5 * k + j
        ax.plot([estimate.interval.low, estimate.interval.high], [y, y], color=COLOURS[j], linewidth=3)
        ax.plot(estimate.auc, y, "o", color=COLOURS[j], label=[*PROTOCOL, "combined"][j] if k == 0 else None)
ax.axvline(0.5, color="k", linestyle=":")
ax.set_yticks([1.5, 6.5, 11.5], QUESTIONS)
ax.invert_yaxis()
ax.set(xlabel="AUC on the test exams, 95 % interval by DeLong", xlim=(0.2, 1))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(fig, alt="AUC with intervals for three questions: the three series and their combination; "
     "widest and lowest for the meniscus")

# %% tags=["varies"]
areas = pd.Series({question: auc(truth[:, k], combined[question]) for k, question in enumerate(QUESTIONS)})
print("combined: ", areas.round(2).to_dict())
print("mean of the three series:", table.mean(1).round(2).to_dict())
print("best of the three, known only afterwards:", table.max(1).round(2).to_dict())
claim("Combined, abnormal knees are told from normal ones", areas["abnormal"] > 0.75)
claim("Over the questions, combining beats a series chosen blindly", areas.mean() > table.mean(1).mean())

# %% [markdown]
# Combining did not beat the best series here. It promises less: you need not know beforehand which one that is.
# (With 110 exams the intervals above are some 0.2 wide: a difference of a few hundredths says nothing.)

# %% [markdown] tags=["slide"]
# ## What the paper reports
#
# 120 exams of the same hospital; and 183 of another one (sagittal series of another weighting), before and after the
# network was trained again with exams from there.

# %%
paper_aucs = published("mrnet_auc")
print(paper_aucs[["question", "set", "training", "exams", "auc", "low", "high"]].to_string(index=False))

# %% [markdown]
# The table gives no scores. But an area and two counts are enough to judge an interval: Hanley and McNeil's
# [[standard error]]. How many of the 120 exams were positive, the abstract does not say. So try all splits.

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.6))
positives = np.arange(10, 111)
for colour, (_, row) in zip(COLOURS, paper_aucs.iloc[:3].iterrows(), strict=False):
    ax.plot(positives, [hanley_mcneil_error(row.auc, p, 120 - p) for p in positives], color=colour,
            label=f"{row.question}: formula")
    ax.axhline(error_from_interval(row.low, row.high), color=colour, linestyle="--")
ax.set(xlabel="positive exams among the 120", ylabel="standard error of the AUC", ylim=(0, 0.08),
       title="dashed: the error behind the printed interval")
ax.legend()
show(fig, alt="Standard error by formula against the number of positives: U-shaped curves; the dashed printed values "
     "are near their lowest parts")
even = [error_from_interval(r.low, r.high) / hanley_mcneil_error(r.auc, 60, 60) for r in paper_aucs.iloc[:3].itertuples()]
print("printed error divided by the formula's for 60 and 60:", np.round(even, 2))
claim("The printed intervals are plausible: within a quarter of the formula", all(0.75 < ratio < 1.25 for ratio in even))

# %% [markdown] tags=["exercise"] exercise="printed_interval"
# ### Exercise: is it the hospital?
#
# For the ACL the area fell from 0.965 (0.938 to 0.993) at home to 0.824 (0.757 to 0.892) at the other hospital. Write
# `z_of_drop(first, second)`: the difference of the areas in standard errors. Each argument is `(auc, low, high)` with a
# 95 % interval. The patients are others.

# %% tags=["stub"] exercise="printed_interval"
def z_of_drop(first, second):
    """(auc, low, high) twice: the difference, first minus second, in standard errors."""
    return ...

# %% tags=["check"] exercise="printed_interval"
check("printed_interval", z_of_drop)

# %% [markdown] tags=["hint"] exercise="printed_interval"
# A 95 % interval is about four standard errors wide: 2 x 1.96.

# %% [markdown] tags=["hint"] exercise="printed_interval"
# Other patients: the squares of the two errors add.

# %% [markdown] tags=["hint"] exercise="printed_interval"
# `error = (high - low) / 3.92` for both; divide the difference by `np.hypot(error_1, error_2)`.

# %% tags=["solution"] exercise="printed_interval"
def z_of_drop(first, second):
    """(auc, low, high) twice: the difference, first minus second, in standard errors."""
    errors = [(high - low) / (2 * 1.96) for _, low, high in (first, second)]
    return (first[0] - second[0]) / np.hypot(*errors)  # independent patients: squares add

# %% tags=["equivalent"] exercise="printed_interval"
def z_of_drop(first, second):
    errors = [error_from_interval(low, high) for _, low, high in (first, second)]
    return (first[0] - second[0]) / sum(e**2 for e in errors) ** 0.5

# %% tags=["wrong"] exercise="printed_interval" says="whole width"
def z_of_drop(first, second):
    errors = [(high - low) / 1.96 for _, low, high in (first, second)]
    return (first[0] - second[0]) / np.hypot(*errors)

# %% tags=["wrong"] exercise="printed_interval" says="squares"
def z_of_drop(first, second):
    errors = [(high - low) / (2 * 1.96) for _, low, high in (first, second)]
    return (first[0] - second[0]) / sum(errors)

# %% tags=["wrong"] exercise="printed_interval" says="minus"
def z_of_drop(first, second):
    errors = [(high - low) / (2 * 1.96) for _, low, high in (first, second)]
    return (second[0] - first[0]) / np.hypot(*errors)

# %% tags=["wrong"] exercise="printed_interval" says="standard errors"
def z_of_drop(first, second):
    return first[0] - second[0]

# %% tags=["checker"] exercise="printed_interval"
def checker(z_of_drop):
    got = z_of_drop((0.965, 0.938, 0.993), (0.824, 0.757, 0.892))
    errors = np.array([0.055, 0.135]) / 3.92
    if isinstance(got, (float, np.floating)):
        require(abs(got - 0.141) > 1e-3, "That is the difference; we want it in standard errors.")
        require(got > 0, "First minus second.")
        require(abs(got - 0.141 / 2 / np.hypot(*errors)) > 0.05, "The whole width of the interval is 2 x 1.96 errors.")
        require(abs(got - 0.141 / errors.sum()) > 0.05, "Errors do not add; their squares do.")
    close(got, 0.141 / np.hypot(*errors), "The drop from 0.965 to 0.824 in standard errors.", rtol=5e-3)

# %% [markdown] tags=["slide"]
# ## Another hospital
#
# The drop is almost four standard errors: not chance. Let us do the same. Our second hospital has 1.5 T, hardly any fat
# saturation, a shorter echo time and thicker slices. The knees are **the same** ones: what changes is the scanner.

# %% tags=["varies"]
elsewhere = knee_exams(range(2000, 2110), ELSEWHERE, truth=False)
there = logits_of("sagittal T2", elsewhere)
here = scores["sagittal T2"]
for k, question in enumerate(QUESTIONS):
    print(f"{question:9} AUC at home {auc(truth[:, k], here[:, k]):.2f}   elsewhere {auc(truth[:, k], there[:, k]):.2f}")
both = [np.clip(exams[4].images["sagittal T2"][len(exams[4].images["sagittal T2"]) // 2], 0, None) for exams in (test, elsewhere)]
show(films([image / np.percentile(image, 99.5) for image in both], ["at home", "elsewhere"], columns=2, width=6, vmax=1),
     alt="The same knee at two hospitals: at home fat is dark, elsewhere it is light")

# %% tags=["varies"]
shift = np.abs(there - here).mean(0) / here.std(0)
print("mean change of the logit, in its own standard deviations:", shift.round(2))
claim("The same knees, another scanner: the scores are not the same", shift.min() > 0.1)

# %% [markdown] tags=["slide"]
# ## Which slice made up its mind?
#
# With max pooling every feature is a race between slices. The weight of the feature counts for the slice that won.
# So the logit is **exactly** a sum over slices, and inside each slice a [[class activation map]]:
#
# $$z = b + \sum_{\text{slices } s} \; \sum_{c \text{ won by } s} w_c \, f_{c,s}$$

# %% tags=["varies"]
SAGITTAL = "sagittal T2"
torn = [i for i, exam in enumerate(test) if exam.answers[1]]
strongest = max(torn, key=lambda i: here[i, 1])
sagittal = of_series(test, SAGITTAL)
series = sagittal[strongest]["image"]
evidence = networks[SAGITTAL].evidence(series)
total = float(evidence.bias[1] + evidence.slices[1].sum())
claim("Bias plus the shares of all slices is the logit", abs(total - float(evidence.logits[1])) < 1e-3)
seen = test[strongest].shown[SAGITTAL][:, 1]

fig, (bars, picture, map_) = plt.subplots(1, 3, figsize=(11, 3.6), width_ratios=[1.5, 1, 1])
bars.bar(np.arange(len(seen)) + 1, evidence.slices[1], color=[COLOURS[1] if s > 0 else COLOURS[5] for s in seen])
bars.set(xlabel="slice (orange: the tear is in it)", ylabel="share of the logit", title="ACL torn?")
first = int(evidence.slices[1].argmax())
film(picture, series[first, 0], f"slice {first + 1}")
film(map_, series[first, 0], "where in it")
map_.imshow(evidence.maps[1, first].clamp(min=0), cmap="inferno", alpha=0.55, extent=(-0.5, 47.5, 47.5, -0.5),
            interpolation="bilinear")
show(fig, alt="Left: shares of the logit per slice, those that show the tear in orange. Middle and right: the slice with "
     "the largest share, and its activation map")

# %% [markdown]
# One example proves nothing. In how many of the torn knees does the slice with the largest share show the tear, or lie
# beside one that does? Compare with a slice drawn by chance.

# %% tags=["varies"]
def near_tear(exam):
    """For every slice: does it, or a neighbour, show the ACL tear?"""
    there = exam.shown[SAGITTAL][:, 1] > 0
    return there | np.roll(there, 1) | np.roll(there, -1)


hits, chance, other = [], [], []
for i in torn:
    top = int(networks[SAGITTAL].evidence(sagittal[i]["image"]).slices[1].argmax())
    near = near_tear(test[i])
    hits.append(near[top])
    chance.append(near.mean())
    if not near[top]:
        other.append(test[i].shown[SAGITTAL][top, 0] > 0)
print(f"{len(torn)} torn ligaments: the top slice is at the tear in {np.mean(hits):.0%}, by chance {np.mean(chance):.0%}")
print(f"{len(other)} top slices elsewhere; {sum(other)} of them show another finding")
claim("The AUC says that it knows torn ligaments; the top slice is often somewhere else",
      table.loc["acl", SAGITTAL] > 0.6 and np.mean(hits) < 0.7)

# %% [markdown]
# Where is it, then? In our run, in the picture above, at the *effusion*. Fluid comes with torn ligaments, and it is larger and
# brighter than they are; but an effusion is no tear. That is a [[shortcut|shortcut learning]]: right for the wrong
# reason. The AUC, with its fine interval, did not tell us. The slices did.

# %% [markdown] tags=["exercise"] exercise="slice_shares"
# ### Exercise: the share of each slice
#
# `features` (slices, channels), `weight` (channels,). Write `slice_shares`: an array (slices,) of what each slice
# contributes to the logit under max pooling. Without the bias, it must add up to the logit.

# %% tags=["stub"] exercise="slice_shares"
def slice_shares(features, weight):
    """What each slice contributed."""
    return ...

# %% tags=["check"] exercise="slice_shares"
check("slice_shares", slice_shares)

# %% [markdown] tags=["hint"] exercise="slice_shares"
# For each channel, who won? `features.argmax(axis=0)`.

# %% [markdown] tags=["hint"] exercise="slice_shares"
# Start with zeros. For each channel add weight times maximum to the winner.

# %% [markdown] tags=["hint"] exercise="slice_shares"
# `np.bincount(winners, weights=weight * features.max(axis=0), minlength=len(features))` does it at once.

# %% tags=["solution"] exercise="slice_shares"
def slice_shares(features, weight):
    """What each slice contributed."""
    shares = np.zeros(len(features))
    for channel, winner in enumerate(features.argmax(axis=0)):
        shares[winner] += weight[channel] * features[winner, channel]  # losers get nothing
    return shares

# %% tags=["equivalent"] exercise="slice_shares"
def slice_shares(features, weight):
    winners = features.argmax(axis=0)
    return np.bincount(winners, weights=weight * features.max(axis=0), minlength=len(features))

# %% tags=["wrong"] exercise="slice_shares" says="lost"
def slice_shares(features, weight):
    return features @ weight

# %% tags=["wrong"] exercise="slice_shares" says="mean pooling"
def slice_shares(features, weight):
    return features @ weight / len(features)

# %% tags=["wrong"] exercise="slice_shares" says="only counts"
def slice_shares(features, weight):
    return np.bincount(features.argmax(axis=0), minlength=len(features)).astype(float)

# %% tags=["wrong"] exercise="slice_shares" says="every slice"
def slice_shares(features, weight):
    return np.bincount(features.argmax(axis=0), weights=weight * features.max(axis=0))

# %% tags=["checker"] exercise="slice_shares"
def checker(slice_shares):
    features = np.array([[1.0, 4.0, 0.0], [3.0, 1.0, 2.0], [0.0, 2.0, 5.0], [0.0, 0.0, 1.0]])
    weight = np.array([1.0, -2.0, 0.5])
    got = slice_shares(features, weight)
    if isinstance(got, np.ndarray):
        require(len(got) == 4, "We want a number for every slice, also for those that won nothing.")
        require(not np.allclose(got, features @ weight), "A slice that lost a race contributes nothing to that channel.")
        require(not np.allclose(got, features @ weight / 4), "These would be the shares under mean pooling.")
        require(not np.allclose(got, [1, 1, 1, 0]), "This only counts races won; the weights and heights matter.")
    close(got, [-8, 3, 2.5, 0], "Weight times height, for the winner of each channel.")

# %% [markdown] tags=["instructor"]
# **Typical mistakes.** Pooling the logits instead of the features (the first exercise). Taking the maximum for an
# attention map: it is a race per feature, so an answer can be pieced together from several slices. Believing that a
# regression of four numbers cannot overfit: it need not, its *inputs* are too good.

# %% [markdown] tags=["instructor"]
# **Short of time?** Leave out the other hospital. **Ask:** why does
# the paper's external drop come from the sagittal series only? What would you do with an exam whose coronal series is
# missing? (A combination fitted on three needs three; fit one for each pair, or impute, and say so.)

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - One extractor for all slices, the maximum of each feature over slices, one linear layer: any number of slices.
# - The maximum finds a small strong sign; the mean dilutes it, but is better for weak signs that are everywhere.
# - Combine series on exams that no network has learned from.
# - An area, an interval and the number of exams are enough to check a paper.
# - Another scanner gives the same knees other scores. Neither the AUC nor the threshold of home need hold there.
# - An answer can be taken apart exactly: slices, and places in them. Look whether the finding is there.

# %% [markdown]
# ## References
#
# - N. Bien, P. Rajpurkar et al., Deep-learning-assisted diagnosis for knee magnetic resonance imaging: development and
#   retrospective validation of MRNet, PLOS Medicine 15(11):e1002699 (2018).
# - I. Stajduhar et al., Semi-automated detection of anterior cruciate ligament injury from MRI, Computer Methods and
#   Programs in Biomedicine 140:151 (2017): the exams from Rijeka.
# - J. Hanley, B. McNeil, Radiology 143:29 (1982); E. DeLong et al., Biometrics 44:837 (1988): errors of an AUC.
# - G. Gold et al., AJR 183:343 (2004): relaxation times in the knee.
# - B. Zhou et al., arXiv:1512.04150: class activation maps.

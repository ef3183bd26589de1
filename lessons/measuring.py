# %% [markdown] tags=["slide"]
# ## 99 % right, and useless
#
# A rubber stamp says *normal*. Of 1,000 screening films 10 show a cancer. The stamp is right on 990 of
# them: **99 % [[accuracy]]**. It finds nobody.
#
# One number never says it all. Which number answers *your* question, how sure is it, and does it hold
# in your department? That is this lesson.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from course_lib.evaluation.intervals import bootstrap, clopper_pearson, wald, wilson
from course_lib.evaluation.operating import Confusion, confusion, youden_threshold
from course_lib.evaluation.precision_recall import average_precision, precision_recall_curve
from course_lib.evaluation.published import published
from course_lib.evaluation.rate_intervals import rate_interval, rates_table
from course_lib.evaluation.rates import RATES, find, value
from course_lib.evaluation.roc import auc, roc_curve
from course_lib.evaluation.simulated_reader import BinormalReader
from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import add_finding
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 Four counts
#
# Twelve films of virtual patients. Five have a [[pleural effusion]]; we know, because we made it. An
# imagined AI gave each film a score. We call *ill* what scores at least **0.5**, the [[threshold]].

# %%
truth = np.array([1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0])
score = np.array([0.92, 0.81, 0.70, 0.64, 0.55, 0.48, 0.40, 0.33, 0.33, 0.22, 0.12, 0.05])
severities = iter([0.8, 0.6, 0.35, 0.3, 0.08])
pictures = []
for number, present in enumerate(truth):
    patient = sample_patient(40 + number)
    if present:
        patient = add_finding(patient, "pleural_effusion", next(severities), None, number)
    pictures.append(radiograph(patient, size=128, seed=number).pixels)

# %% tags=["slide"]
def frame(ax, present, called):
    """A coloured line under a film: was the call right?"""
    name = {(1, 1): "true positive", (0, 1): "FALSE POSITIVE", (1, 0): "FALSE NEGATIVE", (0, 0): "true negative"}
    ax.plot([0, 127], [131, 131], lw=6, color=COLOURS[0] if present == called else COLOURS[1], clip_on=False)
    ax.text(64, 147, name[present, called], ha="center", size=8)


fig = films(pictures, [f"score {s:.2f}" for s in score], columns=6, width=10)
for ax, present, called in zip(fig.axes, truth, score >= 0.5, strict=True):
    frame(ax, int(present), int(called))
show(fig, alt="Twelve chest films by falling score: one healthy film scores 0.70, one small effusion 0.33")

# %% [markdown]
# Two mistakes, of two kinds. A [[false positive]]: a healthy film with 0.70. A [[false negative]]: the small
# effusion with 0.33. The four counts in a table are the [[confusion matrix]].

# %% [markdown] tags=["exercise"] exercise="four_counts"
# ### Exercise: count
#
# Write `four_counts(truth, score, threshold)`. Truth is 0 or 1. A case is called positive when its score is
# **at least** the threshold. Return the numbers in the order TP, FP, FN, TN.

# %% tags=["stub"] exercise="four_counts"
def four_counts(truth, score, threshold):
    """(TP, FP, FN, TN) of arrays of truths and scores."""
    return ..., ..., ..., ...

# %% tags=["check"] exercise="four_counts"
check("four_counts", four_counts)

# %% [markdown] tags=["hint"] exercise="four_counts"
# First make a column of calls: True where the score reaches the threshold.

# %% [markdown] tags=["hint"] exercise="four_counts"
# `called & ill` is True for hits. `np.sum` counts the True ones. `~` turns True and False round.

# %% [markdown] tags=["hint"] exercise="four_counts"
# `called = score >= threshold; ill = truth == 1`, then `np.sum(called & ill)`, `np.sum(called & ~ill)`, ...

# %% tags=["solution"] exercise="four_counts"
def four_counts(truth, score, threshold):
    """(TP, FP, FN, TN) of arrays of truths and scores."""
    called, ill = score >= threshold, truth == 1
    return np.sum(called & ill), np.sum(called & ~ill), np.sum(~called & ill), np.sum(~called & ~ill)

# %% tags=["equivalent"] exercise="four_counts"
def four_counts(truth, score, threshold):
    pairs = [(int(t), int(s >= threshold)) for t, s in zip(truth, score, strict=True)]
    return pairs.count((1, 1)), pairs.count((0, 1)), pairs.count((1, 0)), pairs.count((0, 0))

# %% tags=["equivalent"] exercise="four_counts"
def four_counts(truth, score, threshold):
    c = confusion(truth, score, threshold)
    return c.tp, c.fp, c.fn, c.tn

# %% tags=["wrong"] exercise="four_counts" says="at least"
def four_counts(truth, score, threshold):
    called, ill = score > threshold, truth == 1
    return np.sum(called & ill), np.sum(called & ~ill), np.sum(~called & ill), np.sum(~called & ~ill)

# %% tags=["wrong"] exercise="four_counts" says="order"
def four_counts(truth, score, threshold):
    called, ill = score >= threshold, truth == 1
    return np.sum(called & ill), np.sum(~called & ill), np.sum(called & ~ill), np.sum(~called & ~ill)

# %% tags=["wrong"] exercise="four_counts" says="order"
def four_counts(truth, score, threshold):
    called, ill = score >= threshold, truth == 1
    return np.sum(called & ill), np.sum(called & ~ill), np.sum(~called & ~ill), np.sum(~called & ill)

# %% tags=["wrong"] exercise="four_counts" says="four numbers"
def four_counts(truth, score, threshold):
    called, ill = score >= threshold, truth == 1
    return {"TP": np.sum(called & ill), "FP": np.sum(called & ~ill)}

# %% tags=["wrong"] exercise="four_counts" says="below the threshold"
def four_counts(truth, score, threshold):
    called, ill = score < threshold, truth == 1
    return np.sum(called & ill), np.sum(called & ~ill), np.sum(~called & ill), np.sum(~called & ~ill)

# %% tags=["wrong"] exercise="four_counts" says="shares"
def four_counts(truth, score, threshold):
    called, ill = score >= threshold, truth == 1
    return np.mean(called & ill), np.mean(called & ~ill), np.mean(~called & ill), np.mean(~called & ~ill)

# %% tags=["checker"] exercise="four_counts"
def checker(four_counts):
    t = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    s = np.array([0.9, 0.8, 0.6, 0.2, 0.1, 0.5, 0.4, 0.3, 0.2, 0.1])
    got = four_counts(t, s, 0.5)
    require(not isinstance(got, dict) and np.shape(got) == (4,), "Return four numbers: TP, FP, FN, TN.")
    got = np.asarray(got, dtype=float)
    require(not np.allclose(got, [3, 0, 2, 5]), "A case whose score equals the threshold is called positive: at least.")
    require(not np.allclose(got, [3, 2, 1, 4]), "Look at the order: TP, FP, FN, TN.")
    others = ([3, 2, 4, 1], [3, 4, 1, 2], [3, 1, 4, 2], [3, 4, 2, 1])
    require(not any(np.allclose(got, order) for order in others), "Look at the order: TP, FP, FN, TN.")
    require(not np.allclose(got, [2, 4, 3, 1]), "You call those below the threshold positive.")
    require(not np.allclose(got, [0.3, 0.1, 0.2, 0.4]), "These are shares of all; counts are wanted.")
    close(got, [3, 1, 2, 4], "Count again with a pencil.")

# %%
counts = confusion(truth, score, 0.5)
print(counts)

# %% [markdown] tags=["slide"]
# ## 2 One family, many names
#
# | | ill | healthy | of those called so |
# |---|---|---|---|
# | **called ill** | TP | FP | PPV = TP / (TP + FP) |
# | **called healthy** | FN | TN | NPV = TN / (FN + TN) |
# | of those who are so | [[sensitivity]] = TP / (TP + FN) | [[specificity]] = TN / (FP + TN) | |
#
# - **Down** a column: how does the test treat the ill, the healthy? It belongs to the *test*.
# - **Along** a row: what does a call mean? It belongs to the *test and the patients*.
#
# PPV and NPV: [[positive predictive value]] and [[negative predictive value]].

# %%
table = rates_table(counts)
print(table[["name", "value", "low", "high"]].to_string(float_format="{:.3g}".format))
claim("Twelve films say little: the interval of the sensitivity is wider than 0.5",
      table.loc["TPR", "high"] - table.loc["TPR", "low"] > 0.5)  # fmt: skip

# %% [markdown]
# Every row has an interval, `low` to `high`; section 7 says where they come from. Most rates go by several names;
# the library knows them all:

# %%
for row in RATES:
    print(f"{row.symbol:5s} {row.formula:42s} {', '.join(row.synonyms)}")
claim("Sensitivity, recall and hit rate are one thing",
      find("sensitivity") is find("recall") is find("hit rate"))  # fmt: skip

# %% [markdown] tags=["slide"]
# ### Two words with two meanings
#
# | word | of a classifier | of a measurement (ISO 5725) |
# |---|---|---|
# | **accuracy** | share of right calls | close to the truth: needs [[trueness]] *and* precision |
# | **[[precision]]** | PPV | repeats agree |
#
# *Trueness*: the **mean** of many measurements is right. *Robustness* is a third thing: how much any of this
# suffers from [[noise]], another scanner, an artefact.

# %%
from course_lib.evaluation.measurement import trueness_and_precision

random = np.random.default_rng(1)
kinds = {"true and precise": (0, 1), "precise, not true": (5, 1), "true, not precise": (0, 4), "neither": (5, 4)}
shots = {name: random.normal([bias, 0], spread, (40, 2)) for name, (bias, spread) in kinds.items()}

# %% tags=["slide"]
fig, axes = plt.subplots(1, 4, figsize=(10, 3.2))
for ax, (name, shot) in zip(axes, shots.items(), strict=True):
    for radius in (3, 6, 9):
        ax.add_patch(plt.Circle((0, 0), radius, fill=False, color="0.6"))
    ax.scatter(*shot.T, s=10, color=COLOURS[0])
    found = trueness_and_precision(shot[:, 0], 0)
    ax.set_title(f"{name}\nbias {round(found.bias, 1) + 0:.1f}, SD {found.standard_deviation:.1f}, RMS {found.rms_error:.1f}", size=9)
    ax.set(xlim=(-15, 15), ylim=(-15, 15), aspect="equal")
    ax.set_axis_off()
show(fig, alt="Four targets: shots close together or scattered, in the middle or to the right of it")

# %%
worst = trueness_and_precision(shots["neither"][:, 0], 0)
variance = np.var(shots["neither"][:, 0])
claim("Squared error = squared bias + variance", np.isclose(worst.rms_error**2, worst.bias**2 + variance))

# %% [markdown] tags=["slide"]
# ## 3 Four classifiers, one plane
#
# 100 ill and 100 healthy cases, four classifiers. Each is one point: how many healthy it alarms (to the
# right), how many ill it finds (up). This is the plane of the [[ROC curve]].

# %%
example = published("lecture_roc_example").set_index("classifier")
print(example[["tp", "fn", "fp", "tn"]].to_string())

# %% [markdown] tags=["exercise"] exercise="roc_plane"
# ### Exercise: five rates
#
# Mind the order in which a book prints the four counts: here it is TP, FN, FP, TN. Write `five_rates`: it returns
# TPR, FPR, PPV, F1 and accuracy. (F1 is the harmonic mean of PPV and TPR.)

# %% tags=["stub"] exercise="roc_plane"
def five_rates(tp, fn, fp, tn):
    """TPR, FPR, PPV, F1 and accuracy."""
    return ..., ..., ..., ..., ...

# %% tags=["check"] exercise="roc_plane"
check("roc_plane", five_rates)

# %% [markdown] tags=["hint"] exercise="roc_plane"
# TPR and FPR are shares of the ill and of the healthy. PPV is a share of the calls.

# %% [markdown] tags=["hint"] exercise="roc_plane"
# TPR = TP / (TP + FN); FPR = FP / (FP + TN); PPV = TP / (TP + FP); accuracy: all that is right, of all.

# %% [markdown] tags=["hint"] exercise="roc_plane"
# F1 = 2 · PPV · TPR / (PPV + TPR), which is 2 TP / (2 TP + FP + FN).

# %% tags=["solution"] exercise="roc_plane"
def five_rates(tp, fn, fp, tn):
    """TPR, FPR, PPV, F1 and accuracy."""
    f1 = 2 * tp / (2 * tp + fp + fn)  # true negatives play no part
    return tp / (tp + fn), fp / (fp + tn), tp / (tp + fp), f1, (tp + tn) / (tp + fn + fp + tn)

# %% tags=["equivalent"] exercise="roc_plane"
def five_rates(tp, fn, fp, tn):
    c = Confusion(tp=tp, fn=fn, fp=fp, tn=tn)
    return [value(c, rate) for rate in ("TPR", "FPR", "PPV", "F1", "ACC")]

# %% tags=["equivalent"] exercise="roc_plane"
def five_rates(tp, fn, fp, tn):
    tpr, ppv = tp / (tp + fn), tp / (tp + fp)
    return tpr, 1 - tn / (fp + tn), ppv, 2 / (1 / tpr + 1 / ppv), (tp + tn) / (tp + fn + fp + tn)

# %% tags=["wrong"] exercise="roc_plane" says="share of the healthy"
def five_rates(tp, fn, fp, tn):
    f1 = 2 * tp / (2 * tp + fp + fn)
    return tp / (tp + fn), fp / (tp + fp), tp / (tp + fp), f1, (tp + tn) / (tp + fn + fp + tn)

# %% tags=["wrong"] exercise="roc_plane" says="arithmetic mean"
def five_rates(tp, fn, fp, tn):
    tpr, ppv = tp / (tp + fn), tp / (tp + fp)
    return tpr, fp / (fp + tn), ppv, (tpr + ppv) / 2, (tp + tn) / (tp + fn + fp + tn)

# %% tags=["wrong"] exercise="roc_plane" says="specificity"
def five_rates(tp, fn, fp, tn):
    f1 = 2 * tp / (2 * tp + fp + fn)
    return tp / (tp + fn), tn / (fp + tn), tp / (tp + fp), f1, (tp + tn) / (tp + fn + fp + tn)

# %% tags=["wrong"] exercise="roc_plane" says="share of the ill"
def five_rates(tp, fn, fp, tn):
    f1 = 2 * tp / (2 * tp + fp + fn)
    return tp / (tp + tn), fp / (fp + tn), tp / (tp + fp), f1, (tp + tn) / (tp + fn + fp + tn)

# %% tags=["wrong"] exercise="roc_plane" says="balanced"
def five_rates(tp, fn, fp, tn):
    f1, tpr, fpr = 2 * tp / (2 * tp + fp + fn), tp / (tp + fn), fp / (fp + tn)
    return tpr, fpr, tp / (tp + fp), f1, (tpr + 1 - fpr) / 2

# %% tags=["wrong"] exercise="roc_plane" says="has a 2"
def five_rates(tp, fn, fp, tn):
    tpr, ppv = tp / (tp + fn), tp / (tp + fp)
    return tpr, fp / (fp + tn), ppv, tpr * ppv / (tpr + ppv), (tp + tn) / (tp + fn + fp + tn)

# %% tags=["checker"] exercise="roc_plane"
def checker(five_rates):
    got = np.asarray(five_rates(60, 20, 30, 170), dtype=float)
    require(got.shape == (5,), "Return five numbers.")
    tpr, fpr, ppv, f1, acc = got
    require(abs(tpr - 60 / 230) > 1e-6, "TPR is a share of the ill: those found and those missed.")
    require(abs(fpr - 30 / 90) > 1e-6, "FPR is a share of the healthy, not of the calls.")
    require(abs(fpr - 0.85) > 1e-6, "Your FPR is the specificity.")
    require(abs(ppv - 170 / 190) > 1e-6, "That is the NPV; PPV is the share of right calls among the positive ones.")
    require(abs(f1 - (0.75 + 2 / 3) / 2) > 1e-6, "F1 is a harmonic mean; you took the arithmetic mean.")
    require(abs(f1 - 0.5**0.5) > 1e-6, "F1 is a harmonic mean; you took the geometric mean.")
    require(abs(f1 - 60 / 170) > 1e-6, "The harmonic mean of two has a 2 in it.")
    require(abs(acc - 0.8) > 1e-6, "That is the balanced accuracy; accuracy is the share of all cases that are called right.")
    close(tpr, 0.75, "The TPR is not right.")
    close(fpr, 0.15, "The FPR is not right.")
    close(ppv, 2 / 3, "The PPV is not right.")
    close(f1, 120 / 170, "The F1 is not right.")
    close(acc, 230 / 280, "The accuracy is not right.")

# %%
cells = {name: Confusion(*(int(row[c]) for c in ("tp", "fp", "fn", "tn"))) for name, row in example.iterrows()}
names = ["tpr", "fpr", "ppv", "f1", "acc"]
ours = pd.DataFrame({n: [value(c, rate) for rate in names] for n, c in cells.items()}, names).T
print(ours.round(3).to_string())
claim("The slide's figures are right to the digits it gives", np.abs(ours - example[names]).max(axis=None) < 0.00501)

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(6.4, 4.4))
ax.plot([0, 1], [0, 1], "k:", label="guessing")
ax.set_aspect("equal")
ax.annotate("", ours.loc["C'", ["fpr", "tpr"]], ours.loc["C", ["fpr", "tpr"]],
            arrowprops={"arrowstyle": "->", "color": "0.6", "connectionstyle": "arc3,rad=-0.35"})  # fmt: skip
for name, row in ours.iterrows():
    ax.plot(row["fpr"], row["tpr"], "o", ms=9, label=f"{name}: accuracy {row['acc']:.2f}")
    place = (9, -13) if name == "B" else (7, 7)  # beside the line of guesses
    ax.annotate(name, (row["fpr"], row["tpr"]), place, textcoords="offset points", weight="bold")
ax.set(xlabel="false positive rate = 1 - specificity", ylabel="true positive rate = sensitivity", xlim=(0, 1), ylim=(0, 1))
ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
show(fig, alt="ROC plane: A above the diagonal, B on it, C far below, C prime its mirror image at the top left")

# %% [markdown]
# - **B** lies on the diagonal: it finds 77 of 100 ill, and alarms 77 of 100 healthy. A guess.
# - **C** is worse than a guess. Turn all its calls round and you get **C'**, the best of all. A classifier that is
#   reliably wrong knows something; look for an exchanged label before you throw it away.

# %% [markdown] tags=["exercise"] exercise="mcc_audit"
# ### Exercise: audit the slide
#
# The [[Matthews correlation coefficient]] is the correlation of call and truth, from −1 to 1. A lecture slide prints
#
# $$MCC=\sqrt{TPR\cdot TNR\cdot PPV\cdot NPV}-\sqrt{FNR\cdot FPR\cdot FOR\cdot DOR}$$
#
# One factor is wrong. The next cell shows what this formula gives for B, the guess: it should be 0. Name the wrong factor and
# what it must be, as texts like `"TPR"`, and write the right formula. You have eight rates as numbers.

# %% tags=["given"] exercise="mcc_audit"
eight = ["TPR", "TNR", "PPV", "NPV", "FNR", "FPR", "FOR", "FDR"]
b = {name: value(Confusion(tp=77, fp=77, fn=23, tn=23), name) for name in [*eight, "DOR"]}
roots = [np.sqrt(np.prod([b[name] for name in four])) for four in (eight[:4], ["FNR", "FPR", "FOR", "DOR"])]
float(round(roots[0] - roots[1], 3))

# %% tags=["stub"] exercise="mcc_audit"
wrong_factor = ...
right_factor = ...


def mcc(TPR, TNR, PPV, NPV, FNR, FPR, FOR, FDR):
    """Matthews correlation coefficient from eight rates."""
    return ...

# %% tags=["check"] exercise="mcc_audit"
check("mcc_audit", wrong_factor, right_factor, mcc)

# %% [markdown] tags=["hint"] exercise="mcc_audit"
# The first root multiplies four ways of being right. The second should multiply the four opposite ones.

# %% [markdown] tags=["hint"] exercise="mcc_audit"
# FNR = 1 − TPR, FPR = 1 − TNR, FOR = 1 − NPV. Whose opposite is missing? DOR is an odds ratio and can be 100.

# %% [markdown] tags=["hint"] exercise="mcc_audit"
# The opposite of PPV is FDR = 1 − PPV. `np.sqrt(...)` of the four good ones minus `np.sqrt(...)` of the four bad ones.

# %% tags=["solution"] exercise="mcc_audit"
wrong_factor = "DOR"
right_factor = "FDR"  # 1 - PPV, the fourth opposite


def mcc(TPR, TNR, PPV, NPV, FNR, FPR, FOR, FDR):
    """Matthews correlation coefficient from eight rates."""
    return np.sqrt(TPR * TNR * PPV * NPV) - np.sqrt(FNR * FPR * FOR * FDR)

# %% tags=["equivalent"] exercise="mcc_audit"
wrong_factor, right_factor = "dor", "fdr"


def mcc(TPR, TNR, PPV, NPV, FNR, FPR, FOR, FDR):
    informedness, markedness = TPR + TNR - 1, PPV + NPV - 1
    return np.sign(informedness) * np.sqrt(informedness * markedness)

# %% tags=["wrong"] exercise="mcc_audit" says="opposite of"
wrong_factor, right_factor = "DOR", "FPR"


def mcc(TPR, TNR, PPV, NPV, FNR, FPR, FOR, FDR):
    return np.sqrt(TPR * TNR * PPV * NPV) - np.sqrt(FNR * FPR * FOR * FPR)

# %% tags=["wrong"] exercise="mcc_audit" says="odds ratio"
wrong_factor, right_factor = "FOR", "FDR"


def mcc(TPR, TNR, PPV, NPV, FNR, FPR, FOR, FDR):
    return np.sqrt(TPR * TNR * PPV * NPV) - np.sqrt(FNR * FPR * FOR * FDR)

# %% tags=["wrong"] exercise="mcc_audit" says="still in your formula"
wrong_factor, right_factor = "DOR", "FDR"


def mcc(TPR, TNR, PPV, NPV, FNR, FPR, FOR, FDR):
    DOR = (TPR / FPR) / (FNR / TNR)
    return np.sqrt(TPR * TNR * PPV * NPV) - np.sqrt(FNR * FPR * FOR * DOR)

# %% tags=["wrong"] exercise="mcc_audit" says="two roots"
wrong_factor, right_factor = "DOR", "FDR"


def mcc(TPR, TNR, PPV, NPV, FNR, FPR, FOR, FDR):
    return np.sqrt(TPR * TNR * PPV * NPV - FNR * FPR * FOR * FDR)

# %% tags=["wrong"] exercise="mcc_audit" says="less than 0"
wrong_factor, right_factor = "DOR", "FDR"


def mcc(TPR, TNR, PPV, NPV, FNR, FPR, FOR, FDR):
    return np.sqrt((TPR + TNR - 1) * (PPV + NPV - 1))

# %% tags=["wrong"] exercise="mcc_audit" says="roots are missing"
wrong_factor, right_factor = "DOR", "FDR"


def mcc(TPR, TNR, PPV, NPV, FNR, FPR, FOR, FDR):
    return TPR * TNR * PPV * NPV - FNR * FPR * FOR * FDR

# %% tags=["checker"] exercise="mcc_audit"
def checker(wrong_factor, right_factor, mcc):
    require(str(wrong_factor).strip().upper() == "DOR", "That one is a share between 0 and 1. Which factor is an odds ratio?")
    require(str(right_factor).strip().upper() == "FDR", "It must be the opposite of the one of the first root that has none yet.")
    for c in (Confusion(tp=63, fp=28, fn=37, tn=72), Confusion(tp=20, fp=180, fn=10, tn=1820), Confusion(tp=24, fp=88, fn=76, tn=12)):
        v = {name: value(c, name) for name in eight}
        got = mcc(**v)
        good, bad = v["TPR"] * v["TNR"] * v["PPV"] * v["NPV"], v["FNR"] * v["FPR"] * v["FOR"]
        if np.ndim(got) == 0 and isinstance(got, (float, np.floating)):
            require(abs(got - good**0.5 + (bad * value(c, "DOR")) ** 0.5) > 1e-6, "The odds ratio is still in your formula.")
            require(np.isnan(got) or abs(got - abs(good - bad * v["FDR"]) ** 0.5) > 1e-6, "Take two roots, then their difference.")
            require(abs(got - good + bad * v["FDR"]) > 1e-6, "The square roots are missing.")
            require(abs(got + value(c, "MCC")) > 1e-6, "The size is right, but whoever is worse than a guess must get less than 0.")
        close(got, value(c, "MCC"), "That is not the correlation.")

# %%
printed = {}
for name, c in cells.items():
    v = {row.symbol: row.value(c) for row in RATES}
    good = np.sqrt(v["TPR"] * v["TNR"] * v["PPV"] * v["NPV"])
    printed[name] = good - np.sqrt(v["FNR"] * v["FPR"] * v["FOR"] * v["DOR"])
    print(f"{name:3s} as printed {printed[name]:6.3f}   correlation of the columns {v['MCC']:6.3f}")
claim("A guess (B) has no correlation, yet the printed formula gives it less than -0.05", printed["B"] < -0.05)
claim("C and its mirror image C' get different marks", abs(printed["C"] + printed["C'"]) > 0.1)

# %% [markdown]
# What follows? DOR = TPR · TNR / (FNR · FPR), so the printed second root shrinks to √(TPR · TNR · FOR): two kinds of mistakes have
# cancelled. A is clearly better than a guess and gets almost 0; a guess gets less than 0; turning all calls round no longer turns the
# sign. Whoever copies this into a program ranks models wrongly. Test a formula on a case whose answer you know, like B.

# %% [markdown] tags=["slide"]
# ## 4 All thresholds at once
#
# Scores of ill and healthy overlap. The threshold chooses *which* mistakes we make, not whether. Move it:
#
# - the two hills: what we set against each other;
# - the ROC curve: it stays, the point walks along it;
# - the [[precision-recall curve]]: it changes with the [[prevalence]].

# %%
def three_views(threshold=1.0, prevalence=0.2, separation=1.5):
    """Two bell curves, the ROC and the precision-recall curve, and where we stand."""
    reader, x = BinormalReader(separation), np.linspace(-3.5, 6, 400)
    hit, alarm = reader.sensitivity(x), 1 - reader.specificity(x)
    clean = prevalence * hit / (prevalence * hit + (1 - prevalence) * alarm)
    fig, (hills, roc, pr) = plt.subplots(1, 3, figsize=(10, 3.2))
    for share, shift, name in ((1 - prevalence, 0, "healthy"), (prevalence, separation, "ill")):
        hills.fill_between(x, share * np.exp(-((x - shift) ** 2) / 2) / np.sqrt(2 * np.pi), alpha=0.5, label=name)
    hills.axvline(threshold, color="k")
    hills.set(xlabel="score", title="who scores what", yticks=[])
    hills.legend(loc="upper right", fontsize=8)
    roc.plot(alarm, hit)
    pr.plot(hit, clean)
    tpr, fpr = float(reader.sensitivity(threshold)), 1 - float(reader.specificity(threshold))
    ppv = prevalence * tpr / (prevalence * tpr + (1 - prevalence) * fpr)
    roc.plot(fpr, tpr, "ko")
    pr.plot(tpr, ppv, "ko")
    pr.axhline(prevalence, ls=":", color="k")
    roc.plot([0, 1], [0, 1], "k:")
    roc.set(xlabel="1 - specificity", ylabel="sensitivity", title=f"AUC {reader.auc:.2f}: TPR {tpr:.2f}, FPR {fpr:.2f}")
    pr.set(xlabel="recall (sensitivity)", ylabel="precision (PPV)", ylim=(0, 1.02), title=f"precision {ppv:.2f}, recall {tpr:.2f}")
    return fig

# %% tags=["slide"]
explore(three_views, alt="two bell curves with a threshold, ROC curve and precision-recall curve with the operating point",
        threshold=(-2.0, 4.0, 0.1, 1.0), prevalence=(0.01, 0.9, 0.01, 0.2), separation=(0.0, 4.0, 0.1, 1.5))  # fmt: skip

# %% [markdown]
# Try: at which separation is the ROC curve a straight line? Make the disease rare (1 %): ROC does not move, but
# what remains of the precision?

# %% [markdown] tags=["slide"]
# ### The AUC is a duel
#
# Draw one ill and one healthy case. Which scores higher? The [[AUC]] is the chance that it is the ill one
# (a tie counts half).
#
# - 1: the ill always win. 0.5: coin. 0: they always lose, so turn the score round.
# - Only the **order** counts: the AUC knows neither scale nor threshold.

# %% [markdown] tags=["exercise"] exercise="auc_duels"
# ### Exercise: AUC by duels
#
# Write `auc_by_duels(ill, healthy)`: scores of the ill, scores of the healthy, every pair one duel. A tie is half a win.

# %% tags=["stub"] exercise="auc_duels"
def auc_by_duels(ill, healthy):
    """Share of all pairs (ill, healthy) that the ill one wins."""
    return ...

# %% tags=["check"] exercise="auc_duels"
check("auc_duels", auc_by_duels)

# %% [markdown] tags=["hint"] exercise="auc_duels"
# Five ill and seven healthy make 35 duels. Two loops, one counter.

# %% [markdown] tags=["hint"] exercise="auc_duels"
# Add 1 when `a > b`, 0.5 when `a == b`; divide by the number of pairs.

# %% [markdown] tags=["hint"] exercise="auc_duels"
# `wins = sum((a > b) + 0.5 * (a == b) for a in ill for b in healthy)`

# %% tags=["solution"] exercise="auc_duels"
def auc_by_duels(ill, healthy):
    """Share of all pairs (ill, healthy) that the ill one wins."""
    wins = sum((a > b) + 0.5 * (a == b) for a in ill for b in healthy)
    return wins / (len(ill) * len(healthy))

# %% tags=["equivalent"] exercise="auc_duels"
def auc_by_duels(ill, healthy):
    return (1 + np.mean(np.sign(np.subtract.outer(ill, healthy)))) / 2

# %% tags=["equivalent"] exercise="auc_duels"
def auc_by_duels(ill, healthy):
    return auc(np.repeat([1, 0], [len(ill), len(healthy)]), np.concatenate([ill, healthy]))

# %% tags=["wrong"] exercise="auc_duels" says="tie"
def auc_by_duels(ill, healthy):
    return np.mean([a > b for a in ill for b in healthy])

# %% tags=["wrong"] exercise="auc_duels" says="tie"
def auc_by_duels(ill, healthy):
    return np.mean([a >= b for a in ill for b in healthy])

# %% tags=["wrong"] exercise="auc_duels" says="healthy ones win"
def auc_by_duels(ill, healthy):
    return np.mean([(b > a) + 0.5 * (a == b) for a in ill for b in healthy])

# %% tags=["wrong"] exercise="auc_duels" says="share"
def auc_by_duels(ill, healthy):
    return sum((a > b) + 0.5 * (a == b) for a in ill for b in healthy)

# %% tags=["wrong"] exercise="auc_duels" says="Every ill case"
def auc_by_duels(ill, healthy):
    return np.mean([(a > b) + 0.5 * (a == b) for a, b in zip(ill, healthy, strict=False)])

# %% tags=["checker"] exercise="auc_duels"
def checker(auc_by_duels):
    ill, healthy = np.array([0.9, 0.4, 0.6]), np.array([0.1, 0.7, 0.6, 0.4, 0.2])
    got = auc_by_duels(ill, healthy)
    if isinstance(got, (int, float, np.number)):
        require(abs(got - 10 / 15) > 1e-9 and abs(got - 12 / 15) > 1e-9, "What about a tie? It is half a win.")
        require(abs(got - 4 / 15) > 1e-9, "In your duels the healthy ones win.")
        require(got <= 1, "The share of all duels is wanted, between 0 and 1: divide by the number of pairs.")
        require(abs(got - 0.5) > 1e-9, "Every ill case meets every healthy one: 15 duels here.")
    close(got, 11 / 15, "That is not the share of duels that the ill win.")

# %%
ours_auc = auc(truth, score)
print(f"twelve films: AUC {ours_auc:.4f} = 29.5 / 35")
claim("29 duels and a tie of 35 are won", np.isclose(ours_auc, 29.5 / 35))
claim("Curve and duels give the same area", np.isclose(roc_curve(truth, score).area(), ours_auc))
claim("Another scale, same AUC", auc(truth, np.exp(7 * score)) == auc(truth, np.sqrt(score)) == ours_auc)
claim("Turned round: 1 - AUC", np.isclose(auc(truth, -score), 1 - ours_auc))

# %% [markdown] tags=["slide"]
# ### What the AUC does not tell
#
# It averages over **all** thresholds, also those nobody would use. Two tests with the same AUC can differ just where you work.

# %%
steep, flat = BinormalReader.with_auc(0.85, spread=0.5), BinormalReader.with_auc(0.85, spread=2.0)
x = np.linspace(-6, 8, 800)

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(4.6, 4))
for reader, name in ((steep, "P: ill cases much alike"), (flat, "Q: ill cases very different")):
    ax.plot(1 - reader.specificity(x), reader.sensitivity(x), label=name)
ax.axvspan(0, 0.1, alpha=0.15, color="k")
ax.set(xlabel="1 - specificity", ylabel="sensitivity", title="both AUC 0.85; screening works in the grey strip")
ax.legend(loc="lower right")
show(fig, alt="Two crossing ROC curves of equal area; Q is higher at few false alarms, P at many")

# %%
at_95 = 1.645  # the score that 95 % of the healthy stay below
print(f"at specificity 0.95: sensitivity P {steep.sensitivity(at_95):.2f}, Q {flat.sensitivity(at_95):.2f}")
parts = {}
for name, reader in (("P", steep), ("Q", flat)):
    curve = roc_curve(*reader.read(4000, 4000, np.random.default_rng(7)))
    parts[name] = curve.partial_area(0.1)
    print(f"{name}: area {curve.area():.2f}, of it in the grey strip {parts[name]:.3f} (at most 0.1)")
claim("In the strip Q has more than twice the area of P", parts["Q"] > 2 * parts["P"])
claim("At high specificity Q finds more", flat.sensitivity(at_95) > steep.sensitivity(at_95) + 0.15)

# %% [markdown] tags=["slide"]
# ### Precision and recall
#
# For rare findings the ROC curve looks too kind: 5 % false alarms are many when 1 in 100 is ill. The
# precision-recall curve shows it.
#
# - Guessing gives the **prevalence**, not 0.5.
# - Area in **steps** (average precision). Straight lines between the points are wrong here: they flatter.

# %%
reader, random = BinormalReader.with_auc(0.9), np.random.default_rng(4)
for ill in (1000, 100, 20):
    t, s = reader.read(ill, 2000 - ill, random)
    print(f"prevalence {ill / 2000:5.3f}: AUC {auc(t, s):.2f}, average precision {average_precision(t, s):.2f}")

# %% [markdown]
# The true AUC is 0.90 each time; with few ill cases it only jumps more by chance. The average precision really falls.
#
# And the straight lines? An AI that only says yes or no gives one point; what lies beyond it nobody knows.

# %%
says_yes = np.repeat([1.0, 0.0, 1.0, 0.0], [5, 5, 5, 985])  # 10 calls, 5 of them right; 5 ill are missed
really = np.repeat([1, 1, 0, 0], [5, 5, 5, 985])
only = precision_recall_curve(really, says_yes)
shuffled = says_yes + 0.5 * np.random.default_rng(0).random((200, 1000)) * (says_yes == 0)
honest = np.mean([average_precision(really, order) for order in shuffled])
print(f"an AI that says yes or no: steps {only.average_precision():.2f}, straight lines {only.trapezoid_area():.2f}")
print(f"going on at random after its 10 calls really gives {honest:.2f}")
claim("Straight lines flatter, steps do not", only.trapezoid_area() > 1.3 * honest and only.average_precision() < 1.05 * honest)

# %% [markdown] tags=["instructor"]
# Question for the room: "A company shows AUC 0.95 for a disease of 1 in 500. What do you ask?" (Precision at the
# sensitivity you need, and the prevalence in their test set.) Short of time: skip P and Q and the trapezoid. Typical
# mistake: comparing average precisions of two studies with different prevalence.

# %% [markdown] tags=["slide"]
# ## 5 Your department is not theirs
#
# Sensitivity and specificity travel (more or less). **PPV and NPV do not**: they depend on the prevalence.
#
# $$PPV=\frac{\text{sens}\cdot q}{\text{sens}\cdot q+(1-\text{spec})(1-q)}$$
#
# Shorter, with odds and the [[likelihood ratio]]: *odds after = odds before × LR*.

# %% [markdown] tags=["exercise"] exercise="ppv_elsewhere"
# ### Exercise: from the study to screening
#
# Write both predictive values for a prevalence `q`. In the study half of the patients were ill; in screening it is 1 in 200.

# %% tags=["stub"] exercise="ppv_elsewhere"
def predictive_values(sensitivity, specificity, q):
    """(PPV, NPV) where a share q is ill."""
    return ..., ...

# %% tags=["check"] exercise="ppv_elsewhere"
check("ppv_elsewhere", predictive_values)

# %% [markdown] tags=["hint"] exercise="ppv_elsewhere"
# Imagine 1,000 people. How many are ill? How many of these are found? How many of the healthy are alarmed?

# %% [markdown] tags=["hint"] exercise="ppv_elsewhere"
# TP = sensitivity · q, FP = (1 − specificity) · (1 − q), and the same for FN and TN. Then PPV and NPV as always.

# %% [markdown] tags=["hint"] exercise="ppv_elsewhere"
# NPV = specificity · (1 − q) / (specificity · (1 − q) + (1 − sensitivity) · q)

# %% tags=["solution"] exercise="ppv_elsewhere"
def predictive_values(sensitivity, specificity, q):
    """(PPV, NPV) where a share q is ill."""
    tp, fn = sensitivity * q, (1 - sensitivity) * q  # shares of all people
    fp, tn = (1 - specificity) * (1 - q), specificity * (1 - q)
    return tp / (tp + fp), tn / (tn + fn)

# %% tags=["equivalent"] exercise="ppv_elsewhere"
def predictive_values(sensitivity, specificity, q):
    odds = q / (1 - q) * sensitivity / (1 - specificity)
    missed = q / (1 - q) * (1 - sensitivity) / specificity
    return odds / (1 + odds), 1 / (1 + missed)

# %% tags=["wrong"] exercise="ppv_elsewhere" says="half ill"
def predictive_values(sensitivity, specificity, q):
    return sensitivity / (sensitivity + 1 - specificity), specificity / (specificity + 1 - sensitivity)

# %% tags=["wrong"] exercise="ppv_elsewhere" says="false alarms"
def predictive_values(sensitivity, specificity, q):
    tp, fn = sensitivity * q, (1 - sensitivity) * q
    fp, tn = specificity * (1 - q), (1 - specificity) * (1 - q)
    return tp / (tp + fp), tn / (tn + fn)

# %% tags=["wrong"] exercise="ppv_elsewhere" says="weigh the healthy"
def predictive_values(sensitivity, specificity, q):
    return sensitivity * q / (sensitivity * q + 1 - specificity), specificity / (specificity + (1 - sensitivity) * q)

# %% tags=["wrong"] exercise="ppv_elsewhere" says="other row"
def predictive_values(sensitivity, specificity, q):
    ppv = sensitivity * q / (sensitivity * q + (1 - specificity) * (1 - q))
    return ppv, 1 - ppv

# %% tags=["wrong"] exercise="ppv_elsewhere" says="weigh again"
def predictive_values(sensitivity, specificity, q):
    ppv = sensitivity * q / (sensitivity * q + (1 - specificity) * (1 - q))
    return ppv, specificity * q / (specificity * q + (1 - sensitivity) * (1 - q))

# %% tags=["wrong"] exercise="ppv_elsewhere" says="*missed*"
def predictive_values(sensitivity, specificity, q):
    tp, tn = sensitivity * q, specificity * (1 - q)
    return tp / (tp + (1 - specificity) * (1 - q)), tn / (tn + tp)

# %% tags=["checker"] exercise="ppv_elsewhere"
def checker(predictive_values):
    got = np.asarray(predictive_values(0.9, 0.95, 0.1), dtype=float)
    require(got.shape == (2,), "Return two numbers, PPV and NPV.")
    require(abs(got[0] - 0.9 / 0.95) > 1e-6, "You did not use q: this holds where half ill, half healthy come.")
    require(abs(got[0] - 0.09 / (0.09 + 0.95 * 0.9)) > 1e-6, "The specificity clears the healthy; false alarms are the rest.")
    require(abs(got[0] - 0.09 / 0.14) > 1e-6, "You must weigh the healthy too: with 1 - q.")
    close(got[0], 0.09 / (0.09 + 0.045), "The PPV is not right.")
    require(abs(got[1] - 0.095 / (0.095 + 0.09)) > 1e-6, "For the NPV weigh again: the healthy with 1 - q, the ill with q.")
    require(abs(got[1] - (1 - got[0])) > 1e-6, "The NPV is not the rest of the PPV: it is about the other row of the table.")
    require(abs(got[1] - 0.855 / (0.855 + 0.09)) > 1e-6, "Among those called healthy are the ill who were *missed*.")
    close(got[1], 0.855 / (0.855 + 0.01), "The NPV is not right.")
    close(predictive_values(0.9, 0.95, 0.5)[0], 0.9 / 0.95, "Where half are ill the PPV is not right.")

# %%
from course_lib.evaluation.prevalence import npv_at, ppv_at, predictive_intervals_at

study = Confusion(tp=90, fn=10, fp=5, tn=95)
low, high = predictive_intervals_at(study, 1 / 200)[0]
there = ppv_at(1 / 200, 0.9, 0.95)
print(f"PPV in the study {study.ppv:.2f}, in screening {there:.2f} ({low:.2f} to {high:.2f}); NPV there {npv_at(1 / 200, 0.9, 0.95):.4f}")
claim("In screening fewer than 1 in 10 alarms are right, with the same test", there < 0.1)


# %% tags=["slide"]
def hundred_alarms(prevalence=0.5, sensitivity=0.9, specificity=0.95):
    """PPV and NPV over all prevalences; how many of 100 alarms are right here."""
    q = np.logspace(-3, np.log10(0.99), 200)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
    left.semilogx(q, [ppv_at(x, sensitivity, specificity) for x in q], label="PPV")
    left.semilogx(q, [npv_at(x, sensitivity, specificity) for x in q], label="NPV")
    left.axvline(prevalence, color="k", ls=":")
    left.set(xlabel="prevalence", ylim=(0, 1.03))
    left.legend()
    real = round(100 * ppv_at(prevalence, sensitivity, specificity))
    column, line = np.meshgrid(np.arange(20), np.arange(5))
    right.scatter(column, line, c=[COLOURS[0] if i < real else "0.8" for i in range(100)], s=60)
    right.set_title(f"of 100 alarms {real} are right")
    right.set_axis_off()
    return fig


explore(hundred_alarms, alt="PPV and NPV against prevalence, and 100 dots of which the blue ones are right alarms",
        prevalence=(0.005, 0.9, 0.005, 0.05), sensitivity=(0.5, 0.99, 0.01, 0.9), specificity=(0.5, 0.99, 0.01, 0.95))  # fmt: skip

# %% [markdown] tags=["slide"]
# ## 6 Which threshold?
#
# Not the one that gives the nicest figure: the one that **costs least where you work**. How many false alarms is one missed case
# worth? And how many of your patients are ill?

# %%
from course_lib.evaluation.operating import cost_threshold

t, s = BinormalReader.with_auc(0.9).read(500, 500, np.random.default_rng(8))
for place, miss, q in (("emergency room", 50, 0.1), ("ward", 10, 0.1), ("screening", 100, 0.005)):
    best = cost_threshold(t, s, cost_of_miss=miss, prevalence=q)
    c = confusion(t, s, best)
    print(f"{place:14s} a miss = {miss:3d} alarms, prevalence {q:5.3f}: sensitivity {c.sensitivity:.2f}, specificity {c.specificity:.2f}")
emergency, screening = (cost_threshold(t, s, *where) for where in ((50, 0.1), (100, 0.005)))
claim("The same AI works at a lower threshold in the emergency room than in screening", emergency < screening - 0.5)

# %% [markdown] tags=["slide"]
# ### Choose it, but not on the test set
#
# The best threshold *of the test set* fits that set's chance. Measured there, it looks better than it is: [[optimism]].
# How much? With simulated readers we know the truth exactly. We take the threshold with the highest *Youden's J*:
# sensitivity + specificity − 1.

# %%
middling = BinormalReader.with_auc(0.8)


def optimism(ill, healthy, rounds=300):
    """Youden's J at the best threshold: as measured where it was chosen, and in truth (means)."""
    random, measured, true = np.random.default_rng(0), [], []
    for _ in range(rounds):
        t, s = middling.read(ill, healthy, random)
        best = youden_threshold(t, s)
        measured.append(value(confusion(t, s, best), "BM"))
        true.append(float(middling.sensitivity(best) + middling.specificity(best) - 1))
    return np.mean(measured), np.mean(true)


sizes = [10, 20, 40, 80, 160, 320]
results = np.array([optimism(n, n) for n in sizes])
gaps = results[:, 0] - results[:, 1]
crossing = middling.separation / 2  # of two equal bell curves
best_possible = float(middling.sensitivity(crossing) + middling.specificity(crossing) - 1)
claim("With 10 ill and 10 healthy cases J looks better by more than 0.1", gaps[0] > 0.1)
claim("With 320 of each by less than 0.05", gaps[-1] < 0.05)

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(5.6, 3.4))
ax.semilogx(sizes, results[:, 0], "o-", label="measured where it was chosen")
ax.semilogx(sizes, results[:, 1], "o-", label="truth for that threshold")
ax.axhline(best_possible, color="k", ls=":", label="best possible")
ax.set(xlabel="ill cases (as many healthy)", ylabel="sensitivity + specificity - 1", xticks=sizes, xticklabels=sizes)
ax.minorticks_off()
ax.legend()
show(fig, alt="The measured curve lies high above the true one for few cases; with hundreds they come close")

# %% [markdown]
# Choose the threshold on the **validation** set, write it down, and then open the test set. Once.

# %% [markdown] tags=["slide"]
# ## 7 How sure? 0 of 20 is not 0 %
#
# "Our AI missed **none** of 20 pneumothoraces." Is its miss rate 0 %?
#
# If it really missed 1 in 10, a series of 20 without a miss would still happen in $0.9^{20}=12\,\%$ of all studies.

# %%
for name, method in (("textbook (Wald)", wald), ("Wilson", wilson), ("Clopper-Pearson", clopper_pearson)):
    low, high = method(0, 20)
    print(f"{name:16s} 0 of 20 missed: {100 * low:.0f} % to {100 * high:.0f} %")
claim("The textbook interval has no width at all", np.ptp(wald(0, 20)) == 0)

# %% [markdown]
# A [[confidence interval]] at 95 % promises: in 95 of 100 studies it holds the truth. A promise can be tested. We take a true miss
# rate, simulate thousands of studies of 30 patients, and count.

# %%
def coverage(interval, n, true_rate, studies=4000, seed=0):
    """Share of simulated studies of n patients whose interval holds the true rate."""
    limits = np.array([interval(k, n) for k in range(n + 1)])
    low, high = limits[np.random.default_rng(seed).binomial(n, true_rate, studies)].T
    return np.mean((low <= true_rate) & (true_rate <= high))


rates = np.linspace(0.01, 0.5, 50)
kept = {m.__name__: [coverage(m, 30, p) for p in rates] for m in (wald, wilson, clopper_pearson)}
claim("At a rate of 3 % the textbook's 95 % are less than 70 %", coverage(wald, 30, 0.03) < 0.70)
claim("Wilson keeps its promise on average", abs(np.mean(kept["wilson"]) - 0.95) < 0.015)
claim("Clopper-Pearson keeps it everywhere, and is too wide", np.min(kept["clopper_pearson"]) > 0.94)

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(6.4, 3.4))
for shares, label in zip(kept.values(), ("textbook (Wald)", "Wilson", "Clopper-Pearson"), strict=True):
    ax.plot(100 * rates, 100 * np.array(shares), label=label)
ax.axhline(95, color="k", ls=":")
ax.set(xlabel="true rate (%)", ylabel="studies that hold it (%)", ylim=(40, 101), title="30 patients, promise: 95 %")
ax.legend()
show(fig, alt="Wald falls below 40 % for the smallest rates; Wilson stays round 95 %, Clopper-Pearson above it")

# %% [markdown] tags=["exercise"] exercise="none_missed"
# ### Exercise: how many patients?
#
# You want to be able to say: "the miss rate is below 1 %". Your AI will miss nobody (you hope). How many patients must it
# see? Find the smallest n for which "nobody missed" has a chance of **at most 5 %** if the true miss rate were `rate`.

# %% tags=["stub"] exercise="none_missed"
def patients_needed(rate):
    """Smallest n with (chance that n patients are all found) <= 0.05."""
    return ...

# %% tags=["check"] exercise="none_missed"
check("none_missed", patients_needed)

# %% [markdown] tags=["hint"] exercise="none_missed"
# One patient is found with chance 1 − rate. Two? n?

# %% [markdown] tags=["hint"] exercise="none_missed"
# (1 − rate)ⁿ ≤ 0.05. Take logarithms, or simply count n up in a loop.

# %% [markdown] tags=["hint"] exercise="none_missed"
# n = ln(0.05) / ln(1 − rate), rounded **up**: `np.log` and `np.ceil`.

# %% tags=["solution"] exercise="none_missed"
def patients_needed(rate):
    """Smallest n with (chance that n patients are all found) <= 0.05."""
    return int(np.ceil(np.log(0.05) / np.log(1 - rate)))  # about 3 / rate: the rule of three

# %% tags=["equivalent"] exercise="none_missed"
def patients_needed(rate):
    n = 0
    while (1 - rate) ** n > 0.05:
        n += 1
    return n

# %% tags=["equivalent"] exercise="none_missed"
def patients_needed(rate):
    return next(n for n in range(1, 10**6) if (1 - rate) ** n <= 0.05)

# %% tags=["wrong"] exercise="none_missed" says="rule of three"
def patients_needed(rate):
    return round(3 / rate)

# %% tags=["wrong"] exercise="none_missed" says="one miss is expected"
def patients_needed(rate):
    return round(1 / rate)

# %% tags=["wrong"] exercise="none_missed" says="whole number"
def patients_needed(rate):
    return np.log(0.05) / np.log(1 - rate)

# %% tags=["wrong"] exercise="none_missed" says="too few by one"
def patients_needed(rate):
    return int(np.log(0.05) / np.log(1 - rate))

# %% tags=["wrong"] exercise="none_missed" says="both sides"
def patients_needed(rate):
    return int(np.ceil(np.log(0.025) / np.log(1 - rate)))

# %% tags=["wrong"] exercise="none_missed" says="That is a chance"
def patients_needed(rate):
    return (1 - rate) ** 20

# %% tags=["wrong"] exercise="none_missed" says="95 %"
def patients_needed(rate):
    return int(np.ceil(np.log(0.95) / np.log(1 - rate)))

# %% tags=["checker"] exercise="none_missed"
def checker(patients_needed):
    got = patients_needed(0.01)
    close(np.ndim(got), 0, "The answer is one number.")
    require(got is ... or got >= 1, "That is a chance; the number of patients is wanted.")
    require(abs(got - 100) > 1e-6, "In 100 patients one miss is expected, yet none often happens.")
    require(abs(got - 300) > 1e-6, "That is the rule of three, good for your head; here do it exactly.")
    require(abs(got - 6) > 1e-6, "You allow a chance of 95 %; at most 5 % is asked.")
    require(abs(got - 298) > 1e-6, "That is too few by one: round up.")
    require(abs(got - 368) > 1e-6, "You keep 2.5 % as if for both sides; here all 5 % lie on one side.")
    require(float(got) == int(got), "Patients come in whole numbers: round up.")
    close(got, 299, "That is not the smallest n.")
    close(patients_needed(0.1), 29, "For a rate of 10 % it is not right.")

# %% [markdown] tags=["slide"]
# ### Anything else: the bootstrap
#
# No formula for your figure? Draw the cases anew, with replacement, a thousand times, and see how much it varies: the
# [[bootstrap]].
#
# **Draw patients, not films.** Five films of one patient are not five patients.

# %%
random = np.random.default_rng(3)
patient_of = np.repeat(np.arange(40), 5)  # 40 patients, five films each
skill = random.normal(0.8, 1.2, 40)  # some patients are easy, some are hard
found = random.random(200) < 1 / (1 + np.exp(-skill[patient_of]))
by_film = bootstrap(np.mean, found, seed=1)
by_patient = bootstrap(np.mean, found, patients=patient_of, seed=1)
print(f"sensitivity {found.mean():.2f}; by film {by_film}; by patient {by_patient}")
claim("Drawing films gives an interval that is too narrow", np.ptp(by_patient) > 1.2 * np.ptp(by_film))

# %% [markdown]
# The next lesson, *Comparing*, shows the same for the AUC. For rates with a formula there is no need to draw:

# %%
for rate in ("TPR", "LR+", "DOR", "F1", "MCC"):
    low, high = rate_interval(cells["A"], rate)
    print(f"A: {rate:4s} {value(cells['A'], rate):5.2f}  ({low:.2f} to {high:.2f})")

# %% [markdown] tags=["slide"]
# ## 8 Do readers agree?
#
# Two radiologists read 100 films and give the same answer 90 times. Good?
#
# If 95 films are normal, two readers who say *normal* nearly always agree nearly always, **by chance**. Cohen's [[kappa]]:
#
# $$\kappa=\frac{p_{\text{observed}}-p_{\text{chance}}}{1-p_{\text{chance}}}$$

# %% [markdown] tags=["exercise"] exercise="kappa_by_hand"
# ### Exercise: kappa
#
# `table` is a 2 × 2 array of counts. Row: first reader (yes, no). Column: second reader (yes, no). Write `kappa(table)`.

# %% tags=["stub"] exercise="kappa_by_hand"
def kappa(table):
    """Cohen's kappa of a 2 x 2 table."""
    return ...

# %% tags=["check"] exercise="kappa_by_hand"
check("kappa_by_hand", kappa)

# %% [markdown] tags=["hint"] exercise="kappa_by_hand"
# Divide by the number of films first. The observed agreement stands on the diagonal.

# %% [markdown] tags=["hint"] exercise="kappa_by_hand"
# By chance: both say yes with (share of yes of the first) × (share of yes of the second); the same for no; add.

# %% [markdown] tags=["hint"] exercise="kappa_by_hand"
# `p = table / table.sum()`, observed `p[0, 0] + p[1, 1]`, chance `p.sum(1) @ p.sum(0)`

# %% tags=["solution"] exercise="kappa_by_hand"
def kappa(table):
    """Cohen's kappa of a 2 x 2 table."""
    p = np.asarray(table) / np.sum(table)
    observed, by_chance = np.trace(p), p.sum(1) @ p.sum(0)
    return (observed - by_chance) / (1 - by_chance)

# %% tags=["equivalent"] exercise="kappa_by_hand"
def kappa(table):
    (a, b), (c, d) = np.asarray(table, dtype=float)
    return 2 * (a * d - b * c) / ((a + b) * (b + d) + (a + c) * (c + d))

# %% tags=["equivalent"] exercise="kappa_by_hand"
def kappa(table):
    (a, b), (c, d) = np.asarray(table, dtype=float)
    return value(Confusion(tp=a, fp=b, fn=c, tn=d), "KAPPA")

# %% tags=["wrong"] exercise="kappa_by_hand" says="without chance"
def kappa(table):
    return np.trace(table) / np.sum(table)

# %% tags=["wrong"] exercise="kappa_by_hand" says="Divide"
def kappa(table):
    p = np.asarray(table) / np.sum(table)
    return np.trace(p) - p.sum(1) @ p.sum(0)

# %% tags=["wrong"] exercise="kappa_by_hand" says="their own habits"
def kappa(table):
    p = np.asarray(table) / np.sum(table)
    return (np.trace(p) - 0.5) / 0.5

# %% tags=["wrong"] exercise="kappa_by_hand" says="agree on no"
def kappa(table):
    p = np.asarray(table) / np.sum(table)
    by_chance = p[0].sum() * p[:, 0].sum()
    return (np.trace(p) - by_chance) / (1 - by_chance)

# %% tags=["wrong"] exercise="kappa_by_hand" says="shares of all"
def kappa(table):
    by_chance = table.sum(1) @ table.sum(0)
    return (np.trace(table) - by_chance) / (1 - by_chance)

# %% tags=["wrong"] exercise="kappa_by_hand" says="each reader with himself"
def kappa(table):
    p = np.asarray(table) / np.sum(table)
    by_chance = p.sum(0) @ p.sum(0)
    return (np.trace(p) - by_chance) / (1 - by_chance)

# %% tags=["checker"] exercise="kappa_by_hand"
def checker(kappa):
    table = np.array([[20, 10], [5, 65]])
    got, p = kappa(table), table / 100
    if isinstance(got, (int, float, np.number)):
        require(abs(got - 0.85) > 1e-9, "That is the observed agreement, without chance.")
        require(abs(got - 0.25) > 1e-9, "Divide by what chance leaves open.")
        require(abs(got - (0.85 - 0.075) / (1 - 0.075)) > 1e-9, "By chance they also agree on no.")
        require(abs(got - (85 - 6000) / (1 - 6000)) > 1e-9, "First turn the counts into shares of all films.")
        require(abs(got - 0.7) > 1e-9, "Chance is not one half: it follows from how often they say yes, their own habits.")
        own = [(0.85 - s @ s) / (1 - s @ s) for s in (p.sum(0), p.sum(1))]
        require(min(abs(got - o) for o in own) > 1e-9, "You let each reader with himself agree by chance; take one row sum and one column sum.")
    close(got, (0.85 - 0.6) / 0.4, "That is not kappa.")

# %% [markdown] tags=["slide"]
# ### The paradox
#
# Two readers, always equally good (sensitivity and specificity 0.9 each). Only the prevalence changes. Kappa falls
# where the finding is rare or nearly always there, though nobody reads worse.

# %%
from course_lib.evaluation.agreement import cohen_kappa, kappa_of_table, specific_agreement

q = np.linspace(0.01, 0.99, 99)
both = 0.81 * q + 0.01 * (1 - q)  # chance that both say yes, if they err independently
neither = 0.01 * q + 0.81 * (1 - q)
tables = np.stack([[both, (1 - both - neither) / 2], [(1 - both - neither) / 2, neither]])
kappas = [kappa_of_table(tables[:, :, i]).value for i in range(99)]

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(5.6, 3.2))
ax.plot(q, both + neither, label="observed agreement")
ax.plot(q, kappas, label="kappa")
ax.set(xlabel="prevalence", ylim=(0, 1), title="the same two readers")
ax.legend(loc="center")
show(fig, alt="Agreement is flat at 0.82; kappa is an arch, 0.64 in the middle and near 0 at both ends")

# %%
for name, counted in (("half ill", [[45, 5], [5, 45]]), ("6 ill of 100", [[1, 5], [5, 89]])):
    k, (yes, no) = kappa_of_table(counted), specific_agreement(counted)
    print(f"{name:13s} agreement {k.observed:.2f}, kappa {k.value:.2f} ({k.interval}); on yes {yes:.2f}, on no {no:.2f}")
claim("The same agreement of 0.90, kappas of 0.80 and 0.11",
      kappa_of_table([[45, 5], [5, 45]]).value > 0.79 and kappa_of_table([[1, 5], [5, 89]]).value < 0.12)  # fmt: skip

# %% [markdown]
# A real example. The labels of ChestX-ray14 were mined from reports by a program. For 4,376 films radiologists read the films again,
# together. How well do both agree on [[pneumothorax]]?

# %%
labels = published("nih_pneumothorax_labels")
counted = labels["films"].to_numpy().reshape(2, 2)  # rows: radiologists yes, no; columns: mined yes, no
k, (yes, no) = kappa_of_table(counted), specific_agreement(counted)
print(f"agreement {k.observed:.2f}, kappa {k.value:.2f} ({k.interval}); on yes {yes:.2f}, on no {no:.2f}")
claim("94 % of the labels agree, and yet fewer than half of the pneumothoraces", k.observed > 0.94 and yes < 0.5)

# %% [markdown]
# Whoever trains or tests on such labels should know this table.
#
# So report the **table**, or agreement on *yes* and on *no* separately, beside kappa. And compare kappas only between studies with like
# prevalence.
#
# - Ordered grades (none, mild, severe): `cohen_kappa(..., weights="quadratic")`; a near miss counts less.
# - More than two readers: `fleiss_kappa`.

# %%
grades = ["none", "mild", "severe"]
first = ["none", "none", "mild", "mild", "severe", "severe", "none", "mild", "severe", "mild"]
second = ["none", "mild", "mild", "none", "severe", "mild", "none", "mild", "severe", "severe"]
for weights in (None, "linear", "quadratic"):
    print(f"weights {weights!s:10s} kappa {cohen_kappa(first, second, weights, grades).value:.2f}")

# %% [markdown] tags=["slide"]
# ### Measurements: ICC and Bland-Altman
#
# Three readers measure nodules. The third always reads 3 mm more. Do they agree?
#
# - [[Intraclass correlation|intraclass correlation]] (ICC): share of the spread that is due to the *patients*. There are **six** of it; say which.
# - Bland-Altman: how far apart are two methods, in **millimetres**? The [[limits of agreement]].

# %% [markdown]
# How to read the six names. **1**: other readers for each patient. **2**: the same readers for all, drawn from many; a reader who always
# measures too much counts as disagreement. **3**: just these readers; a constant offset is forgiven (*consistency*). After the comma: **1**
# for a single reading, **k** for the mean of all readers (here 3).

# %%
from course_lib.evaluation.intraclass import icc_table
from course_lib.evaluation.measurement import bland_altman

random = np.random.default_rng(5)
true_mm = random.uniform(6, 24, 40)
readings = true_mm[:, None] + [0, 0, 3] + random.normal(0, 1.0, (40, 3))
forms = icc_table(readings)
print(forms[["value", "low", "high"]].round(2).to_string())
limits = bland_altman(readings[:, 2], readings[:, 0])
print(f"third minus first: bias {limits.bias:.1f} mm, 95 % of differences {limits.limits.low:.1f} to {limits.limits.high:.1f} mm")
claim("Consistency (3,1) hides the 3 mm, absolute agreement (2,1) does not",
      forms.loc["3,1", "value"] > forms.loc["2,1", "value"] + 0.03)  # fmt: skip

# %% tags=["slide"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
left.plot([5, 28], [5, 28], "k:")
left.plot(readings[:, 0], readings[:, 2], "o", ms=4)
left.set(xlabel="reader 1 (mm)", ylabel="reader 3 (mm)", title=f"r = {np.corrcoef(readings[:, 0], readings[:, 2])[0, 1]:.2f}: looks fine")
right.plot(readings[:, [0, 2]].mean(1), readings[:, 2] - readings[:, 0], "o", ms=4)
for y, style in ((limits.bias, "-"), (limits.limits.low, "--"), (limits.limits.high, "--")):
    right.axhline(y, color="k", ls=style)
right.axhline(0, color="0.7")
right.set(xlabel="mean of both (mm)", ylabel="difference (mm)", title="Bland-Altman: 3 mm too much", ylim=(-2, 8))
show(fig, alt="Left: points along a line, shifted up. Right: differences scatter round 3 mm, not round 0")

# %% [markdown] tags=["slide"]
# ## 9 Does "80 %" mean 80 of 100?
#
# A score can rank perfectly and still be wrong as a *probability*. [[Calibration|calibration]]: of all films with "80 %", are 80 in 100 ill?
#
# A common cause: trained with half ill cases (or class weights), used where few are ill.

# %%
from course_lib.evaluation.calibration import brier, calibration_error, reliability

reader, random = BinormalReader.with_auc(0.85), np.random.default_rng(6)
t, s = reader.read(400, 1600, random)
trained_on = {"20 % ill, as here": 0.2, "50 % ill": 0.5}
promises = {name: reader.probability(s, share) for name, share in trained_on.items()}
for name, p in promises.items():
    print(f"trained on {name:18s} AUC {auc(t, p):.3f}, ECE {calibration_error(t, p):.3f}, Brier {brier(t, p):.3f}")
claim("The ranking is the same", np.ptp([auc(t, p) for p in promises.values()]) < 1e-6)
claim("but one set of probabilities is far off", calibration_error(t, promises["50 % ill"]) > 0.12)
claim("while the other is not", calibration_error(t, promises["20 % ill, as here"]) < 0.05)

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(4.8, 4.4))
ax.plot([0, 1], [0, 1], "k:", label="perfect")
for name, p in promises.items():
    points = reliability(t, p)
    promised, observed = [b.promised for b in points], np.array([b.observed for b in points])
    low, high = (np.abs(observed - [b.interval[i] for b in points]) for i in (0, 1))
    ax.errorbar(promised, observed, yerr=[low, high], fmt="o-", ms=4, capsize=2, label=f"trained on {name}")
ax.set(xlabel="promised probability", ylabel="observed share", title="reliability diagram, Wilson intervals")
ax.legend()
show(fig, alt="One curve follows the diagonal, the other sags far below it: it promises too much")

# %% [markdown]
# **ECE** (expected calibration error): mean gap to the diagonal, over bins. **[[Brier score]]**: mean squared distance of probability and
# outcome. A later lesson repairs such probabilities.

# %% [markdown] tags=["slide"]
# ## 10 Fourteen findings, one number?
#
# - **macro**: mean of the classes. A class with 3 cases counts as much as one with 3,000.
# - **micro**: pool the counts. Common classes rule.
# - **weighted**: mean, weighted by cases.

# %%
from course_lib.evaluation.averages import average

per_finding = [Confusion(tp=900, fn=100, fp=50, tn=950), Confusion(tp=80, fn=20, fp=100, tn=1800),
               Confusion(tp=1, fn=9, fp=10, tn=1980), Confusion(tp=0, fn=0, fp=0, tn=2000)]  # fmt: skip
for how in ("macro", "micro", "weighted"):
    found = average(per_finding, "recall", how)
    print(f"{how:8s} sensitivity {found.value:.2f} ({found.classes} findings; {found.left_out} that nobody has left out)")
claim("Micro hides the finding that is missed 9 times of 10",
      average(per_finding, "recall", "micro").value > average(per_finding, "recall", "macro").value + 0.2)  # fmt: skip

# %% [markdown] tags=["slide"]
# ## 11 At the edges
#
# A test set without any ill case. A label that is not known. A class that never occurs. Programs answer such questions silently and
# **differently**: one gives AUC 0.0, one NaN, one leaves it out.
#
# This course decides once, in one table, and its tests go through it row by row. A mistake upstream is an
# *error*; what cannot be known is *NaN*; nothing is left out *silently*.

# %%
from course_lib.evaluation.policy import ROWS, policy_table

for _, rule in policy_table()[["case", "outcome", "what"]].iterrows():
    print(f"{rule['case']:42s} {rule['outcome']:9s} {rule['what']}")
print(f"{sum(len(row.functions) for row in ROWS)} times a function meets a case: all are tested")

# %%
print("one class only:", auc([1, 1, 1], [0.2, 0.5, 0.9]))
try:
    auc([1, 0, np.nan], [0.9, 0.5, 0.2])
except ValueError as reason:
    print("a label is NaN:", reason)
print("masked instead:", auc([1, 0, np.nan], [0.9, 0.5, 0.2], known=[1, 1, 0]))

# %% [markdown] tags=["instructor"]
# The table is for reading at home; show three rows. Ask: "Your fold 3 has no positive case. What should the mean AUC over five
# folds be?" (Of four, and say so; or pool the predictions.) Core for one hour: sections 1, 2, 4, 5, 7 and 12. Optional: P and Q,
# optimism, ICC, averages. Radiologists who do not program do the two widgets and the last exercise.

# %% [markdown] tags=["exercise"] exercise="choose_the_metric"
# ## 12 Exercise: which figure answers the question?
#
# Fill in one of `"sensitivity"`, `"specificity"`, `"PPV"`, `"NPV"`, `"AUC"`, `"average precision"`, `"kappa"`, `"ICC"`, `"ECE"`, `"accuracy"`.
# Each question has one best answer.
#
# 1. An AI clears normal films so that nobody reads them. Of those it clears, how many are truly normal?
# 2. An emergency tool must miss no pneumothorax. What do you ask for at its threshold?
# 3. An alarm wakes you at night. How often is it worth getting up?
# 4. A score sorts the reading list; nobody uses a threshold. Every second film shows something.
# 5. The same, but 1 in 300 films is ill, and only the top of the list is read.
# 6. Two residents grade *yes/no*. Do they agree beyond chance?
# 7. The report will say "risk 30 %". May a patient believe it?
# 8. Three physicists measure the same aortic diameters in mm. Do they agree?

# %% tags=["stub"] exercise="choose_the_metric"
chosen = {1: ..., 2: ..., 3: ..., 4: ..., 5: ..., 6: ..., 7: ..., 8: ...}

# %% tags=["check"] exercise="choose_the_metric"
check("choose_the_metric", chosen)

# %% [markdown] tags=["hint"] exercise="choose_the_metric"
# "Of those it calls ..." is a row of the table, "of those who are ..." a column.

# %% [markdown] tags=["hint"] exercise="choose_the_metric"
# Without a threshold you need a curve. Which of the two curves notices that the disease is rare?

# %% [markdown] tags=["hint"] exercise="choose_the_metric"
# 1 and 3 are rows, 2 is a column, 4 and 5 are areas, 6 and 8 are agreement of categories and of lengths, 7 is calibration.

# %% tags=["solution"] exercise="choose_the_metric"
chosen = {1: "NPV", 2: "sensitivity", 3: "PPV", 4: "AUC", 5: "average precision", 6: "kappa", 7: "ECE", 8: "ICC"}

# %% tags=["equivalent"] exercise="choose_the_metric"
chosen = dict(enumerate(["npv", "Sensitivity", "ppv", "auc", "Average precision", "Kappa", "ece", "icc"], start=1))

# %% tags=["wrong"] exercise="choose_the_metric" says="1: "
chosen = {1: "specificity", 2: "sensitivity", 3: "PPV", 4: "AUC", 5: "average precision", 6: "kappa", 7: "ECE", 8: "ICC"}

# %% tags=["wrong"] exercise="choose_the_metric" says="one of the ten"
chosen = {1: "NPV", 2: "recall", 3: "PPV", 4: "AUC", 5: "AP", 6: "Cohen's kappa", 7: "ECE", 8: "ICC"}

# %% tags=["wrong"] exercise="choose_the_metric" says="3: "
chosen = {1: "NPV", 2: "sensitivity", 3: "specificity", 4: "AUC", 5: "average precision", 6: "kappa", 7: "ECE", 8: "ICC"}

# %% tags=["wrong"] exercise="choose_the_metric" says="5: "
chosen = {1: "NPV", 2: "sensitivity", 3: "PPV", 4: "AUC", 5: "AUC", 6: "kappa", 7: "ECE", 8: "ICC"}

# %% tags=["wrong"] exercise="choose_the_metric" says="6: "
chosen = {1: "NPV", 2: "sensitivity", 3: "PPV", 4: "AUC", 5: "average precision", 6: "accuracy", 7: "ECE", 8: "ICC"}

# %% tags=["wrong"] exercise="choose_the_metric" says="7: "
chosen = {1: "NPV", 2: "sensitivity", 3: "PPV", 4: "AUC", 5: "average precision", 6: "kappa", 7: "AUC", 8: "ICC"}

# %% tags=["checker"] exercise="choose_the_metric"
def checker(chosen):
    require(isinstance(chosen, dict) and set(chosen) == set(range(1, 9)), "Keep the numbers 1 to 8 and write one text for each.")
    best = {1: "npv", 2: "sensitivity", 3: "ppv", 4: "auc", 5: "average precision", 6: "kappa", 7: "ece", 8: "icc"}
    why = {
        1: "it is about those who were *called* normal.",
        2: "it is about those who *are* ill.",
        3: "it is about the alarms: a row of the table.",
        4: "no threshold, no rare disease: how good is the order?",
        5: "the top of the list must be clean, and ill films are rare. Which curve notices?",
        6: "categories, two readers, and chance.",
        7: "the order does not matter here; the number does.",
        8: "lengths, not categories.",
    }
    texts = {*best.values(), "specificity", "accuracy"}
    for number, answer in chosen.items():
        require(str(answer).strip().lower() in texts, f"{number}: write one of the ten texts, exactly as printed above.")
        require(str(answer).strip().lower() == best[number], f"{number}: {why[number]}")

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Four counts, then **which question**: of the ill (down) or of the calls (along)?
# - The AUC is a duel between one ill and one healthy case. It knows no threshold and no prevalence; PPV does.
# - 0 of 20 is not 0 %: Wilson or Clopper-Pearson for shares, the bootstrap **by patient** for the rest.
# - Choose the threshold elsewhere, or the test set will flatter you.
# - Kappa falls with rare findings; report the table. ICC: say which of the six. Agreement in mm: Bland-Altman.
# - A good ranking is not a good probability.

# %% [markdown]
# ## References
#
# - Fawcett T. An introduction to ROC analysis. Pattern Recognit Lett 2006;27:861.
# - Hanley JA, McNeil BJ. The meaning and use of the area under a ROC curve. Radiology 1982;143:29.
# - Chicco D, Jurman G. The advantages of the MCC over F1 score and accuracy. BMC Genomics 2020;21:6.
# - Davis J, Goadrich M. The relationship between precision-recall and ROC curves. ICML 2006.
# - Newcombe RG. Two-sided confidence intervals for the single proportion. Stat Med 1998;17:857.
# - Brown LD, Cai TT, DasGupta A. Interval estimation for a binomial proportion. Stat Sci 2001;16:101.
# - Cohen J. Educ Psychol Meas 1960;20:37. Feinstein AR, Cicchetti DV. J Clin Epidemiol 1990;43:543 (the paradox).
# - Shrout PE, Fleiss JL. Intraclass correlations. Psychol Bull 1979;86:420.
# - Bland JM, Altman DG. Lancet 1986;327:307. ISO 5725-1: Accuracy (trueness and precision).
# - Majkowska A et al. Radiology 2020;294:421 (the labels of the radiologists).
# - Maier-Hein L et al. Metrics reloaded. Nat Methods 2024;21:195.
# - The four classifiers: Rueckert D, lecture AI in Medicine I, slide on the ROC plane.

# %% [markdown] tags=["slide"]
# ## Monday morning
#
# Last year the film classifier called *interstitial opacity* on about one film in ten. This Monday it is one in four.
#
# - Has the **flu** arrived (viral pneumonia looks interstitial)?
# - Or did the manufacturer install **new software** at the weekend?
#
# Nobody has read the new films yet. The two need opposite answers, and from the count alone you cannot tell them apart.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_lib.learning.film_classifier import CLASSES, load_film_classifier
from course_lib.robustness.shift_films import CHANGES, dialled, lettered, meet
from course_lib.robustness.shift_seasons import FLU, class_shares, draw_season, season_shares
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)
network = load_film_classifier()

# %% [markdown] tags=["slide"]
# ## Two ways to change
#
# | | [[covariate shift]] | [[label shift]] |
# |---|---|---|
# | what changes | how films look, p(film) | how many are ill, p(illness) |
# | what stays | which illness a patient has | how each illness looks, p(film given illness) |
# | example | scanner, processing, grid, letters | season, referral, emergency room |
# | at first broken | the answers themselves | the meaning of a probability, accuracy, [[PPV|positive predictive value]] |
#
# In life both come together. In the virtual hospital we can turn one dial at a time.

# %% [markdown]
# ## Meet the patients once, image them often
#
# Where the rays go through a patient does not depend on the machine. So we follow the rays once (half a minute), and any
# machine can image the same 800 patients in a second. Patients with two findings are sent home: the classifier must give one of six answers.
# They are *everyday* patients, with milder findings than those it learned from.
#
# A word on names. Strictly, covariate shift demands that the same film still means the same illness: p(illness given film) stays. New
# software breaks that, so some call a change of machine *acquisition shift* and a season *prevalence shift* (Castro 2020).

# %% tags=["varies"]
USUAL = dict.fromkeys(CLASSES[1:], 0.10) | {"interstitial_opacity": 0.22}
patients = meet(800, seed=6100, prevalence=USUAL)
last_year, now = patients.some(np.arange(len(patients)) < 350), patients.some(np.arange(len(patients)) >= 350)
truth = now.classes
print(f"{len(last_year)} patients of last year, with labels; {len(now)} patients of now")


def read(films, net=network):
    """Features (N, 90) and probabilities (N, 6) of films, in one pass."""
    features = net.features(films, batch=64)  # small batches need less memory
    with torch.no_grad():
        return features, net.model.classifier(torch.from_numpy(features)).softmax(1).numpy()


# %% tags=["slide"]
someone = now.some([int(np.flatnonzero(truth == FLU)[3])])
machines = {"A (as in training)": someone.films(), "with a letter": lettered(someone.films())}
machines |= {name: someone.films(dialled(name)) for name in CHANGES}
fig, axes = plt.subplots(1, len(machines), figsize=(11, 2.1))
for ax, (name, picture) in zip(axes, machines.items(), strict=True):
    film(ax, picture[0, 0].numpy(), name, vmin=0, vmax=1)
    ax.title.set_fontsize(8)
show(fig, alt="One patient on seven machines: as in training, with a letter P, other maker, old plates, low dose, without a grid "
     "(flat and grey), new software (fine structures boosted)")

# %% [markdown]
# Before you read on: which of these changes will harm the classifier most? Write down your order. Most radiologists fear low dose and old plates.

# %% [markdown] tags=["slide"]
# ## What does each change cost?
#
# The **same patients** on every machine: so only patients whose answer changes count. [[McNemar's test]] and paired intervals,
# as in lesson "Comparing networks and readers".

# %% tags=["varies"]
from course_lib.robustness.shift_drop import drop, performance

old_features, old_p = read(last_year.films())
plain = now.films()
answers = {"A": read(plain), "letter": read(lettered(plain))}
answers |= {name: read(now.films(dialled(name))) for name in CHANGES}
start = performance(truth, answers["A"][1])
print(f"machine A: accuracy {start.accuracy:.3f} ({start.accuracy_interval}), macro AUC {start.auc:.3f} ({start.auc_interval})")
losses = {name: drop(truth, answers["A"][1], answers[name][1]) for name in list(answers)[1:]}
for name, lost in losses.items():
    print(f"{name:15s} accuracy lost {lost.accuracy:6.3f} ({lost.accuracy_interval}), p = {lost.p_value:7.2g}; "
          f"AUC lost {lost.auc:6.3f} ({lost.auc_interval})")

# %% tags=["slide", "varies"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for row, lost in enumerate(losses.values()):
    for ax, value, interval in ((left, lost.accuracy, lost.accuracy_interval), (right, lost.auc, lost.auc_interval)):
        ax.plot(interval, [row, row], color=COLOURS[0])
        ax.plot(value, row, "o", color=COLOURS[0])
for ax, name in ((left, "accuracy lost"), (right, "macro AUC lost")):
    ax.axvline(0, color="k", ls=":")
    ax.set(xlabel=name, xlim=(-0.05, 0.45))
left.set_yticks(range(len(losses)), losses)
left.invert_yaxis()
show(fig, alt="Loss of accuracy and of macro AUC with intervals: none for letter, low dose and other maker, a few hundredths "
     "for old plates and a forgotten grid, more than a third of all answers for the new software, whose AUC hardly falls")

claim("A fiftieth of the dose and a letter cost less than 0.03 of accuracy", max(losses[k].accuracy for k in ("letter", "low dose")) < 0.03)
claim("The new software costs 0.2 of accuracy or more", losses["new software"].accuracy_interval.low > 0.2)
claim("But it costs less than 0.04 of AUC", losses["new software"].auc < 0.04)

# %% [markdown]
# Surprising twice. **Noise** hardly matters: at 64 pixels each pixel collects so many photons that even a fiftieth is plenty. **Processing** matters most:
# fine structure boosted everywhere *is* what interstitial opacity looks like.
#
# The **letter** is harmless here: in training no film bore one, so no illness went along with it. Where marks go along with a hospital full of ill patients, networks
# can use them (Zech 2018). A p of nan means: the test has nothing to count.
#
# And the AUC does not show it. The network still *ranks* well, but its answers moved together over the threshold. Who
# reports only AUC after a software update reports that all is well.

# %% [markdown] tags=["slide"]
# ### Play: the dial
#
# Choose a change and turn the dial from machine A (0) to the changed one (1). Left a film at this dial; right what the classifier makes
# of 100 patients. Watch the share of *interstitial* calls (dashed).

# %% tags=["varies"]
from course_lib.robustness.shift_drop import macro_auc

few, steps = now.some(range(100)), (0.0, 0.25, 0.5, 0.75, 1.0)
curves = {
    name: [read(few.films(dialled(name, dial)))[1] for dial in steps] for name in ("new software", "grid forgotten", "old plates")
}
NAMES = [name.replace("_", " ") for name in CLASSES]
misread = np.flatnonzero((few.classes == 0) & (curves["new software"][3].argmax(1) == FLU))


def turn(change, dial, patient):
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4), width_ratios=(1, 1.5))
    chosen = few.some([patient])
    picture = chosen.films(dialled(change, dial))
    p = read(picture)[1][0]
    film(left, picture[0, 0].numpy(), f"is {NAMES[chosen.classes[0]]},\ncalled {NAMES[p.argmax()]} ({p.max():.0%})", vmin=0, vmax=1)
    right.plot(steps, [np.mean(p.argmax(1) == few.classes) for p in curves[change]], "o-", label="accuracy")
    right.plot(steps, [macro_auc(few.classes, p) for p in curves[change]], "s-", label="macro AUC")
    right.plot(steps, [np.mean(p.argmax(1) == FLU) for p in curves[change]], "--", label="interstitial calls")
    right.axvline(dial, color="k", ls=":")
    right.set(xlabel="dial", ylim=(0, 1.02))
    right.legend(loc="center left")
    return fig


explore(
    turn, alt="A film at the dial's position, and accuracy, AUC and share of interstitial calls along the dial",
    change=list(curves), dial=(0.0, 1.0, 0.05, 0.75), patient=(0, 99, 1, int(misread[0])),
)  # fmt: skip

# %% [markdown]
# The grid is in or out, so its curve jumps half-way. Everything else moves smoothly.

# %% [markdown] tags=["slide"]
# ## The other dial: the season
#
# Machine A, same kinds of patients, but more or fewer have viral pneumonia. Each film is as easy or hard as before. What moves?

# %% tags=["slide", "varies"]
p_now = answers["A"][1]
called = p_now.argmax(1) == FLU
sensitivity, false_alarms = called[truth == FLU].mean(), called[truth != FLU].mean()
share = np.linspace(0.005, 0.6, 60)
by_class = np.array([np.mean(p_now.argmax(1)[truth == k] == k) for k in range(6)])
usual = class_shares(last_year.classes)
curves_season = {
    "accuracy, all classes": [by_class @ season_shares(usual, s) for s in share],
    "PPV of interstitial": sensitivity * share / (sensitivity * share + false_alarms * (1 - share)),
    "NPV": (1 - false_alarms) * (1 - share) / ((1 - false_alarms) * (1 - share) + (1 - sensitivity) * share),
    "sensitivity": 0 * share + sensitivity,
}
fig, ax = plt.subplots(figsize=(7, 3.4))
for name, curve in curves_season.items():
    ax.plot(share, curve, label=name)
ax.axvline(usual[FLU], color="k", ls=":")
ax.text(usual[FLU] + 0.005, 0.05, "last year")
ax.set(xlabel="share of patients with interstitial opacity", ylim=(0, 1.02))
ax.legend(loc="lower right")
show(fig, alt="Along the share of ill patients: sensitivity is constant, PPV rises steeply, NPV and accuracy fall")
claim("In a wave with 40 % ill, accuracy is at least 0.05 below last year's",
      by_class @ usual - by_class @ season_shares(usual, 0.40) > 0.05)

# %% [markdown]
# Sensitivity, specificity and so the AUC stay: they belong to the kinds of patients, not to their numbers. PPV, NPV and accuracy move. In summer most
# positive calls may be wrong although the network is the same. (A test with 90 % sensitivity and specificity has a
# PPV of 8 % at 1 % ill, 32 % at 5 % and 79 % at 30 %.)

# %%
from course_lib.evaluation.prevalence import ppv_at

print([f"{ppv_at(ill, 0.9, 0.9):.0%}" for ill in (0.01, 0.05, 0.30)])

# %% [markdown] tags=["exercise"] exercise="shifted_probability"
# ### Exercise: what does "30 %" mean in the flu season?
#
# The network says: interstitial, probability 0.30. It learned where a share `old` of the patients was ill; now it is a share `new`.
# Write `in_season(p, old, new)`: the probability that this patient is ill **now** (two classes: ill or not).

# %% tags=["stub"] exercise="shifted_probability"
def in_season(p, old, new):
    """Probability of illness where the share of the ill is `new`, from p made for `old`."""
    return ...

# %% tags=["check"] exercise="shifted_probability"
check("shifted_probability", in_season)

# %% [markdown] tags=["hint"] exercise="shifted_probability"
# Bayes: what the film says stays; only how many are ill beforehand changes. Which two numbers have to sum to 1 in the end?

# %% [markdown] tags=["hint"] exercise="shifted_probability"
# Multiply p by new / old, and 1 - p by (1 - new) / (1 - old). Then divide by the sum of both.

# %% [markdown] tags=["hint"] exercise="shifted_probability"
# `ill = p * new / old; well = (1 - p) * (1 - new) / (1 - old)`, then `ill / (ill + well)`.

# %% tags=["solution"] exercise="shifted_probability"
def in_season(p, old, new):
    """Probability of illness where the share of the ill is `new`, from p made for `old`."""
    ill = p * new / old
    well = (1 - p) * (1 - new) / (1 - old)  # the healthy ones became rarer
    return ill / (ill + well)

# %% tags=["equivalent"] exercise="shifted_probability"
def in_season(p, old, new):
    odds = p / (1 - p) * (new / (1 - new)) / (old / (1 - old))
    return odds / (1 + odds)

# %% tags=["equivalent"] exercise="shifted_probability"
def in_season(p, old, new):
    speaks_for = p / (1 - p) * (1 - old) / old  # the likelihood ratio of this film
    return new * speaks_for / (new * speaks_for + 1 - new)

# %% tags=["wrong"] exercise="shifted_probability" says="odds"
def in_season(p, old, new):
    return p / (1 - p) * (new / (1 - new)) / (old / (1 - old))

# %% tags=["wrong"] exercise="shifted_probability" says="added"
def in_season(p, old, new):
    return p + new - old

# %% tags=["wrong"] exercise="shifted_probability" says="sum to 1"
def in_season(p, old, new):
    return p * new / old

# %% tags=["wrong"] exercise="shifted_probability" says="healthy"
def in_season(p, old, new):
    return p * new / old / (p * new / old + 1 - p)

# %% tags=["wrong"] exercise="shifted_probability" says="turned round"
def in_season(p, old, new):
    ill, well = p * old / new, (1 - p) * (1 - old) / (1 - new)
    return ill / (ill + well)

# %% tags=["wrong"] exercise="shifted_probability" says="already knows"
def in_season(p, old, new):
    return p * new / (p * new + (1 - p) * (1 - new))

# %% tags=["checker"] exercise="shifted_probability"
def checker(in_season):
    got = in_season(0.3, 0.1, 0.4)
    if isinstance(got, (float, np.floating)):
        require(abs(got - 1.2) > 1e-6, "More than 1: ill and healthy must sum to 1 in the end.")
        require(abs(got - 0.3 / 0.7 * 6) > 1e-6, "These are odds: turn them back into a probability.")
        require(abs(got - 0.6) > 1e-6, "Shares cannot be added to a probability: 80 % would leave 100 %.")
        require(abs(got - 1.2 / 1.9) > 1e-6, "The healthy became rarer, too: their part changes as well.")
        require(abs(got - 0.075 / (0.075 + 0.7 * 0.9 / 0.6)) > 1e-6, "Old and new are turned round: in a wave the probability rises.")
        require(abs(got - 0.12 / 0.54) > 1e-6, "p already knows the old share; take it out before the new one comes in.")
    close(got, 1.2 / (1.2 + 0.7 * 0.6 / 0.9), "p = 0.3, from 10 % ill to 40 %.")
    close(in_season(0.3, 0.2, 0.2), 0.3, "Where nothing changed the probability stays.")

# %% [markdown] tags=["slide"]
# ## Alarms without labels
#
# Old films against new films. Each test gives a [[p value]].
#
# | alarm | looks at |
# |---|---|
# | Kolmogorov-Smirnov (KS) | each of 90 features alone: the largest gap between two cumulative curves, with [[Bonferroni correction]] |
# | kernel MMD ([[maximum mean discrepancy]]) | all features together |
# | [[domain classifier]] | whatever separates old from new; its AUC says how clearly |
# | counts of calls | only the six answers |

# %% tags=["varies"]
from course_lib.robustness.shift_detection import calls_alarm, domain_alarm, ks_alarm, mmd_alarm

winter_rows = draw_season(truth, season_shares(usual, 0.40), seed=1)
cases = {
    "nothing": tuple(part[:150] for part in answers["A"]),
    "flu season": tuple(part[winter_rows] for part in answers["A"]),
    **{name: tuple(part[:150] for part in answers[name]) for name in ("low dose", "old plates", "grid forgotten", "new software")},
}
found = {}
print("                  KS       MMD      domain AUC             counts")
for name, (features, p) in cases.items():
    domain = domain_alarm(old_features, features)
    found[name] = (ks_alarm(old_features, features).p_value, mmd_alarm(old_features, features).p_value, domain.p_value,
                   calls_alarm(old_p.argmax(1), p.argmax(1), 6).p_value, domain.auc)
    ks, mmd, _, counts, _ = found[name]
    print(f"{name:15s} p {ks:7.1g}  {mmd:7.2g}  {domain.auc:.2f} ({domain.interval})  {counts:6.2g}")
claim("All four alarms ring for the new software", max(found["new software"][:4]) < 0.05)
claim("The old plates are told from room A nearly always", found["old plates"][4] > 0.9)

# %% [markdown]
# - The counts ring for the season **and** for the software: a count does not know why.
# - The domain classifier tells other machines at a glance (AUC near 1). A season shows the same kinds of films, only mixed differently: AUC near 0.5.
# - To the domain classifier old plates and new software look equally strange, yet the one costs a twentieth of the answers and the other a third. **An alarm is not a harm**, and the
#   AUC of a domain classifier does not measure one.
# - An AUC a little *below* 0.5 means no more than 0.5: what was learned from chance in some films does not hold in the others.
#
# p values of random permutations cannot fall below 1 / (rounds + 1): here about 0.005 for MMD and domain (200 rounds), 0.001 for the counts (999).

# %% [markdown] tags=["exercise"] exercise="many_features"
# ### Exercise: ninety tests at once
#
# Each of D features was tested; `p_values` are their p values. Write `alarm(p_values, level)`: `True` if one may ring, at a
# false alarm rate of at most `level` for all of them together (Bonferroni).

# %% tags=["stub"] exercise="many_features"
def alarm(p_values, level=0.05):
    """Whether any of the features changed, false alarm rate at most `level` in all."""
    return ...

# %% tags=["check"] exercise="many_features"
check("many_features", alarm)

# %% [markdown] tags=["hint"] exercise="many_features"
# If nothing changed, how many of 90 p values lie below 0.05 on average?

# %% [markdown] tags=["hint"] exercise="many_features"
# Give each of the D tests the D-th part of the level, and look at the smallest p value.

# %% [markdown] tags=["hint"] exercise="many_features"
# `min(p_values) * len(p_values) <= level`

# %% tags=["solution"] exercise="many_features"
def alarm(p_values, level=0.05):
    """Whether any of the features changed, false alarm rate at most `level` in all."""
    return bool(min(p_values) <= level / len(p_values))  # each test gets its part of the level

# %% tags=["equivalent"] exercise="many_features"
def alarm(p_values, level=0.05):
    return np.any(np.asarray(p_values) * len(p_values) <= level)

# %% tags=["equivalent"] exercise="many_features"
def alarm(p_values, level=0.05):
    return any(p <= level / len(p_values) for p in p_values)

# %% tags=["wrong"] exercise="many_features" says="single test"
def alarm(p_values, level=0.05):
    return min(p_values) <= level / 90

# %% tags=["wrong"] exercise="many_features" says="One feature"
def alarm(p_values, level=0.05):
    return all(p <= level / len(p_values) for p in p_values)

# %% tags=["wrong"] exercise="many_features" says="90 chances"
def alarm(p_values, level=0.05):
    return min(p_values) <= level

# %% tags=["wrong"] exercise="many_features" says="One feature"
def alarm(p_values, level=0.05):
    return np.mean(p_values) <= level

# %% tags=["wrong"] exercise="many_features" says="One feature"
def alarm(p_values, level=0.05):
    return np.median(p_values) <= level / len(p_values)

# %% tags=["wrong"] exercise="many_features" says="level"
def alarm(p_values, level=0.05):
    return min(p_values) <= 0.05 / len(p_values)

# %% tags=["wrong"] exercise="many_features" says="True or False"
def alarm(p_values, level=0.05):
    return min(1.0, min(p_values) * len(p_values))

# %% tags=["checker"] exercise="many_features"
def checker(alarm):
    calm = np.linspace(0.01, 1, 90)
    first = alarm(calm, 0.05)
    require(isinstance(first, (bool, np.bool_)), "Answer with True or False.")
    require(not first, "With 90 chances one small p value is no surprise: 0.01 is not enough.")
    require(bool(alarm(np.r_[1e-4, np.full(89, 0.6)], 0.05)), "One feature that surely changed must be enough to ring.")
    require(not alarm(np.r_[4e-4, np.full(89, 0.6)], 0.01), "Use the level that is given, here 0.01.")
    require(bool(alarm([0.04], 0.05)), "With a single test nothing has to be corrected.")

# %% [markdown] tags=["slide"]
# ## How many films until we notice?
#
# We repeat the study 60 times at each size, with other films. First with **nothing** changed: the share of false alarms should be 5 %.

# %% tags=["slide", "varies"]
from course_lib.robustness.shift_power import how_often

ALARMS = {
    "KS": lambda a, b, seed: ks_alarm(a, b).p_value,
    "MMD": lambda a, b, seed: mmd_alarm(a, b, 99, seed).p_value,
    "domain": lambda a, b, seed: domain_alarm(a, b, rounds=99, seed=seed).p_value,
}
collections = {"nothing changed": None, "flu season": cases["flu season"][0], "old plates": answers["old plates"][0]}
fig, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True)
rang = {}
for ax, (what, new) in zip(axes, collections.items(), strict=True):
    for (name, test), colour in zip(ALARMS.items(), COLOURS, strict=False):
        rows = rang[what, name] = how_often(test, old_features, new, (10, 20, 50, 100), rounds=60)
        low, high = np.array([row.interval for row in rows]).T
        ax.fill_between([row.films for row in rows], low, high, color=colour, alpha=0.12)
        ax.plot([row.films for row in rows], [row.share for row in rows], "o-", color=colour, label=name)
    ax.axhline(0.05, color="k", ls=":")
    ax.set(xlabel="old films, and as many new ones", title=what, xscale="log", ylim=(0, 1.02))
    ax.set_xticks([10, 20, 50, 100], ["10", "20", "50", "100"])
    ax.minorticks_off()
axes[0].set_ylabel("share of studies with an alarm")
axes[1].legend()
show(fig, alt="Share of alarms against the number of films: near 5 percent when nothing changed; for the season MMD rings in a "
     "third of the studies with 100 films; for old plates the domain classifier needs 10 to 20")
claim("Without a change no alarm rings in more than a fifth of the studies", max(r.share for n in ALARMS for r in rang["nothing changed", n]) < 0.2)
claim("50 films are enough to notice the old plates in nearly all studies", rang["old plates", "domain"][2].share > 0.9)

# %% [markdown]
# No alarm is best at everything: the domain classifier finds a machine within an hour's work; MMD finds a season sooner, but even 100 films are often too few. Whoever tests every day
# has a false alarm every three weeks at a level of 5 %; choose the level by how often you look.

# %% [markdown] tags=["slide"]
# ## How many are ill? Undo the confusions (BBSE)
#
# Last year we counted: of those who **are** j, how many are **called** i. The network errs in the same way now (label shift!). So
#
# $$\text{calls now} = \text{confusions} \times \text{illness now}$$
#
# Solve for the illness. No new label is needed. (*Black box shift estimation*: the network may be any black box. With two classes
# epidemiologists have done it since Rogan and Gladen, 1978.)

# %% [markdown] tags=["exercise"] exercise="undo_confusions"
# ### Exercise: BBSE by hand
#
# Two classes. Last year `sensitivity` of the ill and `false_alarms` of the well were called ill. Now a share `called` of all films is called
# ill. Write `ill_now(called, sensitivity, false_alarms)`: the share that **is** ill (it may not leave 0 to 1).

# %% tags=["stub"] exercise="undo_confusions"
def ill_now(called, sensitivity, false_alarms):
    """Share of ill patients from the share of positive calls."""
    return ...

# %% tags=["check"] exercise="undo_confusions"
check("undo_confusions", ill_now)

# %% [markdown] tags=["hint"] exercise="undo_confusions"
# Write the share of calls as a sum of two parts: those who are ill and called, those who are well and called.

# %% [markdown] tags=["hint"] exercise="undo_confusions"
# called = sensitivity * x + false_alarms * (1 - x). Solve for x.

# %% [markdown] tags=["hint"] exercise="undo_confusions"
# `(called - false_alarms) / (sensitivity - false_alarms)`, and `np.clip(..., 0, 1)` around it.

# %% tags=["solution"] exercise="undo_confusions"
def ill_now(called, sensitivity, false_alarms):
    """Share of ill patients from the share of positive calls."""
    share = (called - false_alarms) / (sensitivity - false_alarms)
    return float(np.clip(share, 0, 1))  # chance can push it outside

# %% tags=["equivalent"] exercise="undo_confusions"
def ill_now(called, sensitivity, false_alarms):
    confusions = np.array([[1 - false_alarms, 1 - sensitivity], [false_alarms, sensitivity]])
    return min(1.0, max(0.0, np.linalg.solve(confusions, [1 - called, called])[1]))

# %% tags=["wrong"] exercise="undo_confusions" says="false alarms among"
def ill_now(called, sensitivity, false_alarms):
    return called / sensitivity

# %% tags=["wrong"] exercise="undo_confusions" says="count of calls"
def ill_now(called, sensitivity, false_alarms):
    return called

# %% tags=["wrong"] exercise="undo_confusions" says="only of the well"
def ill_now(called, sensitivity, false_alarms):
    return float(np.clip((called - false_alarms) / sensitivity, 0, 1))

# %% tags=["wrong"] exercise="undo_confusions" says="ends at 1"
def ill_now(called, sensitivity, false_alarms):
    return max(0, (called - false_alarms) / (sensitivity - false_alarms))

# %% tags=["wrong"] exercise="undo_confusions" says="below 0"
def ill_now(called, sensitivity, false_alarms):
    return (called - false_alarms) / (sensitivity - false_alarms)

# %% tags=["checker"] exercise="undo_confusions"
def checker(ill_now):
    got = ill_now(0.30, 0.60, 0.10)
    if isinstance(got, (float, np.floating)):
        require(abs(got - 0.5) > 1e-6, "There are false alarms among the calls; take them out.")
        require(abs(got - 0.3) > 1e-6, "That is the count of calls; the network misses some and invents others.")
        require(abs(got - 1 / 3) > 1e-6, "False alarms come only of the well, and there are fewer of them than everybody.")
    close(got, 0.4, "30 % called, sensitivity 60 %, false alarms 10 %.")
    require(ill_now(0.05, 0.60, 0.10) >= 0, "Fewer calls than false alarms alone give: the answer must not fall below 0.")
    close(ill_now(0.05, 0.60, 0.10), 0.0, "Chance can give fewer calls than false alarms: nobody is ill then.")
    close(ill_now(0.95, 0.90, 0.10), 1.0, "A share ends at 1.")

# %% [markdown] tags=["slide"]
# ## ... or guess, correct, guess again (EM)
#
# EM is short for [[expectation maximisation]].
#
# 1. Guess the shares. 2. Correct every probability with them (the exercise above). 3. Their mean is the next guess.
#
# It uses the probabilities, so these must be honest ([[calibration]]). So we first fit one factor and one offset per class to last year's
# labelled films; lesson "Calibration" explains how.

# %% tags=["varies"]
from course_lib.evaluation.calibrators import VectorScaling, with_prior
from course_lib.robustness.adaptation_labels import shares_by_confusion, shares_by_em

to_logits = np.log(old_p + 1e-12)
honest = VectorScaling.fit(to_logits, last_year.classes)
old_calls = old_p.argmax(1)
wanted = (0.03, 0.10, 0.20, 0.30, 0.40, 0.50)
guess = {"calls counted": [], "BBSE": [], "EM, as it is": [], "EM, calibrated": []}
for share in wanted:
    rows = draw_season(truth, season_shares(usual, share), seed=2)
    p = p_now[rows]
    guess["calls counted"].append(np.mean(p.argmax(1) == FLU))
    guess["BBSE"].append(shares_by_confusion(last_year.classes, old_calls, p.argmax(1), 6).shares[FLU])
    guess["EM, as it is"].append(shares_by_em(p, usual).shares[FLU])
    guess["EM, calibrated"].append(shares_by_em(honest.probability(np.log(p + 1e-12)), usual).shares[FLU])

# %% tags=["slide", "varies"]
fig, ax = plt.subplots(figsize=(6, 3.6))
ax.plot([0, 0.52], [0, 0.52], "k:")
for (name, values), marker in zip(guess.items(), "xos^", strict=True):
    ax.plot(wanted, values, marker + "-", label=name)
ax.set(xlabel="true share of interstitial opacity", ylabel="estimated, without a label")
ax.legend()
show(fig, alt="Estimated against true share: counted calls and uncalibrated EM lie far below the diagonal, BBSE a little, calibrated EM on it")
error = {name: np.mean(np.abs(np.array(values) - wanted)) for name, values in guess.items()}
claim("BBSE is nearer to the truth than counting calls", error["BBSE"] < 0.6 * error["calls counted"])
claim("Calibration brings EM nearer to the truth", error["EM, calibrated"] < error["EM, as it is"])

# %% [markdown] tags=["slide"]
# ## Does the correction help the patients?
#
# The flu season with 40 % ill: correct each probability with the estimated shares, and take the most probable answer.

# %% tags=["varies"]
raw, y = p_now[winter_rows], truth[winter_rows]
p = honest.probability(np.log(raw + 1e-12))
season = shares_by_em(p, usual).shares
better = with_prior(p, usual, season)
ill = y == FLU
for name, answer in (("as it is", raw), ("calibrated", p), ("corrected", better)):
    hit, alarm_rate = np.mean(answer[ill].argmax(1) == FLU), np.mean(answer[~ill].argmax(1) == FLU)
    print(f"{name:10s} accuracy {np.mean(answer.argmax(1) == y):.3f}, sensitivity {hit:.2f}, false alarms {alarm_rate:.2f}, "
          f"expected share of ill {answer[:, FLU].mean():.2f}")
gained = drop(y, better, raw)
print(f"gain in accuracy {gained.accuracy:.3f} ({gained.accuracy_interval}), p = {gained.p_value:.2g}; gain in AUC {gained.auc:.3f}")
claim("The corrected probabilities expect nearly as many ill as there are", abs(better[:, FLU].mean() - 0.40) < 0.10)

# %% [markdown]
# Honest: the gain in accuracy is small, and with so few films its interval may include zero. Compare the lines: nearly all of it comes from the
# calibration, not from the season. The season's correction buys sensitivity with false alarms, as a lower threshold would. What surely improves is the *meaning* of the probability: they now expect about as many ill as there are (40 %). The AUC can
# hardly change, for within one season every film gets nearly the same push.

# %% [markdown] tags=["slide"]
# ## The trap: an epidemic made of software
#
# Now the machine changed, and **not** the season. We apply the same correction to the films of the new software.

# %% tags=["slide", "varies"]
p_software = answers["new software"][1]
imagined = shares_by_confusion(last_year.classes, old_calls, p_software.argmax(1), 6).shares
worse = with_prior(p_software, usual, shares_by_em(p_software, usual).shares)
fig, ax = plt.subplots(figsize=(7, 3))
place = np.arange(6)
for shift, values, name in ((-0.25, class_shares(truth), "truth"), (0, class_shares(p_software.argmax(1)), "calls"), (0.25, imagined, "BBSE says")):
    ax.bar(place + shift, values, 0.24, label=name)
ax.set_xticks(place, [name.replace("_", "\n") for name in CLASSES], fontsize=8)
ax.set_ylabel("share")
ax.legend()
show(fig, alt="Under the new software BBSE reports an epidemic of interstitial opacity that does not exist")
accuracy = [np.mean(q.argmax(1) == truth) for q in (p_software, worse)]
print(f"accuracy {accuracy[0]:.3f}, after 'correction' {accuracy[1]:.3f}; BBSE: {imagined[FLU]:.0%} have interstitial opacity, true {np.mean(truth == FLU):.0%}")
claim("BBSE imagines at least three times as many ill as there are", imagined[FLU] > 3 * np.mean(truth == FLU))
claim("The correction makes the answers worse", accuracy[1] < accuracy[0] - 0.03)

# %% [markdown] tags=["slide"]
# ## So which of the two is it? Test the explanation
#
# *If* it is only the season, last year's films, drawn with the new shares, must look like the new films. So: draw, and ask the alarm again.

# %% tags=["varies"]
def ask_again(features, p):
    """Domain AUC, and p of MMD, for last year's films as they were and drawn with the new shares."""
    shares = shares_by_confusion(last_year.classes, old_calls, p.argmax(1), 6).shares
    weight = (shares / usual)[last_year.classes]
    rows = np.random.default_rng(3).choice(len(last_year), 150, p=weight / weight.sum())
    drawn = old_features[np.unique(rows)]  # a film twice would cheat the cross-validation
    return [(domain_alarm(old, features).auc, mmd_alarm(old, features).p_value) for old in (old_features, drawn)]


verdicts = {name: ask_again(*cases[name]) for name in ("flu season", "new software", "grid forgotten")}
print("                last year's films        drawn with the new shares")
for name, ((auc, p_value), (later_auc, later_p)) in verdicts.items():
    print(f"{name:15s} AUC {auc:.2f}, p {p_value:5.2g}        AUC {later_auc:.2f}, p {later_p:5.2g}")
claim("Nothing is left to explain in the flu films", verdicts["flu season"][1][1] > 0.05 and verdicts["flu season"][1][0] < 0.65)
claim("No season explains the software", verdicts["new software"][1][0] > 0.8 and verdicts["new software"][1][1] < 0.05)

# %% [markdown]
# This is the answer to Monday's question, and it needed no new label. It is evidence, not proof: a quiet alarm may also mean too few films. So look at
# some of them. A radiologist sees boosted edges at once.

# %% [markdown] tags=["exercise"] exercise="which_shift"
# ### Exercise: four Mondays
#
# For each Monday fill in `"covariate"`, `"label"`, `"both"` or `"none"`.
#
# - `a`: calls unchanged; domain AUC 0.51 (0.46 to 0.56).
# - `b`: twice as many effusions called; domain AUC 0.60; after drawing last year's films with BBSE's shares 0.50 (0.45 to 0.55).
# - `c`: calls unchanged; domain AUC 0.97; after drawing with BBSE's shares 0.97.
# - `d`: the ward moved to a new scanner (domain AUC 0.98), and radiologists who read all its films found three times as many effusions as last year.

# %% tags=["stub"] exercise="which_shift"
mondays = {"a": ..., "b": ..., "c": ..., "d": ...}

# %% tags=["check"] exercise="which_shift"
check("which_shift", mondays)

# %% [markdown] tags=["hint"] exercise="which_shift"
# Two questions for each: do the films look different? Are the shares of the illnesses different?

# %% [markdown] tags=["hint"] exercise="which_shift"
# If other shares explain everything, the films of each illness look as before. Calls that stay prove nothing about the films.

# %% [markdown] tags=["hint"] exercise="which_shift"
# In d the labels come from people, not from the network: they can be believed.

# %% tags=["solution"] exercise="which_shift"
mondays = {"a": "none", "b": "label", "c": "covariate", "d": "both"}  # in d, readers vouch for the labels

# %% tags=["equivalent"] exercise="which_shift"
mondays = dict(zip("abcd", ("none", "label", "covariate", "both"), strict=True))

# %% tags=["wrong"] exercise="which_shift" says="0.5 means"
mondays = {"a": "covariate", "b": "label", "c": "covariate", "d": "both"}

# %% tags=["wrong"] exercise="which_shift" says="explained"
mondays = {"a": "none", "b": "both", "c": "covariate", "d": "both"}

# %% tags=["wrong"] exercise="which_shift" says="look different"
mondays = {"a": "none", "b": "label", "c": "none", "d": "both"}

# %% tags=["wrong"] exercise="which_shift" says="read"
mondays = {"a": "none", "b": "label", "c": "covariate", "d": "covariate"}

# %% tags=["wrong"] exercise="which_shift" says="four keys"
mondays = ["none", "label", "covariate", "both"]

# %% tags=["checker"] exercise="which_shift"
def checker(mondays):
    require(isinstance(mondays, dict) and set(mondays) == set("abcd"), "Keep the dictionary with its four keys a, b, c, d.")
    known = ("covariate", "label", "both", "none")
    require(all(isinstance(v, str) and v in known for v in mondays.values()), "Use the words covariate, label, both or none.")
    require(mondays["a"] == "none", "a: an AUC whose interval holds 0.5 means that old and new cannot be told apart.")
    require(mondays["b"] == "label", "b: other shares explained all that was seen.")
    require(mondays["c"] == "covariate", "c: the films look different, and no other shares explain it.")
    require(mondays["d"] == "both", "d: the scanner is new, and people read more effusions: both.")

# %% [markdown] tags=["slide"]
# ## Old films that look new: importance weighting
#
# How accurate is the network **now**, when only last year's films have labels? [[importance weighting]]: let those old films count more that look like the
# new ones. The domain classifier knows which: weight = odds of "new".
#
# Example: last year every fifth film came from the software, now four of five do.

# %% tags=["varies"]
from course_lib.robustness.adaptation_weights import density_ratio, effective_films, weighted_mean

random = np.random.default_rng(4)
software = dialled("new software", 0.75)
updated_then, updated_now = random.random(len(last_year)) < 0.2, random.random(len(now)) < 0.8
then_features, then_p = read(torch.where(torch.tensor(updated_then)[:, None, None, None], last_year.films(software), last_year.films()))
mixed_features, mixed_p = read(torch.where(torch.tensor(updated_now)[:, None, None, None], now.films(software), plain))
right_then, right_now = then_p.argmax(1) == last_year.classes, mixed_p.argmax(1) == truth
weights = density_ratio(then_features, mixed_features, strength=10)
print(f"accuracy last year {right_then.mean():.3f}, predicted for now {weighted_mean(right_then, weights):.3f}, true {right_now.mean():.3f}")
print(f"{len(weights)} old films, worth {effective_films(weights):.0f} equally weighted ones")
without = density_ratio(old_features, answers["new software"][0])
print(f"no old film from the new software: {len(without)} films are worth {effective_films(without):.1f}")
gap = abs(weighted_mean(right_then, weights) - right_now.mean())
claim("Weighted, last year's films come nearer to today's accuracy", gap < abs(right_then.mean() - right_now.mean()))
claim("Without overlap nearly nothing is left of the old films", effective_films(without) < 0.2 * len(without))

# %% [markdown]
# The condition is **overlap**: the new kind must have existed before. Where it did not, a handful of odd old films gets all the weight. The
# number of *effective* films tells you in time.

# %% [markdown] tags=["exercise"] exercise="films_that_count"
# ### Exercise: how many films are left?
#
# Write `effective(weights)`, the [[effective sample size]] of Kish: the square of the sum of the weights over the sum of their squares.

# %% tags=["stub"] exercise="films_that_count"
def effective(weights):
    """How many equally weighted films would be as sure."""
    return ...

# %% tags=["check"] exercise="films_that_count"
check("films_that_count", effective)

# %% [markdown] tags=["hint"] exercise="films_that_count"
# Try it in your head with four equal weights, and with one film that has all the weight. What should come out?

# %% [markdown] tags=["hint"] exercise="films_that_count"
# Mind the order: first sum, then square, above; first square, then sum, below.

# %% [markdown] tags=["hint"] exercise="films_that_count"
# `np.sum(weights) ** 2 / np.sum(np.square(weights))`

# %% tags=["solution"] exercise="films_that_count"
def effective(weights):
    """How many equally weighted films would be as sure."""
    weights = np.asarray(weights, dtype=float)
    return weights.sum() ** 2 / (weights**2).sum()  # N when all are equal

# %% tags=["equivalent"] exercise="films_that_count"
def effective(weights):
    shares = np.asarray(weights, dtype=float) / np.sum(weights)
    return 1 / np.sum(shares**2)

# %% tags=["equivalent"] exercise="films_that_count"
def effective(weights):
    return len(weights) * np.mean(weights) ** 2 / np.mean(np.square(weights))

# %% tags=["wrong"] exercise="films_that_count" says="sum to 1"
def effective(weights):
    return 1 / np.sum(np.square(weights))

# %% tags=["wrong"] exercise="films_that_count" says="largest weight"
def effective(weights):
    return np.sum(weights) / np.max(weights)

# %% tags=["wrong"] exercise="films_that_count" says="Upside down"
def effective(weights):
    return np.sum(np.square(weights)) / np.sum(weights) ** 2

# %% tags=["wrong"] exercise="films_that_count" says="square of the sum"
def effective(weights):
    return np.sum(weights) / np.sum(np.square(weights))

# %% tags=["wrong"] exercise="films_that_count" says="only how many"
def effective(weights):
    return len(weights)

# %% tags=["wrong"] exercise="films_that_count" says="how unequal"
def effective(weights):
    return np.sum(weights)

# %% tags=["checker"] exercise="films_that_count"
def checker(effective):
    got = effective(np.array([1.0, 2.0, 3.0, 6.0]))
    if isinstance(got, (int, float, np.floating, np.integer)):
        require(abs(got - 50 / 144) > 1e-6, "Upside down: a number of films is not below 1.")
        require(abs(got - 1 / 50) > 1e-6, "That holds only for weights that sum to 1; these do not.")
        require(abs(got - 2) > 1e-6, "The largest weight alone does not say how unequal the others are.")
        require(abs(got - 12 / 50) > 1e-6, "Above stands the square of the sum.")
        require(got != 4, "That is only how many there are; unequal weights count for fewer.")
        require(abs(got - 12) > 1e-6, "The sum says nothing about how unequal the weights are.")
    close(got, 144 / 50, "Weights 1, 2, 3 and 6.")
    close(effective(np.full(7, 0.2)), 7.0, "Seven equal weights.")

# %% [markdown] tags=["slide"]
# ## Repair without labels: other statistics for [[batch normalisation]]
#
# Each batch-norm layer subtracts the mean grey and divides by the spread that it met in training. Give it those of the new machine: 32 unlabelled films are
# enough. No weight is trained.
#
# How much should the old statistics still count? As much as 0, 32 or 320 films of the new machine; 0 forgets them.

# %% tags=["slide", "varies"]
from course_lib.robustness.adaptation_norm import renormalised

repaired = {}
new_films = now.films(dialled("new software"))
unlabelled, judged = new_films[:32], slice(32, None)
for worth in (0, 32, 320):
    better = read(new_films[judged], renormalised(network, unlabelled, worth))[1]
    repaired[worth] = drop(truth[judged], better, p_software[judged])
    print(f"old statistics worth {worth:3d} films: accuracy +{repaired[worth].accuracy:.3f} ({repaired[worth].accuracy_interval}), AUC +{repaired[worth].auc:.3f}")
claim("32 films without labels win back 0.2 of accuracy or more", repaired[0].accuracy_interval.low > 0.2)

# %% [markdown]
# The trap again: statistics follow the *patients*, too. If the 32 films are all of one kind, the network takes their illness for the new normal.

# %% tags=["varies"]
only_ill = last_year.films()[last_year.classes == FLU][:32]
biased = read(plain, renormalised(network, only_ill))[1]
harm = drop(truth, p_now, biased)
print(f"machine A, adapted on 32 films of interstitial opacity: accuracy -{harm.accuracy:.3f} ({harm.accuracy_interval}); "
      f"sensitivity for it {np.mean(p_now[truth == FLU].argmax(1) == FLU):.2f} -> {np.mean(biased[truth == FLU].argmax(1) == FLU):.2f}")
claim("Adapting to films of one illness harms the network", harm.accuracy > 0)

# %% [markdown] tags=["slide"]
# ## Both at once: first the machine, then the season
#
# A flu winter (40 % ill) *and* the new software. The order matters: confusions were counted on room A, so make the films look like
# room A to the network first, then count.

# %% tags=["varies"]
both_films, y = now.some(winter_rows).films(dialled("new software")), truth[winter_rows]
raw = read(both_films)[1]
adapted = read(both_films, renormalised(network, both_films[:32]))[1]
calm_week = last_year.some(range(100)).films(dialled("new software"))  # as many ill as last year
calm = read(both_films, renormalised(network, calm_week))[1]
estimate = {}
for name, p in (("season only", raw), ("machine, then season", adapted), ("... with a calm week", calm)):
    estimate[name] = shares_by_confusion(last_year.classes, old_calls, p.argmax(1), 6).shares
    final = with_prior(p, usual, estimate[name])
    print(f"{name:21s} estimate {estimate[name][FLU]:.2f} (true 0.40), accuracy {np.mean(p.argmax(1) == y):.3f} -> {np.mean(final.argmax(1) == y):.3f}")
miss = {name: abs(shares[FLU] - 0.40) for name, shares in estimate.items()}
claim("Machine first brings the season's estimate nearer to the truth", miss["machine, then season"] < 0.6 * miss["season only"])
claim("Adapted in a calm week, the estimate is off by less than 0.15", miss["... with a calm week"] < 0.15)

# %% [markdown]
# The 32 films of the second row came from the wave itself, so the new statistics hide a part of it. A hundred films of a calm week, with last year's
# mixture of patients on the new machine, serve better.

# %% [markdown] tags=["slide"]
# ## Prevent: show the change in training
#
# [[augmentation]] of greys, sharpness and noise. Recorded: two networks went on learning from member 0 for two epochs, on the same films; one saw them as they are,
# the other with changed appearance. New patients, every machine, 95 % intervals.

# %% tags=["slide", "varies"]
from course_lib.robustness.adaptation_record import recorded_answers

compared = {}
for machine in ("A", *CHANGES):
    tables = {name: recorded_answers(name, machine) for name in ("more of the same", "changed appearance")}
    logits = [torch.tensor(table[list(CLASSES)].to_numpy()).softmax(1).numpy() for table in tables.values()]
    classes = tables["more of the same"].truth.to_numpy()
    compared[machine] = drop(classes, logits[1], logits[0])
    right = [np.mean(p.argmax(1) == classes) for p in logits]
    gain = compared[machine]
    print(f"{machine:15s} accuracy {right[0]:.3f} -> {right[1]:.3f}, gain {gain.accuracy:+.3f} ({gain.accuracy_interval})")
claim("The changed appearance protects against the new software", compared["new software"].accuracy_interval.low > 0.1)
claim("It costs accuracy where the grid was forgotten", compared["grid forgotten"].accuracy_interval.high < 0)

# %% [markdown]
# Two lessons in one table. Against what was foreseen (sharpness was among the changes) augmentation protects, and no film of the new
# machine was needed. But it is **not free**: on all other machines, room A included, this network is a little worse, and most where
# scatter draws a veil that nobody had foreseen. "Robust" always needs the words "against what", and the price. (One training each: another start would
# move the small differences.)
#
# ## What to do on Monday
#
# | finding | do |
# |---|---|
# | no alarm | nothing; look again next week |
# | alarm, explained by other shares | new thresholds or corrected probabilities, after looking at some films |
# | alarm, not explained | stop using the answers; find out what changed (software log, grid, letters); then adapt, and **measure again with labels** |
# | both | first the machine, then the season |

# %% [markdown] tags=["instructor"]
# Ask before the table of losses for the class's order, and show it beside the result. Typical mistakes: to report the AUC only; to take a p value of an alarm for
# harm (the old plates); to believe that BBSE is safe because it needs no probabilities. Short of time: leave out the section on power
# and the exercise on effective films.

# %% [markdown] tags=["instructor"]
# The classifier was trained on marked findings, these patients have everyday ones: that is a shift of its own, and the reason why uncalibrated EM underestimates
# the season. Discussion: who in your department would notice a software update, and how soon? What would you have to record to find out?

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Covariate shift changes films, label shift changes shares. Under label shift AUC stays; accuracy, PPV and probabilities move.
# - A change of processing can ruin the answers and leave the AUC nearly as it was. Measure on the same patients, with intervals.
# - Alarms need no labels, but an alarm is not a harm, and a harm need not look like much.
# - BBSE and EM correct for a season; after a change of machine they report an epidemic that is not there. Test the explanation first.
# - Importance weights need overlap: count the effective films.
# - New batch-norm statistics can repair a machine with 32 films, if these are a fair mixture of patients.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - H. Shimodaira, Improving predictive inference under covariate shift, J Stat Plan Inference 90 (2000) 227.
# - M. Saerens, P. Latinne, C. Decaestecker, Adjusting the outputs of a classifier to new a priori probabilities, Neural Computation 14 (2002) 21.
# - Z. Lipton, Y.-X. Wang, A. Smola, Detecting and correcting for label shift with black box predictors, ICML 2018, arXiv:1802.03916.
# - A. Alexandari, A. Kundaje, A. Shrikumar, Maximum likelihood with bias-corrected calibration is hard-to-beat at label shift adaptation, ICML
#   2020, arXiv:1901.06852.
# - S. Rabanser, S. Günnemann, Z. Lipton, Failing loudly: methods for detecting dataset shift, NeurIPS 2019, arXiv:1810.11953.
# - A. Gretton et al., A kernel two-sample test, J Mach Learn Res 13 (2012) 723.
# - Y. Li et al., Revisiting batch normalization for practical domain adaptation, arXiv:1603.04779.
# - S. Schneider et al., Improving robustness against common corruptions by covariate shift adaptation, NeurIPS 2020, arXiv:2006.16971.
# - J. Zech et al., Variable generalization performance of a deep learning model to detect pneumonia in chest radiographs, PLOS Medicine 2018.
# - D. Castro, I. Walker, B. Glocker, Causality matters in medical imaging, Nature Communications 11 (2020) 3673.
# - W. Rogan, B. Gladen, Estimating prevalence from the results of a screening test, Am J Epidemiol 107 (1978) 71.

# %% [markdown] tags=["slide"]
# ## Is network A better than network B?
#
# Two networks read the same 200 chest films. AUC of A: 0.87. AUC of B: 0.82. So A is better?
#
# Other films would have given other numbers. The question is not *which number is larger*, but:
#
# - how much do such numbers jump about by chance?
# - were they measured on the **same** films?
# - are 200 films 200 **independent** witnesses?
# - would **other readers** see the difference too?

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 Every film plays against every film
#
# The AUC is the share of won games: each film with the [[finding]] plays against each film without it, and wins
# if it scores higher. A tie counts one half.
#
# The share that *one* film wins is its [[placement value]]. The AUC is the mean of them, on either side.

# %% tags=["slide"]
ill = np.array([0.92, 0.81, 0.66, 0.50, 0.34])
healthy = np.array([0.70, 0.50, 0.41, 0.30, 0.22, 0.11])
wins = (ill[:, None] > healthy) + 0.5 * (ill[:, None] == healthy)

fig, ax = plt.subplots(figsize=(7, 3.4))
ax.imshow(wins, cmap="cividis", vmin=-0.2, vmax=1.2, aspect="auto")
for (i, j), won in np.ndenumerate(wins):
    ax.text(j, i, f"{won:g}", ha="center", va="center", color="white" if won < 0.6 else "black")
ax.set(xlabel="score of a film without the finding, and the share it loses", ylabel="... with the finding")
ax.set_xticks(range(6), [f"{s}\n({p:.1f})" for s, p in zip(healthy, wins.mean(0), strict=True)])
ax.set_yticks(range(5), ill)
for i, placement in enumerate(wins.mean(1)):
    ax.text(5.6, i, f"placement {placement:.2f}", va="center")
ax.set_xlim(-0.5, 7.1)
ax.grid(visible=False)
show(fig, alt="Table of 5 films with against 6 without the finding: 1 for a win, 0.5 for the one tie, "
     "0 for a loss; the means of rows and columns are the placement values")

# %%
print(f"AUC: mean of all games {wins.mean():.3f}, of the rows {wins.mean(1).mean():.3f}, "
      f"of the columns {wins.mean(0).mean():.3f}")
claim("All three ways give the same AUC", np.ptp([wins.mean(), wins.mean(1).mean(), wins.mean(0).mean()]) < 1e-12)

# %% [markdown] tags=["exercise"] exercise="placement_values"
# ### Exercise: placement values
#
# Write `placements(ill, healthy)`: for each score in `ill` the share of the scores in `healthy` that it beats, a
# tie counting one half. Both are numpy arrays; so is the answer, as long as `ill`.

# %% tags=["stub"] exercise="placement_values"
def placements(ill, healthy):
    """Share of won games of each film with the finding."""
    return ...

# %% tags=["check"] exercise="placement_values"
check("placement_values", placements)

# %% [markdown] tags=["hint"] exercise="placement_values"
# Look at the table above: which numbers do you average for one row?

# %% [markdown] tags=["hint"] exercise="placement_values"
# `ill[:, None] > healthy` is the table of wins, `ill[:, None] == healthy` that of ties.

# %% [markdown] tags=["hint"] exercise="placement_values"
# Wins plus half the ties, then `.mean(axis=1)`: over the healthy ones.

# %% tags=["solution"] exercise="placement_values"
def placements(ill, healthy):
    """Share of won games of each film with the finding."""
    wins = (ill[:, None] > healthy) + 0.5 * (ill[:, None] == healthy)
    return wins.mean(axis=1)  # one row per film with the finding

# %% tags=["equivalent"] exercise="placement_values"
def placements(ill, healthy):
    return np.array([(np.sum(healthy < one) + np.sum(healthy <= one)) / 2 / len(healthy) for one in ill])

# %% tags=["wrong"] exercise="placement_values" says="tie"
def placements(ill, healthy):
    return (ill[:, None] > healthy).mean(axis=1)

# %% tags=["wrong"] exercise="placement_values" says="tie"
def placements(ill, healthy):
    return (ill[:, None] >= healthy).mean(axis=1)

# %% tags=["equivalent"] exercise="placement_values"
def placements(ill, healthy):
    return [np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for b in healthy]) for a in ill]

# %% tags=["wrong"] exercise="placement_values" says="one number for each film with"
def placements(ill, healthy):
    return ((ill[:, None] > healthy) + 0.5 * (ill[:, None] == healthy)).mean()

# %% tags=["wrong"] exercise="placement_values" says="one number for each film with"
def placements(ill, healthy):
    return ((ill[:, None] > healthy) + 0.5 * (ill[:, None] == healthy)).mean(axis=0)

# %% tags=["wrong"] exercise="placement_values" says="lost"
def placements(ill, healthy):
    return ((ill[:, None] < healthy) + 0.5 * (ill[:, None] == healthy)).mean(axis=1)

# %% tags=["wrong"] exercise="placement_values" says="share"
def placements(ill, healthy):
    return ((ill[:, None] > healthy) + 0.5 * (ill[:, None] == healthy)).sum(axis=1)

# %% tags=["checker"] exercise="placement_values"
def checker(placements):
    got = placements(np.array([5.0, 2.0, 1.0]), np.array([0.0, 2.0, 3.0, 4.0]))
    if isinstance(got, (list, np.ndarray, np.floating)):
        got = np.asarray(got, dtype=float)
        require(got.shape == (3,), "We want one number for each film with the finding, here 3.")
        require(got.max() <= 1, "A placement is a share of all games: between 0 and 1.")
        require(got[0] > got[2], "You count the games it lost; higher scores should win more.")
        require(abs(got[1] - 0.375) < 1e-9, "The second film has a tie. What does a tie count?")
    close(got, [1, 0.375, 0.25], "Of three films against four, the shares of won games are others.")

# %% [markdown] tags=["slide"]
# ## 2 How sure is one AUC? DeLong on one page
#
# An AUC is a mean of placement values, so its [[standard error]] follows from their spread:
#
# $$\text{SE}^2 = \frac{\text{variance of the ill placements}}{\text{number of ill}}
#  + \frac{\text{variance of the healthy placements}}{\text{number of healthy}}$$
#
# That is all of DeLong's method (1988). The scores need not follow a bell curve, and no resampling is needed.

# %%
NETWORKS = {"A": 0.88, "B": 0.83}  # true AUCs, which in real life nobody knows


def read_films(random, positives=60, negatives=140, agreement=0.7):
    """Truths and the scores of both networks; `agreement` is the correlation of their scores."""
    from course_lib.evaluation.area_variance import separation

    truth = np.repeat([1, 0], [positives, negatives])
    film = random.normal(size=truth.size)  # what makes a film look ill to both
    scores = [
        np.sqrt(agreement) * film
        + np.sqrt(1 - agreement) * random.normal(size=truth.size)
        + separation(auc) * truth
        for auc in NETWORKS.values()
    ]
    return truth, *scores


truth, score_a, score_b = read_films(np.random.default_rng(53))

# %% tags=["slide"]
def delong_by_hand(truth, score):
    """AUC and standard error straight from the definition."""
    ill, healthy = score[truth == 1], score[truth == 0]
    wins = (ill[:, None] > healthy) + 0.5 * (ill[:, None] == healthy)
    of_ill, of_healthy = wins.mean(1), wins.mean(0)
    variance = of_ill.var(ddof=1) / ill.size + of_healthy.var(ddof=1) / healthy.size
    return wins.mean(), np.sqrt(variance)


for name, score in (("A", score_a), ("B", score_b)):
    area, error = delong_by_hand(truth, score)
    print(f"network {name}: AUC {area:.3f}, standard error {error:.3f}, "
          f"95 % interval {area - 1.96 * error:.3f} to {area + 1.96 * error:.3f}")

# %% [markdown]
# The library (`course_lib/evaluation/delong.py`) gets the same from *ranks*, with a sort instead of all games: a
# hundred thousand films take a fraction of a second.

# %%
from course_lib.evaluation.delong import compare_aucs, compare_unpaired, delong

area, error = delong_by_hand(truth, score_a)
estimate = delong(truth, score_a)
claim("By ranks it is the same", abs(estimate.auc - area) + abs(estimate.standard_error - error) < 1e-12)

# %% [markdown] tags=["exercise"] exercise="delong_error"
# ### Exercise: the error from placement values
#
# You are given the placement values only: `of_ill` (one per film with the finding) and `of_healthy` (one per film
# without). Write `auc_error(of_ill, of_healthy)`, the standard error of the AUC.

# %% tags=["stub"] exercise="delong_error"
def auc_error(of_ill, of_healthy):
    """DeLong's standard error."""
    return ...

# %% tags=["check"] exercise="delong_error"
check("delong_error", auc_error)

# %% [markdown] tags=["hint"] exercise="delong_error"
# The variance of a *mean* is the variance of one value divided by how many there are.

# %% [markdown] tags=["hint"] exercise="delong_error"
# Two independent sources of chance: which ill, which healthy films we happened to get. Their variances add.

# %% [markdown] tags=["hint"] exercise="delong_error"
# `of_ill.var(ddof=1) / len(of_ill)`, the same for the healthy, the sum of both, and the square root.

# %% tags=["solution"] exercise="delong_error"
def auc_error(of_ill, of_healthy):
    """DeLong's standard error."""
    ill = np.var(of_ill, ddof=1) / len(of_ill)  # variance of a mean
    healthy = np.var(of_healthy, ddof=1) / len(of_healthy)
    return np.sqrt(ill + healthy)

# %% tags=["equivalent"] exercise="delong_error"
def auc_error(of_ill, of_healthy):
    return np.hypot(*(np.std(p, ddof=1) / len(p) ** 0.5 for p in (of_ill, of_healthy)))

# %% tags=["wrong"] exercise="delong_error" says="square root"
def auc_error(of_ill, of_healthy):
    return np.var(of_ill, ddof=1) / len(of_ill) + np.var(of_healthy, ddof=1) / len(of_healthy)

# %% tags=["wrong"] exercise="delong_error" says="of a mean"
def auc_error(of_ill, of_healthy):
    return np.sqrt(np.var(of_ill, ddof=1) + np.var(of_healthy, ddof=1))

# %% tags=["wrong"] exercise="delong_error" says="Variances add"
def auc_error(of_ill, of_healthy):
    return np.std(of_ill, ddof=1) / len(of_ill) ** 0.5 + np.std(of_healthy, ddof=1) / len(of_healthy) ** 0.5

# %% tags=["wrong"] exercise="delong_error" says="n - 1"
def auc_error(of_ill, of_healthy):
    return np.sqrt(np.var(of_ill) / len(of_ill) + np.var(of_healthy) / len(of_healthy))

# %% tags=["wrong"] exercise="delong_error" says="own number"
def auc_error(of_ill, of_healthy):
    return np.sqrt((np.var(of_ill, ddof=1) + np.var(of_healthy, ddof=1)) / (len(of_ill) + len(of_healthy)))

# %% tags=["wrong"] exercise="delong_error" says="own number"
def auc_error(of_ill, of_healthy):
    return np.sqrt(np.var(of_ill, ddof=1) / len(of_healthy) + np.var(of_healthy, ddof=1) / len(of_ill))

# %% tags=["wrong"] exercise="delong_error" says="both"
def auc_error(of_ill, of_healthy):
    return np.std(of_ill, ddof=1) / np.sqrt(len(of_ill))

# %% tags=["checker"] exercise="delong_error"
def checker(auc_error):
    ill, healthy = np.array([1.0, 0.8, 0.9, 0.4]), np.array([1.0, 0.6, 0.9, 0.7, 0.65, 0.8])
    got = auc_error(ill, healthy)
    a, b = np.var(ill, ddof=1) / 4, np.var(healthy, ddof=1) / 6
    if isinstance(got, (float, np.floating)):
        require(abs(got - (a + b)) > 1e-4, "That is a variance; take the square root.")
        require(abs(got - np.sqrt(a * 4 / 6 + b * 6 / 4)) > 1e-5, "Divide each variance by its own number of films.")
        require(abs(got - np.sqrt(4 * a + 6 * b)) > 1e-3, "That is the spread of single values; we want that of a mean.")
        require(abs(got - np.sqrt(a) - np.sqrt(b)) > 1e-3, "Variances add, standard errors do not.")
        require(abs(got - np.sqrt(a * 3 / 4 + b * 5 / 6)) > 1e-3, "A sample's variance divides by n - 1: ddof=1.")
        require(abs(got - np.sqrt((4 * a + 6 * b) / 10)) > 1e-5, "Divide each variance by its own number of films, then add.")
        require(min(abs(got - np.sqrt(a)), abs(got - np.sqrt(b))) > 1e-5, "Use both: ill and healthy films are drawn by chance.")
    close(got, np.sqrt(a + b), "Two variances of a mean, added, then the root.")

# %% [markdown] tags=["slide"]
# ## 3 Paired or unpaired?
#
# Both networks stumble over the same difficult films. So when this sample is hard, *both* AUCs are low: the
# difference jumps about much less than each AUC does.
#
# - **Same films** ([[paired comparison]]): compare placement value with placement value.
# - **Other films** (unpaired): the errors add, and a difference is harder to see.

# %% tags=["slide"]
from course_lib.evaluation.delong import placements as placements_of

in_a, in_b = (placements_of(truth == 1, score)[0] for score in (score_a, score_b))
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.plot([0, 1], [0, 1], "k:")
left.plot(in_b, in_a, "o", alpha=0.6)
left.set(xlabel="placement with network B", ylabel="... with network A", title="60 films with the finding")
right.hist([in_a - in_b], bins=np.arange(-0.525, 0.55, 0.05), color=COLOURS[1])
right.axvline(0, color="k", linestyle=":")
right.set(xlabel="placement A minus placement B", ylabel="films", title="paired: only differences count")
show(fig, alt="Left: placement values of the same films with both networks go together. "
     "Right: their differences, most near zero, more above than below")

# %%
paired = compare_aucs(truth, score_a, score_b)
unpaired = compare_unpaired(delong(truth, score_a), delong(truth, score_b))
for name, test in (("paired", paired), ("as if unpaired", unpaired)):
    print(f"{name:14} difference {test.difference:.3f}, standard error {test.standard_error:.3f}, "
          f"interval {test.interval}, p = {test.p_value:.2g}")
claim("Paired, the error is smaller by a third or more", paired.standard_error < 0.67 * unpaired.standard_error)

# %% [markdown]
# A [[p value]] is the chance of a difference at least this large **if both were equally good**. It is not the
# chance that they are. And the wrong test is no matter of taste: it threw away more than half of what these films know.
# How often does each of the two find the true difference of 0.05? We repeat the study 300 times.

# %%
random = np.random.default_rng(5)
found = np.zeros(2)
for _ in range(300):
    study, a, b = read_films(random)
    found += [compare_aucs(study, a, b).p_value < 0.05,
              compare_unpaired(delong(study, a), delong(study, b)).p_value < 0.05]
print(f"the difference is found in {found[0] / 3:.0f} % of studies if paired, in {found[1] / 3:.0f} % if not")
claim("Pairing finds it at least twice as often", found[0] > 2 * found[1])

# %% [markdown] tags=["slide"]
# ### Play: what agreement buys
#
# True AUCs 0.88 and 0.83. The curves show which differences such studies would measure. What lies left of 0
# points the wrong way. Move the agreement of the networks, and the number of films.

# %%
def draw_difference(agreement, films):
    from course_lib.evaluation.area_variance import area_covariance, area_variance

    counts = (films * 3 // 10, films - films * 3 // 10)
    alone = sum(area_variance(auc, *counts) for auc in NETWORKS.values())
    shared = area_covariance(*NETWORKS.values(), *counts, agreement, agreement)
    x = np.linspace(-0.1, 0.2, 301)
    fig, ax = plt.subplots(figsize=(7, 3.4))
    for name, variance, colour in (("other films", alone, 1), ("same films", alone - 2 * shared, 0)):
        curve = np.exp(-((x - 0.05) ** 2) / 2 / variance) / np.sqrt(2 * np.pi * variance)
        ax.plot(x, curve, color=COLOURS[colour], label=f"{name}: SE {np.sqrt(variance):.3f}")
        ax.fill_between(x[x < 0], curve[x < 0], color=COLOURS[colour], alpha=0.3)
    ax.axvline(0, color="k", linestyle=":")
    ax.set(xlabel="measured AUC of A minus AUC of B", ylabel="density", title=f"{films} films, 30 % with the finding")
    ax.legend()
    return fig


explore(draw_difference, alt="Two bell curves round a difference of 0.05, narrow for the same films, wide for other films",
        agreement=(0.0, 0.95, 0.05, 0.7), films=(50, 1000, 50, 200))

# %% [markdown] tags=["exercise"] exercise="paired_error"
# ### Exercise: the error of a difference
#
# Two AUCs have standard errors `error_a` and `error_b`; on the same films they are correlated with coefficient `r`.
# Write the standard error of their difference. (With other films, `r` is 0.)

# %% tags=["stub"] exercise="paired_error"
def difference_error(error_a, error_b, r):
    """Standard error of AUC A minus AUC B."""
    return ...

# %% tags=["check"] exercise="paired_error"
check("paired_error", difference_error)

# %% [markdown] tags=["hint"] exercise="paired_error"
# Begin with r = 0: independent errors. Do errors add, or their squares?

# %% [markdown] tags=["hint"] exercise="paired_error"
# If both AUCs go up and down together (r = 1, equal errors), the difference does not move at all.

# %% [markdown] tags=["hint"] exercise="paired_error"
# As in the law of cosines: a² + b² - 2 r a b, and the square root of it.

# %% tags=["solution"] exercise="paired_error"
def difference_error(error_a, error_b, r):
    """Standard error of AUC A minus AUC B."""
    return np.sqrt(error_a**2 + error_b**2 - 2 * r * error_a * error_b)  # what they share cancels

# %% tags=["equivalent"] exercise="paired_error"
def difference_error(error_a, error_b, r):
    covariance = np.array([[error_a**2, r * error_a * error_b], [r * error_a * error_b, error_b**2]])
    return float(np.array([1, -1]) @ covariance @ np.array([1, -1])) ** 0.5

# %% tags=["wrong"] exercise="paired_error" says="cancels"
def difference_error(error_a, error_b, r):
    return np.sqrt(error_a**2 + error_b**2)

# %% tags=["wrong"] exercise="paired_error" says="sign"
def difference_error(error_a, error_b, r):
    return np.sqrt(error_a**2 + error_b**2 + 2 * r * error_a * error_b)

# %% tags=["wrong"] exercise="paired_error" says="Squares"
def difference_error(error_a, error_b, r):
    return error_a + error_b

# %% tags=["wrong"] exercise="paired_error" says="2 r times"
def difference_error(error_a, error_b, r):
    return np.sqrt(error_a**2 + error_b**2 - r * error_a * error_b)

# %% tags=["wrong"] exercise="paired_error" says="root"
def difference_error(error_a, error_b, r):
    return error_a**2 + error_b**2 - 2 * r * error_a * error_b

# %% tags=["checker"] exercise="paired_error"
def checker(difference_error):
    alone, together = difference_error(0.03, 0.04, 0.0), difference_error(0.03, 0.04, 0.5)
    if isinstance(alone, (float, np.floating)):
        require(abs(alone - 0.07) > 1e-6, "Squares of errors add, not the errors themselves.")
        require(abs(alone - 0.0025) > 1e-6, "That is a variance: the root is missing.")
        require(together < alone + 1e-9, "Mind the sign: what both share makes the difference calmer.")
        require(together < alone - 1e-9, "With r above 0 a part of the chance is shared and cancels.")
    close(alone, 0.05, "With r = 0 think of a right triangle with sides 0.03 and 0.04.")
    close(together, 0.0360555, "With r = 0.5 take off 2 r times both errors.")

# %% [markdown] tags=["slide"]
# ## 4 When all you have is a paper
#
# Papers print AUCs, seldom scores. Hanley and McNeil (1982) gave a standard error that needs only the AUC and
# the two counts. Their own example: 109 CTs, rated from 1 to 5 by a radiologist.

# %%
from course_lib.evaluation.hanley_mcneil import PublishedAuc, compare_published

normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]  # how many CTs got 1, 2, 3, 4, 5
ratings = np.concatenate([np.repeat(np.arange(1, 6), counts) for counts in (normal, abnormal)])
is_ill = np.repeat([0, 1], [sum(normal), sum(abnormal)])
from_scores = delong(is_ill, ratings)
from_paper = PublishedAuc(from_scores.auc, sum(abnormal), sum(normal))
print(f"AUC {from_scores.auc:.3f}; standard error {from_scores.standard_error:.4f} from the ratings (DeLong), "
      f"{from_paper.standard_error:.4f} from AUC and counts")
claim("The paper of 1982 prints .893 and .032", round(from_paper.auc, 3) == 0.893 and round(from_paper.standard_error, 3) == 0.032)

# %% [markdown]
# Now CheXNet. Its paper says that it beats the best published results on all fourteen findings, and prints two
# columns of AUCs: its own, and that of Yao and colleagues. It prints no intervals and no counts. But we know
# how often each finding occurs in a fifth of the same 112,120 films (a public reproduction's test set).

# %%
from course_lib.evaluation.published import published

aucs = published("chexnet_auroc").pivot(index="finding", columns="study", values="auroc")
counts = published("chestxray14_test_counts").set_index("finding")
tests = {}
for finding, row in aucs.iterrows():
    ill = int(counts.loc[finding, "positives"])
    healthy = int(counts.loc[finding, "films"]) - ill
    tests[finding] = compare_published(PublishedAuc(row["CheXNet"], ill, healthy),
                                       PublishedAuc(row["Yao et al. 2017"], ill, healthy))
order = sorted(tests, key=lambda name: tests[name].difference)

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(8, 4.2))
for y, name in enumerate(order):
    test = tests[name]
    clear = test.p_value < 0.05 / 14
    ax.plot(test.interval, [y, y], color=COLOURS[0] if clear else COLOURS[1])
    ax.plot(test.difference, y, "o" if clear else "D", color=COLOURS[0] if clear else COLOURS[1])
ax.axvline(0, color="k", linestyle=":")
ax.set_yticks(range(14), [f"{n.replace('_', ' ')} ({counts.loc[n, 'positives']} films)" for n in order])
ax.set(xlabel="AUC of CheXNet minus AUC of Yao et al. (95 % interval)")
ax.set_title("blue dots: clear even with fourteen questions asked; orange diamonds: not")
show(fig, alt="Differences of 14 AUCs with intervals: emphysema and mass clearly positive, "
     "hernia with a huge interval, consolidation, effusion and oedema near zero")

# %%
clear = [name for name in order if tests[name].p_value < 0.05 / 14]
print(f"{len(clear)} of 14 clear; hernia: difference {tests['hernia'].difference:.4f}, "
      f"standard error {tests['hernia'].standard_error:.3f}")
claim("Emphysema is clear, hernia, oedema, effusion and consolidation are not",
      "emphysema" in clear and not {"hernia", "edema", "pleural_effusion", "consolidation"} & set(clear))

# %% [markdown]
# Four things to keep in mind:
#
# - Ask 14 questions at p < 0.05 and chance alone will often answer one of them. Dividing 0.05 by 14 (Bonferroni)
#   is the simplest guard.
# - The two groups drew *different* films from the set; so the comparison is unpaired.
# - If the films had been the same, the real error would be smaller: what is clear here would be clearer still.
# - Films of one patient are not independent (section 6): the real error is larger. So treat it as a rough check.

# %% [markdown] tags=["exercise"] exercise="published_z"
# ### Exercise: read a table
#
# Pneumonia: CheXNet 0.768, Yao and colleagues 0.713; 260 films with pneumonia and 22,173 without. Compute `z`: by how many
# standard errors is CheXNet's AUC higher? `hanley_mcneil_error(auc, ill, healthy)` gives the standard error of one AUC; the
# films are not the same.

# %% tags=["given"] exercise="published_z"
from course_lib.evaluation.hanley_mcneil import hanley_mcneil_error

CHEXNET, YAO, ILL, HEALTHY = 0.768, 0.713, 260, 22173

# %% tags=["stub"] exercise="published_z"
z = ...

# %% tags=["check"] exercise="published_z"
check("published_z", z)

# %% [markdown] tags=["hint"] exercise="published_z"
# Difference divided by the standard error *of the difference*.

# %% [markdown] tags=["hint"] exercise="published_z"
# Two errors, one for each AUC. The films differ, so r = 0 in the exercise before.

# %% [markdown] tags=["hint"] exercise="published_z"
# `(0.768 - 0.713) / np.hypot(error of the one, error of the other)`.

# %% tags=["solution"] exercise="published_z"
errors = [hanley_mcneil_error(auc, ILL, HEALTHY) for auc in (CHEXNET, YAO)]
z = (CHEXNET - YAO) / np.hypot(*errors)  # other films: variances add

# %% tags=["equivalent"] exercise="published_z"
z = 0.055 / (hanley_mcneil_error(0.768, 260, 22173) ** 2 + hanley_mcneil_error(0.713, 260, 22173) ** 2) ** 0.5

# %% tags=["wrong"] exercise="published_z" says="only one"
z = (CHEXNET - YAO) / hanley_mcneil_error(CHEXNET, ILL, HEALTHY)

# %% tags=["wrong"] exercise="published_z" says="Squares"
z = (CHEXNET - YAO) / (hanley_mcneil_error(CHEXNET, ILL, HEALTHY) + hanley_mcneil_error(YAO, ILL, HEALTHY))

# %% tags=["wrong"] exercise="published_z" says="minus Yao"
z = (YAO - CHEXNET) / np.hypot(*(hanley_mcneil_error(auc, ILL, HEALTHY) for auc in (CHEXNET, YAO)))

# %% tags=["wrong"] exercise="published_z" says="variance"
z = (CHEXNET - YAO) / sum(hanley_mcneil_error(auc, ILL, HEALTHY) ** 2 for auc in (CHEXNET, YAO))

# %% tags=["wrong"] exercise="published_z" says="error of the difference"
z = CHEXNET - YAO

# %% tags=["wrong"] exercise="published_z" says="first the ill"
z = (CHEXNET - YAO) / np.hypot(hanley_mcneil_error(CHEXNET, HEALTHY, ILL), hanley_mcneil_error(YAO, HEALTHY, ILL))

# %% tags=["checker"] exercise="published_z"
def checker(z):
    one, two = hanley_mcneil_error(CHEXNET, ILL, HEALTHY), hanley_mcneil_error(YAO, ILL, HEALTHY)
    swapped = np.hypot(hanley_mcneil_error(CHEXNET, HEALTHY, ILL), hanley_mcneil_error(YAO, HEALTHY, ILL))
    if isinstance(z, (int, float, np.floating)):
        require(abs(z + 0.055 / np.hypot(one, two)) > 1e-3, "The size is right; take CheXNet minus Yao, as in the picture.")
        require(abs(z - 0.055 / np.hypot(one, two) ** 2) > 1e-3, "You divided by the variance; take its square root.")
        require(abs(z - 0.055) > 1e-4, "That is the difference; divide it by the error of the difference.")
        require(min(abs(z - 0.055 / one), abs(z - 0.055 / two)) > 1e-3, "You used only one of the two errors.")
        require(abs(z - 0.055 / (one + two)) > 1e-3, "Squares of errors add, not the errors.")
        require(abs(z - 0.055 / swapped) > 1e-3, "The function takes first the ill, then the healthy.")
    close(z, 0.055 / np.hypot(one, two), "Difference over the root of the summed squares.")

# %% [markdown]
# About 2.2: p is 0.03. Asked alone, that would count as a difference. As one of fourteen questions it does not reach 0.05 / 14.

# %%
pneumonia = tests["pneumonia"]
print(f"p = {pneumonia.p_value:.2g}; the limit for fourteen questions: {0.05 / 14:.2g}")
claim("Clear if asked alone, not clear as one of fourteen", 0.05 / 14 < pneumonia.p_value < 0.05)

# %% [markdown] tags=["slide"]
# ## 5 At one threshold: McNemar's test
#
# At a fixed [[threshold]] each network is simply right or wrong on each film. Films on which both are right, or
# both wrong, tell nothing about which is better. Only the others do.
#
# If both were equally good, each such film would be a **coin toss**. That is [[McNemar's test]].

# %%
from course_lib.evaluation.mcnemar import mcnemar_of_calls

threshold_a, threshold_b = (np.quantile(s[truth == 0], 0.9) for s in (score_a, score_b))
ill = truth == 1
calls_a, calls_b = (score_a > threshold_a)[ill], (score_b > threshold_b)[ill]
test = mcnemar_of_calls(truth[ill], calls_a, calls_b)
print(f"specificity 90 % for both; sensitivity A {calls_a.mean():.3f}, B {calls_b.mean():.3f}")
print(f"only A found {test.only_first}, only B found {test.only_second} of {ill.sum()} ill patients")
print(f"p: exact {test.exact:.2g}, mid-p {test.mid:.2g}, chi-square {test.plain:.2g}, corrected {test.corrected:.2g}")
claim("At one threshold less can be said than with the whole ROC curve", test.mid > 0.05 > paired.p_value)

# %% [markdown]
# Four ways to turn the same two numbers into a p value. *Exact* counts tosses of a coin. *Mid-p* counts what was observed only half:
# exact is a little too careful. *Chi-square* is an approximation for many films, *corrected* its careful form.

# %% tags=["slide"]
from scipy.stats import binom

tosses = test.only_first + test.only_second
heads = np.arange(tosses + 1)
fewer = min(test.only_first, test.only_second)
extreme = np.abs(heads - tosses / 2) >= tosses / 2 - fewer
fig, ax = plt.subplots(figsize=(7, 3))
ax.bar(heads, binom.pmf(heads, tosses, 0.5), color=np.where(extreme, COLOURS[1], COLOURS[0]))
ax.axvline(test.only_first, color="k", linestyle=":")
ax.set(xlabel=f"heads in {tosses} tosses of a fair coin", ylabel="chance",
       title=f"at least as uneven as {test.only_first} to {test.only_second}: {test.exact:.2f} in all")
show(fig, alt="Chances of a fair coin; both tails at least as far out as the observed count are orange")

# %% [markdown] tags=["exercise"] exercise="mcnemar_coin"
# ### Exercise: toss the coin yourself
#
# Write the exact two-sided p value of McNemar's test: `only_a` films that only A got right, `only_b` that only B got right.
# `math.comb(n, k)` counts the ways to get k heads in n tosses.

# %% tags=["given"] exercise="mcnemar_coin"
import math


# %% tags=["stub"] exercise="mcnemar_coin"
def coin_p(only_a, only_b):
    """Chance that n fair tosses are at least this uneven."""
    return ...

# %% tags=["check"] exercise="mcnemar_coin"
check("mcnemar_coin", coin_p)

# %% [markdown] tags=["hint"] exercise="mcnemar_coin"
# How many tosses were there? What is the chance of exactly k heads?

# %% [markdown] tags=["hint"] exercise="mcnemar_coin"
# Add the chances for 0, 1, ... up to the smaller count. Then think of the other tail.

# %% [markdown] tags=["hint"] exercise="mcnemar_coin"
# `2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n`, but a chance is never above 1.

# %% tags=["solution"] exercise="mcnemar_coin"
def coin_p(only_a, only_b):
    """Chance that n fair tosses are at least this uneven."""
    tosses, fewer = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(tosses, k) for k in range(fewer + 1)) / 2**tosses
    return min(1.0, 2 * tail)  # both tails; with equal counts they overlap

# %% tags=["equivalent"] exercise="mcnemar_coin"
def coin_p(only_a, only_b):
    n, half = only_a + only_b, abs(only_a - only_b) / 2
    return sum(math.comb(n, k) for k in range(n + 1) if abs(k - n / 2) >= half) / 2**n

# %% tags=["wrong"] exercise="mcnemar_coin" says="exactly this"
def coin_p(only_a, only_b):
    return 2 * math.comb(only_a + only_b, only_a) / 2 ** (only_a + only_b)

# %% tags=["wrong"] exercise="mcnemar_coin" says="two-sided"
def coin_p(only_a, only_b):
    n = only_a + only_b
    return sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n

# %% tags=["wrong"] exercise="mcnemar_coin" says="*at least*"
def coin_p(only_a, only_b):
    n = only_a + only_b
    return min(1, 2 * sum(math.comb(n, k) for k in range(min(only_a, only_b))) / 2**n)

# %% tags=["wrong"] exercise="mcnemar_coin" says="between 0 and 1"
def coin_p(only_a, only_b):
    return (only_a - only_b) ** 2 / (only_a + only_b)

# %% tags=["wrong"] exercise="mcnemar_coin" says="above 1"
def coin_p(only_a, only_b):
    n = only_a + only_b
    return 2 * sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n

# %% tags=["wrong"] exercise="mcnemar_coin" says="whichever"
def coin_p(only_a, only_b):
    n = only_a + only_b
    return min(1, 2 * sum(math.comb(n, k) for k in range(only_b + 1)) / 2**n)

# %% tags=["checker"] exercise="mcnemar_coin"
def checker(coin_p):
    got = coin_p(9, 2)
    if isinstance(got, (int, float, np.floating)):
        require(got <= 1, "A chance lies between 0 and 1.")
        require(abs(got - 24 / 2**11) > 1e-6, "What was observed belongs to it: *at least* this uneven.")
        require(abs(got - 79 / 2**11) > 1e-6, "That is mid-p; here count what was observed fully.")
        require(abs(got - 2 * math.comb(11, 2) / 2**11) > 1e-6, "That is the chance of exactly this; add what is more uneven.")
        require(abs(got - 67 / 2**11) > 1e-6, "That is one tail; we asked for the two-sided test.")
    close(got, 134 / 2**11, "Eleven tosses: 0, 1 or 2 heads, and the same again on the other side.")
    require(coin_p(5, 5) <= 1 + 1e-9, "A chance is never above 1; try equal counts.")
    close(coin_p(2, 9), 134 / 2**11, "It must be the same whichever network is named first.")
    close(coin_p(5, 5), 1.0, "With equal counts every result is at least as uneven.")

# %% [markdown] tags=["slide"]
# ## 6 Patients come back
#
# A patient with a chest drain is filmed every morning. Twenty films, one lung. They look alike and get alike scores:
# they are not twenty witnesses.
#
# - The AUC itself does not mind.
# - Its **interval** does: it becomes much too narrow, and small differences look certain.

# %%
def returning_patients(random, patients=300, alike=0.6):
    """Truth, score and patient of each film; `alike` is the correlation of one patient's scores."""
    from course_lib.evaluation.area_variance import separation

    ill = random.random(patients) < 0.3
    films = np.minimum(random.geometric(0.3, size=patients), 25)  # most have few, some have many
    who = np.repeat(np.arange(patients), films)
    looks = np.sqrt(alike) * random.normal(size=patients)
    score = looks[who] + np.sqrt(1 - alike) * random.normal(size=who.size)
    return ill[who].astype(int), score + separation(0.8) * ill[who], who


truth_r, score_r, who = returning_patients(np.random.default_rng(2))
naive, by_patient = delong(truth_r, score_r), delong(truth_r, score_r, patients=who)
print(f"{who.size} films of {np.unique(who).size} patients: AUC {naive.auc:.3f}")
print(f"standard error {naive.standard_error:.3f} counting films, {by_patient.standard_error:.3f} counting patients")

# %% [markdown]
# Here the truth is known: these scores have an AUC of exactly 0.8. An honest 95 % interval contains it in 95 of 100 studies.
# We do the study 400 times. (The fix, after Obuchowski 1997, adds up the placement values of each patient before it
# looks at their spread: `delong(..., patients=who)`.)

# %%
random = np.random.default_rng(3)
intervals = {"counting films": [], "counting patients": []}
for _ in range(400):
    t, s, w = returning_patients(random)
    intervals["counting films"].append(delong(t, s).interval)
    intervals["counting patients"].append(delong(t, s, patients=w).interval)
covered = {name: np.mean([low < 0.8 < high for low, high in found]) for name, found in intervals.items()}
for name, share in covered.items():
    print(f"{name:17}: {100 * share:.0f} % of the intervals contain the truth")
claim("Counting films, one interval in six or more misses", covered["counting films"] < 0.84)
claim("Counting patients, they keep nearly what they promise", 0.91 < covered["counting patients"] < 0.98)

# %% tags=["slide"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True, sharey=True)
for ax, (name, found) in zip(axes, intervals.items(), strict=True):
    for y, (low, high) in enumerate(found[:60]):
        ax.plot([low, high], [y, y], color=COLOURS[0] if low < 0.8 < high else COLOURS[1], linewidth=1.5)
    ax.axvline(0.8, color="k", linestyle=":")
    ax.set(xlabel="95 % interval of the AUC", title=f"{name}: {100 * covered[name]:.0f} % cover")
axes[0].set(ylabel="study", yticks=[])
show(fig, alt="Sixty intervals each: counting films they are short and many miss 0.8; "
     "counting patients they are longer and few miss")

# %% [markdown] tags=["slide"]
# ### Not only in simulations
#
# The public predictions of a CheXNet reproduction: 22,433 test films of 6,187 patients. For [[pneumothorax]] the
# standard error is 0.0053 counting films, **0.0097** counting patients: intervals 1.84 times too narrow.
# A bootstrap that draws whole patients says the same.

# %% [markdown] tags=["exercise"] exercise="effective_films"
# ### Exercise: how many films is that really?
#
# For a mean, `films_each` equally correlated films per patient (correlation `alike`) blow up the variance by the
# *design effect* 1 + (films_each - 1) · alike. Write `effective_films(films, films_each, alike)`: how many
# independent films know as much.

# %% tags=["stub"] exercise="effective_films"
def effective_films(films, films_each, alike):
    """Independent films that are worth as much as these."""
    return ...

# %% tags=["check"] exercise="effective_films"
check("effective_films", effective_films)

# %% [markdown] tags=["hint"] exercise="effective_films"
# A larger variance is worth fewer films. Multiply or divide?

# %% [markdown] tags=["hint"] exercise="effective_films"
# Test the ends: `alike = 0` must give all films, `alike = 1` the number of patients.

# %% [markdown] tags=["hint"] exercise="effective_films"
# films / (1 + (films_each - 1) * alike)

# %% tags=["solution"] exercise="effective_films"
def effective_films(films, films_each, alike):
    """Independent films that are worth as much as these."""
    return films / (1 + (films_each - 1) * alike)  # alike = 1: only the patients count

# %% tags=["equivalent"] exercise="effective_films"
def effective_films(films, films_each, alike):
    patients = films / films_each
    return patients / (alike + (1 - alike) / films_each)

# %% tags=["wrong"] exercise="effective_films" says="more than"
def effective_films(films, films_each, alike):
    return films * (1 + (films_each - 1) * alike)

# %% tags=["wrong"] exercise="effective_films" says="That is the design effect"
def effective_films(films, films_each, alike):
    return 1 + (films_each - 1) * alike

# %% tags=["wrong"] exercise="effective_films" says="nothing in common"
def effective_films(films, films_each, alike):
    return films / films_each

# %% tags=["wrong"] exercise="effective_films" says="one film each"
def effective_films(films, films_each, alike):
    return films / (1 + films_each * alike)

# %% tags=["wrong"] exercise="effective_films" says="variance, not"
def effective_films(films, films_each, alike):
    return films / (1 + (films_each - 1) * alike) ** 0.5

# %% tags=["checker"] exercise="effective_films"
def checker(effective_films):
    got = effective_films(1000, 5, 0.5)
    if isinstance(got, (int, float, np.floating)):
        require(got != 3, "That is the design effect; by what does it divide the films?")
        require(got <= 1000, "Repeated films cannot be worth more than as many independent ones.")
        require(abs(effective_films(1000, 5, 0.0) - 1000) < 1e-6, "Films with nothing in common (alike = 0) all count.")
        require(abs(effective_films(1000, 1, 0.5) - 1000) < 1e-6, "With one film each there is nothing to take off.")
        require(abs(got - 1000 / 3**0.5) > 1e-3, "The design effect is of the variance, not of the standard error.")
    close(got, 1000 / 3, "Five films each, half alike: the variance grows threefold.")

# %% [markdown] tags=["slide"]
# ## 7 Readers come from somewhere too
#
# Does AI help *radiologists*? Five read 100 films without and with it. Two sources of chance now: which **films**,
# and which **readers**. A paper wants to speak about other films *and* other readers.
#
# A [[multi-reader multi-case study]] is analysed so that both are random (Obuchowski and Rockette 1995,
# Hillis 2007).

# %%
from course_lib.evaluation.multi_reader import reader_study
from course_lib.evaluation.reader_simulation import ReaderModel, simulate_readings

model = ReaderModel(reader=0.1, reader_method=0.03)  # readers differ, and AI helps some more
truth_m, readings = simulate_readings((0.80, 0.86), 5, 50, 50, np.random.default_rng(22), model)
study = reader_study(truth_m, readings)
print("readings (methods, readers, films):", readings.shape)
print(f"mean AUC {study.areas[0].mean():.3f} without, {study.areas[1].mean():.3f} with AI; "
      f"difference {study.difference(1, 0):.3f}, interval {study.interval(1, 0)}")
for name, test in (("other readers, other films", study.random_readers()),
                   ("these readers, other films", study.fixed_readers()),
                   ("other readers, these films", study.fixed_cases())):
    print(f"{name}: p = {test.p_value:.2g}")

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(6, 3.4))
for r, (without, with_ai) in enumerate(study.areas.T):
    ax.plot([0, 1], [without, with_ai], "o-", color=COLOURS[r], label=f"reader {r + 1}")
ax.plot([0, 1], study.areas.mean(1), "k--", linewidth=3, label="mean")
ax.set_xticks([0, 1], ["without AI", "with AI"])
ax.set(ylabel="AUC", xlim=(-0.2, 1.9))
ax.legend(loc="center right")
show(fig, alt="AUC of five readers without and with AI: the weakest gains most, three gain a little, "
     "one loses a little; the mean goes up")

# %% [markdown]
# Reader 3 gains a lot, reader 1 even loses a little. Had we invited others, the mean would be another: that is the chance
# the second test forgets.
#
# What if we pretend that these five readers are all there are? Then the test is too sure. We simulate studies in which
# AI changes **nothing** on average, and count how often each test claims an effect.

# %%
random = np.random.default_rng(20)
alarms = {"random_readers": 0, "fixed_readers": 0, "fixed_cases": 0}
for _ in range(400):
    nothing = reader_study(*simulate_readings((0.83, 0.83), 5, 50, 50, random, model))
    for name in alarms:
        alarms[name] += getattr(nothing, name)().p_value < 0.05
for name, count in alarms.items():
    print(f"{name.replace('_', ' ')}: false alarm in {count / 4:.0f} of 100 studies")
claim("With random readers about the promised 5 in 100", alarms["random_readers"] < 36)
claim("With readers held fixed clearly more", alarms["fixed_readers"] > 1.5 * alarms["random_readers"])

# %% [markdown]
# A real one: Van Dyke and colleagues had five radiologists read 114 patients with two kinds of MR for aortic
# [[dissection]]. Mean AUCs differ by 0.044. For *these five* readers p = 0.019; for readers in general p = 0.051. Same
# data, another question. (Our analysis gives all published digits: `tests/peers/test_reader_studies.py`.)

# %% [markdown] tags=["instructor"]
# Typical mistakes: reading "p > 0.05" as "equal" (section 8 answers it), pooling all readers' ratings into one ROC curve
# (it mixes scales), averaging the p values of readers. Ask: "You have money for 10 more readers or for 200 more films. Which?"
# Let them move the sliders below first. Short of time: skip section 5 and the non-inferiority exercise.

# %% [markdown] tags=["slide"]
# ## 8 Before the study: how many?
#
# [[Power]] is the chance to find what is really there. 80 % is usual. A study with 30 % power mostly finds nothing, and
# what it finds is exaggerated.
#
# Choose the true AUCs and see how many *ill* patients the study needs (as many healthy ones on top).

# %%
from course_lib.evaluation.power import cases_for, cases_for_width, power_of_difference, to_screen


def draw_power(auc_a, auc_b, agreement):
    cases = np.unique(np.geomspace(10, 2000, 40).astype(int))
    fig, ax = plt.subplots(figsize=(7, 3.4))
    for name, r, colour in (("same patients", agreement, 0), ("other patients", None, 1)):
        power = [power_of_difference(auc_a, auc_b, n, n, r) for n in cases]
        needed = "never"
        if auc_a != auc_b:
            needed = cases_for(lambda p, n, r=r: power_of_difference(auc_a, auc_b, p, n, r)).positives
        ax.semilogx(cases, power, color=COLOURS[colour], label=f"{name}: {needed}")
    ax.axhline(0.8, color="k", linestyle=":")
    ax.set(xlabel="patients with the finding (and as many without)", ylabel="power", ylim=(0, 1.02))
    ax.legend(title="for a power of 80 %")
    return fig


explore(draw_power, alt="Power against number of patients: it rises from 0 to 1, earlier for the same patients",
        auc_a=(0.6, 0.98, 0.01, 0.88), auc_b=(0.6, 0.98, 0.01, 0.83), agreement=(0.0, 0.9, 0.1, 0.5))

# %%
small, large = (cases_for(lambda p, n, d=d: power_of_difference(0.85 + d, 0.85, p, n, 0.5)) for d in (0.06, 0.03))
print(f"to see 0.06: {small.positives} ill and {small.negatives} healthy; to see 0.03: {large.positives} of each")
needed = cases_for_width(0.9, 0.05)
print(f"a sensitivity of 90 %, known to +- 5 %: {needed} ill; at a prevalence of 1 %: {to_screen(needed, 0.01):,} people")
claim("Half the difference needs about four times the patients", 3.5 < large.positives / small.positives < 5.2)

# %% [markdown] tags=["slide"]
# ### Readers or films?
#
# Chance from the films shrinks with more films. Chance from the readers does not: only more **readers** help.

# %% tags=["slide"]
from course_lib.evaluation.multi_reader_power import pilot_of, power_of_study

pilot = pilot_of(study, cases=100)
readers = np.arange(3, 26)
fig, ax = plt.subplots(figsize=(7, 3.2))
for films, style in ((100, ":"), (200, "--"), (400, "-."), (5000, "-")):
    ax.plot(readers, [power_of_study(pilot, 0.04, int(r), films) for r in readers], style, label=f"{films} films")
ax.axhline(0.8, color="k", linewidth=0.8)
ax.set(xlabel="readers", ylabel="power to see 0.04", ylim=(0, 1))
ax.legend(loc="lower right", ncols=4)
show(fig, alt="Power against number of readers for 100 to 5000 films: the curves rise with readers; "
     "with few readers even 5000 films do not reach 80 per cent")

# %%
print(f"4 readers: power {power_of_study(pilot, 0.04, 4, 5000):.2f} even with 5000 films; "
      f"20 readers: {power_of_study(pilot, 0.04, 20, 400):.2f} with 400")
claim("Few readers cannot be made up for by films", power_of_study(pilot, 0.04, 4, 5000) < power_of_study(pilot, 0.04, 20, 400))

# %% [markdown] tags=["exercise"] exercise="non_inferior"
# ### Exercise: "not significant" is not "equal"
#
# A new, cheaper network shall replace the old one. Beforehand the clinic says: a loss of up to `margin` AUC is
# acceptable. The study gives the 95 % interval of *new minus old*: `low` to `high`. Return one of
# `"superior"` (surely better), `"non-inferior"` (surely not worse than the margin allows), `"inferior"` (surely worse
# than the margin allows), `"unclear"`.

# %% tags=["stub"] exercise="non_inferior"
def verdict(low, high, margin):
    """What the interval of new minus old says."""
    return ...

# %% tags=["check"] exercise="non_inferior"
check("non_inferior", verdict)

# %% [markdown] tags=["hint"] exercise="non_inferior"
# Draw a line with two marks, 0 and minus the margin. Where must the whole interval lie for each word?

# %% [markdown] tags=["hint"] exercise="non_inferior"
# "Surely better than x" means that even the lower end is above x. Test the strongest statement first.

# %% [markdown] tags=["hint"] exercise="non_inferior"
# low > 0; else low > -margin; else high < -margin; else nothing is clear.

# %% tags=["solution"] exercise="non_inferior"
def verdict(low, high, margin):
    """What the interval of new minus old says."""
    if low > 0:
        return "superior"
    if low > -margin:  # even the worst that is compatible with the data is acceptable
        return "non-inferior"
    return "inferior" if high < -margin else "unclear"

# %% tags=["equivalent"] exercise="non_inferior"
def verdict(low, high, margin):
    return "Superior" if low > 0 else "Non-inferior" if low > -margin else "Inferior" if high < -margin else "Unclear"

# %% tags=["equivalent"] exercise="non_inferior"
def verdict(low, high, margin):
    if high < -margin:
        return "inferior"
    if low <= -margin:
        return "unclear"
    return "superior" if low > 0 else "non-inferior"

# %% tags=["wrong"] exercise="non_inferior" says="small study"
def verdict(low, high, margin):
    if low > 0:
        return "superior"
    if high < 0:
        return "inferior"
    return "non-inferior"

# %% tags=["wrong"] exercise="non_inferior" says="acceptable"
def verdict(low, high, margin):
    if low > 0:
        return "superior"
    if high < 0:
        return "inferior"
    return "non-inferior" if low > -margin else "unclear"

# %% tags=["wrong"] exercise="non_inferior" says="strongest"
def verdict(low, high, margin):
    if low > -margin:
        return "non-inferior"
    if low > 0:
        return "superior"
    return "inferior" if high < -margin else "unclear"

# %% tags=["wrong"] exercise="non_inferior" says="large gain"
def verdict(low, high, margin):
    if low > 0:
        return "superior"
    if low > -margin and high < margin:
        return "non-inferior"
    return "inferior" if high < -margin else "unclear"

# %% tags=["wrong"] exercise="non_inferior" says="exactly as printed"
def verdict(low, high, margin):
    if low > 0:
        return "better"
    if low > -margin:
        return "not worse"
    return "worse" if high < -margin else "unclear"

# %% tags=["wrong"] exercise="non_inferior" says="middle"
def verdict(low, high, margin):
    middle = (low + high) / 2
    if low > 0:
        return "superior"
    if middle > -margin:
        return "non-inferior"
    return "inferior" if high < -margin else "unclear"

# %% tags=["checker"] exercise="non_inferior"
def checker(verdict):
    got = [verdict(*case, 0.05) for case in
           ((-0.12, 0.08), (-0.04, -0.01), (0.01, 0.06), (-0.07, 0.01), (-0.03, 0.02), (-0.15, -0.06), (-0.02, 0.09))]
    if got[0] is ...:
        close(..., 0, "")
    words = {"superior", "non-inferior", "inferior", "unclear"}
    got = [answer.strip().lower() if isinstance(answer, str) else answer for answer in got]
    require(all(answer in words for answer in got), "Return one of the four words, as text and exactly as printed.")
    require(got[6] != "unclear" or got[4] == "unclear", "-0.02 to 0.09: a large gain is no reason to doubt. Only a loss can break the margin.")
    require(got[2] != "non-inferior", "0.01 to 0.06 lies above 0: give the strongest statement that holds.")
    guess, loss = got[0] == "non-inferior", got[1] == "inferior"
    require(not (guess and loss), "-0.12 to 0.08 includes a large loss: a small study is wide and proves nothing.")
    require(not guess, "The middle is only the best guess; the lower end says what is still possible.")
    require(not loss, "-0.04 to -0.01 is a loss, but an acceptable one with a margin of 0.05.")
    wanted = ["unclear", "non-inferior", "superior", "unclear", "non-inferior", "inferior", "non-inferior"]
    for one, right in zip(got, wanted, strict=True):
        require(one == right, f"One of seven intervals drew '{one}'. Compare its ends with 0 and with -margin.")

# %% [markdown] tags=["slide"]
# ## 9 Comparing outlines
#
# Two readers outline the heart of one [[virtual patient]] on CT slices of 2.5 mm. How far apart are they?
#
# - **Overlap**: [[Dice coefficient]] = shared volume over the mean volume.
# - **Distance**: [[Hausdorff distance]] (HD) = the worst point, in mm. *HD95* forgives the worst 5 %.
#   *ASSD* is the average, *surface Dice* the share of surface within a tolerance.

# %%
from course_lib.patient.cohort import sample_patient
from course_lib.patient.voxels import Grid, tissue_volumes

SPACING = (2.5, 1.0, 1.0)  # mm: z, y, x


def heart_masks():
    """The heart, and a reader who sits 2 mm off, stops early below, and adds a piece of aorta."""
    parts = sample_patient(3).solids
    heart = tuple(part for part in parts if part.name == "heart")
    aorta = tuple(part for part in parts if part.name == "aorta")
    pieces = heart[0].geometry
    low, high = (pieces.centre - pieces.half).min(0) - 30, (pieces.centre + pieces.half).max(0) + 30
    sizes = np.ceil((high - low) / SPACING[::-1]).astype(int)
    grid = Grid(tuple(low), SPACING[::-1], tuple(sizes[::-1]))
    truth, vessel = (tissue_volumes(p, grid)["blood"] > 0.5 for p in (heart, aorta))
    slices = np.flatnonzero(truth.any((1, 2)))
    other = np.roll(truth, 2, axis=2)
    other[: slices[0] + 2] = False
    middle = int(slices.mean())
    other[middle : middle + 2] |= vessel[middle : middle + 2]  # the descending aorta, in two slices
    return truth, other


one, two = heart_masks()
print(f"volumes: {one.sum() * 2.5 / 1000:.0f} ml and {two.sum() * 2.5 / 1000:.0f} ml")

# %% tags=["slide"]
from course_lib.evaluation.surface_distance import surface_distances

level = int(np.flatnonzero(one.any((1, 2))).mean())
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.contour(one[level], [0.5], colors=COLOURS[0])
left.contour(two[level], [0.5], colors=COLOURS[1])
left.set(aspect="equal", ylim=(159, 20), title="one slice: reference blue, second reader orange")
left.set_axis_off()
found = surface_distances(one, two, SPACING)
for values, name, colour in ((found.of_reference, "from the reference", 0), (found.of_predicted, "from the second reader", 1)):
    right.plot(values, np.linspace(0, 100, values.size), color=COLOURS[colour], label=name)
right.axhline(95, color="k", linestyle=":")
right.set(xlabel="distance to the other surface (mm)", ylabel="% of the surface pieces", ylim=(50, 101))
right.legend(loc="lower right")
show(fig, alt="Left: two outlines of a heart 2 mm apart, and a round stray piece of aorta in the second. "
     "Right: nearly all distances are below 3 mm, a few reach 22 mm")

# %%
from course_lib.evaluation.overlap import overlap
from course_lib.evaluation.surface_distance import CONVENTIONS, hausdorff_percentile

print(f"Dice {overlap(one, two).dice:.3f}, HD {found.hausdorff:.1f} mm, ASSD {found.assd:.2f} mm, "
      f"surface Dice at 2.5 mm {found.surface_dice(2.5):.3f}")
hd95 = {name: hausdorff_percentile(one, two, SPACING, 95, name) for name in CONVENTIONS}
for name, value in hd95.items():
    print(f"HD95 as in {name:16} {value:.2f} mm")
claim("One stray piece spoils HD, hardly Dice or HD95",
      found.hausdorff > 15 and overlap(one, two).dice > 0.93 and max(hd95.values()) < 5)
claim("Three programs, three values of HD95 for the same masks", len({round(v, 2) for v in hd95.values()}) == 3)

# %% [markdown] tags=["slide"]
# ### Same masks, three answers
#
# All programs agree on HD. On **HD95** they do not:
#
# | convention | the surface is made of | two directions become one number by |
# |---|---|---|
# | `surface-distance` (DeepMind) | facets, weighted by area | the larger 95th percentile |
# | `monai` | boundary voxels | the larger 95th percentile |
# | `simpleitk` notebooks, MedPy | boundary voxels | one percentile of all distances |
#
# A paper that prints HD95 must name its convention. A comparison across papers needs the same one.

# %% [markdown] tags=["slide"]
# ### The empty mask
#
# Some patients lack the organ, or the lesion. What is the Dice of nothing?
#
# - **missed** (only the prediction empty), **invented** (only the reference empty): Dice **0**, HD **infinite**.
# - **both empty**: right! But 0/0: **undefined**, and counted beside the mean.
#
# Programs that turn a missed organ into NaN, and skip NaN in the mean, reward the worst failures.

# %%
from course_lib.evaluation.overlap import summarise

empty = np.zeros_like(one)
cases = {"fine": (one, two), "missed": (one, empty), "invented": (empty, two), "both empty": (empty, empty)}
dice = [overlap(*masks).dice for masks in cases.values()]
distance = [hausdorff_percentile(*masks, SPACING) for masks in cases.values()]
for name, d, h in zip(cases, dice, distance, strict=True):
    print(f"{name:10}  Dice {d:.3f}   HD95 {h:.1f} mm")
print("Dice:", summarise(dice))
print("HD95:", summarise(distance))
print("HD95 with 300 mm for a missed organ:", summarise(distance, for_missed=300))
honest, skipping = summarise(dice).mean, np.mean([d for d in dice if d > 0])
claim("Skipping the failures turns a mean Dice of 0.3 into one above 0.9", honest < 0.35 and skipping > 0.9)

# %% [markdown] tags=["exercise"] exercise="dice_policy"
# ### Exercise: Dice with a policy
#
# Write `dice(reference, predicted)` for two bool arrays: twice the shared voxels over the sum of both. With both
# empty it is NaN (`float("nan")`), without any warning; with one empty it is 0.

# %% tags=["stub"] exercise="dice_policy"
def dice(reference, predicted):
    """Dice coefficient; NaN when both masks are empty."""
    return ...

# %% tags=["check"] exercise="dice_policy"
check("dice_policy", dice)

# %% [markdown] tags=["hint"] exercise="dice_policy"
# Only one of the awkward cases needs an `if`. Which one divides by zero?

# %% [markdown] tags=["hint"] exercise="dice_policy"
# `(reference & predicted).sum()` counts the shared voxels.

# %% [markdown] tags=["hint"] exercise="dice_policy"
# First `whole = reference.sum() + predicted.sum()`; if it is 0 return NaN, otherwise twice the shared over `whole`.

# %% tags=["solution"] exercise="dice_policy"
def dice(reference, predicted):
    """Dice coefficient; NaN when both masks are empty."""
    whole = reference.sum() + predicted.sum()
    if whole == 0:
        return float("nan")  # nothing to overlap: undefined, to be counted apart
    return 2 * (reference & predicted).sum() / whole

# %% tags=["equivalent"] exercise="dice_policy"
def dice(reference, predicted):
    tp, fp, fn = (np.sum(m) for m in (reference & predicted, predicted & ~reference, reference & ~predicted))
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else np.nan

# %% tags=["wrong"] exercise="dice_policy" says="union"
def dice(reference, predicted):
    union = (reference | predicted).sum()
    return (reference & predicted).sum() / union if union else float("nan")

# %% tags=["wrong"] exercise="dice_policy" says="both are empty"
def dice(reference, predicted):
    whole = reference.sum() + predicted.sum()
    return 2 * (reference & predicted).sum() / whole if whole else 1.0

# %% tags=["wrong"] exercise="dice_policy" says="before you divide"
def dice(reference, predicted):
    return 2 * (reference & predicted).sum() / (reference.sum() + predicted.sum())

# %% tags=["wrong"] exercise="dice_policy" says="nothing to overlap"
def dice(reference, predicted):
    whole = reference.sum() + predicted.sum()
    return 2 * (reference & predicted).sum() / whole if whole else None

# %% tags=["wrong"] exercise="dice_policy" says="missed or invented"
def dice(reference, predicted):
    if not reference.any() or not predicted.any():
        return float("nan")
    return 2 * (reference & predicted).sum() / (reference.sum() + predicted.sum())

# %% tags=["wrong"] exercise="dice_policy" says="perfect"
def dice(reference, predicted):
    whole = reference.sum() + predicted.sum()
    return (reference & predicted).sum() / whole if whole else float("nan")

# %% tags=["checker"] exercise="dice_policy"
def checker(dice):
    one, two, none = np.array([1, 1, 1, 0, 0], bool), np.array([0, 0, 1, 1, 0], bool), np.zeros(5, bool)
    got = dice(one, two)
    if isinstance(got, (float, np.floating)):
        require(abs(got - 0.25) > 1e-9, "That is Jaccard: you divided by the union. Dice divides by the sum of both.")
        require(abs(got - 0.2) > 1e-9, "A perfect outline would get 0.5. What is missing?")
    close(got, 0.4, "One shared voxel, three and two in all.")
    close(dice(one, one), 1.0, "A mask compared with itself gets 1.")
    for masks in ((one, none), (none, one)):
        require(not np.isnan(dice(*masks)), "An organ missed or invented is the worst result: 0, not NaN.")
        close(dice(*masks), 0.0, "With one mask empty nothing is shared.")
    import warnings

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        nothing = dice(none, none)
    require(isinstance(nothing, (float, np.floating)) and np.isnan(nothing), "When both are empty there is nothing to overlap: return NaN.")
    require(not warned, "NaN is right, but you got it with a warning: test for two empty masks before you divide.")

# %% [markdown] tags=["instructor"]
# Question for the room: "A tumour network has a mean Dice of 0.85 on 100 patients; 10 have no tumour. What do you ask?" (How
# many of the 10 got an invented tumour, and how did the program count them? How many tumours were missed entirely?)
# Also: Dice of small organs is low for everybody; one voxel of rim is a large share of an optic nerve.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - An AUC is a mean of placement values; their spread gives its error (**DeLong**).
# - Same films: compare **paired**. Other films: errors add. A printed table: Hanley-McNeil and a z-test.
# - **Patients** are the unit, not films. Otherwise intervals are too narrow, often by half.
# - **Readers** are drawn by chance too; a study that holds them fixed speaks about five people.
# - "Not significant" is not "equal". Plan the size, and state a margin, **before** the study.
# - Name the convention of HD95, and say what happens to **empty masks**.

# %% [markdown]
# ## References
#
# - DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837. Sun X, Xu W. IEEE Signal Process Lett 2014;21:1389 (by ranks).
# - Hanley JA, McNeil BJ. Radiology 1982;143:29 (one AUC) and 1983;148:839 (two on the same cases).
# - McNemar Q. Psychometrika 1947;12:153. Fagerland MW et al. BMC Med Res Methodol 2013;13:91 (mid-p).
# - Obuchowski NA. Biometrics 1997;53:567 (clustered AUCs).
# - Obuchowski NA, Rockette HE. Commun Stat Simul 1995;24:285. Hillis SL. Stat Med 2007;26:596. Roe CA, Metz CE. Acad Radiol 1997;4:298.
# - Van Dyke CW et al. Cine MRI in the diagnosis of thoracic aortic dissection. 79th RSNA, 1993.
# - Rajpurkar P et al. CheXNet. arXiv:1711.05225, 2017. Predictions for 22,433 films: the reproduction of CheXNet by J. Zech, 2018.
# - Nikolov S et al. J Med Internet Res 2021;23:e26151 (surface Dice). Maier-Hein L et al. Metrics reloaded. Nat Methods 2024;21:195.

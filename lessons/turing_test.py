# %% [markdown] tags=["slide"]
# ## Which of these patients exist?
#
# Six radiologists looked at chest films. Some were real, some came out of a network. 67 of 100 answers were right;
# in a second round 70 (Jang 2023).
#
# - Is that good or bad for the network?
# - Would *you* do better?
# - What would it prove if nobody could tell?
#
# Such a reading is a [[visual Turing test]]. You take one now, **before** you see any answer.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib.data.gan_films import DISEASES, SEVERITY, SIZE, film_stack
from course_lib.data.virtual import VirtualChest
from course_lib.evaluation.turing import against_chance, plan_reading, score_reading
from course_lib.evaluation.turing_fairness import CUES, fair_display, leak
from course_lib.generative.shipped import load_generator, sample_films
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.turing_widget import turing_test
from course_lib.teaching.widgets import explore

# %% [markdown]
# "Real" here means: an X-ray image of a virtual patient, whose anatomy exists down to the millimetre. "Synthetic": drawn by the
# generator from 64 random numbers, with no patient behind it. The real patients below were never seen by the generator.

# %%
frequency = {**dict.fromkeys(DISEASES, 0.16), "pneumothorax": 0.02}  # as in what the generator learned from
patients = VirtualChest(200, 5241, SIZE, findings=DISEASES, prevalence=frequency, severity=SEVERITY)
real = film_stack(patients).numpy()[:, 0]
synthetic = sample_films(load_generator("all", SIZE), 200, seed=5242).numpy()[:, 0]
print("real films     ", real.shape, real.dtype)
print("synthetic films", synthetic.shape, synthetic.dtype)

# %% [markdown] tags=["slide"]
# ## 1 Read first
#
# - 20 real and 20 synthetic films in random order; 8 of them come back at the end.
# - The film numbers say nothing; the file with your answers holds no truth. You are [[blinded]].
# - For each film: how sure are you (1 to 5), then *real* or *synthetic*.
# - Each answer is on the disk at once. Close the notebook, and the test goes on where you stopped.
# - The result comes after the last film, not before.

# %%
plan = plan_reading(real=20, synthetic=20, seed=5243, repeats=8)
to_read = plan.arrange(fair_display(real[:20]), fair_display(synthetic[:20]))
mine = turing_test(to_read, plan, reader="me", alt="a chest film of 64 pixels, smoothly enlarged, beside two buttons: "
                   "real and synthetic")

# %% [markdown]
# About five minutes. Write your name in place of `"me"`; each reader gets the films in another order. A class
# collects all files `turing-....csv` and one key (written when the first reader is done) in one folder; `combine(folder)` in
# `course_lib/teaching/turing_records.py` puts them together. Its `.panel` then takes the place of the simulated one in sections 4 and 5.
#
# Two things make the films fair to read: `fair_display` (next section), and the same smooth enlargement for all.

# %% [markdown] tags=["slide"]
# ## 2 Is the test about anatomy?
#
# A reader may be right for reasons that have nothing to do with anatomy:
#
# | what gives a film away | because |
# |---|---|
# | number of grey values | real films were stored in 8 bits, a network computes with decimals |
# | window | each side was brightened by its own rule |
# | border, letters | only a real film has a marker or a collimator edge |
# | sharpness | enlarged with another method, or blurred by compression |
# | order, file names, dates | somebody sorted the folder |
#
# Check it with a computer that is *not allowed* to look at anatomy.

# %%
shown_real, shown_synthetic = fair_display(real), fair_display(synthetic)
before, after = {}, {}
for name, cue in CUES.items():  # a handful of numbers per film, then a straight line between the two kinds
    before[name] = leak(real, synthetic, cue)
    after[name] = leak(shown_real, shown_synthetic, cue)

# %% tags=["slide", "varies"]
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), width_ratios=[1, 1.3])
for kind, name, colour in ((real / 255, "real", 0), (synthetic, "synthetic", 1)):
    left.hist(kind[0].ravel(), bins=np.arange(0.3, 0.35, 1 / 2040), color=COLOURS[colour], alpha=0.7, label=name)
left.set(xlabel="grey value (a small part of the scale)", ylabel="pixels of one film", title="8 bits against decimals")
left.legend()
rows = np.arange(len(CUES))
for found, name, shift in ((before, "as they came", 0.2), (after, "after fair_display", -0.2)):
    right.barh(rows + shift, [found[cue].auc for cue in CUES], height=0.36, label=name)
right.axvline(0.5, color="k", linestyle=":")
right.set_yticks(rows, list(CUES))
right.set(xlabel="AUC of a classifier that sees only this (0.5: gives nothing away)", xlim=(0, 1.02))
right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
show(fig, alt="Left: grey values of a real film lie on separate steps, those of a synthetic one everywhere. Right: AUC of four "
     "cues before and after the fair display; the number of greys falls from 1 to one half, the others stay far below 1")

# %%
number = "number of different greys"
claim("The number of grey values alone gave every film away", before[number].auc > 0.95)
claim("After fair_display it gives nothing away", 0.38 < after[number].auc < 0.62)
claim("No other cue comes close to giving all films away", max(found.auc for found in after.values()) < 0.9)

# %% [markdown]
# `fair_display` treats both kinds alike: the same percentiles become black and white, and 64 steps of grey remain, so
# that the gaps of a stored 8-bit film vanish.
#
# What is left (how fine the detail is, how grey values are mixed) belongs to the *generator*: that is what the test is
# about. Our generator leaves a computer that sees no anatomy only a little to hold on to: the mix of greys is not quite
# right. Would this check find a real fault? Try it.

# %% [markdown] tags=["slide"]
# ### Play: spoil the test
#
# Blur *only the synthetic* films by one pixel, as another program for enlarging might. Can you see it? The computer does.
# Then blur *both*: the cue is gone, and so is the detail you wanted to judge.

# %%
def blurred(films, blur):
    """Films (N, H, W) uint8, blurred by a bell of `blur` pixels, ready to read."""
    from scipy.ndimage import gaussian_filter

    return fair_display(gaussian_filter(films / 255.0, (0, blur, blur)))


def draw_blur(blur, blurred_are):
    shown = [shown_real if blurred_are == "synthetic only" else blurred(shown_real, blur), blurred(shown_synthetic, blur)]
    found = {name: leak(*shown, cue).auc for name, cue in CUES.items() if name != number}
    titles = ["real", "real", "synthetic", "synthetic"]
    fig = films([shown[0][20], shown[0][21], shown[1][20], shown[1][21]], titles, width=9, vmin=0, vmax=255)
    fig.suptitle("computer's AUC: " + ", ".join(f"{name} {auc:.2f}" for name, auc in found.items()))
    return fig


explore(draw_blur, alt="two real and two synthetic films, the synthetic ones a little blurred, and how well a computer tells "
        "them apart by each cue", blur=(0.0, 3.0, 0.25, 1.0), blurred_are=["synthetic only", "both kinds"])

# %%
spoilt = leak(shown_real, blurred(shown_synthetic, 1.0), CUES["sharpness"]).auc
claim("One pixel of blur on one side alone spoils the test", spoilt > 0.92)

# %% [markdown] tags=["slide"]
# ## 3 One reader: two rates, not one
#
# In this course **positive = synthetic**:
#
# - [[sensitivity]]: synthetic films called synthetic
# - [[specificity]]: real films called real
#
# Papers also do it the other way round. Ten radiologists, 150 real and 150 synthetic CT slices (Park 2021): 1781 of
# 3000 answers right; "specificity" 779 of 1500, which there means *synthetic* called fake.

# %% [markdown] tags=["exercise"] exercise="turing_swap"
# ### Exercise: put the names right
#
# Compute, in this course's convention, the `sensitivity` and the `specificity` of Park's ten readers together, as shares
# between 0 and 1.
# You have all you need: 1781 of 3000 right, 779 of 1500 synthetic ones called fake.

# %% tags=["stub"] exercise="turing_swap"
sensitivity = ...
specificity = ...

# %% tags=["check"] exercise="turing_swap"
check("turing_swap", sensitivity, specificity)

# %% [markdown] tags=["hint"] exercise="turing_swap"
# Which of the two is about synthetic films? That one is printed, under another name.

# %% [markdown] tags=["hint"] exercise="turing_swap"
# All right answers are right answers on synthetic films plus right answers on real films.

# %% [markdown] tags=["hint"] exercise="turing_swap"
# 1781 - 779 real films were called real, of 1500.

# %% tags=["solution"] exercise="turing_swap"
sensitivity = 779 / 1500  # synthetic called fake
specificity = (1781 - 779) / 1500  # the other right answers were on real films

# %% tags=["equivalent"] exercise="turing_swap"
sensitivity, specificity = 0.519, 0.668

# %% tags=["equivalent"] exercise="turing_swap"
sensitivity, specificity = 0.52, 0.67  # two digits are enough

# %% tags=["wrong"] exercise="turing_swap" says="took for real"
sensitivity, specificity = 1 - 779 / 1500, 1002 / 1500

# %% tags=["wrong"] exercise="turing_swap" says="other way round"
sensitivity, specificity = 1002 / 1500, 779 / 1500

# %% tags=["wrong"] exercise="turing_swap" says="1500 of them are real"
sensitivity, specificity = 779 / 1500, 1002 / 3000

# %% tags=["wrong"] exercise="turing_swap" says="share of all answers"
sensitivity, specificity = 779 / 1500, 1781 / 3000

# %% tags=["wrong"] exercise="turing_swap" says="between 0 and 1"
sensitivity, specificity = 51.9, 66.8

# %% tags=["wrong"] exercise="turing_swap" says="called synthetic although"
sensitivity, specificity = 779 / 1500, 498 / 1500

# %% tags=["checker"] exercise="turing_swap"
def checker(sensitivity, specificity):
    for share in (sensitivity, specificity):
        if isinstance(share, (int, float)):
            require(0 <= share <= 1, "Give shares between 0 and 1, not per cent.")
    if isinstance(sensitivity, float) and isinstance(specificity, float):
        swapped = abs(sensitivity - 1002 / 1500) < 3e-3 and abs(specificity - 779 / 1500) < 3e-3
        require(not swapped, "The other way round: with us, positive means synthetic.")
        missed = "Those are the synthetic films that readers took for real."
        require(abs(sensitivity - (1 - 779 / 1500)) > 2e-3, missed)
        require(abs(specificity - 1002 / 3000) > 2e-3, "1002 is right, but of the 3000 answers only 1500 of them are real films.")
        require(abs(specificity - 1781 / 3000) > 2e-3, "That is the share of all answers that were right.")
        require(abs(specificity - 498 / 1500) > 2e-3, "Those are the real films called synthetic although they are real.")
    close(sensitivity, 779 / 1500, "Sensitivity: synthetic films called synthetic.", rtol=4e-3)
    close(specificity, 1002 / 1500, "Specificity: the right answers on real films, of all real films.", rtol=4e-3)

# %% [markdown]
# 52 % of the synthetic slices were called fake: as if by a coin? But only 33 % of the *real* ones were. The readers did see
# something; they were only slow to say "fake". One rate alone says nothing: who always says "synthetic" has a sensitivity of
# 100 %.

# %% [markdown] tags=["slide"]
# ### Skill and caution, apart
#
# [[Signal detection theory|signal detection theory]]: each film leaves an *impression* of oddness. Synthetic ones seem odder, by
# the [[separation]] d′ (0: cannot tell). The reader says "synthetic" above a [[decision criterion]].
#
# $$\text{sensitivity} = \Phi\left(\tfrac{d'}{2} - c\right) \qquad \text{specificity} = \Phi\left(\tfrac{d'}{2} + c\right)$$
#
# Φ is the area under the bell curve. Skill is d′; caution is c.

# %% tags=["slide"]
from scipy.stats import norm

from course_lib.evaluation.turing_simulation import SimulatedReader

parks = SimulatedReader.with_rates(sensitivity=779 / 1500, specificity=1002 / 1500)
x = np.linspace(-3.5, 3.5, 300)
fig, ax = plt.subplots(figsize=(7.5, 3.2))
for centre, name, colour in ((-1, "real", 0), (1, "synthetic", 1)):
    curve = norm.pdf(x, centre * parks.separation / 2)
    ax.plot(x, curve, color=COLOURS[colour], label=name)
    called = x > parks.criterion
    ax.fill_between(x[called], curve[called], color=COLOURS[colour], alpha=0.25)
ax.axvline(parks.criterion, color="k", linestyle=":")
ax.text(parks.criterion + 0.08, 0.43, "says \"synthetic\"")
ax.set(xlabel="how odd the film seems", ylabel="density", ylim=(0, 0.47))
ax.legend(loc="upper left")
show(fig, alt="Two bell curves that overlap widely, the synthetic one half a standard deviation further right; the criterion "
     "stands to the right of the middle, so that two thirds of the real and half of the synthetic films are judged right")

# %%
print(f"ten readers together: d' = {parks.separation:.2f}, criterion {parks.criterion:.2f}, accuracy {parks.accuracy:.3f}")
claim("They see a difference (d' near one half) and are slow to say so (criterion above 0)",
      0.4 < parks.separation < 0.6 and parks.criterion > 0)

# %% [markdown] tags=["exercise"] exercise="turing_dprime"
# ### Exercise: who sees more?
#
# Write `skill(sensitivity, specificity)`, the separation d′ of a reader with these rates. Then say who sees more: reader
# A with sensitivity 0.50 and specificity 0.84, or reader B with 0.69 and 0.69? Answer `"A"`, `"B"` or `"same"`.
#
# `norm.ppf(p)` undoes Φ: it says how far along the bell curve the area p is reached.

# %% tags=["given"] exercise="turing_dprime"
from scipy.stats import norm


# %% tags=["stub"] exercise="turing_dprime"
def skill(sensitivity, specificity):
    """Separation d' of a reader."""
    return ...


sees_more = ...

# %% tags=["check"] exercise="turing_dprime"
check("turing_dprime", skill, sees_more)

# %% [markdown] tags=["hint"] exercise="turing_dprime"
# Apply `norm.ppf` to both formulas above. What remains on their right sides?

# %% [markdown] tags=["hint"] exercise="turing_dprime"
# d′/2 - c and d′/2 + c. Which combination makes c vanish?

# %% [markdown] tags=["hint"] exercise="turing_dprime"
# Their sum: `norm.ppf(sensitivity) + norm.ppf(specificity)`. Round the two readers to one digit.

# %% tags=["solution"] exercise="turing_dprime"
def skill(sensitivity, specificity):
    """Separation d' of a reader."""
    return norm.ppf(sensitivity) + norm.ppf(specificity)  # the criterion cancels


sees_more = "same"  # both 0.99: A only says "synthetic" less readily

# %% tags=["equivalent"] exercise="turing_dprime"
def skill(sensitivity, specificity):
    return norm.ppf(sensitivity) - norm.ppf(1 - specificity)  # hits minus false alarms


sees_more = "Same"

# %% tags=["wrong"] exercise="turing_dprime" says="minus"
def skill(sensitivity, specificity):
    return norm.ppf(sensitivity) - norm.ppf(specificity)


sees_more = "same"

# %% tags=["wrong"] exercise="turing_dprime" says="minus"
def skill(sensitivity, specificity):
    return norm.ppf(specificity) - norm.ppf(sensitivity)


sees_more = "A"

# %% tags=["wrong"] exercise="turing_dprime" says="half"
def skill(sensitivity, specificity):
    return (norm.ppf(sensitivity) + norm.ppf(specificity)) / 2


sees_more = "same"

# %% tags=["wrong"] exercise="turing_dprime" says="Youden"
def skill(sensitivity, specificity):
    return sensitivity + specificity - 1


sees_more = "B"

# %% tags=["wrong"] exercise="turing_dprime" says="areas"
def skill(sensitivity, specificity):
    return norm.cdf(sensitivity) + norm.cdf(specificity)


sees_more = "same"

# %% tags=["wrong"] exercise="turing_dprime" says="your own function"
def skill(sensitivity, specificity):
    return norm.ppf(sensitivity) + norm.ppf(specificity)


sees_more = "B"

# %% tags=["checker"] exercise="turing_dprime"
def checker(skill, sees_more):
    got = skill(0.5, 0.8413447)
    if isinstance(got, (float, np.floating)):
        equal = skill(0.9, 0.9)
        require(abs(got + 1) > 1e-3 and abs(equal) > 1e-3, "You took one minus the other: then c remains and d' vanishes.")
        require(abs(got - 0.5) > 1e-3, "That is half of it: both formulas hold d'/2.")
        require(abs(got - 0.3413447) > 1e-3, "That is Youden's index; it changes with the criterion. Use norm.ppf.")
        require(abs(got - norm.cdf(0.5) - norm.cdf(0.8413447)) > 1e-3, "norm.cdf makes areas; you have areas and want distances.")
    close(got, 1.0, "With sensitivity 0.5 and specificity 0.84 the criterion lies on the middle of the synthetic films.")
    close(skill(0.9, 0.9), 2 * norm.ppf(0.9), "With equal rates d' is twice norm.ppf of one.")
    require(str(sees_more).strip().lower() in ("a", "b", "same"), 'Answer "A", "B" or "same".')
    require(str(sees_more).strip().lower() == "same", "Put both readers into your own function, and round.")

# %% [markdown] tags=["slide"]
# ### Against a coin
#
# A reader who guesses is right in half of the cases, give or take. How far from half may a coin go? Your 40 films:

# %%
right_answers = np.arange(41)
p_values = np.array([against_chance(int(k), 40).p_difference for k in right_answers])
could_be_luck = right_answers[p_values >= 0.05]
print(f"{could_be_luck.min()} to {could_be_luck.max()} of 40 right: a coin does that, too")
claim("With 40 films even 65 % right can be luck", could_be_luck.max() / 40 >= 0.65)

# %% tags=["local"]
print(mine.score() or "Your result comes when you have read all films in section 1; then run this cell again.")

# %% [markdown] tags=["exercise"] exercise="turing_coin"
# ### Exercise: a coin needs no sample
#
# Park 2021 prints p = 0.29 for 779 right answers of 1500 against guessing, written as 779 of 1500 "vs" 750 of 1500. That is the p of
# *two samples*, one of which nobody ever observed. But a fair coin is known exactly.
#
# Write `z_coin(right, of)`: by how many standard errors does the share of right answers lie above 1/2, when a coin is tossed?
# (The variance of one toss of a fair coin is 1/4.)

# %% tags=["stub"] exercise="turing_coin"
def z_coin(right, of):
    """Distance of a share from one half in standard errors of a coin."""
    return ...

# %% tags=["check"] exercise="turing_coin"
check("turing_coin", z_coin)

# %% [markdown] tags=["hint"] exercise="turing_coin"
# Observed share minus one half, divided by a standard error. Of what?

# %% [markdown] tags=["hint"] exercise="turing_coin"
# The share of heads in n tosses has variance (1/4) / n.

# %% [markdown] tags=["hint"] exercise="turing_coin"
# `(right / of - 0.5) / (0.25 / of) ** 0.5`

# %% tags=["solution"] exercise="turing_coin"
def z_coin(right, of):
    """Distance of a share from one half in standard errors of a coin."""
    return (right / of - 0.5) / np.sqrt(0.25 / of)  # the coin's spread is known, not estimated

# %% tags=["equivalent"] exercise="turing_coin"
def z_coin(right, of):
    return (2 * right - of) / of**0.5

# %% tags=["wrong"] exercise="turing_coin" says="two samples"
def z_coin(right, of):
    pooled = (right / of + 0.5) / 2
    return (right / of - 0.5) / np.sqrt(2 * pooled * (1 - pooled) / of)

# %% tags=["wrong"] exercise="turing_coin" says="of the coin"
def z_coin(right, of):
    share = right / of
    return (share - 0.5) / np.sqrt(share * (1 - share) / of)

# %% tags=["wrong"] exercise="turing_coin" says="root"
def z_coin(right, of):
    return (right / of - 0.5) / (0.25 / of)

# %% tags=["wrong"] exercise="turing_coin" says="one toss"
def z_coin(right, of):
    return (right / of - 0.5) / 0.5

# %% tags=["wrong"] exercise="turing_coin" says="sign"
def z_coin(right, of):
    return abs(right / of - 0.5) / np.sqrt(0.25 / of)

# %% tags=["checker"] exercise="turing_coin"
def checker(z_coin):
    got = z_coin(70, 100)
    if isinstance(got, (int, float, np.floating)):
        require(abs(got - 0.2 / np.sqrt(2 * 0.6 * 0.4 / 100)) > 1e-3, "You compare two samples; the coin was never sampled.")
        require(abs(got - 0.2 / np.sqrt(0.7 * 0.3 / 100)) > 1e-3, "Take the spread of the coin, not that of the reader.")
        require(abs(got - 80) > 1e-3, "You divided by the variance; its root is missing.")
        require(abs(got - 0.4) > 1e-3, "That is the spread of one toss; we want that of the share of n tosses.")
    close(got, 4.0, "70 of 100: twenty points above one half, and the coin's standard error is five points.")
    require(z_coin(30, 100) < 0, "Keep the sign: 30 of 100 lies below one half.")
    close(z_coin(30, 100), -4.0, "30 of 100 lies as far below as 70 above.")

# %%
z = (779 / 1500 - 0.5) / np.sqrt(0.25 / 1500)
print(f"a coin tossed 1500 times: z = {z:.2f}, p = {against_chance(779, 1500).p_difference:.2f}; with an invented second sample: "
      f"z = {z / np.sqrt(2):.2f}, p = {2 * norm.sf(z / np.sqrt(2)):.2f}")
claim("The invented sample doubles the p value, from 0.14 to 0.29",
      round(against_chance(779, 1500).p_difference, 2) == 0.14 and round(2 * norm.sf(z / np.sqrt(2)), 2) == 0.29)

# %% [markdown] tags=["slide"]
# ## 4 Many readers
#
# 1500 answers are not 1500 coin tosses: the *same* 150 slices were read ten times, by the *same* ten people. To see
# what that does we need readers whose truth we know. We build ten with the rates of Park's ten:
#
# - a part of each impression is **shared**: some films look odd to everybody
# - a part is the reader's own and **steady**: it comes back when the film does
# - the rest is of the moment

# %%
from course_lib.evaluation.turing_panel import Panel, compare_groups, mean_accuracy, panel_kappa
from course_lib.evaluation.turing_simulation import (
    calls_of,
    expected_kappa,
    ratings_of,
    simulate_impressions,
)

random = np.random.default_rng(5)
groups = ["I"] * 4 + ["II"] * 4 + ["III"] * 2  # under 5, 5 to 10, over 10 years of experience
team = [SimulatedReader(parks.separation + random.normal(0, 0.15), parks.criterion + random.normal(0, 0.15)) for _ in groups]
is_synthetic = np.repeat([False, True], 150)
impressions = simulate_impressions(team, is_synthetic, random, shared=0.12, steady=0.4, sittings=2)
panel = Panel(is_synthetic, calls_of(team, impressions)[0], groups=groups)
table = panel.table()
table[["reader", "group", "accuracy", "accuracy 95 %", "sensitivity", "specificity"]].round(3)

# %%
mean = mean_accuracy(panel)
pooled = score_reading(np.tile(is_synthetic, 10), panel.calls.ravel()).accuracy
compared = compare_groups(panel)
print(f"mean accuracy {mean.value:.3f}; other readers and other films: {mean.interval}")
print(f"as if 3000 coin tosses:                               {pooled.interval}")
print("groups:", {name: round(value, 3) for name, value in compared.means.items()}, f"p = {compared.p_value:.2f}")
wider = np.subtract(*mean.interval) / np.subtract(*pooled.interval)
claim("The honest interval is at least a third wider", wider > 1.33)

# %% [markdown]
# The first interval knows that readers *and* films were drawn by chance. The groups are compared with the **reader** as
# the unit: the ten readers are sorted into groups of 4, 4 and 2 in all 3150 ways, and we count how many ways differ as
# much. (With two readers in a group nothing but a huge effect could be found.)

# %% tags=["slide"]
share_right = panel.share_right()[is_synthetic]
k = np.arange(11)
alike = norm.cdf(parks.separation / 2 - parks.criterion)
from scipy.stats import binom

fig, ax = plt.subplots(figsize=(7.5, 3.2))
ax.bar(k, [np.isclose(share_right, n / 10).sum() for n in k], width=0.8, color=COLOURS[1], label="synthetic films")
ax.plot(k, 150 * binom.pmf(k, 10, alike), "ko-", markersize=4, label="if films were all alike")
ax.set(xlabel="how many of ten readers called it synthetic", ylabel="films", xticks=k)
ax.legend()
show(fig, alt="Histogram of 150 synthetic films by the number of readers who saw through them, with a curve of the binomial "
     "distribution; the histogram is wider than the curve: some films convince nearly everybody, some nobody")

# %% [markdown]
# The workshop's figure 6 counts the same: for each film the share of readers who were right. The histogram is **wider**
# than chance alone would make it. Its two ends are the useful films: what did everybody see, what did nobody? In Park
# 2021 it was the junction of thorax and abdomen that gave slices away.

# %%
spread, by_chance = share_right.var(), alike * (1 - alike) / 10
print(f"variance of the shares {spread:.3f}; if all films were alike {by_chance:.3f}")
claim("Films differ: the shares vary more than chance allows", spread > 1.3 * by_chance)

# %% [markdown] tags=["slide"]
# ## 5 Kappa: do readers agree?
#
# [[Kappa|kappa]] is agreement beyond chance (for more than two readers in the form of *Fleiss*: all pairs of readers, averaged).
# Papers report 0.10, 0.11, 0.14 and call it *poor*. Is that good for the generator?
#
# Think of two readers who share nothing but the truth. The better they are, the more they agree.

# %%
kappa, by_films = panel_kappa(panel)
again = Panel(is_synthetic, calls_of(team, impressions)[:, 0])  # the first reader's two sittings
twice = panel_kappa(again)[0].value
print(f"ten readers: kappa {kappa.value:.2f}, interval {by_films}; one reader twice: {twice:.2f}")
claim("Readers agree poorly with each other, better with themselves", kappa.value < 0.2 < twice)

# %% [markdown] tags=["exercise"] exercise="turing_kappa"
# ### Exercise: kappa of good readers
#
# Half of the films are synthetic. Two readers are each right with chance `a` on every film, whatever it is, and share
# nothing else. Write `kappa_of(a)`. By chance they would agree on half of the films.

# %% tags=["stub"] exercise="turing_kappa"
def kappa_of(a):
    """Kappa of two readers, each right with chance a, who share nothing but the truth."""
    return ...

# %% tags=["check"] exercise="turing_kappa"
check("turing_kappa", kappa_of)

# %% [markdown] tags=["hint"] exercise="turing_kappa"
# When do two answers agree, if there are only two words to say?

# %% [markdown] tags=["hint"] exercise="turing_kappa"
# When both are right, or both are wrong. Then kappa = (observed - chance) / (1 - chance).

# %% [markdown] tags=["hint"] exercise="turing_kappa"
# observed = a² + (1 - a)², chance = 1/2.

# %% tags=["solution"] exercise="turing_kappa"
def kappa_of(a):
    """Kappa of two readers, each right with chance a, who share nothing but the truth."""
    observed = a**2 + (1 - a) ** 2  # both right or both wrong
    return (observed - 0.5) / 0.5

# %% tags=["equivalent"] exercise="turing_kappa"
def kappa_of(a):
    return (2 * a - 1) ** 2

# %% tags=["wrong"] exercise="turing_kappa" says="both wrong"
def kappa_of(a):
    return (a**2 - 0.5) / 0.5

# %% tags=["wrong"] exercise="turing_kappa" says="beyond chance"
def kappa_of(a):
    return a**2 + (1 - a) ** 2

# %% tags=["wrong"] exercise="turing_kappa" says="with the truth"
def kappa_of(a):
    return 2 * a - 1

# %% tags=["wrong"] exercise="turing_kappa" says="what chance leaves"
def kappa_of(a):
    return a**2 + (1 - a) ** 2 - 0.5

# %% tags=["wrong"] exercise="turing_kappa" says="chance is 1/2"
def kappa_of(a):
    return (a**2 + (1 - a) ** 2 - 0.25) / 0.75

# %% tags=["checker"] exercise="turing_kappa"
def checker(kappa_of):
    got = kappa_of(0.9)
    if isinstance(got, (int, float, np.floating)):
        require(abs(got - 0.62) > 1e-6, "Two readers also agree when both are both wrong.")
        require(abs(got - 0.82) > 1e-6, "That is how often they agree; kappa is agreement beyond chance.")
        require(abs(got - 0.8) > 1e-6, "That is the agreement of one reader with the truth; two readers agree less.")
        require(abs(got - 0.32) > 1e-6, "Divide by what chance leaves open: 1 minus chance.")
        require(abs(got - 0.76) > 1e-6, "With two words and half of the films each, agreement by chance is 1/2.")
    close(got, 0.64, "Two readers who are right in 90 %: they agree in 0.81 + 0.01 of the films.")
    close(kappa_of(0.5), 0.0, "Two coins agree in half of the cases: kappa 0.", atol=1e-9)
    close(kappa_of(1.0), 1.0, "Two perfect readers agree perfectly.")

# %% [markdown]
# So the published kappas are no surprise. Accuracy 0.674 and 0.699 (Jang 2023) give 0.12 and 0.16; printed are 0.10 and
# 0.14. Poor agreement does not show that films look real. It follows from the accuracy.

# %%
from course_lib.evaluation.published import published

said = published("turing_text").set_index("statement")["value"]
for trial in ("first", "second"):
    accuracy = float(said[f"{trial} trial: mean accuracy"]) / 100
    printed = float(said[f"{trial} trial: kappa"])
    alone = (2 * accuracy - 1) ** 2
    print(f"Jang 2023, {trial} trial: accuracy {accuracy:.3f}, sharing nothing {alone:.2f}, printed {printed:.2f}")
    claim(f"In the {trial} trial kappa is what the accuracy alone makes of it", abs(alone - printed) < 0.03)
print(f"Park 2021: sharing nothing {expected_kappa(parks, 0):.2f}, printed 0.11: some slices looked odd to several readers")

# %% [markdown] tags=["slide"]
# ### Play: what moves kappa?
#
# Set the separation to 0: nobody can tell anything. Then let readers *share* what they find odd (all distrust a blurred film).
# Kappa rises, and still nobody can tell.

# %%
def draw_kappa(separation, criterion, shared):
    reader = SimulatedReader(separation, criterion)
    grid = np.linspace(0, 0.95, 39)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4), width_ratios=[1, 1.4])
    rates = {"accuracy": reader.accuracy, "sensitivity": reader.sensitivity, "specificity": reader.specificity}
    left.barh(list(rates), list(rates.values()), color=COLOURS[:3])
    left.axvline(0.5, color="k", linestyle=":")
    left.set(xlim=(0, 1), xlabel="share right")
    left.invert_yaxis()
    right.plot(grid, [expected_kappa(reader, s) for s in grid])
    right.plot(shared, expected_kappa(reader, shared), "o", color=COLOURS[1], markersize=9)
    right.set(xlabel="part of the impression that readers share", ylabel="kappa", ylim=(-0.05, 1),
              title=f"kappa {expected_kappa(reader, shared):.2f}")
    return fig


explore(draw_kappa, alt="Bars of accuracy, sensitivity and specificity; beside them kappa rises with what the readers share",
        separation=(0.0, 4.0, 0.1, 0.5), criterion=(-1.0, 1.0, 0.1, 0.2), shared=(0.0, 0.9, 0.05, 0.1))

# %% [markdown] tags=["slide"]
# ## 6 A table that cannot be
#
# The workshop's handout prints Park's study as "19 readers". Our copy of it came through several hands and programs, so
# the slips are probably not the authors'. They are good practice: what is **possible**?

# %%
readers = published("turing_readers", as_printed=True)
readers[["reader", "group", "sensitivity", "specificity", "agreement"]]

# %%
kappas = published("turing_kappa", as_printed=True)
kappas[["part", "images", "kappa", "low", "high"]]

# %% [markdown] tags=["exercise"] exercise="turing_handout"
# ### Exercise: possible or not?
#
# 150 real and 150 synthetic slices. Write `True` for what is possible, `False` for what is not.
#
# - `"A"`: group III has accuracy 99.4, sensitivity 97.1 and specificity 97.3 (a footnote).
# - `"B"`: kappa at the thoracolumbar junction and its interval.
# - `"C"`: reader R02's sensitivity, as a share of 150 slices.
# - `"D"`: reader R09's specificity, as a share of 150 slices.
# - `"E"`: the interval of kappa for all images, which includes values below 0.
# - `"F"`: readers who are right in 95 % of both kinds, and whose kappa is 0.11.

# %% tags=["stub"] exercise="turing_handout"
possible = {"A": ..., "B": ..., "C": ..., "D": ..., "E": ..., "F": ...}

# %% tags=["check"] exercise="turing_handout"
check("turing_handout", possible)

# %% [markdown] tags=["hint"] exercise="turing_handout"
# Accuracy is a mean of the other two, weighted. An interval holds its own estimate. A share of 150 is a whole number over 150.

# %% [markdown] tags=["hint"] exercise="turing_handout"
# 98.5 % of 150 is 147.75, and 96.0 % of 150 is 144. Kappa may be negative.

# %% [markdown] tags=["hint"] exercise="turing_handout"
# For F put 0.95 into the function of the exercise before. Only D and E are possible.

# %% tags=["solution"] exercise="turing_handout"
# A: above both its parts. B: 0.11 lies outside 0.21 to 0.30. C: 147.75 slices. F: they differ in 10 % at most, so kappa is 0.8 or more.
possible = {"A": False, "B": False, "C": False, "D": True, "E": True, "F": False}

# %% tags=["equivalent"] exercise="turing_handout"
possible = {"A": 97.1 <= 99.4 <= 97.3, "B": 0.21 <= 0.11 <= 0.30, "C": 98.5 in (98.0, 98.7), "D": 144 / 150 == 0.96,
            "E": -0.09 <= 0.11 <= 0.32, "F": (2 * 0.95 - 1) ** 2 < 0.12}  # fmt: skip

# %% tags=["wrong"] exercise="turing_handout" says="A is wrong"
possible = {"A": True, "B": False, "C": False, "D": True, "E": True, "F": False}

# %% tags=["wrong"] exercise="turing_handout" says="C is wrong"
possible = {"A": False, "B": False, "C": True, "D": True, "E": True, "F": False}

# %% tags=["wrong"] exercise="turing_handout" says="E is wrong"
possible = {"A": False, "B": False, "C": False, "D": True, "E": False, "F": False}

# %% tags=["wrong"] exercise="turing_handout" says="F is wrong"
possible = {"A": False, "B": False, "C": False, "D": True, "E": True, "F": True}

# %% tags=["wrong"] exercise="turing_handout" says="True or False"
possible = {"A": "no", "B": "no", "C": "no", "D": "yes", "E": "yes", "F": "no"}

# %% tags=["checker"] exercise="turing_handout"
def checker(possible):
    right = {"A": False, "B": False, "C": False, "D": True, "E": True, "F": False}
    why = {
        "A": "can a mean lie above both numbers it is a mean of?",
        "B": "look for the estimate inside its own interval.",
        "C": "multiply by 150 and look for a whole number.",
        "D": "multiply by 150 and look for a whole number.",
        "E": "readers can agree less than by chance.",
        "F": "what kappa do two readers have who are right in 95 %?",
    }
    require(isinstance(possible, dict) and set(possible) == set(right), "Keep the six letters.")
    require(all(isinstance(value, (bool, np.bool_)) for value in possible.values()), "Write True or False for each letter.")
    for letter, value in right.items():
        require(possible[letter] == value, f"{letter} is wrong: {why[letter]}")

# %%
rates = [float(rate) for column in ("sensitivity", "specificity") for rate in readers[column]]
value, low, high = (kappas[column].astype(float) for column in ("kappa", "low", "high"))
whole = [any(abs(100 * n / 150 - rate) < 0.0501 for n in range(151)) for rate in rates]
outside = kappas.images[(value < low) | (value > high)]
print(f"{len(whole) - sum(whole)} of {len(whole)} printed rates are no share of 150; kappa outside its interval: {list(outside)}")
print(f"the handout's footnotes: readers {said['readers in the title']}; one cut-off at "
      f"{said['cut-off for the share of readers with correct answers, second group']} of the readers")
claim("Most of the printed rates are no share of 150 slices", sum(whole) < len(whole) / 2)

# %% [markdown]
# The published abstract settles it: **ten** readers, 59.4 % right. The column "agreement" does not say with whom; with
# the other readers it cannot be, at kappa 0.11. The groups are turned round as well: the abstract's group I has *under* 5
# years of experience, the handout's over 10.
#
# What would you do with such a table in a review? Not guess. Ask for the counts.

# %% [markdown] tags=["slide"]
# ## 7 "They could not tell"
#
# 27 of 50 right. p = 0.67. "The readers could not tell real from synthetic." True?
#
# p large means: *a coin could do this*. So could a reader who is right in 60 % of all films. Not seeing a
# difference and showing that there is **none worth mentioning** are two things.
#
# For the second you need a margin, chosen before: for instance, 40 to 60 % right counts as guessing. Then the interval (here at 90 %, see
# the exercise) must lie **inside** the margin. That is [[equivalence]].

# %%
for right, of in ((27, 50), (540, 1000), (1620, 3000)):
    test = against_chance(right, of, margin=0.1)
    print(f"{right:4d} of {of:4d}: {test.share.interval}, p against a coin {test.p_difference:.2g}, {test.verdict}")
claim("The same 54 % are undecided, different but equal, according to the number of films",
      against_chance(27, 50).verdict == "undecided" and "less than the margin" in against_chance(1620, 3000).verdict)

# %% [markdown] tags=["exercise"] exercise="turing_equal"
# ### Exercise: show that they guess
#
# Write `shown_equal(right, of, margin)`: `True` if it is shown that readers guess, up to the margin. Use
# `wilson(right, of, 0.90)`: two one-sided tests at 5 % are one interval at 90 %, which has to lie inside 1/2 ± margin.

# %% tags=["given"] exercise="turing_equal"
from course_lib.evaluation.intervals import wilson


# %% tags=["stub"] exercise="turing_equal"
def shown_equal(right, of, margin):
    """Whether the readers' share of right answers is shown to lie within the margin of one half."""
    return ...

# %% tags=["check"] exercise="turing_equal"
check("turing_equal", shown_equal)

# %% [markdown] tags=["hint"] exercise="turing_equal"
# "Not different from a coin" is not enough. Where must the *whole* interval lie?

# %% [markdown] tags=["hint"] exercise="turing_equal"
# `low, high = wilson(right, of, 0.90)`. Two conditions, one for each end.

# %% [markdown] tags=["hint"] exercise="turing_equal"
# `0.5 - margin < low and high < 0.5 + margin`

# %% tags=["solution"] exercise="turing_equal"
def shown_equal(right, of, margin):
    """Whether the readers' share of right answers is shown to lie within the margin of one half."""
    low, high = wilson(right, of, 0.90)
    return 0.5 - margin < low and high < 0.5 + margin  # nothing outside the margin is left possible

# %% tags=["equivalent"] exercise="turing_equal"
def shown_equal(right, of, margin):
    return max(abs(end - 0.5) for end in wilson(right, of, level=0.9)) < margin

# %% tags=["wrong"] exercise="turing_equal" says="hardly any film"
def shown_equal(right, of, margin):
    low, high = wilson(right, of, 0.90)
    return low < 0.5 < high

# %% tags=["wrong"] exercise="turing_equal" says="how sure"
def shown_equal(right, of, margin):
    return abs(right / of - 0.5) < margin

# %% tags=["wrong"] exercise="turing_equal" says="worse than a coin"
def shown_equal(right, of, margin):
    low, high = wilson(right, of, 0.90)
    return high < 0.5 + margin

# %% tags=["wrong"] exercise="turing_equal" says="95"
def shown_equal(right, of, margin):
    low, high = wilson(right, of, 0.95)
    return 0.5 - margin < low and high < 0.5 + margin

# %% tags=["wrong"] exercise="turing_equal" says="`margin`"
def shown_equal(right, of, margin):
    low, high = wilson(right, of, 0.90)
    return low > 0.4 and high < 0.6

# %% tags=["wrong"] exercise="turing_equal" says="may differ a little"
def shown_equal(right, of, margin):
    low, high = wilson(right, of, 0.90)
    return low < 0.5 < high and 0.5 - margin < low and high < 0.5 + margin

# %% tags=["checker"] exercise="turing_equal"
def checker(shown_equal):
    few, many = shown_equal(5, 10, 0.1), shown_equal(540, 1000, 0.1)
    require(many or not few, "With 5 of 10 you call it shown: hardly any film was read.")
    require(not shown_equal(11, 20, 0.1), "11 of 20 lie close to one half, but how sure is that? Use the interval.")
    require(not shown_equal(100, 400, 0.1), "100 of 400 is far worse than a coin: such readers see it, and say the wrong word.")
    require(many, "540 of 1000: they may differ a little from a coin, and still lie within the margin.")
    require(bool(shown_equal(107, 200, 0.1)), "107 of 200 suffices at 90 %; did you take 95 %?")
    require(not shown_equal(580, 1000, 0.1), "580 of 1000: the interval reaches beyond 60 %.")
    fixed = shown_equal(540, 1000, 0.05) or not shown_equal(580, 1000, 0.2)
    require(not fixed, "Another margin must give another answer: use `margin`, not fixed limits.")

# %% [markdown] tags=["slide"]
# ### Play: what can your number of films show?
#
# Below: for every true share of right answers, the chances of the four verdicts. With few films it is nearly always *undecided*.

# %%
VERDICTS = ["told apart", "undecided", "equal to a coin within the margin",
            "better or worse than a coin, but by less than the margin"]


def draw_verdicts(answers, margin):
    counts = np.arange(answers + 1)
    said = [against_chance(int(k), answers, margin).verdict for k in counts]
    truths = np.linspace(0.5, 0.8, 61)
    chances = binom.pmf(counts[:, None], answers, truths)
    parts = [chances[[word == verdict for word in said]].sum(axis=0) for verdict in VERDICTS]
    fig, ax = plt.subplots(figsize=(8.5, 3.6))
    ax.stackplot(truths, parts, labels=VERDICTS, colors=[COLOURS[1], "#DDDDDD", COLOURS[2], COLOURS[5]])
    ax.axvline(0.5 + margin, color="k", linestyle=":")
    ax.set(xlabel="true share of right answers", ylabel="chance of each verdict", xlim=(0.5, 0.8), ylim=(0, 1))
    ax.set_title(f"one reader, {answers} films")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return fig


explore(draw_verdicts, alt="Stacked areas: chances of four verdicts against the true share of right answers; with 200 films "
        "guessing is shown in three of four studies, and a band of grey, undecided, is widest near 55 per cent",
        answers=(20, 600, 20, 200), margin=(0.05, 0.2, 0.05, 0.1))

# %%
from course_lib.evaluation.power import cases_for_proportion

to_tell = cases_for_proportion(expected=0.6, minimum=0.5)
to_equal = cases_for_proportion(expected=0.5, minimum=0.4, power=0.9, alpha=0.05)  # and the same upwards: 80 % for both
print(f"to find a reader who is truly right in 60 %: {to_tell} films; to show that one guesses: {to_equal} films")
claim("Forty films are far too few for either", min(to_tell, to_equal) > 4 * 40)

# %% [markdown] tags=["slide"]
# ## 8 How sure were they?
#
# *Real* or *synthetic* is one threshold. With confidence there are ten steps from "surely real" to "surely synthetic", and so a
# [[ROC curve]]: skill without caution, as d′, but without bell curves.

# %% tags=["slide"]
from course_lib.evaluation.delong import delong
from course_lib.evaluation.roc import roc_curve

careful, hasty = SimulatedReader(1.0, 0.7), SimulatedReader(1.0, -0.4)
seen = simulate_impressions([careful, hasty], is_synthetic, np.random.default_rng(8), shared=0.3)[0]
ratings = ratings_of([careful, hasty], seen)
fig, ax = plt.subplots(figsize=(4.6, 4.2))
for rating, name, colour in zip(ratings, ("slow to say synthetic", "quick to say synthetic"), (0, 1), strict=True):
    curve, score = roc_curve(is_synthetic, rating), score_reading(is_synthetic, rating > 0)
    ax.plot(curve.false_positive_rate, curve.true_positive_rate, color=COLOURS[colour], label=name)
    ax.plot(1 - score.specificity.value, score.sensitivity.value, "o", color=COLOURS[colour])
    print(f"{name:23s} accuracy {score.accuracy.value:.2f}, sensitivity {score.sensitivity.value:.2f}, "
          f"specificity {score.specificity.value:.2f}, AUC {delong(is_synthetic, rating).auc:.2f}")
ax.plot([0, 1], [0, 1], "k:")
ax.set(xlabel="real films called synthetic", ylabel="synthetic films called synthetic", aspect="equal")
ax.legend(loc="lower right")
show(fig, alt="Two ROC curves that lie close together; the dot of the slow reader lies low on the left, that of the "
     "quick one high on the right")

# %%
areas = [delong(is_synthetic, rating) for rating in ratings]
claim("Same skill: their AUCs differ by less than 0.1", abs(areas[0].auc - areas[1].auc) < 0.1)
claim("and the truth, 0.76, lies in both intervals", all(a.interval.low < careful.auc < a.interval.high for a in areas))

# %% [markdown] tags=["slide"]
# ## 9 What a Turing test never sees
#
# - **Variety.** A generator that repeats twenty training films passes every time. Each film is judged alone.
# - **Privacy.** The same: a copy of a patient is the most realistic film of all.
# - **Medicine.** "Looks real" is not "has the right findings as often as they occur".
# - **What eyes do not see.** A network may see it, and a network trained on such films may learn it.
# - **Practice.** Shown the clues, readers went from 61 % to 80 % (Higaki 2022).
#
# Variety is measured with distances between *sets* of films, use by training on them. Both are lessons of their own.

# %% tags=["slide"]
random = np.random.default_rng(3)
copies = shown_real[random.integers(20, 30, 150)]  # a "generator" that knows ten films by heart
others = shown_real[30:180]
different = [len(np.unique(kind.reshape(len(kind), -1), axis=0)) for kind in (others, copies)]
fig = films(copies[:12], columns=12, width=12, vmin=0, vmax=255)
show(fig, alt="Twelve films of a generator that repeats ten real films: several come twice")

# %%
print(f"different films among 150: real {different[0]}, copied {different[1]}")
claim("Film by film no reader can do better than a coin, and yet the 150 show ten patients", different == [150, 10])

# %% [markdown] tags=["instructor"]
# Let everybody read section 1 *before* the lesson (five minutes), collect the files, and run `combine(folder)`: kappa and the histogram of
# your own class are worth more than the simulated ones. Typical mistakes: reading 52 % sensitivity as "like a coin" without looking at
# the false alarms; taking poor kappa for realism; taking p = 0.67 for equality. Short of time: leave out section 8 and exercise "a coin
# needs no sample".

# %% [markdown] tags=["instructor"]
# Questions for the room: "Our generator reaches 50 % with radiologists. May we now share its films instead of patients'?" (Nothing was said about
# copies: test distances to the training films.) "Students were right in 45 %, p = 0.04. What now?" (They see a difference and
# name it the wrong way round; equal to guessing it is not.) At 64 pixels there is little to find; ask what people looked
# at, write it on the board, and let them read again: practice helps. What would 1024 pixels show?

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Fair first: same size, window, grey steps, order; let a blind computer check it.
# - Two rates, and say which is which. One alone says nothing. **d′ or AUC** is skill, the criterion is caution.
# - A coin needs no sample; readers and films do: both are drawn by chance.
# - Low **kappa** follows from low accuracy; high kappa without accuracy is a shared prejudice.
# - "Could not tell" needs a **margin** and some hundred films, not a large p.
# - A Turing test judges films one by one: never variety, privacy or usefulness.

# %% [markdown]
# ## References
#
# - M. Jang et al. Image Turing test and its applications on synthetic chest radiographs by using the progressive growing generative
#   adversarial network. Sci Rep 13 (2023). doi:10.1038/s41598-023-28175-1.
# - H. Y. Park et al. Realistic high-resolution body CT image synthesis by using progressive growing generative adversarial network:
#   visual Turing test. JMIR Med Inform 9 (2021) e23328.
# - A. Higaki et al. Using a visual Turing test to evaluate the realism of GAN-based synthesized myocardial perfusion images. Cureus 14 (2022) e30646.
# - M. J. M. Chuquicusma et al. How to fool radiologists with generative adversarial networks? arXiv:1710.09762.
# - D. M. Green, J. A. Swets. Signal detection theory and psychophysics. Wiley 1966.
# - J. L. Fleiss. Psychol Bull 76 (1971) 378. D. J. Schuirmann. J Pharmacokinet Biopharm 15 (1987) 657 (two one-sided tests).

# %% [markdown] tags=["slide"]
# ## A paper repeats itself
#
# A good paper prints the same facts several times: in the abstract, in the text, in tables; as counts
# and as percentages. Where it repeats itself, it can **contradict** itself.
#
# No data, no program and no permission are needed to check that. A pencil is enough.
#
# You audit two master's theses of one laboratory. They print enough counts to be checked; many
# famous papers do not.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib.evaluation.audit import (
    accuracy_at,
    how_rounded,
    least_area,
    mcnemar_range,
    possible_sizes,
    rates_that_fit,
)
from course_lib.evaluation.audited import audit_all
from course_lib.evaluation.hanley_mcneil import PublishedAuc, compare_published, hanley_mcneil_error
from course_lib.evaluation.intervals import wilson
from course_lib.evaluation.operating import Confusion
from course_lib.evaluation.published import published
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, show
from course_lib.teaching.widgets import explore

# %% [markdown]
# The two theses are about things this course builds:
#
# - **SCXNN** (Kim J., 2024): thirteen networks that pick out normal chest films. You build it in a
#   later lesson.
# - **GAN** (Kim M., 2021): networks that invent chest films, and find what is unusual.
#
# All their tables are in `datasets/papers/`, each figure with its place. Slips are in every paper;
# at the end you see some of ours.

# %% [markdown] tags=["slide"]
# ## 1 Do the counts agree?
#
# The SCXNN thesis says in its **text** that 1,325 of 1,326 abnormal films of the internal set were
# found, and 109 of 162 normal films were called normal ([[sensitivity]] 0.99, [[specificity]] 0.67). Here is
# its **table 2**.

# %%
table2 = published("scxnn_table2")
table2.pivot_table(index=["dataset", "predicted"], columns="reference", values="count", sort=False).astype(int)

# %% [markdown] tags=["exercise"] exercise="audit_counts"
# ### Exercise: true, or in contradiction?
#
# The thesis says A to E. Write `True` where the table above agrees, `False` where it does not.
#
# - `"A"`: the internal set has 1,326 abnormal films.
# - `"B"`: the internal set has 162 normal films.
# - `"C"`: the temporal set has 355 films in all.
# - `"D"`: 299 of 300 abnormal films of the temporal set were found.
# - `"E"`: the second external set has 645 abnormal films.

# %% tags=["stub"] exercise="audit_counts"
agrees = {"A": ..., "B": ..., "C": ..., "D": ..., "E": ...}

# %% tags=["check"] exercise="audit_counts"
check("audit_counts", agrees)

# %% [markdown] tags=["hint"] exercise="audit_counts"
# Abnormal films stand in the column "abnormal". Each set has two rows.

# %% [markdown] tags=["hint"] exercise="audit_counts"
# For "C" add up all four numbers of the temporal set.

# %% [markdown] tags=["hint"] exercise="audit_counts"
# 1,325 + 4 = 1,329, and 121 + 1 + 104 + 299 = 525. The other three agree.

# %% tags=["solution"] exercise="audit_counts"
agrees = {"A": False, "B": True, "C": False, "D": True, "E": True}  # 1,329 and 525

# %% tags=["equivalent"] exercise="audit_counts"
agrees = {"A": 1325 + 4 == 1326, "B": 109 + 53 == 162, "C": 525 == 355, "D": 1 + 299 == 300,
          "E": 17 + 628 == 645}  # fmt: skip

# %% tags=["wrong"] exercise="audit_counts" says="A is wrong"
agrees = {"A": True, "B": True, "C": False, "D": True, "E": True}

# %% tags=["wrong"] exercise="audit_counts" says="C is wrong"
agrees = {"A": False, "B": True, "C": True, "D": True, "E": True}

# %% tags=["wrong"] exercise="audit_counts" says="D is wrong"
agrees = {"A": False, "B": True, "C": False, "D": False, "E": True}

# %% tags=["wrong"] exercise="audit_counts" says="True or False"
agrees = {"A": 1329, "B": 162, "C": 525, "D": 300, "E": 645}

# %% tags=["checker"] exercise="audit_counts"
def checker(agrees):
    right = {"A": False, "B": True, "C": False, "D": True, "E": True}
    require(isinstance(agrees, dict) and set(agrees) == set(right), "Keep the five letters.")
    require(
        all(isinstance(value, (bool, np.bool_)) for value in agrees.values()),
        "Write True or False for each letter.",
    )
    for letter, value in right.items():
        require(agrees[letter] == value, f"{letter} is wrong: count again in the table.")

# %% [markdown]
# **What follows?** With 1,325 of 1,329 four abnormal films are missed, not one. The sensitivity falls
# only from 0.999 to 0.997, but in screening *who was missed* is the question, and four is not one.
#
# The set of 355 films (abstract and methods) that has 525 in its table is worse: nobody can say which
# patients were tested.

# %% tags=["slide"]
total = {name: int(group["count"].sum()) for name, group in table2.groupby("dataset")}
ill = {name: int(group.loc[group.reference == "abnormal", "count"].sum()) for name, group in table2.groupby("dataset")}
print("films in table 2:", total)
print("of them abnormal:", ill)
table1 = published("scxnn_table1")
print(f"table 1: {table1.hard.sum():,} with masks, {table1.weak.sum():,} without; abstract: 5,400 and 19,314")
claim("Abstract and table 1 disagree on both kinds", (table1.hard.sum(), table1.weak.sum()) != (5400, 19314))
claim("and yet agree on the sum", table1.hard.sum() + table1.weak.sum() == 5400 + 19314)

# %% [markdown]
# The same sum, split differently: probably one number is of an earlier version of the data. That is
# harmless for the result, and still a question to the authors: *which films had masks?*

# %% [markdown] tags=["slide"]
# ## 2 What was rounded, and how?
#
# 1,325 of 1,329 is 0.99699. Rounded to two digits that is **1.00**. The thesis prints **0.99**: the
# further digits were cut off. Cutting off is cautious here; for a [[p value]] it would not be.

# %%
for printed, part, whole in (("0.99", 1325, 1329), ("0.67", 109, 162), ("0.63", 66, 106), ("0.97", 628, 645)):
    low, high = wilson(part, whole)
    way = how_rounded(printed, part, whole)
    print(f"printed {printed}: {part}/{whole} = {part / whole:.4f} -> {way}; 95 % interval {low:.3f} to {high:.3f}")
claim("One of the four can be neither rounded nor cut off", how_rounded("0.63", 66, 106) == "neither")

# %% [markdown] tags=["exercise"] exercise="audit_grim"
# ### Exercise: how many films were there?
#
# Table 9 prints shares of films with diseases that the thirteen networks never learned, but not how
# many films. With few films a share can take few values only: of 4 films, 0.30 is not possible.
#
# Write `possible(share, n, digits)`: `True` if some whole number of films out of `n` gives `share`
# when rounded to `digits` digits. Then find the smallest `n` for rib fractures, of which the table
# prints 0.279, 0.140, 0.721 and 0.860.

# %% tags=["stub"] exercise="audit_grim"
def possible(share, n, digits=3):
    """Whether k of n films can give this share, for some whole k."""
    return ...


fracture_films = ...

# %% tags=["check"] exercise="audit_grim"
check("audit_grim", possible, fracture_films)

# %% [markdown] tags=["hint"] exercise="audit_grim"
# Try every k from 0 to n. Python's `round(k / n, digits)` is good enough here.

# %% [markdown] tags=["hint"] exercise="audit_grim"
# `any(... for k in range(n + 1))` is true if one of them fits. Compare with a small tolerance.

# %% [markdown] tags=["hint"] exercise="audit_grim"
# For the second part: try n = 1, 2, 3, ... until all four shares are possible. It is between 40 and 45.

# %% tags=["solution"] exercise="audit_grim"
def possible(share, n, digits=3):
    """Whether k of n films can give this share, for some whole k."""
    return any(abs(round(k / n, digits) - share) < 1e-9 for k in range(n + 1))


# The first size that allows all four printed shares.
fracture_films = next(n for n in range(1, 100) if all(possible(s, n) for s in (0.279, 0.140, 0.721, 0.860)))

# %% tags=["equivalent"] exercise="audit_grim"
def possible(share, n, digits=3):
    counts = np.arange(n + 1)
    return bool(np.any(np.isclose(np.round(counts / n, digits), share)))


fracture_films = 43

# %% tags=["equivalent"] exercise="audit_grim"
def possible(share, n, digits=3):
    k = round(share * n)
    return abs(round(k / n, digits) - share) < 1e-9


fracture_films = 43

# %% tags=["wrong"] exercise="audit_grim" says="always"
def possible(share, n, digits=3):
    return 0 <= share <= 1


fracture_films = 43

# %% tags=["wrong"] exercise="audit_grim" says="round"
def possible(share, n, digits=3):
    return any(k / n == share for k in range(n + 1))


fracture_films = 43

# %% tags=["wrong"] exercise="audit_grim" says="last film"
def possible(share, n, digits=3):
    return any(abs(round(k / n, digits) - share) < 1e-9 for k in range(n))


fracture_films = 43

# %% tags=["wrong"] exercise="audit_grim" says="all four"
def possible(share, n, digits=3):
    return any(abs(round(k / n, digits) - share) < 1e-9 for k in range(n + 1))


fracture_films = 7

# %% tags=["checker"] exercise="audit_grim"
def checker(possible, fracture_films):
    require(bool(possible(0.25, 4, 2)), "1 of 4 is 0.25: that is possible. Does k / n get rounded?")
    require(not possible(0.30, 4, 2), "0.30 of 4 films is not possible, but you always say yes.")
    require(bool(possible(0.143, 7, 3)), "1 of 7 is 0.143 when you round it.")
    require(bool(possible(1.0, 7, 3)), "All 7 of 7 is possible too: the last film is missing.")
    require(not possible(0.15, 7, 3), "0.150 is no share of 7 films.")
    shares = (0.279, 0.140, 0.721, 0.860)
    fits = [n for n in range(1, 100) if all(any(round(k / n, 3) == s for k in range(n + 1)) for s in shares)]
    require(fracture_films in fits, "With that many films not all four shares are possible.")
    close(fracture_films, fits[0], "It is possible, but there is a smaller number.")

# %%
table9 = published("scxnn_table9", as_printed=True)
fit = []
for row in table9.itertuples():
    shares = [row.normal, row.target, row.others]
    usual = {"pneumonia": 30, "edema": 7, "fracture": 43}[row.disease]
    sizes, total = possible_sizes(shares), sum(map(float, shares))
    fit.append(usual in sizes and abs(total - 1) < 0.0025)
    if not fit[-1]:
        smallest = f"smallest n {sizes[0]}" if sizes else "no n up to 100"
        print(f"{row.disease:9s} {row.model:19s} {' '.join(shares)}: sum {total:.3f}, {smallest}")
claim("Thirty pneumonias, seven oedemas and 43 fractures explain 34 of the 39 rows", (sum(fit), len(fit)) == (34, 39))

# %% [markdown]
# Five rows fall out: two do not add up to 1, one has 29 films instead of 30, and two fracture rows belong
# to another number of films (0.286, 0.286 and 0.429 are sevenths: a row of oedema under the name of
# fracture?). Strictly, 7 is the *smallest* number. But with 14 films some share would be an odd number
# of fourteenths, and none is.
#
# **What follows?** "Unseen diseases are rarely called normal" rests on 7 films for oedema. One film more
# or less is 14 percentage points.

# %% [markdown] tags=["slide"]
# ## 3 A rate under another rate's name
#
# Tables 4 and 5 of SCXNN print "accuracy" for six backbones and six weights λ.

# %%
table4 = published("scxnn_table4", as_printed=True)
table4[["backbone", "accuracy", "auc", "specificity", "sensitivity"]]

# %% [markdown] tags=["exercise"] exercise="audit_accuracy"
# ### Exercise: what is their accuracy?
#
# Write `their_accuracy(sensitivity, specificity)` so that it reproduces the printed column of all
# six rows. Then compute `true_accuracy`: the share of right answers that DenseNet-121 (sensitivity
# 0.971, specificity 0.758) would have on the films of table 2, 1,329 abnormal and 162 normal.

# %% tags=["stub"] exercise="audit_accuracy"
def their_accuracy(sensitivity, specificity):
    """The number that tables 4 and 5 call accuracy."""
    return ...


true_accuracy = ...

# %% tags=["check"] exercise="audit_accuracy"
check("audit_accuracy", their_accuracy, true_accuracy)

# %% [markdown] tags=["hint"] exercise="audit_accuracy"
# Look at one row: 0.822 and 0.709 became 0.7655. Where does it lie between the two?

# %% [markdown] tags=["hint"] exercise="audit_accuracy"
# In the middle. For the true accuracy, weigh each rate by the number of films it is about.

# %% [markdown] tags=["hint"] exercise="audit_accuracy"
# `(0.971 * 1329 + 0.758 * 162) / (1329 + 162)`

# %% tags=["solution"] exercise="audit_accuracy"
def their_accuracy(sensitivity, specificity):
    """The number that tables 4 and 5 call accuracy."""
    return (sensitivity + specificity) / 2  # its name is balanced accuracy


true_accuracy = accuracy_at(0.971, 0.758, ill=1329, healthy=162)  # (0.971 * 1329 + ...) / 1491

# %% tags=["equivalent"] exercise="audit_accuracy"
def their_accuracy(sensitivity, specificity):
    return 0.5 * sensitivity + 0.5 * specificity


true_accuracy = (0.971 * 1329 + 0.758 * 162) / (1329 + 162)

# %% tags=["wrong"] exercise="audit_accuracy" says="geometric"
def their_accuracy(sensitivity, specificity):
    return (sensitivity * specificity) ** 0.5


true_accuracy = 0.948

# %% tags=["wrong"] exercise="audit_accuracy" says="printed column"
def their_accuracy(sensitivity, specificity):
    return (sensitivity * 1329 + specificity * 162) / 1491


true_accuracy = 0.948

# %% tags=["wrong"] exercise="audit_accuracy" says="again the mean"
def their_accuracy(sensitivity, specificity):
    return (sensitivity + specificity) / 2


true_accuracy = 0.8645

# %% tags=["wrong"] exercise="audit_accuracy" says="other way"
def their_accuracy(sensitivity, specificity):
    return (sensitivity + specificity) / 2


true_accuracy = (0.971 * 162 + 0.758 * 1329) / 1491  # each rate with the other's films

# %% tags=["wrong"] exercise="audit_accuracy" says="per cent"
def their_accuracy(sensitivity, specificity):
    return (sensitivity + specificity) / 2


true_accuracy = 94.8

# %% tags=["checker"] exercise="audit_accuracy"
def checker(their_accuracy, true_accuracy):
    rows = [(0.822, 0.709, 0.7655), (0.933, 0.723, 0.828), (0.880, 0.692, 0.786), (0.971, 0.758, 0.8645)]
    got = [float(their_accuracy(a, b)) for a, b, _ in rows]
    roots = [(a * b) ** 0.5 for a, b, _ in rows]
    require(not np.allclose(got, roots, atol=1e-6), "A geometric mean comes close, but not for all rows.")
    for (a, b, printed), value in zip(rows, got, strict=True):
        require(abs(value - printed) < 0.001, f"For {a} and {b} the printed column says {printed}; you give {value:.4f}.")
    require(abs(true_accuracy - 0.8645) > 1e-3, "That is again the mean; there are eight times as many abnormal films.")
    require(true_accuracy <= 1, "Give a share from 0 to 1, as the table does, not per cent.")
    swapped = (0.971 * 162 + 0.758 * 1329) / 1491
    require(abs(true_accuracy - swapped) > 1e-3, "The other way round: sensitivity is about the abnormal films.")
    close(true_accuracy, (0.971 * 1329 + 0.758 * 162) / 1491, "Right answers divided by all films.", rtol=2e-3)

# %% tags=["slide"]
table6 = published("scxnn_table6")
for row in table6.itertuples():
    mean = (row.sensitivity + row.specificity) / 2
    print(f"{row.task:14s} {row.equalisation:9s} dilation {row.dilation:3s}: 'accuracy' {row.accuracy:.3f}, "
          f"mean {mean:.4f}, specificity {row.specificity:.3f}")
same_as_specificity = (table6.accuracy == table6.specificity).tolist()
claim("In table 6 four of five 'accuracies' are the specificity", same_as_specificity == [True] * 4 + [False])

# %% [markdown]
# **What follows?** Table 6 is meant to show how much each idea helps. Its last step, "with dilation", seems
# to lift the accuracy from 0.720 to 0.865. But 0.720 is a specificity and 0.865 a mean. With means on
# both sides the step is 0.7885 to 0.8645: half as high. The order stays, the size of the effect does not.
#
# Now the question of section 2 again: which films are these? If they were the 162 normal films of the
# internal set, every specificity of table 4 would be some k / 162.

# %%
fitting = [s for s in table4.specificity if any(abs(k / 162 - float(s)) < 0.0006 for k in range(163))]
print("specificities of table 4 that 162 normal films allow:", fitting or "none")
claim("No specificity of table 4 comes from 162 normal films", fitting == [])

lucky = np.random.default_rng(0).binomial(162, 0.73, (20_000, 6)).max(axis=1).mean() / 162
print(f"six networks of true specificity 0.73, each on 162 films of its own: the best shows {lucky:.2f} on average")
claim("The best of six equals looks 3 to 6 points too good", 0.03 < lucky - 0.73 < 0.06)

# %% [markdown]
# So tables 4 to 6 speak of other films, or of means over the thirteen networks; the thesis does not say. It
# matters: six backbones, six λ and five ways of preprocessing were compared, and the **best of each was
# kept**. On the films on which one chooses, the winner looks too good by luck alone (less so when all
# see the same films, but still). Choose on the validation set; report the test set once.

# %% [markdown] tags=["slide"]
# ## 4 Totals that do not add up
#
# The GAN thesis trains one classifier on real films and one on invented films, and tests both on
# real films. Its table 3, with the totals as printed:

# %%
table3 = published("gan_table3")
order = ["normal", "abnormal", "total"]
table3.pivot_table(index="predicted", columns="reference", values="count").loc[order, order].astype(int)

# %% [markdown] tags=["exercise"] exercise="audit_totals"
# ### Exercise: repair the table
#
# Two of the five totals are wrong. Write the right row total of *predicted abnormal* and the right
# column total of *reference normal*. Then use them: which sensitivity (for abnormal films) and
# specificity did the classifier really have?

# %% tags=["stub"] exercise="audit_totals"
row_total = ...
column_total = ...
sensitivity = ...
specificity = ...

# %% tags=["check"] exercise="audit_totals"
check("audit_totals", row_total, column_total, sensitivity, specificity)

# %% [markdown] tags=["hint"] exercise="audit_totals"
# The four inner cells are 1,312, 92, 109 and 1,540. Trust them, and add up.

# %% [markdown] tags=["hint"] exercise="audit_totals"
# Sensitivity: of all films that *are* abnormal (92 + 1,540), how many were called so?

# %% [markdown] tags=["hint"] exercise="audit_totals"
# 109 + 1,540 = 1,649 and 1,312 + 109 = 1,421; 1540 / 1632 and 1312 / 1421.

# %% tags=["solution"] exercise="audit_totals"
row_total = 109 + 1540
column_total = 1312 + 109
sensitivity = 1540 / (1540 + 92)  # of the films that are abnormal
specificity = 1312 / column_total

# %% tags=["equivalent"] exercise="audit_totals"
row_total, column_total = 1649, 1421
sensitivity, specificity = 94.4, 92.3  # per cent

# %% tags=["wrong"] exercise="audit_totals" says="printed"
row_total, column_total = 1549, 1321
sensitivity, specificity = 1540 / 1632, 1312 / 1421

# %% tags=["wrong"] exercise="audit_totals" says="predicted abnormal"
row_total, column_total = 1649, 1421
sensitivity, specificity = 1540 / 1649, 1312 / 1404

# %% tags=["wrong"] exercise="audit_totals" says="exchanged"
row_total, column_total = 1649, 1421
sensitivity, specificity = 1312 / 1421, 1540 / 1632

# %% tags=["checker"] exercise="audit_totals"
def checker(row_total, column_total, sensitivity, specificity):
    require(row_total != 1549 and column_total != 1321, "Those are the printed totals; add up the cells.")
    close(row_total, 1649, "Predicted abnormal: 109 and 1,540.")
    close(column_total, 1421, "Reference normal: 1,312 and 109.")
    a, b = (value / 100 if value > 1 else value for value in (float(sensitivity), float(specificity)))
    require(abs(a - 1540 / 1649) > 1e-3, "You divided by the films that were predicted abnormal; divide by those that are.")
    require(not (abs(a - 1312 / 1421) < 1e-3 and abs(b - 1540 / 1632) < 1e-3), "You exchanged the two.")
    close(a, 1540 / 1632, "Sensitivity: called abnormal, of those that are.", rtol=2e-3)
    close(b, 1312 / 1421, "Specificity: called normal, of those that are.", rtol=2e-3)

# %% [markdown]
# Two digits were mistyped (1,549 and 1,321). Harmless. But the text says: sensitivity 93.4 %,
# specificity 93.3 %. You found 94.4 % and 92.3 %. Is that mistyped too?

# %% [markdown] tags=["exercise"] exercise="audit_names"
# ### Exercise: find the right names
#
# Here are the three classifiers' tables and what the text calls their sensitivity and specificity.
# Use `rates_that_fit(printed, counts)`, which names all simple rates that give the printed number.
# Which rate is printed as "sensitivity", and which as "specificity", in **all three** cases?
# Answer with the names that the function gives.

# %% tags=["given"] exercise="audit_names"
tests = {
    "real on real": Confusion(tp=1540, fp=109, fn=92, tn=1312),
    "synthetic on synthetic": Confusion(tp=1504, fp=157, fn=128, tn=1264),
    "synthetic on real": Confusion(tp=1441, fp=326, fn=191, tn=1095),
}
printed = {
    "real on real": ("93.4", "93.3"),
    "synthetic on synthetic": ("90.8", "90.5"),
    "synthetic on real": ("85.1", "81.6"),
}

# %% tags=["stub"] exercise="audit_names"
called_sensitivity = ...
called_specificity = ...

# %% tags=["check"] exercise="audit_names"
check("audit_names", called_sensitivity, called_specificity)

# %% [markdown] tags=["hint"] exercise="audit_names"
# `for name in tests: print(name, rates_that_fit(printed[name][0], tests[name]))`

# %% [markdown] tags=["hint"] exercise="audit_names"
# One test can fit several rates by chance. Take the name that is in all three lists.

# %% [markdown] tags=["hint"] exercise="audit_names"
# Somebody divided by the row totals (what was *predicted*) instead of the column totals.

# %% tags=["solution"] exercise="audit_names"
called_sensitivity = "npv"  # 1312 / 1404, 1264 / 1392, 1095 / 1286
called_specificity = "ppv"  # 1540 / 1649, 1504 / 1661, 1441 / 1767
assert all("npv" in rates_that_fit(printed[n][0], tests[n]) for n in tests)

# %% tags=["equivalent"] exercise="audit_names"
called_sensitivity, called_specificity = (
    sorted(set.intersection(*(set(rates_that_fit(printed[n][i], tests[n])) for n in tests)))[0]
    for i in (0, 1)
)

# %% tags=["wrong"] exercise="audit_names" says="names are right"
called_sensitivity, called_specificity = "sensitivity", "specificity"

# %% tags=["wrong"] exercise="audit_names" says="other way"
called_sensitivity, called_specificity = "ppv", "npv"

# %% tags=["wrong"] exercise="audit_names" says="accuracy"
called_sensitivity, called_specificity = "accuracy", "accuracy"

# %% tags=["checker"] exercise="audit_names"
def checker(called_sensitivity, called_specificity):
    words = [str(w).strip().lower() for w in (called_sensitivity, called_specificity)]
    require(words != ["sensitivity", "specificity"], "You say the names are right, but 93.4 is not 94.4.")
    require(words != ["ppv", "npv"], "It is the other way round: look at 'synthetic on real'.")
    require("accuracy" not in words, "accuracy fits by chance in one table, not in all three.")
    require(words == ["npv", "ppv"], "Print the three lists for each and find the common name.")

# %% tags=["slide"]
names = list(tests)
fig, ax = plt.subplots(figsize=(8, 3.2))
for shift, colour, label in ((-0.18, COLOURS[0], "printed"), (0.18, COLOURS[1], "from the table")):
    for i, word in enumerate(("sensitivity", "specificity")):
        values = [float(printed[n][i]) if label == "printed" else 100 * getattr(tests[n], word) for n in names]
        places = np.arange(3) + 4 * i + shift
        ax.bar(places, values, 0.34, color=colour, label=label if i == 0 else None)
        for x, value in zip(places, values, strict=True):
            ax.text(x, value + 0.6, f"{value:.1f}", ha="center", fontsize=8)
ax.set(ylim=(70, 100), ylabel="%", xticks=[0, 1, 2, 4, 5, 6])
ax.set_xticklabels([n.replace(" on ", "\non ") for n in names] * 2, fontsize=8)
ax.set_title("sensitivity (left three) and specificity (right three)")
ax.legend(loc="upper center", ncols=2)
show(fig, alt="Bars of printed and recomputed sensitivity and specificity; the last specificity is 82 against 77")

# %% [markdown]
# **What follows?** Sensitivity is better than told, specificity worse. Trained on invented films, the
# classifier loses 6 points of sensitivity, not 8, and 15 points of specificity, not 12: on real films it is
# 77 %, not 82 %. The thesis calls the gap "negligible".

# %% [markdown] tags=["slide"]
# ## 5 "No statistical difference (p < 0.0001)"
#
# On the same 3,053 real films the AUROC was 0.9830 (trained on real) and 0.8810 (trained on
# invented films). The thesis: "there was no statistical difference between them (p < 0.0001)".
#
# A p-value of 0.0001 means the opposite. Which of the two is the slip? Compute it.

# %% [markdown] tags=["exercise"] exercise="audit_z"
# ### Exercise: a z-test from two printed numbers
#
# Write `z_of(auc_1, auc_2, positives, negatives)`: the difference divided by its standard error.
# `hanley_mcneil_error(auc, positives, negatives)` gives the error of one area. Treat the two as
# independent: errors add as squares. (On the same films that is the cautious choice.)

# %% tags=["stub"] exercise="audit_z"
def z_of(auc_1, auc_2, positives, negatives):
    """How many standard errors two AUCs lie apart."""
    return ...

# %% tags=["check"] exercise="audit_z"
check("audit_z", z_of)

# %% [markdown] tags=["hint"] exercise="audit_z"
# Two errors, one for each area. What is the error of a difference?

# %% [markdown] tags=["hint"] exercise="audit_z"
# The square root of the sum of the two squared errors.

# %% [markdown] tags=["hint"] exercise="audit_z"
# `(auc_1 - auc_2) / math.hypot(error_1, error_2)`, or with `np.hypot`.

# %% tags=["solution"] exercise="audit_z"
def z_of(auc_1, auc_2, positives, negatives):
    """How many standard errors two AUCs lie apart."""
    errors = [hanley_mcneil_error(a, positives, negatives) for a in (auc_1, auc_2)]
    return (auc_1 - auc_2) / np.hypot(*errors)

# %% tags=["equivalent"] exercise="audit_z"
def z_of(auc_1, auc_2, positives, negatives):
    first, second = (PublishedAuc(a, positives, negatives) for a in (auc_1, auc_2))
    return compare_published(first, second).z

# %% tags=["wrong"] exercise="audit_z" says="squares"
def z_of(auc_1, auc_2, positives, negatives):
    errors = [hanley_mcneil_error(a, positives, negatives) for a in (auc_1, auc_2)]
    return (auc_1 - auc_2) / (errors[0] + errors[1])

# %% tags=["wrong"] exercise="audit_z" says="only one"
def z_of(auc_1, auc_2, positives, negatives):
    return (auc_1 - auc_2) / hanley_mcneil_error(auc_1, positives, negatives)

# %% tags=["wrong"] exercise="audit_z" says="variance"
def z_of(auc_1, auc_2, positives, negatives):
    errors = [hanley_mcneil_error(a, positives, negatives) for a in (auc_1, auc_2)]
    return (auc_1 - auc_2) / (errors[0] ** 2 + errors[1] ** 2)

# %% tags=["checker"] exercise="audit_z"
def checker(z_of):
    one, two = (hanley_mcneil_error(a, 300, 200) for a in (0.9, 0.8))
    got = float(z_of(0.9, 0.8, 300, 200))
    require(abs(got - 0.1 / (one + two)) > 1e-6, "Errors do not add as they are: their squares do.")
    require(min(abs(got - 0.1 / one), abs(got - 0.1 / two)) > 1e-6, "You used only one of the two errors.")
    require(abs(got - 0.1 / (one**2 + two**2)) > 1e-6, "That is the variance; take its square root.")
    close(got, 0.1 / math.hypot(one, two), "Difference divided by the error of the difference.")
    close(z_of(0.8, 0.9, 300, 200), -0.1 / math.hypot(one, two), "The sign should say which is larger.")

# %% tags=["slide"]
real, invented = (PublishedAuc(value, 1632, 1421) for value in (0.9830, 0.8810))
test = compare_published(real, invented)
print(f"errors {real.standard_error:.4f} and {invented.standard_error:.4f}, z = {test.z:.1f}")
print(f"difference {test.difference:.3f}, 95 % interval {test.interval}")
claim("The two areas lie more than ten standard errors apart", test.z > 10)

# %% [markdown]
# The p-value is right and the sentence is wrong. And even with p = 0.3 the sentence would prove nothing:
# *no difference found* is not *no difference*. Whoever wants to claim "as good as" names a margin
# beforehand and tests against it ([[non-inferiority]], lesson "Comparing classifiers").

# %% [markdown] tags=["slide"]
# ## 6 Ninety of one hundred
#
# Table 6: a network that knows only healthy films (AnoGAN) looks at 100 films with twelve diseases.
# A supervised network has learned five of the twelve.

# %%
table6_gan = published("gan_table6")
rows = table6_gan[table6_gan.diagnosis != "total"]
print(rows[["diagnosis", "in_training", "subjects", "detected"]].to_string(index=False))
print("total as printed: 100 subjects, 90 detected")

# %% [markdown] tags=["exercise"] exercise="audit_detected"
# ### Exercise: recount, and find where the gain lies
#
# The supervised network found 37 of the 40 films with diseases it had learned, and 14 of the 60
# others. Fill in: how many did AnoGAN really find in all, among the learned diseases (`in_training`
# is "yes"), and among the others?

# %% tags=["stub"] exercise="audit_detected"
found_in_all = ...
found_learned = ...
found_others = ...

# %% tags=["check"] exercise="audit_detected"
check("audit_detected", found_in_all, found_learned, found_others)

# %% [markdown] tags=["hint"] exercise="audit_detected"
# `rows` is a table: `rows.detected.sum()` adds up a column.

# %% [markdown] tags=["hint"] exercise="audit_detected"
# `rows[rows.in_training == "yes"]` are the five learned diseases.

# %% [markdown] tags=["hint"] exercise="audit_detected"
# 8 + 6 + 9 + 7 + 8 for the learned ones; the rest are the others.

# %% tags=["solution"] exercise="audit_detected"
learned = {"nodule": 8, "consolidation": 6, "interstitial": 9, "effusion": 7, "pneumothorax": 8}
others = {"calcification": 9, "atelectasis": 8, "widening": 5, "fracture": 8, "pneumomediastinum": 6,
          "emphysema": 5, "pneumoperitoneum": 10}  # fmt: skip
found_learned, found_others = sum(learned.values()), sum(others.values())
found_in_all = found_learned + found_others

# %% tags=["equivalent"] exercise="audit_detected"
found_in_all, found_learned, found_others = 89, 38, 51

# %% tags=["wrong"] exercise="audit_detected" says="printed total"
found_in_all, found_learned, found_others = 90, 38, 52

# %% tags=["wrong"] exercise="audit_detected" says="learned"
found_in_all, found_learned, found_others = 89, 40, 49

# %% tags=["wrong"] exercise="audit_detected" says="supervised"
found_in_all, found_learned, found_others = 51, 37, 14

# %% tags=["checker"] exercise="audit_detected"
def checker(found_in_all, found_learned, found_others):
    require(found_in_all != 90, "90 is the printed total; add up the rows.")
    require(found_in_all != 51, "Those are the numbers of the supervised network; count AnoGAN's.")
    close(found_in_all, 89, "Add up the column 'detected'.")
    close(found_learned, 38, "The five learned diseases: look at 'in_training'.")
    close(found_others, 51, "The seven others: what remains.")

# %% tags=["slide"]
groups = {"all 100": (89, 51, 100), "learned (40)": (38, 37, 40), "others (60)": (51, 14, 60)}
for name, (anogan, supervised, n) in groups.items():
    low, high = mcnemar_range(anogan, supervised, n)
    print(f"{name:13s} AnoGAN {anogan / n:.1%}, supervised {supervised / n:.1%}; p between {low:.2g} and {high:.2g}")
claim("On diseases it was taught, the supervised network is no worse than could be chance", mcnemar_range(38, 37, 40)[0] > 0.05)
claim("On the others AnoGAN is better, however the films were paired", mcnemar_range(51, 14, 60)[1] < 0.001)

# %% [markdown]
# The thesis does not print which films each network found, only how many. `mcnemar_range` goes through
# all pairings that are possible and gives the smallest and the largest p value of [[McNemar's test]]. So we *can* say: the gain is real, and it lies **entirely** in diseases
# that the supervised network was never shown. The slip (90 for 89; and 8 of 9 printed as 100 % in the text)
# changes nothing.

# %% [markdown] tags=["slide"]
# ## 7 An area that is too small
#
# VGG-16 in SCXNN's table 4: sensitivity 0.822, specificity 0.709, AUC 0.726. One point of the
# [[ROC curve]] is thus known. Can a curve through that point have so little area?

# %%
def roc_through(sensitivity, specificity, area):
    """The chords through one operating point, and the area they enclose."""
    fig, ax = plt.subplots(figsize=(4.4, 4.2))
    ax.plot([0, 1 - specificity, 1], [0, sensitivity, 1], color=COLOURS[1], label="straight lines through the point")
    ax.plot(1 - specificity, sensitivity, "o", color=COLOURS[1], clip_on=False)
    ax.plot([0, 1], [0, 1], "k--", lw=0.8)
    least = least_area(sensitivity, specificity)
    verdict = "possible only with a dent" if area < least else "possible"
    ax.set(title=f"area of the lines {least:.4f}; printed {area:.3f}\n{verdict}")
    ax.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1))
    ax.legend(loc="lower right", fontsize=8)
    return fig


explore(
    roc_through,
    alt="ROC point with the lines to both corners; their area is compared with the printed one",
    sensitivity=(0.5, 1.0, 0.001, 0.822),
    specificity=(0.5, 1.0, 0.001, 0.709),
    area=(0.5, 1.0, 0.001, 0.726),
)

# %%
small = [row.backbone for row in published("scxnn_table4").itertuples()
         if row.auc < least_area(row.sensitivity, row.specificity)]  # fmt: skip
print("AUC below the area of the lines through their own point:", ", ".join(small))
claim("Three of six backbones have such an AUC", len(small) == 3)

# %% [markdown]
# A curve without dents lies above those lines. Real curves have small dents, but an area 0.03 to 0.05 below
# the lines needs a large one. More likely the AUC and the point come from different runs, or the AUC was
# computed from hard answers of another threshold. **Harmless?** The AUC column decides which backbone
# "wins": 0.904 against 0.881. We cannot repair it, only ask.

# %% [markdown] tags=["slide"]
# ## 8 The pencil as a program
#
# All checks of this lesson, and some more, run over all bundled tables. This is how a journal could
# test a manuscript in a second.

# %%
report = audit_all()
slips = report[~report.agrees]
print(f"{len(report)} checks, {len(slips)} disagree. Some of them:\n")
for slip in slips.iloc[[2, 4, 5, 6, 16, 17, 24]].itertuples():
    print(f"{slip.place:12s} {slip.statement:58s} {slip.printed:>5s} -> {slip.recomputed}")
claim("Most of what is printed is right", report.agrees.mean() > 0.75)

# %% [markdown]
# One check is worth a look. Tables 7 and 8 count the same films, answered with two classes (normal or ill)
# and with three (normal, the disease, another disease). Table 7 says that two classes found **978** abnormal
# films, table 8 that they found **948**. Does "three classes are better" survive?

# %%
for found in (978, 948):
    ill = 381 + found
    _, high = mcnemar_range(1325 * ill // 1329, found, ill)  # the same share of as many ill films
    print(f"{found} found: {1325 / 1329:.1%} with three classes, {found / ill:.1%} with two; largest possible p {high:.0e}")
    claim("Three classes find more, whichever number is right", high < 1e-50)

# %% [markdown] tags=["exercise"] exercise="audit_message"
# ### Exercise: does the message survive?
#
# For each slip write what it changes: `"nothing"`, `"size"` (the message stays, an effect is larger or smaller
# than told) or `"message"` (a sentence of the conclusion falls).
#
# - `"A"`: 90 detected in all, where the rows add up to 89.
# - `"B"`: "accuracy" in table 6 is a specificity in four rows and a mean in the fifth.
# - `"C"`: "no statistical difference (p < 0.0001)".
# - `"D"`: 978 for 948 films found with two classes.
# - `"E"`: PPV printed as specificity, in all three tests.

# %% tags=["stub"] exercise="audit_message"
changes = {"A": ..., "B": ..., "C": ..., "D": ..., "E": ...}

# %% tags=["check"] exercise="audit_message"
check("audit_message", changes)

# %% [markdown] tags=["hint"] exercise="audit_message"
# Put the right number into the sentence of the thesis. Would you still sign it?

# %% [markdown] tags=["hint"] exercise="audit_message"
# You computed each: B in section 3, E in section 4, C in section 5, A in section 6, D just above.

# %% [markdown] tags=["hint"] exercise="audit_message"
# Two change nothing, two change how large an effect is, one turns a sentence into its opposite.

# %% tags=["solution"] exercise="audit_message"
changes = {"A": "nothing", "B": "size", "C": "message", "D": "nothing", "E": "size"}

# %% tags=["equivalent"] exercise="audit_message"
changes = dict(zip("ABCDE", ["Nothing", "Size", "Message", "Nothing", "Size"], strict=True))

# %% tags=["wrong"] exercise="audit_message" says="z = 15"
changes = {"A": "nothing", "B": "size", "C": "size", "D": "nothing", "E": "size"}

# %% tags=["wrong"] exercise="audit_message" says="half as high"
changes = {"A": "nothing", "B": "nothing", "C": "message", "D": "nothing", "E": "size"}

# %% tags=["wrong"] exercise="audit_message" says="30 of 1,329"
changes = {"A": "nothing", "B": "size", "C": "message", "D": "message", "E": "size"}

# %% tags=["wrong"] exercise="audit_message" says="15 points"
changes = {"A": "nothing", "B": "size", "C": "message", "D": "nothing", "E": "nothing"}

# %% tags=["wrong"] exercise="audit_message" says="1 of 100"
changes = {"A": "message", "B": "size", "C": "message", "D": "nothing", "E": "size"}

# %% tags=["checker"] exercise="audit_message"
def checker(changes):
    require(isinstance(changes, dict) and set(changes) == set("ABCDE"), "Keep the five letters.")
    said = {letter: str(word).strip().lower() for letter, word in changes.items()}
    words = {"nothing", "size", "message"}
    require(set(said.values()) <= words, 'Use the words "nothing", "size" and "message".')
    require(said["A"] == "nothing", "A: 1 of 100 films; 89 against 51 says the same as 90 against 51.")
    require(said["B"] == "size", "B: the order of the rows stays, the last step is half as high.")
    require(said["C"] == "message", "C: with z = 15 the sentence says the opposite of what was found.")
    require(said["D"] == "nothing", "D: 30 of 1,329 films, where the two differ by 350 and more.")
    require(said["E"] == "size", "E: the loss of specificity is 15 points, not 12; that there is one, stays.")

# %% [markdown]
# ### All of them
#
# | slip | what it changes |
# |---|---|
# | 1,326 for 1,329; mistyped totals; 90 for 89 | nothing |
# | abstract's 5,400 / 19,314 | nothing, but ask which films had masks |
# | 355 against 525 films; table 3 has only 230 of its 300 abnormal ones | the temporal test cannot be judged |
# | 978 for 948 films found with two classes (tables 7 and 8) | nothing: three classes still win clearly |
# | "accuracy" under two meanings, neither of them the usual one | the size of the effects in table 6, not their order |
# | NPV and PPV called sensitivity and specificity | the loss of specificity is larger than told, that of sensitivity smaller |
# | AUCs below the lines through their own point | which backbone "wins" by AUC cannot be judged |
# | 8 of 9 printed as 100 % in the text, 88.9 % in the table | nothing |
# | "no difference (p < 0.0001)" | **the message itself** |

# %% [markdown]
# ### And in this course?
#
# - A test of ours compared our archive with "DCMTK". On a fresh computer it ran another package's tools of
#   the same names, because they came first on the search path. It tested something else.
# - Our CT reconstruction beats a library's on sinograms as detector cells measure them. On sinograms
#   sampled along thin lines, with many views, the library is up to 9 % better. Who prints only one of the two
#   is not lying, and still misleads.
#
# Slips happen to everybody. What differs is whether others *can* find them: print counts, not only rates.

# %% [markdown] tags=["slide"]
# ### Writing to the authors
#
# 1. Say what you liked, and that you rebuilt it.
# 2. One slip per line: place, printed, recomputed, how.
# 3. Ask, do not accuse: "Could it be that ...?"
# 4. Say whether it changes the conclusion. Usually it does not.

# %% [markdown] tags=["instructor"]
# Let pairs of students take one table each and report after ten minutes; nobody finds everything. Typical
# mistakes: they trust the totals instead of the cells, and they stop at the first explanation (exercise
# "find the right names" needs all three tables). Short of time: leave out section 7,
# and give readers who do not program `possible` from the solution (section 3 needs its idea). Ask: which of
# these slips would you have made with a spreadsheet? The people who wrote the theses shared their counts;
# keep the tone kind.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Cells before totals, counts before rates, rates before words.
# - A rate needs its denominator: sensitivity divides by who *is* ill, PPV by who was *called* ill.
# - Few cases betray themselves: rounded shares tell how many there were.
# - A printed AUC and two counts are enough for a test (Hanley and McNeil).
# - p < 0.0001 is a difference; p = 0.3 is no proof of equality.
# - For every slip ask: does the message survive?

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - J. Kim, Development of deep learning based ensemble model with multi-task learning for screening normal
#   group with robust unseen classes in chest radiographs, master's thesis, University of Ulsan, 2024.
# - M. Kim, Image synthesis and anomaly detection on chest radiographs using generative adversarial
#   networks, master's thesis, University of Ulsan, 2021.
# - N. J. L. Brown, J. A. J. Heathers, The GRIM test, Soc. Psychol. Personal. Sci. 8 (2017) 363.
# - J. A. Hanley, B. J. McNeil, The meaning and use of the area under a receiver operating characteristic
#   (ROC) curve, Radiology 143 (1982) 29.

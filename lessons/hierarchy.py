# %% [markdown] tags=["slide"]
# ## Too many diseases, too few pictures
#
# There are some two thousand skin diseases. A collection of 129,450 pictures has very many of common naevi
# and a handful of each rare disease. What should the network's outputs be?
#
# - two thousand outputs: most have almost nothing to learn from;
# - "benign or malignant": all that the picture's label knew is thrown away.
#
# Esteva and colleagues (Nature, 2017) had this collection. They used the **family tree** of the diseases: a
# [[taxonomy]].

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_lib.data.skin import diseases, lesions, long_tail, skin_tree
from course_lib.data.taxonomy import class_of, partition, steps_apart, summed, tree_of
from course_lib.learning.classes import Pictures, class_probabilities
from course_lib.learning.label_smoothing import ClassLoss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.densenet import densenet
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)

# %% [markdown]
# We cannot ship photographs of patients. Our 28 "diseases" are **drawings** with a family tree: relatives
# look alike, and some are thirty times as frequent as others. Nothing here is dermatology; the method is.

# %%
counts = long_tail(1500)
tree = skin_tree(counts)
pictures, labels = lesions(counts, seed=1)
print(len(pictures), "pictures,", len(diseases()), "diseases; from", max(counts.values()), "to", min(counts.values()), "each")

# %% tags=["slide"]
shown = ("common naevus", "blue naevus", "wart", "haemangioma", "nodular melanoma", "amelanotic melanoma",
         "squamous cell", "plaque lymphoma", "psoriasis", "ringworm", "cellulitis", "melasma")  # fmt: skip
fig, axes = plt.subplots(2, 6, figsize=(10, 3.9))
for ax, name in zip(axes.flat, shown, strict=True):
    ax.imshow(pictures[labels.index(name)].transpose(1, 2, 0))
    ax.set_title(name, fontsize=9)
    ax.axis("off")
show(fig, alt="Twelve drawn skin lesions: brown, blue, red, scaly, ringed, on skin of several tones")

# %% [markdown] tags=["slide"]
# ## 1 The tree
#
# Three kinds at the top (benign, malignant, non-neoplastic), nine families, 28 diseases. The real one has
# 2,032 diseases at its leaves.

# %%
def outline(node, depth=0):
    """The first levels of the tree with the number of pictures below each node."""
    if depth < 3:
        print("   " * depth + f"{node.name} ({node.total})")
        for child in node.children:
            outline(child, depth + 1)


outline(tree)
ranked = sorted(counts.values(), reverse=True)
half = int(np.searchsorted(np.cumsum(ranked), 0.5 * sum(ranked))) + 1
print(f"half of all pictures show only {half} of the 28 diseases")
claim("The frequent few have half of the pictures", half <= 7)

# %% [markdown] tags=["slide"]
# ## 2 Classes of a size that can be learned
#
# The recipe of the paper (Extended Data Table 1), with a largest class size $M$:
#
# 1. Take a node with everything below it. Fewer than $M$ pictures? It is **one class**. Done.
# 2. Otherwise try its children, one by one.
#
# With M = 1,000 the paper gets **757 classes** from 2,032 diseases.

# %% [markdown] tags=["exercise"] exercise="cut_the_tree"
# ### Exercise: cut the tree
#
# Write `cut(node, most)`: the list of the names of the classes. A node has `.name`, `.children` and
# `.total` (the pictures in and below it). Call `cut` inside itself for the children.

# %% tags=["given"] exercise="cut_the_tree"
small_tree = tree_of(
    "lung", {"infection": {"viral": {}, "bacterial": {}}, "tumour": {"benign": {}, "malignant": {}}},
    {"viral": 40, "bacterial": 90, "benign": 5, "malignant": 30},
)  # fmt: skip

# %% tags=["stub"] exercise="cut_the_tree"
def cut(node, most):
    """Names of the training classes with fewer than `most` pictures each."""
    return ...

# %% tags=["check"] exercise="cut_the_tree"
check("cut_the_tree", cut)

# %% [markdown] tags=["hint"] exercise="cut_the_tree"
# Two cases: the node fits (return a list with its one name), or it does not.

# %% [markdown] tags=["hint"] exercise="cut_the_tree"
# If it does not fit, collect the lists of all children into one list.

# %% [markdown] tags=["hint"] exercise="cut_the_tree"
# `[name for child in node.children for name in cut(child, most)]`

# %% tags=["solution"] exercise="cut_the_tree"
def cut(node, most):
    """Names of the training classes with fewer than `most` pictures each."""
    if node.total < most:
        return [node.name]
    return [name for child in node.children for name in cut(child, most)]

# %% tags=["equivalent"] exercise="cut_the_tree"
def cut(node, most):
    if node.total < most:
        return [node.name]
    found = []
    for child in node.children:
        found.extend(cut(child, most))
    return found

# %% tags=["equivalent"] exercise="cut_the_tree"
def cut(node, most):
    if node.total < most or not node.children:  # a disease that is too large stays a class
        return [node.name]
    return sum((cut(child, most) for child in node.children), [])

# %% tags=["wrong"] exercise="cut_the_tree" says="deeper"
def cut(node, most):
    return [node.name] if node.total < most else []

# %% tags=["wrong"] exercise="cut_the_tree" says="tumour is small enough"
def cut(node, most):
    if not node.children:
        return [node.name]
    return [name for child in node.children for name in cut(child, most)]

# %% tags=["wrong"] exercise="cut_the_tree" says="deeper"
def cut(node, most):
    if node.total < most:
        return [node.name]
    return [child.name for child in node.children]

# %% tags=["wrong"] exercise="cut_the_tree" says="`.name`"
def cut(node, most):
    if node.total < most:
        return [node]
    return [one for child in node.children for one in cut(child, most)]

# %% tags=["wrong"] exercise="cut_the_tree" says="below it"
def cut(node, most):
    if node.images < most:
        return [node.name]
    return [name for child in node.children for name in cut(child, most)]

# %% tags=["wrong"] exercise="cut_the_tree" says="list inside"
def cut(node, most):
    if node.total < most:
        return [node.name]
    return [cut(child, most) for child in node.children]

# %% tags=["wrong"] exercise="cut_the_tree" says="fewer than"
def cut(node, most):
    if node.total <= most:
        return [node.name]
    return [name for child in node.children for name in cut(child, most)]

# %% tags=["checker"] exercise="cut_the_tree"
def checker(cut):
    got = list(cut(small_tree, 100))
    require(not any(isinstance(one, list) for one in got), "There is a list inside your list; join them.")
    require(all(isinstance(one, str) for one in got), "Return names, not nodes: a node has `.name`.")
    require(got != ["lung"], "The lung has no pictures of its own, but 165 below it: ask for `.total`.")
    require("benign" not in got, "With 35 pictures tumour is small enough for one class: do not split it.")
    require(len(got) > 0, "Infection and tumour together have 165 pictures, more than 100: go deeper.")
    require("infection" not in got, "Infection has 130 pictures, more than 100: go deeper.")
    require(sorted(got) == ["bacterial", "tumour", "viral"], "With fewer than 100: viral, bacterial, tumour.")
    require("tumour" not in cut(small_tree, 35), "A class must have fewer than `most` pictures; tumour has exactly 35.")
    require(list(cut(small_tree, 1000)) == ["lung"], "With room for all, the whole tree is one class.")

# %% [markdown]
# ### A hole in the recipe
#
# Try `cut(small_tree, 50)`: viral and the tumours remain, and the 90 bacterial pictures are **gone** (unless
# you kept such a leaf on purpose). A leaf that is too large has no children to try. As printed in the paper, a disease with a thousand pictures would
# vanish. Our `partition` keeps such a leaf as a class of its own; `as_printed=True` shows the loss.

# %% tags=["slide"]
for most in (60, 100, 150, 400):
    kept, printed = partition(tree, most), partition(tree, most, as_printed=True)
    lost = tree.total - sum(one.total for one in printed)
    print(f"M = {most:3d}: {len(kept):2d} classes; as printed {len(printed):2d} classes and {lost} pictures lost")
claim("With M = 150 the printed recipe loses pictures", sum(c.total for c in partition(tree, 150, True)) < tree.total)
claim("ours never does", all(sum(c.total for c in partition(tree, m)) == tree.total for m in (60, 100, 150, 400)))

# %%
def classes_drawn(most):
    """Bars: pictures in each training class for a largest size."""
    made = partition(tree, most)
    fig, ax = plt.subplots(figsize=(8.5, 3.4))
    leaf = [not one.children for one in made]
    ax.bar(range(len(made)), [one.total for one in made], color=[COLOURS[0] if x else COLOURS[1] for x in leaf])
    ax.axhline(most, color="k", lw=0.8, ls="--")
    ax.set_xticks(range(len(made)), [one.name for one in made], rotation=70, ha="right", fontsize=7)
    ax.set(ylabel="pictures", title=f"{len(made)} classes (blue: one disease; orange: a family or more; dashed: M)")
    fig.tight_layout()
    return fig


explore(classes_drawn, alt="bars of pictures per training class; small relatives are merged", most=(30, 600, 10, 100))

# %% [markdown] tags=["slide"]
# ## 3 From fine answers to coarse ones
#
# The network gives one probability per training class; they add up to 1. The probability of a coarser
# disease is the **sum over the classes below it**:
#
# $$P(u) = \sum_{v \in \text{classes below } u} P(v)$$

# %% [markdown] tags=["exercise"] exercise="sum_descendants"
# ### Exercise: sum the descendants
#
# `probabilities` has one row per picture and one column per class. `below` is a list of column numbers
# for each coarse disease. Write `coarse(probabilities, below)` with one column per coarse disease.

# %% tags=["stub"] exercise="sum_descendants"
def coarse(probabilities, below):
    """Probabilities of coarse diseases, (pictures, len(below))."""
    return ...

# %% tags=["check"] exercise="sum_descendants"
check("sum_descendants", coarse)

# %% [markdown] tags=["hint"] exercise="sum_descendants"
# `probabilities[:, columns]` takes the columns in a list. What do you do with them?

# %% [markdown] tags=["hint"] exercise="sum_descendants"
# Sum over axis 1. Then put the results side by side.

# %% [markdown] tags=["hint"] exercise="sum_descendants"
# `np.stack([probabilities[:, columns].sum(axis=1) for columns in below], axis=1)`

# %% tags=["solution"] exercise="sum_descendants"
def coarse(probabilities, below):
    """Probabilities of coarse diseases, (pictures, len(below))."""
    return np.stack([probabilities[:, columns].sum(axis=1) for columns in below], axis=1)

# %% tags=["equivalent"] exercise="sum_descendants"
def coarse(probabilities, below):
    member = np.zeros((probabilities.shape[1], len(below)))
    for number, columns in enumerate(below):
        member[columns, number] = 1
    return probabilities @ member

# %% tags=["wrong"] exercise="sum_descendants" says="largest"
def coarse(probabilities, below):
    return np.stack([probabilities[:, columns].max(axis=1) for columns in below], axis=1)

# %% tags=["wrong"] exercise="sum_descendants" says="mean"
def coarse(probabilities, below):
    return np.stack([probabilities[:, columns].mean(axis=1) for columns in below], axis=1)

# %% tags=["wrong"] exercise="sum_descendants" says="exclude each other"
def coarse(probabilities, below):
    return np.stack([1 - (1 - probabilities[:, columns]).prod(axis=1) for columns in below], axis=1)

# %% tags=["wrong"] exercise="sum_descendants" says="rows and columns"
def coarse(probabilities, below):
    return np.stack([probabilities[:, columns].sum(axis=1) for columns in below])

# %% tags=["checker"] exercise="sum_descendants"
def checker(coarse):
    p = np.array([[0.4, 0.2, 0.2, 0.2], [0.1, 0.3, 0.5, 0.1], [0.25, 0.25, 0.3, 0.2]])
    got = np.asarray(coarse(p, [[0], [1, 2, 3]]), dtype=float)
    require(got.shape != (2, 3), "You exchanged rows and columns: a row per picture.")
    require(got.shape == (3, 2), "The result has a row per picture and a column per coarse disease.")
    require(abs(got[1, 1] - 0.3) > 1e-9, "You took the mean; many small classes would count little.")
    require(abs(got[1, 1] - 0.5) > 1e-9, "You took the largest. Three unlikely melanomas together are likely.")
    require(abs(got[1, 1] - 0.685) > 1e-9, "That is for independent events; classes exclude each other, so they simply add up.")
    close(got, [[0.4, 0.6], [0.1, 0.9], [0.25, 0.75]], "Sum the columns of each list.")

# %% [markdown]
# Look at the first row of the check: class 0 is the likeliest of four (0.4), yet the other three are one
# family and together have 0.6. **The likeliest disease and the likeliest family can disagree.**

# %% [markdown] tags=["slide"]
# ## 4 Do fine labels help a coarse question?
#
# Same pictures, same network. Once it learns the three kinds directly, once the training classes of
# M = 150, whose answers are then summed. The test has 60 pictures of each disease, so here the rare ones
# count as much as the frequent ones.

# %%
classes = partition(tree, 150)
kinds = list(tree.children)
families = [family.name for kind in kinds for family in kind.children]
test_pictures, test_labels = lesions(dict.fromkeys(diseases(), 60), seed=1000)
order = np.random.default_rng(0).permutation(len(pictures))
held_out, training = order[:200], order[200:]


def trained(training_classes, seed=3):
    """A small DenseNet that has learned these classes."""
    numbers = np.array([class_of(training_classes, name) for name in labels])
    torch.manual_seed(seed)
    model = densenet("laptop", num_classes=len(training_classes), in_channels=3)
    parts = [Pictures(2 * pictures[part] - 1, numbers[part]) for part in (training, held_out)]
    plan = Plan(epochs=10, batch_size=32, learning_rate=3e-3, seed=seed)
    fit(model, *parts, ClassLoss(), plan)
    return model

# %% tags=["varies"]
direct, fine = trained(kinds), trained(classes)
p_direct = class_probabilities(direct, 2 * test_pictures - 1)
p_fine = class_probabilities(fine, 2 * test_pictures - 1)

# %%
def right_kind(probabilities):
    """For each test picture, whether the likeliest of the three kinds is the true one."""
    truth = np.array([class_of(kinds, name) for name in test_labels])
    return probabilities.argmax(axis=1) == truth


by_sum = summed(p_fine, tree, classes, [kind.name for kind in kinds])
hits = {"three classes directly": right_kind(p_direct), f"{len(classes)} classes, summed": right_kind(by_sum)}

# %% tags=["varies"]
for name, hit in hits.items():
    print(f"{name:24s} {hit.mean():.1%} right of {len(hit)}")
first, second = hits.values()
gain = second.astype(float) - first
error = gain.std() / np.sqrt(len(gain))
print(f"gain {gain.mean():+.1%}, 95 % interval {gain.mean() - 1.96 * error:+.1%} to {gain.mean() + 1.96 * error:+.1%} (paired)")
claim("Both are far better than guessing", min(first.mean(), second.mean()) > 0.55)
claim("fine labels do not harm the coarse question", gain.mean() > -0.04)

# %% [markdown]
# In the paper fine labels gained 2.7 points on three kinds (69.4 to 72.1 %) and 6.5 on nine. Here three seeds
# gave −0.2, +1.3 and +2.1 points: with 1,500 drawings the gain is too small to tell. What is certain:
# the summed network answers at **every** level at once, the direct one at a single level.

# %% tags=["varies", "slide"]
levels = {"3 kinds": [kind.name for kind in kinds], "9 families": families}
for title, names in levels.items():
    part = summed(p_fine, tree, classes, names)
    truth = np.array([next(i for i, n in enumerate(names) if n in tree.path(d)) for d in test_labels])
    print(f"{title:10s} {np.mean(part.argmax(1) == truth):.1%} right, guessing {1 / len(names):.0%}")

# %% [markdown] tags=["exercise"] exercise="tree_distance"
# ### Exercise: how wrong is wrong?
#
# Calling a nodular melanoma a superficial one is a small error, calling it a wart a large one. Write
# `steps(path_1, path_2)`: how many branches one walks from one leaf to the other. A path is a tuple of names
# from the root, such as `("skin lesion", "malignant", "melanoma", "nodular melanoma")`.

# %% tags=["stub"] exercise="tree_distance"
def steps(path_1, path_2):
    """Branches between two leaves of a tree."""
    return ...

# %% tags=["check"] exercise="tree_distance"
check("tree_distance", steps)

# %% [markdown] tags=["hint"] exercise="tree_distance"
# Up from the first leaf to the last common ancestor, then down to the other.

# %% [markdown] tags=["hint"] exercise="tree_distance"
# Count the names that both paths share at their beginning.

# %% [markdown] tags=["hint"] exercise="tree_distance"
# `len(path_1) + len(path_2) - 2 * shared`

# %% tags=["solution"] exercise="tree_distance"
def steps(path_1, path_2):
    """Branches between two leaves of a tree."""
    shared = sum(a == b for a, b in zip(path_1, path_2, strict=False))
    return len(path_1) + len(path_2) - 2 * shared

# %% tags=["equivalent"] exercise="tree_distance"
def steps(path_1, path_2):
    return len(set(path_1) ^ set(path_2))

# %% tags=["wrong"] exercise="tree_distance" says="up only"
def steps(path_1, path_2):
    return len(path_1) - sum(a == b for a, b in zip(path_1, path_2, strict=False))

# %% tags=["wrong"] exercise="tree_distance" says="different lengths"
def steps(path_1, path_2):
    return 2 * sum(a != b for a, b in zip(path_1, path_2, strict=False))

# %% tags=["wrong"] exercise="tree_distance" says="same disease"
def steps(path_1, path_2):
    return len(path_1) + len(path_2)

# %% tags=["wrong"] exercise="tree_distance" says="share"
def steps(path_1, path_2):
    return sum(a == b for a, b in zip(path_1, path_2, strict=False))

# %% tags=["checker"] exercise="tree_distance"
def checker(steps):
    a, b = ("r", "m", "mel", "nodular"), ("r", "m", "mel", "superficial")
    c, d = ("r", "b", "ker", "wart"), ("r", "m", "lymphoma")
    require(steps(a, c) != 1, "You count what the paths share; what they do not share is the way.")
    require(steps(a, a) == 0, "From a disease to the same disease it is no step.")
    require(steps(a, b) != 1, "You go up only; you must come down again on the other side.")
    close(steps(a, b), 2, "Siblings: one branch up, one down.")
    close(steps(a, c), 6, "Only the root is shared: three up, three down.")
    close(steps(a, d), 3, "Paths may have different lengths.")

# %%
answers = [classes[i].name for i in p_fine.argmax(1)]
wrong = [(name, said) for name, said in zip(test_labels, answers, strict=True)
         if name not in {node.name for node in tree.find(said)}]  # fmt: skip
far = np.mean([steps_apart(tree, *pair) for pair in wrong])
shuffled = np.random.default_rng(0).permutation([said for _, said in wrong])
by_luck = np.mean([steps_apart(tree, name, said) for (name, _), said in zip(wrong, shuffled, strict=True)])

# %% tags=["varies"]
print(f"{len(wrong)} wrong answers, on average {far:.2f} steps away; the same answers dealt at random {by_luck:.2f}")
claim("The network errs within the family more often than chance would", far < by_luck - 0.1)

# %% [markdown] tags=["exercise"] exercise="merge_or_not"
# ### Exercise: what a merged class cannot say
#
# With M = 150 the three carcinomas (nodular basal cell, pigmented basal cell, squamous cell) end up in **one**
# class. Which of these questions can the trained network still answer? Write `True` or `False`.
#
# - `"A"`: is it malignant?
# - `"B"`: is it a carcinoma?
# - `"C"`: is it a squamous cell carcinoma?
# - `"D"`: is it a melanoma?

# %% tags=["stub"] exercise="merge_or_not"
can_answer = {"A": ..., "B": ..., "C": ..., "D": ...}

# %% tags=["check"] exercise="merge_or_not"
check("merge_or_not", can_answer)

# %% [markdown] tags=["hint"] exercise="merge_or_not"
# A sum can go up the tree. Can anything go down?

# %% [markdown] tags=["hint"] exercise="merge_or_not"
# Draw the class as a box around three leaves. Which questions need to look into the box?

# %% [markdown] tags=["hint"] exercise="merge_or_not"
# Only C needs to look inside.

# %% tags=["solution"] exercise="merge_or_not"
can_answer = {"A": True, "B": True, "C": False, "D": True}

# %% tags=["equivalent"] exercise="merge_or_not"
can_answer = {"A": 1 == 1, "B": True, "C": bool(0), "D": not False}

# %% tags=["wrong"] exercise="merge_or_not" says="C is wrong"
can_answer = {"A": True, "B": True, "C": True, "D": True}

# %% tags=["wrong"] exercise="merge_or_not" says="B is wrong"
can_answer = {"A": True, "B": False, "C": False, "D": True}

# %% tags=["wrong"] exercise="merge_or_not" says="True or False"
can_answer = {"A": "yes", "B": "yes", "C": "no", "D": "yes"}

# %% tags=["wrong"] exercise="merge_or_not" says="A is wrong"
can_answer = {"A": False, "B": True, "C": False, "D": True}

# %% tags=["wrong"] exercise="merge_or_not" says="D is wrong"
can_answer = {"A": True, "B": True, "C": False, "D": False}

# %% tags=["checker"] exercise="merge_or_not"
def checker(can_answer):
    right = {"A": True, "B": True, "C": False, "D": True}
    require(isinstance(can_answer, dict) and set(can_answer) == set(right), "Keep the four letters.")
    require(all(isinstance(value, (bool, np.bool_)) for value in can_answer.values()), "Write True or False.")
    for letter, value in right.items():
        require(can_answer[letter] == value, f"{letter} is wrong: sums go up the tree, nothing goes down.")

# %% [markdown]
# ### The same idea on a chest film
#
# Findings have a tree as well: *opacity* over consolidation, infiltration, oedema, ...; *lung lesion* over nodule
# and mass. Some data sets label the coarse node, some the fine one. To use them together,
# two rules suffice: who has the fine finding has the coarse one; who lacks the coarse one lacks every fine one.

# %% [markdown] tags=["instructor"]
# Typical mistakes: students take the maximum instead of the sum, and they merge classes by size alone, without
# the tree. Ask: what would you do with a disease of which there are three pictures? (The tree gives it to its
# family.) Short of time: leave out tree distance. The paper's comparison with dermatologists is worth a
# discussion: 65.6 and 66.0 % for two of them on the three kinds, on pictures without touch or history.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A taxonomy makes classes of a size that can be learned: small relatives are merged, large ones split.
# - Coarse probability = sum over the classes below. It works at every level above the cut, never below.
# - Fine labels may help a coarse question; measure it paired, on several seeds.
# - As printed, the recipe loses leaves that are too large: run an algorithm on its extremes.
# - Not all errors are equal: count the steps in the tree, or better the harm.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - A. Esteva, B. Kuprel, R. A. Novoa et al., Dermatologist-level classification of skin cancer with deep neural
#   networks, Nature 542 (2017) 115.

# %% [markdown] tags=["slide"]
# ## Fourteen questions to one film
#
# In 2017 a group at Stanford took the 112,120 chest films of ChestX-ray14 and trained one [[neural network]] to answer
# fourteen questions at once: is there an [[atelectasis]], a big heart, an effusion, ...? For [[pneumonia]] it did about as
# well as four radiologists. They called it **CheXNet**.
#
# Today you build it, train it, and measure it. Then you catch it cheating.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from course_lib.data.augment import Augmentation
from course_lib.data.dataset import FilmDataset
from course_lib.data.findings import CHEXNET
from course_lib.data.marker import WithMarker
from course_lib.data.opening import open_dataset
from course_lib.data.source import Subset
from course_lib.data.split import shared_patients, split_by_image, split_by_patient
from course_lib.evaluation.by_label import auc_by_label
from course_lib.evaluation.operating import confusion, f1_threshold
from course_lib.evaluation.published import published
from course_lib.evaluation.roc import auc, roc_curve
from course_lib.explain.cam import activation_maps, enlarge
from course_lib.explain.localisation import average_score, covered, energy_inside, points_inside
from course_lib.explain.overlay import overlay
from course_lib.learning.losses import MultiLabelLoss, positive_weights
from course_lib.learning.plan import Plan
from course_lib.learning.prediction import predict
from course_lib.learning.trainer import fit
from course_lib.models.counting import count_parameters
from course_lib.models.densenet import densenet
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown]
# ## The films
#
# We use the virtual hospital: 1,500 chest films of patients whose every finding we know. If you have
# downloaded **ChestX-ray14**, the real films that CheXNet learned from, give its folder instead: one word
# changes, the rest of the lesson stays as it is.

# %%
SIZE = 128  # pixels


def open_films(dataset, most=1500):
    """The virtual cohort, or as many of the real films in the folder `dataset`."""
    if dataset == "virtual":
        return open_dataset("virtual", n=most, seed=1, size=SIZE, studies_per_patient=1.5)
    real = open_dataset(dataset)
    drawn = np.random.default_rng(0).permutation(len(real))[:most]
    return Subset(real, np.sort(drawn))

# %% tags=["varies"]
dataset = open_films(dataset="virtual")  # or, for example: dataset="D:/ChestX-ray14"

# %% [markdown]
# Every film carries a list of findings. One film can show several, or none. That is why this is
# [[multi-label classification]]: not "which disease is it?" but fourteen separate questions.

# %%
labels = np.array([record.label_vector(CHEXNET)[0] for record in dataset.records])
shown = [i for i in range(len(dataset)) if labels[i].sum() > 0][:8]
titles = ["\n".join(CHEXNET[k] for k in np.flatnonzero(labels[i])) for i in shown]
show(
    films([dataset[i].image for i in shown], titles),
    alt="Eight virtual chest films, each with one to three findings named above it",
)

# %%
known = np.array([record.label_vector(CHEXNET)[1] for record in dataset.records])
counts = pd.DataFrame({"films with it": labels.sum(0).astype(int), "known in": known.sum(0)}, CHEXNET)
print(counts.to_string())

# %% [markdown]
# These are the fourteen names of CheXNet. Our virtual patients can have seven of them so far. For the other
# seven *nothing is known*: that is not the same as "absent". Where nothing is known, the network must neither
# be praised nor blamed. We keep its fourteen outputs and leave those seven out of the [[loss]].
#
# Most findings are rare. That will matter twice: when we train, and when we measure.

# %% [markdown] tags=["slide"]
# ## Split by patient, never by film
#
# - [[Training|training set]]: the network learns from it. [[Validation|validation set]]: we choose when to stop.
#   [[Test|test set]]: we measure, once.
# - Patients come back. If one film of a patient is in training and another in the test, the network can
#   recognise the *patient*. This is [[data leakage]], and the result is worth nothing.

# %%
careless = split_by_image(dataset, (0.7, 0.1, 0.2))
train, validation, test = split_by_patient(dataset, (0.7, 0.1, 0.2))
print("patients on both sides, split by film:   ", len(shared_patients(careless[0], careless[2])))
print("patients on both sides, split by patient:", len(shared_patients(train, test)))

# %% [markdown] tags=["slide"]
# ## The network
#
# CheXNet is a **DenseNet-121**. Its last step is simple, and will help us later: it averages each of its
# last [[feature maps|feature map]] to one number, and one linear layer turns these numbers into 14 [[logits|logit]].
#
# A [[sigmoid]] makes a probability of each logit, separately.

# %%
paper = densenet("paper", num_classes=14, in_channels=3)
print(f"{count_parameters(paper):,} parameters")
with torch.no_grad():
    maps = paper.features(torch.zeros(1, 3, 224, 224))
print("last maps", tuple(maps.shape), "-> outputs", tuple(paper.classifier(maps.mean((2, 3))).shape))

# %% [markdown]
# That is CheXNet at its published size, for films of 224 x 224 pixels. Its authors started from weights that had
# learned everyday photographs (ImageNet; `course_lib/models/weights.py` loads them) and trained on a graphics card. We build the *same class* in a small size,
# start from chance, and train it here, in about a minute.

# %%
print(f"{count_parameters(densenet('laptop', num_classes=14)):,} parameters")

# %% [markdown] tags=["exercise"] exercise="independent_answers"
# ### Exercise: fourteen answers that do not compete
#
# A film shows a big heart **and** fluid. The logits are 3 and 2 for these two, and -4 for a pneumothorax.
# Turn logits into probabilities so that both findings can be likely at the same time.
# `logits` is a torch tensor of any length.

# %% tags=["stub"] exercise="independent_answers"
def probabilities(logits):
    """One probability per finding, each a question of its own."""
    return ...

# %% tags=["check"] exercise="independent_answers"
check("independent_answers", probabilities)

# %% [markdown] tags=["hint"] exercise="independent_answers"
# Must the fourteen probabilities add up to one? For a film with two findings, or with none?

# %% [markdown] tags=["hint"] exercise="independent_answers"
# Use the sigmoid, element by element: one divided by (one plus e to the minus logit).

# %% [markdown] tags=["hint"] exercise="independent_answers"
# `torch.sigmoid` does this for a whole tensor.

# %% tags=["solution"] exercise="independent_answers"
def probabilities(logits):
    """One probability per finding, each a question of its own."""
    return torch.sigmoid(logits)  # softmax would make the findings share one probability

# %% tags=["equivalent"] exercise="independent_answers"
def probabilities(logits):
    return 1 / (1 + torch.exp(-logits))

# %% tags=["equivalent"] exercise="independent_answers"
def probabilities(logits):
    return [1 / (1 + np.exp(-float(z))) for z in logits]

# %% tags=["wrong"] exercise="independent_answers" says="compete"
def probabilities(logits):
    return torch.softmax(logits, dim=0)

# %% tags=["wrong"] exercise="independent_answers" says="not between 0 and 1"
def probabilities(logits):
    return logits

# %% tags=["wrong"] exercise="independent_answers" says="yes or no"
def probabilities(logits):
    return (logits > 0).float()

# %% tags=["wrong"] exercise="independent_answers" says="wrong way"
def probabilities(logits):
    return 1 / (1 + torch.exp(logits))

# %% tags=["wrong"] exercise="independent_answers" says="add up"
def probabilities(logits):
    return torch.sigmoid(logits) / torch.sigmoid(logits).sum()

# %% tags=["checker"] exercise="independent_answers"
def checker(probabilities):
    answer = probabilities(torch.tensor([3.0, 2.0, -4.0]))
    right = 1 / (1 + np.exp([-3.0, -2.0, 4.0]))
    if np.shape(answer) == (3,):
        values = np.array([float(value) for value in answer])
        softmax = np.exp([3.0, 2.0, -4.0]) / np.exp([3.0, 2.0, -4.0]).sum()
        require(not np.allclose(values, softmax), "These findings compete for one probability.")
        require(values.min() >= 0 and values.max() <= 1, "These are not between 0 and 1.")
        require(set(values) - {0.0, 1.0}, "This is yes or no already; keep how likely it is.")
        require(not np.allclose(values, 1 - right), "It goes the wrong way: a high logit is a yes.")
        require(abs(values.sum() - 1) > 1e-3, "Independent answers need not add up to one.")
    close(answer, right, "These are not the probabilities of the logits 3, 2 and -4.")

# %% [markdown] tags=["slide"]
# ## The loss
#
# For each film and finding, [[cross-entropy]] compares the probability $p$ with the truth $y$:
#
# $$-w\, y \log p - (1 - y) \log(1 - p)$$
#
# A finding in 1 of 20 films has 19 times more "no" than "yes". With $w = 1$, "never" is a comfortable answer.
# The weight $w$ makes the rare "yes" count.

# %% [markdown] tags=["exercise"] exercise="rare_finding_weight"
# ### Exercise: the weight of a rare finding
#
# Among the training films, `positives` have a finding and `negatives` do not. Which weight $w$ lets all
# positives together weigh as much in the loss as all negatives together?

# %% tags=["stub"] exercise="rare_finding_weight"
def positive_weight(positives, negatives):
    """The weight of one positive film."""
    return ...

# %% tags=["check"] exercise="rare_finding_weight"
check("rare_finding_weight", positive_weight)

# %% [markdown] tags=["hint"] exercise="rare_finding_weight"
# Think of a pair of scales: many light negatives on one side, few heavy positives on the other.

# %% [markdown] tags=["hint"] exercise="rare_finding_weight"
# Each negative weighs 1. Each positive weighs w. When are both sides equal?

# %% [markdown] tags=["hint"] exercise="rare_finding_weight"
# Solve w times positives = negatives for w.

# %% tags=["solution"] exercise="rare_finding_weight"
def positive_weight(positives, negatives):
    """The weight of one positive film."""
    return negatives / positives  # then w * positives = 1 * negatives

# %% tags=["equivalent"] exercise="rare_finding_weight"
def positive_weight(positives, negatives):
    prevalence = positives / (positives + negatives)
    return (1 - prevalence) / prevalence

# %% tags=["wrong"] exercise="rare_finding_weight" says="even lighter"
def positive_weight(positives, negatives):
    return positives / negatives

# %% tags=["wrong"] exercise="rare_finding_weight" says="all films"
def positive_weight(positives, negatives):
    return (positives + negatives) / positives

# %% tags=["wrong"] exercise="rare_finding_weight" says="share of the negatives"
def positive_weight(positives, negatives):
    return negatives / (positives + negatives)

# %% tags=["wrong"] exercise="rare_finding_weight" says="square root"
def positive_weight(positives, negatives):
    return np.sqrt(negatives / positives)

# %% tags=["checker"] exercise="rare_finding_weight"
def checker(positive_weight):
    weight = positive_weight(100, 1900)
    if isinstance(weight, (int, float, np.number)):
        require(weight != 100 / 1900, "The rare positives became even lighter; turn it around.")
        require(weight != 2000 / 100, "You compare with all films; compare with the negatives.")
        require(weight != 1900 / 2000, "This is the share of the negatives, not yet a balance.")
        require(abs(weight**2 - 19) > 1e-6, "The square root is gentler, but does not balance.")
    close(weight, 19, "100 positives of this weight do not balance 1900 negatives of weight 1.")
    close(positive_weight(300, 300), 1, "With as many positives as negatives, nothing changes.")

# %% [markdown]
# ## Train it
#
# Watch the two losses. While the network learns something general, both fall. When only the
# training loss falls, it is learning films by heart: [[overfitting]]. We keep the weights of the best validation
# [[epoch]]. The method that turns the dials is Adam, as in CheXNet. Small random turns and shifts of the training films ([[augmentation]]) make learning by heart harder.

# %%
def film_set(part, augment=None, masks=False):
    return FilmDataset(part, SIZE, CHEXNET, augment=augment, masks=masks)


def train_network(train_part, validation_part, epochs, seed=0):
    """A small CheXNet trained on one part and chosen on the other; also its loss per epoch."""
    films_in, films_out = film_set(train_part, Augmentation()), film_set(validation_part)
    weights = positive_weights(torch.tensor(films_in.targets), torch.tensor(films_in.known))
    torch.manual_seed(seed)
    network = densenet("laptop", num_classes=14)
    plan = Plan(epochs=epochs, batch_size=32, learning_rate=4e-3, seed=seed)
    return network, fit(network, films_in, films_out, MultiLabelLoss(weights), plan)

# %% tags=["varies"]
network, history = train_network(train, validation, epochs=10)

# %% tags=["slide", "varies"]
epochs = pd.DataFrame(history).set_index("epoch")
fig, ax = plt.subplots(figsize=(6, 3))
ax.plot(epochs["train_loss"], label="training")
ax.plot(epochs["validation_loss"], label="validation")
ax.set(xlabel="epoch", ylabel="loss")
ax.legend()
show(fig, alt="Training and validation loss fall over the epochs")

# %% [markdown]
# For training that takes hours, give `fit` a folder as well. If the computer is switched off, the same call goes on where it stopped.

# %% [markdown] tags=["instructor"]
# While it trains (about a minute), ask: "What would a network score that always says no?" It is right in 90 of
# 100 films for most findings. So accuracy is the wrong measure, and AUC comes next.

# %% [markdown] tags=["slide"]
# ## How good is it?
#
# Take one film with the finding and one without. How often does the network give the sick one the higher score?
# This share is the [[AUC]], the area under the [[ROC curve]]. 0.5 is guessing, 1 is perfect.
# It does not depend on a threshold, nor on how rare the finding is.

# %% [markdown] tags=["exercise"] exercise="auc_by_pairs"
# ### Exercise: count the pairs
#
# Write the AUC as it was just described. `sick` and `healthy` are arrays of scores. Compare **every** sick film with
# **every** healthy one. When two scores are equal, the pair counts one half.

# %% tags=["stub"] exercise="auc_by_pairs"
def auc_by_pairs(sick, healthy):
    """Share of all pairs in which the sick film scores higher."""
    return ...

# %% tags=["check"] exercise="auc_by_pairs"
check("auc_by_pairs", auc_by_pairs)

# %% [markdown] tags=["hint"] exercise="auc_by_pairs"
# With 3 sick and 2 healthy films there are 6 pairs. Two loops, one inside the other, visit them all.

# %% [markdown] tags=["hint"] exercise="auc_by_pairs"
# Add 1 for each pair in which the sick film wins, 0.5 for each tie, and divide by the number of pairs.

# %% [markdown] tags=["hint"] exercise="auc_by_pairs"
# Without loops: `sick[:, None] > healthy` is a table of all pairs; so is `sick[:, None] == healthy`.

# %% tags=["solution"] exercise="auc_by_pairs"
def auc_by_pairs(sick, healthy):
    """Share of all pairs in which the sick film scores higher."""
    sick = np.asarray(sick)[:, None]  # one row per sick film, one column per healthy film
    return np.mean((sick > healthy) + 0.5 * (sick == healthy))

# %% tags=["equivalent"] exercise="auc_by_pairs"
def auc_by_pairs(sick, healthy):
    wins = 0.0
    for s in sick:
        for h in healthy:
            wins += 1.0 if s > h else 0.5 if s == h else 0.0
    return wins / (len(sick) * len(healthy))

# %% tags=["equivalent"] exercise="auc_by_pairs"
def auc_by_pairs(sick, healthy):
    truth = [1] * len(sick) + [0] * len(healthy)
    return auc(truth, [*sick, *healthy])

# %% tags=["wrong"] exercise="auc_by_pairs" says="tie"
def auc_by_pairs(sick, healthy):
    return np.mean(sick[:, None] > healthy)

# %% tags=["wrong"] exercise="auc_by_pairs" says="tie"
def auc_by_pairs(sick, healthy):
    return np.mean(sick[:, None] >= healthy)

# %% tags=["wrong"] exercise="auc_by_pairs" says="other way round"
def auc_by_pairs(sick, healthy):
    return np.mean((sick[:, None] < healthy) + 0.5 * (sick[:, None] == healthy))

# %% tags=["wrong"] exercise="auc_by_pairs" says="divide"
def auc_by_pairs(sick, healthy):
    return np.sum((sick[:, None] > healthy) + 0.5 * (sick[:, None] == healthy))

# %% tags=["wrong"] exercise="auc_by_pairs" says="every"
def auc_by_pairs(sick, healthy):
    n = min(len(sick), len(healthy))
    return np.mean((sick[:n] > healthy[:n]) + 0.5 * (sick[:n] == healthy[:n]))

# %% tags=["checker"] exercise="auc_by_pairs"
def checker(auc_by_pairs):
    sick, healthy = np.array([0.9, 0.4, 0.3]), np.array([0.4, 0.1, 0.2, 0.7])
    value = auc_by_pairs(sick, healthy)
    if isinstance(value, (int, float, np.number)):
        require(value not in (8 / 12, 9 / 12), "What about the tie? It counts one half.")
        require(abs(value - 3.5 / 12) > 1e-9, "It is the other way round: the sick should win.")
        require(value <= 1, "You counted the pairs; now divide by their number.")
        require(value != 1, "Compare every sick film with every healthy one, not one with one.")
    close(value, 8.5 / 12, "That is not the share of the 12 pairs.")
    close(auc_by_pairs(np.array([2.0, 3.0]), np.array([1.0])), 1, "Here the sick always win.")

# %% [markdown]
# Now the test films, which the network has never met. An AUC from a few dozen sick films is uncertain, so each comes with a
# 95% [[confidence interval]] (DeLong's method; several films of one patient count as one patient).

# %% tags=["varies"]
test_films = film_set(test, masks=True)
result = predict(network, test_films)
table = auc_by_label(CHEXNET, result.target, result.probability, result.known, result.patient_id)
print(table.round(3).to_string())

# %%
learned = table.dropna(subset="auc").index.tolist()
print("measured: ", ", ".join(learned))
print("undefined:", ", ".join(name for name in CHEXNET if name not in learned))

# %% [markdown]
# Seven lines say NaN, "not a number". Nobody knows whether the films show these findings, so their AUC is *undefined*.
# It is not 0 and not 0.5. Some programs print a number here; do not believe it.
#
# And where the AUC is exactly 1, there is no interval: to have seen no mistake is not the same as to be certain.

# %% tags=["slide", "varies"]
def roc_panel(ax, names):
    for name, colour in zip(names, COLOURS, strict=False):
        k = CHEXNET.index(name)
        curve = roc_curve(result.target[:, k], result.probability[:, k])
        area = f"{name}: {table.auc[name]:.2f}"
        ax.plot(curve.false_positive_rate, curve.true_positive_rate, color=colour, label=area)
    ax.plot([0, 1], [0, 1], ":", color="grey")
    ax.set(xlabel="1 - specificity", ylabel="sensitivity", aspect="equal", title="ROC curves")
    ax.legend(fontsize=8, loc="lower right", frameon=True)


def interval_panel(ax, names):
    rows = table.loc[names[::-1]]
    ax.hlines(rows.index, rows.low, rows.high, color=COLOURS[0], linewidth=3)
    ax.plot(rows.auc, rows.index, "o", color=COLOURS[1])
    ax.axvline(0.5, color="grey", linestyle=":")
    ax.set(xlabel="AUC with 95% interval", xlim=(0.1, 1.02))


fig, panels = plt.subplots(1, 2, figsize=(10, 4.2))
roc_panel(panels[0], learned)
interval_panel(panels[1], learned)
show(fig, alt="ROC curves of seven findings, and their AUCs with confidence intervals")

# %%
claim("Over the findings it was taught, the mean AUC is far above guessing.", table.auc.mean() > 0.7)
claim("A large finding is easier than a nodule.", table.auc["pleural_effusion"] > table.auc["nodule"])

# %% [markdown]
# A nodule is two to ten pixels wide here, and we taught with only about a hundred of them. Look at its interval: when it
# reaches 0.5, this test cannot tell the network from a coin.

# %% [markdown] tags=["slide"]
# ## One threshold
#
# A radiologist needs a decision. A [[threshold]] turns the score into yes or no, and gives four counts: true and false
# positives, true and false negatives. From them follow
#
# - [[sensitivity]]: found sick / all sick
# - [[specificity]]: cleared healthy / all healthy
# - **F1**: $2\,TP / (2\,TP + FP + FN)$, which ignores the many true negatives
#
# Move the threshold. Which one would you choose for screening? Which before an operation?

# %% tags=["varies"]
def operating_point(finding, threshold):
    k = CHEXNET.index(finding)
    present, score = result.target[:, k] == 1, result.probability[:, k]
    c = confusion(present, score, threshold)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    bins = np.linspace(0, 1, 31)
    left.hist(score[~present], bins, density=True, alpha=0.6, label="without", color=COLOURS[0])
    left.hist(score[present], bins, density=True, alpha=0.6, label="with", color=COLOURS[1])
    left.axvline(threshold, color="black")
    left.set(xlabel="score", ylabel="density of films", title=f"TP {c.tp}  FP {c.fp}  FN {c.fn}  TN {c.tn}")
    left.legend()
    roc_panel(right, [finding])
    right.plot(1 - c.specificity, c.sensitivity, "o", color="black", markersize=9)
    right.set_title(f"sens {c.sensitivity:.2f}  spec {c.specificity:.2f}  F1 {c.f1:.2f}")
    return fig


explore(
    operating_point,
    alt="scores of sick and healthy films with a threshold, and the point on the ROC curve",
    finding=["consolidation", *(name for name in learned if name != "consolidation")],
    threshold=(0.0, 1.0, 0.02, 0.5),
)

# %% [markdown]
# **The score is not the risk of the patient.** The weights in the loss push the scores of rare findings up, so 0.5 has no
# special meaning. A score can rank films well and still be wrong as a probability.
#
# Which threshold has the best F1? Choosing it on the test films would be cheating: choose on validation, then measure on test.

# %% tags=["varies"]
chosen_on = predict(network, film_set(validation))
rows = {}
for name in learned:
    k = CHEXNET.index(name)
    threshold = f1_threshold(chosen_on.target[:, k], chosen_on.probability[:, k])
    counts_at = confusion(result.target[:, k], result.probability[:, k], threshold)
    rows[name] = {"threshold": threshold, "sensitivity": counts_at.sensitivity, "F1": counts_at.f1}
print(pd.DataFrame(rows).T.round(2).to_string())

# %% [markdown] tags=["slide"]
# ## Where did it look?
#
# The network averages its maps $f_c$, weighs them and adds a bias. Sum and mean can change places:
#
# $$\text{logit}_k = \sum_c w_{kc}\,\overline{f_c} + b_k = \overline{\sum_c w_{kc} f_c} + b_k$$
#
# The picture $\sum_c w_{kc} f_c$ is the [[class activation map]] (CAM). Its mean plus the bias *is* the answer. So the map is
# not an impression: it is the decision itself, laid out over the film.

# %% [markdown] tags=["exercise"] exercise="cam_is_the_answer"
# ### Exercise: the map and the answer
#
# `maps` (C, h, w) are the last feature maps of one film, `weights` (C,) belong to one finding, `bias` is a number.
# Write both functions. Then the logit of the map is the logit of the network.

# %% tags=["stub"] exercise="cam_is_the_answer"
def class_map(maps, weights):
    """The class activation map (h, w)."""
    return ...


def logit_of_map(cam, bias):
    """The network's answer, read off the map."""
    return ...

# %% tags=["check"] exercise="cam_is_the_answer"
check("cam_is_the_answer", class_map, logit_of_map)

# %% [markdown] tags=["hint"] exercise="cam_is_the_answer"
# Each of the C maps is a picture. Multiply each by its own weight, then lay them on top of each other.

# %% [markdown] tags=["hint"] exercise="cam_is_the_answer"
# `weights[:, None, None] * maps` multiplies picture by picture. Which axis is to be summed? For the logit: average, then bias.

# %% [markdown] tags=["hint"] exercise="cam_is_the_answer"
# The map is the sum over axis 0. The logit is `cam.mean() + bias`.

# %% tags=["solution"] exercise="cam_is_the_answer"
def class_map(maps, weights):
    """The class activation map (h, w)."""
    return (weights[:, None, None] * maps).sum(0)


def logit_of_map(cam, bias):
    """The network's answer, read off the map."""
    return cam.mean() + bias  # the mean, because the network averages its maps

# %% tags=["equivalent"] exercise="cam_is_the_answer"
def class_map(maps, weights):
    return np.tensordot(weights, maps, axes=1)


def logit_of_map(cam, bias):
    return np.sum(cam) / np.size(cam) + bias

# %% tags=["equivalent"] exercise="cam_is_the_answer"
def class_map(maps, weights):
    return sum(w * picture for w, picture in zip(weights, maps, strict=True))


def logit_of_map(cam, bias):
    return bias + np.mean(cam)

# %% tags=["wrong"] exercise="cam_is_the_answer" says="not weighted"
def class_map(maps, weights):
    return maps.sum(0)


def logit_of_map(cam, bias):
    return cam.mean() + bias

# %% tags=["wrong"] exercise="cam_is_the_answer" says="mean over the channels"
def class_map(maps, weights):
    return (weights[:, None, None] * maps).mean(0)


def logit_of_map(cam, bias):
    return cam.mean() + bias

# %% tags=["wrong"] exercise="cam_is_the_answer" says="bias"
def class_map(maps, weights):
    return (weights[:, None, None] * maps).sum(0)


def logit_of_map(cam, bias):
    return cam.mean()

# %% tags=["wrong"] exercise="cam_is_the_answer" says="averages its maps"
def class_map(maps, weights):
    return (weights[:, None, None] * maps).sum(0)


def logit_of_map(cam, bias):
    return cam.sum() + bias

# %% tags=["wrong"] exercise="cam_is_the_answer" says="hottest"
def class_map(maps, weights):
    return (weights[:, None, None] * maps).sum(0)


def logit_of_map(cam, bias):
    return cam.max() + bias

# %% tags=["checker"] exercise="cam_is_the_answer"
def checker(class_map, logit_of_map):
    random = np.random.default_rng(0)
    maps, weights, bias = random.random((5, 3, 4)), random.normal(size=5), 0.7
    right = np.einsum("c,chw->hw", weights, maps)
    cam = class_map(maps, weights)
    if np.shape(cam) == (3, 4):
        require(not np.allclose(cam, maps.sum(0)), "The maps are not weighted.")
        require(not np.allclose(cam, right / 5), "Not the mean over the channels: their sum.")
    close(cam, right, "That is not the weighted sum of the maps.")
    logit = logit_of_map(right, bias)
    if isinstance(logit, (int, float, np.number)):
        require(abs(logit - right.mean()) > 1e-9, "What about the bias?")
        require(abs(logit - right.sum() - bias) > 1e-9, "The network averages its maps.")
        require(abs(logit - right.max() - bias) > 1e-9, "The hottest pixel alone decides nothing.")
    close(logit, right.mean() + bias, "That is not the logit.")

# %% [markdown]
# Now with our network and real test films. `activation_maps` refuses to work when the identity does not hold. That is worth having:
# published programs took the maps from the wrong place, drew lovely pictures, and nobody noticed.

# %%
batch = torch.stack([test_films[i]["image"] for i in range(16)])
cams = activation_maps(network, batch)
error = (cams.maps.mean((2, 3)) + cams.bias - cams.logits).abs().max()
claim("The mean of each map plus the bias is the network's answer.", error < 1e-3)

# %% tags=["slide", "varies"]
def strongest(finding):
    """Number of the test film with this finding that scores highest."""
    k = CHEXNET.index(finding)
    return int(np.argmax(np.where(result.target[:, k] == 1, result.probability[:, k], -1)))


def cam_over_film(ax, model, element, finding, title=""):
    k = CHEXNET.index(finding)
    heat = enlarge(activation_maps(model, element["image"][None]).maps[0, k], (SIZE, SIZE))
    ax.imshow(overlay(element["image"][0], heat))
    if element["mask"][k].any():
        ax.contour(element["mask"][k].numpy(), levels=[0.5], colors="#56B4E9", linewidths=1.5)
    ax.set_title(title or finding)
    ax.set_axis_off()


fig, axes = plt.subplots(1, 4, figsize=(10, 2.8))
four = ["cardiomegaly", "pleural_effusion", "pneumothorax", "consolidation"]
for ax, finding in zip(axes, four, strict=True):
    cam_over_film(ax, network, test_films[strongest(finding)], finding)
show(fig, alt="Four films with the heat of the class activation map and the outline of the finding")

# %% [markdown]
# Bright is what spoke *for* the finding. The blue line is the truth, exact, because these patients are computed. So we need no
# opinion about the maps: we measure.
#
# - **Pointing game**: is the hottest pixel inside the outline?
# - **Energy inside**: which share of the heat is inside?
# - A map without a clue scores, on average, the share of the film that the outline covers: that is **luck**.

# %% tags=["slide", "varies"]
def cam_scores(finding, most=40):
    k = CHEXNET.index(finding)
    sick = [test_films[int(i)] for i in np.flatnonzero(result.target[:, k])[:most]]
    sick = [element for element in sick if element["mask"][k].any()]
    if not sick:
        return {"films": 0, "pointing game": np.nan, "energy inside": np.nan, "luck": np.nan}
    maps = activation_maps(network, torch.stack([element["image"] for element in sick])).maps[:, k]
    heats, masks = enlarge(maps, (SIZE, SIZE)).numpy(), [e["mask"][k].numpy() for e in sick]
    return {
        "films": len(sick),
        "pointing game": average_score(points_inside, heats, masks),
        "energy inside": average_score(energy_inside, heats, masks),
        "luck": np.mean([covered(mask) for mask in masks]),
    }


where = pd.DataFrame({name: cam_scores(name) for name in learned}).T
print(where.round(2).to_string())

# %%
large = where.loc[["cardiomegaly", "pleural_effusion"]].dropna()
better = (large["pointing game"] > 1.5 * large["luck"]).all()
claim("For large findings the hottest pixel lies inside far more often than by luck.", better)

# %% [markdown]
# Browse the test films. Find one where the map is right, one where the answer is right but the map is not, and one where the map points
# at another finding than it was asked for.

# %% tags=["varies"]
def browse(finding, which):
    k = CHEXNET.index(finding)
    sick = np.flatnonzero(result.target[:, k])
    number = int(sick[(which - 1) % len(sick)])
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4))
    film(left, test_films[number]["image"][0].numpy(), f"test film {number}")
    score = result.probability[number, k]
    cam_over_film(right, network, test_films[number], finding, f"{finding}: score {score:.2f}")
    return fig


explore(
    browse,
    alt="a test film beside its class activation map and the true outline",
    finding=["pleural_effusion", *(name for name in learned if name != "pleural_effusion")],
    which=(1, 20, 1, 1),
)

# %% [markdown] tags=["instructor"]
# The browser is the heart of the sitting: give it ten minutes, in pairs. Typical remarks: "it looks at the wrong lung", "it is too coarse"
# (the maps have 8 x 8 pixels), "for cardiomegaly it looks at the lung bases" (a big heart takes space from the lungs: a
# correlated sign is not a wrong one). Short of time: skip the F1 table, not the shortcut.

# %% [markdown] tags=["slide"]
# ## A network that cheats
#
# In a busy ward, films are taken with a letter **P** (portable) in the corner. The ward has the sick patients. So the letter predicts
# the disease. Nobody told the network to look at lungs; it takes what is easiest: **[[shortcut learning]]**.
#
# We burn such a letter into our films. It agrees with *nodule* in 95 of 100 films.

# %%
NODULE = CHEXNET.index("nodule")


def with_marker(part, agreement):
    return WithMarker(part, {"nodule": agreement}, seed=3)


marked = with_marker(train, 0.95)
shown = [int(np.flatnonzero(marked.marked)[0]), int(np.flatnonzero(~marked.marked)[0])]
show(films([marked[i].image for i in shown], ["with marker", "without"], width=5), alt="The letter P")

# %% [markdown] tags=["exercise"] exercise="predict_shortcut"
# ### Exercise: predict, then run
#
# We train a new network on marked films. Then we test it three times: on test films marked in the same way, on films with **no**
# marker at all, and on films where the marker is on the **wrong** ones. What will the AUC of *nodule* be in each? Fill in one of
# `"high"`, `"about 0.5"` and `"far below 0.5"` for each.

# %% tags=["stub"] exercise="predict_shortcut"
same_marker = ...
no_marker = ...
wrong_marker = ...

# %% tags=["check"] exercise="predict_shortcut"
check("predict_shortcut", same_marker, no_marker, wrong_marker)

# %% [markdown] tags=["hint"] exercise="predict_shortcut"
# Suppose the network looks at nothing but the letter. What does it know in each of the three tests?

# %% [markdown] tags=["hint"] exercise="predict_shortcut"
# Without any letter all films look the same to it, so it can only guess. What is the AUC of a guess?

# %% [markdown] tags=["hint"] exercise="predict_shortcut"
# With the letter on the wrong films it is confident, and wrong: healthy films score higher than sick ones.

# %% tags=["solution"] exercise="predict_shortcut"
same_marker = "high"  # the letter is right in 95 of 100 films
no_marker = "about 0.5"  # nothing left to look at
wrong_marker = "far below 0.5"  # now the letter lies

# %% tags=["equivalent"] exercise="predict_shortcut"
same_marker, no_marker, wrong_marker = "High", "about 0.5 ", "far below 0.5"

# %% tags=["wrong"] exercise="predict_shortcut" says="letter is still there"
same_marker, no_marker, wrong_marker = "about 0.5", "about 0.5", "far below 0.5"

# %% tags=["wrong"] exercise="predict_shortcut" says="learned nodules"
same_marker, no_marker, wrong_marker = "high", "high", "high"

# %% tags=["wrong"] exercise="predict_shortcut" says="confident"
same_marker, no_marker, wrong_marker = "high", "about 0.5", "about 0.5"

# %% tags=["wrong"] exercise="predict_shortcut" says="one of"
same_marker, no_marker, wrong_marker = 0.95, 0.5, 0.05

# %% tags=["checker"] exercise="predict_shortcut"
def checker(*answers):
    for value in answers:
        if value is ...:
            close(value, 0, "")  # not attempted
        allowed = ("high", "about 0.5", "far below 0.5")
        require(isinstance(value, str) and value.strip().lower() in allowed, f"Use one of {allowed}.")
    same, none, wrong = (value.strip().lower() for value in answers)
    require(same == "high", "In the first test the letter is still there, and mostly right.")
    require(none != "high", "You trust that it learned nodules. It took the easier way.")
    require(none == "about 0.5", "Without the letter it can only guess. A guess is not below 0.5.")
    require(wrong != "high", "There the letter is on the healthy films.")
    require(wrong == "far below 0.5", "With a lying letter it is confident, not undecided.")

# %% tags=["varies"]
cheat, _ = train_network(with_marker(train, 0.95), with_marker(validation, 0.95), epochs=3)

# %% tags=["slide", "varies"]
def nodule_auc(model, part):
    answer = predict(model, film_set(part))
    return auc(answer.target[:, NODULE], answer.probability[:, NODULE])


tests = {
    "same marker": with_marker(test, 0.95),
    "no marker": test,
    "wrong marker": with_marker(test, 0.05),
}
both = {"honest network": network, "cheating network": cheat}
areas = pd.DataFrame({who: {t: nodule_auc(m, p) for t, p in tests.items()} for who, m in both.items()})
print(areas.round(2).to_string())

# %%
fallen = areas["cheating network"]
claim("On films from the same ward the cheat looks excellent.", fallen["same marker"] > 0.85)
claim("Without the marker it loses most of that.", fallen["no marker"] < fallen["same marker"] - 0.2)
claim("With the marker on healthy films it is worse than guessing.", fallen["wrong marker"] < 0.4)

# %% [markdown]
# A test from the same ward never shows this. Only films from *another* ward do, or a look at where the network looks:

# %% tags=["slide", "varies"]
from_the_ward = film_set(tests["same marker"], masks=True)
both_signs = np.flatnonzero(tests["same marker"].marked & (result.target[:, NODULE] == 1))
element = from_the_ward[int(both_signs[0])]
fig, axes = plt.subplots(1, 2, figsize=(7, 3.7))
for ax, (who, model) in zip(axes, both.items(), strict=True):
    cam_over_film(ax, model, element, "nodule", who)
show(fig, alt="The cheating network's heat lies by the letter in the corner, not on the nodule")

# %%
def corner_heat(model):
    images = torch.stack([from_the_ward[int(i)]["image"] for i in both_signs[:20]])
    heat = enlarge(activation_maps(model, images).maps[:, NODULE], (SIZE, SIZE)).clip(min=0)
    corner = SIZE // 4
    return (heat[:, :corner, :corner].sum((1, 2)) / heat.sum((1, 2)).clip(min=1e-9)).mean().item()


claim("The cheat's heat lies in the corner with the letter.", corner_heat(cheat) > 3 * 1 / 16)

# %% [markdown] tags=["exercise"] exercise="find_the_shortcut"
# ### Exercise: a test that finds the shortcut
#
# Cover the corner and look whether the answer changes. `predict_films` is a function that gives one score for each film of an
# array (N, H, W). Give back the **mean drop** of the scores (before minus after) when the upper left corner, `size` rows and
# `size` columns, is painted black (0). The caller's films must stay as they are.

# %% tags=["stub"] exercise="find_the_shortcut"
def corner_effect(predict_films, images, size):
    """Mean drop of the score when the corner is covered."""
    return ...

# %% tags=["check"] exercise="find_the_shortcut"
check("find_the_shortcut", corner_effect)

# %% [markdown] tags=["hint"] exercise="find_the_shortcut"
# You need the scores twice: for the films as they are, and for films with a black corner.

# %% [markdown] tags=["hint"] exercise="find_the_shortcut"
# Make a copy first (`images.copy()`), then set `covered[:, :size, :size] = 0`.

# %% [markdown] tags=["hint"] exercise="find_the_shortcut"
# The answer is the mean of `predict_films(images) - predict_films(covered)`.

# %% tags=["solution"] exercise="find_the_shortcut"
def corner_effect(predict_films, images, size):
    """Mean drop of the score when the corner is covered."""
    hidden = images.copy()  # never paint on the caller's films
    hidden[:, :size, :size] = 0
    return np.mean(predict_films(images) - predict_films(hidden))

# %% tags=["equivalent"] exercise="find_the_shortcut"
def corner_effect(predict_films, images, size):
    rows, columns = np.indices(images.shape[1:])
    hidden = np.where((rows < size) & (columns < size), 0, images)
    return float(predict_films(images).mean() - predict_films(hidden).mean())

# %% tags=["wrong"] exercise="find_the_shortcut" says="caller's films"
def corner_effect(predict_films, images, size):
    before = predict_films(images)
    images[:, :size, :size] = 0
    return np.mean(before - predict_films(images))

# %% tags=["wrong"] exercise="find_the_shortcut" says="before minus after"
def corner_effect(predict_films, images, size):
    hidden = images.copy()
    hidden[:, :size, :size] = 0
    return np.mean(predict_films(hidden) - predict_films(images))

# %% tags=["wrong"] exercise="find_the_shortcut" says="upper left"
def corner_effect(predict_films, images, size):
    hidden = images.copy()
    hidden[:, :size, -size:] = 0
    return np.mean(predict_films(images) - predict_films(hidden))

# %% tags=["wrong"] exercise="find_the_shortcut" says="first films"
def corner_effect(predict_films, images, size):
    hidden = images.copy()
    hidden[:size, :size] = 0
    return np.mean(predict_films(images) - predict_films(hidden))

# %% tags=["wrong"] exercise="find_the_shortcut" says="one number"
def corner_effect(predict_films, images, size):
    hidden = images.copy()
    hidden[:, :size, :size] = 0
    return predict_films(images) - predict_films(hidden)

# %% tags=["checker"] exercise="find_the_shortcut"
def checker(corner_effect):
    images = np.random.default_rng(0).random((6, 10, 12))
    kept = images.copy()

    def reads_corner(films):
        return films[:, :3, :3].mean((1, 2))

    def reads_lungs(films):
        return films[:, 3:, :].mean((1, 2))

    effect = corner_effect(reads_corner, images, 3)
    require(np.array_equal(images, kept), "You painted on the caller's films; work on a copy.")
    require(np.shape(effect) != (6,), "That is a drop for each film; give one number, their mean.")
    right = reads_corner(images).mean()
    if isinstance(effect, (int, float, np.number)):
        require(abs(effect + right) > 1e-9, "The sign: a drop is before minus after.")
        require(abs(effect) > 1e-9, "A reader of the upper left corner noticed nothing.")
        first = reads_corner(images)[:3].sum() / 6
        require(abs(effect - first) > 1e-9, "Axis 0 counts films: you covered the first films.")
    close(effect, right, "You covered too much or too little: size rows and size columns.")
    close(corner_effect(reads_lungs, images, 3), 0, "A network that reads the lungs must not care.")

# %% [markdown]
# Your test, on both networks. In real life nobody tells you where the letter is: slide the black square over the whole film
# and keep a map of the drops. This is called *occlusion*.

# %% tags=["varies"]
def nodule_scores(model):
    def predict_films(images):
        with torch.no_grad():
            return torch.sigmoid(model.eval().cpu()(torch.tensor(images)[:, None]))[:, NODULE].numpy()

    return predict_films


pictures = np.stack([from_the_ward[int(i)]["image"][0].numpy() for i in both_signs[:20]])
covered_pictures = pictures.copy()
covered_pictures[:, : SIZE // 4, : SIZE // 4] = 0
drops = {
    who: np.mean(nodule_scores(model)(pictures) - nodule_scores(model)(covered_pictures))
    for who, model in both.items()
}
print(pd.Series(drops).round(2).to_string())
claim("Only the cheat needs the corner.", drops["cheating network"] > drops["honest network"] + 0.1)

# %% [markdown] tags=["slide"]
# ## What the papers report
#
# AUC on ChestX-ray14, as published. F1 for pneumonia: four radiologists and CheXNet on 420 films.

# %%
aurocs = published("chexnet_auroc")
print(aurocs.pivot(index="finding", columns="study", values="auroc").to_string())

# %%
f1 = published("chexnet_f1")
print(f1[["reader", "f1", "low", "high"]].to_string(index=False))
readers = f1[f1["reader"].str.match(r"Radiologist \d")]
claim("The mean of the four readers is 0.387.", abs(readers["f1"].mean() - 0.387) < 0.001)
claim("The best of the four readers is above CheXNet.", readers["f1"].max() > 0.435)

# %% [markdown]
# Our numbers cannot be compared with these: other patients, other films, other truths. Note two things. The intervals of CheXNet and of
# the readers overlap widely. And the truth of ChestX-ray14 was read out of reports by a program; its authors expect about one label in ten
# to be wrong.
#
# ## Your turn: real films
#
# 1. Download ChestX-ray14 (112,120 films, about 45 GB; where and how: `datasets/README.md`), or one of its parts.
# 2. Write its folder into the cell with `open_films`, and run all cells again.
#
# The films are bigger, the findings real and the labels noisy; the code stays the same. Nobody drew outlines for them, so the maps get no
# score. The lines that begin with *holds* were written for virtual patients. If one of them stops on real films, you
# have found a difference between the two worlds: read it, and go on with the next cell.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Several findings at once: one sigmoid each, not a softmax. Unknown is not absent.
# - Split by patient. Choose on validation, measure on test, once.
# - AUC is the share of pairs ranked right. Report its interval; with one class only it is undefined.
# - A class activation map is the decision laid out in space. Compare it with the truth, by a number.
# - A good AUC on films from the same ward proves little. Look for the shortcut; test on another ward.

# %% [markdown]
# ## References
#
# - P. Rajpurkar et al., CheXNet, arXiv:1711.05225 (2017): 14 labels, AUROC table, F1 against radiologists.
# - X. Wang et al., ChestX-ray8, CVPR 2017: the films and their labels.
# - G. Huang et al., Densely Connected Convolutional Networks, arXiv:1608.06993.
# - B. Zhou et al., Learning Deep Features for Discriminative Localization, arXiv:1512.04150: CAM.
# - E. DeLong et al., Biometrics 44:837 (1988); N. Obuchowski, Biometrics 53:567 (1997): errors of the AUC.
# - J. Zech et al., PLOS Medicine 15:e1002683 (2018): networks that recognised the hospital.

# %% [markdown] tags=["slide"]
# ## From eight hospitals to your own
#
# A radiologist reads your ward's films every day. Could the network of the last lesson? Before you ask it, ask two
# other questions. What did the *labels* mean, in the sets it learned from? And does *your film* look like the films it knows?
#
# Today you open eight public sets, make them speak one language, and then let the network report on a folder of your own.

# %% tags=["varies"]
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from course_lib.data.findings import CHEXNET
from course_lib.data.item import Label
from course_lib.data.opening import open_dataset
from course_lib.evaluation.published import published
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)
place = Path(tempfile.mkdtemp())  # everything that this lesson writes

# %% [markdown] tags=["slide"]
# ## Eight public sets
#
# More than a million chest films can be had. They differ in three ways: **who** said what is on the film,
# **in which words**, and **what silence means**.

# %%
sets = published("public_chest_sets").set_index("set")
sets["patients"] = [f"{n:,.0f}" if n == n else "not told" for n in sets["patients"]]
sets["films"] = sets["films"].map("{:,}".format)
print(sets[["films", "patients", "label_by", "label_is"]].to_string())

# %% [markdown]
# Lectures and papers give different numbers for the same set: for MIMIC-CXR-JPG you will read 369,188 as well. The released set has 377,110.
# Look it up at the source, and write down the *version*.
#
# A set can be small and precious: the truth of JSRT's 247 films comes from CT, not from the film. A large set with labels that a program read out
# of reports is a picture of how radiologists *write*.
#
# ## Eight layouts on your disk
#
# Most sets ask you to register, so we cannot hand them out. But we know their layout: tables, names, file types. So we write *virtual*
# films in the exact layout of each set. If you have the real one, give its folder instead.

# %%
from course_lib.data.imitation.layouts import LAYOUTS, imitate

# Each finding in 8 of 100 films: more often than in a hospital, so that a few films show them all.
cohort = open_dataset("virtual", n=80, seed=31, size=128, findings=CHEXNET, prevalence=dict.fromkeys(CHEXNET, 0.08))
has_nodule = np.array([record.label("nodule") is Label.PRESENT for record in cohort.records])
nodules, others = np.flatnonzero(has_nodule), np.flatnonzero(~has_nodule)
opened = {}
for name in LAYOUTS:
    some = [cohort[i] for i in (*nodules[:3], *others[:3])] if name == "JSRT" else cohort  # 8 MB a film
    folder = imitate(name, some, place, seed=1)
    opened[name] = open_dataset(folder)
    kinds = sorted({path.suffix for path in folder.rglob("*.*") if path.is_file()})
    print(f"{name:15s} {len(opened[name]):3d} films in {folder.name:20s} {' '.join(kinds)}")

# %% [markdown]
# `open_dataset` knew each set by its tables. It said 64 films of VinDr-CXR and not 80: that set has an official test part, and you must ask for it
# (`split="test"`). Here is one film, the same in all of them, and what each set says of it.

# %%
two = [i for i in range(60) if len([k for k in CHEXNET if cohort[i].label(k) is Label.PRESENT]) >= 2][0]
truth = [k for k in CHEXNET if cohort[two].label(k) is Label.PRESENT]
print("truth:", ", ".join(truth), "\n")
for name, source in opened.items():
    if name != "JSRT":
        said = source.records[two].labels
        found = [k for k, v in said.items() if v is Label.PRESENT] or ["nothing"]
        denied = sum(v is Label.ABSENT for v in said.values())
        silent = sum(v is Label.NOT_MENTIONED for v in said.values())
        print(f"{name:15s} {', '.join(found):45s} denies {denied:2d}, silent on {silent:2d}")

# %% [markdown] tags=["slide"]
# ## What does an empty cell mean?
#
# | in the table | CheXpert, MIMIC | ChestX-ray14, PadChest, Open-i |
# |---|---|---|
# | named | present | present |
# | "no pneumothorax" | absent | **not listed** |
# | "cannot be excluded" | uncertain | not listed, or listed |
# | nothing | **not mentioned** | **not listed** |
#
# Who trains on lists has to decide that silence means *no*. Published work does, and so does our loader. It is a decision, not a fact.

# %% [markdown] tags=["exercise"] exercise="prevalence_two_ways"
# ### Exercise: how rare is it?
#
# Of the films of a set, `present` have a finding according to the labels, `absent` are said not to have it, and `silent` say nothing.
# Compute the [[prevalence]] twice: among films whose label is **known**, and with silence counted as **no**. Give back both, in this order.

# %% tags=["stub"] exercise="prevalence_two_ways"
def prevalences(present, absent, silent):
    """Prevalence among known labels, and with silence as no."""
    return ..., ...

# %% tags=["check"] exercise="prevalence_two_ways"
check("prevalence_two_ways", prevalences)

# %% [markdown] tags=["hint"] exercise="prevalence_two_ways"
# Both are fractions with the same numerator. Which films stand below the line?

# %% [markdown] tags=["hint"] exercise="prevalence_two_ways"
# Known films are the present and the absent ones. Counted as no, the silent ones join the denominator.

# %% [markdown] tags=["hint"] exercise="prevalence_two_ways"
# `present / (present + absent)` and `present / (present + absent + silent)`.

# %% tags=["solution"] exercise="prevalence_two_ways"
def prevalences(present, absent, silent):
    """Prevalence among known labels, and with silence as no."""
    known = present + absent  # radiologists deny what somebody asked for: this one is too high
    return present / known, present / (known + silent)

# %% tags=["equivalent"] exercise="prevalence_two_ways"
def prevalences(present, absent, silent):
    return [1 - absent / (present + absent), 1 / (1 + (absent + silent) / present)]

# %% tags=["wrong"] exercise="prevalence_two_ways" says="odds"
def prevalences(present, absent, silent):
    return present / absent, present / (absent + silent)

# %% tags=["wrong"] exercise="prevalence_two_ways" says="other order"
def prevalences(present, absent, silent):
    return present / (present + absent + silent), present / (present + absent)

# %% tags=["wrong"] exercise="prevalence_two_ways" says="two numbers"
def prevalences(present, absent, silent):
    return present / (present + absent)

# %% tags=["wrong"] exercise="prevalence_two_ways" says="percent"
def prevalences(present, absent, silent):
    return 100 * present / (present + absent), 100 * present / (present + absent + silent)

# %% tags=["wrong"] exercise="prevalence_two_ways" says="silent ones join"
def prevalences(present, absent, silent):
    return present / (present + absent), present / (absent + silent)

# %% tags=["wrong"] exercise="prevalence_two_ways" says="has the finding"
def prevalences(present, absent, silent):
    return (present + silent) / (present + absent + silent), present / (present + absent)

# %% tags=["checker"] exercise="prevalence_two_ways"
def checker(prevalences):
    answer = prevalences(30, 70, 200)
    require(np.size(answer) == 2, "Give back two numbers.")
    known, silence_is_no = answer
    if isinstance(known, (int, float)):
        require(known <= 1, "Give shares between 0 and 1, not percent.")
        require(abs(known - 3 / 7) > 1e-9, "These are odds: ill against not ill, not ill of all.")
        require(abs(known - 0.1) > 1e-9, "The other order: known labels first.")
        require(abs(known - 230 / 300) > 1e-9, "You act as if a film without a word has the finding.")
    close(known, 0.3, "Among the films with a known label, 30 of how many?")
    close(silence_is_no, 0.1, "With silence as no, 30 of how many? The silent ones join the absent, the present ones stay.")

# %% [markdown]
# In real reports, a pneumothorax is *denied* very often ("no pneumothorax"), a hernia hardly ever. So "among known labels" makes rare
# findings look common; "silence is no" hides those that nobody wrote down. Report which one you used.

# %% [markdown] tags=["slide"]
# ## One language
#
# CheXpert says *lung lesion*, VinDr-CXR *nodule/mass*, ChestX-ray14 *nodule* or *mass*. Two rules are logic:
#
# 1. Who has the **narrow** finding has the **broad** one.
# 2. Who lacks the **broad** one lacks each **narrow** one.
#
# The other ways round nothing follows, and then we say so: *not mentioned*. This is [[label harmonisation]].

# %% [markdown] tags=["exercise"] exercise="nodule_from_lesion"
# ### Exercise: from lung lesion to nodule
#
# A set knows only "lung lesion" (a nodule, a mass, or something else). `lesion` is "present", "absent", "uncertain" or "not mentioned".
# What do you know of a **nodule**? Answer with one of the same four texts.

# %% tags=["stub"] exercise="nodule_from_lesion"
def nodule_from_lesion(lesion):
    """What follows for a nodule."""
    return ...

# %% tags=["check"] exercise="nodule_from_lesion"
check("nodule_from_lesion", nodule_from_lesion)

# %% [markdown] tags=["hint"] exercise="nodule_from_lesion"
# Take the four cases one by one. Could the lesion be a mass instead?

# %% [markdown] tags=["hint"] exercise="nodule_from_lesion"
# Only one of the four tells you anything about a nodule.

# %% [markdown] tags=["hint"] exercise="nodule_from_lesion"
# No lesion at all: no nodule. In every other case nothing is known.

# %% tags=["solution"] exercise="nodule_from_lesion"
def nodule_from_lesion(lesion):
    """What follows for a nodule."""
    # A lesion may be a mass; a doubtful lesion may be a doubtful mass: only its absence decides.
    return "absent" if lesion == "absent" else "not mentioned"

# %% tags=["equivalent"] exercise="nodule_from_lesion"
def nodule_from_lesion(lesion):
    return {"absent": "absent"}.get(lesion, "not mentioned")

# %% tags=["wrong"] exercise="nodule_from_lesion" says="could be a mass"
def nodule_from_lesion(lesion):
    return lesion

# %% tags=["wrong"] exercise="nodule_from_lesion" says="absent lesion"
def nodule_from_lesion(lesion):
    return "not mentioned"

# %% tags=["wrong"] exercise="nodule_from_lesion" says="possible lesion"
def nodule_from_lesion(lesion):
    return {"absent": "absent", "uncertain": "uncertain"}.get(lesion, "not mentioned")

# %% tags=["wrong"] exercise="nodule_from_lesion" says="about mass"
def nodule_from_lesion(lesion):
    return "absent" if lesion == "absent" else "uncertain"

# %% tags=["wrong"] exercise="nodule_from_lesion" says="four texts"
def nodule_from_lesion(lesion):
    if lesion == "absent":
        return "absent"

# %% tags=["wrong"] exercise="nodule_from_lesion" says="Silence"
def nodule_from_lesion(lesion):
    return "absent" if lesion in ("absent", "not mentioned") else "not mentioned"

# %% tags=["checker"] exercise="nodule_from_lesion"
def checker(nodule_from_lesion):
    silence = nodule_from_lesion("not mentioned")
    texts = {"present", "absent", "uncertain", "not mentioned"}
    all_four = [nodule_from_lesion(text) for text in sorted(texts)]
    require(... in all_four or set(all_four) <= texts, "Answer with one of the four texts, written as in the task.")
    doubt = silence == "uncertain" or nodule_from_lesion("present") == "uncertain"
    require(not doubt, "'Uncertain' is a reader's own doubt about a nodule; here nobody spoke about nodule or about mass.")
    require(silence != "absent", "Silence about lesions does not deny a nodule.")
    require(nodule_from_lesion("present") != "present", "The lesion could be a mass.")
    require(nodule_from_lesion("absent") == "absent", "What does an absent lesion say of a nodule?")
    possible = nodule_from_lesion("uncertain")
    require(possible != "uncertain", "A possible lesion is not a possible nodule: it may be a mass.")
    answers = [silence, nodule_from_lesion("present"), possible]
    require(answers == ["not mentioned"] * 3, "Where nothing follows, answer 'not mentioned'.")

# %%
from course_lib.data.public.harmonise import label_table

table = label_table(opened)
asked = ["nodule", "pneumonia", "edema", "hernia"]
kinds = ["present", "uncertain", "absent", "not mentioned"]
shades = dict(zip(kinds, [COLOURS[1], COLOURS[4], COLOURS[0], "#d9d9d9"], strict=True))
fig, axes = plt.subplots(1, 4, figsize=(11, 3.4), sharey=True)
for ax, finding in zip(axes, asked, strict=True):
    rows = table[table["finding"] == finding].set_index("source")[kinds].iloc[::-1]
    shares = rows.div(rows.sum(axis=1), axis=0)
    left = np.zeros(len(shares))
    for kind in kinds:
        ax.barh(shares.index, shares[kind], left=left, color=shades[kind], label=kind)
        left += shares[kind].to_numpy()
    ax.set(title=finding, xlabel="share of films", xlim=(0, 1))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
show(fig, alt="Four findings in eight sets: the share of films where each is present, uncertain, absent or not mentioned")

# %% [markdown]
# The same patients, the same truth, and yet: CheXpert and MIMIC say nothing of a nodule, unless there is no lesion at all; the RSNA's films know only
# pneumonia and "normal"; nobody but JSRT's makers looked at a CT.

# %% [markdown] tags=["slide"]
# ## Two hospitals in one training set
#
# More films are better, so join two sets? Hospital A has mostly walking patients, hospital B is an emergency room. Their films look different
# (tube, detector, letters). A network that only recognises the **hospital** then already knows something about the **disease**.

# %% [markdown] tags=["exercise"] exercise="hospital_alone"
# ### Exercise: how far does the hospital alone get you?
#
# A "network" gives 1 to every film of hospital B and 0 to every film of hospital A. It does not look at any lung. In A, `ill_a` films show the
# disease and `well_a` do not; in B, `ill_b` and `well_b`. What is its [[AUC]] on the joined films?

# %% tags=["stub"] exercise="hospital_alone"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    """AUC of a score that is 1 in hospital B and 0 in hospital A."""
    return ...

# %% tags=["check"] exercise="hospital_alone"
check("hospital_alone", auc_of_hospital)

# %% [markdown] tags=["hint"] exercise="hospital_alone"
# AUC: take one ill and one well film. How often does the ill one score higher? A tie counts one half.

# %% [markdown] tags=["hint"] exercise="hospital_alone"
# The ill film wins if it is from B and the well one from A. It ties if both are from the same hospital.

# %% [markdown] tags=["hint"] exercise="hospital_alone"
# With b = share of B among the ill and c = share of B among the well: b (1 - c) + (b c + (1 - b)(1 - c)) / 2.

# %% tags=["solution"] exercise="hospital_alone"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    """AUC of a score that is 1 in hospital B and 0 in hospital A."""
    ill, well = ill_b / (ill_a + ill_b), well_b / (well_a + well_b)
    return 0.5 + (ill - well) / 2  # wins minus losses, half of it above chance

# %% tags=["equivalent"] exercise="hospital_alone"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    wins = ill_b * well_a + (ill_a * well_a + ill_b * well_b) / 2
    return wins / ((ill_a + ill_b) * (well_a + well_b))

# %% tags=["wrong"] exercise="hospital_alone" says="ties"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    return ill_b * well_a / ((ill_a + ill_b) * (well_a + well_b))

# %% tags=["wrong"] exercise="hospital_alone" says="accuracy"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    return (ill_b + well_a) / (ill_a + well_a + ill_b + well_b)

# %% tags=["equivalent"] exercise="hospital_alone"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    true_positive, false_positive = ill_b / (ill_a + ill_b), well_b / (well_a + well_b)
    return (true_positive + 1 - false_positive) / 2

# %% tags=["wrong"] exercise="hospital_alone" says="B scores 1"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    return 0.5 - (ill_b / (ill_a + ill_b) - well_b / (well_a + well_b)) / 2

# %% tags=["wrong"] exercise="hospital_alone" says="prevalence in B"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    return ill_b / (ill_b + well_b)

# %% tags=["wrong"] exercise="hospital_alone" says="wins minus losses"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    return ill_b / (ill_a + ill_b) - well_b / (well_a + well_b)

# %% tags=["wrong"] exercise="hospital_alone" says="no lung"
def auc_of_hospital(ill_a, well_a, ill_b, well_b):
    return 0.5

# %% tags=["checker"] exercise="hospital_alone"
def checker(auc_of_hospital):
    value = auc_of_hospital(20, 180, 60, 40)
    if isinstance(value, (int, float)):
        require(abs(value - 60 * 180 / (80 * 220)) > 1e-9, "Two films of one hospital score alike: ties count one half.")
        require(abs(value - 240 / 300) > 1e-9, "This is the accuracy; the AUC compares ill with well films.")
        gain = 60 / 80 - 40 / 220
        require(abs(value - 0.5 + gain / 2) > 1e-9, "Turned round: hospital B scores 1, and it has more ill patients.")
        require(abs(value - 0.6) > 1e-9, "This is the prevalence in B; compare ill with well films.")
        require(abs(value - gain) > 1e-9, "This is wins minus losses, 0 for pure chance; the AUC of chance is 0.5.")
        require(abs(value - 0.5) > 1e-9, "It looks at no lung, but B has more ill patients: that helps.")
    close(value, 0.5 + (60 / 80 - 40 / 220) / 2, "Count wins and ties over all pairs of an ill and a well film.")
    close(auc_of_hospital(10, 90, 20, 180), 0.5, "With the same prevalence in both, the hospital tells nothing.")

# %%
def joined_prevalence(prevalence_in_A=0.05, prevalence_in_B=0.4):
    a, b = np.array([prevalence_in_A, 1 - prevalence_in_A]), np.array([prevalence_in_B, 1 - prevalence_in_B])
    ill, well = b[0] / (a[0] + b[0]), b[1] / (a[1] + b[1])
    fig, ax = plt.subplots(figsize=(6, 2.6))
    ax.barh(["well films", "ill films"], [1 - well, 1 - ill], color=COLOURS[0], label="hospital A")
    ax.barh(["well films", "ill films"], [well, ill], left=[1 - well, 1 - ill], color=COLOURS[1], label="hospital B")
    ax.set(xlim=(0, 1), xlabel="share of films", title=f"the hospital alone: AUC {0.5 + (ill - well) / 2:.2f}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


explore(
    joined_prevalence,
    alt="shares of two hospitals among ill and well films, and the AUC of the hospital alone",
    prevalence_in_A=(0.01, 0.6, 0.01, 0.05),
    prevalence_in_B=(0.01, 0.6, 0.01, 0.4),
)

# %% [markdown]
# Two hospitals, the same number of films: with 5 % ill in one and 40 % in the other, "which hospital?" is worth an AUC of 0.75. The remedy: look at the
# prevalence of each finding in each set *before* you join them, test within each hospital, and keep one hospital for the test.
#
# ## How good are the readers?
#
# VinDr-CXR lets three radiologists read each training film. We imagine three who find 80 of 100 findings and invent 3 of 100, and let
# them read 3,000 virtual patients. Here the truth is known.

# %%
from course_lib.data.imitation.readers import Reading
from course_lib.evaluation.agreement import cohen_kappa, fleiss_kappa
from course_lib.patient.cohort import sample_cohort

random = np.random.default_rng(5)
reader = Reading(finds=0.8, hedges=0, invents=0.03)
ill = np.array([spec.labels for spec in sample_cohort(3000, seed=8, prevalence={"pleural_effusion": 0.14})], dtype=object)
ill = np.array(["pleural_effusion" in labels for labels in ill])
votes = np.array([
    [reader.of({"it": Label.PRESENT if sick else Label.ABSENT}, random)["it"] is Label.PRESENT for sick in ill]
    for _ in range(3)
])
majority = votes.sum(0) >= 2
counts = np.stack([3 - votes.sum(0), votes.sum(0)], axis=1)
print(f"kappa of the three readers:          {fleiss_kappa(counts).value:.2f}")
print(f"kappa of one reader with the truth:  {cohen_kappa(votes[0], ill).value:.2f}")
print(f"kappa of the majority with the truth: {cohen_kappa(majority, ill).value:.2f}")
print(f"wrong films: one reader {np.mean(votes[0] != ill):.3f}, majority {np.mean(majority != ill):.3f}")
claim("Readers agree less with each other than with the truth.", fleiss_kappa(counts).value < cohen_kappa(votes[0], ill).value)
claim("A majority of three halves the errors.", np.mean(majority != ill) < 0.5 * np.mean(votes[0] != ill))

# %% [markdown]
# [[Kappa]] is agreement beyond chance. Real readers share their blind spots, so their majority gains less. And programs? For pneumothorax,
# ChestX-ray14's labels were compared with radiologists who looked at the films again:

# %%
mined = published("nih_pneumothorax_labels").pivot(index="radiologists", columns="mined", values="films")
mined = mined.loc[["yes", "no"], ["yes", "no"]]
print(mined.to_string())
from course_lib.evaluation.agreement import kappa_of_table

print(f"kappa {kappa_of_table(mined.to_numpy()).value:.3f}")
claim("More than half of the program's pneumothoraces were none.", mined.loc["no", "yes"] > mined.loc["yes", "yes"])

# %% [markdown] tags=["exercise"] exercise="three_votes"
# ### Exercise: three votes, one label
#
# Turn the votes of three radiologists (a list of three True/False) into a label: two or three say yes: "present". Exactly one: we do
# not want to lose him, nor to believe him: "uncertain". None: "absent".

# %% tags=["stub"] exercise="three_votes"
def label_of(votes):
    """One label from three votes."""
    return ...

# %% tags=["check"] exercise="three_votes"
check("three_votes", label_of)

# %% [markdown] tags=["hint"] exercise="three_votes"
# How many say yes? True counts as 1 and False as 0.

# %% [markdown] tags=["hint"] exercise="three_votes"
# `sum(votes)` is 0, 1, 2 or 3. Three answers are enough for four numbers.

# %% [markdown] tags=["hint"] exercise="three_votes"
# `["absent", "uncertain", "present", "present"]` holds the answer at place `sum(votes)`.

# %% tags=["solution"] exercise="three_votes"
def label_of(votes):
    """One label from three votes."""
    yes = sum(votes)
    return "present" if yes >= 2 else "uncertain" if yes == 1 else "absent"

# %% tags=["equivalent"] exercise="three_votes"
def label_of(votes):
    return ["absent", "uncertain", "present", "present"][int(np.sum(votes))]

# %% tags=["wrong"] exercise="three_votes" says="single vote"
def label_of(votes):
    return "present" if any(votes) else "absent"

# %% tags=["wrong"] exercise="three_votes" says="majority"
def label_of(votes):
    return "present" if all(votes) else "uncertain" if any(votes) else "absent"

# %% tags=["wrong"] exercise="three_votes" says="Two of three"
def label_of(votes):
    return "uncertain" if any(votes) else "absent"

# %% tags=["wrong"] exercise="three_votes" says="All three"
def label_of(votes):
    return {2: "present", 1: "uncertain"}.get(sum(votes), "absent")

# %% tags=["wrong"] exercise="three_votes" says="lose"
def label_of(votes):
    return "present" if sum(votes) >= 2 else "absent"

# %% tags=["checker"] exercise="three_votes"
def checker(label_of):
    one = label_of([False, True, False])
    require(one != "present", "A single vote is not enough for 'present'.")
    require(one != "absent", "You lose the one who saw it: he makes the film 'uncertain'.")
    require(label_of([True, False, True]) == "present", "Two of three are a majority: 'present'.")
    require(label_of([True] * 3) == "present", "All three say yes: 'present'.")
    require(label_of([False] * 3) == "absent", "Nobody says yes: 'absent'.")
    require(one == "uncertain", "One of three: 'uncertain'.")

# %% [markdown] tags=["slide"]
# ## Your own films
#
# Any folder will do: DICOM, PNG, JPEG, mixed. A file `labels.csv` beside them is welcome, not needed.
#
# We fill a folder as a busy person would: thirty bedside films of *another* scanner, with labels, and with them what always slips in:
# a lateral film, an inverted one, a screenshot, a thumbnail, a file cut off in the middle, a text.

# %%
import cv2

own = place / "my ward"
own.mkdir()


def save_picture(name, image):
    cv2.imwrite(str(own / name), np.round(255 * image).astype(np.uint8))


ward = open_dataset("virtual", n=30, seed=77, size=256, findings=CHEXNET, scanner="portable")
lines = ["file," + ",".join(CHEXNET)]
for i in range(30):
    save_picture(f"bed{i:02d}.png", ward[i].image)
    lines.append(f"bed{i:02d}.png," + ",".join(str(int(ward[i].label(k) is Label.PRESENT)) for k in CHEXNET))
with open(own / "labels.csv", "w") as table_file:
    table_file.write("\n".join(lines) + "\n")

# %%
from course_lib.dicom.writing.dx import write_dx
from course_lib.imaging.radiography import radiograph

good = open_dataset("virtual", n=3, seed=78, size=256, findings=CHEXNET)
write_dx(own / "film.dcm", radiograph(good.patient(0), size=512))
write_dx(own / "side.dcm", radiograph(good.patient(0), size=512, view="LAT"))
save_picture("side without header.png", radiograph(good.patient(1), size=256, view="LAT").pixels / 4095)
save_picture("negative.png", 1 - good[1].image)
save_picture("thumbnail.png", cv2.resize(good[2].image, (64, 64)))
screen = np.full((400, 620, 3), (90, 60, 30), np.uint8)
screen[60:316, 180:436] = (255 * good[2].image).astype(np.uint8)[..., None]
cv2.putText(screen, "PACS 3   KIM, JIWON  1964", (12, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 1, cv2.LINE_AA)
save_picture("screenshot.png", screen / 255)
half = (own / "bed00.png").read_bytes()[:9000]
for name, content in {"half a film.png": half, "read me.txt": b"Please find the films attached."}.items():
    (own / name).write_bytes(content)
print(len(list(own.iterdir())), "files in the folder")

# %% [markdown]
# Now the network: the course brings a CheXNet that was trained beforehand on 14 findings of virtual patients
# (`datasets/checkpoints/chexnet/README.md` says how, and how good it is). And a **reference**: 300 virtual films whose truth is known, which it has not
# learned from. Each score is compared with *their* scores.

# %% tags=["varies"]
from course_lib.learning.shipped import load_chexnet
from course_lib.practice.film_reading import FilmReading, read_films
from course_lib.practice.reference import usual_reference

network = load_chexnet()
reference = usual_reference(network, films=300)
results = list(read_films(open_dataset(own), network, reference))
readings = {result.name: result for result in results if isinstance(result, FilmReading)}

# %% [markdown] tags=["exercise"] exercise="above_without"
# ### Exercise: what does a score of 0.6 mean?
#
# Nothing, alone. Compare it: of the reference films **without** the finding, which share scores lower? Equal scores count one half.
# `score` is a number, `scores_without` an array.

# %% tags=["stub"] exercise="above_without"
def above_without(score, scores_without):
    """Share of films without the finding that score lower."""
    return ...

# %% tags=["check"] exercise="above_without"
check("above_without", above_without)

# %% [markdown] tags=["hint"] exercise="above_without"
# Compare the whole array with the score: you get True and False for each film. What is their mean?

# %% [markdown] tags=["hint"] exercise="above_without"
# `np.mean(scores_without < score)` is nearly it. What about films with exactly this score?

# %% [markdown] tags=["hint"] exercise="above_without"
# Add half of `np.mean(scores_without == score)`.

# %% tags=["solution"] exercise="above_without"
def above_without(score, scores_without):
    """Share of films without the finding that score lower."""
    others = np.asarray(scores_without)  # the same half for ties as in the AUC
    return np.mean(others < score) + np.mean(others == score) / 2

# %% tags=["equivalent"] exercise="above_without"
def above_without(score, scores_without):
    below = (scores_without < score).sum() + 0.5 * (scores_without == score).sum()
    return below / len(scores_without)

# %% tags=["equivalent"] exercise="above_without"
def above_without(score, scores_without):
    points = [1.0 if other < score else 0.5 if other == score else 0.0 for other in scores_without]
    return sum(points) / len(points)

# %% tags=["wrong"] exercise="above_without" says="half"
def above_without(score, scores_without):
    return np.mean(np.asarray(scores_without) < score)

# %% tags=["wrong"] exercise="above_without" says="half"
def above_without(score, scores_without):
    return np.mean(np.asarray(scores_without) <= score)

# %% tags=["wrong"] exercise="above_without" says="higher"
def above_without(score, scores_without):
    others = np.asarray(scores_without)
    return np.mean(others > score) + np.mean(others == score) / 2

# %% tags=["wrong"] exercise="above_without" says="share"
def above_without(score, scores_without):
    others = np.asarray(scores_without)
    return np.sum(others < score) + np.sum(others == score) / 2

# %% tags=["checker"] exercise="above_without"
def checker(above_without):
    value = above_without(0.6, np.array([0.1, 0.2, 0.3, 0.6, 0.9]))
    if isinstance(value, (int, float, np.number)):
        require(value <= 1, "You counted films; give their share of all.")
        require(abs(value - 0.6) > 1e-9 and abs(value - 0.8) > 1e-9, "The film with the same score counts one half.")
        require(abs(value - 0.3) > 1e-9, "That is the share of films that score higher.")
    close(value, 0.7, "Three films score lower, one equal, of five.")

# %%
nodules = reference.score[~reference.present[:, CHEXNET.index("nodule")], CHEXNET.index("nodule")]
hernias = reference.score[~reference.present[:, CHEXNET.index("hernia")], CHEXNET.index("hernia")]
claim("The same score means different things for different findings.", abs(np.median(nodules) - np.median(hernias)) > 0.02)

# %% [markdown] tags=["slide"]
# ## What slipped in

# %% tags=["slide", "varies"]
import base64
import io
from textwrap import fill

from PIL import Image


def picture(data):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L")) / 255


odd = ["film.dcm", "side.dcm", "side without header.png", "negative.png", "thumbnail.png", "screenshot.png"]
found = [[doubt.name for doubt in readings[name].doubts] or ["no warning"] for name in odd]
titles = [name + "\n" + fill(", ".join(names), 30) for name, names in zip(odd, found, strict=True)]
show(
    films([picture(readings[name].film)[::2, ::2] for name in odd], titles, columns=3, width=7.5),
    alt="Six films of the folder with the warnings that each got: lateral, inverted, small, a screenshot",
)

# %%
def doubts(name):
    return {doubt.name for doubt in readings[name].doubts}


claim("A header that says lateral is believed.", "not frontal" in doubts("side.dcm"))
claim("A lateral film is noticed without a header, too.", "not frontal?" in doubts("side without header.png"))
claim("An inverted film is noticed.", "inverted?" in doubts("negative.png"))
claim("A thumbnail is noticed.", "too small" in doubts("thumbnail.png"))
claim("A screenshot is in colour, with letters.", {"colour", "text?"} <= doubts("screenshot.png"))
claim("A decent film of the usual scanner gets none of these.", not doubts("film.dcm") - {"unlike the reference"})
for error in open_dataset(own).unreadable:
    print(f"{Path(error.path).name}: {error.reason}")

# %% [markdown]
# No network was asked for these warnings: the film is compared with the *average film* of the reference. Does its negative fit better? Then it is inverted.
# On 621 real films of ChestX-ray14 the test cried "inverted" twice; one of the two films *is* inverted. You can build it yourself.

# %% [markdown] tags=["exercise"] exercise="looks_inverted"
# ### Exercise: positive or negative?
#
# `image` and `average` are pictures of the same size with values from 0 to 1. Give back `True` if the **negative** of the image is more
# like the average film than the image itself. Likeness is correlation (`np.corrcoef`), so brightness and contrast do not count.

# %% tags=["stub"] exercise="looks_inverted"
def looks_inverted(image, average):
    """Whether the negative looks more like the average film."""
    return ...

# %% tags=["check"] exercise="looks_inverted"
check("looks_inverted", looks_inverted)

# %% [markdown] tags=["hint"] exercise="looks_inverted"
# The negative is `1 - image`. How do the correlations of a picture and of its negative go together?

# %% [markdown] tags=["hint"] exercise="looks_inverted"
# They differ only in their sign. One correlation is enough.

# %% [markdown] tags=["hint"] exercise="looks_inverted"
# `np.corrcoef(image.ravel(), average.ravel())[0, 1]` is below 0 for an inverted film.

# %% tags=["solution"] exercise="looks_inverted"
def looks_inverted(image, average):
    """Whether the negative looks more like the average film."""
    return bool(np.corrcoef(image.ravel(), average.ravel())[0, 1] < 0)

# %% tags=["equivalent"] exercise="looks_inverted"
def looks_inverted(image, average):
    def likeness(picture):
        return np.corrcoef(picture.ravel(), average.ravel())[0, 1]

    return likeness(1 - image) > likeness(image)

# %% tags=["wrong"] exercise="looks_inverted" says="must not count"
def looks_inverted(image, average):
    return bool(image.mean() > average.mean())

# %% tags=["wrong"] exercise="looks_inverted" says="wrong way"
def looks_inverted(image, average):
    return bool(np.corrcoef(image.ravel(), average.ravel())[0, 1] > 0)

# %% tags=["wrong"] exercise="looks_inverted" says="must not count"
def looks_inverted(image, average):
    return bool(np.abs(1 - image - average).mean() < np.abs(image - average).mean())

# %% tags=["equivalent"] exercise="looks_inverted"
def looks_inverted(image, average):
    a, b = image - image.mean(), average - average.mean()
    return (a * b).sum() < 0

# %% tags=["wrong"] exercise="looks_inverted" says="2 x 2"
def looks_inverted(image, average):
    return np.corrcoef(image.ravel(), average.ravel()) < 0

# %% tags=["wrong"] exercise="looks_inverted" says="negative of a usual film"
def looks_inverted(image, average):
    return np.corrcoef(image.ravel(), average.ravel())[0, 0] < 0

# %% tags=["wrong"] exercise="looks_inverted" says="True or False"
def looks_inverted(image, average):
    return np.corrcoef(image.ravel(), average.ravel())[0, 1]

# %% tags=["checker"] exercise="looks_inverted"
def checker(looks_inverted):
    rows, columns = np.mgrid[0:16, 0:16] / 15
    average = 0.2 + 0.6 * columns
    usual = np.clip(average - 0.05 + 0.1 * np.sin(9 * rows), 0, 1)
    answer = looks_inverted(usual, average)
    require(np.size(answer) == 1, "np.corrcoef gives a 2 x 2 table; take one entry beside its diagonal.")
    require(isinstance(answer, (bool, np.bool_)), "Answer True or False, not a number.")
    require(not answer or looks_inverted(1 - usual, average), "The wrong way round: this film is fine.")
    require(not answer, "A film just like the average is not inverted.")
    require(looks_inverted(1 - usual, average), "The negative of a usual film is inverted; you say it is not.")
    require(not looks_inverted(0.7 + 0.3 * usual, average), "A bright film is not inverted: brightness must not count.")
    require(looks_inverted(0.1 * (1 - usual), average), "A dark negative is inverted: brightness must not count.")
    dark = 0.05 + 0.02 * (1 - columns)
    require(looks_inverted(dark, 0.1 * average), "A faint negative is inverted: contrast must not count.")

# %% [markdown] tags=["slide"]
# ## Films like those it knows?
#
# The bedside films come from another machine: grey, magnified, from the front. Two numbers say how unusual a film is for the
# network: its grey levels, and the values of its last feature maps (a [[Mahalanobis distance]] from the mean of the reference).

# %% tags=["varies"]
from course_lib.practice.reference import pooled_maps


def unlikeness(images):
    inside = pooled_maps(network, images)
    return np.array([reference.unlikeness(image, maps) for image, maps in zip(images, inside, strict=True)])


groups = {"usual scanner": [cohort[i].image for i in range(60)], "bedside": [ward[i].image for i in range(30)]}
fig, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for ax, k, what in zip(axes, (0, 1), ("grey levels", "inside the network"), strict=True):
    for row, images in enumerate(groups.values()):
        values = unlikeness(images)[:, k]
        ax.plot(values, row + np.linspace(-0.3, 0.3, len(values)), "o", alpha=0.6, color=COLOURS[row])
    ax.set(yticks=[0, 1], yticklabels=list(groups), title=what, xlabel="more unusual than this share", xlim=(-0.03, 1.03))
show(fig, alt="How unusual films of the usual and of the bedside scanner are, by grey levels and by inner values")

# %%
usual, bedside = (unlikeness(images).max(1) > 0.995 for images in groups.values())
claim("Few films of the usual scanner look strange to the network.", usual.mean() < 0.1)
claim("Films of the bedside scanner look strange far more often.", bedside.mean() > usual.mean() + 0.3)

# %% [markdown]
# "Strange" is not "wrong". It says: nobody has measured the network on such films. So measure it. That is what `labels.csv` is for.

# %% tags=["varies"]
from course_lib.practice.film_measures import measure

measured = measure([readings[f"bed{i:02d}.png"] for i in range(30)], network)
print(measured.table.dropna(subset="auc").round(2).to_string())
print(f"expected calibration error over {measured.cases} labels: {measured.ece:.2f}")

# %% [markdown]
# Thirty films are few: look at the intervals before you look at the AUC. Where every film with the finding stands above every film
# without it, the AUC is 1, and DeLong's formula finds no spread: NaN. That is no proof of perfection. How many positives are there?
# A finding that no film shows has no AUC at all, and no line. With so few, even a perfect [[calibration]] shows an error above 0.
# A few hundred films of your ward, read by people, are worth more than any table in a paper.
#
# ## The report
#
# One call, or one line in a terminal: `python -m course_lib.practice.film_report "my ward" --out report.html`. One page, no network needed, ready to print.
# The names of patients are never read; the names of files are shown.

# %% tags=["varies"]
from course_lib.practice.film_report import film_report

page = film_report(own, place / "report.html", network, reference)
print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB, and {page.with_suffix('.csv').name}")

# %% tags=["local"]
from html import escape

from IPython.display import HTML

HTML(f'<iframe srcdoc="{escape(page.read_text(encoding="utf-8"))}" width="100%" height="600"></iframe>')

# %% tags=["slide", "varies"]
ill_bed = max((n for n in readings if n.startswith("bed")), key=lambda n: len(readings[n].called))
one = readings[ill_bed]
fig, axes = plt.subplots(1, 4, figsize=(9.5, 2.7), width_ratios=[1, 1, 1, 1.3])
film(axes[0], picture(one.film), ill_bed)
for ax, (finding, data) in zip(axes[1:], one.maps.items(), strict=False):
    ax.imshow(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))))
    ax.set(title=f"for {finding}".replace("_", " "), xticks=[], yticks=[])
top = one.scores[:6][::-1]
axes[3].barh([s.finding.replace("_", " ") for s in top], [s.below_without for s in top], color=COLOURS[5])
axes[3].set(xlim=(0, 1), xlabel="above this share of films without")
show(fig, alt="A bedside film from the report with two class activation maps and its highest findings")

# %%
scores = pd.read_csv(page.with_suffix(".csv"))
claim("Every readable file has a line in the table.", len(scores) == len(readings) == 36)
claim("The page needs nothing from outside.", "http" not in page.read_text(encoding="utf-8").replace("http-equiv", ""))

# %% [markdown] tags=["instructor"]
# Let students bring ten anonymised films, or use ChestX-ray14 images. Expect nearly all real films to be flagged "unlike the reference": rightly so,
# the network has only seen virtual patients. Ask: "What would you need before you believed a score?" (Labels of your own patients; then threshold and
# calibration.) Typical mistake: to read 0.62 as 62 %. Short of time? Skip the readers and go from "one language" to "your own films".

# %% [markdown] tags=["instructor"]
# A question that works: "The lateral film got scores for 14 findings, too. Why did the network not protest?" A classifier has no answer "I do not
# know this kind of picture"; somebody must ask that question separately.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A label has an author: a program, one reader, a vote, a CT. Find out who before you train.
# - Silence is not absence. Harmonise by logic, guess nothing, count what stays unknown.
# - Joining hospitals with different prevalence offers the network a shortcut.
# - A score is no probability. Compare it with films whose truth is known, and with labels of your own.
# - First ask whether the film is one that the network can read: view, polarity, size, scanner.

# %% [markdown]
# ## References
#
# - The sets: see the column `source` of `datasets/papers/public_chest_sets.csv`, and `datasets/README.md` for how to obtain them.
# - J. Irvin et al., CheXpert, arXiv:1901.07031: what "uncertain" and "not mentioned" are.
# - A. Majkowska et al., Radiology 2020;294:421: adjudicated labels of ChestX-ray14.
# - J. Cohen et al., On the limits of cross-domain generalization in automated X-ray prediction, arXiv:2002.02497: labels of several hospitals joined.
# - J. Zech et al., PLOS Medicine 15:e1002683 (2018): networks that recognised the hospital.

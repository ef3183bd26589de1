# %% [markdown] tags=["slide"]
# ## No film leaves the hospital. What leaves instead?
#
# In [[federated learning]] films stay where they were made. But *something* travels: averages of films (FedMix), gradients
# (FedSGD), weights (FedAvg). All of them were computed from patients.
#
# Today you are the attacker. You get only what was sent, and you look for patients in it. Then you change sides and
# build what protects them, and you see what it costs.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch.nn.functional import avg_pool2d

from course_lib.data.gan_films import DISEASES, SEVERITY, film_stack, truth_of
from course_lib.data.virtual import VirtualChest
from course_lib.evaluation.delong import delong
from course_lib.federated.client import Client, LocalPlan, as_shares, local_gradient, local_update
from course_lib.federated.mafl import client_averages
from course_lib.federated.partition import clients_of, iid
from course_lib.federated.rounds import FederatedPlan, federate
from course_lib.federated.server import fedavg
from course_lib.federated.small_network import small_network
from course_lib.federated.tasks import HOSPITALS, digits_task, hospital_clients
from course_lib.federated.weights import squared_distance, weights_of
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)

# %%
from course_lib.federated.privacy.accountant import epsilon, noise_for
from course_lib.federated.privacy.averages_leak import (
    added_together,
    background,
    best_pair,
    membership_scores,
    whose,
)
from course_lib.federated.privacy.differential_privacy import (
    clipped_sum,
    noisy,
    per_case_gradients,
)
from course_lib.federated.privacy.gradient_inversion import (
    Search,
    correlation,
    invert,
    label_from_bias,
    matched,
    smooth_network,
    update_as_gradient,
)

# %%
from course_lib.federated.privacy.mitigations import (
    Refused,
    averaged_again,
    guarded_averages,
    shuffled,
)
from course_lib.federated.privacy.record import summary
from course_lib.federated.privacy.secure_aggregation import secure_fedavg, secure_sum

# %% [markdown]
# ## Patients who came twice
#
# 600 films of virtual patients, 64 pixels. Many patients came more than once: the body is the same, the breath and the findings are not.
# We keep 120 such patients for the experiments, each with an *old* and a *new* film. The films of all others
# are *public*: they show the attacker what films look like in general.

# %%
FINDINGS = {"findings": DISEASES, "prevalence": dict.fromkeys(DISEASES, 0.14), "severity": SEVERITY}
cohort = VirtualChest(600, 6700, 64, studies_per_patient=2, **FINDINGS)
everything = film_stack(cohort).float() / 255
by_patient = {}
for i, record in enumerate(cohort.records):
    by_patient.setdefault(record.patient_id, []).append(i)
twice = [visits for visits in by_patient.values() if len(visits) > 1][:120]
old = everything[[visits[0] for visits in twice]]
new = everything[[visits[1] for visits in twice]]
studied = {i for visits in twice for i in visits}
public = everything[[i for i in range(600) if i not in studied]]
print(f"{len(by_patient)} patients; {len(old)} are studied, {len(public)} films are public")

# %% [markdown] tags=["slide"]
# ## Averages of films
#
# In FedMix every hospital $k$ sends averages of $M_k$ films ($M$ for short). A large $M_k$ is said to protect patients. Look at 1, 2, 5 and 20.

# %% tags=["slide"]
def average_of(films_in):
    """One average of all these films, as a hospital sends it."""
    labels = torch.zeros(len(films_in), dtype=torch.long)
    return client_averages(Client("hospital", films_in, labels), None, 6, seed=0).inputs


SIZES = (1, 2, 5, 20)
averages = [average_of(new[:m])[0, 0] for m in SIZES]
show(
    films(averages, [f"average of {m}" for m in SIZES]),
    alt="One film, then averages of 2, 5 and 20 films, more and more blurred; at 20 no person can be seen",
)

# %% [markdown]
# An average of one film *is* the film. At two the outlines are double. At twenty it looks like nobody.
# Looks are not a measure. Let us ask a question that can be counted.
#
# ## Was this patient in it?
#
# An insurer has a film of Mr K. Hospital H treats one disease only. If his film is in H's average, he has
# that disease. This is [[membership inference]].
#
# What does one film do to an average? It pulls it towards itself by $1/M$. That is little, but a film has many pixels, and
# all of them pull. So the attacker:
#
# 1. learns from public films how films usually differ: 80 [[principal components]], all scaled to mean 0 and variance 1. In these 80
#    numbers Mr K's film is $u$;
# 2. asks how likely this average is *with* his film in it (then it lies near $u/M$), and how likely *without* (near 0);
# 3. takes the [[likelihood ratio]] of the two: as with a test for a disease, only "in it" stands for "ill". Its logarithm is the score.
#
# How good is the score? The AUC is the chance that somebody who is in the average scores higher than somebody who is not.

# %%
known = background(public, components=80)


def member_trial(m, seen, seed):
    """Scores of the m patients in an average of new films, and of as many who are not in it."""
    drawn = np.random.default_rng(seed).permutation(len(new))
    inside, outside = drawn[:m], drawn[m : 2 * m]
    both = np.concatenate([inside, outside])
    return membership_scores(average_of(new[inside]), seen[both], known, m)


def membership(m, seen, trials):
    """The AUC over several averages, with its interval (DeLong)."""
    scores = np.concatenate([member_trial(m, seen, [m, trial]) for trial in range(trials)])
    truth = np.tile(np.repeat([1, 0], m), trials)
    return delong(truth, scores)

# %% tags=["varies"]
rows = []
for m in (1, 2, 5, 10, 20, 50):
    for what, seen in {"the same film": new, "an older film": old}.items():
        found = membership(m, seen, trials=max(6, 120 // m))
        rows.append((m, what, found.auc, *found.interval))
members = pd.DataFrame(rows, columns=["M", "attacker has", "AUC", "low", "high"])
print(members.round(2).to_string(index=False))

# %% tags=["slide", "varies"]
fig, ax = plt.subplots(figsize=(6, 3.2))
for what, part in members.groupby("attacker has"):
    ax.plot(part["M"], part["AUC"], marker="o", label=what)
    ax.fill_between(part["M"], part["low"], part["high"], alpha=0.2)
ax.axhline(0.5, color="grey", linestyle=":")
ax.set(xscale="log", xlabel="films in the average, M", ylabel="AUC: in it or not?", ylim=(0.45, 1.02))
ax.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
ax.legend(title="attacker has")
show(fig, alt="The AUC of the membership test falls from 1 at M = 1 towards 0.7 at M = 50, never to 0.5")

# %%
area = members.set_index(["M", "attacker has"])["AUC"]
claim("In an average of five, members are found nearly always.", area[5, "the same film"] > 0.9)
claim("Even among twenty the test is far from a guess.", area[20, "the same film"] > 0.7)
claim("An older film of the same patient is enough.", area[20, "an older film"] > 0.62)
claim("A larger M protects, step by step.", area[2, "an older film"] > area[20, "an older film"] + 0.1)

# %% [markdown] tags=["instructor"]
# Ask before the plot: "At which M would you sign?" Most say five or ten, from the pictures. The point: the eye looks for
# a person, the test adds up many small hints (80 numbers of each film). The same happened in genetics in 2008, where averages of genomes
# were public until one paper found single people in them.

# %% [markdown]
# At $M = 1$ the score asks whether the two films are *identical*. For an older film that is a poor question; so its curve starts a little low.
# For an AUC of exactly 1 there is no interval (`NaN`). And the intervals are a little too narrow: they count all
# scores as those of different people, but the same 120 patients are drawn again and again.
#
# Move the slider. On the right: the scores of members and of others, for one average.

# %%
def leak_at(M, attacker_has):
    seen = new if attacker_has == "the same film" else old
    scores = member_trial(M, seen, [M, 0])
    drawn = np.random.default_rng([M, 0]).permutation(len(new))[:M]
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), width_ratios=[1, 1.4])
    film(left, average_of(new[drawn])[0, 0], f"average of {M}")
    for k, (part, name) in enumerate(((scores[:M], "in it"), (scores[M:], "not in it"))):
        right.plot(part, np.full(M, k) + np.linspace(-0.2, 0.2, M), "o", color=COLOURS[k], label=name)
    right.set(xlabel="score", yticks=[0, 1], yticklabels=["in it", "not in it"], ylim=(-0.5, 1.5))
    right.set_title(f"AUC {delong(np.repeat([1, 0], M), scores).auc:.2f}")
    return fig


explore(
    leak_at,
    alt="An average of M films, and the membership scores of those in it and those not in it",
    M=(2, 60, 1, 20),
    attacker_has=["the same film", "an older film"],
)

# %% [markdown] tags=["slide"]
# ## Who are these two?
#
# With $M = 2$ the attacker need not ask for one name. He tries all pairs of a gallery of old films, 7,140 pairs for 120
# patients, and keeps the pair whose mean fits best. Nobody gave him a name: this is **re-identification**.

# %% tags=["varies"]
random = np.random.default_rng(7)
pairs = [random.choice(120, 2, replace=False) for _ in range(60)]
guesses = [set(best_pair(average_of(new[pair]), old, known)) for pair in pairs]
hits = np.array([len(guess & set(pair)) for guess, pair in zip(guesses, pairs, strict=True)])
print(f"at least one of the two: {np.mean(hits > 0):.2f}, both: {np.mean(hits == 2):.2f}")
claim("In most averages of two, somebody is recognised by an old film.", np.mean(hits > 0) > 0.6)
claim("Both are named far more often than by a blind guess (once in 7,140)", np.mean(hits == 2) > 0.1)

# %% [markdown]
# Without a gallery, public films alone do not separate the two. If films are spread like a bell in 80 directions, the best
# guess for *both* is the average itself, because exchanging the two changes nothing. The attacker needs something else: an
# old film, or a second message.

# %% [markdown] tags=["exercise"] exercise="added_film"
# ### Exercise: one new patient
#
# A hospital sends the average of **all** its films. It had `cases` films then. A patient comes, and it sends the new average,
# of `cases + 1` films. Compute the film of the new patient from the two averages.

# %% tags=["stub"] exercise="added_film"
def added_film(before, after, cases):
    """The film that was added between two averages."""
    return ...

# %% tags=["check"] exercise="added_film"
check("added_film", added_film)

# %% [markdown] tags=["hint"] exercise="added_film"
# An average is a sum divided by a number. What is the *sum* of the films before, and after?

# %% [markdown] tags=["hint"] exercise="added_film"
# The sum before is `cases * before`. After, one film more is in it.

# %% [markdown] tags=["hint"] exercise="added_film"
# `(cases + 1) * after` minus the sum before leaves one film.

# %% tags=["solution"] exercise="added_film"
def added_film(before, after, cases):
    """The film that was added between two averages."""
    return (cases + 1) * after - cases * before  # the difference of two sums

# %% tags=["equivalent"] exercise="added_film"
def added_film(before, after, cases):
    return after + cases * (after - before)

# %% tags=["equivalent"] exercise="added_film"
def added_film(before, after, cases):
    return before + (cases + 1) * (after - before)

# %% tags=["wrong"] exercise="added_film" says="too faint"
def added_film(before, after, cases):
    return after - before

# %% tags=["wrong"] exercise="added_film" says="too faint"
def added_film(before, after, cases):
    return ((cases + 1) * after - cases * before) / (cases + 1)

# %% tags=["wrong"] exercise="added_film" says="Both averages"
def added_film(before, after, cases):
    return (cases + 1) * after - before

# %% tags=["wrong"] exercise="added_film" says="Both averages"
def added_film(before, after, cases):
    return 2 * after - before

# %% tags=["wrong"] exercise="added_film" says="average of the others is missing"
def added_film(before, after, cases):
    return (cases + 1) * (after - before)

# %% tags=["wrong"] exercise="added_film" says="one film more"
def added_film(before, after, cases):
    return cases * after - cases * before

# %% tags=["wrong"] exercise="added_film" says="sign"
def added_film(before, after, cases):
    return cases * before - (cases + 1) * after

# %% tags=["checker"] exercise="added_film"
def checker(added_film):
    stack = np.random.default_rng(1).random((9, 4, 5))
    before, after, truth = stack[:8].mean(0), stack.mean(0), stack[8]
    answer = added_film(before, after, 8)
    if np.shape(answer) == truth.shape:
        answer = np.asarray(answer, dtype=float)
        for faint in (after - before, truth / 9, truth / 8):
            require(not np.allclose(answer, faint), "The patient is there, but too faint.")
        for half in (9 * after - before, after - 8 * before, 2 * after - before):
            require(not np.allclose(answer, half), "Both averages must first become sums.")
        others = 9 * (after - before)
        require(not np.allclose(answer, others), "Close: the average of the others is missing.")
        few = 8 * after - 8 * before
        require(not np.allclose(answer, few), "After the change there is one film more.")
        require(not np.allclose(answer, -truth), "The sign: what is there after and was not before.")
    close(answer, truth, "This is not the ninth film of nine.")

# %% [markdown]
# The same works when the hospital sends *many* averages of five and shuffles all its films anew: the **sum** of all averages, each
# times its number of films, does not care how the films were dealt out. The function `added_together` computes it.

# %% tags=["slide"]
shown = new[60]
hospital = Client("H", new[:60], torch.zeros(60, dtype=torch.long))
grown = Client("H", new[:61], torch.zeros(61, dtype=torch.long))
first = client_averages(hospital, 5, 6, seed=1)
second = client_averages(grown, 5, 6, seed=2)
stolen, _ = added_together(first, second, [5] * 12, [5] * 11 + [6])
captions = ["one of 12 averages", "stolen", "the patient"]
show(
    films([second.inputs[0, 0], stolen[0], shown[0]], captions, width=7),
    alt="A blurred average of five; the film computed from two messages; the patient's film, identical",
)

# %%
print("largest error, in grey values of 0..1, below 1e-4:", bool(np.abs(stolen - shown.numpy()).max() < 1e-4))
claim("Two messages give the new patient's film, whatever M.", correlation(stolen, shown) > 0.9999)

# %% [markdown] tags=["exercise"] exercise="count_from_labels"
# ### Exercise: what the labels tell
#
# With every average goes the average of its labels: the share of each disease among its `per_average` films. The
# array `label_averages` has one row per average and one column per class. How many patients of each class has this hospital?

# %% tags=["stub"] exercise="count_from_labels"
def count_from_labels(label_averages, per_average):
    """Patients of each class, (K,)."""
    return ...

# %% tags=["check"] exercise="count_from_labels"
check("count_from_labels", count_from_labels)

# %% [markdown] tags=["hint"] exercise="count_from_labels"
# A share of 0.4 in an average of five films: how many films is that?

# %% [markdown] tags=["hint"] exercise="count_from_labels"
# Multiply each share by the number of films behind it, and add over the averages (the rows).

# %% [markdown] tags=["hint"] exercise="count_from_labels"
# `label_averages.sum(axis=0)`, times `per_average`.

# %% tags=["solution"] exercise="count_from_labels"
def count_from_labels(label_averages, per_average):
    """Patients of each class, (K,)."""
    return per_average * label_averages.sum(axis=0)

# %% tags=["equivalent"] exercise="count_from_labels"
def count_from_labels(label_averages, per_average):
    return np.round(len(label_averages) * per_average * np.mean(label_averages, axis=0))

# %% tags=["equivalent"] exercise="count_from_labels"
def count_from_labels(label_averages, per_average):
    return [round(per_average * sum(share)) for share in label_averages.T]

# %% tags=["wrong"] exercise="count_from_labels" says="shares"
def count_from_labels(label_averages, per_average):
    return label_averages.mean(axis=0)

# %% tags=["wrong"] exercise="count_from_labels" says="several films"
def count_from_labels(label_averages, per_average):
    return label_averages.sum(axis=0)

# %% tags=["wrong"] exercise="count_from_labels" says="per class"
def count_from_labels(label_averages, per_average):
    return per_average * label_averages.sum(axis=1)

# %% tags=["wrong"] exercise="count_from_labels" says="one average"
def count_from_labels(label_averages, per_average):
    return per_average * label_averages.mean(axis=0)

# %% tags=["wrong"] exercise="count_from_labels" says="not patients"
def count_from_labels(label_averages, per_average):
    return (label_averages > 0).sum(axis=0)

# %% tags=["wrong"] exercise="count_from_labels" says="whole hospital"
def count_from_labels(label_averages, per_average):
    return per_average * label_averages

# %% tags=["checker"] exercise="count_from_labels"
def checker(count_from_labels):
    shares = np.array([[0.6, 0.4, 0.0], [0.2, 0.6, 0.2], [1.0, 0.0, 0.0], [0.8, 0.0, 0.2]])
    answer = count_from_labels(shares, 5)
    right = np.array([13.0, 5.0, 2.0])
    if np.shape(answer) == (3,):
        require(not np.allclose(answer, right / 20), "These are shares; the attacker wants patients.")
        require(not np.allclose(answer, right / 5), "Behind each row there are several films.")
        require(not np.allclose(answer, right / 4), "So many are in one average; there are more.")
        rows = (shares > 0).sum(0)
        require(not np.allclose(answer, rows), "You counted averages with this class, not patients.")
    require(np.shape(answer) != (4, 3), "One number per class, for the whole hospital.")
    require(np.shape(answer) != (4,), "One number per class, not one per average.")
    close(answer, right, "These are not the patients of each class.")

# %% [markdown]
# This is exact for every $M$, if the number of films behind each average is known: averaging hides *which* patient has what, never *how many* have it.
#
# ## Whose average is this?
#
# The server can hide the sender: it shuffles the averages of all hospitals. Four hospitals, with machines and patients of their
# own; the attacker knows some films of each, from its publications. Can he tell the averages apart?

# %%
chosen = [HOSPITALS[k]._replace(films=90) for k in (1, 2, 5, 6)]
learn, published_films = hospital_clients(32, seed=6710, hospitals=chosen)
look = background(torch.cat([one.inputs for one in published_films]), components=30)


def owners_found(per_average, seed=0):
    """Share of the averages whose hospital is named rightly."""
    sent = [client_averages(one, per_average, 6, seed + k) for k, one in enumerate(learn)]
    truth = np.repeat(range(4), [len(pool.inputs) for pool in sent])
    examples = [one.inputs for one in published_films]
    return np.mean(whose(torch.cat([pool.inputs for pool in sent]), examples, look) == truth)

# %% tags=["varies"]
found_owner = {m: np.mean([owners_found(m, 10 * s) for s in range(4)]) for m in (1, 2, 5, 10)}
for m, share in found_owner.items():
    print(f"M = {m:2d}: the hospital is named rightly for {share:.2f} of the averages (guess: 0.25)")
claim("Averaging more films makes the hospital easier to name.", found_owner[10] > found_owner[1] + 0.05)

# %% [markdown]
# Here a larger $M$ works **against** us. People differ, and averaging removes that. The look of the machine and the
# mix of diseases are the same in all films of a hospital, and averaging leaves them. So shuffling does not hide who sent an average.

# %% [markdown] tags=["slide"]
# ## The rules of the workshop, put to the test
#
# The workshop that taught FedMix to radiologists (2021) listed rules to protect patients:
#
# - shuffle all averages at the server; **average them again** across hospitals
# - **limit on updates**: send again only when enough cases have changed
# - **lower limit on $N_k$**, the cases of a hospital; and $M_k$ cannot be large when $N_k$ is small
#
# A rule must say no clearly, before anything is sent.

# %%
tries = {
    "38 cases": {"client": Client("A", new[:38], torch.zeros(38, dtype=torch.long))},
    "one new patient": {"client": grown, "before": hospital},
    "M = 3": {"client": hospital, "wanted": 3},
    "60 cases, first time": {"client": hospital},
}
for name, options in tries.items():
    try:
        pool = guarded_averages(**{"wanted": 5, "classes": 6, "seed": 0, **options})
        print(f"{name}: sends {len(pool.inputs)} averages")
    except Refused as reason:
        print(f"{name}: refused. {reason}")

# %% [markdown]
# Now each rule against two attacks. **Member**: the AUC of the test, where the attacker takes the best score over all averages that he
# gets. **New patient**: he compares two messages. How well does the result show what is *special* about the patient?
# (The correlation with the film, after the public mean was taken off both. He guesses that all averages hold equally many films.)

# %%
def cases_of(name, films_in):
    return Client(name, films_in, torch.zeros(len(films_in), dtype=torch.long))


def published_pool(films_in, neighbours, per_average, again, seed):
    """What all get: the averages of two hospitals, shuffled, perhaps averaged again."""
    sent = [client_averages(cases_of("H", films_in), per_average, 6, seed)]
    sent.append(client_averages(cases_of("N", neighbours), per_average, 6, 0))
    return averaged_again(sent, again, seed) if again else shuffled(sent, seed)


def attacks(per_average, again=0, arrivals=1, trial=0):
    """(AUC of the membership test, correlation of the computed film with the new patient's)."""
    order = np.random.default_rng([9, trial]).permutation(120)
    people = new[order]
    h, neighbours, outside = people[:40], people[50:85], people[85:]
    first = published_pool(h, neighbours, per_average, again, 1)
    second = published_pool(people[: 40 + arrivals], neighbours, per_average, again, 2)
    size = per_average * max(1, again)
    candidates = torch.cat([h, outside])
    scores = [membership_scores(one[None], candidates, known, size) for one in first.inputs]
    guess = [[n / len(pool.inputs)] * len(pool.inputs) for n, pool in ((75, first), (75 + arrivals, second))]
    total, _ = added_together(first, second, *guess)
    mean = public.mean(0).numpy()
    special = correlation(total / arrivals - mean, people[40].numpy() - mean)
    return delong([1] * 40 + [0] * 35, np.max(scores, 0)).auc, special

# %% tags=["slide", "varies"]
RULES = {
    "M = 1": {"per_average": 1},
    "M = 5, shuffled": {"per_average": 5},
    "M = 20, shuffled": {"per_average": 20},
    "M = 5, three averaged again": {"per_average": 5, "again": 3},
    "M = 5, update after 10 new": {"per_average": 5, "arrivals": 10},
}
worth = {
    name: np.mean([attacks(**rule, trial=k) for k in range(6)], 0) for name, rule in RULES.items()
}
table = pd.DataFrame(worth, index=["member (AUC)", "new patient (corr.)"]).T
print(table.round(2).to_string())

# %%
film_found = table["new patient (corr.)"]
claim("Shuffling alone leaves the new patient visible.", film_found["M = 5, shuffled"] > 0.7)
claim("A limit on updates hides the new patient best.", film_found.idxmin().endswith("10 new"))
auc_found = table["member (AUC)"]
claim("Averaging again helps against the membership test.",
      auc_found["M = 5, three averaged again"] < auc_found["M = 5, shuffled"])

# %% [markdown] tags=["exercise"] exercise="which_rule"
# ### Exercise: which rule against which attack?
#
# Choose one of `"shuffle"`, `"average again"`, `"limit on updates"` for each attack: the rule that helps **most**. Look at the table, and
# think: which of them changes the *sum* of what is sent, and which mixes *hospitals*?

# %% tags=["stub"] exercise="which_rule"
against_new_patient = ...
against_naming_the_hospital = ...

# %% tags=["check"] exercise="which_rule"
check("which_rule", against_new_patient, against_naming_the_hospital)

# %% [markdown] tags=["hint"] exercise="which_rule"
# The theft of the new patient needs two messages that differ by one person. Which rule makes that impossible?

# %% [markdown] tags=["hint"] exercise="which_rule"
# A hospital is named by the look of its machine. It stays in each average, in whatever order they come.

# %% [markdown] tags=["hint"] exercise="which_rule"
# Only averages over several hospitals have no single owner. Only a hospital that waits for several patients sends no single one.

# %% tags=["solution"] exercise="which_rule"
against_new_patient = "limit on updates"  # sums survive shuffling and averaging
against_naming_the_hospital = "average again"  # then an average belongs to several hospitals

# %% tags=["equivalent"] exercise="which_rule"
against_new_patient, against_naming_the_hospital = "Limit on updates", "average again "

# %% tags=["wrong"] exercise="which_rule" says="sum"
against_new_patient, against_naming_the_hospital = "shuffle", "average again"

# %% tags=["wrong"] exercise="which_rule" says="look of the machine"
against_new_patient, against_naming_the_hospital = "limit on updates", "shuffle"

# %% tags=["wrong"] exercise="which_rule" says="how often"
against_new_patient, against_naming_the_hospital = "limit on updates", "limit on updates"

# %% tags=["wrong"] exercise="which_rule" says="one of"
against_new_patient, against_naming_the_hospital = "encrypt", "average again"

# %% tags=["checker"] exercise="which_rule"
def checker(*answers):
    rules = ("shuffle", "average again", "limit on updates")
    for value in answers:
        if value is ...:
            close(value, 0, "")  # not attempted
        known_rule = isinstance(value, str) and value.strip().lower() in rules
        require(known_rule, f"Use one of {rules}.")
    patient, owner = (value.strip().lower() for value in answers)
    require(patient == "limit on updates", "The sum of all films survives that.")
    require(owner != "shuffle", "The look of the machine survives a change of order.")
    require(owner == "average again", "That says how often a hospital sends, not how it looks.")

# %% [markdown]
# Larger averages, shuffling, averaging again: none of them touches the sum. With $M = 20$ the new patient is even seen *better*, because fewer averages of
# unknown size add up. Only waiting for more patients helps, and it still shows the mean of the ten.

# %% [markdown] tags=["slide"]
# ## Gradients are films in disguise
#
# FedSGD sends a [[gradient|gradient of the loss]]. A first linear layer computes $z = Wx + b$. Its gradients, for one film $x$, are
#
# $$\partial L/\partial W = d\, x^T, \qquad \partial L/\partial b = d \qquad (d = \partial L/\partial z, \text{ one number per unit})$$
#
# so each row of the first is the film, times a number; and the second is that number.

# %% [markdown] tags=["exercise"] exercise="film_from_gradient"
# ### Exercise: a division
#
# `weight_gradient` has one row per unit (units, pixels), `bias_gradient` one number per unit. Some units learned nothing: both are 0
# there. Give back the film (pixels,).

# %% tags=["stub"] exercise="film_from_gradient"
def film_from_gradient(weight_gradient, bias_gradient):
    """The film that made these gradients."""
    return ...

# %% tags=["check"] exercise="film_from_gradient"
check("film_from_gradient", film_from_gradient)

# %% [markdown] tags=["hint"] exercise="film_from_gradient"
# Take one row: it is the film times a number that you know.

# %% [markdown] tags=["hint"] exercise="film_from_gradient"
# Divide the row by its bias gradient. Choose a unit whose bias gradient is not 0.

# %% [markdown] tags=["hint"] exercise="film_from_gradient"
# `k = np.argmax(np.abs(bias_gradient))`, then row k divided by number k.

# %% tags=["solution"] exercise="film_from_gradient"
def film_from_gradient(weight_gradient, bias_gradient):
    """The film that made these gradients."""
    k = np.argmax(np.abs(bias_gradient))  # the safest unit to divide by
    return weight_gradient[k] / bias_gradient[k]

# %% tags=["equivalent"] exercise="film_from_gradient"
def film_from_gradient(weight_gradient, bias_gradient):
    return bias_gradient @ weight_gradient / (bias_gradient @ bias_gradient)

# %% tags=["equivalent"] exercise="film_from_gradient"
def film_from_gradient(weight_gradient, bias_gradient):
    learned = bias_gradient != 0
    return (weight_gradient[learned] / bias_gradient[learned][:, None]).mean(axis=0)

# %% tags=["wrong"] exercise="film_from_gradient" says="learned nothing"
def film_from_gradient(weight_gradient, bias_gradient):
    with np.errstate(all="ignore"):
        return weight_gradient[0] / bias_gradient[0]

# %% tags=["wrong"] exercise="film_from_gradient" says="largest in size"
def film_from_gradient(weight_gradient, bias_gradient):
    k = np.argmax(bias_gradient)
    with np.errstate(all="ignore"):
        return weight_gradient[k] / bias_gradient[k]

# %% tags=["wrong"] exercise="film_from_gradient" says="divide it"
def film_from_gradient(weight_gradient, bias_gradient):
    return weight_gradient.mean(axis=0)

# %% tags=["wrong"] exercise="film_from_gradient" says="one film, not one for each unit"
def film_from_gradient(weight_gradient, bias_gradient):
    with np.errstate(all="ignore"):
        return weight_gradient / bias_gradient[:, None]

# %% tags=["wrong"] exercise="film_from_gradient" says="divide it"
def film_from_gradient(weight_gradient, bias_gradient):
    return weight_gradient[np.argmax(np.abs(bias_gradient))]

# %% tags=["wrong"] exercise="film_from_gradient" says="upside down"
def film_from_gradient(weight_gradient, bias_gradient):
    k = np.argmax(np.abs(bias_gradient))
    return bias_gradient[k] / weight_gradient[k]

# %% tags=["checker"] exercise="film_from_gradient"
def checker(film_from_gradient):
    truth = np.random.default_rng(0).random(12) + 0.1
    delta = np.array([0.0, 0.3, -0.8, 0.0, 0.1])
    answer = film_from_gradient(np.outer(delta, truth), delta)
    require(np.shape(answer) != (5, 12), "Give back one film, not one for each unit.")
    if np.shape(answer) == (12,):
        answer = np.asarray(answer, dtype=float)
        require(not np.isnan(answer).all(), "That unit learned nothing: 0 divided by 0.")
        require(not np.allclose(answer, 1 / truth), "That division is upside down.")
        scale = answer @ truth / (truth @ truth)
        scaled = np.allclose(answer, scale * truth) and not np.isclose(scale, 1)
        require(not scaled, "This is the film times a number; divide it.")
    close(answer, truth, "This is not the film that made these gradients.")
    other = np.array([-0.5, 0.0, 0.0, -0.2, 0.0])  # all negative, and other units
    again = np.asarray(film_from_gradient(np.outer(other, truth), other), dtype=float)
    require(np.isfinite(again).all(), "All may be negative: take the unit that is largest in size.")
    close(again, truth, "Right for one gradient, but not for one of other units.")

# %% [markdown]
# A convolution mixes neighbours, and there is no such division. Then the attacker *searches*: he begins with grey noise, computes
# **its** gradient, and changes the noise until the two gradients agree. This is [[gradient inversion]]. The label
# comes first, for nothing: of the last bias's gradients, only that of the true class is negative.

# %%
small = avg_pool2d(new, 2)
truth = truth_of(cohort)[[visits[1] for visits in twice]]
labels = torch.from_numpy((truth.argmax(1) + 1) % 6)
net = smooth_network(6, 32, seed=0)
sent_down = weights_of(net)


def attacked(count, steps):
    """(true films, films found) from the gradient of one batch; the attacker knows the labels."""
    client = Client("H", small[:count], labels[:count])
    gradient = local_gradient(net, sent_down, client)
    shares = as_shares(client, net)
    found = invert(net, sent_down, gradient, shares, (1, 32, 32), Search(steps=steps))
    return client.inputs, *matched(found.films, client.inputs)

# %% [markdown]
# A batch of four, and one of eight: above the true films, below what the gradient gave away, with the correlation of the two.

# %%
one = local_gradient(net, sent_down, Client("H", small[:1], labels[:1]))
claim("The sign of the last bias tells the label.", label_from_bias(one["5.bias"]) == labels[0])
batches = {count: attacked(count, steps) for count, steps in ((1, 10), (4, 20), (8, 20))}

# %% tags=["slide", "varies"]
fig, axes = plt.subplots(4, 8, figsize=(10, 5.4))
for ax in axes.flat:
    ax.set_axis_off()
for row, count in ((0, 4), (2, 8)):
    true, found, match = batches[count]
    for k in range(count):
        film(axes[row, k], true[k, 0], f"{count} films" if k == 0 else "")
        film(axes[row + 1, k], found[k, 0], f"{match[k]:.2f}", vmin=0, vmax=1)
show(fig, alt="Films of a batch of four are recovered with noise; of a batch of eight most, and worse")

# %%
worst = {count: np.mean(match) for count, (_, _, match) in batches.items()}
claim("One film comes back as it was.", worst[1] > 0.99)
claim("Batches of four and eight come back worse and worse.", worst[1] > worst[4] > worst[8])
claim("Even of eight, most films can be recognised.", np.median(batches[8][2]) > 0.6)

# %% [markdown]
# In FedAvg a hospital makes many steps before it answers. The attacker divides the change of the weights by the number of steps, and takes
# that for a gradient. How far does he get?

# %% tags=["varies"]
client = Client("H", small[:1], labels[:1])
by_epochs = {}
for epochs in (1, 2, 5, 20):
    answer = local_update(net, sent_down, client, LocalPlan(epochs, 1, learning_rate=0.01))
    as_gradient = update_as_gradient(sent_down, answer.weights, 0.01, epochs)
    target = as_shares(client, net)
    found = invert(net, sent_down, as_gradient, target, (1, 32, 32), Search(steps=8))
    by_epochs[epochs] = correlation(found.films, small[:1])
print({epochs: round(value, 2) for epochs, value in by_epochs.items()})
claim("One local step gives the film away.", by_epochs[1] > 0.99)
claim("Twenty local steps spoil this simple attack.", by_epochs[20] < by_epochs[1] - 0.4)

# %% [markdown]
# Do not rest on that: better attacks imitate the local steps in their search.
#
# And be fair to the defence: our films are 32 x 32 pixels, the network has no normalisation and wide random weights, and the labels were known. With bigger films, trained networks and larger batches the attack works much less well. But "gradients are only numbers" is not a protection.

# %% [markdown] tags=["slide"]
# ## [[Secure aggregation]]: the server sees only the sum
#
# The server needs the *mean* of all updates, and no single one. Each pair of hospitals agrees on a secret row of random numbers.
# One adds it, the other subtracts it. Each message looks like chance; in the sum all rows cancel.
#
# Whole numbers modulo $2^{64}$ make that exact, like a clock that starts again at 0.

# %% [markdown] tags=["exercise"] exercise="masked_message"
# ### Exercise: a mask that cancels
#
# Work on a clock of 1000 (numbers 0 to 999). Hospital `me` has a `value`. `secrets` is a dictionary: number of the other hospital ->
# the number both agreed on. **Add** it if the other has a *higher* number than `me`, else **subtract** it.

# %% tags=["stub"] exercise="masked_message"
def masked_message(value, me, secrets):
    """What hospital `me` sends."""
    return ...

# %% tags=["check"] exercise="masked_message"
check("masked_message", masked_message)

# %% [markdown] tags=["hint"] exercise="masked_message"
# Begin with the value. Go through the dictionary: `for other, number in secrets.items()`.

# %% [markdown] tags=["hint"] exercise="masked_message"
# Compare `other` with `me` to know the sign. At the end, put it back on the clock with `% 1000`.

# %% [markdown] tags=["hint"] exercise="masked_message"
# `value += number if other > me else -number` inside the loop.

# %% tags=["solution"] exercise="masked_message"
def masked_message(value, me, secrets):
    """What hospital `me` sends."""
    for other, number in secrets.items():
        value += number if other > me else -number
    return value % 1000  # on the clock nobody sees how large it was

# %% tags=["equivalent"] exercise="masked_message"
def masked_message(value, me, secrets):
    return (value + sum(np.sign(other - me) * n for other, n in secrets.items())) % 1000

# %% tags=["equivalent"] exercise="masked_message"
def masked_message(value, me, secrets):
    for other in sorted(secrets):
        value = (value + secrets[other] * (1 if other > me else -1)) % 1000
    return value

# %% tags=["wrong"] exercise="masked_message" says="do not cancel"
def masked_message(value, me, secrets):
    return (value + sum(secrets.values())) % 1000

# %% tags=["wrong"] exercise="masked_message" says="0 to 999"
def masked_message(value, me, secrets):
    return value + sum(n if other > me else -n for other, n in secrets.items())

# %% tags=["wrong"] exercise="masked_message" says="0 to 999"
def masked_message(value, me, secrets):
    return value + sum(n if other > me else -n for other, n in secrets.items()) % 1000

# %% tags=["wrong"] exercise="masked_message" says="do not cancel"
def masked_message(value, me, secrets):
    return (value + sum(n for other, n in secrets.items() if other > me)) % 1000

# %% tags=["wrong"] exercise="masked_message" says="can read"
def masked_message(value, me, secrets):
    return value

# %% tags=["wrong"] exercise="masked_message" says="other way round"
def masked_message(value, me, secrets):
    return (value - sum(n if other > me else -n for other, n in secrets.items())) % 1000

# %% tags=["checker"] exercise="masked_message"
def checker(masked_message):
    values = {1: 12, 2: 40, 3: 7}
    pairs = {(1, 2): 700, (1, 3): 450, (2, 3): 999}
    sent = []
    for me, value in values.items():
        mine = {b if a == me else a: n for (a, b), n in pairs.items() if me in (a, b)}
        sent.append(masked_message(value, me, mine))
    if all(isinstance(x, (int, np.integer)) for x in sent):
        require(sent != list(values.values()), "The server can read these values.")
        require(all(0 <= x < 1000 for x in sent), "Keep the message on the clock: 0 to 999.")
        require(sum(sent) % 1000 == 59, "The masks do not cancel in the sum of all hospitals.")
        require(sent[0] != (12 - 1150) % 1000, "The masks cancel, but the signs are the other way round.")
    close(sent, [162, 339, 558], "These are not the messages of hospitals 1, 2 and 3.")
    late = masked_message(900, 1, {2: 700})
    require(late != 1600, "Value and mask together must be on the clock: 0 to 999.")
    close(late, 600, "This is not the message of hospital 1 with the value 900 and one secret, 700.")

# %% [markdown]
# If a hospital falls silent after the keys were exchanged, its masks stay in the sum. So each hospital cuts its secrets into parts, and
# leaves them with the others: any four of six can rebuild them (*Shamir*). The price: four that
# work with the server against the others can unmask a fifth. Here are six hospitals, two of which fall silent.

# %%
random = np.random.default_rng(6750)
updates = {f"hospital {k}": 0.1 * random.normal(size=4000) for k in range(6)}
arrived = {name: row if k not in (2, 5) else None for k, (name, row) in enumerate(updates.items())}
result = secure_sum(arrived, threshold=4, random=random)
wanted = sum(row for row in arrived.values() if row is not None)
claim("The sum of the four that answered is exact to 1e-8.", np.abs(result.total - wanted).max() < 1e-8)

# %% tags=["slide"]
fig, axes = plt.subplots(1, 3, figsize=(10, 2.8))
axes[0].hist(updates["hospital 0"], 40, color=COLOURS[0])
axes[0].set(title="one update: secret", yticks=[])
axes[1].hist(result.masked["hospital 0"] / 2.0**64, 40, color=COLOURS[1])
axes[1].set(title="what the server sees of it", xlabel="place on the clock", yticks=[])
axes[2].plot(wanted, result.total, ".", markersize=2, color=COLOURS[2])
axes[2].set(title="the sum, unmasked", xlabel="true sum")
show(fig, alt="A bell of small numbers; masked, a flat histogram; the unmasked sum lies on a straight line")

# %%
task = digits_task(0)
clients = clients_of(task.inputs, task.targets, iid(task.targets, 5, 0))
small_net = small_network(10, 8, 0)
plan = FederatedPlan(1, 1.0, LocalPlan(1, 32, 0.1))
hidden = secure_fedavg(3, np.random.default_rng(1), [one.name for one in clients])
ends = [federate(small_net, clients, plan, aggregate=way, progress=False).weights for way in (fedavg, hidden)]
claim("A round of FedAvg ends with the same weights.", squared_distance(*ends) < 1e-9)

# %% [markdown]
# Two prices. The server cannot look for a liar any more, because it sees no single update. And **the sum itself still leaks**: with one new
# patient since yesterday, two sums are two messages. Masks hide *who*; for *what*, we need noise.

# %% [markdown] tags=["slide"]
# ## Differential privacy: drown each patient in noise
#
# [[Differential privacy]] promises: whatever is published, it would be nearly as likely **without you**. Nearly: by a
# factor of at most $e^{\varepsilon}$, except with a small chance $\delta$.
#
# 1. **Clip**: shorten each patient's own gradient to the length $C$. Nobody can pull harder than that.
# 2. **Noise**: add normal noise of $\sigma C$ to the sum.

# %% [markdown] tags=["exercise"] exercise="clip_each"
# ### Exercise: clip each patient
#
# `gradients` has one row per patient. Shorten every row that is longer than `clip` to this length, leave the others, and give
# back the **sum** of the rows.

# %% tags=["stub"] exercise="clip_each"
def clip_each(gradients, clip):
    """The sum of the clipped rows."""
    return ...

# %% tags=["check"] exercise="clip_each"
check("clip_each", clip_each)

# %% [markdown] tags=["hint"] exercise="clip_each"
# The length of a row is the root of the sum of its squares: `np.linalg.norm(gradients, axis=1)`.

# %% [markdown] tags=["hint"] exercise="clip_each"
# The factor of a row is clip / length, but never more than 1: `np.minimum(1, ...)`.

# %% [markdown] tags=["hint"] exercise="clip_each"
# `(gradients * factor[:, None]).sum(axis=0)`.

# %% tags=["solution"] exercise="clip_each"
def clip_each(gradients, clip):
    """The sum of the clipped rows."""
    factor = np.minimum(1, clip / np.linalg.norm(gradients, axis=1))
    return (gradients * factor[:, None]).sum(axis=0)

# %% tags=["equivalent"] exercise="clip_each"
def clip_each(gradients, clip):
    total = np.zeros(gradients.shape[1])
    for row in gradients:
        length = np.sqrt((row**2).sum())
        total += row * clip / length if length > clip else row
    return total

# %% tags=["equivalent"] exercise="clip_each"
def clip_each(gradients, clip):
    length = np.sqrt((gradients**2).sum(axis=1, keepdims=True))
    return np.sum(gradients / np.maximum(1, length / clip), axis=0)

# %% tags=["wrong"] exercise="clip_each" says="Long rows"
def clip_each(gradients, clip):
    factor = np.maximum(1, clip / np.linalg.norm(gradients, axis=1))
    return (gradients * factor[:, None]).sum(axis=0)

# %% tags=["wrong"] exercise="clip_each" says="length of a row"
def clip_each(gradients, clip):
    return (gradients * np.minimum(1, clip / np.linalg.norm(gradients, axis=0))).sum(axis=0)

# %% tags=["wrong"] exercise="clip_each" says="root"
def clip_each(gradients, clip):
    factor = np.minimum(1, clip / (gradients**2).sum(axis=1))
    return (gradients * factor[:, None]).sum(axis=0)

# %% tags=["wrong"] exercise="clip_each" says="add the rows"
def clip_each(gradients, clip):
    return gradients * np.minimum(1, clip / np.linalg.norm(gradients, axis=1))[:, None]

# %% tags=["wrong"] exercise="clip_each" says="only the sum"
def clip_each(gradients, clip):
    total = gradients.sum(axis=0)
    return total * min(1, clip / np.linalg.norm(total))

# %% tags=["wrong"] exercise="clip_each" says="single numbers"
def clip_each(gradients, clip):
    return np.clip(gradients, -clip, clip).sum(axis=0)

# %% tags=["wrong"] exercise="clip_each" says="Short rows"
def clip_each(gradients, clip):
    return (gradients * clip / np.linalg.norm(gradients, axis=1)[:, None]).sum(axis=0)

# %% tags=["wrong"] exercise="clip_each" says="mean"
def clip_each(gradients, clip):
    factor = np.minimum(1, clip / np.linalg.norm(gradients, axis=1))
    return (gradients * factor[:, None]).mean(axis=0)

# %% tags=["checker"] exercise="clip_each"
def checker(clip_each):
    rows = np.array([[3.0, 4.0], [0.3, -0.4], [0.9, -3.0]])
    answer = clip_each(rows, 1.0)
    lengths = np.linalg.norm(rows, axis=1)
    right = (rows * np.minimum(1, 1 / lengths)[:, None]).sum(0)
    require(np.shape(answer) != (3, 2), "Now add the rows: what is published is one sum.")
    if np.shape(answer) == (2,):
        answer = np.asarray(answer, dtype=float)
        total = rows.sum(0)
        alone = total / np.linalg.norm(total)
        require(not np.allclose(answer, alone), "You clipped only the sum: one patient can fill it.")
        single = np.clip(rows, -1, 1).sum(0)
        require(not np.allclose(answer, single), "You clipped single numbers, not lengths of rows.")
        grown_rows = (rows / lengths[:, None]).sum(0)
        require(not np.allclose(answer, grown_rows), "Short rows must stay as they are.")
        require(not np.allclose(answer, right / 3), "This is the mean; noise is added to the sum.")
        stretched = (rows * np.maximum(1, 1 / lengths)[:, None]).sum(0)
        for long in (stretched, total):
            require(not np.allclose(answer, long), "Long rows are still as long as before.")
        columns = (rows * np.minimum(1, 1 / np.linalg.norm(rows, axis=0))).sum(0)
        require(not np.allclose(answer, columns), "The length of a row counts, not of a column.")
        squares = (rows * np.minimum(1, 1 / lengths**2)[:, None]).sum(0)
        require(not np.allclose(answer, squares), "A length has a root; you divided by its square.")
    close(answer, right, "This is not the sum of the clipped rows.")

# %% [markdown]
# What becomes of the theft of a film? One hospital, one film, one step: its gradient is clipped, and noise is added.

# %% tags=["slide", "varies"]
target = as_shares(client, net)
each = per_case_gradients(net, sent_down, client.inputs, target)
clipped_gradient = clipped_sum(each, clip=1.0)
pictures, captions = [small[0, 0]], ["sent"]
for sigma in (0.0, 0.0001, 0.001, 0.01):
    told = noisy(clipped_gradient, sigma, torch.Generator().manual_seed(6760))
    size = sum(value.square().sum() for value in each.values()).sqrt().clamp(min=1)
    scaled = {name: value * float(size) for name, value in told.items()}  # he guesses the length
    found = invert(net, sent_down, scaled, target, (1, 32, 32), Search(steps=8))
    pictures.append(found.films[0, 0])
    captions.append(f"noise {sigma:g}: {correlation(found.films, small[:1]):.2f}")
show(
    films(pictures, captions, columns=5),
    alt="The film sent, and what is recovered at noise 0, 0.0001, 0.001 and 0.01: the last is nothing but noise",
)
claim("Noise of a hundredth of the clipping length ends this attack.", correlation(pictures[-1], pictures[0]) < 0.5)

# %% [markdown]
# A noise of 0.01 stops *this* attack. But tomorrow's attack may be better. That is why $\varepsilon$ is computed, not tried: it holds against **every**
# attack, and it adds up over the steps. (Our
# steps and our $\varepsilon$ agree with those of Opacus, a public library.) 80 steps, each with a tenth of 1,000 patients, and $\delta$ = 1/2000
# (usual: below one over the number of patients):

# %%
for sigma in (0.5, 1.0, 2.0, 4.0):
    print(f"noise {sigma:g}: epsilon {epsilon(sigma, 0.1, 80, 1 / 2000):.3g}")
print(f"for epsilon 1: noise {noise_for(1.0, 0.1, 80, 1 / 2000):.3g}")

# %% [markdown] tags=["slide"]
# ## What it costs
#
# Eight rounds on written digits, five seeds each. Hide **a patient** (each hospital adds noise to its own steps), or
# hide **a hospital** (the server adds noise to the mean). Recorded: `python -m course_lib.federated.privacy.record`.

# %% tags=["slide"]
costs = summary()
fig, ax = plt.subplots(figsize=(7, 3.6))
for colour, ((hides, count), part) in zip(COLOURS, costs.groupby(["hides", "hospitals"]), strict=False):
    noised = part[np.isfinite(part["epsilon"])]
    ax.errorbar(noised["epsilon"], noised["mean"], noised["half"], color=colour, marker="o",
                capsize=3, label=f"{hides} ({count} hospitals)")
    free = part[part["noise"] == 0]["mean"].item()
    ax.axhline(free, color=colour, linestyle=":", linewidth=1)
ax.set(xscale="log", xlabel="epsilon (smaller is more private)", ylabel="accuracy", ylim=(0, 1))
ax.set_xticks([2, 5, 10, 20, 40], ["2", "5", "10", "20", "40"])
ax.set_xticks([], minor=True)
ax.legend(title="hides")
show(fig, alt="Accuracy falls as epsilon gets smaller; hiding one of ten hospitals costs most, one of a hundred far less")

# %%
print(costs.round(3).to_string(index=False))
mean = costs.set_index(["hides", "hospitals", "noise"])["mean"]
lost = {n: mean["a hospital", n, 0] - mean["a hospital", n, 2] for n in (10, 100)}
claim("To hide one of ten hospitals ruins the network.", lost[10] > 0.4)
claim("To hide one of a hundred costs little at the same noise.", lost[100] < 0.1)

# %% [markdown]
# Bars: 95 % intervals over the five seeds. Dotted: without noise (two of these lines lie on each other). The noise is shared: it is made for **one** contribution, and averaged over all. So hiding one of a hundred is cheap, and one of ten is
# not. For a few hospitals, protect patients, not hospitals. The lines are different trainings; compare each with its own dotted line. An epsilon
# of 10 is a weak promise ($e^{10}$ is 22,000), and rare diseases usually pay first. Here $\delta$ is one over twice the number protected: for ten
# hospitals that is 1/20, hardly a promise at all.

# %% [markdown] tags=["instructor"]
# Short of time: leave out "Who are these two?" and the epochs of gradient inversion. Good questions: "Whom does our
# epsilon protect, a patient or a hospital?" "Who adds the noise, and whom must you trust for that?" Typical mistake: to take clipping for
# protection; without noise it promises nothing.

# %% [markdown] tags=["slide"]
# ## What protects against what
#
# | | who is in it | film from messages | film from a gradient | who sent it | any attack |
# |---|---|---|---|---|---|
# | larger $M_k$ | partly | no | - | makes it worse | no |
# | shuffle | no | no | - | no | no |
# | average again | partly | hardly | - | yes | no |
# | limit on updates | no | partly | - | no | no |
# | more local steps | - | - | partly | no | no |
# | secure aggregation | of the sum only | of the sum only | of the sum only | yes | no |
# | clip and noise | yes | yes | yes | no | yes, up to $\varepsilon$ |

# %% [markdown]
# ## What the ethics board asks
#
# Whether averages, gradients or weights are personal data in the sense of the European GDPR or the Korean PIPA depends on whether a person can
# be identified from them with reasonable means, and this is for your data protection officer to judge, not for a course. What you can bring is
# what you have measured today. Expect these questions:
#
# - What exactly leaves the house, how often, and who can read it?
# - Which attacks were tried, by whom, on which data, with which result?
# - Whom does the promise protect: one film, one patient with all films, or one hospital?
# - What is epsilon, what is delta, and what did it cost in accuracy, for rare diseases too?
# - What happens when a patient withdraws consent?

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - What looks anonymous need not be: an average of twenty films looks like nobody, and still hints at who is in it.
# - Two messages that differ by one patient are that patient. Sums survive shuffling.
# - A gradient of one film can be that film; batches and local steps blur it, but they promise nothing.
# - Secure aggregation hides whose update it is. Noise hides what is in it. They are different promises.
# - Differential privacy is the only one that holds against attacks not yet invented; it is paid for in accuracy.

# %% [markdown]
# ## References
#
# - T. Yoon et al., FedMix, arXiv:2107.00233 (2021): averages instead of films; the rules tested here: Yang E., workshop of the
#   Korean Society of Imaging Informatics in Medicine, 2021, slide 17.
# - N. Homer et al., PLOS Genetics 4:e1000167 (2008): single people found in averages of genomes.
# - L. Zhu et al., Deep Leakage from Gradients, arXiv:1906.08935; B. Zhao et al., iDLG, arXiv:2001.02610.
# - J. Geiping et al., Inverting Gradients, arXiv:2003.14053.
# - K. Bonawitz et al., Practical Secure Aggregation, CCS 2017; A. Shamir, How to Share a Secret, CACM 22:612 (1979).
# - M. Abadi et al., Deep Learning with Differential Privacy, arXiv:1607.00133; H. B. McMahan et al., arXiv:1710.06963.
# - I. Mironov et al., arXiv:1908.10530; C. Canonne et al., arXiv:2004.00010: counting epsilon.

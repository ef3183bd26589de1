# %% [markdown] tags=["slide"]
# ## Twelve hospitals, one network
#
# Twelve hospitals want one network that reads chest films. Each has sixty films. Sixty are too few. All together have 720, but
# **the films must not leave the house**.
#
# What may travel is the network itself: its [[weights|weight]] go out, are trained in every house, come back, and are averaged.
# This is **[[federated learning]]**. Today: what is averaged, how, how often, and when it goes wrong.

# %% [markdown] tags=["slide"]
# ## It looks like training on many computers, but it is not
#
# | | [[distributed learning]] | federated learning |
# |---|---|---|
# | whose data | one owner, shuffled and dealt out | each hospital's own, different everywhere |
# | may others see them | yes | **no** |
# | who takes part | every machine, every step | whoever is awake this round |
# | what is expensive | computing | **sending** |
#
# A data centre averages after every step. A hospital that must ask its firewall for every message cannot.

# %%
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import torch

from course_lib.federated.averaging_record import HOSPITALS, curves, dealt, final, paired
from course_lib.federated.client import Client, LocalPlan, fedsgd_plan, local_gradient, local_update
from course_lib.federated.rounds import FederatedPlan
from course_lib.federated.server import data_shares, fedavg, gradient_step, unweighted
from course_lib.federated.small_network import small_network
from course_lib.federated.tasks import chest_task
from course_lib.federated.vectorised import federate_vectorised
from course_lib.federated.weights import as_vector, average, weights_of
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.live import LiveCurves
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)  # the networks are small: a second thread costs more than it helps
task = chest_task()
print(len(task.targets), "films to learn from,", len(task.test_targets), "to test on; classes:")
print(", ".join(task.classes))

# %%
examples = [task.inputs[task.targets == k][0, 0] for k in range(6)]
fig = films(examples, [name.replace("_", " ") for name in task.classes], columns=6)
show(fig, alt="Six chest films of 16 by 16 pixels: a normal one and five with one finding each")

# %% [markdown]
# Films of 16 x 16 pixels, so that twelve hospitals fit into your computer. You can hardly see the findings; the network can, in half
# of the films or a little more. Guessing would give one in six.
#
# Now we deal the films out. **Even** hospitals see all six classes. **Specialised** hospitals see two: one treats the lung fibrosis,
# the other the trauma. Even is called IID (independent and identically distributed); the rest of the world is
# [[non-IID]].

# %% tags=["slide"]
even, special = dealt(task, classes=6, seed=0), dealt(task, classes=2, seed=0)
fig, axes = plt.subplots(1, 2, figsize=(10, 3), sharey=True)
for ax, title, hospitals in zip(axes, ("even", "specialised"), (even, special), strict=True):
    counts = np.array([np.bincount(place.targets, minlength=6) for place in hospitals])
    bottom = np.zeros(HOSPITALS)
    for k, name in enumerate(task.classes):
        ax.bar(range(1, 13), counts[:, k], bottom=bottom, color=COLOURS[k], label=name.replace("_", " "))
        bottom += counts[:, k]
    ax.set(title=title, xlabel="hospital", xticks=range(1, 13))
axes[0].set_ylabel("films")
axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
show(
    fig,
    alt="Stacked bars of twelve hospitals with about sixty films each. Left: all six classes in each "
    "hospital. Right: two classes in each",
)

# %% [markdown] tags=["slide"]
# ## One round
#
# 1. The server **sends** the weights $w_t$ to the hospitals.
# 2. Hospital $k$ **learns** from its own $N_k$ films and gets $w^k$.
# 3. It **sends** $w^k$ back. No film moves.
# 4. The server takes the **mean**: $w_{t+1} = \sum_k p_k\, w^k$ with $p_k = N_k / N$.

# %%
def round_picture(ax):
    """One server, four hospitals, arrows down and up."""
    box = {"boxstyle": "round,pad=0.4", "fc": "white", "ec": COLOURS[0]}
    ax.text(1.5, 2, "server: mean of the answers", ha="center", bbox=box)
    for k in range(4):
        ax.text(k, 0, f"hospital {k + 1}\nlearns from\nits {(40, 60, 80, 20)[k]} films", ha="center", va="center", fontsize=8, bbox=box)
        for shift, colour, tail, head in ((-0.07, 0, 1.75, 0.5), (0.07, 1, 0.5, 1.75)):
            start, end = (k + shift, tail), (k + shift, head)
            ax.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "->", "color": COLOURS[colour], "lw": 2})
    ax.text(-0.15, 1.1, "$w_t$", color=COLOURS[0], ha="right")
    ax.text(3.15, 1.1, "$w^k$", color=COLOURS[1])
    ax.set(xlim=(-0.7, 3.7), ylim=(-0.6, 2.4))
    ax.set_axis_off()


fig, ax = plt.subplots(figsize=(7, 3))
round_picture(ax)
show(fig, alt="A server above four hospitals of different size. Weights w_t go down to each, weights w^k come back up")

# %% [markdown] tags=["exercise"] exercise="server_mean"
# ### Exercise: be the server
#
# `weights` is a list with one array per hospital, `cases` the numbers of films they learned from. Return the mean in which a hospital
# counts as many times as it has films.

# %% tags=["stub"] exercise="server_mean"
def server_mean(weights, cases):
    """The sum of p_k * w_k with p_k = N_k / N."""
    return ...

# %% tags=["check"] exercise="server_mean"
check("server_mean", server_mean)

# %% [markdown] tags=["hint"] exercise="server_mean"
# A hospital with twice as many films pulls twice as hard.

# %% [markdown] tags=["hint"] exercise="server_mean"
# `p = np.array(cases) / np.sum(cases)` are the shares; they sum to 1.

# %% [markdown] tags=["hint"] exercise="server_mean"
# `sum(share * w for share, w in zip(p, weights))`.

# %% tags=["solution"] exercise="server_mean"
def server_mean(weights, cases):
    """The sum of p_k * w_k with p_k = N_k / N."""
    shares = np.array(cases) / np.sum(cases)
    return sum(share * w for share, w in zip(shares, weights, strict=True))

# %% tags=["equivalent"] exercise="server_mean"
def server_mean(weights, cases):
    return np.average(np.stack(weights), axis=0, weights=cases)

# %% tags=["equivalent"] exercise="server_mean"
def server_mean(weights, cases):
    return np.einsum("k,k...->...", np.array(cases) / sum(cases), np.stack(weights))

# %% tags=["equivalent"] exercise="server_mean"
def server_mean(weights, cases):
    return np.tensordot(np.array(cases) / np.sum(cases), np.array(weights), axes=1)

# %% tags=["equivalent"] exercise="server_mean"
def server_mean(weights, cases):
    total = np.zeros_like(weights[0])
    for w, n in zip(weights, cases, strict=True):
        total = total + n * w
    return total / sum(cases)

# %% tags=["wrong"] exercise="server_mean" says="number of hospitals"
def server_mean(weights, cases):
    return sum(n * w for n, w in zip(cases, weights, strict=True)) / len(cases)

# %% tags=["wrong"] exercise="server_mean" says="every entry"
def server_mean(weights, cases):
    return sum(n / sum(cases) * w.mean() for n, w in zip(cases, weights, strict=True))

# %% tags=["wrong"] exercise="server_mean" says="as many films"
def server_mean(weights, cases):
    return np.mean(weights, axis=0)

# %% tags=["wrong"] exercise="server_mean" says="sum to 1"
def server_mean(weights, cases):
    return sum(n * w for n, w in zip(cases, weights, strict=True))

# %% tags=["wrong"] exercise="server_mean" says="twice"
def server_mean(weights, cases):
    shares = np.array(cases) / np.sum(cases)
    return np.mean([share * w for share, w in zip(shares, weights, strict=True)], axis=0)

# %% tags=["checker"] exercise="server_mean"
def checker(server_mean):
    a, b, c = np.array([[1.0, 2.0]]), np.array([[5.0, 0.0]]), np.array([[3.0, -8.0]])
    value = server_mean([a, b, c], [10, 20, 70])
    right = np.array([[3.2, -5.4]])
    require(not (np.ndim(value) == 0 and value is not None and value is not ...), "One number? The mean is taken for every entry of the arrays by itself.")
    if isinstance(value, np.ndarray) and value.shape == right.shape:
        require(not np.allclose(value, (a + b + c) / 3), "Not all hospitals have as many films; let the large ones count more.")
        require(not np.allclose(value, 100 * right), "The shares must sum to 1; divide by all films.")
        require(not np.allclose(value, 100 * right / 3), "Divide by the number of all films, not by the number of hospitals.")
        require(not np.allclose(value, right / 3), "You divide twice: the shares p_k already make it a mean.")
    close(value, right, "This is not the mean by number of films.")
    close(server_mean([a, b], [5, 5]), (a + b) / 2, "Equal hospitals count the same.")

# %% [markdown] tags=["slide"]
# ## FedSGD: one huge batch
#
# Let every hospital make **one** step with **all** its films. Then the mean of the answers is exactly what one computer with all films
# would have got in one step: the mean of the hospitals' gradients, each counting as its films, *is* the
# [[gradient of the loss]] over all films.
#
# This is [[FedSGD]]. Nothing is lost, but every round makes only one step.

# %%
def largest_gap(a, b):
    """The largest difference of two sets of weights."""
    return float((as_vector(a) - as_vector(b)).abs().max())


uneven = [place._replace(inputs=place.inputs[: 5 * k], targets=place.targets[: 5 * k]) for k, place in enumerate(special, 1)]
everyone = Client("all", torch.cat([p.inputs for p in uneven]), torch.cat([p.targets for p in uneven]))
model = small_network(6, 16, seed=0)
start, plan = weights_of(model), fedsgd_plan(learning_rate=0.1)
central = local_update(model, start, everyone, plan).weights
answers = [local_update(model, start, place, plan) for place in uneven]
gradients = [local_gradient(model, start, place) for place in uneven]
sent = gradient_step(start, gradients, [place.cases for place in uneven], 0.1)
claim("One step each and the mean by films: the step of one computer with all films",
      largest_gap(fedavg(start, answers, {})[0], central) < 1e-6)  # fmt: skip
claim("Sending gradients instead of weights: the same", largest_gap(sent, central) < 1e-6)
claim("Every hospital counting the same: another step", largest_gap(unweighted(start, answers, {})[0], central) > 1e-4)
two_steps = LocalPlan(epochs=2, batch_size=None, learning_rate=0.1)
averaged = fedavg(start, [local_update(model, start, place, two_steps) for place in uneven], {})[0]
claim("Two steps before the mean: no longer the same",
      largest_gap(averaged, local_update(model, start, everyone, two_steps).weights) > 1e-4)  # fmt: skip

# %% [markdown] tags=["slide"]
# ## FedAvg: learn longer, talk less
#
# [[FedAvg]] (McMahan 2016): each hospital passes $E$ times through its films, in small batches, **before** it answers. With
# $E = 5$ and batches of ten, a hospital with sixty films makes thirty steps per message instead of one.
#
# The mean of networks that learned apart is no longer what one computer would have got. That it works at all is a surprise. That
# it works less well when hospitals differ is not.

# %% [markdown]
# Watch it. The same network and the same films, dealt out in two ways; and for comparison hospital 1 **alone**, with its sixty films, and all
# films in **one place**, which is not allowed (there with larger batches and steps, because it has twelve times as many films). Each gets
# twelve rounds of $E = 5$. The curves grow while your computer trains. (All hospitals of a round take each step
# together, as a stack of networks, two to twelve times quicker: `course_lib/federated/vectorised.py`. The result is that of one after another.)

# %% tags=["slide", "varies"]
watch = LiveCurves(
    alt="Accuracy against round. All films in one place rise to 0.6, even hospitals to 0.5, specialised "
    "hospitals later and less; one hospital alone stays lowest, below one third",
    xlabel="round", ylabel="accuracy on 240 films", ylim=(0, 0.7),
)  # fmt: skip
pooled = Client("all", task.inputs, task.targets)
histories = {}
each = LocalPlan(epochs=5, batch_size=10, learning_rate=0.05)
large = LocalPlan(epochs=5, batch_size=40, learning_rate=0.1)  # twelve times as many films: larger batches
for name, hospitals, local in (
    ("one place", [pooled], large), ("even", even, each), ("specialised", special, each), ("alone", even[:1], each),
):  # fmt: skip
    histories[name] = federate_vectorised(
        small_network(6, 16, seed=0), hospitals, FederatedPlan(12, local=local),
        test=task.test, progress=False,
        on_round=lambda row, _, name=name: watch.add(name, row["round"], row["accuracy"]),
    )  # fmt: skip
watch.finish()
late = {name: np.mean(h.column("accuracy")[-5:]) for name, h in histories.items()}
claim("Specialised hospitals stay behind", late["even"] > late["specialised"] + 0.03)
claim("One place with all films would be better still", late["one place"] > late["even"])
claim("Together, hospitals learn more than one alone", late["even"] > late["alone"] + 0.03)
claim("Even specialised hospitals learn something together: guessing gives 0.17", late["specialised"] > 0.22)

# %% [markdown] tags=["instructor"]
# Ask before the cell runs: which curve will be higher, and why should it matter who owns which film? Typical answer: "the server has all
# the information anyway". It has not: it has twelve networks that each forgot four classes.
#
# Short of time? Skip the picture of a round and the resume cell. Do not skip the weight slip and the bowls.

# %% [markdown] tags=["slide"]
# ## [audit] Read the algorithm twice
#
# The workshop's slide on MAFL (algorithm 1) ends a round with
#
# $$w_{t+1} = \frac1K \sum_{k \in S_t} p_k\, w^k \qquad\text{with } p_k = N_k / N$$
#
# $S_t$ are the $K$ hospitals that were asked. Two ways to make a mean, at once. What happens to a network if it is
# averaged like this?

# %% [markdown] tags=["exercise"] exercise="audit_mean"
# ### Exercise: how much is left of the network?
#
# Suppose that all hospitals sent back the same $w$. A mean must give $w$. By what factor does the printed rule multiply it?
# `cases` are the films of **all** hospitals, `asked` the indices of those that were asked.

# %% tags=["stub"] exercise="audit_mean"
def printed_factor(cases, asked):
    """What (1/K) sum p_k over those asked makes of weights that are all equal to 1."""
    return ...

# %% tags=["check"] exercise="audit_mean"
check("audit_mean", printed_factor)

# %% [markdown] tags=["hint"] exercise="audit_mean"
# Put $w^k = 1$ for every hospital into the formula.

# %% [markdown] tags=["hint"] exercise="audit_mean"
# $N$ counts the films of all hospitals, also of those that were not asked. $K$ counts those that were asked.

# %% [markdown] tags=["hint"] exercise="audit_mean"
# The films of those asked, divided by all films, divided by how many were asked.

# %% tags=["solution"] exercise="audit_mean"
def printed_factor(cases, asked):
    """What (1/K) sum p_k over those asked makes of weights that are all equal to 1."""
    p = np.array(cases) / np.sum(cases)
    return p[asked].sum() / len(asked)  # 1/K too much, and the p_k of some do not sum to 1

# %% tags=["equivalent"] exercise="audit_mean"
def printed_factor(cases, asked):
    return sum(cases[k] for k in asked) / sum(cases) / len(asked)

# %% tags=["equivalent"] exercise="audit_mean"
def printed_factor(cases, asked):
    return np.mean([cases[k] / np.sum(cases) for k in asked])

# %% tags=["wrong"] exercise="audit_mean" says="share of all films"
def printed_factor(cases, asked):
    return sum(cases[k] for k in asked) / len(asked)

# %% tags=["wrong"] exercise="audit_mean" says="were not asked"
def printed_factor(cases, asked):
    return 1 / len(asked)

# %% tags=["wrong"] exercise="audit_mean" says="1/K"
def printed_factor(cases, asked):
    p = np.array(cases) / np.sum(cases)
    return p[asked].sum()

# %% tags=["wrong"] exercise="audit_mean" says="K are those"
def printed_factor(cases, asked):
    p = np.array(cases) / np.sum(cases)
    return p[asked].sum() / len(cases)

# %% tags=["checker"] exercise="audit_mean"
def checker(printed_factor):
    cases, asked = [10, 20, 30, 40], [1, 3]
    value = printed_factor(cases, asked)
    if isinstance(value, (int, float)):
        require(abs(value - 0.5) > 1e-9, "p_k counts the films of all; some hospitals were not asked.")
        require(abs(value - 0.6) > 1e-9, "And the 1/K in front?")
        require(abs(value - 30) > 1e-9, "p_k is a share of all films: where is N?")
        require(abs(value - 0.15) > 1e-9, "K are those who were asked, not all hospitals.")
    close(value, 0.3, "For films 10, 20, 30, 40 and the second and fourth asked this is not the factor.")
    close(printed_factor([5, 5, 5, 5], [0, 1, 2, 3]), 0.25, "Four equal hospitals, all asked.")

# %% [markdown]
# Run it. Twelve hospitals of sixty films, all asked: every round leaves a twelfth of the network. The hospitals cannot learn as fast as the
# server forgets. Where the curve becomes flat, nothing of the old network is left: only a twelfth of what was learned in the last round.

# %% tags=["varies"]
def as_printed(weights, updates, state):
    """Algorithm 1 as it stands on the slide."""
    shares = [share / len(updates) for share in data_shares(updates)]
    return average([update.weights for update in updates], shares), state


sizes = {}
for name, rule in (("mean", fedavg), ("as printed", as_printed)):
    sizes[name] = [float(as_vector(start).norm())]
    run = federate_vectorised(
        small_network(6, 16, seed=0), even, FederatedPlan(5), aggregate=rule, test=task.test, progress=False,
        on_round=lambda row, w, name=name: sizes[name].append(float(as_vector(w).norm())),
    )  # fmt: skip
    sizes[name + ", accuracy"] = run.rows[-1]["accuracy"]
fig, ax = plt.subplots(figsize=(6, 2.8))
for name, colour in (("mean", COLOURS[0]), ("as printed", COLOURS[1])):
    ax.semilogy(sizes[name], "o-", color=colour, label=f"{name}: accuracy {sizes[name + ', accuracy']:.0%}")
ax.set(xlabel="round", ylabel="size of the network, |w|", xticks=range(6), ylim=(1e-6, 30))
ax.legend()
show(fig, alt="Size of all weights against the round: with the mean it stays; as printed it falls to about a twelfth per round and becomes flat at the end")
claim("As printed, less than a hundredth of the network is left", sizes["as printed"][-1] < sizes["mean"][-1] / 100)

# %% [markdown]
# Either $\sum p_k w^k$ over all hospitals, or the shares of **those who answered**, $N_k / \sum_{j \in S} N_j$. (Or, as Li 2020
# analyses it, hospitals drawn with chance $p_k$ and then the plain mean $\frac1K \sum w^k$. Each is right alone.)
# The course's `data_shares` takes those who answered. So a hospital that fails does not shrink anything.

# %% [markdown] tags=["slide"]
# ## Why it drifts: every hospital is a bowl
#
# Near its best network, a hospital's loss is a bowl: $\frac a2 (w - c)^2$. Its bottom $c$ is what this hospital alone would learn; $a$ says
# how steep it is, so how much an error costs there.
#
# Best for all is $\sum p_k a_k c_k / \sum p_k a_k$: **steep bowls count more**. Averaging after long local training finds
# $\sum p_k c_k$: how steep they are is forgotten. This is [[client drift]].

# %%
from course_lib.federated.convergence import (
    bowls,
    local_path,
    optimum,
    resting_point,
    rounds_path,
    total_loss,
)

# %% tags=["slide"]
pair = bowls(curvature=[1, 9], centre=[0, 1])
best, rate = optimum(pair)[0], 0.05
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2))
w = np.linspace(-0.3, 1.4, 200)
for k, (a, c) in enumerate(((1, 0), (9, 1))):
    left.plot(w, a / 2 * (w - c) ** 2, color=COLOURS[k], label=f"hospital {k + 1}: a = {a}")
left.plot(w, [total_loss(pair, [x]) for x in w], "k--", label="mean")
left.plot(best, total_loss(pair, [best]), "k*", ms=12)
left.set(xlabel="w", ylabel="loss", ylim=(0, 2.5), title="best for all: 0.9")
for steps, colour in ((1, 2), (5, 3), (50, 4)):
    path = rounds_path(pair, [0.0], rate, steps, rounds=20)[:, 0]
    right.plot(path, ".-", color=COLOURS[colour], label=f"E = {steps}: rests at {resting_point(pair, rate, steps)[0]:.2f}")
right.axhline(best, color="k", ls=":")
right.set(xlabel="round", ylabel="the server's w", title="mean after E local steps")
left.legend(fontsize=8)
right.legend(fontsize=8)
show(
    fig,
    alt="Left: two parabolas, a flat one at 0 and a steep one at 1, and their mean with its lowest point at 0.9. Right: the server's "
    "w against the round; with one local step it creeps to 0.9, with 50 it jumps to 0.52 and stays",
)
claim("One local step rests at the optimum", abs(resting_point(pair, rate, 1)[0] - 0.9) < 1e-12)
claim("Five steps rest beside it", abs(resting_point(pair, rate, 5)[0] - 0.80762) < 1e-5)

# %% [markdown]
# (A bowl has no batches: one pass is one step, so here $E$ counts steps.)
#
# The trade is plain: more local steps arrive **sooner**, at a **worse** place. No number of further rounds repairs it. A smaller
# learning rate does, and costs rounds.

# %% [markdown]
# Does FedAvg converge, then? For even hospitals it was shown in 2017 (Zhou and Cong). For different ones only in 2020 (Li), also when only some are
# asked; and for bowls as above only if the learning rate **goes down** with the rounds. Otherwise it comes to rest beside the
# optimum, as you just saw. How much slower and worse different hospitals make it was measured in 2018 (Zhao).

# %% [markdown] tags=["exercise"] exercise="local_bowl"
# ### Exercise: E steps in a bowl
#
# A hospital starts at `w` and makes `steps` steps of [[gradient descent]] on $\frac a2 (w - c)^2$ with learning rate `rate`. Where does it
# end? The gradient is $a (w - c)$. A loop or a formula, as you like.

# %% tags=["stub"] exercise="local_bowl"
def local_end(w, a, c, rate, steps):
    """The weight after so many local steps."""
    return ...

# %% tags=["check"] exercise="local_bowl"
check("local_bowl", local_end)

# %% [markdown] tags=["hint"] exercise="local_bowl"
# One step: `w - rate * a * (w - c)`.

# %% [markdown] tags=["hint"] exercise="local_bowl"
# Repeat it `steps` times. Use the **new** w each time.

# %% [markdown] tags=["hint"] exercise="local_bowl"
# Every step multiplies the way that is left, $w - c$, by `1 - rate * a`.

# %% tags=["solution"] exercise="local_bowl"
def local_end(w, a, c, rate, steps):
    """The weight after so many local steps."""
    for _ in range(steps):
        w = w - rate * a * (w - c)
    return w

# %% tags=["equivalent"] exercise="local_bowl"
def local_end(w, a, c, rate, steps):
    return c + (1 - rate * a) ** steps * (w - c)

# %% tags=["equivalent"] exercise="local_bowl"
def local_end(w, a, c, rate, steps):
    if steps == 0:
        return w
    return local_end(w + rate * a * (c - w), a, c, rate, steps - 1)

# %% tags=["wrong"] exercise="local_bowl" says="one step"
def local_end(w, a, c, rate, steps):
    for _ in range(steps):
        w = w - rate * a * (w - c)
        return w

# %% tags=["wrong"] exercise="local_bowl" says="one too few"
def local_end(w, a, c, rate, steps):
    for _ in range(1, steps):
        w = w - rate * a * (w - c)
    return w

# %% tags=["wrong"] exercise="local_bowl" says="new w"
def local_end(w, a, c, rate, steps):
    for _ in range(steps):
        end = w - rate * a * (w - c)
    return end

# %% tags=["wrong"] exercise="local_bowl" says="after the first"
def local_end(w, a, c, rate, steps):
    return w - steps * rate * a * (w - c)

# %% tags=["wrong"] exercise="local_bowl" says="uphill"
def local_end(w, a, c, rate, steps):
    for _ in range(steps):
        w = w + rate * a * (w - c)
    return w

# %% tags=["wrong"] exercise="local_bowl" says="steep"
def local_end(w, a, c, rate, steps):
    return c + (1 - rate) ** steps * (w - c)

# %% tags=["wrong"] exercise="local_bowl" says="way that is left"
def local_end(w, a, c, rate, steps):
    return (1 - rate * a) ** steps * (w - c)

# %% tags=["checker"] exercise="local_bowl"
def checker(local_end):
    value = local_end(3.0, 2.0, 1.0, 0.1, 3)
    if isinstance(value, (int, float)):
        require(abs(value - 2.6) > 1e-9, "This is where one step ends. Is the loop left too early, or does it not go on from the new w?")
        require(abs(value - (1 + 2 * 0.8**2)) > 1e-9, "You made one too few; count the steps of your loop.")
        require(abs(value - 1.8) > 1e-9, "The gradient of the first step is not that after the first step; it gets smaller.")
        require(abs(value - (1 + 2 * 1.2**3)) > 1e-9, "You go uphill.")
        require(abs(value - (1 + 2 * 0.9**3)) > 1e-9, "How steep is the bowl? The gradient is a (w - c).")
        require(abs(value - 2 * 0.8**3) > 1e-9, "This is the way that is left to c, not the place.")
    close(value, 1 + 2 * 0.8**3, "Three steps from 3 in a bowl at 1 end elsewhere.")
    close(local_end(3.0, 2.0, 1.0, 0.1, 0), 3.0, "Without a step nothing moves.")

# %% [markdown] tags=["slide"]
# ## FedProx: on a leash
#
# [[FedProx]] (Li 2020) ties every hospital to the weights it was sent:
#
# $$\ell_{\text{FedProx}} = \ell + \frac\mu2\, |w - w_t|^2$$
#
# The hospital adds it by itself; the server does nothing new. $\mu = 0$ is FedAvg. With large $\mu$ nobody drifts, and nobody learns much.

# %% [markdown]
# Play: three hospitals in a plane. Circles are bowls, coloured lines the hospitals' local ways in the round shown, black the server.
# The star is best for all; the cross is where the rounds come to rest. Try E = 1. Then E = 30. Then a leash. Then equal hospitals
# (difference 0).

# %%
def draw_drift(local_steps, rate, difference, leash, shown_round):
    steep = 1 + difference * np.array([[4.0, 0.0], [0.0, 4.0], [0.6, 0.2]])
    places = np.array([[0.0, 1.0], [1.0, -0.6], [-1.2, -0.5]]) * difference
    three = bowls(steep, places)
    server = rounds_path(three, [-1.7, 1.6], rate, local_steps, 25, leash)
    ways = local_path(three, server[shown_round - 1], rate, local_steps, leash)
    fig, ax = plt.subplots(figsize=(5.6, 4.6))
    angle = np.linspace(0, 2 * np.pi, 60)
    for k in range(3):
        for size in (0.25, 0.6):
            ring = places[k] + size * np.stack([np.cos(angle), np.sin(angle)], 1) / np.sqrt(steep[k])
            ax.plot(*ring.T, color=COLOURS[k], lw=0.8, alpha=0.6)
        ax.plot(*ways[:, k].T, ".-", ms=4, color=COLOURS[k], label=f"hospital {k + 1}")
    ax.plot(*server.T, "k.-", ms=3, lw=0.7, label="server")
    ax.plot(*optimum(three), "*", ms=15, color=COLOURS[4], mec="k", label="best for all")
    ax.plot(*resting_point(three, rate, local_steps, leash), "kx", ms=10, mew=2, label="rests here")
    gap = np.linalg.norm(resting_point(three, rate, local_steps, leash) - optimum(three))
    ax.set(title=f"rests {gap:.2f} beside the optimum", xlim=(-2, 1.8), ylim=(-1.5, 1.8), aspect="equal")
    ax.legend(fontsize=7, loc="upper right")
    return fig


explore(
    draw_drift,
    alt="Three hospitals as elliptic bowls in a plane, the local ways of one round, the server's way, the optimum and the resting point "
    "beside it",
    local_steps=(1, 40, 1, 12), rate=(0.02, 0.2, 0.02, 0.1), difference=(0.0, 1.0, 0.1, 1.0), leash=(0.0, 5.0, 0.5, 0.0),
    shown_round=(1, 10, 1, 1),
)  # fmt: skip

# %% [markdown] tags=["exercise"] exercise="prox_step"
# ### Exercise: one step on the leash
#
# `gradient` is that of the hospital's own loss at `w`. Return the weights after one step on $\ell + \frac\mu2 |w - w_t|^2$;
# `sent` is $w_t$. All are arrays.

# %% tags=["stub"] exercise="prox_step"
def prox_step(w, sent, gradient, mu, rate):
    """One FedProx step."""
    return ...

# %% tags=["check"] exercise="prox_step"
check("prox_step", prox_step)

# %% [markdown] tags=["hint"] exercise="prox_step"
# What is the gradient of $\frac\mu2 |w - w_t|^2$? The 2 goes away.

# %% [markdown] tags=["hint"] exercise="prox_step"
# It is `mu * (w - sent)`, and is added to the gradient.

# %% [markdown] tags=["hint"] exercise="prox_step"
# `w - rate * (... + ...)`.

# %% tags=["solution"] exercise="prox_step"
def prox_step(w, sent, gradient, mu, rate):
    """One FedProx step."""
    return w - rate * (gradient + mu * (w - sent))

# %% tags=["equivalent"] exercise="prox_step"
def prox_step(w, sent, gradient, mu, rate):
    return (1 - rate * mu) * w + rate * mu * sent - rate * gradient

# %% tags=["wrong"] exercise="prox_step" says="away from"
def prox_step(w, sent, gradient, mu, rate):
    return w - rate * (gradient + mu * (sent - w))

# %% tags=["wrong"] exercise="prox_step" says="1/2 and the 2"
def prox_step(w, sent, gradient, mu, rate):
    return w - rate * (gradient + mu / 2 * (w - sent))

# %% tags=["wrong"] exercise="prox_step" says="start at w"
def prox_step(w, sent, gradient, mu, rate):
    return sent - rate * (gradient + mu * (w - sent))

# %% tags=["wrong"] exercise="prox_step" says="not the square itself"
def prox_step(w, sent, gradient, mu, rate):
    return w - rate * (gradient + mu / 2 * (w - sent) ** 2)

# %% tags=["wrong"] exercise="prox_step" says="leash does nothing"
def prox_step(w, sent, gradient, mu, rate):
    sent = w  # the same object: it moves along
    return w - rate * (gradient + mu * (w - sent))

# %% tags=["wrong"] exercise="prox_step" says="learning rate"
def prox_step(w, sent, gradient, mu, rate):
    return w - rate * gradient - mu * (w - sent)

# %% tags=["checker"] exercise="prox_step"
def checker(prox_step):
    w, sent, g = np.array([2.0, -1.0]), np.array([1.0, 1.0]), np.array([0.5, 0.5])
    value = prox_step(w, sent, g, 3.0, 0.1)
    if isinstance(value, np.ndarray) and value.shape == (2,):
        require(not np.allclose(value, w - 0.1 * g), "The leash does nothing. It must measure from the weights that were sent, which stay.")
        require(not np.allclose(value, w - 0.1 * (g - 3 * (w - sent))), "This leash pushes away from the weights that were sent.")
        require(not np.allclose(value, w - 0.1 * (g + 1.5 * (w - sent))), "In the gradient of a square the 1/2 and the 2 cancel.")
        require(not np.allclose(value, sent - 0.1 * (g + 3 * (w - sent))), "The hospital has moved on since: its steps start at w.")
        for factor in (1.5, 3):
            require(not np.allclose(value, w - 0.1 * (g + factor * (w - sent) ** 2)), "A step needs the gradient of the leash, not the square itself.")
        require(not np.allclose(value, w - 0.1 * g - 3 * (w - sent)), "The learning rate belongs to both parts.")
    close(value, w - 0.1 * (g + 3 * (w - sent)), "This is not the step.")
    close(prox_step(sent, sent, g, 3.0, 0.1), sent - 0.1 * g, "The first step begins where the leash is tied: it cannot pull yet.")

# %% [markdown]
# Put $w = w_t$ into your step: the leash adds nothing. **The first local step never feels it.** So with $E = 1$ and one batch FedProx *is*
# FedSGD, for any $\mu$. One public implementation measured from weights that moved along: its leash was always zero, and nobody saw
# it, because the curves looked like FedAvg's.

# %% [markdown] tags=["slide"]
# ## Five seeds instead of one curve
#
# One curve proves little: another shuffling, another curve. So each setting ran five times (other films for each hospital, other first
# weights; 20 rounds; recorded: `python -m course_lib.federated.averaging_record`). We count the mean of the last five rounds, and compare
# **within a seed**.

# %% tags=["slide"]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.3), sharey=True)
for ax, labels, names in zip(
    axes, ({}, {"two classes": "two classes: E = 5"}),
    (("all six classes", "two classes", "two classes, a quarter asked"),
     ("two classes, E = 10", "two classes", "two classes, E = 1", "two classes, mu = 1")),
    strict=True,
):  # fmt: skip
    for k, name in enumerate(names):
        runs = curves(name)
        x = np.arange(1, runs.shape[1] + 1)
        ax.plot(x, runs.mean(0), color=COLOURS[k], label=labels.get(name, name.removeprefix("two classes, ")))
        ax.fill_between(x, runs.min(0), runs.max(0), color=COLOURS[k], alpha=0.15, lw=0)
    ax.set(xlabel="round", ylim=(0.1, 0.65))
    ax.legend(fontsize=8, loc="lower right")
axes[0].set_ylabel("accuracy")
show(
    fig,
    alt="Mean and range of five seeds. Left: all six classes are best, two classes lower, a quarter of the hospitals asked jumps "
    "about far below. Right: with two classes, ten epochs are quickest, one epoch and a strong leash slower",
)

# %%
print(f"{'against two classes, E = 5':34}{'difference':>12}{'95 % interval':>20}")
gaps = {}
for name in ("all six classes", "two classes, E = 1", "two classes, E = 10",
             "two classes, mu = 0.1", "two classes, mu = 1", "two classes, a quarter asked"):  # fmt: skip
    mean, half = gaps[name] = paired(name, "two classes")
    interval = f"{100 * (mean - half):+.1f} to {100 * (mean + half):+.1f}"
    print(f"{name:34}{100 * mean:+12.1f}{interval:>20}")
claim("Different hospitals cost accuracy", sum(gaps["all six classes"]) > 0 and np.diff(gaps["all six classes"])[0] < 0)

# %% [markdown]
# What can be said, and what not:
#
# - **Different hospitals** cost 9 points in the mean. That they cost something is sure; how much is anything from 4 to 14.
# - **E = 1** is 10 points behind, but it also computed a fifth. **E = 10** is not behind E = 5: twenty rounds are too few for drift to hurt more than
#   learning helps. The bowls warn of the end of training, and we are far from it.
# - **FedProx** with a slack leash ($\mu = 0.1$) changes less than a point; with a tight one ($\mu = 1$) it costs 5 points. Others found the same: Flower's own
#   repetition with two classes per client has 96.86 % (FedAvg) and 96.85 % (FedProx) on handwritten digits, 51.17 % and 50.44 % on photographs.
# - **A quarter asked** costs 13 points after as many rounds, with a quarter of the messages. Look at the curve: it jumps. Why?

# %% [markdown] tags=["exercise"] exercise="who_answers"
# ### Exercise: who answered?
#
# With a quarter of twelve hospitals asked per round, and two classes each, a round may miss a class altogether. Suppose every hospital sees 2 of
# 6 classes and each class is at home in 4 of 12 hospitals. Three hospitals are drawn. What is the probability that **none** of the three
# has ever seen a pneumothorax?

# %% tags=["stub"] exercise="who_answers"
missed = ...

# %% tags=["check"] exercise="who_answers"
check("who_answers", missed)

# %% [markdown] tags=["hint"] exercise="who_answers"
# Eight of twelve hospitals have never seen one. The first one drawn is one of these with probability 8/12.

# %% [markdown] tags=["hint"] exercise="who_answers"
# Nobody is drawn twice: then seven of eleven are left.

# %% [markdown] tags=["hint"] exercise="who_answers"
# 8/12 times 7/11 times the third factor.

# %% tags=["solution"] exercise="who_answers"
missed = 8 / 12 * 7 / 11 * 6 / 10  # in every fourth round nobody knows a pneumothorax

# %% tags=["equivalent"] exercise="who_answers"
from math import comb

missed = comb(8, 3) / comb(12, 3)

# %% tags=["equivalent"] exercise="who_answers"
missed = 0.255

# %% tags=["wrong"] exercise="who_answers" says="between 0 and 1"
missed = 25.5

# %% tags=["wrong"] exercise="who_answers" says="only the first"
missed = 8 / 12

# %% tags=["wrong"] exercise="who_answers" says="twice"
missed = (8 / 12) ** 3

# %% tags=["wrong"] exercise="who_answers" says="all three have"
missed = 4 / 12 * 3 / 11 * 2 / 10

# %% tags=["wrong"] exercise="who_answers" says="at least one"
missed = 1 - 8 / 12 * 7 / 11 * 6 / 10

# %% tags=["checker"] exercise="who_answers"
def checker(missed):
    right = 8 / 12 * 7 / 11 * 6 / 10
    if isinstance(missed, (int, float)):
        require(missed <= 1, "A probability is a number between 0 and 1; 100 % is 1.")
        require(abs(missed - 8 / 12) > 1e-3, "This is the probability for only the first one drawn.")
        require(abs(missed - (8 / 12) ** 3) > 1e-3, "No hospital is asked twice in a round.")
        require(abs(missed - 1 / 55) > 1e-4, "This is the probability that all three have seen one.")
        require(abs(missed - (1 - right)) > 1e-4, "This is the probability that at least one has seen it.")
    close(missed, right, "This is not the probability.", rtol=5e-3)

# %% [markdown] tags=["slide"]
# ## What it costs to talk
#
# Every round, every hospital that is asked gets the network and sends one back: $2 p_m$ numbers of 4 bytes ($p_m$: number of weights of
# the model). Which way of learning reaches 35 % accuracy with the fewest megabytes? Even hospitals; bytes of real messages, names and shapes included.
#
# One seed: the counts are rough, the ratio is not. And messages are paid for with computing: one message is one step with FedSGD, thirty with $E = 5$.

# %% tags=["slide", "varies"]
from course_lib.federated.communication import as_table, bills, envelope

ways = {
    "FedSGD": FederatedPlan(50, local=fedsgd_plan(learning_rate=0.2)),
    "FedAvg, E = 1": FederatedPlan(20, local=LocalPlan(epochs=1)),
}
runs = {
    name: federate_vectorised(small_network(6, 16, seed=0), even, plan, test=task.test, progress=False)
    for name, plan in ways.items()
}
runs["FedAvg, E = 5"] = histories["even"]
target = 0.35
table = bills(runs, target)
print(as_table(table, target))
rounds = [row.rounds or 51 for row in table]
claim("FedAvg needs several times fewer rounds than FedSGD", rounds[0] > 3 * rounds[2])
claim("Longer local training needs no more rounds", rounds[2] <= rounds[1])
claim("Names and shapes make messages longer than the numbers alone", envelope(start) > 1)

# %% [markdown] tags=["exercise"] exercise="megabytes"
# ### Exercise: a DenseNet-121 over a hospital's line
#
# CheXNet's DenseNet-121 has 7.0 million parameters of 4 bytes. 12 hospitals, 100 rounds, a quarter asked in each round. How many
# **gigabytes** (10^9 bytes) go through the server's line in both directions together?

# %% tags=["stub"] exercise="megabytes"
gigabytes = ...

# %% tags=["check"] exercise="megabytes"
check("megabytes", gigabytes)

# %% [markdown] tags=["hint"] exercise="megabytes"
# One network is 28 megabytes.

# %% [markdown] tags=["hint"] exercise="megabytes"
# Three hospitals per round, each once down and once up.

# %% [markdown] tags=["hint"] exercise="megabytes"
# 28 MB x 2 x 3 x 100.

# %% tags=["solution"] exercise="megabytes"
gigabytes = 7.0e6 * 4 * 2 * 3 * 100 / 1e9

# %% tags=["equivalent"] exercise="megabytes"
gigabytes = 16.8

# %% tags=["wrong"] exercise="megabytes" says="all rounds"
gigabytes = 7.0e6 * 4 * 2 * 3 / 1e9

# %% tags=["wrong"] exercise="megabytes" says="more than one hospital"
gigabytes = 7.0e6 * 4 * 2 * 100 / 1e9

# %% tags=["wrong"] exercise="megabytes" says="2^30"
gigabytes = 7.0e6 * 4 * 2 * 3 * 100 / 2**30

# %% tags=["wrong"] exercise="megabytes" says="both directions"
gigabytes = 7.0e6 * 4 * 3 * 100 / 1e9

# %% tags=["wrong"] exercise="megabytes" says="quarter"
gigabytes = 7.0e6 * 4 * 2 * 12 * 100 / 1e9

# %% tags=["wrong"] exercise="megabytes" says="four bytes"
gigabytes = 7.0e6 * 2 * 3 * 100 / 1e9

# %% tags=["wrong"] exercise="megabytes" says="gigabytes"
gigabytes = 7.0e6 * 4 * 2 * 3 * 100 / 1e6

# %% tags=["checker"] exercise="megabytes"
def checker(gigabytes):
    if isinstance(gigabytes, (int, float)):
        require(abs(gigabytes - 8.4) > 0.01, "Count both directions: the network goes out and comes back.")
        require(abs(gigabytes - 0.168) > 0.001, "This is one round; count all rounds.")
        require(abs(gigabytes - 5.6) > 0.01, "A quarter of twelve is more than one hospital.")
        require(abs(gigabytes - 15.65) > 0.05, "You divided by 2^30; here a gigabyte is 10^9 bytes.")
        require(abs(gigabytes - 67.2) > 0.01, "Only a quarter of the hospitals is asked in a round.")
        require(abs(gigabytes - 4.2) > 0.01, "A parameter has four bytes.")
        require(abs(gigabytes - 16800) > 1, "These are megabytes; the question is about gigabytes.")
    close(gigabytes, 16.8, "This is not what goes over the line.")

# %% [markdown]
# Other ways to talk less, and where they belong:
#
# - **CoCoA** (Smith 2018): for convex models such as logistic regression and support vector machines. These can be rewritten with one
#   number per film instead of one per weight (the *dual* problem). Each hospital solves its films' part as well as it likes and sends one vector.
# - **PFNM** (Yurochkin 2019): one single message. Hidden neurons of different hospitals have no common order; it finds out which belong
#   together (matching) and averages those.
# - **FedMA** (Wang 2020): the same idea layer by layer, so that it works for deeper networks such as VGG, with as many messages as layers.
# - Smaller messages: half precision (2 bytes), sending only large changes. Those combine with everything above.

# %% [markdown] tags=["slide"]
# ## Hospitals fail
#
# Somebody restarts a computer. An answer comes late, holds NaN, or belongs to last year's network. The round must end all the same: the
# answer is dropped, with a reason, and the mean is taken over those who answered.
#
# 50 rounds in which each answer fails with a chance of 30 % (five seeds, recorded):

# %% tags=["slide"]
from course_lib.federated.faults import random_faults

fig, axes = plt.subplots(1, 2, figsize=(10, 3), sharey=True)
losses = {}
for ax, title, kind in zip(axes, ("even", "specialised"), ("50 rounds, ", "50 rounds, two classes, "), strict=True):
    for k, case in enumerate(("all answer", "30 % fail")):
        runs = curves(kind + case)
        ax.plot(np.arange(1, 51), runs.mean(0), color=COLOURS[k], label=f"{case}: {final(kind + case).mean():.1%} at the end")
        ax.fill_between(np.arange(1, 51), runs.min(0), runs.max(0), color=COLOURS[k], alpha=0.15, lw=0)
    losses[title] = paired(kind + "30 % fail", kind + "all answer")
    ax.set(title=f"{title} hospitals", xlabel="round")
    ax.legend(fontsize=8, loc="lower right")
axes[0].set_ylabel("accuracy")
show(
    fig,
    alt="Accuracy over 50 rounds with and without failures. Even hospitals: both curves agree. Specialised hospitals: with failures "
    "the curve jumps and is lower",
)
for title, (mean, half) in losses.items():
    print(f"{title:12} 30 % failures change accuracy by {100 * mean:+.1f} points ({100 * (mean - half):+.1f} to {100 * (mean + half):+.1f})")
claim("Even hospitals stand in for each other", losses["even"][0] > -0.03)
claim("On average specialised hospitals miss each other more", losses["specialised"][0] < losses["even"][0])

# %% [markdown]
# This is the heart of the lesson: **if hospitals are alike, others stand in for one that fails; if only a few have seen fibrosis, their
# failure costs the fibrosis.** (Four points in the mean of five seeds; the interval just touches zero, so five seeds do not prove it.)
#
# And the server? Its state is kept after every round. We pull the plug in round 3, and call the same command again.

# %%
class PowerCut(Exception):
    """Somebody needed the socket."""


def pull_the_plug(row, weights):
    if row["round"] == 3:
        raise PowerCut


plan, faulty = FederatedPlan(5), random_faults(0.3, seed=1)
whole = federate_vectorised(small_network(6, 16, seed=0), even, plan, faults=faulty, progress=False)
went_on = []
with tempfile.TemporaryDirectory() as folder:
    common = {"faults": faulty, "folder": folder, "progress": False}
    try:
        federate_vectorised(small_network(6, 16, seed=0), even, plan, on_round=pull_the_plug, **common)
    except PowerCut:
        print("The server died in round 3.")
    again = federate_vectorised(
        small_network(6, 16, seed=0), even, plan, on_round=lambda row, _: went_on.append(row["round"]), **common
    )
print("The second call made rounds", went_on)
print("Dropped in round 1:")
for name, reason in whole.rows[0]["dropped"].items():
    print(f"  {name}: {reason}")
claim("The same weights to the last bit as without the power cut", largest_gap(whole.weights, again.weights) == 0)

# %% [markdown] tags=["instructor"]
# Questions: (1) Why is the mean by films right for FedSGD, but "fair" to whom? (Next lesson: fairness.) (2) The server never saw a film.
# Did it learn nothing about the patients? (Lesson on privacy: it learned a lot.) (3) Who would notice a hospital that sends plausible
# nonsense? (Median, trimmed mean, Krum: the lesson on the engine.)
#
# Typical mistake: to compare methods after the same number of *rounds* without saying that E = 10 computes ten times as much as E = 1.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Weights travel, films stay. The mean counts each hospital as its films: $p_k = N_k / N$ over **those who answered**.
# - One step with all films each (FedSGD) is exactly central training with a huge batch. Several steps (FedAvg) are not, but need far
#   fewer messages.
# - The shares sum to 1. Dividing by $K$ as well shrinks the network.
# - Bowls: long local training arrives sooner, at a worse place. In our twenty rounds it still gained, and FedProx bought nothing.
# - Alike hospitals can replace each other; specialised ones cannot, neither when few are asked nor when some fail.
#
# Next: hospitals that differ in machines and patients, and who is served worst.

# %% [markdown]
# ## References
#
# - McMahan B et al. Communication-efficient learning of deep networks from decentralized data. 2016. arXiv:1602.05629.
# - Li T et al. Federated optimization in heterogeneous networks (FedProx). 2020. arXiv:1812.06127.
# - Li X et al. On the convergence of FedAvg on non-IID data. 2020. arXiv:1907.02189. Zhao Y et al. Federated learning with non-IID data. 2018.
#   arXiv:1806.00582. Charles Z, Konecny J. Convergence and accuracy trade-offs in federated learning and
#   meta-learning. 2021. arXiv:2103.05032.
# - Smith V et al. CoCoA: a general framework for communication-efficient distributed optimization. 2018. arXiv:1611.02189. Yurochkin M et al. Bayesian nonparametric federated learning of neural networks (PFNM). 2019.
#   arXiv:1905.12022. Wang H et al. Federated learning with matched averaging (FedMA). 2020. arXiv:2002.06440.
# - Zhou F, Cong G. On the convergence properties of a K-step averaging stochastic gradient descent
#   algorithm for nonconvex optimization. 2017. arXiv:1708.01012. Flower baselines, niid_bench
#   (FedAvg and FedProx with two classes per client): README of the project, read in 2026.
# - Workshop on federated learning, 2021: algorithm 1 (MAFL), slide 15. Yoon T et al. FedMix. 2021. arXiv:2107.00233.

# %% [markdown] tags=["slide"]
# ## A forger and a detective
#
# A forger paints films. A detective sees a film and says how sure he is that it is real. Nobody tells the forger
# how a chest looks. He only hears **what the detective thought**, and paints the next film a little differently.
# The detective learns, too.
#
# This is a [[generative adversarial network]], a GAN. The forger is the **[[generator]]**, the detective the **[[critic]]**
# (or discriminator). When the forger is perfect, the detective can only guess.

# %% [markdown]
# Today the "films" are first **points in a plane**: so small that you can see the whole game, and count what is missing. At the end
# the same loop makes chest films of 32 x 32 pixels. The next lessons then make larger ones.
#
# The generator starts from chance: a [[latent vector]] `z` of a few random numbers. It is a machine that bends one cloud of points into
# another. Here are four clouds that it may have to make.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from course_lib.generative.densities import DENSITIES, Mixture, ring
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)  # for networks as small as these a second thread costs more than it helps
rng = np.random.default_rng(0)
fig, axes = plt.subplots(1, 5, figsize=(11, 2.5))
for ax, name in zip(axes, ["latent", *DENSITIES], strict=True):
    points = rng.normal(size=(600, 2)) if name == "latent" else DENSITIES[name]().sample(600, rng)
    ax.plot(*points.T, ".", ms=2, color=COLOURS[0 if name == "latent" else 1])
    ax.set(title="chance: z" if name == "latent" else name, aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
show(
    fig,
    alt="Five clouds of points: a round Gaussian cloud, eight spots on a ring, a grid of 25 spots, "
    "two interlocking moons, and a spiral",
)

# %% [markdown] tags=["slide"]
# ## What does the best detective say?
#
# At some place there are $p$ real examples and $q$ forged ones. A new example comes from there. The best answer is the share
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}$$
#
# No detective can do better, however large his network is. If the forger is perfect, $p = q$ and $D^* = 1/2$ everywhere.

# %% [markdown]
# It is the same arithmetic as a predictive value: of all findings that look like this, which share is true?
#
# Below, real examples come from two bumps, and the forger makes one. We train a small network as detective with nothing but
# examples: "real" or "forged". At both ends of the line there are hardly any examples; what it says there is a guess.

# %% tags=["varies"]
from course_lib.generative.losses import LOSSES
from course_lib.generative.toy_theory import best_critic
from course_lib.models.point_gan import PointCritic

real_line = Mixture(np.array([[-1.0], [1.5]]), 0.5)
made_line = Mixture(np.array([[0.5]]), 0.8)
torch.manual_seed(0)
detective = PointCritic(dimensions=1)
adam = torch.optim.Adam(detective.parameters(), 3e-3)
for _ in range(500):
    real, fake = (torch.from_numpy(line.sample(256, rng)) for line in (real_line, made_line))
    loss = LOSSES["minimax"].critic(detective(real), detective(fake))
    adam.zero_grad()
    loss.backward()
    adam.step()

x = np.linspace(-3.2, 3.8, 401)
p, q = real_line.density(x[:, None]), made_line.density(x[:, None])
with torch.no_grad():
    learned = torch.sigmoid(detective(torch.tensor(x[:, None]).float())).numpy()
error = np.sum(np.abs(learned - best_critic(p, q)) * (p + q)) / np.sum(p + q)
claim("A network that only saw examples found D* where examples are", error < 0.08)

# %% tags=["slide", "varies"]
fig, (top, bottom) = plt.subplots(2, 1, figsize=(7, 4.4), sharex=True)
top.fill_between(x, p, alpha=0.4, color=COLOURS[0], label="real, p")
top.fill_between(x, q, alpha=0.4, color=COLOURS[1], label="forged, q")
top.set_ylabel("density")
bottom.plot(x, best_critic(p, q), "k--", label="best: p / (p + q)")
bottom.plot(x, learned, color=COLOURS[2], label="what the network learned")
bottom.set(xlabel="x", ylabel="says: real", ylim=(0, 1))
for ax in (top, bottom):
    ax.legend(loc="upper right", fontsize=8)
show(
    fig,
    alt="Top: real examples in two bumps, forged ones in one between them. Bottom: the share of real ones "
    "and the answer of the trained network, which follows it",
)

# %% [markdown] tags=["exercise"] exercise="best_detective"
# ### Exercise: a ward with rare forgeries
#
# So far the detective saw as many forged as real films. Now a share `forged` of all films is forged (0.5 before). `p` and `q` are the
# two densities at this place. What is the probability that a film from here is **real**?

# %% tags=["stub"] exercise="best_detective"
def probability_real(p, q, forged):
    """Probability that an example is real, where a share `forged` of all is forged."""
    return ...

# %% tags=["check"] exercise="best_detective"
check("best_detective", probability_real)

# %% [markdown] tags=["hint"] exercise="best_detective"
# Think of 100 films. How many are real, and how many of those fall here? The same for the forged ones.

# %% [markdown] tags=["hint"] exercise="best_detective"
# Weigh each density with its share: `(1 - forged) * p` real ones come here, `forged * q` forged ones.

# %% [markdown] tags=["hint"] exercise="best_detective"
# The real ones here, divided by all that are here.

# %% tags=["solution"] exercise="best_detective"
def probability_real(p, q, forged):
    """Probability that an example is real, where a share `forged` of all is forged."""
    real_here = (1 - forged) * p
    return real_here / (real_here + forged * q)  # Bayes' theorem, as for a predictive value

# %% tags=["equivalent"] exercise="best_detective"
def probability_real(p, q, forged):
    return 1 / (1 + forged / (1 - forged) * q / p)

# %% tags=["wrong"] exercise="best_detective" says="do not use the share"
def probability_real(p, q, forged):
    return p / (p + q)

# %% tags=["wrong"] exercise="best_detective" says="probability of a forgery"
def probability_real(p, q, forged):
    return forged * q / ((1 - forged) * p + forged * q)

# %% tags=["wrong"] exercise="best_detective" says="shares are exchanged"
def probability_real(p, q, forged):
    return forged * p / (forged * p + (1 - forged) * q)

# %% tags=["wrong"] exercise="best_detective" says="Weigh both"
def probability_real(p, q, forged):
    return p / (p + forged * q)

# %% tags=["wrong"] exercise="best_detective" says="below the line"
def probability_real(p, q, forged):
    return (1 - forged) * p / (p + q)

# %% tags=["checker"] exercise="best_detective"
def checker(probability_real):
    value = probability_real(0.2, 0.4, 0.1)
    if isinstance(value, (int, float)):
        require(abs(value - 1 / 3) > 1e-6, "You do not use the share of forged films.")
        require(abs(value - 0.04 / 0.22) > 1e-6, "This is the probability of a forgery; turn it round.")
        require(abs(value - 0.02 / 0.38) > 1e-6, "The shares are exchanged: `forged` belongs to q.")
        require(abs(value - 0.2 / 0.24) > 1e-6, "Weigh both densities; the real ones have a share, too.")
        require(abs(value - 0.3) > 1e-6, "The shares belong below the line as well as above it.")
    close(value, 0.18 / 0.22, "For p = 0.2, q = 0.4 and one forged film in ten this is not the share.")
    close(probability_real(0.3, 0.3, 0.5), 0.5, "Where p = q and both are as frequent nobody can tell.")

# %% [markdown] tags=["slide"]
# ## What the forger makes smaller
#
# Against the best detective, the minimax forger minimises the **[[Jensen-Shannon divergence]]** (JS) between $p$ and $q$, but for a
# factor and a constant:
#
# - 0 if both are equal,
# - $\log 2 = 0.693$ if they never meet, **no matter how far apart** they are.
#
# The **[[Wasserstein distance]]** asks something else: how far must I carry the forged cloud to cover the real one?

# %%
from course_lib.generative.toy_theory import earth_movers, jensen_shannon

gaps = np.arange(0, 25)
block = np.zeros(40)
block[:6] = 1 / 6  # six places, one sixth each
divergence = [jensen_shannon(block, np.roll(block, gap)) for gap in gaps]
carried = [earth_movers(np.arange(6), np.arange(6) + gap) for gap in gaps]

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8))
left.plot(gaps, divergence, "o-", ms=3)
left.axhline(np.log(2), color="k", ls=":")
left.set(title="Jensen-Shannon divergence", xlabel="gap between the two", ylabel="nats")
right.plot(gaps, carried, "o-", ms=3, color=COLOURS[1])
right.set(title="Wasserstein distance", xlabel="gap between the two", ylabel="places")
show(
    fig,
    alt="Left: Jensen-Shannon divergence rises to log 2 at a gap of six and then stays flat. Right: the "
    "Wasserstein distance rises as a straight line",
)
claim("Once they do not meet, JS no longer tells how far they are", np.ptp(divergence[6:]) < 1e-9)
claim("The Wasserstein distance always tells", np.allclose(carried, gaps))

# %% [markdown]
# The second block of six places is moved away from the first. From a gap of six on they no longer overlap.
# A forger who begins far away stands on the flat part of the left curve: every step looks equally bad. Keep this picture in mind.

# %% [markdown] tags=["exercise"] exercise="js_by_hand"
# ### Exercise: Jensen-Shannon
#
# `p` and `q` are arrays of probabilities, each with sum 1 and without zeros. With the middle $m = (p + q) / 2$,
#
# $$JS = \tfrac12 \sum p \log\frac{p}{m} + \tfrac12 \sum q \log\frac{q}{m}$$
#
# Use the natural logarithm.

# %% tags=["stub"] exercise="js_by_hand"
def js(p, q):
    """Jensen-Shannon divergence of two arrays of probabilities, in nats."""
    return ...

# %% tags=["check"] exercise="js_by_hand"
check("js_by_hand", js)

# %% [markdown] tags=["hint"] exercise="js_by_hand"
# First make the middle `m`. Both sums compare with it, not with each other.

# %% [markdown] tags=["hint"] exercise="js_by_hand"
# `np.sum(p * np.log(p / m))` is the first sum.

# %% [markdown] tags=["hint"] exercise="js_by_hand"
# Add the second sum in the same form, and halve.

# %% tags=["solution"] exercise="js_by_hand"
def js(p, q):
    """Jensen-Shannon divergence of two arrays of probabilities, in nats."""
    m = (p + q) / 2  # never zero where p or q is not, so that nothing becomes infinite
    return (np.sum(p * np.log(p / m)) + np.sum(q * np.log(q / m))) / 2

# %% tags=["equivalent"] exercise="js_by_hand"
def js(p, q):
    def entropy(w):
        return -np.sum(w * np.log(w))

    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2

# %% tags=["equivalent"] exercise="js_by_hand"
def js(p, q):
    from scipy.spatial.distance import jensenshannon

    return jensenshannon(p, q) ** 2

# %% tags=["wrong"] exercise="js_by_hand" says="root"
def js(p, q):
    from scipy.spatial.distance import jensenshannon

    return jensenshannon(p, q)

# %% tags=["wrong"] exercise="js_by_hand" says="both sums"
def js(p, q):
    return np.sum(p * np.log(p / ((p + q) / 2))) / 2

# %% tags=["wrong"] exercise="js_by_hand" says="with the middle"
def js(p, q):
    return (np.sum(p * np.log(p / q)) + np.sum(q * np.log(q / p))) / 2

# %% tags=["wrong"] exercise="js_by_hand" says="half"
def js(p, q):
    m = (p + q) / 2
    return np.sum(p * np.log(p / m)) + np.sum(q * np.log(q / m))

# %% tags=["wrong"] exercise="js_by_hand" says="natural"
def js(p, q):
    m = (p + q) / 2
    return (np.sum(p * np.log2(p / m)) + np.sum(q * np.log2(q / m))) / 2

# %% tags=["checker"] exercise="js_by_hand"
def checker(js):
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    m = (p + q) / 2
    right = (np.sum(p * np.log(p / m)) + np.sum(q * np.log(q / m))) / 2
    value = js(p, q)
    if isinstance(value, (int, float)):
        jeffreys = (np.sum(p * np.log(p / q)) + np.sum(q * np.log(q / p))) / 2
        require(abs(value - jeffreys) > 1e-6, "Compare each of them with the middle, not with the other.")
        require(abs(value - 2 * right) > 1e-6, "Take half of each sum; otherwise the limit is 2 log 2.")
        require(abs(value - right / np.log(2)) > 1e-6, "This is in bits; use the natural logarithm.")
        require(abs(value - right**0.5) > 1e-6, "This is the root of it, the Jensen-Shannon distance.")
        halves = [np.sum(w * np.log(w / m)) / 2 for w in (p, q)]
        require(all(abs(value - half) > 1e-6 for half in halves), "Add both sums, that of p and that of q.")
    close(value, right, "This is not the Jensen-Shannon divergence.")
    close(js(p, p) + 1, 1.0, "Of equal densities it is zero.")

# %% [markdown] tags=["exercise"] exercise="earth_by_hand"
# ### Exercise: carry one sample to another
#
# On a line the cheapest way to carry points `a` to points `b` (as many of them) is to send the smallest to the smallest, the next
# to the next, and so on. Return the mean distance.

# %% tags=["stub"] exercise="earth_by_hand"
def distance_to_carry(a, b):
    """Wasserstein-1 distance of two arrays of n numbers."""
    return ...

# %% tags=["check"] exercise="earth_by_hand"
check("earth_by_hand", distance_to_carry)

# %% [markdown] tags=["hint"] exercise="earth_by_hand"
# The order in which the points are given must not matter.

# %% [markdown] tags=["hint"] exercise="earth_by_hand"
# `np.sort` both arrays, then compare them place by place.

# %% [markdown] tags=["hint"] exercise="earth_by_hand"
# A way is never negative: take `np.abs` before the mean.

# %% tags=["solution"] exercise="earth_by_hand"
def distance_to_carry(a, b):
    """Wasserstein-1 distance of two arrays of n numbers."""
    return np.abs(np.sort(a) - np.sort(b)).mean()  # ways that cross are never cheaper

# %% tags=["equivalent"] exercise="earth_by_hand"
def distance_to_carry(a, b):
    return sum(abs(x - y) for x, y in zip(sorted(a), sorted(b), strict=True)) / len(a)

# %% tags=["equivalent"] exercise="earth_by_hand"
def distance_to_carry(a, b):
    from scipy.stats import wasserstein_distance

    return wasserstein_distance(a, b)

# %% tags=["wrong"] exercise="earth_by_hand" says="cancel"
def distance_to_carry(a, b):
    return (np.sort(b) - np.sort(a)).mean()

# %% tags=["wrong"] exercise="earth_by_hand" says="how many points"
def distance_to_carry(a, b):
    return np.abs(np.sort(a) - np.sort(b)).sum()

# %% tags=["wrong"] exercise="earth_by_hand" says="order"
def distance_to_carry(a, b):
    return np.abs(a - b).mean()

# %% tags=["wrong"] exercise="earth_by_hand" says="cancel"
def distance_to_carry(a, b):
    return abs(a.mean() - b.mean())

# %% tags=["wrong"] exercise="earth_by_hand" says="squared"
def distance_to_carry(a, b):
    return ((np.sort(a) - np.sort(b)) ** 2).mean()

# %% tags=["checker"] exercise="earth_by_hand"
def checker(distance_to_carry):
    a, b = np.array([0.0, 4.0, 1.0, 9.0]), np.array([5.0, 1.0, 6.0, 0.0])
    value = distance_to_carry(a, b)
    if isinstance(value, (int, float)):
        require(abs(value - np.abs(a - b).mean()) > 1e-6, "The order of the points must not matter.")
        require(abs(abs(value) - abs(a.mean() - b.mean())) > 1e-6, "Ways to the left and to the right cancel.")
        require(abs(value - 4) > 1e-6, "This is the sum; it must not depend on how many points there are.")
        squares = ((np.sort(a) - np.sort(b)) ** 2).mean()
        require(abs(value - squares) > 1e-6, "These are squared distances; the ways themselves count.")
    close(value, 1.0, "This is not the mean way.")

# %% [markdown] tags=["slide"]
# ## Four losses, four kinds of hint
#
# The critic gives a **score** $s$; for the first two losses $D = \mathrm{sigmoid}(s)$ is "how real".
#
# | loss | the generator minimises | its hint where the critic is sure ($s \to -\infty$) |
# |---|---|---|
# | minimax (2014) | $\log(1 - D)$ | dies away |
# | non-saturating (2014) | $-\log D$ | stays |
# | least squares (2016) | $(s - 1)^2 / 2$ | grows |
# | Wasserstein (2017) | $-s$ | always the same |

# %%
scores = torch.linspace(-8, 8, 161)
fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.2))
for colour, (name, pair) in zip(COLOURS, LOSSES.items(), strict=False):
    moving = scores.clone().requires_grad_()
    value = torch.stack([pair.generator(one[None]) for one in moving])
    slope = torch.autograd.grad(value.sum(), moving)[0]
    axes[0].plot(scores, value.detach(), color=colour, label=name)
    axes[1].plot(scores, slope.abs(), color=colour)
axes[0].set(title="loss of the generator", xlabel="score of a forged example", ylim=(-8, 8))
axes[1].set(title="strength of the hint: |slope|", xlabel="score of a forged example", ylim=(0, 2.5))
axes[0].legend(fontsize=8)
show(
    fig,
    alt="Losses of the generator against the score of a forged example, and their slopes: for a very "
    "negative score the minimax slope is zero, the non-saturating and Wasserstein slopes are one",
)

# %% [markdown]
# Look at the left end of the right picture. There the game **begins**: the first forgeries are bad, and every detective sees it. With
# the minimax loss the forger hears nothing in that very moment. The loss is *saturated* (see also [[vanishing gradient]]).

# %% [markdown] tags=["exercise"] exercise="non_saturating"
# ### Exercise: the non-saturating loss
#
# Write $-\log D$ as a function of the scores, averaged over the batch. $D$ is the sigmoid of the score. It must also work for scores
# like -200, where $D$ is rounded to zero: use `nn.functional.softplus(x)`, which is $\log(1 + e^x)$ without overflow.

# %% tags=["stub"] exercise="non_saturating"
def generator_loss(scores):
    """Mean of -log D over scores (N,), a tensor."""
    return ...

# %% tags=["check"] exercise="non_saturating"
check("non_saturating", generator_loss)

# %% [markdown] tags=["hint"] exercise="non_saturating"
# $D = 1 / (1 + e^{-s})$. What is $-\log$ of a fraction with 1 above the line?

# %% [markdown] tags=["hint"] exercise="non_saturating"
# $-\log D = \log(1 + e^{-s})$.

# %% [markdown] tags=["hint"] exercise="non_saturating"
# `nn.functional.softplus(-scores)`, then the mean.

# %% tags=["solution"] exercise="non_saturating"
def generator_loss(scores):
    """Mean of -log D over scores (N,), a tensor."""
    return nn.functional.softplus(-scores).mean()  # -log sigmoid(s) = log(1 + exp(-s))

# %% tags=["equivalent"] exercise="non_saturating"
def generator_loss(scores):
    return -nn.functional.logsigmoid(scores).mean()

# %% tags=["equivalent"] exercise="non_saturating"
def generator_loss(scores):
    wanted = torch.ones_like(scores)
    return nn.functional.binary_cross_entropy_with_logits(scores, wanted)

# %% tags=["wrong"] exercise="non_saturating" says="sign"
def generator_loss(scores):
    return nn.functional.softplus(scores).mean()

# %% tags=["wrong"] exercise="non_saturating" says="minimax"
def generator_loss(scores):
    return -nn.functional.softplus(scores).mean()

# %% tags=["wrong"] exercise="non_saturating" says="-200"
def generator_loss(scores):
    return -torch.log(torch.sigmoid(scores)).mean()

# %% tags=["wrong"] exercise="non_saturating" says="mean"
def generator_loss(scores):
    return nn.functional.softplus(-scores).sum()

# %% tags=["wrong"] exercise="non_saturating" says="must be 200"
def generator_loss(scores):
    return -torch.log(torch.sigmoid(scores) + 1e-8).mean()

# %% tags=["checker"] exercise="non_saturating"
def checker(generator_loss):
    scores = torch.tensor([-3.0, 0.5, 2.0])
    value = generator_loss(scores)
    if torch.is_tensor(value) and value.numel() == 1:
        plus, minus = nn.functional.softplus(scores), nn.functional.softplus(-scores)
        require(abs(float(value - plus.mean())) > 1e-5, "Mind the sign of the score: this is low for bad forgeries.")
        require(abs(float(value + plus.mean())) > 1e-5, "This is the minimax loss, log(1 - D).")
        require(abs(float(value - minus.sum())) > 1e-5, "Take the mean over the batch.")
        value = float(value)
    close(value, float(nn.functional.softplus(-scores).mean()), "This is not the mean of -log D.")
    far = float(generator_loss(torch.tensor([-200.0])))
    require(np.isfinite(far), "For a score of -200 the loss is not finite; use softplus.")
    close(far, 200.0, "For a score of -200 the loss must be 200.")

# %% [markdown]
# ## Does a hint arrive?
#
# A slope of the *loss* is half of the way. The critic must also have a slope where the forgeries are. So we let three critics learn
# in peace: real points on the ring, forged points in a small heap in the middle. Then we measure how strongly each forged point is
# pulled.
#
# The Wasserstein critic needs a rule, or its scores would grow without end: its slope should be about 1. That rule is the
# **[[gradient penalty]]**: take points between real and forged ones, and add the mean of $10\,(\|\text{slope}\| - 1)^2$ to its loss.

# %% tags=["varies"]
from course_lib.generative.losses import gradient_penalty

heap = Mixture(np.zeros((1, 2)), 0.1)


def train_critic(loss, penalised, steps=300):
    """A critic that had time to learn while the forger did nothing."""
    torch.manual_seed(1)
    critic = PointCritic()
    adam = torch.optim.Adam(critic.parameters(), 2e-3)
    for _ in range(steps):
        real, fake = (torch.from_numpy(cloud.sample(128, rng)) for cloud in (ring(), heap))
        value = LOSSES[loss].critic(critic(real), critic(fake))
        if penalised:
            value = value + 10 * gradient_penalty(critic, real, fake, torch.rand(128))
        adam.zero_grad()
        value.backward()
        adam.step()
    return critic


sure = train_critic("minimax", penalised=False)
critics = {"minimax": sure, "non-saturating": sure}  # these two share the critic's loss
critics["wasserstein"] = train_critic("wasserstein", penalised=True)

# %% tags=["varies"]
forged = torch.from_numpy(heap.sample(200, rng))
pull = {}
for name, critic in critics.items():
    here = forged.clone().requires_grad_()
    loss = LOSSES[name].generator(critic(here)) * len(here)
    pull[name] = torch.autograd.grad(loss, here)[0].norm(dim=1).mean().item()
    print(f"{name:16} pull on a forged point {pull[name]:.4f}")
claim("A sure critic leaves the minimax forger without a hint", pull["minimax"] < 0.1)
claim("The Wasserstein critic pulls ten times more strongly", pull["wasserstein"] > 10 * pull["minimax"])
claim("Its pull is of the order of one, as the penalty asks", 0.2 < pull["wasserstein"] < 3)

# %% tags=["slide", "varies"]
axis = np.linspace(-3, 3, 61)
places = torch.tensor(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)).float()


def height_map(ax, critic, sigmoid=False):
    """Draw what a critic thinks of every place of the plane."""
    with torch.no_grad():
        heights = critic(places).reshape(61, 61)
    heights = torch.sigmoid(heights) if sigmoid else heights
    return ax.contourf(axis, axis, heights, levels=15, cmap="viridis")


fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
truth = ring().sample(300, rng)
titles = ["minimax: D", "Wasserstein: score"]
for ax, critic, title in zip(axes, [sure, critics["wasserstein"]], titles, strict=True):
    fig.colorbar(height_map(ax, critic, sigmoid=title.endswith("D")), ax=ax)
    ax.plot(*truth.T, ".", color="white", ms=2)
    ax.plot(*forged.T, ".", color=COLOURS[1], ms=2)
    ax.set(title=title, aspect="equal")
show(
    fig,
    alt="Two height maps. The minimax critic is flat and near zero round the forged points in the middle; "
    "the Wasserstein critic is a bowl that rises evenly from the middle to the ring of real points",
)

# %% [markdown]
# White: real, orange: forged. For the minimax forger the left detective is right and useless: $D$ is a flat valley floor. The
# non-saturating forger has the same detective, but looks at the score below that floor: he is pulled, and the more strongly the longer
# the detective learns. The right critic is a bowl: from everywhere it is clear which way is up, and the pull stays near 1.

# %% [markdown] tags=["exercise"] exercise="slope_penalty"
# ### Exercise: the gradient penalty
#
# `slopes` (N, d) are the critic's gradients at N points, one row per point. Return `weight` times the mean of
# $(\|\text{row}\| - 1)^2$. For a linear critic $s = w \cdot x$ with $\|w\| = 3$ the answer is known: $10\,(3 - 1)^2 = 40$.

# %% tags=["stub"] exercise="slope_penalty"
def penalty(slopes, weight=10):
    """Gradient penalty from slopes (N, d), a NumPy array."""
    return ...

# %% tags=["check"] exercise="slope_penalty"
check("slope_penalty", penalty)

# %% [markdown] tags=["hint"] exercise="slope_penalty"
# Every point has its own slope: first one length per row.

# %% [markdown] tags=["hint"] exercise="slope_penalty"
# `np.linalg.norm(slopes, axis=1)` gives N lengths.

# %% [markdown] tags=["hint"] exercise="slope_penalty"
# Subtract 1, square, mean, times the weight. In this order.

# %% tags=["solution"] exercise="slope_penalty"
def penalty(slopes, weight=10):
    """Gradient penalty from slopes (N, d), a NumPy array."""
    lengths = np.linalg.norm(slopes, axis=1)  # one per point, over all its pixels or coordinates
    return weight * np.mean((lengths - 1) ** 2)

# %% tags=["equivalent"] exercise="slope_penalty"
def penalty(slopes, weight=10):
    return weight * np.mean([(np.sqrt(row @ row) - 1) ** 2 for row in slopes])

# %% tags=["wrong"] exercise="slope_penalty" says="square root"
def penalty(slopes, weight=10):
    return weight * np.mean(((slopes**2).sum(axis=1) - 1) ** 2)

# %% tags=["wrong"] exercise="slope_penalty" says="every point"
def penalty(slopes, weight=10):
    return weight * (np.linalg.norm(slopes, axis=1).mean() - 1) ** 2

# %% tags=["wrong"] exercise="slope_penalty" says="weight"
def penalty(slopes, weight=10):
    return np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)

# %% tags=["wrong"] exercise="slope_penalty" says="per row"
def penalty(slopes, weight=10):
    return weight * (np.linalg.norm(slopes) - 1) ** 2

# %% tags=["wrong"] exercise="slope_penalty" says="too flat"
def penalty(slopes, weight=10):
    return weight * np.mean(np.maximum(np.linalg.norm(slopes, axis=1) - 1, 0) ** 2)

# %% tags=["wrong"] exercise="slope_penalty" says="per coordinate"
def penalty(slopes, weight=10):
    return weight * np.mean((np.linalg.norm(slopes, axis=0) - 1) ** 2)

# %% tags=["wrong"] exercise="slope_penalty" says="mean, not the sum"
def penalty(slopes, weight=10):
    return weight * np.sum((np.linalg.norm(slopes, axis=1) - 1) ** 2)

# %% tags=["checker"] exercise="slope_penalty"
def checker(penalty):
    slopes = np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.5]])
    lengths = np.array([3.0, 0.5])
    value = penalty(slopes, 10)
    if isinstance(value, (int, float)):
        require(abs(value - 10 * np.mean((lengths**2 - 1) ** 2)) > 1e-6, "A length needs a square root.")
        early = 10 * (lengths.mean() - 1) ** 2
        require(abs(value - early) > 1e-6, "Too steep and too flat cancel; square for every point first.")
        require(abs(value - 2.125) > 1e-6, "Where is the weight?")
        require(abs(value - 20) > 1e-6, "A slope that is too flat costs, too.")
        require(abs(value - 42.5) > 1e-6, "Take the mean, not the sum.")
        columns = 10 * np.mean((np.linalg.norm(slopes, axis=0) - 1) ** 2)
        require(abs(value - columns) > 1e-6, "This is one length per coordinate; take one per point.")
        whole = 10 * (np.linalg.norm(slopes) - 1) ** 2
        require(abs(value - whole) > 1e-6, "This is the length of the whole table; take one per row.")
    close(value, 21.25, "This is not the penalty of these slopes.")
    close(penalty(np.tile([1.0, 2.0, 2.0], (5, 1)), 10), 40.0, "A linear critic with slope 3 costs 40.")

# %% [markdown] tags=["slide"]
# ## The game, and how it breaks down
#
# Both learn in turns: some moves of the critic, some of the generator. What if the **forger is too fast**?
#
# For a critic who stands still, the best forgery is *one single point*: the one with the highest score. The forger runs there
# with everything he has. The critic notices, the forger runs elsewhere. He never learns to make eight kinds. This is
# **[[mode collapse]]**.

# %% [markdown]
# Four games on the ring, with the same networks and the same starting weights:
#
# 1. the non-saturating loss, one move each;
# 2. the same, but the forger moves **three** times for each move of the detective (400 steps, so 1,200 moves of his);
# 3. one move each, with the penalty **R1**: the critic's slope *at real points* should be small;
# 4. Wasserstein with gradient penalty (its weight is 1 here, not 10), the **detective** moves three times.

# %% tags=["varies"]
from course_lib.generative.toy_gan import GamePlan, generate, play
from course_lib.models.point_gan import point_gan

plans = {
    "one move each": GamePlan(steps=1000),
    "forger too fast": GamePlan(steps=400, generator_steps=3),
    "R1": GamePlan(steps=1000, penalty="r1", weight=0.1),
    "Wasserstein": GamePlan(
        steps=1000, loss="wasserstein", penalty="gp", weight=1, critic_steps=3
    ),
}
records, players = {}, {}
for name, plan in plans.items():
    players[name] = point_gan(seed=0)
    records[name] = play(*players[name], ring().labelled, plan)

# %% tags=["slide", "varies"]
fig, axes = plt.subplots(4, 5, figsize=(10, 8), sharex=True, sharey=True)
for row, (name, record) in zip(axes, records.items(), strict=True):
    for ax, snapshot in zip(row, [record.snapshots[i] for i in (0, 2, 5, 8, 10)], strict=True):
        ax.plot(*truth.T, ".", color="0.8", ms=2)
        ax.plot(*snapshot.made.T, ".", color=COLOURS[1], ms=2)
        ax.set(title=f"step {snapshot.step}", aspect="equal", xlim=(-4, 4), ylim=(-4, 4))
    row[0].set_ylabel(name)
show(
    fig,
    alt="Four games on the ring of eight, five moments each. One move each, R1 and Wasserstein end on all eight "
    "spots; the forger who is too fast makes one heap that runs about",
)

# %% [markdown]
# ## Measure the collapse
#
# A picture convinces, a number can be compared. Grey points are real. For each game we count
#
# - **modes hit**: spots with at least 5 of 512 points within three standard deviations;
# - **near**: share of points that are near any spot (are the forgeries good?);
# - **[[recall|recall of a generator]]**: share of real points covered by forged ones. Round each forged point draw a circle that just
#   reaches its third forged neighbour; a real point in any circle is covered;
# - **imbalance**: 0 if all spots got equally many points, $\log 8 = 2.08$ if one spot got all (Kullback-Leibler divergence).

# %% tags=["slide", "varies"]
import pandas as pd

from course_lib.generative.toy_measures import count_modes, recall

real_points = ring().sample(512, np.random.default_rng(9))
results = {}
for name, (forger, _detective) in players.items():
    points = generate(forger, 512, seed=7).numpy()
    report = count_modes(points, ring(), least=5)
    covered = recall(real_points, points)
    results[name] = [report.hit, report.near, covered, report.imbalance]
table = pd.DataFrame(results, ["modes hit", "near", "recall", "imbalance"]).T
print(table.round(2).to_string())
claim("The forger who is too fast loses most modes", table.loc["forger too fast", "modes hit"] <= 4)
fair = table.drop("forger too fast")
claim("The other three find nearly all of them", (fair["modes hit"] >= 7).all())
claim("Recall sees the collapse", fair["recall"].min() > 2 * table.loc["forger too fast", "recall"])

# %% [markdown]
# So here the cure is **balance**: nobody may run away. But balance is a knife's edge with the first two losses: a detective who is too
# good is silent (minimax) or shouts. A penalty makes the critic smooth, and then **he may learn as much as he likes**. That is why
# the next lesson trains with Wasserstein and gradient penalty.
#
# Collapse is not a curiosity. A generator of chest films that never makes a pneumothorax has collapsed, too, and no single
# film will show it.

# %% [markdown] tags=["exercise"] exercise="modes_by_hand"
# ### Exercise: count the modes
#
# `points` (N, 2) and `centres` (K, 2). A centre is *hit* if at least `least` points lie within `reach` of it. Return the number of
# centres that are hit.

# %% tags=["stub"] exercise="modes_by_hand"
def modes_hit(points, centres, reach, least):
    """How many of the centres have at least `least` points within `reach`."""
    return ...

# %% tags=["check"] exercise="modes_by_hand"
check("modes_by_hand", modes_hit)

# %% [markdown] tags=["hint"] exercise="modes_by_hand"
# Take one centre after the other and count its points.

# %% [markdown] tags=["hint"] exercise="modes_by_hand"
# `np.linalg.norm(points - centre, axis=1) <= reach` says for every point whether it is near.

# %% [markdown] tags=["hint"] exercise="modes_by_hand"
# Sum that, compare with `least`, and count over all centres.

# %% tags=["solution"] exercise="modes_by_hand"
def modes_hit(points, centres, reach, least):
    """How many of the centres have at least `least` points within `reach`."""
    hit = 0
    for centre in centres:
        near = np.linalg.norm(points - centre, axis=1) <= reach
        hit += int(near.sum() >= least)  # stray points do not make a mode
    return hit

# %% tags=["equivalent"] exercise="modes_by_hand"
def modes_hit(points, centres, reach, least):
    ways = np.sqrt(((points[:, None] - centres[None]) ** 2).sum(axis=2))
    return int(((ways <= reach).sum(axis=0) >= least).sum())

# %% tags=["wrong"] exercise="modes_by_hand" says="at least"
def modes_hit(points, centres, reach, least):
    ways = np.linalg.norm(points[:, None] - centres[None], axis=2)
    return int((ways <= reach).any(axis=0).sum())

# %% tags=["wrong"] exercise="modes_by_hand" says="points, not centres"
def modes_hit(points, centres, reach, least):
    ways = np.linalg.norm(points[:, None] - centres[None], axis=2)
    return int((ways <= reach).any(axis=1).sum())

# %% tags=["wrong"] exercise="modes_by_hand" says="far away"
def modes_hit(points, centres, reach, least):
    ways = np.linalg.norm(points[:, None] - centres[None], axis=2)
    counts = np.bincount(ways.argmin(axis=1), minlength=len(centres))
    return int((counts >= least).sum())

# %% tags=["wrong"] exercise="modes_by_hand" says="exactly"
def modes_hit(points, centres, reach, least):
    ways = np.linalg.norm(points[:, None] - centres[None], axis=2)
    return ((ways <= reach).sum(axis=0) > least).sum()

# %% tags=["wrong"] exercise="modes_by_hand" says="far away"
def modes_hit(points, centres, reach, least):
    ways = np.linalg.norm(points[:, None] - centres[None], axis=2)
    return (np.bincount(ways.argmin(axis=1), minlength=len(centres)) >= least).sum()

# %% tags=["checker"] exercise="modes_by_hand"
def checker(modes_hit):
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
    near = np.repeat(centres[:2], 5, axis=0) + 0.1
    stray, lost = centres[2:3] + 0.1, np.repeat([[6.5, 6.5]], 6, axis=0)
    value = modes_hit(np.vstack([near, stray, lost]), centres, 0.5, 3)
    if isinstance(value, (int, float, np.number)):
        require(value != 11, "You counted points, not centres.")
        nearest = modes_hit(np.vstack([near, lost]), centres, 0.5, 3)
        require(nearest != 3, "Points far away from their nearest centre do not count.")
        require(value != 3, "One stray point is not a mode: at least `least` points are needed.")
    close(value, 2, "Two of these four centres have three points or more.")
    close(modes_hit(near, centres, 0.5, 5), 2, "A centre with exactly `least` points is hit, too.")

# %% [markdown]
# ## Play: go through the games
#
# Choose a game and a moment. Colours: what the critic thinks of each place then. Watch how the critic **chases** the forger.

# %% tags=["varies"]
def moment(game, snapshot):
    """Points and critic at one recorded moment of a game."""
    shown = records[game].snapshots[snapshot]
    judge = PointCritic()
    judge.load_state_dict(shown.critic)
    fig, ax = plt.subplots(figsize=(4.6, 4.4))
    height_map(ax, judge)
    ax.plot(*truth.T, ".", color="white", ms=2)
    ax.plot(*shown.made.T, ".", color=COLOURS[1], ms=3)
    hit = count_modes(shown.made, ring(), least=5).hit
    ax.set(title=f"step {shown.step}: {hit} of 8 modes", xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    return fig


explore(
    moment,
    alt="Real points in white, forged ones in orange, on a map of what the critic thinks",
    game=list(records),
    snapshot=(0, 10, 1, 4),
)

# %% [markdown] tags=["instructor"]
# Let the class predict before the slider moves: "Where will the orange heap jump next?" (To where the map is bright.) Typical mistakes:
# reading the generator's loss as quality; believing that a GAN that makes one perfect film is a good GAN. Short of time: skip the
# exercises on JS, on counting modes and on the transposed convolution, and leave the StyleGAN drawing for reading at home.

# %% [markdown] tags=["slide"]
# ## Reading loss curves
#
# - **A low loss of the generator does not mean good films.** It says how he does against *today's* detective.
# - The non-saturating critic's loss near $2 \log 2 = 1.39$ means "he can only guess": a perfect forger, or a bad detective.
# - **A Wasserstein critic's loss means something**: its negative estimates the distance between real and forged, up to a factor.

# %% tags=["slide", "varies"]
fig, axes = plt.subplots(1, 3, figsize=(11, 3))
for ax, name in zip(axes, ["one move each", "Wasserstein"], strict=False):
    for who, colour in (("critic", COLOURS[0]), ("generator", COLOURS[1])):
        ax.plot(records[name].curve(who), color=colour, lw=0.7, label=who)
    ax.set(title=f"{name}: losses", xlabel="step")
    ax.legend(fontsize=8)
estimate = -records["Wasserstein"].curve("critic")
distances, estimates = [], []
for snapshot in records["Wasserstein"].snapshots[1:]:
    distances.append(earth_movers(real_points, snapshot.made.numpy()))
    estimates.append(estimate[snapshot.step - 40 : snapshot.step].mean())
axes[2].plot(distances[1:], estimates[1:], "o-", color=COLOURS[2])
axes[2].plot(distances[0], estimates[0], "o", color=COLOURS[2], mfc="white")  # step 100
axes[2].set(title="Wasserstein game", xlabel="true distance to the real points", ylabel="critic says")
show(
    fig,
    alt="Losses of two games against the step, and the estimate of the Wasserstein critic against the true "
    "distance at ten moments: but for the first, hollow one they grow together",
)
agreement = np.corrcoef(distances[1:], estimates[1:])[0, 1]
print(f"correlation of the critic's estimate with the true distance: {agreement:.2f}")
claim("Once the critic has learned, its loss follows the true distance", agreement > 0.6)

# %% [markdown]
# The hollow point is step 100: a critic who has learned little estimates too little. And look at the generator's loss in the middle
# picture: it rises for 300 steps while the points get better, then it falls. It says nothing.

# %% [markdown] tags=["slide"]
# ## Tell it what to draw
#
# "Make a film **with an effusion**": chance alone cannot be told that. Three ways to give the generator a code $c$ besides $z$:
#
# - **[[conditional GAN]]** (2014): both players see the label. "Is this a real film *of an effusion*?"
# - **AC-GAN** (2016): the critic has a second end that must *name* the class of the film.
# - **InfoGAN** (2016): no labels at all. The second end must *recover the code*, so the code must leave a trace. How
#   well this works is a lower bound of the [[mutual information]] between code and film.

# %% tags=["varies"]
from course_lib.generative.toy_codes import Told

kinds = {
    "conditional": Told("conditional", classes=8),
    "AC-GAN": Told("auxiliary", classes=8),
    "InfoGAN": Told("info", classes=8),
}
wanted = torch.arange(8).repeat(60)
drawn, crossed = {}, {}
for name, told in kinds.items():
    forger, detective = point_gan(seed=0, told=told.width, guesses=told.guesses)
    play(forger, detective, ring().labelled, GamePlan(steps=800), told)
    drawn[name] = generate(forger, len(wanted), seed=3, code=told.code(wanted)).numpy()
    spot = np.linalg.norm(drawn[name][:, None] - ring().centres, axis=2).argmin(axis=1)
    crossed[name] = np.histogram2d(wanted, spot, bins=[range(9), range(9)])[0]

# %% tags=["slide", "varies"]
fig, axes = plt.subplots(2, 3, figsize=(9, 5.6))
for column, name in zip(axes.T, kinds, strict=True):
    column[0].scatter(*drawn[name].T, c=wanted, cmap="tab10", s=4)
    column[0].set(title=name, aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
    column[1].imshow(crossed[name], cmap="Blues")
    column[1].set(xlabel="spot it landed on", ylabel="code it was told")
    column[1].grid(visible=False)
show(
    fig,
    alt="Points coloured by the code that was told, and tables of code against spot: conditional and AC-GAN "
    "put every code on its own spot, InfoGAN puts each code on a spot of its own choice",
)

# %% tags=["varies"]
right = {name: np.trace(counts) / counts.sum() for name, counts in crossed.items()}
pure = {name: counts.max(axis=1).sum() / counts.sum() for name, counts in crossed.items()}
for name in kinds:
    print(f"{name:12} on the spot it was told {right[name]:.2f}, on one spot per code {pure[name]:.2f}")
claim("The conditional GAN draws what it is told", right["conditional"] > 0.8)
claim("So does the AC-GAN", right["AC-GAN"] > 0.8)
claim("InfoGAN keeps each code mostly together, though nobody named it", pure["InfoGAN"] > 0.5)

# %% [markdown]
# In the last column the order is arbitrary: InfoGAN *found* kinds and gave them numbers of its own. It cannot know that kind 3 is
# what you call "effusion". Two codes may also share one spot, or one code two.

# %% [markdown] tags=["slide"]
# ## DCGAN: the game with convolutions
#
# Radford, Metz and Chintala (2015) found a recipe that worked nearly always:
#
# - [[transposed convolution]]s double the map: 4, 8, 16, 32, 64 pixels; no pooling;
# - [[batch normalisation]], ReLU in the generator, leaky ReLU in the critic, tanh at the end;
# - weights from $N(0, 0.02^2)$, Adam with learning rate 0.0002 and $\beta_1 = 0.5$.

# %%
from course_lib.models.dcgan import DCGAN, DcganCritic, DcganGenerator

with torch.device("meta"):  # shapes without numbers
    published_generator = DcganGenerator(DCGAN["paper"])
    maps = torch.zeros(1, 100, 1, 1)
    for layer in published_generator.layers:
        maps = layer(maps)
        if isinstance(layer, nn.ConvTranspose2d):
            weights = layer.weight.numel()
            print(f"{maps.shape[1]:5} maps of {maps.shape[2]:2} x {maps.shape[3]:2}  {weights:10,} weights")
    for name in ("paper", "torch", "laptop"):
        pair = DcganGenerator(DCGAN[name]), DcganCritic(DCGAN[name])
        count = [sum(w.numel() for w in network.parameters()) for network in pair]
        print(f"{name:7} generator {count[0]:10,} parameters, critic {count[1]:10,}")

# %% [markdown]
# Two sizes carry this name. Figure 1 of the paper begins with 1,024 maps ("paper"). The authors' Torch program, and the tutorials
# after it, begin with 512 ("torch"): 3,576,704 parameters, a number that you will meet often.

# %% [markdown] tags=["exercise"] exercise="transposed_size"
# ### Exercise: the size after a transposed convolution
#
# A convolution with kernel $k$, stride $s$, padding $p$ makes $m$ pixels out of $n$: $m = (n + 2p - k)/s + 1$. The transposed one goes the
# way back. Write how many pixels it makes out of `n`.

# %% tags=["stub"] exercise="transposed_size"
def transposed_size(n, kernel, stride, padding):
    """Pixels per side after a transposed convolution of a map with n pixels per side."""
    return ...

# %% tags=["check"] exercise="transposed_size"
check("transposed_size", transposed_size)

# %% [markdown] tags=["hint"] exercise="transposed_size"
# Exchange the roles: the given formula holds with `n` as the *result*. Solve it for the input.

# %% [markdown] tags=["hint"] exercise="transposed_size"
# $n = (x + 2p - k)/s + 1$, so $x + 2p - k = (n - 1)\,s$.

# %% [markdown] tags=["hint"] exercise="transposed_size"
# Check it: kernel 4, stride 2, padding 1 doubles every map; kernel 4, stride 1, padding 0 makes 4 out of 1.

# %% tags=["solution"] exercise="transposed_size"
def transposed_size(n, kernel, stride, padding):
    """Pixels per side after a transposed convolution of a map with n pixels per side."""
    return (n - 1) * stride - 2 * padding + kernel  # padding cuts off here

# %% tags=["equivalent"] exercise="transposed_size"
def transposed_size(n, kernel, stride, padding):
    spread_out = n + (n - 1) * (stride - 1)  # zeros between the pixels
    return spread_out + 2 * (kernel - 1 - padding) - kernel + 1

# %% tags=["wrong"] exercise="transposed_size" says="forward"
def transposed_size(n, kernel, stride, padding):
    return (n + 2 * padding - kernel) // stride + 1

# %% tags=["wrong"] exercise="transposed_size" says="cuts off"
def transposed_size(n, kernel, stride, padding):
    return (n - 1) * stride + 2 * padding + kernel

# %% tags=["wrong"] exercise="transposed_size" says="kernel"
def transposed_size(n, kernel, stride, padding):
    return n * stride

# %% tags=["wrong"] exercise="transposed_size" says="Where is the padding"
def transposed_size(n, kernel, stride, padding):
    return (n - 1) * stride + kernel

# %% tags=["wrong"] exercise="transposed_size" says="both sides"
def transposed_size(n, kernel, stride, padding):
    return (n - 1) * stride - padding + kernel

# %% tags=["checker"] exercise="transposed_size"
def checker(transposed_size):
    value = transposed_size(9, 5, 2, 1)
    if isinstance(value, (int, float)):
        require(value != 4, "This is the forward convolution; go back.")
        require(value != 23, "Padding cuts off here: it must make the result smaller.")
        require(value != 18, "You forgot kernel and padding; this holds for k = 4, s = 2, p = 1 only.")
        require(value != 21, "Where is the padding?")
        require(value != 20, "There is padding on both sides.")
    close(value, 19, "Nine pixels, kernel 5, stride 2, padding 1: not this.")
    close(transposed_size(1, 4, 1, 0), 4, "One pixel, kernel 4: the first layer of DCGAN makes 4.")
    close(transposed_size(16, 4, 2, 1), 32, "Kernel 4, stride 2, padding 1 doubles.")

# %% [markdown]
# ## A small DCGAN on chest films
#
# Six hundred virtual patients at 32 x 32 pixels, half of them with a [[pleural effusion]]. The DCGAN is small and **conditional**: both
# players are told "normal" or "effusion". It plays the non-saturating game, as published, only with a five times higher learning rate:
# we have seconds, not days.

# %% tags=["varies"]
from course_lib.generative.small_films import KINDS, difference_picture, effusion_films
from course_lib.models.dcgan import dcgan

deck = effusion_films(600)
told = Told("conditional", classes=len(KINDS))
forger, detective = dcgan("laptop", seed=0, told=told.width)
plan = GamePlan(steps=600, batch_size=32, learning_rate=1e-3, betas=(0.5, 0.999), shown=12)
game = play(forger, detective, deck.labelled, plan, told)

# %% tags=["slide", "varies"]
orders = torch.arange(2).repeat_interleave(6)
made = generate(forger, 12, seed=5, code=told.code(orders))
real = torch.cat([deck.films[deck.kinds == kind][:6] for kind in range(2)])
pictures = [*real[:6, 0], *made[:6, 0], *real[6:, 0], *made[6:, 0]]
titles = ["real, normal", *[""] * 5, "made, normal", *[""] * 5]
titles += ["real, effusion", *[""] * 5, "made, effusion", *[""] * 5]
show(
    films(pictures, titles, columns=6, width=9, vmin=-1, vmax=1),
    alt="Four rows of small chest films: real and made normal ones, real and made ones with an effusion. "
    "The made ones are rough but show lungs, heart and diaphragm",
)

# %% [markdown]
# Seconds of training, so do not expect more than rough chests. The fine grid on them is a [[checkerboard artefact]]. The stamps of 4 x 4
# overlap evenly, but neighbouring pixels still come from different weights of the kernel, and these have not learned yet to agree. The
# next lesson's networks enlarge in another way. But was it told anything? One film may mislead; so we compare
# **means**: where do films with an effusion differ from normal ones, on average?

# %% tags=["varies"]
orders = torch.arange(2).repeat(200)
many = generate(forger, 400, seed=6, code=told.code(orders))
truly, madely = difference_picture(deck.films, deck.kinds), difference_picture(many, orders)
reach = float(truly.abs().max())
show(
    films(
        [truly, madely],
        ["real: effusion minus normal", "made: effusion minus normal"],
        columns=2,
        width=6,
        vmin=-reach,
        vmax=reach,
    ),
    alt="Two difference pictures, real and made: both are brighter at the bases of the lungs",
)
likeness = np.corrcoef(truly.flatten(), madely.flatten())[0, 1]
print(f"correlation of the two pictures: {likeness:.2f}")
claim("Told to draw an effusion, it whitens the same regions", likeness > 0.5)

# %% [markdown]
# Watch it learn: the same twelve latent vectors at eleven moments.

# %% tags=["varies"]
def growing_up(snapshot):
    shown = game.snapshots[snapshot]
    rows = shown.made[:, 0].reshape(2, 6, 32, 32)
    return ((torch.cat([torch.cat([*row], 1) for row in rows]) + 1) / 2).numpy()


explore(
    growing_up, alt="Twelve small films that turn from grey noise into chests", snapshot=(0, 10, 1, 10)
)

# %% [markdown] tags=["slide"]
# ## CycleGAN, and what it cannot know
#
# In the low-dose CT lesson two generators translated between two kinds of images **without pairs**. The rule: there and back again
# must give the original. Is that enough?

# %%
inner, outer = ring(radius=1.0), ring(radius=2.0)
points, kind = inner.labelled(400, np.random.default_rng(3))


def turned(points, eighths):
    """Points turned about the middle by so many eighths of a circle."""
    angle = eighths * np.pi / 4
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


fig, axes = plt.subplots(1, 2, figsize=(8, 3.6))
cycle_error, same_kind, filled = [], [], []
for ax, eighths, title in zip(axes, (0, 1), ("honest: outwards", "also allowed"), strict=True):
    there = 2 * turned(points, eighths)
    back = turned(there / 2, -eighths)
    landed = np.linalg.norm(there[:, None] - outer.centres, axis=2).argmin(axis=1)
    cycle_error.append(np.abs(back - points).mean())
    same_kind.append((landed == kind).mean())
    filled.append(len(set(landed)))
    for start, end in zip(points[:60], there[:60], strict=True):
        ax.plot(*zip(start, end, strict=True), color="0.7", lw=0.4)
    ax.scatter(*points.T, c=kind, cmap="tab10", s=4)
    ax.scatter(*there.T, c=kind, cmap="tab10", s=4)
    ax.set(title=f"{title}\nright kind: {same_kind[-1]:.0%}", aspect="equal")
show(fig, alt="Two mappings of an inner ring of eight coloured spots to an outer ring: straight outwards, "
     "and outwards with a turn to the neighbouring spot")  # fmt: skip
claim("Both mappings come back exactly", max(cycle_error) < 1e-6)
claim("Both fill all eight outer spots, so no critic can object", min(filled) == 8)
claim("Only one of them keeps the kind", same_kind[0] > 0.99 and same_kind[1] < 0.01)

# %% [markdown]
# Eight kinds of lesion, each translated into its neighbour, and every loss is content. That is why a translated image must be checked
# with **pairs**, at least for some patients.

# %% [markdown] tags=["slide"]
# ## The family on one map

# %%
FAMILY = [
    ("GAN", 2014, "two players, minimax", "this lesson", 0),
    ("conditional GAN", 2014, "both are told the class", "this lesson", 1),
    ("DCGAN", 2015, "convolutions that train", "this lesson", 0),
    ("InfoGAN", 2016, "codes without labels", "this lesson", 2),
    ("AC-GAN", 2016, "the critic names the class", "this lesson", 1),
    ("WGAN-GP", 2017, "distance, gradient penalty", "this lesson", 0),
    ("CycleGAN", 2017, "translation without pairs", "CT at low dose", 3),
    ("PGGAN", 2017, "grows from 4 to 1,024 pixels", "next lesson", 0),
    ("StyleGAN", 2018, "style w for every layer", "below", 0),
]
LANES = ["better films", "with labels", "codes", "translation"]
fig, ax = plt.subplots(figsize=(10.5, 4.6))
used = {}
for name, year, new, where, lane in FAMILY:
    turn = used.setdefault((year, lane), 0)
    used[year, lane] += 1
    y = -lane + 0.5 * turn
    text = f"{name}\n{new}\n({where})"
    box = {"boxstyle": "round", "fc": "white", "ec": COLOURS[lane], "lw": 1.5}
    ax.text(year, y, text, ha="center", va="center", fontsize=7.5, bbox=box)
ax.set(xlim=(2013.4, 2018.6), ylim=(-3.4, 0.9), xticks=range(2014, 2019))
ax.set_yticks([-lane for lane in range(4)], LANES)
show(fig, alt="A map of the GAN family by year and purpose: GAN 2014, conditional GAN 2014, DCGAN 2015, InfoGAN "
     "and AC-GAN 2016, WGAN-GP, CycleGAN and PGGAN 2017, StyleGAN 2018, each with what was new")  # fmt: skip

# %% [markdown] tags=["slide"]
# ## StyleGAN in one drawing
#
# - The latent vector `z` first passes **eight fully connected layers** and becomes `w`. In `w` the features are less entangled.
# - The picture starts from a **learned constant**; `w` enters every layer as a *style*: [[AdaIN]] sets mean and spread of each map.
# - **Style mixing**: coarse layers from one `w`, fine layers from another: habitus of one patient, texture of another.
# - A little **noise** per pixel takes care of what is chance anyway.

# %%
def box(ax, x, y, text, colour):
    style = {"boxstyle": "round", "fc": "white", "ec": COLOURS[colour]}
    ax.text(x, y, text, ha="center", va="center", fontsize=8.5, bbox=style)


def arrow(ax, start, end, colour):
    style = {"arrowstyle": "->", "color": COLOURS[colour], "shrinkA": 26, "shrinkB": 26}
    ax.annotate("", xy=end, xytext=start, arrowprops=style)

# %%
fig, ax = plt.subplots(figsize=(9, 3.2))
chain = [(0, "z"), (1.6, "8 layers"), (3.2, "w")]  # z becomes w
blocks = [(4.2, "constant\n4 x 4"), (5.7, "4 x 4"), (7.0, "8 x 8"), (8.3, "..."), (9.6, "1,024 x\n1,024")]
for x, text in chain:
    box(ax, x, 2, text, 0)
for x, text in blocks:
    box(ax, x, 0, text, 2)
for row, y, colour in ((chain, 2, 0), (blocks, 0, 2)):
    for (x, _), (after, _) in zip(row, row[1:], strict=False):
        arrow(ax, (x, y), (after, y), colour)
for x, _text in blocks[1:]:
    arrow(ax, (3.2, 2), (x, 0), 1)
    arrow(ax, (x, -1.3), (x, 0), 3)
    ax.text(x, -1.4, "noise", ha="center", va="center", fontsize=8, color=COLOURS[3])
ax.text(7.4, 1.6, "style: AdaIN", fontsize=9, color=COLOURS[1])
ax.set(xlim=(-0.6, 10.6), ylim=(-1.8, 2.6))
ax.set_axis_off()
show(fig, alt="StyleGAN: z goes through eight layers to w; w enters every block of the generator, from 4 x 4 to "
     "1,024 x 1,024, as a style; each block also gets noise; the first block starts from a constant")  # fmt: skip

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - The best detective answers $p / (p + q)$; against him the forger minimises the Jensen-Shannon divergence.
# - JS is flat where the two do not meet; the Wasserstein distance is not. A gradient penalty keeps its critic honest.
# - Minimax goes silent when the critic is sure. Use non-saturating with R1, or Wasserstein with gradient penalty.
# - Mode collapse: a forger who outruns his critic makes few kinds. Count modes, measure recall.
# - A generator's loss says nothing about quality. A Wasserstein critic's loss does.
# - A generator draws what it is told only if someone checks it: by label, by naming, by recovering the code.
#
# Next: progressive growing, films of 64 pixels and more.

# %% [markdown]
# ## References
#
# - Goodfellow I et al. Generative adversarial nets. arXiv:1406.2661. Mirza M, Osindero S. Conditional generative adversarial nets.
#   arXiv:1411.1784.
# - Radford A, Metz L, Chintala S. Unsupervised representation learning with deep convolutional GANs. arXiv:1511.06434.
# - Mao X et al. Least squares GAN. arXiv:1611.04076. Metz L et al. Unrolled GAN (the ring). arXiv:1611.02163.
# - Arjovsky M, Chintala S, Bottou L. Wasserstein GAN. arXiv:1701.07875. Gulrajani I et al. Improved training of Wasserstein GANs.
#   arXiv:1704.00028. Mescheder L et al. Which training methods for GANs do actually converge? arXiv:1801.04406.
# - Odena A et al. AC-GAN. arXiv:1610.09585. Chen X et al. InfoGAN. arXiv:1606.03657. Zhu JY et al. CycleGAN. arXiv:1703.10593.
# - Srivastava A et al. VEEGAN (counting modes). arXiv:1705.07761. Kynkaanniemi T et al. Improved precision and recall.
#   arXiv:1904.06991.
# - Karras T et al. Progressive growing of GANs. arXiv:1710.10196; A style-based generator. arXiv:1812.04948.

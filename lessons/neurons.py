# %% [markdown] tags=["slide"]
# ## A machine of one line
#
# You measure the heart on a chest film, you measure the chest, you divide. Above one half: the heart
# is too big. That is the [[cardiothoracic ratio]], known since 1919.
#
# In 1958 Frank Rosenblatt described a machine, the [[perceptron]], that finds such rules **by itself**,
# from examples. Today's networks are made of millions of its pieces. In this lesson you build the piece, see where it fails,
# and learn the trick, [[back-propagation]], that made everything else possible.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import add_finding
from course_lib.patient.person import part_named
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 A neuron weighs its inputs
#
# $$\text{net} = w_1 x_1 + w_2 x_2 + \dots + b, \qquad y = f(\text{net})$$
#
# - $x$: the inputs, here two measurements of a patient
# - $w$: one [[weight]] per input: how much it counts, and in which direction
# - $b$: the [[bias]]: how easily the neuron fires
# - $f$: the [[activation function]]. The oldest one is a threshold: fire if net is above zero.

# %% [markdown]
# Our inputs: width of the heart and width of the chest at the level of the diaphragm, in decimetres
# (1 dm = 100 mm). We measure 120 virtual patients; every second one has a clearly enlarged heart.

# %%
def widths_dm(patient):
    """Greatest width of the heart, and inner width of the chest, in dm."""
    heart = part_named(patient, "heart").geometry
    left, right = (heart.centre + heart.half)[:, 0].max(), (heart.centre - heart.half)[:, 0].min()
    body = patient.body
    level = np.array(min(body.right_dome, body.left_dome))
    chest = [body.wall(side, level, np.array(90.0), 0.0)[0] for side in ("left", "right")]
    return (left - right) / 100, (chest[0] - chest[1]) / 100


rng = np.random.default_rng(0)
people = [sample_patient(seed) for seed in range(120)]
big = np.arange(120) % 2  # 1: enlarged heart
people = [add_finding(p, "cardiomegaly", rng.uniform(0.4, 1)) if sick else p
          for p, sick in zip(people, big, strict=True)]
points = np.array([widths_dm(p) for p in people])
print("patients, measurements:", points.shape)

# %%
def scatter(ax, points, labels, names):
    """Dots in two colours and shapes."""
    for label, marker in ((0, "o"), (1, "^")):
        chosen = points[labels == label]
        ax.plot(chosen[:, 0], chosen[:, 1], marker, color=COLOURS[label], ms=5, label=names[label])


NAMES = ("normal heart", "enlarged heart")
fig, ax = plt.subplots(figsize=(6, 3.6))
scatter(ax, points[:, ::-1], big, NAMES)
chest = np.array([1.9, 3.2])
ax.plot(chest, 0.5 * chest, "k--", label="ratio 0.5")
ax.set(xlabel="width of the chest (dm)", ylabel="width of the heart (dm)")
ax.legend(loc="upper left", fontsize=8)
show(fig, alt="Heart against chest width: enlarged hearts lie above the line of ratio one half")

# %% [markdown] tags=["exercise"] exercise="ctr_neuron"
# ### Exercise: the ratio as a neuron
#
# A neuron cannot divide. But "heart / chest is above 0.5" can be said without dividing. Find weights
# and bias so that the neuron fires exactly then:
#
# net = `w_heart` × heart + `w_chest` × chest + `b` > 0

# %% tags=["stub"] exercise="ctr_neuron"
w_heart = ...
w_chest = ...
b = ...

# %% tags=["check"] exercise="ctr_neuron"
check("ctr_neuron", w_heart, w_chest, b)

# %% [markdown] tags=["hint"] exercise="ctr_neuron"
# Multiply both sides of "heart / chest > 0.5" by the width of the chest.

# %% [markdown] tags=["hint"] exercise="ctr_neuron"
# Bring everything to the left side, so that zero is left on the right.

# %% [markdown] tags=["hint"] exercise="ctr_neuron"
# heart - 0.5 × chest > 0. Now read off the three numbers; one of them is zero.

# %% tags=["solution"] exercise="ctr_neuron"
w_heart = 1.0
w_chest = -0.5  # heart / chest > 0.5 says the same as heart - 0.5 chest > 0
b = 0.0

# %% tags=["equivalent"] exercise="ctr_neuron"
w_heart, w_chest, b = 2, -1, 0

# %% tags=["equivalent"] exercise="ctr_neuron"
w_heart, w_chest, b = 0.3, -0.15, 0.0

# %% tags=["wrong"] exercise="ctr_neuron" says="wide chest"
w_heart, w_chest, b = 1.0, 0.5, 0.0

# %% tags=["wrong"] exercise="ctr_neuron" says="wrong way round"
w_heart, w_chest, b = -1.0, 0.5, 0.0

# %% tags=["wrong"] exercise="ctr_neuron" says="bias"
w_heart, w_chest, b = 1.0, 0.0, -0.5

# %% tags=["wrong"] exercise="ctr_neuron" says="half of the chest"
w_heart, w_chest, b = 1.0, -1.0, 0.0

# %% tags=["checker"] exercise="ctr_neuron"
def checker(w_heart, w_chest, b):
    require(np.shape([w_heart, w_chest, b]) == (3,), "Give one number for each.")
    require(not (w_heart < 0 and w_chest > 0), "The wrong way round: it fires for small hearts.")
    require(w_chest <= 0, "A wide chest must speak against a big heart, not for it.")
    require(abs(b) < 1e-9, "The limit grows with the chest: it is no fixed bias.")
    require(w_heart > 0, "A wide heart must make the neuron fire.")
    close(-w_chest / w_heart, 0.5, "It must change its mind when the heart is half of the chest.")

# %%
ratio_says = points[:, 0] - 0.5 * points[:, 1] > 0
print(f"the rule agrees with the truth in {np.mean(ratio_says == big):.1%} of 120 patients")
claim("A neuron with two weights is a good first reader", np.mean(ratio_says == big) > 0.9)

# %% [markdown] tags=["slide"]
# ## 2 The perceptron finds its weights itself (1958)
#
# Start with all weights zero. Show one patient after the other.
#
# - Right? Do nothing.
# - Silent, but should have fired? **Add** the patient's inputs to the weights.
# - Fired, but should have been silent? **Subtract** them.
#
# The bias is the weight of an extra input that is always 1.

# %% [markdown] tags=["exercise"] exercise="perceptron_update"
# ### Exercise: write Rosenblatt's rule
#
# `weights` and `case` are arrays of equal length (the last number of `case` is the constant 1),
# `wanted` is 1 if the neuron should fire and 0 if not. The neuron fires if the sum of the products
# is above zero. Return the new weights.

# %% tags=["stub"] exercise="perceptron_update"
def update(weights, case, wanted):
    """The weights after this case was shown."""
    return ...

# %% tags=["check"] exercise="perceptron_update"
check("perceptron_update", update)

# %% [markdown] tags=["hint"] exercise="perceptron_update"
# First find out what the neuron says: `weights @ case > 0`. There are three outcomes.

# %% [markdown] tags=["hint"] exercise="perceptron_update"
# The mistake is `wanted - fires` with `fires` 0 or 1: it is +1, 0 or -1.

# %% [markdown] tags=["hint"] exercise="perceptron_update"
# `weights + (wanted - fires) * case` does all three things at once.

# %% tags=["solution"] exercise="perceptron_update"
def update(weights, case, wanted):
    """The weights after this case was shown."""
    fires = int(weights @ case > 0)
    return weights + (wanted - fires) * case  # the mistake is +1, 0 or -1

# %% tags=["equivalent"] exercise="perceptron_update"
def update(weights, case, wanted):
    fires = np.sum(weights * case) > 0
    if fires and not wanted:
        return weights - case
    if wanted and not fires:
        return weights + case
    return weights

# %% tags=["wrong"] exercise="perceptron_update" says="was right"
def update(weights, case, wanted):
    return weights + case if wanted else weights - case

# %% tags=["wrong"] exercise="perceptron_update" says="away from"
def update(weights, case, wanted):
    fires = int(weights @ case > 0)
    return weights - (wanted - fires) * case

# %% tags=["wrong"] exercise="perceptron_update" says="should be silent"
def update(weights, case, wanted):
    fires = int(weights @ case > 0)
    return weights + case if wanted and not fires else weights

# %% tags=["wrong"] exercise="perceptron_update" says="not above zero"
def update(weights, case, wanted):
    return weights + (wanted - int(weights @ case >= 0)) * case

# %% tags=["wrong"] exercise="perceptron_update" says="by the inputs"
def update(weights, case, wanted):
    fires = int(weights @ case > 0)
    return weights + (wanted - fires)

# %% tags=["checker"] exercise="perceptron_update"
def checker(update):
    w, case = np.array([1.0, -2.0, 0.5]), np.array([3.0, 1.0, 1.0])  # fires: net 1.5
    quiet = -w
    close(np.shape(update(w.copy(), case, 1)), (3,), "Return the three weights.")
    close(update(w.copy(), case, 1), w, "The neuron was right: then nothing changes.")
    up, down = update(quiet.copy(), case, 1), update(w.copy(), case, 0)
    require(not np.allclose(down, w + case), "That moves the weights away from the right answer.")
    require(not np.allclose(down, w), "It fired and should be silent: that is a mistake, too.")
    require(not np.allclose(up, quiet + 1), "Change each weight by the inputs, not all by one.")
    close(update(quiet.copy(), case, 0), quiet, "Rightly silent: nothing changes.")
    close(up, quiet + case, "Silent, but should fire: add the case.")
    close(down, w - case, "It fired, but should be silent: subtract the case.")
    start = update(np.zeros(3), case, 1)
    close(start, case, "With all weights zero the net is zero; that is not above zero: silent.")

# %% [markdown]
# Before we start we **standardise**: subtract the mean, divide by the standard deviation. All chests are
# about 2.5 dm wide; what matters is the difference from the usual. (Section 6 shows another reason.)

# %%
from course_lib.models.basics import perceptron

usual, spread_dm = points.mean(0), points.std(0)
standard = (points - usual) / spread_dm
history = perceptron.learn(standard, big)
learned = history.final
print("updates until no mistake was left:", len(history.chosen))
print("weights (heart, chest, bias):", learned.round(2))
claim("The perceptron found a line without a mistake", history.converged)
claim("A wide heart speaks for, a wide chest against", learned[0] > 0 > learned[1])

# %% [markdown]
# ### Play: watch it learn
#
# Move the slider. Each step is one mistake (the ringed patient) and moves the line.

# %%
def draw_update(update):
    fig, ax = plt.subplots(figsize=(6.5, 4))
    scatter(ax, points[:, ::-1], big, NAMES)
    w = history.weights[update]
    if w[0]:  # where the net is zero, back in decimetres
        height = -(w[1] * (chest - usual[1]) / spread_dm[1] + w[2]) / w[0]
        ax.plot(chest, usual[0] + spread_dm[0] * height, color=COLOURS[2], lw=2, label="boundary")
    if update:
        case = history.chosen[update - 1]
        ax.plot(*points[case, ::-1], "o", ms=14, mfc="none", mec="k", label="mistake")
    wrong = np.sum(perceptron.fires(w, standard) != big)
    ax.set(xlabel="chest (dm)", ylabel="heart (dm)", xlim=(1.9, 3.2), ylim=(0.7, 2.4),
           title=f"after {update} updates: {wrong} of 120 wrong")  # fmt: skip
    ax.legend(loc="upper left", fontsize=8)
    return fig


explore(draw_update, alt="the perceptron's line among the patients after the chosen update",
        update=(0, len(history.chosen), 1, min(2, len(history.chosen))))

# %% [markdown] tags=["slide"]
# ### It must stop, if a line exists
#
# Novikoff (1962): let R be the length of the longest input (the constant 1 is part of it), and let some
# line keep the distance γ from all cases. Then a perceptron makes **at most (R/γ)² mistakes**, in
# whatever order the cases come.
#
# Close calls make learning long. If *no* line exists, it never stops.

# %%
ratios = points[:, 0] / points[:, 1]
between = (ratios[big == 0].max() + ratios[big == 1].min()) / 2
line = [spread_dm[0], -between * spread_dm[1], usual[0] - between * usual[1]]  # standardised, too
bound = perceptron.most_mistakes(standard, big, line)
print(f"a line that separates: ratio {between:.2f}. Bound {bound:.2g}, needed {len(history.chosen)}")
claim("The number of mistakes stays below Novikoff's bound", len(history.chosen) <= bound)

# %% [markdown] tags=["slide"]
# ## 3 What one neuron cannot do
#
# Fluid on **both** sides suggests heart failure: treat the heart. Fluid on **one** side only has other
# causes (infection, tumour): take a sample. So the question is: *is it one-sided?*
#
# Two measurements: how bright is the lower right lung, how bright the lower left?

# %%
from course_lib.imaging.radiography import radiograph

SIZE = 48  # pixels
BOXES = {"right": slice(9, 16), "left": slice(32, 39)}  # columns; the patient's right is our left
ROWS = slice(23, 35)
CASES = [(), ("right",), ("left",), ("right", "left")]  # sides with fluid


def effusion_film(number):
    """Film number i: fluid on the sides CASES[i % 4], else healthy."""
    patient = sample_patient(1000 + number)
    for side in CASES[number % 4]:
        severity = np.random.default_rng([number, len(side)]).uniform(0.5, 0.9)
        patient = add_finding(patient, "pleural_effusion", severity, side, seed=number)
    return radiograph(patient, size=SIZE, seed=number).pixels / 4095


lungs = [effusion_film(i) for i in range(120)]
brightness = np.array([[film[ROWS, box].mean() for box in BOXES.values()] for film in lungs])
one_sided = np.array([0, 1, 1, 0] * 30)

# %% tags=["slide"]
fig = films(lungs[:4], ["no fluid", "right side", "left side", "both sides"])
for ax in fig.axes:
    for box in BOXES.values():
        corner = (box.start - 0.5, ROWS.start - 0.5)
        size = (box.stop - box.start, ROWS.stop - ROWS.start)
        ax.add_patch(plt.Rectangle(corner, *size, fill=False, ec=COLOURS[4], lw=2))
show(fig, alt="Four films: no fluid, fluid right, left, on both sides; boxes mark the lower lungs")

# %%
learn_on, test_on = slice(0, 72), slice(72, 120)
centre, spread = brightness[learn_on].mean(0), brightness[learn_on].std(0)
lung_points = (brightness - centre) / spread  # standardised with the training films only
SIDES = ("none or both", "one side")
fig, ax = plt.subplots(figsize=(6.5, 4))
scatter(ax, lung_points, one_sided, SIDES)
ax.set(xlabel="right lower lung: brighter →", ylabel="left lower lung: brighter →")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9)
show(fig, alt="Four clouds in the corners of a square; one-sided fluid lies on one diagonal")

# %% [markdown]
# Try to part the two colours with one straight line. It cannot be done: this is the *exclusive or*
# (XOR). Either, but not both. The perceptron never comes to rest.

# %% tags=["varies"]
stuck = perceptron.learn(lung_points[learn_on], one_sided[learn_on], most_updates=2000)
shares = [np.mean(perceptron.fires(w, lung_points[learn_on]) == one_sided[learn_on])
          for w in stuck.weights]  # fmt: skip
print(f"2000 updates; the best of all these lines is right in {max(shares):.0%}")
claim("The perceptron does not converge", not stuck.converged)
claim("No line it tried gets much beyond three of four", max(shares) < 0.85)

# %% [markdown] tags=["exercise"] exercise="xor_by_hand"
# ### Exercise: two neurons help
#
# Put two neurons between the inputs and the output: *hidden* neurons, nobody sees their answers. Let 0
# mean "clear" and 1 mean "fluid" for each lung. One hidden neuron says *at least one side*, the other
# says *both sides*. An output neuron combines them. Each fires if its net is above zero.
# Give for each `(weight, weight, bias)`. The output's two weights belong to `any_side` and `both_sides`.

# %% tags=["given"] exercise="xor_by_hand"
def fires(neuron, first, second):
    """1 if the weighted sum of the two inputs, plus bias, is above zero."""
    return int(neuron[0] * first + neuron[1] * second + neuron[2] > 0)

# %% tags=["stub"] exercise="xor_by_hand"
any_side = ...
both_sides = ...
output = ...

# %% tags=["check"] exercise="xor_by_hand"
check("xor_by_hand", any_side, both_sides, output)

# %% [markdown] tags=["hint"] exercise="xor_by_hand"
# Take weights 1 and 1 for both hidden neurons: the sum is then 0, 1 or 2. Only the bias differs.

# %% [markdown] tags=["hint"] exercise="xor_by_hand"
# With bias -0.5 a neuron fires from one side on; with -1.5 only when both sides are 1.

# %% [markdown] tags=["hint"] exercise="xor_by_hand"
# The output should fire for *any* but not for *both*: weight +1 for the first, a negative weight for
# the second, and a bias of -0.5.

# %% tags=["solution"] exercise="xor_by_hand"
any_side = (1, 1, -0.5)
both_sides = (1, 1, -1.5)
output = (1, -1, -0.5)  # at least one, but not both

# %% tags=["equivalent"] exercise="xor_by_hand"
any_side = (2, 2, -1)
both_sides = (1, 1, -1)
output = (1, -2, -0.5)

# %% tags=["equivalent"] exercise="xor_by_hand"
any_side, both_sides, output = (1.0, 1.0, -0.1), (0.6, 0.6, -1.0), (5.0, -9.0, -1.0)

# %% tags=["wrong"] exercise="xor_by_hand" says="any_side should"
any_side, both_sides, output = (1, 1, -1.5), (1, 1, -1.5), (1, -1, -0.5)

# %% tags=["wrong"] exercise="xor_by_hand" says="both_sides should"
any_side, both_sides, output = (1, 1, -0.5), (1, 1, -0.5), (1, -1, -0.5)

# %% tags=["wrong"] exercise="xor_by_hand" says="also when both"
any_side, both_sides, output = (1, 1, -0.5), (1, 1, -1.5), (1, 1, -0.5)

# %% tags=["wrong"] exercise="xor_by_hand" says="clear lungs"
any_side, both_sides, output = (1, 1, -0.5), (1, 1, -1.5), (1, -3, 0.5)

# %% tags=["wrong"] exercise="xor_by_hand" says="three numbers"
any_side, both_sides, output = (1, 1), (1, 1), (1, -1)

# %% tags=["checker"] exercise="xor_by_hand"
def checker(any_side, both_sides, output):
    for neuron in (any_side, both_sides, output):
        require(np.shape(neuron) == (3,), "Give three numbers per neuron: two weights, bias.")
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1)]
    hidden = [(fires(any_side, *p), fires(both_sides, *p)) for p in pairs]
    require([h[0] for h in hidden] == [0, 1, 1, 1], "any_side should fire from one side on.")
    require([h[1] for h in hidden] == [0, 0, 0, 1], "both_sides should fire for 1 and 1 only.")
    answers = [fires(output, *h) for h in hidden]
    require(answers[0] == 0, "The output fires for clear lungs.")
    require(answers[3] == 0, "The output fires also when both sides hold fluid.")
    close(answers, [0, 1, 1, 0], "It must fire when exactly one side holds fluid.")

# %% [markdown]
# So a [[hidden layer]] is the answer; that was known in 1969. What was missing: a way to *learn* its
# weights. Nobody tells a hidden neuron whether it was right. For this we need three things: soft
# neurons, a measure of wrongness, and a way to ask each weight how much it is to blame.

# %% [markdown] tags=["slide"]
# ## 4 Soft neurons
#
# A threshold either fires or does not; a small change of a weight changes nothing. We need
# activations with a **slope**:
#
# | | formula | slope |
# |---|---|---|
# | [[sigmoid]] | $1/(1+e^{-z})$ | $s(1-s)$, at most 1/4 |
# | tanh | $(e^z-e^{-z})/(e^z+e^{-z})$ | $1-\tanh^2 z$, at most 1 |
# | [[ReLU]] | $\max(0, z)$ | 1 for $z>0$, else 0 |

# %% tags=["slide"]
from course_lib.models.basics.activations import activation

z = np.linspace(-5, 5, 401)
fig, axes = plt.subplots(1, 3, figsize=(10, 2.8))
for ax, name in zip(axes, ("sigmoid", "tanh", "relu"), strict=True):
    ax.plot(z, activation(name).value(z), lw=2, label="value")
    ax.plot(z, activation(name).slope(z), "--", lw=2, label="slope")
    ax.set(title=name, ylim=(-1.1, 1.6), xlabel="net")
axes[0].legend(loc="upper left")
show(fig, alt="Sigmoid, tanh and ReLU with their slopes; only the slope of ReLU does not fade at right")

# %%
for name in ("sigmoid", "tanh", "relu"):
    print(f"{name:8} greatest slope {activation(name).slope(z).max():g}")
claim("Far from zero the sigmoid is flat", activation("sigmoid").slope(np.array(5.0)) < 0.01)

# %% [markdown] tags=["slide"]
# ## 5 How wrong?
#
# - Numbers (age, size): **mean squared error**, $(y - t)^2$
# - Yes or no: sigmoid and **[[cross-entropy]]**, $-t\log y-(1-t)\log(1-y)$
# - One of several: **[[softmax]]** and cross-entropy, $p_k = e^{z_k}/\sum_j e^{z_j}$ and $-\log p_\text{true}$
#
# $z$, the net of an output neuron before sigmoid or softmax, is called its [[logit]].
#
# Why not squared error for yes or no? Look at a neuron that is **certain and wrong**.

# %%
from course_lib.models.basics import losses

nets = np.linspace(-8, 8, 161)
pulls = {}
for name in ("sigmoid_squared_error", "sigmoid_cross_entropy"):
    loss = getattr(losses, name)
    pulls[name] = np.array([-loss([[net]], [[1.0]])[1].item() for net in nets])
fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(nets, pulls["sigmoid_squared_error"], lw=2, label="squared error behind a sigmoid")
ax.plot(nets, pulls["sigmoid_cross_entropy"], "--", lw=2, label="cross-entropy")
ax.annotate("certain and wrong:\nno pull", (-7, 0.01), (-7.6, 0.35), arrowprops={"arrowstyle": "->"})
ax.set(xlabel="net (the right answer is 1)", ylabel="pull towards the right answer")
ax.legend(loc="upper right")
show(fig, alt="Pull on a neuron: squared error lets go of a certain wrong neuron, cross-entropy does not")

# %%
claim("Certain and wrong: squared error nearly lets go", pulls["sigmoid_squared_error"][0] < 0.001)
claim("and cross-entropy pulls with full force", pulls["sigmoid_cross_entropy"][0] > 0.999)

# %% [markdown]
# The slope of squared error contains the sigmoid's own slope $s(1-s)$, nearly zero out there: the neuron
# is [[saturated|saturation]]. In the cross-entropy the logarithm undoes the exponential, that factor
# cancels, and what is left is as simple as can be: **what it said minus what it should have said**.

# %% [markdown] tags=["exercise"] exercise="p_minus_y"
# ### Exercise: predict, then run
#
# A network says: 70 % normal, 20 % pneumonia, 10 % tumour. The truth is **pneumonia**. What is the slope
# of the cross-entropy for each of the three logits (how fast does it grow when this logit grows)? The
# list of these three slopes is the *gradient*. Write shares, not per cent.

# %% tags=["stub"] exercise="p_minus_y"
gradient = ...

# %% tags=["check"] exercise="p_minus_y"
check("p_minus_y", gradient)

# %% [markdown] tags=["hint"] exercise="p_minus_y"
# What it should have said is 0 %, 100 %, 0 %.

# %% [markdown] tags=["hint"] exercise="p_minus_y"
# For softmax with cross-entropy the gradient is p - t, element by element.

# %% [markdown] tags=["hint"] exercise="p_minus_y"
# 0.7 - 0, then 0.2 - 1, then 0.1 - 0.

# %% tags=["solution"] exercise="p_minus_y"
gradient = [0.7, -0.8, 0.1]  # p minus truth: a negative number means this logit should grow

# %% tags=["equivalent"] exercise="p_minus_y"
gradient = np.array([0.7, 0.2, 0.1]) - np.array([0, 1, 0])

# %% tags=["wrong"] exercise="p_minus_y" says="sign"
gradient = [-0.7, 0.8, -0.1]

# %% tags=["wrong"] exercise="p_minus_y" says="other two"
gradient = [0, -0.8, 0]

# %% tags=["wrong"] exercise="p_minus_y" says="value of the loss"
gradient = 1.609

# %% tags=["wrong"] exercise="p_minus_y" says="per cent"
gradient = [70, -80, 10]

# %% tags=["wrong"] exercise="p_minus_y" says="probabilities themselves"
gradient = [0.7, 0.2, 0.1]

# %% tags=["checker"] exercise="p_minus_y"
def checker(gradient):
    got = np.asarray(gradient, float)
    require(got.size != 1, "That looks like the value of the loss; a gradient has three numbers.")
    require(got.shape == (3,), "Give three numbers, one for each logit.")
    require(not np.allclose(got, [0.7, 0.2, 0.1]), "Those are the probabilities themselves.")
    require(not np.allclose(got, [70, -80, 10]), "Right idea; write shares (0 to 1), not per cent.")
    require(not np.allclose(got, [-0.7, 0.8, -0.1]), "Mind the sign: what it said minus the truth.")
    require(not np.allclose(got[[0, 2]], 0), "The other two logits matter, too: they took the share.")
    close(got, [0.7, -0.8, 0.1], "What it said minus what it should have said.")

# %%
logits = np.log([[0.7, 0.2, 0.1]])
value, slopes = losses.softmax_cross_entropy(logits, [[0.0, 1.0, 0.0]])
print(f"loss {value:.3g}, gradient {slopes[0].round(3)}")
claim("The gradient adds up to zero: what one class wins the others lose", abs(slopes.sum()) < 1e-12)

# %% [markdown] tags=["slide"]
# ## 6 Going downhill
#
# The [[gradient of the loss]] $\partial L/\partial\theta$ says how the [[loss]] grows when a weight
# grows. So walk the other way, in small steps: [[gradient descent]].
#
# $$\theta \leftarrow \theta - \eta\,\frac{\partial L}{\partial\theta}$$
#
# $\eta$ is the [[learning rate]]. Too small: it takes forever. Too large: it jumps over the valley.

# %% [markdown]
# A neuron without activation shall predict the width of a *healthy* heart from the width of the chest:
# heart = w × chest + b. Two numbers to learn, so we can see the whole landscape.

# %%
from course_lib.models.basics.descent import descend, largest_rate

healthy = points[big == 0]
chest_dm, heart_dm = healthy[:, 1], healthy[:, 0]
inputs = np.stack([chest_dm, np.ones_like(chest_dm)], 1)


def loss_of(theta):
    """Mean squared error in dm² for theta = (w, b)."""
    return np.mean((inputs @ theta - heart_dm) ** 2)


def slope_of(theta):
    """Its gradient: two numbers."""
    return 2 * inputs.T @ (inputs @ theta - heart_dm) / len(inputs)


best = np.linalg.lstsq(inputs, heart_dm, rcond=None)[0]
limit = largest_rate(2 * inputs.T @ inputs / len(inputs))
print(f"best w {best[0]:.2f}, b {best[1]:.2f} dm; learning rates above {limit:.3f} diverge")

# %%
w_axis, b_axis = np.linspace(-0.6, 1.2, 80), np.linspace(-1.2, 2.0, 80)
grid = np.stack(np.meshgrid(w_axis, b_axis), -1)
heights = np.mean((grid @ inputs.T - heart_dm) ** 2, -1)


def draw_descent(learning_rate, momentum, steps):
    path = descend(slope_of, [-0.4, 1.8], learning_rate, steps, momentum)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    left.contour(w_axis, b_axis, np.log10(heights), 14, cmap="Greys")
    left.plot(*path.T, ".-", color=COLOURS[1], lw=1)
    left.plot(*best, "*", color=COLOURS[2], ms=14)
    left.set(xlabel="w", ylabel="b (dm)", xlim=(-0.6, 1.2), ylim=(-1.2, 2.0), title="landscape")
    right.semilogy([min(loss_of(theta), 1e6) for theta in path], color=COLOURS[1])
    right.axhline(loss_of(best), color=COLOURS[2], ls="--")
    right.set(xlabel="step", ylabel="loss (dm²)", ylim=(1e-3, 1e3), title="loss")
    return fig


explore(draw_descent, alt="path through the landscape of the loss, and the loss after every step",
        learning_rate=(0.005, 0.15, 0.005, 0.1), momentum=(0.0, 0.95, 0.05, 0.0),
        steps=(5, 200, 5, 60))

# %% [markdown]
# Try: learning rate 0.005 (creeps), 0.1 (first fast, then creeps along the bottom of a long narrow
# valley), 0.135 (explodes). Then [[momentum]] 0.9: the path keeps some of its speed, like a ball.
#
# The valley is narrow because chest widths are all about 2.5 dm, far from zero: w and b nearly do the
# same job. That is one reason why we **standardise** inputs.

# %%
ends = {rate: loss_of(descend(slope_of, [-0.4, 1.8], rate, 200)[-1])
        for rate in (0.005, 0.1, 1.05 * limit)}  # fmt: skip
heavy = loss_of(descend(slope_of, [-0.4, 1.8], 0.1, 200, momentum=0.9)[-1])
floor = loss_of(best)
claim("A step just above the limit explodes", ends[1.05 * limit] > 1000)
claim("0.1 gets nearer to the floor than 0.005", floor < ends[0.1] < ends[0.005])
claim("Momentum gets nearer still", heavy - floor < 0.2 * (ends[0.1] - floor))
flat = (chest_dm - chest_dm.mean()) / chest_dm.std()
easy = np.stack([flat, np.ones_like(flat)], 1)
curvature = np.linalg.eigvalsh(2 * easy.T @ easy / len(easy))
claim("Standardised inputs make a round bowl", curvature.max() / curvature.min() < 1.001)

# %% [markdown] tags=["exercise"] exercise="lecture_update"
# ### Exercise: find the slip on the slide
#
# A lecture prints this rule for learning: $\theta^{t+1} = \theta^t + \partial L / \partial\theta^t$.
# The next cell runs it. Look at the losses. **Two** things are wrong; write `step` as it should be.

# %% tags=["given"] exercise="lecture_update"
def as_on_the_slide(theta, gradient):
    """The printed rule."""
    return theta + gradient

# %%
theta = np.array([-0.4, 1.8])
for count in range(4):
    print(f"steps taken: {count}, loss {loss_of(theta):.3g}")
    theta = as_on_the_slide(theta, slope_of(theta))
claim("The printed rule climbs", loss_of(theta) > 1e6)

# %% tags=["stub"] exercise="lecture_update"
def step(theta, gradient, rate):
    """theta after one step of gradient descent."""
    return ...

# %% tags=["check"] exercise="lecture_update"
check("lecture_update", step)

# %% [markdown] tags=["hint"] exercise="lecture_update"
# The gradient points uphill. Where do we want to go?

# %% [markdown] tags=["hint"] exercise="lecture_update"
# With the sign put right, the rule takes steps of size "1 times the gradient". Our limit was about
# 0.13. What must be added so that one can choose?

# %% [markdown] tags=["hint"] exercise="lecture_update"
# Subtract `rate` times the gradient.

# %% tags=["solution"] exercise="lecture_update"
def step(theta, gradient, rate):
    """theta after one step of gradient descent."""
    return theta - rate * gradient  # downhill, and no further than we choose

# %% tags=["equivalent"] exercise="lecture_update"
def step(theta, gradient, rate):
    return np.add(theta, -1 * rate * np.asarray(gradient))

# %% tags=["wrong"] exercise="lecture_update" says="uphill"
def step(theta, gradient, rate):
    return theta + rate * gradient

# %% tags=["wrong"] exercise="lecture_update" says="length of the step"
def step(theta, gradient, rate):
    return theta - gradient

# %% tags=["wrong"] exercise="lecture_update" says="forgot where"
def step(theta, gradient, rate):
    return -rate * gradient

# %% tags=["wrong"] exercise="lecture_update" says="larger rate"
def step(theta, gradient, rate):
    return theta - gradient / rate

# %% tags=["checker"] exercise="lecture_update"
def checker(step):
    theta, gradient = np.array([2.0, -1.0]), np.array([4.0, 0.5])
    got = np.asarray(step(theta.copy(), gradient.copy(), 0.1), float)
    require(got.shape == (2,), "Return the new theta, as many numbers as before.")
    require(not np.allclose(got, -0.1 * gradient), "You forgot where you were: start from theta.")
    require(not np.allclose(got, theta - gradient), "Nothing sets the length of the step yet.")
    require(not np.allclose(got, theta - 10 * gradient), "A larger rate must give a longer step.")
    uphill = got[0] > theta[0]
    require(not uphill, "Still uphill: the gradient shows where the loss grows.")
    close(got, [1.6, -1.05], "Follow the gradient downhill, by rate times its size.")
    close(step(1.0, -2.0, 0.5), 2.0, "A negative gradient must make theta grow.")

# %% [markdown]
# A third slip is on the same slide: it writes $\theta = \min_\theta L$. The minimum of the loss is a
# *loss*. Wanted is the *place* where it is smallest: $\theta = \arg\min_\theta L$.
#
# Curious: the lecture's slide on back-propagation (Rumelhart) **adds** $\eta\,\delta\,o$, and is right. There
# $\delta = (t - o)f'$ is defined with the opposite sign: it already points downhill.

# %% [markdown] tags=["instructor"]
# In one hour: sections 1-3, 6 and 7 with their exercises; 5, 8 and 9 shown; 10 and 11 read at home.
# Short of time: skip section 5's picture and section 8. Do not skip exercise `lecture_update`: students
# remember a rule they have seen explode. Ask before running: "minus sign alone, is that enough?" With
# this landscape it is not: a step of 1 is eight times the limit.
# Typical mistake in `xor_by_hand`: a threshold exactly on a sum (bias -1 with sum 1 gives net 0: silent).

# %% [markdown] tags=["slide"]
# ## 7 Back-propagation: who is to blame?
#
# Any network is a chain of small steps: times, plus, sigmoid, square. For each small step the slope is
# easy. The [[chain rule]] multiplies slopes along the way:
#
# $$\frac{\partial L}{\partial w} = \frac{\partial L}{\partial y}\cdot\frac{\partial y}{\partial \text{net}}\cdot\frac{\partial \text{net}}{\partial w}$$
#
# Start at the loss and walk back: **one** walk gives the blame of **all** weights.

# %% [markdown]
# `scalar_autograd.py` does this for single numbers, in about a hundred lines. Each `Value` remembers what it
# was made of. Below: one neuron reads one patient. Blue: the numbers, computed forwards. Orange: the
# gradients of the loss. Move the slider and watch them flow back.

# %%
from course_lib.models.basics.scalar_autograd import Value
from course_lib.teaching.graph_picture import graph_picture

w1, w2, bias = Value(2.0, "w heart"), Value(-1.5, "w chest"), Value(0.5, "bias")
heart, chest_width = Value(1.5, "heart"), Value(2.0, "chest")
net = w1 * heart + w2 * chest_width + bias
answer = net.sigmoid()
answer.name = "y"
error = (answer - Value(1.0, "truth")) ** 2
error.name = "loss"
error.backward()


def draw_backward(gradients_shown):
    return graph_picture(error, gradients_shown)


explore(draw_backward, alt="graph of one neuron: numbers forward in blue, gradients back in orange",
        gradients_shown=(0, 13, 1, 13))

# %%
print(f"y = {answer.data:.3f}, loss = {error.data:.3f}")
print(f"blame: w heart {w1.grad:.3f}, w chest {w2.grad:.3f}, bias {bias.grad:.3f}")
claim("Blame of a weight is blame of the net times its input", w1.grad == net.grad * heart.data)

# %% [markdown] tags=["exercise"] exercise="backprop_by_hand"
# ### Exercise: back-propagation by hand
#
# Two neurons in a chain, input $x = 2$, truth $t = 5$:
#
# - $h = \mathrm{ReLU}(w_1 x + b_1)$ with $w_1 = 2.5,\ b_1 = -1$
# - $y = w_2 h$ with $w_2 = 1.5$
# - loss $= (y - t)^2$
#
# With pencil and paper: what is the slope of the loss for $w_2$, for $w_1$ and for $b_1$?

# %% tags=["stub"] exercise="backprop_by_hand"
loss_to_w2 = ...
loss_to_w1 = ...
loss_to_b1 = ...

# %% tags=["check"] exercise="backprop_by_hand"
check("backprop_by_hand", loss_to_w2, loss_to_w1, loss_to_b1)

# %% [markdown] tags=["hint"] exercise="backprop_by_hand"
# Forward first: $h = 4$, $y = 6$, loss 1. Then start at the back: how does the loss answer to y?

# %% [markdown] tags=["hint"] exercise="backprop_by_hand"
# To y: 2 (y - t) = 2. To w2: that times h. To h: that times w2.

# %% [markdown] tags=["hint"] exercise="backprop_by_hand"
# To h: 2 × 1.5 = 3. ReLU passes it on, for its input is positive. To w1: times x. To b1: times 1.

# %% tags=["solution"] exercise="backprop_by_hand"
loss_to_y = 2 * (6 - 5)  # 2
loss_to_w2 = loss_to_y * 4  # times h
loss_to_h = loss_to_y * 1.5  # times w2
loss_to_w1 = loss_to_h * 1 * 2  # ReLU's slope is 1 here, then times x
loss_to_b1 = loss_to_h * 1

# %% tags=["equivalent"] exercise="backprop_by_hand"
loss_to_w2, loss_to_w1, loss_to_b1 = 8, 6, 3

# %% tags=["equivalent"] exercise="backprop_by_hand"
from course_lib.models.basics.scalar_autograd import Value

v1, c1, v2 = Value(2.5), Value(-1.0), Value(1.5)
((v2 * (v1 * Value(2.0) + c1).relu() - Value(5.0)) ** 2).backward()
loss_to_w2, loss_to_w1, loss_to_b1 = v2.grad, v1.grad, c1.grad

# %% tags=["wrong"] exercise="backprop_by_hand" says="sign"
loss_to_w2, loss_to_w1, loss_to_b1 = -8, -6, -3

# %% tags=["wrong"] exercise="backprop_by_hand" says="factor 2"
loss_to_w2, loss_to_w1, loss_to_b1 = 4, 3, 1.5

# %% tags=["wrong"] exercise="backprop_by_hand" says="what w2 was multiplied with"
loss_to_w2, loss_to_w1, loss_to_b1 = 4, 6, 3

# %% tags=["wrong"] exercise="backprop_by_hand" says="through w2"
loss_to_w2, loss_to_w1, loss_to_b1 = 8, 4, 2

# %% tags=["wrong"] exercise="backprop_by_hand" says="not of h"
loss_to_w2, loss_to_w1, loss_to_b1 = 8, 12, 3

# %% tags=["wrong"] exercise="backprop_by_hand" says="times 1"
loss_to_w2, loss_to_w1, loss_to_b1 = 8, 6, 6

# %% tags=["checker"] exercise="backprop_by_hand"
def checker(loss_to_w2, loss_to_w1, loss_to_b1):
    got = [float(v) for v in (loss_to_w2, loss_to_w1, loss_to_b1)]
    require(got != [-8, -6, -3], "Mind the sign: y is too large, so the loss grows when w2 grows.")
    require(got != [4, 3, 1.5], "A square's slope has the factor 2: (y - t)² gives 2 (y - t).")
    require(got[0] != 4, "To w2: take what w2 was multiplied with; that is h, not x.")
    close(got[0], 8, "To w2: how the loss answers to y, times h.")
    require(got[1] != 4, "The blame of the first neuron comes back through w2: multiply by it.")
    require(got[1] != 12, "w1 was multiplied with x: the blame of h times x, not of h times h.")
    close(got[1], 6, "To w1: the blame of h, times ReLU's slope, times x.")
    require(got[2] != 6, "The bias stands there times 1, not times x.")
    close(got[2], 3, "To b1: the blame of h, times ReLU's slope.")

# %% [markdown]
# Never trust a gradient you have not checked. There is a slow but honest way: change the number a
# little and see what the loss does.

# %% [markdown] tags=["exercise"] exercise="gradient_check"
# ### Exercise: the gradient check
#
# Write `numerical_slope(f, x, h)`: the slope of the function `f` at the number `x`, measured by a small
# step `h` to **both** sides. (To both, because then the error of a curved function cancels.)

# %% tags=["stub"] exercise="gradient_check"
def numerical_slope(f, x, h=1e-5):
    """Slope of f at x by central differences."""
    return ...

# %% tags=["check"] exercise="gradient_check"
check("gradient_check", numerical_slope)

# %% [markdown] tags=["hint"] exercise="gradient_check"
# Slope: how much the value changed, divided by how far you went.

# %% [markdown] tags=["hint"] exercise="gradient_check"
# Go to `x + h` and to `x - h`. How far are these two apart?

# %% [markdown] tags=["hint"] exercise="gradient_check"
# `(f(x + h) - f(x - h)) / (2 * h)`

# %% tags=["solution"] exercise="gradient_check"
def numerical_slope(f, x, h=1e-5):
    """Slope of f at x by central differences."""
    return (f(x + h) - f(x - h)) / (2 * h)  # the two places are 2h apart

# %% tags=["equivalent"] exercise="gradient_check"
def numerical_slope(f, x, h=1e-5):
    forward, back = (f(x + h) - f(x)) / h, (f(x) - f(x - h)) / h
    return 0.5 * (forward + back)

# %% tags=["wrong"] exercise="gradient_check" says="one side"
def numerical_slope(f, x, h=1e-5):
    return (f(x + h) - f(x)) / h

# %% tags=["wrong"] exercise="gradient_check" says="apart"
def numerical_slope(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / h

# %% tags=["wrong"] exercise="gradient_check" says="h that is given"
def numerical_slope(f, x, h=1e-5):
    return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5

# %% tags=["wrong"] exercise="gradient_check" says="divide"
def numerical_slope(f, x, h=1e-5):
    return f(x + h) - f(x - h)

# %% tags=["wrong"] exercise="gradient_check" says="further right"
def numerical_slope(f, x, h=1e-5):
    return (f(x - h) - f(x + h)) / (2 * h)

# %% tags=["checker"] exercise="gradient_check"
def checker(numerical_slope):
    def cube(x):
        return x**3

    got = float(numerical_slope(cube, 2.0, 0.1))
    for wrong, message in (
        (12.61, "You went to one side only; a curved function then misleads you."),
        (11.41, "You went to one side only; a curved function then misleads you."),
        (24.02, "How far apart are the two places? Twice as far as you divide by."),
        (2.402, "You have the change of the value; divide by how far you went."),
        (-12.01, "Minus and plus: the place further right comes first."),
    ):
        require(abs(got - wrong) > 1e-6, message)
    require(abs(got - 12) > 1e-3, "Take the step h that is given, not one of your own.")
    close(got, 12.01, "For x³ at 2 with a step of 0.1 the central difference is near 12.")
    close(numerical_slope(np.sin, 0.0, 1e-4), 1.0, "The sine climbs with slope 1 at zero.")

# %% [markdown] tags=["slide"]
# ## 8 The same in matrices, and the riddle is solved
#
# For a whole layer and all patients at once ($\delta$: blame of the net, $W$: (out, in)):
#
# $$\delta = (\delta_\text{next} W_\text{next}) \odot f'(\text{net}) \qquad
# \frac{\partial L}{\partial W} = \delta^{T} x \qquad \frac{\partial L}{\partial b} = \sum \delta$$
#
# Three lines of NumPy (`backpropagation.py`). Frameworks such as PyTorch do exactly this.

# %%
import torch

from course_lib.models.basics.backpropagation import forward, loss_and_gradients, make_layers

layers = make_layers((2, 4, 1), np.random.default_rng(0), hidden="tanh")
x, t = lung_points[learn_on], one_sided[learn_on, None].astype(float)
value, gradients = loss_and_gradients(layers, x, t, losses.sigmoid_cross_entropy)

W1, W2 = (torch.tensor(la.weights, requires_grad=True) for la in layers)
logit = torch.tanh(torch.tensor(x) @ W1.T) @ W2.T  # the biases are still zero
peer = torch.nn.functional.binary_cross_entropy_with_logits(logit, torch.tensor(t))
peer.backward()
difference = max(np.abs(ours.weights - theirs.grad.numpy()).max()
                 for ours, theirs in zip(gradients, (W1, W2), strict=True))  # fmt: skip
claim("Our gradients are PyTorch's, to ten digits", difference < 1e-10)


def loss_if(weight):
    """The loss if the very first weight had this value."""
    kept, layers[0].weights[0, 0] = layers[0].weights[0, 0], weight
    changed = loss_and_gradients(layers, x, t, losses.sigmoid_cross_entropy)[0]
    layers[0].weights[0, 0] = kept
    return changed


first = layers[0].weights[0, 0]
measured = (loss_if(first + 1e-5) - loss_if(first - 1e-5)) / 2e-5
claim("and what a small step measures", abs(measured - gradients[0].weights[0, 0]) < 1e-8)

# %% [markdown]
# Now train: two inputs, some hidden tanh neurons, one output. With the slider you choose how many
# hidden neurons, and how long they learn.

# %%
from course_lib.models.basics.backpropagation import train

SNAPSHOTS = [0, 10, 30, 100, 300, 1000]
side = np.linspace(-2.8, 2.8, 61)
everywhere = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
maps, correct = {}, {}
for hidden in (1, 2, 3, 4, 8):
    layers = make_layers((2, hidden, 1), np.random.default_rng(0))
    done = 0
    for steps in SNAPSHOTS:
        train(layers, x, t, losses.sigmoid_cross_entropy, 0.2, steps - done, momentum=0.9)
        done = steps
        logits = forward(layers, everywhere)[-1].outputs.reshape(61, 61)
        says = forward(layers, lung_points[test_on])[-1].outputs[:, 0] > 0
        maps[hidden, steps] = activation("sigmoid").value(logits)
        correct[hidden, steps] = np.mean(says == one_sided[test_on])


def draw_boundary(hidden_neurons, steps):
    fig, ax = plt.subplots(figsize=(5.4, 4.2))
    shade = ax.contourf(side, side, maps[hidden_neurons, steps], np.linspace(0, 1, 11),
                        cmap="RdBu_r", alpha=0.6)  # fmt: skip
    fig.colorbar(shade, label="probability of one-sided fluid")
    scatter(ax, lung_points[test_on], one_sided[test_on], SIDES)
    ax.set(title=f"{correct[hidden_neurons, steps]:.0%} of the test films right",
           xlabel="right lower lung", ylabel="left lower lung")  # fmt: skip
    ax.legend(loc="lower left", fontsize=8, frameon=True)
    return fig

# %%
explore(draw_boundary, alt="map of the network's answer over the two measurements, with test films",
        hidden_neurons=[4, 1, 2, 3, 8], steps=SNAPSHOTS[::-1])

# %% tags=["varies"]
for hidden in (1, 2, 4, 8):
    print(f"{hidden} hidden: {correct[hidden, 1000]:.0%} of {len(one_sided[test_on])} test films right")
claim("One hidden neuron is still one line", correct[1, 1000] < 0.82)
claim("Four hidden neurons solve the riddle", correct[4, 1000] > 0.82)

# %% [markdown] tags=["slide"]
# ## 9 Why depth was hard
#
# The [[vanishing gradient]]: on its way back the blame is multiplied by the weights and one slope per
# layer. A sigmoid's slope is at most 1/4: ten of them leave at most $(1/4)^{10}$, a millionth. Unless
# large weights make up for it, the first layers do not learn.
#
# ReLU's slope is 1 where it is active. This small change (2010-2012) helped to make deep networks
# trainable; first weights of the right size matter as well.

# %% tags=["slide"]
from course_lib.models.basics.backpropagation import backward

DEPTH = 12
blame = {}
for name, spread_of_weights in (("sigmoid", 1.0), ("tanh", 1.0), ("relu", 2**0.5)):
    rng = np.random.default_rng(0)
    deep = make_layers((20,) * DEPTH + (1,), rng, hidden=name, spread=spread_of_weights)
    steps = forward(deep, rng.normal(size=(100, 20)))
    found = backward(deep, steps, np.full((100, 1), 0.01))
    sizes = np.array([np.linalg.norm(g.net) for g in found])
    blame[name] = sizes / sizes[-1]
fig, ax = plt.subplots(figsize=(7, 3.2))
for name, marker in (("sigmoid", "o"), ("tanh", "s"), ("relu", "^")):
    ax.semilogy(range(1, DEPTH + 1), blame[name], f"{marker}-", label=name)
ax.set(xlabel="layer (1 = next to the input)", ylabel="gradient (last layer: 1)")
ax.legend(loc="lower right")
show(fig, alt="Gradient by layer: with sigmoids it falls more than a millionfold to the first layer, with tanh "
     "and ReLU hardly")

# %%
claim("Sigmoids: less than a hundred-thousandth arrives", blame["sigmoid"][0] < 1e-5)
claim("ReLUs: more than a tenth arrives", blame["relu"][0] > 0.1)

# %% [markdown]
# Tanh does well here, too: its slope is 1 at zero, and the first weights have the right size (Glorot and
# Bengio, 2010). It loses its slope when training drives its neurons into saturation.

# %% [markdown] tags=["slide"]
# ## 10 The other root: the neocognitron (1980)
#
# Fukushima asked: how does the *eye* know a shape wherever it stands? His network of two kinds of
# cells, after Hubel and Wiesel's cats:
#
# - **S-cells** find a feature (a line, a corner) at one place
# - **C-cells** fire if *any* S-cell near by did: they forgive small shifts
# - S, C, S, C, S, C: each stage sees larger features and forgives more
#
# All S-cells of one **plane** share their weights. That is the convolution of the next lesson.

# %% tags=["varies"]
from course_lib.models.basics.neocognitron import Neocognitron
from course_lib.models.basics.neocognitron_learning import organise
from course_lib.models.basics.patterns import digit, shifted

DIGITS = "01234"
eye = organise(Neocognitron(), [digit(name) for name in DIGITS])  # nobody says which is which
cell_of = {name: eye.classify(digit(name)) for name in DIGITS}
print("last cell that answers to each digit:", cell_of)
claim("Each of the five digits got a cell of its own", len(set(cell_of.values())) == 5)

# %% [markdown] tags=["slide"]
# ### An S-cell compares
#
# $$u_S = r\,\varphi\!\left[\frac{1 + \sum a\,u}{1 + \frac{2r}{1+r}\,b\,v} - 1\right], \qquad
# v = \sqrt{\textstyle\sum c\,u^2}, \qquad \varphi[x]=\max(0,x)$$
#
# $a$: what it has learned to like. $v$: *how much* there is in its field, whatever it is; that inhibits.
#
# Learning: the winner of its neighbourhood, the **seed cell**, sets $a \mathrel{+}= q\,c\,u$ and
# $b \mathrel{+}= \frac{q}{2}v$ for its whole plane. No teacher.

# %%
from matplotlib.gridspec import GridSpec

features = [weights[0] / weights.max() for weights, b in zip(eye.a[0], eye.b[0], strict=True) if b]
fig = plt.figure(figsize=(10, 3.4))
places = GridSpec(3, 14, figure=fig)
for place, name in enumerate(DIGITS[:3]):
    ax = fig.add_subplot(places[place, :2])
    ax.imshow(digit(name), cmap="gray_r")
    ax.set_axis_off()
for plane, feature in enumerate(features):
    ax = fig.add_subplot(places[plane // 8, 3 + plane % 8])
    ax.imshow(feature, cmap="gray_r", vmin=0)
    ax.set_axis_off()
fig.suptitle(f"three of the five patterns; what {len(features)} of the 24 first planes taught themselves")
show(fig, alt="Digits 0, 1, 2 and some twenty small learned features: bars, slants, corners, line ends")

# %% [markdown] tags=["exercise"] exercise="how_picky"
# ### Exercise: how picky is an S-cell?
#
# After long learning $a$ and $b$ are large, and the ones in the formula no longer matter. Then
# $u_S = r\,\varphi\left[s\,\frac{1+r}{r} - 1\right]$, where $s$ is the *similarity* (0 to 1) of what the cell sees to
# what it has learned. Write `least_similarity(r)`: how similar must it be so that the cell answers at all?

# %% tags=["stub"] exercise="how_picky"
def least_similarity(r):
    """The similarity above which the S-cell answers."""
    return ...

# %% tags=["check"] exercise="how_picky"
check("how_picky", least_similarity)

# %% [markdown] tags=["hint"] exercise="how_picky"
# The cell answers when the square bracket is above zero.

# %% [markdown] tags=["hint"] exercise="how_picky"
# Solve s (1 + r) / r = 1 for s.

# %% [markdown] tags=["hint"] exercise="how_picky"
# s = r / (1 + r). For r = 1 that is one half.

# %% tags=["solution"] exercise="how_picky"
def least_similarity(r):
    """The similarity above which the S-cell answers."""
    return r / (1 + r)  # where s (1 + r) / r reaches 1

# %% tags=["equivalent"] exercise="how_picky"
def least_similarity(r):
    return 1 - 1 / (1 + r)

# %% tags=["wrong"] exercise="how_picky" says="above 1"
def least_similarity(r):
    return (1 + r) / r

# %% tags=["wrong"] exercise="how_picky" says="more picky"
def least_similarity(r):
    return 1 / (1 + r)

# %% tags=["wrong"] exercise="how_picky" says="depends on r"
def least_similarity(r):
    return 0.5

# %% tags=["checker"] exercise="how_picky"
def checker(least_similarity):
    low, high = (float(least_similarity(r)) for r in (1.5, 4.0))
    require(max(low, high) <= 1, "A similarity above 1 cannot be: turn the fraction round.")
    require(low != high, "The answer depends on r.")
    require(high > low, "A larger r must make the cell more picky.")
    close(low, 0.6, "For r = 1.5 set the bracket to zero.")
    close(high, 0.8, "For r = 4 set the bracket to zero.")

# %% [markdown]
# Fukushima took r = 4 in the first stage (it answers from 80 % similarity on) and 1.5 above (60 %).

# %% [markdown]
# ### Play: move the digit
#
# Below, the layers answer to a digit that you push around; the S- and C-layers show the strongest of
# their planes. The bars are the answer: 24 cells, one per plane. Above five of them stands the digit
# that each has chosen for itself.

# %%
def draw_eye(pattern, right, down):
    picture = shifted(digit(pattern), right, down)
    answers = eye.respond(picture)
    fig, axes = plt.subplots(1, 6, figsize=(11, 2.4), width_ratios=[1, 1, 1, 1, 1, 1.7])
    layers_shown = [picture, *(u.max(0) for pair in answers[:2] for u in pair)]
    for ax, layer, title in zip(axes, layers_shown, ("input", "S1", "C1", "S2", "C2"), strict=False):
        ax.imshow(layer, cmap="gray_r", vmin=0, vmax=1)
        ax.set(title=title, xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
    axes[5].bar(range(24), answers[2][1].ravel(), color=COLOURS[0])
    for name, cell in cell_of.items():
        axes[5].text(cell, 0.75 + 0.1 * (cell % 2), name, ha="center", weight="bold")
    axes[5].set(title="C3: the answer", ylim=(0, 1), xticks=[])
    return fig


explore(draw_eye, alt="a digit, the answers of the layers, and the last cells; one fires",
        pattern=list("20134"), right=(-4, 4, 1, 2), down=(-3, 3, 1, -1))

# %% [markdown]
# How well does it forgive? We shift all five digits by up to three cells in every direction, and count.
# Beside it: five perceptrons on the 256 pixels, which learned the same five pictures. (Guessing would be
# right in one of five.)

# %% tags=["slide"]
pixels = np.array([digit(name).ravel() for name in DIGITS])
readers = [perceptron.learn(pixels, np.arange(5) == k).final for k in range(5)]
moves = range(-3, 4)


def pixel_reader(picture):
    """Number of the perceptron with the greatest net."""
    return int(np.argmax([w[:-1] @ picture.ravel() + w[-1] for w in readers]))


known = np.zeros((2, 7, 7))
for row, down in enumerate(moves):
    for column, right in enumerate(moves):
        for k, name in enumerate(DIGITS):
            picture = shifted(digit(name), right, down)
            known[0, row, column] += pixel_reader(picture) == k
            known[1, row, column] += eye.classify(picture) == cell_of[name]
fig, axes = plt.subplots(1, 2, figsize=(8, 3.4))
for ax, image, title in zip(axes, known, ("perceptrons on pixels", "neocognitron"), strict=True):
    shade = ax.imshow(image, vmin=0, vmax=5, cmap="viridis", extent=(-3.5, 3.5, 3.5, -3.5))
    ax.set(title=title, xlabel="shift to the right", ylabel="shift down")
    ax.grid(False)
fig.colorbar(shade, ax=axes, label="digits known (of 5)")
show(fig, alt="Digits known after a shift: perceptrons only near no shift, neocognitron nearly everywhere")

# %% tags=["varies"]
for reader, image in zip(("pixels", "neocognitron"), known, strict=True):
    print(f"{reader}: {image.mean() / 5:.0%} of all shifted digits known")
claim("The neocognitron knows nearly all shifted digits", known[1].mean() / 5 > 0.95)
claim("Perceptrons on pixels know fewer than half", known[0].mean() / 5 < 0.5)

# %% [markdown] tags=["instructor"]
# The two roots meet in the next lesson: the neocognitron had the architecture (local fields, shared
# weights, pooling) and no good way to learn; back-propagation had the way to learn. LeCun joined them
# in 1989. Ask: "Should a reader of chest films forgive shifts of 3 cm?" (A heart on the right side is
# a finding.)

# %% [markdown] tags=["slide"]
# ## 11 Sixty years in one picture

# %% tags=["slide"]
EVENTS = {
    1958: "perceptron", 1969: "XOR: the limits\nof one layer", 1980: "neocognitron",
    1986: "back-propagation\n(report: 1985)", 1989: "LeNet", 1998: "LeNet-5", 2007: "CUDA: graphics\ncards compute",
    2012: "AlexNet", 2015: "ResNet, U-Net", 2017: "DenseNet,\nCheXNet",
}  # fmt: skip
HEIGHTS = [1, -1, 1, -1, 2.1, 1, -1, 1.6, -2.1, 0.8]
fig, ax = plt.subplots(figsize=(10, 3.4))
ax.axhline(0, color="#777777", lw=3)
for (year, name), height in zip(EVENTS.items(), HEIGHTS, strict=True):
    colour = COLOURS[0] if height > 0 else COLOURS[1]
    ax.plot([year, year], [0, height], color=colour)
    ax.plot(year, 0, "o", color=colour, ms=8)
    ax.text(year, height, f"{year}\n{name}" if height > 0 else f"{name}\n{year}", ha="center",
            va="bottom" if height > 0 else "top", fontsize=9)  # fmt: skip
ax.set(xlim=(1953, 2023), ylim=(-3.1, 3.2))
ax.set_axis_off()
show(fig, alt="Timeline: perceptron 1958, XOR 1969, neocognitron 1980, back-propagation 1986, LeNet 1989, "
     "LeNet-5 1998, CUDA 2007, AlexNet 2012, ResNet and U-Net 2015, DenseNet and CheXNet 2017")

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A neuron is a weighted sum, a bias and an activation. The cardiothoracic ratio is one.
# - A perceptron learns any line that exists, and never rests if there is none (XOR). A hidden layer
#   helps.
# - Learning is walking downhill: **minus**, and times a **learning rate**.
# - Back-propagation is the chain rule, walked once from the loss to all weights. Check it numerically.
# - Cross-entropy gives the gradient "said minus true", however certain the network was. Sigmoids in deep
#   layers make gradients vanish; ReLU keeps them.
# - The neocognitron: local features, shared weights, forgiving shifts.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - Rosenblatt F. The perceptron: a probabilistic model for information storage and organization in the
#   brain. *Psychological Review* 65:386-408, 1958.
# - Novikoff A. On convergence proofs on perceptrons. *Symp. Mathematical Theory of Automata*, 1962.
# - Minsky M, Papert S. *Perceptrons*. MIT Press, 1969.
# - Fukushima K. Neocognitron: a self-organizing neural network model for a mechanism of pattern
#   recognition unaffected by shift in position. *Biological Cybernetics* 36:193-202, 1980.
# - Rumelhart D, Hinton G, Williams R. Learning representations by back-propagating errors. *Nature*
#   323:533-536, 1986.
# - Glorot X, Bengio Y. Understanding the difficulty of training deep feedforward neural networks.
#   *AISTATS*, 2010.
# - Rueckert D. AI in Medicine I: image classification and regression (lecture), TU Munich. The update
#   rule of the exercise is on its slide "Recap: neural networks".
# - Danzer C. The cardiothoracic ratio: an index of cardiac enlargement. *Am J Med Sci* 157:513-521, 1919.

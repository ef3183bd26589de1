# %% [markdown] tags=["slide"]
# ## Deeper is better. Until it is not.
#
# In 2014 everybody made networks deeper: 8 layers, 16, 19, 22. Then it stopped working. With 56 layers a
# network did *worse* than with 20. Not only on new images: on the very images it was **trained** on.
#
# That cannot be [[overfitting]]. A deep network could always copy the shallow one and let its other layers do
# nothing. It did not find that solution. One addition per block helped it. Let us see it happen.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

from course_lib.evaluation.published import published
from course_lib.models.counting import count_parameters
from course_lib.models.plain import SmallResNet
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)  # these networks are small: a second thread would only wait

# %% [markdown]
# ## 1 The paper's finding
#
# He and colleagues trained plain and residual networks of 18 and 34 layers on 1.3 million photographs
# (ImageNet). Both have the same layers; the residual ones have, in addition, a way round every two of them.

# %%
table = published("imagenet_top1").set_index(["network", "crops"])["top1"]
for kind in ("plain", "resnet"):
    errors = [100 - table[f"{kind}{layers}", "ten"] for layers in (18, 34)]
    print(f"{kind:6} 18 layers: {errors[0]:.2f} % wrong    34 layers: {errors[1]:.2f} % wrong")

# %% [markdown]
# Plain: more layers, more errors. Residual: more layers, fewer errors.
#
# We repeat it in a minute with small images: 1,797 handwritten digits of 8 x 8 pixels that come with
# scikit-learn. We train on 1,400 of them.

# %%
from sklearn.datasets import load_digits

from course_lib.learning.pairs import Pairs

digits = load_digits()
pixels = torch.tensor(digits.images, dtype=torch.float32)[:, None]
pixels = (pixels - pixels.mean()) / pixels.std()
answers = torch.tensor(digits.target)
train, held_out = Pairs(pixels[:1400], answers[:1400]), Pairs(pixels[1400:], answers[1400:])
titles = [str(number) for number in digits.target[:8]]
show(films(digits.images[:8], titles, columns=8, cmap="gray_r", interpolation="nearest"), alt="Eight handwritten digits of 8 x 8 pixels")

# %% [markdown] tags=["slide"]
# ## 2 One block, with and without a way round
#
# - **Plain block**: $\quad y = \text{ReLU}\bigl(F(x)\bigr)$
# - **[[Residual block|residual block]]**: $\quad y = \text{ReLU}\bigl(F(x) + x\bigr)$
#
# $F$ is the same in both: convolution, [[batch normalisation]], ReLU, convolution, batch normalisation. The
# way round is called [[shortcut connection]]. It has no weights.
#
# To do *nothing*, a plain block must learn the [[identity mapping]]. A residual block must learn zero.

# %% [markdown] tags=["exercise"] exercise="residual_addition"
# ### Exercise: write the block
#
# `branch` is the function $F$ (it computes both convolutions with their norms and the ReLU between them). Write
# the residual block.

# %% tags=["stub"] exercise="residual_addition"
def residual_block(x, branch):
    """Output of a residual block for the maps x, a tensor."""
    return ...

# %% tags=["check"] exercise="residual_addition"
check("residual_addition", residual_block)

# %% [markdown] tags=["hint"] exercise="residual_addition"
# Two things happen to $F(x)$ before it leaves the block. In which order?

# %% [markdown] tags=["hint"] exercise="residual_addition"
# The addition comes first, then the ReLU: the formula says so with its brackets.

# %% [markdown] tags=["hint"] exercise="residual_addition"
# `torch.relu(...)` of the sum of `branch(x)` and `x`.

# %% tags=["solution"] exercise="residual_addition"
def residual_block(x, branch):
    """Output of a residual block for the maps x, a tensor."""
    return torch.relu(branch(x) + x)  # if the branch gives zero, x passes (x is never negative here)

# %% tags=["equivalent"] exercise="residual_addition"
def residual_block(x, branch):
    return F.relu(x + branch(x))

# %% tags=["equivalent"] exercise="residual_addition"
def residual_block(x, branch):
    return (x + branch(x)).clamp(min=0)

# %% tags=["equivalent"] exercise="residual_addition"
def residual_block(x, branch):
    y = branch(x)
    y += x
    return torch.maximum(y, torch.zeros_like(y))

# %% tags=["wrong"] exercise="residual_addition" says="plain block"
def residual_block(x, branch):
    return torch.relu(branch(x))

# %% tags=["wrong"] exercise="residual_addition" says="after the addition"
def residual_block(x, branch):
    return torch.relu(branch(x)) + x

# %% tags=["wrong"] exercise="residual_addition" says="no ReLU"
def residual_block(x, branch):
    return branch(x) + x

# %% tags=["wrong"] exercise="residual_addition" says="beside the branch"
def residual_block(x, branch):
    return torch.relu(branch(x + x))

# %% tags=["wrong"] exercise="residual_addition" says="more channels"
def residual_block(x, branch):
    return torch.relu(torch.cat([branch(x), x], dim=1))

# %% tags=["wrong"] exercise="residual_addition" says="x alone"
def residual_block(x, branch):
    return F.relu(x)

# %% tags=["checker"] exercise="residual_addition"
def checker(residual_block):
    x = torch.tensor([[2.0, 0.5], [1.0, 3.0]])
    branch = lambda maps: maps.square() - 2.5  # positive for some values, negative for others
    value, right = residual_block(x, branch), torch.relu(branch(x) + x)
    if isinstance(value, torch.Tensor):
        require(value.shape == x.shape, "Joined maps are more channels (DenseNet does that); here we add.")
        require(not torch.allclose(value, x), "x alone comes out: where is branch(x)?")
        require(not torch.allclose(value, torch.relu(branch(x))), "This is the plain block: x is missing.")
        require(not torch.allclose(value, torch.relu(branch(x)) + x), "The ReLU comes after the addition.")
        require(not torch.allclose(value, branch(x) + x), "There is no ReLU at the end.")
        require(not torch.allclose(value, torch.relu(branch(x + x))), "x goes round, beside the branch.")
    close(value, right, "That is not ReLU(F(x) + x).")

# %% [markdown]
# ## 3 The experiment
#
# Networks of 8 and 44 layers (`course_lib/models/plain.py`: the paper's plan for small images), plain and
# residual. The twins have *exactly* the same parameters: where the resolution halves, the shortcut takes every second
# pixel and adds empty maps. Same data, same steps, batch normalisation in all. Training all twelve takes a minute or two.

# %%
for depth in (8, 44):
    counts = [count_parameters(SmallResNet(depth, 10, 1, residual=r, width=8)) for r in (False, True)]
    print(f"{depth} layers: plain {counts[0]:,} parameters, residual {counts[1]:,}")

# %%
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit


def loss(model, batch):
    """Cross-entropy of the right classes."""
    return F.cross_entropy(model(batch["input"]).float(), batch["target"])


def trained(depth, residual, seed, epochs=10):
    """A trained network (its best epoch), the training losses, and its share of wrong training digits."""
    torch.manual_seed(seed)
    network = SmallResNet(depth, 10, 1, residual=residual, width=8)
    plan = Plan(epochs, 64, learning_rate=0.1, optimiser="sgd", weight_decay=1e-4, seed=seed)
    history = fit(network, train, held_out, loss, plan)
    return network, [row["train_loss"] for row in history], share_wrong(network, train)


@torch.no_grad()
def share_wrong(network, pairs):
    """Share of images that the network answers wrongly."""
    said = network.eval()(pairs.arrays["input"]).argmax(1)
    return (said != pairs.arrays["target"]).float().mean().item()

# %% tags=["varies"]
SEEDS = range(3)
runs = {
    (depth, residual): [trained(depth, residual, seed) for seed in SEEDS]
    for depth in (8, 44)
    for residual in (False, True)
}
for (depth, residual), three in runs.items():
    wrong = ", ".join(f"{100 * run[2]:.1f} %" for run in three)
    print(f"{'residual' if residual else 'plain':8} {depth:2} layers, wrong on the training digits: {wrong}")

# %% tags=["slide", "varies"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.3), sharey=True)
for ax, residual in zip(axes, (False, True), strict=True):
    for depth, colour in ((8, COLOURS[0]), (44, COLOURS[1])):
        for number, (_, losses, _) in enumerate(runs[depth, residual]):
            label = f"{depth} layers" if number == 0 else None
            ax.plot(range(1, 11), losses, color=colour, label=label)
    ax.set(title="residual" if residual else "plain", xlabel="epoch", yscale="log")
axes[0].set_ylabel("training loss")
axes[0].legend()
show(fig, alt="Training loss, three runs each: the plain net of 44 layers stays high, its residual twin falls as fast as the shallow nets")

# %% tags=["varies"]
plain_deep = [run[2] for run in runs[44, False]]
others = [run[2] for key in runs if key != (44, False) for run in runs[key]]
claim("Every deep plain net is wrong on more than a tenth of its own training digits", min(plain_deep) > 0.1)
claim("Shallow nets and deep residual nets learn nearly all of them", max(others) < 0.03)

# %% [markdown] tags=["slide"]
# ### What we saw
#
# - **Degradation**: 44 plain layers train worse than 8. On *training* images, in every run.
# - One addition per block, not one weight more, and 44 layers train as well as 8.
# - This is about *finding* the solution, not about having it.

# %% [markdown]
# We gave all nets ten epochs. With forty, the deep plain net gets better (about a sixth of the training digits wrong when
# we tried), but it still does not reach what eight layers reach in three. The authors of the paper also let their
# plain nets run three times longer and still saw the [[degradation]].
#
# And be fair: on these easy digits depth is not *needed*. On digits that were not trained on, 44 residual layers read
# no better than 8. Depth pays when the question is hard and the data are many.

# %% tags=["varies"]
on_new = {depth: np.mean([share_wrong(run[0], held_out) for run in runs[depth, True]]) for depth in (8, 44)}
print(", ".join(f"{depth} residual layers: {100 * wrong:.1f} % of the other digits wrong" for depth, wrong in on_new.items()))
claim("44 residual layers do not beat 8 by 3 points on them", on_new[44] > on_new[8] - 0.03)

# %% [markdown] tags=["instructor"]
# Ask before showing the curves: "Which of the four lines will be worst, and on which images do we measure?" Most students
# say "the deep one, because it overfits". Let them say what overfitting would look like (training loss low). Then show it.
# Short of time: skip sections 8 (tiles) and 10 (chart). Training takes most of the minutes: start it, then explain.

# %% [markdown]
# ## 4 Why? Look at the gradient
#
# Many texts say: the [[gradient vanishes|vanishing gradient]] on its way back through many layers. Let us not believe it, but
# look. For untrained networks we measure how long the gradient is in each block, from the image to the answer.

# %%
def gradient_by_block(depth, residual, seed=0):
    """Length of the loss's gradient with respect to the first weights of each block."""
    torch.manual_seed(seed)
    network = SmallResNet(depth, 10, 1, residual=residual, width=8).train()
    F.cross_entropy(network(pixels[:256]), answers[:256]).backward()
    return np.array([block.conv1.weight.grad.norm().item() for block in network.blocks()])


fig, ax = plt.subplots(figsize=(7.5, 3.4))
for residual, style in ((False, "-"), (True, "--")):
    for depth, colour in ((20, COLOURS[0]), (44, COLOURS[1]), (80, COLOURS[2])):
        lengths = gradient_by_block(depth, residual)
        place = np.linspace(0, 1, len(lengths))
        ax.plot(place, lengths, style, color=colour, label=f"{'residual' if residual else 'plain'} {depth}")
ax.set(xlabel="place of the block: image (0) to answer (1)", ylabel="length of the gradient", yscale="log")
ax.legend(ncols=2)
show(fig, alt="In plain nets the gradient grows from answer to image, over ten thousand times in 80 layers; in residual nets it stays nearly level")

# %%
plain, residual = gradient_by_block(80, False), gradient_by_block(80, True)
claim("In the plain net of 80 layers it is over a thousand times longer near the image", plain[0] > 1000 * plain[-1])
claim("In the residual net all blocks are within a factor of twenty", residual.max() < 20 * residual.min())

# %% [markdown] tags=["slide"]
# ### It does not vanish: it explodes
#
# - With batch normalisation the gradient of a deep plain net *grows* on its way back: no step size suits all layers.
# - The way round carries it unchanged. From $y = x + F(x)$ (without the last ReLU) follows
#
# $$\frac{\partial\,\text{loss}}{\partial x} = \frac{\partial\,\text{loss}}{\partial y}\,\bigl(1 + F'(x)\bigr)$$
#
# - The **1** is the whole trick: every layer hears the answer directly.
#
# Without normalisation, and with small weights, it would vanish instead. Both are the same illness: a long product.

# %% [markdown]
# ### Take a block away
#
# If each block only *adds a little*, the net should survive losing one. We replace one block after the other by
# "do nothing", without training again. (We leave the two blocks that halve the resolution.)

# %% tags=["varies"]
import copy

from torch import nn


def wrong_without_each_block(network):
    """Share of wrong held-out digits when one block is replaced by the identity, for each block."""
    shares = []
    for group in ("layer1", "layer2", "layer3"):
        for number in range(len(network.get_submodule(group))):
            if group != "layer1" and number == 0:
                continue  # it changes the shape: nothing can stand in for it
            injured = copy.deepcopy(network)
            injured.get_submodule(group)[number] = nn.Identity()
            shares.append(share_wrong(injured, held_out))
    return shares


twins = {name: trained(20, name == "residual", seed=0)[0] for name in ("plain", "residual")}
without = {name: wrong_without_each_block(network) for name, network in twins.items()}

# %% tags=["varies"]
fig, ax = plt.subplots(figsize=(6.5, 3))
for number, (name, shares) in enumerate(without.items()):
    whole = share_wrong(twins[name], held_out)
    ax.bar(np.arange(len(shares)) + 0.4 * number, np.multiply(100, shares), 0.4, label=f"{name}, 20 layers")
    ax.axhline(100 * whole, color=COLOURS[number], linestyle=":")
ax.set(xlabel="which block is missing (dotted: none)", ylabel="wrong digits (%)", ylim=(0, 122))
ax.set_yticks(range(0, 101, 20))
ax.legend(loc="upper center", ncols=2)
show(fig, alt="Without one block the plain net guesses; the residual net mostly keeps reading")

# %% tags=["varies"]
claim("The plain net without one block is wrong on most digits", np.median(without["plain"]) > 0.5)
claim("The residual net without one block loses far less", np.median(without["residual"]) < 0.6 * np.median(without["plain"]))

# %% [markdown] tags=["slide"]
# ## 5 The ResNet family
#
# | | blocks at 56, 28, 14, 7 pixels | block |
# |---|---|---|
# | ResNet-18 | 2, 2, 2, 2 | two 3x3 |
# | ResNet-34 | 3, 4, 6, 3 | two 3x3 |
# | ResNet-50 | 3, 4, 6, 3 | [[bottleneck]]: 1x1, 3x3, 1x1 |
# | ResNet-101 | 3, 4, 23, 3 | bottleneck |
# | ResNet-152 | 3, 8, 36, 3 | bottleneck |
#
# Before the blocks, the **stem**: one 7x7 convolution and max pooling. After them: the mean of each map and one linear layer.
#
# Where the blocks change resolution and channels, $x$ no longer fits: there a 1x1 convolution stands in the shortcut.

# %%
from course_lib.models.arithmetic.summary import count_macs
from course_lib.models.zoo import ARCHITECTURES, build


def costs(name):
    """(parameters, multiply-adds) of a published network, without computing anything."""
    with torch.device("meta"):  # tensors with a shape but without numbers
        network = build(name)
    side = ARCHITECTURES[name].pixels
    return count_parameters(network), count_macs(network, (1, 3, side, side))


for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"):
    parameters, operations = costs(name)
    print(f"{name:9} {parameters:11,} parameters {operations:15,} multiply-adds")

# %% [markdown] tags=["exercise"] exercise="bottleneck_saves"
# ### Exercise: what a bottleneck saves
#
# Maps with `channels` channels enter a block and leave it. Count the weights of its convolutions (no biases):
#
# - `two_3x3(channels)`: two 3x3 convolutions, all with `channels` maps.
# - `bottleneck(channels)`: 1x1 to a quarter of the channels, 3x3 among these, 1x1 back to `channels`.

# %% tags=["stub"] exercise="bottleneck_saves"
def two_3x3(channels):
    """Weights of two 3x3 convolutions from `channels` to `channels` maps."""
    return ...


def bottleneck(channels):
    """Weights of the three convolutions of a bottleneck."""
    return ...

# %% tags=["check"] exercise="bottleneck_saves"
check("bottleneck_saves", two_3x3, bottleneck)

# %% [markdown] tags=["hint"] exercise="bottleneck_saves"
# A convolution has kernel area x maps in x maps out weights.

# %% [markdown] tags=["hint"] exercise="bottleneck_saves"
# With c channels, one 3x3 convolution has 9 c c weights. In the bottleneck, which two numbers of maps belong to each
# of the three convolutions?

# %% [markdown] tags=["hint"] exercise="bottleneck_saves"
# Bottleneck with q = c / 4: c q for the first, 9 q q for the middle, q c for the last.

# %% tags=["solution"] exercise="bottleneck_saves"
def two_3x3(channels):
    """Weights of two 3x3 convolutions from `channels` to `channels` maps."""
    return 2 * 9 * channels**2


def bottleneck(channels):
    """Weights of the three convolutions of a bottleneck."""
    few = channels // 4
    return channels * few + 9 * few**2 + few * channels  # the expensive 3x3 sees few maps

# %% tags=["equivalent"] exercise="bottleneck_saves"
def two_3x3(channels):
    return 18 * channels * channels


def bottleneck(channels):
    return 17 * channels**2 / 16

# %% tags=["wrong"] exercise="bottleneck_saves" says="two of them"
def two_3x3(channels):
    return 9 * channels**2


def bottleneck(channels):
    return 17 * channels**2 // 16

# %% tags=["wrong"] exercise="bottleneck_saves" says="kernel area"
def two_3x3(channels):
    return 2 * 3 * channels**2


def bottleneck(channels):
    return 17 * channels**2 // 16

# %% tags=["wrong"] exercise="bottleneck_saves" says="Every map in"
def two_3x3(channels):
    return 2 * 9 * channels


def bottleneck(channels):
    return 17 * channels**2 // 16

# %% tags=["wrong"] exercise="bottleneck_saves" says="back to all"
def two_3x3(channels):
    return 18 * channels**2


def bottleneck(channels):
    few = channels // 4
    return channels * few + 9 * few**2

# %% tags=["wrong"] exercise="bottleneck_saves" says="quarter"
def two_3x3(channels):
    return 18 * channels**2


def bottleneck(channels):
    return channels**2 + 9 * channels**2 + channels**2

# %% tags=["wrong"] exercise="bottleneck_saves" says="on both sides"
def two_3x3(channels):
    return 18 * channels**2


def bottleneck(channels):
    few = channels // 4
    return channels * few + 9 * few * channels + few * channels

# %% tags=["checker"] exercise="bottleneck_saves"
def checker(two_3x3, bottleneck):
    wide = two_3x3(256)
    if isinstance(wide, (int, float)):
        require(wide != 9 * 256**2, "That is one 3x3 convolution; there are two of them.")
        require(wide != 6 * 256**2, "The kernel area of 3x3 is 9, not 3.")
        require(wide != 18 * 256, "Every map in meets every map out: multiply both numbers.")
    close(wide, 1_179_648, "Two 3x3 convolutions among 256 maps have another number of weights.", rtol=1e-9)
    narrow = bottleneck(256)
    if isinstance(narrow, (int, float)):
        require(narrow != 256 * 64 + 9 * 64**2, "The last 1x1 convolution, back to all maps, is missing.")
        require(narrow != 11 * 256**2, "The maps inside are only a quarter: that is the saving.")
        require(narrow != 2 * 64 * 256 + 9 * 64 * 256, "The 3x3 has a quarter of the maps on both sides, in and out.")
    close(narrow, 69_632, "A bottleneck of 256 maps has another number of weights.", rtol=1e-9)
    close(bottleneck(1024), 1_114_112, "And for 1024 maps?", rtol=1e-9)

# %% [markdown]
# Seventeen times fewer. That is how ResNet-50 affords maps of 256 to 2048 channels for the price of ResNet-34.
#
# A detail that matters when you compare numbers: where a bottleneck halves the resolution, the paper does it in the
# first 1x1 convolution ("version 1"), today's libraries in the 3x3 ("version 1.5").

# %%
from course_lib.models.resnet import published_resnet

with torch.device("meta"):
    versions = {v: published_resnet("resnet50", version=v) for v in ("v1", "v1.5")}
for version, network in versions.items():
    print(f"ResNet-50 {version:4}: {count_macs(network, (1, 3, 224, 224)):,} multiply-adds")

# %% [markdown] tags=["slide"]
# ## 6 DenseNet: do not add, join
#
# A ResNet adds: what a layer found is mixed into the rest. A DenseNet ([[concatenation]]) puts it *beside* the rest:
#
# $$x_l = H_l\bigl([x_0, x_1, \dots, x_{l-1}]\bigr)$$
#
# - Every layer sees the maps of **all** layers before it in its block: $L(L+1)/2$ connections.
# - Each adds only $k$ new maps: the [[growth rate]], 32 in DenseNet-121.
# - Between blocks a [[transition layer]] halves channels and resolution.

# %%
def scales(name):
    """(part, channels, side) after each dense block and transition of a published DenseNet."""
    rows = []
    with torch.device("meta"):
        maps = torch.empty(1, 3, 224, 224)
        for part, layer in build(name).features.named_children():
            maps = layer(maps)
            if part.startswith(("pool0", "denseblock", "transition")):
                rows.append((part, maps.shape[1], maps.shape[2]))
    return rows


plans = {name: scales(name) for name in ("densenet121", "densenet169", "densenet201", "densenet264")}
print(f"{'':12}", *[f"{name:>12}" for name in plans], "   side")
for rows in zip(*plans.values(), strict=True):
    print(f"{rows[0][0]:12}", *[f"{channels:12}" for _, channels, _ in rows], f"   {rows[0][2]:4}")

# %%
sides = [side for part, _, side in plans["densenet121"] if not part.startswith("denseblock")]
claim("After the stem 56 pixels, then 28, 14 and 7 (and 112 inside the stem)", sides == [56, 28, 14, 7])

# %% [markdown] tags=["exercise"] exercise="dense_channels"
# ### Exercise: channels on paper
#
# DenseNet-121 starts with 64 maps after the stem. Its blocks have 6, 12, 24 and 16 layers; each layer adds 32 maps.
# After each block *except the last* a transition halves the number of maps.
#
# Write `channels_after_blocks(blocks, growth, stem)`: the list of the channels at the end of each block, before its transition.

# %% tags=["stub"] exercise="dense_channels"
def channels_after_blocks(blocks, growth, stem):
    """For example blocks (6, 12, 24, 16), growth 32, stem 64; a list with one number per block."""
    return ...

# %% tags=["check"] exercise="dense_channels"
check("dense_channels", channels_after_blocks)

# %% [markdown] tags=["hint"] exercise="dense_channels"
# Do the first block by hand: 64 maps come in, six layers add 32 each.

# %% [markdown] tags=["hint"] exercise="dense_channels"
# 64 + 6 x 32 = 256. The transition makes 128 of it. With these the second block begins.

# %% [markdown] tags=["hint"] exercise="dense_channels"
# Loop over the blocks: add layers times growth, append the number to a list, halve it (`//= 2`), go on.

# %% tags=["solution"] exercise="dense_channels"
def channels_after_blocks(blocks, growth, stem):
    """For example blocks (6, 12, 24, 16), growth 32, stem 64; a list with one number per block."""
    channels, ends = stem, []
    for layers in blocks:
        channels += layers * growth
        ends.append(channels)
        channels //= 2  # the transition (after the last block nobody looks)
    return ends

# %% tags=["equivalent"] exercise="dense_channels"
def channels_after_blocks(blocks, growth, stem):
    ends = [stem + blocks[0] * growth]
    for layers in blocks[1:]:
        ends.append(ends[-1] // 2 + layers * growth)
    return np.array(ends)

# %% tags=["wrong"] exercise="dense_channels" says="transition"
def channels_after_blocks(blocks, growth, stem):
    return list(stem + growth * np.cumsum(blocks))

# %% tags=["wrong"] exercise="dense_channels" says="before its transition"
def channels_after_blocks(blocks, growth, stem):
    ends = []
    for layers in blocks:
        stem = (stem + layers * growth) // 2
        ends.append(stem)
    return ends

# %% tags=["wrong"] exercise="dense_channels" says="before its transition"
def channels_after_blocks(blocks, growth, stem):
    ends = []
    for number, layers in enumerate(blocks):
        stem += layers * growth
        if number < len(blocks) - 1:
            stem //= 2
        ends.append(stem)
    return ends

# %% tags=["wrong"] exercise="dense_channels" says="of the stem stay"
def channels_after_blocks(blocks, growth, stem):
    channels, ends = 0, []
    for layers in blocks:
        channels += layers * growth
        ends.append(channels)
        channels //= 2
    return ends

# %% tags=["wrong"] exercise="dense_channels" says="transition left"
def channels_after_blocks(blocks, growth, stem):
    return [stem + layers * growth for layers in blocks]

# %% tags=["wrong"] exercise="dense_channels" says="doubles nothing"
def channels_after_blocks(blocks, growth, stem):
    return [stem * 2 ** (number + 1) for number in range(len(blocks))]

# %% tags=["wrong"] exercise="dense_channels" says="squeezed"
def channels_after_blocks(blocks, growth, stem):
    ends = []
    for layers in blocks:
        stem += layers * 4 * growth
        ends.append(stem)
        stem //= 2
    return ends

# %% tags=["wrong"] exercise="dense_channels" says="one number per block"
def channels_after_blocks(blocks, growth, stem):
    return stem + sum(blocks) * growth

# %% tags=["checker"] exercise="dense_channels"
def checker(channels_after_blocks):
    value = channels_after_blocks((6, 12, 24, 16), 32, 64)
    require(value is ... or np.size(value) == 4, "Give a list with one number per block.")
    if value is not ... and value is not None:
        first, *rest = [float(number) for number in value]
        other = np.asarray(channels_after_blocks((6, 12, 64, 48), 32, 64), dtype=float)
        require(other.shape != (4,) or tuple(other) != (128, 256, 512, 1024), "A block doubles nothing: it adds layers x growth maps.")
        require(first != 128, "You halved already; we want the channels before its transition.")
        require(first != 192, "The 64 maps of the stem stay: a block joins its new maps to them.")
        require(rest[0] != 448, "A block begins with what the transition left, not with the 64 maps of the stem.")
        require(first != 832, "The 4 x 32 maps are squeezed ones inside a layer; it adds only 32.")
        require(rest[0] != 640, "The transition between the blocks is missing: it halves the channels.")
    close(value, [256, 512, 1024, 1024], "Not the channels of DenseNet-121.")
    close(channels_after_blocks((6, 12, 64, 48), 32, 64), [256, 512, 2304, 2688], "Nor those of DenseNet-264.")

# %% [markdown]
# Why is DenseNet the favourite of so many chest film projects, CheXNet and SCXNN (later lessons) among them? It is small:
# maps are used again instead of learned again. Its price is memory: all joined maps must be kept for the way back.

# %%
for name in ("resnet50", "densenet121"):
    parameters, operations = costs(name)
    print(f"{name:11} {parameters / 1e6:4.1f} million parameters, {operations / 1e9:.2f} billion multiply-adds,", end=" ")
    print(f"{table[name, 'single']:.1f} % right on ImageNet")
claim("A third of the parameters", costs("densenet121")[0] * 3 < costs("resnet50")[0])

# %% [markdown] tags=["slide"]
# ## 7 EfficientNet: grow in all directions
#
# A network can become **deeper**, **wider** (more channels), or see **more pixels**. Each alone soon brings little.
# [[Compound scaling|compound scaling]] grows all three together, by $\phi$ steps:
#
# $$\text{depth } 1.2^{\phi}, \qquad \text{width } 1.1^{\phi}, \qquad \text{resolution } 1.15^{\phi}$$
#
# Its blocks filter each map by itself ([[depthwise convolution]]), and weigh the maps by what they contain
# (squeeze and excitation).

# %% [markdown] tags=["exercise"] exercise="scaling_cost"
# ### Exercise: what growing costs
#
# A network is made `depth` times deeper (layers) and `width` times wider (channels), and its pictures get `resolution` times
# more pixels along each side. How many times more multiply-adds do its convolutions cost?

# %% tags=["stub"] exercise="scaling_cost"
def cost_factor(depth, width, resolution):
    """How many times more multiply-adds, if each of the three grows by its factor."""
    return ...

# %% tags=["check"] exercise="scaling_cost"
check("scaling_cost", cost_factor)

# %% [markdown] tags=["hint"] exercise="scaling_cost"
# A convolution's multiply-adds: kernel area x maps in x maps out x height x width of the maps.

# %% [markdown] tags=["hint"] exercise="scaling_cost"
# Twice the width: maps in *and* maps out are doubled. Twice the resolution: height *and* width.

# %% [markdown] tags=["hint"] exercise="scaling_cost"
# Depth counts once, the other two are squared.

# %% tags=["solution"] exercise="scaling_cost"
def cost_factor(depth, width, resolution):
    """How many times more multiply-adds, if each of the three grows by its factor."""
    return depth * width**2 * resolution**2  # maps in and out; rows and columns

# %% tags=["equivalent"] exercise="scaling_cost"
def cost_factor(depth, width, resolution):
    return depth * (width * resolution) ** 2

# %% tags=["wrong"] exercise="scaling_cost" says="maps in and maps out"
def cost_factor(depth, width, resolution):
    return depth * width * resolution**2

# %% tags=["wrong"] exercise="scaling_cost" says="rows and columns"
def cost_factor(depth, width, resolution):
    return depth * width**2 * resolution

# %% tags=["wrong"] exercise="scaling_cost" says="neither"
def cost_factor(depth, width, resolution):
    return depth * width * resolution

# %% tags=["wrong"] exercise="scaling_cost" says="layers more"
def cost_factor(depth, width, resolution):
    return (depth * width * resolution) ** 2

# %% tags=["wrong"] exercise="scaling_cost" says="multiply"
def cost_factor(depth, width, resolution):
    return depth + width**2 + resolution**2

# %% tags=["checker"] exercise="scaling_cost"
def checker(cost_factor):
    value = cost_factor(2, 3, 5)
    if isinstance(value, (int, float)):
        require(value != 2 * 3 * 25, "With the width grow maps in and maps out.")
        require(value != 2 * 9 * 5, "With the resolution grow rows and columns.")
        require(value != 30, "Two of the three count twice, and yours count neither twice.")
        require(value != 900, "Twice as many layers are only twice the work: layers more, not layers squared.")
        require(value != 2 + 9 + 25, "The factors multiply: each layer is wider and sees more pixels.")
    close(value, 450, "For depth 2, width 3, resolution 5 it is another factor.")
    close(cost_factor(1, 1, 1), 1, "Nothing grows: the factor is 1.")

# %% [markdown]
# With the paper's ratios, one step costs $1.2 \cdot 1.1^2 \cdot 1.15^2 \approx 1.92$: nearly twice the work.
#
# ### Play: scale a network yourself
#
# Three factors, a real EfficientNet is built (as a plan, without numbers) and counted. How well does the rule hold? Layers come in whole numbers and
# channels in multiples of eight, so small steps may change nothing.

# %%
from course_lib.models.efficientnet import EfficientNet


def draw_scaled(depth, width, pixels):
    with torch.device("meta"):
        start, network = EfficientNet(), EfficientNet(width, depth)
    grown = count_macs(network, (1, 3, pixels, pixels)) / count_macs(start, (1, 3, 224, 224))
    rule = depth * width**2 * (pixels / 224) ** 2
    heavier = count_parameters(network) / count_parameters(start)
    fig, ax = plt.subplots(figsize=(6, 2.4))
    names = ["multiply-adds, counted", "multiply-adds, by the rule", "parameters, counted"]
    bars = ax.barh(names, [grown, rule, heavier], color=COLOURS[:3])
    ax.bar_label(bars, fmt="%.2f", padding=3)
    ax.set(xlabel="times EfficientNet-B0", xlim=(0, max(grown, rule, heavier) * 1.15))
    ax.invert_yaxis()
    return fig


explore(
    draw_scaled,
    alt="multiply-adds counted and by the rule, and parameters, as multiples of EfficientNet-B0",
    depth=(1.0, 2.0, 0.1, 1.2),
    width=(1.0, 1.5, 0.05, 1.1),
    pixels=(128, 384, 32, 256),
)

# %%
for name in ("efficientnet_b0", "efficientnet_b1", "efficientnet_b2"):
    parameters, operations = costs(name)
    print(f"{name}: {ARCHITECTURES[name].pixels} pixels, {parameters:,} parameters, {operations:,} multiply-adds, "
          f"{operations / costs('efficientnet_b0')[1]:.2f} times B0")

# %% [markdown]
# B2 is about one step from B0 (1.2 times deeper, 1.1 times wider, 260 pixels), B1 about half a step. B2 costs more than 1.92 times
# B0, because each group of layers is rounded *up*: 16 blocks become 23, not 19.

# %% [markdown] tags=["slide"]
# ## 8 U-Net: an answer for every pixel
#
# Down: *what* is it? Convolutions and pooling, as in a classifier. Up: *where* is it? Transposed convolutions. Bridges bring
# the fine maps of the way down to the same scale on the way up.
#
# The [[U-Net]] of 2015 does not pad: each 3x3 convolution eats one pixel on every side. 572 pixels go in, **388** come out.

# %%
from course_lib.models.unet import UNet


def draw_unet(side):
    with torch.device("meta"):
        network, sizes = UNet(), []
        for part in (*network.down, *network.up):
            part.register_forward_hook(lambda _m, _i, out: sizes.append((out.shape[-1], out.shape[1])))
        network(torch.empty(1, 1, side, side))
    levels = [0, 1, 2, 3, 4, 3, 2, 1, 0]
    fig, ax = plt.subplots(figsize=(9, 3.8))
    for x, (level, (pixels, channels)) in enumerate(zip(levels, sizes, strict=True)):
        ax.bar(x, 0.62, 0.12 + 0.09 * channels**0.3, -level - 0.31, color=COLOURS[0] if x < 5 else COLOURS[2])
        ax.text(x, -level + 0.4, f"{pixels}² x {channels}", ha="center", fontsize=9)
    for level in range(4):
        ax.annotate("", (7.6 - level, -level), (level + 0.4, -level), arrowprops={"arrowstyle": "->", "color": "grey"})
    ax.text(4, 0.08, "cut to size and join", ha="center", color="grey", fontsize=9)
    ax.text(-1.0, 0, f"{side}² in", ha="center", va="center")
    ax.text(9.0, 0, f"{sizes[-1][0]}² out", ha="center", va="center")
    ax.set(xlim=(-1.6, 9.6), ylim=(-4.6, 0.8))
    ax.set_axis_off()
    return fig


explore(draw_unet, alt="the maps of a U-Net as a U: side and channels at each level", side=(188, 700, 16, 572))

# %% [markdown] tags=["exercise"] exercise="unet_pixels"
# ### Exercise: 572 -> 388
#
# Follow the pixels along one side: at each of five levels two 3x3 convolutions without padding; between levels, max pooling halves
# on the way down and the up-convolution doubles on the way up (four times each). Joining changes no size: what comes over the bridge is cut.

# %% tags=["stub"] exercise="unet_pixels"
def unet_output(side):
    """Pixels that come out of the U-Net of 2015 for `side` pixels that go in."""
    return ...

# %% tags=["check"] exercise="unet_pixels"
check("unet_pixels", unet_output)

# %% [markdown] tags=["hint"] exercise="unet_pixels"
# Two 3x3 convolutions without padding: how many pixels are lost along a side? (Look at 572 and the first number in the picture.)

# %% [markdown] tags=["hint"] exercise="unet_pixels"
# Down, four times: minus 4, halve. At the bottom: minus 4. Up, four times: double, minus 4.

# %% [markdown] tags=["hint"] exercise="unet_pixels"
# `for _ in range(4): side = (side - 4) // 2`, then `side -= 4`, then `for _ in range(4): side = 2 * side - 4`.

# %% tags=["solution"] exercise="unet_pixels"
def unet_output(side):
    """Pixels that come out of the U-Net of 2015 for `side` pixels that go in."""
    for _ in range(4):
        side = (side - 4) // 2  # two convolutions, then pooling
    side -= 4
    for _ in range(4):
        side = 2 * side - 4  # up-convolution, then two convolutions
    return side

# %% tags=["equivalent"] exercise="unet_pixels"
def unet_output(side):
    return side - 184  # for sizes that every pooling can halve

# %% tags=["wrong"] exercise="unet_pixels" says="Without padding"
def unet_output(side):
    return side

# %% tags=["wrong"] exercise="unet_pixels" says="way up"
def unet_output(side):
    for _ in range(4):
        side = (side - 4) // 2
    return (side - 4) * 16

# %% tags=["wrong"] exercise="unet_pixels" says="bottom"
def unet_output(side):
    for _ in range(4):
        side = (side - 4) // 2
    for _ in range(4):
        side = 2 * side - 4
    return side

# %% tags=["wrong"] exercise="unet_pixels" says="two convolutions"
def unet_output(side):
    for _ in range(4):
        side = (side - 2) // 2
    side -= 2
    for _ in range(4):
        side = 2 * side - 2
    return side

# %% tags=["wrong"] exercise="unet_pixels" says="worth more"
def unet_output(side):
    return side - 36

# %% tags=["wrong"] exercise="unet_pixels" says="four poolings"
def unet_output(side):
    for _ in range(4):
        side = side // 2 - 4
    side -= 4
    for _ in range(4):
        side = 2 * side - 4
    return side

# %% tags=["wrong"] exercise="unet_pixels" says="700"
def unet_output(side):
    return 388

# %% tags=["checker"] exercise="unet_pixels"
def checker(unet_output):
    value = unet_output(572)
    if isinstance(value, (int, float)):
        require(value != 572, "Without padding every convolution makes the map smaller.")
        require(value != 448, "The convolutions on the way up also cost pixels.")
        require(value != 452, "The two convolutions at the bottom are missing.")
        require(value != 466, "Each level has two convolutions: four pixels, not two.")
        require(value != 536, "A pixel lost below is worth more than one at the top: halve and double on the way.")
        require(value != 324, "Five levels have four poolings between them, each after two convolutions.")
    close(value, 388, "Not 388: follow the U once more.")
    close(unet_output(700), 516, "And 700 pixels?")

# %% [markdown]
# Most programs today pad: `UNet(padded=True)` gives as many pixels as it gets. Simpler, but near the edge the network sees zeros
# instead of image.
#
# ### A film larger than the tile
#
# A large image is segmented in tiles ([[overlap-tile strategy]]): to segment the inner square, the network sees the outer one. Beyond the
# border the image is mirrored.

# %%
from course_lib.data.opening import open_dataset
from course_lib.models.overlap_tile import margin_of, mirrored, overlap_tile

hospital = open_dataset("virtual", n=6, seed=11, size=384)
chest = hospital[5].image
network = UNet(width=4, levels=2, dropout=0.0).eval()
TILE = 84
margin, kept = margin_of(network, TILE), network.output_side(TILE)
rows = mirrored(384, margin, margin).numpy()
fig, ax = plt.subplots(figsize=(4.6, 4.6))
film(ax, chest[rows][:, rows])
for corner, side, colour in ((0, TILE, COLOURS[0]), (margin, kept, COLOURS[4])):
    ax.add_patch(plt.Rectangle((corner, corner), side, side, fill=False, edgecolor=colour, linewidth=2))
ax.add_patch(plt.Rectangle((margin, margin), 384, 384, fill=False, edgecolor="white", linestyle=":"))
show(fig, alt="A chest film with mirrored edges; a blue square that the network sees, a smaller orange one that it segments")
print(f"sees {TILE} pixels, segments {kept}: a margin of {margin} on each side")

# %% [markdown]
# Do the tiles together give what the whole image would give? Try it with two distances between tiles: 44 pixels (all that
# one tile segments), and 43.

# %%
torch.manual_seed(0)
network = UNet(width=4, levels=2, dropout=0.0).eval()
small = torch.tensor(chest[100:250, 100:230])[None]
reach = [mirrored(count, margin, 200) for count in small.shape[1:]]
side = network.fitting(150 + 2 * margin)
with torch.no_grad():
    whole = network(small[:, reach[0][:side]][:, :, reach[1][:side]][None])[0][:, :150, :130]
differences = {step: (overlap_tile(network, small, TILE, step=step) - whole).abs().max() for step in (44, 43)}
claim("44 pixels apart, tiles give exactly the whole image", differences[44] < 1e-4 * whole.abs().max())
claim("43 pixels apart they do not", differences[43] > 0.01 * whole.abs().max())

# %% [markdown]
# 44 is a multiple of 4, 43 is not. After two poolings the network has a grid of 4 pixels; tiles off this grid pool other neighbours together.
# The paper's network pools four times, so its grid is 16 pixels, and its own 388 is not a multiple of 16! Only every fourth tile along a side
# gives what the whole image would. (Our weights are random, which shows it at its worst:
# a trained network has met its objects everywhere on the grid.)

# %% [markdown] tags=["slide"]
# ### The loss that keeps cells apart
#
# Touching cells (or vertebrae, or teeth) become one if the thin gap between them is lost. So gap pixels weigh more:
#
# $$w(x) = w_c(x) + w_0 \exp\left(-\frac{(d_1(x) + d_2(x))^2}{2\sigma^2}\right)$$
#
# $w_c$ lets objects and background weigh the same in all. $d_1, d_2$: distance of a background pixel to the nearest and the
# second nearest object; $w_0 = 10$, $\sigma = 5$ pixels.

# %% tags=["slide"]
from course_lib.learning.separation import separation_weights

row, column = np.mgrid[:120, :160]
objects = np.zeros((120, 160), dtype=int)
for number, (y, x, radius) in enumerate([(45, 45, 30), (60, 104, 27), (96, 62, 19)], start=1):
    objects[(row - y) ** 2 + (column - x) ** 2 < radius**2] = number
weights = separation_weights(objects)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.1))
film(left, objects > 0, "three objects", interpolation="nearest")
picture = right.imshow(weights, cmap="viridis")
right.set(title="weight of each pixel")
right.set_axis_off()
fig.colorbar(picture, ax=right)
show(fig, alt="Three nearly touching discs; the weight is highest in the narrow gaps between them")

# %% [markdown] tags=["slide"]
# ## 9 Let a classifier slide
#
# A linear layer over a 5 x 5 map is a convolution with a 5 x 5 kernel that happens to fit once. On a larger picture it fits more often:
# the answer becomes a **map of answers**. The network is now a [[fully convolutional network]], with the same weights.
#
# Our question: is there anything *printed* on this film? (A date of birth, for instance.) We teach LeNet to tell 32-pixel windows
# with a digit in the middle from all others.

# %%
pictures = np.stack([0.7 * hospital[i].image for i in range(6)])  # the last film is for testing


def stamp(picture, digit, top, left):
    """Print a handwritten digit, three times enlarged, into the picture."""
    part = picture[top : top + 24, left : left + 24]
    np.maximum(part, np.kron(digit / 16, np.ones((3, 3))), out=part)


def window(kind, digit, rng):
    """32 x 32 pixels of a film: with the digit in the middle, with it beside the middle, or without."""
    top, left = rng.integers(0, 288, 2)
    around = pictures[rng.integers(5), top : top + 96, left : left + 96].copy()
    if kind == "digit":
        stamp(around, digit, *(36 + rng.integers(-3, 4, 2)))
    elif kind == "beside":
        away = [rng.choice([-1, 1]) * rng.integers(10, 25), rng.integers(-24, 25)]
        stamp(around, digit, *(36 + rng.permutation(away)))
    return around[32:64, 32:64]

# %% tags=["varies"]
from course_lib.models.lenet import ModernLeNet


def window_pairs(numbers, seed):
    """Four windows for each digit: twice in the middle, once beside it, once plain film."""
    rng, kinds = np.random.default_rng(seed), ("digit", "beside", "digit", "film")
    shown = np.array([window(kind, digits.images[n], rng) for n in numbers for kind in kinds])
    is_digit = torch.tensor([int(kind == "digit") for _ in numbers for kind in kinds])
    return Pairs(torch.tensor(shown, dtype=torch.float32)[:, None], is_digit)


learned, unseen = window_pairs(range(1400), seed=0), window_pairs(range(1400, 1797), seed=1)
torch.manual_seed(0)
reader = ModernLeNet(num_classes=2)
fit(reader, learned, unseen, loss, Plan(epochs=5, batch_size=64, learning_rate=3e-3))
print(f"wrong windows, digits it never saw: {100 * share_wrong(reader, unseen):.1f} %")

# %% tags=["varies"]
from course_lib.models.fully_convolutional import FullyConvolutional

sliding = FullyConvolutional(reader, size=32).eval()
printed = pictures[5].copy()
rng = np.random.default_rng(3)
places = [(8, 20 + 28 * k) for k in range(8)] + [(340, 120 + 28 * k) for k in range(4)]
for place in places:
    stamp(printed, digits.images[rng.integers(1400, 1797)], *place)
with torch.no_grad():
    answers_map = sliding(torch.tensor(printed, dtype=torch.float32)[None, None])[0]
sure = answers_map.softmax(0)[1].numpy()
print(f"film {printed.shape} -> map of answers {sure.shape}, one every {sliding.stride} pixels")

# %% tags=["slide", "varies"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.5))
film(left, printed, "film with something printed on it")
right.imshow(sure, cmap="viridis", vmin=0, vmax=1)
right.set(title=f"{sure.shape[0]} x {sure.shape[1]} answers: a digit here?")
right.set_axis_off()
show(fig, alt="A chest film with two rows of printed digits; the map of answers is bright at nearly all of them and dark in the middle")

# %% [markdown]
# Each answer of the map is *exactly* what LeNet would say to the window cut out, for LeNet does not pad. And it is much cheaper:
# neighbouring windows share most of their work.

# %% tags=["varies"]
with torch.no_grad():
    for row, column in ((0, 4), (40, 33), (84, 60)):
        cut = torch.tensor(printed[sliding.window(row, column)], dtype=torch.float32)
        assert torch.allclose(reader(cut[None, None])[0], answers_map[:, row, column], atol=1e-4)
hits = [sure[(r - 4) // 4, (c - 4) // 4] > 0.5 for r, c in places]
claim("It finds nearly all printed digits, none of which it has seen before", sum(hits) >= 10)
claim("It leaves the middle of the film alone", (sure[12:70] > 0.5).mean() < 0.01)

# %%
at_once = count_macs(FullyConvolutional(ModernLeNet(2), 32), (1, 1, 384, 384))
one_by_one = 89 * 89 * count_macs(ModernLeNet(2), (1, 1, 32, 32))
print(f"multiply-adds: {at_once:,} at once, {one_by_one:,} window by window")
claim("Sliding costs less than a fifth", at_once * 5 < one_by_one)

# %% [markdown] tags=["exercise"] exercise="answers_on_film"
# ### Exercise: how many answers?
#
# A classifier was trained on pictures of `size` pixels; from one window to the next are `stride` pixels. It slides over a film of `film` pixels
# along a side (no padding). How many answers are there along that side?

# %% tags=["stub"] exercise="answers_on_film"
def answers_along(film, size, stride):
    """Number of windows of `size` pixels that fit into `film` pixels, `stride` apart."""
    return ...

# %% tags=["check"] exercise="answers_on_film"
check("answers_on_film", answers_along)

# %% [markdown] tags=["hint"] exercise="answers_on_film"
# When the film is as large as the window, there is one answer. How many more with each `stride` more pixels?

# %% [markdown] tags=["hint"] exercise="answers_on_film"
# The first window uses `size` pixels. What is left over, in units of `stride`?

# %% [markdown] tags=["hint"] exercise="answers_on_film"
# It is the output size of a convolution: floor of (film - size) / stride, plus 1.

# %% tags=["solution"] exercise="answers_on_film"
def answers_along(film, size, stride):
    """Number of windows of `size` pixels that fit into `film` pixels, `stride` apart."""
    return (film - size) // stride + 1  # the output size of a convolution once more

# %% tags=["equivalent"] exercise="answers_on_film"
def answers_along(film, size, stride):
    return len(range(0, film - size + 1, stride))

# %% tags=["wrong"] exercise="answers_on_film" says="first window"
def answers_along(film, size, stride):
    return (film - size) // stride

# %% tags=["wrong"] exercise="answers_on_film" says="over the edge"
def answers_along(film, size, stride):
    return film // stride

# %% tags=["wrong"] exercise="answers_on_film" says="over the edge"
def answers_along(film, size, stride):
    return round((film - size) / stride) + 1

# %% tags=["wrong"] exercise="answers_on_film" says="overlap"
def answers_along(film, size, stride):
    return film // size

# %% tags=["wrong"] exercise="answers_on_film" says="whole windows"
def answers_along(film, size, stride):
    return (film - size) / stride + 1

# %% tags=["wrong"] exercise="answers_on_film" says="every pixel"
def answers_along(film, size, stride):
    return film - size + 1

# %% tags=["checker"] exercise="answers_on_film"
def checker(answers_along):
    value = answers_along(387, 32, 4)
    if isinstance(value, (int, float)):
        require(value != 88, "Count the first window as well.")
        require(value not in (387 // 4, 90), "The last of your windows hangs over the edge of the film.")
        require(value != 387 // 32, "Windows overlap: the next begins `stride` pixels on, not `size`.")
        require(value != 89.75, "Only whole windows count.")
        require(value != 356, "That is one window for every pixel: mind the stride.")
    close(value, 89, "387 pixels, windows of 32, 4 apart: count again.")
    close(answers_along(1024, 224, 32), 26, "1024 pixels, windows of 224, 32 apart?")
    close(answers_along(224, 224, 32), 1, "A film as large as the window gives one answer.")

# %% [markdown]
# A network that pads (VGG, ResNet, DenseNet) slides as well, but not *exactly*: in a cut-out window its padding puts zeros where the
# large film has film.

# %% [markdown] tags=["slide"]
# ## 10 Which network? Accuracy, operations, size
#
# Bianco and colleagues (2018) drew what an architecture gives for what it costs. We draw it again: parameters and multiply-adds from **our own**
# counters, accuracies as published for **one crop** per image.
#
# ([[Top-1 accuracy|top-1 accuracy]] on ImageNet. Papers also report the mean over ten crops or whole images, which is often one to three points higher: never mix them.)

# %%
chart = published("imagenet_top1")
chart = chart[(chart["crops"] == "single") & (chart["network"] != "googlenet_torchvision")].copy()
chart["parameters"], chart["operations"] = zip(*map(costs, chart["network"]), strict=True)
chart["family"] = [ARCHITECTURES[name].family for name in chart["network"]]
claim("More parameters do not mean more accuracy: VGG-16 has the most of these three and is last",
      chart.set_index("network").loc[["vgg16", "resnet50", "densenet121"], "top1"].idxmin() == "vgg16")

# %%
def label(name):
    """Short text for a bubble, and where it stands beside its middle (points)."""
    long = {"alexnet_torchvision": "AlexNet", "googlenet": "GoogLeNet", "inception_v2": "Inception v2",
            "inception_v3": "Inception v3"}  # fmt: skip
    short = name.replace("efficientnet_b", "B").replace("densenet", "").replace("resnet", "").replace("vgg", "")
    places = {"inception_v2": (2, -17), "densenet264": (14, -3), "densenet201": (-24, 6), "resnet50": (8, -13), "densenet121": (-24, 5)}
    return long.get(name, short), places.get(name, (6, 6))

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(10, 5.6))
for colour, (family, group) in zip(COLOURS, chart.groupby("family"), strict=False):
    x, y = group["operations"] / 1e9, group["top1"]
    ax.scatter(x, y, s=group["parameters"] / 1e5, color=colour, alpha=0.45, label=family)
    ax.scatter(x, y, s=6, color=colour)
    for name, x_, y_ in zip(group["network"], x, y, strict=True):
        text, place = label(name)
        ax.annotate(text, (x_, y_), xytext=place, textcoords="offset points", fontsize=9)
for millions, x_ in ((5, 0.32), (25, 0.42), (100, 0.62)):
    ax.scatter(x_, 83, s=millions * 10, color="grey", alpha=0.4)
    ax.text(x_, 81.6, f"{millions} M", ha="center", va="top", fontsize=8, color="grey")
ax.set(xlabel="multiply-adds of one image (billions)", ylabel="top-1 accuracy, one crop (%)", xscale="log", ylim=(55, 85.5), xlim=(0.27, 30))
ax.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
handles = ax.legend(loc="lower right", title="area: parameters").legend_handles
for handle in handles:
    handle.set_sizes([60])
show(fig, alt="Bubbles of accuracy over operations: EfficientNets top left, DenseNets and ResNets in the middle, VGG large and far right, AlexNet low")

# %% [markdown]
# Read it from the top left: much accuracy for little work. VGG: a lot of work and 140 million parameters for less accuracy. Operations
# are not time, though: [[depthwise convolutions|depthwise convolution]] are cheap to count, but keep a graphics card waiting for memory.
#
# And ImageNet is not the clinic. Ke and colleagues (2021) trained 16 architectures on 224,316 chest films: those that were better on ImageNet were
# *not* better on films. Data, labels and honest measurement matter more. That is what the next lessons are about.

# %% [markdown] tags=["instructor"]
# Questions for the room: "Two papers report 77 % and 78 %. What do you ask?" (Crops, resolution, training recipe.) "Why does our
# chart show torchvision's ResNet at one crop and not the paper's?" (The paper gives ten crops only.)
# Typical mistakes: calling multiply-adds FLOPs (factor two), comparing v1 with v1.5, forgetting the auxiliary classifiers.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Deep plain networks fail on their *training* data: they do not find what they could represent.
# - A residual block learns a difference. Its shortcut carries signal and gradient unchanged.
# - DenseNet joins instead of adding: few parameters, much memory. 112, 56, 28, 14, 7.
# - Depth costs once; width and resolution cost squared.
# - An unpadded U-Net gives fewer pixels than it sees; tiles must keep step with its pooling.
# - Every classifier can slide; then one answer becomes a map.

# %% [markdown]
# ## References
#
# - He, Zhang, Ren, Sun. Deep residual learning for image recognition. arXiv:1512.03385 (2015).
# - Veit, Wilber, Belongie. Residual networks behave like ensembles of relatively shallow networks. arXiv:1605.06431 (2016).
# - Yang et al. A mean field theory of batch normalization. arXiv:1902.08129 (2019): gradients of plain nets explode.
# - Huang, Liu, van der Maaten, Weinberger. Densely connected convolutional networks. arXiv:1608.06993 (2016).
# - Tan, Le. EfficientNet: rethinking model scaling. arXiv:1905.11946 (2019).
# - Ke et al. CheXtransfer: performance and parameter efficiency of ImageNet models for chest X-ray interpretation. arXiv:2101.06871 (2021).
# - Ronneberger, Fischer, Brox. U-Net: convolutional networks for biomedical image segmentation. arXiv:1505.04597 (2015).
# - Long, Shelhamer, Darrell. Fully convolutional networks for semantic segmentation. arXiv:1411.4038 (2014).
# - Bianco, Cadene, Celona, Napoletano. Benchmark analysis of representative deep neural network architectures. IEEE Access 6 (2018).

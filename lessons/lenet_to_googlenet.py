# %% [markdown] tags=["slide"]
# ## Seven networks that others stand on
#
# In 1998 a network with 60,000 [[weights|weight]] read the handwriting on bank cheques. Then, for fourteen
# years, almost nobody cared. In 2012 a network with the *same plan*, a thousand times larger, beat
# everybody at recognising photographs. Two years later others were better with a ninth of its weights.
#
# Every network that reads chest films today is built of their ideas. We take these seven apart, layer
# by layer, check their papers with a pencil, and let five of them look for fluid in the chest.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from course_lib.models.alexnet import alexnet
from course_lib.models.arithmetic.summary import count_macs, summary
from course_lib.models.counting import count_parameters
from course_lib.models.googlenet import googlenet
from course_lib.models.inception_v2 import inception_v2
from course_lib.models.inception_v3 import inception_v3
from course_lib.models.lenet import LeNet5
from course_lib.models.nin import nin
from course_lib.models.vgg import vgg
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.network_drawing import map_sizes, module_paths
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)  # small networks wait more than they gain with two

# %% [markdown] tags=["slide"]
# ## How it came to this
#
# | year | what | what was new |
# |---|---|---|
# | 1958 | [[perceptron]] | a neuron that learns |
# | 1980 | neocognitron | maps of cells that look for the same pattern everywhere |
# | 1985 | [[back-propagation]] | layers that learn together |
# | 1998 | **LeNet-5** | both together, for cheques |
# | 2007 | CUDA | graphics cards can calculate |
# | 2012 | **AlexNet** | large, on two graphics cards, with [[ReLU]] and [[dropout]] |
# | 2013 | **Network in network** | 1x1 [[convolutions|convolution]], no fully connected layers |
# | 2014 | **VGG**, **GoogLeNet** | deeper: simple and heavy, or clever and light |
# | 2015 | **Inception v2, v3** | large kernels taken apart |

# %% [markdown]
# We build each network at its published size, but "on paper": PyTorch's *meta* device knows all shapes and stores no
# number. So 138 million weights cost nothing.

# %%
NETS = {  # name: (how to build it, shape of its input)
    "LeNet-5 1998": (LeNet5, (1, 1, 32, 32)),
    "AlexNet 2012": (lambda: alexnet("paper", 1000, 3), (1, 3, 227, 227)),
    "NiN 2013": (lambda: nin("paper", 1000, 3), (1, 3, 224, 224)),
    "VGG-16 2014": (lambda: vgg("paper", 1000, 3), (1, 3, 224, 224)),
    "GoogLeNet 2014": (lambda: googlenet("paper", 1000, 3, aux=False), (1, 3, 224, 224)),
    "Inception v2 2015": (lambda: inception_v2("paper", 1000, 3, aux=False), (1, 3, 299, 299)),
    "Inception v3 2015": (lambda: inception_v3("paper", 1000, 3, aux=False), (1, 3, 299, 299)),
}


def on_paper(name):
    """The network `name` without memory for its weights, and the shape of its input."""
    build, shape = NETS[name]
    with torch.device("meta"):
        return build(), shape


sizes = pd.DataFrame(
    [(name, count_parameters(on_paper(name)[0]), count_macs(*on_paper(name))) for name in NETS],
    columns=["network", "parameters", "multiply-adds"],
).set_index("network")
print(sizes.map("{:,}".format).to_string())

# %% tags=["slide"]
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True)
for ax, column, colour, least in ((left, "parameters", COLOURS[0], 1e4),
                                  (right, "multiply-adds", COLOURS[1], 1e5)):
    ax.barh(sizes.index, sizes[column], color=colour)
    ax.set(xscale="log", xlim=(least, None), title=f"{column} (logarithmic)")
left.invert_yaxis()
show(fig, alt="Parameters and multiply-adds of seven networks on logarithmic axes. AlexNet has a "
     "thousand times LeNet's parameters; GoogLeNet a twentieth of VGG's and a tenth of its operations")

# %% [markdown]
# A [[multiply-add]] is one weight times one value, added to a sum: the unit in which we count work. (LeNet's count includes zeros:
# we compute its sparse layer, which you meet below, as a full one with zeros where nothing is connected.)

# %% [markdown] tags=["slide"]
# ## 1 LeNet-5, exactly
#
# Six layers that learn, then a seventh that compares:
#
# - **C1** 6 maps, 5x5 convolution · **S2** each map [[sub-sampled|sub-sampling]]
# - **C3** 16 maps, but each sees only *some* of S2's · **S4** sub-sampled
# - **C5** 120 units that see all of S4 · **F6** 84 units
# - **output**: how far is F6 from the picture of each digit?
#
# In the drawing: above a block the number of its maps, below it their side in pixels.

# %% tags=["slide"]
show(map_sizes(*on_paper("LeNet-5 1998"), "LeNet-5"),
     alt="LeNet-5 as blocks: 32 pixels, then 6 maps of 28, 6 of 14, 16 of 10, 16 of 5, then 120, 84, 10 units")

# %%
from course_lib.models.lenet import C3_INPUTS, lenet5_counts

columns = ["layer", "maps", "side", "parameters", "connections"]
lenet = pd.DataFrame(lenet5_counts(), columns=columns)
print(lenet.to_string(index=False))
print(f"together: {lenet.parameters.sum():,} parameters, {lenet.connections.sum():,} connections")

# %%
from course_lib.evaluation.published import published

papers = published("classic_architectures")
printed = papers[(papers.net == "LeNet-5") & (papers["item"] == "all")].set_index("quantity").value
claim("The paper's 60,000 parameters and 340,908 connections are right, to the last one",
      printed.parameters == lenet.parameters.sum() and printed.connections == lenet.connections.sum())
claim("and our network has as many", count_parameters(LeNet5()) == lenet.parameters.sum())

# %% [markdown]
# Every unit of a map shares its weights with all other units of the map. That is why there are nearly six connections for each
# parameter.

# %% [markdown] tags=["slide"]
# ### The sparse table
#
# C3's sixteen maps do not see all six maps of S2. The authors gave two reasons: fewer connections, and maps that see different
# things must *become* different.

# %% tags=["slide"]
seen = np.zeros((6, 16))
for j, inputs in enumerate(C3_INPUTS):
    seen[list(inputs), j] = 1
fig, ax = plt.subplots(figsize=(7.5, 2.9))
ax.imshow(seen, cmap="Blues", vmax=1.4, aspect="auto")
ax.set(xticks=range(16), yticks=range(6), xlabel="map of C3", ylabel="map of S2")
ax.set_xticks(np.arange(-0.5, 16), minor=True)
ax.set_yticks(np.arange(-0.5, 6), minor=True)
ax.grid(False)
ax.grid(which="minor", color="white", lw=2)
show(fig, alt="Table of 6 by 16 fields: the first six maps of C3 see three neighbouring maps of S2, "
     "the next nine see four, the last one sees all six")

# %% [markdown] tags=["exercise"] exercise="sparse_c3"
# ### Exercise: the parameters of C3
#
# `table` lists, for each map of C3, the maps of S2 that it sees (as `C3_INPUTS` does). Each seen map needs a 5x5 kernel.
# Each map of C3 has one [[bias]]. Write `c3_parameters(table)`.

# %% tags=["stub"] exercise="sparse_c3"
def c3_parameters(table):
    """Weights and biases of a layer with 5x5 kernels whose map j sees the maps table[j]."""
    return ...

# %% tags=["check"] exercise="sparse_c3"
check("sparse_c3", c3_parameters)

# %% [markdown] tags=["hint"] exercise="sparse_c3"
# How many dark fields does the picture have? What does each of them cost?

# %% [markdown] tags=["hint"] exercise="sparse_c3"
# `len(table[j])` kernels for map j, 25 weights each. And one bias for each map, not for each kernel.

# %% [markdown] tags=["hint"] exercise="sparse_c3"
# Add up `25 * len(inputs) + 1` over the maps of C3.

# %% tags=["solution"] exercise="sparse_c3"
def c3_parameters(table):
    """Weights and biases of a layer with 5x5 kernels whose map j sees the maps table[j]."""
    return sum(25 * len(inputs) + 1 for inputs in table)  # one bias per map, whatever it sees

# %% tags=["equivalent"] exercise="sparse_c3"
def c3_parameters(table):
    kernels = 0
    for inputs in table:
        kernels += len(inputs)
    return kernels * 5 * 5 + len(table)

# %% tags=["equivalent"] exercise="sparse_c3"
def c3_parameters(table):
    return np.sum([np.size(inputs) * 25 for inputs in table]) + len(table)

# %% tags=["wrong"] exercise="sparse_c3" says="sees everything"
def c3_parameters(table):
    return 16 * (6 * 25 + 1)

# %% tags=["wrong"] exercise="sparse_c3" says="bias"
def c3_parameters(table):
    return sum(25 * len(inputs) for inputs in table)

# %% tags=["wrong"] exercise="sparse_c3" says="one bias for each map"
def c3_parameters(table):
    return sum(26 * len(inputs) for inputs in table)

# %% tags=["wrong"] exercise="sparse_c3" says="another table"
def c3_parameters(table):
    return 1516

# %% tags=["wrong"] exercise="sparse_c3" says="5x5"
def c3_parameters(table):
    return sum(5 * len(inputs) + 1 for inputs in table)

# %% tags=["checker"] exercise="sparse_c3"
def checker(c3_parameters):
    full = tuple(tuple(range(6)) for _ in range(16))
    answer, small = c3_parameters(C3_INPUTS), c3_parameters(((0,), (0, 1)))
    if isinstance(answer, (int, float, np.number)):
        require(answer != 2416, "That is a layer in which every map sees everything.")
        require(answer != 1500, "You have the kernels; every map of C3 also has a bias.")
        require(answer != 1560, "There is one bias for each map, not for each kernel.")
        require(answer != 316, "A 5x5 kernel has more than five weights.")
        require(answer != small or answer != 1516, "Try it with another table: it does not follow.")
    close(answer, 1516, "For the table of LeNet-5 this does not add up.", rtol=1e-9)
    close(small, 77, "For the small table ((0,), (0, 1)) this does not add up.")
    close(c3_parameters(full), 2416, "For a full table this does not add up.", rtol=1e-9)

# %% [markdown] tags=["slide"]
# ### What else is different from today
#
# - **Sub-sampling learns**: the sum of 2x2 values, times one trained number, plus another. Two parameters per map.
# - **[[Activation|activation function]]**: $1.7159 \tanh(\tfrac{2}{3}a)$, which passes through (1, 1).
# - **Output**: each digit has a *code*, a bitmap of 12 x 7. The output is the squared distance of F6 to
#   each code, $y_i = \sum_j (x_j - w_{ij})^2$. These 840 numbers are drawn by hand and never trained.
# - **[[Loss|loss]]**: come close to the right code, stay away from the wrong ones:
#   $\;y_\text{right} + \log\left(e^{-j} + \sum_i e^{-y_i}\right)$

# %%
from course_lib.models.lenet import digit_codes

codes = digit_codes().reshape(10, 12, 7).numpy()
show(films(-codes, [str(digit) for digit in range(10)], columns=10, interpolation="nearest"),
     alt="Ten small bitmaps of the digits 0 to 9, twelve rows of seven black or white dots each")

# %% [markdown]
# Codes of digits that look alike are close to each other. So a confusion shows as a half-way picture, not as a wrong number.
#
# Let it learn: the training set is shown twelve times (twelve [[epochs|epoch]]), and each step uses the mean gradient of 32
# pictures (a *batch*). scikit-learn carries 1,797 handwritten digits of 8 x 8 pixels; we enlarge them to 24 and put a margin round them, because
# LeNet-5 wants 32.

# %%
from sklearn.datasets import load_digits

digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.images))
ink = torch.tensor(digits.images[order] / 16).float()[:, None]
pictures = F.pad(F.interpolate(ink, size=24, mode="bilinear"), (4, 4, 4, 4)) * 1.275 - 0.1
answers = torch.tensor(digits.target[order])
print("pictures", tuple(pictures.shape))

# %% tags=["varies"]
from course_lib.learning.pairs import Pairs
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.lenet import map_loss


def code_loss(model, batch):
    """The loss of 1998, for a batch of pictures and digits."""
    return map_loss(model(batch["input"]), batch["target"])


torch.manual_seed(0)
reader = LeNet5()
parts = [Pairs(pictures[i:j], answers[i:j]) for i, j in ((0, 1300), (1300, 1400))]
plan = Plan(epochs=12, batch_size=32, learning_rate=2e-3)
history = fit(reader, *parts, code_loss, plan)
reader.eval()
with torch.no_grad():
    read = reader(pictures[1400:]).argmax(1)
right = (read == answers[1400:]).float().mean().item()
print(f"{right:.1%} of {len(read)} new digits are read correctly")
claim("LeNet-5 reads at least nine of ten digits it has never seen", right > 0.9)

# %% [markdown] tags=["slide"]
# ### What F6 draws
#
# The 84 units of F6 are a picture. For a digit that is read well, they *draw* its code. The last two are misread: look what
# they draw.

# %% tags=["slide", "varies"]
wrong = np.flatnonzero((read != answers[1400:]).numpy())[:2]
well = (read == answers[1400:]).numpy()
cases = [int(np.flatnonzero(well & (read.numpy() == d))[0]) for d in (0, 2, 3, 5, 8, 9)]
cases += [int(i) for i in wrong]
with torch.no_grad():
    drawn = reader.coded(pictures[1400:][cases]).reshape(-1, 12, 7).numpy()
shown = [-pictures[1400 + i, 0].numpy() for i in cases] + list(-drawn)
titles = [f"a {answers[1400 + i]}" for i in cases] + [f"read as {read[i]}" for i in cases]
show(films(shown, titles, columns=len(cases), interpolation="nearest"),
     alt="Above: eight handwritten digits, the last ones misread. Below: the 84 values of F6 as pictures "
     "of 12 by 7; where the digit is read well they look like its bitmap")

# %% [markdown] tags=["instructor"]
# Ask: what would one-hot targets show here? Nothing. The codes make the output readable, as a heat map does. The paper's
# point was a language model on top that can use "looks like both O and 0". The value of j in the loss is ours (10); the paper
# prints none. With a very large j the term vanishes and the loss is the usual [[cross-entropy]].

# %% [markdown] tags=["slide"]
# ## 2 AlexNet: the same plan, grown up
#
# - five convolutions and three fully connected layers, 1.2 million photographs, 1,000 classes
# - **ReLU** instead of tanh: the gradient does not fade
# - **max pooling that overlaps**: fields of 3, every 2 pixels
# - **[[dropout]]**: half of the units of a full layer are silenced at random, so that none relies on another
# - **response normalisation**: a strong map dims its neighbours (given up later)
# - **two graphics cards**: each holds half of the maps

# %% tags=["slide"]
show(map_sizes(*on_paper("AlexNet 2012"), "AlexNet, on 227 pixels"),
     alt="AlexNet as blocks: 227 pixels, 96 maps of 55, pooled to 27, 256 maps of 27, pooled to 13, "
     "three layers of 13, pooled to 6, then 4096, 4096 and 1000 units")

# %% [markdown] tags=["slide"]
# ### Audit the paper: which picture goes in?
#
# The paper (and most lectures after it) says: 224 x 224 pixels, kernels of 11 x 11, every 4 pixels, and maps of 55 x 55.
# A kernel of k pixels, moved s pixels at a time over i pixels, fits $\lfloor (i - k)/s \rfloor + 1$ times.

# %% [markdown] tags=["exercise"] exercise="alexnet_input"
# ### Exercise: 224?
#
# Write `first_side(pixels)`: side of the maps of AlexNet's first convolution without padding. Then find the input
# size `needed` for which the 55th kernel ends exactly at the last pixel.

# %% tags=["stub"] exercise="alexnet_input"
def first_side(pixels):
    """Side of the maps: 11x11 kernels, stride 4, no padding."""
    return ...


needed = ...

# %% tags=["check"] exercise="alexnet_input"
check("alexnet_input", first_side, needed)

# %% [markdown] tags=["hint"] exercise="alexnet_input"
# The first kernel covers pixels 1 to 11. Where does the second one end? The 55th?

# %% [markdown] tags=["hint"] exercise="alexnet_input"
# Only whole steps count: `//` divides and rounds down.

# %% [markdown] tags=["hint"] exercise="alexnet_input"
# `(pixels - 11) // 4 + 1`. The 55th kernel ends at pixel 11 + 54 * 4.

# %% tags=["solution"] exercise="alexnet_input"
def first_side(pixels):
    """Side of the maps: 11x11 kernels, stride 4, no padding."""
    return (pixels - 11) // 4 + 1  # a kernel that does not fit completely does not count


needed = 11 + 54 * 4

# %% tags=["equivalent"] exercise="alexnet_input"
def first_side(pixels):
    return len(range(0, pixels - 10, 4))


needed = 227.0

# %% tags=["wrong"] exercise="alexnet_input" says="half a kernel"
def first_side(pixels):
    return (pixels - 11) / 4 + 1


needed = 227

# %% tags=["wrong"] exercise="alexnet_input" says="only whole steps"
def first_side(pixels):
    return np.ceil((pixels - 11) / 4) + 1


needed = 227

# %% tags=["wrong"] exercise="alexnet_input" says="round down"
def first_side(pixels):
    return round((pixels - 11) / 4) + 1


needed = 227

# %% tags=["wrong"] exercise="alexnet_input" says="first kernel"
def first_side(pixels):
    return (pixels - 11) // 4


needed = 227

# %% tags=["wrong"] exercise="alexnet_input" says="54 maps"
def first_side(pixels):
    return (pixels - 11) // 4 + 1


needed = 224

# %% tags=["wrong"] exercise="alexnet_input" says="left over"
def first_side(pixels):
    return (pixels - 11) // 4 + 1


needed = 230

# %% tags=["wrong"] exercise="alexnet_input" says="does not reach"
def first_side(pixels):
    return pixels // 4


needed = 220

# %% tags=["checker"] exercise="alexnet_input"
def checker(first_side, needed):
    side = first_side(224)
    if isinstance(side, (int, float, np.number)):
        require(side != 54.25, "A kernel that sticks out is no kernel: there is no half a kernel.")
        require(side != 53, "You forgot the first kernel: it stands there before any step.")
        require(side != 56, "A kernel at the edge does not reach beyond it without padding.")
        require(side != 55, "The 55th kernel would stick out of 224 pixels: only whole steps count.")
    close(side, 54, "For 224 pixels try to place the kernels one by one.")
    close(first_side(19), 3, "For 19 pixels: kernels begin at pixels 0, 4 and 8.")
    close(first_side(226), 54, "For 226 pixels the 55th kernel would stick out by one: round down.")
    if isinstance(needed, (int, float, np.number)):
        require(needed != 224, "With 224 pixels the side is 54; the figure would show 54 maps wide.")
        require(needed not in (228, 229, 230), "It gives 55, but some pixels are left over.")
    close(needed, 227, "The 55th kernel must end at the last pixel.")

# %% [markdown]
# 227 it is. With "SAME" padding, as some lectures write, 224 pixels give 56. The AlexNet that comes with PyTorch takes 224 pixels and a
# margin of 2 on both sides: 55 as well, but the last column and row of the margin are never used. The paper mentions no padding.
# Our network has none, and refuses what does not fit:

# %%
try:
    on_paper("AlexNet 2012")[0](torch.zeros(1, 3, 224, 224, device="meta"))
except ValueError as error:
    print(error)

# %% [markdown]
# The caption of the paper's Figure 2 also counts the units of every layer. We count them too:

# %%
network = summary(*on_paper("AlexNet 2012"))
units = [row.values for row in network.rows if row.kind in ("Conv2d", "Linear")]
caption = papers[(papers.net == "AlexNet") & (papers.quantity == "units")].head(8)
for name, says, ours in zip(caption["item"], caption.value, units, strict=True):
    print(f"{name:7}{int(says):9,}{ours:9,}{'' if says == ours else '   <- not what the figure shows'}")
print(f"together {sum(units):,}; the abstract says 650,000")
claim("Seven of the caption's eight numbers are right", sum(caption.value == units) == 7)

# %% [markdown] tags=["exercise"] exercise="missing_pool"
# ### Exercise: the layer that was left out
#
# A lecture's table of AlexNet goes from "C7: 256 maps of 13 x 13" directly to a full layer of 4,096 units. Write
# `full_layer(side)`: weights and biases of this full layer on 256 maps of `side` x `side`. All other layers together
# have 23,212,392 parameters; the paper says "60 million" in all. What is the `side` of the maps that really enter the full layer? (Something is missing in the
# table.)

# %% tags=["stub"] exercise="missing_pool"
def full_layer(side):
    """Parameters of 4,096 units that see all of 256 maps of side x side."""
    return ...


side = ...

# %% tags=["check"] exercise="missing_pool"
check("missing_pool", full_layer, side)

# %% [markdown] tags=["hint"] exercise="missing_pool"
# A full layer has one weight for every pair of an input and a unit. How many inputs are there?

# %% [markdown] tags=["hint"] exercise="missing_pool"
# 256 * side * side inputs, each with 4,096 weights, and a bias per unit. Then try sides: which total is about 60 million?

# %% [markdown] tags=["hint"] exercise="missing_pool"
# A max pooling of 3 x 3, stride 2, fits (13 - 3) // 2 + 1 times into 13.

# %% tags=["solution"] exercise="missing_pool"
def full_layer(side):
    """Parameters of 4,096 units that see all of 256 maps of side x side."""
    return (256 * side * side + 1) * 4096


side = 6  # one more max pooling: (13 - 3) // 2 + 1

# %% tags=["equivalent"] exercise="missing_pool"
def full_layer(side):
    return 256 * side**2 * 4096 + 4096


side = (13 - 3) // 2 + 1

# %% tags=["wrong"] exercise="missing_pool" says="bias"
def full_layer(side):
    return 256 * side * side * 4096


side = 6

# %% tags=["wrong"] exercise="missing_pool" says="256 maps"
def full_layer(side):
    return (side * side + 1) * 4096


side = 6

# %% tags=["wrong"] exercise="missing_pool" says="200 million"
def full_layer(side):
    return (256 * side * side + 1) * 4096


side = 13

# %% tags=["wrong"] exercise="missing_pool" says="far from 60"
def full_layer(side):
    return (256 * side * side + 1) * 4096


side = 7

# %% tags=["wrong"] exercise="missing_pool" says="both directions"
def full_layer(side):
    return (256 * side + 1) * 4096


side = 6

# %% tags=["checker"] exercise="missing_pool"
def checker(full_layer, side):
    one = full_layer(6)
    if isinstance(one, (int, float, np.number)):
        require(one != 256 * 36 * 4096, "You have the weights; every unit also has a bias.")
        require(one != 37 * 4096, "There are 256 maps, and each unit sees all of them.")
        require(one != 1537 * 4096, "A map has pixels in both directions: side times side.")
    close(one, 9217 * 4096, "For maps of 6 x 6 this is not the number.", rtol=1e-9)
    close(full_layer(13), 43265 * 4096, "For maps of 13 x 13 this is not the number.", rtol=1e-9)
    if isinstance(side, (int, float, np.number)):
        require(side != 13, "With 13 x 13 the network would have 200 million parameters.")
        require(side == 6, "That total is far from 60 million; which pooling has stride 2?")
    close(side, 6, "Which side gives 60 million parameters in all?")

# %% [markdown] tags=["slide"]
# ### Two cards are two groups
#
# Each card held half of the maps, and in three layers saw only its own half. Today this is a [[grouped convolution]]
# with `groups=2`: half the weights, half the work in these layers.

# %%
both = count_parameters(on_paper("AlexNet 2012")[0])
with torch.device("meta"):
    joined = alexnet("ungrouped", 1000, 3)
print(f"two cards: {both:,} parameters; one large card: {count_parameters(joined):,}")
print(f"multiply-adds: {count_macs(*on_paper('AlexNet 2012')):,} and {count_macs(joined, (1, 3, 227, 227)):,}")
claim("The abstract's 60 million are the network on two cards", 60e6 < both < 61e6)

# %% [markdown]
# The saving of weights is small. Where are they? In the full layers. Look at the next network.

# %% [markdown] tags=["slide"]
# ## 3 VGG: only 3x3
#
# Two 3x3 convolutions in a row see 5x5 pixels, three see 7x7: with fewer weights and more ReLUs between.
#
# | for C maps | weights |
# |---|---|
# | one 7x7 | 49 C² |
# | three 3x3 | 27 C² |
#
# So VGG has nothing else: blocks of 3x3 convolutions, 2x2 max pooling, and double the maps (up to 512).

# %% tags=["slide"]
show(map_sizes(*on_paper("VGG-16 2014"), "VGG-16"),
     alt="VGG-16 as blocks: pairs and triples of equal convolutions, each group half as high as the one "
     "before, with 64, 128, 256, 512 and again 512 maps, then three fully connected layers")

# %% [markdown] tags=["exercise"] exercise="vgg_block"
# ### Exercise: VGG-16's table
#
# The lecture lists the parameters of VGG-16 block by block: 38,720, then 221,440, ... Write `block_parameters(inputs, outputs, convolutions)`
# for a block of 3x3 convolutions (with bias): the first sees `inputs` maps, all give `outputs` maps.

# %% tags=["stub"] exercise="vgg_block"
def block_parameters(inputs, outputs, convolutions):
    """Weights and biases of a VGG block."""
    return ...

# %% tags=["check"] exercise="vgg_block"
check("vgg_block", block_parameters)

# %% [markdown] tags=["hint"] exercise="vgg_block"
# How many maps does the second convolution of a block see?

# %% [markdown] tags=["hint"] exercise="vgg_block"
# One 3x3 convolution from a maps to b maps has (9a + 1) b parameters.

# %% [markdown] tags=["hint"] exercise="vgg_block"
# The first: (9 * inputs + 1) * outputs. Each of the others: (9 * outputs + 1) * outputs.

# %% tags=["solution"] exercise="vgg_block"
def block_parameters(inputs, outputs, convolutions):
    """Weights and biases of a VGG block."""
    first = (9 * inputs + 1) * outputs
    other = (9 * outputs + 1) * outputs  # the others see what the first one made
    return first + (convolutions - 1) * other

# %% tags=["equivalent"] exercise="vgg_block"
def block_parameters(inputs, outputs, convolutions):
    total = 0
    for _ in range(convolutions):
        total += 3 * 3 * inputs * outputs + outputs
        inputs = outputs
    return total

# %% tags=["wrong"] exercise="vgg_block" says="what the first one made"
def block_parameters(inputs, outputs, convolutions):
    return convolutions * (9 * inputs + 1) * outputs

# %% tags=["wrong"] exercise="vgg_block" says="bias"
def block_parameters(inputs, outputs, convolutions):
    return 9 * inputs * outputs + (convolutions - 1) * 9 * outputs * outputs

# %% tags=["wrong"] exercise="vgg_block" says="one convolution"
def block_parameters(inputs, outputs, convolutions):
    return (9 * inputs + 1) * outputs

# %% tags=["wrong"] exercise="vgg_block" says="3x3"
def block_parameters(inputs, outputs, convolutions):
    return (3 * inputs + 1) * outputs + (convolutions - 1) * (3 * outputs + 1) * outputs

# %% tags=["checker"] exercise="vgg_block"
def checker(block_parameters):
    first = block_parameters(3, 64, 2)
    if isinstance(first, (int, float, np.number)):
        require(first != 3584, "The later convolutions see what the first one made, not the input.")
        require(first != 38592, "You have the weights; each map also has a bias.")
        require(first != 1792, "That is only one convolution of the block.")
        require(first != 12992, "A 3x3 kernel has more than three weights.")
    close(first, 38720, "The first block, from 3 to 64 maps, does not come out.", rtol=1e-9)
    close(block_parameters(64, 128, 2), 221440, "The second block does not come out.", rtol=1e-9)
    close(block_parameters(256, 512, 3), 5899776, "The fourth block does not come out.", rtol=1e-9)

# %%
vgg16 = papers[(papers.net == "VGG-16") & (papers["item"] != "all")].set_index("item").value.astype(int)
network = summary(*on_paper("VGG-16 2014"))
ends = [i for i, row in enumerate(network.rows) if row.kind == "MaxPool2d"]
starts = [0, *ends[:-1]]
costs = [(sum(r.parameters for r in network.rows[i:j]), sum(r.macs for r in network.rows[i:j]))
         for i, j in zip(starts, ends, strict=True)]
costs += [(row.parameters, row.macs) for row in network.rows if row.kind == "Linear"]
parameters, operations = np.array(costs).T
print(pd.DataFrame({"lecture": vgg16.values, "counted": parameters}, vgg16.index).to_string())
claim("The lecture's table of VGG-16 is right in every line", (vgg16.values == parameters).all())

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(8, 3.2))
names = ["block 1", "block 2", "block 3", "block 4", "block 5", "full 1", "full 2", "full 3"]
place = np.arange(8)
ax.bar(place - 0.2, 100 * parameters / parameters.sum(), 0.4, label="parameters")
ax.bar(place + 0.2, 100 * operations / operations.sum(), 0.4, label="multiply-adds")
ax.set_xticks(place, names)
ax.set(ylabel="% of the network", title="VGG-16: where it is heavy, and where it works")
ax.legend()
show(fig, alt="Bars for each part of VGG-16. Three quarters of the parameters are in the first full layer, "
     "nearly all multiply-adds in the convolutions, most of them in blocks 2 to 4")

# %%
full, work = parameters[5:].sum() / parameters.sum(), operations[:5].sum() / operations.sum()
print(f"full layers: {full:.0%} of the parameters; convolutions: {work:.0%} of the work")
claim("Nine of ten parameters sit in the full layers", full > 0.89)
claim("while the convolutions do 99 % of the work", work > 0.99)

# %% [markdown]
# A full layer also fixes the size of the picture. But a full layer on maps of 7 x 7 *is* a convolution with a 7 x 7 kernel.
# Written that way, VGG takes larger films and answers with a map: `course_lib/models/fully_convolutional.py` does it, and
# a later lesson uses it.

# %% [markdown] tags=["slide"]
# ## 4 Network in network: away with the full layers
#
# - A **[[1x1 convolution]]** is a small fully connected layer at every pixel: it mixes maps, not neighbours.
# - The last layer has **one map per class**. Its mean is the class's logit: [[global average pooling]].
#
# No full layer, so nothing depends on the size of the picture. And the maps show *where* the class was seen: the idea
# behind [[class activation maps|class activation map]].

# %%
model = nin("laptop", num_classes=3).eval()
with torch.no_grad():
    x = torch.randn(1, 16, 5, 5, generator=torch.Generator().manual_seed(0))
    mix = model.features[0][2]  # a 1x1 convolution from 16 to 16 maps
    at_a_pixel = mix.weight[:, :, 0, 0] @ x[0, :, 2, 3] + mix.bias
    mixed = mix(x)[0, :, 2, 3]
claim("A 1x1 convolution multiplies the maps of each pixel by one matrix",
      torch.allclose(mixed, at_a_pixel, atol=1e-5))
claim("NiN has an eighth of AlexNet's parameters",
      7 < sizes.parameters["AlexNet 2012"] / sizes.parameters["NiN 2013"] < 9)

# %% [markdown] tags=["slide"]
# ## 5 GoogLeNet: look at several scales at once
#
# A nodule needs a small kernel, a heart a large one. Why choose? An [[inception module]] has them all and joins their maps. But 5x5
# kernels on many maps are expensive. So a 1x1 convolution makes the maps *few* first: a [[bottleneck]].

# %% tags=["slide"]
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4))
module_paths(left, [["1x1"], ["3x3"], ["5x5"], ["max pool"]], "the idea")
module_paths(right, [["1x1"], ["1x1", "3x3"], ["1x1", "5x5"], ["max pool", "1x1"]], "with bottlenecks")
show(fig, alt="Two inception modules. Left: 1x1, 3x3, 5x5 and max pooling side by side, joined. Right: "
     "the 3x3 and 5x5 have a 1x1 convolution before them, the pooling one after it")

# %% [markdown]
# A multiply-add count for a convolution: every weight is used once at each place of the output map.
#
# $$\text{multiply-adds} = \underbrace{h \cdot w \cdot c_\text{out}}_\text{values made} \times
# \underbrace{k \cdot k \cdot c_\text{in}}_\text{work for each}$$
#
# The lecture's example is the 5x5 path of a module: from 480 maps of 14 x 14 to 48 maps. Directly: 112.9 million. Which module
# is it? We look it up.

# %%
from course_lib.models.googlenet import MODULES

inputs = 192
for name, (one, _, three, narrow, five, pooled) in MODULES.items():
    if inputs == 480 and five == 48:
        print(f"module {name}: {inputs} maps in, 1x1 to {narrow}, 5x5 to {five}")
        direct = 14 * 14 * five * 5 * 5 * inputs
    inputs = one + three + five + pooled
print(f"without the 1x1: {direct:,} multiply-adds")

# %% [markdown] tags=["exercise"] exercise="bottleneck"
# ### Exercise: what the bottleneck saves
#
# Write `path_macs(side, inputs, narrow, outputs, kernel)`: multiply-adds of a 1x1 convolution from `inputs` to
# `narrow` maps, followed by a `kernel` x `kernel` one to `outputs` maps. The maps stay `side` x `side`.

# %% tags=["stub"] exercise="bottleneck"
def path_macs(side, inputs, narrow, outputs, kernel):
    """Multiply-adds of a 1x1 convolution and the large one after it."""
    return ...

# %% tags=["check"] exercise="bottleneck"
check("bottleneck", path_macs)

# %% [markdown] tags=["hint"] exercise="bottleneck"
# Two convolutions, two counts. They are done one after the other: what happens to the counts?

# %% [markdown] tags=["hint"] exercise="bottleneck"
# The first makes side * side * narrow values, each from `inputs` products. What does the second see?

# %% [markdown] tags=["hint"] exercise="bottleneck"
# side² * narrow * inputs + side² * outputs * kernel² * narrow

# %% tags=["solution"] exercise="bottleneck"
def path_macs(side, inputs, narrow, outputs, kernel):
    """Multiply-adds of a 1x1 convolution and the large one after it."""
    squeeze = side * side * narrow * inputs
    large = side * side * outputs * kernel * kernel * narrow  # it sees only the narrow maps
    return squeeze + large

# %% tags=["equivalent"] exercise="bottleneck"
def path_macs(side, inputs, narrow, outputs, kernel):
    return side**2 * narrow * (inputs + outputs * kernel**2)

# %% tags=["wrong"] exercise="bottleneck" says="only the narrow maps"
def path_macs(side, inputs, narrow, outputs, kernel):
    return side**2 * narrow * inputs + side**2 * outputs * kernel**2 * inputs

# %% tags=["wrong"] exercise="bottleneck" says="every place"
def path_macs(side, inputs, narrow, outputs, kernel):
    return narrow * inputs + outputs * kernel**2 * narrow

# %% tags=["wrong"] exercise="bottleneck" says="one after the other"
def path_macs(side, inputs, narrow, outputs, kernel):
    return (side**2 * narrow * inputs) * (side**2 * outputs * kernel**2 * narrow)

# %% tags=["wrong"] exercise="bottleneck" says="the 1x1"
def path_macs(side, inputs, narrow, outputs, kernel):
    return side**2 * outputs * kernel**2 * narrow

# %% tags=["wrong"] exercise="bottleneck" says="in both directions"
def path_macs(side, inputs, narrow, outputs, kernel):
    return side**2 * narrow * inputs + side**2 * outputs * kernel * narrow

# %% tags=["checker"] exercise="bottleneck"
def checker(path_macs):
    value = path_macs(14, 480, 16, 48, 5)
    if isinstance(value, (int, float, np.number)):
        require(value != 1505280 + 112896000, "The large kernel sees only the narrow maps.")
        require(value != 26880, "That is the number of weights; each is used at every place.")
        require(value < 1e9, "They work one after the other: their costs add up.")
        require(value != 3763200, "Do not forget the 1x1 convolution: it works too.")
        require(value != 1505280 + 752640, "The kernel has pixels in both directions.")
    close(value, 5268480, "For module 4a this does not come out.", rtol=1e-9)
    close(path_macs(28, 192, 16, 32, 5), 12443648, "For module 3a it does not come out.", rtol=1e-9)

# %%
def multiply_adds(side, inputs, outputs, kernel):
    """One convolution that keeps the size of its maps."""
    return side**2 * outputs * kernel**2 * inputs


squeeze, large = multiply_adds(14, 480, 16, 1), multiply_adds(14, 16, 48, 5)
print(f"{direct / 1e6:.1f} million directly; {squeeze / 1e6:.1f} + {large / 1e6:.1f} with a bottleneck")
claim("The lecture's 112.9, 1.5 and 3.8 million are right",
      (round(direct / 1e6, 1), round(squeeze / 1e6, 1), round(large / 1e6, 1)) == (112.9, 1.5, 3.8))
claim("The bottleneck saves 95 % of the work", (squeeze + large) / direct < 0.05)

# %% tags=["slide"]
show(map_sizes(*on_paper("GoogLeNet 2014"), "GoogLeNet: nine inception modules"),
     alt="GoogLeNet as blocks: three convolutions, then two modules of 28 pixels, five of 14, two of 7, "
     "and one fully connected layer")

# %% [markdown] tags=["slide"]
# ### Auxiliary classifiers
#
# 22 layers were too deep for 2014: the loss hardly reached the first ones. GoogLeNet has two [[auxiliary classifiers|auxiliary classifier]]
# on modules 4a and 4d. Their losses count 0.3 in training. Afterwards they are thrown away.

# %%
with torch.device("meta"):
    trained = googlenet("paper", 1000, 3)
print(f"in training {count_parameters(trained):,} parameters, in use {sizes.parameters['GoogLeNet 2014']:,}")

# %% [markdown]
# Do they help? We send one batch through a narrow GoogLeNet without batch norm, as in 2014, and measure how much
# [[gradient|gradient of the loss]] arrives at the *first* convolution. It depends on the random numbers the network
# starts from: those of Glorot (2010), or those of He (2015), made for ReLU.

# %% tags=["varies"]
from course_lib.models.googlenet import GoogLeNet, Style


def first_gradients(start):
    """Size of the gradient of conv1 from the main loss and from each auxiliary one."""
    torch.manual_seed(0)
    network = GoogLeNet(Style(batch_norm=False, normalise=True, width=0.25), 10, 1).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            start(layer.weight)
    outputs = network(torch.randn(8, 1, 64, 64), auxiliaries=True)
    losses = [F.cross_entropy(logits, torch.arange(8)) for logits in outputs]
    weight = network.conv1.conv.weight
    return [torch.autograd.grad(z, weight, retain_graph=True)[0].norm().item() for z in losses]


glorot = first_gradients(torch.nn.init.xavier_uniform_)
he = first_gradients(torch.nn.init.kaiming_uniform_)
for name, (main, early, late) in (("Glorot 2010", glorot), ("He 2015", he)):
    print(f"{name:12} main {main:.2g}, first auxiliary {early:.2g}, second {late:.2g}")
claim("With the start of 2010, the first auxiliary classifier reaches conv1 three times as strongly",
      glorot[1] > 3 * glorot[0])
claim("With the start made for ReLU, the main loss alone arrives ten times as strongly", he[0] > 10 * glorot[0])

# %% [markdown]
# So the auxiliary classifiers were a crutch for a problem that better starting values, and later batch norm, solved. The
# authors said so themselves a year later: they found them to help only late in training, as a regulariser.

# %% [markdown] tags=["slide"]
# ## 6 Inception v2: take the large kernels apart
#
# - 5x5 → two 3x3 (VGG's idea): 18 weights instead of 25
# - 7x7 → 1x7 and 7x1: 14 weights instead of 49
# - on the coarsest maps 1x3 and 3x1 *side by side*: more maps instead of more depth

# %% tags=["slide"]
fig, axes = plt.subplots(1, 3, figsize=(11, 4))
module_paths(axes[0], [["1x1"], ["1x1", "3x3"], ["1x1", "3x3", "3x3"], ["mean", "1x1"]],
             "35 pixels: 5x5 taken apart")
module_paths(axes[1], [["1x1"], ["1x1", "1x7", "7x1"],
                       ["1x1", "7x1", "1x7", "7x1", "1x7"], ["mean", "1x1"]],
             "17 pixels: 7x7 taken apart")
module_paths(axes[2], [["1x1"], ["1x1", "1x3 | 3x1"], ["1x1", "3x3", "1x3 | 3x1"], ["mean", "1x1"]],
             "8 pixels: side by side")
show(fig, alt="The three modules of Inception v2. The 5x5 has become two 3x3; the 7x7 has become pairs of "
     "1x7 and 7x1; in the last module 1x3 and 3x1 stand side by side")

# %% [markdown] tags=["exercise"] exercise="factorise"
# ### Exercise: how much is saved?
#
# An n x n kernel becomes a 1 x n and an n x 1 kernel (all with the same number of maps). Write `saved(n)`: the *share* of the
# weights that is saved, between 0 and 1. For which n is nothing saved?

# %% tags=["stub"] exercise="factorise"
def saved(n):
    """Share of the weights saved when n x n becomes 1 x n and n x 1."""
    return ...


nothing_saved_at = ...

# %% tags=["check"] exercise="factorise"
check("factorise", saved, nothing_saved_at)

# %% [markdown] tags=["hint"] exercise="factorise"
# How many weights before? How many after, both kernels together?

# %% [markdown] tags=["hint"] exercise="factorise"
# n² before, 2n after. What share of n² is gone?

# %% [markdown] tags=["hint"] exercise="factorise"
# (n² - 2n) / n², which is 1 - 2/n. It is zero where 2/n is one.

# %% tags=["solution"] exercise="factorise"
def saved(n):
    """Share of the weights saved when n x n becomes 1 x n and n x 1."""
    return 1 - 2 * n / n**2


nothing_saved_at = 2

# %% tags=["equivalent"] exercise="factorise"
def saved(n):
    return (n - 2) / n


nothing_saved_at = 2.0

# %% tags=["wrong"] exercise="factorise" says="what is left"
def saved(n):
    return 2 / n


nothing_saved_at = 2

# %% tags=["wrong"] exercise="factorise" says="two kernels"
def saved(n):
    return 1 - n / n**2


nothing_saved_at = 1

# %% tags=["wrong"] exercise="factorise" says="share"
def saved(n):
    return n**2 - 2 * n


nothing_saved_at = 2

# %% tags=["wrong"] exercise="factorise" says="per cent"
def saved(n):
    return 100 * (1 - 2 / n)


nothing_saved_at = 2

# %% tags=["wrong"] exercise="factorise" says="1x1"
def saved(n):
    return 1 - 2 / n


nothing_saved_at = 1

# %% tags=["checker"] exercise="factorise"
def checker(saved, nothing_saved_at):
    seven = saved(7)
    if isinstance(seven, (int, float, np.number)):
        require(abs(seven - 2 / 7) > 1e-6, "That is what is left, not what is saved.")
        require(abs(seven - 6 / 7) > 1e-6, "There are two kernels after the split: count both.")
        require(seven != 35, "35 weights of 49 are saved; give it as a share.")
        require(seven < 2, "Give a share between 0 and 1, not per cent.")
    close(seven, 5 / 7, "For 7 x 7 this is not the share.")
    close(saved(3), 1 / 3, "For 3 x 3 this is not the share.")
    if isinstance(nothing_saved_at, (int, float, np.number)):
        require(nothing_saved_at != 1, "At n = 1 a 1x1 becomes two 1x1: it costs more.")
    close(nothing_saved_at, 2, "Where are n² and 2n equal?")

# %% [markdown] tags=["slide"]
# ### Smaller grids without a bottleneck
#
# Somewhere the maps must get smaller. Pool first: cheap, but information is lost before anybody looked at it. Convolve first:
# expensive. Inception v2 does both side by side, each with stride 2, and joins the results.

# %%
d, k = 34, 320  # from 34 x 34 x 320 to 17 x 17 x 640
ways = {
    "widen, then pool": (d**2 * 9 * k * 2 * k, d**2 * 2 * k),
    "pool, then widen": ((d // 2) ** 2 * 9 * k * 2 * k, (d // 2) ** 2 * k),
    "side by side": ((d // 2) ** 2 * 9 * k * k, (d // 2) ** 2 * 2 * k),
}
print("                   million multiply-adds   values at the narrowest place")
for name, (cost, values) in ways.items():
    print(f"{name:18}{cost / 1e6:16,.0f}{values:30,}")
claim("Side by side costs an eighth of widening first", ways["widen, then pool"][0] == 8 * ways["side by side"][0])
claim("and keeps twice the values of pooling first", ways["side by side"][1] == 2 * ways["pool, then widen"][1])

# %% [markdown]
# [[Batch normalisation]] came in the same year: each map is shifted and scaled to mean 0 and spread 1 over the batch. It is in every convolution
# of Inception v2 and v3. (A GoogLeNet with batch norm is also called "Inception v2". Always say which paper.)

# %% [markdown] tags=["slide"]
# ## 7 Inception v3: four late additions
#
# 1. **RMSProp**: each weight's step is divided by the recent size of its gradient
# 2. **factorised 7x7**: also in the first layers, as three 3x3
# 3. **batch norm in the auxiliary classifier**
# 4. **[[label smoothing]]**: aim at about 0.9, not at 1
#
# Esteva's skin cancer network of 2017, "dermatologist level", is an Inception v3.

# %%
with torch.device("meta"):
    with_helper = inception_v3("paper", 1000, 3)
macs, count = sizes.loc["Inception v3 2015", ["multiply-adds", "parameters"]]
print(f"{count:,} parameters ({count_parameters(with_helper):,} in training), {macs / 1e9:.2f} billion multiply-adds")
print("the abstract: fewer than 25 million parameters, 5 billion multiply-adds")
claim("The parameters are as the abstract says", count < 25e6)
claim("The published network needs more work than the abstract says", macs > 1.1 * 5e9)

# %% [markdown] tags=["exercise"] exercise="soft_label"
# ### Exercise: a label that is not quite sure
#
# With label smoothing s, the right class gives up the share s, and s is spread evenly over **all** K classes (the right one as well).
# Write `soft_label(right, classes, s)`: a list or array of the K target probabilities.

# %% tags=["stub"] exercise="soft_label"
def soft_label(right, classes, s):
    """Target probabilities when the class number `right` is the label."""
    return ...

# %% tags=["check"] exercise="soft_label"
check("soft_label", soft_label)

# %% [markdown] tags=["hint"] exercise="soft_label"
# What must all K probabilities add up to?

# %% [markdown] tags=["hint"] exercise="soft_label"
# Every class gets s / K. The right one gets something on top.

# %% [markdown] tags=["hint"] exercise="soft_label"
# Start from `np.full(classes, s / classes)` and add 1 - s to one entry.

# %% tags=["solution"] exercise="soft_label"
def soft_label(right, classes, s):
    """Target probabilities when the class number `right` is the label."""
    target = np.full(classes, s / classes)  # everybody's share
    target[right] += 1 - s
    return target

# %% tags=["equivalent"] exercise="soft_label"
def soft_label(right, classes, s):
    return [(1 - s) * (k == right) + s / classes for k in range(classes)]

# %% tags=["equivalent"] exercise="soft_label"
def soft_label(right, classes, s):
    return (1 - s) * F.one_hot(torch.tensor(right), classes) + s / classes

# %% tags=["wrong"] exercise="soft_label" says="also gets its part"
def soft_label(right, classes, s):
    return [1 - s if k == right else s / (classes - 1) for k in range(classes)]

# %% tags=["wrong"] exercise="soft_label" says="add up to one"
def soft_label(right, classes, s):
    return [1 - s if k == right else s for k in range(classes)]

# %% tags=["wrong"] exercise="soft_label" says="not smoothed"
def soft_label(right, classes, s):
    return [float(k == right) for k in range(classes)]

# %% tags=["wrong"] exercise="soft_label" says="add up to one"
def soft_label(right, classes, s):
    return [1 - s if k == right else s / classes for k in range(classes)]

# %% tags=["checker"] exercise="soft_label"
def checker(soft_label):
    answer = soft_label(1, 5, 0.1)
    if np.shape(answer) == (5,):
        values = np.array([float(value) for value in answer])
        require(not np.allclose(values, np.eye(5)[1]), "This label is not smoothed.")
        require(abs(values.sum() - 1) < 1e-6, "Probabilities must add up to one.")
        shared = np.where(np.arange(5) == 1, 0.9, 0.025)
        require(not np.allclose(values, shared), "The right class also gets its part of the share s.")
    close(answer, [0.02, 0.92, 0.02, 0.02, 0.02], "For class 1 of 5 and s = 0.1 this is not it.")
    close(soft_label(0, 2, 0.2), [0.9, 0.1], "For class 0 of 2 and s = 0.2 this is not it.")

# %% [markdown]
# Why it helps: with a target of exactly 1 the loss is never satisfied, and the logits grow for ever. With 0.92 there is a best logit, and the network
# stays a little less sure of itself. Radiologists' labels are wrong now and then. A network should not stake everything on them.

# %% [markdown] tags=["slide"]
# ## Play: how maps shrink and grow
#
# Choose a network. Where does it throw away resolution? How small a finding would you still expect it to see?

# %%
def draw(network):
    return map_sizes(*on_paper(network), network)


explore(draw, alt="The layers of the chosen network as blocks: height is the side of the maps, thickness their number",
        network=list(NETS))

# %% [markdown] tags=["slide"]
# ## All of them in front of a chest film
#
# Five of them in their small size (`preset="laptop"`: the same class, narrower), 64-pixel films, one question: fluid in the
# chest, [[pleural effusion]], or not? 400 virtual patients, half of them ill. 270 to learn from, 130 to test.
#
# We measure the [[AUC]]: how often a film with fluid gets a higher score than one without. 0.5 is guessing, 1 is
# perfect. (The lesson "Measuring a classifier" has more.)

# %% tags=["varies"]
from course_lib.data.opening import open_dataset

FLUID = "pleural_effusion"
cohort = open_dataset("virtual", n=400, seed=3, size=64, findings=[FLUID], prevalence={FLUID: 0.5})
ill = torch.tensor([int(record.label_vector([FLUID])[0][0]) for record in cohort.records])
chests = torch.stack([torch.tensor(cohort[i].image).float() for i in range(400)])[:, None]
chests = (chests - chests.mean()) / chests.std()
cases = [{"image": image, "target": label} for image, label in zip(chests, ill, strict=True)]
show(films(chests[:8, 0].numpy(), ["fluid" if label else "no fluid" for label in ill[:8]], columns=8),
     alt="Eight virtual chest films of 64 pixels, some with fluid above the diaphragm")

# %% tags=["varies"]
from course_lib.evaluation.roc import auc
from course_lib.learning.label_smoothing import ClassLoss
from course_lib.models.lenet import ModernLeNet

PLAN = Plan(epochs=12, batch_size=25, learning_rate=2e-3)


def trained_auc(build, loss):
    """Train on the first 270 films, keep the best of 20 of them, measure on the other 130."""
    torch.manual_seed(0)
    network = build()
    fit(network, cases[:250], cases[250:270], loss, PLAN)
    with torch.no_grad():
        logits = network.eval()(chests[270:])
    return count_parameters(network), auc(ill[270:].numpy(), (logits[:, 1] - logits[:, 0]).numpy())


rows = {"LeNet (with plain pooling)": trained_auc(lambda: ModernLeNet(2, size=64), ClassLoss())}
for name, build in (("AlexNet", alexnet), ("VGG-11", vgg), ("NiN", nin)):
    rows[name] = trained_auc(lambda build=build: build("laptop", 2), ClassLoss())
rows["GoogLeNet"] = trained_auc(lambda: googlenet("laptop", 2), ClassLoss(auxiliary=0.3))
results = pd.DataFrame(rows, index=["parameters", "AUC"]).T
print(results.to_string(formatters={"parameters": "{:,.0f}".format, "AUC": "{:.2f}".format}))
claim("Each of them learns to see fluid: AUC above 0.65", (results.AUC > 0.65).all())

# %% [markdown]
# Do not read this as a ranking. With 130 test films an AUC of 0.9 is uncertain by about 0.05, another random start changes it as much, and nobody tuned
# anything. What you see: five architectures, one interface, a minute of training. On an easy question with few films, the design matters less
# than the papers make believe.

# %% [markdown] tags=["instructor"]
# **Short of time?** Sections 1, 2 (the audit) and 5 carry the lesson; 6 and 7 can be read at home. In one hour: the exercises
# `sparse_c3`, `alexnet_input`, `vgg_block` and `bottleneck`; the other three at home.
#
# **Typical mistakes:** counting a bias per kernel instead of per map; forgetting that the second convolution of a block sees `outputs` maps;
# multiplying the costs of successive layers; taking parameters for operations (VGG's picture is the cure).
#
# **Ask:** Why did GoogLeNet's authors count operations and not only weights? (A budget: 1.5 billion multiply-adds.) If full layers hold 90 % of VGG's
# weights, does removing them make it faster? (No: 1 % of the work.) Where would you put a 5 mm nodule on the map of VGG's last block?
# (A 224-pixel film of 400 mm has 1.8 mm pixels; one value of the last maps stands for 32 pixels, 57 mm.)

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Weights sit in full layers, work happens in convolutions: count both.
# - Two 3x3 see 5x5 for less. 1x7 and 7x1 see 7x7 for much less.
# - A 1x1 convolution mixes maps at every pixel; as a bottleneck it saved GoogLeNet 95 % of a 5x5 path.
# - A mean over maps replaces full layers: fewer weights, any film size, and maps that show where.
# - Auxiliary classifiers, response normalisation, two cards: solutions of their time. Ask what problem a part solves, and whether you have it.
# - Papers contain slips. 224 pixels do not give 55. A pencil finds them.

# %% [markdown]
# ## References
#
# - LeCun Y, Bottou L, Bengio Y, Haffner P. Gradient-based learning applied to document recognition. Proc IEEE 1998;86:2278-2324.
# - Krizhevsky A, Sutskever I, Hinton GE. ImageNet classification with deep convolutional neural networks. NIPS 2012.
# - Lin M, Chen Q, Yan S. Network in network. arXiv:1312.4400.
# - Simonyan K, Zisserman A. Very deep convolutional networks for large-scale image recognition. arXiv:1409.1556.
# - Szegedy C et al. Going deeper with convolutions. arXiv:1409.4842.
# - Szegedy C et al. Rethinking the Inception architecture for computer vision. arXiv:1512.00567.
# - Glorot X, Bengio Y. Understanding the difficulty of training deep feedforward neural networks. AISTATS 2010.
# - He K et al. Delving deep into rectifiers. arXiv:1502.01852.
# - Ioffe S, Szegedy C. Batch normalization. arXiv:1502.03167.
# - Esteva A et al. Dermatologist-level classification of skin cancer with deep neural networks. Nature 2017;542:115-118.

# %% [markdown] tags=["slide"]
# ## A small window slides over a film
#
# A rib looks like a rib wherever it lies. So why should a network learn "rib" anew for every place?
#
# A [[convolution]] looks at the film through one small window, everywhere with the **same** weights. This lesson
# does by hand what every image network does millions of times, and counts what it costs and what it can see.
#
# *Little time? Groups (in 5), the checkerboard (in 7) and the counters (in 11) can wait.*

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.grids import connections, numbers, sliding_window
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 Fewer and fewer weights
#
# - **[[Fully connected|fully connected layer]]**: every output has a weight for every pixel.
# - **Locally connected**: an output looks at its neighbourhood only.
# - **Shared weights** ([[weight sharing]]): all outputs use the same few weights. This is a convolution.
#
# Below: pixels of one row. Above: outputs. Lines: weights.

# %% tags=["slide"]
show(connections(), alt="Nine inputs: 81 weights fully connected, 21 locally, 3 when shared (same colour)")

# %% [markdown]
# Now a film of 512 x 512 pixels, and one *pattern* of 10 x 10 pixels to look for. One fully connected output
# looks for it at **one** place. To look everywhere takes as many outputs as there are places.

# %%
from course_lib.models.arithmetic import costs, sizes

side, kernel = 512, (10, 10)
places = (sizes.convolution_size(side, 10),) * 2
outputs = places[0] * places[1]
print(f"fully connected, one output:        {costs.linear_parameters(side**2, 1, bias=False):>14,} weights")
full = costs.linear_parameters(side**2, outputs, bias=False)
print(f"fully connected, {places[0]} x {places[1]} outputs: {full:>14,}")
local = costs.locally_connected_parameters(1, 1, kernel, places, bias=False)
print(f"locally connected, as many:         {local:>14,}")
shared = costs.convolution_parameters(1, 1, kernel, bias=False)
print(f"shared 10 x 10, as many:            {shared:>14,}, for a film of any size")
claim("A convolution needs 2,600 times fewer weights than one fully connected output",
      side**2 / shared > 2600)

# %% [markdown]
# Fewer weights is one gain. The other: every place of every film is an example for the same 100 weights.

# %% [markdown] tags=["slide"]
# ## 2 The sum under the window
#
# Lay the [[kernel]] on the image. Multiply each weight with the pixel under it. Add up, write down, move on:
#
# $$o[y, x] = \sum_{a}\sum_{b} w[a, b]\; i[y + a, x + b]$$

# %% tags=["slide"]
from course_lib.models.layers_by_hand.convolution import convolve, slide

image = np.array([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
weights = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])


def worked_example(position):
    """The kernel at one position (row by row), the products, and the output so far."""
    y, x = divmod(position, 3)
    output = np.full(9, np.nan)
    output[: position + 1] = slide(image, weights).ravel()[: position + 1]
    under = np.zeros((5, 5), bool)
    under[y : y + 3, x : x + 3] = True
    products = image[y : y + 3, x : x + 3] * weights
    fig, axes = plt.subplots(1, 4, figsize=(11, 3), gridspec_kw={"width_ratios": [5, 3, 3, 3]})
    numbers(axes[0], image, "image", under)
    numbers(axes[1], weights, "kernel")
    sum_text = " + ".join(str(v) for v in products.ravel() if v)
    numbers(axes[2], products, f"products; their sum:\n{sum_text} = {products.sum()}")
    numbers(axes[3], output.reshape(3, 3), "output so far", np.arange(9).reshape(3, 3) == position)
    return fig


explore(worked_example, alt="A 3 x 3 kernel on a 5 x 5 image, nine products, their sum, and the output so far",
        position=(0, 8, 1, 4))

# %% [markdown] tags=["exercise"] exercise="slide_kernel"
# ### Exercise: write a convolution
#
# Write `slide_kernel(image, kernel)` for two tables of numbers: no padding, one pixel at a time. Loops are fine.

# %% tags=["stub"] exercise="slide_kernel"
def slide_kernel(image, kernel):
    """The sum under the kernel at each place: (H, W), (kh, kw) -> (H - kh + 1, W - kw + 1)."""
    return ...

# %% tags=["check"] exercise="slide_kernel"
check("slide_kernel", slide_kernel)

# %% [markdown] tags=["hint"] exercise="slide_kernel"
# At how many places can a kernel of 3 rows lie in an image of 5 rows?

# %% [markdown] tags=["hint"] exercise="slide_kernel"
# Make `out = np.zeros((H - kh + 1, W - kw + 1))` and two loops over its rows `y` and columns `x`.

# %% [markdown] tags=["hint"] exercise="slide_kernel"
# The pixels under the kernel are `image[y:y+kh, x:x+kw]`. Multiply with `kernel`, and `.sum()`.

# %% tags=["solution"] exercise="slide_kernel"
def slide_kernel(image, kernel):
    """The sum under the kernel at each place: (H, W), (kh, kw) -> (H - kh + 1, W - kw + 1)."""
    kh, kw = kernel.shape
    out = np.zeros((image.shape[0] - kh + 1, image.shape[1] - kw + 1))
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = (image[y : y + kh, x : x + kw] * kernel).sum()
    return out

# %% tags=["equivalent"] exercise="slide_kernel"
def slide_kernel(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("yxab,ab->yx", windows, kernel)

# %% tags=["wrong"] exercise="slide_kernel" says="turned the kernel round"
def slide_kernel(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("yxab,ab->yx", windows, kernel[::-1, ::-1])

# %% tags=["wrong"] exercise="slide_kernel" says="rows and 2 columns"
def slide_kernel(image, kernel):
    kh, kw = kernel.shape
    out = np.zeros((image.shape[0] - kh, image.shape[1] - kw))
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = (image[y : y + kh, x : x + kw] * kernel).sum()
    return out

# %% tags=["wrong"] exercise="slide_kernel" says="mean"
def slide_kernel(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("yxab,ab->yx", windows, kernel) / kernel.size

# %% tags=["checker"] exercise="slide_kernel"
def checker(slide_kernel):
    rng = np.random.default_rng(0)
    picture, kernel = rng.integers(0, 9, (4, 5)).astype(float), rng.integers(0, 5, (2, 3)).astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(picture, (2, 3))
    right = np.einsum("yxab,ab->yx", windows, kernel)
    turned = np.einsum("yxab,ab->yx", windows, kernel[::-1, ::-1])
    out = np.asarray(slide_kernel(picture, kernel))
    require(out.shape != (2, 2), "A 2 x 3 kernel fits into 4 x 5 pixels at 3 rows and 3 columns of places, not 2 rows and 2 columns.")
    if out.shape == right.shape:
        require(not np.allclose(out, turned), "You turned the kernel round: mathematicians do, networks do not.")
        require(not np.allclose(out, right / kernel.size), "You took the mean under the kernel; we want the sum.")
    close(out, right, "A 4 x 5 image and a 2 x 3 kernel:")

# %% [markdown]
# **A trap of words.** For mathematicians a *convolution* turns the kernel by 180° first. The sum we wrote is a
# *cross-correlation*. Networks learn the kernel, so it makes no difference to them, and everybody says "convolution".
# Many lectures write the formula **with** the turn, and then work an example **without** it. See what it does:

# %%
print("as networks do it:\n", slide(image, weights).astype(int))
print("kernel turned round first:\n", slide(image, weights[::-1, ::-1]).astype(int))
claim("The worked example comes out", slide(image, weights).tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]])

# %% [markdown] tags=["slide"]
# ## 3 What a kernel can find
#
# - Weights that add up to 1: a blur. To 0: only *changes* are left; flat areas become zero.
# - Left minus right finds vertical edges; top minus bottom finds horizontal ones.
#
# A network starts with random kernels and learns which ones help. The first layer often ends with edges like these.

# %% tags=["slide"]
from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_patient

chest = radiograph(sample_patient(7), size=256, seed=7).pixels / 4095
KERNELS = {
    "blur": np.full((5, 5), 1 / 25),
    "left - right": np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
    "top - bottom": np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]),
    "middle - neighbours": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}


def filtered(name):
    """One film through one kernel, same size."""
    kernel = KERNELS[name].astype(float)
    return convolve(chest[None, None], kernel[None, None], p=len(kernel) // 2)[0, 0]


maps = [filtered(name) for name in KERNELS]
pictures = [maps[0], *[np.clip(0.5 + m / 0.8, 0, 1) for m in maps[1:]]]
fig = films([chest, *pictures], ["film", *KERNELS], columns=5, width=11, vmin=0, vmax=1)
show(fig, alt="A chest film, blurred, its vertical edges (ribs' sides, heart border), horizontal ones (ribs, diaphragm), and fine detail")

# %% [markdown]
# Look at "top - bottom": ribs and diaphragm shine, the borders of the heart and the chest wall almost vanish. "Left - right" shows those
# borders, and of the ribs only the steep parts.

# %%
inside = (slice(90, 150), slice(20, 236))  # away from the film's border
edges = {name: np.abs(m[inside]).mean() for name, m in zip(KERNELS, maps, strict=True)}
flat_film = np.full((8, 8), 0.7)
claim("All but the blur answer zero to a flat area",
      [np.abs(slide(flat_film, k.astype(float))).max() < 1e-12 for k in KERNELS.values()] == [False, True, True, True])
claim("Blurring lowers the detail", np.std(np.diff(maps[0][inside])) < np.std(np.diff(chest[inside])))
claim("Both edge kernels find something in every chest", min(edges["left - right"], edges["top - bottom"]) > 0.01)

# %% [markdown] tags=["slide"]
# ## 4 How large is the output?
#
# For each axis: input $i$, kernel $k$, [[padding]] $p$ (a margin of zeros) on both sides, [[stride]] $s$ (pixels from one
# place to the next), [[dilation]] $d$ (pixels from one weight to the next):
#
# $$o = \left\lfloor \frac{i + 2p - d\,(k - 1) - 1}{s} \right\rfloor + 1$$
#
# - Plain ($p=0$, $s=d=1$): $o = i - k + 1$.
# - $p = (k-1)/2$ keeps the size (for $s = d = 1$). $s = 2$ then halves it.
# - Where the division leaves a rest, pixels at the right and lower border are never looked at!

# %% tags=["slide"]
explore(sliding_window, alt="A kernel on a padded grid at one position, and the output grid with its size",
        i=(3, 9, 1, 5), k=(1, 5, 1, 3), p=(0, 3, 1, 1), s=(1, 4, 1, 2), d=(1, 3, 1, 1), position=(0, 35, 1, 4))

# %%
for i, k, p, s in ((5, 3, 0, 1), (5, 4, 2, 1), (5, 3, 1, 2), (224, 7, 3, 2)):
    print(f"i = {i:3}, k = {k}, p = {p}, s = {s}:  o = {sizes.convolution_size(i, k, p, s)}")
worked = [sizes.convolution_size(5, *kps) for kps in ((3, 0, 1), (4, 2, 1), (3, 1, 2))]
claim("The three worked examples give 3, 6 and 3", worked == [3, 6, 3])

# %% [markdown] tags=["exercise"] exercise="predict_sizes"
# ### Exercise: predict, then run
#
# A film of 224 x 224 pixels runs through four layers. Predict the side of each output **on paper**, fill in `predicted`.
#
# 1. convolution, kernel 11, stride 4, padding 2 (like the AlexNet that comes with PyTorch)
# 2. max pooling, kernel 3, stride 2, no padding
# 3. convolution, kernel 5, padding 2
# 4. convolution, kernel 3, dilation 4, no padding

# %% tags=["stub"] exercise="predict_sizes"
predicted = [..., ..., ..., ...]

# %% tags=["check"] exercise="predict_sizes"
check("predict_sizes", predicted)

# %% [markdown] tags=["hint"] exercise="predict_sizes"
# The output of one layer is the input of the next. Pooling uses the same formula as a convolution.

# %% [markdown] tags=["hint"] exercise="predict_sizes"
# First layer: (224 + 4 - 11) / 4 = 54.25. The floor, then plus 1.

# %% [markdown] tags=["hint"] exercise="predict_sizes"
# With dilation 4 the three weights span 1 + 4 + 4 = 9 pixels.

# %% tags=["solution"] exercise="predict_sizes"
predicted = [55, 27, 27, 19]  # floor(217/4)+1, floor(52/2)+1, unchanged, 27 - 9 + 1

# %% tags=["equivalent"] exercise="predict_sizes"
predicted = [(224 + 4 - 11) // 4 + 1, (55 - 3) // 2 + 1, 27, 27 - (4 * 2 + 1) + 1]

# %% tags=["wrong"] exercise="predict_sizes" says="plus 1"
predicted = [54, 26, 26, 18]

# %% tags=["wrong"] exercise="predict_sizes" says="plus 1"
predicted = [54, 25, 24, 15]

# %% tags=["wrong"] exercise="predict_sizes" says="both sides"
predicted = [54, 26, 22, 14]

# %% tags=["wrong"] exercise="predict_sizes" says="Round down"
predicted = [56, 28, 28, 20]

# %% tags=["wrong"] exercise="predict_sizes" says="from its first to its last"
predicted = [55, 27, 27, 16]

# %% tags=["wrong"] exercise="predict_sizes" says="both sides"
predicted = [54, 26, 24, 16]

# %% tags=["wrong"] exercise="predict_sizes" says="spans"
predicted = [55, 27, 27, 25]

# %% tags=["wrong"] exercise="predict_sizes" says="keeps"
predicted = [55, 27, 23, 15]

# %% tags=["checker"] exercise="predict_sizes"
def checker(predicted):
    p = [int(v) for v in predicted]
    require(p[0] != 53 and p[:2] != [54, 25], "That many steps fit; the first position counts too: plus 1.")
    require(p[0] != 54, "First layer: padding is added on both sides, 2p. And the first position counts: plus 1.")
    require(p[0] != 56, "First layer: a step that does not fit completely does not count. Round down.")
    require(p[2] == p[1], "Padding 2 keeps the size for a kernel of 5.")
    require(p[3] != p[2] - 2, "A dilated kernel spans more than 3 pixels: with dilation 4 there are gaps between its weights.")
    require(p[:3] != [55, 27, 27] or p[3] == 19, "Last layer: how many pixels does it span, from its first to its last weight?")
    close(p, [55, 27, 27, 19], "Sides after the four layers:")

# %%
from course_lib.models.arithmetic.summary import summary

stack = nn.Sequential(nn.Conv2d(1, 8, 11, stride=4, padding=2), nn.MaxPool2d(3, 2),
                      nn.Conv2d(8, 8, 5, padding=2), nn.Conv2d(8, 8, 3, dilation=4))
print(summary(stack, (1, 1, 224, 224)))

# %% [markdown]
# `summary(model, input_shape)` works for any model. It runs the layers on PyTorch's *meta* device: tensors that have a
# shape but no numbers. We come back to its last columns.

# %% [markdown] tags=["slide"]
# ## 5 Channels
#
# - A colour picture has C = 3 [[channels|channel]]. A filter then is a block: 5 x 5 x 3 = 75 weights.
# - It adds up over the channels and gives **one** map. For D maps take D filters: 4 x 75 = 300 weights (and 4 biases).
# - The next layer takes these D [[feature maps|feature map]] as its channels.
#
# Weights: $k_h\, k_w\, C\, D$. [[Multiply-adds|multiply-add]]: as many, **at each place** of the output.

# %%
print("4 filters of 5 x 5 x 3:", costs.convolution_parameters(3, 4, (5, 5), bias=False), "weights")
print("over a 224 x 224 picture:", f"{costs.convolution_macs(3, 4, (5, 5), (224, 224)):,}", "multiply-adds")
claim("Two 3x3 layers see as much as one 5x5 layer and need fewer weights (64 channels)",
      2 * costs.convolution_parameters(64, 64, (3, 3)) < costs.convolution_parameters(64, 64, (5, 5)))

# %% [markdown] tags=["slide"]
# ### Groups
#
# - **Grouped**: channels are split into groups; a filter sees only its group. G groups: 1/G of the weights.
# - **Depthwise** ([[depthwise convolution]]): as many groups as channels. Then a 1x1 convolution mixes the channels.
#
# MobileNet and EfficientNet save most of their work this way.

# %% [markdown] tags=["exercise"] exercise="depthwise_saving"
# ### Exercise: what does depthwise save?
#
# Write `macs(inputs, outputs, k, side, groups)`: the multiply-adds of a convolution whose output is `side` x `side`.
# The check then compares 3 x 3, 64 → 128 channels, 56 x 56, with depthwise 3 x 3 followed by 1 x 1.

# %% tags=["stub"] exercise="depthwise_saving"
def macs(inputs, outputs, k, side, groups=1):
    """Multiply-adds of a k x k convolution with an output map of side x side."""
    return ...

# %% tags=["check"] exercise="depthwise_saving"
check("depthwise_saving", macs)

# %% [markdown] tags=["hint"] exercise="depthwise_saving"
# How many weights does one filter have, if it sees only its group's channels?

# %% [markdown] tags=["hint"] exercise="depthwise_saving"
# One filter: k · k · inputs / groups weights. There are `outputs` filters.

# %% [markdown] tags=["hint"] exercise="depthwise_saving"
# Every weight is used once at each of the side · side places.

# %% tags=["solution"] exercise="depthwise_saving"
def macs(inputs, outputs, k, side, groups=1):
    """Multiply-adds of a k x k convolution with an output map of side x side."""
    weights_of_a_filter = k * k * inputs // groups
    return weights_of_a_filter * outputs * side * side

# %% tags=["equivalent"] exercise="depthwise_saving"
def macs(inputs, outputs, k, side, groups=1):
    return costs.convolution_macs(inputs, outputs, (k, k), (side, side), groups)

# %% tags=["wrong"] exercise="depthwise_saving" says="places"
def macs(inputs, outputs, k, side, groups=1):
    return k * k * inputs * outputs // groups

# %% tags=["wrong"] exercise="depthwise_saving" says="group"
def macs(inputs, outputs, k, side, groups=1):
    return k * k * inputs * outputs * side * side

# %% tags=["wrong"] exercise="depthwise_saving" says="twice"
def macs(inputs, outputs, k, side, groups=1):
    return k * k * inputs * outputs * side * side // groups**2

# %% tags=["wrong"] exercise="depthwise_saving" says="one* multiply-add"
def macs(inputs, outputs, k, side, groups=1):
    return 2 * k * k * inputs * outputs * side * side // groups

# %% tags=["wrong"] exercise="depthwise_saving" says="square"
def macs(inputs, outputs, k, side, groups=1):
    return k * inputs * outputs * side * side // groups

# %% tags=["checker"] exercise="depthwise_saving"
def checker(macs):
    plain = macs(64, 128, 3, 56)
    require(plain != 9 * 64 * 128, "These are the weights; each is used at all places of the output map.")
    require(plain != 3 * 64 * 128 * 56**2, "The kernel is a square: k times k weights per channel.")
    require(plain != 2 * 231211008, "A product and the sum it is added to are *one* multiply-add.")
    close(plain, 231211008, "3 x 3, 64 to 128 channels, 56 x 56:")
    depthwise = macs(64, 64, 3, 56, groups=64)
    require(depthwise != macs(64, 64, 3, 56), "Each filter sees only its group: inputs / groups channels.")
    require(depthwise != 9 * 56**2, "You divided by the groups twice: the number of filters stays.")
    close(depthwise, 1806336, "Depthwise 3 x 3 with 64 channels:")
    close(macs(8, 16, 1, 10, 2), 6400, "1 x 1, 8 to 16 channels in two groups, 10 x 10:")

# %%
plain = costs.convolution_macs(64, 128, (3, 3), (56, 56))
depthwise = costs.convolution_macs(64, 64, (3, 3), (56, 56), groups=64)
pointwise = costs.convolution_macs(64, 128, (1, 1), (56, 56))
print(f"plain {plain:,}; depthwise {depthwise:,} + pointwise {pointwise:,}: {plain / (depthwise + pointwise):.1f} times less")
claim("Depthwise and 1x1 together take about an eighth", plain / (depthwise + pointwise) > 8)

# %% [markdown] tags=["slide"]
# ## 6 Pooling: smaller on purpose
#
# [[Pooling]] replaces each window by one value: the **maximum** ("was it there?") or the **mean** ("how much?").
#
# - Maps get smaller: less memory, and the next kernel sees more of the film.
# - A small shift of the patient changes less. Nothing is learned.

# %% tags=["slide"]
from course_lib.models.layers_by_hand.pooling import max_pool, mean_pool

edge_map = np.clip(np.abs(filtered("left - right")), 0, 1)[None, None]
small = [max_pool(edge_map, 8)[0, 0], mean_pool(edge_map, 8)[0, 0]]
fig = films([edge_map[0, 0], *small], ["edges, 256 x 256", "max of 8 x 8", "mean of 8 x 8"],
            columns=3, width=9, interpolation="nearest", vmin=0, vmax=0.5)
show(fig, alt="A map of edges; the maximum over 8 x 8 keeps thin edges bright, the mean lets them fade")

# %%
moved = np.roll(edge_map, 2, axis=3)  # the patient stands two pixels further to the side


def change(a, b):
    """Mean difference relative to the first map's spread."""
    return np.abs(a - b).mean() / a.std()


before, after = change(edge_map, moved), change(max_pool(edge_map, 8), max_pool(moved, 8))
print(f"a shift by 2 pixels changes the map by {before:.2f} of its spread, the pooled map by {after:.2f}")
claim("After pooling a small shift matters less", after < 0.7 * before)

# %% [markdown]
# The bright blocks at the left and right border are no anatomy: the film cuts the arms off, padding puts zeros beside them, and
# the kernel takes that for an edge. Networks see such false edges, too.

# %% [markdown] tags=["slide"]
# ## 7 And larger again
#
# Segmentation and image generation need large maps again: [[up-sampling]].
#
# - **Nearest**: repeat pixels. **Bilinear**: weigh the nearest ones by distance.
# - **Zeros and blur**: put zeros between the pixels, blur with [0.25, 0.5, 0.25] along both axes, times 4.
# - **[[Transposed convolution]]**: every pixel *stamps* a kernel into the output, $s$ pixels apart; overlaps add up.
#   The stamp is learned. Output size: $o = s\,(i - 1) + k - 2p$ (+ output padding).

# %%
from course_lib.models.layers_by_hand import upsampling
from course_lib.models.layers_by_hand.transposed import transposed_convolve

table = np.array([[5, 3, 1], [0, 2, 4], [4, 3, 5]], float)[None, None]
stages = {"input": table, "zeros between": upsampling.insert_zeros(table, 2),
          "nearest": upsampling.upsample_nearest(table, 2), "bilinear": upsampling.upsample_bilinear(table, 2)}
fig, axes = plt.subplots(1, 4, figsize=(11, 3), gridspec_kw={"width_ratios": [1, 2, 2, 2]})
for ax, (title, values) in zip(axes, stages.items(), strict=True):
    numbers(ax, values[0, 0], title)
    for text in ax.texts:
        text.set_fontsize(7)
show(fig, alt="A 3 x 3 map; with zeros inserted, repeated to 6 x 6, and bilinear 6 x 6")

# %% [markdown] tags=["exercise"] exercise="lecture_slip"
# ### Exercise: catch the slip
#
# A lecture enlarges this very map by zeros and blur. Its output is below (rounded to one decimal). **One** number is wrong.
# Find it: give its row and column (from 0) and the right value. What might have happened to whoever typed it?

# %% tags=["given"] exercise="lecture_slip"
printed = np.array([
    [5, 4, 3, 2, 1, 0.5],
    [2.5, 2.5, 3.5, 2.5, 2.5, 1.3],
    [0, 1, 2, 3, 4, 2],
    [2, 2.3, 2.5, 3.5, 4.5, 2.3],
    [4, 3.5, 3, 4, 5, 2.5],
    [2, 1.8, 1.5, 2, 2.5, 1.3],
])

# %% tags=["stub"] exercise="lecture_slip"
row, column, right_value = ..., ..., ...

# %% tags=["check"] exercise="lecture_slip"
check("lecture_slip", row, column, right_value)

# %% [markdown] tags=["hint"] exercise="lecture_slip"
# Old pixels stay, a new pixel is the mean of its two (or four) old neighbours. Check row by row.

# %% [markdown] tags=["hint"] exercise="lecture_slip"
# The second row (row 1) lies between 5 3 1 and 0 2 4.

# %% [markdown] tags=["hint"] exercise="lecture_slip"
# Or let `upsampling.upsample_triangle(table)[0, 0] - printed` find it: rounding explains up to 0.05.

# %% tags=["solution"] exercise="lecture_slip"
row, column, right_value = 1, 2, 2.5  # the mean of 3 (above) and 2 (below)

# %% tags=["equivalent"] exercise="lecture_slip"
row, column, right_value = 1, 2, (3 + 2) / 2

# %% tags=["wrong"] exercise="lecture_slip" says="rounded"
row, column, right_value = 1, 5, 1.25

# %% tags=["wrong"] exercise="lecture_slip" says="from 0"
row, column, right_value = 2, 3, 2.5

# %% tags=["wrong"] exercise="lecture_slip" says="mean of the two"
row, column, right_value = 1, 2, 3.5

# %% tags=["wrong"] exercise="lecture_slip" says="zeros"
row, column, right_value = 5, 5, 2.5

# %% tags=["checker"] exercise="lecture_slip"
def checker(row, column, right_value):
    require((row, column) != (1, 5), "1.25 was only rounded to 1.3; look for a larger error.")
    require((row, column) != (2, 3), "Right cell, if you count from 1; give row and column counted from 0.")
    require((row, column) not in [(5, 5), (0, 5), (4, 5), (5, 0)], "The border is right: outside there are zeros, so it fades.")
    require((row, column) == (1, 2), "That number is right. Old pixels stay; a new one is the mean of its old neighbours.")
    close(right_value, 2.5, "It lies between 3 (above) and 2 (below): take the mean of the two.")

# %%
enlarged = transposed_convolve(table, 4 * np.outer(upsampling.TRIANGLE, upsampling.TRIANGLE)[None, None],
                               s=2, p=1, output_padding=1)
claim("Zeros and blur are a transposed convolution with a fixed stamp",
      np.allclose(enlarged, upsampling.upsample_triangle(table)))

# %% [markdown] tags=["exercise"] exercise="predict_stamps"
# ### Exercise: predict the stamps
#
# Three pixels 1, 1, 1. Each stamps the kernel [1, 1, 1] into the output, two pixels apart (s = 2, no padding).
# What does the output look like? Fill in the list **before** you run anything.

# %% tags=["stub"] exercise="predict_stamps"
stamped = [...]

# %% tags=["check"] exercise="predict_stamps"
check("predict_stamps", stamped)

# %% [markdown] tags=["hint"] exercise="predict_stamps"
# How long is it? $o = s (i - 1) + k$.

# %% [markdown] tags=["hint"] exercise="predict_stamps"
# The first stamp covers places 0-2, the second 2-4, the third 4-6.

# %% [markdown] tags=["hint"] exercise="predict_stamps"
# Places 2 and 4 are stamped twice.

# %% tags=["solution"] exercise="predict_stamps"
stamped = [1, 1, 2, 1, 2, 1, 1]  # stamps overlap at places 2 and 4

# %% tags=["equivalent"] exercise="predict_stamps"
stamped = transposed_convolve(np.ones((1, 1, 1, 3)), np.ones((1, 1, 1, 3)), s=2)[0, 0, 0]

# %% tags=["wrong"] exercise="predict_stamps" says="overlap"
stamped = [1, 1, 1, 1, 1, 1, 1]

# %% tags=["wrong"] exercise="predict_stamps" says="7 places"
stamped = [1, 2, 3, 2, 1]

# %% tags=["wrong"] exercise="predict_stamps" says="7 places"
stamped = [1, 1, 1, 1, 1, 1, 1, 1, 1]

# %% tags=["wrong"] exercise="predict_stamps" says="two pixels apart"
stamped = [1, 2, 3, 3, 3, 2, 1]

# %% tags=["checker"] exercise="predict_stamps"
def checker(stamped):
    out = np.asarray(stamped, float)
    require(out.shape == (7,), "The stamps begin at 0, 2 and 4 and are 3 long: 7 places.")
    require(not np.allclose(out, 1), "Where two stamps overlap they add up.")
    require(out.max() < 3, "The stamps lie two pixels apart: never more than two of them meet.")
    close(out, [1, 1, 2, 1, 2, 1, 1], "Add up the three stamps place by place:")

# %% [markdown] tags=["slide"]
# ### The checkerboard
#
# If the stride does not divide the kernel's size, stamps overlap unevenly: a [[checkerboard artefact]] in generated
# images. Cures: k a multiple of s, or up-sample first and convolve then.

# %% tags=["slide"]
flat = np.ones((1, 1, 8, 8))
uneven = transposed_convolve(flat, np.ones((1, 1, 3, 3)), s=2)[0, 0]
even = transposed_convolve(flat, np.ones((1, 1, 4, 4)), s=2)[0, 0]
fig = films([flat[0, 0], uneven, even], ["flat input", "kernel 3, stride 2", "kernel 4, stride 2"],
            columns=3, width=8, interpolation="nearest", vmin=0, vmax=4)
show(fig, alt="Stamps of 3 x 3 two pixels apart make a checkerboard of 1, 2 and 4; stamps of 4 x 4 are even inside")

# %%
claim("Kernel 3, stride 2: a flat map becomes 1, 2 and 4", set(np.unique(uneven)) == {1, 2, 4})
claim("Kernel 4, stride 2: flat stays flat inside", np.ptp(even[2:-2, 2:-2]) == 0)
rng = np.random.default_rng(0)
x, y, w = rng.normal(size=(1, 1, 9, 9)), rng.normal(size=(1, 1, 4, 4)), rng.normal(size=(1, 1, 3, 3))
left, right = np.vdot(convolve(x, w, s=2), y), np.vdot(x, transposed_convolve(y, w, s=2))
claim("It is the transposed matrix: <A x, y> = <x, A' y>", abs(left - right) < 1e-12)

# %% [markdown] tags=["slide"]
# ## 8 How a kernel learns
#
# A weight $w[a,b]$ has met one pixel at each place of the output. By the chain rule its gradient is the sum of what it met,
# each times how much the loss cares about that output:
#
# $$\frac{\partial L}{\partial w[a,b]} = \sum_{y,x} \frac{\partial L}{\partial o[y,x]}\; i[y + a, x + b]$$
#
# This is itself a convolution: slide the *gradient* over the image. And the way to the pixels is the transposed convolution.

# %% [markdown] tags=["exercise"] exercise="kernel_gradient"
# ### Exercise: the gradient of a kernel
#
# Write `kernel_gradient(image, grad_out)`. `grad_out` holds ∂L/∂o for an unpadded convolution with stride 1;
# the kernel's size follows from the two sizes.

# %% tags=["stub"] exercise="kernel_gradient"
def kernel_gradient(image, grad_out):
    """dL/dw, shape (H - oh + 1, W - ow + 1)."""
    return ...

# %% tags=["check"] exercise="kernel_gradient"
check("kernel_gradient", kernel_gradient)

# %% [markdown] tags=["hint"] exercise="kernel_gradient"
# Read the formula again. Which table slides, and over which?

# %% [markdown] tags=["hint"] exercise="kernel_gradient"
# For weight (a, b): all the pixels it met are `image[a:a+oh, b:b+ow]`.

# %% [markdown] tags=["hint"] exercise="kernel_gradient"
# `slide(image, kernel)` from above does it, with `grad_out` in the kernel's place.

# %% tags=["solution"] exercise="kernel_gradient"
def kernel_gradient(image, grad_out):
    """dL/dw, shape (H - oh + 1, W - ow + 1)."""
    return slide(image, grad_out)  # the gradient slides over the image like a large kernel

# %% tags=["equivalent"] exercise="kernel_gradient"
def kernel_gradient(image, grad_out):
    oh, ow = grad_out.shape
    kh, kw = image.shape[0] - oh + 1, image.shape[1] - ow + 1
    return np.array([[(image[a : a + oh, b : b + ow] * grad_out).sum() for b in range(kw)] for a in range(kh)])

# %% tags=["wrong"] exercise="kernel_gradient" says="turned"
def kernel_gradient(image, grad_out):
    return slide(image, grad_out[::-1, ::-1])

# %% tags=["wrong"] exercise="kernel_gradient" says="mean"
def kernel_gradient(image, grad_out):
    return slide(image, grad_out) / grad_out.size

# %% tags=["wrong"] exercise="kernel_gradient" says="descends"
def kernel_gradient(image, grad_out):
    return -slide(image, grad_out)

# %% tags=["wrong"] exercise="kernel_gradient" says="each weight"
def kernel_gradient(image, grad_out):
    return (image[: grad_out.shape[0], : grad_out.shape[1]] * grad_out).sum()

# %% tags=["checker"] exercise="kernel_gradient"
def checker(kernel_gradient):
    rng = np.random.default_rng(3)
    picture, dy = rng.normal(size=(6, 7)), rng.normal(size=(4, 6))
    right = slide(picture, dy)
    out = np.asarray(kernel_gradient(picture, dy), float)
    require(out.shape == right.shape, "There is one gradient for each weight: the kernel here is 3 x 2.")
    require(not np.allclose(out, slide(picture, dy[::-1, ::-1])), "You turned the gradient round; it slides as it is.")
    require(not np.allclose(out, -right), "This descends already; the gradient itself points uphill.")
    require(not np.allclose(out, right / dy.size), "Add up over all places; do not take the mean.")
    close(out, right, "6 x 7 pixels, a 3 x 2 kernel:")

# %%
leaf = torch.tensor(image, dtype=torch.float64)[None, None]
w = torch.tensor(weights, dtype=torch.float64)[None, None].requires_grad_(True)
out = nn.functional.conv2d(leaf, w)
loss = (out**2).sum() / 2  # then dL/do is o itself
(by_torch,) = torch.autograd.grad(loss, w)
by_hand = slide(image, out[0, 0].detach().numpy())
claim("PyTorch's gradient is ours", np.allclose(by_hand, by_torch[0, 0].numpy()))

# %% [markdown]
# Pooling has nothing to learn, but it must pass the blame on. The mean hands each of its pixels an equal share. The maximum
# hands everything to the **winner**: the other pixels did not matter.

# %%
from course_lib.models.layers_by_hand.pooling import max_pool_backward, mean_pool_backward

window, blame = np.array([[1.0, 5.0], [2.0, 3.0]])[None, None], np.full((1, 1, 1, 1), 4.0)
to_winner, to_all = max_pool_backward(blame, window, 2), mean_pool_backward(blame, (2, 2), 2)
print("max: ", to_winner[0, 0].tolist(), "\nmean:", to_all[0, 0].tolist())
leaf = torch.tensor(window, requires_grad=True)
(by_torch,) = torch.autograd.grad(nn.functional.max_pool2d(leaf, 2), leaf, torch.tensor(blame))
claim("PyTorch's maximum does the same", by_torch.numpy().tolist() == to_winner.tolist())

# %% [markdown] tags=["slide"]
# ## 9 How much of the film does it see?
#
# The [[receptive field]] of one position of a map. Each layer adds $(k - 1)$ steps, and a step is as long as all strides
# before it together:
#
# $$r = 1 + \sum_l (k_l - 1) \prod_{m < l} s_m$$
#
# A mass of 60 pixels cannot be judged by a position that sees 44.

# %% tags=["slide"]
from course_lib.models.vgg import published_vgg

with torch.device("meta"):
    vgg = summary(published_vgg("vgg16", 14, 1), (1, 1, 256, 256))
pools = [row for row in vgg.rows if row.kind == "MaxPool2d"]
fig, ax = plt.subplots(figsize=(6.4, 4.6))
film(ax, chest)
for number, (row, colour) in enumerate(zip(pools, COLOURS[1:6], strict=True), start=1):
    r = row.receptive_field
    ax.add_patch(plt.Rectangle((128 - r / 2, 128 - r / 2), r, r, fill=False, ec=colour, lw=2,
                               label=f"pool{number}: {r:.0f}"))
ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), title="sees pixels")
show(fig, alt="Squares on a chest film: one position after VGG-16's five pools sees 6, 16, 44, 100 and 212 pixels")

# %%
for number, row in enumerate(pools, start=1):
    print(f"pool{number}: sees {row.receptive_field:3.0f} pixels, one position every {row.stride:.0f} pixels")
claim("VGG-16 sees 212 pixels after its last pooling", pools[-1].receptive_field == 212)

# %% [markdown] tags=["exercise"] exercise="receptive_field"
# ### Exercise: the receptive field
#
# Write `sees(layers)` for a list of layers `(kernel, stride)`.

# %% tags=["stub"] exercise="receptive_field"
def sees(layers):
    """Pixels along one axis that a position of the last map sees; layers = [(kernel, stride), ...]."""
    return ...

# %% tags=["check"] exercise="receptive_field"
check("receptive_field", sees)

# %% [markdown] tags=["hint"] exercise="receptive_field"
# Keep two numbers while you walk through the layers: how much is seen, and how long a step is by now.

# %% [markdown] tags=["hint"] exercise="receptive_field"
# Start with 1 and 1. A layer adds (k - 1) steps to what is seen.

# %% [markdown] tags=["hint"] exercise="receptive_field"
# First add `(k - 1) * step`, only then multiply `step` by `s`.

# %% tags=["solution"] exercise="receptive_field"
def sees(layers):
    """Pixels along one axis that a position of the last map sees; layers = [(kernel, stride), ...]."""
    seen, step = 1, 1
    for k, s in layers:
        seen += (k - 1) * step  # this layer's own stride lengthens only the steps after it
        step *= s
    return seen

# %% tags=["equivalent"] exercise="receptive_field"
def sees(layers):
    seen = 1
    for k, s in reversed(layers):  # backwards: how many inputs make `seen` outputs?
        seen = (seen - 1) * s + k
    return seen

# %% tags=["wrong"] exercise="receptive_field" says="own stride"
def sees(layers):
    seen, step = 1, 1
    for k, s in layers:
        step *= s
        seen += (k - 1) * step
    return seen

# %% tags=["wrong"] exercise="receptive_field" says="strides before"
def sees(layers):
    return 1 + sum(k - 1 for k, s in layers)

# %% tags=["wrong"] exercise="receptive_field" says="overlap"
def sees(layers):
    seen = 1
    for k, _ in layers:
        seen *= k
    return seen

# %% tags=["wrong"] exercise="receptive_field" says="itself"
def sees(layers):
    seen, step = 0, 1
    for k, s in layers:
        seen += (k - 1) * step
        step *= s
    return seen

# %% tags=["checker"] exercise="receptive_field"
def checker(sees):
    require(sees([(3, 1)]) != 2, "Before any layer a pixel sees itself: start with 1.")
    require(sees([(3, 1), (3, 1)]) != 9, "The windows of neighbours overlap: two 3 x 3 layers see 5 pixels, not 9.")
    require(sees([(3, 2)]) != 5, "A layer's own stride changes only the steps of the layers after it.")
    require(sees([(3, 2), (3, 1)]) != 5, "After a stride neighbours lie further apart: count the strides before a layer.")
    close(sees([(3, 2), (3, 1)]), 7, "Kernel 3 with stride 2, then kernel 3:")
    close(sees([(7, 2), (3, 2), (3, 1)]), 19, "Kernels 7, 3, 3 with strides 2, 2, 1:")

# %% [markdown]
# For nets with branches the longest way counts. Our library follows every operator of a model with this rule, up-sampling
# included. Play with it: after which layer does DenseNet-121 see the whole film?

# %%
from course_lib.models.densenet import published_densenet
from course_lib.models.resnet import published_resnet

with torch.device("meta"):
    nets = {"VGG-16": published_vgg("vgg16", 14, 1), "ResNet-18": published_resnet("resnet18", 14, 1),
            "DenseNet-121": published_densenet("densenet121", 14, 1)}
tables = {name: [row for row in summary(net, (1, 1, 256, 256)).rows if row.is_map] for name, net in nets.items()}


def field_of(net, depth_percent):
    """What the middle position of a layer sees of a film."""
    rows = tables[net]
    row = rows[round(depth_percent / 100 * (len(rows) - 1))]
    fig, ax = plt.subplots(figsize=(4.4, 4.6))
    film(ax, chest, f"{net}, {row.name}\n{row.shape[2]} x {row.shape[3]} positions, each sees {row.receptive_field:.0f} pixels")
    r = row.receptive_field
    ax.add_patch(plt.Rectangle((127.5 - r / 2, 127.5 - r / 2), r, r, fill=False, ec=COLOURS[1], lw=2))
    ax.set(xlim=(0, 255), ylim=(255, 0))
    return fig


explore(field_of, alt="A chest film with the square that one position of a chosen layer sees",
        net=list(tables), depth_percent=(0, 100, 2, 30))

# %% [markdown] tags=["slide"]
# ### Seeing is not heeding
#
# The **theoretical** field says what *can* matter. How much each pixel *does* matter is the gradient of one output position:
# the **effective** field. It is a blurred spot in the middle, far smaller than the square.

# %% tags=["slide", "varies"]
from scipy.ndimage import gaussian_filter

from course_lib.models.arithmetic.support import gradient_of_one_position, width_at_fraction

torch.manual_seed(0)
torch.set_num_threads(1)
resnet = published_resnet("resnet18", 14, 1)
large = radiograph(sample_patient(7), size=448, seed=7).pixels / 4095
picture = torch.tensor((large - large.mean()) / large.std(), dtype=torch.float32)[None, None]
heed, place = gradient_of_one_position(resnet, picture, "layer4")
theory = summary(resnet, (1, 1, 448, 448)).row("layer4").reach
low, high = theory[0].at(place[0])
fig, axes = plt.subplots(1, 2, figsize=(9, 4.6))
film(axes[0], large, f"can see: {high - low + 1:.0f} pixels")
film(axes[1], gaussian_filter(heed.numpy(), 5), f"heeds: 95 % within {width_at_fraction(heed):.0f} pixels", cmap="magma")
for ax in axes:
    ax.add_patch(plt.Rectangle((low, low), high - low, high - low, fill=False, ec=COLOURS[4], lw=2))
show(fig, alt="ResNet-18's square of 435 pixels on a film; its gradient is a bright spot that fades long before the square's edge")

# %%
claim("ResNet-18's last map sees 435 pixels", high - low + 1 == 435)
seen = torch.nonzero(heed)
claim("Autograd finds nothing outside the square", seen.min() >= low and seen.max() <= high)
claim("95 % of what it heeds lies within three quarters of that width", width_at_fraction(heed) < 0.75 * 435)

# %% [markdown]
# Training widens the effective field. But if a finding needs the *whole* film (is the heart more than half of the chest?),
# make sure that the net's field is larger than the film, or end with a mean over all positions.

# %% [markdown] tags=["slide"]
# ## 10 Fully connected is a convolution, too
#
# A fully connected layer on a 5 x 5 map with 16 channels: each output is a sum over 5 x 5 x 16 values. So is a
# convolution with a 5 x 5 kernel, laid on a 5 x 5 map: **one** place.
#
# Give that convolution a larger film, and it slides: a map of answers instead of one answer, each with the same receptive field.

# %%
torch.manual_seed(0)
maps = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
dense = nn.Linear(16 * 5 * 5, 10)
sliding = nn.Conv2d(16, 10, 5)
with torch.no_grad():
    sliding.weight.copy_(dense.weight.view(10, 16, 5, 5))  # the same 4,000 weights, in another shape
    sliding.bias.copy_(dense.bias)
    patch = torch.tensor(chest[100:132, 60:92], dtype=torch.float32)[None, None]
    film_256 = torch.tensor(chest, dtype=torch.float32)[None, None]
    as_vector, as_map = dense(maps(patch).flatten(1)), sliding(maps(patch))
    answers = sliding(maps(film_256))
print("one answer:", tuple(as_vector.shape), "  as a convolution:", tuple(as_map.shape), "  on the whole film:", tuple(answers.shape))
claim("Both give the same numbers", torch.allclose(as_vector, as_map[:, :, 0, 0], atol=1e-5))
claim("The map over the whole film holds the patch's answer where the patch lies",
      torch.allclose(answers[0, :, 25, 15], as_vector[0], atol=1e-5))

# %% [markdown] tags=["slide"]
# ## 11 What does a network cost?
#
# - **Parameters**: what has to be stored and learned.
# - **Multiply-adds** (MACs): how long it computes. One is *two* floating-point operations: ask which is meant by "FLOPs"!
# - **Memory**: for training above all the **maps of all layers**, which the way back needs again.

# %%
with torch.device("meta"):
    costly = {"ResNet-50": published_resnet("resnet50", 1000, 3), "DenseNet-121": published_densenet("densenet121", 1000, 3)}
for name, net in costly.items():
    table = summary(net, (1, 3, 224, 224))
    print(f"{name:13}{table.parameters:12,} parameters {table.macs:15,} multiply-adds at 224 x 224")
claim("ResNet-50 needs 4,089,184,256 multiply-adds", summary(costly["ResNet-50"], (1, 3, 224, 224)).macs == 4089184256)

# %% [markdown] tags=["slide"]
# ### Counters disagree
#
# Four programs (one of them in two ways), five figures for the same net. All agree on convolutions and matrix products. The rest is small change that some
# count and others do not. The library rebuilds each figure from its parts (last column: what the program really said):

# %%
import pandas as pd

from course_lib.models.arithmetic.public import breakdown, public_counters

explained = {}
for name, net in costly.items():
    parts = breakdown(net, (1, 3, 224, 224))
    parts["program says"] = pd.Series(public_counters(net, (1, 3, 224, 224)))
    explained[name] = parts
    print(name, parts.to_string(), sep="\n", end="\n\n")
claim("Every difference is explained to the last multiply-add",
      all((parts["together"] == parts["program says"]).all() for parts in explained.values()))

# %% [markdown]
# - *torchinfo* multiplies every parameter with the places it is used at, and takes batch norm's as used once.
# - *fvcore* adds batch norm (two per value) and adaptive pooling, but no bias.
# - *ptflops* adds everything, and counts ReLU and pooling **twice** if they are layers (`nn.ReLU`), once if they are functions (`F.relu`).
#
# The differences are about 1 %. The factor two between MACs and FLOPs is the one that ruins comparisons.

# %%
from course_lib.models.arithmetic.memory import measured_activations, training_memory

with torch.device("meta"):
    chexnet = published_densenet("densenet121", 14, 1).train()
print("DenseNet-121, Adam, MB:   weights  gradients  optimiser  activations")
for batch, pixels in ((1, 224), (16, 224), (1, 1024)):
    m = training_memory(chexnet, (batch, 1, pixels, pixels))
    row = "".join(f"{part / 1e6:11.0f}" for part in (m.weights, m.gradients, m.optimiser, m.activations))
    print(f"{batch:3} films of {pixels:4} pixels {row}")
m = training_memory(chexnet, (16, 1, 224, 224))
claim("With 16 films the activations take more than nine tenths", m.activations > 0.9 * m.total)
claim("The rules agree with what PyTorch saves", m.activations == measured_activations(chexnet, (16, 1, 224, 224)))

# %% [markdown] tags=["exercise"] exercise="largest_batch"
# ### Exercise: how many films fit?
#
# A graphics card has `memory` bytes. Weights, gradients and the optimiser take `fixed` bytes, each film of a batch `per_film` more.
# Write `largest_batch(memory, fixed, per_film)`.

# %% tags=["stub"] exercise="largest_batch"
def largest_batch(memory, fixed, per_film):
    """The largest number of films in one batch; 0 if not even one fits."""
    return ...

# %% tags=["check"] exercise="largest_batch"
check("largest_batch", largest_batch)

# %% [markdown] tags=["hint"] exercise="largest_batch"
# What is left for the films?

# %% [markdown] tags=["hint"] exercise="largest_batch"
# Divide what is left by `per_film`. There are no half films.

# %% [markdown] tags=["hint"] exercise="largest_batch"
# Use `//`, and `max(0, ...)` for the case that nothing is left.

# %% tags=["solution"] exercise="largest_batch"
def largest_batch(memory, fixed, per_film):
    """The largest number of films in one batch; 0 if not even one fits."""
    return max(0, (memory - fixed) // per_film)  # only the activations grow with the batch

# %% tags=["equivalent"] exercise="largest_batch"
def largest_batch(memory, fixed, per_film):
    films = 0
    while fixed + (films + 1) * per_film <= memory:
        films += 1
    return films

# %% tags=["wrong"] exercise="largest_batch" says="once"
def largest_batch(memory, fixed, per_film):
    return memory // (fixed + per_film)

# %% tags=["wrong"] exercise="largest_batch" says="half"
def largest_batch(memory, fixed, per_film):
    return (memory - fixed) / per_film

# %% tags=["wrong"] exercise="largest_batch" says="Subtract"
def largest_batch(memory, fixed, per_film):
    return memory // per_film

# %% tags=["wrong"] exercise="largest_batch" says="fewer than none"
def largest_batch(memory, fixed, per_film):
    return (memory - fixed) // per_film

# %% tags=["checker"] exercise="largest_batch"
def checker(largest_batch):
    answer = largest_batch(1000, 300, 90)
    require(answer != 1000 // 390, "The weights lie in memory once, not once for each film.")
    require(answer != 11, "Subtract what weights and optimiser take.")
    require(abs(answer - 700 / 90) > 1e-6, "There are no half films: round down.")
    close(answer, 7, "1000 bytes, 300 of them fixed, 90 for each film:")
    close(largest_batch(390, 300, 90), 1, "If exactly one film fits:")
    require(largest_batch(100, 300, 90) >= 0, "If nothing is left the answer is 0; there are never fewer than none.")
    close(largest_batch(100, 300, 90), 0, "Too little memory:")

# %% [markdown] tags=["instructor"]
# - **Typical mistakes**: forgetting the "+ 1" of the output size; taking padding once; believing that a kernel has one
#   weight per pixel *whatever the channels*; mixing up MACs and FLOPs; "max pooling has parameters".
# - **To ask**: why does a lung nodule need a smaller field than cardiomegaly? Why may two 3x3 layers replace one 5x5? What
#   does a rotated rib do to a convolution?
# - **Short of time**: leave out groups (5), the checkerboard (7) and the counters (11); keep 2, 4, 8, 9. In one hour: these four
#   with their exercises; the rest is for reading at home (students are told so at the start).

# %% [markdown] tags=["instructor"]
# - The worked 5 x 5 example is from Dumoulin & Visin; the lecture prints it, too. Its formula for convolution turns the kernel, its example does not.
# - The lecture's up-sampling slide has 3.5 where 2.5 belongs: exercise `lecture_slip`.
# - The exact supports of section 9 are tested: in a copy of the net with positive weights and mean pooling, autograd finds
#   the predicted first and last pixel for ResNet, GoogLeNet, AlexNet and MobileNet.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A convolution is one small kernel, the same everywhere: few weights, many examples for each.
# - Output size: $\lfloor (i + 2p - k)/s \rfloor + 1$. Channels multiply the weights; places multiply the work.
# - Pooling and stride make maps small and fields large; transposed convolutions stamp them large again. Mind the checkerboard.
# - The receptive field says what a network *can* see; it heeds much less.
# - Fully connected layers are convolutions: the same net slides over larger films.
# - Activations, not weights, fill the memory. "FLOPs" without a definition mean nothing.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - V. Dumoulin, F. Visin: A guide to convolution arithmetic for deep learning. arXiv:1603.07285 (2016).
# - A. Araujo, W. Norris, J. Sim: Computing receptive fields of convolutional neural networks. Distill (2019), doi:10.23915/distill.00021.
# - W. Luo, Y. Li, R. Urtasun, R. Zemel: Understanding the effective receptive field in deep CNNs. arXiv:1701.04128 (2017).
# - A. Odena, V. Dumoulin, C. Olah: Deconvolution and checkerboard artifacts. Distill (2016), doi:10.23915/distill.00003.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. Proc. IEEE 86, 2278 (1998).

# %% [markdown] tags=["slide"]
# ## How does one learn to draw a chest film?
#
# A film of 1,024 x 1,024 pixels has a million grey values. A network that must learn all of them at once does not know
# where to begin: nobody can place ribs before knowing where the lungs are.
#
# **[[Progressive growing|progressive growing]]** (Karras 2017) works like a painter. First dark and bright patches on 4 x 4 pixels, then outlines, then
# ribs and vessels: eight doublings lead to 1,024. With this network, **PGGAN**, the thesis of Kim M. (2021) drew its films.
#
# Today you build it, watch one grow, and count what 1,024 pixels cost.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from course_lib.data.gan_films import DISEASES, film_stack, gan_cohort, truth_of
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)  # two threads would wait for each other in networks as small as these

# %% tags=["varies"]
patients = gan_cohort("all", 1000)  # a part of what the large generator of the course has learned from
stack = film_stack(patients)  # whole numbers 0..255, (1000, 1, 64, 64)
truth = truth_of(patients)  # what each film shows; the last column means "healthy"

# %% [markdown]
# ## The same film at five sizes
#
# Each size is made from the next one by averaging 2 x 2 pixels. Decide for yourself: from which size on would you report
# the [[pleural effusion]]?

# %% tags=["slide"]
alone = truth.sum(axis=1) == 1
effusion = np.flatnonzero(alone & truth[:, DISEASES.index("pleural_effusion")])
healthy = np.flatnonzero(truth[:, -1])
pair = stack[[healthy[1], effusion[1]]] / 255
sizes = (4, 8, 16, 32, 64)
fig = films(
    [avg_pool2d(one, 64 // size)[0] for one in pair for size in sizes],
    [f"{size} x {size}" for size in sizes] + ["effusion"] + [""] * 4,
    columns=5, interpolation="nearest", vmin=0, vmax=1,
)
show(fig, alt="A healthy chest film and one with a pleural effusion, each at 4, 8, 16, 32 and 64 pixels")

# %% [markdown]
# Already 4 x 4 pixels say "bright below in the middle, darker above and on both sides". That is what the network has to learn first,
# and it is little.

# %% [markdown] tags=["slide"]
# ## Grow and fade
#
# 1. **Hold**: generator and [[critic]] play at 4 x 4 until they are good at it.
# 2. **Add** layers: the generator enlarges its maps twofold and convolves them twice. The critic gets the mirror image.
# 3. **Fade**: new layers know nothing yet. So at first the film is the old, small one, enlarged; with $\alpha$ from 0 to 1 the new one
#    takes over: $\;(1-\alpha)\cdot\text{old, enlarged} + \alpha\cdot\text{new}$
# 4. **Hold** again, then add the next layers.
#
# Real films are faded in the same way. Otherwise the critic would know them by their sharpness.

# %% [markdown] tags=["exercise"] exercise="fade_in"
# ### Exercise: fade
#
# `old` is a batch of films (B, 1, h, h), `new` one of (B, 1, 2h, 2h), both torch tensors. Enlarge `old` by copying each pixel into
# 2 x 2 pixels, then blend: `alpha` 0 shows only the old film, 1 only the new one.

# %% tags=["stub"] exercise="fade_in"
def fade(old, new, alpha):
    """Films (B, 1, 2h, 2h) between the old ones, enlarged, and the new ones."""
    return ...

# %% tags=["check"] exercise="fade_in"
check("fade_in", fade)

# %% [markdown] tags=["hint"] exercise="fade_in"
# Two steps: first make both the same size, then take a weighted mean.

# %% [markdown] tags=["hint"] exercise="fade_in"
# `old.repeat_interleave(2, dim=2)` doubles every row. The columns are dimension 3.

# %% [markdown] tags=["hint"] exercise="fade_in"
# `enlarged = old.repeat_interleave(2, 2).repeat_interleave(2, 3)`, then `(1 - alpha) * enlarged + alpha * new`.

# %% tags=["solution"] exercise="fade_in"
def fade(old, new, alpha):
    """Films (B, 1, 2h, 2h) between the old ones, enlarged, and the new ones."""
    enlarged = old.repeat_interleave(2, 2).repeat_interleave(2, 3)  # copies, no smoothing
    return (1 - alpha) * enlarged + alpha * new

# %% tags=["equivalent"] exercise="fade_in"
def fade(old, new, alpha):
    enlarged = torch.nn.functional.interpolate(old, scale_factor=2, mode="nearest")
    return torch.lerp(enlarged, new, alpha)

# %% tags=["equivalent"] exercise="fade_in"
def fade(old, new, alpha):
    enlarged = torch.kron(old, torch.ones(2, 2))
    return enlarged + alpha * (new - enlarged)

# %% tags=["wrong"] exercise="fade_in" says="other way round"
def fade(old, new, alpha):
    enlarged = old.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return alpha * enlarged + (1 - alpha) * new

# %% tags=["wrong"] exercise="fade_in" says="add up to one"
def fade(old, new, alpha):
    enlarged = old.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return enlarged + alpha * new

# %% tags=["wrong"] exercise="fade_in" says="size of the new"
def fade(old, new, alpha):
    small = torch.nn.functional.avg_pool2d(new, 2)
    return (1 - alpha) * old + alpha * small

# %% tags=["wrong"] exercise="fade_in" says="copy"
def fade(old, new, alpha):
    enlarged = torch.nn.functional.interpolate(old, scale_factor=2, mode="bilinear")
    return (1 - alpha) * enlarged + alpha * new

# %% tags=["wrong"] exercise="fade_in" says="tiles"
def fade(old, new, alpha):
    return (1 - alpha) * old.repeat(1, 1, 2, 2) + alpha * new

# %% tags=["checker"] exercise="fade_in"
def checker(fade):
    random = torch.Generator().manual_seed(2)
    old, new = torch.rand(3, 1, 4, 4, generator=random), torch.rand(3, 1, 8, 8, generator=random)
    answer = fade(old, new, 0.25)
    if answer is ... or answer is None:
        close(answer, 0, "")
    require(tuple(np.shape(answer)) == (3, 1, 8, 8), "The result must have the size of the new films.")
    answer, big = torch.as_tensor(answer), old.repeat_interleave(2, 2).repeat_interleave(2, 3)
    def same(other):
        return torch.allclose(answer, other, atol=1e-5)
    require(not same(0.25 * big + 0.75 * new), "It is the other way round: alpha is the share of the new film.")
    require(not same(big + 0.25 * new), "The shares of old and new must add up to one.")
    tiled = old.repeat(1, 1, 2, 2)
    require(not same(0.75 * tiled + 0.25 * new), "These are four small films as tiles; enlarge one.")
    smooth = torch.nn.functional.interpolate(old, scale_factor=2, mode="bilinear")
    require(not same(0.75 * smooth + 0.25 * new), "Your enlarged film is smoothed; copy the pixels.")
    close(answer.numpy(), (0.75 * big + 0.25 * new).numpy(), "Check the enlarged film, then its share.")

# %% [markdown]
# The course's version works on real films, as in training. Move $\alpha$: at which value would you say that the film "has" 32 pixels?

# %%
from course_lib.generative.pggan_films import film_batch


def faded_film(pixels, alpha):
    blend = film_batch(stack, [healthy[1]], pixels, alpha)
    return (blend[0, 0].numpy() + 1) / 2  # from -1..1 to 0..1


explore(
    lambda pixels, alpha: films([faded_film(pixels, alpha)], [f"{pixels} pixels, alpha {alpha:.2f}"],
                                columns=1, width=4, interpolation="nearest", vmin=0, vmax=1),
    alt="A real chest film between half and full resolution; alpha fades in the finer pixels",
    pixels=[8, 16, 32, 64],
    alpha=(0.0, 1.0, 0.05, 0.5),
)

# %% [markdown] tags=["slide"]
# ## The layers
#
# - The [[latent vector]] $z$: 512 random numbers. One dense layer turns them into 4 x 4 pixels with 512 channels.
# - Every block: enlarge, then twice convolve 3 x 3 and rectify (slope 0.2 below zero).
# - A 1 x 1 convolution at every size turns channels into grey values.
#
# Fine maps are large, so they get fewer channels. At $r$ x $r$ pixels: $8192 / 2^s$ with $s = \log_2 r - 1$, and never more than 512.

# %% [markdown] tags=["exercise"] exercise="pggan_channels"
# ### Exercise: how many channels?
#
# Write the rule of the slide as `channels(resolution)`. Return a whole number.

# %% tags=["stub"] exercise="pggan_channels"
def channels(resolution):
    """Channels of the layers that work at resolution x resolution pixels."""
    return ...

# %% tags=["check"] exercise="pggan_channels"
check("pggan_channels", channels)

# %% [markdown] tags=["hint"] exercise="pggan_channels"
# Try it on paper for 1,024 pixels: the logarithm to base 2 is 10.

# %% [markdown] tags=["hint"] exercise="pggan_channels"
# `np.log2(resolution)` gives the logarithm; `min(a, b)` the smaller of two numbers.

# %% [markdown] tags=["hint"] exercise="pggan_channels"
# `min(8192 // 2**s, 512)` with `s = int(np.log2(resolution)) - 1`

# %% tags=["solution"] exercise="pggan_channels"
def channels(resolution):
    """Channels of the layers that work at resolution x resolution pixels."""
    s = int(np.log2(resolution)) - 1
    return min(8192 // 2**s, 512)

# %% tags=["equivalent"] exercise="pggan_channels"
def channels(resolution):
    return min(2 * 8192 // resolution, 512)  # 2^s is half of the resolution

# %% tags=["equivalent"] exercise="pggan_channels"
def channels(resolution):
    table = {64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}
    return table.get(resolution, 512)

# %% tags=["wrong"] exercise="pggan_channels" says="never more"
def channels(resolution):
    return 2 * 8192 // resolution

# %% tags=["wrong"] exercise="pggan_channels" says="minus 1"
def channels(resolution):
    return min(8192 // resolution, 512)

# %% tags=["wrong"] exercise="pggan_channels" says="minus 1"
def channels(resolution):
    s = np.log2(resolution)
    return min(8192 / 2**s, 512)

# %% tags=["wrong"] exercise="pggan_channels" says="larger"
def channels(resolution):
    return max(2 * 8192 // resolution, 512)

# %% tags=["wrong"] exercise="pggan_channels" says="always 512"
def channels(resolution):
    return 512

# %% tags=["checker"] exercise="pggan_channels"
def checker(channels):
    top, low, middle = channels(1024), channels(4), channels(64)
    for value in (top, low, middle):
        close(value, value, "")
    require(top != 512 or low <= 512, "You take the larger of the two numbers; 512 is a ceiling.")
    require(top != 512, "It is not always 512; fine maps get fewer channels.")
    require(low <= 512, "There are never more than 512 channels.")
    require(top != 8, "Half of what it should be: s is the logarithm minus 1.")
    close(top, 16, "At 1,024 pixels s is 9.")
    close(middle, 256, "At 64 pixels s is 5.")
    close([channels(2**k) for k in range(2, 11)], [512] * 4 + [256, 128, 64, 32, 16], "Try all sizes.")

# %% [markdown] tags=["exercise"] exercise="count_the_generator"
# ### Exercise: count the generator, to the unit
#
# Add up the learned numbers of the generator that ends at `last` pixels:
#
# - the dense layer: 512 numbers to 16 pixels with 512 channels, without biases; then one bias per *channel* (512);
# - one 3 x 3 convolution 512 to 512 at 4 x 4;
# - for 8, 16, ... `last`: one 3 x 3 convolution from the channels of the size before, and one that keeps the channels;
# - for 4, 8, ... `last`: one 1 x 1 convolution to `colours` grey or colour values.
#
# Every convolution has one bias per output channel. `width(r)` gives the channels at r pixels.

# %% tags=["given"] exercise="count_the_generator"
def width(r):
    """Channels at r x r pixels."""
    return min(2 * 8192 // r, 512)


def convolution(inputs, outputs, kernel):
    """Weights and biases of a convolution."""
    return kernel * kernel * inputs * outputs + outputs

# %% tags=["stub"] exercise="count_the_generator"
def generator_parameters(last, colours):
    """Learned numbers of a generator that ends at `last` pixels."""
    return ...

# %% tags=["check"] exercise="count_the_generator"
check("count_the_generator", generator_parameters)

# %% [markdown] tags=["hint"] exercise="count_the_generator"
# Dense layer: every one of 512 numbers is connected with every one of 16 x 512.

# %% [markdown] tags=["hint"] exercise="count_the_generator"
# A doubling to r pixels: `convolution(width(r // 2), width(r), 3) + convolution(width(r), width(r), 3)`.

# %% [markdown] tags=["hint"] exercise="count_the_generator"
# Begin with `512 * 16 * 512 + 512 + convolution(512, 512, 3)`; in the end add `convolution(width(r), colours, 1)` for each r
# in 4, 8, ... `last`.

# %% tags=["solution"] exercise="count_the_generator"
def generator_parameters(last, colours):
    """Learned numbers of a generator that ends at `last` pixels."""
    total = 512 * 16 * 512 + 512 + convolution(512, 512, 3)
    total += convolution(512, colours, 1)  # the exit at 4 pixels
    r = 8
    while r <= last:
        total += convolution(width(r // 2), width(r), 3) + convolution(width(r), width(r), 3)
        total += convolution(width(r), colours, 1)
        r *= 2
    return total

# %% tags=["equivalent"] exercise="count_the_generator"
def generator_parameters(last, colours):
    sizes = [2**k for k in range(2, 11) if 2**k <= last]
    begin = 512 * 8192 + 512 + 9 * 512 * 512 + 512
    blocks = sum(convolution(width(r // 2), width(r), 3) + convolution(width(r), width(r), 3) for r in sizes[1:])
    return begin + blocks + sum(width(r) * colours + colours for r in sizes)

# %% tags=["wrong"] exercise="count_the_generator" says="every size"
def generator_parameters(last, colours):
    total = 512 * 16 * 512 + 512 + convolution(512, 512, 3)
    r = 8
    while r <= last:
        total += convolution(width(r // 2), width(r), 3) + convolution(width(r), width(r), 3)
        r *= 2
    return total + convolution(width(last), colours, 1)

# %% tags=["wrong"] exercise="count_the_generator" says="per channel"
def generator_parameters(last, colours):
    sizes = [2**k for k in range(2, 11) if 2**k <= last]
    begin = 512 * 8192 + 8192 + convolution(512, 512, 3)
    blocks = sum(convolution(width(r // 2), width(r), 3) + convolution(width(r), width(r), 3) for r in sizes[1:])
    return begin + blocks + sum(convolution(width(r), colours, 1) for r in sizes)

# %% tags=["wrong"] exercise="count_the_generator" says="last doubling"
def generator_parameters(last, colours):
    total = 512 * 16 * 512 + 512 + convolution(512, 512, 3) + convolution(512, colours, 1)
    r = 8
    while r < last:
        total += convolution(width(r // 2), width(r), 3) + convolution(width(r), width(r), 3)
        total += convolution(width(r), colours, 1)
        r *= 2
    return total

# %% tags=["wrong"] exercise="count_the_generator" says="dense layer has 512 biases"
def generator_parameters(last, colours):
    sizes = [2**k for k in range(2, 11) if 2**k <= last]
    begin = 512 * 8192 + convolution(512, 512, 3)
    blocks = sum(convolution(width(r // 2), width(r), 3) + convolution(width(r), width(r), 3) for r in sizes[1:])
    return begin + blocks + sum(convolution(width(r), colours, 1) for r in sizes)

# %% tags=["wrong"] exercise="count_the_generator" says="first exit"
def generator_parameters(last, colours):
    sizes = [2**k for k in range(3, 11) if 2**k <= last]
    blocks = sum(convolution(width(r // 2), width(r), 3) + convolution(width(r), width(r), 3) for r in sizes)
    exits = sum(convolution(width(r), colours, 1) for r in sizes)
    return 512 * 8192 + 512 + convolution(512, 512, 3) + blocks + exits

# %% tags=["wrong"] exercise="count_the_generator" says="two convolutions"
def generator_parameters(last, colours):
    sizes = [2**k for k in range(2, 11) if 2**k <= last]
    begin = 512 * 8192 + 512 + convolution(512, 512, 3)
    blocks = sum(convolution(width(r // 2), width(r), 3) for r in sizes[1:])
    return begin + blocks + sum(convolution(width(r), colours, 1) for r in sizes)

# %% tags=["wrong"] exercise="count_the_generator" says="at 4 x 4"
def generator_parameters(last, colours):
    sizes = [2**k for k in range(2, 11) if 2**k <= last]
    blocks = sum(convolution(width(r // 2), width(r), 3) + convolution(width(r), width(r), 3) for r in sizes[1:])
    return 512 * 8192 + 512 + blocks + sum(convolution(width(r), colours, 1) for r in sizes)

# %% tags=["checker"] exercise="count_the_generator"
def checker(generator_parameters):
    value, other = generator_parameters(1024, 1), generator_parameters(64, 1)
    if isinstance(value, (int, float, np.number)):
        require(value != 23_071_473, "Only the last exit is counted; there is a 1 x 1 convolution at every size.")
        require(value != 23_074_009 + 8192 - 512, "The dense layer's biases: one per channel, not per pixel.")
        require(value != 23_074_009 - 2_359_808, "The convolution at 4 x 4 is missing.")
        require(abs(value - 15_208_425) > 1000, "Every doubling has two convolutions.")
        require(value != 23_074_009 - 6_961, "The last doubling is missing: `last` itself counts, too.")
        require(value != 23_074_009 - 512, "The dense layer has 512 biases.")
        require(value != 23_074_009 - 513, "The first exit, at 4 pixels, is missing.")
    close(value, 23_074_009, "1,024 pixels, one grey value.", rtol=1e-9)
    close(other, 22_485_765, "64 pixels, one grey value.", rtol=1e-9)
    close(generator_parameters(1024, 3), 23_079_115, "1,024 pixels, three colours.", rtol=1e-9)

# %% [markdown]
# Count the real networks. PyTorch's *meta* device knows shapes but holds no numbers, so even the large ones appear at once.

# %%
from course_lib.models.counting import count_parameters
from course_lib.models.pggan import Critic, Generator

with torch.device("meta"):
    painter, judge = Generator("paper"), Critic("paper")
    at_work = {r: painter(torch.empty(4, 512), r) for r in painter.size.resolutions}
    print(f"generator {count_parameters(painter):,}   critic {count_parameters(judge):,}")
    for r, drawn in at_work.items():
        print(f"{r:5} pixels: {painter.size.channels(r):4} channels, films {tuple(drawn.shape)}, "
              f"scores {tuple(judge(drawn).shape)}")
claim("The generator of the paper has 23.07 million parameters", count_parameters(painter) == 23_074_009)

# %% tags=["slide"]
sizes = painter.size.resolutions
first = count_parameters(painter.first) + painter.dense.weight.numel()
count = [first, *(count_parameters(block) for block in painter.blocks)]
pairs = [(512, 512)] + [(painter.size.channels(r // 2), painter.size.channels(r)) for r in sizes[1:]]
work = [9 * (i * o + (o * o if r > 4 else 0)) * r * r for (i, o), r in zip(pairs, sizes, strict=True)]
fig, axes = plt.subplots(1, 2, figsize=(9, 2.8))
for ax, values, title in zip(axes, (count, work), ("parameters", "multiply-adds per film"), strict=True):
    ax.bar([str(r) for r in sizes], 100 * np.array(values) / sum(values))
    ax.set(xlabel="pixels", ylabel="share (%)", title=title)
show(fig, alt="Parameters lie in the layers up to 32 pixels; most work is done from 32 pixels on")
small = sum(w for w, r in zip(work, sizes, strict=True) if r <= 32) / sum(work)
print(f"the layers up to 32 pixels hold {sum(count[:4]) / sum(count):.0%} of the parameters and do {small:.0%} of the work")

# %% [markdown]
# This is the second gain of growing: as long as the films are small, a step is cheap. At 1,024 pixels one *training* step costs much
# more than drawing, and it needs memory for every map on the way.

# %%
from course_lib.models.arithmetic.memory import measured_activations

for batch in (4, 16):
    maps = measured_activations(judge, (batch, 1, 1024, 1024))
    print(f"critic, {batch:2} films of 1,024 pixels: {maps / 1e9:.3g} GB for the way back")
print(f"its weights, their gradients and Adam's memory: {4 * 4 * count_parameters(judge) / 1e9:.2g} GB")

# %% [markdown] tags=["slide"]
# ## Equalised learning rate
#
# The optimiser Adam moves every weight by about the [[learning rate]], whatever its size. Usually a layer with many inputs begins with
# small weights. Then the same step is much for one layer and little for another.
#
# **[[Equalised learning rate|equalised learning rate]]**: *all* weights begin with a size of about 1, and are multiplied by $\text{gain}/\sqrt{\text{inputs}}$ each
# time they are **used**. Now all layers learn at one speed.

# %% [markdown] tags=["exercise"] exercise="weight_scale"
# ### Exercise: the factor
#
# A convolution with `inputs` channels and a `kernel` x `kernel` window adds up inputs · kernel · kernel products. Return the factor
# gain / √(number of products). The gain of a rectifier is √2.

# %% tags=["stub"] exercise="weight_scale"
def weight_scale(inputs, kernel, gain=2**0.5):
    """What the weights of an equalised convolution are multiplied by."""
    return ...

# %% tags=["check"] exercise="weight_scale"
check("weight_scale", weight_scale)

# %% [markdown] tags=["hint"] exercise="weight_scale"
# How many numbers are added up for one output value?

# %% [markdown] tags=["hint"] exercise="weight_scale"
# For 512 channels and 3 x 3 that is 4,608. The root comes next.

# %% [markdown] tags=["hint"] exercise="weight_scale"
# `gain / np.sqrt(inputs * kernel**2)`

# %% tags=["solution"] exercise="weight_scale"
def weight_scale(inputs, kernel, gain=2**0.5):
    """What the weights of an equalised convolution are multiplied by."""
    return gain / np.sqrt(inputs * kernel**2)

# %% tags=["equivalent"] exercise="weight_scale"
def weight_scale(inputs, kernel, gain=2**0.5):
    return gain * (inputs * kernel * kernel) ** -0.5

# %% tags=["wrong"] exercise="weight_scale" says="whole window"
def weight_scale(inputs, kernel, gain=2**0.5):
    return gain / np.sqrt(inputs)

# %% tags=["wrong"] exercise="weight_scale" says="root"
def weight_scale(inputs, kernel, gain=2**0.5):
    return gain / (inputs * kernel**2)

# %% tags=["wrong"] exercise="weight_scale" says="gain"
def weight_scale(inputs, kernel, gain=2**0.5):
    return 1 / np.sqrt(inputs * kernel**2)

# %% tags=["wrong"] exercise="weight_scale" says="Divide"
def weight_scale(inputs, kernel, gain=2**0.5):
    return gain * np.sqrt(inputs * kernel**2)

# %% tags=["wrong"] exercise="weight_scale" says="both ways"
def weight_scale(inputs, kernel, gain=2**0.5):
    return gain / np.sqrt(inputs * kernel)

# %% tags=["checker"] exercise="weight_scale"
def checker(weight_scale):
    value, out = weight_scale(512, 3), weight_scale(16, 1, 1.0)
    close(value, value, "")
    require(abs(value - 2**0.5 / 512**0.5) > 1e-6, "Each output adds up a whole window of 3 x 3, not one pixel.")
    require(abs(value - 2**0.5 / 4608) > 1e-7, "Take the square root of the number of products.")
    require(abs(value - 1 / 4608**0.5) > 1e-6, "The gain is missing.")
    require(value < 1, "Divide by the root: the more numbers are added up, the smaller the factor.")
    require(abs(value - 2**0.5 / 1536**0.5) > 1e-6, "The window is 3 pixels wide both ways.")
    close(value, 1 / 48, "512 channels, 3 x 3.")
    close(out, 0.25, "The last 1 x 1 layer at 1,024 pixels has 16 inputs and a gain of 1.")

# %%
from torch import nn

from course_lib.models.equalised import EqualisedConv2d


def moved(layer, seed=0):
    """Size of Adam's first step, as a share of the size of the weights."""
    maps = torch.randn(4, layer.weight.shape[1], 8, 8, generator=torch.Generator().manual_seed(seed))
    before = layer.weight.detach().clone()
    adam = torch.optim.Adam(layer.parameters(), lr=0.001, betas=(0.0, 0.99))
    layer(maps).square().mean().backward()
    adam.step()
    return float((layer.weight.detach() - before).norm() / before.norm())


torch.manual_seed(0)
shares = {}
for inputs in (1, 16, 128):
    usual = nn.Conv2d(inputs, 16, 3, padding=1)
    nn.init.kaiming_normal_(usual.weight, a=0.2)
    shares[inputs] = moved(usual), moved(EqualisedConv2d(inputs, 16, 3))
    print(f"{inputs:3} inputs: usual {shares[inputs][0]:.2%} per step, equalised {shares[inputs][1]:.2%}")
claim("Usual: the layer with many inputs moves ten times as fast", shares[128][0] > 8 * shares[1][0])
claim("Equalised: all move alike", max(s for _, s in shares.values()) < 1.3 * min(s for _, s in shares.values()))

# %% [markdown] tags=["slide"]
# ## Two more precautions
#
# **[[Pixel normalisation|pixel normalisation]]** (generator): after each convolution, the channels of every pixel are divided by their root mean square. So
# no signal can blow up while the players raise their bids. No numbers are learned.
#
# **[[Minibatch standard deviation|minibatch standard deviation]]** (critic): how much do the films of a group *differ*? The answer becomes one more map. A
# generator that always draws the same film, **[[mode collapse]]**, is found out at once.

# %% [markdown] tags=["exercise"] exercise="batch_variety"
# ### Exercise: how much do they differ?
#
# `maps` is a tensor (B, C, H, W), and B is a multiple of `group`. There are B / group groups; film n belongs to group
# n mod (B / group). For every channel and pixel, take the standard deviation over the films of a group
# (`unbiased=False`). Average it over channels and pixels. Return B numbers: each film gets that of its group.

# %% tags=["stub"] exercise="batch_variety"
def variety(maps, group=4):
    """(B,): the mean standard deviation in the group of each film."""
    return ...

# %% tags=["check"] exercise="batch_variety"
check("batch_variety", variety)

# %% [markdown] tags=["hint"] exercise="batch_variety"
# With 12 films in groups of 4 there are 3 groups: films 0, 3, 6, 9 belong together.

# %% [markdown] tags=["hint"] exercise="batch_variety"
# `maps.view(group, B // group, C, H, W)` puts the films of a group along dimension 0.

# %% [markdown] tags=["hint"] exercise="batch_variety"
# `.std(0, unbiased=False).mean((1, 2, 3))` gives one number per group; `.repeat(group)` hands them out to the films.

# %% tags=["solution"] exercise="batch_variety"
def variety(maps, group=4):
    """(B,): the mean standard deviation in the group of each film."""
    batch = len(maps)
    members = maps.view(group, batch // group, *maps.shape[1:])  # dimension 0: films of one group
    return members.std(0, unbiased=False).mean((1, 2, 3)).repeat(group)

# %% tags=["equivalent"] exercise="batch_variety"
def variety(maps, group=4):
    groups = len(maps) // group
    values = [maps[k::groups].var(0, unbiased=False).sqrt().mean() for k in range(groups)]
    return torch.stack([values[n % groups] for n in range(len(maps))])

# %% tags=["wrong"] exercise="batch_variety" says="neighbours"
def variety(maps, group=4):
    members = maps.view(len(maps) // group, group, *maps.shape[1:])
    return members.std(1, unbiased=False).mean((1, 2, 3)).repeat_interleave(group)

# %% tags=["wrong"] exercise="batch_variety" says="unbiased"
def variety(maps, group=4):
    members = maps.view(group, len(maps) // group, *maps.shape[1:])
    return members.std(0).mean((1, 2, 3)).repeat(group)

# %% tags=["wrong"] exercise="batch_variety" says="handed out"
def variety(maps, group=4):
    members = maps.view(group, len(maps) // group, *maps.shape[1:])
    return members.std(0, unbiased=False).mean((1, 2, 3)).repeat_interleave(group)

# %% tags=["wrong"] exercise="batch_variety" says="all films"
def variety(maps, group=4):
    return maps.std(0, unbiased=False).mean().repeat(len(maps))

# %% tags=["wrong"] exercise="batch_variety" says="variance"
def variety(maps, group=4):
    members = maps.view(group, len(maps) // group, *maps.shape[1:])
    return members.var(0, unbiased=False).mean((1, 2, 3)).repeat(group)

# %% tags=["checker"] exercise="batch_variety"
def checker(variety):
    random = torch.Generator().manual_seed(6)
    maps = torch.rand(12, 2, 3, 3, generator=random) * torch.arange(1, 13).view(12, 1, 1, 1)
    answer = variety(maps, 4)
    if answer is ... or answer is None:
        close(answer, 0, "")
    require(tuple(np.shape(answer)) == (12,), "Return one number for each film of the batch.")
    answer = torch.as_tensor(answer).detach()
    members = maps.view(4, 3, 2, 3, 3)
    right = members.std(0, unbiased=False).mean((1, 2, 3))
    def same(other):
        return torch.allclose(answer, other, rtol=1e-3)
    beside = maps.view(3, 4, 2, 3, 3).std(1, unbiased=False).mean((1, 2, 3)).repeat_interleave(4)
    require(not same(beside), "You grouped neighbours; film n belongs to group n mod (B / group).")
    require(not same(members.std(0).mean((1, 2, 3)).repeat(4)), "Divide by n, not n - 1: unbiased=False.")
    require(not same(right.repeat_interleave(4)), "Right numbers, but handed out to the wrong films.")
    require(not same(maps.std(0, unbiased=False).mean().repeat(12)), "This is over all films, not over each group.")
    require(not same(members.var(0, unbiased=False).mean((1, 2, 3)).repeat(4)), "This is the variance; take its root.")
    close(answer.numpy(), right.repeat(4).numpy(), "Compare with films 0, 3, 6 and 9 by hand.")

# %% [markdown]
# Try it as a detector. The course brings a generator of 64 pixels, trained on 8,000 virtual patients by a recorded command. Three batches:
# real films, its films, and what a collapsed generator would deliver, one film with a little noise.

# %% tags=["varies"]
from course_lib.generative.shipped import draw, load_generator, sample_films, sample_latents
from course_lib.models.pggan import minibatch_deviation, pixel_norm

shipped = load_generator("all")
made = sample_films(shipped, 200, seed=3)
collapsed = made[:1] + 0.01 * torch.randn(200, 1, 64, 64, generator=torch.Generator().manual_seed(1))
batches = {"real": stack[:200] / 255, "generated": made, "collapsed": collapsed}
seen = {name: minibatch_deviation(batch)[:, -1, 0, 0].mean().item() for name, batch in batches.items()}
print({name: f"{value:.3f}" for name, value in seen.items()})
claim("The generated films differ about as much as the real ones", 0.6 < seen["generated"] / seen["real"] < 1.4)
claim("Collapse is plain to see", seen["collapsed"] < 0.3 * seen["real"])
unit = pixel_norm(30 * torch.randn(2, 64, 4, 4, generator=torch.Generator().manual_seed(2)))
claim("Pixel normalisation: mean square 1", torch.allclose(unit.square().mean(1), torch.ones(2, 4, 4)))

# %% [markdown] tags=["instructor"]
# A common question: "Why not let the critic find out by itself?" It judges every film alone, and each single film of a collapsed generator
# is good. Traps that are known from public implementations: groups tiled in the wrong order, the last batch of one (then the
# deviation is always 0), batches that cannot be divided by 4. The course refuses the last two before training starts.

# %% [markdown] tags=["slide"]
# ## The rules of the game
#
# As in lesson *gans*, the critic gives a score, no probability. It makes the sum of three terms small:
#
# - real films high, generated ones low: $\;\text{mean}(s_\text{generated}) - \text{mean}(s_\text{real})$,
# - a slope of 1 between them: $10 \cdot \text{mean}\big((\|\text{slope}\| - 1)^2\big)$, the [[gradient penalty]],
# - scores near 0: $0.001 \cdot \text{mean}(s_\text{real}^2)$. Without this **drift** term all scores could wander off together.
#
# The generator wants high scores for its films. Adam without momentum ($\beta_1 = 0$), learning rate 0.001, one step each in turn.

# %%
from course_lib.generative.pggan_config import PRESETS
from course_lib.generative.pggan_training import train_pggan

ours, paper = PRESETS["lesson"], PRESETS["paper"]
for name, config in (("lesson", ours), ("paper", paper)):
    total = sum(phase.fade + phase.hold for phase in config.schedule.phases)
    print(f"{name}: {total:,} films shown in {config.schedule.steps:,} steps, learning rate {config.learning_rate}")
    for phase in config.schedule.phases:
        print(f"{phase.resolution:6} pixels: fade {phase.fade:7,}, hold {phase.hold:7,}, batches of {phase.batch}")

# %% [markdown]
# Our learning rate is three times the published one, because we only have minutes; and the slope is checked on half of every batch.
#
# Now let it grow. This takes two to three minutes on one core. Everything is decided by the seed.

# %% tags=["varies"]
small_films = avg_pool2d(stack.float(), 2).round().to(torch.uint8)  # 32 x 32
growth = train_pggan(ours, small_films)

# %% tags=["slide", "varies"]
of_size = {r: [p for p in growth.pictures if p[1].shape[-1] == r] for r in (4, 8, 16, 32)}
which = {4: [-1], 8: [1, -1], 16: [3, -1], 32: [1, 9, -1]}  # of the pictures at each size
rows = [of_size[r][k] for r in which for k in which[r]]
tiles = [row[n, 0] for n in range(6) for _, row in rows]
titles = [f"step {step}\n{row.shape[-1]} px" for step, row in rows] + [""] * 40
fig = films(tiles, titles, columns=8, interpolation="nearest", vmin=0, vmax=255)
show(fig, alt="Six generated chest films at eight moments: from grey blocks of 4 pixels to chests of 32 pixels")

# %% [markdown]
# Every row is one latent vector: the same "patient who does not exist", while the network grows. Step through it:

# %% tags=["varies"]
def moment(number):
    step, drawn = growth.pictures[number]
    titles = [f"step {step}", f"{drawn.shape[-1]} pixels"] + [""] * 6
    return films(list(drawn[:, 0]), titles, columns=4, width=7, interpolation="nearest", vmin=0, vmax=255)


explore(
    moment,
    alt="Eight generated films at the chosen moment of the training",
    number=(0, len(growth.pictures) - 1, 1, len(growth.pictures) - 1),
)

# %% tags=["slide", "varies"]
mine = draw(growth.average, sample_latents(200, 64, seed=9))
both = [*small_films[:8, 0] / 255, *mine[:16, 0]]
titles = ["real", *[""] * 7, "generated", *[""] * 15]
fig = films(both, titles, columns=8, vmin=0, vmax=1)
show(fig, alt="Eight real films of 32 pixels above sixteen films that the network of this lesson has drawn")

# %% tags=["varies"]
real_mean, my_mean = small_films.float().mean(0).flatten() / 255, mine.mean(0).flatten()
likeness = np.corrcoef(real_mean, my_mean)[0, 1]
different = {name: minibatch_deviation(batch[:200])[:, -1, 0, 0].mean().item()
             for name, batch in (("real", small_films / 255), ("mine", mine))}
print(f"mean films correlate with {likeness:.3f}; deviation {different['mine']:.3f}, real {different['real']:.3f}")
claim("The mean generated film is a chest", likeness > 0.9)
claim("The films differ from each other: no collapse", different["mine"] > 0.5 * different["real"])

# %% [markdown]
# Lungs, heart and diaphragm are there; what is fine, masses above all, is doubtful. And we only compared means. How to
# judge a generator properly is the next lesson.
#
# ### Read the curve with care
#
# The lead is the mean score of the real films minus that of the generated ones. It estimates a distance, but the critic gets new
# layers for every size: compare only within a size. Below zero, the critic was just then the one who was fooled.

# %% tags=["varies"]
history = growth.history
fig, ax = plt.subplots(figsize=(8, 2.8))
ax.plot([row["step"] for row in history], [row["gap"] for row in history])
edges = np.cumsum([0] + [phase.steps for phase in ours.schedule.phases])
for k, phase in enumerate(ours.schedule.phases):
    ax.axvspan(edges[k], edges[k + 1], color="k", alpha=0.05 * (k % 2))
    ax.text(edges[k : k + 2].mean(), ax.get_ylim()[1], phase.resolution, va="top", ha="center")
ax.set(xlabel="step", ylabel="lead of the critic", title="at 4, 8, 16 and 32 pixels")
show(fig, alt="The critic's lead over the steps, with the four sizes shaded; it jumps when layers are added")

# %% [markdown] tags=["slide"]
# ## Which generator do we keep?
#
# The players never come to rest: what fools the critic changes from step to step. So the course, like the paper, keeps an
# **[[exponential moving average]]**: after every step, each averaged weight moves a little towards the present one,
#
# $$\text{average} \leftarrow \beta \cdot \text{average} + (1 - \beta) \cdot \text{present}$$

# %% [markdown] tags=["exercise"] exercise="average_memory"
# ### Exercise: how long does it remember?
#
# After n steps the old average has the share βⁿ left. After how many steps is exactly **half** of it forgotten? Return the number (it need
# not be whole).

# %% tags=["stub"] exercise="average_memory"
def half_life(beta):
    """Steps after which half of the old average is forgotten."""
    return ...

# %% tags=["check"] exercise="average_memory"
check("average_memory", half_life)

# %% [markdown] tags=["hint"] exercise="average_memory"
# As with a radioactive tracer: which n makes βⁿ one half?

# %% [markdown] tags=["hint"] exercise="average_memory"
# Take the logarithm on both sides of βⁿ = 0.5.

# %% [markdown] tags=["hint"] exercise="average_memory"
# `np.log(0.5) / np.log(beta)`

# %% tags=["solution"] exercise="average_memory"
def half_life(beta):
    """Steps after which half of the old average is forgotten."""
    return np.log(0.5) / np.log(beta)

# %% tags=["equivalent"] exercise="average_memory"
def half_life(beta):
    return -1 / np.log2(beta)

# %% tags=["equivalent"] exercise="average_memory"
def half_life(beta):
    steps, left = 0, 1.0
    while left * beta > 0.5:
        steps, left = steps + 1, left * beta
    return steps + np.log(0.5 / left) / np.log(beta)

# %% tags=["wrong"] exercise="average_memory" says="approximation"
def half_life(beta):
    return np.log(2) / (1 - beta)

# %% tags=["wrong"] exercise="average_memory" says="share"
def half_life(beta):
    return beta**0.5

# %% tags=["wrong"] exercise="average_memory" says="37 %"
def half_life(beta):
    return 1 / (1 - beta)

# %% tags=["wrong"] exercise="average_memory" says="straight line"
def half_life(beta):
    return 0.5 / (1 - beta)

# %% tags=["wrong"] exercise="average_memory" says="negative"
def half_life(beta):
    return np.log(2) / np.log(beta)

# %% tags=["wrong"] exercise="average_memory" says="upside down"
def half_life(beta):
    return np.log(beta) / np.log(0.5)

# %% tags=["checker"] exercise="average_memory"
def checker(half_life):
    value = half_life(0.99)
    close(value, value, "")
    require(value > 0, "A negative number of steps: is it log(0.5) or log(2)?")
    require(abs(value - 100) > 0.5, "After 1 / (1 - beta) steps 37 % are left, not half.")
    require(abs(value - 50) > 0.5, "It does not fall along a straight line; each step takes a share of what is left.")
    require(abs(value - 0.0145) > 1e-3, "The fraction is upside down.")
    require(value > 1, "This is a share, less than one step; asked is the number of steps n with βⁿ = 0.5.")
    require(abs(value - 69.315) > 1e-2, "A good approximation. Exactly, each step takes the logarithm of beta.")
    close(value, 68.97, "For beta = 0.99.")
    close(half_life(0.999), 692.8, "And for 0.999, as published.")

# %%
for beta in (0.99, 0.999):
    left = beta ** ours.schedule.phases[-1].steps
    print(f"beta {beta}: half forgotten after {np.log(0.5) / np.log(beta):.0f} steps; "
          f"of the weights before the last phase {left:.1%} would be left")

# %% [markdown]
# So the published 0.999 fits runs of a million steps and would spoil ours. The lesson's preset has 0.99. Beside each other, the same
# latent vectors. They may hardly differ: our learning rate falls to little in the last steps, and that calms the players, too.

# %% tags=["varies"]
z = sample_latents(6, 64, seed=21)
present, averaged = draw(growth.generator, z), draw(growth.average, z)
titles = ["present"] + [""] * 5 + ["average"] + [""] * 5
fig = films([*present[:, 0], *averaged[:, 0]], titles, columns=6, vmin=0, vmax=1)
show(fig, alt="Six films by the generator of the last step, and the same six by the averaged generator")

# %% [markdown] tags=["slide"]
# ## The generator that the course brings
#
# 64 x 64 pixels, 285,141 parameters, 64 latent numbers; learned from 8,000 virtual patients by a recorded command
# (`datasets/checkpoints/pggan/README.md`). A second one has only seen healthy films; lesson *anomaly* needs it.
#
# Neighbouring latent vectors give similar patients. Walk from one to another. Then see how this generator grew, and 24 of its films.

# %% tags=["varies"]
ends = sample_latents(8, shipped.latent_size, seed=4)


def between(from_patient, to_patient, way):
    z = (1 - way) * ends[from_patient] + way * ends[to_patient]
    return films(draw(shipped, z[None])[0], columns=1, width=4, vmin=0, vmax=1)


explore(
    between,
    alt="A generated chest film on the way from one latent vector to another",
    from_patient=[0, 1, 2, 3],
    to_patient=[4, 5, 6, 7],
    way=(0.0, 1.0, 0.05, 0.5),
)

# %%
from course_lib.generative.pggan_training import load_timelapse
from course_lib.generative.shipped import SHIPPED

lapse = load_timelapse(SHIPPED / "all_timelapse.npz")
chosen = [lapse[k] for k in np.linspace(1, len(lapse) - 1, 8).round().astype(int)]
tiles = [drawn[n, 0] for n in range(3) for _, drawn in chosen]
titles = [f"step {step}\n{drawn.shape[-1]} px" for step, drawn in chosen] + [""] * 16
fig = films(tiles, titles, columns=8, interpolation="nearest", vmin=0, vmax=255)
show(fig, alt="How the large generator grew: three latent vectors at eight moments from 8 to 64 pixels")

# %% tags=["slide", "varies"]
fig = films(list(made[:24, 0]), columns=8, vmin=0, vmax=1)
show(fig, alt="Twenty-four chest films of 64 pixels by the generator that the course brings")

# %% tags=["varies"]
way = torch.linspace(0, 1, 9)[:, None]
steps = draw(shipped, (1 - way) * ends[0] + way * ends[4])
jumps = (steps[1:] - steps[:-1]).abs().mean((1, 2, 3))
whole = (steps[-1] - steps[0]).abs().mean()
claim("There is no jump on the way: no step is larger than the whole way", float(jumps.max()) < float(whole))

# %% [markdown] tags=["slide"]
# ## What 1,024 pixels cost
#
# The thesis trained PGGAN with 111,163 chest films of 1,024 pixels for 130 [[epochs|epoch]]: **12.2 days** on two graphics cards (Titan RTX).

# %% [markdown] tags=["exercise"] exercise="seconds_per_film"
# ### Exercise: how long did one film take?
#
# Set `seconds_per_film`: how long both cards *together* worked on each film that they were shown, on average. (A film counts
# every time it is shown.)

# %% tags=["stub"] exercise="seconds_per_film"
seconds_per_film = ...

# %% tags=["check"] exercise="seconds_per_film"
check("seconds_per_film", seconds_per_film)

# %% [markdown] tags=["hint"] exercise="seconds_per_film"
# How many seconds have 12.2 days? How often was a film shown?

# %% [markdown] tags=["hint"] exercise="seconds_per_film"
# An epoch shows every film once, so 130 · 111,163 films in all. While one second passes, two cards work for two.

# %% [markdown] tags=["hint"] exercise="seconds_per_film"
# `2 * 12.2 * 24 * 3600 / (130 * 111_163)`

# %% tags=["solution"] exercise="seconds_per_film"
seconds_per_film = 2 * 12.2 * 24 * 3600 / (130 * 111_163)  # two cards, each 12.2 days

# %% tags=["equivalent"] exercise="seconds_per_film"
card_seconds = 24.4 * 86_400
seconds_per_film = card_seconds / 14_451_190

# %% tags=["wrong"] exercise="seconds_per_film" says="two cards"
seconds_per_film = 12.2 * 24 * 3600 / (130 * 111_163)

# %% tags=["wrong"] exercise="seconds_per_film" says="130"
seconds_per_film = 2 * 12.2 * 24 * 3600 / 111_163

# %% tags=["wrong"] exercise="seconds_per_film" says="upside down"
seconds_per_film = 130 * 111_163 / (2 * 12.2 * 24 * 3600)

# %% tags=["wrong"] exercise="seconds_per_film" says="hours"
seconds_per_film = 2 * 12.2 * 24 / (130 * 111_163)

# %% tags=["wrong"] exercise="seconds_per_film" says="work for two"
seconds_per_film = 12.2 * 24 * 3600 / 2 / (130 * 111_163)

# %% tags=["wrong"] exercise="seconds_per_film" says="days"
seconds_per_film = 2 * 12.2 / (130 * 111_163)

# %% tags=["checker"] exercise="seconds_per_film"
def checker(seconds_per_film):
    right = 2 * 12.2 * 24 * 3600 / (130 * 111_163)
    close(seconds_per_film, seconds_per_film, "")
    def near(value):
        return abs(seconds_per_film / value - 1) < 0.02
    require(not near(right / 2), "This is the time that passed; two cards worked at the same time.")
    require(not near(right * 130), "Every film was shown 130 times.")
    require(not near(1 / right), "Films per second: your fraction is upside down.")
    require(not near(right / 3600), "These are hours; convert to seconds.")
    require(not near(right / 86_400), "These are days; convert to seconds.")
    require(not near(right / 4), "While one second passes, two cards work for two, not for half a second.")
    close(seconds_per_film, right, "Seconds of both cards, divided by the films shown.", rtol=0.02)

# %%
shown = 130 * 111_163
planned = sum(phase.fade + phase.hold for phase in paper.schedule.phases)
print(f"thesis: {shown / 1e6:.1f} million films shown; schedule of the paper: {planned / 1e6:.1f} million")
claim("The thesis' 130 epochs are about as long as the published schedule", 1 < shown / planned < 1.1)

# %% [markdown]
# ## Is growing needed?
#
# At small sizes, perhaps not. We compared once, one seed each, about two minutes of processor time: by a distance that the next lesson
# explains (Frechet, on 4 x 4 averages), growing came to 0.03 and a network with all its layers from the first step to 0.06; two sets
# of real films are 0.006 apart. To the eye both were chests. One run each proves little.
#
# Growing pays at large sizes, where early steps are far cheaper. Later networks (StyleGAN2, 2019) gave it up and kept the
# other ideas: skip connections do what the fade did. `python -m benchmarks.pggan --growing` repeats the comparison.

# %% [markdown] tags=["instructor"]
# Typical mistakes: taking the critic's lead for a quality measure across sizes; believing that growing invents detail; comparing the present
# generator of one run with the average of another. Short of time: skip the two counting exercises, keep *fade* and *variety*. Start the
# training cell before the exercises on the layers, it runs meanwhile. Ask: "A hospital has 400 films. Will this work?" (Hardly: the critic learns
# them by heart and the generator collapses; lesson *faithful films* measures what few films cost.)

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - PGGAN learns coarse before fine: hold, add layers, fade them in, hold. Real films are faded too.
# - Equalised learning rate: weights of size 1, scaled when used, so all layers learn at one speed.
# - Pixel normalisation keeps signals in bounds; minibatch standard deviation lets the critic see collapse.
# - Keep the moving average of the generator; its memory must fit the length of the run.
# - Parameters lie in the coarse layers, work and memory in the fine ones. 1,024 pixels took 12.2 days on two cards.

# %% [markdown]
# ## References
#
# - Karras T, Aila T, Laine S, Lehtinen J. Progressive growing of GANs. ICLR 2018; arXiv:1710.10196.
# - Gulrajani I et al. Improved training of Wasserstein GANs. arXiv:1704.00028.
# - Karras T et al. Analyzing and improving the image quality of StyleGAN. arXiv:1912.04958 (no growing any more).
# - Kim M. Image synthesis and anomaly detection on chest radiographs using generative adversarial networks. Master's thesis,
#   University of Ulsan, 2021: section 2.1 (films, epochs, days).
# - Segal B et al. Evaluating the clinical realism of synthetic chest X-rays generated using progressively growing GANs. SN Comput
#   Sci 2021;2:321.

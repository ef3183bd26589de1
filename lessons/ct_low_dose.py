# %% [markdown] tags=["slide"]
# ## One fifth of the dose
#
# Fewer photons, less dose, more [[noise]]. Can a [[neural network]] take the noise away again? Yes.
# Does the reader then see more? That is another question, and the one that matters.
#
# 1. scan the same liver at full and at low dose,
# 2. teach a network with **pairs** of both: DnCNN,
# 3. teach another **without pairs**: one generator that AdaIN switches,
# 4. judge both: grey values, texture, and a small lesion.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from course_lib.data.low_dose import (
    PIXEL_MM,
    SIZE,
    AbdomenSlice,
    dose_patches,
    to_grey,
    to_hounsfield,
)
from course_lib.evaluation.delong import compare_aucs, delong
from course_lib.generative.cyclegan import CycleGame, CyclePlan, train_cyclegan
from course_lib.imaging.ct.observer import laguerre_gauss_channels, observer_scores
from course_lib.imaging.ct.quality import noise_power, psnr, ssim
from course_lib.learning.pairs import PairLoss, Pairs
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.adain_generator import SwitchableGenerator, switchable_generator
from course_lib.models.dncnn import dncnn
from course_lib.models.patch_discriminator import PatchDiscriminator
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 The same liver, twice
#
# A real patient should not be scanned twice. A virtual one may be. Only the noise differs.

# %%
DOSE = 0.2  # of 250 mAs
place = AbdomenSlice(1, lesions=3, radius_mm=5)
clean, full, low = place.noiseless(), place.image(1.0, seed=1), place.image(DOSE, seed=2)

# %% tags=["slide"]
fig = films([i[30:226] for i in (clean, full, low)], ["no noise", "full dose", "a fifth of it"],
            columns=3, width=11, vmin=-110, vmax=190)  # fmt: skip
show(fig, alt="Abdomen without noise, at full dose, and at a fifth: grainy, with horizontal streaks")

# %% [markdown]
# Streaks run from side to side: rays through both flanks bring few photons ([[photon starvation]]).
# The fine rays around the spine are in all three images. They are [[aliasing]], not noise: no dose
# removes them. So we judge against the scan *without noise*, not against an ideal.

# %% [markdown] tags=["exercise"] exercise="noise_at_dose"
# ### Exercise: predict the noise
#
# Noise comes from counting photons, and photons come with dose. Write `noise_at(noise, dose)`: the
# noise (HU) at a share `dose` of the full dose, if it is `noise` at full dose.

# %% tags=["stub"] exercise="noise_at_dose"
def noise_at(noise, dose):
    """Noise in HU at this share of the dose."""
    return ...

# %% tags=["check"] exercise="noise_at_dose"
check("noise_at_dose", noise_at)

# %% [markdown] tags=["hint"] exercise="noise_at_dose"
# Of N photons, about the square root of N are chance.

# %% [markdown] tags=["hint"] exercise="noise_at_dose"
# What counts is chance divided by signal: the square root of N, divided by N.

# %% [markdown] tags=["hint"] exercise="noise_at_dose"
# A quarter of the dose: twice the noise. Divide by a square root.

# %% tags=["solution"] exercise="noise_at_dose"
def noise_at(noise, dose):
    """Noise in HU at this share of the dose."""
    return noise / np.sqrt(dose)  # relative noise is 1 / sqrt(photons)

# %% tags=["equivalent"] exercise="noise_at_dose"
def noise_at(noise, dose):
    return noise * dose**-0.5

# %% tags=["wrong"] exercise="noise_at_dose" says="square root"
def noise_at(noise, dose):
    return noise / dose

# %% tags=["wrong"] exercise="noise_at_dose" says="less noise"
def noise_at(noise, dose):
    return noise * np.sqrt(dose)

# %% tags=["wrong"] exercise="noise_at_dose" says="the given noise"
def noise_at(noise, dose):
    return 1 / np.sqrt(dose)

# %% tags=["wrong"] exercise="noise_at_dose" says="depend on the dose"
def noise_at(noise, dose):
    return noise

# %% tags=["checker"] exercise="noise_at_dose"
def checker(noise_at):
    value = noise_at(8.0, 0.25)
    close(np.size(value), 1, "Return one number.")
    require(value is not ... and value is not None, "Return the noise.")
    require(value != 8, "Noise must depend on the dose.")
    require(abs(value - 2) > 1e-6, "That is the factor; multiply the given noise by it.")
    require(value > 8, "Your noise falls with the dose: less dose, less noise? It is the reverse.")
    require(abs(value - 32) > 1e-6, "Noise grows more slowly: think of a square root.")
    close(value, 16.0, "At a quarter of the dose:")
    close(noise_at(5.0, 0.01), 50.0, "At a hundredth of the dose:")

# %%
front = np.s_[64:84, 70:95]  # in front, where even few photons suffice
flank = np.s_[144:158, 60:80]  # beside the spine, where rays from side to side bring few
spread = {dose: np.sqrt(np.mean([(place.image(dose, seed) - clean) ** 2 for seed in range(12)], axis=0))
          for dose in (1.0, DOSE)}  # fmt: skip
measured = {"in front": front, "beside the spine": flank}
ratio = {}
for name, part in measured.items():
    at_full, at_low = (np.sqrt(np.mean(spread[dose][part] ** 2)) for dose in (1.0, DOSE))
    ratio[name] = at_low / at_full
    print(f"{name:16s} noise at full dose {at_full:.2g} HU, at a fifth {at_low:.2g} HU: {ratio[name]:.2g} times as much")
claim("Where photons suffice, a fifth of the dose gives sqrt(5) = 2.2 times the noise",
      abs(ratio["in front"] / np.sqrt(5) - 1) < 0.12)  # fmt: skip
claim("Where they are few, more than that", ratio["beside the spine"] > 2.5)

# %% [markdown]
# The rule holds as long as a detector cell counts many photons. Beside the spine it counts a handful, and the
# logarithm of a handful swings more than the rule says.

# %%
def draw_dose(percent):
    """The slice at this dose."""
    picture = place.image(percent / 100, seed=3)[30:226]
    return films([picture], [f"{percent} % of the dose"], columns=1, width=6, vmin=-110, vmax=190)


explore(draw_dose, alt="abdomen at the chosen dose", percent=[20, 5, 10, 50, 100])

# %% [markdown] tags=["slide"]
# ## 2 Patients to learn from
#
# - Patients 0-7: low dose (and full dose, for DnCNN).
# - Patients 8-15: full dose only.
# - Patients 16-17: [[validation set]]. Patients 41-44 and 101: [[test set]].
#
# Split by **patient**, never by patch.

# %%
data = dose_patches(range(18), DOSE)
test = dose_patches([41, 42, 43, 44], DOSE)


def tensor(patches):
    """Patches (n, H, W) in HU as a batch (n, 1, H, W) of grey values from -1 to 1."""
    return torch.from_numpy(to_grey(patches))[:, None]


def quarters(batch):
    """Four small patches out of each: (4n, 1, H/2, W/2)."""
    return torch.cat([part for half in batch.chunk(2, 2) for part in half.chunk(2, 3)])


paired, unpaired, held_out = (data.patient < 8, (data.patient > 7) & (data.patient < 16),
                              data.patient > 15)  # fmt: skip
print("patches of 64 x 64:", len(data.low), "  to test:", len(test.low))

# %% tags=["slide"]
chosen = [0, 20, 40, 70, 100]
rows = [*tensor(data.low[chosen])[:, 0].numpy(), *tensor(data.full[chosen])[:, 0].numpy()]
fig = films(rows, ["low dose"] * 5 + ["full dose"] * 5, columns=5, width=10, vmin=-0.75, vmax=0.75)
show(fig, alt="Five pairs of small patches, at low dose above and at full dose below")

# %% [markdown] tags=["slide"]
# ## 3 Learn the noise, not the image
#
# DnCNN is a stack of 3 x 3 convolutions. It is asked for the **noise**; the image is what remains:
#
# $$\hat x = y - R(y),\qquad \text{minimise}\ \ \|y - R(y) - x_{\text{full}}\|^2$$
#
# If there is nothing to do, the right answer is zero. That is easy to learn.

# %% [markdown] tags=["exercise"] exercise="dncnn_weights"
# ### Exercise: count its weights
#
# `depth` convolutions of 3 x 3, no bias. The first turns 1 channel into `width`, the last `width`
# into 1, those between keep `width`. Each of those **between** is followed by batch normalisation:
# 2 numbers per channel. How many weights?

# %% tags=["stub"] exercise="dncnn_weights"
def dncnn_weights(depth, width):
    """Weights that are learned."""
    return ...

# %% tags=["check"] exercise="dncnn_weights"
check("dncnn_weights", dncnn_weights)

# %% [markdown] tags=["hint"] exercise="dncnn_weights"
# A convolution has 3 x 3 weights for each pair of an input and an output channel.

# %% [markdown] tags=["hint"] exercise="dncnn_weights"
# First and last: 9 * width each. There are depth - 2 between them.

# %% [markdown] tags=["hint"] exercise="dncnn_weights"
# Each between: 9 * width * width + 2 * width.

# %% tags=["solution"] exercise="dncnn_weights"
def dncnn_weights(depth, width):
    """Weights that are learned."""
    return 2 * 9 * width + (depth - 2) * (9 * width**2 + 2 * width)

# %% tags=["equivalent"] exercise="dncnn_weights"
def dncnn_weights(depth, width):
    channels = [1] + [width] * (depth - 1) + [1]
    pairs = zip(channels[:-1], channels[1:], strict=True)
    return sum(9 * before * after for before, after in pairs) + 2 * width * (depth - 2)

# %% tags=["wrong"] exercise="dncnn_weights" says="batch normalisation"
def dncnn_weights(depth, width):
    return 2 * 9 * width + (depth - 2) * 9 * width**2

# %% tags=["wrong"] exercise="dncnn_weights" says="between"
def dncnn_weights(depth, width):
    return 2 * 9 * width + depth * (9 * width**2 + 2 * width)

# %% tags=["wrong"] exercise="dncnn_weights" says="3 x 3"
def dncnn_weights(depth, width):
    return 2 * width + (depth - 2) * (width**2 + 2 * width)

# %% tags=["wrong"] exercise="dncnn_weights" says="two numbers"
def dncnn_weights(depth, width):
    return 2 * 9 * width + (depth - 2) * (9 * width**2 + width)

# %% tags=["wrong"] exercise="dncnn_weights" says="Only the convolutions between"
def dncnn_weights(depth, width):
    return 2 * 9 * width + (depth - 2) * 9 * width**2 + depth * 2 * width

# %% tags=["checker"] exercise="dncnn_weights"
def checker(dncnn_weights):
    value = dncnn_weights(5, 10)
    require(value != 2880, "You left out batch normalisation.")
    require(value != 4780, "How many convolutions lie between the first and the last?")
    require(value != 380, "Every pair of channels has 3 x 3 weights.")
    require(value != 2910, "Batch normalisation learns two numbers per channel: a scale and a shift.")
    require(value not in (2980, 2960), "Only the convolutions between are followed by batch normalisation.")
    close(value, 2940, "With depth 5 and width 10:", rtol=1e-9)
    close(dncnn_weights(17, 64), 556_032, "As published, depth 17 and width 64:", rtol=1e-9)

# %%
def weights(model):
    """How many numbers a model learns."""
    return sum(each.numel() for each in model.parameters() if each.requires_grad)


print("DnCNN as published:", weights(dncnn("paper")), "  for this lesson:", weights(dncnn("laptop")))
claim("The published net has 556,032 weights", weights(dncnn("paper")) == 556_032)

# %% tags=["varies"]
torch.set_num_threads(1)  # patches as small as ours gain nothing from more
torch.manual_seed(0)
denoiser = dncnn("laptop")
history = fit(
    denoiser,
    Pairs(quarters(tensor(data.low[paired])), quarters(tensor(data.full[paired]))),
    Pairs(tensor(data.low[held_out]), tensor(data.full[held_out])),
    PairLoss(),
    Plan(epochs=16, batch_size=16, learning_rate=4e-3),
)
print(f"validation loss {history[0]['validation_loss']:.3f} -> {history[-1]['validation_loss']:.4f}")

# %% [markdown]
# The target is noisy too: it is a full-dose *scan*. Yet its noise is independent of the input's and
# cannot be predicted. With a squared loss the best answer is the mean of all full-dose scans that
# could belong to this input. So the result may be calmer than any target. The price of a mean:
# what the net is unsure of is drawn half-way. **A faint lesion is exactly that.**

# %% [markdown] tags=["slide"]
# ## 4 Without pairs: CycleGAN, and one generator for two
#
# In hospitals, low and full dose are usually of *different* patients.
#
# - Two **critics** look at patches: is this a real full-dose (low-dose) image?
# - There and back again must give the original: **cycle loss**.
# - What is already full dose should stay as it is: **identity loss**.
# - CycleGAN needs two generators. Gu and Ye use **one**, switched by [[AdaIN]].

# %% [markdown] tags=["exercise"] exercise="adain_by_hand"
# ### Exercise: the switch
#
# AdaIN takes feature maps (C, H, W), removes each map's own mean and standard deviation, and gives
# it a new `spread` (C,) and `mean` (C,). Spread 1 and mean 0 are the *identity code*: denoise.
# Learned numbers mean: add noise. Write it with NumPy.

# %% tags=["stub"] exercise="adain_by_hand"
def adain_by_hand(maps, spread, mean):
    """Maps (C, H, W) with the given standard deviations and means, both (C,)."""
    return ...

# %% tags=["check"] exercise="adain_by_hand"
check("adain_by_hand", adain_by_hand)

# %% [markdown] tags=["hint"] exercise="adain_by_hand"
# First subtract and divide, then multiply and add. Every channel has numbers of its own.

# %% [markdown] tags=["hint"] exercise="adain_by_hand"
# `maps.mean(axis=(1, 2), keepdims=True)` is the mean of each map.

# %% [markdown] tags=["hint"] exercise="adain_by_hand"
# `spread[:, None, None]` has the right shape to multiply with.

# %% tags=["solution"] exercise="adain_by_hand"
def adain_by_hand(maps, spread, mean):
    """Maps (C, H, W) with the given standard deviations and means, both (C,)."""
    centre = maps.mean(axis=(1, 2), keepdims=True)
    width = maps.std(axis=(1, 2), keepdims=True)
    return (maps - centre) / width * spread[:, None, None] + mean[:, None, None]

# %% tags=["equivalent"] exercise="adain_by_hand"
def adain_by_hand(maps, spread, mean):
    made = [(m - m.mean()) / m.std() * s + c for m, s, c in zip(maps, spread, mean, strict=True)]
    return np.stack(made)

# %% tags=["wrong"] exercise="adain_by_hand" says="each map"
def adain_by_hand(maps, spread, mean):
    normal = (maps - maps.mean()) / maps.std()
    return normal * spread[:, None, None] + mean[:, None, None]

# %% tags=["wrong"] exercise="adain_by_hand" says="variance"
def adain_by_hand(maps, spread, mean):
    normal = (maps - maps.mean((1, 2), keepdims=True)) / maps.var((1, 2), keepdims=True)
    return normal * spread[:, None, None] + mean[:, None, None]

# %% tags=["wrong"] exercise="adain_by_hand" says="own mean"
def adain_by_hand(maps, spread, mean):
    return maps / maps.std((1, 2), keepdims=True) * spread[:, None, None] + mean[:, None, None]

# %% tags=["checker"] exercise="adain_by_hand"
def checker(adain_by_hand):
    maps = np.random.default_rng(0).normal(size=(3, 8, 8)) * 3 + np.array([5, 0, -4.0])[:, None, None]
    spread, mean = np.array([1, 2, 0.5]), np.array([0, 1, -1.0])
    got = adain_by_hand(maps, spread, mean)
    require(np.shape(got) == maps.shape, "Return maps of the same shape.")
    got = np.asarray(got, float)
    plain = (maps - maps.mean()) / maps.std() * spread[:, None, None] + mean[:, None, None]
    require(not np.allclose(got, plain), "Take mean and deviation of each map, not of all together.")
    close(got.mean((1, 2)), mean, "Did you take each map's own mean away? The new means:", rtol=0.001)
    require(not np.allclose(got.std((1, 2)), spread / maps.std((1, 2))), "You divided by the variance.")
    close(got.std((1, 2)), spread, "The new standard deviations:")

# %%
paper = switchable_generator("paper")
network, switch = weights(paper) - weights(paper.codes), weights(paper.codes)
print(f"two generators: {2 * network:,} weights; one with its switch: {network + switch:,}")
claim("One switchable generator saves more than 40 % of two", network + switch < 0.6 * 2 * network)

# %% [markdown] tags=["exercise"] exercise="cycle_loss"
# ### Exercise: there and back
#
# Write `cycle_loss(a, b, denoise, add_noise)`. `a` are low-dose images, `b` full-dose images. Both
# ways round count, each as the mean *absolute* difference; return their sum.

# %% tags=["stub"] exercise="cycle_loss"
def cycle_loss(a, b, denoise, add_noise):
    """|back again - a| + |back again - b|, means over all pixels."""
    return ...

# %% tags=["check"] exercise="cycle_loss"
check("cycle_loss", cycle_loss)

# %% [markdown] tags=["hint"] exercise="cycle_loss"
# Follow one low-dose image: denoise it, add noise again. What should come out?

# %% [markdown] tags=["hint"] exercise="cycle_loss"
# The first term compares `add_noise(denoise(a))` with `a`.

# %% [markdown] tags=["hint"] exercise="cycle_loss"
# `np.mean(np.abs(... - a)) + np.mean(np.abs(... - b))`; the second goes the other way round.

# %% tags=["solution"] exercise="cycle_loss"
def cycle_loss(a, b, denoise, add_noise):
    """|back again - a| + |back again - b|, means over all pixels."""
    return np.mean(np.abs(add_noise(denoise(a)) - a)) + np.mean(np.abs(denoise(add_noise(b)) - b))

# %% tags=["equivalent"] exercise="cycle_loss"
def cycle_loss(a, b, denoise, add_noise):
    rounds = ((add_noise(denoise(a)), a), (denoise(add_noise(b)), b))
    return sum(float(abs(again - start).mean()) for again, start in rounds)

# %% tags=["wrong"] exercise="cycle_loss" says="pairs"
def cycle_loss(a, b, denoise, add_noise):
    return np.mean(np.abs(denoise(a) - b)) + np.mean(np.abs(add_noise(b) - a))

# %% tags=["wrong"] exercise="cycle_loss" says="Absolute"
def cycle_loss(a, b, denoise, add_noise):
    return np.mean((add_noise(denoise(a)) - a) ** 2) + np.mean((denoise(add_noise(b)) - b) ** 2)

# %% tags=["wrong"] exercise="cycle_loss" says="first denoised"
def cycle_loss(a, b, denoise, add_noise):
    return np.mean(np.abs(denoise(add_noise(a)) - a)) + np.mean(np.abs(add_noise(denoise(b)) - b))

# %% tags=["wrong"] exercise="cycle_loss" says="Not half"
def cycle_loss(a, b, denoise, add_noise):
    return (np.mean(np.abs(add_noise(denoise(a)) - a)) + np.mean(np.abs(denoise(add_noise(b)) - b))) / 2

# %% tags=["wrong"] exercise="cycle_loss" says="absolute"
def cycle_loss(a, b, denoise, add_noise):
    return np.mean(add_noise(denoise(a)) - a) + np.mean(denoise(add_noise(b)) - b)

# %% tags=["wrong"] exercise="cycle_loss" says="Both ways"
def cycle_loss(a, b, denoise, add_noise):
    return np.mean(np.abs(add_noise(denoise(a)) - a))

# %% tags=["checker"] exercise="cycle_loss"
def checker(cycle_loss):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 6)), rng.normal(size=(2, 6, 6)) + 1
    def half(image):
        return image / 2 + 0.1
    def more(image):
        return 1.5 * image - 0.2
    one, other = more(half(a)) - a, half(more(b)) - b
    got = cycle_loss(a, b, half, more)
    direct = np.abs(half(a) - b).mean() + np.abs(more(b) - a).mean()
    require(not np.isclose(got, direct), "a and b are different patients: they are no pairs. Go back.")
    require(not np.isclose(got, (one**2).mean() + (other**2).mean()), "Absolute differences, not squares.")
    require(not np.isclose(got, np.abs(one).mean()), "Both ways round count: the one from b as well.")
    crossed = np.abs(half(more(a)) - a).mean() + np.abs(more(half(b)) - b).mean()
    require(not np.isclose(got, crossed), "a is noisy: it is first denoised, then noise is added. For b it is the reverse.")
    require(not np.isclose(got, one.mean() + other.mean()), "Errors of opposite sign cancel: take absolute differences.")
    right = np.abs(one).mean() + np.abs(other).mean()
    require(not np.isclose(got, right / 2), "Not half of it: return the sum of both.")
    close(got, right, "Follow a there and back, then b.")

# %% tags=["varies"]
torch.manual_seed(0)
game = CycleGame(
    PatchDiscriminator(width=16, steps=1),
    PatchDiscriminator(width=16, steps=1),
    SwitchableGenerator(widths=(16, 32), code=32),
)
plan = CyclePlan(steps=600, batch_size=4, learning_rate=2e-3, cycle=1.0, identity=1.0)
match = train_cyclegan(
    game,
    quarters(tensor(data.low[paired])),
    quarters(tensor(data.full[unpaired])),  # other patients
    plan,
)

# %% [markdown] tags=["slide"]
# ### What the game needs to win
#
# Every vote of a critic sees only 16 x 16 pixels: it judges **texture**. The cycle forbids
# throwing details away, at least in theory. Its weight is 1 here and 10 in the paper: a strict
# cycle also holds on to the noise, and we train for a minute, not for days. Expect the direction,
# not the full way.

# %% [markdown] tags=["slide"]
# ## 5 First judge: the reference
#
# - [[PSNR]]: distance from the scan without noise, in dB. 6 dB more: half the error.
# - [[SSIM]]: likeness of local structure, 1 for equal images.

# %%
def by_network(model):
    """A function from patches (n, H, W) in HU to denoised patches in HU."""

    def denoise(patches):
        with torch.no_grad():
            return to_hounsfield(model(tensor(patches))[:, 0].numpy())

    return denoise


generator = game.generators[0].eval()
METHODS = {
    "low dose": lambda patches: patches,
    "Gauss": lambda patches: gaussian_filter(patches, (0, 1, 1)),
    "total variation": lambda p: np.stack([denoise_tv_chambolle(i, weight=12) for i in p]),
    "non-local means": lambda p: np.stack([denoise_nl_means(i, 5, 7, h=8, sigma=9) for i in p]),
    "DnCNN": by_network(denoiser),
    "CycleGAN": by_network(generator),
}

# %% tags=["varies"]
results = {name: method(test.low) for name, method in METHODS.items()}
score = {}
for name, patches in results.items():
    couples = [(to_grey(p), to_grey(q)) for p, q in zip(patches, test.noiseless, strict=True)]
    score[name] = [np.mean([measure(p, q, 2) for p, q in couples]) for measure in (psnr, ssim)]
    print(f"{name:16s} PSNR {score[name][0]:.1f} dB, SSIM {score[name][1]:.2f}")

# %% tags=["varies"]
gain = {name: value[0] - score["low dose"][0] for name, value in score.items()}
claim("DnCNN brings patients it never saw nearer to the scan without noise", gain["DnCNN"] > 1)
claim("and nearer than Gauss, total variation and non-local means do",
      gain["DnCNN"] > max(gain[n] for n in ("Gauss", "total variation", "non-local means")))  # fmt: skip

# %% [markdown]
# A mean over patients hides something. Ask for each patient:

# %% tags=["varies"]
def patient_psnr(name, patient):
    """Mean PSNR (dB) of a method over the patches of one test patient."""
    which = np.flatnonzero(test.patient == patient)
    return np.mean([psnr(to_grey(results[name][i]), to_grey(test.noiseless[i]), 2) for i in which])


for patient in (41, 42, 43, 44):
    print(patient, *(f"{name}: {patient_psnr(name, patient):.1f} dB "
                     for name in ("low dose", "total variation", "DnCNN", "CycleGAN")))  # fmt: skip
net_gain = {p: patient_psnr("DnCNN", p) - patient_psnr("low dose", p) for p in (41, 42)}
claim("DnCNN gains more than 2 dB in patient 42, whose slice is full of streaks", net_gain[42] > 2)
claim("and next to nothing in patient 41, whose slice was calm", net_gain[41] < 1)
free_gain = {p: patient_psnr("CycleGAN", p) - patient_psnr("low dose", p) for p in (41, 42)}
claim("CycleGAN, without a single pair, also helps patient 42", free_gain[42] > 0.5)
claim("but it changes the calm slice of patient 41 for the worse", free_gain[41] < -0.5)

# %% [markdown]
# Why the difference? A likely reason (we did not test it): instance norm scales every feature map to
# the same spread, whether a patch is calm or noisy. So this generator can hardly know *how much*
# noise there is, and takes some away where there was little. DnCNN's pairs showed it when to leave
# a patch alone.

# %% tags=["slide"]
worst = int(np.argmax(np.std(test.low - test.noiseless, axis=(1, 2))))
fig = films([test.noiseless[worst], *(patches[worst] for patches in results.values())],
            ["no noise", *results], columns=4, width=10, vmin=-110, vmax=190)  # fmt: skip
show(fig, alt="A patch with strong noise: without noise, at low dose, and by five ways of denoising")

# %% [markdown] tags=["slide"]
# ### Turn the switch slowly
#
# Code 0 denoises, code 1 adds noise, between them lie images between. Nothing is trained again. A
# reader may choose how much grain to keep. Below, a *full-dose* patch gets streaks that no photon
# made: the network **invents** what low dose looks like. Remember that of every image it gives you.

# %%
def draw_code(percent):
    """A full-dose patch through the generator, from denoising (0) to adding noise (100)."""
    patch = tensor(test.full[[worst]])
    with torch.no_grad():
        made = generator(patch, percent / 100)[0, 0].numpy()
    titles = ["full dose", f"code {percent} %", "difference"]
    pictures = [patch[0, 0].numpy(), made, 3 * (made - patch[0, 0].numpy())]
    return films(pictures, titles, columns=3, width=9, vmin=-0.75, vmax=0.75)


explore(draw_code, alt="full-dose patch, translated, and the difference", percent=(0, 100, 10, 100))

# %% tags=["varies"]
with torch.no_grad():
    added = [np.std((generator(tensor(test.full), share) - tensor(test.full)).numpy())
             for share in (0.0, 1.0)]  # fmt: skip
print(f"changes a full-dose image by {200 * added[0]:.1f} HU (code 0), {200 * added[1]:.1f} HU (code 1)")
claim("The learned code changes a full-dose image more than the identity code does",
      added[1] > added[0])  # fmt: skip

# %% [markdown] tags=["slide"]
# ## 6 Second judge: texture
#
# The [[noise power spectrum]] (NPS) tells how strong the noise is at each [[spatial frequency]].
# Its integral is the variance. Fine grain: power at high frequencies. Blotches: at low ones.

# %% [markdown] tags=["exercise"] exercise="noise_spectrum"
# ### Exercise: measure the spectrum
#
# `noise` is (images, rows, columns) in HU with mean 0. The NPS is
#
# $$\mathrm{NPS}=\frac{\Delta^2}{\text{rows}\cdot\text{columns}}\ \big\langle|\mathrm{DFT}(noise)|^2
# \big\rangle$$
#
# with the pixel's side Δ in mm, and the mean over the images. Write it (`np.fft.fft2`; the order of
# the frequencies may stay as it comes).

# %% tags=["stub"] exercise="noise_spectrum"
def noise_spectrum(noise, pixel_mm):
    """(rows, columns) in HU^2 mm^2."""
    return ...

# %% tags=["check"] exercise="noise_spectrum"
check("noise_spectrum", noise_spectrum)

# %% [markdown] tags=["hint"] exercise="noise_spectrum"
# Transform every image, square its size, average over images, scale.

# %% [markdown] tags=["hint"] exercise="noise_spectrum"
# `np.abs(np.fft.fft2(noise)) ** 2` transforms the last two axes of all images at once.

# %% [markdown] tags=["hint"] exercise="noise_spectrum"
# `.mean(axis=0)`, then times `pixel_mm**2 / (rows * columns)`.

# %% tags=["solution"] exercise="noise_spectrum"
def noise_spectrum(noise, pixel_mm):
    """(rows, columns) in HU^2 mm^2."""
    rows, columns = noise.shape[1:]
    return (np.abs(np.fft.fft2(noise)) ** 2).mean(axis=0) * pixel_mm**2 / (rows * columns)

# %% tags=["equivalent"] exercise="noise_spectrum"
def noise_spectrum(noise, pixel_mm):
    waves = np.fft.fft2(noise, norm="ortho") * pixel_mm
    return (waves * waves.conj()).real.mean(0)

# %% tags=["equivalent"] exercise="noise_spectrum"
def noise_spectrum(noise, pixel_mm):
    waves = np.fft.fftshift(np.fft.fft2(noise), axes=(1, 2))
    return np.mean(np.abs(waves) ** 2, axis=0) / noise[0].size * pixel_mm**2

# %% tags=["wrong"] exercise="noise_spectrum" says="millimetres"
def noise_spectrum(noise, pixel_mm):
    return (np.abs(np.fft.fft2(noise)) ** 2).mean(axis=0) / noise[0].size

# %% tags=["wrong"] exercise="noise_spectrum" says="area"
def noise_spectrum(noise, pixel_mm):
    return (np.abs(np.fft.fft2(noise)) ** 2).mean(axis=0) * pixel_mm / noise[0].size

# %% tags=["wrong"] exercise="noise_spectrum" says="one image"
def noise_spectrum(noise, pixel_mm):
    return (np.abs(np.fft.fft2(noise)) ** 2).mean(axis=0) * pixel_mm**2 / noise.size

# %% tags=["wrong"] exercise="noise_spectrum" says="square"
def noise_spectrum(noise, pixel_mm):
    return np.abs(np.fft.fft2(noise)).mean(axis=0) * pixel_mm**2 / noise[0].size

# %% tags=["wrong"] exercise="noise_spectrum" says="number of pixels"
def noise_spectrum(noise, pixel_mm):
    return (np.abs(np.fft.fft2(noise)) ** 2).mean(axis=0) * pixel_mm**2

# %% tags=["wrong"] exercise="noise_spectrum" says="cancel"
def noise_spectrum(noise, pixel_mm):
    return np.abs(np.fft.fft2(noise.mean(axis=0))) ** 2 * pixel_mm**2 / noise[0].size

# %% tags=["checker"] exercise="noise_spectrum"
def checker(noise_spectrum):
    grain = np.random.default_rng(0).normal(size=(6, 8, 10)) * 5
    waves = np.abs(np.fft.fft2(grain))
    want = (waves**2).mean(0) * 0.49 / 80
    got = noise_spectrum(grain, 0.7)
    require(np.shape(got) == (8, 10), "Return one spectrum (rows, columns): the mean over the images.")
    got, want = np.sort(np.ravel(np.asarray(got, float))), np.sort(want.ravel())
    def like(other):
        return np.allclose(got, np.sort(np.ravel(other)))
    require(not like((waves**2).mean(0) / 80), "Where are the millimetres? Multiply by the pixel's area.")
    require(not like(waves.mean(0) * 0.49 / 80), "Power is the square of the size.")
    require(not like((waves**2).mean(0) * 0.49), "Divide by the number of pixels.")
    require(not like((waves**2).mean(0) * 0.7 / 80), "Multiply by the pixel's area, the side times itself.")
    require(not like(want / 6), "You averaged already: divide by the pixels of one image, not of all.")
    averaged = np.abs(np.fft.fft2(grain.mean(0))) ** 2 * 0.49 / 80
    require(not like(averaged), "Noise images cancel if you average them first: average the powers.")
    close(got, want, "Follow the formula term by term.")

# %% [markdown]
# Now a patient whom no network has seen: 60 scans of the liver with a faint, small lesion at three
# places, and 60 of the same liver without.

# %%
RADIUS_MM, WATER = 4.0, 0.1  # 8 mm wide, about 5 HU darker than the liver
ill, healthy = (AbdomenSlice(101, 0, 3, RADIUS_MM, WATER, with_lesions=w) for w in (True, False))


def around_places(place, seeds):
    """Patches (seeds * places, 64, 64) about the places of the lesions, one scan for each seed."""
    middle = np.rint(place.places_mm[:, 1::-1] / PIXEL_MM + (SIZE - 1) / 2).astype(int)
    scans = (place.image(DOSE, seed) for seed in seeds)
    return np.stack([s[y - 32 : y + 32, x - 32 : x + 32] for s in scans for y, x in middle])


present, absent = around_places(ill, range(60)), around_places(healthy, range(1000, 1060))

# %% tags=["varies"]
CENTRE = np.s_[:, 20:44, 20:44]
with_it = {name: method(present)[CENTRE] for name, method in METHODS.items()}
without = {name: method(absent)[CENTRE] for name, method in METHODS.items()}
first_place = {name: noise_power(patches[::3], PIXEL_MM) for name, patches in without.items()}
for name, power in first_place.items():
    print(f"{name:16s} noise {power.variance**0.5:4.1f} HU, mean frequency {power.mean_frequency:.2f} per mm")

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(7, 3.6))
for name, power in first_place.items():
    frequency, height = power.radial()
    ax.plot(frequency, height / power.variance, label=name)
ax.set(xlabel="spatial frequency (cycles per mm)", ylabel="NPS / variance (mm²)",
       title="texture: which frequencies the noise has")  # fmt: skip
ax.legend()
show(fig, alt="Noise spectra: low dose peaks at middle frequencies; Gauss and TV at lower ones")

# %% tags=["varies"]
claim("Gauss and total variation make noise coarser",
      max(first_place[n].mean_frequency for n in ("Gauss", "total variation"))
      < 0.85 * first_place["low dose"].mean_frequency)  # fmt: skip
claim("DnCNN leaves less than four fifths of the noise, and hardly changes its frequencies",
      first_place["DnCNN"].variance < 0.64 * first_place["low dose"].variance
      and abs(first_place["DnCNN"].mean_frequency - first_place["low dose"].mean_frequency) < 0.05)  # fmt: skip

# %% [markdown] tags=["slide"]
# ## 7 The judge that counts: is the lesion still there?
#
# Less noise is easy: a grey page has none. So two questions.
#
# 1. How much of the lesion's **contrast** is left?
# 2. How well can a reader tell livers **with** from livers **without** it? Our reader is a
#    [[model observer]]; the answer is an [[AUC]].

# %% [markdown] tags=["exercise"] exercise="contrast_kept"
# ### Exercise: what is left of the contrast?
#
# You get patches (n, H, W) with and without the lesion, before and after denoising. The lesion's
# contrast is the difference of the *mean* patches, averaged over the middle 3 x 3 pixels. Return
# the contrast after, divided by the contrast before. H and W are even: use rows and columns
# `H // 2 - 1` to `H // 2 + 1`.

# %% tags=["stub"] exercise="contrast_kept"
def contrast_kept(present_after, absent_after, present_before, absent_before):
    """Share of the contrast that is left: 1 is all, 0 nothing."""
    return ...

# %% tags=["check"] exercise="contrast_kept"
check("contrast_kept", contrast_kept)

# %% [markdown] tags=["hint"] exercise="contrast_kept"
# The mean over many patches takes the noise away. What differs then is the lesion.

# %% [markdown] tags=["hint"] exercise="contrast_kept"
# `difference = present.mean(axis=0) - absent.mean(axis=0)`, for before and for after.

# %% [markdown] tags=["hint"] exercise="contrast_kept"
# With `m = H // 2`: `difference[m - 1 : m + 2, m - 1 : m + 2].mean()`. Then divide.

# %% tags=["solution"] exercise="contrast_kept"
def contrast_kept(present_after, absent_after, present_before, absent_before):
    """Share of the contrast that is left: 1 is all, 0 nothing."""

    def contrast(present, absent):
        difference = present.mean(axis=0) - absent.mean(axis=0)
        row, column = difference.shape[0] // 2, difference.shape[1] // 2
        return difference[row - 1 : row + 2, column - 1 : column + 2].mean()

    return contrast(present_after, absent_after) / contrast(present_before, absent_before)

# %% tags=["equivalent"] exercise="contrast_kept"
def contrast_kept(present_after, absent_after, present_before, absent_before):
    y, x = (size // 2 for size in present_after.shape[1:])
    spot = np.s_[:, y - 1 : y + 2, x - 1 : x + 2]
    means = [p[spot].mean() for p in (present_after, absent_after, present_before, absent_before)]
    return (means[0] - means[1]) / (means[2] - means[3])

# %% tags=["wrong"] exercise="contrast_kept" says="without"
def contrast_kept(present_after, absent_after, present_before, absent_before):
    y, x = (size // 2 for size in present_after.shape[1:])
    spot = np.s_[:, y - 1 : y + 2, x - 1 : x + 2]
    return present_after[spot].mean() / present_before[spot].mean()

# %% tags=["wrong"] exercise="contrast_kept" says="divide by"
def contrast_kept(present_after, absent_after, present_before, absent_before):
    y, x = (size // 2 for size in present_after.shape[1:])
    spot = np.s_[:, y - 1 : y + 2, x - 1 : x + 2]
    return present_after[spot].mean() - absent_after[spot].mean()

# %% tags=["wrong"] exercise="contrast_kept" says="3 x 3"
def contrast_kept(present_after, absent_after, present_before, absent_before):
    y, x = (size // 2 for size in present_after.shape[1:])
    spot = np.s_[:, y - 1 : y + 1, x - 1 : x + 1]  # Python leaves the last one out
    after = present_after[spot].mean() - absent_after[spot].mean()
    return after / (present_before[spot].mean() - absent_before[spot].mean())

# %% tags=["wrong"] exercise="contrast_kept" says="upside down"
def contrast_kept(present_after, absent_after, present_before, absent_before):
    y, x = (size // 2 for size in present_after.shape[1:])
    spot = np.s_[:, y - 1 : y + 2, x - 1 : x + 2]
    means = [p[spot].mean() for p in (present_after, absent_after, present_before, absent_before)]
    return (means[2] - means[3]) / (means[0] - means[1])

# %% tags=["wrong"] exercise="contrast_kept" says="whole patch"
def contrast_kept(present_after, absent_after, present_before, absent_before):
    after = present_after.mean() - absent_after.mean()
    return after / (present_before.mean() - absent_before.mean())

# %% tags=["checker"] exercise="contrast_kept"
def checker(contrast_kept):
    rng = np.random.default_rng(3)
    before, after = rng.normal(50, 1, (2, 5, 8, 8)), rng.normal(50, 1, (2, 5, 8, 8))
    before[0, :, 3:6, 3:6] -= 20
    after[0, :, 3:6, 3:6] -= 8
    spot = np.s_[:, 3:6, 3:6]
    (p1, a1), (p0, a0) = after, before
    change, start = p1[spot].mean() - a1[spot].mean(), p0[spot].mean() - a0[spot].mean()
    got = contrast_kept(p1, a1, p0, a0)
    close(np.size(got), 1, "Return one number.")
    require(not np.isclose(got, p1[spot].mean() / p0[spot].mean()), "Contrast compares with the liver without lesion.")
    require(not np.isclose(got, start / change), "That is upside down: after, divided by before.")
    require(not np.isclose(got, (p1.mean() - a1.mean()) / (p0.mean() - a0.mean())), "The whole patch is too much: only the middle.")
    require(not np.isclose(got, change), "That is the contrast after: divide by the contrast before.")
    small = np.s_[:, 3:5, 3:5]
    two = (p1[small].mean() - a1[small].mean()) / (p0[small].mean() - a0[small].mean())
    require(not np.isclose(got, two), "You took 2 x 2 pixels, not 3 x 3: Python's ranges leave the end out.")
    close(got, change / start, "Contrast after, divided by contrast before:")

# %% tags=["varies"]
channels = laguerre_gauss_channels(24, PIXEL_MM, 2.5 * RADIUS_MM)
seen, kept = {}, {}
spot = np.s_[:, 11:14, 11:14]
for name in METHODS:
    seen[name] = observer_scores(with_it[name], without[name], channels)
    area = delong(*seen[name])
    kept[name] = np.mean(with_it[name][spot]) - np.mean(without[name][spot])
    left = kept[name] / kept["low dose"]
    print(f"{name:16s} contrast {left:4.0%}, AUC {area.auc:.2f} "
          f"({area.interval.low:.2f} to {area.interval.high:.2f})")  # fmt: skip

# %% tags=["varies"]
truths, plain = seen["low dose"]
gains = {name: compare_aucs(truths, seen[name][1], plain) for name in list(METHODS)[1:]}
claim("No method lifts the observer's AUC clearly above that of the untouched slice",
      max(gain.difference for gain in gains.values()) < 0.07)  # fmt: skip
claim("Non-local means loses lesions that were visible", gains["non-local means"].interval.high < 0)
claim("It also takes more than a third of the contrast",
      kept["non-local means"] / kept["low dose"] < 0.66)  # fmt: skip
claim("Total variation leaves the least noise, and not the highest AUC",
      min(first_place, key=lambda n: first_place[n].variance) == "total variation"
      and gains["total variation"].difference < 0.03)  # fmt: skip

# %% [markdown]
# The intervals tell how far other *scans* of this one liver would differ. Other patients differ more: a study
# would need many of them.
#
# Below, the mean of 180 patches with the lesion minus the mean of 180 without. In one scan it is
# buried in noise; here you see what each method does to it on average.

# %% tags=["slide"]
means = [with_it[name].mean(axis=0) - without[name].mean(axis=0) for name in METHODS]
fig = films(means, list(METHODS), columns=3, width=8, vmin=-6, vmax=2)
show(fig, alt="Mean lesion after each method: dark discs; fainter after TV and non-local means")

# %% [markdown] tags=["slide"]
# ### Why a network cannot bring back what the scan lost
#
# Denoising works on the slice alone. The information about *this* lesion is in the photons that
# were counted, and no later step adds any. What a network adds is knowledge of *other* patients.
# It makes slices pleasant and may make reading faster. Whether faint lesions survive must be
# **measured**, with lesions of the size and contrast that matter.

# %% [markdown] tags=["instructor"]
# Ask: would you rather read the slice with the best PSNR or the one with the best AUC? Typical
# mistake: judging by the prettiest picture. Short of time: skip the weights and the cycle exercise;
# keep the spectrum and the contrast. The virtual liver is smooth; real livers have texture, and a
# network trained on smooth ones would iron it out. Discuss why our figures are therefore flattering.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Noise grows by 1/√dose; with few photons, streaks come on top.
# - DnCNN learns the noise from pairs. CycleGAN needs no pairs, learns more slowly and promises less.
# - AdaIN switches one generator between two directions, and can stop between.
# - PSNR and SSIM reward calm images. Look at the NPS too.
# - Less noise is not more information. Test the lesion that matters, with an interval.
# - Split by patient. Train on what you will meet.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, Beyond a Gaussian denoiser: residual learning of
#   deep CNN for image denoising, *IEEE Trans. Image Process.* 26, 2017, 3142.
# - J. Gu, J. C. Ye, AdaIN-based tunable CycleGAN for efficient unsupervised low-dose CT denoising,
#   *IEEE Trans. Comput. Imaging* 7, 2021, 73; arXiv:2008.05753.
# - J.-Y. Zhu, T. Park, P. Isola, A. A. Efros, arXiv:1703.10593 (CycleGAN). X. Huang, S. Belongie,
#   arXiv:1703.06868 (AdaIN).
# - ICRU Report 87, Radiation dose and image-quality assessment in computed tomography, 2012.
# - B. D. Gallas, H. H. Barrett, Validating the use of channels to estimate the ideal linear
#   observer, *J. Opt. Soc. Am. A* 20, 2003, 1725.

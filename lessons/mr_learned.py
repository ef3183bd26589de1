# %% [markdown] tags=["slide"]
# ## What if the computer has seen a thousand heads?
#
# Coils know *where* they listen. Sparsity knows that pictures are *simple*. A network can know more:
# what heads *look like*. That is powerful. It is also dangerous: it may draw what it expects.
#
# Three ways to use a network in MR reconstruction:
#
# 1. **Clean up** a bad picture (residual network).
# 2. **Replace** the Fourier transform (AUTOMAP).
# 3. **Unroll** an iterative method and learn its steps (cascade, variational network).
#
# Then three older troubles: motion, noise, thick slices. For each: a classical way, and a learned one.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from course_lib.data.mr_pairs import FOV_MM, cohort_images, exact_images, exact_scan, scans
from course_lib.imaging.mr.compressed import fista
from course_lib.imaging.mr.encoding import Encoding, single_coil
from course_lib.imaging.mr.fourier import to_image, to_kspace
from course_lib.imaging.mr.noise import nrmse
from course_lib.imaging.mr.sparsity import Wavelets
from course_lib.learning.pairs import PairLoss, Pairs
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.cascade import cascade
from course_lib.models.counting import count_parameters
from course_lib.models.data_consistency import as_channels, as_complex
from course_lib.models.dncnn import DnCNN
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["instructor"]
# Everything trains in the lesson, about a minute and a half in all. Start the run at the beginning and talk
# meanwhile. Parts 1 to 3 and 6 are the core (three exercises: keep_the_measured, lesion_kept, invisible_change);
# 4 and 5, 7, 8 and 9 can each be left out. Typical mistake: students compare networks on the images
# they trained on. Ask: "Which heads were in the exam?"

# %% [markdown] tags=["slide"]
# ## 1 A school for networks
#
# - Thirty virtual heads, ten slices each, T2 weighted, all healthy. 64 pixels: small, so that training
#   takes seconds.
# - A third of k-space is measured, points by chance, as a 3-D scan can.
# - Judged on **other** heads, whose k-space is integrated over solids: no [[inverse crime]].

# %%
torch.set_num_threads(1)  # so small are these networks that a second thread mostly waits
N, FACTOR, NOISE = 64, 3, 0.005
school = cohort_images(range(1000, 1030), ("T2",), slices=10)
exam = exact_images(range(8), "T2")


def scanned(images, seed, factor=FACTOR):
    """Measured k-space, masks and targets; the picture's maximum is 1."""
    return scans(images, factor, NOISE, acs=12, seed=seed, points=True)


train, watch, test = scanned(school[:270], 1), scanned(school[270::3], 2), scanned(exam, 3)
print("to learn from:", tuple(train.measured.shape), " to judge on:", tuple(test.measured.shape))

# %% tags=["slide"]
patterns = [test.mask[0], test.zero_filled[0].abs(), test.target[0].abs()]
fig = films(patterns, ["measured points", "zeros for the rest", "all points (truth)"], columns=3, width=8)
show(fig, alt="A random pattern dense in the middle; a hazy head; the sharp head")

# %% [markdown]
# How good is a picture? We use three numbers, all on magnitude images with a maximum of 1:
# the relative error (NRMSE, lower is better), [[PSNR]] in dB and [[SSIM]] (both: higher is better).
# None of them knows what a lesion is. Remember that until part 5.

# %%
def grade(images, truths):
    """Mean NRMSE, PSNR (dB) and SSIM of magnitude images (cases, n, n)."""
    rows = []
    for image, truth in zip(np.abs(images), np.abs(truths), strict=True):
        rows.append((
            nrmse(image, truth),
            peak_signal_noise_ratio(truth, image, data_range=1),
            structural_similarity(truth, image, data_range=1),
        ))
    return np.mean(rows, axis=0)


def by_fista(case):
    """Compressed sensing of every case with wavelets, the strongest rival that never went to school."""
    return np.stack([
        fista(y[None], single_coil(m), Wavelets((N, N), levels=3), 0.002, 60)
        for y, m in zip(case.measured.numpy(), case.mask.numpy(), strict=True)
    ])


truth = test.target.numpy()
pictures = {"zero filled": test.zero_filled.numpy(), "FISTA": by_fista(test)}
for name, images in pictures.items():
    print(f"{name}: error {grade(images, truth)[0]:.2g}")

# %% [markdown] tags=["slide"]
# ## 2 Clean up: a residual network
#
# - Input: the hazy picture. Output: what is wrong with it. The difference is the answer.
# - Learning the *error* is easier than learning the *head* (residual learning).
# - Ours is a small DnCNN: 3 x 3 convolutions, two channels (real and imaginary part).

# %% tags=["varies"]
def cleaning_pairs(case):
    return Pairs(as_channels(case.zero_filled), as_channels(case.target))


torch.manual_seed(0)
cleaner = DnCNN(channels=2, depth=6, width=24)
plan = Plan(epochs=6, batch_size=8, learning_rate=2e-3)
history = fit(cleaner, cleaning_pairs(train), cleaning_pairs(watch), PairLoss("l1"), plan)


def clean(case):
    """(cases, n, n) complex images from the residual network."""
    with torch.no_grad():
        return as_complex(cleaner.eval()(as_channels(case.zero_filled))).numpy()


pictures["residual CNN"] = clean(test)
print(f"weights: {count_parameters(cleaner)}, error: {grade(pictures['residual CNN'], truth)[0]:.2f}")

# %%
zero_error, cnn_error = (grade(pictures[name], truth)[0] for name in ("zero filled", "residual CNN"))
claim("The residual network lowers the error of zero filling", cnn_error < 0.97 * zero_error)

# %% [markdown] tags=["slide"]
# ### Did the network contradict the scanner?
#
# We know a third of k-space: it was **measured**. The network saw only the picture. Nothing forces its
# answer to agree with the measurement. Does it?

# %%
def contradiction(images, case):
    """How much of the measured samples' size the images' own samples differ from them."""
    mask = case.mask.numpy().astype(bool)
    own, measured = to_kspace(images)[mask], case.measured.numpy()[mask]
    return np.linalg.norm(own - measured) / np.linalg.norm(measured)


claim("The clean picture contradicts its own data",
      contradiction(pictures["residual CNN"], test) > 2 * contradiction(truth, test))

# %% [markdown] tags=["exercise"] exercise="keep_the_measured"
# ### Exercise: mend it, keep what was measured
#
# Write [[data consistency]]: transform the network's image to k-space, put the measured samples back in
# their places, and return the image. `measured` is 0 where `mask` is 0. Use `to_kspace` and `to_image`.

# %% tags=["stub"] exercise="keep_the_measured"
def keep_measured(image, measured, mask):
    """(n, n) complex image that agrees with the measurement."""
    return ...

# %% tags=["check"] exercise="keep_the_measured"
check("keep_the_measured", keep_measured)

# %% [markdown] tags=["hint"] exercise="keep_the_measured"
# There are two kinds of samples: those we know, and those that only the network can tell.

# %% [markdown] tags=["hint"] exercise="keep_the_measured"
# The network's samples are `to_kspace(image)`. Keep them where the mask is 0.

# %% [markdown] tags=["hint"] exercise="keep_the_measured"
# `to_image(measured + (1 - mask) * to_kspace(image))`

# %% tags=["solution"] exercise="keep_the_measured"
def keep_measured(image, measured, mask):
    """(n, n) complex image that agrees with the measurement."""
    own = to_kspace(image)
    return to_image(measured + (1 - mask) * own)  # known samples are known; the rest is believed

# %% tags=["equivalent"] exercise="keep_the_measured"
def keep_measured(image, measured, mask):
    return to_image(np.where(mask > 0, measured, to_kspace(image)))

# %% tags=["equivalent"] exercise="keep_the_measured"
def keep_measured(image, measured, mask):
    return image - to_image(mask * to_kspace(image) - measured)

# %% tags=["wrong"] exercise="keep_the_measured" says="counted twice"
def keep_measured(image, measured, mask):
    return to_image(measured + to_kspace(image))

# %% tags=["wrong"] exercise="keep_the_measured" says="the wrong way round"
def keep_measured(image, measured, mask):
    return to_image(measured * (1 - mask) + mask * to_kspace(image))

# %% tags=["wrong"] exercise="keep_the_measured" says="return the image"
def keep_measured(image, measured, mask):
    return measured + (1 - mask) * to_kspace(image)

# %% tags=["wrong"] exercise="keep_the_measured" says="throws the network"
def keep_measured(image, measured, mask):
    return to_image(measured)

# %% tags=["wrong"] exercise="keep_the_measured" says="average"
def keep_measured(image, measured, mask):
    return to_image(0.5 * (measured + mask * to_kspace(image)) + (1 - mask) * to_kspace(image))

# %% tags=["checker"] exercise="keep_the_measured"
def checker(keep_measured):
    rng = np.random.default_rng(0)
    image, other = rng.normal(size=(2, 8, 8)) + 1j * rng.normal(size=(2, 8, 8))
    mask = (rng.random((8, 8)) < 0.5).astype(float)
    measured = mask * to_kspace(other)
    got = keep_measured(image.copy(), measured.copy(), mask.copy())
    require(np.shape(got) == (8, 8), "The result has the same shape as the image.")
    own = to_kspace(image)
    right = measured + (1 - mask) * own
    for wrong, message in (
        (to_image(measured + own), "The measured places are counted twice: leave the network's samples out there."),
        (to_image(mask * own), "The mask is used the wrong way round: it is 1 where something was measured."),
        (right, "That is k-space: go back and return the image."),
        (to_image(measured), "That is zero filling; it throws the network's answer away."),
        (to_image(right - 0.5 * (measured - mask * own)), "An average still contradicts the data. Put the measured ones in fully."),
        (image, "The image comes back unchanged."),
    ):
        require(not np.allclose(got, wrong, atol=1e-6), message)
    require(np.allclose(got, to_image(right), atol=1e-6), "Compare k-space of your image with `measured`, place by place.")

# %%
def kept(images, case):
    """Data consistency after a network (for the noise we have, measured samples are kept as they are)."""
    mask = case.mask.numpy()
    return to_image(case.measured.numpy() + (1 - mask) * to_kspace(images))


pictures["CNN + data"] = kept(pictures["residual CNN"], test)
mended_error = grade(pictures["CNN + data"], truth)[0]
claim("Putting the data back lowers the error again, for free", mended_error < cnn_error)

# %% [markdown] tags=["slide"]
# ## 3 Unroll: clean, put back, clean, put back
#
# - One network and one data step is good. Several in a row, **trained together**, are better.
# - This is the [[cascade]] (Schlemper 2018; D5-C5: five networks of five layers, 565,770 weights).
# - It has the form of ISTA from the last lesson: a data step, then a step towards "looks like a head".
#   Only the second step is learned now.

# %% tags=["varies"]
def cascade_pairs(case):
    return Pairs(case.measured, case.target, mask=case.mask)


torch.manual_seed(0)
unrolled = cascade("laptop")
plan = Plan(epochs=8, batch_size=4, learning_rate=3e-3)
history = fit(unrolled, cascade_pairs(train), cascade_pairs(watch), PairLoss("l1", ("mask",)), plan)


def unroll(case):
    """(cases, n, n) complex images from the cascade."""
    with torch.no_grad():
        return unrolled.eval()(case.measured, case.mask).numpy()


pictures["cascade"] = unroll(test)
print("as published:", count_parameters(cascade("paper")), "ours:", count_parameters(unrolled))

# %% tags=["varies"]
for name, images in pictures.items():
    error, psnr, ssim = grade(images, truth)
    print(f"{name:13s} NRMSE {error:.3f}   PSNR {psnr:.1f} dB   SSIM {ssim:.3f}")

# %% tags=["slide", "varies"]
head = (slice(4, 60), slice(10, 54))
names = ["zero filled", "FISTA", "residual CNN", "cascade"]
fig, axes = plt.subplots(2, 4, figsize=(10, 6.3))
for column, name in enumerate(names):
    error = grade(pictures[name], truth)[0]
    film(axes[0, column], np.abs(pictures[name][0])[head], f"{name}: {error:.0%}", vmin=0, vmax=0.9)
    wrong = np.abs(np.abs(pictures[name][0]) - np.abs(truth[0]))
    film(axes[1, column], wrong[head], "error x 3", vmin=0, vmax=0.3)
show(fig, alt="Four reconstructions and their errors: zero filling is hazy, the cascade is the cleanest")

# %%
cascade_error = grade(pictures["cascade"], truth)[0]
fista_error = grade(pictures["FISTA"], truth)[0]
claim("The cascade is better than cleaning up alone", cascade_error < 0.95 * cnn_error)
claim("It keeps every measured sample", contradiction(pictures["cascade"], test) < 1e-3)

# %% [markdown]
# ### And the time?
#
# Training costs once. After that a network needs one pass, where FISTA needs 60 steps.

# %% tags=["varies"]
def seconds_per_image(method):
    start = time.process_time()
    method(test)
    return (time.process_time() - start) / len(test)


times = {name: seconds_per_image(m) for name, m in (("FISTA", by_fista), ("CNN", clean), ("cascade", unroll))}
print({name: f"{1000 * s:.0f} ms" for name, s in times.items()})
claim("The cascade is faster than FISTA", times["cascade"] < times["FISTA"])

# %% [markdown] tags=["slide"]
# ## 4 Replace: AUTOMAP learns the Fourier transform itself
#
# - [[AUTOMAP]] (Zhu 2018): two fully connected layers from all samples to all pixels, then convolutions.
# - Nobody tells it about Fourier. It could learn any encoding: crooked gradients, spirals.
# - Very fast to run. But every pixel is joined to every sample, and that has a price.

# %% [markdown] tags=["exercise"] exercise="automap_memory"
# ### Exercise: predict the price
#
# For n x n pixels, layer 1 joins **two** numbers per sample (real, imaginary) with n² nodes; layer 2
# joins n² nodes with n² nodes. Leave the biases out. One weight takes 4 bytes. Write `gigabytes(n)`
# (1 GB = 10⁹ bytes). Before you run it, guess: how many times more for 512 than for 128?

# %% tags=["stub"] exercise="automap_memory"
def gigabytes(n):
    """Memory of the weights of both full layers in GB."""
    return ...

# %% tags=["check"] exercise="automap_memory"
check("automap_memory", gigabytes)

# %% [markdown] tags=["hint"] exercise="automap_memory"
# A full layer from a to b numbers has a times b weights.

# %% [markdown] tags=["hint"] exercise="automap_memory"
# Layer 1: $2n^2 \cdot n^2$. Layer 2: $n^2 \cdot n^2$.

# %% [markdown] tags=["hint"] exercise="automap_memory"
# Together $3 n^4$ weights of 4 bytes; divide by `1e9`.

# %% tags=["solution"] exercise="automap_memory"
def gigabytes(n):
    """Memory of the weights of both full layers in GB."""
    return 4 * 3 * n**4 / 1e9  # the fourth power: double the side, sixteen times the memory

# %% tags=["equivalent"] exercise="automap_memory"
def gigabytes(n):
    pixels = n * n
    return (2 * pixels * pixels + pixels * pixels) * 4e-9

# %% tags=["wrong"] exercise="automap_memory" says="second power"
def gigabytes(n):
    return 4 * 3 * n**2 / 1e9

# %% tags=["wrong"] exercise="automap_memory" says="real and imaginary"
def gigabytes(n):
    return 4 * 2 * n**4 / 1e9

# %% tags=["wrong"] exercise="automap_memory" says="bytes"
def gigabytes(n):
    return 3 * n**4 / 1e9

# %% tags=["wrong"] exercise="automap_memory" says="second layer"
def gigabytes(n):
    return 4 * 2 * n**4 / 1e9 + 4 * n**2 / 1e9

# %% tags=["wrong"] exercise="automap_memory" says="10⁹"
def gigabytes(n):
    return 4 * 3 * n**4 / 1e6

# %% tags=["wrong"] exercise="automap_memory" says="10⁹"
def gigabytes(n):
    return 4 * 3 * n**4 / 2**30

# %% tags=["wrong"] exercise="automap_memory" says="in layer 1 only"
def gigabytes(n):
    return 4 * 4 * n**4 / 1e9

# %% tags=["checker"] exercise="automap_memory"
def checker(gigabytes):
    got = gigabytes(128)
    exact = 12 * 128**4 / 1e9
    for factor, message in (
        (1 / 128**2, "That grows with the second power; every sample is joined with every pixel."),
        (2 / 3, "Samples are complex: count real and imaginary part, in layer 1 only."),
        (1 / 4, "Those are weights; each takes 4 bytes."),
        (1000, "One GB is 10⁹ bytes."),
        (1e9 / 2**30, "Here one GB is 10⁹ bytes, not 2³⁰."),
        (4 / 3, "Samples are complex: count real and imaginary part, in layer 1 only."),
    ):
        require(abs(got / (exact * factor) - 1) > 1e-9, message)
    require(not 0.6 < got / exact < 0.7, "In the second layer, every node is joined with every node.")
    close(got, exact, "For 128 x 128 pixels:")
    close(gigabytes(512), 12 * 512**4 / 1e9, "For 512 x 512 pixels:")

# %%
from course_lib.models.automap import Automap, full_weights

sizes = np.array([32, 64, 128, 256, 512])
memory = np.array([4 * full_weights(int(n)) / 1e9 for n in sizes])
fig, ax = plt.subplots(figsize=(6, 2.8))
ax.loglog(sizes, memory, marker="o")
ax.axhline(24, color=COLOURS[1], linestyle="--")
ax.text(33, 30, "a graphics card of 24 GB", color=COLOURS[1])
ax.set(xlabel="side of the image (pixels)", ylabel="weights (GB)", xticks=sizes, xticklabels=sizes)
ax.minorticks_off()
show(fig, alt="Memory rises with the fourth power of the side and passes 24 GB between 128 and 256 pixels")

# %%
print(f"128 pixels, as published: {full_weights(128):,} weights in two layers")
claim("Four times the side needs 256 times the memory", abs(memory[-1] / memory[2] - 256) < 0.1)
claim("A 512 x 512 AUTOMAP does not fit into 24 GB", memory[-1] > 24)

# %% [markdown]
# So ours is small: 32 x 32 pixels, everything measured, on heads shifted and mirrored at random. It has
# one thing to learn: the inverse Fourier transform. (An exact one needs one line: `to_image`.)

# %%
def small_heads(seeds, seed):
    """(cases, 32, 32) heads of other people, each also mirrored, all moved a little; maximum 1."""
    rng = np.random.default_rng(seed)
    heads = np.abs(cohort_images(seeds, ("T2",), slices=12, size=32))
    heads = heads / heads.max((1, 2), keepdims=True)
    heads = np.concatenate([heads, heads[:, :, ::-1]])
    return np.stack([np.roll(image, rng.integers(-2, 3, 2), (0, 1)) for image in heads])


def automap_pairs(images):
    images = torch.from_numpy(images.astype(np.float32))
    return Pairs(to_kspace(images.to(torch.complex64)), images)


# %% tags=["varies"]
torch.manual_seed(0)
automap = Automap(side=32, width=16)
plan = Plan(epochs=12, batch_size=32, learning_rate=1e-3)
school_32, watch_32 = small_heads(range(2000, 2044), 0), small_heads(range(2050, 2052), 1)
history = fit(automap, automap_pairs(school_32), automap_pairs(watch_32), PairLoss(), plan)

# %% [markdown]
# Now three things it has never seen: a new head, a head with a bright square outside the brain's usual
# grey values, and no head at all: one ring.

# %%
y, x = np.mgrid[-15.5:16, -15.5:16]
new_head = np.abs(exact_images((0,), "T2", size=32))[0]
new_head /= new_head.max()
ring = np.where(np.abs(np.hypot(x + 4, y) - 6) < 1.5, 0.8, 0.0)
square = new_head.copy()
square[14:19, 8:13] = 0.9
strangers = {"new head": new_head, "head + square": square, "a ring": ring}
with torch.no_grad():
    inputs = to_kspace(torch.from_numpy(np.stack(list(strangers.values())).astype(np.complex64)))
    seen = automap.eval()(inputs).numpy()
automap_errors = [nrmse(got, wanted) for got, wanted in zip(seen, strangers.values(), strict=True)]

# %% tags=["slide", "varies"]
fig, axes = plt.subplots(2, 3, figsize=(7.5, 5.4))
for column, (name, wanted) in enumerate(strangers.items()):
    film(axes[0, column], wanted, name, vmin=0, vmax=1)
    film(axes[1, column], seen[column], f"AUTOMAP: error {automap_errors[column]:.0%}", vmin=0, vmax=1)
show(fig, alt="Above what was scanned, below what AUTOMAP made of it; the ring comes out worst")

# %%
claim("What is unlike the school is reconstructed worse", automap_errors[2] > 1.2 * automap_errors[0])
claim("The plain Fourier transform has no such favourites",
      nrmse(to_image(to_kspace(ring.astype(complex))), ring) < 1e-6)

# %% [markdown] tags=["instructor"]
# Students ask why anybody would do this. Answer: AUTOMAP also learns to *remove noise* and to correct
# for an encoding that no formula describes. The published net was trained on photographs, not on heads,
# to make it general. Short of time: skip the training, show the picture.

# %% [markdown] tags=["slide"]
# ## 5 Coils and learning: the variational network
#
# - Take the gradient descent that solves SENSE. After each step, let a learned filter bank correct.
# - $u \leftarrow u - \sum_i K_i^T \phi_i(K_i u) - \lambda E^H (E u - y)$: the [[variational network]]
#   (Hammernik 2018). Filters $K_i$, curves $\phi_i$ and λ are learned, 131,050 numbers as published.
# - It knows the coil maps and the mask. It does not have to learn physics.

# %%
from course_lib.imaging.mr.coils import head_coil
from course_lib.imaging.mr.noise import root_sum_of_squares
from course_lib.imaging.mr.sense import cg_sense
from course_lib.models.data_consistency import decode
from course_lib.models.variational_network import variational_network

maps = head_coil(4, FOV_MM).maps((N, N))
maps = maps / root_sum_of_squares(maps)


def coil_scans(images, seed):
    """Every image heard by four coils; a quarter of the lines."""
    return scans(images, 4, 0.02, acs=8, seed=seed, maps=maps)


def coil_pairs(case):
    heard = torch.from_numpy(maps.astype(np.complex64)).expand(len(case), -1, -1, -1)
    return Pairs(case.measured, case.target, maps=heard, mask=case.mask)


coil_train, coil_watch = coil_scans(school[:270:2], 4), coil_scans(school[270::5], 5)
coil_test = coil_scans(exam, 6)

# %% tags=["varies"]
torch.manual_seed(0)
variational = variational_network("laptop")
plan = Plan(epochs=8, batch_size=4, learning_rate=5e-3)
history = fit(variational, coil_pairs(coil_train), coil_pairs(coil_watch), PairLoss("l1", ("maps", "mask")), plan)
print("as published:", count_parameters(variational_network("paper")), "ours:", count_parameters(variational))

# %%
def by_sense(case, iterations=4):
    """CG-SENSE of every case, stopped early: with this noise, 4 steps give the lowest error."""
    return np.stack([
        cg_sense(y, Encoding(maps, m), iterations)
        for y, m in zip(case.measured.numpy(), case.mask.numpy(), strict=True)
    ])


def by_wavelets(case):
    """Coils and sparse wavelets together."""
    return np.stack([
        fista(y, Encoding(maps, m), Wavelets((N, N), levels=3), 0.005, 40)
        for y, m in zip(case.measured.numpy(), case.mask.numpy(), strict=True)
    ])


# %%
arrays = coil_pairs(coil_test).arrays
with torch.no_grad():
    learned = variational(arrays["input"], arrays["maps"], arrays["mask"]).numpy()
zeros = decode(arrays["input"], arrays["maps"], arrays["mask"]).numpy()
coil_pictures = {
    "zeros": zeros, "CG-SENSE": by_sense(coil_test), "coils + wavelets": by_wavelets(coil_test),
    "variational": learned,
}
coil_truth = coil_test.target.numpy()
coil_errors = {name: grade(images, coil_truth)[0] for name, images in coil_pictures.items()}

# %% tags=["slide", "varies"]
titles = [f"{name}: {coil_errors[name]:.0%}" for name in coil_pictures]
fig = films([np.abs(p[1])[head] for p in coil_pictures.values()], titles, vmin=0, vmax=0.9)
show(fig, alt="A quarter of the lines, four coils: CG-SENSE is noisy, the variational network cleaner")

# %%
claim("The variational network beats CG-SENSE with the same samples",
      coil_errors["variational"] < 0.93 * coil_errors["CG-SENSE"])

# %% [markdown]
# Coils with wavelets, without any school, come about as far as our tiny variational network (5 steps, 12
# filters, a few seconds of training). The published one is thirty times larger and
# learned from knees of real patients. A fair comparison always includes the best method that does **not** learn.

# %% [markdown] tags=["slide"]
# ### A school of one: learn from the scan itself
#
# - GRAPPA fills missing lines with a linear kernel, learned from the scan's own centre.
# - [[RAKI]] puts a small network in the kernel's place, **in k-space**, with the same teacher: no other
#   patient. Ours keeps the linear kernel beside the network, as the later *residual* RAKI does.
# - It cannot invent from other heads. But 24 lines are a short school, and it must go there for every scan.

# %% tags=["varies"]
from course_lib.imaging.mr.grappa import calibrate
from course_lib.imaging.mr.grappa import fill as grappa_fill
from course_lib.imaging.mr.noise import add_noise
from course_lib.imaging.mr.sampling import every
from course_lib.models.raki import Raki, examples
from course_lib.models.raki import fill as raki_fill

own = exam[3] / np.abs(exam[3]).max()
lines = every((N, N), 2, acs=24)
heard = add_noise(to_kspace(own * maps), 0.005, seed=7, mask=lines)
scale = np.abs(heard).max()
signal = torch.from_numpy(heard / scale)
pairs = Pairs(*examples(signal[:, 20:44], factor=2))
torch.manual_seed(0)
scan_net = Raki(coils=4, factor=2)
history = fit(scan_net, pairs, pairs, PairLoss(), Plan(epochs=600, batch_size=2, learning_rate=1e-2))

# %%
filled = {
    "zeros": heard,
    "GRAPPA": grappa_fill(heard, calibrate(heard[:, 20:44], 2)),
    "RAKI": raki_fill(signal, scan_net).numpy() * scale,
}
own_errors = {name: nrmse(root_sum_of_squares(to_image(k)), np.abs(own)) for name, k in filled.items()}

# %% tags=["varies"]
print({name: f"{error:.0%}" for name, error in own_errors.items()})
claim("RAKI fills most of what was missing", own_errors["RAKI"] < 0.6 * own_errors["zeros"])

# %% [markdown]
# Here the linear kernel is as good: little data, little noise. RAKI's authors report gains at high
# acceleration, where GRAPPA amplifies noise.

# %% [markdown] tags=["slide"]
# ## 6 Break it: what was never seen
#
# Our cascade went to school with healthy, T2-weighted heads, and a third of the points. Now it gets:
#
# - another [[contrast]] (T1),
# - half as many points (one sixth instead of one third),
# - a tumour and a small spot in the white matter. No head at school had either.

# %%
from course_lib.patient.brain_lesions import tumour
from course_lib.patient.head import head_parts
from course_lib.patient.solids import ellipsoids

TUMOUR = tumour(radius_mm=9.0, centre_mm=(28.0, 14.0, 20.0))
SPOT = ("spot", "white_matter_lesion", ellipsoids((-27.0, -8.0, 20.0), (4.0, 4.0, 6.0)))
sick_head = head_parts(3, lesions=(TUMOUR, SPOT))
sick = exact_scan(sick_head, 20.0, "T2", seed=3)[None]
strange = {
    "as at school": test,
    "T1": scanned(exact_images(range(4), "T1"), 11),
    "1/6 of the points": scanned(exam[:4], 12, factor=6),
    "lesions": scanned(sick, 13),
}
methods = {"FISTA": by_fista, "CNN": clean, "CNN + data": lambda case: kept(clean(case), case), "cascade": unroll}
gain = {}
for case_name, case in strange.items():
    start = grade(case.zero_filled.numpy(), case.target.numpy())[0]
    gain[case_name] = [grade(m(case), case.target.numpy())[0] / start for m in methods.values()]

# %% tags=["slide", "varies"]
fig, ax = plt.subplots(figsize=(8, 3))
for index, name in enumerate(methods):
    places = np.arange(len(gain)) + 0.2 * (index - 1.5)
    ax.bar(places, [values[index] for values in gain.values()], 0.18, label=name, color=COLOURS[index])
ax.axhline(1, color="black", linewidth=0.8)
ax.set(ylabel="error / zero filling", xticks=range(len(gain)), xticklabels=gain, ylim=(0, 1.3))
ax.legend(ncols=4, fontsize=9)
show(fig, alt="Bars of the error relative to zero filling for four methods and four situations")

# %%
lead = {name: values[3] / values[0] for name, values in gain.items()}  # cascade against FISTA
claim("Where it went to school, the cascade is well ahead of FISTA", lead["as at school"] < 0.92)
claim("On another contrast its lead is smaller", lead["T1"] > 1.05 * lead["as at school"])
claim("Data consistency helps in every situation", all(g[2] < g[1] for g in gain.values()))

# %% [markdown] tags=["exercise"] exercise="lesion_kept"
# ### Exercise: measure the tumour, not the mean
#
# An error over the whole head says little about one lesion. Write `contrast_kept(picture, truth, lesion,
# around)`: the mean inside `lesion` minus the mean in `around` (boolean masks), divided by the same
# difference in the truth. 1: all there. 0: wiped out. Above 1: exaggerated.

# %% tags=["stub"] exercise="lesion_kept"
def contrast_kept(picture, truth, lesion, around):
    """Share of a lesion's contrast that a picture shows."""
    return ...

# %% tags=["check"] exercise="lesion_kept"
check("lesion_kept", contrast_kept)

# %% [markdown] tags=["hint"] exercise="lesion_kept"
# `picture[lesion]` are the pixels of the lesion.

# %% [markdown] tags=["hint"] exercise="lesion_kept"
# Contrast of one image: `image[lesion].mean() - image[around].mean()`. You need it twice.

# %% [markdown] tags=["hint"] exercise="lesion_kept"
# Divide the picture's contrast by the truth's.

# %% tags=["solution"] exercise="lesion_kept"
def contrast_kept(picture, truth, lesion, around):
    """Share of a lesion's contrast that a picture shows."""
    def contrast(image):
        return image[lesion].mean() - image[around].mean()
    return contrast(picture) / contrast(truth)  # against the surroundings: brightness alone is no lesion

# %% tags=["equivalent"] exercise="lesion_kept"
def contrast_kept(picture, truth, lesion, around):
    shown = np.average(picture, weights=lesion) - np.average(picture, weights=around)
    return shown / (np.average(truth, weights=lesion) - np.average(truth, weights=around))

# %% tags=["wrong"] exercise="lesion_kept" says="surroundings"
def contrast_kept(picture, truth, lesion, around):
    return picture[lesion].mean() / truth[lesion].mean()

# %% tags=["wrong"] exercise="lesion_kept" says="upside down"
def contrast_kept(picture, truth, lesion, around):
    return (truth[lesion].mean() - truth[around].mean()) / (picture[lesion].mean() - picture[around].mean())

# %% tags=["wrong"] exercise="lesion_kept" says="not the ratio"
def contrast_kept(picture, truth, lesion, around):
    return picture[lesion].mean() / picture[around].mean() / (truth[lesion].mean() / truth[around].mean())

# %% tags=["wrong"] exercise="lesion_kept" says="sum"
def contrast_kept(picture, truth, lesion, around):
    return (picture[lesion].sum() - picture[around].sum()) / (truth[lesion].sum() - truth[around].sum())

# %% tags=["wrong"] exercise="lesion_kept" says="difference"
def contrast_kept(picture, truth, lesion, around):
    return picture[lesion].mean() - picture[around].mean()

# %% tags=["checker"] exercise="lesion_kept"
def checker(contrast_kept):
    rng = np.random.default_rng(0)
    truth, picture = rng.random((2, 12, 12))
    lesion, around = np.zeros((2, 12, 12), bool)
    lesion[4:7, 4:7], around[2:10, 2:10] = True, True
    around[4:7, 4:7] = False
    truth[lesion] += 1.0
    picture[lesion] += 0.5
    got = contrast_kept(picture, truth, lesion, around)

    def contrast(image, how=np.mean):
        return how(image[lesion]) - how(image[around])

    right = contrast(picture) / contrast(truth)
    for wrong, message in (
        (picture[lesion].mean() / truth[lesion].mean(), "Compare with the surroundings: a brighter picture is not a lesion."),
        (picture[lesion].mean() / picture[around].mean() / (truth[lesion].mean() / truth[around].mean()),
         "Contrast is here the difference of lesion and surroundings, not the ratio."),
        (1 / right, "That is upside down: divide by the truth's contrast."),
        (contrast(picture, np.sum) / contrast(truth, np.sum), "Use the mean, not the sum: the two regions differ in size."),
        (contrast(picture), "That is the picture's difference; divide it by the truth's."),
        (contrast(picture) - contrast(truth), "Divide by the truth's contrast instead of taking it off."),
    ):
        require(not np.isclose(got, wrong), message)
    close(got, right, "For a lesion that lost half its contrast:")

# %%
def regions(name, inner_mm, ring_mm):
    """A lesion's inside and a ring around it as boolean (n, n)."""
    axis = (np.arange(N) - (N - 1) / 2) * FOV_MM / N
    solid = next(part.geometry for part in sick_head if part.name == name).union
    away = np.hypot(axis[None, :] - solid.centre[0, 0], axis[:, None] - solid.centre[0, 1])
    return away < inner_mm, (away > ring_mm[0]) & (away < ring_mm[1])


places = {"tumour": regions("tumour", 8.0, (17.0, 24.0)), "spot": regions("spot", 4.0, (8.0, 13.0))}
full_picture = strange["lesions"].target[0].numpy()


def share(picture, name):
    """Contrast of a lesion in a picture against the truth's."""
    inside, around = places[name]
    shown, true = (
        np.abs(image)[inside].mean() - np.abs(image)[around].mean() for image in (picture, full_picture)
    )
    return shown / true


fewer = scanned(sick, 13, factor=6)
sick_pictures = {"truth": full_picture, **{name: methods[name](fewer)[0] for name in ("FISTA", "CNN", "cascade")}}

# %% [markdown]
# The hardest test: lesions **and** only a sixth of the points. How much is left of each lesion?
# (In the titles: tumour, spot.)

# %% tags=["slide", "varies"]
titles = [f"{name}: {share(p, 'tumour'):.0%}, {share(p, 'spot'):.0%}" for name, p in sick_pictures.items()]
fig = films([np.abs(p)[head] for p in sick_pictures.values()], titles, vmin=0, vmax=0.9)
show(fig, alt="The tumour and the small spot in the truth and in three reconstructions, with the shares "
     "of their contrast that are kept")

# %%
left_over = {name: min(share(sick_pictures[m], name) for m in ("FISTA", "CNN", "cascade")) for name in places}
claim("The tumour keeps most of its contrast in all three", left_over["tumour"] > 0.6)
claim("In the worst of the three pictures the small spot suffers more", left_over["spot"] < left_over["tumour"])

# %% [markdown]
# Contrast is half of the truth. The other half is the unrest around it: where the picture is blotchy, a spot
# that kept its contrast may be one blotch among many, and with another pattern of points the share would be
# another one. Part 7 of the lesson on low-dose CT showed the measure that joins both: an observer's AUC.

# %% [markdown] tags=["slide"]
# ### Can data consistency be fooled?
#
# It checks the points that were **measured**. What lives only in the points that were **not** measured,
# nobody checks. Such a change is *invisible* to the scanner: the data fit perfectly.

# %% [markdown] tags=["exercise"] exercise="invisible_change"
# ### Exercise: build a lie that the data cannot refute
#
# Somebody wants to remove a lesion: `change` is an image (negative in the lesion, 0 elsewhere). Write
# `invisible(change, mask)`: the part of this change that leaves every measured sample as it is.

# %% tags=["stub"] exercise="invisible_change"
def invisible(change, mask):
    """(n, n) complex image that the measurement cannot see."""
    return ...

# %% tags=["check"] exercise="invisible_change"
check("invisible_change", invisible)

# %% [markdown] tags=["hint"] exercise="invisible_change"
# Go to k-space. Which of the change's samples would be noticed?

# %% [markdown] tags=["hint"] exercise="invisible_change"
# Set the samples where `mask` is 1 to zero, and go back.

# %% [markdown] tags=["hint"] exercise="invisible_change"
# `to_image((1 - mask) * to_kspace(change))`

# %% tags=["solution"] exercise="invisible_change"
def invisible(change, mask):
    """(n, n) complex image that the measurement cannot see."""
    return to_image((1 - mask) * to_kspace(change))  # only what nobody measured

# %% tags=["equivalent"] exercise="invisible_change"
def invisible(change, mask):
    return change - to_image(mask * to_kspace(change))

# %% tags=["wrong"] exercise="invisible_change" says="every measured"
def invisible(change, mask):
    return to_image(mask * to_kspace(change))

# %% tags=["wrong"] exercise="invisible_change" says="k-space, not"
def invisible(change, mask):
    return change * (1 - mask)

# %% tags=["wrong"] exercise="invisible_change" says="go back"
def invisible(change, mask):
    return (1 - mask) * to_kspace(change)

# %% tags=["wrong"] exercise="invisible_change" says="complex"
def invisible(change, mask):
    return np.abs(to_image((1 - mask) * to_kspace(change)))

# %% tags=["checker"] exercise="invisible_change"
def checker(invisible):
    rng = np.random.default_rng(1)
    change = rng.normal(size=(8, 8)) + 0j
    mask = (rng.random((8, 8)) < 0.4).astype(float)
    got = invisible(change.copy(), mask.copy())
    require(np.shape(got) == (8, 8), "The result has the same shape as the change.")
    k = to_kspace(change)
    right = to_image((1 - mask) * k)
    for wrong, message in (
        (to_image(mask * k), "This is the other part: every measured sample would notice it."),
        (change * (1 - mask), "The mask belongs to k-space, not to the image."),
        ((1 - mask) * k, "That is still k-space: go back to the image."),
        (np.abs(right), "Keep it complex: the magnitude has other samples."),
        (change, "Nothing was taken off: the data would notice."),
    ):
        require(not np.allclose(got, wrong, atol=1e-8), message)
    require(np.allclose(got, right, atol=1e-6), "Its k-space must be 0 where the mask is 1, and unchanged elsewhere.")

# %%
def hidden(change, mask):
    """The part of a change that no measured sample sees."""
    return to_image((1 - mask) * to_kspace(change))


def lie(factor):
    """A picture without the small spot, as far as the data allow, and the scan it agrees with."""
    case = scans(sick, factor, 0.0, acs=8, seed=13, points=True)
    inside, around = places["spot"]
    size = np.abs(full_picture)
    height = (size[inside].mean() - size[around].mean()) * np.exp(1j * np.angle(full_picture))
    return full_picture - hidden(np.where(inside, height, 0), case.mask[0].numpy()), case


for factor in (3, 6, 12):
    print(f"1/{factor} of the points: contrast of the spot left {share(lie(factor)[0], 'spot'):.2g}")

# %%
(few, few_case), (many, _) = lie(12), lie(3)
claim("The forged picture agrees with every measured sample", contradiction(few[None], few_case) < 1e-5)
claim("Fewer samples leave more room for lies", share(few, "spot") < share(many, "spot"))

# %% [markdown] tags=["slide"]
# ### Play: how much can be hidden?

# %%
def draw_lie(acceleration):
    forged, case = lie(acceleration)
    fig, axes = plt.subplots(1, 3, figsize=(9, 3.6))
    film(axes[0], case.mask[0], f"measured: 1/{acceleration}", interpolation="nearest")
    film(axes[1], np.abs(full_picture)[head], "truth", vmin=0, vmax=0.9)
    film(axes[2], np.abs(forged)[head], f"lie: {share(forged, 'spot'):.0%} of the spot", vmin=0, vmax=0.9)
    return fig


explore(
    draw_lie,
    alt="Sampling pattern, true picture, and a picture without contradiction that hides the small spot",
    acceleration=(2, 14, 1, 8),
)

# %% [markdown] tags=["instructor"]
# Ask: "What would you demand of a vendor whose scanner reconstructs with a network?" Good answers: the
# fully sampled scan of a few patients for comparison, lesions smaller than those at school, other
# coils and contrasts, a data-consistency figure for each image, and a button that shows the picture without the
# network.

# %% [markdown] tags=["slide"]
# ## 7 Motion: k-space of several heads
#
# - A scan is filled in *shots*. If the patient moves between shots, their lines belong to different poses.
# - A shift multiplies k-space by a phase. A turn turns k-space, too.
# - The picture shows ghosts along the phase-encoding direction (here up and down).

# %% [markdown] tags=["exercise"] exercise="shifted_kspace"
# ### Exercise: shift a head without touching the image
#
# Write `shifted(kspace, down_mm, fov_mm)`: k-space of the same head, moved down by `down_mm`. Row r of n
# has the spatial frequency $k_y = (r - n/2) / \text{FOV}$, and a shift by d means the factor
# $e^{-2\pi i k_y d}$.

# %% tags=["stub"] exercise="shifted_kspace"
def shifted(kspace, down_mm, fov_mm):
    """(n, n) complex k-space of the head moved down."""
    return ...

# %% tags=["check"] exercise="shifted_kspace"
check("shifted_kspace", shifted)

# %% [markdown] tags=["hint"] exercise="shifted_kspace"
# One factor per row; the size of every sample stays.

# %% [markdown] tags=["hint"] exercise="shifted_kspace"
# `ky = (np.arange(n) - n // 2) / fov_mm`, with n the number of rows.

# %% [markdown] tags=["hint"] exercise="shifted_kspace"
# `kspace * np.exp(-2j * np.pi * ky * down_mm)[:, None]`

# %% tags=["solution"] exercise="shifted_kspace"
def shifted(kspace, down_mm, fov_mm):
    """(n, n) complex k-space of the head moved down."""
    n = len(kspace)
    ky = (np.arange(n) - n // 2) / fov_mm
    return kspace * np.exp(-2j * np.pi * ky * down_mm)[:, None]  # the same factor for all of a row

# %% tags=["equivalent"] exercise="shifted_kspace"
def shifted(kspace, down_mm, fov_mm):
    n = kspace.shape[0]
    angle = 2 * np.pi * np.fft.fftshift(np.fft.fftfreq(n, fov_mm / n)) * down_mm
    return (np.cos(angle) - 1j * np.sin(angle)).reshape(-1, 1) * kspace

# %% tags=["wrong"] exercise="shifted_kspace" says="up"
def shifted(kspace, down_mm, fov_mm):
    ky = (np.arange(len(kspace)) - len(kspace) // 2) / fov_mm
    return kspace * np.exp(2j * np.pi * ky * down_mm)[:, None]

# %% tags=["wrong"] exercise="shifted_kspace" says="sideways"
def shifted(kspace, down_mm, fov_mm):
    ky = (np.arange(len(kspace)) - len(kspace) // 2) / fov_mm
    return kspace * np.exp(-2j * np.pi * ky * down_mm)[None, :]

# %% tags=["wrong"] exercise="shifted_kspace" says="middle"
def shifted(kspace, down_mm, fov_mm):
    ky = np.arange(len(kspace)) / fov_mm
    return kspace * np.exp(-2j * np.pi * ky * down_mm)[:, None]

# %% tags=["wrong"] exercise="shifted_kspace" says="2π"
def shifted(kspace, down_mm, fov_mm):
    ky = (np.arange(len(kspace)) - len(kspace) // 2) / fov_mm
    return kspace * np.exp(-1j * ky * down_mm)[:, None]

# %% tags=["wrong"] exercise="shifted_kspace" says="millimetres"
def shifted(kspace, down_mm, fov_mm):
    ky = (np.arange(len(kspace)) - len(kspace) // 2) / len(kspace)
    return kspace * np.exp(-2j * np.pi * ky * down_mm)[:, None]

# %% tags=["wrong"] exercise="shifted_kspace" says="middle"
def shifted(kspace, down_mm, fov_mm):
    n = len(kspace)
    return kspace * np.exp(-2j * np.pi * np.fft.fftfreq(n, fov_mm / n) * down_mm)[:, None]

# %% tags=["checker"] exercise="shifted_kspace"
def checker(shifted):
    rng = np.random.default_rng(2)
    k = rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8))
    ky = (np.arange(8) - 4) / 200.0
    got = shifted(k.copy(), 7.0, 200.0)
    require(np.shape(got) == (8, 8), "The result has the shape of k-space.")
    turn = np.exp(-2j * np.pi * ky * 7.0)
    for wrong, message in (
        (k * turn.conj()[:, None], "The head went up: look at the sign."),
        (k * turn[None, :], "The head went sideways: the factor changes from row to row."),
        (k * np.exp(-2j * np.pi * np.arange(8) / 200 * 7)[:, None], "k = 0 lies in the middle row, not in the first."),
        (k * np.fft.ifftshift(turn)[:, None], "k = 0 lies in the middle row: shift the frequencies."),
        (k * np.exp(-1j * ky * 7.0)[:, None], "A 2π is missing: k counts periods, not radians."),
        (k * np.exp(-2j * np.pi * ky * 200 / 8 * 7.0)[:, None], "The shift is in millimetres: divide by the field of view."),
    ):
        require(not np.allclose(got, wrong), message)
    require(np.allclose(got, k * turn[:, None]), "Compare with the formula, row by row.")

# %%
from course_lib.imaging.mr.exact import BodySlice, kspace
from course_lib.imaging.mr.motion import STILL, moved_parts
from course_lib.imaging.mr.sequences import SpinEcho, weights

FIELD, LINES = 230.0, 96
tissues = {t for part in head_parts(3) for t in (part.tissue, part.displaces)}
t2 = weights(SpinEcho(tr_ms=4000, te_ms=90), tissues)


def head_in(pose):
    """Exact k-space of the head in a pose: the solids themselves are turned and shifted."""
    body = BodySlice(moved_parts(head_parts(3), pose), t2, 20.0, 2.0, lines_per_mm=2, sub_slices=2)
    return kspace(body, (LINES, LINES), FIELD)


# %%
from course_lib.imaging.mr.motion import moving_scan, random_poses, shots_of_rows

shots = shots_of_rows(LINES, 4)  # shot 1: lines 0, 4, 8, ...; shot 2: lines 1, 5, 9, ...
poses = random_poses(4, turn_deg=3.0, shift_mm=3.0, seed=1)
still = np.abs(to_image(head_in(STILL)))
moving = add_noise(moving_scan(head_in, poses, shots), 0.003, seed=1)
for number, pose in enumerate(poses, 1):
    moved = f"{pose.right_mm:.1f} mm right, {pose.down_mm:.1f} mm down"
    print(f"shot {number}: turned {pose.turn_deg:.1f} degrees, {moved}")

# %% [markdown] tags=["slide"]
# ### Three classical cures
#
# - **Prospective**: a navigator measures the pose, the scanner follows. It always comes one shot late.
# - **Retrospective, motion known**: find the *one* head that explains all shots (least squares).
# - **Retrospective, motion unknown** (*autofocus*): try poses until the picture has few, sharp edges.

# %%
from course_lib.imaging.mr.motion import autofocus, correct, residual_poses

following = moving_scan(head_in, residual_poses(poses), shots)
guessed = autofocus(moving, shots, FIELD)
cures = {
    "as measured": to_image(moving),
    "prospective": to_image(add_noise(following, 0.003, seed=1)),
    "known motion": correct(moving, poses, shots, FIELD),
    "autofocus": correct(moving, guessed, shots, FIELD),
}
cured = {name: nrmse(np.abs(image), still) for name, image in cures.items()}

# %% tags=["slide"]
near = (slice(5, 91), slice(14, 82))
titles = [f"{name}: {cured[name]:.0%}" for name in cures]
fig = films([np.abs(image)[near] for image in cures.values()], titles, vmin=0, vmax=0.55)
show(fig, alt="Ghosts over the head; fewer with prospective correction; none with known motion; some "
     "left after autofocus")

# %%
claim("Following the head one shot late leaves less than 70 % of the error",
      cured["prospective"] < 0.7 * cured["as measured"])
claim("With known motion less than a third is left", cured["known motion"] < cured["as measured"] / 3)
claim("Autofocus helps without knowing anything", cured["autofocus"] < 0.85 * cured["as measured"])
claim("but it does not find it all", cured["autofocus"] > 1.5 * cured["known motion"])

# %% [markdown]
# Autofocus found the shifts, but hardly the turns: compare `guessed` with `poses`. Small turns change
# the sharpness little, and each shot alone is a poor picture. Knowing the motion is worth a navigator.

# %% [markdown] tags=["slide"]
# ### The learned cure
#
# The same small residual network, now at school with ghosts: heads that moved by chance. It does not know
# the motion, and it does not have raw data.

# %% tags=["varies"]
def with_ghosts(images, seed):
    """Magnitude images (cases, 1, n, n) of heads that shifted in four shots, maximum about 1."""
    rng, rows = np.random.default_rng(seed), shots_of_rows(N, 4)
    ky = (np.arange(N) - N // 2) / FOV_MM
    down = rng.normal(0, 1.5, (len(images), 4))[:, rows]  # mm, for every row of every case
    ghosts = to_image(to_kspace(images) * np.exp(-2j * np.pi * ky * down)[:, :, None])
    return torch.from_numpy(np.abs(ghosts)[:, None].astype(np.float32))


def ghost_pairs(images, seed):
    images = images / np.abs(images).max((1, 2), keepdims=True)
    return Pairs(with_ghosts(images, seed), torch.from_numpy(np.abs(images)[:, None].astype(np.float32)))


torch.manual_seed(0)
deghoster = DnCNN(depth=6, width=16)
plan = Plan(epochs=6, batch_size=8, learning_rate=2e-3)
history = fit(deghoster, ghost_pairs(school[:270], 1), ghost_pairs(school[270::3], 2), PairLoss("l1"), plan)
ghosts = ghost_pairs(exam, 3).arrays
with torch.no_grad():
    calmed = deghoster.eval()(ghosts["input"])[:, 0].numpy()
quiet = ghosts["target"][:, 0].numpy()
before, after = grade(ghosts["input"][:, 0].numpy(), quiet)[0], grade(calmed, quiet)[0]
print(f"error with ghosts {before:.2f}, after the network {after:.2f}")

# %% tags=["slide", "varies"]
trio = {f"ghosts: {before:.0%}": ghosts["input"][2, 0], f"network: {after:.0%}": calmed[2], "still": quiet[2]}
fig = films([np.asarray(image)[head] for image in trio.values()], list(trio), columns=3, width=8, vmin=0, vmax=0.9)
show(fig, alt="A head with ghosts of motion, the same after the network, and the head that lay still")

# %%
claim("The network takes away some of the ghosts", after < 0.95 * before)
claim("but far less than knowing the motion does", after / before > cured["known motion"] / cured["as measured"])

# %% [markdown] tags=["slide"]
# ## 8 Noise: older than networks
#
# - A magnitude image is never negative: its noise is [[Rician|Rician noise]], and the dark is too bright.
# - Classical: non-local means (average patches that look alike), total variation. Learned: DnCNN.

# %% [markdown] tags=["exercise"] exercise="rician_floor"
# ### Exercise: lift the floor away
#
# The mean of the **square** of a Rician value is simple: $E[m^2] = A^2 + 2\sigma^2$, with A the true
# signal and σ the noise of real and imaginary part. Write `without_floor(m, sd)`: estimate A from a
# magnitude m (an array). Where it would be the root of a negative number, return 0.

# %% tags=["stub"] exercise="rician_floor"
def without_floor(m, sd):
    """Estimated signal, same shape as m."""
    return ...

# %% tags=["check"] exercise="rician_floor"
check("rician_floor", without_floor)

# %% [markdown] tags=["hint"] exercise="rician_floor"
# Solve $m^2 = A^2 + 2\sigma^2$ for A.

# %% [markdown] tags=["hint"] exercise="rician_floor"
# $A = \sqrt{m^2 - 2\sigma^2}$. What if m is very small?

# %% [markdown] tags=["hint"] exercise="rician_floor"
# `np.sqrt(np.maximum(m**2 - 2 * sd**2, 0))`

# %% tags=["solution"] exercise="rician_floor"
def without_floor(m, sd):
    """Estimated signal, same shape as m."""
    return np.sqrt(np.maximum(np.asarray(m) ** 2 - 2 * sd**2, 0))  # power adds up, not magnitude

# %% tags=["equivalent"] exercise="rician_floor"
def without_floor(m, sd):
    power = np.square(m) - 2 * sd * sd
    return np.where(power > 0, np.abs(power), 0) ** 0.5

# %% tags=["wrong"] exercise="rician_floor" says="power"
def without_floor(m, sd):
    return np.maximum(m - sd, 0)

# %% tags=["wrong"] exercise="rician_floor" says="two parts"
def without_floor(m, sd):
    return np.sqrt(np.maximum(m**2 - sd**2, 0))

# %% tags=["wrong"] exercise="rician_floor" says="power"
def without_floor(m, sd):
    return np.maximum(m - np.sqrt(2) * sd, 0)

# %% tags=["wrong"] exercise="rician_floor" says="σ²"
def without_floor(m, sd):
    return np.sqrt(np.maximum(m**2 - 2 * sd, 0))

# %% tags=["wrong"] exercise="rician_floor" says="negative"
def without_floor(m, sd):
    with np.errstate(invalid="ignore"):
        return np.sqrt(m**2 - 2 * sd**2)

# %% tags=["wrong"] exercise="rician_floor" says="root"
def without_floor(m, sd):
    return np.maximum(m**2 - 2 * sd**2, 0)

# %% tags=["checker"] exercise="rician_floor"
def checker(without_floor):
    m, sd = np.array([1.0, 0.5, 0.3]), 0.2
    got = without_floor(m.copy(), sd)
    require(np.shape(got) == (3,), "The result has the same shape as m.")
    for wrong, message in (
        (np.maximum(m - sd, 0), "Noise adds to the power (the square), not to the magnitude."),
        (np.maximum(m - np.sqrt(2) * sd, 0), "Noise adds to the power (the square), not to the magnitude."),
        (np.sqrt(np.maximum(m**2 - 2 * sd, 0)), "Look at the formula: it is σ², not σ."),
        (np.sqrt(m**2 - sd**2), "The noise has two parts, real and imaginary: σ² counts twice."),
        (m**2 - 2 * sd**2, "That is A²; take the root."),
    ):
        require(not np.allclose(got, wrong), message)
    require(np.allclose(got, np.sqrt(m**2 - 2 * sd**2)), "Solve the formula for A.")
    low = without_floor(np.array([0.1]), sd)
    require(np.isfinite(low).all() and low[0] == 0, "For a very small m the power is negative: return 0 there.")

# %%
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from course_lib.data.mr_pairs import rician

SD = 0.06
clean_heads = np.abs(exam) / np.abs(exam).max((1, 2), keepdims=True)
noisy_heads = rician(clean_heads, SD, seed=9)
floor = noisy_heads[:, :6, :6].mean()  # a corner of every picture
print(f"air should be 0; its mean is {floor:.2g}, expected sd sqrt(pi/2) = {SD * np.sqrt(np.pi / 2):.2g}")
claim("The floor is where theory says", abs(floor / (SD * np.sqrt(np.pi / 2)) - 1) < 0.05)

# %% tags=["varies"]
def noise_pairs(images, seed):
    images = np.abs(images) / np.abs(images).max((1, 2), keepdims=True)
    noisy, wanted = rician(images, SD, seed=seed), images.astype(np.float32)
    return Pairs(torch.from_numpy(noisy)[:, None], torch.from_numpy(wanted)[:, None])


torch.manual_seed(0)
denoiser = DnCNN(depth=5, width=16)
plan = Plan(epochs=6, batch_size=8, learning_rate=3e-3)
history = fit(denoiser, noise_pairs(school[:270], 1), noise_pairs(school[270::3], 2), PairLoss(), plan)
with torch.no_grad():
    by_network = denoiser.eval()(torch.from_numpy(noisy_heads)[:, None])[:, 0].numpy()

# %%
def lifted(images):
    """Take the noise floor off, as in the exercise: classical methods do not know that it is there."""
    return np.sqrt(np.maximum(np.square(images) - 2 * SD**2, 0))


smooth = [denoise_tv_chambolle(m, 0.03) for m in noisy_heads]
alike = [denoise_nl_means(m, patch_size=3, patch_distance=7, h=0.03, sigma=SD) for m in noisy_heads]
denoised = {
    "noisy": noisy_heads, "total variation": lifted(smooth), "non-local means": lifted(alike),
    "DnCNN": by_network,
}
noise_errors = {name: grade(images, clean_heads)[0] for name, images in denoised.items()}

# %% tags=["slide", "varies"]
titles = [f"{name}: {noise_errors[name]:.0%}" for name in denoised]
fig = films([p[0][head] for p in denoised.values()], titles, vmin=0, vmax=0.9)
show(fig, alt="A noisy head and three denoised ones; the network's is the cleanest and keeps the folds")

# %%
best = min(noise_errors["total variation"], noise_errors["non-local means"])
claim("On heads like those at school the network is better than both", noise_errors["DnCNN"] < best)

# %% [markdown] tags=["slide"]
# ## 9 Thin slices from thick: super-resolution
#
# - Slices of 7 mm, seen from the side: pixels three times too tall. Splines make it smooth, not sharp.
# - [[SRCNN]] (Dong 2015): enlarge first, then three convolutions: 9 x 9, 1 x 1, 5 x 5; 64 and 32 channels.

# %% [markdown] tags=["exercise"] exercise="srcnn_count"
# ### Exercise: count it, and audit the paper
#
# The paper says 8,032 parameters. PyTorch says 8,129. Write `parameters(bias)`: the number for one
# channel in and out, with or without one bias per output channel. Who is right?

# %% tags=["stub"] exercise="srcnn_count"
def parameters(bias):
    """Number of parameters of SRCNN 9-1-5; bias is True or False."""
    return ...

# %% tags=["check"] exercise="srcnn_count"
check("srcnn_count", parameters)

# %% [markdown] tags=["hint"] exercise="srcnn_count"
# A convolution has (side² x channels in) weights for each channel out.

# %% [markdown] tags=["hint"] exercise="srcnn_count"
# Three layers: 1 to 64 with side 9, 64 to 32 with side 1, 32 to 1 with side 5. Biases: 64 + 32 + 1.

# %% [markdown] tags=["hint"] exercise="srcnn_count"
# `81 * 64 + 64 * 32 + 25 * 32`, plus 97 if `bias`.

# %% tags=["solution"] exercise="srcnn_count"
def parameters(bias):
    """Number of parameters of SRCNN 9-1-5; bias is True or False."""
    weights = 9 * 9 * 1 * 64 + 1 * 1 * 64 * 32 + 5 * 5 * 32 * 1
    return weights + (64 + 32 + 1 if bias else 0)  # both are right: the paper leaves biases out

# %% tags=["equivalent"] exercise="srcnn_count"
def parameters(bias):
    layers = [(9, 1, 64), (1, 64, 32), (5, 32, 1)]
    return sum((side**2 * before + bool(bias)) * after for side, before, after in layers)

# %% tags=["wrong"] exercise="srcnn_count" says="channels in"
def parameters(bias):
    return 81 * 64 + 1 * 32 + 25 * 1 + (97 if bias else 0)

# %% tags=["wrong"] exercise="srcnn_count" says="two sides"
def parameters(bias):
    return 9 * 64 + 64 * 32 + 5 * 32 + (97 if bias else 0)

# %% tags=["wrong"] exercise="srcnn_count" says="bias"
def parameters(bias):
    return 81 * 64 + 64 * 32 + 25 * 32

# %% tags=["wrong"] exercise="srcnn_count" says="one per output channel"
def parameters(bias):
    return 81 * 64 + 64 * 32 + 25 * 32 + (3 if bias else 0)

# %% tags=["wrong"] exercise="srcnn_count" says="all three layers"
def parameters(bias):
    return 81 * 64 + 64 * 32 + 25 * 32 + (96 if bias else 0)

# %% tags=["checker"] exercise="srcnn_count"
def checker(parameters):
    plain, full = parameters(False), parameters(True)
    require(plain != 81 * 64 + 32 + 25, "Each filter looks at all channels in: multiply by them.")
    require(plain != 9 * 64 + 64 * 32 + 5 * 32, "A filter has two sides: 9 x 9 weights, not 9.")
    close(plain, 8032, "Without biases:", rtol=1e-9)
    require(full != plain, "With a bias there must be more.")
    require(full != plain + 3, "Not one bias per layer: one per output channel.")
    close(full, 8129, "With biases, one for each output channel of all three layers:", rtol=1e-9)

# %% tags=["varies"]
from course_lib.data.mr_pairs import coronal_images
from course_lib.imaging.mr.resolution import enlarge, thick_slices
from course_lib.models.srcnn import SRCNN


def as_case(images):
    return torch.from_numpy(np.ascontiguousarray(images, np.float32))[:, None]


def thick_pairs(images, profile="box"):
    """What splines make of thick slices, and the thin ones."""
    return Pairs(as_case(enlarge(thick_slices(images, 3, profile), 3)), as_case(images))


thin = coronal_images(range(1000, 1020), "T1", slices=4)
thin_exam = coronal_images(range(4), "T1", slices=3)
torch.manual_seed(0)
sharpener = SRCNN()
plan = Plan(epochs=18, batch_size=4, learning_rate=1.5e-3)
history = fit(sharpener, thick_pairs(thin[:72]), thick_pairs(thin[72:]), PairLoss(), plan)

# %%
sharp = {}
for profile in ("box", "gaussian", "gap", "k-space"):
    arrays = thick_pairs(thin_exam, profile).arrays
    with torch.no_grad():
        network = sharpener.eval()(arrays["input"])[:, 0].numpy()
    sharp[profile] = grade(arrays["input"][:, 0].numpy(), thin_exam)[0], grade(network, thin_exam)[0]
    if profile == "box":
        splines, better = arrays["input"][1, 0].numpy(), network[1]

# %% tags=["slide", "varies"]
thick = np.repeat(thick_slices(thin_exam[1], 3), 3, axis=0)
titles = ["thick slices", f"splines: {sharp['box'][0]:.0%}", f"SRCNN: {sharp['box'][1]:.0%}", "thin slices (truth)"]
fig, axes = plt.subplots(1, 4, figsize=(10, 3))
for ax, image, title in zip(axes, (thick, splines, better, thin_exam[1]), titles, strict=True):
    film(ax, image[4:70, 14:82], title, interpolation="nearest", vmin=0, vmax=0.9)
show(fig, alt="A coronal head: tall pixels, smooth splines, sharper network, truth")

# %% tags=["varies"]
for profile, (spline_error, network_error) in sharp.items():
    print(f"slice profile {profile:8s}: splines {spline_error:.3f}, SRCNN {network_error:.3f}")

# %%
advantage = {profile: 1 - network / spline for profile, (spline, network) in sharp.items()}
claim("On the profile it learned from, SRCNN is better than splines", advantage["box"] > 0.05)
claim("For thin slices with gaps, which it never met, its advantage is smaller", advantage["gap"] < advantage["box"])

# %% [markdown]
# The network learned two things at once: what heads look like, and how *this* scanner blurs. A scanner
# with another slice profile breaks the second half. What is thinner than a slice and never came through
# is not found again. It is made up.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A network in reconstruction brings *prior knowledge*: what such images look like.
# - Data consistency costs one line, lowers the error, and forbids contradicting the measurement.
# - It cannot check what was not measured. There, a lie fits the data perfectly.
# - AUTOMAP learns the transform itself; its memory grows with the fourth power of the side.
# - Known motion is mended by physics. Autofocus and networks without raw data help less.
# - Test on exact data, other contrasts, other rates, and lesions. Measure the lesion, not only the mean.

# %% [markdown]
# ## References
#
# - B. Zhu et al., Nature 555 (2018) 487: AUTOMAP.
# - K. Hammernik et al., Magn. Reson. Med. 79 (2018) 3055: variational network.
# - J. Schlemper et al., IEEE Trans. Med. Imaging 37 (2018) 491: cascade with data consistency.
# - M. Akçakaya et al., Magn. Reson. Med. 81 (2019) 439: RAKI.
# - K. Zhang et al., IEEE Trans. Image Process. 26 (2017) 3142: DnCNN.
# - C. Dong et al., arXiv:1501.00092: SRCNN.
# - V. Antun et al., Proc. Natl. Acad. Sci. 117 (2020) 30088: instabilities of learned reconstruction.
# - P. Batchelor et al., Magn. Reson. Med. 54 (2005) 1273: one image that explains moving shots.
# - D. Atkinson et al., Magn. Reson. Med. 41 (1999) 163: autofocus by entropy.
# - H. Gudbjartsson, S. Patz, Magn. Reson. Med. 34 (1995) 910: Rician noise.

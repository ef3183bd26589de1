# %% [markdown] tags=["slide"]
# ## A network that never saw a second film
#
# Every network so far learned from thousands of films. This one gets **one film, damaged**, and no other.
# It is asked to draw it. Before it can draw the damage, it has drawn the patient.
#
# 1. why: a film is easy to draw, noise is hard,
# 2. take noise out, and **stop in time**,
# 3. fill holes, enlarge,
# 4. ask of every pixel: measured, or invented?

# %%
import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, inpaint_biharmonic

from course_lib.generative.image_prior import psnr_of, restore
from course_lib.generative.image_prior_films import film_corner
from course_lib.generative.image_prior_operators import Shrunk, Visible, lanczos_matrix
from course_lib.generative.image_prior_stopping import Calmest, NoiseLevel
from course_lib.models.image_prior import hourglass
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import add_finding
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)  # for films as small as ours, two threads wait for each other

# %% [markdown] tags=["slide"]
# ## 1 One corner of one film
#
# A [[nodule]] of about 17 mm behind the ribs; pixels of 0.8 mm. Beside it the same corner with a **200th of the
# dose**, about what one frame of fluoroscopy gets. The [[virtual patient]] tells us the truth; the network
# never sees it. How near a picture is to the truth we give as [[PSNR]], in dB: more is better, and 6 dB more is
# half the error.

# %%
DOSE = 1 / 200
healthy = sample_patient(5601, 60, "M")
ill = add_finding(healthy, "nodule", severity=0.4, side="right", seed=3)
corner = film_corner(ill, centre=(231, 133), side=64)
truth, nodule = corner.clean, corner.mask("nodule")
noisy = corner.exposed(DOSE, seed=1)
noise = corner.noise(noisy, DOSE)  # standard deviation in each pixel, from the detector's physics
print("the film:", noisy.shape, "pixels; the nodule covers", nodule.sum())
print(f"PSNR of the noisy film: {psnr_of(noisy, truth):.3g} dB")

# %% tags=["slide"]
window = {"vmin": 0, "vmax": 1}
fig = films([truth, noisy, 8 * noise], ["truth", "a 200th of the dose", "predicted noise (sd × 8)"],
            columns=3, width=10, **window)  # fmt: skip
show(fig, alt="A corner of a film with ribs and a nodule: without noise, grainy, and a map of the noise")

# %% [markdown]
# The network cannot know the truth, but physics tells how far the film is from it: photons are counted, and the
# detector's electronics add a little. Where the body lets few photons through, the noise is stronger.

# %% [markdown] tags=["slide"]
# ## 2 The hourglass
#
# - In: **noise**, drawn once and then left alone. Out: a picture.
# - The weights start at random. [[gradient descent]] changes them until the picture looks like *the film*:
#
# $$\min_w\ \| f_w(z) - y \|^2$$
#
# - No other film, no labels. When it is done, the weights are thrown away.
# - The only knowledge is the **build**: the same small filters everywhere, at several scales. Such knowledge,
#   there before any data, is a [[prior]].

# %% tags=["slide"]
def hourglass_drawing():
    """Maps as bars: height for pixels, width for channels."""
    fig, ax = plt.subplots(figsize=(8, 2.6))
    bars = [(0, 4, "noise z"), (2, 3, ""), (4, 1.6, "coarse"), (6, 3, ""), (8, 4, "film")]
    for (x, height, label), colour in zip(bars, [COLOURS[6], *COLOURS[:1] * 3, COLOURS[1]], strict=True):
        ax.add_patch(plt.Rectangle((x - 0.3, -height / 2), 0.6, height, color=colour, alpha=0.75))
        ax.text(x, -2.5, label, ha="center")
    for start in (0, 2, 4, 6):
        ax.annotate("", (start + 1.65, 0), (start + 0.35, 0), arrowprops={"arrowstyle": "->"})
    for (left, right), height in {(0.35, 7.65): 1.8, (2.35, 5.65): 1.2}.items():
        ax.annotate("", (right, height), (left, height), arrowprops={"arrowstyle": "->", "ls": ":"})
    ax.text(4, 1.95, "thin connections: a little detail", ha="center")
    ax.set(xlim=(-0.8, 8.8), ylim=(-2.9, 2.5))
    ax.set_axis_off()
    return fig


show(hourglass_drawing(), alt="Noise passes down to a coarse map and up again to a film, with thin bridges")

# %%
def count(network):
    """How many numbers the network learns."""
    return sum(each.numel() for each in network.parameters())


paper, ours = hourglass("paper", channels_out=3), hourglass("laptop")
print("as published, in colour:", count(paper), "  ours:", count(ours), "  pixels to draw:", truth.size)
claim("The published hourglass has 2,217,831 weights", count(paper) == 2_217_831)
claim("Ours has more weights than the film has pixels", count(ours) > 5 * truth.size)

# %% [markdown] tags=["slide"]
# ### More weights than pixels?
#
# Then it can draw *anything*, noise included. Nothing forbids it. What matters is what it draws **first**.
#
# Four films to draw: the truth, the truth with noise, its pixels in shuffled order, and nothing but noise.

# %% tags=["varies"]
rng = np.random.default_rng(7)
shuffled = rng.permutation(truth.ravel()).reshape(truth.shape)
only_noise = np.clip(rng.normal(0.5, truth.std(), truth.shape), 0, 1).astype(np.float32)
targets = {"the film": truth, "film + noise": noisy, "its pixels, shuffled": shuffled, "noise": only_noise}
left = {}
for name, target in targets.items():
    left[name] = restore(target, steps=150, seed=1, jitter=0.0).misfit / target.var()
    print(f"{name:21s} not drawn yet after 150 steps: {left[name][-10:].mean():.0%}")

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(7, 3.4))
for name, curve in left.items():
    ax.plot(np.arange(1, 151), curve, label=name)
ax.set(xlabel="step", ylabel="share not drawn yet", ylim=(0, 1.3), title="a film is easy, noise is hard")
ax.legend()
show(fig, alt="Falling curves: the film falls at once, film with noise later, shuffled pixels and noise last")

# %% tags=["varies"]
claim("After 150 steps nearly all of the film is drawn", left["the film"][-10:].mean() < 0.08)
claim("Of noise and of shuffled pixels at least five times as much is missing",
      min(left[n][-10:].mean() for n in ("its pixels, shuffled", "noise"))
      > 5 * left["the film"][-10:].mean())  # fmt: skip

# %% [markdown]
# Shuffled and plain film have exactly the same grey values. Only their *neighbourhood* differs. A convolution
# computes neighbours from the same numbers, so it draws smooth surfaces and long edges with few changes of its
# weights, and a lonely bright pixel only with many. This head start of the film is all that we use.

# %% [markdown] tags=["slide"]
# ## 3 Denoising: rise and fall
#
# Let it draw the noisy film for 400 steps. At each step we (not the network) measure the PSNR to the truth.
# The picture is the running average of the outputs.

# %% [markdown] tags=["exercise"] exercise="running_average"
# ### Exercise: the running average
#
# Outputs jump from step to step. The paper averages them: the first average is the first output; after that
# `average = keep * average + (1 - keep) * output`. Write `running_average(outputs, keep)` for outputs (steps, H, W);
# return the last average (H, W). (Our `restore` takes the plain mean of the first outputs, so that the grey of the
# untrained network is soon forgotten.)

# %% tags=["stub"] exercise="running_average"
def running_average(outputs, keep):
    """The average after the last output."""
    return ...

# %% tags=["check"] exercise="running_average"
check("running_average", running_average)

# %% [markdown] tags=["hint"] exercise="running_average"
# You need one picture that is changed in a loop.

# %% [markdown] tags=["hint"] exercise="running_average"
# Start with `average = outputs[0]`, then go through `outputs[1:]`.

# %% [markdown] tags=["hint"] exercise="running_average"
# In the loop: the line from the statement. With `keep=0` the last output must come out.

# %% tags=["solution"] exercise="running_average"
def running_average(outputs, keep):
    """The average after the last output."""
    average = outputs[0]
    for output in outputs[1:]:
        average = keep * average + (1 - keep) * output
    return average

# %% tags=["equivalent"] exercise="running_average"
def running_average(outputs, keep):
    age = np.arange(len(outputs))[::-1]
    weights = (1 - keep) * keep**age
    weights[0] = keep ** age[0]
    return np.tensordot(weights, outputs, axes=1)

# %% tags=["wrong"] exercise="running_average" says="the old average"
def running_average(outputs, keep):
    average = outputs[0]
    for output in outputs[1:]:
        average = (1 - keep) * average + keep * output
    return average

# %% tags=["wrong"] exercise="running_average" says="black picture"
def running_average(outputs, keep):
    average = np.zeros_like(outputs[0])
    for output in outputs:
        average = keep * average + (1 - keep) * output
    return average

# %% tags=["wrong"] exercise="running_average" says="all outputs alike"
def running_average(outputs, keep):
    return np.mean(outputs, axis=0)

# %% tags=["checker"] exercise="running_average"
def checker(running_average):
    outputs = np.random.default_rng(0).random((4, 3, 5))
    got = running_average(outputs.copy(), 0.75)
    require(np.shape(got) == (3, 5), "Return one picture (H, W).")
    def mixed(start, rest, keep):
        for each in rest:
            start = keep * start + (1 - keep) * each
        return start
    def like(other):
        return np.allclose(np.asarray(got, float), other)
    require(not like(outputs.mean(0)), "That counts all outputs alike; the latest should count by 1 - keep.")
    require(not like(mixed(outputs[0], outputs[1:], 0.25)), "keep belongs to the old average, 1 - keep to the new output.")
    require(not like(mixed(np.zeros((3, 5)), outputs, 0.75)), "You started with a black picture; start with the first output.")
    close(got, mixed(outputs[0], outputs[1:], 0.75), "After four outputs with keep = 0.75:")

# %% tags=["varies"]
seen = []  # the running average after every step
run = restore(noisy, steps=400, seed=1, noise=noise, jitter=0.01, average=0.95, truth=truth,
              watch=lambda step, picture: seen.append(picture))  # fmt: skip
best = int(run.psnr.argmax())
print(f"noisy film {psnr_of(noisy, truth):.1f} dB; best {run.psnr[best]:.1f} dB at step {best + 1}; "
      f"after 400 steps {run.psnr[-1]:.1f} dB")  # fmt: skip
claim("At its best the picture is at least 4 dB nearer to the truth than the film",
      run.psnr[best] > psnr_of(noisy, truth) + 4)  # fmt: skip
claim("Who goes on loses at least 1 dB again", run.psnr[-1] < run.psnr[best] - 1)

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(7, 3.2))
ax.plot(np.arange(1, 401), run.psnr, label="running average")
ax.axhline(psnr_of(noisy, truth), color=COLOURS[6], ls=":", label="noisy film")
ax.set(xlabel="step", ylabel="PSNR to the truth (dB)", title="first the patient, then the noise")
ax.legend(loc="lower right")
show(fig, alt="PSNR rises steeply, peaks near step 100 and falls slowly, back towards the noisy film")

# %%
def draw_step(step):
    """The picture after this step beside the film and the truth."""
    titles = ["film", f"step {step}: {run.psnr[step - 1]:.1f} dB", "truth"]
    return films([noisy, seen[step - 1], truth], titles, columns=3, width=9, **window)


explore(draw_step, alt="film, restored picture at the chosen step, truth", step=(5, 400, 5, 100))

# %% [markdown] tags=["slide"]
# ### Move the slider
#
# - Step 10: fog with ribs. - Step 100: the patient. - Step 400: grain again.
#
# In the hospital there is no truth and no such curve. **When would you stop?**

# %% [markdown] tags=["slide"]
# ## 4 Two ways to stop without the truth
#
# 1. **The noise is known** (discrepancy principle). The truth itself is one noise away from the film: the mean of
#    ((film − picture) / noise)² is 1. Stop at 1; below it, noise is drawn.
# 2. **The noise is unknown**: watch the pictures. They change while the patient is drawn, come to rest, and change
#    again with the noise. Stop after the calmest stretch (windowed [[moving variance]]).

# %% [markdown] tags=["exercise"] exercise="discrepancy_stop"
# ### Exercise: stop at the noise
#
# `pictures` (steps, H, W) are the pictures after each step, `film` (H, W) what was measured, `noise` (H, W) its
# standard deviation. Return the first **step, counted from 1**, at which the mean of
# ((film − picture) / noise)² is 1 or less; if there is none, the last step.

# %% tags=["stub"] exercise="discrepancy_stop"
def discrepancy_stop(pictures, film, noise):
    """The step at which to stop."""
    return ...

# %% tags=["check"] exercise="discrepancy_stop"
check("discrepancy_stop", discrepancy_stop)

# %% [markdown] tags=["hint"] exercise="discrepancy_stop"
# First one number per step, then search.

# %% [markdown] tags=["hint"] exercise="discrepancy_stop"
# `np.mean(((film - pictures) / noise) ** 2, axis=(1, 2))` gives the numbers.

# %% [markdown] tags=["hint"] exercise="discrepancy_stop"
# Loop with `enumerate(numbers, start=1)` and return as soon as a number is <= 1.

# %% tags=["solution"] exercise="discrepancy_stop"
def discrepancy_stop(pictures, film, noise):
    """The step at which to stop."""
    misfits = np.mean(((film - pictures) / noise) ** 2, axis=(1, 2))
    for step, misfit in enumerate(misfits, start=1):
        if misfit <= 1:
            return step
    return len(pictures)

# %% tags=["equivalent"] exercise="discrepancy_stop"
def discrepancy_stop(pictures, film, noise):
    reached = np.flatnonzero([np.mean(np.square((p - film) / noise)) <= 1 for p in pictures])
    return int(reached[0]) + 1 if len(reached) else len(pictures)

# %% tags=["wrong"] exercise="discrepancy_stop" says="counted from 1"
def discrepancy_stop(pictures, film, noise):
    misfits = np.mean(((film - pictures) / noise) ** 2, axis=(1, 2))
    return int(np.argmax(misfits <= 1))

# %% tags=["wrong"] exercise="discrepancy_stop" says="square"
def discrepancy_stop(pictures, film, noise):
    misfits = np.mean(np.abs((film - pictures) / noise), axis=(1, 2))
    return next((k for k, m in enumerate(misfits, 1) if m <= 1), len(pictures))

# %% tags=["wrong"] exercise="discrepancy_stop" says="Divide by the noise"
def discrepancy_stop(pictures, film, noise):
    misfits = np.mean((film - pictures) ** 2, axis=(1, 2))
    return next((k for k, m in enumerate(misfits, 1) if m <= 1), len(pictures))

# %% tags=["wrong"] exercise="discrepancy_stop" says="closest"
def discrepancy_stop(pictures, film, noise):
    misfits = np.mean(((film - pictures) / noise) ** 2, axis=(1, 2))
    return int(np.argmin(misfits)) + 1

# %% tags=["checker"] exercise="discrepancy_stop"
def checker(discrepancy_stop):
    film, noise = np.full((4, 4), 0.5), np.full((4, 4), 0.1)
    noise[:, 2:] = 0.2
    sizes = np.array([3.0, 2.0, 1.3, 0.9, 0.7, 0.2, 0.5])
    rough = np.where(np.indices((4, 4))[0] < 2, 1.4, 0.2)  # mean 0.8, mean square 1
    pictures = film + sizes[:, None, None] * noise * rough
    got = discrepancy_stop(pictures.copy(), film, noise)
    require(np.size(got) == 1, "Return one number: the step.")
    require(got != 1, "Divide by the noise before you compare with 1.")
    require(got != 6, "You chose the picture closest to the film: that one has drawn the most noise.")
    require(got != 3, "Steps are counted from 1.")
    near = np.stack([pictures[0], film + 1.1 * noise * rough, pictures[3]])
    require(discrepancy_stop(near, film, noise) != 2, "Take the square of each ratio, then the mean.")
    close(got, 4, "The fourth picture is the first within the noise:", rtol=1e-9)
    never = discrepancy_stop(pictures[:2].copy(), film, noise)
    close(never, 2, "If no picture is close enough, return the last step:", rtol=1e-9)

# %% [markdown] tags=["exercise"] exercise="calmest_stretch"
# ### Exercise: stop without knowing the noise
#
# For every stretch of `window` successive pictures: take the variance over the stretch in each pixel, then the mean
# over the pixels. Write `calmest_stretch(pictures, window)` for pictures (steps, H, W): the number of the **last
# picture** of the calmest stretch, counted from 1.

# %% tags=["stub"] exercise="calmest_stretch"
def calmest_stretch(pictures, window):
    """The step (from 1) at which the calmest stretch ends."""
    return ...

# %% tags=["check"] exercise="calmest_stretch"
check("calmest_stretch", calmest_stretch)

# %% [markdown] tags=["hint"] exercise="calmest_stretch"
# The first stretch is `pictures[0:window]`, the next `pictures[1:window + 1]`.

# %% [markdown] tags=["hint"] exercise="calmest_stretch"
# `pictures[k : k + window].var(axis=0).mean()` for every k from 0 to `len(pictures) - window`.

# %% [markdown] tags=["hint"] exercise="calmest_stretch"
# The stretch that begins at index k ends with picture number k + window.

# %% tags=["solution"] exercise="calmest_stretch"
def calmest_stretch(pictures, window):
    """The step (from 1) at which the calmest stretch ends."""
    starts = range(len(pictures) - window + 1)
    variances = [pictures[k : k + window].var(axis=0).mean() for k in starts]
    return int(np.argmin(variances)) + window

# %% tags=["equivalent"] exercise="calmest_stretch"
def calmest_stretch(pictures, window):
    views = np.lib.stride_tricks.sliding_window_view(pictures, window, axis=0)
    return int(views.std(axis=-1).__pow__(2).mean(axis=(1, 2)).argmin()) + window

# %% tags=["wrong"] exercise="calmest_stretch" says="ends"
def calmest_stretch(pictures, window):
    starts = range(len(pictures) - window + 1)
    return int(np.argmin([pictures[k : k + window].var(axis=0).mean() for k in starts])) + 1

# %% tags=["wrong"] exercise="calmest_stretch" says="over the stretch"
def calmest_stretch(pictures, window):
    starts = range(len(pictures) - window + 1)
    return int(np.argmin([pictures[k : k + window].var() for k in starts])) + window

# %% tags=["wrong"] exercise="calmest_stretch" says="restless"
def calmest_stretch(pictures, window):
    starts = range(len(pictures) - window + 1)
    return int(np.argmax([pictures[k : k + window].var(axis=0).mean() for k in starts])) + window

# %% tags=["checker"] exercise="calmest_stretch"
def checker(calmest_stretch):
    change = np.array([9, 7, 5, 3, 0.5, 0.2, 0.4, 2, 4, 6, 8.0])
    ramp = np.linspace(0, 1, 12).reshape(3, 4)
    contrast = np.linspace(40, 1, 11)[:, None, None]  # pictures that also become flatter
    pictures = np.cumsum(change)[:, None, None] + 0 * ramp
    got = calmest_stretch(pictures.copy(), 3)
    require(np.size(got) == 1, "Return one number: a step.")
    require(got != 5, "Return where the stretch ends, not where it begins.")
    require(got in (6, 7), "That is a restless stretch: the calmest one has the smallest variance.")
    faded = np.concatenate([contrast[:3] * ramp, contrast[3] * ramp[None].repeat(3, 0), contrast[6:] * ramp])
    require(calmest_stretch(faded, 3) == 6, "Variance over the stretch in each pixel first; contrast within a picture is no unrest.")
    close(got, 7, "The calmest three pictures are the fifth to the seventh:", rtol=1e-9)

# %% tags=["varies"]
stops = {}
for name, rule in {"noise known": NoiseLevel(), "calmest": Calmest(window=20, patience=80)}.items():
    for step, picture in enumerate(seen, start=1):
        misfit = float(np.mean(((noisy - picture) / noise) ** 2))
        verdict = rule.see(picture, misfit)
        if verdict.keep:
            stops[name] = step
        if verdict.stop:
            break
    print(f"{name:12s} keeps step {stops[name]:3d}: {run.psnr[stops[name] - 1]:.1f} dB "
          f"(best possible {run.psnr[best]:.1f} dB)")  # fmt: skip
restored = seen[stops["noise known"] - 1]
claim("Stopping at the noise costs less than 1 dB", run.psnr[stops["noise known"] - 1] > run.psnr[best] - 1)

# %% [markdown]
# In a program: `restore(noisy, noise=noise, stop=NoiseLevel())`. The second rule needs nothing to be known, but in our
# run it kept a picture that came far too late: the small network draws noise so slowly and evenly that the averaged
# pictures stay calm. Its window and patience must suit the network. Where the noise is known, use it.

# %% [markdown] tags=["slide"]
# ## 5 Is it better than a simple filter?
#
# Gauss, [[total variation]] and non-local means, each with the setting that is best *for this film* (chosen with
# the truth: unfair, in their favour). And the question that counts: how much of the nodule is left?

# %% [markdown] tags=["exercise"] exercise="nodule_left"
# ### Exercise: how much of the nodule is left?
#
# Contrast: mean grey inside the nodule minus mean grey in a ring around it. `nodule_left(restored, truth, nodule,
# ring)` (masks are bool) is the contrast in the restored picture divided by that in the truth.

# %% tags=["stub"] exercise="nodule_left"
def nodule_left(restored, truth, nodule, ring):
    """Share of the contrast: 1 all, 0 nothing."""
    return ...

# %% tags=["check"] exercise="nodule_left"
check("nodule_left", nodule_left)

# %% [markdown] tags=["hint"] exercise="nodule_left"
# A mask picks pixels: `restored[nodule]`.

# %% [markdown] tags=["hint"] exercise="nodule_left"
# Contrast = `picture[nodule].mean() - picture[ring].mean()`.

# %% [markdown] tags=["hint"] exercise="nodule_left"
# The contrast of `restored` over the contrast of `truth`.

# %% tags=["solution"] exercise="nodule_left"
def nodule_left(restored, truth, nodule, ring):
    """Share of the contrast: 1 all, 0 nothing."""
    after = restored[nodule].mean() - restored[ring].mean()
    return after / (truth[nodule].mean() - truth[ring].mean())

# %% tags=["equivalent"] exercise="nodule_left"
def nodule_left(restored, truth, nodule, ring):
    inside, around = np.array([[p[m].mean() for p in (restored, truth)] for m in (nodule, ring)])
    return np.divide(*(inside - around))

# %% tags=["wrong"] exercise="nodule_left" says="ring"
def nodule_left(restored, truth, nodule, ring):
    return restored[nodule].mean() / truth[nodule].mean()

# %% tags=["wrong"] exercise="nodule_left" says="divide"
def nodule_left(restored, truth, nodule, ring):
    return restored[nodule].mean() - restored[ring].mean()

# %% tags=["wrong"] exercise="nodule_left" says="whole rest"
def nodule_left(restored, truth, nodule, ring):
    after = restored[nodule].mean() - restored[~nodule].mean()
    return after / (truth[nodule].mean() - truth[~nodule].mean())

# %% tags=["checker"] exercise="nodule_left"
def checker(nodule_left):
    rng = np.random.default_rng(1)
    truth, restored = rng.random((2, 12, 12))
    distance = np.hypot(*(np.indices((12, 12)) - 5.5))
    nodule, ring = distance < 3, (distance > 4) & (distance < 5.5)
    truth[nodule] += 2
    restored[nodule] += 1.2
    def contrast(picture, around):
        return picture[nodule].mean() - picture[around].mean()
    got = nodule_left(restored, truth, nodule, ring)
    require(np.size(got) == 1, "Return one number.")
    require(not np.isclose(got, restored[nodule].mean() / truth[nodule].mean()), "Contrast is a difference: nodule minus ring.")
    require(not np.isclose(got, contrast(restored, ring)), "That is the contrast; divide by the truth's.")
    rest = contrast(restored, ~nodule) / contrast(truth, ~nodule)
    require(not np.isclose(got, rest), "Compare with the ring, not with the whole rest of the film.")
    close(got, contrast(restored, ring) / contrast(truth, ring), "Restored contrast over true contrast:")

# %% tags=["varies"]
rows, columns = np.indices(truth.shape) - np.argwhere(nodule).mean(axis=0)[:, None, None]
from_nodule = np.hypot(rows, columns)
ring = (from_nodule > 14) & (from_nodule < 19)
sd = float(noise.mean())
settings = {
    "Gauss": [gaussian_filter(noisy, s) for s in (0.8, 1.0, 1.3, 1.6)],
    "total variation": [denoise_tv_chambolle(noisy, w) for w in (0.05, 0.1, 0.15, 0.2)],
    "non-local means": [denoise_nl_means(noisy, patch_size=5, patch_distance=8, h=h * sd, sigma=sd,
                                         fast_mode=False) for h in (0.8, 1.0, 1.2)],
}  # fmt: skip
results = {"noisy film": noisy, "deep image prior": restored}
results |= {name: max(tried, key=lambda p: psnr_of(p, truth)) for name, tried in settings.items()}


def contrast(picture):
    """Nodule minus ring."""
    return picture[nodule].mean() - picture[ring].mean()


for name, picture in results.items():
    print(f"{name:17s} {psnr_of(picture, truth):.1f} dB, nodule left {contrast(picture) / contrast(truth):4.0%}")

# %% tags=["slide"]
fig = films([truth, *results.values()], ["truth", *results], columns=3, width=9, **window)
show(fig, alt="Truth, noisy film, and four restorations: all calmer, all with the nodule, all a bit softer")

# %% tags=["varies"]
filters = max(psnr_of(results[name], truth) for name in settings)
print(f"deep image prior minus the best filter: {psnr_of(restored, truth) - filters:+.1f} dB")
claim("Without having learned anything the network comes within 2 dB of the best filter",
      psnr_of(restored, truth) > filters - 2)  # fmt: skip
claim("It is not clearly better than the best of them", psnr_of(restored, truth) < filters + 1)
claim("It leaves at least two thirds of the nodule's contrast",
      contrast(restored) / contrast(truth) > 0.66)  # fmt: skip

# %% [markdown]
# Compare shape by shape with the truth: in our run the network drew a round dark spot below the nodule, where the
# truth has only the wide gap between two ribs. It had stopped in time and still made a *shape* out of noise. PSNR does not
# show that; your eyes do.
#
# An honest result. The authors found the same: on their colour pictures it is near the best methods without
# learning, not above them. Its strength lies elsewhere: **the same network** also fills holes and enlarges.
# Only the question changes.

# %% [markdown] tags=["slide"]
# ## 6 Other damage, same network
#
# Say what happened to the film as an **operator** A. The network draws a picture, A damages it likewise, and the two
# films are compared:
#
# $$\min_w\ \| A f_w(z) - y \|^2$$
#
# | damage | A |
# |---|---|
# | noise | nothing |
# | burnt-in text, dead columns, metal | leave out the hidden pixels: [[inpainting]] |
# | too few pixels | make the picture smaller: [[super-resolution]] |

# %% [markdown] tags=["exercise"] exercise="hole_misfit"
# ### Exercise: compare only what was measured
#
# Write `hole_misfit(picture, film, known)`: the mean squared difference over the pixels where `known` is True. In the
# hole the film holds NaN ("no number").

# %% tags=["stub"] exercise="hole_misfit"
def hole_misfit(picture, film, known):
    """Mean squared difference where the film is known."""
    return ...

# %% tags=["check"] exercise="hole_misfit"
check("hole_misfit", hole_misfit)

# %% [markdown] tags=["hint"] exercise="hole_misfit"
# NaN times 0 is NaN. Multiplying by the mask does not help.

# %% [markdown] tags=["hint"] exercise="hole_misfit"
# `film[known]` picks the known pixels and never touches the others.

# %% [markdown] tags=["hint"] exercise="hole_misfit"
# `np.mean(... ** 2)` of `picture[known] - film[known]`.

# %% tags=["solution"] exercise="hole_misfit"
def hole_misfit(picture, film, known):
    """Mean squared difference where the film is known."""
    return np.mean((picture[known] - film[known]) ** 2)

# %% tags=["equivalent"] exercise="hole_misfit"
def hole_misfit(picture, film, known):
    squares = np.where(known, picture - film, 0) ** 2
    return squares.sum() / known.sum()

# %% tags=["equivalent"] exercise="hole_misfit"
def hole_misfit(picture, film, known):
    return float(np.nanmean(np.square(film - picture)))

# %% tags=["wrong"] exercise="hole_misfit" says="no number"
def hole_misfit(picture, film, known):
    return np.sum(known * (picture - film) ** 2) / known.sum()

# %% tags=["wrong"] exercise="hole_misfit" says="all pixels"
def hole_misfit(picture, film, known):
    return np.mean(np.where(known, picture - film, 0) ** 2)

# %% tags=["wrong"] exercise="hole_misfit" says="black"
def hole_misfit(picture, film, known):
    return np.mean((picture - np.nan_to_num(film)) ** 2)

# %% tags=["wrong"] exercise="hole_misfit" says="Square"
def hole_misfit(picture, film, known):
    return np.mean(np.abs(picture[known] - film[known]))

# %% tags=["checker"] exercise="hole_misfit"
def checker(hole_misfit):
    rng = np.random.default_rng(2)
    picture, film = rng.random((2, 6, 7))
    known = np.ones((6, 7), bool)
    known[1:4, 2:5] = False
    squares = (picture - film) ** 2
    holed = np.where(known, film, np.nan)
    got = hole_misfit(picture, holed, known)
    require(np.size(got) == 1, "Return one number.")
    require(not np.isnan(float(got)), "The result is no number: NaN from the hole got into your sum.")
    require(not np.isclose(got, squares[known].sum() / known.size), "You divided by all pixels; only the known ones were compared.")
    require(not np.isclose(got, np.mean((picture - np.nan_to_num(holed)) ** 2)), "You took the hole for black and compared it too.")
    require(not np.isclose(got, np.sqrt(squares[known]).mean()), "Square each difference before the mean.")
    close(got, squares[known].mean(), "Over the known pixels:")

# %%
film = corner.exposed(1.0, seed=5)  # a normal dose
lettering = np.zeros(film.shape, np.uint8)
cv2.putText(lettering, "R 12", (3, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1, 2)
lettering[:, 49:52] = 1  # dead columns of the detector
hidden = lettering > 0
print("hidden pixels:", hidden.sum(), "of", hidden.size)


def hole_psnr(picture, hole, right=truth):
    """PSNR inside the hole."""
    return psnr_of(picture[hole], right[hole])


# %% tags=["varies"]
filled = restore(np.where(hidden, np.nan, film), Visible(~hidden), steps=250, seed=1, jitter=0.01,
                 average=0.95).picture  # fmt: skip
smooth_fill = inpaint_biharmonic(film, hidden)
mean_fill = np.where(hidden, film[~hidden].mean(), film)
fills = {"mean of the film": mean_fill, "smoothest surface": smooth_fill, "deep image prior": filled}
for name, picture in fills.items():
    print(f"{name:17s} in the hidden pixels {hole_psnr(picture, hidden):.1f} dB")
claim("The network fills thin holes at least 5 dB better than a flat grey",
      hole_psnr(filled, hidden) > hole_psnr(mean_fill, hidden) + 5)  # fmt: skip

# %% tags=["slide"]
damaged = np.where(hidden, 1.0, film)
fig = films([damaged, filled, smooth_fill, truth], ["damaged", "deep image prior", "smoothest surface", "truth"],
            columns=4, width=11, **window)  # fmt: skip
show(fig, alt="White letters and columns on a film; both methods fill them almost invisibly")

# %% [markdown]
# Thin holes are easy: the answer stands on both sides. Here a smooth surface, without any network, does about as well.

# %% [markdown] tags=["slide"]
# ## 7 The hole with the nodule in it
#
# Now something covers the nodule itself, completely: a pacemaker, say. The network fills the hole, without a seam.
#
# **What will be there?** Guess before you go on.

# %% tags=["varies"]
hole = from_nodule <= 13
normal = film_corner(healthy, centre=(231, 133), side=64, scale=corner.limits).clean
covered = np.where(hole, np.nan, film)
guesses = [restore(covered, Visible(~hole), steps=250, seed=seed, jitter=0.01, average=0.95).picture
           for seed in (1, 2)]  # fmt: skip
for seed, guess in zip((1, 2), guesses, strict=True):
    print(f"seed {seed}: in the hole {hole_psnr(guess, hole):.1f} dB from the truth, "
          f"{hole_psnr(guess, hole, normal):.1f} dB from the same patient without the nodule")  # fmt: skip

# %% tags=["slide"]
fig = films([np.where(hole, 1.0, film), *guesses, truth], ["covered", "guess 1", "guess 2", "truth"],
            columns=4, width=11, **window)  # fmt: skip
show(fig, alt="A white disc over the nodule; two seamless fillings without a nodule; the truth with it")

# %% tags=["varies"]
inside, outside = (np.std([g[part] for g in guesses], axis=0).mean() for part in (hole, ~hole))
shares = [contrast(g) / contrast(truth) for g in guesses]
print("nodule left:", ", ".join(f"{share:.0%}" for share in shares))
print(f"spread of the two guesses: in the hole {inside:.3f}, outside {outside:.3f}")
claim("Both guesses are nearer to the patient without the nodule",
      all(hole_psnr(g, hole, normal) > hole_psnr(g, hole) for g in guesses))  # fmt: skip
claim("Less than half of the nodule's contrast is left", max(shares) < 0.5)
claim("Where nothing was measured the seed decides more than elsewhere", inside > 1.5 * outside)

# %% [markdown] tags=["slide"]
# ### A restored film is a guess
#
# - The nodule is gone, and **nothing in the picture tells**.
# - Two seeds, two fillings: a sign that nothing was measured there. But agreement is no proof.
# - A prior learned from healthy patients would fill the hole *even more* convincingly, with healthy lung.
# - So: mark every pixel that was not measured. Never read a diagnosis from it.

# %% [markdown] tags=["instructor"]
# Stop before the picture of the hole and let the group vote: nodule, no nodule, half a nodule. Then ask for a
# safe way to show such films (hatch the hole). Typical mistake: "two networks agree, so it is true". Both may share
# the same prior. Short of time: leave out the calmest stretch and Lanczos.

# %% [markdown] tags=["slide"]
# ## 8 Fewer pixels
#
# The operator now shrinks the picture, by [[Lanczos|Lanczos kernel]], as the paper does. The network draws the large
# film of which the small one would be made. Many large films fit; it takes the one that it draws first.

# %% [markdown] tags=["exercise"] exercise="lanczos_kernel"
# ### Exercise: Lanczos's kernel
#
# Write `lanczos_kernel(t, lobes=3)`: sinc(t) · sinc(t / lobes) for |t| < lobes, else 0, for an array t. `np.sinc(t)` is
# sin(πt) / (πt).

# %% tags=["stub"] exercise="lanczos_kernel"
def lanczos_kernel(t, lobes=3):
    """The weight of a pixel at distance t."""
    return ...

# %% tags=["check"] exercise="lanczos_kernel"
check("lanczos_kernel", lanczos_kernel)

# %% [markdown] tags=["hint"] exercise="lanczos_kernel"
# One sinc is the ideal filter but never ends; the second, wider one fades it out.

# %% [markdown] tags=["hint"] exercise="lanczos_kernel"
# `np.where(condition, a, b)` chooses pixel by pixel; the condition is about `np.abs(t)`.

# %% [markdown] tags=["hint"] exercise="lanczos_kernel"
# `np.sinc(t) * np.sinc(t / lobes)` where `np.abs(t) < lobes`, else 0.

# %% tags=["solution"] exercise="lanczos_kernel"
def lanczos_kernel(t, lobes=3):
    """The weight of a pixel at distance t."""
    return np.where(np.abs(t) < lobes, np.sinc(t) * np.sinc(t / lobes), 0.0)

# %% tags=["equivalent"] exercise="lanczos_kernel"
def lanczos_kernel(t, lobes=3):
    return np.sinc(t) * np.sinc(np.asarray(t) / lobes) * (abs(t) < lobes)

# %% tags=["wrong"] exercise="lanczos_kernel" says="ends"
def lanczos_kernel(t, lobes=3):
    return np.sinc(t) * np.sinc(t / lobes)

# %% tags=["wrong"] exercise="lanczos_kernel" says="fades"
def lanczos_kernel(t, lobes=3):
    return np.where(np.abs(t) < lobes, np.sinc(t), 0.0)

# %% tags=["wrong"] exercise="lanczos_kernel" says="already"
def lanczos_kernel(t, lobes=3):
    return np.where(np.abs(t) < lobes, np.sinc(np.pi * t) * np.sinc(np.pi * t / lobes), 0.0)

# %% tags=["checker"] exercise="lanczos_kernel"
def checker(lanczos_kernel):
    t = np.array([-3.4, -2.5, -1.5, -0.3, 0.0, 0.7, 1.0, 2.2, 3.6])
    full = np.sinc(t) * np.sinc(t / 3)
    got = lanczos_kernel(t)
    require(np.shape(got) == t.shape, "Return one weight for each t.")
    def like(other):
        return np.allclose(np.asarray(got, float), other)
    require(not like(full), "The kernel ends at three lobes: beyond, the weight is 0.")
    require(not like(np.where(abs(t) < 3, np.sinc(t), 0)), "The second, wider sinc, which fades the first one out, is missing.")
    double = np.sinc(np.pi * t) * np.sinc(np.pi * t / 3)
    require(not like(np.where(abs(t) < 3, double, 0)), "np.sinc has pi in it already.")
    close(got, np.where(abs(t) < 3, full, 0), "With three lobes:", rtol=1e-6)
    close(lanczos_kernel(np.array([1.5, 2.5]), 2), np.array([np.sinc(1.5) * np.sinc(0.75), 0]), "With two lobes:")

# %% tags=["varies"]
enlarged = {}
for factor in (2, 4):
    shrunk = Shrunk(factor)
    small = shrunk.shrink(truth)
    rows_up = lanczos_matrix(len(small), len(truth))
    drawn = restore(small, shrunk, steps=250, seed=1, jitter=0.01, average=0.95).picture
    enlarged[factor] = {
        "bicubic": cv2.resize(small, truth.shape, interpolation=cv2.INTER_CUBIC),
        "Lanczos": rows_up @ small @ rows_up.T,
        "deep image prior": drawn,
    }
    scores = ", ".join(f"{name} {psnr_of(p, truth):.1f} dB" for name, p in enlarged[factor].items())
    apart = np.sqrt(np.mean((shrunk.shrink(drawn) - small) ** 2))
    print(f"x{factor}: {scores}; drawn picture, shrunk again, differs by {apart:.3f}")
    claim(f"x{factor}: shrunk again, the drawn picture is the small film", apart < 0.05)

# %% tags=["slide"]
fig = films([cv2.resize(small, (64, 64), interpolation=cv2.INTER_NEAREST), *enlarged[4].values(), truth],
            ["16 x 16 pixels", *enlarged[4], "truth"], columns=5, width=12, **window)  # fmt: skip
show(fig, alt="Sixteen pixels across; three enlargements, all soft; the truth with ribs and fine vessels")

# %% tags=["varies"]
claim("On this film the network is not better than Lanczos by as much as 1 dB",
      all(psnr_of(e["deep image prior"], truth) < psnr_of(e["Lanczos"], truth) + 1
          for e in enlarged.values()))  # fmt: skip

# %% [markdown]
# A detector blurs, so this film holds few sharp edges, and a smooth filter is hard to beat. The paper shows
# photographs with sharp edges, where the network's edges are cleaner than Lanczos's. Either way: vessels that are
# lost in 16 pixels do not come back. What looks sharp was drawn, not measured.

# %% [markdown] tags=["slide"]
# ## 9 A map of priors
#
# | what we expect of a film | comes from | examples | risk |
# |---|---|---|---|
# | smooth, few edges | a formula | Gauss, total variation | blur, steps |
# | neighbours alike, at all scales | the **build** of a network | deep image prior | noise, if too late |
# | like the films it saw | many **pairs** | DnCNN | draws the average |
# | like *any* healthy patient | many films, a **generator** | AnoGAN's latent search | draws a healthy patient |
#
# Further down: stronger, and more able to convince you of what is not there.

# %%
share = (2048 / 64) ** 2
print(f"A film of 2048 x 2048 has {share:.0f} times as many pixels as ours, and each step takes that much longer.")

# %% [markdown]
# A learned network restores the next film in one pass. This one begins at zero, hundreds of steps **for each film**.
# That is its price for needing no data. It is worth paying where there is nothing to learn from: a new detector, a
# rare examination, a single old film.

# %% [markdown] tags=["instructor"]
# Questions to ask: which row of the map would you allow in your department, and for what? What would you write under
# a restored film? Those who know k-space can be asked for the operator of under-sampled MR: Fourier transform, then
# leave out lines. The same program restores it.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A convolutional network draws a film sooner than noise, even untrained. Its build is a prior.
# - So it must be **stopped**, best at the known strength of the noise. Rules without it may fail.
# - Change the operator and the same network denoises, fills, enlarges.
# - Compared with simple filters it is not better on our film; measure before you believe.
# - What was not measured is a guess: the covered nodule was not there afterwards.
# - No data needed, but hundreds of steps for every film.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - D. Ulyanov, A. Vedaldi, V. Lempitsky, Deep image prior, *CVPR* 2018; arXiv:1711.10925.
# - H. Wang, T. Li, Z. Zhuang, T. Chen, H. Liang, J. Sun, Early stopping for deep image prior, arXiv:2112.06074.
# - V. A. Morozov, On the solution of functional equations by the method of regularization, *Soviet Math. Dokl.* 7,
#   1966, 414 (the discrepancy principle).
# - L. I. Rudin, S. Osher, E. Fatemi, Nonlinear total variation based noise removal algorithms, *Physica D* 60,
#   1992, 259.
# - A. Buades, B. Coll, J.-M. Morel, A non-local algorithm for image denoising, *CVPR* 2005.

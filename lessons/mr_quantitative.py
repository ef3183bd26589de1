# %% [markdown] tags=["slide"]
# ## From pictures to numbers
#
# "Bright on T2" depends on scanner, coil and window. A **T2 of 72 ms** hardly does. This lesson
# measures four things in every voxel:
#
# 1. T2, from a train of echoes
# 2. T1 and T2 together, from one strange scan: [[fingerprinting|MR fingerprinting]]
# 3. [[Susceptibility|magnetic susceptibility]]: iron and calcium, from the phase
# 4. [[Kurtosis|diffusion kurtosis]]: how much membranes hinder water, from far too few data
#
# Each is an inverse problem: a curve or a field is measured, its cause is wanted. Each is solved
# by a classic method and by a small [[neural network]], and you will break both.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import binary_dilation
from torch import nn

from course_lib.imaging.mr import diffusion, relaxometry, susceptibility
from course_lib.imaging.mr import fingerprinting as mrf
from course_lib.imaging.mr.slices import tissue_slice, weighted, weighted_volume
from course_lib.imaging.mr.tissues import relaxation
from course_lib.patient.brain_lesions import microbleeds, white_matter_lesions
from course_lib.patient.cohort import sample_patient
from course_lib.patient.head import head_parts
from course_lib.patient.solids import ellipsoids
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.widgets import explore

torch.set_num_threads(1)  # networks as small as ours are not helped by more

# %% [markdown]
# The patient is the one of *MR: signal and contrast*, with white-matter lesions, five old
# microbleeds, and one calcified spot. We know every voxel's truth.

# %%
patient = sample_patient(7)
calcified = ("calcified spot", "calcification", ellipsoids([-26, -14, 20], [3.0, 3.0, 3.0]))
lesions = (white_matter_lesions(2, count=16), microbleeds(3), calcified)
head = head_parts(patient.seed, patient.age, patient.sex, lesions)
SIZE, FOV_MM, LEVEL_MM = 128, 230.0, 18.0
shares = tissue_slice(head, LEVEL_MM, FOV_MM, SIZE)
tissue = {name: relaxation(name, 3.0) for name in shares}
pure = {name: shares[name] > 0.99 for name in ("white_matter", "grey_matter", "csf")}
print({name: int(mask.sum()) for name, mask in pure.items()}, "voxels hold one tissue only")

# %% [markdown] tags=["slide"]
# ## 1 A T2 map
#
# Measure the same slice at several [[TE]]. In every voxel the echoes fall as $S_0\,e^{-TE/T_2}$.
#
# - **Logarithm**: $\ln S = \ln S_0 - TE/T_2$, a straight line. Its slope gives T2. Quick.
# - **Least squares** on the echoes themselves. Slower, but a faint, noisy echo counts little: the
#   logarithm had blown its noise up.

# %% [markdown]
# (Our refocusing pulses are perfect. In a real train they are not: stimulated echoes make T2 too
# long, and many leave out the first echo.)

# %%
TE = np.arange(1, 17) * 12.0  # ms
NOISE = 0.05  # standard deviation; fully relaxed water gives 1


def echo_pictures(te_ms):
    """(128, 128) clean picture at one echo time; mixed voxels add up."""
    return weighted(shares, {n: r.pd * np.exp(-te_ms / r.t2_ms) for n, r in tissue.items()})


clean = np.stack([echo_pictures(te) for te in TE], -1)
echoes = relaxometry.magnitude(clean, NOISE, np.random.default_rng(0))
inside = clean[..., 0] > 0.3

# %% tags=["slide"]
chosen = (0, 5, 10, 15)
fig = films([echoes[..., k] for k in chosen], [f"TE {TE[k]:.0f} ms" for k in chosen], vmin=0, vmax=1)
show(fig, alt="Four of sixteen echoes: brain fades into the noise, fluid stays bright")

# %% [markdown] tags=["exercise"] exercise="t2_by_line"
# ### Exercise: fit the line
#
# Write `t2_of(te, signal)`: T2 in ms by a straight line through the logarithms. Both are arrays of
# the same length.

# %% tags=["stub"] exercise="t2_by_line"
def t2_of(te, signal):
    """T2 in ms from echoes at the times te (ms)."""
    return ...

# %% tags=["check"] exercise="t2_by_line"
check("t2_by_line", t2_of)

# %% [markdown] tags=["hint"] exercise="t2_by_line"
# `np.polyfit(x, y, 1)` fits a line and gives slope and intercept. What are x and y here?

# %% [markdown] tags=["hint"] exercise="t2_by_line"
# x is te, y is `np.log(signal)`. The slope is -1/T2.

# %% [markdown] tags=["hint"] exercise="t2_by_line"
# So T2 is minus one divided by element `[0]` of `np.polyfit(te, np.log(signal), 1)`.

# %% tags=["solution"] exercise="t2_by_line"
def t2_of(te, signal):
    """T2 in ms from echoes at the times te (ms)."""
    return -1 / np.polyfit(te, np.log(signal), 1)[0]  # the slope is -1/T2

# %% tags=["equivalent"] exercise="t2_by_line"
def t2_of(te, signal):
    away, logs = te - np.mean(te), np.log(signal)
    return -np.sum(away**2) / np.sum(away * logs)

# %% tags=["equivalent"] exercise="t2_by_line"
def t2_of(te, signal):
    columns = np.stack([te, np.ones(len(te))], 1)
    return -1 / np.linalg.lstsq(columns, np.log(signal), rcond=None)[0][0]

# %% tags=["wrong"] exercise="t2_by_line" says="logarithm"
def t2_of(te, signal):
    return -1 / np.polyfit(te, signal, 1)[0]

# %% tags=["wrong"] exercise="t2_by_line" says="rate"
def t2_of(te, signal):
    return -np.polyfit(te, np.log(signal), 1)[0]

# %% tags=["wrong"] exercise="t2_by_line" says="negative"
def t2_of(te, signal):
    return 1 / np.polyfit(te, np.log(signal), 1)[0]

# %% tags=["wrong"] exercise="t2_by_line" says="all echoes"
def t2_of(te, signal):
    return (te[1] - te[0]) / np.log(signal[0] / signal[1])

# %% tags=["wrong"] exercise="t2_by_line" says="intercept"
def t2_of(te, signal):
    return -1 / np.polyfit(te, np.log(signal), 1)[1]

# %% tags=["wrong"] exercise="t2_by_line" says="natural"
def t2_of(te, signal):
    return -1 / np.polyfit(te, np.log10(signal), 1)[0]

# %% tags=["checker"] exercise="t2_by_line"
def checker(t2_of):
    te = np.array([10.0, 30.0, 50.0, 90.0])
    signal = 0.7 * np.exp(-te / 80.0)
    value = t2_of(te, signal)
    if isinstance(value, (int, float, np.number)):
        require(value > 0, "A negative T2: signals fall, so the slope is negative.")
        require(abs(value - 1 / 80) > 1e-4, "This is the rate 1/T2; we want the time.")
        require(abs(value + 1 / np.polyfit(te, signal, 1)[0]) > 0.1,
                "Take the logarithm first: only then is it a line.")  # fmt: skip
        for base in (2, 10):
            require(abs(value - 80 * np.log(base)) > 0.1, "Use the natural logarithm, np.log.")
        require(abs(value + 1 / np.log(0.7)) > 0.1,
                "This comes from the intercept. Which number is the slope?")  # fmt: skip
    close(value, 80.0, "Echoes of 0.7 exp(-te/80) must give 80 ms.")
    noisy = signal * [1.02, 0.97, 1.03, 0.99]
    line = -1 / np.polyfit(te, np.log(noisy), 1)[0]
    close(t2_of(te, noisy), line, "Right without noise. With noise all echoes must count, "
          "not only two of them.", rtol=0.01)  # fmt: skip

# %%
line = relaxometry.fit_log_linear(echoes[inside], TE)
curve = relaxometry.fit_nonlinear(echoes[inside], TE)
maps = {}
for name, fit in (("line through logarithms", line), ("least squares", curve)):
    maps[name] = np.zeros((SIZE, SIZE))
    maps[name][inside] = fit.t2_ms
for name, t2_map in maps.items():
    print(f"{name}:", end=" ")
    for part in ("white_matter", "grey_matter"):
        print(f"{part} {np.median(t2_map[pure[part]]):.0f} ms", end="  ")
    print()
print(f"truth: white matter {tissue['white_matter'].t2_ms:.0f}, "
      f"grey {tissue['grey_matter'].t2_ms:.0f} ms")
white = {name: np.median(t2_map[pure["white_matter"]]) for name, t2_map in maps.items()}
claim("The line finds white matter more than 5 % too long", white["line through logarithms"] > 73)
claim("least squares errs less there", abs(white["least squares"] - 69) < 0.75 * abs(
    white["line through logarithms"] - 69))  # fmt: skip

# %% tags=["slide"]
truth = weighted(shares, {name: r.t2_ms for name, r in tissue.items()})
pictures = [*maps.values(), truth * inside]
titles = [f"{name}, 0 to 160 ms" for name in (*maps, "truth (mean)")]
show(films(pictures, titles, columns=3, vmin=0, vmax=160, cmap="viridis", interpolation="nearest"),
     alt="Two T2 maps and the truth; the map by logarithms is brighter and noisier")

# %% [markdown] tags=["slide"]
# ### The noise floor
#
# A magnitude is never negative. Where the signal has gone, the noise still shows a mean of
# **1.25 times its standard deviation** ([[Rician noise]]). A logarithm takes this floor for a slow
# decay: T2 comes out too long, the more so the noisier the scan and the shorter T2. (Grey matter,
# with its 99 ms, hardly reached the floor.) It looks like disease.

# %%
def draw_voxel(noise, true_t2):
    rng = np.random.default_rng(4)
    measured = relaxometry.magnitude(np.exp(-TE / true_t2), noise, rng)
    fits = {
        "line": relaxometry.fit_log_linear(measured, TE),
        "least squares": relaxometry.fit_nonlinear(measured, TE),
        "knows the floor": relaxometry.fit_nonlinear(measured, TE, noise_sd=noise),
    }
    fig, ax = plt.subplots(figsize=(7, 3.6))
    ax.semilogy(TE, measured, "ko", label="measured")
    for name, fit in fits.items():
        ax.semilogy(TE, fit.s0 * np.exp(-TE / fit.t2_ms), label=f"{name}: T2 {fit.t2_ms:.0f} ms")
    ax.axhline(1.25 * noise, color="0.6", ls=":", label="noise floor")
    ax.set(xlabel="TE (ms)", ylabel="signal", ylim=(0.005, 1.3))
    ax.legend(fontsize=9)
    return fig


explore(
    draw_voxel,
    alt="echoes of one voxel on a logarithmic scale with three fits and the noise floor",
    noise=(0.002, 0.1, 0.002, 0.04),
    true_t2=(30, 150, 5, 50),
)

# %% [markdown] tags=["exercise"] exercise="noise_floor"
# ### Exercise: mend the line
#
# Keep the line, but feed it only echoes that stand out: those **above three times** the noise `sd`.
# Write `careful_t2(te, signal, sd)`.

# %% tags=["stub"] exercise="noise_floor"
def careful_t2(te, signal, sd):
    """T2 in ms by a line through the logarithms of the echoes above 3 sd."""
    return ...

# %% tags=["check"] exercise="noise_floor"
check("noise_floor", careful_t2)

# %% [markdown] tags=["hint"] exercise="noise_floor"
# First choose, then fit. `signal > 3 * sd` gives True for every echo to be kept.

# %% [markdown] tags=["hint"] exercise="noise_floor"
# Use that array as an index for both: `te[keep]` and `signal[keep]`.

# %% [markdown] tags=["hint"] exercise="noise_floor"
# The rest is the last exercise: -1 / slope of `np.polyfit(te[keep], np.log(signal[keep]), 1)`.

# %% tags=["solution"] exercise="noise_floor"
def careful_t2(te, signal, sd):
    """T2 in ms by a line through the logarithms of the echoes above 3 sd."""
    keep = signal > 3 * sd  # the floor lies at 1.25 sd
    return -1 / np.polyfit(te[keep], np.log(signal[keep]), 1)[0]

# %% tags=["equivalent"] exercise="noise_floor"
def careful_t2(te, signal, sd):
    good = [(t, math.log(s)) for t, s in zip(te, signal, strict=True) if s / sd > 3]
    t, logs = np.array(good).T
    return 1 / -np.polyfit(t, logs, 1)[0]

# %% tags=["wrong"] exercise="noise_floor" says="all echoes"
def careful_t2(te, signal, sd):
    return -1 / np.polyfit(te, np.log(signal), 1)[0]

# %% tags=["wrong"] exercise="noise_floor" says="wrong ones"
def careful_t2(te, signal, sd):
    keep = signal < 3 * sd
    return -1 / np.polyfit(te[keep], np.log(signal[keep]), 1)[0]

# %% tags=["wrong"] exercise="noise_floor" says="subtract"
def careful_t2(te, signal, sd):
    return -1 / np.polyfit(te, np.log(np.maximum(signal - 3 * sd, 1e-6)), 1)[0]

# %% tags=["wrong"] exercise="noise_floor" says="new floor"
def careful_t2(te, signal, sd):
    return -1 / np.polyfit(te, np.log(np.maximum(signal, 3 * sd)), 1)[0]

# %% tags=["wrong"] exercise="noise_floor" says="another sd"
def careful_t2(te, signal, sd):
    keep = signal > 0.09
    return -1 / np.polyfit(te[keep], np.log(signal[keep]), 1)[0]

# %% tags=["wrong"] exercise="noise_floor" says="floor itself"
def careful_t2(te, signal, sd):
    keep = signal > sd
    return -1 / np.polyfit(te[keep], np.log(signal[keep]), 1)[0]

# %% tags=["checker"] exercise="noise_floor"
def checker(careful_t2):
    te = np.arange(1, 13) * 15.0
    signal = np.sqrt(np.exp(-te / 25.0) ** 2 + 1.57 * 0.03**2)
    keep = signal > 0.09
    value = careful_t2(te, signal, 0.03)

    def line(te, signal):
        return -1 / np.polyfit(te, np.log(signal), 1)[0]

    if isinstance(value, (int, float, np.number)):
        all_used = line(te, signal)
        require(np.isfinite(value), "Leave echoes out; an echo set to 0 has no logarithm.")
        require(abs(careful_t2(te, signal, 0.05) - all_used) > 1e-6,
                "You still use all echoes, also those in the floor.")  # fmt: skip
        require(abs(value - all_used) > 1e-6, "Above 1 sd is too low: the floor itself lies there.")
        require(abs(value - line(te[~keep], signal[~keep])) > 1e-6, "You keep the wrong ones.")
        lowered = line(te, np.maximum(signal - 0.09, 1e-6))
        require(abs(value - lowered) > 1e-6, "Do not subtract anything: leave echoes out.")
        raised = line(te, np.maximum(signal, 0.09))
        require(abs(value - raised) > 1e-6, "Echoes raised to 3 sd make a new floor: leave them out.")
    close(value, line(te[keep], signal[keep]), "Only echoes above 3 sd may count.")
    keep = signal > 0.15
    close(careful_t2(te, signal, 0.05), line(te[keep], signal[keep]), "Try it with another sd.")

# %%
te_long, sd = TE, 0.05
drawn = relaxometry.magnitude(np.exp(-te_long / 50)[None].repeat(3000, 0), sd, np.random.default_rng(1))
keep = np.exp(-te_long / 50) > 3 * sd  # here we know which ones
found = {
    "line, all echoes": relaxometry.fit_log_linear(drawn, te_long),
    "line, echoes above 3 sd": relaxometry.fit_log_linear(drawn[:, keep], te_long[keep]),
    "least squares": relaxometry.fit_nonlinear(drawn, te_long),
    "least squares that knows the floor": relaxometry.fit_nonlinear(drawn, te_long, noise_sd=sd),
}
median = {name: float(np.median(fit.t2_ms)) for name, fit in found.items()}
for name, value in median.items():
    print(f"{name}: T2 {value:.1f} ms (truth 50)")
claim("Leaving out the floor mends most of the line", abs(median["line, echoes above 3 sd"] - 50) < 3)
claim("the fit that knows the floor is right",
      abs(median["least squares that knows the floor"] - 50) < 0.7)

# %% [markdown] tags=["slide"]
# ### A small network instead
#
# Simulate a hundred thousand voxels with noise, show a network the echoes, let it say T2. No
# formula for the noise is needed: the examples contain it. Training takes seconds, use is instant.

# %%
def train_network(inputs, targets, steps=500, width=48):
    """A small fully connected network, fitted to examples by least squares."""
    torch.manual_seed(0)
    x, y = (torch.as_tensor(np.asarray(v, np.float32)) for v in (inputs, targets))
    network = nn.Sequential(nn.Linear(x.shape[1], width), nn.ReLU(), nn.Linear(width, width),
                            nn.ReLU(), nn.Linear(width, y.shape[1]))  # fmt: skip
    optimiser = torch.optim.Adam(network.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        batch = torch.randint(len(x), (1024,))
        loss = ((network(x[batch]) - y[batch]) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


def ask(network, inputs):
    """What a trained network says to rows of inputs."""
    with torch.no_grad():
        return network(torch.as_tensor(np.asarray(inputs, np.float32))).numpy()


# %% tags=["varies"]
rng = np.random.default_rng(2)
t2_train = np.exp(rng.uniform(np.log(20), np.log(300), 100_000))
s0_train = rng.uniform(0.4, 1.0, (100_000, 1))
noisy = relaxometry.magnitude(s0_train * np.exp(-TE / t2_train[:, None]), sd, rng)
t2_network = train_network(noisy, np.log(t2_train)[:, None], steps=1000)
answers = np.exp(ask(t2_network, drawn)[:, 0])
spread = {"network": answers, **{name: fit.t2_ms for name, fit in found.items()}}
for name, values in spread.items():
    print(f"{name}: median {np.median(values):.1f} ms, half lie within "
          f"{np.subtract(*np.percentile(values, [75, 25])):.1f} ms")
claim("The network has learned the noise floor without being told",
      abs(np.median(answers) - 50) < 0.4 * abs(median["line, all echoes"] - 50))

# %% [markdown]
# Then the hospital buys another scanner. Its numbers are four times larger, signal and noise alike:
# grey values in MR have no unit.

# %% tags=["varies"]
other = 4 * drawn
said = np.exp(ask(t2_network, other)[:, 0])
fitted = relaxometry.fit_nonlinear(other, TE, noise_sd=4 * sd).t2_ms
print(f"T2 of 50 ms: the network says {np.median(said):.0f}, the fit {np.median(fitted):.0f}")
claim("On numbers that it never saw the network is wrong, and does not say so",
      abs(np.median(said) / 50 - 1) > 0.15)
claim("the fit does not care", abs(np.median(fitted) / 50 - 1) < 0.02)

# %% [markdown] tags=["instructor"]
# The other scanner is the most useful minute of this section. Ask: "How would you notice, if you only
# had the network's map?" (You would not; a fit leaves residuals that can be looked at.) "How would
# you mend it?" (Divide every voxel by its first echo, in training and in use.) The same question
# returns with kurtosis, and in the lessons on robustness.

# %% [markdown] tags=["slide"]
# ## 2 MR fingerprinting
#
# Do not wait for a steady state. Change the flip angle with every pulse, so that the signal never
# settles. Each pair of T1 and T2 then answers with a curve of its own: a fingerprint. Simulate all
# of them beforehand (a **dictionary**), and look the measured curve up.

# %% [markdown]
# (We give ourselves a full, nearly clean picture after every pulse. A real scan has time for one
# turn of a spiral only; the artefacts of what is left out differ from pulse to pulse, so the match
# takes them for noise.)

# %% tags=["slide"]
train = mrf.wavy_train(300)
fig, (top, bottom) = plt.subplots(2, 1, figsize=(8, 4.4), sharex=True, height_ratios=[1, 2])
top.plot(train.flip_deg, color="k")
top.set(ylabel="flip angle (°)")
for name in ("white_matter", "grey_matter", "csf", "fat"):
    r = relaxation(name)
    curve = mrf.signals([r.t1_ms], [r.t2_ms], train)[0]
    bottom.plot(r.pd * curve, label=name.replace("_", " "))
bottom.set(xlabel="pulse", ylabel="signal")
bottom.legend(ncols=2)
show(fig, alt="Flip angles in three waves, and the different signal curves of four tissues")

# %%
t1_grid, t2_grid = mrf.grid(step=0.05)
book = mrf.dictionary(t1_grid, t2_grid, train, rank=12)
print(f"{len(t1_grid)} fingerprints of {len(train)} points, kept as {book.atoms.shape[1]} numbers")
curves = mrf.signals(t1_grid[::6], t2_grid[::6], train)  # every sixth will do
again = curves @ book.basis @ book.basis.T
lost = np.linalg.norm(again - curves) / np.linalg.norm(curves)
claim("Twelve numbers hold 300 points to better than 1 %", lost < 0.01)

# %% [markdown] tags=["exercise"] exercise="mrf_match"
# ### Exercise: look it up
#
# Write `best_match(curve, dictionary)`: the row of `dictionary` (rows of any length) that has the
# same **shape** as `curve`. The voxel's [[proton density]] only scales the curve, and must not
# matter. All numbers are real; they may be negative.

# %% tags=["stub"] exercise="mrf_match"
def best_match(curve, dictionary):
    """Index of the dictionary's row that is most alike."""
    return ...

# %% tags=["check"] exercise="mrf_match"
check("mrf_match", best_match)

# %% [markdown] tags=["hint"] exercise="mrf_match"
# The inner product of two curves is large when they are alike, but also when one of them is long.

# %% [markdown] tags=["hint"] exercise="mrf_match"
# Divide every row of the dictionary by its own length (`np.linalg.norm(..., axis=1)`) first.

# %% [markdown] tags=["hint"] exercise="mrf_match"
# `alike = dictionary @ curve / np.linalg.norm(dictionary, axis=1)`, then `np.argmax(alike)`.

# %% tags=["solution"] exercise="mrf_match"
def best_match(curve, dictionary):
    """Index of the dictionary's row that is most alike."""
    lengths = np.linalg.norm(dictionary, axis=1)
    return np.argmax(dictionary @ curve / lengths)  # the cosine of the angle between them

# %% tags=["equivalent"] exercise="mrf_match"
def best_match(curve, dictionary):
    unit = dictionary / np.sqrt((dictionary**2).sum(1, keepdims=True))
    return int(np.argmin(((unit - curve / np.linalg.norm(curve)) ** 2).sum(1)))

# %% tags=["equivalent"] exercise="mrf_match"
def best_match(curve, dictionary):
    scale = (dictionary @ curve) / (dictionary**2).sum(1)  # the best proton density for each row
    return np.argmin(((curve - scale[:, None] * dictionary) ** 2).sum(1))

# %% tags=["wrong"] exercise="mrf_match" says="weak copy"
def best_match(curve, dictionary):
    return np.argmax(dictionary @ curve / (dictionary**2).sum(1))

# %% tags=["wrong"] exercise="mrf_match" says="longest"
def best_match(curve, dictionary):
    return np.argmax(dictionary @ curve)

# %% tags=["wrong"] exercise="mrf_match" says="scales"
def best_match(curve, dictionary):
    return np.argmin(((dictionary - curve) ** 2).sum(axis=1))

# %% tags=["wrong"] exercise="mrf_match" says="least alike"
def best_match(curve, dictionary):
    return np.argmin(dictionary @ curve / np.linalg.norm(dictionary, axis=1))

# %% tags=["wrong"] exercise="mrf_match" says="its index"
def best_match(curve, dictionary):
    return np.max(dictionary @ curve / np.linalg.norm(dictionary, axis=1))

# %% tags=["checker"] exercise="mrf_match"
def checker(best_match):
    time = np.linspace(0, 1, 40)
    dictionary = np.stack([np.exp(-time / t) * size for t, size in
                           ((0.2, 1.0), (0.4, 0.3), (0.8, 0.6), (2.0, 5.0), (0.3, -0.1))])  # fmt: skip
    curve = 2.0 * np.exp(-time / 0.4)  # row 1, almost seven times as strong
    value = best_match(curve, dictionary)
    if isinstance(value, (int, float, np.number)):
        require(float(value).is_integer(), "Return the row's number (its index), not its likeness.")
        plain = int(np.argmin(((dictionary - curve) ** 2).sum(1)))
        require(value != np.argmax(dictionary @ curve), "You found the longest curve, not the most "
                "alike: divide by the lengths.")  # fmt: skip
        require(value != 4, "You found the one least alike.")
        require(value != plain, "A distance depends on how the proton density scales the curve.")
    close(value, 1, "A curve like row 1, only stronger, must give 1.")
    close(best_match(0.01 * dictionary[2], dictionary), 2, "A weak copy of row 2 must give 2.")

# %%
voxel_curves = mrf.signals(
    [tissue[name].t1_ms for name in shares], [min(tissue[name].t2_ms, 2400.0) for name in shares], train
)
densities = [r.pd for r in tissue.values()]
stack = np.stack([share[inside] for share in shares.values()], 1) * densities
measured = stack @ voxel_curves
measured += 0.005 * np.random.default_rng(3).normal(size=measured.shape)
t1_found, t2_found, pd_found = book.match(measured)
in_white, in_grey = (pure[name][inside] for name in ("white_matter", "grey_matter"))
for name, mask in (("white_matter", in_white), ("grey_matter", in_grey)):
    print(f"{name}: T1 {np.median(t1_found[mask]):.0f} ({tissue[name].t1_ms:.0f}), "
          f"T2 {np.median(t2_found[mask]):.0f} ({tissue[name].t2_ms:.0f})")
error = np.median(t1_found[in_white]) / tissue["white_matter"].t1_ms - 1
claim("One scan of 3.6 s finds T1 of white matter within 5 %", abs(error) < 0.05)

# %% tags=["slide"]
found_maps = []
for values in (t1_found, t2_found, pd_found):
    found_maps.append(np.zeros((SIZE, SIZE)))
    found_maps[-1][inside] = values
limits = (2500.0, 180.0, 1.1)
pictures = [np.clip(m / limit, 0, 1) for m, limit in zip(found_maps, limits, strict=True)]
titles = ["T1, 0 to 2500 ms", "T2, 0 to 180 ms", "proton density, 0 to 1.1"]
show(films(pictures, titles, columns=3, cmap="viridis", vmin=0, vmax=1, interpolation="nearest"),
     alt="Maps of T1, T2 and proton density from one fingerprinting scan")

# %% [markdown] tags=["slide"]
# ### Dictionary against network
#
# A dictionary grows with every parameter: T1 and T2 in steps of 5 % make 6 thousand curves; add
# the pulses' strength in 20 steps, and there are 120 thousand to compare with **every voxel**.
# A network learns the way back once. Here it gets the same twelve numbers.

# %% tags=["varies"]
rng = np.random.default_rng(4)
t1_train = np.exp(rng.uniform(np.log(200), np.log(4800), 14_000))
t2_train = np.exp(rng.uniform(np.log(20), np.log(2000), 14_000))
possible = t2_train < t1_train
t1_train, t2_train = t1_train[possible], t2_train[possible]
examples = mrf.signals(t1_train, t2_train, train)
strength = np.linalg.norm(examples, axis=1, keepdims=True)
noise = 0.005 / rng.uniform(0.6, 1.0, strength.shape)


def as_input(curves):
    """Twelve numbers for each curve, of unit length, scaled for a network."""
    short = curves @ book.basis
    return 4 * short / np.linalg.norm(short, axis=1, keepdims=True)


inputs = as_input(examples + noise * rng.normal(size=examples.shape))
mrf_network = train_network(inputs, np.log([t1_train, t2_train]).T / 2, steps=700, width=96)
t1_said, t2_said = np.exp(2 * ask(mrf_network, as_input(measured))).T

# %% tags=["varies"]
def off(values, mask, truth):
    """Root mean square of the relative error."""
    return float(np.sqrt(np.mean((values[mask] / truth - 1) ** 2)))


for name, mask in (("white_matter", in_white), ("grey_matter", in_grey)):
    r = tissue[name]
    print(f"{name}: dictionary T1 {100 * off(t1_found, mask, r.t1_ms):.1f} %, "
          f"T2 {100 * off(t2_found, mask, r.t2_ms):.1f} %; "
          f"network T1 {100 * off(t1_said, mask, r.t1_ms):.1f} %, "
          f"T2 {100 * off(t2_said, mask, r.t2_ms):.1f} %")
claim("The network finds T1 of white matter within 12 %",
      off(t1_said, in_white, tissue["white_matter"].t1_ms) < 0.12)

# %%
weights_of_network = 12 * 96 + 96 * 96 + 96 * 2
print(f"multiplications for one voxel: dictionary {book.atoms.size}, network {weights_of_network}")
print(f"one parameter more, in 20 steps: {20 * book.atoms.size} and {weights_of_network + 96}")
claim("The network asks for five times fewer multiplications",
      book.atoms.size > 5 * weights_of_network)

# %% [markdown] tags=["slide"]
# ## 3 Susceptibility: iron from phase
#
# Iron is drawn into a magnet, calcium is pushed out. Both disturb the field, and spins nearby turn
# faster or slower: the **phase** of a gradient echo shows by how much. Every voxel acts as a little
# bar magnet, a [[dipole|magnetic dipole]]. So
#
# $$\text{field}(k) = D(k)\,\chi(k), \qquad D(k) = \frac13 - \frac{k_z^2}{k^2}$$
#
# (z: along the scanner's field). On magnitude images a microbleed and a calcification are both
# black. The sign of χ tells them apart.

# %%
FINE, COARSE_MM = 160, 2.5  # the field is computed on 1.25 mm, and "measured" in voxels of 2.5 mm
brain = ("grey_matter", "white_matter", "csf", "deep_grey", "pallidum", "venous_blood",
         "microbleed", "calcification")  # fmt: skip
chi_of = {name: relaxation(name).chi_ppm for name in brain}
shape_fine = (FINE, FINE)
chi_fine = weighted_volume(head, chi_of, shape_fine, COARSE_MM / 2, centre_mm=(0, 4, 12))


def coarse(volume):
    """Mean over 2 x 2 x 2 voxels: what a scan of 2.5 mm sees."""
    n = FINE // 2
    return volume.reshape(n, 2, n, 2, n, 2).mean(axis=(1, 3, 5))


def scan(direction, seed):
    """Field map in ppm with the scanner's field in this direction (z, y, x)."""
    field = coarse(susceptibility.field_of(chi_fine, direction=direction))
    return field + 0.002 * np.random.default_rng(seed).normal(size=field.shape).astype(np.float32)


chi = coarse(chi_fine)
chi -= chi.mean()  # the mean is invisible: D(0) = 0
UPRIGHT = (1.0, 0.0, 0.0)
field = scan(UPRIGHT, 0)
print(chi.shape, f"chi from {chi.min():.1f} to {chi.max():.1f} ppm")

# %% tags=["slide"]
def three_views(volume):
    """Axial, coronal and sagittal slice through the basal ganglia, upright."""
    return [volume[35], volume[::-1, 38, :], volume[::-1, :, 48]]


rows = [*three_views(chi), *three_views(field)]
titles = ["χ (truth), axial, -0.1 to 0.2 ppm", "coronal", "sagittal",
          "field, axial, same window", "coronal", "sagittal"]  # fmt: skip
show(films(rows, titles, columns=3, vmin=-0.1, vmax=0.2),
     alt="Susceptibility with bright basal ganglia and veins; the field with dipole patterns")

# %% [markdown]
# (A phase repeats after every full turn: real scans must first be *unwrapped*. Air and bone disturb
# the field far more than tissue; this "background field" is removed, too. Here the brain is alone.)

# %% [markdown] tags=["exercise"] exercise="dipole_write"
# ### Exercise: write the dipole
#
# Write `dipole(kz, ky, kx)`, the D(k) above. The three are arrays of the same shape; where all are
# zero, D is 0 by convention, and nothing may be divided by zero.

# %% tags=["stub"] exercise="dipole_write"
def dipole(kz, ky, kx):
    """D(k) for a scanner's field along z."""
    return ...

# %% tags=["check"] exercise="dipole_write"
check("dipole_write", dipole)

# %% [markdown] tags=["hint"] exercise="dipole_write"
# k² is the squared length of the vector: all three components count.

# %% [markdown] tags=["hint"] exercise="dipole_write"
# Replace k² by 1 where it is 0 (`np.where`), divide, and set the result to 0 there afterwards.

# %% [markdown] tags=["hint"] exercise="dipole_write"
# `square = kz**2 + ky**2 + kx**2`, then
# `np.where(square > 0, 1/3 - kz**2 / np.where(square > 0, square, 1), 0)`.

# %% tags=["solution"] exercise="dipole_write"
def dipole(kz, ky, kx):
    """D(k) for a scanner's field along z."""
    square = kz**2 + ky**2 + kx**2
    safe = np.where(square > 0, square, 1.0)
    return np.where(square > 0, 1 / 3 - kz**2 / safe, 0.0)  # zero at the centre by convention

# %% tags=["equivalent"] exercise="dipole_write"
def dipole(kz, ky, kx):
    square = np.asarray(kz**2 + ky**2 + kx**2, float)
    share = np.divide(kz**2, square, out=np.full(square.shape, 1 / 3), where=square > 0)
    return 1 / 3 - share

# %% tags=["equivalent"] exercise="dipole_write"
def dipole(kz, ky, kx):
    result, square = np.zeros(np.shape(kz)), kz**2 + ky**2 + kx**2
    some = square > 0
    result[some] = 1 / 3 - kz[some] ** 2 / square[some]
    return result

# %% tags=["wrong"] exercise="dipole_write" says="no root"
def dipole(kz, ky, kx):
    length = np.sqrt(kz**2 + ky**2 + kx**2)
    return np.where(length > 0, 1 / 3 - kz**2 / np.where(length > 0, length, 1), 0)

# %% tags=["wrong"] exercise="dipole_write" says="squared, too"
def dipole(kz, ky, kx):
    square = kz**2 + ky**2 + kx**2
    return np.where(square > 0, 1 / 3 - kz / np.where(square > 0, square, 1), 0)

# %% tags=["wrong"] exercise="dipole_write" says="own axis"
def dipole(kz, ky, kx):
    square = ky**2 + kx**2
    return np.where(square > 0, 1 / 3 - kz**2 / np.where(square > 0, square, 1), 0)

# %% tags=["wrong"] exercise="dipole_write" says="zero divided"
def dipole(kz, ky, kx):
    with np.errstate(all="ignore"):
        return 1 / 3 - kz**2 / (kz**2 + ky**2 + kx**2)

# %% tags=["wrong"] exercise="dipole_write" says="along z"
def dipole(kz, ky, kx):
    square = kz**2 + ky**2 + kx**2
    return np.where(square > 0, 1 / 3 - kx**2 / np.where(square > 0, square, 1), 0)

# %% tags=["wrong"] exercise="dipole_write" says="sign"
def dipole(kz, ky, kx):
    square = kz**2 + ky**2 + kx**2
    return np.where(square > 0, kz**2 / np.where(square > 0, square, 1) - 1 / 3, 0)

# %% tags=["wrong"] exercise="dipole_write" says="one third at"
def dipole(kz, ky, kx):
    square = kz**2 + ky**2 + kx**2
    return 1 / 3 - kz**2 / np.where(square > 0, square, 1)

# %% tags=["checker"] exercise="dipole_write"
def checker(dipole):
    kz = np.array([0.0, 1.0, 0.0, 0.0, 2.0])
    ky = np.array([0.0, 0.0, 1.0, 0.0, 1.0])
    kx = np.array([0.0, 0.0, 0.0, 3.0, 1.0])
    value = dipole(kz, ky, kx)
    if np.shape(value) == (5,):
        require(np.isfinite(value[0]), "At k = 0 you have zero divided by zero.")
        require(abs(value[0] - 1 / 3) > 1e-9, "You have one third at k = 0; it must be 0 there.")
        require(abs(value[1] - 1) > 1e-9, "Where is the 1/3 of the formula?")
        require(value[1] < 0.5, "The sign is turned: the 1/3 is positive.")
        require(abs(value[1]) > 1e-9, "On the field's own axis kz² = k²: put that into the formula.")
        require(value[1] < 0, "The scanner's field points along z: which component counts?")
        root, plain = 1 / 3 - 4 / np.sqrt(6), 1 / 3 - 2 / 6
        require(abs(value[4] - root) > 1e-9, "Below stands k², the square of the length: no root.")
        require(abs(value[4] - plain) > 1e-9, "Above stands kz²: it is squared, too.")
    close(value, [0, -2 / 3, 1 / 3, 1 / 3, 1 / 3 - 4 / 6], "Compare with 1/3 - kz²/k².")

# %% [markdown] tags=["slide"]
# ### Dividing by almost nothing
#
# To find χ, divide by D. But D is **zero on a cone** at 54.7° from the field (the *magic angle*).
# There the measurement says nothing, and noise divided by nearly zero becomes streaks.
#
# - **TKD** (truncated k-space division): never divide by less than a threshold.
# - **COSMOS**: turn the head and scan again. Three orientations, and no direction stays blind.
# - **Regularisation**: of all maps that fit, take the one with the fewest edges ([[total variation]]).

# %% tags=["slide"]
side = 81
kz, ky, kx = (np.broadcast_to(k, (side, side, side // 2 + 1))
              for k in susceptibility.frequencies((side,) * 3))  # fmt: skip
kernel = susceptibility.dipole_kernel((side,) * 3)[:, 0, :]
kernel = np.fft.fftshift(np.concatenate([kernel, kernel[:, :0:-1]], 1))
fig, axes = plt.subplots(1, 2, figsize=(8, 3.4))
for ax, values, title in zip(axes, (kernel, 1 / np.maximum(np.abs(kernel), 0.02)),
                             ("D(k)", "what a division multiplies by"), strict=True):  # fmt: skip
    picture = ax.imshow(values, cmap="RdBu_r" if title == "D(k)" else "gray", origin="lower")
    ax.set(title=title, xlabel="kx", ylabel="kz", xticks=[], yticks=[])
    fig.colorbar(picture, ax=ax)
show(fig, alt="The dipole kernel is zero on a cross; its inverse explodes there")

# %% [markdown] tags=["exercise"] exercise="tkd_write"
# ### Exercise: divide, but carefully
#
# Write `careful_inverse(kernel, threshold)`: 1/D where |D| is at least the threshold; elsewhere
# 1/threshold **with the sign of D** (plus where D is exactly 0).

# %% tags=["stub"] exercise="tkd_write"
def careful_inverse(kernel, threshold):
    """What to multiply the field's k-space with."""
    return ...

# %% tags=["check"] exercise="tkd_write"
check("tkd_write", careful_inverse)

# %% [markdown] tags=["hint"] exercise="tkd_write"
# Treat size and sign apart: sizes are never smaller than the threshold; signs stay.

# %% [markdown] tags=["hint"] exercise="tkd_write"
# `np.maximum(np.abs(kernel), threshold)` is the size to divide by. The sign: `np.where(kernel < 0,
# -1, 1)`.

# %% [markdown] tags=["hint"] exercise="tkd_write"
# Return the sign divided by that size.

# %% tags=["solution"] exercise="tkd_write"
def careful_inverse(kernel, threshold):
    """What to multiply the field's k-space with."""
    sign = np.where(kernel < 0, -1.0, 1.0)  # np.sign would give 0 for 0
    return sign / np.maximum(np.abs(kernel), threshold)

# %% tags=["equivalent"] exercise="tkd_write"
def careful_inverse(kernel, threshold):
    safe = np.where(np.abs(kernel) >= threshold, kernel, np.copysign(threshold, kernel))
    return 1 / np.where(kernel == 0, threshold, safe)

# %% tags=["equivalent"] exercise="tkd_write"
def careful_inverse(kernel, threshold):
    return np.where(kernel >= 0, 1 / np.maximum(kernel, threshold), 1 / np.minimum(kernel, -threshold))

# %% tags=["wrong"] exercise="tkd_write" says="stay negative, too"
def careful_inverse(kernel, threshold):
    large = np.abs(kernel) >= threshold
    return 1 / np.where(large, kernel, threshold)

# %% tags=["wrong"] exercise="tkd_write" says="more than 1/threshold"
def careful_inverse(kernel, threshold):
    return np.sign(kernel) / np.minimum(np.abs(kernel) + 1e-9, threshold)

# %% tags=["wrong"] exercise="tkd_write" says="1 over it"
def careful_inverse(kernel, threshold):
    return np.where(kernel < 0, -1, 1) * np.maximum(np.abs(kernel), threshold)

# %% tags=["wrong"] exercise="tkd_write" says="lost its sign"
def careful_inverse(kernel, threshold):
    return 1 / np.maximum(np.abs(kernel), threshold)

# %% tags=["wrong"] exercise="tkd_write" says="compare"
def careful_inverse(kernel, threshold):
    return 1 / np.maximum(kernel, threshold)

# %% tags=["wrong"] exercise="tkd_write" says="throw away"
def careful_inverse(kernel, threshold):
    large = np.abs(kernel) >= threshold
    return np.where(large, 1 / np.where(large, kernel, 1), 0)

# %% tags=["wrong"] exercise="tkd_write" says="exactly 0"
def careful_inverse(kernel, threshold):
    return np.sign(kernel) / np.maximum(np.abs(kernel), threshold)

# %% tags=["checker"] exercise="tkd_write"
def checker(careful_inverse):
    kernel = np.array([1 / 3, -2 / 3, 0.05, -0.05, 0.0])
    value = careful_inverse(kernel, 0.2)
    if np.shape(value) == (5,):
        require(abs(value[1] - 1.5) > 1e-6, "The result has lost its sign where D is negative.")
        require(abs(value[1] - 5) > 1e-6, "Negative values of D are large too: compare |D|.")
        require(abs(value[0] - 1 / 3) > 1e-6, "This is the size to divide by: return 1 over it.")
        require(np.max(np.abs(value)) < 5.001, "Nothing may be multiplied by more than 1/threshold.")
        require(abs(value[3] - 5) > 1e-6, "Small negative values of D stay negative, too.")
        require(abs(value[2]) > 1e-9, "Do not throw away what is small: use 1/threshold there.")
        require(abs(value[4]) > 1e-9, "Where D is exactly 0 the answer is plus 1/threshold.")
    close(value, [3, -1.5, 5, -5, 5], "For D = 1/3, -2/3, 0.05, -0.05, 0 and threshold 0.2.")

# %%
TILT = np.radians(30)
tilts = [UPRIGHT, (np.cos(TILT), np.sin(TILT), 0.0), (np.cos(TILT), 0.0, np.sin(TILT))]
fields = [field, scan(tilts[1], 1), scan(tilts[2], 2)]
results = {
    "TKD, one orientation": susceptibility.truncated_division(field, threshold=0.15),
    "total variation, one": susceptibility.total_variation(field, amount=3e-4),
    "COSMOS, three": susceptibility.cosmos(fields, tilts),
}
where = coarse(np.asarray(chi_fine != 0, np.float32)) > 0.99


def wrong_by(result):
    """Root mean square error inside the brain, relative to the variation of the truth."""
    return float(np.std((result - chi)[where]) / np.std(chi[where]))


for name, result in results.items():
    print(f"{name}: error {wrong_by(result):.2f}")
claim("Three orientations are far better than one by TKD",
      wrong_by(results["COSMOS, three"]) < 0.7 * wrong_by(results["TKD, one orientation"]))
claim("With one orientation, prior knowledge (few edges) wins back a good part",
      wrong_by(results["total variation, one"]) < 0.75 * wrong_by(results["TKD, one orientation"]))

# %% tags=["slide"]
pictures = [volume[::-1, :, 48] for volume in (*results.values(), chi)]
show(films(pictures, [*results, "truth"], columns=4, vmin=-0.1, vmax=0.2),
     alt="Sagittal maps: streaks with TKD, hardly any with total variation, none with COSMOS")

# %% [markdown]
# Total variation does almost too well: our virtual tissues are perfectly even inside, just what it
# assumes. Real ones are not. And look at the brainstem, low in the middle: its faint ring has almost
# gone.

# %% [markdown] tags=["slide"]
# ### Play: the threshold
#
# Low: streaks. High: no streaks, but iron comes out too small. Look at both numbers while you move.

# %%
iron = coarse(weighted_volume(head, {"pallidum": 1.0}, shape_fine, COARSE_MM / 2, (0, 4, 12))) > 0.8
quiet = where & (np.abs(chi - np.median(chi[where])) < 0.005)


def iron_in(result):
    """Susceptibility of the iron-rich nuclei against white matter, ppm."""
    return float(result[iron].mean() - np.median(result[quiet]))


def draw_tkd(threshold):
    result = susceptibility.truncated_division(field, threshold=threshold)
    fig = films([result[::-1, :, 48], result[35]], ["sagittal", "axial"], 2, 8, vmin=-0.1, vmax=0.2)
    fig.suptitle(f"iron {iron_in(result):.3f} ppm (truth {iron_in(chi):.3f}), "
                 f"noise in white matter {result[quiet].std():.3f}")  # fmt: skip
    return fig


explore(
    draw_tkd,
    alt="sagittal and axial susceptibility by truncated division at the chosen threshold",
    threshold=(0.02, 0.4, 0.02, 0.14),
)

# %%
low, high = (susceptibility.truncated_division(field, threshold=t) for t in (0.04, 0.3))
print(f"iron: {iron_in(chi):.3f} true, {iron_in(low):.3f} and {iron_in(high):.3f} found; "
      f"noise {low[quiet].std():.3f} and {high[quiet].std():.3f} ppm")
claim("A high threshold makes iron too small by a fifth", iron_in(high) < 0.82 * iron_in(chi))
claim("a low one makes white matter noisy", low[quiet].std() > 2 * high[quiet].std())

# %% [markdown] tags=["exercise", "slide"] exercise="qsm_predict"
# ### Exercise: predict
#
# True or False? Replace each `...`.

# %% tags=["stub"] exercise="qsm_predict"
averaging_helps = ...  # ten scans in the same position, averaged, make the blind cone visible
turning_about_field = ...  # turning the head about the direction of the field helps, too
nodding_helps = ...  # nodding (tilting the head against the field) makes it visible
calcium_negative = ...  # calcium (pushed out of the magnet) has a negative susceptibility here

# %% tags=["check"] exercise="qsm_predict"
check("qsm_predict", averaging_helps, turning_about_field, nodding_helps, calcium_negative)

# %% [markdown] tags=["hint"] exercise="qsm_predict"
# The cone has the field as its axis, and it is fixed to the scanner. What moves the head relative
# to the cone?

# %% [markdown] tags=["hint"] exercise="qsm_predict"
# A cone turned about its own axis is the same cone. And zero times χ, averaged ten times, is zero.

# %% [markdown] tags=["hint"] exercise="qsm_predict"
# Only tilting helps. Diamagnetic means pushed out: negative against water.

# %% tags=["solution"] exercise="qsm_predict"
averaging_helps = False  # less noise, but nothing was measured on the cone
turning_about_field = False  # the cone turned about its axis is the same cone
nodding_helps = True  # the cone now lies elsewhere in the head
calcium_negative = True  # diamagnetic

# %% tags=["equivalent"] exercise="qsm_predict"
averaging_helps, turning_about_field, nodding_helps, calcium_negative = 0, 0, 1, 1

# %% tags=["wrong"] exercise="qsm_predict" says="average"
averaging_helps, turning_about_field, nodding_helps, calcium_negative = True, False, True, True

# %% tags=["wrong"] exercise="qsm_predict" says="same cone"
averaging_helps, turning_about_field, nodding_helps, calcium_negative = False, True, True, True

# %% tags=["wrong"] exercise="qsm_predict" says="COSMOS"
averaging_helps, turning_about_field, nodding_helps, calcium_negative = False, False, False, True

# %% tags=["wrong"] exercise="qsm_predict" says="pushed out"
averaging_helps, turning_about_field, nodding_helps, calcium_negative = False, False, True, False

# %% tags=["checker"] exercise="qsm_predict"
def checker(averaging_helps, turning_about_field, nodding_helps, calcium_negative):
    for answer in (averaging_helps, turning_about_field, nodding_helps, calcium_negative):
        require(answer in (True, False), "Every answer must be True or False.")
    require(not averaging_helps, "On the cone nothing was measured: what would you average?")
    require(not turning_about_field, "A cone turned about its own axis is the same cone.")
    require(nodding_helps, "Then COSMOS would be in vain: look at its error above.")
    require(calcium_negative, "Calcium is pushed out of the magnet: diamagnetic.")

# %%
spots = {
    name: coarse(weighted_volume(head, {name: 1.0}, shape_fine, COARSE_MM / 2, (0, 4, 12))) > 0.5
    for name in ("microbleed", "calcification")
}
mapped = results["total variation, one"]
values = {name: float(np.mean(mapped[mask])) for name, mask in spots.items()}
dark = {name: relaxation(name).pd * np.exp(-20 / relaxation(name).t2star_ms) for name in spots}
for name in spots:
    print(f"{name}: {dark[name]:.3f} on a gradient echo of 20 ms, chi {values[name]:+.2f} ppm")
claim("Both are black on the gradient echo", max(dark.values()) < 0.02)
claim("but the map tells iron from calcium by its sign",
      values["microbleed"] > 0.2 and values["calcification"] < -0.2)

# %% [markdown] tags=["slide"]
# ### One orientation, learned
#
# Nobody lies in the scanner three times with a tilted head. So: scan a few volunteers three times,
# and train a network to turn *one* orientation into the map of three (QSMnet, 2018). It replaces
# "few edges" by "looks like a brain". Ours is tiny: three layers of 3 x 3 x 3 convolutions that
# correct the map by TKD. It learns from the truth, which COSMOS stands for in a real study. Our
# volunteers are healthy.

# %%
def volunteer(seed, age, lesions=()):
    """Features of one orientation's field (3, z, y, x), and susceptibility (1, z, y, x)."""
    people = head_parts(seed, age, lesions=lesions)
    fine = weighted_volume(people, chi_of, shape_fine, COARSE_MM / 2, (0, 4, 12))
    seen = coarse(susceptibility.field_of(fine))
    seen += 0.002 * np.random.default_rng(seed).normal(size=seen.shape).astype(np.float32)
    return features(seen), 10 * (coarse(fine) - fine.mean())[None]


def features(seen):
    """(3, z, y, x): TKD with two thresholds, and the field itself, scaled to about 1."""
    tkd = [susceptibility.truncated_division(seen, threshold=t) for t in (0.25, 0.1)]
    return 10 * np.stack([*tkd, seen])


def cubes(examples, rng, size=24, count=4):
    """Random cubes of the volunteers' heads: features and truth."""
    pairs = []
    for _ in range(count):
        z, y, x = rng.integers(8, 72 - size, 3)
        cube = np.s_[:, z : z + size, y : y + size, x : x + size]
        pairs.append([volume[cube] for volume in examples[rng.integers(len(examples))]])
    return (torch.from_numpy(np.stack(part)) for part in zip(*pairs, strict=True))


# %%
def learn_qsm(examples, steps=300):
    """A network that corrects the first map of the features."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 8, 3, padding=1),
                            nn.ReLU(), nn.Conv3d(8, 1, 3, padding=1))  # fmt: skip
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, steps)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        x, y = cubes(examples, rng)
        loss = (x[:, :1] + network(x) - y).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


def map_by(network):
    """The patient's map in ppm."""
    x = torch.from_numpy(features(field))
    with torch.no_grad():
        return (x[:1] + network(x[None])[0])[0].numpy() / 10


# %% tags=["varies"]
ages = {21: 30, 22: 45, 23: 60}
learned = map_by(learn_qsm([volunteer(seed, age) for seed, age in ages.items()]))
ill = binary_dilation(spots["microbleed"] | spots["calcification"], iterations=3)
results["network, one"] = learned
for name, result in results.items():
    healthy = float(np.std((result - chi)[where & ~ill]) / np.std(chi[where & ~ill]))
    spot = float(result[spots["calcification"]].mean())
    print(f"{name}: error {healthy:.2f} in healthy brain, calcified spot {spot:+.2f} ppm")
print(f"truth: calcified spot {chi[spots['calcification']].mean():+.2f} ppm")
tkd = results["TKD, one orientation"]
claim("In healthy brain the network beats the map that it corrects",
      np.std((learned - chi)[where & ~ill]) < 0.85 * np.std((tkd - chi)[where & ~ill]))
claim("but it wipes out part of what no volunteer had: calcium",
      learned[spots["calcification"]].mean() > 0.85 * tkd[spots["calcification"]].mean())

# %% tags=["varies", "slide"]
level = int(np.argwhere(spots["calcification"])[:, 0].mean())
part = np.s_[level, 22:54, 14:46]  # round the calcified spot
pictures = [volume[part] for volume in (tkd, learned, results["COSMOS, three"], chi)]
show(films(pictures, ["TKD, one", "network, one", "COSMOS, three", "truth"], vmin=-1.6, vmax=0.4),
     alt="Round the calcified spot: black in the truth, with COSMOS and TKD, grey by the network")

# %% [markdown]
# (Black is -1.6 ppm, white 0.4.) The network draws a cleaner brain, and a fainter calcification. A
# radiologist who looks for blood or calcium reads exactly such spots. Total variation, which knows
# nothing about brains, keeps it.
#
# Is the network too small, or were its examples too healthy? Change one thing only: give every
# volunteer six calcified spots, anywhere.

# %% tags=["varies"]
def spotty(seed):
    """Six calcified spots of 2 to 4 mm radius."""
    rng = np.random.default_rng(seed)
    balls = [(rng.uniform([-35, -35, 5], 35), rng.uniform(2, 4)) for _ in range(6)]
    return [(f"spot {n}", "calcification", ellipsoids(list(centre), [radius] * 3))
            for n, (centre, radius) in enumerate(balls)]  # fmt: skip


ill_volunteers = [volunteer(seed, age, tuple(spotty(seed))) for seed, age in ages.items()]
relearned = map_by(learn_qsm(ill_volunteers))
kept = {"healthy volunteers": learned, "calcified ones, too": relearned}
for name, result in kept.items():
    print(f"{name}: calcified spot {result[spots['calcification']].mean():+.2f} ppm")
claim("The same network keeps the spot once it has seen such spots",
      relearned[spots["calcification"]].mean() < 1.25 * learned[spots["calcification"]].mean())

# %% [markdown] tags=["slide"]
# ## 4 Twelve times less data: kurtosis
#
# Free water spreads as a bell curve (a Gaussian). In tissue membranes hinder it, and the curve gets
# a sharper peak: [[diffusion kurtosis]] says by how much; it is 0 for free water. Each voxel
# has **22 unknowns** (S0, a diffusion tensor, a kurtosis tensor). A careful scan measures 148
# directions and strengths: ten minutes and more.
#
# A network asked only for the *mean* kurtosis can do with **12** (Golkov, 2016), because tissue is
# not arbitrary: it has learned what signals go together.

# %%
full = diffusion.shells({0.0: 4, 1.0: 48, 2.0: 48, 3.0: 48})
few = np.concatenate([[0], 4 + np.arange(2, 48, 11), 100 + np.arange(1, 48, 8)])
few = np.sort(few)
print(f"{len(full.b)} measurements, {len(few)} of them kept; unknowns: {diffusion.UNKNOWNS}")
rank = np.linalg.matrix_rank(diffusion.design(full.take(few)))
claim("Twelve measurements cannot determine 22 unknowns", rank < diffusion.UNKNOWNS)


def voxels(count, rng):
    """(count, 148) signals of white and grey matter: two fibres, the space between them, fluid."""
    share = rng.dirichlet([2.0, 1.0, 2.0, 0.3], count)
    axes = rng.normal(size=(count, 4, 3))
    axes[:, 2] = axes[:, 0]  # the space between follows the first fibre
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    fast = rng.uniform(1.6, 2.2, count)
    along = np.stack([fast, fast, fast, np.full(count, 3.0)], 1)
    across = np.stack([0 * fast, 0 * fast, rng.uniform(0.4, 1.0, count), np.full(count, 3.0)], 1)
    return diffusion.compartments(full, share, axes, along, across)


# %% tags=["varies"]
rng = np.random.default_rng(5)
signals = voxels(24_000, rng)
_, kurtosis = diffusion.fit_kurtosis(signals, full)  # the truth: 148 measurements, no noise
SD = 0.02
noisy = relaxometry.magnitude(signals, SD, rng)
shown, hidden = slice(0, 20_000), slice(20_000, None)
dki_network = train_network(noisy[shown][:, few], kurtosis[shown, None], steps=800, width=64)
from_12 = ask(dki_network, noisy[hidden][:, few])[:, 0]
_, from_148 = diffusion.fit_kurtosis(noisy[hidden], full, weighted=True)
for name, answer in (("fit, 148", from_148), ("network, 12", from_12),
                     ("always the mean", np.full(4000, kurtosis[shown].mean()))):  # fmt: skip
    print(f"{name}: error {np.sqrt(np.mean((answer - kurtosis[hidden]) ** 2)):.3f}")
miss = float(np.sqrt(np.mean((from_12 - kurtosis[hidden]) ** 2)))
claim("From 12 measurements the network knows much more than the mean of all voxels",
      miss < 0.75 * kurtosis[hidden].std())

# %% [markdown]
# Now a tumour: tightly packed round cells, no fibres. The network has seen only fibres.

# %% tags=["varies"]
count = 2000
share = np.repeat([[0.5, 0.5]], count, 0)
axes = np.tile([0.0, 0.0, 1.0], (count, 2, 1))
slow = np.repeat([[0.15, 1.5]], count, 0)  # cells, and the space between them: no direction
tumour = diffusion.compartments(full, share, axes, slow, slow)
_, tumour_truth = diffusion.fit_kurtosis(tumour, full)
tumour_noisy = relaxometry.magnitude(tumour, SD, rng)
_, by_fit = diffusion.fit_kurtosis(tumour_noisy, full, weighted=True)
by_network = ask(dki_network, tumour_noisy[:, few])[:, 0]
bias = {"fit, 148": by_fit.mean() - tumour_truth.mean(),
        "network, 12": by_network.mean() - tumour_truth.mean()}  # fmt: skip
print(f"kurtosis of the tumour {tumour_truth.mean():.2f};",
      ", ".join(f"{name} is off by {value:+.2f}" for name, value in bias.items()))
claim("On tissue that it never saw the network is biased, more than the fit",
      abs(bias["network, 12"]) > 0.15 > abs(bias["fit, 148"]))

# %% tags=["slide"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
left.plot(kurtosis[hidden], from_12, ".", ms=2, alpha=0.4, label="tissue it knows")
left.plot(tumour_truth[:300], by_network[:300], ".", ms=3, color=COLOURS[1], label="tumour")
right.plot(kurtosis[hidden], from_148, ".", ms=2, alpha=0.4)
right.plot(tumour_truth[:300], by_fit[:300], ".", ms=3, color=COLOURS[1])
for ax, title in ((left, "network, 12 measurements"), (right, "fit, 148 measurements")):
    ax.plot([0.2, 1.8], [0.2, 1.8], "k:", lw=1)
    ax.set(title=title, xlabel="true mean kurtosis", xlim=(0.2, 1.8), ylim=(0.2, 1.8))
left.set_ylabel("found")
left.legend(loc="upper left", markerscale=5)
show(fig, alt="Found against true kurtosis: the network follows, but misses the tumour")

# %% [markdown] tags=["instructor"]
# Discussion: a map that is right for healthy brains and wrong for the tumour is worse than none.
# What would you ask of a paper on fast quantitative MR? (Tissue outside the training set; the raw
# fit beside it; residuals.) Short of time: skip section 2's network, the
# second training in section 3, and section 4's code.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A quantitative map is an inverse problem: ask what is measured, what is wanted, and what noise does.
# - The noise floor makes T2 too long; fits that know it are right.
# - Fingerprinting trades a formula for a dictionary; a network trades the dictionary for training.
# - One orientation leaves a blind cone in QSM: streaks, or a guess. Three see everything.
# - A network fills missing data with what it has seen. On what it has not seen it is wrong, politely.

# %% [markdown]
# ## References
#
# - Raya JG et al. T2 measurement in articular cartilage: fitting at low signal. Magn Reson Med
#   2010;63:181.
# - Ma D et al. Magnetic resonance fingerprinting. Nature 2013;495:187. Jiang Y et al. FISP-MRF. Magn
#   Reson Med 2015;74:1621. Cohen O et al. MRF by network (DRONE). Magn Reson Med 2018;80:885.
# - Shmueli K et al. TKD. Magn Reson Med 2009;62:1510. Liu T et al. COSMOS. Magn Reson Med 2009;61:196.
# - Yoon J et al. QSMnet. NeuroImage 2018;179:199.
# - Golkov V et al. q-space deep learning: twelve-fold shorter scans. IEEE Trans Med Imaging
#   2016;35:1344. Jensen JH et al. Diffusional kurtosis imaging. Magn Reson Med 2005;53:1432.

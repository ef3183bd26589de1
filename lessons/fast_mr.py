# %% [markdown] tags=["slide"]
# ## Seventeen minutes is too long
#
# Each line of [[k-space]] costs time. Patients move, breathe and lose patience. So leave lines out!
# But then the picture folds. Two ideas bring it back:
#
# - [[Parallel imaging]]: several coils hear the same line from different places. They know more.
# - [[Compressed sensing]]: pictures are simple (*sparse*) in the right language. That is knowledge too.
#
# A third idea, networks that have *learned* what heads look like, is the lesson after this one.

# %%
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from course_lib.imaging.mr.calibration import estimate_maps
from course_lib.imaging.mr.coils import head_coil, noise_covariance
from course_lib.imaging.mr.compressed import fista, ista, objective
from course_lib.imaging.mr.encoding import Encoding, single_coil
from course_lib.imaging.mr.exact import BodySlice, coil_kspace, kspace
from course_lib.imaging.mr.fourier import centre_crop, to_image, to_kspace
from course_lib.imaging.mr.grappa import calibrate, fill
from course_lib.imaging.mr.noise import add_noise, nrmse, root_sum_of_squares
from course_lib.imaging.mr.noise import combine as combine_coils
from course_lib.imaging.mr.sampling import (
    every,
    point_spread,
    variable_density,
    variable_density_points,
)
from course_lib.imaging.mr.sense import cg_sense, g_factor, pseudo_replicas, unfold
from course_lib.imaging.mr.sequences import SpinEcho, weights
from course_lib.imaging.mr.sparsity import Differences, Pixels, Wavelets, largest_only
from course_lib.patient.head import head_parts
from course_lib.patient.solids import ellipsoids
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 Eight ears around the head
#
# - A surface coil is a loop of wire. It hears best what lies near it.
# - Its [[sensitivity map|coil sensitivity]] is complex: a strength and a phase at every place.
# - Ours follow from the law of Biot and Savart, for eight loops on a ring.

# %%
N, FOV = 192, 240.0  # lines and columns; mm
SHAPE = (N, N)
spots = ellipsoids(
    [(29.0, -14.0, 20.0), (31.0, 8.0, 20.0), (-31.0, -4.0, 20.0)], [[4.0] * 3, [2.5] * 3, [1.7] * 3]
)
head = head_parts(3, age=45, lesions=(("lesions", "white_matter_lesion", spots),))
tissues = {tissue for part in head for tissue in (part.tissue, part.displaces)}
subject = BodySlice(head, weights(SpinEcho(tr_ms=4000, te_ms=90), tissues), z_mm=20, thickness_mm=4)
array = head_coil(coils=8, field_of_view_mm=FOV)
maps = array.maps(SHAPE)
exact = coil_kspace(subject, SHAPE, array)  # noise-free, from the solids, not from pixels
full = add_noise(exact, sd=0.004, seed=1)
print("k-space of all coils:", full.shape, full.dtype)

# %% tags=["slide"]
coil_images = to_image(full)
fig, axes = plt.subplots(2, 4, figsize=(10, 5.1))
for column in range(4):
    film(axes[0, column], np.abs(maps[2 * column]), f"coil {2 * column + 1}: sensitivity", vmax=1)
    film(axes[1, column], np.abs(coil_images[2 * column]), "what it hears", vmin=0, vmax=0.3)
show(fig, alt="Four of eight coils: bright at their own side of the head, dark at the other")

# %% [markdown] tags=["exercise"] exercise="combine"
# ### Exercise: one picture out of eight
#
# In every pixel, coil c hears $m_c = s_c\, \rho$ + noise. When all coils are equally noisy, the best
# estimate of ρ is the *least-squares* solution: the one whose squared disagreements with all coils have the
# smallest sum.
#
# $$\rho = \frac{\sum_c s_c^* m_c}{\sum_c |s_c|^2}.$$
#
# Write it. `images` and `maps` have the shape (coils, rows, columns) and are complex; the star is the
# complex conjugate (same size, opposite phase).

# %% tags=["stub"] exercise="combine"
def combined(images, maps):
    """(rows, columns), complex."""
    return ...

# %% tags=["check"] exercise="combine"
check("combine", combined)

# %% [markdown] tags=["hint"] exercise="combine"
# Sums over coils are sums over the first axis: `.sum(0)`.

# %% [markdown] tags=["hint"] exercise="combine"
# Numerator: `(maps.conj() * images).sum(0)`. It lines up all phases before adding.

# %% [markdown] tags=["hint"] exercise="combine"
# Divide it by `(np.abs(maps) ** 2).sum(0)`.

# %% tags=["solution"] exercise="combine"
def combined(images, maps):
    """(rows, columns), complex."""
    aligned = (maps.conj() * images).sum(0)  # every coil's phase is taken off; loud coils count more
    return aligned / (np.abs(maps) ** 2).sum(0)

# %% tags=["equivalent"] exercise="combine"
def combined(images, maps):
    power = np.einsum("crk,crk->rk", maps.conj(), maps).real
    return np.einsum("crk,crk->rk", maps.conj(), images) / power

# %% tags=["equivalent"] exercise="combine"
def combined(images, maps):
    aligned = sum(maps[c].conj() * images[c] for c in range(len(maps)))
    return aligned / sum(abs(s) ** 2 for s in maps)

# %% tags=["wrong"] exercise="combine" says="cancel"
def combined(images, maps):
    return images.sum(0)

# %% tags=["wrong"] exercise="combine" says="conjugate"
def combined(images, maps):
    return (maps * images).sum(0) / (np.abs(maps) ** 2).sum(0)

# %% tags=["wrong"] exercise="combine" says="Divide"
def combined(images, maps):
    return (maps.conj() * images).sum(0)

# %% tags=["wrong"] exercise="combine" says="square root"
def combined(images, maps):
    return (maps.conj() * images).sum(0) / np.sqrt((np.abs(maps) ** 2).sum(0))

# %% tags=["wrong"] exercise="combine" says="sizes"
def combined(images, maps):
    return (maps.conj() * images).sum(0) / (maps**2).sum(0)

# %% tags=["wrong"] exercise="combine" says="its maps"
def combined(images, maps):
    return (maps * images.conj()).sum(0) / (np.abs(maps) ** 2).sum(0)

# %% tags=["wrong"] exercise="combine" says="first axis"
def combined(images, maps):
    return (maps.conj() * images) / (np.abs(maps) ** 2)

# %% tags=["wrong"] exercise="combine" says="root sum of squares"
def combined(images, maps):
    return np.sqrt((np.abs(images) ** 2).sum(0))

# %% tags=["wrong"] exercise="combine" says="weak coils"
def combined(images, maps):
    return (images / maps).mean(0)

# %% tags=["checker"] exercise="combine"
def checker(combined):
    rng = np.random.default_rng(0)

    def some(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    maps, images = some(3, 4, 5), some(3, 4, 5)
    got = combined(images, maps)
    require(np.shape(got) == (4, 5), "Give one number per pixel: sum over the coils, the first axis.")
    power = (np.abs(maps) ** 2).sum(0)
    for wrong, message in (
        (images.sum(0), "The coils have different phases: added like this, they cancel."),
        ((maps * images).sum(0) / power, "Without the conjugate, phases are doubled, not removed."),
        ((maps.conj() * images).sum(0), "Divide by the total sensitivity, or near coils stay bright."),
        (np.sqrt((np.abs(images) ** 2).sum(0)), "The root sum of squares knows no maps and no phase."),
        ((maps.conj() * images).sum(0) / np.sqrt(power), "No square root below: near coils stay bright."),
        ((maps.conj() * images).sum(0) / (maps**2).sum(0), "Below are the squared sizes; `maps**2` keeps phases."),
        ((maps * images.conj()).sum(0) / power, "The star belongs to s, the coil: conjugate its maps, not the images."),
        ((images / maps).mean(0), "That counts weak coils, which are mostly noise, as much as loud ones."),
    ):
        require(not np.allclose(got, wrong), message)
    require(np.allclose(got, (maps.conj() * images).sum(0) / power), "Compare with the formula.")

# %%
truth = combine_coils(to_image(exact), maps)  # the same without noise
combined_image = combine_coils(coil_images, maps)
body = np.abs(truth) > 0.04
best_single = min(np.std((coil_images[c] / maps[c] - truth)[body].real) for c in range(8))
noise = np.std((combined_image - truth)[body].real)
print(f"noise: best single coil {best_single:.2g}, all eight {noise:.2g}")
claim("Together, eight coils have less than a third of the best coil's noise", noise < best_single / 3)

# %% [markdown]
# ### Coils overhear each other
#
# Most of the noise comes from the warm body, and neighbouring coils hear the same noise. The
# [[noise covariance]] is measured in a second of scanning without excitation. A good reconstruction
# uses it (*prewhitening*: it mixes the coils into new ones that share none). Here it is for our coils. In
# the rest of the lesson we let every coil have noise of its own; the formulas stay short.

# %%
fig, ax = plt.subplots(figsize=(3.6, 3.0))
drawn = ax.imshow(np.abs(noise_covariance(array)), cmap="viridis", vmin=0, vmax=1, extent=(0.5, 8.5, 8.5, 0.5))
ax.set(xlabel="coil", ylabel="coil", title="size of the noise covariance")
ax.grid(False)
fig.colorbar(drawn)
show(fig, alt="An 8 x 8 table: ones on the diagonal, about 0.3 between neighbours, less elsewhere")

# %% [markdown] tags=["slide"]
# ## 2 SENSE: unfold the picture
#
# - Every second line left out: the field of view is halved, two pixels lie on each other.
# - Each coil adds them up with **other weights**: $a_c = s_c(p)\,\rho_p + s_c(q)\,\rho_q$.
# - Eight coils: eight equations for two unknowns. Solve them, pixel by pixel.

# %% tags=["slide"]
folded = to_image(full * every(SHAPE, 2))[:, : N // 2] * 2  # the upper half says everything
fig, axes = plt.subplots(1, 4, figsize=(10, 1.9))
for ax, coil in zip(axes, (0, 2, 4, 6), strict=True):
    film(ax, np.abs(folded[coil]), f"coil {coil + 1}, folded", vmin=0, vmax=0.3)
show(fig, alt="Four folded coil images: forehead and occiput overlap, in another mixture in each")

# %% [markdown] tags=["exercise"] exercise="unfold_pair"
# ### Exercise: unfold one pixel
#
# Try it on paper first. Coil 1 hears 1.0 p + 0.5 q = 6.5 and coil 2 hears 0.2 p + 1.0 q = 7.6.
# What are p and q?
#
# Now write it for any number of coils: `folded` (coils,) is what they hear, `s` (coils, 2) are their
# complex sensitivities for p and q. Return the least-squares solution, an array (2,).

# %% tags=["stub"] exercise="unfold_pair"
def unfold_pair(folded, s):
    """(2,): the two pixels."""
    return ...

# %% tags=["check"] exercise="unfold_pair"
check("unfold_pair", unfold_pair)

# %% [markdown] tags=["hint"] exercise="unfold_pair"
# More equations than unknowns, and noise in all of them: "least squares" is what you need. numpy
# has it.

# %% [markdown] tags=["hint"] exercise="unfold_pair"
# By hand: multiply both sides by the conjugate transpose, $S^H S \rho = S^H a$, and solve the
# 2 x 2 system.

# %% [markdown] tags=["hint"] exercise="unfold_pair"
# `np.linalg.lstsq(s, folded)` returns four things; the solution is the first, `[0]`.

# %% tags=["solution"] exercise="unfold_pair"
def unfold_pair(folded, s):
    """(2,): the two pixels."""
    return np.linalg.lstsq(s, folded)[0]  # p = 3, q = 7 in the example

# %% tags=["equivalent"] exercise="unfold_pair"
def unfold_pair(folded, s):
    return np.linalg.solve(s.conj().T @ s, s.conj().T @ folded)

# %% tags=["equivalent"] exercise="unfold_pair"
def unfold_pair(folded, s):
    return np.linalg.pinv(s) @ folded

# %% tags=["wrong"] exercise="unfold_pair" says="conjugate"
def unfold_pair(folded, s):
    return np.linalg.solve(s.T @ s, s.T @ folded)

# %% tags=["wrong"] exercise="unfold_pair" says="all coils"
def unfold_pair(folded, s):
    return np.linalg.solve(s[:2], folded[:2])

# %% tags=["wrong"] exercise="unfold_pair" says="two pixels at once"
def unfold_pair(folded, s):
    return (s.conj() * folded[:, None]).sum(0) / (np.abs(s) ** 2).sum(0)

# %% tags=["wrong"] exercise="unfold_pair" says="solve"
def unfold_pair(folded, s):
    return s.conj().T @ folded

# %% tags=["wrong"] exercise="unfold_pair" says="complex"
def unfold_pair(folded, s):
    return np.abs(np.linalg.lstsq(s, folded)[0])

# %% tags=["wrong"] exercise="unfold_pair" says="imaginary"
def unfold_pair(folded, s):
    return np.linalg.lstsq(s.real, folded.real)[0]

# %% tags=["wrong"] exercise="unfold_pair" says="square"
def unfold_pair(folded, s):
    return np.linalg.solve(s, folded)

# %% tags=["wrong"] exercise="unfold_pair" says="four things"
def unfold_pair(folded, s):
    return np.linalg.lstsq(s, folded)

# %% tags=["checker"] exercise="unfold_pair"
def checker(unfold_pair):
    rng = np.random.default_rng(3)
    s = rng.normal(size=(6, 2)) + 1j * rng.normal(size=(6, 2))
    a = s @ np.array([3.0, 7.0]) + 0.3 * (rng.normal(size=6) + 1j * rng.normal(size=6))
    got = unfold_pair(a, s)
    require(not isinstance(got, tuple) or len(got) != 4, "lstsq returns four things; we want one.")
    require(np.shape(got) == (2,), "Return an array with two values, p and q.")
    for wrong, message in (
        (np.linalg.solve(s.T @ s, s.T @ a), "s is complex: transpose and conjugate."),
        (np.linalg.solve(s[:2], a[:2]), "Use all coils: the others make the noise smaller."),
        ((s.conj() * a[:, None]).sum(0) / (np.abs(s) ** 2).sum(0),
         "Each pixel as if it were alone. Solve for the two pixels at once."),
    ):
        require(not np.allclose(got, wrong), message)
    right = np.linalg.lstsq(s, a, rcond=None)[0]
    require(not np.allclose(got, s.conj().T @ a), "That is only the right side; now solve for the two pixels.")
    require(not np.allclose(got, np.abs(right)), "Pixels are complex: leave their phase.")
    real = np.linalg.lstsq(s.real, a.real, rcond=None)[0]
    require(not np.allclose(got, real), "You lost the imaginary parts, half of what was measured.")
    require(np.allclose(got, right, rtol=1e-3), "Not the least-squares solution.")
    small = unfold_pair(np.array([6.5, 7.6]), np.array([[1.0, 0.5], [0.2, 1.0]]))
    close(np.real(small), np.array([3.0, 7.0]), "In the example, p = 3 and q = 7.")

# %% [markdown]
# Now all pixels, and also R = 3 and 4: three and four pixels lie on each other. *Error* means from here on: the
# root mean square difference from the truth over the head, relative to the truth's own root mean square (NRMSE).

# %% tags=["slide"]
unfolded = {R: unfold(full * every(SHAPE, R), maps, R) for R in (1, 2, 3, 4)}
errors = {R: nrmse(picture, truth, body) for R, picture in unfolded.items()}
crop = (slice(12, 180), slice(30, 162))
titles = [f"R = {R}: error {error:.0%}" for R, error in errors.items()]
fig = films([np.abs(p)[crop] for p in unfolded.values()], titles, vmin=0, vmax=0.5)
show(fig, alt="SENSE with R = 1, 2, 3, 4: clean, nearly clean, noisier, noise in the middle of the head")

# %%
claim("With 8 coils, half of the lines give nearly the same picture", errors[2] < 2.2 * errors[1])
claim("with a quarter of the lines noise takes over", errors[4] > 3 * errors[2])

# %% [markdown] tags=["slide"]
# ## 3 The price: SNR and the g-factor
#
# $$\text{SNR}_R = \frac{\text{SNR}_{full}}{g \sqrt{R}}$$
#
# - **√R**: fewer lines, less listening. Nobody can avoid it.
# - **g ≥ 1**, the [[g-factor]]: how hard it is to tell the folded pixels apart. It depends on place,
#   coils and R.

# %% tags=["slide"]
g_maps = {R: g_factor(maps, R) for R in (2, 3, 4)}
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3))
for ax, (R, g) in zip(axes, g_maps.items(), strict=True):
    drawn = ax.imshow(np.where(body, g, np.nan)[crop], cmap="viridis", vmin=1, vmax=4)
    ax.set_title(f"R = {R}: mean g {g[body].mean():.2f}")
    ax.set_axis_off()
fig.colorbar(drawn, ax=axes, label="g-factor")
show(fig, alt="Maps of g: near 1 for R = 2, up to 2 for R = 3, above 4 in the middle for R = 4")

# %% [markdown]
# The map comes from a formula. Is it true? Repeat the scan with fresh noise 24 times, and look how
# much every pixel changes. This works for every method, also for those without a formula.

# %%
def measured_noise(R, replicas=24):
    """Mean over the head of every pixel's standard deviation, and where it was measured."""
    mask = every(SHAPE, R)
    return pseudo_replicas(lambda k: unfold(k, maps, R), exact, 0.004, replicas, seed=R, mask=mask)


noise_of = {R: measured_noise(R) for R in (1, 2, 3, 4)}
for R, g in g_maps.items():
    ratio = noise_of[R][body].mean() / (noise_of[1] * np.sqrt(R) * g)[body].mean()
    print(f"R = {R}: measured noise / predicted noise = {ratio:.2f}")
    claim(f"At R = {R} the formula holds within 3 %", abs(ratio - 1) < 0.03)

# %% [markdown] tags=["exercise"] exercise="snr_price"
# ### Exercise: choose an acceleration
#
# A full scan takes 12 minutes and has SNR 60. For your coil, g is 1.0, 1.1, 1.6, 3.3 for
# R = 1, 2, 3, 4. You need an SNR of at least 30.
#
# - `snr_at_3`: the SNR at R = 3;
# - `largest_R`: the largest R that is good enough;
# - `minutes`: how long that scan takes.

# %% tags=["stub"] exercise="snr_price"
snr_at_3 = ...
largest_R = ...
minutes = ...

# %% tags=["check"] exercise="snr_price"
check("snr_price", snr_at_3, largest_R, minutes)

# %% [markdown] tags=["hint"] exercise="snr_price"
# Two factors make the SNR smaller. Which are they at R = 3?

# %% [markdown] tags=["hint"] exercise="snr_price"
# At R = 3: divide 60 by 1.6 and by √3.

# %% [markdown] tags=["hint"] exercise="snr_price"
# At R = 2: 60 / (1.1 × √2) is about 39. At R = 3 it is below 30. The time is 12 minutes / R.

# %% tags=["solution"] exercise="snr_price"
snr_at_3 = 60 / (1.6 * np.sqrt(3))  # about 21.7: too little
largest_R = 2  # 38.6 is enough
minutes = 12 / largest_R

# %% tags=["equivalent"] exercise="snr_price"
snr_at_3, largest_R, minutes = 22, 2.0, 6

# %% tags=["wrong"] exercise="snr_price" says="square root"
snr_at_3, largest_R, minutes = 60 / (1.6 * 3), 2, 6

# %% tags=["wrong"] exercise="snr_price" says="g-factor"
snr_at_3, largest_R, minutes = 60 / np.sqrt(3), 3, 4

# %% tags=["wrong"] exercise="snr_price" says="not under the root"
snr_at_3, largest_R, minutes = 60 / np.sqrt(1.6 * 3), 2, 6

# %% tags=["wrong"] exercise="snr_price" says="lowers"
snr_at_3, largest_R, minutes = 60 * 1.6 / np.sqrt(3), 2, 6

# %% tags=["wrong"] exercise="snr_price" says="at least 30"
snr_at_3, largest_R, minutes = 21.65, 3, 4

# %% tags=["wrong"] exercise="snr_price" says="lines"
snr_at_3, largest_R, minutes = 21.65, 2, 12

# %% tags=["checker"] exercise="snr_price"
def checker(snr_at_3, largest_R, minutes):
    def near(value, wrong):
        return isinstance(value, (int, float, np.number)) and abs(value - wrong) < 0.01 * wrong

    require(not near(snr_at_3, 12.5), "Fewer lines cost the square root of R.")
    require(not near(snr_at_3, 34.64), "That is without the g-factor.")
    require(not near(snr_at_3, 37.5), "That is the g-factor alone; there are also fewer lines.")
    require(not near(snr_at_3, 27.39), "g stands beside the root of R, not under the root.")
    require(not near(snr_at_3, 55.43), "The g-factor lowers the SNR.")
    close(snr_at_3, 21.65, "60, over g and the root of R.", rtol=0.02)
    require(not isinstance(largest_R, str), "R is a number, without quotes.")
    require(largest_R not in (3, 4), "The SNR must be at least 30.")
    require(largest_R != 1, "You can go faster: calculate the SNR at R = 2.")
    close(largest_R, 2, "One of 1, 2, 3, 4.")
    require(minutes != 12, "Half of the lines take half of the time.")
    close(minutes, 6, "12 minutes over R.")

# %% [markdown] tags=["slide"]
# ### Play: coils and acceleration
#
# - More coils: what happens to g at R = 4?
# - Four coils and R = 4: as many equations as unknowns. Look at g.

# %%
@cache
def maps_of(coils):
    """Sensitivities of a ring of coils; with more coils the loops are smaller."""
    return head_coil(coils, FOV, loop_mm=min(90.0, 480.0 / coils)).maps(SHAPE)


def draw_sense(coils, R):
    ours, mask = maps_of(coils), every(SHAPE, R)
    noisy = add_noise(to_kspace(ours * truth), 0.004, seed=0, mask=mask)
    g = np.where(body, g_factor(ours, R), np.nan)
    fig, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.9))
    film(left, np.abs(unfold(noisy, ours, R))[crop], f"{coils} coils, R = {R}", vmin=0, vmax=0.5)
    drawn = right.imshow(g[crop], cmap="viridis", vmin=1, vmax=5)
    right.set_title(f"mean g {np.nanmean(g):.2f}")
    right.set_axis_off()
    fig.colorbar(drawn, ax=right)
    return fig


explore(
    draw_sense,
    alt="SENSE image and g-factor map for the chosen number of coils and acceleration",
    coils=(4, 16, 2, 8),
    R=(1, 4, 1, 3),
)

# %%
wide = body & np.isfinite(g_maps[4])
many, few = (g_factor(maps_of(coils), 4)[wide].mean() for coils in (16, 6))
claim("At R = 4, 16 coils have less than half of the excess g of 6 coils", many - 1 < 0.5 * (few - 1))

# %% [markdown] tags=["instructor"]
# Vote before the widget: "Twice as many coils: does g at R = 2 change?" (Hardly: it is 1 already.) Short
# of time: skip the noise covariance and section 4. The exercise `unfold_pair` is worth its time.
# Typical mistake: to think that parallel imaging averages coils and so *gains* SNR.

# %% [markdown] tags=["slide"]
# ## 4 GRAPPA: fill in k-space
#
# - SENSE needs maps. GRAPPA learns from the measured centre (the [[autocalibration signal]], ACS).
# - A coil's map is smooth: in k-space it smears every point onto its neighbours, in all coils.
# - So a missing point is a weighted sum of measured neighbours **in all coils**. The weights are the
#   same everywhere: fit them where everything is known, use them where it is not.

# %% [markdown] tags=["exercise"] exercise="grappa_weights"
# ### Exercise: learn the weights
#
# From the centre of k-space, somebody has collected `sources` (points, neighbours): in each row the
# measured neighbours of one point; and `targets` (points,): the true value of that point. Return the
# weights (neighbours,) for which `sources @ weights` comes closest to `targets`. All are complex, and
# there are many more points than neighbours.

# %% tags=["stub"] exercise="grappa_weights"
def learn_weights(sources, targets):
    """(neighbours,) complex weights."""
    return ...

# %% tags=["check"] exercise="grappa_weights"
check("grappa_weights", learn_weights)

# %% [markdown] tags=["hint"] exercise="grappa_weights"
# It is the same mathematics as unfolding a pixel: too many equations, a few unknowns.

# %% [markdown] tags=["hint"] exercise="grappa_weights"
# Least squares: `np.linalg.lstsq`, or the normal equations with the conjugate transpose.

# %% [markdown] tags=["hint"] exercise="grappa_weights"
# `np.linalg.lstsq(sources, targets)[0]`. The matrix is `sources`, the right side is `targets`.

# %% tags=["solution"] exercise="grappa_weights"
def learn_weights(sources, targets):
    """(neighbours,) complex weights."""
    return np.linalg.lstsq(sources, targets)[0]

# %% tags=["equivalent"] exercise="grappa_weights"
def learn_weights(sources, targets):
    adjoint = sources.conj().T
    return np.linalg.solve(adjoint @ sources, adjoint @ targets)

# %% tags=["equivalent"] exercise="grappa_weights"
def learn_weights(sources, targets):
    return np.linalg.pinv(sources) @ targets

# %% tags=["wrong"] exercise="grappa_weights" says="conjugate"
def learn_weights(sources, targets):
    return np.linalg.solve(sources.T @ sources, sources.T @ targets)

# %% tags=["wrong"] exercise="grappa_weights" says="all points"
def learn_weights(sources, targets):
    count = sources.shape[1]
    return np.linalg.solve(sources[:count], targets[:count])

# %% tags=["wrong"] exercise="grappa_weights" says="each other"
def learn_weights(sources, targets):
    return (sources.conj() * targets[:, None]).sum(0) / (np.abs(sources) ** 2).sum(0)

# %% tags=["wrong"] exercise="grappa_weights" says="four things"
def learn_weights(sources, targets):
    return np.linalg.lstsq(sources, targets)

# %% tags=["wrong"] exercise="grappa_weights" says="as they are"
def learn_weights(sources, targets):
    return np.linalg.lstsq(sources, targets)[0].conj()

# %% tags=["wrong"] exercise="grappa_weights" says="now solve"
def learn_weights(sources, targets):
    return sources.conj().T @ targets

# %% tags=["wrong"] exercise="grappa_weights" says="one weight for each neighbour"
def learn_weights(sources, targets):
    return sources.mean(1) / targets

# %% tags=["checker"] exercise="grappa_weights"
def checker(learn_weights):
    rng = np.random.default_rng(5)
    mixed = np.eye(4) + 0.4 * rng.normal(size=(4, 4))
    x = (rng.normal(size=(60, 4)) + 1j * rng.normal(size=(60, 4))) @ mixed
    y = x @ np.array([0.5, -0.3j, 0.2, 1 + 1j])
    y = y + 0.1 * (rng.normal(size=60) + 1j * rng.normal(size=60))
    got = learn_weights(x, y)
    require(not isinstance(got, tuple) or len(got) != 4, "lstsq returns four things; we want one.")
    require(np.shape(got) == (4,), "Return one weight for each neighbour.")
    for wrong, message in (
        (np.linalg.solve(x.T @ x, x.T @ y), "Complex numbers: transpose and conjugate."),
        (np.linalg.solve(x[:4], y[:4]), "Use all points, or the noise of a few decides."),
        ((x.conj() * y[:, None]).sum(0) / (np.abs(x) ** 2).sum(0),
         "Neighbours resemble each other: they must be fitted together."),
    ):
        require(not np.allclose(got, wrong), message)
    right = np.linalg.lstsq(x, y, rcond=None)[0]
    require(not np.allclose(got, right.conj()), "Nearly: leave the weights as they are, without conjugate.")
    require(not np.allclose(got, x.conj().T @ y), "That is only the right side; now solve.")
    require(np.allclose(got, right, rtol=1e-3), "Not the least-squares solution.")

# %%
def grappa(kspace, R, acs=24):
    """Combined image from every R-th line and `acs` lines in the middle."""
    kernel = calibrate(centre_crop(kspace, acs), R)
    return combine_coils(to_image(fill(kspace * every(SHAPE, R, acs), kernel)), maps)


filled = {R: grappa(full, R) for R in (2, 3, 4)}
grappa_errors = {R: nrmse(picture, truth, body) for R, picture in filled.items()}
for R in (2, 3, 4):
    lines = every(SHAPE, R, 24)[:, 0].sum()
    print(f"R = {R}: GRAPPA {grappa_errors[R]:.2g} from {lines} lines, SENSE {errors[R]:.2g} from {N // R}")
claim("GRAPPA works without maps, about as well as SENSE at R = 2", grappa_errors[2] < 1.2 * errors[2])

# %% tags=["slide"]
mask = every(SHAPE, 3, 24)
before = to_image(full * mask)
after = to_image(fill(full * mask, calibrate(centre_crop(full, 24), 3)))
pictures = [np.log(np.abs(full[0] * mask)[66:126, 66:126] + 1e-3), np.abs(combine_coils(before, maps))[crop],
            np.abs(combine_coils(after, maps))[crop], np.abs(combine_coils(after, maps) - truth)[crop] * 4]
titles = ["what is measured (centre)", "zeros for the rest", "GRAPPA, R = 3", "4 x its error"]
fig, axes = plt.subplots(1, 4, figsize=(10, 3.6))
for number, (ax, picture, title) in enumerate(zip(axes, pictures, titles, strict=True)):
    limits = {} if number == 0 else {"vmin": 0, "vmax": 0.5}
    film(ax, picture, title, interpolation="nearest", **limits)
show(fig, alt="Every third line and a full centre; a folded head; the GRAPPA image; its small error")

# %% [markdown]
# GRAPPA has no formula for g in this lesson, but repeated noisy scans work for it too. So here is the
# price list of our coil: SNR against acceleration.

# %%
def grappa_noise(R, replicas=10):
    """As `measured_noise`; the kernel is learned once, from the noisy centre of our scan."""
    kernel, lines = calibrate(centre_crop(full, 24), R), every(SHAPE, R)  # the same lines as SENSE
    return pseudo_replicas(
        lambda k: combine_coils(to_image(fill(k, kernel)), maps), exact, 0.004, replicas, seed=R, mask=lines
    )


noise_grappa = {R: grappa_noise(R) for R in (2, 3, 4)}
snr = {"SENSE": [1.0], "GRAPPA": [1.0]}
for R in (2, 3, 4):
    snr["SENSE"].append(np.mean((noise_of[1] / noise_of[R])[body]))
    snr["GRAPPA"].append(np.mean((noise_of[1] / noise_grappa[R])[body]))

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(6, 3.2))
ax.plot([1, 2, 3, 4], 1 / np.sqrt([1, 2, 3, 4]), "--", color=COLOURS[6], label="1/√R: fewer lines")
for (name, values), marker in zip(snr.items(), "os", strict=True):
    ax.plot([1, 2, 3, 4], values, marker=marker, label=f"{name}, measured")
ax.set(xlabel="acceleration R", ylabel="SNR, full scan = 1", xticks=[1, 2, 3, 4], ylim=(0, 1.05))
ax.legend()
show(fig, alt="SNR falls with R; SENSE and GRAPPA keep to the root law at 2 and fall below it at 3 and 4")

# %%
claim("At R = 2 both lose little more than √2", min(snr["SENSE"][1], snr["GRAPPA"][1]) > 0.6)
claim("At R = 4 SENSE has lost far more than half of the SNR", snr["SENSE"][3] < 0.3)

# %% [markdown]
# GRAPPA seems to be ahead, at R = 2 even of the law of the root. That is no miracle: weights learned from
# noisy lines, and held small on purpose by the fit (*ridge*), come out a little too small. They damp the noise, and a bit of the picture with it. Low
# noise alone proves nothing; the error above counts both.

# %% [markdown] tags=["slide"]
# ### Break it: maps that do not fit
#
# SENSE believes its maps. If they come from a scan at another position, or from a program that counts
# phases the other way round (the conjugate), it does not complain. It just unfolds wrongly.

# %%
def sense_with(found, R=3):
    """Loudness-corrected SENSE image with the maps `found`."""
    picture = unfold(full * every(SHAPE, R), found, R)
    return np.abs(picture) * root_sum_of_squares(found)


loud = np.abs(truth) * root_sum_of_squares(maps)  # as a root-sum-of-squares image would look
trials = {
    "right maps": maps,
    "10 mm off": np.roll(maps, 8, axis=1),
    "conjugate": maps.conj(),
    "from 24 x 24 points": estimate_maps(centre_crop(full, 24, 24), SHAPE, threshold=0.03),
}
pictures = {name: sense_with(found) for name, found in trials.items()}
map_errors = {name: nrmse(picture, loud, body) for name, picture in pictures.items()}

# %% tags=["slide"]
titles = [f"{name}: {map_errors[name]:.0%}" for name in trials]
fig = films([picture[crop] for picture in pictures.values()], titles, vmin=0, vmax=0.3)
show(fig, alt="SENSE at R = 3 with right maps; shifted: ghosts; conjugate: ruined; estimated: good")

# %%
claim("Maps that are 10 mm off make ghosts", map_errors["10 mm off"] > 1.3 * map_errors["right maps"])
claim("the sign of the phase matters", map_errors["conjugate"] > 3 * map_errors["right maps"])
claim("Maps from the scan's own centre are good enough",
      map_errors["from 24 x 24 points"] < 1.3 * map_errors["right maps"])

# %% [markdown] tags=["slide"]
# ## 5 Compressed sensing: leave out lines by chance
#
# Three ingredients (Lustig, Donoho, Pauly 2007):
#
# 1. **Incoherence**: what is left out must look like noise in the picture, not like a copy.
# 2. **[[Sparsity]]**: in some domain, few numbers say nearly everything.
# 3. **A nonlinear reconstruction** that finds the sparsest picture that fits the data.

# %% tags=["slide"]
patterns = {
    "every 4th line": every(SHAPE, 4),
    "lines by chance": variable_density(SHAPE, 4, acs=12, seed=3),
    "points, uniform": variable_density_points(SHAPE, 4, acs=0, power=0, seed=3),
    "points, dense centre": variable_density_points(SHAPE, 4, acs=16, seed=3),
}
one_coil = to_image(kspace(subject, SHAPE, FOV))  # one ideal coil
fig, axes = plt.subplots(2, 4, figsize=(10, 5.2))
for column, (name, mask) in enumerate(patterns.items()):
    film(axes[0, column], mask, name, interpolation="nearest")
    film(axes[1, column], np.abs(to_image(to_kspace(one_coil) * mask)), vmin=0, vmax=0.3)
show(fig, alt="Four patterns with a quarter of k-space, and their images: copies, smear, noise, soft noise")

# %%
aside = {}
for name, mask in patterns.items():
    spread = np.abs(point_spread(mask))
    spread[N // 2 - 3 : N // 2 + 4, N // 2 - 3 : N // 2 + 4] = 0  # what is left lies away from the point
    aside[name] = spread.max()
print("highest false peak:", ", ".join(f"{name} {peak:.2f}" for name, peak in aside.items()))
claim("Even gaps make a full copy of every point", aside["every 4th line"] > 0.99)
claim("points by chance make none above 10 %", aside["points, dense centre"] < 0.1)

# %% [markdown]
# Points by chance in both directions are for 3-D scans, where both cost time. In 2-D, only lines can
# be left out.
#
# ### In which domain is a head sparse?
#
# A [[wavelet]] is a short wave packet at one place and of one size. The transform writes the picture as a
# sum of such packets, large to small; where the picture is smooth, the small ones are nearly zero.
# Two families here: Haar (steps) and db4 (smoother, Daubechies).
#
# Keep only the largest coefficients, throw the rest away, and look how much of the picture is lost.
# (A third language, *differences* between neighbours, joins us below.)

# %% tags=["slide"]
languages = {"pixels": Pixels(), "wavelets (Haar)": Wavelets(SHAPE, "haar"), "wavelets (db4)": Wavelets(SHAPE)}
shares = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.4])
lost = {}
for name, domain in languages.items():
    values = domain.analyse(one_coil)
    lost[name] = [np.linalg.norm(values - largest_only(values, s)) / np.linalg.norm(values) for s in shares]
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), width_ratios=(1.25, 1))
for name, marker in zip(languages, "osv", strict=True):
    left.loglog(100 * shares, 100 * np.maximum(lost[name], 1e-4), marker=marker, label=name)
left.set(xlabel="coefficients kept (%)", ylabel="lost (%)", xticks=[1, 2, 5, 10, 20, 40], ylim=(0.5, 100))
left.set_xticklabels(["1", "2", "5", "10", "20", "40"])
left.legend()
film(right, np.abs(languages["wavelets (db4)"].analyse(one_coil)) ** 0.3, "wavelet coefficients", interpolation="nearest")
show(fig, alt="Pixels lose most, both wavelets little; the wavelet coefficients are mostly black")

# %%
at_ten = {name: values[3] for name, values in lost.items()}
print("lost when 10 % are kept:", ", ".join(f"{name} {value:.2f}" for name, value in at_ten.items()))
claim("A tenth of the wavelets loses far less than a tenth of the pixels",
      at_ten["wavelets (db4)"] < 0.35 * at_ten["pixels"])

# %% [markdown] tags=["slide"]
# ### The tool: soft threshold
#
# Noise and smear make many small coefficients, anatomy makes few large ones. The
# [[soft threshold]] makes every coefficient smaller by a fixed amount; the small ones become zero.

# %% [markdown] tags=["exercise"] exercise="soft_threshold"
# ### Exercise: soft threshold of complex numbers
#
# Write `soft(values, amount)`. The *size* of every number shrinks by `amount`; if it is smaller than
# that, it becomes 0. The *phase* stays. It must work for 0 as well.

# %% tags=["stub"] exercise="soft_threshold"
def soft(values, amount):
    """values: complex array of any shape; amount: a positive number."""
    return ...

# %% tags=["check"] exercise="soft_threshold"
check("soft_threshold", soft)

# %% [markdown] tags=["hint"] exercise="soft_threshold"
# Split a complex number into size and phase: value = size × exp(i phase). Only the size changes.

# %% [markdown] tags=["hint"] exercise="soft_threshold"
# New size: `np.maximum(np.abs(values) - amount, 0)`. Phase: `np.exp(1j * np.angle(values))`.

# %% [markdown] tags=["hint"] exercise="soft_threshold"
# Multiply the two. (If you divide by `np.abs(values)` instead, think of the zeros.)

# %% tags=["solution"] exercise="soft_threshold"
def soft(values, amount):
    """values: complex array of any shape; amount: a positive number."""
    size = np.maximum(np.abs(values) - amount, 0)  # smaller, but never negative
    return size * np.exp(1j * np.angle(values))  # the phase of 0 is 0: no division

# %% tags=["equivalent"] exercise="soft_threshold"
def soft(values, amount):
    size = np.abs(values)
    return values * np.maximum(1 - amount / np.maximum(size, 1e-12), 0)

# %% tags=["equivalent"] exercise="soft_threshold"
def soft(values, amount):
    size = np.abs(values)
    unit = np.divide(values, size, out=np.zeros_like(values), where=size > 0)
    return np.where(size > amount, unit * (size - amount), 0)

# %% tags=["wrong"] exercise="soft_threshold" says="hard threshold"
def soft(values, amount):
    return np.where(np.abs(values) > amount, values, 0)

# %% tags=["wrong"] exercise="soft_threshold" says="become 0"
def soft(values, amount):
    return (np.abs(values) - amount) * np.exp(1j * np.angle(values))

# %% tags=["wrong"] exercise="soft_threshold" says="phase"
def soft(values, amount):
    return np.maximum(np.abs(values) - amount, 0)

# %% tags=["wrong"] exercise="soft_threshold" says="real and imaginary"
def soft(values, amount):
    def real_soft(x):
        return np.sign(x) * np.maximum(np.abs(x) - amount, 0)
    return real_soft(values.real) + 1j * real_soft(values.imag)

# %% tags=["wrong"] exercise="soft_threshold" says="imaginary unit"
def soft(values, amount):
    return np.maximum(np.abs(values) - amount, 0) * np.exp(np.angle(values))

# %% tags=["wrong"] exercise="soft_threshold" says="mirrored"
def soft(values, amount):
    return np.maximum(np.abs(values) - amount, 0) * np.exp(-1j * np.angle(values))

# %% tags=["wrong"] exercise="soft_threshold" says="zero"
def soft(values, amount):
    size = np.abs(values)
    with np.errstate(all="ignore"):
        return values / size * np.maximum(size - amount, 0)

# %% tags=["checker"] exercise="soft_threshold"
def checker(soft):
    angles = np.exp(1j * np.array([0.3, 2.0, -1.0, 3.0]))
    values = np.array([3.0, 1.0, 0.4, 0.1]) * angles
    got = soft(values.copy(), 0.5)
    require(np.shape(got) == (4,), "The result has the shape of the values.")
    sizes = np.array([2.5, 0.5, 0.0, 0.0])
    require(not np.allclose(got, np.where(np.abs(values) > 0.5, values, 0)),
            "That is the hard threshold: it keeps the large ones as they are.")
    require(not np.allclose(got, (np.abs(values) - 0.5) * angles),
            "Numbers smaller than the amount must become 0, not change their sign.")
    require(not np.allclose(got, sizes), "The phase got lost.")
    require(not np.allclose(np.abs(got), sizes + 0.5), "The size must shrink.")
    parts = [np.sign(x) * np.maximum(np.abs(x) - 0.5, 0) for x in (values.real, values.imag)]
    require(not np.allclose(got, parts[0] + 1j * parts[1]),
            "You treat real and imaginary part one by one: that changes the phase.")
    phases = np.angle(angles)
    require(not np.allclose(got, sizes * np.exp(phases)), "The imaginary unit is missing: exp(1j * phase).")
    require(not np.allclose(got, sizes * angles.conj()), "Your phases are mirrored.")
    require(np.allclose(got, sizes * angles), "Compare the sizes: 3.0, 1.0, 0.4, 0.1 give 2.5, 0.5, 0, 0.")
    zero = soft(np.zeros(1, complex), 0.5)
    require(np.allclose(zero, 0), "A value of exactly zero must give zero (no division by zero).")

# %% [markdown] tags=["slide"]
# ## 6 ISTA: in turn towards the data, and towards sparsity
#
# We look for the image that minimises $\frac12 |E x - y|^2 + \lambda\, |\Psi x|_1$
# (E: scanner, y: data, Ψ: wavelets, λ: how much sparsity counts). [[ISTA]] repeats two steps:
#
# 1. **Data**: take off what disagrees with the measurement, $x \leftarrow x - E^H (E x - y)$.
# 2. **Sparsity**: soft threshold of the wavelet coefficients.

# %% [markdown] tags=["exercise"] exercise="ista_step"
# ### Exercise: one step of ISTA
#
# One coil: E is `mask * to_kspace(x)`. Its adjoint $E^H$ (the way back) is `to_image(mask * ...)`. Write
# `ista_step(x, y, mask, shrink)`: first the data step, then `shrink(...)`, which is given.
# `y` is the measured k-space, 0 where nothing was measured.

# %% tags=["stub"] exercise="ista_step"
def ista_step(x, y, mask, shrink):
    """The next image (rows, columns)."""
    return ...

# %% tags=["check"] exercise="ista_step"
check("ista_step", ista_step)

# %% [markdown] tags=["hint"] exercise="ista_step"
# What would the scanner measure if x were the truth? Compare that with y, where y was measured.

# %% [markdown] tags=["hint"] exercise="ista_step"
# The disagreement in k-space is `mask * to_kspace(x) - y`. Bring it to the image, take it off x.

# %% [markdown] tags=["hint"] exercise="ista_step"
# `shrink(x - to_image(mask * to_kspace(x) - y))`

# %% tags=["solution"] exercise="ista_step"
def ista_step(x, y, mask, shrink):
    """The next image (rows, columns)."""
    disagreement = mask * to_kspace(x) - y  # only where something was measured
    return shrink(x - to_image(disagreement))

# %% tags=["equivalent"] exercise="ista_step"
def ista_step(x, y, mask, shrink):
    return shrink(to_image(np.where(mask, y, to_kspace(x))))  # put the measured points in

# %% tags=["equivalent"] exercise="ista_step"
def ista_step(x, y, mask, shrink):
    return shrink(x + to_image(mask * (y - to_kspace(x))))

# %% tags=["wrong"] exercise="ista_step" says="away from the data"
def ista_step(x, y, mask, shrink):
    return shrink(x + to_image(mask * to_kspace(x) - y))

# %% tags=["wrong"] exercise="ista_step" says="was not measured"
def ista_step(x, y, mask, shrink):
    return shrink(x - to_image(to_kspace(x) - y))

# %% tags=["wrong"] exercise="ista_step" says="shrink"
def ista_step(x, y, mask, shrink):
    return x - to_image(mask * to_kspace(x) - y)

# %% tags=["wrong"] exercise="ista_step" says="order"
def ista_step(x, y, mask, shrink):
    x = shrink(x)
    return x - to_image(mask * to_kspace(x) - y)

# %% tags=["wrong"] exercise="ista_step" says="way back"
def ista_step(x, y, mask, shrink):
    return shrink(x - to_kspace(mask * to_kspace(x) - y))

# %% tags=["wrong"] exercise="ista_step" says="before you leave it"
def ista_step(x, y, mask, shrink):
    return shrink(x - mask * to_image(to_kspace(x) - y))

# %% tags=["wrong"] exercise="ista_step" says="new image"
def ista_step(x, y, mask, shrink):
    return x - shrink(to_image(mask * to_kspace(x) - y))

# %% tags=["wrong"] exercise="ista_step" says="starts from x"
def ista_step(x, y, mask, shrink):
    return shrink(-to_image(mask * to_kspace(x) - y))

# %% tags=["checker"] exercise="ista_step"
def checker(ista_step):
    rng = np.random.default_rng(2)

    def some():
        return (rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8))).astype(np.complex64)

    def shrink(v):
        return v * np.maximum(1 - 0.4 / np.abs(v), 0)

    mask = rng.random((8, 8)) < 0.5
    x, y = some(), some() * mask
    got = ista_step(x.copy(), y.copy(), mask, shrink)
    require(np.shape(got) == (8, 8), "The next image has the same shape as x.")
    wrong_by = mask * to_kspace(x) - y
    small = shrink(x)
    for wrong, message in (
        (shrink(x + to_image(wrong_by)), "You go away from the data: take the disagreement off."),
        (shrink(x - to_image(to_kspace(x) - y)), "What was not measured is 0 in y, and says nothing: use the mask."),
        (x - to_image(wrong_by), "The data step is right. Now shrink."),
        (small - to_image(mask * to_kspace(small) - y), "The order: first the data step, then shrink."),
        (shrink(-to_image(wrong_by)), "The step starts from x."),
        (shrink(x - to_kspace(wrong_by)), "The way back from k-space to the image is `to_image`."),
        (shrink(x - mask * to_image(to_kspace(x) - y)),
         "The mask belongs to k-space: use it there, before you leave it."),
        (x - shrink(to_image(wrong_by)), "Shrink the new image, not the disagreement."),
    ):
        require(not np.allclose(got, wrong, atol=1e-5), message)
    require(np.allclose(got, shrink(x - to_image(wrong_by)), atol=1e-5), "Follow the two steps above.")

# %% [markdown]
# ISTA gets there, but slowly. [[FISTA]] adds momentum: it goes a bit further in the direction of the
# last step. Same cost per step, far fewer steps.

# %%
mask = variable_density_points(SHAPE, 4, acs=16, seed=3)
measured = add_noise(to_kspace(one_coil), 0.004, seed=2, mask=mask)[None]
scanner, fixed = single_coil(mask), Wavelets(SHAPE, spin=False)
curves = {}
for name, method in {"ISTA": ista, "FISTA": fista}.items():
    images = []
    method(measured, scanner, fixed, 0.003, 60, watch=images.append)
    curves[name] = [objective(x, measured, scanner, fixed, 0.003) for x in images]

# %% tags=["slide"]
best = objective(fista(measured, scanner, fixed, 0.003, 250), measured, scanner, fixed, 0.003)
fig, ax = plt.subplots(figsize=(6.5, 3))
for name, values in curves.items():
    ax.semilogy(range(1, 61), np.array(values) / best - 1, label=name)
ax.set(xlabel="step", ylabel="distance from the best, relative")
ax.legend()
show(fig, alt="The value that is minimised falls much faster with FISTA than with ISTA")

# %%
reached = next(i for i, value in enumerate(curves["FISTA"], 1) if value <= curves["ISTA"][-1])
print(f"FISTA is after {reached} steps where ISTA is after 60")
claim("FISTA needs less than half the steps", reached < 30)

# %% tags=["slide"]
domains = {"wavelets": Wavelets(SHAPE), "differences": Differences(), "pixels": Pixels()}
results = {"zeros": scanner.adjoint(measured)}
for name, domain in domains.items():
    results[name] = fista(measured, scanner, domain, 0.003, 60)
cs_errors = {name: nrmse(picture, one_coil, body) for name, picture in results.items()}
titles = [f"{name}: {cs_errors[name]:.0%}" for name in results]
fig = films([np.abs(p)[crop] for p in results.values()], titles, vmin=0, vmax=0.5)
show(fig, alt="A quarter of the points: zero filled is hazy; wavelets and differences nearly "
     "clean; pixels grainy")

# %%
claim("Pixels are the worst language for a head", cs_errors["pixels"] > 1.2 * cs_errors["wavelets"])
claim("Wavelets halve the error of zero filling", cs_errors["wavelets"] < 0.5 * cs_errors["zeros"])
claim("Differences do so too", cs_errors["differences"] < 0.55 * cs_errors["zeros"])

# %% [markdown]
# Careful: our virtual head is made of uniform solids, so small differences between neighbours (*total
# variation*) suit it **too** well. Real tissue has texture, and there total variation paints patches
# like a poster. Always ask on which objects a method was tested.

# %% [markdown] tags=["slide"]
# ## 7 Both together
#
# Coils and sparsity are independent knowledge; put them into one problem: E holds the coils' maps
# **and** the mask. With 1/4 of the lines of a 2-D scan. (CG-SENSE is SENSE for any pattern of lines: it solves
# all pixels together, step by step, by *conjugate gradients*.)

# %%
loudness = root_sum_of_squares(maps)
even_maps = maps / loudness  # each pixel equally loud: one threshold suits all
mask = variable_density(SHAPE, 4, acs=16, seed=1)
data = full * mask
scanner = Encoding(even_maps, mask)
together = {
    "zeros": scanner.adjoint(data),
    "coils (CG-SENSE)": cg_sense(data, scanner, 12),
    "coils + wavelets": fista(data, scanner, Wavelets(SHAPE), 0.003, 50),
    "coils + differences": fista(data, scanner, Differences(), 0.003, 50),
}
together_errors = {name: nrmse(np.abs(p), loud, body) for name, p in together.items()}

# %% tags=["slide"]
titles = [f"{name}: {together_errors[name]:.0%}" for name in together]
fig, axes = plt.subplots(2, 4, figsize=(10, 6.2))
for column, (title, picture) in enumerate(zip(titles, together.values(), strict=True)):
    film(axes[0, column], np.abs(picture)[crop], title, vmin=0, vmax=0.3)
    film(axes[1, column], np.abs(np.abs(picture) - loud)[crop], "error x 5", vmin=0, vmax=0.06)
show(fig, alt="A quarter of the lines: zeros blur; CG-SENSE is noisy; with wavelets or differences "
     "clean; below, the errors")

# %%
plain, sparse = together_errors["coils (CG-SENSE)"], together_errors["coils + wavelets"]
claim("Sparsity takes a third off the error of CG-SENSE", sparse < 0.67 * plain)

# %% [markdown] tags=["slide"]
# ## 8 What λ may cost: the smallest lesion
#
# - λ too small: noise and smear stay. λ too large: everything small is "noise", and is gone.
# - Our head has three bright spots in the white matter: radius 4, 2.5 and 1.7 mm.
# - The picture looks *cleaner and cleaner*. Watch the small one.

# %%
def lesion_contrast(picture, centre_mm):
    """Height of a spot above its surroundings: peak within 2.5 mm minus median from 8 to 12 mm."""
    axis = (np.arange(N) - (N - 1) / 2) * FOV / N
    away = np.hypot(axis[None, :] - centre_mm[0], axis[:, None] - centre_mm[1])
    return picture[away < 2.5].max() - np.median(picture[(away > 8) & (away < 12)])


places = {"4 mm": (29, -14), "2.5 mm": (31, 8), "1.7 mm": (-31, -4)}
solids = next(part.geometry for part in head if part.name == "lesions").union
places = dict(zip(places, solids.centre[:, :2], strict=True))  # scaled with this patient's head
amounts = (0.0005, 0.002, 0.006, 0.02, 0.06)
strength = {a: np.abs(fista(data, scanner, Wavelets(SHAPE), a, 40)) for a in amounts}
kept = {
    size: [lesion_contrast(strength[a], spot) / lesion_contrast(loud, spot) for a in amounts]
    for size, spot in places.items()
}

# %% tags=["slide"]
near = (slice(50, 125), slice(55, 137))
fig, axes = plt.subplots(1, 4, figsize=(11, 3), width_ratios=(1, 1, 1, 1.3))
for ax, a in zip(axes, (0.0005, 0.006, 0.06), strict=False):
    film(ax, strength[a][near], f"λ = {a:g}: error {nrmse(strength[a], loud, body):.0%}", vmin=0, vmax=0.3)
for size, values in kept.items():
    axes[3].semilogx(amounts, values, marker="o", label=size)
axes[3].set(xlabel="λ", ylabel="contrast left", ylim=(0, 1.3))
axes[3].legend(title="radius")
show(fig, alt="With growing lambda the picture gets smoother; the 1.7 mm spot loses its contrast first")

# %%
claim("With a large λ the 1.7 mm lesion loses more than half of its contrast", kept["1.7 mm"][-1] < 0.5)
claim("while the 4 mm lesion keeps more than half", kept["4 mm"][-1] > 0.5)

# %% [markdown] tags=["slide"]
# ### Play: find your λ
#
# Which λ would you sign for? Look at the error, and at the smallest spot (left of the ventricle in the
# picture). They do not always agree.

# %%
def draw_cs(acceleration, domain, log_lambda):
    lines = variable_density(SHAPE, acceleration, acs=16, seed=1)
    encoding = Encoding(even_maps, lines)
    picture = np.abs(fista(full * lines, encoding, domains[domain], 10.0**log_lambda, 25))
    left = lesion_contrast(picture, places["1.7 mm"]) / lesion_contrast(loud, places["1.7 mm"])
    fig, axes = plt.subplots(1, 2, figsize=(7.6, 4.2))
    film(axes[0], picture[crop], f"error {nrmse(picture, loud, body):.1%}", vmin=0, vmax=0.3)
    film(axes[1], picture[near], f"smallest spot: {left:.0%} of its contrast", vmin=0, vmax=0.3)
    return fig


explore(
    draw_cs,
    alt="compressed sensing at the chosen acceleration, domain and lambda, with its error",
    acceleration=(2, 8, 1, 4),
    domain=["wavelets", "differences", "pixels"],
    log_lambda=(-4.0, -1.0, 0.25, -2.5),
)

# %% [markdown] tags=["instructor"]
# The best discussion of this lesson: "The error fell, the lesion vanished. Which of the two do you
# report to the journal?" It prepares the next lessons, where a network decides what is noise. NRMSE, PSNR
# and SSIM are averages over a head; a lesion has a dozen pixels.

# %% [markdown] tags=["slide"]
# ## 9 Where does that leave the 17 minutes?
#
# | method | what it knows | factor in practice | price |
# |---|---|---|---|
# | partial Fourier | smooth phase | 1.3-1.6 | SNR, blur if the phase is rough |
# | echo trains (TSE) | many lines per TR | 8-32 | blur from T2 decay |
# | SENSE, GRAPPA | coils | 2-3 per direction | g √R |
# | compressed sensing | sparsity | 2-8 (more in 3-D, dynamic) | texture, small lesions, time to calculate |
# | learned | what such images look like | 4-10 | what was never seen in training |
#
# They multiply, and so do their prices.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Coils give several equations per pixel; SENSE solves them in the image, GRAPPA fills k-space.
# - SNR falls by √R (less listening) and by g (folded pixels that look alike to the coils).
# - Compressed sensing needs all three: incoherent gaps, a sparse domain, a nonlinear solver.
# - One wrong map ruins SENSE silently. One λ too large erases small lesions beautifully.
# - Judge a fast method on exact or real raw data, and on lesions, not on the mean error alone.

# %% [markdown]
# ## References
#
# - K. P. Pruessmann et al., Magn. Reson. Med. 42 (1999) 952 and 46 (2001) 638: SENSE, CG-SENSE.
# - M. A. Griswold et al., Magn. Reson. Med. 47 (2002) 1202: GRAPPA.
# - P. B. Roemer et al., Magn. Reson. Med. 16 (1990) 192: arrays, optimal combination.
# - P. M. Robson et al., Magn. Reson. Med. 60 (2008) 895: noise by pseudo-replicas.
# - D. O. Walsh, A. F. Gmitro, M. W. Marcellin, Magn. Reson. Med. 43 (2000) 682: maps from the data.
# - M. Lustig, D. Donoho, J. M. Pauly, Magn. Reson. Med. 58 (2007) 1182: compressed sensing MRI.
# - A. Beck, M. Teboulle, SIAM J. Imaging Sciences 2 (2009) 183: FISTA.
# - K. G. Hollingsworth, Phys. Med. Biol. 60 (2015) R297: a review of fast MRI.

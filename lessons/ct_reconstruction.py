# %% [markdown] tags=["slide"]
# ## Many shadows, one slice
#
# In the last lesson the scanner gave us a [[sinogram]]: shadows of one slice from all sides. Nobody
# can read it. This lesson turns it into the slice, in six ways:
#
# 1. solve the equations, by hand and by computer,
# 2. smear the shadows back ([[back projection]]),
# 3. filter them first: [[filtered back projection]] (FBP),
# 4. improve a picture step by step ([[iterative reconstruction]]),
# 5. let every ray count as much as its photons deserve,
# 6. use what we know about organs when views are few.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.algebraic import MatrixProjector, art, cgls, sirt
from course_lib.imaging.ct.backprojection import back_project
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.filters import WINDOWS, filter_sinogram, ramp_response
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.phantom import Ellipse, ellipse_image, ellipse_sinogram, shepp_logan
from course_lib.imaging.ct.rows import centred
from course_lib.imaging.ct.sinogram import attenuation_sinogram, tissue_sinogram
from course_lib.imaging.ct.statistical import ordered_subsets, penalised_likelihood
from course_lib.imaging.ct.system_matrix import (
    ray_weights,
    singular_values,
    solve_directly,
    system_matrix,
)
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.ct.total_variation import total_variation_reconstruction
from course_lib.imaging.ct.truth import attenuation_slice
from course_lib.patient.cohort import sample_patient
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["instructor"]
# Core for one hour: sections 1, 2, 4, 5, 7 and the first half of 8. Optional, for a second sitting: the
# singular values (end of 3), the centre of rotation (6), the inverse crime (end of 7), total variation
# (9). Radiologists who never programmed do the puzzle, the smearing and the window pictures; the others
# add the filter and ART.

# %% [markdown] tags=["slide"]
# ## 1 A puzzle of four pixels
#
# A slice of 2 x 2 pixels. The scanner measured only sums: along both rows, both columns, one
# diagonal. What are the four numbers? That is CT.

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(3.6, 3.2))
ax.set(xlim=(-0.6, 3.4), ylim=(3.2, -0.6), aspect="equal")
ax.axis("off")
for row in range(2):
    for column in range(2):
        ax.add_patch(plt.Rectangle((column, row), 1, 1, fill=False, lw=2))
        ax.text(column + 0.5, row + 0.5, "abcd"[2 * row + column], ha="center", va="center", size=18,
                zorder=5, bbox={"facecolor": "white", "edgecolor": "none"})  # fmt: skip
for row, total in enumerate((12, 6)):
    ax.annotate(str(total), (2.7, row + 0.5), (-0.5, row + 0.5), va="center", color=COLOURS[0],
                size=14, arrowprops={"arrowstyle": "<-", "color": COLOURS[0]})  # fmt: skip
for column, total in enumerate((11, 7)):
    ax.annotate(str(total), (column + 0.5, 2.8), (column + 0.5, -0.4), ha="center",
                color=COLOURS[1], size=14, arrowprops={"arrowstyle": "<-", "color": COLOURS[1]})  # fmt: skip
ax.text(2.9, 2.7, "a + d = 8", size=12, color=COLOURS[2], ha="center")
ax.plot([0.1, 2.45], [0.1, 2.45], color=COLOURS[2], lw=1)
show(fig, alt="Two by two pixels a b, c d: rows sum to 12 and 6, columns to 11 and 7, a + d is 8")

# %% [markdown] tags=["exercise", "slide"] exercise="ct_puzzle"
# ### Exercise: solve it by hand
#
# a + b = 12, c + d = 6, a + c = 11, b + d = 7, a + d = 8. Fill in the four numbers.

# %% tags=["stub"] exercise="ct_puzzle"
a, b, c, d = ..., ..., ..., ...

# %% tags=["check"] exercise="ct_puzzle"
check("ct_puzzle", a, b, c, d)

# %% [markdown] tags=["hint"] exercise="ct_puzzle"
# Begin with a guess for a, and follow it through the sums. Does a + d come out right?

# %% [markdown] tags=["hint"] exercise="ct_puzzle"
# From the first row and the second column: b = 12 - a, and d = 7 - b.

# %% [markdown] tags=["hint"] exercise="ct_puzzle"
# So d = a - 5. Put that into a + d = 8.

# %% tags=["solution"] exercise="ct_puzzle"
a, b, c, d = 6.5, 5.5, 4.5, 1.5  # d = a - 5, and a + d = 8

# %% tags=["equivalent"] exercise="ct_puzzle"
rays = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 0, 1]])
a, b, c, d = np.linalg.lstsq(rays, np.array([12, 6, 11, 7, 8]), rcond=None)[0]

# %% tags=["wrong"] exercise="ct_puzzle" says="diagonal"
a, b, c, d = 7, 5, 4, 2

# %% tags=["wrong"] exercise="ct_puzzle" says="second row"
a, b, c, d = 6.5, 5.5, 4.5, 2.5

# %% tags=["wrong"] exercise="ct_puzzle" says="first row"
a, b, c, d = 6, 5, 4, 2

# %% tags=["wrong"] exercise="ct_puzzle" says="columns"
a, b, c, d = 6.5, 5.5, 3, 3

# %% tags=["checker"] exercise="ct_puzzle"
def checker(a, b, c, d):
    close(a + b, 12, "The first row must sum to 12.")
    close(c + d, 6, "The second row must sum to 6.")
    close(a + c, 11, "Rows are right; now the columns: a + c must be 11.")
    close(a + d, 8, "All rows and columns are right, but not the diagonal a + d = 8.")
    close([a, b, c, d], [6.5, 5.5, 4.5, 1.5], "Check each sum again.")

# %% [markdown]
# Rows and columns alone were four equations for four unknowns, yet they did not suffice: 7, 5, 4, 2
# fits them as well. One of the four says nothing new. Only another *direction* decided.

# %%
two_views = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]])
three_views = np.vstack([two_views, [1, 0, 0, 1]])
print("equations that say something new:", np.linalg.matrix_rank(two_views), "of 4")
claim("Two views leave one number open", np.linalg.matrix_rank(two_views) == 3)
claim("A third direction settles it", np.linalg.matrix_rank(three_views) == 4)

# %% [markdown] tags=["slide"]
# ## 2 The equations of a real slice
#
# $$N_i = N_0 \exp\Big(-\sum_j \mu_j w_{ij}\Big)\qquad\Rightarrow\qquad
# p_i=-\ln\frac{N_i}{N_0}=\sum_j w_{ij}\,\mu_j$$
#
# - $N_i$: photons counted by ray i. $p_i$: its [[line integral]].
# - $\mu_j$: [[attenuation]] of pixel j, in 1/mm. That is what we want.
# - $w_{ij}$: **millimetres that ray i travels in pixel j**.
#
# After the logarithm everything is linear. All $w_{ij}$ together are the [[system matrix]].

# %% tags=["slide"]
pixels, lengths = ray_weights(size=8, pixel_mm=1.0, angle_deg=65, s_mm=0.4)
crossed = np.zeros(64)
crossed[pixels] = lengths
fig, ax = plt.subplots(figsize=(4.4, 4.4))
ax.imshow(crossed.reshape(8, 8), cmap="Blues", extent=(-4, 4, 4, -4), vmin=0, vmax=1.6)
for pixel, length in zip(pixels, lengths, strict=True):
    ax.text(pixel % 8 - 3.5, pixel // 8 - 3.5, f"{length:.2f}", ha="center", va="center", size=8)
along = np.array([-6, 6])
cos, sin = np.cos(np.deg2rad(65)), np.sin(np.deg2rad(65))
ax.plot(0.4 * cos - along * sin, 0.4 * sin + along * cos, color=COLOURS[1])
ax.set(xlim=(-4, 4), ylim=(4, -4), xlabel="x (mm)", ylabel="y (mm)", title="weights w of one ray")
show(fig, alt="A slanted ray over 8 by 8 pixels; each crossed pixel shows its length from 0.1 to 1.1")

# %% [markdown] tags=["exercise"] exercise="system_size"
# ### Exercise: how large is the real thing?
#
# A slice has 512 x 512 pixels. The scanner measures 1,000 views with 900 detector cells each. If
# every weight is stored as a number of 4 bytes, how large is the system matrix in gigabytes
# (1 GB = 10⁹ bytes)?

# %% tags=["stub"] exercise="system_size"
unknowns = ...  # how many numbers we look for
equations = ...  # how many numbers we measured
gigabytes = ...  # size of the matrix

# %% tags=["check"] exercise="system_size"
check("system_size", unknowns, equations, gigabytes)

# %% [markdown] tags=["hint"] exercise="system_size"
# One unknown per pixel, one equation per ray.

# %% [markdown] tags=["hint"] exercise="system_size"
# The matrix has one row per equation and one column per unknown.

# %% [markdown] tags=["hint"] exercise="system_size"
# gigabytes = equations * unknowns * 4 / 1e9

# %% tags=["solution"] exercise="system_size"
unknowns = 512 * 512  # 262,144
equations = 1000 * 900
gigabytes = unknowns * equations * 4 / 1e9  # the memory of some sixty laptops

# %% tags=["equivalent"] exercise="system_size"
unknowns, equations, gigabytes = 262_144, 900_000, 943.7

# %% tags=["wrong"] exercise="system_size" says="both directions"
unknowns, equations, gigabytes = 512, 900_000, 1.84

# %% tags=["wrong"] exercise="system_size" says="every view"
unknowns, equations, gigabytes = 262_144, 1_000, 1.05

# %% tags=["wrong"] exercise="system_size" says="4 bytes"
unknowns, equations, gigabytes = 262_144, 900_000, 235.9

# %% tags=["wrong"] exercise="system_size" says="rows times columns"
unknowns, equations, gigabytes = 262_144, 900_000, 0.0036

# %% tags=["wrong"] exercise="system_size" says="10⁹"
unknowns, equations, gigabytes = 262_144, 900_000, 878.9

# %% tags=["wrong"] exercise="system_size" says="bits"
unknowns, equations, gigabytes = 262_144, 900_000, 7549.7

# %% tags=["checker"] exercise="system_size"
def checker(unknowns, equations, gigabytes):
    require(unknowns != 512, "There are 512 pixels in both directions.")
    close(unknowns, 512 * 512, "One unknown per pixel.", rtol=1e-9)
    require(equations not in (900, 1000), "Each of the cells measures in every view.")
    close(equations, 900_000, "One equation per ray.", rtol=1e-9)
    require(abs(gigabytes - 235.9) > 1, "Each number takes 4 bytes.")
    require(gigabytes > 10, "A matrix has rows times columns numbers.")
    require(abs(gigabytes - 878.9) > 1, "Here a gigabyte is 10⁹ bytes, not 2³⁰.")
    require(abs(gigabytes - 7549.7) > 1, "These are bits: 8 times as many.")
    close(gigabytes, 943.7, "Multiply rows, columns and bytes.", rtol=0.01)

# %% [markdown]
# Nearly a terabyte, for one slice; nobody inverts that. But almost all weights are 0, and at 64 x 64
# pixels we can look at the whole system. Our test object is the head of Shepp and Logan: ten
# ellipses whose shadows are known exactly, without any pixels.

# %%
SIZE, VIEWS, PIXEL = 64, 96, 200 / 64  # PIXEL in mm; the detector cells are as wide
angles = np.arange(VIEWS) * 180 / VIEWS
head = shepp_logan(half_width_mm=100, peak=0.1)
truth = ellipse_image(head, SIZE, PIXEL)
shadows = ellipse_sinogram(head, angles, SIZE, PIXEL, aperture=True)
W = system_matrix(SIZE, PIXEL, angles, SIZE, PIXEL)
share = W.nnz / (W.shape[0] * W.shape[1])
print("equations and unknowns:", W.shape, f"  weights that are not 0: {100 * share:.2g} %")

# %% tags=["slide"]
fig, axes = plt.subplots(1, 3, figsize=(10, 3.2))
film(axes[0], truth, "the head: 4,096 unknowns", vmax=0.05)
axes[1].imshow(shadows, aspect="auto", extent=(-100, 100, 180, 0), cmap="gray")
axes[1].set(title="its sinogram: 6,144 equations", xlabel="s (mm)", ylabel="view (degrees)")
axes[1].grid(False)
axes[2].imshow((W[2600:2900] != 0).toarray(), aspect="auto", cmap="Greys", interpolation="none",
               extent=(0, 4096, 2900, 2600))  # fmt: skip
axes[2].set(title="part of the system matrix", xlabel="unknown j", ylabel="equation i")
axes[2].grid(False)
show(fig, alt="Head phantom, its sinogram, and slanted stripes of non-zero weights in the matrix")

# %% [markdown] tags=["slide"]
# ### What if the weights are left out?
#
# A lecture slide writes $N_i = N_0\exp(-\sum_j \mu_j)$: the sum over the pixels that the ray meets,
# without $w_{ij}$. As if every pixel were crossed over the same length. Break it, and measure.

# %% [markdown] tags=["exercise"] exercise="drop_weights"
# ### Exercise: leave out the weights
#
# `W` is a sparse matrix in mm. Write `without_weights(W, pixel_mm)`: the same rays meet the same
# pixels, but each pixel that is met counts as a full `pixel_mm`. Return a sparse matrix.

# %% tags=["stub"] exercise="drop_weights"
def without_weights(W, pixel_mm):
    """The system matrix of the slide: pixel_mm wherever a ray meets a pixel, else 0."""
    return ...

# %% tags=["check"] exercise="drop_weights"
check("drop_weights", without_weights)

# %% [markdown] tags=["hint"] exercise="drop_weights"
# Which entries of W belong to pixels that the ray meets? What should they become?

# %% [markdown] tags=["hint"] exercise="drop_weights"
# `W > 0` is True where a ray meets a pixel, and still sparse.

# %% [markdown] tags=["hint"] exercise="drop_weights"
# `(W > 0).astype(float)` is 1 there. It only lacks the length of a pixel.

# %% tags=["solution"] exercise="drop_weights"
def without_weights(W, pixel_mm):
    """The system matrix of the slide: pixel_mm wherever a ray meets a pixel, else 0."""
    return (W > 0).astype(float) * pixel_mm  # a grazed corner now counts like a full crossing

# %% tags=["equivalent"] exercise="drop_weights"
def without_weights(W, pixel_mm):
    flat = W.copy()
    flat.data[:] = pixel_mm
    return flat

# %% tags=["equivalent"] exercise="drop_weights"
def without_weights(W, pixel_mm):
    return W.sign() * pixel_mm

# %% tags=["wrong"] exercise="drop_weights" says="millimetres"
def without_weights(W, pixel_mm):
    return (W > 0).astype(float)

# %% tags=["wrong"] exercise="drop_weights" says="still has"
def without_weights(W, pixel_mm):
    return W

# %% tags=["wrong"] exercise="drop_weights" says="does not meet"
def without_weights(W, pixel_mm):
    return W * 0 + pixel_mm * np.ones(W.shape)

# %% tags=["wrong"] exercise="drop_weights" says="still has"
def without_weights(W, pixel_mm):
    return W * pixel_mm

# %% tags=["checker"] exercise="drop_weights"
def checker(without_weights):
    W = system_matrix(4, 2.0, np.array([0.0, 30.0, 75.0]), 4, 2.0)
    flat = without_weights(W, 2.0)
    require(flat is not ... and flat is not None, "Return a matrix.")
    require(getattr(flat, "shape", None) == W.shape, "It must be a matrix as large as W.")
    flat = np.asarray(flat.toarray() if hasattr(flat, "toarray") else flat, dtype=float)
    met = W.toarray() > 0
    require(np.all(flat[~met] == 0), "A pixel that the ray does not meet must count 0.")
    require(np.ptp(flat[met]) < 1e-9, "It still has different weights for different pixels.")
    require(abs(flat[met].mean() - 1) > 1e-9, "In the slide's world a met pixel counts how many millimetres?")
    close(flat[met].mean(), 2.0, "Each met pixel counts as one pixel's width.")

# %%
def relative_error(picture, truth):
    """Root mean square error, in percent of the largest true value."""
    return 100 * np.sqrt(np.mean((picture - truth) ** 2)) / truth.max()


flat = W.copy()
flat.data[:] = PIXEL  # the slide's weights
right = cgls(MatrixProjector(W, VIEWS), shadows, 20)
wrong = cgls(MatrixProjector(flat, VIEWS), shadows, 20)
errors = [relative_error(picture, truth) for picture in (right, wrong)]
print(f"error with weights {errors[0]:.2g} %, without {errors[1]:.2g} %")
claim("Without weights the error is more than twice as large", errors[1] > 2 * errors[0])

# %% tags=["slide"]
titles = ["truth", "with weights", "without weights"]
fig = films([truth, right, wrong], titles, columns=3, width=9, vmin=0, vmax=0.05)
show(fig, alt="The head, a good reconstruction, and one without weights, full of ripples")

# %%
rays = np.asarray(W.sum(axis=1)).reshape(VIEWS, SIZE)[:, SIZE // 2]
counted = np.asarray(flat.sum(axis=1)).reshape(VIEWS, SIZE)[:, SIZE // 2]
factor = counted / rays
print(f"central ray: length too large by {factor.min():.3g} (0°) to {factor.max():.3g} times")
claim("Slanted rays suffer most: they cut corners of many pixels", factor.max() > 1.25)

# %% [markdown] tags=["slide"]
# ## 3 Solve it directly
#
# 4,096 unknowns: a computer solves that in a second. With a perfect measurement the answer is
# perfect. With a little [[noise]] it is not:

# %%
random = np.random.default_rng(1)
perfect = (W @ truth.ravel()).reshape(VIEWS, SIZE)
noisy = perfect + 0.05 * random.standard_normal(perfect.shape)  # about 1 % of the largest value
solved = [*solve_directly(W, np.stack([perfect, noisy])), solve_directly(W, noisy, damping_mm=3.0)]
titles = ["perfect measurement", "1 % of noise", "1 % of noise, damped"]
fig = films(solved, titles, columns=3, width=9, vmin=0, vmax=0.05)
show(fig, alt="Direct solutions: perfect without noise, grainy with noise, smoother with damping")

# %%
direct = [relative_error(picture, truth) for picture in solved]
noise_in = 100 * np.std(noisy - perfect) / perfect.max()
print(f"noise put in {noise_in:.2g} %, error of the picture {direct[1]:.2g} %, damped {direct[2]:.2g} %")
claim("Without noise the direct solution is exact", direct[0] < 1e-6)
claim("The direct solution magnifies noise", direct[1] > 3 * noise_in)
claim("Damping helps", direct[2] < 0.9 * direct[1])

# %% [markdown]
# Why? A matrix stretches some patterns much and others hardly. The factors are its
# [[singular values|singular value]]. A pattern with a small one leaves almost no trace in the
# measurement; to get it back we must divide by the small number, and the noise is divided with it.
# Largest over smallest is the [[condition number]].

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(6.5, 3.2))
for views in (24, 48, 96):
    small = system_matrix(32, 2 * PIXEL, np.arange(views) * 180 / views, 32, 2 * PIXEL)
    values = singular_values(small)
    ax.semilogy(np.maximum(values, 1e-3), label=f"{views} views")
ax.set(xlabel="number of the pattern (1,024 in 32 x 32 pixels)", ylabel="singular value (mm)")
ax.set(ylim=(0.02, 1000), title="how strongly patterns show in the measurement")
ax.legend()
show(fig, alt="Singular values fall from some hundred mm; with 24 views the last quarter is zero")

# %%
print(f"condition number with 96 views: {values[0] / values[-1]:.0f}")
claim("With many views the system can be solved, at a price", 100 < values[0] / values[-1] < 2000)

# %% [markdown] tags=["instructor"]
# Ask: why are the weakly seen patterns always *fine* ones? (A ray averages over its way; fine
# patterns cancel.) Short of time: skip the singular values, but keep the noisy direct solution: it
# is the reason for everything that follows. Typical mistake: people believe that more computing
# power alone would make the direct solution the best one.

# %% [markdown] tags=["slide"]
# ## 4 Smear it back
#
# The oldest idea: a ray that was weakened much must have met something, *somewhere* on its way. So
# smear its value over all pixels on its way, for all rays, and add up: **[[back projection]]**.
#
# Pixel (x, y) lies on the ray whose place on the detector is
#
# $$s = x\cos\theta + y\sin\theta$$

# %% [markdown] tags=["exercise"] exercise="smear_back"
# ### Exercise: smear one view
#
# Write `smear(view, angle_deg, x, y, positions)`. `view` holds the values of one view, measured at
# `positions` (mm). `x`, `y` are arrays with the places of all pixels (mm). Return each pixel's
# value. `np.interp(where, positions, view)` reads a view between its cells.

# %% tags=["stub"] exercise="smear_back"
def smear(view, angle_deg, x, y, positions):
    """One view smeared over all pixels; x and y (rows, columns) in mm."""
    return ...

# %% tags=["check"] exercise="smear_back"
check("smear_back", smear)

# %% [markdown] tags=["hint"] exercise="smear_back"
# First ask for every pixel: where does its shadow fall on the detector?

# %% [markdown] tags=["hint"] exercise="smear_back"
# `s = x * np.cos(...) + y * np.sin(...)`. NumPy's functions want radians: `np.deg2rad(angle_deg)`.

# %% [markdown] tags=["hint"] exercise="smear_back"
# Then `return np.interp(s, positions, view)`.

# %% tags=["solution"] exercise="smear_back"
def smear(view, angle_deg, x, y, positions):
    """One view smeared over all pixels; x and y (rows, columns) in mm."""
    theta = np.deg2rad(angle_deg)
    return np.interp(x * np.cos(theta) + y * np.sin(theta), positions, view)

# %% tags=["equivalent"] exercise="smear_back"
def smear(view, angle_deg, x, y, positions):
    turned = (x + 1j * y) * np.exp(-1j * np.deg2rad(angle_deg))
    return np.interp(turned.real, positions, view)

# %% tags=["wrong"] exercise="smear_back" says="radians"
def smear(view, angle_deg, x, y, positions):
    return np.interp(x * np.cos(angle_deg) + y * np.sin(angle_deg), positions, view)

# %% tags=["wrong"] exercise="smear_back" says="cosine"
def smear(view, angle_deg, x, y, positions):
    theta = np.deg2rad(angle_deg)
    return np.interp(x * np.sin(theta) + y * np.cos(theta), positions, view)

# %% tags=["wrong"] exercise="smear_back" says="sign"
def smear(view, angle_deg, x, y, positions):
    theta = np.deg2rad(angle_deg)
    return np.interp(x * np.cos(theta) - y * np.sin(theta), positions, view)

# %% tags=["wrong"] exercise="smear_back" says="where its shadow falls"
def smear(view, angle_deg, x, y, positions):
    return x * np.cos(np.deg2rad(angle_deg)) + y * np.sin(np.deg2rad(angle_deg))

# %% tags=["checker"] exercise="smear_back"
def checker(smear):
    positions = centred(41, 1.0)
    view = positions**2 + positions  # asymmetric, so that a wrong sign shows
    x, y = np.meshgrid(centred(6, 2.0), centred(5, 2.0))

    def expected(s):
        return np.interp(s, positions, view)

    def like(other):
        got = smear(view, 30, x, y, positions)
        return np.shape(got) == np.shape(other) and np.allclose(got, other)

    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    require(not like(expected(x * np.cos(30) + y * np.sin(30))), "NumPy's cos wants radians.")
    require(not like(expected(x * s + y * c)), "At 0 degrees s must be x: which has the cosine?")
    require(not like(expected(x * c - y * s)), "Look at the sign of y in the formula.")
    require(not like(x * c + y * s), "That is where its shadow falls; return what was measured there.")
    close(smear(view, 30, x, y, positions), expected(x * c + y * s), "Read the view at s.")

# %% [markdown]
# The library's loop is no longer than that: for every view, smear and add
# (`course_lib/imaging/ct/backprojection.py`). `fourier.py` does the same by Fourier transforms, more
# than ten times faster once it is built. Now watch the picture grow.

# %%
def draw_back_projection(views, filtered):
    """Back projection of the head from so many views, raw or ramp-filtered."""
    chosen = np.arange(views) * 180 / views
    rows = ellipse_sinogram(head, chosen, 128, 200 / 128, aperture=True)
    if filtered:
        rows = np.pi * filter_sinogram(rows, 200 / 128)
    picture = back_project(rows, chosen, 200 / 128, 128, 200 / 128)
    fig, ax = plt.subplots(figsize=(4.2, 4.4))
    limits = {"vmin": 0, "vmax": 0.05} if filtered else {"vmin": 0, "vmax": picture.max()}
    return film(ax, picture, f"views: {views}, {'filtered' if filtered else 'raw'}", **limits).figure


explore(
    draw_back_projection,
    alt="back projection of the head phantom from the chosen number of views",
    views=(1, 96, 1, 12),
    filtered=False,
)

# %% [markdown] tags=["slide"]
# ### Why it blurs
#
# Back project a single point: lines cross at the point, and stay there as a star. Averaged over all
# views, at a distance r from the point, the star is spread over a circle of length 2πr. So every
# point becomes **1/r**.

# %% tags=["slide"]
many = np.arange(360) / 2
point = [Ellipse(1.0, 0.8, 0.8)]
star = back_project(ellipse_sinogram(point, many, 257, 1.0, aperture=True), many, 1.0, 257, 1.0)
distance, profile = np.arange(3, 100), star[128, 131:228]
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.4))
film(axes[0], star[64:193, 64:193], "a point, back projected", vmax=star.max() / 10)
axes[1].loglog(distance, profile, label="back projection")
axes[1].loglog(distance, profile[7] * 10 / distance, "--", label="1/r")
axes[1].set(xlabel="distance r from the point (mm)", ylabel="value")
axes[1].legend()
show(fig, alt="A blurred dot, and its profile: a straight line of slope -1 on logarithmic paper")

# %%
slope = np.polyfit(np.log(distance), np.log(profile), 1)[0]
print(f"slope on logarithmic paper: {slope:.2g}")
claim("A point becomes 1/r", abs(slope + 1) < 0.05)

# %% [markdown] tags=["slide"]
# ## 5 The Fourier-slice theorem
#
# > The [[Fourier transform]] of a shadow is one line through the centre of the
# > Fourier transform of the slice.
#
# - A shadow is a sum along rays, so it knows only patterns that are constant along the rays.
# - These patterns make up a straight line through the centre, turned like the shadow.
# - So all views fill the Fourier plane like the spokes of a wheel.

# %%
theta = 40.0
fine = ellipse_image(head, 256, 200 / 256)
shadow = ellipse_sinogram(head, [theta], 256, 200 / 256, aperture=True)[0]
frequency = np.fft.rfftfreq(256, 200 / 256)[:60]  # cycles per mm
positions = centred(256, 200 / 256)
from_shadow = np.exp(-2j * np.pi * np.outer(frequency, positions)) @ shadow * (200 / 256)
u, v = frequency * np.cos(np.deg2rad(theta)), frequency * np.sin(np.deg2rad(theta))
columns, rows = (np.exp(-2j * np.pi * np.outer(w, positions)) for w in (u, v))
from_slice = np.einsum("ky,yx,kx->k", rows, fine, columns) * (200 / 256) ** 2

# %% tags=["slide"]
fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.6))
spectrum = np.log10(np.abs(np.fft.fftshift(np.fft.fft2(fine))) + 0.01)
axes[0].imshow(spectrum, extent=(-0.64, 0.64, 0.64, -0.64), cmap="magma")
axes[0].plot([-0.5 * np.cos(0.698), 0.5 * np.cos(0.698)], [-0.5 * np.sin(0.698), 0.5 * np.sin(0.698)],
             color=COLOURS[5])  # fmt: skip
axes[0].set(title="Fourier transform of the slice", xlabel="cycles per mm", ylabel="cycles per mm")
axes[0].grid(False)
axes[1].semilogy(frequency, np.abs(from_slice), lw=4, alpha=0.4, label="line through the slice's transform")
axes[1].semilogy(frequency, np.abs(from_shadow), "k", lw=1, label="transform of the shadow")
axes[1].set(xlabel="spatial frequency (cycles per mm)", ylabel="magnitude (mm)", ylim=(0.3, 3000))
axes[1].legend()
show(fig, alt="A line at 40 degrees through the 2-D transform; along it both transforms coincide")

# %%
gap = np.abs(from_slice - from_shadow).max() / np.abs(from_shadow).max()
print(f"largest difference: {100 * gap:.1g} % of the largest value")
claim("Shadow and slice have the same values along the line", gap < 0.01)

# %% [markdown] tags=["slide"]
# ### The cure for 1/r
#
# - Spokes are dense at the hub and sparse at the rim: n spokes share a circle of length 2π|f|.
# - Back projection therefore counts low [[spatial frequencies|spatial frequency]] too often, by 1/|f|.
# - Cure: multiply every view's transform by |f| first. That is the **[[ramp filter]]**.
#
# $$\mu(x,y)=\int_0^{\pi}\Big[\,\mathcal F^{-1}\{|f|\cdot\mathcal F p_\theta\}\Big](x\cos\theta+y\sin\theta)\,d\theta$$
#
# Filter, then smear back: **[[filtered back projection]]**, FBP.

# %% [markdown] tags=["exercise"] exercise="filter_view"
# ### Exercise: filter one view
#
# Write `filtered(view, response)`: go to frequencies, multiply, come back. `response` is the filter
# for a row of `2 * (len(response) - 1)` values, longer than the view: pad the view with zeros to
# that length, and cut the result to the length of the view.
#
# `np.fft.rfft(view, n)` pads to n by itself; `np.fft.irfft(spectrum, n)` comes back.

# %% tags=["stub"] exercise="filter_view"
def filtered(view, response):
    """The view (detectors,) multiplied by response in the frequency domain."""
    return ...

# %% tags=["check"] exercise="filter_view"
check("filter_view", filtered)

# %% [markdown] tags=["hint"] exercise="filter_view"
# Three steps: transform, multiply, transform back. And mind the two lengths.

# %% [markdown] tags=["hint"] exercise="filter_view"
# `n = 2 * (len(response) - 1)`, then `np.fft.rfft(view, n) * response`.

# %% [markdown] tags=["hint"] exercise="filter_view"
# `return np.fft.irfft(np.fft.rfft(view, n) * response, n)[: len(view)]`

# %% tags=["solution"] exercise="filter_view"
def filtered(view, response):
    """The view (detectors,) multiplied by response in the frequency domain."""
    n = 2 * (len(response) - 1)  # zeros behind the view keep its two ends apart
    return np.fft.irfft(np.fft.rfft(view, n) * response, n)[: len(view)]

# %% tags=["equivalent"] exercise="filter_view"
def filtered(view, response):
    kernel = np.fft.irfft(response)
    n = len(view)
    return np.array([sum(kernel[(i - j) % len(kernel)] * view[j] for j in range(n)) for i in range(n)])

# %% tags=["wrong"] exercise="filter_view" says="pad"
def filtered(view, response):
    return np.fft.irfft(np.fft.rfft(view) * response[::2], len(view))

# %% tags=["wrong"] exercise="filter_view" says="cut"
def filtered(view, response):
    return np.fft.irfft(np.fft.rfft(view, 2 * (len(response) - 1)) * response)

# %% tags=["wrong"] exercise="filter_view" says="come back"
def filtered(view, response):
    return np.fft.rfft(view, 2 * (len(response) - 1)) * response

# %% tags=["wrong"] exercise="filter_view" says="multiply"
def filtered(view, response):
    n = 2 * (len(response) - 1)
    return np.fft.irfft(np.fft.rfft(view, n) + response, n)[: len(view)]

# %% tags=["equivalent"] exercise="filter_view"
def filtered(view, response):
    n = 2 * (len(response) - 1)
    both_sides = np.concatenate([response, response[-2:0:-1]])
    return np.fft.ifft(np.fft.fft(view, n) * both_sides).real[: len(view)]

# %% tags=["wrong"] exercise="filter_view" says="n values"
def filtered(view, response):
    n = 2 * (len(response) - 1)
    return np.fft.irfft(np.fft.rfft(view, n) * response, len(view))

# %% tags=["wrong"] exercise="filter_view" says="real part"
def filtered(view, response):
    n = 2 * (len(response) - 1)
    both_sides = np.concatenate([response, response[-2:0:-1]])
    return np.fft.ifft(np.fft.fft(view, n) * both_sides)[: len(view)]

# %% tags=["wrong"] exercise="filter_view" says="behind the view"
def filtered(view, response):
    n = 2 * (len(response) - 1)
    return np.fft.irfft(np.fft.rfft(view, n) * response, n)[-len(view) :]

# %% tags=["checker"] exercise="filter_view"
def checker(filtered):
    view = np.concatenate([np.zeros(3), np.arange(9.0), np.full(4, 5.0)])
    n, response = 32, ramp_response(32, 1.0)
    got = filtered(view, response)
    back = np.fft.irfft(np.fft.rfft(view, n) * response, n)
    still = np.iscomplexobj(got) and np.shape(got) == (16,) and np.allclose(got, back[:16])
    require(not still, "You are back on the detector: keep the real part only.")
    require(not np.iscomplexobj(got), "These are still frequencies: come back to the detector.")
    require(np.shape(got) != (n,), "The padding is still there: cut the result to the view's length.")
    short = np.fft.irfft(np.fft.rfft(view) * response[::2], 16)
    require(np.shape(got) != (16,) or not np.allclose(got, short), "Do pad: without zeros the view's right end leaks into its left end.")
    require(np.shape(got) == (16,), "The answer must be as long as the view.")
    early = np.fft.irfft(np.fft.rfft(view, n) * response, 16)
    require(not np.allclose(got, early), "Come back with all n values first, then cut.")
    require(not np.allclose(got, back[-16:]), "The zeros stand behind the view: keep the first values.")
    close(got, back[:16], "Transform the padded view, multiply by the response, transform back.")

# %% [markdown] tags=["slide"]
# ### FBP of a patient
#
# A slice of our [[virtual patient]] at the height of the heart, 360 views, exact shadows at one
# energy (70 keV), so that we know the truth in every pixel. Then the photons: 20,000 per ray
# without a patient, counted with [[Poisson noise]].

# %%
beam = ParallelBeam(views=360, detectors=256, spacing_mm=1.6)
WATER = float(linear_attenuation("water", 70.0))  # 1/mm
parts = on_the_table(sample_patient(1)).solids
body = attenuation_slice(parts, -40.0, 256, 1.6, 70.0)  # the truth, 1/mm
exact = attenuation_sinogram(tissue_sinogram(parts, -40.0, beam), 70.0)


def measure(blank, seed=0):
    """Photons counted by every ray, and their line integrals."""
    counts = np.random.default_rng(seed).poisson(blank * np.exp(-exact)).astype(np.float32)
    return counts, np.log(blank / np.maximum(counts, 0.5))


def reconstruct(sinogram, window="ram-lak", every=1):
    """FBP of the patient's sinogram from every n-th view, 1/mm."""
    return fbp(sinogram[::every], beam.angles_deg[::every], 1.6, 256, 1.6, window)


def hounsfield(mu):
    """1/mm to Hounsfield units, at 70 keV."""
    return 1000 * (mu / WATER - 1)


def error_hu(picture):
    """Root mean square error against the true slice, HU."""
    return 1000 / WATER * np.sqrt(np.mean((picture - body) ** 2))


# %% tags=["slide"]
counts, noisy = measure(blank=20_000)
raw = back_project(exact, beam.angles_deg, 1.6, 256, 1.6)
fig, axes = plt.subplots(1, 3, figsize=(10, 2.4))
film(axes[0], raw[48:208], "back projection, raw")
names = ("FBP, exact", "FBP, 20,000 photons")
for ax, name, sinogram in zip(axes[1:], names, (exact, noisy), strict=True):
    film(ax, hounsfield(reconstruct(sinogram))[48:208], name, vmin=-300, vmax=400)
show(fig, alt="Chest slice: a blurred cloud, a sharp slice, and a sharp slice with noise")

# %%
print(f"heart: true {hounsfield(body[118, 130]):.3g} HU")
heart = np.hypot(centred(256, 1.6), centred(256, 1.6)[:, None] + 12) < 14
print("the same tissue everywhere in our measuring disc:", bool(np.ptp(body[heart]) < 1e-7))
found = [hounsfield(reconstruct(data))[heart].mean() for data in (exact, noisy)]
off = np.abs(np.array(found) - hounsfield(body[heart]).mean())
claim("FBP finds the heart's value within 3 HU", off[0] < 3)
claim("and, as a mean over the disc, within 12 HU despite the noise", off[1] < 12)

# %% [markdown] tags=["slide"]
# ### Five windows: noise or sharpness
#
# The ramp lifts high frequencies, and most of the noise is there. A **window** lowers the upper
# end of the ramp; "Ram-Lak" is the ramp without any window. The scanner's console calls all this the
# *kernel*: "sharp", "bone", "soft", "smooth".

# %% tags=["slide"]
def sharpness_mm(window):
    """Width of a point at half its height (FWHM) in an FBP picture, mm."""
    dot = ellipse_sinogram([Ellipse(1, 0.3, 0.3)], beam.angles_deg, 256, 1.6, aperture=True)
    profile = fbp(dot, beam.angles_deg, 1.6, 81, 0.1, window)[40, 40:]
    end = int(np.argmax(profile < profile[0] / 2))
    return 2 * np.interp(-profile[0] / 2, -profile[end - 1 : end + 1], 0.1 * np.arange(end - 1, end + 1))


fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
spread, width = {}, {}
for window, colour in zip(WINDOWS, COLOURS, strict=False):
    response = ramp_response(512, 1.6, window)
    left.plot(np.linspace(0, 0.5 / 1.6, len(response)), response, color=colour, label=window)
    spread[window] = hounsfield(reconstruct(noisy, window))[heart].std()
    width[window] = sharpness_mm(window)
    right.plot(width[window], spread[window], "o", color=colour)
    right.annotate(window, (width[window], spread[window]), (6, 4), textcoords="offset points",
                   rotation=20)  # fmt: skip
left.set(xlabel="spatial frequency (cycles per mm)", ylabel="ramp x window (1/mm)")
left.legend()
right.set(xlabel="width of a point (mm)", ylabel="noise in the heart (HU)", ylim=(0, 80), xlim=(2.6, 4.4))
show(fig, alt="Five windowed ramps; sharper windows give more noise, smoother ones less")

# %%
for window in WINDOWS:
    print(f"{window:12s} noise {spread[window]:.2g} HU, width of a point {width[window]:.2g} mm")
claim("Hann has less than half the noise of Ram-Lak", spread["hann"] < 0.5 * spread["ram-lak"])
claim("but a point is at least a quarter wider", width["hann"] > 1.25 * width["ram-lak"])

# %% tags=["slide"]
pictures = [hounsfield(reconstruct(noisy, window))[70:170, 80:180] for window in WINDOWS]
fig = films(pictures, list(WINDOWS), columns=5, width=11, vmin=-200, vmax=300)
show(fig, alt="The heart with five windows, from grainy and sharp to smooth and soft")

# %% [markdown] tags=["slide"]
# ### How many views?
#
# Spokes of the wheel must not stand further apart at the rim than the samples along them. That
# needs about **π/2 times as many views as detector cells**: here 256 · π/2 ≈ 400. With fewer, the
# slice shows [[streaks|streak artefact]].

# %% tags=["slide"]
every = (18, 6, 3, 1)
few = [reconstruct(exact, "ram-lak", step) for step in every]
titles = [f"{360 // step} views" for step in every]
fig = films([hounsfield(p)[48:208] for p in few], titles, width=11, vmin=-300, vmax=400)
fig.set_figheight(2.1)
show(fig, alt="Streaks cover the slice with 20 views, are clear with 60, faint with 120, gone with 360")

# %%
streaks = [error_hu(picture) for picture in few]
print("views:", [360 // step for step in every], " error (HU):", [f"{e:.0f}" for e in streaks])
claim("The more views, the better the slice", np.all(np.diff(streaks) < 0))
claim("With 60 views the error is more than twice that with 360", streaks[1] > 2 * streaks[3])

# %% [markdown] tags=["slide"]
# ## 6 Where is the centre?
#
# A scan turns about an axis. The program must know on which place of the detector the axis falls.
# Half a cell of error is enough to see. It is a classic: for an even number of cells the middle lies
# *between* two cells, but a well-known Python library turns pictures about cell N // 2.

# %%
turn = ParallelBeam(views=360, detectors=256, spacing_mm=1.6, arc_deg=360)
all_round = attenuation_sinogram(tissue_sinogram(parts, -40.0, turn), 70.0)
OFFSET = 4.1  # mm; in a real scanner nobody tells you
shifted = np.array([np.interp(turn.positions_mm - OFFSET, turn.positions_mm, row) for row in all_round])


def slice_about(axis_mm):
    """FBP of the shifted scan, believing that the axis falls on this place of the detector."""
    rows = filter_sinogram(shifted, 1.6, "hann")
    return np.pi * back_project(rows[::2], turn.angles_deg[::2], 1.6, 192, 2.1, axis_mm)


# %% [markdown] tags=["exercise"] exercise="find_axis"
# ### Exercise: find the axis
#
# Over a **full turn** every point of the patient swings equally far to both sides of the axis. So
# the centre of mass of the shadow, averaged over all views, is the axis.
#
# Write `axis_mm(sinogram, positions)`: the place of the axis on the detector in mm. The sinogram
# (views, detectors) covers a full turn; `positions` are the places of the cells in mm.

# %% tags=["stub"] exercise="find_axis"
def axis_mm(sinogram, positions):
    """Where the axis of rotation falls on the detector, mm."""
    return ...

# %% tags=["check"] exercise="find_axis"
check("find_axis", axis_mm)

# %% [markdown] tags=["hint"] exercise="find_axis"
# The centre of mass of a shadow: the mean position, each cell counted with its value.

# %% [markdown] tags=["hint"] exercise="find_axis"
# For one view: `(view * positions).sum() / view.sum()`. Every view has the same total.

# %% [markdown] tags=["hint"] exercise="find_axis"
# `(sinogram * positions).sum() / sinogram.sum()` does it for all views at once.

# %% tags=["solution"] exercise="find_axis"
def axis_mm(sinogram, positions):
    """Where the axis of rotation falls on the detector, mm."""
    return (sinogram * positions).sum() / sinogram.sum()  # sines over a full turn cancel

# %% tags=["equivalent"] exercise="find_axis"
def axis_mm(sinogram, positions):
    return np.mean((sinogram @ positions) / sinogram.sum(axis=1))

# %% tags=["equivalent"] exercise="find_axis"
def axis_mm(sinogram, positions):
    return np.average(positions, weights=sinogram.sum(axis=0))

# %% tags=["wrong"] exercise="find_axis" says="all views"
def axis_mm(sinogram, positions):
    return (sinogram[0] * positions).sum() / sinogram[0].sum()

# %% tags=["wrong"] exercise="find_axis" says="divide"
def axis_mm(sinogram, positions):
    return (sinogram * positions).sum() / len(sinogram)

# %% tags=["wrong"] exercise="find_axis" says="number of a cell"
def axis_mm(sinogram, positions):
    return (sinogram * np.arange(len(positions))).sum() / sinogram.sum()

# %% tags=["wrong"] exercise="find_axis" says="brightest"
def axis_mm(sinogram, positions):
    return positions[sinogram.mean(axis=0).argmax()]

# %% tags=["wrong"] exercise="find_axis" says="middle of the detector"
def axis_mm(sinogram, positions):
    return positions.mean()

# %% tags=["wrong"] exercise="find_axis" says="Half a turn"
def axis_mm(sinogram, positions):
    half = sinogram[: len(sinogram) // 2]
    return (half * positions).sum() / half.sum()

# %% tags=["checker"] exercise="find_axis"
def checker(axis_mm):
    parts = [Ellipse(0.02, 20, 12, 25, -10), Ellipse(0.03, 8, 8, -30, 5)]
    rows = ellipse_sinogram(parts, np.arange(0, 360, 6), 161, 1.0, aperture=True)[:, 20:]
    positions = centred(161, 1.0)[20:] + 7.3  # so the axis is at 7.3, not in the detector's middle
    got = np.asarray(axis_mm(rows, positions), dtype=float)
    require(got.shape == (), "One number, please.")
    one = (rows[0] * positions).sum() / rows[0].sum()
    require(abs(got - one) > 1e-6, "In one view the patient may lie to one side: use all views.")
    require(abs(got - positions[rows.mean(axis=0).argmax()]) > 1e-6, "The brightest cell is not the centre of mass.")
    require(abs(got - 60) > 0.5, "That is the number of a cell; use positions in mm.")
    require(abs(got - positions.mean()) > 1e-6, "The middle of the detector need not be the axis.")
    half = rows[:30]
    half = (half * positions).sum() / half.sum()
    require(abs(got - half) > 1e-6, "Half a turn is not enough: points do not swing to both sides.")
    total = (rows * positions).sum() / len(rows)
    require(abs(got - total) > 1e-6, "A mean: divide by the sum of what you weighted with.")
    close(got, 7.3, "Weight each position with the values measured there.")

# %% tags=["slide"]
axis = np.sum(shifted * turn.positions_mm) / shifted.sum()  # a line of yours
pictures = [slice_about(believed) for believed in (0.0, axis)]
titles = ["axis believed at 0 mm", f"axis found at {axis:.2g} mm"]
fig = films([hounsfield(p)[36:156] for p in pictures], titles, columns=2, width=9, vmin=-300, vmax=400)
fig.set_figheight(3.2)
show(fig, alt="With a wrong axis edges are doubled and bones have tails; with the found axis not")

# %%
good = np.pi * back_project(filter_sinogram(all_round, 1.6, "hann")[::2], turn.angles_deg[::2], 1.6, 192, 2.1)
gaps = [1000 / WATER * np.sqrt(np.mean((p - good)[30:160, 20:170] ** 2)) for p in pictures]
print(f"error by the wrong axis {gaps[0]:.0f} HU, after mending {gaps[1]:.0f} HU")
claim("The axis is found within a tenth of a millimetre", abs(axis - OFFSET) < 0.1)
claim("Mending takes away more than four fifths of the error", gaps[1] < 0.2 * gaps[0])

# %%
def error_if_shifted(share):
    """Error of a 128 x 128 head in percent, if the axis is off by this share of a cell."""
    step = 200 / 128
    model = ellipse_image(head, 128, step)
    rows = filter_sinogram(ellipse_sinogram(head, many, 128, step, aperture=True), step)
    picture = np.pi * back_project(rows, many, step, 128, step, share * step)
    seen = np.hypot(centred(128, step), centred(128, step)[:, None]) < 95
    return relative_error(picture[seen], model[seen])


centre_errors = [error_if_shifted(share) for share in (0, 0.25, 0.5, 1.0)]
print("axis off by 0, 1/4, 1/2, 1 cell: error", [f"{e:.2g} %" for e in centre_errors])
claim("Half a cell more than doubles the error", centre_errors[2] > 2 * centre_errors[0])

# %% [markdown] tags=["instructor"]
# Ask before showing it: what does a wrong axis look like for a small bright object? (A small arc or
# ring with half a turn of views, doubled edges with a full one.) The same trap in other clothes:
# image registration, rotated augmentation, `fftshift`. Short of time: skip the last cell. The
# library is scikit-image; its documentation and its open issue 6425 are good reading.

# %% [markdown] tags=["slide"]
# ## 7 Step by step
#
# Guess a slice. Compute its shadows. Compare with the measured ones. Correct the guess. Repeat.
# That is [[iterative reconstruction]]. The methods differ in how they correct:
#
# - **[[ART]]**: one ray after the other, as in Hounsfield's first scanner.
# - **SIRT** (simultaneous iterative): the mean correction of all rays at once; slow and steady.
# - **CGLS** (conjugate gradients, least squares): all rays, in the directions that help most; fast.

# %% [markdown] tags=["exercise"] exercise="art_step"
# ### Exercise: one step of ART
#
# `mu` (n,) is the present guess, `w` (n,) the weights of one ray in mm, `p` its measured line
# integral. Return the nearest guess that fulfils this one equation, `w @ mu == p`. The correction is
# spread over the pixels in proportion to their weights.

# %% tags=["stub"] exercise="art_step"
def art_step(mu, w, p):
    """mu corrected so that the ray with weights w sums to p."""
    return ...

# %% tags=["check"] exercise="art_step"
check("art_step", art_step)

# %% [markdown] tags=["hint"] exercise="art_step"
# How much is missing in this ray? Which pixels can be responsible, and how much each?

# %% [markdown] tags=["hint"] exercise="art_step"
# Missing is `p - w @ mu`. Add `w` times a number, so that afterwards nothing is missing.

# %% [markdown] tags=["hint"] exercise="art_step"
# Adding `c * w` changes the ray's sum by `c * (w @ w)`. So c is the missing part over `w @ w`.

# %% tags=["solution"] exercise="art_step"
def art_step(mu, w, p):
    """mu corrected so that the ray with weights w sums to p."""
    return mu + (p - w @ mu) / (w @ w) * w  # w @ w: a step of w changes the sum by this much

# %% tags=["equivalent"] exercise="art_step"
def art_step(mu, w, p):
    return mu + np.linalg.pinv(w[None, :])[:, 0] * (p - np.dot(w, mu))

# %% tags=["equivalent"] exercise="art_step"
def art_step(mu, w, p):
    missing, total = p, 0.0
    for weight, value in zip(w, mu, strict=True):
        missing, total = missing - weight * value, total + weight**2
    return np.array([value + missing * weight / total for weight, value in zip(w, mu, strict=True)])

# %% tags=["wrong"] exercise="art_step" says="too far"
def art_step(mu, w, p):
    return mu + (p - w @ mu) * w

# %% tags=["wrong"] exercise="art_step" says="w @ w"
def art_step(mu, w, p):
    return mu + (p - w @ mu) / w.sum() * w

# %% tags=["wrong"] exercise="art_step" says="does not cross"
def art_step(mu, w, p):
    return mu + (p - w @ mu) / w.sum()

# %% tags=["wrong"] exercise="art_step" says="wrong way"
def art_step(mu, w, p):
    return mu - (p - w @ mu) / (w @ w) * w

# %% tags=["wrong"] exercise="art_step" says="correction alone"
def art_step(mu, w, p):
    return (p - w @ mu) / (w @ w) * w

# %% tags=["wrong"] exercise="art_step" says="in proportion"
def art_step(mu, w, p):
    return mu + (w > 0) * (p - w @ mu) / w.sum()

# %% tags=["checker"] exercise="art_step"
def checker(art_step):
    mu, w, p = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.4, 0.0, 1.6, 1.0]), 3.0
    got = np.asarray(art_step(mu.copy(), w, p), dtype=float)
    require(got.shape == (4,), "Return the whole corrected guess.")
    alone = -(w @ mu - p) / (w @ w) * w
    require(not np.allclose(got, alone), "This is the correction alone; add it to the guess.")
    require(abs(got[1] - 0.2) < 1e-12, "A pixel that the ray does not cross must stay as it was.")
    before, after = w @ mu - p, w @ got - p
    require(after * before > -1e-9 or abs(after) < abs(before), "The correction goes too far and makes things worse: by how much does adding w change the sum?")
    require(abs(after) <= abs(before), "The correction goes the wrong way.")
    require(abs(after) < 1e-9, "Afterwards w @ mu must be p. Adding w changes the sum by w @ w.")
    close(got, mu - before / (w @ w) * w, "Spread the correction in proportion to the weights.")

# %% [markdown]
# Now all three on the 64 x 64 head, with noise in the measurement. After every step we compare with
# the truth (which nobody has in a hospital):

# %%
noisy_head = shadows + 0.2 * np.random.default_rng(2).standard_normal(shadows.shape)
model = MatrixProjector(W, VIEWS)
history = {"ART": [], "SIRT": [], "CGLS": [], "SIRT, never negative": []}


def watcher(name):
    """A function that notes the error of every step under this name."""
    return lambda _, picture: history[name].append(relative_error(picture, truth))


art(W, noisy_head, 10, relaxation=0.2, watch=watcher("ART"))
sirt(model, noisy_head, 150, watch=watcher("SIRT"))
cgls(model, noisy_head, 40, watch=watcher("CGLS"))
sirt(model, noisy_head, 150, watcher("SIRT, never negative"), nonnegative=True)
plain = relative_error(fbp(noisy_head, angles, PIXEL, SIZE, PIXEL), truth)

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(8.5, 3.4))
for name, values in history.items():
    ax.semilogx(np.arange(1, len(values) + 1), values, ".-", label=name)
ax.axhline(plain, color="k", ls="--", label="FBP (Ram-Lak)")
ax.set(xlabel="iteration (ART: sweep over all rays)", ylabel="error (% of the peak)", ylim=(0, 20))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
show(fig, alt="Errors fall and then rise again; ART first, CGLS after six steps, SIRT slowest")

# %%
best = {name: int(np.argmin(values)) + 1 for name, values in history.items()}
lowest = {name: min(values) for name, values in history.items()}
for name in history:
    print(f"{name:20s} best after {best[name]:3d}: {lowest[name]:.2g} %")
print(f"{'FBP':20s} {plain:.2g} %")
claim("CGLS comes near, then moves away from the truth", history["CGLS"][-1] > 2 * lowest["CGLS"])
claim("SIRT needs many more steps than CGLS", best["SIRT"] > 3 * best["CGLS"])
claim("At its best, none of the three is better than FBP: they know no more than FBP does",
      min(lowest[name] for name in ("ART", "SIRT", "CGLS")) > plain)  # fmt: skip
claim("Knowing that attenuation is never negative makes the difference",
      lowest["SIRT, never negative"] < 0.85 * plain)  # fmt: skip

# %% [markdown]
# That is worth a second look. Iterating alone is no magic: from the same data it comes, here, no closer
# to the truth than FBP. What makes iterative methods better is that they can be *told* something: no negative attenuation; which
# rays to trust; what organs look like. FBP cannot listen.

# %% [markdown] tags=["slide"]
# ### Stop in time
#
# Near, then away again: **[[semi-convergence]]**. First the strong patterns come in, signal far above
# noise. Later the weak ones, noise far above signal (remember the [[singular values|singular value]]).
# Stopping early is one kind of [[regularisation]]. A penalty on roughness is another.

# %% [markdown] tags=["exercise"] exercise="inverse_crime"
# ### Exercise: catch the inverse crime
#
# A student tests a method like this: take pixels, multiply by `W`, solve with the same `W`. The result
# is delightful. But a patient has no pixels! This is the [[inverse crime]]. Write
# `two_errors(solve, W, truth, shadows)`. It returns
#
# 1. the error when `solve` gets `W @ truth.ravel()` (flattered), and
# 2. the error when it gets the exact `shadows` (honest),
#
# as root mean square errors against `truth`. `solve(sinogram)` takes a sinogram shaped like
# `shadows` and returns a picture shaped like `truth`.

# %% tags=["stub"] exercise="inverse_crime"
def two_errors(solve, W, truth, shadows):
    """Root mean square errors (flattered, honest)."""
    return ..., ...

# %% tags=["check"] exercise="inverse_crime"
check("inverse_crime", two_errors)

# %% [markdown] tags=["hint"] exercise="inverse_crime"
# Make two sinograms, solve each, compare both pictures with the same truth.

# %% [markdown] tags=["hint"] exercise="inverse_crime"
# `(W @ truth.ravel()).reshape(shadows.shape)` is the sinogram made from pixels.

# %% [markdown] tags=["hint"] exercise="inverse_crime"
# The error of a picture: `np.sqrt(np.mean((solve(sinogram) - truth) ** 2))`.

# %% tags=["solution"] exercise="inverse_crime"
def two_errors(solve, W, truth, shadows):
    """Root mean square errors (flattered, honest)."""
    crime = (W @ truth.ravel()).reshape(shadows.shape)  # made by the very model that is inverted
    return [np.sqrt(np.mean((solve(data) - truth) ** 2)) for data in (crime, shadows)]

# %% tags=["equivalent"] exercise="inverse_crime"
def two_errors(solve, W, truth, shadows):
    def rms(picture):
        return np.linalg.norm(picture - truth) / np.sqrt(truth.size)

    return rms(solve(W.dot(truth.flatten()).reshape(shadows.shape))), rms(solve(shadows))

# %% tags=["wrong"] exercise="inverse_crime" says="order"
def two_errors(solve, W, truth, shadows):
    crime = (W @ truth.ravel()).reshape(shadows.shape)
    return [np.sqrt(np.mean((solve(data) - truth) ** 2)) for data in (shadows, crime)]

# %% tags=["wrong"] exercise="inverse_crime" says="sinograms"
def two_errors(solve, W, truth, shadows):
    crime = (W @ truth.ravel()).reshape(shadows.shape)
    return 0.0, np.sqrt(np.mean((crime - shadows) ** 2))

# %% tags=["wrong"] exercise="inverse_crime" says="against the truth"
def two_errors(solve, W, truth, shadows):
    crime = solve((W @ truth.ravel()).reshape(shadows.shape))
    return np.sqrt(np.mean((crime - truth) ** 2)), np.sqrt(np.mean((solve(shadows) - crime) ** 2))

# %% tags=["wrong"] exercise="inverse_crime" says="square root"
def two_errors(solve, W, truth, shadows):
    crime = (W @ truth.ravel()).reshape(shadows.shape)
    return [np.mean((solve(data) - truth) ** 2) for data in (crime, shadows)]

# %% tags=["wrong"] exercise="inverse_crime" says="two numbers"
def two_errors(solve, W, truth, shadows):
    return np.sqrt(np.mean((solve(shadows) - truth) ** 2))

# %% tags=["wrong"] exercise="inverse_crime" says="percent"
def two_errors(solve, W, truth, shadows):
    crime = (W @ truth.ravel()).reshape(shadows.shape)
    root = [np.sqrt(np.mean((solve(data) - truth) ** 2)) for data in (crime, shadows)]
    return [100 * each / truth.max() for each in root]

# %% tags=["checker"] exercise="inverse_crime"
def checker(two_errors):
    directions, parts = np.arange(20) * 9.0, [Ellipse(1.0, 30, 20, 5, 3)]
    W = system_matrix(12, 8.0, directions, 12, 8.0)
    picture, rows = ellipse_image(parts, 12, 8.0), ellipse_sinogram(parts, directions, 12, 8.0, True)

    def solve(data):
        return cgls(MatrixProjector(W, 20), np.asarray(data), 15)

    crime = (W @ picture.ravel()).reshape(rows.shape)
    answers = [solve(crime), solve(rows)]
    want = [np.sqrt(np.mean((each - picture) ** 2)) for each in answers]
    answer = two_errors(solve, W, picture, rows)
    require(np.shape(answer) == (2,), "Return two numbers: flattered, honest.")
    first, second = answer
    percent = 100 * want[0] / picture.max()
    require(not np.isclose(first, percent), "The plain error, please: in 1/mm, not in percent.")
    require(not np.isclose(second, np.sqrt(np.mean((crime - rows) ** 2))), "Compare pictures, not sinograms.")
    require(not np.isclose(first, want[1]), "The order is: flattered first, honest second.")
    require(not np.isclose(first, want[0] ** 2), "Do not forget the square root.")
    close(first, want[0], "Give solve the sinogram made from the pixels.", rtol=0.01)
    require(not np.isclose(second, np.sqrt(np.mean((answers[1] - answers[0]) ** 2))), "Measure both errors against the truth.")
    close(second, want[1], "Give solve the exact shadows.", rtol=0.01)

# %%
crime = cgls(model, perfect, 40)
honest = cgls(model, shadows, 40)
flattered, real = relative_error(crime, truth), relative_error(honest, truth)
print(f"error after the crime {flattered:.2g} %, on exact shadows {real:.2g} %")
claim("The crime makes the method look more than three times better", real > 3 * flattered)

# %% [markdown] tags=["slide"]
# ## 8 Every ray as its photons deserve
#
# A ray across the whole chest may bring 5 photons: its logarithm is a wild guess. FBP trusts it like
# any other, and draws it as a streak. The **statistical** way asks: which slice makes the *counted
# photons* most likely, and is not rough?
#
# $$\text{minimise}\quad \underbrace{\sum_i \big(n_i-y_i\ln n_i\big)}_{\text{photons } y_i
# \text{ counted, } n_i=N_0e^{-[W\mu]_i}\text{ expected}}\;+\;\beta\underbrace{\sum_{j\sim k}
# \psi(\mu_j-\mu_k)}_{\text{neighbours alike}}$$
#
# ψ is a parabola near 0 and straight further out (Huber), so that edges of organs stay.

# %%
BLANK = 3_000  # photons per ray without patient: a seventh of the scan above
low_counts, low = measure(BLANK, seed=3)
print("fewest photons in a ray:", int(low_counts.min()))
smooth = reconstruct(low, "hann")
projectors, dealt = ordered_subsets(low_counts, beam.angles_deg, 1.6, 256, 1.6, subsets=10)
soft, firm = (
    penalised_likelihood(projectors, dealt, BLANK, smooth, 12, beta * BLANK, huber=3e-4)
    for beta in (50, 300)
)
low_dose = {"FBP Ram-Lak": reconstruct(low), "FBP Hann": smooth, "statistical": firm}

# %% tags=["slide"]
fig = films([hounsfield(p)[48:208] for p in low_dose.values()], list(low_dose), columns=3, width=11,
            vmin=-200, vmax=300)  # fmt: skip
fig.set_figheight(2.6)
show(fig, alt="Low dose: FBP grainy with horizontal streaks, Hann less, statistical smooth and sharp")

# %%
def texture(picture):
    """Noise in the heart: its size in HU, and how alike pixels two apart are (1: the same)."""
    grain = hounsfield(picture) - hounsfield(body)
    block = grain[112:128, 120:136] - grain[112:128, 120:136].mean()
    return block.std(), np.mean(block[:, 2:] * block[:, :-2]) / np.mean(block**2)


for name, picture in {**low_dose, "weak penalty": soft}.items():
    size, alike = texture(picture)
    print(f"{name:13s} error {error_hu(picture):3.0f} HU, noise {size:3.0f} HU, alike {alike:.1f}")
claim("The statistical slice has a quarter less error than the best FBP",
      error_hu(firm) < 0.75 * error_hu(smooth))  # fmt: skip
claim("and less than half the noise", texture(firm)[0] < 0.5 * texture(smooth)[0])
claim("but its noise is coarser: neighbours are more alike", texture(firm)[1] > texture(smooth)[1])

# %% tags=["varies", "slide"]
start = time.process_time()
reconstruct(low)
middle = time.process_time()
penalised_likelihood(projectors, dealt, BLANK, smooth, 12, 300 * BLANK, huber=3e-4)
print(f"FBP {1000 * (middle - start):.0f} ms, statistical {time.process_time() - middle:.1f} s")

# %% [markdown] tags=["slide"]
# ### The trade
#
# Less noise and fewer streaks, so less dose for the same slice. The price: time, and another
# **texture**. Grain that is coarse, or blotchy ("plastic"), is unfamiliar to readers. That is why
# scanners let you *mix* iterative slices with FBP, and why a number like the noise in HU is not the
# whole story.

# %% tags=["slide"]
crops = [hounsfield(p)[85:150, 85:150] for p in (body, smooth, soft, firm)]
titles = ["truth", "FBP Hann", "weak penalty", "strong penalty"]
fig = films(crops, titles, width=11, vmin=-150, vmax=250, interpolation="nearest")
show(fig, alt="The heart enlarged: truth, grainy FBP, speckled weak penalty, smooth strong penalty")

# %% [markdown] tags=["instructor"]
# Discuss: the penalty knows nothing of anatomy; which small lesion would it remove? (Low contrast,
# a few pixels.) The lesson on low-dose CT measures this. Typical mistake: comparing noise alone. A
# grey page has no noise.

# %% [markdown] tags=["slide"]
# ## 9 Sixty views are enough?
#
# With 60 views there are fewer equations than unknowns: many slices fit. Choose among them the one
# with the least **[[total variation]]**: the sum of all steps between neighbours. Streaks are many
# steps, organs few.

# %%
sixty = exact[::6].astype(np.float32)
projector = ParallelProjector(256, 1.6, beam.angles_deg[::6], 256, 1.6)
tv = total_variation_reconstruction(projector, sixty, 250, strength=1e-5)
by_views = {"FBP, 360 views": few[3], "FBP, 60 views": few[1], "TV, 60 views": tv}

# %% tags=["slide"]
fig = films([hounsfield(p)[48:208] for p in by_views.values()], list(by_views), columns=3, width=11,
            vmin=-300, vmax=400)  # fmt: skip
fig.set_figheight(2.6)
show(fig, alt="FBP with 60 views has streaks; total variation with the same views is clean")

# %%
for name, picture in by_views.items():
    print(f"{name:15s} error {error_hu(picture):3.0f} HU")
claim("With the same 60 views TV has less than half the error of FBP",
      error_hu(tv) < 0.5 * error_hu(few[1]))  # fmt: skip

# %% [markdown]
# Too good to be true? Our patient *is* made of flat pieces: the very thing that TV assumes. Real
# organs have texture, and TV irons it out. It is an inverse crime of another kind: an assumption tested
# on patients made to fit it. Play with the strength, and see when small things vanish.

# %%
def draw_tv(views, strength):
    """The head from few views by total variation, beside FBP."""
    chosen = np.arange(views) * 180 / views
    rows = ellipse_sinogram(head, chosen, 128, 200 / 128, aperture=True)
    machine = ParallelProjector(128, 200 / 128, chosen, 128, 200 / 128)
    pictures = [
        fbp(rows, chosen, 200 / 128, 128, 200 / 128, projector=machine),
        total_variation_reconstruction(machine, rows, 100, strength),
    ]
    titles = [f"FBP, views: {views}", f"total variation {strength:g}"]
    return films(pictures, titles, columns=2, width=7, vmin=0, vmax=0.05)


explore(
    draw_tv,
    alt="head phantom from few views: FBP with streaks, total variation beside it",
    views=(8, 90, 2, 24),
    strength=[3e-5, 1e-5, 1e-4, 3e-4, 1e-3],
)

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - CT is a system of linear equations; the weights $w_{ij}$ in mm belong to it.
# - Back projection blurs by 1/r; the ramp filter undoes it, and lifts the noise.
# - The window (kernel) trades noise against sharpness; no window gives both.
# - Half a cell of error in the centre of rotation is visible.
# - Iterative methods: stop in time. Statistical ones trust rays by their photons: less noise, other
#   texture, more time.
# - Never test a method on data made by its own model, or on patients made to fit its assumption.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - A. C. Kak, M. Slaney, *Principles of Computerized Tomographic Imaging*, IEEE Press 1988 (free from
#   the authors): chapters 3 (FBP), 5 (aliasing), 7 (algebraic methods).
# - G. N. Hounsfield, Computerized transverse axial scanning, *Br. J. Radiol.* 46, 1973, 1016.
# - L. A. Shepp, B. F. Logan, The Fourier reconstruction of a head section, *IEEE Trans. Nucl. Sci.*
#   21, 1974, 21; contrast after P. Toft, *The Radon Transform*, thesis, Lyngby 1996.
# - R. L. Siddon, Fast calculation of the exact radiological path, *Med. Phys.* 12, 1985, 252.
# - H. Erdogan, J. A. Fessler, Ordered subsets algorithms for transmission tomography, *Phys. Med.
#   Biol.* 44, 1999, 2835.
# - E. Y. Sidky, X. Pan, Image reconstruction by constrained total-variation minimization, *Phys. Med.
#   Biol.* 53, 2008, 4777.

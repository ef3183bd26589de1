# %% [markdown] tags=["slide"]
# ## The scanner never sees an image
#
# An MR scanner has one antenna and no lens. It hears a single number at a time: the sum of all spins
# in the slice. Yet it makes pictures. How?
#
# - [[Gradients|gradient]] make the spins' frequency depend on where they are.
# - So every number that is heard is one value of the [[Fourier transform]] of the picture.
# - These numbers fill a second picture: [[k-space]].
#
# Everything that makes MR fast, sharp, blurred or folded happens in k-space.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib.data.samples import sample_mr
from course_lib.imaging.mr.exact import kspace_of
from course_lib.imaging.mr.fourier import k_axis, to_image, to_kspace, zero_pad
from course_lib.imaging.mr.noise import add_noise, nrmse
from course_lib.imaging.mr.partial_fourier import homodyne, pocs, zero_filled
from course_lib.imaging.mr.sampling import on_grid, partial, point_spread, radial_path, spiral_path
from course_lib.imaging.mr.sequences import SpinEcho, weights
from course_lib.imaging.mr.windows import WINDOWS, windowed
from course_lib.patient.head import head_parts
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown]
# ## 1 The signal is a Fourier transform
#
# A gradient G along x makes the spins at x turn faster by $\gamma G x$. After a time t they are ahead
# by $2\pi k x$, with
#
# $$k = \frac{\gamma}{2\pi} \int_0^t G \, dt'.$$
#
# The antenna hears all of them together:
#
# $$S(k) = \int \rho(x)\, e^{-2\pi i k x}\, dx.$$
#
# That is the definition of the Fourier transform of $\rho$. So k is not an abstract thing: it is the
# *area under the gradient so far*, and it says **how many turns per millimetre** the spins are wound up.
#
# Two gradients share the work. [[Phase encoding]] (here along y) is on before we listen, with another
# height each time: it chooses the line of k-space. The [[readout]] gradient (here along x) is on while we
# listen: it runs along the line.

# %% tags=["slide"]
GAMMA = 42.577e6  # Hz per tesla, for the proton
time_ms = np.arange(0, 6, 0.01)
phase_gradient = np.where((time_ms > 1) & (time_ms < 2), 4.0, 0.0)  # mT/m, another height each TR
readout = np.where((time_ms > 1) & (time_ms < 2), -11.5, 0.0)  # first to the left edge ...
readout = np.where((time_ms > 2.5) & (time_ms < 4.5), 11.5, readout)  # ... then across, listening
ky, kx = (GAMMA * np.cumsum(g) * 1e-6 * 1e-5 for g in (phase_gradient, readout))  # 1/mm
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
left.plot(time_ms, phase_gradient + 30, label="phase encoding (y)")
left.plot(time_ms, readout, label="readout (x)")
left.axvspan(2.5, 4.5, color=COLOURS[4], alpha=0.2)
left.text(3.15, 20, "listen")
left.set(xlabel="time (ms)", ylabel="gradient (mT/m; y moved up by 30)")
left.legend(loc="lower right", fontsize=8)
left.set_ylim(-26, 38)
right.plot(kx, ky, color=COLOURS[2])
right.plot(kx[0], ky[0], "o", color=COLOURS[6])
right.annotate("start", (0, 0), (0.15, 0.03), arrowprops={"arrowstyle": "->"})
right.set(xlabel="kx (1/mm)", ylabel="ky (1/mm)", title="the path through k-space")
show(fig, alt="Gradients against time, and the path: diagonally to a corner, then straight across")

# %% [markdown] tags=["exercise"] exercise="k_from_gradient"
# ### Exercise: how far does a gradient take us?
#
# A gradient of `gradient_mt_m` (millitesla per metre) is on for `duration_ms` (milliseconds).
# Return how far k moves, in turns per **millimetre**. γ/2π is `GAMMA` = 42.577 million Hz per tesla.
# Mind the units: they are the whole exercise.

# %% tags=["given"] exercise="k_from_gradient"
GAMMA = 42.577e6  # Hz per tesla

# %% tags=["stub"] exercise="k_from_gradient"
def k_moved(gradient_mt_m, duration_ms):
    """Change of k in 1/mm."""
    return ...

# %% tags=["check"] exercise="k_from_gradient"
check("k_from_gradient", k_moved)

# %% [markdown] tags=["hint"] exercise="k_from_gradient"
# k is γ/2π times the area under the gradient. For a constant gradient the area is height times time.

# %% [markdown] tags=["hint"] exercise="k_from_gradient"
# Write everything in tesla, millimetre and second. 1 mT/m is 0.001 tesla over 1000 mm. 1 ms is 0.001 s.

# %% [markdown] tags=["hint"] exercise="k_from_gradient"
# 1 mT/m = 1e-6 T/mm and 1 ms = 1e-3 s: the three factors are `GAMMA`, `gradient_mt_m * 1e-6` and
# `duration_ms * 1e-3`.

# %% tags=["solution"] exercise="k_from_gradient"
def k_moved(gradient_mt_m, duration_ms):
    """Change of k in 1/mm."""
    return GAMMA * (gradient_mt_m * 1e-6) * (duration_ms * 1e-3)  # Hz/T times T/mm times s

# %% tags=["equivalent"] exercise="k_from_gradient"
def k_moved(gradient_mt_m, duration_ms):
    return 0.042577 * gradient_mt_m * duration_ms

# %% tags=["wrong"] exercise="k_from_gradient" says="thousand times"
def k_moved(gradient_mt_m, duration_ms):
    return GAMMA * gradient_mt_m * 1e-3 * duration_ms * 1e-3

# %% tags=["wrong"] exercise="k_from_gradient" says="thousand times"
def k_moved(gradient_mt_m, duration_ms):
    return GAMMA * gradient_mt_m * 1e-6 * duration_ms

# %% tags=["wrong"] exercise="k_from_gradient" says="radians"
def k_moved(gradient_mt_m, duration_ms):
    return 2 * np.pi * 0.042577 * gradient_mt_m * duration_ms

# %% tags=["wrong"] exercise="k_from_gradient" says="area"
def k_moved(gradient_mt_m, duration_ms):
    return 0.042577 * gradient_mt_m

# %% tags=["wrong"] exercise="k_from_gradient" says="nothing was converted"
def k_moved(gradient_mt_m, duration_ms):
    return GAMMA * gradient_mt_m * duration_ms

# %% tags=["wrong"] exercise="k_from_gradient" says="leads back"
def k_moved(gradient_mt_m, duration_ms):
    return 0.042577 * abs(gradient_mt_m) * duration_ms

# %% tags=["checker"] exercise="k_from_gradient"
def checker(k_moved):
    value, right = k_moved(10.0, 2.0), GAMMA * 10e-6 * 2e-3
    number = isinstance(value, (int, float, np.number))
    for factor, message in (
        (1e3, "A thousand times too much: count per millimetre, and milliseconds as 0.001 s."),
        (1e6, "A million times too much: convert milli to 1, metre to millimetre, ms to s."),
        (1e9, "Far too much: nothing was converted. GAMMA is per tesla and per second."),
        (2 * np.pi, "k counts whole turns, not radians: there is no 2 pi left in it."),
        (0.5, "k is the area under the gradient: height times time."),
    ):
        require(not number or abs(value / right - factor) > 1e-3, message)
    close(value, right, "10 mT/m for 2 ms.")
    close(k_moved(-10.0, 4.0), -2 * right, "A negative gradient leads back.")

# %% [markdown]
# In the picture above, the readout gradient of 11.5 mT/m is on for 2 ms. It moves k by almost
# 1 turn per mm, from one edge of k-space to the other. Larger and faster gradients do the same in
# less time. That is why "maximum gradient" and "slew rate" (how quickly it rises) stand on the first page
# of a brochure.
#
# ## 2 The k-space of a head
#
# Our subject is a [[virtual patient]]: a head made of solids. Its signal is an integral over the
# solids, in closed form along x, so there are no pixels before *we* make them. (Who makes k-space
# out of a pixel picture gets suspiciously perfect results: the [[inverse crime]].)
#
# The grey of every tissue comes from lesson *MR signal*: a T2-weighted [[spin echo]].

# %%
head = head_parts(3, age=45)
tissues = {tissue for part in head for tissue in (part.tissue, part.displaces)}
brightness = weights(SpinEcho(tr_ms=4000, te_ms=90), tissues)  # tissue -> signal
FOV, N = 240.0, 256  # mm; lines and columns
k = kspace_of(head, brightness, z_mm=12, thickness_mm=4, field_of_view_mm=FOV, shape=(N, N))
print("k-space:", k.shape, k.dtype)
print(f"pixel {FOV / N:.3g} mm; k in steps of {1 / FOV:.3g}, up to {N / 2 / FOV:.3g} per mm")

# %% tags=["slide"]
WHITE = 0.55  # the brightest grey: nearly that of fluid
image = np.abs(to_image(k))
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 4.3))
film(left, np.log(np.abs(k)), "k-space (logarithm of the magnitude)")
film(right, image, "its Fourier transform", vmin=0, vmax=WHITE)
show(fig, alt="K-space: a bright centre that fades outwards. The image: an axial T2-weighted head")

# %% [markdown]
# One *line* of k-space is measured per echo; the next line needs another phase-encoding gradient and,
# in the plain spin echo, another [[repetition time]] (TR). So the time of the scan is
#
# lines × TR: 256 × 4 s = 17 minutes.
#
# Columns are free: they are heard within milliseconds. **All methods of fast MR leave out lines, or
# collect several per TR.** This lesson shows what the lines are worth.

# %%
minutes = N * 4.0 / 60
claim("A plain spin echo of this head takes 17 minutes", round(minutes) == 17)

# %% [markdown] tags=["instructor"]
# Many students believe that a k-space point belongs to a pixel. Ask: "If I delete the upper left
# corner of k-space, what happens in the upper left of the picture?" Then do it (`k[:40, :40] = 0`).
# Short of time: skip section 7 and the exercise on stripes.

# %% [markdown] tags=["slide"]
# ## 3 One point of k-space is one pattern of stripes
#
# - Every point of k-space stands for stripes that cross the **whole** picture.
# - Its distance from the centre: how fine the stripes are. Its direction: how they are turned.
# - Its value: how strong they are, and where the bright ones lie.
#
# The image is the sum of 65,536 such patterns.

# %% [markdown] tags=["exercise"] exercise="one_point"
# ### Exercise: predict, then run
#
# A k-space of 256 x 256 is zero but for one point, in row 128 + 4 and column 128. The centre is
# [128, 128]; rows count downwards. What does the real part of the image look like?
#
# - `direction`: `"horizontal"` if the stripes lie like a flat horizon, `"vertical"` if they stand.
# - `stripes`: how many stripes are there from top to bottom? (A bright and a dark half make one.)
# - `second_point`: to make the image real (no imaginary part), one more point must be set, to the
#   same value. Which one? Give `(row, column)`.

# %% tags=["stub"] exercise="one_point"
direction = ...
stripes = ...
second_point = ...

# %% tags=["check"] exercise="one_point"
check("one_point", direction, stripes, second_point)

# %% [markdown] tags=["hint"] exercise="one_point"
# Row 128 + 4 means: ky is not zero, kx is zero. Along which direction does the wave change?

# %% [markdown] tags=["hint"] exercise="one_point"
# The signal is $\exp(2\pi i k_y y)$, with ky = 4 / FOV. It turns four times from top to bottom and does not change from left to right.

# %% [markdown] tags=["hint"] exercise="one_point"
# A cosine is half a wave with +k and half a wave with -k. What is -k of row 128 + 4, counted from row 128?

# %% tags=["solution"] exercise="one_point"
direction = "horizontal"  # the brightness changes with y only
stripes = 4  # four turns over the field of view
second_point = (124, 128)  # the partner, as far on the other side of the centre

# %% tags=["equivalent"] exercise="one_point"
direction, stripes, second_point = "Horizontal", 4.0, [128 - 4, 128]

# %% tags=["wrong"] exercise="one_point" says="changes with y"
direction, stripes, second_point = "vertical", 4, (124, 128)

# %% tags=["wrong"] exercise="one_point" says="field of view"
direction, stripes, second_point = "horizontal", 132, (124, 128)

# %% tags=["wrong"] exercise="one_point" says="bright stripe"
direction, stripes, second_point = "horizontal", 8, (124, 128)

# %% tags=["wrong"] exercise="one_point" says="other side"
direction, stripes, second_point = "horizontal", 4, (128, 132)

# %% tags=["checker"] exercise="one_point"
def checker(direction, stripes, second_point):
    direction = str(direction).lower()
    require(direction in ("horizontal", "vertical"), "direction: 'horizontal' or 'vertical'.")
    require(direction == "horizontal", "kx is 0 here: the brightness changes with y, not with x.")
    require(stripes != 132, "k counts from the centre, in turns per field of view.")
    require(stripes != 8, "One turn has one bright stripe and one dark one.")
    close(stripes, 4, "How many turns does the wave make from top to bottom?")
    message = "The partner lies as far on the other side of the centre, through [128, 128]."
    require(np.shape(second_point) == (2,), "second_point: give (row, column).")
    require(tuple(second_point) == (124, 128), message)

# %%
places = [[(132, 128)], [(132, 128), (124, 128)], [(128, 148), (128, 108)], [(137, 140), (119, 116)]]
patterns = []
for points in places:
    one = np.zeros((N, N), np.complex64)
    for row, column in points:
        one[row, column] = 1
    patterns.append(to_image(one).real)
titles = ["row +4", "and its partner", "columns ±20", "both: oblique"]
show(films(patterns, titles), alt="Stripes: 4 horizontal; the same; 20 vertical, finer; oblique")

# %%
imaginary = np.zeros((N, N), np.complex64)
imaginary[132, 128] = imaginary[124, 128] = 1
claim("Two partners with equal values give a real image", np.abs(to_image(imaginary).imag).max() < 1e-6)
bad = k.copy()
bad[150, 170] += 120 * np.abs(k).mean()  # a spark while this one point was measured
spoiled = np.abs(to_image(bad))
claim("One bad point changes the whole picture", (np.abs(spoiled - image) > 1e-4).mean() > 0.5)

# %% tags=["slide"]
fig = films([image, spoiled], ["as measured", "one point of k-space is wrong"], vmin=0, vmax=WHITE)
show(fig, alt="A clean head, and the same head under oblique stripes from one wrong k-space point")

# %% [markdown]
# Radiologists know this picture: the *herringbone* or corduroy artefact. The cause can be a loose
# contact, or a light bulb in the magnet room.
#
# ## 4 What the centre holds, and what the edge holds

# %% tags=["slide"]
rows, columns = np.indices((N, N)) - N // 2
far = np.hypot(rows, columns)  # distance from the centre, in steps of k


def masked(keep):
    """Image from the part of k-space where keep (rows, columns) is True."""
    return np.abs(to_image(k * keep))


centre, edge = far < 16, far >= 16
titles = ["all of k-space", f"{centre.mean():.1%} of the points", "everything else"]
fig = films([image, masked(centre), masked(edge)], titles, columns=3, vmin=0, vmax=WHITE)
show(fig, alt="The centre alone gives a blurred head with right grey values; the rest only edges")

# %%
def energy(keep):
    """Share of the signal's energy that lies in a part of k-space."""
    return np.sum(np.abs(k[keep]) ** 2) / np.sum(np.abs(k) ** 2)


white_matter = (slice(112, 120), slice(96, 104))  # a small region of the picture
print(f"the centre holds {energy(centre):.3g} of the energy in {centre.mean():.2g} of the points")
claim("1.2 % of the points hold more than 80 % of the energy", energy(centre) > 0.8)
right_grey = masked(centre)[white_matter].mean() / image[white_matter].mean()
claim("The centre alone has the right grey values, within 15 %", abs(right_grey - 1) < 0.15)
claim("Without the centre they are lost", masked(edge)[white_matter].mean() < 0.3 * image[white_matter].mean())

# %% [markdown] tags=["slide"]
# ### Play: centre and edge
#
# - Keep the **centre** and make the circle larger. When could you report this picture?
# - Keep the **edge**. What is left of grey and white matter?
# - This is why contrast medium must arrive when the *centre* of k-space is measured.

# %%
def draw_part(radius, keep):
    part = far < radius if keep == "centre" else far >= radius
    fig, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.9))
    film(left, np.log(np.abs(k)) * part - 12.0 * ~part, f"{part.mean():.1%} of k-space", vmin=-12)
    film(right, masked(part), f"{energy(part):.1%} of the energy", vmin=0, vmax=WHITE)
    return fig


explore(
    draw_part,
    alt="the part of k-space that is kept, and the image it gives",
    radius=(2, 128, 2, 24),
    keep=["centre", "edge"],
)

# %% [markdown]
# ### A real belly
#
# Is that only so for virtual heads? Here is a real MR slice that comes with *pydicom*. Careful: a file
# holds grey values, not k-space. Its Fourier transform is *not* what the scanner measured: the phase is
# gone, several coils were combined, and the picture was filtered.

# %%
belly = sample_mr("abdomen").values
from_file = to_kspace(belly.astype(np.complex64))
rows_b, columns_b = (np.arange(n) - n // 2 for n in belly.shape)
core = np.hypot(*np.meshgrid(rows_b / belly.shape[0], columns_b / belly.shape[1], indexing="ij")) < 1 / 16
blurred = np.abs(to_image(from_file * core))
fig = films([belly, np.log(np.abs(from_file) + 1), blurred], ["from the file", "its Fourier transform",
            f"{core.mean():.1%} of the points"], columns=3)
show(fig, alt="A real axial abdomen; its Fourier transform with a bright centre; the blurred centre part")

# %%
share = np.sum(np.abs(from_file[core]) ** 2) / np.sum(np.abs(from_file) ** 2)
claim("In a real slice, too, 1.2 % of the points hold most of the energy", share > 0.9)
mirrored = np.roll(from_file[::-1, ::-1], (1, 1), (0, 1)).conj()
claim("and a file without phase has a perfectly symmetric k-space: no scanner measures such",
      nrmse(mirrored, from_file) < 1e-4)
by_row = np.median(np.abs(from_file), axis=1)
claim("Beyond a third of the rows there is hardly anything", by_row[210:250].mean() < 0.2 * by_row[180:190].mean())

# %% [markdown]
# See the dark bands above and below? About 100 of the 300 rows hold nearly everything. The file's header
# says why: *Number of Phase Encoding Steps* is 134. The other rows were never measured; the scanner filled
# them with zeros (section 7 says what that does, and what it does not do) and faded the outermost lines.

# %% [markdown] tags=["slide"]
# ## 5 A trap: where is the centre?
#
# - The scanner counts k from the **middle** of the array: -128 ... 0 ... 127.
# - The fast Fourier transform (FFT) counts from the **first** element: 0 ... 255.
# - `ifftshift` moves the middle to the front, `fftshift` moves it back.
#
# Leaving them out, or mixing them up, gives pictures that look almost right.

# %%
wrong_ways = {
    "no shift": np.fft.ifft2(k),
    "shifted afterwards": np.fft.fftshift(np.fft.ifft2(k)),
    "forward, not inverse": np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(k))),
}
pictures = [np.abs(picture) for picture in wrong_ways.values()]
pictures.append(np.angle(wrong_ways["shifted afterwards"][116:140, 116:140]))
fig, axes = plt.subplots(1, 4, figsize=(10, 2.8))
for ax, picture, title in zip(axes, pictures, [*wrong_ways, "phase of the second"], strict=True):
    film(ax, picture, title, interpolation="nearest")
show(fig, alt="Quarters swapped; a right-looking head; a head upside down; a chessboard of phases")

# %%
upper, lower = np.angle(wrong_ways["shifted afterwards"][128:130, 128])
jump = abs(upper - lower)
claim("In the second way, the phase jumps by half a turn from pixel to pixel", abs(jump - np.pi) < 0.3)

# %% [markdown]
# The second way is the nasty one: its magnitude is perfect. The chessboard in the phase goes unnoticed
# until somebody combines coils, maps the field or feeds real and imaginary parts to a network.
# Published code has had this mistake more than once.

# %% [markdown] tags=["exercise"] exercise="shifts"
# ### Exercise: mend it
#
# Write `image_of(kspace)`: the complex image, for k-space with k = 0 at `[rows // 2, columns // 2]`.
# Use `np.fft.fftshift`, `np.fft.ifftshift` and `np.fft.ifft2` with `norm="ortho"`.
# It must hold for **odd** sizes too: there, the two shifts are not the same.

# %% tags=["stub"] exercise="shifts"
def image_of(kspace):
    """Complex image (rows, columns) of centred k-space."""
    return ...

# %% tags=["check"] exercise="shifts"
check("shifts", image_of)

# %% [markdown] tags=["hint"] exercise="shifts"
# Two moves are needed: one before the transform, so that the FFT finds k = 0 where it looks for it;
# one afterwards, so that you find the image where you look for it.

# %% [markdown] tags=["hint"] exercise="shifts"
# For 5 elements, `fftshift` moves element 0 to place 2 (into the middle). `ifftshift` moves the
# middle one, place 2, to place 0. Which one does the FFT need first?

# %% [markdown] tags=["hint"] exercise="shifts"
# Middle to front, transform, front to middle: `fftshift(ifft2(ifftshift(kspace), norm="ortho"))`.

# %% tags=["solution"] exercise="shifts"
def image_of(kspace):
    """Complex image (rows, columns) of centred k-space."""
    front = np.fft.ifftshift(kspace)  # the middle comes to the front, where the FFT has k = 0
    return np.fft.fftshift(np.fft.ifft2(front, norm="ortho"))  # and the image back to the middle

# %% tags=["equivalent"] exercise="shifts"
def image_of(kspace):
    rows, columns = kspace.shape
    front = np.roll(kspace, (-(rows // 2), -(columns // 2)), (0, 1))
    return np.roll(np.fft.ifft2(front, norm="ortho"), (rows // 2, columns // 2), (0, 1))

# %% tags=["equivalent"] exercise="shifts"
def image_of(kspace):
    return to_image(np.asarray(kspace))

# %% tags=["wrong"] exercise="shifts" says="before"
def image_of(kspace):
    return np.fft.fftshift(np.fft.ifft2(kspace, norm="ortho"))

# %% tags=["wrong"] exercise="shifts" says="odd"
def image_of(kspace):
    return np.fft.ifftshift(np.fft.ifft2(np.fft.fftshift(kspace), norm="ortho"))

# %% tags=["wrong"] exercise="shifts" says="Quarters"
def image_of(kspace):
    return np.fft.ifft2(np.fft.ifftshift(kspace), norm="ortho")

# %% tags=["wrong"] exercise="shifts" says="upside down"
def image_of(kspace):
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(kspace), norm="ortho"))

# %% tags=["wrong"] exercise="shifts" says="ortho"
def image_of(kspace):
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace)))

# %% tags=["wrong"] exercise="shifts" says="complex"
def image_of(kspace):
    return np.abs(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace), norm="ortho")))

# %% tags=["wrong"] exercise="shifts" says="Two moves"
def image_of(kspace):
    return np.fft.ifft2(kspace, norm="ortho")

# %% tags=["wrong"] exercise="shifts" says="odd"
def image_of(kspace):
    return np.fft.fftshift(np.fft.ifft2(np.fft.fftshift(kspace), norm="ortho"))

# %% tags=["checker"] exercise="shifts"
def checker(image_of):
    def same(a, b):
        return np.shape(a) == b.shape and np.allclose(a, b, atol=1e-5)

    def picture(shape):
        rng = np.random.default_rng(0)
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)

    even, odd = picture((8, 8)), picture((7, 9))
    got, got_odd = image_of(to_kspace(even)), image_of(to_kspace(odd))
    require(got is not None, "The answer is None. Did you forget `return`?")
    alone = same(got, np.abs(even)) or same(got, even.real)
    require(not alone, "Keep the image complex; its phase is needed.")
    require(not same(got, np.fft.ifftshift(even)), "Quarters are swapped: move the image back.")
    require(not same(np.asarray(got) * 8, even), "Use norm='ortho': the scale is wrong.")
    flipped = np.roll(even[::-1, ::-1], (1, 1), (0, 1))
    require(not same(got, flipped), "The head is upside down: that is the forward transform.")
    board = np.where(np.add.outer(np.arange(8), np.arange(8)) % 2, -1, 1)
    bare = np.fft.ifftshift(even)
    require(not same(np.asarray(got) * board, bare), "Two moves are missing: one before, one after.")
    require(not same(np.asarray(got) * board, even), "A chessboard: k = 0 must be moved before, too.")
    require(same(got, even), "The image is not the one that was sent; test it with to_kspace.")
    require(same(got_odd, odd), "For odd sizes the two shifts differ: which one comes first?")

# %% [markdown] tags=["slide"]
# ## 6 Too few lines: the picture folds
#
# - Steps of k decide the [[field of view]] (FOV): FOV = 1 / step.
# - What lies outside does not disappear. It is heard, and shown at the wrong place: [[aliasing]].
# - That is the law of Nyquist: a wave that makes more than half a turn from one sample to the next
#   cannot be told from a slower one.

# %% tags=["slide"]
fields = (240.0, 150.0, 110.0)  # mm from top to bottom; the pixels keep their size
scans = [
    np.abs(to_image(kspace_of(head, brightness, 12, 4, (field, FOV), (round(field / FOV * N), N))))
    for field in fields
]
fig, axes = plt.subplots(1, 3, figsize=(9, 3.9))
for ax, scan, field in zip(axes, scans, fields, strict=True):
    film(ax, scan, f"FOV {field:.0f} mm: {len(scan)} lines", vmin=0, vmax=1.4 * WHITE)
show(fig, alt="Three fields of view: the whole head; forehead and occiput folded over; worse")

# %%
half = kspace_of(head, brightness, 12, 4, (FOV / 2, FOV), (N // 2, N))
copies = np.abs(to_image(half))
claim("Half the field of view needs half the lines: half the time", len(half) == N // 2)
inside = copies[:, N // 2 - 5 : N // 2 + 5].mean() / image[64:192, N // 2 - 5 : N // 2 + 5].mean()
claim("but what was outside is still there: the folded picture is brighter", inside > 1.3)

# %% [markdown]
# In the readout direction the scanner samples twice as densely as asked for, at no cost, and cuts the
# picture afterwards. So only the phase-encoding direction folds. Turn it along the *short* side of
# the body.

# %% [markdown] tags=["exercise"] exercise="folded_position"
# ### Exercise: where does it appear?
#
# The field of view runs from -FOV/2 to +FOV/2. Write `shown_at(y_mm, fov_mm)`: the position at which
# something at `y_mm` is shown. A nose at -105 mm with a FOV of 150 mm, for instance, appears at +45 mm.

# %% tags=["stub"] exercise="folded_position"
def shown_at(y_mm, fov_mm):
    """Position in mm, at least -fov/2 and less than fov/2."""
    return ...

# %% tags=["check"] exercise="folded_position"
check("folded_position", shown_at)

# %% [markdown] tags=["hint"] exercise="folded_position"
# Sampled k-space cannot tell y from y + FOV, nor from y - FOV, y + 2 FOV ...

# %% [markdown] tags=["hint"] exercise="folded_position"
# Add or subtract whole FOVs until the position lies inside. The operator `%` does that, but it gives
# results from 0 to FOV.

# %% [markdown] tags=["hint"] exercise="folded_position"
# Move everything by half a FOV first, take `% fov_mm`, and move it back.

# %% tags=["solution"] exercise="folded_position"
def shown_at(y_mm, fov_mm):
    """Position in mm, at least -fov/2 and less than fov/2."""
    return (y_mm + fov_mm / 2) % fov_mm - fov_mm / 2  # whole fields of view cannot be told apart

# %% tags=["equivalent"] exercise="folded_position"
def shown_at(y_mm, fov_mm):
    return y_mm - fov_mm * np.floor(y_mm / fov_mm + 0.5)

# %% tags=["equivalent"] exercise="folded_position"
def shown_at(y_mm, fov_mm):
    while y_mm >= fov_mm / 2:
        y_mm -= fov_mm
    while y_mm < -fov_mm / 2:
        y_mm += fov_mm
    return y_mm

# %% tags=["wrong"] exercise="folded_position" says="from 0 to FOV"
def shown_at(y_mm, fov_mm):
    return y_mm % fov_mm

# %% tags=["wrong"] exercise="folded_position" says="edge"
def shown_at(y_mm, fov_mm):
    return max(-fov_mm / 2, min(y_mm, fov_mm / 2))

# %% tags=["wrong"] exercise="folded_position" says="mirror"
def shown_at(y_mm, fov_mm):
    half = fov_mm / 2
    return y_mm if abs(y_mm) < half else np.sign(y_mm) * (fov_mm - abs(y_mm))

# %% tags=["wrong"] exercise="folded_position" says="inside"
def shown_at(y_mm, fov_mm):
    return y_mm - fov_mm if y_mm > 0 else y_mm + fov_mm

# %% tags=["wrong"] exercise="folded_position" says="more than one"
def shown_at(y_mm, fov_mm):
    if y_mm >= fov_mm / 2:
        return y_mm - fov_mm
    return y_mm + fov_mm if y_mm < -fov_mm / 2 else y_mm

# %% tags=["wrong"] exercise="folded_position" says="forward"
def shown_at(y_mm, fov_mm):
    return y_mm % fov_mm - fov_mm / 2

# %% tags=["wrong"] exercise="folded_position" says="edge itself"
def shown_at(y_mm, fov_mm):
    return y_mm - fov_mm * round(y_mm / fov_mm)

# %% tags=["checker"] exercise="folded_position"
def checker(shown_at):
    nose = shown_at(-105.0, 150.0)
    if isinstance(nose, (int, float, np.number)):
        require(abs(nose + 75) > 1e-6, "It is not held back at the edge; it comes in on the other side.")
        require(abs(nose + 45) > 1e-6, "It is not mirrored: it moves by a whole field of view.")
        require(abs(nose + 105) > 1e-6, "It is still outside the field of view.")
        require(abs(nose + 30) > 1e-6, "You moved back by half a FOV, but not forward before `%`.")
    close(nose, 45.0, "The nose at -105 mm, with a FOV of 150 mm, appears at +45 mm.")
    eye = shown_at(-30.0, 150.0)
    if isinstance(eye, (int, float, np.number)):
        require(abs(eye - 120) > 1e-6, "Your positions run from 0 to FOV, or move what lies inside.")
    close(eye, -30.0, "What lies inside stays where it is.")
    close(shown_at(40.0, 150.0), 40.0, "What lies inside stays where it is.")
    close(shown_at(200.0, 90.0), 20.0, "It may have to move by more than one field of view.")
    close(shown_at(40.0, 80.0), -40.0, "The edge itself: +fov/2 is shown at -fov/2, as promised.")

# %% [markdown] tags=["slide"]
# ## 7 An end to k-space: blur and ringing
#
# - k-space ends at k_max. So the smallest pixel is 1 / (2 k_max).
# - A sharp end makes sharp edges ring: [[Gibbs ringing]].
# - More lines make the rings **finer**, but not lower: 9 % of the step, always.

# %% tags=["slide"]
def bar(count, window="none", width=100.0, fine=4096):
    """Position (mm) and profile of a bar of height 1, measured with `count` samples of k."""
    k_line = np.sinc(width * k_axis(count, FOV)) * width * np.sqrt(count) / FOV
    share = np.abs(np.arange(count) - count // 2) / (count / 2)
    line = (k_line * WINDOWS[window](share))[None]
    return (np.arange(fine) - fine // 2) * FOV / fine, to_image(zero_pad(line, 1, fine)).real[0]


fig, ax = plt.subplots(figsize=(8, 3.3))
for count in (32, 64, 256):
    ax.plot(*bar(count), label=f"{count} samples", lw=1.2)
ax.axhline(1.0895, color=COLOURS[6], lw=0.8, ls="--")
ax.text(-118, 1.1, "9 % too high")
ax.set(xlabel="position (mm)", ylabel="signal", ylim=(-0.2, 1.25), xlim=(-120, 120))
ax.legend(loc="center")
show(fig, alt="A bar drawn with 32, 64 and 256 samples: finer rings, but always 9 % overshoot")

# %%
over = {count: bar(count)[1].max() - 1 for count in (32, 64, 128, 256)}
print("overshoot:", ", ".join(f"{count} samples {value:.2f}" for count, value in over.items()))
claim("The overshoot is 9 % for any number of samples", all(abs(v - 0.0895) < 0.007 for v in over.values()))

# %% [markdown]
# Rings beside bright fluid can imitate disease: in the spinal cord a Gibbs line looks like a syrinx,
# in the heart like a perfusion defect under the inner wall. Typical signs: they run parallel to the
# edge, and they move when the matrix changes.
#
# The cure is to let k-space fade out. The [[Hamming window]] does: 1 in the middle, 0.08 at the end.
# Another, the *Tukey window*, stays 1 over most of k-space and fades only near its end.

# %% [markdown] tags=["exercise"] exercise="hamming"
# ### Exercise: a window over k-space
#
# Write `hamming(count)`: the weights for `count` samples of k, k = 0 being sample `count // 2`:
#
# $0.54 + 0.46 \cos(\pi k / k_{max})$, with $k_{max}$ = `count / 2` samples.

# %% tags=["stub"] exercise="hamming"
def hamming(count):
    """(count,) weights: 1 at k = 0."""
    return ...

# %% tags=["check"] exercise="hamming"
check("hamming", hamming)

# %% [markdown] tags=["hint"] exercise="hamming"
# First make an array with the number of every sample, counted from the centre: ..., -1, 0, 1, ...

# %% [markdown] tags=["hint"] exercise="hamming"
# `np.arange(count) - count // 2` are these numbers. Divide them by `count / 2`: they run from -1 to
# almost 1.

# %% [markdown] tags=["hint"] exercise="hamming"
# `far = (np.arange(count) - count // 2) / (count / 2)`; the answer is `0.54 + 0.46 * np.cos(np.pi * far)`.

# %% tags=["solution"] exercise="hamming"
def hamming(count):
    """(count,) weights: 1 at k = 0."""
    far = (np.arange(count) - count // 2) / (count / 2)  # -1 ... 0 ... almost 1
    return 0.54 + 0.46 * np.cos(np.pi * far)

# %% tags=["equivalent"] exercise="hamming"
def hamming(count):
    return np.array([0.54 + 0.46 * np.cos(2 * np.pi * (i - count // 2) / count) for i in range(count)])

# %% tags=["equivalent"] exercise="hamming"
def hamming(count):
    from_the_front = 0.54 + 0.46 * np.cos(2 * np.pi * np.arange(count) / count)
    return np.fft.fftshift(from_the_front)

# %% tags=["wrong"] exercise="hamming" says="start of the array"
def hamming(count):
    return 0.54 + 0.46 * np.cos(np.pi * np.arange(count) / (count / 2))

# %% tags=["wrong"] exercise="hamming" says="between two samples"
def hamming(count):
    return np.hamming(count)

# %% tags=["wrong"] exercise="hamming" says="0.08"
def hamming(count):
    far = (np.arange(count) - count // 2) / (count / 2)
    return 0.5 + 0.5 * np.cos(np.pi * far)

# %% tags=["wrong"] exercise="hamming" says="half a turn"
def hamming(count):
    far = (np.arange(count) - count // 2) / (count / 2)
    return 0.54 + 0.46 * np.cos(2 * np.pi * far)

# %% tags=["wrong"] exercise="hamming" says="half a turn"
def hamming(count):
    far = (np.arange(count) - count // 2) / count
    return 0.54 + 0.46 * np.cos(np.pi * far)

# %% tags=["wrong"] exercise="hamming" says="not rounded"
def hamming(count):
    return 0.54 + 0.46 * np.cos(np.pi * (np.arange(count) - count // 2) / (count // 2))

# %% tags=["wrong"] exercise="hamming" says="between two samples"
def hamming(count):
    return 0.54 + 0.46 * np.cos(np.pi * np.linspace(-1, 1, count))

# %% tags=["checker"] exercise="hamming"
def checker(hamming):
    weights = hamming(64)
    require(np.shape(weights) == (64,), "Return one weight for every sample.")
    between = np.allclose(weights, np.hamming(64))
    require(not between, "The middle lies between two samples, as in np.hamming; k = 0 is a sample.")
    weights = np.asarray(weights, float)
    centre_first = weights[32] > weights.max() - 1e-9
    require(centre_first, "The largest weight must be at k = 0, not at the start of the array.")
    require(abs(weights[0]) > 1e-6, "The Hamming window ends at 0.08, not at 0.")
    require(abs(weights[0] - 0.08) < 1e-6, "From the centre to the end, the cosine makes half a turn.")
    far = (np.arange(64) - 32) / 32
    close(weights, 0.54 + 0.46 * np.cos(np.pi * far), "Compare a few weights with the formula.")
    odd = (np.arange(33) - 16) / 16.5
    message = "For an odd count: k = 0 is sample count // 2, and k_max is count / 2 (not rounded)."
    close(hamming(33), 0.54 + 0.46 * np.cos(np.pi * odd), message)

# %% tags=["slide"]
short = kspace_of(head, brightness, 12, 4, FOV, (96, 96))
pictures = [np.abs(to_image(zero_pad(windowed(short, name), 288, 288))) for name in ("none", "tukey", "hamming")]
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.5))
for ax, picture, name in zip(axes, pictures, ("no window", "Tukey", "Hamming"), strict=True):
    film(ax, picture[20:170, 130:260], name, vmin=0, vmax=WHITE)
show(fig, alt="Part of the head from 96 lines: rings without a window, fewer with Tukey, blur with Hamming")

# %%
def edge_width(window, count=96):
    """Distance (mm) over which the bar's edge rises from 10 to 90 %."""
    x, profile = bar(count, window)
    side = (x > -60) & (x < -40)
    return np.interp(0.9, np.maximum.accumulate(profile[side]), x[side]) - np.interp(
        0.1, np.maximum.accumulate(profile[side]), x[side])


for window in WINDOWS:
    print(f"{window:8} overshoot {bar(96, window)[1].max() - 1:.2f}, edge {edge_width(window):.2g} mm")
inside = np.abs(bar(96)[0]) < 35  # further than 15 mm from the edges
ripple = {window: np.abs(bar(96, window)[1][inside] - 1).max() for window in WINDOWS}
claim("Tukey keeps the first overshoot, but halves the rings 15 mm from the edge",
      ripple["tukey"] < 0.5 * ripple["none"])
claim("Hamming leaves less than 1 % of overshoot", bar(96, "hamming")[1].max() < 1.01)
claim("and makes edges more than 1.5 times as wide", edge_width("hamming") > 1.5 * edge_width("none"))

# %% [markdown] tags=["slide"]
# ### Play: matrix and window
#
# - Make the matrix small: how wide is a ring, compared with a pixel?
# - Choose a window: which one would you take for the spine?

# %%
def draw_ringing(lines, window):
    small = k[128 - lines // 2 : 128 + lines // 2, 128 - lines // 2 : 128 + lines // 2] * (lines / N)
    picture = np.abs(to_image(zero_pad(windowed(small, window), 512, 512)))
    fig, (left, right) = plt.subplots(1, 2, figsize=(7.8, 3.6))
    film(left, picture[40:280, 220:460], f"{lines} lines, {FOV / lines:.1f} mm", vmin=0, vmax=WHITE)
    right.plot(*bar(lines, window), lw=1)
    right.set(xlim=(20, 80), ylim=(-0.2, 1.2), xlabel="position (mm)", ylabel="a bar's edge")
    return fig


explore(
    draw_ringing,
    alt="part of the head, and the edge of a bar, at the chosen matrix and window",
    lines=(32, 256, 16, 96),
    window=list(WINDOWS),
)

# %% [markdown]
# Filling k-space up with zeros before the transform (*interpolation*, "512 matrix") makes smaller
# pixels but no new detail: nothing was measured out there.

# %%
smooth = zero_pad(short, 192, 192)
claim("Zero filling adds no signal", np.isclose(np.abs(smooth).sum() / 2, np.abs(short).sum(), rtol=1e-4))

# %% [markdown] tags=["slide"]
# ## 8 Half of k-space is (almost) enough
#
# - If the image is real, stripes have equal partners: $S(-k) = S(k)^*$ (the star: complex conjugate).
# - Then half of k-space is known from the other half: [[partial Fourier]].
# - Real images have a phase (coils, field, flow). It is smooth, so a narrow strip around the centre
#   is enough to know it.

# %% [markdown] tags=["exercise"] exercise="partner"
# ### Exercise: the partner of every point
#
# Write `partners(kspace)`: at every place k it holds the conjugate of the value at -k. The trap: with
# an even number of rows, k runs from -N/2 to N/2 - 1. The point -N/2 has no +N/2; it is its own
# partner (k = -N/2 and +N/2 cannot be told apart). So simply reversing the array is wrong by one.

# %% tags=["stub"] exercise="partner"
def partners(kspace):
    """(rows, columns), both even: conj(S(-k)) at every k."""
    return ...

# %% tags=["check"] exercise="partner"
check("partner", partners)

# %% [markdown] tags=["hint"] exercise="partner"
# Try it on paper with four values: k = -2, -1, 0, 1. Which index has -k for each of them?

# %% [markdown] tags=["hint"] exercise="partner"
# Reversed they are k = 1, 0, -1, -2. You need 2 (= -2), 1, 0, -1: the reversed array, moved on by one
# place, the last coming round to the front.

# %% [markdown] tags=["hint"] exercise="partner"
# `kspace[::-1, ::-1]` reverses; `np.roll(..., (1, 1), (0, 1))` moves by one in both directions; `.conj()`
# does the rest.

# %% tags=["solution"] exercise="partner"
def partners(kspace):
    """(rows, columns), both even: conj(S(-k)) at every k."""
    return np.roll(kspace[::-1, ::-1], (1, 1), (0, 1)).conj()  # k = 0 comes back to the middle

# %% tags=["equivalent"] exercise="partner"
def partners(kspace):
    return to_kspace(to_image(kspace).conj())  # the conjugate image has exactly these values

# %% tags=["equivalent"] exercise="partner"
def partners(kspace):
    rows, columns = kspace.shape
    r, c = -np.arange(rows) % rows, -np.arange(columns) % columns
    return np.conj(kspace[np.ix_(r, c)])

# %% tags=["wrong"] exercise="partner" says="by one"
def partners(kspace):
    return kspace[::-1, ::-1].conj()

# %% tags=["wrong"] exercise="partner" says="conjugate"
def partners(kspace):
    return np.roll(kspace[::-1, ::-1], (1, 1), (0, 1))

# %% tags=["wrong"] exercise="partner" says="both directions"
def partners(kspace):
    return np.roll(kspace[::-1], 1, 0).conj()

# %% tags=["wrong"] exercise="partner" says="by one"
def partners(kspace):
    return np.roll(kspace[::-1, ::-1], (-1, -1), (0, 1)).conj()

# %% tags=["wrong"] exercise="partner" says="same place"
def partners(kspace):
    return kspace.conj()

# %% tags=["checker"] exercise="partner"
def checker(partners):
    rng = np.random.default_rng(1)
    kspace = (rng.normal(size=(8, 6)) + 1j * rng.normal(size=(8, 6))).astype(np.complex64)
    got = partners(kspace.copy())
    require(got is not None, "The answer is None. Did you forget `return`?")
    got = np.asarray(got)
    require(got.shape == (8, 6), "The result has the shape of the k-space.")
    want = to_kspace(to_image(kspace).conj())

    def same(a, b):
        return np.allclose(a, b, atol=1e-4)

    require(not same(got, kspace.conj()), "That is the conjugate at the same place; we want that of -k.")
    require(not same(got, want.conj()), "The place is right. Now the complex conjugate.")
    require(not same(got, np.roll(kspace[::-1], 1, 0).conj()), "-k: reverse both directions.")
    shifts = [(a, b) for a in (-2, -1, 0, 1) for b in (-2, -1, 0, 1) if (a, b) != (0, 0)]
    shifted = any(same(got, np.roll(want, shift, (0, 1))) for shift in shifts)
    require(not shifted, "Wrong by one: k = 0, at [4, 3] of 8 x 6, must stay where it is.")
    require(same(got, want), "Compare a few places by hand: S(-k) and its conjugate.")

# %% [markdown]
# Our head with a smooth phase, as coils and field make it, and 5/8 of the lines. Two methods use the phase
# that the strip around the centre shows:
#
# - **Homodyne**: count a line twice if its partner is missing; take the phase off the image; keep the
#   real part.
# - **POCS** (projection onto convex sets): in turn, give the image the known phase, and put the measured
#   lines back.

# %%
ramp = np.linspace(-1, 1, N)
phase = np.exp(1j * (1.5 * ramp[:, None] ** 2 + 1.2 * ramp[None, :] - 0.6 * ramp[None, :] * ramp[:, None]))
full = add_noise(to_kspace(to_image(k) * phase), sd=0.004, seed=5).astype(np.complex64)
lines = partial((N, N), 5 / 8)[:, 0]
measured = full * lines[:, None]
whole = np.abs(to_image(full))
believed_real = measured + np.where(lines[:, None], 0, np.roll(measured[::-1, ::-1], (1, 1), (0, 1)).conj())
results = {
    "zeros": np.abs(zero_filled(measured, lines)),
    "symmetry, no phase": np.abs(to_image(believed_real)),
    "homodyne": np.abs(homodyne(measured, lines)),
    "POCS, 10 rounds": np.abs(pocs(measured, lines, 10)),
}

# %% tags=["slide"]
fig, axes = plt.subplots(2, 4, figsize=(10, 6.2))
for column, (name, picture) in enumerate(results.items()):
    film(axes[0, column], picture[40:240, 60:210], name, vmin=0, vmax=WHITE)
    error = np.abs(picture - whole)[40:240, 60:210]
    film(axes[1, column], error, f"error {nrmse(picture, whole):.1%}", vmin=0, vmax=0.15)
show(fig, alt="Four reconstructions of 5/8 of k-space and their errors: zeros blur, plain symmetry "
     "shades and ghosts, homodyne and POCS nearly clean")

# %%
errors = {name: nrmse(picture, whole) for name, picture in results.items()}
print(", ".join(f"{name}: {error:.2g}" for name, error in errors.items()))
claim("Symmetry without the phase is worse than zeros", errors["symmetry, no phase"] > errors["zeros"])
claim("Homodyne halves the error of zero filling", errors["homodyne"] < 0.5 * errors["zeros"])
claim("POCS is at least as good", errors["POCS, 10 rounds"] <= errors["homodyne"])

# %% [markdown]
# What is left is noise: 5/8 of the lines hear 5/8 of the time, so the [[SNR]] falls to √(5/8) = 79 %. This law
# holds for every fast method, and it is the next exercise.
#
# ## 9 What a scan costs: the SNR law
#
# $$\text{SNR} \propto \text{voxel volume} \times \sqrt{\text{time spent listening}}$$
#
# Listening time = lines × averages × readout time (at a fixed TR it goes with the time of the scan).

# %% [markdown] tags=["exercise"] exercise="snr_law"
# ### Exercise: the price of sharper pixels
#
# A scan has 256 lines, pixels of 1 x 1 mm, slices of 4 mm, one average, and SNR 40. The field of view
# stays, the time per readout too. Calculate the SNR of:
#
# - `half_pixels`: pixels of 0.5 x 0.5 mm with 512 lines;
# - `repaired_by`: how many averages bring that scan back to SNR 40?
# - `partial_snr`: the first scan with partial Fourier, 5/8 of the lines.

# %% tags=["stub"] exercise="snr_law"
half_pixels = ...
repaired_by = ...
partial_snr = ...

# %% tags=["check"] exercise="snr_law"
check("snr_law", half_pixels, repaired_by, partial_snr)

# %% [markdown] tags=["hint"] exercise="snr_law"
# Two things change in the first question: the voxel's volume, and the number of lines.

# %% [markdown] tags=["hint"] exercise="snr_law"
# The volume falls to a quarter. Twice as many lines listen twice as long: a factor √2.

# %% [markdown] tags=["hint"] exercise="snr_law"
# 40 × 1/4 × √2 for the first. If that is x, averages must give 40 / x, and they act with their root.
# The third: 40 × √(5/8).

# %% tags=["solution"] exercise="snr_law"
half_pixels = 40 / 4 * np.sqrt(2)  # a quarter of the volume, twice the lines
repaired_by = (40 / half_pixels) ** 2  # averages act with their square root: 8 times
partial_snr = 40 * np.sqrt(5 / 8)

# %% tags=["equivalent"] exercise="snr_law"
half_pixels, repaired_by, partial_snr = 14.142, 8, 31.623

# %% tags=["wrong"] exercise="snr_law" says="twice as many lines"
half_pixels, repaired_by, partial_snr = 10, 16, 31.623

# %% tags=["wrong"] exercise="snr_law" says="volume"
half_pixels, repaired_by, partial_snr = 40 / np.sqrt(2), 2, 31.623

# %% tags=["wrong"] exercise="snr_law" says="square root"
half_pixels, repaired_by, partial_snr = 14.142, 2.83, 31.623

# %% tags=["wrong"] exercise="snr_law" says="root of the time"
half_pixels, repaired_by, partial_snr = 14.142, 8, 25

# %% tags=["wrong"] exercise="snr_law" says="Fewer lines"
half_pixels, repaired_by, partial_snr = 14.142, 8, 40 / np.sqrt(5 / 8)

# %% tags=["checker"] exercise="snr_law"
def checker(half_pixels, repaired_by, partial_snr):
    def near(value, wrong):
        return isinstance(value, (int, float, np.number)) and abs(value - wrong) < 0.01 * wrong

    require(not near(half_pixels, 10), "There are also twice as many lines to listen to.")
    require(not near(half_pixels, 20), "There are twice as many lines, but noise falls with the root.")
    require(not near(half_pixels, 28.28), "The volume falls to a quarter: both sides are halved.")
    close(half_pixels, 14.142, "A quarter of the volume, twice the lines.", rtol=5e-3)
    require(not near(repaired_by, 2.83), "Averages act with their square root.")
    close(repaired_by, 8, "Which number of averages makes up for the loss?", rtol=5e-3)
    require(not near(partial_snr, 25), "SNR goes with the root of the time.")
    require(not near(partial_snr, 50.6), "Fewer lines cannot give more SNR.")
    close(partial_snr, 31.623, "5/8 of the lines.", rtol=5e-3)

# %%
def measured_snr(kspace, readout=1.0, seed=0):
    """SNR in white matter; each sample is heard `readout` times as long as in the first scan."""
    sd = 0.02 * len(kspace) / N / np.sqrt(readout)  # noise in units of this scan's k-space
    noise = (to_image(add_noise(kspace, sd, seed=seed)) - to_image(kspace)).real.std()
    place = tuple(slice(s.start * len(kspace) // N, s.stop * len(kspace) // N) for s in white_matter)
    return np.abs(to_image(kspace)[place]).mean() / noise


coarse = kspace_of(head, brightness, 12, 4, FOV, (N // 2, N // 2))  # pixels twice as wide and high
ratio = measured_snr(coarse, readout=2) / measured_snr(k)  # half the samples, in the same time
print(f"128 x 128 against 256 x 256: {ratio:.2f} times the SNR; the law says {4 / np.sqrt(2):.2f}")
claim("Measured SNR follows the law within 5 %", abs(ratio / (4 / np.sqrt(2)) - 1) < 0.05)

# %% [markdown] tags=["instructor"]
# The last cell is worth five minutes. Let students derive the factor before they run it: four times the
# volume, half the lines (a root), the readout equally long. Then ask what "high resolution at the same
# scan time" in a brochure must have cost.

# %% [markdown] tags=["slide"]
# ## 10 Other roads through k-space
#
# - **Radial**: every spoke crosses the centre. Motion smears instead of making ghosts.
# - **Spiral**: few excitations, sensitive to field errors.
# - Missing points fold the picture in another way: streaks and swirls instead of copies.

# %% tags=["slide"]
roads = {
    "every third line": np.repeat(((np.arange(N) - N // 2) % 3 == 0)[:, None], N, 1),
    "radial, 100 spokes": on_grid(radial_path(100, 600), (N, N)),
    "spiral, 8 arms": on_grid(spiral_path(8, 4000, turns=9), (N, N)),
}
fig, axes = plt.subplots(2, 3, figsize=(8.4, 6.0))
for column, (name, mask) in enumerate(roads.items()):
    picture = np.abs(to_image(k * mask))
    film(axes[0, column], mask, f"{name}: {mask.mean():.0%}", interpolation="nearest")
    film(axes[1, column], picture, vmin=0, vmax=np.percentile(picture, 98))
show(fig, alt="Three sampling patterns and their images: copies, streaks, swirls")

# %%
peaks = {}
for name, mask in roads.items():
    spread = np.abs(point_spread(mask))
    spread[120:137, 120:137] = 0
    peaks[name] = spread.max()
print("largest false copy of a point:", ", ".join(f"{n} {p:.2f}" for n, p in peaks.items()))
claim("Left-out lines make strong copies, other roads spread the damage thinly",
      peaks["every third line"] > 0.8 and max(list(peaks.values())[1:]) < 0.1)

# %% [markdown]
# Remember this picture. If damage is spread thinly, like noise, then a clever reconstruction can tell it
# from the anatomy. That is *compressed sensing*, in the next lesson, *Fast MR*.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - The scanner measures k-space; k is the area under the gradients. Each point is a pattern of stripes.
# - Centre: grey values and contrast. Edge: edges.
# - Step of k → field of view (else aliasing). Extent of k → pixel size (and Gibbs rings of 9 %).
# - `fftshift(ifft2(ifftshift(k)))`: test it with an odd size and with the phase.
# - Partial Fourier: symmetry plus a smooth phase. SNR goes with voxel volume and √time.

# %% [markdown]
# ## References
#
# - D. B. Twieg, Medical Physics 10 (1983) 610; S. Ljunggren, J. Magn. Reson. 54 (1983) 338: k-space.
# - D. G. Nishimura, *Principles of Magnetic Resonance Imaging*, 2010.
# - M. Guerquin-Kern et al., IEEE Trans. Med. Imaging 31 (2012) 626: exact k-space, inverse crime.
# - D. C. Noll, D. G. Nishimura, A. Macovski, IEEE Trans. Med. Imaging 10 (1991) 154: homodyne.
# - E. M. Haacke, E. D. Lindskog, W. Lin, J. Magn. Reson. 92 (1991) 126: POCS.
# - F. J. Harris, Proceedings of the IEEE 66 (1978) 51: windows.
# - A. Macovski, Magn. Reson. Med. 36 (1996) 494: noise in MRI.

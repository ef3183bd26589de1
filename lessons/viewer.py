# %% [markdown] tags=["slide"]
# ## What is behind the screen?
#
# Every reading room trusts four small sums:
#
# 1. **Window**: which grey does a value get?
# 2. **Cursor**: which value lies under the mouse?
# 3. **Ruler**: how far is it from here to there, in millimetres?
# 4. **Region**: what is the mean, and how noisy is it?
#
# You write all four, and see where each goes wrong. At the end you get a viewer, and measure a [[nodule]] whose true size we know.

# %%
import tempfile

import matplotlib.pyplot as plt
import numpy as np

from course_lib.dicom.identity import identity_of
from course_lib.dicom.measure import length, region
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.pixels import Window, apply_window
from course_lib.dicom.series import read_series
from course_lib.dicom.spacing import Spacing, spacing_of
from course_lib.dicom.writing.ct import write_ct
from course_lib.dicom.writing.dx import write_dx
from course_lib.dicom.writing.virtual import finding_mask, hounsfield_volume
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.projection import part_lengths, path_lengths
from course_lib.imaging.radiography import USUAL, expose
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.patient.voxels import Grid
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.viewer.viewer import view
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## A patient to measure
#
# Virtual patient 7 gets a nodule in the right lung. We scan a slab of the chest: 48 [[slices|slice]],
# 3 mm apart, with pixels of 1.8 mm. The scan goes to disk as a DICOM series, one file per slice, and comes back
# sorted by position, as in the lesson on DICOM files.

# %%
patient = FINDINGS["nodule"](sample_patient(7), severity=0.6, seed=3)
nodule = patient.findings[-1]
grid = Grid(first=(-201.0, -201.0, -157.0), spacing=(1.8, 1.8, 3.0), shape=(48, 224, 224))
noise = np.random.default_rng(7).normal(0, 15, grid.shape)
scan = np.clip(hounsfield_volume(on_the_table(patient).solids, grid) + noise, -1024, 3071)
with tempfile.TemporaryDirectory() as folder:
    write_ct(folder, scan, grid.spacing[::-1], identity_of(patient), grid.first)
    series = read_series(folder)
print("slices, rows, columns:", series.values.shape)
print("mm between slices, rows, columns:", series.spacing_mm, " unit:", series.unit)

# %% [markdown] tags=["slide"]
# ## 1 The window
#
# A [[window]] has a centre $c$ and a width $w$. DICOM says exactly which grey a value $x$ gets
# (0 is black, 1 is white):
#
# $$y = \frac{x - (c - 0.5)}{w - 1} + 0.5 \quad\text{, cut off below 0 and above 1}$$
#
# Why $-0.5$ and $-1$? A window of width $w$ holds $w$ whole numbers, and between $w$ numbers there are
# $w - 1$ steps. (This is DICOM's usual window, `LINEAR`. In the lesson on files you wrote the plainer
# `LINEAR_EXACT`. They differ by half a value: it matters in narrow windows only.)

# %% [markdown] tags=["exercise"] exercise="window_to_grey"
# ### Exercise: the window
#
# Write the formula. `values` is an array of [[Hounsfield units|hounsfield unit]]; return greys from 0 to 1.

# %% tags=["stub"] exercise="window_to_grey"
def window_to_grey(values, centre, width):
    """Greys, 0 to 1, of values in a window."""
    return ...

# %% tags=["check"] exercise="window_to_grey"
check("window_to_grey", window_to_grey)

# %% [markdown] tags=["hint"] exercise="window_to_grey"
# First the straight line, then cut off what is below 0 and above 1.

# %% [markdown] tags=["hint"] exercise="window_to_grey"
# `np.clip(line, 0, 1)` cuts off both ends of an array.

# %% [markdown] tags=["hint"] exercise="window_to_grey"
# The line is `(values - (centre - 0.5)) / (width - 1) + 0.5`.

# %% tags=["solution"] exercise="window_to_grey"
def window_to_grey(values, centre, width):
    """Greys, 0 to 1, of values in a window."""
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)  # PS3.3, C.11.2.1.2

# %% tags=["equivalent"] exercise="window_to_grey"
def window_to_grey(values, centre, width):
    bottom = centre - 0.5 - (width - 1) / 2
    return np.minimum(np.maximum((values - bottom) / (width - 1), 0), 1)

# %% tags=["equivalent"] exercise="window_to_grey"
def window_to_grey(values, centre, width):
    low, high = centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
    return [0 if v <= low else 1 if v > high else (v - low) / (high - low) for v in values]

# %% tags=["equivalent"] exercise="window_to_grey"
def window_to_grey(values, centre, width):
    low, high = centre - width / 2, centre + width / 2 - 1
    return np.interp(values, [low, high], [0, 1])

# %% tags=["wrong"] exercise="window_to_grey" says="Cut off"
def window_to_grey(values, centre, width):
    return (values - (centre - 0.5)) / (width - 1) + 0.5

# %% tags=["wrong"] exercise="window_to_grey" says="half of the width"
def window_to_grey(values, centre, width):
    return np.clip((values - (centre - width)) / (2 * width), 0, 1)

# %% tags=["wrong"] exercise="window_to_grey" says="just black"
def window_to_grey(values, centre, width):
    return np.clip((values - centre) / width + 0.5, 0, 1)

# %% tags=["wrong"] exercise="window_to_grey" says="w - 1"
def window_to_grey(values, centre, width):
    return np.clip((values - (centre - 0.5)) / width + 0.5, 0, 1)

# %% tags=["wrong"] exercise="window_to_grey" says="brackets"
def window_to_grey(values, centre, width):
    return np.clip((values - centre - 0.5) / (width - 1) + 0.5, 0, 1)

# %% tags=["wrong"] exercise="window_to_grey" says="mid-grey"
def window_to_grey(values, centre, width):
    return np.clip((values - (centre - 0.5)) / (width - 1), 0, 1)

# %% tags=["wrong"] exercise="window_to_grey" says="0 to 1"
def window_to_grey(values, centre, width):
    return 255 * np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)

# %% tags=["checker"] exercise="window_to_grey"
def checker(window_to_grey):
    values = np.array([-3000.0, 0.0, 3.0, 5.0, 9.0, 3000.0])
    right = np.clip((values - 4.5) / 9 + 0.5, 0, 1)
    found = window_to_grey(values, 5, 10)
    same = np.shape(found) == values.shape
    require(same, "Give one grey for each value.")
    require(np.min(found) >= 0, "Cut off what lies outside 0 to 1.")
    require(np.max(found) <= 1, "The greys run from 0 to 1, not to 255.")
    double = np.clip((values + 5) / 20, 0, 1)
    require(not np.allclose(found, double), "Only half of the width lies on each side of the centre.")
    require(not np.allclose(found, np.clip((values - 5) / 10 + 0.5, 0, 1)),
            "A window 5 / 10 holds the ten numbers 0 to 9: 0 is just black, 9 is just white.")
    for wrong, message in (
        ((values - 4.5) / 10 + 0.5, "Between w numbers there are w - 1 steps."),
        ((values - 5.5) / 9 + 0.5, "Mind the brackets: c - 0.5 is taken off as a whole."),
        ((values - 4.5) / 9, "The centre must be mid-grey, not black: what is added at the end?"),
    ):
        require(not np.allclose(found, np.clip(wrong, 0, 1)), message)
    close(found, right, "These are not the greys of the standard.")

# %% [markdown]
# A viewer does not work this out for every [[pixel]]. It makes a **[[look-up table]]** once: one grey for each
# possible value. Then every pixel is one look into the table. That is why dragging the window feels immediate.

# %%
values = np.arange(-1024, 3072)
table = np.rint(255 * apply_window(values, Window(40, 400))).astype(np.uint8)
middle = np.rint(series.values[24]).astype(int)
by_table = table[middle + 1024]
by_formula = np.rint(255 * apply_window(middle, Window(40, 400))).astype(np.uint8)
print(f"{middle.size} pixels, {table.size} entries of the table")
claim("Looking up gives the same picture as computing every pixel", np.array_equal(by_table, by_formula))

# %% [markdown] tags=["instructor"]
# Ask: "Which tissue do you lose in the soft-tissue window?" All of the lung. Then ask what the file holds there:
# the true values, untouched. A window changes what we see and never what is stored. People who save screenshots
# as training data lose this for ever.

# %% [markdown] tags=["slide"]
# ## 2 The value under the cursor
#
# The screen shows a grey, but the reader wants Hounsfield units. Never go back from the grey: a table with 256 greys
# has forgotten the value. Go back to the **place**: which pixel lies under the mouse?
#
# On the screen, a pixel is a square of `zoom` points. The picture begins at the point `(left, top)`.

# %% [markdown] tags=["exercise"] exercise="value_under_cursor"
# ### Exercise: the value under the cursor
#
# Return the value under the screen point `(x, y)`; x runs to the right, y down. Pixel (0, 0) covers the points from
# `left` to `left + zoom` and from `top` to `top + zoom`. The point always lies inside the picture.

# %% tags=["stub"] exercise="value_under_cursor"
def value_under_cursor(image, x, y, left, top, zoom):
    """The stored value of the pixel under a point of the screen."""
    return ...

# %% tags=["check"] exercise="value_under_cursor"
check("value_under_cursor", value_under_cursor)

# %% [markdown] tags=["hint"] exercise="value_under_cursor"
# How far is the point from the picture's left edge? How many whole pixels fit into that?

# %% [markdown] tags=["hint"] exercise="value_under_cursor"
# The column is `(x - left) / zoom`, rounded *down*: `int(...)` does that for positive numbers. The row likewise.

# %% [markdown] tags=["hint"] exercise="value_under_cursor"
# An array is asked row first: `image[row, column]`. The row comes from y.

# %% tags=["solution"] exercise="value_under_cursor"
def value_under_cursor(image, x, y, left, top, zoom):
    """The stored value of the pixel under a point of the screen."""
    column = int((x - left) / zoom)  # how many whole pixels lie to the left of the point
    row = int((y - top) / zoom)
    return image[row, column]  # arrays: row first

# %% tags=["equivalent"] exercise="value_under_cursor"
def value_under_cursor(image, x, y, left, top, zoom):
    return image[math.floor((y - top) / zoom), math.floor((x - left) / zoom)]

# %% tags=["equivalent"] exercise="value_under_cursor"
def value_under_cursor(image, x, y, left, top, zoom):
    return image.T[int((x - left) // zoom)][int((y - top) // zoom)]

# %% tags=["wrong"] exercise="value_under_cursor" says="row first"
def value_under_cursor(image, x, y, left, top, zoom):
    return image[int((x - left) / zoom), int((y - top) / zoom)]

# %% tags=["wrong"] exercise="value_under_cursor" says="begins at"
def value_under_cursor(image, x, y, left, top, zoom):
    return image[int(y / zoom), int(x / zoom)]

# %% tags=["wrong"] exercise="value_under_cursor" says="next pixel"
def value_under_cursor(image, x, y, left, top, zoom):
    return image[round((y - top) / zoom), round((x - left) / zoom)]

# %% tags=["wrong"] exercise="value_under_cursor" says="IndexError"
def value_under_cursor(image, x, y, left, top, zoom):
    return image[(y - top) / zoom, (x - left) / zoom]

# %% tags=["wrong"] exercise="value_under_cursor" says="brackets"
def value_under_cursor(image, x, y, left, top, zoom):
    return image[int(y - top / zoom), int(x - left / zoom)]

# %% tags=["wrong"] exercise="value_under_cursor" says="goes with"
def value_under_cursor(image, x, y, left, top, zoom):
    return image[int((y - left) / zoom), int((x - top) / zoom)]

# %% tags=["wrong"] exercise="value_under_cursor" says="zoom"
def value_under_cursor(image, x, y, left, top, zoom):
    return image[int(y - top), int(x - left)]

# %% tags=["checker"] exercise="value_under_cursor"
def checker(value_under_cursor):
    image = np.arange(3600).reshape(60, 60)
    x, y, left, top, zoom = 47.0, 29.0, 12.0, 10.0, 4.0  # column 8.75, row 4.75
    found = value_under_cursor(image, x, y, left, top, zoom)
    require(np.ndim(found) == 0, "Give one value, that of one pixel.")
    for wrong, message in (
        (image[8, 4], "An array is asked row first: image[row, column]; the row comes from y."),
        (image[7, 11], "The picture begins at (left, top), not in the corner of the screen."),
        (image[5, 9], "Rounding to the nearest number leads to the next pixel; a pixel begins at its edge."),
        (image[19, 35], "You forget the zoom: a pixel is zoom points wide."),
        (image[26, 44], "Mind the brackets: first the distance from the edge, then divide."),
    ):
        require(found != wrong, message)
    second = value_under_cursor(image, 20.0, 16.0, 1.0, 2.0, 1.0)
    require(second != image[15, 18], "`left` goes with x, `top` goes with y.")
    require(second == image[14, 19], "With zoom 1 it fails.")
    close(found, image[4, 8], "That is another pixel.", rtol=1e-9)

# %% [markdown] tags=["slide"]
# ## 3 The ruler
#
# `PixelSpacing` in a file has two numbers, and their order is a classic trap:
# first **from row to row** (downwards), then **from column to column** (to the right).
#
# In an axial CT slice both are the same, so a viewer with a wrong order looks right. Turn the
# same series into a coronal picture, and a pixel is 3 mm high and 1.8 mm wide.

# %% tags=["slide"]
along_z, along_y, along_x = series.spacing_mm
row_of_nodule = round((nodule.parts[0].geometry.union.centre[:, 1].mean() + 201) / along_y)
coronal = series.values[::-1, row_of_nodule]  # head up
lung = apply_window(coronal, Window(-600, 1500))
fig, (square, true) = plt.subplots(1, 2, figsize=(9.5, 2.3))
for ax, aspect, title in ((square, 1, "pixels drawn as squares"), (true, along_z / along_x, "pixels drawn to scale")):
    ax.imshow(lung, cmap="gray", vmin=0, vmax=1, aspect=aspect)
    ax.set_title(title)
    ax.set_axis_off()
show(fig, alt="The same coronal slice twice: squeezed flat with square pixels, natural when drawn to scale")

# %% [markdown] tags=["exercise"] exercise="length_in_mm"
# ### Exercise: the ruler
#
# `start` and `end` are points (column, row). `spacing` is (row spacing, column spacing) in mm, in the order of the
# file. Return their distance in mm.

# %% tags=["stub"] exercise="length_in_mm"
def length_in_mm(start, end, spacing):
    """Distance of two points (column, row) in mm."""
    return ...

# %% tags=["check"] exercise="length_in_mm"
check("length_in_mm", length_in_mm)

# %% [markdown] tags=["hint"] exercise="length_in_mm"
# Turn each step into millimetres first. Only then is it a triangle.

# %% [markdown] tags=["hint"] exercise="length_in_mm"
# The step to the right is a difference of columns: it takes the *column* spacing, the second number.

# %% [markdown] tags=["hint"] exercise="length_in_mm"
# `right = (end[0] - start[0]) * spacing[1]`, `down = (end[1] - start[1]) * spacing[0]`, then Pythagoras:
# `np.hypot(right, down)`.

# %% tags=["solution"] exercise="length_in_mm"
def length_in_mm(start, end, spacing):
    """Distance of two points (column, row) in mm."""
    right = (end[0] - start[0]) * spacing[1]  # from column to column: the second number
    down = (end[1] - start[1]) * spacing[0]
    return np.hypot(right, down)

# %% tags=["equivalent"] exercise="length_in_mm"
def length_in_mm(start, end, spacing):
    step = np.subtract(end, start) * np.array(spacing)[::-1]
    return np.sqrt(step @ step)

# %% tags=["equivalent"] exercise="length_in_mm"
def length_in_mm(start, end, spacing):
    a, b = ((p[0] * spacing[1], p[1] * spacing[0]) for p in (start, end))
    return math.dist(a, b)

# %% tags=["wrong"] exercise="length_in_mm" says="order"
def length_in_mm(start, end, spacing):
    return np.hypot((end[0] - start[0]) * spacing[0], (end[1] - start[1]) * spacing[1])

# %% tags=["wrong"] exercise="length_in_mm" says="pixels"
def length_in_mm(start, end, spacing):
    return np.hypot(end[0] - start[0], end[1] - start[1])

# %% tags=["wrong"] exercise="length_in_mm" says="its own spacing"
def length_in_mm(start, end, spacing):
    return np.hypot(end[0] - start[0], end[1] - start[1]) * spacing[0]

# %% tags=["wrong"] exercise="length_in_mm" says="mean"
def length_in_mm(start, end, spacing):
    return np.hypot(end[0] - start[0], end[1] - start[1]) * np.mean(spacing)

# %% tags=["wrong"] exercise="length_in_mm" says="corner"
def length_in_mm(start, end, spacing):
    return abs(end[0] - start[0]) * spacing[1] + abs(end[1] - start[1]) * spacing[0]

# %% tags=["wrong"] exercise="length_in_mm" says="square root"
def length_in_mm(start, end, spacing):
    return ((end[0] - start[0]) * spacing[1]) ** 2 + ((end[1] - start[1]) * spacing[0]) ** 2

# %% tags=["checker"] exercise="length_in_mm"
def checker(length_in_mm):
    found = length_in_mm((10, 20), (14, 22), (3.0, 2.0))  # 8 mm right, 6 mm down
    require(np.ndim(found) == 0, "A length is one number.")
    for wrong, message in (
        (np.hypot(12, 4), "The spacings are in the wrong order: the first one is from row to row."),
        (np.hypot(4, 2), "That is a length in pixels."),
        (np.hypot(4, 2) * 2.5, "With the mean of both spacings every direction is a little wrong."),
        (np.hypot(4, 2) * 3, "Each direction takes its own spacing; you used one for both."),
        (np.hypot(4, 2) * 2, "Each direction takes its own spacing; you used one for both."),
        (14, "That goes round the corner; a ruler goes straight."),
        (100, "Do not forget the square root."),
    ):
        require(abs(found - wrong) > 1e-6, message)
    close(found, 10.0, "8 mm to the right and 6 mm down make 10 mm.")
    close(length_in_mm((14, 22), (10, 20), (3.0, 2.0)), 10.0, "Backwards it must be the same length.")

# %% [markdown]
# Break it and measure the damage. Three rulers, laid on the coronal picture along its left edge, its lower edge, and from
# corner to corner:

# %%
right, swapped = Spacing(along_z, along_x, "patient"), Spacing(along_x, along_z, "patient")
square = Spacing(along_x, along_x, "patient")
top_left, low_left, low_right = (0, 0), (0, coronal.shape[0] - 1), (coronal.shape[1] - 1, coronal.shape[0] - 1)
lines = {"height": (top_left, low_left), "width": (low_left, low_right), "diagonal": (top_left, low_right)}
for name, ends in lines.items():
    said = [f"{length(*ends, spacing):4.0f} mm" for spacing in (right, swapped, square)]
    print(f"{name:9} right {said[0]}   spacings swapped {said[1]}   pixels taken as squares {said[2]}")
claim("Swapped spacings make the width two thirds too long",
      abs(length(*lines["width"], swapped) / length(*lines["width"], right) - 5 / 3) < 0.01)
claim("Square pixels take 40 % of the height away",
      abs(length(*lines["height"], square) / length(*lines["height"], right) - 0.6) < 0.01)
claim("On the axial slice nobody would have noticed", along_y == along_x)

# %% [markdown] tags=["slide"]
# ### Angles are bent, too
#
# An angle on uneven pixels is not the angle on the grid. A line drawn along the diagonal of one pixel looks like 45° to
# a careless program. Scoliosis is graded by angles (Cobb): on a coronal picture made from CT slices, this matters.

# %% [markdown] tags=["exercise"] exercise="angle_on_uneven_pixels"
# ### Exercise: the angle
#
# Return the angle in degrees (0 to 180) at `vertex` between the arms to `first` and `second`. Points and spacing as
# before.

# %% tags=["stub"] exercise="angle_on_uneven_pixels"
def angle_in_degrees(first, vertex, second, spacing):
    """Angle between two arms, in degrees."""
    return ...

# %% tags=["check"] exercise="angle_on_uneven_pixels"
check("angle_on_uneven_pixels", angle_in_degrees)

# %% [markdown] tags=["hint"] exercise="angle_on_uneven_pixels"
# As with the ruler: both arms in millimetres first. What do you know about the scalar product of two arrows?

# %% [markdown] tags=["hint"] exercise="angle_on_uneven_pixels"
# a · b = |a| |b| cos(angle). Both arms start at the vertex.

# %% [markdown] tags=["hint"] exercise="angle_on_uneven_pixels"
# `a = (np.array(first) - vertex) * [spacing[1], spacing[0]]`, b likewise; then
# `np.degrees(np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))`.

# %% tags=["solution"] exercise="angle_on_uneven_pixels"
def angle_in_degrees(first, vertex, second, spacing):
    """Angle between two arms, in degrees."""
    mm = np.array([spacing[1], spacing[0]])  # points are (column, row)
    a, b = np.subtract(first, vertex) * mm, np.subtract(second, vertex) * mm
    return np.degrees(np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))

# %% tags=["equivalent"] exercise="angle_on_uneven_pixels"
def angle_in_degrees(first, vertex, second, spacing):
    a, b = (complex((p[0] - vertex[0]) * spacing[1], (p[1] - vertex[1]) * spacing[0]) for p in (first, second))
    return abs(np.degrees(np.angle(a / b)))

# %% tags=["equivalent"] exercise="angle_on_uneven_pixels"
def angle_in_degrees(first, vertex, second, spacing):
    def direction(point):
        return math.atan2((point[1] - vertex[1]) * spacing[0], (point[0] - vertex[0]) * spacing[1])
    return abs(math.degrees(direction(second) - direction(first)))

# %% tags=["wrong"] exercise="angle_on_uneven_pixels" says="cosine"
def angle_in_degrees(first, vertex, second, spacing):
    mm = np.array([spacing[1], spacing[0]])
    a, b = np.subtract(first, vertex) * mm, np.subtract(second, vertex) * mm
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))

# %% tags=["wrong"] exercise="angle_on_uneven_pixels" says="radians"
def angle_in_degrees(first, vertex, second, spacing):
    mm = np.array([spacing[1], spacing[0]])
    a, b = np.subtract(first, vertex) * mm, np.subtract(second, vertex) * mm
    return np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

# %% tags=["wrong"] exercise="angle_on_uneven_pixels" says="on the grid"
def angle_in_degrees(first, vertex, second, spacing):
    a, b = np.subtract(first, vertex), np.subtract(second, vertex)
    return np.degrees(np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))

# %% tags=["wrong"] exercise="angle_on_uneven_pixels" says="order"
def angle_in_degrees(first, vertex, second, spacing):
    a, b = np.subtract(first, vertex) * np.array(spacing), np.subtract(second, vertex) * np.array(spacing)
    return np.degrees(np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))

# %% tags=["wrong"] exercise="angle_on_uneven_pixels" says="start at the vertex"
def angle_in_degrees(first, vertex, second, spacing):
    mm = np.array([spacing[1], spacing[0]])
    a, b = np.subtract(vertex, first) * mm, np.subtract(second, vertex) * mm
    return np.degrees(np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))

# %% tags=["checker"] exercise="angle_on_uneven_pixels"
def checker(angle_in_degrees):
    found = angle_in_degrees((9, 4), (4, 4), (6, 5), (3.0, 1.5))  # along a row, and 3 mm right 3 mm down
    require(np.ndim(found) == 0, "An angle is one number.")
    for wrong, message in (
        (np.pi / 4, "That is in radians; give degrees."),
        (np.sqrt(0.5), "That is the cosine of the angle."),
        (-45.0, "The angle between two arms has no sign; give 0 to 180."),
        (np.degrees(np.arctan2(1, 2)), "That is the angle on the grid; turn both arms into millimetres first."),
        (np.degrees(np.arctan2(1.5, 6)), "The spacings are in the wrong order: the first one is from row to row."),
        (135.0, "Both arms start at the vertex; one of yours points towards it."),
    ):
        require(abs(found - wrong) > 1e-3, message)
    close(found, 45.0, "3 mm to the right and 3 mm down is half of a right angle.")
    close(angle_in_degrees((0, 4), (4, 4), (6, 5), (3.0, 1.5)), 135.0, "An obtuse angle fails.")

# %% [markdown] tags=["slide"]
# ## 4 The region of interest
#
# A single pixel is noise. A **[[region of interest]]** (ROI) tells the mean, and the standard deviation says
# how noisy the image is. The mean of $n$ pixels is $\sqrt n$ times calmer than one pixel (if their noise
# is independent; in a real CT neighbours share noise, and it falls more slowly).

# %% [markdown] tags=["exercise"] exercise="roi_statistics"
# ### Exercise: an ellipse
#
# Return mean and standard deviation of the pixels whose centres lie in an ellipse. `centre` is (column, row),
# `half` is (half width, half height) in pixels. A pixel's centre is at its whole column and row number.

# %% tags=["stub"] exercise="roi_statistics"
def ellipse_statistics(image, centre, half):
    """(mean, standard deviation) of the pixels in an ellipse."""
    return ...

# %% tags=["check"] exercise="roi_statistics"
check("roi_statistics", ellipse_statistics)

# %% [markdown] tags=["hint"] exercise="roi_statistics"
# First decide for every pixel whether it lies inside: an array of True and False. Then use it as a mask.

# %% [markdown] tags=["hint"] exercise="roi_statistics"
# `rows, columns = np.indices(image.shape)` gives every pixel its place. In an ellipse (Δx / half width)² + (Δy / half
# height)² is at most 1.

# %% [markdown] tags=["hint"] exercise="roi_statistics"
# `inside = ((columns - centre[0]) / half[0]) ** 2 + ((rows - centre[1]) / half[1]) ** 2 <= 1`; then
# `image[inside].mean()` and `image[inside].std()`.

# %% tags=["solution"] exercise="roi_statistics"
def ellipse_statistics(image, centre, half):
    """(mean, standard deviation) of the pixels in an ellipse."""
    rows, columns = np.indices(image.shape)
    inside = ((columns - centre[0]) / half[0]) ** 2 + ((rows - centre[1]) / half[1]) ** 2 <= 1
    return image[inside].mean(), image[inside].std()

# %% tags=["equivalent"] exercise="roi_statistics"
def ellipse_statistics(image, centre, half):
    chosen = [
        image[y, x]
        for y in range(image.shape[0])
        for x in range(image.shape[1])
        if np.hypot((x - centre[0]) / half[0], (y - centre[1]) / half[1]) <= 1
    ]
    return np.mean(chosen), np.std(chosen, ddof=1)

# %% tags=["wrong"] exercise="roi_statistics" says="box"
def ellipse_statistics(image, centre, half):
    (x, y), (w, h) = centre, half
    box = image[y - h : y + h + 1, x - w : x + w + 1]
    return box.mean(), box.std()

# %% tags=["wrong"] exercise="roi_statistics" says="rows and columns"
def ellipse_statistics(image, centre, half):
    rows, columns = np.indices(image.shape)
    inside = ((rows - centre[0]) / half[0]) ** 2 + ((columns - centre[1]) / half[1]) ** 2 <= 1
    return image[inside].mean(), image[inside].std()

# %% tags=["wrong"] exercise="roi_statistics" says="variance"
def ellipse_statistics(image, centre, half):
    rows, columns = np.indices(image.shape)
    inside = ((columns - centre[0]) / half[0]) ** 2 + ((rows - centre[1]) / half[1]) ** 2 <= 1
    return image[inside].mean(), image[inside].var()

# %% tags=["wrong"] exercise="roi_statistics" says="whole width"
def ellipse_statistics(image, centre, half):
    rows, columns = np.indices(image.shape)
    x, y = (columns - centre[0]) / (half[0] / 2), (rows - centre[1]) / (half[1] / 2)
    inside = x**2 + y**2 <= 1
    return image[inside].mean(), image[inside].std()

# %% tags=["wrong"] exercise="roi_statistics" says="diamond"
def ellipse_statistics(image, centre, half):
    rows, columns = np.indices(image.shape)
    inside = abs(columns - centre[0]) / half[0] + abs(rows - centre[1]) / half[1] <= 1
    return image[inside].mean(), image[inside].std()

# %% tags=["wrong"] exercise="roi_statistics" says="outside"
def ellipse_statistics(image, centre, half):
    rows, columns = np.indices(image.shape)
    inside = ((columns - centre[0]) / half[0]) ** 2 + ((rows - centre[1]) / half[1]) ** 2 <= 1
    return (image * inside).mean(), (image * inside).std()

# %% tags=["checker"] exercise="roi_statistics"
def checker(ellipse_statistics):
    rng = np.random.default_rng(3)
    image = rng.normal(100, 10, (60, 80)) + np.linspace(0, 200, 80)
    (x, y), (w, h) = (50, 24), (12, 7)
    rows, columns = np.indices(image.shape)

    def chosen(a, b):
        inside = ((a - x) / w) ** 2 + ((b - y) / h) ** 2 <= 1
        return image[inside]

    found = ellipse_statistics(image, (x, y), (w, h))
    require(np.shape(found) == (2,), "Return two numbers: mean and standard deviation.")
    right, box = chosen(columns, rows), image[y - h : y + h + 1, x - w : x + w + 1]
    zeros = np.where(((columns - x) / w) ** 2 + ((rows - y) / h) ** 2 <= 1, image, 0)
    require(not np.allclose(found, (box.mean(), box.std())), "That is the whole box; leave its corners out.")
    require(abs(found[0] - zeros.mean()) > 1e-6, "You count the pixels outside as zeros; leave them out.")
    require(abs(found[0] - chosen(rows, columns).mean()) > 1e-6, "You swapped rows and columns.")
    require(abs(found[1] - right.var()) > 1e-6, "That is the variance; take its root.")
    small = image[((columns - x) / w) ** 2 + ((rows - y) / h) ** 2 <= 0.25]
    require(abs(found[0] - small.mean()) > 1e-6, "`half` is half of the width already, not the whole width.")
    diamond = image[abs(columns - x) / w + abs(rows - y) / h <= 1]
    require(abs(found[0] - diamond.mean()) > 1e-6, "That is a diamond; an ellipse adds up squares.")
    close(found[0], right.mean(), "The mean is not that of the ellipse.")
    close(found[1], right.std(), "The standard deviation is not that of the ellipse.", rtol=0.005)

# %% tags=["slide"]
liver_slice, pixel = series.values[5], Spacing(along_y, along_x, "patient")
boxes = [((75, 95), (75 + side, 95 + side)) for side in (1, 3, 7, 15)]
print("A square in the liver, where every pixel has the same truth:")
for corner, opposite in boxes:
    found = region(liver_slice, "rectangle", corner, opposite, pixel)
    print(f"  {found.pixels:4d} pixels: mean {found.mean:5.1f} HU, SD {found.sd:4.1f} HU")
largest = region(liver_slice, "rectangle", *boxes[-1], pixel)
claim("The standard deviation is the noise we put in, 15 HU", abs(largest.sd - 15) < 2)
claim("256 pixels know the liver to within 3 HU", abs(largest.mean - 43) < 3)

# %% [markdown] tags=["instructor"]
# Draw one ROI across the edge of the liver and ask for the standard deviation: it is huge, and it is not noise. An ROI for
# noise must be uniform. Short of time: leave the angle exercise out; the ruler teaches the same idea.

# %% [markdown] tags=["slide"]
# ## 5 On a radiograph the ruler lies
#
# A film is a shadow. What lies far from the detector throws a larger one: [[magnification]].
# DICOM is honest about it. `ImagerPixelSpacing` is the pixel size **on the detector**.
# `PixelSpacing`, on a film, would claim a size **in the patient**, which nobody knows without a calibration.

# %%
def draw_shadow(source_to_detector, object_to_detector, diameter):
    """A ball between tube and detector, seen from the side (mm)."""
    ball = source_to_detector - object_to_detector
    slope = np.tan(np.arcsin(min(0.9, diameter / 2 / ball)))
    shadow = 2 * slope * source_to_detector
    fig, ax = plt.subplots(figsize=(7.5, 3))
    ax.plot([0, source_to_detector], [0, shadow / 2], [0, source_to_detector], [0, -shadow / 2], color=COLOURS[4])
    ax.plot([source_to_detector] * 2, [-250, 250], color="black", lw=3)
    ax.add_patch(plt.Circle((ball, 0), diameter / 2, color=COLOURS[0]))
    ax.plot(0, 0, "o", color=COLOURS[1])
    ax.set(xlim=(-60, 2060), ylim=(-260, 260), aspect="equal", xlabel="mm from the focal spot")
    ax.set_title(f"object {diameter} mm, shadow {shadow:.0f} mm, magnification {source_to_detector / ball:.2f}")
    return fig


explore(
    draw_shadow,
    alt="a ball between tube and detector; its shadow grows as the ball moves towards the tube",
    source_to_detector=(1000, 2000, 100, 1800),
    object_to_detector=(60, 600, 20, 160),
    diameter=(20, 200, 20, 120),
)

# %% [markdown] tags=["exercise"] exercise="size_behind_shadow"
# ### Exercise: the size behind the shadow
#
# A length is measured on the detector. Give the size of the object, if the distance from source to detector and
# from source to object are known (all in mm).

# %% tags=["stub"] exercise="size_behind_shadow"
def object_size(on_detector, source_to_detector, source_to_object):
    """Size of the object whose shadow is `on_detector` mm long."""
    return ...

# %% tags=["check"] exercise="size_behind_shadow"
check("size_behind_shadow", object_size)

# %% [markdown] tags=["hint"] exercise="size_behind_shadow"
# Is the object larger or smaller than its shadow? Two triangles with the same tip at the focal spot tell by how much.

# %% [markdown] tags=["hint"] exercise="size_behind_shadow"
# The magnification is source to detector, divided by source to object. It is never below 1.

# %% [markdown] tags=["hint"] exercise="size_behind_shadow"
# Divide the length on the detector by the magnification.

# %% tags=["solution"] exercise="size_behind_shadow"
def object_size(on_detector, source_to_detector, source_to_object):
    """Size of the object whose shadow is `on_detector` mm long."""
    magnification = source_to_detector / source_to_object
    return on_detector / magnification

# %% tags=["equivalent"] exercise="size_behind_shadow"
def object_size(on_detector, source_to_detector, source_to_object):
    return on_detector * source_to_object / source_to_detector

# %% tags=["wrong"] exercise="size_behind_shadow" says="larger than its shadow"
def object_size(on_detector, source_to_detector, source_to_object):
    return on_detector * source_to_detector / source_to_object

# %% tags=["wrong"] exercise="size_behind_shadow" says="as long as its shadow"
def object_size(on_detector, source_to_detector, source_to_object):
    return on_detector

# %% tags=["wrong"] exercise="size_behind_shadow" says="object to detector"
def object_size(on_detector, source_to_detector, source_to_object):
    return on_detector * (source_to_detector - source_to_object) / source_to_detector

# %% tags=["wrong"] exercise="size_behind_shadow" says="factor itself"
def object_size(on_detector, source_to_detector, source_to_object):
    return source_to_detector / source_to_object

# %% tags=["checker"] exercise="size_behind_shadow"
def checker(object_size):
    found = object_size(22.5, 1800.0, 1600.0)
    require(np.ndim(found) == 0, "A size is one number.")
    for wrong, message in (
        (22.5 * 1.125, "Your object is larger than its shadow."),
        (22.5, "Your object is as long as its shadow: then it would lie on the detector."),
        (22.5 * 200 / 1800, "You used the distance from object to detector; the triangle's tip is the source."),
        (1.125, "This is the factor itself, the magnification; what is the size?"),
    ):
        require(abs(found - wrong) > 1e-6, message)
    close(found, 20.0, "22.5 mm at magnification 1.125 belong to 20 mm.")

# %% [markdown]
# Now the same patient on film, twice: **PA** (the beam goes from back to front), standing, 1.8 m from the tube, the
# chest on the detector; and **AP** (from front to back), in bed, 1.1 m, the back on the detector. Watch the heart: it lies in front.

# %% tags=["slide"]
heart = tuple(part for part in patient.parts if part.name == "heart")
widths, pictures = {}, []
for name in ("PA", "AP"):
    rays = path_lengths(patient, name, 400, source_distance_mm=USUAL[name].source_distance_mm)
    shadow = np.abs(part_lengths(heart, rays.geometry)["blood"]) > 1  # mm of heart along the ray
    chest = max(np.ptp(np.nonzero(row)[0]) for row in rays.lengths["lung"] > 5 if row.any())
    heart_pixels = np.ptp(np.nonzero(shadow.any(0))[0]) + 1
    widths[name] = np.array([heart_pixels, chest + 1]) * rays.spacing_mm
    pictures.append(expose(rays, USUAL[name], seed=7))
titles = [f"{n}: heart {w[0]:.0f} mm, chest {w[1]:.0f} mm" for n, w in widths.items()]
show(films([p.pixels for p in pictures], titles, width=8), alt="PA and AP film of one patient; the AP heart is wider")

# %% [markdown]
# The [[cardiothoracic ratio]] needs no millimetres: heart width over chest width. Does that make it safe?

# %%
pa, ap = (widths[name][0] / widths[name][1] for name in ("PA", "AP"))
print(f"heart: AP {100 * (widths['AP'][0] / widths['PA'][0] - 1):.0f} % wider; cardiothoracic ratio "
      f"{pa:.3f} PA, {ap:.3f} AP")
claim("In bed the same heart looks about a tenth wider", 1.07 < widths["AP"][0] / widths["PA"][0] < 1.15)
claim("The ratio grows too, because heart and widest chest lie in different depths", ap > pa + 0.015)

# %% [markdown]
# Both halves of the ratio are magnified, but not equally. This is why a large heart must not be read from a bed film.
#
# Now the nodule. Its place is known from the CT, so the magnification is too:

# %%
rays = path_lengths(patient, "PA", 400)
geometry, centre = rays.geometry, nodule.parts[0].geometry.union.centre.mean(0)
source_to_object = (centre - geometry.source) @ geometry.beam
factor = geometry.source_mm / source_to_object
rows, columns = np.nonzero(rays.masks["nodule"])
on_film = (np.ptp(columns) + 1) * rays.spacing_mm
print(f"on the detector {on_film:.1f} mm, magnification {factor:.3f}, in the patient {on_film / factor:.1f} mm")

# %% [markdown] tags=["slide"]
# ## 6 Where does a nodule end?
#
# The true nodule has a solid core and a soft rim. Where it "ends" depends on the window: in the lung window the eye
# follows the rim; in the soft-tissue window everything below -160 HU is black, and the rim with it.

# %% tags=["slide"]
core_mask, whole_mask = finding_mask(nodule.parts[:1], grid), finding_mask(nodule.parts, grid)
slice_of_nodule = round((centre[2] - grid.first[2]) / along_z)
row = round((centre[1] - grid.first[1]) / along_y)
profile = series.values[slice_of_nodule, row]
x_mm = grid.first[0] + along_x * np.arange(len(profile))
fig, ax = plt.subplots(figsize=(7.5, 3))
ax.step(x_mm, profile, where="mid", color="black")
ax.axhline(-500, color=COLOURS[0], ls="--", label="halfway from lung to rim")
ax.axhline(-160, color=COLOURS[1], ls=":", label="below: black in the soft-tissue window")
ax.set(xlim=(centre[0] - 40, centre[0] + 40), ylim=(-1000, 600), ylabel="HU")
ax.set_xlabel("x (mm, to the patient's left)")
ax.legend(loc="upper right")
show(fig, alt="Hounsfield units along a line through the nodule: lung, a shoulder for the rim, a plateau for the core")

# %%
def width_above(level):
    """Width of the run of pixels above `level` through the nodule's middle, in mm."""
    middle = round((centre[0] - grid.first[0]) / along_x)
    left = middle - np.argmin(profile[middle::-1] > level) + 1
    right = middle + np.argmin(profile[middle:] > level) - 1
    return (right - left + 1) * along_x


points = centre + np.linspace(-20, 20, 4001)[:, None] * [1, 0, 0]
true_core = 0.01 * nodule.parts[0].geometry.inside(points).sum()
true_whole = true_core + 0.01 * nodule.parts[1].geometry.inside(points).sum()
print(f"lung window {width_above(-500):.1f} mm (true, with rim: {true_whole:.1f} mm)")
print(f"soft-tissue window {width_above(-160):.1f} mm (true core: {true_core:.1f} mm)")
claim("Each agrees with its truth to one pixel",
      abs(width_above(-500) - true_whole) < along_x and abs(width_above(-160) - true_core) < along_x)
claim("The window alone changes the size by a quarter or more", width_above(-500) > 1.25 * width_above(-160))

# %% [markdown]
# That is why follow-up of nodules asks for the same window (lung), the same plane and the same slice thickness
# each time.
#
# ## 7 The viewer
#
# Here it is, made of exactly these four sums. All drawing happens in your browser; the volume is sent once.
#
# - **Wheel** or arrow keys: slices. **Right button**: window. **Ctrl + wheel**: zoom.
# - Choose *Length*, *Angle*, *Box* or *Ellipse* and drag. Drag an end to correct it.
# - Choose *coronal* or *sagittal*. The ruler knows that those pixels are uneven.
# - The orange [[mask]] marks the nodule. Its tick box hides it.

# %% tags=["slide"]
viewer = view(
    series,
    masks={"nodule": whole_mask},
    alt="CT of the virtual patient's chest; a nodule in the right lung is marked in orange",
)
viewer.go("axial", slice_of_nodule)

# %% [markdown]
# What you measure comes back to Python. Run the next cell again after you have drawn something:

# %% tags=["local"]
viewer.measurements

# %% [markdown] tags=["exercise"] exercise="nodule_in_viewer"
# ### Exercise: measure the nodule
#
# You have just seen how wide the core is from left to right. How deep is it **from front to back**, where it is
# deepest? Use the axial plane, slice 25, and the **mediastinum** window (hide the mask). Write the number, in mm, or
# `viewer.measurements[-1]["length"]`.

# %% tags=["stub"] exercise="nodule_in_viewer"
core_mm = ...

# %% tags=["check"] exercise="nodule_in_viewer"
check("nodule_in_viewer", core_mm)

# %% [markdown] tags=["hint"] exercise="nodule_in_viewer"
# Click into the picture and press the key 1: that is the mediastinum window. The nodule is in the right lung, on the
# left of the picture, towards the back.

# %% [markdown] tags=["hint"] exercise="nodule_in_viewer"
# Zoom in with Ctrl + wheel, choose *Length*, and drag from the upper edge (front) straight down to the lower one (back).

# %% [markdown] tags=["hint"] exercise="nodule_in_viewer"
# The core is about nine pixels deep, and a pixel is 1.8 mm.

# %% tags=["solution"] exercise="nodule_in_viewer"
core_mm = 16.8  # nine pixels of 1.8 mm, and a bit: nobody sees it better than to one pixel

# %% tags=["equivalent"] exercise="nodule_in_viewer"
core_mm = 18.4

# %% tags=["equivalent"] exercise="nodule_in_viewer"
core_mm = 9 * 1.8

# %% tags=["wrong"] exercise="nodule_in_viewer" says="window"
core_mm = 23.0

# %% tags=["wrong"] exercise="nodule_in_viewer" says="pixels"
core_mm = 9

# %% tags=["wrong"] exercise="nodule_in_viewer" says="number"
core_mm = "18 mm"

# %% tags=["wrong"] exercise="nodule_in_viewer" says="cm"
core_mm = 1.8

# %% tags=["checker"] exercise="nodule_in_viewer"
def checker(core_mm):
    number = isinstance(core_mm, (int, float, np.number)) and not isinstance(core_mm, bool)
    require(number, "Give one number, in mm.")
    require(core_mm > 3, "Is this in cm? Give mm.")
    require(not 20.5 < core_mm < 26, "That includes the soft rim. Which window do you use?")
    require(not 7 < core_mm < 12.5, "Is this in pixels, or the radius? Give the whole width in mm.")
    require(14 <= core_mm <= 20.5, "The core is not as deep as that; is it the right slice, and is it the nodule?")

# %%
found = np.nonzero(core_mask[slice_of_nodule])
ends = [(found[1].min() - 0.5, row), (found[1].max() + 0.5, row)]
measured = viewer.measure("length", ends, slice_of_nodule)
print(f"the viewer's ruler from edge to edge: {measured['length']:.1f} {measured['unit']}")
claim("The viewer's ruler gives the true width to one pixel", abs(measured["length"] - true_core) < along_x)

# %% [markdown]
# And the film, from its DICOM file. The viewer reads the spacing, sees that it holds on the detector, and says so. Give
# it the magnification, and it measures in the plane of the nodule. (What lies in another depth is then wrong: there
# is no one scale on a film.)

# %%
with tempfile.TemporaryDirectory() as folder:
    dataset = open_dicom(write_dx(f"{folder}/film.dcm", pictures[0]))
    dataset.PixelData  # read before the folder goes
film_viewer = view(dataset, alt="PA chest film of the same patient; lengths are those on the detector")
spacing = spacing_of(dataset)
print(f"a pixel is {spacing.row_mm:.3g} mm high and {spacing.column_mm:.3g} mm wide, in the plane of the {spacing.plane}")

# %%
row_on_film = round(rows.mean())
edges = [(columns.min() - 0.5, row_on_film), (columns.max() + 0.5, row_on_film)]
shadow = film_viewer.measure("length", edges)
film_viewer.magnification = factor
size = film_viewer.measure("length", edges)
for said in (shadow, size):
    print(f"{said['length']:.1f} {said['unit']}")
claim("Corrected, the film agrees with the CT to about one CT pixel", abs(size["length"] - true_whole) < 2)
claim("Uncorrected it is a tenth too large", 1.08 < shadow["length"] / size["length"] < 1.13)

# %% [markdown] tags=["instructor"]
# Let two people measure the nodule in the same window without seeing each other's figure, and compare. Differences of
# 1 to 2 mm are usual, in this room as in the literature. Then ask: a nodule has "grown" from 17 to 18.5 mm; what do you
# say?

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A window is a table from values to greys. It never changes the values.
# - `PixelSpacing` is (row to row, column to column). Turn steps into millimetres before you square them.
# - Mean and noise need a region; noise needs a uniform one.
# - On a film, lengths are those of the shadow: `ImagerPixelSpacing` holds on the detector only.
# - An AP film enlarges the heart more than the chest.
# - Name window, plane and slice thickness with every size you report.

# %% [markdown]
# ## References
#
# - DICOM PS3.3: C.11.2.1.2 (windows), 10.7.1.3 (pixel spacing: order, and what it means on projections).
# - MacMahon H et al. *Guidelines for management of incidental pulmonary nodules detected on CT images: from the
#   Fleischner Society 2017.* Radiology 284, 228-243 (2017); Bankier AA et al. *Recommendations for measuring pulmonary
#   nodules at CT.* Radiology 285, 584-600 (2017).
# - Okabe M, Ito K. *Color universal design* (2008): the colours of the masks.

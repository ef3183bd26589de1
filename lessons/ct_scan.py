# %% [markdown] tags=["slide"]
# ## A shadow is not enough
#
# A film adds up everything along a ray. [[Computed tomography]] (CT) asks for every single place:
# *what is here, and nothing else?* To answer, it takes shadows from all sides.
#
# 1. Why a [[slice]] shows what a film hides.
# 2. Four [[generations|scanner generation]] of scanners: the same rays, in another order.
# 3. The [[sinogram]]: what all scanners measure.
# 4. Real rays: many energies, few [[photons|photon]], imperfect detectors.
# 5. [[Fan beams|fan beam]], and how to sort them.
# 6. The [[spiral scan]]: a chest within one breath.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import Protocol, expose, scan, slice_rays
from course_lib.imaging.ct.detector import IDEAL_DETECTOR
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.generations import SCANNERS, readings
from course_lib.imaging.ct.geometry import FanBeam, ParallelBeam
from course_lib.imaging.ct.rebinning import interleave, rebin
from course_lib.imaging.ct.sinogram import attenuation_sinogram, between, tissue_sinogram
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.projection import path_lengths
from course_lib.imaging.radiography import radiograph
from course_lib.imaging.rays import line_lengths
from course_lib.patient.cohort import sample_patient
from course_lib.patient.person import Finding
from course_lib.patient.solids import Part, chains, ellipsoids
from course_lib.teaching import scanners
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 Why CT: the nodule behind the heart
#
# Our patient is 60 and smokes. A [[nodule]] of 14 mm sits in the left lower lobe, **behind the
# heart**. On the film, heart and spine lie on top of it.

# %%
healthy = sample_patient(9, age=60)
CENTRE = (38.0, 45.0, -80.0)  # mm: to the left, to the back, upwards
nodule = Part("nodule", "soft_tissue", "lung", ellipsoids(CENTRE, [7, 7, 7]))
ill = healthy.with_finding(Finding("nodule", 0.4, "left", (nodule,)))
lying = on_the_table(ill)  # on the back, arms raised

chest_film = radiograph(ill, size=384, seed=1)
one_slice = scan(lying.solids, z_mm=CENTRE[2], seed=1)

# %% [markdown]
# The [[slice]] is made from the scan by [[filtered back projection]], here a black box; the next
# lesson opens it. Its values are [[attenuation]] in 1/mm. A bottle of water, scanned in the same way,
# gives the scale: the [[Hounsfield unit]].

# %%
PIXEL, SIZE = 1.5, 288  # mm, pixels


def picture(sinogram):
    """Attenuation in 1/mm, (SIZE, SIZE), from a parallel sinogram."""
    return fbp(sinogram.values, sinogram.angles_deg, sinogram.spacing_mm, SIZE, PIXEL, "hann")


bottle = (Part("bottle", "water", "air", ellipsoids([0, 0, 0], [100, 100, 1000])),)
mu_water = picture(scan(bottle, 0.0, seed=2))[124:164, 124:164].mean()


def hounsfield(image):
    """Hounsfield units: water 0, air about -1000."""
    return 1000 * (image / mu_water - 1)


slice_hu = hounsfield(picture(one_slice))
print(f"water attenuates {mu_water:.3g} per mm in this scanner")

# %% tags=["slide"]
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6))
film(left, chest_film.pixels, "film: where is the nodule?")
film(right, slice_hu, "slice through it", vmin=-1200, vmax=300)
x, y = (CENTRE[0] / PIXEL + SIZE / 2, CENTRE[1] / PIXEL + SIZE / 2)
right.annotate("", (x + 7, y + 4), (x + 45, y + 30),
               arrowprops={"arrowstyle": "->", "color": COLOURS[4], "lw": 2})
show(fig, alt="On the film the nodule is lost behind the heart; in the slice it is plain")

# %% [markdown]
# You look at the slice **from the feet**: the patient's left is on your right, the back is below.
# Now in numbers. Along the ray through the nodule, how much does it add to the whole?

# %%
rays = path_lengths(ill, "PA", 384).lengths
mu = {tissue: float(linear_attenuation(tissue, 70.0)) for tissue in [*rays, "lung"]}
behind = chest_film.masks["nodule"]
whole = sum(mu[tissue] * mm for tissue, mm in rays.items())[behind].mean()
added = (mu["soft_tissue"] - mu["lung"]) * 14
print(f"the ray's sum is {whole:.2f}; the nodule's part of it is at most {added:.2f}")
print(f"in the slice the nodule attenuates {mu['soft_tissue'] / mu['lung']:.1f} times the lung")
claim("On the film the nodule is a twentieth of the sum", added < 0.06 * whole)
claim("in the slice it is four times its surroundings", mu["soft_tissue"] > 4 * mu["lung"])

# %% [markdown] tags=["exercise"] exercise="lost_on_film"
# ### Exercise: what a film sees of a nodule
#
# A nodule takes the place of lung. Write `lost_on_film`: by which share do the photons of a ray
# through the middle of the nodule become fewer, compared with a neighbouring ray that meets lung
# there?

# %% tags=["stub"] exercise="lost_on_film"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    """Share of the photons (0 to 1) that a nodule takes away, compared with lung in its place."""
    return ...

# %% tags=["check"] exercise="lost_on_film"
check("lost_on_film", lost_on_film)

# %% [markdown] tags=["hint"] exercise="lost_on_film"
# Beer and Lambert: a layer of thickness t lets exp(-µ t) through. Everything in front of and
# behind the nodule is the same for both rays.

# %% [markdown] tags=["hint"] exercise="lost_on_film"
# Divide what passes the nodule by what passes the same length of lung. Two exponentials divided
# are one exponential of a difference.

# %% [markdown] tags=["hint"] exercise="lost_on_film"
# The ratio is exp(-(µ_nodule - µ_lung) · diameter). The photons *lost* are one minus this.

# %% tags=["solution"] exercise="lost_on_film"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    """Share of the photons (0 to 1) that a nodule takes away, compared with lung in its place."""
    # Only the difference to the displaced lung counts; all else cancels.
    return 1 - np.exp(-(mu_nodule - mu_lung) * diameter_mm)

# %% tags=["equivalent"] exercise="lost_on_film"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    with_it, without = np.exp(-mu_nodule * diameter_mm), np.exp(-mu_lung * diameter_mm)
    return (without - with_it) / without

# %% tags=["equivalent"] exercise="lost_on_film"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    return -np.expm1((mu_lung - mu_nodule) * diameter_mm)

# %% tags=["wrong"] exercise="lost_on_film" says="takes the place"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    return 1 - np.exp(-mu_nodule * diameter_mm)

# %% tags=["wrong"] exercise="lost_on_film" says="left"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    return np.exp(-(mu_nodule - mu_lung) * diameter_mm)

# %% tags=["wrong"] exercise="lost_on_film" says="exponential"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    return (mu_nodule - mu_lung) * diameter_mm

# %% tags=["wrong"] exercise="lost_on_film" says="more photons"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    return 1 - np.exp((mu_nodule - mu_lung) * diameter_mm)

# %% tags=["wrong"] exercise="lost_on_film" says="neighbouring ray"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    return np.exp(-mu_lung * diameter_mm) - np.exp(-mu_nodule * diameter_mm)

# %% tags=["wrong"] exercise="lost_on_film" says="percent"
def lost_on_film(diameter_mm, mu_nodule, mu_lung):
    return 100 * (1 - np.exp(-(mu_nodule - mu_lung) * diameter_mm))

# %% tags=["checker"] exercise="lost_on_film"
def checker(lost_on_film):
    value = lost_on_film(20.0, 0.02, 0.005)
    number = isinstance(value, (int, float, np.number))
    for wrong, message in (
        (100 * (1 - math.exp(-0.3)), "A share lies between 0 and 1; this is percent."),
        (math.exp(-0.1) - math.exp(-0.4), "Compare with the neighbouring ray: divide by what it has."),
        (1 - math.exp(-0.4), "The nodule takes the place of lung, which would attenuate too."),
        (math.exp(-0.3), "This share is what is left; asked is what is lost."),
        (0.3, "This is the sum of attenuation; photons fall off with an exponential."),
        (1 - math.exp(0.3), "A negative loss would mean more photons: check the sign."),
    ):
        require(not number or abs(value - wrong) > 1e-6, message)
    close(value, 1 - math.exp(-0.3), "For 20 mm, 0.02/mm and 0.005/mm:")

# %% [markdown] tags=["instructor"]
# Let the group look for the nodule on the film before you show the slice. Then ask for the price: a film of the chest costs about 0.02-0.1 mSv, a chest
# CT 1-7 mSv. Short of time: skip the generations' table, never the sinogram of a point. Optional: the
# exercise on scan time, the quarter shift at the end of section 5, the leaning pole in section 6.

# %% [markdown] tags=["slide"]
# ## 2 Four generations of scanners
#
# | generation | since | motion | rays at once | time per slice |
# |---|---|---|---|---|
# | 1 | 1971 | sweep, turn 1°, sweep back | 1 (pencil beam) | 5 minutes |
# | 2 | 1974 | sweep, turn 10°, sweep back | about 10 (narrow fan) | 20 seconds |
# | 3 | 1975 | tube and detector turn | hundreds (wide fan) | 5 s, today 0.3 s |
# | 4 | 1976 | tube turns in a ring of detectors | hundreds | 2 to 5 s |
#
# Today's scanners are of the **third** generation.

# %% tags=["slide"]
scans = {generation: readings(generation) for generation in (1, 2, 3, 4)}
fig = scanners.film_strip(scans, [0.081, 0.303, 0.581, 0.919])
show(fig, alt="Four scanners at four moments: a sliding beam, a sliding fan, turning fans")

# %% [markdown]
# Generations 1 and 2 slide along straight rails. From the third on, everything turns, without a
# stop: that is what made it fast. In generation 4 the detectors stand still; it needs many more of
# them, and as each looks in all directions, no grid can keep [[scatter]] out. It died out.
#
# Do they measure different things? Let each of them scan our patient. What a ray measures is a
# [[line integral]]: attenuation times length, added up along the ray. `line_lengths` gives the exact
# length of each ray in each tissue.

# %%
solids = between(lying.solids, CENTRE[2], CENTRE[2])  # only what this slice meets
CENTRE_OF_ROTATION = [1.0, 0.0, CENTRE[2]]  # nobody lies exactly in the centre


def measure(made):
    """Line integral at 70 keV of every reading, from source to detector element."""
    way = made.element - made.source
    way = way / np.linalg.norm(way, axis=1, keepdims=True)
    flat = np.zeros((len(way), 1))
    start = np.hstack([made.source, flat]) + CENTRE_OF_ROTATION
    lengths = line_lengths(solids, start, np.hstack([way, flat]))
    return sum(mm * linear_attenuation(tissue, 70.0) for tissue, mm in lengths.items())


values = {generation: measure(scans[generation]) for generation in scans}
sorted_by_line = {g: scans[g].sorted_sinogram(values[g]) for g in scans}
for g, made in scans.items():
    print(f"generation {g}: {len(made.ray):6d} readings, {SCANNERS[g - 1].motion}")
worst = max(np.abs(sorted_by_line[g] - sorted_by_line[1]).max() for g in scans)
claim("Sorted by line, all four are the same sinogram", worst < 1e-5)

# %% [markdown]
# The order differs, the rays do not. (Why do the last two need twice as many readings? Section 3
# asks you.) Sorting is all that lies between a scanner's wiring and the mathematics. Play: on the
# right you see which lines have been measured so far.

# %%
def draw_scanner(generation, percent):
    made = scans[generation]
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 4))
    scanners.scanner(left, made, generation, percent / 100)
    done = scanners.filled_so_far(made, values[generation], percent / 100)
    right.imshow(done, cmap="viridis", aspect="auto", vmin=0, vmax=8, extent=(-22.5, 22.5, 180, 0))
    right.set(xlabel="number of the ray", ylabel="angle (degrees)", title="lines measured so far")
    right.grid(False)
    return fig


explore(
    draw_scanner,
    alt="a scanner at the chosen moment, and the part of the sinogram that it has measured",
    generation=[3, 1, 2, 4],
    percent=(1, 100, 1, 30),
)

# %% [markdown] tags=["exercise"] exercise="scan_time"
# ### Exercise: how long does a slice take?
#
# A scanner of generation 1 or 2 must measure `angles` directions. Its fan measures `beams`
# directions in one sweep. A sweep covers `width_mm` at `speed` mm per second; between two sweeps
# the gantry turns for `turning_s` seconds. Write `slice_seconds`.

# %% tags=["stub"] exercise="scan_time"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    """Seconds from the first reading of a slice to the last."""
    return ...

# %% tags=["check"] exercise="scan_time"
check("scan_time", slice_seconds)

# %% [markdown] tags=["hint"] exercise="scan_time"
# How many sweeps are there? 180 directions with 10 beams need 18; what about 185?

# %% [markdown] tags=["hint"] exercise="scan_time"
# Sweeps are whole: round up (`math.ceil` or `np.ceil`). One sweep lasts width / speed.

# %% [markdown] tags=["hint"] exercise="scan_time"
# After the last sweep nobody needs to turn: there is one turn less than there are sweeps.

# %% tags=["solution"] exercise="scan_time"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    """Seconds from the first reading of a slice to the last."""
    sweeps = np.ceil(angles / beams)  # the last sweep may leave some beams unused
    return sweeps * width_mm / speed + (sweeps - 1) * turning_s

# %% tags=["equivalent"] exercise="scan_time"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    sweeps = -(-angles // beams)
    return sweeps * (width_mm / speed + turning_s) - turning_s

# %% tags=["equivalent"] exercise="scan_time"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    seconds = -turning_s
    for _first in range(0, angles, beams):
        seconds += turning_s + width_mm / speed
    return seconds

# %% tags=["wrong"] exercise="scan_time" says="several directions"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    return angles * width_mm / speed + (angles - 1) * turning_s

# %% tags=["wrong"] exercise="scan_time" says="last sweep"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    return np.ceil(angles / beams) * (width_mm / speed + turning_s)

# %% tags=["wrong"] exercise="scan_time" says="part of a sweep"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    return angles / beams * width_mm / speed + (angles / beams - 1) * turning_s

# %% tags=["wrong"] exercise="scan_time" says="round up"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    return (angles // beams) * width_mm / speed + (angles // beams - 1) * turning_s

# %% tags=["wrong"] exercise="scan_time" says="turning takes time"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    return np.ceil(angles / beams) * width_mm / speed

# %% tags=["wrong"] exercise="scan_time" says="between two sweeps"
def slice_seconds(angles, beams, width_mm, speed, turning_s):
    return np.ceil(angles / beams) * width_mm / speed + (angles - 1) * turning_s

# %% tags=["checker"] exercise="scan_time"
def checker(slice_seconds):
    value = slice_seconds(185, 10, 400.0, 200.0, 1.0)
    number = isinstance(value, (int, float, np.number))
    for wrong, message in (
        (19 * 2.0, "The turning takes time too."),
        (19 * 2.0 + 184, "The gantry turns only between two sweeps, not for every direction."),
        (185 * 2.0 + 184, "A fan measures several directions in one sweep."),
        (19 * 3.0, "After the last sweep there is nothing to turn for."),
        (18.5 * 2.0 + 17.5, "There is no such thing as a part of a sweep."),
        (18 * 2.0 + 17, "Five directions are left over: round up."),
    ):
        require(not number or abs(value - wrong) > 1e-6, message)
    close(value, 19 * 2.0 + 18, "For 185 directions, 10 beams, 400 mm, 200 mm/s and 1 s:")
    close(slice_seconds(180, 1, 400.0, 200.0, 0.5), 360 + 89.5, "For 180 directions and 1 beam:")

# %%
minutes = scans[1].time_s[-1] / 60
faster = scans[1].time_s[-1] / scans[2].time_s[-1]
print(f"generation 1: {minutes:.2g} minutes; generation 2 is {faster:.2g} times as fast")
claim("The first scanner needs between four and five minutes for a slice", 4 < minutes < 5)
claim("Ten beams are more than ten times as fast: the gantry turns less often", faster > 10)

# %% [markdown] tags=["slide"]
# ## 3 The sinogram
#
# A line has an angle θ and a distance s from the centre of rotation:
#
# $$x \cos\theta + y \sin\theta = s$$
#
# A **view** is all s for one θ. All views below each other are the **sinogram**. (The mathematics
# is Johann Radon's, 1917: the [[Radon transform]].)
#
# ### Follow one point

# %% tags=["slide"]
beam = ParallelBeam(views=180, detectors=201, spacing_mm=2.0)
points = {"in front": (0.0, -120.0), "at the left": (90.0, 0.0), "near the centre": (-20.0, 10.0)}
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
for (name, (x, y)), colour in zip(points.items(), COLOURS, strict=False):
    grain = (Part(name, "calcification", "air", ellipsoids([x, y, 0], [3, 3, 3])),)
    views = tissue_sinogram(grain, 0.0, beam)["calcification"]
    left.plot(x, y, "o", color=colour, ms=9, label=name)
    right.plot(beam.positions_mm[views.argmax(1)], beam.angles_deg, ".", color=colour, ms=3)
left.set(xlim=(-200, 200), ylim=(200, -200), aspect="equal", xlabel="x: to the left (mm)",
         ylabel="y: to the back (mm)", title="the slice")
left.legend()
right.set(xlim=(-200, 200), ylim=(180, 0), xlabel="s (mm)", ylabel="angle (degrees)",
          title="the sinogram")
show(fig, alt="Three points in the slice; each draws its own half wave in the sinogram")

# %% [markdown] tags=["exercise"] exercise="point_in_sinogram"
# ### Exercise: where does the point go?
#
# Write `position`: at which s (mm) does the point (x, y) lie in the view at `angle_deg` degrees?

# %% tags=["stub"] exercise="point_in_sinogram"
def position(x, y, angle_deg):
    """s in mm of the point (x, y) in the view at angle_deg."""
    return ...

# %% tags=["check"] exercise="point_in_sinogram"
check("point_in_sinogram", position)

# %% [markdown] tags=["hint"] exercise="point_in_sinogram"
# The equation of a line stands above. Which s belongs to the line through your point?

# %% [markdown] tags=["hint"] exercise="point_in_sinogram"
# `np.cos` and `np.sin` want radians: `np.radians(angle_deg)`.

# %% [markdown] tags=["hint"] exercise="point_in_sinogram"
# `x * np.cos(...) + y * np.sin(...)`, both with the angle in radians.

# %% tags=["solution"] exercise="point_in_sinogram"
def position(x, y, angle_deg):
    """s in mm of the point (x, y) in the view at angle_deg."""
    theta = np.radians(angle_deg)
    return x * np.cos(theta) + y * np.sin(theta)  # how far the point lies along the detector

# %% tags=["equivalent"] exercise="point_in_sinogram"
def position(x, y, angle_deg):
    return np.hypot(x, y) * np.cos(np.radians(angle_deg) - np.arctan2(y, x))

# %% tags=["equivalent"] exercise="point_in_sinogram"
def position(x, y, angle_deg):
    return ((x - 1j * y) * np.exp(1j * np.radians(angle_deg))).real

# %% tags=["wrong"] exercise="point_in_sinogram" says="radians"
def position(x, y, angle_deg):
    return x * np.cos(angle_deg) + y * np.sin(angle_deg)

# %% tags=["wrong"] exercise="point_in_sinogram" says="At 0 degrees"
def position(x, y, angle_deg):
    return x * np.sin(np.radians(angle_deg)) + y * np.cos(np.radians(angle_deg))

# %% tags=["wrong"] exercise="point_in_sinogram" says="sign"
def position(x, y, angle_deg):
    return x * np.cos(np.radians(angle_deg)) - y * np.sin(np.radians(angle_deg))

# %% tags=["wrong"] exercise="point_in_sinogram" says="either side"
def position(x, y, angle_deg):
    return np.hypot(x, y)

# %% tags=["wrong"] exercise="point_in_sinogram" says="negative"
def position(x, y, angle_deg):
    return abs(x * np.cos(np.radians(angle_deg)) + y * np.sin(np.radians(angle_deg)))

# %% tags=["wrong"] exercise="point_in_sinogram" says="along the ray"
def position(x, y, angle_deg):
    return y * np.cos(np.radians(angle_deg)) - x * np.sin(np.radians(angle_deg))

# %% tags=["checker"] exercise="point_in_sinogram"
def checker(position):
    value = position(30.0, 40.0, 50.0)
    number = isinstance(value, (int, float, np.number))
    cos, sin = math.cos(math.radians(50)), math.sin(math.radians(50))
    for wrong, message in (
        (30 * math.cos(50) + 40 * math.sin(50), "Cosine and sine want radians, not degrees."),
        (30 * sin + 40 * cos, "At 0 degrees rays run from front to back, so s must be x."),
        (30 * cos - 40 * sin, "Check the sign of y: at 90 degrees s must be y."),
        (50.0, "This is the distance to the centre; seen from here a point lies to either side."),
        (40 * cos - 30 * sin, "This is how far the point lies along the ray, not across it."),
    ):
        require(not number or abs(value - wrong) > 1e-6, message)
    close(value, 30 * cos + 40 * sin, "For the point (30, 40) at 50 degrees:")
    turned = position(70.0, -20.0, 120.0)
    s = -35 - 20 * math.sin(math.radians(120))
    require(not isinstance(turned, (int, float, np.number)) or abs(turned + s) > 1e-6,
            "s may be negative: keep the sign.")
    close(turned, s, "For the point (70, -20) at 120 degrees:")

# %% [markdown]
# A point's track is a sine wave, hence the name. Its amplitude is the distance of the point from
# the centre of rotation. A patient is many points; the sinogram is the sum of all their waves.

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(7, 4.4))
reach = one_slice.positions_mm[-1]
shown = ax.imshow(one_slice.values, aspect="auto", extent=(-reach, reach, 180, 0))
fig.colorbar(shown, label="line integral of µ")
theta = one_slice.angles_deg
track = CENTRE[0] * np.cos(np.radians(theta)) + CENTRE[1] * np.sin(np.radians(theta))
ax.plot(track, theta, "--", color=COLOURS[4])
ax.set(xlabel="s (mm)", ylabel="angle (degrees)", title="sinogram of the slice (dashed: the nodule)")
ax.grid(False)
show(fig, alt="Sinogram of the chest: waves of ribs and spine, and the dashed track of the nodule")

# %% [markdown]
# These numbers are exact up to physics: no voxels stand behind them. The patient is a list of
# solids; where a line enters and leaves each of them is the solution of a quadratic equation.

# %% [markdown] tags=["exercise"] exercise="half_a_turn"
# ### Exercise: predict, then run
#
# Parallel beams. Replace each `...` by `True` or `False`, before you run the cell below the check.

# %% tags=["stub"] exercise="half_a_turn"
mirrored = ...  # the view at 200 degrees is the view at 20 degrees, mirrored
full_turn_needed = ...  # the scanner must turn by 360 degrees to see every line
same_sum = ...  # the sum over s is the same in every view, whatever the patient
centre_moves = ...  # a point exactly in the centre of rotation moves from view to view

# %% tags=["check"] exercise="half_a_turn"
check("half_a_turn", mirrored, full_turn_needed, same_sum, centre_moves)

# %% [markdown] tags=["hint"] exercise="half_a_turn"
# Seen from the front or from the back, a straight line is the same line.

# %% [markdown] tags=["hint"] exercise="half_a_turn"
# Put 200 = 20 + 180 degrees into the equation of the line: cosine and sine change their signs.
# What does a sum over all parallel lines add up?

# %% [markdown] tags=["hint"] exercise="half_a_turn"
# s becomes -s after half a turn. And the sum over s is the attenuation of the whole slice, from
# whatever side you look.

# %% tags=["solution"] exercise="half_a_turn"
mirrored = True  # s becomes -s: the same lines, counted from the other end
full_turn_needed = False  # after 180 degrees every line has been seen once
same_sum = True  # each view adds up the attenuation of the whole slice
centre_moves = False  # x = y = 0 gives s = 0 at every angle

# %% tags=["equivalent"] exercise="half_a_turn"
mirrored, full_turn_needed, same_sum, centre_moves = 1, 0, 1, 0

# %% tags=["wrong"] exercise="half_a_turn" says="behind"
mirrored, full_turn_needed, same_sum, centre_moves = False, False, True, False

# %% tags=["wrong"] exercise="half_a_turn" says="twice"
mirrored, full_turn_needed, same_sum, centre_moves = True, True, True, False

# %% tags=["wrong"] exercise="half_a_turn" says="whole slice"
mirrored, full_turn_needed, same_sum, centre_moves = True, False, False, False

# %% tags=["wrong"] exercise="half_a_turn" says="x = y = 0"
mirrored, full_turn_needed, same_sum, centre_moves = True, False, True, True

# %% tags=["wrong"] exercise="half_a_turn" says="True or False"
mirrored, full_turn_needed, same_sum, centre_moves = "yes", False, True, False

# %% tags=["checker"] exercise="half_a_turn"
def checker(mirrored, full_turn_needed, same_sum, centre_moves):
    for answer in (mirrored, full_turn_needed, same_sum, centre_moves):
        require(answer in (True, False), "Every answer must be True or False.")
    require(mirrored, "From behind you see the same lines, from the other side.")
    require(not full_turn_needed, "In a full turn every line is measured twice.")
    require(same_sum, "Each view adds up the attenuation of the whole slice.")
    require(not centre_moves, "Put x = y = 0 into the equation of the line.")

# %%
whole_turn = ParallelBeam(views=36, detectors=288, spacing_mm=1.5, arc_deg=360.0)
all_round = attenuation_sinogram(tissue_sinogram(lying.solids, CENTRE[2], whole_turn), 70.0)
gap = np.abs(all_round[20] - all_round[2, ::-1]).max()
sums = all_round.sum(axis=1)
claim("The view at 200 degrees is that at 20 degrees, mirrored", gap < 1e-5)
claim("All views have the same sum, within 1 %", np.ptp(sums) < 0.01 * sums.mean())

# %% [markdown] tags=["slide"]
# ## 4 Real rays
#
# The detector counts energy, not line integrals. Three steps in between:
#
# 1. Many energies: **[[beam hardening]]**. µ seems smaller behind a thick body.
# 2. Few [[photons|photon]]: **[[noise]]**, less with more [[mAs]].
# 3. Elements differ: an **[[air scan]]** tells how each of them answers.
#
# Then p = -ln(reading / air).

# %% [markdown]
# First the energies. A wide bottle of water has short ways through its rim and long ones through
# its middle. (We leave out the [[bow-tie filter]], a piece of plastic, thin in the middle and thick
# at the sides, with which real scanners even that out.)

# %%
protocol = Protocol(kvp=120, mas=150)  # the settings of a scan
bare = replace(protocol, bowtie_mm=0.0, noise=False, detector=IDEAL_DETECTOR)
wide = (Part("bottle", "water", "air", ellipsoids([0, 0, 0], [150, 150, 1000])),)
water_rays = slice_rays(wide, 0.0, bare)  # trace the rays once ...
water_mm = water_rays.lengths[0]["water"][0]
apparent = expose(water_rays, bare).values[0] / np.maximum(water_mm, 1e-9)  # ... then expose

fig, ax = plt.subplots(figsize=(5.5, 3))
ax.plot(water_mm[water_mm > 10], apparent[water_mm > 10], ".")
ax.set(xlabel="water on the ray (mm)", ylabel="µ that it seems to have (1/mm)")
show(fig, alt="The longer the way through water, the smaller the attenuation that it seems to have")

# %%
drop = 1 - apparent[water_mm > 295].mean() / apparent[(water_mm > 20) & (water_mm < 60)].mean()
print(f"300 mm of water seem to attenuate {100 * drop:.1f} % less per mm than 40 mm do")
claim("Behind thick parts the body seems to attenuate less: the beam has hardened", drop > 0.02)

# %% [markdown]
# Soft photons are gone after a few centimetres; the hard ones that are left are weakened less. In
# the slice this makes the middle of a body too dark. Now the photons' number: trace the patient's
# rays once, expose them three times.

# %%
traced = slice_rays(lying.solids, CENTRE[2], protocol)
single_energy = attenuation_sinogram(traced.lengths[0], 70.0)
quiet = expose(traced, bare).values

# %% tags=["slide"]
doses = (100, 10, 1, 0.1)
noisy = [expose(traced, replace(protocol, mas=mas), seed=3) for mas in doses]
pictures = [hounsfield(picture(measured)) for measured in noisy]
BODY = np.s_[60:240, 12:276]
fig, axes = plt.subplots(2, 2, figsize=(10, 7))
for ax, image, mas in zip(axes.flat, pictures, doses, strict=True):
    film(ax, image[BODY], f"{mas:g} mAs", vmin=-160, vmax=240)
show(fig, alt="The slice at 100, 10, 1 and 0.1 mAs: noise grows, and at last streaks cover all")

# %% tags=["varies"]
clean = hounsfield(picture(expose(traced, replace(protocol, noise=False))))
heart = np.s_[110:140, 130:160]
grain = [float((image - clean)[heart].std()) for image in pictures]
print("noise in the heart:", ", ".join(f"{value:.3g} HU" for value in grain))
claim("A tenth of the dose gives about √10 times the noise", 2.6 < grain[1] / grain[0] < 3.8)
claim("With very little dose it is much worse: the electronics' noise joins in",
      grain[3] / grain[2] > 5)

# %% [markdown]
# A real slice at 100 mAs has more noise, often 10 HU. Its pixels are half as wide and its filter is
# sharper, and noise grows quickly with sharpness (next lesson).
#
# Play with the tube. The [[window]] is that of the mediastinum (width 400, level 40).

# %%
def draw_slice(kvp, mas, bow_tie):
    setting = replace(protocol, kvp=kvp, mas=mas, bowtie_mm=160.0 if bow_tie else 0.0)
    image = hounsfield(picture(expose(traced, setting, seed=5)))[BODY]
    return np.kron((image + 160) / 400, np.ones((2, 2)))  # each pixel drawn twice as large


explore(
    draw_slice,
    alt="the slice at the chosen voltage and mAs, in the mediastinal window",
    kvp=(80, 140, 20, 120),
    mas=[100, 30, 10, 3, 1, 0.3],
    bow_tie=True,
)

# %% [markdown]
# Note that the picture gets brighter at 80 kV: attenuation depends on energy, so the scale must be
# calibrated for each voltage. The lesson on CT numbers does that.

# %% [markdown] tags=["slide"]
# ### Rings: break it, measure it, mend it
#
# Detector elements are not alike: one answers with 3 % more, its neighbour with 2 % less. If you
# divide by *one* number for all, each wrong element draws a **ring**.

# %%
rng = np.random.default_rng(4)
gains = 1 + 0.03 * rng.standard_normal(288)  # how strongly each element answers
air = 5e4 * gains  # air scan: one reading per element, without patient
body = 5e4 * gains * np.exp(-quiet)  # readings (views, elements) of the patient's scan
broken = -np.log(body / air.mean())
rings = hounsfield(fbp(broken, one_slice.angles_deg, 1.5, SIZE, PIXEL, "hann"))

# %% tags=["slide"]
show(films([clean[BODY], rings[BODY]], ["as it should be", "one air value for all elements"],
           vmin=-160, vmax=240, width=8), alt="The slice, and the same slice full of rings")

# %% [markdown] tags=["exercise"] exercise="air_scan"
# ### Exercise: mend it
#
# Write `line_integrals(body, air)`: `body` has shape (views, elements), `air` (elements,). A
# reading of zero or less (noise can do that) must not spoil everything: count it as a millionth of
# its element's air value.

# %% tags=["stub"] exercise="air_scan"
def line_integrals(body, air):
    """-ln(body / air), element by element, finite whatever the readings."""
    return ...

# %% tags=["check"] exercise="air_scan"
check("air_scan", line_integrals)

# %% [markdown] tags=["hint"] exercise="air_scan"
# Which air value belongs to a reading? Each column of `body` is one element.

# %% [markdown] tags=["hint"] exercise="air_scan"
# NumPy divides (views, elements) by (elements,) column by column, just as you need. Before the
# logarithm, lift what is too small: `np.maximum(a, 1e-6)`.

# %% [markdown] tags=["hint"] exercise="air_scan"
# `-np.log(np.maximum(..., 1e-6))` with the ratio `body / air` inside.

# %% tags=["solution"] exercise="air_scan"
def line_integrals(body, air):
    """-ln(body / air), element by element, finite whatever the readings."""
    return -np.log(np.maximum(body / air, 1e-6))  # its own air value for every element

# %% tags=["equivalent"] exercise="air_scan"
def line_integrals(body, air):
    return np.log(air)[None, :] - np.log(np.maximum(body, 1e-6 * air))

# %% tags=["equivalent"] exercise="air_scan"
def line_integrals(body, air):
    share = np.clip(body / np.broadcast_to(air, body.shape), 1e-6, None)
    return np.log(1 / share)

# %% tags=["wrong"] exercise="air_scan" says="its own air value"
def line_integrals(body, air):
    return -np.log(np.maximum(body / air.mean(), 1e-6))

# %% tags=["wrong"] exercise="air_scan" says="positive"
def line_integrals(body, air):
    return np.log(np.maximum(body / air, 1e-6))

# %% tags=["wrong"] exercise="air_scan" says="not finite"
def line_integrals(body, air):
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log(body / air)

# %% tags=["wrong"] exercise="air_scan" says="logarithm"
def line_integrals(body, air):
    return np.maximum(body / air, 1e-6)

# %% tags=["equivalent"] exercise="air_scan"
def line_integrals(body, air):
    return -np.log(np.where(body > 0, body / air, 1e-6))

# %% tags=["wrong"] exercise="air_scan" says="its element's air value"
def line_integrals(body, air):
    return -np.log(np.maximum(body, 1e-6) / air)

# %% tags=["wrong"] exercise="air_scan" says="natural"
def line_integrals(body, air):
    return -np.log10(np.maximum(body / air, 1e-6))

# %% tags=["checker"] exercise="air_scan"
def checker(line_integrals):
    truth = np.array([[0.5, 1.0, 2.0], [3.0, 0.1, 4.0]])
    own = np.array([900.0, 1000.0, 1200.0])
    given = own * np.exp(-truth)
    starved = given.copy()
    starved[1, 2] = -5.0
    value = line_integrals(starved, own)
    require(np.shape(value) == (2, 3), "The answer needs the shape of body.")
    require(np.all(np.isfinite(value)), "With a reading below zero your answer is not finite.")
    value = np.asarray(line_integrals(given, own), float)
    require(not np.allclose(value, np.exp(-truth)), "A logarithm turns the ratio into a sum of µ.")
    require(not np.allclose(value, -truth), "Line integrals are positive: mind the sign.")
    tens = np.allclose(value, truth / np.log(10))
    require(not tens, "Take the natural logarithm, to the base e: that is how beams weaken.")
    spread = np.ptp(value - truth, axis=1).max()
    require(spread < 1e-6 or spread > 0.5, "Every element must be divided by its own air value.")
    close(value, truth, "With gains of 0.9, 1 and 1.2:")
    close(line_integrals(starved, own)[1, 2], np.log(1e6), "A reading of -5 counts as a millionth of its element's air value:")

# %%
mended = -np.log(np.maximum(body / air, 1e-6))
healed = hounsfield(fbp(mended, one_slice.angles_deg, 1.5, SIZE, PIXEL, "hann"))
reference = hounsfield(fbp(quiet, one_slice.angles_deg, 1.5, SIZE, PIXEL, "hann"))
error = [float(np.abs(image - reference)[heart].mean()) for image in (rings, healed)]
print(f"mean error in the heart: {error[0]:.2g} HU with rings, {error[1]:.1f} HU mended")
claim("3 % between elements, undivided, spoil the slice by tens of HU", error[0] > 20)
claim("an air scan takes all of it away", error[1] < 0.1)

# %% [markdown] tags=["instructor"]
# Ask: where would *one* dead element of a third-generation scanner show? (A ring; its radius is
# |s|.) And of a fourth-generation one? (No ring: there an element sees a fan of lines in all
# directions.) That was the fourth generation's selling point.

# %% [markdown] tags=["slide"]
# ## 5 Fan beams
#
# The tube is a point, so rays spread. β tells where the source is; γ is the angle between a ray and
# the central ray of its fan. With R the distance from the source to the isocentre (the centre of
# rotation), the ray is the line
#
# $$\theta = \beta - \gamma, \qquad s = R \sin\gamma$$
#
# **[[Rebinning]]**: sort the fan's rays by θ and s, and what you have is a parallel sinogram.

# %% tags=["slide"]
fan = FanBeam(views=480, detectors=288, spacing_mm=1.5)
few = FanBeam(views=8, detectors=7, spacing_mm=60.0)
fig, ax = plt.subplots(figsize=(4.6, 4.6))
theta, s = few.coordinates()
for view, colour in ((0, COLOURS[0]), (1, COLOURS[1])):
    start = few.sources_mm[view]
    for angle in np.radians(theta[view]):
        end = start + 950 * np.array([-np.sin(angle), np.cos(angle)])
        ax.plot(*np.transpose([start, end]), color=colour, lw=1)
    ax.plot(*start, "o", color=colour, ms=9)
    ax.annotate(f"source at β = {few.angles_deg[view]:g}°", start, (start[0] + 25, start[1] - 15))
turn = np.linspace(0, 2 * np.pi, 200)
ax.plot(570 * np.sin(turn), 570 * np.cos(turn), ":", color="#999999")
ax.plot(0, 0, "k+", ms=12)
ax.set(xlim=(-620, 860), ylim=(620, -660), aspect="equal")
ax.set_axis_off()
show(fig, alt="Two fans from sources above the chest and 45 degrees further, crossing the centre")

# %% [markdown] tags=["exercise"] exercise="fan_to_line"
# ### Exercise: which line is it?
#
# Write `line_of`: angle θ in degrees and distance s in mm of the ray with source angle `beta_deg`
# and angle `gamma_deg` within the fan; the source is `radius_mm` from the isocentre. Return both, θ first.

# %% tags=["stub"] exercise="fan_to_line"
def line_of(beta_deg, gamma_deg, radius_mm):
    """theta in degrees and s in mm of a ray of a fan."""
    return ...

# %% tags=["check"] exercise="fan_to_line"
check("fan_to_line", line_of)

# %% [markdown] tags=["hint"] exercise="fan_to_line"
# The formula stands above; return two numbers with a comma between them.

# %% [markdown] tags=["hint"] exercise="fan_to_line"
# The distance from the isocentre to the ray is one side of a right-angled triangle whose longest
# side is R. `np.sin` wants radians, but θ is asked in degrees.

# %% [markdown] tags=["hint"] exercise="fan_to_line"
# First `beta_deg - gamma_deg`, then `radius_mm * np.sin(np.radians(gamma_deg))`.

# %% tags=["solution"] exercise="fan_to_line"
def line_of(beta_deg, gamma_deg, radius_mm):
    """theta in degrees and s in mm of a ray of a fan."""
    return beta_deg - gamma_deg, radius_mm * np.sin(np.radians(gamma_deg))

# %% tags=["equivalent"] exercise="fan_to_line"
def line_of(beta_deg, gamma_deg, radius_mm):
    beta, theta = np.radians(beta_deg), np.radians(beta_deg - gamma_deg)
    x, y = radius_mm * np.sin(beta), -radius_mm * np.cos(beta)  # the source lies on the line
    return np.degrees(theta), x * np.cos(theta) + y * np.sin(theta)

# %% tags=["equivalent"] exercise="fan_to_line"
def line_of(beta_deg, gamma_deg, radius_mm):
    return np.array([beta_deg - gamma_deg, radius_mm * np.sin(gamma_deg * np.pi / 180)])

# %% tags=["wrong"] exercise="fan_to_line" says="turns the line back"
def line_of(beta_deg, gamma_deg, radius_mm):
    return beta_deg + gamma_deg, radius_mm * np.sin(np.radians(gamma_deg))

# %% tags=["wrong"] exercise="fan_to_line" says="longest side"
def line_of(beta_deg, gamma_deg, radius_mm):
    return beta_deg - gamma_deg, radius_mm * np.tan(np.radians(gamma_deg))

# %% tags=["wrong"] exercise="fan_to_line" says="along the arc"
def line_of(beta_deg, gamma_deg, radius_mm):
    return beta_deg - gamma_deg, radius_mm * np.radians(gamma_deg)

# %% tags=["wrong"] exercise="fan_to_line" says="radians"
def line_of(beta_deg, gamma_deg, radius_mm):
    return beta_deg - gamma_deg, radius_mm * np.sin(gamma_deg)

# %% tags=["wrong"] exercise="fan_to_line" says="theta first"
def line_of(beta_deg, gamma_deg, radius_mm):
    return radius_mm * np.sin(np.radians(gamma_deg)), beta_deg - gamma_deg

# %% tags=["wrong"] exercise="fan_to_line" says="central ray"
def line_of(beta_deg, gamma_deg, radius_mm):
    return beta_deg - gamma_deg, radius_mm * np.cos(np.radians(gamma_deg))

# %% tags=["checker"] exercise="fan_to_line"
def checker(line_of):
    answer = line_of(80.0, 20.0, 500.0)
    require(np.shape(answer) == (2,), "Return two numbers: theta and s.")
    theta, s = answer
    gamma = math.radians(20)
    require(theta != 100.0, "A ray to the right of the central one turns the line back, not on.")
    require(s != 60.0, "Return theta first, then s.")
    require(abs(float(theta) - math.radians(60)) > 1e-6, "theta is asked in degrees.")
    for wrong, message in (
        (500 * math.cos(gamma), "The central ray (gamma = 0) meets the isocentre: there s must be 0."),
        (500 * math.tan(gamma), "R is the longest side of the triangle, so it is not the tangent."),
        (500 * gamma, "This is the length along the arc; s is the distance to the straight ray."),
        (500 * math.sin(20), "The sine wants radians."),
    ):
        require(abs(float(s) - wrong) > 1e-6, message)
    close(theta, 60.0, "For beta = 80 and gamma = 20 degrees, theta:")
    close(s, 500 * math.sin(gamma), "For gamma = 20 degrees and R = 500 mm, s:")

# %% [markdown]
# Break it: what if one takes a fan for parallel rays? Measure it: by how much is the sinogram
# wrong? Mend it: rebin.

# %%
lengths = tissue_sinogram(lying.solids, CENTRE[2], fan)
from_fan = attenuation_sinogram(lengths, 70.0)  # (480, 288), views over 360 degrees
parallel = one_slice.beam  # 300 views over 180 degrees
rebinned = rebin(from_fan, fan, parallel)
off = {"as if parallel": from_fan[:240][np.arange(300) * 240 // 300], "rebinned": rebinned}
for name, sinogram in off.items():
    error = np.abs(sinogram - single_energy).mean()
    print(f"{name}: mean error {error:.1g}")
claim("Rebinned, the fan gives the parallel sinogram within 1 % of its mean",
      np.abs(rebinned - single_energy).mean() < 0.01 * single_energy.mean())

# %% tags=["slide"]
mistaken = fbp(from_fan, fan.angles_deg, 1.5, SIZE, PIXEL, "hann")
sorted_out = fbp(rebinned, parallel.angles_deg, 1.5, SIZE, PIXEL, "hann")
fig = films([mistaken[BODY], sorted_out[BODY]], ["a fan taken for parallel rays", "rebinned"],
            vmin=0, vmax=0.03, width=8)
show(fig, alt="Taken for parallel, the slice is smeared in arcs; rebinned, it is sharp")

# %% [markdown]
# How far must a fan turn? To see every line it needs 180 degrees **plus the fan angle** (from its
# first ray to its last); `rebin` refuses less.

# %%
fan_angle = float(np.ptp(fan.fan_deg))
print(f"fan angle {fan_angle:.1f} degrees, so at least {180 + fan_angle:.0f} degrees")
try:
    rebin(from_fan[:240], replace(fan, views=240, arc_deg=180.0), parallel)
except ValueError as error:
    print(error)

# %% [markdown]
# A full turn measures every line twice, which seems a waste. Shift the detector by a quarter of an
# element, and the rays seen from behind fall **between** those seen from the front: twice the
# sampling, for nothing. Most scanners do it.

# %%
shifted = ParallelBeam(views=72, detectors=96, spacing_mm=4.5, arc_deg=360.0, shift=0.25)
coarse = attenuation_sinogram(tissue_sinogram(lying.solids, CENTRE[2], shifted), 70.0)
dense, finer = interleave(coarse, shifted)
direct = attenuation_sinogram(tissue_sinogram(lying.solids, CENTRE[2], finer), 70.0)
print(f"from {coarse.shape} readings, {shifted.spacing_mm} mm apart, to {dense.shape}, "
      f"{finer.spacing_mm} mm apart")
claim("Shifted by a quarter, front and back views interleave exactly",
      np.abs(dense - direct).max() < 1e-5)

# %% [markdown] tags=["slide"]
# ## 6 Spiral CT
#
# Slip rings (sliding contacts instead of cables) let the tube turn without end while the table
# moves: a [[spiral scan]].
#
# $$\text{pitch} = \frac{\text{table feed per rotation}}{\text{collimation}}$$
#
# - collimation = rows × thickness of a row ([[multi-detector CT]])
# - large pitch: fast, less dose, but thicker slices
# - no slice is measured as a whole: **interpolate** along z

# %% [markdown] tags=["exercise"] exercise="spiral_time"
# ### Exercise: one breath
#
# A scanner has `rows` detector rows of `row_mm`, turns once in `rotation_s` seconds and runs at
# `pitch`. Write `seconds_for`: how long does the table take to move by `length_mm`?

# %% tags=["stub"] exercise="spiral_time"
def seconds_for(length_mm, rows, row_mm, pitch, rotation_s):
    """Seconds for the table to move by length_mm."""
    return ...

# %% tags=["check"] exercise="spiral_time"
check("spiral_time", seconds_for)

# %% [markdown] tags=["hint"] exercise="spiral_time"
# How far does the table move during one rotation? How many rotations are needed?

# %% [markdown] tags=["hint"] exercise="spiral_time"
# Feed = pitch × collimation, and collimation = rows × row_mm.

# %% [markdown] tags=["hint"] exercise="spiral_time"
# Rotations = length / feed (not rounded: the table moves evenly); each lasts `rotation_s`.

# %% tags=["solution"] exercise="spiral_time"
def seconds_for(length_mm, rows, row_mm, pitch, rotation_s):
    """Seconds for the table to move by length_mm."""
    feed_mm = pitch * rows * row_mm  # per rotation
    return length_mm / feed_mm * rotation_s

# %% tags=["equivalent"] exercise="spiral_time"
def seconds_for(length_mm, rows, row_mm, pitch, rotation_s):
    speed = pitch * rows * row_mm / rotation_s  # mm per second
    return length_mm / speed

# %% tags=["wrong"] exercise="spiral_time" says="all rows"
def seconds_for(length_mm, rows, row_mm, pitch, rotation_s):
    return length_mm / (pitch * row_mm) * rotation_s

# %% tags=["wrong"] exercise="spiral_time" says="larger pitch"
def seconds_for(length_mm, rows, row_mm, pitch, rotation_s):
    return length_mm * pitch / (rows * row_mm) * rotation_s

# %% tags=["wrong"] exercise="spiral_time" says="rotations, not seconds"
def seconds_for(length_mm, rows, row_mm, pitch, rotation_s):
    return length_mm / (pitch * rows * row_mm)

# %% tags=["wrong"] exercise="spiral_time" says="evenly"
def seconds_for(length_mm, rows, row_mm, pitch, rotation_s):
    return np.ceil(length_mm / (pitch * rows * row_mm)) * rotation_s

# %% tags=["wrong"] exercise="spiral_time" says="pitch"
def seconds_for(length_mm, rows, row_mm, pitch, rotation_s):
    return length_mm / (rows * row_mm) * rotation_s

# %% tags=["wrong"] exercise="spiral_time" says="longer rotation"
def seconds_for(length_mm, rows, row_mm, pitch, rotation_s):
    return length_mm / (pitch * rows * row_mm) / rotation_s

# %% tags=["checker"] exercise="spiral_time"
def checker(seconds_for):
    value = seconds_for(310.0, 4, 2.5, 1.5, 0.4)
    number = isinstance(value, (int, float, np.number))
    turns = 310 / 15
    for wrong, message in (
        (310 / 3.75 * 0.4, "The collimation is the width of all rows together."),
        (310 * 1.5 / 10 * 0.4, "With a larger pitch the table moves faster, not slower."),
        (turns, "These are rotations, not seconds."),
        (math.ceil(turns) * 0.4, "The table moves evenly: half a rotation is half the way."),
        (31 * 0.4, "The pitch is missing: it says how far the table moves in a rotation."),
        (turns / 0.4, "A longer rotation takes more time, not less."),
    ):
        require(not number or abs(value - wrong) > 1e-6, message)
    close(value, turns * 0.4, "For 310 mm, 4 rows of 2.5 mm, pitch 1.5 and 0.4 s:")

# %%
from course_lib.imaging.ct.helical import (
    Spiral,
    sequential_seconds,
    slice_profile,
    slice_sinogram,
    spiral_scan,
    width_at_half,
)

# %% tags=["slide"]
CHEST_MM = 300.0
scanners_of = {
    "1989: 1 row of 10 mm": Spiral(1, 10.0, pitch=1.0, rotation_s=1.0),
    "1998: 4 rows of 2.5 mm": Spiral(4, 2.5, pitch=1.5, rotation_s=0.5),
    "2002: 16 rows of 1.5 mm": Spiral(16, 1.5, pitch=1.25, rotation_s=0.5),
    "2004: 64 rows of 0.625 mm": Spiral(64, 0.625, pitch=1.375, rotation_s=0.35),
}
times = {"1985: slice after slice, 10 mm": sequential_seconds(CHEST_MM, 10.0)}
times |= {name: spiral.seconds(CHEST_MM) for name, spiral in scanners_of.items()}
fig, ax = plt.subplots(figsize=(7, 2.8))
bars = ax.barh(list(times), list(times.values()), color=COLOURS[0])
ax.bar_label(bars, [f"{seconds:.2g} s" for seconds in times.values()], padding=3)
ax.axvline(20, color=COLOURS[1], ls="--")
ax.text(20.6, 4.1, "one breath", color=COLOURS[1], va="center")
ax.set(xlabel="seconds for a chest of 300 mm", xlim=(0, 105))
ax.invert_yaxis()
show(fig, alt="Bars: 88 s slice by slice, 31 s with one row, then 10, 5.4 and 2.2 s with 64 rows")

# %%
slow, fast = times["1985: slice after slice, 10 mm"], times["2004: 64 rows of 0.625 mm"]
claim("Sixty-four rows scan a chest in a few heart beats, forty times as fast", slow > 39 * fast)
claim("At twice the pitch every part of the patient gets half the dose",
      Spiral(pitch=2.0).effective_mas(100) == 0.5 * Spiral(pitch=1.0).effective_mas(100))

# %% [markdown] tags=["slide"]
# ### z-interpolation
#
# For every angle, take the readings just **below** and just **above** the slice.
#
# - **360LI**: neighbours are one full turn apart.
# - **180LI**: the opposite ray saw the same line: neighbours are half a turn apart.
# - Without it, the table has moved on by the end of the turn: the slice is torn.

# %%
pole = (Part("pole", "bone_cortical", "air", chains([[-70, 0, -40], [70, 0, 40.0]], 9.0)),)
spiral = Spiral(row_mm=4.0, pitch=1.5, views=160, detectors=192)
turning = spiral_scan(pole, spiral, -10, 10)
straight = ParallelBeam(80, 192, 2.25)
exact = attenuation_sinogram(tissue_sinogram(pole, 0.0, straight), 70.0)
sinograms = {method: slice_sinogram(turning, 0.0, method)[0] for method in ("none", "360LI",
                                                                            "180LI")}
sinograms["a single slice at rest"] = exact

# %% tags=["slide"]
crops = [fbp(values, straight.angles_deg, 2.25, 160, 1.0, "hann")[50:110, 25:135]
         for values in sinograms.values()]
titles = ["no interpolation", *list(sinograms)[1:]]
show(films(crops, titles, vmin=-0.01, vmax=0.07, width=11),
     alt="A leaning pole: torn without interpolation, long with 360LI, shorter with 180LI")

# %%
wrong = {name: np.abs(values - exact).mean() for name, values in sinograms.items()}
claim("Half the distance between neighbours: 180LI comes closest to the slice at rest",
      wrong["180LI"] < 0.8 * min(wrong["none"], wrong["360LI"]))

# %% [markdown]
# Ribs are leaning poles too. In the patient, look where things change quickly along z: at the dome
# of the liver. (Pitch 2 with a single thick row, as in 1990.)

# %%
HEIGHT = lying.body.right_dome - 4  # a slice just below the top of the liver
old = Spiral(row_mm=8.0, pitch=2.0, views=120, detectors=168, spacing_mm=2.6)
around = 1.05 * old.feed_mm
turning = spiral_scan(lying.solids, old, HEIGHT - around, HEIGHT + around)
slices = {method: slice_sinogram(turning, HEIGHT, method) for method in ("none", "360LI", "180LI")}
at_rest = ParallelBeam(60, 168, 2.6)
thin_slice = attenuation_sinogram(tissue_sinogram(lying.solids, HEIGHT, at_rest), 70.0)

# %% tags=["slide"]
stack = [values for values, _ in slices.values()] + [thin_slice]
sheets = [fbp(v, at_rest.angles_deg, 2.6, 168, 2.4, "hann")[28:148, 5:163] for v in stack]
titles = ["no interpolation", "360LI", "180LI", "thin slice at rest"]
show(films(sheets, titles, vmin=0, vmax=0.03, width=11),
     alt="The dome of the liver: torn, smeared, less smeared, and as it is in a thin slice")

# %% [markdown]
# What pitch costs is thickness. The [[slice sensitivity profile]] tells how much matter at each
# height counts in the slice.

# %%
z = np.linspace(-20, 20, 2001)


def draw_profile(pitch, row_mm):
    fig, ax = plt.subplots(figsize=(6.5, 3.2))
    for method, colour in (("360LI", COLOURS[1]), ("180LI", COLOURS[0])):
        profile = slice_profile(Spiral(row_mm=row_mm, pitch=pitch), z, method)
        width = width_at_half(z, profile)
        ax.plot(z, profile, color=colour, label=f"{method}: {width:.1f} mm wide")
    ax.axvspan(-row_mm / 2, row_mm / 2, color="#dddddd", label="the row")
    ax.set(xlabel="height above the slice (mm)", ylabel="weight (1/mm)", xlim=(-20, 20))
    ax.set(title=f"pitch {pitch:g}, relative dose {1 / pitch:.2f}", ylim=(0, 0.4))
    ax.legend(loc="upper right")
    return fig


explore(
    draw_profile,
    alt="slice sensitivity profiles of 360LI and 180LI at the chosen pitch and row thickness",
    pitch=(0.5, 2.5, 0.25, 1.5),
    row_mm=(3.0, 8.0, 1.0, 5.0),
)

# %%
def relative_width(pitch, method):
    """Full width at half maximum of the profile, in rows."""
    return width_at_half(z, slice_profile(Spiral(pitch=pitch), z, method)) / 5.0


for pitch in (1.0, 1.5, 2.0):
    both = [relative_width(pitch, method) for method in ("360LI", "180LI")]
    print(f"pitch {pitch}: 360LI {both[0]:.2f} rows, 180LI {both[1]:.2f} rows")
claim("At pitch 1, 180LI keeps the row's thickness; 360LI makes it 27 % thicker",
      abs(relative_width(1.0, "180LI") - 1) < 0.03 and abs(relative_width(1.0, "360LI") - 1.27) < 0.03)
claim("180LI at pitch 2 is as thin as 360LI at pitch 1, at half the dose",
      abs(relative_width(2.0, "180LI") - relative_width(1.0, "360LI")) < 0.03)

# %% [markdown] tags=["instructor"]
# Question for the group: why does a smaller pitch than 1 exist at all? (Overlap: more dose, less
# artefact; and in the heart, data from several beats.) Our model leaves the cone angle out; with 64
# rows one may not, and the fan's own rebinning gives every ray its own height. Mention it.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A film adds up along the ray; a slice shows each place by itself.
# - All generations measure the same lines. From minutes to 0.3 s by turning instead of sliding.
# - A point draws a sine wave: s = x cos θ + y sin θ. Half a turn sees every parallel line once.
# - p = -ln(reading / air), element by element; otherwise rings. Noise goes with 1/√dose.
# - Fan: θ = β - γ, s = R sin γ. Needs 180° plus the fan angle.
# - Pitch = feed / collimation. Larger: faster, less dose, thicker slices; 180LI halves the harm.

# %% [markdown]
# ## References
#
# - G. N. Hounsfield, British Journal of Radiology 46 (1973) 1016: the first scanner.
# - J. Radon, Berichte der Sächsischen Akademie der Wissenschaften 69 (1917) 262: the transform.
# - A. C. Kak, M. Slaney, *Principles of Computerized Tomographic Imaging*, 1988: chapter 3.
# - W. A. Kalender, *Computed Tomography*, 3rd ed., 2011: generations, spiral CT.
# - A. Polacin, W. A. Kalender, G. Marchal, Radiology 185 (1992) 29: slice sensitivity profiles.
# - C. R. Crawford, K. F. King, Medical Physics 17 (1990) 967: 180LI.

# %% [markdown] tags=["slide"]
# ## What the numbers mean, and when they lie
#
# A CT picture is a table of numbers with a unit. You may measure in it: is this nodule calcified, is
# this fluid blood? This lesson asks how far you may trust a number.
#
# 1. The [[Hounsfield unit]], from first principles.
# 2. [[Windows|window]]: thousands of values, 256 greys.
# 3. [[Beam hardening]]: the beam changes on its way.
# 4. An atlas of artefacts, each **made, measured and mended**: motion, metal, rings, few views,
#    wrong axis.
#
# Our patient is exact, so for every picture we know the truth.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import CHEST_CT, expose, scan, slice_rays
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.hounsfield import (
    WINDOWS,
    Window,
    faultless,
    hounsfield,
    tissue_hounsfield,
    true_hounsfield,
    water_value,
)
from course_lib.imaging.ct.rows import centred
from course_lib.imaging.ct.table import on_the_table
from course_lib.patient.cohort import sample_patient
from course_lib.patient.solids import Part, ellipsoids
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 The Hounsfield unit
#
# Attenuation μ in 1/mm is a clumsy number: 0.0193 is water, 0.0201 muscle. Hounsfield asked instead:
# **how much more than water, in thousandths?**
#
# $$\mathrm{HU} = 1000\cdot\frac{\mu-\mu_\text{water}}{\mu_\text{water}-\mu_\text{air}}$$
#
# - Water is 0 and air is −1000, **by definition**, in every scanner.
# - The attenuation of air is so small that it is often left out.

# %% [markdown] tags=["exercise"] exercise="hu_from_mu"
# ### Exercise: write the scale
#
# Write `hounsfield_units(mu, mu_water)`, with air counted as 0 attenuation. It must work for a
# whole picture at once.

# %% tags=["stub"] exercise="hu_from_mu"
def hounsfield_units(mu, mu_water):
    """Hounsfield units of attenuations mu (array, 1/mm)."""
    return ...

# %% tags=["check"] exercise="hu_from_mu"
check("hu_from_mu", hounsfield_units)

# %% [markdown] tags=["hint"] exercise="hu_from_mu"
# Which number must come out for water? And which for a vacuum, where mu is 0?

# %% [markdown] tags=["hint"] exercise="hu_from_mu"
# First the difference from water, then divide it by water.

# %% [markdown] tags=["hint"] exercise="hu_from_mu"
# `1000 * (mu - mu_water) / mu_water`

# %% tags=["solution"] exercise="hu_from_mu"
def hounsfield_units(mu, mu_water):
    """Hounsfield units of attenuations mu (array, 1/mm)."""
    return 1000 * (mu - mu_water) / mu_water  # vacuum gives -1000

# %% tags=["equivalent"] exercise="hu_from_mu"
def hounsfield_units(mu, mu_water):
    return 1000 * np.asarray(mu) / mu_water - 1000

# %% tags=["wrong"] exercise="hu_from_mu" says="water"
def hounsfield_units(mu, mu_water):
    return 1000 * mu / mu_water

# %% tags=["wrong"] exercise="hu_from_mu" says="thousandths"
def hounsfield_units(mu, mu_water):
    return (mu - mu_water) / mu_water

# %% tags=["wrong"] exercise="hu_from_mu" says="divide by"
def hounsfield_units(mu, mu_water):
    return 1000 * (mu - mu_water) / mu

# %% tags=["wrong"] exercise="hu_from_mu" says="sign"
def hounsfield_units(mu, mu_water):
    return 1000 * (mu_water - mu) / mu_water

# %% tags=["checker"] exercise="hu_from_mu"
def checker(hounsfield_units):
    mu = np.array([0.02, 0.001, 0.03, 0.05])
    got = np.asarray(hounsfield_units(mu, 0.02), dtype=float)
    require(got.shape == (4,), "Four attenuations must give four numbers.")
    close(got[0], 0, "Attenuation as of water must give 0.")
    require(abs(got[1] + 0.95) > 0.01, "The scale counts thousandths.")
    require(got[1] < 0, "Less than water must be below 0: look at the sign.")
    require(abs(got[3] - 600) > 1, "What do you divide by? It is the same for all tissues.")
    close(got, [0, -950, 500, 1500], "Compare with the formula.")

# %% [markdown] tags=["slide"]
# ### The true number of every tissue
#
# Chemistry and density are all it takes: the elements' tables give μ at every photon energy
# (ICRU Report 44 gives what tissues are made of).

# %% tags=["slide"]
energies = np.linspace(40, 140, 101)
shown = ("bone_cortical", "bone_spongy", "blood", "muscle", "grey_matter", "fat", "lung")
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
for name, colour in zip(shown, COLOURS, strict=False):
    for ax in (left, right):
        ax.plot(energies, tissue_hounsfield(name, energies), color=colour, label=name)
left.set(xlabel="photon energy (keV)", ylabel="true HU", title="all", ylim=(-1000, 3500))
right.set(xlabel="photon energy (keV)", title="soft tissue only", ylim=(-130, 80))
left.legend(fontsize=8)
show(fig, alt="HU against energy: bone falls steeply from 3,500 to 900, soft tissues stay nearly flat")

# %%
for name in shown:
    print(f"{name:14s} {tissue_hounsfield(name, 70.0):6.0f} HU at 70 keV")
bone = tissue_hounsfield("bone_cortical", np.array([50.0, 100.0]))
muscle = tissue_hounsfield("muscle", np.array([50.0, 100.0]))
claim("Bone loses more than half of its HU from 50 to 100 keV", bone[1] < 0.5 * bone[0])
claim("muscle changes by less than 10 HU", abs(muscle[1] - muscle[0]) < 10)

# %% [markdown]
# Soft tissue is water with a little salt: at all energies it behaves like water. Bone holds calcium,
# whose [[photoelectric effect]] fades with energy. **A number of bone means nothing without the kVp.**

# %% [markdown] tags=["exercise"] exercise="muscle_audit"
# ### Exercise: audit a lecture slide
#
# A table in a lecture gives muscle as 100 HU. Compute it. At 70 keV the *mass* attenuation of muscle
# is 0.1916 cm²/g and that of water 0.1929 cm²/g; muscle has a density of 1.05 g/cm³.

# %% tags=["stub"] exercise="muscle_audit"
muscle_hu = ...

# %% tags=["check"] exercise="muscle_audit"
check("muscle_audit", muscle_hu)

# %% [markdown] tags=["hint"] exercise="muscle_audit"
# The scale wants linear attenuation, per millimetre or centimetre of tissue, not per gram.

# %% [markdown] tags=["hint"] exercise="muscle_audit"
# Linear attenuation = density × mass attenuation. Water has a density of 1.00 g/cm³.

# %% [markdown] tags=["hint"] exercise="muscle_audit"
# `1000 * (1.05 * 0.1916 - 0.1929) / 0.1929`

# %% tags=["solution"] exercise="muscle_audit"
muscle_hu = 1000 * (1.05 * 0.1916 - 0.1929) / 0.1929  # about 43: not 100

# %% tags=["equivalent"] exercise="muscle_audit"
muscle_hu = float(tissue_hounsfield("muscle", 70.0))

# %% tags=["equivalent"] exercise="muscle_audit"
muscle_hu = 1000 * (float(linear_attenuation("muscle", 70.0) / linear_attenuation("water", 70.0)) - 1)

# %% tags=["wrong"] exercise="muscle_audit" says="the slide"
muscle_hu = 100

# %% tags=["wrong"] exercise="muscle_audit" says="density"
muscle_hu = 1000 * (0.1916 - 0.1929) / 0.1929

# %% tags=["wrong"] exercise="muscle_audit" says="thousandths"
muscle_hu = (1.05 * 0.1916 - 0.1929) / 0.1929

# %% tags=["wrong"] exercise="muscle_audit" says="0 for water"
muscle_hu = 1000 * 1.05 * 0.1916 / 0.1929

# %% tags=["checker"] exercise="muscle_audit"
def checker(muscle_hu):
    require(muscle_hu != 100, "That is the number on the slide. Compute it.")
    require(not -8 < muscle_hu < -5, "A gram is not a cubic centimetre: use the density.")
    require(not 0 < muscle_hu < 1, "The scale counts thousandths.")
    require(not 1000 < muscle_hu < 1100, "The scale must give 0 for water.")
    close(muscle_hu, 43.0, "Density times mass attenuation, compared with water.", rtol=0.03)

# %% [markdown] tags=["slide"]
# ### Muscle is 43, not 100
#
# - Soft tissue lies between 35 and 60 HU: muscle, liver, blood, brain. All within 25 HU!
# - Whoever teaches 100 HU to a computer, or to a student, will call every muscle abnormal.
# - Above 100 HU without contrast agent there is calcium, metal or an artefact.

# %% [markdown]
# ### A real scanner knows no keV
#
# Its tube sends a whole spectrum. So it is **calibrated**: scan water, call its value 0. We scan a
# water [[phantom]] with eight inserts of known tissues at 120 kVp.

# %%
BEAM = ParallelBeam(views=360, detectors=288, spacing_mm=1.5)
SIZE, PIXEL, Z = 256, 1.6, -40.0  # pixels, mm, mm
protocol = replace(CHEST_CT, mas=300, beam=BEAM)
inserts = ("lung", "fat", "csf", "muscle", "blood", "cartilage", "pmma", "bone_spongy")
turn = 2 * np.pi * np.arange(8) / 8
places = np.stack([60 * np.cos(turn), 60 * np.sin(turn), np.zeros(8)], -1)
phantom = (
    Part("water", "water", "air", ellipsoids([0, 0, 0], [100, 100, 1e4])),
    *(Part(name, name, "water", ellipsoids(place, [12, 12, 1e4]))
      for name, place in zip(inserts, places, strict=True)),
)  # fmt: skip


def picture(sinogram, mu_water):
    """FBP in HU, (SIZE, SIZE), of a parallel sinogram."""
    made = fbp(sinogram.values, sinogram.angles_deg, sinogram.spacing_mm, SIZE, PIXEL, "hann")
    return hounsfield(made, mu_water)


def mean_in_disc(image, x_mm, y_mm, radius_mm=7.0):
    """Mean HU in a disc: a region of interest."""
    x = centred(SIZE, PIXEL)
    return image[np.hypot(x - x_mm, x[:, None] - y_mm) < radius_mm].mean()


bottle_rays = slice_rays(phantom, 0.0, protocol)  # traced once, exposed often
bottle = picture(expose(bottle_rays, protocol, seed=3), water_value(protocol))

# %% tags=["slide"]
measured = np.array([mean_in_disc(bottle, x, y) for x, y, _ in places])
true = np.array([float(tissue_hounsfield(name, 65.0)) for name in inserts])
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
film(left, WINDOWS["mediastinum"].shown(bottle), "water with eight inserts", vmin=0, vmax=1)
right.plot([-800, 400], [-800, 400], "k--", lw=1)
right.plot(true, measured, "o", color=COLOURS[1])
for name, x, y in zip(inserts, true, measured, strict=True):
    if name in ("lung", "fat", "muscle", "pmma", "bone_spongy"):
        right.annotate(name, (x, y), (7, -10), textcoords="offset points", size=8)
right.set(xlabel="true HU for 65 keV", ylabel="measured HU, 120 kVp", title="calibration")
show(fig, alt="Phantom slice with eight discs; measured against true HU lie on the diagonal")

# %%
gap = np.abs(measured - true)
for name, a, b in zip(inserts, measured, true, strict=True):
    print(f"{name:12s} measured {a:5.0f}, true for 65 keV {b:5.0f} HU")
claim("Soft-tissue inserts are right within 10 HU", np.all(gap[1:7] < 10))
claim("bone is right within 8 % if we take 65 keV as the energy", gap[7] < 0.08 * true[7])

# %% [markdown]
# So 120 kVp behind 20 cm of water behaves like photons of about 65 keV: the [[effective energy]].
# Other voltages have others. Predict: will the spongy bone's number rise or fall at 80 kVp?

# %%
for kvp in (80, 100, 120, 140):
    one = replace(protocol, kvp=kvp, mas=600)
    image = picture(expose(bottle_rays, one, seed=3), water_value(one))
    found = [mean_in_disc(image, *places[inserts.index(name)][:2]) for name in ("muscle", "bone_spongy")]
    print(f"{kvp:3d} kVp: muscle {found[0]:3.0f}, spongy bone {found[1]:3.0f} HU")
    if kvp == 80:
        at_80 = found
claim("Muscle hardly notices the voltage", abs(at_80[0] - found[0]) < 12)
claim("spongy bone has a third more HU at 80 than at 140 kVp", at_80[1] > 1.33 * found[1])

# %% [markdown] tags=["slide"]
# ## 2 Windows
#
# 4,000 values, 256 greys, and an eye that tells fewer. A **window** picks what is shown:
#
# | window | centre | width | black below | white above |
# |---|---|---|---|---|
# | lung | −600 | 1,500 | −1,350 | 150 |
# | mediastinum | 40 | 400 | −160 | 240 |
# | bone | 500 | 2,000 | −500 | 1,500 |

# %%
from course_lib.imaging.ct.artefacts import (
    air_scan,
    axis_offset,
    every_nth,
    moving_rays,
    recalibrated,
    recentred,
    remove_rings,
    shifted,
)
from course_lib.imaging.ct.beam_hardening import bone_in, correct_bone, correct_water, hardened
from course_lib.imaging.ct.metal import reduce_metal
from course_lib.patient.implants import implanted, pedicle_screws
from course_lib.patient.motion import breathed, contracted

# %%
patient = sample_patient(1, age=55)
parts = on_the_table(patient).solids
truth = true_hounsfield(parts, Z, SIZE, PIXEL, 70.0)
MU_70 = float(linear_attenuation("water", 70.0))
rays = slice_rays(parts, Z, protocol)
good = picture(correct_water(expose(rays, protocol, seed=1)), MU_70)
SEEN = slice(40, 212)

# %% tags=["slide"]
three = ("lung", "mediastinum", "bone")
fig = films([WINDOWS[name].shown(good)[SEEN] for name in three], three, columns=3, width=11, vmin=0, vmax=1)
fig.set_figheight(2.8)
show(fig, alt="One chest slice in three windows: lung vessels, then heart and muscles, then bone")

# %%
def slice_in_window(centre, width):
    """The chest slice in a window of your choice."""
    return Window(centre, width).shown(good)[SEEN]


explore(
    slice_in_window,
    alt="chest slice of the virtual patient in the chosen window",
    centre=(-800, 800, 20, 40),
    width=(20, 2400, 20, 400),
)

# %% [markdown]
# Try to see the [[noise]] (a width of 60), and the marrow inside the vertebra (centre 500). No window
# shows lung and mediastinum well at once: that is why you look at each slice at least twice.

# %% [markdown] tags=["exercise"] exercise="grey_steps"
# ### Exercise: how many greys is a metastasis?
#
# A liver metastasis is 15 HU darker than the liver. The screen shows 256 greys. How many grey steps
# lie between the two in the bone window (width 2,000), and in a liver window (width 160)?

# %% tags=["stub"] exercise="grey_steps"
in_bone_window = ...
in_liver_window = ...

# %% tags=["check"] exercise="grey_steps"
check("grey_steps", in_bone_window, in_liver_window)

# %% [markdown] tags=["hint"] exercise="grey_steps"
# The whole width of the window is spread over all the greys.

# %% [markdown] tags=["hint"] exercise="grey_steps"
# One HU is 256 / width greys.

# %% [markdown] tags=["hint"] exercise="grey_steps"
# `15 * 256 / 2000`, and the same with the other width.

# %% tags=["solution"] exercise="grey_steps"
in_bone_window = 15 * 256 / 2000  # about 2: invisible
in_liver_window = 15 * 256 / 160  # 24: plain to see

# %% tags=["equivalent"] exercise="grey_steps"
in_bone_window, in_liver_window = (15 / width * 255 for width in (2000, 160))

# %% tags=["wrong"] exercise="grey_steps" says="The other way round"
in_bone_window, in_liver_window = 24, 1.92

# %% tags=["wrong"] exercise="grey_steps" says="not half"
in_bone_window, in_liver_window = 15 * 256 / 1000, 15 * 256 / 80

# %% tags=["wrong"] exercise="grey_steps" says="share of the window"
in_bone_window, in_liver_window = 15 / 2000, 15 / 160

# %% tags=["wrong"] exercise="grey_steps" says="HU per grey"
in_bone_window, in_liver_window = 2000 / 256, 160 / 256

# %% tags=["checker"] exercise="grey_steps"
def checker(in_bone_window, in_liver_window):
    require(abs(in_bone_window - 7.81) > 0.1, "That is how many HU per grey; you want greys for 15 HU.")
    require(in_bone_window != in_liver_window, "Two windows, two answers.")
    require(in_bone_window < 20, "The other way round: a narrow window spreads a small difference.")
    require(abs(in_liver_window - 48) > 1, "The width is the whole window, not half of it.")
    require(in_liver_window > 1, "That is the share of the window; how many greys is it?")
    close([in_bone_window, in_liver_window], [1.92, 24], "15 HU of the width, times 256.", rtol=0.01)

# %% [markdown] tags=["slide"]
# ## 3 Beam hardening
#
# Soft photons die first. So the deeper a beam gets, the **harder** it is, and the less each further
# millimetre of water takes from it. The line integral is no longer a straight line.

# %%
bare = faultless(replace(protocol, bowtie_mm=0))  # no noise, no bow-tie filter: the pure effect
water_mm = np.linspace(0, 400, 81)
curve = hardened(bare, {"water": water_mm})[:, BEAM.detectors // 2]

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(6, 3.4))
start = curve[1] / water_mm[1]
ax.plot(water_mm, start * water_mm, "--", color=COLOURS[1], label="if all photons were as at the start")
ax.plot(water_mm, curve, color=COLOURS[0], label="measured at 120 kVp")
ax.set(xlabel="water (mm)", ylabel="line integral p (no unit)", title="40 cm of water look thinner")
ax.legend()
show(fig, alt="Measured line integral of water bends below the straight line, by a tenth at 400 mm")

# %%
print(f"per mm: {1000 * start:.3g} at the start, {1000 * curve[-1] / 400:.3g} over 400 mm (in 1/1000)")
claim("400 mm of water look at least 7 % thinner", curve[-1] < 0.93 * start * 400)

# %% [markdown]
# What does the slice look like? The middle of a thick body gets only long rays; its numbers sink.
# That is [[cupping]]. The cure is your next exercise.

# %% [markdown] tags=["exercise"] exercise="straighten_water"
# ### Exercise: straighten the curve
#
# You know the curve: `curve[i]` is what the scanner measures behind `water_mm[i]` millimetres of
# water. A ray measured `p`. Write `straightened(p, water_mm, curve, mu)`: the value that photons of
# **one** energy, with attenuation `mu` (1/mm), would have given. `p` may be a whole sinogram.

# %% tags=["stub"] exercise="straighten_water"
def straightened(p, water_mm, curve, mu):
    """Line integrals at one energy, from measured ones."""
    return ...

# %% tags=["check"] exercise="straighten_water"
check("straighten_water", straightened)

# %% [markdown] tags=["hint"] exercise="straighten_water"
# Two steps. First: how many millimetres of water would give this reading?

# %% [markdown] tags=["hint"] exercise="straighten_water"
# `np.interp(where, known_places, known_values)` reads a table. Here you look up by the reading.

# %% [markdown] tags=["hint"] exercise="straighten_water"
# `np.interp(p, curve, water_mm)` gives millimetres. Multiply by mu.

# %% tags=["solution"] exercise="straighten_water"
def straightened(p, water_mm, curve, mu):
    """Line integrals at one energy, from measured ones."""
    return mu * np.interp(p, curve, water_mm)  # millimetres first, then one energy

# %% tags=["equivalent"] exercise="straighten_water"
def straightened(p, water_mm, curve, mu):
    return np.interp(p, curve, mu * np.asarray(water_mm))

# %% tags=["wrong"] exercise="straighten_water" says="other way"
def straightened(p, water_mm, curve, mu):
    return mu * np.interp(p, water_mm, curve)

# %% tags=["wrong"] exercise="straighten_water" says="millimetres"
def straightened(p, water_mm, curve, mu):
    return np.interp(p, curve, water_mm)

# %% tags=["wrong"] exercise="straighten_water" says="One factor"
def straightened(p, water_mm, curve, mu):
    return p * mu * water_mm[-1] / curve[-1]

# %% tags=["wrong"] exercise="straighten_water" says="unchanged"
def straightened(p, water_mm, curve, mu):
    return p

# %% tags=["checker"] exercise="straighten_water"
def checker(straightened):
    mm = np.linspace(0, 400, 401)
    bent = 0.025 * mm - 1e-5 * mm**2
    want = np.array([[10.0, 100.0], [250.0, 399.0]])
    p = 0.025 * want - 1e-5 * want**2
    got = np.asarray(straightened(p, mm, bent, 0.02), dtype=float)
    require(got.shape == (2, 2), "It must return an array as large as p.")
    require(not np.allclose(got, p), "The readings are unchanged.")
    require(not np.allclose(got, want, rtol=0.01), "These are millimetres of water; what would one energy measure behind them?")
    require(not np.allclose(got, 0.02 * np.interp(p, mm, bent)), "You look up the other way round: you know the reading, not the millimetres.")
    require(not np.allclose(got, p * 0.02 * 400 / bent[-1]), "One factor for all cannot straighten a curve.")
    close(got, 0.02 * want, "First find the millimetres, then multiply with mu.", rtol=0.002)

# %% [markdown]
# The library does the same for every element of the detector (`correct_water`). But bone hardens
# more than water. A second round therefore looks for bone in the first picture, computes how much of
# it each ray met, and straightens again (`correct_bone`).

# %%
body = Part("body", "water", "air", ellipsoids([0, 0, 0], [160, 120, 1e4]))
hips = [Part("bone", "bone_cortical", "water", ellipsoids([x, 0, 0], [22, 22, 1e4])) for x in (-85, 85)]
pelvis = (body, *hips)
seen = scan(pelvis, 0.0, bare)
stages = [picture(seen, water_value(bare)), picture(correct_water(seen), MU_70)]
stages.append(picture(correct_bone(seen, bone_in(stages[1]), PIXEL), MU_70))

# %% tags=["slide"]
names = ["uncorrected", "water corrected", "bone corrected"]
fig, axes = plt.subplots(1, 4, figsize=(11, 2.9), gridspec_kw={"width_ratios": [1, 1, 1, 1.3]})
for ax, image, name, colour in zip(axes, stages, names, COLOURS, strict=False):
    film(ax, image[45:211, 25:231], name, vmin=-100, vmax=100)
    axes[3].plot(centred(SIZE, PIXEL), image[88:93].mean(0), color=colour, label=name)
axes[3].set(ylim=(-70, 70), xlim=(-140, 140), xlabel="x (mm), above the bones", ylabel="HU")
axes[3].axhline(0, color="k", lw=0.8)
axes[3].legend(fontsize=8)
show(fig, alt="A dark band joins two bones; water correction flattens the cup, bone correction the band")

# %%
band = [mean_in_disc(image, 0, 0, 20) for image in stages]
edge = [mean_in_disc(image, 0, -105, 6) for image in stages]
for name, a, b in zip(names, band, edge, strict=True):
    print(f"{name:16s} between the bones {a:4.0f} HU, at the edge {b:4.0f} HU (both are water)")
claim("Uncorrected, the edge is more than 25 HU above the middle", edge[0] - band[0] > 25)
claim("Bone correction takes away two thirds of what water correction leaves", abs(band[2]) < abs(band[1]) / 3)

# %% [markdown] tags=["instructor"]
# Ask: where do you meet this in the clinic? (Dark band between the petrous bones, right where the
# brain stem is; next to dense contrast agent in the vena cava.) Typical mistake: people think that a
# calibration with water settles it; it settles one thickness of water. Short of time: show the three
# pictures and go on to the atlas.

# %% [markdown] tags=["slide"]
# ## 4 The atlas
#
# Six slices of the **same** patient at the same height. Each has another fault. You make all of them
# below, and mend them. First: do you recognise them?

# %%
def breath(t):
    """The patient breathes out a little while the tube makes its half turn."""
    return on_the_table(breathed(patient, patient.body.inspiration - 0.12 * t)).solids


turn_protocol = replace(protocol, beam=replace(BEAM, arc_deg=360, shift=1.7))
off_axis = scan(parts, Z, turn_protocol, seed=1)
moved = expose(moving_rays(breath, Z, protocol), protocol, seed=1)
screwed = implanted(parts, "titanium", pedicle_screws(patient.body, Z))
metal = correct_water(scan(screwed, Z, protocol, seed=1))
intact = expose(rays, protocol, seed=1)
ringed = replace(intact, values=intact.values.copy())
ringed.values[:, [128, 150, 161, 190]] += 0.08  # four elements read 8 % too little
few = every_nth(intact, 6)
weak = expose(rays, replace(protocol, mas=0.5), seed=1)

# %%
faulty = {
    "A": picture(correct_water(moved), MU_70),
    "B": picture(correct_water(few), MU_70),
    "C": picture(metal, MU_70),
    "D": picture(correct_water(weak), MU_70),
    "E": picture(correct_water(ringed), MU_70),
    "F": picture(correct_water(off_axis), MU_70),
}

# %% tags=["slide"]
sheet = {"truth, 70 keV": truth, "as it should be": good} | faulty
fig = films([image[SEEN] for image in sheet.values()], list(sheet), columns=4, width=12, vmin=-160, vmax=240)
fig.set_figheight(4.6)
show(fig, alt="Truth, a good slice, and six faulty ones, A to F: doubled edges, fine streaks all over, bands "
              "from the spine, noise and long streaks, rings, shadowed bone edges")  # fmt: skip

# %% [markdown] tags=["exercise"] exercise="name_the_artefact"
# ### Exercise: name the artefact
#
# Fill in for A to F one of: `"metal"`, `"motion"`, `"ring"`, `"few views"`, `"wrong axis"`,
# `"too few photons"`.

# %% tags=["stub"] exercise="name_the_artefact"
answers = {"A": ..., "B": ..., "C": ..., "D": ..., "E": ..., "F": ...}

# %% tags=["check"] exercise="name_the_artefact"
check("name_the_artefact", answers)

# %% [markdown] tags=["hint"] exercise="name_the_artefact"
# Begin with the two that you know from your daily work, C and E.

# %% [markdown] tags=["hint"] exercise="name_the_artefact"
# Few views: thin straight streaks everywhere, of equal strength. Too few photons: noise that is worst
# along the longest way, from side to side.

# %% [markdown] tags=["hint"] exercise="name_the_artefact"
# In A only the edges of what moved are doubled, in F those of every bone, even of the ribs' inside.

# %% tags=["solution"] exercise="name_the_artefact"
answers = {
    "A": "motion", "B": "few views", "C": "metal",
    "D": "too few photons", "E": "ring", "F": "wrong axis",
}  # fmt: skip

# %% tags=["equivalent"] exercise="name_the_artefact"
answers = dict(
    zip("ABCDEF", ["motion", "few views", "metal", "too few photons", "ring", "wrong axis"], strict=True)
)

# %% tags=["wrong"] exercise="name_the_artefact" says="moved"
answers = {
    "A": "wrong axis", "B": "few views", "C": "metal",
    "D": "too few photons", "E": "ring", "F": "motion",
}  # fmt: skip

# %% tags=["wrong"] exercise="name_the_artefact" says="streaks"
answers = {
    "A": "motion", "B": "too few photons", "C": "metal",
    "D": "few views", "E": "ring", "F": "wrong axis",
}  # fmt: skip

# %% tags=["wrong"] exercise="name_the_artefact" says="Not all of them"
answers = {"A": "motion", "B": "few views"}

# %% tags=["wrong"] exercise="name_the_artefact" says="not on the list"
answers = dict.fromkeys("ABCDEF", "noise")

# %% tags=["checker"] exercise="name_the_artefact"
def checker(answers):
    known = ("metal", "motion", "ring", "few views", "wrong axis", "too few photons")
    require(isinstance(answers, dict) and all(letter in answers for letter in "ABCDEF"), "Not all of them are named.")
    require(... not in answers.values(), "Not all of them are named.")
    for letter in "ABCDEF":
        require(answers[letter] in known, f"{letter}: this is not on the list.")
    require(answers["C"] == "metal", "C: the bands start at the spine. What is in it?")
    require(answers["E"] == "ring", "E: look at the heart; what shape is it?")
    require({answers["B"], answers["D"]} == {"few views", "too few photons"}, "B and D: a lack of something.")
    require(answers["B"] == "few views", "B and D: regular streaks outside and inside come from the angles, not from chance.")
    require(answers["A"] == "motion", "A and F: in which one has only a part of the patient moved?")
    require(answers["F"] == "wrong axis", "F: one is left.")

# %%
def error_hu(image, reference=good):
    """Root mean square difference in the body, HU."""
    return float(np.sqrt(np.mean((image - reference)[truth > -900] ** 2)))


kinds = ("motion", "few views", "metal", "too few photons", "ring", "wrong axis")
errors = {kind: error_hu(image) for kind, image in zip(kinds, faulty.values(), strict=True)}
for kind, error in errors.items():
    print(f"{kind:16s} differs from the good slice by {error:3.0f} HU")
claim("Each fault spoils the slice by more than 5 HU", min(errors.values()) > 5)

# %% [markdown] tags=["slide"]
# ### Motion: be faster
#
# The heart beats once a second; a tube that needs two seconds mixes a whole beat into one slice. No
# arithmetic brings back what was never held still: the cure is a fast tube (today 0.25 s a turn, and
# half a turn suffices), or an ECG that tells when the heart rests.

# %%
def beating(seconds, phase):
    """Slice of a beating heart (60 a minute). The half turn lasts so many seconds; its middle is at
    this phase of the beat, from 0 (filled) to 1."""
    def heart(t):
        squeeze = 0.12 * (1 - np.cos(2 * np.pi * (phase + (t - 0.5) * seconds)))
        return on_the_table(contracted(patient, squeeze)).solids

    phases = moving_rays(heart, Z, protocol, steps=12 if seconds else 1)
    return picture(correct_water(expose(phases, protocol, 1)), MU_70)


FILLED, MIDDLE = 0.0, 0.25  # phases: at rest, and in full motion
still = {phase: beating(0.0, phase) for phase in (FILLED, MIDDLE)}
tries = ((1.0, MIDDLE), (0.125, MIDDLE), (0.125, FILLED))
beats = [beating(*one) for one in tries]

# %% tags=["slide"]
titles = ["at rest", "half a turn in 1 s", "half a turn in 0.125 s", "0.125 s, ECG says when"]
window = (slice(70, 190), slice(60, 200))
fig = films([image[window] for image in (still[FILLED], *beats)], titles, columns=4, width=11,
            vmin=-160, vmax=240)  # fmt: skip
show(fig, alt="The heart at rest; with doubled edges; less so with a fast tube; sharp with ECG")

# %%
blur = [error_hu(image, still[phase]) for image, (_, phase) in zip(beats, tries, strict=True)]
print("error by the beating heart:", [f"{b:.0f} HU" for b in blur])
claim("A tube eight times faster has less error", blur[1] < 0.8 * blur[0])
claim("with the ECG hardly any is left", blur[2] < 0.3 * blur[0])

# %% [markdown] tags=["slide"]
# ### Rings: one element, one circle
#
# An element at distance s from the axis sees, in all views, only lines that touch the circle of
# radius |s|. If its gain is wrong, that circle lights up (half of it after half a turn, as in E).

# %% [markdown] tags=["exercise"] exercise="ring_element"
# ### Exercise: which element is broken?
#
# Element j sits at `s = (j - (n - 1) / 2) * spacing` mm from the axis, for j from 0 to n − 1. You
# measured a ring's radius on the slice. Write `suspects(radius_mm, n, spacing_mm)`: the numbers of
# the **two** elements that can have drawn it, the smaller first.

# %% tags=["stub"] exercise="ring_element"
def suspects(radius_mm, n, spacing_mm):
    """(low, high): the elements that can draw a ring of this radius."""
    return ..., ...

# %% tags=["check"] exercise="ring_element"
check("ring_element", suspects)

# %% [markdown] tags=["hint"] exercise="ring_element"
# A ring of radius r touches lines at distance r on both sides of the axis: s = −r and s = +r.

# %% [markdown] tags=["hint"] exercise="ring_element"
# Solve the formula for j, and round to a whole number.

# %% [markdown] tags=["hint"] exercise="ring_element"
# `middle = (n - 1) / 2`, then `round(middle - radius_mm / spacing_mm)`, and the same with plus.

# %% tags=["solution"] exercise="ring_element"
def suspects(radius_mm, n, spacing_mm):
    """(low, high): the elements that can draw a ring of this radius."""
    middle, away = (n - 1) / 2, radius_mm / spacing_mm
    return round(middle - away), round(middle + away)  # one on each side of the axis

# %% tags=["equivalent"] exercise="ring_element"
def suspects(radius_mm, n, spacing_mm):
    s = (np.arange(n) - (n - 1) / 2) * spacing_mm
    return int(np.argmin(np.abs(s + radius_mm))), int(np.argmin(np.abs(s - radius_mm)))

# %% tags=["wrong"] exercise="ring_element" says="middle"
def suspects(radius_mm, n, spacing_mm):
    return round(-radius_mm / spacing_mm), round(radius_mm / spacing_mm)

# %% tags=["wrong"] exercise="ring_element" says="half an element"
def suspects(radius_mm, n, spacing_mm):
    return round(n / 2 - radius_mm / spacing_mm + 0.01), round(n / 2 + radius_mm / spacing_mm + 0.01)

# %% tags=["wrong"] exercise="ring_element" says="both sides"
def suspects(radius_mm, n, spacing_mm):
    return 2 * (round((n - 1) / 2 + radius_mm / spacing_mm),)

# %% tags=["wrong"] exercise="ring_element" says="spacing"
def suspects(radius_mm, n, spacing_mm):
    return round((n - 1) / 2 - radius_mm), round((n - 1) / 2 + radius_mm)

# %% tags=["checker"] exercise="ring_element"
def checker(suspects):
    got = suspects(30.75, 100, 1.5)
    require(len(got) == 2, "Return two numbers.")
    require(got[0] != got[1], "The element can be on both sides of the axis.")
    require(tuple(got) != (-20, 20), "Elements are counted from the first one, not from the middle.")
    require(tuple(got) != (19, 80), "Divide by the spacing: elements are not 1 mm wide.")
    require(tuple(got) != (30, 71), "You are half an element off: for n = 100 the axis is at 49.5.")
    close(got, [29, 70], "Solve s = (j - (n - 1) / 2) * spacing for j.")

# %% [markdown]
# Two cures. A program looks for elements that differ from their neighbours by the same in all views
# (`remove_rings`). Or the technician makes a new [[air scan]] and every gain is known again
# (`recalibrated`). Compare them twice: with four bad elements, and with gains that *all* drifted.

# %%
drifting = replace(protocol, detector=replace(protocol.detector, gain_drift=0.01))
drifted = expose(rays, drifting, seed=1)
four_bad = np.zeros(BEAM.detectors)
four_bad[[128, 150, 161, 190]] = 0.08
cures = {
    "four bad elements": (ringed, remove_rings(ringed), recalibrated(ringed, four_bad)),
    "all drifted by 1 %": (drifted, remove_rings(drifted), recalibrated(drifted, air_scan(drifting, 1))),
}
rings = {name: [picture(correct_water(s), MU_70) for s in row] for name, row in cures.items()}

# %% tags=["slide"]
rows = [image[window] for row in rings.values() for image in row]
titles = ["four bad elements", "corrected by a program", "new air scan",
          "all drifted by 1 %", "corrected by a program", "new air scan"]  # fmt: skip
show(films(rows, titles, columns=3, width=9, vmin=-160, vmax=240),
     alt="Rings of four elements vanish with both cures; rings of a drifted detector only with air")

# %%
left_over = {name: [error_hu(image) for image in row] for name, row in rings.items()}
for name, row in left_over.items():
    print(f"{name}: {row[0]:.2g} HU, by program {row[1]:.2g} HU, by air scan {row[2]:.1g} HU")
bad, drift = left_over.values()
claim("The program cures single bad elements", bad[1] < 0.2 * bad[0])
claim("A drifted detector needs the air scan", drift[1] > 0.6 * drift[0] and drift[2] < 0.3 * drift[0])

# %% [markdown] tags=["slide"]
# ### Wrong axis: the scan knows it
#
# Half a turn later, every ray is measured again from behind: $p(\theta+180°, s) = p(\theta, -s)$.
# If the detector is off the axis, both agree only after a shift. (In the last lesson the centre of
# mass told the same.)

# %%
def slice_off_axis(offset):
    """The slice, reconstructed as if the axis were so many elements off."""
    rows = replace(intact, values=shifted(intact.values, offset))
    return WINDOWS["mediastinum"].shown(picture(correct_water(rows), MU_70))[SEEN]


explore(slice_off_axis, alt="chest slice reconstructed with a wrong axis", offset=(-4.0, 4.0, 0.5, 1.0))

# %%
offset = axis_offset(off_axis)
on_axis = picture(correct_water(recentred(off_axis, offset)), MU_70)
print(f"found: {offset:.2g} elements off; error {errors['wrong axis']:.0f} HU, mended {error_hu(on_axis):.0f} HU")
claim("The offset is found within a twentieth of an element", abs(offset - 1.7) < 0.05)
claim("Mending removes most of the error", error_hu(on_axis) < 0.5 * errors["wrong axis"])

# %% [markdown] tags=["slide"]
# ### Metal: the worst of all
#
# Two titanium screws hold a vertebra. Behind metal hardly a photon arrives
# ([[photon starvation]]), and those are hard. The rays through metal lie, so: **throw them away and
# bridge the gap**.

# %% [markdown] tags=["exercise"] exercise="bridge_row"
# ### Exercise: bridge the gap
#
# `row` is one view (n,); `hidden` (n,) is True where the ray met metal. Write `bridged(row, hidden)`:
# the same view with the hidden values replaced by straight lines between their good neighbours.

# %% tags=["stub"] exercise="bridge_row"
def bridged(row, hidden):
    """The view with its hidden values made up from their neighbours."""
    return ...

# %% tags=["check"] exercise="bridge_row"
check("bridge_row", bridged)

# %% [markdown] tags=["hint"] exercise="bridge_row"
# `np.interp(where, known_places, known_values)` draws straight lines. What are the known places?

# %% [markdown] tags=["hint"] exercise="bridge_row"
# Places are the numbers of the elements: `place = np.arange(len(row))`. `~hidden` are the good ones.

# %% [markdown] tags=["hint"] exercise="bridge_row"
# `np.interp(place, place[~hidden], row[~hidden])` keeps good values and bridges the others.

# %% tags=["solution"] exercise="bridge_row"
def bridged(row, hidden):
    """The view with its hidden values made up from their neighbours."""
    place = np.arange(len(row))
    return np.interp(place, place[~hidden], row[~hidden])  # at known places it returns what is known

# %% tags=["equivalent"] exercise="bridge_row"
def bridged(row, hidden):
    result, good = np.array(row, float), np.flatnonzero(~hidden)
    for j in np.flatnonzero(hidden):
        left, right = good[good < j], good[good > j]
        if not len(left) or not len(right):
            result[j] = row[right[0]] if len(right) else row[left[-1]]
            continue
        a, b = left[-1], right[0]
        result[j] = row[a] + (row[b] - row[a]) * (j - a) / (b - a)
    return result

# %% tags=["wrong"] exercise="bridge_row" says="zero"
def bridged(row, hidden):
    return np.where(hidden, 0, row)

# %% tags=["wrong"] exercise="bridge_row" says="one value"
def bridged(row, hidden):
    return np.where(hidden, row[~hidden].mean(), row)

# %% tags=["wrong"] exercise="bridge_row" says="good values"
def bridged(row, hidden):
    place = np.arange(len(row))
    return np.interp(place, place[hidden], row[hidden])

# %% tags=["wrong"] exercise="bridge_row" says="whole view"
def bridged(row, hidden):
    return row[~hidden]

# %% tags=["checker"] exercise="bridge_row"
def checker(bridged):
    row = np.array([1.0, 2, 9, 9, 9, 6, 5, 8, 3])
    hidden = np.array([0, 0, 1, 1, 1, 0, 0, 1, 0], bool)
    got = np.asarray(bridged(row.copy(), hidden.copy()), dtype=float)
    require(got.shape == (9,), "Return the whole view, as long as before.")
    require(np.allclose(got[~hidden], row[~hidden]), "The good values must stay as they are.")
    require(np.all(got[hidden] != 0), "A hole of zero is a lie as well: what do the neighbours say?")
    require(np.ptp(got[hidden]) > 0, "Not one value for all: a straight line from side to side.")
    close(got, [1, 2, 3, 4, 5, 6, 5, 4, 3], "Draw straight lines between the good neighbours.")

# %% [markdown]
# The library finds the metal in the first picture, projects it to know which rays it hid, and
# bridges them (`linear`). A straight line ignores that a rib may lie there. The **normalised** method
# (NMAR) first divides by the shadows of a rough model of the patient, bridges what remains, and
# multiplies again.

# %%
reduced = reduce_metal(metal, SIZE, PIXEL, MU_70)
with_metal = true_hounsfield(screwed, Z, SIZE, PIXEL, 70.0)
versions = {"truth": with_metal, "as measured": reduced.raw, "bridged": reduced.linear,
            "normalised": reduced.normalised}  # fmt: skip

# %% tags=["slide"]
show(films([image[55:200, 50:206] for image in versions.values()], list(versions), columns=4, width=12,
           vmin=-360, vmax=640),
     alt="Truth; streaks through the heart; bridged: softer; normalised: clean heart, vertebra lost")  # fmt: skip

# %%
x = centred(SIZE, PIXEL)
heart = np.hypot(x, x[:, None] + 12) < 16
spine = (np.hypot(x, x[:, None] - 66) < 14) & ~reduced.metal
off = {name: [np.sqrt(np.mean((image - with_metal)[where] ** 2)) for where in (heart, spine)]
       for name, image in versions.items()}  # fmt: skip
for name, (far, near) in off.items():
    print(f"{name:12s} error in the heart {far:3.0f} HU, between the screws {near:4.0f} HU")
claim("Each method is better than the one before, in the heart",
      off["as measured"][0] > 1.4 * off["bridged"][0] > 2 * off["normalised"][0])  # fmt: skip
claim("Near the metal even the best is off by hundreds of HU", off["normalised"][1] > 250)

# %% [markdown] tags=["instructor"]
# Questions: who would report the vertebra from the last picture? (It has vanished: its rays were all
# thrown away.) Which scanners show both versions, and why should they? Short of time: leave out the
# beating heart.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - HU = thousandths above water. Soft tissue is **35 to 60**, not 100; bone depends on the kVp.
# - A window decides what can be seen: 15 HU are 2 greys in a bone window, 24 in a liver window.
# - Beam hardening: cups and dark bands. Water correction mends the cup, bone correction the band.
# - Bands from metal, rings from elements, doubled edges from motion or axis, streaks from few views.
# - Motion and drift are best mended at the scanner, not by arithmetic.
# - Metal reduction cleans what is far from the metal, and **invents what is near it**.

# %% tags=["local"]
progress()

# %% [markdown]
# ## References
#
# - G. N. Hounsfield, Computerized transverse axial scanning (tomography), Br. J. Radiol. 46 (1973) 1016.
# - ICRU Report 44, Tissue substitutes in radiation dosimetry and measurement, 1989.
# - P. M. Joseph, R. D. Spital, A method for correcting bone induced artifacts in computed tomography
#   scanners, J. Comput. Assist. Tomogr. 2 (1978) 100.
# - W. A. Kalender, R. Hebel, J. Ebersberger, Reduction of CT artifacts caused by metallic implants,
#   Radiology 164 (1987) 576.
# - E. Meyer et al., Normalized metal artifact reduction (NMAR) in computed tomography, Med. Phys. 37
#   (2010) 5482.

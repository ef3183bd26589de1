# %% [markdown] tags=["slide"]
# ## From a hot wire to a film
#
# Seven steps make a [[radiograph]]. This lesson takes them one by one, and you turn every dial.
#
# 1. The [[X-ray tube]] makes a [[spectrum]] of [[photons|photon]].
# 2. The body weakens them: the [[photoelectric effect]] and [[Compton scattering]].
# 3. What is left draws a shadow image: the Beer-Lambert law.
# 4. The number of photons decides the [[noise]].
# 5. [[Scatter]] lays a fog over the image; a [[grid]] removes part of it.
# 6. The [[detector]] blurs.
# 7. [[Logarithm]], inversion and [[window]] make a 12-bit picture.

# %%
from dataclasses import replace

import cv2
import matplotlib.pyplot as plt
import numpy as np
import xraydb

from course_lib.data import preprocess
from course_lib.imaging import detector, scatter, sharpness
from course_lib.imaging.attenuation import linear_attenuation, mass_attenuation
from course_lib.imaging.pixels import log_attenuation, percentile_limits, to_12_bit
from course_lib.imaging.projection import path_lengths
from course_lib.imaging.radiography import radiograph
from course_lib.imaging.spectrum import air_kerma, half_value_layer, mean_energy, tube_spectrum
from course_lib.patient.cohort import sample_patient
from course_lib.teaching import drawings
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 The tube
#
# - A hot wire (cathode) sends out electrons. A high voltage pulls them onto the target (anode).
# - Braked by atoms of the target, they radiate: [[bremsstrahlung]], all energies up to the
#   voltage.
# - If they knock an inner electron out of an atom, it emits [[characteristic radiation]]: sharp
#   lines.
# - **[[kVp]]** sets how energetic the photons can be; **[[mAs]]** only sets how many there are.

# %% [markdown]
# About 99 % of the energy becomes heat; that is why the target is made of [[tungsten]] and
# rotates. Our tube is a short model (`course_lib/imaging/spectrum.py`). Its
# [[half-value layer]] agrees with SpekPy, a program made for this purpose, within 4 % from 60 to
# 140 kV.

# %% tags=["slide"]
show(drawings.tube(), alt="Tube from the side: electrons hit a slanted target, X-rays go down")

# %% tags=["slide"]
fig, ax = plt.subplots(figsize=(7, 3.6))
for kvp in (60, 90, 120):
    beam = tube_spectrum(kvp, mas=1, filtration_mm_al=2.5)
    ax.plot(beam.energies_kev, beam.fluence / 1000, label=f"{kvp} kV")
ax.annotate("K lines of tungsten", (60, 200), (75, 200), arrowprops={"arrowstyle": "->"})
ax.set(xlabel="photon energy (keV)", ylabel="thousand photons per mm² and keV")
ax.set(xlim=(0, 125), title="1 mAs, at 1 m, behind 2.5 mm of aluminium")
ax.legend()
show(fig, alt="Three tube spectra: higher kVp gives more photons, of higher energy, and lines")

# %% [markdown] tags=["exercise", "slide"] exercise="kvp_doubled"
# ### Exercise: predict, then run
#
# We double the tube voltage, from 60 kV to 120 kV, and leave everything else as it is.
# Replace each `...` by `True` or `False`, **before** you run the cell below the check.

# %% tags=["stub"] exercise="kvp_doubled"
twice_the_photons = ...  # the number of photons just doubles
largest_energy_doubles = ...  # the most energetic photon has twice the energy
mean_energy_doubles = ...  # the average photon has twice the energy
lines_appear = ...  # the K lines of tungsten appear

# %% tags=["check"] exercise="kvp_doubled"
check("kvp_doubled", twice_the_photons, largest_energy_doubles, mean_energy_doubles, lines_appear)

# %% [markdown] tags=["hint"] exercise="kvp_doubled"
# Look at the picture of the three spectra: compare areas, right ends, and middles.

# %% [markdown] tags=["hint"] exercise="kvp_doubled"
# One electron can give at most all its energy to one photon. And it needs at least 69.5 keV
# to knock out an inner electron of tungsten.

# %% [markdown] tags=["hint"] exercise="kvp_doubled"
# The area under the curve grows more than twofold. The filter keeps the low end where it is,
# so the middle moves less than the right end.

# %% tags=["solution"] exercise="kvp_doubled"
twice_the_photons = False  # output grows roughly with the square of the voltage, or faster
largest_energy_doubles = True  # an electron can give all its energy to a single photon
mean_energy_doubles = False  # soft photons are still made in large numbers
lines_appear = True  # 120 keV is above the K edge of tungsten, 60 keV is below

# %% tags=["equivalent"] exercise="kvp_doubled"
twice_the_photons, largest_energy_doubles, mean_energy_doubles, lines_appear = 0, 1, 0, 1

# %% tags=["wrong"] exercise="kvp_doubled" says="areas"
twice_the_photons, largest_energy_doubles, mean_energy_doubles, lines_appear = 1, 1, 0, 1

# %% tags=["wrong"] exercise="kvp_doubled" says="one photon"
twice_the_photons, largest_energy_doubles, mean_energy_doubles, lines_appear = 0, 0, 0, 1

# %% tags=["wrong"] exercise="kvp_doubled" says="soft photons"
twice_the_photons, largest_energy_doubles, mean_energy_doubles, lines_appear = 0, 1, True, 1

# %% tags=["wrong"] exercise="kvp_doubled" says="69.5 keV"
twice_the_photons, largest_energy_doubles, mean_energy_doubles, lines_appear = 0, 1, 0, False

# %% tags=["wrong"] exercise="kvp_doubled" says="True or False"
twice_the_photons, largest_energy_doubles, mean_energy_doubles, lines_appear = "no", 1, 0, 1

# %% tags=["checker"] exercise="kvp_doubled"
def checker(twice_the_photons, largest_energy_doubles, mean_energy_doubles, lines_appear):
    for answer in (twice_the_photons, largest_energy_doubles, mean_energy_doubles, lines_appear):
        require(answer in (True, False), "Every answer must be True or False.")
    require(not twice_the_photons, "Compare the areas under the curves for 60 and 120 kV.")
    require(largest_energy_doubles, "Can an electron give all its energy to one photon?")
    require(not mean_energy_doubles, "Many soft photons are still made at 120 kV.")
    require(lines_appear, "An electron needs 69.5 keV to knock out a K electron of tungsten.")

# %% [markdown]
# Now let the model answer.

# %%
for kvp in (60, 120):
    beam = tube_spectrum(kvp)
    print(f"{kvp} kV: {beam.photons_per_mm2:.3g} photons per mm²,", end=" ")
    print(f"mean {mean_energy(beam):.3g} keV, {air_kerma(beam):.3g} mGy at 1 m")
low, high = tube_spectrum(60), tube_spectrum(120)
gain = high.photons_per_mm2 / low.photons_per_mm2
claim("Doubling the voltage gives more than four times as many photons", gain > 4)
claim("but their mean energy grows only by half", 1.4 < mean_energy(high) / mean_energy(low) < 1.7)

# %% [markdown] tags=["slide"]
# ### Play: the tube
#
# - **kVp**: watch the right end, the lines, and the area.
# - **mAs**: only the height changes, never the shape.
# - **filtration**: takes away soft photons. They would never reach the detector; the skin would
#   get them.

# %%
def draw_tube(kvp, mas, filtration_mm_al, anode_angle):
    beam = tube_spectrum(kvp, mas, filtration_mm_al, anode_angle)
    fig, ax = plt.subplots(figsize=(6.5, 3.4))
    ax.fill_between(beam.energies_kev, beam.fluence / 1000, alpha=0.5)
    ax.set(xlim=(0, 150), ylim=(0, 400), xlabel="photon energy (keV)")
    ax.set(ylabel="thousand photons per mm² and keV")
    ax.set_title(
        f"mean {mean_energy(beam):.1f} keV    half-value layer {half_value_layer(beam):.2f} mm Al"
        f"    air kerma {air_kerma(beam):.3f} mGy at 1 m"
    )
    return fig


explore(
    draw_tube,
    alt="tube spectrum at the chosen settings, with mean energy, half-value layer and air kerma",
    kvp=(40, 150, 5, 100),
    mas=(1, 10, 1, 3),
    filtration_mm_al=(0.5, 8.0, 0.5, 2.5),
    anode_angle=(8, 20, 1, 12),
)

# %% [markdown]
# ### Filtration and half-value layer
#
# The [[half-value layer]] (HVL) is the thickness of aluminium that halves the [[air kerma]], the
# energy that the beam hands to air. It describes the quality of a beam in one number: a *harder*
# beam has a larger HVL. Put aluminium into the beam and measure, as in the annual test of every
# machine:

# %% tags=["slide"]
sheets = np.linspace(0, 14, 57)  # mm of aluminium
soft, hard = tube_spectrum(60), tube_spectrum(120)
fig, ax = plt.subplots(figsize=(6.5, 3.2))
for beam, name in ((soft, "60 kV"), (hard, "120 kV")):
    left = [air_kerma(beam.filtered("aluminium", sheet)) / air_kerma(beam) for sheet in sheets]
    line = ax.semilogy(sheets, left, label=f"{name}: HVL {half_value_layer(beam):.1f} mm")[0]
    ax.plot(half_value_layer(beam), 0.5, "o", color=line.get_color())
ax.set(xlabel="aluminium added (mm)", ylabel="share of air kerma left", yticks=[1, 0.5, 0.25, 0.1])
ax.set_yticklabels(["1", "1/2", "1/4", "1/10"])
ax.legend()
show(fig, alt="Air kerma behind aluminium for 60 and 120 kV; both curves flatten with thickness")

# %%
first = half_value_layer(hard)
second = half_value_layer(hard.filtered("aluminium", first))
print(f"first HVL {first:.3g} mm, second HVL {second:.3g} mm")
claim("The second half-value layer is thicker: the beam hardens", second > 1.3 * first)

# %% [markdown] tags=["slide"]
# ### The heel effect
#
# Photons are born a little below the target's surface. Those that leave towards the anode cross
# more metal (the thick orange line in the drawing). So the anode side of the film gets **less**
# radiation, and harder: the [[heel effect]]. Put the thicker end of the body under the cathode.

# %% tags=["slide"]
angles = np.arange(-12, 11)
rays = [tube_spectrum(100, anode_angle_deg=12, off_axis_deg=angle) for angle in angles]
kerma = np.array([air_kerma(ray) for ray in rays]) / air_kerma(tube_spectrum(100))
hvl = [half_value_layer(ray) for ray in rays]
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
left.plot(angles, kerma)
left.set(xlabel="direction (degrees; + is towards the anode)", ylabel="air kerma, centre = 1")
right.plot(angles, hvl, color=COLOURS[1])
right.set(xlabel="direction (degrees; + is towards the anode)", ylabel="HVL (mm Al)")
show(fig, alt="Towards the anode the air kerma falls and the half-value layer rises")

# %%
claim("8° towards the anode a quarter of the radiation is lost", 0.65 < kerma[angles == 8][0] < 0.8)
claim("and what is left is harder", np.all(np.diff(hvl) > 0))

# %% [markdown] tags=["instructor"]
# Typical mistake: people say that mAs makes the beam "stronger" and mean harder. Move the mAs
# slider and ask which of the three numbers in the title changes: only the air kerma. Short of
# time: skip the heel effect's figure, but say in which direction the tube should lie for a lateral
# thoracic spine.

# %% [markdown] tags=["slide"]
# ## 2 In the body: two ways to lose a photon
#
# - **[[Photoelectric effect]]**: an inner electron swallows the photon. The photon is gone.
# - **[[Compton scattering]]**: an outer electron takes part of the energy. The photon flies on,
#   elsewhere.
# - (Coherent scattering turns photons without loss; it is small.)
#
# Together they make the [[attenuation]] coefficient µ: the share of photons lost per millimetre.

# %% tags=["slide"]
energies = np.linspace(10, 150, 281)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for ax, tissue in zip(axes, ("water", "bone_cortical"), strict=True):
    for process, name in (("photoelectric",) * 2, ("incoherent", "Compton"), ("coherent",) * 2):
        ax.loglog(energies, linear_attenuation(tissue, energies, process), label=name)
    ax.loglog(energies, linear_attenuation(tissue, energies), "k--", label="total")
    ax.set(title=tissue.replace("_", " "), xlabel="photon energy (keV)", ylim=(1e-4, 10))
    ax.set_xticks([10, 20, 50, 100, 150], ["10", "20", "50", "100", "150"])
axes[0].set_ylabel("attenuation (1/mm)")
axes[0].legend()
show(fig, alt="Attenuation against energy in water and bone, split into three processes")

# %%
def balance(tissue):
    """Energy (keV) at which both effects take away equally many photons."""
    photo, compton = (
        linear_attenuation(tissue, energies, process) for process in ("photoelectric", "incoherent")
    )
    return energies[np.argmin(np.abs(np.log(photo / compton)))]


print("balance in water", balance("water"), "keV, in bone", balance("bone_cortical"), "keV")
claim("Below 28 keV the photoelectric effect rules in water", abs(balance("water") - 28) < 1)
claim("in bone it rules up to twice that energy", abs(balance("bone_cortical") - 55.5) < 1)

# %% [markdown] tags=["slide"]
# ### "Z cubed over E cubed"
#
# Textbooks say that the photoelectric effect grows with Z³ (Z: [[atomic number]]) and falls with
# E³. Is that so, and is it meant per gram or per atom? Tables can tell: a power law is a straight
# line on logarithmic paper, and its slope is the exponent.

# %% [markdown] tags=["exercise"] exercise="exponent"
# ### Exercise: measure an exponent
#
# Write `exponent(x, y)`: if y = constant · xⁿ, it returns n. Both are arrays of positive numbers.
# (The lesson goes on with a function of its own, so you can come back to this later.)

# %% tags=["stub"] exercise="exponent"
def exponent(x, y):
    """The n of the power law y = constant * x ** n."""
    return ...

# %% tags=["check"] exercise="exponent"
check("exponent", exponent)

# %% [markdown] tags=["hint"] exercise="exponent"
# Take logarithms of both sides of y = constant · xⁿ. What do you get?

# %% [markdown] tags=["hint"] exercise="exponent"
# log y = log constant + n · log x: a straight line whose slope is n.
# `np.polyfit(a, b, 1)` fits a straight line to b as a function of a.

# %% [markdown] tags=["hint"] exercise="exponent"
# `np.polyfit` returns two numbers: first the slope, then the intercept. You want element `[0]`
# of the fit of `np.log(y)` against `np.log(x)`.

# %% tags=["solution"] exercise="exponent"
def exponent(x, y):
    """The n of the power law y = constant * x ** n."""
    return np.polyfit(np.log(x), np.log(y), 1)[0]  # the slope on logarithmic paper

# %% tags=["equivalent"] exercise="exponent"
def exponent(x, y):
    a, b = np.log10(x), np.log10(y)
    return np.sum((a - a.mean()) * (b - b.mean())) / np.sum((a - a.mean()) ** 2)

# %% tags=["equivalent"] exercise="exponent"
def exponent(x, y):
    covariance = np.cov(np.log(x), np.log(y))
    return covariance[0, 1] / covariance[0, 0]

# %% tags=["wrong"] exercise="exponent" says="logarithm"
def exponent(x, y):
    return np.polyfit(x, y, 1)[0]

# %% tags=["wrong"] exercise="exponent" says="both"
def exponent(x, y):
    return np.polyfit(x, np.log(y), 1)[0]

# %% tags=["wrong"] exercise="exponent" says="intercept"
def exponent(x, y):
    return np.polyfit(np.log(x), np.log(y), 1)[1]

# %% tags=["wrong"] exercise="exponent" says="swapped"
def exponent(x, y):
    return np.polyfit(np.log(y), np.log(x), 1)[0]

# %% tags=["wrong"] exercise="exponent" says="constant"
def exponent(x, y):
    return np.mean(np.log(y) / np.log(x))

# %% tags=["checker"] exercise="exponent"
def checker(exponent):
    x = np.array([2.0, 3.0, 5.0, 8.0])
    y = 7.0 * x**-2.5
    n = exponent(x, y)
    require(np.shape(n) != (2,), "Return one number: the slope, not slope and intercept together.")
    number = isinstance(n, (int, float, np.number))
    slope, constant = np.polyfit(np.log(x), np.log(y), 1)
    for wrong, message in (
        (np.polyfit(x, y, 1)[0], "Fit the logarithm of y against the logarithm of x."),
        (np.polyfit(x, np.log(y), 1)[0], "Take the logarithm of both, x and y."),
        (constant, "This is the intercept; the exponent is the slope."),
        (1 / slope, "x and y are swapped in your fit."),
        (np.mean(np.log(y) / np.log(x)), "Dividing logarithms ignores the constant in front."),
    ):
        require(not number or abs(n - wrong) > 1e-6, message)
    close(n, -2.5, "For y = 7 · x^-2.5 the answer must be -2.5.")

# %%
def slope_of(x, y):
    """Exponent of a power law: the slope on logarithmic paper."""
    return np.polyfit(np.log(x), np.log(y), 1)[0]


elements = ["C", "N", "O", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca"]
Z = np.array([xraydb.atomic_number(element) for element in elements])
mass = np.array([xraydb.atomic_mass(element) for element in elements])
per_gram = np.array([mass_attenuation(element, 30.0, "photoelectric") for element in elements])
keV = np.arange(20.0, 101.0)
n_gram, n_atom = slope_of(Z, per_gram), slope_of(Z, per_gram * mass)
n_energy = slope_of(keV, mass_attenuation("calcium", keV, "photoelectric"))
print(f"Z to the power {n_gram:.2f} per gram, {n_atom:.2f} per atom; E to the power {n_energy:.2f}")
claim("Per gram it is about Z to the 3.5, per atom Z to the 4.5",
      abs(n_gram - 3.46) < 0.02 and abs(n_atom - 4.48) < 0.02)
claim("With energy it falls with about the third power", abs(n_energy + 3.09) < 0.02)

# %% [markdown]
# So "Z³" is a rule of thumb for one gram of tissue. Compton scattering is quite another thing: it
# hardly asks which element it meets, only how many electrons there are. That is why, at high kVp,
# ribs fade and lung shows behind them: there, only density counts.

# %% tags=["slide"]
materials = ["tungsten", "iodine", "bone_cortical", "muscle", "water", "fat", "lung", "air"]
styles = ["-", "-", "-", "-", "--", "-", "-", "--"]
colours = [COLOURS[i] for i in (6, 3, 1, 0, 0, 4, 2, 5)]
fig, ax = plt.subplots(figsize=(7.5, 4.4))
fine = np.geomspace(10, 150, 800)
for material, style, colour in zip(materials, styles, colours, strict=True):
    ax.loglog(fine, linear_attenuation(material, fine), style, color=colour, label=material)
ax.set(xlabel="photon energy (keV)", ylabel="attenuation (1/mm)", xlim=(10, 150))
ax.set_xticks([10, 20, 50, 100, 150], ["10", "20", "50", "100", "150"])
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(fig, alt="Attenuation of air, lung, fat, water, muscle, bone, iodine and tungsten")

# %%
def contrast_of(tissue, against, energy):
    """Difference of attenuation per millimetre, relative to `against`."""
    return linear_attenuation(tissue, energy) / linear_attenuation(against, energy) - 1


for energy in (20.0, 60.0, 120.0):
    bone, fat = (contrast_of(t, "muscle", energy) for t in ("bone_cortical", "fat"))
    print(f"{energy:g} keV: bone {100 * bone:+.0f} %, fat {100 * fat:+.0f} % against muscle")
jump = mass_attenuation("iodine", 33.4) / mass_attenuation("iodine", 33.0)
claim("At its K edge (33.2 keV) iodine suddenly attenuates more than five times as much", jump > 5)
claim("Bone stands out eight times more at 20 keV than at 120 keV",
      contrast_of("bone_cortical", "muscle", 20) > 8 * contrast_of("bone_cortical", "muscle", 120))

# %% [markdown] tags=["slide"]
# ## 3 The shadow: Beer-Lambert
#
# One energy, several layers with attenuation µᵢ and thickness tᵢ:
#
# $$\frac{N}{N_0} = e^{-(\mu_1 t_1 + \mu_2 t_2 + \dots)}$$
#
# A film measures the **sum of attenuation along each ray**: everything lies on top of everything
# else.

# %% [markdown] tags=["exercise"] exercise="transmitted"
# ### Exercise: write the law
#
# `attenuation` is an array of coefficients (1/mm), `thickness` an array of layers (mm).
# Return the share of photons that pass all layers.

# %% tags=["stub"] exercise="transmitted"
def transmitted(attenuation, thickness):
    """Share of the photons that pass all layers."""
    return ...

# %% tags=["check"] exercise="transmitted"
check("transmitted", transmitted)

# %% [markdown] tags=["hint"] exercise="transmitted"
# Each layer lets a share exp(-µt) pass. What happens to the shares of layers in a row?

# %% [markdown] tags=["hint"] exercise="transmitted"
# Multiply attenuation and thickness layer by layer, add up, then take one exponential.

# %% [markdown] tags=["hint"] exercise="transmitted"
# `np.sum(attenuation * thickness)` is the exponent; do not forget its minus sign.

# %% tags=["solution"] exercise="transmitted"
def transmitted(attenuation, thickness):
    """Share of the photons that pass all layers."""
    return np.exp(-np.sum(attenuation * thickness))  # exponents add, shares multiply

# %% tags=["equivalent"] exercise="transmitted"
def transmitted(attenuation, thickness):
    return np.prod(np.exp(-attenuation * thickness))

# %% tags=["equivalent"] exercise="transmitted"
def transmitted(attenuation, thickness):
    left = 1.0
    for mu, t in zip(attenuation, thickness, strict=True):
        left = left / math.e ** (mu * t)
    return left

# %% tags=["wrong"] exercise="transmitted" says="more than all"
def transmitted(attenuation, thickness):
    return np.exp(np.sum(attenuation * thickness))

# %% tags=["wrong"] exercise="transmitted" says="absorbed"
def transmitted(attenuation, thickness):
    return 1 - np.exp(-np.sum(attenuation * thickness))

# %% tags=["wrong"] exercise="transmitted" says="one layer after the other"
def transmitted(attenuation, thickness):
    return np.exp(-attenuation * thickness)

# %% tags=["wrong"] exercise="transmitted" says="its own thickness"
def transmitted(attenuation, thickness):
    return np.exp(-np.sum(attenuation) * np.sum(thickness))

# %% tags=["wrong"] exercise="transmitted" says="straight line"
def transmitted(attenuation, thickness):
    return 1 - np.sum(attenuation * thickness)

# %% tags=["wrong"] exercise="transmitted" says="already in 1/mm"
def transmitted(attenuation, thickness):
    return np.exp(-np.sum(attenuation * thickness / 10))

# %% tags=["checker"] exercise="transmitted"
def checker(transmitted):
    mu, t = np.array([0.02, 0.06]), np.array([20.0, 5.0])
    share = transmitted(mu, t)
    require(np.shape(share) != (2,), "Photons pass one layer after the other: return one share.")
    number = isinstance(share, (int, float, np.number))
    for wrong, message in (
        (np.exp(0.7), "That is more than all the photons. Is a sign missing?"),
        (1 - np.exp(-0.7), "This share is absorbed; we want what passes."),
        (np.exp(-0.08 * 25), "Each layer counts with its own thickness."),
        (0.3, "A straight line goes wrong for thick layers: it even becomes negative."),
        (np.exp(-0.07), "Nothing to convert: it is already in 1/mm and mm."),
    ):
        require(not number or abs(share - wrong) > 1e-6, message)
    close(share, np.exp(-0.7), "Two layers with exponents 0.4 and 0.3 let exp(-0.7) pass.")

# %% [markdown] tags=["slide"]
# ### Many energies: the beam hardens
#
# A tube sends many energies, and the body removes the soft ones first. So the mean energy rises on
# the way, and each further millimetre removes less: [[beam hardening]]. The logarithm is no longer
# proportional to the thickness. In CT this will make artefacts.

# %% tags=["slide"]
depth = np.linspace(0, 300, 61)
beam = tube_spectrum(120)
passed = detector.transmit({"water": depth}, beam, groups=None)
many = -np.log(passed / passed[0])
one = depth * many[1] / depth[1]  # as if the first 5 mm told the whole story
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
left.plot(depth, one, "--", label="one energy")
left.plot(depth, many, label="tube at 120 kV")
left.set(xlabel="water (mm)", ylabel="-ln(share transmitted)")
left.legend()
right.plot(depth, [mean_energy(beam.filtered("water", t)) for t in depth], color=COLOURS[2])
right.set(xlabel="water (mm)", ylabel="mean energy behind it (keV)")
show(fig, alt="The log signal bends below the straight line; mean energy rises from 55 to 75 keV")

# %%
effective = many[1:] / depth[1:]
print(f"effective attenuation: {effective[0]:.3g} per mm at first, {effective[-1]:.3g} at 300 mm")
claim("The effective attenuation only falls, by a sixth or more over a body",
      np.all(np.diff(effective) < 0) and effective[-1] < 5 / 6 * effective[0])

# %% [markdown] tags=["instructor"]
# Ask before the figure: "Is twice the body twice the grey value?" Most will say yes. The answer
# (nearly, but less) is also the reason why a CT of the head shows a dark band between the petrous
# bones.

# %% [markdown] tags=["slide"]
# ### A body as path lengths
#
# Our patient is a sum of solids, so we know for every ray how many millimetres of each tissue it
# crosses. All physics of this lesson starts from these pictures. (The films are 180 cm away from
# the tube.)

# %% tags=["slide"]
patient = sample_patient(7)
SIZE, FIELD_MM = 320, 400.0
SPACING_MM = FIELD_MM / SIZE
lengths = path_lengths(patient, "PA", SIZE, FIELD_MM, source_distance_mm=1800).lengths
names = ["soft_tissue", "lung", "blood", "bone_cortical"]
titles = [f"{name.replace('_', ' ')}, up to {lengths[name].max():.0f} mm" for name in names]
fig = films([np.clip(lengths[name], 0, None) for name in names], titles, columns=4)
show(fig, alt="Four shadow pictures of one chest: soft tissue, lung, blood and cortical bone")

# %% [markdown] tags=["slide"]
# ### The whole chain on one screen
#
# The next cell is the machine. Read it line by line: every line is one step of this lesson.
# Each pixel is one panel element of 0.15 mm; to stay fast we look only at every eighth of them.

# %% tags=["slide"]
ELEMENT_MM = 0.15
PANEL = detector.PANEL  # the usual flat panel: caesium iodide
GRID = scatter.Grid(ratio=10)


def panel_signal(lengths, beam, grid):
    """Mean signal (keV) and its variance in every panel element."""
    mean, variance = detector.expose(lengths, beam, PANEL, ELEMENT_MM)  # Beer-Lambert
    fog = scatter.scatter_image(mean, scatter.water_equivalent(lengths), SPACING_MM)
    signal = grid.primary_transmission * mean + grid.scatter_transmission * fog
    return signal, variance * signal / mean


def take_film(lengths, kvp=120, mas=2.0, filtration=2.5, grid=GRID, distance=1800, seed=0):
    """A chest film of 12 bits from path lengths."""
    beam = tube_spectrum(kvp, mas, filtration).at_distance(distance)
    signal, variance = panel_signal(lengths, beam, grid)
    noisy = detector.add_noise(signal, variance, np.random.default_rng(seed), PANEL.noise_kev)
    values = log_attenuation(noisy, detector.open_field(beam, PANEL, ELEMENT_MM)[0])
    body = values[values > 0.5]  # the window is chosen where something attenuates
    return to_12_bit(values, *percentile_limits(body, 0.5, 99.5))


chest = take_film(lengths)
print(chest.shape, chest.dtype, chest.min(), chest.max())

# %% [markdown]
# ### Play: you are the radiographer
#
# Four things to try. (1) 50 kV against 140 kV: where do the ribs go? (2) Go down with mAs until
# you would refuse the film. (3) Make the body thick: what must you change to get your film back?
# (4) Take the grid away.

# %%
total = sum(lengths.values())
USUAL_MM = float(np.percentile(total, 98))  # the thick parts of this chest


def draw_film(kvp, mas, filtration, body_mm, grid):
    stretched = {name: length * (body_mm / USUAL_MM) for name, length in lengths.items()}
    chosen_grid = GRID if grid else scatter.NO_GRID
    pixels = take_film(stretched, kvp, mas, filtration, chosen_grid)
    skin = tube_spectrum(kvp, mas, filtration).at_distance(1750 - body_mm)
    text = f"entrance {air_kerma(skin):.3f} mGy   HVL {half_value_layer(skin):.1f} mm Al"
    large = cv2.resize((pixels // 16).astype(np.uint8), (480, 480))
    caption = np.zeros((28, 480), np.uint8)
    cv2.putText(caption, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    return np.vstack([large, caption])


explore(
    draw_film,
    alt="a chest film at the chosen kVp, mAs, filtration, body thickness and grid",
    kvp=(40, 150, 5, 120),
    mas=(0.1, 10.0, 0.1, 2.0),
    filtration=(0.5, 6.0, 0.5, 2.5),
    body_mm=(120, 350, 10, 190),
    grid=True,
)

# %% [markdown]
# ### What kVp does to ribs
#
# A rib lies over lung. Its [[contrast]] is the share by which it lowers the signal. We compute the
# film with and without bone mineral along the same rays: the difference is what bone does.

# %%
def rib_contrast(kvp):
    """Share of the signal that bone takes away, where rays cross 3 to 6 mm of cortical bone."""
    beam = tube_spectrum(kvp)
    bone = lengths["bone_cortical"]
    muscle_instead = {**lengths, "bone_cortical": 0 * bone, "muscle": lengths["muscle"] + bone}
    with_bone, without = detector.expose(lengths, beam)[0], detector.expose(muscle_instead, beam)[0]
    rib = (bone > 3) & (bone < 6) & (lengths["lung"] > 50)
    return float(np.mean(1 - with_bone[rib] / without[rib]))


for kvp in (60, 90, 120):
    print(f"{kvp} kV: ribs take {100 * rib_contrast(kvp):.0f} % of the signal")
pictures = [take_film(lengths, 60, mas=12), take_film(lengths, 120, mas=2)]
show(films(pictures, ["60 kV", "120 kV"], columns=2, width=8), alt="Ribs dominate at 60 kV")
claim("Ribs take far more at 60 kV than at 120 kV", rib_contrast(60) > 1.5 * rib_contrast(120))

# %% [markdown] tags=["slide"]
# ## 4 Noise: counting photons
#
# Photons arrive by chance, like raindrops ([[Poisson noise]]). Of N expected photons, N ± √N
# arrive.
#
# - noise / signal = √N / N = 1 / √N
# - four times the dose: half the noise. No computer can change this bargain for free.

# %% tags=["varies"]
lung = (lengths["lung"] > 80) & (lengths["bone_cortical"] < 0.5)


def lung_noise(mas):
    """Noise divided by signal over the lung, from two exposures (their difference is noise)."""
    beam = tube_spectrum(120, mas).at_distance(1800)
    signal, variance = panel_signal(lengths, beam, GRID)
    one, two = (detector.add_noise(signal, variance, np.random.default_rng(s)) for s in (1, 2))
    return float(np.std(((one - two) / signal)[lung]) / np.sqrt(2))


exposures = [0.125, 0.5, 2.0, 8.0]
noise = [lung_noise(mas) for mas in exposures]
print("noise in the lung (%):", [float(f"{100 * value:.2g}") for value in noise])
ratios = np.divide(noise[:-1], noise[1:])
claim("Four times the dose halves the noise, each time", np.allclose(ratios, 2, rtol=0.05))

# %% tags=["slide"]
window = (slice(60, 180), slice(40, 160))  # the right upper lung
patches = [take_film(lengths, mas=mas)[window] for mas in exposures]
titles = [f"{m:g} mAs: {100 * n:.1f} % noise" for m, n in zip(exposures, noise, strict=True)]
show(films(patches, titles, vmin=400, vmax=3200), alt="The same piece of lung with ever less noise")

# %% [markdown] tags=["exercise", "slide"] exercise="dose_for_noise"
# ### Exercise: what does a quiet film cost?
#
# At 2 mAs the noise in some region is 3 % of the signal. You want 1 %.
# Which mAs do you need? Replace `...` by a number.

# %% tags=["stub"] exercise="dose_for_noise"
mas_needed = ...

# %% tags=["check"] exercise="dose_for_noise"
check("dose_for_noise", mas_needed)

# %% [markdown] tags=["hint"] exercise="dose_for_noise"
# The noise goes with one over the square root of the number of photons.

# %% [markdown] tags=["hint"] exercise="dose_for_noise"
# Half the noise costs four times the dose. What does a third of the noise cost?

# %% [markdown] tags=["hint"] exercise="dose_for_noise"
# Multiply 2 mAs by the square of the factor by which the noise must fall.

# %% tags=["solution"] exercise="dose_for_noise"
mas_needed = 2 * (3 / 1) ** 2  # a third of the noise costs nine times the dose

# %% tags=["equivalent"] exercise="dose_for_noise"
mas_needed = 18

# %% tags=["wrong"] exercise="dose_for_noise" says="square root"
mas_needed = 6

# %% tags=["wrong"] exercise="dose_for_noise" says="less radiation"
mas_needed = 2 / 9

# %% tags=["wrong"] exercise="dose_for_noise" says="factor"
mas_needed = 9

# %% tags=["wrong"] exercise="dose_for_noise" says="halving"
mas_needed = 8

# %% tags=["checker"] exercise="dose_for_noise"
def checker(mas_needed):
    if isinstance(mas_needed, (int, float, np.number)):
        require(mas_needed > 2, "With less radiation the noise grows.")
        require(mas_needed != 6, "Noise does not fall with the dose but with its square root.")
        require(mas_needed != 8, "That would pay for halving the noise; you want a third.")
        require(mas_needed != 9, "That is the factor; from which mAs did we start?")
    close(mas_needed, 18, "A third of the noise, from 2 mAs.")

# %% [markdown] tags=["instructor"]
# Ask: "A vendor's AI denoiser shows a clean film at a quarter of the dose. Where did the missing
# photons come from?" Good discussion; lesson *MR* and the lessons on CT come back to it.

# %% [markdown] tags=["slide"]
# ## 5 Scatter and the grid
#
# Behind a thick body most photons that arrive have been scattered. They carry no picture, only
# fog.
#
# - fog per useful signal: the **scatter-to-primary ratio** S/P, about 1 in the lung, 3 and more
#   behind heart and spine
# - a [[grid]] of lead strips lets straight photons pass and stops most others, but costs dose

# %% tags=["slide"]
beam = tube_spectrum(120, 2.0).at_distance(1800)
primary, _ = detector.expose(lengths, beam, PANEL, ELEMENT_MM)
fog = scatter.scatter_image(primary, scatter.water_equivalent(lengths), SPACING_MM)
with_grid = GRID.primary_transmission * primary + GRID.scatter_transmission * fog
pictures = [-np.log(picture) for picture in (primary, fog, primary + fog, with_grid)]
titles = ["primary only (ideal)", "scatter only", "both: no grid", "both behind a grid"]
limits = [percentile_limits(picture, 0.5, 99.5) for picture in pictures]
pictures = [to_12_bit(p, *limit) for p, limit in zip(pictures, limits, strict=True)]
show(films(pictures, titles), alt="Primary, scatter, their sum, and the sum behind a grid")

# %%
heart = lengths["blood"] > 60
in_lung, in_heart = (float(np.median((fog / primary)[region])) for region in (lung, heart))
print(f"S/P in the lung {in_lung:.1f}, behind the heart {in_heart:.1f}")
claim("Behind the heart there is twice as much fog as signal, or more", in_heart > 2)
claim("and far more than in the lung", in_heart > 2.5 * in_lung)

# %% [markdown] tags=["exercise"] exercise="contrast_with_scatter"
# ### Exercise: how fog eats contrast
#
# Without scatter, a nodule lowers the signal P to P - c · P: its contrast is c.
# With scatter, the same amount S of fog lies on both. Write the new contrast
# from `c` and the ratio `s_over_p` = S / P.

# %% tags=["stub"] exercise="contrast_with_scatter"
def contrast_with_scatter(c, s_over_p):
    """Contrast that is left of c when S/P times as much fog is added."""
    return ...

# %% tags=["check"] exercise="contrast_with_scatter"
check("contrast_with_scatter", contrast_with_scatter)

# %% [markdown] tags=["hint"] exercise="contrast_with_scatter"
# Contrast is the *difference* of the two signals, divided by the signal of the background.

# %% [markdown] tags=["hint"] exercise="contrast_with_scatter"
# The difference stays c · P, because the fog is the same on both. The background becomes P + S.

# %% [markdown] tags=["hint"] exercise="contrast_with_scatter"
# c · P / (P + S). Divide top and bottom by P.

# %% tags=["solution"] exercise="contrast_with_scatter"
def contrast_with_scatter(c, s_over_p):
    """Contrast that is left of c when S/P times as much fog is added."""
    return c / (1 + s_over_p)  # the difference stays, the background grows

# %% tags=["equivalent"] exercise="contrast_with_scatter"
def contrast_with_scatter(c, s_over_p):
    background, nodule = 1 + s_over_p, (1 - c) + s_over_p
    return (background - nodule) / background

# %% tags=["wrong"] exercise="contrast_with_scatter" says="infinite"
def contrast_with_scatter(c, s_over_p):
    return c / s_over_p

# %% tags=["wrong"] exercise="contrast_with_scatter" says="negative"
def contrast_with_scatter(c, s_over_p):
    return c * (1 - s_over_p)

# %% tags=["wrong"] exercise="contrast_with_scatter" says="grow"
def contrast_with_scatter(c, s_over_p):
    return c * (1 + s_over_p)

# %% tags=["wrong"] exercise="contrast_with_scatter" says="difference stays"
def contrast_with_scatter(c, s_over_p):
    return (c + s_over_p) / (1 + s_over_p)

# %% tags=["wrong"] exercise="contrast_with_scatter" says="left as it was"
def contrast_with_scatter(c, s_over_p):
    return c

# %% tags=["checker"] exercise="contrast_with_scatter"
def checker(contrast_with_scatter):
    left = contrast_with_scatter(0.2, 4.0)
    if isinstance(left, (int, float, np.number)):
        require(abs(left - 0.2) > 1e-9, "The contrast is left as it was: the background grew.")
        require(left >= 0, "A contrast cannot become negative because fog is added.")
        require(abs(left - 0.2 / 4) > 1e-9, "Without any fog your contrast would be infinite.")
        require(abs(left - 1.0) > 1e-9, "Fog cannot make contrast grow.")
        require(abs(left - 4.2 / 5) > 1e-9, "The fog lies on both: the difference stays.")
    close(left, 0.04, "With c = 0.2 and S/P = 4, the difference is 0.2 and the background 5.")
    close(contrast_with_scatter(0.3, 0.0), 0.3, "Without fog nothing must change.")

# %% [markdown]
# Check the formula on a [[nodule]] of 10 mm that replaces lung, in a body that scatters as much as
# 200 mm of water. Then put a grid into the beam.

# %%
def nodule_contrast(thickness_mm, s_over_p, grid):
    """Contrast of a nodule in the lung, with fog, behind a grid."""
    beam = tube_spectrum(120)
    water = {"water": np.array([150.0]), "lung": np.array([thickness_mm])}
    more = {"water": np.array([150.0 + thickness_mm]), "lung": np.array([0.0])}
    without, with_nodule = detector.expose(water, beam)[0][0], detector.expose(more, beam)[0][0]
    fog = grid.scatter_transmission / grid.primary_transmission * s_over_p * without
    return float((without - with_nodule) / (without + fog))


s_over_p = float(scatter.scatter_to_primary(200.0))
ideal = nodule_contrast(10, 0.0, scatter.NO_GRID)
bare = nodule_contrast(10, s_over_p, scatter.NO_GRID)
gridded = nodule_contrast(10, s_over_p, GRID)
bucky = GRID.bucky_factor(s_over_p)
print(f"contrast: {ideal:.3f} ideal, {bare:.3f} with scatter, {gridded:.3f} behind a grid")
print(f"S/P {s_over_p:.2g}, Bucky factor {bucky:.2g}, selectivity {GRID.selectivity:.2g}")
expected = ideal / (1 + s_over_p)
claim("Scatter leaves 1 / (1 + S/P) of the contrast", abs(bare / expected - 1) < 1e-3)
claim("A grid brings back more than half of it", gridded > 0.6 * ideal)
claim("and costs about four times the exposure", 3.5 < bucky < 5)

# %% [markdown] tags=["slide"]
# ## 6 Geometry: PA against AP
#
# A point source makes everything larger that is far from the film. [[Magnification]] = distance
# source-film divided by distance source-object.
#
# - **PA**: standing, film at the chest, tube at 180 cm. The heart lies near the film.
# - **AP**: at the bedside, film behind the back, tube at 100 cm. The heart is far from the film.

# %% [markdown] tags=["exercise"] exercise="magnification"
# ### Exercise: magnification
#
# Write it from the distance source to film, and the distance object to film (both in mm).

# %% tags=["stub"] exercise="magnification"
def magnification(source_to_film, object_to_film):
    """How many times larger the shadow is than the object."""
    return ...

# %% tags=["check"] exercise="magnification"
check("magnification", magnification)

# %% [markdown] tags=["hint"] exercise="magnification"
# Draw two similar triangles that share the source as their tip.

# %% [markdown] tags=["hint"] exercise="magnification"
# The shadow lies at the distance source to film. How far from the source is the object?

# %% [markdown] tags=["hint"] exercise="magnification"
# The object is `source_to_film - object_to_film` away from the source. Divide the larger by the
# smaller.

# %% tags=["solution"] exercise="magnification"
def magnification(source_to_film, object_to_film):
    """How many times larger the shadow is than the object."""
    return source_to_film / (source_to_film - object_to_film)  # similar triangles

# %% tags=["equivalent"] exercise="magnification"
def magnification(source_to_film, object_to_film):
    return 1 / (1 - object_to_film / source_to_film)

# %% tags=["wrong"] exercise="magnification" says="upside down"
def magnification(source_to_film, object_to_film):
    return (source_to_film - object_to_film) / source_to_film

# %% tags=["wrong"] exercise="magnification" says="from the source"
def magnification(source_to_film, object_to_film):
    return source_to_film / object_to_film

# %% tags=["wrong"] exercise="magnification" says="nearly right"
def magnification(source_to_film, object_to_film):
    return 1 + object_to_film / source_to_film

# %% tags=["checker"] exercise="magnification"
def checker(magnification):
    value = magnification(1000.0, 200.0)
    for wrong, message in (
        (0.8, "This is upside down: a shadow is larger than its object."),
        (5.0, "Use the distance of the object from the source, not from the film."),
        (1.2, "That is nearly right close to the film, and wrong far from it."),
    ):
        number = isinstance(value, (int, float, np.number))
        require(not number or abs(value - wrong) > 1e-9, message)
    close(value, 1.25, "Source at 1000 mm, object 200 mm from the film: 1000 / 800.")
    close(magnification(1800.0, 0.0), 1, "An object on the film is shown in its true size.")

# %% [markdown]
# Now the same patient, the same heart, two machines. We keep only the heart among the solids, and
# measure its shadow.

# %%
heart_only = tuple(part for part in patient.parts if part.name == "heart")
only_heart = replace(patient, parts=heart_only)


def heart_width(view, source_distance_mm):
    """Width of the heart's shadow on the film, mm."""
    rays = path_lengths(only_heart, view, SIZE, FIELD_MM, source_distance_mm, texture=False)
    columns = np.flatnonzero((rays.lengths["blood"] > 5).any(axis=0))
    return (columns[-1] - columns[0] + 1) * SPACING_MM


pa, ap = heart_width("PA", 1800), heart_width("AP", 1000)
print(f"heart: {pa:.0f} mm wide on the PA film, {ap:.0f} mm on the AP film")
claim("The same heart looks a tenth or more wider on the bedside AP film", ap > 1.1 * pa)

# %% tags=["slide"]
bedside = path_lengths(patient, "AP", SIZE, FIELD_MM, source_distance_mm=1000)
ap_film = take_film(bedside.lengths, 90, 2, grid=scatter.NO_GRID, distance=1000)
pictures = [chest, ap_film]
titles = [f"PA, 180 cm: heart {pa:.0f} mm", f"AP, 100 cm: heart {ap:.0f} mm"]
show(films(pictures, titles, columns=2, width=8), alt="PA and AP film of one patient, heart wider")

# %% [markdown]
# A network that learned *cardiomegaly* on PA films will call too many hearts large on the ward.
# And "AP" itself tells that the patient lies in bed, so is ill: in lesson *CheXNet* we will catch
# a network using such hints.
#
# ## 7 Sharpness: the MTF
#
# Light spreads in the [[scintillator]], a pixel averages, the focal spot is not a point. The
# [[modulation transfer function]] (MTF) tells which share of the contrast of a fine pattern is
# left, for every fineness (line pairs per mm). Blurs in a row: their MTFs multiply.
#
# One measures it on the picture of a sharp edge, slightly slanted. Across the edge: derivative,
# then [[Fourier transform]].

# %%
def slanted_edge(size=256, angle_deg=3.0, fine=4):
    """A clean edge; every pixel is the mean over its area (fine x fine points)."""
    place = (np.arange(size * fine) + 0.5) / fine - size / 2
    angle = np.radians(angle_deg)
    side = place[None, :] * np.cos(angle) + place[:, None] * np.sin(angle) > 0
    return side.reshape(size, fine, size, fine).mean(axis=(1, 3))


edge = sharpness.blur(1000 + 9000 * slanted_edge(), ELEMENT_MM, sharpness.scintillator_mtf)
noisy_edge = detector.add_noise(edge, edge, np.random.default_rng(3))
frequency, measured = sharpness.mtf_from_edge(noisy_edge, ELEMENT_MM, angle_deg=3.0)
expected = sharpness.scintillator_mtf(frequency) * sharpness.aperture_mtf(frequency, ELEMENT_MM)
nyquist = 0.5 / ELEMENT_MM  # finer patterns turn into false coarse ones
below = frequency < nyquist
claim("The MTF measured on the edge is the one that we put in",
      np.abs(measured - expected)[below].max() < 0.05)

# %% tags=["slide"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=[1, 1.7])
film(left, noisy_edge[96:160, 96:160], "a slanted edge", interpolation="nearest")
right.plot(frequency[below], measured[below], "o", ms=3, label="measured on the edge")
right.plot(frequency[below], expected[below], "k-", lw=1, label="scintillator times pixel")
pixel_mtf = sharpness.aperture_mtf(frequency, ELEMENT_MM)
right.plot(frequency[below], pixel_mtf[below], "--", label="pixel alone")
right.set(xlabel="line pairs per mm", ylabel="contrast left (MTF)", ylim=(0, 1.05))
right.legend()
show(fig, alt="A blurred slanted edge, and its MTF falling from 1 to 0.1 at the Nyquist frequency")

# %% [markdown] tags=["slide"]
# ### Play: magnify, and pay with the focal spot
#
# Bars of 1, 2, 3, 4 and 5 line pairs per mm. Magnification helps against the panel's blur, but the
# focal spot throws a half-shadow that grows with it. Find the best magnification for a spot of 0.3
# mm and of 1.5 mm. (Why does mammography use 0.1 mm for magnified views?)

# %%
BAR_MM = 0.02  # one point of the pattern


def bars():
    """Five groups of bars, 6 mm wide each: 1 to 5 line pairs per mm."""
    across = np.arange(0, 6, BAR_MM)
    groups = [(np.sin(2 * np.pi * fine * across) > 0).astype(float) for fine in range(1, 6)]
    return np.tile(np.concatenate(groups), (260, 1))


def system_mtf(frequency, magnification, focal_spot_mm):
    """MTF of panel and focal spot together, for frequencies (lp/mm) in the object."""
    panel = sharpness.scintillator_mtf(frequency / magnification)
    panel = panel * sharpness.aperture_mtf(frequency / magnification, ELEMENT_MM)
    shadow = sharpness.focal_spot_shadow(focal_spot_mm, magnification) / magnification
    return panel * sharpness.aperture_mtf(frequency, shadow)


# %%
def draw_bars(magnification, focal_spot_mm):
    seen = sharpness.blur(bars(), BAR_MM, lambda f: system_mtf(f, magnification, focal_spot_mm))
    return cv2.resize(seen, (750, 130), interpolation=cv2.INTER_AREA)


explore(
    draw_bars,
    alt="five groups of bars at the chosen magnification and focal spot; fine ones blur first",
    magnification=(1.0, 2.5, 0.05, 1.05),
    focal_spot_mm=(0.1, 2.0, 0.1, 1.0),
)

# %%
plain, fine_spot, coarse_spot = (
    float(system_mtf(3.0, *setting)) for setting in ((1.0, 0.3), (1.5, 0.3), (1.5, 1.5))
)
print(f"contrast left at 3 lp/mm: {plain:.2f} on the panel, magnified 1.5 times {fine_spot:.2f}")
print(f"with a spot of 0.3 mm and {coarse_spot:.2f} with a spot of 1.5 mm")
claim("With a fine focal spot, magnifying shows more detail", fine_spot > 1.4 * plain)
claim("with a coarse one it shows less", coarse_spot < plain)

# %% [markdown] tags=["slide"]
# ## 8 From signal to picture
#
# 1. **Logarithm**: undoes the exponential law, so grey follows the thickness.
# 2. **Inversion**: bone bright, air dark, as on film.
# 3. **Window**: the interesting range becomes 0 to 4095 (12 [[bits|bit]]).

# %% tags=["slide"]
beam = tube_spectrum(120, 2.0).at_distance(1800)
signal, variance = panel_signal(lengths, beam, GRID)
raw = detector.add_noise(signal, variance, np.random.default_rng(0), PANEL.noise_kev)
values = log_attenuation(raw, detector.open_field(beam, PANEL, ELEMENT_MM)[0])
limits = percentile_limits(values[values > 0.5], 0.5, 99.5)
steps = [raw, -values, values, to_12_bit(values, *limits)]
titles = ["signal", "logarithm", "inverted", "windowed, 12 bits"]
show(films(steps, titles), alt="The raw signal shows little; log, inversion and window make a film")

# %%
body = total > 20


def grey_share(picture, region):
    """Share of all grey levels between the darkest and the brightest hundredth of a region."""
    low, high = np.percentile(picture[region], [1, 99])
    return float((high - low) / np.ptp(picture))


before, after = (grey_share(picture.astype(float), heart) for picture in (raw, steps[3]))
print(f"of all greys the heart gets {100 * before:.0f} % at first, {100 * after:.0f} % at the end")
bright, dark = (np.percentile(raw[body], q) for q in (99, 1))
print(f"behind the body the signal varies by a factor of {bright / dark:.0f}")
claim("In the raw signal the heart gets a sixth of the greys or less", before < 1 / 6)
claim("the logarithm gives it at least three times as many", after > 3 * before)

# %% [markdown] tags=["slide"]
# ## 9 Where radiographs are used, and how they differ
#
# | | chest PA | chest AP (ward) | hand | abdomen | mammography |
# |---|---|---|---|---|---|
# | kVp | 110-140 | 85-100 | 50-60 | 70-85 | 25-32 |
# | distance | 180 cm | 100-120 cm | 110 cm | 115 cm | 65 cm |
# | grid | yes | mostly not | no | yes | yes |
# | why | ribs fade | what the ward allows | bone contrast | soft tissue, thick | tiny contrasts |
#
# The values are usual ones; departments differ.

# %% [markdown]
# ### Why mammography goes low
#
# A grain of calcification, 0.2 mm thick, in a compressed breast of 45 mm. Two things matter: its
# contrast, and how well it stands out of the noise **for the same dose to the skin**.

# %%
def calcification(kvp, target="W", metal="aluminium", sheet_mm=2.5):
    """Contrast of a 0.2 mm grain in a breast of 45 mm, and (contrast / noise)² per mGy."""
    beam = tube_spectrum(kvp, filtration_mm_al=0, target=target).filtered(metal, sheet_mm)
    breast = {"breast_gland": np.full(2, 22.0), "fat": np.full(2, 23.0)}
    breast["calcification"] = np.array([0.0, 0.2])
    mean, variance = detector.expose(breast, beam, detector.MAMMOGRAPHY_PANEL, 0.1)
    difference = mean[0] - mean[1]
    return float(difference / mean[0]), float(difference**2 / variance[0] / air_kerma(beam))


voltages = np.arange(22, 121, 2)
contrast, merit = np.array([calcification(float(kvp)) for kvp in voltages]).T
mammo_contrast, _ = calcification(28.0, "Mo", "Mo", 0.03)
best = int(voltages[np.argmax(merit)])
print(f"contrast {mammo_contrast:.2f} at 28 kV Mo/Mo, {contrast[-1]:.3f} at 120 kV W/Al")
print(f"most signal to noise for its dose with W/Al: {best} kV")
claim("At 28 kV (molybdenum) the grain has eight times the contrast of 120 kV",
      mammo_contrast > 8 * contrast[-1])
claim("for a given skin dose, the grain is seen best below 35 kV", best < 35)

# %% tags=["slide"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
left.plot(voltages, 100 * contrast, label="W, 2.5 mm Al")
left.plot(28, 100 * mammo_contrast, "o", label="Mo, 0.03 mm Mo")
left.set(xlabel="kVp", ylabel="contrast of the grain (%)", ylim=(0, None))
left.legend()
right.plot(voltages, merit / merit.max(), color=COLOURS[2])
right.set(xlabel="kVp", ylabel="(contrast/noise)² per dose", ylim=(0, None))
show(fig, alt="Contrast falls with kVp; contrast to noise squared per dose peaks near 28 kV")

# %% [markdown] tags=["instructor"]
# Short of time: skip section 7 (MTF) and section 9's plots, keep 4, 5 and 10. Question for the
# room: "Why not 20 kV for mammography, if contrast rises?" Because nothing comes through: the
# right-hand plot falls again on the left.

# %% [markdown] tags=["slide"]
# ## 10 Preparing a film for a network
#
# Most "the network is bad" stories begin here. The steps, in this order:
#
# 1. same polarity: [[MONOCHROME1]] becomes MONOCHROME2
# 2. [[percentile]] window, then min-max to 0..1
# 3. padding to a square, then resizing (average, do not skip pixels)
# 4. perhaps [[CLAHE]]

# %% [markdown] tags=["exercise"] exercise="same_polarity"
# ### Exercise: same polarity
#
# A DICOM file says `MONOCHROME2` (large values bright: bone white) or `MONOCHROME1` (large values
# dark). Write a function that returns pixels in which bone is always **large**. `bits` is the
# number of bits in use (12: values from 0 to 4095). `pixels` are unsigned 16-bit integers.

# %% tags=["stub"] exercise="same_polarity"
def bone_white(pixels, photometric, bits):
    """Pixels as MONOCHROME2, whatever the file says."""
    return ...

# %% tags=["check"] exercise="same_polarity"
check("same_polarity", bone_white)

# %% [markdown] tags=["hint"] exercise="same_polarity"
# Only one of the two kinds must change.

# %% [markdown] tags=["hint"] exercise="same_polarity"
# The smallest possible value becomes the largest possible one. With `bits` bits, the largest is 2
# to the `bits` minus 1.

# %% [markdown] tags=["hint"] exercise="same_polarity"
# If `photometric == "MONOCHROME1"`, return `(2**bits - 1) - pixels`; otherwise return `pixels`.

# %% tags=["solution"] exercise="same_polarity"
def bone_white(pixels, photometric, bits):
    """Pixels as MONOCHROME2, whatever the file says."""
    if photometric == "MONOCHROME1":
        return (2**bits - 1) - pixels  # not pixels.max(): a film without black would shift
    return pixels

# %% tags=["equivalent"] exercise="same_polarity"
def bone_white(pixels, photometric, bits):
    largest = 2**bits - 1
    return {"MONOCHROME1": largest - np.asarray(pixels, int), "MONOCHROME2": pixels}[photometric]

# %% tags=["equivalent"] exercise="same_polarity"
def bone_white(pixels, photometric, bits):
    return np.bitwise_xor(pixels, 2**bits - 1) if photometric.endswith("1") else pixels

# %% tags=["wrong"] exercise="same_polarity" says="MONOCHROME2 must stay"
def bone_white(pixels, photometric, bits):
    return (2**bits - 1) - pixels

# %% tags=["wrong"] exercise="same_polarity" says="must be turned"
def bone_white(pixels, photometric, bits):
    return pixels

# %% tags=["wrong"] exercise="same_polarity" says="8 bits"
def bone_white(pixels, photometric, bits):
    return 255 - pixels if photometric == "MONOCHROME1" else pixels

# %% tags=["wrong"] exercise="same_polarity" says="one too large"
def bone_white(pixels, photometric, bits):
    return 2**bits - pixels if photometric == "MONOCHROME1" else pixels

# %% tags=["wrong"] exercise="same_polarity" says="this picture"
def bone_white(pixels, photometric, bits):
    return pixels.max() - pixels if photometric == "MONOCHROME1" else pixels

# %% tags=["wrong"] exercise="same_polarity" says="negative"
def bone_white(pixels, photometric, bits):
    return -pixels if photometric == "MONOCHROME1" else pixels

# %% tags=["checker"] exercise="same_polarity"
def checker(bone_white):
    pixels = np.array([[100, 500], [2000, 3000]], dtype=np.uint16)
    kept = bone_white(pixels.copy(), "MONOCHROME2", 12)
    turned = bone_white(pixels.copy(), "MONOCHROME1", 12)
    as_int = pixels.astype(int)

    def is_like(wrong):  # whatever the integer type: an unsigned one wraps around
        same_shape = np.shape(turned) == wrong.shape and np.asarray(turned).dtype.kind in "iuf"
        return same_shape and np.array_equal(np.int64(turned) % 65536, wrong % 65536)

    require(kept is not None, "For one of the two kinds your function returns nothing.")
    require(np.array_equal(kept, as_int), "A film that is MONOCHROME2 must stay as it is.")
    require(not is_like(as_int), "A film that is MONOCHROME1 must be turned.")
    require(not is_like(255 - as_int), "255 is the largest value of 8 bits; here there are 12.")
    require(not is_like(4096 - as_int), "Zero would become 4096: one too large for 12 bits.")
    require(not is_like(3000 - as_int), "Use what 12 bits hold, not the maximum of this picture.")
    require(not is_like(-as_int), "Unsigned integers cannot be negative: they wrap around.")
    close(turned, 4095 - as_int, "The value 100 must become 3995.")

# %% [markdown]
# ### Windowing: one letter can spoil it
#
# Technicians put a lead letter on the film. It is brighter than any bone. Min-max then spends half
# of the greys on it; percentiles do not care.

# %% tags=["slide"]
letter = np.zeros(chest.shape, np.uint8)
cv2.putText(letter, "L", (285, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1, 3)
marked = np.where(letter == 1, 4095, chest * 0.45)  # the body uses less than half of the greys
plain = preprocess.min_max(marked)
robust = preprocess.percentile_window(marked, 0.5, 99.5)
local = preprocess.clahe(robust, clip_limit=2.0, tiles=8)
titles = ["min-max", "0.5 to 99.5 percentile", "then CLAHE"]
fig = films([plain, robust, local], titles, vmin=0, vmax=1)
show(fig, alt="Min-max is dark because of the letter; percentiles are bright; CLAHE evens out")

# %%
def used_range(picture):
    """Share of the range 0 to 1 in which 98 of 100 pixels lie."""
    return float(np.percentile(picture, 99) - np.percentile(picture, 1))


def roughness(picture, region=...):
    """Mean step from row to row in a region: local contrast, but noise as well."""
    return float(np.abs(np.gradient(picture, axis=0))[region].mean())


lungs = lengths["lung"] > 20
print(f"grey range in use: min-max {used_range(plain):.2f}, percentiles {used_range(robust):.2f}")
claim("With min-max, the letter costs half of the grey range", used_range(plain) < 0.55)
claim("percentiles give it back", used_range(robust) > 0.9)
sharper = roughness(local, lungs) / roughness(robust, lungs)
claim("CLAHE raises the local contrast in the lung by half or more", sharper > 1.5)

# %% [markdown]
# ### Square, and smaller
#
# Films are not square, networks want squares. Squeezing changes the shape of the heart; padding
# keeps it. And a film must be shrunk by *averaging*: taking every eighth pixel turns fine lines
# into false patterns ([[aliasing]]).

# %%
tall = robust[:, 40:280]  # a narrow film, 320 x 240
squeezed = preprocess.resize(tall, 160)
padded = preprocess.resize(preprocess.pad_to_square(tall), 160)
fine = radiograph(patient, size=1024, seed=7).pixels / 4095
skipped, averaged = fine[::8, ::8], preprocess.resize(fine.astype(np.float32), 128)
pictures = [squeezed, padded, skipped, averaged]
titles = ["squeezed: the heart is wide", "padded: true shape", "every 8th pixel", "averaged"]
show(films(pictures, titles, interpolation="nearest"), alt="Squeezed, padded, skipped and averaged")

# %%
claim("Skipping pixels keeps noise and false patterns that averaging removes",
      roughness(skipped) > 1.05 * roughness(averaged))

# %% [markdown] tags=["slide"]
# ## 11 Public chest films
#
# | data set | images | special |
# |---|---|---|
# | JSRT | 247 | nodules, outlines of lungs and heart |
# | Open-I (Indiana) | 8,121 of 3,996 studies | full reports |
# | ChestX-ray14 (NIH) | 112,120 | 14 labels, some boxes |
# | CheXpert (Stanford) | 224,316 | "uncertain" labels |
# | MIMIC-CXR(-JPG) | 369,188 | reports, DICOM |
# | PadChest | 160,000 | labels in Spanish |
# | VinDr-CXR | 18,000 | 28 labels, boxes by radiologists |
# | RSNA challenge (Kaggle) | part of ChestX-ray14 | pneumonia boxes |

# %% [markdown]
# You need to register for most of them; `datasets/README.md` says how. What you have downloaded is
# opened by one line, and every lesson with `dataset=` then runs on it:
#
# ```python
# from course_lib.data.chestxray14 import ChestXray14
# films = ChestXray14("folder/with/the/download")
# ```
#
# Before you train: look at 20 films. Check polarity, letters, borders, PA against AP, and that no
# patient is in two parts of the data. Lesson *CheXNet* goes on from here.

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - kVp sets energy (and contrast), mAs the number of photons (and noise); filters spare the skin.
# - Photoelectric: Z³/E³ (about Z^3.5 per gram). Compton: electrons, so density.
# - -ln(signal) adds up tissue along the ray; beams harden on the way.
# - Noise goes with 1/√dose. Scatter divides contrast by 1 + S/P; a grid repairs it and costs dose.
# - AP films magnify the heart. Fix polarity, window, shape **before** a network sees a film.

# %% [markdown]
# ## References
#
# - J. T. Bushberg et al., *The Essential Physics of Medical Imaging*, 4th ed., 2020: tube, grid,
#   MTF.
# - H. A. Kramers, Philosophical Magazine 46 (1923) 836: bremsstrahlung.
# - W. T. Elam, B. D. Ravel, J. R. Sieber, Radiation Physics and Chemistry 63 (2002) 121:
#   cross-sections.
# - J. H. Hubbell, S. M. Seltzer, NISTIR 5632 (1995): air, and compositions of tissues (ICRU-44).
# - G. Poludniowski et al., Medical Physics 48 (2021) 3630: SpekPy, our peer for the tube.
# - IEC 62220-1-1 (2015), *Characteristics of digital X-ray imaging devices*: MTF from an edge.
# - K. Zuiderveld, in *Graphics Gems IV*, 1994: CLAHE.

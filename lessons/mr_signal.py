# %% [markdown] tags=["slide"]
# ## Where the signal comes from
#
# An MR scanner has no tube and no detector for rays. It listens to the water of the body.
#
# 1. A strong magnet lines up the [[spins|spin]] of hydrogen nuclei.
# 2. A radio pulse tips them over; they turn like tops and induce a voltage in a coil.
# 3. They come to rest again: [[T1]]. They lose step: [[T2]] and [[T2*]].
# 4. *When* we pulse and *when* we listen decides which tissue is bright: [[TR]], [[TE]], [[TI]].

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib.imaging.mr import hardware, spins
from course_lib.imaging.mr.echo_train import point_spread, train_image, train_weights, width_at_half
from course_lib.imaging.mr.epg import spin_echo_train
from course_lib.imaging.mr.exact import kspace_of
from course_lib.imaging.mr.sequences import (
    CONTRASTS,
    GradientEcho,
    InversionRecovery,
    SpinEcho,
    null_time,
    weights,
)
from course_lib.imaging.mr.slices import tissue_slice, weighted
from course_lib.imaging.mr.tissues import larmor_mhz, relaxation
from course_lib.patient.brain_lesions import microbleeds, white_matter_lesions
from course_lib.patient.cohort import sample_patient
from course_lib.patient.head import head_parts
from course_lib.patient.upper_abdomen import liver_level, upper_abdomen
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.magnetisation import draw_arrows
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 Spins in a magnet
#
# A hydrogen nucleus is a tiny magnet that spins. In the scanner's field slightly more of them point
# along the field than against it. Their sum is the **magnetisation**: the arrow of this lesson.
#
# Tipped out of the field's direction, the arrow turns round it at the [[Larmor frequency]]:
#
# $$f = \frac{\gamma}{2\pi} B_0, \qquad \frac{\gamma}{2\pi} = 42.58\ \text{MHz per tesla}$$
#
# That is radio: 64 MHz at 1.5 T, 128 MHz at 3 T.

# %%
for field_t in (1.5, 3.0):
    print(f"{field_t} T: protons turn {larmor_mhz(field_t):.4g} million times a second")
claim("Twice the field, twice the frequency", larmor_mhz(3.0) == 2 * larmor_mhz(1.5))

# %% [markdown]
# Electrons shield the nuclei a little. In fat they shield more than in water, so fat protons turn
# more slowly: by 3.4 parts per million (ppm). This [[chemical shift]] sounds tiny. Is it?

# %% [markdown] tags=["exercise"] exercise="fat_shift"
# ### Exercise: how much slower does fat turn?
#
# Write `fat_shift_hz(field_t)`: by how many turns per second (Hz) fat lags behind water.
# `larmor_mhz(field_t)` gives the Larmor frequency in MHz.

# %% tags=["stub"] exercise="fat_shift"
def fat_shift_hz(field_t):
    """Frequency difference between water and fat in Hz (a positive number)."""
    return ...

# %% tags=["check"] exercise="fat_shift"
check("fat_shift", fat_shift_hz)

# %% [markdown] tags=["hint"] exercise="fat_shift"
# Parts per million *of what*? Of the Larmor frequency.

# %% [markdown] tags=["hint"] exercise="fat_shift"
# One ppm is 0.000001. One MHz is 1,000,000 Hz. What happens to the million?

# %% [markdown] tags=["hint"] exercise="fat_shift"
# ppm times MHz gives Hz: multiply 3.4 by `larmor_mhz(field_t)`.

# %% tags=["solution"] exercise="fat_shift"
def fat_shift_hz(field_t):
    """Frequency difference between water and fat in Hz (a positive number)."""
    return 3.4 * larmor_mhz(field_t)  # a millionth of a million: ppm times MHz is Hz

# %% tags=["equivalent"] exercise="fat_shift"
def fat_shift_hz(field_t):
    return 3.4e-6 * 42.577e6 * field_t

# %% tags=["wrong"] exercise="fat_shift" says="million"
def fat_shift_hz(field_t):
    return 3.4e-6 * larmor_mhz(field_t)

# %% tags=["wrong"] exercise="fat_shift" says="per cent"
def fat_shift_hz(field_t):
    return 0.034 * larmor_mhz(field_t) * 1e6

# %% tags=["wrong"] exercise="fat_shift" says="grows with the field"
def fat_shift_hz(field_t):
    return 3.4 * larmor_mhz(1.5)

# %% tags=["wrong"] exercise="fat_shift" says="positive"
def fat_shift_hz(field_t):
    return -3.4 * larmor_mhz(field_t)

# %% tags=["wrong"] exercise="fat_shift" says="difference"
def fat_shift_hz(field_t):
    return larmor_mhz(field_t) * (1 - 3.4e-6)

# %% tags=["wrong"] exercise="fat_shift" says="difference"
def fat_shift_hz(field_t):
    return larmor_mhz(field_t) * 1e6 - 3.4

# %% tags=["checker"] exercise="fat_shift"
def checker(fat_shift_hz):
    low, high = fat_shift_hz(1.5), fat_shift_hz(3.0)
    if isinstance(low, (int, float, np.number)):
        require(low > 0, "Give the difference as a positive number.")
        require(low > 1, "You are a million too small: larmor_mhz gives MHz, we want Hz.")
        full = abs(low - larmor_mhz(1.5)) > 0.1 and low < 1e7
        require(full, "That is a frequency itself; we want the difference between fat and water.")
        require(low < 1e5, "3.4 ppm is not 3.4 per cent: count the zeros again.")
        require(abs(high - low) > 1, "The difference grows with the field.")
    close(low, 217.1, "At 1.5 T think of 3.4 millionths of 63.9 MHz.")
    close(high, 434.3, "At 3 T the Larmor frequency is twice as high.")

# %% [markdown]
# About 217 Hz at 1.5 T. Every 4.6 ms fat loses one full turn against water; half way, at 2.3 ms,
# both point in opposite directions and cancel where they share a voxel. Radiologists use this to
# find fat in the liver and in adrenal adenomas ("opposed phase").

# %%
opposed_ms = 1000 / (2 * 3.4 * larmor_mhz(1.5))
pair = spins.at_rest(offset_hz=[0.0, -3.4 * larmor_mhz(1.5)]).pulse(90, "y")
together, against = abs(pair.signal), abs(pair.wait(opposed_ms).signal)
print(f"half water, half fat: signal {together:.2f} at once, {against:.2f} after {opposed_ms:.2f} ms")
claim("After 2.3 ms at 1.5 T equal amounts of fat and water cancel", against < 1e-6)

# %% [markdown] tags=["slide"]
# ## 2 Excitation: tipping the arrow
#
# We now ride on the turntable: coordinates turn with the Larmor frequency, so an undisturbed arrow
# stands still.
#
# - A **radio pulse** at just this frequency tips the arrow by the [[flip angle]].
# - Only the part **across** the field (x, y) gives a signal.
# - 90°: all signal. 180°: the arrow points down: none. Small angles cost little of what is stored
#   along z.

# %% tags=["slide"]
fig, axes = plt.subplots(1, 4, figsize=(10, 2.9))
for ax, flip in zip(axes, (0, 30, 90, 180), strict=True):
    angles = np.linspace(0, flip, 30)
    path = np.concatenate([spins.at_rest().pulse(angle, "y").magnetisation for angle in angles])
    across = abs(spins.at_rest().pulse(flip, "y").signal)
    draw_arrows(ax, path[-1:], f"{flip}°: signal {across:.2f}", path=path)
show(fig, alt="The arrow of magnetisation after pulses of 0, 30, 90 and 180 degrees about y")

# %%
small = spins.at_rest().pulse(15, "y")
print(f"15°: signal {abs(small.signal):.3f}, left along the field {small.magnetisation[0, 2]:.3f}")
claim("A pulse of 15° gives a quarter of the signal", abs(abs(small.signal) - 0.26) < 0.005)
claim("and spends only 3 % of what is stored along the field", small.magnetisation[0, 2] > 0.96)

# %% [markdown] tags=["slide"]
# ### Only one slice
#
# A [[gradient]] makes the field, and so the frequency, grow along the body. A pulse that contains
# only a band of frequencies then tips only one slice. The pulse is shaped like a *sinc*, because
# the slice should be a rectangle, and one is the [[Fourier transform]] of the other.

# %% tags=["slide"]
GRADIENT_HZ_PER_MM = 400.0  # about 9.4 mT/m
place = np.linspace(-8, 8, 321)
fig, ax = plt.subplots(figsize=(7, 3.2))
for lobes, style in ((2, "--"), (6, "-")):
    tipped = spins.selective_pulse(90, 3.0, lobes, GRADIENT_HZ_PER_MM * place).magnetisation
    across = np.hypot(tipped[:, 0], tipped[:, 1])
    ax.plot(place, across, style, label=f"sinc with {lobes} lobes in 3 ms")
ax.set(xlabel="position along the gradient (mm)", ylabel="signal", ylim=(0, 1.1))
ax.legend(loc="upper right")
show(fig, alt="Slice profiles: six lobes give a wider, nearly rectangular slice than two")

# %%
thickness = np.ptp(place[across > 0.5])
bandwidth = 6 / 3.0 * 1000  # lobes / ms, in Hz
print(f"bandwidth {bandwidth:.0f} Hz over {GRADIENT_HZ_PER_MM:.0f} Hz/mm: {thickness:.2g} mm thick")
claim("Slice thickness is bandwidth divided by gradient, within a tenth or so",
      abs(thickness / (bandwidth / GRADIENT_HZ_PER_MM) - 1) < 0.12)

# %% [markdown] tags=["slide"]
# ## 3 Relaxation: the way back
#
# - **[[T1]]**: the arrow grows back along the field. Spins hand energy to their surroundings.
#   After T1, 63 % of the way is done.
# - **[[T2]]**: the part across the field shrinks. Spins disturb each other and lose step.
#   After T2, 37 % is left.
#
# T2 is always shorter. Both belong to the tissue, and T1 also to the field.

# %% tags=["slide"]
names = ["white_matter", "grey_matter", "csf", "fat"]
t1_time, t2_time = np.linspace(0, 5000, 200), np.linspace(0, 400, 200)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
for name in names:
    r = relaxation(name, 3.0)
    style = "--" if name == "fat" else "-"  # its T2 is nearly that of white matter
    left.plot(t1_time, 1 - np.exp(-t1_time / r.t1_ms), style, label=name.replace("_", " "))
    right.plot(t2_time, np.exp(-t2_time / r.t2_ms), style, label=name.replace("_", " "))
left.set(xlabel="ms after a 90° pulse", ylabel="back along the field (T1)")
right.set(xlabel="ms after a 90° pulse", ylabel="left across the field (T2)")
left.legend(loc="lower right")
show(fig, alt="T1 recovery is fastest in fat and slowest in CSF; T2 decay likewise")

# %%
print("ms at 3 T (and T1 at 1.5 T)")
for name in ("white_matter", "grey_matter", "csf", "fat", "liver", "muscle"):
    high, low = relaxation(name, 3.0), relaxation(name, 1.5)
    print(f"{name:13} T1 {high.t1_ms:5.0f} ({low.t1_ms:5.0f})   T2 {high.t2_ms:5.0f}", end="")
    print(f"   T2* {high.t2star_ms:4.0f}   proton density {high.pd:.2f}")
claim("T1 grows with the field in brain, liver and muscle",
      all(relaxation(n, 3.0).t1_ms > relaxation(n, 1.5).t1_ms
          for n in ("white_matter", "grey_matter", "liver", "muscle")))

# %% [markdown]
# The numbers are means of published measurements (`course_lib/imaging/mr/tissues.py` names them).
# People and papers differ by 10 to 20 %.

# %% [markdown] tags=["slide"]
# ## 4 Losing step, and the echo
#
# No magnet is perfect, and the patient disturbs it: air in the sinuses, iron in the blood. Some
# spins turn faster than others, and their arrows fan out. The sum fades with **[[T2*]]**, faster
# than T2.
#
# - A **180° pulse** mirrors the fan. Who was ahead is now behind, and still faster (follow the green one).
# - After the same time again, all meet: a [[spin echo]].

# %% tags=["slide"]
OFFSETS = np.linspace(-14, 14, 9)  # Hz: nine groups of spins in slightly different fields
HALF_MS = 15.0


def spins_at(time_ms, offsets_hz=OFFSETS):
    """Spins of white matter `time_ms` after a 90° pulse; a 180° pulse comes at HALF_MS."""
    tipped = spins.at_rest(1084, 69, offsets_hz).pulse(90, "y")
    if time_ms <= HALF_MS:
        return tipped.wait(time_ms)
    return tipped.wait(HALF_MS).pulse(180, "x").wait(time_ms - HALF_MS)


fig, axes = plt.subplots(1, 4, figsize=(10, 2.9))
moments = {"after 90°": 0, "15 ms: fanned out": HALF_MS, "just after 180°": HALF_MS + 1e-6,
           "30 ms: echo": 2 * HALF_MS}  # fmt: skip
for ax, (title, time_ms) in zip(axes, moments.items(), strict=True):
    draw_arrows(ax, spins_at(time_ms).magnetisation, title, follow=-1)
show(fig, alt="Nine arrows fan out, are mirrored by the 180 degree pulse, and meet again; the fastest is green")

# %% [markdown] tags=["slide"]
# ### Play: the Bloch equation
#
# Move the time slowly through the 180° pulse at 15 ms. The orange arrow is the sum: the signal.
# Watch how much comes back at 30 ms: not all, for T2 itself cannot be undone.

# %%
FIELD = spins.uneven_field(801, t2prime_ms=12.0)  # many spins for a smooth curve
curve_ms = np.linspace(0, 50, 201)
curve = np.array([abs(spins_at(t, FIELD).signal) for t in curve_ms])


def draw_moment(time_ms):
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4), width_ratios=[1, 1.7])
    draw_arrows(left, spins_at(time_ms).magnetisation, f"{time_ms:g} ms", follow=-1)
    right.plot(curve_ms, curve, label="signal")
    right.plot(curve_ms, np.exp(-curve_ms / 69), "k:", label="T2 alone")
    right.axvline(time_ms, color=COLOURS[1])
    right.set(xlabel="ms", ylabel="signal", ylim=(0, 1.05))
    right.legend()
    return fig


explore(
    draw_moment,
    alt="arrows of nine groups of spins at the chosen time, and the signal with its echo at 30 ms",
    time_ms=(0.0, 50.0, 0.5, 22.0),
)

# %%
echo, before = np.interp([30.0, 15.0], curve_ms, curve)
print(f"signal {before:.2f} just before the 180° pulse, {echo:.2f} at the echo")
claim("The echo is what T2 leaves, whatever the field did", abs(echo - np.exp(-30 / 69)) < 0.01)

# %% [markdown] tags=["exercise"] exercise="write_spin_echo"
# ### Exercise: write the sequence
#
# `tissue` is a group of spins at rest. It understands `tissue.pulse(angle, axis)` (axis `"x"` or
# `"y"`), `tissue.wait(ms)` and `tissue.signal`; pulses and waits return the new spins, so they can
# be chained. Play a spin echo with echo time `te`, and return the size of its signal.

# %% tags=["stub"] exercise="write_spin_echo"
def spin_echo_signal(tissue, te):
    """Size of the signal at the echo, `te` ms after the 90° pulse."""
    return ...

# %% tags=["check"] exercise="write_spin_echo"
check("write_spin_echo", spin_echo_signal)

# %% [markdown] tags=["hint"] exercise="write_spin_echo"
# Two pulses and two waits. The echo comes as long after the 180° pulse as that came after the 90°
# pulse.

# %% [markdown] tags=["hint"] exercise="write_spin_echo"
# The two waits are equal and add up to `te`. Look at `spins_at` above: it does nearly this.

# %% [markdown] tags=["hint"] exercise="write_spin_echo"
# `tissue.pulse(90, "y").wait(te / 2)`, then a 180° pulse about x, then wait again. `abs(...)` of
# its `.signal`.

# %% tags=["solution"] exercise="write_spin_echo"
def spin_echo_signal(tissue, te):
    """Size of the signal at the echo, `te` ms after the 90° pulse."""
    fanned = tissue.pulse(90, "y").wait(te / 2)
    return abs(fanned.pulse(180, "x").wait(te / 2).signal)  # mirrored, they meet again

# %% tags=["equivalent"] exercise="write_spin_echo"
def spin_echo_signal(tissue, te):
    return abs(tissue.pulse(90, "x").wait(te / 2).pulse(180, "x").wait(te / 2).signal)

# %% tags=["equivalent"] exercise="write_spin_echo"
def spin_echo_signal(tissue, te):
    for angle, axis in ((90, "y"), (180, "y")):
        tissue = tissue.pulse(angle, axis).wait(0.5 * te)
    return np.abs(tissue.signal)

# %% tags=["wrong"] exercise="write_spin_echo" says="fan out"
def spin_echo_signal(tissue, te):
    return abs(tissue.pulse(90, "y").wait(te).signal)

# %% tags=["wrong"] exercise="write_spin_echo" says="too late"
def spin_echo_signal(tissue, te):
    return abs(tissue.pulse(90, "y").wait(te).pulse(180, "x").wait(te).signal)

# %% tags=["wrong"] exercise="write_spin_echo" says="new spins"
def spin_echo_signal(tissue, te):
    tissue.pulse(90, "y").wait(te / 2).pulse(180, "x").wait(te / 2)
    return abs(tissue.signal)

# %% tags=["wrong"] exercise="write_spin_echo" says="first tips"
def spin_echo_signal(tissue, te):
    return abs(tissue.pulse(180, "x").wait(te / 2).pulse(90, "y").wait(te / 2).signal)

# %% tags=["wrong"] exercise="write_spin_echo" says="wait once more"
def spin_echo_signal(tissue, te):
    return abs(tissue.pulse(90, "y").wait(te / 2).pulse(180, "x").signal)

# %% tags=["wrong"] exercise="write_spin_echo" says="in degrees"
def spin_echo_signal(tissue, te):
    return abs(tissue.pulse(np.pi / 2, "y").wait(te / 2).pulse(np.pi, "x").wait(te / 2).signal)

# %% tags=["wrong"] exercise="write_spin_echo" says="size"
def spin_echo_signal(tissue, te):
    return tissue.pulse(90, "y").wait(te / 2).pulse(180, "x").wait(te / 2).signal

# %% tags=["checker"] exercise="write_spin_echo"
def checker(spin_echo_signal):
    tissue = spins.at_rest(900.0, 70.0, spins.uneven_field(401, 10.0))
    value = spin_echo_signal(tissue, 40.0)
    tipped = tissue.pulse(90, "y")
    upside = tissue.pulse(180, "x").wait(20).pulse(90, "y").wait(20)
    tiny = tissue.pulse(np.pi / 2, "y").wait(20).pulse(np.pi, "x").wait(20)
    if isinstance(value, (complex, np.complexfloating)):
        require(False, "Return the size of the signal: its absolute value.")
    if isinstance(value, (int, float, np.number)):
        value_size = abs(value)
        require(value_size > 1e-9, "No signal: pulse and wait return new spins; keep those.")
        for wrong, message in (
            (tipped.wait(40.0), "Without a 180° pulse the arrows only fan out."),
            (tipped.wait(40).pulse(180, "x").wait(40), "Your echo comes too late: at twice te."),
            (tipped.wait(20).pulse(180, "x"), "The fan is mirrored, but still open: wait once more."),
            (tiny, "pulse wants its angles in degrees."),
            (upside, "The 90° pulse first tips; the 180° pulse then mirrors the fan."),
        ):
            require(abs(value_size - abs(wrong.signal)) > 1e-4, message)
    close(value, np.exp(-40 / 70), "With T2 = 70 ms and te = 40 ms exp(-40/70) must come back.")
    close(spin_echo_signal(tissue, 90.0), np.exp(-90 / 70), "And for te = 90 ms as well.")

# %% [markdown] tags=["instructor"]
# Act it out: five students walk from a line at different speeds, you call "about turn", and all
# arrive at the line together. Ask: "What if somebody changes speed on the way?" That is T2 (and
# diffusion), and it cannot be undone.

# %% [markdown] tags=["slide"]
# ## 5 Contrast: when to pulse and when to listen
#
# Repeat every **TR**, listen after **TE**. A spin echo gives (see `sequences.py`)
#
# $$S \approx \text{PD}\,\bigl(1 - e^{-TR/T_1}\bigr)\,e^{-TE/T_2}$$
#
# - short TR, short TE: differences in T1: **T1-weighted**, fat bright, fluid dark
# - long TR, long TE: differences in T2: **T2-weighted**, fluid bright
# - long TR, short TE: neither: **proton density**

# %%
patient = sample_patient(7)  # the patient of the lesson Radiography
lesions = (white_matter_lesions(2, count=16), microbleeds(3))
head = head_parts(patient.seed, patient.age, patient.sex, lesions)
FOV_MM, LEVEL_MM = 230.0, 18.0
slices = {
    "head": tissue_slice(head, LEVEL_MM, FOV_MM, 256, thickness_mm=3),
    "abdomen": tissue_slice(upper_abdomen(patient), liver_level(patient), 360, 256),
}


def picture(sequence, subject="head", field_t=3.0):
    """The slice with the sequence's contrast; the brain (or liver) gets medium grey."""
    shares = slices[subject]
    values = weights(sequence, shares, field_t)
    white = 1.8 * max(values["white_matter" if subject == "head" else "liver"], 0.05)
    if subject == "head":
        white = max(white, 0.8 * values["csf"])  # where fluid is bright, grey matter stays grey
    return np.clip(weighted(shares, values) / white, 0, 1)


# %% tags=["slide"]
four = ["T1", "PD", "T2", "FLAIR"]
show(films([picture(name) for name in four], four), alt="One slice of a head, four contrasts")

# %% [markdown] tags=["exercise", "slide"] exercise="name_the_contrast"
# ### Exercise: read the numbers
#
# Three settings of a spin echo at 3 T, TR / TE in ms: **A** 4500 / 95, **B** 600 / 12,
# **C** 4000 / 15. And **D**: inversion with TI 2600 before a spin echo of 9000 / 100.
# Which is which? Replace each `...` by `"T1"`, `"T2"`, `"PD"` or `"FLAIR"`.

# %% tags=["stub"] exercise="name_the_contrast"
a = ...
b = ...
c = ...
d = ...

# %% tags=["check"] exercise="name_the_contrast"
check("name_the_contrast", a, b, c, d)

# %% [markdown] tags=["hint"] exercise="name_the_contrast"
# A short TR leaves tissues with a long T1 no time to recover. A long TE leaves tissues with a
# short T2 nothing to say.

# %% [markdown] tags=["hint"] exercise="name_the_contrast"
# First find the one with a short TR. Of the two with long TR and no inversion, which has the long
# TE?

# %% [markdown] tags=["hint"] exercise="name_the_contrast"
# An inversion with a long TI makes fluid vanish: FLAIR. Long TR with long TE: T2. What is left?

# %% tags=["solution"] exercise="name_the_contrast"
a = "T2"  # long TR: T1 does not matter; long TE: T2 does
b = "T1"  # short TR: T1 decides; short TE: T2 has no time
c = "PD"  # long TR, short TE: neither has a say
d = "FLAIR"  # fluid is crossing zero when the 90° pulse comes

# %% tags=["equivalent"] exercise="name_the_contrast"
a, b, c, d = "t2", "t1", "pd", "flair"

# %% tags=["wrong"] exercise="name_the_contrast" says="short TR"
a, b, c, d = "T1", "T2", "PD", "FLAIR"

# %% tags=["wrong"] exercise="name_the_contrast" says="short TE"
a, b, c, d = "PD", "T1", "T2", "FLAIR"

# %% tags=["wrong"] exercise="name_the_contrast" says="inversion"
a, b, c, d = "FLAIR", "T1", "PD", "T2"

# %% tags=["wrong"] exercise="name_the_contrast" says="one of"
a, b, c, d = "bright", "T1", "PD", "FLAIR"

# %% tags=["checker"] exercise="name_the_contrast"
def checker(*answers):
    names = [str(answer).strip().upper() for answer in answers]
    for name in names:
        require(name in ("T1", "T2", "PD", "FLAIR"), "Each answer is one of T1, T2, PD, FLAIR.")
    a, b, c, d = names
    require(d == "FLAIR", "Only D has an inversion: which contrast needs one?")
    require(b == "T1", "B has a short TR: which relaxation has no time to finish?")
    require(c == "PD", "C has a long TR and a short TE: neither T1 nor T2 has much say.")
    require(a == "T2", "A has a long TE: which relaxation has gone on longest?")

# %%
for name in four:
    values = weights(name, ["white_matter", "grey_matter", "csf"])
    print(f"{name:6}", ", ".join(f"{tissue} {values[tissue]:.3f}" for tissue in list(values)[1:]))
t1, t2, flair = (weights(name, slices["head"]) for name in ("T1", "T2", "FLAIR"))
claim("White matter is brighter than grey on T1, darker on T2",
      t1["white_matter"] > t1["grey_matter"] and t2["white_matter"] < t2["grey_matter"])
claim("FLAIR keeps lesions bright where T2 hides them beside bright fluid",
      flair["white_matter_lesion"] > 20 * flair["csf"]
      and t2["white_matter_lesion"] < t2["csf"])

# %% [markdown] tags=["slide"]
# ### Play: you set TR, TE and TI
#
# The same patient twice: head and abdomen. TI = 0 means no inversion. Try to
#
# 1. get a T1 picture, then turn it into a T2 picture with two sliders;
# 2. make fluid black and keep the rest bright (watch the white-matter lesions);
# 3. make fat black in the abdomen; then change the field and do it again.

# %%
def draw_contrast(subject, tr, te, ti, field_t):
    plain, inverted = SpinEcho(max(tr, te), te), InversionRecovery(max(tr, ti + te), te, ti)
    sequence = inverted if ti > 0 else plain
    return np.kron(picture(sequence, subject, field_t), np.ones((2, 2)))  # twice as large


explore(
    draw_contrast,
    alt="slice of head or abdomen with the contrast of the chosen TR, TE and TI",
    subject=["head", "abdomen"],
    tr=(100, 10000, 100, 4500),
    te=(5, 200, 5, 95),
    ti=(0, 4000, 10, 0),
    field_t=[3.0, 1.5],
)

# %% tags=["slide"]
show(
    films([picture(name, "abdomen", 1.5) for name in ("T1", "T2", "STIR")],
          ["T1", "T2", "STIR at 1.5 T, timed for 3 T"], columns=3),
    alt="Upper abdomen: fat bright on T1; fluid bright on T2; on STIR fat is dark but not black",
)  # fmt: skip

# %% [markdown] tags=["slide"]
# ## 6 Inversion recovery: making one tissue vanish
#
# A 180° pulse turns all arrows upside down. On its way up each passes **zero**, at a time that
# depends on its T1. Start the spin echo at that moment, and this tissue is silent.
#
# - **FLAIR** silences fluid (long T1, long TI)
# - **STIR** silences fat (short T1, short TI)

# %% tags=["slide"]
time = np.linspace(0, 4000, 400)
fig, ax = plt.subplots(figsize=(7, 3.4))
for name in ("fat", "white_matter", "grey_matter", "csf"):
    t1_ms = relaxation(name).t1_ms
    line = ax.plot(time, 1 - 2 * np.exp(-time / t1_ms), label=name.replace("_", " "))[0]
    ax.plot(null_time(t1_ms), 0, "o", color=line.get_color())
ax.axhline(0, color="k", lw=0.8)
ax.set(xlabel="ms after the 180° pulse", ylabel="magnetisation along the field")
ax.legend(loc="lower right")
show(fig, alt="Recovery from -1 to 1 for four tissues; fat crosses zero first, CSF last")

# %% [markdown] tags=["exercise"] exercise="stir_copied"
# ### Exercise: break it, measure it, mend it
#
# The abdomen above has a fault: somebody copied a STIR protocol from the 3 T scanner to the 1.5 T
# one, and the fat is not black. Write `silent_ti(t1)`: the TI at which a tissue of this T1 (ms)
# gives no signal, when TR is very long.

# %% tags=["stub"] exercise="stir_copied"
def silent_ti(t1):
    """TI in ms at which a tissue with this T1 crosses zero."""
    return ...

# %% tags=["check"] exercise="stir_copied"
check("stir_copied", silent_ti)

# %% [markdown] tags=["hint"] exercise="stir_copied"
# After the inversion the magnetisation is 1 - 2 exp(-TI/T1). When is that zero?

# %% [markdown] tags=["hint"] exercise="stir_copied"
# exp(-TI/T1) must be one half. Take the logarithm of both sides.

# %% [markdown] tags=["hint"] exercise="stir_copied"
# -TI/T1 = ln(1/2) = -ln 2. So TI is T1 times `np.log(2)`.

# %% tags=["solution"] exercise="stir_copied"
def silent_ti(t1):
    """TI in ms at which a tissue with this T1 crosses zero."""
    return t1 * np.log(2)  # half way back from -1 to +1

# %% tags=["equivalent"] exercise="stir_copied"
def silent_ti(t1):
    return -t1 * math.log(0.5)

# %% tags=["equivalent"] exercise="stir_copied"
def silent_ti(t1):
    return 0.693147 * t1

# %% tags=["wrong"] exercise="stir_copied" says="63 %"
def silent_ti(t1):
    return t1

# %% tags=["wrong"] exercise="stir_copied" says="natural"
def silent_ti(t1):
    return t1 * np.log10(2)

# %% tags=["wrong"] exercise="stir_copied" says="middle of the time"
def silent_ti(t1):
    return t1 / 2

# %% tags=["wrong"] exercise="stir_copied" says="before the inversion"
def silent_ti(t1):
    return t1 * np.log(0.5)

# %% tags=["checker"] exercise="stir_copied"
def checker(silent_ti):
    value = silent_ti(1000.0)
    if isinstance(value, (int, float, np.number)):
        require(value > 0, "A negative TI would lie before the inversion.")
        require(abs(value - 1000) > 1, "After T1 a tissue has gone 63 % of the way: past zero.")
        require(abs(value - 301.03) > 1, "Use the natural logarithm, np.log.")
        require(abs(value - 500) > 1, "Half the way is not the middle of the time.")
    close(value, 693.147, "For T1 = 1000 ms solve 1 - 2 exp(-TI/1000) = 0.")
    close(silent_ti(343.0), 237.75, "And for fat at 1.5 T (343 ms).")

# %%
fat_15, fat_30 = (relaxation("fat", field).t1_ms for field in (1.5, 3.0))
left_over = {
    name: abs(InversionRecovery(20_000, 40, ti).signal(relaxation("fat", 1.5)))
    for name, ti in (("copied from 3 T", null_time(fat_30)), ("timed for 1.5 T", null_time(fat_15)))
}
for name, signal in left_over.items():
    print(f"{name}: fat gives {signal:.3f}")
claim("Timed for the right field, fat is silent", left_over["timed for 1.5 T"] < 0.001)
claim("with the copied TI it is not", left_over["copied from 3 T"] > 0.02)

# %% [markdown] tags=["instructor"]
# Typical mistake: TI = T1. Ask where a tissue stands after one T1 (63 % of the way from -1 to +1,
# so at +0.26). Second question: "Why is STIR after gadolinium a bad idea?" Enhancing tissue may
# have the same T1 as fat, and vanish with it: STIR silences a T1, not a tissue.

# %% [markdown] tags=["slide"]
# ## 7 Gradient echo: fast, and honest about T2*
#
# Leave out the 180° pulse, use a small flip angle, repeat after milliseconds: the [[gradient echo]].
#
# - Nothing mirrors the fan, so the signal fades with **T2\***: iron and calcium turn black.
# - Which angle gives most signal? Too small: little is tipped. Too large: nothing has recovered.
#   The best is the [[Ernst angle]].

# %% tags=["slide"]
pictures = [picture(SpinEcho(3000, 20)), picture(GradientEcho(700, 20, 20)),
            picture(GradientEcho(700, 45, 20))]  # fmt: skip
titles = ["spin echo, TE 20", "gradient echo, TE 20", "gradient echo, TE 45"]
show(films(pictures, titles, columns=3),
     alt="Two microbleeds: dark grey on the spin echo, black on gradient echoes; veins darken with TE")

# %%
bleed, white = relaxation("microbleed"), relaxation("white_matter")
ratios = {
    name: sequence.signal(bleed) / sequence.signal(white)
    for name, sequence in (("spin echo, TE 20", SpinEcho(3000, 20)),
                           ("gradient echo, TE 20", GradientEcho(700, 20, 20)))
}  # fmt: skip
for name, ratio in ratios.items():
    print(f"{name}: a microbleed gives {ratio:.2f} of white matter's signal")
claim("At the same TE only the gradient echo shows the bleed as black",
      ratios["gradient echo, TE 20"] < 0.02 < 0.3 < ratios["spin echo, TE 20"])

# %% [markdown]
# Real microbleeds also look larger than they are: their iron spoils the field of the neighbours
# ("blooming"). Here each tissue only has a T2\* of its own, so the dots keep their size.

# %% [markdown] tags=["exercise"] exercise="best_flip"
# ### Exercise: find the best angle
#
# The signal of a gradient echo goes with sin(a) · (1 - E) / (1 - E · cos(a)), where
# E = exp(-TR/T1). Write `best_flip(t1, tr)`: the angle in **degrees** with the most signal, to half
# a degree or better. Search for it with numpy, or find the formula.

# %% tags=["stub"] exercise="best_flip"
def best_flip(t1, tr):
    """Flip angle in degrees that gives the most signal."""
    return ...

# %% tags=["check"] exercise="best_flip"
check("best_flip", best_flip)

# %% [markdown] tags=["hint"] exercise="best_flip"
# Compute the signal for many angles between 0 and 90 degrees and take the largest. Mind that
# `np.sin` wants radians.

# %% [markdown] tags=["hint"] exercise="best_flip"
# `angles = np.linspace(0, 90, 9001)`, then `signal[...]`, then `angles[np.argmax(signal)]`.
# By calculus: set the derivative to zero; what is left is cos(a) = something simple.

# %% [markdown] tags=["hint"] exercise="best_flip"
# cos(a) = E. So the angle is `np.degrees(np.arccos(np.exp(-tr / t1)))`.

# %% tags=["solution"] exercise="best_flip"
def best_flip(t1, tr):
    """Flip angle in degrees that gives the most signal."""
    return np.degrees(np.arccos(np.exp(-tr / t1)))  # the Ernst angle

# %% tags=["equivalent"] exercise="best_flip"
def best_flip(t1, tr):
    angles = np.linspace(0, 90, 20001)
    e, a = np.exp(-tr / t1), np.radians(angles)
    return angles[np.argmax(np.sin(a) * (1 - e) / (1 - e * np.cos(a)))]

# %% tags=["equivalent"] exercise="best_flip"
def best_flip(t1, tr):
    angles, e = np.arange(91), np.exp(-tr / t1)  # to one degree: good enough for a scanner
    a = np.deg2rad(angles)
    return int(angles[np.argmax(np.sin(a) * (1 - e) / (1 - e * np.cos(a)))])

# %% tags=["wrong"] exercise="best_flip" says="radians"
def best_flip(t1, tr):
    a, e = np.linspace(0, 90, 9001), np.exp(-tr / t1)
    return a[np.argmax(np.sin(a) * (1 - e) / (1 - e * np.cos(a)))]

# %% tags=["wrong"] exercise="best_flip" says="most signal itself"
def best_flip(t1, tr):
    a, e = np.radians(np.linspace(0, 90, 9001)), np.exp(-tr / t1)
    return np.max(np.sin(a) * (1 - e) / (1 - e * np.cos(a)))

# %% tags=["wrong"] exercise="best_flip" says="its place"
def best_flip(t1, tr):
    a, e = np.radians(np.linspace(0, 90, 9001)), np.exp(-tr / t1)
    return np.argmax(np.sin(a) * (1 - e) / (1 - e * np.cos(a)))

# %% tags=["wrong"] exercise="best_flip" says="degrees"
def best_flip(t1, tr):
    return np.arccos(np.exp(-tr / t1))

# %% tags=["wrong"] exercise="best_flip" says="always 90"
def best_flip(t1, tr):
    return 90.0

# %% tags=["wrong"] exercise="best_flip" says="swapped"
def best_flip(t1, tr):
    return np.degrees(np.arccos(np.exp(-t1 / tr)))

# %% tags=["wrong"] exercise="best_flip" says="cosine"
def best_flip(t1, tr):
    return np.degrees(np.arcsin(np.exp(-tr / t1)))

# %% tags=["checker"] exercise="best_flip"
def checker(best_flip):
    value, other = best_flip(1000.0, 10.0), best_flip(380.0, 100.0)
    if isinstance(other, (int, float, np.number)):
        require(abs(other - 88.72) > 0.1, "T1 and TR are swapped.")
        require(abs(other - 90) > 0.1, "Is it always 90 for you? Short TR wants a smaller angle.")
        require(other <= 90, "No angle: argmax gives its place in your list of angles.")
        turns = (other - np.radians(39.78)) / (2 * np.pi)
        require(abs(turns - round(turns)) > 0.003,
                "Radians and degrees are mixed: np.sin and np.cos want radians, we want degrees.")
        require(abs(other - 0.362) > 0.002, "This is the most signal itself; we want its angle.")
        require(abs(other - 50.22) > 0.1, "Sine or cosine? Set the derivative to zero again.")
    close(value, 8.0962, "T1 = 1000 ms and TR = 10 ms need a small angle.", rtol=0.065)
    close(other, 39.78, "And T1 = 380 ms with TR = 100 ms.", rtol=0.013)

# %% tags=["slide"]
angle = np.linspace(0, 90, 181)
fig, ax = plt.subplots(figsize=(7, 3.2))
for name in ("fat", "white_matter", "grey_matter", "csf"):
    r = relaxation(name)
    values = [GradientEcho(10, 3, a).signal(r) for a in angle]
    line = ax.plot(angle, values, label=name.replace("_", " "))[0]
    ax.plot(angle[np.argmax(values)], max(values), "o", color=line.get_color())
ax.set(xlabel="flip angle (degrees)", ylabel="signal", title="Gradient echo, TR 10 ms, TE 3 ms")
ax.legend()
show(fig, alt="Signal against flip angle; each tissue has its best angle, from 4 to 13 degrees")

# %% [markdown] tags=["slide"]
# ## 8 Turbo spin echo: a train of echoes
#
# After one 90° pulse, send many 180° pulses and fill one row of [[k-space]] (the raw data of the
# picture; lesson *k-space*) with each echo: 16 echoes, 16 times faster. Two prices:
#
# - Late echoes are weak. Rows at the edge of k-space, which hold the fine detail, fade: **blur**
#   along one direction, different for every tissue.
# - Many 180° pulses heat the patient. Smaller angles work too: part of the signal waits along the
#   field and comes back later (*stimulated echoes*).

# %% tags=["slide"]
SPACING_MS, ECHOES = 4.824, 48
r = relaxation("white_matter")
number = np.arange(1, ECHOES + 1) * SPACING_MS
fig, ax = plt.subplots(figsize=(7, 3.2))
for angle_deg in (180, 120, 60):
    train = spin_echo_train(r.t1_ms, r.t2_ms, ECHOES, SPACING_MS, angle_deg)
    ax.plot(number, train, ".-", label=f"{angle_deg}° pulses")
ax.plot(number, np.exp(-number / r.t2_ms), "k:", label="exp(-t/T2)")
ax.set(xlabel="ms after excitation", ylabel="size of the echo", ylim=(0, 1))
ax.legend()
show(fig, alt="Echo trains of white matter for refocusing pulses of 180, 120 and 60 degrees")

# %%
full, weak = (spin_echo_train(r.t1_ms, r.t2_ms, ECHOES, SPACING_MS, a) for a in (180, 60))
power = (60 / 180) ** 2
print(f"60° pulses: {power:.2f} of the power; last echo {weak[-1]:.3f} against {full[-1]:.3f}")
claim("With 180° pulses the train decays with T2 alone", np.allclose(full, np.exp(-number / r.t2_ms)))
claim("with 60° pulses the first echoes are weaker and the last ones stronger",
      weak[0] < full[0] and weak[-1] > full[-1])

# %% [markdown] tags=["exercise"] exercise="tse_minutes"
# ### Exercise: how long does it take?
#
# A picture needs `rows` rows of k-space. Every TR gives one train with `echoes` rows.
# Write `scan_minutes(tr, rows, echoes)`; TR is in ms. A train that is only partly needed still
# takes a whole TR.

# %% tags=["stub"] exercise="tse_minutes"
def scan_minutes(tr, rows, echoes):
    """Scan time in minutes."""
    return ...

# %% tags=["check"] exercise="tse_minutes"
check("tse_minutes", scan_minutes)

# %% [markdown] tags=["hint"] exercise="tse_minutes"
# How many trains do you need for all rows? Each takes one TR.

# %% [markdown] tags=["hint"] exercise="tse_minutes"
# The number of trains is rows / echoes, rounded up: `np.ceil`. Then convert ms to minutes.

# %% [markdown] tags=["hint"] exercise="tse_minutes"
# `np.ceil(rows / echoes) * tr` is in ms; a minute has 60,000 of them.

# %% tags=["solution"] exercise="tse_minutes"
def scan_minutes(tr, rows, echoes):
    """Scan time in minutes."""
    return np.ceil(rows / echoes) * tr / 60_000  # trains, each one TR long

# %% tags=["equivalent"] exercise="tse_minutes"
def scan_minutes(tr, rows, echoes):
    trains = -(-rows // echoes)
    return trains * (tr / 1000) / 60

# %% tags=["wrong"] exercise="tse_minutes" says="every row"
def scan_minutes(tr, rows, echoes):
    return tr * rows / 60_000

# %% tags=["wrong"] exercise="tse_minutes" says="seconds"
def scan_minutes(tr, rows, echoes):
    return np.ceil(rows / echoes) * tr / 1000

# %% tags=["wrong"] exercise="tse_minutes" says="longer train"
def scan_minutes(tr, rows, echoes):
    return tr * rows * echoes / 60_000

# %% tags=["equivalent"] exercise="tse_minutes"
def scan_minutes(tr, rows, echoes):
    return math.ceil(rows / echoes) * tr / 1000 / 60

# %% tags=["wrong"] exercise="tse_minutes" says="left over"
def scan_minutes(tr, rows, echoes):
    return rows // echoes * tr / 60_000

# %% tags=["wrong"] exercise="tse_minutes" says="one train too many"
def scan_minutes(tr, rows, echoes):
    return (rows // echoes + 1) * tr / 60_000

# %% tags=["wrong"] exercise="tse_minutes" says="whole TR"
def scan_minutes(tr, rows, echoes):
    return rows / echoes * tr / 60_000

# %% tags=["checker"] exercise="tse_minutes"
def checker(scan_minutes):
    value = scan_minutes(4500.0, 256, 16)
    if isinstance(value, (int, float, np.number)):
        require(abs(value - 19.2) > 0.01, "That is one TR for every row; a train fills several.")
        require(abs(value - 72) > 0.01, "This is in seconds; we want minutes.")
        require(abs(value - 1.275) > 1e-6, "256 rows fill 16 trains exactly: one train too many.")
        require(value < 100, "A longer train must make the scan shorter.")
    close(value, 1.2, "256 rows in trains of 16, 4.5 s each.")
    part = scan_minutes(6000.0, 100, 16)
    if isinstance(part, (int, float, np.number)):
        require(abs(part - 0.625) > 1e-6, "The last train is not full, but takes a whole TR too.")
        require(abs(part - 0.6) > 1e-6, "The rows left over need a train of their own.")
    close(part, 0.7, "100 rows in trains of 16, 6 s each.")

# %%
for echoes in (1, 16, 48):
    print(f"{echoes:2} echoes: {np.ceil(256 / echoes) * 4500 / 60_000:.3g} minutes")

# %% [markdown] tags=["slide"]
# ### What a compact magnet buys
#
# Compare two 3 T scanners: echo spacing **4.824 ms** (whole body) and
# **3.544 ms** (a compact head scanner with gradients of 80 mT/m and 700 T/m/s). The train is over
# sooner, so less has faded when the edge of k-space is measured. How much sharper is that?

# %%
for name, gradients in (("whole body", hardware.WHOLE_BODY), ("compact", hardware.COMPACT_3T)):
    ours = hardware.echo_spacing_ms(gradients)
    print(f"{name}: our simple timing allows {ours:.2f} ms")
widths = {
    (tissue, spacing): width_at_half(*point_spread(train_weights(tissue, 256, 48, spacing)))
    for tissue in ("white_matter", "csf")
    for spacing in (4.824, 3.544)
}
for (tissue, spacing), width in widths.items():
    print(f"{tissue}, {spacing} ms: a point becomes {width:.2f} pixels wide")
gain = widths["white_matter", 4.824] / widths["white_matter", 3.544]
claim("The shorter spacing makes white matter about a fifth sharper", 1.15 < gain < 1.25)
claim("fluid is hardly blurred at all", widths["csf", 4.824] < 1.3)

# %% [markdown]
# (A point is never narrower than 1.2 pixels: that is the picture of a point by 256 rows without
# any fading. Our timing adds pulse, crushers and readout; real scanners also shorten the pulse.)
#
# Now the whole head: exact k-space of every tissue, rows faded by that tissue's own echo train. Here
# fluid is silenced by an inversion (FLAIR), so we leave it out. (Left in, it would hardly
# be blurred beside blurred brain, and every edge between the two would come out too strong.)

# %%
ROWS = 192
everything = {part.tissue for part in head} | {part.displaces for part in head}
kspaces = {}
for tissue in sorted({t for t, share in slices["head"].items() if share.max() > 0.05} - {"csf"}):
    alone = {name: float(name == tissue) for name in everything}
    kspaces[tissue] = kspace_of(head, alone, LEVEL_MM, 3.0, FOV_MM, (ROWS, ROWS))
trains = {
    "one echo per TR": train_image(kspaces, 1, 10.0),
    "48 echoes, 4.824 ms": train_image(kspaces, 48, 4.824),
    "48 echoes, 3.544 ms": train_image(kspaces, 48, 3.544),
}

# %% tags=["slide"]
detail = (slice(20, 100), slice(40, 120))
pictures = [image[detail] / np.percentile(image, 97) for image in trains.values()]
fig = films(pictures, list(trains), columns=3, vmin=0, vmax=1.2)
show(fig, alt="The frontal lobe: sulci run together up and down with the long train, less with 3.5 ms")

# %%
def edges(image):
    """Mean step between neighbours up and down (the blurred direction) inside the head."""
    inside = (slice(40, 150), slice(50, 140))
    return float(np.abs(np.diff(image, axis=0))[inside].mean() / image[inside].mean())


sharp, long, short = (edges(image) for image in trains.values())
print(f"steps up and down: {sharp:.3f} sharp, {long:.3f} with 4.824 ms, {short:.3f} with 3.544 ms")
claim("A long train smooths the picture; the compact scanner keeps more", long < short < sharp)

# %% [markdown] tags=["slide"]
# ## 9 More field: what you win and what you pay
#
# - Magnetisation and frequency both grow with the field; the patient's noise grows too. Net:
#   signal to noise grows about **in proportion to the field**.
# - But T1 grows as well, so with the same TR less has recovered. And T2\* shrinks.

# %%
for name, sequence in (("T1", CONTRASTS["T1"]), ("T2", CONTRASTS["T2"]), ("T2*", CONTRASTS["T2*"])):
    low, high = (hardware.relative_snr(sequence, "grey_matter", field) for field in (1.5, 3.0))
    print(f"{name}: grey matter has {high / low:.2f} times the signal to noise at 3 T")
    claim(f"{name}: more at 3 T, but less than twice as much", 1 < high / low < 2)

# %% [markdown] tags=["instructor"]
# Short of time: skip sections 2 (slice profile) and 9, keep 4, 5, 6 and 8. Question for the room:
# "A vendor promises twice the SNR at 3 T. For which sequence is that nearly true?" (Long TR, short
# TE: proton density.)

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Only magnetisation **across** the field gives a signal; pulses tip it there.
# - **T1** brings it back along the field, **T2** makes it fade, **T2\*** fades faster because the
#   field is uneven. A 180° pulse undoes the unevenness, not T2.
# - Short TR and TE: T1 contrast. Long TR and TE: T2 contrast. TI chooses who vanishes: T1 · ln 2.
# - STIR silences a T1, not a tissue, and every field needs its own TI.
# - Echo trains save time and cost sharpness; faster gradients give some of it back.

# %% [markdown]
# ## References
#
# - Bloch F. Nuclear induction. Phys Rev 1946;70:460. Hahn EL. Spin echoes. Phys Rev 1950;80:580.
# - Ernst RR, Anderson WA. Rev Sci Instrum 1966;37:93 (the angle).
# - Hennig J, Nauerth A, Friedburg H. RARE imaging. Magn Reson Med 1986;3:823 (turbo spin echo).
# - Weigel M. Extended phase graphs. J Magn Reson Imaging 2015;41:266.
# - Stanisz GJ et al. T1, T2 relaxation in tissue at 3 T. Magn Reson Med 2005;54:507.
# - Foo TKF et al. Compact 3T. Magn Reson Med 2018;80:2232.

# %% [markdown] tags=["slide"]
# ## One virtual hospital
#
# A course on medical images needs patients, and real patients cannot be handed out.
# So this course has its own. A [[virtual patient]] is a body made of simple solids:
# ribs, [[lungs|lung]], a heart. We know every one of them exactly.
#
# - One body gives a [[radiograph]], a CT, an MR image.
# - For every [[finding]] we know the truth: where it is, and how large.
# - Nothing needs a network, and nobody's privacy is at risk.

# %% [markdown]
# ## How a lesson works
#
# A lesson is made of cells. Click on the first grey cell below and press **Shift + Enter**:
# the cell runs, its result appears below it, and the next cell is chosen.
# You can also choose *Run → Run All Cells* in the menu. Nothing can break: this copy is yours.
#
# The first cell brings in what the lesson uses. Run it.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib.data.samples import sample_ct, sample_mr
from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import film, films, show
from course_lib.teaching.selftest import environment_report
from course_lib.teaching.widgets import explore

# %% [markdown]
# This next cell looks at your computer. If something is wrong, the report says what to do.
# When you ask somebody for help, paste it into your question.

# %% tags=["local"]
environment_report()

# %% [markdown] tags=["instructor"]
# Let everybody run the environment report before you start to talk. A red line there explains most
# problems of the first ten minutes. Those who arrive late can run all cells at once.

# %% [markdown] tags=["slide"]
# ## Meet a patient
#
# Patient number 7 is drawn by chance, but the same number always gives the same patient.
# We know everything about this person. Then we take a chest film.

# %%
patient = sample_patient(7)
print(f"sex {patient.sex}, age {patient.age:.0f}, height {patient.body.height / 10:.0f} cm")
organs = sorted({part.name for part in patient.parts})
print(f"made of {len(patient.parts)} parts, for example {', '.join(organs[::4])}")

# %% tags=["slide"]
film_of_7 = radiograph(patient, size=512, seed=7)
fig, ax = plt.subplots(figsize=(5.5, 5.5))
film(ax, film_of_7.pixels, "Chest film of virtual patient 7 (PA)")
show(fig, alt="Chest radiograph of a virtual patient: dark lungs, bright heart, ribs, spine")

# %% [markdown]
# *PA* (posterior-anterior) means that the X-rays enter through the back. As on every chest film,
# the patient's left side is on the right of the picture, as if the patient faced you.
#
# ### A finding, and the truth about it
#
# Now we give the same patient a [[pleural effusion]]. Because we made it, we also have its [[mask]]:
# we know exactly which [[pixels|pixel]] it touches. No radiologist had to draw it.

# %%
ill = FINDINGS["pleural_effusion"](patient, severity=0.6, side="left", seed=7)
film_ill = radiograph(ill, size=512, seed=7)
truth = film_ill.masks["pleural_effusion"]
fig = films([film_of_7.pixels, film_ill.pixels, film_ill.pixels], ["healthy", "effusion", "truth"])
fig.axes[2].contour(truth, levels=[0.5], colors="#E69F00")
show(fig, alt="The same chest without and with fluid at the left base, and its outline")

# %%
brighter = film_ill.pixels[truth].mean() > film_of_7.pixels[truth].mean()
claim("Where the fluid lies, less radiation arrives and the film is brighter.", brighter)

# %% [markdown]
# ### Play: make somebody ill
#
# Choose a patient, a finding, and how severe it is. Can you see it? From which severity on?

# %%
def film_of(patient_number, finding, severity):
    body = sample_patient(patient_number)
    if finding != "none":
        body = FINDINGS[finding](body, severity=severity, seed=patient_number)
    return radiograph(body, size=384, seed=patient_number).pixels / 4095


explore(
    film_of,
    alt="a chest film with the chosen finding",
    patient_number=(1, 40, 1, 7),
    finding=["none", *sorted(FINDINGS)],
    severity=(0.1, 1.0, 0.1, 0.6),
)

# %% [markdown] tags=["instructor"]
# Good first question for the room: "At which severity would you have called it?" Let people vote, then
# show the mask. It opens the theme of the whole course: what is visible, and how sure are we?

# %% [markdown] tags=["slide"]
# ## Three real patients
#
# The library *pydicom* brings a few real, anonymous files for its own tests.
# They are few, but they are real: CT [[slices|slice]] through a head and a spine, an MR slice through a belly.

# %%
head, spine, mr = sample_ct("head"), sample_ct("spine"), sample_mr()
for name, picture in {"CT head": head, "CT spine": spine, "MR belly": mr}.items():
    stored = picture.stored
    print(f"{name}: {stored.shape[0]} x {stored.shape[1]} pixels, stored {stored.min()} to {stored.max()},")
    print(f"          slope {picture.slope:g}, intercept {picture.intercept:g}")

# %% [markdown]
# In [[computed tomography]] the numbers mean something. A file does not hold them directly: it holds
# *stored values* and the [[rescale slope and intercept]]. The result is in [[Hounsfield units|hounsfield unit]] (HU):
# air is -1000, water is 0, [[bone]] is several hundred.
#
# Look at the two CT files above. In the head, the stored value 0 is water. In the spine it is -1024 HU: air.
# You cannot know which without reading slope and intercept.
#
# Forgetting this step is one of the most common mistakes in AI for CT: the network then sees other numbers than
# those it was trained on, and nobody notices.

# %% [markdown] tags=["exercise", "slide"] exercise="stored_to_hu"
# ### Exercise: from stored values to Hounsfield units
#
# Complete the function. `stored` is an array of stored values, `slope` and `intercept` come from the file.
# Replace the `...`, run the cell, then run the check below it. Stuck? Run `hint("stored_to_hu")` in a new cell.

# %% tags=["stub"] exercise="stored_to_hu"
def stored_to_hu(stored, slope, intercept):
    """Hounsfield units of stored values."""
    return ...

# %% tags=["check"] exercise="stored_to_hu"
check("stored_to_hu", stored_to_hu)

# %% [markdown] tags=["hint"] exercise="stored_to_hu"
# It is the equation of a straight line.

# %% [markdown] tags=["hint"] exercise="stored_to_hu"
# First multiply by the slope, then add the intercept.

# %% [markdown] tags=["hint"] exercise="stored_to_hu"
# With slope 2 and intercept -1000, the stored value 500 is water: 2 times 500 minus 1000 is 0 HU.

# %% tags=["solution"] exercise="stored_to_hu"
def stored_to_hu(stored, slope, intercept):
    """Hounsfield units of stored values."""
    return stored * slope + intercept  # DICOM PS3.3 C.11.1: output = slope * stored + intercept

# %% tags=["equivalent"] exercise="stored_to_hu"
def stored_to_hu(stored, slope, intercept):
    return np.add(intercept, np.multiply(slope, stored))

# %% tags=["equivalent"] exercise="stored_to_hu"
stored_to_hu = lambda s, m, b: np.polyval([m, b], s)

# %% tags=["wrong"] exercise="stored_to_hu" says="as they are"
def stored_to_hu(stored, slope, intercept):
    return stored

# %% tags=["wrong"] exercise="stored_to_hu" says="slope is missing"
def stored_to_hu(stored, slope, intercept):
    return stored + intercept

# %% tags=["wrong"] exercise="stored_to_hu" says="intercept is missing"
def stored_to_hu(stored, slope, intercept):
    return stored * slope

# %% tags=["wrong"] exercise="stored_to_hu" says="before multiplying"
def stored_to_hu(stored, slope, intercept):
    return (stored + intercept) * slope

# %% tags=["wrong"] exercise="stored_to_hu" says="subtracted"
def stored_to_hu(stored, slope, intercept):
    return stored * slope - intercept

# %% tags=["checker"] exercise="stored_to_hu"
def checker(stored_to_hu):
    stored = np.array([0.0, 500.0, 1000.0])
    hu = stored_to_hu(stored, 2.0, -1000.0)

    def is_like(wrong):
        return np.shape(hu) == wrong.shape and np.allclose(np.asarray(hu, float), wrong)

    require(hu is not None, "The function gives nothing back. Did you forget `return`?")
    require(not is_like(stored), "You give the stored values back as they are.")
    require(not is_like(stored - 1000), "The slope is missing.")
    require(not is_like(stored * 2), "The intercept is missing.")
    require(not is_like((stored - 1000) * 2), "You add the intercept before multiplying.")
    require(not is_like(stored * 2 + 1000), "The intercept is subtracted; add it.")
    close(hu, [-1000, 0, 1000], "Those are not the Hounsfield units of this line.")

# %% [markdown]
# ## A window on the numbers
#
# A CT covers thousands of values; a screen shows 256 greys and an eye tells apart far fewer. So we choose a [[window]]:
# everything below it is black, everything above it is white. Its *centre* says where we look, its *width* how much contrast we get.
#
# Move the sliders. Try the usual ones: **brain** 40 / 80, **soft tissue** 40 / 400, **bone** 400 / 1800.
# And air: with which window do you see the air in the sinuses as grey, not black?

# %%
def windowed(image, centre, width):
    return np.clip((image - (centre - width / 2)) / width, 0, 1)


def ct_in_window(centre, width):
    return windowed(head.values, centre, width)


explore(
    ct_in_window,
    alt="real CT slice of a head in the chosen window",
    centre=(-1000, 1000, 10, 40),
    width=(20, 3000, 20, 80),
)

# %% [markdown]
# Did you see the black corners stay black? They hold -2000 HU, which no tissue has: the scanner
# fills what lies outside its round field of view with this number. Know your data before a network does.

# %%
claim("No tissue is less than air, yet the file holds values below -1024 HU.", head.values.min() < -1024)

# %% [markdown]
# An MR image has no such scale: in [[magnetic resonance imaging]] the same tissue can have any value, depending on scanner and settings.
# Only the relation between tissues counts. Below, both images are stretched from their darkest to their brightest part.

# %% tags=["slide"]
low, high = np.percentile(mr.values, [1, 99.5])
pictures = [
    windowed(head.values, 40, 80),
    windowed(head.values, 400, 1800),
    np.pad(windowed(mr.values, (low + high) / 2, high - low), ((92, 92), (0, 0))),
]
titles = ["CT, brain window", "CT, bone window", "MR, 1st to 99.5th percentile"]
show(films(pictures, titles), alt="A real CT slice of a head in two windows, and a real MR slice of a belly")

# %% [markdown] tags=["exercise"] exercise="window_limits"
# ### Exercise: predict the limits
#
# A bone window has centre 400 HU and width 1800 HU. Which value is just black, which just white?
# Replace both `...` with numbers.

# %% tags=["stub"] exercise="window_limits"
just_black = ...
just_white = ...

# %% tags=["check"] exercise="window_limits"
check("window_limits", just_black, just_white)

# %% [markdown] tags=["hint"] exercise="window_limits"
# The centre lies in the middle between the two limits.

# %% [markdown] tags=["hint"] exercise="window_limits"
# The distance from the black limit to the white limit is the width.

# %% [markdown] tags=["hint"] exercise="window_limits"
# Go half of the width down from the centre, and half of it up.

# %% tags=["solution"] exercise="window_limits"
just_black = 400 - 1800 / 2
just_white = 400 + 1800 / 2

# %% tags=["equivalent"] exercise="window_limits"
just_black, just_white = -500, 1300

# %% tags=["wrong"] exercise="window_limits" says="half"
just_black, just_white = 400 - 1800, 400 + 1800

# %% tags=["wrong"] exercise="window_limits" says="other way round"
just_black, just_white = 1300, -500

# %% tags=["wrong"] exercise="window_limits" says="centre lies"
just_black, just_white = 400, 400 + 1800

# %% tags=["wrong"] exercise="window_limits" says="number"
just_black, just_white = "dark", "bright"

# %% tags=["checker"] exercise="window_limits"
def checker(black, white):
    for value in (black, white):
        require(isinstance(value, (int, float, np.number)), "Each answer must be a number.")
    require((black, white) != (1300, -500), "It is the other way round: low values are dark.")
    require(white - black != 3600, "Only half of the width lies on each side of the centre.")
    require((black + white) / 2 == 400, "The centre lies in the middle of the two limits.")
    close([black, white], [-500, 1300], "The limits are one width apart.")

# %% [markdown]
# ## Your progress
#
# Every check writes one line to a file in your folder. Nothing leaves your computer. Here is the table:

# %% tags=["local"]
progress()

# %% [markdown] tags=["instructor"]
# The window exercise shows whether the room understood. People mix up width and half width; a sketch of a
# ramp on the board settles it. If you are short of time, skip the MR picture: it is only a first look.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A virtual patient is a sum of solids: every image and every truth comes from the same body.
# - CT numbers need slope and intercept before they mean Hounsfield units.
# - A window decides what you can see; MR values have no fixed unit.
# - `check`, `hint`, `solution` and `progress` are your tools in every lesson.

# %% [markdown]
# ## References
#
# - DICOM PS3.3, sections C.11.1 (modality LUT) and C.11.2 (VOI LUT): rescale and window.
# - The CT and MR files belong to the test data of pydicom (MIT licence).

# %% [markdown] tags=["slide"]
# ## Pixels are not enough
#
# An array of numbers is no medical image. A [[DICOM]] *object* also says
#
# - **whose** body it is, and **when** it was seen,
# - **where** each [[pixel]] lies in that body, in millimetres,
# - **what** the numbers mean.
#
# In this lesson you write such objects, you send results back as objects, and in the end you
# take the person out of them. That last part is harder than it looks.

# %%
import hashlib
import hmac
import tempfile
from collections import Counter
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from course_lib.dicom.identity import identity_of
from course_lib.dicom.writing.virtual import (
    chest_grid,
    finding_mask,
    hounsfield_volume,
    write_ct_of,
)
from course_lib.patient.cohort import sample_cohort, sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, film, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 Write a CT series
#
# A patient with a [[nodule]], seen by a perfect scanner. Every file needs an *identity*: name, number,
# birthday, study, and [[UIDs|unique identifier]]. Here all of them are invented from the patient's seed.

# %%
patient = FINDINGS["nodule"](sample_patient(7), severity=0.9, side="left", seed=1)
grid = chest_grid(patient, shape=(30, 128, 128), field_mm=360)
who = identity_of(patient, description="CT chest")
folder = Path(tempfile.mkdtemp())
paths = write_ct_of(folder / "ct", patient, grid, who)
print(f"{len(paths)} files; the name in them is {who.name}")

# %%
from course_lib.dicom.conformance.checker import check as problems_of
from course_lib.dicom.deidentification.burned_in import find_text, mask_text
from course_lib.dicom.deidentification.dataset import deidentify
from course_lib.dicom.deidentification.folder import deidentify_folder
from course_lib.dicom.deidentification.leaks import find_identifiers, identifiers_of
from course_lib.dicom.deidentification.profile import table
from course_lib.dicom.deidentification.pseudonyms import Pseudonyms
from course_lib.dicom.results.capture import capture
from course_lib.dicom.results.report import Measured, read_report, report
from course_lib.dicom.results.segmentation import read_segmentation, segmentation
from course_lib.dicom.series import read_series
from course_lib.dicom.writing.elements import decimal
from course_lib.dicom.writing.files import save
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.radiography import radiograph

# %%
truth = hounsfield_volume(on_the_table(patient).solids, grid)
series = read_series(folder / "ct")
claim(
    "What comes back is what was written, to half a Hounsfield unit",
    np.abs(series.values - np.clip(truth, -1024, 3071)).max() <= 0.5,
)

# %% tags=["slide"]
nodule = finding_mask(patient.findings[0].parts[:1], grid)
cut = int(np.argmax(nodule.sum((1, 2))))
lung_window = np.clip((series.values[cut] + 1350) / 1500, 0, 1)
soft_window = np.clip((series.values[cut] + 160) / 400, 0, 1)
fig = films([lung_window, soft_window], ["lung window", "mediastinal window"], width=8, vmin=0, vmax=1)
for ax in fig.axes:
    ax.contour(nodule[cut], levels=[0.5], colors=COLOURS[4], linewidths=1)
show(fig, alt="CT slice of the virtual patient in two windows; the nodule in the left lung is outlined")

# %% [markdown]
# What stands in such a file? A few lines of one slice. [[Type|attribute type]] 1 must have a value, type 2 must be there
# and may be empty, type 3 is optional.

# %%
ds = pydicom.dcmread(paths[0])
for keyword in ("PatientName", "PatientBirthDate", "StudyDate", "Modality", "ImagePositionPatient",
                "PixelSpacing", "BitsStored", "RescaleIntercept", "RescaleSlope"):
    print(f"{keyword:22} {ds[keyword].VR}  {ds[keyword].value}")

# %% [markdown] tags=["slide"]
# ### Trap: -1024 in an unsigned integer
#
# CT numbers are negative in air, stored values are usually not. What happens when we forget that?

# %%
careless = truth[cut].astype(np.int64).astype(np.uint16)  # what many programs do, without a word
print("air, -1000 HU, becomes", careless[truth[cut] < -999][0])
claim(
    "Whatever was below water is now brighter than any bone",
    careless[truth[cut] <= -1].min() > careless[truth[cut] >= 0].max(),
)

# %% tags=["slide"]
show(
    films([truth[cut], careless], ["Hounsfield units", "cast to uint16"], width=7),
    alt="The slice, and the same slice after a careless cast: air, lung and fat are white, the rest is black",
)

# %% [markdown] tags=["exercise"] exercise="store_hounsfield"
# ### Exercise: store Hounsfield units
#
# A scanner stores 12 bits, 0 to 4095, with [[rescale slope|rescale slope and intercept]] 1 and intercept -1024:
# HU = stored - 1024. Write `to_stored(hu)`: an array of `np.uint16`, rounded to the nearest whole number.
# What does not fit (metal has more than 10,000 HU) becomes the nearest value that does.

# %% tags=["stub"] exercise="store_hounsfield"
def to_stored(hu):
    """Stored values 0..4095 (uint16) of an array of Hounsfield units."""
    return ...

# %% tags=["check"] exercise="store_hounsfield"
check("store_hounsfield", to_stored)

# %% [markdown] tags=["hint"] exercise="store_hounsfield"
# Turn HU = stored - 1024 round. Then think of air at -1000.4 HU and of a steel screw.

# %% [markdown] tags=["hint"] exercise="store_hounsfield"
# Three steps, in this order: shift, round and limit, and only then change the type.

# %% [markdown] tags=["hint"] exercise="store_hounsfield"
# `np.rint` rounds, `np.clip(values, 0, 4095)` limits, `.astype(np.uint16)` comes last.

# %% tags=["solution"] exercise="store_hounsfield"
def to_stored(hu):
    """Stored values 0..4095 (uint16) of an array of Hounsfield units."""
    values = np.rint(np.asarray(hu) + 1024)
    return np.clip(values, 0, 4095).astype(np.uint16)  # the type last: before, nothing can wrap

# %% tags=["equivalent"] exercise="store_hounsfield"
def to_stored(hu):
    limited = np.clip(hu, -1024, 3071)
    return np.round(limited + 1024.0).astype("uint16")

# %% tags=["wrong"] exercise="store_hounsfield" says="wraps round"
def to_stored(hu):
    return np.asarray(hu).astype(np.int64).astype(np.uint16)

# %% tags=["wrong"] exercise="store_hounsfield" says="intercept"
def to_stored(hu):
    return np.clip(np.rint(hu), 0, 4095).astype(np.uint16)

# %% tags=["wrong"] exercise="store_hounsfield" says="Metal"
def to_stored(hu):
    return np.rint(np.asarray(hu) + 1024).astype(np.int64).astype(np.uint16)

# %% tags=["wrong"] exercise="store_hounsfield" says="nearest"
def to_stored(hu):
    return np.clip(np.asarray(hu) + 1024, 0, 4095).astype(np.uint16)

# %% tags=["wrong"] exercise="store_hounsfield" says="uint16"
def to_stored(hu):
    return np.clip(np.rint(np.asarray(hu) + 1024), 0, 4095)

# %% tags=["wrong"] exercise="store_hounsfield" says="sign"
def to_stored(hu):
    return np.clip(np.rint(np.asarray(hu) - 1024), 0, 4095).astype(np.uint16)

# %% tags=["wrong"] exercise="store_hounsfield" says="before the shift"
def to_stored(hu):
    return (np.clip(np.rint(hu), 0, 4095) + 1024).astype(np.uint16)

# %% tags=["checker"] exercise="store_hounsfield"
def checker(to_stored):
    got = to_stored(np.array([-1000.0, 0.0, 40.0]))
    require(isinstance(got, np.ndarray), "Return an array.")
    require(
        not np.any(np.asarray(got, float) > 60000),
        "A negative value wraps round to a huge one: shift before you change the type.",
    )
    require(np.any(np.asarray(got, float) != 0), "Everything became 0: look at the sign of the shift.")
    require(float(got[0]) != float(got[1]) or float(got[1]) == 0,
            "Air and water came out alike: you limit before the shift, and all below water is lost.")
    require(float(got[1]) != 0, "Water came out as 0: the intercept is missing.")
    metal = to_stored(np.array([9000.0, 70000.0, -3000.0]))
    require(
        np.all(np.asarray(metal, float) <= 4095), "Metal needs more than 12 bits: limit the values."
    )
    require(
        float(to_stored(np.array([0.7]))[0]) == 1025,
        "0.7 HU should become the nearest whole number, not the one below.",
    )
    require(got.dtype == np.uint16, "The values are right, but the array is not uint16.")
    close(got, [24, 1024, 1064], "Turn HU = stored - 1024 round.")
    close(metal, [4095, 4095, 0], "What does not fit becomes the nearest value that does.")

# %% [markdown] tags=["slide"]
# ### Trap: sixteen characters
#
# DICOM writes decimal numbers as text (DS), **at most 16 characters** long. Python likes more:

# %%
for value in (0.1 + 0.2, 1 / 3, 2.5, -1.2345678901234567e-05):
    print(f"{value!r:24} {len(repr(value)):2} characters, in DICOM: {decimal(value)}")

# %% [markdown]
# A file with 19 characters in `PixelSpacing` looks fine at home, and a stricter system refuses it.
# Cutting the text is no cure. Look at the last line: its first 16 characters are -1.2345678901234, and the `e-05` is lost.

# %%
claim(
    "Cutting at 16 characters makes the number 100,000 times too large",
    abs(float(repr(-1.2345678901234567e-05)[:16]) / -1.2345678901234567e-05) > 9e4,
)

# %% [markdown] tags=["exercise"] exercise="decimal_string"
# ### Exercise: a decimal string
#
# Write `decimal_string(value)`: the text of a number in at most 16 characters, and as exact as that allows
# (a relative error of 1e-8 is good enough). Numbers may be tiny, huge, or negative.

# %% tags=["stub"] exercise="decimal_string"
def decimal_string(value):
    """The number as a text of at most 16 characters."""
    return ...

# %% tags=["check"] exercise="decimal_string"
check("decimal_string", decimal_string)

# %% [markdown] tags=["hint"] exercise="decimal_string"
# How many digits are safe depends on the sign and on the exponent. Which format of Python chooses between 0.001 and 1e-07 by itself?

# %% [markdown] tags=["hint"] exercise="decimal_string"
# `f"{value:.5g}"` writes five significant digits, with an exponent where that is shorter. How many digits always fit?

# %% [markdown] tags=["hint"] exercise="decimal_string"
# The longest case is like -1.23456789e-300: sign, point and exponent take 7 of the 16 characters. The rest is for digits.

# %% tags=["solution"] exercise="decimal_string"
def decimal_string(value):
    """The number as a text of at most 16 characters."""
    return f"{value:.9g}"  # sign, point and exponent need up to 7 characters; 9 digits are left

# %% tags=["equivalent"] exercise="decimal_string"
def decimal_string(value):
    for digits in range(16, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text

# %% tags=["equivalent"] exercise="decimal_string"
def decimal_string(value):
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(float(value))

# %% tags=["equivalent"] exercise="decimal_string"
def decimal_string(value):
    return f"{value:.8e}"  # always with an exponent: longer, and still at most 16

# %% tags=["wrong"] exercise="decimal_string" says="characters"
def decimal_string(value):
    return str(value)

# %% tags=["wrong"] exercise="decimal_string" says="has 17 characters"
def decimal_string(value):
    return f"{value:.10g}"

# %% tags=["wrong"] exercise="decimal_string" says="not exact"
def decimal_string(value):
    return f"{value:.9f}"

# %% tags=["wrong"] exercise="decimal_string" says="exponent"
def decimal_string(value):
    return str(value)[:16]

# %% tags=["wrong"] exercise="decimal_string" says="not exact"
def decimal_string(value):
    return f"{value:.3g}"

# %% tags=["wrong"] exercise="decimal_string" says="Small numbers"
def decimal_string(value):
    return str(round(value, 4))

# %% tags=["wrong"] exercise="decimal_string" says="text"
def decimal_string(value):
    return round(value, 9)

# %% tags=["checker"] exercise="decimal_string"
def checker(decimal_string):
    values = [0.1 + 0.2, 1 / 3, -1.2345678901234567e-05, -2.2345678912e-250, 123456789.123456, 2.5]
    texts = [decimal_string(v) for v in values]
    require(all(isinstance(t, str) for t in texts), "Return a text, not a number.")
    require(
        float(texts[2]) < -1e-9 or float(texts[2]) == -1.2345678901234567e-05,
        "Small numbers became zero: count significant digits, not decimals.",
    )
    require(
        abs(float(texts[2])) < 1e-3,
        "Cutting the text loses the exponent, and the number is wrong by a factor of 100,000.",
    )
    for value, text in zip(values, texts, strict=True):
        require(len(text) <= 16, f"{text} has {len(text)} characters.")
        require(
            abs(float(text) / value - 1) < 1e-8,
            f"{text} is not exact enough for {value!r}; use the room that there is.",
        )

# %% [markdown] tags=["slide"]
# ### Holes
#
# A type 2 element without a value is a legal hole: "I do not know". The element missing altogether
# is an error. Type 1 may not even be empty. Our checker from the lesson on files tells them apart.

# %%
def with_hole(keyword, empty):
    """A copy of the first slice with one element emptied or left out."""
    changed = pydicom.dcmread(paths[0])
    if empty:
        setattr(changed, keyword, None)
    else:
        delattr(changed, keyword)
    return changed


for keyword, empty in (
    ("PatientBirthDate", True),
    ("PatientBirthDate", False),
    ("KVP", True),
    ("RescaleSlope", True),
):
    found = problems_of(with_hole(keyword, empty))
    print(
        f"{keyword:17}{'empty  ' if empty else 'missing'}",
        "; ".join(p.what for p in found) or "legal",
    )

# %%
claim("An empty birthday is legal", not problems_of(with_hole("PatientBirthDate", True)))
claim("A missing one is not", bool(problems_of(with_hole("PatientBirthDate", False))))

# %% [markdown] tags=["instructor"]
# Ask: why does the standard want an empty element at all? Because "unknown" and "forgotten" are different statements, and a
# program that sorts by birthday must be able to tell them apart. De-identification will need the same hole again.

# %% [markdown] tags=["slide"]
# ## 2 Results as objects
#
# An AI has found the nodule. How does the result reach the radiologist?
#
# - A **[[segmentation]]** (SEG): the mask, voxel by voxel, tied to the slices it was drawn on.
# - A **[[structured report]]** (SR): coded statements with numbers and units.
# - A **[[secondary capture]]**: a coloured picture. Every screen shows it, and no program can measure in it.

# %%
slices = [pydicom.dcmread(path) for path in paths]
seg = segmentation(slices, {"nodule": nodule})
save(seg, folder / "results" / "seg.dcm")
back = read_segmentation(folder / "results" / "seg.dcm", slices[::-1])
claim(
    "The mask finds its slices again, even in reverse order",
    np.array_equal(back["nodule"][::-1], nodule),
)

# %% [markdown] tags=["exercise"] exercise="volume_from_mask"
# ### Exercise: how large is it?
#
# Write `volume_mm3(mask, spacing_mm)`: the volume of a mask (z, y, x) of True and False in cubic millimetres.
# `spacing_mm` are the distances between voxel centres along z, y, x.

# %% tags=["stub"] exercise="volume_from_mask"
def volume_mm3(mask, spacing_mm):
    """Volume of a mask in cubic millimetres."""
    return ...

# %% tags=["check"] exercise="volume_from_mask"
check("volume_from_mask", volume_mm3)

# %% [markdown] tags=["hint"] exercise="volume_from_mask"
# Every voxel in the mask is a small box.

# %% [markdown] tags=["hint"] exercise="volume_from_mask"
# Number of voxels times the volume of one. How many are there, and how large is one?

# %% [markdown] tags=["hint"] exercise="volume_from_mask"
# `mask.sum()` counts the True values; `np.prod(spacing_mm)` multiplies the three edges.

# %% tags=["solution"] exercise="volume_from_mask"
def volume_mm3(mask, spacing_mm):
    """Volume of a mask in cubic millimetres."""
    return mask.sum() * np.prod(spacing_mm)  # each voxel is a box of z by y by x millimetres

# %% tags=["equivalent"] exercise="volume_from_mask"
def volume_mm3(mask, spacing_mm):
    z, y, x = spacing_mm
    return np.count_nonzero(mask) * z * y * x

# %% tags=["wrong"] exercise="volume_from_mask" says="voxels, not"
def volume_mm3(mask, spacing_mm):
    return mask.sum()

# %% tags=["wrong"] exercise="volume_from_mask" says="one direction"
def volume_mm3(mask, spacing_mm):
    return mask.sum() * spacing_mm[1] * spacing_mm[2]

# %% tags=["wrong"] exercise="volume_from_mask" says="same in all"
def volume_mm3(mask, spacing_mm):
    return mask.sum() * spacing_mm[1] ** 3

# %% tags=["wrong"] exercise="volume_from_mask" says="thousand"
def volume_mm3(mask, spacing_mm):
    return mask.sum() * np.prod(spacing_mm) / 1000

# %% tags=["checker"] exercise="volume_from_mask"
def checker(volume_mm3):
    mask = np.zeros((4, 5, 6), bool)
    mask[1:3, 2:4, 1:4] = True
    value = volume_mm3(mask, (2.5, 0.7, 0.8))
    require(value != 12, "You count voxels, not millimetres.")
    require(abs(value - 12 * 0.7 * 0.8) > 1e-6, "The spacing of one direction is missing.")
    require(abs(value - 12 * 0.7**3) > 1e-6, "The spacing is not the same in all directions.")
    require(
        abs(value - 12 * 2.5 * 0.7 * 0.8 / 1000) > 1e-6,
        "That is cubic centimetres; a cubic centimetre holds a thousand of what was asked for.",
    )
    close(value, 12 * 2.5 * 0.7 * 0.8, "Voxels in the mask times the volume of one.")

# %% [markdown]
# The lesson goes on with its own numbers. They go into a report after template TID 1500, with coded names and units;
# the report points to segment 1 of the SEG. What a computer reads back is the same.

# %%
voxel = float(np.prod(series.spacing_mm))
volume = float(nodule.sum()) * voxel
measured = Measured(
    "nodule",
    {
        "volume": round(volume),
        "diameter": round((6 * volume / np.pi) ** (1 / 3), 1),  # of a sphere with this volume
        "mean_hu": round(float(series.values[nodule].mean()), 1),
        "score": 0.93,
    },
    site="lung",
    segment=1,
)
save(report(slices, [measured], seg), folder / "results" / "sr.dcm")
answer = read_report(folder / "results" / "sr.dcm")[0]
claim("The report comes back with every number", answer == measured)

# %%
def tree(items, depth=0):
    """The content tree of a report, one statement per line."""
    for item in items:
        name = (
            item.ConceptNameCodeSequence[0].CodeMeaning if "ConceptNameCodeSequence" in item else ""
        )
        value = ""
        if "MeasuredValueSequence" in item:
            number = item.MeasuredValueSequence[0]
            value = f"{number.NumericValue} {number.MeasurementUnitsCodeSequence[0].CodeValue}"
        elif "ConceptCodeSequence" in item:
            value = item.ConceptCodeSequence[0].CodeMeaning
        print("   " * depth + f"{item.ValueType}: {name} {value}".rstrip())
        tree(item.get("ContentSequence", []), depth + 1)


root = pydicom.dcmread(folder / "results" / "sr.dcm")
tree([item for item in root.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "126010"])

# %% [markdown]
# And the picture for the eye: a secondary capture. Compare what is left of the Hounsfield units.

# %% tags=["slide"]
grey = np.repeat(lung_window[..., None], 3, axis=2)
grey[nodule[cut]] = 0.5 * grey[nodule[cut]] + 0.5 * np.array([0.90, 0.62, 0.0])
picture = (255 * grey).astype(np.uint8)
shot = pydicom.dcmread(
    save(capture(picture, slices[cut], "Nodule overlay"), folder / "results" / "sc.dcm")
)
fig, ax = plt.subplots(figsize=(4, 4))
film(ax, shot.pixel_array, "Secondary capture: colours, no values")
show(fig, alt="CT slice as a colour picture with the nodule tinted orange")

# %%
claim("The capture belongs to the same study", shot.StudyInstanceUID == slices[0].StudyInstanceUID)
claim("but a pixel is three colours of 8 bits, not a Hounsfield unit", "RescaleSlope" not in shot)

# %% [markdown] tags=["instructor"]
# Short of time? Skip the content tree. Do keep the question "which of the three would you send?": the room usually says
# secondary capture, because it is easy to see. Ask then how next year's follow-up will find the old volume.

# %% [markdown] tags=["slide"]
# ## 3 Take the person out
#
# For teaching and research the person must go. That is [[de-identification]]. *Anonymous* would mean that nobody can
# ever find the way back; that is a stronger claim, and images seldom allow it.
#
# Here is a file as hospitals really have them: the identity sits in more places than one looks at.

# %%
def hospital_file():
    """A slice with the patient's identity wherever real files have it."""
    ds = pydicom.dcmread(paths[cut])
    latin = who.name.split("=")[0]
    ds.ReferringPhysicianName, ds.StudyDescription = who.physician, f"CT chest, {latin}"
    ds.SeriesInstanceUID = f"1.2.826.0.1.3680043.10.{who.birth_date:%Y%m%d}.1"  # dates hide in UIDs
    ds.RequestAttributesSequence = Sequence([Dataset()])
    ds.RequestAttributesSequence[0].RequestedProcedureDescription = f"nodule? {latin}"
    ds.RequestAttributesSequence[0].RequestingPhysician = who.physician
    private = ds.private_block(0x0029, "A MANUFACTURER", create=True)
    private.add_new(0x10, "LO", latin)
    ds.add_new(0x60004000, "LT", f"drawn for {latin}")  # a comment of an overlay
    ds.preamble = b"exported from PC of Nam".ljust(128, b"\0")
    return ds


original = hospital_file()
wanted = identifiers_of(original)
print(Counter(item.kind for item in wanted))

# %% [markdown]
# ### The usual attempt
#
# Most home-made programs replace a handful of elements. Is anything left? We do not ask the program. We search **every byte** of the
# file, in several encodings and ways to write a date.

# %%
def naive(ds):
    """What most people write first."""
    ds.PatientName = ds.PatientID = "ANONYMOUS"
    ds.PatientBirthDate = ""
    ds.ReferringPhysicianName = ds.InstitutionName = ds.AccessionNumber = ""
    return ds


data = save(naive(hospital_file()), folder / "naive.dcm").read_bytes()
leaks = find_identifiers(data, wanted)
for leak in [leak for leak in leaks if leak.identifier.kind in ("name", "date")]:
    print(leak.form, "-", bytes(data[max(0, leak.offset - 12) : leak.offset + 14]))
print("left over, by kind:", Counter(leak.identifier.kind for leak in leaks))
claim(
    "The naive attempt leaves names, dates and UIDs",
    len({leak.identifier.kind for leak in leaks}) >= 3,
)

# %% [markdown] tags=["exercise", "slide"] exercise="names_at_any_depth"
# ### Exercise: names at any depth
#
# Elements can be nested in [[sequences|DICOM sequence]], and those in others. Write `remove_names(ds)`: it changes a data set in place so that
# every element of VR `PN` (a person's name) is empty **at any depth**, and every private element is gone **at any depth**. Nothing else changes.
# Useful: `for element in ds`, `element.VR`, `element.tag.is_private`, and for sequences `element.value`, a list of data sets.

# %% tags=["stub"] exercise="names_at_any_depth"
def remove_names(ds):
    """Empty all names and delete all private elements, in place, at any depth."""
    ...
    return ...

# %% tags=["check"] exercise="names_at_any_depth"
check("names_at_any_depth", remove_names)

# %% [markdown] tags=["hint"] exercise="names_at_any_depth"
# A function may call itself. What should it do with an element that is a sequence?

# %% [markdown] tags=["hint"] exercise="names_at_any_depth"
# Go through `list(ds)` (a copy: you delete while you walk). Three cases: private, a name, a sequence.

# %% [markdown] tags=["hint"] exercise="names_at_any_depth"
# `del ds[element.tag]` removes; `element.value = ""` empties; for `element.VR == "SQ"` call `remove_names(item)` for every item.

# %% tags=["solution"] exercise="names_at_any_depth"
def remove_names(ds):
    """Empty all names and delete all private elements, in place, at any depth."""
    for element in list(ds):  # a copy of the list: elements are deleted on the way
        if element.tag.is_private:
            del ds[element.tag]
        elif element.VR == "PN":
            element.value = ""
        elif element.VR == "SQ":
            for item in element.value:
                remove_names(item)
    return ds

# %% tags=["equivalent"] exercise="names_at_any_depth"
def remove_names(ds):
    def visit(inner, element):
        if element.tag.is_private:
            del inner[element.tag]
        elif element.VR == "PN":
            element.value = None

    ds.walk(visit)

# %% tags=["equivalent"] exercise="names_at_any_depth"
def remove_names(ds):
    ds.remove_private_tags()
    for element in ds.iterall():
        if element.VR == "PN":
            element.value = ""

# %% tags=["wrong"] exercise="names_at_any_depth" says="inside a sequence"
def remove_names(ds):
    for element in list(ds):
        if element.tag.is_private:
            del ds[element.tag]
        elif element.VR == "PN":
            element.value = ""
    return ds

# %% tags=["wrong"] exercise="names_at_any_depth" says="other people"
def remove_names(ds):
    ds.remove_private_tags()
    for element in ds.iterall():
        if element.keyword == "PatientName":
            element.value = ""
    return ds

# %% tags=["wrong"] exercise="names_at_any_depth" says="private"
def remove_names(ds):
    for element in ds.iterall():
        if element.VR == "PN":
            element.value = ""
    return ds

# %% tags=["wrong"] exercise="names_at_any_depth" says="not empty"
def remove_names(ds):
    ds.remove_private_tags()
    for element in ds.iterall():
        if element.VR == "PN":
            element.value = "ANONYMOUS"

# %% tags=["wrong"] exercise="names_at_any_depth" says="do not delete"
def remove_names(ds):
    ds.remove_private_tags()
    for element in list(ds):
        if element.VR == "PN":
            del ds[element.tag]
        elif element.VR == "SQ":
            for item in element.value:
                remove_names(item)

# %% tags=["wrong"] exercise="names_at_any_depth" says="Too much"
def remove_names(ds):
    for element in list(ds):
        if element.tag.is_private or element.VR in ("PN", "SQ"):
            del ds[element.tag]
    return ds

# %% tags=["checker"] exercise="names_at_any_depth"
def checker(remove_names):
    def item(depth):
        ds = Dataset()
        ds.PatientName, ds.OperatorsName, ds.Modality = "Kim^A", "Bae^B", "CT"
        ds.private_block(0x0029, "MAKER", create=True).add_new(0x10, "LO", "Kim")
        if depth:
            ds.RequestAttributesSequence = Sequence([item(depth - 1), item(depth - 1)])
        return ds

    ds = item(2)
    remove_names(ds)
    require(
        "RequestAttributesSequence" in ds, "Too much is gone: the sequences hold more than names."
    )
    require(not any(e.tag.is_private for e in ds), "The private elements are still there.")
    require(not ds.get("PatientName"), "The patient's name is not empty.")
    require(
        not ds.get("OperatorsName"),
        "There are other people's names too: go by the VR, not by one keyword.",
    )
    inner = ds.RequestAttributesSequence[1].get("RequestAttributesSequence", [Dataset()])[0]
    require(inner.get("Modality") == "CT", "Too much is gone: the modality is no name.")
    deep = [e for e in ds.iterall() if e.VR == "PN" and not e.is_empty]
    require(not deep, "A name is left inside a sequence, or inside a sequence of a sequence.")
    require(
        not any(e.tag.is_private for e in ds.iterall()),
        "Private elements are left inside the sequences.",
    )
    require("PatientName" in ds, "Empty the names, do not delete the elements: some are of type 2.")

# %% [markdown] tags=["slide"]
# ### The standard's list
#
# DICOM PS3.15, Annex E says for each attribute what to do, with one letter: **X** remove, **Z** empty, **D** a dummy value,
# **U** another UID. **P** is ours: a dummy that stays the same for all studies of a patient, a [[pseudonym]].
# Our table arranges the attributes by what they would betray:

# %%
groups = table()["group"]
print(len(groups), "groups with", sum(len(g["attributes"]) for g in groups), "attributes; the first of each kind:")
for action in "PZXDU":
    group = next(g for g in groups if g["basic"] == action)
    print(f"\n{action}  {group['about']}\n   for example {', '.join(group['attributes'][:3])}")

# %% [markdown]
# Behind the table stand two more nets: rules by kind of value (a name is removed wherever it stands), and a search of what is left for the
# patient's own words. Options keep what a study needs: `retain_modified_dates` moves all dates of one patient by the same number of
# weeks, `clean_descriptors` keeps harmless words.

# %%
key = bytes(range(32))  # in real life: os.urandom(32), kept in a safe
options = ["retain_modified_dates", "clean_descriptors", "clean_structured_content"]
clean = deidentify(original, key, options)
data = save(clean, folder / "clean.dcm").read_bytes()
print("left over:", find_identifiers(data, wanted))
for keyword in (
    "PatientName",
    "PatientID",
    "StudyDate",
    "StudyDescription",
    "PatientIdentityRemoved",
):
    print(f"{keyword:24} {original.get(keyword)!s:38} -> {clean.get(keyword)}")

# %%
claim("No identifier is left in any byte", not find_identifiers(data, wanted))
claim("The picture is untouched", np.array_equal(clean.pixel_array, original.pixel_array))
claim("The file is still legal", not problems_of(folder / "clean.dcm"))

# %% [markdown] tags=["slide"]
# ### References must hold
#
# Three kinds of files, one study. All UIDs change, but always in the same way, so that the segmentation still finds its slices.

# %%
outcome = deidentify_folder(folder / "ct", folder / "out", key, options)
more = deidentify_folder(folder / "results", folder / "out2", key, options)
print(
    len(outcome.written) + len(more.written),
    "files written,",
    len(outcome.held_back) + len(more.held_back),
    "held back",
)
new_images = sorted(
    (pydicom.dcmread(p) for p in outcome.written), key=lambda d: float(d.ImagePositionPatient[2])
)
new_seg = next(
    p for p in more.written if pydicom.dcmread(p, stop_before_pixels=True).Modality == "SEG"
)
claim(
    "The mask still lies on the nodule",
    np.array_equal(read_segmentation(new_seg, new_images)["nodule"], nodule),
)
claim(
    "Old and new study have no UID in common",
    not {d.SOPInstanceUID for d in new_images} & {d.SOPInstanceUID for d in slices},
)

# %% [markdown] tags=["slide"]
# ### Why a secret key?
#
# "We replace the patient number by its hash; nobody can turn a hash round." Nobody needs to. Whoever knows how
# numbers look tries them all. (A *hash* is a fingerprint of a text: the same text always has the same one, and nothing leads back.)

# %%
stolen = hashlib.sha256(original.PatientID.encode()).hexdigest()  # found in a "de-identified" file
guess = next(
    f"P{n:08d}"
    for n in range(200_000)
    if hashlib.sha256(f"P{n:08d}".encode()).hexdigest() == stolen
)
claim("The hash gives the patient's number away at once", guess == original.PatientID)

# %% [markdown] tags=["exercise"] exercise="pseudonym"
# ### Exercise: a pseudonym
#
# Write `pseudonym(patient_id, key)`: a text of 12 characters for a patient number (a text). The same patient and key must always give the same pseudonym,
# and nobody without the key (bytes) may be able to work it out. Use `hmac.new(key, message, hashlib.sha256).hexdigest()`; the message must be bytes.

# %% tags=["stub"] exercise="pseudonym"
def pseudonym(patient_id, key):
    """Twelve characters that stand for the patient."""
    return ...

# %% tags=["check"] exercise="pseudonym"
check("pseudonym", pseudonym)

# %% [markdown] tags=["hint"] exercise="pseudonym"
# A keyed hash mixes a secret into the fingerprint. Without the secret, trying all numbers is useless.

# %% [markdown] tags=["hint"] exercise="pseudonym"
# `patient_id.encode()` turns the text into bytes. The result of `hexdigest()` is a text of 64 characters.

# %% [markdown] tags=["hint"] exercise="pseudonym"
# `hmac.new(key, patient_id.encode(), hashlib.sha256).hexdigest()`, and of it the first twelve characters: `[:12]`.

# %% tags=["solution"] exercise="pseudonym"
def pseudonym(patient_id, key):
    """Twelve characters that stand for the patient."""
    return hmac.new(key, patient_id.encode(), hashlib.sha256).hexdigest()[:12]  # 48 bits

# %% tags=["equivalent"] exercise="pseudonym"
def pseudonym(patient_id, key):
    return hashlib.blake2b(patient_id.encode("utf-8"), key=key, digest_size=6).hexdigest().upper()

# %% tags=["wrong"] exercise="pseudonym" says="does not depend on the key"
def pseudonym(patient_id, key):
    return hashlib.sha256(patient_id.encode()).hexdigest()[:12]

# %% tags=["wrong"] exercise="pseudonym" says="same patient"
def pseudonym(patient_id, key):
    return f"{np.random.default_rng().integers(10**12):012d}"

# %% tags=["wrong"] exercise="pseudonym" says="Twelve"
def pseudonym(patient_id, key):
    return hmac.new(key, patient_id.encode(), hashlib.sha256).hexdigest()

# %% tags=["wrong"] exercise="pseudonym" says="Different patients"
def pseudonym(patient_id, key):
    return hmac.new(key, b"patient", hashlib.sha256).hexdigest()[:12]

# %% tags=["wrong"] exercise="pseudonym" says="still readable"
def pseudonym(patient_id, key):
    return (hmac.new(key, patient_id.encode(), hashlib.sha256).hexdigest()[:4] + patient_id)[:12]

# %% tags=["checker"] exercise="pseudonym"
def checker(pseudonym):
    one, two = bytes(range(16)), bytes(range(16, 32))
    first = pseudonym("P0000417", one)
    require(
        isinstance(first, str) and len(first) == 12, "Twelve characters were asked for, as a text."
    )
    require(
        pseudonym("P0000417", one) == first,
        "The same patient got two pseudonyms: the studies fall apart.",
    )
    require("0417" not in first, "A part of the patient number is still readable.")
    require(
        pseudonym("P0000417", two) != first,
        "The result does not depend on the key, so anybody can work it out.",
    )
    many = {pseudonym(f"P{n:07d}", one) for n in range(500)}
    require(len(many) == 500, "Different patients share a pseudonym.")

# %% [markdown] tags=["instructor"]
# Law and words: in most countries (GDPR, and Korea's PIPA) data that can be traced back with a key are *pseudonymised* and still personal data.
# Destroying the key helps, but a face reconstructed from a head CT, or a rare disease with a date, needs no key.

# %% [markdown] tags=["slide"]
# ## 4 Text in the pixels
#
# Ultrasound machines and film scanners print names **into the picture**. No table of attributes helps, and the byte
# search finds nothing: there are no letters, only bright pixels. The library looks for what letters have in common: thin strokes of one
# grey value, of one height, in a row.

# %%
def printed(text, size, brightness):
    """A chest film with a line of text at the top left, and the film without."""
    ground = radiograph(sample_patient(12), size=384, seed=12).pixels
    ink = np.zeros(ground.shape, np.uint8)
    cv2.putText(ink, text, (10, 30), cv2.FONT_HERSHEY_SIMPLEX, size, 255, 1, cv2.LINE_AA)
    share = ink / 255
    return (ground * (1 - share) + 4095 * brightness * share).astype(np.uint16)


def boxed(picture):
    """The film with the rows of text that were found in boxes, and the masked film beside it."""
    boxes = find_text(picture)
    titles = [f"rows of text found: {len(boxes)}", "masked"]
    fig = films([picture, mask_text(picture, boxes)], titles, width=8, vmin=0, vmax=4095)
    for box in boxes:
        fig.axes[0].add_patch(
            plt.Rectangle((box.left, box.top), box.width, box.height, fill=False, color=COLOURS[4])
        )
    return fig


burned = printed("KIM JIWON 1980-03-04", 0.5, 1.0)
claim("The byte search sees nothing in the pixels", not find_identifiers(burned.tobytes(), wanted))
show(boxed(burned), alt="A chest film with a name printed on it: found and boxed, then blacked out")

# %% [markdown]
# ### Play: when is it missed?
#
# Make the print fainter and smaller. A single letter such as the side marker **L** is left alone on purpose: it is no row,
# and it tells which side is left. A program that hides every letter hides that too.

# %% tags=["slide"]
explore(
    lambda text, size, brightness: boxed(printed(text, size, brightness)),
    alt="a chest film with text of the chosen size and brightness, what was found, and the masked film",
    text=["KIM JIWON 1980-03-04", "ID 4711", "L"],
    size=(0.3, 1.2, 0.1, 0.5),
    brightness=(0.1, 1.0, 0.1, 1.0),
)

# %%
claim("The side marker is left alone", not find_text(printed("L", 0.9, 1.0)))
claim("A tiny print is missed", not find_text(printed("KIM JIWON 1980-03-04", 0.3, 1.0)))
claim("and so is a short and faint one", not find_text(printed("ID 4711", 0.5, 0.1)))

# %% [markdown]
# The library's tests measure it. On virtual films with ordinary print about 19 of 20 lines are covered, and no film without text raises an
# alarm. On 300 real films of ChestX-ray14, made small, four had a false alarm (rows of ribs), and one tiny print was missed. That is
# too many for a release of 100,000 films: somebody must look, or the series with printed text stay at home.

# %% [markdown] tags=["slide"]
# ## 5 Nobody is an island: k-anonymity
#
# Names gone, key destroyed. A neighbour knows: the man is 83 and was scanned in the second week of May. How many rows of the table fit?
# A data set is **k-anonymous** if every combination of such facts fits at least k people ([[k-anonymity]]).

# %%
people = sample_cohort(400, seed=3)
rng = np.random.default_rng(3)
weeks = rng.integers(1, 53, len(people))
rows = [(int(p.age), p.sex, int(week)) for p, week in zip(people, weeks, strict=True)]
print("first rows (age, sex, week):", rows[:3])

# %% [markdown] tags=["exercise"] exercise="smallest_group"
# ### Exercise: the smallest crowd
#
# Write `k_of(rows)`: rows are tuples of facts. Return k: the size of the smallest group of equal rows.

# %% tags=["stub"] exercise="smallest_group"
def k_of(rows):
    """The k of k-anonymity."""
    return ...

# %% tags=["check"] exercise="smallest_group"
check("smallest_group", k_of)

# %% [markdown] tags=["hint"] exercise="smallest_group"
# First count how often each combination occurs.

# %% [markdown] tags=["hint"] exercise="smallest_group"
# `Counter(rows)` counts equal tuples; `.values()` are the counts.

# %% [markdown] tags=["hint"] exercise="smallest_group"
# The weakest spot decides: take the least of the counts.

# %% tags=["solution"] exercise="smallest_group"
def k_of(rows):
    """The k of k-anonymity."""
    return min(Counter(rows).values())  # the person in the smallest crowd is the one who is found

# %% tags=["equivalent"] exercise="smallest_group"
def k_of(rows):
    rows = list(rows)
    return min(rows.count(row) for row in rows)

# %% tags=["wrong"] exercise="smallest_group" says="number of groups"
def k_of(rows):
    return len(set(rows))

# %% tags=["wrong"] exercise="smallest_group" says="largest"
def k_of(rows):
    return max(Counter(rows).values())

# %% tags=["wrong"] exercise="smallest_group" says="average"
def k_of(rows):
    return len(rows) / len(set(rows))

# %% tags=["wrong"] exercise="smallest_group" says="side by side"
def k_of(rows):
    from itertools import groupby

    return min(len(list(group)) for _, group in groupby(rows))

# %% tags=["wrong"] exercise="smallest_group" says="not the group"
def k_of(rows):
    return Counter(rows).most_common()[-1]

# %% tags=["wrong"] exercise="smallest_group" says="alone"
def k_of(rows):
    return sum(count == 1 for count in Counter(rows).values())

# %% tags=["checker"] exercise="smallest_group"
def checker(k_of):
    rows = [("F", 40)] * 7 + [("M", 40)] * 3 + [("F", 50)] * 5 + [("M", 50)] * 6 + [("M", 60)] * 7
    value = k_of(rows)
    require(not isinstance(value, tuple), "Return the number of people, not the group itself.")
    require(value != 5, "That is the number of groups.")
    require(value != 7, "That is the largest group; who is found more easily?")
    require(value != 28 / 5, "That is the average group; the weakest spot decides.")
    require(
        value != 0, "You count people who are alone; asked for is the size of the smallest group."
    )
    close(value, 3, "Three men of 40 share one row, and no group is smaller.")
    close(k_of([(1,), (2,), (2,)]), 1, "One person alone means k = 1.")
    mixed = k_of([(1,), (2,), (1,), (2,), (2,)])
    close(mixed, 2, "Equal rows need not stand side by side in the table.")

# %% [markdown]
# Coarser facts make larger crowds. How many of the 400 people stand alone (k = 1)?

# %% tags=["slide"]
def alone(rows):
    """Share of the people whose row is theirs alone."""
    return sum(count == 1 for count in Counter(rows).values()) / len(rows)


versions = {
    "age, sex, week": rows,
    "age, sex, month": [(a, s, w * 12 // 53) for a, s, w in rows],
    "age, sex": [(a, s) for a, s, _ in rows],
    "age in decades, sex": [(a // 10, s) for a, s, _ in rows],
}
fig, ax = plt.subplots(figsize=(6.5, 2.6))
bars = ax.barh(list(versions), [100 * alone(v) for v in versions.values()], color=COLOURS[0])
ax.bar_label(bars, fmt="%.0f", padding=3)
ax.set(xlabel="people who stand alone (%)", xlim=(0, 100))
ax.invert_yaxis()
show(
    fig,
    alt="With age, sex and week nearly everybody stands alone; with decades of age nearly nobody",
)

# %%
claim("With age, sex and week almost everybody can be singled out", alone(rows) > 0.9)
claim("with decades of age almost nobody", alone(versions["age in decades, sex"]) < 0.02)

# %% [markdown]
# This is why the profile removes ages and dates. If you ask for ages, our library writes 90 for everybody above 89. If you ask for dates, it
# can move them: the intervals stay, and the week of the scan tells nothing any more.

# %%
weeks_back = Pseudonyms(key).weeks(original.PatientID)
moved = pydicom.valuerep.DA(original.StudyDate) - pydicom.valuerep.DA(clean.StudyDate)
claim("All dates of this patient moved back by the same whole weeks", moved.days == 7 * weeks_back)

# %% [markdown] tags=["instructor"]
# Good closing question: "You are asked for 2,000 chest CTs of last year with age and day of the scan. What do you send?" Expect: no exact dates,
# ages in bands, no faces (head and neck), printed text looked at, key kept by a third person, and a contract for the rest.

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - An object carries person, place and meaning. Shift and limit before you change the type; 16 characters for a decimal.
# - "Unknown" is an empty element, not a missing one.
# - Results that others should compute with go into SEG and SR, not into a coloured picture.
# - Identity hides in sequences, private elements, UIDs, dates, file headers, and pixels. Search the bytes, do not trust the program.
# - Pseudonyms need a secret key. Equal replacement everywhere keeps references alive.
# - What is left can still single people out: coarsen it.

# %% [markdown]
# ## References
#
# - DICOM PS3.3 (information objects), PS3.5 section 6.2 (value representations), PS3.15 Annex E (de-identification), PS3.16 TID 1500.
# - C. P. Bridge et al., Highdicom: a Python library for standardized encoding of image annotations and machine learning model outputs
#   in pathology and radiology, Journal of Digital Imaging 35 (2022) 1719.
# - L. Sweeney, k-anonymity: a model for protecting privacy, Int. J. Uncertainty, Fuzziness and Knowledge-Based Systems 10 (2002) 557.
# - H. Krawczyk, M. Bellare, R. Canetti, HMAC: keyed-hashing for message authentication, RFC 2104 (1997).

# %% tags=["local"]
progress()

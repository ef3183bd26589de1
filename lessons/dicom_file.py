# %% [markdown] tags=["slide"]
# ## What is in the file?
#
# Nearly every picture in radiology is kept in one format: [[DICOM]]. A file holds the pixels **and**
# who, when, where, how large, and what the numbers mean.
#
# - Read the pixels without the rest, and lengths, greys and the order of slices go wrong, silently.
# - You will read a file [[byte]] by byte, then let a program do it, then catch four classic mistakes:
#   a brightness turned round too early, slices in a wrong order, and two wrong millimetres.

# %%
import struct
import tempfile
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from course_lib.dicom.dictionary import VR_MEANINGS, name_of_tag, tag_text
from course_lib.dicom.identity import identity_of, make_identity
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.parser import LONG, Parser, parse, parse_file
from course_lib.dicom.uids import meaning_of_uid
from course_lib.dicom.writing.ct import ct_slices, write_ct
from course_lib.dicom.writing.virtual import chest_grid, hounsfield_volume
from course_lib.imaging.ct.table import on_the_table
from course_lib.patient.cohort import sample_patient
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import film, films, show
from course_lib.teaching.hexview import fields_of, hex_view
from course_lib.teaching.widgets import explore

# %% [markdown]
# Our CT scanner images virtual patient 7 and writes one file for each slice, as every scanner does.
# The slices are 10 mm thick and lie 5 mm apart: they overlap. Keep that in mind for later.

# %%
patient = sample_patient(7)
grid = chest_grid(patient, shape=(64, 128, 128), field_mm=384)
grid = replace(grid, spacing=(3.0, 3.0, 5.0))
solids = on_the_table(patient).solids  # arms raised
volume = hounsfield_volume(solids, grid)
shelf = tempfile.TemporaryDirectory()  # gone when the lesson ends
folder = Path(shelf.name)
scanner = write_ct(
    folder / "scanner", volume, (5, 3, 3), identity_of(patient), grid.first, thickness_mm=10
)
print(f"{len(scanner)} files, for example {scanner[0].name}")

# %% [markdown] tags=["slide"]
# ## 1 What the standard holds
#
# | part of the standard | what it says |
# |---|---|
# | PS3.3 | which elements a CT, an MR, a chest film must have |
# | PS3.5 | how they are written as bytes |
# | PS3.6 | the dictionary: name and kind of every element |
# | PS3.4, 3.7, 3.8, 3.18 | how files travel: the [[PACS|pacs]] lesson |
# | PS3.10 | the file |
# | PS3.14 | how a screen shows grey |
# | PS3.15 | security, and how to remove a patient's identity |

# %% [markdown] tags=["slide"]
# ### Patient, study, series, instance
#
# - A **patient** has **studies** (one visit, one order).
# - A study has **series** (one run of one machine).
# - A series has **instances**: files, each one object.
#
# No folder says so. Each file repeats it all, and a [[unique identifier]] (UID) ties the files
# together. The standard calls a kind of object a *SOP class* (service-object pair), so the UID of the
# instance is named `SOPInstanceUID`.

# %%
one = open_dicom(scanner[30])
print("patient ", one.PatientID, one.PatientName)
print("study   ", one.StudyInstanceUID)
print("series  ", one.SeriesInstanceUID)
print("instance", one.SOPInstanceUID)
print("kind    ", one.SOPClassUID, "=", meaning_of_uid(one.SOPClassUID))
everyone = [open_dicom(path, header_only=True) for path in scanner]
series_uids = {ds.SeriesInstanceUID for ds in everyone}
claim("All files of the scan name the same series", len(series_uids) == 1)
claim("No two name the same instance", len({ds.SOPInstanceUID for ds in everyone}) == 64)

# %% [markdown]
# A UID is numbers with dots between them, at most 64 characters. The first numbers belong to somebody
# who registered them; `2.25.` belongs to everybody: a random number of 128 bits follows, and
# nobody ever draws the same one. No number may begin with a superfluous zero.

# %% [markdown] tags=["exercise"] exercise="well_formed_uid"
# ### Exercise: predict, then check
#
# Which of these are well-formed UIDs? Replace each `...` by `True` or `False`.

# %% tags=["stub"] exercise="well_formed_uid"
explicit_writing = ...  # "1.2.840.10008.1.2.1"
date_inside = ...  # "1.2.410.2024.03.04.1", made from the date 2024.03.04
random_number = ...  # "2.25.329800735698586629295641978511506172918"
with_hospital = ...  # "1.2.410.SEOUL.7"

# %% tags=["check"] exercise="well_formed_uid"
check("well_formed_uid", explicit_writing, date_inside, random_number, with_hospital)

# %% [markdown] tags=["hint"] exercise="well_formed_uid"
# Look at the pieces between the dots, one by one.

# %% [markdown] tags=["hint"] exercise="well_formed_uid"
# Each piece must be a number, written the shortest way. Then count the characters: at most 64.

# %% [markdown] tags=["hint"] exercise="well_formed_uid"
# `03` is written the shortest way as `3`. Letters are never allowed. The long one has 44 characters.

# %% tags=["solution"] exercise="well_formed_uid"
explicit_writing = True
date_inside = False  # 03 and 04 have a superfluous zero; in October, on the 10th, it would pass
random_number = True  # 44 characters, and fewer than 128 bits
with_hospital = False  # only digits and dots

# %% tags=["equivalent"] exercise="well_formed_uid"
explicit_writing, date_inside, random_number, with_hospital = 1, 0, 1, 0

# %% tags=["wrong"] exercise="well_formed_uid" says="every file"
explicit_writing, date_inside, random_number, with_hospital = False, False, True, False

# %% tags=["wrong"] exercise="well_formed_uid" says="zero"
explicit_writing, date_inside, random_number, with_hospital = True, True, True, False

# %% tags=["wrong"] exercise="well_formed_uid" says="Count"
explicit_writing, date_inside, random_number, with_hospital = True, False, False, False

# %% tags=["wrong"] exercise="well_formed_uid" says="letters"
explicit_writing, date_inside, random_number, with_hospital = True, False, True, True

# %% tags=["checker"] exercise="well_formed_uid"
def checker(explicit_writing, date_inside, random_number, with_hospital):
    for answer in (explicit_writing, date_inside, random_number, with_hospital):
        require(answer in (True, False), "Every answer must be True or False.")
    require(explicit_writing, "1.2.840.10008.1.2.1 stands in the head of nearly every file.")
    require(not date_inside, "Look for a superfluous zero in the one made from a date.")
    require(random_number, "Count the characters of the one that begins with 2.25.")
    require(not with_hospital, "May letters stand in a UID?")

# %% [markdown] tags=["slide"]
# ## 2 The bytes
#
# - 128 bytes for anything (mostly zeros), then the letters `DICM`.
# - Then [[data elements|data element]] in a row, nothing else. Each has
#   - a [[tag]]: group and number, 2 bytes each, such as (0010,0010),
#   - a [[value representation]] (VR), two letters: what kind of value,
#   - a length, and then the value.

# %% tags=["slide"]
data = Path(get_testdata_file("MR_small.dcm")).read_bytes()
elements = list(parse(data))
start = [(0, 128, "preamble"), (128, 132, "mark DICM")]
fig = hex_view(data, 112, 320, [*start, *fields_of(data, elements)])
show(fig, alt="Bytes of a DICOM file, coloured: preamble, DICM, then tag, VR, length, value in turn")

# %% [markdown]
# These are the bytes of a real MR slice that the library *pydicom* brings. Numbers are written with the
# smallest part first ([[little endian]]): the bytes `02 00 10 00` are group 0002, number 0010.
# That element holds the [[transfer syntax]]: how all that follows group 0002 is written.
#
# In the next picture we stand where the patient begins.

# %% tags=["slide"]
name = next(e for e in elements if e.tag == 0x00100010)
sex = next(e for e in elements if e.tag == 0x00100040)
show(
    hex_view(data, name.start, sex.end, fields_of(data, elements)),
    alt="Bytes of name, number, birth date and sex; each element has tag, VR, length and value",
)

# %%
for element in elements[20:26]:
    meaning = VR_MEANINGS[element.vr]
    print(f"{tag_text(element.tag)} {name_of_tag(element.tag)}: {element.vr}, {meaning}")

# %% [markdown] tags=["exercise", "slide"] exercise="first_element"
# ### Exercise: read one element
#
# `data` are bytes, an element begins at byte `at`. Return its tag (one number: group · 65536 + number),
# its VR (a text of two letters) and its value (bytes).
#
# | bytes | 4 | 2 | 2 | length |
# |---|---|---|---|---|
# | | tag: group, number | VR | length | value |

# %% tags=["stub"] exercise="first_element"
def first_element(data, at):
    """(tag, VR, value) of the element that begins at byte `at`."""
    return ...

# %% tags=["check"] exercise="first_element"
check("first_element", first_element)

# %% [markdown] tags=["hint"] exercise="first_element"
# `data[at : at + 2]` are two bytes. `int.from_bytes(two_bytes, "little")` makes a number of them.

# %% [markdown] tags=["hint"] exercise="first_element"
# Group at `at`, number at `at + 2`, VR at `at + 4` (use `.decode()`), length at `at + 6`, value
# from `at + 8`.

# %% [markdown] tags=["hint"] exercise="first_element"
# `struct.unpack("<HH2sH", data[at : at + 8])` gives group, number, VR and length at once: `<` means
# little endian, `H` two bytes, `2s` two letters. The value is `data[at + 8 : at + 8 + length]`.

# %% tags=["solution"] exercise="first_element"
def first_element(data, at):
    """(tag, VR, value) of the element that begins at byte `at`."""
    group, number, vr, length = struct.unpack("<HH2sH", data[at : at + 8])
    return group * 65536 + number, vr.decode(), data[at + 8 : at + 8 + length]

# %% tags=["equivalent"] exercise="first_element"
def first_element(data, at):
    words = np.frombuffer(data[at : at + 8], dtype="<u2")
    tag = (int(words[0]) << 16) | int(words[1])
    begin = at + 8
    return tag, chr(data[at + 4]) + chr(data[at + 5]), data[begin : begin + int(words[3])]

# %% tags=["equivalent"] exercise="first_element"
def first_element(data, at):
    group, number, length = (
        int.from_bytes(data[at + i : at + i + 2], "little") for i in (0, 2, 6)
    )
    return (group << 16) + number, data[at + 4 : at + 6].decode("ascii"), data[at + 8 :][:length]

# %% tags=["wrong"] exercise="first_element" says="smallest part first"
def first_element(data, at):
    group, number, vr, length = struct.unpack(">HH2sH", data[at : at + 8])
    return group * 65536 + number, vr.decode(), data[at + 8 : at + 8 + length]

# %% tags=["wrong"] exercise="first_element" says="group comes first"
def first_element(data, at):
    tag = int.from_bytes(data[at : at + 4], "little")
    length = int.from_bytes(data[at + 6 : at + 8], "little")
    return tag, data[at + 4 : at + 6].decode(), data[at + 8 : at + 8 + length]

# %% tags=["wrong"] exercise="first_element" says="begins at byte"
def first_element(data, at):
    group, number, vr, length = struct.unpack("<HH2sH", data[:8])
    return group * 65536 + number, vr.decode(), data[8 : 8 + length]

# %% tags=["wrong"] exercise="first_element" says="head"
def first_element(data, at):
    group, number, vr, length = struct.unpack("<HH2sH", data[at : at + 8])
    return group * 65536 + number, vr.decode(), data[at : at + 8 + length]

# %% tags=["wrong"] exercise="first_element" says="two letters"
def first_element(data, at):
    group, number, vr, length = struct.unpack("<HH2sH", data[at : at + 8])
    return group * 65536 + number, vr, data[at + 8 : at + 8 + length]

# %% tags=["wrong"] exercise="first_element" says="length"
def first_element(data, at):
    group, number, vr, length = struct.unpack("<HH2sH", data[at : at + 8])
    return group * 65536 + number, vr.decode(), data[at + 8 :]

# %% tags=["wrong"] exercise="first_element" says="one number"
def first_element(data, at):
    group, number, vr, length = struct.unpack("<HH2sH", data[at : at + 8])
    return (group, number), vr.decode(), data[at + 8 : at + 8 + length]

# %% tags=["wrong"] exercise="first_element" says="do not decode"
def first_element(data, at):
    group, number, vr, length = struct.unpack("<HH2sH", data[at : at + 8])
    return group * 65536 + number, vr.decode(), data[at + 8 : at + 8 + length].decode()

# %% tags=["checker"] exercise="first_element"
def checker(first_element):
    data = b"\x08\x00\x60\x00CS\x02\x00MR" + b"\x10\x00\x20\x00LO\x06\x00P-0007" + b"\x28\x00"
    answer = first_element(data, 10)
    three = isinstance(answer, (tuple, list)) and len(answer) == 3
    require(three, "Return three things: tag, VR, value.")
    tag, vr, value = answer
    joined = "The tag should be one number: group · 65536 + number."
    require(not isinstance(tag, (tuple, list, str, bytes)), joined)
    require(tag != 0x00080060, "The element begins at byte `at`, not always at byte 0.")
    require(tag != 0x10002000, "Numbers are written with the smallest part first.")
    require(tag != 0x00200010, "In the tag the group comes first: it counts 65536-fold.")
    close(tag, 0x00100020, "That is not the tag of the element at byte 10, (0010,0020).")
    require(isinstance(vr, str), "The VR should be a text of two letters; use .decode().")
    require(vr == "LO", "The VR stands right behind the four bytes of the tag.")
    as_bytes = isinstance(value, (bytes, bytearray))
    require(as_bytes, "Give the value as bytes, as it stands in the file: do not decode it.")
    require(not value.startswith(b"\x10"), "The head of 8 bytes does not belong to the value.")
    require(value == b"P-0007", "The value is as long as the length says, no more and no less.")

# %% [markdown] tags=["slide"]
# ## 3 One element, three ways to write it
#
# - **Explicit VR, little endian**: as above. The usual way.
# - **Implicit VR**: no VR in the file, and 4 bytes for the length. The reader needs the dictionary.
# - **Big endian**: numbers with the largest part first. Retired, but alive in old archives.
#
# The transfer syntax says which. Guess wrong, and everything that follows is nonsense.

# %%
def written(keyword, way):
    """(bytes, elements) of one element of our CT slice, written in a certain way."""
    little, explicit = way != "big endian", way != "implicit VR"
    alone, file = pydicom.Dataset(), DicomBytesIO()
    alone[keyword] = deepcopy(one[keyword])
    file.is_little_endian, file.is_implicit_VR = little, not explicit
    write_dataset(file, alone, "iso8859")
    content = file.getvalue()
    return content, list(Parser(content, None, little, explicit).elements(0, len(content)))


def draw_written(element, way):
    content, found = written(element, way)
    return hex_view(content, 0, len(content), fields_of(content, found))


explore(
    draw_written,
    alt="the bytes of the chosen element: explicit VR has letters, implicit VR has none",
    element=["Rows", "PatientID", "PixelSpacing", "ImageType", "RescaleIntercept"],
    way=["explicit VR", "implicit VR", "big endian"],
)

# %% [markdown]
# What if a program takes an explicit file for an implicit one? It reads the letters of the VR as
# part of the length:

# %%
content, _ = written("Rows", "explicit VR")
taken_for_implicit = struct.unpack("<L", content[4:8])[0]
print(f"{content.hex(' ')}: a value of {taken_for_implicit} bytes?")
claim("A number of 2 bytes seems to need more than 100,000", taken_for_implicit > 100_000)

# %% [markdown] tags=["slide"]
# ### Long elements
#
# Two bytes of length reach up to 65,535. For pixels and other long things, explicit VR uses a
# longer head: after the VR two zeros, then a length of 4 bytes.
#
# | bytes | 4 | 2 | 2 | 4 | length |
# |---|---|---|---|---|---|
# | OB, OW, SQ, UN, UT ... | tag | VR | 00 00 | length | value |

# %%
pixels = elements[-2]
print(pixels.vr, "head:", data[pixels.start : pixels.at].hex(" "), "length:", pixels.length)
print("VRs with a long head:", *sorted(LONG))

# %% [markdown] tags=["exercise"] exercise="next_element"
# ### Exercise: walk to the next element
#
# A parser is a walk: read a head, jump over the value, read the next head. Complete the jump.
# `data` are explicit VR, little endian; an element begins at byte `at`. Where does the next one
# begin? `LONG` holds the VRs with a long head.

# %% tags=["stub"] exercise="next_element"
def next_element(data, at):
    """The byte at which the element after the one at byte `at` begins."""
    return ...

# %% tags=["check"] exercise="next_element"
check("next_element", next_element)

# %% [markdown] tags=["hint"] exercise="next_element"
# First look at the VR, `data[at + 4 : at + 6].decode()`. It decides how long the head is.

# %% [markdown] tags=["hint"] exercise="next_element"
# Short head: 8 bytes, length in bytes 6 and 7. Long head: 12 bytes, length in bytes 8 to 11.

# %% [markdown] tags=["hint"] exercise="next_element"
# `int.from_bytes(data[at + 8 : at + 12], "little")` is the length of a long one. The next element
# begins at `at` + head + length.

# %% tags=["solution"] exercise="next_element"
def next_element(data, at):
    """The byte at which the element after the one at byte `at` begins."""
    if data[at + 4 : at + 6].decode() in LONG:
        return at + 12 + int.from_bytes(data[at + 8 : at + 12], "little")
    return at + 8 + int.from_bytes(data[at + 6 : at + 8], "little")

# %% tags=["equivalent"] exercise="next_element"
def next_element(data, at):
    vr, short = struct.unpack_from("<2sH", data, at + 4)
    long_head = vr.decode() in LONG
    length = struct.unpack_from("<L", data, at + 8)[0] if long_head else short
    return at + length + (12 if long_head else 8)

# %% tags=["equivalent"] exercise="next_element"
def next_element(data, at):
    head, first = (12, 8) if data[at + 4 : at + 6] in {v.encode() for v in LONG} else (8, 6)
    return at + head + int.from_bytes(data[at + first : at + head], "little")

# %% tags=["wrong"] exercise="next_element" says="zeros"
def next_element(data, at):
    return at + 8 + int.from_bytes(data[at + 6 : at + 8], "little")

# %% tags=["wrong"] exercise="next_element" says="smallest part first"
def next_element(data, at):
    if data[at + 4 : at + 6].decode() in LONG:
        return at + 12 + int.from_bytes(data[at + 8 : at + 12])
    return at + 8 + int.from_bytes(data[at + 6 : at + 8])

# %% tags=["wrong"] exercise="next_element" says="12 bytes"
def next_element(data, at):
    if data[at + 4 : at + 6].decode() in LONG:
        return at + 8 + int.from_bytes(data[at + 8 : at + 12], "little")
    return at + 8 + int.from_bytes(data[at + 6 : at + 8], "little")

# %% tags=["wrong"] exercise="next_element" says="text"
def next_element(data, at):
    if data[at + 4 : at + 6] in LONG:
        return at + 12 + int.from_bytes(data[at + 8 : at + 12], "little")
    return at + 8 + int.from_bytes(data[at + 6 : at + 8], "little")

# %% tags=["wrong"] exercise="next_element" says="bytes 8 to 11"
def next_element(data, at):
    head = 12 if data[at + 4 : at + 6].decode() in LONG else 8
    return at + head + int.from_bytes(data[at + 6 : at + 8], "little")

# %% tags=["wrong"] exercise="next_element" says="head"
def next_element(data, at):
    return at + int.from_bytes(data[at + 6 : at + 8], "little")

# %% tags=["wrong"] exercise="next_element" says="begin of the data"
def next_element(data, at):
    if data[at + 4 : at + 6].decode() in LONG:
        return 12 + int.from_bytes(data[at + 8 : at + 12], "little")
    return 8 + int.from_bytes(data[at + 6 : at + 8], "little")

# %% tags=["checker"] exercise="next_element"
def checker(next_element):
    short = b"\x28\x00\x10\x00US\x02\x00\x40\x00"
    long_one = b"\xe0\x7f\x10\x00OW\x00\x00\x08\x00\x00\x00abcdefgh"
    data = short + long_one + short
    first = next_element(data, 0)
    require(first != 520, "Numbers are written with the smallest part first.")
    require(first != 2, "The head, 8 bytes, stands before the value.")
    close(first, 10, "The first element, Rows, has a head of 8 bytes and a value of 2.")
    second = next_element(data, 10)
    require(second != 18, "OW has a long head: bytes 6 and 7 are zeros, not its length. "
            "(Do you ask `LONG` for a text? `.decode()` makes one of bytes.)")
    require(second != 22, "The length of a long element stands in bytes 8 to 11.")
    require(second != 26, "The long head has 12 bytes, not 8.")
    require(second != 20, "Count from the begin of the data: add `at`.")
    close(second, 30, "The element at byte 10 has a head of 12 bytes and a value of 8.")

# %% [markdown]
# That is all a parser does. Ours, `course_lib/dicom/parser.py`, adds implicit VR,
# big endian, sequences, and much suspicion: what if a length points beyond the end of the file?

# %%
from course_lib.dicom.conformance.checker import check as check_file
from course_lib.dicom.conformance.modules import kinds
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.pixels import Window, apply_window, displayed
from course_lib.dicom.series import read_series
from course_lib.dicom.spacing import spacing_of
from course_lib.dicom.writing.dx import dx_image
from course_lib.imaging.radiography import radiograph
from course_lib.patient.findings import FINDINGS
from course_lib.patient.voxels import tissue_volumes

# %%
try:
    list(parse(data[:3000], "cut.dcm"))
except UnreadableFile as error:
    print(error)

# %% [markdown] tags=["slide"]
# ## 4 Sequences, and compressed pixels
#
# - A value can be a list of items, each a small data set of its own: a [[DICOM sequence]] (VR `SQ`).
#   Sequences hold sequences: a tree.
# - A length of `FF FF FF FF` means: read on until the delimiter.
# - Compressed pixels use the same trick: fragments in items.

# %% tags=["slide"]
chest_film = radiograph(patient, size=256, seed=7)
dx = dx_image(chest_film.pixels, chest_film.spacing_mm, identity_of(patient))
buffer = DicomBytesIO()
dx.save_as(buffer, enforce_file_format=True)
film_bytes = buffer.getvalue()
view = next(e for e in parse(film_bytes) if e.tag == 0x00540220)
show(
    hex_view(film_bytes, view.start, view.end, fields_of(film_bytes, [view])),
    alt="Bytes of a sequence: an item holds three elements, code value, scheme and meaning",
)

# %% [markdown] tags=["slide"]
# ### Transfer syntaxes
#
# The same MR slice, written in six ways: the same numbers, other bytes.

# %%
ways = ["", "_implicit", "_bigendian", "_RLE", "_jpeg_ls_lossless", "_jp2klossless"]
pictures = []
for way in ways:
    path = get_testdata_file(f"MR_small{way}.dcm")
    ds = open_dicom(path)
    pictures.append(ds.pixel_array)
    size = sum(len(i.value) for i in parse_file(path)[-2].items) or len(ds.PixelData)
    print(f"{ds.file_meta.TransferSyntaxUID.name:52}{size:6} bytes of pixels")
same = all(np.array_equal(picture, pictures[0]) for picture in pictures)
claim("All six give the same picture, to the last bit", same)

# %% [markdown]
# And with pydicom, which knows every corner of the standard? Three lines. From here on we let it work,
# knowing what it does.

# %%
ds = pydicom.dcmread(get_testdata_file("MR_small.dcm"))
print(ds.PatientName, ds.Modality, ds.Rows, "x", ds.Columns)
print(ds["RepetitionTime"])
found = {e.tag for e in elements if e.tag >> 16 != 2}
claim("pydicom and our parser find the same elements", found == set(ds.keys()))

# %% [markdown] tags=["instructor"]
# Short of time: skip the exercise on long heads, but show the hex view of the sequence: it explains
# why "just search the bytes for the tag" fails. Good question: where could an identifier hide in
# this file? (Preamble, private elements, inside of sequences, in the pixels.) It leads to the
# lesson on DICOM objects.

# %% [markdown] tags=["slide"]
# ## 5 What must be there: types 1, 2, 3
#
# Elements come in modules (patient, study, image plane, ...). For each the standard names a type:
#
# - **1**: must be there, with a value. **1C**: so, if a condition holds.
# - **2**: must be there, but may be **empty**: "we asked, and do not know". **2C** likewise.
# - **3**: optional.

# %%
ct = kinds()["1.2.840.10008.5.1.4.1.1.2"]
for module in ct.modules[1:]:
    words = [f"{rule.keyword} {rule.type}" for rule in module.rules]
    print(f"{module.name:18} {module.section:10} {', '.join(words[:4])}")

# %% [markdown]
# These tables are all a checker needs; ours is `course_lib/dicom/conformance/checker.py`. It agrees
# with the well-known program *dciodvfy* on more than 400 damaged files. Now damage one:

# %%
damaged = deepcopy(one)
del damaged.PatientBirthDate
damaged.BitsStored = 16
damaged.ImageOrientationPatient = [1, 0, 0, 1, 0, 0]
for problem in check_file(damaged):
    print(problem)
claim("Our scanner's own file has no problem", check_file(one) == [])

# %% [markdown] tags=["exercise", "slide"] exercise="mend_file"
# ### Exercise: mend a file
#
# A converter wrote `broken()`, a slice of a water phantom whose pixels are Hounsfield units already.
# Run `for problem in check_file(broken()): print(problem)` in a new cell and read. Then write
# `mend(ds)`: it changes `ds` so that no problem is left, and returns it. What you cannot know must not be invented.

# %% tags=["given"] exercise="mend_file"
def broken():
    """A CT slice as a careless converter writes it."""
    ds = ct_slices(np.zeros((1, 16, 16)), (5, 3, 3), make_identity(7))[0]
    del ds.ReferringPhysicianName, ds.RescaleIntercept, ds.RescaleSlope
    ds.PixelData = np.zeros((16, 16), np.int16).tobytes()  # water is 0 HU
    ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 1, 16, 12
    ds.PhotometricInterpretation = "GREY"
    return ds


# %% tags=["stub"] exercise="mend_file"
def mend(ds):
    """`ds`, changed so that check_file(ds) finds nothing."""
    return ...

# %% tags=["check"] exercise="mend_file"
check("mend_file", mend)

# %% [markdown] tags=["hint"] exercise="mend_file"
# Take the lines of the checker one by one. Some name the same word twice, because two modules ask for
# it.

# %% [markdown] tags=["hint"] exercise="mend_file"
# The values are Hounsfield units already: which slope and intercept leave them as they are? The
# referring physician is type 2: what may an element of type 2 be?

# %% [markdown] tags=["hint"] exercise="mend_file"
# `ds.RescaleSlope = 1`, and so on. `ds.ReferringPhysicianName = ""` says honestly that we do not
# know. Large values are bright: MONOCHROME2. HighBit is BitsStored minus 1.

# %% tags=["solution"] exercise="mend_file"
def mend(ds):
    """`ds`, changed so that check_file(ds) finds nothing."""
    ds.ReferringPhysicianName = ""  # type 2: empty is the honest answer
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0  # the stored values are HU already
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.HighBit = ds.BitsStored - 1
    return ds

# %% tags=["equivalent"] exercise="mend_file"
def mend(ds):
    ds.update({"ReferringPhysicianName": None, "RescaleSlope": "1.0", "RescaleIntercept": "0.0"})
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.HighBit = 15
    return ds

# %% tags=["wrong"] exercise="mend_file" says="invent"
def mend(ds):
    ds.ReferringPhysicianName = "Nam^Jinwoo"
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    ds.PhotometricInterpretation, ds.HighBit = "MONOCHROME2", 15
    return ds

# %% tags=["wrong"] exercise="mend_file" says="already"
def mend(ds):
    ds.ReferringPhysicianName = ""
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    ds.PhotometricInterpretation, ds.HighBit = "MONOCHROME2", 15
    return ds

# %% tags=["wrong"] exercise="mend_file" says="leave them as they are"
def mend(ds):
    ds.ReferringPhysicianName = ""
    ds.RescaleSlope, ds.RescaleIntercept = 0, 0
    ds.PhotometricInterpretation, ds.HighBit = "MONOCHROME2", 15
    return ds

# %% tags=["wrong"] exercise="mend_file" says="return ds"
def mend(ds):
    ds.ReferringPhysicianName = ""

# %% tags=["wrong"] exercise="mend_file" says="negative"
def mend(ds):
    ds.ReferringPhysicianName = ""
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    ds.PhotometricInterpretation, ds.HighBit = "MONOCHROME1", 15
    return ds

# %% tags=["wrong"] exercise="mend_file" says="HighBit"
def mend(ds):
    ds.ReferringPhysicianName = ""
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    return ds

# %% tags=["wrong"] exercise="mend_file" says="need a sign"
def mend(ds):
    ds.ReferringPhysicianName = ""
    ds.RescaleSlope, ds.RescaleIntercept, ds.PixelRepresentation = 1, 0, 0
    ds.PhotometricInterpretation, ds.HighBit = "MONOCHROME2", 15
    return ds

# %% tags=["wrong"] exercise="mend_file" says="16 bits"
def mend(ds):
    ds.ReferringPhysicianName = ""
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    ds.PhotometricInterpretation, ds.BitsStored = "MONOCHROME2", 13
    return ds

# %% tags=["checker"] exercise="mend_file"
def checker(mend):
    ds = mend(broken())
    require(hasattr(ds, "PixelData"), "Give the data set back: end with `return ds`.")
    require(not ds.get("ReferringPhysicianName"), "Do not invent a physician: type 2 may be empty.")
    line = (ds.get("RescaleSlope"), ds.get("RescaleIntercept"))
    as_they_are = line[0] in (None, 1) and line[1] in (None, 0)
    require(as_they_are, "The values are Hounsfield units already; leave them as they are.")
    bright = ds.get("PhotometricInterpretation") != "MONOCHROME1"
    require(bright, "MONOCHROME1 would show it as a negative.")
    require(ds.BitsStored == 16, "The values use all 16 bits, sign included; leave BitsStored.")
    require(ds.PixelRepresentation == 1, "Hounsfield units need a sign; leave PixelRepresentation.")
    left = check_file(ds)
    require(not left, f"Still wrong: {left[0] if left else ''}")

# %% [markdown] tags=["slide"]
# ## 6 The pixels
#
# stored value → **modality LUT** → meaning (HU) → **VOI LUT** (window) → **presentation** → screen
#
# - LUT is short for [[look-up table]]; often a straight line does its work. In CT the first step is
#   slope and intercept, and gives [[Hounsfield units|hounsfield unit]] (HU). VOI means "values of
#   interest": the [[window]].
# - X-ray, CT and MR: mostly 12 [[bits|bit]] in 16. CT reaches from -1024 to 3071 HU.
# - The [[photometric interpretation]] says what large values mean: MONOCHROME2 bright,
#   [[MONOCHROME1]] dark.

# %%
print("allocated", one.BitsAllocated, "stored", one.BitsStored, "high bit", one.HighBit)
print("slope", one.RescaleSlope, "intercept", one.RescaleIntercept)
stored = one.pixel_array
print(f"stored values {stored.min()} to {stored.max()}")
careless = stored - np.uint16(1024)
print(f"air, in the corner of the picture: {stored[0, 0]} - 1024 = {careless[0, 0]} HU?")
claim("Air is near -1000 HU", abs(float(stored[0, 0]) - 1024 + 1000) < 5)

# %% [markdown]
# More than 64,000 HU? The stored values are 16-bit numbers **without a sign** (`uint16`): below zero they
# start again from 65,535, as an odometer does. Turn them into ordinary numbers before you subtract:
# `stored.astype(float)`.

# %% [markdown]
# Now our film as a MONOCHROME1 file: the same picture, large values mean dark. Its maker wrote a window into
# the file: centre 1645, width 2800. When do we invert? Try all orders:

# %% tags=["slide"]
negative = 4095 - chest_film.pixels.astype(float)  # stored as MONOCHROME1
centre, width = 1645, 2800  # the window in the file holds for the stored values


def window(values):
    return np.clip((values - centre) / width + 0.5, 0, 1)


orders = {
    "window only": window(negative),
    "invert, then window": window(4095 - negative),
    "window, then invert": 1 - window(negative),
}
show(
    films(orders.values(), orders.keys(), columns=3, width=9.5, vmin=0, vmax=1),
    alt="Chest film three ways: a negative, one with wrong contrast, and the right one",
)

# %% [markdown]
# The window speaks about the **stored** values (after slope and intercept). So it comes first, and the
# inversion last. If you invert first, the window looks at the wrong place: the picture is not a
# negative, but its contrast is wrong, and nobody may notice.

# %% [markdown] tags=["exercise"] exercise="grey_pipeline"
# ### Exercise: the whole pipeline
#
# Write `shown(stored, slope, intercept, centre, width, photometric)`: brightness from 0 (black) to 1
# (white). The window: below `centre - width / 2` gives 0, above `centre + width / 2` gives 1, a
# straight line between. `photometric` is "MONOCHROME1" or "MONOCHROME2". (DICOM calls this window
# `LINEAR_EXACT`. Its usual window, `LINEAR`, differs by half a value; the lesson on the viewer has it.)

# %% tags=["stub"] exercise="grey_pipeline"
def shown(stored, slope, intercept, centre, width, photometric):
    """Brightness 0..1 of stored values on a screen."""
    return ...

# %% tags=["check"] exercise="grey_pipeline"
check("grey_pipeline", shown)

# %% [markdown] tags=["hint"] exercise="grey_pipeline"
# Three steps in the order of the arrows above. Which one does `photometric` belong to?

# %% [markdown] tags=["hint"] exercise="grey_pipeline"
# Meaning = stored · slope + intercept. Window: `np.clip((meaning - centre) / width + 0.5, 0, 1)`.

# %% [markdown] tags=["hint"] exercise="grey_pipeline"
# At the very end: `1 - grey` if `photometric == "MONOCHROME1"`, otherwise `grey`.

# %% tags=["solution"] exercise="grey_pipeline"
def shown(stored, slope, intercept, centre, width, photometric):
    """Brightness 0..1 of stored values on a screen."""
    values = np.asarray(stored, float) * slope + intercept  # modality LUT; float: may be negative
    grey = np.clip((values - centre) / width + 0.5, 0, 1)  # VOI LUT
    return 1 - grey if photometric == "MONOCHROME1" else grey  # presentation, last

# %% tags=["equivalent"] exercise="grey_pipeline"
def shown(stored, slope, intercept, centre, width, photometric):
    low, high = centre - width / 2, centre + width / 2
    ends = [1, 0] if photometric == "MONOCHROME1" else [0, 1]
    return np.interp(np.asarray(stored, float) * slope + intercept, [low, high], ends)

# %% tags=["wrong"] exercise="grey_pipeline" says="Hounsfield"
def shown(stored, slope, intercept, centre, width, photometric):
    grey = np.clip((np.asarray(stored) - centre) / width + 0.5, 0, 1)
    return 1 - grey if photometric == "MONOCHROME1" else grey

# %% tags=["wrong"] exercise="grey_pipeline" says="slope 2"
def shown(stored, slope, intercept, centre, width, photometric):
    grey = np.clip((stored.astype(float) + intercept - centre) / width + 0.5, 0, 1)
    return 1 - grey if photometric == "MONOCHROME1" else grey

# %% tags=["wrong"] exercise="grey_pipeline" says="out of bounds for uint16"
def shown(stored, slope, intercept, centre, width, photometric):
    grey = np.clip((stored * slope + intercept - centre) / width + 0.5, 0, 1)
    return 1 - grey if photometric == "MONOCHROME1" else grey

# %% tags=["wrong"] exercise="grey_pipeline" says="This is LINEAR"
def shown(stored, slope, intercept, centre, width, photometric):
    values = np.asarray(stored, float) * slope + intercept
    grey = np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    return 1 - grey if photometric == "MONOCHROME1" else grey

# %% tags=["wrong"] exercise="grey_pipeline" says="half the width"
def shown(stored, slope, intercept, centre, width, photometric):
    values = np.asarray(stored, float) * slope + intercept
    grey = np.clip((values - centre) / width, 0, 1)
    return 1 - grey if photometric == "MONOCHROME1" else grey

# %% tags=["wrong"] exercise="grey_pipeline" says="between 0 and 1"
def shown(stored, slope, intercept, centre, width, photometric):
    values = np.asarray(stored, float) * slope + intercept
    grey = (values - centre) / width + 0.5
    return 1 - grey if photometric == "MONOCHROME1" else grey

# %% tags=["wrong"] exercise="grey_pipeline" says="negative"
def shown(stored, slope, intercept, centre, width, photometric):
    return np.clip((np.asarray(stored, float) * slope + intercept - centre) / width + 0.5, 0, 1)

# %% tags=["wrong"] exercise="grey_pipeline" says="before the window"
def shown(stored, slope, intercept, centre, width, photometric):
    values = np.asarray(stored, float) * slope + intercept
    if photometric == "MONOCHROME1":
        values = values.max() + values.min() - values
    return np.clip((values - centre) / width + 0.5, 0, 1)

# %% tags=["checker"] exercise="grey_pipeline"
def checker(shown):
    stored = np.array([0.0, 800.0, 1024.0, 1124.0, 1300.0, 3000.0])
    right = np.array([0.0, 0.0, 0.4, 0.65, 1.0, 1.0])
    grey = np.asarray(shown(stored, 1.0, -1024.0, 40.0, 400.0, "MONOCHROME2"))
    linear = np.clip((stored - 1024.0 - 39.5) / 399.0 + 0.5, 0, 1)
    usual = grey.shape == (6,) and np.allclose(grey, linear, atol=1e-6)
    require(not usual, "This is LINEAR, with its half values; here the line is simpler.")
    is_plain = grey.shape == (6,) and grey.dtype.kind == "f"
    if is_plain:
        require(grey.min() >= 0 and grey.max() <= 1, "Brightness must stay between 0 and 1.")
        require(not (grey == 1).sum() > 2, "The window is in Hounsfield units: slope, intercept?")
        require(abs(grey[2] - 0) > 1e-6, "The centre must be grey: mind half the width.")
    close(grey, right, "This is not the window 40 / 400 of the values.")
    half = np.asarray(shown(stored / 2, 2.0, -1024.0, 40.0, 400.0, "MONOCHROME2"))
    close(half, right, "With slope 2 it fails: meaning is stored value times slope, plus intercept.")
    small = np.array([24, 1024, 1124], np.uint16)
    grey = shown(small, 1, -1024, 40, 400, "MONOCHROME2")
    close(grey, [0, 0.4, 0.65], "It fails for stored values without a sign: think of the odometer.")
    dark = np.asarray(shown(stored, 1.0, -1024.0, 40.0, 400.0, "MONOCHROME1"))
    require(not np.allclose(dark, right), "MONOCHROME1 still comes out as a negative.")
    turned = 1976.0 - 1024.0 - (stored - 1024.0)
    early = np.clip((turned - 40) / 400 + 0.5, 0, 1)
    require(not np.allclose(dark, early), "You invert before the window.")
    close(dark, 1 - right, "For MONOCHROME1 every brightness turns round: 0 becomes 1.")

# %% [markdown]
# A file may also bring a curve instead of a line: the sigmoid, which never cuts off, or a whole table
# (the VOI LUT Sequence). Play: where do lungs and bones lose their detail, and with which curve
# not?

# %%
hounsfield = stored.astype(float) + one.RescaleIntercept


def draw_voi(curve, centre, width):
    fig, (left, middle) = plt.subplots(1, 2, figsize=(8.4, 3.6))
    values = np.arange(-1100, 1500)
    left.plot(values, apply_window(values, Window(centre, width, curve)))
    left.set(xlabel="value (HU)", ylabel="brightness, 0 black, 1 white", ylim=(-0.05, 1.05))
    grey = apply_window(hounsfield, Window(centre, width, curve))
    film(middle, grey, f"{curve} {centre} / {width}", vmin=0, vmax=1)
    return fig


explore(
    draw_voi,
    alt="curve from Hounsfield units to brightness, and the CT slice seen through it",
    curve=["LINEAR", "SIGMOID"],
    centre=(-800, 800, 20, 40),
    width=(100, 3000, 100, 400),
)

# %% [markdown] tags=["slide"]
# ### Colour, and many frames
#
# - Ultrasound stores red, green and blue: as RGB RGB RGB ... or as all red, all green, all blue.
#   **Planar configuration** (0 or 1) says which.
# - One file can hold many frames: a beating heart, or a whole CT.

# %% tags=["slide"]
colour = open_dicom(get_testdata_file("examples_rgb_color.dcm"))
raw = np.frombuffer(colour.PixelData, np.uint8)
right = raw.reshape(240, 320, 3)  # planar configuration 0, as the file says
wrong = np.moveaxis(raw.reshape(3, 240, 320), 0, -1)  # as if it were 1
clip = open_dicom(get_testdata_file("examples_ybr_color.dcm"))
fig = films(
    [right, wrong, displayed(clip, frame=0), displayed(clip, frame=29)],
    ["planar configuration 0", "read as 1", f"frame 0 of {clip.NumberOfFrames}", "frame 29"],
)
show(fig, alt="An ultrasound picture read rightly and wrongly, and two frames of a film")

# %% [markdown] tags=["slide"]
# ## 7 In which order do the slices lie?
#
# An archive hands out our 64 files under new names. A program reads them in the order of their names
# and stacks them.

# %%
archive = folder / "archive"
archive.mkdir()
for path in scanner:
    header = open_dicom(path, header_only=True)
    (archive / f"{header.SOPInstanceUID}.dcm").write_bytes(path.read_bytes())
by_name = np.stack([open_dicom(path).pixel_array for path in sorted(archive.iterdir())]) - 1024.0
series = read_series(archive)

# %% tags=["slide"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.9))
for ax, stack, title in zip(axes, (by_name, series.values), ("by name", "by position"), strict=True):
    coronal = np.clip((stack[::-1, 60] + 600) / 1500 + 0.5, 0, 1)  # head upwards
    film(ax, coronal, f"coronal, stacked {title}", aspect=5 / 3, interpolation="nearest")
show(fig, alt="Coronal picture: by name a jumble of stripes, by position a chest")

# %% [markdown]
# The jumble is easy to see. Two *swapped* slices, or a stack upside down, are not: then left is right.
# The only truth is [[ImagePositionPatient]]: where the first pixel lies, in mm, in the patient. The
# distance of a slice along the normal of its plane sorts, whatever the orientation.

# %% [markdown] tags=["exercise", "slide"] exercise="slice_distance"
# ### Exercise: how far apart are the slices?
#
# Write `slice_distance(positions, orientation)`. `positions` is an (n, 3) array of
# ImagePositionPatient, in any order. `orientation` are the six numbers of
# ImageOrientationPatient: the direction of the rows, then of the columns. Return the distance of
# neighbouring slices in mm.

# %% tags=["stub"] exercise="slice_distance"
def slice_distance(positions, orientation):
    """Millimetres from one slice to the next, along the normal of the slices."""
    return ...

# %% tags=["check"] exercise="slice_distance"
check("slice_distance", slice_distance)

# %% [markdown] tags=["hint"] exercise="slice_distance"
# The normal stands at right angles on both directions: `np.cross(row, column)`.

# %% [markdown] tags=["hint"] exercise="slice_distance"
# `positions @ normal` tells how far along the normal every slice lies. Sort that, then take
# differences.

# %% [markdown] tags=["hint"] exercise="slice_distance"
# `np.diff(np.sort(positions @ normal))` are the distances of neighbours; return their mean.

# %% tags=["solution"] exercise="slice_distance"
def slice_distance(positions, orientation):
    """Millimetres from one slice to the next, along the normal of the slices."""
    normal = np.cross(orientation[:3], orientation[3:])
    return np.diff(np.sort(positions @ normal)).mean()  # sorted by place, not by name

# %% tags=["equivalent"] exercise="slice_distance"
def slice_distance(positions, orientation):
    along = np.asarray(positions) @ np.cross(orientation[:3], orientation[3:])
    return (along.max() - along.min()) / (len(along) - 1)

# %% tags=["equivalent"] exercise="slice_distance"
def slice_distance(positions, orientation):
    normal = np.cross(orientation[3:], orientation[:3])  # the other way round: same distances
    return float(np.median(np.diff(sorted(np.dot(p, normal) for p in positions))))

# %% tags=["wrong"] exercise="slice_distance" says="any order"
def slice_distance(positions, orientation):
    return np.diff(positions @ np.cross(orientation[:3], orientation[3:])).mean()

# %% tags=["wrong"] exercise="slice_distance" says="any order"
def slice_distance(positions, orientation):
    along = positions @ np.cross(orientation[:3], orientation[3:])
    return abs(along[1] - along[0])

# %% tags=["wrong"] exercise="slice_distance" says="Sort before"
def slice_distance(positions, orientation):
    return np.abs(np.diff(positions @ np.cross(orientation[:3], orientation[3:]))).mean()

# %% tags=["wrong"] exercise="slice_distance" says="gaps"
def slice_distance(positions, orientation):
    along = positions @ np.cross(orientation[:3], orientation[3:])
    return (along.max() - along.min()) / len(along)

# %% tags=["wrong"] exercise="slice_distance" says="in the slice"
def slice_distance(positions, orientation):
    return np.diff(np.sort(positions @ orientation[:3])).mean()

# %% tags=["wrong"] exercise="slice_distance" says="mean of them"
def slice_distance(positions, orientation):
    return np.diff(np.sort(positions @ np.cross(orientation[:3], orientation[3:])))

# %% tags=["wrong"] exercise="slice_distance" says="axial"
def slice_distance(positions, orientation):
    return np.diff(np.sort(positions[:, 2])).mean()

# %% tags=["wrong"] exercise="slice_distance" says="tilted"
def slice_distance(positions, orientation):
    along = positions @ np.cross(orientation[:3], orientation[3:])
    ordered = positions[np.argsort(along)]
    return np.linalg.norm(np.diff(ordered, axis=0), axis=1).mean()

# %% tags=["checker"] exercise="slice_distance"
def checker(slice_distance):
    axial, sagittal = np.array([1.0, 0, 0, 0, 1, 0]), np.array([0.0, 1, 0, 0, 0, -1])
    order = np.array([3, 0, 4, 1, 2])[:, None]
    start = np.array([-90.0, -80.0, 20.0])
    up, across = start + order * [0.0, 0, 2.5], start + order * [4.0, 0, 0]
    value = slice_distance(up, axial)
    require(np.size(value) != 4, "There are four distances; give one number, the mean of them.")
    plain = isinstance(value, (float, int, np.floating))
    require(not plain or abs(value - 6.875) > 1e-6, "Sort before you take differences, not after.")
    require(not plain or abs(value) not in (0.625, 7.5), "The slices come in any order; sort them.")
    require(not plain or abs(value - 2) > 1e-6, "Between five slices there are four gaps.")
    require(not plain or abs(value) > 1e-9, "Rows and columns lie in the slice; the normal leaves it.")
    close(value, 2.5, "These axial slices are 2.5 mm apart.")
    value = slice_distance(across, sagittal)
    require(np.size(value) != 1 or abs(value) > 1e-9, "Not all slices are axial: use the normal.")
    close(value, 4, "These sagittal slices are 4 mm apart.")
    value = slice_distance(start + order * [0.0, 1.5, 2.0], axial)
    require(np.size(value) != 1 or abs(value - 2.5) > 1e-6,
            "In a tilted stack the step leaves the normal; only its part along the normal counts.")
    close(value, 2, "These slices of a tilted gantry are 2 mm apart along their normal.")

# %% [markdown] tags=["slide"]
# ## 8 Two traps with millimetres
#
# **Trap 1.** [[Slice thickness]] is how thick a slice is. It is *not* how far apart slices are: ours are
# 10 mm thick and 5 mm apart. How large are the lungs?

# %%
lung = (series.values > -950) & (series.values < -600)
area_mm2 = series.spacing_mm[1] * series.spacing_mm[2]
litres_by_thickness = lung.sum() * area_mm2 * series.header.SliceThickness / 1e6
litres_by_position = lung.sum() * area_mm2 * series.spacing_mm[0] / 1e6
truth = tissue_volumes(solids, grid)["lung"].sum() * 3 * 3 * 5 / 1e6
print(f"by SliceThickness {litres_by_thickness:.2g} l, by positions {litres_by_position:.2g} l")
print(f"truth {truth:.2g} l")
claim("SliceThickness makes the lungs twice as large", litres_by_thickness > 1.8 * truth)
claim("Positions are right within 10 %", abs(litres_by_position / truth - 1) < 0.1)

# %% [markdown] tags=["slide"]
# **Trap 2.** On a film, ImagerPixelSpacing is the size of a pixel **on the detector**. Rays spread:
# whatever lies above the detector looks larger. It is not PixelSpacing, and not a ruler in the patient.

# %%
ill = FINDINGS["nodule"](patient, severity=0.7, side="left", seed=3)
picture = radiograph(ill, size=1024, seed=7)
columns = np.flatnonzero(picture.masks["nodule"].any(axis=0))
film_file = dx_image(picture.pixels, picture.spacing_mm, identity_of(ill))
spacing = spacing_of(film_file)
measured = (columns[-1] - columns[0] + 1) * spacing.column_mm
solids = [part.geometry.union for part in ill.findings[0].parts]
left = min((s.centre - s.half)[:, 0].min() for s in solids)
right_end = max((s.centre + s.half)[:, 0].max() for s in solids)
print(f"spacing in the plane of the {spacing.plane}")
print(f"nodule on the film {measured:.3g} mm, in the patient {right_end - left:.3g} mm")
ratio = measured / (right_end - left)
claim("The ruler of the detector shows the nodule 5 to 13 % too large", 1.05 < ratio < 1.13)

# %% [markdown] tags=["exercise"] exercise="which_millimetre"
# ### Exercise: which millimetre?
#
# `True` or `False`, for files that follow the standard:

# %% tags=["stub"] exercise="which_millimetre"
ct_pixel_spacing_is_in_patient = ...  # CT: PixelSpacing is the distance of pixels in the patient
film_shows_true_size = ...  # chest film with ImagerPixelSpacing only: a nodule has its true size
first_number_is_down = ...  # PixelSpacing = [0.5, 0.8]: 0.5 mm from one row to the next, downwards
thick_slices_may_overlap = ...  # slices of SliceThickness 10 may lie 5 mm apart

# %% tags=["check"] exercise="which_millimetre"
check("which_millimetre", ct_pixel_spacing_is_in_patient, film_shows_true_size,
    first_number_is_down, thick_slices_may_overlap,
)

# %% [markdown] tags=["hint"] exercise="which_millimetre"
# Three of them you have just measured or seen. The remaining one is about the order of two numbers.

# %% [markdown] tags=["hint"] exercise="which_millimetre"
# DICOM names the spacing between *rows* first. Moving from one row to the next, do you go down or
# across?

# %% [markdown] tags=["hint"] exercise="which_millimetre"
# Only one of the four is False: rays spread.

# %% tags=["solution"] exercise="which_millimetre"
ct_pixel_spacing_is_in_patient = True  # a cross-section has no magnification left
film_shows_true_size = False  # it is as large as its shadow on the detector
first_number_is_down = True  # row spacing first, then column spacing
thick_slices_may_overlap = True  # thickness and distance are two things

# %% tags=["equivalent"] exercise="which_millimetre"
ct_pixel_spacing_is_in_patient, film_shows_true_size = 1, 0
first_number_is_down = thick_slices_may_overlap = 1

# %% tags=["wrong"] exercise="which_millimetre" says="shadow"
ct_pixel_spacing_is_in_patient, film_shows_true_size = True, True
first_number_is_down, thick_slices_may_overlap = True, True

# %% tags=["wrong"] exercise="which_millimetre" says="rows"
ct_pixel_spacing_is_in_patient, film_shows_true_size = True, False
first_number_is_down, thick_slices_may_overlap = False, True

# %% tags=["wrong"] exercise="which_millimetre" says="our scan"
ct_pixel_spacing_is_in_patient, film_shows_true_size = True, False
first_number_is_down, thick_slices_may_overlap = True, False

# %% tags=["wrong"] exercise="which_millimetre" says="cross-section"
ct_pixel_spacing_is_in_patient, film_shows_true_size = False, False
first_number_is_down, thick_slices_may_overlap = True, True

# %% tags=["checker"] exercise="which_millimetre"
def checker(ct_pixel_spacing_is_in_patient, film_shows_true_size, first_number_is_down, overlap):
    for answer in (ct_pixel_spacing_is_in_patient, film_shows_true_size, first_number_is_down, overlap):
        require(answer in (True, False), "Every answer must be True or False.")
    require(ct_pixel_spacing_is_in_patient, "A cross-section is reconstructed in the patient.")
    require(not film_shows_true_size, "A film shows the shadow on the detector.")
    require(first_number_is_down, "The first number is the distance between rows.")
    require(overlap, "Look at our scan: what is its thickness, and how far apart are its slices?")

# %% [markdown] tags=["instructor"]
# Typical mistakes: sorting by InstanceNumber (works until a scanner counts from the feet), taking
# SliceLocation for the truth (optional, and each maker counts from elsewhere), measuring on a
# film in "mm" without saying in which plane. Question for the room: a nodule measures 10 mm on the
# film of January and 11 mm in March. Has it grown? (Ask for the distances first.)

# %% tags=["local"]
progress()

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A file is 128 bytes, `DICM`, then elements: tag, VR, length, value. The transfer syntax says how.
# - UIDs tie files to series, series to studies. File names mean nothing.
# - Type 1 needs a value; type 2 may be empty but must be there: do not invent.
# - Stored value → slope and intercept → window → inversion for MONOCHROME1, in this order.
# - Slices are sorted by position along the normal; their distance comes from positions, not from
#   SliceThickness.
# - ImagerPixelSpacing is a ruler on the detector, not in the patient.

# %% [markdown]
# ## References
#
# - NEMA, *Digital Imaging and Communications in Medicine (DICOM)*, PS3: part 3 (C.7.6.2 image plane,
#   10.7 spacing, C.11 look-up tables), part 5 (7 data elements, 9 UIDs), part 6, part 10.
# - Bidgood WD, Horii SC, Prior FW, Van Syckle DE. Understanding and using DICOM, the data interchange
#   standard for biomedical imaging. *J Am Med Inform Assoc* 1997;4:199-212.
# - Mason D et al. *pydicom: an open source DICOM library.*
# - Clunie DA. *dicom3tools* (dciodvfy), against which the checker of this course is tested.

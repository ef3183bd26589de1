# %% [markdown] tags=["slide"]
# ## Where the pictures live
#
# A scanner keeps its pictures for a few days. The hospital keeps them for decades, in the
# [[PACS]]: an archive, a network, and the screens of the readers.
#
# - Scanners **send**, readers **ask** and **fetch**; all of them speak [[DICOM]].
# - What the archive has acknowledged, the scanner may delete. So that word must be true.
# - An AI is one more guest on this network. Its results come back as objects, too.
#
# In this lesson you run a small hospital. Everything happens on this computer.

# %%
import contextlib
import hashlib
import io
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image
from pynetdicom import build_context

from course_lib.dicom.identity import make_identity
from course_lib.dicom.pacs import client
from course_lib.dicom.pacs.network import Node, PacsError, free_port
from course_lib.dicom.pacs.opening import open_archive
from course_lib.dicom.pacs.work_list import triage, work_list
from course_lib.dicom.results.report import Measured, report
from course_lib.dicom.results.segmentation import segmentation
from course_lib.dicom.writing.ct import ct_slices
from course_lib.dicom.writing.dx import dx_image
from course_lib.dicom.writing.virtual import chest_grid, finding_mask, hounsfield_volume
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.teaching.claims import claim
from course_lib.teaching.exercises import check, hint, progress, solution
from course_lib.teaching.figures import COLOURS, films, show
from course_lib.teaching.widgets import explore

# %% [markdown] tags=["slide"]
# ## 1 Open the hospital
#
# Every program on the DICOM network has three things: a name (the [[AE title]]), an address, and a
# port. Ours are:
#
# | program | AE title | what it does |
# |---|---|---|
# | archive | `ARCHIVE` | keeps everything |
# | reading room | `WARD` | receives what the archive sends it |
# | you | `STUDENT` | ask, send, fetch |
#
# Plain DICOM asks for no password. That is why our archive listens on this computer only.

# %% [markdown]
# `open_archive` starts one. Which one, a single setting decides: `"embedded"` is a small archive
# that came with this course; `"orthanc"` is [Orthanc](https://www.orthanc-server.com), a real one,
# if it is installed on your computer. Set the variable `COURSE_PACS` to `orthanc` before you start
# JupyterLab, and this whole lesson runs against it. (Orthanc 1.10 listens on *all* addresses of your
# computer. The course tells it to serve callers from this computer only.)

# %%
hospital = contextlib.ExitStack()  # whatever it opens, hospital.close() closes at the end
ward = hospital.enter_context(open_archive("embedded", ae_title="WARD"))
pacs = hospital.enter_context(open_archive(destinations={"WARD": ward.node}))
archive = pacs.node
client.echo(archive)
print(f"{archive.ae_title} answers on {archive.host}")

# %% [markdown]
# That was a [[C-ECHO]], the ping of DICOM: *are you there, and do you know me?* It is the first
# thing to try when something does not work. It tests the name, the address and the port at once.
#
# One of the three wrong, and it fails. How it fails tells which:

# %%
def try_echo(node):
    try:
        client.echo(node)
        return "answered"
    except PacsError as error:
        return str(error).split(": ")[-1]


for what, node in {
    "wrong name": Node("ARCHIV", archive.port),
    "wrong port": Node("ARCHIVE", free_port()),
}.items():
    print(f"{what}: {try_echo(node)}")

# %% [markdown] tags=["exercise", "slide"] exercise="pacs_echo"
# ### Exercise: predict, then run
#
# Four new scanners are to be connected. For each, what will the first echo say? Write one of
# `"answered"`, `"refused"` (a program is there and says no), `"nobody"` (no program is there).
#
# - **a** calls `ARCHIVE` at the right port; its own name, `CT5`, is new to the archive, which has no
#   list of permitted callers.
# - **b** calls `PACS` at the right port.
# - **c** calls `ARCHIVE` at port 104, where nothing runs.
# - **d** calls port 104 as well, and calls it `PACS`.

# %% tags=["stub"] exercise="pacs_echo"
a = ...
b = ...
c = ...
d = ...

# %% tags=["check"] exercise="pacs_echo"
check("pacs_echo", a, b, c, d)

# %% [markdown] tags=["hint"] exercise="pacs_echo"
# A name can only be refused by somebody who is there to read it.

# %% [markdown] tags=["hint"] exercise="pacs_echo"
# First the port: is a program there? Then the called name: is it the program's own?
# Then the caller's name: is there a list, and is it on it?

# %% [markdown] tags=["hint"] exercise="pacs_echo"
# One is answered, one is refused, and two find nobody.

# %% tags=["solution"] exercise="pacs_echo"
a = "answered"  # without a list of callers, any name may call
b = "refused"  # the program is there, but it is called by a wrong name
c = "nobody"  # the name is right, the door is not
d = "nobody"  # two mistakes, and only the first one shows

# %% tags=["equivalent"] exercise="pacs_echo"
a, b, c, d = "Answered", "REFUSED", " nobody", "nobody "

# %% tags=["wrong"] exercise="pacs_echo" says="list"
a, b, c, d = "refused", "refused", "nobody", "nobody"

# %% tags=["wrong"] exercise="pacs_echo" says="by its own name"
a, b, c, d = "answered", "answered", "nobody", "nobody"

# %% tags=["wrong"] exercise="pacs_echo" says="read the name"
a, b, c, d = "answered", "refused", "nobody", "refused"

# %% tags=["wrong"] exercise="pacs_echo" says="port 104"
a, b, c, d = "answered", "refused", "refused", "nobody"

# %% tags=["wrong"] exercise="pacs_echo" says="one of"
a, b, c, d = "yes", "no", "no", "no"

# %% tags=["checker"] exercise="pacs_echo"
def checker(a, b, c, d):
    given = [str(answer).strip().lower() for answer in (a, b, c, d)]
    words = {"answered", "refused", "nobody"}
    require(set(given) <= words, "Every answer is one of answered, refused, nobody.")
    require(given[0] == "answered", "This archive has no list of callers: who would turn CT5 away?")
    require(given[1] == "refused", "A program answers only if it is called by its own name.")
    require(given[2] == "nobody", "What runs at port 104?")
    require(given[3] == "nobody", "With a wrong port, nobody is there who could read the name.")

# %% [markdown] tags=["instructor"]
# In real installations a wrong AE title costs more hours than anything else in this lesson. Ask who
# has ever waited for "the PACS people". Short of time: skip section 6 (web), keep section 7.

# %% [markdown] tags=["slide"]
# ## 2 A morning in radiology
#
# Eight patients come for a chest film, one every six minutes. Three have a [[pleural effusion]].
# One patient also gets a CT. The machines [[send|C-STORE]] what they make.

# %%
ILL = {24, 26, 28}


def film_of(number):
    patient = sample_patient(number)
    if number in ILL:
        side = "left" if number == 26 else "right"
        patient = FINDINGS["pleural_effusion"](patient, severity=0.8, side=side, seed=number)
    shot = radiograph(patient, size=192, seed=number)
    minutes = 6 * (number - 21)
    when = pd.Timestamp(2026, 3, 2, 8, 0) + pd.Timedelta(minutes=minutes)
    who = make_identity(number, patient.sex, patient.age, when.to_pydatetime(),
                        patient_id=f"P{number}", description="Chest radiograph")
    return dx_image(shot.pixels, shot.spacing_mm, who)


chest_films = [film_of(number) for number in range(21, 29)]
answers = client.send(archive, chest_films, calling="SCANNER", progress=False)
print(f"{len(answers)} films sent, answers: {set(answers.values())}")
claim("The archive answered every film with 0, success", set(answers.values()) == {0})

# %%
patient = FINDINGS["nodule"](sample_patient(7), severity=0.9, side="left", seed=1)
grid = chest_grid(patient, shape=(12, 96, 96))
volume = hounsfield_volume(on_the_table(patient).solids, grid)
when = pd.Timestamp(2026, 3, 2, 8, 20).to_pydatetime()
who = make_identity(7, patient.sex, patient.age, when, patient_id="P7", description="CT chest")
ct = ct_slices(volume, grid.spacing[::-1], who, grid.first)
answers = client.send(archive, ct, calling="SCANNER", progress=False)
claim("Twelve slices of a CT follow", list(answers.values()) == [0] * 12)

# %% [markdown] tags=["slide"]
# ## 3 Ask: four levels of one tree
#
# A [[query|C-FIND]] goes to one level: **patient → study → series → image**. The answer has *one row
# per entity of that level*. Below the first level, say where you stand: give the UIDs above.

# %% tags=["slide"]
patients = client.find(archive, "PATIENT")
studies = client.find(archive, "STUDY", PatientID="P7")
study = studies.StudyInstanceUID[0]
series = client.find(archive, "SERIES", StudyInstanceUID=study)
images = client.find(
    archive, "IMAGE", StudyInstanceUID=study, SeriesInstanceUID=series.SeriesInstanceUID[0]
)
print(f"{len(patients)} patients; P7 has {len(studies)} study, {len(series)} series, ", end="")
print(f"{len(images)} images")
shown = ["PatientID", "PatientName", "StudyDescription", "ModalitiesInStudy"]
print(studies[shown].to_string(index=False))
claim("Twelve images, yet one row at the study level", len(images) == 12 and len(studies) == 1)

# %% [markdown]
# A key with a value narrows the search; an empty key only asks for a column. The values follow
# rules of their own:
#
# | you write | it matches |
# |---|---|
# | `PatientName="KIM*"` | names that begin so; capital or small mostly does not count in names |
# | `StudyDate="20260301-20260331"` | a range, both ends included; `"20260301-"` has no end |
# | `ModalitiesInStudy="DX"` | studies with at least one series of this kind |
# | `StudyInstanceUID=...` | exactly this one; a UID knows no wildcard |

# %% [markdown] tags=["exercise"] exercise="pacs_keys"
# ### Exercise: write a query
#
# Complete `keys`, a dictionary of keyword → text, so that it finds the studies that
#
# - have at least one DX series,
# - were made in March 2026 (the whole month),
# - belong to a patient whose family name is `Kim` (names look like `Kim^Minjun`; nobody else,
#   such as `Kimura^Ken`, should be found).

# %% tags=["stub"] exercise="pacs_keys"
keys = ...

# %% tags=["check"] exercise="pacs_keys"
check("pacs_keys", keys)

# %% [markdown] tags=["hint"] exercise="pacs_keys"
# Three conditions, three keys: `ModalitiesInStudy`, `StudyDate`, `PatientName`.

# %% [markdown] tags=["hint"] exercise="pacs_keys"
# Dates are written YYYYMMDD. A range has a minus sign between its ends.

# %% [markdown] tags=["hint"] exercise="pacs_keys"
# `Kim*` finds Kimura, too. What stands between the family name and the given name?

# %% tags=["solution"] exercise="pacs_keys"
keys = {
    "ModalitiesInStudy": "DX",
    "StudyDate": "20260301-20260331",
    "PatientName": "Kim^*",  # the ^ ends the family name
}

# %% tags=["equivalent"] exercise="pacs_keys"
keys = {"PatientName": "KIM^*", "StudyDate": "20260301-20260331", "ModalitiesInStudy": "DX"}

# %% tags=["equivalent"] exercise="pacs_keys"
keys = {"QueryRetrieveLevel": "STUDY", "ModalitiesInStudy": "DX", "PatientName": "Kim^?*",
        "StudyDate": "20260301-20260331"}

# %% tags=["wrong"] exercise="pacs_keys" says="eight digits"
keys = {"ModalitiesInStudy": "DX", "StudyDate": "2026-03-01-2026-03-31", "PatientName": "Kim^*"}

# %% tags=["wrong"] exercise="pacs_keys" says="begins with"
keys = {"ModalitiesInStudy": "DX", "StudyDate": "20260301-20260331", "PatientName": "*Kim^*"}

# %% tags=["wrong"] exercise="pacs_keys" says="Kimura"
keys = {"ModalitiesInStudy": "DX", "StudyDate": "20260301-20260331", "PatientName": "Kim*"}

# %% tags=["wrong"] exercise="pacs_keys" says="exactly"
keys = {"ModalitiesInStudy": "DX", "StudyDate": "20260301-20260331", "PatientName": "Kim"}

# %% tags=["wrong"] exercise="pacs_keys" says="last day"
keys = {"ModalitiesInStudy": "DX", "StudyDate": "20260301-20260330", "PatientName": "Kim^*"}

# %% tags=["wrong"] exercise="pacs_keys" says="April"
keys = {"ModalitiesInStudy": "DX", "StudyDate": "20260301-", "PatientName": "Kim^*"}

# %% tags=["wrong"] exercise="pacs_keys" says="series level"
keys = {"Modality": "DX", "StudyDate": "20260301-20260331", "PatientName": "Kim^*"}

# %% tags=["wrong"] exercise="pacs_keys" says="no wildcard"
keys = {"ModalitiesInStudy": "DX", "StudyDate": "202603*", "PatientName": "Kim^*"}

# %% tags=["checker"] exercise="pacs_keys"
def checker(keys):
    require(isinstance(keys, dict), "Write a dictionary: {keyword: text, ...}.")
    require("Modality" not in keys, "Modality belongs to the series level. A study has its own key.")
    require(keys.get("ModalitiesInStudy") == "DX", "Which key picks studies with a DX series?")
    date = str(keys.get("StudyDate", ""))
    require("*" not in date, "A date knows no wildcard; write a range.")
    require(date.count("-") < 2, "A date is eight digits and nothing between; one sign makes a range.")
    low, dash, high = date.partition("-")
    require(dash and low == "20260301", "The range begins on the first day of March 2026.")
    require(high, "Without an end, studies of April are found, too.")
    require(high == "20260331", "Look at the last day of March.")
    name = str(keys.get("PatientName", "")).lower()
    require(name, "Which key picks the patient's name?")
    require(name.startswith("kim"), "The name begins with the family name Kim.")
    require(name != "kim", "Without a wildcard the whole name must be exactly Kim.")
    require(name not in ("kim*", "kim?*"), "That finds Kimura as well.")
    require(name in ("kim^*", "kim^?*"), "After the ^, anything may follow: one sign stands for anything.")

# %% [markdown] tags=["slide"]
# ## 4 Fetch: move and get
#
# - **[[C-MOVE]]**: "send this study *to WARD*." The archive opens a **second** connection, to a
#   program it knows by name. It must have that name in its own list.
# - **[[C-GET]]**: "send this study *to me*, right here." Easier, but the caller must say beforehand
#   which kinds of objects it takes.

# %%
moved = client.move(archive, "WARD", StudyInstanceUID=study)
there = client.find(ward.node, "STUDY").NumberOfStudyRelatedInstances[0]
print(f"moved: {moved.completed}, failed: {moved.failed}; the reading room now has {there}")
claim("All twelve images arrived in the reading room", there == "12" and moved.failed == 0)

# %% [markdown]
# And to a place the archive has never heard of? The standard names the answer: `0xA801`, *move
# destination unknown*. Not every archive keeps to it: Orthanc 1.10 says `0xC000`, *unable to
# process*, which could be anything. Learn to recognise both.

# %%
try:
    client.move(archive, "HOME_OFFICE", StudyInstanceUID=study)
except PacsError as error:
    refusal = error
claim("An unknown destination is refused", refusal.status in (0xA801, 0xC000))

# %%
arrived = client.get(archive, StudyInstanceUID=study)
same = all(a.PixelData == b.PixelData for a, b in zip(
    sorted(arrived, key=lambda ds: ds.InstanceNumber), ct, strict=True))  # fmt: skip
claim("What is fetched is what was sent, to the last bit", len(arrived) == 12 and same)

# %% [markdown] tags=["slide"]
# ## 5 Agree first, then talk: presentation contexts
#
# Before the first image, both sides agree on a list: *which kinds of objects, in which encoding*.
# Each line is a [[presentation context]]: one SOP class with one or more transfer syntaxes.
# What is not on the list cannot be sent, however valid it is.

# %% [markdown]
# An AI has drawn the [[nodule]] and wants to send its [[segmentation]]. Its programmer copied the
# code from the CT scanner, with a single line in the list: CT images.

# %%
mask = finding_mask(on_the_table(patient).findings[0].parts[:1], grid)
seg = segmentation(ct, {"nodule": mask})
only_ct = [build_context(ct[0].SOPClassUID)]
with client.associate(archive, only_ct, "AI") as association:
    try:
        association.send_c_store(seg)
        trapped = ""
    except ValueError as error:
        trapped = str(error)
print(trapped)
claim("The segmentation never left the AI", "No presentation context" in trapped)

# %% [markdown]
# Two more limits belong to this trap. A list has room for at most **128** lines. And a *compressed*
# object travels only in a line that names its encoding; plain ones can be rewritten on the way, so
# the two plain encodings (explicit and implicit) share a line.

# %% [markdown] tags=["exercise"] exercise="pacs_contexts"
# ### Exercise: write the list
#
# Complete `proposals(objects)`. `objects` is a list of pairs `(kind, encoding)`, such as
# `("CT", "explicit")`, `("CT", "implicit")`, `("SEG", "rle")`. Return the **set** of lines needed,
# each a pair `(kind, line)`: `line` is `"plain"` for explicit and implicit, else the encoding.

# %% tags=["stub"] exercise="pacs_contexts"
def proposals(objects):
    """The set of (kind, "plain" or encoding) that must be agreed on."""
    return ...

# %% tags=["check"] exercise="pacs_contexts"
check("pacs_contexts", proposals)

# %% [markdown] tags=["hint"] exercise="pacs_contexts"
# A thousand CT slices in one encoding need a single line. A Python set drops repeats by itself.

# %% [markdown] tags=["hint"] exercise="pacs_contexts"
# Go through the pairs. If the encoding is explicit or implicit, the line is `"plain"`.

# %% [markdown] tags=["hint"] exercise="pacs_contexts"
# `{(kind, ... if encoding in (...) else encoding) for kind, encoding in objects}`

# %% tags=["solution"] exercise="pacs_contexts"
def proposals(objects):
    """The set of (kind, "plain" or encoding) that must be agreed on."""
    plain = ("explicit", "implicit")  # one can be turned into the other on the way
    return {(kind, "plain" if encoding in plain else encoding) for kind, encoding in objects}

# %% tags=["equivalent"] exercise="pacs_contexts"
def proposals(objects):
    lines = set()
    for kind, encoding in objects:
        if encoding in ("explicit", "implicit"):
            encoding = "plain"
        lines.add((kind, encoding))
    return lines

# %% tags=["wrong"] exercise="pacs_contexts" says="set"
def proposals(objects):
    return [(kind, "plain") for kind, encoding in objects]

# %% tags=["wrong"] exercise="pacs_contexts" says="compressed"
def proposals(objects):
    return {(kind, "plain") for kind, encoding in objects}

# %% tags=["wrong"] exercise="pacs_contexts" says="compressed"
def proposals(objects):
    return {(kind, "plain" if enc == "explicit" or "implicit" else enc) for kind, enc in objects}  # noqa: SIM222

# %% tags=["wrong"] exercise="pacs_contexts" says="share a line"
def proposals(objects):
    return set(objects)

# %% tags=["wrong"] exercise="pacs_contexts" says="kind"
def proposals(objects):
    return {("CT", "plain" if e in ("explicit", "implicit") else e) for _, e in objects}

# %% tags=["checker"] exercise="pacs_contexts"
def checker(proposals):
    got = proposals([("CT", "explicit"), ("CT", "explicit"), ("CT", "implicit")])
    require(isinstance(got, (set, frozenset)), "Return a set: it drops repeats by itself.")
    require(len(got) == 1, "Explicit and implicit share a line, and so do equal objects.")
    mixed = proposals([("CT", "rle"), ("CT", "explicit")])
    require(len(mixed) == 2, "A compressed object needs a line that names its encoding.")
    kinds = proposals([("CT", "explicit"), ("SEG", "explicit"), ("SEG", "jpeg")])
    require({kind for kind, _ in kinds} == {"CT", "SEG"}, "Every kind of object needs its own line.")
    right = {("CT", "plain"), ("SEG", "plain"), ("SEG", "jpeg")}
    require(kinds == right, "Each line is a pair: the kind, then plain or the encoding.")

# %% [markdown]
# `client.send` looks at what it has to send, and writes the list accordingly. Now it works:

# %%
answers = client.send(archive, [seg], calling="AI", progress=False)
kinds = client.find(archive, "STUDY", PatientID="P7").ModalitiesInStudy[0]
print("the study now holds:", " and ".join(sorted(kinds.split("\\"))))
claim("With the right line the segmentation is accepted", set(answers.values()) == {0})

# %% [markdown] tags=["slide"]
# ## 6 The same over the web: DICOMweb
#
# | old name | on the web | example |
# |---|---|---|
# | find | QIDO-RS | `GET /studies?PatientID=P7` |
# | get | WADO-RS | `GET /studies/{uid}`, `/metadata`, `/rendered` |
# | store | STOW-RS | `POST /studies` |
#
# Headers come as [JSON](https://www.json.org), rendered pictures as JPEG or PNG: any browser understands them.

# %%
web = pacs.web()
found = web.search_for_studies(search_filters={"PatientID": "P24"})[0]
film_uids = [chest_films[3][k].value for k in
             ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]  # fmt: skip
header = web.retrieve_instance_metadata(*film_uids)
print("name (0010,0010):", found["00100010"]["Value"][0]["Alphabetic"])
print("rows (0028,0010):", header["00280010"]["Value"][0])
claim("The web finds the same study", found["0020000D"]["Value"][0] == film_uids[0])

# %% tags=["slide"]
def on_the_web(film):
    """The film as the archive renders it, (H, W) grey values."""
    uids = film.StudyInstanceUID, film.SeriesInstanceUID, film.SOPInstanceUID
    picture = web.retrieve_instance_rendered(*uids, media_types=("image/png",))
    return np.asarray(Image.open(io.BytesIO(picture)).convert("L"))


pictures = [on_the_web(film) for film in chest_films]
names = [str(film.PatientID) for film in chest_films]
show(films(pictures, names), alt="Eight chest films fetched over the web; three have an effusion")

# %% [markdown] tags=["slide"]
# ## 7 "Success" is a promise
#
# When the archive answers *success*, the scanner may delete its copy. From that moment on there is
# one copy in the world. So the answer must come **last**: after a power cut, whatever was answered
# must still be there.

# %% [markdown]
# Five steps keep an image. A computer collects writing in memory; only *force* puts it on the disk.
#
# - `"write"`: write the bytes into a file with a passing name
# - `"force"`: force that file to the disk
# - `"rename"`: give it its real name (this happens as a whole or not at all)
# - `"index"`: enter it in the index, so that queries find it
# - `"answer"`: tell the scanner *success*
#
# A bad order shows only when the power fails. Here is a machine that pulls the plug for you:

# %% tags=["given"] exercise="pacs_order"
def after_power_cut(done):
    """What is left of an image if the power fails after the steps in `done`."""
    whole = "write" in done and "force" in done[done.index("write"):]
    return {
        "answered": "answer" in done,
        "named": "rename" in done,
        "readable": whole and "rename" in done,
        "found": "index" in done,
    }

# %% [markdown] tags=["exercise"] exercise="pacs_order"
# ### Exercise: break it, then mend it
#
# `careless` is what a hurried programmer wrote. Pull the plug after each step and look. Then write
# `careful`, the order in which nothing bad can happen: no image is answered but lost, no image has a
# real name but half its bytes, and none is found by queries before it can be read.

# %%
careless = ["answer", "write", "rename", "index", "force"]
for step in range(1, 6):
    left = after_power_cut(careless[:step])
    print(f"plug pulled after {careless[step - 1]:7}", [name for name in left if left[name]])
claim("The careless archive loses what it promised", not after_power_cut(careless[:1])["readable"])

# %% tags=["stub"] exercise="pacs_order"
careful = ...

# %% tags=["check"] exercise="pacs_order"
check("pacs_order", careful)

# %% [markdown] tags=["hint"] exercise="pacs_order"
# Which step makes a promise to somebody else? It comes when everything else is done.

# %% [markdown] tags=["hint"] exercise="pacs_order"
# A real name says: "this file is whole". When is that true, even after a power cut?

# %% [markdown] tags=["hint"] exercise="pacs_order"
# Begin with write, then force. The index comes just before the answer.

# %% tags=["solution"] exercise="pacs_order"
careful = ["write", "force", "rename", "index", "answer"]  # promise last, and nothing by halves

# %% tags=["equivalent"] exercise="pacs_order"
careful = ("write", "force", "rename", "index", "answer")

# %% tags=["wrong"] exercise="pacs_order" says="promised"
careful = ["answer", "write", "force", "rename", "index"]

# %% tags=["wrong"] exercise="pacs_order" says="real name"
careful = ["write", "rename", "force", "index", "answer"]

# %% tags=["wrong"] exercise="pacs_order" says="cannot be read"
careful = ["index", "write", "force", "rename", "answer"]

# %% tags=["wrong"] exercise="pacs_order" says="five steps"
careful = ["write", "rename", "index", "answer"]

# %% tags=["wrong"] exercise="pacs_order" says="nothing to force"
careful = ["force", "write", "rename", "index", "answer"]

# %% tags=["checker"] exercise="pacs_order"
def checker(careful):
    require(isinstance(careful, (list, tuple)), "Write a list of the steps' names.")
    careful = list(careful)
    steps = {"write", "force", "rename", "index", "answer"}
    require(set(careful) == steps and len(careful) == 5, "Use each of the five steps once.")
    require(
        careful.index("force") > careful.index("write"),
        "Before anything is written there is nothing to force to the disk.",
    )
    for step in range(1, 6):
        left = after_power_cut(careful[:step])
        moment = f"after {careful[step - 1]}"
        ready = left["readable"] and left["found"]
        require(ready or not left["answered"], f"Plug pulled {moment}: an image is promised, and lost.")
        require(
            left["readable"] or not left["named"],
            f"Plug pulled {moment}: a file has its real name, but not all its bytes.",
        )
        require(
            left["readable"] or not left["found"],
            f"Plug pulled {moment}: a query finds an image that cannot be read.",
        )

# %% [markdown]
# The archive of this lesson answers last, too. In between it is bolder: a fingerprint of the content is
# part of each file's name, so half a file is found out and put aside when the archive starts again.
# That allows it to force file and folder to the disk while it fills the index, and saves time.
#
# A scanner need not believe the word *success*. With [[storage commitment]] it asks a second time:
# *do you still have these, whole?* The archive looks at its disk, and vouches for each object, or
# not. (Orthanc answers such a question by calling back; this lesson's client waits on the line.)

# %%
if pacs.kind == "embedded":
    ghost = dx_image(chest_films[0].pixel_array, 1.0, make_identity(99))  # was never sent
    said = client.commit(archive, [*chest_films, ghost])
    claim("The archive vouches for the eight films it has", len(said.safe) == 8)
    claim("and not for a film it never got", list(said.failed.values()) == [0x0112])

# %% [markdown]
# ### A name that leads astray
#
# Every object brings its own name, the SOP Instance UID, and *anybody* can send an object. A hurried
# programmer stores it as `folder / uid`. What if somebody sends the name below?

# %%
folder = Path(tempfile.gettempdir()) / "archive"
evil = "../../etc/passwd"
print("outside of the archive:", not (folder / evil).resolve().is_relative_to(folder.resolve()))

# %% [markdown] tags=["exercise"] exercise="pacs_safe_path"
# ### Exercise: mend it
#
# Write `file_for(folder, uid)`: a path **directly inside** `folder`, whatever text `uid` is. The same
# UID gives the same path every time, and different UIDs give different paths. `hashlib` is imported.

# %% tags=["stub"] exercise="pacs_safe_path"
def file_for(folder, uid):
    """A safe path for an object, directly inside `folder`."""
    return ...

# %% tags=["check"] exercise="pacs_safe_path"
check("pacs_safe_path", file_for)

# %% [markdown] tags=["hint"] exercise="pacs_safe_path"
# To remove dangerous signs one by one is a race you lose. Is there a way to let none through?

# %% [markdown] tags=["hint"] exercise="pacs_safe_path"
# A fingerprint of the text, such as SHA-256, is made of digits and the letters a to f only.

# %% [markdown] tags=["hint"] exercise="pacs_safe_path"
# `hashlib.sha256(uid.encode()).hexdigest()` is the fingerprint; put it behind `Path(folder)`.

# %% tags=["solution"] exercise="pacs_safe_path"
def file_for(folder, uid):
    """A safe path for an object, directly inside `folder`."""
    return Path(folder) / (hashlib.sha256(uid.encode()).hexdigest() + ".dcm")  # no sign of uid left

# %% tags=["equivalent"] exercise="pacs_safe_path"
def file_for(folder, uid):
    return Path(folder) / uid.encode().hex()  # longer, and just as harmless

# %% tags=["equivalent"] exercise="pacs_safe_path"
def file_for(folder, uid):
    return folder / hashlib.blake2b(uid.encode()).hexdigest()

# %% tags=["wrong"] exercise="pacs_safe_path" says="outside"
def file_for(folder, uid):
    return Path(folder) / uid

# %% tags=["wrong"] exercise="pacs_safe_path" says="outside"
def file_for(folder, uid):
    return Path(folder) / uid.replace("../", "")

# %% tags=["wrong"] exercise="pacs_safe_path" says="folder itself"
def file_for(folder, uid):
    return Path(folder) / "".join(c for c in uid if c.isdigit())

# %% tags=["wrong"] exercise="pacs_safe_path" says="Two different"
def file_for(folder, uid):
    return Path(folder) / ("x" + Path(uid.replace("\\", "/")).name)

# %% tags=["wrong"] exercise="pacs_safe_path" says="Two different"
def file_for(folder, uid):
    return Path(folder) / uid.replace("/", "_").replace(".", "_")

# %% tags=["wrong"] exercise="pacs_safe_path" says="Python's own hash"
def file_for(folder, uid):
    return Path(folder) / f"{abs(hash(uid))}.dcm"

# %% tags=["wrong"] exercise="pacs_safe_path" says="same path every time"
def file_for(folder, uid):
    return Path(tempfile.mktemp(dir=folder))

# %% tags=["checker"] exercise="pacs_safe_path"
def checker(file_for):
    home = Path(tempfile.gettempdir()).resolve() / "archive"
    names = ["1.2.3", "1.23", "12.3", "a/1.2.3", "../../etc/passwd", "....//....//etc/passwd",
             "/etc/passwd", "..", ".", "1/2/3", "x" * 80]
    for name in names:
        path = file_for(home, name)
        require(isinstance(path, (str, Path)), "Return a path.")
        inside = Path(path).resolve().parent == home
        require(inside, f"The name {name[:25]!r} leads outside of the folder, or to the folder itself.")
    require(file_for(home, "1.2.3") == file_for(home, "1.2.3"), "One UID needs the same path every time.")
    fleeting = abs(hash("1.2.3"))
    path = str(file_for(home, "1.2.3"))
    changes = str(fleeting) in path or f"{fleeting:x}" in path
    require(not changes, "Python's own hash is another one after each start: the file would be lost.")
    paths = {str(file_for(home, name)) for name in names}
    require(len(paths) == len(names), "Two different UIDs got one path: one image would be lost.")

# %% [markdown] tags=["instructor"]
# Questions to ask: Who may send to your PACS? (Mostly: whoever knows the name and the port.) What
# would an image with a foreign patient's ID do? Typical mistake: to sort files by UID and believe that
# this is the order of the slices.

# %% [markdown] tags=["slide"]
# ## 8 A work list that an AI has read first
#
# Our AI is one line of code: it compares the lower halves of both lungs. Fluid on one side makes
# them unequal. It stores a score from 0 to 1 as a structured report (SR) in the same study.
# The [[work list]] collects the scores and can sort by them: [[triage]].

# %%
def score_of(film):
    lower = film.pixel_array[96:].astype(float)
    left, right = lower[:, :96].mean(), lower[:, 96:].mean()
    return min(1.0, abs(left - right) / 4095 / 0.2)


reports = [
    report([film], [Measured("pleural_effusion", {"score": round(score_of(film), 2)})],
           made_by="Asymmetry")
    for film in chest_films
]  # fmt: skip
answers = client.send(archive, reports, calling="AI", progress=False)
rows = work_list(archive)
print(rows[["time", "patient", "study", "modalities", "finding", "score"]].to_string(index=False))
claim("Eight studies have a score, and the CT waits without one", rows.score.notna().sum() == 8)

# %% [markdown] tags=["exercise"] exercise="pacs_triage"
# ### Exercise: sort by urgency
#
# Write `reading_order(studies, threshold)`. `studies` is a list of pairs `(name, score)` in the order
# of arrival; the score is `None` if no AI has read the study. Return the list of names to read:
# scores **of at least** the threshold first, highest first; then all others as they arrived.

# %% tags=["stub"] exercise="pacs_triage"
def reading_order(studies, threshold):
    """Names in the order of reading."""
    return ...

# %% tags=["check"] exercise="pacs_triage"
check("pacs_triage", reading_order)

# %% [markdown] tags=["hint"] exercise="pacs_triage"
# Split the list in two: the urgent ones and the others. Nobody may get lost on the way.

# %% [markdown] tags=["hint"] exercise="pacs_triage"
# `None >= 0.5` is an error in Python: ask first whether there is a score. Python's `sorted` keeps the
# order of equal ones.

# %% [markdown] tags=["hint"] exercise="pacs_triage"
# `urgent = [s for s in studies if s[1] is not None and s[1] >= threshold]`; sort it by minus the
# score; `others` is everything that is not urgent, in its old order.

# %% tags=["solution"] exercise="pacs_triage"
def reading_order(studies, threshold):
    """Names in the order of reading."""
    urgent = [s for s in studies if s[1] is not None and s[1] >= threshold]
    others = [s for s in studies if s[1] is None or s[1] < threshold]  # unread ones stay in the list
    return [name for name, _ in sorted(urgent, key=lambda s: -s[1]) + others]

# %% tags=["equivalent"] exercise="pacs_triage"
def reading_order(studies, threshold):
    def key(study):
        score = study[1]
        return -score if score is not None and score >= threshold else 1
    return [name for name, _ in sorted(studies, key=key)]

# %% tags=["equivalent"] exercise="pacs_triage"
def reading_order(studies, threshold):
    scores = {name: -1 if score is None else score for name, score in studies}
    names = sorted(scores, key=scores.get, reverse=True)
    urgent = [name for name in names if scores[name] >= threshold]
    return urgent + [name for name in scores if name not in urgent]

# %% tags=["wrong"] exercise="pacs_triage" says="names only"
def reading_order(studies, threshold):
    urgent = [s for s in studies if s[1] is not None and s[1] >= threshold]
    return sorted(urgent, key=lambda s: -s[1]) + [s for s in studies if s not in urgent]

# %% tags=["wrong"] exercise="pacs_triage" says="score of 0"
def reading_order(studies, threshold):
    urgent = [s for s in studies if s[1] and s[1] >= threshold]
    others = [s for s in studies if s not in urgent]
    return [name for name, _ in sorted(urgent, key=lambda s: -s[1]) + others]

# %% tags=["wrong"] exercise="pacs_triage" says="lost"
def reading_order(studies, threshold):
    return [n for n, s in sorted((s for s in studies if s[1] is not None), key=lambda s: -s[1])]

# %% tags=["wrong"] exercise="pacs_triage" says="highest"
def reading_order(studies, threshold):
    urgent = [n for n, s in studies if s is not None and s >= threshold]
    return urgent + [n for n, s in studies if n not in urgent]

# %% tags=["wrong"] exercise="pacs_triage" says="as they arrived"
def reading_order(studies, threshold):
    return [n for n, s in sorted(studies, key=lambda s: -(s[1] or 0))]

# %% tags=["wrong"] exercise="pacs_triage" says="at least"
def reading_order(studies, threshold):
    urgent = [s for s in studies if s[1] is not None and s[1] > threshold]
    others = [s for s in studies if s[1] is None or s[1] <= threshold]
    return [name for name, _ in sorted(urgent, key=lambda s: -s[1]) + others]

# %% tags=["checker"] exercise="pacs_triage"
def checker(reading_order):
    studies = [("a", 0.1), ("b", None), ("c", 0.7), ("d", 0.2), ("e", 0.9), ("f", 0.5)]
    got = list(reading_order(list(studies), 0.6))
    require(not any(isinstance(name, tuple) for name in got), "Return the names only, no pairs.")
    require(sorted(map(str, got)) == list("abcdef"), "A study was lost or doubled: everyone is read.")
    require(got[:2] != ["c", "e"], "Among the urgent ones, the highest score comes first.")
    require(got[:2] == ["e", "c"], "Scores of at least 0.6 come first: those are e and c.")
    require(got[2:] == ["a", "b", "d", "f"], "The others wait as they arrived, whatever their score.")
    edge = list(reading_order([("a", 0.1), ("b", 0.5)], 0.5))
    require(edge == ["b", "a"], "A score equal to the threshold is at least the threshold.")
    zero = list(reading_order([("a", None), ("b", 0.0)], 0.0))
    require(zero == ["b", "a"], "A score of 0 is a score, too; only None means that there is none.")

# %% [markdown]
# At nine o'clock the radiologist sits down. All nine studies are waiting, and each takes six minutes.
# By arrival, the last patient waits for 54 minutes, and nobody knows how ill that patient is.

# %% tags=["slide"]
def draw_lists(threshold):
    orders = {"by arrival": list(rows.patient), f"triage at {threshold:.2f}": list(
        triage(rows, threshold).patient)}  # fmt: skip
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True)
    for ax, (title, order) in zip(axes, orders.items(), strict=True):
        for place, name in enumerate(order):
            ill = int(name[1:]) in ILL
            ax.barh(place, 6 * (place + 1), color=COLOURS[1] if ill else COLOURS[0])
            ax.text(6 * place + 7, place, name + ("  effusion" if ill else ""), va="center")
        wait = np.mean([6 * (order.index(f"P{n}") + 1) for n in ILL])
        ax.set(title=f"{title}\neffusions wait {wait:.0f} min on average", xlabel="minutes to report")
        ax.set_xlim(0, 75)
    axes[0].set(yticks=[], ylim=(8.6, -0.6), ylabel="order of reading")
    return fig


show(draw_lists(0.4), alt="Two work lists as bars; with triage the three effusions are read first")

# %%
wait = {}
for name, order in {"arrival": rows, "triage": triage(rows, 0.4)}.items():
    places = [list(order.patient).index(f"P{number}") + 1 for number in ILL]
    wait[name] = 6 * np.mean(places)
print(f"mean wait of the effusions: {wait['arrival']:.0f} -> {wait['triage']:.0f} minutes")
claim("Triage halves the wait of the ill, at least", wait["triage"] <= wait["arrival"] / 2)
claim("and nobody is dropped from the list", len(triage(rows, 0.4)) == len(rows))
claim("Somebody pays: the first to come is now the fourth", triage(rows, 0.4).patient.iloc[3] == "P21")

# %% [markdown] tags=["slide"]
# ### Play: the threshold
#
# - Too low, and everybody with a score is urgent: healthy people overtake, and the CT, which no AI has
#   read, comes last.
# - Too high, and almost nobody is: at 0.9 two of the three effusions wait as if there were no AI.

# %%
explore(
    draw_lists,
    alt="the work list by arrival and by triage at the chosen threshold, effusions marked",
    threshold=(0.0, 1.0, 0.05, 0.4),
)

# %% [markdown] tags=["instructor"]
# Ask: which effusion does this AI never find? (One of the same size on both sides.) And who chose 0.4?
# We did, after we had seen the scores; a real threshold is chosen on other patients, beforehand.

# %% [markdown]
# ## 9 Close the hospital
#
# Nothing is left running, and the passing folders are gone. (If a cell above stopped in the middle,
# *Kernel → Restart* closes everything as well.)

# %%
hospital.close()
claim("Nobody answers any more", "is it running" in try_echo(archive))

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - A program on the DICOM network is a **name, an address, a port**. C-ECHO tests all three.
# - C-FIND answers **one row per entity** of the asked level; give the UIDs of the levels above.
# - C-MOVE sends to a destination **the archive knows by name**; else `0xA801` (or something vaguer).
# - What is not in the **presentation contexts** cannot be sent: SEG, SR and compressed images first.
# - *Success* may be answered only when the object is **safe on the disk**. Commitment asks again.
# - AI results are objects of the study. Triage changes the **order**, and must lose nobody.

# %% [markdown]
# ## References
#
# - DICOM PS3.4 (services: B storage, C query/retrieve, J commitment), PS3.7 (messages), PS3.8
#   (associations, presentation contexts), PS3.18 (web services).
# - The code of this lesson's archive: `course_lib/dicom/pacs/`; begin with `archive.py`, then
#   `store_lane.py`, which shows C-STORE byte by byte.
# - Sébastien Jodogne. The Orthanc ecosystem for medical imaging. *J Digit Imaging* 31 (2018) 341.

# %% tags=["local"]
progress()

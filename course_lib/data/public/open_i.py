"""The Indiana University films of Open-i in the National Library of Medicine's layout.

    root/
        ecgen-radiology/1.xml ...   one report per study, with codes and its films' names
        NLMCXR_png/CXR1_1_IM-0001-3001.png ...   (or NLMCXR_dcm, below folders 1, 2, ...)

Two people coded each report in Medical Subject Headings ("major": "Cardiomegaly/mild"); a program
did so as well ("automatic"). A heading that is not there counts as absent. Source: Demner-Fushman
et al., JAMIA 2016;23:304.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from course_lib.data.findings import canonical
from course_lib.data.item import ImageRecord, Label
from course_lib.data.public.listed import ListedFilms, existing_folder

NOTHING = {"normal", "no indexing", "technical quality of image unsatisfactory", ""}
# Headings whose first part says nothing without the second.
PLACED = {("thickening", "pleura"): "pleural thickening"}
LARGEST_REPORT = 1_000_000  # bytes; the real ones have a few thousand


class OpenI(ListedFilms):
    """The films of Open-i's Indiana collection that are on this computer.

    Args:
        root: the folder that holds ecgen-radiology/ and the films.
        headings: "major" (coded by people) or "automatic" (by a program).

    The reports do not say which film is frontal: `view` is empty. Every study is of another
    patient.

    Raises:
        FileNotFoundError: the folder, the reports or every film is missing; says what to do.
        ValueError: a report is damaged; says which file.
    """

    def __init__(self, root: str | Path, *, headings: str = "major") -> None:
        if headings not in ("major", "automatic"):
            raise ValueError(f"headings must be 'major' or 'automatic', not {headings!r}.")
        folder = existing_folder(root, "Open-i")
        reports = sorted(folder.glob("**/ecgen-radiology/*.xml"), key=_number)
        if not reports:
            raise FileNotFoundError(f"{folder} holds no ecgen-radiology/*.xml; unpack the reports.")
        films = {
            path.stem: str(path.relative_to(folder))
            for pattern in ("**/*.png", "**/*.dcm")
            for path in folder.glob(pattern)
        }
        studies = [read_report(path, headings) for path in reports]
        findings = dict.fromkeys(name for _, names, _ in studies for name in names)
        super().__init__(folder, _records(studies, tuple(findings), films), "Open-i")


def _records(
    studies: list[tuple[str, list[str], list[str]]], findings: tuple[str, ...], films: dict
) -> Iterator[ImageRecord]:
    for study, names, images in studies:
        labels = {name: Label.PRESENT if name in names else Label.ABSENT for name in findings}
        for image in images:
            yield ImageRecord(
                patient_id=study,
                study_id=study,
                labels=labels,
                hospital="Indiana Network for Patient Care",
                source=films.get(image, f"NLMCXR_png/{image}.png"),
            )


def read_report(path: Path, headings: str = "major") -> tuple[str, list[str], list[str]]:
    """Study, findings (the first part of each heading) and film names of one report.

    Raises ValueError when the file is no such report.
    """
    text = path.read_bytes()
    # Entities are how a small XML file is made to fill a memory; real reports define none.
    if len(text) > LARGEST_REPORT or b"<!ENTITY" in text:
        raise ValueError(f"{path}: this is not a report of Open-i.")
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}: the report is damaged ({error}).") from None
    study = tree.find("uId")
    if study is None or "id" not in study.attrib:
        raise ValueError(f"{path}: the report has no uId; is it one of Open-i's?")
    words = [_finding(node.text or "") for node in tree.findall(f".//MeSH/{headings}")]
    names = [canonical(word) for word in words if word.strip().lower() not in NOTHING]
    images = [node.attrib["id"] for node in tree.findall(".//parentImage") if "id" in node.attrib]
    return study.attrib["id"], list(dict.fromkeys(names)), images


def _finding(heading: str) -> str:
    """ "Cardiomegaly/mild" -> "Cardiomegaly"."""
    parts = heading.split("/")
    return PLACED.get((parts[0].lower(), (parts + [""])[1].lower()), parts[0])


def _number(path: Path) -> tuple[int, str]:
    return (int(path.stem) if path.stem.isdigit() else 10**9, path.stem)

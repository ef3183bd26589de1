"""One vocabulary for labels of different hospitals.

Three things differ between data sets: names ("Effusion", "pleural effusion"), grain ("Lung Lesion"
in one, nodule and mass in another), and what silence means. Names are translated. Grain follows
two rules of logic: who has the narrow finding has the broad one (even where a list of words passes
over the broad one in silence), and who lacks the broad one lacks each narrow one; the other ways
round nothing follows. Who is normal lacks everything. Nothing is guessed: what does not follow is
"not mentioned", and losses and metrics leave it out.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from course_lib.data.findings import CHEXNET
from course_lib.data.item import ImageItem, ImageRecord, Label
from course_lib.data.source import AnySource, records_of

# Other words for the same finding, after data.findings.canonical.
SYNONYMS: dict[str, str] = {
    "effusion": "pleural_effusion",
    "pulmonary_edema": "edema",
    "pulmonary_fibrosis": "fibrosis",
    "infiltrates": "infiltration",
    "hiatal_hernia": "hernia",
    "hernia,_hiatal": "hernia",
    "pulmonary_emphysema": "emphysema",
    "pulmonary_atelectasis": "atelectasis",
    "pulmonary_consolidation": "consolidation",
    "atelectases": "atelectasis",
    "pulmonary_mass": "mass",
    "lung_nodule": "nodule",
    "nodule/mass": "lung_lesion",
    "ild": "interstitial_opacity",
    "interstitial_pattern": "interstitial_opacity",
    "lung_opacity": "opacity",
    "fractures,_bone": "fracture",
    "enlarged_cardiomediastinum": "mediastinal_widening",
    "mediastinal_enlargement": "mediastinal_widening",
    "electrical_device": "support_device",
    "implanted_medical_device": "support_device",
    "catheters,_indwelling": "support_device",
    "tuberculosis_sequelae": "tuberculosis",
    "active_tuberculosis": "tuberculosis",
    "advanced_tuberculosis": "tuberculosis",
}

NORMAL = "normal"  # of the RSNA's films: radiologists saw nothing at all

# Broad finding -> the narrow ones it takes in. None of these lists claims to be complete.
NARROWER: dict[str, tuple[str, ...]] = {
    "lung_lesion": ("nodule", "mass", "lung_tumor"),
    "nodule": ("multiple_nodules",),
    "opacity": (
        "consolidation", "infiltration", "pneumonia", "edema", "atelectasis", "mass", "nodule",
        "lung_lesion", "interstitial_opacity",
    ),
    "atelectasis": (
        "laminar_atelectasis", "lobar_atelectasis", "round_atelectasis", "total_atelectasis",
    ),
    "pneumonia": ("atypical_pneumonia",),
    "pleural_effusion": (
        "loculated_pleural_effusion", "loculated_fissural_effusion", "hydropneumothorax",
    ),
    "pneumothorax": ("hydropneumothorax",),
    "pleural_thickening": ("apical_pleural_thickening",),
    "fracture": ("rib_fracture", "clavicle_fracture", "humeral_fracture", "vertebral_fracture"),
    "pleural_other": ("pleural_thickening", "pleural_calcification"),
    "interstitial_opacity": ("fibrosis", "reticular_interstitial_pattern"),
    "support_device": (
        "pacemaker", "dual_chamber_device", "single_chamber_device", "endotracheal_tube",
        "tracheostomy_tube", "chest_drain_tube", "central_venous_catheter", "nsg_tube",
    ),
}  # fmt: skip


def harmonised(labels: Mapping[str, Label], findings: Sequence[str] = CHEXNET) -> dict[str, Label]:
    """The labels in terms of `findings`, with all that follows by logic and nothing else.

    A finding that a data set calls by two names is present if either says so.
    """
    known: dict[str, Label] = {}
    for name, label in labels.items():
        same = SYNONYMS.get(name, name)
        known[same] = stronger(known.get(same, Label.NOT_MENTIONED), label)
    return {name: _inferred(name, known) for name in findings}


class Harmonised:
    """A source whose labels are in terms of `findings`; everything else stays as it is."""

    def __init__(self, source: AnySource, findings: Sequence[str] = CHEXNET) -> None:
        self.source, self.findings = source, tuple(findings)
        self._labels = [harmonised(r.labels, self.findings) for r in records_of(source)]

    @property
    def records(self) -> list[ImageRecord]:
        facts = [name for name in ImageRecord.__dataclass_fields__ if name != "labels"]
        return [
            ImageRecord(labels=labels, **{name: getattr(record, name) for name in facts})
            for record, labels in zip(records_of(self.source), self._labels, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> ImageItem:
        item = self.source[index]
        facts = {name: getattr(item, name) for name in ImageItem.__dataclass_fields__}
        return ImageItem(**{**facts, "labels": self._labels[index]})


def label_table(
    sources: Mapping[str, AnySource], findings: Sequence[str] = CHEXNET
) -> pd.DataFrame:
    """How often each finding is present, absent, uncertain and not mentioned, source by source.

    One row per source and finding, columns named like the labels: look at it before you join sets.
    """
    rows = []
    for name, source in sources.items():
        labels = [harmonised(record.labels, findings) for record in records_of(source)]
        for finding in findings:
            counts = {kind.value: sum(row[finding] is kind for row in labels) for kind in Label}
            rows.append({"source": name, "finding": finding, **counts})
    return pd.DataFrame(rows)


def stronger(one: Label, other: Label) -> Label:
    """Of two statements about the same finding, the one that says more."""
    order = (Label.PRESENT, Label.UNCERTAIN, Label.ABSENT, Label.NOT_MENTIONED)
    return min(one, other, key=order.index)


def _inferred(name: str, known: Mapping[str, Label]) -> Label:
    """What is said of a finding, or follows from a narrower or a broader one."""
    said = _said(name, known)
    if said is not Label.NOT_MENTIONED:
        return said
    if known.get(NORMAL) is Label.PRESENT and name != "support_device":
        return Label.ABSENT
    if any(_said(broad, known) is Label.ABSENT for broad in _above(name)):
        return Label.ABSENT
    return Label.NOT_MENTIONED


def _said(name: str, known: Mapping[str, Label]) -> Label:
    """What is said of a finding, unless a narrower one is there: then it is there, too."""
    if any(_said(narrow, known) is Label.PRESENT for narrow in NARROWER.get(name, ())):
        return Label.PRESENT
    return known.get(name, Label.NOT_MENTIONED)


def _above(name: str) -> set[str]:
    """Everything broader than `name`, step by step."""
    direct = {broad for broad, narrow in NARROWER.items() if name in narrow}
    return direct.union(*(_above(broad) for broad in direct)) if direct else set()

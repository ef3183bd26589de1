"""One film after the other: scores, where the network looked, and what speaks against believing it.

Of a DICOM header only view, age, sex and scanner are shown; the patient's name is never read, and
his number only counts films of one patient as one.
"""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from tqdm.auto import tqdm

from course_lib.data.item import ImageItem, ImageRecord
from course_lib.data.preprocess import pad_to_square, resize
from course_lib.data.source import AnySource, records_of
from course_lib.dicom.errors import UnreadableFile
from course_lib.explain.cam import activation_maps, enlarge
from course_lib.explain.overlay import overlay
from course_lib.learning.shipped import Chexnet
from course_lib.practice.film_checks import Doubt, FileFacts, doubts_about, facts_of_file
from course_lib.practice.reference import Reference, pooled_maps

PICTURE_SIDE = 256
JPEG_QUALITY = 85
SPREADSHEET_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class FindingScore:
    """The score of one finding and what it is compared with.

    threshold: the operating point. below_without, below_with: share of reference films without and
    with the finding that score lower.
    """

    finding: str
    score: float
    threshold: float
    below_without: float
    below_with: float

    @property
    def called(self) -> bool:
        """Whether the network says yes at its operating point."""
        return self.score >= self.threshold


@dataclass(frozen=True, eq=False)
class FilmReading:
    """Everything the report says of one film.

    scores: one per finding, most unusual for a film without it first. film and maps: pictures as
    base64 JPEG; maps by the findings they belong to. shape: rows and columns of the film.
    """

    name: str
    record: ImageRecord
    shape: tuple[int, int]
    scores: tuple[FindingScore, ...]
    doubts: tuple[Doubt, ...]
    film: str
    maps: dict[str, str]

    @property
    def called(self) -> list[str]:
        """Findings above their operating points."""
        return [score.finding for score in self.scores if score.called]


def read_films(
    source: AnySource, chexnet: Chexnet, reference: Reference, maps: int = 2
) -> Iterator[FilmReading | UnreadableFile]:
    """Read the films of a source in order; a damaged file gives its error instead.

    maps: how many findings get a map. Shows a progress bar.
    """
    names = names_of(records_of(source))
    for i in tqdm(range(len(source)), desc="Reading films", unit="film"):
        try:
            item = source[i]
            path = Path(item.source)
            facts = facts_of_file(path) if path.is_file() else FileFacts()
        except UnreadableFile as error:
            yield error
            continue
        yield read_one(item, names[i], facts, chexnet, reference, maps)


def read_one(
    item: ImageItem,
    name: str,
    facts: FileFacts,
    chexnet: Chexnet,
    reference: Reference,
    maps: int = 2,
) -> FilmReading:
    """Scores, maps and doubts of one film."""
    seen = activation_maps(chexnet.model, chexnet.prepare([item.image]))
    scores = seen.logits[0].sigmoid().numpy()
    without, with_it = (reference.below(scores, present) for present in (False, True))
    judged = [
        FindingScore(finding, float(scores[k]), chexnet.thresholds[finding], without[k], with_it[k])
        for k, finding in enumerate(chexnet.findings)
    ]
    judged.sort(key=lambda one: (-np.nan_to_num(one.below_without), -one.score))
    film = resize(pad_to_square(item.image), PICTURE_SIDE)
    heat = enlarge(seen.maps[0], film.shape).numpy()
    inside = pooled_maps(chexnet, [item.image])[0]
    return FilmReading(
        name=name,
        record=ImageRecord(**{f: getattr(item, f) for f in ImageRecord.__dataclass_fields__}),
        shape=(item.image.shape[0], item.image.shape[1]),
        scores=tuple(judged),
        doubts=tuple(doubts_about(item, inside, reference, chexnet.size, facts)),
        film=as_jpeg(film),
        maps={
            one.finding: as_jpeg(overlay(film, heat[chexnet.findings.index(one.finding)]))
            for one in judged[:maps]
        },
    )


def names_of(records: Sequence[ImageRecord]) -> list[str]:
    """Short names: the sources, without the folders that all share."""
    parts = [Path(record.source).parts for record in records]
    shared = 0
    while all(len(p) > shared + 1 and p[shared] == parts[0][shared] for p in parts):
        shared += 1
    return ["/".join(p[shared:]) or f"film {i + 1}" for i, p in enumerate(parts)]


def as_jpeg(picture: NDArray) -> str:
    """Base64 of a JPEG: grey (H, W) or colour (H, W, 3), 0 to 1."""
    pixels = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def as_table(readings: Sequence[FilmReading]) -> pd.DataFrame:
    """One row per film: facts, doubts, what is called, and all scores (columns by finding)."""
    rows = []
    for one in readings:
        facts = {
            "file": harmless(one.name),
            "view": harmless(one.record.view),
            "age": one.record.age,
            "sex": one.record.sex,
            "scanner": harmless(one.record.scanner),
            "doubts": "; ".join(doubt.name for doubt in one.doubts),
            "called": "; ".join(one.called),
        }
        scores = sorted(one.scores, key=lambda score: score.finding)
        rows.append(facts | {score.finding: round(score.score, 4) for score in scores})
    return pd.DataFrame(rows)


def harmless(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(SPREADSHEET_FORMULA) else text

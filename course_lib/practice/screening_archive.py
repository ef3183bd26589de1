"""Screen the films of an archive (PACS) and store the answers beside them, as a hospital would."""

import pandas as pd
from pydicom.dataset import Dataset
from tqdm.auto import tqdm

from course_lib.data.item import ImageItem
from course_lib.data.read import identity
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.pacs import client
from course_lib.dicom.pacs.network import Node
from course_lib.dicom.pixels import displayed
from course_lib.learning.scxnn_screening import Scxnn, load_scxnn
from course_lib.practice.screening import (
    COLUMNS,
    SERIES,
    SIDE_VIEWS,
    Film,
    screen_films,
    screening_report,
    work_list,
)

FILMS = ("DX", "CR")  # modalities whose objects are looked at


def screen_archive(
    node: Node, scxnn: Scxnn | None = None, calling: str = client.SELF, **keys: str
) -> pd.DataFrame:
    """Fetch the chest films of the studies that fit the keys, screen them, store a report each.

    keys: as for client.find at the level of studies, such as PatientID="7" or StudyDate="20261120".
    Studies that have a report of ours already are left out, so it can be called again and again.
    Returns the work list. Raises PacsError when the archive does not answer.
    """
    judge = load_scxnn() if scxnn is None else scxnn
    studies = client.find(node, "STUDY", calling, **keys)
    rows: list[dict] = []
    for study in tqdm(list(studies.get("StudyInstanceUID", [])), desc="Screening", unit="study"):
        films = [_film(ds) for ds in _films(node, calling, str(study))]
        ready = [film for film in films if film is not None]
        if not ready:
            continue
        found, screening = screen_films(ready, judge)
        reports = [
            screening_report(film.dataset, screening, index)
            for index, film in enumerate(ready)
            if film.dataset is not None
        ]
        client.send(node, reports, calling=calling, progress=False)
        rows += found
    return work_list(pd.DataFrame(rows, columns=list(COLUMNS)))


def _films(node: Node, calling: str, study: str) -> list[Dataset]:
    """The film objects of a study, unless it has been answered."""
    series = list(
        client.query(node, "SERIES", calling, StudyInstanceUID=study, Modality="", SeriesNumber="")
    )
    if any(
        str(one.get("SeriesNumber", "")) == str(SERIES) and one.Modality == "SR" for one in series
    ):
        return []
    if not any(one.Modality in FILMS for one in series):
        return []
    objects = client.get(node, calling, StudyInstanceUID=study)
    return [ds for ds in objects if ds.get("Modality") in FILMS and "PixelData" in ds]


def _film(dataset: Dataset) -> Film | None:
    """The film, or None for one from the side or one that cannot be shown."""
    name = str(dataset.SOPInstanceUID)
    try:
        facts = identity(dataset, name)
        if facts["view"].upper() in SIDE_VIEWS:
            return None
        return Film(name, ImageItem(image=displayed(dataset), **facts), dataset)
    except UnreadableFile:
        return None

"""The radiologist's list of studies to read, with scores of an AI that read them first.

The AI stores its result in the archive like any other object, as a structured report (SR) of the
same study. The list collects these reports; nothing is passed around on the side.
"""

from collections.abc import Mapping

import pandas as pd
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from course_lib.dicom.pacs import client
from course_lib.dicom.pacs.network import Node
from course_lib.dicom.results.report import read_report

COLUMNS = {
    "PatientID": "patient",
    "PatientName": "name",
    "StudyDate": "date",
    "StudyTime": "time",
    "StudyDescription": "study",
    "ModalitiesInStudy": "modalities",
    "StudyInstanceUID": "uid",
}
ARRIVAL = ["date", "time", "uid"]


def work_list(node: Node, calling: str = client.SELF, **keys: str) -> pd.DataFrame:
    """One row per study in the order of arrival, with the highest score of its reports.

    Args:
        node: the archive.
        keys: narrow the list as in `client.find`, for example StudyDate="20260302".

    Returns a table with patient, name, date, time, study, modalities, uid, finding and score;
    finding is empty and score is NaN where no AI has reported.
    """
    asked = {**dict.fromkeys(COLUMNS, ""), **keys}
    rows = client.find(node, "STUDY", calling, **asked)[list(COLUMNS)].rename(columns=COLUMNS)
    best = [_best_of(node, row, calling) for row in rows.to_dict("records")]
    rows["finding"] = [finding for finding, _ in best]
    rows["score"] = [score for _, score in best]
    return rows.sort_values(ARRIVAL, ignore_index=True)


def triage(rows: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """The order of reading: scores of at least `threshold` first, highest first; then by arrival.

    Nobody is dropped: a study without a score waits in its place by arrival.
    """
    flagged = rows.score >= threshold  # False for a missing score
    first = rows[flagged].sort_values(["score", *ARRIVAL], ascending=[False, True, True, True])
    return pd.concat([first, rows[~flagged].sort_values(ARRIVAL)], ignore_index=True)


def scores_of(reports: list[Dataset], patient_id: str) -> dict[str, float]:
    """Finding -> highest score in the reports that are about this patient.

    A report that names another patient is not used: better no score than somebody else's.
    """
    found: dict[str, float] = {}
    for report in reports:
        if str(report.get("PatientID", "")) == patient_id:
            for measured in read_report(report):
                score = measured.measurements.get("score")
                if score is not None:
                    found[measured.finding] = max(score, found.get(measured.finding, score))
    return found


def _best_of(node: Node, row: Mapping[str, str], calling: str) -> tuple[str, float]:
    if "SR" not in row["modalities"].split("\\"):
        return "", float("nan")
    study = {"StudyInstanceUID": row["uid"]}
    series = client.find(node, "SERIES", calling, Modality="SR", **study).SeriesInstanceUID
    kinds = [ComprehensiveSRStorage]
    reports = [
        report
        for uid in series
        for report in client.get(node, calling, kinds, SeriesInstanceUID=uid, **study)
    ]
    scores = scores_of(reports, row["patient"])
    return max(scores.items(), key=lambda pair: pair[1]) if scores else ("", float("nan"))

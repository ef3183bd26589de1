"""How a screening system is judged: the tables of SCXNN (Kim 2024, Tables 2, 3, 4 and 9).

A screening system puts normal films aside. So the dear mistake is the abnormal film that it calls
normal, and it is counted per risk group.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.item import ImageRecord, Label
from course_lib.evaluation.intervals import wilson
from course_lib.evaluation.roc import auc
from course_lib.learning.scxnn_screening import Screening
from course_lib.models.scxnn import CLASSES
from course_lib.patient.risk import RISK_GROUPS

Truth = NDArray[np.bool_]


def abnormal_films(records: Sequence[ImageRecord]) -> Truth:
    """(N,) True for films with at least one finding, whichever it is."""
    return np.array([Label.PRESENT in record.labels.values() for record in records])


def films_with(records: Sequence[ImageRecord], findings: Sequence[str]) -> Truth:
    """(N,) True for films that show at least one of these findings."""
    return np.array(
        [any(record.label(name) is Label.PRESENT for name in findings) for record in records]
    )


def findings_per_film(records: Sequence[ImageRecord]) -> NDArray[np.intp]:
    """(N,) number of findings that are present."""
    return np.array([list(record.labels.values()).count(Label.PRESENT) for record in records])


def four_fields(abnormal: Truth, called_abnormal: Truth) -> pd.DataFrame:
    """Table 2: rows what the system says, columns what is true, entries films."""
    said = np.asarray(called_abnormal, dtype=bool)
    true = np.asarray(abnormal, dtype=bool)
    fields = [[int((~said & ~true).sum()), int((~said & true).sum())]]
    fields.append([int((said & ~true).sum()), int((said & true).sum())])
    names = ["normal", "abnormal"]
    return pd.DataFrame(fields, index=pd.Index(names, name="system says"), columns=names)


def rates(abnormal: Truth, screening: Screening, level: float = 0.95) -> pd.DataFrame:
    """Sensitivity and specificity with Wilson intervals, their mean and the AUC of the score.

    One row per rate: value, low, high, hits, of. The thesis calls the mean of the two "accuracy" in
    Table 4; the true accuracy, which depends on how many films are normal, stands beside it.
    """
    table = four_fields(abnormal, screening.abnormal).to_numpy()
    (true_normal, missed), (false_alarm, found) = table.tolist()
    rows = {
        "sensitivity": _share(found, found + missed, level),
        "specificity": _share(true_normal, true_normal + false_alarm, level),
        "accuracy": _share(found + true_normal, int(table.sum()), level),
    }
    frame = pd.DataFrame(rows).T
    balanced = (frame.loc["sensitivity", "value"] + frame.loc["specificity", "value"]) / 2
    frame.loc["balanced accuracy", "value"] = balanced
    frame.loc["AUC", "value"] = auc(abnormal, screening.score)
    return frame


def by_risk_group(records: Sequence[ImageRecord], screening: Screening) -> pd.DataFrame:
    """Table 3: how the films of each risk group are called, with the interval of those missed.

    normal: put aside by the system. target: not put aside, and the network of a disease that the
    film shows names its target. others: not put aside, for another reason. A film with diseases of
    two groups counts in both.
    """
    said_normal = ~screening.abnormal
    named = _named_by_its_own_network(records, screening)
    rows: dict[str, dict[str, float]] = {}
    for group, diseases in RISK_GROUPS.items():
        inside = films_with(records, diseases)
        missed, films = int((inside & said_normal).sum()), int(inside.sum())
        target = int((inside & ~said_normal & named).sum())
        row: dict[str, float] = {"films": films, "normal": missed, "target": target}
        row["others"] = films - missed - target
        interval = wilson(missed, films) if films else (np.nan, np.nan)
        row["missed_low"], row["missed_high"] = interval
        rows[group] = row
    return pd.DataFrame(rows).T


def by_finding(
    records: Sequence[ImageRecord],
    screening: Screening,
    findings: Sequence[str],
    alone: bool = False,
) -> pd.DataFrame:
    """Per finding: films that show it, how many the system calls normal, share and interval.

    alone: only films that show nothing else, so that no other disease can give them away.
    """
    rows = {}
    for name in findings:
        inside = films_with(records, [name]) & ((findings_per_film(records) == 1) | (not alone))
        missed, films = int((inside & ~screening.abnormal).sum()), int(inside.sum())
        if films:
            low, high = wilson(missed, films)
            row = {"films": films, "normal": missed, "share": missed / films}
            rows[name] = row | {"low": low, "high": high}
    return pd.DataFrame(rows).T


def votes_on(screening: Screening, films: Truth) -> pd.DataFrame:
    """Table 9: of these films, the share that each network calls normal, target or others."""
    votes = screening.votes[np.asarray(films, dtype=bool)]
    if len(votes) == 0:
        raise ValueError("No film is left to count votes on.")
    classes = CLASSES[: screening.logits.shape[2]]
    shares = {name: (votes == k).mean(axis=0) for k, name in enumerate(classes)}
    return pd.DataFrame(shares, index=pd.Index(screening.diseases, name="network"))


def _named_by_its_own_network(records: Sequence[ImageRecord], screening: Screening) -> Truth:
    """(N,) True where the network of one of the film's diseases votes for its target."""
    present = np.array(
        [[record.label(name) is Label.PRESENT for name in screening.diseases] for record in records]
    )
    return (present & (screening.votes == CLASSES.index("target"))).any(axis=1)


def _share(hits: int, of: int, level: float) -> dict[str, float]:
    low, high = wilson(hits, of, level) if of else (np.nan, np.nan)
    value = hits / of if of else np.nan
    return {"value": value, "low": low, "high": high, "hits": hits, "of": of}

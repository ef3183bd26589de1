"""The shipped record of unknown films: complete, repeatable, and as its cards say."""

import numpy as np
import pandas as pd
import pytest

from course_lib.learning.film_classifier import load_film_classifier
from course_lib.robustness.unknown.detectors import SCORES, Detectors
from course_lib.robustness.unknown.exposure import SHIPPED as EXPOSED
from course_lib.robustness.unknown.metrics import separation
from course_lib.robustness.unknown.record import (
    EACH,
    SHIPPED,
    Known,
    known_record,
    learn,
    recorded_scores,
    score_sets,
    shipped_detectors,
)
from course_lib.robustness.unknown.results import (
    auroc_table,
    family_means,
    of_one,
    refused_table,
    scores_of,
    shipped_answers,
    thresholds,
)
from course_lib.robustness.unknown.sets import FAMILIES, UNKNOWN, known_films, unknown_films


@pytest.fixture(scope="module")
def record():
    return recorded_scores()


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    return {"folder": tmp_path_factory.mktemp("cache"), "workers": 1}


def test_record_holds_every_set_and_score(record):
    assert set(record["set"]) == {"threshold", "test", *UNKNOWN}
    assert np.isfinite(record[list(SCORES)]).all().all()
    counts = record["set"].value_counts()
    assert (counts[list(UNKNOWN)] == EACH).all() and counts["test"] > 300
    known = record["set"].isin(["threshold", "test"])
    assert (record["truth"][known] >= 0).all() and (record["truth"][~known] == -1).all()


def test_films_made_anew_score_as_the_record_says(record, options):
    detectors = shipped_detectors()
    for name, films in (
        ("skull film", unknown_films("skull film", 3, **options)),
        ("free air", unknown_films("free air", 2, **options)),
        ("test", known_films("test", 4, **options)[0][:3]),
    ):
        anew = detectors.scores(films)
        kept = record[record["set"] == name].head(len(films))
        for score in SCORES:
            if not score.startswith("dropout"):  # dropout's masks depend on who is in the batch
                a, b = anew[score].to_numpy(), kept[score].to_numpy()
                assert np.allclose(a, b, rtol=0.05, atol=0.05), (name, score, a, b)


def test_tables_follow_from_the_record(record):
    table = auroc_table(record)
    known, odd = (scores_of(record, part, "energy") for part in ("test", "noise"))
    assert table.loc["noise", "energy"] == separation(known, odd).auroc.auc
    assert of_one(record, "noise", "energy").missed == separation(known, odd).missed
    means = family_means(record)
    assert tuple(means.index) == FAMILIES
    files = table.loc[["rows missing", "rows skewed", "byte order"], "ODIN"].mean()
    assert means.loc["file", "ODIN"] == pytest.approx(files)


def test_thresholds_come_from_their_own_films(record):
    chosen = thresholds(record, 0.05)
    for score in SCORES:
        assert chosen[score].refused <= 0.05
        rows = refused_table(record, score)
        assert rows.index[0] == "test" and rows.loc["test", "refused"] < 0.12
        assert ((rows["low"] <= rows["refused"]) & (rows["refused"] <= rows["high"])).all()
    changed = record[record["set"] != "noise"]
    assert thresholds(changed, 0.05) == chosen  # unknown films have no say


def test_cards_say_what_the_record_says(record):
    means = family_means(record)
    for folder, scores in ((SHIPPED, SCORES), (EXPOSED, ("exposed to cheap", "softmax"))):
        card = (folder / "README.md").read_text(encoding="utf-8")
        for score in scores:
            line = next(x for x in card.splitlines() if x.startswith(f"| {score} |"))
            printed = [float(cell) for cell in line.split("|")[2:8]]
            assert np.allclose(printed, means[score], atol=0.0051)


def test_shipped_answers_are_those_of_the_classifiers_card():
    truth, logits = shipped_answers()
    assert logits.shape == (5, 852, 6) and truth.shape == (852,)
    assert (logits[0].argmax(1) == truth).mean() == pytest.approx(0.961, abs=0.001)


def test_small_record_from_the_beginning(options):
    member = load_film_classifier(0)
    known = learn(member, 24, **options)
    assert known.features.shape[1] == 90 and len(known.classes) == len(known.numbers)
    detectors = Detectors.fit([member, load_film_classifier(1)], [member, member], *known)
    table = score_sets(detectors, 6, 1, ("test", "noise", "skull film"), **options)
    assert table["set"].nunique() == 3
    assert list(table.columns) == ["set", "film", "truth", "answer", *SCORES]
    assert np.isfinite(table[list(SCORES)]).all().all()


def test_missing_record_says_how_it_is_made(tmp_path, record):
    for read in (known_record, recorded_scores):
        with pytest.raises(ValueError, match="command at the top"):
            read(tmp_path)
    with pytest.raises(ValueError, match="no score 'luck'"):
        scores_of(record, "test", "luck")
    with pytest.raises(ValueError, match="no films of 'legs'"):
        scores_of(record, "legs", "energy")
    assert isinstance(known_record(), Known) and isinstance(record, pd.DataFrame)

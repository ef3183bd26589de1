"""Figures of Turing tests as printed: what agrees, and which slips the lesson builds on."""

import pytest

from course_lib.evaluation.published import published
from course_lib.evaluation.turing import against_chance
from course_lib.evaluation.turing_simulation import SimulatedReader, expected_kappa

SAID = published("turing_text").set_index("statement")["value"]


def counts(statement: str) -> tuple[int, int]:
    right, of = SAID[statement].split(" of ")
    return int(right), int(of)


def test_the_groups_of_the_paper_add_up_to_all_readers():
    groups = [counts(f"group {g}: right answers of {n} readers") for g, n in
              (("I", 4), ("II", 4), ("III", 2))]  # fmt: skip
    assert tuple(map(sum, zip(*groups, strict=True))) == counts("right answers of all readers")
    assert [of for _, of in groups] == [4 * 300, 4 * 300, 2 * 300]


def test_the_paper_calls_specificity_what_the_course_calls_sensitivity():
    (right, of), (fake, synthetic) = (
        counts("right answers of all readers"),
        counts("synthetic images called fake (named specificity)"),
    )
    reader = SimulatedReader.with_rates(fake / synthetic, (right - fake) / (of - synthetic))
    assert reader.accuracy == pytest.approx(0.594, abs=5e-4)
    assert 0.4 < reader.separation < 0.6 and reader.criterion > 0
    assert expected_kappa(reader, 0.12) == pytest.approx(
        float(SAID["kappa of all readers"]), abs=0.01
    )
    assert against_chance(right, of).p_difference < 0.001


def test_kappas_of_the_chest_film_study_follow_from_its_accuracies():
    for trial in ("first", "second"):
        accuracy = float(SAID[f"{trial} trial: mean accuracy"]) / 100
        assert (2 * accuracy - 1) ** 2 == pytest.approx(
            float(SAID[f"{trial} trial: kappa"]), abs=0.025
        )


def test_the_handout_has_ten_readers_and_says_nineteen():
    readers = published("turing_readers")
    assert list(readers["group"].value_counts(sort=False)) == [4, 4, 2]
    assert (len(readers), SAID["readers in the title"]) == (10, "19")
    assert list(SAID["readers"]) == ["10", "6"]  # the paper's abstract, and that of Jang 2023


def test_one_kappa_lies_outside_its_interval():
    table = published("turing_kappa")
    inside = table["kappa"].between(table["low"], table["high"])
    assert list(table.loc[~inside, "images"]) == ["thoracolumbar junction"]
    assert len(table) == 11


def test_thirteen_rates_of_the_handout_are_no_share_of_150():
    table = published("turing_readers")
    rates = [*table["sensitivity"], *table["specificity"]]
    whole = [any(abs(100 * k / 150 - rate) < 0.0501 for k in range(151)) for rate in rates]
    assert (whole.count(False), len(whole)) == (13, 20)

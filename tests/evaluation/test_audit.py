"""The audit: each check can pass and fail, and the bundled tables hold exactly the known slips."""

import numpy as np
import pytest

from course_lib.evaluation.audit import (
    Finding,
    accuracy_at,
    how_rounded,
    least_area,
    mcnemar_range,
    possible_counts,
    possible_sizes,
    rates_that_fit,
    sums_to,
)
from course_lib.evaluation.audited import audit_all, rows_of
from course_lib.evaluation.mcnemar import mcnemar
from course_lib.evaluation.operating import Confusion
from course_lib.evaluation.roc import auc

# What a reader with a pencil finds. A typing error in our copies would change this list.
KNOWN_SLIPS = {
    ("abstract", "SCXNN: images with masks"),
    ("abstract", "SCXNN: images with weak labels"),
    ("abstract", "SCXNN: films of the temporal set"),
    ("section 4.1", "SCXNN: abnormal cases, internal set"),
    ("section 4.1", "SCXNN: specificity, external 1 set"),
    ("table 3", "SCXNN: abnormal cases, temporal set"),
    ("table 7", "SCXNN: found cases, 2 classes"),
    *(
        ("table 6", f"SCXNN: 'accuracy' is the mean of sensitivity and specificity, {row} no")
        for row in ("none histogram", "segmentation histogram", "reconstruction histogram",
                    "reconstruction CLAHE")
    ),
    *(
        (table, f"SCXNN: AUC of a curve without dents through this point, {row}")
        for table, row in (("table 4", "vgg16"), ("table 4", "resnet50"), ("table 4", "googlenet"),
                           ("table 5", "1.0"))
    ),
    ("table 9", "SCXNN: shares add up to 1, consolidation model on pneumonia"),
    ("table 9", "SCXNN: shares add up to 1, consolidation model on edema"),
    ("table 3", "GAN: total of predicted abnormal"),
    ("table 3", "GAN: total of reference normal"),
    *(
        ("results 1", f"GAN: {rate}, classifier {test}")
        for rate in ("sensitivity", "specificity")
        for test in ("(real) on real", "(synthetic) on synthetic", "(synthetic) on real")
    ),
    ("table 6", "GAN: detected in all"),
    ("results 3", "GAN: detected, pneumothorax, in the text"),
}  # fmt: skip


def test_the_bundled_tables_hold_the_known_slips_and_no_others():
    table = audit_all()
    found = set(zip(*(table.loc[~table.agrees, c] for c in ("place", "statement")), strict=True))
    assert found == KNOWN_SLIPS
    assert table.agrees.sum() > 100, "most of what is printed is right"


def test_what_is_called_sensitivity_is_the_negative_predictive_value():
    printed = {3: ("93.4", "93.3"), 4: ("90.8", "90.5"), 5: ("85.1", "81.6")}
    for number, (called_sensitivity, called_specificity) in printed.items():
        rows = {
            (r["predicted"], r["reference"]): int(r["count"]) for r in rows_of(f"gan_table{number}")
        }
        counts = Confusion(
            tp=rows["abnormal", "abnormal"], fp=rows["abnormal", "normal"],
            fn=rows["normal", "abnormal"], tn=rows["normal", "normal"],
        )  # fmt: skip
        assert "npv" in rates_that_fit(called_sensitivity, counts)
        assert "ppv" in rates_that_fit(called_specificity, counts)
        assert "sensitivity" not in rates_that_fit(called_sensitivity, counts)
        assert "specificity" not in rates_that_fit(called_specificity, counts)


@pytest.mark.parametrize(
    ("printed", "part", "whole", "how"),
    [
        ("0.99", 299, 300, "cut off"),
        ("1.00", 299, 300, "rounded"),
        ("0.67", 109, 162, "rounded"),
        ("0.63", 66, 106, "neither"),
        ("93.4", 934, 1000, "rounded"),
        ("0.125", 1, 8, "rounded"),
        ("0.13", 1, 8, "rounded"),  # half is rounded up, as people do
        ("0", 0, 5, "rounded"),
    ],
)
def test_a_share_is_rounded_cut_off_or_neither(printed, part, whole, how):
    assert how_rounded(printed, part, whole) == how


def test_impossible_shares_are_refused():
    with pytest.raises(ValueError, match="5 of 4"):
        how_rounded("0.9", 5, 4)
    with pytest.raises(ValueError, match="0 of 0"):
        how_rounded("0.9", 0, 0)


def test_shares_of_few_cases_betray_how_many_there_were():
    assert possible_counts("0.143", 7) == [1] and possible_counts("0.15", 7) == []
    assert possible_sizes(["0.143", "0.429", "0.857"], 13) == [7]
    assert possible_sizes(["0.279", "0.140", "0.721", "0.860"], 60) == [43]


def test_sums():
    assert sums_to("t", "s", [1, 2], 3) == Finding("t", "s", "3", "3", True)
    assert not sums_to("t", "s", [1, 2], 4).agrees


def test_no_curve_is_below_the_least_area():
    random = np.random.default_rng(0)
    for _ in range(200):
        truth = np.repeat([0, 1], [40, 30])
        score = random.normal(size=70) + truth * random.uniform(0, 2)
        threshold = random.choice(score)
        sensitivity = float((score[truth == 1] >= threshold).mean())
        specificity = float((score[truth == 0] < threshold).mean())
        assert auc(truth, score) >= least_area(sensitivity, specificity, concave=False) - 1e-12
    # One threshold only: the curve is the two chords, and the bound for curves without dents holds
    # with equality.
    called = [1] * 8 + [0] * 2 + [1] * 1 + [0] * 9
    assert auc([1] * 10 + [0] * 10, called) == pytest.approx(least_area(0.8, 0.9))


def test_accuracy_depends_on_how_many_are_ill():
    assert accuracy_at(0.9, 0.5, 1, 1) == pytest.approx(0.7)
    assert accuracy_at(0.9, 0.5, 9, 1) == pytest.approx(0.86)


def test_unpaired_tables_bound_the_paired_test():
    low, high = mcnemar_range(89, 51, 100)
    values = [mcnemar(89 - both, 51 - both).mid for both in range(40, 52)]
    assert (low, high) == (min(values), max(values)) and high < 1e-3
    assert mcnemar_range(50, 50, 100) == (pytest.approx(1.0), pytest.approx(1.0))
    assert mcnemar_range(10, 10, 10) == (1.0, 1.0), "nobody differs: nothing to test"
    with pytest.raises(ValueError, match="11 and 5"):
        mcnemar_range(11, 5, 10)

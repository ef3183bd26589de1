"""What happens at the edges: one table for all measures of this package.

Programs differ here, quietly: the AUC of a set with one class is 0.0 in one library and NaN in
another, a class that never occurs counts as 0 or is skipped, an organ that was missed vanishes
from the mean. So this course decides once, writes it down as data, and
``tests/evaluation/test_policy*.py`` go through the table row by row.

Three ideas lie behind all rows. *A mistake upstream is an error*, with a sentence that names it.
*What cannot be known is NaN*, never 0, 0.5 or 1. *Nothing is left out silently.*
"""

from typing import Literal, NamedTuple

import pandas as pd

Outcome = Literal["error", "NaN", "left out", "value"]


class Row(NamedTuple):
    """One decision: in this ``case``, these ``functions`` ("module.function") do this, and why.

    ``outcome``: "error" (ValueError), "NaN" (undefined), "left out" (as if the case were not
    there), or "value" (a number or an infinity; ``what`` says which).
    """

    case: str
    functions: tuple[str, ...]
    outcome: Outcome
    what: str


SCORES = (
    "roc.auc", "roc.roc_curve", "precision_recall.average_precision",
    "precision_recall.precision_recall_curve", "operating.confusion",
    "operating.youden_threshold", "operating.f1_threshold", "operating.sensitivity_threshold",
    "operating.specificity_threshold", "operating.cost_threshold",
    "delong.delong", "delong.compare_aucs",
)  # fmt: skip
PROBABILITIES = (
    "calibration.brier", "calibration.brier_skill", "calibration.brier_parts",
    "calibration.calibration_error", "calibration.reliability",
)  # fmt: skip

ROWS: tuple[Row, ...] = (
    # Labels and scores that should not be there.
    Row("a truth that is NaN or not 0/1", (*SCORES, *PROBABILITIES), "error",
        "mask the unknown; a label is never guessed"),
    Row("a score that is NaN or infinite", (*SCORES, *PROBABILITIES), "error",
        "the model that gave it is broken"),
    Row("truth and score of unequal length", (*SCORES, *PROBABILITIES), "error",
        "they belong to different cases"),
    Row("a probability outside 0 to 1", PROBABILITIES, "error", "a logit needs a sigmoid first"),
    Row("a label masked as unknown", (*SCORES, *PROBABILITIES, "by_label.auc_by_label",
        "averages.confusion_by_label"), "left out", "for this label only"),
    # Too little to say anything.
    Row("one class only", ("roc.auc", "precision_recall.average_precision", "delong.delong",
        "by_label.auc_by_label", "calibration.brier_skill"), "NaN", "ranking needs both classes"),
    Row("one class only", ("roc.roc_curve", "precision_recall.precision_recall_curve",
        "operating.youden_threshold", "operating.f1_threshold", "operating.sensitivity_threshold",
        "operating.specificity_threshold", "operating.cost_threshold",
        "delong.compare_aucs"), "error", "there is no curve, so no point on it"),
    Row("an empty set", ("roc.auc", "precision_recall.average_precision", "delong.delong",
        "calibration.brier", "calibration.brier_skill", "calibration.brier_parts",
        "calibration.calibration_error", "averages.average", "averages.multiclass_accuracy"),
        "NaN", "no cases, no rate"),
    Row("an empty set", ("intervals.wilson", "intervals.clopper_pearson", "intervals.wald",
        "intervals.newcombe", "intervals.newcombe_paired", "intervals.bootstrap",
        "agreement.kappa_of_table", "agreement.cohen_kappa", "agreement.fleiss_kappa",
        "measurement.trueness_and_precision", "measurement.bland_altman",
        "measurement.repeatability", "intraclass.icc"), "error", "no cases, no interval"),
    # Ties.
    Row("a tie between an ill and a healthy case", ("roc.auc",), "value", "half a win"),
    Row("cases with equal scores", ("roc.roc_curve", "precision_recall.precision_recall_curve",
        "operating.confusion"), "value", "they cross the threshold together"),
    Row("a score equal to the threshold", ("operating.confusion", "averages.confusion_by_label"),
        "value", "is called positive"),
    Row("thresholds of equal merit", ("operating.youden_threshold", "operating.f1_threshold",
        "operating.sensitivity_threshold", "operating.cost_threshold"), "value",
        "the highest is chosen"),
    Row("no score is high enough", ("operating.specificity_threshold",
        "operating.cost_threshold"), "value", "infinity: nothing is called positive"),
    Row("all scores equal", ("roc.auc",), "value", "0.5"),
    Row("all scores equal", ("precision_recall.average_precision",), "value", "the prevalence"),
    Row("all scores equal", ("delong.delong",), "NaN", "interval: no spread, no claim"),
    Row("equal probabilities in bins of equal mass", ("calibration.reliability",), "value",
        "they stay in one bin"),
    # Nothing in a denominator.
    Row("a share of nothing (0 of 0)", ("rates.value", "rates.f_beta",
        "rate_intervals.rate_interval", "prevalence.ppv_at", "prevalence.npv_at",
        "agreement.specific_agreement"), "NaN", "never 0, as sklearn has it"),
    Row("a ratio of something to nothing", ("rates.value",), "value", "infinite: LR+, DOR"),
    Row("an empty cell", ("rate_intervals.rate_interval",), "value",
        "LR, DOR: limits from counts + 1/2; an infinite or zero ratio is its own limit"),
    Row("a class that never occurs", ("averages.average",), "left out",
        "of the mean, and counted in left_out"),
    Row("truth or calls all of one class", ("averages.multiclass_mcc",), "NaN", "0 of 0"),
    Row("an empty bin", ("calibration.reliability", "calibration.calibration_error"), "left out",
        "it promised nothing"),
    # No mistake seen is not the same as certainty.
    Row("0 of n, or n of n", ("intervals.wilson", "intervals.clopper_pearson"), "value",
        "the interval has width"),
    Row("perfect separation", ("delong.delong", "intervals.bootstrap",
        "rate_intervals.rate_interval"), "NaN", "interval: all resamples are alike (MCC, AUC)"),
    Row("perfect agreement", ("agreement.kappa_of_table",), "NaN", "interval, for the same reason"),
    Row("statistic undefined in most resamples", ("intervals.bootstrap",), "error",
        "an interval of the rest would mean nothing"),
    Row("statistic undefined in some resamples", ("intervals.bootstrap",), "left out",
        "a class was not drawn"),
    # Readers and measurements.
    Row("all ratings in one category", ("agreement.cohen_kappa", "agreement.kappa_of_table",
        "agreement.fleiss_kappa"), "NaN", "agreement or habit? nobody can tell"),
    Row("a missing rating", ("agreement.cohen_kappa", "agreement.fleiss_kappa", "intraclass.icc",
        "intraclass.icc_table", "measurement.bland_altman", "measurement.trueness_and_precision",
        "measurement.repeatability"), "error", "leave out the case or the reader, and say so"),
    Row("all measurements equal", ("intraclass.icc",), "NaN", "no spread to share out"),
    # Comparing two classifiers, many readers.
    Row("one class only", ("delong.compare_unpaired", "hanley_mcneil.hanley_mcneil_error",
        "hanley_mcneil.compare_hanley_mcneil", "multi_reader.reader_study"), "error",
        "there is no area to compare"),
    Row("a truth or call that is not 0/1", ("mcnemar.mcnemar_of_calls",
        "multi_reader.reader_study"), "error", "apply the threshold first"),
    Row("both rank all cases alike", ("delong.compare_aucs",), "value", "z = 0, p = 1"),
    Row("no case on which they differ", ("mcnemar.mcnemar",), "NaN", "no test: nothing was tried"),
    Row("an AUC of 0 or 1", ("hanley_mcneil.PublishedAuc",), "NaN",
        "interval: the formula would claim certainty"),
    Row("an AUC of 0 or 1", ("area_variance.separation",), "error",
        "no study can be planned on perfection"),
    # Masks.
    Row("masks of unequal shape", ("overlap.overlap", "surface_distance.surface_distances",
        "surface_distance.hausdorff", "surface_distance.hausdorff_percentile"), "error",
        "resample one first"),
    Row("a mask with other values than 0 and 1", ("overlap.overlap",
        "surface_distance.surface_distances", "surface_distance.hausdorff",
        "surface_distance.hausdorff_percentile"), "error", "of a label map compare one label each"),
    Row("both masks empty", ("overlap.overlap", "surface_distance.surface_distances",
        "surface_distance.hausdorff", "surface_distance.hausdorff_percentile"), "NaN",
        "right, but nothing to overlap"),
    Row("one mask empty", ("overlap.overlap",), "value", "Dice 0: missed or invented"),
    Row("one mask empty", ("surface_distance.surface_distances", "surface_distance.hausdorff",
        "surface_distance.hausdorff_percentile"), "value", "infinite; surface Dice 0"),
    Row("undefined or infinite cases in a mean", ("overlap.summarise",), "value",
        "undefined: counted beside it; infinite: stays in it"),
)  # fmt: skip


def policy_table(function: str = "") -> pd.DataFrame:
    """The table to read: case, functions, outcome, what. ``function`` keeps rows that name it."""
    rows = [row for row in ROWS if function in " ".join(row.functions)]
    table = pd.DataFrame(rows, columns=list(Row._fields))
    table["functions"] = [", ".join(names) for names in table["functions"]]
    return table

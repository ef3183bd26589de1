"""The policy table is true: every function of every row is put into its case and must obey.

Here the measures of one classifier or reader; ``test_policy_comparisons.py`` has the rest. What an
example returns is told in ``conftest.py``.
"""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import course_lib.evaluation as package
from course_lib.evaluation import (
    agreement,
    averages,
    by_label,
    calibration,
    delong,
    intervals,
    intraclass,
    measurement,
    operating,
    policy,
    precision_recall,
    prevalence,
    rate_intervals,
    rates,
    roc,
)
from course_lib.evaluation.operating import Confusion

TRUTH, SCORE = [0, 1, 0, 1, 1, 0], [0.1, 0.4, 0.35, 0.8, 0.3, 0.6]
NAN = float("nan")
NOTHING, PERFECT = Confusion(0, 0, 0, 0), Confusion(tp=9, fp=0, fn=0, tn=9)
CALLS = {
    "roc.auc": roc.auc,
    "roc.roc_curve": lambda t, s, known=None: np.stack(
        list(vars(roc.roc_curve(t, s, known)).values())
    ),
    "precision_recall.average_precision": precision_recall.average_precision,
    "precision_recall.precision_recall_curve": lambda t, s, known=None: (
        precision_recall.precision_recall_curve(t, s, known).precision
    ),
    "operating.confusion": lambda t, s, known=None: list(
        vars(operating.confusion(t, s, 0.5, known)).values()
    ),
    "operating.youden_threshold": operating.youden_threshold,
    "operating.f1_threshold": operating.f1_threshold,
    "operating.sensitivity_threshold": lambda t, s, known=None: operating.sensitivity_threshold(
        t, s, 0.8, known
    ),
    "operating.specificity_threshold": lambda t, s, known=None: operating.specificity_threshold(
        t, s, 0.8, known
    ),
    "operating.cost_threshold": lambda t, s, known=None: operating.cost_threshold(
        t, s, 2, 0.4, known
    ),
    "delong.delong": lambda t, s, known=None: delong_numbers(t, s, known),
    "delong.compare_aucs": lambda t, s, known=None: (
        delong.compare_aucs(t, s, np.square(np.asarray(s) - 0.4), known).z
    ),
    "calibration.brier": calibration.brier,
    "calibration.brier_skill": calibration.brier_skill,
    "calibration.brier_parts": lambda t, s, known=None: list(
        calibration.brier_parts(t, s, known=known)
    ),
    "calibration.calibration_error": lambda t, s, known=None: calibration.calibration_error(
        t, s, known=known
    ),
    "calibration.reliability": lambda t, s, known=None: [
        point[:3] for point in calibration.reliability(t, s, known=known)
    ],
}


def delong_numbers(truth, score, known=None):
    found = delong.delong(truth, score, known)
    return [found.auc, found.standard_error, *found.interval]


def by_two_labels(truth, score, known=None):
    """The AUC of the first of two labels."""
    known = np.ones(len(truth)) if known is None else np.asarray(known)
    both = [np.stack([x, x], 1) for x in (truth, score, known)]
    both[2][:, 1] = 1
    both[0][:, 1], both[1][:, 1] = np.resize(TRUTH, len(truth)), np.resize(SCORE, len(truth))
    return by_label.auc_by_label(["a", "b"], *both).loc["a", "auc"]


def everywhere(case, names, *arguments, **options):
    """One example for each named function of CALLS, called with the same data."""
    return {(case, name): (lambda call=CALLS[name]: call(*arguments, **options)) for name in names}


def left_out(case, names):
    """Adding a masked case changes nothing, even if its label is NaN."""
    known = [1] * len(TRUTH) + [0]

    def pair(call):
        return lambda: (call([*TRUTH, NAN], [*SCORE, 0.9], known), call(TRUTH, SCORE))

    return {(case, name): pair(CALLS[name]) for name in names}


TIED = ([0, 1, 0, 1], [0.2, 0.5, 0.5, 0.9])
SAME = ([0, 1, 0, 0], [0.5] * 4)
EMPTY = Confusion(tp=0, fp=2, fn=0, tn=5)  # nobody is ill
ONE_CALL = [[0, 0], [4, 5]]
FLIP = ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])  # youden: 0.4 and 0.2 are equally good

EXAMPLES = {
    **everywhere("a truth that is NaN or not 0/1", CALLS, [0, 1, 2, 1, NAN, 0], SCORE),
    **everywhere("a score that is NaN or infinite", CALLS, TRUTH, [0.1, NAN, 0.3, 0.2, 0.5, 0.9]),
    **everywhere("truth and score of unequal length", CALLS, TRUTH, SCORE[:-1]),
    **everywhere("a probability outside 0 to 1", policy.PROBABILITIES, TRUTH, [-2, 3, 1, 0, 1, 0]),
    **left_out("a label masked as unknown", CALLS),
    ("a label masked as unknown", "by_label.auc_by_label"): lambda: (
        by_two_labels([*TRUTH, 1], [*SCORE, 0.0], [1] * 6 + [0]),
        roc.auc(TRUTH, SCORE),
    ),
    ("a label masked as unknown", "averages.confusion_by_label"): lambda: (
        list(
            vars(
                averages.confusion_by_label([[1], [1]], [[0.9], [0.1]], 0.5, [[1], [0]])[0]
            ).values()
        ),
        [1, 0, 0, 0],
    ),
    **everywhere("one class only", CALLS, [1, 1, 1], [0.2, 0.3, 0.9]),
    ("one class only", "by_label.auc_by_label"): lambda: by_two_labels([1, 1, 1], [0.1, 0.2, 0.3]),
    **everywhere("an empty set", CALLS, [], []),
    ("an empty set", "averages.average"): lambda: averages.average([], "recall", "macro").value,
    ("an empty set", "averages.multiclass_accuracy"): lambda: averages.multiclass_accuracy(
        [[0, 0], [0, 0]]
    ),
    ("an empty set", "intervals.wilson"): lambda: intervals.wilson(0, 0),
    ("an empty set", "intervals.clopper_pearson"): lambda: intervals.clopper_pearson(0, 0),
    ("an empty set", "intervals.wald"): lambda: intervals.wald(0, 0),
    ("an empty set", "intervals.newcombe"): lambda: intervals.newcombe(1, 2, 0, 0),
    ("an empty set", "intervals.newcombe_paired"): lambda: intervals.newcombe_paired(0, 0, 0, 0),
    ("an empty set", "intervals.bootstrap"): lambda: intervals.bootstrap(np.mean, []),
    ("an empty set", "agreement.kappa_of_table"): lambda: agreement.kappa_of_table([[0, 0]] * 2),
    ("an empty set", "agreement.cohen_kappa"): lambda: agreement.cohen_kappa([], []),
    ("an empty set", "agreement.fleiss_kappa"): lambda: agreement.fleiss_kappa(np.empty((0, 3))),
    ("an empty set", "measurement.trueness_and_precision"): lambda: (
        measurement.trueness_and_precision([], 3)
    ),
    ("an empty set", "measurement.bland_altman"): lambda: measurement.bland_altman([], []),
    ("an empty set", "measurement.repeatability"): lambda: measurement.repeatability(
        np.empty((0, 2))
    ),
    ("an empty set", "intraclass.icc"): lambda: intraclass.icc(np.empty((0, 2)), "1,1"),
    ("a tie between an ill and a healthy case", "roc.auc"): lambda: (roc.auc(*TIED), 3.5 / 4),
    ("cases with equal scores", "roc.roc_curve"): lambda: (
        roc.roc_curve(*TIED).true_positive_rate,
        [0, 0.5, 1, 1],
    ),
    ("cases with equal scores", "precision_recall.precision_recall_curve"): lambda: (
        precision_recall.precision_recall_curve(*TIED).precision,
        [1, 2 / 3, 1 / 2],
    ),
    ("cases with equal scores", "operating.confusion"): lambda: (
        vars(operating.confusion(*TIED, 0.4)),
        {"tp": 2, "fp": 1, "fn": 0, "tn": 1},
    ),
    ("a score equal to the threshold", "operating.confusion"): lambda: (
        operating.confusion([1], [0.5], 0.5),
        Confusion(1, 0, 0, 0),
    ),
    ("a score equal to the threshold", "averages.confusion_by_label"): lambda: (
        averages.confusion_by_label([[1]], [[0.5]], 0.5),
        [Confusion(1, 0, 0, 0)],
    ),
    ("thresholds of equal merit", "operating.youden_threshold"): lambda: (
        operating.youden_threshold(*FLIP),
        0.4,
    ),
    # F1 is 4/6 at 0.9 (1 of 2 found, no alarm is 2/3) and 2/3 at 0.1 (both found, 2 alarms).
    ("thresholds of equal merit", "operating.f1_threshold"): lambda: (
        operating.f1_threshold([1, 0, 0, 1], [0.9, 0.5, 0.4, 0.1]),
        0.9,
    ),
    ("thresholds of equal merit", "operating.sensitivity_threshold"): lambda: (
        operating.sensitivity_threshold([1, 0, 0, 0], [0.9, 0.5, 0.4, 0.1], 0.8),
        0.9,
    ),
    ("thresholds of equal merit", "operating.cost_threshold"): lambda: (
        operating.cost_threshold(*FLIP, cost_of_miss=1, prevalence=0.5),
        0.4,
    ),
    ("no score is high enough", "operating.specificity_threshold"): lambda: (
        operating.specificity_threshold([0, 1], [0.9, 0.1], 0.8),
        np.inf,
    ),
    ("no score is high enough", "operating.cost_threshold"): lambda: (
        operating.cost_threshold([0, 1], [0.9, 0.1], cost_of_miss=1, prevalence=0.01),
        np.inf,
    ),
    ("all scores equal", "roc.auc"): lambda: (roc.auc(*SAME), 0.5),
    ("all scores equal", "precision_recall.average_precision"): lambda: (
        precision_recall.average_precision(*SAME),
        0.25,
    ),
    ("all scores equal", "delong.delong"): lambda: list(delong.delong(*SAME).interval),
    ("equal probabilities in bins of equal mass", "calibration.reliability"): lambda: (
        len(calibration.reliability(*SAME, by="mass")),
        1,
    ),
    ("a share of nothing (0 of 0)", "rates.value"): lambda: [
        row.value(NOTHING) for row in rates.RATES
    ],
    ("a share of nothing (0 of 0)", "rates.f_beta"): lambda: rates.f_beta(NOTHING, 2),
    ("a share of nothing (0 of 0)", "rate_intervals.rate_interval"): lambda: [
        x for row in rates.RATES for x in rate_intervals.rate_interval(NOTHING, row.symbol)
    ],
    ("a share of nothing (0 of 0)", "prevalence.ppv_at"): lambda: prevalence.ppv_at(0, 0.5, 1),
    ("a share of nothing (0 of 0)", "prevalence.npv_at"): lambda: prevalence.npv_at(1, 1, 0.5),
    ("a share of nothing (0 of 0)", "agreement.specific_agreement"): lambda: (
        agreement.specific_agreement([[0, 0], [0, 5]])[0]
    ),
    ("a ratio of something to nothing", "rates.value"): lambda: (
        [rates.value(PERFECT, "LR+"), rates.value(PERFECT, "DOR")],
        [np.inf, np.inf],
    ),
    ("an empty cell", "rate_intervals.rate_interval"): lambda: (
        [rate_intervals.rate_interval(PERFECT, rate).high for rate in ("LR+", "DOR")]
        + [rate_intervals.rate_interval(PERFECT, "LR-").low],
        [np.inf, np.inf, 0],
    ),
    ("a class that never occurs", "averages.average"): lambda: (
        averages.average([PERFECT, EMPTY], "recall", "macro"),
        (1.0, 1, 1),
    ),
    ("truth or calls all of one class", "averages.multiclass_mcc"): lambda: averages.multiclass_mcc(
        ONE_CALL
    ),
    ("an empty bin", "calibration.reliability"): lambda: (
        len(calibration.reliability([0, 1], [0.05, 0.95], bins=10)),
        2,
    ),
    ("an empty bin", "calibration.calibration_error"): lambda: (
        calibration.calibration_error([0, 1], [0.05, 0.95], bins=10),
        calibration.calibration_error([0, 1], [0.05, 0.95], bins=2),
    ),
    ("0 of n, or n of n", "intervals.wilson"): lambda: (intervals.wilson(0, 9).high > 0.2, True),
    ("0 of n, or n of n", "intervals.clopper_pearson"): lambda: (
        intervals.clopper_pearson(9, 9).low < 0.8,
        True,
    ),
    ("perfect separation", "delong.delong"): lambda: list(
        delong.delong([0, 0, 1], [1, 2, 3]).interval
    ),
    ("perfect separation", "intervals.bootstrap"): lambda: intervals.bootstrap(
        roc.auc, np.repeat([0, 1], 10), np.arange(20.0), rounds=50
    ),
    ("perfect separation", "rate_intervals.rate_interval"): lambda: rate_intervals.rate_interval(
        PERFECT, "MCC"
    ),
    ("perfect agreement", "agreement.kappa_of_table"): lambda: (
        agreement.kappa_of_table([[4, 0], [0, 4]]).interval
    ),
    ("statistic undefined in most resamples", "intervals.bootstrap"): lambda: intervals.bootstrap(
        roc.auc, [1, 1, 1, 1], [1, 2, 3, 4], rounds=50
    ),
    ("statistic undefined in some resamples", "intervals.bootstrap"): lambda: (
        bool(np.isfinite(intervals.bootstrap(roc.auc, TRUTH[:5], SCORE[:5], rounds=200)).all()),
        True,
    ),
    ("all ratings in one category", "agreement.cohen_kappa"): lambda: (
        agreement.cohen_kappa([1, 1], [1, 1]).value
    ),
    ("all ratings in one category", "agreement.kappa_of_table"): lambda: (
        agreement.kappa_of_table([[4, 0], [0, 0]]).value
    ),
    ("all ratings in one category", "agreement.fleiss_kappa"): lambda: (
        agreement.fleiss_kappa([[3, 0], [3, 0]]).value
    ),
    ("a missing rating", "agreement.cohen_kappa"): lambda: agreement.cohen_kappa([1, NAN], [1, 0]),
    ("a missing rating", "agreement.fleiss_kappa"): lambda: agreement.fleiss_kappa(
        [[3, 0], [2, 0]]
    ),
    ("a missing rating", "intraclass.icc"): lambda: intraclass.icc([[1, NAN], [2, 3]], "2,1"),
    ("a missing rating", "intraclass.icc_table"): lambda: intraclass.icc_table([[1, NAN], [2, 3]]),
    ("a missing rating", "measurement.bland_altman"): lambda: measurement.bland_altman(
        [1, NAN, 3], [1, 2, 3]
    ),
    ("a missing rating", "measurement.trueness_and_precision"): lambda: (
        measurement.trueness_and_precision([1, NAN], 1)
    ),
    ("a missing rating", "measurement.repeatability"): lambda: measurement.repeatability(
        [[1, NAN], [2, 3]]
    ),
    ("all measurements equal", "intraclass.icc"): lambda: [
        intraclass.icc(np.ones((4, 3)), form).value for form in intraclass.FORMS
    ],
}


MODULES = (
    "roc", "operating", "intervals", "rates", "rate_intervals", "prevalence", "precision_recall",
    "calibration", "agreement", "averages", "intraclass", "measurement", "by_label",
)  # fmt: skip
CELLS = [
    (row, function)
    for row in policy.ROWS
    for function in row.functions
    if function.split(".")[0] in MODULES or (row.case, function) in EXAMPLES
]


@pytest.mark.parametrize(
    ("row", "function"), CELLS, ids=lambda x: x.case if isinstance(x, policy.Row) else x
)
def test_the_table_is_obeyed(row, function, obeys):
    obeys(row, EXAMPLES[row.case, function])


def test_a_case_has_one_outcome_per_function():
    cells = [(row.case, function) for row in policy.ROWS for function in row.functions]
    assert len(cells) == len(set(cells))


def test_every_named_function_exists():
    for row in policy.ROWS:
        for function in row.functions:
            module, name = function.split(".")
            assert callable(getattr(import_module(f"course_lib.evaluation.{module}"), name))


# Cannot meet these cases: they make data, look up, draw tables, or only pass on to one above.
EXEMPT = {
    "intervals.percentile_interval", "intervals.normal_quantile", "rates.find",
    "rate_intervals.rates_table", "prevalence.after_test", "prevalence.predictive_intervals_at",
    "agreement.agreement_weights", "averages.confusion_matrix", "averages.one_against_rest",
    "intraclass.mean_squares",
}  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_no_function_was_forgotten(module):
    """Whoever adds a measure decides what it does at the edges."""
    file = Path(inspect.getfile(package)).with_name(f"{module}.py")
    public = {
        f"{module}.{node.name}"
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    named = {function for row in policy.ROWS for function in row.functions}
    assert public <= named | EXEMPT, f"no row names {sorted(public - named - EXEMPT)}"


def test_the_table_can_be_read():
    table = policy.policy_table()
    assert len(table) == len(policy.ROWS)
    assert set(policy.policy_table("delong.delong")["outcome"]) == {"error", "NaN", "left out"}

"""The policy table, second half: comparisons, reader studies and masks obey their rows too."""

import ast
import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest

import course_lib.evaluation as package
from course_lib.evaluation import (
    area_variance,
    delong,
    hanley_mcneil,
    mcnemar,
    multi_reader,
    overlap,
    policy,
    surface_distance,
)

NAN = float("nan")
EMPTY, FULL = np.zeros((6, 6, 6)), np.pad(np.ones((2, 2, 2)), 2)
MM = (1.0, 1.0, 1.0)
READINGS = np.random.default_rng(0).normal(size=(2, 3, 6))
MASK_CALLS = {
    "overlap.overlap": lambda a, b: overlap.overlap(a, b).dice,
    "surface_distance.surface_distances": lambda a, b: surface_numbers(a, b),
    "surface_distance.hausdorff": lambda a, b: surface_distance.hausdorff(a, b, MM),
    "surface_distance.hausdorff_percentile": lambda a, b: [
        surface_distance.hausdorff_percentile(a, b, MM, convention=name)
        for name in surface_distance.CONVENTIONS
    ],
}


def surface_numbers(first, second):
    found = surface_distance.surface_distances(first, second, MM)
    return [found.hausdorff, found.assd, found.surface_dice(1.0)]


def one_class():
    """An AUC of a set with one class only, and a proper one."""
    return delong.delong([1, 1], [0.1, 0.2]), delong.delong([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])


def masks(case, first, second):
    return {
        (case, name): (lambda call=call: call(first, second)) for name, call in MASK_CALLS.items()
    }


def both_ways(call, expected):
    """With an empty prediction and with an empty reference."""
    return lambda: ([call(FULL, EMPTY), call(EMPTY, FULL)], [expected, expected])


EXAMPLES = {
    ("one class only", "delong.compare_unpaired"): lambda: delong.compare_unpaired(*one_class()),
    ("one class only", "hanley_mcneil.hanley_mcneil_error"): lambda: (
        hanley_mcneil.hanley_mcneil_error(0.8, 10, 0)
    ),
    ("one class only", "hanley_mcneil.compare_hanley_mcneil"): lambda: (
        hanley_mcneil.compare_hanley_mcneil([1, 1], [0.1, 0.2], [0.3, 0.1])
    ),
    ("one class only", "multi_reader.reader_study"): lambda: multi_reader.reader_study(
        [1] * 6, READINGS
    ),
    ("a truth or call that is not 0/1", "mcnemar.mcnemar_of_calls"): lambda: (
        mcnemar.mcnemar_of_calls([0, 1], [0.2, 0.9], [0, 1])
    ),
    ("a truth or call that is not 0/1", "multi_reader.reader_study"): lambda: (
        multi_reader.reader_study([0, 1, 2, 0, 1, 1], READINGS)
    ),
    ("both rank all cases alike", "delong.compare_aucs"): lambda: (
        [getattr(same_order(), name) for name in ("difference", "z", "p_value")],
        [0, 0, 1],
    ),
    ("no case on which they differ", "mcnemar.mcnemar"): lambda: [
        getattr(mcnemar.mcnemar(0, 0), name) for name in ("plain", "corrected", "exact", "mid")
    ],
    ("an AUC of 0 or 1", "hanley_mcneil.PublishedAuc"): lambda: [
        *hanley_mcneil.PublishedAuc(1.0, 10, 10).interval(),
        *hanley_mcneil.PublishedAuc(0.0, 10, 10).interval(),
    ],
    ("an AUC of 0 or 1", "area_variance.separation"): lambda: area_variance.separation(1.0),
    **masks("masks of unequal shape", FULL, FULL[:5]),
    **masks("a mask with other values than 0 and 1", FULL, 2 * FULL),
    **masks("both masks empty", EMPTY, EMPTY),
    ("one mask empty", "overlap.overlap"): both_ways(MASK_CALLS["overlap.overlap"], 0),
    ("one mask empty", "surface_distance.surface_distances"): both_ways(
        surface_numbers, [np.inf, np.inf, 0]
    ),
    ("one mask empty", "surface_distance.hausdorff"): both_ways(
        MASK_CALLS["surface_distance.hausdorff"], np.inf
    ),
    ("one mask empty", "surface_distance.hausdorff_percentile"): both_ways(
        MASK_CALLS["surface_distance.hausdorff_percentile"], [np.inf] * 3
    ),
    ("undefined or infinite cases in a mean", "overlap.summarise"): lambda: (
        list(vars(overlap.summarise([1.0, 3.0, NAN, np.inf])).values()),
        [np.inf, 3.0, 4, 1, 1],
    ),
}


def same_order():
    return delong.compare_aucs([0, 1, 0, 1], [1, 2, 3, 4], [10, 20, 30, 40])


@pytest.mark.parametrize(
    ("row", "function"),
    [(row, name) for row in policy.ROWS for name in row.functions if (row.case, name) in EXAMPLES],
    ids=lambda x: x.case if isinstance(x, policy.Row) else x,
)
def test_the_table_is_obeyed_by_comparisons_and_masks(row, function, obeys):
    obeys(row, EXAMPLES[row.case, function])


# They take counts or areas that were checked above, or plan a study; each refuses nonsense itself.
EXEMPT = {
    "delong.placements", "delong.areas_and_covariance", "delong.in_errors",
    "hanley_mcneil.error_from_interval",
    "hanley_mcneil.compare_published", "hanley_mcneil.area_correlation", "overlap.as_masks",
    "overlap.checked_spacing", "area_variance.area_variance", "area_variance.area_covariance",
}  # fmt: skip
MODULES = (
    "delong", "hanley_mcneil", "mcnemar", "multi_reader", "overlap", "surface_distance",
    "area_variance",
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_has_a_row_or_a_reason(module):
    file = Path(inspect.getfile(package)).with_name(f"{module}.py")
    public = {
        f"{module}.{node.name}"
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    named = {function for row in policy.ROWS for function in row.functions}
    assert public <= named | EXEMPT, f"no row names {sorted(public - named - EXEMPT)}"


def test_no_row_lacks_an_example():
    """A row that neither file of examples covers would be an empty promise."""
    file = Path(__file__).with_name("test_policy.py")
    spec = importlib.util.spec_from_file_location("first_half", file)
    first_half = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(first_half)
    covered = {*EXAMPLES, *first_half.EXAMPLES}
    promised = {(row.case, name) for row in policy.ROWS for name in row.functions}
    assert promised <= covered, f"no example: {sorted(promised - covered)}"

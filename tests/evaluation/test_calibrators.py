"""Calibrators undo what was done to the logits, and refuse what cannot be fitted."""

import numpy as np
import pytest

from course_lib.evaluation.calibration_classes import (
    classwise_errors,
    confidence_error,
)
from course_lib.evaluation.calibration_inputs import softmax
from course_lib.evaluation.calibration_scores import log_loss
from course_lib.evaluation.calibration_uncertainty import drawn_classes
from course_lib.evaluation.calibrators import TemperatureScaling, VectorScaling, with_prior
from course_lib.evaluation.calibrators_one_class import (
    IsotonicCalibration,
    PlattScaling,
    log_odds,
)

ALL = (TemperatureScaling, VectorScaling, PlattScaling, IsotonicCalibration)


def overheated(n, seed, temperature=2.5):
    """Logits of a network that is too sure by this factor, and classes from the honest softmax."""
    random = np.random.default_rng(seed)
    z = random.normal(size=(n, 4)) * 1.2
    return temperature * z, drawn_classes(softmax(z), random)


def test_the_temperature_is_found_again_and_mends_the_error():
    z, y = overheated(20_000, 0)
    fitted = TemperatureScaling.fit(z, y)
    assert fitted.temperature == pytest.approx(2.5, rel=0.03)
    fresh, truth = overheated(20_000, 1)
    assert confidence_error(truth, softmax(fresh)) > 0.2
    assert confidence_error(truth, fitted.probability(fresh)) < 0.015


def test_at_the_best_temperature_expected_and_true_logit_agree():
    z, y = overheated(500, 2)
    p = TemperatureScaling.fit(z, y).probability(z)
    assert (p * z).sum(1).mean() == pytest.approx(z[np.arange(500), y].mean(), abs=1e-7)


def test_no_other_temperature_has_a_smaller_log_loss():
    z, y = overheated(500, 3)
    best = TemperatureScaling.fit(z, y).temperature
    losses = [log_loss(y, softmax(z / t)) for t in (0.9 * best, best, 1.1 * best)]
    assert losses[1] < min(losses[0], losses[2])


def test_temperature_changes_no_answer_and_adding_a_constant_changes_nothing():
    z, y = overheated(300, 4)
    fitted = TemperatureScaling.fit(z, y)
    assert np.array_equal(np.argsort(fitted.probability(z), 1), np.argsort(z, 1))
    moved = z + np.arange(300)[:, None]
    assert TemperatureScaling.fit(moved, y).temperature == pytest.approx(fitted.temperature)


def test_vector_scaling_finds_a_wrong_prevalence():
    random = np.random.default_rng(5)
    z = random.normal(size=(20_000, 3))
    y = drawn_classes(softmax(z), random)
    offset = np.array([1.0, 0.0, -1.0])
    fitted = VectorScaling.fit(z + offset, y, ridge=0)
    assert fitted.weight == pytest.approx([1, 1, 1], abs=0.1)
    assert fitted.offset - fitted.offset.mean() == pytest.approx(-offset, abs=0.1)
    one_number = TemperatureScaling.fit(z + offset, y)
    assert log_loss(y, fitted.probability(z + offset)) < log_loss(
        y, one_number.probability(z + offset)
    )


def test_log_odds_are_those_of_the_softmax_without_its_rounding():
    z = np.array([[1.0, 0.0, -1.0], [0.0, 3.0, 0.5]])
    p = softmax(z)
    assert log_odds(z) == pytest.approx(np.log(p / (1 - p)))
    assert log_odds([[800.0, 0.0]]) == pytest.approx(np.array([[800.0, -800.0]]))


@pytest.mark.parametrize("kind", ALL)
def test_all_mend_fresh_films_and_give_distributions(kind):
    fitted = kind.fit(*overheated(3000, 6))
    fresh, truth = overheated(3000, 7)
    p = fitted.probability(fresh)
    assert p.shape == fresh.shape
    assert p.sum(1) == pytest.approx(np.ones(3000))
    assert confidence_error(truth, p) < 0.4 * confidence_error(truth, softmax(fresh))
    assert classwise_errors(truth, p).mean() < 0.4 * classwise_errors(truth, softmax(fresh)).mean()
    assert log_loss(truth, p) < 0.8 * log_loss(truth, softmax(fresh))


def test_isotonic_without_a_floor_is_certain_and_pays_for_it():
    z, y = overheated(60, 8)
    fresh, truth = overheated(3000, 9)
    assert log_loss(truth, IsotonicCalibration.fit(z, y, floor=0).probability(fresh)) == np.inf
    assert np.isfinite(log_loss(truth, IsotonicCalibration.fit(z, y).probability(fresh)))


def test_platt_stays_finite_where_a_threshold_parts_the_classes():
    z = np.array([[4.0, -4.0], [3.0, -3.0], [-3.0, 3.0], [-4.0, 4.0]])
    p = PlattScaling.fit(z, [0, 0, 1, 1]).probability(z)
    assert 0.6 < p[0, 0] < 0.99


def test_a_known_change_of_prevalence_is_put_right_exactly():
    """Two classes on a line with unit variance: the posterior is known for any prevalence."""
    x = np.linspace(-3, 4, 50)

    def posterior(share):
        odds = share / (1 - share) * np.exp(x - 0.5)
        return np.stack([1 / (1 + odds), odds / (1 + odds)], 1)

    corrected = with_prior(posterior(0.2), [0.8, 0.2], [0.4, 0.6])
    assert corrected == pytest.approx(posterior(0.6), abs=1e-12)


def test_what_cannot_be_fitted_is_refused_in_one_sentence():
    z, y = overheated(40, 0)
    with pytest.raises(ValueError, match="some mistakes"):
        TemperatureScaling.fit(z, z.argmax(1))
    with pytest.raises(ValueError, match="no better than guessing"):
        TemperatureScaling.fit(z, z.argmin(1))
    for kind in (PlattScaling, IsotonicCalibration):
        with pytest.raises(ValueError, match="No validation film shows class 3"):
            kind.fit(z, np.minimum(y, 2))
    for kind in ALL:
        with pytest.raises(ValueError, match="one per case"):
            kind.fit(z, y[:5])
        with pytest.raises(ValueError, match="NaN"):
            kind.fit(np.full_like(z, np.nan), y)
    for kind in (VectorScaling, IsotonicCalibration):
        with pytest.raises(ValueError, match="Fitted for 4 classes"):
            kind.fit(z, np.r_[0:4, y[4:]]).probability(z[:, :3])
    with pytest.raises(ValueError, match="above 0"):
        TemperatureScaling(0.0)
    with pytest.raises(ValueError, match="floor"):
        IsotonicCalibration.fit(z, np.r_[0:4, y[4:]], floor=0.5)
    with pytest.raises(ValueError, match="ridge"):
        VectorScaling.fit(z, y, ridge=-1)
    with pytest.raises(ValueError, match="sum to 1"):
        with_prior([[0.5, 0.5]], [0.5, 0.5], [0.5, 0.6])
    with pytest.raises(ValueError, match="never occurred"):
        with_prior([[0.5, 0.5]], [1.0, 0.0], [0.5, 0.5])

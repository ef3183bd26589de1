"""The three steps: which generated films are kept, what is compared, what is refused."""

import numpy as np
import pytest
import torch

from course_lib.data.gan_films import SIZE, gan_cohort
from course_lib.data.split import PatientLeakage
from course_lib.evaluation.hanley_mcneil import PublishedAuc, compare_published
from course_lib.evaluation.published import published
from course_lib.generative.augmentation_study import SHIFTS_AND_FLIPS
from course_lib.generative.fidelity import (
    Reading,
    comparisons,
    pseudo_labels,
    synthetic_films,
    three_steps,
)
from course_lib.generative.normal_or_abnormal import (
    ClassifierSettings,
    LabelledFilms,
    RealFilms,
    checked_films,
    likelihood,
    real_films,
)
from course_lib.learning.plan import Plan
from course_lib.models.counting import count_parameters
from course_lib.models.resnet import resnet

FAST = ClassifierSettings(plan=Plan(epochs=8, batch_size=16, learning_rate=4e-3))


def square_films(n: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Grey films with dark lungs; the abnormal half has a bright square low on the right."""
    random = np.random.default_rng(seed)
    films = torch.from_numpy(random.normal(0.5, 0.05, (n, 1, SIZE, SIZE)).astype(np.float32))
    films[:, :, 14:42, 12:26] -= 0.3
    films[:, :, 14:42, 38:52] -= 0.3
    abnormal = random.random(n) < 0.5
    films[torch.from_numpy(abnormal), :, 44:54, 40:54] += 0.4
    return films.clamp(0, 1), abnormal


def labelled(n: int, seed: int) -> LabelledFilms:
    return LabelledFilms(*square_films(n, seed))


def make(n: int, seed: int) -> torch.Tensor:
    return square_films(n, seed)[0]


def by_square(films: torch.Tensor) -> np.ndarray:
    """A labeller that knows: 0.9 where the square is bright, 0.1 elsewhere."""
    bright = films[:, 0, 44:54, 40:54].mean((1, 2)).numpy()
    return np.where(bright > 0.7, 0.9, 0.1)


def test_pseudo_labels_above_and_below_the_thresholds_never_at_them():
    labels = pseudo_labels([0.0, 0.29, 0.3, 0.5, 0.7, 0.71, 1.0])
    assert labels.tolist() == [0, 0, -1, -1, -1, 1, 1]
    assert pseudo_labels([0.2, 0.5, 0.8], 0.5, 0.5).tolist() == [0, -1, 1]


@pytest.mark.parametrize(
    ("scores", "low", "high", "words"),
    [
        ([0.5], 0.7, 0.3, "must rise"),
        ([1.5], 0.3, 0.7, "sigmoid"),
        ([np.nan], 0.3, 0.7, "sigmoid"),
        ([0.5], -0.1, 0.7, "within 0..1"),
    ],
)
def test_impossible_likelihoods_and_thresholds_are_refused(scores, low, high, words):
    with pytest.raises(ValueError, match=words):
        pseudo_labels(scores, low, high)


def test_as_many_of_each_kind_as_asked_for_and_the_same_again():
    first = synthetic_films(make, by_square, 20, 30, seed=4, batch=16)
    again = synthetic_films(make, by_square, 20, 30, seed=4, batch=16)
    assert (int((~first.abnormal).sum()), int(first.abnormal.sum())) == (20, 30)
    assert torch.equal(first.films, again.films)
    assert np.array_equal(by_square(first.films) > 0.5, first.abnormal)
    assert first.made >= 50 and first.undecided == 0
    other = synthetic_films(make, by_square, 20, 30, seed=5, batch=16)
    assert not torch.equal(first.films, other.films)


def test_undecided_films_are_counted_and_thrown_away():
    def unsure(films):
        score = by_square(films)
        score[::2] = 0.5
        return score

    kept = synthetic_films(make, unsure, 10, 10, seed=1, batch=20)
    assert kept.undecided == kept.made / 2
    assert not np.isin(kept.score, 0.5).any()


def test_a_generator_that_draws_only_healthy_patients_is_named():
    with pytest.raises(ValueError, match="only .* as normal and 0 as abnormal; 5 and 5"):
        synthetic_films(make, lambda films: np.full(len(films), 0.1), 5, 5, 0, most=40, batch=20)


def test_a_faithful_generator_passes_the_three_steps():
    real = RealFilms(labelled(96, 1), labelled(48, 2), labelled(80, 3))
    result = three_steps(real, make, FAST)
    table = result.summary()
    assert (table["auc"] > 0.95).all(), "squares are easy"
    assert len(result.synthetic_on_synthetic.truth) == 80
    assert result.synthetic_on_synthetic.truth.sum() == real.test.abnormal.sum()
    assert np.array_equal(result.synthetic_on_real.truth, result.real_on_real.truth)
    assert not torch.equal(result.classifier_real.fc.weight, result.classifier_synthetic.fc.weight)


def test_the_confusion_matrix_has_the_form_and_totals_of_the_thesis():
    truth = np.repeat([False, False, True, True], [1264, 157, 128, 1504])
    score = np.repeat([0.1, 0.9, 0.1, 0.9], [1264, 157, 128, 1504])
    table = Reading(truth, score).table()
    printed = published("gan_table4").pivot_table(
        index="predicted", columns="reference", values="count"
    )
    order = ["normal", "abnormal", "total"]
    assert (table.loc[order, order].to_numpy() == printed.loc[order, order].to_numpy()).all()


def test_rates_come_with_their_intervals():
    truth = np.repeat([False, True], [50, 50])
    score = np.concatenate([np.linspace(0, 0.6, 50), np.linspace(0.4, 1, 50)])
    row = Reading(truth, score).row()
    for name in ("auc", "sensitivity", "specificity"):
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_pairing_sees_what_two_independent_areas_hide():
    random = np.random.default_rng(2)
    truth = np.repeat([0, 1], 150)
    film = random.normal(size=300) + 1.6 * truth
    first, second = film + 0.3 * random.normal(size=300), film + 0.8 * random.normal(size=300)
    table = comparisons(truth, first, second)
    assert table["difference"].std() < 1e-12
    paired, also, alone = table["standard_error"]
    assert paired < alone and also < alone
    assert abs(paired - also) < 0.25 * paired


def test_the_thesis_difference_is_far_from_chance_and_would_hide_in_twenty_films():
    def p(each):
        real, synthetic = (PublishedAuc(a, each, each) for a in (0.9830, 0.8810))
        return compare_published(real, synthetic).p_value

    assert p(1500) < 1e-20
    assert p(10) > 0.05


def test_real_films_are_cut_in_order_and_a_patient_on_both_sides_is_refused():
    films = gan_cohort("study", 10)
    parts = real_films(films)
    assert [len(part.films) for part in parts] == [6, 2, 2]
    returning = gan_cohort("study", 10, studies_per_patient=3.0)
    with pytest.raises(PatientLeakage):
        real_films(returning)


def test_the_paper_preset_is_resnet50_with_one_output():
    with torch.device("meta"):
        model = resnet("paper", 1)
    assert count_parameters(model) == 23_508_032 - 6_272 + 2_049  # one grey channel, one output
    assert model.layer3 is not None and len(model.layer3) == 6


def test_views_repeat_films_and_augmentation_depends_on_the_epoch_only():
    films, abnormal = square_films(5, 0)
    few = LabelledFilms(films, abnormal, views=12)
    assert len(few) == 12 and torch.equal(few[1]["image"], few[6]["image"])
    moving = LabelledFilms(films, abnormal, SHIFTS_AND_FLIPS, seed=3, views=12)
    before = moving[1]["image"]
    assert torch.equal(before, moving[1]["image"]) and not torch.equal(before, moving[6]["image"])
    moving.set_epoch(1)
    assert not torch.equal(before, moving[1]["image"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda films: films[:, 0], "shape"),
        (lambda films: films[:0], "shape"),
        (lambda films: films * 2 - 1, "0..1"),
        (lambda films: films * float("nan"), "NaN"),
        (lambda films: 1 - films, "inverted"),
    ],
)
def test_impossible_films_are_refused(change, words):
    films, _ = square_films(4, 0)
    with pytest.raises(ValueError, match=words):
        checked_films(change(films))


def test_bytes_are_films_too_and_labels_must_fit():
    films, abnormal = square_films(4, 0)
    assert checked_films((films * 255).round().to(torch.uint8)).max() <= 1
    with pytest.raises(ValueError, match="4 films need 4 labels"):
        LabelledFilms(films, abnormal[:3])
    with pytest.raises(ValueError, match="leave undecided"):
        LabelledFilms(films, [0, 1, -1, 0])


def test_a_network_with_six_answers_is_no_classifier_of_one_question():
    with pytest.raises(ValueError, match="one question"):
        likelihood(resnet("laptop", 6).eval(), square_films(2, 0)[0])

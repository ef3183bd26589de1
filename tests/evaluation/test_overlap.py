"""Overlap of two masks: figures by hand, identities, and the empty masks."""

import numpy as np
import pytest

from course_lib.evaluation.overlap import overlap, summarise

EMPTY = np.zeros((4, 5, 6), dtype=bool)
BLOCK = EMPTY.copy()
BLOCK[1:3, 1:3, 1:3] = True  # 8 voxels


def shifted(by):
    return np.roll(BLOCK, by, axis=2)


def test_a_block_shifted_by_one_voxel():
    """8 voxels each, 4 shared: Dice 4/8, Jaccard 4/12."""
    found = overlap(BLOCK, shifted(1))
    assert (found.both, found.only_reference, found.only_predicted) == (4, 4, 4)
    assert found.dice == 0.5
    assert found.jaccard == pytest.approx(1 / 3)
    assert found.sensitivity == found.precision == 0.5
    assert found.volume_similarity == 1, "equal volumes, wherever they lie"
    assert found.volume_difference == 0


def test_dice_and_jaccard_tell_the_same():
    random = np.random.default_rng(1)
    for _ in range(5):
        one, two = random.random((2, 10, 10)) < 0.4
        found = overlap(one, two)
        assert found.jaccard == pytest.approx(found.dice / (2 - found.dice))
        harmonic = 2 / (1 / found.sensitivity + 1 / found.precision)
        assert found.dice == pytest.approx(harmonic)


def test_spacing_turns_voxels_into_volume():
    found = overlap(BLOCK, BLOCK & shifted(1), spacing_mm=(2.5, 1.0, 0.5))
    assert found.reference == 8 * 1.25
    assert found.volume_difference == -4 * 1.25
    assert found.volume_similarity == pytest.approx(1 - 4 / 12)


def test_missed_and_invented_count_as_zero_and_both_empty_is_undefined():
    missed, invented = overlap(BLOCK, EMPTY), overlap(EMPTY, BLOCK)
    assert missed.dice == missed.jaccard == missed.sensitivity == 0
    assert np.isnan(missed.precision)
    assert invented.dice == invented.jaccard == invented.precision == 0
    assert np.isnan(invented.sensitivity)
    assert missed.volume_similarity == invented.volume_similarity == 0
    nothing = overlap(EMPTY, EMPTY)
    shares = (nothing.dice, nothing.jaccard, nothing.sensitivity, nothing.precision)
    assert np.isnan([*shares, nothing.volume_similarity]).all()
    assert nothing.volume_difference == 0


def test_a_summary_drops_nothing_in_silence():
    found = summarise([0.9, 0.7, np.nan, 0.8])
    assert (found.mean, found.cases, found.undefined) == (pytest.approx(0.8), 4, 1)
    distances = summarise([2.0, np.inf, 4.0])
    assert distances.mean == np.inf
    assert (distances.median, distances.infinite) == (4.0, 1)
    punished = summarise([2.0, np.inf, 4.0], for_missed=300.0)
    assert (punished.mean, punished.infinite) == (102.0, 1)
    nothing = summarise([np.nan, np.nan])
    assert np.isnan(nothing.mean)
    assert (nothing.cases, nothing.undefined) == (2, 2)
    assert "1 undefined" in str(found)


@pytest.mark.parametrize(
    ("masks", "spacing", "word"),
    [
        ((BLOCK, BLOCK[1:]), None, "resample"),
        ((BLOCK * 3, BLOCK), None, "label map"),
        ((BLOCK, BLOCK), (1.0, 1.0), "3 positive spacings"),
        ((BLOCK, BLOCK), (1.0, 1.0, 0.0), "3 positive spacings"),
    ],
)
def test_misuse_is_named(masks, spacing, word):
    with pytest.raises(ValueError, match=word):
        overlap(*masks, spacing)

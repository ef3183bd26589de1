"""A tree of diseases: cut without loss, summed upwards, never downwards."""

import numpy as np
import pytest

from course_lib.data.skin import diseases, lesion, lesions, long_tail, skin_tree, typical
from course_lib.data.taxonomy import (
    class_of,
    descendants,
    partition,
    steps_apart,
    summed,
    tree_of,
)

BRANCHES = {"a": {"a1": {}, "a2": {}}, "b": {"b1": {}, "b2": {}, "b3": {}}}
COUNTS = {"a1": 900, "a2": 60, "b": 40, "b1": 5, "b2": 3, "b3": 2}
TREE = tree_of("root", BRANCHES, COUNTS)


def names(classes):
    return [one.name for one in classes]


def test_small_relatives_are_merged_and_large_ones_split():
    assert names(partition(TREE, 100)) == ["a1", "a2", "b"]
    assert names(partition(TREE, 2000)) == ["root"]


@pytest.mark.parametrize("most", [1, 3, 10, 45, 60, 100, 900, 901, 5000])
def test_no_picture_is_lost_and_none_counts_twice(most):
    classes = partition(TREE, most)
    assert sum(one.total for one in classes) == TREE.total
    assert len(set(names(classes))) == len(classes)
    for one in classes:
        assert one.total < most or not one.children


def test_as_printed_large_leaves_and_inner_pictures_vanish():
    assert names(partition(TREE, 100, as_printed=True)) == ["a2", "b"]
    classes = partition(TREE, 20, as_printed=True)
    assert names(classes) == ["b1", "b2", "b3"], "the 40 pictures labelled b itself are gone"


def test_probabilities_are_summed_at_every_level():
    classes = partition(TREE, 50)
    assert names(classes) == ["a1", "a2", "b", "b1", "b2", "b3"]
    fine = np.random.default_rng(0).dirichlet(np.ones(6), size=20)
    coarse = summed(fine, TREE, classes, ["a", "b"])
    assert np.allclose(coarse.sum(1), 1) and np.allclose(coarse[:, 0], fine[:, :2].sum(1))
    assert np.allclose(summed(fine, TREE, classes, ["root"])[:, 0], 1)
    assert descendants(TREE, "b", classes) == [2, 3, 4, 5]
    with pytest.raises(ValueError, match="do not fit 6 classes"):
        summed(fine[:, :5], TREE, classes, ["a"])


def test_what_was_merged_cannot_be_told_apart():
    classes = partition(TREE, 100)
    with pytest.raises(ValueError, match="at or below 'b2'"):
        summed(np.ones((1, 3)) / 3, TREE, classes, ["b2"])
    assert class_of(classes, "b2") == 2 and class_of(classes, "stranger") is None


def test_paths_and_steps():
    assert TREE.path("b2") == ("root", "b", "b2") and steps_apart(TREE, "b2", "b3") == 2
    assert steps_apart(TREE, "a1", "b3") == 4 and steps_apart(TREE, "a1", "a1") == 0
    with pytest.raises(ValueError, match="no 'c'"):
        TREE.find("c")
    with pytest.raises(ValueError, match="no 'c'"):
        TREE.path("c")


def test_a_name_twice_and_an_empty_class_are_refused():
    with pytest.raises(ValueError, match="'x' occurs twice"):
        tree_of("root", {"a": {"x": {}}, "b": {"x": {}}})
    with pytest.raises(ValueError, match="not 0"):
        partition(TREE, 0)
    assert partition(tree_of("root", BRANCHES), 10) == [], "no pictures, no classes"


def test_drawn_lesions_are_reproducible_and_relatives_look_alike():
    picture = lesion("wart", 5)
    assert picture.shape == (3, 48, 48) and picture.dtype == np.float32
    assert np.array_equal(picture, lesion("wart", 5)) and not np.array_equal(
        picture, lesion("wart", 6)
    )
    tree, every = skin_tree(), diseases()
    assert len(every) == 28 == len(set(every))
    apart = {
        steps: np.mean([
            np.abs(typical(a) - typical(b)).sum()
            for a in every for b in every if a != b and steps_apart(tree, a, b) == steps
        ])
        for steps in (2, 4, 6)
    }  # fmt: skip
    assert apart[2] < apart[4] < apart[6]
    with pytest.raises(ValueError, match="no disease 'flu'"):
        typical("flu")


def test_numbers_fall_steadily_and_pictures_follow_them():
    counts = long_tail(300, ratio=20)
    assert sorted(counts.values(), reverse=True) == list(counts.values())
    assert set(counts) == set(diseases()) and abs(sum(counts.values()) - 300) < 15
    pictures, labels = lesions({"wart": 2, "eczema": 1}, seed=3, size=24)
    assert pictures.shape == (3, 3, 24, 24) and labels == ["wart", "wart", "eczema"]

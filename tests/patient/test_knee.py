"""Virtual knees: the same seed is the same knee, and the truth is where the pictures change."""

import numpy as np
import pytest

from course_lib.patient.knee import QUESTIONS, sample_findings, sample_knee
from course_lib.patient.knee_anatomy import acl, meniscus
from course_lib.patient.painting import Layer, covered, moved, painted
from course_lib.patient.pathology.knee import FINDINGS
from course_lib.patient.solids import Compound, chains, cut, ellipsoids, rotation
from course_lib.patient.voxels import Grid

GRID = Grid((-63.0, -63.0, -63.0), (2.0, 2.0, 2.0), (64, 64, 64))


def points_of(grid):
    x, y, z = grid.axes()
    return np.stack(np.broadcast_arrays(x, y[:, None], z[:, None, None]), -1).reshape(-1, 3)


def test_the_last_layer_counts():
    grid = Grid((-5.0, -5.0, -5.0), (1.0, 1.0, 1.0), (11, 11, 11))
    layers = [
        Layer("ball", "fat", ellipsoids([0, 0, 0], [4, 4, 4])),
        Layer("core", "bone", ellipsoids([0, 0, 0], [2, 2, 2])),
    ]
    volume, tissues = painted(layers, grid)
    assert tissues == ("air", "fat", "bone")
    assert volume[5, 5, 5] == 2 and volume[5, 5, 8] == 1 and volume[0, 0, 0] == 0
    hidden, names = painted(layers[::-1], grid)
    assert not (hidden == names.index("bone")).any()


@pytest.mark.parametrize(
    "solid",
    [
        ellipsoids([3, -5, 8], [10, 20, 15], rotation(20, 30, 40)),
        cut(ellipsoids([0, 0, 0], [20, 20, 20]), [1, 1, 0], [3, 0, 0]),
        chains([[-20, 0, 0], [0, 15, 10], [20, 5, 30]], [[6, 8, 5]]),
        Compound(
            ellipsoids([[0, 0, 0], [10, 0, 0]], [12, 12, 12]),
            within=ellipsoids([5, 0, 0], [30, 9, 30]),
            minus=ellipsoids([0, 0, 6], [5, 5, 5]),
        ),
    ],
    ids=["turned ellipsoid", "cut", "chain", "compound"],
)
def test_painting_agrees_with_the_solids_themselves(solid):
    ours = covered([solid], GRID)
    inside = solid.inside(points_of(GRID))
    truth = inside if inside.ndim == 1 else inside.any(0)
    assert truth.any()
    assert (ours.ravel() != truth).mean() < 1e-4  # voxels exactly on an edge, by rounding


@pytest.mark.parametrize(
    "solid",
    [acl(), meniscus("medial"), FINDINGS["Baker's cyst"](np.random.default_rng(0), 0.5).truth[0]],
)
def test_moving_a_solid_moves_its_points(solid):
    matrix = rotation(10, -20, 5) @ np.diag([-1.1, 0.9, 1.05])  # turned, stretched, mirrored
    shift = np.array([3.0, -2.0, 5.0])
    points = np.random.default_rng(0).uniform(-45, 45, (20000, 3))
    inside = moved(solid, matrix, shift).inside(points @ matrix.T + shift)
    np.testing.assert_array_equal(inside, solid.inside(points))
    after = covered([moved(solid, matrix, shift)], GRID)  # and the boxes are wide enough
    truth = moved(solid, matrix, shift).inside(points_of(GRID)).any(0)
    np.testing.assert_array_equal(after.ravel(), truth)


def test_same_seed_same_knee():
    first, again, other = (painted(sample_knee(s).layers, GRID)[0] for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.01


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_changes_the_knee_where_its_truth_says(name):
    grid = Grid((-63.5, -63.5, -63.5), (1.0, 1.0, 1.0), (128, 128, 128))
    changed_in_truth = []
    for severity in (0.2, 0.9):
        healthy, with_it = sample_knee(5, {}), sample_knee(5, {name: severity})
        (before, names), (after, others) = (painted(k.layers, grid) for k in (healthy, with_it))
        truth = covered(with_it.truth[name], grid)
        differs = np.array(names)[before] != np.array(others)[after]
        assert truth.sum() > 5, "the finding shows nowhere"
        assert with_it.answers()[0] == 1
        changed_in_truth.append(differs[truth].mean())
        near = covered([ellipsoids(np.argwhere(truth).mean(0)[::-1] - 63.5, [60, 60, 60])], grid)
        assert not differs[~near].any()
    assert min(changed_in_truth) > 0.3


def test_answers_follow_findings():
    assert QUESTIONS == ("abnormal", "acl", "meniscus")
    assert sample_knee(0, {}).answers() == (0, 0, 0)
    assert sample_knee(0, {"effusion": 0.5}).answers() == (1, 0, 0)
    assert sample_knee(0, {"ACL tear": 0.5, "meniscal tear": 0.5}).answers() == (1, 1, 1)


def test_prevalences_are_those_of_a_knee_clinic():
    drawn = [sample_findings(np.random.default_rng(i)) for i in range(2000)]
    assert 0.60 < np.mean([bool(d) for d in drawn]) < 0.85
    assert abs(np.mean(["ACL tear" in d for d in drawn]) - 0.30) < 0.04
    bruised = [("bone bruise" in d, "ACL tear" in d) for d in drawn]
    assert np.mean([torn for there, torn in bruised if there]) > 0.6  # a hint ...
    assert np.mean([torn for there, torn in bruised if there]) < 0.9  # ... and no proof


def test_wrong_findings_are_named():
    with pytest.raises(ValueError, match="no 'gout'"):
        sample_knee(0, {"gout": 0.5})
    with pytest.raises(ValueError, match="Severity"):
        sample_knee(0, {"effusion": 1.5})

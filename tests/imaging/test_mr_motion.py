"""Motion in k-space: exact for solids, exactly undone for pictures, and mended."""

import numpy as np
import pytest

from course_lib.imaging.mr import motion
from course_lib.imaging.mr.exact import BodySlice, kspace
from course_lib.imaging.mr.fourier import to_image, to_kspace
from course_lib.imaging.mr.motion import Pose
from course_lib.imaging.mr.noise import nrmse
from course_lib.patient.solids import Part, cut, ellipsoids

FOV, N = 200.0, 64
BRAIN = cut(ellipsoids([0, 5, 0], [60, 75, 60]), [0, 1, 0], [0, 55, 0])
SPOT = ellipsoids([[25, -30, 0], [-20, 20, 5]], [[15, 9, 20], [8, 16, 30]])
PARTS = (
    Part("brain", "white_matter", "air", BRAIN),
    Part("spots", "grey_matter", "white_matter", SPOT),
)
WEIGHTS = {"air": 0.0, "white_matter": 0.6, "grey_matter": 1.0}


def scan(pose):
    return kspace(BodySlice(motion.moved_parts(PARTS, pose), WEIGHTS, 0.0, 2.0), (N, N), FOV)


STILL = to_image(scan(motion.STILL))


@pytest.fixture(scope="module")
def moved_in_four_shots():
    poses = motion.random_poses(4, 3.0, 3.0, seed=1)
    shots = motion.shots_of_rows(N, 4)
    return motion.moving_scan(scan, poses, shots), poses, shots


def test_a_moved_picture_agrees_with_the_scan_of_moved_solids():
    pose = Pose(5.0, 4.0, -3.0)
    moved = to_image(scan(pose))
    assert nrmse(motion.move(STILL, pose, FOV), moved) < 0.06
    assert nrmse(STILL, moved) > 0.2


def test_solids_are_inside_where_they_were_moved_to():
    pose = Pose(30.0, 10.0, -4.0)
    point = np.array([[10.0, 50.0, 3.0], [10.0, 58.0, 3.0]])  # on both sides of the cut
    angle = np.radians(30)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    new = motion.moved_parts(PARTS, pose)[0].geometry
    assert new.inside(point @ turn.T + [10.0, -4.0, 0.0]).tolist() == [[True, False]]


def test_moving_back_is_the_inverse_and_the_adjoint():
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(N, N)) + 1j * rng.normal(size=(N, N)) for _ in range(2))
    pose = Pose(7.0, 2.5, 1.0)
    assert nrmse(motion.move_back(motion.move(STILL, pose, FOV), pose, FOV), STILL) < 1e-5
    left = np.vdot(motion.move(x, pose, FOV), y)
    right = np.vdot(x, motion.move_back(y, pose, FOV))
    assert abs(left - right) < 1e-4 * abs(left)


def test_a_shift_changes_only_the_phase_of_k_space():
    shifted = scan(Pose(0.0, 6.0, 2.0))
    assert np.allclose(np.abs(shifted), np.abs(scan(motion.STILL)), atol=1e-3)
    phase = motion.shift_phase((N, N), Pose(0.0, 6.0, 2.0), FOV)
    assert np.allclose(shifted, scan(motion.STILL) * phase, atol=1e-3)


def test_known_motion_is_corrected(moved_in_four_shots):
    k, poses, shots = moved_in_four_shots
    bad = nrmse(np.abs(to_image(k)), np.abs(STILL))
    mended = nrmse(np.abs(motion.correct(k, poses, shots, FOV)), np.abs(STILL))
    assert bad > 0.1 and mended < bad / 3


def test_prospective_correction_leaves_less_motion(moved_in_four_shots):
    k, poses, shots = moved_in_four_shots
    left = motion.moving_scan(scan, motion.residual_poses(poses), shots)
    bad, better = (nrmse(np.abs(to_image(x)), np.abs(STILL)) for x in (k, left))
    assert better < 0.7 * bad
    assert motion.residual_poses(poses)[2] == poses[2].minus(poses[1])


def test_autofocus_finds_shifts_that_nobody_told_it():
    shots = motion.shots_of_rows(N, 2)
    poses = [motion.STILL, Pose(0.0, 0.0, 2.0)]
    k = motion.moving_scan(scan, poses, shots)
    found = motion.autofocus(k, shots, FOV)
    assert found[0] == motion.STILL
    assert abs(found[1].down_mm - 2.0) < 0.5 and abs(found[1].right_mm) < 0.5
    sharp, ghosts = motion.gradient_entropy(STILL), motion.gradient_entropy(to_image(k))
    assert sharp < ghosts


def test_a_scan_of_one_who_lies_still_is_the_scan():
    shots = motion.shots_of_rows(N, 4, interleaved=False)
    assert shots[:16].tolist() == [0] * 16
    k = to_kspace(STILL)
    assert np.array_equal(motion.moving_scan(lambda pose: k, [motion.STILL] * 4, shots), k)


def test_shots_without_poses_are_refused():
    with pytest.raises(ValueError, match="4 shots need"):
        motion.moving_scan(scan, [motion.STILL], motion.shots_of_rows(N, 4))
    with pytest.raises(ValueError, match="1 to 64 shots"):
        motion.shots_of_rows(N, 65)

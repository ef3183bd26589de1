"""MR signals: pulses played on spins give exactly what the closed equations say."""

import numpy as np
import pytest

from course_lib.imaging.mr import sequences, spins, steady
from course_lib.imaging.mr.sequences import CONTRASTS, weights
from course_lib.imaging.mr.tissues import GAMMA_MHZ_PER_T, Relaxation, larmor_mhz, relaxation

T1, T2 = 900.0, 80.0


def transverse(vector):
    return float(np.hypot(vector[0], vector[1]))


def test_protons_precess_at_their_larmor_frequency():
    assert larmor_mhz(3.0) == pytest.approx(127.73, abs=0.01)
    assert larmor_mhz(1.0) == GAMMA_MHZ_PER_T


def test_pulses_turn_by_the_right_hand_rule_and_keep_the_length():
    rest = spins.at_rest()
    assert np.allclose(rest.pulse(90, "y").magnetisation, [[1, 0, 0]], atol=1e-12)
    assert np.allclose(rest.pulse(90, "x").magnetisation, [[0, -1, 0]], atol=1e-12)
    assert np.allclose(rest.pulse(180, 33.0).magnetisation, [[0, 0, -1]], atol=1e-12)
    turned = spins.rotation(np.array([10.0, 75.0]), 40.0)
    assert np.allclose(turned @ np.swapaxes(turned, -1, -2), np.eye(3))


def test_free_decay_and_recovery_are_exponential_however_the_time_is_divided():
    start = spins.at_rest(T1, T2, 7.0).pulse(60, "y")
    once = start.wait(30.0)
    often = start
    for _ in range(10):
        often = often.wait(3.0)
    assert np.allclose(once.magnetisation, often.magnetisation)
    assert abs(once.signal) == pytest.approx(np.sin(np.pi / 3) * np.exp(-30 / T2))
    assert np.angle(once.signal) == pytest.approx(2 * np.pi * 7.0 * 0.03)
    assert once.magnetisation[0, 2] == pytest.approx(1 - 0.5 * np.exp(-30 / T1))


def test_a_spin_echo_undoes_the_uneven_field_but_not_t2():
    uneven = spins.at_rest(T1, T2, spins.uneven_field(2001, 8.0)).pulse(90, "y")
    assert abs(uneven.wait(20).signal) < 0.1
    echo = uneven.wait(20).pulse(180, "x").wait(20)
    assert echo.signal.real == pytest.approx(np.exp(-40 / T2), rel=1e-9)


def test_free_decay_in_an_uneven_field_is_t2_star():
    t2prime = 40.0
    decay = np.abs(spins.at_rest(T1, T2, spins.uneven_field(8001, t2prime)).pulse(90).over([5, 20]))
    assert decay == pytest.approx(np.exp(-np.array([5, 20]) * (1 / T2 + 1 / t2prime)), rel=5e-3)


def test_repeated_spin_echo_reaches_the_closed_form():
    tr, te = 500.0, 20.0
    cycle = spins.at_rest(T1, T2)
    for _ in range(12):
        cycle = cycle.pulse(90, "y").wait(te / 2).pulse(180, "x").wait(te / 2)
        echo, cycle = cycle.signal.real, cycle.spoil().wait(tr - te)
    assert echo == pytest.approx(float(sequences.spin_echo(T1, T2, tr, te)), rel=1e-3)


def test_inversion_recovery_keeps_its_sign_and_vanishes_at_the_null_time():
    tr, te = 3000.0, 12.0
    null = sequences.null_time(T1, tr, te)
    for ti in (100.0, null, 1500.0):
        cycle = spins.at_rest(T1, T2)
        for _ in range(4):
            cycle = cycle.pulse(180, "x").spoil().wait(ti).pulse(90, "y").wait(te / 2)
            cycle = cycle.pulse(180, "x").wait(te / 2)
            echo, cycle = cycle.signal.real, cycle.spoil().wait(tr - ti - te)
        closed = float(sequences.inversion_recovery(T1, T2, tr, te, ti))
        assert echo == pytest.approx(closed, abs=2e-3)
        assert abs(echo) < 2e-3 if ti == null else np.sign(echo) == np.sign(ti - null)
    assert sequences.null_time(T1) == pytest.approx(T1 * np.log(2))


@pytest.mark.parametrize("flip", [5.0, 30.0, 85.0])
def test_flash_is_the_steady_state_of_its_matrices(flip):
    tr, te = 12.0, 4.0
    cycle = steady.pulse(flip).then(steady.waiting(tr, T1, T2)).then(steady.spoiling())
    at_echo = steady.pulse(flip).then(steady.waiting(te, T1, T2))(cycle.steady_state())
    closed = sequences.gradient_echo(T1, T2, tr, te, flip)
    assert transverse(at_echo) == pytest.approx(float(closed), rel=1e-12)


def test_the_ernst_angle_is_the_best_angle():
    best = sequences.ernst_angle(T1, 12.0)
    angles = np.linspace(best - 3, best + 3, 61)
    signal = sequences.gradient_echo(T1, T2, 12.0, 4.0, angles)
    assert angles[int(signal.argmax())] == pytest.approx(best, abs=0.06)


def test_balanced_echo_is_the_steady_state_of_its_matrices():
    tr, flip = 5.0, 50.0
    turn_back = steady.Move(np.diag([-1.0, -1, 1]), np.zeros(3))  # alternating pulses
    cycle = steady.pulse(flip).then(steady.waiting(tr, T1, T2)).then(turn_back)
    at_echo = steady.pulse(flip).then(steady.waiting(tr / 2, T1, T2))(cycle.steady_state())
    closed = sequences.BalancedEcho(tr, flip).signal(Relaxation(T1, T2, T2, 1.0, 0.0))
    assert transverse(at_echo) == pytest.approx(closed, rel=1e-12)


def test_a_selective_pulse_excites_its_slice_and_nothing_else():
    duration, lobes = 3.0, 6
    offsets = np.array([-3000.0, -400.0, 0.0, 400.0, 3000.0])  # bandwidth about 2000 Hz
    after = spins.selective_pulse(90.0, duration, lobes, offsets)
    across = np.hypot(after.magnetisation[:, 0], after.magnetisation[:, 1])
    assert across[1:4] == pytest.approx([1, 1, 1], abs=0.03)
    assert across[[0, 4]].max() < 0.02
    assert np.ptp(np.angle(after.magnetisation[1:4, 0] + 1j * after.magnetisation[1:4, 1])) < 0.35


def test_contrasts_of_the_head_are_what_their_names_say():
    tissues = ("grey_matter", "white_matter", "csf", "fat", "white_matter_lesion")
    t1, t2, flair, stir = (weights(name, tissues) for name in ("T1", "T2", "FLAIR", "STIR"))
    assert t1["fat"] > t1["white_matter"] > t1["grey_matter"] > t1["csf"]
    assert t2["csf"] > t2["grey_matter"] > t2["white_matter"]
    assert flair["csf"] < 0.01 * t2["csf"]
    assert flair["white_matter_lesion"] > 1.3 * flair["white_matter"]
    assert stir["fat"] < 0.01 < stir["white_matter"]
    assert t1["air"] == 0 and set(CONTRASTS) >= {"T1", "T2", "PD", "FLAIR"}


def test_wrong_settings_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="twice T1"):
        spins.at_rest(100.0, 300.0)
    with pytest.raises(ValueError, match="positive times"):
        spins.at_rest(-1.0, 10.0)
    with pytest.raises(ValueError, match="runs forwards"):
        spins.at_rest().wait(-1.0)
    with pytest.raises(ValueError, match="no contrast"):
        weights("T3", ["fat"])
    with pytest.raises(ValueError, match="TR must be longer"):
        sequences.null_time(900.0, 5.0, 20.0)
    with pytest.raises(ValueError, match="no single steady state"):
        steady.pulse(360.0).steady_state()
    assert relaxation("steel").pd == 0

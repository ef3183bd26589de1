"""Echo trains: phase graphs equal brute force, and their fading blurs as the closed form says."""

import numpy as np
import pytest

from course_lib.imaging.mr import echo_train, epg, hardware, spins
from course_lib.imaging.mr.sequences import SpinEcho
from course_lib.imaging.mr.tissues import relaxation

T1, T2, SPACING = 900.0, 80.0, 10.0


def brute_force(angles):
    """CPMG on a thousand isochromats, one turn of winding in each half of the spacing."""
    count = 1000
    turn_hz = np.arange(count) / count * 1000.0 / (SPACING / 2)
    train = spins.at_rest(T1, T2, np.zeros(count)).pulse(90, "y")
    echoes = []
    for angle in angles:
        train = train.wait(SPACING / 2, turn_hz).pulse(angle, "x").wait(SPACING / 2, turn_hz)
        echoes.append(train.signal)
    return np.array(echoes)


@pytest.mark.parametrize("angles", [[180.0] * 6, [120.0] * 8, [150.0, 100, 70, 60, 90, 130]])
def test_phase_graphs_equal_a_thousand_spins(angles):
    graph = epg.spin_echo_train(T1, T2, len(angles), SPACING, angles)
    assert np.abs(graph - brute_force(angles)).max() < 1e-12


def test_perfect_refocusing_decays_with_t2_alone():
    echoes = epg.spin_echo_train([300.0, 1500.0], [40.0, 40.0], 8, SPACING, 180.0)
    expected = np.exp(-SPACING * np.arange(1, 9) / 40.0)
    assert np.allclose(echoes, expected)


def test_weaker_refocusing_fades_more_slowly_for_it_stores_signal_along_the_field():
    full, weak = (epg.spin_echo_train(T1, T2, 40, SPACING, angle) for angle in (180.0, 100.0))
    assert weak[0] < full[0]
    assert weak[-1] / weak[0] > 1.5 * full[-1] / full[0]


def test_every_row_is_measured_and_the_middle_by_the_right_echo():
    for rows, echoes in ((64, 8), (65, 9), (256, 48)):
        centred = echo_train.echo_of_row(rows, echoes)
        linear = echo_train.echo_of_row(rows, echoes, "linear")
        assert set(centred) == set(linear) == set(range(echoes))
        assert centred[rows // 2] == 0 and linear[rows // 2] == echoes // 2
        assert (np.diff(linear) >= 0).all()
        assert abs(int(centred[0]) - int(centred[-1])) <= 1


def test_without_decay_a_point_stays_a_point():
    position, height = echo_train.point_spread(np.ones(128))
    assert echo_train.width_at_half(position, height) == pytest.approx(1.207, abs=0.01)  # sinc
    assert height.max() == pytest.approx(1.0)


def test_the_blur_of_a_long_train_is_that_of_a_lorentzian():
    """Fading exp(-|k| c) has the transform of a Lorentzian of full width c / pi pixels."""
    rows, fading = 512, 40.0  # over the half width of k-space
    weights = np.exp(-fading * np.abs(np.arange(rows) - rows // 2) / (rows / 2))
    expected = 2 * fading / np.pi
    assert echo_train.width_at_half(*echo_train.point_spread(weights)) == pytest.approx(
        expected, rel=0.02
    )


def test_shorter_echo_spacing_blurs_less_and_tissues_blur_differently():
    widths = {
        (tissue, spacing): echo_train.width_at_half(
            *echo_train.point_spread(echo_train.train_weights(tissue, 256, 48, spacing))
        )
        for tissue in ("white_matter", "csf")
        for spacing in (4.824, 3.544)
    }
    assert widths["white_matter", 4.824] > 1.15 * widths["white_matter", 3.544]
    assert widths["csf", 4.824] < 1.3


def test_an_echo_train_image_has_the_contrast_of_its_middle_echo():
    flat = np.zeros((32, 32), np.complex64)
    flat[16, 16] = 32.0  # an even object of signal 1
    picture = echo_train.train_image({"white_matter": flat}, 8, 10.0, "linear")
    tissue = relaxation("white_matter")
    assert picture == pytest.approx(tissue.pd * np.exp(-50.0 / tissue.t2_ms), rel=1e-4)


def test_gradient_pulses_take_the_time_that_the_hardware_needs():
    weak = hardware.Gradients(40.0, 100.0)
    assert hardware.trapezoid_ms(4.0, weak) == pytest.approx(2 * np.sqrt(4.0 / 100))  # a triangle
    assert hardware.trapezoid_ms(40.0, weak) == pytest.approx(40 / 40 + 40 / 100)
    whole, compact = (
        hardware.echo_spacing_ms(g) for g in (hardware.WHOLE_BODY, hardware.COMPACT_3T)
    )
    assert 4.3 < whole < 5.3 and compact < 0.9 * whole


def test_twice_the_field_gives_less_than_twice_the_snr_when_t1_grows():
    low, high = (
        hardware.relative_snr(SpinEcho(500.0, 10.0), "grey_matter", field) for field in (1.5, 3.0)
    )
    assert 1.2 < high / low < 1.9
    proton = SpinEcho(60_000.0, 1.0)
    low, high = (hardware.relative_snr(proton, "csf", field) for field in (1.5, 3.0))
    assert high / low == pytest.approx(2.0, rel=1e-3)


def test_wrong_trains_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="echoes for"):
        echo_train.echo_of_row(8, 9)
    with pytest.raises(ValueError, match="centre-out"):
        echo_train.echo_of_row(8, 4, "random")
    with pytest.raises(ValueError, match="at least one tissue"):
        echo_train.train_image({}, 4, 5.0)
    with pytest.raises(ValueError, match="make it longer"):
        hardware.echo_spacing_ms(hardware.WHOLE_BODY, readout_ms=0.2)
    with pytest.raises(ValueError, match="positive times"):
        epg.spin_echo_train(900.0, 0.0, 4, 5.0, 180.0)

"""Quantitative MR: fits, fingerprints, susceptibility and kurtosis find what was put in."""

import numpy as np
import pytest

from course_lib.imaging.mr import diffusion, epg, fingerprinting, relaxometry
from course_lib.imaging.mr import susceptibility as qsm
from course_lib.imaging.mr.slices import weighted_volume
from course_lib.patient.solids import Part, ellipsoids

TE = np.arange(1, 11) * 12.0


@pytest.mark.parametrize("fit", [relaxometry.fit_log_linear, relaxometry.fit_nonlinear])
def test_without_noise_every_fit_is_exact(fit):
    t2, s0 = np.array([[30.0, 70], [150, 900]]), np.array([[1.0, 0.5], [2, 10]])
    found = fit(s0[..., None] * np.exp(-TE / t2[..., None]), TE)
    assert np.allclose(found.t2_ms, t2, rtol=1e-6) and np.allclose(found.s0, s0, rtol=1e-6)


def test_the_rician_mean_is_the_mean_of_rician_draws():
    rng = np.random.default_rng(0)
    for signal in (0.0, 0.5, 1.0, 4.0):
        drawn = relaxometry.magnitude(np.full(200_000, signal), 1.0, rng)
        assert relaxometry.rician_mean(signal, 1.0) == pytest.approx(drawn.mean(), rel=5e-3)
    assert relaxometry.rician_mean(0.0, 1.0) == pytest.approx(np.sqrt(np.pi / 2))
    slope = relaxometry._rician_slope(np.array([1.3]), 0.7)
    ends = relaxometry.rician_mean(np.array([1.3 - 1e-5, 1.3 + 1e-5]), 0.7)
    assert slope[0] == pytest.approx(np.diff(ends)[0] / 2e-5, rel=1e-6)


def test_only_the_fit_that_knows_the_noise_floor_is_unbiased():
    rng, te = np.random.default_rng(1), np.arange(1, 17) * 12.0
    drawn = relaxometry.magnitude(np.exp(-te / 50.0)[None].repeat(4000, 0), 0.05, rng)
    line, bare, aware = (
        float(np.median(fit.t2_ms))
        for fit in (
            relaxometry.fit_log_linear(drawn, te),
            relaxometry.fit_nonlinear(drawn, te),
            relaxometry.fit_nonlinear(drawn, te, noise_sd=0.05),
        )
    )
    assert line > 60 and 51.5 < bare < 60
    assert aware == pytest.approx(50.0, abs=0.5)


def test_fingerprints_are_those_of_the_phase_graph():
    train = fingerprinting.wavy_train(90)
    t1, t2 = np.array([700.0, 1500.0]), np.array([60.0, 110.0])
    graph = epg.at_rest(t1, t2, 95).pulse(180.0, 90.0).relax(train.ti_ms)
    expected = []
    for angle in train.flip_deg:
        graph = graph.pulse(angle, 90.0).relax(train.te_ms)
        expected.append(graph.signal.real)
        graph = graph.relax(train.tr_ms - train.te_ms).wind()
    found = fingerprinting.signals(t1, t2, train, columns=95)
    assert np.abs(found - np.array(expected).T).max() < 1e-5
    assert np.abs(fingerprinting.signals(t1, t2, train) - found).max() < 1e-3


def test_a_fingerprint_finds_its_tissue_in_the_dictionary_with_noise_too():
    book = fingerprinting.dictionary(*fingerprinting.grid(step=0.05), fingerprinting.wavy_train())
    t1, t2 = np.array([884.0, 1124, 1800]), np.array([72.0, 95, 130])
    curves = 0.7 * fingerprinting.signals(t1, t2, fingerprinting.wavy_train())
    for noise in (0.0, 0.004):
        noisy = curves + noise * np.random.default_rng(0).normal(size=curves.shape)
        found1, found2, density = book.match(noisy)
        assert found1 == pytest.approx(t1, rel=0.03 + 10 * noise)
        assert found2 == pytest.approx(t2, rel=0.03 + 15 * noise)
        assert density == pytest.approx([0.7] * 3, rel=0.05)
    with pytest.raises(ValueError, match="cannot have"):
        fingerprinting.dictionary([900.0], [80.0], fingerprinting.wavy_train(30))


def test_the_dictionary_loses_nothing_that_matters_by_compression():
    train = fingerprinting.wavy_train(120)
    t1, t2 = fingerprinting.grid(step=0.2)
    book = fingerprinting.dictionary(t1, t2, train, rank=10)
    curves = fingerprinting.signals(t1, t2, train)
    again = (book.atoms * book.norms[:, None]) @ book.basis.T
    assert np.linalg.norm(again - curves) < 0.01 * np.linalg.norm(curves)
    assert np.allclose(book.basis.T @ book.basis, np.eye(10), atol=1e-4)


def sphere(size=64, radius=7.0):
    part = Part("ball", "pallidum", "air", ellipsoids([0, 0, 0], [radius] * 3))
    return weighted_volume((part,), {"pallidum": 1.0}, (size, size), 1.0)


def test_the_field_of_a_sphere_is_that_of_a_dipole():
    """Outside: chi / 3 (a / r)^3 (3 cos^2 - 1); inside: 0 (with Lorentz' correction)."""
    ball, radius = sphere(), 7.0
    field = qsm.field_of(ball, pad=32)
    axis = np.arange(64) - 31.5
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    r = np.sqrt(x**2 + y**2 + z**2)
    volume = ball.sum() / (4 / 3 * np.pi * radius**3)
    expected = volume / 3 * (radius / r) ** 3 * (3 * (z / r) ** 2 - 1)
    outside = (r > 10) & (r < 26)
    assert np.abs(field - expected)[outside].max() < 0.01
    assert np.abs(field[r < 5]).max() < 0.03
    sideways = qsm.field_of(ball, pad=32, direction=(0, 0, 1))
    assert np.allclose(sideways, np.swapaxes(field, 0, 2), atol=1e-5)


def test_three_orientations_are_solved_and_one_is_not():
    ball = sphere()
    tilts = [(1, 0, 0), (np.cos(0.6), np.sin(0.6), 0), (np.cos(0.6), 0, np.sin(0.6))]
    rng = np.random.default_rng(0)
    fields = [
        qsm.field_of(ball, direction=tilt) + 0.005 * rng.normal(size=ball.shape).astype(np.float32)
        for tilt in tilts
    ]
    centred = ball - ball.mean()

    def error(result):
        return float(np.linalg.norm(result - centred) / np.linalg.norm(centred))

    three, one = error(qsm.cosmos(fields, tilts)), error(qsm.truncated_division(fields[0]))
    assert three < 0.2 < 0.3 < one
    assert error(qsm.tikhonov(fields[0])) > three
    assert error(qsm.total_variation(fields[0], amount=1e-3)) < 0.6 * one


def test_the_kernel_is_blind_at_the_magic_angle():
    kernel = qsm.dipole_kernel((65, 65, 65))
    kz, ky, kx = (np.broadcast_to(k, kernel.shape) for k in qsm.frequencies((65, 65, 65)))
    angle = np.degrees(np.arccos(np.abs(kz) / np.maximum(np.sqrt(kz**2 + ky**2 + kx**2), 1e-9)))
    near = np.abs(angle - 54.7356) < 0.3
    near[0, 0, 0] = False
    assert np.abs(kernel[near]).max() < 0.006
    assert kernel.max() == pytest.approx(1 / 3) and kernel.min() == pytest.approx(-2 / 3)


def test_free_water_has_no_kurtosis_and_mixtures_have_some():
    scheme = diffusion.shells({0.0: 4, 1.0: 48, 2.0: 48, 3.0: 48})
    up = np.array([[0.0, 0, 1]])
    gauss = diffusion.compartments(scheme, np.ones(1), up, np.array([1.7]), np.array([0.4]))
    diffusivity, kurtosis = diffusion.fit_kurtosis(gauss, scheme)
    assert diffusivity == pytest.approx(2.5 / 3, rel=1e-3) and abs(kurtosis) < 1e-9
    low = diffusion.shells({0.0: 4, 0.1: 48, 0.2: 48, 0.3: 48})
    shares, speeds = np.array([0.5, 0.5]), np.array([0.4, 1.6])
    mixed = diffusion.compartments(low, shares, np.repeat(up, 2, 0), speeds, speeds)
    diffusivity, kurtosis = diffusion.fit_kurtosis(mixed, low)
    assert diffusivity == pytest.approx(1.0, rel=5e-3)
    assert kurtosis == pytest.approx(3 * 0.36, rel=0.1)  # 3 variance / mean^2


def test_wrong_data_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="at least two echoes"):
        relaxometry.fit_log_linear([1.0, 0.5], [12.0])
    with pytest.raises(ValueError, match="threshold must be positive"):
        qsm.truncated_division(np.zeros((8, 8, 8), np.float32), threshold=0)
    with pytest.raises(ValueError, match="two or more fields"):
        qsm.cosmos([np.zeros((8, 8, 8), np.float32)], [(1, 0, 0)])
    twelve = diffusion.shells({0.0: 1, 1.0: 5, 3.0: 6})
    with pytest.raises(ValueError, match="of the 22 unknowns"):
        diffusion.fit_kurtosis(np.ones(12), twelve)


def test_weighting_scatters_less_where_noise_disturbs_the_logarithms():
    scheme = diffusion.shells({0.0: 4, 1.0: 48, 2.0: 48, 3.0: 48})
    axes, fast = np.array([[0.0, 0, 1], [0, 0, 1]]), np.array([2.4, 2.0])
    fibre = diffusion.compartments(scheme, np.array([0.5, 0.5]), axes, fast, np.array([0.2, 0.7]))
    matrix = diffusion.design(scheme)
    clean = np.exp(matrix @ np.linalg.pinv(matrix) @ np.log(fibre))  # obeys the equation exactly
    noisy = relaxometry.magnitude(clean[None].repeat(300, 0), 0.02, np.random.default_rng(0))
    truth = diffusion.fit_kurtosis(clean, scheme)[1]
    assert diffusion.fit_kurtosis(clean[None], scheme, weighted=True)[1] == pytest.approx(truth)
    plain, weighted = (diffusion.fit_kurtosis(noisy, scheme, w)[1] for w in (False, True))
    assert np.std(weighted) < 0.7 * np.std(plain)

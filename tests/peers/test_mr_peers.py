"""MR reconstruction against sigpy, an independent library: the same data, the same answers."""

import numpy as np
import pytest

from course_lib.imaging.mr.coils import head_coil
from course_lib.imaging.mr.compressed import fista
from course_lib.imaging.mr.ellipses import shepp_logan
from course_lib.imaging.mr.encoding import Encoding
from course_lib.imaging.mr.exact import coil_kspace
from course_lib.imaging.mr.fourier import to_image, to_kspace
from course_lib.imaging.mr.noise import add_noise, nrmse, root_sum_of_squares
from course_lib.imaging.mr.sampling import variable_density
from course_lib.imaging.mr.sense import cg_sense
from course_lib.imaging.mr.sparsity import Wavelets

sigpy = pytest.importorskip(
    "sigpy", reason="sigpy is not installed; it is a peer of the tests only"
)
mri = pytest.importorskip("sigpy.mri", reason="this sigpy has no MR reconstructions")

SHAPE, FOV = (128, 128), 240.0


@pytest.fixture(scope="module")
def scan():
    """Noisy exact k-space at 4-fold random undersampling, maps, mask, noise-free truth, body."""
    coils = head_coil(8, FOV)
    data = coil_kspace(shepp_logan(200.0), SHAPE, coils)
    maps = coils.maps(SHAPE)
    maps = maps / root_sum_of_squares(maps)
    truth = root_sum_of_squares(to_image(data))
    mask = variable_density(SHAPE, 4, 12, seed=1)
    return add_noise(data, 0.005, seed=0, mask=mask), maps, mask, truth, truth > 0.05 * truth.max()


@pytest.mark.parametrize("shape", [(8, 8), (7, 9)])
def test_fourier_transforms_agree(shape):
    rng = np.random.default_rng(0)
    image = (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)
    assert np.allclose(to_kspace(image), sigpy.fft(image), atol=1e-5)
    assert np.allclose(to_image(image), sigpy.ifft(image), atol=1e-5)


def test_encodings_agree(scan):
    data, maps, mask, *_ = scan
    peer = mri.linop.Sense(maps, weights=np.broadcast_to(mask, data.shape).astype(np.float32))
    encoding = Encoding(maps, mask)
    image = to_image(data)[0]
    assert np.allclose(encoding.forward(image), peer * image, atol=1e-5)


@pytest.mark.parametrize("ridge", [0.0, 0.02])
def test_conjugate_gradient_sense_agrees(scan, ridge):
    data, maps, mask, *_ = scan
    weights = np.broadcast_to(mask, data.shape).astype(np.float32)
    peer = mri.app.SenseRecon(
        data, maps, lamda=ridge, weights=weights, max_iter=20, show_pbar=False
    ).run()
    ours = cg_sense(data, Encoding(maps, mask), 20, ridge)
    assert nrmse(ours, peer) < 2e-3


def test_wavelet_reconstruction_is_better_than_the_peers_at_its_best(scan):
    data, maps, mask, truth, body = scan
    weights = np.broadcast_to(mask, data.shape).astype(np.float32)
    encoding = Encoding(maps, mask)
    brightest = float(np.abs(encoding.adjoint(data)).max())

    def peer(amount):
        return mri.app.L1WaveletRecon(
            data, maps, lamda=amount * brightest, weights=weights, max_iter=40, show_pbar=False
        ).run()

    def ours(amount):
        return fista(data, encoding, Wavelets(SHAPE), amount, 40)

    ladder = (5e-4, 1e-3, 2e-3, 4e-3)
    best = [min(nrmse(np.abs(m(a)), truth, body) for a in ladder) for m in (ours, peer)]
    assert best[0] < 0.9 * best[1]

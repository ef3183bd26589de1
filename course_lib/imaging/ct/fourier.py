"""Projection and back projection through the Fourier-slice theorem: fast, and exact transposes.

The Fourier transform of one projection is a straight line through the origin of the picture's
two-dimensional transform. So: transform the picture once, read off one line per view, transform
each line back. The lines cross the grid of the transform at odd places; values between its points
are interpolated with a Kaiser-Bessel kernel (gridding: J. D. O'Sullivan, IEEE Trans. Med. Imaging
4, 1985, 200; J. I. Jackson et al., ibid. 10, 1991, 473). All interpolations together are one
sparse matrix, so the transpose that iterative methods need comes for free.
"""

import numpy as np
import torch
from scipy import fft, sparse, special

KERNEL_WIDTH = 5  # grid points that one sample reads in each direction
OVERSAMPLING = 1.5  # the picture is padded with zeros to this many times its size
# Shape of the kernel: P. J. Beatty et al., IEEE Trans. Med. Imaging 24, 2005, 799, equation 5.
KERNEL_SHAPE = np.pi * np.sqrt((KERNEL_WIDTH * (1 - 0.5 / OVERSAMPLING)) ** 2 - 0.8)


class ParallelProjector:
    """Line integrals of a picture in parallel beams, and their transpose.

    Pictures: (size, size) float32, pixels of pixel_mm, in 1/mm. Sinograms: (views, detectors),
    dimensionless. A pixel is a square, a detector cell measures the mean over its width. Angles may
    be any, in degrees. Building takes longest: build once, use for many pictures.
    """

    def __init__(
        self, size: int, pixel_mm: float, angles_deg, detectors: int, spacing_mm: float
    ) -> None:
        self.size, self.pixel_mm = size, pixel_mm
        self.angles_deg = np.asarray(angles_deg, float)
        self.detectors, self.spacing_mm = detectors, spacing_mm
        self._grid = 2 * fft.next_fast_len(int(np.ceil(OVERSAMPLING * size / 2)))
        # One period must hold the detector and the picture's corners, else they overlap.
        reach = (detectors * spacing_mm + np.sqrt(2) * size * pixel_mm) / 2
        self._period = 2 * fft.next_fast_len(int(np.ceil(reach / spacing_mm / 2)) + 1)
        frequency = fft.rfftfreq(self._period, spacing_mm)  # cycles per mm
        radians = np.deg2rad(self.angles_deg)[:, None]
        along_x, along_y = frequency * np.cos(radians), frequency * np.sin(radians)
        self._real, self._imaginary = _interpolation(
            along_x * pixel_mm, along_y * pixel_mm, self._grid
        )
        self._footprint = self._footprints(along_x, along_y, frequency)
        correction = _kernel_transform(np.arange(size) - size // 2, self._grid)
        self._correction = (1 / np.outer(correction, correction)).astype(np.float32)

    def _footprints(self, along_x, along_y, frequency) -> np.ndarray:
        """Transform of pixel and detector cell, with the shift that puts both centres at 0."""
        pixel = np.sinc(along_x * self.pixel_mm) * np.sinc(along_y * self.pixel_mm)
        cell = np.sinc(frequency * self.spacing_mm) * self.pixel_mm**2 / self.spacing_mm
        # The FFT counts from pixel size // 2 and from detector 0; we count from the true centres.
        middle = (self.size // 2 - (self.size - 1) / 2) * self.pixel_mm
        first = -(self.detectors - 1) / 2 * self.spacing_mm
        shift = frequency * first - (along_x + along_y) * middle
        return (pixel * cell * np.exp(2j * np.pi * shift)).astype(np.complex64)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Sinogram (views, detectors) of a picture (size, size); gradients flow through it."""
        sinogram: torch.Tensor = _Linear.apply(image, self.project, self.back_project)
        return sinogram

    def adjoint(self, sinogram: torch.Tensor) -> torch.Tensor:
        """Transpose of forward(): (size, size) from (views, detectors); gradients flow, too."""
        image: torch.Tensor = _Linear.apply(sinogram, self.back_project, self.project)
        return image

    def project(self, image: np.ndarray) -> np.ndarray:
        """Sinogram (views, detectors), float32, of an array (size, size)."""
        padded = np.zeros((self._grid, self._grid), np.float32)
        padded[: self.size, : self.size] = image * self._correction
        padded = np.roll(padded, -(self.size // 2), axis=(0, 1))
        spectrum = fft.rfft2(padded, axes=(1, 0))  # of a real picture half the rows are enough
        lines = _complex(
            self._real @ spectrum.real.ravel(), self._imaginary @ spectrum.imag.ravel()
        )
        lines = lines.reshape(self._footprint.shape) * self._footprint
        return fft.irfft(lines, self._period)[:, : self.detectors]

    def back_project(self, sinogram: np.ndarray) -> np.ndarray:
        """The transpose: all steps of project(), each transposed, in reverse order."""
        lines = fft.rfft(sinogram.astype(np.float32), self._period) * self._footprint.conj()
        lines[:, 1:-1] *= 2  # half a spectrum stands for both halves, but 0 and the last are single
        spectrum = _complex(
            self._real.T @ lines.real.ravel(), self._imaginary.T @ lines.imag.ravel()
        )
        spectrum = spectrum.reshape(self._grid // 2 + 1, self._grid)
        spectrum[1:-1] /= 2
        padded = fft.irfft2(spectrum, (self._grid, self._grid), axes=(1, 0))
        padded = np.roll(padded, self.size // 2, axis=(0, 1))[: self.size, : self.size]
        return padded * self._correction * np.float32(self._grid**2 / self._period)


class _Linear(torch.autograd.Function):
    """A linear map for torch, whose gradient is its transpose."""

    @staticmethod
    def forward(context, values, there, back):  # type: ignore[no-untyped-def]
        context.back = back
        return torch.from_numpy(there(values.detach().cpu().numpy())).to(values.device)

    @staticmethod
    def backward(context, gradient):  # type: ignore[no-untyped-def]
        back = torch.from_numpy(context.back(gradient.detach().cpu().numpy()))
        return back.to(gradient.device), None, None


def _complex(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Complex numbers from their parts, in single precision."""
    both = np.empty(real.shape, np.complex64)
    both.real, both.imag = real, imaginary
    return both


def _interpolation(column, row, grid: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Matrices that read samples from half a spectrum (grid / 2 + 1 rows): real, imaginary part.

    column, row: where the samples lie, in cycles per pixel. The missing half is the mirrored
    conjugate of the half we have: its imaginary part changes sign.
    """
    columns, column_weights = _neighbours(column.ravel() * grid)
    rows, row_weights = _neighbours(row.ravel() * grid)
    rows %= grid
    mirrored = (rows > grid // 2)[:, :, None]
    rows = np.minimum(rows, grid - rows)[:, :, None]
    columns = np.where(mirrored, -columns[:, None, :], columns[:, None, :]) % grid
    weights = row_weights[:, :, None] * column_weights[:, None, :]
    signed = np.where(mirrored, -weights, weights)
    indices = (rows * grid + columns).ravel()
    starts = np.arange(0, indices.size + 1, KERNEL_WIDTH**2, dtype=np.int32)
    shape = (starts.size - 1, (grid // 2 + 1) * grid)
    real = sparse.csr_matrix((weights.ravel(), indices, starts), shape=shape)
    return real, sparse.csr_matrix((signed.ravel(), indices, starts), shape=shape)


def _neighbours(position) -> tuple[np.ndarray, np.ndarray]:
    """The KERNEL_WIDTH grid points around each position, and their weights: both (n, width)."""
    first = np.ceil(position - KERNEL_WIDTH / 2)
    points = first[:, None] + np.arange(KERNEL_WIDTH)
    distance = (position[:, None] - points) / (KERNEL_WIDTH / 2)
    inside = np.sqrt(np.maximum(1 - distance**2, 0)).astype(np.float32)
    kernel = special.i0(np.float32(KERNEL_SHAPE) * inside) / special.i0(KERNEL_SHAPE)
    return points.astype(np.int32), kernel.astype(np.float32)


def _kernel_transform(pixel: np.ndarray, grid: int) -> np.ndarray:
    """Fourier transform of the kernel at pixels counted from the centre; we divide it out."""
    inside = np.sqrt(KERNEL_SHAPE**2 - (np.pi * KERNEL_WIDTH * pixel / grid) ** 2)
    return KERNEL_WIDTH * np.sinh(inside) / inside / special.i0(KERNEL_SHAPE)

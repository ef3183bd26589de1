"""CT as a system of linear equations, with every coefficient written down.

p_i = sum over j of w_ij mu_j: measurement i, pixel j, w_ij the millimetres that ray i travels in
pixel j (R. L. Siddon, Med. Phys. 12, 1985, 252). For 512 x 512 pixels that is 262,144 unknowns,
and a matrix far too large to invert; at 64 x 64 it can be looked at.
"""

import numpy as np
from scipy import linalg, sparse

from course_lib.imaging.ct.rows import centred


def ray_weights(
    size: int, pixel_mm: float, angle_deg: float, s_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that the ray x cos + y sin = s crosses (flat indices), and the mm it spends in each.

    The ray is cut wherever it crosses a grid line; between two cuts it lies in a single pixel.
    """
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    start, along = np.array([s_mm * cos, s_mm * sin]), np.array([-sin, cos])
    half = size * pixel_mm / 2
    lines = np.linspace(-half, half, size + 1)
    crossings = [(lines - start[k]) / along[k] for k in (0, 1) if abs(along[k]) > 1e-12]
    cuts = np.sort(np.concatenate(crossings))
    length, middle = np.diff(cuts), (cuts[1:] + cuts[:-1]) / 2
    column, row = np.floor((start[:, None] + along[:, None] * middle + half) / pixel_mm).astype(int)
    crossed = (length > 1e-9) & (row >= 0) & (row < size) & (column >= 0) & (column < size)
    return row[crossed] * size + column[crossed], length[crossed]


def system_matrix(
    size: int, pixel_mm: float, angles_deg: np.ndarray, detectors: int, spacing_mm: float
) -> sparse.csr_matrix:
    """All weights w_ij in mm: (views * detectors, size * size).

    Rows are ordered like sinogram.ravel(), columns like picture.ravel(). Each row stands for the
    ray through the middle of its detector cell.
    """
    rows = [
        ray_weights(size, pixel_mm, angle, s)
        for angle in angles_deg
        for s in centred(detectors, spacing_mm)
    ]
    starts = np.cumsum([0] + [len(pixels) for pixels, _ in rows])
    pixels = np.concatenate([pixels for pixels, _ in rows])
    lengths = np.concatenate([lengths for _, lengths in rows])
    return sparse.csr_matrix((lengths, pixels, starts), shape=(len(rows), size * size))


def solve_directly(
    matrix: sparse.csr_matrix, sinograms: np.ndarray, damping_mm: float = 0.0
) -> np.ndarray:
    """The pictures that fit best: solves (W'W + damping^2) mu = W'p.

    sinograms: (views, detectors), or a stack (n, views, detectors), which takes hardly longer.
    Returns (size, size), or (n, size, size). damping_mm: directions in which the matrix's singular
    values are smaller than this are held back; they are the ones that noise enters by. Only for
    small pictures: the time grows with the sixth power of size. Raises numpy.linalg.LinAlgError if
    the rays do not decide all pixels (without damping).
    """
    normal = (matrix.T @ matrix).toarray()
    normal[np.diag_indices_from(normal)] += damping_mm**2
    measured = np.reshape(sinograms, (-1, matrix.shape[0])).T
    factors = linalg.cho_factor(normal, overwrite_a=True, check_finite=False)
    pictures = linalg.cho_solve(factors, matrix.T @ measured, check_finite=False).T
    size = round(np.sqrt(matrix.shape[1]))
    return pictures.reshape(*np.shape(sinograms)[:-2], size, size)


def singular_values(matrix: sparse.csr_matrix) -> np.ndarray:
    """Singular values in mm, largest first: the roots of the eigenvalues of W'W.

    Largest over smallest is the condition number: by how much relative errors of the measurement
    can grow in the picture.
    """
    eigenvalues = linalg.eigvalsh((matrix.T @ matrix).toarray())
    return np.sqrt(np.maximum(eigenvalues[::-1], 0))

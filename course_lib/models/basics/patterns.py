"""Small line drawings on a 16 x 16 grid, and shifting them: material for the neocognitron."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIZE = 16
# Seven columns by nine rows each; drawn for this course.
DRAWINGS = {
    "0": ".#####.|#.....#|#.....#|#.....#|#.....#|#.....#|#.....#|#.....#|.#####.",
    "1": "...#...|..##...|.#.#...|...#...|...#...|...#...|...#...|...#...|...#...",
    "2": ".#####.|#.....#|......#|.....#.|....#..|...#...|..#....|.#.....|#######",
    "3": "#######|.....#.|....#..|...###.|......#|......#|......#|#.....#|.#####.",
    "4": ".....#.|....##.|...#.#.|..#..#.|.#...#.|#######|.....#.|.....#.|.....#.",
}


def digit(name: str) -> Array:
    """(16, 16) the digit "0" to "4", lines 1 on 0, in the middle. ValueError for another."""
    if name not in DRAWINGS:
        raise ValueError(f"There is no drawing {name!r}; there are: {', '.join(DRAWINGS)}.")
    rows = DRAWINGS[name].split("|")
    picture = np.zeros((SIZE, SIZE))
    top, left = (SIZE - len(rows)) // 2, (SIZE - len(rows[0])) // 2
    drawing = np.array([[mark == "#" for mark in row] for row in rows], float)
    picture[top : top + len(rows), left : left + len(rows[0])] = drawing
    return picture


def shifted(picture: Array, right: int, down: int) -> Array:
    """The picture moved by whole cells, zeros moving in; ValueError when ink would leave it."""
    moved = np.zeros_like(picture)
    for y, x in np.argwhere(picture):
        new_y, new_x = y + down, x + right
        if not (0 <= new_y < picture.shape[0] and 0 <= new_x < picture.shape[1]):
            raise ValueError(f"A shift by ({right}, {down}) pushes the drawing out of the picture.")
        moved[new_y, new_x] = picture[y, x]
    return moved

"""How a neocognitron teaches itself: winner takes all, and a whole plane learns from its winner.

Source: Fukushima, Biological Cybernetics 36:193-202, 1980, section on self-organization. Nobody
tells the network which pattern is which.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from course_lib.models.basics.neocognitron import Neocognitron

Array = NDArray[np.float64]


def representatives(u_s: Array, column: int) -> list[tuple[int, int, int]]:
    """The seed cells (plane, row, column) of one S-layer (planes, s, s), one per plane at most.

    Every S-column, a column x column block that holds cells of all planes, names its strongest cell
    as a candidate; columns overlap. Each plane takes its strongest candidate. A silent column
    names nobody.
    """
    blocks = sliding_window_view(u_s, (column, column), (1, 2))
    planes, rows, columns = blocks.shape[:3]
    flat = blocks.transpose(1, 2, 0, 3, 4).reshape(rows * columns, -1)
    best: dict[int, tuple[float, int, int]] = {}
    for block, winner in enumerate(flat.argmax(1)):
        strength = float(flat[block, winner])
        plane, y, x = np.unravel_index(winner, (planes, column, column))
        place = (block // columns + int(y), block % columns + int(x))
        if strength > best.get(int(plane), (0.0,))[0]:
            best[int(plane)] = (strength, *place)
    return [(plane, y, x) for plane, (_, y, x) in sorted(best.items())]


def reinforce(net: Neocognitron, level: int, fields: Array) -> int:
    """One lesson for one stage: each seed cell strengthens its plane; returns how many there were.

    a += q c u (what the seed cell sees), b += q/2 v_C (how much it sees). Growing together, they
    make the plane answer to this pattern and be silent for others.
    """
    stage = net.stages[level]
    seeds = representatives(net.s_cells(level, fields), stage.column)
    seen_in_all = net.inhibitor(level, fields)
    for plane, y, x in seeds:
        net.a[level][plane] += stage.speed * net.c[level] * fields[:, y, x]
        net.b[level][plane] += stage.speed / 2 * seen_in_all[y, x]
    return len(seeds)


def organise(net: Neocognitron, patterns: Sequence[ArrayLike], rounds: int = 20) -> Neocognitron:
    """Show all (16, 16) patterns `rounds` times to every stage, the front stage first; changes and
    returns `net`. (A later stage learns from what the finished earlier ones tell it.)"""
    inputs = [np.asarray(pattern, float)[None] for pattern in patterns]
    for level in range(len(net.stages)):
        fields = [net.fields(level, u) for u in inputs]
        for _ in range(rounds):
            for seen in fields:
                reinforce(net, level, seen)
        inputs = [net.c_cells(level, net.s_cells(level, seen)) for seen in fields]
    return net

"""The neocognitron teaches itself five digits and knows them wherever they stand."""

import numpy as np
import pytest

from course_lib.models.basics.neocognitron import (
    PAPER,
    Neocognitron,
    falling,
    one_in_all,
    similarity,
    windows,
)
from course_lib.models.basics.neocognitron_learning import organise, reinforce, representatives
from course_lib.models.basics.patterns import DRAWINGS, digit, shifted


@pytest.fixture(scope="module")
def taught() -> Neocognitron:
    return organise(Neocognitron(), [digit(name) for name in DRAWINGS])


def test_layers_have_the_papers_sizes():
    shapes = [u.shape for pair in Neocognitron().respond(digit("2")) for u in pair]
    assert shapes == [
        (24, 16, 16), (24, 10, 10), (24, 8, 8), (24, 6, 6), (24, 2, 2), (24, 1, 1),
    ]  # fmt: skip
    assert [(s.selectivity, s.speed) for s in PAPER] == [(4, 1), (1.5, 16), (1.5, 16)]


def test_every_digit_gets_a_cell_of_its_own(taught):
    assert len({taught.classify(digit(name)) for name in DRAWINGS}) == 5
    for name in DRAWINGS:
        last = taught.respond(digit(name))[-1][1].ravel()
        assert last.max() > 0.3 and (last > 0.05).sum() == 1, "all other cells are silent"


def test_it_knows_them_shifted(taught):
    moves = [(x, y) for x in range(-3, 4) for y in range(-3, 4)]
    same = [
        taught.classify(shifted(digit(name), *move)) == taught.classify(digit(name))
        for name in DRAWINGS
        for move in moves
    ]
    assert np.mean(same) > 0.95


def test_an_empty_picture_moves_nothing(taught):
    assert taught.classify(np.zeros((16, 16))) is None
    with pytest.raises(ValueError, match="16 x 16"):
        taught.respond(np.zeros((8, 8)))


def test_learning_is_the_same_every_time(taught):
    again = organise(Neocognitron(), [digit(name) for name in DRAWINGS])
    assert all((one == two).all() for one, two in zip(taught.a, again.a, strict=True))


@pytest.mark.parametrize("level", [0, 1])
def test_a_taught_plane_fires_above_similarity_r_over_one_plus_r(level):
    """The paper's reading of r: with strong weights only the similarity decides."""
    net, rng = Neocognitron(), np.random.default_rng(level)
    r, c = net.stages[level].selectivity, net.c[level]
    planes = net.a[level].shape[1]
    learned = rng.random((planes, 5, 5))
    fields = np.zeros((planes, net.stages[level].s_size, net.stages[level].s_size, 5, 5))
    strong = 1e9
    net.a[level][0] = strong * c * learned
    net.b[level][0] = strong / 2 * np.sqrt((c * learned**2).sum())
    fired = []
    for share in np.linspace(0, 1, 41):
        other = rng.random((planes, 5, 5)) * (rng.random((planes, 5, 5)) < 0.2)
        seen = (1 - share) * learned + share * other
        fields[:, 0, 0] = seen
        output = net.s_cells(level, fields)[0, 0, 0]
        alike = similarity(learned, seen, c)
        assert output == pytest.approx(max(r * (alike * (1 + r) / r - 1), 0), abs=1e-5)
        fired.append(output > 0)
    assert any(fired) and not all(fired)


def test_one_seed_cell_per_plane_and_the_strongest_of_its_column():
    u = np.zeros((3, 6, 6))
    u[0, 1, 1], u[1, 1, 2], u[0, 4, 4], u[2, 5, 0] = 0.9, 0.5, 0.7, 0.2
    assert representatives(u, 3) == [(0, 1, 1), (1, 1, 2), (2, 5, 0)]
    u[1, 1, 2] = 0.0
    assert representatives(u, 6) == [(0, 1, 1)], "one column, one winner"
    assert representatives(np.zeros((3, 6, 6)), 3) == []


def test_reinforcing_adds_what_the_seed_cell_saw():
    net = Neocognitron()
    fields = net.fields(0, digit("1")[None])
    seeds = representatives(net.s_cells(0, fields), net.stages[0].column)
    before = net.a[0].copy()
    assert reinforce(net, 0, fields) == len(seeds) > 0
    plane, y, x = seeds[0]
    assert np.allclose(net.a[0][plane] - before[plane], net.c[0] * fields[:, y, x])
    assert net.b[0][plane] == pytest.approx(np.sqrt((net.c[0] * fields[0, y, x] ** 2).sum()) / 2)
    untouched = set(range(24)) - {p for p, _, _ in seeds}
    assert all((net.a[0][p] == before[p]).all() and net.b[0][p] == 0 for p in untouched)


def test_fixed_weights_fall_with_distance():
    weights = falling(5, 0.7)
    assert weights[2, 2] == 1 and weights[2, 1] == pytest.approx(0.7)
    assert one_in_all(5, 24).sum() * 24 == pytest.approx(1)
    u = np.arange(16.0).reshape(1, 4, 4)
    assert (windows(u, 4, 3, 1)[0, 1, 1] == u[0, :3, :3]).all()
    assert windows(u, 4, 3, 1)[0, 0, 0, 0, 0] == 0, "outside the layer there is nothing"


def test_shifting_moves_every_cell_and_refuses_to_lose_ink():
    one = digit("1")
    assert (shifted(one, 2, 1)[1:, 2:] == one[:-1, :-2]).all()
    with pytest.raises(ValueError, match="out of the picture"):
        shifted(one, 9, 0)
    with pytest.raises(ValueError, match="no drawing '7'"):
        digit("7")

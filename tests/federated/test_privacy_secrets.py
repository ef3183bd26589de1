"""Masks cancel exactly, show nothing, and survive hospitals that fall silent."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from course_lib.federated.client import Update
from course_lib.federated.privacy.secret_sharing import PRIME, join, random_number, split
from course_lib.federated.privacy.secure_aggregation import (
    GROUP,
    common_secret,
    from_words,
    new_keys,
    random_words,
    secure_fedavg,
    secure_sum,
    to_words,
)
from course_lib.federated.server import TooFewAnswers, fedavg


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def values(count: int = 5, size: int = 2000) -> dict[str, np.ndarray]:
    return {f"hospital {k}": random(k).normal(size=size) for k in range(count)}


def test_any_three_of_five_parts_give_the_secret_and_two_do_not() -> None:
    secret = random_number(random())
    parts = split(secret, 5, 3, random(1))
    for some in ((1, 2, 3), (5, 1, 4), (2, 3, 5)):
        assert join({x: parts[x] for x in some}) == secret
    assert join(parts) == secret
    assert join({1: parts[1], 4: parts[4]}) != secret


def test_two_parts_of_three_fit_every_secret() -> None:
    """For any other secret there is a third part that agrees with the two that are known."""
    parts = split(1234, 3, 3, random())
    lies = {join({1: parts[1], 2: parts[2], 3: (parts[3] + k) % PRIME}) for k in range(50)}
    assert len(lies) == 50


def test_the_group_is_the_published_safe_prime() -> None:
    assert GROUP.bit_length() == 2048
    assert pow(2, GROUP - 1, GROUP) == 1  # Fermat
    half = (GROUP - 1) // 2
    assert pow(3, half - 1, half) == 1
    assert f"{GROUP:x}".startswith("ffffffffffffffffc90fdaa22168c234")


def test_two_hospitals_agree_on_a_secret_that_the_public_keys_do_not_show() -> None:
    a, b, c = (new_keys(random(seed)) for seed in range(3))
    assert common_secret(a.private, b.public) == common_secret(b.private, a.public)
    assert common_secret(a.private, b.public) != common_secret(a.private, c.public)


def test_fixed_point_sums_are_exact_also_below_zero() -> None:
    numbers = np.array([-1.5, 2.0**-32, 0.0, 3.25, -(2.0**21)])
    assert np.array_equal(from_words(to_words(numbers)), numbers)
    assert np.array_equal(from_words(to_words(numbers) + to_words(-2 * numbers)), -numbers)


@pytest.mark.parametrize("silent", [(), (1,), (0, 4)])
def test_the_sum_of_those_who_answered_is_exact(silent: tuple[int, ...]) -> None:
    rows = values()
    arrived = {name: None if k in silent else row for k, (name, row) in enumerate(rows.items())}
    wanted = sum(row for row in arrived.values() if row is not None)
    result = secure_sum(arrived, 3, random())
    assert np.abs(result.total - wanted).max() < 5 * 2.0**-33 + 1e-15
    assert len(result.masked) == 5 - len(silent)


def test_a_masked_row_is_spread_evenly_and_unrelated_to_what_it_hides() -> None:
    rows = values(size=20000)
    seen = secure_sum(rows, 3, random()).masked["hospital 0"] / 2.0**64
    assert kstest(seen, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(seen, rows["hospital 0"])[0, 1]) < 0.03


def test_all_servers_words_but_the_sum_depend_on_the_masks() -> None:
    one, other = (secure_sum(values(), 3, random(seed)) for seed in (1, 2))
    assert np.array_equal(one.total, other.total)
    assert not np.array_equal(one.masked["hospital 0"], other.masked["hospital 0"])


def test_random_words_repeat_with_the_secret_only() -> None:
    assert np.array_equal(random_words(b"a", 9), random_words(b"a", 9))
    assert not np.array_equal(random_words(b"a", 9), random_words(b"b", 9))


def test_too_many_silent_hospitals_end_the_round_clearly() -> None:
    rows = {name: row if k < 2 else None for k, (name, row) in enumerate(values().items())}
    with pytest.raises(TooFewAnswers, match="2 hospitals answered"):
        secure_sum(rows, 3, random())


@pytest.mark.parametrize("bad", [np.nan, np.inf, 2.0**23])
def test_numbers_that_do_not_fit_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        to_words([0.0, bad])


@pytest.mark.parametrize("threshold", [0, 2, 6])
def test_impossible_thresholds_are_refused(threshold: int) -> None:
    with pytest.raises(ValueError, match="threshold"):
        secure_sum(values(), threshold, random())


def test_secure_fedavg_is_fedavg_of_those_who_answered() -> None:
    g = torch.Generator().manual_seed(0)
    updates = [
        Update(
            {"a": torch.randn(3, 4, generator=g), "b": torch.randn(2, generator=g)}, n, 0.0, name
        )
        for n, name in ((10, "x"), (25, "y"), (40, "z"))
    ]
    like = updates[0].weights
    wanted, _ = fedavg(like, updates, {})
    made, _ = secure_fedavg(3, random(), ["w", "x", "y", "z"])(like, updates, {})
    for name in like:
        assert torch.allclose(made[name], wanted[name], atol=1e-7)

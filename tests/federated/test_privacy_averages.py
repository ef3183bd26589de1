"""What averages of films give away, and rules that refuse in time."""

import numpy as np
import pytest
import torch

from course_lib.evaluation.roc import auc
from course_lib.federated.client import Client, Pool
from course_lib.federated.mafl import client_averages
from course_lib.federated.privacy.averages_leak import (
    added_together,
    background,
    best_pair,
    class_counts,
    membership_scores,
    unmix,
    whose,
)
from course_lib.federated.privacy.mitigations import (
    Refused,
    allowed_per_average,
    averaged_again,
    changed_share,
    check_changed_enough,
    check_enough_cases,
    guarded_averages,
    shuffled,
)


def pictures(count: int, seed: int = 0) -> torch.Tensor:
    """Pictures that differ in 30 ways, some more than others: (count, 1, 8, 8)."""
    random = np.random.default_rng(seed)
    shapes = np.random.default_rng(99).normal(size=(30, 64)) * np.linspace(2, 0.5, 30)[:, None]
    values = 5 + random.normal(size=(count, 30)) @ shapes
    return torch.from_numpy(values.reshape(count, 1, 8, 8))


def client(count: int, seed: int = 0, name: str = "H") -> Client:
    return Client(name, pictures(count, seed), torch.arange(count) % 3)


def sizes(cases: int, per_average: int) -> list[int]:
    groups = cases // per_average
    return [per_average] * (groups - 1) + [cases - per_average * (groups - 1)]


def test_coordinates_of_public_films_have_mean_0_and_variance_1() -> None:
    public = pictures(200)
    values = background(public, 20).coordinates(public)
    assert np.allclose(values.mean(0), 0, atol=1e-9)
    assert np.allclose(values.var(0, ddof=1), 1)


def test_the_membership_score_is_the_log_likelihood_ratio() -> None:
    known = background(pictures(200), 6)
    films, m = pictures(7, 1), 4
    average = films[:m].mean(0, keepdim=True)
    a, u = known.coordinates(average)[0], known.coordinates(films)

    def log_density(gap: np.ndarray, variance: float) -> np.ndarray:
        return -np.square(gap).sum(-1) / 2 / variance - 3 * np.log(2 * np.pi * variance)

    wanted = log_density(a - u / m, (m - 1) / m**2) - log_density(a, 1 / m)
    assert np.allclose(membership_scores(average, films, known, m), wanted)


def test_members_are_told_from_others_and_less_so_in_larger_averages() -> None:
    known, films = background(pictures(400), 30), pictures(400, 1)
    areas = []
    for m in (1, 2, 5, 20):
        scores, truth = [], []
        for start in range(0, 400 - 2 * m, 2 * m):
            group = films[start : start + 2 * m]
            scores += list(membership_scores(group[:m].mean(0, keepdim=True), group, known, m))
            truth += [1] * m + [0] * m
        areas.append(auc(truth, scores))
    assert areas[0] == 1
    assert areas == sorted(areas, reverse=True)
    assert 0.6 < areas[-1] < 0.95


def test_the_pair_behind_an_average_of_two_is_found_in_a_gallery() -> None:
    gallery = pictures(40, 2)
    known = background(pictures(200), 20)
    average = gallery[[7, 31]].mean(0, keepdim=True)
    assert best_pair(average, gallery, known) == (7, 31)


@pytest.mark.parametrize("per_average", [1, 2, 5, 20])
def test_two_messages_give_the_added_film_and_its_label(per_average: int) -> None:
    films = pictures(41)
    labels = torch.arange(41) % 3
    before = client_averages(Client("H", films[:40], labels[:40]), per_average, 3, seed=1)
    after = client_averages(Client("H", films, labels), per_average, 3, seed=2)
    film, label = added_together(before, after, sizes(40, per_average), sizes(41, per_average))
    assert np.allclose(film, films[40].numpy())
    assert label.round(6).tolist() == [0, 1, 0]


def test_labels_of_averages_are_the_counts_of_the_hospital() -> None:
    pool = client_averages(client(23), 5, 3, seed=0)
    assert class_counts(pool, sizes(23, 5)).round(6).tolist() == [8, 8, 7]


def test_who_knows_the_groups_gets_all_films_once_there_are_enough_averages() -> None:
    films, random = pictures(12).numpy(), np.random.default_rng(0)
    shares = np.zeros((0, 12))
    errors = []
    for _ in range(6):  # the hospital sends 4 averages of 3, mixed anew each time
        rows = np.kron(np.eye(4), np.ones((1, 3)) / 3)[:, random.permutation(12)]
        shares = np.concatenate([shares, rows])
        found = unmix(np.tensordot(shares, films, 1), shares)
        errors.append(np.abs(found - films).max())
    assert errors[0] > 0.1
    assert np.linalg.matrix_rank(shares) == 12
    assert errors[-1] < 1e-6


def test_larger_averages_show_more_clearly_which_machine_made_them() -> None:
    shift = pictures(2, 7)
    made = [pictures(200, k) + 0.1 * (shift[k] - 5) for k in range(2)]
    known = background(torch.cat(made), 20)
    right = []
    for m in (1, 20):
        averages = [part[:160].reshape(-1, m, 1, 8, 8).mean(1) for part in made]
        guess = whose(torch.cat(averages), [part[160:] for part in made], known)
        right.append(np.mean(guess == np.repeat([0, 1], 160 // m)))
    assert right[1] > right[0] + 0.1


def test_shuffling_keeps_the_averages_and_forgets_the_order() -> None:
    pools = [client_averages(client(20, k), 5, 3, k) for k in range(3)]
    together = shuffled(pools, seed=1)
    sent = torch.cat([pool.inputs for pool in pools])
    assert not torch.equal(together.inputs, sent)
    assert sorted(together.inputs.sum((1, 2, 3)).tolist()) == sorted(sent.sum((1, 2, 3)).tolist())


def test_averaging_again_keeps_the_sum_so_it_cannot_stop_the_difference_attack() -> None:
    pools = [client_averages(client(20, k), 5, 3, k) for k in range(3)]
    again = averaged_again(pools, 3, seed=0)
    assert len(again.inputs) == 4
    assert torch.allclose(again.inputs.mean(0), torch.cat([p.inputs for p in pools]).mean(0))
    with pytest.raises(Refused, match="too few"):
        averaged_again(pools[:1], 5, 0)


def test_a_small_hospital_sends_nothing() -> None:
    check_enough_cases(client(40), 40)
    with pytest.raises(Refused, match="39 cases"):
        check_enough_cases(client(39), 40)


@pytest.mark.parametrize(("cases", "wanted", "allowed"), [(100, 5, 5), (100, 80, 50), (12, 20, 6)])
def test_an_average_never_holds_the_whole_hospital(cases: int, wanted: int, allowed: int) -> None:
    assert allowed_per_average(cases, wanted) == allowed


def test_too_few_films_in_an_average_are_refused() -> None:
    with pytest.raises(Refused, match="below 5"):
        allowed_per_average(9, 20)
    with pytest.raises(Refused):
        allowed_per_average(100, 3)


def test_an_update_waits_until_enough_cases_changed() -> None:
    films, labels = pictures(50), torch.zeros(50, dtype=torch.long)
    states = [Client("H", films[:n], labels[:n]) for n in (40, 41, 50)]
    assert changed_share(states[0], states[1]) == pytest.approx(1 / 41)
    assert changed_share(None, states[0]) == 1
    with pytest.raises(Refused, match="2.4%"):
        check_changed_enough(states[0], states[1], 0.2)
    check_changed_enough(states[0], states[2], 0.2)
    assert len(guarded_averages(states[2], 5, 1, 0, before=states[0]).inputs) == 10
    with pytest.raises(Refused):
        guarded_averages(states[1], 5, 1, 0, before=states[0])


def test_nonsense_is_named() -> None:
    known = background(pictures(50), 5)
    with pytest.raises(ValueError, match="finite"):
        background(torch.full((9, 2, 2), torch.nan), 2)
    with pytest.raises(ValueError, match="more than"):
        background(pictures(5), 5)
    with pytest.raises(ValueError, match="pixels"):
        membership_scores(torch.zeros(1, 1, 4, 4), pictures(3), known, 2)
    with pytest.raises(ValueError, match="at least one"):
        membership_scores(pictures(1), pictures(3), known, 0)
    pool = Pool(pictures(3), torch.eye(3))
    with pytest.raises(ValueError, match="sizes"):
        added_together(pool, pool, [5, 5], [5, 5, 5])

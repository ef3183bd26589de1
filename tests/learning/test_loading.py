"""The order of cases: a fresh shuffle each epoch, fair shares for processes, nothing lost."""

import pytest
from tiny_training import Stripes

from course_lib.learning.loading import EpochOrder, begin_epoch, make_loader


def order(epoch, **settings):
    sampler = EpochOrder(**{"cases": 50, "seed": 1, "shuffle": True, **settings})
    sampler.set_epoch(epoch)
    return list(sampler)


def test_every_epoch_has_its_own_order_that_can_be_had_again():
    assert sorted(order(0)) == list(range(50))
    assert order(0) != order(1)
    assert order(3) == order(3)
    assert order(3) != order(3, seed=2)


@pytest.mark.parametrize("shuffle", [True, False])
def test_processes_share_the_cases(shuffle):
    shares = [order(2, rank=r, world=3, shuffle=shuffle) for r in range(3)]
    cases = [case for share in shares for case in share]
    assert len(set(cases)) == len(cases)
    if shuffle:
        assert {len(share) for share in shares} == {16}
    else:
        assert sorted(cases) == list(range(50))


def test_incomplete_last_batch():
    assert len(make_loader(Stripes(50), 16, shuffle=True)) == 3
    assert len(make_loader(Stripes(50), 16)) == 4
    assert len(make_loader(Stripes(10), 16, shuffle=True)) == 1


def test_begin_epoch_reaches_the_augmentation():
    dataset = Stripes(10)
    begin_epoch(make_loader(dataset, 4, shuffle=True), seed=0, epoch=7)
    assert dataset.epoch == 7


def test_more_processes_than_cases():
    with pytest.raises(ValueError, match="cannot be shared"):
        make_loader(Stripes(2), 1, shuffle=True, rank=0, world=3)


def test_a_set_without_length_is_refused():
    with pytest.raises(ValueError, match="no length"):
        make_loader(iter([]), 4)

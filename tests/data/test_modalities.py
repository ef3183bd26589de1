"""Pictures of nine kinds: reproducible, in range, and different where they must be."""

import numpy as np
import pytest

from course_lib.data.modalities import KINDS, drawn_sequence, picture_of, pictures_of
from course_lib.imaging.mr.sequences import weights


def test_the_same_seed_gives_the_same_pictures_between_0_and_1():
    one, again = (pictures_of(("PA film", "head CT", "T2"), [7, 8], 32) for _ in range(2))
    assert one.shape == (3, 2, 32, 32) and one.dtype == np.float32
    assert np.array_equal(one, again)
    assert one.min() >= 0 and one.max() <= 1
    assert not np.array_equal(one[:, 0], one[:, 1])


def test_every_kind_can_be_made_and_has_contrast():
    for kind in KINDS:
        assert picture_of(kind, 3, 32).std() > 0.05, kind


def test_csf_is_dark_on_t1_and_flair_and_bright_on_t2():
    rng = np.random.default_rng(0)
    for _ in range(10):
        for kind, csf_is_brighter in (("T1", False), ("FLAIR", False), ("T2", True)):
            signal = weights(drawn_sequence(kind, rng), ("csf", "white_matter"))
            assert (signal["csf"] > signal["white_matter"]) == csf_is_brighter, kind


def test_protocols_lie_where_their_names_say():
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert drawn_sequence("T1", rng).tr_ms < 1000
        assert drawn_sequence("T2", rng).te_ms >= 60 > drawn_sequence("PD", rng).te_ms
        assert 2000 < drawn_sequence("FLAIR", rng).ti_ms < 3500


def test_an_unknown_kind_is_refused_with_the_list():
    with pytest.raises(ValueError, match="chest CT"):
        picture_of("PET", 1)

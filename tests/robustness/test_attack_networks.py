"""What the lesson on adversarial films brings can be loaded; its tables fit together."""

import numpy as np
import pytest
import torch

from course_lib.robustness.attack_networks import (
    load_denoiser,
    load_detector,
    load_resnet,
    load_robust_classifier,
    load_sheet,
    load_table,
)


@pytest.fixture(name="films")
def grey_films():
    return torch.rand((3, 1, 64, 64), generator=torch.Generator().manual_seed(0))


def test_networks_are_at_rest_and_answer_in_their_shapes(films):
    with torch.no_grad():
        assert load_robust_classifier().logits(films).shape == (3, 6)
        for load, shape in ((load_resnet, (3, 6)), (load_denoiser, films.shape)):
            assert not load().training and load()(films).shape == shape
        assert load_detector()(films).shape == (3,)


def test_the_shipped_sheet_is_the_one_of_the_table():
    sheet, table = load_sheet(), load_table("physical").set_index("sheet")
    assert sheet.thickness_mm.shape == (14, 12) and sheet.thickness_mm.max() <= 0.5
    assert sheet.mass_g == pytest.approx(table.mass_g["designed"], rel=1e-3)
    np.testing.assert_allclose(table.share, table.hits / table.patients, atol=1e-3)


def test_recorded_accuracies_lie_in_their_intervals_and_start_with_clean_films():
    curves, checks = load_table("curves"), load_table("checks")
    for table in (curves, checks):
        assert ((table.low <= table.accuracy) & (table.accuracy <= table.high)).all()
    assert set(curves.network) == {"plain", "robust"}
    assert (curves.groupby("network").eps.min() == 0).all()
    assert checks.accuracy[0] == checks.accuracy.max() and checks.eps[0] == 0

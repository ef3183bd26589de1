"""Our measures of generated films against monai, torchmetrics, torch-fidelity and prdc."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.evaluation.generative.frechet import frechet_distance
from course_lib.evaluation.generative.inception import inception_score
from course_lib.evaluation.generative.kernel import kernel_distance
from course_lib.evaluation.generative.neighbours import density_coverage, precision_recall


@pytest.fixture(scope="module")
def clouds():
    random = np.random.default_rng(3)
    mixing = random.standard_normal((12, 12)) / 3
    real = random.standard_normal((300, 12)) @ mixing
    made = random.standard_normal((260, 12)) @ mixing * 1.1 + 0.2
    return real, made


def tensors(clouds):
    return [torch.from_numpy(cloud) for cloud in clouds]


def test_frechet_distance_of_monai(clouds):
    monai = pytest.importorskip("monai.metrics.fid")
    theirs = monai.get_fid_score(*tensors(clouds)).item()
    assert frechet_distance(*clouds, 0).value == pytest.approx(theirs, rel=1e-7)


def test_frechet_and_kernel_distance_of_torchmetrics(clouds):
    image = pytest.importorskip("torchmetrics.image")

    class Same(nn.Module):
        num_features = 12

        def forward(self, x):
            return x.reshape(len(x), -1)

    fid = image.fid.FrechetInceptionDistance(feature=Same(), normalize=True)
    fid.set_dtype(torch.float64)
    fid.update(tensors(clouds)[0], real=True)
    fid.update(tensors(clouds)[1], real=False)
    assert frechet_distance(*clouds, 0).value == pytest.approx(fid.compute().item(), rel=1e-6)
    real, made = clouds[0][:260], clouds[1]
    kid = image.kid.KernelInceptionDistance(feature=Same(), subsets=1, subset_size=260)
    kid.update(torch.from_numpy(real), real=True)
    kid.update(torch.from_numpy(made), real=False)
    theirs = kid.compute()[0].item()
    assert kernel_distance(real, made).value == pytest.approx(theirs, rel=1e-5, abs=1e-6)


def test_kernel_distance_and_regions_of_torch_fidelity(clouds):
    kid = pytest.importorskip("torch_fidelity.metric_kid")
    real, made = clouds[0][:260], clouds[1]
    theirs = kid.kernel_mmd(real, made)
    assert kernel_distance(real, made).value == pytest.approx(float(theirs), rel=1e-7)
    regions = pytest.importorskip("torch_fidelity.metric_prc")
    real, made = tensors(clouds)
    theirs = regions.calculate_precision_recall_full(made, real)  # generated films come first
    ours = precision_recall(*clouds)
    assert (ours.precision.value, ours.recall.value) == pytest.approx(theirs)


def test_inception_score_of_torch_fidelity(clouds):
    isc = pytest.importorskip("torch_fidelity.metric_isc")
    logits = torch.from_numpy(clouds[0] * 2)
    theirs = isc.isc_features_to_metric(logits, splits=1)["inception_score_mean"]
    assert inception_score(logits.softmax(1).numpy()).value == pytest.approx(theirs, rel=1e-7)


def test_regions_of_prdc(clouds):
    prdc = pytest.importorskip("prdc")
    theirs = prdc.compute_prdc(*clouds, nearest_k=5)
    ours, dense = precision_recall(*clouds, k=5), density_coverage(*clouds, k=5)
    assert ours.precision.value == pytest.approx(theirs["precision"])
    assert ours.recall.value == pytest.approx(theirs["recall"])
    assert dense.density.value == pytest.approx(theirs["density"])
    assert dense.coverage.value == pytest.approx(theirs["coverage"])

"""The same features through other people's implementations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance, poly_mmd

from gan_core.metrics.frechet import frechet_distance, moments
from gan_core.metrics.inception import build_inception, feature_network, inception_features
from gan_core.metrics.kernel import kernel_distance, kernel_distance_of_subsets
from gan_core.metrics.manifold import compare_manifolds


def features(count: int, seed: int, scale: float = 1.0) -> Tensor:
    """Not negative, half of them 0 and correlated, as a classifier's are."""
    source = torch.Generator().manual_seed(seed)
    mixed = torch.randn(count, 24, generator=source) @ torch.randn(24, 64, generator=torch.Generator().manual_seed(7))
    return (scale * mixed / 5).relu()


REAL, GENERATED = features(900, 1), features(800, 2, 1.15)


class Passed(nn.Module):
    """An extractor whose pictures are the features themselves."""

    num_features = 64

    def forward(self, images: Tensor) -> Tensor:
        return images


def test_frechet_distance_is_torchmetrics() -> None:
    metric = FrechetInceptionDistance(feature=Passed(), normalize=False, input_img_size=(64,), antialias=False)
    metric.set_dtype(torch.float64)
    metric.update(REAL.double(), real=True)
    metric.update(GENERATED.double(), real=False)
    ours = frechet_distance(moments(REAL), moments(GENERATED))
    assert ours == pytest.approx(metric.compute().item(), rel=1e-3)


@pytest.mark.parametrize("count", [40, 800])  # fewer pictures than features too
def test_frechet_distance_is_torch_fidelitys(count: int) -> None:
    first, second = (fid_features_to_statistics(part) for part in (REAL, GENERATED[:count]))
    theirs = fid_statistics_to_metric(first, second, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(moments(REAL), moments(GENERATED[:count])) == pytest.approx(float(theirs), rel=1e-3)


def test_kernel_distance_is_torchmetrics() -> None:
    size = min(len(REAL), len(GENERATED))
    first, second = REAL[:size].double(), GENERATED[:size].double()
    assert kernel_distance(first, second) == pytest.approx(poly_mmd(first, second).item(), rel=1e-9)
    metric = KernelInceptionDistance(feature=Passed(), subsets=80, subset_size=300)
    torch.manual_seed(0)
    metric.update(REAL, real=True)
    metric.update(GENERATED, real=False)
    mean, deviation = (value.item() for value in metric.compute())
    ours, spread = kernel_distance_of_subsets(REAL, GENERATED, subsets=80, size=300)
    assert ours == pytest.approx(mean, abs=4 * deviation / 80**0.5)  # other subsets, so up to their scatter
    assert spread == pytest.approx(deviation, rel=0.5)


def test_kernel_distance_of_subsets_is_torch_fidelitys() -> None:
    """Subsets as large as the sets are the whole sets for both."""
    both = (REAL[:800], GENERATED)
    theirs = kid_features_to_metric(*both, kid_subsets=2, kid_subset_size=800, verbose=False, rng_seed=1)
    ours, _ = kernel_distance_of_subsets(*both, subsets=2, size=800)
    assert ours == pytest.approx(float(theirs["kernel_inception_distance_mean"]), rel=1e-3)


def test_manifolds_are_prdcs() -> None:
    theirs = compute_prdc(REAL.double().numpy(), GENERATED.double().numpy(), nearest_k=5)
    ours = compare_manifolds(REAL, GENERATED, neighbours=5, fewer=5)
    for name in ("precision", "recall", "density", "coverage"):
        assert getattr(ours, name) == pytest.approx(float(theirs[name]), abs=1e-3)
        assert 0 < getattr(ours, name) < 2
    assert np.isfinite(theirs["density"])


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 96, 80)])
def test_inception_features_are_torch_fidelitys(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    """With random weights, which any file of the same layout would serve; only the real file has FID's numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = build_inception()
        for name, parameter in network.named_parameters():
            if name.endswith("conv.weight"):  # so that no layer dies out or explodes
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        images = torch.randint(256, (2, *shape), dtype=torch.uint8)
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    theirs = FeatureExtractorInceptionV3("random", ["2048"], str(tmp_path / "weights.pth"))
    (expected,) = theirs(images.expand(-1, 3, -1, -1).contiguous())
    found = inception_features(feature_network(network), images)
    assert found.shape == (2, 2048)
    assert found.std() > 0.01
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.abs().mean().item())

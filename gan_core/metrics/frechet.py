"""The Fréchet distance of two sets of features: how far apart their means and their covariances are.

Dowson & Landau 1982, "The Fréchet distance between multivariate normal distributions"; with Inception's features it is
the FID of Heusel et al. 2017 (arXiv:1706.08500), with any other features it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """The ``mean`` (F,) and the unbiased ``covariance`` (F, F) of a set of features, both float64."""

    mean: Tensor
    covariance: Tensor


def moments(features: Tensor) -> Moments:
    """Of features (N, F) of any float dtype, N ≥ 2; computed in float64.

    Raises:
        ValueError: fewer than two rows.
    """
    if features.shape[0] < 2:
        raise ValueError(f"a covariance needs two rows of features or more; there are {features.shape[0]}")
    rows = features.double()
    mean = rows.mean(0)
    centred = rows - mean
    return Moments(mean, centred.T @ centred / (rows.shape[0] - 1))


def frechet_distance(first: Moments, second: Moments) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½), at least 0, symmetric, for covariances of any rank.

    tr (Σ₁Σ₂)^½ is the sum of the singular values of Σ₁^½ Σ₂^½. Unlike the eigenvalues of Σ₁Σ₂, whose roots they are,
    these keep their digits when they are small, so fewer pictures than features do no harm.
    """
    shift = (first.mean - second.mean).square().sum()
    overlap = torch.linalg.svdvals(_root(first.covariance) @ _root(second.covariance)).sum()
    distance = shift + first.covariance.trace() + second.covariance.trace() - 2 * overlap
    return max(float(distance), 0.0)


def _root(covariance: Tensor) -> Tensor:
    """The symmetric square root; eigenvalues that only rounding keeps from 0 count as 0."""
    values, vectors = torch.linalg.eigh(covariance)
    noise = values[-1].clamp_min(0) * values.shape[0] * torch.finfo(values.dtype).eps
    roots = torch.where(values > noise, values, 0).sqrt()
    root: Tensor = (vectors * roots) @ vectors.T
    return root

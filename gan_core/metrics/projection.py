"""A flat map of features, fitted once on real pictures, on which generated ones can be placed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

SHRINKAGE = 1e-3  # of the scatter within classes towards a multiple of the identity, which keeps it invertible


@dataclass(frozen=True)
class Projection:
    """(x − ``mean``) · ``axes``: from features (N, F) to places (N, 2); both float64."""

    mean: Tensor
    axes: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        return (features.double() - self.mean) @ self.axes


def principal_axes(features: Tensor) -> Projection:
    """The two directions in which features (N, F), F ≥ 2, differ most (Pearson 1901)."""
    mean = features.double().mean(0)
    vectors = torch.linalg.svd(features.double() - mean, full_matrices=False).Vh[:2]  # (2, F)
    return Projection(mean, _upright(vectors.T))


def discriminant_axes(features: Tensor, labels: Tensor) -> Projection:
    """The two directions that keep most pairs of classes apart.

    Fisher's discriminants spend the plane on the classes that are far from all others anyway. Here each pair counts by
    how much its separation lowers the error of telling the two apart: the approximate pairwise accuracy criterion of
    Loog, Duin & Haeb-Umbach 2001, "Multiclass linear dimension reduction by weighted pairwise Fisher criteria", eq. 10.

    Args:
        features: (N, F), F ≥ 2.
        labels: int64 (N,), at least three different ones, each with two pictures or more.
    """
    rows, mean = features.double(), features.double().mean(0)
    groups = [rows[labels == label] for label in sorted(set(labels.tolist()))]
    shares = [len(group) / len(rows) for group in groups]
    within = sum(
        (share * torch.cov(group.T, correction=0) for share, group in zip(shares, groups, strict=True)),
        torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.float64),
    )
    size = within.diagonal().mean()
    values, vectors = torch.linalg.eigh(within + SHRINKAGE * size * torch.eye(len(within), dtype=torch.float64))
    whiten = vectors * values.rsqrt()  # (F, F): within these coordinates every class is about as wide as 1
    centres = torch.stack([group.mean(0) for group in groups]) @ whiten  # (classes, F)
    between = torch.zeros_like(within)
    for first in range(len(groups)):
        for second in range(first):
            apart = centres[first] - centres[second]
            between += shares[first] * shares[second] * _pair_weight(apart.norm().item()) * torch.outer(apart, apart)
    axes = whiten @ torch.linalg.eigh(between).eigenvectors[:, [-1, -2]]
    return Projection(mean, _upright(axes))


def _pair_weight(distance: float) -> float:
    """ω(Δ) = erf(Δ / 2√2) / 2Δ²; 0 for classes in one place, which no direction can tell apart."""
    return math.erf(distance / (2 * math.sqrt(2))) / (2 * distance**2) if distance > 0 else 0.0


def _upright(axes: Tensor) -> Tensor:
    """The same axes (F, 2), each with its largest entry positive: a decomposition leaves their signs open."""
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    return axes * torch.where(largest < 0, -1.0, 1.0)

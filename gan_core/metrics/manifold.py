"""Fidelity and variety apart: precision, recall, density and coverage.

Each picture's neighbourhood is the ball around its features that reaches its k-th nearest neighbour of its own set.
Precision and recall: Kynkäänniemi et al. 2019 (arXiv:1904.06991), equation 1. Density and coverage: Naeem et al. 2020,
"Reliable Fidelity and Diversity Metrics for Generative Models" (arXiv:2002.09797), equations 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_core.metrics.distances import distance_blocks

NEIGHBOURS = 5  # k of density and coverage (Naeem et al., section 4)
FEWER_NEIGHBOURS = 3  # k of precision and recall (Kynkäänniemi et al., section 3)


@dataclass(frozen=True)
class Manifold:
    """How two sets lie in one another; density may exceed 1, the others are shares.

    ``precision``: share of the generated pictures in a real neighbourhood. ``recall``: share of the real ones in a
    generated neighbourhood. ``density``: how many real neighbourhoods hold a generated picture, as a multiple of what
    is expected of a real one. ``coverage``: share of the real neighbourhoods that hold a generated picture.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def compare_manifolds(
    real: Tensor, generated: Tensor, *, neighbours: int = NEIGHBOURS, fewer: int = FEWER_NEIGHBOURS
) -> Manifold:
    """Of features (N, F) and (M, F), each with more rows than ``neighbours``; in float64.

    Args:
        neighbours: k of density and coverage.
        fewer: k of precision and recall.
    """
    near_real, far_real = neighbour_radii(real, (fewer, neighbours))
    (near_generated,) = neighbour_radii(generated, (fewer,))
    inside = 0
    covered, recalled = (torch.zeros(len(real), dtype=torch.bool, device=real.device) for _ in range(2))
    precise = torch.zeros(len(generated), dtype=torch.bool, device=real.device)
    for rows, distances in distance_blocks(real, generated):  # (B, M)
        held = distances <= far_real[rows, None]
        inside += int(held.sum())
        covered[rows] = held.any(1)
        precise |= (distances <= near_real[rows, None]).any(0)
        recalled[rows] = (distances <= near_generated).any(1)
    return Manifold(
        precision=precise.double().mean().item(),
        recall=recalled.double().mean().item(),
        density=inside / (neighbours * len(generated)),
        coverage=covered.double().mean().item(),
    )


def precision(real: Tensor, generated: Tensor, neighbours: int = FEWER_NEIGHBOURS) -> float:
    """:class:`Manifold`'s precision alone; recall is the same with the two sets exchanged."""
    (radii,) = neighbour_radii(real, (neighbours,))
    precise = torch.zeros(len(generated), dtype=torch.bool, device=real.device)
    for rows, distances in distance_blocks(real, generated):
        precise |= (distances <= radii[rows, None]).any(0)
    return precise.double().mean().item()


def neighbour_radii(features: Tensor, neighbours: tuple[int, ...]) -> tuple[Tensor, ...]:
    """For each k of ``neighbours`` the distances (N,), float64, from each row of (N, F) to its k-th nearest other row.

    Raises:
        ValueError: there are no more rows than the largest k.
    """
    most = max(neighbours)
    if len(features) <= most:
        raise ValueError(f"{most} neighbours need more than {most} rows of features; there are {len(features)}")
    nearest = torch.empty(len(features), most + 1, dtype=torch.float64, device=features.device)
    for rows, distances in distance_blocks(features, features):
        nearest[rows] = distances.topk(most + 1, largest=False).values  # the first is the row itself
    return tuple(nearest[:, k] for k in neighbours)

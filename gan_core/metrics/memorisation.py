"""Whether a generator repeats its training pictures: the nearest ones, and how many are suspiciously near.

A picture is called a near-copy if its nearest training picture stands out from the second nearest more than that of
all but one in a hundred real pictures that were never trained on. The ratio of the two distances tells copies from
pictures of plain classes, which lie near to many others (Yoon et al. 2023, "Diffusion Probabilistic Models Generalize
when They Fail to Memorize").
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_core.metrics.distances import distance_blocks

HELD_OUT_SHARE = 0.01  # of real held-out pictures that the threshold lets pass as near-copies


@dataclass(frozen=True)
class Nearest:
    """For each picture its nearest training pictures: ``indices`` int64 (N, k) and ``distances`` float64 (N, k)."""

    indices: Tensor
    distances: Tensor

    @property
    def ratios(self) -> Tensor:
        """Nearest over second nearest distance, float64 (N,) in [0, 1]; 1 where both are 0."""
        first, second = self.distances[:, 0], self.distances[:, 1]
        return torch.where(second > 0, first / second, 1.0)


def nearest_training(vectors: Tensor, training: Tensor, count: int = 2) -> Nearest:
    """The ``count`` nearest of ``training`` (M, F), the nearest first, for each of ``vectors`` (N, F).

    Args:
        vectors, training: features, or pictures flattened to (N, C·H·W); distances have their unit.
    """
    found = [distances.topk(count, largest=False) for _, distances in distance_blocks(vectors, training)]
    return Nearest(torch.cat([part.indices for part in found]), torch.cat([part.values for part in found]))


def copy_threshold(held_out: Nearest) -> float:
    """The ratio below which a picture is a near-copy: HELD_OUT_SHARE of the held-out real pictures lie below it."""
    return torch.quantile(held_out.ratios, HELD_OUT_SHARE).item()


def near_copies(nearest: Nearest, threshold: float) -> float:
    """Share of the pictures whose ratio is below the threshold."""
    return (nearest.ratios < threshold).double().mean().item()

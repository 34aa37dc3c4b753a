"""The kernel distance: the squared maximum mean discrepancy under the cubic kernel (x·y / F + 1)³.

Bińkowski, Sutherland, Arbel & Gretton 2018, "Demystifying MMD GANs" (arXiv:1801.01401), section 4. Unlike the Fréchet
distance its estimate does not depend on the number of pictures: for equal distributions it is 0 on average, and so may
be a little below 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gan_core.metrics.distances import block_size


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """The unbiased estimate of MMD² from features (N, F) and (M, F), N, M ≥ 2; in float64.

    Raises:
        ValueError: fewer than two rows in either.
    """
    first, second = first.double(), second.double()
    return _mean_of_pairs(first) + _mean_of_pairs(second) - 2 * _kernel_sum(first, second) / (len(first) * len(second))


def kernel_distance_of_subsets(
    first: Tensor, second: Tensor, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """(mean, standard deviation) of :func:`kernel_distance` over random subsets, as the paper reports it.

    Args:
        size: rows of each subset, drawn without replacement from either set; at most as many as each has.
    """
    source = torch.Generator().manual_seed(seed)
    estimates = torch.tensor([
        kernel_distance(
            first[torch.randperm(len(first), generator=source)[:size]],
            second[torch.randperm(len(second), generator=source)[:size]],
        )
        for _ in range(subsets)
    ], dtype=torch.float64)  # fmt: skip
    return estimates.mean().item(), estimates.std(correction=0).item()


def _mean_of_pairs(features: Tensor) -> float:
    """The kernel's mean over all pairs of different rows."""
    count = len(features)
    if count < 2:
        raise ValueError(f"the kernel distance needs two rows of features or more; there are {count}")
    itself = (features.square().sum(1) / features.shape[1] + 1).pow(3).sum().item()
    return (_kernel_sum(features, features) - itself) / (count * (count - 1))


def _kernel_sum(rows: Tensor, columns: Tensor) -> float:
    parts = torch.split(rows, block_size(len(columns)))
    products = (part @ columns.T for part in parts)
    return sum((product.div_(rows.shape[1]).add_(1).pow_(3).sum().item() for product in products), 0.0)

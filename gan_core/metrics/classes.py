"""What the pictures show, class by class: counts, their divergence from the data's, obedience, fidelity, diversity."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gan_core.metrics.manifold import FEWER_NEIGHBOURS, precision

COVERED_SHARE = 0.1  # of the share that a class has in the data, from which it counts as covered


def class_histogram(read: Tensor, classes: int) -> Tensor:
    """How many pictures show each class, int64 (classes,), from the classes read in them, int64 (N,)."""
    return torch.bincount(read, minlength=classes)


def histogram_divergence(generated: Tensor, real: Tensor) -> float:
    """KL(generated ‖ real) in nats of two histograms (classes,); infinite where a class is not in the real one.

    As in Srivastava et al. 2017, "VEEGAN" (arXiv:1705.07761), classes that are never generated contribute nothing.
    """
    p, q = generated.double() / generated.sum(), real.double() / real.sum()
    present = p > 0
    if bool((q[present] == 0).any()):
        return math.inf
    return max((p[present] * (p[present] / q[present]).log()).sum().item(), 0.0)


def covered_classes(generated: Tensor, real: Tensor, share: float = COVERED_SHARE) -> Tensor:
    """Whether each class appears at least at ``share`` of its frequency in the data: bool (classes,).

    Classes that the data lacks are not covered.
    """
    p, q = generated.double() / generated.sum(), real.double() / real.sum()
    return (p >= share * q) & (q > 0) & (p > 0)


def obedience(read: Tensor, asked: Tensor) -> float:
    """Share of the pictures in which the class asked for is read; both int64 (N,)."""
    return (read == asked).double().mean().item()


def obedience_of_classes(read: Tensor, asked: Tensor, classes: int) -> list[float]:
    """:func:`obedience` for each class asked for; NaN where it was never asked for."""
    return [obedience(read[asked == number], asked[asked == number]) for number in range(classes)]


def class_fidelity(real: Tensor, generated: Tensor, neighbours: int = FEWER_NEIGHBOURS) -> float:
    """Precision within one class: share of its generated pictures in the neighbourhood of a real picture of it.

    Args:
        real, generated: features (N, F) and (M, F) of the pictures of one class.

    Returns:
        NaN where nothing was generated or too few real pictures are there.
    """
    if len(generated) == 0 or len(real) <= neighbours:
        return math.nan
    return precision(real, generated, neighbours)


def class_diversity(real: Tensor, generated: Tensor) -> float:
    """How much the generated pictures of a class differ among themselves, relative to the real ones: 1 is as much.

    The ratio of the root mean square distances to the mean, in features (N, F) and (M, F). NaN where either has fewer
    than two pictures or the real ones do not differ.
    """
    if min(len(real), len(generated)) < 2:
        return math.nan
    spread_real, spread = spread_of(real), spread_of(generated)
    return spread / spread_real if spread_real > 0 else math.nan


def spread_of(features: Tensor) -> float:
    """Root mean square distance of features (N, F), N ≥ 2, to their mean; 0 where all are equal."""
    return features.double().var(0, correction=1).sum().sqrt().item()

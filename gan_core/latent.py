"""Ways from one latent to another: straight, along the sphere, and true to the distribution that the generator knows.

A generator has only ever seen draws from one distribution. The straight line between two draws leaves it: half way, the
mean of two N(0, 1) latents has √½ of their usual length, and the mean of two uniform ones crowds around 0. *Matched*
mixing (Agustsson, Sage, Timofte & Van Gool 2019, "Optimal Transport Maps For Distribution Preserving Operations on
Latent Spaces of Generative Models") moves each component of the weighted sum by the monotone map that gives it back the
distribution of a single draw: the smallest change that does so.

All functions are pure, compute in float64 and return the dtype of the anchors. An anchor is reached exactly.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

MODES = ("matched", "slerp", "lerp")
DISTRIBUTIONS = ("normal", "uniform")
MOST_ANCHORS = 4  # that one mixture may have

# Two-point Gauss-Legendre quadrature: exact for polynomials up to the third degree.
_NODES = (-1 / math.sqrt(3), 1 / math.sqrt(3))
_NO_WEIGHT = 1e-300  # stands for a weight of 0 beside a weight of 1, so that it may divide


def lerp(anchors: Tensor, weights: Tensor) -> Tensor:
    """The weighted sums (n, size) of anchors (k, size) under weights (n, k)."""
    return _weighted(anchors, weights).to(dtype=anchors.dtype)


def matched(anchors: Tensor, weights: Tensor, distribution: str) -> Tensor:
    """Weighted sums with the distribution of a single draw again (Agustsson et al. 2019, table 1).

    Args:
        anchors: (k, size), k ≤ 4, independent draws; anchors that are equal count as one with their summed weight.
        weights: (n, k), not all zero in a row; only their ratios matter.
        distribution: "normal" for N(0, 1), "uniform" for U(-1, 1).

    Returns:
        (n, size) like the anchors.

    Raises:
        ValueError: too many anchors, an unknown distribution, or a row without weight.
    """
    if anchors.shape[0] > MOST_ANCHORS:
        raise ValueError(f"at most {MOST_ANCHORS} anchors can be mixed; there are {anchors.shape[0]}")
    weights = _merge_equal(anchors, weights.double())
    if not bool(weights.abs().sum(1).all()):
        raise ValueError("each row of weights needs one that is not 0")
    sums = _weighted(anchors, weights)
    if distribution == "normal":
        lengths: Tensor = torch.linalg.vector_norm(weights, dim=1, keepdim=True)
        return (sums / lengths).to(anchors.dtype)
    if distribution == "uniform":
        return uniform_of_sum(sums, weights).to(anchors.dtype)
    raise ValueError(f"the distribution must be one of {', '.join(DISTRIBUTIONS)}; it is {distribution!r}")


def uniform_of_sum(sums: Tensor, weights: Tensor) -> Tensor:
    """The map F_U⁻¹ ∘ F_sum that makes Σ wᵢuᵢ, uᵢ ~ U(-1, 1) independent, uniform in [-1, 1] again.

    For U(-1, 1) it is 2 F_sum(s) - 1: odd, increasing, and a piecewise polynomial of degree k. The textbook form, an
    alternating sum of truncated powers over 2ᵏ ∏ wᵢ, loses all digits when a weight is small. Here F comes from the
    closed form for the two largest weights, and each further one averages it over [-w, w]; the quadrature is exact
    between the kinks, all its weights are positive, and nothing cancels.

    Args:
        sums: float64 (n, size).
        weights: float64 (n, k), k ≤ 4; signs and common scale do not matter.
    """
    ordered = weights.abs().sort(dim=1, descending=True).values  # (n, k)
    scale = ordered[:, :1]
    columns = [column.unsqueeze(1).clamp_min(_NO_WEIGHT) for column in (ordered / scale).unbind(1)]  # k of (n, 1)
    return _uniform(sums / scale, columns[1:]).clamp(-1, 1)


def slerp(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Along the great circle from ``start`` to ``end`` (Shoemake 1985), the norm growing linearly.

    Between opposite vectors any half circle is as short; one is picked by a fixed rule. From or to the zero vector,
    which has no direction, the way is straight.

    Args:
        start, end: (..., size).
        t: (...), in [0, 1].
    """
    a, b, t = start.double(), end.double(), t.double().unsqueeze(-1)
    norm_a, norm_b = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    unit_a = torch.where(norm_a > 0, a / norm_a, b / norm_b).nan_to_num(0.0)
    unit_b = torch.where(norm_b > 0, b / norm_b, unit_a)
    # Accurate for nearly parallel and nearly opposite vectors, where the arc cosine is not (Kahan 2006).
    angle = 2 * torch.atan2((unit_a - unit_b).norm(dim=-1, keepdim=True), (unit_a + unit_b).norm(dim=-1, keepdim=True))
    direction = torch.cos(t * angle) * unit_a + torch.sin(t * angle) * _perpendicular(unit_a, unit_b)
    way = ((1 - t) * norm_a + t * norm_b) * direction
    return torch.where(t <= 0, a, torch.where(t >= 1, b, way)).to(start.dtype)


def path(
    anchors: Tensor, frames: int, mode: str, *, closed: bool = False, distribution: str = "normal"
) -> Tensor:
    """Latents (frames, size) at even steps through anchors (k, size), k ≥ 2, from one to the next.

    Args:
        mode: one of MODES.
        closed: go on from the last anchor to the first; the first frame is not repeated at the end.
        distribution: the one that the anchors were drawn from; only "matched" uses it.
    """
    starts, ends, t = _legs(anchors.shape[0], frames, closed)
    if mode == "slerp":
        return slerp(anchors[starts], anchors[ends], t)
    return _mix(anchors, path_weights(anchors.shape[0], frames, closed=closed), mode, distribution)


def path_weights(count: int, frames: int, *, closed: bool = False) -> Tensor:
    """The share of each of ``count`` anchors in each frame of :func:`path`, float64 (frames, count); rows sum to 1."""
    starts, ends, t = _legs(count, frames, closed)
    weights = torch.zeros(frames, count, dtype=torch.float64)
    weights.scatter_add_(1, starts.unsqueeze(1), (1 - t).unsqueeze(1))
    return weights.scatter_add_(1, ends.unsqueeze(1), t.unsqueeze(1))


def grid(corners: Tensor, rows: int, columns: int, mode: str, *, distribution: str = "normal") -> Tensor:
    """Latents (rows · columns, size) in reading order between four corners (4, size).

    Args:
        corners: top left, top right, bottom left, bottom right.
        mode, distribution: as in :func:`path`.
    """
    if mode == "slerp":
        down, right = _steps(rows).repeat_interleave(columns), _steps(columns).repeat(rows)
        top = slerp(corners[:1].double(), corners[1:2].double(), right)
        bottom = slerp(corners[2:3].double(), corners[3:].double(), right)
        return slerp(top, bottom, down).to(corners.dtype)
    return _mix(corners, grid_weights(rows, columns), mode, distribution)


def grid_weights(rows: int, columns: int) -> Tensor:
    """The bilinear share of each corner in each cell of :func:`grid`, float64 (rows · columns, 4); rows sum to 1."""
    down, right = _steps(rows).repeat_interleave(columns), _steps(columns).repeat(rows)
    return torch.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], dim=1)


def _weighted(anchors: Tensor, weights: Tensor) -> Tensor:
    sums: Tensor = weights.double() @ anchors.double()  # (n, size)
    return sums


def _mix(anchors: Tensor, weights: Tensor, mode: str, distribution: str) -> Tensor:
    if mode == "lerp":
        return lerp(anchors, weights)
    if mode == "matched":
        return matched(anchors, weights, distribution)
    raise ValueError(f"the mode must be one of {', '.join(MODES)}; it is {mode!r}")


def _legs(count: int, frames: int, closed: bool) -> tuple[Tensor, Tensor, Tensor]:
    """(from which anchor, to which, how far in [0, 1]) for each frame."""
    if count < 2 or frames < 2:
        raise ValueError(f"a path needs two anchors and two frames or more; it has {count} and {frames}")
    legs, steps = (count, frames) if closed else (count - 1, frames - 1)
    travelled = torch.arange(frames) * legs  # whole numbers, so that anchors are met exactly
    starts = (travelled // steps).clamp_max(legs - 1)
    return starts, (starts + 1) % count, (travelled - starts * steps).double() / steps


def _steps(count: int) -> Tensor:
    return torch.arange(count, dtype=torch.float64) / max(count - 1, 1)


def _merge_equal(anchors: Tensor, weights: Tensor) -> Tensor:
    """Weights with those of equal anchors summed on the first of them: equal draws are not independent."""
    equal = (anchors.unsqueeze(0) == anchors.unsqueeze(1)).all(2)  # (k, k)
    first = equal.int().argmax(1)  # of each anchor's equals
    return torch.zeros_like(weights).index_add_(1, first, weights)


def _perpendicular(unit_a: Tensor, unit_b: Tensor) -> Tensor:
    """The unit vector at right angles to ``unit_a`` on the side of ``unit_b``."""
    rest = unit_b - (unit_a * unit_b).sum(-1, keepdim=True) * unit_a
    rest = rest - (unit_a * rest).sum(-1, keepdim=True) * unit_a  # twice is enough (Kahan; Giraud et al. 2005)
    axis = torch.zeros_like(unit_a).scatter_(-1, unit_a.abs().argmin(-1, keepdim=True), 1.0)
    fallback = axis - (unit_a * axis).sum(-1, keepdim=True) * unit_a
    rest = torch.where(rest.norm(dim=-1, keepdim=True) > 1e-12, rest, fallback)
    unit: Tensor = rest / rest.norm(dim=-1, keepdim=True)
    return unit.nan_to_num(0.0)


def _uniform(sums: Tensor, weights: list[Tensor]) -> Tensor:
    """2 F(s) - 1 for the sum of U(-1, 1) with weight 1 and of those with falling ``weights`` (n, 1) in (0, 1]."""
    if not weights:
        return sums.clamp(-1, 1)
    if len(weights) == 1:
        return _trapezoid(sums, weights[0])
    *others, width = weights
    one = torch.ones_like(sums)
    kinks = [one, -one]
    for weight in others:
        kinks = [kink + sign * weight for kink in kinks for sign in (1, -1)]
    edges = torch.stack([((sums - kink) / width).clamp(-1, 1) for kink in kinks]).sort(dim=0).values
    mean = torch.zeros_like(sums)
    for low, high in itertools.pairwise([-one, *edges, one]):
        centre, half = (low + high) / 2, (high - low) / 2
        for node in _NODES:
            mean += half / 2 * _uniform(sums - width * (centre + half * node), others)
    return mean


def _trapezoid(sums: Tensor, width: Tensor) -> Tensor:
    """:func:`_uniform` for two: the density of the sum is a trapezoid, so 1 - |result| is a square at its feet."""
    size = sums.abs()
    left = (1 + width - size).clamp_min(0).minimum(2 * width)  # to the end of the support
    return torch.where(size <= 1 - width, size, 1 - left / (2 * width) * (left / 2)) * sums.sign()

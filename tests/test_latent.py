"""Ways between latents: exact ends, closed forms, and distributions that stay what they were."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from gan_core import latent

SIZE = 40
WEIGHTS = [
    (1, 1), (0.5, 1e-9), (1, 1, 1), (0.25, 0.25, 0.25, 0.25), (5, 4, 3, 2), (0.7, 0.2, 0.1, 0),
    (1, 1e-3, 1e-3, 1e-3), (1, 1e-5, 1e-6, 1e-7), (1, 1, 1e-12, 1e-12), (0.3, -0.3, 0.3, 0.1), (1e-200, 2e-200),
]  # fmt: skip


def draw(count: int, distribution: str, size: int = SIZE, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    z = torch.empty(count, size)
    return z.normal_(generator=source) if distribution == "normal" else z.uniform_(-1, 1, generator=source)


def exact_cdf(s: float, weights: tuple[float, ...]) -> Fraction:
    """P(Σ wᵢuᵢ ≤ s) as the alternating sum of truncated powers, in rational numbers."""
    widths = [abs(Fraction(weight)) for weight in weights if weight]
    total = Fraction(0)
    for signs in itertools.product((1, -1), repeat=len(widths)):
        reach = Fraction(s) + sum(sign * width for sign, width in zip(signs, widths, strict=True))
        total += math.prod(signs) * max(reach, Fraction(0)) ** len(widths)
    return total / (math.factorial(len(widths)) * 2 ** len(widths) * math.prod(widths))


def worst_gap(samples: np.ndarray, distribution: str) -> float:
    """The Kolmogorov-Smirnov distance between samples and N(0, 1) or U(-1, 1)."""
    ordered = np.sort(samples.ravel())
    if distribution == "normal":
        cdf = np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in ordered])
    else:
        cdf = (ordered + 1) / 2
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max(np.abs(cdf - steps[1:]).max(), np.abs(cdf - steps[:-1]).max()))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_uniform_map_is_the_exact_distribution_function(weights: tuple[float, ...]) -> None:
    reach = sum(abs(weight) for weight in weights)
    inside = np.random.default_rng(0).uniform(-1, 1, 60) * reach
    kinks = [sum(signed) for signed in itertools.product(*((weight, -weight) for weight in weights))]
    sums = np.concatenate([inside, kinks, [0.0, 1e-12 * reach]])
    ours = latent.uniform_of_sum(torch.tensor(sums)[None], torch.tensor([weights], dtype=torch.float64))[0]
    wanted = [float(2 * exact_cdf(value, weights) - 1) for value in sums]
    assert np.abs(ours.numpy() - wanted).max() < 1e-14


def test_the_uniform_map_agrees_with_counting_random_sums() -> None:
    weights = np.array([0.6, 0.3, 0.2, 0.1])
    sums = np.sort(np.random.default_rng(1).uniform(-1, 1, (200_000, 4)) @ weights)
    asked = np.linspace(-1.1, 1.1, 23)
    counted = 2 * np.searchsorted(sums, asked) / len(sums) - 1
    ours = latent.uniform_of_sum(torch.tensor(asked)[None], torch.tensor(weights)[None])[0].numpy()
    assert np.abs(ours - counted).max() < 4 / math.sqrt(len(sums))


def test_the_uniform_map_rises_and_is_odd() -> None:
    weights = torch.tensor([[0.4, 0.3, 0.2, 0.1]], dtype=torch.float64)
    sums = torch.linspace(-1.2, 1.2, 501, dtype=torch.float64)[None]
    mapped = latent.uniform_of_sum(sums, weights)
    assert bool((mapped.diff() >= 0).all())
    assert torch.allclose(mapped, -mapped.flip(1), atol=1e-15, rtol=0)
    assert mapped[0, 0] == -1 and mapped[0, -1] == 1


def test_two_equal_uniforms_have_the_triangle_law() -> None:
    sums = torch.tensor([[-1.0, -0.5, 0.0, 0.25, 1.0]], dtype=torch.float64)  # of u₁/2 + u₂/2: F is (1 + s)²/2 below 0
    wanted = torch.tensor([[-1.0, -0.75, 0.0, 0.4375, 1.0]], dtype=torch.float64)
    assert torch.equal(latent.uniform_of_sum(sums, torch.tensor([[0.5, 0.5]], dtype=torch.float64)), wanted)


@pytest.mark.parametrize("distribution", latent.DISTRIBUTIONS)
@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.9, 0.1), (0.2, 0.3, 0.5), (0.25, 0.25, 0.25, 0.25)])
def test_matched_mixing_keeps_the_distribution(distribution: str, weights: tuple[float, ...]) -> None:
    anchors = draw(len(weights), distribution, size=20_000)
    mixed = latent.matched(anchors, torch.tensor([weights]), distribution).numpy()
    bound = 1.63 / math.sqrt(mixed.size)  # 99 % of honest draws stay below it
    assert 0 < worst_gap(mixed, distribution) < bound
    straight = latent.lerp(anchors, torch.tensor([weights])).numpy()
    assert worst_gap(straight, distribution) > bound


def test_matched_normal_mixing_divides_by_the_length_of_the_weights() -> None:
    anchors = draw(3, "normal")
    mixed = latent.matched(anchors, torch.tensor([[1.0, 2.0, 2.0]]), "normal")
    assert torch.allclose(mixed[0], (anchors[0] + 2 * anchors[1] + 2 * anchors[2]) / 3, atol=1e-6)


@pytest.mark.parametrize("distribution", latent.DISTRIBUTIONS)
def test_matched_mixing_ignores_the_scale_of_the_weights(distribution: str) -> None:
    anchors, weights = draw(3, distribution), torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64)
    mixed = latent.matched(anchors, weights, distribution)
    assert torch.allclose(mixed, latent.matched(anchors, 7 * weights, distribution), atol=1e-6)


@pytest.mark.parametrize("distribution", latent.DISTRIBUTIONS)
def test_the_same_anchor_twice_is_that_anchor(distribution: str) -> None:
    anchor = draw(1, distribution)
    mixed = latent.path(torch.cat([anchor, anchor]), 5, "matched", distribution=distribution)
    assert torch.equal(mixed, anchor.expand(5, -1))


@pytest.mark.parametrize("distribution", latent.DISTRIBUTIONS)
@pytest.mark.parametrize("mode", latent.MODES)
@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_path_meets_its_anchors_exactly(mode: str, distribution: str, count: int) -> None:
    anchors = draw(count, distribution)
    way = latent.path(anchors, 6 * (count - 1) + 1, mode, distribution=distribution)
    assert torch.equal(way[::6], anchors)
    uneven = latent.path(anchors, 8, mode, distribution=distribution)
    assert torch.equal(uneven[[0, -1]], anchors[[0, -1]])
    ring = latent.path(anchors, 6 * count, mode, closed=True, distribution=distribution)
    assert torch.equal(ring[::6], anchors)
    assert way.dtype == anchors.dtype


@pytest.mark.parametrize("mode", latent.MODES)
def test_a_closed_path_comes_back_from_the_last_to_the_first(mode: str) -> None:
    anchors = draw(3, "normal")
    ring = latent.path(anchors, 12, mode, closed=True)
    back = latent.path(anchors[[2, 0]], 5, mode)
    assert torch.equal(ring[8:], back[:4])


@pytest.mark.parametrize("distribution", latent.DISTRIBUTIONS)
@pytest.mark.parametrize("mode", latent.MODES)
def test_a_grid_has_its_corners_and_its_edges_are_paths(mode: str, distribution: str) -> None:
    corners = draw(4, distribution)
    cells = latent.grid(corners, 4, 5, mode, distribution=distribution).view(4, 5, SIZE)
    assert torch.equal(cells[[0, 0, -1, -1], [0, -1, 0, -1]], corners)
    for edge, ends, frames in ((cells[0], (0, 1), 5), (cells[-1], (2, 3), 5), (cells[:, 0], (0, 2), 4)):
        way = latent.path(corners[list(ends)], frames, mode, distribution=distribution)
        assert torch.allclose(edge, way, atol=1e-6)


def test_lerp_is_the_straight_line() -> None:
    anchors = draw(2, "normal")
    way = latent.path(anchors, 5, "lerp")
    wanted = [np.asarray(anchors[0]) * (1 - t) + np.asarray(anchors[1]) * t for t in (0, 0.25, 0.5, 0.75, 1)]
    assert np.allclose(way, wanted, atol=1e-6)


def test_slerp_agrees_with_shoemakes_formula_and_its_norm_grows_evenly() -> None:
    a, b = np.asarray(draw(2, "normal", seed=3), dtype=np.float64)
    t = np.linspace(0, 1, 9)[:, None]
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    angle = np.arccos(a @ b / (length_a * length_b))
    turned = np.sin((1 - t) * angle) / np.sin(angle) * a / length_a + np.sin(t * angle) / np.sin(angle) * b / length_b
    wanted = turned * ((1 - t) * length_a + t * length_b)
    ours = latent.slerp(torch.tensor(a).expand(9, -1), torch.tensor(b).expand(9, -1), torch.tensor(t[:, 0])).numpy()
    assert np.abs(ours - wanted).max() < 1e-12
    assert np.allclose(np.linalg.norm(ours, axis=1), ((1 - t) * length_a + t * length_b)[:, 0], rtol=1e-12)


@pytest.mark.parametrize("factor", [1.0, 3.0, 1 + 1e-12, -1.0, -2.0, 0.0])
def test_slerp_survives_parallel_opposite_and_zero_vectors(factor: float) -> None:
    a = draw(1, "normal", seed=5).double()
    b = factor * a
    t = torch.linspace(0, 1, 7, dtype=torch.float64)
    way = latent.slerp(a.expand(7, -1), b.expand(7, -1), t)
    lengths = (1 - t) * a.norm() + t * b.norm()
    assert torch.allclose(way.norm(dim=1), lengths, rtol=1e-12)
    assert torch.equal(way[[0, -1]], torch.cat([a, b]))
    if factor >= 0:
        assert torch.allclose(way, (1 - t)[:, None] * a + t[:, None] * b, atol=1e-9)


def test_slerp_between_zeros_stays_there() -> None:
    nothing = torch.zeros(3, 4)
    assert torch.equal(latent.slerp(nothing, nothing, torch.tensor([0.0, 0.5, 1.0])), nothing)


def test_weights_are_shares() -> None:
    for weights in (latent.path_weights(4, 30), latent.path_weights(3, 11, closed=True), latent.grid_weights(5, 7)):
        assert torch.allclose(weights.sum(1), torch.ones(len(weights), dtype=torch.float64))
        assert bool((weights >= 0).all())


@pytest.mark.parametrize(
    "call",
    [
        lambda: latent.matched(draw(5, "normal"), torch.ones(1, 5), "normal"),
        lambda: latent.matched(draw(2, "normal"), torch.zeros(1, 2), "normal"),
        lambda: latent.matched(draw(2, "normal"), torch.ones(1, 2), "cauchy"),
        lambda: latent.path(draw(2, "normal"), 5, "zigzag"),
        lambda: latent.path(draw(1, "normal"), 5, "lerp"),
        lambda: latent.path(draw(2, "normal"), 1, "lerp"),
    ],
)
def test_what_has_no_meaning_is_refused(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError):
        call()

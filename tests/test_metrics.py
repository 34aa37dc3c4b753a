"""Measures against what can be worked out by hand, and what must not change them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gan_core.metrics.classes import (
    class_diversity,
    class_fidelity,
    class_histogram,
    covered_classes,
    histogram_divergence,
    obedience,
    obedience_of_classes,
    spread_of,
)
from gan_core.metrics.distances import distance_blocks
from gan_core.metrics.frechet import Moments, frechet_distance, moments
from gan_core.metrics.kernel import kernel_distance, kernel_distance_of_subsets
from gan_core.metrics.manifold import compare_manifolds, neighbour_radii, precision
from gan_core.metrics.memorisation import copy_threshold, near_copies, nearest_training
from gan_core.metrics.stacked import stacked_modes


def normal(count: int, size: int, seed: int) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(size: int) -> Tensor:
    return torch.linalg.qr(normal(size, size, 99)).Q


# ---- Fréchet


def test_frechet_of_gaussians_that_share_their_axes() -> None:
    """There it is Σ (μᵢ − νᵢ)² + Σ (σᵢ − τᵢ)², whatever way the axes point."""
    turn = rotation(4)
    sigma, tau = torch.tensor([1.0, 2.0, 0.5, 0.0]).double(), torch.tensor([3.0, 0.0, 0.5, 1.0]).double()
    first = Moments(turn @ torch.tensor([1.0, 0, 0, 2]).double(), turn @ sigma.square().diag() @ turn.T)
    second = Moments(torch.zeros(4).double(), turn @ tau.square().diag() @ turn.T)
    assert frechet_distance(first, second) == pytest.approx(5 + (4 + 4 + 0 + 1), rel=1e-12)


def test_frechet_of_gaussians_in_two_dimensions() -> None:
    """tr (AB)^½ of 2 × 2 matrices is √(tr AB + 2 √(det AB))."""
    a = torch.tensor([[2.0, 1.0], [1.0, 3.0]]).double()
    b = torch.tensor([[1.0, -0.5], [-0.5, 4.0]]).double()
    root = math.sqrt((a @ b).trace().item() + 2 * math.sqrt(torch.linalg.det(a @ b).item()))
    zero = torch.zeros(2).double()
    assert frechet_distance(Moments(zero, a), Moments(zero, b)) == pytest.approx(5 + 5 - 2 * root, rel=1e-12)


@pytest.mark.parametrize("count", [5, 300])  # fewer pictures than features, and more
def test_frechet_of_a_shifted_set_is_the_shift_squared(count: int) -> None:
    features, shift = normal(count, 32, 1), normal(1, 32, 2)
    distance = frechet_distance(moments(features), moments(features + shift))
    assert distance == pytest.approx(shift.square().sum().item(), rel=1e-10)


def test_frechet_is_symmetric_and_0_for_a_set_and_itself() -> None:
    first, second = moments(normal(200, 16, 1)), moments(2 * normal(9, 16, 2) + 1)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-12)
    assert 0 <= frechet_distance(first, first) < 1e-10
    assert 0 <= frechet_distance(second, second) < 1e-10


def test_frechet_of_one_picture_repeated() -> None:
    """No spread at all: what is left is the distance of the means and the other set's variance."""
    one, other = torch.ones(50, 3).double(), normal(500, 3, 1)
    there = moments(other)
    expected = (1 - there.mean).square().sum() + there.covariance.trace()
    assert frechet_distance(moments(one), there) == pytest.approx(expected.item(), rel=1e-12)


def test_moments_are_those_of_the_definition_and_need_two_rows() -> None:
    features = normal(7, 3, 1).float()
    found = moments(features)
    assert torch.allclose(found.covariance, torch.cov(features.T.double()))
    assert found.mean.dtype == torch.float64
    with pytest.raises(ValueError, match="two rows"):
        moments(features[:1])


# ---- kernel distance


def test_kernel_distance_by_hand() -> None:
    """Features of one number: k(x, y) = (xy + 1)³ for x ∈ {0, 1}, y ∈ {1, 2}."""
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    assert kernel_distance(x, y) == pytest.approx(1 + 27 - 2 * (1 + 1 + 8 + 27) / 4, rel=1e-12)


def test_kernel_distance_is_0_on_average_for_equal_distributions() -> None:
    estimates = torch.tensor([kernel_distance(normal(60, 8, i), normal(80, 8, 1000 + i)) for i in range(300)])
    error = (estimates.std() / math.sqrt(len(estimates))).item()
    assert estimates.min() < 0 < estimates.max()
    assert abs(estimates.mean().item()) < 3 * error


def test_kernel_distance_of_whole_sets_as_subsets() -> None:
    """Subsets as large as the sets are the sets, in another order."""
    first, second = normal(40, 8, 1), normal(40, 8, 2) + 1
    mean, deviation = kernel_distance_of_subsets(first, second, subsets=3, size=40)
    assert mean == pytest.approx(kernel_distance(first, second), rel=1e-12)
    assert deviation == pytest.approx(0, abs=1e-12)


def test_kernel_distance_of_subsets_is_repeatable_and_near_the_whole() -> None:
    first, second = normal(400, 8, 1), normal(400, 8, 2) + 0.5
    mean, deviation = kernel_distance_of_subsets(first, second, subsets=60, size=100)
    assert (mean, deviation) == kernel_distance_of_subsets(first, second, subsets=60, size=100)
    assert mean == pytest.approx(kernel_distance(first, second), abs=4 * deviation / math.sqrt(60))
    with pytest.raises(ValueError, match="two rows"):
        kernel_distance(first[:1], second)


# ---- manifolds


def test_identical_sets_are_precise_and_covered() -> None:
    features = normal(200, 6, 1)
    found = compare_manifolds(features, features)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    # Each ball holds its centre, its k − 1 nearer neighbours and the k-th, on its edge or, by rounding, beside it.
    assert 1 <= found.density <= 1.2


def test_disjoint_sets_share_nothing() -> None:
    features = normal(100, 6, 1)
    found = compare_manifolds(features, features + 1000)
    assert (found.precision, found.recall, found.density, found.coverage) == (0, 0, 0, 0)


def test_manifolds_on_a_line_by_hand() -> None:
    """With k = 1 the balls around 0, 1, 3, 7 reach 1, 1, 2 and 4; those around 0.5, 0.6, 20 reach 0.1, 0.1 and 19.4."""
    real = torch.tensor([[0.0], [1], [3], [7]])
    generated = torch.tensor([[0.5], [0.6], [20]])
    found = compare_manifolds(real, generated, neighbours=1, fewer=1)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(3 / 4)  # all but 0 lie within 19.4 of 20
    assert found.density == pytest.approx(4 / 3)  # both lie in the balls around 0 and 1
    assert found.coverage == pytest.approx(2 / 4)


def test_collapse_is_precise_but_covers_little() -> None:
    real = normal(300, 4, 1)
    found = compare_manifolds(real, real[:1].repeat(300, 1) + 1e-3 * normal(300, 4, 2))
    assert found.precision > 0.95
    assert found.recall < 0.01
    assert found.coverage < 0.1


def test_measures_do_not_depend_on_the_order_or_on_a_rotation() -> None:
    real, generated = normal(150, 5, 1), 1.2 * normal(130, 5, 2)
    order, turn = torch.randperm(130, generator=torch.Generator().manual_seed(3)), rotation(5)
    plain = compare_manifolds(real, generated)
    assert compare_manifolds(real, generated[order]) == plain
    assert compare_manifolds(real @ turn + 7, generated @ turn + 7) == plain
    expected = frechet_distance(moments(real), moments(generated))
    assert frechet_distance(moments(real @ turn), moments(generated[order] @ turn)) == pytest.approx(expected)
    assert kernel_distance(real, generated[order]) == pytest.approx(kernel_distance(real, generated), rel=1e-10)


def test_precision_alone_is_that_of_the_manifolds() -> None:
    real, generated = normal(150, 5, 1), 1.5 * normal(130, 5, 2)
    both = compare_manifolds(real, generated)
    assert precision(real, generated) == both.precision
    assert precision(generated, real) == both.recall


def test_blocks_are_the_distances_of_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, columns = normal(23, 7, 1) + 100, normal(11, 7, 2) + 100
    expected = (rows[:, None] - columns[None]).square().sum(2).sqrt()
    for elements in (1, 40, 10_000):  # a row at a time, three rows, all at once
        monkeypatch.setattr("gan_core.metrics.distances.BLOCK_ELEMENTS", elements)
        parts = list(distance_blocks(rows, columns))
        assert torch.cat([torch.arange(23)[part] for part, _ in parts]).tolist() == list(range(23))
        assert torch.allclose(torch.cat([block for _, block in parts]), expected, atol=1e-10)


def test_neighbours_need_enough_rows() -> None:
    with pytest.raises(ValueError, match="more than 5 rows"):
        neighbour_radii(normal(5, 2, 1), (3, 5))


# ---- classes


def test_divergence_by_hand() -> None:
    generated, real = torch.tensor([3, 1, 0]), torch.tensor([1, 1, 2])
    expected = 0.75 * math.log(0.75 / 0.25) + 0.25 * math.log(0.25 / 0.25)
    assert histogram_divergence(generated, real) == pytest.approx(expected, rel=1e-12)
    assert histogram_divergence(real * 10, real) == 0
    assert histogram_divergence(real, generated) == math.inf


def test_a_class_is_covered_from_a_tenth_of_its_share() -> None:
    real = torch.tensor([50, 40, 10, 0])
    generated = torch.tensor([960, 39, 10, 9])
    assert covered_classes(generated, real).tolist() == [True, False, False, False]
    assert covered_classes(generated + torch.tensor([0, 3, 3, 0]), real).tolist() == [True, True, True, False]


def test_histogram_counts_classes_that_never_appear() -> None:
    assert class_histogram(torch.tensor([2, 0, 2]), 4).tolist() == [1, 0, 2, 0]


def test_obedience_in_all_and_for_each_class() -> None:
    read, asked = torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 0, 2])
    assert obedience(read, asked) == 0.75
    first, second, third, fourth = obedience_of_classes(read, asked, 4)
    assert (first, second, third) == (0.5, 1.0, 1.0)
    assert math.isnan(fourth)


def test_fidelity_and_diversity_of_a_class() -> None:
    real = normal(200, 4, 1)
    assert class_fidelity(real, real[:50]) == 1
    assert class_fidelity(real, real + 500) == 0
    assert class_diversity(real, 3 * real + 1) == pytest.approx(3)
    assert class_diversity(real, real[:1].repeat(9, 1)) == pytest.approx(0)
    for few in (real[:0], real[:1]):
        assert math.isnan(class_diversity(real, few))
    assert math.isnan(class_fidelity(real, real[:0]))
    assert math.isnan(class_fidelity(real[:3], real))
    assert math.isnan(class_diversity(real[:1].repeat(5, 1), real))


def test_spread_by_hand() -> None:
    assert spread_of(torch.tensor([[0.0, 0.0], [6.0, 8.0]])) == pytest.approx(math.sqrt(18 + 32))


# ---- stacked digits


def test_stacked_modes_by_hand() -> None:
    read = torch.tensor([1, 2, 3, 1, 2, 3, 3, 2, 1, 0, 0, 0])  # modes 123, 123, 321 and 0
    found = stacked_modes(read)
    assert found.modes == 3
    assert found.divergence == pytest.approx(0.5 * math.log(0.5 * 1000) + 2 * 0.25 * math.log(0.25 * 1000))
    with pytest.raises(ValueError, match="multiple of 3"):
        stacked_modes(read[:5])


def test_every_mode_once_diverges_by_nothing() -> None:
    digits = torch.cartesian_prod(*[torch.arange(10)] * 3)
    found = stacked_modes(digits.flatten())
    assert found.modes == 1000
    assert found.divergence == pytest.approx(0, abs=1e-12)


def test_uniform_digits_diverge_as_the_scatter_of_counts_predicts() -> None:
    """The expected divergence of N uniform samples of K modes is (K − 1) / 2N."""
    read = torch.randint(10, (78_000,), generator=torch.Generator().manual_seed(1))
    found = stacked_modes(read)
    assert found.modes == 1000
    assert found.divergence == pytest.approx(999 / 52_000, rel=0.1)


# ---- memorisation


def test_nearest_training_pictures_by_hand() -> None:
    training = torch.tensor([[0.0, 0], [3, 4], [6, 8]])
    found = nearest_training(torch.tensor([[0.0, 0], [3, 3]]), training)
    assert found.indices.tolist() == [[0, 1], [1, 0]]
    assert found.distances.flatten().tolist() == pytest.approx([0, 5, 1, math.sqrt(18)], rel=1e-6)
    assert found.ratios.tolist() == pytest.approx([0, 1 / math.sqrt(18)], abs=1e-7)


def test_copies_stand_out_from_new_pictures() -> None:
    training, held_out, new = normal(400, 10, 1), normal(400, 10, 2), normal(1000, 10, 3)
    threshold = copy_threshold(nearest_training(held_out, training))
    assert near_copies(nearest_training(new, training), threshold) == pytest.approx(0.01, abs=0.012)
    copies = torch.cat([training[:300] + 1e-3 * normal(300, 10, 4), new[:700]])
    assert near_copies(nearest_training(copies, training), threshold) == pytest.approx(0.3, abs=0.02)


def test_a_training_set_of_equal_pictures_has_no_near_copies() -> None:
    same = torch.ones(6, 4)
    assert nearest_training(same, same).ratios.tolist() == [1] * 6

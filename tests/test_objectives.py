"""Adversarial terms against their closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from gan_core.contracts import Critic
from gan_core.objectives import (
    FakeCrossEntropy,
    HingeCritic,
    LeastSquaresCritic,
    LeastSquaresGenerator,
    Minimax,
    NonSaturating,
    RealCrossEntropy,
    RelativisticCritic,
    RelativisticGenerator,
    WassersteinCritic,
    WassersteinGenerator,
)
from gan_core.recipes.recipe import TERMS
from gan_core.regularizers import KernelDecay
from gan_core.terms import Batch, Term


def batch_of(real: Tensor, fake: Tensor, discriminator: nn.Module | None = None) -> Batch:
    """A batch in which D answered these logits (N,)."""
    pictures = torch.zeros(len(fake), 1, 2, 2)
    critics = [Critic(logits, logits[:, None]) for logits in (real, fake)]
    source = torch.Generator().manual_seed(0)
    return Batch(pictures, critics[1], pictures, critics[0], None, None, discriminator or nn.Identity(), source)


def test_a_discriminator_that_knows_nothing_pays_two_log_two() -> None:
    batch = batch_of(torch.zeros(5), torch.zeros(5))
    loss = RealCrossEntropy()(batch) + FakeCrossEntropy()(batch)
    torch.testing.assert_close(loss, torch.full((5,), 2 * math.log(2)))
    torch.testing.assert_close(NonSaturating()(batch), torch.full((5,), math.log(2)))


def test_terms_are_the_logarithms_of_the_papers() -> None:
    real, fake = torch.tensor([-3.0, 0.5, 4.0]), torch.tensor([2.0, -1.0, 0.0])
    batch = batch_of(real, fake)
    torch.testing.assert_close(RealCrossEntropy()(batch), -torch.log(real.sigmoid()))
    torch.testing.assert_close(FakeCrossEntropy()(batch), -torch.log(1 - fake.sigmoid()))
    torch.testing.assert_close(NonSaturating()(batch), -torch.log(fake.sigmoid()))


@pytest.mark.parametrize("target", [0.0, 0.1, 0.9, 1.0])
def test_smoothed_targets_weigh_both_logarithms(target: float) -> None:
    logits = torch.tensor([-2.0, 0.3, 1.7])
    answers = logits.sigmoid()
    expected = -target * answers.log() - (1 - target) * (1 - answers).log()
    torch.testing.assert_close(RealCrossEntropy(target=target)(batch_of(logits, logits)), expected)
    torch.testing.assert_close(FakeCrossEntropy(target=target)(batch_of(logits, logits)), expected)


def test_a_smoothed_discriminator_is_happiest_at_its_target() -> None:
    """argmin of the loss is D(x) = 0.9, where it is the entropy of 0.9."""
    logit = torch.tensor([math.log(0.9 / 0.1)], requires_grad=True)
    loss = RealCrossEntropy(target=0.9)(batch_of(logit, logit))
    (slope,) = torch.autograd.grad(loss.sum(), logit)
    assert slope.item() == pytest.approx(0, abs=1e-7)
    assert loss.item() == pytest.approx(-0.9 * math.log(0.9) - 0.1 * math.log(0.1))


def test_huge_logits_stay_finite() -> None:
    batch = batch_of(torch.tensor([-1e4, 1e4]), torch.tensor([-1e4, 1e4]))
    torch.testing.assert_close(NonSaturating()(batch), torch.tensor([1e4, 0.0]))
    torch.testing.assert_close(FakeCrossEntropy()(batch), torch.tensor([0.0, 1e4]))


def test_flipped_labels_swap_their_share_of_the_targets() -> None:
    logits = torch.full((20_000,), 2.0)
    loss = RealCrossEntropy(flip=0.25)(batch_of(logits, logits))
    right, wrong = -math.log(torch.tensor(2.0).sigmoid()), -math.log(1 - torch.tensor(2.0).sigmoid())
    assert (loss - wrong).abs().lt(1e-5).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert (loss - right).abs().lt(1e-5).float().mean().item() == pytest.approx(0.75, abs=0.02)


def test_kernel_decay_is_the_sum_of_squares_of_its_kernels() -> None:
    discriminator = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 3, 3), nn.Conv2d(3, 4, 3), nn.Linear(4, 1))
    batch = replace(batch_of(torch.zeros(6), torch.zeros(6)), discriminator=discriminator)
    term = KernelDecay(weight=0.01, layers=(2, 3))
    squares = sum(discriminator[index].weight.square().sum().item() for index in (1, 2))
    assert term(batch).shape == (6,)
    assert 0.01 * term(batch).mean().item() == pytest.approx(0.01 * squares, rel=1e-6)


# Each adversarial term as its paper writes it, with the plain functions of ``math``: x is C(real), y is C(fake).
FORMULAS: dict[type[Term], Callable[[float, float], float]] = {
    RealCrossEntropy: lambda x, y: -math.log(1 / (1 + math.exp(-x))),
    FakeCrossEntropy: lambda x, y: -math.log(1 - 1 / (1 + math.exp(-y))),
    NonSaturating: lambda x, y: -math.log(1 / (1 + math.exp(-y))),
    Minimax: lambda x, y: math.log(1 - 1 / (1 + math.exp(-y))),
    LeastSquaresCritic: lambda x, y: (x - 1) ** 2 / 2 + y**2 / 2,
    LeastSquaresGenerator: lambda x, y: (y - 1) ** 2 / 2,
    HingeCritic: lambda x, y: max(0.0, 1 - x) + max(0.0, 1 + y),
    WassersteinCritic: lambda x, y: y - x,
    WassersteinGenerator: lambda x, y: -y,
    RelativisticCritic: lambda x, y: math.log(1 + math.exp(y - x)),
    RelativisticGenerator: lambda x, y: math.log(1 + math.exp(x - y)),
}
# The same terms' slopes (∂/∂x, ∂/∂y), worked out by hand.
SLOPES: dict[type[Term], Callable[[float, float], tuple[float, float]]] = {
    RealCrossEntropy: lambda x, y: (-logistic(-x), 0.0),
    FakeCrossEntropy: lambda x, y: (0.0, logistic(y)),
    NonSaturating: lambda x, y: (0.0, -logistic(-y)),
    Minimax: lambda x, y: (0.0, -logistic(y)),
    LeastSquaresCritic: lambda x, y: (x - 1, y),
    LeastSquaresGenerator: lambda x, y: (0.0, y - 1),
    HingeCritic: lambda x, y: (-float(x < 1), float(y > -1)),
    WassersteinCritic: lambda x, y: (-1.0, 1.0),
    WassersteinGenerator: lambda x, y: (0.0, -1.0),
    RelativisticCritic: lambda x, y: (-logistic(y - x), logistic(y - x)),
    RelativisticGenerator: lambda x, y: (logistic(x - y), -logistic(x - y)),
}
REAL, FAKE = (-2.5, -0.3, 0.4, 1.7, 3.0), (1.2, -1.8, 0.0, 2.6, -0.7)


def logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def test_every_objective_has_its_closed_form_here() -> None:
    objectives = {term for term in TERMS if term.group == "objective"}
    assert objectives == set(FORMULAS) == set(SLOPES)


@pytest.mark.parametrize("term", FORMULAS, ids=lambda term: term.kind)
def test_an_objective_is_the_formula_of_its_paper(term: type[Term]) -> None:
    values = term()(batch_of(torch.tensor(REAL), torch.tensor(FAKE)))
    expected = [FORMULAS[term](x, y) for x, y in zip(REAL, FAKE, strict=True)]
    torch.testing.assert_close(values, torch.tensor(expected))


@pytest.mark.parametrize("term", SLOPES, ids=lambda term: term.kind)
def test_an_objective_teaches_along_its_slope(term: type[Term]) -> None:
    real, fake = torch.tensor(REAL, requires_grad=True), torch.tensor(FAKE, requires_grad=True)
    values = term()(batch_of(real, fake))
    reached = torch.autograd.grad(values.sum(), [real, fake], allow_unused=True, materialize_grads=True)
    expected = torch.tensor([SLOPES[term](x, y) for x, y in zip(REAL, FAKE, strict=True)]).T
    torch.testing.assert_close(torch.stack(reached), expected)


def test_a_bounded_objective_never_falls_below_its_floor() -> None:
    logits = torch.linspace(-30, 30, 61)
    pairs = torch.cartesian_prod(logits, logits)
    batch = batch_of(pairs[:, 0], pairs[:, 1])
    for term in (RealCrossEntropy(target=0.9), FakeCrossEntropy(target=0.1), LeastSquaresCritic(), HingeCritic(),
                 RelativisticCritic()):  # fmt: skip
        least = term(batch).min().item()
        assert term.floor - 1e-6 <= least <= term.floor + 0.05, term.kind


def test_swapping_real_and_fake_swaps_the_relativistic_players() -> None:
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    assert torch.equal(RelativisticCritic()(batch_of(real, fake)), RelativisticGenerator()(batch_of(fake, real)))


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.kind)
def test_every_term_says_what_it_is(term: type) -> None:
    assert term.player in ("generator", "discriminator")
    assert term.group in ("objective", "penalty", "remedy")
    assert term.title and term.source and term.summary.endswith(".")
    assert term.formula.count("{") == term.formula.count("}")

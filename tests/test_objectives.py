"""Adversarial terms against their closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from gan_core.contracts import Critic
from gan_core.objectives import Batch, FakeCrossEntropy, NonSaturating, RealCrossEntropy
from gan_core.recipes.recipe import TERMS
from gan_core.regularizers import KernelDecay


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


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.kind)
def test_every_term_says_what_it_is(term: type) -> None:
    assert term.player in ("generator", "discriminator")
    assert term.group in ("objective", "penalty", "remedy")
    assert term.title and term.source and term.summary.endswith(".")
    assert term.formula.count("{") == term.formula.count("}")

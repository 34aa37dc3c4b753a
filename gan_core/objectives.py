"""Adversarial terms: what the two networks play for, from the papers that proposed it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from gan_core.config import setting
from gan_core.terms import Batch, Term


def cross_entropy(logits: Tensor, target: float, flip: float, random: torch.Generator) -> Tensor:
    """Binary cross-entropy of sigmoid(logits) with ``target`` in [0, 1]; (N,) -> (N,), in nats.

    Each sample's target becomes 1 - target with probability ``flip``.
    """
    targets = torch.full_like(logits, target)
    if flip > 0:
        drawn = torch.empty(logits.shape, device=logits.device).uniform_(generator=random)
        targets = torch.where(drawn < flip, 1 - targets, targets)
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _side(target: float) -> int:
    """Which answers of D a target stands for: high ones 1, low ones -1, 0.5 neither."""
    return (target > 0.5) - (target < 0.5)


@dataclass(frozen=True)
class _CrossEntropy(Term):
    target: float = 1.0
    flip: float = setting(0.0, title="Flipped labels", minimum=0.0, maximum=0.5, advanced=True,
                          help="Share of samples whose target is swapped, so that the discriminator errs now and then.",
                          formula=r"P(a \to 1-a) = p", source="Chintala et al. 2016, How to train a GAN?, tip 6")

    @property
    def mean_target(self) -> float:
        """The targets' mean over the samples, some of them flipped."""
        return self.target * (1 - self.flip) + (1 - self.target) * self.flip

    @property
    def floor(self) -> float:
        """The entropy of the mean target: what is left where D(x) equals it."""
        return -sum(share * math.log(share) for share in (self.mean_target, 1 - self.mean_target) if share > 0)

    def _on_target(self, logits: Tensor) -> Tensor:
        return (logits > 0) if self.target > 0.5 else (logits < 0)


@dataclass(frozen=True)
class RealCrossEntropy(_CrossEntropy):
    """D should call real pictures real."""

    kind: ClassVar[str] = "real_cross_entropy"
    player: ClassVar[str] = "discriminator"
    title: ClassVar[str] = "Cross-entropy on real"
    formula: ClassVar[str] = r"-\,a\log D(x) - (1-a)\log\bigl(1-D(x)\bigr)"
    source: ClassVar[str] = "Goodfellow et al. 2014, eq. 1; for a < 1 Salimans et al. 2016, §3.4"
    summary: ClassVar[str] = "Rewards the discriminator for calling real pictures real."
    target: float = setting(1.0, title="Target a", minimum=0.0, maximum=1.0,
                            help="What D should answer for real pictures; a little below 1 keeps it from certainty.")

    def __call__(self, batch: Batch) -> Tensor:
        return cross_entropy(batch.real_logits, self.target, self.flip, batch.random)

    @property
    def direction(self) -> int:
        return _side(self.target)

    def right(self, batch: Batch) -> Tensor:
        return self._on_target(batch.real_logits)


@dataclass(frozen=True)
class FakeCrossEntropy(_CrossEntropy):
    """D should call generated pictures fake."""

    kind: ClassVar[str] = "fake_cross_entropy"
    player: ClassVar[str] = "discriminator"
    title: ClassVar[str] = "Cross-entropy on fake"
    formula: ClassVar[str] = r"-\,b\log D(G(z)) - (1-b)\log\bigl(1-D(G(z))\bigr)"
    source: ClassVar[str] = "Goodfellow et al. 2014, eq. 1"
    summary: ClassVar[str] = "Rewards the discriminator for calling generated pictures fake."
    target: float = setting(0.0, title="Target b", minimum=0.0, maximum=1.0,
                            help="What D should answer for generated pictures.")

    def __call__(self, batch: Batch) -> Tensor:
        return cross_entropy(batch.fake_logits, self.target, self.flip, batch.random)

    @property
    def direction(self) -> int:
        return -_side(self.target)

    def right(self, batch: Batch) -> Tensor:
        return self._on_target(batch.fake_logits)


@dataclass(frozen=True)
class NonSaturating(Term):
    """G should make D call its pictures real."""

    kind: ClassVar[str] = "non_saturating"
    player: ClassVar[str] = "generator"
    title: ClassVar[str] = "Non-saturating loss"
    formula: ClassVar[str] = r"-\,c\log D(G(z)) - (1-c)\log\bigl(1-D(G(z))\bigr)"
    source: ClassVar[str] = "Goodfellow et al. 2014, §3"
    summary: ClassVar[str] = "Rewards the generator where the discriminator takes its pictures for real."
    target: float = setting(1.0, title="Target c", minimum=0.0, maximum=1.0, advanced=True,
                            help="What G wants D to answer: D's target for real pictures, near 0 with swapped labels.")

    def __call__(self, batch: Batch) -> Tensor:
        return cross_entropy(batch.fake_logits, self.target, 0.0, batch.random)

    @property
    def direction(self) -> int:
        return _side(self.target)


@dataclass(frozen=True)
class Minimax(Term):
    """The original game: G minimises what D maximises."""

    kind: ClassVar[str] = "minimax"
    player: ClassVar[str] = "generator"
    title: ClassVar[str] = "Minimax loss"
    formula: ClassVar[str] = r"\log\bigl(1-D(G(z))\bigr)"
    source: ClassVar[str] = "Goodfellow et al. 2014, eq. 1"
    summary: ClassVar[str] = "The game as first written; it teaches little while the discriminator wins easily."

    def __call__(self, batch: Batch) -> Tensor:
        return -functional.softplus(batch.fake_logits)


@dataclass(frozen=True)
class LeastSquaresCritic(Term):
    """D answers 1 for real and 0 for fake, in the least-squares sense, without a sigmoid."""

    kind: ClassVar[str] = "least_squares_critic"
    player: ClassVar[str] = "discriminator"
    title: ClassVar[str] = "Least squares"
    formula: ClassVar[str] = r"\tfrac12\bigl(C(x)-1\bigr)^2 + \tfrac12\,C(G(z))^2"
    source: ClassVar[str] = "Mao et al. 2017, eq. 2 with a = 0, b = 1"
    summary: ClassVar[str] = "Keeps a gradient for pictures that the discriminator already tells apart."

    def __call__(self, batch: Batch) -> Tensor:
        return 0.5 * (batch.real_logits - 1).square() + 0.5 * batch.fake_logits.square()

    def right(self, batch: Batch) -> Tensor:
        return torch.cat([batch.real_logits > 0.5, batch.fake_logits < 0.5])


@dataclass(frozen=True)
class LeastSquaresGenerator(Term):
    """G makes D answer 1, in the least-squares sense."""

    kind: ClassVar[str] = "least_squares_generator"
    player: ClassVar[str] = "generator"
    title: ClassVar[str] = "Least squares"
    formula: ClassVar[str] = r"\tfrac12\bigl(C(G(z))-1\bigr)^2"
    source: ClassVar[str] = "Mao et al. 2017, eq. 2 with c = 1"
    summary: ClassVar[str] = "Pulls generated pictures towards the discriminator's answer for real ones."

    def __call__(self, batch: Batch) -> Tensor:
        return 0.5 * (batch.fake_logits - 1).square()


@dataclass(frozen=True)
class HingeCritic(Term):
    """D separates real from fake by a margin and no more."""

    kind: ClassVar[str] = "hinge_critic"
    player: ClassVar[str] = "discriminator"
    title: ClassVar[str] = "Hinge"
    formula: ClassVar[str] = r"\max\bigl(0, 1-C(x)\bigr) + \max\bigl(0, 1+C(G(z))\bigr)"
    source: ClassVar[str] = "Lim & Ye 2017, eq. 11; Miyato et al. 2018, eq. 16"
    summary: ClassVar[str] = "Stops rewarding the discriminator once a picture is on the right side of the margin."

    def __call__(self, batch: Batch) -> Tensor:
        return functional.relu(1 - batch.real_logits) + functional.relu(1 + batch.fake_logits)

    def right(self, batch: Batch) -> Tensor:
        return torch.cat([batch.real_logits > 0, batch.fake_logits < 0])


@dataclass(frozen=True)
class WassersteinCritic(Term):
    """D's answers differ as much as its smoothness allows: an estimate of the earth mover's distance."""

    kind: ClassVar[str] = "wasserstein_critic"
    player: ClassVar[str] = "discriminator"
    title: ClassVar[str] = "Wasserstein"
    formula: ClassVar[str] = r"C(G(z)) - C(x)"
    source: ClassVar[str] = "Arjovsky et al. 2017, algorithm 1"
    summary: ClassVar[str] = "Gives a loss that falls with quality; needs clipping, gradient penalty or spectral norm."

    @property
    def floor(self) -> float:
        return -math.inf

    def __call__(self, batch: Batch) -> Tensor:
        return batch.fake_logits - batch.real_logits

    def right(self, batch: Batch) -> Tensor:
        return batch.real_logits > batch.fake_logits


@dataclass(frozen=True)
class WassersteinGenerator(Term):
    """G raises D's answers; hinge and Wasserstein games share it."""

    kind: ClassVar[str] = "wasserstein_generator"
    player: ClassVar[str] = "generator"
    title: ClassVar[str] = "Wasserstein (also for hinge)"
    formula: ClassVar[str] = r"-\,C(G(z))"
    source: ClassVar[str] = "Arjovsky et al. 2017, algorithm 1"
    summary: ClassVar[str] = "Raises the critic's answer for generated pictures, however high it is already."

    def __call__(self, batch: Batch) -> Tensor:
        return -batch.fake_logits


@dataclass(frozen=True)
class RelativisticCritic(Term):
    """D says which of a real and a fake picture is the real one."""

    kind: ClassVar[str] = "relativistic_critic"
    player: ClassVar[str] = "discriminator"
    title: ClassVar[str] = "Relativistic pairing"
    formula: ClassVar[str] = r"\log\bigl(1 + e^{\,C(G(z)) - C(x)}\bigr)"
    source: ClassVar[str] = "Jolicoeur-Martineau 2019, RpGAN; Huang et al. 2024, eq. 2"
    summary: ClassVar[str] = "Compares each generated picture with a real one, which keeps all modes alive."

    def __call__(self, batch: Batch) -> Tensor:
        return functional.softplus(batch.fake_logits - batch.real_logits)

    def right(self, batch: Batch) -> Tensor:
        return batch.real_logits > batch.fake_logits


@dataclass(frozen=True)
class RelativisticGenerator(Term):
    """G makes its picture pass for the real one of a pair."""

    kind: ClassVar[str] = "relativistic_generator"
    player: ClassVar[str] = "generator"
    title: ClassVar[str] = "Relativistic pairing"
    formula: ClassVar[str] = r"\log\bigl(1 + e^{\,C(x) - C(G(z))}\bigr)"
    source: ClassVar[str] = "Jolicoeur-Martineau 2019, RpGAN; Huang et al. 2024, eq. 2"
    summary: ClassVar[str] = "The same comparison seen from the generator."
    needs_real: ClassVar[bool] = True

    def __call__(self, batch: Batch) -> Tensor:
        return functional.softplus(batch.real_logits - batch.fake_logits)

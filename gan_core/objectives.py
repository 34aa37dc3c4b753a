"""Adversarial terms: named, weighted, un-reduced pieces of a loss.

A term is a frozen dataclass of its own settings; calling it on a :class:`Batch` gives one value per sample, (N,).
The trainer averages and adds them up with their weights. ``formula`` is LaTeX for one sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from gan_core.config import Validated, setting
from gan_core.contracts import Critic


@dataclass(frozen=True)
class Batch:
    """All that a term may look at in one update.

    ``real`` and ``fake`` are pictures (N, C, H, W) with their ``labels`` (N,) or None; ``on_real`` and ``on_fake``
    the discriminator's answers. ``on_real`` is None in a generator update unless a term ``needs_real``.
    """

    fake: Tensor
    on_fake: Critic
    real: Tensor | None
    on_real: Critic | None
    real_labels: Tensor | None
    fake_labels: Tensor | None
    discriminator: nn.Module
    generator: torch.Generator


@dataclass(frozen=True)
class Term(Validated):
    """Base of every term; ``player`` is whose loss it belongs to: "discriminator" or "generator"."""

    kind: ClassVar[str]
    player: ClassVar[str]
    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    summary: ClassVar[str]
    needs_real: ClassVar[bool] = False
    weight: float = setting(1.0, title="Weight", help="How much this term counts in the loss.",
                            minimum=0.0, maximum=1e4)

    def __call__(self, batch: Batch) -> Tensor:
        raise NotImplementedError


def cross_entropy(logits: Tensor, target: float) -> Tensor:
    """Binary cross-entropy of sigmoid(logits) with a constant target in [0, 1]; (N,) -> (N,), in nats."""
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target), reduction="none")


@dataclass(frozen=True)
class RealCrossEntropy(Term):
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
        assert batch.on_real is not None
        return cross_entropy(batch.on_real.logits, self.target)


@dataclass(frozen=True)
class FakeCrossEntropy(Term):
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
        return cross_entropy(batch.on_fake.logits, self.target)


@dataclass(frozen=True)
class NonSaturating(Term):
    """G should make D call its pictures real."""

    kind: ClassVar[str] = "non_saturating"
    player: ClassVar[str] = "generator"
    title: ClassVar[str] = "Non-saturating loss"
    formula: ClassVar[str] = r"-\log D(G(z))"
    source: ClassVar[str] = "Goodfellow et al. 2014, §3"
    summary: ClassVar[str] = "Rewards the generator where the discriminator takes its pictures for real."

    def __call__(self, batch: Batch) -> Tensor:
        return cross_entropy(batch.on_fake.logits, 1.0)

"""What a term is: a named, weighted, un-reduced piece of one network's loss, and what it may look at.

A term is a frozen dataclass of its own settings; calling it on a :class:`Batch` gives one value per sample, (N,).
The trainer averages and adds them up with their weights. ``formula`` is LaTeX for one sample; C(x) is the
discriminator's logit and D(x) its sigmoid. Which terms there are: :mod:`gan_core.objectives`,
:mod:`gan_core.regularizers` and :mod:`gan_core.remedies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gan_core.config import Validated, setting
from gan_core.contracts import Critic


@dataclass(frozen=True)
class Batch:
    """All that a term may look at in one update.

    ``real`` and ``fake`` are the pictures (N, C, H, W) that the discriminator saw, with their ``labels`` (N,) or None;
    ``on_real`` and ``on_fake`` its answers. ``real`` and ``on_real`` are None in a generator update unless a term
    ``needs_real``. ``parameters`` are those of the player that is updated and ``past`` their running mean, empty
    unless a term ``needs_past``. ``random`` is where a term draws what it needs.
    """

    fake: Tensor
    on_fake: Critic
    real: Tensor | None
    on_real: Critic | None
    real_labels: Tensor | None
    fake_labels: Tensor | None
    discriminator: nn.Module
    random: torch.Generator
    parameters: Sequence[Tensor] = ()
    past: Sequence[Tensor] = ()

    @property
    def real_logits(self) -> Tensor:
        """C(x) of the real pictures, (N,)."""
        assert self.on_real is not None, "the term must declare needs_real"
        return self.on_real.logits

    @property
    def fake_logits(self) -> Tensor:
        """C(G(z)), (N,)."""
        return self.on_fake.logits


@dataclass(frozen=True)
class Term(Validated):
    """Base of every term; ``player`` is whose loss it belongs to: "discriminator" or "generator".

    ``group`` says what kind of part it is on screen: "objective", "penalty" or "remedy". ``per_sample_gradient`` marks
    penalties on ∂C(x)/∂x, which mean nothing where C(x) depends on the other pictures of the batch.
    """

    kind: ClassVar[str]
    player: ClassVar[str]
    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    summary: ClassVar[str]
    group: ClassVar[str] = "objective"
    needs_real: ClassVar[bool] = False
    needs_past: ClassVar[bool] = False
    per_sample_gradient: ClassVar[bool] = False
    weight: float = setting(1.0, title="Weight", help="How much this term counts in the loss.",
                            minimum=0.0, maximum=1e4)

    @property
    def floor(self) -> float:
        """The least mean value that a player can reach; -inf where there is none."""
        return 0.0

    @property
    def suffices(self) -> bool:
        """Whether it can be a player's whole loss: an objective can, while penalties only bound how it is pursued."""
        return self.group == "objective"

    @property
    def direction(self) -> int:
        """1 where a high answer of D stands for a real picture, -1 where a low one does, 0 where neither does."""
        return 1

    def weight_at(self, annealing: float | Tensor) -> float | Tensor:
        """How much the term counts while ``annealing``, a number or a 0-d tensor, falls from 1 to 0 over the run."""
        return self.weight

    def check(self, discriminator: nn.Module) -> None:
        """Raise UserError where ``discriminator``, just built, lacks what the term works on."""

    def __call__(self, batch: Batch) -> Tensor:
        raise NotImplementedError

    def right(self, batch: Batch) -> Tensor:
        """Which pictures, or pairs of them, D judges rightly, bool (M,); of an objective of D alone."""
        raise NotImplementedError

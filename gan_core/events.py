"""What a training run says while it goes on; all of it plain values, yielded between two steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """The first event: where the run stands and how far it will go."""

    step: int
    total_steps: int
    steps_per_epoch: float


@dataclass(frozen=True)
class StepDone:
    """``step`` steps (a step: all discriminator updates and one generator update) are behind.

    It is the last event of its step: a run that is interrupted here and resumed says nothing twice and misses nothing.
    """

    step: int
    epoch: float


@dataclass(frozen=True)
class Scalars:
    """Means since the last such event, by name (loss_g, loss_d, d_real, d_fake, lr_g, lr_d, one for each term)."""

    step: int
    epoch: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class SnapshotDue:
    """A good moment for a picture sheet; ``keep`` asks to keep the networks too."""

    step: int
    epoch: float
    keep: bool


@dataclass(frozen=True)
class Diverged:
    """The scalar of that ``name`` is no longer a finite number; the run ends."""

    step: int
    name: str


@dataclass(frozen=True)
class DiscriminatorWon:
    """D's loss has rushed to 0 and stays there; the run ends, as its recipe asks."""

    step: int


@dataclass(frozen=True)
class Finished:
    """All steps are done."""

    step: int


Event = Started | StepDone | Scalars | SnapshotDue | Diverged | DiscriminatorWon | Finished

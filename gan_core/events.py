"""What a training run says while it goes on; all of it plain values, said between two steps."""

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
class Quality:
    """What a fixed batch of ``count`` pictures was worth at the end of an epoch; None where it cannot be measured.

    The trainer never says it: whoever writes the run down measures it (:mod:`gan_core.live_quality`).

    Attributes:
        spread: root mean square distance of two of the pictures in pixels, of one label where the recipe has labels,
            as a share of the same for real pictures; 0 where all are alike.
        reader: the data set whose classifier read the pictures; "" where there is none.
        classes: how many pictures were read as each class of the reader.
        real: the share of each class among real pictures, read in the same way.
        distance: Fréchet distance to real pictures on the classifier's features, and ``floor`` that of as many real
            pictures, which nothing can be expected to pass.
        alone: that distance of real pictures of one class alone, for the farthest class.
        obedience: the share of pictures read as the label that was asked for.
        d_trained, d_held_out: the mean of D(x) over real pictures that D trains on, and over others.
        memory: how often D rates a picture that it trains on above another real one; 0.5 where it has learnt none by
            heart, 1 where it knows them all.
    """

    step: int
    epoch: float
    count: int
    spread: float
    reader: str = ""
    classes: tuple[int, ...] = ()
    real: tuple[float, ...] = ()
    distance: float | None = None
    floor: float | None = None
    alone: float | None = None
    obedience: float | None = None
    d_trained: float | None = None
    d_held_out: float | None = None
    memory: float | None = None


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


Event = Started | StepDone | Scalars | SnapshotDue | Quality | Diverged | DiscriminatorWon | Finished

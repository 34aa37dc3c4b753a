"""What every architecture agrees on: the shapes it is built for and what a discriminator answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn


class Critic(NamedTuple):
    """A discriminator's answer: ``logits`` (N,) before any sigmoid, ``features`` (N, F) of its last hidden layer."""

    logits: Tensor
    features: Tensor


@dataclass(frozen=True)
class Shapes:
    """The sizes that both networks of a recipe share; ``classes`` is 0 for an unconditional one."""

    latent_size: int
    channels: int
    height: int
    width: int
    classes: int = 0

    @property
    def image(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    @property
    def pixels(self) -> int:
        return self.channels * self.height * self.width


@runtime_checkable
class GeneratorConfig(Protocol):
    """A generator's frozen settings; ``build`` makes ``module(z (N, latent), labels | None) -> (N, C, H, W)``.

    A conditional generator takes labels as classes, int64 (N,), or as weights of all classes, float (N, classes),
    which mix the classes' embeddings: see :class:`gan_core.layers.LabelEmbedding`.
    """

    kind: ClassVar[str]
    conditional: ClassVar[bool]

    @property
    def pixel_range(self) -> tuple[float, float]: ...

    def build(self, shapes: Shapes) -> nn.Module: ...


@runtime_checkable
class DiscriminatorConfig(Protocol):
    """A discriminator's frozen settings; ``build`` makes ``module(x (N, C, H, W), labels | None) -> Critic``.

    ``mixes_samples`` says that one picture's answer depends on the others in its batch (batch statistics), so that
    real and fake pictures must not share a pass and per-sample penalties are not defined.
    """

    kind: ClassVar[str]
    conditional: ClassVar[bool]

    @property
    def mixes_samples(self) -> bool: ...

    def build(self, shapes: Shapes) -> nn.Module: ...

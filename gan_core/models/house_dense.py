"""The house family's discriminator: residual dense layers, which see the whole picture at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from gan_core.blocks import check_classes, dense_residual, start_as_identity
from gan_core.config import Validated, setting
from gan_core.contracts import Critic, Shapes
from gan_core.layers import LabelEmbedding

SLOPE = 0.2


@dataclass(frozen=True)
class HouseDenseDiscriminatorConfig(Validated):
    """Settings of :class:`HouseDenseDiscriminator`."""

    kind: ClassVar[str] = "house_dense_discriminator"
    conditional: ClassVar[bool] = False
    width: int = setting(512, title="Width", minimum=1, maximum=8192, help="Units of each dense layer.")
    blocks: int = setting(2, title="Residual blocks", minimum=0, maximum=64, help="Each has two dense layers.")

    @property
    def mixes_samples(self) -> bool:
        return False

    def build(self, shapes: Shapes) -> nn.Module:
        return HouseDenseDiscriminator(self, shapes)


@dataclass(frozen=True)
class HouseDenseClassDiscriminatorConfig(HouseDenseDiscriminatorConfig):
    """Settings of :class:`HouseDenseDiscriminator` with labels."""

    kind: ClassVar[str] = "house_dense_class_discriminator"
    conditional: ClassVar[bool] = True


class HouseDenseDiscriminator(nn.Module):
    """x (N, C, H, W) and, for a conditional recipe, labels -> one logit each, from dense layers alone.

    It judges each picture by itself. A class has two vectors: one is added to the first layer's answer, so that the
    blocks know what they look at; the other is multiplied with the features, as in Miyato & Koyama 2018, eq. 4. Before
    the first update every logit is 0.
    """

    def __init__(self, config: HouseDenseDiscriminatorConfig, shapes: Shapes) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shapes.image), config.width))
        blocks = (dense_residual(config.width, SLOPE) for _ in range(config.blocks))
        self.body = nn.Sequential(*blocks, nn.LeakyReLU(SLOPE))
        self.head = nn.Linear(config.width, 1)
        start_as_identity(self, SLOPE)
        nn.init.zeros_(self.head.weight)
        if isinstance(config, HouseDenseClassDiscriminatorConfig):
            check_classes(shapes)
            self.asked = LabelEmbedding(shapes.classes, config.width)
            self.embedding = LabelEmbedding(shapes.classes, config.width)
            nn.init.zeros_(self.asked.weight)
            nn.init.zeros_(self.embedding.weight)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        first = self.first(x)  # (N, width)
        features = self.body(first if labels is None else first + self.asked(labels))  # (N, width)
        logits = self.head(features).squeeze(1)
        if labels is not None:
            logits = logits + (features * self.embedding(labels)).sum(1)
        return Critic(logits, features)

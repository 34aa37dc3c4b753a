"""The house family's discriminator: convolutions, if any, below residual dense layers that see the whole picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from gan_core.blocks import check_classes, dense_residual, start_as_identity
from gan_core.config import UserError, Validated, setting
from gan_core.contracts import Critic, Shapes
from gan_core.layers import LabelEmbedding

SLOPE = 0.2


@dataclass(frozen=True)
class HouseDiscriminatorConfig(Validated):
    """Settings of :class:`HouseDiscriminator`."""

    kind: ClassVar[str] = "house_dense_discriminator"  # the name in files from before it could have convolutions
    conditional: ClassVar[bool] = False
    convolutions: tuple[int, ...] = setting(
        (), title="Convolutions", minimum=1, maximum=1024,
        help="Channels of convolutions before the dense layers, each of which halves the maps; none shows the dense "
             "layers the picture itself. They see texture wherever it is.",
    )  # fmt: skip
    width: int = setting(512, title="Width", minimum=1, maximum=8192, help="Units of each dense layer.")
    blocks: int = setting(2, title="Residual blocks", minimum=0, maximum=64, help="Each has two dense layers.")

    @property
    def mixes_samples(self) -> bool:
        return False

    def build(self, shapes: Shapes) -> nn.Module:
        return HouseDiscriminator(self, shapes)


@dataclass(frozen=True)
class HouseClassDiscriminatorConfig(HouseDiscriminatorConfig):
    """Settings of :class:`HouseDiscriminator` with labels."""

    kind: ClassVar[str] = "house_dense_class_discriminator"
    conditional: ClassVar[bool] = True


class HouseDiscriminator(nn.Module):
    """x (N, C, H, W) and, for a conditional recipe, labels -> one logit each.

    It judges each picture by itself. A class has two vectors: one is added to the first dense layer's answer, so that
    the blocks know what they look at; the other is multiplied with the features, as in Miyato & Koyama 2018, eq. 4.
    Before the first update every logit is 0.
    """

    def __init__(self, config: HouseDiscriminatorConfig, shapes: Shapes) -> None:
        super().__init__()
        channels, height, side = shapes.image
        convolutions: list[nn.Module] = []
        for after in config.convolutions:
            if min(height, side) < 2:
                raise UserError("The picture is too small for so many convolutions; leave some out.")
            convolutions += [nn.Conv2d(channels, after, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
            channels, height, side = after, height // 2, side // 2
        self.first = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(channels * height * side, config.width))
        blocks = (dense_residual(config.width, SLOPE) for _ in range(config.blocks))
        self.body = nn.Sequential(*blocks, nn.LeakyReLU(SLOPE))
        self.head = nn.Linear(config.width, 1)
        start_as_identity(self, SLOPE)
        nn.init.zeros_(self.head.weight)
        if isinstance(config, HouseClassDiscriminatorConfig):
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

"""Convolutional GAN of R5, in its original and its modified form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from gan_core.config import UserError, Validated, setting
from gan_core.contracts import Critic, Shapes
from gan_core.layers import (
    BATCH_NORM_FORMULA,
    BATCH_NORM_SOURCE,
    DROPOUT_FORMULA,
    DROPOUT_SOURCE,
    UPSAMPLING_SOURCE,
    UPSAMPLINGS,
    Conv2dSame,
    Dropout,
    glorot_uniform,
    keras_batch_norm,
    upsampling,
)

KERNEL = 5


@dataclass(frozen=True)
class DcganGeneratorConfig(Validated):
    """Settings of :class:`DcganGenerator`; the strides' product times ``base_size`` is the picture's side."""

    kind: ClassVar[str] = "dcgan_generator"
    conditional: ClassVar[bool] = False
    base_size: int = setting(7, title="First feature map", help="Side of the map that the latents are projected to.",
                             minimum=1, maximum=64, unit="px")
    base_channels: int = setting(256, title="First channels", help="Channels of that first map.",
                                 minimum=1, maximum=2048)
    channels: tuple[int, ...] = setting((128, 64), title="Channels", minimum=1, maximum=2048,
                                        help="Output channels of each transposed convolution but the last.")
    strides: tuple[int, ...] = setting((1, 2, 2), title="Strides", minimum=1, maximum=4,
                                       help="Stride of each transposed convolution, the last one included.")
    slope: float = setting(0.3, title="Leaky slope", help="Slope of the leaky ReLU for negative inputs.",
                           minimum=0.0, maximum=1.0, advanced=True)
    momentum: float = setting(0.99, title="Batch-norm momentum", minimum=0.0, maximum=0.999, advanced=True,
                              help="Share of the old running average kept at each step (Keras' convention).")

    upsampling: str = setting("transposed", title="Up-sampling", choices=UPSAMPLINGS, advanced=True,
                              help="Transposed convolution, PixelShuffle, or nearest-neighbour resizing before a "
                                   "convolution, which avoids checkerboards.",
                              source=UPSAMPLING_SOURCE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.strides) != len(self.channels) + 1:
            raise UserError("DCGAN generator: give one stride more than channels, for the last convolution.")

    @property
    def pixel_range(self) -> tuple[float, float]:
        return -1.0, 1.0

    def build(self, shapes: Shapes) -> nn.Module:
        return DcganGenerator(self, shapes)


@dataclass(frozen=True)
class DcganDiscriminatorConfig(Validated):
    """Settings of :class:`DcganDiscriminator`."""

    kind: ClassVar[str] = "dcgan_discriminator"
    conditional: ClassVar[bool] = False
    channels: tuple[int, ...] = setting((64, 128), title="Channels", minimum=1, maximum=2048,
                                        help="Output channels of each stride-2 convolution.")
    slope: float = setting(0.3, title="Leaky slope", help="Slope of the leaky ReLU for negative inputs.",
                           minimum=0.0, maximum=1.0, advanced=True)
    dropout: float = setting(0.3, title="Dropout", minimum=0.0, maximum=0.95,
                             help="Share of units silenced after each convolution in training; keeps D from being "
                                  "sure.",
                             formula=DROPOUT_FORMULA, source=DROPOUT_SOURCE)
    batch_norm: bool = setting(False, title="Batch normalisation", help="Normalises each convolution but the first "
                               "over the batch; steadies a deep D.",
                               formula=BATCH_NORM_FORMULA, source=BATCH_NORM_SOURCE)

    @property
    def mixes_samples(self) -> bool:
        return self.batch_norm

    def build(self, shapes: Shapes) -> nn.Module:
        return DcganDiscriminator(self, shapes)


class DcganGenerator(nn.Module):
    """z (N, latent) -> dense -> transposed convolutions 5×5 -> picture (N, C, H, W) in [-1, 1]."""

    def __init__(self, config: DcganGeneratorConfig, shapes: Shapes) -> None:
        super().__init__()
        side = config.base_size * math.prod(config.strides)
        if (side, side) != (shapes.height, shapes.width):
            raise UserError(
                "These strides make {side}×{side} pictures, the data set has {height}×{width}: "
                "choose strides whose product times the first map's side is the picture's side.",
                side=side, height=shapes.height, width=shapes.width,
            )  # fmt: skip
        self.base = config.base_channels, config.base_size, config.base_size
        width = math.prod(self.base)
        self.project = nn.Sequential(
            nn.Linear(shapes.latent_size, width, bias=False),
            keras_batch_norm(width, config.momentum),
            nn.LeakyReLU(config.slope),
        )
        layers: list[nn.Module] = []
        before = config.base_channels
        for after, stride in zip(config.channels, config.strides[:-1], strict=True):
            layers += [
                upsampling(config.upsampling, before, after, KERNEL, stride),
                keras_batch_norm(after, config.momentum, spatial=True),
                nn.LeakyReLU(config.slope),
            ]
            before = after
        last = upsampling(config.upsampling, before, shapes.channels, KERNEL, config.strides[-1])
        self.body = nn.Sequential(*layers, last, nn.Tanh())
        glorot_uniform(self)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        base = self.project(z).view(-1, *self.base)  # (N, base channels, base size, base size)
        image: Tensor = self.body(base)  # (N, C, H, W)
        return image


class DcganDiscriminator(nn.Module):
    """Picture (N, C, H, W) -> stride-2 convolutions 5×5 -> one logit each."""

    def __init__(self, config: DcganDiscriminatorConfig, shapes: Shapes) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, height, width = shapes.image
        for after in config.channels:
            layers.append(Conv2dSame(before, after, KERNEL, 2))
            if config.batch_norm and len(layers) > 1:
                layers.append(nn.BatchNorm2d(after))
            layers += [nn.LeakyReLU(config.slope), Dropout(config.dropout)]
            before, height, width = after, math.ceil(height / 2), math.ceil(width / 2)
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(before * height * width, 1)
        glorot_uniform(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        features = self.body(x).flatten(1)  # (N, channels · height · width)
        return Critic(self.head(features).squeeze(1), features)

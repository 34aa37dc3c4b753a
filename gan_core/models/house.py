"""The house family's generator: residual, without normalisation, with bilinear resizing, for pictures of any size.

The maps' sides follow from the picture's, or from its patches': halved, rounded up, until no more than 7 are left (28,
14, 7 or 96, 48, 24, 12, 6). The generator passes them upwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from gan_core.blocks import check_classes, convolutional_residual, dense_residual, start_as_identity
from gan_core.config import UserError, Validated, setting
from gan_core.contracts import Shapes
from gan_core.layers import LabelEmbedding

LAST_SIDE = 7
SLOPE = 0.2


@dataclass(frozen=True)
class HouseGeneratorConfig(Validated):
    """Settings of :class:`HouseGenerator`."""

    kind: ClassVar[str] = "house_generator"
    conditional: ClassVar[bool] = False
    channels: tuple[int, ...] = setting((32, 64, 128), title="Channels", minimum=1, maximum=2048,
                                        help="Channels of the maps of each size, the picture's own size first; the "
                                             "last is repeated for smaller maps.")
    blocks: tuple[int, ...] = setting((1, 1, 1), title="Residual blocks", minimum=0, maximum=64,
                                      help="How many residual blocks work at each of these sizes.")
    trunk_width: int = setting(0, title="Dense width", minimum=0, maximum=8192,
                               help="Units of the dense layers between the latents and the first maps; 0 leaves them "
                                    "out.")
    trunk_blocks: int = setting(1, title="Dense blocks", minimum=0, maximum=64,
                                help="How many residual blocks of these layers there are; each has two.")
    patch: int = setting(1, title="Patch", choices=(1, 2, 4), unit="px",
                         help="The last maps hold a square of so many pixels in each place, so that none has the "
                              "picture's own size, where a CPU spends most of its time.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels or len(self.channels) != len(self.blocks):
            raise UserError("Give as many numbers of residual blocks as of channels, at least one.")

    @property
    def pixel_range(self) -> tuple[float, float]:
        return -1.0, 1.0

    def build(self, shapes: Shapes) -> nn.Module:
        return HouseGenerator(self, shapes)


@dataclass(frozen=True)
class HouseClassGeneratorConfig(HouseGeneratorConfig):
    """Settings of :class:`HouseGenerator` with labels."""

    kind: ClassVar[str] = "house_class_generator"
    conditional: ClassVar[bool] = True
    embedding: int = setting(64, title="Label embedding", minimum=1, maximum=1024,
                             help="How many numbers stand for a class; they are appended to the latents.")


class HouseGenerator(nn.Module):
    """z (N, latent) and, for a conditional recipe, labels -> (N, C, H, W) in [-1, 1].

    Labels are classes, int64 (N,), or weights of all classes, float (N, classes).
    """

    def __init__(self, config: HouseGeneratorConfig, shapes: Shapes) -> None:
        super().__init__()
        stages = list(reversed(_stages(config, shapes)))
        width = shapes.latent_size
        if isinstance(config, HouseClassGeneratorConfig):
            check_classes(shapes)
            self.embedding = LabelEmbedding(shapes.classes, config.embedding)
            width += config.embedding
        channels, (height, side), _ = stages[0]
        trunk: list[nn.Module] = []
        if config.trunk_width:
            blocks_of_trunk = (dense_residual(config.trunk_width, SLOPE) for _ in range(config.trunk_blocks))
            trunk = [nn.Linear(width, config.trunk_width), *blocks_of_trunk, nn.LeakyReLU(SLOPE)]
            width = config.trunk_width
        self.seed = nn.Sequential(
            *trunk, nn.Linear(width, channels * height * side), nn.Unflatten(1, (channels, height, side))
        )  # fmt: skip
        layers: list[nn.Module] = []
        for after, sides, blocks in stages:
            if sides != stages[0][1]:
                layers += [*_change(channels, after), Resize(sides)]
            layers += [convolutional_residual(after, SLOPE) for _ in range(blocks)]
            channels = after
        self.body = nn.Sequential(*layers)
        self.picture = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channels, shapes.channels * config.patch**2, 3, padding=1),
            *([nn.PixelShuffle(config.patch)] if config.patch > 1 else []),
            nn.Tanh(),
        )
        start_as_identity(self, SLOPE)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        if labels is not None:
            z = torch.cat([z, self.embedding(labels)], 1)  # (N, latent + embedding)
        image: Tensor = self.picture(self.body(self.seed(z)))  # (N, C, H, W)
        return image


class Resize(nn.Module):
    """(N, C, h, w) -> (N, C, height, width), bilinear."""

    def __init__(self, sides: tuple[int, int]) -> None:
        super().__init__()
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        return functional.interpolate(x, self.sides, mode="bilinear")


def _change(before: int, after: int) -> Iterator[nn.Module]:
    """The 1×1 convolution, if any, between maps of different widths."""
    if before != after:
        yield nn.Conv2d(before, after, 1)


def _stages(config: HouseGeneratorConfig, shapes: Shapes) -> Sequence[tuple[int, tuple[int, int], int]]:
    """(channels, (height, width), residual blocks) of each size of the maps, the largest first."""
    patch = config.patch
    if shapes.height % patch or shapes.width % patch:
        raise UserError("The picture's sides must be multiples of the patch, {patch}; choose a smaller one.",
                        patch=patch)  # fmt: skip
    sides = [(shapes.height // patch, shapes.width // patch)]
    while max(sides[-1]) > LAST_SIDE:
        height, width = sides[-1]
        sides.append((math.ceil(height / 2), math.ceil(width / 2)))
    last = len(config.channels) - 1
    return [(config.channels[min(i, last)], side, config.blocks[min(i, last)]) for i, side in enumerate(sides)]

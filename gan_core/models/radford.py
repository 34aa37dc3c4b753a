"""DCGAN as first published, for any size; without batch statistics in D also the networks of WGAN-GP (R4's rivals)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from gan_core.blocks import NORMALISATIONS, normalisation, project
from gan_core.config import UserError, Validated, setting
from gan_core.contracts import Critic, Shapes
from gan_core.layers import Conv2dSame, ConvTranspose2dSame

KERNEL = 5
SMALL_SIDE = 7  # maps are halved until they are no larger, or odd
DEVIATION = 0.02  # of the normal first weights (Radford et al. 2016, §4)


@dataclass(frozen=True)
class _Radford(Validated):
    width: int = setting(64, title="Channels", minimum=1, maximum=1024,
                         help="Channels of the largest map; they double each time the map halves.")
    widest: int = setting(512, title="Most channels", help="Where the doubling ends.",
                          minimum=1, maximum=4096, advanced=True)

    def channels(self, shapes: Shapes) -> list[int]:
        """Channels of each map, from the largest to the smallest."""
        return [min(self.width * 2**step, max(self.width, self.widest)) for step in range(_halvings(shapes))]


@dataclass(frozen=True)
class RadfordGeneratorConfig(_Radford):
    """Settings of :class:`RadfordGenerator`."""

    kind: ClassVar[str] = "radford_generator"
    conditional: ClassVar[bool] = False

    @property
    def pixel_range(self) -> tuple[float, float]:
        return -1.0, 1.0

    def build(self, shapes: Shapes) -> nn.Module:
        return RadfordGenerator(self, shapes)


@dataclass(frozen=True)
class RadfordDiscriminatorConfig(_Radford):
    """Settings of :class:`RadfordDiscriminator`."""

    kind: ClassVar[str] = "radford_discriminator"
    conditional: ClassVar[bool] = False
    normalisation: str = setting("batch", title="Normalisation", choices=NORMALISATIONS,
                                 help="What follows each convolution but the first. Batch makes a picture's answer "
                                      "depend on its batch; the gradient penalty is not defined then.")
    slope: float = setting(0.2, title="Leaky slope", help="Slope of the leaky ReLU for negative inputs.",
                           minimum=0.0, maximum=1.0, advanced=True)

    @property
    def mixes_samples(self) -> bool:
        return self.normalisation == "batch"

    def build(self, shapes: Shapes) -> nn.Module:
        return RadfordDiscriminator(self, shapes)


class RadfordGenerator(nn.Module):
    """z (N, latent) -> dense -> transposed convolutions 5×5 of stride 2 -> picture (N, C, H, W) in [-1, 1]."""

    def __init__(self, config: RadfordGeneratorConfig, shapes: Shapes) -> None:
        super().__init__()
        channels = config.channels(shapes)[::-1]
        height, width = (side >> len(channels) for side in shapes.image[1:])
        layers: list[nn.Module] = [project(shapes.latent_size, channels[0], height, width, nn.ReLU())]
        for before, after in itertools.pairwise(channels):
            layers += [
                ConvTranspose2dSame(before, after, KERNEL, 2, bias=False), *normalisation("batch", after), nn.ReLU()
            ]
        self.body = nn.Sequential(*layers, ConvTranspose2dSame(channels[-1], shapes.channels, KERNEL, 2), nn.Tanh())
        _initialise(self)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        image: Tensor = self.body(z)  # (N, C, H, W)
        return image


class RadfordDiscriminator(nn.Module):
    """Picture (N, C, H, W) -> convolutions 5×5 of stride 2 -> one logit each."""

    def __init__(self, config: RadfordDiscriminatorConfig, shapes: Shapes) -> None:
        super().__init__()
        channels = config.channels(shapes)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise([shapes.channels, *channels]):
            kind = config.normalisation if layers else "none"
            layers += [
                Conv2dSame(before, after, KERNEL, 2, bias=kind == "none"),
                *normalisation(kind, after),
                nn.LeakyReLU(config.slope),
            ]
        height, width = (side >> len(channels) for side in shapes.image[1:])
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(channels[-1] * height * width, 1)
        _initialise(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        features = self.body(x).flatten(1)  # (N, channels · height · width)
        return Critic(self.head(features).squeeze(1), features)


def _halvings(shapes: Shapes) -> int:
    """How often a picture is halved: 2 for 28×28, to 7×7, and 4 for 96×96, to 6×6."""
    count, height, width = 0, shapes.height, shapes.width
    while max(height, width) > SMALL_SIDE and height % 2 == width % 2 == 0:
        count, height, width = count + 1, height // 2, width // 2
    if not count:
        raise UserError(
            "DCGAN halves its pictures, whose sides must be even and above 7; these are {height}×{width}. "
            "Choose another data set or size.",
            height=shapes.height, width=shapes.width,
        )  # fmt: skip
    return count


def _initialise(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=DEVIATION)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

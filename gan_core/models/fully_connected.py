"""Fully connected generator and discriminator (R2a and R3), and R2b's small convolutional discriminator."""

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
    Conv2dSame,
    Dropout,
    glorot_uniform,
)

ACTIVATIONS = ("relu", "leaky_relu")
INITIALISERS = ("he_normal", "glorot_uniform")


@dataclass(frozen=True)
class _Dense(Validated):
    hidden: tuple[int, ...] = setting((256,), title="Hidden layers", help="Width of each hidden layer.",
                                      minimum=1, maximum=8192)
    activation: str = setting("relu", title="Activation", help="What follows each hidden layer.", choices=ACTIVATIONS)
    slope: float = setting(0.01, title="Leaky slope", help="Slope of the leaky ReLU for negative inputs.",
                           minimum=0.0, maximum=1.0, advanced=True)
    batch_norm: bool = setting(False, title="Batch normalisation", help="Normalises each hidden layer over the batch "
                               "before its activation; helps a generator that draws too few kinds of pictures.",
                               formula=BATCH_NORM_FORMULA, source=BATCH_NORM_SOURCE)
    initialiser: str = setting("he_normal", title="Initialiser", choices=INITIALISERS, advanced=True,
                               help="How weights start: normal with variance 2/fan-in, or Glorot uniform; biases at 0.")
    dropout: float = setting(0.0, title="Dropout", minimum=0.0, maximum=0.95,
                             help="Share of hidden units silenced while training; helps where a network leans on a "
                                  "few.",
                             formula=DROPOUT_FORMULA, source=DROPOUT_SOURCE)


@dataclass(frozen=True)
class FullyConnectedGeneratorConfig(_Dense):
    """Settings of :class:`FullyConnectedGenerator`."""

    kind: ClassVar[str] = "fully_connected_generator"
    conditional: ClassVar[bool] = False
    output: str = setting("sigmoid", title="Output", choices=("sigmoid", "tanh"),
                          help="Sigmoid makes pictures in [0, 1], tanh in [-1, 1].")

    @property
    def pixel_range(self) -> tuple[float, float]:
        return (0.0, 1.0) if self.output == "sigmoid" else (-1.0, 1.0)

    def build(self, shapes: Shapes) -> nn.Module:
        return FullyConnectedGenerator(self, shapes)


@dataclass(frozen=True)
class FullyConnectedDiscriminatorConfig(_Dense):
    """Settings of :class:`FullyConnectedDiscriminator`."""

    kind: ClassVar[str] = "fully_connected_discriminator"
    conditional: ClassVar[bool] = False

    @property
    def mixes_samples(self) -> bool:
        return self.batch_norm

    def build(self, shapes: Shapes) -> nn.Module:
        return FullyConnectedDiscriminator(self, shapes)


@dataclass(frozen=True)
class ConvPoolDiscriminatorConfig(Validated):
    """Settings of :class:`ConvPoolDiscriminator`."""

    kind: ClassVar[str] = "conv_pool_discriminator"
    conditional: ClassVar[bool] = False
    filters: int = setting(16, title="Filters", help="Output channels of the 5×5 convolution.", minimum=1, maximum=512)
    hidden: int = setting(256, title="Hidden units", help="Width of the layer after the pooling.",
                          minimum=1, maximum=8192)

    @property
    def mixes_samples(self) -> bool:
        return False

    def build(self, shapes: Shapes) -> nn.Module:
        return ConvPoolDiscriminator(self, shapes)


class FullyConnectedGenerator(nn.Module):
    """z (N, latent) -> dense layers -> picture (N, C, H, W) in the range of its output activation."""

    def __init__(self, config: FullyConnectedGeneratorConfig, shapes: Shapes) -> None:
        super().__init__()
        self.shapes = shapes
        output = nn.Sigmoid() if config.output == "sigmoid" else nn.Tanh()
        self.body = nn.Sequential(*_hidden_layers(shapes.latent_size, config))
        self.head = nn.Sequential(nn.Linear(_last_width(shapes.latent_size, config), shapes.pixels), output)
        _initialise(self, config.initialiser)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        image: Tensor = self.head(self.body(z))  # (N, C·H·W)
        return image.view(-1, *self.shapes.image)  # (N, C, H, W)


class FullyConnectedDiscriminator(nn.Module):
    """Picture (N, C, H, W) -> dense layers -> one logit each; the sigmoid belongs to the loss."""

    def __init__(self, config: FullyConnectedDiscriminatorConfig, shapes: Shapes) -> None:
        super().__init__()
        self.body = nn.Sequential(*_hidden_layers(shapes.pixels, config))
        self.head = nn.Linear(_last_width(shapes.pixels, config), 1)
        _initialise(self, config.initialiser)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        features = self.body(x.flatten(1))  # (N, F)
        return Critic(self.head(features).squeeze(1), features)


class ConvPoolDiscriminator(nn.Module):
    """Convolution 5×5 ReLU, max-pool 2×2, dense ReLU, one logit (R2b)."""

    def __init__(self, config: ConvPoolDiscriminatorConfig, shapes: Shapes) -> None:
        super().__init__()
        if shapes.height % 2 or shapes.width % 2:
            raise UserError(
                "A discriminator with pooling needs pictures of even height and width; these are {height}×{width}.",
                height=shapes.height, width=shapes.width,
            )  # fmt: skip
        self.convolution = Conv2dSame(shapes.channels, config.filters, 5)
        # The maximum commutes with the rising ReLU: pooling first is the same function for a quarter of the work.
        self.pool = nn.Sequential(nn.MaxPool2d(2), nn.ReLU())
        width = config.filters * (shapes.height // 2) * (shapes.width // 2)
        self.body = nn.Sequential(nn.Linear(width, config.hidden), nn.ReLU())
        self.head = nn.Linear(config.hidden, 1)
        _initialise(self, "he_normal")

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        pooled = self.pool(self.convolution(x))  # (N, filters, H/2, W/2)
        features = self.body(pooled.flatten(1))  # (N, hidden)
        return Critic(self.head(features).squeeze(1), features)


def _hidden_layers(width: int, config: _Dense) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for units in config.hidden:
        layers.append(nn.Linear(width, units))
        if config.batch_norm:
            layers.append(nn.BatchNorm1d(units))
        layers.append(nn.ReLU() if config.activation == "relu" else nn.LeakyReLU(config.slope))
        if config.dropout > 0:
            layers.append(Dropout(config.dropout))
        width = units
    return layers


def _last_width(inputs: int, config: _Dense) -> int:
    return config.hidden[-1] if config.hidden else inputs


def _initialise(module: nn.Module, initialiser: str) -> None:
    if initialiser == "glorot_uniform":
        glorot_uniform(module)
        return
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            fan_in = layer.weight[0].numel()
            nn.init.normal_(layer.weight, std=1 / math.sqrt(fan_in / 2))
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

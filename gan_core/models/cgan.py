"""Conditional GAN of R1: a label embedding multiplied into the latents and into the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from gan_core.config import UserError, Validated, setting
from gan_core.contracts import Critic, Shapes
from gan_core.layers import LabelEmbedding, glorot_uniform, keras_batch_norm


@dataclass(frozen=True)
class CganGeneratorConfig(Validated):
    """Settings of :class:`CganGenerator`."""

    kind: ClassVar[str] = "cgan_generator"
    conditional: ClassVar[bool] = True
    hidden: tuple[int, ...] = setting((128, 256, 512), title="Hidden layers", help="Width of each hidden layer.",
                                      minimum=1, maximum=8192)
    slope: float = setting(0.2, title="Leaky slope", help="Slope of the leaky ReLU for negative inputs.",
                           minimum=0.0, maximum=1.0, advanced=True)
    momentum: float = setting(0.8, title="Batch-norm momentum", minimum=0.0, maximum=0.999, advanced=True,
                              help="Share of the old running average kept at each step (Keras' convention).")

    @property
    def pixel_range(self) -> tuple[float, float]:
        return -1.0, 1.0

    def build(self, shapes: Shapes) -> nn.Module:
        return CganGenerator(self, shapes)


@dataclass(frozen=True)
class CganDiscriminatorConfig(Validated):
    """Settings of :class:`CganDiscriminator`."""

    kind: ClassVar[str] = "cgan_discriminator"
    conditional: ClassVar[bool] = True
    hidden: tuple[int, ...] = setting((512, 256, 128), title="Hidden layers", help="Width of each hidden layer.",
                                      minimum=1, maximum=8192)
    slope: float = setting(0.2, title="Leaky slope", help="Slope of the leaky ReLU for negative inputs.",
                           minimum=0.0, maximum=1.0, advanced=True)

    @property
    def mixes_samples(self) -> bool:
        return False

    def build(self, shapes: Shapes) -> nn.Module:
        return CganDiscriminator(self, shapes)


class CganGenerator(nn.Module):
    """z (N, latent) and labels, (N,) or weights (N, classes), -> picture (N, C, H, W) in [-1, 1]."""

    def __init__(self, config: CganGeneratorConfig, shapes: Shapes) -> None:
        super().__init__()
        self.shapes = shapes
        self.embedding = _label_embedding(shapes, shapes.latent_size)
        layers: list[nn.Module] = []
        width = shapes.latent_size
        for units in config.hidden:
            layers += [nn.Linear(width, units), nn.LeakyReLU(config.slope), keras_batch_norm(units, config.momentum)]
            width = units
        self.body = nn.Sequential(*layers, nn.Linear(width, shapes.pixels), nn.Tanh())
        _initialise(self.body)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        conditioned = z * self.embedding(labels)  # (N, latent)
        image: Tensor = self.body(conditioned)  # (N, C·H·W)
        return image.view(-1, *self.shapes.image)  # (N, C, H, W)


class CganDiscriminator(nn.Module):
    """Picture (N, C, H, W) and labels (N,) -> one logit each; the sigmoid belongs to the loss."""

    def __init__(self, config: CganDiscriminatorConfig, shapes: Shapes) -> None:
        super().__init__()
        self.embedding = _label_embedding(shapes, shapes.pixels)
        layers: list[nn.Module] = []
        width = shapes.pixels
        for units in config.hidden:
            layers += [nn.Linear(width, units), nn.LeakyReLU(config.slope)]
            width = units
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, 1)
        _initialise(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        conditioned = x.flatten(1) * self.embedding(labels)  # (N, C·H·W)
        features = self.body(conditioned)  # (N, F)
        return Critic(self.head(features).squeeze(1), features)


def _label_embedding(shapes: Shapes, width: int) -> LabelEmbedding:
    if shapes.classes < 1:
        raise UserError("The conditional GAN needs a data set with labels; choose one that has classes.")
    embedding = LabelEmbedding(shapes.classes, width)
    nn.init.uniform_(embedding.weight, -0.05, 0.05)  # Keras' default for embeddings
    return embedding


def _initialise(module: nn.Module) -> None:
    glorot_uniform(module)
    first = next(layer for layer in module.modules() if isinstance(layer, nn.Linear))
    nn.init.normal_(first.weight, std=0.02)

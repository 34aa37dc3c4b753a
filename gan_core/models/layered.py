"""Generators that others trained, built from a list of well-known layers; and the discriminators that they lack.

A list says all that PyTorch's own layers need, and nothing in it is code. Where a layer's weights are called otherwise
than its place in the list, ``name`` says how.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from gan_core.config import UserError, Validated, setting
from gan_core.contracts import Shapes
from gan_core.layers import LabelEmbedding

WIDEST = 16_384
LABEL_PLACES = ("before", "after")


def _size(default: int, title: str, minimum: int = 1, maximum: int = WIDEST) -> int:
    value: int = setting(default, title=title, help="As PyTorch's layer of that name takes it.",
                         minimum=minimum, maximum=maximum)  # fmt: skip
    return value


@dataclass(frozen=True)
class Layer(Validated):
    """One layer of a list; ``name`` is what its weights are called in the file, its place in the list if empty."""

    kind: ClassVar[str]

    def module(self) -> nn.Module:
        """What PyTorch calls it."""
        raise NotImplementedError

    @property
    def called(self) -> str:
        return str(getattr(self, "name", ""))


@dataclass(frozen=True)
class Linear(Layer):
    """nn.Linear: (N, inputs) -> (N, outputs)."""

    kind: ClassVar[str] = "linear"
    inputs: int = _size(1, "Inputs")
    outputs: int = _size(1, "Outputs")
    bias: bool = True
    name: str = ""

    def module(self) -> nn.Module:
        return nn.Linear(self.inputs, self.outputs, bias=self.bias)


@dataclass(frozen=True)
class _Kernel(Layer):
    inputs: int = _size(1, "Inputs")
    outputs: int = _size(1, "Outputs")
    kernel: int = _size(4, "Kernel", maximum=31)
    stride: int = _size(1, "Stride", maximum=8)
    padding: int = _size(0, "Padding", 0, 31)
    bias: bool = True
    name: str = ""


@dataclass(frozen=True)
class Convolution(_Kernel):
    """nn.Conv2d: (N, inputs, H, W) -> (N, outputs, H', W')."""

    kind: ClassVar[str] = "conv"

    def module(self) -> nn.Module:
        return nn.Conv2d(self.inputs, self.outputs, self.kernel, self.stride, self.padding, bias=self.bias)


@dataclass(frozen=True)
class TransposedConvolution(_Kernel):
    """nn.ConvTranspose2d: (N, inputs, H, W) -> (N, outputs, H', W')."""

    kind: ClassVar[str] = "conv_transpose"
    output_padding: int = _size(0, "Output padding", 0, 7)

    def module(self) -> nn.Module:
        return nn.ConvTranspose2d(
            self.inputs, self.outputs, self.kernel, self.stride, self.padding, self.output_padding, bias=self.bias
        )


@dataclass(frozen=True)
class BatchNorm(Layer):
    """nn.BatchNorm1d or nn.BatchNorm2d, as the pictures it meets need; with the statistics in the file."""

    kind: ClassVar[str] = "batch_norm"
    features: int = _size(1, "Features")
    epsilon: float = setting(1e-5, title="ε", help="As PyTorch's layer takes it.", minimum=0.0, maximum=1.0)
    name: str = ""

    def module(self) -> nn.Module:
        return _AnyBatchNorm(self.features, self.epsilon)


@dataclass(frozen=True)
class Activation(Layer):
    """What follows a layer, by PyTorch's name; ``slope`` is that of leaky_relu for negative numbers."""

    kind: ClassVar[str] = "activation"
    function: str = setting("relu", title="Function", help="As PyTorch calls it.",
                            choices=("relu", "leaky_relu", "tanh", "sigmoid", "elu", "gelu", "silu"))  # fmt: skip
    slope: float = setting(0.01, title="Slope", help="Of leaky_relu.", minimum=0.0, maximum=1.0)

    def module(self) -> nn.Module:
        made: dict[str, Callable[[], nn.Module]] = {
            "relu": nn.ReLU, "leaky_relu": lambda: nn.LeakyReLU(self.slope), "tanh": nn.Tanh, "sigmoid": nn.Sigmoid,
            "elu": nn.ELU, "gelu": nn.GELU, "silu": nn.SiLU,
        }  # fmt: skip
        return made[self.function]()


@dataclass(frozen=True)
class Reshape(Layer):
    """(N, …) -> (N, *shape): the ``view`` in a forward function, so the places of other layers do not count it."""

    kind: ClassVar[str] = "reshape"
    shape: tuple[int, ...] = setting((1,), title="Shape", help="Without the batch.", minimum=1, maximum=WIDEST**2)

    def module(self) -> nn.Module:
        return _Reshaped(self.shape)


@dataclass(frozen=True)
class Upsample(Layer):
    """nn.Upsample: (N, C, H, W) -> (N, C, H·factor, W·factor)."""

    kind: ClassVar[str] = "upsample"
    factor: int = _size(2, "Factor", maximum=8)
    mode: str = setting("nearest", title="Mode", help="As PyTorch calls it.", choices=("nearest", "bilinear"))

    def module(self) -> nn.Module:
        return nn.Upsample(scale_factor=self.factor, mode=self.mode)


@dataclass(frozen=True)
class PixelShuffle(Layer):
    """nn.PixelShuffle: (N, C·factor², H, W) -> (N, C, H·factor, W·factor)."""

    kind: ClassVar[str] = "pixel_shuffle"
    factor: int = _size(2, "Factor", maximum=8)

    def module(self) -> nn.Module:
        return nn.PixelShuffle(self.factor)


@dataclass(frozen=True)
class Identity(Layer):
    """A layer that does nothing when pictures are made, such as dropout; it keeps the places of the others right."""

    kind: ClassVar[str] = "identity"

    def module(self) -> nn.Module:
        return nn.Identity()


LAYERS: tuple[type[Layer], ...] = (
    Linear, Convolution, TransposedConvolution, BatchNorm, Activation, Reshape, Upsample, PixelShuffle, Identity,
)  # fmt: skip


@dataclass(frozen=True)
class LayeredGeneratorConfig(Validated):
    """Settings of :class:`LayeredGenerator` without labels; pictures in [low, high]."""

    kind: ClassVar[str] = "layered_generator"
    conditional: ClassVar[bool] = False
    layers: tuple[Layer, ...] = ()
    low: float = setting(-1.0, title="Lowest pixel", help="What black is.", minimum=-1000.0, maximum=1000.0)
    high: float = setting(1.0, title="Highest pixel", help="What white is.", minimum=-1000.0, maximum=1000.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.layers or len(self.layers) > 200:
            raise UserError("A list of layers has between 1 and {most} of them.", most=200)
        if self.low >= self.high:
            raise UserError("The lowest pixel must be less than the highest.")

    @property
    def pixel_range(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def names(self) -> tuple[str, ...]:
        """What the weights of each layer are called in the file."""
        counted = [not isinstance(layer, Reshape) for layer in self.layers]
        return tuple(layer.called or str(sum(counted[:place])) for place, layer in enumerate(self.layers))

    def build(self, shapes: Shapes) -> nn.Module:
        return LayeredGenerator(self, shapes)


@dataclass(frozen=True)
class LayeredClassGeneratorConfig(LayeredGeneratorConfig):
    """The same with labels beside the noise: one-hot, or embedded where ``label_width`` is not 0."""

    kind: ClassVar[str] = "layered_class_generator"
    conditional: ClassVar[bool] = True
    label_width: int = _size(0, "Label width", 0)
    label_place: str = setting("after", title="Label place", help="Before or after the noise.", choices=LABEL_PLACES)
    label_name: str = "label_emb"


class LayeredGenerator(nn.Module):
    """z (N, latent), with labels if the config has them -> (N, C, H, W), through the listed layers in order."""

    def __init__(self, config: LayeredGeneratorConfig, shapes: Shapes) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(layer.module() for layer in config.layers))
        self.config, self.shapes = config, shapes
        self.embedding: LabelEmbedding | None = None
        if isinstance(config, LayeredClassGeneratorConfig) and config.label_width:
            self.embedding = LabelEmbedding(shapes.classes, config.label_width)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        if isinstance(self.config, LayeredClassGeneratorConfig) and labels is not None:
            coded = self._coded(labels, z)
            before = self.config.label_place == "before"
            z = torch.cat([coded, z] if before else [z, coded], 1)  # (N, latent + width)
        images: Tensor = self.layers(z)
        return images.reshape(-1, *self.shapes.image)  # (N, C, H, W)

    def _coded(self, labels: Tensor, z: Tensor) -> Tensor:
        """(N, width) from classes (N,) or weights of all classes (N, classes)."""
        if self.embedding is not None:
            coded: Tensor = self.embedding(labels)
            return coded
        return labels if labels.is_floating_point() else functional.one_hot(labels, self.shapes.classes).to(z.dtype)


class _AnyBatchNorm(nn.BatchNorm2d):
    """(N, C) and (N, C, H, W) alike: the arithmetic is the same, PyTorch's two classes differ in this check alone."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (2, 4):
            raise ValueError(f"batch normalisation takes (N, C) or (N, C, H, W); it is given {tuple(input.shape)}")


class _Reshaped(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        if math.prod(x.shape[1:]) != math.prod(self.shape):
            raise ValueError(f"{tuple(x.shape[1:])} cannot become {self.shape}")
        return x.reshape(-1, *self.shape)  # (N, *shape)


@dataclass(frozen=True)
class UnknownDiscriminatorConfig:
    """The discriminator that a generator came without; nothing can be trained with it."""

    kind: ClassVar[str] = "unknown_discriminator"
    conditional: ClassVar[bool] = False

    @property
    def mixes_samples(self) -> bool:
        return False

    def build(self, shapes: Shapes) -> nn.Module:
        raise UserError("This generator came without its discriminator, so it can draw and cannot be trained.")


@dataclass(frozen=True)
class UnknownClassDiscriminatorConfig(UnknownDiscriminatorConfig):
    """The same for a generator with labels."""

    kind: ClassVar[str] = "unknown_class_discriminator"
    conditional: ClassVar[bool] = True

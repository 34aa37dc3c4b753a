"""Blocks that two or more architectures share."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# What settings that switch these on say of them.
DROPOUT_FORMULA = r"\tilde h = \frac{m \odot h}{1-p},\quad m_i \in \{0, 1\},\; P(m_i = 0) = p"
DROPOUT_SOURCE = "Srivastava et al. 2014, §4"
BATCH_NORM_FORMULA = r"\hat h = \gamma\,\frac{h - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}} + \beta"
BATCH_NORM_SOURCE = "Ioffe & Szegedy 2015, algorithm 1"
UPSAMPLING_SOURCE = (
    "Dumoulin & Visin 2016, §4 (transposed); Shi et al. 2016 (PixelShuffle); Odena et al. 2016 (resizing)"
)


FEW_CHANNELS = 4  # up to which the way over a matrix product is the faster one


class Dropout(nn.Module):
    """Inverted dropout with an explicit random source (Srivastava et al. 2014).

    The mask compares 16 random bits with ``p``: it drops with probability round(65536 p)/65536 and rescales by
    exactly that figure, so it is unbiased; on a CPU it is several times faster than drawing Bernoulli floats.
    ``generator`` is set by the trainer, so that a run's masks depend on nothing but its seed.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0.0 <= p < 1.0:
            raise ValueError(f"dropout probability must lie in [0, 1); it is {p}")
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        dropped = round(self.p * 65536)
        if not self.training or dropped == 0:
            return x
        words = torch.empty(math.ceil(x.numel() / 4), dtype=torch.int64, device=x.device)
        # The whole int64 range: without bounds random_() leaves the sign bit 0, which would bias every fourth draw.
        words.random_(-(2**63), None, generator=self.generator)
        bits = words.view(torch.int16)[: x.numel()].view(x.shape)
        # As numbers in place of truth values, the mask is one vectorised product there and one back.
        mask = torch.empty_like(x)
        torch.ge(bits, dropped - 32768, out=mask)
        return x * mask.mul_(65536 / (65536 - dropped))

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


def set_dropout_generator(module: nn.Module, generator: torch.Generator) -> None:
    """Let every :class:`Dropout` inside ``module`` draw from ``generator``."""
    for layer in module.modules():
        if isinstance(layer, Dropout):
            layer.generator = generator


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """(before, after) zeros of TensorFlow's SAME padding: the output has ceil(size / stride) elements."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Conv2dSame(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: (N, C, H, W) -> (N, F, ceil(H/s), ceil(W/s))."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, stride, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        top, bottom = same_padding(input.shape[2], kernel, stride)
        left, right = same_padding(input.shape[3], kernel, stride)
        if top == bottom == left == right:
            return functional.conv2d(input, self.weight, self.bias, self.stride, (top, left))
        return functional.conv2d(functional.pad(input, (left, right, top, bottom)), self.weight, self.bias, self.stride)


class ConvTranspose2dSame(nn.ConvTranspose2d):
    """The transpose of :class:`Conv2dSame`: (N, C, H, W) -> (N, F, H·s, W·s), aligned as TensorFlow aligns it.

    To few output channels, a CPU's transposed convolution is several times slower than its products ask for. In
    training these few are summed up from one matrix product; the function is the same, up to rounding.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, stride, bias=bias)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = input.shape[2] * stride, input.shape[3] * stride
        before, after = same_padding(height, kernel, stride)
        if self.training and input.device.type == "cpu" and self.out_channels <= FEW_CHANNELS:
            out = self._summed(input, before)
        else:
            out = functional.conv_transpose2d(input, self.weight, self.bias, self.stride, before)
        if after == before:
            return out
        # SAME may crop one pixel more at the far end than at the near one; torch's padding is symmetric. A view with
        # gaps would send batch normalisation and its gradient down paths that take six times as long.
        return out[:, :, :height, :width].contiguous()

    def _summed(self, input: Tensor, padding: int) -> Tensor:
        """What conv_transpose2d gives: each input pixel's patch (outputs · kernel²), laid down and added up."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        weights = self.weight.flatten(1).t().expand(len(input), -1, -1)  # (N, outputs · kernel², inputs)
        patches = torch.bmm(weights, input.flatten(2))  # (N, outputs · kernel², H · W)
        sides = tuple((side - 1) * stride + kernel - 2 * padding for side in input.shape[2:])
        out: Tensor = functional.fold(patches, sides, kernel, padding=padding, stride=stride)
        return out if self.bias is None else out + self.bias.view(-1, 1, 1)


class LabelEmbedding(nn.Embedding):
    """A learned vector for each class, for labels that may lie between two classes.

    Labels are classes, int64 (N,), or weights of all classes, float (N, classes), that mix the classes' vectors
    linearly -> (N, width). A weight of 1 on one class gives exactly that class' vector.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__(classes, width)

    def forward(self, input: Tensor) -> Tensor:
        return input @ self.weight if input.is_floating_point() else super().forward(input)


UPSAMPLINGS = ("transposed", "pixel_shuffle", "resize")


def upsampling(kind: str, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
    """(N, inputs, H, W) -> (N, outputs, H·stride, W·stride) without bias, by one of ``UPSAMPLINGS``."""
    if kind == "transposed" or stride == 1:
        return ConvTranspose2dSame(inputs, outputs, kernel, stride, bias=False)
    if kind == "pixel_shuffle":
        return nn.Sequential(
            Conv2dSame(inputs, outputs * stride**2, kernel, bias=False), nn.PixelShuffle(stride)
        )
    return nn.Sequential(nn.Upsample(scale_factor=stride), Conv2dSame(inputs, outputs, kernel, bias=False))


def keras_batch_norm(features: int, keras_momentum: float, *, spatial: bool = False) -> nn.Module:
    """Batch normalisation with Keras' reading of momentum (torch's is 1 - m) and its epsilon of 1e-3."""
    norm = nn.BatchNorm2d if spatial else nn.BatchNorm1d
    return norm(features, eps=1e-3, momentum=1 - keras_momentum)


def glorot_uniform(module: nn.Module) -> None:
    """Keras' default: Glorot-uniform kernels and zero biases in every dense and convolutional layer inside."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

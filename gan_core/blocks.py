"""Parts of networks that more than one family uses: normalisation, up-sampling, residual blocks, first weights, and the
way of each sample to the branch of its class."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_core.config import UserError
from gan_core.contracts import Shapes
from gan_core.layers import Conv2dSame, upsampling

NORMALISATIONS = ("batch", "layer", "instance", "group", "none")
TURNS = ("transposed", "pixel_shuffle")  # that "alternating" takes
GROUPS = 8  # of group normalisation, where the channels can be divided into so many


def normalisation(kind: str, channels: int) -> list[nn.Module]:
    """The layer, if any, that normalises (N, ``channels``, H, W).

    "batch" (Ioffe & Szegedy 2015) uses the statistics of the whole batch; the others those of each picture alone:
    "layer" over all channels (Ba et al. 2016), "instance" over each (Ulyanov et al. 2016), "group" over eight groups
    (Wu & He 2018).
    """
    if kind == "none":
        return []
    if kind == "batch":
        return [nn.BatchNorm2d(channels)]
    groups = {"layer": 1, "instance": channels, "group": math.gcd(channels, GROUPS)}[kind]
    return [nn.GroupNorm(groups, channels)]


def project(latent_size: int, channels: int, height: int, width: int, activation: nn.Module) -> nn.Sequential:
    """z (N, latent) -> dense, batch normalisation -> (N, channels, height, width)."""
    return nn.Sequential(
        nn.Linear(latent_size, channels * height * width, bias=False),
        nn.Unflatten(1, (channels, height, width)),
        nn.BatchNorm2d(channels),
        activation,
    )


def growth(kind: str, channels: int, before: int, after: int) -> nn.Module:
    """From (N, channels, before, before) to (N, channels, after, after) without bias, by one of ``UPSAMPLINGS``.

    A transposed convolution's kernel is twice its stride, so that each pixel gets as many contributions (Odena et al.
    2016). Where ``after`` is no multiple of ``before``, pixels cannot be shuffled, and a transposed convolution of
    stride 1 stands in.
    """
    factor, rest = divmod(after, before)
    if not rest:
        return upsampling(kind, channels, channels, 2 * factor if kind == "transposed" else 3, factor)
    if kind == "resize":
        return nn.Sequential(nn.Upsample(size=(after, after)), Conv2dSame(channels, channels, 3, bias=False))
    return nn.ConvTranspose2d(channels, channels, after - before + 1, bias=False)


def kind_of_step(kind: str, step: int) -> str:
    """The up-sampling at ``step``, from 0: "alternating" begins with a transposed convolution."""
    return TURNS[step % len(TURNS)] if kind == "alternating" else kind


class ResidualDown(nn.Module):
    """(N, inputs, H, W) -> (N, outputs, ⌈H/2⌉, ⌈W/2⌉): two normalised convolutions 3×3 beside a linear short cut.

    The first convolution and the short cut's 1×1 have stride 2; nothing is pooled.
    """

    def __init__(self, inputs: int, outputs: int, kind: str, slope: float) -> None:
        super().__init__()
        bias = kind == "none"  # a normalisation brings its own
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=bias),
            *normalisation(kind, outputs),
            nn.LeakyReLU(slope),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=bias),
            *normalisation(kind, outputs),
            nn.LeakyReLU(slope),
        )
        self.short_cut = nn.Conv2d(inputs, outputs, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.body(x) + self.short_cut(x)
        return total


class Residual(nn.Module):
    """x + body(x), where the body is two layers, each after a leaky ReLU, that leave the shape of x as it is."""

    def __init__(self, first: nn.Module, last: nn.Module, slope: float) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.LeakyReLU(slope), first, nn.LeakyReLU(slope), last)

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = x + self.body(x)
        return total


def convolutional_residual(channels: int, slope: float) -> Residual:
    """(N, channels, H, W) -> the same, with 3×3 convolutions."""
    first, last = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
    return Residual(first, last, slope)


def dense_residual(width: int, slope: float) -> Residual:
    """(N, width) -> the same."""
    first, last = (nn.Linear(width, width) for _ in range(2))
    return Residual(first, last, slope)


class Groups:
    """The samples of a batch by class, so that each branch runs once, on its own samples, in their order.

    Sorting costs one wait for the device; nothing loops over samples.

    Args:
        labels: int64 (N,), each in [0, classes).

    Raises:
        ValueError: a label is outside that range.
    """

    def __init__(self, labels: Tensor, classes: int) -> None:
        listed = labels.detach().cpu()
        counts: list[int] = torch.bincount(listed, minlength=classes).tolist()
        if len(counts) > classes:
            raise ValueError(f"label {int(listed.max())} has no branch; there are {classes}")
        self.classes = [label for label, count in enumerate(counts) if count]
        self._sizes = [counts[label] for label in self.classes]
        order = listed.argsort(stable=True)
        self._sorted = bool((order[1:] > order[:-1]).all())
        self._order = order.to(labels.device)
        self._back = order.argsort().to(labels.device)

    def split(self, x: Tensor) -> list[Tensor]:
        """The samples (n, …) of each of ``classes``, in its order, from (N, …)."""
        return list(torch.split(x if self._sorted else x[self._order], self._sizes))

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """The reverse of :meth:`split`: (N, …) in the batch's order."""
        joined = torch.cat(list(parts)) if len(parts) > 1 else parts[0]
        return joined if self._sorted else joined[self._back]


def mixed(answers: Sequence[Tensor], weights: Tensor) -> Tensor:
    """Σ_c weights (N, classes)[:, c] · answers[c] (N, …); weight 1 on one class gives exactly that class' answer."""
    stacked = torch.stack(list(answers))  # (classes, N, …)
    shares = weights.t().reshape(*stacked.shape[:2], *[1] * (stacked.dim() - 2))
    return (shares * stacked).sum(0)


def he_normal(module: nn.Module, slope: float) -> None:
    """Normal weights with the variance that a leaky ReLU of that slope keeps (He et al. 2015, eq. 15), biases 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, a=slope)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def start_as_identity(module: nn.Module, slope: float) -> None:
    """He-normal weights, but in a :class:`Residual`: scaled by L^-½ in its first layer, where L is the number of
    blocks, and 0 in its last, so that every block starts as the identity (Zhang et al. 2019, Fixup, §3)."""
    he_normal(module, slope)
    blocks = [layer for layer in module.modules() if isinstance(layer, Residual)]
    for block in blocks:
        first, last = (layer for layer in block.body if isinstance(layer, nn.Linear | nn.Conv2d))
        first.weight.data.mul_(len(blocks) ** -0.5)
        nn.init.zeros_(last.weight)


def check_classes(shapes: Shapes) -> None:
    """Raise UserError where a network that takes labels is built for a data set without classes."""
    if shapes.classes < 1:
        raise UserError("This GAN draws what its labels ask for; choose a data set that has classes.")

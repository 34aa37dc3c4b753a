"""Stacked-MNIST: three grey digits as one picture's red, green and blue, so that there are 1,000 modes to find.

Metz et al. 2017, "Unrolled GANs" (arXiv:1611.02163), and 26,000 samples as in Srivastava et al. 2017, "VEEGAN". Here
each channel is an independent sample of a grey generator, read by itself. For real MNIST the divergence is about 0.023,
not 0: 26,000 samples of 1,000 modes scatter, and MNIST's digits are not equally frequent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

STACKED_SAMPLES = 26_000
CHANNELS = 3


@dataclass(frozen=True)
class Stacked:
    """How many of the classes³ modes appear, and KL(appearing ‖ uniform) in nats."""

    modes: int
    divergence: float


def stacked_modes(read: Tensor, classes: int = 10) -> Stacked:
    """From the classes read in single grey pictures, int64 (3 · N,): pictures 3i, 3i + 1 and 3i + 2 are one sample.

    Raises:
        ValueError: the number of pictures is not a multiple of 3, or there are none.
    """
    if len(read) == 0 or len(read) % CHANNELS:
        raise ValueError(f"stacked pictures need a positive multiple of {CHANNELS} grey ones; there are {len(read)}")
    places = torch.tensor([classes**power for power in range(CHANNELS)], device=read.device)
    modes = (read.reshape(-1, CHANNELS) * places).sum(1)  # (N,) in [0, classes³)
    shares = torch.bincount(modes, minlength=classes**CHANNELS).double() / len(modes)
    present = shares[shares > 0]
    divergence = (present * present.log()).sum().item() + CHANNELS * math.log(classes)
    return Stacked(len(present), max(divergence, 0.0))

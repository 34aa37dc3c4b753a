"""Penalties on a network; terms like the adversarial ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gan_core.config import UserError, setting
from gan_core.objectives import Batch, Term


@dataclass(frozen=True)
class KernelDecay(Term):
    """Keras' L2 regulariser on chosen convolution kernels of D: weight · Σ w², the same for each sample."""

    kind: ClassVar[str] = "kernel_decay"
    player: ClassVar[str] = "discriminator"
    title: ClassVar[str] = "L2 penalty on kernels"
    formula: ClassVar[str] = r"\sum_{l \in L} \lVert W_l \rVert_2^2"
    source: ClassVar[str] = "Krogh & Hertz 1992; Keras' regularizers.l2, which has no factor 1/2"
    summary: ClassVar[str] = "Keeps chosen convolution kernels small, so that the discriminator cannot grow too sure."
    weight: float = setting(0.01, title="Weight", help="How much this term counts in the loss.",
                            minimum=0.0, maximum=1e4)
    layers: tuple[int, ...] = setting((2,), title="Layers", minimum=1, maximum=64,
                                      help="Which convolutions of D, counted from 1 at the picture.")

    def __call__(self, batch: Batch) -> Tensor:
        kernels = [layer.weight for layer in batch.discriminator.modules() if isinstance(layer, nn.Conv2d)]
        if max(self.layers) > len(kernels):
            raise UserError(
                f"The L2 penalty names convolution {max(self.layers)}, but the discriminator has {len(kernels)}; "
                "name others under its setting Layers."
            )
        total = torch.stack([kernels[layer - 1].float().square().sum() for layer in self.layers]).sum()
        return total.expand(batch.fake.shape[0])  # (N,)

"""Penalties on the discriminator; terms like the adversarial ones, whose weight may follow the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gan_core.config import UserError, setting
from gan_core.terms import Batch, Term


@dataclass(frozen=True)
class Penalty(Term):
    """Base of penalties, whose weight may fall over the run."""

    player: ClassVar[str] = "discriminator"
    group: ClassVar[str] = "penalty"
    final_share: float = setting(
        1.0, title="Share of the weight at the end", minimum=0.0, maximum=1.0,
        help="The weight falls to this share of itself over the run, along half a cosine; 1 keeps it.",
    )  # fmt: skip

    def weight_at(self, annealing: float | Tensor) -> float | Tensor:
        if self.final_share == 1:
            return self.weight
        return self.weight * (self.final_share + (1 - self.final_share) * annealing)


@dataclass(frozen=True)
class KernelDecay(Penalty):
    """Keras' L2 regulariser on chosen convolution kernels of D: weight · Σ w², the same for each sample."""

    kind: ClassVar[str] = "kernel_decay"
    title: ClassVar[str] = "L2 penalty on kernels"
    formula: ClassVar[str] = r"\sum_{l \in L} \lVert W_l \rVert_2^2"
    source: ClassVar[str] = "Krogh & Hertz 1992; Keras' regularizers.l2, which has no factor 1/2"
    summary: ClassVar[str] = "Keeps chosen convolution kernels small, so that the discriminator cannot grow too sure."
    weight: float = setting(0.01, title="Weight", help="How much this term counts in the loss.",
                            minimum=0.0, maximum=1e4)
    layers: tuple[int, ...] = setting((2,), title="Layers", minimum=1, maximum=64,
                                      help="Which convolutions of D, counted from 1 at the picture.")

    def check(self, discriminator: nn.Module) -> None:
        self._kernels(discriminator)

    def __call__(self, batch: Batch) -> Tensor:
        kernels = self._kernels(batch.discriminator)
        total = torch.stack([kernel.float().square().sum() for kernel in kernels]).sum()
        return total.expand(batch.fake.shape[0])  # (N,)

    def _kernels(self, discriminator: nn.Module) -> list[Tensor]:
        kernels = [layer.weight for layer in discriminator.modules() if isinstance(layer, nn.Conv2d)]
        if not self.layers or max(self.layers) > len(kernels):
            raise UserError(
                "The L2 penalty names the convolutions {layers}, but the discriminator has {count}; "
                "name others under its setting Layers.",
                layers=list(self.layers), count=len(kernels),
            )  # fmt: skip
        return [kernels[layer - 1] for layer in self.layers]


@dataclass(frozen=True)
class _GradientTerm(Penalty):
    per_sample_gradient: ClassVar[bool] = True
    part: float = setting(
        1.0, title="Part of the batch", minimum=0.01, maximum=1.0,
        help="The penalty is taken on this share of each batch, its first pictures. The mean is the same, with more "
             "noise; the time that the penalty takes shrinks with it.",
    )  # fmt: skip

    def drawn(self, pictures: Tensor, labels: Tensor | None, answers: Tensor) -> tuple[Tensor, Tensor | None]:
        """The pictures (n, C, H, W), with their labels (n,), that the penalty looks at; a batch is in random order.

        D gives one of its ``answers`` to each picture, or to each pack of them, which is not cut apart.
        """
        count = max(1, round(self.part * len(answers))) * (len(pictures) // len(answers))
        return pictures[:count], None if labels is None else labels[:count]


@dataclass(frozen=True)
class GradientPenalty(_GradientTerm):
    """WGAN-GP: slope 1 on the way between real and generated pictures."""

    kind: ClassVar[str] = "gradient_penalty"
    title: ClassVar[str] = "Gradient penalty"
    formula: ClassVar[str] = r"\bigl(\lVert \nabla_{\hat x} C(\hat x) \rVert_2 - 1\bigr)^2,\quad " \
                             r"\hat x = \epsilon x + (1-\epsilon)\, G(z)"
    source: ClassVar[str] = "Gulrajani et al. 2017, eq. 3"
    summary: ClassVar[str] = "Keeps the critic's slope at 1 between real and generated pictures."
    weight: float = setting(10.0, title="Weight λ", help="10 in the paper on WGAN-GP, 5 for IGAN.",
                            minimum=0.0, maximum=1e4)

    def __call__(self, batch: Batch) -> Tensor:
        assert batch.real is not None
        real, labels = self.drawn(batch.real.detach(), batch.real_labels, batch.real_logits)
        fake, _ = self.drawn(batch.fake.detach().to(real.dtype), None, batch.fake_logits)
        share = torch.empty(real.shape[0], 1, 1, 1, device=real.device).uniform_(generator=batch.random)
        squared = squared_slope(batch.discriminator, share * real + (1 - share) * fake, labels)
        # The root has no finite slope at 0: a constant critic would otherwise give NaN.
        return ((squared + 1e-12).sqrt() - 1).square()


@dataclass(frozen=True)
class R1(_GradientTerm):
    """Zero-centred gradient penalty on real pictures."""

    kind: ClassVar[str] = "r1"
    title: ClassVar[str] = "R1 penalty"
    formula: ClassVar[str] = r"\lVert \nabla_x C(x) \rVert_2^2"
    source: ClassVar[str] = "Mescheder et al. 2018, eq. 9; the weight here is their γ/2"
    summary: ClassVar[str] = "Flattens the discriminator around real pictures, so that training settles."

    def __call__(self, batch: Batch) -> Tensor:
        assert batch.real is not None
        return squared_slope(batch.discriminator, *self.drawn(batch.real, batch.real_labels, batch.real_logits))


@dataclass(frozen=True)
class R2(_GradientTerm):
    """Zero-centred gradient penalty on generated pictures."""

    kind: ClassVar[str] = "r2"
    title: ClassVar[str] = "R2 penalty"
    formula: ClassVar[str] = r"\lVert \nabla_x C(G(z)) \rVert_2^2"
    source: ClassVar[str] = "Mescheder et al. 2018, eq. 10; the weight here is their γ/2"
    summary: ClassVar[str] = "Flattens the discriminator around generated pictures; goes together with R1."

    def __call__(self, batch: Batch) -> Tensor:
        return squared_slope(batch.discriminator, *self.drawn(batch.fake, batch.fake_labels, batch.fake_logits))


def squared_slope(discriminator: nn.Module, x: Tensor, labels: Tensor | None) -> Tensor:
    """‖∂C(x)/∂x‖² for each of ``x`` (N, C, H, W), (N,); differentiable in the discriminator's weights."""
    x = x.detach().float().requires_grad_()
    logits = discriminator(x, labels).logits
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return slope.flatten(1).square().sum(1)

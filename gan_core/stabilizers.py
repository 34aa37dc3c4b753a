"""What keeps a discriminator from winning too easily, whatever its architecture: settings and the layers they add."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gan_core.config import UserError, Validated, setting
from gan_core.contracts import Critic


@dataclass(frozen=True)
class Stabilizers(Validated):
    """Switches that any recipe accepts; all off by default."""

    instance_noise: float = setting(
        0.0, title="Instance noise", minimum=0.0, maximum=2.0, group="Inputs of D",
        help="Standard deviation of Gaussian noise on every picture that D sees, at the start; helps where D tells "
             "real from fake at once.",
        formula=r"\begin{gathered} \tilde x = x + \sigma(t)\,\epsilon,\quad \epsilon \sim \mathcal{N}(0, I) \\ "
                r"\sigma(t) = \sigma_0 \max\bigl(0, 1 - \tfrac{t}{u\,T}\bigr) \end{gathered}",
        source="Sønderby et al. 2017, §3.2",
    )  # fmt: skip
    instance_noise_until: float = setting(
        1.0, title="Noise gone after", minimum=0.0, maximum=1.0, group="Inputs of D", advanced=True,
        help="Share of the run after which the noise, falling along a line, is gone; 0 keeps it constant.",
    )  # fmt: skip
    packing: int = setting(
        1, title="Packing", choices=(1, 2, 4, 8), group="Inputs of D",
        help="D judges so many pictures at once, of one kind, and sees when they are all alike; helps against mode "
             "collapse.",
        formula=r"C(x_1, \dots, x_m)", source="Lin et al. 2018, PacGAN, §2",
    )  # fmt: skip
    spectral_norm: bool = setting(
        False, title="Spectral normalisation", group="Layers of D",
        help="Divides each weight matrix of D by its largest singular value; helps where D grows too steep to learn "
             "from.",
        formula=r"\bar W = W / \sigma_{\max}(W)", source="Miyato et al. 2018, eq. 8",
    )  # fmt: skip
    weight_clip: float = setting(
        0.0, title="Weight clipping", minimum=0.0, maximum=10.0, group="Layers of D",
        help="Cuts each weight of D to ± this after each update, 0 is off, 0.01 is usual; bounds D's slope in the "
             "simplest way, where a Wasserstein loss needs a bound.",
        formula=r"w \leftarrow \min\bigl(c, \max(-c, w)\bigr)", source="Arjovsky et al. 2017, algorithm 1",
    )  # fmt: skip
    minibatch_discrimination: int = setting(
        0, title="Minibatch discrimination", minimum=0, maximum=256, group="Layers of D",
        help="So many measures of how close a picture is to the others of its batch, shown to D; 0 is off, 50 is "
             "usual. Helps against mode collapse.",
        formula=r"\begin{gathered} o_b(x_i) = \tfrac{1}{N-1} \sum_{j \neq i} e^{-\lVert M_{ib} - M_{jb} \rVert_1} \\ "
                r"M_i = \mathrm{norm}\bigl(f(x_i)\bigr)\,T \end{gathered}",
        source="Salimans et al. 2016, §3.2; here their mean, of normalised features",
    )  # fmt: skip
    minibatch_deviation: bool = setting(
        False, title="Minibatch standard deviation", group="Layers of D",
        help="Shows D how much the pictures of a batch differ; helps against mode collapse.",
        formula=r"\frac1F \sum_{k=1}^{F} \sqrt{\mathrm{Var}_i\, f_k(x_i)}", source="Karras et al. 2018, §3",
    )  # fmt: skip
    skip_above: float = setting(
        0.0, title="Let D rest above", minimum=0.0, maximum=1.0, group="Balance",
        help="D's update is left out while it judges more than this share of a batch rightly, so that G catches up; 0 "
             "never does. Where only differences count (Wasserstein, relativistic), it judges pairs.",
        formula=r"\Delta\theta_D = 0 \quad\text{if}\quad \frac1M \sum_{i=1}^{M} r_i > s,\quad r_i \in \{0, 1\}",
        source="Goodfellow 2016, NIPS tutorial, §4.4, on balance; the rule is ours",
    )  # fmt: skip
    stop_when_won: bool = setting(
        False, title="Stop when D has won", group="Balance",
        help="Ends the run once D's loss has rushed to 0 and stays there: G learns nothing more from it.",
        formula=r"\mathcal{L}_D - \inf \mathcal{L}_D < 10^{-3}\quad\text{(10×)}", source="Report R4",
    )  # fmt: skip

    @property
    def mixes_samples(self) -> bool:
        """Whether they make D's answer on one picture depend on others."""
        return self.minibatch_discrimination > 0 or self.minibatch_deviation

    def noise_deviation(self, step: int, total_steps: int) -> float:
        """Standard deviation of the instance noise at ``step``, in units of the recipe's pixel range."""
        if not self.instance_noise_until:
            return self.instance_noise
        return self.instance_noise * max(0.0, 1 - step / max(total_steps * self.instance_noise_until, 1))


class MinibatchDiscrimination(nn.Module):
    """features (N, F) -> (N, B): closeness of each sample to the others of its batch (Salimans et al. 2016, §3.2).

    o_b(i) is the mean of exp(-‖M_ib - M_jb‖₁) over j ≠ i, with M = T·norm(f). With features of unknown size the
    exponent is often so negative from the start that neither answer nor gradient is left. Layer-normalised features and
    T drawn so that the expected distance is about 1 keep it alive. The paper takes the sum, and normalises the weights
    that read it; without that, answers as large as the batch drown D's other features and throw its steps about.
    """

    def __init__(self, features: int, kernels: int, dimensions: int = 5) -> None:
        super().__init__()
        self.kernels, self.dimensions = kernels, dimensions
        self.normalise = nn.LayerNorm(features, elementwise_affine=False)
        self.projection = nn.Parameter(torch.empty(features, kernels * dimensions))
        nn.init.normal_(self.projection, std=1 / (dimensions * math.sqrt(features)))

    def forward(self, features: Tensor) -> Tensor:
        projected = self.normalise(features.float()) @ self.projection
        points = projected.view(-1, self.kernels, self.dimensions).transpose(0, 1)  # (B, N, C)
        distances = torch.cdist(points, points, p=1)  # (B, N, N)
        return (torch.exp(-distances).sum(2).T - 1) / max(features.shape[0] - 1, 1)  # (N, B), without the sample itself


class MinibatchDeviation(nn.Module):
    """features (N, F) -> (N, 1): their standard deviation over the batch, averaged (Karras et al. 2018, §3)."""

    def forward(self, features: Tensor) -> Tensor:
        deviation = (features.float().var(0, unbiased=False) + 1e-8).sqrt().mean()
        return deviation.expand(features.shape[0], 1)


class MinibatchHead(nn.Module):
    """A discriminator's last layer, plus a linear answer to what minibatch layers see in the same features."""

    def __init__(self, head: nn.Linear, kernels: int, deviation: bool) -> None:
        super().__init__()
        self.head = head
        self.layers = nn.ModuleList()
        if kernels:
            self.layers.append(MinibatchDiscrimination(head.in_features, kernels))
        if deviation:
            self.layers.append(MinibatchDeviation())
        self.answer = nn.Linear(kernels + int(deviation), head.out_features, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        seen = torch.cat([layer(features) for layer in self.layers], 1)
        logits: Tensor = self.head(features) + self.answer(seen)
        return logits


class Packed(nn.Module):
    """Judges ``size`` pictures at once, stacked along their channels: N pictures, N/size logits."""

    def __init__(self, discriminator: nn.Module, size: int) -> None:
        super().__init__()
        self.discriminator, self.size = discriminator, size

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        answer: Critic = self.discriminator(x.reshape(-1, self.size * x.shape[1], *x.shape[2:]))
        return answer


def equip(discriminator: nn.Module, stabilizers: Stabilizers) -> nn.Module:
    """Add the layers that ``stabilizers`` ask for; UserError where the architecture has no place for them."""
    if stabilizers.mixes_samples:
        head = getattr(discriminator, "head", None)
        if not isinstance(head, nn.Linear):
            raise UserError("This discriminator has no single last layer for minibatch remedies; turn them off.")
        discriminator.head = MinibatchHead(head, stabilizers.minibatch_discrimination, stabilizers.minibatch_deviation)
    if stabilizers.spectral_norm:
        for layer in list(discriminator.modules()):
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                if _is_zero(layer.weight):  # which no factor gives a norm of 1
                    nn.init.kaiming_normal_(layer.weight)
                parametrizations.spectral_norm(layer)
    return discriminator if stabilizers.packing == 1 else Packed(discriminator, stabilizers.packing)


def carry_over(weights: Mapping[str, Tensor], discriminator: nn.Module) -> None:
    """Load the weights of the same discriminator, whatever stabilizers either of them is equipped with.

    Layers that only ``discriminator`` has keep their first values, and so do spectrally normalised ones that are all
    zero in ``weights``.

    Raises:
        UserError: a layer has another size, as with another packing or another data set.
    """
    known = {_bare(name): value for name, value in weights.items()}
    loaded = {name: known.get(_bare(name), value) for name, value in discriminator.state_dict().items()}
    for name, value in discriminator.state_dict().items():
        if loaded[name].shape != value.shape:
            raise UserError(
                "The snapshot's discriminator does not fit: {layer} has another size; keep its architecture, packing "
                "and data set.",
                layer=_bare(name),
            )  # fmt: skip
        if name.endswith("parametrizations.weight.original") and _is_zero(loaded[name]):
            loaded[name] = value
    discriminator.load_state_dict(loaded)


def _is_zero(weight: Tensor) -> bool:
    """Whether it has values, all of them 0, as the last layer of a residual block may have at first."""
    return not weight.is_meta and not weight.any()


def _bare(name: str) -> str:
    """What a weight is called without the modules that stabilizers wrap around it."""
    name = re.sub(r"^discriminator\.", "", name)
    name = re.sub(r"^head\.head\.", "head.", name)
    return re.sub(r"parametrizations\.(\w+)\.original$", r"\1", name)

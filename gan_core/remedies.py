"""Terms against mode collapse and restless training (Salimans et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gan_core.config import setting
from gan_core.terms import Batch, Term


@dataclass(frozen=True)
class FeatureMatching(Term):
    """G matches the mean of D's features over the batch, not those of unrelated pairs."""

    kind: ClassVar[str] = "feature_matching"
    player: ClassVar[str] = "generator"
    title: ClassVar[str] = "Feature matching"
    formula: ClassVar[str] = r"\bigl\lVert \mathbb{E}_x f(x) - \mathbb{E}_z f(G(z)) \bigr\rVert_2^2"
    source: ClassVar[str] = "Salimans et al. 2016, §3.1"
    summary: ClassVar[str] = "Asks the generator to show, on average, what the discriminator looks at in real pictures."
    group: ClassVar[str] = "remedy"
    needs_real: ClassVar[bool] = True

    @property
    def suffices(self) -> bool:
        """In the paper it takes the place of the generator's objective."""
        return True

    def __call__(self, batch: Batch) -> Tensor:
        assert batch.on_real is not None
        real, fake = batch.on_real.features.detach().float(), batch.on_fake.features.float()
        distance = (real.mean(0) - fake.mean(0)).square().sum()
        return distance.expand(fake.shape[0])  # (N,)


@dataclass(frozen=True)
class _HistoricalAveraging(Term):
    title: ClassVar[str] = "Historical averaging"
    formula: ClassVar[str] = r"\Bigl\lVert \theta - \frac1t \sum_{i=1}^{t} \theta_i \Bigr\rVert_2^2"
    source: ClassVar[str] = "Salimans et al. 2016, §3.3"
    summary: ClassVar[str] = "Holds the weights near their own past mean, so that the two players stop circling."
    group: ClassVar[str] = "remedy"
    needs_past: ClassVar[bool] = True

    def __call__(self, batch: Batch) -> Tensor:
        pairs = zip(batch.parameters, batch.past, strict=True)
        distance = torch.stack([(now.float() - mean).square().sum() for now, mean in pairs]).sum()
        return distance.expand(batch.fake.shape[0])  # (N,)


@dataclass(frozen=True)
class HistoricalAveragingDiscriminator(_HistoricalAveraging):
    """Historical averaging of D's weights."""

    kind: ClassVar[str] = "historical_averaging_discriminator"
    player: ClassVar[str] = "discriminator"
    weight: float = setting(0.3, title="Weight", help="How much this term counts in the loss.",
                            minimum=0.0, maximum=1e4)


@dataclass(frozen=True)
class HistoricalAveragingGenerator(_HistoricalAveraging):
    """Historical averaging of G's weights: looser than that of D's, as a firm hold lets G settle on one mode."""

    kind: ClassVar[str] = "historical_averaging_generator"
    player: ClassVar[str] = "generator"
    weight: float = setting(0.01, title="Weight", help="How much this term counts in the loss.",
                            minimum=0.0, maximum=1e4)

"""All measures that one set of pictures gets beside another, by key; real ones are scored as generated ones are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_core.metrics.classes import (
    class_diversity,
    class_fidelity,
    class_histogram,
    covered_classes,
    histogram_divergence,
)
from gan_core.metrics.classifier import Reading
from gan_core.metrics.frechet import frechet_distance, moments
from gan_core.metrics.kernel import kernel_distance
from gan_core.metrics.manifold import compare_manifolds


@dataclass(frozen=True)
class ClassScores:
    """Of the pictures in which one class is read: their share of all, and how they compare with the real ones of it.

    Fidelity and diversity are as in :mod:`gan_core.metrics.classes`; None where there are too few pictures to tell.
    """

    share: float
    fidelity: float | None
    diversity: float | None


def feature_scores(real: Reading, other: Reading, classes: Sequence[int]) -> dict[str, float]:
    """The scores of ``other`` that need features and the ``classes`` that the data has."""
    manifold = compare_manifolds(real.features, other.features)
    total = max(int(real.classes.max()), int(other.classes.max()), *classes) + 1
    counts, real_counts = class_histogram(other.classes, total), class_histogram(real.classes, total)
    chosen = torch.tensor(classes)
    return {
        "frechet": frechet_distance(moments(real.features), moments(other.features)),
        "kernel": kernel_distance(real.features, other.features),
        "precision": manifold.precision,
        "recall": manifold.recall,
        "density": manifold.density,
        "coverage": manifold.coverage,
        "classes_covered": float(covered_classes(counts, real_counts)[chosen].sum()),
        # One more real picture of each class keeps the divergence finite where a generator draws what the data lacks.
        "class_divergence": histogram_divergence(counts, real_counts + 1),
    }


def class_scores(real: Reading, other: Reading, classes: Sequence[int]) -> tuple[ClassScores, ...]:
    """The scores of each of the ``classes`` by itself."""
    return tuple(_class_scores(real, other, number) for number in classes)


def _class_scores(real: Reading, other: Reading, number: int) -> ClassScores:
    chosen: Tensor = other.classes == number
    there, here = real.features[real.classes == number], other.features[chosen]
    return ClassScores(
        share=chosen.double().mean().item(),
        fidelity=_or_none(class_fidelity(there, here)),
        diversity=_or_none(class_diversity(there, here)),
    )


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value

"""Whether a generator repeats its training pictures: the nearest ones, and how many are suspiciously near.

A picture is called a near-copy if its nearest training picture stands out from the second nearest more than that of
all but one in a hundred real pictures that were never trained on. The ratio of the two distances tells copies from
pictures of plain classes, which lie near to many others (Yoon et al. 2023, "Diffusion Probabilistic Models Generalize
when They Fail to Memorize").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gan_core.datasets.dataset import Dataset
from gan_core.metrics.distances import distance_blocks

HELD_OUT_SHARE = 0.01  # of real held-out pictures that the threshold lets pass as near-copies
CHUNK = 10_000  # training pictures that are held as numbers at a time
LARGEST_SIDE = 32  # pixels; larger pictures are compared in this size


@dataclass(frozen=True)
class Nearest:
    """For each picture its nearest training pictures: ``indices`` int64 (N, k) and ``distances`` float32 (N, k)."""

    indices: Tensor
    distances: Tensor

    @property
    def ratios(self) -> Tensor:
        """Nearest over second nearest distance, float32 (N,) in [0, 1]; 1 where both are 0."""
        first, second = self.distances[:, 0], self.distances[:, 1]
        return torch.where(second > 0, first / second, 1.0)


def nearest_training(vectors: Tensor, training: Tensor, count: int = 2) -> Nearest:
    """The ``count`` nearest of ``training`` (M, F), the nearest first, for each of ``vectors`` (N, F); M ≥ count."""
    return _nearest(vectors, torch.split(training, CHUNK), count)


def nearest_pictures(images: Tensor, training: Dataset, count: int = 2) -> Nearest:
    """The nearest training pictures, pixel by pixel, for each of uint8 (N, C, H, W); distances in grey levels."""
    places = torch.split(torch.arange(len(training)), CHUNK)
    return _nearest(pixel_vectors(images), (pixel_vectors(training.batch(part)[0]) for part in places), count)


def pixel_vectors(images: Tensor) -> Tensor:
    """uint8 (N, C, H, W) as float32 (N, F), averaged to at most LARGEST_SIDE pixels a side."""
    height, width = images.shape[2:]
    pixels = images.float()
    if max(height, width) > LARGEST_SIDE:
        pixels = functional.adaptive_avg_pool2d(pixels, (min(height, LARGEST_SIDE), min(width, LARGEST_SIDE)))
    return pixels.flatten(1)


def copy_threshold(held_out: Nearest) -> float:
    """The ratio below which a picture is a near-copy: HELD_OUT_SHARE of the held-out real pictures lie below it."""
    return torch.quantile(held_out.ratios, HELD_OUT_SHARE).item()


def near_copies(nearest: Nearest, threshold: float) -> float:
    """Share of the pictures whose ratio is below the threshold."""
    return (nearest.ratios < threshold).double().mean().item()


def _nearest(vectors: Tensor, chunks: Iterable[Tensor], count: int) -> Nearest:
    vectors = vectors.float()
    indices = torch.empty(len(vectors), 0, dtype=torch.int64)
    distances = torch.empty(len(vectors), 0)
    offset = 0
    for chunk in chunks:
        blocks = distance_blocks(vectors, chunk, torch.float32)
        found = torch.cat([block.topk(min(count, len(chunk)), largest=False).indices for _, block in blocks])
        # Found by products, which leave a copy at a small distance; measured by differences, which leave it at 0.
        exact: Tensor = torch.linalg.vector_norm(vectors.unsqueeze(1) - chunk[found].float(), dim=2)  # (N, k)
        distances, indices = torch.cat([distances, exact], dim=1), torch.cat([indices, found + offset], dim=1)
        distances, order = distances.sort(dim=1, stable=True)
        distances, indices = distances[:, :count], indices.gather(1, order)[:, :count]
        offset += len(chunk)
    return Nearest(indices, distances)

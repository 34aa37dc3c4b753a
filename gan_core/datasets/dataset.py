"""A data set in memory, and the folders that data sets live in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gan_core.config import UserError

MNIST_SIDE = 28  # pixels

class Report(Protocol):
    """Is told in a few words of anything that takes long: a template, and what fills it."""

    def __call__(self, text: str, /, **values: object) -> None: ...


class Notice(NamedTuple):
    """Something to know that is no fault: a template, and what fills it."""

    text: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class Dataset:
    """Pictures ``images`` uint8 (N, C, H, W), their ``labels`` int64 (N,) and what the classes are called.

    A set that is not ``resident`` is too large for the device's memory: its pictures stay in a mapped file, from which
    each :meth:`batch` is gathered, and so may its labels, in a smaller type. ``rows`` (N,) says where in the file the
    pictures are, unless they are all of ``images`` in order. ``notice`` says what a user should know of how the set was
    made.
    """

    name: str
    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    resident: bool = True
    rows: Tensor | None = None
    notice: Notice | None = None

    def __len__(self) -> int:
        return self.labels.shape[0]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures (B, C, H, W) and int64 labels (B,) at ``chosen`` (B,), both on the device of the labels."""
        device, places = self.labels.device, chosen.to(self.images.device)
        if self.rows is not None:
            places = self.rows[places]
        return self.images[places].to(device), self.labels[chosen.to(device)].long()

    def select(self, chosen: Tensor | slice) -> Dataset:
        """The pictures at ``chosen`` alone; those in a mapped file stay there, and a slice of them takes no memory."""
        labels = self.labels[chosen]
        if isinstance(chosen, Tensor):
            chosen = chosen.to(self.images.device)
        if self.rows is not None:
            return replace(self, labels=labels, rows=self.rows[chosen])
        if self.resident or isinstance(chosen, slice):
            return replace(self, images=self.images[chosen], labels=labels)
        # A copy: what was chosen may be a few of a long tensor's numbers, which would all be held with them.
        rows = chosen.nonzero().flatten() if chosen.dtype == torch.bool else chosen.clone()
        return replace(self, labels=labels.long(), rows=rows)

    def to(self, device: torch.device) -> Dataset:
        """The same set on another device, where a whole MNIST takes 47 MB; mapped pictures stay where they are."""
        images = self.images.to(device) if self.resident else self.images
        return replace(self, images=images, labels=self.labels.to(device))

    def split(self, held_out: int) -> tuple[Dataset, Dataset]:
        """(all but the first ``held_out`` pictures, those first ones)."""
        if held_out >= len(self):
            raise UserError(
                "{held_out} held-out pictures leave none of {count} to train on; hold out fewer.",
                held_out=held_out, count=len(self),
            )  # fmt: skip
        return self.select(slice(held_out, None)), self.select(slice(0, held_out))


@dataclass(frozen=True)
class MnistLike:
    """What the sets in MNIST's layout have in common: 28 × 28 grey pictures, and as many as their ``counts`` say."""

    name: str
    title: str
    summary: str
    class_names: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return 1, MNIST_SIDE, MNIST_SIDE

    def count(self, split: str) -> int:
        """How many pictures the "train" or "test" split has."""
        return self.counts[split]

    def dataset(self, images: npt.NDArray[np.uint8], labels: npt.NDArray[Any]) -> Dataset:
        """A :class:`Dataset` of pictures (N, 28, 28) and their classes (N,)."""
        return Dataset(
            self.name,
            torch.from_numpy(images).unsqueeze(1),  # (N, 1, 28, 28)
            torch.from_numpy(labels.astype(np.int64)),
            self.class_names,
        )


def silent(text: str, /, **values: object) -> None:
    """A :class:`Report` that tells nobody."""


def data_dir() -> Path:
    """Where data sets are kept: GAN_DATA_DIR, or data/."""
    return Path(os.environ.get("GAN_DATA_DIR", "data"))


def cache_dir() -> Path:
    """Where made files are kept between runs, under the user's own cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gan_workbench"

"""Means of scalars between two readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gan_core.distributed import ALONE, World


class Meter:
    """Sums scalars on the device, so that no step waits for them, and reads their means at logging points."""

    def __init__(self, names: Sequence[str], device: torch.device) -> None:
        self._index = {name: index for index, name in enumerate(names)}
        self._sums = torch.zeros(len(names), device=device)
        self._counts = [0] * len(names)

    def add(self, name: str, value: Tensor) -> None:
        """Count one more scalar tensor of that name."""
        index = self._index[name]
        self._sums[index] += value.detach()
        self._counts[index] += 1

    def read(self, world: World = ALONE) -> dict[str, float]:
        """The means since the last reading, over all ranks; starts anew."""
        world.mean([self._sums])
        sums = self._sums.tolist()
        means = {name: sums[index] / self._counts[index] for name, index in self._index.items() if self._counts[index]}
        self._sums.zero_()
        self._counts = [0] * len(self._counts)
        return means

    def counts(self) -> list[int]:
        """How many scalars of each name were counted since the last reading."""
        return list(self._counts)

    def count(self, more: Sequence[int]) -> None:
        """Count scalars that a recorded step has added to the sums by itself."""
        self._counts = [before + added for before, added in zip(self._counts, more, strict=True)]

    def restore_counts(self, counts: Sequence[int]) -> None:
        """Forget what was counted since :meth:`counts`, of a step that was recorded and not taken."""
        self._counts = list(counts)

    def state(self) -> dict[str, Tensor]:
        """What :meth:`load` needs to go on between two readings."""
        return {"sums": self._sums, "counts": torch.tensor(self._counts)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from :meth:`state`."""
        self._sums.copy_(state["sums"])
        self._counts = [int(count) for count in state["counts"]]

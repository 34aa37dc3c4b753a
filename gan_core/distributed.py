"""Several processes that train one run: what they share, and how they notice that one of them is gone.

``torchrun`` starts the processes (ranks). Each holds the same networks and a share of every batch; gradients are
averaged between backward pass and update. The training step asks for gradients as values (``torch.autograd.grad``), so
one explicit reduction there does what a wrapper with hooks on ``backward`` would do.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from gan_core.config import UserError
from gan_core.devices import pick_device

T = TypeVar("T")
LOST = "Another process of this training is gone or does not answer; resume to go on from the last checkpoint."
COMMANDS = ("run", "pause", "stop")


class LostRankError(UserError):
    """Another rank has ended or no longer answers; what is on disk can be resumed."""

    def __init__(self) -> None:
        super().__init__(LOST)


@dataclass(frozen=True)
class World:
    """The ranks that train together; rank 0 alone writes. Alone, every method gives back what it got."""

    rank: int = 0
    size: int = 1
    _present: dict[tuple[bool, ...], Tensor] = field(default_factory=dict, compare=False)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def mean_gradients(
        self, slopes: Sequence[Tensor | None], parameters: Sequence[Tensor]
    ) -> Sequence[Tensor | None]:
        """The mean over the ranks of each gradient, all in one reduction.

        A parameter that took no part on some ranks counts as 0 there; one that took part nowhere stays None, so that
        its optimiser leaves it alone as it would in one process.
        """
        if self.size == 1:
            return slopes
        there = tuple(slope is not None for slope in slopes)
        if there not in self._present:
            self._present[there] = torch.tensor(there, dtype=torch.float32, device=parameters[0].device)
        parts = [
            torch.zeros_like(parameter).flatten() if slope is None else slope.flatten()
            for slope, parameter in zip(slopes, parameters, strict=True)
        ]
        total = torch.cat([*parts, self._present[there]])
        self._sum(total)
        *sums, takers = torch.split(total, [part.numel() for part in parts] + [len(parts)])
        means = [part.div_(self.size).view_as(parameter) for part, parameter in zip(sums, parameters, strict=True)]
        if all(there):
            return means
        # Looking at the answer waits for the device; only networks that sort by class come here, and those wait anyway.
        return [mean if taken else None for mean, taken in zip(means, takers.tolist(), strict=True)]

    def mean(self, tensors: Sequence[Tensor]) -> None:
        """Make each tensor the mean over the ranks, in place."""
        if self.size == 1 or not tensors:
            return
        total = torch.cat([tensor.flatten() for tensor in tensors])
        self._sum(total)
        parts = torch.split(total / self.size, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def command(self, mine: str = "run") -> str:
        """What rank 0 was told: "run", "pause" or "stop"."""
        if self.size == 1:
            return mine
        said = torch.tensor(COMMANDS.index(mine))  # on the CPU, so that no rank waits for its device
        with _noticing_loss():
            dist.broadcast(said, 0)
        return COMMANDS[int(said)]

    def share(self, value: T) -> T:
        """Rank 0's value, for all."""
        if self.size == 1:
            return value
        box = [value if self.leads else None]
        with _noticing_loss():
            dist.broadcast_object_list(box, 0, device=torch.device("cpu"))
        shared: T = box[0]  # type: ignore[assignment]
        return shared

    def _sum(self, total: Tensor) -> None:
        with _noticing_loss():
            dist.all_reduce(total)


ALONE = World()


def local_device(name: str) -> torch.device:
    """As :func:`pick_device`; where ranks share a machine with several GPUs, each takes its own."""
    device = pick_device(name)
    if device.type == "cuda" and device.index is None and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    return device


@contextlib.contextmanager
def joined_world() -> Iterator[World]:
    """The ranks that ``torchrun`` started together, or this process alone.

    ``GAN_RANK_SECONDS`` is how long a rank may keep the others waiting, 600 by default: longer than rank 0 takes for a
    checkpoint or for fetching the data.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    limit = timedelta(seconds=float(os.environ.get("GAN_RANK_SECONDS", "600")))
    with _noticing_loss():
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=limit)
    try:
        yield World(dist.get_rank(), size)
    finally:
        with contextlib.suppress(RuntimeError):  # where a rank is lost there is nothing to take leave of
            dist.destroy_process_group()


@contextlib.contextmanager
def _noticing_loss() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise LostRankError from error

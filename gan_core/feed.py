"""What each training step is fed: its real batches, and the numbers that schedules decide."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from gan_core.config import UserError
from gan_core.data import Dataset
from gan_core.fitting import check_batch
from gan_core.optimization import ramped_decay
from gan_core.order import scattered, table
from gan_core.recipes.recipe import Recipe
from gan_core.schedules import Cosine
from gan_core.seeds import stream_seed

TABLE_STEPS = 1024  # steps whose scheduled numbers are sent to the device at once
TABLE_PICTURES = 2**20  # of a mapped set whose order is kept as a table, which takes 8 bytes each


class Knobs(NamedTuple):
    """What a schedule sets for one step: numbers, or 0-d tensors on the device.

    ``rate_g`` and ``rate_d`` are learning rates, ``noise`` is the standard deviation of the instance noise, ``average``
    and ``past`` the shares that the newest weights get in the running averages, ``annealing`` falls from 1 to 0.
    """

    rate_g: float | Tensor
    rate_d: float | Tensor
    noise: float | Tensor
    average: float | Tensor
    past: float | Tensor
    annealing: float | Tensor


def knobs_at(recipe: Recipe, step: int, total_steps: int) -> Knobs:
    """The numbers of ``step``, counted from 0."""
    training, optimizer_g, optimizer_d = recipe.training, recipe.generator_optimizer, recipe.discriminator_optimizer
    return Knobs(
        rate_g=optimizer_g.schedule.rate(optimizer_g.learning_rate, step, total_steps),
        rate_d=optimizer_d.schedule.rate(optimizer_d.learning_rate, step, total_steps),
        noise=recipe.stabilizers.noise_deviation(step, total_steps),
        average=1 - ramped_decay(training.ema_decay, training.ema_ramp, step + 1),
        past=1 - (1 - 1 / (step + 2)),
        annealing=Cosine().rate(1.0, step, total_steps),
    )


class Batches:
    """The real batches of a run, or one rank's share of each, in an order that the recipe's seed decides."""

    def __init__(self, recipe: Recipe, dataset: Dataset, rank: int = 0, ranks: int = 1) -> None:
        """UserError where one batch is more than the data set, or cannot be shared out evenly."""
        size, packing = recipe.training.batch_size, recipe.stabilizers.packing
        check_batch(recipe, len(dataset))
        if size % (ranks * packing):
            raise UserError("The batch size {size} cannot be shared evenly by {ranks} processes; choose a multiple.",
                            size=size, ranks=ranks * packing)  # fmt: skip
        self.recipe, self.dataset = recipe, dataset
        self.per_epoch = len(dataset) // size
        self.size = size // ranks
        self._share = slice(rank * self.size, (rank + 1) * self.size)
        # Resident pictures take more than their table, which a recorded step reads from the device.
        self._tabled = dataset.resident or len(dataset) <= TABLE_PICTURES
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def order(self, epoch: int) -> Tensor:
        """Which pictures make each batch of an epoch, int64 (batches, size), on the CPU; of a set with a table."""
        order = table(len(self.dataset), self._seed(epoch))
        batches = order[: self.per_epoch * self.recipe.training.batch_size].view(self.per_epoch, -1)
        return batches[:, self._share]

    def at(self, batch: int) -> tuple[Tensor, Tensor | None]:
        """One batch, counted from the start of the run, as :meth:`gather` gives it."""
        epoch, position = divmod(batch, self.per_epoch)
        if not self._tabled:
            start = position * self.recipe.training.batch_size + self._share.start
            return self.gather(scattered(range(start, start + self.size), len(self.dataset), self._seed(epoch)))
        if self._order[0] != epoch:
            self._order = epoch, self.order(epoch).to(self.dataset.images.device)
        return self.gather(self._order[1][position])

    def _seed(self, epoch: int) -> int:
        """Of an epoch's order: it follows from the epoch, so that a resumed run needs no stored order."""
        return stream_seed(self.recipe.training.seed, f"epoch {epoch}")

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pictures (B, C, H, W) at ``chosen`` (B,), in the recipe's range, and labels (B,) where it uses them."""
        images, labels = self.dataset.batch(chosen)
        return to_range(images, self.recipe.generator.pixel_range), labels if self.recipe.conditional else None


class Feed(Protocol):
    """What the training step reads."""

    @property
    def knobs(self) -> Knobs: ...

    def real(self, update: int) -> tuple[Tensor, Tensor | None]:
        """The real pictures (B, C, H, W), and labels (B,), of D's update with that number within the step."""
        ...


class HostFeed:
    """Numbers and batches that Python looks up for each step."""

    def __init__(self, batches: Batches, total_steps: int) -> None:
        self.batches, self.total_steps = batches, total_steps
        self.seek(0)

    def seek(self, step: int) -> None:
        """Make ``step`` the one that is fed next."""
        recipe = self.batches.recipe
        self.knobs = knobs_at(recipe, step, self.total_steps)
        self._first = step * recipe.training.discriminator_steps

    def real(self, update: int) -> tuple[Tensor, Tensor | None]:
        return self.batches.at(self._first + update)


class DeviceFeed:
    """The same, from tensors at fixed places on the device that the step itself moves on.

    Once a step was recorded, it can be replayed again and again: it reads its own place in the order of the pictures
    and in the table of scheduled numbers. The host sends an order for each epoch and a table for each 1,024 steps, and
    waits for nothing. Two epochs have their place, since the updates of one step may lie in two.
    """

    def __init__(self, batches: Batches, total_steps: int, device: torch.device) -> None:
        self.batches, self.total_steps = batches, total_steps
        self.updates = batches.recipe.training.discriminator_steps
        self._orders = torch.zeros(2 * batches.per_epoch, batches.size, dtype=torch.int64, device=device)
        self._batch = torch.zeros(1, dtype=torch.int64, device=device)
        self._table = torch.zeros(TABLE_STEPS, len(Knobs._fields), dtype=torch.float64, device=device)
        self._row = torch.zeros(1, dtype=torch.int64, device=device)
        self._epochs = [-1, -1]
        self._steps, self._next = range(0), -1
        self.noisy = False
        self.begin()

    @staticmethod
    def fits(batches: Batches) -> bool:
        """Whether one step never needs pictures of three epochs."""
        return batches.recipe.training.discriminator_steps <= batches.per_epoch + 1

    def seek(self, step: int) -> None:
        """Have on the device what ``step`` needs; ``noisy`` says whether D's pictures get noise in it."""
        first = step * self.updates
        for epoch in range(first // self.batches.per_epoch, (first + self.updates - 1) // self.batches.per_epoch + 1):
            self._load_order(epoch)
        if step not in self._steps:
            self._load_table(step)
        if step != self._next:
            self._batch.fill_(first % len(self._orders))
            self._row.fill_(step - self._steps.start)
        self._next = step + 1
        self.noisy = self.batches.recipe.stabilizers.noise_deviation(step, self.total_steps) > 0

    def begin(self) -> None:
        """Read the step's numbers; the first act of a step."""
        values = self._table.index_select(0, self._row)[0].unbind()
        self.knobs = Knobs(*values)
        if not self.noisy:
            self.knobs = self.knobs._replace(noise=0.0)

    def real(self, update: int) -> tuple[Tensor, Tensor | None]:
        place = (self._batch + update) % len(self._orders)
        return self.batches.gather(self._orders.index_select(0, place)[0])

    def end(self) -> None:
        """Move on by one step; its last act."""
        self._batch.add_(self.updates).remainder_(len(self._orders))
        self._row.add_(1)

    def _load_order(self, epoch: int) -> None:
        slot = epoch % 2
        if self._epochs[slot] != epoch:
            self._epochs[slot] = epoch
            place = self._orders[slot * self.batches.per_epoch : (slot + 1) * self.batches.per_epoch]
            _send(self.batches.order(epoch), place)

    def _load_table(self, step: int) -> None:
        self._steps = range(step, step + TABLE_STEPS)
        rows = [knobs_at(self.batches.recipe, each, self.total_steps) for each in self._steps]
        _send(torch.tensor(rows, dtype=torch.float64), self._table)
        self._row.zero_()


def to_range(images: Tensor, pixel_range: tuple[float, float]) -> Tensor:
    """uint8 pictures as float32 in ``pixel_range``."""
    low, high = pixel_range
    return images.to(torch.float32).mul_((high - low) / 255).add_(low)


def _send(source: Tensor, place: Tensor) -> None:
    """Copy into ``place`` without waiting for the device, which would first finish all steps before."""
    if place.is_cuda:
        source = source.contiguous().pin_memory()
    place.copy_(source, non_blocking=True)

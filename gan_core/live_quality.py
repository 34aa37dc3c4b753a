"""The gauge: measures, while a run trains, what a fixed batch of its pictures is worth, and leaves the run as it was.

    gauge = Gauge(trainer)
    gauge.measure()         # a Quality, at any moment between two steps

Pictures come from fixed latents, and every network is asked in evaluation mode and gets its mode back. So the weights
of a run are the same, bit for bit, whether it was measured or not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gan_core.config import UserError
from gan_core.data import Dataset, find_dataset
from gan_core.datasets.pictures import PictureSource
from gan_core.events import Quality
from gan_core.feed import to_range
from gan_core.fitting import of_classes
from gan_core.metrics.classes import class_histogram, obedience
from gan_core.metrics.classifier import Reader, Reading, load_reader
from gan_core.metrics.frechet import Moments, frechet_distance, moments
from gan_core.sampling import cycle_labels, draw_latents, generate
from gan_core.trainer import Trainer

SEED = 0  # of the latents; the sheets show the first of these pictures
JUDGED = 128  # real pictures that D judges at once: whole packs, and as many as it usually trains on
FEWEST_HELD_OUT = 100  # fewer pictures say too little of what D knows by heart
DIGITS = 5  # significant ones; more would only be noise in the run's file


class Gauge:
    """Measures one trainer, again and again; what never changes is made once, at the first measurement.

    ``recipe.snapshots.measured`` pictures are drawn, and up to three times as many real ones are read at the start.
    """

    def __init__(self, trainer: Trainer) -> None:
        recipe, self.trainer = trainer.recipe, trainer
        self.count = recipe.snapshots.measured
        self.z = draw_latents(recipe.latents, SEED, self.count)
        classes = len(trainer.dataset.class_names)
        self.labels = cycle_labels(self.count, range(classes)) if recipe.conditional else None
        self._real: _Real | None = None

    def prepare(self) -> None:
        """Read the real pictures, unless that is done; :meth:`measure` does it where nobody else has."""
        self._real = self._real or _Real.of(self.trainer, self.count)

    def measure(self) -> Quality:
        """The pictures of the generator as it is now."""
        trainer, recipe = self.trainer, self.trainer.recipe
        self.prepare()
        real = self._real
        assert real is not None
        images = generate(trainer.sampler, self.z, self.labels, recipe.generator.pixel_range)
        spread = spread_of(images, self.labels) / real.spread if real.spread else 0.0
        measured = Quality(trainer.step, trainer.epoch, self.count, _short(spread))
        return real.compare(images, self._wanted(), real.judge(trainer, measured))

    def _wanted(self) -> Tensor | None:
        """The classes (N,) asked for, numbered as in the whole data set."""
        chosen = self.trainer.recipe.training.classes
        return self.labels if self.labels is None or not chosen else torch.tensor(chosen)[self.labels]


@dataclass(frozen=True)
class _Real:
    """What the generated pictures are held against."""

    spread: float
    reader: Reader | None
    shares: tuple[float, ...]
    moments: Moments | None
    floor: float
    alone: float
    trained: Dataset
    held_out: Dataset | None

    @classmethod
    def of(cls, trainer: Trainer, count: int) -> _Real:
        """From pictures at equal distances through the whole training set."""
        recipe, dataset = trainer.recipe, trainer.dataset
        places = torch.linspace(0, len(dataset) - 1, min(3 * count, len(dataset))).long()
        # Every third picture plays the generator: its distance to the others is what chance alone makes.
        rivals, others = places[::3], places[torch.arange(len(places)) % 3 != 0]
        images, labels = (part.cpu() for part in dataset.batch(rivals.to(dataset.labels.device)))
        spread = spread_of(images, labels if recipe.conditional else None)
        trained, held_out = dataset.select(rivals.to(dataset.labels.device)), _held_out(trainer, len(rivals))
        reader = _reader(trainer)
        if reader is None:
            return cls(spread, None, (), None, 0.0, 0.0, trained, held_out)
        reference = reader.read(dataset.batch(others.to(dataset.labels.device))[0])
        whole = moments(reference.features)
        floor = frechet_distance(moments(reader.read(images).features), whole)
        by_class = [reference.features[reference.classes == number] for number in range(_classes(reader))]
        alone = max(frechet_distance(moments(part), whole) for part in by_class if len(part) > 1)
        shares = tuple(round(share, DIGITS) for share in (_histogram(reader, reference) / len(others)).tolist())
        return cls(spread, reader, shares, whole, floor, alone, trained, held_out)

    def compare(self, images: Tensor, wanted: Tensor | None, measured: Quality) -> Quality:
        """``measured`` with what the classifier reads in the pictures (N, C, H, W), where there is one."""
        if self.reader is None or self.moments is None:
            return measured
        reading = self.reader.read(images)
        values = vars(measured) | {
            "reader": self.reader.dataset,
            "classes": tuple(_histogram(self.reader, reading).tolist()),
            "real": self.shares,
            "distance": _short(frechet_distance(moments(reading.features), self.moments)),
            "floor": _short(self.floor),
            "alone": _short(self.alone),
            "obedience": None if wanted is None else _short(obedience(reading.classes, wanted)),
        }
        return Quality(**values)

    def judge(self, trainer: Trainer, measured: Quality) -> Quality:
        """``measured`` with what D answers for pictures that it trains on and for others, where there are any."""
        if self.held_out is None:
            return measured
        known, unknown = _answers(trainer, self.trained), _answers(trainer, self.held_out)
        if not (known.isfinite().all() and unknown.isfinite().all()):
            return measured
        values = vars(measured) | {
            "d_trained": _short(known.sigmoid().mean().item()),
            "d_held_out": _short(unknown.sigmoid().mean().item()),
            "memory": _short(rank_above(known, unknown)),
        }
        return Quality(**values)


def spread_of(images: Tensor, labels: Tensor | None = None) -> float:
    """Root mean square distance of two different pictures of uint8 (N, C, H, W), of one label where there are labels.

    Twice the sum of the pixels' variances is the mean square of all pairs' distances, so no pair need be formed.
    """
    if labels is None:
        return math.sqrt(2 * images.flatten(1).float().var(0).sum().item()) if len(images) > 1 else 0.0
    groups = [images[labels == label] for label in set(labels.tolist())]
    return math.sqrt(sum(spread_of(group) ** 2 for group in groups) / len(groups))


def rank_above(first: Tensor, second: Tensor) -> float:
    """How often one of ``first`` (N,) is above one of ``second`` (M,), ties counting half: in [0, 1], 0.5 if alike."""
    difference = first[:, None] - second[None, :]  # (N, M)
    return ((difference > 0).float().mean() + (difference == 0).float().mean() / 2).item()


def _reader(trainer: Trainer) -> Reader | None:
    """The classifier for the run's data set, where it is trained; None where none ships."""
    try:
        reader = load_reader(trainer.recipe.dataset).to(trainer.device)
    except UserError:
        return None
    if trainer.dataset.image_shape != reader.image_shape:
        return None
    reader.module.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    return reader


def _histogram(reader: Reader, reading: Reading) -> Tensor:
    return class_histogram(reading.classes, _classes(reader))


def _classes(reader: Reader) -> int:
    return reader.module.head.out_features


def _held_out(trainer: Trainer, count: int) -> Dataset | None:
    """Up to ``count`` real pictures that D never trains on; None where there are none, or getting them takes long."""
    held_out = trainer.validation
    if len(held_out) < FEWEST_HELD_OUT:
        source = find_dataset(trainer.recipe.dataset)
        if isinstance(source, PictureSource):  # its test pictures would all have to be decoded first
            return None
        try:
            held_out = of_classes(source.load("test"), trainer.recipe.training.classes)
        except UserError:
            return None
    return held_out.select(slice(0, count)).to(trainer.device) if len(held_out) >= FEWEST_HELD_OUT else None


@torch.inference_mode()
def _answers(trainer: Trainer, dataset: Dataset) -> Tensor:
    """D's logits for real pictures, float32 on the CPU; one a pack where D judges packs."""
    discriminator, recipe = trainer.discriminator, trainer.recipe
    size = min(JUDGED, len(dataset) // recipe.stabilizers.packing * recipe.stabilizers.packing)
    training = discriminator.training
    discriminator.eval()
    answers = [
        _logits(discriminator, dataset, torch.arange(start, start + size), recipe.generator.pixel_range,
                conditional=recipe.conditional)
        for start in range(0, len(dataset) - size + 1, size)
    ]  # fmt: skip
    discriminator.train(training)
    return torch.cat(answers)


def _logits(
    discriminator: nn.Module, dataset: Dataset, chosen: Tensor, pixel_range: tuple[float, float], *, conditional: bool
) -> Tensor:
    images, labels = dataset.batch(chosen.to(dataset.labels.device))
    logits: Tensor = discriminator(to_range(images, pixel_range), labels if conditional else None).logits
    return logits.float().cpu()


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")

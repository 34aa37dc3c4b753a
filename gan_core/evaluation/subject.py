"""What an evaluation is about: a generator, the real pictures to measure it against, and what reads both."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan_core.checkpoints import Bundle, BundleInfo
from gan_core.config import UserError
from gan_core.data import DatasetSource, find_dataset
from gan_core.datasets.dataset import Notice, Report
from gan_core.evaluation.real_side import RealSide, real_side
from gan_core.fitting import of_classes
from gan_core.metrics.classifier import Reader, has_reader, load_reader
from gan_core.sampling import draw_latents, generate

PART = 1000  # pictures that are drawn between two reports
DRAWING = "Drawing pictures: {done} of {count}"
NO_READER = "There is no classifier for {dataset}, so only near-copies are measured, and FID where it is asked for."
FEWER = "{dataset} has fewer pictures than {asked} to compare with, so {count} of each kind are compared."
NO_LABELS = "The model draws without labels, so label obedience and GAN-train do not apply."


@dataclass(frozen=True)
class Scores:
    """Values by key and their floors, what made the features, and what could not be measured."""

    values: Mapping[str, float]
    floors: Mapping[str, float]
    extractor: str = ""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A generator and its real side.

    ``asked`` int64 (count,) are the classes that a conditional model is asked for: those of the real pictures that it
    is compared with, in the model's numbers. ``classes`` are the classes that it knows, in the reader's numbers.
    """

    bundle: Bundle
    dataset: str
    side: RealSide
    reader: Reader | None
    asked: Tensor | None
    classes: tuple[int, ...]
    notices: tuple[Notice, ...]

    @property
    def count(self) -> int:
        """How many pictures of each kind are compared."""
        return len(self.side.reference)

    def reader_labels(self, labels: Tensor) -> Tensor:
        """The model's classes, int64 (N,), as the reader numbers them."""
        return torch.tensor(self.classes)[labels]

    def draw(self, count: int, labels: Tensor | None, seed: int, report: Report) -> Tensor:
        """Pictures 0 … ``count`` of a seed, uint8 (count, C, H, W); ``labels`` int64 (count,) where there are any."""
        recipe = self.bundle.info.recipe
        parts: list[Tensor] = []
        for first in range(0, count, PART):
            report(DRAWING, done=first, count=count)
            z = draw_latents(recipe.latents, seed, min(PART, count - first), first)
            asked = None if labels is None else labels[first : first + PART]
            parts.append(generate(self.bundle.generator, z, asked, recipe.generator.pixel_range))
        return torch.cat(parts)


def subject_of(
    bundle: Bundle, name: str, count: int, device: torch.device | str, report: Report
) -> Subject:
    """A generator beside ``count`` pictures of a data set, or as many as there are.

    Raises:
        UserError: there is no such data set, it cannot be had, or it shows other things than the model draws.
    """
    info, source = bundle.info, find_dataset(name)
    _check_size(info, source)
    wanted = info.recipe.training.classes
    training, test = (of_classes(source.load(split, report), wanted) for split in ("train", "test"))
    conditional = info.recipe.conditional
    if conditional and info.class_names != training.class_names:
        raise UserError(
            "The model draws {model} and {dataset} shows {data}; choose the data set that it was trained on.",
            model=", ".join(info.class_names), dataset=source.title, data=", ".join(training.class_names),
        )  # fmt: skip
    most = min(count, len(training), len(test))
    reader = load_reader(name).to(device) if has_reader(name) else None
    said = (
        (most < count, Notice(FEWER, {"dataset": source.title, "asked": count, "count": most})),
        (reader is None, Notice(NO_READER, {"dataset": source.title})),
        (not conditional, Notice(NO_LABELS, {})),
    )
    classes = wanted or tuple(range(len(source.class_names)))
    side = real_side(training, test, most, reader, classes, report)
    if torch.device(device).type != "cpu":
        bundle = replace(bundle, generator=copy.deepcopy(bundle.generator).to(device))
    asked = side.reference.labels if conditional else None
    notices = tuple(notice for applies, notice in said if applies)
    return Subject(bundle, source.name, side, reader, asked, classes, notices)


def _check_size(info: BundleInfo, source: DatasetSource) -> None:
    if info.image_shape != source.image_shape:
        raise UserError(
            "The model draws pictures of {model} and {dataset} has {data}; choose a data set of the model's size.",
            model=_size(info.image_shape), dataset=source.title, data=_size(source.image_shape),
        )  # fmt: skip


def _size(shape: tuple[int, int, int]) -> str:
    return f"{shape[1]} × {shape[2]} × {shape[0]}"

"""How good a trained generator is: every measure beside its floor, what real test pictures score in its place.

    evaluate(open_model("cgan"), "mnist", count=1000)      # an Evaluation, in a few seconds

Pictures of a conditional model are asked for the classes of the real pictures that they are compared with.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gan_core.checkpoints import Bundle
from gan_core.config import UserError
from gan_core.data import find_dataset
from gan_core.datasets.dataset import Notice, Report, silent
from gan_core.fitting import of_classes
from gan_core.metrics.classes import obedience, obedience_of_classes
from gan_core.metrics.classifier import Reader, Reading, has_reader, load_reader
from gan_core.metrics.memorisation import near_copies, nearest_pictures
from gan_core.metrics.scores import ClassScores, class_scores, feature_scores
from gan_core.metrics.table import BY_KEY, METRICS, Metric
from gan_core.real_side import RealSide, copies_count, real_side
from gan_core.sampling import draw_latents, generate

FEWEST, MOST = 100, 50_000  # pictures of each kind
PART = 1000  # pictures that are drawn between two reports
DRAWING = "Drawing pictures: {done} of {count}"
COMPARING = "Comparing them with real pictures"
NO_READER = (
    "No classifier for {dataset} is at hand, so features, classes and labels were not measured; near-copies were."
)
FEWER = "{dataset} has fewer pictures than {asked} to compare with, so {count} of each kind are compared."
NO_LABELS = "The model draws without labels, so label obedience and GAN-train do not apply."


@dataclass(frozen=True)
class Measure:
    """One number about a generator beside its ``floor``: the same measure of real test pictures, or None.

    ``extractor`` names the network that made the features, where the number depends on one.
    """

    metric: Metric
    value: float
    floor: float | None
    extractor: str = ""

    @property
    def key(self) -> str:
        return self.metric.key

    @property
    def title(self) -> str:
        """What it is called, without the extractor; pages translate this part."""
        return self.metric.title

    @property
    def name(self) -> str:
        """What it is called in full: the same measure on other features is another number."""
        return f"{self.metric.title} ({self.extractor})" if self.extractor else self.metric.title

    @property
    def help(self) -> str:
        return self.metric.help

    @property
    def better(self) -> str:
        """ "lower" or "higher"."""
        return self.metric.better

    @property
    def unit(self) -> str:
        return self.metric.unit

    @property
    def source(self) -> str:
        return self.metric.source


@dataclass(frozen=True)
class ClassRow:
    """One class of the data set by itself; numbers that too few pictures decide are None.

    ``share`` and ``real_share`` are the class histograms: the shares of the pictures in which the reader sees the
    class. ``obedience`` is that of the pictures asked to show it, None for models without labels. ``fidelity`` and
    ``diversity`` are those of :mod:`gan_core.metrics.classes`, with their floors.
    """

    name: str
    share: float
    real_share: float
    obedience: float | None
    fidelity: float | None
    fidelity_floor: float | None
    diversity: float | None
    diversity_floor: float | None


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one generator: ``count`` of its pictures of ``seed`` against as many real ones.

    ``measures`` stand in the order of the table, ``classes`` in that of the data set (none without a reader).
    ``notices`` say what could not be measured and why.
    """

    dataset: str
    count: int
    seed: int
    step: int
    seconds: float
    measures: tuple[Measure, ...]
    classes: tuple[ClassRow, ...]
    notices: tuple[Notice, ...]

    def find(self, key: str) -> Measure | None:
        """The measure of that key; None where it was not taken."""
        return next((measure for measure in self.measures if measure.key == key), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with what each measure is called and which way is better."""
        measures = [
            {"key": item.key, "name": item.name, "value": item.value, "floor": item.floor, "better": item.better,
             "unit": item.unit, "extractor": item.extractor}
            for item in self.measures
        ]  # fmt: skip
        notices = [{"text": notice.text, "values": dict(notice.values)} for notice in self.notices]
        return {
            "dataset": self.dataset, "count": self.count, "seed": self.seed, "step": self.step,
            "seconds": round(self.seconds, 1), "measures": measures,
            "classes": [asdict(row) for row in self.classes], "notices": notices,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evaluation:
        """Of :meth:`to_dict`; measures that this version does not know are left out.

        Raises:
            UserError: ``data`` is no evaluation.
        """
        try:
            return cls(
                dataset=data["dataset"], count=data["count"], seed=data["seed"], step=data["step"],
                seconds=data["seconds"],
                measures=tuple(
                    Measure(BY_KEY[item["key"]], item["value"], item["floor"], item["extractor"])
                    for item in data["measures"] if item["key"] in BY_KEY
                ),
                classes=tuple(ClassRow(**row) for row in data["classes"]),
                notices=tuple(Notice(item["text"], item["values"]) for item in data["notices"]),
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise UserError("These are no results of an evaluation; run `evaluate` again.") from error


def evaluate(
    bundle: Bundle,
    dataset: str,
    *,
    count: int = 10_000,
    seed: int = 0,
    device: torch.device | str = "cpu",
    report: Report = silent,
) -> Evaluation:
    """Measure a generator against the real pictures of ``dataset``.

    Args:
        count: how many pictures of each kind, FEWEST to MOST; fewer where the data set has not so many.
        seed: of the generated pictures; picture i of a seed does not depend on ``count``.
        report: is told what goes on; an exception from it ends the work.

    Raises:
        UserError: there is no such data set, it cannot be had, or its pictures are of another size than the model's.
    """
    began = time.monotonic()
    if not FEWEST <= count <= MOST:
        raise UserError("{count} pictures cannot be compared; choose between {low} and {high}.",
                        count=count, low=FEWEST, high=MOST)  # fmt: skip
    subject, notices = _subject(bundle, dataset, count, device, report)
    images = subject.draw(seed, report)
    report(COMPARING)
    scores, floors, rows = subject.compare(images)
    measures = tuple(
        Measure(metric, scores[metric.key], floors.get(metric.key), subject.extractor if metric.of_features else "")
        for metric in METRICS
        if metric.key in scores
    )
    return Evaluation(
        subject.side.reference.name, len(images), seed, bundle.info.step, time.monotonic() - began, measures, rows,
        notices,
    )  # fmt: skip


@dataclass(frozen=True)
class _Subject:
    """A generator, the real side that it is measured against, and what reads both.

    ``asked`` int64 (count,) are the classes to ask a conditional model for, in its own numbers; ``classes`` are those
    of the data set that it knows, in the reader's numbers.
    """

    bundle: Bundle
    side: RealSide
    reader: Reader | None
    asked: Tensor | None
    classes: tuple[int, ...]

    @property
    def extractor(self) -> str:
        return self.reader.title if self.reader else ""

    def draw(self, seed: int, report: Report) -> Tensor:
        """The pictures, uint8 (count, C, H, W)."""
        recipe, count = self.bundle.info.recipe, len(self.side.reference)
        parts = []
        for first in range(0, count, PART):
            report(DRAWING, done=first, count=count)
            z = draw_latents(recipe.latents, seed, min(PART, count - first), first)
            labels = None if self.asked is None else self.asked[first : first + PART]
            parts.append(generate(self.bundle.generator, z, labels, recipe.generator.pixel_range))
        return torch.cat(parts)

    def compare(self, images: Tensor) -> tuple[dict[str, float], dict[str, float], tuple[ClassRow, ...]]:
        """(scores, their floors, the classes one by one) of generated pictures."""
        side, looked_up = self.side, copies_count(len(images))
        scores = {"near_copies": near_copies(nearest_pictures(images[:looked_up], side.training), side.copy_threshold)}
        floors, rows = dict(side.floors), ()
        if self.reader is None or side.reading is None:
            return scores, floors, rows
        seen = self.reader.read(images)
        scores |= feature_scores(side.reading, seen, self.classes)
        obeyed: list[float] = []
        if self.asked is not None:
            wanted = torch.tensor(self.classes)[self.asked]
            scores["obedience"] = obedience(seen.classes, wanted)
            obeyed = obedience_of_classes(seen.classes, wanted, max(self.classes) + 1)
        return scores, floors, self._rows(class_scores(side.reading, seen, self.classes), side.reading, obeyed)

    def _rows(self, scores: tuple[ClassScores, ...], real: Reading, obeyed: list[float]) -> tuple[ClassRow, ...]:
        rows = zip(self.side.reference.class_names, self.classes, scores, self.side.class_floors, strict=True)
        return tuple(
            ClassRow(
                name, row.share, (real.classes == number).double().mean().item(),
                obeyed[number] if obeyed else None, row.fidelity, floor.fidelity, row.diversity, floor.diversity,
            )
            for name, number, row, floor in rows
        )  # fmt: skip


def _subject(
    bundle: Bundle, name: str, count: int, device: torch.device | str, report: Report
) -> tuple[_Subject, tuple[Notice, ...]]:
    info, source = bundle.info, find_dataset(name)
    if info.image_shape != source.image_shape:
        raise UserError(
            "The model draws pictures of {model} and {dataset} has {data}; choose a data set of the model's size.",
            model=_size(info.image_shape), dataset=source.title, data=_size(source.image_shape),
        )  # fmt: skip
    wanted = info.recipe.training.classes
    training, test = (of_classes(source.load(split, report), wanted) for split in ("train", "test"))
    if info.recipe.conditional and info.class_names != training.class_names:
        raise UserError(
            "The model draws {model} and {dataset} shows {data}; choose the data set that it was trained on.",
            model=", ".join(info.class_names), dataset=source.title, data=", ".join(training.class_names),
        )  # fmt: skip
    notices, most = [], min(len(training), len(test))
    if count > most:
        notices.append(Notice(FEWER, {"dataset": source.title, "asked": count, "count": most}))
    reader = load_reader(name) if has_reader(name) else None
    if reader is None:
        notices.append(Notice(NO_READER, {"dataset": source.title}))
    if not info.recipe.conditional:
        notices.append(Notice(NO_LABELS, {}))
    classes = wanted or tuple(range(len(source.class_names)))
    side = real_side(training, test, min(count, most), reader, classes, report)
    generator = bundle.generator if str(device) == "cpu" else copy.deepcopy(bundle.generator).to(device)
    asked = side.reference.labels if info.recipe.conditional else None
    return _Subject(
        replace(bundle, generator=generator), side, reader.to(device) if reader else None, asked, classes
    ), tuple(notices)


def _size(shape: tuple[int, int, int]) -> str:
    return f"{shape[1]} × {shape[2]} × {shape[0]}"

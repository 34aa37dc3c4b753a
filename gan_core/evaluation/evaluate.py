"""How good a trained generator is: every measure beside its floor, what real test pictures score in its place.

    evaluate(open_model("cgan"), "mnist", count=1000)      # an Evaluation, in a few seconds
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from gan_core.checkpoints import Bundle
from gan_core.config import UserError
from gan_core.datasets.dataset import Notice, Report, silent
from gan_core.evaluation.real_side import copies_count
from gan_core.evaluation.subject import Scores, Subject, subject_of
from gan_core.evaluation.thorough import THOROUGH
from gan_core.metrics.classes import obedience, obedience_of_classes
from gan_core.metrics.classifier import Reading
from gan_core.metrics.memorisation import near_copies, nearest_pictures
from gan_core.metrics.scores import class_scores, feature_scores
from gan_core.metrics.table import BY_KEY, METRICS, Metric

FEWEST, MOST = 100, 50_000  # pictures of each kind
COMPARING = "Comparing them with real pictures"


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
    thorough: Collection[str] = (),
    device: torch.device | str = "cpu",
    report: Report = silent,
) -> Evaluation:
    """Measure a generator against the real pictures of ``dataset``.

    Args:
        count: how many pictures of each kind, FEWEST to MOST; fewer where the data set has not so many.
        seed: of the generated pictures; picture i of a seed does not depend on ``count``.
        thorough: names from THOROUGH, measures that take minutes each.
        report: is told what goes on; an exception from it ends the work.

    Raises:
        UserError: there is no such data set, it cannot be had, or it shows other things than the model draws.
    """
    began = time.monotonic()
    if not FEWEST <= count <= MOST:
        raise UserError("{count} pictures cannot be compared; choose between {low} and {high}.",
                        count=count, low=FEWEST, high=MOST)  # fmt: skip
    subject = subject_of(bundle, dataset, count, device, report)
    images = subject.draw(subject.count, subject.asked, seed, report)
    report(COMPARING)
    reading = subject.reader.read(images) if subject.reader is not None else None
    taken = [_copies(subject, images)]
    rows: tuple[ClassRow, ...] = ()
    if reading is not None:
        taken.append(_features(subject, reading))
        rows = _class_rows(subject, reading)
    taken += [THOROUGH[name](subject, images, seed, report) for name in THOROUGH if name in thorough]
    return Evaluation(
        subject.dataset, subject.count, seed, bundle.info.step, time.monotonic() - began, _measures(taken), rows,
        (*subject.notices, *(notice for scores in taken for notice in scores.notices)),
    )  # fmt: skip


def _measures(taken: list[Scores]) -> tuple[Measure, ...]:
    return tuple(
        Measure(metric, scores.values[metric.key], scores.floors.get(metric.key),
                scores.extractor if metric.of_features else "")
        for metric in METRICS for scores in taken if metric.key in scores.values
    )  # fmt: skip


def _copies(subject: Subject, images: torch.Tensor) -> Scores:
    side = subject.side
    nearest = nearest_pictures(images[: copies_count(len(images))], side.training)
    return Scores({"near_copies": near_copies(nearest, side.copy_threshold)}, side.floors)


def _features(subject: Subject, reading: Reading) -> Scores:
    side = subject.side
    assert side.reading is not None and subject.reader is not None
    values = feature_scores(side.reading, reading, subject.classes)
    if subject.asked is not None:
        values["obedience"] = obedience(reading.classes, subject.reader_labels(subject.asked))
    return Scores(values, side.floors, subject.reader.title)


def _class_rows(subject: Subject, reading: Reading) -> tuple[ClassRow, ...]:
    side = subject.side
    assert side.reading is not None
    obeyed: list[float] = []
    if subject.asked is not None:
        wanted = subject.reader_labels(subject.asked)
        obeyed = obedience_of_classes(reading.classes, wanted, max(subject.classes) + 1)
    scores = class_scores(side.reading, reading, subject.classes)
    rows = zip(side.reference.class_names, subject.classes, scores, side.class_floors, strict=True)
    return tuple(
        ClassRow(
            name, row.share, (side.reading.classes == number).double().mean().item(),
            obeyed[number] if obeyed else None, row.fidelity, floor.fidelity, row.diversity, floor.diversity,
        )
        for name, number, row, floor in rows
    )  # fmt: skip

"""The real side of an evaluation: the pictures to compare with, and what real test pictures score beside them.

Every score of generated pictures stands beside its floor: the same measure of as many real test pictures. Features and
floors are kept under the user's cache folder, under a name made of everything that they follow from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gan_core.datasets.dataset import Dataset, Report, cache_dir
from gan_core.files import read_json, write_bytes, write_json
from gan_core.metrics.classes import obedience
from gan_core.metrics.classifier import Reader, Reading
from gan_core.metrics.memorisation import copy_threshold, near_copies, nearest_pictures
from gan_core.metrics.scores import ClassScores, class_scores, feature_scores

VERSION = 1  # of the measures; a change of any of them makes kept floors void
REFERENCE_SEED = 0
MOST_COPIES = 2000  # pictures whose nearest training pictures are looked for
READING = "Looking at real pictures; this is kept for the next time"


@dataclass(frozen=True)
class RealSide:
    """Real pictures and their floors.

    ``training`` and ``test`` are the whole sets; ``reference`` and ``held`` are as many pictures of each as are
    generated. ``reading`` is what the reader sees in the reference; None without a reader, and then only near-copies
    have a floor. ``kept_as`` names what is kept about them.
    """

    training: Dataset
    test: Dataset
    reference: Dataset
    held: Dataset
    reading: Reading | None
    floors: Mapping[str, float]
    class_floors: tuple[ClassScores, ...]
    copy_threshold: float
    kept_as: str

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """A JSON value that follows from the real pictures and ``name`` alone: made once, then kept."""
        path = cache_path(f"{self.kept_as}-{name}.json")
        found = read_json(path)
        if found is None:
            found = make()
            write_json(path, found)
        return found


def real_side(
    training: Dataset, test: Dataset, count: int, reader: Reader | None, classes: tuple[int, ...], report: Report
) -> RealSide:
    """The real side for ``count`` generated pictures.

    Args:
        classes: those of the data set that are compared, as the reader numbers them.
        report: is told where the floors have to be made first.
    """
    reference, held = chosen(training, count), chosen(test, count)
    name = _identity(reference, held, reader, len(training), classes)
    side = RealSide(training, test, reference, held, None, {}, (), 0.0, name)
    reading = _kept_reading(name) if reader is not None else None
    if reading is None and reader is not None:
        report(READING)
        reading = reader.read(reference.batch(torch.arange(len(reference)))[0])
        tensors = {"features": reading.features, "classes": reading.classes}
        write_bytes(cache_path(f"{name}.safetensors"), save(tensors))
    floors = side.kept("floors", lambda: _floors(side, reader, reading, classes, report))
    return RealSide(
        training, test, reference, held, reading, floors["scores"],
        tuple(ClassScores(**row) for row in floors["classes"]), floors["copy_threshold"], name,
    )  # fmt: skip


def chosen(dataset: Dataset, count: int) -> Dataset:
    """``count`` pictures of a set, the same ones each time."""
    order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(REFERENCE_SEED))
    return dataset.select(order[:count])


def copies_count(count: int) -> int:
    """How many of ``count`` pictures are looked up among the training pictures: half of few, and never very many."""
    return min(count // 2, MOST_COPIES)


def cache_path(name: str) -> Path:
    """A file of the cache; its folder is made."""
    folder = cache_dir() / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _floors(
    side: RealSide, reader: Reader | None, reading: Reading | None, classes: tuple[int, ...], report: Report
) -> dict[str, Any]:
    report(READING)
    images, labels = side.held.batch(torch.arange(len(side.held)))
    looked_up = copies_count(len(images))
    # The pictures that set the threshold are others than those that are measured with it.
    others = side.held.select(slice(looked_up, 2 * looked_up)).batch(torch.arange(looked_up))[0]
    threshold = copy_threshold(nearest_pictures(others, side.training))
    scores = {"near_copies": near_copies(nearest_pictures(images[:looked_up], side.training), threshold)}
    rows: tuple[ClassScores, ...] = ()
    if reader is not None and reading is not None:
        seen = reader.read(images)
        scores |= feature_scores(reading, seen, classes)
        scores["obedience"] = obedience(seen.classes, torch.tensor(classes)[labels])
        rows = class_scores(reading, seen, classes)
    return {"scores": scores, "classes": [asdict(row) for row in rows], "copy_threshold": threshold}


def _kept_reading(name: str) -> Reading | None:
    try:
        with safe_open(str(cache_path(f"{name}.safetensors")), framework="pt") as stream:
            return Reading(stream.get_tensor("features"), stream.get_tensor("classes"))
    except (OSError, SafetensorError):
        return None


def _identity(
    reference: Dataset, test: Dataset, reader: Reader | None, trained_on: int, classes: tuple[int, ...]
) -> str:
    """A file name for all that floors follow from: the pictures themselves, what reads them, and how many there are."""
    digest = hashlib.sha256(json.dumps([VERSION, reader.sha256 if reader else "", trained_on, classes]).encode())
    for part in (reference, test):
        images, labels = part.batch(torch.arange(len(part)))
        digest.update(_bytes(images))
        digest.update(_bytes(labels))
    return digest.hexdigest()[:32]


def _bytes(tensor: Tensor) -> bytes:
    return tensor.contiguous().numpy().tobytes()

"""What numbers do not tell: generated pictures beside real ones, and where both lie.

    beside(View("cgan", "mnist"))         # rows of real and of generated pictures, class by class
    neighbours(View("cgan", "mnist"))     # each generated picture with the training pictures nearest to it
    answers(View("cgan", "mnist"))        # D's answers for training pictures, for new ones, for generated ones
    real_map("mnist"), placed(View("cgan@4680", "mnist"))     # a map of real pictures, and generated ones on it

All parts of a view look at the same pictures, 0 … of its seed, and the last answers are remembered.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_core.checkpoints import BundleInfo
from gan_core.config import UserError
from gan_core.data import DATASETS, Dataset, DatasetSource, find_dataset
from gan_core.evaluation.real_side import chosen
from gan_core.feed import to_range
from gan_core.fitting import of_classes
from gan_core.images import Pixels
from gan_core.library import describe, find_path, open_model
from gan_core.metrics.classifier import has_reader, load_reader
from gan_core.metrics.memorisation import nearest_pictures, pixel_vectors
from gan_core.metrics.projection import Projection, discriminant_axes, principal_axes
from gan_core.sampling import cycle_labels, draw_latents, generate, pixels

SEEN = 1000  # pictures of each kind that answers and readings are taken from
SEEN_LARGE = 100  # of pictures that have more than LARGE values
LARGE = 4096
ROWS = 4  # of each class, side by side
MOST_COLUMNS = 10
LOOKED_UP = 8  # generated pictures whose neighbours are shown
NEIGHBOURS = 3
MAPPED = 2000  # real pictures on the map
PLACED = 300  # generated ones on it
JUDGED = 50  # pictures that D judges at once


@dataclass(frozen=True)
class View:
    """One model beside one data set; ``seed`` is that of the generated pictures."""

    ref: str
    dataset: str
    seed: int = 0


@dataclass(frozen=True)
class Beside:
    """Tiles uint8 (rows · columns, H, W[, 3]), ``columns`` of them in a row; with ``names`` a column is a class.

    ``missing`` are the classes of which no generated picture was found; their tiles stay black. ``looked_at`` is how
    many generated pictures were searched.
    """

    real: Pixels
    generated: Pixels
    columns: int
    names: tuple[str, ...]
    missing: tuple[str, ...]
    looked_at: int


@dataclass(frozen=True)
class Neighbours:
    """A generated picture uint8 (H, W[, 3]) and its nearest training pictures (k, H, W[, 3]), the nearest first.

    ``distances`` are root mean square differences a pixel, in grey levels.
    """

    picture: Pixels
    training: Pixels
    distances: tuple[float, ...]


@dataclass(frozen=True)
class Answers:
    """D's answers in [0, 1], 1 for "real", each a tuple of numbers; 0.5 throughout is a draw."""

    training: tuple[float, ...]
    new: tuple[float, ...]
    generated: tuple[float, ...]


@dataclass(frozen=True)
class RealMap:
    """Places (N, 2) of real pictures, their classes, and where each class has its centre; ``by`` made the features."""

    projection: Projection
    places: tuple[tuple[float, float], ...]
    classes: tuple[int, ...]
    centres: tuple[tuple[float, float], ...]
    names: tuple[str, ...]
    by: str


def datasets_for(info: BundleInfo) -> list[DatasetSource]:
    """The data sets at hand whose pictures a model's can be compared with, that of its training first."""
    fitting = [source for source in DATASETS if source.on_disk() and source.image_shape == info.image_shape]
    try:
        own = [source for source in (find_dataset(info.dataset),) if source.on_disk()]
    except UserError:
        own = []
    if info.recipe.conditional:
        fitting = [source for source in fitting if source.class_names == info.class_names]
    return [*own, *(source for source in fitting if source.name not in {source.name for source in own})]


def beside(view: View) -> Beside:
    """Real test pictures and generated ones, class by class where a classifier or the model's labels tell the class.

    Raises:
        UserError: the model or the data set cannot be had.
    """
    return _beside(view, _changed(view.ref))


def neighbours(view: View) -> list[Neighbours]:
    """The first generated pictures and what is nearest to them, pixel by pixel, among the training pictures."""
    return _neighbours(view, _changed(view.ref))


def answers(view: View) -> Answers | None:
    """What D says of training pictures, of new ones, and of generated ones; None where the model brings no D."""
    return _answers(view, _changed(view.ref))


@functools.lru_cache(maxsize=4)
def real_map(dataset: str) -> RealMap:
    """The map of a data set: fitted once, on real pictures alone."""
    pictures = chosen(_real(dataset, "train"), MAPPED)
    images, labels = pictures.batch(torch.arange(len(pictures)))
    features, by = _features(dataset, images)
    names = pictures.class_names
    labelled = len(names) > 2 and all((labels == number).sum() > 1 for number in range(len(names)))
    projection = discriminant_axes(features, labels) if labelled else principal_axes(features)
    places = projection(features)
    centres = [places[labels == number].mean(0) for number in range(len(names))] if labelled else []
    return RealMap(
        projection, _pairs(places), tuple(labels.tolist()), _pairs(torch.stack(centres)) if centres else (), names, by
    )


def placed(view: View) -> tuple[tuple[float, float], ...]:
    """Where the first generated pictures lie on the map of the view's data set; the same noise at every snapshot."""
    return _placed(view, _changed(view.ref))


@functools.lru_cache(maxsize=32)
def _beside(view: View, changed: int) -> Beside:
    images, asked = _drawn(view, changed)
    test, names = _real(view.dataset, "test", view.ref), describe(view.ref).class_names
    if asked is None and has_reader(view.dataset):
        shown = load_reader(view.dataset).classify(images)
        names = find_dataset(view.dataset).class_names
        test = _real(view.dataset, "test")
    elif asked is not None:
        shown = asked
    else:
        names, shown = (), torch.empty(0)
    if not 1 < len(names) <= MOST_COLUMNS:
        count = ROWS * MOST_COLUMNS
        real = chosen(test, count).batch(torch.arange(min(count, len(test))))[0]
        return Beside(pixels(real), pixels(images[:count]), MOST_COLUMNS, (), (), len(images))
    found = [images[shown == number][:ROWS] for number in range(len(names))]
    missing = tuple(name for name, part in zip(names, found, strict=True) if not len(part))
    few = [test.select(test.labels == number).select(slice(0, ROWS)) for number in range(len(names))]
    real_columns = [part.batch(torch.arange(len(part)))[0] for part in few]
    return Beside(
        pixels(_by_rows(real_columns, images)), pixels(_by_rows(found, images)), len(names), names, missing, len(images)
    )


@functools.lru_cache(maxsize=16)
def _neighbours(view: View, changed: int) -> list[Neighbours]:
    images = _drawn(view, changed)[0][:LOOKED_UP]
    training = _real(view.dataset, "train")
    nearest = nearest_pictures(images, training, NEIGHBOURS)
    values = pixel_vectors(images[:1]).shape[1]
    return [
        Neighbours(
            pixels(picture[None])[0], pixels(training.batch(row)[0]), tuple((distance / values**0.5).tolist())
        )
        for picture, row, distance in zip(images, nearest.indices, nearest.distances, strict=True)
    ]


@functools.lru_cache(maxsize=16)
def _answers(view: View, changed: int) -> Answers | None:
    if open_model(view.ref).discriminator is None:
        return None
    images, asked = _drawn(view, changed)
    reals = [chosen(_real(view.dataset, split, view.ref), len(images)) for split in ("train", "test")]
    known, new = (real.batch(torch.arange(len(real))) for real in reals)
    return Answers(_judged(view.ref, *known), _judged(view.ref, *new), _judged(view.ref, images, asked))


@functools.lru_cache(maxsize=128)
def _placed(view: View, changed: int) -> tuple[tuple[float, float], ...]:
    info = describe(view.ref)
    images = _drawn(view, changed, min(PLACED, _seen(info)))[0]
    return _pairs(real_map(view.dataset).projection(_features(view.dataset, images)[0]))


@functools.lru_cache(maxsize=16)
def _drawn(view: View, changed: int, count: int = 0) -> tuple[Tensor, Tensor | None]:
    """The first pictures of the seed, uint8 (N, C, H, W), and the classes asked for in turn, if there are any."""
    bundle = open_model(view.ref)
    info, recipe = bundle.info, bundle.info.recipe
    count = count or _seen(info)
    labels = cycle_labels(count, range(len(info.class_names))) if recipe.conditional else None
    z = draw_latents(recipe.latents, view.seed, count)
    return generate(bundle.generator, z, labels, recipe.generator.pixel_range), labels


def _seen(info: BundleInfo) -> int:
    channels, height, width = info.image_shape
    return SEEN if channels * height * width <= LARGE else SEEN_LARGE


@torch.inference_mode()
def _judged(ref: str, images: Tensor, labels: Tensor | None) -> tuple[float, ...]:
    """σ of D's logits for uint8 (N, C, H, W); packs get one answer."""
    bundle = open_model(ref)
    assert bundle.discriminator is not None
    recipe, parts = bundle.info.recipe, []
    size = JUDGED // recipe.stabilizers.packing * recipe.stabilizers.packing
    for start in range(0, len(images) - size + 1, size):
        some = None if labels is None or not recipe.conditional else labels[start : start + size]
        pictures = to_range(images[start : start + size], recipe.generator.pixel_range)
        parts.append(bundle.discriminator(pictures, some).logits.float().sigmoid())
    return tuple(torch.cat(parts).tolist()) if parts else ()


@functools.lru_cache(maxsize=4)
def _whole(dataset: str, split: str) -> Dataset:
    return find_dataset(dataset).load(split)


def _real(dataset: str, split: str, ref: str = "") -> Dataset:
    """A split of a data set; of the classes that the model ``ref`` knows alone, where one is given."""
    whole = _whole(dataset, split)
    return of_classes(whole, describe(ref).recipe.training.classes) if ref else whole


def _features(dataset: str, images: Tensor) -> tuple[Tensor, str]:
    """(features (N, F), what made them): the classifier's where there is one, else pixels."""
    if has_reader(dataset):
        reader = load_reader(dataset)
        if tuple(images.shape[1:]) == reader.image_shape:
            return reader.features(images), reader.title
    return pixel_vectors(images), ""


def _by_rows(columns: list[Tensor], like: Tensor) -> Tensor:
    """Pictures (ROWS · classes, C, H, W) in rows across the classes, from those of each class; black where too few."""
    grid = like.new_zeros(ROWS, len(columns), *like.shape[1:])
    for number, part in enumerate(columns):
        grid[: len(part), number] = part
    return grid.flatten(0, 1)


def _pairs(places: Tensor) -> tuple[tuple[float, float], ...]:
    return tuple((round(x, 3), round(y, 3)) for x, y in places.tolist())


def _changed(ref: str) -> int:
    """When the model's file was last written: part of what answers are remembered by."""
    return find_path(ref).stat().st_mtime_ns

"""Models side by side: the same noise through each, how their pictures and their recipes differ."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import nn

from gan_core.checkpoints import BundleInfo
from gan_core.config import UserError, settings_of
from gan_core.contracts import Shapes
from gan_core.fitting import build_networks
from gan_core.images import Pixels, sheet
from gan_core.library import describe, find_path, manifest, open_model, run_of, snapshots, without_step
from gan_core.recipes.recipe import Latents, Recipe
from gan_core.sampling import cycle_labels, draw_latents, generate, pixels

MOST_ROWS = 32
MOST_PICTURES = 32
# The two ends of Okabe and Ito's palette that the charts use too; the middle is a light grey.
DARKER, SAME, BRIGHTER = (0x00, 0x72, 0xB2), (0xF4, 0xF4, 0xF4), (0xD5, 0x5E, 0x00)


@dataclass(frozen=True)
class RowsRequest:
    """Pictures 0 … count-1 of ``seed`` from each model; ``label`` is one class for all, or None for all in turn."""

    refs: tuple[str, ...]
    seed: int = 1
    count: int = 10
    label: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.refs) <= MOST_ROWS:
            raise UserError("Choose between 1 and {most} models.", most=MOST_ROWS)
        if not 1 <= self.count <= MOST_PICTURES:
            raise UserError("Choose between 1 and {most} pictures a row.", most=MOST_PICTURES)


@dataclass(frozen=True)
class Row:
    """One model's pictures: ``tiles`` uint8 (N, H, W[, 3]); ``labels`` is empty for an unconditional model."""

    ref: str
    tiles: Pixels
    labels: tuple[int, ...]
    latents: Latents


def make_rows(request: RowsRequest) -> list[Row]:
    """One row for each model; picture i has the same z in all rows whose latents agree.

    Raises:
        UserError: a model is gone or damaged, or has no such class.
    """
    return [
        _row(ref, find_path(ref).stat().st_mtime_ns, request.seed, request.count, request.label) for ref in request.refs
    ]


def same_noise(rows: Sequence[Row]) -> bool:
    """Whether picture i of each row comes from the same z; otherwise only the seed is the same."""
    return len({row.latents for row in rows}) <= 1


def fitted(rows: Sequence[Row]) -> list[Pixels]:
    """The tiles of each row, all of one size: smaller or grey ones are enlarged and coloured to match the others."""
    height, width = (max(row.tiles.shape[axis] for row in rows) for axis in (1, 2))
    color = any(row.tiles.ndim == 4 for row in rows)
    return [np.stack([_fitted(tile, height, width, color) for tile in row.tiles]) for row in rows]


def joined(rows: Sequence[Row]) -> Pixels:
    """All rows as one picture, one below the other."""
    return sheet(np.concatenate(fitted(rows)), rows[0].tiles.shape[0])


def difference(first: Row, second: Row) -> npt.NDArray[np.float32]:
    """Second minus first, in [-1, 1] (1 is the whole range from black to white): (N, H, W[, 3]).

    Raises:
        UserError: their pictures differ in size or colour.
    """
    if first.tiles.shape != second.tiles.shape:
        raise UserError("These two models draw pictures of different sizes, so they cannot be subtracted.")
    return (second.tiles.astype(np.float32) - first.tiles.astype(np.float32)) / np.float32(255)


def difference_scale(width: int = 256) -> Pixels:
    """The colours of :func:`difference_tiles` from -1 on the left to 1 on the right: uint8 (1, width, 3)."""
    scale: Pixels = difference_tiles(np.linspace(-1, 1, width, dtype=np.float32).reshape(1, 1, width))[0]
    return scale


def difference_tiles(values: npt.NDArray[np.float32]) -> Pixels:
    """uint8 (N, H, W, 3): blue where the second is darker, orange where it is brighter, light grey where equal."""
    signed = values.mean(axis=-1) if values.ndim == 4 else values
    strength = np.abs(signed)[..., None]  # (N, H, W, 1)
    darker, same, brighter = (np.array(color, np.float32) for color in (DARKER, SAME, BRIGHTER))
    ends = np.where(signed[..., None] < 0, darker, brighter)  # (N, H, W, 3)
    tiles: Pixels = np.rint((1 - strength) * same + strength * ends).astype(np.uint8)
    return tiles


@dataclass(frozen=True)
class Facts:
    """What is known of a model's making; ``seconds`` is None and ``hardware`` empty where nobody wrote it down.

    ``steps`` and ``epochs`` are behind it, ``planned_epochs`` what its recipe asks for.
    """

    recipe: Recipe
    generator_parameters: int
    discriminator_parameters: int
    steps: int
    epochs: float
    planned_epochs: float
    seconds: float | None
    hardware: str
    dataset: str
    averaged: bool


def facts(ref: str) -> Facts:
    """What is known of the model ``ref``; UserError where there is none."""
    info = describe(ref)
    generator, discriminator = parameter_counts(info)
    seconds, hardware, planned = _training_of(ref, info)
    return Facts(
        info.recipe, generator, discriminator, info.step, info.epoch, planned, seconds, hardware, info.dataset,
        info.averaged,
    )  # fmt: skip


def parameter_counts(info: BundleInfo) -> tuple[int, int]:
    """Trainable parameters of (generator, discriminator); 0 where a generator came alone."""
    return _parameter_counts(info.recipe, info.shapes)


DRAWN_WITH = ("generator", "latents")


@dataclass(frozen=True)
class SettingDifference:
    """One setting that is not the same in all recipes: its value in each, None where a recipe has no such setting.

    ``section`` is the recipe's field that holds it, ``part`` the kind of term or schedule within ("" where none).
    """

    section: str
    part: str
    title: str
    values: tuple[Any, ...]


def recipe_differences(recipes: Sequence[Recipe]) -> list[SettingDifference]:
    """The settings in which recipes differ, in the order of a form; names, notes and sources aside.

    Of a generator that was trained elsewhere only what it draws with is known.
    """
    flat = [
        {path: value for path, value in _settings(recipe) if recipe.trainable or path[0] in DRAWN_WITH}
        for recipe in recipes
    ]
    paths = dict.fromkeys(path for settings in flat for path in settings)
    sections = [item.name for item in dataclasses.fields(Recipe)]
    found = []
    for path in sorted(paths, key=lambda path: sections.index(path[0])):
        values = tuple(settings.get(path) for settings in flat)
        if any(value != values[0] for value in values):
            found.append(SettingDifference(*path, values))
    return found


@dataclass(frozen=True)
class EpochPair:
    """The snapshots of two trainings at the same epoch."""

    epoch: int
    first: str
    second: str


def epoch_pairs(first: str, second: str, wanted: Sequence[int] = ()) -> tuple[list[EpochPair], list[int]]:
    """(pairs at the ``wanted`` epochs that both models keep, the wanted epochs that they do not both keep).

    Where they share none of those, or none is wanted, the pairs are all that they share.
    """
    ours, theirs = _by_epoch(first), _by_epoch(second)
    both = sorted(ours.keys() & theirs.keys())
    chosen = [epoch for epoch in wanted if epoch in both] or both
    pairs = [EpochPair(epoch, ours[epoch], theirs[epoch]) for epoch in chosen]
    return pairs, [epoch for epoch in wanted if epoch not in both]


@functools.lru_cache(maxsize=64)
def _row(ref: str, changed: int, seed: int, count: int, label: int | None) -> Row:
    bundle = open_model(ref)
    recipe, labels = bundle.info.recipe, None
    if recipe.conditional:
        classes = len(bundle.info.class_names)
        if label is not None and not 0 <= label < classes:
            raise UserError("{ref} has {classes} classes; choose a class below {classes}.", ref=ref, classes=classes)
        labels = cycle_labels(count, range(classes) if label is None else [label])
    z = draw_latents(recipe.latents, seed, count)
    tiles = pixels(generate(bundle.generator, z, labels, recipe.generator.pixel_range))
    tiles.flags.writeable = False  # it is shared by all who ask again
    return Row(ref, tiles, () if labels is None else tuple(labels.tolist()), recipe.latents)


def _fitted(tile: Pixels, height: int, width: int, color: bool) -> Pixels:
    """A tile (H, W[, 3]) at the given size, with square pixels, as colour if the others are."""
    picture = Image.fromarray(tile)
    if tile.shape[:2] != (height, width):
        picture = picture.resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(picture.convert("RGB") if color else picture)


@functools.lru_cache(maxsize=256)
def _parameter_counts(recipe: Recipe, shapes: Shapes) -> tuple[int, int]:
    if not recipe.trainable:
        return _count(recipe.build_generator(shapes)), 0
    generator, discriminator = build_networks(recipe, shapes, seed=0)
    return _count(generator), _count(discriminator)


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def _training_of(ref: str, info: BundleInfo) -> tuple[float | None, str, float]:
    """(seconds of training until then, hardware, epochs planned)."""
    run = run_of(ref)
    entry: Mapping[str, Any] = next((item for item in manifest() if item["name"] == without_step(ref)), {})
    if run is None:
        return entry.get("seconds"), entry.get("hardware", ""), float(info.recipe.training.epochs)
    status = run.status()
    hardware = entry.get("hardware") or status.device
    planned = status.total_epochs or float(info.recipe.training.epochs)
    if info.step >= status.step:
        return entry.get("seconds", status.seconds), hardware, planned
    scalars = run.history().scalars
    before = [
        seconds
        for step, seconds in zip(scalars.get("step", ()), scalars.get("seconds", ()), strict=True)
        if step is not None and seconds is not None and step <= info.step
    ]
    return (before[-1] if before else None), hardware, planned


def _settings(recipe: Recipe) -> Iterator[tuple[tuple[str, str, str], Any]]:
    """((section, part, title), value) of all that decides a training."""
    yield ("dataset", "", "Data set"), recipe.dataset
    for item in dataclasses.fields(recipe):
        value = getattr(recipe, item.name)
        if dataclasses.is_dataclass(value):
            yield from _of_config(item.name, "", value)
        elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            for config in value:
                yield from _of_config(item.name, getattr(config, "title", ""), config)


def _of_config(section: str, part: str, config: Any) -> Iterator[tuple[tuple[str, str, str], Any]]:
    if not part and hasattr(config, "kind"):
        yield (section, "", "Kind"), config.kind
    for name, described in settings_of(config):
        yield (section, part, described.title), getattr(config, name)
    for item in dataclasses.fields(config):
        nested = getattr(config, item.name)
        if dataclasses.is_dataclass(nested):  # an optimiser's schedule
            title = getattr(nested, "title", item.name)
            yield (section, "", item.name.capitalize()), title
            yield from _of_config(section, title, nested)


def _by_epoch(ref: str) -> dict[int, str]:
    """The kept snapshots by whole epoch; what was kept between two epochs is left out."""
    return {
        round(snapshot.epoch): snapshot.ref
        for snapshot in snapshots(ref)
        if abs(snapshot.epoch - round(snapshot.epoch)) < 0.01
    }

"""A recipe and a data set brought together: the chosen classes, networks of the right sizes, and what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from gan_core.config import UserError
from gan_core.contracts import Shapes
from gan_core.data import Dataset, find_dataset
from gan_core.recipes.recipe import Recipe
from gan_core.seeds import stream_seed

PART = 2**16  # labels looked at together


def build_networks(recipe: Recipe, shapes: Shapes, seed: int) -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator with the first weights that the seed gives, on the CPU."""
    # Initialisers draw from torch's global generator; it is put back, so that building has no side effect.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "generator"))
        generator = recipe.build_generator(shapes)
        torch.manual_seed(stream_seed(seed, "discriminator"))
        discriminator = recipe.build_discriminator(shapes)
    return generator, discriminator


def check_fit(recipe: Recipe) -> None:
    """Raise UserError where a recipe cannot train on its data set; costs no memory."""
    source = find_dataset(recipe.dataset)
    check_classes(recipe.training.classes, len(source.class_names))
    check_batch(recipe, source.count("train") - recipe.training.held_out)
    with torch.device("meta"):
        build_networks(recipe, recipe.shapes(source.image_shape, len(source.class_names)), seed=0)


def check_batch(recipe: Recipe, pictures: int) -> None:
    """Raise UserError unless one batch fits into so many pictures to train on."""
    if pictures < recipe.training.batch_size:
        raise UserError("The batch size {size} is more than the {pictures} pictures to train on; choose a smaller one.",
                        size=recipe.training.batch_size, pictures=max(pictures, 0))  # fmt: skip


def check_classes(chosen: Sequence[int], count: int) -> None:
    """Raise UserError unless the chosen classes are among ``count`` and differ."""
    if len(set(chosen)) < len(chosen) or any(label >= count for label in chosen):
        raise UserError("The data set has {count} classes, numbered from 0; choose some of them, each once.",
                        count=count)  # fmt: skip


def of_classes(dataset: Dataset, chosen: Sequence[int]) -> Dataset:
    """The pictures of the chosen classes, which are numbered anew in that order; all, where none is chosen."""
    if not chosen:
        return dataset
    check_classes(chosen, len(dataset.class_names))
    number = torch.full((len(dataset.class_names),), -1, dtype=dataset.labels.dtype)
    number[list(chosen)] = torch.arange(len(chosen), dtype=number.dtype)
    # Part by part, since the labels of a mapped set are only few bytes each, and indices take eight.
    labels = torch.cat([number[part.long()] for part in torch.split(dataset.labels, PART)])
    names = tuple(dataset.class_names[label] for label in chosen)
    kept = (labels >= 0).nonzero().flatten()
    return replace(dataset.select(kept), labels=labels[kept], class_names=names)

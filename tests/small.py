"""Recipes and data small enough to train in a test."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from gan_core.data import Dataset, find_dataset
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Recipe

# Fields of a network's config that make it large.
WIDTHS = ("hidden", "channels", "filters", "base_channels", "width", "widest", "trunk_width")
WIDEST = 6
TRAINING: Mapping[str, Any] = {
    "training.batch_size": 8,
    "training.held_out": 0,
    "training.epochs": 2,
    "training.steps": 11,
    "training.log_every": 4,
    "snapshots.rows": 2,
    "snapshots.columns": 2,
    "snapshots.measured": 0,
}


def small_recipe(name: str = "fc_gan", changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of that name with narrow networks, small batches and 11 steps; then with ``changes``."""
    recipe = find_recipe(name)
    widths: dict[str, Any] = {}
    for network in ("generator", "discriminator"):
        config = getattr(recipe, network)
        for field in dataclasses.fields(config):
            if field.name in WIDTHS:
                value = getattr(config, field.name)
                shrunk = tuple(min(width, WIDEST) for width in value) if isinstance(value, tuple) else WIDEST
                widths[f"{network}.{field.name}"] = shrunk
    return recipe.with_values({**widths, **TRAINING, **(changes or {})})


def small_data(recipe: Recipe, count: int = 64) -> Dataset:
    """Random pictures in the shape of the recipe's own data set, with all its classes in turn."""
    source = find_dataset(recipe.dataset)
    images = torch.randint(
        256, (count, *source.image_shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    labels = torch.arange(count) % max(len(source.class_names), 1)
    return Dataset("noise", images, labels, source.class_names)

"""The table of recipes as text: for the command line, for scripts and for the documents."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from gan_core.config import Setting, settings_of
from gan_core.data import find_dataset
from gan_core.fitting import build_networks
from gan_core.recipes import RECIPES
from gan_core.recipes.recipe import Recipe, settings_groups


class _Unfilled(TorchFunctionMode):
    """Leaves new weights without values: drawing some on the meta device would load torch's compiler, for a second."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        keywords = dict(kwargs or {})
        if func.__name__.rstrip("_") in ("normal", "uniform", "kaiming_uniform"):
            return keywords["tensor"] if "tensor" in keywords else args[0]
        return func(*args, **keywords)


@functools.lru_cache(maxsize=64)
def parameter_counts(recipe: Recipe) -> tuple[int, int]:
    """Trained numbers of (generator, discriminator), for the recipe's own data set; costs no memory."""
    source = find_dataset(recipe.dataset)
    with torch.device("meta"), _Unfilled():
        networks = build_networks(recipe, recipe.shapes(source.image_shape, len(source.class_names)), seed=0)
    generator, discriminator = (_count(network) for network in networks)
    return generator, discriminator


def as_json() -> list[dict[str, Any]]:
    """Each recipe whole, with whether it uses labels and how many parameters it has."""
    rows = []
    for recipe in RECIPES:
        generator, discriminator = parameter_counts(recipe)
        counts = {"generator": generator, "discriminator": discriminator}
        rows.append(recipe.to_dict() | {"conditional": recipe.conditional, "parameters": counts})
    return rows


def as_text() -> str:
    """One line a recipe: name, report, title and summary."""
    width = max(len(recipe.name) for recipe in RECIPES)
    lines = (f"{recipe.name:{width}}  {recipe.report:3}  {recipe.title}: {recipe.summary}" for recipe in RECIPES)
    return "\n".join(lines)


def as_markdown() -> str:
    """The table that the documents show."""
    lines = [
        "| recipe | report | what it is | labels | parameters G / D | epochs | batch |",
        "|---|---|---|---|---|---|---|",
    ]
    for recipe in RECIPES:
        generator, discriminator = parameter_counts(recipe)
        training = recipe.training
        length = f"{training.steps:,} steps" if training.steps else f"{training.epochs:,}"
        lines.append(
            f"| `{recipe.name}` | {recipe.report} | {recipe.title}. {recipe.summary} | "
            f"{'yes' if recipe.conditional else 'no'} | {generator:,} / {discriminator:,} | {length} | "
            f"{training.batch_size} |"
        )
    return "\n".join(lines)


def settings_text(recipe: Recipe) -> str:
    """Every setting of a recipe as ``path = value``, with its title, help and range; what ``train --set`` takes."""
    return "\n".join(
        f"{path} = {_shown(value)}\n    {described.title}: {described.help}{_range_of(described)}"
        for name, config in settings_groups(recipe)
        for path, described, value in _settings(config, name)
    )


def _settings(config: Any, prefix: str) -> Iterator[tuple[str, Setting, Any]]:
    if isinstance(config, tuple):
        for part in config:
            yield from _settings(part, f"{prefix}.{part.kind}")
        return
    described = dict(settings_of(config))
    for field in dataclasses.fields(config):
        value, path = getattr(config, field.name), f"{prefix}.{field.name}"
        if field.name in described:
            yield path, described[field.name], value
        elif dataclasses.is_dataclass(value):
            yield from _settings(value, path)


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _range_of(described: Setting) -> str:
    if described.choices:
        return f" [{', '.join(map(str, described.choices))}]"
    low, high = ("" if bound is None else f"{bound:.12g}" for bound in (described.minimum, described.maximum))
    unit = f" {described.unit}" if described.unit else ""
    return f" [{low} … {high}{unit}]" if low or high else ""


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())

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
from gan_core.parts import choices, parts
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
    """Each recipe whole, with whether it uses labels, how many parameters it has, and what its settings choose from."""
    rows, names = [], choices()
    for recipe in RECIPES:
        generator, discriminator = parameter_counts(recipe)
        counts = {"generator": generator, "discriminator": discriminator}
        rows.append(recipe.to_dict() | {"conditional": recipe.conditional, "parameters": counts, "choices": names})
    return rows


def parts_as_json() -> list[dict[str, Any]]:
    """Each part that recipes are made of, with its formula and source."""
    return [dataclasses.asdict(part) for part in parts()]


def parts_as_text() -> str:
    """Each part as ``train --set`` asks for it, with what it does, its formula and its source."""
    return "\n".join(
        "\n    ".join([
            f"{part.path}={part.name}" if part.name else part.path,
            f"{part.title}: {part.summary}", *part.formula, part.source,
        ])
        for part in parts()
    )  # fmt: skip


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
    """Every setting of a recipe as ``path = value``, with what it is and its range; what ``train --set`` takes."""
    return "\n".join(
        f"{path} = {value}\n    {said}"
        for name, config in settings_groups(recipe)
        for path, value, said in _settings(config, name)
    )


def _settings(config: Any, prefix: str) -> Iterator[tuple[str, str, str]]:
    """(path, value, what it is) of each setting of a config or of a tuple of terms."""
    if isinstance(config, tuple):
        kinds = (part.kind for part in config)
        yield prefix, ",".join(kinds), f"Terms of the loss, with commas between them. [{_names(prefix)}]"
        for part in config:
            yield from _settings(part, f"{prefix}.{part.kind}")
        return
    described = dict(settings_of(config))
    for field in dataclasses.fields(config):
        value, path = getattr(config, field.name), f"{prefix}.{field.name}"
        if field.name in described:
            said = described[field.name]
            yield path, _shown(value), f"{said.title}: {said.help}{_range_of(said)}"
        elif dataclasses.is_dataclass(value):
            yield path, vars(type(value))["kind"], f"Learning rate over time. [{_names(path)}]"
            yield from _settings(value, path)


def _names(path: str) -> str:
    return ", ".join(choices()[path])


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

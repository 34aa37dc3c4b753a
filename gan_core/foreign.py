"""Generators of other people's as models of the workbench: a recipe made from their declaration, and their weights.

Nothing of theirs is run: layers are built from a list, or are one of the workbench's own kinds. Shapes are tried out
on tensors without memory first, so that a declaration cannot ask for more than its file holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gan_core.config import UserError, from_dict
from gan_core.contracts import DiscriminatorConfig, GeneratorConfig, Shapes
from gan_core.declared import Declaration
from gan_core.models.layered import (
    LayeredClassGeneratorConfig,
    LayeredGeneratorConfig,
    UnknownClassDiscriminatorConfig,
    UnknownDiscriminatorConfig,
)
from gan_core.recipes.recipe import KINDS, Latents, Recipe

SUMMARY = "A generator that was trained elsewhere."
MOST_ELEMENTS = 8_000_000  # that a layer may answer with for one picture; 32 are drawn at once
MOST_WORK = 10**10  # multiplications for one picture
COUNTER = "num_batches_tracked"  # batch normalisation's, which drawing does not need and many files lack


def foreign_recipe(declared: Declaration) -> Recipe:
    """A recipe that says as much as is known: generator, noise and classes.

    Raises:
        UserError: the architecture is none that this version can build.
    """
    conditional = bool(declared.class_names)
    generator = _generator(declared, conditional)
    if generator.conditional != conditional:
        raise UserError("The declared generator and its number of classes contradict each other; correct one of them.")
    unknown: DiscriminatorConfig = UnknownClassDiscriminatorConfig() if conditional else UnknownDiscriminatorConfig()
    return Recipe(
        name="foreign", title=declared.title, report="", summary=SUMMARY, source="",
        generator=generator, discriminator=unknown, dataset=declared.dataset,
        latents=Latents(declared.z_size, declared.prior),
    )  # fmt: skip


def foreign_weights(path: Path, recipe: Recipe, shapes: Shapes, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The generator's state under the names that its own module has.

    Raises:
        UserError: weights are missing, misshapen or left over, or the layers do not fit each other or the picture.
    """
    with torch.device("meta"):
        module = recipe.build_generator(shapes)
    wanted = module.state_dict()
    names = {key: _file_name(recipe.generator, key) for key in wanted}
    prefix = _prefix(path, [name for name in names.values() if not name.endswith(COUNTER)], tensors)
    state = {}
    for key, meta in wanted.items():
        found = tensors.get(prefix + names[key])
        if found is None and key.endswith(COUNTER):
            found = torch.zeros((), dtype=torch.int64)
        if found is None or found.shape != meta.shape:
            raise UserError(
                "{file} has no weights {name} of the declared shape {shape}; correct the declaration.",
                file=path.name, name=prefix + names[key], shape="×".join(map(str, meta.shape)) or "1",
            )  # fmt: skip
        state[key] = found
    left = sorted({key for key in tensors if key.startswith(prefix)} - {prefix + name for name in names.values()})
    if left:
        raise UserError(
            "{file} holds weights that its declaration does not use ({name}); declare their layer, or leave other "
            "networks' weights out of the file.",
            file=path.name, name=left[0],
        )  # fmt: skip
    return state


def _generator(declared: Declaration, conditional: bool) -> GeneratorConfig:
    architecture = declared.architecture
    if isinstance(architecture, list):
        fields: dict[str, Any] = {"layers": architecture}
        if declared.pixel_range is not None:
            fields |= {"low": declared.pixel_range[0], "high": declared.pixel_range[1]}
        if conditional:
            return from_dict(LayeredClassGeneratorConfig, {**fields, **declared.labels}, kinds=KINDS)
        return from_dict(LayeredGeneratorConfig, fields, kinds=KINDS)
    kind = KINDS.get(str(architecture.get("kind"))) if isinstance(architecture, dict) else None
    if kind is None or not hasattr(kind, "pixel_range"):
        raise UserError(
            "The declared architecture is neither a list of layers nor a generator that this version knows; update "
            "GAN Workbench, or list the layers."
        )
    settings = {name: value for name, value in architecture.items() if name != "kind"}
    config: GeneratorConfig = from_dict(kind, settings, kinds=KINDS)
    if declared.pixel_range not in (None, config.pixel_range):
        raise UserError("The declared pixel range is not that of the declared architecture; leave it out.")
    return config


def _file_name(config: GeneratorConfig, key: str) -> str:
    """What a weight of our module is called in the file, without the prefix that all share."""
    if isinstance(config, LayeredGeneratorConfig):
        first, _, rest = key.partition(".")
        if first == "embedding" and isinstance(config, LayeredClassGeneratorConfig):
            return f"{config.label_name}.{rest}"
        place, _, rest = rest.partition(".")
        return f"{config.names[int(place)]}.{rest}"
    return key


def _prefix(path: Path, names: list[str], tensors: Mapping[str, Tensor]) -> str:
    """What stands before each name in the file, such as "main." or "generator."; the shortest where several fit."""
    if not names:
        return ""
    first = names[0]
    found = [key[: -len(first)] for key in tensors if key == first or key.endswith(f".{first}")]
    for prefix in sorted(found, key=len):
        if all(prefix + name in tensors for name in names):
            return prefix
    raise UserError(
        "{file} does not hold the weights that its declaration names; {name} is one that it lacks.",
        file=path.name, name=next((name for name in names if name not in tensors), first),
    )  # fmt: skip


def try_out(path: Path, recipe: Recipe, shapes: Shapes, held: int) -> None:
    """Draw two pictures without memory: shapes alone go through the layers.

    Args:
        held: how many numbers the file holds; layers that need more are not built.

    Raises:
        UserError: the layers do not fit each other or the picture, or ask for too much.
    """
    with torch.device("meta"):
        module = recipe.build_generator(shapes).eval()
    if sum(weights.numel() for weights in module.parameters()) > held:
        raise UserError("{file} does not fit its own recipe; it is damaged. Get the file again.", file=path.name)
    work = 0

    def check(layer: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal work
        places = max(math.prod(tensor.shape[2:]) for tensor in (inputs[0], output))
        work += places * sum(weights.numel() for weights in layer.parameters(recurse=False))
        if output.numel() > 2 * MOST_ELEMENTS or work > MOST_WORK:
            raise UserError(
                "{file} asks for more memory or time for one picture than this program gives; it draws smaller ones.",
                file=path.name,
            )

    for layer in module.modules():
        layer.register_forward_hook(check)
    z = torch.empty(2, recipe.latents.size, device="meta")
    labels = torch.empty(2, shapes.classes, device="meta") if recipe.conditional else None
    try:
        with torch.inference_mode():
            pictures = module(z, labels)
        fits = tuple(pictures.shape) == (2, *shapes.image)
    except (RuntimeError, ValueError, IndexError, NotImplementedError):
        fits = False
    if not fits:
        raise UserError(
            "The layers declared for {file} do not fit each other, or do not end in a picture of the declared shape.",
            file=path.name,
        )

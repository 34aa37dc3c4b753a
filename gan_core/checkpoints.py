"""The only code that reads or writes weights: bundles to keep and share, checkpoints to continue from.

Both are safetensors files with JSON metadata; nothing is ever unpickled. Generators of other people's are read as
bundles, too, where a JSON file beside them declares what they are (:mod:`gan_core.declared`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from gan_core.config import UserError
from gan_core.contracts import Shapes
from gan_core.declared import Declaration, find_declaration
from gan_core.files import write_bytes
from gan_core.foreign import foreign_recipe, foreign_weights, try_out
from gan_core.recipes.recipe import Recipe, recipe_from_dict

VERSION = "1"
FORMAT_KEY = "gan_workbench"


@dataclass(frozen=True)
class BundleInfo:
    """What a bundle says of itself, without its weights.

    ``averaged`` tells whether the generator is the running average of its weights; ``metrics`` are numbers by name.
    """

    recipe: Recipe
    step: int
    epoch: float
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    dataset: str
    averaged: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def shapes(self) -> Shapes:
        return self.recipe.shapes(self.image_shape, len(self.class_names))


@dataclass(frozen=True)
class Bundle:
    """A trained generator in evaluation mode, its discriminator if the file has one, and what they are."""

    info: BundleInfo
    generator: nn.Module
    discriminator: nn.Module | None


def save_bundle(
    path: Path,
    info: BundleInfo,
    generator: Mapping[str, Tensor],
    discriminator: Mapping[str, Tensor] | None = None,
    *,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write one self-describing file; ``dtype`` is how floating-point weights are stored."""
    tensors = {f"generator.{key}": value for key, value in generator.items()}
    tensors |= {f"discriminator.{key}": value for key, value in (discriminator or {}).items()}
    _write_bundle(path, info, {key: _stored(value, dtype) for key, value in tensors.items()})


def rewrite_bundle(source: Path, target: Path, info: BundleInfo) -> None:
    """The bundle in ``source`` with the very same weights and another description."""
    tensors = _raw_tensors(source)
    declared = _declared(source)
    if declared is not None:
        state = foreign_weights(source, foreign_recipe(declared), info.shapes, tensors)
        tensors = {f"generator.{key}": value for key, value in state.items()}
    _write_bundle(target, info, tensors)


def described(info: BundleInfo) -> dict[str, Any]:
    """JSON values of all that a bundle says of itself."""
    return {
        "recipe": info.recipe.to_dict(), "step": info.step, "epoch": info.epoch, "image_shape": list(info.image_shape),
        "class_names": list(info.class_names), "dataset": info.dataset, "averaged": info.averaged,
        "metrics": dict(info.metrics),
    }  # fmt: skip


def read_bundle_info(path: Path) -> BundleInfo:
    """What the bundle in ``path`` says of itself; quick, since no weight is read.

    Raises:
        UserError: no such file, no bundle, or one of an unknown version; the message says what to do.
    """
    declared = _declared(path)
    if declared is not None:
        return BundleInfo(
            foreign_recipe(declared), 0, 0.0, declared.image_shape, declared.class_names, declared.dataset
        )
    with _opened(path) as stream:
        said = _metadata(path, stream, "bundle")
    try:
        return BundleInfo(
            recipe=recipe_from_dict(said["recipe"]),
            step=int(said["step"]),
            epoch=float(said["epoch"]),
            image_shape=_image_shape(said["image_shape"]),
            class_names=tuple(str(name) for name in said["class_names"]),
            dataset=str(said["dataset"]),
            averaged=bool(said["averaged"]),
            metrics={str(key): float(value) for key, value in said["metrics"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            "{file} is damaged: its description is incomplete. Get the file again.", file=path.name
        ) from error


def load_bundle(path: Path, device: torch.device | str = "cpu") -> Bundle:
    """Build the networks of the bundle in ``path`` and fill them, strictly, in evaluation mode.

    Raises:
        UserError: as :func:`read_bundle_info`, and where weights are missing, misshapen or not finite.
    """
    info = read_bundle_info(path)
    tensors = read_tensors(path)
    if _declared(path) is not None:
        parts = {"generator": foreign_weights(path, info.recipe, info.shapes, tensors), "discriminator": {}}
    else:
        parts = {name: {k[len(name) + 1 :]: v for k, v in tensors.items() if k.startswith(name + ".")}
                 for name in ("generator", "discriminator")}  # fmt: skip
    if not info.recipe.trainable:
        try_out(path, info.recipe, info.shapes, sum(value.numel() for value in tensors.values()))
    generator = _filled(path, info.recipe.build_generator(info.shapes), parts["generator"])
    discriminator = None
    if parts["discriminator"]:
        discriminator = _filled(path, info.recipe.build_discriminator(info.shapes), parts["discriminator"]).to(device)
    return Bundle(info, generator.to(device), discriminator)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors in a safetensors file, floating-point ones as float32."""
    tensors = _raw_tensors(path)
    return {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}


def save_checkpoint(path: Path, state: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    """Write ``Trainer.state_dict()`` and some JSON values beside it."""
    metadata = {FORMAT_KEY: VERSION, "checkpoint": json.dumps({"step": state["step"], **extra})}
    write_bytes(path, save(dict(state["tensors"]), metadata), durable=True)


def load_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(state for ``Trainer.load_state_dict``, the JSON values beside it); UserError for a damaged file."""
    with _opened(path) as stream:
        extra = _metadata(path, stream, "checkpoint")
        tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 (no mapping)
    return {"step": extra["step"], "tensors": tensors}, extra


def _write_bundle(path: Path, info: BundleInfo, tensors: Mapping[str, Tensor]) -> None:
    metadata = {FORMAT_KEY: VERSION, "bundle": json.dumps(described(info))}
    write_bytes(path, save(dict(tensors), metadata), durable=True)


def _declared(path: Path) -> Declaration | None:
    """What stands beside a file that is no bundle of ours, where that declares a generator."""
    with _opened(path) as stream:
        ours = FORMAT_KEY in (stream.metadata() or {})
    return None if ours else find_declaration(path)


def _raw_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors in a safetensors file as they are stored."""
    with _opened(path) as stream:
        return {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 (no mapping)


def _stored(value: Tensor, dtype: torch.dtype) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.to(dtype) if value.is_floating_point() else value


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise UserError("There is no file {file}; check its name.", file=path)
    try:
        return safe_open(str(path), framework="pt")
    except (SafetensorError, OSError) as error:
        raise UserError(
            "{file} is not a readable safetensors file; it may be cut short or of another kind. Get it again.",
            file=path.name,
        ) from error


def _metadata(path: Path, stream: Any, part: str) -> dict[str, Any]:
    metadata = stream.metadata() or {}
    if FORMAT_KEY not in metadata or part not in metadata:
        if part == "bundle" and FORMAT_KEY not in metadata:
            raise UserError(
                "{file} was not written by GAN Workbench, and no JSON file beside it declares its generator; choose a "
                "bundle, or write that file (docs/foreign.md).",
                file=path.name,
            )
        raise UserError(
            "{file} was not written by GAN Workbench as a {part}; choose a {part} file.", file=path.name, part=part
        )
    if metadata[FORMAT_KEY] != VERSION:
        raise UserError(
            "{file} has format {format}, this version reads {known}; update GAN Workbench.",
            file=path.name, format=metadata[FORMAT_KEY], known=VERSION,
        )  # fmt: skip
    try:
        said = json.loads(metadata[part])
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise UserError("{file} is damaged: its description cannot be read. Get the file again.", file=path.name)
    return said


def _image_shape(value: Any) -> tuple[int, int, int]:
    channels, height, width = (int(size) for size in value)
    if not (channels in (1, 3) and 1 <= height <= 1024 and 1 <= width <= 1024):
        raise ValueError("image shape out of range")
    return channels, height, width


def _filled(path: Path, module: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    try:
        module.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        raise UserError(
            "{file} does not fit its own recipe; it is damaged. Get the file again.", file=path.name
        ) from error
    if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
        raise UserError(
            "{file} holds weights that are not finite numbers; it is damaged or has diverged.", file=path.name
        )
    return module.eval().requires_grad_(False)

"""The JSON file that says what a generator of other people's is, beside its safetensors file.

    {"z_size": 100, "prior": "normal", "classes": 0, "image_shape": [1, 28, 28], "pixel_range": [-1, 1],
     "architecture": [{"kind": "linear", "inputs": 100, "outputs": 784}, {"kind": "activation", "function": "tanh"}]}

``architecture`` is a list of layers (:mod:`gan_core.models.layered`) or one of the workbench's own kinds with its
settings. Other fields may stand beside these, as in a config.json that PyTorchModelHubMixin wrote. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from gan_core.config import UserError, shown
from gan_core.files import read_json

MOST_BYTES = 1_000_000
PRIORS = ("normal", "uniform")
NEEDED = ("z_size", "prior", "classes", "image_shape", "architecture")


@dataclass(frozen=True)
class Declaration:
    """What is declared; ``labels`` are further fields of a list of layers that takes labels."""

    z_size: int
    prior: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    pixel_range: tuple[float, float] | None
    architecture: Any
    labels: Mapping[str, Any]
    title: str
    dataset: str


def declaration_names(file: str) -> tuple[str, ...]:
    """Where the declaration of a safetensors file may be, the first that is there counting: paths beside it."""
    path = PurePosixPath(file)
    names = dict.fromkeys((f"{path.stem}.json", "generator.json", "config.json"))
    return tuple((path.parent / name).as_posix() for name in names)


def find_declaration(path: Path) -> Declaration | None:
    """What stands beside the safetensors file ``path``; None where nothing there declares a generator.

    Raises:
        UserError: it is declared, with a field that is missing or out of range.
    """
    for name in declaration_names(path.name):
        file = path.parent / name
        if file.is_file() and file.stat().st_size <= MOST_BYTES:
            said = read_json(file)
            if isinstance(said, dict) and "architecture" in said and "z_size" in said:
                return _read(said, name, path.stem)
    return None


def _read(said: Mapping[str, Any], file: str, stem: str) -> Declaration:
    for name in NEEDED:
        if name not in said:
            raise UserError("{file} does not declare {field}; add it.", file=file, field=name)
    shape = said["image_shape"]
    checks = {
        "z_size": _is_whole(said["z_size"], 1, 1024),
        "prior": said["prior"] in PRIORS,
        "classes": _is_classes(said["classes"]),
        "image_shape": isinstance(shape, list) and len(shape) == 3 and shape[0] in (1, 3)
        and all(_is_whole(side, 1, 1024) for side in shape),
        "pixel_range": said.get("pixel_range") is None or _is_range(said["pixel_range"]),
    }  # fmt: skip
    for name, well in checks.items():
        if not well:
            raise UserError("{file} declares {field} as {value}, which is not allowed; see the documentation.",
                            file=file, field=name, value=shown(said.get(name)))  # fmt: skip
    classes, low_high = said["classes"], said.get("pixel_range")
    names = tuple(classes) if isinstance(classes, list) else tuple(str(number) for number in range(classes))
    labels = {name: said[name] for name in ("label_width", "label_place", "label_name") if name in said}
    return Declaration(
        said["z_size"], said["prior"], names, (shape[0], shape[1], shape[2]),
        None if low_high is None else (float(low_high[0]), float(low_high[1])), said["architecture"], labels,
        str(said.get("title") or stem)[:120], str(said.get("dataset") or "unknown")[:120],
    )  # fmt: skip


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_classes(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= 1000 and all(isinstance(name, str) and 0 < len(name) <= 60 for name in value)
    return _is_whole(value, 0, 1000)


def _is_range(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 2 and all(isinstance(end, int | float) for end in value)
    return numbers and -1000 <= value[0] < value[1] <= 1000

"""Every trained model that can be chosen, by a reference that fits a URL and the command line.

``cgan`` is a bundle shipped in weights/, ``cgan@4680`` a snapshot of its training; ``run:ID`` is a run's newest
networks and ``run:ID@STEP`` those of one snapshot; ``upload:NAME`` a bundle that a user brought; ``hf:OWNER/NAME`` one
of the Hub that was loaded before (see :mod:`gan_core.hub.reference`). The command line also takes the path of a
``.safetensors`` file or of a run folder.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_core.checkpoints import Bundle, BundleInfo, load_bundle, read_bundle_info
from gan_core.config import UserError
from gan_core.files import read_replaced_json
from gan_core.hub.download import cached
from gan_core.hub.reference import is_hub, parse_reference
from gan_core.hub.register import remembered
from gan_core.recipes import find_recipe
from gan_core.runs import Run, list_runs, runs_dir
from gan_core.shipped import WEIGHTS_DIR

_REFERENCE = re.compile(r"(run:\w[\w.\-]*|\w+)(@\d+)?|upload:\w[\w\-]*")


@dataclass(frozen=True)
class Model:
    """One choice: its reference, what to call it, and where it comes from ("bundled", "run", "upload" or "hub").

    ``dataset`` names what it has learnt where the title does not tell: another data set than its recipe's own.
    """

    ref: str
    title: str
    origin: str
    dataset: str = ""


@dataclass(frozen=True)
class Snapshot:
    """Networks kept at one moment of a training."""

    ref: str
    step: int
    epoch: float


def manifest() -> list[dict[str, Any]]:
    """What is known of each shipped bundle: name, recipe, steps, epochs, seconds, hardware, seed, command, sha256."""
    data = read_replaced_json(WEIGHTS_DIR / "manifest.json")  # every list of models asks for it
    return list(data["bundles"]) if isinstance(data, dict) else []


def models() -> list[Model]:
    """All models there are: shipped ones, own runs that have networks (newest first), uploads, loaded from the Hub."""
    shipped = [Model(entry["name"], entry["title"], "bundled", _other_dataset(entry)) for entry in manifest()]
    own = [Model(f"run:{run.id}", run.about().name, "run") for run in list_runs() if run.newest_bundle() is not None]
    files = sorted(uploads_dir().glob("*.safetensors"))
    brought = [Model(f"upload:{path.stem}", path.stem, "upload") for path in files]
    return [*shipped, *own, *brought, *hub_models()]


def _other_dataset(entry: dict[str, Any]) -> str:
    own = find_recipe(entry["recipe"]).dataset
    return entry["dataset"] if entry["dataset"] != own else ""


def hub_models() -> list[Model]:
    """The models that were loaded from the Hub and are still in its cache, newest first."""
    found = (hub_model(ref) for ref in remembered())
    return [model for model in found if model is not None]


def hub_model(ref: str) -> Model | None:
    """The model of the Hub that ``ref`` names, pinned, if it was loaded before; None otherwise."""
    try:
        there = cached(parse_reference(ref))
    except UserError:
        return None
    if there is None:
        return None
    pinned = there[0]
    return Model(str(pinned), f"{pinned.repo}/{pinned.file}".rstrip("/"), "hub")


def listed(ref: str) -> bool:
    """Whether ``ref`` has the form of a model of the library, and so may come out of a URL: it is never a path."""
    return is_hub(ref) or _REFERENCE.fullmatch(ref) is not None


def without_step(ref: str) -> str:
    """The model that ``ref`` is a snapshot of; ``ref`` itself where it names no step."""
    return ref if is_hub(ref) else re.sub(r"@\d+$", "", ref)


def find_path(ref: str) -> Path:
    """The bundle file that ``ref`` names; UserError where there is none. The Hub itself is never asked."""
    if is_hub(ref):
        return _of_hub(ref)
    name, _, step = ref.partition("@")
    if ref.startswith("run:"):
        return _of_run(Run(runs_dir() / _plain_name(name[4:], ref)), step)
    if ref.startswith("upload:"):
        path = uploads_dir() / f"{_plain_name(ref[7:], ref)}.safetensors"
    elif step and re.fullmatch(r"\w+", name):
        return _of_history(name, step)
    elif re.fullmatch(r"\w+", name) and (WEIGHTS_DIR / f"{name}.safetensors").is_file():
        path = WEIGHTS_DIR / f"{name}.safetensors"
    else:
        path = Path(ref)
        if path.is_dir():
            return _of_run(Run(path), "")
    if not path.is_file():
        names = ", ".join(entry["name"] for entry in manifest())
        raise UserError(
            "There is no model {ref!r}; give a run folder, a .safetensors file or a shipped name ({names}).",
            ref=ref, names=names,
        )  # fmt: skip
    return path


def history_run(name: str) -> Run:
    """The training history that ships with a bundle: a run folder to read, with its curves and a few sheets."""
    return Run(WEIGHTS_DIR / "history" / name)


def run_of(ref: str) -> Run | None:
    """The folder with the curves of a model's training; None where none is kept (uploads, files)."""
    name = without_step(ref)
    if name.startswith("run:"):
        run = Run(runs_dir() / _plain_name(name[4:], ref))
    elif re.fullmatch(r"\w+", name):
        run = history_run(name)
    else:
        return None
    return run if run.exists() else None


def sheet_bytes(ref: str, step: int) -> bytes | None:
    """The PNG of a training's picture sheet; None where there is no such training or sheet."""
    try:
        run = run_of(ref)
        return None if run is None else run.sheet_path(step).read_bytes()
    except (UserError, OSError):
        return None


def snapshots(ref: str) -> list[Snapshot]:
    """All kept networks of the model that ``ref`` names, oldest first; a model without a history is its own only one.

    The networks that a shipped bundle holds are the last of its history.
    """
    name = without_step(ref)
    run = run_of(name)
    kept = [int(path.stem[5:]) for path in run.bundles()] if run is not None else []
    found = [snapshot for snapshot in (_snapshot(name, step) for step in kept) if snapshot is not None]
    if name.startswith("run:"):
        return found
    info = describe(name)
    return [*(snapshot for snapshot in found if snapshot.step != info.step), Snapshot(name, info.step, info.epoch)]


def describe(ref: str) -> BundleInfo:
    """What a model says of itself, without loading its weights."""
    path = find_path(ref)
    return _described(path, path.stat().st_mtime_ns)


def open_model(ref: str) -> Bundle:
    """The model on the CPU, ready to make pictures; the last few stay loaded. Treat it as read-only."""
    path = find_path(ref)
    return _opened(path, path.stat().st_mtime_ns)


def uploads_dir() -> Path:
    """Where bundles that users bring are kept, beside the runs."""
    return runs_dir() / ".uploads"


def _snapshot(name: str, step: int) -> Snapshot | None:
    """None where the file is damaged or was just deleted: the others can still be chosen."""
    try:
        return Snapshot(f"{name}@{step}", step, describe(f"{name}@{step}").epoch)
    except (UserError, OSError):
        return None


def _plain_name(name: str, ref: str) -> str:
    """``name`` if it can be that of a file in a folder, and of none outside of it."""
    if not name or name.startswith(".") or Path(name).name != name or "\\" in name:
        raise UserError("There is no model {ref!r}; choose another in the Library.", ref=ref)
    return name


def _of_hub(ref: str) -> Path:
    there = cached(parse_reference(ref))
    if there is None:
        raise UserError("{ref} is not on this machine yet; load it in the Library, under “From the Hub”.", ref=ref)
    return there[1]


def _of_history(name: str, step: str) -> Path:
    """A snapshot of a shipped training, the last of which is the shipped bundle itself."""
    path = history_run(name).bundle_path(int(step)) if step.isdecimal() else None
    if path is not None and path.is_file():
        return path
    whole = WEIGHTS_DIR / f"{name}.safetensors"
    if whole.is_file() and str(describe(name).step) == step:
        return whole
    raise UserError("The history of {name} keeps no networks at step {step}; choose another snapshot.", name=name,
                    step=step)  # fmt: skip


def _of_run(run: Run, step: str) -> Path:
    path = run.bundle_path(int(step)) if step.isdecimal() else run.newest_bundle()
    if path is None or not path.is_file():
        raise UserError(
            "The run {run} keeps no networks there; choose another snapshot or let it train on.", run=run.id
        )
    return path


@functools.lru_cache(maxsize=8)
def _opened(path: Path, changed: int) -> Bundle:
    return load_bundle(path)


@functools.lru_cache(maxsize=1024)
def _described(path: Path, changed: int) -> BundleInfo:
    return read_bundle_info(path)

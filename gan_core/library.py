"""Every trained model that can be chosen, by a reference that fits a URL and the command line.

``cgan`` is a bundle shipped in weights/, ``cgan@4680`` a snapshot of its training; ``run:ID`` is a run's newest
networks and ``run:ID@STEP`` those of one snapshot; ``upload:NAME`` a bundle that a user brought. The command line also
takes the path of a ``.safetensors`` file or of a run folder.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_core.checkpoints import Bundle, BundleInfo, load_bundle, read_bundle_info
from gan_core.config import UserError
from gan_core.files import read_json, write_bytes
from gan_core.runs import Run, list_runs, runs_dir

WEIGHTS_DIR = Path(__file__).resolve().parent.parent / "weights"


@dataclass(frozen=True)
class Model:
    """One choice: its reference, what to call it, and where it comes from ("bundled", "run" or "upload")."""

    ref: str
    title: str
    origin: str


def manifest() -> list[dict[str, Any]]:
    """What is known of each shipped bundle: name, recipe, steps, epochs, seconds, hardware, seed, command, sha256."""
    data = read_json(WEIGHTS_DIR / "manifest.json")
    return list(data["bundles"]) if isinstance(data, dict) else []


def models() -> list[Model]:
    """All models there are: shipped ones, then own runs that have networks (newest first), then uploads."""
    shipped = [Model(entry["name"], entry["title"], "bundled") for entry in manifest()]
    own = [Model(f"run:{run.id}", run.about().name, "run") for run in list_runs() if run.newest_bundle() is not None]
    files = sorted(uploads_dir().glob("*.safetensors"))
    brought = [Model(f"upload:{path.stem}", path.stem, "upload") for path in files]
    return [*shipped, *own, *brought]


def find_path(ref: str) -> Path:
    """The bundle file that ``ref`` names; UserError where there is none."""
    name, _, step = ref.partition("@")
    if ref.startswith("run:"):
        return _of_run(Run(runs_dir() / Path(name[4:]).name), step)
    if ref.startswith("upload:"):
        path = uploads_dir() / f"{Path(ref[7:]).name}.safetensors"
    elif step and re.fullmatch(r"\w+", name):
        return _of_run(history_run(name), step)
    elif re.fullmatch(r"\w+", name) and (WEIGHTS_DIR / f"{name}.safetensors").is_file():
        path = WEIGHTS_DIR / f"{name}.safetensors"
    else:
        path = Path(ref)
        if path.is_dir():
            return _of_run(Run(path), "")
    if not path.is_file():
        shipped = ", ".join(entry["name"] for entry in manifest())
        raise UserError(f"There is no model {ref!r}; give a run folder, a .safetensors file or one of {shipped}.")
    return path


def history_run(name: str) -> Run:
    """The training history that ships with a bundle: a run folder to read, with its curves and a few sheets."""
    return Run(WEIGHTS_DIR / "history" / name)


def describe(ref: str) -> BundleInfo:
    """What a model says of itself, without loading its weights."""
    path = find_path(ref)
    return _described(path, path.stat().st_mtime_ns)


def open_model(ref: str) -> Bundle:
    """The model on the CPU, ready to make pictures; the last few stay loaded. Treat it as read-only."""
    path = find_path(ref)
    return _opened(path, path.stat().st_mtime_ns)


def save_upload(name: str, data: bytes) -> Model:
    """Keep a bundle that a user brought, once it has proved to be one.

    Raises:
        UserError: it is no bundle of this program, or is damaged; nothing is kept then.
    """
    stem = re.sub(r"\W+", "-", Path(name).stem).strip("-") or "bundle"
    folder = uploads_dir()
    folder.mkdir(parents=True, exist_ok=True)
    trial = folder / f".{stem}.part"
    write_bytes(trial, data)
    try:
        load_bundle(trial)
    except UserError as error:
        raise UserError(str(error).replace(trial.name, name)) from error
    else:
        trial.replace(folder / f"{stem}.safetensors")
    finally:
        trial.unlink(missing_ok=True)
    return Model(f"upload:{stem}", stem, "upload")


def uploads_dir() -> Path:
    """Where bundles that users bring are kept, beside the runs."""
    return runs_dir() / ".uploads"


def _of_run(run: Run, step: str) -> Path:
    path = run.bundle_path(int(step)) if step.isdecimal() else run.newest_bundle()
    if path is None or not path.is_file():
        raise UserError(f"The run {run.id} keeps no networks there; choose another snapshot or let it train on.")
    return path


@functools.lru_cache(maxsize=8)
def _opened(path: Path, changed: int) -> Bundle:
    return load_bundle(path)


@functools.lru_cache(maxsize=1024)
def _described(path: Path, changed: int) -> BundleInfo:
    return read_bundle_info(path)

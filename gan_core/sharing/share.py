"""A model given away as a file or a folder; the ending of its name decides which."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from gan_core.checkpoints import Bundle, load_bundle, rewrite_bundle
from gan_core.config import UserError
from gan_core.favourites import Favourite, list_favourites
from gan_core.files import write_bytes
from gan_core.hub.publish import Published, check_repository, upload_files, without_paths
from gan_core.hub.reference import MODEL_FILE
from gan_core.library import describe, find_path, run_of
from gan_core.recipes.recipe import Recipe
from gan_core.runs import Run
from gan_core.sharing.onnx_model import to_onnx
from gan_core.sharing.page import page
from gan_core.sharing.script import script_files, script_zip

SUFFIXES = (".html", ".zip", ".onnx", "")
MOST_REASON = 300  # characters of another process' words
_exporting = threading.Lock()  # one process at a time, whoever asks: each takes half a gigabyte while it works
_README = """\
---
title: {title}
emoji: ✏️
colorFrom: indigo
colorTo: blue
sdk: static
app_file: index.html
pinned: false
license: {license}
---

# {heading}

{summary}

`index.html` is the whole model as a page: open it in a browser, or put this folder on any web server. As a static Space
on the Hugging Face Hub it costs nothing and needs no server. `sample.py` draws with torch and safetensors alone,
`generator.onnx` runs wherever ONNX does, `recipe.json` has every setting of the training.

Made by GAN Workbench.
"""


def check_target(target: Path) -> None:
    """Before anything takes long: the ending is known and the place can be written to.

    Raises:
        UserError: it cannot be written there; the message says why.
    """
    if target.suffix not in SUFFIXES:
        raise UserError("--to must be a folder, or end in .html, .zip or .onnx; it is {file}.", file=target)
    if not target.resolve().parent.is_dir():
        raise UserError("There is no folder {folder} to write to; make it first.", folder=target.parent)
    if target.is_dir() if target.suffix else target.is_file():
        raise UserError("{file} is there already, and is something else; choose another name.", file=target)
    if not target.suffix and target.is_dir() and any(target.iterdir()) and not (target / "index.html").is_file():
        raise UserError("The folder {folder} holds other files; choose a new one.", folder=target)


def write_share(ref: str, target: Path, owner: str = "") -> None:
    """Write the model to ``target``: a page (.html), a script with weights (.zip), a graph (.onnx), or a folder of all.

    Raises:
        UserError: no such model, a package is missing, or ``target`` cannot be written.
    """
    check_target(target)
    if target.suffix:
        write_bytes(target, share(ref, target.suffix, owner))
        return
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError("{folder} cannot be made; check the folder's permissions.", folder=target) from error
    for name, data in share_folder(ref, owner).items():
        write_bytes(target / name, data)


def share(ref: str, suffix: str, owner: str = "") -> bytes:
    """The one file of that ending; ``owner`` is whose favourites a page offers. UserError as :func:`write_share`."""
    bundle, weights = _without_paths(ref)
    if suffix == ".zip":
        return script_zip(bundle, weights)
    model = to_onnx(bundle)
    return model if suffix == ".onnx" else page(bundle, model, _training(ref), _favourites(ref, owner))


def share_folder(ref: str, owner: str = "") -> Mapping[str, bytes]:
    """The files of a folder that opens from a disk and that a static Space can serve."""
    bundle, weights = _without_paths(ref)
    model = to_onnx(bundle)
    return script_files(bundle, weights) | {
        "index.html": page(bundle, model, _training(ref), _favourites(ref, owner)),
        "generator.onnx": model,
        "README.md": _readme(bundle.info.recipe, "mit"),
    }


def share_apart(ref: str, suffix: str, owner: str = "") -> bytes:
    """:func:`share` in a process of its own: the exporter takes seconds of processor time, and 240 MB for good.

    Raises:
        UserError: as :func:`write_share`.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"model{suffix}"
        _export_apart(ref, target, owner)
        return target.read_bytes()


def publish_page(
    ref: str, repo: str, token: str | None, *, private: bool = False, message: str = "", license: str = "mit",
    owner: str = "",
) -> Published:  # fmt: skip
    """Put the page, script, graph and weights of a model on the Hub as a static Space, which costs nothing.

    Args:
        repo: "owner/name" of the Space; made if it is not there.
        token: whose; see :func:`gan_core.hub.client.own_token`.
        owner: whose favourites the page offers.

    Raises:
        UserError: as :func:`write_share`; no token, or the Hub cannot be reached or refuses.
    """
    check_repository(repo, token)
    recipe = describe(ref).recipe
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "page"
        _export_apart(ref, folder, owner)
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    files["README.md"] = _readme(recipe, license)
    return upload_files(
        repo, files, token=token, repo_type="space", space_sdk="static", private=private,
        message=message or f"Publish {recipe.title}",
    )  # fmt: skip


def _export_apart(ref: str, target: Path, owner: str) -> None:
    describe(ref)  # a mistake in the reference is said in full, and at once
    command = [sys.executable, "-m", "gan_core", "export", ref, "--to", str(target), "--owner", owner]
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    with _exporting:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise UserError("The model cannot be exported: {reason}", reason=done.stderr.strip()[-MOST_REASON:])


def _readme(recipe: Recipe, license: str) -> bytes:
    return _README.format(
        title=json.dumps(recipe.title), heading=recipe.title, summary=recipe.summary, license=license
    ).encode()


def _without_paths(ref: str) -> tuple[Bundle, bytes]:
    """The model and its file, in which no folder of this machine is named."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / MODEL_FILE
        rewrite_bundle(find_path(ref), path, without_paths(describe(ref)))
        return load_bundle(path), path.read_bytes()


def _training(ref: str) -> Run | None:
    """The run that a model comes from, by name or by the path of its folder."""
    folder = Path(ref)
    return Run(folder) if folder.is_dir() else run_of(ref)


def _favourites(ref: str, owner: str) -> list[Favourite]:
    return [favourite for favourite in list_favourites(owner) if favourite.model == ref]

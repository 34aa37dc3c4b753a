"""Bundles that a user brought: checked, kept under a plain name, renamed, deleted."""

from __future__ import annotations

import re
from pathlib import Path

from gan_core.checkpoints import load_bundle, rewrite_bundle
from gan_core.config import UserError
from gan_core.files import write_bytes
from gan_core.library import Model, uploads_dir

NAME_LENGTH = 60  # characters; file systems count bytes, up to four for each


def list_uploads() -> list[Path]:
    """The files, by name."""
    return sorted(uploads_dir().glob("*.safetensors"))


def save_upload(name: str, data: bytes, owner: str = "", declaration: bytes = b"") -> Model:
    """Keep a bundle that a user brought, once it has proved to be one.

    A generator of other people's, which ``declaration`` describes, is kept as a bundle that describes itself.

    Args:
        name: the file's name, of which only what is fit for a file name is kept; a name that is taken gets a number.
        owner: the visitor of a shared server whose it is.
        declaration: the JSON file that came with it, if any; see :mod:`gan_core.declared`.

    Raises:
        UserError: it is no bundle of this program, or is damaged; nothing is kept then.
    """
    folder = uploads_dir()
    folder.mkdir(parents=True, exist_ok=True)
    trial = folder / f".{plain_name(name)}.part"
    beside = folder / f"{trial.stem}.json"
    write_bytes(trial, data)
    try:
        if declaration:
            write_bytes(beside, declaration)
        info = load_bundle(trial).info
        if not info.recipe.trainable:
            rewrite_bundle(trial, trial, info)
        path = _free_path(plain_name(name), trial.read_bytes())
        fresh = not path.exists()  # else somebody brought the very same file before
        trial.replace(path)
        if owner and fresh:
            write_bytes(upload_owner(path), owner.encode())
    except UserError as error:
        values = {key: name if value == trial.name else value for key, value in error.values.items()}
        raise UserError(error.text.replace(trial.name, name), **values) from error
    finally:
        trial.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
    return Model(f"upload:{path.stem}", path.stem, "upload")


def rename_upload(name: str, new_name: str) -> str:
    """Give the upload ``name`` another one; returns what it is called now.

    Raises:
        UserError: there is no such upload, or the new name is taken or empty.
    """
    source, wanted = _existing(name), plain_name(new_name, fallback="")
    if not wanted:
        raise UserError("A model needs a name of at least one letter or digit.")
    target = uploads_dir() / f"{wanted}.safetensors"
    if target != source and target.exists():
        raise UserError("There is an upload called {name} already; choose another name.", name=wanted)
    source.rename(target)
    if upload_owner(source).exists():
        upload_owner(source).rename(upload_owner(target))
    return wanted


def delete_upload(name: str) -> None:
    """Remove the upload for good; UserError where there is none of that name."""
    path = _existing(name)
    path.unlink()
    upload_owner(path).unlink(missing_ok=True)


def upload_owner(path: Path) -> Path:
    """The file that says whose the upload at ``path`` is, on a shared server."""
    return path.with_name(f".{path.stem}.owner")


def owner_of(name: str) -> str:
    """The visitor of a shared server who brought the upload; nobody elsewhere."""
    try:
        return upload_owner(uploads_dir() / f"{plain_name(name)}.safetensors").read_text()
    except OSError:
        return ""


def plain_name(name: str, fallback: str = "bundle") -> str:
    """Letters, digits, _ and - of a file's name without its ending: safe in a folder and in a URL."""
    stem = re.sub(r"\.safetensors$", "", name.replace("\\", "/").rpartition("/")[2], flags=re.IGNORECASE)
    return re.sub(r"\W+", "-", stem).strip("-_")[:NAME_LENGTH] or fallback


def _existing(name: str) -> Path:
    path = uploads_dir() / f"{plain_name(name, fallback='')}.safetensors"
    if not path.is_file():
        raise UserError("There is no upload called {name}; it was deleted or renamed.", name=name)
    return path


def _free_path(stem: str, data: bytes) -> Path:
    """A path that is free, or that of the very same file."""
    path, number = uploads_dir() / f"{stem}.safetensors", 2
    while path.exists() and path.read_bytes() != data:
        path, number = uploads_dir() / f"{stem}-{number}.safetensors", number + 1
    return path

"""Putting a trained model, or any folder, on the Hub: each push is one commit, and so one revision."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gan_core import library
from gan_core.checkpoints import BundleInfo, described, rewrite_bundle
from gan_core.config import UserError
from gan_core.hosting import hosted
from gan_core.hub.card import model_card
from gan_core.hub.client import ANSWER_SECONDS, ask, client, endpoint, transfer_seconds
from gan_core.hub.pictures import curves_picture, sample_sheet
from gan_core.hub.reference import MODEL_FILE, HubReference

CURVES_FILE, SAMPLES_FILE = "curves.png", "samples.png"
_NAME = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*", re.ASCII)


@dataclass(frozen=True)
class Published:
    """What a push made: the pinned reference, and the web page of the repository."""

    reference: HubReference
    address: str


def publish(
    ref: str, repo: str, token: str | None, *, private: bool = False, message: str = "", license: str = "mit"
) -> Published:
    """Put the model that ``ref`` names on the Hub, with its settings, a model card, its curves and a sample sheet.

    The path of a local folder of pictures is cut to the folder's name wherever the files hold it.

    Args:
        repo: "owner/name"; made if it is not there. What is there already stays, and stays public or private.
        token: whose; see :func:`gan_core.hub.client.own_token`.

    Raises:
        UserError: no such model, no token, or the Hub cannot be reached or refuses.
    """
    check_repository(repo, token)
    source = library.find_path(ref)
    info = without_paths(library.describe(ref))
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch) / MODEL_FILE
        rewrite_bundle(source, weights, info)
        files = {MODEL_FILE: weights.read_bytes(), **_explained(ref, repo, info, license)}
    return upload_files(repo, files, token=token, private=private, message=message or f"Publish {info.recipe.title}")


def upload_folder(
    repo: str,
    folder: Path,
    *,
    token: str | None,
    repo_type: str = "model",
    space_sdk: str = "",
    private: bool = False,
    message: str = "Upload",
) -> Published:
    """Put all files of a folder on the Hub as one commit; hidden ones are left out.

    Args:
        repo_type: "model", "space" or "dataset"; a Space needs ``space_sdk``, "docker" or "static".

    Raises:
        UserError: the folder is empty, there is no token, or the Hub cannot be reached or refuses.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    shown = {name: path.read_bytes() for name, path in names.items() if not re.search(r"(^|/)\.", name)}
    if not shown:
        raise UserError("The folder {folder} holds no files to upload.", folder=folder)
    return upload_files(
        repo, shown, token=token, repo_type=repo_type, space_sdk=space_sdk, private=private, message=message
    )


def upload_files(
    repo: str,
    files: Mapping[str, bytes],
    *,
    token: str | None,
    repo_type: str = "model",
    space_sdk: str = "",
    private: bool = False,
    message: str,
    ours: Callable[[str], bool] | None = None,
) -> Published:
    """Put files on the Hub, by their paths in the repository, as one commit; makes the repository where needed.

    Args:
        ours: whether a file that is there, and not among these, is one that an earlier push left and is to go.
    """
    check_repository(repo, token)
    api = client(token)

    def create() -> Any:
        return api.create_repo(
            repo, private=private, repo_type=repo_type, space_sdk=space_sdk or None, exist_ok=True
        )

    def held() -> list[str]:
        info = api.repo_info(repo, repo_type=repo_type, timeout=ANSWER_SECONDS)
        return [sibling.rfilename for sibling in getattr(info, "siblings", None) or ()]

    def commit() -> str:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(name, data) for name, data in files.items()
        ]
        operations += [CommitOperationDelete(name) for name in there if name not in files]
        return str(api.create_commit(repo, operations, commit_message=message, repo_type=repo_type).oid)

    ask(repo, ANSWER_SECONDS, create, writing=True)
    there = [] if ours is None else list(filter(ours, ask(repo, ANSWER_SECONDS + 1, held, writing=True)))
    oid = ask(repo, transfer_seconds(sum(map(len, files.values()))), commit, writing=True)
    prefix = {"space": "spaces/", "dataset": "datasets/"}.get(repo_type, "")
    return Published(HubReference(repo, revision=oid), f"{endpoint()}/{prefix}{repo}")


def check_repository(repo: str, token: str | None) -> None:
    """UserError where ``repo`` is no name of a repository, or there is no token to write with."""
    if not _NAME.fullmatch(repo):
        raise UserError("{repo} is no name of a repository; write owner/name.", repo=repr(repo))
    if not token and hosted():
        raise UserError("Publishing needs a right of your own: sign in, or give a token with write permission.")
    if not token:
        raise UserError("Publishing needs a token with write permission: set HF_TOKEN, or run `hf auth login`.")


def without_paths(info: BundleInfo) -> BundleInfo:
    """The same, with a local folder of pictures known by its last name alone."""
    recipe = replace(info.recipe, dataset=_without_path(info.recipe.dataset))
    return replace(info, recipe=recipe, dataset=_without_path(info.dataset))


def _without_path(dataset: str) -> str:
    if not dataset.startswith("folder:"):
        return dataset
    path, mark, settings = dataset.removeprefix("folder:").partition("?")
    name = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
    return f"folder:{name}{mark}{settings}"


def _explained(ref: str, repo: str, info: BundleInfo, license: str) -> dict[str, bytes]:
    """The files beside the weights: settings, card, pictures."""
    run = library.run_of(ref)
    curves = curves_picture(run.history()) if run is not None else None
    files = {
        "config.json": json.dumps(described(info), ensure_ascii=False, indent=2).encode(),
        SAMPLES_FILE: sample_sheet(ref),
    }
    if curves is not None:
        files[CURVES_FILE] = curves
    files["README.md"] = model_card(ref, repo, info, license, curves=curves is not None).encode()
    return files

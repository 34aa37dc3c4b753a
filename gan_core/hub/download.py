"""Models of the Hub on this machine: what a repository offers, what the cache has, and loading what it lacks.

The cache is huggingface_hub's own. Looking into it never touches the network; only :func:`list_bundles` and
:func:`pull` do, and only when somebody asked for it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_core.config import UserError
from gan_core.declared import MOST_BYTES, declaration_names
from gan_core.hosting import hosted
from gan_core.hub.client import ANSWER_SECONDS, ask, cache_dir, client, endpoint, transfer_seconds
from gan_core.hub.reference import MODEL_FILE, PICKLED, SUFFIX, HubReference, pickled

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class HubFile:
    """A safetensors file of a repository, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Listing:
    """What one commit of a repository offers; ``pickled`` are files that are refused."""

    repo: str
    commit: str
    files: tuple[HubFile, ...]
    pickled: tuple[str, ...]

    def reference(self, file: HubFile) -> HubReference:
        """The pinned name of one of the files."""
        return HubReference(self.repo).at(self.commit, file.name)

    def choose(self, name: str) -> HubFile:
        """The file of that name, or the one that goes without saying; UserError where there is none."""
        if name:
            found = [file for file in self.files if file.name == name]
        else:
            found = [file for file in self.files if file.name == MODEL_FILE] or list(self.files)
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(
                "{repo} holds several models; name one of them: {names}.",
                repo=self.repo, names=", ".join(f"{self.repo}/{file.name}" for file in found[:8]),
            )  # fmt: skip
        if self.pickled and not self.files:
            raise pickled(f"{self.repo}/{self.pickled[0]}")
        if name:
            raise UserError("{repo} has no file {file} in that revision.", repo=self.repo, file=name)
        raise UserError("{repo} holds no .safetensors file, so there is no model to load.", repo=self.repo)


def list_bundles(reference: HubReference, token: str | None = None) -> Listing:
    """What the repository offers at the reference's revision: one request to the Hub.

    Raises:
        UserError: the Hub cannot be reached or refuses; the sentence says what to do.
    """
    return _listing(_info(reference, token))


def most_bytes() -> int:
    """The largest file that is loaded: GAN_HUB_MEGABYTES, or 1 GB, or 100 MB on a shared server."""
    megabytes = os.environ.get("GAN_HUB_MEGABYTES", "")
    return (int(megabytes) if megabytes.isdecimal() else 100 if hosted() else 1000) * 1_000_000


def cached(reference: HubReference) -> tuple[HubReference, Path] | None:
    """(pinned reference, file) of what was loaded before; None where there is no such thing. Never asks the Hub."""
    commit = reference.revision if reference.pinned else _known_commit(reference)
    folder = _folder(reference.repo) / "snapshots" / commit
    if not commit or not folder.is_dir():
        return None
    if reference.file:
        names = [reference.file]
    else:
        found = [path.relative_to(folder).as_posix() for path in folder.rglob(f"*{SUFFIX}")]
        names = [MODEL_FILE] if MODEL_FILE in found else found
    if len(names) != 1 or not (folder / names[0]).is_file():
        return None
    return reference.at(commit, names[0]), folder / names[0]


def pull(reference: HubReference, token: str | None = None, progress: Progress | None = None) -> HubReference:
    """Load a model into the cache; returns the reference pinned to the commit that was loaded.

    A pinned one that is there already costs nothing; of any other the newest is asked for.

    Args:
        token: whose right to use; None for that of a stranger.
        progress: called with (bytes loaded, bytes in all).

    Raises:
        UserError: the Hub cannot be reached or refuses, the file is too large, arrives incomplete or damaged. The cache
            then holds no part of it.
    """
    if reference.pinned and (there := cached(reference)) is not None and _says_what_it_is(there[1]):
        return there[0]
    info = _info(reference, token)
    listing = _listing(info)
    file = listing.choose(reference.file)
    if file.size > most_bytes():
        raise UserError(
            "{file} has {size} MB; at most {most} MB are loaded (GAN_HUB_MEGABYTES).",
            file=f"{listing.repo}/{file.name}", size=file.size // 1_000_000, most=most_bytes() // 1_000_000,
        )  # fmt: skip
    commit = listing.commit
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or ()}
    for name in declaration_names(file.name):
        if 0 < sizes.get(name, 0) <= MOST_BYTES:
            _download(reference.repo, name, commit, token, sizes[name], None)
    path = _download(reference.repo, file.name, commit, token, file.size, progress)
    _check_sum(path, info, file.name)
    if not reference.pinned:
        _remember_commit(reference, commit)
    return reference.at(commit, file.name)


def _says_what_it_is(path: Path) -> bool:
    """Whether a file is a bundle or has a declaration beside it: other programs load weights alone into the cache."""
    if any((path.parent / name).is_file() for name in declaration_names(path.name)):
        return True
    with path.open("rb") as stream:
        return b'"gan_workbench"' in stream.read(MOST_BYTES)


def _folder(repo: str) -> Path:
    return cache_dir() / f"models--{repo.replace('/', '--')}"


def _ref_file(reference: HubReference) -> Path:
    return _folder(reference.repo) / "refs" / (reference.revision or "main")


def _known_commit(reference: HubReference) -> str:
    try:
        return _ref_file(reference).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _remember_commit(reference: HubReference, commit: str) -> None:
    """What a branch or tag meant when it was loaded, as huggingface_hub notes it down."""
    path = _ref_file(reference)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(commit, encoding="ascii")


def _info(reference: HubReference, token: str | None) -> ModelInfo:
    def work() -> ModelInfo:
        return client(token).model_info(
            reference.repo, revision=reference.revision or None, files_metadata=True, timeout=ANSWER_SECONDS
        )

    return ask(reference.repo, ANSWER_SECONDS + 1, work)


def _listing(info: ModelInfo) -> Listing:
    siblings = sorted(info.siblings or (), key=lambda sibling: sibling.rfilename)
    files = tuple(HubFile(s.rfilename, s.size or 0) for s in siblings if s.rfilename.endswith(SUFFIX))
    unsafe = tuple(s.rfilename for s in siblings if s.rfilename.lower().endswith(PICKLED))
    return Listing(info.id, str(info.sha), files, unsafe)


def _download(repo: str, name: str, commit: str, token: str | None, size: int, progress: Progress | None) -> Path:
    """The file's place in the cache; huggingface_hub writes it under a temporary name first."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    loaded = [0]

    def work() -> str:
        # Asked once plainly: the download itself would repeat a request that is refused, with long pauses.
        url = hf_hub_url(repo, name, revision=commit, endpoint=endpoint())
        get_hf_file_metadata(url, token=token or False, timeout=ANSWER_SECONDS, endpoint=endpoint())
        return hf_hub_download(
            repo, name, revision=commit, token=token or False, endpoint=endpoint(), cache_dir=cache_dir(),
            etag_timeout=ANSWER_SECONDS, tqdm_class=_counting(loaded), library_name="gan-workbench",
        )  # fmt: skip

    def report() -> None:
        if progress is not None:
            progress(min(loaded[0], size), size)

    return Path(ask(repo, transfer_seconds(size), work, tick=report))


def _counting(loaded: list[int]) -> type[Any]:
    """A stand-in for tqdm's bar that counts into ``loaded`` and prints nothing."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        """A silent bar."""

        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            loaded[0] += int(n or 0)
            return None

        def update_transfer(self, n: float) -> None:
            """Bytes on the network, which one bar need not show apart from those on the disk."""

    return Bar


def _check_sum(path: Path, info: ModelInfo, name: str) -> None:
    """Where the Hub says the file's sum, hold it against what arrived; a file that differs is removed."""
    stored = next((sibling.lfs for sibling in info.siblings or () if sibling.rfilename == name), None)
    if stored is None:
        return
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != stored.sha256:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise UserError("The file from {repo} arrived damaged and was not kept; try again.", repo=info.id)

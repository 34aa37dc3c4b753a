"""Encoded pictures in a fixed order: of a folder, a zip, CelebA's annotation files or an LSUN database."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gan_core.config import UserError
from gan_core.datasets import archives
from gan_core.datasets.decoding import SUFFIXES

if TYPE_CHECKING:
    import lmdb

MAX_CLASSES = 1000  # more subfolders than that are how files were spread, not what is on them
PICTURE = ("picture",)  # what the one class is called where there are no classes
CELEBA_PARTITIONS = {"train": (0, 1), "test": (2,)}  # its validation pictures are trained on
LSUN_PARTS = {"train": "train", "test": "val"}
_DATABASES: dict[Path, lmdb.Environment] = {}
_OPENING = threading.Lock()
_TEST_FOLDERS = frozenset({"test", "val", "valid", "validation"})


class MissingError(UserError):
    """The files are not there; pictures prepared from them earlier still serve."""


class Item(NamedTuple):
    """One picture: what it is called, its class, its bytes, and why it has none where it could not be read."""

    name: str
    label: int
    data: bytes
    fault: str = ""


class Collection(Protocol):
    """Pictures numbered from 0; ``fingerprint`` changes when they do."""

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def fingerprint(self) -> str: ...

    def __len__(self) -> int: ...

    def read(self, places: Iterable[int]) -> Iterator[Item]:
        """The pictures at ascending ``places``, one after another."""
        ...


@dataclass(frozen=True)
class Listing:
    """Pictures that are each got by name."""

    names: Sequence[str]
    labels: Sequence[int]
    class_names: tuple[str, ...]
    fingerprint: str
    fetch: Callable[[str], bytes]

    def __len__(self) -> int:
        return len(self.names)

    def read(self, places: Iterable[int]) -> Iterator[Item]:
        for place in places:
            name, label = self.names[place], self.labels[place]
            try:
                yield Item(name, label, self.fetch(name))
            except archives.UNREADABLE as error:
                yield Item(name, label, b"", f"cannot be read ({getattr(error, 'strerror', None) or error})")


def list_folder(root: Path, split: str) -> Listing:
    """The pictures under ``root``, hidden ones left out; UserError where there is no folder or nothing in it."""
    if not root.is_dir():
        raise MissingError("There is no folder {folder}; check the path.", folder=root)
    found: dict[str, str] = {}
    try:
        for path, status in _walk(root):
            found[path.relative_to(root).as_posix()] = f"{status.st_size} {status.st_mtime_ns}"
    except OSError as error:
        raise UserError(
            "The folder {folder} cannot be read ({reason}); check its permissions.",
            folder=root, reason=error.strerror,
        ) from error  # fmt: skip
    if not found:
        raise UserError(
            "There are no pictures in {folder}; it must hold files such as .jpg, .png or .webp.", folder=root
        )
    return _by_folders(found, split, lambda name: (root / name).read_bytes())


def list_zip(path: Path, split: str) -> Listing:
    """The pictures in a zip file, which is read where it is and never unpacked."""
    if not path.is_file():
        raise MissingError("The uploaded pictures {name} are gone; upload the zip file again.", name=path.stem)
    archive = archives.open_pictures(path)
    return _by_folders(archive.members, split, archive.read)


def _walk(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            elif Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file():
                yield Path(entry.path), entry.stat()


def _by_folders(marks: Mapping[str, str], split: str, fetch: Callable[[str], bytes]) -> Listing:
    """Files by name, with a mark that changes when they do; their folders say the classes, and train from test.

    Subfolders are classes where every picture lies in one of at least two. Above or instead of those, ``train`` and
    ``test`` (or ``val``) divide the set; without them both splits are the whole set.
    """
    names = sorted(marks)
    parts = {name: tuple(name.split("/")) for name in names}
    while len({path[0] for path in parts.values()}) == 1 and all(len(path) > 1 for path in parts.values()):
        parts = {name: path[1:] for name, path in parts.items()}  # all in one folder, which says nothing
    tops = {path[0] if len(path) > 1 else "" for path in parts.values()}
    if "train" in tops and len(tops) > 1 and tops <= {"train", *_TEST_FOLDERS}:
        names = [name for name in names if (parts[name][0] == "train") == (split == "train")]
        parts = {name: path[1:] for name, path in parts.items()}
        tops = {path[0] if len(path) > 1 else "" for path in parts.values()}
    classes = tuple(sorted(tops)) if "" not in tops and 1 < len(tops) <= MAX_CLASSES else PICTURE
    numbers = {name: index for index, name in enumerate(classes)}
    labels = [numbers.get(parts[name][0], 0) for name in names]
    return Listing(names, labels, classes, _digest(f"{name}\0{marks[name]}" for name in names), fetch)


def list_celeba(root: Path, split: str, attribute: str) -> Listing:
    """CelebA (Liu et al. 2015) in torchvision's layout; ``attribute`` divides it into two classes.

    The pictures may also lie in ``img_align_celeba.zip``, not unpacked.
    """
    folder, archive = root / "img_align_celeba", root / "img_align_celeba.zip"
    partition, attributes = root / "list_eval_partition.txt", root / "list_attr_celeba.txt"
    if not (folder.is_dir() or archive.is_file()) or not partition.is_file() or not attributes.is_file():
        raise MissingError(
            "CelebA is not in {folder}; get img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt "
            "from mmlab.ie.cuhk.edu.hk/projects/CelebA.html and put them there.",
            folder=root,
        )
    try:
        wanted = {
            name for name, part in map(str.split, partition.read_text().splitlines())
            if int(part) in CELEBA_PARTITIONS[split]
        }  # fmt: skip
        _, header, *lines = attributes.read_text().splitlines()
        column = 1 + header.split().index(attribute)
        rows = [line.split() for line in lines]
        labelled = {row[0]: int(row[column] == "1") for row in rows if row[0] in wanted}
    except (ValueError, IndexError, OSError) as error:
        raise UserError("CelebA's annotation files in {folder} are damaged; copy them anew.", folder=root) from error
    if folder.is_dir():
        mark = str(folder.stat().st_mtime_ns)

        def fetch(name: str) -> bytes:
            return (folder / name).read_bytes()
    else:
        pictures = archives.open_pictures(archive, archives.TRUSTED)
        mark = str(len(pictures.members))

        def fetch(name: str) -> bytes:
            return pictures.read(f"img_align_celeba/{name}")

    names = sorted(labelled)
    labels = [labelled[name] for name in names]
    fingerprint = _digest([mark, attribute, *(f"{name} {label}" for name, label in zip(names, labels, strict=True))])
    return Listing(names, labels, celeba_classes(attribute), fingerprint, fetch)


def celeba_classes(attribute: str) -> tuple[str, str]:
    """What faces without and with an attribute are called."""
    title = attribute.replace("_", " ")
    return f"not {title}", title


@dataclass(frozen=True)
class Lsun:
    """One category of LSUN (Yu et al. 2015), a database of encoded pictures by keys that are as good as random."""

    path: Path
    count: int
    fingerprint: str
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return self.count

    def read(self, places: Iterable[int]) -> Iterator[Item]:
        with _database(self.path).begin() as transaction:
            keys = enumerate(transaction.cursor().iternext(keys=True, values=False))
            for place in places:
                key = next(key for index, key in keys if index == place)
                yield Item(key.decode(errors="replace"), 0, transaction.get(key, b""))


def list_lsun(root: Path, split: str, category: str) -> Lsun:
    """The pictures of a category; UserError where its database is missing or damaged."""
    path = lsun_path(root, split, category)
    if path is None:
        raise MissingError(
            "LSUN is not in {folder}; get {file}.zip as github.com/fyu/lsun says and unpack it there.",
            folder=root / "lsun", file=f"{category}_{LSUN_PARTS[split]}_lmdb",
        )  # fmt: skip
    environment = _database(path)
    count, last = environment.stat()["entries"], environment.info()["last_txnid"]
    size = (path / "data.mdb").stat().st_size
    return Lsun(path, count, _digest([str(count), str(last), str(size)]), (category.replace("_", " "),))


def lsun_path(root: Path, split: str, category: str) -> Path | None:
    """The database ``{category}_train_lmdb`` or ``…_val_lmdb`` in ``root``/lsun or in ``root`` itself, if any."""
    name = f"{category}_{LSUN_PARTS[split]}_lmdb"
    return next((path for path in (root / "lsun" / name, root / name) if path.is_dir()), None)


def _database(path: Path) -> lmdb.Environment:
    """The open database; LMDB allows a process to open one only once, so it stays open."""
    try:
        import lmdb
    except ImportError as error:
        raise UserError("LSUN needs the package lmdb; install it with: pip install lmdb") from error
    with _OPENING:
        if path not in _DATABASES:
            try:
                # No lock file: the database may be on a disk that this user can only read.
                _DATABASES[path] = lmdb.open(str(path), readonly=True, lock=False, readahead=False)
            except lmdb.Error as error:
                raise UserError("The LSUN database {folder} is damaged; copy it anew.", folder=path) from error
        return _DATABASES[path]


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()

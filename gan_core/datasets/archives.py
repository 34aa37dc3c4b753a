"""Zip files of pictures that strangers may have made: read where they are, never unpacked.

Nothing in an archive can be written outside its folder, because nothing in it is written at all: members are read
one at a time into memory, within limits, on their way into the prepared pictures.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import re
import shutil
import stat
import tempfile
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from gan_core.config import UserError
from gan_core.datasets.dataset import data_dir
from gan_core.datasets.decoding import SUFFIXES
from gan_core.hosting import hosted

UNREADABLE = (OSError, BadZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError, RuntimeError)
MAX_MEMBER_BYTES = 64 * 2**20  # of one picture, unpacked
RATIO = 100  # unpacked to packed; pictures are packed already, so a whole archive beyond it is a trap
RATIO_MATTERS = 64 * 2**20  # bytes unpacked below which no ratio does harm
SPARE_BYTES = 2**30  # left free on the disk, for everything else
HOSTED_SECONDS = 24 * 3600.0  # how long a shared server keeps a visitor's pictures
_COPY_BYTES = 2**20


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold."""

    entries: int
    packed: int
    unpacked: int


OWN = Limits(500_000, 64 * 2**30, 128 * 2**30)
VISITOR = Limits(20_000, 2**29, 2**30)
TRUSTED = Limits(2**31, 2**40, 2**40)  # a published data set that the user put in its place


@dataclass(frozen=True)
class PictureArchive:
    """The pictures in an open zip: by name, a mark that changes when they do; and why some are not to be read."""

    archive: ZipFile
    members: Mapping[str, str]
    faults: Mapping[str, str]

    def read(self, name: str) -> bytes:
        """One picture's bytes; one of UNREADABLE where it is damaged, too large, or not a plain file."""
        if name in self.faults:
            raise OSError(self.faults[name])
        return self.archive.read(name)


def open_pictures(path: Path, limits: Limits | None = None) -> PictureArchive:
    """The pictures in the zip file at ``path``.

    Raises:
        UserError: it is no zip file, breaks a limit, or holds no pictures.
    """
    limits = limits or (VISITOR if hosted() else OWN)
    try:
        archive = ZipFile(path)
    except (*UNREADABLE, ValueError) as error:
        raise UserError("The file is not a zip file, or it is damaged; zip the folder of pictures again.") from error
    infos = archive.infolist()
    _check_limits(infos, path.stat().st_size, limits)
    pictures = [info for info in infos if _is_picture(info)]
    if not pictures:
        raise UserError("There are no pictures in the zip file; it must hold files such as .jpg, .png or .webp.")
    faults = {info.filename: fault for info in pictures if (fault := _fault(info))}
    return PictureArchive(archive, {info.filename: f"{info.file_size} {info.CRC}" for info in pictures}, faults)


def _check_limits(infos: list[ZipInfo], size: int, limits: Limits) -> None:
    unpacked, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if len(infos) > limits.entries:
        raise UserError(
            "The zip file holds {count:,} files, more than the {limit:,} allowed; zip fewer pictures.",
            count=len(infos), limit=limits.entries,
        )  # fmt: skip
    if size > limits.packed or unpacked > limits.unpacked:
        raise UserError(
            "The zip file would unpack to {size:,} MB, more than the {limit:,} MB allowed; "
            "zip fewer or smaller pictures.",
            size=max(size, unpacked) // 2**20, limit=limits.unpacked // 2**20,
        )  # fmt: skip
    if packed > size or (unpacked > RATIO_MATTERS and unpacked > RATIO * size):
        raise UserError("The zip file is not what it says: its contents unpack without end; zip the pictures again.")


def _is_picture(info: ZipInfo) -> bool:
    folders = re.split(r"[/\\]", info.filename)
    hidden = any((part.startswith(".") and part.strip(".")) or part == "__MACOSX" for part in folders)
    return not info.is_dir() and not hidden and Path(info.filename).suffix.lower() in SUFFIXES


def _fault(info: ZipInfo) -> str:
    """Why a member is not to be read, or nothing."""
    parts = re.split(r"[/\\]", info.filename)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if ".." in parts or not parts[0] or re.fullmatch(r"[A-Za-z]:", parts[0]):
        return "its name leads out of the archive"
    if kind not in (0, stat.S_IFREG):
        return "not a plain file"
    if info.flag_bits & 1:
        return "encrypted"
    return "too large" if info.file_size > MAX_MEMBER_BYTES else ""


def uploads_dir() -> Path:
    """Where zip files that users bring are kept, beside the data sets."""
    return data_dir() / "uploads"


def upload_path(name: str) -> Path:
    """The zip file of the upload called ``name``; UserError where that is no such name."""
    if not re.fullmatch(r"[\w-]{1,80}", name):
        raise UserError("There is no upload {name}; upload the zip file again.", name=repr(name))
    return uploads_dir() / f"{name}.zip"


def prepared_dir(name: str) -> Path:
    """Where the prepared pictures of an upload are kept, so that they go when it goes."""
    return upload_path(name).with_suffix(".prepared")


def uploads() -> list[str]:
    """The names of all uploads, for a server's owner; a shared server shows nobody those of others."""
    return [] if hosted() else sorted(path.stem for path in uploads_dir().glob("*.zip"))


@dataclass(frozen=True)
class Stored:
    """An upload on the disk: when it came, in seconds since 1970, and its bytes with what was prepared from it."""

    name: str
    since: float
    size: int


def stored_uploads() -> list[Stored]:
    """All uploads of everybody."""
    found = []
    for path in uploads_dir().glob("*.zip"):
        with contextlib.suppress(OSError):  # deleted meanwhile
            prepared = sum(part.stat().st_size for part in prepared_dir(path.stem).rglob("*") if part.is_file())
            found.append(Stored(path.stem, path.stat().st_mtime, path.stat().st_size + prepared))
    return found


def store_upload(stream: IO[bytes], filename: str) -> str:
    """Keep an uploaded zip file of pictures; the same file again is the same upload.

    Args:
        filename: what the visitor's file is called; only its letters count.

    Returns:
        The upload's name, made of the file's name and its contents.

    Raises:
        UserError: it is no zip of pictures, breaks a limit, or the disk is full.
    """
    limits = VISITOR if hosted() else OWN
    try:
        uploads_dir().mkdir(parents=True, exist_ok=True)
        if hosted():
            _expire()
        with tempfile.NamedTemporaryFile(dir=uploads_dir(), prefix=".", delete=False) as kept:
            temporary = Path(kept.name)
            try:
                digest = _copy(stream, kept, limits.packed)
                kept.flush()
                open_pictures(temporary, limits).archive.close()
                slug = re.sub(r"[^\w]+", "-", Path(filename).stem).strip("-")[:40] or "pictures"
                name = f"{slug}-{digest[:12]}"
                temporary.replace(upload_path(name))
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            "The upload cannot be kept in {folder} ({reason}).", folder=uploads_dir(), reason=error.strerror
        ) from error
    return name


def _copy(stream: IO[bytes], target: IO[bytes], limit: int) -> str:
    """Copies within the limit and the free disk; returns the SHA-256 of it all."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_COPY_BYTES):
        size += len(chunk)
        if size > limit:
            raise UserError(
                "The zip file is larger than the {limit:,} MB allowed; zip fewer or smaller pictures.",
                limit=limit // 2**20,
            )
        if shutil.disk_usage(uploads_dir()).free < SPARE_BYTES:
            raise UserError("The disk that holds {folder} is full; free some space.", folder=uploads_dir())
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def delete_upload(name: str) -> None:
    """Remove an upload and what was prepared from it; a run that trains on it goes on."""
    upload_path(name).unlink(missing_ok=True)
    shutil.rmtree(prepared_dir(name), ignore_errors=True)


def _expire() -> None:
    for path in uploads_dir().glob("*.zip"):
        with contextlib.suppress(OSError):  # another process may have been first
            if path.stat().st_mtime < time.time() - HOSTED_SECONDS:
                delete_upload(path.stem)

"""Pictures prepared once: decoded, cropped, scaled and laid out in one file that is mapped into memory.

A folder holds ``pictures.u8``, the bytes of uint8 (N, C, H, W), and ``journal.jsonl``: a first line that says of what
and how, one line for each block of pictures (its checksum, labels, and the names of those left out), and a last line
once all is done. Both files only grow. After a kill at any instant, the blocks whose checksum holds are kept and the
rest is made again, so that the files come out the same. What the journal comes to is kept beside it
(:mod:`gan_core.datasets.picture_index`), so that finished pictures are opened without reading it.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from torch import Tensor

from gan_core.config import UserError
from gan_core.datasets.dataset import Report
from gan_core.datasets.decoding import UndecodableError, decode
from gan_core.datasets.picture_index import forget_index, map_file, mark, read_index, read_lines
from gan_core.datasets.picture_lists import Collection, Item
from gan_core.files import read_json, write_json
from gan_core.locks import exclusive

VERSION = 1  # of the format and of how pictures are decoded: pictures of another version are prepared again
BLOCK = 256  # pictures
SPARE_BYTES = 2**30  # left free on the disk, for everything else
REPORT_SECONDS = 0.5
PREPARING = "Preparing {dataset}: {done:,} of {total:,} pictures"
CHECKING = "Checking the prepared pictures of {dataset}"
WAITING = "Another process is preparing {dataset}; waiting for it"


@dataclass(frozen=True)
class Prepared:
    """Finished pictures: uint8 (N, C, H, W) and int16 labels (N,), both mapped; ``skipped`` others were left out.

    ``example`` names one of those and says why.
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    skipped: int
    example: str


@dataclass(frozen=True)
class PictureCache:
    """The folder of one set of pictures at one size."""

    folder: Path
    title: str
    channels: int
    size: int
    report: Report

    def prepare(self, collection: Collection, places: Sequence[int], least: int) -> Prepared:
        """The pictures of ``collection`` at ascending ``places``; made where they are not there yet.

        Raises:
            UserError: fewer than ``least`` can be used, or the disk is full.
        """
        if len(places) < least:
            raise _too_few(self.title, len(places), least)
        head = self._head(collection, places)
        finished = self.open(head)
        if finished is not None:
            return finished
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with exclusive(self.folder / ".lock", lambda: self.report(WAITING, dataset=self.title)):
                prepared = self.open(head)
                if prepared is None:
                    self._make(collection, places, head, least)
                    prepared = self.open(head)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise UserError(
                    "The disk that holds {folder} is full; free some space, and preparing goes on where it stopped.",
                    folder=self.folder,
                ) from error
            raise UserError(
                "The prepared pictures cannot be kept in {folder} ({reason}); check the folder's permissions.",
                folder=self.folder, reason=error.strerror,
            ) from error  # fmt: skip
        if prepared is None:
            raise UserError("The prepared pictures in {folder} do not keep; check the disk.", folder=self.folder)
        return prepared

    def open(self, head: dict[str, Any] | None = None) -> Prepared | None:
        """The finished pictures, where they are whole; made as ``head`` says, if given."""
        index = read_index(self._journal, VERSION)
        if index is None or (head is not None and index.head != head) or not self._whole(len(index.labels)):
            return None
        images = map_file(self._pictures, np.uint8, (len(index.labels), self.channels, self.size, self.size))
        return Prepared(images, index.labels, tuple(index.head["class_names"]), index.skipped, index.example)

    @property
    def bytes_on_disk(self) -> int:
        """What the pictures take, finished or not."""
        return self._pictures.stat().st_size if self._pictures.exists() else 0

    def remove(self) -> None:
        """Give the space back; a run that trains on the pictures keeps its own, and the next one makes them again.

        Raises:
            UserError: another process is preparing them right now.
        """
        if self.folder.is_dir():
            with exclusive(self.folder / ".lock", self._refuse):
                self._forget()

    def _refuse(self) -> None:
        raise UserError("{dataset} is being prepared right now; stop that run first.", dataset=self.title)

    @property
    def skipped_path(self) -> Path:
        """A text file that names each picture left out, and why."""
        return self.folder / "skipped.txt"

    @property
    def _pictures(self) -> Path:
        return self.folder / "pictures.u8"

    @property
    def _journal(self) -> Path:
        return self.folder / "journal.jsonl"

    @property
    def _picture_bytes(self) -> int:
        return self.channels * self.size * self.size

    def _head(self, collection: Collection, places: Sequence[int]) -> dict[str, Any]:
        return {
            "version": VERSION, "fingerprint": collection.fingerprint, "pictures": len(places),
            "of": len(collection), "channels": self.channels, "size": self.size,
            "class_names": list(collection.class_names),
        }  # fmt: skip

    def _make(self, collection: Collection, places: Sequence[int], head: dict[str, Any], least: int) -> None:
        done, kept, skipped = self._resume(head)
        self._check_space(len(places) - done)
        told = 0.0
        with self._pictures.open("ab") as pictures, self._journal.open("a", encoding="utf-8") as journal:
            for block, data in self._blocks(collection, places[done:]):
                pictures.write(data)
                pictures.flush()
                journal.write(json.dumps(block) + "\n")
                journal.flush()
                done, kept = done + block["read"], kept + len(block["labels"])
                skipped += block["skipped"]
                if time.monotonic() - told > REPORT_SECONDS:
                    told = time.monotonic()
                    self.report(PREPARING, dataset=self.title, done=done, total=len(places))
            if kept < least:
                self._forget()
                raise _useless(self.title, skipped)
            os.fsync(pictures.fileno())
            self._stamp()
            lines = (" ".join(line.splitlines()) + "\n" for line in skipped)
            self.skipped_path.write_text("".join(lines), encoding="utf-8", errors="backslashreplace")
            journal.write(json.dumps({"finished": True}) + "\n")
            journal.flush()
            os.fsync(journal.fileno())

    def _blocks(self, collection: Collection, places: Sequence[int]) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Journal line and bytes of one block after another; decoded on all cores, as Pillow lets go of the lock."""
        items = collection.read(places)
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1), "decode") as pool:
            while batch := list(itertools.islice(items, BLOCK)):
                results = list(zip(batch, pool.map(self._decode, batch), strict=True))
                data = b"".join(pixels for _, pixels in results if isinstance(pixels, bytes))
                yield {
                    "read": len(batch),
                    "crc": zlib.crc32(data),
                    "labels": [item.label for item, pixels in results if isinstance(pixels, bytes)],
                    "skipped": [f"{item.name}: {fault}" for item, fault in results if isinstance(fault, str)],
                }, data

    def _decode(self, item: Item) -> bytes | str:
        """The picture's bytes, or why it has none."""
        if item.fault:
            return item.fault
        try:
            return decode(item.data, self.channels, self.size).tobytes()
        except UndecodableError as error:
            return str(error)

    def _resume(self, head: dict[str, Any]) -> tuple[int, int, list[str]]:
        """What an attempt cut off has left whole: the pictures read, those kept, and the names of the others.

        Both files are cut to just these.
        """
        lines = list(read_lines(self._journal))
        if not lines or lines[0] != head or lines[-1].get("finished"):
            self._forget()
            self._journal.write_text(json.dumps(head) + "\n", encoding="utf-8")
            return 0, 0, []
        self._pictures.touch()
        with self._pictures.open("rb") as pictures:
            blocks = list(itertools.takewhile(lambda block: self._holds(pictures, block), lines[1:]))
        kept = sum(len(block["labels"]) for block in blocks)
        os.truncate(self._pictures, kept * self._picture_bytes)
        os.truncate(self._journal, sum(len(json.dumps(line)) + 1 for line in [head, *blocks]))
        return sum(block["read"] for block in blocks), kept, [name for block in blocks for name in block["skipped"]]

    def _whole(self, count: int) -> bool:
        """Whether the file has every block's bytes; read through only where it changed since that was last seen."""
        try:
            seen = mark(self._pictures)
            if seen["size"] != count * self._picture_bytes:
                return False
            if read_json(self._stamp_path) == seen:
                return True
            self.report(CHECKING, dataset=self.title)
            blocks = (line for line in read_lines(self._journal) if "crc" in line)
            with self._pictures.open("rb") as pictures:
                if not all(self._holds(pictures, block) for block in blocks):
                    return False
        except OSError:
            return False
        self._stamp()
        return True

    def _holds(self, pictures: IO[bytes], block: dict[str, Any]) -> bool:
        size = len(block["labels"]) * self._picture_bytes
        data = pictures.read(size)
        return len(data) == size and zlib.crc32(data) == block["crc"]

    @property
    def _stamp_path(self) -> Path:
        return self.folder / "checked.json"

    def _stamp(self) -> None:
        """Remember that the file as it is now was seen to be whole."""
        try:
            write_json(self._stamp_path, mark(self._pictures))
        except UserError:  # a folder that can only be read costs a check at each start
            return

    def _forget(self) -> None:
        """Remove the files, never cut them: another process may have the pictures mapped."""
        for path in (self._journal, self._pictures, self._stamp_path, self.skipped_path):
            path.unlink(missing_ok=True)
        forget_index(self.folder)

    def _check_space(self, count: int) -> None:
        needed, free = count * self._picture_bytes, shutil.disk_usage(self.folder).free
        if needed + SPARE_BYTES > free:
            raise UserError(
                "{count:,} pictures of {size} × {size} take {needed:.1f} GB, and the disk that holds {folder} has "
                "{free:.1f} GB free; choose fewer or smaller pictures, or free some space.",
                count=count, size=self.size, needed=needed / 1e9, folder=self.folder, free=free / 1e9,
            )  # fmt: skip


def _too_few(title: str, count: int, least: int) -> UserError:
    return UserError(
        "{dataset} has only {count} pictures; a GAN needs at least {least}.",
        dataset=title, count=count, least=least,
    )  # fmt: skip


def _useless(title: str, skipped: Sequence[str]) -> UserError:
    return UserError(
        "{dataset} has too few pictures that can be read; {count} cannot, such as {example}.",
        dataset=title, count=len(skipped), example=skipped[0],
    )  # fmt: skip

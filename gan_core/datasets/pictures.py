"""Picture sets of any origin as rows of the data-set table, and their names.

A name is what recipes, the command line and URLs carry: ``celeba``, ``lsun_bedroom?size=64&limit=50000``,
``folder:/home/me/cats?size=96&channels=3``, ``upload:cats-1a2b3c4d5e6f?size=28&channels=1``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from gan_core.config import UserError, from_dict, settings_of, to_dict
from gan_core.datasets import archives
from gan_core.datasets.dataset import Dataset, Notice, Report, silent
from gan_core.datasets.origins import Folder, Origin, PictureSettings, Upload
from gan_core.datasets.picture_cache import PictureCache, Prepared
from gan_core.datasets.picture_lists import Collection, MissingError
from gan_core.hosting import hosted

RESIDENT_BYTES = 2**30  # larger sets stay in their file while a GPU trains
LEAST = {"train": 16, "test": 1}  # pictures; fewer than that teach a GAN nothing
SKIPPED = "{count:,} of {total:,} pictures could not be used and were left out, such as {example}."
T = TypeVar("T")
_OPTIONS = re.compile(r"\w+=[\w.]*(&\w+=[\w.]*)*")


@dataclass(frozen=True)
class PictureSource:
    """A set of pictures, prepared once for each of its settings."""

    origin: Origin
    settings: PictureSettings

    @property
    def title(self) -> str:
        return self.origin.title

    @property
    def summary(self) -> str:
        return self.origin.summary

    @property
    def name(self) -> str:
        """The base name, and the settings that differ from their defaults (a path always has its size)."""
        base, defaults = self.origin.base, type(self.settings)()
        values = {field: getattr(self.settings, field) for field, _ in settings_of(self.settings)}
        options = [
            f"{field}={value}" for field, value in values.items()
            if value != getattr(defaults, field) or (field == "size" and ":" in base)
        ]  # fmt: skip
        return f"{base}?{'&'.join(options)}" if options else base

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.settings.channels, self.settings.size, self.settings.size

    @property
    def class_names(self) -> tuple[str, ...]:
        """Known from the settings, or from a look at the files."""
        return self.origin.classes(self.settings) or self._found(
            lambda pictures: pictures.class_names, lambda prepared: prepared.class_names
        )

    def count(self, split: str) -> int:
        """How many pictures the split has, before any are found to be damaged; UserError where there are none."""
        limit = self.settings.limit
        return self._found(
            lambda pictures: min(len(pictures), limit or len(pictures)), lambda prepared: len(prepared.images), split
        )

    def on_disk(self) -> bool:
        """Whether the files, or the pictures prepared from them, are there."""
        return self.origin.present() or self._cache("train").open() is not None

    def load(self, split: str = "train", report: Report = silent) -> Dataset:
        """The pictures of a split, mapped from the cache; they are prepared first where they are not yet there.

        Raises:
            UserError: there are none, too few can be read, or the disk is full.
        """
        cache = self._cache(split, report)
        prepared = self._found(
            lambda pictures: cache.prepare(pictures, _spread(len(pictures), self.settings.limit), LEAST[split]),
            lambda prepared: prepared, split,
        )  # fmt: skip
        resident, total = prepared.images.nbytes <= RESIDENT_BYTES, prepared.skipped + len(prepared.images)
        values = {"count": prepared.skipped, "total": total, "example": prepared.example}
        return Dataset(
            self.name, prepared.images, prepared.labels.long() if resident else prepared.labels, prepared.class_names,
            resident=resident, notice=Notice(SKIPPED, values) if prepared.skipped else None,
        )  # fmt: skip

    @property
    def prepared_bytes(self) -> int:
        """How much of the disk the pictures take that were prepared with these settings."""
        return sum(self._cache(split).bytes_on_disk for split in LEAST)

    def delete_prepared(self) -> None:
        """Remove what was prepared with these settings; the pictures themselves stay.

        Raises:
            UserError: another process is preparing them right now.
        """
        for split in LEAST:
            self._cache(split).remove()

    def skipped_path(self, split: str = "train") -> Path:
        """The text file that names each picture left out, and why."""
        return self._cache(split).skipped_path

    def _found(self, of_pictures: Callable[[Collection], T], of_prepared: Callable[[Prepared], T],
               split: str = "train") -> T:
        """An answer from the files, or from the pictures once prepared from files that are gone."""
        try:
            pictures = self.origin.listing(split, self.settings)
        except MissingError:
            prepared = self._cache(split).open()
            if prepared is None:
                raise
            return of_prepared(prepared)
        return of_pictures(pictures)

    def _cache(self, split: str, report: Report = silent) -> PictureCache:
        whence = f"{self.origin.base}\0{self.origin.place()}\0{split}\0{self.settings}"
        digest = hashlib.sha256(whence.encode(errors="surrogateescape")).hexdigest()
        slug = re.sub(r"\W+", "-", self.origin.base.rsplit("/", 1)[-1]).strip("-")[:40]
        folder = self.origin.cache_root() / f"{slug}-{split}-{digest[:12]}"
        return PictureCache(folder, self.title, self.settings.channels, self.settings.size, report)


def _spread(total: int, limit: int) -> Sequence[int]:
    """All places below ``total``, or ``limit`` of them evenly apart: files are often sorted by class."""
    if not limit or limit >= total:
        return range(total)
    return [index * total // limit for index in range(limit)]


def picture_folder(path: str, settings: PictureSettings) -> PictureSource:
    """The pictures under ``path``; UserError on a shared server, whose files are nobody's to see."""
    if hosted():
        raise UserError("A shared server reads no folders; upload the pictures as a zip file.")
    if not path.strip():
        raise UserError("The folder has no path; write folder:/path/to/pictures.")
    return PictureSource(Folder(Path(path).expanduser().absolute()), settings)


def uploaded_pictures(name: str, settings: PictureSettings) -> PictureSource:
    """The upload called ``name``, whether or not it is still there."""
    return PictureSource(Upload(archives.upload_path(name)), settings)


def split_name(name: str) -> tuple[str, dict[str, str]]:
    """(base name, options) of ``base?size=64&channels=1``; a path may itself hold question marks."""
    base, mark, options = name.rpartition("?")
    if not mark or not _OPTIONS.fullmatch(options):
        return name, {}
    return base, dict(option.split("=", 1) for option in options.split("&"))


def with_options(source: PictureSource, options: Mapping[str, str]) -> PictureSource:
    """The same pictures prepared as a name's options say; UserError for unknown ones and those out of range."""
    settings = from_dict(type(source.settings), {**to_dict(source.settings), **options})
    return replace(source, settings=settings)

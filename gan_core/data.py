"""The table of data sets; a whole set is one uint8 tensor, so that a batch is a single gather."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from gan_core.config import UserError
from gan_core.strokes import draw_strokes

DIGITS = tuple("0123456789")
FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
STROKES_SIZES = {"train": 60_000, "test": 10_000}
STROKES_SEEDS = {"train": 0, "test": 1}
DOWNLOAD_TIMEOUT = 15.0  # seconds without an answer from the server
DOWNLOADING = "Downloading {dataset}"
DRAWING = "Drawing the strokes digits"


class Report(Protocol):
    """Is told in a few words of anything that takes long: a template, and what fills it."""

    def __call__(self, text: str, **values: object) -> None: ...


@dataclass(frozen=True)
class Dataset:
    """Pictures ``images`` uint8 (N, C, H, W), their ``labels`` int64 (N,) and what the classes are called."""

    name: str
    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return self.images.shape[0]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def to(self, device: torch.device) -> Dataset:
        """The same set on another device; a whole MNIST takes 47 MB there."""
        return Dataset(self.name, self.images.to(device), self.labels.to(device), self.class_names)

    def split(self, held_out: int) -> tuple[Dataset, Dataset]:
        """(all but the first ``held_out`` pictures, those first ones)."""
        if held_out >= len(self):
            raise UserError(
                "{held_out} held-out pictures leave none of {count} to train on; hold out fewer.",
                held_out=held_out, count=len(self),
            )  # fmt: skip
        parts = slice(held_out, None), slice(0, held_out)
        train, validation = (
            Dataset(self.name, self.images[part], self.labels[part], self.class_names) for part in parts
        )
        return train, validation


@dataclass(frozen=True)
class DatasetSource:
    """One row of the table: how a set is called on screen, what is in it, and how it is read."""

    name: str
    title: str
    summary: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    sizes: dict[str, int]
    torchvision_class: str = ""

    def load(self, split: str = "train", report: Report | None = None) -> Dataset:
        """The set's "train" or "test" pictures; downloads missing files.

        Args:
            report: is told, in a few words, of anything that takes long.

        Raises:
            UserError: the files are missing and cannot be downloaded, or are damaged.
        """
        report = report or _silent
        images, labels = self._idx(split, report) if self.torchvision_class else _strokes(split, report)
        return Dataset(
            self.name,
            torch.from_numpy(images).reshape(-1, *self.image_shape),  # (N, C, H, W)
            torch.from_numpy(labels.astype(np.int64)),
            self.class_names,
        )

    def on_disk(self) -> bool:
        """Whether nothing needs to be downloaded."""
        return not self.torchvision_class or all(path.exists() for split in self.sizes for path in self._files(split))

    def _files(self, split: str) -> tuple[Path, Path]:
        folder = data_dir() / self.torchvision_class / "raw"
        prefix = "train" if split == "train" else "t10k"
        return folder / f"{prefix}-images-idx3-ubyte", folder / f"{prefix}-labels-idx1-ubyte"

    def _idx(self, split: str, report: Report) -> tuple[np.ndarray, np.ndarray]:
        image_file, label_file = self._files(split)
        if not (image_file.exists() and label_file.exists()):
            report(DOWNLOADING, dataset=self.title)
            self._download()
        count = self.sizes[split]
        return (
            _read_idx(image_file, (count, *self.image_shape[1:]), self.title),
            _read_idx(label_file, (count,), self.title),
        )

    def _download(self) -> None:
        from torchvision import datasets  # slow to import, and only needed once

        try:
            with _socket_timeout(DOWNLOAD_TIMEOUT):
                getattr(datasets, self.torchvision_class)(data_dir(), download=True)
        except (OSError, RuntimeError) as error:
            raise UserError(
                "{dataset} is not in {folder} and could not be downloaded; "
                "copy its files there or choose strokes, which needs none.",
                dataset=self.title, folder=data_dir(),
            ) from error  # fmt: skip


def _silent(text: str, **values: object) -> None:
    """Tells nobody."""


def data_dir() -> Path:
    """Where data sets are kept: GAN_DATA_DIR, or data/."""
    return Path(os.environ.get("GAN_DATA_DIR", "data"))


def cache_dir() -> Path:
    """Where made files are kept between runs, under the user's own cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gan_workbench"


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _read_idx(path: Path, shape: tuple[int, ...], title: str) -> np.ndarray:
    """The bytes of an IDX file (LeCun et al. 1998) as uint8 of ``shape``."""
    expected = b"\0\0\x08" + bytes([len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            "{dataset}: {file} cannot be read; check the folder GAN_DATA_DIR.", dataset=title, file=path
        ) from error
    if not data.startswith(expected) or len(data) != len(expected) + int(np.prod(shape)):
        raise UserError(
            "{dataset}: {file} is damaged or incomplete; delete it, and it will be downloaded again.",
            dataset=title, file=path,
        )  # fmt: skip
    # A copy, because torch wants memory that it may write to.
    return np.frombuffer(data, np.uint8, offset=len(expected)).reshape(shape).copy()


def _strokes(split: str, report: Report) -> tuple[np.ndarray, np.ndarray]:
    count, seed = STROKES_SIZES[split], STROKES_SEEDS[split]
    # Named by the code that draws them, so that a change of the drawing is never answered with old pictures.
    drawing = hashlib.sha256(Path(draw_strokes.__code__.co_filename).read_bytes()).hexdigest()[:12]
    path = cache_dir() / f"strokes-{split}-{drawing}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, BadZipFile), np.load(path, allow_pickle=False) as stored:
        return stored["images"], stored["labels"]
    report(DRAWING)
    images, labels = draw_strokes(count, seed)
    with contextlib.suppress(OSError):  # a read-only home only costs the next start some seconds
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as stream:
            np.savez(stream, images=images, labels=labels)
        os.replace(stream.name, path)
    return images, labels


_GREY = (1, 28, 28)
_SIZES = {"train": 60_000, "test": 10_000}

DATASETS: tuple[DatasetSource, ...] = (
    DatasetSource("mnist", "MNIST", "70,000 handwritten digits.", DIGITS, _GREY, _SIZES, "MNIST"),
    DatasetSource(
        "fashion_mnist", "Fashion-MNIST", "70,000 pieces of clothing in ten kinds.", FASHION, _GREY, _SIZES, "FashionMNIST"
    ),
    DatasetSource(
        "strokes", "Strokes", "Digits the workbench draws itself from pen strokes; needs no download.",
        DIGITS, _GREY, STROKES_SIZES,
    ),
)


def find_dataset(name: str) -> DatasetSource:
    """The data set of that name; UserError names those there are."""
    for source in DATASETS:
        if source.name == name:
            return source
    names = ", ".join(source.name for source in DATASETS)
    raise UserError("There is no data set {name}; choose one of {names}.", name=repr(name), names=names)

"""MNIST and the sets that follow its file format, IDX (LeCun et al. 1998), in torchvision's folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gan_core.config import UserError
from gan_core.datasets.dataset import MNIST_SIDE, Dataset, MnistLike, Report, data_dir, silent
from gan_core.datasets.download import download

_BYTES, _INTEGERS = 0x08, 0x0C  # type codes of the format


class Files(NamedTuple):
    """The two files of one split."""

    images: str
    labels: str


@dataclass(frozen=True)
class IdxSource(MnistLike):
    """A set of 28 × 28 grey pictures in IDX files.

    Args:
        files: of each split.
        torchvision_class: what downloads them; its name is their folder's.
        arguments: of the torchvision class, one set of them for each time that it must be asked.
        transposed: the files hold each picture by columns (EMNIST does).
        label_columns: numbers kept for each picture; the first is its class (QMNIST keeps 8, as 32-bit integers).
    """

    files: Mapping[str, Files]
    torchvision_class: str
    arguments: tuple[Mapping[str, Any], ...] = ({},)
    transposed: bool = False
    label_columns: int = 0

    def on_disk(self) -> bool:
        """Whether nothing needs to be downloaded."""
        return all((data_dir() / path).exists() for path in self._files())

    def load(self, split: str = "train", report: Report = silent) -> Dataset:
        """The "train" or "test" pictures; UserError where files are damaged, or missing and not to be had."""
        if not self.on_disk():
            download(self.title, self._files(), self._fetch, report)
        count, files, folder = self.counts[split], self.files[split], data_dir() / self._folder
        images = read_idx(folder / files.images, (count, MNIST_SIDE, MNIST_SIDE), self.title)
        if self.label_columns:
            table = read_idx(folder / files.labels, (count, self.label_columns), self.title, integers=True)
            labels = table[:, 0]
        else:
            labels = read_idx(folder / files.labels, (count,), self.title)
        return self.dataset(np.ascontiguousarray(images.transpose(0, 2, 1)) if self.transposed else images, labels)

    @property
    def _folder(self) -> Path:
        return Path(self.torchvision_class) / "raw"

    def _files(self) -> list[Path]:
        return [self._folder / file for files in self.files.values() for file in files]

    def _fetch(self, root: Path) -> None:
        from torchvision import datasets  # slow to import, and only needed once

        for arguments in self.arguments:
            getattr(datasets, self.torchvision_class)(root, download=True, **arguments)


def read_idx(path: Path, shape: tuple[int, ...], title: str, *, integers: bool = False) -> npt.NDArray[Any]:
    """An IDX file's numbers, uint8 or big-endian ``integers`` of 32 bits; UserError where it is not of ``shape``."""
    code, kind = (_INTEGERS, np.dtype(">i4")) if integers else (_BYTES, np.dtype(np.uint8))
    expected = bytes([0, 0, code, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            "{dataset}: {file} cannot be read; check the folder GAN_DATA_DIR.", dataset=title, file=path
        ) from error
    if not data.startswith(expected) or len(data) != len(expected) + int(np.prod(shape)) * kind.itemsize:
        raise UserError(
            "{dataset}: {file} is damaged or incomplete; delete it, and it will be downloaded again.",
            dataset=title, file=path,
        )  # fmt: skip
    # A copy, because torch wants memory that it may write to.
    return np.frombuffer(data, kind, offset=len(expected)).reshape(shape).copy()

"""USPS (Hull 1994): digits of 16 × 16 pixels in libsvm's text format, brought to MNIST's layout."""

from __future__ import annotations

import bz2
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from gan_core.config import UserError
from gan_core.datasets.dataset import MNIST_SIDE, Dataset, MnistLike, Report, data_dir, silent
from gan_core.datasets.download import download

_SIDE, _BOX = 16, 20  # pixels: as stored; of MNIST's box around the ink
_FILES = {"train": "usps.bz2", "test": "usps.t.bz2"}


@dataclass(frozen=True)
class UspsSource(MnistLike):
    """USPS at 28 × 28: its digits fill their 16 × 16 pixels, so they go into MNIST's central box of 20 × 20."""

    def on_disk(self) -> bool:
        """Whether nothing needs to be downloaded."""
        return all((data_dir() / file).exists() for file in _FILES.values())

    def load(self, split: str = "train", report: Report = silent) -> Dataset:
        """The "train" or "test" pictures; UserError where files are damaged, or missing and not to be had."""
        if not self.on_disk():
            download(self.title, [Path(file) for file in _FILES.values()], _fetch, report)
        small, labels = _read(data_dir() / _FILES[split], self.counts[split], self.title)
        return self.dataset(_on_page(small), labels)


def _fetch(root: Path) -> None:
    from torchvision.datasets import USPS  # slow to import, and only needed once

    for train in (True, False):
        USPS(root, train=train, download=True)


def _read(path: Path, count: int, title: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Pictures uint8 (N, 16, 16) and labels (N,) from lines ``label 1:value … 256:value``, values in [-1, 1]."""
    try:
        text = re.sub(rb"\d+:", b"", bz2.decompress(path.read_bytes()))
        table = np.array(text.split(), np.float32).reshape(count, 1 + _SIDE**2)
    except (OSError, EOFError, ValueError) as error:
        raise UserError(
            "{dataset}: {file} is damaged or incomplete; delete it, and it will be downloaded again.",
            dataset=title, file=path,
        ) from error  # fmt: skip
    grey = np.clip(np.rint((table[:, 1:] + 1) * 127.5), 0, 255).astype(np.uint8)
    return grey.reshape(-1, _SIDE, _SIDE), table[:, 0].astype(np.int64) - 1  # digits are stored as 1 to 10


def _on_page(small: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Pictures (N, 16, 16) enlarged into the middle of black ones (N, 28, 28)."""
    page, margin = np.zeros((len(small), MNIST_SIDE, MNIST_SIDE), np.uint8), (MNIST_SIDE - _BOX) // 2
    for target, picture in zip(page, small, strict=True):
        enlarged = Image.fromarray(picture).resize((_BOX, _BOX), Image.Resampling.BICUBIC)
        target[margin:-margin, margin:-margin] = np.asarray(enlarged)
    return page

"""The table of data sets; how each kind is fetched and prepared is in :mod:`gan_core.datasets`.

A data set is known by its name: one of the table (``mnist``), pictures with their settings
(``celeba?size=64&channels=1``), a folder (``folder:/home/me/cats?size=96``) or an uploaded zip file
(``upload:cats-1a2b3c4d5e6f?size=28&channels=1``).
"""

from __future__ import annotations

from typing import Protocol

from gan_core.config import UserError
from gan_core.datasets.dataset import Dataset, Report, cache_dir, data_dir
from gan_core.datasets.drawn import StrokesSource
from gan_core.datasets.idx import Files, IdxSource
from gan_core.datasets.origins import CelebA, FaceSettings, LsunBedroom, PictureSettings
from gan_core.datasets.pictures import PictureSource, picture_folder, split_name, uploaded_pictures, with_options
from gan_core.datasets.usps import UspsSource

__all__ = ["DATASETS", "Dataset", "DatasetSource", "Report", "cache_dir", "data_dir", "find_dataset"]

DIGITS = tuple("0123456789")
FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
KANA = ("お", "き", "す", "つ", "な", "は", "ま", "や", "れ", "を")
MNIST_COUNTS = {"train": 60_000, "test": 10_000}
MNIST_FILES = {
    "train": Files("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": Files("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
EMNIST_FILES = {
    split: Files(f"emnist-digits-{split}-images-idx3-ubyte", f"emnist-digits-{split}-labels-idx1-ubyte")
    for split in ("train", "test")
}
QMNIST_FILES = {
    split: Files(f"qmnist-{split}-images-idx3-ubyte", f"qmnist-{split}-labels-idx2-int") for split in ("train", "test")
}


class DatasetSource(Protocol):
    """One row of the table: how a set is called on screen, what is in it, and how it is read."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def image_shape(self) -> tuple[int, int, int]: ...

    def count(self, split: str) -> int:
        """How many pictures the "train" or "test" split has; UserError where a folder has none."""
        ...

    def on_disk(self) -> bool:
        """Whether nothing needs to be fetched."""
        ...

    def load(self, split: str = "train", report: Report = ...) -> Dataset:
        """The "train" or "test" pictures, fetched and prepared first where needed.

        Args:
            report: is told of anything that takes long. An exception from it ends the work, which goes on from there
                the next time.

        Raises:
            UserError: the files are missing and cannot be downloaded, or are damaged.
        """
        ...


DATASETS: tuple[DatasetSource, ...] = (
    IdxSource("mnist", "MNIST", "70,000 handwritten digits.", DIGITS, MNIST_COUNTS, MNIST_FILES, "MNIST"),
    IdxSource(
        "fashion_mnist", "Fashion-MNIST", "70,000 pieces of clothing in ten kinds.", FASHION, MNIST_COUNTS, MNIST_FILES,
        "FashionMNIST",
    ),
    IdxSource(
        "kmnist", "Kuzushiji-MNIST", "70,000 characters of ten kinds, from old Japanese books.", KANA, MNIST_COUNTS,
        MNIST_FILES, "KMNIST",
    ),
    IdxSource(
        "emnist_digits", "EMNIST digits", "280,000 handwritten digits; a download of 560 MB.", DIGITS,
        {"train": 240_000, "test": 40_000}, EMNIST_FILES, "EMNIST", ({"split": "digits"},), transposed=True,
    ),
    IdxSource(
        "qmnist", "QMNIST", "120,000 handwritten digits: MNIST restored, with all of its test digits.", DIGITS,
        {"train": 60_000, "test": 60_000}, QMNIST_FILES, "QMNIST", ({"what": "train"}, {"what": "test"}),
        label_columns=8,
    ),
    UspsSource(
        "usps", "USPS", "9,298 digits from envelopes, enlarged from 16 × 16 pixels into MNIST's layout.", DIGITS,
        {"train": 7_291, "test": 2_007},
    ),
    StrokesSource(
        "strokes", "Strokes", "Digits the workbench draws itself from pen strokes; needs no download.", DIGITS,
        MNIST_COUNTS,
    ),
    PictureSource(CelebA(), FaceSettings()),
    PictureSource(LsunBedroom(), PictureSettings()),
)  # fmt: skip


def find_dataset(name: str) -> DatasetSource:
    """The data set of that name; its own ``name`` is the name written in full (absolute path, sorted-out settings).

    Raises:
        UserError: there is no such data set, a setting of it is not allowed, or a shared server was asked for a folder.
    """
    base, options = split_name(name)
    kind, colon, rest = base.partition(":")
    if colon and kind == "folder":
        return with_options(picture_folder(rest, PictureSettings()), options)
    if colon and kind == "upload":
        return with_options(uploaded_pictures(rest, PictureSettings()), options)
    for source in DATASETS:
        if source.name == base:
            if isinstance(source, PictureSource):
                return with_options(source, options)
            if not options:
                return source
            raise UserError(
                "{dataset} takes no settings; its pictures are always 28 × 28 and grey.", dataset=source.title
            )
    names = ", ".join(source.name for source in DATASETS)
    raise UserError(
        "There is no data set {name}; choose one of {names}, or write folder:/path/to/pictures.",
        name=repr(name), names=names,
    )  # fmt: skip

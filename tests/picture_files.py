"""Small files in the real layouts of data sets, for tests to read."""

from __future__ import annotations

import bz2
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import lmdb
import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]


def noise(seed: int, *shape: int) -> Bytes:
    """Random bytes of a shape."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def encoded(pixels: Bytes, kind: str = "PNG", **options: object) -> bytes:
    """An image file of pixels (H, W) or (H, W, 3)."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def write_idx(path: Path, numbers: npt.NDArray[np.integer]) -> None:
    """An IDX file of bytes, or of 32-bit integers where the numbers are not bytes."""
    code, kind = (0x08, ">u1") if numbers.dtype == np.uint8 else (0x0C, ">i4")
    head = bytes([0, 0, code, numbers.ndim]) + b"".join(size.to_bytes(4, "big") for size in numbers.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + numbers.astype(kind).tobytes())


def write_usps(path: Path, pixels: Bytes, labels: Sequence[int]) -> None:
    """libsvm lines as the USPS files have them: labels from 1, values in [-1, 1]."""
    lines = [
        f"{label + 1} " + " ".join(f"{place}:{value:.6g}" for place, value in enumerate(picture.ravel() / 127.5 - 1, 1))
        for picture, label in zip(pixels, labels, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bz2.compress("\n".join(lines).encode() + b"\n"))


def write_pictures(root: Path, names: Sequence[str], side: int = 24) -> dict[str, bytes]:
    """PNG files of noise under ``root``; the bytes by name."""
    files = {name: encoded(noise(index, side, side, 3)) for index, name in enumerate(names)}
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return files


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip file of files by name."""
    stream = io.BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def write_celeba(root: Path, count: int) -> None:
    """CelebA's folder: pictures of 178 × 218, and the annotation files in their columns.

    Every 5th face is of the test partition, every 7th of the validation partition; every 3rd smiles.
    """
    (root / "img_align_celeba").mkdir(parents=True)
    names = [f"{number + 1:06d}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        (root / "img_align_celeba" / name).write_bytes(encoded(noise(number, 218, 178, 3), "JPEG", quality=90))
    partition = [2 if number % 5 == 0 else 1 if number % 7 == 0 else 0 for number in range(count)]
    (root / "list_eval_partition.txt").write_text(
        "".join(f"{name} {part}\n" for name, part in zip(names, partition, strict=True))
    )
    (root / "identity_CelebA.txt").write_text("".join(f"{name} {index}\n" for index, name in enumerate(names, 1)))
    rows = [f"{name} -1  {'1' if number % 3 == 0 else '-1'}" for number, name in enumerate(names)]
    (root / "list_attr_celeba.txt").write_text("\n".join([str(count), "Male Smiling", *rows]) + "\n")


def write_lsun(folder: Path, pictures: Sequence[bytes]) -> None:
    """An LMDB database of encoded pictures by hexadecimal keys."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=2**24) as environment, environment.begin(write=True) as transaction:
        for number, data in enumerate(pictures):
            transaction.put(f"{number * 2654435761 % 2**32:08x}".encode(), data)

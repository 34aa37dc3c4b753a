"""What all tests share: few threads, folders of their own, and small data."""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before torch: idle threads that spin slow everything else down

from pathlib import Path

import numpy as np
import pytest
import torch

torch.set_num_threads(1)  # two tests run at a time


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go to a folder of the test's own, so that no test sees or leaves anything elsewhere."""
    monkeypatch.setenv("GAN_RUNS_DIR", str(tmp_path / "runs"))


@pytest.fixture(scope="session")
def noise_mnist_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MNIST's training files in their real layout, filled with noise."""
    folder = tmp_path_factory.mktemp("data")
    write_mnist(folder, 60_000, "train")
    write_mnist(folder, 10_000, "t10k")
    return folder


@pytest.fixture
def noise_mnist(noise_mnist_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of the test is one whose MNIST is noise."""
    monkeypatch.setenv("GAN_DATA_DIR", str(noise_mnist_folder))
    return noise_mnist_folder


def write_mnist(folder: Path, count: int, prefix: str) -> None:
    """IDX files as LeCun et al. published them, of random pixels and labels."""
    source = np.random.default_rng(count)
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    head = b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in (count, 28, 28))
    (raw / f"{prefix}-images-idx3-ubyte").write_bytes(head + source.bytes(count * 784))
    labels = source.integers(10, size=count, dtype=np.uint8).tobytes()
    (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + count.to_bytes(4, "big") + labels)

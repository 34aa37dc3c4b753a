"""The table of data sets: each file format read right, and every kind of damage told in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_core.config import UserError
from gan_core.data import DATASETS, find_dataset
from gan_core.datasets.dataset import Dataset
from gan_core.datasets.download import download
from gan_core.datasets.idx import IdxSource
from gan_core.datasets.usps import UspsSource
from tests.picture_files import noise, write_idx, write_usps

COUNT = 12


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "data"


def small(name: str) -> IdxSource:
    """A set of the table that has only COUNT pictures in each split."""
    source = find_dataset(name)
    assert isinstance(source, IdxSource)
    return replace(source, counts=dict.fromkeys(source.counts, COUNT))


def write_set(root: Path, source: IdxSource) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """All the files of a small set; pictures upright and labels by split."""
    made = {}
    for seed, (split, part) in enumerate(source.files.items()):
        pictures, labels = noise(seed, COUNT, 28, 28), noise(seed + 9, COUNT) % 10
        raw = root / source.torchvision_class / "raw"
        write_idx(raw / part.images, pictures.transpose(0, 2, 1) if source.transposed else pictures)
        columns = np.tile(labels[:, None].astype(np.int32), (1, 8)) + np.arange(8, dtype=np.int32) * 300
        write_idx(raw / part.labels, columns if source.label_columns else labels)
        made[split] = pictures, labels
    return made


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist", "emnist_digits", "qmnist"])
def test_idx_sets_are_read_as_they_were_written(folders: Path, name: str) -> None:
    source = small(name)
    assert not source.on_disk()
    made = write_set(folders, source)
    assert source.on_disk()
    for split, (pictures, labels) in made.items():
        dataset = source.load(split)
        assert torch.equal(dataset.images, torch.from_numpy(pictures)[:, None])
        assert dataset.labels.tolist() == labels.tolist()
        assert dataset.image_shape == source.image_shape and len(dataset.class_names) == 10


@pytest.mark.parametrize("name", ["emnist_digits", "qmnist"])
def test_torchvision_reads_the_same_files(folders: Path, name: str) -> None:
    from torchvision import datasets

    source = small(name)
    made = write_set(folders, source)
    for arguments in source.arguments:
        theirs = getattr(datasets, source.torchvision_class)(folders, **arguments)
        split = arguments.get("what", "train")
        upright = theirs.data.transpose(1, 2) if source.transposed else theirs.data
        assert np.array_equal(upright.numpy(), made[split][0])
        assert [theirs[place][1] for place in range(COUNT)] == made[split][1].tolist()


@pytest.mark.parametrize("cut", [0, 3, 100, -1])
def test_a_truncated_file_is_named(folders: Path, cut: int) -> None:
    source = small("kmnist")
    write_set(folders, source)
    path = folders / "KMNIST" / "raw" / source.files["train"].images
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UserError, match=r"Kuzushiji-MNIST: .*train-images-idx3-ubyte is damaged or incomplete"):
        source.load()


def test_a_file_of_another_size_is_refused(folders: Path) -> None:
    source = small("qmnist")
    write_set(folders, source)
    bigger = replace(source, counts=dict.fromkeys(source.counts, COUNT + 1))
    with pytest.raises(UserError, match="damaged or incomplete"):
        bigger.load()


def usps() -> UspsSource:
    source = find_dataset("usps")
    assert isinstance(source, UspsSource)
    return replace(source, counts={"train": COUNT, "test": COUNT})


def test_usps_lies_in_the_box_of_mnist(folders: Path) -> None:
    pictures, labels = noise(1, COUNT, 16, 16), [*range(10), 3, 4]
    pictures[0] = 200  # an even picture stays even, at any size
    write_usps(folders / "usps.bz2", pictures, labels)
    write_usps(folders / "usps.t.bz2", pictures[::-1], labels[::-1])
    train, test = usps().load("train"), usps().load("test")
    assert train.images.shape == (COUNT, 1, 28, 28) and train.labels.tolist() == labels
    assert torch.equal(test.images, train.images.flip(0)) and test.labels.tolist() == labels[::-1]
    inside = train.images[:, :, 4:24, 4:24]
    assert (train.images[0, 0, 4:24, 4:24] == 200).all()
    assert train.images.sum(dtype=torch.int64) == inside.sum(dtype=torch.int64)  # nothing outside the box
    means = inside.float().mean((1, 2, 3)), torch.from_numpy(pictures).float().mean((1, 2))
    assert torch.allclose(*means, atol=3)


def test_torchvision_reads_the_same_usps(folders: Path) -> None:
    from torchvision.datasets import USPS

    pictures, labels = noise(2, COUNT, 16, 16), [place % 10 for place in range(COUNT)]
    write_usps(folders / "usps.bz2", pictures, labels)
    theirs = USPS(folders, train=True)
    assert theirs.targets == labels
    assert np.abs(theirs.data.astype(int) - pictures).max() <= 1  # it rounds down


@pytest.mark.parametrize("data", [b"", b"no archive", None])
def test_damaged_usps_is_told(folders: Path, data: bytes | None) -> None:
    write_usps(folders / "usps.bz2", noise(1, COUNT - 1, 16, 16), [0] * (COUNT - 1))
    write_usps(folders / "usps.t.bz2", noise(1, COUNT, 16, 16), [0] * COUNT)
    if data is not None:
        (folders / "usps.bz2").write_bytes(data)
    with pytest.raises(UserError, match=r"USPS: .*usps.bz2 is damaged or incomplete"):
        usps().load()


def test_a_download_is_put_in_place_whole(folders: Path) -> None:
    wanted, said = [Path("A/raw/x"), Path("A/raw/y")], []

    def fetch(root: Path) -> None:
        assert not any((folders / path).exists() for path in wanted)
        for path in wanted:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(path.name.encode())

    download("A", wanted, fetch, lambda text, /, **values: said.append(text.format(**values)))
    assert [(folders / path).read_bytes() for path in wanted] == [b"x", b"y"]
    assert said[0] == "Downloading A: 0 MB so far"
    assert [path.name for path in folders.iterdir()] == ["A"]


@pytest.mark.parametrize("failure", [RuntimeError("no mirror"), OSError("no route"), EOFError("cut off")])
def test_a_failed_download_leaves_nothing_half_done(folders: Path, failure: Exception) -> None:
    wanted = [Path("A/raw/x"), Path("A/raw/y")]

    def fetch(root: Path) -> None:
        (root / "A/raw").mkdir(parents=True)
        (root / wanted[0]).write_bytes(b"half")
        raise failure

    with pytest.raises(UserError, match=r"A is not in .* and could not be downloaded"):
        download("A", wanted, fetch, lambda text, /, **values: None)
    assert not (folders / wanted[0]).exists()


def test_names_that_are_not_in_the_table() -> None:
    with pytest.raises(UserError, match="There is no data set 'nope'; choose one of mnist, "):
        find_dataset("nope")
    with pytest.raises(UserError, match="USPS takes no settings"):
        find_dataset("usps?size=64")


def test_every_row_describes_itself() -> None:
    assert len({source.name for source in DATASETS}) == len(DATASETS)
    for source in DATASETS:
        assert find_dataset(source.name).title == source.title and source.summary.endswith(".")
        assert len(source.image_shape) == 3 and source.class_names


def test_a_mapped_set_gives_the_batches_of_a_resident_one() -> None:
    images, labels = torch.from_numpy(noise(3, 40, 3, 8, 8)), torch.arange(40) % 4
    resident = Dataset("a", images, labels, ("p", "q", "r", "s"))
    chosen, kept = torch.tensor([5, 1, 1, 9]), torch.arange(0, 40, 2)
    for mapped, plain in zip(
        (replace(resident, resident=False).split(7)[0], replace(resident, resident=False).select(kept).split(3)[0]),
        (resident.split(7)[0], resident.select(kept).split(3)[0]),
        strict=True,
    ):
        assert len(mapped) == len(plain) and mapped.image_shape == plain.image_shape
        assert all(torch.equal(*pair) for pair in zip(mapped.batch(chosen), plain.batch(chosen), strict=True))

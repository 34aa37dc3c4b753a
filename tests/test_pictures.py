"""Picture sets: found, prepared once into a mapped file that survives every kill, and told where useless."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core.config import UserError
from gan_core.data import find_dataset
from gan_core.datasets import picture_cache, picture_index, pictures
from gan_core.datasets.decoding import UndecodableError, decode
from gan_core.datasets.pictures import PictureSource
from gan_core.locks import exclusive
from tests.picture_files import encoded, noise, write_celeba, write_lsun, write_pictures

FORK = get_context("fork")  # a copy of this process starts at once; a new one imports torch for seconds
FILES = ("pictures.u8", "journal.jsonl", "skipped.txt")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GAN_HOSTED", raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)
    return tmp_path


def names(count: int, folder: str = "") -> list[str]:
    return [f"{folder}{number:04d}.png" for number in range(count)]


def cache_folder(root: Path) -> Path:
    (folder,) = (root / "cache" / "gan_workbench" / "pictures").iterdir()
    return folder


def cache_bytes(root: Path) -> list[bytes]:
    return [(cache_folder(root) / name).read_bytes() for name in FILES]


# One picture

def test_a_picture_of_the_right_size_is_kept_as_it_is() -> None:
    pixels = noise(1, 16, 16, 3)
    assert np.array_equal(decode(encoded(pixels), 3, 16), pixels.transpose(2, 0, 1))
    grey = noise(1, 16, 16)
    assert np.array_equal(decode(encoded(grey), 1, 16)[0], grey)


def test_only_the_central_square_counts() -> None:
    square = noise(2, 20, 20, 3)
    wide = np.pad(square, ((0, 0), (7, 7), (0, 0)))
    assert np.array_equal(decode(encoded(wide), 3, 10), decode(encoded(square), 3, 10))


def test_scaling_down_averages() -> None:
    checks = np.indices((96, 96)).sum(0) % 2 * 255
    small = decode(encoded(checks.astype(np.uint8)), 1, 24)
    assert np.abs(small.astype(int) - 127.5).max() < 12


def test_a_large_jpeg_decoded_at_a_fraction_looks_the_same() -> None:
    rows, columns = np.mgrid[:1024, :1024] / 1024
    smooth = (np.stack([rows, columns, 1 - rows], -1) * 255).astype(np.uint8)
    reduced, whole = decode(encoded(smooth, "JPEG", quality=95), 3, 32), decode(encoded(smooth), 3, 32)
    assert np.abs(reduced.astype(int) - whole).max() <= 3


def test_the_camera_says_what_is_up() -> None:
    pixels = noise(3, 16, 16, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    turned = decode(encoded(pixels, "PNG", exif=exif), 3, 16)
    assert np.array_equal(turned, np.rot90(pixels, -1).transpose(2, 0, 1))


def test_what_shines_through_is_white() -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4, :, 3] = 255
    assert np.array_equal(decode(encoded(pixels), 1, 8)[0, ::7, 0], [0, 255])


def test_16_bits_keep_their_upper_8() -> None:
    deep = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    assert np.array_equal(decode(encoded(deep), 1, 8)[0], deep >> 8)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "not a picture"), (b"%!PS-Adobe-3.0 EPSF-3.0", "not a picture"),
     (encoded(noise(1, 64, 64, 3))[:2000], "damaged")],
)  # fmt: skip
def test_what_is_no_picture_says_so(data: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        decode(data, 3, 8)


def test_a_small_file_cannot_ask_for_gigabytes() -> None:
    bomb = encoded(np.zeros((8000, 8000), np.uint8))
    assert len(bomb) < 200_000
    with pytest.raises(UndecodableError, match="larger than 60 million"):
        decode(bomb, 3, 8)


# Folders

def test_a_folder_becomes_a_data_set(folders: Path) -> None:
    files = write_pictures(folders / "cats", names(20), side=16)
    (folders / "cats" / "readme.txt").write_text("hello")
    (folders / "cats" / ".hidden.png").write_bytes(b"")
    source = find_dataset(f"folder:{folders}/cats?size=16")
    assert source.count("train") == 20 and source.on_disk() and source.image_shape == (3, 16, 16)
    dataset = source.load()
    assert dataset.class_names == ("picture",) and dataset.notice is None and dataset.resident
    for pixels, data in zip(dataset.images, files.values(), strict=True):
        assert np.array_equal(pixels.numpy(), decode(data, 3, 16))


def test_subfolders_are_classes_and_say_what_is_for_testing(folders: Path) -> None:
    files = [f"{part}/{kind}/{name}" for part in ("train", "test") for kind in ("dog", "cat") for name in names(16)]
    write_pictures(folders / "pets", files[:-8])
    source = find_dataset(f"folder:{folders}/pets?size=8&channels=1")
    train, test = source.load("train"), source.load("test")
    assert train.class_names == test.class_names == source.class_names == ("cat", "dog")
    assert train.labels.tolist() == [0] * 16 + [1] * 16 and test.labels.tolist() == [0] * 8 + [1] * 16
    assert train.image_shape == (1, 8, 8) and source.count("test") == 24


def test_without_a_test_folder_both_splits_are_the_whole(folders: Path) -> None:
    write_pictures(folders / "pets", names(16, "a/") + names(4, "b/"))
    source = find_dataset(f"folder:{folders}/pets?size=8")
    assert torch.equal(source.load("train").images, source.load("test").images)
    assert source.class_names == ("a", "b")


def test_a_limit_takes_from_all_over(folders: Path) -> None:
    write_pictures(folders / "pets", names(20, "a/") + names(20, "b/"))
    dataset = find_dataset(f"folder:{folders}/pets?size=8&limit=20").load()
    assert torch.bincount(dataset.labels).tolist() == [10, 10]


def test_the_name_is_the_whole_choice(folders: Path) -> None:
    odd = folders / "odd ?name=& folder"
    write_pictures(odd, names(16))
    name = find_dataset(f"folder:{odd}?channels=1&size=64").name
    assert name == f"folder:{odd}?size=64&channels=1" and find_dataset(name).name == name
    assert find_dataset(f"folder:{odd}").name == f"folder:{odd}?size=96"
    assert find_dataset("celeba?size=96").name == "celeba"
    assert find_dataset("celeba?attribute=Male&limit=99").name == "celeba?limit=99&attribute=Male"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [("?size=5", "Picture size .* must be between 8 and 512"), ("?channels=2", "Colour channels .* must be one of 3"),
     ("?size=big", "must be a whole number"), ("?sise=96", "has no field 'sise'")],
)  # fmt: skip
def test_a_wrong_setting_is_told(folders: Path, options: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        find_dataset(f"folder:{folders}{options}")


def test_a_useless_folder_is_told(folders: Path) -> None:
    with pytest.raises(UserError, match=r"There is no folder .*gone"):
        find_dataset(f"folder:{folders}/gone").load()
    (folders / "empty").mkdir()
    (folders / "empty" / "notes.txt").write_text("no pictures")
    with pytest.raises(UserError, match=r"There are no pictures in .*empty; it must hold files such as"):
        find_dataset(f"folder:{folders}/empty").load()
    write_pictures(folders / "few", names(3))
    with pytest.raises(UserError, match="has only 3 pictures; a GAN needs at least 16"):
        find_dataset(f"folder:{folders}/few").load()
    write_pictures(folders / "broken", names(20))
    for name in names(15):
        (folders / "broken" / name).write_bytes(b"not a picture")
    with pytest.raises(UserError, match=r"too few pictures that can be read; 15 cannot, such as 0000.png: not"):
        find_dataset(f"folder:{folders}/broken").load()


def test_damaged_pictures_are_left_out_and_named(folders: Path) -> None:
    files = write_pictures(folders / "cats", names(30))
    (folders / "cats" / "0003.png").write_bytes(files["0003.png"][:200])
    (folders / "cats" / "0007.png").write_bytes(b"")
    source = find_dataset(f"folder:{folders}/cats?size=8")
    dataset = source.load()
    assert len(dataset) == 28 and dataset.notice is not None
    said = dataset.notice.text.format(**dataset.notice.values)
    assert said.startswith("2 of 30 pictures could not be used and were left out, such as 0003.png: ")
    lines = source.skipped_path().read_text().splitlines()  # type: ignore[attr-defined]
    assert [line.split(":")[0] for line in lines] == ["0003.png", "0007.png"]


def test_a_shared_server_reads_no_folders(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(folders / "cats", names(16))
    monkeypatch.setenv("GAN_HOSTED", "1")
    with pytest.raises(UserError, match="A shared server reads no folders"):
        find_dataset(f"folder:{folders}/cats")


# CelebA and LSUN

def test_celeba_in_its_own_layout(folders: Path) -> None:
    write_celeba(folders / "data" / "celeba", 60)
    source = find_dataset("celeba?size=32")
    train, test = source.load("train"), source.load("test")
    assert (len(train), len(test)) == (source.count("train"), source.count("test")) == (48, 12)
    assert train.class_names == ("not Smiling", "Smiling") and train.image_shape == (3, 32, 32)
    kept = [number for number in range(60) if number % 5]
    assert train.labels.tolist() == [int(number % 3 == 0) for number in kept]
    first = (folders / "data/celeba/img_align_celeba/000002.jpg").read_bytes()
    assert np.array_equal(train.images[0].numpy(), decode(first, 3, 32))
    assert find_dataset("celeba?size=32&attribute=Male").load().labels.sum() == 0


def test_celeba_may_stay_zipped(folders: Path) -> None:
    root = folders / "data" / "celeba"
    write_celeba(root, 40)
    unpacked = find_dataset("celeba?size=16").load().images.clone()
    shutil.make_archive(str(root / "img_align_celeba"), "zip", root, "img_align_celeba")
    shutil.rmtree(root / "img_align_celeba")
    shutil.rmtree(folders / "cache")
    assert torch.equal(find_dataset("celeba?size=16").load().images, unpacked)


def test_celeba_that_is_missing_or_damaged_is_told(folders: Path) -> None:
    assert not find_dataset("celeba").on_disk()
    with pytest.raises(UserError, match=r"CelebA is not in .*; get img_align_celeba.zip"):
        find_dataset("celeba").load()
    write_celeba(folders / "data" / "celeba", 20)
    (folders / "data" / "celeba" / "list_attr_celeba.txt").write_text("20\nMale Smiling\n000001.jpg\n")
    (folders / "data" / "celeba" / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    with pytest.raises(UserError, match=r"annotation files in .* are damaged"):
        find_dataset("celeba").load()


@pytest.mark.parametrize("place", ["data/lsun", "data"])
def test_lsun_in_its_own_layout(folders: Path, place: str) -> None:
    images = [encoded(noise(number, 40, 64, 3), "WEBP", lossless=True) for number in range(30)]
    write_lsun(folders / place / "bedroom_train_lmdb", images)
    source = find_dataset("lsun_bedroom?size=20")
    assert source.on_disk() and source.count("train") == 30
    dataset = source.load()
    order = sorted(range(30), key=lambda number: f"{number * 2654435761 % 2**32:08x}")
    for pixels, number in zip(dataset.images, order, strict=True):
        assert np.array_equal(pixels.numpy(), decode(images[number], 3, 20))
    some = find_dataset("lsun_bedroom?size=20&limit=16").load()
    assert torch.equal(some.images, dataset.images[[number * 30 // 16 for number in range(16)]])
    with pytest.raises(UserError, match=r"bedroom_val_lmdb.zip"):
        source.load("test")


def test_a_damaged_lsun_is_told(folders: Path) -> None:
    (folders / "data" / "bedroom_train_lmdb").mkdir(parents=True)
    (folders / "data" / "bedroom_train_lmdb" / "data.mdb").write_bytes(b"x" * 9000)
    with pytest.raises(UserError, match=r"The LSUN database .* is damaged"):
        find_dataset("lsun_bedroom").load()


# The cache

def test_prepared_pictures_are_read_without_the_files(folders: Path) -> None:
    write_pictures(folders / "cats", names(20))
    name = f"folder:{folders}/cats?size=8"
    first = find_dataset(name).load()
    shutil.rmtree(folders / "cats")
    again = find_dataset(name)
    assert torch.equal(again.load().images, first.images) and again.count("train") == 20 and again.on_disk()


def test_prepared_pictures_can_be_deleted_and_are_made_again(folders: Path) -> None:
    write_pictures(folders / "cats", names(20))
    source = find_dataset(f"folder:{folders}/cats?size=8")
    assert isinstance(source, PictureSource) and source.prepared_bytes == 0
    source.delete_prepared()  # where there is nothing, nothing happens
    before = source.load()
    kept, files = before.images.clone(), cache_bytes(folders)
    assert source.prepared_bytes == 20 * 3 * 8 * 8
    source.delete_prepared()
    assert source.prepared_bytes == 0 and torch.equal(before.images, kept)  # who has them mapped keeps them
    source.load()
    assert cache_bytes(folders) == files
    with exclusive(cache_folder(folders) / ".lock", lambda: None), pytest.raises(UserError, match="right now"):
        source.delete_prepared()
    assert source.prepared_bytes > 0


def test_a_changed_folder_is_prepared_anew_and_old_readers_keep_theirs(folders: Path) -> None:
    write_pictures(folders / "cats", names(20))
    source = find_dataset(f"folder:{folders}/cats?size=8")
    first = source.load()
    kept = first.images.clone()
    (folders / "cats" / "0000.png").write_bytes(encoded(noise(99, 24, 24, 3)))
    second = source.load()
    assert torch.equal(first.images, kept)
    assert not torch.equal(second.images[0], kept[0]) and torch.equal(second.images[1:], kept[1:])


@pytest.mark.parametrize("harm", ["flip", "cut", "grow", "remove"])
def test_a_damaged_cache_is_noticed_and_made_again(folders: Path, harm: str) -> None:
    write_pictures(folders / "cats", names(20))
    source = find_dataset(f"folder:{folders}/cats?size=8")
    good = source.load().images.clone()
    path = cache_folder(folders) / "pictures.u8"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.unlink()  # the mapping of `good` is not to be cut
    if harm != "remove":
        path.write_bytes({"flip": bytes(data), "cut": data[:-5], "grow": data + b"x"}[harm])
    assert torch.equal(source.load().images, good)


def test_an_older_cache_gets_its_index_and_is_not_made_again(folders: Path) -> None:
    """The journal was all there was: what follows from it is made when the cache is opened, and then kept."""
    files = write_pictures(folders / "cats", [f"{kind}/{name}" for kind in ("a", "b") for name in names(20)])
    (folders / "cats" / "a" / "0003.png").write_bytes(files["a/0003.png"][:50])
    source = find_dataset(f"folder:{folders}/cats?size=8")
    good, whole, folder = source.load(), cache_bytes(folders), cache_folder(folders)
    assert good.labels.dtype == torch.int64 and good.labels.tolist() == [0] * 19 + [1] * 20
    for name in ("index.json", "labels.i16"):
        (folder / name).unlink()
    shutil.rmtree(folders / "cats")  # nothing could be prepared again
    for _ in range(2):
        again = source.load()
        assert torch.equal(again.images, good.images) and torch.equal(again.labels, good.labels)
        assert again.notice == good.notice and good.notice is not None and good.notice.values["count"] == 1
    assert cache_bytes(folders) == whole and (folder / "labels.i16").stat().st_size == 2 * 39


def test_opening_reads_no_journal(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(folders / "cats", names(20))
    source = find_dataset(f"folder:{folders}/cats?size=8")
    good = source.load()

    def refuse(path: Path) -> Iterator[dict[str, object]]:
        raise AssertionError(f"{path} was read")

    for module in (picture_cache, picture_index):
        monkeypatch.setattr(module, "read_lines", refuse)
    assert torch.equal(source.load().images, good.images)


@pytest.mark.parametrize("harm", ["labels cut", "labels gone", "index torn", "index of another journal"])
def test_a_damaged_index_is_made_again(folders: Path, harm: str) -> None:
    write_pictures(folders / "cats", [f"{kind}/{name}" for kind in ("a", "b") for name in names(20)])
    source = find_dataset(f"folder:{folders}/cats?size=8")
    source.load()
    labels, index = (cache_folder(folders) / name for name in ("labels.i16", "index.json"))
    kept = json.loads(index.read_text())
    if harm == "labels cut":
        labels.write_bytes(labels.read_bytes()[:-2])
    elif harm == "labels gone":
        labels.unlink()
    elif harm == "index torn":
        index.write_text(index.read_text()[:40])
    else:
        kept["marks"][0]["mtime_ns"] -= 1
        index.write_text(json.dumps(kept | {"pictures": 3}))
    assert source.load().labels.tolist() == [0] * 20 + [1] * 20
    assert json.loads(index.read_text())["pictures"] == 40


def test_a_folder_that_cannot_be_written_to_opens_all_the_same(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(folders / "cats", names(20))
    source = find_dataset(f"folder:{folders}/cats?size=8")
    good, index = source.load(), cache_folder(folders) / "index.json"
    index.unlink()

    def refuse(path: Path, data: bytes, *, durable: bool = False) -> None:
        raise UserError("{folder} cannot be written to.", folder=path.parent)

    monkeypatch.setattr(picture_index, "write_bytes", refuse)
    again = source.load()
    assert torch.equal(again.labels, good.labels) and torch.equal(again.images, good.images)
    assert not index.exists()


def test_memory_stays_flat(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte is mapped, batches are gathered, and next to none of it becomes the process's own."""
    cache = picture_cache.PictureCache(folders / "big", "Big", 3, 128, lambda text, /, **values: None)
    cache.folder.mkdir()
    count = 2**30 // (3 * 128 * 128)
    with (cache.folder / "pictures.u8").open("wb") as stream:
        stream.truncate(count * 3 * 128 * 128)  # a sparse file takes no disk
    head = {"version": picture_cache.VERSION, "class_names": ["a"]}
    block = {"labels": [0] * count, "skipped": [], "crc": 0}
    lines = "".join(f"{line}\n" for line in map(picture_cache.json.dumps, (head, block, {"finished": True})))
    (cache.folder / "journal.jsonl").write_text(lines)
    cache._stamp()
    before = resident_bytes()
    prepared = cache.open()
    assert prepared is not None and len(prepared.images) == count
    for batch in range(20):
        assert prepared.images[torch.arange(batch, count, count // 64)].sum() == 0
    assert resident_bytes() - before < 200 * 2**20


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_full_disk_is_told_before_anything_is_made(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(folders / "cats", names(20))
    monkeypatch.setattr(picture_cache, "SPARE_BYTES", 2**60)
    with pytest.raises(UserError, match=r"20 pictures of 8 × 8 take 0\.0 GB, and the disk that holds .* free"):
        find_dataset(f"folder:{folders}/cats?size=8").load()


def test_stopping_keeps_what_was_done(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_cache, "BLOCK", 4)
    monkeypatch.setattr(picture_cache, "REPORT_SECONDS", 0.0)
    write_pictures(folders / "cats", names(40))
    source = find_dataset(f"folder:{folders}/cats?size=8")
    said: list[str] = []

    def stop_at_20(text: str, /, **values: object) -> None:
        said.append(text.format(**values))
        if values["done"] == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        source.load(report=stop_at_20)
    assert said[-1] == "Preparing Picture folder: 20 of 40 pictures"
    source.load(report=lambda text, /, **values: said.append(text.format(**values)))
    assert said[5] == "Preparing Picture folder: 24 of 40 pictures"


@pytest.mark.parametrize("torn", range(6))
def test_going_on_gives_the_same_files_wherever_it_was_cut(
    folders: Path, monkeypatch: pytest.MonkeyPatch, torn: int
) -> None:
    monkeypatch.setattr(picture_cache, "BLOCK", 4)
    files = write_pictures(folders / "cats", names(40))
    (folders / "cats" / "0009.png").write_bytes(files["0009.png"][:100])
    source = find_dataset(f"folder:{folders}/cats?size=8")
    source.load()
    whole, folder = cache_bytes(folders), cache_folder(folders)
    shutil.copytree(folder, folders / "kept")
    journal = whole[1].splitlines(keepends=True)
    cuts: list[Callable[[], tuple[bytes, bytes]]] = [
        lambda: (b"", journal[0]),
        lambda: (whole[0][:100], journal[0]),  # the pictures came before their line
        lambda: (whole[0], b"".join(journal[:4]) + journal[4][:20]),  # a line torn in its middle
        lambda: (whole[0][:1000], b"".join(journal[:8])),  # lines whose pictures never reached the disk
        lambda: (b"\0" * len(whole[0]), b"".join(journal[:8])),  # nor these, but the file had its length
        lambda: (whole[0], b"".join(journal[:-1])),  # all but the last line
    ]
    shutil.rmtree(folder)
    folder.mkdir()
    for name, data in zip(FILES, cuts[torn](), strict=False):
        (folder / name).write_bytes(data)
    source.load()
    assert cache_bytes(folders) == whole


def prepare(name: str, done: Queue[int]) -> None:
    done.put(len(find_dataset(name).load()))


def test_killed_at_any_instant_it_goes_on_to_the_same_files(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_cache, "BLOCK", 8)
    write_pictures(folders / "cats", names(160), side=100)
    name = f"folder:{folders}/cats?size=32"
    find_dataset(name).load()
    whole, folder = cache_bytes(folders), cache_folder(folders)
    shutil.rmtree(folder)
    sizes = []
    for share in (0.05, 0.4, 0.75):
        process = FORK.Process(target=prepare, args=(name, FORK.Queue()))
        process.start()
        made, deadline = folder / "pictures.u8", time.monotonic() + 60
        while not made.exists() or made.stat().st_size < share * len(whole[0]):
            assert time.monotonic() < deadline and process.is_alive()
            time.sleep(0.001)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        sizes.append(made.stat().st_size)
    assert 0 < sizes[0] < sizes[1] < sizes[2] < len(whole[0])
    find_dataset(name).load()
    assert cache_bytes(folders) == whole


def test_two_processes_prepare_one_cache(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_cache, "BLOCK", 8)
    write_pictures(folders / "cats", names(200), side=64)
    name = f"folder:{folders}/cats?size=32"
    done: Queue[int] = FORK.Queue()
    processes = [FORK.Process(target=prepare, args=(name, done)) for _ in range(2)]
    for process in processes:
        process.start()
    assert [done.get(timeout=60) for _ in processes] == [200, 200]
    for process in processes:
        process.join()
    together = cache_bytes(folders)
    shutil.rmtree(cache_folder(folders))
    find_dataset(name).load()
    assert cache_bytes(folders) == together


def test_a_large_set_stays_in_its_file(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(folders / "cats", names(20))
    monkeypatch.setattr(pictures, "RESIDENT_BYTES", 100)
    dataset = find_dataset(f"folder:{folders}/cats?size=8").load()
    assert not dataset.resident
    moved = dataset.to(torch.device("meta"))
    assert moved.images.device.type == "cpu" and moved.labels.device.type == "meta"

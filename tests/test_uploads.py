"""Zip files from strangers: kept within limits, read where they are, and nothing of them written elsewhere."""

from __future__ import annotations

import io
import os
import stat
import time
import warnings
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import pytest

from gan_core.config import UserError
from gan_core.data import find_dataset
from gan_core.datasets import archives
from gan_core.datasets.archives import Limits, delete_upload, open_pictures, store_upload, uploads, uploads_dir
from gan_core.datasets.decoding import decode
from tests.picture_files import encoded, noise, zipped


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GAN_HOSTED", raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)
    return tmp_path


def pictures(count: int, folder: str = "") -> dict[str, bytes]:
    return {f"{folder}{number:03d}.png": encoded(noise(number, 12, 12, 3)) for number in range(count)}


def store(data: bytes, filename: str = "my cats.zip") -> str:
    return store_upload(io.BytesIO(data), filename)


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_an_upload_becomes_a_data_set(folders: Path) -> None:
    files = pictures(16, "all/cat/") | pictures(4, "all/dog/") | {"all/readme.txt": b"", "__MACOSX/all/._000.png": b""}
    name = store(zipped(files))
    assert name.startswith("my-cats-") and uploads() == [name] and store(zipped(files)) == name
    source = find_dataset(f"upload:{name}?size=12")
    dataset = source.load()
    assert dataset.name == source.name == f"upload:{name}?size=12" and dataset.notice is None
    assert dataset.class_names == ("cat", "dog") and dataset.labels.tolist() == [0] * 16 + [1] * 4
    assert np.array_equal(dataset.images[0].numpy(), decode(files["all/cat/000.png"], 3, 12))


def test_what_would_lead_elsewhere_is_left_out_and_named(folders: Path) -> None:
    picture = encoded(noise(1, 12, 12, 3))
    stream = io.BytesIO(zipped(pictures(20)))
    with ZipFile(stream, "a") as archive:
        for name in ("../../evil.png", "/evil.png", "..\\evil.png", "C:\\evil.png", "a/../../evil.png"):
            archive.writestr(name, picture)
        link = ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    source = find_dataset(f"upload:{store(stream.getvalue())}?size=8")
    dataset = source.load()
    assert len(dataset) == 20 and dataset.notice is not None and dataset.notice.values["count"] == 6
    lines = source.skipped_path().read_text()  # type: ignore[attr-defined]
    assert lines.count("its name leads out of the archive") == 5
    assert "link.png: cannot be read (not a plain file)" in lines
    assert not [name for name in everything(folders) if "evil" in name or "link" in name]
    assert all(name.startswith(("data/uploads/",)) for name in everything(folders))


@pytest.mark.parametrize("data", [b"", b"not a zip", zipped(pictures(2))[:-30]])
def test_what_is_no_zip_is_told(folders: Path, data: bytes) -> None:
    with pytest.raises(UserError, match="not a zip file, or it is damaged"):
        store(data)
    assert everything(folders) == set()


def test_a_zip_without_pictures_is_told(folders: Path) -> None:
    with pytest.raises(UserError, match="There are no pictures in the zip file"):
        store(zipped({"notes.txt": b"x", ".hidden/a.png": b"x"}))
    assert everything(folders) == set()


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [(Limits(9, 10**9, 10**9), "holds 10 files, more than the 9 allowed"),
     (Limits(10, 10**9, 4000), "would unpack to 0 MB, more than the 0 MB allowed"),
     (Limits(10, 4000, 10**9), "larger than the 0 MB allowed")],
)  # fmt: skip
def test_limits(folders: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits, sentence: str) -> None:
    monkeypatch.setattr(archives, "OWN", limits)
    with pytest.raises(UserError, match=sentence):
        store(zipped(pictures(10)))
    assert everything(folders) == set()


def test_a_trap_is_not_unpacked(folders: Path) -> None:
    stream = io.BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", b"\0" * (archives.RATIO_MATTERS + 1))
    with pytest.raises(UserError, match="its contents unpack without end"):
        store(stream.getvalue())
    assert everything(folders) == set()


def test_members_that_share_their_bytes_are_a_trap(folders: Path) -> None:
    """Many entries that point at one compressed stream, which no ratio of a single entry shows."""
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("a.png", encoded(noise(1, 64, 64, 3)))
        archive.filelist.extend([archive.filelist[0]] * 50)
        archive._didModify = True
    with pytest.raises(UserError, match="its contents unpack without end"):
        store(stream.getvalue())


def test_an_encrypted_or_damaged_picture_is_named(folders: Path) -> None:
    data = bytearray(zipped(pictures(20)))
    at = data.rindex(b"PK\x01\x02")  # the last picture's entry in the directory
    data[at + 8] |= 1
    dataset = find_dataset(f"upload:{store(bytes(data))}?size=8").load()
    assert dataset.notice is not None and dataset.notice.values["example"] == "019.png: cannot be read (encrypted)"
    broken = bytearray(zipped(pictures(20)))
    broken[broken.index(b"IDAT") + 60] ^= 255
    dataset = find_dataset(f"upload:{store(bytes(broken))}?size=8").load()
    assert dataset.notice is not None and str(dataset.notice.values["example"]).startswith("000.png: ")


def test_a_full_disk_is_told(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SPARE_BYTES", 2**60)
    with pytest.raises(UserError, match=r"The disk that holds .*uploads is full"):
        store(zipped(pictures(16)))
    assert everything(folders) == set()


def test_a_deleted_upload_is_gone_and_told(folders: Path) -> None:
    name = store(zipped(pictures(16)))
    source = find_dataset(f"upload:{name}?size=8")
    dataset = source.load()
    kept = dataset.images.clone()
    delete_upload(name)
    assert everything(folders) == set() and uploads() == []
    assert (dataset.images == kept).all()  # a run that trains on them goes on
    with pytest.raises(UserError, match=r"uploaded pictures my-cats-\w+ are gone; upload the zip file again"):
        source.load()


@pytest.mark.parametrize("name", ["../secret", "a/b", "", "a.b", "x" * 81])
def test_an_uploads_name_is_no_path(name: str) -> None:
    with pytest.raises(UserError, match="There is no upload"):
        find_dataset(f"upload:{name}")


def test_a_shared_server_has_tighter_limits_and_forgets(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = store(zipped(pictures(16)), "old.zip")
    find_dataset(f"upload:{old}?size=8").load()
    yesterday = time.time() - archives.HOSTED_SECONDS - 1
    os.utime(uploads_dir() / f"{old}.zip", (yesterday, yesterday))
    monkeypatch.setenv("SPACE_ID", "someone/space")
    new = store(zipped(pictures(17)), "new.zip")
    assert len(find_dataset(f"upload:{new}?size=8").load()) == 17
    assert uploads() == []  # a visitor is not shown those of others
    assert {name.split("/")[2] for name in everything(folders)} == {f"{new}.zip", f"{new}.prepared"}
    monkeypatch.setattr(archives, "VISITOR", Limits(10, 10**9, 10**9))
    with pytest.raises(UserError, match="holds 18 files, more than the 10 allowed"):
        store(zipped(pictures(18)))


def test_file_names_become_plain_words(folders: Path) -> None:
    data = zipped(pictures(16))
    assert store(data, "../../etc/pass wd?.zip").rpartition("-")[0] == "pass-wd"
    assert store(data, "猫.zip").rpartition("-")[0] == "猫"
    assert store(data, ".zip").rpartition("-")[0] == "zip"
    assert all(open_pictures(path).members for path in uploads_dir().glob("*.zip"))

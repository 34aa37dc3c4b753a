"""References, uploads, and the list of runs."""

import hashlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gan_core import library, shelf, uploads
from gan_core.checkpoints import save_checkpoint
from gan_core.config import UserError
from gan_core.files import write_json
from gan_core.runs import list_runs, runs_dir
from tests.made_runs import STEPS_PER_EPOCH, add_snapshot, make_run, write_bundle
from tests.small import small_recipe


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "weights")
    return tmp_path / "weights"


@pytest.fixture
def bundle(tmp_path: Path) -> bytes:
    write_bundle(tmp_path / "made.safetensors", small_recipe("cgan"))
    return (tmp_path / "made.safetensors").read_bytes()


def kept() -> list[str]:
    folder = library.uploads_dir()
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_list_of_models_follows_a_replaced_manifest(weights: Path) -> None:
    assert library.models() == []
    weights.mkdir()
    for names in (["cgan"], ["cgan", "dcgan"], ["dcgan"]):
        entries = [{"name": name, "title": name, "recipe": name, "dataset": "mnist"} for name in names]
        write_json(weights / "manifest.json", {"bundles": entries})
        assert [model.ref for model in library.models()] == names


def test_the_top_of_the_newest_sheet_follows_the_run() -> None:
    run = make_run("fc_gan", epochs=())
    assert shelf.top_of_newest_sheet(run, 1) is None
    for epoch in (1, 2):
        add_snapshot(run, epoch)
        found = shelf.top_of_newest_sheet(run, 1)
        assert found is not None
        picture, shown = found
        assert shown == epoch and (picture == epoch * STEPS_PER_EPOCH).all()
        assert picture.shape == (27, 56)  # the first of two rows, with the gap between them gone


@pytest.mark.parametrize("ref", ["cgan", "cgan@4680", "run:20261121-090000-cgan", "run:a-b@12", "upload:my-file"])
def test_references_of_the_library_may_come_out_of_a_url(ref: str) -> None:
    assert library.listed(ref)


@pytest.mark.parametrize(
    "ref", ["", ".", "..", "/etc/passwd", "a/b", "run:", "run:..", "run:../x", "run:a/b", "upload:../x", "upload:a@1",
            "upload:", "cgan@", "cgan@x", "a b", "runs\\x", "x.safetensors", "run:.uploads"],
)  # fmt: skip
def test_paths_and_nonsense_may_not(ref: str) -> None:
    assert not library.listed(ref)


@pytest.mark.parametrize("ref", ["run:..", "run:../outside", "run:", "run:.", "run:a/b", "run:..\\x", "upload:../made",
                                 "upload:..", "upload:"])  # fmt: skip
def test_a_reference_never_leaves_its_folder(ref: str, bundle: bytes) -> None:
    (runs_dir() / "snapshots").mkdir(parents=True)
    (runs_dir() / "snapshots" / "step-00000001.safetensors").write_bytes(bundle)
    with pytest.raises(UserError, match="There is no model"):
        library.find_path(ref)


def test_a_snapshot_is_named_by_its_step() -> None:
    run = make_run("fc_gan", epochs=(1, 2))
    assert library.find_path(f"run:{run.id}@10") == run.bundle_path(10)
    assert library.find_path(f"run:{run.id}") == run.bundle_path(20)
    assert [item.epoch for item in library.snapshots(f"run:{run.id}@10")] == [1, 2]
    assert library.without_step(f"run:{run.id}@10") == f"run:{run.id}"
    with pytest.raises(UserError, match="keeps no networks"):
        library.find_path(f"run:{run.id}@15")


def test_a_damaged_snapshot_does_not_hide_the_others() -> None:
    run = make_run("fc_gan", epochs=(1, 2))
    run.bundle_path(10).write_bytes(b"damaged")
    assert [item.step for item in library.snapshots(f"run:{run.id}")] == [20]


def test_an_upload_can_be_chosen_renamed_and_deleted(bundle: bytes) -> None:
    model = uploads.save_upload("My digits.safetensors", bundle)
    assert model.ref == "upload:My-digits"
    assert library.find_path(model.ref).read_bytes() == bundle
    assert [item.ref for item in library.models()] == ["upload:My-digits"]
    assert uploads.rename_upload("My-digits", "Better") == "Better"
    assert kept() == ["Better.safetensors"]
    uploads.delete_upload("Better")
    assert kept() == []


def test_the_same_file_is_kept_once_and_another_of_that_name_beside_it(bundle: bytes, tmp_path: Path) -> None:
    write_bundle(tmp_path / "other.safetensors", small_recipe("fc_gan"))
    for data in (bundle, bundle, (tmp_path / "other.safetensors").read_bytes()):
        uploads.save_upload("a.safetensors", data)
    assert kept() == ["a-2.safetensors", "a.safetensors"]


@pytest.mark.parametrize(
    "name, stem",
    [
        ("../../../etc/evil.safetensors", "evil"),
        ("..\\..\\evil.safetensors", "evil"),
        ("/abs/olute.safetensors", "olute"),
        (".hidden.safetensors", "hidden"),
        ("..safetensors", "bundle"),
        ("a b/c?d#e&f.SAFETENSORS", "c-d-e-f"),
        ("手写数字.safetensors", "手写数字"),
        ("x" * 500 + ".safetensors", "x" * uploads.NAME_LENGTH),
        ("字" * 500, "字" * uploads.NAME_LENGTH),
        ("\0\n.safetensors", "bundle"),
    ],
)
def test_an_uploads_name_is_plain_and_in_its_folder(name: str, stem: str, bundle: bytes) -> None:
    model = uploads.save_upload(name, bundle)
    assert model.ref == f"upload:{stem}"
    assert library.listed(model.ref)
    assert kept() == [f"{stem}.safetensors"]


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped header", "other safetensors", "not finite"])
def test_a_wrong_or_damaged_file_is_one_sentence_and_nothing_is_kept(
    damage: str, bundle: bytes, tmp_path: Path
) -> None:
    other = tmp_path / "checkpoint.safetensors"
    save_checkpoint(other, {"step": 1, "tensors": {"a": torch.zeros(3)}}, {"seconds": 1})
    data = {
        "empty": b"",
        "text": b"just some text, " * 10,
        "cut": bundle[: len(bundle) // 2],
        "flipped header": bundle[:20] + bytes([bundle[20] ^ 255]) + bundle[21:],
        "other safetensors": other.read_bytes(),
        "not finite": bundle[:-4] + b"\x00\x00\xc0\x7f",
    }[damage]
    with pytest.raises(UserError) as caught:
        uploads.save_upload("mine.safetensors", data)
    assert "mine.safetensors" in str(caught.value)
    assert ".part" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert kept() == []


def test_uploads_are_renamed_and_deleted_only_within_their_folder(bundle: bytes) -> None:
    run = make_run("fc_gan")
    uploads.save_upload("a.safetensors", bundle)
    uploads.save_upload("b.safetensors", bundle + b"")
    for wrong in (f"../{run.id}/snapshots/step-00000010", "..", "", "nothing"):
        with pytest.raises(UserError):
            uploads.delete_upload(wrong)
        with pytest.raises(UserError):
            uploads.rename_upload(wrong, "c")
    with pytest.raises(UserError, match="already"):
        uploads.rename_upload("a", "b")
    with pytest.raises(UserError, match="at least one"):
        uploads.rename_upload("a", " / ")
    assert uploads.rename_upload("a", "../../up") == "up"
    assert kept() == ["b.safetensors", "up.safetensors"]
    assert run.bundle_path(10).exists()


def test_a_shipped_file_is_whole_only_with_its_own_checksum(weights: Path) -> None:
    write_bundle(weights / "cgan.safetensors", small_recipe("cgan"))
    path = weights / "cgan.safetensors"
    entry = {"name": "cgan", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert shelf.is_whole(entry)
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    assert not shelf.is_whole(entry)
    path.unlink()
    assert not shelf.is_whole(entry)


def test_runs_at_a_glance_follow_every_change() -> None:
    run = make_run("fc_gan", name="First", state="running")
    (entry,) = shelf.run_entries()
    assert (entry.about.name, entry.status.state) == ("First", "running")
    assert (entry.recipe, entry.dataset) == ("fc_gan", "mnist")
    run.rename("Second")
    run.set_status(replace(run.status(), state="finished"))
    (entry,) = shelf.run_entries()
    assert (entry.about.name, entry.status.state) == ("Second", "finished")
    before = shelf.run_bytes(run)
    (run.path / "snapshots" / "more").write_bytes(bytes(1000))
    assert shelf.run_bytes(run) == before + 1000
    assert shelf.disk_use().runs == before + 1000
    run.delete()
    assert shelf.run_entries() == []


def test_a_damaged_run_is_listed_so_that_it_can_be_deleted() -> None:
    run = make_run("fc_gan")
    (run.path / "recipe.json").write_text("{")
    (run.path / "status.json").unlink()
    (entry,) = shelf.run_entries()
    assert (entry.recipe, entry.status.state) == ("", "failed")
    run.delete()
    assert not run.path.exists()


def test_runs_are_found_by_words_recipe_and_state() -> None:
    make_run("fc_gan", name="Long walk")
    make_run("cgan", name="Short walk", state="stopped")
    entries = shelf.run_entries()

    def names(**asked: object) -> set[str]:
        return {entry.about.name for entry in shelf.matching(entries, **asked)}  # type: ignore[arg-type]

    assert names() == names(text="WALK") == {"Long walk", "Short walk"}
    assert names(text="walk cgan") == names(recipe="cgan") == {"Short walk"}
    assert names(states=frozenset({"finished"})) == {"Long walk"}
    assert names(text="nothing") == set()


def test_runs_started_together_are_found_in_order() -> None:
    first, second = make_run("fc_gan", group="pair"), make_run("cgan", group="pair")
    make_run("cgan")
    for age, run in ((20, first), (10, second)):
        about = json.loads((run.path / "about.json").read_text())
        (run.path / "about.json").write_text(json.dumps(about | {"created": time.time() - age}))
    assert [entry.id for entry in shelf.group_entries("pair")] == [first.id, second.id]
    assert shelf.group_entries("") == []


def test_a_thousand_runs_are_listed_in_a_moment() -> None:
    made = make_run("fc_gan", epochs=(1,))
    for number in range(1000):
        path = runs_dir() / f"20260101-000000-{number:04d}"
        (path / "snapshots").mkdir(parents=True)
        for name in ("about.json", "recipe.json", "status.json"):
            os.link(made.path / name, path / name)
    assert len(shelf.run_entries()) == 1001
    shelf.disk_use()
    start = time.perf_counter()
    assert len(shelf.run_entries()) == 1001
    shelf.disk_use()
    library.models()
    assert time.perf_counter() - start < 1.5  # tenths of a second here; a slow machine may take its time


def test_folders_that_hold_no_run_are_passed_over() -> None:
    make_run("fc_gan")
    for name in (".uploads", ".import-x", "empty"):
        (runs_dir() / name).mkdir()
    (runs_dir() / ".import-x" / "recipe.json").write_text("{}")
    assert len(list_runs()) == 1

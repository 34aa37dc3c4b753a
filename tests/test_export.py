"""A run as a zip file, and back."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from gan_core import library
from gan_core.checkpoints import load_bundle
from gan_core.config import UserError
from gan_core.export import export_run, import_run, write_zip
from gan_core.runs import Run, list_runs, runs_dir
from tests.made_runs import make_run


def rewritten(data: bytes, changes: dict[str, bytes | None]) -> io.BytesIO:
    """The zip file with files put in, replaced or (None) left out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, content in changes.items():
            if content is not None:
                new.writestr(name, content)
    stream.seek(0)
    return stream


def folder() -> list[str]:
    return sorted(path.name for path in runs_dir().iterdir())


def test_an_export_holds_recipe_curves_sheets_networks_and_says_how_to_load_them() -> None:
    run = make_run("fc_gan", name="My run")
    with zipfile.ZipFile(io.BytesIO(export_run(run))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "README.txt", "about.json", "recipe.json", "status.json", "metrics.jsonl", "log.txt",
            "snapshots/step-00000010.png", "snapshots/step-00000010.safetensors",
            "snapshots/step-00000020.png", "snapshots/step-00000020.safetensors",
            "checkpoints/step-00000020.safetensors",
        ]  # fmt: skip
        assert archive.read("metrics.jsonl") == run.metrics_path.read_bytes()
        assert "My run" in archive.read("README.txt").decode()


def test_the_same_run_gives_the_same_bytes_and_the_folder_is_left_alone() -> None:
    run = make_run("fc_gan")
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert export_run(run) == export_run(run)
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert folder() == [run.id]


def test_it_can_be_written_to_a_stream_that_cannot_go_back() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:  # type: ignore[no-untyped-def]
            self.data += bytes(data)
            return len(data)

    pipe, run = Pipe(), make_run("fc_gan")
    write_zip(run, pipe)
    with zipfile.ZipFile(io.BytesIO(pipe.data)) as archive:
        assert archive.testzip() is None


def test_a_live_run_is_exported_as_a_stopped_one_without_its_process() -> None:
    with zipfile.ZipFile(io.BytesIO(export_run(make_run("fc_gan", state="running")))) as archive:
        status = json.loads(archive.read("status.json"))
    assert (status["state"], status["pid"], status["pid_created"]) == ("stopped", 0, 0.0)


def test_a_run_that_is_gone_is_one_sentence() -> None:
    with pytest.raises(UserError, match="gone or damaged"):
        export_run(Run(runs_dir() / "nothing"))


def test_what_was_exported_comes_back_the_same() -> None:
    run = make_run("cgan", name="My run", epochs=(1, 2))
    back = import_run(io.BytesIO(export_run(run)))
    assert back.id != run.id
    assert back.recipe() == run.recipe()
    assert back.about().name == "My run"
    assert back.status().state == "finished"
    assert back.history().scalars == run.history().scalars
    assert [sheet.step for sheet in back.sheets()] == [10, 20]
    assert library.find_path(f"run:{back.id}@10").read_bytes() == run.bundle_path(10).read_bytes()
    load_bundle(library.find_path(f"run:{back.id}"))
    assert {entry.id for entry in list_runs()} == {run.id, back.id}


@pytest.mark.parametrize(
    "changes",
    [
        {"../outside.txt": b"x"},
        {"/tmp/outside.txt": b"x"},
        {"snapshots/../../outside.png": b"x"},
        {"snapshots/step-00000010.py": b"x"},
        {"start.pickle": b"x"},
        {"recipe.json": None},
        {"recipe.json": b"[]"},
        {"recipe.json": b"{"},
        {"status.json": b'{"step": "many"}'},
        {"about.json": b"[1]"},
        {"metrics.jsonl": None},
        {"snapshots/step-00000010.png": b"no picture"},
        {"snapshots/step-00000010.safetensors": b"no bundle"},
        {"checkpoints/step-00000020.safetensors": b"no checkpoint"},
    ],
)
def test_a_file_that_is_no_run_is_refused_and_leaves_nothing(changes: dict[str, bytes | None], tmp_path: Path) -> None:
    data = export_run(make_run("fc_gan"))
    before = folder()
    with pytest.raises(UserError):
        import_run(rewritten(data, changes))
    assert folder() == before
    assert not list(tmp_path.rglob("outside*"))


@pytest.mark.parametrize("data", [b"", b"no zip file", b"PK\x03\x04 cut short"])
def test_what_is_no_zip_file_is_one_sentence(data: bytes) -> None:
    with pytest.raises(UserError, match="not a whole run"):
        import_run(io.BytesIO(data))
    assert folder() == []


def test_a_cut_file_is_refused() -> None:
    data = export_run(make_run("fc_gan"))
    before = folder()
    with pytest.raises(UserError):
        import_run(io.BytesIO(data[: len(data) // 2]))
    assert folder() == before


def test_lines_of_the_curves_that_make_no_sense_are_passed_over() -> None:
    data = export_run(make_run("fc_gan", epochs=(1,)))
    lines = b'{"event": "scalars", "step": "x"}\n[]\nno JSON\n'
    lines += b'{"event": "scalars", "step": 1, "epoch": 1, "values": {"loss_g": "b"}}\n'
    good = b'{"event": "scalars", "step": 1, "epoch": 0.1, "seconds": 1, "values": {"loss_g": 2.0}}\n'
    back = import_run(rewritten(data, {"metrics.jsonl": lines + good}))
    assert back.history().scalars["loss_g"] == [2.0]


def test_a_run_that_claims_to_be_alive_is_taken_in_as_stopped() -> None:
    data = export_run(make_run("fc_gan"))
    status = json.dumps({"state": "running", "pid": 1, "template": "{0.__class__}"}).encode()
    back = import_run(rewritten(data, {"status.json": status})).status()
    assert (back.state, back.pid, back.template) == ("stopped", 0, "")

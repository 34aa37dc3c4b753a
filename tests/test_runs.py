"""Run folders: made once, read fresh, never half written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gan_core.config import UserError
from gan_core.runs import Run, Status, create_run, find_run, list_runs, runs_dir
from tests.small import small_recipe


def test_a_new_run_waits_with_all_that_decides_it() -> None:
    recipe = small_recipe("cgan")
    run = create_run(recipe, name="Mine", device="cpu", parent="x@3", group="pair")
    assert run.path.parent == runs_dir() and run.id.endswith("-cgan")
    about = run.about()
    assert (about.name, about.device, about.parent, about.group) == ("Mine", "cpu", "x@3", "pair")
    assert run.recipe() == recipe and run.status().state == "queued" and run.command() == "run"
    assert [found.id for found in list_runs()] == [run.id] and find_run(run.id).path == run.path


def test_runs_of_one_second_have_names_of_their_own() -> None:
    assert len({create_run(small_recipe()).id for _ in range(4)}) == 4


def test_a_folder_of_ones_own_may_be_empty_but_not_in_use(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert create_run(small_recipe(), path=tmp_path / "empty").exists()
    assert create_run(small_recipe(), path=tmp_path / "new" / "deep").exists()
    for taken in (tmp_path / "empty", tmp_path):
        with pytest.raises(UserError, match="exists already"):
            create_run(small_recipe(), path=taken)
    (tmp_path / "file").write_text("")
    for impossible in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/run")):
        with pytest.raises(UserError, match="cannot be made"):
            create_run(small_recipe(), path=impossible)


def test_a_folder_is_a_run_only_when_it_is_whole(tmp_path: Path) -> None:
    run = create_run(small_recipe(), root=tmp_path)
    (run.path / "recipe.json").unlink()
    assert not run.exists() and list_runs(tmp_path) == []
    with pytest.raises(UserError, match="no run"):
        find_run(run.id, tmp_path)
    with pytest.raises(UserError, match="gone or damaged"):
        run.recipe()


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_damaged_files_are_told_not_thrown(text: str) -> None:
    run = create_run(small_recipe())
    for name in ("status.json", "about.json"):
        (run.path / name).write_text(text)
    assert run.status().state == "failed" and "incomplete" in run.status().message
    assert run.about().name == run.id


def test_a_newer_versions_fields_are_passed_over() -> None:
    run = create_run(small_recipe())
    (run.path / "status.json").write_text(json.dumps({"state": "paused", "colour": "red"}))
    assert run.status() == Status("paused")


def test_a_message_is_its_template_filled() -> None:
    status = Status().saying("At {step} of {total}: {text}", step=3, total=5, text="{x}")
    assert status.message == "At 3 of 5: {x}"
    assert status.template.format(**status.values) == status.message
    assert status.saying("").message == ""


def test_progress_and_time_left() -> None:
    status = Status("running", step=25, total_steps=100, seconds=10)
    assert status.progress == 0.25 and status.seconds_left == pytest.approx(30)
    assert Status().progress == 0 and Status().seconds_left is None


def test_names_can_be_changed_but_not_taken_away() -> None:
    run = create_run(small_recipe())
    run.rename("  Better ")
    assert run.about().name == "Better"
    with pytest.raises(UserError, match="at least one character"):
        run.rename("  ")


def test_a_live_run_is_not_deleted() -> None:
    run = create_run(small_recipe())
    with pytest.raises(UserError, match="stop it"):
        run.delete()
    run.set_status(replace(run.status(), state="stopped"))
    run.delete()
    assert not run.path.exists() and run.command() == "stop"


def test_metrics_are_cut_at_a_checkpoint() -> None:
    run = create_run(small_recipe())
    lines = [
        {"event": "scalars", "step": 1, "values": {}},
        {"event": "snapshot", "step": 2},
        {"event": "snapshot", "step": 2, "interrupted": True},
        {"event": "scalars", "step": 3, "values": {}},
    ]
    run.metrics_path.write_text("\n".join(map(json.dumps, lines)) + '\n{"event": "sca')
    run.cut_metrics(2)
    assert [json.loads(text) for text in run.metrics_path.read_text().splitlines()] == lines[:2]


def test_an_unknown_command_means_run() -> None:
    run = create_run(small_recipe())
    run.set_command("stop")
    assert run.command() == "stop"
    (run.path / "control").write_text("dance")
    assert run.command() == "run"


def test_a_run_elsewhere_is_not_reached_by_its_name(tmp_path: Path) -> None:
    other = create_run(small_recipe(), path=tmp_path / "other")
    with pytest.raises(UserError):
        find_run(f"../{other.id}")
    assert not Run(runs_dir() / "none").exists()

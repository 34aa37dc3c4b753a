"""The training process: control while it runs, and what becomes of a run when its surroundings fail."""

from __future__ import annotations

import resource
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gan_core import preparation, recording, standing, worker
from gan_core import trainer as trainer_module
from gan_core.checkpoints import read_bundle_info, read_tensors
from gan_core.data import find_dataset
from gan_core.events import Event, Scalars, StepDone
from gan_core.files import write_json
from gan_core.images import read_png
from gan_core.runs import Run, create_run
from gan_core.standing import Standing
from gan_core.trainer import Trainer
from gan_core.worker import train_run
from tests.small import small_recipe

pytestmark = pytest.mark.usefixtures("noise_mnist")


def new_run(changes: dict[str, Any] | None = None, **more: Any) -> Run:
    return create_run(small_recipe("fc_gan", changes), **more)


def at_step(step: int, action: Callable[[], object]) -> Callable[[Trainer, Event], None]:
    """An observer that acts once, after that step."""
    done: list[bool] = []

    def on_event(trainer: Trainer, event: Event) -> None:
        if isinstance(event, StepDone) and event.step >= step and not done:
            done.append(True)
            action()

    return on_event


def final_weights(run: Run) -> dict[str, torch.Tensor]:
    return read_tensors(run.checkpoints()[0])


def test_a_finished_run_has_everything_in_its_folder() -> None:
    run = new_run({"snapshots.epochs": (0,)})
    seen: list[Event] = []
    status = train_run(run, lambda trainer, event: seen.append(event))
    assert status.state == run.status().state == "finished"
    assert (status.step, status.total_steps, status.message, status.pid) == (11, 11, "", 0)
    assert status.device.startswith("CPU") and status.images_per_second > 0 and status.seconds > 0
    assert [event.step for event in seen if isinstance(event, Scalars)] == run.history().scalars["step"]
    sheets = run.sheets()
    assert [(sheet.step, sheet.bundle is not None) for sheet in sheets] == [(0, True), (11, True)]
    assert read_png(sheets[0].picture.read_bytes()).shape == (2 * 28 + 2, 2 * 28 + 2)
    assert len(sheets[0].verdicts) == 4 and all(0 <= verdict <= 1 for verdict in sheets[0].verdicts)
    info = read_bundle_info(sheets[1].bundle)  # type: ignore[arg-type]
    assert info.step == 11 and info.recipe == run.recipe() and info.class_names == tuple("0123456789")
    assert len(run.checkpoints()) == 1
    assert not [path for path in run.path.rglob("*") if path.name.endswith(".tmp")]


def test_a_stopped_run_keeps_everything_and_goes_on_exactly() -> None:
    longer = {"training.steps": 400, "training.log_every": 3}
    whole, run = new_run(longer), new_run(longer)
    train_run(whole)
    status = train_run(run, at_step(5, lambda: run.set_command("stop")))
    assert status.state == "stopped" and 5 <= status.step < 400
    assert run.newest_bundle() == run.bundle_path(status.step)
    run.set_command("run")
    assert train_run(run).state == "finished"
    one, other = run.history(), whole.history()
    assert one.scalars.pop("seconds") != other.scalars.pop("seconds")
    assert one.scalars == other.scalars
    assert [line["step"] for line in one.snapshots] == [line["step"] for line in other.snapshots]
    assert all(torch.equal(tensor, final_weights(whole)[name]) for name, tensor in final_weights(run).items())


def test_a_paused_run_waits_and_goes_on() -> None:
    run, seen = new_run({"training.steps": 400}), []

    def go_on() -> None:
        while run.status().state != "paused":
            time.sleep(0.01)
        before = run.status()
        time.sleep(0.3)
        seen.append((before, run.status(), len(run.checkpoints())))
        run.set_command("run")

    helper = threading.Thread(target=go_on)

    def pause() -> None:
        run.set_command("pause")
        helper.start()

    status = train_run(run, at_step(3, pause))
    helper.join()
    (before, after, checkpoints) = seen[0]
    assert status.state == "finished" and status.step == 400
    assert before == after and before.state == "paused" and checkpoints == 1


def test_a_paused_run_can_be_stopped() -> None:
    run = new_run({"training.steps": 400})

    def stop() -> None:
        while run.status().state != "paused":
            time.sleep(0.01)
        run.set_command("stop")

    helper = threading.Thread(target=stop)

    def pause() -> None:
        run.set_command("pause")
        helper.start()

    assert train_run(run, at_step(3, pause)).state == "stopped"
    helper.join()


def test_a_branch_starts_with_the_networks_of_its_snapshot() -> None:
    parent = new_run()
    train_run(parent)
    branch = new_run({"training.steps": 1}, start_from=parent.newest_bundle(), parent=f"{parent.id}@11")
    starts: list[dict[str, torch.Tensor]] = []

    def keep(trainer: Trainer, event: Event) -> None:
        if trainer.step == 0:
            starts.append({key: value.clone() for key, value in trainer.generator.state_dict().items()})

    assert train_run(branch, keep).state == "finished"
    kept = read_tensors(parent.newest_bundle())  # type: ignore[arg-type]
    assert all(torch.equal(value, kept[f"generator.{key}"]) for key, value in starts[0].items())
    assert branch.about().parent == f"{parent.id}@11"


def test_a_damaged_checkpoint_gives_way_to_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "CHECKPOINT_SECONDS", 0.0)  # one after each step
    run = new_run()
    train_run(run)
    newest, older = run.checkpoints()
    newest.write_bytes(newest.read_bytes()[:-50])
    weights = read_tensors(older)
    assert train_run(run).state == "finished"
    assert weights.keys() == final_weights(run).keys()
    assert run.history().scalars["step"] == [1, 2, 4, 5, 8, 10, 11]


def test_a_full_disk_ends_the_run_with_one_sentence_and_nothing_half_written() -> None:
    run = new_run({"training.steps": 300})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_disk() -> None:  # as far as a file of weights is concerned
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))

    try:
        status = train_run(run, at_step(5, fill_disk))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status.state == run.status().state == "failed"
    assert "is full; free some space" in status.message and not status.traceback
    assert not list(run.path.rglob("*.tmp")) and len(run.history()) > 0
    run.set_command("run")
    assert train_run(run).state == "finished"  # once there is room


def test_a_folder_deleted_while_training_ends_the_run() -> None:
    run = new_run({"training.steps": 100_000, "training.epochs": 100})
    status = train_run(run, at_step(3, lambda: shutil.rmtree(run.path)))
    assert status.state == "failed" and ("deleted" in status.message) and not status.traceback
    assert not run.path.exists()


def test_a_recipe_that_cannot_train_is_one_sentence() -> None:
    run = new_run()
    write_json(run.path / "recipe.json", run.recipe().to_dict() | {"dataset": "nothing"})
    status = train_run(run)
    assert status.state == "failed" and "no data set 'nothing'" in status.message
    assert status.template.format(**status.values) == status.message


def test_damaged_data_are_one_sentence(noise_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    shutil.copytree(noise_mnist, folder)
    images = folder / "MNIST" / "raw" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:1_000_000])
    monkeypatch.setenv("GAN_DATA_DIR", str(folder))
    status = train_run(new_run())
    assert status.state == "failed" and "damaged or incomplete" in status.message


def test_where_mnist_cannot_be_had_the_run_says_so_and_trains_on_strokes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAN_DATA_DIR", str(tmp_path / "empty"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody answers there
    run = new_run()
    status = train_run(run)
    assert status.state == "finished" and run.recipe().dataset == "strokes"
    assert "strokes: digits that the workbench draws itself" in status.notice


def test_a_divergence_is_said_and_keeps_what_there_is() -> None:
    run = new_run({"training.log_every": 1})

    def spoil(trainer: Trainer, event: Event) -> None:
        if isinstance(event, StepDone) and event.step == 3:
            with torch.no_grad():
                trainer.discriminator.head.bias.fill_(float("nan"))  # type: ignore[union-attr]

    status = train_run(run, spoil)
    assert status.state == "diverged" and "diverged at step 4" in status.message
    assert len(run.sheets()) == 1


def test_an_error_in_the_program_is_told_with_its_traceback() -> None:
    def fail(trainer: Trainer, event: Event) -> None:
        raise ZeroDivisionError

    status = train_run(new_run(), fail)
    assert status.state == "failed" and "ZeroDivisionError" in status.message and "in fail" in status.traceback


def test_checkpoints_are_written_now_and_then_and_only_two_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "CHECKPOINT_SECONDS", 0.0)
    run = new_run()
    assert train_run(run).state == "finished"
    assert [path.stem for path in run.checkpoints()] == ["step-00000011", "step-00000010"]


@pytest.mark.parametrize("found", ["float32", "bfloat16"])
def test_a_run_keeps_the_precision_that_its_first_processor_was_faster_in(
    found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "CONTROL_SECONDS", 0.0)
    monkeypatch.setattr(preparation, "faster_precision", lambda device: found)
    run, by_name = new_run({"training.precision": "auto"}), new_run({"training.precision": found})
    assert train_run(run, at_step(5, lambda: run.set_command("stop"))).state == "stopped"
    assert run.recipe() == by_name.recipe()
    monkeypatch.setattr(preparation, "faster_precision", lambda device: "other")
    run.set_command("run")
    train_run(run)
    train_run(by_name)
    for name, weight in final_weights(by_name).items():
        assert torch.equal(weight, final_weights(run)[name]), name


@pytest.mark.parametrize("emulated", [True, False])
def test_a_run_in_a_precision_that_its_processor_emulates_says_so(
    emulated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "emulates_bfloat16", lambda device: emulated)
    halved, whole = (new_run({"training.precision": name}) for name in ("bfloat16", "float32"))
    assert train_run(halved).notice == (preparation.EMULATED if emulated else "")
    assert train_run(whole).notice == ""


def test_a_run_says_that_it_compiles_and_how_long_that_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_module, "why_not_compiled", lambda device: "")
    monkeypatch.setattr(trainer_module, "compiled", lambda module: module)
    run = new_run({"training.compile": True})
    said: list[str] = []
    status = train_run(run, lambda trainer, event: said.append(run.status().message))
    assert said[0] == worker.COMPILING and said[-1] == status.message == ""
    assert status.notice_template == worker.COMPILED and status.notice_values == {"seconds": 0}


def test_time_at_a_stand_is_no_training_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(standing, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    run = new_run()
    stand = Standing(run, run.status())
    clock[0] += 50  # data are prepared
    trainer = Trainer(run.recipe(), find_dataset("mnist").load())
    stand.follow(trainer, 7.0)
    for _ in range(2):
        clock[0] += 2
        trainer.engine.run(trainer.step)
        trainer.step += 1
    stand.measure()
    speed = 2 * run.recipe().training.batch_size / 4
    assert (stand.status.seconds, stand.status.images_per_second) == (11.0, speed)
    with stand.standing_still():
        clock[0] += 30
        stand.measure()
        assert (stand.status.seconds, stand.status.images_per_second) == (11.0, speed)
    stand.measure()
    assert (stand.seconds, stand.status.images_per_second) == (11.0, speed)
    clock[0] += 4
    stand.measure()
    assert (stand.status.seconds, stand.status.images_per_second) == (15.0, speed / 2)

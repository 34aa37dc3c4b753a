"""A run that was stopped, or killed, and resumed is the uninterrupted run, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core.checkpoints import load_checkpoint, read_tensors, save_checkpoint
from gan_core.events import Event, Scalars, SnapshotDue, StepDone
from gan_core.recipes import RECIPES
from gan_core.recipes.recipe import Recipe
from gan_core.runs import Run, create_run
from gan_core.trainer import Trainer
from gan_core.worker import train_run
from tests.small import small_data, small_recipe

STEPS = 3
VARIANTS: dict[str, dict[str, Any]] = {
    "averaged": {"training.ema_decay": 0.9},
    "rmsprop": {"generator_optimizer.algorithm": "rmsprop"},
    "sgd": {"discriminator_optimizer.algorithm": "sgd", "discriminator_optimizer.beta1": 0.9},
    "three updates of D": {"training.discriminator_steps": 3},
    "scheduled": {"generator_optimizer.schedule": "cosine"},
    "bfloat16": {"training.precision": "bfloat16"},
    "remedies": {"generator_terms": "non_saturating,feature_matching"},
}


def said(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, Scalars | SnapshotDue)]


def assert_same_state(one: Trainer, other: Trainer) -> None:
    mine, theirs = one.state_dict(), other.state_dict()
    assert mine["step"] == theirs["step"] and mine["tensors"].keys() == theirs["tensors"].keys()
    for name, tensor in mine["tensors"].items():
        assert torch.equal(tensor, theirs["tensors"][name]), name


def check_resume(recipe: Recipe, stop: int, folder: Path) -> None:
    whole = Trainer(recipe, small_data(recipe))
    expected = list(whole.events())
    first, events = Trainer(recipe, small_data(recipe)), []
    for event in first.events():
        events.append(event)
        if isinstance(event, StepDone) and event.step == stop:
            break
    save_checkpoint(folder / "state.safetensors", first.state_dict(), {})
    state, _ = load_checkpoint(folder / "state.safetensors")
    second = Trainer(recipe, small_data(recipe))
    second.load_state_dict(state)
    assert said(events + list(second.events())) == said(expected)
    assert_same_state(whole, second)


@pytest.mark.parametrize("name", [recipe.name for recipe in RECIPES])
def test_every_recipe_resumes_exactly(name: str, tmp_path: Path) -> None:
    changes = {"training.steps": STEPS, "training.epochs": 100, "training.discriminator_steps": 1}
    check_resume(small_recipe(name, changes), 2, tmp_path)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_state_resumes_exactly(variant: str, tmp_path: Path) -> None:
    check_resume(small_recipe("fc_gan", VARIANTS[variant]), 8, tmp_path)  # 8: an epoch ends and a point is drawn


def scalars_of(run: Run) -> dict[str, list[float | None]]:
    scalars = run.history().scalars
    scalars.pop("seconds")
    return scalars


def test_a_killed_process_loses_nothing_but_time(noise_mnist: Path) -> None:
    # "auto" is measured by each process: on a busy machine two may come to different precisions.
    changes = {"training.steps": 700, "training.log_every": 7, "training.precision": "float32"}
    recipe = small_recipe("cgan", changes)
    whole = create_run(recipe)
    assert train_run(whole).state == "finished"

    run = create_run(recipe)
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads()), "GAN_DATA_DIR": str(noise_mnist)}
    worker = subprocess.Popen([sys.executable, "-m", "gan_core.worker", str(run.path)], env=environment)
    try:
        wait_for(lambda: run.status().step > 0)
        run.set_command("pause")  # which writes a checkpoint
        wait_for(lambda: run.status().state == "paused")
        run.set_command("run")
        paused = run.status().step
        wait_for(lambda: (run.history().scalars["step"][-1] or 0) > paused + 7)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert run.status().state == "running" and len(run.checkpoints()) == 1
    with run.metrics_path.open("ab") as stream:
        stream.write(b'{"event": "scalars", "step": 19')  # the line that the kill cut short

    assert train_run(run).state == "finished"
    assert scalars_of(run) == scalars_of(whole)
    assert [line["step"] for line in run.history().snapshots] == [line["step"] for line in whole.history().snapshots]
    mine, theirs = (read_tensors(one.checkpoints()[0]) for one in (run, whole))
    assert mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


def wait_for(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)

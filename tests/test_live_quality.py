"""The gauge: what it measures is right, and a run does not know that it was measured."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core import recording, worker
from gan_core.checkpoints import read_tensors
from gan_core.events import Event, Quality, StepDone
from gan_core.foreground import _Progress
from gan_core.live_quality import Gauge, rank_above, spread_of
from gan_core.metrics.classes import class_histogram
from gan_core.metrics.classifier import load_reader
from gan_core.runs import Run, create_run
from gan_core.sampling import cycle_labels, draw_latents, generate
from gan_core.trainer import Trainer
from gan_core.worker import train_run
from tests.small import small_data, small_recipe

# Two epochs of twelve steps, measured with as few pictures as the setting allows.
SHORT: dict[str, Any] = {"training.held_out": 59_900, "training.steps": 0, "training.epochs": 2,
                         "snapshots.measured": 500}  # fmt: skip


def measured_run(name: str = "fc_gan", **changes: Any) -> Run:
    named = {key.replace("__", "."): value for key, value in changes.items()}
    return create_run(small_recipe(name, {**SHORT, **named}))


def weights(run: Run) -> dict[str, torch.Tensor]:
    return read_tensors(run.checkpoints()[0])


def test_the_spread_is_that_of_all_pairs() -> None:
    images = torch.randint(256, (12, 1, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    flat = images.flatten(1).double()
    pairs = torch.cdist(flat, flat)[~torch.eye(12, dtype=torch.bool)]
    assert spread_of(images) == pytest.approx(pairs.square().mean().sqrt().item(), rel=1e-5)
    assert spread_of(images[:1].expand(7, -1, -1, -1)) == 0
    assert spread_of(torch.cat([images, images])) < spread_of(images)


def test_within_labels_only_pictures_of_one_label_are_compared() -> None:
    labels = torch.tensor([0, 1] * 6)
    images = labels[:, None, None, None].expand(-1, 1, 4, 4).to(torch.uint8) * 200
    assert spread_of(images) > 0 and spread_of(images, labels) == 0


@pytest.mark.parametrize(("first", "second", "share"), [
    ([2.0, 3.0], [0.0, 1.0], 1.0), ([0.0, 1.0], [2.0], 0.0), ([1.0, 1.0], [1.0], 0.5), ([0.0, 2.0], [1.0, 3.0], 0.25),
])  # fmt: skip
def test_the_rank_counts_pairs_and_ties_half(first: list[float], second: list[float], share: float) -> None:
    assert rank_above(torch.tensor(first), torch.tensor(second)) == share
    assert rank_above(torch.tensor(second), torch.tensor(first)) == 1 - share


@pytest.mark.parametrize("name", ["fc_gan", "cgan"])
def test_a_measurement_says_what_the_classifier_reads(name: str, noise_mnist: object) -> None:
    recipe = small_recipe(name, {"snapshots.measured": 500})
    trainer = Trainer(recipe, small_data(recipe, 400))
    quality = Gauge(trainer).measure()
    z = draw_latents(recipe.latents, 0, 500)
    labels = cycle_labels(500, range(10)) if recipe.conditional else None
    read = load_reader("mnist").classify(generate(trainer.generator, z, labels, recipe.generator.pixel_range))
    assert quality.classes == tuple(class_histogram(read, 10).tolist())
    assert (quality.reader, quality.count, sum(quality.classes)) == ("mnist", 500, 500)
    assert sum(quality.real) == pytest.approx(1, abs=1e-4)
    assert quality.distance is not None and quality.floor is not None and quality.distance > quality.floor > 0
    assert (quality.obedience is None) == (labels is None)
    if labels is not None:
        assert quality.obedience == pytest.approx((read == labels).float().mean().item(), rel=1e-4)
    # D has seen neither the one nor the other yet.
    assert quality.memory == pytest.approx(0.5, abs=0.15)
    assert quality.d_trained == pytest.approx(quality.d_held_out or 0, abs=0.1)


@pytest.mark.parametrize("changes", [
    {}, {"stabilizers.packing": 2}, {"stabilizers.minibatch_deviation": True}, {"training.ema_decay": 0.9},
    {"stabilizers.spectral_norm": True}, {"generator.batch_norm": True, "generator.dropout": 0.2},
])  # fmt: skip
def test_measuring_changes_nothing_of_the_training(changes: dict[str, Any], noise_mnist: object) -> None:
    recipe = small_recipe("fc_gan", {"snapshots.measured": 500, "training.steps": 4, **changes})
    alone, measured = (Trainer(recipe, small_data(recipe, 400)) for _ in range(2))
    list(alone.events())
    gauge = Gauge(measured)
    source = torch.get_rng_state()
    for event in measured.events():
        if isinstance(event, StepDone):
            assert gauge.measure() == gauge.measure()
    assert torch.equal(torch.get_rng_state(), source)
    one, other = alone.state_dict(), measured.state_dict()
    assert all(torch.equal(tensor, other["tensors"][name]) for name, tensor in one["tensors"].items())


def test_pictures_without_a_classifier_are_measured_as_far_as_that_goes(noise_mnist: object) -> None:
    recipe = small_recipe("fc_gan", {"snapshots.measured": 500, "dataset": "kmnist", "training.held_out": 100})
    quality = Gauge(Trainer(recipe, small_data(recipe, 500))).measure()
    assert (quality.reader, quality.classes, quality.distance, quality.obedience) == ("", (), None, None)
    assert quality.spread > 0 and quality.memory is not None


def test_a_run_writes_a_line_at_the_end_of_each_epoch_and_is_the_same_run(noise_mnist: object) -> None:
    seen: list[Event] = []
    run, blind = measured_run(), measured_run(snapshots__measured=0)
    assert train_run(run, lambda trainer, event: seen.append(event)).state == "finished"
    train_run(blind)
    history = run.history()
    assert [quality.step for quality in history.quality] == [12, 24]
    assert history.quality == [event for event in seen if isinstance(event, Quality)]
    assert blind.history().quality == []
    assert all(torch.equal(tensor, weights(blind)[name]) for name, tensor in weights(run).items())
    assert all(math.isfinite(value) for value in asdict(history.quality[0]).values() if isinstance(value, float))


def test_a_resumed_run_has_the_measurements_of_the_whole_one(noise_mnist: object) -> None:
    whole, run = measured_run(training__epochs=3), measured_run(training__epochs=3)
    train_run(whole)

    def stop(trainer: Trainer, event: Event) -> None:
        if isinstance(event, StepDone) and event.step == 17:
            run.set_command("stop")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "CONTROL_SECONDS", 0.0)
        stopped = train_run(run, stop)
    assert (stopped.state, stopped.step) == ("stopped", 17)
    with run.metrics_path.open("a") as stream:  # what a kill after the checkpoint would leave
        stream.write('{"event": "quality", "step": 999, "epoch": 9.0, "count": 500, "spread": 0.5}\n')
    run.set_command("run")
    assert train_run(run).state == "finished"
    assert run.history().quality == whole.history().quality != []


def test_short_epochs_are_measured_now_and_then_and_the_last_always(
    monkeypatch: pytest.MonkeyPatch, noise_mnist: object
) -> None:
    monkeypatch.setattr(recording, "QUALITY_SECONDS", 0.0)
    monkeypatch.setattr(recording, "QUALITY_SHARE", 0.0)
    run = measured_run(training__epochs=4)
    train_run(run)
    assert [quality.step for quality in run.history().quality] == [12, 48]


def test_the_command_line_says_what_the_alarm_says_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = small_recipe("fc_gan")
    run, trainer = create_run(recipe, path=tmp_path / "run"), Trainer(recipe, small_data(recipe))
    with _Progress(run) as progress:
        for step in (1, 2, 3):
            one_class = Quality(step, step, 100, 0.9, reader="mnist", classes=(0, 100) + (0,) * 8, real=(0.1,) * 10)
            with run.metrics_path.open("a") as stream:
                stream.write(json.dumps({"event": "quality", **asdict(one_class)}) + "\n")
            progress.show(trainer, one_class)
    said = capsys.readouterr().err
    assert said.count("Epoch 2: 100% of the pictures are read as “1”; among real ones it is 10%.") == 1
    assert "Epoch 3:" not in said and "classes=1/10" in said

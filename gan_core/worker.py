"""The training process: runs one run folder to its end and writes down what happens."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import torch

from gan_core.checkpoints import BundleInfo, load_bundle, load_checkpoint, read_tensors, save_bundle, save_checkpoint
from gan_core.config import UserError
from gan_core.data import Dataset, find_dataset
from gan_core.devices import device_title, faster_precision, keep_freed_memory
from gan_core.distributed import ALONE, World, local_device
from gan_core.events import DiscriminatorWon, Diverged, Event, Finished, Scalars, SnapshotDue, StepDone
from gan_core.files import write_bytes, write_json
from gan_core.images import png, sheet
from gan_core.live_quality import Gauge
from gan_core.optimization import make_optimizer
from gan_core.recipes.recipe import Optimizer, Recipe
from gan_core.runs import Run, Status
from gan_core.sampling import cycle_labels, draw_latents, generate_judged, pixels
from gan_core.trainer import Trainer

CHECKPOINT_SECONDS = 30.0
STATUS_SECONDS = 0.5
CONTROL_SECONDS = 0.1
KEPT_CHECKPOINTS = 2
# Measuring may take this share of the training's time, and so many seconds at the start of it, when one looks closest.
QUALITY_SHARE = 0.02
QUALITY_SECONDS = 5.0
NO_MEMORY = "The memory is not enough for this recipe; choose a smaller batch or smaller layers."
FAILED = "Training failed: {error}. The details are in the run's log."
DIVERGED = (
    "The training diverged at step {step}: {name} is no longer a finite number. "
    "Try a lower learning rate, or branch from an earlier snapshot."
)
WON = (
    "The discriminator has won: its loss stays near 0, so the generator learns nothing more. "
    "Branch from an earlier snapshot with a remedy, or with a weaker discriminator."
)
ON_STROKES = (
    "MNIST is not on this machine and could not be downloaded, so this run trains on strokes: digits that the "
    "workbench draws itself."
)
SHEET_SEED = 0  # the same latents in every run, so that sheets of two runs can be compared

log = logging.getLogger(__name__)


def train_run(
    run: Run, on_event: Callable[[Trainer, Event], None] | None = None, world: World = ALONE
) -> Status:
    """Train ``run`` from its newest checkpoint, or from the start, until it ends or is told to stop.

    Args:
        on_event: sees every event after it was recorded (a progress bar, say).
        world: the ranks that train along; this one is the first of them.

    Returns:
        The final status, which is also written to the folder; failures are a status, never an exception.
    """
    keep_freed_memory()
    process = psutil.Process()
    status = replace(run.status(), state="running", pid=process.pid, pid_created=process.create_time(), traceback="")
    status = status.saying("")
    try:
        run.set_status(status)
        status = _Recorder(run, status, world).train(on_event)
    except _StoppedEarlyError:
        status = replace(run.status(), state="stopped").saying("")
    except UserError as error:
        log.error("%s", error)
        status = replace(run.status(), state="failed").saying(error.text, **error.values)
    except Exception as error:
        log.exception("training failed")
        status = replace(run.status(), state="failed", traceback=traceback.format_exc())
        if isinstance(error, torch.OutOfMemoryError | MemoryError):
            status = status.saying(NO_MEMORY)
        else:
            status = status.saying(FAILED, error=type(error).__name__)
    status = replace(status, pid=0, pid_created=0.0)
    with contextlib.suppress(UserError):  # a full disk or a deleted folder: there is nowhere to say it
        run.set_status(status)
    return status


class _StoppedEarlyError(Exception):
    """The user stopped the run before its training began."""


class _Recorder:
    """Writes what a trainer says into the run folder, and obeys the folder's commands."""

    def __init__(self, run: Run, status: Status, world: World) -> None:
        self.run, self.status, self.world = run, status, world
        self.recipe, dataset = self._load(run.recipe())
        device = run.about().device
        self.device = local_device(device)
        self._settle_precision()
        world.share({"recipe": self.recipe.to_dict(), "device": device})
        self.status = replace(self.status, device=_title(self.device, world))
        self.trainer = Trainer(self.recipe, dataset, self.device, world)
        self.class_names = self.trainer.dataset.class_names
        self._resume_or_branch()
        if world.size > 1:
            world.share(self.trainer.state_dict())
        self.z, self.labels = self._sheet_inputs()
        self.metrics = run.metrics_path.open("a", encoding="utf-8", buffering=1)
        self.seconds_before, self.clock = self.status.seconds, time.monotonic()
        self.last_status = self.last_control = self.last_checkpoint = time.monotonic()
        self.rate_from = (self.trainer.step, time.monotonic())
        self.gauge = Gauge(self.trainer) if self.recipe.snapshots.measured else None
        self.gauging = self.gauged = 0.0  # seconds: all measurements of this process, and the last one

    @property
    def seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.clock

    def train(self, on_event: Callable[[Trainer, Event], None] | None) -> Status:
        ended = "finished"
        for event in self.trainer.events():
            if isinstance(event, StepDone):
                self._tick()
            elif isinstance(event, Scalars):
                self._scalars(event)
            elif isinstance(event, SnapshotDue):
                self._snapshot(event.step, event.epoch, keep=event.keep)
                self._gauge(on_event)
            elif isinstance(event, Diverged):
                ended = "diverged"
                self._say(DIVERGED, step=event.step, name=event.name)
            elif isinstance(event, DiscriminatorWon):
                ended = "stopped"
                self._stop()
                self._say(WON)
            elif isinstance(event, Finished):
                self._checkpoint()
            if on_event is not None:
                on_event(self.trainer, event)
            if isinstance(event, StepDone) and self._told_to_stop():
                ended = "stopped"
                self._stop()
                break
        self.metrics.close()
        if ended == "finished":
            self._evaluate()
        self._measure()
        return replace(self.status, state=ended)  # written once, by the caller: from then on a resume may follow

    def _load(self, recipe: Recipe) -> tuple[Recipe, Dataset]:
        """The data set, or strokes in place of an MNIST that cannot be had; the recipe then says so."""
        try:
            dataset = find_dataset(recipe.dataset).load(report=self._loading)
        except UserError:
            source = find_dataset(recipe.dataset)
            if recipe.dataset != "mnist" or source.on_disk() or self.run.checkpoints():
                raise
            recipe = self.run.change_recipe(replace(recipe, dataset="strokes"))
            dataset = find_dataset("strokes").load(report=self._loading)
            self.status = self.status.noting(ON_STROKES)
        if dataset.notice is not None:
            self.status = self.status.noting(dataset.notice.text, **dataset.notice.values)
        self._say("")
        return recipe, dataset

    def _settle_precision(self) -> None:
        """What the processor decides is decided once, so that a run resumes as it began wherever it goes on."""
        if self.recipe.training.precision == "auto":
            precision = faster_precision(self.device)
            self.recipe = self.run.change_recipe(self.recipe.with_values({"training.precision": precision}))

    def _resume_or_branch(self) -> None:
        for path in self.run.checkpoints():
            try:
                state, extra = load_checkpoint(path)
            except UserError as error:  # the one before it is whole
                log.warning("%s", error)
                continue
            self.trainer.load_state_dict(state)
            self.status = replace(self.status, seconds=float(extra["seconds"]))
            self.run.cut_metrics(self.trainer.step)
            return
        self.run.cut_metrics(-1)
        if self.run.start_path.exists():
            self.trainer.load_networks(read_tensors(self.run.start_path))

    def _sheet_inputs(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        count = self.recipe.snapshots.rows * self.recipe.snapshots.columns
        z = draw_latents(self.recipe.latents, SHEET_SEED, count)
        return z, cycle_labels(count, range(len(self.class_names))) if self.recipe.conditional else None

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self.last_status > STATUS_SECONDS:
            self._update()
        if now - self.last_checkpoint > CHECKPOINT_SECONDS:
            self._checkpoint()

    def _update(self, **changes: str) -> None:
        """Write the status, with where training stands by now."""
        self.last_status = time.monotonic()
        self._measure()
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        self.run.set_status(self.status)

    def _measure(self) -> None:
        """Bring the status to where training stands."""
        if hasattr(self, "trainer"):
            trainer = self.trainer
            self.status = replace(
                self.status, step=trainer.step, total_steps=trainer.total_steps, epoch=trainer.epoch,
                total_epochs=trainer.total_steps * self.recipe.training.discriminator_steps / trainer.batches_per_epoch,
                seconds=self.seconds, images_per_second=self._images_per_second(),
            )  # fmt: skip

    def _say(self, text: str, /, **values: object) -> None:
        self.status = self.status.saying(text, **values)
        self._update()

    def _loading(self, text: str, /, **values: object) -> None:
        """What is said while data are fetched and prepared, which goes on from where it stopped the next time."""
        self._say(text, **values)
        if self.run.command() == "stop":
            raise _StoppedEarlyError

    def _images_per_second(self) -> float:
        """Real pictures seen per second, over the last ten seconds or so."""
        step, since = self.rate_from
        elapsed = time.monotonic() - since
        training = self.recipe.training
        rate = (self.trainer.step - step) * training.batch_size * training.discriminator_steps / max(elapsed, 1e-3)
        if elapsed > 10:
            self.rate_from = (self.trainer.step, time.monotonic())
        return rate if self.trainer.step - step else self.status.images_per_second

    def _scalars(self, event: Scalars) -> None:
        self._line("scalars", step=event.step, epoch=event.epoch, seconds=round(self.seconds, 3), values=event.values)
        if self.trainer.engine.notice and not self.status.notice:
            self.status = self.status.noting(self.trainer.engine.notice)

    def _line(self, kind: str, **values: object) -> None:
        try:
            self.metrics.write(json.dumps({"event": kind, **values}) + "\n")
        except OSError as error:
            raise UserError(
                "The run's curves cannot be written ({reason}); free some space.", reason=error.strerror
            ) from error

    def _snapshot(self, step: int, epoch: float, *, keep: bool, interrupted: bool = False) -> None:
        trainer, plan = self.trainer, self.recipe.snapshots
        images, verdicts = generate_judged(
            trainer.sampler, trainer.discriminator, self.z, self.labels, self.recipe.generator.pixel_range
        )
        write_bytes(self.run.sheet_path(step), png(sheet(pixels(images), plan.columns)))
        if keep:
            info = BundleInfo(
                self.recipe, step, epoch, self.trainer.dataset.image_shape, self.class_names, self.recipe.dataset,
                averaged=trainer.average is not None,
            )  # fmt: skip
            save_bundle(
                self.run.bundle_path(step), info, trainer.sampler.state_dict(), trainer.discriminator.state_dict()
            )
        line = {"step": step, "epoch": epoch, "rows": plan.rows, "columns": plan.columns,
                "verdicts": [round(verdict, 4) for verdict in verdicts]}  # fmt: skip
        self._line("snapshot", **line, **({"interrupted": True} if interrupted else {}))

    def _gauge(self, on_event: Callable[[Trainer, Event], None] | None) -> None:
        """Measure the pictures at the end of an epoch: of the last always, of others while that takes little time."""
        trainer, began = self.trainer, time.monotonic()
        allowed = QUALITY_SECONDS + QUALITY_SHARE * (began - self.clock)
        finished = trainer.step == trainer.total_steps
        if self.gauge is None or not trainer.step or (self.gauging + self.gauged > allowed and not finished):
            return
        if not self.gauged:
            self.gauge.prepare()  # once a process, so it says nothing of how often to measure
            began = time.monotonic()
        quality = self.gauge.measure()
        self.gauged = time.monotonic() - began
        self.gauging += self.gauged
        self._line("quality", **asdict(quality))
        if on_event is not None:
            on_event(trainer, quality)

    def _evaluate(self) -> None:
        """Measure the finished generator in full where the run was started to be measured; that is no training time."""
        count, bundle = self.run.about().measured, self.run.newest_bundle()
        if not count or bundle is None:
            return
        from gan_core.evaluation.evaluate import evaluate  # what it loads would delay the first step of every run

        self.seconds_before = self.seconds
        try:
            found = evaluate(
                load_bundle(bundle), self.recipe.dataset, count=count, device=self.device, report=self._loading
            )
            write_json(self.run.evaluation_path, found.to_dict())
        except UserError as error:
            self.status = self.status.noting(error.text, **error.values)
        self.clock = time.monotonic()
        self._say("")

    def _checkpoint(self) -> None:
        self.last_checkpoint = time.monotonic()
        save_checkpoint(
            self.run.checkpoint_path(self.trainer.step), self.trainer.state_dict(), {"seconds": self.seconds}
        )
        for path in self.run.checkpoints()[KEPT_CHECKPOINTS:]:
            path.unlink(missing_ok=True)

    def _told_to_stop(self) -> bool:
        """Looks for a command now and then; a pause waits in here."""
        now, command = time.monotonic(), "run"
        if now - self.last_control >= CONTROL_SECONDS:
            self.last_control = now
            command = self.run.command()
        if self.world.command(command) == "pause":
            command = self._pause()
        return command == "stop"

    def _pause(self) -> str:
        self._checkpoint()
        self._update(state="paused")
        self.seconds_before, paused = self.seconds, time.monotonic()
        while (command := self.world.command(self.run.command())) == "pause":
            time.sleep(CONTROL_SECONDS)
        self.clock, waited = time.monotonic(), time.monotonic() - paused
        self.rate_from = (self.rate_from[0], self.rate_from[1] + waited)
        self._update(state="running")
        return command

    def _stop(self) -> None:
        if not self.run.path.is_dir():
            raise UserError("The run's folder was deleted while it was training.")
        self._update(state="stopping")
        self._checkpoint()
        if not self.run.bundle_path(self.trainer.step).exists():
            self._snapshot(self.trainer.step, self.trainer.epoch, keep=True, interrupted=True)


def _title(device: torch.device, world: World) -> str:
    title = device_title(device)
    return title if world.size == 1 else f"{world.size} × {title}"


def warm_up() -> None:
    """Do now what would delay the first step: have torch load what optimisers need, and measure this processor."""
    layer = torch.nn.Linear(1, 1)
    layer(torch.zeros(1, 1)).sum().backward()
    make_optimizer(Optimizer(), layer).step()
    faster_precision(torch.device("cpu"))


def main() -> None:
    """``python -m gan_core.worker [RUN_DIR]``; without a folder, waits for its name on standard input."""
    if len(sys.argv) > 1:
        folder = sys.argv[1]
    else:
        warm_up()
        folder = sys.stdin.readline().strip()
        if not folder:  # the supervisor is gone
            return
    path = Path(folder)
    stream = os.open(path / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    log.info("torch %s, %d threads", torch.__version__, torch.get_num_threads())
    status = train_run(Run(path))
    log.info("%s at step %d", status.state, status.step)


if __name__ == "__main__":
    main()

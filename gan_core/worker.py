"""The training process: runs one run folder to its end and writes down what happens."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from gan_core.checkpoints import load_bundle
from gan_core.config import UserError
from gan_core.contention import watching
from gan_core.devices import device_title, faster_precision, keep_freed_memory
from gan_core.distributed import ALONE, World, local_device
from gan_core.events import DiscriminatorWon, Diverged, Event, Finished, Scalars, SnapshotDue, Started, StepDone
from gan_core.files import write_json
from gan_core.optimization import make_optimizer
from gan_core.preparation import go_on, load_data, settle_precision
from gan_core.recipes.recipe import Optimizer
from gan_core.recording import Recording
from gan_core.runs import Run, Status
from gan_core.standing import Standing, StoppedEarlyError
from gan_core.trainer import Trainer

CONTROL_SECONDS = 0.1
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
COMPILING = "Compiling the networks"
COMPILED = "Compiling the networks took {seconds} seconds before the first step."
OnEvent = Callable[[Trainer, Event], None]

log = logging.getLogger(__name__)


def train_run(run: Run, on_event: OnEvent | None = None, world: World = ALONE) -> Status:
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
        status = _Training(Standing(run, status), world).train(on_event)
    except StoppedEarlyError:
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


class _Training:
    """One training of a run: hands what the trainer says to the folder, and obeys the folder's commands."""

    def __init__(self, standing: Standing, world: World) -> None:
        self.run, self.standing, self.world = standing.run, standing, world
        recipe, dataset = load_data(standing)
        device = self.run.about().device
        self.device = local_device(device)
        self.recipe = settle_precision(standing, recipe, self.device)
        world.share({"recipe": self.recipe.to_dict(), "device": device})
        standing.status = replace(standing.status, device=_title(self.device, world))
        self.trainer = Trainer(self.recipe, dataset, self.device, world)
        seconds = go_on(self.run, self.trainer)
        if world.size > 1:
            world.share(self.trainer.state_dict())
        standing.follow(self.trainer, standing.status.seconds if seconds is None else seconds)
        self.recording = Recording(self.trainer, standing)
        self.controlled = time.monotonic()
        self.compiling_since = 0.0  # while the first step has the networks compiled

    def train(self, on_event: OnEvent | None) -> Status:
        """Train to the end, or until told to stop; returns the status that the run ends with."""
        ended = "finished"
        for event in self.trainer.events():
            ended = self._record(event, on_event) or ended
            if on_event is not None:
                on_event(self.trainer, event)
            if isinstance(event, StepDone) and self._told_to_stop():
                ended = "stopped"
                self._stop()
                break
        self.recording.close()
        if ended == "finished":
            self._evaluate()
        self.standing.measure()
        return replace(self.standing.status, state=ended)  # written by the caller: from then on a resume may follow

    def _record(self, event: Event, on_event: OnEvent | None) -> str:
        """Write down an event; returns the state that the run ends with, if it ends here early."""
        if isinstance(event, Started) and self.trainer.compiles:
            self.standing.say(COMPILING)
            self.compiling_since = time.monotonic()
        elif isinstance(event, StepDone):
            if self.compiling_since:
                self._compiled()
            self._tick()
        elif isinstance(event, Scalars):
            self.recording.scalars(event)
            if self.trainer.notice and not self.standing.status.notice:
                self.standing.note(self.trainer.notice)
        elif isinstance(event, SnapshotDue):
            self.recording.snapshot(event.step, event.epoch, keep=event.keep)
            if (quality := self.recording.quality()) is not None and on_event is not None:
                on_event(self.trainer, quality)
        elif isinstance(event, Diverged):
            self.standing.say(DIVERGED, step=event.step, name=event.name)
            return "diverged"
        elif isinstance(event, DiscriminatorWon):
            self._stop()
            self.standing.say(WON)
            return "stopped"
        elif isinstance(event, Finished):
            self.recording.checkpoint()
        return ""

    def _compiled(self) -> None:
        """The first step is done; say what it cost, unless there is something else to know."""
        seconds = round(time.monotonic() - self.compiling_since)
        self.compiling_since = 0.0
        log.info("compiling the networks took %d seconds", seconds)
        if not self.standing.status.notice:
            self.standing.note(COMPILED, seconds=seconds)
        self.standing.say("")

    def _tick(self) -> None:
        if self.standing.is_old:
            self.standing.write()
        if self.recording.is_old:
            self.recording.checkpoint()

    def _told_to_stop(self) -> bool:
        """Looks for a command now and then; a pause waits in here."""
        now, command = time.monotonic(), "run"
        if now - self.controlled >= CONTROL_SECONDS:
            self.controlled = now
            command = self.run.command()
        if self.world.command(command) == "pause":
            command = self._pause()
        return command == "stop"

    def _pause(self) -> str:
        self.recording.checkpoint()
        self.standing.write(state="paused")
        with self.standing.standing_still():
            while (command := self.world.command(self.run.command())) == "pause":
                time.sleep(CONTROL_SECONDS)
        self.standing.write(state="running")
        return command

    def _stop(self) -> None:
        if not self.run.path.is_dir():
            raise UserError("The run's folder was deleted while it was training.")
        self.standing.write(state="stopping")
        self.recording.checkpoint()
        self.recording.last_snapshot()

    def _evaluate(self) -> None:
        """Measure the finished generator in full where the run was started to be measured; that is no training time."""
        count, bundle = self.run.about().measured, self.run.newest_bundle()
        if not count or bundle is None:
            return
        from gan_core.evaluation.evaluate import evaluate  # what it loads would delay the first step of every run

        with self.standing.standing_still():
            try:
                found = evaluate(
                    load_bundle(bundle), self.recipe.dataset, count=count, device=self.device,
                    report=self.standing.loading,
                )  # fmt: skip
                write_json(self.run.evaluation_path, found.to_dict())
            except UserError as error:
                self.standing.note(error.text, **error.values)
        self.standing.say("")


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
        with watching():  # it computes too, often beside the training before it
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
    with watching():
        status = train_run(Run(path))
    log.info("%s at step %d", status.state, status.step)


if __name__ == "__main__":
    main()

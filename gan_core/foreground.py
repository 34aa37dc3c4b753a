"""Trains a run in this process, in front of the user: a progress bar, and Ctrl-C that keeps everything."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from tqdm import tqdm

from gan_core.alarms import covered_classes, findings
from gan_core.config import UserError
from gan_core.distributed import LostRankError, joined_world
from gan_core.events import Event, Quality, Scalars
from gan_core.follower import follow
from gan_core.runs import Run
from gan_core.trainer import Trainer
from gan_core.worker import train_run

BAR_SECONDS = 0.2
LOG_SECONDS = 10.0  # between two lines where the output is no terminal


def train_in_foreground(run: Run) -> int:
    """Train ``run`` to its end; everything that is said goes to stderr.

    Returns:
        An exit code: 0 finished, 1 failed or diverged, 130 stopped by Ctrl-C, 143 by SIGTERM.
    """
    logging.basicConfig(
        filename=run.path / "log.txt", level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    run.set_command("run")
    with _stop_on_signal(run) as received, _Progress(run) as progress, joined_world() as world:
        status = train_run(run, progress.show, world)
    if status.notice:
        print(status.notice, file=sys.stderr)
    if status.state in ("failed", "diverged"):
        print("Error:", " ".join(status.message.split()), file=sys.stderr)
        return 1
    return 128 + received[0] if received else 0


def follow_in_foreground() -> int:
    """Train along as one of the other ranks; returns an exit code."""
    try:
        with joined_world() as world:
            # Rank 0 gets the same signals and decides for all: a rank that left at once would cost the others a step.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            follow(world)
    except LostRankError:  # which rank 0 says, unless it is the one that is gone
        return 1
    except UserError as error:
        print("Error:", " ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def _stop_on_signal(run: Run) -> Iterator[list[int]]:
    """The first Ctrl-C or SIGTERM asks the run to stop at its next step; a second one ends it at once."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        run.set_command("stop")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Progress:
    """A bar of steps with the newest losses and classes, and a line above it where the alarm has something new to say.

    It appears with the first event.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._bar: tqdm[Any] | None = None
        self._newest: dict[str, str] = {}
        self._said: set[str] = set()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, trainer: Trainer, event: Event) -> None:
        """Takes in one event of the run."""
        if self._bar is None:
            seconds = BAR_SECONDS if sys.stderr.isatty() else LOG_SECONDS
            self._bar = tqdm(
                total=trainer.total_steps, initial=trainer.step, unit="step", mininterval=seconds, dynamic_ncols=True
            )
        if isinstance(event, Scalars):
            self._newest |= {name: f"{event.values[key]:.3f}" for name, key in (("G", "loss_g"), ("D", "loss_d"))}
            self._bar.set_postfix(self._newest, refresh=False)
        elif isinstance(event, Quality):
            self._measured(trainer, event)
        self._bar.update(trainer.step - self._bar.n)

    def _measured(self, trainer: Trainer, quality: Quality) -> None:
        """The classes covered go into the bar; a kind of trouble is told when it begins, and again if it comes back."""
        assert self._bar is not None
        if quality.classes:
            covered, classes = covered_classes(quality)
            self._newest["classes"] = f"{covered}/{classes}"
            self._bar.set_postfix(self._newest, refresh=False)
        grave = {finding.kind: finding.plain for finding in findings(self._run.history(), trainer.recipe)
                 if finding.grave}  # fmt: skip
        for kind, sentence in grave.items():
            if kind not in self._said:
                tqdm.write(f"Epoch {quality.epoch:.3g}: {sentence}", file=sys.stderr)
        self._said = set(grave)

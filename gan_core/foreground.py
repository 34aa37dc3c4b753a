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

from gan_core.config import UserError
from gan_core.distributed import LostRankError, joined_world
from gan_core.events import Event, Scalars
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
    with _stop_on_signal(run) as received, _Progress() as progress, joined_world() as world:
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
    """A bar of steps with the newest losses; it appears with the first event."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

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
            losses = {name: f"{event.values[key]:.3f}" for name, key in (("G", "loss_g"), ("D", "loss_d"))}
            self._bar.set_postfix(losses, refresh=False)
        self._bar.update(trainer.step - self._bar.n)

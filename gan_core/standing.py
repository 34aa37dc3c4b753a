"""Where a run stands while it trains: its status, written now and then, and the seconds that it has trained."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from gan_core.runs import Run, Status
from gan_core.trainer import Trainer

STATUS_SECONDS = 0.5
SPEED_SECONDS = 10.0  # the speed shown is that of the last seconds, so many or a little more


class StoppedEarlyError(Exception):
    """The user stopped the run before its training began."""


class Standing:
    """The status of one run, kept up with its trainer from :meth:`follow` on."""

    def __init__(self, run: Run, status: Status) -> None:
        self.run, self.status = run, status
        self._trainer: Trainer | None = None
        self._seconds_before, self._clock = status.seconds, time.monotonic()
        self._stands_still = True
        self._written = time.monotonic()
        self._speed_from = (0, time.monotonic())

    @property
    def seconds(self) -> float:
        """How long the run has trained, in this process and before it; pauses do not count."""
        return self._seconds_before + (0.0 if self._stands_still else time.monotonic() - self._clock)

    def follow(self, trainer: Trainer, seconds: float) -> None:
        """From here on the run trains; it has trained ``seconds`` before."""
        self._trainer = trainer
        self._seconds_before, self._clock, self._stands_still = seconds, time.monotonic(), False
        self._speed_from = (trainer.step, time.monotonic())

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Time that passes in here is no training time."""
        self._seconds_before, self._stands_still = self.seconds, True
        began = time.monotonic()
        try:
            yield
        finally:
            self._clock, self._stands_still = time.monotonic(), False
            step, since = self._speed_from
            self._speed_from = (step, since + self._clock - began)

    @property
    def is_old(self) -> bool:
        """Whether it is time to write the status again."""
        return time.monotonic() - self._written > STATUS_SECONDS

    def write(self, **changes: str) -> None:
        """Write the status, changed and with where training stands by now."""
        self._written = time.monotonic()
        self.measure()
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        self.run.set_status(self.status)

    def measure(self) -> None:
        """Bring the status to where training stands."""
        trainer = self._trainer
        if trainer is not None:
            updates = trainer.recipe.training.discriminator_steps
            self.status = replace(
                self.status, step=trainer.step, total_steps=trainer.total_steps, epoch=trainer.epoch,
                total_epochs=trainer.total_steps * updates / trainer.batches_per_epoch,
                seconds=self.seconds, images_per_second=self._images_per_second(trainer),
            )  # fmt: skip

    def say(self, text: str, /, **values: object) -> None:
        """Write the status with this message."""
        self.status = self.status.saying(text, **values)
        self.write()

    def note(self, text: str, /, **values: object) -> None:
        """Keep a notice, which the next writing of the status shows."""
        self.status = self.status.noting(text, **values)

    def loading(self, text: str, /, **values: object) -> None:
        """Say what is fetched or prepared, which goes on from where it stopped the next time.

        Raises:
            StoppedEarlyError: the user does not want to wait for it.
        """
        self.say(text, **values)
        if self.run.command() == "stop":
            raise StoppedEarlyError

    def _images_per_second(self, trainer: Trainer) -> float:
        """Real pictures seen per second lately."""
        step, since = self._speed_from
        steps, elapsed = trainer.step - step, time.monotonic() - since
        if self._stands_still or not steps:
            return self.status.images_per_second
        if elapsed > SPEED_SECONDS:
            self._speed_from = (trainer.step, time.monotonic())
        training = trainer.recipe.training
        return steps * training.batch_size * training.discriminator_steps / max(elapsed, 1e-3)

"""What a training leaves in its run folder: curves, sheets, networks, checkpoints, measured quality."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import torch

from gan_core.checkpoints import BundleInfo, save_bundle, save_checkpoint
from gan_core.config import UserError
from gan_core.events import Quality, Scalars
from gan_core.files import write_bytes
from gan_core.images import png, sheet
from gan_core.live_quality import Gauge
from gan_core.sampling import cycle_labels, draw_latents, generate_judged, pixels
from gan_core.standing import Standing
from gan_core.trainer import Trainer

CHECKPOINT_SECONDS = 30.0
KEPT_CHECKPOINTS = 2
# Measuring may take this share of the training's time, and so many seconds at the start of it, when one looks closest.
QUALITY_SHARE = 0.02
QUALITY_SECONDS = 5.0
SHEET_SEED = 0  # the same latents in every run, so that sheets of two runs can be compared


class Recording:
    """Writes what one trainer comes to into the folder of its run; the caller says when."""

    def __init__(self, trainer: Trainer, standing: Standing) -> None:
        self.trainer, self.standing, self.run = trainer, standing, standing.run
        self.recipe, self.class_names = trainer.recipe, trainer.dataset.class_names
        self._z, self._labels = self._sheet_inputs()
        self._metrics = self.run.metrics_path.open("a", encoding="utf-8", buffering=1)
        self._checkpointed, self._seconds_before = time.monotonic(), standing.seconds
        self._gauge = Gauge(trainer) if self.recipe.snapshots.measured else None
        self._gauging = self._gauged = 0.0  # seconds: all measurements of this process, and the last one

    def close(self) -> None:
        """No more lines follow."""
        self._metrics.close()

    def scalars(self, event: Scalars) -> None:
        """A point of the curves."""
        seconds = round(self.standing.seconds, 3)
        self._line("scalars", step=event.step, epoch=event.epoch, seconds=seconds, values=event.values)

    def snapshot(self, step: int, epoch: float, *, keep: bool, interrupted: bool = False) -> None:
        """A sheet of pictures, and the networks with it where ``keep`` says so."""
        trainer, plan = self.trainer, self.recipe.snapshots
        images, verdicts = generate_judged(
            trainer.sampler, trainer.discriminator, self._z, self._labels, self.recipe.generator.pixel_range
        )
        write_bytes(self.run.sheet_path(step), png(sheet(pixels(images), plan.columns)))
        if keep:
            info = BundleInfo(
                self.recipe, step, epoch, trainer.dataset.image_shape, self.class_names, self.recipe.dataset,
                averaged=trainer.average is not None,
            )  # fmt: skip
            save_bundle(
                self.run.bundle_path(step), info, trainer.sampler.state_dict(), trainer.discriminator.state_dict()
            )
        line = {"step": step, "epoch": epoch, "rows": plan.rows, "columns": plan.columns,
                "verdicts": [round(verdict, 4) for verdict in verdicts]}  # fmt: skip
        self._line("snapshot", **line, **({"interrupted": True} if interrupted else {}))

    def last_snapshot(self) -> None:
        """The networks of a run that ends here, unless they are kept already."""
        if not self.run.bundle_path(self.trainer.step).exists():
            self.snapshot(self.trainer.step, self.trainer.epoch, keep=True, interrupted=True)

    def quality(self) -> Quality | None:
        """Measure the pictures at the end of an epoch: of the last always, of others while that takes little time."""
        trainer, began = self.trainer, time.monotonic()
        allowed = QUALITY_SECONDS + QUALITY_SHARE * (self.standing.seconds - self._seconds_before)
        finished = trainer.step == trainer.total_steps
        if self._gauge is None or not trainer.step or (self._gauging + self._gauged > allowed and not finished):
            return None
        if not self._gauged:
            self._gauge.prepare()  # once a process, so it says nothing of how often to measure
            began = time.monotonic()
        quality = self._gauge.measure()
        self._gauged = time.monotonic() - began
        self._gauging += self._gauged
        self._line("quality", **asdict(quality))
        return quality

    @property
    def is_old(self) -> bool:
        """Whether it is time for a checkpoint."""
        return time.monotonic() - self._checkpointed > CHECKPOINT_SECONDS

    def checkpoint(self) -> None:
        """All that is needed to go on exactly here."""
        self._checkpointed = time.monotonic()
        path = self.run.checkpoint_path(self.trainer.step)
        save_checkpoint(path, self.trainer.state_dict(), {"seconds": self.standing.seconds})
        for older in self.run.checkpoints()[KEPT_CHECKPOINTS:]:
            older.unlink(missing_ok=True)

    def _sheet_inputs(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        count = self.recipe.snapshots.rows * self.recipe.snapshots.columns
        z = draw_latents(self.recipe.latents, SHEET_SEED, count)
        return z, cycle_labels(count, range(len(self.class_names))) if self.recipe.conditional else None

    def _line(self, kind: str, **values: object) -> None:
        try:
            self._metrics.write(json.dumps({"event": kind, **values}) + "\n")
        except OSError as error:
            raise UserError(
                "The run's curves cannot be written ({reason}); free some space.", reason=error.strerror
            ) from error

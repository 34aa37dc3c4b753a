"""Run folders for tests that look at runs: made in milliseconds, with untrained networks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.checkpoints import BundleInfo, save_bundle, save_checkpoint
from gan_core.contracts import Shapes
from gan_core.data import DIGITS
from gan_core.fitting import build_networks
from gan_core.images import png
from gan_core.recipes.recipe import Recipe
from gan_core.runs import Run, create_run
from tests.small import small_recipe

STEPS_PER_EPOCH = 10


def make_run(
    recipe: str | Recipe = "fc_gan",
    *,
    path: Path | None = None,
    name: str = "",
    group: str = "",
    epochs: Sequence[float] = (1, 2),
    state: str = "finished",
    changes: dict[str, Any] | None = None,
) -> Run:
    """A run with a curve, and with a sheet and networks at each of ``epochs`` (other weights at each)."""
    made = small_recipe(recipe, changes) if isinstance(recipe, str) else recipe
    run = create_run(made, path=path, name=name, group=group)
    last = round(epochs[-1] * STEPS_PER_EPOCH) if epochs else 0
    for step in range(1, last + 1):
        _line(run, event="scalars", step=step, epoch=step / STEPS_PER_EPOCH, seconds=step / 2,
              values={"loss_g": 1 + 1 / step, "loss_d": 0.5})  # fmt: skip
    for epoch in epochs:
        add_snapshot(run, epoch)
    length = last / STEPS_PER_EPOCH
    status = replace(run.status(), state=state, step=last, total_steps=last, epoch=length, total_epochs=length)
    run.set_status(replace(status, seconds=last / 2, device="CPU, 2 threads"))
    (run.path / "log.txt").write_text("torch\n")
    save_checkpoint(run.checkpoint_path(last), {"step": last, "tensors": {}}, {"seconds": last / 2})
    return run


def add_snapshot(run: Run, epoch: float) -> None:
    """A sheet and networks at that epoch."""
    recipe, step = run.recipe(), round(epoch * STEPS_PER_EPOCH)
    write_bundle(run.bundle_path(step), recipe, step, epoch)
    run.sheet_path(step).write_bytes(png(np.full((56, 56), step % 256, np.uint8)))
    _line(run, event="snapshot", step=step, epoch=epoch, rows=2, columns=2, verdicts=[0.5] * 4)


def write_bundle(path: Path, recipe: Recipe, step: int = 10, epoch: float = 1.0, side: int = 28) -> None:
    """A bundle whose weights follow from ``step``."""
    shapes: Shapes = recipe.shapes((1, side, side), len(DIGITS))
    generator, discriminator = build_networks(recipe, shapes, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = DIGITS[: shapes.classes or len(DIGITS)]
    info = BundleInfo(recipe, step, epoch, shapes.image, names, recipe.dataset)
    save_bundle(path, info, generator.state_dict(), discriminator.state_dict())


def _line(run: Run, **values: Any) -> None:
    with run.metrics_path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(values) + "\n")

"""Data sets, runs and libraries of any size, made in a moment: files as the program itself would have left them."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from gan_core.datasets.picture_cache import BLOCK, VERSION, PictureCache
from gan_core.datasets.picture_index import mark
from gan_core.files import write_json
from gan_core.images import png
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Snapshots
from gan_core.runs import Run, create_run
from gan_core.shipped import WEIGHTS_DIR

LOG_EVERY, SNAPSHOT_EVERY, KEPT = 50, 468, 20
LINES = 10_000  # written at once


def make_cache(cache: PictureCache, count: int) -> None:
    """``count`` black pictures in a sparse file, known to be whole."""
    cache.folder.mkdir(parents=True, exist_ok=True)
    pictures, side = cache.folder / "pictures.u8", cache.channels * cache.size**2
    with pictures.open("wb") as stream:
        stream.truncate(count * side)
    with (cache.folder / "journal.jsonl").open("w", encoding="utf-8") as journal:
        head = {"version": VERSION, "fingerprint": "made", "pictures": count, "of": count, "channels": cache.channels,
                "size": cache.size, "class_names": [str(digit) for digit in range(10)]}  # fmt: skip
        journal.write(json.dumps(head) + "\n")
        for start in range(0, count, BLOCK):
            labels = [number % 10 for number in range(start, min(start + BLOCK, count))]
            journal.write(json.dumps({"read": len(labels), "labels": labels, "skipped": [], "crc": 0}) + "\n")
        journal.write(json.dumps({"finished": True}) + "\n")
    write_json(cache.folder / "checked.json", mark(pictures))
    cache.open()  # which keeps what the journal comes to, as the first opening after the making does


def make_long_run(root: Path, steps: int, plan: Snapshots) -> Run:
    """A finished run of so many steps, with a line every 50 and a sheet every 468, as MNIST has an epoch."""
    run = create_run(find_recipe("fc_gan"), root=root, name=f"{steps:,} steps")
    sheet = run.path / "sheet.png"
    sheet.write_bytes(png(np.random.default_rng(0).integers(0, 256, (118, 118), np.uint8)))
    verdicts = [0.5] * (plan.rows * plan.columns)
    with run.metrics_path.open("w", encoding="utf-8") as stream:
        for step in range(LOG_EVERY, steps + 1, LOG_EVERY):
            wave = math.sin(step / 1000)
            values = {"loss_g": 1 + wave, "loss_d": 0.7 - wave / 3, "real_cross_entropy": 0.4,
                      "fake_cross_entropy": 0.3, "d_real": 0.6 + wave / 9, "d_fake": 0.4,
                      "lr_g": 2e-4, "lr_d": 2e-4}  # fmt: skip
            stream.write(_line(event="scalars", step=step, epoch=step / SNAPSHOT_EVERY, seconds=step / 300,
                               values=values))  # fmt: skip
            if step // SNAPSHOT_EVERY > (step - LOG_EVERY) // SNAPSHOT_EVERY:
                at = step // SNAPSHOT_EVERY * SNAPSHOT_EVERY
                os.link(sheet, run.sheet_path(at))
                stream.write(_line(event="snapshot", step=at, epoch=at / SNAPSHOT_EVERY, rows=plan.rows,
                                   columns=plan.columns, verdicts=verdicts))  # fmt: skip
    _finish(run, steps, steps / SNAPSHOT_EVERY)
    return run


def make_library(root: Path, count: int) -> None:
    """So many finished runs, each with a short curve, a sheet and networks."""
    for number in range(count):
        run = create_run(find_recipe("fc_gan"), path=root / f"20260101-{number:06d}-fc_gan", name=f"Run {number}")
        run.metrics_path.write_text("".join(
            _line(event="scalars", step=step, epoch=step / 10, seconds=step, values={"loss_g": 1.0, "loss_d": 0.5})
            for step in range(KEPT)
        ), encoding="utf-8")  # fmt: skip
        run.sheet_path(KEPT).write_bytes(png(np.full((118, 118), number % 256, np.uint8)))
        run.bundle_path(KEPT).symlink_to(WEIGHTS_DIR / "fc_gan.safetensors")
        _finish(run, KEPT, KEPT / 10)


def _finish(run: Run, steps: int, epochs: float) -> None:
    status = replace(run.status(), state="finished", step=steps, total_steps=steps, epoch=epochs, total_epochs=epochs)
    run.set_status(replace(status, seconds=steps / 300, device="CPU"))


def _line(**values: object) -> str:
    return json.dumps(values) + "\n"

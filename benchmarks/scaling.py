"""How cost grows: with batch, picture and width, with the data, the run's length, the number of runs, and viewers.

    GAN_DATA_DIR=… python -m benchmarks.scaling [--only batch size width data length library viewers] [--steps 5]
                                                [--json FILE] [--publish]

Steps are timed on one thread and in processor time, so that other programs on the machine hardly matter; the least of
several steps counts. Data sets are prepared files of sparse zeros, runs are folders as a training leaves them, made in
a moment. Pages are opened in a real Chromium; viewers are connections that do what the browser's page does, and tick.
`--publish` writes the tables into docs/performance.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gan_core import openmp

os.environ.update(openmp.environment(watched=False))  # before torch loads

import psutil
import torch

from benchmarks.made import make_cache, make_library, make_long_run
from benchmarks.report import publish, save, stamp, table
from gan_core import library, shelf
from gan_core.data import Dataset
from gan_core.datasets.dataset import silent
from gan_core.datasets.picture_cache import PictureCache
from gan_core.events import StepDone
from gan_core.history import History, read_history
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Recipe
from gan_core.trainer import Trainer

Row = list[object]
BATCHES, SIZES, WIDTHS = (16, 32, 64, 128, 256, 512), (16, 32, 64, 128), (16, 32, 64, 128)
PICTURES = (60_000, 600_000, 10_000_000)
STEPS = (10_000, 100_000, 1_000_000)
RUNS = (10, 100, 1_000)
VIEWERS = (1, 5, 20)


def main() -> None:
    """Measure what is asked for, print, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--steps", type=int, default=5, help="timed steps of each kind")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--publish", action="store_true", help="into docs/performance.md")
    parser.add_argument("--one-data-set", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.one_data_set:
        print(json.dumps(data_row(arguments.one_data_set)))
        return
    origin = stamp("python -m benchmarks.scaling " + " ".join(sys.argv[1:]))
    found = {}
    for name in arguments.only:
        title, head, rows_of = TABLES[name]
        rows = rows_of(arguments.steps)
        found[name] = {"head": head, "rows": rows}
        print(f"## {title}\n\n{table(head, rows)}\n", flush=True)
        if arguments.publish:
            publish(f"scaling-{name}", title, table(head, rows), origin)
    print(origin.sentence())
    if arguments.json:
        save(arguments.json, origin, found)


def step_row(recipe: Recipe, size: int, steps: int) -> tuple[float, float]:
    """(milliseconds of processor time a step, microseconds a picture)."""
    count = recipe.training.batch_size * (steps + 3)
    images = torch.zeros((count, 1, size, size), dtype=torch.uint8)
    trainer = Trainer(recipe, Dataset("zeros", images, torch.zeros(count, dtype=torch.int64), ("0",)))
    times: list[float] = []
    began = time.process_time()
    for event in trainer.events():
        if isinstance(event, StepDone):
            times.append(time.process_time() - began)
            if len(times) > steps:
                break
            began = time.process_time()
    least = min(times[1:])
    return 1e3 * least, 1e6 * least / recipe.training.batch_size


def grown(values: tuple[int, ...], plan: Callable[[int], tuple[Recipe, int]], steps: int) -> list[Row]:
    """A row for each value: its cost a step and a picture, and the cost of a picture against the first value's."""
    rows: list[Row] = []
    first = 0.0
    for value in values:
        recipe, size = plan(value)
        step, picture = step_row(recipe, size, steps)
        first = first or picture
        rows.append([f"{value:,}", f"{step:,.1f}", f"{picture:,.0f}", f"{picture / first:.2f}"])
        gc.collect()
    return rows


def small(batch: int = 32, width: int = 16) -> Recipe:
    """A convolutional recipe for any picture size."""
    changes: Mapping[str, Any] = {"training.batch_size": batch, "training.held_out": 0, "training.log_every": 1000,
                                  "generator.width": width, "discriminator.width": width}  # fmt: skip
    return find_recipe("r4_dcgan").with_values(changes)


def batch_rows(steps: int) -> list[Row]:
    return grown(BATCHES, lambda batch: (small(batch=batch), 32), steps)


def size_rows(steps: int) -> list[Row]:
    return grown(SIZES, lambda size: (small(), size), steps)


def width_rows(steps: int) -> list[Row]:
    return grown(WIDTHS, lambda width: (small(width=width), 32), steps)


def data_rows(steps: int) -> list[Row]:
    """Each size in a process of its own, whose memory is its own: what making the files took is none of it."""
    rows: list[Row] = []
    for count in PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            make_cache(zeros(Path(folder)), count)
            command = [sys.executable, "-m", "benchmarks.scaling", "--one-data-set", folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return rows


def zeros(folder: Path) -> PictureCache:
    return PictureCache(folder, "Zeros", 1, 28, silent)


def data_row(folder: Path) -> Row:
    """Open prepared pictures, and train on batches from all over them."""
    process, before = psutil.Process(), own_memory()
    began = time.process_time()
    prepared = zeros(folder).open()
    if prepared is None:
        raise RuntimeError("the prepared pictures do not open")
    opening = time.process_time() - began
    data = Dataset("zeros", prepared.images, prepared.labels, prepared.class_names, resident=False)
    recipe = find_recipe("fc_gan").with_values({"training.held_out": 0, "training.log_every": 1000})
    times = []
    trainer = Trainer(recipe, data)
    began = time.process_time()
    for event in trainer.events():
        if isinstance(event, StepDone):
            times.append(time.process_time() - began)
            if len(times) > 200:
                break
            began = time.process_time()
    used, mapped = (own_memory() - before) / 1e6, prepared.images.numel() / 1e6
    peak = process.memory_info().rss / 1e6
    step = 1e3 * sorted(times)[len(times) // 2]
    return [f"{len(data):,}", f"{mapped:,.0f}", f"{opening:.3f}", f"{step:.1f}", f"{used:,.0f}", f"{peak:,.0f}"]


def own_memory() -> int:
    """Bytes of this process that no file stands behind."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon"))) * 1024


def length_rows(steps: int) -> list[Row]:
    """What a page does of a run of any length at first sight and each second, and what it sends."""
    from benchmarks.pages import opened
    from gan_core.recipes.recipe import Snapshots
    from pages.ui.run_learning import draw_charts
    from pages.ui.timeline import chosen

    rows: list[Row] = []
    for count in STEPS:
        with tempfile.TemporaryDirectory() as folder:
            run = make_long_run(Path(folder), count, Snapshots())
            lines = sum(1 for _line in run.metrics_path.open("rb"))
            first = processor_ms(lambda path=run.metrics_path: History().read(path))
            read_history(run.metrics_path)
            tick = min(processor_ms(lambda run=run: draw_charts(run.history(), run.recipe(), 0.6, False))
                       for _try in range(3))  # fmt: skip
            sheets = run.sheets()
            film = len(chosen(sheets, sheets[-1]))
            page = opened(Path(folder), f"/train?run={run.id}", ".gan-stage img")
            rows.append([f"{count:,}", f"{lines:,}", f"{len(run.history()):,}", f"{first:,.0f}", f"{tick:,.0f}",
                         f"{film:,}", f"{page.sent / 1e3:,.0f}", f"{page.memory / 1e6:,.0f}"])  # fmt: skip
    return rows


def library_rows(steps: int) -> list[Row]:
    """What lists of so many runs cost the server, and what its pages send."""
    from benchmarks.pages import opened

    rows: list[Row] = []
    for count in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["GAN_RUNS_DIR"] = folder
            make_library(Path(folder), count)
            first = processor_ms(shelf.run_entries)
            again = min(processor_ms(shelf.run_entries) for _try in range(3))
            shelf.disk_use()
            disk = min(processor_ms(shelf.disk_use) for _try in range(3))
            library.models()
            models = min(processor_ms(library.models) for _try in range(3))
            pages = [opened(Path(folder), address, "[data-testid=stMain] img") for address in ("/library", "/")]
            rows.append([f"{count:,}", f"{first:,.0f}", f"{again:,.1f}", f"{disk:,.1f}", f"{models:,.1f}",
                         *(f"{page.sent / 1e3:,.0f}" for page in pages), f"{pages[0].memory / 1e6:,.0f}"])  # fmt: skip
    return rows


def viewer_rows(steps: int) -> list[Row]:
    """What so many open pages of one training cost the server."""
    from benchmarks.viewers import watched

    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for seen in watched(Path(folder), VIEWERS):
            rows.append([seen.viewers, f"{seen.processor:.0%}", f"{seen.processor / seen.viewers:.1%}",
                         f"{1e3 * seen.median:,.0f}", f"{1e3 * seen.worst:,.0f}", f"{seen.bytes_each / 1e3:,.1f}",
                         f"{seen.memory / 1e6:,.0f}"])  # fmt: skip
    return rows


def processor_ms(work: Callable[[], object]) -> float:
    """Milliseconds of processor time that ``work`` takes."""
    began = time.process_time()
    work()
    return 1e3 * (time.process_time() - began)


STEP_HEAD = ["ms a step", "µs a picture", "× the first"]
# What each table is called, its columns, and what makes its rows.
TABLES: Mapping[str, tuple[str, list[str], Callable[[int], list[Row]]]] = {
    "batch": ("Scaling with batch size (`r4_dcgan`, width 16, 32 × 32)", ["batch", *STEP_HEAD], batch_rows),
    "size": ("Scaling with picture size (`r4_dcgan`, width 16, batch 32)", ["pixels a side", *STEP_HEAD], size_rows),
    "width": ("Scaling with width (`r4_dcgan`, 32 × 32, batch 32)", ["channels", *STEP_HEAD], width_rows),
    "data": ("Scaling with the data set (mapped, 28 × 28, `fc_gan`)",
             ["pictures", "file, MB", "opening, s", "ms a step", "own memory, MB", "with mapped pages, MB"], data_rows),
    "length": ("Scaling with the length of a run (a line every 50 steps, a sheet every 468)",
               ["steps", "lines", "points kept", "first reading, ms", "each second, ms", "sheets in the film",
                "page, kB", "server, MB"], length_rows),
    "library": ("Scaling with the runs in the library",
                ["runs", "first listing, ms", "listing, ms", "disk use, ms", "models, ms", "Library, kB", "Home, kB",
                 "server, MB"], library_rows),
    "viewers": ("Scaling with viewers of one training",
                ["viewers", "of a core", "each", "tick, median ms", "worst ms", "kB a tick", "server, MB"],
                viewer_rows),
}  # fmt: skip

if __name__ == "__main__":
    main()

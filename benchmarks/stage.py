"""What the benchmarks of the interface stand on: a real server, a real Chromium, and a training that runs meanwhile."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from gan_core.data import find_dataset
from gan_core.jobs import enqueue
from gan_core.recipes import find_recipe
from gan_core.runs import Run, create_run, list_runs
from tests.browser.conftest import SWITCHES, find_chromium

ENDLESS = 10_000  # epochs, the most there can be
PATIENCE = 300.0  # seconds


@dataclass(frozen=True)
class Times:
    """How often something was done, and its seconds in order of measurement."""

    what: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def worst(self) -> float:
        return max(self.seconds)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser until the block ends."""
    with sync_playwright() as playwright:
        # On a busy machine the watchdog takes the process that draws for a dead one, ends it, and no frame comes again.
        switches = [*SWITCHES, "--disable-gpu-watchdog"]
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=switches)
        yield browser
        browser.close()


def visitor(browser: Browser) -> BrowserContext:
    """Somebody who has never been here."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", color_scheme="light")
    context.set_default_timeout(PATIENCE * 1000)
    return context


@contextmanager
def training(runs: Path, recipe: str = "fc_gan") -> Iterator[Run]:
    """A run that trains until the block ends, started by the server that looks after ``runs``."""
    changes = {"training.epochs": ENDLESS, "training.steps": 0, "dataset": dataset()}
    run = create_run(find_recipe(recipe).with_values(changes), root=runs, name="Meanwhile")
    enqueue(run)
    wait_until(lambda: len(run.history()) > 1, "the training has points")
    try:
        yield run
    finally:
        end(run)


def dataset() -> str:
    """MNIST where GAN_DATA_DIR has it, else the digits that need no file: nothing here waits for a download."""
    return "mnist" if find_dataset("mnist").on_disk() else "strokes"


def end(run: Run) -> None:
    """Stop a run, and wait until it has."""
    run.set_command("stop")
    wait_until(lambda: not run.status().live, "the training stops")


def end_all(runs: Path) -> None:
    """Stop whatever still trains in that folder, so that no process outlives the benchmark."""
    for run in list_runs(runs):
        if run.status().live and run.status().state != "queued":
            end(run)


def wait_for_reserve(runs: Path) -> None:
    """Wait until a worker with torch loaded stands by for this folder: the state a server is usually in."""

    def stands_by() -> bool:
        busy = {run.status().pid for run in list_runs(runs)}
        return any(process.pid not in busy and _rests(process) for process in _workers(runs))

    wait_until(stands_by, "a worker stands by")


def _workers(runs: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
            if line[-2:] == ["-m", "gan_core.worker"] and process.environ().get("GAN_RUNS_DIR") == str(runs):
                yield process
        except psutil.Error:
            continue


def _rests(process: psutil.Process) -> bool:
    """Whether it has done its loading: seconds of work behind it, and none at the moment."""
    try:
        return sum(process.cpu_times()[:2]) > 1 and process.cpu_percent(interval=0.5) == 0
    except psutil.Error:
        return False


def wait_until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for ``holds()``, looking ten times a second."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:g} seconds, and still not: {what}")
        time.sleep(0.1)


def milliseconds(times: Times) -> list[str]:
    """A row of a table: what, median and worst."""
    return [times.what, f"{1000 * times.median:,.0f}", f"{1000 * times.worst:,.0f}", str(len(times.seconds))]


def ratio(before: Sequence[float], after: Sequence[float]) -> float:
    """How many times as long the median of ``before`` is as that of ``after``."""
    return statistics.median(before) / statistics.median(after)

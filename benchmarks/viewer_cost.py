"""What one open page of a training costs it: the page is closed, open and closed again within one run.

The run's own clock counts. The browser works on the same machine, which most visitors' does, too.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.clocks import POINT
from benchmarks.stage import training, visitor, wait_until
from gan_core.runs import Run, find_run
from pages.ui.run_view import TICKS

SKIPPED = 3.0  # seconds at the start of each period, in which a page opens or closes
YOUNG = TICKS[0][0] - 10  # seconds of a young run, less what opening the page takes


@dataclass(frozen=True)
class Cost:
    """Pictures a second of each period, in order: one with the page closed before and after each with it open."""

    when: str
    closed: tuple[tuple[float, float], ...]
    open: tuple[float, ...]

    @property
    def shares(self) -> list[float]:
        """What each open period lost against the closed ones before and after it, so that a drift cancels out."""
        return [1 - seen / statistics.mean(alone) for seen, alone in zip(self.open, self.closed, strict=True)]

    def sentence(self) -> str:
        """The cost in words."""
        shares = self.shares
        alone = statistics.median(itertools.chain(*self.closed))
        return (
            f"{self.when}, one viewer costs the training {statistics.median(shares):.1%} of its speed "
            f"({min(shares):.1%} to {max(shares):.1%} in {len(shares)} periods): {alone:,.0f} pictures a second with "
            f"the page closed, {statistics.median(self.open):,.0f} with it open."
        )


def viewer_costs(browser: Browser, url: str, runs: Path, periods: int, seconds: float) -> Iterator[Cost]:
    """Watch and look away so many times, for so many seconds each: while a run is young, and when it no longer is.

    The page looks less often at an older run, so each period of the first kind has a run of its own.
    """
    young = []
    for _period in range(periods):
        with training(runs) as run:
            young.append(watched(browser, url, run, YOUNG / 3 - SKIPPED))
    yield cost("In the first minute of a run", young)
    with training(runs) as run:
        wait_until(lambda: run.status().seconds > TICKS[-2][0], "the run is no longer young")
        yield cost("Later", [watched(browser, url, run, seconds) for _period in range(periods)])


def cost(when: str, periods: list[tuple[float, float, float]]) -> Cost:
    """Of (closed, open, closed) periods."""
    return Cost(when, tuple((before, after) for before, _, after in periods), tuple(seen for _, seen, _ in periods))


def watched(browser: Browser, url: str, run: Run, seconds: float) -> tuple[float, float, float]:
    """Pictures a second before somebody looks, meanwhile, and afterwards."""
    before = rate(run, seconds)
    context = visitor(browser)
    page = context.new_page()
    page.goto(f"{url}/train?run={run.id}")
    page.wait_for_function(POINT)
    seen = rate(run, seconds)
    context.close()
    return before, seen, rate(run, seconds)


def rate(run: Run, seconds: float) -> float:
    """Pictures a second over so many seconds from soon, by the points that the run writes and its own clock."""
    time.sleep(SKIPPED)
    batch = run.recipe().training.batch_size * run.recipe().training.discriminator_steps
    first = latest(run)
    wait_until(lambda: latest(run)[1] - first[1] >= seconds, "the period is over", seconds * 10)
    last = latest(run)
    return (last[0] - first[0]) * batch / (last[1] - first[1])


def latest(run: Run) -> tuple[float, float]:
    """(step, seconds) of the newest point."""
    scalars = find_run(run.id).history().scalars
    return float(scalars["step"][-1] or 0), float(scalars["seconds"][-1] or 0)

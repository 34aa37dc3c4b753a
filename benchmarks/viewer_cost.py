"""What one open page of a training costs it: the page is open and closed in turn within one run.

The run's own clock counts. The browser works on the same machine, which most visitors' does, too.
"""

from __future__ import annotations

import itertools
import statistics
import time
from dataclasses import dataclass

from playwright.sync_api import Browser

from benchmarks.clocks import POINT
from benchmarks.stage import visitor, wait_until
from gan_core.runs import Run, find_run

SKIPPED = 3.0  # seconds at the start of each period, in which a page opens or closes


@dataclass(frozen=True)
class Cost:
    """Pictures a second of each period, in order: one more with the page closed than with it open."""

    closed: tuple[float, ...]
    open: tuple[float, ...]

    @property
    def shares(self) -> list[float]:
        """What each open period lost against the closed ones before and after it, so that a drift cancels out."""
        between = [statistics.mean(pair) for pair in itertools.pairwise(self.closed)]
        return [1 - seen / alone for seen, alone in zip(self.open, between, strict=True)]

    def sentence(self) -> str:
        """The cost in words."""
        shares = self.shares
        return (
            f"One viewer costs the training {statistics.median(shares):.1%} of its speed ({min(shares):.1%} to "
            f"{max(shares):.1%} in {len(shares)} periods): {statistics.median(self.closed):,.0f} pictures a second "
            f"with the page closed, {statistics.median(self.open):,.0f} with it open."
        )


def viewer_cost(browser: Browser, url: str, run: Run, periods: int, seconds: float) -> Cost:
    """Watch and look away so many times, for so many seconds each."""
    closed, watched = [rate(run, seconds)], []
    for _period in range(periods):
        context = visitor(browser)
        page = context.new_page()
        page.goto(f"{url}/train?run={run.id}")
        page.wait_for_function(POINT)
        watched.append(rate(run, seconds))
        context.close()
        closed.append(rate(run, seconds))
    return Cost(tuple(closed), tuple(watched))


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

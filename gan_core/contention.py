"""Lets torch's threads wait awake while the processor is theirs, and asleep while other programs want it.

    with watching():
        …                     # anything that computes with torch on the CPU

Threads that wait awake are a quarter faster where nothing else runs, and many times slower where something does: one
that looks for work uses up the time that its work would need. GNU's OpenMP has a rule for that: while there are more
threads than processors, none waits awake (its manual, GOMP_SPINCOUNT). A second team of threads, which sleeps, brings
the rule into force, and takes it back by ending. The number of threads that compute, and so every result, stays.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

TASKS = Path("/proc/self/task")
LOOK_SECONDS = 0.05
CALM_SECONDS = 0.3  # after which the others are taken to have gone
CROWDED = 0.15  # share of its time for which a thread that could run waits for a processor; alone it is below 0.05
GRAIN = 32768  # elements of an operation for each thread that takes part, torch's at::internal::GRAIN_SIZE


def can_be_seen() -> bool:
    """Whether this system says how long threads wait for a processor, as Linux does."""
    return bool(waits())


def waits() -> dict[str, float]:
    """Seconds that each thread of this process has waited for a processor when it could have run."""
    found = {}
    for task in TASKS.glob("*/schedstat"):
        try:
            found[task.parent.name] = int(task.read_text().split()[1]) * 1e-9
        except (OSError, IndexError, ValueError):  # the thread has ended, or the kernel keeps no count
            continue
    return found


class Watch:
    """Looks now and then whether others want the processor: :meth:`look` with what :func:`waits` says, and the time."""

    def __init__(self, now: float, waited: Mapping[str, float]) -> None:
        self._now, self._waited = now, waited
        self._calm_since = now
        self._asleep: SleepingTeam | None = None

    @property
    def crowded(self) -> bool:
        """Whether threads sleep while they wait."""
        return self._asleep is not None

    def look(self, now: float, waited: Mapping[str, float]) -> None:
        """Take in how long each thread has waited by now."""
        longest = max((waited[task] - self._waited[task] for task in waited.keys() & self._waited.keys()), default=0.0)
        if longest > CROWDED * (now - self._now):
            self._calm_since = now
            if self._asleep is None:
                self._asleep = SleepingTeam()
        elif now - self._calm_since >= CALM_SECONDS:
            self.end()
        self._now, self._waited = now, waited

    def end(self) -> None:
        """Let threads wait awake again."""
        if self._asleep is not None:
            self._asleep.end()
            self._asleep = None


class SleepingTeam:
    """As many threads more as torch computes with; they only exist."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._gather, name="sleeping-team", daemon=True)
        self._thread.start()

    def _gather(self) -> None:
        import torch  # long loaded where anything computes

        torch.zeros(GRAIN * torch.get_num_threads()).add_(1.0)  # gives this thread a team for life
        self._over.wait()

    def end(self) -> None:
        """End the team's threads."""
        self._over.set()
        self._thread.join()


@contextmanager
def watching() -> Iterator[None]:
    """While the block runs, threads sleep when others want the processor; nothing where the system does not say so."""
    over = threading.Event()

    def watch() -> None:
        watch = Watch(time.monotonic(), waits())
        while not over.wait(LOOK_SECONDS):
            if "torch" in sys.modules:
                watch.look(time.monotonic(), waits())
        watch.end()

    if not can_be_seen():
        yield
        return
    thread = threading.Thread(target=watch, name="contention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

"""How torch's threads wait: awake while the processor is theirs, asleep while others want it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping

import psutil
import pytest

from gan_core import contention, openmp
from gan_core.contention import CALM_SECONDS, SleepingTeam, Watch, waits, watching


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch(0.0, {"1": 0.0, "2": 0.0})
    yield watch
    watch.end()


def test_threads_sleep_while_one_of_them_waits_for_a_processor_and_for_a_while_after(watch: Watch) -> None:
    watch.look(0.1, {"1": 0.004, "2": 0.004, "3": 9.0})  # a new thread's past says nothing
    assert not watch.crowded
    watch.look(0.2, {"1": 0.004, "2": 0.044, "3": 9.0})
    assert watch.crowded
    watch.look(0.3, {"1": 0.1, "2": 0.044})
    watch.look(0.3 + 0.9 * CALM_SECONDS, {"1": 0.1, "2": 0.044})
    assert watch.crowded
    watch.look(0.3 + 1.1 * CALM_SECONDS, {"1": 0.1, "2": 0.044})
    assert not watch.crowded


def test_without_other_programs_the_first_look_changes_nothing(watch: Watch) -> None:
    watch.look(CALM_SECONDS + 1, {})
    assert not watch.crowded


def test_a_sleeping_team_ends_with_all_its_threads() -> None:
    before = threading.active_count()
    team = SleepingTeam()
    assert threading.active_count() == before + 1
    team.end()
    assert threading.active_count() == before


@pytest.mark.skipif(not contention.can_be_seen(), reason="this system does not say how long threads wait")
def test_other_programs_are_noticed() -> None:
    """Two of them for each processor, and a thread that wants one."""
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _other in range(2 * (psutil.cpu_count() or 1))]
    try:
        watch = Watch(time.monotonic(), waits())
        until = time.monotonic() + 60
        while not watch.crowded and time.monotonic() < until:
            looked = time.monotonic()
            while time.monotonic() < looked + 0.1:
                pass
            watch.look(time.monotonic(), waits())
        assert watch.crowded
        watch.end()
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_the_watch_ends_with_its_block() -> None:
    with watching():
        pass
    assert "contention" not in {thread.name for thread in threading.enumerate()}


def looks(environment: Mapping[str, str], watched: bool) -> str:
    """What a fresh process settles on."""
    code = (
        f"import os; from gan_core import openmp; openmp.settle(watched={watched}); "
        "print(os.environ['GOMP_SPINCOUNT'])"
    )
    bare = {name: value for name, value in os.environ.items() if name not in openmp.NAMES}
    return subprocess.run(
        [sys.executable, "-c", code], env=bare | environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_threads_wait_long_only_where_somebody_watches_and_as_the_user_says() -> None:
    assert looks({}, watched=False) == "1000"
    assert looks({}, watched=True) == ("100000" if contention.can_be_seen() else "1000")
    assert looks({"GOMP_SPINCOUNT": "7"}, watched=True) == "7"

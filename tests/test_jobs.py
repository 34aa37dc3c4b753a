"""The supervisor: one run at a time, in order, through restarts, lost processes and a second server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from gan_core import jobs
from gan_core.config import UserError
from gan_core.hosting import WORKER_NICENESS
from gan_core.jobs import Supervisor, enqueue, is_alive, pause, proceed, queued, stop
from gan_core.runs import Run, create_run, list_runs, runs_dir
from tests.small import small_recipe

pytestmark = pytest.mark.usefixtures("noise_mnist")
LONG = {"training.steps": 1_000_000, "training.epochs": 1000}


def new_run(changes: dict[str, Any] | None = None) -> Run:
    return create_run(small_recipe("fc_gan", changes))


def wait_for(condition: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def root() -> Path:
    runs_dir().mkdir(parents=True)
    return runs_dir()


@pytest.fixture
def servers(root: Path) -> Iterator[Callable[[], Supervisor]]:
    """Starts supervisors; whatever still trains at the end of the test is ended."""
    made: list[Supervisor] = []

    def start() -> Supervisor:
        made.append(Supervisor(root))
        made[-1].start()
        return made[-1]

    yield start
    for server in made:
        server.stop()
    for path in root.iterdir():
        status = Run(path).status() if path.is_dir() else None
        if status is not None and status.live and is_alive(status):
            os.kill(status.pid, signal.SIGKILL)


def states(*runs: Run) -> list[str]:
    return [run.status().state for run in runs]


def test_runs_train_one_at_a_time_in_their_order(servers: Callable[[], Supervisor]) -> None:
    *runs, gone = (new_run({"training.steps": 30}) for _ in range(4))
    for run in (runs[1], runs[0], gone, runs[2]):
        enqueue(run)
    assert queued(runs_dir()) == [runs[1].id, runs[0].id, gone.id, runs[2].id]
    stop(runs[0])  # leaves the queue before its turn
    assert queued(runs_dir()) == [runs[1].id, gone.id, runs[2].id] and states(runs[0]) == ["stopped"]
    shutil.rmtree(gone.path)
    servers()
    together = []

    def done() -> bool:
        now = states(*runs)
        together.append(sum(state in ("running", "stopping") for state in now))
        return now == ["stopped", "finished", "finished"]

    wait_for(done)
    assert max(together) == 1
    assert runs[1].status().updated < runs[2].status().updated and queued(runs_dir()) == []
    assert runs[0].status().step == 0
    with pytest.raises(UserError, match="already going"):
        runs[2].set_status(replace(runs[2].status(), state="running"))
        enqueue(runs[2])


def test_a_run_outlives_its_server_and_obeys_the_next(servers: Callable[[], Supervisor]) -> None:
    run, waiting = new_run(LONG), new_run({"training.steps": 3})
    enqueue(run)
    first = servers()
    wait_for(lambda: run.status().step > 0)
    pid = run.status().pid
    pause(run)
    wait_for(lambda: run.status().state == "paused")
    first.stop()
    assert is_alive(run.status())

    second = servers()
    wait_for(lambda: second.owner)
    enqueue(waiting)
    proceed(run)
    wait_for(lambda: run.status().state == "running")
    step = run.status().step
    wait_for(lambda: run.status().step > step)
    assert run.status().pid == pid and states(waiting) == ["queued"]
    stop(run)
    wait_for(lambda: states(run, waiting) == ["stopped", "finished"])
    assert run.newest_bundle() is not None
    proceed(run)  # a stopped run goes on from its checkpoint
    kept = run.status().step
    wait_for(lambda: run.status().state == "running" and run.status().step > kept)


def test_a_training_yields_to_its_server_and_is_out_of_its_terminals_reach(
    servers: Callable[[], Supervisor],
) -> None:
    run = new_run(LONG)
    enqueue(run)
    servers()
    wait_for(lambda: run.status().step > 0)
    pid = run.status().pid
    assert os.getsid(pid) == os.getsid(0)  # else Linux would not weigh the niceness against the server's
    assert os.getpgid(pid) == pid  # Ctrl+C goes to the server's group alone
    assert os.getpriority(os.PRIO_PROCESS, pid) == max(os.getpriority(os.PRIO_PROCESS, 0), WORKER_NICENESS)


def test_a_killed_process_is_told_and_can_be_resumed(servers: Callable[[], Supervisor]) -> None:
    run = new_run(LONG)
    enqueue(run)
    servers()
    wait_for(lambda: run.status().step > 0)
    os.kill(run.status().pid, signal.SIGKILL)
    wait_for(lambda: run.status().state == "stopped")
    assert run.status().message == jobs.LOST and run.status().pid == 0


def claim(run: Run, state: str, pid: int, created: float) -> Run:
    run.set_status(replace(run.status(), state=state, pid=pid, pid_created=created))
    return run


def test_at_the_start_dead_processes_and_reused_pids_are_found_out(root: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    me = psutil.Process()
    dead = claim(new_run(), "running", ended.pid, me.create_time())
    reused = claim(new_run(), "paused", me.pid, me.create_time() - 100)  # my pid, another start
    alive = claim(new_run(), "running", me.pid, me.create_time())
    lost_in_queue = new_run()  # says "queued", but nobody put it into the queue
    waiting = new_run()
    enqueue(waiting)
    server = Supervisor(root)
    assert server._take_lock()
    try:
        assert states(dead, reused, alive, lost_in_queue, waiting) == [
            "stopped", "stopped", "running", "stopped", "queued",
        ]  # fmt: skip
        assert dead.status().message == reused.status().message == jobs.LOST
        assert list(server._running) == [alive.id]
    finally:
        server.stop()


def test_a_run_that_is_queued_while_a_server_takes_over_keeps_its_place(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run()
    arrival = threading.Thread(target=enqueue, args=(run,))

    def looking(root: Path) -> list[Run]:  # the queue was read, the statuses come next
        arrival.start()
        arrival.join(0.5)
        return list_runs(root)

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "list_runs", looking)
        patch.setattr(Supervisor, "_adopt", lambda self: None)
        server = Supervisor(root)
        assert server._take_lock()
        server.stop()
    arrival.join()
    assert states(run) == ["queued"] and queued(root) == [run.id]


def test_a_run_of_the_command_line_is_waited_for_and_its_death_is_noticed(
    servers: Callable[[], Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "ADOPT_SECONDS", 0.1)
    server = servers()
    wait_for(lambda: server.owner)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    other = claim(new_run(), "running", process.pid, psutil.Process(process.pid).create_time())
    wait_for(lambda: other.id in server._running)
    run = new_run({"training.steps": 3})
    enqueue(run)
    time.sleep(0.5)
    assert states(other, run) == ["running", "queued"]
    process.kill()
    process.wait()
    wait_for(lambda: states(other, run) == ["stopped", "finished"])
    assert other.status().message == jobs.LOST


def test_two_servers_share_a_folder_and_one_takes_over(servers: Callable[[], Supervisor]) -> None:
    first = servers()
    wait_for(lambda: first.owner)
    second = servers()
    run = new_run({"training.steps": 3})
    enqueue(run)
    wait_for(lambda: states(run) == ["finished"])
    assert first.owner and not second.owner
    first.stop()
    wait_for(lambda: second.owner)
    again = new_run({"training.steps": 3})
    enqueue(again)
    wait_for(lambda: states(again) == ["finished"])

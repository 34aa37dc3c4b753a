"""The supervisor: starts training processes one at a time for a device, and keeps run folders truthful.

Files are the only channel. A run waits in the queue as an empty file ``.queue/ID`` of the runs folder; whichever
server holds the folder's lock starts it, so a second server on the same folder can queue, pause and stop too.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import psutil

from gan_core import guests, openmp
from gan_core.config import UserError
from gan_core.devices import pick_device
from gan_core.fitting import check_fit
from gan_core.hosting import WORKER_NICENESS, hosted, worker_threads
from gan_core.locks import exclusive
from gan_core.recipes.recipe import Recipe
from gan_core.runs import LIVE, Run, Status, create_run, list_runs, runs_dir
from gan_core.warden import Warden

TICK_SECONDS = 0.1
ADOPT_SECONDS = 5.0
# How long a next process in reserve waits: loading torch would slow the run that has just begun, and where loading
# fails, it should not be tried without end.
RESERVE_SECONDS = 6.0
STARTING = "Starting"
LOST = "The training process ended without a word; resume to continue from the last checkpoint."

log = logging.getLogger(__name__)


def enqueue(run: Run) -> None:
    """Put ``run`` at the end of the queue; also how a stopped run is resumed."""
    if run.status().live and run.status().state != "queued":
        raise UserError("This run is already going.")
    guests.check_resume(run)
    run.set_command("run")
    queue = run.path.parent / ".queue"
    with _line_held(run.path.parent):
        run.set_status(replace(run.status(), state="queued", traceback="", pid=0).saying(""))
        queue.mkdir(exist_ok=True)
        (queue / run.id).touch()


def start_runs(
    recipes: Sequence[Recipe],
    *,
    device: str = "auto",
    seed: int | None = None,
    group: str = "",
    name: str = "",
    start_from: Path | None = None,
    parent: str = "",
    owner: str = "",
    parts: Sequence[tuple[str, str]] = (),
    measured: int = 0,
) -> list[Run]:
    """Queue a new run of each recipe, in order.

    Args:
        seed: the seed that all of them train with; each recipe's own where None.
        group: ties the runs together, so that they can be found as a pair.
        name: what to call the runs; each recipe's title where it is empty.
        start_from, parent: the bundle whose networks they start with, and the snapshot that it is ("ID@STEP").
        owner: the visitor of a shared server who starts them.
        parts: what each run is within its group, and what it is called, in place of ``name``.
        measured: how many pictures of each are compared with real ones at its end; 0 for none.

    Raises:
        UserError: a recipe does not fit its data set, there is no such device, the runs folder cannot be written to,
            the seed is out of range, or a shared server's limits forbid it; nothing is queued then.
    """
    pick_device(device)
    if seed is not None:
        recipes = [recipe.with_values({"training.seed": seed}) for recipe in recipes]
    for recipe in recipes:
        check_fit(recipe)
        guests.check(recipe)
    guests.check_turn(owner, len(recipes))
    runs = [
        create_run(
            recipe, name=called.strip(), device=device, start_from=start_from, parent=parent, group=group, owner=owner,
            part=part, measured=measured,
        )
        for recipe, (part, called) in zip(recipes, parts or [("", name)] * len(recipes), strict=True)
    ]  # fmt: skip
    for run in runs:
        enqueue(run)
    return runs


def queued(root: Path) -> list[str]:
    """Ids of the waiting runs, first in line first."""
    with contextlib.suppress(OSError):
        entries = [(entry.stat().st_mtime_ns, entry.name) for entry in os.scandir(root / ".queue")]
        return [name for _, name in sorted(entries)]
    return []


def training(root: Path) -> list[Run]:
    """The runs that have a process now, paused ones included; those in the queue wait for them."""
    return [run for run in list_runs(root) if run.status().state in LIVE - {"queued"}]


def pause(run: Run) -> None:
    """Hold a running run at its next step."""
    run.set_command("pause")


def proceed(run: Run) -> None:
    """Let a paused run go on, or queue a stopped one again."""
    if run.status().live:
        run.set_command("run")
    else:
        enqueue(run)


def stop(run: Run) -> None:
    """End a run at its next step, keeping everything; takes a waiting one out of the queue."""
    run.set_command("stop")
    if run.status().state == "queued":
        with _line_held(run.path.parent):
            status = run.status()
            if status.state == "queued":  # still: its turn may have come
                (run.path.parent / ".queue" / run.id).unlink(missing_ok=True)
                run.set_status(replace(status, state="stopped"))


def _line_held(root: Path) -> contextlib.AbstractContextManager[None]:
    """Keeps a run's status and its place in the queue of one mind: whoever reads or changes both holds this."""
    return exclusive(root / ".queue.lock", waiting=lambda: None)


class Supervisor:
    """Owns the training processes of one runs folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.owner = False
        self.elsewhere = False  # another server watches over this folder
        self._lock: IO[str] | None = None
        self._running: dict[str, tuple[Run, subprocess.Popen[str] | None]] = {}
        self._reserve: subprocess.Popen[str] | None = None
        self._reserve_due = self._adopt_due = 0.0
        self._warden = Warden(root)
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to watch the folder, on a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop watching; runs in progress train on and are found again at the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None
        if self._reserve is not None:
            self._reserve.kill()
            self._reserve.wait()
            self._reserve = None
        if self._lock is not None:
            self._lock.close()
            self._lock, self.owner = None, False

    def _watch(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            try:
                if self.owner or self._take_lock():
                    self.tick()
            except Exception:  # the watch must outlive any surprise in one run's folder
                log.exception("the supervisor met an error and goes on")

    def _take_lock(self) -> bool:
        self.root.mkdir(parents=True, exist_ok=True)
        lock = (self.root / ".lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another server holds it; it may end, so this one keeps asking
            lock.close()
            self.elsewhere = True
            return False
        self._lock, self.owner, self.elsewhere = lock, True, False
        with _line_held(self.root):
            waiting = set(queued(self.root))
            for run in list_runs(self.root):
                if run.status().state == "queued" and run.id not in waiting:
                    run.set_status(replace(run.status(), state="stopped"))
        self._adopt()
        return True

    def _adopt(self) -> None:
        """Find the runs that others started (an earlier server, the command line): training still, or lost."""
        self._adopt_due = time.monotonic() + ADOPT_SECONDS
        for run in list_runs(self.root):
            status = run.status()
            if run.id not in self._running and status.live and status.state != "queued":
                if is_alive(status):
                    self._running[run.id] = (run, None)
                else:
                    _mark_lost(run)

    def tick(self) -> None:
        """One look at everything: bury ended processes, start what waits, keep one process in reserve."""
        for run_id, (run, process) in list(self._running.items()):
            if _ended(run, process):
                del self._running[run_id]
                self._warden.ended(run)
        self._warden.look(run for run, _process in self._running.values())
        if time.monotonic() > self._adopt_due:
            self._adopt()
        if not self._running and queued(self.root):
            with _line_held(self.root):
                self._launch_next()
        if self._reserve is not None and self._reserve.poll() is not None:
            self._reserve = None
        if self._reserve is None and time.monotonic() > self._reserve_due:
            self._reserve, self._reserve_due = _spawn(), time.monotonic() + RESERVE_SECONDS

    def _launch_next(self) -> None:
        for run_id in queued(self.root):
            (self.root / ".queue" / run_id).unlink(missing_ok=True)
            run = Run(self.root / run_id)
            if run.exists() and run.status().state == "queued" and self._warden.admits(run):
                self._launch(run)
                break

    def _launch(self, run: Run) -> None:
        process = self._reserve if self._reserve is not None and self._reserve.poll() is None else _spawn()
        self._reserve, self._reserve_due = None, time.monotonic() + RESERVE_SECONDS
        assert process.stdin is not None
        created = psutil.Process(process.pid).create_time()
        # Before the worker learns of the run, so that nothing it writes is overwritten.
        run.set_status(
            replace(run.status(), state="running", pid=process.pid, pid_created=created).saying(STARTING)
        )
        self._running[run.id] = (run, process)
        process.stdin.write(f"{run.path.resolve()}\n")
        process.stdin.close()


def _spawn() -> subprocess.Popen[str]:
    """A worker with torch loaded that waits for the folder of its run; it outlives this server once it has one."""
    shared = {"OMP_NUM_THREADS": str(worker_threads())} if hosted() else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "gan_core.worker"],
        stdin=subprocess.PIPE,
        text=True,
        # A group of its own, out of reach of Ctrl+C in the server's terminal; but the server's session: Linux shares
        # the processor between sessions first (autogroups), and weighs niceness only within one.
        process_group=0,
        cwd=Path(__file__).resolve().parent.parent,
        env={**os.environ, **openmp.environment(watched=True), **shared, **_absolute_folders()},
    )
    with contextlib.suppress(psutil.Error):  # before it starts any thread: threads inherit the priority
        psutil.Process(process.pid).nice(WORKER_NICENESS)
    return process


def _absolute_folders() -> dict[str, str]:
    names = ("GAN_DATA_DIR", "GAN_RUNS_DIR")
    return {name: str(Path(os.environ[name]).resolve()) for name in names if name in os.environ}


def is_alive(status: Status) -> bool:
    """Whether the process that wrote ``status`` still runs; pids are reused, so its start time must agree too."""
    try:
        process = psutil.Process(status.pid)
        return abs(process.create_time() - status.pid_created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _ended(run: Run, process: subprocess.Popen[str] | None) -> bool:
    """Whether a run's process is over; ``process`` is None for one that an earlier server started."""
    if process.poll() is None if process is not None else is_alive(run.status()):
        return False
    # A run that waits again was resumed while its old process was about to end.
    if run.exists() and run.status().live and run.status().state != "queued":
        _mark_lost(run)
    return True


def _mark_lost(run: Run) -> None:
    status = run.status()
    with contextlib.suppress(UserError):
        run.set_status(replace(status, state="stopped", pid=0, pid_created=0.0).saying(LOST))


@functools.cache
def supervisor() -> Supervisor:
    """The one supervisor of this process, for the runs folder of the environment."""
    return Supervisor(runs_dir())

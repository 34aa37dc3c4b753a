"""Visitors who watch one training: connections that speak Streamlit's protocol as its browser page does, and tick."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from benchmarks.pages import server
from benchmarks.stage import training, wait_until
from gan_core.runs import Run
from tests.browser.conftest import running_server

SECONDS = 12.0  # that they watch
MOST_BYTES = 2**26


@dataclass(frozen=True)
class Watched:
    """What so many viewers cost: the share of a core, seconds from asking for a tick to its end, bytes of one tick."""

    viewers: int
    processor: float
    median: float
    worst: float
    bytes_each: float
    memory: int


@dataclass
class Viewer:
    """One open page of a run: loads it, then asks for each tick when it is due and reads the answer."""

    url: str
    run: str
    ready: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    ticks: list[tuple[float, int]] = field(default_factory=list)  # seconds and bytes
    failure: str = ""
    _interval: float = 0.0
    _fragment: str = ""

    def watch(self) -> None:
        """Until ``over`` is set."""
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        try:
            with connect(address, subprotocols=["streamlit"], max_size=MOST_BYTES) as socket:
                asked = BackMsg()
                asked.rerun_script.query_string = f"run={self.run}"
                asked.rerun_script.page_name = "train"
                self._ask(socket, asked)
                if not self._fragment:
                    raise LookupError("the page has no part that ticks")
                self.ready.set()
                while not self.over.wait(self._interval):
                    tick = BackMsg()
                    tick.rerun_script.query_string = f"run={self.run}"
                    tick.rerun_script.fragment_id = self._fragment
                    tick.rerun_script.is_auto_rerun = True
                    began = time.monotonic()
                    size = self._ask(socket, tick)
                    self.ticks.append((time.monotonic() - began, size))
        except Exception as error:  # told by whoever waits for this thread
            self.failure = f"{type(error).__name__}: {error}"
            self.ready.set()

    def _ask(self, socket: ClientConnection, asked: BackMsg) -> int:
        """Send, and read until the server has finished; bytes received."""
        socket.send(asked.SerializeToString())
        size = 0
        while True:
            data = socket.recv(timeout=120, decode=False)
            size += len(data)
            message = ForwardMsg()
            message.ParseFromString(data)
            kind = message.WhichOneof("type")
            if kind == "auto_rerun":
                self._interval, self._fragment = message.auto_rerun.interval, message.auto_rerun.fragment_id
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return size


def watched(runs: Path, counts: Sequence[int]) -> Iterator[Watched]:
    """What each number of viewers of one training costs; the training goes on for all of them."""
    with running_server(runs) as url, training(runs) as run:
        for count in counts:
            yield _watched(url, run, count)


def _watched(url: str, run: Run, count: int) -> Watched:
    viewers = [Viewer(url, run.id) for _number in range(count)]
    threads = [threading.Thread(target=viewer.watch, daemon=True) for viewer in viewers]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(viewer.ready.is_set() for viewer in viewers), "everybody sees the page")
    process = server(url)
    for viewer in viewers:
        viewer.ticks.clear()
    began, used = time.monotonic(), _processor(process)
    time.sleep(SECONDS)
    share = (_processor(process) - used) / (time.monotonic() - began)
    memory = process.memory_info().rss
    for viewer in viewers:
        viewer.over.set()
    for thread in threads:
        thread.join()
    failures = [viewer.failure for viewer in viewers if viewer.failure]
    if failures:
        raise RuntimeError(f"{len(failures)} of {count} viewers failed: {failures[0]}")
    seconds = [tick[0] for viewer in viewers for tick in viewer.ticks]
    sizes = [tick[1] for viewer in viewers for tick in viewer.ticks]
    return Watched(count, share, statistics.median(seconds), max(seconds), statistics.mean(sizes), memory)


def _processor(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system

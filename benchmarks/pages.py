"""What a page of a real server sends to a real Chromium, and what it costs the server's memory."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.stage import chromium, visitor
from tests.browser.conftest import running_server


@dataclass(frozen=True)
class Opened:
    """Bytes of messages that a page sent until it was drawn, and of the server's memory then."""

    sent: int
    memory: int


def opened(runs: Path, address: str, content: str) -> Opened:
    """Open ``address`` on a fresh server on the folder ``runs``, until ``content`` is there and all is said."""
    with running_server(runs) as url, chromium() as browser:
        page = visitor(browser).new_page()
        sizes: list[int] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: sizes.append(len(data))))
        page.goto(url + address)
        page.wait_for_selector(content)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        return Opened(sum(sizes), server(url).memory_info().rss)


def server(url: str) -> psutil.Process:
    """The process that serves that address on this machine."""
    port = f"--server.port={url.rpartition(':')[2]}"
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it ended while it was looked at
            if port in process.cmdline():
                return process
    raise LookupError(f"nothing serves {url}")

"""A real server and a real Chromium for the tests of this folder.

    def test_something(server: str, page: Page) -> None:
        page.goto(f"{server}/digits?lang=zh")

`server` is one server for the whole session; `start_server()` gives a fresh one, or one for another script. Both keep
their runs in a folder of their own. The tests are skipped only where there is no Chromium at all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.servers import end_server, free_port, wait_until_healthy

ROOT = Path(__file__).resolve().parents[2]
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
StartServer = Callable[..., AbstractContextManager[str]]

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


def find_chromium() -> str | None:
    """The browser that the environment names, that the system has, or that playwright brought along."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


@contextmanager
def running_server(runs: Path, script: str = "app.py") -> Iterator[str]:
    """The address of a server that runs `script` until the block ends."""
    port = free_port()
    environment = os.environ | {
        "GAN_RUNS_DIR": str(runs),
        "GAN_DATA_DIR": os.environ.get("GAN_DATA_DIR", str(ROOT / "data")),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless=true", f"--server.port={port}"]
    command += ["--server.address=127.0.0.1", "--server.fileWatcherType=none"]
    with (runs / "server.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(url, process)
        yield url
    finally:
        end_server(process, seconds=20)


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> StartServer:
    """`with start_server() as url:` runs a fresh server; `start_server("some/app.py")` runs another script."""
    return lambda script="app.py": running_server(tmp_path_factory.mktemp("runs"), script)


@pytest.fixture(scope="session")
def server(start_server: StartServer) -> Iterator[str]:
    with start_server() as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        path = find_chromium()
        if path is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium: install the package chromium, or name one in the environment variable CHROMIUM")
        sync_api.expect.set_options(timeout=60_000)  # a busy machine is no failure
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    """A browser page of a visitor who has never been here; nothing may be fetched from outside."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(60_000)
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url) if is_outside(request.url) else None)
    yield page
    context.close()
    assert not outside, f"fetched from outside: {outside}"


def settled(page: sync_api.Page) -> None:
    """Wait until all that the server was asked for is drawn: what is clicked before may be replaced meanwhile."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    # The page's own style sheet comes by a script of the front end that may arrive after those that draw text.
    page.wait_for_function(
        "[...document.querySelectorAll('style')].some(style => style.textContent.includes(':has(table)'))"
    )


def is_outside(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))

"""Servers of this machine for a test: a port of their own, the moment that they answer, and their end."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

# Not urlopen(): it keeps the proxies that stood in the environment when it was first called, and none leads here.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """RuntimeError where a Streamlit server ends, or does not answer in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {process.returncode}")
        try:
            with DIRECT.open(f"{url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.05)
    raise RuntimeError(f"the server did not answer within {seconds:g} seconds")


def end_server(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask it to end, and make it end where it takes longer."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

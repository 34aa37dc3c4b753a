"""Files of public data sets, fetched through torchvision and put in place only when they are whole."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from pathlib import Path

from gan_core.config import UserError
from gan_core.datasets.dataset import Report, data_dir
from gan_core.locks import exclusive

ANSWER_SECONDS = 15.0  # the longest that a server may be silent
REPORT_SECONDS = 0.5
DOWNLOADING = "Downloading {dataset}: {megabytes} MB so far"
WAITING = "Another process is downloading {dataset}; waiting for it"


def download(title: str, wanted: Sequence[Path], fetch: Callable[[Path], object], report: Report) -> None:
    """Bring the files ``wanted``, named from :func:`data_dir`, into place.

    Args:
        title: what the data set is called on screen.
        fetch: gets them all under the folder it is given, in the same places.

    Raises:
        UserError: they cannot be had.
    """
    incoming = data_dir() / f".incoming-{wanted[0].parts[0]}"
    try:
        incoming.mkdir(parents=True, exist_ok=True)
        with exclusive(incoming / ".lock", lambda: report(WAITING, dataset=title)):
            if all((data_dir() / path).exists() for path in wanted):
                return
            for path in wanted:  # of an attempt that was cut off; whole archives are kept and not fetched again
                (incoming / path).unlink(missing_ok=True)
            _watch(fetch, incoming, lambda done: report(DOWNLOADING, dataset=title, megabytes=done // 10**6))
            for path in wanted:
                (data_dir() / path).parent.mkdir(parents=True, exist_ok=True)
                (incoming / path).replace(data_dir() / path)
            shutil.rmtree(incoming, ignore_errors=True)
    except OSError as error:
        raise UserError(
            "{dataset} is not in {folder} and could not be downloaded; "
            "copy its files there or choose strokes, which needs none.",
            dataset=title, folder=data_dir(),
        ) from error  # fmt: skip


def _watch(fetch: Callable[[Path], object], folder: Path, progress: Callable[[int], None]) -> None:
    """``fetch(folder)`` on a thread, with the bytes so far told meanwhile; its failures are OSErrors."""
    outcome: Future[object] = Future()

    def work() -> None:
        try:
            with _silence_limit():
                outcome.set_result(fetch(folder))
        except Exception as error:  # torchvision raises whatever its archives and its parsers do
            outcome.set_exception(error)

    # Not an executor: the interpreter would wait for its threads at the end, and a download cannot be called off.
    threading.Thread(target=work, name="download", daemon=True).start()
    progress(0)
    while not wait([outcome], REPORT_SECONDS).done:
        progress(_bytes_in(folder))
    error = outcome.exception()
    if error is not None:
        raise OSError(f"the download failed: {error}") from error


def _bytes_in(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):  # files come and go while archives are unpacked
        total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return total


@contextlib.contextmanager
def _silence_limit() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(ANSWER_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)

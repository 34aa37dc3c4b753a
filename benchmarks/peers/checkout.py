"""The scripts of a checkout of PyTorch-GAN as they are, each in a process that stands still between its turns."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

from benchmarks.peers.environment import untouched
from gan_core.config import UserError
from gan_core.data import data_dir

SCRIPTS = {  # recipe → script
    "cgan": "cgan", "dcgan": "dcgan", "fc_gan": "gan",
}
START_SECONDS = 120.0


class Script:
    """``with Script(checkout, "cgan", 128) as script: script.turn(1.0)`` gives pictures a second."""

    def __init__(self, checkout: Path, name: str, batch: int) -> None:
        """UserError where the checkout does not have the script."""
        self.script = checkout.resolve() / "implementations" / SCRIPTS[name] / f"{SCRIPTS[name]}.py"
        if not self.script.is_file():
            raise UserError("There is no {script}; name a checkout of PyTorch-GAN.", script=self.script)
        self.batch, self.printed = batch, 0

    def __enter__(self) -> Script:
        self.folder = tempfile.TemporaryDirectory()
        place = Path(self.folder.name, "a", "b")  # the scripts keep their data two folders above
        place.mkdir(parents=True)
        mnist = Path(self.folder.name, "data", "mnist")
        mnist.mkdir(parents=True)
        (mnist / "MNIST").symlink_to(data_dir().resolve() / "MNIST")
        command = [sys.executable, "-u", str(self.script), "--n_epochs", "1000", "--batch_size", str(self.batch)]
        self.process = subprocess.Popen(
            command, cwd=place, env=untouched(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.lines: list[str] = []
        threading.Thread(target=self._count, daemon=True).start()
        end = time.monotonic() + START_SECONDS
        while self.printed < 3:
            if self.process.poll() is not None or time.monotonic() > end:
                self.__exit__(None, None, None)
                raise UserError("{script} does not train: {line}", script=self.script, line="".join(self.lines[-1:]))
            time.sleep(0.05)
        self._tell(signal.SIGSTOP)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._tell(signal.SIGKILL)
        self.process.wait()
        self.folder.cleanup()

    def turn(self, seconds: float) -> float:
        """Let it train for that long, and for three batches at the least."""
        before = self.printed
        self._tell(signal.SIGCONT)
        began = time.perf_counter()
        while self.printed < before + 3 or time.perf_counter() - began < seconds:
            time.sleep(0.005)
        self._tell(signal.SIGSTOP)
        return (self.printed - before) * self.batch / (time.perf_counter() - began)

    def _count(self) -> None:
        """Each batch is a line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines = [*self.lines[-9:], line]
            self.printed += line.startswith("[Epoch")

    def _tell(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

"""One turn of a way of training in a race, in this process or in one of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType

import torch

from gan_core.recipes.recipe import Recipe

Turn = Callable[[float], float]  # seconds to train for → pictures a second


def turn(one_by_one: Iterator[None], recipe: Recipe, device: torch.device) -> Turn:
    """Takes steps until the time is over, three at the least."""
    pictures = recipe.training.batch_size * recipe.training.discriminator_steps

    def take(seconds: float) -> float:
        began, done = time.perf_counter(), 0
        while done < 3 or time.perf_counter() - began < seconds:
            next(one_by_one)
            done += 1
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return done * pictures / (time.perf_counter() - began)

    return take


class Entrant:
    """A process that trains in turns: ``with Entrant([sys.executable, …], environment) as entrant: entrant.turn(1.0)``.

    Between them it stands still.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, environment

    def __enter__(self) -> Entrant:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def turn(self, seconds: float) -> float:
        """Let it train for that long, and for three steps at the least; pictures a second."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def answer(take: Turn) -> None:
    """What an entrant's process does: a turn for each line on its input."""
    for line in sys.stdin:
        print(take(float(line)), flush=True)

"""How fast a recipe trains on a CPU by how torch's threads wait for one another; a section of docs/performance.md.

    python -m benchmarks.waiting [RECIPE …] [--rounds 5] [--seconds 1.0] [--publish]

Each way has a process of its own, and its turn in each round: alone, and beside a program that never rests on one of
the processors. All of them train in bfloat16 where recipes would choose it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

import psutil
import torch

from benchmarks.peers.environment import untouched
from benchmarks.race import in_turns, new_trainer, steps
from benchmarks.report import publish, stamp, table
from benchmarks.turn import Entrant, answer, turn
from gan_core import openmp
from gan_core.contention import watching
from gan_core.devices import keep_freed_memory
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Recipe

RECIPES = ("cgan", "fc_gan", "dcgan")
WAYS: Mapping[str, Mapping[str, str]] = {
    "one thread": {"OMP_NUM_THREADS": "1"},
    "asleep at once": {"OMP_WAIT_POLICY": "passive"},
    "awake for 20 µs": openmp.environment(watched=False),
    "awake for 2 ms": openmp.environment(watched=True),
    "awake while alone, as runs are trained": openmp.environment(watched=True),
    "as torch has it": {},
}
WATCHED = "awake while alone, as runs are trained"
RESTLESS = "while True: pass"


def main() -> None:
    """Measure, print and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=RECIPES, metavar="RECIPE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn, at the least")
    parser.add_argument("--publish", action="store_true", help="write the section of docs/performance.md")
    parser.add_argument("--entrant", choices=("watched", "left alone"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    recipes = [find_recipe(name) for name in arguments.recipes]
    if arguments.entrant:
        train(recipes[0], watched=arguments.entrant == "watched")
        return
    origin = stamp(f"python -m benchmarks.waiting --rounds {arguments.rounds} --seconds {arguments.seconds:g}")
    rows = [row for recipe in recipes for row in measured(recipe, arguments.rounds, arguments.seconds)]
    body = "\n\n".join([
        "Milliseconds a step, the median over the rounds, by how threads wait for their next share of the work: alone, "
        "and beside a program that never rests on one of the processors.",
        table(["recipe", "threads wait", "alone", "beside a program"], rows),
    ])  # fmt: skip
    print(body)
    if arguments.publish:
        publish("waiting", "How threads wait on a CPU", body, origin)


def measured(recipe: Recipe, rounds: int, seconds: float) -> Iterator[tuple[str, ...]]:
    """A row for each way."""
    with ExitStack() as stack:
        entrants = {name: partial(stack.enter_context(entrant(recipe, name)).turn, seconds) for name in WAYS}
        alone = in_turns(entrants, rounds)
        with restless():
            beside = in_turns(entrants, rounds)
    pictures = recipe.training.batch_size * recipe.training.discriminator_steps
    for name in WAYS:
        each = (statistics.median(speeds[name]) for speeds in (alone, beside))
        yield (recipe.name, name, *(f"{1000 * pictures / speed:,.1f}" for speed in each))


def entrant(recipe: Recipe, way: str) -> Entrant:
    """A process whose threads wait in that way."""
    kind = "watched" if way == WATCHED else "left alone"
    command = [sys.executable, "-m", "benchmarks.waiting", recipe.name, "--entrant", kind]
    return Entrant(command, untouched() | WAYS[way])


def train(recipe: Recipe, *, watched: bool) -> None:
    """What an entrant's process does."""
    keep_freed_memory()
    device = torch.device("cpu")
    precision = "bfloat16" if recipe.training.precision == "auto" else recipe.training.precision
    trainer = new_trainer(recipe, device, precision)
    with ExitStack() as stack:
        if watched:
            stack.enter_context(watching())
        answer(turn(steps(trainer), recipe, device))


@contextmanager
def restless() -> Iterator[None]:
    """Beside a program that takes all it can get of the last processor."""
    process = subprocess.Popen([sys.executable, "-c", RESTLESS])
    psutil.Process(process.pid).cpu_affinity([max(os.sched_getaffinity(0))])
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()

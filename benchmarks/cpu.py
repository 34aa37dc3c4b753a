"""How fast recipes train on a CPU beside the usual loop, and what recording costs; a section of docs/performance.md.

    python -m benchmarks.cpu [RECIPE …] [--rounds 7] [--seconds 1.0] [--pytorch-gan PATH] [--publish]

Each round gives every way of training its turn, so that whatever else the machine does slows all of them.
"Usual loop" is `benchmarks/peers/usual.py` around the same networks, in a process whose threads wait as torch has them
wait. With `--pytorch-gan`, a checkout of github.com/eriklindernoren/PyTorch-GAN takes part, its scripts as they are.
Both stand still between their turns. Recording is the share of a run's time that its worker spends on anything but
training steps: its curves, sheets and checkpoints. Looking at the quality of its pictures has a share of its own.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gan_core import openmp

os.environ.update(openmp.environment(watched=True))  # before torch loads

import torch

from benchmarks.race import floors, race
from benchmarks.report import publish, stamp, table
from gan_core.contention import watching
from gan_core.devices import keep_freed_memory
from gan_core.events import Event, Started
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Recipe
from gan_core.runs import create_run
from gan_core.trainer import Trainer
from gan_core.worker import train_run

RECIPES = ("cgan", "fc_gan", "fc_cnn_gan", "leaky_gan", "dcgan")
RECORDED = ("cgan", {"training.epochs": 5})  # a quick recipe, since recording costs it the largest share


def main() -> None:
    """Measure, print and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=RECIPES, metavar="RECIPE")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn, at the least")
    parser.add_argument("--pytorch-gan", type=Path, metavar="PATH", help="a checkout to race against too")
    parser.add_argument("--publish", action="store_true", help="write the section of docs/performance.md")
    arguments = parser.parse_args()
    keep_freed_memory()  # as a run's worker does
    device, recipes = torch.device("cpu"), [find_recipe(name) for name in arguments.recipes]
    command = f"python -m benchmarks.cpu --rounds {arguments.rounds} --seconds {arguments.seconds:g}"
    origin = stamp(command + (" --pytorch-gan PATH" if arguments.pytorch_gan else ""))
    with watching():
        body = tables(recipes, device, arguments)
    print(body)
    if arguments.publish:
        publish("cpu", "Training on a CPU", body, origin)


def tables(recipes: Sequence[Recipe], device: torch.device, arguments: argparse.Namespace) -> str:
    """All that is measured."""
    raced = []
    for recipe in recipes:
        raced += race(recipe, device, arguments.rounds, arguments.seconds, arguments.pytorch_gan)
    return "\n\n".join([
        "The same networks, trained by the usual loop and by the workbench, in turns. The ratio is the median over the "
        f"rounds; its least and greatest stand beside it. {torch.get_num_threads()} threads.",
        table(["recipe", "way", "pictures a second", "× usual loop", "least – greatest"], raced),
        "How fast this processor could be if a step were nothing but its products, or nothing but its weights' "
        "traffic, by the best of ten large products and copies:",
        table(["recipe", "precision", "pictures a second, by arithmetic", "by memory"], floors(recipes, device)),
        "What a run's worker does beside its steps, as a share of its time:",
        table(["recipe", "epochs", "curves, sheets, checkpoints", "looking at quality"], [recording()]),
    ])  # fmt: skip


def recording() -> tuple[str, ...]:
    """What a run's folder costs: curves, sheets, checkpoints and status; and looking at the pictures' quality."""
    name, changes = RECORDED
    recipe = find_recipe(name).with_values(changes)
    plain, watched = (share_beside_steps(recipe.with_values({"snapshots.measured": count})) for count in (0, 1000))
    return name, f"{recipe.training.epochs}", f"{plain:.1%}", f"{watched - plain:.1%}"


def share_beside_steps(recipe: Recipe) -> float:
    """The share of a worker's time between its first step and its end that is no training step."""
    stopwatch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        train_run(create_run(recipe, root=Path(folder)), on_event=stopwatch.see)
    return 1 - stopwatch.seconds / (time.perf_counter() - stopwatch.began)


class Stopwatch:
    """Stands in for a trainer's engine and times its steps."""

    def __init__(self) -> None:
        self.seconds = self.began = 0.0
        self.notice = ""

    def see(self, trainer: Trainer, event: Event) -> None:
        if isinstance(event, Started):
            self.engine, trainer.engine = trainer.engine, self
            self.began = time.perf_counter()

    def run(self, step: int) -> None:
        began = time.perf_counter()
        self.engine.run(step)
        self.seconds += time.perf_counter() - began


if __name__ == "__main__":
    main()

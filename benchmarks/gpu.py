"""How fast recipes train on a GPU: recorded, step by step, and by the usual loop; a section of docs/performance.md.

    python -m benchmarks.gpu [--rounds 5] [--seconds 1.0] [--publish]

Races as `benchmarks/cpu.py` does, and then trains whole runs, recording and all, against the clock. All of it fits into
ten minutes on a recent GPU. A recipe that cannot be recorded has no such row.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.race import floors, race
from benchmarks.report import publish, stamp, table
from gan_core.devices import device_title, pick_device
from gan_core.events import Event, StepDone
from gan_core.recipes import find_recipe
from gan_core.runs import Run, create_run
from gan_core.trainer import Trainer
from gan_core.worker import train_run

RECIPES = ("cgan", "fc_gan", "fc_cnn_gan", "leaky_gan", "dcgan", "dcgan_modified")  # whose losses the usual loop has
WHOLE = ("cgan", "dcgan", "house_small", "house")
MOST_SECONDS = 60.0  # of a whole run; the rest is reckoned from its speed


def main() -> None:
    """Measure, print and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn, at the least")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--publish", action="store_true", help="write the section of docs/performance.md")
    arguments = parser.parse_args()
    device, recipes = pick_device(arguments.device), [find_recipe(name) for name in RECIPES]
    origin = stamp(
        f"python -m benchmarks.gpu --rounds {arguments.rounds} --seconds {arguments.seconds:g}", device_title(device)
    )
    raced = []
    for recipe in recipes:
        raced += race(recipe, device, arguments.rounds, arguments.seconds)
        print(recipe.name, "raced", flush=True)
    body = "\n\n".join([
        "The same networks, trained by the usual loop, by the workbench step by step, and by the workbench as a "
        "recorded CUDA graph, in turns. The ratio is the median over the rounds, beside its least and greatest.",
        table(["recipe", "way", "pictures a second", "× usual loop", "least – greatest"], raced),
        "How fast this GPU could be if a step were nothing but its products, or nothing but its weights' traffic, by "
        "the best of ten large products and copies:",
        table(["recipe", "precision", "pictures a second, by arithmetic", "by memory"], floors(recipes, device)),
        f"Whole runs as a worker trains them, from their first step; those of more than {MOST_SECONDS:g} s are "
        "reckoned from the part that was trained:",
        table(["recipe", "epochs", "trained", "seconds of the whole run"], whole_runs(str(device))),
    ])  # fmt: skip
    print(body)
    if arguments.publish:
        publish("gpu", "Training on a GPU", body, origin)


def whole_runs(device: str) -> Iterator[tuple[str, ...]]:
    """Recipe, its epochs, the share of them that was trained, and the seconds that all of them take."""
    for name in WHOLE:
        recipe = find_recipe(name)
        with tempfile.TemporaryDirectory() as folder:
            run = create_run(recipe, root=Path(folder), device=device)
            clock = Clock(run)
            status = train_run(run, on_event=clock.see)
        seconds = (clock.last - clock.first) / max(status.step - 1, 1) * status.total_steps
        yield name, f"{recipe.training.epochs}", f"{status.step / status.total_steps:.0%}", f"{seconds:.1f}"


class Clock:
    """Notes when a run's first and last step were over, and stops the run in time."""

    def __init__(self, run: Run) -> None:
        self.run, self.first, self.last = run, 0.0, 0.0

    def see(self, trainer: Trainer, event: Event) -> None:
        if isinstance(event, StepDone):
            self.last = time.perf_counter()
            self.first = self.first or self.last
            if self.last - self.first > MOST_SECONDS:
                self.run.set_command("stop")


if __name__ == "__main__":
    main()

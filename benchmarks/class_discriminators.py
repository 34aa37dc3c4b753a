"""What N discriminators cost beside one with N heads: parameters, peak memory and time, as a Markdown table.

    python -m benchmarks.class_discriminators [--classes 2 5 10] [--rounds 5] [--device auto]

Three ways to judge pictures of N classes, at 28×28 and with R4's widths:

* "N discriminators" (igan_vn): a mixed batch of 64, each picture judged by its class' own;
* "N batches" (the report's way, as we read it): each of the N discriminators gets 64 pictures of its class;
* "N heads" (igan_shared): a mixed batch of 64, one trunk.

Times are medians over rounds that take the ways in turn, so that whatever else the machine does slows all of them: on
a CPU the processor time of all threads, which other programs disturb least, on a GPU the time that passes.
Memory is the growth of the peak while D is built and updated three times, each in a process of its own: resident memory
on a CPU, allocated memory on a GPU.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import nn

from benchmarks.race import in_turns
from gan_core.contracts import Critic, Shapes
from gan_core.data import Dataset
from gan_core.devices import device_title, pick_device
from gan_core.events import StepDone
from gan_core.optimization import apply_gradients, gradients, make_optimizer
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Recipe
from gan_core.strokes import draw_strokes
from gan_core.terms import Batch
from gan_core.trainer import Trainer

# way → recipe, and whether D's batch mixes the classes rather than being N times as large
WAYS = {"N discriminators": ("igan_vn", True), "N batches": ("igan_vn", False), "N heads": ("igan_shared", True)}
UPDATES = 3  # of D while its memory is watched
MIB = 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 5, 10], choices=range(1, 11))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--watch", nargs=2, metavar=("WAY", "CLASSES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    if arguments.watch:
        way, classes = arguments.watch
        print(json.dumps(memory_of_updates(way, int(classes), device)))
        return
    print(f"{device_title(device)}, torch {torch.__version__}\n")
    print("| N | way | parameters of D | peak memory of D's update | D's update | whole step |")
    print("|---|---|---|---|---|---|")
    for classes in arguments.classes:
        for row in measure(classes, arguments.rounds, device):
            print(row, flush=True)


def measure(classes: int, rounds: int, device: torch.device) -> Iterator[str]:
    """A row of the table for each way; D's update and the whole step are timed in turns."""
    updates = {way: Updates(way, classes, device) for way in WAYS}
    steps = {way: steps_of(way, classes, device) for way in WAYS if way != "N batches"}
    of_update = medians({way: updates[way].run for way in WAYS}, rounds, device)
    of_step = medians({way: partial(next, trained) for way, trained in steps.items()}, rounds, device)
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.class_discriminators", "--device", str(device), "--watch", way]
        watched = subprocess.run([*command, str(classes)], stdout=subprocess.PIPE, text=True, check=True)
        parameters = sum(parameter.numel() for parameter in updates[way].discriminator.parameters())
        step = f"{of_step[way]:.2f} s" if way in of_step else ""
        yield (
            f"| {classes} | {way} | {parameters:,} | {json.loads(watched.stdout) / MIB:,.0f} MiB | "
            f"{1000 * of_update[way]:,.0f} ms | {step} |"
        )


class Updates:
    """D's update as the recipe has it: both halves judged in one pass, smoothed targets, penalty, Adam."""

    def __init__(self, way: str, classes: int, device: torch.device) -> None:
        self.recipe, size = chosen(way, classes)
        self.discriminator: nn.Module = self.recipe.build_discriminator(Shapes(100, 1, 28, 28, classes)).to(device)
        self.optimizer = make_optimizer(self.recipe.discriminator_optimizer, self.discriminator)
        self.labels = torch.arange(size, device=device) % classes
        self.real, self.fake = torch.rand(2, size, 1, 28, 28, device=device)
        self.random = torch.Generator(device)

    def run(self) -> None:
        """One update."""
        labels, discriminator = self.labels, self.discriminator
        both: Critic = discriminator(torch.cat([self.real, self.fake]), torch.cat([labels, labels]))
        on_real, on_fake = (Critic(*half) for half in zip(*(part.chunk(2) for part in both), strict=True))
        batch = Batch(self.fake, on_fake, self.real, on_real, labels, labels, discriminator, self.random)
        loss = torch.stack([term.weight * term(batch).mean() for term in self.recipe.discriminator_terms]).sum()
        apply_gradients(self.optimizer, discriminator, gradients(loss, discriminator))


def chosen(way: str, classes: int) -> tuple[Recipe, int]:
    """The recipe of a way for so many classes, and the size of D's batch."""
    name, mixed = WAYS[way]
    recipe = find_recipe(name).with_values({"dataset": "strokes", "training.classes": tuple(range(classes))})
    return recipe, recipe.training.batch_size * (1 if mixed else classes)


def steps_of(way: str, classes: int, device: torch.device) -> Iterator[StepDone]:
    """Whole training steps, one each time that the next is asked for."""
    images, labels = draw_strokes(4096, seed=0)
    pictures = torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels).long()
    dataset = Dataset("strokes", *pictures, tuple("0123456789"))
    trainer = Trainer(chosen(way, classes)[0], dataset, device)
    return (event for event in trainer.events() if isinstance(event, StepDone))


def medians(actions: dict[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, float]:
    """Median seconds of each action, which take turns."""
    measured = in_turns({name: partial(seconds_of, action, device) for name, action in actions.items()}, rounds)
    return {name: statistics.median(times) for name, times in measured.items()}


def seconds_of(action: Callable[[], object], device: torch.device) -> float:
    """Of processor time on a CPU, of time that passes on a GPU."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    began = clock()
    action()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - began


def memory_of_updates(way: str, classes: int, device: torch.device) -> int:
    """Bytes by which the peak grows while D is built and updated."""
    torch.nn.functional.conv2d(torch.rand(1, 1, 8, 8, device=device), torch.rand(1, 1, 3, 3, device=device))
    before = peak(device)
    updates = Updates(way, classes, device)
    for _ in range(UPDATES):
        updates.run()
    return peak(device) - before


def peak(device: torch.device) -> int:
    """The most bytes that this process has held so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held when it started this process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()

"""Ways to train one recipe, raced against each other in turns, and how fast the processor could be at all.

    rows = race(recipe, device, rounds=7, seconds=1.0)                  # a row of a table for each way
    floor = least_seconds(recipe, *powers(device, torch.bfloat16))      # of one step
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch

from benchmarks.peers import checkout
from benchmarks.peers.usual import usual_loop
from benchmarks.turn import Turn, turn
from gan_core.anatomy import networks
from gan_core.data import find_dataset
from gan_core.engine import CudaGraph, Eager
from gan_core.recipes.recipe import Recipe
from gan_core.trainer import Trainer

USUAL = "usual loop"
# Reads and writes of float32 for each weight in an update: the gradient written and read; weight, mean and square of
# Adam read and written; and the weight read by a forward and a backward pass.
TRAFFIC = 4 * (2 + 6 + 2)  # bytes


def race(
    recipe: Recipe, device: torch.device, rounds: int, seconds: float, pytorch_gan: Path | None = None
) -> list[tuple[str, ...]]:
    """The rows of a recipe; each way trains for so many seconds in each round."""
    with ExitStack() as stack:
        entrants = {way: partial(take, seconds) for way, take in ways(recipe, device, stack, pytorch_gan).items()}
        return list(rows(recipe, in_turns(entrants, rounds)))


def ways(recipe: Recipe, device: torch.device, stack: ExitStack, pytorch_gan: Path | None = None) -> dict[str, Turn]:
    """All ways that there are on ``device``; ``stack`` ends the processes that some of them need."""
    found = {USUAL: stack.enter_context(usual_loop(recipe.name, str(device))).turn}
    if device.type == "cuda":
        found[f"{USUAL}, 8 loaders"] = stack.enter_context(usual_loop(recipe.name, str(device), workers=8)).turn
    if device.type == "cpu":
        compiled = new_trainer(recipe.with_values({"training.compile": True}), device, "bfloat16")
        found["workbench, bfloat16, compiled"] = turn(steps(compiled), recipe, device)
    for precision in ("float32", "bfloat16"):
        for engine in ("step by step", "recorded") if device.type == "cuda" else ("step by step",):
            trainer = new_trainer(recipe, device, precision)
            if engine == "recorded" and not isinstance(trainer.engine, CudaGraph):
                continue
            if engine == "step by step":
                trainer.engine = Eager(trainer.train_step, trainer.batches, trainer.total_steps)
            found[f"workbench, {precision}, {engine}"] = turn(steps(trainer), recipe, device)
    if pytorch_gan is not None and recipe.name in checkout.SCRIPTS:
        script = stack.enter_context(checkout.Script(pytorch_gan, recipe.name, recipe.training.batch_size))
        found["PyTorch-GAN, its own networks"] = script.turn
    return found


def new_trainer(recipe: Recipe, device: torch.device, precision: str) -> Trainer:
    """A trainer that never comes to its end."""
    endless = recipe.with_values({"training.precision": precision, "training.epochs": 10_000, "training.steps": 0})
    return Trainer(endless, find_dataset("mnist").load(), device)


def steps(trainer: Trainer) -> Iterator[None]:
    """Training, event by event as a worker sees it; yields after each step."""
    before = 0
    for _ in trainer.events():
        if trainer.step > before:
            before = trainer.step
            yield


def in_turns(entrants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each of the entrants answers in each round; the first round warms up and does not count."""
    answers: dict[str, list[float]] = {name: [] for name in entrants}
    for _ in range(rounds + 1):
        for name, measure in entrants.items():
            answers[name].append(measure())
    return {name: measured[1:] for name, measured in answers.items()}


def rows(recipe: Recipe, speeds: Mapping[str, list[float]]) -> Iterator[tuple[str, ...]]:
    """Recipe, way, pictures a second, and how many times the usual loop's in the same round: median, least, most."""
    for way, measured in speeds.items():
        ratios = [own / peer for own, peer in zip(measured, speeds[USUAL], strict=True)]
        spread = f"{min(ratios):.2f} – {max(ratios):.2f}"
        yield (recipe.name, way, f"{statistics.median(measured):,.0f}", f"{statistics.median(ratios):.2f}", spread)


def powers(device: torch.device, precision: torch.dtype) -> tuple[float, float]:
    """(multiply-adds a second of a large matrix product, bytes a second of a large copy), each the best of ten."""
    side, count = (8192, 2**28) if device.type == "cuda" else (1536, 2**25)
    square = torch.ones(side, side, device=device, dtype=precision)
    source, target = (torch.ones(count, device=device) for _ in range(2))
    product = least(lambda: square @ square, device)
    copy = least(lambda: target.copy_(source), device)
    return side**3 / product, 2 * 4 * count / copy


def least(action: Callable[[], object], device: torch.device) -> float:
    """The least seconds of ten runs, after two that warm up."""
    seconds = []
    for _ in range(12):
        began = time.perf_counter()
        action()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return min(seconds[2:])


def least_seconds(recipe: Recipe, products: float, bandwidth: float) -> tuple[float, float]:
    """(by arithmetic, by memory) seconds that one step takes at the least on a processor of those powers.

    Arithmetic: D's update needs G once without and D twice with a backward pass, which costs twice the forward one; G's
    needs both with one, but D's weights get no gradient. Penalties come on top and are not counted. Memory: what each
    weight's update reads and writes; activations are left out, since they may stay in a cache.
    """
    source, training = find_dataset("mnist"), recipe.training
    generator, discriminator = networks(recipe, source.image_shape, len(source.class_names))
    g, d = generator.multiply_adds, discriminator.multiply_adds
    updates_d = training.discriminator_steps
    if training.update == "simultaneous":
        updates_d -= 1
        arithmetic = 3 * g + 6 * d + d
    else:
        arithmetic = 3 * g + 2 * d
    arithmetic += updates_d * (g + 6 * d)
    weights = generator.trainable + training.discriminator_steps * discriminator.trainable
    return training.batch_size * arithmetic / products, TRAFFIC * weights / bandwidth


def floors(recipes: Iterable[Recipe], device: torch.device) -> Iterator[tuple[str, ...]]:
    """Recipe, precision, and pictures a second by arithmetic and by memory if nothing else took time."""
    for precision in (torch.float32, torch.bfloat16):
        power = powers(device, precision)
        for recipe in recipes:
            pictures = recipe.training.batch_size * recipe.training.discriminator_steps
            by = (f"{pictures / seconds:,.0f}" for seconds in least_seconds(recipe, *power))
            yield (recipe.name, str(precision).removeprefix("torch."), *by)

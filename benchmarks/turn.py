"""One turn of a way of training in a race."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

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

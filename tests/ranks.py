"""One of several ranks, as a process of its own: ``python -m tests.ranks FOLDER`` trains and writes what it has."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from gan_core.distributed import World, joined_world
from gan_core.optimization import gradients
from gan_core.trainer import Trainer
from tests.small import small_data, small_recipe

# Batch statistics and their buffers; branches that a rank may not need; averages, dropout and penalties.
TRAINED = {
    "cgan": {"training.ema_decay": 0.9},
    "igan_vn": {"training.discriminator_steps": 2},
    "fc_gan": {"training.precision": "bfloat16"},
}


def main() -> None:
    """Write gradients.safetensors, and one file for each recipe, into a folder of this rank."""
    torch.set_num_threads(1)
    with joined_world() as world:
        folder = Path(sys.argv[1]) / str(world.rank)
        folder.mkdir()
        assert world.share(f"from {world.rank}") == "from 0"
        assert world.command("pause" if world.leads else "run") == "pause"
        save_file(averaged(world), folder / "gradients.safetensors")
        for name, changes in TRAINED.items():
            recipe = small_recipe(name, {"training.steps": 3, "training.epochs": 100, **changes})
            trainer = Trainer(recipe, small_data(recipe), world=world)
            for _ in trainer.events():
                pass
            save_file(trainer.state_dict()["tensors"], folder / f"{name}.safetensors")


def averaged(world: World) -> dict[str, torch.Tensor]:
    """Gradients of a mean over one half of a batch; of three layers, one serves all, one rank 1 alone, one nobody."""
    torch.manual_seed(0)
    layers = nn.ModuleList(nn.Linear(3, 2) for _ in range(3))
    batch = torch.randn(8, 3)
    half = batch.chunk(world.size)[world.rank]
    loss = layers[0](half).square().mean()
    if world.rank == 1:
        loss = loss + layers[1](half).sum()
    slopes = world.mean_gradients(gradients(loss, layers), list(layers.parameters()))
    whole = torch.autograd.grad(layers[0](batch).square().mean(), list(layers[0].parameters()))
    lone = torch.autograd.grad(layers[1](batch.chunk(2)[1]).sum() / 2, list(layers[1].parameters()))
    for slope, expected in zip(slopes, (*whole, *lone, None, None), strict=True):
        assert (slope is None) == (expected is None)
        if slope is not None and expected is not None:
            torch.testing.assert_close(slope, expected)
    return {str(number): slope for number, slope in enumerate(slopes) if slope is not None}


if __name__ == "__main__":
    main()

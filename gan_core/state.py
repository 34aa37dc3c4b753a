"""All that decides how a training goes on, as tensors by dotted name, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from gan_core.meter import Meter


class Stateful(Protocol):
    """What of a trainer belongs to its state."""

    modules: dict[str, nn.Module]
    optimizer_g: torch.optim.Optimizer
    optimizer_d: torch.optim.Optimizer
    noise: torch.Generator
    masks: torch.Generator
    meter: Meter
    points_won: int


def tensors_of(trainer: Stateful) -> dict[str, Tensor]:
    """Copies, on the CPU, of everything that :func:`restore` needs."""
    tensors: dict[str, Tensor] = {}
    for name, module in trainer.modules.items():
        tensors |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
    for name, optimizer in _optimizers(trainer).items():
        for index, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{slot}": value for slot, value in slots.items()}
    tensors["points_won"] = torch.tensor(trainer.points_won)
    tensors |= {"rng.noise": trainer.noise.get_state(), "rng.dropout": trainer.masks.get_state()}
    tensors |= {f"meter.{key}": value for key, value in trainer.meter.state().items()}
    return {key: value.detach().cpu().clone() for key, value in tensors.items()}


def restore(trainer: Stateful, tensors: Mapping[str, Tensor]) -> None:
    """Bring a trainer of the same recipe to where :func:`tensors_of` was taken; strict about names and shapes."""
    for name, module in trainer.modules.items():
        module.load_state_dict(under(tensors, name))
    for name, optimizer in _optimizers(trainer).items():
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in under(tensors, name).items():
            index, slot = key.split(".")
            slots.setdefault(int(index), {})[slot] = value.clone()
        optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
    trainer.noise.set_state(tensors["rng.noise"])
    trainer.masks.set_state(tensors["rng.dropout"])
    trainer.meter.load(under(tensors, "meter"))
    trainer.points_won = int(tensors["points_won"])


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin with ``prefix`` and a dot, by the rest of their names."""
    return {key[len(prefix) + 1 :]: value for key, value in tensors.items() if key.startswith(prefix + ".")}


def _optimizers(trainer: Stateful) -> dict[str, torch.optim.Optimizer]:
    return {"optimizer_g": trainer.optimizer_g, "optimizer_d": trainer.optimizer_d}

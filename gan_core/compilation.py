"""torch.compile for the networks' own passes on a CPU, where somebody asks for it.

It writes a C++ program for each network and batch size and has it compiled, which takes seconds to minutes before the
first step. Penalties and pictures use the networks as they are: compiled ones have no second derivative, and would be
compiled again for each number of pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

ON_CPUS = "Networks are compiled on a CPU alone; on this device the run trains without."
REFUSED = (
    "The networks could not be compiled, so the run trains without. That needs a C++ compiler, such as g++; the run's "
    "log says what is wrong."
)

log = logging.getLogger(__name__)


def why_not_compiled(device: torch.device) -> str:
    """Why networks cannot be compiled here; "" where they can, as a trial shows."""
    if device.type != "cpu":
        return ON_CPUS
    try:
        torch.compile(_trial)(torch.ones(2))
    except (RuntimeError, OSError):
        log.exception("torch.compile does not work here")
        return REFUSED
    return ""


def compiled(module: nn.Module) -> Callable[..., Any]:
    """What ``module`` computes, as a program for each batch size; it has the same parameters."""
    passes: Callable[..., Any] = torch.compile(module, dynamic=False)
    return passes


def _trial(x: torch.Tensor) -> torch.Tensor:
    return x.sin() + 1

"""One network's update: its optimiser, the gradient step, and the running average of its weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_core.recipes.recipe import Optimizer


def make_optimizer(config: Optimizer, module: nn.Module) -> torch.optim.Optimizer:
    """The torch optimiser that ``config`` describes, over all of ``module``'s parameters."""
    parameters = list(module.parameters())
    if config.algorithm == "adam":
        return torch.optim.Adam(
            parameters, config.learning_rate, (config.beta1, config.beta2), config.epsilon, fused=True
        )
    if config.algorithm == "rmsprop":
        return torch.optim.RMSprop(
            parameters, config.learning_rate, alpha=config.beta2, eps=config.epsilon, momentum=config.beta1
        )
    return torch.optim.SGD(parameters, config.learning_rate, momentum=config.beta1)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Make ``rate`` the learning rate of the next updates."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def gradients(loss: Tensor, module: nn.Module, *, keep_graph: bool = False) -> tuple[Tensor | None, ...]:
    """∂loss/∂θ for ``module``'s parameters alone; None for one that took no part, as a class's unused branch."""
    return torch.autograd.grad(loss, list(module.parameters()), retain_graph=keep_graph, allow_unused=True)


def apply_gradients(
    optimizer: torch.optim.Optimizer, module: nn.Module, slopes: Sequence[Tensor | None]
) -> None:
    """One update of ``module`` along gradients in the order of its parameters; those without one stay."""
    for parameter, slope in zip(module.parameters(), slopes, strict=True):
        parameter.grad = slope
    optimizer.step()


def average_of(module: nn.Module) -> nn.Module:
    """A copy of a network, for a running average of its weights."""
    return copy.deepcopy(module).requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """average <- decay · average + (1 - decay) · module; buffers are copied (Karras et al. 2018, §4)."""
    torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), 1 - decay)
    for kept, now in zip(average.buffers(), module.buffers(), strict=True):
        kept.copy_(now)


def ramped_decay(decay: float, ramp: float, step: int) -> float:
    """``decay`` with its half-life cut to ``ramp`` × the steps so far (Karras et al. 2020, StyleGAN2-ADA)."""
    if ramp <= 0 or decay <= 0:
        return decay
    half_life = min(math.log(0.5) / math.log(decay), max(ramp * step, 1e-8))
    return math.pow(0.5, 1 / half_life)

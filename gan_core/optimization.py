"""One network's update: its optimiser, the gradient step, and the running average of its weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_core.recipes.recipe import Optimizer


def make_optimizer(config: Optimizer, module: nn.Module) -> torch.optim.Optimizer:
    """The torch optimiser that ``config`` describes, over all of ``module``'s parameters.

    On a GPU it keeps all that changes there, its rate too, so that its update can be recorded and replayed.
    """
    parameters = list(module.parameters())
    device = parameters[0].device
    recordable = device.type == "cuda"
    rate = torch.tensor(config.learning_rate, device=device) if recordable else config.learning_rate
    if config.algorithm == "adam":
        return torch.optim.Adam(
            parameters, rate, (config.beta1, config.beta2), config.epsilon, fused=True, capturable=recordable
        )
    if config.algorithm == "rmsprop":
        return torch.optim.RMSprop(
            parameters, rate, alpha=config.beta2, eps=config.epsilon, momentum=config.beta1, capturable=recordable,
            foreach=recordable or None,
        )  # fmt: skip
    return torch.optim.SGD(parameters, rate, momentum=config.beta1, fused=recordable or None)


def set_rate(optimizer: torch.optim.Optimizer, rate: float | Tensor) -> None:
    """Make ``rate`` the learning rate of the next updates."""
    for group in optimizer.param_groups:
        if not isinstance(group["lr"], Tensor):
            group["lr"] = rate
        elif isinstance(rate, Tensor):
            group["lr"].copy_(rate)
        else:
            group["lr"].fill_(rate)


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
def update_average(average: nn.Module, module: nn.Module, share: float | Tensor) -> None:
    """average <- average + share · (module - average); buffers are copied (Karras et al. 2018, §4).

    ``share`` is a number or a 0-d tensor.
    """
    kept: list[Tensor] = list(average.parameters())
    now: list[Tensor] = list(module.parameters())
    if isinstance(share, Tensor):  # for which torch has no fused interpolation
        steps = list(torch._foreach_sub(now, kept))
        torch._foreach_mul_(steps, share.to(kept[0].dtype))
        torch._foreach_add_(kept, steps)
    else:
        torch._foreach_lerp_(kept, now, share)
    for buffer, newest in zip(average.buffers(), module.buffers(), strict=True):
        buffer.copy_(newest)


def ramped_decay(decay: float, ramp: float, step: int) -> float:
    """``decay`` with its half-life cut to ``ramp`` × the steps so far (Karras et al. 2020, StyleGAN2-ADA)."""
    if ramp <= 0 or decay <= 0:
        return decay
    half_life = min(math.log(0.5) / math.log(decay), max(ramp * step, 1e-8))
    return math.pow(0.5, 1 / half_life)

"""Penalties against their closed forms, and WGAN-GP against an independent loop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gan_core.config import UserError
from gan_core.contracts import Critic
from gan_core.objectives import Batch
from gan_core.recipes import find_recipe
from gan_core.regularizers import R1, R2, GradientPenalty, KernelDecay


class Linear(nn.Module):
    """D(x) = w·x, whose slope is w everywhere."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        return Critic(x.flatten(1) @ self.weights, x.flatten(1))


class Curved(nn.Module):
    """A small network that bends, for comparison with a loop over samples."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(9, 7), nn.Tanh(), nn.Linear(7, 1))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        return Critic(self.body(x).squeeze(1), x.flatten(1))


def batch_for(discriminator: nn.Module, count: int = 6, seed: int = 0) -> Batch:
    source = torch.Generator().manual_seed(seed)
    real, fake = torch.randn(2, count, 1, 3, 3, generator=source)
    return Batch(
        fake, discriminator(fake), real, discriminator(real), None, None, discriminator, source
    )


def test_gradient_penalty_of_a_linear_critic() -> None:
    weights = torch.arange(1.0, 10.0) / 10
    values = GradientPenalty()(batch_for(Linear(weights)))
    assert values.shape == (6,)
    torch.testing.assert_close(values, (weights.norm() - 1).square().expand(6))


@pytest.mark.parametrize("term", [R1(), R2()])
def test_zero_centred_penalties_of_a_linear_critic(term: R1 | R2) -> None:
    weights = torch.arange(1.0, 10.0) / 10
    torch.testing.assert_close(term(batch_for(Linear(weights))), weights.square().sum().expand(6))


def test_gradient_penalty_agrees_with_a_loop_over_samples() -> None:
    torch.manual_seed(3)
    critic = Curved()
    batch = batch_for(critic, seed=5)
    state = batch.random.get_state()
    values = GradientPenalty()(batch)
    share = torch.empty(6, 1, 1, 1).uniform_(generator=torch.Generator().manual_seed(0).set_state(state))
    assert batch.real is not None
    for index in range(6):
        x = share[index] * batch.real[index] + (1 - share[index]) * batch.fake[index]
        jacobian = torch.autograd.functional.jacobian(lambda x: critic(x[None]).logits[0], x)
        torch.testing.assert_close(values[index], (jacobian.norm() - 1).square(), rtol=1e-5, atol=1e-6)


def test_gradient_penalty_teaches_the_critic() -> None:
    critic = Linear(torch.full((9,), 0.7))
    loss = GradientPenalty()(batch_for(critic)).mean()
    (slope,) = torch.autograd.grad(loss, [critic.weights])
    norm = critic.weights.detach().norm()
    torch.testing.assert_close(slope, 2 * (norm - 1) * critic.weights.detach() / norm, rtol=1e-4, atol=1e-6)


def test_gradient_penalty_of_a_constant_critic_is_finite() -> None:
    critic = Linear(torch.zeros(9))
    loss = GradientPenalty()(batch_for(critic)).mean()
    (slope,) = torch.autograd.grad(loss, [critic.weights])
    assert torch.isfinite(slope).all()


def test_kernel_decay_refuses_a_layer_that_is_not_there() -> None:
    with pytest.raises(UserError, match="names the convolutions"):
        KernelDecay(layers=(1,))(batch_for(Linear(torch.zeros(9))))


@pytest.mark.parametrize("kind", ["gradient_penalty", "r1", "r2"])
@pytest.mark.parametrize(
    "mixing", [{"discriminator.batch_norm": True}, {"stabilizers.minibatch_discrimination": 8},
               {"stabilizers.minibatch_deviation": True}]
)  # fmt: skip
def test_per_sample_penalties_through_the_batch_are_refused(kind: str, mixing: dict[str, object]) -> None:
    recipe = find_recipe("fc_gan")
    terms = [*recipe.to_dict()["discriminator_terms"], {"kind": kind}]
    penalised = recipe.with_values({"discriminator_terms": terms})
    with pytest.raises(UserError, match="judges each picture by itself"):
        penalised.with_values(mixing)

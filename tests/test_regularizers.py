"""Penalties against their closed forms, and WGAN-GP against an independent loop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gan_core import formulas
from gan_core.config import UserError
from gan_core.contracts import Critic
from gan_core.fitting import check_fit
from gan_core.objectives import RelativisticCritic
from gan_core.recipes import find_recipe
from gan_core.regularizers import R1, R2, GradientPenalty, KernelDecay
from gan_core.stabilizers import Packed
from gan_core.terms import Batch


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


@pytest.mark.parametrize("kind", ["gradient_penalty", "r1", "r2"])
def test_penalties_teach_a_curved_critic_as_the_formula_by_hand(kind: str) -> None:
    """With C(x) = v·tanh(Wx + b) + c the slope is Wᵀ(v ∘ (1 − tanh²)): one derivative left instead of two."""
    torch.manual_seed(4)
    critic = Curved()
    hidden, last = critic.body[1], critic.body[3]
    assert isinstance(hidden, nn.Linear) and isinstance(last, nn.Linear)
    batch = batch_for(critic, seed=6)
    assert batch.real is not None
    state = batch.random.get_state()
    term = {"gradient_penalty": GradientPenalty(), "r1": R1(), "r2": R2()}[kind]
    reached = torch.autograd.grad(term(batch).mean(), [hidden.weight, hidden.bias, last.weight])

    share = torch.empty(6, 1, 1, 1).uniform_(generator=torch.Generator().set_state(state))
    place = {"gradient_penalty": share * batch.real + (1 - share) * batch.fake, "r1": batch.real, "r2": batch.fake}
    bend = 1 - torch.tanh(place[kind].flatten(1) @ hidden.weight.T + hidden.bias).square()  # (N, 7)
    slope = (bend * last.weight) @ hidden.weight  # (N, 9)
    value = (slope.norm(dim=1) - 1).square() if kind == "gradient_penalty" else slope.square().sum(1)
    expected = torch.autograd.grad(value.mean(), [hidden.weight, hidden.bias, last.weight])
    for got, wanted in zip(reached, expected, strict=True):
        assert wanted.abs().max() > 1e-4
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-6)


def test_the_whole_loss_of_a_wgan_gp_critic_agrees_with_the_papers_algorithm() -> None:
    """Gulrajani et al. 2017, algorithm 1, lines 4 to 8, sample by sample, at the weights of the recipe."""
    recipe = find_recipe("r4_wgan_gp")
    torch.manual_seed(8)
    critic = Curved()
    batch = batch_for(critic, seed=7)
    assert batch.real is not None
    source = torch.Generator().set_state(batch.random.get_state())
    total = sum((term.weight * term(batch).mean() for term in recipe.discriminator_terms), torch.zeros(()))

    weight = next(term.weight for term in recipe.discriminator_terms if isinstance(term, GradientPenalty))
    shares, losses = torch.rand(6, generator=source), []
    for share, x, fake in zip(shares, batch.real, batch.fake, strict=True):
        between = (share * x + (1 - share) * fake)[None].requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).logits.squeeze(), between)
        distance = critic(fake[None]).logits - critic(x[None]).logits
        losses.append(distance.squeeze() + weight * (slope.norm() - 1) ** 2)
    torch.testing.assert_close(total, torch.stack(losses).mean(), rtol=1e-5, atol=1e-6)


def test_gradient_penalty_of_a_constant_critic_is_finite() -> None:
    critic = Linear(torch.zeros(9))
    loss = GradientPenalty()(batch_for(critic)).mean()
    (slope,) = torch.autograd.grad(loss, [critic.weights])
    assert torch.isfinite(slope).all()


def test_kernel_decay_refuses_a_layer_that_is_not_there() -> None:
    with pytest.raises(UserError, match="names the convolutions"):
        KernelDecay(layers=(1,))(batch_for(Linear(torch.zeros(9))))
    recipe = find_recipe("dcgan_modified")
    check_fit(recipe)
    with pytest.raises(UserError, match="names the convolutions \\[9\\], but the discriminator has 3"):
        check_fit(recipe.with_values({"discriminator_terms.kernel_decay.layers": (9,)}))


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


# ---- a weight that falls over the run, and a penalty on a part of the batch


def test_an_annealed_weight_falls_to_its_share() -> None:
    penalty = R1(weight=3.0, final_share=0.25)
    assert [penalty.weight_at(annealing) for annealing in (1.0, 0.5, 0.0)] == [3.0, 1.875, 0.75]
    assert R2(weight=3.0).weight_at(0.0) == 3.0
    assert RelativisticCritic(weight=2.0).weight_at(0.0) == 2.0
    on_device = penalty.weight_at(torch.tensor(0.5, dtype=torch.float64))
    assert isinstance(on_device, Tensor) and on_device.item() == 1.875


def test_the_loss_says_which_weights_fall() -> None:
    terms = (RelativisticCritic(), R1(weight=5.0, final_share=0.25), R2(weight=5.0))
    loss = formulas.loss("discriminator", terms)
    assert r"5\;a_{2}(t)\;\mathbb{E}\bigl[\ell^D_{2}" in loss and r"+ 5\;\mathbb{E}\bigl[\ell^D_{3}" in loss
    said = [formulas.annealing(term, index) for index, term in enumerate(terms, 1)]
    assert said == ["", r"a_{2}(t) = 0.25 + 0.75\;\tfrac{1 + \cos(\pi t/T)}{2}", ""]
    assert formulas.annealing(R1(final_share=0.0), 1) == r"a_{1}(t) = \tfrac{1 + \cos(\pi t/T)}{2}"


@pytest.mark.parametrize("kind", [R1, R2])
def test_a_part_of_the_batch_gives_its_first_pictures_values(kind: type[R1 | R2]) -> None:
    torch.manual_seed(3)
    batch = batch_for(Curved(), count=8)
    whole = kind()(batch)
    torch.testing.assert_close(kind(part=0.5)(batch), whole[:4])
    assert kind(part=0.01)(batch).shape == (1,)
    assert whole.unique().numel() == 8


def test_gradient_penalty_on_a_part_of_the_batch() -> None:
    weights = torch.arange(1.0, 10.0) / 10
    values = GradientPenalty(part=0.5)(batch_for(Linear(weights)))
    torch.testing.assert_close(values, (weights.norm() - 1).square().expand(3))


def test_a_part_of_the_batch_cuts_no_pack_apart() -> None:
    weights = torch.arange(1.0, 19.0) / 10
    batch = batch_for(Packed(Linear(weights), 2), count=8)
    slopes = weights.view(2, 9).square().sum(1)  # of the two places in a pack
    torch.testing.assert_close(R2(part=0.3)(batch), slopes)  # one pack of four
    torch.testing.assert_close(R1(part=0.6)(batch), slopes.repeat(2))

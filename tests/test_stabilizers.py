"""Stabilizers: each does what its paper says, and its absence changes nothing."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn

from gan_core.config import UserError
from gan_core.contracts import Critic, Shapes
from gan_core.data import Dataset
from gan_core.events import DiscriminatorWon, Finished, Scalars, StepDone
from gan_core.objectives import FakeCrossEntropy, RealCrossEntropy, WassersteinCritic
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Recipe
from gan_core.regularizers import GradientPenalty
from gan_core.remedies import FeatureMatching
from gan_core.stabilizers import (
    MinibatchDeviation,
    MinibatchDiscrimination,
    Packed,
    Stabilizers,
    carry_over,
    equip,
)
from gan_core.terms import Term
from gan_core.trainer import Trainer

SHAPES = Shapes(100, 1, 28, 28)


def small_recipe(**changes: object) -> Recipe:
    values = {"training.batch_size": 8, "training.steps": 3, "generator.hidden": (8,), "discriminator.hidden": (8,)}
    return find_recipe("fc_gan").with_values(values | {key.replace("__", "."): value for key, value in changes.items()})


def noise_pictures(count: int = 64) -> Dataset:
    source = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, 1, 28, 28), dtype=torch.uint8, generator=source)
    return Dataset("noise", images, torch.arange(count) % 10, tuple("0123456789"))


def trained(recipe: Recipe) -> Trainer:
    trainer = Trainer(recipe, noise_pictures())
    for _ in trainer.events():
        pass
    return trainer


def test_instance_noise_falls_along_a_line() -> None:
    stabilizers = Stabilizers(instance_noise=0.4, instance_noise_until=0.5)
    assert [stabilizers.noise_deviation(step, 100) for step in (0, 25, 50, 99)] == [0.4, 0.2, 0.0, 0.0]
    assert Stabilizers(instance_noise=0.4, instance_noise_until=0.0).noise_deviation(99, 100) == 0.4


def test_instance_noise_reaches_the_discriminator() -> None:
    trainer = Trainer(small_recipe(stabilizers__instance_noise=0.5), noise_pictures())
    images = torch.zeros(4000, 1, 1, 1)
    assert trainer._perturbed(images, 0.5).std().item() == pytest.approx(0.5, abs=0.03)


def test_minibatch_discrimination_agrees_with_a_double_loop() -> None:
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(6, kernels=3, dimensions=2)
    features = torch.randn(5, 6)
    points = (layer.normalise(features) @ layer.projection).view(5, 3, 2)
    expected = torch.zeros(5, 3)
    for i in range(5):
        for j in range(5):
            if i != j:
                expected[i] += torch.exp(-(points[i] - points[j]).abs().sum(1)) / 4
    torch.testing.assert_close(layer(features), expected)


def test_minibatch_discrimination_is_one_for_equal_pictures_in_a_batch_of_any_size() -> None:
    layer = MinibatchDiscrimination(6, kernels=3)
    for count in (2, 64):
        torch.testing.assert_close(layer(torch.randn(6).expand(count, 6)), torch.ones(count, 3))


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e2])
def test_minibatch_discrimination_is_alive_for_features_of_any_size(scale: float) -> None:
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(256, kernels=16)
    features = (torch.randn(32, 256) * scale).requires_grad_()
    closeness = layer(features)
    assert 0.1 < closeness.mean().item() < 0.9
    (slope,) = torch.autograd.grad(closeness.sum(), [layer.projection])
    assert slope.abs().max() > 1e-5


def test_minibatch_deviation() -> None:
    features = torch.tensor([[0.0, 1.0], [2.0, 1.0]])
    torch.testing.assert_close(MinibatchDeviation()(features), torch.full((2, 1), 0.5), atol=1e-3, rtol=0)


@pytest.mark.parametrize("layer", [nn.Linear(12, 9), nn.Conv2d(3, 8, 3), nn.ConvTranspose2d(4, 6, 5)])
def test_spectral_norm_and_its_gradient_agree_with_the_singular_vectors(layer: nn.Linear | nn.Conv2d) -> None:
    """W̄ = W/σ, and ∂/∂W of ⟨G, W̄⟩ is (G − ⟨G, W̄⟩ u vᵀ)/σ (Miyato et al. 2018, eq. 12)."""
    def as_matrix(kernel: Tensor) -> Tensor:
        """(outputs, all else); outputs are the second dimension of a transposed convolution."""
        return (kernel.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else kernel).flatten(1)

    torch.manual_seed(0)
    nn.init.normal_(layer.weight)
    weight = layer.weight.detach().clone()
    equip(nn.Sequential(layer), Stabilizers(spectral_norm=True)).train()
    for _ in range(300):  # each reading in training mode is one power iteration
        normalised = layer.weight
    left, sizes, right = torch.linalg.svd(as_matrix(weight))
    torch.testing.assert_close(normalised, weight / sizes[0], rtol=1e-4, atol=1e-6)

    slope = torch.randn_like(weight)
    (reached,) = torch.autograd.grad((normalised * slope).sum(), [layer.parametrizations.weight.original])
    inner = (as_matrix(slope) * as_matrix(weight)).sum() / sizes[0]
    expected = (as_matrix(slope) - inner * torch.outer(left[:, 0], right[0])) / sizes[0]
    torch.testing.assert_close(as_matrix(reached), expected, rtol=1e-3, atol=1e-5)


def test_a_spectrally_normalised_discriminator_is_as_steep_as_its_layers_allow() -> None:
    """Each layer's slope is at most 1 once its vectors have settled, and so is D's with ReLU between them."""
    torch.manual_seed(2)
    discriminator = small_recipe(stabilizers__spectral_norm=True).build_discriminator(SHAPES)
    pictures = torch.rand(64, 1, 28, 28) * 50
    for _ in range(100):
        discriminator(pictures[:1])
    logits = discriminator.eval()(pictures).logits
    steepness = (logits[:, None] - logits).abs() / torch.cdist(pictures.flatten(1), pictures.flatten(1)).clamp(1e-9)
    assert 0.01 < steepness.max().item() <= 1 + 1e-4


def test_spectral_norm_gives_layers_that_start_at_zero_a_direction() -> None:
    """W/σ(W) is not defined at 0, where the last layer of a residual block may start."""
    layer = nn.Conv2d(3, 4, 3)
    nn.init.zeros_(layer.weight)
    equip(nn.Sequential(layer), Stabilizers(spectral_norm=True)).train()
    for _ in range(100):
        normalised = layer.weight
    assert torch.linalg.matrix_norm(normalised.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)


def test_a_residual_discriminator_trains_under_spectral_norm_from_any_snapshot() -> None:
    house = find_recipe("house").with_values({
        "generator.channels": (8, 8), "discriminator.width": 8, "stabilizers.spectral_norm": True,
        "training.batch_size": 8, "training.epochs": 1, "training.steps": 2, "training.log_every": 1,
        "training.precision": "float32",
    })  # fmt: skip
    plain = house.with_values({"stabilizers.spectral_norm": False})
    untrained = plain.build_discriminator(SHAPES).state_dict()
    branch = house.build_discriminator(SHAPES)
    carry_over(untrained, branch)
    assert branch(torch.rand(4, 1, 28, 28)).logits.isfinite().all()
    assert [type(event) for event in Trainer(house, noise_pictures()).events()][-1] is Finished


def test_packing_shows_the_discriminator_several_pictures() -> None:
    class Means(nn.Module):
        def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
            return Critic(x.flatten(1).mean(1), x.mean((2, 3)))

    pictures = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 1, 2, 2)
    answer = Packed(Means(), 4)(pictures)
    assert answer.logits.tolist() == [1.5, 5.5]
    assert answer.features.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_packing_trains() -> None:
    trainer = trained(small_recipe(stabilizers__packing=4))
    assert trainer.step == 3
    assert trainer.discriminator(torch.zeros(8, 1, 28, 28)).logits.shape == (2,)


def test_packing_refuses_what_it_does_not_divide() -> None:
    with pytest.raises(UserError, match="packs of 8"):
        small_recipe(training__batch_size=20, stabilizers__packing=8)
    with pytest.raises(UserError, match="different labels"):
        find_recipe("cgan").with_values({"stabilizers.packing": 2})


def test_weight_clipping_bounds_every_weight() -> None:
    trainer = trained(small_recipe(stabilizers__weight_clip=0.01))
    assert all(parameter.abs().max() <= 0.01 for parameter in trainer.discriminator.parameters())


def test_a_resting_discriminator_keeps_its_weights() -> None:
    recipe = small_recipe(stabilizers__skip_above=1e-6)
    fresh = Trainer(recipe, noise_pictures())
    before = {key: value.clone() for key, value in fresh.discriminator.state_dict().items()}
    for event in fresh.events():
        if isinstance(event, StepDone):
            break
    assert all(torch.equal(value, before[key]) for key, value in fresh.discriminator.state_dict().items())


def test_the_run_ends_when_the_discriminator_has_won() -> None:
    recipe = small_recipe(
        training__steps=2000, training__epochs=2000, training__log_every=1, stabilizers__stop_when_won=True,
        generator_optimizer__learning_rate=1e-7, discriminator_optimizer__learning_rate=0.05,
    )  # fmt: skip
    events = list(Trainer(recipe, noise_pictures()).events())
    assert isinstance(events[-1], DiscriminatorWon)
    last = [event for event in events if isinstance(event, Scalars)][-10:]
    assert all(event.values["loss_d"] < 1e-3 for event in last)


@pytest.mark.parametrize("switch", [
    {"stabilizers__minibatch_discrimination": 4, "stabilizers__minibatch_deviation": True},
    {"stabilizers__spectral_norm": True}, {"generator__batch_norm": True, "discriminator__batch_norm": True},
])  # fmt: skip
def test_layers_train_and_resume_exactly(switch: dict[str, object]) -> None:
    recipe = small_recipe(training__steps=4, **switch)
    whole = trained(recipe)
    first = Trainer(recipe, noise_pictures())
    for event in first.events():
        if isinstance(event, StepDone) and event.step == 2:
            break
    second = Trainer(recipe, noise_pictures())
    second.load_state_dict(first.state_dict())
    for _ in second.events():
        pass
    expected, reached = whole.state_dict()["tensors"], second.state_dict()["tensors"]
    assert expected.keys() == reached.keys()
    assert all(torch.equal(value, reached[key]) for key, value in expected.items())


def test_d_can_win_with_smoothed_targets_and_never_an_unbounded_game() -> None:
    """What is left at D(x) = a is the entropy of a; an earth mover's distance has no least value."""
    def surplus(*terms: Term, **values: float) -> float:
        recipe = small_recipe(stabilizers__weight_clip=1.0)
        recipe = dataclasses.replace(recipe, discriminator_terms=terms, generator_terms=(FeatureMatching(),))
        return Trainer(recipe, noise_pictures())._left_to_learn(values)

    entropy = -0.05 * math.log(0.05) - 0.95 * math.log(0.95)
    swapped = RealCrossEntropy(target=0.05), FakeCrossEntropy(target=0.95), GradientPenalty()
    assert surplus(*swapped, real_cross_entropy=entropy, fake_cross_entropy=entropy + 0.25) == pytest.approx(0.25)
    assert RealCrossEntropy(target=0.9, flip=0.5).floor == pytest.approx(math.log(2))
    assert surplus(WassersteinCritic(), wasserstein_critic=-1e6) == math.inf


@pytest.mark.parametrize("remedies", [
    {"minibatch_discrimination": 5}, {"minibatch_deviation": True}, {"spectral_norm": True},
    {"minibatch_discrimination": 5, "spectral_norm": True},
])  # fmt: skip
def test_networks_go_over_into_a_discriminator_with_other_stabilizers_and_back(remedies: dict[str, object]) -> None:
    plain, equipped = (Trainer(small_recipe(training__seed=seed, **changes), noise_pictures())
                       for seed, changes in ((1, {}), (2, {f"stabilizers__{key}": value
                                                           for key, value in remedies.items()})))  # fmt: skip
    kept = {f"{player}.{name}": value.clone()
            for player in ("generator", "discriminator")
            for name, value in getattr(plain, player).state_dict().items()}  # fmt: skip
    before = {name: value.clone() for name, value in equipped.discriminator.state_dict().items()}
    equipped.load_networks(kept)
    loaded = equipped.discriminator.state_dict()
    added = {name for name in loaded if "answer" in name or "layers.0" in name or ".0._" in name}
    assert len(loaded) - len(added) == len(plain.discriminator.state_dict())
    assert added and all(torch.equal(loaded[name], before[name]) for name in added)
    back = Trainer(small_recipe(training__seed=3), noise_pictures())
    back.load_networks({**kept, **{f"discriminator.{name}": value for name, value in loaded.items()}})
    assert all(torch.equal(value, plain.discriminator.state_dict()[name])
               for name, value in back.discriminator.state_dict().items())  # fmt: skip


def test_networks_of_another_size_are_refused_with_one_sentence() -> None:
    plain, packed = (Trainer(small_recipe(stabilizers__packing=size), noise_pictures()) for size in (1, 2))
    kept = {f"{player}.{name}": value
            for player in ("generator", "discriminator")
            for name, value in getattr(plain, player).state_dict().items()}  # fmt: skip
    with pytest.raises(UserError, match="has another size"):
        packed.load_networks(kept)

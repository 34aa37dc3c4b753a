"""The layers of both networks: sizes by hand from the reports, arithmetic against torch's own counter."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gan_core.anatomy import Layer, Network, discriminator_layers, generator_layers, networks, trace
from gan_core.fitting import build_networks
from gan_core.recipes import RECIPES, find_recipe
from gan_core.recipes.recipe import Recipe

MNIST = (1, 28, 28)


def dense(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


# Parameters of (generator, discriminator), by hand from each report.
FC_G = dense(100, 256) + dense(256, 784)
CGAN_NORMS = 2 * (128 + 256 + 512)
DCGAN_NORMS = 2 * (12544 + 128 + 64)
PARAMETERS = {
    "cgan": (
        10 * 100 + dense(100, 128) + dense(128, 256) + dense(256, 512) + dense(512, 784) + CGAN_NORMS,
        10 * 784 + dense(784, 512) + dense(512, 256) + dense(256, 128) + dense(128, 1),
    ),
    "fc_gan": (FC_G, dense(784, 256) + dense(256, 1)),
    "fc_cnn_gan": (FC_G, (25 * 16 + 16) + dense(14 * 14 * 16, 256) + dense(256, 1)),
    "leaky_gan": (dense(100, 128) + dense(128, 784), dense(784, 128) + dense(128, 1)),
    "dcgan": (
        100 * 12544 + DCGAN_NORMS + 25 * (256 * 128 + 128 * 64 + 64 * 1),
        (25 * 64 + 64) + (25 * 64 * 128 + 128) + dense(7 * 7 * 128, 1),
    ),
    "dcgan_modified": (
        100 * 12544 + DCGAN_NORMS + 2 * 128 + 25 * (256 * 128 + 128 * 64 + 64 * 128 + 128 * 1),
        (25 * 64 + 64) + (25 * 64 * 128 + 128) + (25 * 128 * 256 + 256) + dense(4 * 4 * 256, 1),
    ),
}
# Multiply–accumulates of (generator, discriminator) for one picture: positions × kernel.
FC_G_MACS = 100 * 256 + 256 * 784
MULTIPLY_ADDS = {
    "cgan": (
        100 * 128 + 128 * 256 + 256 * 512 + 512 * 784,
        784 * 512 + 512 * 256 + 256 * 128 + 128,
    ),
    "fc_gan": (FC_G_MACS, 784 * 256 + 256),
    "fc_cnn_gan": (FC_G_MACS, 28 * 28 * 25 * 16 + 3136 * 256 + 256),
    "leaky_gan": (100 * 128 + 128 * 784, 784 * 128 + 128),
    "dcgan": (
        100 * 12544 + 7 * 7 * 25 * 256 * 128 + 7 * 7 * 25 * 128 * 64 + 14 * 14 * 25 * 64 * 1,
        14 * 14 * 25 * 64 + 7 * 7 * 25 * 64 * 128 + 6272,
    ),
    "dcgan_modified": (
        100 * 12544 + 7 * 7 * 25 * 256 * 128 + 7 * 7 * 25 * 128 * 64 + 14 * 14 * 25 * 64 * 128 + 28 * 28 * 25 * 128,
        14 * 14 * 25 * 64 + 7 * 7 * 25 * 64 * 128 + 4 * 4 * 25 * 128 * 256 + 4096,
    ),
}
REPORTED = [find_recipe(name) for name in PARAMETERS]


def layers_of(recipe: Recipe) -> tuple[Network, Network]:
    return networks(recipe, MNIST, 10)


@pytest.mark.parametrize("recipe", REPORTED, ids=lambda recipe: recipe.name)
def test_parameters_are_those_of_the_report(recipe: Recipe) -> None:
    generator, discriminator = layers_of(recipe)
    assert (generator.trainable, discriminator.trainable) == PARAMETERS[recipe.name]


@pytest.mark.parametrize("recipe", REPORTED, ids=lambda recipe: recipe.name)
def test_multiply_adds_by_hand(recipe: Recipe) -> None:
    generator, discriminator = layers_of(recipe)
    assert (generator.multiply_adds, discriminator.multiply_adds) == MULTIPLY_ADDS[recipe.name]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_totals_agree_with_torch(recipe: Recipe) -> None:
    shapes = recipe.shapes(MNIST, 10)
    built = build_networks(recipe, shapes, seed=0)
    count = shapes.classes or 3
    labels = torch.arange(count) if recipe.conditional else None
    inputs = torch.zeros(count, shapes.latent_size), torch.zeros(count, *MNIST)
    for module, network, argument in zip(built, layers_of(recipe), inputs, strict=True):
        assert network.trainable == sum(p.numel() for p in module.parameters())
        assert network.buffers == sum(b.numel() for b in module.buffers() if b.is_floating_point())
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module.eval()(argument, labels)
        assert 2 * count * network.multiply_adds == counter.get_total_flops()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_shapes_run_from_the_inputs_to_the_output(recipe: Recipe) -> None:
    generator, discriminator = layers_of(recipe)
    assert generator.layers[generator.output].shape == MNIST
    assert discriminator.layers[discriminator.output].shape in ((), (1,))
    assert generator.layers[0].detail == "z"
    for network in (generator, discriminator):
        for position, layer in enumerate(network.layers):
            assert all(source < position for source in layer.inputs)
            assert bool(layer.inputs) == (layer.kind != "input")


def test_the_label_embedding_is_multiplied_into_the_noise() -> None:
    generator, _ = layers_of(find_recipe("cgan"))
    z, label, embedding, product, first = generator.layers[:5]
    assert (z.detail, label.detail, embedding.detail) == ("z", "label", "10 × 100")
    assert (embedding.inputs, product.kind, product.inputs) == ((1,), "mul", (0, 2))
    assert (first.inputs, first.detail, first.activation) == ((3,), "100 → 128", "LeakyReLU(0.2)")


def test_arithmetic_beside_products_is_counted_once_for_each_value() -> None:
    generator, _ = layers_of(find_recipe("cgan"))
    norms = 2 * (128 + 256 + 512)
    biases = activations = 128 + 256 + 512 + 784
    assert generator.flops == 2 * generator.multiply_adds + 100 + biases + activations + norms
    _, discriminator = layers_of(find_recipe("fc_cnn_gan"))
    pool = next(layer for layer in discriminator.layers if layer.kind == "MaxPool2d")
    assert pool.activation == "ReLU"
    assert pool.elementwise == 16 * 14 * 14 * 3 + 16 * 14 * 14  # three comparisons, then the ReLU


class Branching(nn.Module):
    """A residual block, weights used outside any layer, and a normalised head: what later architectures do."""

    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.LeakyReLU(0.1, inplace=True))
        self.dropout = nn.Dropout(0.5)
        self.skip = nn.Conv2d(1, 4, 1, bias=False)
        self.weights = nn.Parameter(torch.zeros(256, 2, 3))
        self.head = nn.utils.parametrizations.spectral_norm(nn.Linear(262, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        joined = (self.dropout(self.main(x)) + self.skip(x)).flatten(1)
        statistics = (joined @ self.weights.view(256, -1)).abs()
        answer: torch.Tensor = self.head(torch.cat([joined, statistics], 1))
        return answer


def test_branches_joins_and_loose_weights_are_followed() -> None:
    module = Branching().train()
    network = trace(module, {"x": (1, 8, 8)})
    kinds = [layer.kind for layer in network.layers]
    assert kinds == [
        "input", "Conv2d", "BatchNorm2d", "Dropout", "Conv2d", "add", "flatten", "matmul", "abs", "cat", "Linear",
    ]  # fmt: skip
    assert [layer.inputs for layer in network.layers] == [
        (), (0,), (1,), (2,), (0,), (3, 4), (5,), (6,), (7,), (6, 8), (9,),
    ]  # fmt: skip
    assert network.layers[2].activation == "LeakyReLU(0.1)"
    assert network.trainable == sum(p.numel() for p in module.parameters())
    macs = 64 * 9 * 4 + 64 * 4 + 256 * 6 + 262
    assert network.multiply_adds == macs
    assert module.training and all(part.training for part in module.modules())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


@pytest.mark.parametrize(
    "changes",
    [
        {"stabilizers.spectral_norm": True},
        {"stabilizers.packing": 4},
        {"stabilizers.minibatch_discrimination": 50, "stabilizers.minibatch_deviation": True},
    ],
    ids=["spectral norm", "packing", "minibatch layers"],
)
@pytest.mark.parametrize("name", ["fc_gan", "dcgan"])
def test_stabilizers_are_part_of_the_discriminator(name: str, changes: dict[str, object]) -> None:
    recipe = find_recipe(name).with_values(changes)
    _, discriminator = layers_of(recipe)
    module = build_networks(recipe, recipe.shapes(MNIST, 10), seed=0)[1]
    assert discriminator.trainable == sum(p.numel() for p in module.parameters())
    assert all(layer.shape != () for layer in discriminator.layers)


def test_minibatch_layers_see_the_features_that_the_head_sees() -> None:
    recipe = find_recipe("fc_gan").with_values({"stabilizers.minibatch_discrimination": 50})
    _, discriminator = layers_of(recipe)
    layers = {layer.name: layer for layer in discriminator.layers}
    closeness, features = layers["head.layers.0"], layers["body.0"]
    assert closeness.inputs == layers["head.head"].inputs == (discriminator.layers.index(features),)
    assert (closeness.kind, closeness.multiply_adds) == ("MinibatchDiscrimination", 256 * 50 * 5)


def test_weights_used_twice_count_once() -> None:
    shared = nn.Linear(8, 8)
    network = trace(nn.Sequential(shared, nn.ReLU(), shared), {"x": (8,)})
    assert [layer.trainable for layer in network.layers] == [0, 72, 0]
    assert network.multiply_adds == 2 * 64


def test_counting_changes_neither_weights_nor_the_random_state() -> None:
    recipe = find_recipe("cgan")
    shapes = recipe.shapes(MNIST, 10)
    generator, discriminator = build_networks(recipe, shapes, seed=3)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    state = torch.get_rng_state()
    first, second = generator_layers(generator, shapes), discriminator_layers(discriminator, shapes)
    networks.cache_clear()
    assert (first, second) == networks(recipe, MNIST, 10)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_flops_are_two_for_a_multiply_add() -> None:
    assert Layer("", "Linear", "", (3,), multiply_adds=12, elementwise=3).flops == 27

"""Architectures: sizes counted by hand, TensorFlow's geometry against plain loops, first weights, dropout."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from gan_core.config import UserError
from gan_core.contracts import Shapes
from gan_core.data import find_dataset
from gan_core.fitting import build_networks
from gan_core.layers import FEW_CHANNELS, Conv2dSame, ConvTranspose2dSame, Dropout, same_padding
from gan_core.models import DISCRIMINATORS, GENERATORS
from gan_core.models.cgan import CganGeneratorConfig
from gan_core.models.dcgan import DcganGeneratorConfig
from gan_core.models.fully_connected import ConvPoolDiscriminatorConfig
from gan_core.recipes import RECIPES, find_recipe
from gan_core.recipes.recipe import Recipe

PIXELS = 28 * 28
FC_GENERATOR = 100 * 256 + 256 + 256 * PIXELS + PIXELS

# (generator, discriminator) of each recipe, layer by layer: weights + biases, or scales + shifts of a batch norm.
PARAMETERS = {
    "cgan": (
        10 * 100
        + (100 * 128 + 128) + 2 * 128
        + (128 * 256 + 256) + 2 * 256
        + (256 * 512 + 512) + 2 * 512
        + (512 * PIXELS + PIXELS),
        10 * PIXELS + (PIXELS * 512 + 512) + (512 * 256 + 256) + (256 * 128 + 128) + (128 + 1),
    ),
    "fc_gan": (FC_GENERATOR, PIXELS * 256 + 256 + 256 + 1),
    "fc_cnn_gan": (FC_GENERATOR, (5 * 5 * 16 + 16) + (14 * 14 * 16 * 256 + 256) + (256 + 1)),
    "leaky_gan": (100 * 128 + 128 + 128 * PIXELS + PIXELS, PIXELS * 128 + 128 + 128 + 1),
    "dcgan": (
        100 * 7 * 7 * 256 + 2 * 7 * 7 * 256 + 25 * 256 * 128 + 2 * 128 + 25 * 128 * 64 + 2 * 64 + 25 * 64,
        (25 * 64 + 64) + (25 * 64 * 128 + 128) + (7 * 7 * 128 + 1),
    ),
    "dcgan_modified": (
        100 * 7 * 7 * 256 + 2 * 7 * 7 * 256
        + 25 * 256 * 128 + 2 * 128
        + 25 * 128 * 64 + 2 * 64
        + 25 * 64 * 128 + 2 * 128
        + 25 * 128,
        (25 * 64 + 64) + (25 * 64 * 128 + 128) + (25 * 128 * 256 + 256) + (4 * 4 * 256 + 1),
    ),
}  # fmt: skip
TOTALS = {
    "cgan": (582_520, 574_113),
    "fc_gan": (227_344, 201_217),
    "fc_cnn_gan": (227_344, 803_745),
    "leaky_gan": (114_064, 100_609),
    "dcgan": (2_305_472, 212_865),
    "dcgan_modified": (2_512_128, 1_030_145),
}


def networks_of(recipe: Recipe) -> tuple[nn.Module, nn.Module, Shapes]:
    source = find_dataset(recipe.dataset)
    shapes = recipe.shapes(source.image_shape, len(source.class_names))
    return *build_networks(recipe, shapes, seed=3), shapes


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_agree_with_arithmetic_by_hand(name: str) -> None:
    generator, discriminator, _ = networks_of(find_recipe(name))
    counted = tuple(sum(weight.numel() for weight in module.parameters()) for module in (generator, discriminator))
    assert counted == PARAMETERS[name] == TOTALS[name]


@pytest.mark.parametrize("name", TOTALS)
def test_pictures_and_answers_have_their_shapes_and_ranges(name: str) -> None:
    recipe = find_recipe(name)
    generator, discriminator, shapes = networks_of(recipe)
    labels = torch.arange(4) if recipe.conditional else None
    images = generator(10 * torch.randn(4, shapes.latent_size), labels)
    low, high = recipe.generator.pixel_range
    assert images.shape == (4, 1, 28, 28)
    assert low <= images.min() < images.max() <= high
    answer = discriminator(images, labels)
    assert answer.logits.shape == (4,)
    assert answer.features.shape[0] == 4 and answer.features.ndim == 2


def test_the_two_networks_of_a_seed_are_the_same_and_leave_no_trace() -> None:
    recipe = find_recipe("fc_gan")
    before = torch.random.get_rng_state()
    first, again = networks_of(recipe), networks_of(recipe)
    assert torch.equal(torch.random.get_rng_state(), before)
    for one, other in zip(first[:2], again[:2], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_every_kind_has_a_name_of_its_own() -> None:
    kinds = [config.kind for config in (*GENERATORS, *DISCRIMINATORS)]  # type: ignore[attr-defined]
    assert len(kinds) == len(set(kinds))
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES)


# ---- TensorFlow's SAME padding: out = ceil(n / s), the odd zero goes to the far end


def convolved(x: npt.NDArray[np.float64], kernel: npt.NDArray[np.float64], stride: int) -> npt.NDArray[np.float64]:
    """One channel, by the definition: out[i, j] = Σ x[i·s + a - before, j·s + b - before] w[a, b]."""
    size, width = x.shape[0], kernel.shape[0]
    out_size = math.ceil(size / stride)
    before = max((out_size - 1) * stride + width - size, 0) // 2
    out = np.zeros((out_size, out_size))
    for i, j, a, b in np.ndindex(out_size, out_size, width, width):
        row, column = i * stride + a - before, j * stride + b - before
        if 0 <= row < size and 0 <= column < size:
            out[i, j] += x[row, column] * kernel[a, b]
    return out


def spread(x: npt.NDArray[np.float64], kernel: npt.NDArray[np.float64], stride: int) -> npt.NDArray[np.float64]:
    """One channel of the transpose: the gradient of a SAME convolution from (n·s)² pixels to n²."""
    size, width = x.shape[0] * stride, kernel.shape[0]
    before = max((x.shape[0] - 1) * stride + width - size, 0) // 2
    out = np.zeros((size, size))
    for i, j, a, b in np.ndindex(*x.shape, width, width):
        row, column = i * stride + a - before, j * stride + b - before
        if 0 <= row < size and 0 <= column < size:
            out[row, column] += x[i, j] * kernel[a, b]
    return out


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [4, 5, 7, 8])
@pytest.mark.parametrize("kernel", [2, 3, 5])
def test_convolution_is_aligned_as_in_tensorflow(size: int, kernel: int, stride: int) -> None:
    source = np.random.default_rng(0)
    x, weight = source.normal(size=(size, size)), source.normal(size=(kernel, kernel))
    layer = Conv2dSame(1, 1, kernel, stride, bias=False).double()
    layer.weight.data.copy_(torch.from_numpy(weight)[None, None])
    out = layer(torch.from_numpy(x)[None, None])[0, 0].detach().numpy()
    np.testing.assert_allclose(out, convolved(x, weight, stride), atol=1e-12)


@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (5, 2), (3, 2), (4, 2), (5, 3), (3, 1), (2, 2)])
@pytest.mark.parametrize("size", [3, 4, 7])
def test_transposed_convolution_is_aligned_as_in_tensorflow(size: int, kernel: int, stride: int) -> None:
    source = np.random.default_rng(1)
    x, weight = source.normal(size=(size, size)), source.normal(size=(kernel, kernel))
    layer = ConvTranspose2dSame(1, 1, kernel, stride, bias=False).double()
    layer.weight.data.copy_(torch.from_numpy(weight)[None, None])
    out = layer(torch.from_numpy(x)[None, None])[0, 0].detach().numpy()
    np.testing.assert_allclose(out, spread(x, weight, stride), atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
def test_transposed_convolution_is_the_adjoint(stride: int) -> None:
    """⟨conv(x), y⟩ = ⟨x, convT(y)⟩ for the same kernel, with several channels."""
    torch.manual_seed(0)
    forward = Conv2dSame(3, 2, 5, stride, bias=False).double()
    backward = ConvTranspose2dSame(2, 3, 5, stride, bias=False).double()
    backward.weight.data.copy_(forward.weight.data)
    x, y = torch.randn(2, 3, 8, 8).double(), torch.randn(2, 2, 8 // stride, 8 // stride).double()
    torch.testing.assert_close((forward(x) * y).sum(), (x * backward(y)).sum())


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (5, 2), (4, 2), (3, 3)])
def test_a_transposed_convolution_to_few_channels_trains_as_it_draws(kernel: int, stride: int, bias: bool) -> None:
    """Training takes another way than drawing: pictures and gradients agree."""
    torch.manual_seed(0)
    layer = ConvTranspose2dSame(6, FEW_CHANNELS, kernel, stride, bias=bias).double()
    x = torch.randn(3, 6, 5, 4, dtype=torch.double, requires_grad=True)
    outcomes = []
    for training in (True, False):
        out = layer.train(training)(x)
        weights = torch.linspace(-1, 1, out.numel(), dtype=torch.double).view(out.shape)
        outcomes.append([out, *torch.autograd.grad((weights * out).sum(), [x, *layer.parameters()])])
    assert outcomes[0][0].shape == (3, FEW_CHANNELS, 5 * stride, 4 * stride)
    for trained, drawn in zip(*outcomes, strict=True):
        torch.testing.assert_close(trained, drawn)


def test_same_padding_keeps_tensorflows_figures() -> None:
    assert same_padding(28, 5, 1) == (2, 2)
    assert same_padding(28, 5, 2) == (1, 2)
    assert same_padding(7, 5, 2) == (2, 2)
    assert same_padding(4, 2, 2) == (0, 0)


# ---- dropout and first weights


@pytest.mark.parametrize("p", [0.2, 0.3, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float) -> None:
    layer = Dropout(p).train()
    layer.generator = torch.Generator().manual_seed(0)
    kept = layer(torch.ones(1000, 1001))
    dropped = round(65536 * p) / 65536
    assert kept.unique().tolist() == pytest.approx([0.0, 1 / (1 - dropped)])
    deviation = math.sqrt(dropped * (1 - dropped) / kept.numel())
    assert (kept == 0).double().mean().item() == pytest.approx(dropped, abs=5 * deviation)
    assert kept.double().mean().item() == pytest.approx(1.0, abs=5 * deviation / (1 - dropped))
    for lane in range(4):  # four masks come from each random word; none may be different from the others
        assert (kept.flatten()[lane::4] == 0).double().mean().item() == pytest.approx(dropped, abs=10 * deviation)


def test_dropout_depends_on_its_generator_alone_and_rests_in_evaluation() -> None:
    layer, x = Dropout(0.4), torch.randn(33, 7)
    masks = []
    for seed in (1, 1, 2):
        layer.generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed * 7)
        masks.append(layer(x))
    assert torch.equal(masks[0], masks[1]) and not torch.equal(masks[0], masks[2])
    assert torch.equal(layer.eval()(x), x)


def test_first_weights_have_the_reports_statistics() -> None:
    generator, discriminator, _ = networks_of(find_recipe("fc_gan"))
    for network in (generator, discriminator):
        for layer in network.modules():
            if isinstance(layer, nn.Linear):  # N(0, 1 / (fan_in / 2))
                error = 5 / math.sqrt(2 * layer.weight.numel())
                deviation = 1 / math.sqrt(layer.in_features / 2)
                assert layer.weight.std().item() == pytest.approx(deviation, rel=error)
                assert layer.bias.abs().max() == 0
    generator, discriminator, _ = networks_of(find_recipe("cgan"))
    for network in (generator, discriminator):
        first, *others = (layer for layer in network.modules() if isinstance(layer, nn.Linear))
        assert first.weight.std().item() == pytest.approx(0.02, rel=0.02)
        for layer in others:  # Glorot uniform
            bound = math.sqrt(6 / (layer.in_features + layer.out_features))
            assert 0.9 * bound < layer.weight.abs().max() <= bound * (1 + 1e-6)
        assert 0.045 < network.embedding.weight.abs().max() <= 0.05


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: CganGeneratorConfig().build(Shapes(100, 1, 28, 28, 0)), "labels"),
        (lambda: DcganGeneratorConfig(strides=(2, 2, 2)).build(Shapes(100, 1, 28, 28)), "56×56"),
        (lambda: DcganGeneratorConfig(strides=(1, 2)), "one stride more"),
        (lambda: ConvPoolDiscriminatorConfig().build(Shapes(100, 1, 27, 27)), "even"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_sentence(build: object, words: str) -> None:
    with pytest.raises(UserError, match=words):
        build()  # type: ignore[operator]

"""The house networks: sizes counted by hand, first weights, bilinear resizing, labels, slopes of the slope."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gan_core.anatomy import networks
from gan_core.blocks import Residual
from gan_core.config import UserError
from gan_core.contracts import Shapes
from gan_core.events import Scalars
from gan_core.models.house import HouseClassGeneratorConfig, HouseGeneratorConfig, Resize
from gan_core.models.house_discriminator import HouseClassDiscriminatorConfig, HouseDiscriminatorConfig
from gan_core.recipes import find_recipe
from gan_core.regularizers import squared_slope
from gan_core.trainer import Trainer
from tests.small import small_data, small_recipe

MNIST = Shapes(64, 1, 28, 28, 10)


def conv(inputs: int, outputs: int, kernel: int) -> int:
    return kernel**2 * inputs * outputs + outputs


def dense(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def block(channels: int) -> int:
    return 2 * conv(channels, channels, 3)


def generator_of(latents: int, trunk: int, channels: tuple[int, int], blocks: int) -> int:
    """A dense trunk, maps of 7 and 14 pixels, of which the last hold four pixels of the picture in each place."""
    last, first = channels
    return (
        dense(latents, trunk) + 2 * dense(trunk, trunk) + dense(trunk, 49 * first) + blocks * block(first)
        + conv(first, last, 1) + blocks * block(last) + conv(last, 4, 3)
    )  # fmt: skip


def discriminator_of(width: int) -> int:
    """Dense layers alone."""
    return dense(784, width) + 2 * 2 * dense(width, width) + dense(width, 1)


# (generator, discriminator). With labels, each class has an embedding, which widens G's first layer, and two vectors as
# long as D's features.
PARAMETERS = {
    "house_small": (generator_of(64, 256, (32, 64), 1), discriminator_of(768)),
    "house_small_conditional": (
        generator_of(128, 256, (32, 64), 1) + 10 * 64, discriminator_of(768) + 2 * 10 * 768
    ),
    "house": (generator_of(64, 512, (64, 128), 2), discriminator_of(1536)),
    "house_conditional": (generator_of(128, 512, (64, 128), 2) + 10 * 64, discriminator_of(1536) + 2 * 10 * 1536),
}  # fmt: skip


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_agree_with_arithmetic_by_hand(name: str) -> None:
    generator, discriminator = networks(find_recipe(name), MNIST.image, 10)
    assert (generator.trainable, discriminator.trainable) == PARAMETERS[name]


def test_multiply_adds_agree_with_arithmetic_by_hand() -> None:
    """Each position of a map meets each weight of a kernel once."""
    generator, discriminator = networks(find_recipe("house_small"), MNIST.image, 10)
    trunk = 64 * 256 + 2 * 256**2 + 256 * 49 * 64
    maps = 2 * 9 * (49 * 64**2 + 196 * 32**2) + 49 * 64 * 32  # two convolutions at each size, and a change between them
    assert generator.multiply_adds == trunk + maps + 196 * 9 * 32 * 4
    assert discriminator.multiply_adds == 784 * 768 + 4 * 768**2 + 768
    generator, discriminator = networks(find_recipe("house"), MNIST.image, 10)
    trunk = 64 * 512 + 2 * 512**2 + 512 * 49 * 128
    maps = 2 * 2 * 9 * (49 * 128**2 + 196 * 64**2) + 49 * 128 * 64
    assert generator.multiply_adds == trunk + maps + 196 * 9 * 64 * 4
    assert discriminator.multiply_adds == 784 * 1536 + 4 * 1536**2 + 1536


def test_convolutions_halve_the_maps_below_the_dense_layers() -> None:
    recipe = find_recipe("house_small").with_values({"discriminator.convolutions": (32, 64)})
    _generator, discriminator = networks(recipe, MNIST.image, 10)
    above = 2 * 2 * dense(768, 768) + dense(768, 1)
    assert discriminator.trainable == conv(1, 32, 4) + conv(32, 64, 4) + dense(49 * 64, 768) + above
    products = 196 * 16 * 32 + 49 * 16 * 32 * 64 + 49 * 64 * 768
    assert discriminator.multiply_adds == products + 4 * 768**2 + 768
    config = HouseClassDiscriminatorConfig(convolutions=(3, 4, 5), width=6)
    answer = config.build(Shapes(8, 2, 17, 9, 4))(torch.randn(2, 2, 17, 9), torch.tensor([0, 3]))
    assert answer.features.shape == (2, 6)
    with pytest.raises(UserError, match="too small for so many convolutions"):
        config.build(Shapes(8, 1, 28, 3, 4))


@pytest.mark.parametrize("shapes", [Shapes(8, 3, 96, 96, 4), Shapes(8, 1, 16, 16, 10), Shapes(8, 2, 7, 5, 2)])
def test_pictures_of_any_size(shapes: Shapes) -> None:
    generator = HouseClassGeneratorConfig(channels=(4, 6), blocks=(1, 1)).build(shapes)
    labels = torch.arange(3) % shapes.classes
    images = generator(torch.randn(3, 8), labels)
    assert images.shape == (3, *shapes.image) and -1 <= images.min() < images.max() <= 1
    answer = HouseClassDiscriminatorConfig(width=6).build(shapes)(images, labels)
    assert answer.logits.shape == (3,) and answer.features.shape == (3, 6)


def test_the_last_maps_may_hold_patches_of_the_picture() -> None:
    config = HouseGeneratorConfig(channels=(4, 6), blocks=(1, 1), trunk_width=5, trunk_blocks=2, patch=2)
    sides: list[tuple[int, ...]] = []
    generator = config.build(Shapes(8, 3, 28, 32, 0))
    blocks = [layer for layer in generator.modules() if isinstance(layer, Residual)]
    assert sum(isinstance(block.body[1], nn.Linear) for block in blocks) == 2
    for layer in blocks:
        if isinstance(layer.body[1], nn.Conv2d):
            layer.register_forward_hook(lambda _layer, _inputs, output: sides.append(tuple(output.shape[1:])))
    assert generator(torch.randn(2, 8)).shape == (2, 3, 28, 32)
    assert sides == [(6, 4, 4), (6, 7, 8), (4, 14, 16)]  # half the picture's sides at the most
    with pytest.raises(UserError, match="multiples of the patch, 2"):
        config.build(Shapes(8, 1, 27, 28, 0))


def test_a_new_discriminator_prefers_no_picture() -> None:
    discriminator = HouseClassDiscriminatorConfig(width=12).build(MNIST)
    assert torch.equal(discriminator(torch.randn(10, 1, 28, 28), torch.arange(10)).logits, torch.zeros(10))


def test_a_new_block_of_maps_is_the_identity() -> None:
    generator = HouseGeneratorConfig(channels=(4, 6, 8), blocks=(1, 1, 2)).build(MNIST)
    blocks = [layer for layer in generator.modules() if isinstance(layer, Residual)]
    assert len(blocks) == 4
    for residual in blocks:
        width = residual.body[1].in_channels
        x = torch.randn(2, width, 7, 7)
        assert torch.equal(residual(x), x)
        deviation = residual.body[1].weight.std().item()
        assert deviation == pytest.approx((2 / (1.04 * 9 * width) / 4) ** 0.5, rel=0.15)  # He's, times 4^-½


def test_a_new_dense_block_is_the_identity_and_passes_its_gradient() -> None:
    discriminator = HouseDiscriminatorConfig(width=200, blocks=3).build(MNIST)
    blocks = [layer for layer in discriminator.modules() if isinstance(layer, Residual)]
    assert len(blocks) == 3
    for residual in blocks:
        x = torch.randn(2, 200, requires_grad=True)
        assert torch.equal(residual(x), x)
        (slope,) = torch.autograd.grad(residual(x).sum(), x)
        assert torch.equal(slope, torch.ones(2, 200))
        deviation = residual.body[1].weight.std().item()
        assert deviation == pytest.approx((2 / (1.04 * 200) / 3) ** 0.5, rel=0.05)  # He's, times 3^-½


def test_halving_takes_means_and_doubling_takes_three_quarters() -> None:
    x = torch.arange(8.0).view(1, 1, 2, 4)
    assert torch.equal(Resize((1, 2))(x), functional.avg_pool2d(x, 2))
    row = Resize((1, 4))(torch.tensor([0.0, 4.0]).view(1, 1, 1, 2)).flatten()
    torch.testing.assert_close(row, torch.tensor([0.0, 1.0, 3.0, 4.0]))


def test_a_label_of_weight_one_is_that_class_and_mixtures_lie_between() -> None:
    torch.manual_seed(0)
    generator = HouseClassGeneratorConfig(channels=(4, 6, 8), blocks=(1, 1, 1)).build(MNIST)
    labels, z = torch.arange(10), torch.randn(1, 64).expand(10, 64)
    images = generator(z, labels)
    torch.testing.assert_close(generator(z, torch.eye(10)), images)
    discriminator = woken(HouseClassDiscriminatorConfig(width=12).build(MNIST))
    torch.testing.assert_close(discriminator(images, torch.eye(10)).logits, discriminator(images, labels).logits)


def woken(discriminator: nn.Module) -> nn.Module:
    """With blocks and a last layer that do something, as after some training."""
    torch.manual_seed(1)
    for layer in discriminator.modules():
        if isinstance(layer, Residual):
            nn.init.normal_(layer.body[3].weight, std=0.2)
    for last in (discriminator.head, discriminator.embedding):
        nn.init.normal_(last.weight, std=0.2)
    return discriminator


def penalty_slopes(discriminator: nn.Module, x: Tensor) -> list[Tensor]:
    loss = squared_slope(discriminator, x, torch.arange(len(x))).mean()
    return [slope for slope in torch.autograd.grad(loss, list(discriminator.parameters()), allow_unused=True)
            if slope is not None]  # fmt: skip


def test_the_penalty_can_be_learnt_from() -> None:
    """d‖∇C‖²/dθ through residual blocks, against the difference of two values of the penalty."""
    shapes = Shapes(8, 1, 9, 9, 10)
    discriminator = woken(HouseClassDiscriminatorConfig(width=12).build(shapes))
    discriminator.double()
    x = torch.randn(4, 1, 9, 9).double()
    weight = discriminator.first[1].weight

    def penalty() -> Tensor:
        inputs = x.clone().requires_grad_()
        logits = discriminator(inputs, torch.arange(4)).logits
        (slope,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
        return slope.square().sum() / 4

    (slope,) = torch.autograd.grad(penalty(), weight)
    direction, h = torch.randn_like(weight), 1e-7
    with torch.no_grad():
        weight += h * direction
    above = penalty()
    with torch.no_grad():
        weight -= 2 * h * direction
    assert ((above - penalty()) / (2 * h)).item() == pytest.approx((slope * direction).sum().item(), rel=1e-5)


def test_the_penalty_in_bfloat16_points_the_same_way() -> None:
    discriminator = woken(HouseClassDiscriminatorConfig(width=64).build(MNIST))
    x = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(2)) * 2 - 1
    exact = torch.cat([slope.flatten() for slope in penalty_slopes(discriminator, x)])
    with torch.autocast("cpu", torch.bfloat16):
        rounded = torch.cat([slope.flatten() for slope in penalty_slopes(discriminator, x)])
    assert torch.nn.functional.cosine_similarity(exact, rounded.float(), dim=0) > 0.99
    assert rounded.norm().item() == pytest.approx(exact.norm().item(), rel=0.05)


def test_what_cannot_be_built_is_refused_in_one_sentence() -> None:
    with pytest.raises(UserError, match="as many numbers"):
        HouseGeneratorConfig(channels=(4, 8), blocks=(1,))
    for config in (HouseClassGeneratorConfig(), HouseClassDiscriminatorConfig()):
        with pytest.raises(UserError, match="choose a data set that has classes"):
            config.build(Shapes(8, 1, 28, 28, 0))


def test_the_penalties_weight_falls_with_the_steps_of_the_run() -> None:
    changes = {"training.log_every": 1, "training.precision": "float32"}
    for kind, weight in (("r1", 3.0), ("r2", 0.5)):
        changes |= {f"discriminator_terms.{kind}.weight": weight, f"discriminator_terms.{kind}.final_share": 0.2}
    recipe = small_recipe("house_small", changes)
    points = [event for event in Trainer(recipe, small_data(recipe)).events() if isinstance(event, Scalars)]
    assert [point.step for point in points] == list(range(1, 12))
    for point in points:
        share = 0.2 + 0.8 * (1 + math.cos(math.pi * (point.step - 1) / 11)) / 2  # the first step's weight is whole
        penalties = 3.0 * point.values["r1"] + 0.5 * point.values["r2"]
        whole = point.values["relativistic_critic"] + share * penalties
        assert point.values["loss_d"] == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("name", ["house_conditional", "house_small_conditional"])
def test_both_pictures_of_a_pair_have_the_same_label(name: str) -> None:
    recipe = small_recipe(name, {"training.steps": 2})
    trainer = Trainer(recipe, small_data(recipe))
    judged: list[Tensor] = []

    def keep(_module: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
        if len(inputs[0]) == 2 * recipe.training.batch_size:  # real and generated in one pass, not a penalty's part
            judged.append(inputs[1])

    trainer.discriminator.register_forward_pre_hook(keep)
    list(trainer.events())
    assert len(judged) == 4  # D's update and G's, twice
    for labels in judged:
        real, generated = labels.chunk(2)
        assert torch.equal(real, generated) and real.unique().numel() > 1

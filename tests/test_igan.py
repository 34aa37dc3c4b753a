"""R4's networks: their sizes by hand, what each part contributes, and the way of each sample to its class."""

from __future__ import annotations

import dataclasses
from math import isfinite

import pytest
import torch
from torch import Tensor, nn

from gan_core.blocks import Groups
from gan_core.config import UserError
from gan_core.contracts import Critic, Shapes
from gan_core.data import DIGITS, Dataset
from gan_core.events import Scalars
from gan_core.fitting import build_networks, of_classes
from gan_core.layers import UPSAMPLINGS, Dropout
from gan_core.models.igan import (
    IganClassDiscriminatorConfig,
    IganClassGenerator,
    IganClassGeneratorConfig,
    IganDiscriminatorConfig,
    IganGenerator,
    IganGeneratorConfig,
    IganSharedDiscriminator,
)
from gan_core.models.radford import RadfordDiscriminatorConfig, RadfordGeneratorConfig
from gan_core.recipes.igan import IGAN, IGAN_SHARED, IGAN_V2, IGAN_VN, R4_DCGAN, R4_WGAN_GP
from gan_core.recipes.recipe import Recipe, recipe_from_dict
from gan_core.regularizers import GradientPenalty
from gan_core.strokes import draw_strokes
from gan_core.trainer import Trainer

R4 = (IGAN, IGAN_V2, IGAN_VN, IGAN_SHARED, R4_DCGAN, R4_WGAN_GP)
MNIST = Shapes(100, 1, 28, 28)
CELEBA = Shapes(100, 3, 96, 96)
SMALL = Shapes(8, 1, 28, 28, classes=3)
SLIM = IganClassGeneratorConfig(width=4)  # quick, and no different in kind

BN = 2 * 64  # scale and shift of 64 channels
C3 = 64 * 64 * 3 * 3 + BN  # a convolution 3×3 of equal width, normalised

DEEP_28 = (
    100 * 64 * 4 * 4 + BN  # to 4×4×64
    + 2 * C3  # at 4×4
    + 64 * 64 * 4 * 4 + BN  # transposed 4×4, stride 1: 4 → 7
    + 64 * (64 * 2 * 2) * 3 * 3 + BN  # PixelShuffle: 7 → 14
    + 64 * 64 * 4 * 4 + BN  # transposed 4×4, stride 2: 14 → 28
    + 64 * 64 * 7 * 7 + BN  # the short cut: 4·7 = 28
)  # fmt: skip
DEEP_96 = (
    100 * 64 * 4 * 4 + BN
    + 2 * C3
    + 64 * 64 * 6 * 6 + BN  # transposed 6×6, stride 3: 4 → 12
    + 64 * (64 * 2 * 2) * 3 * 3 + BN  # PixelShuffle: 12 → 24
    + 64 * 64 * 4 * 4 + BN  # transposed 4×4, stride 2: 24 → 48
    + 64 * (64 * 2 * 2) * 3 * 3 + BN  # PixelShuffle: 48 → 96
    + 64 * 64 * 24 * 24 + BN  # the short cut: 4·24 = 96
)  # fmt: skip
WIDE_28, WIDE_96 = 100 * 64 * 7 * 7 + BN, 100 * 64 * 24 * 24 + BN  # to H/4 × H/4 × 64
QUADRUPLE = 64 * 64 * 4 * 4 + BN  # transposed 4×4, stride 4: 7·4 = 28, 24·4 = 96
PICTURE_28, PICTURE_96 = 64 * 1 * 3 * 3 + 2 * 1, 64 * 3 * 3 * 3 + 2 * 3
IBLOCK = 64 * 64 * 4 * 4 + BN + C3 + 64 * (64 * 2 * 2) * 3 * 3 + BN + C3


def residual(inputs: int, outputs: int) -> int:
    """Two convolutions 3×3 with their normalisation, and a short cut 1×1 with its bias."""
    return (
        inputs * outputs * 9 + 2 * outputs + outputs * outputs * 9 + 2 * outputs + inputs * outputs + outputs
    )


D_28 = residual(1, 32) + residual(32, 64) + residual(64, 128)  # 28 → 14 → 7 → 4
D_96 = residual(3, 32) + residual(32, 64) + residual(64, 128) + residual(128, 128)  # 96 → 48 → 24 → 12 → 6
F_28, F_96 = 128 * 4 * 4, 128 * 6 * 6


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def with_classes(shapes: Shapes, classes: int) -> Shapes:
    return Shapes(shapes.latent_size, *shapes.image, classes)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def latents(shapes: Shapes, number: int) -> Tensor:
    return torch.randn(number, shapes.latent_size)


@pytest.mark.parametrize(("shapes", "expected"), [
    (MNIST, DEEP_28 + WIDE_28 + QUADRUPLE + PICTURE_28),
    (CELEBA, DEEP_96 + WIDE_96 + QUADRUPLE + PICTURE_96),
])  # fmt: skip
def test_parameters_of_the_generator(shapes: Shapes, expected: int) -> None:
    assert count(IganGeneratorConfig().build(shapes)) == expected


def test_the_last_normalisation_can_be_left_out() -> None:
    z = latents(MNIST, 16)
    brightness = {}
    for kind, more in (("batch", 0), ("none", 1 - 2)):  # a bias in place of scale and shift
        generator = IganGeneratorConfig(last_normalisation=kind).build(MNIST)
        assert count(generator) == DEEP_28 + WIDE_28 + QUADRUPLE + PICTURE_28 + more
        with torch.no_grad():
            generator.picture[0].weight.abs_()  # brighter wherever there is a feature
            brightness[kind] = generator(z).mean().item()
    assert abs(brightness["batch"]) < 0.1 < brightness["none"]


@pytest.mark.parametrize(("shapes", "shared", "steps", "picture"), [
    (MNIST, DEEP_28 + WIDE_28, 3, PICTURE_28),
    (CELEBA, DEEP_96 + WIDE_96, 4, PICTURE_96),
])  # fmt: skip
@pytest.mark.parametrize("classes", [2, 10])
def test_parameters_of_the_class_generator(shapes: Shapes, shared: int, steps: int, picture: int, classes: int) -> None:
    """One convolution more after each step of the chain; all else that is new belongs to a class."""
    module = IganClassGeneratorConfig().build(with_classes(shapes, classes))
    assert count(module) == shared + steps * C3 + classes * (IBLOCK + picture)


@pytest.mark.parametrize(("shapes", "body", "features"), [(MNIST, D_28, F_28), (CELEBA, D_96, F_96)])
def test_parameters_of_the_discriminators(shapes: Shapes, body: int, features: int) -> None:
    ten = with_classes(shapes, 10)
    assert count(IganDiscriminatorConfig().build(shapes)) == body + features + 1
    assert count(IganDiscriminatorConfig(normalisation="batch").build(shapes)) == body + features + 1
    assert count(IganClassDiscriminatorConfig().build(ten)) == 10 * (body + features + 1)
    assert count(IganClassDiscriminatorConfig(trunk="shared").build(ten)) == body + 10 * (features + 1)
    assert count(IganDiscriminatorConfig().build(shapes)) < count(IganGeneratorConfig().build(shapes))


@pytest.mark.parametrize(("shapes", "generator", "discriminator"), [
    (
        MNIST,  # 7×7×128 → 14×14×64 → 28×28×1
        100 * 128 * 7 * 7 + 2 * 128 + 128 * 64 * 25 + 2 * 64 + 64 * 1 * 25 + 1,
        1 * 64 * 25 + 64 + 64 * 128 * 25 + 2 * 128 + 128 * 7 * 7 + 1,
    ),
    (
        CELEBA,  # 6×6×512 → 12×12×256 → 24×24×128 → 48×48×64 → 96×96×3
        100 * 512 * 6 * 6 + 2 * 512 + 512 * 256 * 25 + 2 * 256 + 256 * 128 * 25 + 2 * 128 + 128 * 64 * 25 + 2 * 64
        + 64 * 3 * 25 + 3,
        3 * 64 * 25 + 64 + 64 * 128 * 25 + 2 * 128 + 128 * 256 * 25 + 2 * 256 + 256 * 512 * 25 + 2 * 512
        + 512 * 6 * 6 + 1,
    ),
])  # fmt: skip
def test_parameters_of_the_rivals(shapes: Shapes, generator: int, discriminator: int) -> None:
    assert count(RadfordGeneratorConfig().build(shapes)) == generator
    for kind in ("batch", "layer"):  # DCGAN, WGAN-GP
        assert count(RadfordDiscriminatorConfig(normalisation=kind).build(shapes)) == discriminator


@pytest.mark.parametrize("shapes", [MNIST, CELEBA, Shapes(5, 3, 16, 16), Shapes(5, 1, 32, 32), Shapes(5, 1, 20, 20)])
def test_pictures_and_answers_have_the_right_shape(shapes: Shapes) -> None:
    z = latents(shapes, 2)
    labels = torch.tensor([1, 0])
    conditional = with_classes(shapes, 2)
    for generator, discriminator, sizes, chosen in (
        (IganGeneratorConfig(width=4), IganDiscriminatorConfig((4,)), shapes, None),
        (SLIM, IganClassDiscriminatorConfig((4,)), conditional, labels),
        (SLIM, IganClassDiscriminatorConfig((4,), trunk="shared"), conditional, labels),
        (RadfordGeneratorConfig(width=4), RadfordDiscriminatorConfig(width=4), shapes, None),
    ):
        images = generator.build(sizes)(z, chosen)
        answer: Critic = discriminator.build(sizes)(images, chosen)
        assert images.shape == (2, *shapes.image)
        assert images.abs().max() <= 1
        assert answer.logits.shape == (2,)
        assert answer.features.shape[0] == 2 and answer.features.dim() == 2


@pytest.mark.parametrize("kind", ["alternating", *UPSAMPLINGS])
@pytest.mark.parametrize("side", [28, 32, 48, 96])
def test_every_kind_of_up_sampling_reaches_every_size(kind: str, side: int) -> None:
    shapes = Shapes(8, 3, side, side)
    assert IganGeneratorConfig(width=2, upsampling=kind).build(shapes)(latents(shapes, 2)).shape == (2, 3, side, side)


def test_alternating_takes_turns() -> None:
    def kinds(kind: str) -> list[type]:
        chain = IganGeneratorConfig(width=2, depth=0, upsampling=kind).build(CELEBA).deep.chain
        shown = (nn.ConvTranspose2d, nn.PixelShuffle, nn.Upsample)
        layers = [layer for layer in chain.modules() if isinstance(layer, shown)]
        return [next(base for base in shown if isinstance(layer, base)) for layer in layers]

    assert kinds("alternating") == [nn.ConvTranspose2d, nn.PixelShuffle] * 2
    assert kinds("transposed") == [nn.ConvTranspose2d] * 4
    assert kinds("pixel_shuffle") == [nn.PixelShuffle] * 4
    assert kinds("resize") == [nn.Upsample] * 4


def parts_of(generator: IganGenerator) -> dict[str, nn.Module]:
    deep = generator.deep
    return {"chain": deep.chain, "short cut": deep.short_cut, "wide": generator.wide, "seed": deep.seed}


@pytest.mark.parametrize("shapes", [MNIST, CELEBA])
@pytest.mark.parametrize("part", ["chain", "short cut", "wide", "seed"])
def test_every_part_of_the_generator_carries_gradient_and_counts(shapes: Shapes, part: str) -> None:
    generator = IganGeneratorConfig(width=4, dropout=0.0).build(shapes)
    assert isinstance(generator, IganGenerator)
    z = latents(shapes, 4)
    images = generator(z)
    discriminator = IganDiscriminatorConfig((4,)).build(shapes)
    parameters = list(parts_of(generator)[part].parameters())
    slopes = torch.autograd.grad(discriminator(images).logits.sum(), parameters)
    assert all(float(slope.abs().sum()) > 0 for slope in slopes)
    with torch.no_grad():  # without it the picture is another
        for parameter in parameters:
            parameter.zero_()
        assert not torch.allclose(generator(z), images, atol=1e-3)


def test_short_cut_lays_each_place_of_the_first_map_out_as_one_tile() -> None:
    """Stride and kernel are equal: nothing overlaps, so each 24×24 tile reads one place of the 4×4 map."""
    generator = IganGeneratorConfig(width=3).build(CELEBA).eval()
    direct = generator.deep.short_cut[0]
    seed = torch.randn(1, 3, 4, 4)
    tile = torch.einsum("c,cokl->okl", seed[0, :, 1, 2], direct.weight)  # (3, 24, 24)
    assert torch.allclose(direct(seed)[0, :, 24:48, 48:72], tile, atol=1e-5)


def test_groups_restore_the_order_and_refuse_unknown_labels() -> None:
    labels = torch.tensor([2, 0, 2, 4, 0, 2])
    x = torch.arange(6)
    groups = Groups(labels, 5)
    assert groups.classes == [0, 2, 4]
    assert [part.tolist() for part in groups.split(x)] == [[1, 4], [0, 2, 5], [3]]
    assert torch.equal(groups.join(groups.split(x)), x)
    with pytest.raises(ValueError, match="label 5"):
        Groups(torch.tensor([5]), 5)


def test_each_sample_is_drawn_by_the_branch_of_its_class() -> None:
    generator = SLIM.build(SMALL).eval()
    assert isinstance(generator, IganClassGenerator)
    z, labels = latents(SMALL, 9), torch.tensor([2, 0, 2, 2, 0, 1, 1, 0, 2])
    routed = generator(z, labels)
    deep, wide = generator.deep(z), generator.wide(z)
    for index, label in enumerate(labels.tolist()):
        alone = generator.branches[label](deep[index : index + 1], wide[index : index + 1]).tanh()
        assert torch.allclose(routed[index], alone[0], atol=1e-6)


def test_batch_statistics_of_a_branch_are_those_of_its_class() -> None:
    generator = IganClassGeneratorConfig(width=4, dropout=0.0).build(SMALL)
    z, labels = latents(SMALL, 6), torch.tensor([1, 0, 1, 0, 0, 1])
    with torch.no_grad():
        routed = generator(z, labels)
        of_one = generator.branches[1](generator.deep(z)[labels == 1], generator.wide(z)[labels == 1]).tanh()
    assert torch.allclose(routed[labels == 1], of_one, atol=1e-5)


def test_each_picture_is_judged_by_the_discriminator_of_its_class() -> None:
    module = IganClassDiscriminatorConfig((4, 4)).build(SMALL)
    x, labels = torch.randn(7, *SMALL.image), torch.tensor([1, 2, 0, 1, 1, 0, 2])
    answer: Critic = module(x, labels)
    for index, label in enumerate(labels.tolist()):
        alone: Critic = module.discriminators[label](x[index : index + 1])
        assert torch.allclose(answer.logits[index], alone.logits[0], atol=1e-5)
        assert torch.allclose(answer.features[index], alone.features[0], atol=1e-5)


def test_one_head_of_the_shared_discriminator_is_a_discriminator() -> None:
    shared = IganClassDiscriminatorConfig((4, 4), trunk="shared").build(SMALL)
    assert isinstance(shared, IganSharedDiscriminator)
    x = torch.randn(5, *SMALL.image)
    for label in range(SMALL.classes):
        single = IganDiscriminatorConfig((4, 4)).build(Shapes(8, *SMALL.image))
        single.body.load_state_dict(shared.body.state_dict())
        row = slice(label, label + 1)
        single.head.load_state_dict({"weight": shared.head.weight[row], "bias": shared.head.bias[row]})
        assert torch.allclose(shared(x, torch.full((5,), label)).logits, single(x).logits, atol=1e-6)


def test_gradient_flows_into_the_branches_that_took_part_alone() -> None:
    generator = SLIM.build(SMALL)
    labels = torch.tensor([2, 0, 2])
    separate = IganClassDiscriminatorConfig((4,)).build(SMALL)
    shared = IganClassDiscriminatorConfig((4,), trunk="shared").build(SMALL)
    for discriminator in (separate, shared):
        generator.zero_grad(set_to_none=True)
        discriminator(generator(latents(SMALL, 3), labels), labels).logits.sum().backward()
        for label, branch in enumerate(generator.branches):
            assert all((parameter.grad is None) == (label == 1) for parameter in branch.parameters())
    for label, one in enumerate(separate.discriminators):
        assert all((parameter.grad is None) == (label == 1) for parameter in one.parameters())
    assert shared.head.weight.grad[1].abs().sum() == 0
    assert all(shared.head.weight.grad[label].abs().sum() > 0 for label in (0, 2))


def test_weights_in_place_of_labels_lie_between_classes() -> None:
    z, labels = latents(SMALL, 4), torch.tensor([2, 0, 1, 2])
    sure = torch.nn.functional.one_hot(labels, SMALL.classes).float()
    halves = torch.tensor([[0.5, 0.0, 0.5]]).expand(4, -1)
    generator = SLIM.build(SMALL).eval()
    assert torch.allclose(generator(z, sure), generator(z, labels), atol=1e-6)
    middle = (generator(z, torch.full((4,), 0)).atanh() + generator(z, torch.full((4,), 2)).atanh()) / 2
    assert torch.allclose(generator(z, halves).atanh(), middle, atol=1e-4)
    x = torch.randn(4, *SMALL.image)
    for trunk in ("separate", "shared"):
        judge = IganClassDiscriminatorConfig((4,), trunk=trunk).build(SMALL)
        assert torch.allclose(judge(x, sure).logits, judge(x, labels).logits, atol=1e-5)
        ends = [judge(x, torch.full((4,), label)).logits for label in (0, 2)]
        assert torch.allclose(judge(x, halves).logits, (ends[0] + ends[1]) / 2, atol=1e-5)


def test_dropout_acts_in_training_alone() -> None:
    z = latents(MNIST, 4)
    generator = IganGeneratorConfig(width=4).build(MNIST)
    assert sum(isinstance(layer, Dropout) for layer in generator.modules()) == 2  # after 7×7 and 14×14, not 28×28
    state = {key: value.clone() for key, value in generator.state_dict().items()}
    first, second = generator(z), generator(z)
    assert not torch.equal(first, second)
    generator.load_state_dict(state)
    generator.eval()
    assert torch.equal(generator(z), generator(z))
    plain = IganGeneratorConfig(width=4, dropout=0.0).build(MNIST)
    assert not any(isinstance(layer, Dropout) for layer in plain.modules())


@pytest.mark.parametrize("kind", ["batch", "layer", "instance", "group", "none"])
def test_batch_normalisation_alone_mixes_samples(kind: str) -> None:
    """``mixes_samples`` says whether a picture's answer depends on the others of its batch."""
    x = torch.randn(4, *MNIST.image)
    configs = IganDiscriminatorConfig((4, 4), normalisation=kind), RadfordDiscriminatorConfig(4, normalisation=kind)
    for config in configs:
        discriminator = config.build(MNIST)
        together, alone = discriminator(x).logits[0], discriminator(x[:1]).logits[0]
        assert config.mixes_samples == (kind == "batch") == (not torch.allclose(together, alone, atol=1e-4))


@pytest.mark.parametrize("image", [(1, 28, 32), (1, 30, 30), (1, 12, 12)])
def test_sizes_that_cannot_be_drawn_are_refused_with_a_sentence(image: tuple[int, int, int]) -> None:
    with pytest.raises(UserError, match="multiple of 4"):
        IganGeneratorConfig().build(Shapes(8, *image))


def test_settings_without_sense_are_refused() -> None:
    with pytest.raises(UserError, match="residual block"):
        IganDiscriminatorConfig(())
    with pytest.raises(UserError, match="has classes"):
        IganClassGeneratorConfig().build(MNIST)
    with pytest.raises(UserError, match="even"):
        RadfordGeneratorConfig().build(Shapes(8, 1, 27, 27))


@pytest.fixture(scope="module")
def strokes() -> Dataset:
    """512 drawn digits, some of each class."""
    images, labels = draw_strokes(512, seed=0)
    return Dataset("strokes", torch.from_numpy(images)[:, None], torch.from_numpy(labels).long(), DIGITS)


def narrow(recipe: Recipe) -> Recipe:
    """The same recipe with fewer channels and a small batch."""
    changes = {"generator.width": 4, "training.batch_size": 8, "training.steps": 1, "training.discriminator_steps": 2}
    sizes = {"discriminator.channels": (4, 4)} if "igan" in recipe.discriminator.kind else {"discriminator.width": 4}
    return recipe.with_values({**changes, **sizes})


def parameters_of(trainer: Trainer) -> list[tuple[str, Tensor]]:
    networks = {"g": trainer.generator, "d": trainer.discriminator}
    return [(f"{key}.{name}", parameter) for key, module in networks.items()
            for name, parameter in module.named_parameters()]  # fmt: skip


@pytest.mark.parametrize("recipe", R4, ids=lambda recipe: recipe.name)
def test_a_step_of_every_recipe_trains_both_networks(recipe: Recipe, strokes: Dataset) -> None:
    trainer = Trainer(narrow(recipe), strokes)
    before = {name: parameter.clone() for name, parameter in parameters_of(trainer)}
    values = [event.values for event in trainer.events() if isinstance(event, Scalars)]
    assert values and all(isfinite(value) for value in values[-1].values())
    still = {name for name, parameter in parameters_of(trainer) if torch.equal(before[name], parameter)}
    # The last bias of a Wasserstein critic cancels out; a class' own layers rest while none of it is in the batch.
    excused = {"d.head.bias"} if recipe is R4_WGAN_GP else set()
    assert not {name for name in still - excused if not name.startswith(("g.branches.", "d.discriminators."))}


@pytest.mark.parametrize("recipe", R4, ids=lambda recipe: recipe.name)
def test_every_recipe_fits_both_sizes(recipe: Recipe) -> None:
    for shapes in (MNIST, CELEBA):
        generator, discriminator = build_networks(recipe, recipe.shapes(shapes.image, 2), seed=0)
        assert count(discriminator) < count(generator) or recipe.conditional
    assert recipe_from_dict(recipe.to_dict()) == recipe


def test_the_generator_learns_one_and_a_half_times_as_fast_at_every_step() -> None:
    """LR(t) = 0.0002 + 1/(init_set + 10 t), with init_set ≈ 556 for MNIST."""
    for step in (0, 1, 100, 10_000):
        rates = [optimizer.schedule.rate(optimizer.learning_rate, step, 1) for optimizer in
                 (IGAN.discriminator_optimizer, IGAN.generator_optimizer)]  # fmt: skip
        assert rates[0] == pytest.approx(2e-4 + 1 / (1 / 1.8e-3 + 10 * step))
        assert rates[1] == pytest.approx(1.5 * rates[0])
    assert round(1 / (2e-3 - 2e-4)) == 556


def test_the_penalty_is_refused_beside_batch_normalisation() -> None:
    for recipe in R4:
        if any(isinstance(term, GradientPenalty) for term in recipe.discriminator_terms):
            with pytest.raises(UserError, match="batch normalisation"):
                recipe.with_values({"discriminator.normalisation": "batch"})
    terms = IGAN.discriminator_terms[:2]
    assert dataclasses.replace(
        IGAN, discriminator=IganDiscriminatorConfig(normalisation="batch"), discriminator_terms=terms
    ).mixes_samples


def test_two_chosen_classes_are_all_that_is_seen(strokes: Dataset) -> None:
    chosen = of_classes(strokes, (8, 3))
    assert chosen.class_names == ("8", "3")
    for label, number in ((8, 0), (3, 1)):
        assert torch.equal(chosen.images[chosen.labels == number], strokes.images[strokes.labels == label])
    assert len(chosen) == int(((strokes.labels == 8) | (strokes.labels == 3)).sum())
    assert of_classes(strokes, ()) is strokes
    trainer = Trainer(narrow(IGAN_V2), strokes)
    assert trainer.shapes.classes == 2 and trainer.dataset.class_names == ("0", "1")
    for wrong in ((3, 3), (10,)):
        with pytest.raises(UserError, match="10 classes"):
            of_classes(strokes, wrong)


def test_pictures_for_d_show_the_classes_of_the_real_ones(strokes: Dataset) -> None:
    asked: list[Tensor] = []
    trainer = Trainer(narrow(IGAN_VN), strokes)
    trainer.generator.register_forward_pre_hook(lambda _, arguments: asked.append(arguments[1]))
    judged: list[Tensor] = []
    trainer.discriminator.register_forward_pre_hook(lambda _, arguments: judged.append(arguments[1]))
    list(trainer.events())
    halves = judged[0].chunk(2)  # real and generated pictures, in one pass
    assert torch.equal(*halves) and torch.equal(asked[0], halves[0])

"""IGAN, IGAN-V2 and IGAN-VN (R4), and IGAN with one discriminator for all classes.

Both sizes of the report come from the same rule. For pictures of side H the first branch starts at 4×4, its short cut
is one transposed convolution of stride and kernel H/4 (7 for 28, 24 for 96), and the second branch starts at H/4 × H/4
(7×7, 24×24) and is quadrupled. The deep chain passes 4, 7, 14, 28 or 4, 12, 24, 48, 96.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from gan_core.blocks import (
    NORMALISATIONS,
    Groups,
    ResidualDown,
    growth,
    he_normal,
    kind_of_step,
    mixed,
    normalisation,
    project,
)
from gan_core.config import UserError, Validated, setting
from gan_core.contracts import Critic, Shapes
from gan_core.layers import (
    BATCH_NORM_FORMULA,
    DROPOUT_FORMULA,
    DROPOUT_SOURCE,
    UPSAMPLING_SOURCE,
    UPSAMPLINGS,
    Dropout,
)

SEED_SIDE = 4  # of the first branch's first map
LAST_SIDE = 6  # D halves its maps until they are no larger


@dataclass(frozen=True)
class _Generator(Validated):
    width: int = setting(64, title="Channels", help="Channels of every map inside the generator.",
                         minimum=1, maximum=1024)
    depth: int = setting(2, title="Convolutions at 4×4", minimum=0, maximum=16,
                         help="How many convolutions the deep branch has before it grows.")
    upsampling: str = setting("alternating", title="Up-sampling", choices=("alternating", *UPSAMPLINGS),
                              help="How maps grow: transposed convolution, PixelShuffle or resizing with a "
                                   "convolution; alternating takes turns between the first two. Resizing helps where "
                                   "pictures show checkerboards.",
                              source=UPSAMPLING_SOURCE)
    dropout: float = setting(0.2, title="Dropout", minimum=0.0, maximum=0.95,
                             help="Share of units silenced in training after each up-sampling but the last; keeps G "
                                  "varied.",
                             formula=DROPOUT_FORMULA, source=DROPOUT_SOURCE)
    slope: float = setting(0.02, title="Leaky slope", help="Slope of the leaky ReLU for negative inputs.",
                           minimum=0.0, maximum=1.0, advanced=True)
    last_normalisation: str = setting("batch", title="Normalisation of the picture", choices=("batch", "none"),
                                      help="What follows the last convolution. Batch, as the report has it, holds "
                                           "the mean and contrast of all pictures, and early G draws nearly one "
                                           "picture for every noise; with none they differ sooner.",
                                      formula=BATCH_NORM_FORMULA,
                                      source="Radford et al. 2016, §3: batch normalisation on G's output layer made "
                                             "training unstable.")

    @property
    def pixel_range(self) -> tuple[float, float]:
        return -1.0, 1.0


@dataclass(frozen=True)
class IganGeneratorConfig(_Generator):
    """Settings of :class:`IganGenerator`."""

    kind: ClassVar[str] = "igan_generator"
    conditional: ClassVar[bool] = False

    def build(self, shapes: Shapes) -> nn.Module:
        return IganGenerator(self, shapes)


@dataclass(frozen=True)
class IganClassGeneratorConfig(_Generator):
    """Settings of :class:`IganClassGenerator`."""

    kind: ClassVar[str] = "igan_class_generator"
    conditional: ClassVar[bool] = True

    def build(self, shapes: Shapes) -> nn.Module:
        return IganClassGenerator(self, shapes)


@dataclass(frozen=True)
class _Discriminator(Validated):
    channels: tuple[int, ...] = setting((32, 64, 128), title="Channels", minimum=1, maximum=2048,
                                        help="Output channels of each residual block; the last one is repeated until "
                                             "maps are 6×6 or smaller.")
    normalisation: str = setting("layer", title="Normalisation", choices=NORMALISATIONS,
                                 help="What follows each convolution. Batch, as the report has it, makes a picture's "
                                      "answer depend on its batch; the gradient penalty is not defined then.")
    slope: float = setting(0.02, title="Leaky slope", help="Slope of the leaky ReLU for negative inputs.",
                           minimum=0.0, maximum=1.0, advanced=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels:
            raise UserError("The discriminator needs at least one residual block; give its channels.")

    @property
    def mixes_samples(self) -> bool:
        return self.normalisation == "batch"


@dataclass(frozen=True)
class IganDiscriminatorConfig(_Discriminator):
    """Settings of :class:`IganDiscriminator`."""

    kind: ClassVar[str] = "igan_discriminator"
    conditional: ClassVar[bool] = False

    def build(self, shapes: Shapes) -> nn.Module:
        return IganDiscriminator(self, shapes)


@dataclass(frozen=True)
class IganClassDiscriminatorConfig(_Discriminator):
    """Settings of :class:`IganClassDiscriminators` or :class:`IganSharedDiscriminator`."""

    kind: ClassVar[str] = "igan_class_discriminator"
    conditional: ClassVar[bool] = True
    trunk: str = setting("separate", title="Trunk", choices=("separate", "shared"),
                         help="Separate: a whole discriminator for each class. Shared: one for all, with a last layer "
                              "for each class.")

    def build(self, shapes: Shapes) -> nn.Module:
        return (IganSharedDiscriminator if self.trunk == "shared" else IganClassDiscriminators)(self, shapes)


class IganGenerator(nn.Module):
    """z (N, latent) -> deep branch + wide branch -> convolution, batch normalisation, tanh -> (N, C, H, W)."""

    def __init__(self, config: IganGeneratorConfig, shapes: Shapes) -> None:
        super().__init__()
        quarter = _sides(shapes)[-1] // 4
        self.deep = DeepBranch(config, shapes, convolutions=0)
        self.wide = nn.Sequential(
            project(shapes.latent_size, config.width, quarter, quarter, nn.LeakyReLU(config.slope)),
            *_normalised(config, nn.ConvTranspose2d(config.width, config.width, 4, stride=4, bias=False)),
        )
        self.picture = nn.Sequential(*_picture(config, shapes), nn.Tanh())
        he_normal(self, config.slope)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.deep(z) + self.wide(z)  # (N, width, H, W)
        image: Tensor = self.picture(features)  # (N, C, H, W)
        return image


class IganClassGenerator(nn.Module):
    """z (N, latent) and labels -> two modules that all classes share -> the branch of each class -> (N, C, H, W).

    Labels are classes, int64 (N,), or weights of all classes, float (N, classes), which mix the branches' answers
    before the tanh. A branch without samples neither runs nor gets a gradient.
    """

    waits_for_device = True  # to sort the batch by class

    def __init__(self, config: IganClassGeneratorConfig, shapes: Shapes) -> None:
        super().__init__()
        _check_classes(shapes)
        quarter = _sides(shapes)[-1] // 4
        self.deep = DeepBranch(config, shapes, convolutions=1)
        self.wide = project(shapes.latent_size, config.width, quarter, quarter, nn.LeakyReLU(config.slope))
        self.branches = nn.ModuleList(ClassBranch(config, shapes) for _ in range(shapes.classes))
        self.output = nn.Tanh()
        he_normal(self, config.slope)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        assert labels is not None
        deep, wide = self.deep(z), self.wide(z)  # (N, width, H, W), (N, width, H/4, W/4)
        if labels.is_floating_point():
            image = mixed([branch(deep, wide) for branch in self.branches], labels)
        else:
            groups = Groups(labels, len(self.branches))
            parts = zip(groups.classes, groups.split(deep), groups.split(wide), strict=True)
            image = groups.join([self.branches[label](*inputs) for label, *inputs in parts])
        drawn: Tensor = self.output(image)  # (N, C, H, W)
        return drawn


class DeepBranch(nn.Module):
    """z (N, latent) -> 4×4 -> a chain of up-sampling steps, plus one transposed convolution past it: (N, width, H, W).

    ``convolutions`` follow each up-sampling, with stride 1 and the same width.
    """

    def __init__(self, config: _Generator, shapes: Shapes, convolutions: int) -> None:
        super().__init__()
        sides, width = _sides(shapes), config.width
        stride = sides[-1] // SEED_SIDE
        self.seed = project(shapes.latent_size, width, SEED_SIDE, SEED_SIDE, nn.LeakyReLU(config.slope))
        self.chain = nn.Sequential(*_convolutions(config, config.depth), *_growth(config, sides, convolutions))
        direct = nn.ConvTranspose2d(width, width, stride, stride=stride, bias=False)
        self.short_cut = nn.Sequential(*_normalised(config, direct))

    def forward(self, z: Tensor) -> Tensor:
        seed = self.seed(z)  # (N, width, 4, 4)
        total: Tensor = self.chain(seed) + self.short_cut(seed)  # (N, width, H, W)
        return total


class ClassBranch(nn.Module):
    """One class' own part: an IBlock (two up-convolutions), plus the deep branch, then the picture's layers."""

    def __init__(self, config: _Generator, shapes: Shapes) -> None:
        super().__init__()
        self.iblock = nn.Sequential(*_growth(config, _sides(shapes)[-3:], convolutions=1))
        self.picture = nn.Sequential(*_picture(config, shapes))

    def forward(self, deep: Tensor, wide: Tensor) -> Tensor:
        image: Tensor = self.picture(self.iblock(wide) + deep)  # (n, C, H, W), before the tanh
        return image


class IganDiscriminator(nn.Module):
    """Picture (N, C, H, W) -> residual blocks of stride 2 -> one logit each."""

    def __init__(self, config: _Discriminator, shapes: Shapes) -> None:
        super().__init__()
        self.body, features = _residual_trunk(config, shapes)
        self.head = nn.Linear(features, 1)
        he_normal(self, config.slope)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        features = self.body(x).flatten(1)  # (N, channels · height · width)
        return Critic(self.head(features).squeeze(1), features)


class IganClassDiscriminators(nn.Module):
    """A whole :class:`IganDiscriminator` for each class, as the report has it; each picture goes to its class' own.

    With weights (N, classes) in place of labels all of them judge, and their answers are mixed.
    """

    waits_for_device = True  # to sort the batch by class

    def __init__(self, config: IganClassDiscriminatorConfig, shapes: Shapes) -> None:
        super().__init__()
        _check_classes(shapes)
        self.discriminators = nn.ModuleList(IganDiscriminator(config, shapes) for _ in range(shapes.classes))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        assert labels is not None
        if labels.is_floating_point():
            answers = [discriminator(x) for discriminator in self.discriminators]
            return Critic(*(mixed(part, labels) for part in zip(*answers, strict=True)))
        groups = Groups(labels, len(self.discriminators))
        parts = zip(groups.classes, groups.split(x), strict=True)
        answers = [self.discriminators[label](part) for label, part in parts]
        return Critic(*(groups.join(part) for part in zip(*answers, strict=True)))


class IganSharedDiscriminator(nn.Module):
    """One trunk for all classes, and a last layer for each; a picture is judged by its class' own."""

    def __init__(self, config: IganClassDiscriminatorConfig, shapes: Shapes) -> None:
        super().__init__()
        _check_classes(shapes)
        self.body, features = _residual_trunk(config, shapes)
        self.head = nn.Linear(features, shapes.classes)
        he_normal(self, config.slope)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Critic:
        assert labels is not None
        features = self.body(x).flatten(1)  # (N, channels · height · width)
        answers = self.head(features)  # (N, classes)
        if labels.is_floating_point():
            return Critic((answers * labels).sum(1), features)
        return Critic(answers.gather(1, labels.unsqueeze(1)).squeeze(1), features)


def _check_classes(shapes: Shapes) -> None:
    if shapes.classes < 1:
        raise UserError("A branch for each class needs a data set with labels; choose one that has classes.")


def _sides(shapes: Shapes) -> list[int]:
    """Sides of the deep branch's maps: 4, …, H/4, H/2, H."""
    side = shapes.height
    if shapes.width != side or side % 4 or side < 4 * SEED_SIDE:
        raise UserError(
            "IGAN draws square pictures whose side is a multiple of 4 from 16 on; these are {height}×{width}. "
            "Choose another data set or size.",
            height=shapes.height, width=shapes.width,
        )  # fmt: skip
    quarter = side // 4
    # Large factors first: a step costs more the larger its map is.
    factors = _primes(quarter // SEED_SIDE) if quarter % SEED_SIDE == 0 else []
    sides = list(itertools.accumulate(sorted(factors, reverse=True), int.__mul__, initial=SEED_SIDE))
    if sides[-1] != quarter:
        sides.append(quarter)
    return [*sides, 2 * quarter, side]


def _primes(number: int) -> list[int]:
    for factor in range(2, math.isqrt(number) + 1):
        if number % factor == 0:
            return [factor, *_primes(number // factor)]
    return [number] if number > 1 else []


def _normalised(config: _Generator, layer: nn.Module) -> Iterator[nn.Module]:
    """The layer, whose answer has ``width`` channels, with batch normalisation and leaky ReLU."""
    yield from (layer, *normalisation("batch", config.width), nn.LeakyReLU(config.slope))


def _convolutions(config: _Generator, count: int) -> Iterator[nn.Module]:
    for _ in range(count):
        yield from _normalised(config, nn.Conv2d(config.width, config.width, 3, padding=1, bias=False))


def _growth(config: _Generator, sides: list[int], convolutions: int) -> Iterator[nn.Module]:
    """Up-sampling from each side to the next, with dropout after all but the last."""
    for step, (before, after) in enumerate(itertools.pairwise(sides)):
        kind = kind_of_step(config.upsampling, step)
        yield from _normalised(config, growth(kind, config.width, before, after))
        yield from _convolutions(config, convolutions)
        if config.dropout > 0 and after != sides[-1]:
            yield Dropout(config.dropout)


def _picture(config: _Generator, shapes: Shapes) -> tuple[nn.Module, ...]:
    """(N, width, H, W) -> (N, C, H, W), normalised unless it shall not be: what tanh turns into a picture."""
    kind = config.last_normalisation  # which brings its own bias
    convolution = nn.Conv2d(config.width, shapes.channels, 3, padding=1, bias=kind == "none")
    return convolution, *normalisation(kind, shapes.channels)


def _residual_trunk(config: _Discriminator, shapes: Shapes) -> tuple[nn.Sequential, int]:
    """The residual blocks and how many features they leave of a picture."""
    blocks: list[nn.Module] = []
    before, height, width = shapes.image
    while len(blocks) < len(config.channels) or max(height, width) > LAST_SIDE:
        after = config.channels[min(len(blocks), len(config.channels) - 1)]
        blocks.append(ResidualDown(before, after, config.normalisation, config.slope))
        before, height, width = after, math.ceil(height / 2), math.ceil(width / 2)
    return nn.Sequential(*blocks), before * height * width

"""The recipe: a complete, named training set-up."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from gan_core.config import UserError, Validated, from_dict, setting, to_dict, with_values
from gan_core.contracts import DiscriminatorConfig, GeneratorConfig, Shapes
from gan_core.models import DISCRIMINATORS, FOREIGN, GENERATORS
from gan_core.models.layered import UnknownDiscriminatorConfig
from gan_core.objectives import (
    FakeCrossEntropy,
    HingeCritic,
    LeastSquaresCritic,
    LeastSquaresGenerator,
    Minimax,
    NonSaturating,
    RealCrossEntropy,
    RelativisticCritic,
    RelativisticGenerator,
    WassersteinCritic,
    WassersteinGenerator,
)
from gan_core.regularizers import R1, R2, GradientPenalty, KernelDecay
from gan_core.remedies import FeatureMatching, HistoricalAveragingDiscriminator, HistoricalAveragingGenerator
from gan_core.schedules import SCHEDULES, Constant, Schedule
from gan_core.stabilizers import Stabilizers, equip
from gan_core.terms import Term

OWN = "House"  # what stands in place of a report's name
TERMS: tuple[type[Term], ...] = (
    RealCrossEntropy,
    FakeCrossEntropy,
    NonSaturating,
    Minimax,
    LeastSquaresCritic,
    LeastSquaresGenerator,
    HingeCritic,
    WassersteinCritic,
    WassersteinGenerator,
    RelativisticCritic,
    RelativisticGenerator,
    GradientPenalty,
    R1,
    R2,
    KernelDecay,
    FeatureMatching,
    HistoricalAveragingDiscriminator,
    HistoricalAveragingGenerator,
)
KINDS: Mapping[str, type] = {
    vars(cls)["kind"]: cls for cls in (*GENERATORS, *DISCRIMINATORS, *FOREIGN, *TERMS, *SCHEDULES)
}


@dataclass(frozen=True)
class Latents(Validated):
    """The random input of the generator: z (N, size), float32."""

    size: int = setting(100, title="Latent size", help="How many random numbers each picture is made from.",
                        minimum=1, maximum=1024)
    distribution: str = setting("normal", title="Latent distribution", choices=("normal", "uniform"),
                                help="Normal N(0, 1), or uniform between -1 and 1.")


@dataclass(frozen=True)
class Optimizer(Validated):
    """How one network's weights follow its gradient."""

    algorithm: str = setting("adam", title="Optimiser", choices=("adam", "rmsprop", "sgd"),
                             help="Adam is what every report used.")
    learning_rate: float = setting(2e-4, title="Learning rate", help="How far each step goes; GANs like small steps.",
                                   minimum=1e-7, maximum=1.0, log=True)
    beta1: float = setting(0.5, title="β₁", help="Memory of the mean gradient (momentum, for SGD and RMSprop).",
                           minimum=0.0, maximum=0.999)
    beta2: float = setting(0.999, title="β₂", help="Memory of the squared gradient.", minimum=0.0, maximum=0.99999)
    epsilon: float = setting(1e-7, title="ε", help="Added to the root of the squared gradient.",
                             minimum=1e-12, maximum=1e-1, log=True, advanced=True)
    schedule: Schedule = field(default=Constant())


@dataclass(frozen=True)
class Training(Validated):
    """How long and in what portions to train."""

    epochs: int = setting(50, title="Epochs", help="How often the whole data set is seen.", minimum=1, maximum=10_000)
    steps: int = setting(0, title="Steps", help="Ends the run after so many steps, if its epochs take longer; "
                         "0 goes by epochs alone.",
                         minimum=0, maximum=100_000_000, advanced=True)
    batch_size: int = setting(128, title="Batch size", help="Pictures in each step.", minimum=2, maximum=8192)
    seed: int = setting(1, title="Seed", help="The same seed on the same device gives the same weights.",
                        minimum=0, maximum=2**31 - 1)
    discriminator_steps: int = setting(1, title="D updates per step", minimum=1, maximum=20,
                                       help="How often D is updated for each update of G.")
    update: str = setting("alternating", title="Order of updates", choices=("alternating", "simultaneous"),
                          help="Alternating: G answers the D just updated, on fresh noise. "
                               "Simultaneous: both learn from one forward pass on the same noise.")
    held_out: int = setting(0, title="Held-out pictures", minimum=0, maximum=100_000, advanced=True,
                            help="So many of the first training pictures are kept aside and never trained on.")
    classes: tuple[int, ...] = setting((), title="Classes", minimum=0, maximum=1000, advanced=True,
                                       help="Numbers, from 0, of the classes to train on; none stands for all.")
    fake_labels: str = setting("uniform", title="Labels of generated pictures", choices=("uniform", "as_real"),
                               advanced=True,
                               help="What pictures generated to stand beside real ones show: classes drawn uniformly, "
                                    "or those of the real pictures, so that a pair of the two, or a penalty between "
                                    "them, stays within a class.")
    ema_decay: float = setting(0.0, title="Weight averaging", minimum=0.0, maximum=0.99999,
                               help="Share of the generator's running average kept each step; 0 shows its own weights. "
                                    "Helps where pictures waver from one snapshot to the next.",
                               formula=r"\bar\theta_t = \beta_t\,\bar\theta_{t-1} + (1-\beta_t)\,\theta_t",
                               source="Karras et al. 2018, §4")
    ema_ramp: float = setting(0.0, title="Averaging ramp", minimum=0.0, maximum=1.0, advanced=True,
                              help="The average's half-life is at most this share of the steps so far, so that it "
                                   "forgets the first steps sooner; 0 is no ramp.",
                              formula=r"\beta_t = \min\bigl(\beta,\, 2^{-1/(r\,t)}\bigr)",
                              source="Karras et al. 2020, StyleGAN2-ADA")
    precision: str = setting("auto", title="Precision", choices=("auto", "float32", "bfloat16"),
                             help="bfloat16 computes the networks in half the bits, not bit-for-bit the report's "
                                  "arithmetic; weights stay float32. Auto measures at the start of a run which of the "
                                  "two is faster on its processor, and the run keeps that.")
    compile: bool = setting(False, title="Compile the networks", advanced=True,
                            help="Has torch.compile write programs for the networks, on a CPU with a C++ compiler. It "
                                 "takes up to minutes before the first step; the run says how long. Where it was "
                                 "measured, no recipe of the workbench became faster.")
    log_every: int = setting(50, title="Steps per curve point", minimum=1, maximum=100_000, advanced=True,
                             help="Each point of the curves is the mean of so many steps.")

    def total_steps(self, pictures: int) -> int:
        """Steps of a whole run on so many training pictures, the held-out ones not counted."""
        by_epochs = self.epochs * (pictures // self.batch_size) // self.discriminator_steps
        return min(self.steps, by_epochs) if self.steps else by_epochs


@dataclass(frozen=True)
class Snapshots(Validated):
    """When and how a run is looked at: sheets of rows × columns pictures of fixed latents, and their quality."""

    epochs: tuple[int, ...] = setting((), title="Snapshot epochs", minimum=0, maximum=10_000,
                                      help="Epochs whose networks are kept; 0 is before training. The last always is.")
    rows: int = setting(4, title="Sheet rows", help="Rows of each picture sheet.", minimum=1, maximum=16)
    columns: int = setting(4, title="Sheet columns", help="Columns of each picture sheet.", minimum=1, maximum=16)
    measured: int = setting(1000, title="Measured pictures", choices=(0, 500, 1000, 2000, 5000, 10_000), advanced=True,
                            help="So many pictures of fixed latents are read by a classifier at the end of an epoch, "
                                 "to see which classes appear; 0 measures nothing. The weights do not depend on it.")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run, and where it comes from.

    ``report`` names the report that it reproduces, or is OWN. ``notes`` state each gap or contradiction of the report
    and how it is resolved, or why our own recipe is as it is; ``reported`` are the report's own figures by name.
    """

    name: str
    title: str
    report: str
    summary: str
    source: str
    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    dataset: str = "mnist"
    notes: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    latents: Latents = Latents()
    discriminator_terms: tuple[Term, ...] = (RealCrossEntropy(), FakeCrossEntropy())
    generator_terms: tuple[Term, ...] = (NonSaturating(),)
    generator_optimizer: Optimizer = Optimizer()
    discriminator_optimizer: Optimizer = Optimizer()
    stabilizers: Stabilizers = field(default=Stabilizers())
    training: Training = Training()
    snapshots: Snapshots = Snapshots()

    def __post_init__(self) -> None:
        for player, terms in (("discriminator", self.discriminator_terms), ("generator", self.generator_terms)):
            for term in terms:
                if term.player != player:
                    raise UserError("{term} belongs to the other network's loss; move it there.", term=term.title)
                if sum(other.kind == term.kind for other in terms) > 1:
                    raise UserError("{term} stands in the loss twice; keep one, with the weight of both.",
                                    term=term.title)  # fmt: skip
            if not any(term.weight > 0 and term.suffices for term in terms):
                raise UserError("Each network needs an objective with a weight above 0; penalties only add to one.")
        if self.generator.conditional != self.discriminator.conditional:
            raise UserError("Generator and discriminator must both use labels or both do without.")
        self._refuse_games()
        self._refuse_contradictions()

    def _refuse_games(self) -> None:
        """Objectives of which one cannot teach what the others ask for."""
        for_d, for_g = ([term for term in terms if term.group == "objective" and term.weight > 0]
                        for terms in (self.discriminator_terms, self.generator_terms))  # fmt: skip
        if len(for_d) == 1 and isinstance(for_d[0], RealCrossEntropy | FakeCrossEntropy):
            raise UserError(
                "{term} alone is content with a discriminator that gives every picture the same answer; add the other "
                "cross-entropy.",
                term=for_d[0].title,
            )  # fmt: skip
        if {-1, 1} <= {term.direction for term in (*for_d, *for_g)}:
            raise UserError(
                "The objectives disagree on whether a high answer of the discriminator means real; keep the targets "
                "of real and of generated pictures on opposite sides of 0.5, and the generator's beside the real one."
            )
        bounded = self.stabilizers.weight_clip or self.stabilizers.spectral_norm
        if not bounded and not any(term.per_sample_gradient and term.weight > 0 for term in self.discriminator_terms):
            for term in for_d:
                if term.floor == -math.inf:
                    raise UserError(
                        "{term}: this loss falls without end unless the discriminator's slope is bounded; add a "
                        "gradient penalty, weight clipping or spectral normalisation.",
                        term=term.title,
                    )

    def _refuse_contradictions(self) -> None:
        """Combinations that run but are mathematically wrong."""
        for term in self.discriminator_terms:
            if term.per_sample_gradient and self.mixes_samples:
                raise UserError(
                    "{term} needs a discriminator that judges each picture by itself; turn off its batch "
                    "normalisation and minibatch layers, or leave the penalty out.",
                    term=term.title,
                )
        packing = self.stabilizers.packing
        if packing > 1 and self.conditional:
            raise UserError("Packing mixes pictures of different labels; use it with a recipe without labels.")
        if packing > 1 and any(isinstance(term, GradientPenalty) for term in self.discriminator_terms):
            raise UserError("The gradient penalty is defined for single pictures; set packing to 1 or leave it out.")
        if self.training.batch_size % packing:
            raise UserError(
                "The batch size {batch_size} cannot be divided into packs of {packing}; choose a multiple.",
                batch_size=self.training.batch_size, packing=packing,
            )  # fmt: skip

    @property
    def conditional(self) -> bool:
        return self.generator.conditional

    def to_dict(self) -> dict[str, Any]:
        """JSON values of the whole recipe."""
        return dict(to_dict(self))

    @property
    def of_report(self) -> bool:
        """Whether it reproduces a report, rather than being our own."""
        return self.report != OWN

    @property
    def trainable(self) -> bool:
        """Whether it says how to train; a generator of other people's came without that."""
        return not isinstance(self.discriminator, UnknownDiscriminatorConfig)

    @property
    def mixes_samples(self) -> bool:
        """Whether D's answer on one picture depends on the others of its batch."""
        return self.discriminator.mixes_samples or self.stabilizers.mixes_samples

    def build_generator(self, shapes: Shapes) -> nn.Module:
        """The generator, with first weights from torch's global random source."""
        return self.generator.build(shapes)

    def build_discriminator(self, shapes: Shapes) -> nn.Module:
        """The discriminator with the layers of its stabilizers, with weights from torch's global random source.

        Raises:
            UserError: it lacks what a stabilizer or a term of its loss works on.
        """
        packed = dataclasses.replace(shapes, channels=shapes.channels * self.stabilizers.packing)
        discriminator = equip(self.discriminator.build(packed), self.stabilizers)
        for term in self.discriminator_terms:
            term.check(discriminator)
        return discriminator

    def shapes(self, image: tuple[int, int, int], classes: int) -> Shapes:
        """The networks' sizes for pictures (C, H, W) of so many classes, before or after the choice of some."""
        return Shapes(self.latents.size, *image, len(self.training.classes) or classes if self.conditional else 0)

    def with_values(self, changes: Mapping[str, Any]) -> Recipe:
        """The recipe with dotted paths changed; raises UserError where a path or a value is not allowed."""
        return with_values(self, changes, kinds=KINDS)


def recipe_from_dict(data: Any) -> Recipe:
    """The recipe that :meth:`Recipe.to_dict` wrote; UserError for anything unknown or out of range."""
    return from_dict(Recipe, data, kinds=KINDS)


def settings_groups(recipe: Recipe) -> Iterator[tuple[str, Any]]:
    """(field name, config) of each part of a recipe that a user may change, in the order of a form."""
    for item in dataclasses.fields(recipe):
        value = getattr(recipe, item.name)
        first = value[0] if isinstance(value, tuple) and value else value
        if dataclasses.is_dataclass(first):
            yield item.name, value

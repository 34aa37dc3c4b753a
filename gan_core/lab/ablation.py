"""An ablation: one recipe trained as it is and with each of some remedies, each time with several seeds.

    plan = Plan("fc_gan", ("feature_matching", "batch_norm"), seeds=(1, 2, 3), epochs=20)
    [arm.recipe for arm in plan.arms()]     # 9 recipes, those of the first seed first

A remedy is a change of a recipe; those joined by "+" are tried together. What an alarm offers and what is measured here
are the same changes. Everything here is a pure function; :mod:`gan_core.lab.trials` reads what the runs came to.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from gan_core import advice
from gan_core.advice import Remedy
from gan_core.config import UserError, Validated, setting
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Recipe
from gan_core.remedies import HistoricalAveragingDiscriminator, HistoricalAveragingGenerator
from gan_core.terms import Term

PLAIN = "plain"  # the arm without any remedy
PLAIN_TITLE = "As it is"
JOIN, JOINED = "+", " + "  # between the names of remedies, and between their titles
MOST_RUNS = 200
FIRM = 1.0  # the weight of historical averaging that the shipped comparison was made with


def _with_history(recipe: Recipe, terms: Sequence[Term]) -> Recipe:
    """With these terms of historical averaging, unless it has one of them."""
    if {term.kind for term in terms} & {term.kind for term in (*recipe.discriminator_terms, *recipe.generator_terms)}:
        return recipe
    for_d, for_g = (tuple(term for term in terms if term.player == player) for player in ("discriminator", "generator"))
    return replace(recipe, discriminator_terms=(*recipe.discriminator_terms, *for_d),
                   generator_terms=(*recipe.generator_terms, *for_g))  # fmt: skip


def _switched_on(recipe: Recipe, path: str, value: Any, off: Any) -> Recipe:
    """With the setting at ``path`` at ``value`` where it is ``off``; one that the recipe chose itself stays."""
    try:
        own = attrgetter(path)(recipe)
    except AttributeError as error:
        raise UserError("{recipe} has no place for this remedy; leave it out.", recipe=recipe.title) from error
    return recipe.with_values({path: value}) if own == off else recipe


def _quick_discriminator(recipe: Recipe) -> Recipe:
    """Two time scales (Heusel et al. 2017): D follows G at four times its rate."""
    rate = recipe.generator_optimizer.learning_rate
    return recipe.with_values(
        {"generator_optimizer.learning_rate": rate / 2, "discriminator_optimizer.learning_rate": rate * 2}
    )


# The first six are those that report R2 names and leaves untried.
REMEDIES: Mapping[str, Remedy] = {
    "feature_matching": advice.MATCHING,
    "minibatch_discrimination": advice.MINIBATCH,
    "label_smoothing": advice.SMOOTHING,
    "historical_averaging": Remedy(
        "Historical averaging", "Holds the weights of both networks near their own past mean.",
        partial(_with_history, terms=(HistoricalAveragingDiscriminator(), HistoricalAveragingGenerator())),
    ),
    "batch_norm": Remedy(
        "Batch normalisation in G", "Normalises each hidden layer of the generator over the batch.",
        partial(_switched_on, path="generator.batch_norm", value=True, off=False),
    ),
    "balance": Remedy(
        "Balance: two learning rates", "D learns twice as fast and G half as fast, so that D keeps up with G.",
        _quick_discriminator,
    ),
    "historical_averaging_of_d": Remedy(
        "Historical averaging of D alone", "Holds D's weights loosely near their own past mean, and leaves G free.",
        partial(_with_history, terms=(HistoricalAveragingDiscriminator(),)),
    ),
    "historical_averaging_firm": Remedy(
        "Historical averaging, firm", "Holds both networks so firmly near their past mean that they may stop learning.",
        partial(_with_history, terms=(HistoricalAveragingDiscriminator(FIRM), HistoricalAveragingGenerator(FIRM))),
    ),
    "rest": Remedy(
        "Balance: D may rest", "Leaves out D's update while it judges more than 80% of a batch rightly.",
        partial(_switched_on, path="stabilizers.skip_above", value=0.8, off=0),
    ),
    "critic_steps": Remedy(
        "Balance: more D updates", "Five updates of D for each of G; an epoch then has a fifth of the steps.",
        partial(_switched_on, path="training.discriminator_steps", value=5, off=1),
    ),
    "minibatch_deviation": Remedy(
        "Minibatch standard deviation", "Shows D in one number how much the pictures of a batch differ.",
        partial(_switched_on, path="stabilizers.minibatch_deviation", value=True, off=False),
    ),
    "packing": Remedy(
        "Packing", "D judges four pictures at once, and sees when they are all alike.",
        partial(_switched_on, path="stabilizers.packing", value=4, off=1),
    ),
    "r1": advice.R1_PENALTY,
    "instance_noise": advice.INSTANCE_NOISE,
    "spectral_norm": advice.SPECTRAL,
    "relativistic": advice.PAIRS,
}  # fmt: skip
NAMED = tuple(REMEDIES)[:6]
TEXTS = (PLAIN_TITLE, *(text for remedy in REMEDIES.values() for text in (remedy.title, remedy.help)))


@dataclass(frozen=True)
class Arm:
    """One run of a plan: which remedies (:data:`PLAIN` or names joined by "+"), which seed, and the whole recipe."""

    part: str
    seed: int
    recipe: Recipe

    @property
    def titles(self) -> tuple[str, ...]:
        """What the run is called, in parts that pages translate one by one: the recipe, and each of its remedies."""
        return (self.recipe.title, *(() if self.part == PLAIN else titles_of(self.part)))

    @property
    def title(self) -> str:
        """What the run is called."""
        return JOINED.join(self.titles)


@dataclass(frozen=True)
class Plan(Validated):
    """What to compare: the recipe as it is, then with each of ``remedies``, which may be joined by "+".

    ``recipe`` is a recipe's name, or a recipe with changes of its own.
    """

    recipe: str | Recipe
    remedies: tuple[str, ...] = ()
    seeds: tuple[int, ...] = setting(
        (1, 2, 3), title="Seeds", minimum=0, maximum=2**31 - 1,
        help="Each way is trained once with each of these; their spread tells chance from effect.",
    )  # fmt: skip
    epochs: int = setting(20, title="Epochs", help="How long each run trains.", minimum=1, maximum=10_000)
    count: int = setting(
        2000, title="Measured pictures", minimum=100, maximum=10_000,
        help="So many pictures of each finished run are compared with as many real ones.",
    )  # fmt: skip
    dataset: str = field(default="")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise UserError("Give one seed or several different ones.")
        if len(set(self.remedies)) < len(self.remedies):
            raise UserError("Name each remedy once.")
        if (count := len(self.seeds) * (1 + len(self.remedies))) > MOST_RUNS:
            raise UserError(
                "These are {count} runs; {most} are allowed, so choose fewer remedies or seeds.",
                count=count, most=MOST_RUNS,
            )  # fmt: skip

    @property
    def base(self) -> Recipe:
        """The recipe without remedies, as long as the plan says."""
        recipe = find_recipe(self.recipe) if isinstance(self.recipe, str) else self.recipe
        changes: dict[str, Any] = {"training.epochs": self.epochs, "training.steps": 0, "snapshots.epochs": ()}
        return recipe.with_values(changes | ({"dataset": self.dataset} if self.dataset else {}))

    def arms(self) -> tuple[Arm, ...]:
        """Every run, in the order of the queue: all ways with the first seed come first, so that each has its say soon.

        Raises:
            UserError: there is no such recipe or remedy, or a remedy does not fit.
        """
        base = self.base
        ways = {part: with_remedies(base, part) for part in (PLAIN, *self.remedies)}
        return tuple(
            Arm(part, seed, recipe.with_values({"training.seed": seed}))
            for seed in self.seeds
            for part, recipe in ways.items()
        )


def settled(arms: Sequence[Arm], precision: str) -> tuple[Arm, ...]:
    """The same runs in one ``precision`` where the recipe leaves it to the processor.

    Measured anew by each run it might differ within one comparison, and look like the work of a remedy.
    """
    return tuple(
        replace(arm, recipe=arm.recipe.with_values({"training.precision": precision}))
        if arm.recipe.training.precision == "auto"
        else arm
        for arm in arms
    )


def parse_seeds(text: str) -> tuple[int, ...]:
    """The seeds in a text such as "1, 2, 3".

    Raises:
        UserError: it holds something else.
    """
    try:
        return tuple(int(part) for part in text.replace("，", ",").split(","))
    except ValueError:
        raise UserError("Give the seeds as whole numbers with commas between them, such as 1,2,3; now it is {text}.",
                        text=repr(text)) from None  # fmt: skip


def new_group() -> str:
    """A name for the runs of one comparison, unlike any before."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def with_remedies(recipe: Recipe, part: str) -> Recipe:
    """``recipe`` with the remedies of a part.

    Raises:
        UserError: there is no such remedy, or the recipe has it already, has no place for it or contradicts it.
    """
    for name in names_of(part):
        if name not in REMEDIES:
            raise UserError(
                "There is no remedy {name}; choose from {names}.", name=repr(name), names=", ".join(REMEDIES)
            )
        changed = REMEDIES[name].change(recipe)
        if changed == recipe:
            raise UserError(
                "{recipe} has the remedy {remedy} already; leave it out.", recipe=recipe.title, remedy=name
            )
        recipe = changed
    return recipe


def fitting(recipe: Recipe) -> tuple[str, ...]:
    """The names of the remedies that the recipe has a place for and does not have yet."""
    return tuple(name for name in REMEDIES if _fits(recipe, name))


def names_of(part: str) -> tuple[str, ...]:
    """The remedies that a part joins; none for the plain recipe."""
    return () if part == PLAIN else tuple(part.split(JOIN))


def titles_of(part: str) -> tuple[str, ...]:
    """What a part is called: one title for each of its remedies, which pages translate."""
    return tuple(REMEDIES[name].title if name in REMEDIES else name for name in names_of(part)) or (PLAIN_TITLE,)


def _fits(recipe: Recipe, name: str) -> bool:
    try:
        with_remedies(recipe, name)
    except UserError:
        return False
    return True

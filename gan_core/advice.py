"""What may help a run in trouble: changed recipes, each to be trained on from one of the run's own snapshots.

    for offer in offers(run.recipe(), finding.kind):
        start_runs([offer.recipe], start_from=start.bundle, parent=…)

A remedy is a plain change of a recipe. One that the recipe refuses, or that changes nothing, is not offered.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gan_core.alarms import Finding
from gan_core.config import UserError
from gan_core.fitting import check_fit
from gan_core.objectives import RealCrossEntropy, RelativisticCritic, RelativisticGenerator
from gan_core.recipes.recipe import Optimizer, Recipe
from gan_core.regularizers import R1
from gan_core.remedies import FeatureMatching
from gan_core.runs import Sheet
from gan_core.terms import Term

KERNELS = 50
CALM_BETA1 = 0.5
NOISE = 0.1  # of the pixels' range
SMOOTH_TARGET = 0.9
R1_WEIGHT = 1.0
AVERAGING = 0.999
SLOWER = 4  # times


@dataclass(frozen=True)
class Remedy:
    """One change of a recipe: what it is called, what it does in a sentence, and the change itself."""

    title: str
    help: str
    change: Callable[[Recipe], Recipe]


@dataclass(frozen=True)
class Offer:
    """A remedy that fits a recipe, and the recipe that it makes of it."""

    remedy: Remedy
    recipe: Recipe


def _stabilized(**settings: object) -> Callable[[Recipe], Recipe]:
    return lambda recipe: recipe.with_values({f"stabilizers.{name}": value for name, value in settings.items()})


def _with_noise(recipe: Recipe) -> Recipe:
    low, high = recipe.generator.pixel_range
    return recipe.with_values({"stabilizers.instance_noise": NOISE * (high - low)})


def _with_term(terms: Sequence[Term], added: Term) -> tuple[Term, ...]:
    return (*(term for term in terms if term.kind != added.kind), added)


def _with_feature_matching(recipe: Recipe) -> Recipe:
    return replace(recipe, generator_terms=_with_term(recipe.generator_terms, FeatureMatching()))


def _with_r1(recipe: Recipe) -> Recipe:
    if any(isinstance(term, R1) for term in recipe.discriminator_terms):
        return recipe
    return replace(recipe, discriminator_terms=_with_term(recipe.discriminator_terms, R1(weight=R1_WEIGHT)))


def _in_pairs(recipe: Recipe) -> Recipe:
    """The relativistic game with R1, whatever else there is of penalties and remedies."""
    for_d = tuple(term for term in recipe.discriminator_terms if term.group != "objective")
    for_g = tuple(term for term in recipe.generator_terms if term.group != "objective")
    changed = replace(recipe, discriminator_terms=(RelativisticCritic(), *for_d),
                      generator_terms=(RelativisticGenerator(), *for_g))  # fmt: skip
    return _with_r1(changed)


def _with_smooth_labels(recipe: Recipe) -> Recipe:
    terms = tuple(
        replace(term, target=min(term.target, SMOOTH_TARGET)) if isinstance(term, RealCrossEntropy) else term
        for term in recipe.discriminator_terms
    )
    return replace(recipe, discriminator_terms=terms)


def _slower(optimizer: Optimizer) -> Optimizer:
    return replace(optimizer, learning_rate=optimizer.learning_rate / SLOWER)


def _with_calm_momentum(recipe: Recipe) -> Recipe:
    return recipe.with_values(
        {f"{player}_optimizer.beta1": min(getattr(recipe, f"{player}_optimizer").beta1, CALM_BETA1)
         for player in ("generator", "discriminator")}
    )  # fmt: skip


def _with_slow_discriminator(recipe: Recipe) -> Recipe:
    return replace(recipe, discriminator_optimizer=_slower(recipe.discriminator_optimizer))


def _with_slow_networks(recipe: Recipe) -> Recipe:
    slow = _with_slow_discriminator(recipe)
    return replace(slow, generator_optimizer=_slower(recipe.generator_optimizer))


def _averaged(recipe: Recipe) -> Recipe:
    return recipe.with_values({"training.ema_decay": max(recipe.training.ema_decay, AVERAGING)})


MINIBATCH = Remedy(
    "Minibatch discrimination", "Shows D how close the pictures of a batch are to each other.",
    _stabilized(minibatch_discrimination=KERNELS),
)  # fmt: skip
MATCHING = Remedy("Feature matching", "Adds to G's loss that D's features agree on average.", _with_feature_matching)
PAIRS = Remedy(
    "Relativistic pairing with R1", "D compares each generated picture with a real one, and stays flat around these.",
    _in_pairs,
)  # fmt: skip
CALM = Remedy("Less momentum", "Lowers β₁ of both optimisers to 0.5.", _with_calm_momentum)
INSTANCE_NOISE = Remedy("Instance noise", "Hides small differences from D behind noise that fades.", _with_noise)
SMOOTHING = Remedy("Label smoothing", "D's target for real pictures becomes 0.9.", _with_smooth_labels)
R1_PENALTY = Remedy("R1 penalty", "Flattens D around real pictures, so that training settles.", _with_r1)
TWO_RATES = Remedy("Two learning rates", "D learns four times as slowly, G as before.", _with_slow_discriminator)
SLOW = Remedy("Smaller steps", "Both networks learn four times as slowly.", _with_slow_networks)
SPECTRAL = Remedy("Spectral normalisation", "Bounds D's slope.", _stabilized(spectral_norm=True))
AVERAGED = Remedy("Weight averaging", "Shows a running average of G's weights, which wavers less.", _averaged)
LONGER = Remedy("Train on", "The same settings once more, from here.", lambda recipe: recipe)

REMEDIES: Mapping[str, tuple[Remedy, ...]] = {
    "collapse": (MINIBATCH, PAIRS, MATCHING, CALM),
    "stuck": (CALM, SLOW, INSTANCE_NOISE, PAIRS),
    "won": (INSTANCE_NOISE, R1_PENALTY, TWO_RATES, SMOOTHING),
    "diverged": (SLOW, R1_PENALTY, SPECTRAL, CALM),
    "memorises": (R1_PENALTY, INSTANCE_NOISE, TWO_RATES),
    "worsening": (SLOW, R1_PENALTY, TWO_RATES),
    "settled": (SLOW, AVERAGED),
    "improving": (LONGER,),
}
TEXTS = tuple(dict.fromkeys(
    text for remedies in REMEDIES.values() for remedy in remedies for text in (remedy.title, remedy.help)
))  # fmt: skip


def offers(recipe: Recipe, kind: str) -> tuple[Offer, ...]:
    """The remedies for a finding of that kind that ``recipe`` accepts, the most promising one first."""
    return tuple(
        Offer(remedy, changed)
        for remedy in REMEDIES.get(kind, ())
        if (changed := _changed(recipe, remedy)) is not None
    )


def starting_point(sheets: Sequence[Sheet], finding: Finding) -> Sheet | None:
    """The newest snapshot with networks from before the trouble began; else the newest of all, or None.

    Good news and a halt have no trouble to go back behind.
    """
    kept = [sheet for sheet in sheets if sheet.bundle is not None]
    sound = [sheet for sheet in kept if 0 < sheet.epoch < finding.since] if finding.grave else []
    candidates = sound or kept
    return candidates[-1] if candidates else None


@functools.lru_cache(maxsize=256)  # a page asks each second, and building D to see whether it fits takes a while
def _changed(recipe: Recipe, remedy: Remedy) -> Recipe | None:
    """None where the remedy changes nothing or the recipe refuses it."""
    try:
        changed = remedy.change(recipe)
        check_fit(changed)
    except UserError:
        return None
    return changed if changed != recipe or remedy is LONGER else None

"""Which objectives make a game, and when D has judged rightly in it."""

from __future__ import annotations

import pytest
import torch

from gan_core.config import UserError
from gan_core.objectives import (
    FakeCrossEntropy,
    HingeCritic,
    LeastSquaresCritic,
    RealCrossEntropy,
    RelativisticCritic,
    WassersteinCritic,
)
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Recipe
from gan_core.terms import Term
from gan_core.trainer import Trainer
from tests.test_objectives import batch_of
from tests.test_stabilizers import noise_pictures, small_recipe

CROSS_ENTROPY = [{"kind": "real_cross_entropy"}, {"kind": "fake_cross_entropy"}]
WASSERSTEIN = [{"kind": "wasserstein_critic"}]


@pytest.mark.parametrize("kind", ["real_cross_entropy", "fake_cross_entropy"])
def test_half_a_cross_entropy_is_no_game(kind: str) -> None:
    with pytest.raises(UserError, match="the same answer; add the other"):
        small_recipe(discriminator_terms=[{"kind": kind}])
    other = next(term["kind"] for term in CROSS_ENTROPY if term["kind"] != kind)
    with pytest.raises(UserError, match="the same answer; add the other"):
        small_recipe(discriminator_terms=[{"kind": kind}, {"kind": other, "weight": 0}])


@pytest.mark.parametrize("terms", [
    [{"kind": "real_cross_entropy", "target": 0.0}, {"kind": "fake_cross_entropy"}],
    [{"kind": "real_cross_entropy"}, {"kind": "fake_cross_entropy", "target": 0.9}],
    [{"kind": "real_cross_entropy", "target": 0.05}, {"kind": "fake_cross_entropy", "target": 0.95}],
])  # fmt: skip
def test_targets_that_contradict_each_other_or_the_generators(terms: list[dict[str, object]]) -> None:
    with pytest.raises(UserError, match="on opposite sides"):
        small_recipe(discriminator_terms=terms)


@pytest.mark.parametrize("kind", ["minimax", "wasserstein_generator", "least_squares_generator"])
def test_swapped_labels_take_a_generator_that_knows_of_them(kind: str) -> None:
    """IGAN's D calls real pictures low: an objective that raises D's answers would have G flee from them."""
    igan = find_recipe("igan")
    with pytest.raises(UserError, match="on opposite sides"):
        igan.with_values({"generator_terms": [{"kind": kind}]})
    kept = igan.with_values({"generator_terms": [{"kind": kind, "weight": 0}, *igan.to_dict()["generator_terms"]]})
    assert kept.generator_terms[1] == igan.generator_terms[0]


def test_a_generator_may_aim_at_the_boundary() -> None:
    assert small_recipe(generator_terms=[{"kind": "non_saturating", "target": 0.5}])


@pytest.mark.parametrize("bound", [
    {"stabilizers__weight_clip": 0.01}, {"stabilizers__spectral_norm": True},
    *({"discriminator_terms": [*WASSERSTEIN, {"kind": kind}]} for kind in ("gradient_penalty", "r1", "r2")),
])  # fmt: skip
def test_a_wasserstein_critic_needs_a_bound(bound: dict[str, object]) -> None:
    with pytest.raises(UserError, match="falls without end"):
        small_recipe(discriminator_terms=WASSERSTEIN)
    with pytest.raises(UserError, match="falls without end"):
        small_recipe(discriminator_terms=[*WASSERSTEIN, {"kind": "r1", "weight": 0}])
    assert small_recipe(**{"discriminator_terms": WASSERSTEIN, **bound})


@pytest.mark.parametrize("term, right", [
    (RealCrossEntropy(), [True, False, True]),
    (RealCrossEntropy(target=0.05), [False, True, False]),
    (FakeCrossEntropy(), [True, False, False]),
    (FakeCrossEntropy(target=0.95), [False, True, True]),
    (LeastSquaresCritic(), [True, False, False, True, True, False]),
    (HingeCritic(), [True, False, True, True, False, False]),
    (WassersteinCritic(), [True, False, False]),
    (RelativisticCritic(), [True, False, False]),
])  # fmt: skip
def test_what_d_judges_rightly(term: Term, right: list[bool]) -> None:
    real, fake = torch.tensor([2.0, -1.0, 0.3]), torch.tensor([-2.0, 0.4, 0.7])
    assert term.right(batch_of(real, fake)).tolist() == right


@pytest.mark.parametrize("swapped", [False, True])
def test_a_discriminator_rests_when_it_is_right_whichever_way_its_labels_go(swapped: bool) -> None:
    """Generated pictures are black and real ones are not, and D answers by brightness alone."""
    targets = (0.05, 0.95, 0.05) if swapped else (1.0, 0.0, 1.0)
    terms = [{"kind": "real_cross_entropy", "target": targets[0]}, {"kind": "fake_cross_entropy", "target": targets[1]}]
    changes = {"discriminator_terms": terms, "generator_terms": [{"kind": "non_saturating", "target": targets[2]}]}
    assert rested(small_recipe(stabilizers__skip_above=0.9, **changes), sure=-1 if swapped else 1)
    assert not rested(small_recipe(stabilizers__skip_above=0.9, **changes), sure=1 if swapped else -1)


def rested(recipe: Recipe, sure: int) -> bool:
    """Whether D kept its weights in a step in which it answers high (``sure`` 1) or low (-1) for bright pictures."""
    trainer = Trainer(recipe, noise_pictures())
    with torch.no_grad():
        for network in (trainer.generator, trainer.discriminator):
            for parameter in network.parameters():
                parameter.zero_()
        trainer.generator.head[0].bias.fill_(-9.0)  # black pictures; the real ones are noise
        trainer.discriminator.body[0].weight.fill_(0.01)
        trainer.discriminator.head.weight.fill_(float(sure))
        trainer.discriminator.head.bias.fill_(-0.1 * sure)
    before = [parameter.clone() for parameter in trainer.discriminator.parameters()]
    for event in trainer.events():
        if type(event).__name__ == "StepDone":
            break
    return all(map(torch.equal, before, trainer.discriminator.parameters()))

"""Feature matching and historical averaging against their definitions."""

from __future__ import annotations

import pytest
import torch

from gan_core.contracts import Critic
from gan_core.recipes import find_recipe
from gan_core.remedies import FeatureMatching, HistoricalAveragingDiscriminator, HistoricalAveragingGenerator
from gan_core.terms import Batch
from gan_core.trainer import Trainer
from tests.test_stabilizers import noise_pictures, small_recipe


def test_feature_matching_compares_means_and_not_pairs() -> None:
    real = torch.tensor([[0.0, 2.0], [2.0, 0.0]])
    swapped = real.flip(0)
    answers = [Critic(torch.zeros(2), features) for features in (real, swapped)]
    batch = Batch(real, answers[1], real, answers[0], None, None, torch.nn.Identity(), torch.Generator())
    assert FeatureMatching()(batch).tolist() == [0.0, 0.0]
    shifted = Batch(real, Critic(torch.zeros(2), real + 3), real, answers[0], None, None, torch.nn.Identity(),
                    torch.Generator())  # fmt: skip
    assert FeatureMatching()(shifted).tolist() == [18.0, 18.0]


def test_historical_averaging_measures_the_way_from_the_mean_of_all_weights_so_far() -> None:
    terms = [{"kind": "non_saturating"}, {"kind": "historical_averaging_generator", "weight": 1.0}]
    recipe = small_recipe(training__steps=3, generator_terms=terms)
    trainer = Trainer(recipe, noise_pictures())
    seen = [flat(trainer)]
    for event in trainer.events():
        if type(event).__name__ == "StepDone":
            seen.append(flat(trainer))
    past = torch.cat([parameter.flatten() for parameter in trainer.past["g"].parameters()])
    torch.testing.assert_close(past, torch.stack(seen).mean(0))
    blank = torch.zeros(5, 1)
    batch = Batch(blank, Critic(blank, blank), None, None, None, None, trainer.discriminator, torch.Generator(),
                  list(trainer.generator.parameters()), list(trainer.past["g"].parameters()))  # fmt: skip
    expected = (seen[-1] - past).square().sum()
    torch.testing.assert_close(HistoricalAveragingGenerator()(batch), expected.expand(5))


def test_feature_matching_pulls_each_sample_along_the_difference_of_the_means() -> None:
    """∂/∂f_i of ‖mean f(x) − mean f(G(z))‖² is 2/N · (mean f(G(z)) − mean f(x)), the same for each sample."""
    torch.manual_seed(1)
    real, fake = torch.randn(4, 3), torch.randn(4, 3, requires_grad=True)
    batch = Batch(fake, Critic(torch.zeros(4), fake), real, Critic(torch.zeros(4), real), None, None,
                  torch.nn.Identity(), torch.Generator())  # fmt: skip
    (slope,) = torch.autograd.grad(FeatureMatching()(batch).mean(), fake)
    expected = (2 / 4 * (fake.mean(0) - real.mean(0))).detach().expand(4, 3)
    torch.testing.assert_close(slope, expected)


@pytest.mark.parametrize("term", [HistoricalAveragingGenerator(), HistoricalAveragingDiscriminator()])
def test_historical_averaging_pulls_back_by_twice_the_way(term: HistoricalAveragingGenerator) -> None:
    weights = [torch.tensor([3.0, -1.0], requires_grad=True), torch.tensor([[2.0]], requires_grad=True)]
    past = [torch.tensor([1.0, -1.0]), torch.tensor([[5.0]])]
    blank = torch.zeros(6, 1)
    batch = Batch(blank, Critic(blank, blank), None, None, None, None, torch.nn.Identity(), torch.Generator(),
                  weights, past)  # fmt: skip
    assert term(batch).tolist() == [13.0] * 6  # 2² + 3²
    slopes = torch.autograd.grad(term(batch).mean(), weights)
    assert [slope.tolist() for slope in slopes] == [[4.0, 0.0], [[-6.0]]]


def test_remedies_leave_a_recipe_without_them_alone() -> None:
    assert Trainer(find_recipe("fc_gan"), noise_pictures(256)).past == {}


def flat(trainer: Trainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.generator.parameters()]).clone()

"""Feature matching and historical averaging against their definitions."""

from __future__ import annotations

import torch

from gan_core.contracts import Critic
from gan_core.objectives import Batch
from gan_core.recipes import find_recipe
from gan_core.remedies import FeatureMatching, HistoricalAveragingGenerator
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


def test_remedies_leave_a_recipe_without_them_alone() -> None:
    assert Trainer(find_recipe("fc_gan"), noise_pictures(256)).past == {}


def flat(trainer: Trainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.generator.parameters()]).clone()

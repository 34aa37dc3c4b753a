"""Training: the steps of the papers written out by hand, batches, averages, and what looking on must not change."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from gan_core.config import UserError
from gan_core.data import Dataset
from gan_core.events import Diverged, Event, Finished, Scalars, SnapshotDue, Started, StepDone
from gan_core.fitting import check_fit
from gan_core.recipes import RECIPES
from gan_core.recipes.recipe import Recipe
from gan_core.sampling import cycle_labels, draw_latents, generate_judged
from gan_core.trainer import Trainer
from tests.small import small_data, small_recipe


def train(recipe: Recipe, data: Dataset | None = None) -> tuple[Trainer, list[Event]]:
    trainer = Trainer(recipe, data or small_data(recipe))
    return trainer, list(trainer.events())


def assert_equal_weights(one: nn.Module, other: nn.Module) -> None:
    for (name, a), (_, b) in zip(one.state_dict().items(), other.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.parametrize("name", ["cgan", "leaky_gan", "dcgan_modified"])
def test_the_same_recipe_and_seed_give_the_same_weights(name: str) -> None:
    recipe = small_recipe(name, {"training.steps": 2, "training.epochs": 100})
    first, events = train(recipe)
    torch.manual_seed(5)  # the global random source has no say
    second, again = train(recipe)
    assert events == again
    assert_equal_weights(first.generator, second.generator)
    assert_equal_weights(first.discriminator, second.discriminator)


def test_another_seed_gives_other_weights() -> None:
    one, _ = train(small_recipe())
    other, _ = train(small_recipe("fc_gan", {"training.seed": 2}))
    assert not torch.equal(one.generator.head[0].weight, other.generator.head[0].weight)


def test_events_tell_the_run_in_order() -> None:
    recipe = small_recipe("fc_gan", {"snapshots.epochs": (0, 1), "training.log_every": 4})
    _, events = train(recipe)
    assert events[0] == Started(0, 11, 8.0)
    assert events[1] == SnapshotDue(0, 0, keep=True)
    assert [event.step for event in events if isinstance(event, StepDone)] == list(range(1, 12))
    assert [event.step for event in events if isinstance(event, Scalars)] == [1, 2, 4, 5, 8, 10, 11]
    sheets = [event for event in events if isinstance(event, SnapshotDue)]
    assert [(event.step, event.keep) for event in sheets] == [(0, True), (8, True), (11, True)]
    assert events[-2:] == [StepDone(11, 11 / 8), Finished(11)]


def test_curve_points_are_means_of_the_steps_since_the_last() -> None:
    recipes = (small_recipe("fc_gan", {"training.log_every": every}) for every in (1, 4))
    each, some = ([event for event in train(recipe)[1] if isinstance(event, Scalars)] for recipe in recipes)
    by_step = {event.step: event.values for event in each}
    last = 0
    for event in some:
        for name in ("loss_g", "loss_d", "d_real", "d_fake"):
            mean = sum(by_step[step][name] for step in range(last + 1, event.step + 1)) / (event.step - last)
            assert event.values[name] == pytest.approx(mean, rel=1e-5)
        last = event.step


@torch.no_grad()
def take_first_adam_step(module: nn.Module, slopes: Sequence[Tensor], rate: float, epsilon: float) -> None:
    """Kingma & Ba 2015, algorithm 1, at t = 1: with the bias corrections, m = g and v = g² whatever β₁ and β₂ are."""
    for weight, slope in zip(module.parameters(), slopes, strict=True):
        weight -= rate * slope / (slope.square().sqrt() + epsilon)


def first_batch(trainer: Trainer) -> tuple[Tensor, Tensor]:
    chosen = trainer.batches.order(0)[0]
    return trainer.dataset.images[chosen].float(), trainer.dataset.labels[chosen]


def test_one_step_of_the_conditional_gan_by_hand() -> None:
    """R1: D on a smoothed real and a fake half, then G on fresh noise and labels, each with its own Adam."""
    recipe = small_recipe("cgan", {"training.steps": 1})
    trainer = Trainer(recipe, small_data(recipe))
    generator, discriminator = copy.deepcopy(trainer.generator), copy.deepcopy(trainer.discriminator)
    noise = torch.Generator()
    noise.set_state(trainer.noise.get_state())

    def draw() -> tuple[Tensor, Tensor]:
        z = torch.empty(8, 100).normal_(generator=noise)
        return z, torch.randint(10, (8,), generator=noise)

    list(trainer.events())
    pictures, labels = first_batch(trainer)
    real = pictures / 127.5 - 1
    z, asked = draw()
    fake = generator(z, asked).detach()
    loss_d = 0.5 * cross_entropy(discriminator(real, labels).logits, torch.full((8,), 0.9))
    loss_d = loss_d + 0.5 * cross_entropy(discriminator(fake, asked).logits, torch.zeros(8))
    slopes = torch.autograd.grad(loss_d, list(discriminator.parameters()))
    take_first_adam_step(discriminator, slopes, 2e-4, 1e-7)
    z, asked = draw()
    loss_g = cross_entropy(discriminator(generator(z, asked), asked).logits, torch.ones(8))
    slopes = torch.autograd.grad(loss_g, list(generator.parameters()))
    take_first_adam_step(generator, slopes, 2e-4, 1e-7)

    for mine, theirs in ((discriminator, trainer.discriminator), (generator, trainer.generator)):
        for (name, a), b in zip(mine.named_parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=2e-6, msg=name)


def test_one_step_of_the_fully_connected_gan_by_hand() -> None:
    """R2: both gradients come from one forward pass on the same noise."""
    recipe = small_recipe("fc_gan", {"training.steps": 1})
    trainer = Trainer(recipe, small_data(recipe))
    generator, discriminator = copy.deepcopy(trainer.generator), copy.deepcopy(trainer.discriminator)
    noise = torch.Generator()
    noise.set_state(trainer.noise.get_state())

    list(trainer.events())
    pictures, _ = first_batch(trainer)
    fake = generator(torch.empty(8, 100).uniform_(-1, 1, generator=noise))
    on_real, on_fake = discriminator(pictures / 255).logits, discriminator(fake).logits
    loss_d = -on_real.sigmoid().log().mean() - (1 - on_fake.sigmoid()).log().mean()
    loss_g = -on_fake.sigmoid().log().mean()
    slopes_d = torch.autograd.grad(loss_d, list(discriminator.parameters()), retain_graph=True)
    slopes_g = torch.autograd.grad(loss_g, list(generator.parameters()))
    take_first_adam_step(discriminator, slopes_d, 2e-4, 1e-8)
    take_first_adam_step(generator, slopes_g, 2e-4, 1e-8)

    for mine, theirs in ((discriminator, trainer.discriminator), (generator, trainer.generator)):
        for (name, a), b in zip(mine.named_parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=2e-6, msg=name)


def test_each_epoch_shows_every_picture_once() -> None:
    recipe = small_recipe("cgan", {"training.steps": 0, "training.epochs": 3})
    data = small_data(recipe, count=64)
    trainer = Trainer(recipe, Dataset("counted", torch.arange(64).to(torch.uint8)[:, None, None, None]
                                      .expand(64, 1, 28, 28).contiguous(), data.labels, data.class_names))  # fmt: skip
    orders = []
    for epoch in range(3):
        batches = [trainer.batches.at(epoch * 8 + index) for index in range(8)]
        shown = torch.cat([((images[:, 0, 0, 0] + 1) * 127.5).round() for images, _ in batches]).int().tolist()
        labels = torch.cat([labels for _, labels in batches if labels is not None]).tolist()
        assert sorted(shown) == list(range(64))
        assert [picture % 10 for picture in shown] == labels
        orders.append(shown)
    assert orders[0] != orders[1] != orders[2]


def test_pictures_left_over_sit_out_and_held_out_ones_are_never_seen() -> None:
    recipe = small_recipe("fc_gan", {"training.held_out": 5, "training.steps": 0, "training.epochs": 4})
    trainer = Trainer(recipe, small_data(recipe, count=64))
    assert len(trainer.validation) == 5 and len(trainer.dataset) == 59
    assert trainer.batches_per_epoch == 59 // 8 and trainer.total_steps == 4 * 7
    assert torch.equal(trainer.validation.images, small_data(recipe, 64).images[:5])
    seen = Counter()
    for epoch in range(4):
        seen.update(trainer.batches.order(epoch).flatten().tolist())
    assert max(seen.values()) <= 4 and max(seen) < 59


def test_discriminator_steps_are_taken_before_each_generator_step() -> None:
    recipe = small_recipe("cgan", {"training.discriminator_steps": 3, "training.steps": 2})
    trainer, _ = train(recipe)
    steps = {
        name: {int(state["step"]) for state in optimizer.state.values()}
        for name, optimizer in (("g", trainer.optimizer_g), ("d", trainer.optimizer_d))
    }
    assert steps == {"g": {2}, "d": {6}}
    assert trainer.epoch == 6 / 8


def test_the_running_average_has_its_closed_form() -> None:
    recipe = small_recipe("fc_gan", {"training.ema_decay": 0.9, "training.steps": 5})
    trainer = Trainer(recipe, small_data(recipe))
    expected = [weight.clone() for weight in trainer.generator.parameters()]
    for event in trainer.events():
        if isinstance(event, StepDone):
            expected = [
                0.9 * mean + 0.1 * now for mean, now in zip(expected, trainer.generator.parameters(), strict=True)
            ]
    assert trainer.average is not None and trainer.sampler is trainer.average
    for mean, kept in zip(expected, trainer.average.parameters(), strict=True):
        torch.testing.assert_close(mean, kept, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["cgan", "leaky_gan", "dcgan"])
def test_looking_at_a_run_does_not_change_it(name: str) -> None:
    recipe = small_recipe(name)
    quiet, _ = train(recipe)
    watched = Trainer(recipe, small_data(recipe))
    for _ in watched.events():
        z = draw_latents(recipe.latents, 7, 5)
        labels = cycle_labels(5, range(10)) if recipe.conditional else None
        generate_judged(watched.sampler, watched.discriminator, z, labels, recipe.generator.pixel_range)
        watched.state_dict()
    assert watched.generator.training and watched.discriminator.training
    assert_equal_weights(quiet.generator, watched.generator)
    assert_equal_weights(quiet.discriminator, watched.discriminator)


@pytest.mark.parametrize("algorithm", ["adam", "rmsprop", "sgd"])
def test_learning_rates_follow_their_schedule(algorithm: str) -> None:
    recipe = small_recipe("fc_gan", {
        "generator_optimizer.algorithm": algorithm,
        "generator_optimizer.schedule": {"kind": "polynomial"},
        "training.log_every": 1,
    })  # fmt: skip
    trainer, events = train(recipe)
    rates = [event.values["lr_g"] for event in events if isinstance(event, Scalars)]
    assert rates == pytest.approx([2e-4 * (1 - step / 11) for step in range(1, 12)])
    assert trainer.optimizer_g.param_groups[0]["lr"] == pytest.approx(2e-4 * (1 - 10 / 11))
    assert trainer.optimizer_d.param_groups[0]["lr"] == 2e-4


def test_a_run_that_diverges_says_so_and_ends() -> None:
    recipe = small_recipe("fc_gan", {
        "discriminator_optimizer.algorithm": "sgd", "discriminator_optimizer.learning_rate": 1.0,
        "discriminator_optimizer.beta1": 0.0, "discriminator_terms.real_cross_entropy.weight": 1e4,
        "generator_optimizer.algorithm": "sgd", "generator_optimizer.learning_rate": 1.0,
        "generator_terms.non_saturating.weight": 1e4, "training.steps": 500, "training.epochs": 100,
        "training.log_every": 1,
    })  # fmt: skip
    trainer = Trainer(recipe, small_data(recipe))
    with torch.no_grad():
        trainer.discriminator.head.weight.fill_(float("nan"))
    events = list(trainer.events())
    assert isinstance(events[-1], Diverged) and events[-1].step == 1
    assert not any(isinstance(event, Finished) for event in events)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training.batch_size": 65}, "more than the 64 pictures"),
        ({"training.held_out": 64}, "hold out fewer"),
        ({"training.held_out": 60}, "more than the 4 pictures"),
    ],
)
def test_recipe_and_data_that_do_not_fit_are_refused(changes: dict[str, int], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Trainer(small_recipe("fc_gan", changes), small_data(small_recipe(), 64))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_fits_its_own_data(recipe: Recipe) -> None:
    check_fit(recipe)


def test_in_bfloat16_each_update_sees_the_weights_that_the_last_one_left() -> None:
    """Autocast keeps copies of the weights that an update would age; without them the arithmetic is the same."""
    recipe = small_recipe(
        "cgan",
        {"training.precision": "bfloat16", "training.discriminator_steps": 2,
         "discriminator_optimizer.learning_rate": 0.01},
    )  # fmt: skip
    kept, _ = train(recipe)
    torch.set_autocast_cache_enabled(False)
    try:
        fresh, _ = train(recipe)
    finally:
        torch.set_autocast_cache_enabled(True)
    assert_equal_weights(kept.generator, fresh.generator)
    assert_equal_weights(kept.discriminator, fresh.discriminator)

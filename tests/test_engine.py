"""Engines: the step that a GPU replays is the step that Python takes, and what cannot be replayed is known before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gan_core import engine
from gan_core.engine import CudaGraph, Eager, why_eager
from gan_core.events import Scalars
from gan_core.feed import DeviceFeed, HostFeed, knobs_at
from gan_core.recipes import RECIPES
from gan_core.recipes.recipe import Recipe
from gan_core.trainer import Trainer
from tests.small import small_data, small_recipe

STEPS = 20  # of 8 batches an epoch: more than two epochs, so that both places are written again
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "three updates of D": {"training.discriminator_steps": 3},
    "scheduled": {"generator_optimizer.schedule": "cosine", "discriminator_optimizer.schedule": "polynomial"},
    "noise that ends": {"stabilizers.instance_noise": 0.3, "stabilizers.instance_noise_until": 0.5},
    "remedies": {"generator_terms": "non_saturating,feature_matching", "stabilizers.minibatch_discrimination": 4},
    "bfloat16": {"training.precision": "bfloat16"},
}
AVERAGED = {"ramped average": {"training.ema_decay": 0.99, "training.ema_ramp": 0.05},
            "past": {"generator_terms": "non_saturating,historical_averaging_generator"}}  # fmt: skip
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


def recipe_of(changes: Mapping[str, Any], name: str = "cgan") -> Recipe:
    return small_recipe(name, {"training.steps": STEPS, "training.epochs": 100, **changes})


def by_host(recipe: Recipe) -> Trainer:
    trainer = Trainer(recipe, small_data(recipe))
    for _ in trainer.events():
        pass
    return trainer


def by_device(recipe: Recipe, start: Trainer | None = None) -> Trainer:
    """The steps from buffers at fixed places, as a graph would replay them, here taken one by one."""
    trainer = Trainer(recipe, small_data(recipe))
    if start is not None:
        trainer.load_state_dict(start.state_dict())
    feed = DeviceFeed(trainer.batches, trainer.total_steps, trainer.device)
    while trainer.step < trainer.total_steps:
        feed.seek(trainer.step)
        feed.begin()
        trainer.train_step(feed)
        feed.end()
        trainer.step += 1
    return trainer


def assert_close(one: Trainer, other: Trainer, tolerance: float) -> None:
    for mine, theirs in zip(one.modules.values(), other.modules.values(), strict=True):
        for (name, a), b in zip(mine.state_dict().items(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance, msg=name)
    assert torch.equal(one.noise.get_state(), other.noise.get_state())


@pytest.mark.parametrize("variant", VARIANTS)
def test_steps_from_fixed_buffers_are_the_same_bit_for_bit(variant: str) -> None:
    recipe = recipe_of(VARIANTS[variant])
    assert_close(by_host(recipe), by_device(recipe), 0.0)


@pytest.mark.parametrize("variant", AVERAGED)
def test_averages_with_shares_on_the_device_differ_by_rounding_alone(variant: str) -> None:
    recipe = recipe_of(AVERAGED[variant])
    assert_close(by_host(recipe), by_device(recipe), 1e-6)


def test_a_feed_can_begin_anywhere() -> None:
    recipe = recipe_of({"training.discriminator_steps": 3, "training.steps": 11})
    half = by_host(recipe.with_values({"training.steps": 5}))
    assert_close(by_host(recipe), by_device(recipe, start=half), 0.0)


def test_scheduled_numbers_outlast_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_core.feed.TABLE_STEPS", 3)
    recipe = recipe_of({"generator_optimizer.schedule": "cosine"})
    trainer = Trainer(recipe, small_data(recipe))
    feed = DeviceFeed(trainer.batches, STEPS, trainer.device)
    host = HostFeed(trainer.batches, STEPS)
    for step in (0, 1, 2, 3, 4, 11, 12, 5):  # on, and back and forth as a resumed run would
        feed.seek(step)
        host.seek(step)
        feed.begin()
        assert [float(value) for value in feed.knobs] == list(knobs_at(recipe, step, STEPS)), step
        assert torch.equal(feed.real(0)[0], host.real(0)[0])
        feed.end()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({}, ""), ({"stabilizers.skip_above": 0.9}, engine.RESTS), ({"training.discriminator_steps": 9}, ""),
     ({"training.discriminator_steps": 10}, engine.SHORT)],
)  # fmt: skip
def test_what_cannot_be_replayed_is_said_before(changes: Mapping[str, Any], reason: str) -> None:
    trainer = Trainer(recipe := recipe_of(changes), small_data(recipe))
    assert why_eager(trainer.batches, trainer.modules.values(), 1) == reason
    with_another = why_eager(trainer.batches, trainer.modules.values(), 2)
    assert with_another == (reason if reason == engine.RESTS else engine.RANKS)
    assert isinstance(trainer.engine, Eager) and not trainer.engine.notice  # a CPU has nothing to be sorry for


class Waiting(TorchDispatchMode):
    """Notes operations whose answer, or whose size, Python would have to wait for on a GPU."""

    OPERATIONS = frozenset({"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "is_nonzero"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        chosen = args[1] if name in ("index", "index_put_", "index_put") else ()
        if name in self.OPERATIONS or any(index is not None and index.dtype == torch.bool for index in chosen):
            self.found.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", [recipe.name for recipe in RECIPES])
def test_a_step_waits_for_the_device_only_where_that_is_declared(name: str) -> None:
    trainer = Trainer(recipe := recipe_of({}, name), small_data(recipe))
    feed = DeviceFeed(trainer.batches, STEPS, trainer.device)
    feed.seek(0)
    with Waiting() as waiting:
        feed.begin()
        trainer.train_step(feed)
        feed.end()
    assert bool(waiting.found) == bool(why_eager(trainer.batches, trainer.modules.values(), 1)), waiting.found


@needs_gpu
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_gpu_replays_what_it_would_do_step_by_step(variant: str) -> None:
    recipe = recipe_of(VARIANTS[variant])
    recorded, told = (Trainer(recipe, small_data(recipe), "cuda") for _ in range(2))
    assert isinstance(recorded.engine, CudaGraph)
    told.engine = Eager(told.train_step, told.batches, told.total_steps)
    curves = [
        [event.values for event in trainer.events() if isinstance(event, Scalars)] for trainer in (recorded, told)
    ]
    assert not recorded.engine.notice
    assert_close(recorded, told, 1e-4)
    for mine, theirs in zip(*curves, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3, abs=1e-4)


@needs_gpu
def test_a_resumed_recording_draws_the_same_random_numbers() -> None:
    recipe = recipe_of({})
    whole, first = (Trainer(recipe, small_data(recipe), "cuda") for _ in range(2))
    for _ in whole.events():
        pass
    for _ in first.events():
        if first.step == 9:
            break
    second = Trainer(recipe, small_data(recipe), "cuda")
    second.load_state_dict(first.state_dict())
    for _ in second.events():
        pass
    assert_close(whole, second, 1e-4)

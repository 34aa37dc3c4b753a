"""Every part of a recipe says what it is, and stands in the listing, from its declaration alone."""

from __future__ import annotations

import typing

import pytest

from gan_core.config import settings_of
from gan_core.formulas import ALGORITHMS
from gan_core.parts import Part, choices, parts, parts_of, switched_on
from gan_core.recipes import RECIPES, find_recipe
from gan_core.recipes.recipe import TERMS, Optimizer
from gan_core.schedules import SCHEDULES, Schedule
from gan_core.stabilizers import Stabilizers


def test_all_terms_optimisers_schedules_and_stabilizers_are_parts() -> None:
    names = choices()
    for player in ("discriminator", "generator"):
        assert names[f"{player}_terms"] == [vars(cls)["kind"] for cls in TERMS if cls.player == player]
        assert names[f"{player}_optimizer.algorithm"] == list(dict(settings_of(Optimizer))["algorithm"].choices)
        assert names[f"{player}_optimizer.schedule"] == [vars(cls)["kind"] for cls in SCHEDULES]
    assert set(SCHEDULES) == set(typing.get_args(Schedule))
    switches = {part.path.removeprefix("stabilizers.") for part in parts() if part.path.startswith("stabilizers.")}
    assert {name for name, _ in settings_of(Stabilizers)} - switches == {"instance_noise_until"}  # part of the noise


@pytest.mark.parametrize("part", parts(), ids=lambda part: f"{part.path} {part.name}".strip())
def test_a_part_says_what_it_is_when_it_helps_and_where_it_is_from(part: Part) -> None:
    assert part.title and part.source and part.summary.endswith(".")
    assert part.formula or part.path == "generator.upsampling"  # a layer, no formula
    assert all(line.count("{") == line.count("}") for line in part.formula)


def test_a_part_is_listed_once() -> None:
    keys = [(part.path, part.name) for part in parts()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_what_a_recipe_offers_is_listed_for_all(recipe: object) -> None:
    listed = {(part.path, part.name) for part in parts()}
    offered = dict(parts_of(recipe))  # type: ignore[arg-type]
    assert {"generator_optimizer", "stabilizers", "training"} <= set(offered)
    assert {(part.path, part.name) for found in offered.values() for part in found} <= listed


def test_a_recipe_shows_what_it_switches_on() -> None:
    assert [(part.path, value) for part, value in switched_on(find_recipe("fc_gan"))] == []
    recipe = find_recipe("fc_gan").with_values({
        "generator.batch_norm": True, "stabilizers.packing": 4, "stabilizers.skip_above": 0.8,
        "training.ema_decay": 0.99,
    })  # fmt: skip
    assert [(part.path, value) for part, value in switched_on(recipe)] == [
        ("generator.batch_norm", True), ("stabilizers.packing", 4), ("stabilizers.skip_above", 0.8),
        ("training.ema_decay", 0.99),
    ]  # fmt: skip


def test_every_way_to_follow_a_gradient_has_lines_of_its_own() -> None:
    assert len({said.formula for said in ALGORITHMS.values()}) == len(ALGORITHMS) == 3

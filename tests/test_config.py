"""Settings: what is written can be read back, and every mistake is one sentence."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from gan_core.config import Setting, UserError, settings_of, shown
from gan_core.recipes import RECIPES, find_recipe
from gan_core.recipes.recipe import Recipe, Training, recipe_from_dict, settings_groups
from gan_core.schedules import Cosine
from gan_core.texts import CONFIGS, declared_texts


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_survives_json(recipe: Recipe) -> None:
    assert recipe_from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_settings_that_only_go_together_change_together() -> None:
    """Four strides and three channels go together, though neither goes with what is there."""
    changed = find_recipe("dcgan").with_values({"generator.strides": "1 2 2 1", "generator.channels": "128 64 128"})
    assert changed.generator == find_recipe("dcgan_modified").generator
    with pytest.raises(UserError, match="one stride more than channels"):
        find_recipe("dcgan").with_values({"generator.strides": "1 2 2 1"})


def test_the_change_that_is_wrong_is_named_not_the_one_that_builds_on_it() -> None:
    with pytest.raises(UserError, match="spiral"):
        find_recipe("dcgan").with_values({
            "generator_optimizer.schedule": "spiral", "generator_optimizer.schedule.end": 0.1,
        })  # fmt: skip


def test_paths_change_one_setting_and_leave_the_rest() -> None:
    recipe = find_recipe("dcgan_modified")
    changed = recipe.with_values({
        "training.batch_size": "64",
        "generator.strides": "1 2 2 1",
        "discriminator_terms.kernel_decay.weight": 0.5,
        "discriminator_terms.0.target": 0.9,
        "snapshots.epochs": [1, 2],
        "generator_optimizer.schedule": "cosine",
        "generator_optimizer.schedule.end": 0.1,
    })  # fmt: skip
    assert changed.training == dataclasses.replace(recipe.training, batch_size=64)
    assert changed.discriminator_terms[2].weight == 0.5
    assert changed.discriminator_terms[0].target == 0.9  # type: ignore[attr-defined]
    assert changed.snapshots.epochs == (1, 2)
    assert changed.generator_optimizer.schedule == Cosine(end=0.1)
    assert changed.discriminator_optimizer == recipe.discriminator_optimizer


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("training.batch_size", 1, "between 2 and 8192; it is 1."),
        ("training.batch_size", "many", "whole number"),
        ("training.batch_size", 2.5, "whole number"),
        ("training.batch_size", 1e400, "whole number"),
        ("generator_optimizer.learning_rate", "nan", "between"),
        ("generator_optimizer.learning_rate", "-inf", "between"),
        ("generator_optimizer.learning_rate", "fast", "number"),
        ("latents.distribution", "cauchy", "one of normal, uniform"),
        ("generator.hidden", "0", "between"),
        ("generator.hidden", 5, "list"),
        ("generator", "cosine", "cannot be of the kind"),
        ("generator", "fully_connected_discriminator", "cannot be of the kind"),
        ("generator", {}, "group of fields"),
        ("generator", {"kind": "transformer"}, "update GAN Workbench"),
        ("generator", {"kind": ["x"]}, "update GAN Workbench"),
        ("generator.hiden", 5, "here are hidden"),
        ("generator.kind", "x", "no setting"),
        ("discriminator_terms.7.weight", 1, "no setting"),
        ("discriminator_terms", [{"weight": 1.0}], "kind"),
        ("discriminator_terms", "non_saturating", "other network"),
        ("discriminator_terms", [], "needs an objective"),
        ("discriminator_terms", [{"kind": "r1"}, {"kind": "kernel_decay"}], "needs an objective"),
        ("generator_terms", [{"kind": "historical_averaging_generator"}], "needs an objective"),
        ("generator_terms", [{"kind": "non_saturating", "weight": 0}], "needs an objective"),
        ("generator_optimizer.schedule", {"kind": "cosine", "ends": 1}, "no field 'ends'"),
        ("training", 3, "group of fields"),
        ("name", None, "text"),
        ("nothing", 1, "no setting 'nothing'"),
    ],
)
def test_mistakes_are_one_sentence(path: str, value: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        find_recipe("fc_gan").with_values({path: value})
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    assert str(caught.value) == caught.value.text.format(**caught.value.values)


@pytest.mark.parametrize("data", [None, [], "x", 3, {"name": "x"}])
def test_what_is_no_recipe_is_refused(data: Any) -> None:
    with pytest.raises(UserError):
        recipe_from_dict(data)


def test_unknown_and_lacking_fields_are_named() -> None:
    data = find_recipe("cgan").to_dict()
    with pytest.raises(UserError, match="'colour'"):
        recipe_from_dict(data | {"colour": "red"})
    del data["title"]
    with pytest.raises(UserError, match="'title'"):
        recipe_from_dict(data)


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(UserError, match="cgan, fc_gan"):
        find_recipe("stylegan")


def test_templates_may_use_any_name_and_values_may_hold_braces() -> None:
    error = UserError("{text} and {name}", text="{x}", name="}{")
    assert str(error) == "{x} and }{"
    assert str(UserError("A {brace} without values")) == "A {brace} without values"


def test_long_values_are_cut_and_stay_on_one_line() -> None:
    assert len(shown("x" * 1000)) < 60
    assert "\n" not in shown("a\nb")


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
def test_every_setting_describes_itself(config: type) -> None:
    for field in dataclasses.fields(config):
        described: Setting | None = dict(settings_of(config)).get(field.name)
        if described is None:
            continue
        assert described.title and described.help.endswith("."), f"{config.__name__}.{field.name}"
        if described.minimum is not None and described.maximum is not None:
            assert described.minimum < described.maximum


def test_defaults_of_the_report_are_settings() -> None:
    for recipe in RECIPES:
        assert {name for name, _ in settings_groups(recipe)} >= {"generator", "discriminator", "training", "latents"}
    assert Training().total_steps(60_000) == 50 * 468
    assert find_recipe("fc_gan").training.total_steps(60_000) == 40_001


def test_declared_texts_are_whole() -> None:
    texts = list(declared_texts())
    assert len(texts) == len(set(texts)) > 150
    assert {"Conditional GAN", "Learning rate", "Non-saturating loss", "Cosine", "MNIST", "Starting"} <= set(texts)
    for recipe in RECIPES:
        assert {recipe.title, recipe.summary, *recipe.notes} <= set(texts)

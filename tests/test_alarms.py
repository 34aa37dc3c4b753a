"""The alarm: each rule fires on its trouble, not on the near miss, and what is offered against it can be trained."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core.advice import REMEDIES, offers, starting_point
from gan_core.alarms import Finding, covered_classes, findings, missing_classes, trend_score
from gan_core.events import Quality
from gan_core.history import History, read_history
from gan_core.recipes import RECIPES, find_recipe
from gan_core.recipes.recipe import Recipe
from gan_core.runs import Sheet, create_run
from gan_core.worker import train_run
from tests.made_runs import make_run
from tests.small import small_recipe

RECIPE = find_recipe("fc_gan")
EVEN = (100,) * 10
REAL = (0.1,) * 10
ONE = (10, 840, 0, 60, 0, 10, 0, 50, 30, 0)


def quality(epoch: int, classes: Sequence[int] = EVEN, distance: float = 20.0, **more: Any) -> Quality:
    values = {"spread": 0.9, "memory": 0.5} | more
    return Quality(epoch * 10, epoch, sum(classes), reader="mnist", classes=tuple(classes), real=REAL,
                   distance=distance, floor=1.0, alone=160.0, **values)  # fmt: skip


def said(lines: Sequence[Quality], recipe: Recipe = RECIPE) -> list[str]:
    return [finding.kind for finding in findings(History(quality=list(lines)), recipe)]


def curves(epochs: int = 20, **columns: Sequence[float]) -> History:
    """A history of scalars alone; every column has one value an epoch."""
    usual: dict[str, Sequence[float]] = {name: [0.7] * epochs for name in (
        "loss_g", "loss_d", "real_cross_entropy", "fake_cross_entropy")}  # fmt: skip
    return History(scalars={"epoch": list(range(1, epochs + 1)), **{k: list(v) for k, v in (usual | columns).items()}})


def test_a_healthy_run_raises_no_alarm() -> None:
    assert said([]) == said([quality(1)]) == []
    lines = [quality(epoch, distance=60 / epoch) for epoch in range(1, 9)]
    assert said(lines) == ["improving"] and findings(curves(), RECIPE) == []


def test_one_class_nearly_alone_is_a_collapse_in_plain_words() -> None:
    lines = [quality(1), quality(2), quality(3, ONE, 100), quality(4, ONE, 110), quality(5, ONE, 105)]
    [finding] = findings(History(quality=lines), RECIPE)
    assert finding.plain == "84% of the pictures are read as “1”; among real ones it is 10%."
    assert (finding.kind, finding.since, finding.seen, finding.grave) == ("collapse", 3, 3, True)


def test_one_bad_measurement_is_not_yet_a_collapse() -> None:
    assert said([quality(1), quality(2, ONE, 100)]) == []
    assert said([quality(1, ONE, 100), quality(2)]) == []
    assert said([quality(1, ONE, 100), quality(2), quality(3, ONE, 100)]) == []


def test_a_class_that_is_as_common_in_the_data_is_no_collapse() -> None:
    real = (0.8, 0.2) + (0.0,) * 8
    lines = [replace(quality(epoch, (810, 190) + (0,) * 8), real=real) for epoch in (1, 2, 3)]
    assert said(lines) == [] and covered_classes(lines[0]) == (2, 2)


@pytest.mark.parametrize(("left_out", "kinds"), [(1, []), (2, ["collapse"]), (3, ["collapse"])])
def test_missing_classes_are_named(left_out: int, kinds: list[str]) -> None:
    classes = (5,) * left_out + (110,) * (10 - left_out)
    lines = [quality(epoch, classes) for epoch in (1, 2)]
    assert said(lines) == kinds
    assert missing_classes(lines[-1]) == list(range(left_out))
    assert covered_classes(lines[-1]) == (10 - left_out, 10)
    for finding in findings(History(quality=lines), RECIPE):
        assert finding.plain == f"{left_out} of 10 classes are missing: {', '.join('012'[:left_out])}."


def test_of_two_classes_none_is_missing_because_real_ones_are_misread() -> None:
    real = (0.4695, 0.529, 0.0005, 0.0, 0.0, 0.0, 0.0, 0.001, 0.0, 0.0)  # MNIST's 0 and 1, as the classifier reads them
    lines = [replace(quality(epoch, (480, 520, *(0,) * 8)), real=real) for epoch in (1, 2)]
    assert missing_classes(lines[-1]) == [] and covered_classes(lines[-1]) == (2, 2)
    assert said(lines) == []
    ones = [replace(line, classes=(1000, *(0,) * 9)) for line in lines]
    assert missing_classes(ones[-1]) == [1] and covered_classes(ones[-1]) == (1, 2)
    assert said(ones) == ["collapse"]


def test_while_the_distance_goes_on_falling_the_pictures_are_still_forming() -> None:
    assert said([quality(epoch, ONE, 150 * 0.8**epoch) for epoch in range(1, 5)]) == []
    assert said([quality(epoch, ONE, 150 * 0.97**epoch) for epoch in range(1, 5)]) == ["collapse"]
    # Down and up again: each of the last two is nearer than the one before it, yet no nearer than ever.
    assert said([quality(epoch, ONE, far) for epoch, far in enumerate((80, 120, 100, 85), 1)]) == ["collapse"]
    assert said([quality(epoch, ONE, far) for epoch, far in enumerate((120, 130, 100, 85), 1)]) == []


@pytest.mark.parametrize(("spreads", "kinds"), [
    ((0.9, 0.9, 0.4, 0.3), ["collapse"]), ((0.9, 0.9, 0.55, 0.55), []), ((0.3, 0.4, 0.45, 0.45), []),
])  # fmt: skip
def test_pictures_that_grow_alike_are_a_collapse_even_where_nothing_reads_them(
    spreads: Sequence[float], kinds: list[str]
) -> None:
    lines = [Quality(10 * epoch, epoch, 1000, spread) for epoch, spread in enumerate(spreads, 1)]
    assert said(lines) == kinds


def test_pictures_that_are_none_yet_are_no_collapse_but_must_come_nearer() -> None:
    assert said([quality(epoch, ONE, 400 * 0.8**epoch) for epoch in (1, 2)]) == ["unformed"]
    assert said([quality(epoch, ONE, 500 - 80 * epoch) for epoch in (1, 2, 3)]) == ["unformed"]
    assert said([quality(epoch, ONE, 500 - epoch) for epoch in (1, 2, 3)]) == ["unformed"]
    assert said([quality(epoch, ONE, 500 - epoch) for epoch in (1, 2, 3, 4)]) == ["stuck"]
    wavering = [quality(epoch, ONE, far) for epoch, far in enumerate((700, 400, 340, 490, 480, 470, 390), 1)]
    assert said(wavering)[:1] == ["stuck"] and said(wavering[:4]) == ["unformed"]


@pytest.mark.parametrize(("left", "points", "kinds"), [
    (0.02, 8, ["won"]), (0.02, 7, []), (0.03, 12, []),
])  # fmt: skip
def test_a_discriminator_has_won_once_its_loss_stays_near_0(left: float, points: int, kinds: list[str]) -> None:
    losses = [0.7] * (20 - points) + [left] * points
    found = findings(curves(real_cross_entropy=losses, fake_cross_entropy=losses), RECIPE)
    assert [finding.kind for finding in found] == kinds
    assert all(finding.since == 20 - points + 1 for finding in found)


def test_a_soft_target_is_reckoned_with() -> None:
    """At D(x) = 0.9 the cross-entropy against a target of 0.9 is at its least, far from 0."""
    recipe = find_recipe("cgan")
    least = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    lost = curves(real_cross_entropy=[least + 0.01] * 20, fake_cross_entropy=[0.01] * 20)
    assert [finding.kind for finding in findings(lost, recipe)] == ["won"]
    assert findings(curves(real_cross_entropy=[least + 0.2] * 20, fake_cross_entropy=[0.01] * 20), recipe) == []


def test_a_critic_without_a_least_loss_never_wins() -> None:
    recipe = find_recipe("r4_wgan_gp")
    assert findings(curves(wasserstein_critic=[-50.0] * 20), recipe) == []


@pytest.mark.parametrize(("losses", "kinds"), [
    ([1.0] * 15 + [60.0] * 5, ["diverged"]), ([1.0] * 19 + [float("nan")], ["diverged"]),
    ([1.0] * 19 + [float("inf")], ["diverged"]), ([1.0] * 16 + [60.0] * 4, []), ([1.0] * 15 + [40.0] * 5, []),
    ([10.0] * 15 + [150.0] * 5, []),
])  # fmt: skip
def test_losses_that_explode_are_a_divergence(losses: list[float], kinds: list[str]) -> None:
    assert [finding.kind for finding in findings(curves(loss_g=losses), RECIPE)] == kinds


@pytest.mark.parametrize(("memory", "kinds"), [
    ((0.5, 0.65, 0.7), ["memorises"]), ((0.7, 0.7, 0.55), []), ((0.5, 0.5, 0.7), []), ((0.59, 0.59, 0.59), []),
])  # fmt: skip
def test_a_discriminator_that_knows_its_pictures_by_heart(memory: Sequence[float], kinds: list[str]) -> None:
    assert said([quality(epoch, memory=share) for epoch, share in enumerate(memory, 1)]) == kinds


@pytest.mark.parametrize(("distances", "kinds"), [
    ([80, 60, 50, 41, 38, 33, 30, 28], ["improving"]), ([28, 30, 33, 38, 41, 50, 60, 80], ["worsening"]),
    ([30, 34, 29, 33, 30, 34, 29, 33], ["settled"]), ([30.0 - epoch / 50 for epoch in range(8)], ["settled"]),
    ([80, 60, 50, 41], []),
])  # fmt: skip
def test_progress_is_told_from_noise(distances: list[float], kinds: list[str]) -> None:
    assert said([quality(epoch, distance=distance) for epoch, distance in enumerate(distances, 1)]) == kinds


def test_the_trend_score_has_the_variance_of_chance() -> None:
    """Over all orders of five values Kendall's score has mean 0 and variance 1, for it is scaled by that."""
    scores = torch.tensor([trend_score(order) for order in permutations(range(5))])
    assert scores.mean().item() == pytest.approx(0, abs=1e-6)
    assert scores.var(correction=0).item() == pytest.approx(1, rel=1e-5)
    assert trend_score(range(8)) == pytest.approx(28 / math.sqrt(8 * 7 * 21 / 18))


def test_what_is_grave_silences_the_rest() -> None:
    lines = [quality(epoch, ONE, 60 + epoch) for epoch in range(1, 9)]
    assert said(lines) == ["collapse"]


def test_the_untrained_generator_says_nothing() -> None:
    assert said([replace(quality(1, ONE), step=0, epoch=0.0), quality(2, ONE, 100)]) == []


def test_lines_of_a_run_become_measurements(tmp_path: Path) -> None:
    path, lines = tmp_path / "metrics.jsonl", [quality(1), quality(2, ONE)]
    text = [json.dumps({"event": "quality", **vars(line)}) for line in lines]
    text.insert(1, text[0])  # said twice
    text.append('{"event": "quality", "step": 30, "epoch": 3.0, "count": 5, "spread": 0.5, "of a later version": 1}')
    path.write_text("\n".join(text) + "\n")
    history = read_history(path)
    assert history.quality == [*lines, Quality(30, 3.0, 5, 0.5)]
    assert history.copy().quality == history.quality and history.scalars == {}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_remedy_that_is_offered_can_be_trained(recipe: Recipe) -> None:
    for kind in REMEDIES:
        found = offers(recipe, kind)
        assert found, f"{kind}: nothing can be done"
        for offer in found:
            assert (offer.recipe == recipe) == (offer.remedy.title == "Train on")
            assert offer.recipe.generator == recipe.generator and offer.recipe.latents == recipe.latents


def test_remedies_that_the_recipe_refuses_are_not_offered() -> None:
    mixing = RECIPE.with_values({"stabilizers.minibatch_deviation": True})
    titles = {offer.remedy.title for offer in offers(mixing, "collapse")}
    assert "Minibatch discrimination" in titles
    assert not titles & {"R1 penalty", "Relativistic pairing with R1"}
    assert {offer.remedy.title for offer in offers(RECIPE, "collapse")} >= {"Relativistic pairing with R1"}


@pytest.mark.parametrize("kind", ["collapse", "won", "diverged", "settled"])
def test_a_branch_with_each_remedy_trains(kind: str, noise_mnist: object) -> None:
    parent = create_run(small_recipe("fc_gan", {"training.steps": 2}))
    train_run(parent)
    for offer in offers(parent.recipe(), kind):
        branch = create_run(offer.recipe, start_from=parent.newest_bundle())
        status = train_run(branch)
        assert (status.state, status.step) == ("finished", 2), offer.remedy.title


def test_a_branch_starts_before_the_trouble() -> None:
    sheets = make_run(epochs=(1, 2, 3)).sheets()

    def start(since: float, *, grave: bool = True, among: Sequence[Sheet] = sheets) -> float | None:
        found = starting_point(among, Finding("collapse", "", since=since, grave=grave))
        return None if found is None else found.epoch

    assert [start(since) for since in (3, 2.5, 9, 1)] == [2, 2, 3, 3]
    assert start(2, grave=False) == 3
    assert start(2, among=[replace(sheet, bundle=None) for sheet in sheets]) is None

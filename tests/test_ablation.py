"""Ablations: what a plan trains, how its runs are summed up, and the command that does both."""

from __future__ import annotations

import csv
import io
import json
import statistics
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docs.update_results import remedies
from gan_core.cli import main
from gan_core.config import UserError
from gan_core.fitting import check_fit
from gan_core.images import png, read_png
from gan_core.lab import comparisons
from gan_core.lab.ablation import (
    JOIN,
    NAMED,
    PLAIN,
    Plan,
    fitting,
    new_group,
    parse_seeds,
    settled,
    titles_of,
    with_remedies,
)
from gan_core.lab.comparisons import open_results, own, shipped
from gan_core.lab.poster import poster
from gan_core.lab.trials import (
    Results,
    Trial,
    marks_by_chance,
    read_results,
    results_of,
    shown_cell,
    summarise,
    table_csv,
    trials_csv,
)
from gan_core.recipes import RECIPES, find_recipe
from gan_core.remedies import HistoricalAveragingDiscriminator, HistoricalAveragingGenerator
from gan_core.runs import create_run, list_runs, runs_dir
from gan_core.shelf import run_entries
from gan_core.waiting import planned, remaining


def test_a_plan_trains_each_way_with_each_seed_and_the_first_seed_first() -> None:
    plan = Plan("fc_gan", ("batch_norm", "feature_matching"), seeds=(5, 3), epochs=7, dataset="fashion_mnist")
    arms = plan.arms()
    assert [(arm.part, arm.seed) for arm in arms] == [
        (part, seed) for seed in (5, 3) for part in (PLAIN, "batch_norm", "feature_matching")
    ]
    for arm in arms:
        training = arm.recipe.training
        assert (training.seed, training.epochs, training.steps) == (arm.seed, 7, 0)
        assert arm.recipe.dataset == "fashion_mnist"
    assert arms[0].title == "Fully connected GAN"
    assert arms[1].title == "Fully connected GAN + Batch normalisation in G"


def test_a_remedy_changes_itself_alone() -> None:
    recipe = find_recipe("fc_gan")
    changes: dict[str, dict[str, Any]] = {
        "batch_norm": {"generator.batch_norm": True},
        "rest": {"stabilizers.skip_above": 0.8},
        "balance": {"generator_optimizer.learning_rate": 1e-4, "discriminator_optimizer.learning_rate": 4e-4},
        "critic_steps": {"training.discriminator_steps": 5},
        "minibatch_deviation": {"stabilizers.minibatch_deviation": True},
        "packing": {"stabilizers.packing": 4},
    }
    for name, values in changes.items():
        assert with_remedies(recipe, name) == recipe.with_values(values)
    both = with_remedies(recipe, JOIN.join(changes))
    for values in changes.values():
        assert both.with_values(values) == both


@pytest.mark.parametrize(("name", "of_d", "of_g"), [
    ("historical_averaging", 0.3, 0.01), ("historical_averaging_of_d", 0.3, None),
    ("historical_averaging_firm", 1.0, 1.0),
])  # fmt: skip
def test_historical_averaging_adds_its_terms_to_the_losses(name: str, of_d: float, of_g: float | None) -> None:
    recipe = find_recipe("fc_gan")
    for_g = () if of_g is None else (HistoricalAveragingGenerator(weight=of_g),)
    assert with_remedies(recipe, name) == replace(
        recipe, discriminator_terms=(*recipe.discriminator_terms, HistoricalAveragingDiscriminator(weight=of_d)),
        generator_terms=(*recipe.generator_terms, *for_g),
    )  # fmt: skip
    with pytest.raises(UserError, match="has the remedy"):
        with_remedies(recipe, f"{name}+historical_averaging_of_d")


def test_the_six_of_the_report_fit_the_recipe_that_lacks_them() -> None:
    assert len(NAMED) == 6 and set(NAMED) <= set(fitting(find_recipe("fc_gan")))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_what_fits_a_recipe_is_not_there_yet_and_can_be_taken_once(recipe: Any) -> None:
    names = fitting(recipe)
    assert len(names) >= 5
    for name in names:
        assert with_remedies(recipe, name) != recipe


@pytest.mark.parametrize("recipe", ["cgan", "fc_gan", "fc_cnn_gan", "dcgan"])
def test_what_fits_a_recipe_can_be_trained(recipe: str) -> None:
    for name in fitting(find_recipe(recipe)):
        check_fit(with_remedies(find_recipe(recipe), name))


def test_what_does_not_fit_is_one_sentence() -> None:
    for recipe, part in (("cgan", "batch_norm"), ("fc_gan", "magic"), ("fc_gan", "packing+packing"), ("house", "r1")):
        with pytest.raises(UserError) as caught:
            with_remedies(find_recipe(recipe), part)
        assert str(caught.value).endswith(".")
    for wrong in ({"seeds": ()}, {"seeds": (1, 1)}, {"remedies": ("r1", "r1")}, {"seeds": tuple(range(101)),
                  "remedies": ("r1",)}, {"epochs": 0}, {"count": 10}):  # fmt: skip
        with pytest.raises(UserError):
            Plan("fc_gan", **wrong)


def trial(part: str, seed: int, **scores: float) -> Trial:
    return Trial(f"run-{part}-{seed}", part, seed, "finished" if scores else "running", 10, 5.0 * seed, "CPU", scores,
                 {"coverage": 0.97, "frechet": 1.0} if scores else {})  # fmt: skip


RESULTS = Results("fc_gan", "Fully connected GAN", "mnist", 20, 2000, (
    trial(PLAIN, 1, coverage=0.10, frechet=50.0), trial("batch_norm", 1, coverage=0.30, frechet=49.0),
    trial("r1", 1, coverage=0.20, frechet=60.0), trial(PLAIN, 2, coverage=0.20, frechet=40.0),
    trial("batch_norm", 2, coverage=0.25, frechet=30.0), trial("r1", 2, coverage=0.30, frechet=61.0),
    trial(PLAIN, 3, coverage=0.15, frechet=45.0), trial("batch_norm", 3, coverage=0.35, frechet=20.0),
    trial("r1", 3),
), {PLAIN: b"\x89PNG plain"}, "python -m gan_core ablate fc_gan")  # fmt: skip


def test_a_table_has_means_spreads_and_verdicts() -> None:
    table = summarise(RESULTS)
    assert table.keys == ("coverage", "frechet") and table.floors == {"coverage": 0.97, "frechet": 1.0}
    assert [(row.part, row.measured, row.runs) for row in table.rows] == [
        (PLAIN, 3, 3), ("batch_norm", 3, 3), ("r1", 2, 3)
    ]  # fmt: skip
    plain, norm, r1 = table.rows
    assert plain.cells["coverage"].mean == pytest.approx(0.15)
    assert plain.cells["coverage"].spread == pytest.approx(0.05)
    assert norm.cells["frechet"].spread == pytest.approx(statistics.stdev([49, 30, 20]))
    assert norm.seconds == pytest.approx(10.0) and r1.seconds == pytest.approx(7.5)
    assert {key: cell.verdict for key, cell in plain.cells.items()} == {"coverage": 0, "frechet": 0}
    # 0.25 and more against 0.20 and less; for distances, 49 is no better than 45.
    assert {key: cell.verdict for key, cell in norm.cells.items()} == {"coverage": 1, "frechet": 0}
    assert r1.cells["frechet"].verdict == 0, "two runs are too few, however clear they look"
    whole = replace(RESULTS, trials=(*RESULTS.trials[:-1], trial("r1", 3, coverage=0.3, frechet=62.0)))
    assert summarise(whole).row("r1").cells["frechet"].verdict == -1
    assert shown_cell("coverage", norm.cells["coverage"]) == "30.0% ± 5.0% ▲"


def test_tables_travel_as_csv() -> None:
    [plain, norm, r1, real] = csv.DictReader(io.StringIO(table_csv(summarise(RESULTS))))
    assert (plain["way"], plain["runs"], plain["coverage"]) == ("As it is", "3", "0.15")
    assert float(norm["coverage_spread"]) == pytest.approx(0.05) and r1["runs"] == "2"
    assert (real["way"], real["coverage"], real["coverage_spread"]) == ("real pictures", "0.97", "")
    rows = list(csv.DictReader(io.StringIO(trials_csv(RESULTS))))
    assert len(rows) == 9 and rows[8]["coverage"] == "" and rows[4]["frechet"] == "30.0"


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(RESULTS.to_json(), encoding="utf-8")
    assert read_results(path) == RESULTS
    for text in ("", "[]", '{"version": 99}'):
        path.write_text(text)
        with pytest.raises(UserError, match="holds no results"):
            read_results(path)


def test_what_ships_is_whole() -> None:
    for comparison in shipped():
        results = open_results(comparison.ref)
        assert results.command.startswith("python -m gan_core ablate ") and results.parts[0] == PLAIN
        assert all(trial.scores or trial.state == "diverged" for trial in results.trials), "every run came to an end"
        assert all(titles_of(part) for part in results.parts) and summarise(results).row(PLAIN).measured >= 3


def test_a_group_without_runs_is_one_sentence() -> None:
    with pytest.raises(UserError, match="no comparison"):
        results_of("nobody")
    assert new_group() != new_group()


def test_the_command_compares_and_goes_on_where_it_was(
    noise_mnist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # floors of noise are nobody else's
    out = tmp_path / "not" / "there yet" / "results.json"
    command = ["ablate", "fc_gan", "--remedies", "batch_norm", "--seeds", "4", "--epochs", "1", "--count", "100"]
    assert main([*command, "--group", "mine", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "As it is" in said and "Batch normalisation in G" in said and said.endswith("mine\n")
    assert [(item.part, item.seed, item.state) for item in read_results(out).trials] == [
        (PLAIN, 4, "finished"), ("batch_norm", 4, "finished")
    ]  # fmt: skip
    for run in list_runs():
        kept = json.loads(run.evaluation_path.read_text())
        assert kept["count"] == 100 and kept["seconds"] > 0 and kept["step"] == run.status().step == 468
    before = {run.id: run.status().updated for run in list_runs()}
    assert main([*command, "--group", "mine"]) == 0
    assert capsys.readouterr().out == said
    assert {run.id: run.status().updated for run in list_runs()} == before
    assert main([*command[:-1], "200", "--epochs", "2", "--group", "mine"]) == 2
    assert "other settings" in capsys.readouterr().err


def test_seeds_are_read_from_a_text_of_either_language() -> None:
    assert parse_seeds("1, 2,3") == (1, 2, 3) == parse_seeds("1，2，3")
    for text in ("", "1;2", "1.5", "one"):
        with pytest.raises(UserError, match="Give the seeds"):
            parse_seeds(text)


def test_marks_that_chance_makes_are_counted() -> None:
    """Of the 20 orders of three and three runs two are clear; two runs are never enough."""
    table = summarise(RESULTS)
    assert marks_by_chance(table) == pytest.approx(2 * 2 / 20)
    orders = list(combinations(range(6), 3))
    clear = sum(places in ((0, 1, 2), (3, 4, 5)) for places in orders)
    assert clear / len(orders) == pytest.approx(2 / 20)
    alone = replace(RESULTS, trials=tuple(item for item in RESULTS.trials if item.part == PLAIN))
    assert marks_by_chance(summarise(alone)) == 0


def test_the_results_say_what_each_remedy_did() -> None:
    said, table = remedies(RESULTS)
    assert "about 0.2 of these" in said and "`python -m gan_core ablate fc_gan`" in said
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert rows[0] == ["", "runs", "Coverage", "Fréchet distance"]
    assert rows[3] == ["Batch normalisation in G", "3 of 3", "30.0% ± 5.0% ▲", "33.0 ± 14.7"]
    assert rows[-1] == ["real test pictures", "", "97.0%", "1.0"]


def test_the_poster_has_every_sheet_below_its_name() -> None:
    sheets = {PLAIN: png(np.full((40, 300), 200, np.uint8)), "r1": png(np.full((30, 300, 3), (10, 20, 30), np.uint8))}
    picture = read_png(poster(replace(RESULTS, sheets=sheets)))
    assert picture.shape == (40 + 2 * 16 + 2 * 12, 2 * 300 + 3 * 12, 3)
    assert (picture == (200, 200, 200)).all(-1).sum() == pytest.approx(40 * 300, abs=50)
    assert (picture == (10, 20, 30)).all(-1).sum() == 30 * 300
    assert poster(replace(RESULTS, sheets={})) == b""


def test_comparisons_are_found_by_the_group_of_their_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, (group, part) in enumerate((("a", PLAIN), ("a", "r1"), ("pair-1", ""), ("b", PLAIN))):
        create_run(find_recipe("fc_gan"), path=runs_dir() / str(place), group=group, part=part)
    assert [(item.ref, item.runs, item.shipped) for item in own(run_entries())] == [("b", 1, False), ("a", 2, False)]
    monkeypatch.setattr(comparisons, "LAB_DIR", tmp_path)
    (tmp_path / "mine.json").write_text(RESULTS.to_json(), encoding="utf-8")
    [item] = shipped()
    assert (item.ref, item.runs, item.shipped) == ("shipped:mine", 9, True) and open_results(item.ref) == RESULTS
    for ref in ("shipped:yours", "shipped:../yours", "c"):
        with pytest.raises(UserError):
            open_results(ref)


def test_all_runs_of_a_comparison_have_one_precision() -> None:
    arms = Plan("fc_gan", ("r1",), seeds=(1, 2)).arms()
    assert {arm.recipe.training.precision for arm in arms} == {"auto"}
    assert {arm.recipe.training.precision for arm in settled(arms, "bfloat16")} == {"bfloat16"}
    chosen = find_recipe("fc_gan").with_values({"training.precision": "float32"})
    assert settled(Plan(chosen).arms(), "bfloat16") == Plan(chosen).arms()


def test_what_is_planned_takes_as_long_as_the_newest_run_of_the_recipe_on_that_data() -> None:
    plan = Plan("fc_gan", ("r1",), seeds=(1, 2), epochs=3)
    recipes = [arm.recipe for arm in plan.arms()]
    assert planned(recipes) is None
    for name, dataset, seconds in (("other", "strokes", 50.0), ("same", "mnist", 20.0)):
        run = create_run(replace(plan.base, dataset=dataset), path=runs_dir() / name)
        run.set_status(replace(run.status(), state="finished", epoch=2.0, seconds=seconds))
    assert planned(recipes) == pytest.approx(4 * 3 * 10.0)
    assert planned([replace(plan.base, dataset="fashion_mnist")]) in (pytest.approx(3 * 25.0), pytest.approx(3 * 10.0))
    waiting = create_run(plan.base, path=runs_dir() / "waiting")
    assert remaining([waiting, run]) == pytest.approx(30.0)

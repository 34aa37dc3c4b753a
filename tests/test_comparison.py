"""Models side by side: the same noise, differences, facts, pairs of epochs, runs started together."""

from pathlib import Path

import numpy as np
import pytest

from gan_core import jobs, library
from gan_core.comparison import (
    BRIGHTER,
    DARKER,
    SAME,
    Row,
    RowsRequest,
    difference,
    difference_scale,
    difference_tiles,
    epoch_pairs,
    facts,
    fitted,
    joined,
    make_rows,
    recipe_differences,
    same_noise,
)
from gan_core.config import UserError
from gan_core.images import sheet
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Latents
from gan_core.runs import list_runs, runs_dir
from gan_core.sampling import draw_latents, generate, pixels
from tests.made_runs import make_run, write_bundle
from tests.small import small_recipe


@pytest.fixture(autouse=True)
def no_shipped_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "weights")


def row(tiles: np.ndarray, latents: Latents | None = None, labels: tuple[int, ...] = ()) -> Row:
    return Row("x", tiles.astype(np.uint8), labels, latents or Latents())


def test_a_row_is_what_the_model_makes_of_the_seeds_own_noise() -> None:
    ref = f"run:{make_run('fc_gan').id}"
    (made,) = make_rows(RowsRequest((ref,), seed=5, count=7))
    bundle = library.open_model(ref)
    z = draw_latents(bundle.info.recipe.latents, 5, 7)
    expected = pixels(generate(bundle.generator, z, None, bundle.info.recipe.generator.pixel_range))
    np.testing.assert_array_equal(made.tiles, expected)


def test_the_same_model_twice_differs_in_nothing_and_longer_rows_begin_the_same() -> None:
    ref = f"run:{make_run('fc_gan').id}"
    first, second = make_rows(RowsRequest((ref, ref), seed=2, count=6))
    assert np.abs(difference(first, second)).max() == 0
    (longer,) = make_rows(RowsRequest((ref,), seed=2, count=20))
    np.testing.assert_array_equal(longer.tiles[:6], first.tiles)


def test_noise_is_shared_only_where_size_and_distribution_agree() -> None:
    refs = [f"run:{make_run('fc_gan', changes=change).id}" for change in (
        {}, {"latents.size": 50}, {"latents.distribution": "normal"}, {"training.seed": 9}
    )]  # fmt: skip
    rows = make_rows(RowsRequest(tuple(refs), count=4))
    assert same_noise([rows[0], rows[3]])
    assert not same_noise([rows[0], rows[1]])
    assert not same_noise([rows[0], rows[2]])


def test_conditional_rows_draw_all_classes_in_turn_or_one() -> None:
    ref = f"run:{make_run('cgan').id}"
    (turn,) = make_rows(RowsRequest((ref,), count=12))
    (three,) = make_rows(RowsRequest((ref,), count=12, label=3))
    assert turn.labels == (*range(10), 0, 1)
    assert three.labels == (3,) * 12
    np.testing.assert_array_equal(turn.tiles[3], three.tiles[3])
    with pytest.raises(UserError, match="10 classes"):
        make_rows(RowsRequest((ref,), label=10))


@pytest.mark.parametrize("wrong", [{"refs": ()}, {"refs": ("a",), "count": 0}, {"refs": ("a",), "count": 999}])
def test_a_request_out_of_range_is_refused(wrong: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(UserError):
        RowsRequest(**wrong)


def test_a_difference_is_signed_and_a_share_of_the_whole_range() -> None:
    black, white = row(np.zeros((2, 3, 3))), row(np.full((2, 3, 3), 255))
    assert (difference(black, white) == 1).all()
    assert (difference(white, black) == -1).all()
    with pytest.raises(UserError, match="different sizes"):
        difference(black, row(np.zeros((2, 4, 4))))


def test_difference_colours_are_those_of_the_scale() -> None:
    tiles = difference_tiles(np.array([[[-1.0, 0.0, 1.0]]], np.float32))
    assert [tuple(color) for color in tiles[0, 0]] == [DARKER, SAME, BRIGHTER]
    scale = difference_scale(101)
    assert tuple(scale[0, 0]) == DARKER
    assert tuple(scale[0, 50]) == SAME
    assert tuple(scale[0, -1]) == BRIGHTER


def test_rows_of_other_sizes_and_colours_are_enlarged_to_match() -> None:
    grey, color = row(np.full((2, 4, 4), 7)), row(np.full((2, 8, 8, 3), 9))
    first, second = fitted([grey, color])
    assert first.shape == second.shape == (2, 8, 8, 3)
    assert (first == 7).all()
    assert joined([grey, color]).shape == sheet(np.concatenate([second, second]), 2).shape


def test_facts_of_a_snapshot_are_those_of_its_moment() -> None:
    run = make_run("fc_gan", epochs=(1, 3))
    early, late = facts(f"run:{run.id}@10"), facts(f"run:{run.id}")
    assert (early.steps, early.epochs, early.seconds) == (10, 1, 5)
    assert (late.steps, late.epochs, late.seconds, late.hardware) == (30, 3, 15, "CPU, 2 threads")
    assert early.planned_epochs == late.planned_epochs == 3


def test_parameters_are_counted_by_hand() -> None:
    known = facts(f"run:{make_run('fc_gan').id}")  # 100 → 6 → 784 against 784 → 6 → 1
    assert known.generator_parameters == 100 * 6 + 6 + 6 * 784 + 784
    assert known.discriminator_parameters == 784 * 6 + 6 + 6 + 1


def test_recipes_differ_in_what_was_changed_and_in_nothing_else() -> None:
    recipe = find_recipe("dcgan")
    assert recipe_differences([recipe, recipe]) == []
    other = recipe.with_values({"training.batch_size": 64, "generator_optimizer.learning_rate": 0.5})
    found = recipe_differences([recipe, other])
    assert [(item.section, item.title, item.values) for item in found] == [
        ("generator_optimizer", "Learning rate", (1e-4, 0.5)),
        ("training", "Batch size", (256, 64)),
    ]


def test_a_term_that_only_one_recipe_has_is_a_difference() -> None:
    found = recipe_differences([find_recipe("dcgan"), find_recipe("dcgan_modified")])
    penalty = [item for item in found if item.part and item.title == "Weight"]
    assert [item.values for item in penalty] == [(None, 0.01)]


def test_epochs_that_both_keep_are_paired_and_the_others_named() -> None:
    first, second = (f"run:{make_run('fc_gan', epochs=epochs).id}" for epochs in ((20, 30, 40, 49), (20, 30, 35.5)))
    pairs, missing = epoch_pairs(first, second, (20, 30, 40, 49))
    assert [(pair.epoch, pair.first, pair.second) for pair in pairs] == [
        (20, f"{first}@200", f"{second}@200"), (30, f"{first}@300", f"{second}@300"),
    ]  # fmt: skip
    assert missing == [40, 49]
    assert [pair.epoch for pair in epoch_pairs(first, second, (7,))[0]] == [20, 30]
    assert epoch_pairs(first, f"run:{make_run('fc_gan', epochs=(2,)).id}") == ([], [])


def test_a_shipped_bundle_is_the_last_snapshot_of_its_history() -> None:
    recipe = small_recipe("fc_gan")
    make_run(recipe, path=library.history_run("shipped").path, epochs=(1, 2))
    write_bundle(library.WEIGHTS_DIR / "shipped.safetensors", recipe, 30, 3.0)
    assert [(item.ref, item.step) for item in library.snapshots("shipped")] == [
        ("shipped@10", 10), ("shipped@20", 20), ("shipped", 30),
    ]  # fmt: skip
    assert library.find_path("shipped@30") == library.find_path("shipped")
    with pytest.raises(UserError, match="at step 25"):
        library.find_path("shipped@25")


def test_a_pair_is_queued_in_order_with_one_seed_and_one_group() -> None:
    recipes = [small_recipe("fc_gan", {"training.seed": 3}), small_recipe("leaky_gan", {"training.seed": 4})]
    runs = jobs.start_runs(recipes, device="cpu", seed=11, group="pair")
    assert jobs.queued(runs_dir()) == [run.id for run in runs]
    assert [run.recipe().training.seed for run in runs] == [11, 11]
    assert {run.about().group for run in runs} == {"pair"}
    assert {run.status().state for run in runs} == {"queued"}


def test_nothing_is_queued_where_one_of_a_pair_is_refused() -> None:
    with pytest.raises(UserError):
        jobs.start_runs([small_recipe("fc_gan")], seed=-1)
    assert list_runs() == []
    assert jobs.queued(runs_dir()) == []

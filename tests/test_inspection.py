"""What the Quality page shows: the map's directions in closed form, tiles where they belong, answers that are kept."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from gan_core import library
from gan_core.evaluation.inspection import ROWS, View, answers, beside, datasets_for, neighbours, placed, real_map
from gan_core.evaluation.kept import EvaluationRequest, kept, measure
from gan_core.metrics.projection import discriminant_axes, principal_axes
from gan_core.runs import runs_dir
from tests.made_runs import write_bundle
from tests.small import small_recipe
from tests.untrained import save_untrained


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "none")


def clusters(centres: torch.Tensor, wide: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """400 points around each of the centres (K, F), and which centre each belongs to."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(len(centres)).repeat_interleave(400)
    return centres[labels] + wide * torch.randn(len(labels), centres.shape[1], generator=source), labels


def test_principal_axes_are_the_directions_of_most_variance() -> None:
    scales = torch.tensor([1.0, 5.0, 0.1, 3.0])
    points = torch.randn(5000, 4, generator=torch.Generator().manual_seed(1)) * scales
    axes = principal_axes(points).axes
    assert axes[:, 0].abs() == pytest.approx([0, 1, 0, 0], abs=0.05)
    assert axes[:, 1].abs() == pytest.approx([0, 0, 0, 1], abs=0.05)


def test_discriminant_axes_ignore_a_wide_direction_that_separates_nothing() -> None:
    centres = torch.zeros(3, 5)
    centres[1, 2], centres[2, 4] = 4.0, 4.0
    points, labels = clusters(centres)
    points[:, 0] *= 50  # most variance, no class
    axes = discriminant_axes(points, labels).axes
    weight = axes.square().sum(1)
    assert (weight[[2, 4]].sum() / weight.sum()).item() == pytest.approx(1, abs=0.02)


def test_a_far_class_does_not_take_the_plane_from_the_near_ones() -> None:
    """Fisher's own criterion would spend an axis on the outlier; the pairwise one keeps the near eight apart."""
    turn = torch.arange(8) * torch.pi / 4
    near = torch.stack([4 * turn.cos(), 4 * turn.sin(), torch.zeros(8)], 1)
    points, labels = clusters(torch.cat([near, torch.tensor([[0.0, 0.0, 100.0]])]))
    places = discriminant_axes(points, labels)(points)
    centres = torch.stack([places[labels == number].mean(0) for number in range(8)])
    apart = torch.cdist(centres, centres) + 1e9 * torch.eye(8)
    assert apart.min().item() == pytest.approx(8 * math.sin(math.pi / 8), rel=0.1)


def test_a_conditional_model_is_shown_class_by_class_beside_real_pictures() -> None:
    ref = save_untrained(runs_dir(), "hand", dataset="strokes")
    view = View(ref, "strokes")
    found = beside(view)
    assert found.columns == 10
    assert found.missing == ()
    assert found.real.shape == found.generated.shape == (10 * ROWS, 28, 28)
    real = library.describe(ref)
    assert found.names == real.class_names
    # The same noise and the same classes in turn: the first row holds the first ten pictures.
    assert [item.picture.tolist() for item in neighbours(view)] == [tile.tolist() for tile in found.generated[:8]]
    for item in neighbours(view):
        assert list(item.distances) == sorted(item.distances)
        difference = item.training[0].astype(float) - item.picture.astype(float)
        assert (difference**2).mean() ** 0.5 == pytest.approx(item.distances[0], abs=0.05)
    assert answers(view) is None  # this file has no discriminator


def test_answers_are_shares_of_every_kind(tmp_path: Path) -> None:
    path = runs_dir() / ".uploads" / "both.safetensors"
    path.parent.mkdir(parents=True)
    write_bundle(path, small_recipe("fc_gan", {"dataset": "strokes"}))
    found = answers(View("upload:both", "strokes"))
    assert found is not None
    for values in (found.training, found.new, found.generated):
        assert len(values) == 1000
        assert all(0 < value < 1 for value in values)


def test_the_map_belongs_to_the_real_pictures_and_places_the_same_noise_alike() -> None:
    ref = save_untrained(runs_dir(), "hand", dataset="strokes")
    found = real_map("strokes")
    assert len(found.places) == 2000
    assert len(found.centres) == 10
    assert placed(View(ref, "strokes")) == placed(View(ref, "strokes"))
    assert placed(View(ref, "strokes", seed=1)) != placed(View(ref, "strokes"))


def test_only_data_sets_of_the_models_pictures_are_offered() -> None:
    ref = save_untrained(runs_dir(), "hand", dataset="strokes")
    offered = datasets_for(library.describe(ref))
    assert offered[0].name == "strokes"
    assert all(source.class_names == offered[0].class_names for source in offered)


def test_an_evaluation_is_kept_for_the_file_that_it_was_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The answers of a run of the tests before this one are those of the same models.
    monkeypatch.setattr("gan_core.evaluation.kept.cache_path", tmp_path.joinpath)
    ref = save_untrained(runs_dir(), "hand", dataset="strokes")
    request = EvaluationRequest(ref, "strokes", count=100)
    assert kept(request) is None
    found = measure(request)
    again = kept(request)
    assert again is not None
    assert again.to_dict() == found.to_dict()
    assert kept(EvaluationRequest(ref, "strokes", count=200)) is None
    save_untrained(runs_dir(), "hand", recipe="igan", dataset="strokes")
    assert kept(request) is None

"""Evaluations of generators whose scores are known beforehand, and what an evaluation must leave alone."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from gan_core.checkpoints import Bundle, load_bundle
from gan_core.config import UserError
from gan_core.data import find_dataset
from gan_core.datasets.dataset import silent
from gan_core.evaluation import kept as kept_evaluations
from gan_core.evaluation import thorough
from gan_core.evaluation.evaluate import Evaluation, evaluate
from gan_core.evaluation.kept import EvaluationRequest
from gan_core.evaluation.real_side import real_side
from gan_core.evaluation.scoreboard import as_text, percent, shown
from gan_core.evaluation.subject import subject_of
from gan_core.library import open_model
from gan_core.metrics import inception
from gan_core.metrics.classifier import load_reader
from gan_core.metrics.stacked import stacked_modes
from gan_core.metrics.table import METRICS
from tests.made_runs import write_bundle
from tests.small import small_recipe

COUNT = 320


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Floors are made once for all tests here, and never found among the user's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept))
    monkeypatch.delenv("GAN_INCEPTION", raising=False)


def small_bundle(folder: Path, recipe: str, side: int = 28) -> Bundle:
    write_bundle(folder / "model.safetensors", small_recipe(recipe), side=side)
    return load_bundle(folder / "model.safetensors")


class Replay(nn.Module):
    """A generator that gives stored pictures, in order, whatever it is asked for."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.device_of = nn.Parameter(torch.zeros(1))
        self.images, self.place = images.float() / 255, 0

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        first, self.place = self.place, self.place + len(z)
        return self.images[torch.arange(first, self.place) % len(self.images)]


def replayed(folder: Path, images: Tensor) -> Bundle:
    """A bundle without labels that draws the given pictures."""
    return replace(small_bundle(folder, "fc_gan"), generator=Replay(images))


# ---- what is known beforehand


def test_real_test_pictures_score_their_floors_exactly(tmp_path: Path, noise_mnist: Path) -> None:
    source = find_dataset("mnist")
    side = real_side(source.load("train"), source.load("test"), COUNT, load_reader("mnist"), tuple(range(10)), silent)
    found = evaluate(replayed(tmp_path, side.held.images), "mnist", count=COUNT)
    assert found.count == COUNT
    keys = [measure.key for measure in found.measures]
    assert keys == [metric.key for metric in METRICS if metric.key in keys]
    assert len(keys) == 9
    for measure in found.measures:
        assert measure.value == measure.floor, measure.key
    for row in found.classes:
        assert (row.fidelity, row.diversity) == (row.fidelity_floor, row.diversity_floor)
        assert row.obedience is None


def test_the_reference_itself_is_perfect_and_all_copies(tmp_path: Path, noise_mnist: Path) -> None:
    source = find_dataset("mnist")
    side = real_side(source.load("train"), source.load("test"), COUNT, load_reader("mnist"), tuple(range(10)), silent)
    found = evaluate(replayed(tmp_path, side.reference.images), "mnist", count=COUNT)
    values = {measure.key: measure.value for measure in found.measures}
    assert values["frechet"] == pytest.approx(0, abs=1e-6)
    assert (values["precision"], values["recall"], values["coverage"], values["near_copies"]) == (1, 1, 1, 1)
    assert sum(row.share for row in found.classes) == pytest.approx(1)
    assert [row.share for row in found.classes] == pytest.approx([row.real_share for row in found.classes])


def test_one_picture_again_and_again_covers_nothing(tmp_path: Path, noise_mnist: Path) -> None:
    one = find_dataset("mnist").load("test").images[:1]
    found = evaluate(replayed(tmp_path, one), "mnist", count=COUNT)
    values = {measure.key: measure.value for measure in found.measures}
    assert values["classes_covered"] == 1
    assert values["recall"] <= 0.01
    assert values["coverage"] < 0.2
    (row,) = (row for row in found.classes if row.share == 1)
    assert row.diversity == 0
    assert all(other.fidelity is None and other.diversity is None for other in found.classes if other != row)


def test_what_one_picture_stacks_to(tmp_path: Path, noise_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thorough, "STACKED_SAMPLES", 200)
    one = find_dataset("mnist").load("test").images[:1]
    found = evaluate(replayed(tmp_path, one), "mnist", count=COUNT, thorough=["stacked"])
    modes, divergence = found.find("stacked_modes"), found.find("stacked_divergence")
    assert modes is not None and divergence is not None
    assert modes.value == 1
    assert divergence.value == pytest.approx(math.log(1000))
    assert modes.floor is not None and 1 <= modes.floor <= 200


# ---- what must not matter, and what must not change


def test_evaluations_repeat_themselves_and_survive_json(tmp_path: Path, noise_mnist: Path) -> None:
    bundle = small_bundle(tmp_path, "cgan")
    first, again = (evaluate(bundle, "mnist", count=COUNT, seed=3) for _ in range(2))
    assert first.measures == again.measures
    assert first.classes == again.classes
    assert Evaluation.from_dict(json.loads(json.dumps(first.to_dict(), allow_nan=False))) == replace(
        first, seconds=round(first.seconds, 1)
    )
    assert evaluate(bundle, "mnist", count=COUNT, seed=4).measures != first.measures
    with pytest.raises(UserError, match="no results"):
        Evaluation.from_dict({"dataset": "mnist"})


def test_a_picture_does_not_depend_on_how_many_are_drawn(tmp_path: Path, noise_mnist: Path) -> None:
    subject = subject_of(small_bundle(tmp_path, "cgan"), "mnist", COUNT, "cpu", silent)
    assert subject.asked is not None and torch.equal(subject.asked, subject.side.reference.labels)
    many = subject.draw(COUNT, subject.asked, 5, silent)
    assert torch.equal(many[:70], subject.draw(70, subject.asked[:70], 5, silent))


def test_looking_changes_neither_the_model_nor_the_random_source(
    tmp_path: Path, noise_mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thorough, "TRAIN_COUNT", 512)
    monkeypatch.setattr(thorough, "TRAIN_EPOCHS", 1)
    bundle = small_bundle(tmp_path, "cgan")
    bundle.generator.train()
    weights, random = copy.deepcopy(bundle.generator.state_dict()), torch.random.get_rng_state()
    found = evaluate(bundle, "mnist", count=COUNT, thorough=["gan_train"])
    assert all(torch.equal(value, weights[key]) for key, value in bundle.generator.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)
    assert bundle.generator.training
    measure = found.find("gan_train")
    assert measure is not None and measure.floor is not None
    assert 0.05 < measure.value < 0.15  # from noise nothing can be learned
    assert 0.05 < measure.floor < 0.15
    assert (measure.name, measure.extractor) == ("GAN-train", "")


def test_scores_are_named_for_what_made_their_features(tmp_path: Path, noise_mnist: Path) -> None:
    found = evaluate(small_bundle(tmp_path, "cgan"), "mnist", count=COUNT)
    named = f"mnist classifier {load_reader('mnist').sha256[:8]}"
    measure = found.find("frechet")
    assert measure is not None and measure.name == f"Fréchet distance ({named})"
    assert {item.extractor for item in found.measures if item.metric.of_features} == {named}
    assert not [item for item in found.measures if item.name.startswith("FID")]
    assert found.find("obedience") is not None
    assert all(row.obedience is not None for row in found.classes)


# ---- what cannot be measured


def test_pictures_without_a_classifier_have_near_copies_alone(tmp_path: Path) -> None:
    source = np.random.default_rng(1)
    for number in range(260):
        picture = source.integers(256, size=(16, 16, 3), dtype=np.uint8)
        folder = tmp_path / "pictures" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{number}.png")
    name = f"folder:{tmp_path / 'pictures'}?size=16&channels=1"
    test = find_dataset(name).count("test")
    found = evaluate(small_bundle(tmp_path, "fc_gan", side=16), name, count=200)
    assert [measure.key for measure in found.measures] == ["near_copies"]
    assert found.classes == ()
    assert found.count == min(200, test)
    said = " ".join(notice.text.format(**notice.values) for notice in found.notices)
    assert "no classifier" in said and "without labels" in said
    assert ("fewer pictures than 200" in said) == (test < 200)


@pytest.mark.parametrize("recipe", ["cgan", "fc_gan"])
def test_without_inceptions_weights_one_sentence_says_so(tmp_path: Path, noise_mnist: Path, recipe: str) -> None:
    found = evaluate(small_bundle(tmp_path, recipe), "mnist", count=COUNT, thorough=["inception"])
    assert found.find("inception_fid") is None
    assert [notice.text for notice in found.notices][-1] == thorough.NO_INCEPTION


def test_other_files_are_not_taken_for_inceptions_weights(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="not the standard file"):
        inception.load_inception(tmp_path / "weights.pth")
    with pytest.raises(UserError, match="cannot be read"):
        inception.load_inception(tmp_path / "nothing.pth")


def test_mistakes_are_one_sentence(tmp_path: Path, noise_mnist: Path) -> None:
    bundle = small_bundle(tmp_path, "cgan")
    for count in (1, 1_000_000):
        with pytest.raises(UserError, match="between 100 and 50000"):
            evaluate(bundle, "mnist", count=count)
    with pytest.raises(UserError, match="28 × 28 × 1 and CelebA has 96 × 96 × 3"):
        evaluate(bundle, "celeba")
    with pytest.raises(UserError, match="no data set"):
        evaluate(bundle, "nonsense")
    other = replace(bundle, info=replace(bundle.info, class_names=tuple("abcdefghij")))
    with pytest.raises(UserError, match="choose the data set that it was trained on"):
        evaluate(other, "mnist")


# ---- as text


def test_what_ships_beside_a_model_answers_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = EvaluationRequest("cgan", "mnist", count=10_000)
    known = json.loads(kept_evaluations.SHIPPED.read_text())
    found = kept_evaluations.kept(asked)
    assert found is not None and found == Evaluation.from_dict(known["cgan"])
    for other in (replace(asked, count=1000), replace(asked, seed=1), replace(asked, dataset="strokes"),
                  replace(asked, ref="cgan@468")):  # fmt: skip
        assert kept_evaluations.shipped(other) is None
    known["cgan"]["sha256"] = "0" * 64  # of weights that are no longer there
    monkeypatch.setattr(kept_evaluations, "SHIPPED", tmp_path / "evaluations.json")
    kept_evaluations.SHIPPED.write_text(json.dumps(known))
    assert kept_evaluations.shipped(asked) is None


def test_the_table_shows_each_number_beside_its_floor(tmp_path: Path, noise_mnist: Path) -> None:
    found = evaluate(small_bundle(tmp_path, "fc_gan"), "mnist", count=COUNT)
    text = as_text(found)
    for measure in found.measures:
        (line,) = (line for line in text.splitlines() if line.startswith(measure.name))
        cells = line.removeprefix(measure.name).split()
        assert cells == [shown(measure, measure.value), shown(measure, measure.floor), measure.better]
    assert text.endswith("label obedience and GAN-train do not apply.")


def test_percents_keep_what_is_missing_from_all() -> None:
    assert [percent(value) for value in (0.5, 0.9956, 1.0, 0.0, None)] == ["50.0%", "99.56%", "100.0%", "0.0%", "–"]


# ---- real pictures


def test_real_digits_score_as_the_literature_says() -> None:
    """Stacked: 1,000 modes and a divergence of about 0.023. Coverage of equal distributions: 1 − 2⁻⁵ = 0.969."""
    if not find_dataset("mnist").on_disk():
        pytest.skip("real MNIST is not on this machine; set GAN_DATA_DIR to check the floors")
    found = evaluate(open_model("cgan"), "mnist", count=1000)
    floors = {measure.key: measure.floor for measure in found.measures}
    values = {measure.key: measure.value for measure in found.measures}
    read = load_reader("mnist").classify(find_dataset("mnist").load("test").images)
    stacks = stacked_modes(read[torch.randint(len(read), (78_000,), generator=torch.Generator().manual_seed(0))])
    assert stacks.modes == 1000
    assert stacks.divergence == pytest.approx(0.023, abs=0.002)
    assert floors["coverage"] == pytest.approx(0.969, abs=0.015)
    assert floors["density"] == pytest.approx(1, abs=0.05)
    assert floors["kernel"] == pytest.approx(0, abs=0.01)
    assert floors["obedience"] == pytest.approx(0.996, abs=0.004)
    assert floors["near_copies"] == pytest.approx(0.01, abs=0.012)
    assert values["obedience"] == pytest.approx(0.986, abs=0.01)
    assert values["frechet"] > floors["frechet"] > 0
    assert 0.8 < values["coverage"] < floors["coverage"]

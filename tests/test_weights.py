"""What ships in weights/ is what its manifest says, and does what the recipes promise."""

from __future__ import annotations

import hashlib
import itertools
import shlex
from typing import Any

import pytest
import torch

from gan_core.checkpoints import load_bundle
from gan_core.data import find_dataset
from gan_core.library import WEIGHTS_DIR, history_run, manifest, open_model
from gan_core.metrics.classifier import load_reader
from gan_core.recipes import find_recipe
from gan_core.sampling import cycle_labels, draw_latents, generate


@pytest.mark.parametrize("entry", manifest(), ids=lambda entry: entry["name"])
def test_each_bundle_is_the_one_in_the_manifest(entry: dict[str, Any]) -> None:
    path = WEIGHTS_DIR / entry["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
    info = load_bundle(path).info
    assert (info.recipe.name, info.dataset, info.step) == (entry["recipe"], entry["dataset"], entry["steps"])
    words = shlex.split(entry["command"])
    settings = dict(word.split("=") for before, word in itertools.pairwise(words) if before == "--set")
    trained, told = info.recipe, find_recipe(entry["recipe"]).with_values(settings)
    assert (trained.generator, trained.discriminator) == (told.generator, told.discriminator)
    assert (trained.generator_terms, trained.discriminator_terms) == (told.generator_terms, told.discriminator_terms)
    assert trained.generator_optimizer == told.generator_optimizer
    assert trained.discriminator_optimizer == told.discriminator_optimizer


@pytest.mark.parametrize("entry", manifest(), ids=lambda entry: entry["name"])
def test_each_history_has_curves_sheets_and_ends_at_the_bundle(entry: dict[str, Any]) -> None:
    run = history_run(entry["name"])
    history = run.history()
    lines = entry["steps"] // run.recipe().training.log_every  # that the training wrote, those of its first steps aside
    assert min(50, lines) <= len(history) <= 600
    assert history.scalars["step"][-1] <= entry["steps"]
    sheets = run.sheets(history)
    assert sheets[-1].step == entry["steps"]
    assert len(sheets) >= min(4, 1 + entry["epochs"])  # one before the first step


def test_every_shipped_file_is_in_the_manifest() -> None:
    named = {entry["file"] for entry in manifest()}
    bundles = {path.name for path in WEIGHTS_DIR.glob("*.safetensors") if not path.name.startswith("classifier_")}
    assert bundles == named


def test_the_conditional_gan_draws_the_digit_asked_for() -> None:
    bundle = open_model("cgan")
    asked = cycle_labels(2000, range(10))
    z = draw_latents(bundle.info.recipe.latents, 7, 2000)
    read = load_reader("mnist").classify(generate(bundle.generator, z, asked, (-1.0, 1.0)))
    assert 0.97 <= (read == asked).float().mean().item() <= 1.0


@pytest.mark.parametrize(("name", "least"), [("mnist", 0.992), ("fashion_mnist", 0.915)])
def test_the_classifiers_read_real_pictures(name: str, least: float) -> None:
    source = find_dataset(name)
    if not source.on_disk():
        pytest.skip(f"real {source.title} is not on this machine; set GAN_DATA_DIR to check the classifier's accuracy")
    test = source.load("test")
    reader = load_reader(name)
    accuracy = (reader.classify(test.images) == test.labels).float().mean().item()
    assert accuracy == pytest.approx(reader.accuracy, abs=5e-4)
    assert accuracy >= least
    assert reader.features(test.images[:5]).shape == (5, 128)
    assert torch.equal(reader.classify(test.images[:5]), reader.classify(test.images[:300])[:5])

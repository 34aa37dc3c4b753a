"""Home: opens on a trained model, writes what is typed, lists recipes and runs; says so where no weights ship."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from docs import make_picture
from gan_core import images, library, shipped, writing
from gan_core.checkpoints import BundleInfo, save_bundle
from gan_core.data import find_dataset
from gan_core.fitting import build_networks
from gan_core.recipes import RECIPES, find_recipe
from gan_core.runs import create_run

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "pages" / "ui" / "main.py"
WRITER = "house_small_conditional"  # the model that the page opens with


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAN_RUNS_DIR", str(tmp_path / "runs"))
    folder = tmp_path / "weights"
    monkeypatch.setattr(library, "WEIGHTS_DIR", folder)
    monkeypatch.setattr(shipped, "WEIGHTS_DIR", folder)
    return folder


@pytest.fixture
def writer(weights: Path) -> None:
    """A shipped conditional model with one sheet of its history; what it draws does not matter here."""
    recipe = find_recipe(WRITER)
    shapes = recipe.shapes((1, 28, 28), 10)
    generator, _ = build_networks(recipe, shapes, seed=1)
    weights.mkdir()
    info = BundleInfo(recipe, 468, 1.0, (1, 28, 28), find_dataset("mnist").class_names, "mnist")
    save_bundle(weights / f"{WRITER}.safetensors", info, generator.state_dict(), dtype=torch.float16)
    entry = {"name": WRITER, "title": recipe.title, "recipe": WRITER, "dataset": "mnist"}
    (weights / "manifest.json").write_text(json.dumps({"bundles": [entry]}))
    run = create_run(recipe, path=weights / "history" / WRITER)
    run.sheet_path(468).write_bytes(images.png(np.zeros((58, 148), np.uint8)))
    line = {"event": "snapshot", "step": 468, "epoch": 1.0, "rows": 2, "columns": 5, "verdicts": []}
    run.metrics_path.write_text(json.dumps(line) + "\n")


def home(**params: str) -> AppTest:
    test = AppTest.from_file(MAIN, default_timeout=60)
    test.query_params.update(params)
    return test.run()


def alts(test: AppTest) -> list[str]:
    return [picture.alt for element in test.get("image") for picture in element.proto.imgs]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_opens_on_a_trained_model_at_work(writer: None, language: str) -> None:
    test = home(lang=language)
    assert not test.exception
    assert not test.error
    assert len(alts(test)) == 2  # the wall, in place of the sheet that came first, and the sheet on the recipe's card


def test_it_writes_what_a_link_asks_for(writer: None) -> None:
    test = home(text="31415", seed="7")
    assert alts(test)[0].startswith("31415")
    assert test.text_input[0].value == "31415"


def test_the_button_gives_another_handwriting_that_a_link_keeps(writer: None) -> None:
    test = home(text="12")
    test.button[0].click().run()
    assert test.query_params["seed"] in ("51", ["51"])
    assert test.query_params["text"] in ("12", ["12"])


def test_a_text_without_digits_is_told_in_one_sentence(writer: None) -> None:
    test = home(text="hello")
    assert len(test.error) == 1
    assert "Type at least one" in test.error[0].value


def test_without_weights_it_says_so_and_offers_to_train() -> None:
    test = home()
    assert not test.error
    assert not alts(test)
    assert any("No trained model" in heading.value for heading in test.subheader)


def test_every_recipe_of_the_table_has_a_card(writer: None) -> None:
    text = "\n".join(element.value for element in home().markdown)
    assert all(f"**{recipe.title}**" in text and recipe.summary in text for recipe in RECIPES)


def test_runs_appear_as_soon_as_there_are_any() -> None:
    assert "Latest runs" not in [header.value for header in home().header]
    create_run(find_recipe("fc_gan"), name="My first")
    test = home()
    assert "Latest runs" in [header.value for header in test.header]
    assert "My first" in [text.value for text in test.text]


def test_a_wall_is_its_handwritings_in_reading_order(writer: None) -> None:
    wall = writing.write_wall(WRITER, "207", seed=3, rows=2, columns=2)
    first, second, third, fourth = (writing.write(writing.DigitsRequest(WRITER, "207", 3 + hand)) for hand in range(4))
    assert np.array_equal(wall, np.block([[first, second], [third, fourth]]))


def test_the_picture_of_the_readme_has_a_row_for_each_shipped_model_of_digits(writer: None) -> None:
    [entry] = library.manifest()
    clothing = entry | {"name": "clothing", "dataset": "fashion_mnist"}
    (library.WEIGHTS_DIR / "manifest.json").write_text(json.dumps({"bundles": [entry, clothing]}))
    first = make_picture.picture()
    assert np.array_equal(first, make_picture.picture())
    assert first.shape[0] == 28 * make_picture.ENLARGED + 2 * make_picture.MARGIN


def test_the_first_rows_of_a_sheet_are_those_of_its_tiles() -> None:
    tiles = np.arange(12 * 3 * 5, dtype=np.uint8).reshape(12, 3, 5)
    assert np.array_equal(images.first_rows(images.sheet(tiles, 4), 2, 3), images.sheet(tiles[:8], 4))
    assert np.array_equal(images.first_rows(images.sheet(tiles, 4), 3, 3), images.sheet(tiles, 4))


def test_the_first_picture_waits_for_no_torch() -> None:
    """What the shell and the page import at once, in a fresh process, leaves torch alone."""
    imports = []
    for page in (MAIN, ROOT / "pages" / "home.py"):
        for node in ast.parse(page.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.append(ast.unparse(node))
    code = "\n".join([*imports, "import sys", "print([name for name in sys.modules if name == 'torch'])"])
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

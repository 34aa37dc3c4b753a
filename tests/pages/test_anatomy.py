"""The Anatomy page: recipes, changed recipes, trained models; drawings and sums that agree with the core."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gan_core import formulas, library
from gan_core.anatomy import networks, trace
from gan_core.checkpoints import BundleInfo, save_bundle
from gan_core.data import find_dataset
from gan_core.fitting import build_networks
from gan_core.recipes import RECIPES, find_recipe
from gan_core.regularizers import R1
from pages.ui.network_graph import draw, layout, printed
from tests.test_anatomy import Branching

MAIN = Path(__file__).parents[2] / "pages" / "ui" / "main.py"
MNIST = (1, 28, 28)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GAN_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "weights")
    yield


def anatomy(**params: str) -> AppTest:
    test = AppTest.from_file(MAIN, default_timeout=60)
    test.query_params.update(params)
    return test.switch_page("../anatomy.py").run()


def written(test: AppTest) -> str:
    return "\n".join(element.value for element in (*test.markdown, *test.caption))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["cgan", "dcgan_modified"])
def test_a_recipe_is_shown_with_its_sums_its_formulas_and_its_notes(name: str, language: str) -> None:
    test = anatomy(recipe=name, lang=language)
    assert not test.exception
    assert not test.error
    recipe, text = find_recipe(name), written(test)
    for network in networks(recipe, MNIST, 10):
        assert f"**{network.trainable:,}**" in text
        assert f"**{network.multiply_adds:,}**" in text
    shown = {element.value.strip().strip("$").strip() for element in test.latex}
    for player, terms in (("discriminator", recipe.discriminator_terms), ("generator", recipe.generator_terms)):
        assert {formulas.term(player, place, term.formula) for place, term in enumerate(terms, 1)} <= shown
    if language == "en":
        assert all(note in text for note in recipe.notes)


@pytest.mark.parametrize("name", ["cgan", "house_small"])
def test_a_recipe_of_our_own_is_not_said_to_follow_a_report(name: str) -> None:
    text = written(anatomy(recipe=name))
    assert ("as its report describes it" in text) == ("the report leaves open" in text) == find_recipe(name).of_report
    assert ("as we made it" in text) == ("How it is made, and why" in text) != find_recipe(name).of_report


def test_chosen_terms_and_what_is_switched_on_are_shown_with_formula_and_source() -> None:
    test = anatomy(
        recipe="fc_gan", d_terms="relativistic_critic,r1", g_terms="relativistic_generator",
        set="stabilizers.packing=4",
    )  # fmt: skip
    assert not test.exception and not test.error
    shown, text = {element.value.strip().strip("$").strip() for element in test.latex}, written(test)
    assert {formulas.term("discriminator", 2, R1.formula), r"C(x_1, \dots, x_m)"} <= shown
    assert "**Packing** — " in text and "Stabilisers › Packing = 4 · Lin et al. 2018" in text
    assert "Discriminator's loss › R1 penalty › Weight" in text  # against the report


def test_the_settings_are_drawn_once_they_are_unfolded_and_count_all_the_same() -> None:
    test = anatomy(recipe="fc_gan", d_terms="relativistic_critic,r1", g_terms="relativistic_generator")
    assert not test.pills
    test.session_state["anatomy.settings"] = True
    test.run()
    test.pills(key="anatomy.fc_gan/d_terms/penalty").set_value(["r2"]).run()
    assert test.query_params["d_terms"] in ("relativistic_critic,r2", ["relativistic_critic,r2"])
    test.session_state["anatomy.settings"] = False
    test.run()
    assert not test.pills and "R2 penalty" in written(test)


def test_an_unchanged_recipe_differs_in_nothing() -> None:
    assert "No setting differs" in written(anatomy(recipe="fc_gan"))


def test_a_link_to_a_changed_recipe_shows_what_it_changes() -> None:
    test = anatomy(recipe="fc_gan", set="generator.hidden=32;training.epochs=3")
    text = written(test)
    assert "| Generator › Hidden layers | 256 | 32 |" in text
    assert "| Training › Epochs | 86 | 3 |" in text
    assert f"**{100 * 32 + 32 + 32 * 784 + 784:,}**" in text


def test_another_recipe_is_compared_with_its_own_report() -> None:
    test = anatomy(recipe="fc_gan")
    next(box for box in test.selectbox if box.key == "recipe").set_value("leaky_gan").run()
    assert "No setting differs" in written(test)
    assert "against" not in test.query_params


def test_two_recipes_of_one_report_can_be_compared() -> None:
    text = written(anatomy(recipe="dcgan_modified", against="dcgan"))
    assert "| Discriminator › Channels | 64, 128 | 64, 128, 256 |" in text


def test_a_trained_model_shows_its_own_recipe() -> None:
    recipe = find_recipe("fc_gan").with_values({"generator.hidden": [48]})
    shapes = recipe.shapes(MNIST, 10)
    generator, discriminator = build_networks(recipe, shapes, seed=1)
    folder = library.uploads_dir()
    folder.mkdir(parents=True)
    info = BundleInfo(recipe, 10, 1.0, MNIST, find_dataset("mnist").class_names, "mnist")
    save_bundle(folder / "mine.safetensors", info, generator.state_dict(), discriminator.state_dict())
    test = anatomy(model="upload:mine")
    assert not test.error
    assert "| Generator › Hidden layers | 256 | 48 |" in written(test)
    switch = next(control for control in test.segmented_control if control.key == "anatomy.subject")
    switch.set_value("recipe").run()
    assert "model" not in test.query_params
    assert "Hidden layers | 256 | 48" not in written(test)


def test_what_cannot_be_built_is_one_sentence_beside_the_rest_of_the_page() -> None:
    test = anatomy(recipe="dcgan", set="generator.strides=1, 2, 4")
    assert len(test.error) == 1
    assert test.latex


def test_an_unknown_recipe_reads_as_the_first() -> None:
    test = anatomy(recipe="nothing")
    assert not test.error
    assert find_recipe("cgan").notes[0] in written(test)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_no_two_blocks_share_a_place_and_edges_run_downwards(recipe: object) -> None:
    source = find_dataset(recipe.dataset)  # type: ignore[attr-defined]
    for network in networks(recipe, source.image_shape, len(source.class_names)):  # type: ignore[arg-type]
        plan = layout(network)
        cells = [*plan.cells, *(cell for path in plan.paths for cell in path[1:-1])]
        assert len({(cell.rank, cell.lane) for cell in cells}) == len(cells)
        assert len(plan.paths) == sum(len(layer.inputs) for layer in network.layers)
        for path in plan.paths:
            assert [cell.rank for cell in path] == list(range(path[0].rank, path[-1].rank + 1))


def test_a_drawing_names_every_layer_for_those_who_cannot_see_it() -> None:
    network = trace(Branching(), {"x": (1, 8, 8)})
    svg = draw(layout(network), title="Discriminator", palette=printed("#d55e00"))
    alt = svg.partition('aria-label="')[2].partition('"')[0]
    assert alt.startswith("Discriminator: Picture x, 1 × 8 × 8; Convolution 3×3")
    assert svg.count('class="e"') == sum(len(layer.inputs) for layer in network.layers)
    assert "var(" not in svg and "color-mix" not in svg  # a file must not depend on the page

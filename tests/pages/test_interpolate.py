"""The Interpolate page without a browser: what it asks for, what it says, what a link opens."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gan_core import library
from gan_core.favourites import Favourite, list_favourites, save_favourite
from gan_core.runs import runs_dir
from tests.pages.opened import open_page
from tests.untrained import save_untrained


@pytest.fixture(autouse=True)
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A conditional model; no shipped weights, so that a test sees its own models alone."""
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "no-weights")
    return save_untrained(runs_dir(), "digits")


def interpolate(**params: str) -> AppTest:
    return open_page("interpolate", **params)


def film(test: AppTest) -> dict[str, Any]:
    """What the film was given."""
    (element,) = films(test)
    return dict(json.loads(element.proto.json))


def films(test: AppTest) -> list[Any]:
    """The shell's own button to copy the link is a component too."""
    return [element for element in test.get("bidi_component") if "copy" not in element.key]


def named(elements: Any, label: str) -> Any:
    return next(element for element in elements if element.label == label)


def test_the_page_opens_on_a_way_between_two_pictures() -> None:
    test = interpolate()
    assert not test.error
    shown = film(test)
    assert (shown["count"], shown["width"], shown["height"], shown["position"]) == (13, 28, 28, 0)
    assert shown["captions"][0] == "At station 1" and shown["captions"][-1] == "At station 2"
    assert [button.label for button in test.get("download_button")] == [
        "Strip (PNG)", "Animation (GIF)", "Animation (WebP)",
    ]  # fmt: skip


def test_another_seed_is_another_way() -> None:
    test = interpolate()
    before = film(test)["sheet"]
    test.number_input(key="seed1").set_value(77).run()
    assert film(test)["sheet"] != before
    test.number_input(key="seed1").set_value(1).run()
    assert film(test)["sheet"] == before


@pytest.mark.parametrize("mode", ["slerp", "lerp"])
def test_every_way_of_mixing_draws_another_middle(mode: str) -> None:
    assert film(interpolate(mode=mode))["sheet"] != film(interpolate())["sheet"]


def test_a_link_opens_on_its_stations_and_its_frame() -> None:
    shown = film(interpolate(stations="3", steps="6", closed="true", at="4"))
    assert (shown["count"], shown["position"], shown["loop"]) == (18, 4, True)


def test_a_frame_that_is_not_there_is_the_nearest_one() -> None:
    assert film(interpolate(at="9999"))["position"] == 12
    assert film(interpolate(at="-3"))["position"] == 0
    assert film(interpolate(at="x"))["position"] == 0


def test_the_grid_has_four_corners_and_a_download() -> None:
    test = interpolate(view="grid")
    assert not test.error and not films(test)
    assert [button.label for button in test.get("download_button")] == ["Grid (PNG)"]
    assert len([entry for entry in test.number_input if entry.label == "Seed"]) == 4


def test_an_unconditional_model_has_no_classes_to_choose() -> None:
    ref = save_untrained(runs_dir(), "free", "fc_gan")
    test = interpolate(model=ref)
    assert not test.error
    assert [box.label for box in test.selectbox] == ["Model"]


def test_the_tooltip_tells_what_this_models_noise_needs() -> None:
    ref = save_untrained(runs_dir(), "free", "fc_gan")
    for model, word in (("upload:digits", "normal noise"), (ref, "uniform noise")):
        helps = [str(group.proto) for group in interpolate(model=model).get("button_group")]
        assert any(word in text for text in helps)


def test_other_pictures_change_every_seed() -> None:
    test = interpolate(stations="4")
    named(test.button, "Other pictures").click().run()
    assert not test.error
    assert len({test.number_input(key=f"seed{number}").value for number in (1, 2, 3, 4)}) == 4
    assert [test.number_input(key=f"seed{number}").value for number in (1, 2, 3, 4)] != [1, 2, 3, 4]


def test_a_favourite_is_saved_put_back_and_deleted(digits: str) -> None:
    test = interpolate(seed1="42", class1="5")
    named(test.button, "Save as favourite").click().run()
    (saved,) = list_favourites()
    assert (saved.model, saved.seed, saved.index, saved.label) == (digits, 42, 0, 5)
    save_favourite(Favourite("later", digits, seed=9, index=3, label=1))
    test = interpolate(favourite="x")
    named(test.selectbox, "Saved").set_value(list_favourites()[1].id).run()
    named(test.button, "station 2").click().run()
    assert (test.number_input(key="seed2").value, test.number_input(key="no2").value) == (9, 3)
    assert named([box for box in test.selectbox if box.key == "class2"], "Class").value == "1"
    named(test.button, "Delete this favourite").click().run()
    assert list_favourites() == [saved] and not test.error


def test_a_favourite_of_a_model_that_is_gone_says_so_and_can_go() -> None:
    save_favourite(Favourite("orphan", "upload:gone", seed=1))
    test = interpolate()
    assert not test.error
    assert any("upload:gone" in caption.value for caption in test.caption)
    named(test.button, "Delete this favourite").click().run()
    assert list_favourites() == []


def test_a_model_that_is_gone_is_one_sentence_and_another_model_is_shown() -> None:
    for ref in ("run:deleted", "../../etc/passwd", "upload:gone"):
        test = interpolate(model=ref)
        assert [warning.value for warning in test.warning] == [
            f"The model {ref} is not here any more; choose another one."
        ]
        assert film(test)["count"] == 13


def test_without_any_model_the_page_shows_the_way_to_one() -> None:
    (runs_dir() / ".uploads" / "digits.safetensors").unlink()
    test = interpolate()
    assert not test.error
    assert any("No trained model yet" in header.value for header in test.subheader)


def test_a_damaged_model_is_one_sentence(digits: str) -> None:
    path = library.find_path(digits)
    path.write_bytes(path.read_bytes()[:5000])
    test = interpolate()
    assert len(test.error) == 1 and "Get it again" in test.error[0].value

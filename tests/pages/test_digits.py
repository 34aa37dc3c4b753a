"""The Digits page without a browser: what is written, what is left out, what it says of a model that cannot choose."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gan_core import library
from gan_core.data import FASHION
from gan_core.runs import runs_dir
from gan_core.shipped import SHOWPIECE, WEIGHTS_DIR
from tests.pages.opened import open_page
from tests.untrained import save_untrained


@pytest.fixture(autouse=True)
def digits_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A conditional model; no shipped weights, so that a test sees its own models alone."""
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "no-weights")
    return save_untrained(runs_dir(), "digits")


def digits(**params: str) -> AppTest:
    return open_page("digits", **params)


def texts(test: AppTest) -> str:
    """All alternative texts and captions of the pictures."""
    return " ".join(str(element.proto) for element in test.get("image"))


def downloads(test: AppTest) -> list[Any]:
    return list(test.get("download_button"))


def test_the_page_writes_2026_and_shows_hands_and_table() -> None:
    test = digits()
    assert not test.error
    assert [header.value for header in test.subheader] == [
        "Write a number", "One digit, many hands", "One hand, all digits", "Classes and hands",
    ]  # fmt: skip
    assert "2026 in handwriting" in texts(test)
    assert len(test.get("image")) == len(downloads(test)) == 4


def test_who_chose_no_model_sees_the_best_of_those_that_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "WEIGHTS_DIR", WEIGHTS_DIR)
    assert digits().selectbox(key="model").value == SHOWPIECE != library.models()[0].ref


def test_what_is_typed_is_written_and_marks_are_owned_up_to() -> None:
    test = digits(text="21.11.2026")
    assert "21.11.2026 in handwriting" in texts(test)
    assert any("plain strokes of the page" in caption.value for caption in test.caption)
    test.text_input(key="text").set_value("12 `a`").run()
    assert any("never learned them: `` ` `` `` a ``" in caption.value for caption in test.caption)


@pytest.mark.parametrize("text", ["", "   ", "hello"])
def test_nothing_to_write_asks_for_a_digit_and_shows_the_rest(text: str) -> None:
    test = digits()
    test.text_input(key="text").set_value(text).run()
    assert [info.value for info in test.info] == ["Type at least one digit, and it appears here as handwriting."]
    assert not test.error and len(test.get("image")) == 3


def test_a_link_opens_on_its_digit() -> None:
    assert "20 times 4" in texts(digits(**{"class": "4", "hands": "20"}))


def test_classes_that_are_no_characters_are_picked_by_name() -> None:
    ref = save_untrained(runs_dir(), "clothes", class_names=FASHION, dataset="fashion_mnist")
    test = digits(model=ref, classes="bag,coat")
    assert not test.error and not test.text_input
    assert test.multiselect[0].value == ["bag", "coat"]
    assert "bag, coat" in texts(test)
    test.multiselect[0].set_value([]).run()
    assert [info.value for info in test.info] == ["Choose at least one class, and it appears here."]


def test_an_unconditional_model_explains_and_leads_to_the_nearest_conditional_one() -> None:
    ref = save_untrained(runs_dir(), "free", "fc_gan")
    test = digits(model=ref)
    assert not test.error
    assert "learned from pictures without labels" in test.info[0].value
    next(button for button in test.button if button.label == "Use digits (uploaded) instead").click().run()
    assert "2026 in handwriting, drawn by digits (uploaded)" in texts(test)


def test_without_a_conditional_model_the_way_is_to_train_one(digits_model: str) -> None:
    library.find_path(digits_model).unlink()
    test = digits(model=save_untrained(runs_dir(), "free", "fc_gan"))
    assert not test.error and not [button for button in test.button if "instead" in button.label]
    assert "learned from pictures without labels" in test.info[0].value

"""Lessons without a browser: what a link shows and hides, that it stays, and the way out of it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from gan_core.recipes import RECIPES
from pages.ui import fields, lesson
from pages.ui.lesson import CONTROLS, Lesson
from pages.ui.run_form import AT_HAND, known_settings
from tests.pages.test_shell import app, part

PAGES = ("home", "train", "digits")


@pytest.mark.parametrize(
    ("made", "pages"),
    [
        (Lesson(("train",)), PAGES),
        (Lesson(("home", "digits"), ("data", "downloads"), ("training.seed",), "Why? 为什么 & =;#"), PAGES),
    ],
)
def test_a_lesson_survives_its_own_link(made: Lesson, pages: tuple[str, ...]) -> None:
    assert lesson.read(made.params(), pages) == made


def test_what_a_link_asks_for_in_vain_is_passed_over() -> None:
    asked = {"lesson": "train,gone,home", "hide": "data,gone", "settings": "", "task": "x" * 1000}
    assert lesson.read(asked, PAGES) == Lesson(("home", "train"), ("data",), (), "x" * lesson.TASK_LENGTH)
    assert lesson.read({"lesson": "gone"}, PAGES) is None


def test_the_lesson_is_put_back_where_a_change_of_page_dropped_it_and_can_be_left() -> None:
    test = part(
        "from pages.ui import lesson\nlesson.sync(('train', 'home'))\nlesson.banner()\nst.code(lesson.shows('home'))"
    )
    test.query_params.update({"lesson": "train", "task": "Look."})
    test.run()
    assert (test.text[0].value, test.code[0].value) == ("Look.", "False")
    test.query_params.clear()  # as the navigation of the browser does
    test.run()
    assert (test.query_params["lesson"], test.code[0].value) == ("train", "False")
    test.button[0].click().run()
    assert test.code[0].value == "True"
    assert "lesson" not in test.query_params and not test.button


def test_a_page_that_the_lesson_leaves_out_leads_to_one_that_it_has() -> None:
    test = app(lesson="digits,interpolate", lang="zh")  # the address is that of Home
    assert test.title[0].value == "插值"
    assert test.query_params["lesson"] == "interpolate,digits"


def test_links_within_the_app_keep_the_lesson_and_none_leads_out_of_it() -> None:
    test = part(
        "from pages.ui import lesson\nlesson.sync(('train', 'home'))\nst.write(state.with_language({'run': 'x'}))\n"
        "panels.go_to('../digits.py', 'Digits')"
    )
    test.query_params.update({"lesson": "train", "hide": "data"})
    test.run()
    assert not test.exception
    assert test.json[0].value == '{"lesson": "train", "hide": "data", "run": "x"}'


def test_hidden_settings_count_as_the_link_has_them() -> None:
    shown = train(lesson="train", hide="more,losses,data", settings="latents.size,training.seed",
                  set="training.epochs=3;latents.size=32", recipe="fc_gan", data="strokes")  # fmt: skip
    assert shown.number_input(key="train.fc_gan/latents.size").value == 32
    assert any(": 3 epochs." in caption.value for caption in shown.caption)
    usual = train(recipe="fc_gan", data="strokes")
    first = [item.key for item in usual.number_input][: len(AT_HAND)]
    assert first == [f"train.fc_gan/{path}" for path in AT_HAND]
    assert [item.key for item in shown.number_input][:2] == ["train.fc_gan/latents.size", "train.fc_gan/training.seed"]


def train(**params: str) -> AppTest:
    test = app(**params)
    test.switch_page("../train.py")
    test.query_params.update(params)
    test.run()
    assert not test.exception and not test.error
    return test


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_setting_that_may_stand_at_hand_has_a_title(recipe) -> None:  # type: ignore[no-untyped-def]
    known = known_settings(recipe)
    assert set(AT_HAND) <= set(known) and len(known) == len(set(known))
    assert all(fields.path_title(recipe, path) for path in known)


def test_the_dialog_makes_a_link_to_the_page_as_it_is() -> None:
    test = app(recipe="dcgan", set="training.seed=5", run="new")
    test.switch_page("../train.py")
    test.query_params.update({"recipe": "dcgan", "set": "training.seed=5", "run": "new"})
    test.run()
    next(button for button in test.button if button.label == "Make a lesson").click().run()
    made = parse_qs(urlsplit(test.code[-1].value).query)
    assert made["lesson"] == ["train"] and "settings" not in made
    assert made["recipe"] == ["dcgan"] and made["set"] == ["training.seed=5"]
    assert set(made["hide"][0].split(",")) == {"losses", "more"}


def test_each_control_is_placed_somewhere() -> None:
    from pathlib import Path

    code = "".join(path.read_text(encoding="utf-8") for path in Path("pages").rglob("*.py"))
    assert {name for name in CONTROLS if not re.search(rf'lesson\.control\("{name}"', code)} == set()

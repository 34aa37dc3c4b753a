"""The shell without a browser: navigation, languages, URL state, errors, forms."""

import subprocess
import sys
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gan_core.config import Setting, Validated, setting
from gan_core.images import read_png
from pages.ui import fields

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "pages" / "ui" / "main.py"
PAGES = ("home", "train", "interpolate", "digits", "compare", "anatomy", "library")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_RUNS_DIR", str(tmp_path))


def app(**params: str) -> AppTest:
    """The whole app, opened with these URL parameters."""
    test = AppTest.from_file(MAIN, default_timeout=60)
    test.query_params.update(params)
    return test.run()


def language_switch(test: AppTest):  # type: ignore[no-untyped-def]
    return test.sidebar.segmented_control[0]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_with_a_title_and_no_error(name: str, language: str) -> None:
    test = app(lang=language)
    test.switch_page(f"../{name}.py").run()
    assert not test.exception
    assert not test.error
    assert len(test.title) == 1


def test_the_language_of_the_url_is_that_of_the_page() -> None:
    assert app().sidebar.segmented_control[0].label == "Language"
    assert app(lang="zh").sidebar.segmented_control[0].label == "语言"
    assert app(lang="tlh").sidebar.segmented_control[0].label == "Language"


def test_the_switch_changes_the_language_and_the_url() -> None:
    test = app()
    language_switch(test).set_value("zh").run()
    assert language_switch(test).label == "语言"
    assert test.query_params["lang"] == "zh"
    language_switch(test).set_value("en").run()
    assert language_switch(test).label == "Language"
    assert "lang" not in test.query_params


def part(body: str) -> AppTest:
    """A script of a few lines, with the shared helpers imported."""
    imports = (
        "import streamlit as st\nfrom gan_core.config import UserError\nfrom pages.ui import forms, panels, state\n"
    )
    return AppTest.from_string(imports + body, default_timeout=30)


def test_the_language_is_put_back_where_a_change_of_page_dropped_it() -> None:
    test = part("from pages.ui import i18n\ni18n.sync_language()\nst.write(i18n._('Language'))")
    test.query_params["lang"] = "zh"
    test.run()
    test.query_params.clear()  # as the navigation of the browser does
    assert test.run().markdown[0].value == "语言"
    assert test.query_params["lang"] == "zh"


def test_what_is_known_of_the_language_follows_the_url_and_the_switch() -> None:
    test = part(
        "from pages.ui import i18n\nst.text(i18n.current_language())\n"
        "st.query_params['lang'] = 'zh'\ni18n.sync_language()\nst.text(i18n.current_language())\n"
        "i18n.set_language('en')\nst.text(i18n.current_language())"
    ).run()
    assert not test.exception
    assert [text.value for text in test.text] == ["en", "zh", "en"]


def test_a_mistake_of_the_user_is_one_sentence() -> None:
    test = part("with panels.guard():\n    raise UserError('Choose a file.')").run()
    assert [error.value for error in test.error] == ["Choose a file."]
    assert not test.exception


def test_a_mistake_of_ours_shows_no_traceback_but_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    test = part("with panels.guard():\n    1 / 0").run()
    assert len(test.error) == 1
    assert "ZeroDivisionError" not in test.error[0].value
    assert "ZeroDivisionError" in caplog.text
    assert not test.exception


def test_the_guard_lets_streamlit_stop_the_script() -> None:
    test = part("with panels.guard():\n    st.stop()\nst.write('after')").run()
    assert not test.error
    assert not test.markdown


def test_small_pictures_travel_with_the_page_and_large_ones_by_themselves() -> None:
    test = part(
        "import numpy as np\nnoise = np.random.default_rng(0)\n"
        "for side in (28, 280):\n"
        "    panels.picture(noise.integers(256, size=(side, side), dtype=np.uint8), alt='noise')"
    ).run()
    assert not test.exception
    small, large = (element.proto.imgs[0].url for element in test.get("image"))
    head, _comma, data = small.partition(",")
    assert head == "data:image/png;base64"
    expected = np.random.default_rng(0).integers(256, size=(28, 28), dtype=np.uint8)
    assert np.array_equal(read_png(b64decode(data)), expected)
    assert not large.startswith("data:")


def test_url_values_have_the_type_of_their_default() -> None:
    test = part(
        "st.code(repr((state.read('n', 3) + 1, state.read('x', 0.5) * 2, state.read('on', False),"
        " state.read('name', ''), state.read('c', 'a', choices=['a', 'b']))))"
    )
    test.query_params.update({"n": "7", "x": "nonsense", "on": "true", "name": "run 1", "c": "z"})
    assert test.run().code[0].value == "(8, 1.0, True, 'run 1', 'a')"


CHOICE = (
    "chosen = state.choice(st.selectbox, 'Recipe', ['cgan', 'dcgan'], param='recipe', label=str.upper)\n"
    "st.write(chosen, state.share_link(epoch=3))"
)


def test_a_choice_is_in_the_url_by_its_name() -> None:
    test = part(CHOICE).run()
    assert "recipe" not in test.query_params
    test.selectbox[0].select("dcgan").run()
    assert test.query_params["recipe"] == "dcgan"
    assert test.markdown[0].value.endswith("?recipe=dcgan&epoch=3")
    test.selectbox[0].select("cgan").run()
    assert "recipe" not in test.query_params


def test_a_link_makes_the_choice_and_an_unknown_name_is_dropped() -> None:
    test = part(CHOICE)
    test.query_params["recipe"] = "dcgan"
    assert test.run().selectbox[0].value == "dcgan"
    test.query_params["recipe"] = "gone"
    assert test.run().markdown[0].value.startswith("dcgan")
    assert test.query_params["recipe"] == "dcgan"


@dataclass(frozen=True)
class Inner(Validated):
    title = "Inner part"
    rate: float = setting(2e-4, title="Rate", help="How fast.", minimum=1e-7, maximum=1.0, log=True)


@dataclass(frozen=True)
class Outer(Validated):
    epochs: int = setting(5, title="Epochs", help="How long.", minimum=1, maximum=100)
    on: bool = setting(False, title="On", help="A switch.")
    name: str = setting("adam", title="Name", help="", choices=("adam", "sgd"))
    marks: tuple[int, ...] = setting((1, 25), title="Marks", help="When.", minimum=1, maximum=50, advanced=True)
    inner: Inner = Inner()


def form(**params: str) -> AppTest:
    test = part(
        "from tests.pages.test_shell import Outer\n"
        "result = forms.edit(Outer(), key='f', param='set')\n"
        "st.code(repr(result))\nst.code(repr(forms.changes('f')))"
    )
    test.query_params.update(params)
    return test.run()


def unfold(test: AppTest, open: bool = True) -> AppTest:
    """The form with all of its sections open, or closed again."""
    for path in ("inner", "advanced"):
        test.session_state[f"f/{path}/fold"] = open
    return test.run()


def test_an_untouched_form_returns_its_defaults() -> None:
    test = form()
    assert test.code[0].value == repr(Outer())
    assert test.code[1].value == "{}"
    assert "set" not in test.query_params
    assert not test.button


def test_entries_come_back_as_the_types_of_the_fields() -> None:
    test = unfold(form())
    test.number_input(key="f/epochs").set_value(9)
    test.toggle(key="f/on").set_value(True)
    test.selectbox(key="f/name").select("sgd")
    test.text_input(key="f/marks").set_value("2, 3，50")
    test.number_input(key="f/inner.rate").set_value(1e-3)
    test.run()
    assert test.code[0].value == repr(Outer(9, True, "sgd", (2, 3, 50), Inner(1e-3)))
    assert test.number_input(key="f/epochs").label.endswith("Epochs")
    assert test.number_input(key="f/epochs").label != "Epochs"


def test_a_closed_section_draws_nothing_and_its_entries_count() -> None:
    test = form(set="inner.rate=0.5")
    assert [item.key for item in test.number_input] == ["f/epochs"] and not test.text_input
    unfold(test).number_input(key="f/inner.rate").set_value(0.25)
    test.text_input(key="f/marks").set_value("7").run()
    unfold(test, open=False)
    assert [item.key for item in test.number_input] == ["f/epochs"] and not test.text_input
    assert test.code[0].value == repr(Outer(marks=(7,), inner=Inner(0.25)))
    assert unfold(test).number_input(key="f/inner.rate").value == 0.25
    assert test.text_input(key="f/marks").value == "7"


def test_a_link_fills_in_the_form_and_nonsense_in_it_is_passed_over() -> None:
    changed = form(set="epochs=9;on=true;name=sgd;marks=2, 3;inner.rate=0.001")
    assert changed.code[0].value == repr(Outer(9, True, "sgd", (2, 3), Inner(1e-3)))
    assert changed.query_params["set"] == "epochs=9;on=true;name=sgd;inner.rate=0.001;marks=2, 3"
    nonsense = form(set="epochs=0;name=lbfgs;marks=x;inner.rate=fast;gone=1;;=")
    assert nonsense.code[0].value == repr(Outer())
    assert not nonsense.error


def test_reset_takes_everything_back() -> None:
    test = form(set="epochs=9;marks=2")
    test.button(key="f/reset").click().run()
    assert test.code[0].value == repr(Outer())
    assert "set" not in test.query_params


@pytest.mark.parametrize("text", ["1, x", "0", "51"])
def test_an_invalid_list_is_said_and_gives_no_config(text: str) -> None:
    test = unfold(form())
    test.text_input(key="f/marks").set_value(text).run()
    assert test.code[0].value == "None"
    assert len(test.error) == 1
    assert test.error[0].value.startswith("Marks")


@pytest.mark.parametrize(
    ("default", "log", "step"), [(2e-4, True, 1e-4), (0.5, False, 0.01), (1.0, False, 0.1), (10.0, False, 1.0)]
)
def test_the_step_of_a_number_fits_its_size(default: float, log: bool, step: float) -> None:
    entry = fields.Entry("x", Setting("X", "", 1e-7, 100.0, log=log), float, default)
    assert fields.step_of(entry) == pytest.approx(step)


def test_the_server_is_up_before_torch_is_loaded() -> None:
    script = "import app, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, timeout=60).returncode == 0


def test_what_is_loaded_for_good_is_set_aside_from_each_collection_of_garbage() -> None:
    script = "import app, gc, sys; app.start_up(); app.supervisor().stop(); sys.exit(len(gc.get_objects()) > 20_000)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, timeout=240).returncode == 0

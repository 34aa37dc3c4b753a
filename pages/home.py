"""Home: a trained model at work, what this is, the recipes, and the latest runs.

Whatever needs torch is imported after the first picture is on its way: on a fresh server torch takes a second or two.
"""

from datetime import datetime, timedelta, timezone
from importlib import import_module

import streamlit as st

from gan_core.shipped import SHOWPIECE, last_sheet
from pages.ui import panels, state
from pages.ui.i18n import _

ROWS, WIDTH = 5, 10  # of the wall, the width in characters; short texts stand several times in a row
LONGEST = 14
MOST_SEED = 999_999


def today() -> str:
    """The visitor's date, as digits and strokes."""
    behind = st.context.timezone_offset  # minutes, as browsers tell it; None without a browser
    zone = None if behind is None else timezone(timedelta(minutes=-behind))
    return f"{datetime.now(zone):%Y-%m-%d}"


def another_handwriting() -> None:
    """Seeds follow one another, so that a link shows the same wall."""
    state.write(seed=(state.read("seed", 1) + ROWS * WIDTH) % MOST_SEED)


@st.fragment
def show_writing() -> None:
    """Three sentences, and the shipped model writing what the visitor types."""
    words, wall = st.columns([2, 3], gap="large", vertical_alignment="center")
    with words:
        st.title(_("Watch a network learn to write"), anchor=False)
        st.markdown(
            _(
                "Two networks play against each other: the generator draws, the discriminator tells its drawings from "
                "real ones, and both get better. Here you train such pairs, five published systems among them, and see "
                "every step of it. The digits on this page were drawn just now by one of them; none is a copy."
            )
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            text = st.text_input(
                _("Type a number"), key="text", bind="query-params", max_chars=LONGEST, placeholder=today(), width=160
            )
            st.button(_("New handwriting"), icon=":material/ink_pen:", type="primary", on_click=another_handwriting)
        panels.go_to("../train.py", _("Train your own"), icon=":material/model_training:")
    if not text:
        state.pin(text=today())  # tomorrow's visitor of a link sees the same wall
    with wall:
        show_wall(text or today(), state.read("seed", 1))


def show_wall(text: str, seed: int) -> None:
    """The text in several handwritings; until the model is loaded, the last sheet of its training."""
    place = st.empty()
    sheet = last_sheet(SHOWPIECE)
    if sheet is None:
        with place.container():
            panels.empty_state(
                _("No trained model ships with this copy"),
                _("Train one; the smallest draws its first digits within a minute."),
                link="../train.py", label=_("Train"), icon=":material/model_training:",
            )  # fmt: skip
        return
    if not st.session_state.get("home.loaded"):
        with place:
            panels.picture(sheet, alt=_("The digits 0 to 9, drawn by a trained model"), width="stretch")
    writing = import_module("gan_core.writing")
    with place, panels.guard():
        columns = max(1, WIDTH // max(1, len(text.strip())))
        picture = writing.write_wall(SHOWPIECE, text, seed, ROWS, columns)
        alt = _("{text} in {count} handwritings, drawn by a trained model").format(text=text, count=ROWS * columns)
        panels.picture(picture, alt=alt, width="stretch")
    st.session_state["home.loaded"] = True


show_writing()
import_module("pages.ui.recent_runs").show_recent_runs()
import_module("pages.ui.recipe_cards").show_recipe_cards()

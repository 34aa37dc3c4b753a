"""Sizes and moments as people read them, and what an action leaves to be said after the page has drawn itself anew."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from gan_core.config import UserError
from gan_core.data import find_dataset
from pages.ui import panels
from pages.ui.i18n import _, current_language, sentence

_SAID = "library.said"


def size(count: int) -> str:
    """Bytes in the unit that fits, with three digits."""
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"


def moment(seconds: float) -> str:
    """A time since 1970 as date and time of day, in the server's time zone."""
    if not seconds:
        return _("unknown")
    when = datetime.fromtimestamp(seconds)
    if current_language() == "zh":
        return f"{when.year} 年 {when.month} 月 {when.day} 日 {when:%H:%M}"
    return f"{when.day} {when:%b %Y, %H:%M}"


def dataset_title(name: str) -> str:
    """What a data set is called on screen; its name where this version does not know it."""
    try:
        return _(find_dataset(name).title)
    except UserError:
        return name


def say(text: str) -> None:
    """Have `text` shown once, on the page as it is after what was just done."""
    st.session_state[_SAID] = (True, text)


def say_error(error: UserError) -> None:
    """Have a mistake told once."""
    st.session_state[_SAID] = (False, sentence(error.text, error.values))


def show_said() -> None:
    """Show what is left to be said."""
    well, text = st.session_state.pop(_SAID, (True, ""))
    text = panels.literal(text)
    if text and well:
        st.success(text, icon=":material/check_circle:")
    elif text:
        panels.error_panel(text)

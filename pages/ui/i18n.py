"""Translation: English in the code, 简体中文 from the catalogue.

    from pages.ui.i18n import _, N_, ngettext

    st.title(_("Train"))
    st.write(_("Run {name} has finished.").format(name=run.name))
    st.write(ngettext("{count} picture", "{count} pictures", n).format(count=n))
    TABLE = (("mnist", N_("Handwritten digits")),)      # marks now, translated at render time by _(text)

New texts reach the catalogue by `python -m pages.ui.catalogue` (see there).

The language is `?lang=zh` in the URL and is kept when the visitor changes page.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from gan_core.translation import translations

DEFAULT = "en"
LANGUAGES = {"en": "English", "zh": "简体中文"}
PARAM = "lang"
_STATE = "ui.language"
# A page asks hundreds of times, and the session state takes its time to answer. A thread serves one session alone.
_thread = threading.local()


def N_(text: str) -> str:  # noqa: N802 (the name that gettext's tools look for)
    """Mark `text` for the catalogue without translating it yet (for tables built at import time)."""
    return text


def _(text: str) -> str:
    """`text` in the visitor's language."""
    if not text or current_language() == DEFAULT:
        return text
    return translations().gettext(text)


def sentence(text: str, values: Mapping[str, object]) -> str:
    """The template `text` in the visitor's language, filled with `values`, of which known texts are translated too.

    Errors and run statuses carry both: `sentence(error.text, error.values)`.
    """
    if not values:
        return _(text)
    return _(text).format(**{name: _(value) if isinstance(value, str) else value for name, value in values.items()})


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form of the text that fits `count`, in the visitor's language."""
    if current_language() == DEFAULT:
        return singular if count == 1 else plural
    return translations().ngettext(singular, plural, count)


def current_language() -> str:
    """What the visitor chose ("en" or "zh"), else what the URL asks for, else English."""
    if get_script_run_ctx(suppress_warning=True) is None:  # a background thread: nobody is looking
        return DEFAULT
    known: str | None = getattr(_thread, "language", None)
    if known is None:
        chosen = st.session_state.get(_STATE) or st.query_params.get(PARAM)
        known = _thread.language = chosen if chosen in LANGUAGES else DEFAULT
    return known


def language_tag() -> str:
    """The language as browsers name it."""
    return {"en": "en", "zh": "zh-CN"}[current_language()]


def set_language(language: str) -> None:
    """Remember the choice in the session and in the URL (English, the default, leaves the URL clean)."""
    st.session_state[_STATE] = _thread.language = language
    if language == DEFAULT:
        st.query_params.pop(PARAM, None)
    else:
        st.query_params[PARAM] = language


def sync_language() -> None:
    """Let the URL decide; where it says nothing (Streamlit drops it on a page switch), put the choice back into it."""
    _thread.language = None
    asked = st.query_params.get(PARAM)
    if asked in LANGUAGES:
        st.session_state[_STATE] = asked
    elif current_language() != DEFAULT:
        st.query_params[PARAM] = current_language()

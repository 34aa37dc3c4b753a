"""Which remedies to try on a recipe, each by itself or joined with others.

    ways = choose_ways(recipe)      # ("batch_norm", "packing", "batch_norm+packing")

The choice is in the URL (`?ways=…`) where it differs from the six remedies that report R2 names.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from gan_core.config import UserError
from gan_core.lab.ablation import JOIN, JOINED, NAMED, REMEDIES, fitting, titles_of, with_remedies
from gan_core.recipes.recipe import Recipe
from pages.ui import panels, state
from pages.ui.i18n import _, sentence

PARAM = "ways"
NONE = "none"  # in a link: the recipe alone
_WRITTEN = "lab.ways.written"  # session state: what this session wrote into the URL itself


def title_of(part: str) -> str:
    """What a way is called, in the visitor's language."""
    return JOINED.join(_(title) for title in titles_of(part))


def choose_ways(recipe: Recipe) -> tuple[str, ...]:
    """The ways in the order of the table; joined ones follow the single ones."""
    single, key = fitting(recipe), f"lab.ways.{recipe.name}"
    _follow_link(recipe, single, key)
    options = [*single, *st.session_state[f"{key}.joined"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**" + _("Remedies") + "**", width="content")
        with st.popover(_("What they do"), icon=":material/help:", type="tertiary"):
            st.markdown("\n".join(f"- **{_(REMEDIES[name].title)}**: {_(REMEDIES[name].help)}" for name in single))
        with st.popover(_("Join remedies"), icon=":material/add_link:", type="tertiary"):
            _offer_to_join(recipe, single, key)
    chosen = st.pills(
        _("Remedies"), options, selection_mode="multi", key=key, format_func=title_of, persist_state="session",
        label_visibility="collapsed",
    )  # fmt: skip
    ways = tuple(name for name in options if name in chosen)
    _write(None if ways == _usual(single) else ",".join(ways) or NONE)
    return ways


def _usual(single: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in single if name in NAMED)


def _offer_to_join(recipe: Recipe, single: Sequence[str], key: str) -> None:
    """Choose two remedies or more to be tried together."""
    parts = st.pills(
        _("Try these together"), single, selection_mode="multi", key=f"{key}.parts", format_func=title_of,
        persist_state="session",
    )  # fmt: skip
    way = JOIN.join(name for name in single if name in parts)
    fits = len(parts) > 1
    if fits:
        try:
            with_remedies(recipe, way)
        except UserError as error:
            panels.error_panel(sentence(error.text, error.values))
            fits = False
    st.button(_("Add"), icon=":material/add:", key=f"{key}.join", disabled=not fits, on_click=_join, args=(way, key))


def _join(way: str, key: str) -> None:
    st.session_state[f"{key}.parts"] = []
    if way not in st.session_state[f"{key}.joined"]:
        st.session_state[f"{key}.joined"] = [*st.session_state[f"{key}.joined"], way]
    if way not in st.session_state[key]:
        st.session_state[key] = [*st.session_state[key], way]


def _follow_link(recipe: Recipe, single: Sequence[str], key: str) -> None:
    """Take over what a link asks for; what this session wrote there itself may be that of another recipe."""
    asked = st.query_params.get(PARAM)
    st.session_state.setdefault(f"{key}.joined", [])
    if asked is not None and asked != st.session_state.get(_WRITTEN):
        ways = [way for way in dict.fromkeys(asked.split(",")) if _fits(recipe, way)]
        joined = [way for way in ways if way not in single]
        st.session_state[f"{key}.joined"] = list(dict.fromkeys([*st.session_state[f"{key}.joined"], *joined]))
        st.session_state[key] = ways
    elif key not in st.session_state:
        st.session_state[key] = list(_usual(single))


def _fits(recipe: Recipe, way: str) -> bool:
    try:
        with_remedies(recipe, way)
    except UserError:
        return False
    return True


def _write(text: str | None) -> None:
    state.write(**{PARAM: text})
    st.session_state[_WRITTEN] = text

"""Which terms each network's loss has, from the table of terms; what each of them is.

    terms = choose_terms(recipe, key=f"train.{recipe.name}")     # {"discriminator_terms": …, "generator_terms": …}
    recipe = forms.edit(recipe, key=…, parts=terms)              # their settings; a contradiction is one sentence

The choice is in the URL by the terms' kinds (`?d_terms=real_cross_entropy,fake_cross_entropy,r1`) where it differs from
the recipe's own. A new term of the table needs no word here.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from gan_core.recipes.recipe import TERMS, Recipe
from gan_core.terms import Term
from pages.ui import state
from pages.ui.i18n import N_, _

PARAMS = {"discriminator": "d_terms", "generator": "g_terms"}
TITLES = {"discriminator": N_("Discriminator's loss"), "generator": N_("Generator's loss")}
GROUPS = {"objective": N_("Objectives"), "penalty": N_("Penalties"), "remedy": N_("Remedies")}
NONE = "none"  # in a link: a loss without any term


def choose_terms(recipe: Recipe, key: str) -> dict[str, tuple[Term, ...]]:
    """Both losses' terms, as fields of a recipe; `key` includes whatever decides the recipe's own terms."""
    own = {"discriminator": recipe.discriminator_terms, "generator": recipe.generator_terms}
    chosen = {}
    for player, cell in zip(PARAMS, st.columns(2, gap="medium"), strict=True):
        with cell.container(border=True, gap="small"):
            chosen[f"{player}_terms"] = _choose(player, own[player], f"{key}/{PARAMS[player]}")
    return chosen


def _choose(player: str, own: tuple[Term, ...], key: str) -> tuple[Term, ...]:
    """One loss's terms: the recipe's own in their order and with their values, then the others in the table's."""
    classes = [cls for cls in TERMS if cls.player == player]
    defaults = [term.kind for term in own]
    _follow_link(player, classes, defaults, key)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{_(TITLES[player])}**", width="content")
        with st.popover(_("Formulas and sources"), icon=":material/function:", type="tertiary"):
            for group in _groups(classes):
                st.markdown(f"**{_(GROUPS[group])}**")
                for cls in classes:
                    if cls.group == group:
                        _describe(cls)
    kinds: list[str] = []
    titles = {cls.kind: cls.title for cls in classes}
    for group in _groups(classes):
        kinds += st.pills(
            _(GROUPS[group]), [cls.kind for cls in classes if cls.group == group], selection_mode="multi",
            key=f"{key}/{group}", format_func=lambda kind: _(titles[kind]), persist_state="session",
        )  # fmt: skip
    if differs := set(kinds) != set(defaults):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(":primary[●] " + _("These are not the recipe's own terms."))
            st.button(
                _("Reset"), icon=":material/undo:", key=f"{key}/reset", on_click=_select, args=(classes, defaults, key)
            )
    _write(PARAMS[player], (",".join(kinds) or NONE) if differs else None)
    return (
        *(term for term in own if term.kind in kinds),
        *(cls() for cls in classes if cls.kind in kinds and cls.kind not in defaults),
    )


def _describe(cls: type[Term]) -> None:
    """What a term computes, when it helps, and where it comes from."""
    with st.container(border=True, gap="small"):
        st.markdown(f"**{_(cls.title)}** — {_(cls.summary)}")
        st.latex(cls.formula)
        st.caption(_(cls.source))


def _groups(classes: Sequence[type[Term]]) -> list[str]:
    """The groups that have terms, in the order of the screen."""
    return [group for group in GROUPS if any(cls.group == group for cls in classes)]


def _follow_link(player: str, classes: Sequence[type[Term]], defaults: list[str], key: str) -> None:
    """Take over what a link asks for; what this session wrote there itself may be that of another recipe."""
    param = PARAMS[player]
    asked = st.query_params.get(param)
    if asked is not None and asked != st.session_state.get(f"{param}/written"):
        _select(classes, asked.split(","), key)
    elif any(f"{key}/{group}" not in st.session_state for group in _groups(classes)):
        _select(classes, defaults, key)


def _select(classes: Sequence[type[Term]], kinds: Sequence[str], key: str) -> None:
    """Choose these terms; kinds that are not in the table are left out."""
    for group in _groups(classes):
        st.session_state[f"{key}/{group}"] = [cls.kind for cls in classes if cls.group == group and cls.kind in kinds]


def _write(param: str, text: str | None) -> None:
    state.write(**{param: text})
    st.session_state[f"{param}/written"] = text

"""Which terms each network's loss has, from the table of terms; what each of them is.

    terms, fill = choose_terms(recipe, key=f"train.{recipe.name}")   # {"discriminator_terms": …, "generator_terms": …}
    recipe = forms.edit(recipe, key=…, parts=terms)                  # their settings; a contradiction is one sentence
    fill()                                                           # the menus of formulas, after what one sees

The choice is in the URL by the terms' kinds (`?d_terms=real_cross_entropy,fake_cross_entropy,r1`) where it differs from
the recipe's own. A new term of the table needs no word here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gan_core.recipes.recipe import TERMS, Recipe
from gan_core.terms import Term
from pages.ui import state
from pages.ui.i18n import N_, _
from pages.ui.recipe_maths import formulas_menu

PARAMS = {"discriminator": "d_terms", "generator": "g_terms"}
TITLES = {"discriminator": N_("Discriminator's loss"), "generator": N_("Generator's loss")}
GROUPS = {"objective": N_("Objectives"), "penalty": N_("Penalties"), "remedy": N_("Remedies")}
NONE = "none"  # in a link: a loss without any term


def choose_terms(
    recipe: Recipe, key: str, *, drawn: bool = True
) -> tuple[dict[str, tuple[Term, ...]], Callable[[], None]]:
    """(both losses' terms as fields of a recipe, what fills the menus of their formulas).

    The menus hold more than the rest of a form and are closed: fill them when what one sees has been sent.

    Args:
        key: includes whatever decides the recipe's own terms.
        drawn: False where nobody sees the place: the choice counts all the same.
    """
    own = {"discriminator": recipe.discriminator_terms, "generator": recipe.generator_terms}
    choices = [_Choice(player, terms, f"{key}/{PARAMS[player]}") for player, terms in own.items()]
    for choice in choices:
        choice.follow_link()
    menus: list[DeltaGenerator] = []
    if drawn:
        for choice, cell in zip(choices, st.columns(2, gap="medium"), strict=True):
            with cell.container(border=True, gap="small"):
                menus.append(choice.show())
    for choice in choices:
        choice.write()

    def fill() -> None:
        for choice, menu in zip(choices, menus, strict=False):  # none where nothing is drawn
            with menu:
                choice.describe()

    return {f"{choice.player}_terms": choice.terms() for choice in choices}, fill


@dataclass(frozen=True)
class _Choice:
    """The terms of one loss; which of them are chosen is in the session state under "key/group"."""

    player: str
    own: tuple[Term, ...]
    key: str

    @property
    def classes(self) -> list[type[Term]]:
        return [cls for cls in TERMS if cls.player == self.player]

    @property
    def defaults(self) -> list[str]:
        return [term.kind for term in self.own]

    @property
    def groups(self) -> dict[str, list[type[Term]]]:
        """The groups that have terms, in the order of the screen."""
        members = {group: [cls for cls in self.classes if cls.group == group] for group in GROUPS}
        return {group: classes for group, classes in members.items() if classes}

    @property
    def kinds(self) -> list[str]:
        """What is chosen, in the order of the screen."""
        return [kind for group in self.groups for kind in st.session_state[f"{self.key}/{group}"]]

    @property
    def differs(self) -> bool:
        return set(self.kinds) != set(self.defaults)

    def follow_link(self) -> None:
        """Take over what a link asks for; what this session wrote there itself may be that of another recipe."""
        param = PARAMS[self.player]
        asked = st.query_params.get(param)
        if asked is not None and asked != st.session_state.get(f"{param}/written"):
            self.select(asked.split(","))
        elif any(f"{self.key}/{group}" not in st.session_state for group in self.groups):
            self.select(self.defaults)

    def select(self, kinds: Sequence[str]) -> None:
        """Choose these terms; kinds that are not in the table are left out."""
        for group, classes in self.groups.items():
            st.session_state[f"{self.key}/{group}"] = [cls.kind for cls in classes if cls.kind in kinds]

    def show(self) -> DeltaGenerator:
        """The table's terms by group, and the way back to the recipe's own; the place for their formulas."""
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{_(TITLES[self.player])}**", width="content")
            menu = formulas_menu()
        titles = {cls.kind: cls.title for cls in self.classes}
        for group, classes in self.groups.items():
            st.pills(
                _(GROUPS[group]), [cls.kind for cls in classes], selection_mode="multi",
                key=f"{self.key}/{group}", format_func=lambda kind: _(titles[kind]), persist_state="session",
            )  # fmt: skip
        if self.differs:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(":primary[●] " + _("These are not the recipe's own terms."))
                st.button(_("Reset"), icon=":material/undo:", key=f"{self.key}/reset", on_click=self.select,
                          args=(self.defaults,))  # fmt: skip
        return menu

    def describe(self) -> None:
        """Each term of the table by group."""
        for group, classes in self.groups.items():
            st.markdown(f"**{_(GROUPS[group])}**")
            for cls in classes:
                _describe(cls)

    def write(self) -> None:
        """Have the URL say what is chosen, where that is not the recipe's own."""
        param, text = PARAMS[self.player], (",".join(self.kinds) or NONE) if self.differs else None
        state.write(**{param: text})
        st.session_state[f"{param}/written"] = text

    def terms(self) -> tuple[Term, ...]:
        """The recipe's own in their order and with their values, then the others in the table's."""
        kinds, defaults = self.kinds, self.defaults
        return (
            *(term for term in self.own if term.kind in kinds),
            *(cls() for cls in self.classes if cls.kind in kinds and cls.kind not in defaults),
        )


def _describe(cls: type[Term]) -> None:
    """What a term computes, when it helps, and where it comes from."""
    with st.container(border=True, gap="small"):
        st.markdown(f"**{_(cls.title)}** — {_(cls.summary)}")
        st.latex(cls.formula)
        st.caption(_(cls.source))

"""The table of recipes as cards: what each one is, what it draws, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from gan_core import library, shelf
from gan_core.listing import parameter_counts
from gan_core.recipes import RECIPES
from gan_core.recipes.recipe import Recipe
from pages.ui import panels
from pages.ui.i18n import _

COLUMNS = 3
ROWS = 2  # of a recipe's last sheet
SHEET_HEIGHT = 116  # pixels on the screen


def show_recipe_cards() -> None:
    """One card a recipe, in the table's order."""
    st.header(_("Recipes"), anchor="recipes")
    st.caption(_("Published systems, each with its own networks, losses and settings; every setting can be changed."))
    shipped = [entry["name"] for entry in library.manifest()]
    for start in range(0, len(RECIPES), COLUMNS):
        for column, recipe in zip(st.columns(COLUMNS), RECIPES[start : start + COLUMNS], strict=False):
            with column.container(border=True, height="stretch"):
                _card(recipe, shipped)


def _card(recipe: Recipe, shipped: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{_(recipe.title)}**", width="content")
        st.badge(recipe.report, color="gray")
    _sheet(recipe)
    st.markdown(_(recipe.summary))
    generator, discriminator = parameter_counts(recipe)
    st.caption(
        _("{generator} parameters draw, {discriminator} judge · {epochs} epochs").format(
            generator=f"{generator:,}", discriminator=f"{discriminator:,}", epochs=f"{recipe.training.epochs:,}"
        )
    )
    with st.container(horizontal=True):
        params = {"recipe": recipe.name}
        panels.go_to("../train.py", _("Train"), icon=":material/model_training:", params=params)
        panels.go_to("../anatomy.py", _("Anatomy"), icon=":material/schema:", params=params)
        if recipe.name in shipped:
            panels.go_to("../compare.py", _("Compare"), icon=":material/compare:", params={"a": recipe.name})


def _sheet(recipe: Recipe) -> None:
    """The first two rows of the last sheet of the recipe's shipped training, if there is one."""
    found = shelf.top_of_newest_sheet(library.history_run(recipe.name), ROWS)
    if found is None:
        return
    picture, epoch = found
    width = round(SHEET_HEIGHT * picture.shape[1] / picture.shape[0])
    alt = _("Pictures by {title}, after {epochs} epochs").format(title=_(recipe.title), epochs=f"{epoch:g}")
    panels.picture(picture, alt=alt, width=width)

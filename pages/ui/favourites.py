"""Favourites on a page: keep a picture by name, put one back, forget one.

    favourites_panel(model, cards, class_names)         # cards: see pages/ui/anchors.py
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from gan_core import favourites, library
from gan_core.config import UserError
from gan_core.explore import Anchor, SampleRequest, pictures
from gan_core.favourites import Favourite
from gan_core.library import Model
from pages.ui import anchors, lesson, panels, state, visitor
from pages.ui.anchors import THUMBNAIL, Card
from pages.ui.i18n import _, sentence


def favourites_panel(model: Model, cards: Sequence[Card], class_names: Sequence[str]) -> None:
    """A folded panel that saves the pictures of ``cards`` and puts saved ones in their places."""
    saved = {favourite.id: favourite for favourite in favourites.list_favourites(visitor.owner())}
    with lesson.control("favourites"), st.expander(_("Favourites"), icon=":material/star:"):
        keep, use = st.columns(2, gap="large")
        with keep, panels.guard():
            _keep(model, cards, class_names)
        with use, panels.guard():
            if saved:
                _use(saved, cards)
            else:
                st.caption(_("Nothing saved yet. A favourite is a picture to come back to, and to start a way from."))


def _keep(model: Model, cards: Sequence[Card], class_names: Sequence[str]) -> None:
    titles = [card.title for card in cards]
    title = st.segmented_control(_("Keep the picture at"), titles, default=titles[0], required=True, key="keep.place")
    anchor = cards[titles.index(title)].anchor if title in titles else cards[0].anchor
    name = _("Seed {seed}").format(seed=anchor.seed) + (f", {_(class_names[anchor.label])}" if class_names else "")
    name = st.text_input(_("Name"), name, max_chars=favourites.NAME_LENGTH, key=f"keep.name.{name}")
    if st.button(_("Save as favourite"), icon=":material/star:", key="keep.save"):
        label = anchor.label if class_names else -1
        favourites.save_favourite(Favourite(name, model.ref, anchor.seed, anchor.index, label), visitor.owner())
        st.rerun()


def _use(saved: dict[str, Favourite], cards: Sequence[Card]) -> None:
    chosen = saved[st.selectbox(_("Saved"), list(saved), format_func=lambda key: saved[key].name, key="favourite")]
    picture, actions = st.columns([1, 3], vertical_alignment="center")
    with actions:
        try:
            info = library.describe(chosen.model)
        except UserError as error:
            st.caption(sentence(error.text, error.values))
        else:
            with picture:
                labels = (chosen.label,) if info.recipe.conditional and chosen.label >= 0 else ()
                tile = pictures(SampleRequest(chosen.model, chosen.seed, 1, labels, chosen.index))[0]
                panels.picture(tile, alt=_("The favourite {name}").format(name=chosen.name), width=THUMBNAIL)
            st.caption(_("Drawn by {model}; put it at:").format(model=_(info.recipe.title)))
            with st.container(horizontal=True):
                for number, card in enumerate(cards, 1):
                    st.button(card.title, key=f"favourite.put.{number}", on_click=_put,
                              args=(number, chosen, info.class_names))  # fmt: skip
        st.button(_("Delete this favourite"), icon=":material/delete:", type="tertiary", key="favourite.delete",
                  on_click=favourites.delete_favourite, args=(chosen.id, visitor.owner()))  # fmt: skip


def _put(number: int, favourite: Favourite, class_names: Sequence[str]) -> None:
    """The favourite in place ``number``; the page changes to its model, without which it would be another picture."""
    state.write(model=favourite.model)
    anchors.put(number, Anchor(favourite.seed, favourite.index, favourite.label), class_names)

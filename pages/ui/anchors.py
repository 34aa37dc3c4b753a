"""The pictures that a way or a grid goes through: seed, number, class and a place for the picture of each.

    cards = choose_anchors(info, titles)            # one Card for each title; seed1, class1, no1 … in the URL
    for card, tile in zip(cards, tiles): card.show(tile)
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gan_core.checkpoints import BundleInfo
from gan_core.explore import MOST_SEED, Anchor
from gan_core.images import Pixels
from pages.ui import panels, state
from pages.ui.i18n import _

THUMBNAIL = 72  # pixels


@dataclass(frozen=True)
class Card:
    """What the visitor chose for one anchor, and where its picture goes once it is drawn."""

    anchor: Anchor
    title: str
    place: DeltaGenerator

    def show(self, tile: Pixels) -> None:
        """Draw the anchor's picture (H, W[, 3])."""
        with self.place:
            panels.picture(tile, alt=_("The picture at {place}").format(place=self.title), width=THUMBNAIL)


def choose_anchors(info: BundleInfo, titles: Sequence[str]) -> list[Card]:
    """One card for each title, two side by side on a wide screen."""
    places, entries = [], []
    for start in range(0, len(titles), 2):
        for number, column in enumerate(st.columns(2, gap="small"), start):
            if number < len(titles):
                with column, st.container(border=True):
                    place, seed, label = _card(info, number + 1, titles[number])
                places.append(place)
                entries.append((seed, label))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Other pictures"), icon=":material/shuffle:", on_click=shuffle, args=(len(titles),),
                  help=_("A new seed for every picture; the classes stay."))  # fmt: skip
        with st.popover(_("More of a seed"), icon=":material/more_horiz:"):
            st.caption(_("Each seed has a whole row of pictures; 0 is the first, as on the other pages."))
            indices = [_index(number, title) for number, title in enumerate(titles, 1)]
    anchors = [Anchor(seed, index, label) for (seed, label), index in zip(entries, indices, strict=True)]
    return [Card(*parts) for parts in zip(anchors, titles, places, strict=True)]


def put(number: int, anchor: Anchor, class_names: Sequence[str] = ()) -> None:
    """Set anchor ``number`` (counted from 1); for callbacks, before the page is drawn again."""
    st.session_state[f"seed{number}"] = anchor.seed
    st.session_state[f"no{number}"] = anchor.index
    if 0 <= anchor.label < len(class_names):
        state.write(**{f"class{number}": class_names[anchor.label]})


def shuffle(count: int) -> None:
    """Give every anchor a new seed, and leave its class."""
    for number, seed in enumerate(random.sample(range(10_000), count), 1):
        put(number, Anchor(seed, label=-1))


def _card(info: BundleInfo, number: int, title: str) -> tuple[DeltaGenerator, int, int]:
    """(where the picture goes, the seed, the class)."""
    st.markdown(f"**{title[:1].upper()}{title[1:]}**")
    with st.container(horizontal=True, wrap=False, gap="small"):  # stays side by side on a phone, as columns do not
        picture, entries = st.container(width=THUMBNAIL), st.container(width="stretch")
    with entries:
        seed = st.number_input(
            _("Seed"), 0, MOST_SEED, number, key=f"seed{number}", bind="query-params",
            persist_state="session", help=_("Any whole number; the same seed always gives the same picture."),
        )  # fmt: skip
        if not info.recipe.conditional:
            return picture, int(seed), 0
        names = info.class_names
        name = state.choice(st.selectbox, _("Class"), names, param=f"class{number}",
                            label=_, default=names[(number - 1) * 3 % len(names)])  # fmt: skip
    return picture, int(seed), names.index(name)


def _index(number: int, title: str) -> int:
    return int(st.number_input(_("Picture of the seed at {place}").format(place=title), 0, 9_999, 0,
                               key=f"no{number}", bind="query-params", persist_state="session"))  # fmt: skip

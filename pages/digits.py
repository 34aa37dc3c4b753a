"""Digits: choose what the model draws. Numbers as handwriting, one digit by many hands, one hand across all classes."""

from functools import partial

import streamlit as st

from gan_core import explore, library, writing
from gan_core.checkpoints import BundleInfo
from gan_core.explore import MOST_SEED, SampleRequest, TableRequest, WritingRequest
from gan_core.images import Pixels, png, sheet
from gan_core.library import Model
from pages.ui import panels, state
from pages.ui.conditional import offer_conditional
from pages.ui.i18n import _
from pages.ui.model_picker import choose_model, title_of

ENLARGED = 6  # how many times larger downloads are than what the model draws


def page() -> None:
    st.title(_("Digits"))
    st.write(_("A conditional model draws the class it is asked for. The noise decides the rest: how it is written."))
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        model = choose_model()
    if model is None:
        return
    info = library.describe(model.ref)
    if not info.recipe.conditional:
        offer_conditional(model)
        return
    with right:
        seed = st.number_input(_("Style"), 0, MOST_SEED, 1, key="style", bind="query-params", persist_state="session",
                               help=_("Each number is another set of handwritings."))  # fmt: skip
    write = write_text if writing.can_write(info.class_names) else write_classes
    for part in (write, many_hands, one_hand, style_table):
        st.fragment(panels.guard()(part))(model, info, int(seed))  # a slider draws its own pictures alone


def write_text(model: Model, info: BundleInfo, seed: int) -> None:
    st.subheader(_("Write a number"))
    entry, look = st.columns([3, 2])
    with entry:
        text = st.text_input(_("Number, date or phone number"), "2026", max_chars=writing.MOST_CHARACTERS, key="text",
                             bind="query-params", persist_state="session", placeholder="21.11.2026")  # fmt: skip
        paper = st.toggle(_("Ink on paper"), key="paper", bind="query-params", persist_state="session")
    with look:
        liveliness = st.slider(
            _("Liveliness"), 0.0, 1.0, 0.25, 0.05, key="liveliness", bind="query-params", persist_state="session",
            help=_("0 draws equal digits exactly alike; 1 takes another handwriting for each; people are in between."),
        )  # fmt: skip
        size = st.slider(_("Size"), 1, 8, 4, key="size", bind="query-params", persist_state="session",
                         help=_("How many pixels of the screen each pixel of a digit takes."))  # fmt: skip
    known = writing.read_text(text or "", info.class_names)
    if not known.labels(info.class_names):
        st.info(_("Type at least one digit, and it appears here as handwriting."), icon=":material/edit:")
        return
    picture = writing.write(writing.DigitsRequest(model.ref, text, seed, liveliness, paper=paper))
    alt = _("{text} in handwriting, drawn by {model}").format(text=known.plain, model=title_of(model))
    panels.picture(picture, alt=alt, width=picture.shape[1] * size)
    st.caption(" ".join(remarks(known)))
    panels.download_row([(_("PNG"), partial(png, picture, ENLARGED), "number.png", "image/png")], key="number")


def remarks(known: writing.Text) -> list[str]:
    """What of the text is not by the model."""
    marks, left_out = (" ".join(f"`` {one} ``" for one in part) for part in (known.marks, known.left_out))
    found = []
    if marks:
        found.append(_("The model knows digits only; {marks} are plain strokes of the page.").format(marks=marks))
    if left_out:
        found.append(_("Left blank, since the model never learned them: {characters}").format(characters=left_out))
    return found


def write_classes(model: Model, info: BundleInfo, seed: int) -> None:
    st.subheader(_("Draw a row"))
    names = list(info.class_names)
    asked = [name for name in state.read("classes", ",".join(names[:4])).split(",") if name in names]
    chosen = st.multiselect(_("Classes, in order"), names, asked, format_func=_, key=f"classes.{model.ref}")
    state.write(classes=",".join(chosen))
    if not chosen:
        st.info(_("Choose at least one class, and it appears here."), icon=":material/edit:")
        return
    labels = tuple(names.index(name) for name in chosen)
    show(explore.pictures(WritingRequest(model.ref, labels, seed, variation=0.0)), len(labels), "row",
         _("In one style: {classes}").format(classes=", ".join(_(name) for name in chosen)))  # fmt: skip


def many_hands(model: Model, info: BundleInfo, seed: int) -> None:
    st.subheader(_("One digit, many hands") if writing.can_write(info.class_names) else _("One class, many styles"))
    names = list(info.class_names)
    left, right = st.columns([3, 2])
    with left:
        name = state.choice(st.pills, _("Class"), names, param="class", default=names[-3 % len(names)], label=_,
                            wrap=True)  # fmt: skip
    with right:
        count = st.slider(_("Pictures"), 10, 100, 40, 10, key="hands", bind="query-params", persist_state="session")
    tiles = explore.pictures(SampleRequest(model.ref, seed, count, (names.index(name),)))
    show(tiles, 10, "hands", _("{count} times {name}, each in another style").format(count=count, name=_(name)))


def one_hand(model: Model, info: BundleInfo, seed: int) -> None:
    st.subheader(_("One hand, all digits") if writing.can_write(info.class_names) else _("One style, all classes"))
    hand = st.slider(_("Hand"), 1, 100, 1, key="hand", bind="query-params",
                     persist_state="session")  # fmt: skip
    tiles = explore.pictures(TableRequest(model.ref, seed, hands=1, first=hand - 1))
    show(tiles, len(tiles), "hand", _("The same noise for every class: {classes}").format(classes=listed(info)))


def style_table(model: Model, info: BundleInfo, seed: int) -> None:
    st.subheader(_("Classes and hands"))
    st.write(_("Each row keeps its noise and changes the class alone: what a row has in common, the noise decides."))
    rows = st.slider(_("Rows"), 1, 20, 6, key="rows", bind="query-params", persist_state="session")
    tiles = explore.pictures(TableRequest(model.ref, seed, rows))
    caption = _("Columns: {classes}. Each row is one hand.").format(classes=listed(info))
    show(tiles, info.shapes.classes, "table", caption)


def listed(info: BundleInfo) -> str:
    return ", ".join(_(name) for name in info.class_names)


def show(tiles: Pixels, columns: int, name: str, caption: str) -> None:
    """A sheet with its caption, which is its alternative text too, and its download."""
    picture = sheet(tiles, columns)
    panels.picture(picture, alt=caption, caption=caption, width="stretch")
    panels.download_row([(_("PNG"), partial(png, picture, ENLARGED), f"{name}.png", "image/png")], key=name)


page()

"""Interpolate: the way from one picture to another, as a film, a strip or a grid."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gan_core import explore, library
from gan_core.checkpoints import BundleInfo
from gan_core.explore import GridRequest, InterpolationRequest
from gan_core.images import animation, png, sheet
from gan_core.library import Model
from pages.ui import anchors, panels, state
from pages.ui.anchors import Card
from pages.ui.favourites import favourites_panel
from pages.ui.film import film
from pages.ui.i18n import N_, _
from pages.ui.model_picker import choose_model, title_of

VIEWS = {"path": N_("Path"), "grid": N_("Grid")}
CORNERS = (N_("top left"), N_("top right"), N_("bottom left"), N_("bottom right"))
ENLARGED = 4  # how many times larger downloads are than what the model draws


def page() -> None:
    st.title(_("Interpolate"))
    st.write(_("A generator turns noise into pictures. Walk from one noise to another and watch one picture become "
               "the next: a network that has only learned pictures by heart would jump."))  # fmt: skip
    top = st.columns([3, 2, 2], vertical_alignment="bottom")
    with top[0]:
        model = choose_model()
    if model is None:
        return
    info = library.describe(model.ref)
    with top[1]:
        view = state.choice(st.segmented_control, _("View"), VIEWS, param="view", label=lambda name: _(VIEWS[name]))
    if view == "grid":
        titles = [_(corner) for corner in CORNERS]
    else:
        with top[2]:
            count = int(state.choice(st.segmented_control, _("Stations"), "234", param="stations",
                                     help=_("How many pictures the way goes through.")))  # fmt: skip
        titles = [_("station {number}").format(number=number) for number in range(1, count + 1)]
    screen, desk = st.columns([4, 5], gap="medium")
    with desk:
        cards = anchors.choose_anchors(info, titles)
        mode = state.choice(st.segmented_control, _("Way of mixing"), explore.MODE_TITLES, param="mode",
                            label=lambda name: _(explore.MODE_TITLES[name]), help=why_matched(info))  # fmt: skip
        st.caption(_(explore.MODE_HELP[mode]))
    with panels.guard():
        (show_grid if view == "grid" else show_path)(model, cards, mode, screen, desk)
    favourites_panel(model, cards, info.class_names if info.recipe.conditional else ())


def why_matched(info: BundleInfo) -> str:
    noise = (
        _("This model was trained on uniform noise, evenly spread from −1 to 1. A mean of two such numbers crowds "
          "around 0, and no rescaling mends its shape: the matched way moves each number by the one rising curve that "
          "makes the spread even again.")
        if info.recipe.latents.distribution == "uniform"
        else _("This model was trained on normal noise. In many dimensions all of it lies near one sphere; a straight "
               "line cuts through the inside, where the generator never was. The matched way divides by the length of "
               "the weights, which brings it back.")
    )  # fmt: skip
    return noise + " " + _("(Agustsson, Sage, Timofte & Van Gool, 2019)")


def show_path(model: Model, cards: list[Card], mode: str, screen: DeltaGenerator, desk: DeltaGenerator) -> None:
    with desk, st.container(horizontal=True, vertical_alignment="bottom"):
        steps = st.slider(_("Steps from one station to the next"), 4, 32, 12, key="steps", bind="query-params",
                          persist_state="session")  # fmt: skip
        closed = st.toggle(_("Back to the start"), key="closed", bind="query-params", persist_state="session",
                           help=_("Ends where it began, so that it can play for ever."))  # fmt: skip
    legs = len(cards) if closed else len(cards) - 1
    frames = legs * steps + (not closed)
    stations = tuple(card.anchor for card in cards)
    tiles = explore.pictures(InterpolationRequest(model.ref, stations, frames, mode, closed))
    for number, card in enumerate(cards):
        card.show(tiles[number * steps])
    alt = _("Pictures by {model}, one turning into the next.").format(model=title_of(model))
    with screen:
        film(tiles, key="film", captions=captions(cards, steps, frames), alt=alt, loop=closed)
    order = [(leg * steps + step) % frames for leg in range(legs) for step in range(steps + 1)]
    strip = sheet(tiles[order], steps + 1)
    panels.picture(strip, alt=alt, width="stretch",
                   caption=_("The whole way: each row leads from one station to the next."))  # fmt: skip
    moving = partial(animation, list(tiles), factor=ENLARGED, hold=1 if closed else 5)
    panels.download_row(
        [(_("Strip (PNG)"), partial(png, strip, ENLARGED), "strip.png", "image/png"),
         (_("Animation (GIF)"), partial(moving, format="gif"), "way.gif", "image/gif"),
         (_("Animation (WebP)"), partial(moving, format="webp"), "way.webp", "image/webp")], key="way",
    )  # fmt: skip


def captions(cards: list[Card], steps: int, frames: int) -> list[str]:
    texts = []
    for frame in range(frames):
        leg, step = divmod(frame, steps)
        start, end = cards[leg].title, cards[(leg + 1) % len(cards)].title
        between = _("{share} % of the way from {start} to {end}")
        texts.append(between.format(share=round(100 * step / steps), start=start, end=end) if step else
                     _("At {place}").format(place=start))  # fmt: skip
    return texts


def show_grid(model: Model, cards: list[Card], mode: str, screen: DeltaGenerator, desk: DeltaGenerator) -> None:
    with desk:
        side = st.slider(_("Pictures along each side"), 3, 16, 8, key="side", bind="query-params",
                         persist_state="session")  # fmt: skip
    tiles = explore.pictures(GridRequest(model.ref, tuple(card.anchor for card in cards), side, side, mode))
    for card, corner in zip(cards, (0, side - 1, side * (side - 1), side * side - 1), strict=True):
        card.show(tiles[corner])
    grid = sheet(tiles, side)
    with screen:
        alt = _("A grid of pictures by {model} between four corners.").format(model=title_of(model))
        panels.picture(grid, alt=alt, width="stretch")
        panels.download_row([(_("Grid (PNG)"), partial(png, grid, ENLARGED), "grid.png", "image/png")], key="grid")


page()

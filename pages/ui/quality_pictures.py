"""The pictures of the Quality page: beside real ones, on their map, before D, and beside their neighbours."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from gan_core import library
from gan_core.evaluation import inspection
from gan_core.evaluation.inspection import View
from gan_core.images import Pixels, sheet
from pages.ui import charts, panels, state
from pages.ui.i18n import _
from pages.ui.live_plot import live_plot

TILE = 40  # pixels on a wide screen
LARGE_TILE = 84
BINS = 25
HEIGHT = 320
MAP_HEIGHT = 460
MOVE = 600  # milliseconds that pictures take from one snapshot to the next


def show_beside(view: View) -> None:
    """Real and generated pictures side by side, a column for each class."""
    st.subheader(_("Beside real pictures"), anchor="beside")
    found = inspection.beside(view)
    for column, title, tiles in zip(
        st.columns(2, gap="medium"), (_("Real"), _("Generated")), (found.real, found.generated), strict=True
    ):
        with column:
            st.markdown(f"**{title}**")
            alt = _("{title} pictures, a column for each class").format(title=title) if found.names else title
            panels.picture(sheet(tiles, found.columns), alt=alt, width=found.columns * TILE)
    if found.missing:
        st.caption(
            _("Not one of {count} generated pictures shows: {names}.").format(
                count=f"{found.looked_at:,}", names=", ".join(_(name) for name in found.missing)
            )
        )


def show_map(view: View) -> None:
    """Real pictures as a landscape, the generated ones on it, at any snapshot of the training."""
    st.subheader(_("Map"), anchor="map")
    snapshots = {str(snapshot.step): snapshot for snapshot in library.snapshots(view.ref)}
    shown = view
    if len(snapshots) > 1:
        last = list(snapshots)[-1]
        step = state.choice(
            st.select_slider, _("Snapshot"), snapshots, param="at", default=last,
            label=lambda name: _("epoch {epoch}").format(epoch=f"{snapshots[name].epoch:g}"),
        )  # fmt: skip
        shown = View(snapshots[step].ref, view.dataset, view.seed)
    live_plot(
        _map(shown), key="quality.map", height=MAP_HEIGHT,
        alt=_("Real pictures as grey dots, grouped by class, and generated pictures as blue dots among them"),
    )  # fmt: skip
    st.caption(
        _("Grey: real pictures. Blue: generated ones, from the same noise at every snapshot. The two directions are "
          "those that keep the classes of the real pictures apart best; empty regions with grey dots alone are what "
          "the generator leaves out.")
    )  # fmt: skip


def show_answers(view: View) -> None:
    """How D's answers for real, unseen and generated pictures overlap."""
    st.subheader(_("What the discriminator says"), anchor="answers")
    found = inspection.answers(view)
    if found is None:
        st.caption(_("This model comes without its discriminator."))
        return
    figure = go.Figure()
    for name, values, hue, dash in (
        (_("training pictures"), found.training, charts.ORANGE, "solid"),
        (_("new real pictures"), found.new, charts.GREY, "dash"),
        (_("generated pictures"), found.generated, charts.BLUE, "solid"),
    ):
        shares, edges = np.histogram(np.array(values), bins=BINS, range=(0, 1))
        figure.add_scatter(
            x=edges[:-1], y=100 * shares / max(len(values), 1), name=name, mode="lines",
            line={"color": hue, "dash": dash, "shape": "hv", "width": 2.2}, hovertemplate="%{y:.1f}%",
        )  # fmt: skip
    charts.finish(figure, x_title=_("D's answer: 0 is fake, 1 is real"), y_title=_("Share of the pictures (%)"))
    live_plot(figure, key="quality.answers", height=HEIGHT,
              alt=_("Histograms of D's answers for training, new and generated pictures"))  # fmt: skip
    st.caption(
        _("Where blue lies on orange, D cannot tell them apart. Where orange lies right of the dashed line, D knows "
          "its training pictures by heart.")
    )  # fmt: skip


def show_neighbours(view: View) -> None:
    """Each generated picture, and what it may have been copied from."""
    st.subheader(_("Nearest training pictures"), anchor="neighbours")
    found = inspection.neighbours(view)
    with st.container(horizontal=True, gap="medium"):
        for place, item in enumerate(found, 1):
            with st.container(width=LARGE_TILE * 2, gap="xxsmall"):
                tiles = _framed(item.picture, item.training)
                panels.picture(
                    tiles, width=LARGE_TILE * 2,
                    alt=_("Generated picture {number} on the left, its nearest training pictures beside it").format(
                        number=place),
                )  # fmt: skip
                st.caption(_("{distance} grey levels away").format(distance=f"{item.distances[0]:.0f}"))
    st.caption(
        _("First the generated picture, then the three training pictures nearest to it, pixel by pixel. A generator "
          "that copies shows the same picture twice, at a distance near 0.")
    )  # fmt: skip


def _framed(picture: Pixels, training: Pixels) -> Pixels:
    return sheet(np.concatenate([picture[None], training]), len(training) + 1)


def _map(view: View) -> go.Figure:
    real, here = inspection.real_map(view.dataset), np.array(inspection.placed(view))
    there = np.array(real.places)
    names = [_(name) for name in real.names]
    figure = go.Figure()
    figure.add_scattergl(
        x=there[:, 0], y=there[:, 1], mode="markers", name=_("real"), opacity=0.45,
        marker={"color": charts.GREY, "size": 4}, hovertext=[names[number] for number in real.classes] or None,
        hoverinfo="text",
    )  # fmt: skip
    figure.add_scatter(
        x=here[:, 0], y=here[:, 1], mode="markers", name=_("generated"),
        marker={"color": charts.BLUE, "size": 6, "line": {"width": 0.5, "color": "white"}}, hoverinfo="skip",
    )  # fmt: skip
    charts.finish(figure)
    for name, (x, y) in zip(names, real.centres, strict=False):
        figure.add_annotation(x=x, y=y, text=f"<b>{name}</b>", showarrow=False, font={"size": 16})
    # The view is fitted to the real pictures, so that it stays the same at every snapshot.
    low, high = there.min(0), there.max(0)
    margin = 0.05 * (high - low)
    return figure.update_layout(
        hovermode="closest", transition={"duration": MOVE, "easing": "cubic-in-out"},
        xaxis={"range": [low[0] - margin[0], high[0] + margin[0]], "showticklabels": False, "zeroline": False},
        yaxis={"range": [low[1] - margin[1], high[1] + margin[1]], "showticklabels": False, "zeroline": False},
    )  # fmt: skip

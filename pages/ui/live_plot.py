"""A Plotly chart that stays the same DOM node for life: no blank frame on new data, zoom kept while data arrives.

    figure = charts.loss_curves(history, ["loss_g", "loss_d"])
    live_plot(figure, key="losses", alt=_("Losses of the generator and the discriminator"), height=320)

    # A vertical cursor that moves without sending the curves again, and a click that answers with the x below it:
    x = live_plot(figure, key="losses", alt=…, cursor_x=epoch, on_click=True)
    # A function is called before the rerun, so it may set the state of a widget:
    live_plot(figure, key="losses", alt=…, on_click=lambda x: st.session_state.update(epoch=round(x)))

Keep `key` the same for the same chart. Colours of text, grid and background follow Streamlit's theme, and the palette
of `charts` changes to its dark shades with it; what a figure sets itself wins. Use it instead of `st.plotly_chart`,
which mounts a new chart for each change of data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import streamlit as st

from pages.ui.charts import DARK_SHADES
from pages.ui.i18n import _, language_tag
from pages.ui.plotly_route import PLOTLY_ROUTE

_component = st.components.v2.component(
    "gan_live_plot",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    isolate_styles=False,
)

DEFAULT_CONFIG = {"modeBarButtons": [["toImage", "zoom2d", "pan2d", "resetScale2d"]]}


def live_plot(
    figure: go.Figure | Mapping[str, Any],
    *,
    key: str,
    alt: str,
    height: int = 320,
    cursor_x: float | None = None,
    config: Mapping[str, Any] | None = None,
    on_click: bool | Callable[[float], None] = False,
) -> float | None:
    """Draw `figure`; return the x that was just clicked, else None.

    Args:
        figure: a Plotly figure; numpy arrays travel as binary. Or what :func:`plain` made of one for several viewers.
        key: names the chart on the page; the same key keeps the node and the zoom.
        alt: one sentence for those who cannot see the chart.
        height: pixels; the width is that of the container.
        cursor_x: where a vertical line stands, in units of the x axis.
        config: Plotly's own config, over ours.
        on_click: True to report clicks, or a function that is called with x before the rerun.
    """
    data = {
        "key": key,
        "alt": alt,
        "height": height,
        "figure": plain(figure) if isinstance(figure, go.Figure) else figure,
        "config": DEFAULT_CONFIG | dict(config or {}),
        "clickable": bool(on_click),
        "shades": DARK_SHADES,
        "locale": language_tag(),
        "words": _modebar_words(),
        "route": f"{PLOTLY_ROUTE}?v={plotly.__version__}",
    }

    def clicked() -> None:
        x = st.session_state[key].get("click")
        if callable(on_click) and x is not None:
            on_click(x)

    with st.container(gap=None):
        result = _component(key=key, data=data, on_click_change=clicked)
        if cursor_x is not None:
            # An element of its own: moving the line must not send the curves again.
            _component(key=f"{key}.cursor", data={"key": key, "cursor": cursor_x})
    return result.click


def plain(figure: go.Figure) -> Mapping[str, Any]:
    """The figure as JSON-ready data and layout; Plotly's own template is dropped, for the theme takes its place."""
    whole = figure.to_plotly_json()
    layout = {name: value for name, value in whole["layout"].items() if name != "template"}
    return {"data": whole["data"], "layout": layout}


def _modebar_words() -> dict[str, str]:
    """What Plotly says in its tool bar, in the visitor's language."""
    return {
        "Download plot as a PNG": _("Download the chart as PNG"),
        "Zoom": _("Zoom"),
        "Pan": _("Pan"),
        "Reset axes": _("Reset the axes"),
        "Double-click to zoom back out": _("Double-click to zoom out"),
    }

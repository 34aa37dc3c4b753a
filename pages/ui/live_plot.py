"""A Plotly chart that stays the same DOM node for life: no blank frame on new data, zoom kept while data arrives.

    figure = charts.loss_curves(history, ["loss_g", "loss_d"])
    live_plot(figure, key="losses", alt=_("Losses of the generator and the discriminator"), height=320)

    # A vertical cursor that moves without sending the curves again, and a click that answers with the x under the pointer:
    x = live_plot(figure, key="losses", alt=…, cursor_x=epoch, on_click=True)
    live_plot(figure, key="losses", alt=…, on_click=lambda x: st.session_state.update(epoch=round(x)))   # before the rerun

Keep `key` the same for the same chart. Colours of text, grid and background follow Streamlit's theme, and the palette of
`charts` changes to its dark shades with it; what a figure sets itself wins. Use it instead of `st.plotly_chart`, which
mounts a new chart for each change of data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import plotly
import plotly.graph_objects as go
import streamlit as st

from pages.ui.charts import DARK_SHADES
from pages.ui.i18n import _, current_language

PLOTLY_ROUTE = "/assets/plotly.min.js"

CSS = """
.gan-plot { width: 100%; overflow: hidden; }
.gan-plot .modebar { opacity: 0.35; transition: opacity 0.2s; }
.gan-plot:hover .modebar, .gan-plot:focus-within .modebar { opacity: 1; }
.gan-plot-missing { display: grid; place-items: center; color: var(--st-text-color); opacity: 0.7; font-size: 0.9rem; }
"""

JS = """
const charts = (window.ganCharts ??= new Map());   // key -> state of the chart on the page
const cursors = (window.ganCursors ??= new Map()); // key -> x; kept apart so that a cursor may come before its chart

function loadPlotly(route) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  // The app may live under a prefix (a proxy), so the root is where Streamlit's own scripts came from.
  const own = document.querySelector('script[src*="/static/js/"]')?.src ?? location.origin + "/static/js/";
  const address = own.slice(0, own.indexOf("/static/js/")) + route;
  return (window.ganPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { window.ganPlotly = undefined; script.remove(); reject(new Error(address)); };
    document.head.append(script);
  }));
}

function luminance(color) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}

function theme(element) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue("--st-" + name).trim() || fallback;
  const background = read("background-color", "#ffffff");
  return {
    background, text: read("text-color", "#222222"), grid: read("border-color", "#dddddd"),
    accent: read("primary-color", "#5b4bd6"), font: read("font", "sans-serif"), dark: luminance(background) < 0.5,
  };
}

function template(t) {
  const axis = { gridcolor: t.grid, zerolinecolor: t.grid, linecolor: t.grid, tickcolor: t.grid, automargin: true,
                 title: { font: { size: 13 } }, spikecolor: t.text, spikethickness: 1, spikedash: "dot" };
  return { layout: {
    font: { color: t.text, family: t.font, size: 13 }, title: { font: { size: 15 } },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", xaxis: axis, yaxis: axis,
    legend: { bgcolor: "rgba(0,0,0,0)" },
    hoverlabel: { bgcolor: t.background, bordercolor: t.grid, font: { color: t.text, family: t.font } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: t.text, activecolor: t.accent },
  } };
}

function shaded(value, shades) {
  if (typeof value === "string") return shades[value.toLowerCase()] ?? value;
  if (Array.isArray(value)) return value.map((item) => shaded(item, shades));
  // A typed array travels as {dtype, bdata}: nothing to recolour, and walking megabytes of text would cost time.
  if (value && typeof value === "object" && !("bdata" in value))
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, k === "text" || k === "name" ? v : shaded(v, shades)]));
  return value;
}

function withCursor(shapes, x, color) {
  const others = (shapes ?? []).filter((shape) => shape.name !== "gan-cursor");
  if (x === null || x === undefined) return others;
  return [...others, { name: "gan-cursor", type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1,
                       line: { color, width: 1.5, dash: "dot" } }];
}

async function draw(state) {
  if (state.drawing) { state.again = true; return; }   // newest wins: never two draws at once
  state.drawing = true;
  do {
    state.again = false;
    const { data, node } = state;
    const t = theme(node.parentElement);
    const figure = t.dark ? shaded(data.figure, data.shades) : structuredClone(data.figure);
    const layout = { autosize: true, uirevision: data.key, ...figure.layout, height: data.height, template: template(t) };
    layout.shapes = withCursor(layout.shapes, cursors.get(data.key), t.text);
    const locales = { "zh-CN": { dictionary: data.words, format: {} } };
    const config = { displaylogo: false, responsive: false, locale: data.locale, locales, ...data.config };
    await window.Plotly.react(node, figure.data, layout, config);
    if (state.watched !== true) {
      state.watched = true;
      node.on("plotly_click", (event) => {
        const x = event.points?.[0]?.x;
        if (state.data.clickable && x !== undefined) state.trigger("click", x);
      });
    }
  } while (state.again && !state.gone);
  state.drawing = false;
}

function mountCursor({ data, parentElement }) {
  parentElement.closest('[data-testid="stElementContainer"]')?.style.setProperty("display", "none");
  const place = (x) => {
    cursors.set(data.key, x);
    const state = charts.get(data.key);
    if (!state?.watched) return;
    window.Plotly.relayout(state.node, { shapes: withCursor(state.node.layout.shapes, x, theme(state.node.parentElement).text) });
  };
  place(data.cursor);
  return () => place(null);
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if ("cursor" in data) return mountCursor(component);
  let node = parentElement.querySelector(":scope > .gan-plot");
  if (!node) {
    node = document.createElement("div");
    node.className = "gan-plot";
    parentElement.append(node);
  }
  let state = node.ganState;
  if (!state) {
    state = node.ganState = { node };
    state.observer = new ResizeObserver(() => state.watched && node.offsetWidth && window.Plotly.Plots.resize(node));
    state.observer.observe(parentElement);
  }
  Object.assign(state, { data, trigger: setTriggerValue });
  charts.set(data.key, state);
  node.style.minHeight = data.height + "px";           // the place is kept while plotly.js loads
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", data.alt);
  loadPlotly(data.route).then(
    () => { node.classList.remove("gan-plot-missing"); if (!state.gone) draw(state); },
    () => { if (!state.watched) { node.classList.add("gan-plot-missing"); node.textContent = data.alt; } },
  );
  return () => {
    state.gone = true;
    state.observer.disconnect();
    if (charts.get(data.key) === state) charts.delete(data.key);
    window.Plotly?.purge(node);
  };
}
"""

_component = st.components.v2.component("gan_live_plot", js=JS, css=CSS, isolate_styles=False)

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
        figure: a Plotly figure or its dictionary; numpy arrays travel as binary.
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
        "figure": _plain(figure),
        "config": DEFAULT_CONFIG | dict(config or {}),
        "clickable": bool(on_click),
        "shades": DARK_SHADES,
        "locale": "zh-CN" if current_language() == "zh" else "en-US",
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


def _plain(figure: go.Figure | Mapping[str, Any]) -> dict[str, Any]:
    """The figure as JSON-ready data and layout; Plotly's own template is dropped, for the theme takes its place."""
    plain = figure.to_plotly_json() if isinstance(figure, go.Figure) else dict(figure)
    layout = {name: value for name, value in plain.get("layout", {}).items() if name != "template"}
    return {"data": list(plain.get("data", ())), "layout": layout}


def _modebar_words() -> dict[str, str]:
    """What Plotly says in its tool bar, in the visitor's language."""
    return {
        "Download plot as a PNG": _("Download the chart as PNG"),
        "Zoom": _("Zoom"),
        "Pan": _("Pan"),
        "Reset axes": _("Reset the axes"),
        "Double-click to zoom back out": _("Double-click to zoom out"),
    }

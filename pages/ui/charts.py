"""Figures from plain numbers: no Streamlit, no files, no run objects.

    figure = loss_curves(history, ["loss_g", "loss_d"], smoothing=0.9, x="step")
    figure = loss_curves(history, {"d_real": _("D(x)"), "d_fake": _("D(G(z))")}, y_title=_("Probability"))
    figure = bars({"0": 0.11, "1": 0.09}, title=_("Share of each digit"), unit="%")
    figure = overlay({"run A": (steps, losses), "run B": (steps, losses)}, title=…, smoothing=0.6)

`history` maps a name to its values (History.scalars of a run, say); columns are as long as the x column, and None or
NaN means "not measured here". Curves carry at most 1,000 points, with every extreme kept. Blue is always the generator,
orange always the discriminator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from pages.ui.i18n import _

LIMIT = 1000

# Okabe and Ito's colour-blind-safe palette, in its shades that keep a contrast of 3:1 on white …
BLUE, ORANGE, GREEN, PURPLE, SKY, GREY = "#0072b2", "#d55e00", "#00876c", "#a6508a", "#2f8fc4", "#767684"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, GREY)
# … and what each becomes on a dark background.
DARK_SHADES = {
    BLUE: "#56b4e9",
    ORANGE: "#f0a030",
    GREEN: "#2cc9a4",
    PURPLE: "#e08fc4",
    SKY: "#a5d8f7",
    GREY: "#a9a9b8",
}
DASHES = ("solid", "dash", "dot", "dashdot")


def decimate(x: ArrayLike, y: ArrayLike, limit: int = LIMIT) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most `limit` of the points, in order: the first, the last, and the lowest and highest of equal slices between.

    Args:
        x, y: equally long; y may hold NaN.
        limit: the most points to return, at least 4.
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if limit < 4:
        raise ValueError("limit must be at least 4")
    if len(xs) <= limit:
        return xs, ys
    inner = ys[1:-1]
    slices = (limit - 2) // 2
    width = -(-len(inner) // slices)
    padded = np.full(slices * width, np.nan)
    padded[: len(inner)] = inner
    rows = padded.reshape(slices, width)
    starts = 1 + width * np.arange(slices)
    lowest = starts + np.where(np.isnan(rows), np.inf, rows).argmin(axis=1)
    highest = starts + np.where(np.isnan(rows), -np.inf, rows).argmax(axis=1)
    index = np.unique(np.concatenate(([0], lowest, highest, [len(ys) - 1])))
    index = index[index < len(ys)]  # a slice that is all padding points past the end
    return xs[index], ys[index]


def smooth(y: ArrayLike, weight: float) -> NDArray[np.float64]:
    """Exponential moving average without the bias towards the start (Adam's correction, Kingma and Ba 2015, section 3).

    Args:
        y: values; NaN leaves the average as it was and stays NaN.
        weight: 0 returns y; near 1 smooths most.
    """
    values = np.asarray(y, dtype=np.float64)
    if weight <= 0:
        return values
    average, seen, result = 0.0, 0, []
    for value in values.tolist():
        if not math.isfinite(value):
            result.append(math.nan)
            continue
        seen += 1
        average = weight * average + (1 - weight) * value
        result.append(average / (1 - weight**seen))
    return np.array(result)


def loss_curves(
    history: Mapping[str, Sequence[float | None]],
    keys: Sequence[str] | Mapping[str, str],
    *,
    smoothing: float = 0.0,
    log_y: bool = False,
    x: str = "step",
    title: str = "",
    y_title: str = "",
) -> go.Figure:
    """Curves of one run: the smoothed ones bold over the faint raw ones.

    Args:
        history: column name → values; columns that are missing are left out.
        keys: the columns to draw, or column → label.
        x: the column on the horizontal axis.
    """
    labels = dict(keys) if isinstance(keys, Mapping) else {key: label_of(key) for key in keys}
    figure = go.Figure()
    for rank, (key, label) in enumerate(labels.items()):
        if key in history and x in history:
            _add_curve(figure, history[x], history[key], label, _style(key, rank), smoothing)
    return finish(figure, title=title, x_title=axis_title(x), y_title=y_title, log_y=log_y)


def overlay(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float | None]]],
    *,
    title: str = "",
    x_title: str = "",
    y_title: str = "",
    smoothing: float = 0.0,
    log_y: bool = False,
) -> go.Figure:
    """One quantity of several runs: label → (x, y), each run in its own colour and dash."""
    figure = go.Figure()
    for rank, (label, (xs, ys)) in enumerate(curves.items()):
        style = {"color": SERIES[rank % len(SERIES)], "dash": DASHES[rank // len(SERIES) % len(DASHES)]}
        _add_curve(figure, xs, ys, label, style, smoothing)
    return finish(figure, title=title, x_title=x_title, y_title=y_title, log_y=log_y)


def bars(
    values: Mapping[str, float],
    *,
    title: str = "",
    x_title: str = "",
    y_title: str = "",
    unit: str = "",
    color: str = BLUE,
    reference: float | None = None,
) -> go.Figure:
    """One bar a name, in the order given; `reference` draws a dotted line (what an even share would be, say)."""
    figure = go.Figure(
        go.Bar(
            x=list(values),
            y=np.array(list(values.values()), dtype=np.float64),
            marker={"color": color},
            hovertemplate="%{x}: %{y:.4g}" + (f" {unit}" if unit else "") + "<extra></extra>",
        )
    )
    if reference is not None:
        figure.add_hline(y=reference, line={"color": GREY, "dash": "dot", "width": 1.5})
    finish(figure, title=title, x_title=x_title, y_title=_with_unit(y_title, unit))
    return figure.update_layout(hovermode="closest", bargap=0.25, xaxis={"type": "category"})


def paired_bars(
    names: Sequence[str], pairs: Mapping[str, Sequence[float]], *, title: str = "", y_title: str = "", unit: str = ""
) -> go.Figure:
    """Two bars a name, side by side: the first plain, the second hatched, so that no one has to tell them by colour.

    Args:
        pairs: what the bars are called → one value a name.
    """
    figure = go.Figure()
    styles = ({"color": BLUE}, {"color": GREY, "pattern": {"shape": "/", "size": 5, "solidity": 0.35}})
    for (label, values), marker in zip(pairs.items(), styles, strict=True):
        hover = f"{label}: %{{y:.3g}}{unit}<extra></extra>"
        figure.add_bar(x=list(names), y=np.array(values, dtype=np.float64), name=label, marker=marker,
                       hovertemplate=hover)  # fmt: skip
    finish(figure, title=title, x_title="", y_title=_with_unit(y_title, unit))
    return figure.update_layout(barmode="group", bargap=0.2, bargroupgap=0, xaxis={"type": "category"})


def strips(
    rows: Mapping[str, Mapping[str, float]], *, x_title: str = "", unit: str = "", reference: float | None = None
) -> go.Figure:
    """One line a name, every value a point on it and their mean a stroke; the range of the first one as a grey band.

    Args:
        rows: name → what each point is called → its value; the first name stands at the top.
        reference: a level to compare with, drawn as a dotted line.
    """
    figure = go.Figure()
    for rank, (name, points) in enumerate(rows.items()):
        hue, values = (GREY if rank == 0 else BLUE), np.array(list(points.values()), dtype=np.float64)
        if rank == 0 and len(values) > 1:
            band = {"fillcolor": GREY, "opacity": 0.15, "line_width": 0, "layer": "below"}
            figure.add_vrect(x0=values.min(), x1=values.max(), **band)
        figure.add_scatter(
            x=values, y=[name] * len(values), mode="markers", name=name, showlegend=False, text=list(points),
            marker={"color": hue, "size": 10, "opacity": 0.75},
            hovertemplate=f"%{{text}}: %{{x:.4g}}{unit}<extra></extra>",
        )  # fmt: skip
        mean = [float(values.mean())] if len(values) > 1 else []
        figure.add_scatter(
            x=mean, y=[name] * len(mean), mode="markers", showlegend=False, hoverinfo="skip",
            marker={"color": hue, "size": 24, "symbol": "line-ns", "line": {"color": hue, "width": 3}},
        )  # fmt: skip
    if reference is not None:
        figure.add_vline(x=reference, line={"color": GREY, "dash": "dot", "width": 1.5})
    finish(figure, x_title=_with_unit(x_title, unit))
    names = {"type": "category", "categoryorder": "array", "categoryarray": list(rows), "autorange": "reversed"}
    return figure.update_layout(hovermode="closest", margin={"t": 12}, yaxis=names)


def label_of(key: str) -> str:
    """What a well-known column is called on screen; any other keeps its name, with spaces."""
    known = {
        "loss_g": _("Generator loss"),
        "loss_d": _("Discriminator loss"),
        "d_real": _("D(x), real pictures"),
        "d_fake": _("D(G(z)), generated pictures"),
        "lr_g": _("Generator's learning rate"),
        "lr_d": _("Discriminator's learning rate"),
    }
    return known.get(key, key.replace("_", " "))


def axis_title(key: str) -> str:
    """The title of a horizontal axis."""
    return {"step": _("Step"), "epoch": _("Epoch"), "seconds": _("Time (s)")}.get(key, label_of(key))


def _style(key: str, rank: int) -> dict[str, Any]:
    """The same colour for the same network everywhere: the generator blue, the discriminator orange."""
    own = {"d_fake": BLUE, "d_real": ORANGE}
    by_network = BLUE if key.endswith("_g") else ORANGE if key.endswith("_d") else None
    return {"color": own.get(key) or by_network or SERIES[(rank + 2) % len(SERIES)]}


def _add_curve(
    figure: go.Figure,
    x: Sequence[float],
    y: Sequence[float | None],
    label: str,
    style: Mapping[str, Any],
    smoothing: float,
) -> None:
    """Add one curve; with smoothing, the raw values stay visible behind it, faint and without a legend entry."""
    count = min(len(x), len(y))
    xs, ys = np.asarray(x[:count], dtype=np.float64), np.asarray(y[:count], dtype=np.float64)
    measured = ~np.isnan(ys)
    xs, ys = xs[measured], ys[measured]
    if smoothing > 0:
        faint = {"color": style["color"], "width": 1}
        figure.add_trace(
            _line(xs, ys, label, faint, opacity=0.3, showlegend=False, hoverinfo="skip", legendgroup=label)
        )
    figure.add_trace(_line(xs, smooth(ys, smoothing), label, {**style, "width": 2.2}, legendgroup=label))


def _line(
    x: NDArray[np.float64], y: NDArray[np.float64], label: str, line: Mapping[str, Any], **more: Any
) -> go.Scatter:
    xs, ys = decimate(x, y)
    # A single point has no line to show.
    mode = "lines+markers" if len(xs) < 3 else "lines"
    hover = {} if "hoverinfo" in more else {"hovertemplate": "%{y:.4g}"}
    return go.Scatter(x=xs, y=ys.astype(np.float32), name=label, mode=mode, line=dict(line), **hover, **more)


def finish(
    figure: go.Figure, *, title: str = "", x_title: str = "", y_title: str = "", log_y: bool = False
) -> go.Figure:
    """The look that all figures share: transparent, tight, legend in one row at the top."""
    return figure.update_layout(
        title={"text": title},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        margin={"l": 8, "r": 8, "t": 34 if len(figure.data) > 1 else 12, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        xaxis={"title": {"text": x_title}, "automargin": True},
        yaxis={"title": {"text": y_title}, "automargin": True, "type": "log" if log_y else "linear"},
    )


def _with_unit(title: str, unit: str) -> str:
    return f"{title} ({unit})" if title and unit else title or unit

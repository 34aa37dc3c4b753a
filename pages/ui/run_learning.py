"""What a run has learnt: the film of its picture sheets beside its curves, and all of it to take away.

    show_learning(run, run.recipe(), run.status(), on_branch=open_branch, on_start=show_run)

It is drawn again and again while a run trains; nothing in it costs more than the new lines of the run's history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from gan_core.downloads import sheet_png, training_animation, weights
from gan_core.history import History
from gan_core.recipes.recipe import Recipe
from gan_core.runs import Run, Sheet, Status
from pages.ui import charts, lesson
from pages.ui.i18n import _, current_language
from pages.ui.live_plot import live_plot, plain
from pages.ui.run_quality import OnStart, distance_key, show_alarm, show_quality
from pages.ui.timeline import timeline

OnBranch = Callable[[str], None]


@dataclass(frozen=True)
class Chart:
    """One chart of a run, ready to send: its figure, its height in pixels, and the sentence for who cannot see it."""

    figure: Mapping[str, Any]
    height: int
    alt: str


def show_learning(run: Run, recipe: Recipe, status: Status, on_branch: OnBranch, on_start: OnStart) -> None:
    """What a history says in words, the film and the curves of a run, with their switches and downloads."""
    history = run.history()
    sheets = run.sheets(history)
    with st.container():  # empty or not, it keeps the charts' place on the page, and so their zoom
        show_alarm(run, recipe, history, sheets, on_start)
    smoothing, log_y, verdicts = switches()
    drawn = charts_of(newest(run, history), smoothing, log_y, current_language(), history, recipe)
    keys = {name: f"{run.id}.{name}" for name in drawn}
    left, right = st.columns([5, 6], gap="medium")
    with left:
        if sheets:
            shown = timeline(
                f"run:{run.id}", sheets, key=f"{run.id}.film", charts=[*keys.values(), distance_key(run)],
                verdicts=verdicts,
            )  # fmt: skip
            snapshot_row(run, shown, on_branch)
            training_row(run)
        elif status.live:
            st.caption(_("The pictures appear as soon as the training has started."))
        else:
            st.caption(_("This run has no pictures: it ended before the first."))
    with right:
        for name in ("losses", "answers"):
            place(keys[name], drawn[name])
    with st.container():
        show_quality(run, recipe, status, history)
    for column, name in zip(st.columns(2, gap="medium"), ("parts", "rates"), strict=True):
        with column:
            place(keys[name], drawn[name])


def switches() -> tuple[float, bool, bool]:
    """(smoothing, logarithmic losses, D's verdicts) as the visitor wants them; all in the URL."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        smoothing = st.slider(
            _("Smoothing"), 0.0, 0.99, 0.6, 0.01, key="smoothing", bind="query-params", width=240,
            persist_state="session",
            help=_("Weight of the past in a moving average; the raw curve stays visible behind it."),
        )  # fmt: skip
        log_y = st.toggle(_("Logarithmic losses"), key="log", bind="query-params", persist_state="session")
        verdicts = st.toggle(
            _("D's verdict on each picture"), True, key="verdicts", bind="query-params", persist_state="session",
            help=_("D(G(z)): how likely, in the discriminator's eyes, a generated picture is a real one."),
        )  # fmt: skip
    return smoothing, log_y, verdicts


def newest(run: Run, history: History) -> tuple[object, ...]:
    """What differs as soon as a run has another point of its curves."""
    return run.id, len(history), *(values[-1] for name in ("step", "seconds") if (values := history.scalars.get(name)))


@st.cache_resource(max_entries=64, show_spinner=False)
def charts_of(
    state: tuple[object, ...], smoothing: float, log_y: bool, language: str, _history: History, _recipe: Recipe
) -> Mapping[str, Chart]:
    """The charts of a run as it stands, made once for all who look at it and until the next point."""
    return draw_charts(_history, _recipe, smoothing, log_y)


def draw_charts(history: History, recipe: Recipe, smoothing: float, log_y: bool) -> Mapping[str, Chart]:
    """The charts of a run by name, all of them over epochs."""
    answers = {"d_real": _("D(x), real pictures"), "d_fake": _("D(G(z)), generated pictures")}
    parts = {term.kind: _(term.title) for term in recipe.discriminator_terms}

    def curves(names: Sequence[str] | Mapping[str, str], **look: Any) -> Mapping[str, Any]:
        return plain(charts.loss_curves(history.scalars, names, x="epoch", **look))

    return {
        "losses": Chart(
            curves(["loss_g", "loss_d"], smoothing=smoothing, log_y=log_y, title=_("Losses")),
            290, _("Curves of the generator's and the discriminator's loss, by epoch"),
        ),
        "answers": Chart(
            curves(answers, smoothing=smoothing, title=_("What the discriminator answers")),
            290, _("Curves of the discriminator's answers for real and for generated pictures, by epoch"),
        ),
        "parts": Chart(
            curves(parts, smoothing=smoothing, log_y=log_y, title=_("Parts of the discriminator's loss")),
            270, _("Curves of each part of the discriminator's loss, by epoch"),
        ),
        "rates": Chart(plain(draw_rates(history)), 270, _("Curves of both learning rates, by epoch")),
    }  # fmt: skip


def draw_rates(history: History) -> go.Figure:
    """Both learning rates, from 0: a constant one is a level line, and one line never hides the other."""
    names = {"lr_g": _("Generator"), "lr_d": _("Discriminator")}
    figure = charts.loss_curves(history.scalars, names, x="epoch", title=_("Learning rates"))
    highest = max((rate for name in names for rate in history.scalars.get(name, ()) if rate), default=1.0)
    figure.update_traces(line_dash="dot", selector={"name": names["lr_d"]})
    return figure.update_yaxes(range=[0, 1.15 * highest], exponentformat="power")


def place(key: str, chart: Chart) -> None:
    """One chart on the page."""
    live_plot(chart.figure, key=key, alt=chart.alt, height=chart.height)


def snapshot_row(run: Run, shown: Sheet, on_branch: OnBranch) -> None:
    """What the snapshot on screen can become: a picture, a file of weights, the start of another run."""
    why = None
    if shown.bundle is None:
        why = _("The networks are kept at the snapshots with a dot below the slider, and where a run ends; choose one.")
    with st.container(horizontal=True):
        download(_("Picture"), partial(sheet_png, shown), f"{run.id}-step{shown.step}.png", "image/png")
        download(
            _("Weights"), partial(weights, shown), f"{run.id}-step{shown.step}.safetensors",
            "application/octet-stream", missing=why,
        )  # fmt: skip
        with lesson.control("branch", key=run.id):
            if st.button(
                _("Branch"), icon=":material/call_split:", key=f"{run.id}.branch", disabled=why is not None,
                help=why or _("Start a new run from these networks, with other settings."),
            ):  # fmt: skip
                on_branch(f"{run.id}@{shown.step}")


def training_row(run: Run) -> None:
    """The whole training to take away; films are made only when somebody asks for one."""
    with st.container(horizontal=True):
        download(_("Curves (CSV)"), run.curves_csv, f"{run.id}.csv", "text/csv")
        for format in ("gif", "webp"):
            title = _("Film ({format})").format(format={"gif": "GIF", "webp": "WebP"}[format])
            download(title, partial(training_animation, run, format), f"{run.id}.{format}", f"image/{format}")


def download(
    title: str, content: Callable[[], bytes | str], name: str, mime: str, *, missing: str | None = None
) -> None:
    """A button whose file is made when it is clicked."""
    with lesson.control("downloads", key=name):
        st.download_button(
            title, content, file_name=name, mime=mime, key=f"download.{name}", on_click="ignore",
            icon=":material/download:", disabled=missing is not None, help=missing,
        )  # fmt: skip

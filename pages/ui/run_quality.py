"""How good a run's pictures are: classes covered, distance to real pictures, and what may help where it is bad.

    show_alarm(run, run.recipe(), history, sheets, on_start=show_run)     # nothing while there is nothing to say
    show_quality(run, run.recipe(), run.status(), history)

It ticks with the run. Runs of older versions, and those that measure nothing, say so in one line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from gan_core import guests
from gan_core.advice import Offer, offers, starting_point
from gan_core.alarms import Finding, class_names, covered_classes, findings, missing_classes
from gan_core.config import UserError
from gan_core.events import Quality
from gan_core.history import History
from gan_core.jobs import start_runs
from gan_core.recipes.recipe import Recipe
from gan_core.runs import Run, Sheet, Status
from pages.ui import charts, guest_view, lesson, panels, visitor
from pages.ui.i18n import _, current_language, ngettext, sentence
from pages.ui.live_plot import live_plot, plain

OnStart = Callable[[Run], None]
HEIGHT = 270
ICONS = {
    "improving": ":material/trending_down:",
    "settled": ":material/trending_flat:",
    "worsening": ":material/trending_up:",
    "unformed": ":material/hourglass_empty:",
}


def show_quality(run: Run, recipe: Recipe, status: Status, history: History) -> None:
    """The newest figures, the class bars and the distance curve."""
    st.markdown("**" + _("Quality") + "**")
    if not history.quality:
        st.caption(why_nothing(recipe, status))
        return
    newest = history.quality[-1]
    show_figures(newest)
    if not newest.classes:
        return
    for column, draw in zip(st.columns(2, gap="medium"), (show_classes, show_distance), strict=True):
        with column:
            draw(run, history.quality)


def why_nothing(recipe: Recipe, status: Status) -> str:
    """Why no figures are there."""
    if not recipe.snapshots.measured:
        return _("This run measures nothing: its setting “Measured pictures” is 0.")
    if status.live:
        return _("At the end of an epoch you see which classes the pictures show, and how far they are from real ones.")
    return _("This run was not measured: it ended within its first epoch, or an older version trained it.")


def show_alarm(run: Run, recipe: Recipe, history: History, sheets: Sequence[Sheet], on_start: OnStart) -> None:
    """One calm panel: all that the history says, and remedies for the gravest of it."""
    found = findings(history, recipe)
    if not found:
        return
    with st.container(border=True, gap="small"):
        for finding in found:
            icon = ":material/warning:" if finding.grave else ICONS[finding.kind]
            st.markdown(f"{icon} {finding_sentence(finding)} " + since(finding))
        with lesson.control("branch", key=f"{run.id}-remedies"):
            show_remedies(run, recipe, found[0], sheets, on_start)


def finding_sentence(finding: Finding) -> str:
    """What was found, in the visitor's language."""
    values = {
        key: ", ".join(_(name) for name in value) if isinstance(value, tuple) else value
        for key, value in finding.values.items()
    }
    return panels.literal(sentence(finding.text, values))


def since(finding: Finding) -> str:
    """Since when, and how often it was seen: one more measurement is one more reason to believe it."""
    if not finding.grave:
        return ""
    text = ngettext(
        "Since epoch {epoch}, seen {count} time in a row.", "Since epoch {epoch}, seen {count} times in a row.",
        finding.seen,
    )  # fmt: skip
    return f":gray[{text.format(epoch=f'{finding.since:.3g}', count=finding.seen)}]"


def show_remedies(
    run: Run, recipe: Recipe, finding: Finding, sheets: Sequence[Sheet], on_start: OnStart
) -> None:
    """A button for each remedy that the recipe accepts; a click starts a branch."""
    choices = offers(recipe, finding.kind) if guest_view.owns(run) else ()
    if not choices:
        return
    start = starting_point(sheets, finding)
    if start is None:
        st.caption(_("Remedies can be tried from a snapshot that keeps its networks; this run has none yet."))
        return
    st.caption(_("A click trains a branch from epoch {epoch} with one thing changed:").format(epoch=f"{start.epoch:g}"))
    with st.container(horizontal=True):
        for offer in choices:
            title = offer.remedy.title
            if st.button(_(title), key=f"{run.id}.remedy.{title}", help=_(offer.remedy.help),
                         icon=":material/call_split:"):  # fmt: skip
                start_branch(run, offer, start, on_start)
    if finding.grave:
        panels.go_to("../lab.py", _("Compare remedies from the start, in the Lab"), icon=":material/science:",
                     params={"comparison": "new", "recipe": recipe.name, "data": recipe.dataset})  # fmt: skip


def start_branch(run: Run, offer: Offer, start: Sheet, on_start: OnStart) -> None:
    """Queue the branch and go there; a refusal is one sentence."""
    about = run.about()
    try:
        [branch] = start_runs(
            [guests.fitted(offer.recipe)], device=about.device, name=f"{_(about.name)} + {_(offer.remedy.title)}",
            start_from=start.bundle, parent=f"{run.id}@{start.step}", owner=visitor.owner(),
        )  # fmt: skip
    except UserError as error:
        panels.error_panel(sentence(error.text, error.values))
    else:
        on_start(branch)


def show_figures(quality: Quality) -> None:
    """The newest measurement in a row of numbers."""
    with st.container(horizontal=True, gap="large"):
        if quality.classes:
            covered, classes = covered_classes(quality)
            rule = _("A class counts as covered from a tenth of its share among real pictures on; {count} were drawn.")
            figure(_("Classes covered"), _("{covered} of {classes}").format(covered=covered, classes=classes),
                   rule.format(count=f"{quality.count:,}"))  # fmt: skip
        if quality.distance is not None:
            figure(_("Distance to real pictures"), f"{quality.distance:.3g}",
                   _("Fréchet distance on the features of the classifier for {dataset}. As many real pictures score "
                     "{floor}; real pictures of one class alone {alone}.").format(
                       dataset=quality.reader, floor=f"{quality.floor:.3g}", alone=f"{quality.alone:.3g}"))  # fmt: skip
        figure(_("Variety"), f"{quality.spread:.0%}",
               _("How much two pictures differ, compared with two real ones; within a label where there are labels."))
        if quality.obedience is not None:
            figure(_("Labels obeyed"), f"{quality.obedience:.1%}", _("Pictures that show the class asked for."))
        if quality.d_trained is not None and quality.d_held_out is not None:
            figure(_("D(x), known and new"), f"{quality.d_trained:.2f} · {quality.d_held_out:.2f}",
                   _("D's mean answer for real pictures that it trains on, and for others. It rates a known one above "
                     "a new one in {share} of all pairs; half is fair, more means it learns them by heart.").format(
                       share=f"{quality.memory:.0%}"))  # fmt: skip


def figure(title: str, value: str, help: str) -> None:
    """One number with what it means."""
    st.metric(title, value, help=help, width="content")


def show_classes(run: Run, measured: Sequence[Quality]) -> None:
    """What the pictures show, class by class, beside real ones."""
    quality = measured[-1]
    names = [_(name) for name in class_names(quality)]
    missing = [names[number] for number in missing_classes(quality)]
    drawn = draw_classes(quality, tuple(names), current_language())
    said = _("Missing: {names}").format(names=", ".join(missing)) if missing else _("No class is missing.")
    alt = _("Share of each class, generated and real.") + " " + said
    live_plot(drawn, key=f"{run.id}.classes", alt=alt, height=HEIGHT)
    st.caption(panels.literal(said))


@lru_cache(maxsize=64)
def draw_classes(quality: Quality, names: tuple[str, ...], language: str) -> Mapping[str, Any]:
    """The bars of one measurement, made once for all who look at it."""
    shares = [100 * count / quality.count for count in quality.classes]
    return plain(charts.paired_bars(
        names, {_("generated"): shares, _("real"): [100 * share for share in quality.real]},
        title=_("Classes at epoch {epoch}").format(epoch=f"{quality.epoch:.3g}"), unit="%",
    ))  # fmt: skip


def show_distance(run: Run, measured: Sequence[Quality]) -> None:
    """The distance to real pictures over the epochs, between what chance makes and a single class."""
    drawn = draw_distance(tuple(measured), current_language())
    live_plot(drawn, key=distance_key(run), height=HEIGHT,
              alt=_("Curve of the Fréchet distance to real pictures, by epoch"))  # fmt: skip


@lru_cache(maxsize=64)
def draw_distance(measured: tuple[Quality, ...], language: str) -> Mapping[str, Any]:
    """The curve over so many measurements, made once for all who look at it."""
    columns = {"epoch": [quality.epoch for quality in measured], "distance": [quality.distance for quality in measured]}
    drawn = charts.loss_curves(
        columns, {"distance": _("Distance to real pictures")}, x="epoch", log_y=True,
        title=_("Distance to real pictures"),
    )  # fmt: skip
    drawn.update_traces(mode="lines+markers")
    mark(drawn, measured[-1].floor, _("real pictures"))
    mark(drawn, measured[-1].alone, _("one class alone"))
    return plain(drawn)


def distance_key(run: Run) -> str:
    """The name of the distance curve on the page, by which the film moves a cursor in it."""
    return f"{run.id}.distance"


def mark(drawn: go.Figure, value: float | None, text: str) -> None:
    """A level to compare the curve with; on a logarithmic axis Plotly wants a text's place as an exponent."""
    if value:
        drawn.add_hline(y=value, line={"color": charts.GREY, "dash": "dot", "width": 1.5})
        drawn.add_annotation(x=1, xref="paper", xanchor="right", y=math.log10(value), yanchor="bottom", text=text,
                             showarrow=False)  # fmt: skip

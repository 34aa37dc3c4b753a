"""What the runs of a comparison came to: the table, every run as a point, the pictures, and files to keep.

    lab_results.show(results, ref)
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from gan_core.lab.ablation import PLAIN
from gan_core.lab.poster import poster
from gan_core.lab.trials import (
    FEWEST_FOR_A_VERDICT,
    Results,
    Row,
    Table,
    marks_by_chance,
    shown,
    shown_cell,
    summarise,
    table_csv,
    trials_csv,
)
from gan_core.metrics.table import BY_KEY
from gan_core.runs import LIVE
from pages.ui import charts, panels, state
from pages.ui.i18n import N_, _
from pages.ui.lab_ways import title_of
from pages.ui.live_plot import live_plot
from pages.ui.run_words import state_title

BETTER = {"lower": N_("lower is better"), "higher": N_("higher is better")}
ROW_HEIGHT, MARGINS = 44, 90  # pixels of the chart
LINE = 18  # characters of a way's name on one line of the chart
COLUMNS = 3


def show(results: Results, ref: str) -> None:
    """All of it; before the first run is measured, what there will be."""
    table = summarise(results)
    if not table.keys:
        st.info(why_nothing(results), icon=":material/hourglass_top:")
        return
    st.markdown(_as_markdown(table))
    st.caption(_explained(table))
    st.markdown(_in_words(results, table))
    _show_points(results, table, ref)
    _show_sheets(results)
    name = f"{results.recipe}-comparison"
    panels.download_row(
        [
            (_("Table"), lambda: table_csv(table).encode(), f"{name}.csv", "text/csv"),
            (_("Each run"), lambda: trials_csv(results).encode(), f"{name}-runs.csv", "text/csv"),
            (_("Everything"), lambda: results.to_json().encode(), f"{name}.json", "application/json"),
            *([(_("Picture sheets"), lambda: poster(results), f"{name}.png", "image/png")] if results.sheets else []),
        ],
        key=f"{ref}.downloads",
    )


def why_nothing(results: Results) -> str:
    """Why there is no table."""
    if any(trial.state in LIVE for trial in results.trials):
        return _("The table appears as soon as the first run has ended and is measured.")
    return _("No run was measured: those that are stopped, fail or diverge are not, nor is data without a classifier.")


def _as_markdown(table: Table) -> str:
    heads = ["", _("Runs"), *(_(BY_KEY[key].title) for key in table.keys)]
    lines = [
        [
            panels.literal(title_of(row.part)), f"{row.measured}/{row.runs}",
            *(shown_cell(key, row.cells.get(key)).replace(" ", "\u00a0") for key in table.keys),
        ]
        for row in table.rows
    ]  # fmt: skip
    floors = [f"*{shown(key, table.floors.get(key))}*" for key in table.keys]
    lines.append([f"*{_('Real pictures')}*", "", *floors])
    rows = [heads, [":--", *["--:"] * (len(heads) - 1)], *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _in_words(results: Results, table: Table) -> str:
    """A line for each way: a column of sentences would squeeze the figures."""
    return "\n".join(
        f"- **{panels.literal(title_of(row.part))}**: {verdict(results, table, row)}" for row in table.rows
    )


def verdict(results: Results, table: Table, row: Row) -> str:
    """What a way did, in words."""
    if row.measured == 0:
        states = dict.fromkeys(trial.state for trial in results.trials if trial.part == row.part)
        return ", ".join(state_title(state) for state in states)
    if row.part == PLAIN:
        return _("the baseline")
    plain = next((other.measured for other in table.rows if other.part == PLAIN), 0)
    if min(row.measured, plain) < FEWEST_FOR_A_VERDICT:
        return _("too few runs to tell")
    said = []
    for sign, text in ((1, _("better: {measures}")), (-1, _("worse: {measures}"))):
        names = [_(BY_KEY[key].title) for key, cell in row.cells.items() if cell.verdict == sign]
        if names:
            said.append(text.format(measures=", ".join(names)))
    return "; ".join(said) or _("no clear difference")


def _explained(table: Table) -> str:
    said = _(
        "Mean ± standard deviation over the seeds. ▲: each of its runs beats each run without remedy; ▼: each falls "
        "behind. “Real pictures”: as many real test pictures in the generator's place."
    )
    marks = marks_by_chance(table)
    if marks:
        text = _("If no remedy did anything, about {marks} of such marks would still be expected in this table.")
        said += " " + text.format(marks=f"{marks:.1f}")
    return said


def _show_points(results: Results, table: Table, ref: str) -> None:
    """Every run as a point, for one measure."""
    key = state.choice(
        st.segmented_control, _("Measure shown"), table.keys, param="measure", label=lambda key: _(BY_KEY[key].title)
    )
    metric = BY_KEY[key]
    scale, unit = (100, "%") if metric.unit == "share" else (1, "")
    rows: Mapping[str, dict[str, float]] = {
        _wrapped(title_of(row.part)): {
            _("seed {seed}").format(seed=trial.seed): scale * trial.scores[key]
            for trial in results.trials
            if trial.part == row.part and key in trial.scores
        }
        for row in table.rows
        if row.cells.get(key)
    }
    floor = table.floors.get(key)
    figure = charts.strips(
        rows, x_title=f"{_(metric.title)}, {_(BETTER[metric.better])}", unit=unit,
        reference=None if floor is None else scale * floor,
    )  # fmt: skip
    live_plot(
        figure, key=f"{ref}.points", height=ROW_HEIGHT * len(rows) + MARGINS,
        alt=_("{measure} of every run, one line for each way of training").format(measure=_(metric.title)),
    )  # fmt: skip
    st.caption(
        _("Each dot is a run, the stroke their mean; the grey band is the range without remedy, the dotted line what "
          "real pictures score. {help}").format(help=_(metric.help))
    )  # fmt: skip


def _wrapped(title: str) -> str:
    """A long name on two lines, so that the chart has room on a phone."""
    place = title.rfind(" ", 0, LINE + 1) if len(title) > LINE else -1
    return title if place < 0 else f"{title[:place]}<br>{title[place + 1 :]}"


def _show_sheets(results: Results) -> None:
    """The newest sheet of each way's first measured run."""
    if not results.sheets:
        return
    st.markdown("**" + _("Picture sheets") + "**")
    parts = [part for part in results.parts if part in results.sheets]
    for start in range(0, len(parts), COLUMNS):
        for column, part in zip(st.columns(COLUMNS), parts[start : start + COLUMNS], strict=False):
            with column:
                title = title_of(part)
                panels.picture(results.sheets[part], alt=_("Pictures by {title}").format(title=title), width="stretch",
                               caption=panels.literal(title))  # fmt: skip
    st.caption(_("The same noise for each way, at the end of its run with the first seed that was measured."))

"""All sheets of a run as a film: slider, play, D's verdict on each tile, and the cursor of the charts in step.

    shown = timeline(f"run:{run.id}", sheets, key="film", charts=["losses"], verdicts=True)

The charts are those of `live_plot` with these keys and an x axis of epochs; a click on one moves the film. Pictures
come over HTTP (sheet_route) and the film plays in the browser, so that neither waits for a rerun. Where it comes to
rest is in the URL as ?snapshot=STEP; a film at its end stays with the newest sheet while a run trains. It needs at
least one sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from gan_core.runs import Sheet
from pages.ui import state
from pages.ui.i18n import _
from pages.ui.sheet_route import SHEETS_ROUTE

SPEEDS = (2, 5, 10, 20)
DEFAULT_SPEED = 5
MOST = 500  # sheets of a film

_component = st.components.v2.component(
    "gan_timeline",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def timeline(
    ref: str,
    sheets: Sequence[Sheet],
    *,
    key: str,
    charts: Sequence[str] = (),
    verdicts: bool = False,
    param: str = "snapshot",
) -> Sheet:
    """Show the film; return the sheet that it rests on.

    Args:
        ref: the model whose training the sheets are from, as gan_core.library names it.
        sheets: all sheets of the run, in order; at least one.
        key: names the film on the page.
        charts: keys of the live plots whose cursor moves along, in epochs.
        verdicts: whether each tile carries D(G(z)), in percent.
        param: the URL parameter of the step it rests on; the speed is `param` + "_speed".
    """
    newest = sheets[-1]
    asked = st.session_state.get(key)
    if asked is None:  # the first rendering follows the link
        step: int | None = state.read(param, -1)
        speed = state.read(f"{param}_speed", DEFAULT_SPEED, choices=SPEEDS)
    else:
        step, speed = asked.get("step"), asked.get("speed") or DEFAULT_SPEED
    shown = next((sheet for sheet in sheets if sheet.step == step), newest)
    state.write(**{
        param: None if shown is newest else shown.step,
        f"{param}_speed": None if speed == DEFAULT_SPEED else speed,
    })  # fmt: skip
    data = {
        "run": ref,
        "route": f"{SHEETS_ROUTE}/{quote(ref, safe='')}",
        "sheets": [
            (sheet.step, round(sheet.epoch, 2), sheet.bundle is not None, [round(100 * v) for v in sheet.verdicts])
            for sheet in chosen(sheets, shown)
        ],
        "rows": newest.rows, "columns": newest.columns, "step": shown.step, "speed": speed, "speeds": SPEEDS,
        "charts": list(charts), "verdicts": verdicts, "words": _words(newest),
    }  # fmt: skip
    _component(
        key=key, data=data, default={"step": None if shown is newest else shown.step, "speed": speed},
        on_step_change=lambda: None, on_speed_change=lambda: None,
    )  # fmt: skip
    return shown


def chosen(sheets: Sequence[Sheet], shown: Sheet, most: int = MOST) -> list[Sheet]:
    """All sheets, or of more than ``most`` every second, fourth, eighth …: a power of two, so that those of a run that
    trains stay the same for as long as can be. Those ``shown``, newest, or with networks are always among them.
    """
    every = 1
    while len(sheets) > most * every:
        every *= 2
    kept = (sheets[-1].step, shown.step)
    return [sheet for index, sheet in enumerate(sheets)
            if not index % every or sheet.step in kept or sheet.bundle is not None]  # fmt: skip


def _words(sheet: Sheet) -> dict[str, str]:
    """What the film says; {epoch}, {number}, {count}, {speed} and {percent} are filled in as it plays."""
    alt = _("{tiles} generated pictures in {rows} rows, at epoch {epoch}")
    return {
        "title": _("Timeline of the training"),
        "slider": _("Snapshot"),
        "play": _("Play"),
        "pause": _("Pause"),
        "back": _("Previous snapshot"),
        "forth": _("Next snapshot"),
        "newest": _("Newest snapshot"),
        "speed": _("Speed"),
        "rate": _("{speed} pictures/s"),
        "where": _("Epoch {epoch} · {number} of {count}"),
        "kept": _("The networks of this snapshot are kept"),
        "verdict": _("D(G(z)) = {percent}%: how real the discriminator thinks this picture is"),
        "alt": alt.replace("{tiles}", str(sheet.rows * sheet.columns)).replace("{rows}", str(sheet.rows)),
    }

"""The visitor's latest runs: their newest sheets, how they stand, and the way to them."""

from __future__ import annotations

import streamlit as st

from gan_core import shelf
from gan_core.shelf import RunEntry
from pages.ui import guest_view, panels, run_words
from pages.ui.i18n import _

SHOWN = 6
COLUMNS = 3
THUMBNAIL = 88  # pixels
TICK_SECONDS = 2.0


def show_recent_runs() -> None:
    """The latest runs, kept up to date while one of them is going; nothing where there is none."""
    entries = own_entries()
    if not entries:
        return
    st.header(_("Latest runs"), anchor="runs")

    @st.fragment(run_every=TICK_SECONDS if any(entry.status.live for entry in entries) else None)
    def listed() -> None:
        fresh = own_entries()
        for start in range(0, len(fresh), COLUMNS):
            for column, entry in zip(st.columns(COLUMNS), fresh[start : start + COLUMNS], strict=False):
                with column.container(border=True, horizontal=True, height="stretch"):
                    _card(entry)

    listed()


def own_entries() -> list[RunEntry]:
    """The visitor's latest."""
    return guest_view.own_entries(shelf.run_entries())[:SHOWN]


def _card(entry: RunEntry) -> None:
    status, name = entry.status, _(entry.about.name)
    sheet = shelf.newest_sheet(entry.run)
    if sheet is not None:
        panels.picture(sheet, alt=_("Newest picture sheet of {name}").format(name=name), width=THUMBNAIL)
    with st.container(width="stretch", gap="xsmall"):
        st.text(name)
        st.badge(
            run_words.state_title(status.state), icon=run_words.state_icon(status.state),
            color=run_words.state_color(status.state),
        )  # fmt: skip
        if status.total_epochs:
            st.caption(
                _("epoch {done} of {planned}").format(done=f"{status.epoch:.4g}", planned=f"{status.total_epochs:.4g}")
            )
        if status.live and status.total_steps:
            st.progress(min(status.progress, 1.0))
        panels.go_to("../train.py", _("Open"), icon=":material/monitoring:", params={"run": entry.id})

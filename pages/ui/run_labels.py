"""How the state of a run, a size and a moment read on screen; the same wherever runs are listed."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from gan_core.runs import Status
from pages.ui.i18n import N_, _, language_tag

STATES = {
    "queued": (N_("Waiting"), ":material/schedule:", "gray"),
    "running": (N_("Training"), ":material/play_circle:", "blue"),
    "paused": (N_("Paused"), ":material/pause_circle:", "orange"),
    "stopping": (N_("Stopping"), ":material/pending:", "orange"),
    "finished": (N_("Finished"), ":material/check_circle:", "green"),
    "stopped": (N_("Stopped"), ":material/stop_circle:", "gray"),
    "diverged": (N_("Diverged"), ":material/trending_up:", "red"),
    "failed": (N_("Failed"), ":material/error:", "red"),
}


def state_title(state: str) -> str:
    """A run's state in the visitor's language."""
    return _(STATES[state][0]) if state in STATES else state


def state_badge(status: Status) -> None:
    """The state as a coloured word; while the run goes on, with how far it is."""
    title, icon, color = STATES.get(status.state, (status.state, ":material/help:", "gray"))
    share = f" · {status.progress:.0%}" if status.live and status.total_steps else ""
    st.badge(_(title) + share, icon=icon, color=color)  # type: ignore[arg-type]


def size(count: int) -> str:
    """Bytes as people read them."""
    value, units = float(count), ("B", "kB", "MB", "GB", "TB")
    rank = 0
    while value >= 1000 and rank < len(units) - 1:
        value, rank = value / 1000, rank + 1
    return f"{value:.3g} {units[rank]}"


def moment(seconds: float) -> str:
    """A time since 1970 as date and time of day, in the server's time zone."""
    if not seconds:
        return _("unknown")
    when = datetime.fromtimestamp(seconds)
    if language_tag().startswith("zh"):
        return f"{when.year} 年 {when.month} 月 {when.day} 日 {when:%H:%M}"
    return f"{when.day} {when:%b %Y, %H:%M}"

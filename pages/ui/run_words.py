"""How a run stands, in words: the same on every page that lists or shows runs.

    st.badge(state_title(status.state), icon=state_icon(status.state), color=state_color(status.state))
    run_label(run)                  # "Conditional GAN · 21 Nov 09:26 · training"
    duration(75)                    # "1 min 15 s"
    status_sentence(status)         # what the training process has to say, in the visitor's language
    device_words("CPU, 2 threads")  # what a run trains on, likewise
"""

from __future__ import annotations

import re
from datetime import datetime

from gan_core.runs import Run, Status
from pages.ui.i18n import N_, _, ngettext, sentence

# state: title, icon, colour of a badge
STATES = {
    "queued": (N_("waiting"), ":material/hourglass_top:", "gray"),
    "running": (N_("training"), ":material/play_circle:", "primary"),
    "paused": (N_("paused"), ":material/pause_circle:", "yellow"),
    "stopping": (N_("stopping"), ":material/pending:", "gray"),
    "finished": (N_("finished"), ":material/check_circle:", "green"),
    "stopped": (N_("stopped"), ":material/stop_circle:", "gray"),
    "diverged": (N_("diverged"), ":material/trending_up:", "red"),
    "failed": (N_("failed"), ":material/error:", "red"),
}


def state_title(state: str) -> str:
    """The state in one word."""
    return _(STATES[state][0]) if state in STATES else state


def state_icon(state: str) -> str:
    """The icon that stands for the state."""
    return STATES[state][1] if state in STATES else ":material/help:"


def state_color(state: str) -> str:
    """The colour of the state's badge."""
    return STATES[state][2] if state in STATES else "gray"


def status_sentence(status: Status) -> str:
    """What the training process has to say, in the visitor's language; empty where it says nothing."""
    return sentence(status.template, status.values) if status.template else _(status.message)


def notice_sentence(status: Status) -> str:
    """What there is to know of a run that is no fault, in the visitor's language; empty where there is nothing."""
    return sentence(status.notice_template, status.notice_values) if status.notice_template else _(status.notice)


def device_words(title: str) -> str:
    """A device as `gan_core.devices.device_title` or the manifest of weights puts it, in the visitor's language.

    A GPU has its maker's name.
    """
    threads = re.fullmatch(r"CPU, (\d+) threads?", title)
    if threads is None:
        return _(title)
    return ngettext("CPU, {count} thread", "CPU, {count} threads", int(threads[1])).format(count=threads[1])


def run_label(run: Run, *, state: bool = True) -> str:
    """A run in a list: its name, when it was made and, unless it is said elsewhere, how it stands."""
    about = run.about()
    label = f"{_(about.name)} · {datetime.fromtimestamp(about.created):%m-%d %H:%M}"
    return f"{label} · {state_title(run.status().state)}" if state else label


def duration(seconds: float) -> str:
    """A time span in its two largest units."""
    whole = max(0, round(seconds))
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return _("{days} d {hours} h").format(days=days, hours=hours)
    if hours:
        return _("{hours} h {minutes} min").format(hours=hours, minutes=minutes)
    if minutes:
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=whole % 60)
    return _("{seconds} s").format(seconds=whole)

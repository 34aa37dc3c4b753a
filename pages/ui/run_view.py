"""A run as it stands: state, progress and controls, above what it has learnt; it ticks while the run is live.

    run_view(run, on_branch=open_branch, on_start=show_run)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import streamlit as st

from gan_core import guests, jobs
from gan_core.config import UserError
from gan_core.runs import Run, Status
from gan_core.waiting import wait_of
from pages.ui import guest_view, lesson, panels
from pages.ui.i18n import _, ngettext, sentence
from pages.ui.run_learning import OnBranch, show_learning
from pages.ui.run_quality import OnStart
from pages.ui.run_words import (
    device_words,
    duration,
    notice_sentence,
    state_color,
    state_icon,
    state_title,
    status_sentence,
)

# (seconds of training, up to which a tick takes so many): a longer curve changes more slowly, and drawing it takes
# processor time from the training that it shows.
TICKS = ((60.0, 1.0), (120.0, 2.0), (300.0, 5.0), (math.inf, 10.0))


def run_view(run: Run, on_branch: OnBranch, on_start: OnStart) -> None:
    """Show a run.

    Args:
        on_branch: is called with "ID@STEP" when the visitor asks for the form of a branch.
        on_start: is called with the branch that a remedy has started.
    """
    pace = tick_seconds(run, run.status())

    @st.fragment(run_every=pace)
    def ticking() -> None:
        with panels.guard():
            recipe, status = run.recipe(), run.status()
            if status.live:
                guests.seen(run)
            with st.container():  # one place, however much it says: what moves below would be drawn anew
                show_state(run, status)
                show_messages(run, status)
                show_controls(run, status)
            show_learning(run, recipe, status, on_branch, on_start)
            if tick_seconds(run, status) != pace:
                st.rerun()  # the whole page: the clock of this part starts, stops or changes

    ticking()


def tick_seconds(run: Run, status: Status) -> float | None:
    """How long until the page looks again; None for a run that has ended. What may change soon is looked at often."""
    if not status.live:
        return None
    settled = status.state == "running" and run.command() == "run"
    return next(tick for until, tick in TICKS if not settled or status.seconds < until)


def show_state(run: Run, status: Status) -> None:
    """Name, state and progress."""
    about = run.about()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(panels.literal(_(about.name)), anchor=False, width="content")
        st.badge(state_title(status.state), icon=state_icon(status.state), color=state_color(status.state))
        if about.parent:
            st.caption(_("A branch of {parent}").format(parent=about.parent), width="content")
    st.progress(min(1.0, status.progress), text=progress_text(run, status))
    if status.state == "queued":
        show_busy(run)


def progress_text(run: Run, status: Status) -> str:
    """Epoch, speed and time left, as far as they are known."""
    if status.state == "queued":
        return queue_text(run)
    if not status.total_steps:
        return status_sentence(status) if status.live else ""
    parts = [
        _("Epoch {epoch} of {epochs}").format(epoch=f"{status.epoch:.2f}", epochs=f"{status.total_epochs:.4g}"),
        _("step {step} of {steps}").format(step=f"{status.step:,}", steps=f"{status.total_steps:,}"),
        _("{rate} pictures/s").format(rate=f"{status.images_per_second:,.0f}"),
    ]
    if not status.live:
        parts.append(_("trained for {time}").format(time=duration(status.seconds)))
    elif status.seconds_left is not None:
        parts.append(_("{time} left").format(time=duration(status.seconds_left)))
    return " · ".join([*parts, device_words(status.device)])


def queue_text(run: Run) -> str:
    """Where a waiting run stands in the line."""
    wait = wait_of(run)
    ahead = wait.place - 1
    if ahead:
        text = ngettext("Waiting: {count} other run starts first.", "Waiting: {count} other runs start first.", ahead)
        said = text.format(count=ahead)
    elif jobs.training(run.path.parent):
        said = _("Next in line: it starts as soon as the run before it has ended.")
    else:
        return _("Starting")
    if wait.seconds is None:
        return said
    return said + " " + _("That is in about {time}.").format(time=duration(wait.seconds))


def show_busy(run: Run) -> None:
    """What a waiting run waits for, and the way there: it may be paused and forgotten."""
    for other in guest_view.own_runs(jobs.training(run.path.parent)):
        state = state_title(other.status().state)
        label = _("“{name}” comes first ({state})").format(name=panels.literal(_(other.about().name)), state=state)
        panels.go_to("../train.py", label, icon=":material/arrow_forward:", params={"run": other.id})


def show_messages(run: Run, status: Status) -> None:
    """Notices, and how a run ended where it did not end well; the log is there to download, never on screen."""
    if status.live and jobs.supervisor().elsewhere:
        st.info(
            _("Another GAN Workbench looks after this folder of runs: it does the training, you can steer it here."),
            icon=":material/dns:",
        )
    if status.notice:
        st.info(notice_sentence(status), icon=":material/info:")
    text = status_sentence(status)
    if not text or (status.live and not status.total_steps):  # then the progress bar says it
        return
    if status.state not in ("failed", "diverged"):
        st.warning(text, icon=":material/info:")
        return
    panels.error_panel(text)
    st.download_button(
        _("Log for developers"), run.log, file_name=f"{run.id}.log.txt", mime="text/plain", on_click="ignore",
        icon=":material/download:", type="tertiary", key=f"{run.id}.log",
    )  # fmt: skip


def show_controls(run: Run, status: Status) -> None:
    """Pause, continue, stop, resume: what fits the state of the run, and what was asked of it already.

    While a run is live the buttons keep their places, so that none moves below a hand about to click.
    """
    if not guest_view.owns(run):
        st.caption(_("You are watching: only the visitor who started this run can steer it."))
        return
    asked = run.command()
    with st.container(horizontal=True), lesson.control("steer", key=run.id):
        if status.live:
            if asked == "pause":
                command(run, jobs.proceed, _("Continue"), ":material/play_arrow:", type="primary")
            else:
                command(run, jobs.pause, _("Pause"), ":material/pause:", disabled=status.state != "running")
            command(
                run, jobs.stop, _("Stop"), ":material/stop:", disabled=asked == "stop",
                help=_("Everything is kept, and the run can be resumed later."),
            )  # fmt: skip
        elif status.state in ("stopped", "failed"):
            command(run, jobs.proceed, _("Resume"), ":material/play_arrow:", type="primary")


def command(run: Run, order: Callable[[Run], None], title: str, icon: str, **more: Any) -> None:
    """A button that gives the run an order before the page is drawn again; a refusal is one sentence."""
    refused = f"{run.id}.refused"

    def give() -> None:
        try:
            guest_view.require(run)
            order(run)
        except UserError as error:
            st.session_state[refused] = sentence(error.text, error.values)

    st.button(title, icon=icon, key=f"{run.id}.{order.__name__}", on_click=give, **more)
    if refused in st.session_state:
        panels.error_panel(st.session_state.pop(refused))

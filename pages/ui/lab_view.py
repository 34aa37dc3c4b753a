"""A comparison as it stands: how far it is, and what its runs came to; it ticks while one of them is live.

    lab_view("20260102-030405-ab12")      # or "shipped:fc_gan"
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from gan_core import guests, jobs, shelf
from gan_core.config import UserError
from gan_core.lab import comparisons
from gan_core.lab.ablation import PLAIN
from gan_core.lab.comparisons import SHIPPED
from gan_core.lab.trials import Results
from gan_core.shelf import RunEntry
from gan_core.waiting import remaining
from pages.ui import guest_view, lab_results, library_words, panels, state
from pages.ui.i18n import _, ngettext
from pages.ui.lab_ways import title_of
from pages.ui.run_words import device_words, duration, state_color, state_icon, state_title

VIEW_PARAMS = ("measure",)
TICK_SECONDS = 2.0
RESUMED = frozenset({"stopped", "failed"})


def lab_view(ref: str) -> None:
    """Show a comparison."""
    if ref.startswith(SHIPPED):
        results = comparisons.open_results(ref)
        _describe(results)
        lab_results.show(results, ref)
        return
    alive = any(entry.status.live for entry in shelf.group_entries(ref))
    library_words.show_said()

    @st.fragment(run_every=TICK_SECONDS if alive else None)
    @panels.guard()
    def ticking() -> None:
        results, entries = comparisons.open_results(ref), _members(ref)
        for entry in entries:
            if entry.status.live:
                guests.seen(entry.run)
        _describe(results)
        _show_progress(entries)
        _show_controls(ref, entries, results)
        lab_results.show(results, ref)
        _show_runs(entries)
        if alive != any(entry.status.live for entry in entries):
            st.rerun()  # the whole page: the clock of this part starts or stops

    ticking()
    if st.session_state.pop(_asked(ref), False):
        st.dialog(_("Stop all runs?"), icon=":material/stop:")(_confirm)(ref)


def _members(ref: str) -> list[RunEntry]:
    return [entry for entry in shelf.group_entries(ref) if entry.about.part]


def _describe(results: Results) -> None:
    """What was compared, and how to repeat it."""
    st.subheader(panels.literal(_(results.title)), anchor=False)
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(trial.seed for trial in results.trials))
    said = (
        panels.literal(library_words.dataset_title(results.dataset)),
        ngettext("{count} epoch", "{count} epochs", results.epochs).format(count=f"{results.epochs:,}"),
        _("seeds {seeds}").format(seeds=seeds),
        _("{count} pictures of each run measured").format(count=f"{results.count:,}"),
    )
    st.caption(" · ".join(said))
    if results.command:
        devices = ", ".join(dict.fromkeys(device_words(trial.device) for trial in results.trials if trial.device))
        hours = duration(sum(trial.seconds for trial in results.trials))
        st.caption(_("Trained for {time} in all on {device}. To repeat it:").format(time=hours, device=devices))
        st.code(results.command, language=None, wrap_lines=True)


def _show_progress(entries: Sequence[RunEntry]) -> None:
    ended = sum(not entry.status.live for entry in entries)
    said = _("{ended} of {runs} runs have ended").format(ended=ended, runs=len(entries))
    left = remaining(entry.run for entry in entries)
    if ended < len(entries) and left is not None:
        said += " · " + _("{time} of training left").format(time=duration(left))
    done = sum(1.0 if not entry.status.live else min(1.0, entry.status.progress) for entry in entries)
    st.progress(done / len(entries), text=said)


def _show_controls(ref: str, entries: Sequence[RunEntry], results: Results) -> None:
    """Stop all, go on with those that were stopped, or start anew with the same settings."""
    own = [entry for entry in entries if guest_view.owns(entry.run)]
    if not own:
        st.caption(_("You are watching: only the visitor who started these runs can stop them."))
    with st.container(horizontal=True, vertical_alignment="center"):
        if any(entry.status.live for entry in own) and st.button(
            _("Stop all"), icon=":material/stop:", key=f"{ref}.stop"
        ):
            st.session_state[_asked(ref)] = True
            st.rerun()
        halted = [entry for entry in own if entry.status.state in RESUMED]
        if halted:
            text = ngettext("Go on with {count} run", "Go on with {count} runs", len(halted))
            st.button(text.format(count=len(halted)), icon=":material/play_arrow:", key=f"{ref}.resume",
                      on_click=_resume, args=(ref,))  # fmt: skip
        if st.button(_("Change and repeat"), icon=":material/edit:", key=f"{ref}.repeat"):
            state.open_page("../lab.py", **_as_params(results))


def _as_params(results: Results) -> dict[str, str]:
    """The form with the settings of this comparison."""
    ways = [part for part in results.parts if part != PLAIN]
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(trial.seed for trial in results.trials))
    return {
        "comparison": "new", "recipe": results.recipe, "data": results.dataset, "ways": ",".join(ways) or "none",
        "trial_seeds": seeds, "trial_epochs": str(results.epochs), "trial_count": str(results.count),
    }  # fmt: skip


def _asked(ref: str) -> str:
    """Session state: the visitor wants to stop all."""
    return f"{ref}.stop_asked"


@panels.guard()
def _confirm(ref: str) -> None:
    """The question before many hours of work end."""
    live = [entry for entry in _members(ref) if entry.status.live]
    text = ngettext("{count} run trains or waits.", "{count} runs train or wait.", len(live))
    st.markdown(text.format(count=len(live)) + " " + _("What is done is kept, and stopped runs can go on later."))
    with st.container(horizontal=True):
        if st.button(_("Stop all"), type="primary", icon=":material/stop:", key=f"{ref}.stop_now", on_click=_stop,
                     args=(ref,)):  # fmt: skip
            st.rerun()
        if st.button(_("Let them train")):
            st.rerun()


def _stop(ref: str) -> None:
    """End what is live, the last in the queue first, so that none of them gets its turn in between."""
    try:
        for entry in reversed(_members(ref)):
            if entry.status.live:
                guest_view.require(entry.run)
                jobs.stop(entry.run)
    except UserError as error:
        library_words.say_error(error)


def _resume(ref: str) -> None:
    try:
        for entry in _members(ref):
            if entry.status.state in RESUMED:
                guest_view.require(entry.run)
                jobs.proceed(entry.run)
    except UserError as error:
        library_words.say_error(error)


def _show_runs(entries: Sequence[RunEntry]) -> None:
    """Every run with the way to it, one line for each way."""
    with st.expander(_("All runs"), icon=":material/list:"):
        for part in dict.fromkeys(entry.about.part for entry in entries):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{panels.literal(title_of(part))}**", width=260)
                for entry in entries:
                    if entry.about.part == part:
                        _show_run(entry)


def _show_run(entry: RunEntry) -> None:
    status = entry.status
    said = state_title(status.state)
    if status.live and status.total_steps:
        said += f" {status.progress:.0%}"
    seed = entry.run.recipe().training.seed
    with st.container(horizontal=True, width="content", gap="xsmall", vertical_alignment="center"):
        st.badge(said, icon=state_icon(status.state), color=state_color(status.state))
        panels.go_to("../train.py", _("seed {seed}").format(seed=seed), params={"run": entry.id})

"""The visitor's own runs: found by words, recipe and state, a page at a time."""

from __future__ import annotations

from functools import partial

import streamlit as st

from gan_core import export, jobs, shelf
from gan_core.config import UserError
from gan_core.shelf import RunEntry
from pages.ui import guest_view, library_dialogs, library_publish, library_share, panels, run_words, state
from pages.ui.i18n import N_, _, ngettext
from pages.ui.library_words import dataset_title, moment, say, say_error, size

PAGE = 12
TICK_SECONDS = 2.0
THUMBNAIL = 112
STATES = {
    "": N_("all"),
    "live": N_("going on"),
    "finished": N_("finished"),
    "stopped": N_("stopped"),
    "trouble": N_("failed or diverged"),
}
MEMBERS = {
    "live": frozenset({"queued", "running", "paused", "stopping"}),
    "finished": frozenset({"finished"}),
    "stopped": frozenset({"stopped"}),
    "trouble": frozenset({"failed", "diverged"}),
}
ACTIONS = {"share": N_("Share as a file"), "publish": N_("Publish"), "rename": N_("Rename"), "stop": N_("Stop"),
           "delete": N_("Delete")}  # fmt: skip


def show_runs() -> None:
    """The runs, or how to get some."""
    entries = guest_view.own_entries(shelf.run_entries())
    if not entries:
        panels.empty_state(
            _("No runs of your own yet"), _("Train a model, and it stays here with its curves, sheets and networks."),
            link="../train.py", label=_("Train"), icon=":material/model_training:",
        )  # fmt: skip
        return
    found = _filtered(entries)
    st.caption(
        ngettext("{found} of {count} run", "{found} of {count} runs", len(entries)).format(
            found=f"{len(found):,}", count=f"{len(entries):,}"
        )
    )
    if not found:
        st.info(_("No run fits; take a word out of the search, or choose all states."), icon=":material/search_off:")
        return
    first = _first_shown(len(found))
    ids = [entry.id for entry in found[first : first + PAGE]]

    alive = any(entry.status.live for entry in found)

    @st.fragment(run_every=TICK_SECONDS if alive else None)
    def listed() -> None:
        fresh = {entry.id: entry for entry in shelf.run_entries()}
        if alive and not any(entry.status.live for entry in fresh.values()):
            st.rerun()  # nothing is left to wait for: the whole page once more, and no more ticks
        for run_id in ids:
            if run_id in fresh:
                with panels.guard():
                    _card(fresh[run_id])

    listed()


def _filtered(entries: list[RunEntry]) -> list[RunEntry]:
    """The runs that the search, the recipe and the state in the URL leave."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            _("Search"), key="find", bind="query-params", persist_state="session", icon=":material/search:",
            placeholder=_("name, recipe or data"), width=260,
        )  # fmt: skip
        titles = {"": _("all")} | {entry.recipe: _(entry.recipe_title) for entry in entries if entry.recipe}
        recipe = state.choice(
            st.selectbox, _("Recipe"), titles, param="of", label=lambda name: titles.get(name, name), width=220
        )
        chosen = state.choice(
            st.pills, _("State"), STATES, param="state", label=lambda name: _(STATES[name])
        )
    return shelf.matching(entries, text=text, recipe=recipe, states=MEMBERS.get(chosen, frozenset()))


def _first_shown(count: int) -> int:
    """Where the page of the list that the visitor chose begins."""
    pages = -(-count // PAGE)
    if pages <= 1:
        return 0
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages
    return (st.pagination(pages, key="page", bind="query-params") - 1) * PAGE


def _card(entry: RunEntry) -> None:
    """One run: its newest sheet, how it stands, and what can be done with it."""
    run, status = entry.run, entry.status
    with st.container(border=True, horizontal=True):
        sheet = shelf.newest_sheet(run)
        if sheet is not None:
            alt = _("Newest picture sheet of {name}").format(name=_(entry.about.name))
            panels.picture(sheet, alt=alt, width=THUMBNAIL)
        with st.container(width="stretch", gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(_(entry.about.name), width="content")
                st.badge(
                    run_words.state_title(status.state), icon=run_words.state_icon(status.state),
                    color=run_words.state_color(status.state),
                )  # fmt: skip
            st.caption(_described(entry))
            if status.live and status.total_steps:
                st.progress(min(status.progress, 1.0))
            said = run_words.status_sentence(status)
            if said:
                st.caption(said)
            _actions(entry)


def _described(entry: RunEntry) -> str:
    """Recipe, data, progress, time and size in one line."""
    status = entry.status
    title = "" if entry.recipe_title == entry.about.name else _(entry.recipe_title)
    parts = [title if entry.recipe else _("damaged"), dataset_title(entry.dataset) if entry.dataset else ""]
    if status.total_epochs:
        parts.append(
            _("epoch {done} of {planned}").format(done=f"{status.epoch:.4g}", planned=f"{status.total_epochs:.4g}")
        )
    parts += [moment(entry.about.created), size(shelf.run_bytes(entry.run))]
    return panels.literal(" · ".join(part for part in parts if part))


def _actions(entry: RunEntry) -> None:
    """Where to go with a run, and what to do with it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if entry.recipe:
            panels.go_to("../train.py", _("Train"), icon=":material/monitoring:", params={"run": entry.id})
        if entry.run.newest_bundle() is not None:
            ref = f"run:{entry.id}"
            panels.go_to("../interpolate.py", _("Interpolate"), icon=":material/conversion_path:",
                         params={"model": ref})  # fmt: skip
            panels.go_to("../compare.py", _("Compare"), icon=":material/compare:", params={"a": ref})
            panels.go_to("../quality.py", _("Quality"), icon=":material/straighten:", params={"model": ref})
        if entry.recipe:
            st.download_button(
                _("Export"), partial(export.export_run, entry.run), file_name=f"{entry.id}.zip", mime="application/zip",
                key=f"library.{entry.id}.export", icon=":material/folder_zip:", on_click="ignore", type="tertiary",
                help=_("Everything of this run in one zip file; the Library takes it in again."),
            )  # fmt: skip
        offered = [action for action in ACTIONS if _fits(action, entry)]
        chosen = st.menu_button(
            _("More"), offered, key=f"library.{entry.id}.more", type="tertiary",
            format_func=lambda name: _(ACTIONS[name]),
        )  # fmt: skip
        if chosen is not None:
            _do(chosen, entry)


def _fits(action: str, entry: RunEntry) -> bool:
    """A run is either stopped or deleted: one that still trains cannot be deleted."""
    if action in ("share", "publish"):
        return entry.run.newest_bundle() is not None
    return action == "rename" or (action == "stop") == entry.status.live


def _do(action: str, entry: RunEntry) -> None:
    if action == "stop":
        try:
            guest_view.require(entry.run)
            jobs.stop(entry.run)
            say(_("{name} stops at its next step and keeps everything.").format(name=_(entry.about.name)))
        except UserError as error:
            say_error(error)
    elif action == "share":
        library_share.ask(f"run:{entry.id}")
    elif action == "publish":
        library_publish.ask(f"run:{entry.id}")
    else:
        library_dialogs.ask(action, entry.id, kind="run")
    st.rerun()



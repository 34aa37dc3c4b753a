"""The Library's dialogs: a new name, and the question before something is deleted for good.

    library_dialogs.ask("rename", entry.id, kind="run")       # opens at the next drawing of the page
    library_dialogs.show()                                    # once a page, outside of fragments that tick
"""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from gan_core import shelf, uploads
from gan_core.config import UserError
from gan_core.runs import NAME_LENGTH, find_run
from pages.ui import guest_view, library_words, panels
from pages.ui.i18n import _

_ASKED = "library.asked"


def ask(action: str, name: str, *, kind: str) -> None:
    """Open a dialog: `action` is "rename" or "delete", `kind` "run" or "upload"."""
    st.session_state[_ASKED] = (action, name, kind)


def show() -> None:
    """The dialog that was asked for, if any."""
    action, name, kind = st.session_state.pop(_ASKED, ("", "", ""))
    if action == "rename":
        st.dialog(_("Rename"), icon=":material/edit:")(_rename)(name, kind)
    elif action == "delete":
        st.dialog(_("Delete for good?"), icon=":material/delete:")(_delete)(name, kind)


def _require(name: str, kind: str) -> None:
    """UserError where it is another visitor's."""
    guest_view.require(find_run(name)) if kind == "run" else guest_view.require_upload(name)


@panels.guard()
def _rename(name: str, kind: str) -> None:
    old = find_run(name).about().name if kind == "run" else name
    new = st.text_input(_("Name"), old, max_chars=NAME_LENGTH if kind == "run" else uploads.NAME_LENGTH)
    if st.button(_("Rename"), type="primary", disabled=not new.strip()):
        try:
            _require(name, kind)
            if kind == "run":
                find_run(name).rename(new)
            else:
                new = uploads.rename_upload(name, new)
            library_words.say(_("It is called {name} now.").format(name=new.strip()))
        except UserError as error:
            library_words.say_error(error)
        st.rerun()


@panels.guard()
def _delete(name: str, kind: str) -> None:
    title = find_run(name).about().name if kind == "run" else PurePath(name).name
    st.text(title)
    if kind == "run":
        st.markdown(
            _("Its curves, sheets, networks and checkpoints are removed from the disk ({size}). This cannot be undone; "
              "export it first to keep a copy.").format(size=library_words.size(shelf.run_bytes(find_run(name))))
        )  # fmt: skip
    else:
        st.markdown(_("The file is removed from the disk. This cannot be undone."))
    with st.container(horizontal=True):
        if st.button(_("Delete"), type="primary", icon=":material/delete:"):
            try:
                _require(name, kind)
                find_run(name).delete() if kind == "run" else uploads.delete_upload(name)
                library_words.say(_("{name} is deleted.").format(name=title))
            except UserError as error:
                library_words.say_error(error)
            st.rerun()
        if st.button(_("Keep it")):
            st.rerun()

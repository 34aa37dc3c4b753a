"""Library: shipped weights, own runs, uploads, and what they take on the disk."""

import streamlit as st

from gan_core import library, shelf
from pages.ui import (
    guest_view,
    library_dialogs,
    library_hub,
    library_models,
    library_publish,
    library_runs,
    library_share,
    panels,
    state,
)
from pages.ui.i18n import N_, _
from pages.ui.library_words import show_said, size

SHELVES = {"runs": N_("Own runs"), "weights": N_("Shipped weights"), "uploads": N_("Uploads"),
           "hub": N_("From the Hub")}  # fmt: skip
SCARCE = 2 * 10**9  # bytes


def show_disk() -> None:
    """What everything takes, and what is left."""
    use = shelf.disk_use()
    st.caption(
        _("Runs {runs} · uploads {uploads} · {free} free on this disk").format(
            runs=size(use.runs), uploads=size(use.uploads), free=size(use.free)
        )
    )
    if use.free < SCARCE:
        st.warning(
            _("The disk is almost full: delete runs that you need no more, before training stops for want of space."),
            icon=":material/hard_drive:",
        )


st.title(_("Library"))
st.markdown(_("Every model there is: shipped, trained by you, or brought along."))
show_said()
default = "weights" if library.manifest() and not guest_view.own_entries(shelf.run_entries()) else "runs"
shelf_name = state.choice(
    st.segmented_control, _("Shelf"), SHELVES, param="shelf", default=default,
    label=lambda name: _(SHELVES[name]), label_visibility="collapsed",
)  # fmt: skip
state.pin(shelf=shelf_name)
show_disk()
guest_view.say_keeping()
shelves = {
    "runs": library_runs.show_runs,
    "weights": library_models.show_bundled,
    "uploads": library_models.show_uploads,
    "hub": library_hub.show_hub,
}
with panels.guard():
    shelves[shelf_name]()
library_dialogs.show()
library_publish.show()
library_share.show()

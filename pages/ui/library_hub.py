"""The Library's shelf of the Hub: look into a repository, load a model, and go on with those loaded before."""

from __future__ import annotations

import streamlit as st

from gan_core import library
from gan_core.config import UserError
from gan_core.hosting import hosted
from gan_core.hub import register
from gan_core.hub.client import endpoint, own_token
from gan_core.hub.download import HubFile, Listing, list_bundles
from gan_core.hub.reference import parse_reference
from gan_core.library import Model
from pages.ui import hub_models, hub_token, library_models, model_picker, panels
from pages.ui.i18n import _, ngettext
from pages.ui.library_words import say, size

_LISTED = "library.hub.listed"
COMMIT_LENGTH = 7  # characters by which people know a commit


def show_hub() -> None:
    """A repository's models, and those that were loaded."""
    asked = _ask()
    with panels.guard():
        listing = _listing(asked)
        if listing is not None:
            _show_listing(listing)
    loaded = {model.ref: model for model in (*library.hub_models(), *hub_models.of_session())}
    if loaded:
        st.subheader(_("Loaded before"))
    for model in loaded.values():
        with st.container(border=True), panels.guard():
            _loaded_card(model)


def _ask() -> str:
    """The repository that the visitor names; it is asked for only on a click, since that takes the network."""
    with st.form("library.hub", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            asked = st.text_input(
                _("Repository on the Hugging Face Hub"), key="hub", bind="query-params", placeholder="owner/name",
                help=_("owner/name, owner/name@revision, or the address of its page."),
            )  # fmt: skip
            clicked = st.form_submit_button(_("List its models"), icon=":material/travel_explore:", type="primary")
        if not hosted() and own_token() is None:
            with st.expander(_("A private repository")):
                hub_token.field("list")
    if clicked:
        st.session_state.pop(_LISTED, None)
        with panels.guard(), st.spinner(_("Asking the Hub …")):
            reference = parse_reference(asked)
            st.session_state[_LISTED] = (asked, list_bundles(reference, hub_token.for_reading()))
    return str(asked)


def _listing(asked: str) -> Listing | None:
    known, listing = st.session_state.get(_LISTED, ("", None))
    return listing if known == asked else None


def _show_listing(listing: Listing) -> None:
    """Each safetensors file of the repository, and what is refused."""
    with st.container(border=True):
        st.markdown(f"**[{panels.literal(listing.repo)}]({endpoint()}/{listing.repo}/tree/{listing.commit})**")
        count = ngettext("{count} model", "{count} models", len(listing.files)).format(count=len(listing.files))
        st.caption(_("{count} · revision {commit}").format(count=count, commit=listing.commit[:COMMIT_LENGTH]))
        for file in listing.files:
            _file_row(listing, file)
        if listing.pickled:
            st.caption(
                _("Refused: {files}. These are pickled checkpoints, and opening one can run any program hidden in "
                  "it.").format(files=panels.literal(", ".join(listing.pickled[:5])))
            )  # fmt: skip


def _file_row(listing: Listing, file: HubFile) -> None:
    reference = listing.reference(file)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"`{file.name}` · {size(file.size)}", width="stretch")
        if library.hub_model(str(reference)) is not None:
            st.badge(_("loaded"), icon=":material/check:", color="green")
            return
        clicked = st.button(_("Load"), key=f"library.hub.load.{file.name}", icon=":material/download:")
    if clicked:
        model = hub_models.load(reference)
        say(_("{name} can be chosen on every page now.").format(name=model.title))
        st.rerun()


def _loaded_card(model: Model) -> None:
    st.text(model_picker.title_of(model))
    try:
        info = library.describe(model.ref)
    except (UserError, OSError):
        st.caption(_("This file cannot be read any more; load it again."))
        return
    st.caption(panels.literal(library_models.described(info)))
    with st.container(horizontal=True, vertical_alignment="center"):
        library_models.show_links(model.ref, info)
        library_models.share_button(model.ref)
        st.button(_("Take off the list"), key=f"library.hub.forget.{model.ref}", type="tertiary",
                  help=_("Its file stays in the cache, which other programs share."),
                  on_click=lambda: _forget(model.ref))  # fmt: skip


def _forget(ref: str) -> None:
    register.forget(ref)
    hub_models.forget(ref)

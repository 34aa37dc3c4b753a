"""The dialog that publishes a model on the Hub.

    library_publish.ask("run:ID")            # opens at the next drawing of the page
    library_publish.show()                   # once a page
"""

from __future__ import annotations

import streamlit as st

from gan_core import library
from gan_core.config import UserError
from gan_core.hub.publish import Published, publish
from gan_core.sharing.share import publish_page
from pages.ui import hub_token, panels, visitor
from pages.ui.i18n import N_, _, sentence

_ASKED = "library.publish"
LICENSES = {
    "mit": "MIT", "apache-2.0": "Apache 2.0", "cc-by-4.0": "CC BY 4.0", "cc0-1.0": "CC0 1.0", "other": N_("other"),
}  # fmt: skip
MESSAGE_LENGTH = 120
KINDS = {"model": N_("A model, for this workbench and other programs"), "page": N_("A page that draws in any browser")}


def ask(ref: str) -> None:
    """Open the dialog for the model that `ref` names."""
    st.session_state[_ASKED] = ref


def show() -> None:
    """The dialog, if it was asked for."""
    ref = st.session_state.pop(_ASKED, "")
    if ref:
        st.dialog(_("Publish on the Hugging Face Hub"), icon=":material/publish:")(_dialog)(ref)


@panels.guard()
def _dialog(ref: str) -> None:
    info = library.describe(ref)
    st.markdown(
        _("**{title}** goes there with its recipe, a model card, its curves and a sheet of pictures. Each time you "
          "publish becomes a revision of its own.").format(title=panels.literal(_(info.recipe.title)))
    )  # fmt: skip
    kind = st.radio(
        _("What to publish"), list(KINDS), format_func=lambda name: _(KINDS[name]), key="library.publish.as"
    )
    if kind == "page":
        st.caption(_("A static Space, which costs nothing and needs no server."))
    # A form, since a password field keeps what was typed to itself while the focus is on its eye.
    with st.form("library.publish.form", border=False):
        repo = st.text_input(
            _("Repository"), placeholder="owner/name", max_chars=193,
            help=_("Your name or your organisation's on the Hub, and a name for the model."),
        )  # fmt: skip
        private = st.toggle(
            _("Private"), help=_("Only you can see it. A repository that is there already stays as it is.")
        )
        with st.container(horizontal=True):
            license = st.selectbox(_("Licence"), list(LICENSES), format_func=lambda name: _(LICENSES[name]), width=160)
            message = st.text_input(_("What is new"), max_chars=MESSAGE_LENGTH, placeholder=_("optional"))
        hub_token.field("publish")
        clicked = st.form_submit_button(_("Publish"), type="primary", icon=":material/publish:")
    if clicked:
        try:
            with st.spinner(_("Publishing …")):
                made = _publish(kind, ref, repo.strip(), private=private, license=license, message=message.strip())
        except UserError as error:
            panels.error_panel(panels.literal(sentence(error.text, error.values)))
        else:
            _say(kind, made)


def _publish(kind: str, ref: str, repo: str, *, private: bool, license: str, message: str) -> Published:
    token = hub_token.for_writing()
    if kind == "page":
        return publish_page(
            ref, repo, token, private=private, license=license, message=message, owner=visitor.owner()
        )
    return publish(ref, repo, token, private=private, license=license, message=message)


def _say(kind: str, made: Published) -> None:
    st.success(_("It is on the Hub now: {address}").format(address=made.address), icon=":material/check_circle:")
    if kind == "page":
        return
    st.caption(_("This names exactly these weights, here and on the command line:"))
    st.code(str(made.reference), language=None, wrap_lines=True)

"""Whose right is used on the Hub: the visitor's, and that of the host only where the visitor is the host.

    hub_token.field("publish")               # a password field; nothing where there is a token already
    publish(ref, repo, hub_token.for_writing())

A token that is typed in lives in the session's memory alone: not in the URL, in no file, in no log.
"""

from __future__ import annotations

import streamlit as st

from gan_core.config import UserError
from gan_core.hosting import hosted
from gan_core.hub.client import TOKENS_PAGE, clean_token, own_token
from pages.ui import panels
from pages.ui.i18n import _, sentence

_TYPED = "hub.token"  # beside the fields' own keys, which Streamlit forgets once they are not drawn


def for_reading() -> str | None:
    """The token to load models with. None on a shared server, whose cache everybody sees."""
    return None if hosted() else for_writing()


def for_writing() -> str | None:
    """The visitor's own token, if there is one."""
    return st.session_state.get(_TYPED) or own_token()


def field(place: str) -> None:
    """Where to give a token, unless the login or HF_TOKEN has one; ``place`` tells two fields on one page apart."""
    if own_token() is not None:
        st.caption(_("The token of HF_TOKEN or of this machine's login is used."))
        return
    key = f"hub.token.{place}"
    st.session_state.setdefault(key, st.session_state.get(_TYPED, ""))
    typed = st.text_input(
        _("Token"), type="password", autocomplete="off", key=key,
        help=_("With write permission, from {page}. It is kept until you close this page, and nowhere else.").format(
            page=TOKENS_PAGE
        ),
    )  # fmt: skip
    try:
        st.session_state[_TYPED] = clean_token(typed)
    except UserError as error:
        st.session_state.pop(_TYPED, None)
        panels.error_panel(sentence(error.text, error.values))

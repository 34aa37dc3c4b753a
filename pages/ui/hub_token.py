"""Whose right is used on the Hub: the visitor's, and that of the host only where the visitor is the host.

    hub_token.field("publish")               # a password field; nothing where there is a token already
    publish(ref, repo, hub_token.for_writing())

A token that is typed in lives in the session's memory alone: not in the URL, in no file, in no log. On a Space that may
sign visitors in, theirs comes from there.
"""

from __future__ import annotations

import streamlit as st

from gan_core.config import UserError
from gan_core.hosting import hosted
from gan_core.hub import signin
from gan_core.hub.client import TOKENS_PAGE, clean_token, own_token
from pages.ui import i18n, panels, visitor
from pages.ui.i18n import _, sentence
from pages.ui.sign_in import SIGN_IN_ROUTE

_TYPED = "hub.token"  # beside the fields' own keys, which Streamlit forgets once they are not drawn


def for_reading() -> str | None:
    """The token to load models with. None on a shared server, whose cache everybody sees."""
    return None if hosted() else for_writing()


def for_writing() -> str | None:
    """The visitor's own token, if there is one."""
    return st.session_state.get(_TYPED) or signin.grants.of(visitor.owner()) or own_token()


def field(place: str) -> None:
    """Where to sign in or to give a token, unless there is one; ``place`` tells two fields on one page apart."""
    if own_token() is not None:
        st.caption(_("The token of HF_TOKEN or of this machine's login is used."))
        return
    offered = hosted() and signin.provider() is not None
    if offered and signin.grants.of(visitor.owner()) is not None:
        st.caption(_("You are signed in: the app may write to repositories that it makes for you, and to no other."))
        return
    if offered:
        st.link_button(_("Sign in with Hugging Face"), f"{SIGN_IN_ROUTE}?lang={i18n.current_language()}",
                       icon=":material/login:")  # fmt: skip
    key = f"hub.token.{place}"
    st.session_state.setdefault(key, st.session_state.get(_TYPED, ""))
    typed = st.text_input(
        _("Token, or the code of the sign-in") if offered else _("Token"), type="password", autocomplete="off", key=key,
        help=_("With write permission, from {page}. It is kept until you close this page, and nowhere else.").format(
            page=TOKENS_PAGE
        ),
    )  # fmt: skip
    try:
        st.session_state[_TYPED] = _token(typed)
    except UserError as error:
        st.session_state.pop(_TYPED, None)
        panels.error_panel(sentence(error.text, error.values))


def _token(typed: str) -> str:
    """What was typed, or the token behind it where it is a code; that is given out once, and kept for the session."""
    typed = clean_token(typed)
    if not typed.startswith(signin.CODE_PREFIX):
        return typed
    known = st.session_state.setdefault("hub.redeemed", {})
    if typed not in known:
        known[typed] = signin.grants.redeem(typed)
    return str(known[typed])

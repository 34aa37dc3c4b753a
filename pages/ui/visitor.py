"""Who is looking, on a server that strangers share: their own runs and uploads, which others may only watch.

    start_runs([recipe], owner=visitor.owner())

A visitor is a random number in a cookie that scripts cannot read; a run keeps its hash alone. The cookie comes with the
page itself (`VisitorCookie`, in app.py), for Streamlit's own connection follows only after that. Where a browser keeps
no cookies, a visitor lasts as long as the page is open.
"""

from __future__ import annotations

import hashlib
import secrets
from http.cookies import SimpleCookie

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gan_core.hosting import hosted

COOKIE = "gan_visitor"
LEAST = 32  # characters of a number that nobody can guess
YEAR = 365 * 24 * 3600
_SESSION = "visitor.session"


class VisitorCookie:
    """ASGI middleware: gives a new visitor of a shared server the cookie, with the page that they ask for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not hosted() or not _is_new(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        cookie = new_cookie(secure=_is_https(scope))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def new_cookie(*, secure: bool) -> str:
    """A Set-Cookie header with a fresh number.

    A Space is shown within another site's page: only a secure cookie that is kept apart for that site works there.
    """
    where = "; SameSite=None; Secure; Partitioned" if secure else "; SameSite=Lax"
    return f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; Max-Age={YEAR}; HttpOnly{where}"


def owner() -> str:
    """What the visitor's runs are marked with; nothing on a server of one's own."""
    if not hosted():
        return ""
    number = st.context.cookies.get(COOKIE, "")
    if len(number) < LEAST:
        number = st.session_state.setdefault(_SESSION, secrets.token_urlsafe(32))
    return _marked(number)


def mark(cookies: SimpleCookie) -> str:
    """What :func:`owner` is for the visitor who sends these cookies; nothing where none of them is ours."""
    number = cookies[COOKIE].value if COOKIE in cookies else ""
    return _marked(number) if hosted() and len(number) >= LEAST else ""


def _marked(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()[:LEAST]


def lasts() -> bool:
    """Whether the visitor is known again after a reload."""
    return not hosted() or len(st.context.cookies.get(COOKIE, "")) >= LEAST


def _is_new(headers: Headers) -> bool:
    """Whether a request is for a page, by somebody without a cookie; parts of one page must not race for theirs."""
    cookies = SimpleCookie(headers.get("cookie", ""))
    return COOKIE not in cookies and "text/html" in headers.get("accept", "")


def _is_https(scope: Scope) -> bool:
    """As the visitor sees it: hosts talk https to the world and http to us."""
    said = Headers(scope=scope).get("x-forwarded-proto", str(scope.get("scheme", "http")))
    return said.split(",")[0].strip() == "https"

"""Signing in on a Space: a visitor lends this server the right to write to repositories that it makes, and no other.

The Hub gives each Space that asks for it (``hf_oauth`` in its README) a client of its own, by the environment. A token
stays in this process' memory, for as long as the Hub says it holds: under the visitor's mark, and under a code to be
entered by hand where the page is shown within another site's, whose cookies are kept apart.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from gan_core.config import UserError
from gan_core.hub.client import ANSWER_SECONDS, ask, clean_token

SCOPES = "openid profile contribute-repos"
CALLBACK = "/login/callback"  # the one that the Hub allows by itself
CODE_PREFIX = "code-"
CODE_SECONDS = 600.0
MOST_TOKENS = 1000


@dataclass(frozen=True)
class Provider:
    """The Hub as the one who signs visitors in, and this server as its client."""

    address: str
    client_id: str
    client_secret: str = field(repr=False)
    callback: str = ""


@dataclass(frozen=True)
class Visit:
    """What a visitor's browser keeps while they are at the Hub, so that nobody can send them an answer of their own."""

    state: str
    verifier: str


@dataclass(frozen=True)
class Grant:
    """A token, and until when it holds, in seconds since 1970."""

    token: str = field(repr=False)
    until: float


def provider() -> Provider | None:
    """Who signs visitors in; None where this is no Space that may."""
    client_id, secret = os.environ.get("OAUTH_CLIENT_ID", ""), os.environ.get("OAUTH_CLIENT_SECRET", "")
    host = os.environ.get("SPACE_HOST", "")
    if not (client_id and secret and host):
        return None
    address = os.environ.get("OPENID_PROVIDER_URL", "https://huggingface.co").rstrip("/")
    return Provider(address, client_id, secret, f"https://{host}{CALLBACK}")


def new_visit() -> Visit:
    """Fresh secrets for one way to the Hub and back."""
    return Visit(secrets.token_urlsafe(32), secrets.token_urlsafe(48))


def address_to_sign_in(at: Provider, visit: Visit) -> str:
    """Where the visitor's browser is sent (RFC 6749, 4.1.1, with the challenge of RFC 7636)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(visit.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": at.client_id, "redirect_uri": at.callback, "scope": SCOPES,
        "state": visit.state, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{at.address}/oauth/authorize?{urlencode(asked)}"


def grant_of(at: Provider, visit: Visit, state: str, code: str) -> Grant:
    """The token for which the Hub takes back the ``code`` that it sent the visitor along with.

    Raises:
        UserError: the answer belongs to another visit, or the Hub gives no token.
    """
    if not code or not secrets.compare_digest(state.encode(), visit.state.encode()):
        raise UserError("This sign-in was not begun here, or took too long; begin again in the workbench.")
    given = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": at.callback, "client_id": at.client_id,
        "code_verifier": visit.verifier,
    }  # fmt: skip

    def work() -> Grant:
        from huggingface_hub import get_session

        answer = get_session().post(
            f"{at.address}/oauth/token", data=given, auth=(at.client_id, at.client_secret), timeout=ANSWER_SECONDS
        )
        if answer.status_code != 200:
            raise UserError("The Hub did not sign you in ({status}); begin again.", status=answer.status_code)
        said = answer.json()
        return Grant(clean_token(str(said["access_token"])), time.time() + float(said.get("expires_in", 3600)))

    return ask("the sign-in", ANSWER_SECONDS + 1, work)


class Grants:
    """The tokens of those who are signed in, by their mark; and those that wait for a code to be entered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, Grant] = {}
        self._behind: dict[str, tuple[float, Grant]] = {}

    def keep(self, owner: str, grant: Grant, now: float | None = None) -> str:
        """Keep a token for the visitor with that mark, if there is one; the code that also gives it out, once."""
        now = time.time() if now is None else now
        code = CODE_PREFIX + secrets.token_urlsafe(9)
        with self._lock:
            self._behind = {key: kept for key, kept in self._behind.items() if kept[0] > now}
            self._of = {key: kept for key, kept in self._of.items() if kept.until > now}
            for kept in (self._behind, self._of):
                while len(kept) >= MOST_TOKENS:
                    kept.pop(next(iter(kept)))
            self._behind[code] = (now + CODE_SECONDS, grant)
            if owner:
                self._of[owner] = grant
        return code

    def of(self, owner: str, now: float | None = None) -> str | None:
        """The token of the visitor with that mark, while it holds."""
        with self._lock:
            grant = self._of.get(owner)
        return grant.token if grant is not None and grant.until > (time.time() if now is None else now) else None

    def redeem(self, code: str, now: float | None = None) -> str:
        """The token behind a code, once; UserError where there is none any more."""
        with self._lock:
            until, grant = self._behind.pop(code, (0.0, Grant("", 0.0)))
        if until <= (time.time() if now is None else now):
            raise UserError("This code is used up or too old; sign in once more.")
        return grant.token

    def forget(self, owner: str) -> None:
        """Sign the visitor out."""
        with self._lock:
            self._of.pop(owner, None)


grants = Grants()

"""The way to the Hub and back, for visitors of a Space: /login/huggingface and /login/callback.

Both open in a tab of their own. The second tells the visitor to go back, with a code for where the browser keeps the
cookies of the two tabs apart.
"""

from __future__ import annotations

import asyncio
import html
from http.cookies import SimpleCookie

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gan_core.config import UserError
from gan_core.hub import signin
from gan_core.translation import translations
from pages.ui import visitor
from pages.ui.i18n import N_

SIGN_IN_ROUTE = "/login/huggingface"
COOKIE = "gan_sign_in"
SECONDS = 600
SIGNED_IN = N_("You are signed in. Close this tab, go back to the workbench and publish.")
ASKS_STILL = N_("If the workbench still asks for a token, enter this code there, and nowhere else:")
FAILED = N_("You are not signed in")
REFUSED = N_("You did not allow it at the Hub, so nothing was signed in; begin again in the workbench.")
_PAGE = """\
<!doctype html>
<html lang="{lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>GAN Workbench</title>
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem;
color-scheme: light dark }} code {{ font-size: 1.4rem; user-select: all }}</style>
<h1>GAN Workbench</h1>
{body}
</html>
"""
_HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}  # fmt: skip


async def begin(request: Request) -> Response:
    """Send the visitor to the Hub; 404 where nobody can sign in."""
    at = signin.provider()
    if at is None:
        return PlainTextResponse("Nobody can sign in here.", status_code=404)
    visit = signin.new_visit()
    answer = RedirectResponse(signin.address_to_sign_in(at, visit), status_code=303, headers=_HEADERS)
    language = "zh" if request.query_params.get("lang") == "zh" else "en"
    # Lax, as the browser comes back from another site; only this tab's own way back has it.
    answer.set_cookie(COOKIE, f"{language}.{visit.state}.{visit.verifier}", max_age=SECONDS, path="/login",
                      secure=True, httponly=True, samesite="lax")  # fmt: skip
    return answer


async def come_back(request: Request) -> Response:
    """Take the visitor's token from the Hub, and say how to go on."""
    at = signin.provider()
    if at is None:
        return PlainTextResponse("Nobody can sign in here.", status_code=404)
    language, state, verifier = [*request.cookies.get(COOKIE, "").split("."), "", "", ""][:3]
    asked = request.query_params
    try:
        if "error" in asked:
            raise UserError(REFUSED)
        visit = signin.Visit(state or signin.new_visit().state, verifier)
        grant = await asyncio.to_thread(signin.grant_of, at, visit, asked.get("state", ""), asked.get("code", ""))
        code = signin.grants.keep(visitor.mark(SimpleCookie(request.headers.get("cookie", ""))), grant)
        answer = _page(language, SIGNED_IN, ASKS_STILL, code)
    except UserError as error:
        answer = _page(language, FAILED, error.text, values=error.values, status=400)
    answer.delete_cookie(COOKIE, path="/login")
    return answer


def _page(
    language: str, first: str, second: str, code: str = "", values: dict[str, object] | None = None, status: int = 200
) -> Response:
    said = translations().gettext if language == "zh" else str
    texts = [said(first), said(second).format(**(values or {}))]
    body = "".join(f"<p>{html.escape(text)}</p>\n" for text in texts) + (f"<p><code>{code}</code></p>" if code else "")
    tag = "zh-CN" if language == "zh" else "en"
    return HTMLResponse(_PAGE.format(lang=tag, body=body), status_code=status, headers=_HEADERS)


ROUTES = [Route(SIGN_IN_ROUTE, begin), Route(signin.CALLBACK, come_back)]

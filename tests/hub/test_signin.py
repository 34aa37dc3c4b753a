"""Signing in on a Space: there and back over HTTP, whose token it is, and that nobody else can get at it."""

from __future__ import annotations

import logging
import re
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan_core.config import UserError
from gan_core.hub import signin
from gan_core.hub.signin import CODE_SECONDS, MOST_TOKENS, Grant, Grants
from pages.ui import sign_in, visitor
from tests.hub.conftest import TOKEN
from tests.hub.fake_hub import FakeHub, Fault

NUMBER = "v" * visitor.LEAST


@pytest.fixture
def browser(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A visitor of a Space; follows no redirect."""
    values = {"GAN_HOSTED": "1", "OAUTH_CLIENT_ID": "client", "OAUTH_CLIENT_SECRET": "hush",
              "SPACE_HOST": "ada-workbench.hf.space", "OPENID_PROVIDER_URL": hub.url}  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(signin, "grants", Grants())
    return TestClient(
        Starlette(routes=sign_in.ROUTES), base_url="https://ada-workbench.hf.space", follow_redirects=False
    )


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **options: object) -> None:
        """Redirects are for the browser to follow."""


def way_back(address: str) -> str:
    """Where the Hub sends the browser that it was given the address for, once its user agrees."""
    try:
        urllib.request.build_opener(Stay).open(address)
    except urllib.error.HTTPError as answer:
        return str(answer.headers["Location"])
    raise AssertionError("the Hub sends nobody back")


def code_on(page: str) -> str:
    (code,) = re.findall(r"<code>(.*?)</code>", page)
    return str(code)


def test_there_and_back(browser: TestClient, hub: FakeHub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser.cookies.set(visitor.COOKIE, NUMBER)
    address = browser.get("/login/huggingface").headers["location"]
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{hub.url}/oauth/authorize?") and asked["scope"] == ["openid profile contribute-repos"]
    assert asked["code_challenge_method"] == ["S256"]
    back = way_back(address)
    assert back.startswith("https://ada-workbench.hf.space/login/callback?")
    page = browser.get(back)
    assert page.status_code == 200 and "You are signed in" in page.text
    assert page.headers["cache-control"] == "no-store"
    mark = visitor._marked(NUMBER)
    assert signin.grants.of(mark) == TOKEN and signin.grants.of("somebody else") is None
    assert signin.grants.redeem(code_on(page.text)) == TOKEN
    with pytest.raises(UserError, match="used up"):
        signin.grants.redeem(code_on(page.text))
    signin.grants.forget(mark)
    assert signin.grants.of(mark) is None
    for secret in (TOKEN, "hush"):
        assert secret not in caplog.text and secret not in page.text + str(page.headers)
    assert TOKEN not in repr(Grant(TOKEN, 0.0)) and "hush" not in repr(signin.provider())


def test_without_a_cookie_only_the_code_gives_it_out(browser: TestClient) -> None:
    page = browser.get(way_back(browser.get("/login/huggingface?lang=zh").headers["location"]))
    assert 'lang="zh-CN"' in page.text
    assert signin.grants._of == {}
    assert signin.grants.redeem(code_on(page.text)) == TOKEN


def test_an_answer_to_somebody_else_is_refused(browser: TestClient, hub: FakeHub) -> None:
    """A link with the answer to an attacker's visit signs nobody in, with or without a visit of their own."""
    theirs = way_back(browser.get("/login/huggingface").headers["location"])
    browser.cookies.clear()
    assert browser.get(theirs).status_code == 400
    browser.get("/login/huggingface")
    page = browser.get(theirs)
    assert page.status_code == 400 and "not begun here" in page.text and "<code>" not in page.text
    assert "POST /oauth/token" not in hub.requests
    assert signin.grants._of == {} and signin.grants._behind == {}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("POST /oauth/token", 400), "did not sign you in (400)"),
        (Fault("POST /oauth/token", 500), "did not sign you in (500)"),
        (Fault("POST /oauth/token", 200, message="{}"), "makes no sense"),
    ],
)
def test_what_goes_wrong_at_the_hub_is_one_sentence(
    fault: Fault, words: str, browser: TestClient, hub: FakeHub
) -> None:
    back = way_back(browser.get("/login/huggingface").headers["location"])
    hub.faults = [fault]
    page = browser.get(back)
    assert page.status_code == 400 and words in page.text


def test_who_does_not_agree_is_told_so(browser: TestClient) -> None:
    browser.get("/login/huggingface")
    page = browser.get("/login/callback?error=access_denied&error_description=%3Cscript%3E")
    assert page.status_code == 400 and "did not allow it" in page.text and "script" not in page.text


def test_a_hub_that_is_gone_is_said_so(browser: TestClient, hub: FakeHub) -> None:
    back = way_back(browser.get("/login/huggingface").headers["location"])
    hub.stop()
    assert "cannot be reached" in browser.get(back).text


def test_a_server_that_is_no_space_signs_nobody_in(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OAUTH_CLIENT_SECRET")
    assert signin.provider() is None
    assert {browser.get(path).status_code for path in ("/login/huggingface", "/login/callback?code=x")} == {404}


def test_tokens_and_codes_end_and_are_not_without_number() -> None:
    held, now = Grants(), 1e9
    code = held.keep("ann", Grant("t", now + 100), now)
    assert held.of("ann", now + 99) == "t" and held.of("ann", now + 100) is None
    with pytest.raises(UserError):
        held.redeem(code, now + CODE_SECONDS)
    for number in range(MOST_TOKENS + 5):
        held.keep(f"visitor {number}", Grant("t", now + 100), now)
    assert len(held._of) == len(held._behind) == MOST_TOKENS
    held.keep("late", Grant("t", now + 9000), now + CODE_SECONDS)
    assert list(held._of) == ["late"] and len(held._behind) == 1

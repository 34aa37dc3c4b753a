"""The shell in a real browser: deep links, languages, phones."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import StartServer, settled

PAGES = ("home", "train", "interpolate", "digits", "compare", "quality", "lab", "anatomy", "library")
NAMES = ("Home", "Train", "Interpolate", "Digits", "Compare", "Quality", "Lab", "Anatomy", "Library")


def expect_whole_app(page: Page) -> None:
    """The page itself, and the way to all the others."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(len(PAGES))


@pytest.mark.parametrize("name", PAGES)
def test_a_deep_link_on_a_fresh_server_opens_the_whole_app(start_server: StartServer, page: Page, name: str) -> None:
    with start_server() as url:
        page.goto(f"{url}/{name}?seed=7")
        expect_whole_app(page)
        expect(page.get_by_text("Page not found")).to_have_count(0)
        current = page.locator('[data-testid="stSidebarNavLink"][aria-current="page"]')
        expect(current).to_have_text(re.compile(NAMES[PAGES.index(name)]))


def test_the_language_is_kept_from_page_to_page(server: str, page: Page) -> None:
    page.goto(f"{server}/train?lang=zh")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").nth(3).click()
    expect(page).to_have_url(re.compile(r"/digits\?(.*&)?lang=zh"))
    expect(page.get_by_test_id("stSidebarNavLink").nth(3)).to_have_text(re.compile("数字"))
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.get_by_test_id("stSidebar").get_by_text("English").click()
    expect(page.get_by_test_id("stSidebarNavLink").nth(3)).to_have_text(re.compile("Digits"))
    assert "lang=" not in page.url


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES)
def test_a_phone_never_scrolls_sideways(server: str, page: Page, name: str, language: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/{name}?lang={language}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settled(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_the_chart_script_is_cached_and_compressed(server: str, page: Page) -> None:
    page.goto(server)
    answer = page.evaluate(
        """async () => {
            const answer = await fetch("/assets/plotly.min.js?v=test");
            return [answer.status, answer.headers.get("cache-control"), (await answer.text()).includes("plotly.js v")];
        }"""
    )
    assert answer == [200, "public, max-age=31536000, immutable", True]

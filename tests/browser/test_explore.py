"""Interpolate and Digits in a real browser: the slider answers there, what is typed appears, links reproduce."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import running_server
from tests.untrained import save_untrained

DRAWN = "document.querySelector('.gan-film-picture')?.getContext('2d').getImageData(0, 0, 1, 1).data[3] > 0"
PIXELS = "canvas => canvas.toDataURL()"
# Sets the slider as a hand would, and waits until the picture is another one.
MOVE = """([slider, canvas]) => {
  const before = canvas.toDataURL();
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  return new Promise((resolve) => {
    const look = () => canvas.toDataURL() !== before ? resolve() : requestAnimationFrame(look);
    look();
  });
}"""


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose runs folder has one conditional model."""
    runs: Path = tmp_path_factory.mktemp("runs")
    save_untrained(runs, "digits")
    with running_server(runs) as url:
        yield url


def test_the_slider_changes_the_picture_at_once_and_the_link_reproduces_it(explored: str, page: Page) -> None:
    page.goto(f"{explored}/interpolate?model=upload:digits&class1=1&class2=8")
    canvas, slider = page.locator("canvas.gan-film-picture"), page.get_by_role("slider", name="Position")
    expect(canvas).to_have_attribute("aria-label", re.compile("one turning into the next. At station 1"))
    page.wait_for_function(DRAWN)
    first = canvas.evaluate(PIXELS)
    page.evaluate(MOVE, [slider.element_handle(), canvas.element_handle()])
    last = canvas.evaluate(PIXELS)
    slider.press("ArrowLeft")
    expect(canvas).to_have_attribute("aria-label", re.compile(r"\d+ % of the way from station 1 to station 2"))
    near_last = canvas.evaluate(PIXELS)
    assert len({first, last, near_last}) == 3
    expect(page).to_have_url(re.compile("at=11"))
    page.reload()
    page.wait_for_function("document.querySelector('.gan-film-slider')?.value === '11'")
    page.wait_for_function(DRAWN)
    assert page.locator("canvas.gan-film-picture").evaluate(PIXELS) == near_last


def test_another_seed_changes_the_film_in_place(explored: str, page: Page) -> None:
    page.goto(f"{explored}/interpolate?model=upload:digits")
    canvas = page.locator("canvas.gan-film-picture")
    page.wait_for_function(DRAWN)
    before = canvas.evaluate(PIXELS)
    canvas.evaluate("canvas => { canvas.dataset.mine = 'yes' }")
    seed = page.get_by_label("Seed", exact=True).first
    seed.fill("123")
    seed.press("Enter")
    page.wait_for_function("before => document.querySelector('.gan-film-picture').toDataURL() !== before", arg=before)
    expect(canvas).to_have_attribute("data-mine", "yes")
    expect(page).to_have_url(re.compile("seed1=123"))
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('.gan-film-slider').value > 2")
    page.get_by_role("button", name="Pause").click()


def test_what_is_typed_appears_in_handwriting(explored: str, page: Page) -> None:
    page.goto(f"{explored}/digits?model=upload:digits")
    expect(page.get_by_alt_text(re.compile("^2026 in handwriting"))).to_be_visible()
    entry = page.get_by_label("Number, date or phone number")
    entry.fill("21.11.2026")
    entry.press("Enter")
    expect(page.get_by_alt_text(re.compile(r"^21\.11\.2026 in handwriting"))).to_be_visible()
    expect(page).to_have_url(re.compile("text=21.11.2026"))
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").first.click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    assert all(page.locator("img").evaluate_all("images => images.map(image => image.alt)"))


@pytest.mark.parametrize("path", ["interpolate", "interpolate?view=grid", "digits"])
def test_nothing_is_wider_than_a_phone(explored: str, page: Page, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{explored}/{path}")
    page.get_by_test_id("stImage").first.wait_for()
    excess = "document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth"
    assert page.evaluate(excess) <= 0

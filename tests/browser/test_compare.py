"""The Compare page in a real browser: rows, the wipe by keyboard and pointer, links that bring it all back."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from gan_core.runs import Run
from tests.browser.conftest import running_server
from tests.made_runs import make_run

NAME = "First *A* [link](http://x) $y$ :red[b]"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Run, Run]]:
    """A server with two runs: its address, and they."""
    folder = tmp_path_factory.mktemp("runs")
    first = make_run("fc_gan", path=folder / "20260101-000000-fc_gan", name=NAME, epochs=(1, 2))
    second = make_run("leaky_gan", path=folder / "20260102-000000-leaky_gan", name="Second", epochs=(1, 2))
    with running_server(folder) as url:
        yield url, first, second


def address(place: tuple[str, Run, Run], **params: str) -> str:
    url, first, second = place
    more = "".join(f"&{name}={value}" for name, value in params.items())
    return f"{url}/compare?a=run:{first.id}&b=run:{second.id}@10{more}"


def uncovered(page: Page) -> float:
    """How much of the first picture the wipe shows, in per cent."""
    text = page.locator(".gan-wipe").evaluate("node => getComputedStyle(node).getPropertyValue('--at')")
    return float(text.strip().rstrip("%"))


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name=re.compile("Wipe between"))


def test_rows_are_shown_one_below_the_other_with_their_names(place: tuple[str, Run, Run], page: Page) -> None:
    page.goto(address(place))
    rows = page.get_by_test_id("stImage").locator("img")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_have_attribute("alt", re.compile("10 pictures of .*First"))
    expect(page.get_by_text("B · Second, epoch 1").first).to_be_visible()
    boxes = [rows.nth(index).bounding_box() for index in range(2)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] == boxes[1]["x"]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    assert boxes[0]["width"] == boxes[1]["width"]


def test_the_wipe_moves_by_key_and_pointer_and_a_link_brings_it_back(place: tuple[str, Run, Run], page: Page) -> None:
    page.goto(address(place, view="wipe"))
    handle = slider(page)
    expect(handle).to_be_visible()
    assert uncovered(page) == 50
    handle.focus()
    for _press in range(5):
        page.keyboard.press("ArrowRight")
    assert uncovered(page) == 55
    page.keyboard.press("Home")
    assert uncovered(page) == 0
    box = handle.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 2, middle)
    page.mouse.down()
    seen = []
    for share in (0.2, 0.4, 0.6, 0.8):  # it follows while the button is down, without the server
        page.mouse.move(box["x"] + share * box["width"], middle)
        seen.append(uncovered(page))
    page.mouse.up()
    assert seen == pytest.approx([20, 40, 60, 80], abs=1.5)
    expect(page).to_have_url(re.compile(r"wipe=(79|80|81)\b"))
    page.goto(page.url)
    expect(slider(page)).to_have_value(re.compile("79|80|81"))
    assert uncovered(page) == pytest.approx(80, abs=1.5)


def test_other_pictures_leave_the_wipe_where_it_is(place: tuple[str, Run, Run], page: Page) -> None:
    page.goto(address(place, view="wipe", wipe="30"))
    expect(slider(page)).to_have_value("30")
    before = page.locator(".gan-wipe-left").get_attribute("src")
    page.get_by_test_id("stNumberInputStepUp").first.click()
    expect(page.locator(".gan-wipe-left")).not_to_have_attribute("src", before or "")
    assert uncovered(page) == 30
    expect(page).to_have_url(re.compile("noise=2"))


def test_the_difference_states_its_mean(place: tuple[str, Run, Run], page: Page) -> None:
    page.goto(address(place, view="difference"))
    expect(page.get_by_text(re.compile(r"Mean absolute difference: \d+\.\d% of the range")).last).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Generator loss of A · First .*, B · Second"))).to_be_visible()


def test_a_phone_shows_every_view_without_scrolling_sideways(place: tuple[str, Run, Run], page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for view in ("rows", "wipe", "difference", "epochs"):
        page.goto(address(place, view=view, lang="zh"))
        expect(page.locator(".gan-wipe, [data-testid=stImage] img").first).to_be_visible()
        expect(page.get_by_test_id("stTable").first).to_be_visible()
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_names_that_visitors_gave_never_turn_into_markup(place: tuple[str, Run, Run], page: Page) -> None:
    page.goto(address(place))
    table = page.get_by_test_id("stTable").first
    expect(table.get_by_text(f"A · {NAME}", exact=False)).to_be_visible()
    expect(page.get_by_test_id("stMarkdown").get_by_text(f"A · {NAME}", exact=False).first).to_be_visible()
    expect(page.locator('a[href^="http://x"]')).to_have_count(0)

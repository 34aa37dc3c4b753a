"""The live chart in a real browser: one node for life, zoom kept, cursor, clicks, themes."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import StartServer

LIGHT_BLUE, DARK_BLUE = "rgb(0, 114, 178)", "rgb(86, 180, 233)"


@pytest.fixture(scope="module")
def plot_server(start_server: StartServer) -> Iterator[str]:
    with start_server("tests/browser/plot_server.py") as url:
        yield url


@pytest.fixture
def plots(page: Page, plot_server: str) -> Page:
    """A page with two drawn charts; `first` and `second` in the page are their nodes."""
    page.goto(plot_server)
    expect(page.locator(".gan-plot .main-svg .scatterlayer")).to_have_count(2)
    page.evaluate("[window.first, window.second] = document.querySelectorAll('.gan-plot')")
    return page


def state_of(page: Page, expression: str) -> object:
    """A value in the page, once the chart has come to rest."""
    page.wait_for_timeout(100)
    return page.evaluate(expression)


def add_data(page: Page, expected: int) -> None:
    page.get_by_role("button", name="More data").click()
    expect(page.get_by_text(f"points {expected},")).to_be_visible()
    page.wait_for_function(f"first._fullData?.[1].x.length === {expected}")


def test_new_data_keeps_the_node_and_the_zoom_and_never_blanks(plots: Page) -> None:
    plots.evaluate("Plotly.relayout(first, {'xaxis.range[0]': 5, 'xaxis.range[1]': 20})")
    plots.evaluate(
        """() => {
            window.blank = false;
            const look = () => { window.blank ||= !first.querySelector(".scatterlayer .trace"); };
            new MutationObserver(look).observe(first, { childList: true, subtree: true });
            const each = () => { look(); requestAnimationFrame(each); };
            each();
        }"""
    )
    add_data(plots, 100)
    add_data(plots, 150)
    assert plots.evaluate("document.querySelector('.gan-plot') === first && first.isConnected")
    assert plots.evaluate("first.layout.xaxis.range") == [5, 20]
    assert not plots.evaluate("window.blank")


def test_without_zoom_the_axis_grows_with_the_data(plots: Page) -> None:
    before = plots.evaluate("first.layout.xaxis.range[1]")
    add_data(plots, 100)
    plots.wait_for_function(f"first.layout.xaxis.range[1] > {before} + 40")


def test_a_chart_out_of_sight_takes_in_new_data_when_it_comes_back(plots: Page) -> None:
    plots.evaluate("first.parentElement.style.marginTop = '9000px'")
    plots.wait_for_function("first.ganState.away")
    plots.get_by_role("button", name="More data").click()
    plots.wait_for_function("first.ganState.stale")
    assert plots.evaluate("first._fullData[1].x.length") == 50
    plots.evaluate("first.parentElement.style.marginTop = ''")
    plots.wait_for_function("first._fullData[1].x.length === 100 && !first.ganState.stale")


def test_plotly_is_loaded_once_for_all_charts(page: Page, plot_server: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "plotly" in request.url.lower() else None)
    page.goto(plot_server)
    expect(page.locator(".gan-plot .main-svg .scatterlayer")).to_have_count(2)
    add_after = len(asked)
    page.get_by_role("button", name="More data").click()
    expect(page.get_by_text("points 100,")).to_be_visible()
    assert [address.split("?")[0] for address in asked] == [f"{plot_server}/assets/plotly.min.js"]
    assert add_after == 1


def test_the_cursor_moves_without_sending_the_curves_again(plots: Page) -> None:
    assert state_of(plots, "first.layout.shapes.map((shape) => shape.x0)") == [10]
    plots.evaluate("window.drawn = first.data")
    plots.get_by_role("slider").press("ArrowRight")
    plots.wait_for_function("first.layout.shapes[0].x0 === 11")
    assert plots.evaluate("first.data === window.drawn")
    assert plots.evaluate("second.layout.shapes.length") == 0


def test_the_cursor_goes_when_it_is_no_longer_asked_for(plots: Page) -> None:
    plots.get_by_text("Show cursor").click()
    plots.wait_for_function("first.layout.shapes.length === 0")
    plots.get_by_text("Show cursor").click()
    plots.wait_for_function("first.layout.shapes.length === 1")


def click_plot(page: Page, number: int, share: float) -> None:
    """Click into a chart, so far from its left edge."""
    area = page.locator(".gan-plot").nth(number).locator(".nsewdrag").bounding_box()
    assert area is not None
    x, y = area["x"] + share * area["width"], area["y"] + area["height"] / 2
    page.mouse.move(x - 5, y)
    page.mouse.move(x, y)
    expect(page.locator(".gan-plot").nth(number).locator(".hoverlayer .hovertext, .hoverlayer .legend")).to_be_visible()
    page.mouse.click(x, y)


def test_a_click_moves_what_it_is_told_to_move(plots: Page) -> None:
    click_plot(plots, 0, 0.5)
    expect(plots.get_by_text("clicks 1,")).to_be_visible()
    plots.wait_for_function("Math.abs(first.layout.shapes[0].x0 - 25) <= 2")
    click_plot(plots, 0, 0.25)
    expect(plots.get_by_text("clicks 2,")).to_be_visible()


def test_a_click_is_returned_once(plots: Page) -> None:
    click_plot(plots, 1, 0.5)
    expect(plots.get_by_text("second clicked at 2")).to_be_visible()
    add_data(plots, 100)
    expect(plots.get_by_text("second clicked at None")).to_be_visible()


def test_colours_follow_the_theme(plots: Page) -> None:
    colour = "getComputedStyle(second.querySelector('.scatterlayer .js-line')).stroke"
    assert plots.evaluate(colour) == LIGHT_BLUE
    light_text = plots.evaluate("second._fullLayout.font.color")
    plots.emulate_media(color_scheme="dark")
    plots.wait_for_function(f"{colour} === '{DARK_BLUE}'")
    assert plots.evaluate("second._fullLayout.font.color") != light_text
    assert plots.evaluate("document.querySelectorAll('.gan-plot')[1] === second")


def test_the_chart_is_as_wide_as_its_container(plots: Page) -> None:
    plots.set_viewport_size({"width": 500, "height": 800})
    plots.wait_for_function("Math.abs(first._fullLayout.width - first.parentElement.clientWidth) < 2")
    assert plots.evaluate("first._fullLayout.width") < 500


def test_the_chart_has_words_for_those_who_cannot_see_it(plots: Page) -> None:
    expect(plots.get_by_role("img", name="Two losses that wave")).to_be_visible()

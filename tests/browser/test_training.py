"""A training from the click on Train to the end, seen in a real browser: curves grow, sheets change, reload, stop."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from gan_core.data import find_dataset
from tests.browser.conftest import StartServer, settled

POINTS = """(name) => [...(window.ganCharts?.values() ?? [])]
    .find((state) => !state.gone && state.data.key.endsWith("." + name))?.node._fullData?.[0]?._length ?? 0"""
CURSOR = """() => [...window.ganCharts.values()].find((state) => state.data.key.endsWith(".losses"))
    .node.layout.shapes.find((shape) => shape.name === "gan-cursor")?.x0"""


def points(page: Page, name: str = "losses") -> int:
    return int(page.evaluate(POINTS, name))


def wait_for_points(page: Page, count: int) -> None:
    page.wait_for_function(f"(count) => ({POINTS})('losses') >= count", arg=count, timeout=90_000)


def test_a_training_is_watched_left_reloaded_scrubbed_and_stopped(start_server: StartServer, page: Page) -> None:
    # Real MNIST where GAN_DATA_DIR has it, else the digits that need no file: the page is the same.
    data = "mnist" if find_dataset("mnist").on_disk() else "strokes"
    settings = "training.epochs=60;training.log_every=5"
    with start_server() as url:
        page.goto(f"{url}/train?run=new&recipe=fc_gan&data={data}&set={settings}")
        page.get_by_role("button", name="Train", exact=True).click(timeout=60_000)
        page.wait_for_url(re.compile(r"[?&]run=\d{8}-\d{6}-fc_gan"))
        expect(page.locator(".stMarkdownBadge")).to_contain_text("training", timeout=60_000)

        wait_for_points(page, 1)
        seen = points(page)
        chart = page.locator(".gan-plot").first
        chart.evaluate("(node) => { node.dataset.mark = 'the same node' }")
        wait_for_points(page, seen + 5)  # the curve grows …
        assert chart.get_attribute("data-mark") == "the same node"  # … where it is

        picture = page.locator(".gan-stage img")
        first = picture.get_attribute("src")
        expect(picture).not_to_have_attribute("src", first or "", timeout=90_000)  # a new sheet
        assert "generated pictures" in (picture.get_attribute("alt") or "")
        assert page.locator(".gan-tile").count() == 10  # D's verdict on each

        page.reload()
        wait_for_points(page, seen + 5)
        page.wait_for_function(f"() => ({CURSOR})() >= 1")  # in step with the film from the start
        link = page.url

        page.goto(f"{url}/train")  # without a link: what trains is shown
        wait_for_points(page, seen + 5)
        assert page.url == link

        slider = page.get_by_role("slider", name="Snapshot")
        slider.focus()
        page.keyboard.press("Home")
        expect(page.locator(".gan-where")).to_contain_text("Epoch 0 ")
        page.wait_for_function(f"() => ({CURSOR})() === 0")
        page.wait_for_url(re.compile(r"snapshot=0"))
        page.get_by_role("button", name="Play", exact=True).click()  # to the newest: the film ends by itself
        expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=60_000)

        page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
        resume = page.get_by_role("button", name="Resume")
        expect(resume).to_be_visible(timeout=60_000)
        expect(page.get_by_role("button", name="Branch")).to_be_enabled()
        settled(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Curves (CSV)").click()
        table = Path(download.value.path()).read_text().splitlines()
        assert table[0].startswith("step,epoch,seconds,") and len(table) > seen
        with page.expect_download() as download:
            page.get_by_role("button", name="Film (GIF)").click()
        assert Path(download.value.path()).read_bytes().startswith(b"GIF89a")
        with page.expect_download() as download:
            page.get_by_role("button", name="Weights").click()
        assert b"gan_workbench" in Path(download.value.path()).read_bytes()[:20_000]

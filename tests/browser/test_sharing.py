"""Links in a real browser: a copied one shows a stranger the same, over http too; a lesson shows what was chosen."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SWITCHES, find_chromium, settled

# Pages with what a visitor could have chosen there; each is changed once more by hand before its link is copied.
VISITS = {
    "home": "?text=2026&seed=51",
    "train": "?run=new&recipe=fc_gan&data=strokes&set=training.epochs%3D3&d_terms=hinge_critic",
    "interpolate": "?view=grid&seed1=7&class1=4&side=5&mode=slerp",
    "digits": "?text=31.12&style=5&liveliness=0.5&paper=true&class=3&rows=2",
    "compare": "?a=cgan%40468&b=fc_gan&view=difference&noise=7&pictures=6&pair_seed=9&pair_epochs_cgan=3",
    "quality": "?model=fc_gan&data=strokes&noise=4&count=10000",
    "lab": "?comparison=new&recipe=dcgan&trial_seeds=2",
    "anatomy": "?recipe=dcgan&against=dcgan_modified&set=training.epochs%3D9",
    "library": "?shelf=weights",
}
FREE = re.compile(r"[\d.]+ \w+(?= free on this disk)")  # other programs write there, too
PATIENCE, REST = 60.0, 2.0  # seconds: until a page comes to rest, and how long it must stay the same
SCREEN = """() => {
    const main = document.querySelector("[data-testid=stMain]");
    const fields = [...main.querySelectorAll("input, textarea")].map((field) => field.type === "checkbox" || field.type
        === "radio" ? field.checked : field.value);
    const buttons = [...main.querySelectorAll("[aria-checked], [aria-pressed]")].map((node) => [node.innerText,
        node.getAttribute("aria-checked"), node.getAttribute("aria-pressed")]);
    const pictures = [...main.querySelectorAll("img")].map((image) => [image.alt, image.src.startsWith("data:")
        ? image.src : image.src.replace(/^.*\\//, "")]);
    return JSON.stringify([main.innerText, fields, buttons, pictures]);
}"""


def on_screen(page: Page) -> str:
    """All that is there now, but for what changes without the page."""
    return FREE.sub("", str(page.evaluate(SCREEN)))


def screen(page: Page) -> str:
    """All that is on screen once nothing changes any more: texts, entries, switches and pictures."""
    seen, since = "", time.monotonic()
    end = since + PATIENCE
    while time.monotonic() < end:
        settled(page)
        now = on_screen(page)
        if now != seen or "[],[],[]" in now:  # the parts of the page that show anything come after its texts
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > REST:
            return seen
        page.wait_for_timeout(200)
    raise AssertionError("the page does not come to rest")


def comes_to_show(page: Page, wanted: str) -> str:
    """What is on screen once that is `wanted`, or at the end of all patience."""
    end = time.monotonic() + PATIENCE
    while (now := on_screen(page)) != wanted and time.monotonic() < end:
        page.wait_for_timeout(200)
    return now


def copied_link(page: Page) -> str:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


@pytest.mark.parametrize("name", VISITS)
def test_a_copied_link_shows_a_stranger_the_same(server: str, browser: Browser, page: Page, name: str) -> None:
    page.goto(f"{server}/{name}{VISITS[name]}")
    seen = screen(page)  # until it is at rest, the first box may be missing, or be another one than later
    box = page.get_by_test_id("stMain").get_by_role("spinbutton").first
    if box.count() and name != "anatomy":
        box.fill("6")
        box.press("Enter")
        seen = screen(page)
    link = copied_link(page)
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", color_scheme="light")
    stranger = context.new_page()
    stranger.set_default_timeout(60_000)
    stranger.goto(link)
    shown = comes_to_show(stranger, seen)
    context.close()
    assert shown == seen


def test_the_link_is_copied_over_plain_http_too(server: str, browser: Browser) -> None:
    """Only https and localhost have a clipboard for pages; what was copied elsewhere is pasted to be seen."""
    named = "--host-resolver-rules=MAP workbench.test 127.0.0.1"
    http = browser.browser_type.launch(executable_path=find_chromium(), args=[*SWITCHES, named])
    page = http.new_page()
    page.set_default_timeout(60_000)
    address = f"{server.replace('127.0.0.1', 'workbench.test')}/library?shelf=uploads"
    page.goto(address)
    settled(page)
    assert page.evaluate("!window.isSecureContext && navigator.clipboard === undefined")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste'}))")
    page.locator("#paste").focus()
    page.keyboard.press("Control+V")
    assert page.locator("#paste").input_value() == address
    # Where the browser refuses that too, the link is there to select.
    page.evaluate("document.execCommand = () => false")
    page.get_by_role("button", name="Copy link").click()
    field = page.get_by_label("Link to this page")
    expect(field).to_have_value(address)
    assert field.evaluate("field => field.selectionEnd - field.selectionStart") == len(address)
    http.close()


def test_a_lesson_shows_what_its_teacher_chose_and_nothing_else(server: str, browser: Browser, page: Page) -> None:
    page.goto(f"{server}/train?run=new&recipe=fc_gan&data=strokes&set=latents.size%3D32")
    settled(page)
    page.get_by_role("button", name="Make a lesson").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Choice of data", exact=True).click()
    dialog.get_by_label("Remove Generator's optimiser › Learning rate").click()
    dialog.get_by_label("Task for the class").fill("What does the seed change?")
    dialog.get_by_label("Task for the class").press("Control+Enter")
    code = dialog.locator("code")
    expect(code).to_contain_text("task=What")
    link = code.inner_text()
    context = browser.new_context(viewport={"width": 390, "height": 844})
    student = context.new_page()
    student.set_default_timeout(60_000)
    student.goto(link + "&lang=zh")
    settled(student)
    expect(student.get_by_text("What does the seed change?")).to_be_visible()
    main = student.get_by_test_id("stMain")
    expect(main.get_by_role("spinbutton").filter(visible=True)).to_have_count(4)  # the usual five but one
    for hidden in ("数据集", "全部设置", "判别器的损失"):
        expect(main.get_by_text(hidden, exact=True).first).to_be_hidden()
    expect(main.get_by_text(re.compile("100 → 32"))).to_be_visible()
    student.get_by_role("button", name="显示全部").click()
    settled(student)
    expect(main.get_by_text("全部设置", exact=True)).to_be_visible()
    assert "lesson=" not in student.url and "latents.size" in student.url
    context.close()

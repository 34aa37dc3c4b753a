"""How long a visitor waits, in a real Chromium, while a training runs; as tables and as JSON.

    GAN_DATA_DIR=… python -m benchmarks.time_to_see [--only train switch slider viewer start] [--rounds 20]
                                                    [--json FILE] [--publish]

- train: from the click on Train to the first point of the loss curves, with a worker in reserve. Runs of one server
  train one after the other, so none of ours trains beside it.
- switch: from the click on a page's name to its heading, to the first thing that the page is about (a picture, a chart,
  a form), and to its end.
- slider: from the hand's move to the changed picture: in Interpolate's film, and where the server draws anew (the count
  of pictures and the style on Digits).
- viewer: what one open page of the training costs it.
- start: from the start of the server's process to the first page, title and picture.

`--publish` writes each part into docs/performance.md as soon as it is measured.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.clocks import CHANGED, FILM, FILM_DRAWN, POINT, SWITCH, WATCH
from benchmarks.report import publish, save, stamp, table
from benchmarks.stage import (
    Times,
    chromium,
    dataset,
    end_all,
    milliseconds,
    training,
    visitor,
    wait_for_reserve,
)
from benchmarks.viewer_cost import Cost, viewer_costs
from tests.browser.conftest import running_server, settled

# Each page's path, what it is called in the table, its heading, and the first thing on it that is not words.
PAGES: Mapping[str, tuple[str, str, str]] = {
    "": ("Home", "Watch a network learn to write", "img"),
    "train": ("Train", "Train", "[data-testid=stProgress]"),
    "interpolate": ("Interpolate", "Interpolate", "canvas.gan-film-picture, img"),
    "digits": ("Digits", "Digits", "img"),
    "compare": ("Compare", "Compare", "img"),
    "quality": ("Quality", "Quality", "[data-testid=stMetric], .gan-plot, img, [data-testid=stButton]"),
    "lab": ("Lab", "Lab", "[data-testid=stSelectbox]"),
    "anatomy": ("Anatomy", "Anatomy", "svg[role=img], .gan-network svg, [data-testid=stMetric]"),
    "library": ("Library", "Library", "[data-testid=stMain] img"),
}
# The page Train as who is about to start a run finds it: the button comes last of what the form shows at first.
FORM: Mapping[str, tuple[str, str, str]] = {"train": ("Train, the form", "Train", ".st-key-train-start")}
MARKS = {"title": "heading", "content": "first content", "end": "all of it"}
REST = 300  # milliseconds that a visitor looks at a page before the next click


def main() -> None:
    """Measure what is asked for, print, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--periods", type=int, default=5, help="how often the viewer looks")
    parser.add_argument("--period", type=float, default=15.0, help="seconds that it looks, and then does not")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--publish", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    origin = stamp("python -m benchmarks.time_to_see " + " ".join(sys.argv[1:]))
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        os.environ["GAN_RUNS_DIR"] = folder
        for part, found in measured(browser, Path(folder), arguments):
            results[part] = [asdict(each) for each in found]
            title, written = PARTS[part]
            text = written(found)
            print(f"## {title}\n\n{text}\n", flush=True)
            if arguments.publish:
                publish(f"time-{part}", title, text, origin)
    print(origin.sentence())
    if arguments.json:
        save(arguments.json, origin, results)


def times_table(found: Sequence[Times]) -> str:
    return table(["milliseconds", "median", "worst", "of"], map(milliseconds, found))


def cost_sentences(found: Sequence[Cost]) -> str:
    return "\n".join(cost.sentence() for cost in found)


# What each part is called, and how what it found is written.
PARTS: Mapping[str, tuple[str, Callable[[Sequence[Any]], str]]] = {
    "train": ("Time from the click on Train to the first point", times_table),
    "switch": ("Time from page to page", times_table),
    "slider": ("Time from a slider to its picture", times_table),
    "viewer": ("What one viewer costs a training", cost_sentences),
    "start": ("Time from the server's start to its first page", times_table),
}


def measured(
    browser: Browser, runs: Path, arguments: argparse.Namespace
) -> Iterator[tuple[str, list[Any]]]:
    """All that is asked for, in an order in which nothing disturbs another part."""
    parts, rounds = arguments.only, arguments.rounds
    try:
        with running_server(runs) as url:
            if "train" in parts:  # a run waits while another trains
                yield "train", [click_to_point(browser, url, runs, rounds)]
            wait_for_reserve(runs)
            with training(runs):
                wait_for_reserve(runs)  # the next one loads torch, which would slow all that is measured meanwhile
                if "switch" in parts:
                    yield "switch", [*page_switches(browser, url, rounds)]
                if "slider" in parts:
                    yield "slider", [*sliders(browser, url, rounds)]
                if "start" in parts:
                    yield "start", [first_page(browser, runs, rounds)]
            if "viewer" in parts:
                yield "viewer", [*viewer_costs(browser, url, runs, arguments.periods, arguments.period)]
    finally:
        end_all(runs)


def first_page(browser: Browser, runs: Path, rounds: int) -> Times:
    """Server's process → the first page's title and picture, for a visitor who has never been here.

    The training goes on beside it: another server than the one that started it may look on.
    """
    seconds = []
    for _round in range(rounds):
        began = time.monotonic()
        with running_server(runs) as url:
            context = visitor(browser)
            page = context.new_page()
            page.goto(url, wait_until="commit")
            page.get_by_role("heading", name=PAGES[""][1]).wait_for()
            page.wait_for_function("() => [...document.querySelectorAll('[data-testid=stMain] img')]"
                                   ".some((image) => image.complete && image.naturalWidth)")  # fmt: skip
            seconds.append(time.monotonic() - began)
            context.close()
    return Times("server start → first page", tuple(seconds))


def click_to_point(browser: Browser, url: str, runs: Path, rounds: int) -> Times:
    """Click on Train → first point of the losses; the recipe and all settings as they are offered."""
    seconds = []
    context = visitor(browser)
    page = context.new_page()
    for _round in range(rounds):
        page.goto(f"{url}/train?run=new&recipe=fc_gan&data={dataset()}")
        button = page.get_by_role("button", name="Train", exact=True)
        button.wait_for()
        settled(page)
        wait_for_reserve(runs)
        began = time.monotonic()
        button.click()
        page.wait_for_function(POINT, polling="raf")
        seconds.append(time.monotonic() - began)
        end_all(runs)
    context.close()
    return Times("click on Train → first loss point", tuple(seconds))


def page_switches(browser: Browser, url: str, rounds: int) -> Iterator[Times]:
    """Between all pages, and to the form of Train by a visitor who has asked for it before."""
    found = walk(browser, url, PAGES, rounds)
    found |= walk(browser, f"{url}/train?run=new", {"": PAGES[""], **FORM}, rounds, only=list(FORM))
    for words, marks in found.items():
        for mark, what in MARKS.items():
            yield Times(f"switch to {words}: {what}", tuple(one[mark] / 1000 for one in marks))
    for mark, what in MARKS.items():
        yield Times(f"all page switches: {what}", tuple(one[mark] / 1000 for marks in found.values() for one in marks))


def walk(
    browser: Browser, address: str, pages: Mapping[str, tuple[str, str, str]], rounds: int, only: Sequence[str] = ()
) -> dict[str, list[dict[str, float]]]:
    """One visitor's milliseconds to each mark of each page (of ``only`` these), who has been on all of them before."""
    context = visitor(browser)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("[data-testid=stSidebarNavLink]")
    settled(page)
    for path in [*reversed([*pages]), *pages]:
        switch(page, path, pages[path])
    marks: dict[str, list[dict[str, float]]] = {path: [] for path in pages}
    order, here = random.Random(0), [*pages][-1]
    while min(map(len, marks.values())) < rounds:
        # The page with the fewest visits is next, so that all come equally often, each from changing others.
        here = min((path for path in pages if path != here), key=lambda path: (len(marks[path]), order.random()))
        marks[here].append(switch(page, here, pages[here]))
    context.close()
    return {pages[path][0]: marks[path][:rounds] for path in only or pages}


def switch(page: Page, path: str, shown: tuple[str, str, str]) -> dict[str, float]:
    """Go to a page by its link in the sidebar; milliseconds until its heading, its content and its end."""
    page.wait_for_timeout(REST)
    marks: dict[str, float] = page.evaluate(SWITCH, [f"/{path}", *shown[1:]])
    return marks


def sliders(browser: Browser, url: str, rounds: int) -> Iterator[Times]:
    """A move of a hand → the changed picture."""
    context = visitor(browser)
    page = context.new_page()
    page.goto(f"{url}/interpolate")
    settled(page)
    page.wait_for_function(FILM_DRAWN)
    yield Times("slider of Interpolate's film → picture", tuple(page.evaluate(FILM) / 1000 for _ in range(rounds)))
    page.goto(f"{url}/digits")
    settled(page)
    hands = page.locator(".st-key-hands input")
    hands.focus()
    keys = itertools.cycle(["ArrowRight"] * 4 + ["ArrowLeft"] * 4)
    yield changes(page, "slider of pictures on Digits → sheet", " times ",
                  lambda: hands.press(next(keys)), rounds)  # fmt: skip
    more = page.locator(".st-key-style [data-testid=stNumberInputStepUp]")
    yield changes(page, "another seed on Digits → handwriting", "in handwriting", more.click, rounds)
    context.close()


def changes(page: Page, what: str, alt: str, act: Callable[[], None], rounds: int) -> Times:
    """How long each act takes until the picture of that alt text is another."""
    seconds = []
    for _round in range(rounds):
        settled(page)
        page.wait_for_timeout(REST)
        page.evaluate(WATCH, alt)
        act()
        seconds.append(page.evaluate(CHANGED) / 1000)
    return Times(what, tuple(seconds))


if __name__ == "__main__":
    main()

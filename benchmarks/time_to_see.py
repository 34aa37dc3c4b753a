"""How long a visitor waits, in a real Chromium, with a training going on and without; as a table and as JSON.

    GAN_DATA_DIR=… python -m benchmarks.time_to_see [--only start switch slider train viewer] [--rounds 20]
                                                    [--json FILE] [--publish]

- start: from the start of the server's process to the first page, title and picture.
- train: from the click on Train to the first point of the loss curves, with a worker in reserve.
- switch: from the click on a page's name to its heading, to the first thing that the page is about (a picture, a chart,
  a form), and to its end. The clock is the browser's, and stops at the frame that shows it.
- slider: from the hand's move to the changed picture: in Interpolate's film, and where the server draws anew (the count
  of pictures and the style on Digits).
- viewer: what one open page of the training costs it; the page is open and closed in turn within one run, whose own
  clock counts. The browser works on the same machine, which most visitors' does, too.

A ready picture is one that is drawn, not just asked for. `--publish` writes the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.report import Origin, publish, save, stamp, table
from benchmarks.stage import (
    Times,
    chromium,
    dataset,
    end_all,
    milliseconds,
    training,
    visitor,
    wait_for_reserve,
    wait_until,
)
from gan_core.runs import Run, find_run
from tests.browser.conftest import running_server

PARTS = ("start", "switch", "slider", "train", "viewer")
# Each page's address, its heading, and the first thing on it that is not words.
PAGES: Mapping[str, tuple[str, str]] = {
    "home": ("Watch a network learn to write", "img"),
    "train": ("Train", "[data-testid=stProgress], .st-key-train-start"),
    "interpolate": ("Interpolate", "canvas.gan-film-picture, img"),
    "digits": ("Digits", "img"),
    "compare": ("Compare", "img"),
    "quality": ("Quality", "[data-testid=stMetric], .gan-plot, img, [data-testid=stButton]"),
    "anatomy": ("Anatomy", "svg[role=img], .gan-network svg, [data-testid=stMetric]"),
    "library": ("Library", "[data-testid=stHorizontalBlock] img, [data-testid=stMain] img"),
}
# Clicks, and answers with the milliseconds until the frame that shows the heading, the content, and the end.
SWITCH = """([href, title, content]) => new Promise((resolve) => {
  const main = () => document.querySelector("[data-testid=stMain]");
  const shown = (node) => node && !node.closest("[data-stale=true]") && (node.tagName !== "IMG" || node.complete);
  const marks = {}, began = performance.now();
  const tests = {
    title: () => main()?.querySelector("h1")?.textContent.trim() === title && shown(main().querySelector("h1")),
    content: () => "title" in marks && [...main().querySelectorAll(content)].some(shown),
    end: () => "content" in marks
      && document.querySelector("[data-testid=stApp]").dataset.testScriptState === "notRunning",
  };
  const look = () => {
    const now = performance.now();
    for (const [name, holds] of Object.entries(tests)) if (!(name in marks) && holds()) marks[name] = now - began;
    if ("end" in marks) resolve(marks); else requestAnimationFrame(look);
  };
  [...document.querySelectorAll("[data-testid=stSidebarNavLink]")].find((link) => new URL(link.href).pathname === href)
    .click();
  requestAnimationFrame(look);
})"""
# Moves the film's slider as a hand would, and answers with the milliseconds until the picture is another.
FILM = """() => new Promise((resolve) => {
  const slider = document.querySelector(".gan-film-slider"), canvas = document.querySelector("canvas.gan-film-picture");
  const before = canvas.toDataURL(), began = performance.now();
  slider.value = Number(slider.value) === Number(slider.max) ? slider.min : slider.max;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  const look = () => canvas.toDataURL() !== before ? resolve(performance.now() - began) : requestAnimationFrame(look);
  requestAnimationFrame(look);
})"""
# Notes the moment of the next key or click, and answers, once asked, when the picture of that alt text was another.
WATCH = """(alt) => {
  const picture = () => document.querySelector(`[data-testid=stMain] img[alt*="${alt}"]`);
  const before = picture().src;
  let began;
  for (const kind of ["keydown", "pointerdown"])
    window.addEventListener(kind, () => { began ??= performance.now(); }, { capture: true, once: true });
  window.ganChanged = new Promise((resolve) => {
    const look = () => {
      const now = picture();
      if (began && now && now.src !== before && now.complete) resolve(performance.now() - began);
      else requestAnimationFrame(look);
    };
    look();
  });
}"""
POINT = """() => [...(window.ganCharts?.values() ?? [])].some((state) => !state.gone
  && state.data.key.endsWith(".losses") && (state.node._fullData?.[0]?._length ?? 0) > 0)"""
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
SKIPPED = 3.0  # seconds at the start of each period, in which a page opens or closes


def main() -> None:
    """Measure what is asked for, print, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--period", type=float, default=15.0, help="seconds that a viewer looks, and then does not")
    parser.add_argument("--quiet", choices=("yes", "no", "both"), default="both", help="without a training")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--publish", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    origin = stamp("python -m benchmarks.time_to_see " + " ".join(sys.argv[1:]))
    quiet = {"yes": (True,), "no": (False,), "both": (True, False)}[arguments.quiet]
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        os.environ["GAN_RUNS_DIR"] = folder
        runs = Path(folder)
        try:
            for name in quiet:
                key = "without a training" if name else "while one trains"
                found = measured(browser, runs, [part for part in arguments.only if part != "viewer"],
                                 arguments.rounds, quiet=name)  # fmt: skip
                results[key] = []
                for times in found:
                    results[key].append(times)
                    print(f"{key}: {' | '.join(milliseconds(times))}", flush=True)
            if "viewer" in arguments.only:
                results["viewer"] = viewer_cost(browser, runs, arguments.rounds, arguments.period)
        finally:
            end_all(runs)
    text = document(results, origin)
    print(f"\n{text}\n\n{origin.sentence()}")
    if arguments.json:
        save(arguments.json, origin, plain(results))
    if arguments.publish:
        publish("time-to-see", "Time to see", text, origin)


def measured(browser: Browser, runs: Path, parts: Iterable[str], rounds: int, *, quiet: bool) -> Iterator[Times]:
    """All waiting times, with a training beside them unless ``quiet``."""
    parts = list(parts)
    if not parts:
        return
    with running_server(runs) as url:
        if "train" in parts and quiet:  # a run waits while another trains
            yield click_to_point(browser, url, runs, rounds)
        wait_for_reserve(runs)
        with nullcontext() if quiet else training(runs):
            if "switch" in parts:
                yield from page_switches(browser, url, rounds)
            if "slider" in parts:
                yield from sliders(browser, url, rounds)
            if "start" in parts and not quiet:
                yield first_page(browser, runs, rounds)
    if "start" in parts and quiet:
        yield first_page(browser, runs, rounds)


def first_page(browser: Browser, runs: Path, rounds: int) -> Times:
    """Server's process → the first page's title and picture, for a visitor who has never been here.

    A training goes on beside it where the folder has one: another server than the one that started it may look on.
    """
    seconds = []
    for _round in range(rounds):
        began = time.monotonic()
        with running_server(runs) as url:
            context = visitor(browser)
            page = context.new_page()
            page.goto(url, wait_until="commit")
            page.get_by_role("heading", name=PAGES["home"][0]).wait_for()
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
        page.wait_for_selector(SETTLED)
        wait_for_reserve(runs)
        began = time.monotonic()
        button.click()
        page.wait_for_function(POINT, polling="raf")
        seconds.append(time.monotonic() - began)
        end_all(runs)
    context.close()
    return Times("click on Train → first loss point", tuple(seconds))


def page_switches(browser: Browser, url: str, rounds: int) -> Iterator[Times]:
    """From each page to each, the same visitor; the first visits to all pages do not count."""
    context = visitor(browser)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("[data-testid=stMain] img")
    pairs = list(itertools.permutations(PAGES, 2))
    order = [target for target in PAGES if target != "home"] + ["home"]
    for target in order:
        switch(page, target)
    marks: dict[str, list[dict[str, float]]] = {name: [] for name in PAGES}
    while min(map(len, marks.values())) < rounds:
        for number in range(len(pairs)):
            # A stride that is coprime to the length visits every pair; each first goes to where its switch begins.
            start, target = pairs[number * 11 % len(pairs)]
            if len(marks[target]) >= rounds:
                continue
            switch(page, start)
            marks[target].append(switch(page, target))
    context.close()
    for name, found in marks.items():
        for mark, words in (("title", "heading"), ("content", "first content"), ("end", "all of it")):
            yield Times(f"switch to {PAGES[name][0] if name != 'home' else 'Home'}: {words}",
                        tuple(one[mark] / 1000 for one in found))  # fmt: skip
    for mark, words in (("title", "heading"), ("content", "first content"), ("end", "all of it")):
        all_marks = tuple(one[mark] / 1000 for found in marks.values() for one in found)
        yield Times(f"page switch, all pages: {words}", all_marks)


def switch(page: Page, name: str) -> dict[str, float]:
    """Go to a page by its link in the sidebar; milliseconds until its heading, its content and its end."""
    title, content = PAGES[name]
    marks: dict[str, float] = page.evaluate(SWITCH, ["/" if name == "home" else f"/{name}", title, content])
    return marks


def sliders(browser: Browser, url: str, rounds: int) -> Iterator[Times]:
    """A move of a hand → the changed picture."""
    context = visitor(browser)
    page = context.new_page()
    page.goto(f"{url}/interpolate")
    page.wait_for_selector(SETTLED)
    drawn = "document.querySelector('.gan-film-picture')?.getContext('2d').getImageData(0, 0, 1, 1).data[3] > 0"
    page.wait_for_function(drawn)
    yield Times("slider of Interpolate's film → picture", tuple(page.evaluate(FILM) / 1000 for _ in range(rounds)))
    page.goto(f"{url}/digits")
    page.wait_for_selector(SETTLED)
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
        page.wait_for_selector(SETTLED)
        page.evaluate(WATCH, alt)
        act()
        seconds.append(page.evaluate("() => window.ganChanged") / 1000)
    return Times(what, tuple(seconds))


def viewer_cost(browser: Browser, runs: Path, rounds: int, period: float) -> dict[str, Any]:
    """Pictures a second of one run with its page open, and closed, in periods that alternate."""
    rates: dict[str, list[float]] = {"closed": [], "open": []}
    with running_server(runs) as url:
        wait_for_reserve(runs)
        with training(runs) as run:
            wait_for_reserve(runs)  # the next one loads torch, which would slow the first period
            for _round in range(max(3, rounds // 4)):
                rates["closed"].append(rate(run, period))
                context = visitor(browser)
                page = context.new_page()
                page.goto(f"{url}/train?run={run.id}")
                page.wait_for_function(POINT)
                rates["open"].append(rate(run, period))
                context.close()
            rates["closed"].append(rate(run, period))
    # Each open period against the mean of the closed ones before and after it, so that a drift cancels out.
    between = [statistics.mean(pair) for pair in itertools.pairwise(rates["closed"])]
    costs = [1 - seen / alone for seen, alone in zip(rates["open"], between, strict=True)]
    return {"rates": rates, "costs": costs}


def rate(run: Run, seconds: float) -> float:
    """Pictures a second over so many seconds from soon, by the points that the run writes and its own clock."""
    time.sleep(SKIPPED)
    batch = run.recipe().training.batch_size * run.recipe().training.discriminator_steps
    first = latest(run)
    wait_until(lambda: latest(run)[1] - first[1] >= seconds, "the period is over", seconds * 10)
    last = latest(run)
    return (last[0] - first[0]) * batch / (last[1] - first[1])


def latest(run: Run) -> tuple[float, float]:
    """(step, seconds) of the newest point."""
    scalars = find_run(run.id).history().scalars
    return float(scalars["step"][-1] or 0), float(scalars["seconds"][-1] or 0)


def document(results: Mapping[str, Any], origin: Origin) -> str:
    """The tables in Markdown."""
    parts = []
    for key in ("without a training", "while one trains"):
        if results.get(key):
            head = [f"milliseconds, {key}", "median", "worst", "of"]
            parts.append(table(head, (milliseconds(times) for times in results[key])))
    if "viewer" in results:
        costs, rates = results["viewer"]["costs"], results["viewer"]["rates"]
        parts.append(
            f"One viewer costs the training {statistics.median(costs):.1%} of its speed "
            f"({min(costs):.1%} to {max(costs):.1%} in {len(costs)} periods; "
            f"{statistics.median(rates['closed']):,.0f} pictures a second without, with the page closed)."
        )
    return "\n\n".join(parts)


def plain(results: Mapping[str, Any]) -> dict[str, Any]:
    """The results as JSON takes them."""
    return {key: found if isinstance(found, dict) else [asdict(times) for times in found]
            for key, found in results.items()}  # fmt: skip


if __name__ == "__main__":
    main()

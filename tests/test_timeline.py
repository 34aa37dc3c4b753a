"""What a film shows of a run: all sheets of a short one, and of a long one a choice that a page can hold."""

from __future__ import annotations

from pathlib import Path

from gan_core.runs import Sheet
from pages.ui.timeline import MOST, chosen


def sheets(count: int, kept: int = 0) -> list[Sheet]:
    """So many sheets, of which those of every ``kept``-th step have networks."""
    path = Path("step.png")
    return [
        Sheet(step, step / 2, 2, 2, (0.5,) * 4, path, path if kept and step % kept == 0 else None)
        for step in range(count)
    ]


def test_a_short_run_is_shown_whole() -> None:
    assert chosen(sheets(MOST), sheets(MOST)[3]) == sheets(MOST)


def test_a_film_is_bounded_and_keeps_what_was_asked_for_the_newest_and_the_networks() -> None:
    for count in (501, 2_136, 100_000):
        every = sheets(count, kept=count // 5)
        steps = [sheet.step for sheet in chosen(every, every[7])]
        assert MOST / 2 < len(steps) <= MOST + 10 and steps == sorted(steps)
        assert {0, 7, count - 1, count // 5, 2 * (count // 5)} <= set(steps)


def test_a_film_that_grows_keeps_its_sheets() -> None:
    before = {sheet.step for sheet in chosen(sheets(2_001), sheets(1)[0])}
    after = {sheet.step for sheet in chosen(sheets(3_000), sheets(1)[0])}
    assert before - {2_000} <= after

"""What benchmarks leave behind, and that the long runs and large data sets they make are what the program reads."""

from __future__ import annotations

from pathlib import Path

from benchmarks.made import make_cache, make_long_run
from benchmarks.report import HEAD, publish, stamp, table, with_section
from gan_core.datasets.dataset import silent
from gan_core.datasets.picture_cache import PictureCache
from gan_core.history import MOST_POINTS
from gan_core.recipes.recipe import Snapshots


def test_a_section_replaces_its_earlier_self_and_no_other() -> None:
    both = with_section(with_section(HEAD, "one", "## One\n\nold"), "two", "## Two")
    again = with_section(both, "one", "## One\n\nnew")
    assert "old" not in again and again.count("## ") == 2 and again.index("new") < again.index("## Two")
    assert again == both.replace("old", "new")


def test_a_published_section_says_where_its_numbers_come_from(tmp_path: Path) -> None:
    origin = stamp("python -m benchmarks.some", hardware="A machine")
    publish("some", "Some", table(["what", "ms"], [["this", 3]]), origin, tmp_path / "performance.md")
    text = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert "| this | 3 |" in text and "`python -m benchmarks.some`" in text and "A machine" in text


def test_a_made_cache_opens_whole_and_takes_no_room(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, "Zeros", 1, 28, silent)
    make_cache(cache, 1_000)
    prepared = cache.open()
    assert prepared is not None and prepared.images.shape == (1_000, 1, 28, 28)
    assert prepared.labels.tolist() == [number % 10 for number in range(1_000)]


def test_a_made_run_is_read_like_any_other_and_stays_bounded(tmp_path: Path) -> None:
    run = make_long_run(tmp_path, 300_000, Snapshots())
    assert run.history().scalars["step"][-1] == 300_000 and len(run.history()) <= MOST_POINTS
    assert len(run.sheets()) == 300_000 // 468 and run.curves_csv().count("\n") == 6_001

"""An evaluation as a table to read in a terminal: each number beside what real test pictures score."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from gan_core.evaluation.evaluate import Evaluation, Measure

NONE = "–"


def as_text(evaluation: Evaluation) -> str:
    """Measures, then classes, then what was not measured."""
    count, dataset = evaluation.count, evaluation.dataset
    parts = [
        f"{count:,} generated pictures (seed {evaluation.seed}) against {count:,} of {dataset}, "
        f"in {evaluation.seconds:.0f} s. In the column “real”: as many real test pictures.",
        _table(
            ("", "generated", "real", "better"),
            [(item.name, shown(item, item.value), shown(item, item.floor), item.better)
             for item in evaluation.measures],
        ),
    ]  # fmt: skip
    if evaluation.classes:
        parts.append(_table(
            ("class", "share", "real", "obedience", "fidelity", "real", "diversity", "real"),
            [(row.name, percent(row.share), percent(row.real_share), percent(row.obedience), percent(row.fidelity),
              percent(row.fidelity_floor), _number(row.diversity), _number(row.diversity_floor))
             for row in evaluation.classes],
        ))  # fmt: skip
    parts += [notice.text.format(**notice.values) for notice in evaluation.notices]
    return "\n\n".join(parts)


def shown(measure: Measure, value: float | None) -> str:
    """A value of a measure as its unit asks: a percent, a count, or a number with four significant digits."""
    if value is None:
        return NONE
    if measure.unit == "share":
        return percent(value)
    return f"{value:,.0f}" if measure.unit == "count" else f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"


def percent(value: float | None) -> str:
    """A share in percent, with two decimals where less than one in a hundred is missing."""
    if value is None:
        return NONE
    return f"{value:.2%}" if 0.99 < value < 1 else f"{value:.1%}"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be; the first one aligned to the left, all others to the right."""
    widths = [max(map(_width, column)) for column in zip(heads, *rows, strict=True)]
    lines = ([_padded(cell, widths, place) for place, cell in enumerate(row)] for row in (heads, *rows))
    return "\n".join("  ".join(line) for line in lines)


def _padded(cell: str, widths: Sequence[int], place: int) -> str:
    space = " " * (widths[place] - _width(cell))
    return cell + space if place == 0 else space + cell


def _width(text: str) -> int:
    """How many columns of a terminal a text takes; Chinese and Japanese letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)

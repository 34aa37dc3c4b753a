"""What a run's history says in plain words: a collapse, a discriminator that has won, no more progress.

    for finding in findings(run.history(), run.recipe()):       # gravest first; empty while all is well
        print(finding.plain)

Every rule is a pure function of the lines that the run has written. A rule over measured pictures asks for
:data:`IN_A_ROW` measurements that agree, since one alone may be chance. docs/alarms.md tells how often they are right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from gan_core.data import find_dataset
from gan_core.events import Quality
from gan_core.history import History
from gan_core.recipes.recipe import Recipe

IN_A_ROW = 2
COVERED = 0.1  # of the share that a class has among real pictures: below it, the class counts as missing
MISREAD = 0.05  # of an even share of real pictures: below it, they are pictures of other classes that were misread
DOMINANT = 0.5  # share of the pictures from which one class stands out
MISSING = 2  # from so many missing classes on it is called a collapse
ALIKE = 0.5  # of the spread of real pictures, and of the run's own best
NEARER = 0.9  # of the least distance so far: below it, twice in a row, the pictures are still forming
UNFORMED = 1.5  # times the distance that real pictures of one class alone have
STUCK = 4  # measurements in a row with unformed pictures, the last three of which came no nearer
MEMORY = 0.6
WON_LOSS, WON_POINTS = 0.05, 8
EXPLODED, LOUD, LAST_POINTS = 20.0, 50.0, 5  # times the run's usual loss; the least loss; over so many points
TREND_POINTS, TREND_LEAST, CLEAR = 8, 5, 1.64  # one-sided 5 %
CHANGED = 0.03  # share of the distance between the two halves' medians below which no trend matters

DIVERGED = "The losses explode or are no longer finite numbers."
DOMINATED = "{share}% of the pictures are read as “{name}”; among real ones it is {real}%."
CLASSES_MISSING = "{count} of {classes} classes are missing: {names}."
GROWN_ALIKE = "The pictures grow alike: two of them differ {share}% as much as two real ones do."
WON = "The discriminator has nearly won: its loss stays so near 0 that the generator learns little from it."
MEMORISES = (
    "The discriminator learns its pictures by heart: it rates a picture that it trains on above a new real one in "
    "{share}% of all pairs; half of them would be fair."
)
NO_PICTURES = "The pictures come no nearer to real ones: a classifier still cannot tell what they show."
NOT_YET = "The pictures are still farther from real ones than pictures of one class alone would be."
IMPROVING = "Still improving: over the last {count} measurements the distance to real pictures has fallen."
WORSENING = "Getting worse: over the last {count} measurements the distance to real pictures has grown."
SETTLED = "No longer improving: over the last {count} measurements the distance to real pictures shows no trend."
TEXTS = (
    DIVERGED, DOMINATED, CLASSES_MISSING, GROWN_ALIKE, WON, MEMORISES, NO_PICTURES, NOT_YET, IMPROVING, WORSENING,
    SETTLED,
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that a history says.

    ``kind`` is diverged, collapse, stuck, won, memorises, unformed, improving, worsening or settled; the first five
    are ``grave``. ``text`` is a template for ``values``, so that it can be translated; a tuple among them is a list of
    names. ``since`` is an epoch, and ``seen`` the number of measurements, or of points, that have agreed since then.
    """

    kind: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    since: float = 0.0
    seen: int = 1
    grave: bool = True

    @property
    def plain(self) -> str:
        """The sentence in English."""
        return self.text.format(
            **{key: ", ".join(value) if isinstance(value, tuple) else value for key, value in self.values.items()}
        )


def findings(history: History, recipe: Recipe) -> list[Finding]:
    """All that the history says now, gravest first."""
    lines = [quality for quality in history.quality if quality.step > 0]
    said = (
        diverged(history.scalars),
        collapse(lines),
        unformed(lines),
        won(history.scalars, recipe),
        memorises(lines),
        trend(lines),
    )
    found = [finding for finding in said if finding is not None]
    grave = [finding for finding in found if finding.grave]
    # Beside a collapse it would mislead that a distance still falls, or that the pictures are not readable yet.
    return grave or found


def missing_classes(quality: Quality) -> list[int]:
    """The classes that real pictures show and these do not, or hardly."""
    shares = zip(quality.classes, quality.real, strict=True)
    return [number for number, (count, real) in enumerate(shares)
            if _is_class(real, quality) and count < COVERED * real * quality.count]  # fmt: skip


def covered_classes(quality: Quality) -> tuple[int, int]:
    """(classes that appear among the pictures, classes among real ones)."""
    there = sum(_is_class(real, quality) for real in quality.real)
    return there - len(missing_classes(quality)), there


def _is_class(share: float, quality: Quality) -> bool:
    """Whether so many real pictures are read as a class that it is one of theirs, and they are not misread."""
    return share >= MISREAD / len(quality.real)


def class_names(quality: Quality) -> tuple[str, ...]:
    """What the classifier's classes are called."""
    return find_dataset(quality.reader).class_names


def diverged(scalars: Mapping[str, Sequence[float | None]]) -> Finding | None:
    """Losses that are not finite, or far beyond what they were for most of the run."""
    since: float | None = None
    for name in ("loss_g", "loss_d"):
        points = [(epoch or 0.0, value) for epoch, value in zip(scalars.get("epoch", ()), scalars.get(name, ()),
                                                                strict=False) if value is not None]  # fmt: skip
        unfit = [epoch for epoch, value in points if not math.isfinite(value)]
        if unfit:
            return Finding("diverged", DIVERGED, since=unfit[0])
        earlier, last = points[:-LAST_POINTS], points[-LAST_POINTS:]
        if len(earlier) < LAST_POINTS:
            continue
        usual = median(abs(value) for _epoch, value in earlier)
        if min(abs(value) for _epoch, value in last) > max(EXPLODED * usual, LOUD):
            since = last[0][0] if since is None else min(since, last[0][0])
    return None if since is None else Finding("diverged", DIVERGED, since=since, seen=LAST_POINTS)


def collapse(lines: Sequence[Quality]) -> Finding | None:
    """One class nearly alone, several missing, or pictures that grow alike, while nothing gets better."""
    seen = _in_a_row(lines, lambda index: _collapsed(lines, index))
    if seen < IN_A_ROW:
        return None
    text, values = _described(lines[-1])
    return Finding("collapse", text, values, lines[-seen].epoch, seen)


def won(scalars: Mapping[str, Sequence[float | None]], recipe: Recipe) -> Finding | None:
    """D's objectives, penalties aside, stay next to the least value that their targets allow."""
    terms = [term for term in recipe.discriminator_terms if term.group == "objective" and term.weight > 0]
    columns = [scalars.get(term.kind, ()) for term in terms]
    left = [
        sum(term.weight * (value - term.floor) for term, value in zip(terms, values, strict=True))
        if all(value is not None for value in values) else math.inf
        for values in zip(*columns, strict=False)
    ]  # fmt: skip
    seen = _in_a_row(left, lambda index: left[index] < WON_LOSS)
    if seen < WON_POINTS:
        return None
    since = scalars["epoch"][len(left) - seen]
    return Finding("won", WON, since=since or 0.0, seen=seen)


def memorises(lines: Sequence[Quality]) -> Finding | None:
    """D rates what it trains on above other real pictures."""
    seen = _in_a_row(lines, lambda index: (lines[index].memory or 0.0) >= MEMORY)
    if seen < IN_A_ROW:
        return None
    share = round(100 * (lines[-1].memory or 0.0))
    return Finding("memorises", MEMORISES, {"share": share}, lines[-seen].epoch, seen)


def unformed(lines: Sequence[Quality]) -> Finding | None:
    """Pictures that a classifier for this data set cannot be asked about yet, or that never become any."""
    seen = _in_a_row(lines, lambda index: not formed(lines[index]))
    if not seen:
        return None
    since = lines[-seen].epoch
    distances = [line.distance or 0.0 for line in lines[-seen:]]
    # Distances of pictures that are none waver from one epoch to the next, so the best ones are compared.
    if seen >= STUCK and min(distances[1 - STUCK :]) >= NEARER * min(distances[: 1 - STUCK]):
        return Finding("stuck", NO_PICTURES, since=since, seen=seen)
    return Finding("unformed", NOT_YET, since=since, seen=seen, grave=False)


def formed(quality: Quality) -> bool:
    """Whether the pictures are near enough to real ones for a classifier's answer to mean something."""
    return quality.distance is None or quality.alone is None or quality.distance <= UNFORMED * quality.alone


def trend(lines: Sequence[Quality]) -> Finding | None:
    """Whether the distance to real pictures falls, grows or does neither, by Mann and Kendall's test.

    It counts the pairs of measurements in which the later one is nearer (Mann 1945; Kendall 1975): a single good or
    bad epoch moves it little. A change too small to matter counts as none, however steady it is.
    """
    last = [line for line in lines if line.distance is not None][-TREND_POINTS:]
    if len(last) < TREND_LEAST:
        return None
    distances = [line.distance or 0.0 for line in last]
    score, half = trend_score(distances), len(last) // 2
    before, after = median(distances[:half]), median(distances[-half:])
    kind, text = ("settled", SETTLED)
    if abs(score) >= CLEAR and abs(after - before) >= CHANGED * before:
        kind, text = ("improving", IMPROVING) if score < 0 else ("worsening", WORSENING)
    return Finding(kind, text, {"count": len(last)}, last[0].epoch, len(last), grave=False)


def trend_score(values: Sequence[float]) -> float:
    """How many standard deviations the count of rising pairs less falling pairs is from 0, in [-∞, ∞].

    Var S = n (n − 1) (2n + 5) / 18 for n values without ties.
    """
    n = len(values)
    pairs = sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])
    return pairs / math.sqrt(n * (n - 1) * (2 * n + 5) / 18) if n > 1 else 0.0


def _collapsed(lines: Sequence[Quality], index: int) -> bool:
    """Whether one measurement shows a collapse; while the pictures come nearer and nearer they still form."""
    quality = lines[index]
    if not formed(quality) or (_nearer(lines, index) and _nearer(lines, index - 1)):
        return False
    best = max(line.spread for line in lines[: index + 1])
    alike = quality.spread < ALIKE and quality.spread < ALIKE * best
    return alike or _dominant(quality) is not None or _many_missing(quality)


def _nearer(lines: Sequence[Quality], index: int) -> bool:
    """Whether the pictures are clearly nearer to real ones than ever before."""
    now = lines[index].distance if index > 0 else None
    earlier = [line.distance for line in lines[: max(index, 0)] if line.distance is not None]
    return now is not None and bool(earlier) and now < NEARER * min(earlier)


def _dominant(quality: Quality) -> int | None:
    """The class that most of the pictures show, unless it is as common among real ones."""
    if not quality.classes:
        return None
    most = max(range(len(quality.classes)), key=quality.classes.__getitem__)
    share = quality.classes[most] / quality.count
    return most if share >= DOMINANT and share >= 2 * quality.real[most] else None


def _many_missing(quality: Quality) -> bool:
    """Whether so many classes are missing that it is no accident: MISSING of them, or half of those there are."""
    covered, classes = covered_classes(quality)
    return classes - covered >= MISSING or 0 < classes <= 2 * (classes - covered)


def _described(quality: Quality) -> tuple[str, dict[str, object]]:
    """The collapse in words: what is most striking about it."""
    most, missing = _dominant(quality), missing_classes(quality)
    if most is not None:
        names = class_names(quality)
        share, real = (round(100 * part) for part in (quality.classes[most] / quality.count, quality.real[most]))
        return DOMINATED, {"share": share, "name": names[most], "real": real}
    if _many_missing(quality):
        names = class_names(quality)
        _covered, classes = covered_classes(quality)
        return CLASSES_MISSING, {"count": len(missing), "classes": classes, "names": tuple(names[i] for i in missing)}
    return GROWN_ALIKE, {"share": round(100 * quality.spread)}


def _in_a_row(values: Sequence[object], holds: Callable[[int], bool]) -> int:
    """For how many of the last values a condition holds without a gap."""
    count = 0
    while count < len(values) and holds(len(values) - 1 - count):
        count += 1
    return count

"""Text as handwriting: the model draws the characters that it knows, plain pen strokes the marks between them."""

from __future__ import annotations

import itertools
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gan_core.config import UserError, Validated, setting
from gan_core.explore import WritingRequest, checked_labels, pictures
from gan_core.images import Pixels, sheet
from gan_core.library import describe

Floats = npt.NDArray[np.float64]

MOST_CHARACTERS = 64
ADVANCE = 0.72  # of a tile's width from one character to the next: MNIST leaves 4 of 28 pixels empty on each side
MARK_WIDTH = 0.45
GAP_WIDTH = 0.5
PEN = 0.045  # half a stroke's width, as a share of the tile's height

# Polylines of each mark in a box of width 1 and height 1, the line of writing at 0.8.
_PARENTHESIS = ((0.7, 0.12), (0.45, 0.25), (0.34, 0.42), (0.34, 0.58), (0.45, 0.75), (0.7, 0.88))
_Stroke = tuple[tuple[float, float], ...]
_MARKS: dict[str, tuple[_Stroke, ...]] = {
    ".": (((0.5, 0.8), (0.5, 0.8)),),
    ",": (((0.54, 0.77), (0.44, 0.92)),),
    ":": (((0.5, 0.45), (0.5, 0.45)), ((0.5, 0.77), (0.5, 0.77))),
    ";": (((0.5, 0.45), (0.5, 0.45)), ((0.54, 0.77), (0.44, 0.92))),
    "-": (((0.2, 0.52), (0.8, 0.52)),),
    "+": (((0.12, 0.52), (0.88, 0.52)), ((0.5, 0.34), (0.5, 0.7))),
    "=": (((0.15, 0.44), (0.85, 0.44)), ((0.15, 0.6), (0.85, 0.6))),
    "/": (((0.85, 0.16), (0.15, 0.86)),),
    "'": (((0.5, 0.18), (0.48, 0.32)),),
    "(": (_PARENTHESIS,),
    ")": (tuple((1 - x, y) for x, y in _PARENTHESIS),),
}
# What keyboards of other languages write for the same marks.
_SAME = str.maketrans("–—−‐‑，。．、：；／＋＝（）’’", "-----,..,:;/+=()''")


@dataclass(frozen=True)
class Text:
    """A text as the model can write it.

    ``plain`` is the text with one spelling for each character, a blank for each that cannot be written; ``marks`` and
    ``left_out`` are the different characters that the model does not draw, in order of appearance.
    """

    plain: str
    marks: tuple[str, ...]
    left_out: tuple[str, ...]

    def labels(self, class_names: Sequence[str]) -> tuple[int, ...]:
        """The classes in the text, in order."""
        return tuple(class_names.index(character) for character in self.plain if character in class_names)


@dataclass(frozen=True)
class DigitsRequest(Validated):
    """A text in one handwriting; lines break after ``columns`` characters, between words where there are any."""

    model: str
    text: str
    seed: int = setting(1, title="Style", help="Each number is another handwriting.", minimum=0, maximum=2**31 - 1)
    variation: float = field(default=0.25)
    columns: int = setting(16, title="Line length", help="Characters in a line.", minimum=4, maximum=MOST_CHARACTERS)
    paper: bool = setting(False, title="Ink on paper", help="Dark on white, as with a pen.")


def can_write(class_names: Sequence[str]) -> bool:
    """Whether the classes are characters that a text can be made of."""
    return bool(class_names) and all(len(name) == 1 for name in class_names)


def read_text(text: str, class_names: Sequence[str]) -> Text:
    """What of ``text`` can be written with these classes; digits of any script count as 0 to 9."""
    plain, marks, left_out = [], [], []
    for character in text.strip()[:MOST_CHARACTERS].translate(_SAME):
        value = unicodedata.decimal(character, None)
        known = character if value is None else str(value)
        if known in class_names:
            plain.append(known)
        elif known in _MARKS:
            plain.append(known)
            marks.append(known)
        else:
            plain.append(" ")
            if not known.isspace():
                left_out.append(character)
    return Text("".join(plain), tuple(dict.fromkeys(marks)), tuple(dict.fromkeys(left_out)))


def write(request: DigitsRequest) -> Pixels:
    """The text as one picture (H, W[, 3]).

    Raises:
        UserError: nothing in the text can be written, or the model is gone or has no such classes.
    """
    info = describe(request.model)
    checked_labels(info, ())
    text = read_text(request.text, info.class_names)
    labels = text.labels(info.class_names)
    if not labels:
        raise UserError("Type at least one of the characters that this model can draw: {names}.",
                        names=" ".join(info.class_names))  # fmt: skip
    tiles = iter(pictures(WritingRequest(request.model, labels, request.seed, variation=request.variation)))
    _channels, height, width = info.image_shape
    lines = [
        _line([next(tiles) if character in info.class_names else _mark(character, height, info.image_shape[0])
               for character in line], round(width * (1 - ADVANCE)))
        for line in textwrap.wrap(text.plain, request.columns)
    ]  # fmt: skip
    longest = max(line.shape[1] for line in lines)
    padded = [_widened(line, longest) for line in lines]
    picture = np.concatenate(padded)
    return 255 - picture if request.paper else picture


def write_wall(model: str, text: str, seed: int, rows: int, columns: int = 1) -> Pixels:
    """The text again and again, in reading order: in the handwriting of ``seed`` and of the seeds after it.

    Raises:
        UserError: as :func:`write`.
    """
    seeds = range(seed, seed + rows * columns)
    pictures = [write(DigitsRequest(model, text, each, columns=MOST_CHARACTERS)) for each in seeds]
    return sheet(np.stack(pictures), columns, gap=0)


def _line(parts: Sequence[Pixels], overlap: int) -> Pixels:
    """Parts (H, w[, 3]) side by side, each over the edge of the one before; where both have ink, the lighter stays."""
    overlap = min(overlap, *(part.shape[1] // 2 for part in parts))
    starts = np.cumsum([0, *(part.shape[1] - overlap for part in parts)])
    line = np.zeros((parts[0].shape[0], starts[-1] + overlap, *parts[0].shape[2:]), np.uint8)
    for start, part in zip(starts, parts, strict=False):
        place = line[:, start : start + part.shape[1]]
        np.maximum(place, part, out=place)
    return line


def _widened(line: Pixels, width: int) -> Pixels:
    return np.pad(line, [(0, 0), (0, width - line.shape[1])] + [(0, 0)] * (line.ndim - 2))


def _mark(character: str, height: int, channels: int) -> Pixels:
    """A mark or a gap (H, w[, 3]): white pen strokes on black, with a soft edge one pixel wide."""
    strokes = _MARKS.get(character, ())
    width = round(height * (MARK_WIDTH if strokes else GAP_WIDTH)) + round(height * (1 - ADVANCE))
    y, x = np.mgrid[0:height, 0:width] + 0.5
    margin = (width - height * MARK_WIDTH) / 2
    ink = np.zeros((height, width))
    for stroke in strokes:
        points = [np.array([margin + px * height * MARK_WIDTH, py * height]) for px, py in stroke]
        for start, end in itertools.pairwise(points):
            ink = np.maximum(ink, np.clip(PEN * height + 0.5 - _distance(x, y, start, end), 0, 1))
    tile = np.round(ink * 255).astype(np.uint8)
    return tile if channels == 1 else np.repeat(tile[:, :, None], channels, axis=2)


def _distance(x: Floats, y: Floats, start: Floats, end: Floats) -> Floats:
    """How far each pixel is from the segment."""
    along = end - start
    length = max(float(along @ along), 1e-12)
    t = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length, 0, 1)
    distance: Floats = np.hypot(x - start[0] - t * along[0], y - start[1] - t * along[1])
    return distance

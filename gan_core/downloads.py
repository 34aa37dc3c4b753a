"""What a run gives to take away: a sheet to print, an animation of its training, the networks of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from gan_core.config import UserError
from gan_core.images import animation, png, read_png
from gan_core.runs import Run, Sheet

T = TypeVar("T")

SHEET_SIDE = 1024  # pixels that a sheet to print has at least on its longer side
ANIMATION_SIDE = 320
ANIMATION_FRAMES = 200


def sheet_png(sheet: Sheet) -> bytes:
    """The sheet's picture with each pixel enlarged to a square, as PNG; UserError where it is gone."""
    pixels = read_png(_bytes(sheet))
    return png(pixels, factor_for(pixels.shape, SHEET_SIDE))


def training_animation(run: Run, format: str = "gif") -> bytes:
    """All sheets of a run in order as one looping "gif" or "webp"; of very many, an even choice.

    Raises:
        UserError: the run has no sheets yet.
    """
    sheets = evenly(run.sheets(), ANIMATION_FRAMES)
    if not sheets:
        raise UserError("This run has no pictures yet; wait for its first snapshot.")
    frames = [read_png(_bytes(sheet)) for sheet in sheets]
    # A dozen frames stay long enough to look at, two hundred take some fifteen seconds.
    milliseconds = round(min(400, max(70, 6000 / len(frames))))
    factor = factor_for(frames[0].shape, ANIMATION_SIDE)
    return animation(frames, format=format, milliseconds=milliseconds, factor=factor)


def weights(sheet: Sheet) -> bytes:
    """The bundle with the networks of a snapshot; UserError where they were not kept."""
    if sheet.bundle is None:
        raise UserError("The networks of this snapshot were not kept; choose a marked one.")
    try:
        return sheet.bundle.read_bytes()
    except OSError as error:
        raise UserError("The file {name} cannot be read; it was deleted or moved.", name=sheet.bundle.name) from error


def evenly(items: Sequence[T], limit: int) -> list[T]:
    """At most ``limit`` of the items, evenly chosen, with the first and the last."""
    if len(items) <= limit:
        return list(items)
    return [items[round(index * (len(items) - 1) / (limit - 1))] for index in range(limit)]


def factor_for(shape: Sequence[int], side: int) -> int:
    """How many times to enlarge a picture (H, W[, 3]) so that its longer side reaches ``side`` pixels."""
    return max(1, -(-side // max(shape[:2])))


def _bytes(sheet: Sheet) -> bytes:
    try:
        return sheet.picture.read_bytes()
    except OSError as error:
        raise UserError("The file {name} cannot be read; it was deleted or moved.", name=sheet.picture.name) from error

"""Pictures as uint8 arrays (N, H, W) or (N, H, W, 3): sheets, PNG, and animations."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
GAP = 2  # pixels between two tiles


def sheet(tiles: Pixels, columns: int, *, gap: int = GAP, background: int = 0) -> Pixels:
    """Tiles (N, H, W[, 3]) in reading order as one picture; empty places and gaps have the ``background`` grey."""
    count, height, width = tiles.shape[:3]
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, *tiles.shape[3:])
    canvas = np.full(shape, background, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = tile
    return canvas


def first_rows(picture: Pixels, rows: int, of: int, *, gap: int = GAP) -> Pixels:
    """The first ``rows`` of a :func:`sheet` that has ``of`` rows; all of it where it has no more."""
    return picture[: (picture.shape[0] + gap) // of * rows - gap] if rows < of else picture


def enlarge(picture: Pixels, factor: int) -> Pixels:
    """Each pixel as a square of ``factor`` × ``factor``."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def png(picture: Pixels, factor: int = 1) -> bytes:
    """The bytes of a PNG file of one picture (H, W[, 3])."""
    stream = io.BytesIO()
    Image.fromarray(enlarge(picture, factor)).save(stream, "PNG", optimize=False, compress_level=6)
    return stream.getvalue()


def read_png(data: bytes) -> Pixels:
    """The pixels (H, W) or (H, W, 3) of a PNG file."""
    image = Image.open(io.BytesIO(data))
    return np.asarray(image.convert("L" if image.mode in ("L", "1", "I;16") else "RGB"))


def animation(
    frames: Sequence[Pixels], *, format: str = "gif", milliseconds: int = 80, factor: int = 1, hold: int = 5
) -> bytes:
    """The bytes of a looping animation of frames of one size.

    Args:
        format: "gif" (256 colours or greys) or "webp" (lossless).
        milliseconds: how long each frame stays.
        hold: how many times as long the last frame stays; 1 for a loop without a seam.
    """
    pictures = [Image.fromarray(enlarge(frame, factor)) for frame in frames]
    durations = [milliseconds] * (len(pictures) - 1) + [milliseconds * hold]
    options = {"lossless": True, "quality": 60, "method": 2} if format == "webp" else {"disposal": 1, "optimize": False}
    stream = io.BytesIO()
    pictures[0].save(
        stream, format.upper(), save_all=True, append_images=pictures[1:], duration=durations, loop=0, **options
    )
    return stream.getvalue()

"""``python -m docs.make_picture``: docs/picture.png, drawn by the shipped models; the same files make the same picture.

One row a model of digits: what it is, how long it has trained, and pictures of one seed that nobody has picked out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_core import library
from gan_core.comparison import Row, RowsRequest, make_rows
from gan_core.images import Pixels, enlarge, png, sheet

TARGET = Path(__file__).with_name("picture.png")
DATASET, SEED, COUNT, ENLARGED = "mnist", 1, 12, 2
MARGIN, GAP, WORDS = 24, 14, 300  # pixels: around everything, between rows, for the words at the left
GROUND, TITLE, DETAIL = 0x14, 0xF0, 0x9C  # greys


def picture() -> Pixels:
    """uint8 (H, W), one row for each shipped model that draws digits; UserError where none ships."""
    refs = tuple(entry["name"] for entry in library.manifest() if entry["dataset"] == DATASET)
    rows = make_rows(RowsRequest(refs, SEED, COUNT))
    strips = [enlarge(sheet(row.tiles, COUNT, background=GROUND), ENLARGED) for row in rows]
    height = sum(strip.shape[0] + GAP for strip in strips) - GAP + 2 * MARGIN
    width = MARGIN * 2 + WORDS + max(strip.shape[1] for strip in strips)
    canvas = np.full((height, width), GROUND, np.uint8)
    top = MARGIN
    for row, strip in zip(rows, strips, strict=True):
        canvas[top : top + strip.shape[0], MARGIN + WORDS : MARGIN + WORDS + strip.shape[1]] = strip
        words = _words(row, strip.shape[0])
        canvas[top : top + strip.shape[0], MARGIN : MARGIN + WORDS] = words
        top += strip.shape[0] + GAP
    return canvas


def _words(row: Row, height: int) -> Pixels:
    """What a row is, uint8 (height, WORDS); Pillow's own font, which is the same everywhere."""
    info = library.describe(row.ref)
    canvas = Image.new("L", (WORDS, height), GROUND)
    draw = ImageDraw.Draw(canvas)
    draw.text((0, height / 2 - 20), info.recipe.title, fill=TITLE, font=ImageFont.load_default(17))
    detail = f"{info.recipe.report} · {info.epoch:.0f} epochs"
    draw.text((0, height / 2 + 4), detail, fill=DETAIL, font=ImageFont.load_default(14))
    return np.asarray(canvas)


if __name__ == "__main__":
    TARGET.write_bytes(png(picture()))
    print(TARGET)

"""The sheets of all ways in one picture, each below its name: something to show to others."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_core.images import png, read_png
from gan_core.lab.ablation import JOINED, titles_of
from gan_core.lab.trials import Results

MARGIN, TEXT_SIZE, COLUMNS = 12, 16, 4
INK, PAPER = (20, 20, 20), (255, 255, 255)


def poster(results: Results) -> bytes:
    """A PNG file with every sheet there is; empty where there is none."""
    sheets = {part: read_png(data) for part, data in results.sheets.items()}
    if not sheets:
        return b""
    font = ImageFont.load_default(TEXT_SIZE)
    titles = {part: JOINED.join(titles_of(part)) for part in sheets}
    width = max(*(picture.shape[1] for picture in sheets.values()),
                *(int(font.getlength(title)) + 1 for title in titles.values()))  # fmt: skip
    height = max(picture.shape[0] for picture in sheets.values()) + 2 * TEXT_SIZE
    columns = min(COLUMNS, len(sheets))
    size = (columns * (width + MARGIN) + MARGIN, -(-len(sheets) // columns) * (height + MARGIN) + MARGIN)
    canvas = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(canvas)
    for place, (part, picture) in enumerate(sheets.items()):
        left, top = MARGIN + place % columns * (width + MARGIN), MARGIN + place // columns * (height + MARGIN)
        draw.text((left, top), titles[part], fill=INK, font=font)
        canvas.paste(Image.open(io.BytesIO(png(picture))), (left, top + 2 * TEXT_SIZE - MARGIN // 2))
    return png(np.asarray(canvas))

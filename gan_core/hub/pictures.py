"""The pictures of a model card: what the generator draws, and the curves of its training."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from gan_core.downloads import factor_for
from gan_core.explore import SampleRequest, pictures
from gan_core.history import History
from gan_core.images import png, sheet
from gan_core.library import describe

SAMPLES = 64
SHEET_SIDE = 720  # pixels of the sample sheet's longer side, at least

WIDTH, HEIGHT = 1200, 520
LEFT, TOP, RIGHT, BOTTOM = 90, 50, 20, 70  # margins around the curves
# Told apart by colour-blind readers too (Okabe & Ito 2008).
CURVES = (("loss_d", "Discriminator’s loss", "#0072B2"), ("loss_g", "Generator’s loss", "#D55E00"))
INK, FAINT, PAPER = "#333333", "#dddddd", "#ffffff"
MOST_POINTS = 1000

Line = tuple[str, str, list[tuple[float, float]]]


def sample_sheet(ref: str) -> bytes:
    """PNG of pictures by the model; one with classes draws them column by column."""
    info = describe(ref)
    classes = info.shapes.classes if info.recipe.conditional else 0
    columns = classes if 1 < classes <= 16 else math.isqrt(SAMPLES)
    tiles = pictures(SampleRequest(ref, count=columns * max(1, SAMPLES // columns)))
    picture = sheet(tiles, columns)
    return png(picture, factor_for(picture.shape, SHEET_SIDE))


def curves_picture(history: History) -> bytes | None:
    """PNG (520 × 1200) of both losses over the epochs; None where too little was measured."""
    epochs = history.scalars.get("epoch", [])
    lines = [(title, colour, _points(epochs, history.scalars.get(name, []))) for name, title, colour in CURVES]
    drawn: list[Line] = [line for line in lines if len(line[2]) > 1]
    if not drawn:
        return None
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    _draw(ImageDraw.Draw(image), drawn)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _points(epochs: Sequence[float | None], values: Sequence[float | None]) -> list[tuple[float, float]]:
    """(epoch, value) pairs that are numbers; of very many, means of neighbours."""
    known = [(x, y) for x, y in zip(epochs, values, strict=False)
             if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)]  # fmt: skip
    size = -(-len(known) // MOST_POINTS) or 1
    groups = [known[start : start + size] for start in range(0, len(known), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def _draw(canvas: ImageDraw.ImageDraw, lines: Sequence[Line]) -> None:
    font = ImageFont.load_default(20)
    xs, ys = ([point[axis] for _, _, points in lines for point in points] for axis in (0, 1))
    across, down = ticks(min(xs), max(xs)), ticks(min(0.0, *ys), max(ys))

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - across[0]) / (across[-1] - across[0]) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (y - down[0]) / (down[-1] - down[0]) * (HEIGHT - TOP - BOTTOM),
        )

    for y in down:
        canvas.line([place(across[0], y), place(across[-1], y)], FAINT)
        canvas.text((LEFT - 10, place(across[0], y)[1]), f"{y:g}", INK, font, anchor="rm")
    for x in across:
        canvas.text((place(x, down[0])[0], HEIGHT - BOTTOM + 8), f"{x:g}", INK, font, anchor="mt")
    canvas.text((WIDTH / 2, HEIGHT - 8), "Epoch", INK, font, anchor="mb")
    for number, (title, colour, points) in enumerate(lines):
        canvas.line([place(x, y) for x, y in points], colour, 3, joint="curve")
        left = LEFT + number * 300
        canvas.line([(left, 25), (left + 40, 25)], colour, 5)
        canvas.text((left + 50, 25), title, INK, font, anchor="lm")


def ticks(low: float, high: float) -> list[float]:
    """Four to ten round numbers, evenly spaced, that enclose the range."""
    spread = (high - low) or abs(high) or 1.0
    unit = 10.0 ** math.floor(math.log10(spread / 4))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if spread / (unit * factor) <= 8)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]

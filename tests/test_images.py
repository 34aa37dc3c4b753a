"""Sheets, PNG files and animations keep every pixel."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gan_core.images import animation, enlarge, png, read_png, sheet


def tiles(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(count, *shape), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(28, 28), (5, 7, 3)])
def test_a_sheet_holds_each_tile_in_reading_order(shape: tuple[int, ...]) -> None:
    drawn, gap = tiles(7, *shape), 2
    picture = sheet(drawn, 3, gap=gap, background=9)
    height, width = shape[:2]
    assert picture.shape[:2] == (3 * (height + gap) - gap, 3 * (width + gap) - gap)
    for index, tile in enumerate(drawn):
        top, left = index // 3 * (height + gap), index % 3 * (width + gap)
        np.testing.assert_array_equal(picture[top : top + height, left : left + width], tile)
    assert (picture[height] == 9).all() and (picture[-1, -1] == 9).all()


def test_a_sheet_is_never_wider_than_its_tiles() -> None:
    assert sheet(tiles(2, 4, 4), 10).shape == (4, 10)


@pytest.mark.parametrize("shape", [(28, 28), (5, 7, 3)])
def test_png_keeps_every_pixel(shape: tuple[int, ...]) -> None:
    picture = tiles(1, *shape)[0]
    np.testing.assert_array_equal(read_png(png(picture)), picture)
    np.testing.assert_array_equal(read_png(png(picture, factor=3))[1::3, 1::3], picture)
    assert enlarge(picture, 2).shape[:2] == (2 * shape[0], 2 * shape[1])


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_animations_keep_every_frame(format: str) -> None:
    frames = list(tiles(4, 9, 6))
    film = Image.open(io.BytesIO(animation(frames, format=format, milliseconds=40, factor=2)))
    assert film.n_frames == 4 and film.info.get("loop") == 0
    for index, frame in enumerate(frames):
        film.seek(index)
        film.load()
        np.testing.assert_array_equal(np.asarray(film.convert("L"))[::2, ::2], frame)

"""One encoded picture, however large and of whatever kind, as a small square of bytes."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

# A named few: some of Pillow's formats run other programs, or are not pictures at all.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "PPM", "TIFF")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".ppm", ".pgm", ".pnm", ".tif", ".tiff"})
MAX_PIXELS = 60_000_000  # of one picture; beyond it a small file can ask for gigabytes


class UndecodableError(Exception):
    """Why a picture cannot be used, in a few words."""


def decode(data: bytes, channels: int, size: int) -> npt.NDArray[np.uint8]:
    """The central square of a picture at ``size`` pixels: uint8 (channels, size, size), 1 channel grey or 3 RGB.

    Turned upright as its camera says, scaled with a Lanczos filter (which averages, so nothing aliases), and on
    white where it is transparent.

    Raises:
        UndecodableError: it is no picture, damaged or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UndecodableError(f"larger than {MAX_PIXELS // 10**6} million pixels")
            # JPEG can be decoded at a fraction of its size; twice what is needed leaves the filter its work.
            image.draft(None, (2 * size, 2 * size))
            upright = ImageOps.exif_transpose(image)
            flat = _flat(upright).convert("L" if channels == 1 else "RGB")
            side = min(flat.size)
            left, top = (flat.width - side) // 2, (flat.height - side) // 2
            square = flat.crop((left, top, left + side, top + side))
            small = square.resize((size, size), Image.Resampling.LANCZOS)
    except UndecodableError:
        raise
    except UnidentifiedImageError as error:
        raise UndecodableError("not a picture of a known kind") from error
    except Exception as error:  # decoders meet hostile bytes with whatever exception is nearest
        raise UndecodableError(f"damaged ({error})" if str(error) else "damaged") from error
    pixels = np.asarray(small, np.uint8).reshape(size, size, channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _flat(image: Image.Image) -> Image.Image:
    """The picture without transparency and with 8 bits a channel."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
    return image

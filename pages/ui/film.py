"""Pictures that follow one another, under a slider that answers at once: all frames are in the browser.

    film(tiles, key="way", captions=[_("Seed {seed}").format(seed=1), …], alt=_("A digit turning into another"))

The frames travel once, as one PNG sheet; moving the slider or playing asks nothing of the server. Where the visitor
leaves the slider is written into the URL when it comes to rest, so that a link opens on the same frame.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import streamlit as st

from gan_core.images import Pixels, png, sheet
from pages.ui import state
from pages.ui.i18n import _

_component = st.components.v2.component(
    "gan_film",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def film(
    tiles: Pixels,
    *,
    key: str,
    captions: Sequence[str],
    alt: str,
    param: str = "at",
    loop: bool = False,
    size: int = 336,
    milliseconds: int = 80,
) -> None:
    """Show ``tiles`` (N, H, W[, 3]), one at a time.

    Args:
        key: names the film on the page; the same key keeps the node and the position while the frames change.
        captions: what stands under each frame.
        alt: one sentence for those who cannot see the pictures; the caption of the frame is added to it.
        param: the URL parameter that holds the frame, counted from 0.
        loop: whether the first frame follows on the last; a film that is no loop plays back and forth.
        size: pixels of the longer side on screen; less where the screen is narrow.
        milliseconds: how long each frame stays while playing.
    """

    def remember() -> None:
        position = int(st.session_state[key].get("position") or 0)
        state.write(**{param: position or None})

    columns = math.isqrt(len(tiles) - 1) + 1
    data = {
        "sheet": _sheet(tiles.tobytes(), tiles.shape, columns),
        "count": len(tiles),
        "columns": columns,
        "width": int(tiles.shape[2]),
        "height": int(tiles.shape[1]),
        "position": min(max(state.read(param, 0), 0), len(tiles) - 1),
        "captions": list(captions),
        "alt": alt,
        "loop": loop,
        "size": size,
        "milliseconds": milliseconds,
        "words": {"play": _("Play"), "pause": _("Pause"), "position": _("Position")},
    }
    _component(key=key, data=data, on_position_change=remember)


@lru_cache(maxsize=32)
def _sheet(pixels: bytes, shape: tuple[int, ...], columns: int) -> str:
    tiles = np.frombuffer(pixels, np.uint8).reshape(shape)
    return f"data:image/png;base64,{base64.b64encode(png(sheet(tiles, columns, gap=0))).decode()}"

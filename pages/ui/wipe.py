"""Two pictures over each other, and a slider that wipes between them in the browser.

    at = wipe((png_a, png_b), names=(_("Original"), _("Modified")), alts=(…, …), width=960, key="wipe", at=50)

The slider answers to pointer, touch and keyboard; the position comes back once the visitor lets go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.ui.i18n import _

_component = st.components.v2.component(
    "gan_wipe",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def wipe(
    pictures: tuple[bytes, bytes],
    *,
    names: tuple[str, str],
    alts: tuple[str, str],
    width: int,
    key: str,
    at: int = 50,
    on_change: Callable[[int], None] | None = None,
) -> None:
    """Show the left part of the first PNG beside the right part of the second.

    Args:
        pictures: two PNG files of the same proportions.
        names, alts: what each is called above it, and to those who cannot see it.
        width: pixels at most; it shrinks with the page.
        at: where the slider stands at first, in per cent from the left.
        on_change: called with the new place when the visitor lets the slider go.
    """

    def moved() -> None:
        place = st.session_state[key].get("at")
        if on_change is not None and place is not None:
            on_change(round(place))

    data = {
        "pictures": [f"data:image/png;base64,{base64.b64encode(picture).decode()}" for picture in pictures],
        "names": list(names),
        "alts": list(alts),
        "width": width,
        "at": at,
        "label": _("Wipe between {first} and {second}").format(first=names[0], second=names[1]),
        "spoken": _("{share} per cent of the first picture"),
    }
    _component(key=key, data=data, default={"at": at}, on_at_change=moved)

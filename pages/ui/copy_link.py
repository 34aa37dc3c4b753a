"""A button that copies the link to what is on screen, over http too; where that is refused, the link to select.

    copy_link(key="shell.copy")                                     # the address bar, with what `state.pin` added
    copy_link(key="lesson.copy", link="https://…/train?lesson=train")
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.ui import state
from pages.ui.i18n import _

_component = st.components.v2.component(
    "gan_copy_link",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def copy_link(*, key: str, link: str = "") -> None:
    """The button; `link` is an address other than that of the page."""
    words = {
        "copy": _("Copy link"),
        "copied": _("Copied"),
        "link": _("Link to this page"),
        "select": _("This browser lets no page copy: select the link above and copy it."),
    }
    _component(key=key, data={"link": link, "pins": {} if link else state.pinned(), "words": words})

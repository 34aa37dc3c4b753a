"""Small panels that every page needs: pictures with alt text, empty states, errors as one sentence, downloads.

    with guard():                    # main.py already wraps every page; use it so that one part may fail alone
        bundle = load(name)          # UserError → its sentence; anything else → one sentence, and the log has the rest

    error_panel(_("The file is not a bundle: choose a .safetensors file."))
    empty_state(_("No run yet"), _("Train a model; it takes about a minute."), link="../train.py", label=_("Train"))
    picture(sheet, alt=_("Sixteen generated digits"), caption=_("Epoch {epoch}").format(epoch=12), width=448)
    download_row([(_("Picture"), png, "sheet.png", "image/png"), (_("GIF"), gif, "walk.gif", "image/gif")], key="sheet")
    go_to("../digits.py", _("Choose digits"), params={"run": run_id})      # a link that keeps the language

Every sentence that reaches the screen has been through `_()` before it comes here.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from gan_core.config import UserError
from gan_core.images import png
from pages.ui import lesson, state
from pages.ui.i18n import _, sentence

log = logging.getLogger(__name__)

Download = tuple[str, bytes | Callable[[], bytes], str, str]
Width = int | Literal["content", "stretch"]

SMALL = 16 * 1024  # bytes of a picture that travels with the page


def error_panel(sentence: str) -> None:
    """One sentence that says what to do."""
    st.error(sentence, icon=":material/error:")


def empty_state(title: str, sentence: str, *, link: str = "", label: str = "", icon: str = ":material/inbox:") -> None:
    """What a page shows when there is nothing yet, with the way on: `link` is a page such as "../train.py"."""
    with st.container(border=True, horizontal_alignment="center"):
        st.subheader(f"{icon} {title}", anchor=False, text_alignment="center")
        st.markdown(sentence, text_alignment="center")
        if link:
            go_to(link, label or _("Open"), icon=":material/arrow_forward:")


def go_to(page: str, label: str, *, icon: str | None = None, params: Mapping[str, str] | None = None) -> None:
    """A link to another page of the app, such as "../digits.py", that keeps the language; none out of a lesson."""
    if lesson.shows(page.removeprefix("../").removesuffix(".py")):
        st.page_link(page, label=label, icon=icon, query_params=state.with_language(params))


def literal(text: str) -> str:
    """`text` as Markdown that shows just these characters: names that visitors give must not turn into markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$:])", r"\\\1", text)


def picture(
    image: bytes | NDArray[np.uint8], *, alt: str, caption: str | None = None, width: Width = "content"
) -> None:
    """A picture with `alt` in the page and square, unblurred pixels (see style.css).

    Args:
        image: PNG, GIF or WebP bytes, or a uint8 array (H, W) or (H, W, 3).
        width: pixels, "content" or "stretch"; small pictures are enlarged.
    """
    data = image if isinstance(image, bytes) else png(image)
    st.image(_source(data), caption=caption, width=width, alt=alt, output_format="PNG")


def _source(data: bytes) -> str | bytes:
    """What `st.image` is given: the picture itself as an address, or its bytes, which the browser fetches later.

    A small one is on screen sooner when it needs no request of its own; an animation would stand still as the PNG that
    Streamlit makes of bytes.
    """
    still = data.startswith(b"\x89PNG")
    if still and len(data) > SMALL:
        return data
    kind = "png" if still else "gif" if data.startswith(b"GIF") else "webp"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def download_row(downloads: Sequence[Download], *, key: str) -> None:
    """Download buttons side by side: (label, content, file name, MIME type) each; a click does not rerun the page.

    The content is bytes, or a function without arguments that makes them once somebody clicks.
    """
    with lesson.control("downloads", key=key), st.container(horizontal=True):
        for label, content, name, mime in downloads:
            st.download_button(
                label,
                content,
                file_name=name,
                mime=mime,
                key=f"{key}.{name}",
                icon=":material/download:",
                on_click="ignore",
            )


@contextmanager
def guard() -> Iterator[None]:
    """Errors as values: no traceback ever reaches the screen. Works as a decorator, too."""
    try:
        yield
    except UserError as error:
        error_panel(sentence(error.text, error.values))
    except Exception:
        log.exception("A part of the page failed.")
        error_panel(
            _("Something went wrong here; the log of the server has the details. Reload the page to try again.")
        )

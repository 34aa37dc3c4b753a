"""The dialog that makes a file of a model, to give away.

    library_share.ask("run:ID")              # opens at the next drawing of the page
    library_share.show()                     # once a page
"""

from __future__ import annotations

import re

import streamlit as st

from gan_core import library
from gan_core.sharing.share import share_apart
from pages.ui import panels, visitor
from pages.ui.i18n import N_, _
from pages.ui.library_words import size

_ASKED, _MADE = "library.share", "library.share.made"
FORMS = {
    ".html": N_("A page for any browser"),
    ".zip": N_("A script with its weights"),
    ".onnx": N_("An ONNX graph"),
}
ABOUT = {
    ".html": N_("One file that draws, walks from picture to picture and shows the training. It opens from a disk, "
                "without a network or a server."),
    ".zip": N_("`python sample.py` draws the same pictures with torch and safetensors alone; the network is there to "
               "read, and every setting of the training."),
    ".onnx": N_("The generator alone, for other programs and languages that run ONNX."),
}  # fmt: skip
TYPES = {".html": "text/html", ".zip": "application/zip", ".onnx": "application/octet-stream"}


def ask(ref: str) -> None:
    """Open the dialog for the model that `ref` names."""
    st.session_state[_ASKED] = ref
    st.session_state.pop(_MADE, None)


def show() -> None:
    """The dialog, if it was asked for."""
    ref = st.session_state.pop(_ASKED, "")
    if ref:
        st.dialog(_("Share as a file"), icon=":material/file_save:")(_dialog)(ref)


@panels.guard()
def _dialog(ref: str) -> None:
    title = library.describe(ref).recipe.title
    st.markdown(f"**{panels.literal(_(title))}**")
    form = st.radio(_("What to make"), list(FORMS), format_func=lambda suffix: _(FORMS[suffix]), key="library.share.as")
    st.caption(_(ABOUT[form]))
    # Made at a click, and kept until another is asked for: it takes some seconds of the server's time.
    if st.button(_("Make the file"), key="library.share.make", type="primary", icon=":material/build:"):
        st.session_state.pop(_MADE, None)
        with st.spinner(_("Making the file; this takes some seconds …")):
            st.session_state[_MADE] = (form, share_apart(ref, form, visitor.owner()))
    made, data = st.session_state.get(_MADE, ("", b""))
    if made == form:
        st.download_button(
            _("Download ({size})").format(size=size(len(data))), data, file_name=file_name(ref, form),
            mime=TYPES[form], icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def file_name(ref: str, suffix: str) -> str:
    """What to call the file of a model: letters, digits, _ and - of its reference, without where it comes from."""
    plain = re.sub(r"^(run|upload|hf):", "", ref)
    return re.sub(r"[^\w\-]+", "-", plain, flags=re.ASCII).strip("-") + suffix

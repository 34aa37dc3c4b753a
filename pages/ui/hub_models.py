"""Models of the Hub on the pages: those loaded in this session, and the one that a link names.

    model = hub_models.fetched(asked)        # for a reference that starts with "hf:"; None where it cannot be had
    offered += hub_models.of_session()

Opening a link may load a model, with its progress shown; what was loaded before never asks the Hub again.
"""

from __future__ import annotations

import streamlit as st

from gan_core import library
from gan_core.config import UserError
from gan_core.hub.download import pull
from gan_core.hub.reference import HubReference, parse_reference
from gan_core.hub.register import remember
from gan_core.library import Model
from pages.ui import hub_token, panels, state
from pages.ui.i18n import _, sentence
from pages.ui.library_words import size

_LOADED = "hub.loaded"


def of_session() -> list[Model]:
    """The models loaded in this session, newest first: on a shared server nothing else lists them."""
    found = (library.hub_model(ref) for ref in st.session_state.get(_LOADED, []))
    return [model for model in found if model is not None]


def fetched(ref: str, *, param: str) -> Model | None:
    """The model of the Hub that the URL parameter `param` names, loaded now if need be; None, and why, where it fails.

    The URL then holds the pinned reference, so that the link means the same weights for ever.
    """
    model = library.hub_model(ref)
    if model is None:
        try:
            model = load(parse_reference(ref))
        except UserError as error:
            panels.error_panel(panels.literal(sentence(error.text, error.values)))
            st.button(_("Try again"), key=f"hub.again.{param}", icon=":material/refresh:",
                      on_click=lambda: state.write(**{param: ref}))  # fmt: skip
            return None
    _note(model.ref)
    state.write(**{param: model.ref})
    return model


def load(reference: HubReference) -> Model:
    """Load a model and prove that it is one; shows the progress. UserError where that fails."""
    place = st.empty()
    bar = place.progress(0.0, _("Asking the Hub for {repo} …").format(repo=reference.repo))

    def show(loaded: int, total: int) -> None:
        said = _("Loading {repo}: {loaded} of {total}").format(
            repo=reference.repo, loaded=size(loaded), total=size(total)
        )
        bar.progress(loaded / max(total, 1), said)

    try:
        pinned = pull(reference, hub_token.for_reading(), show)
        library.open_model(str(pinned))
    finally:
        place.empty()
    remember(pinned)
    _note(str(pinned))
    model = library.hub_model(str(pinned))
    assert model is not None, "what was just opened is in the cache"
    return model


def _note(ref: str) -> None:
    known = st.session_state.get(_LOADED, [])
    st.session_state[_LOADED] = [ref, *(other for other in known if other != ref)]


def forget(ref: str) -> None:
    """Offer a model no longer."""
    st.session_state[_LOADED] = [other for other in st.session_state.get(_LOADED, []) if other != ref]

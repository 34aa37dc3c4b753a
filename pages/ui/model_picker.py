"""The choice of a trained model, the same on every page that shows one; kept in the URL as ?model=.

    model = choose_model()                          # a Model, or None where there is none (an empty state says so)

Who chose none sees the one that draws best of those that ship. A link may name what the list does not show: a snapshot
of a run ("run:ID@4680") or of a bundle's training. What is gone is said in one sentence, and another model is shown in
its place. A model of the Hub that a link names ("hf:ada/cgan") is loaded first.
"""

from __future__ import annotations

import re
from contextlib import suppress

import streamlit as st

from gan_core import library
from gan_core.config import UserError
from gan_core.data import find_dataset
from gan_core.hub.reference import is_hub, parse_reference
from gan_core.library import Model
from gan_core.shipped import SHOWPIECE
from pages.ui import guest_view, hub_models, lesson, panels, state
from pages.ui.i18n import _

# A visitor's link must not name a path on the server, which the command line may.
_REFERENCE = re.compile(r"((run|upload):[^/\\]+|\w+)(@\d+)?")


def choose_model() -> Model | None:
    """The model that the visitor chose; None, with the way on, where there is none to choose."""
    offered = {model.ref: model for model in (*guest_view.listed(library.models()), *hub_models.of_session())}
    asked = st.query_params.get("model", "")
    if asked and asked not in offered:
        found = hub_models.fetched(asked, param="model") if is_hub(asked) else _unlisted(asked)
        if found is not None:
            offered[found.ref] = found
    if not offered:
        panels.empty_state(
            _("No trained model yet"), _("Train one, or bring one to the Library."),
            link="../train.py", label=_("Train"), icon=":material/model_training:",
        )  # fmt: skip
        return None
    with lesson.control("model"):
        chosen = state.choice(
            st.selectbox, _("Model"), offered, param="model", default=SHOWPIECE,
            label=lambda ref: title_of(offered[ref]),
        )  # fmt: skip
    state.pin(model=chosen)
    return offered[chosen]


def title_of(model: Model) -> str:
    """What a model is called on screen: its title, and where it or what it has learnt comes from where that differs."""
    if model.origin == "hub":
        return _("{title} (Hub, {commit})").format(title=model.title, commit=parse_reference(model.ref).revision[:7])
    ref, _at, step = model.ref.partition("@")
    title = _(model.title)
    if model.origin == "run":
        # Runs of one recipe share a title; the folder's name tells them apart.
        title = _("{title} (run {id})").format(title=title, id=ref.partition(":")[2])
    elif model.origin == "upload":
        title = _("{title} (uploaded)").format(title=title)
    elif model.dataset:
        title = _("{title} ({dataset})").format(title=title, dataset=_(find_dataset(model.dataset).title))
    return _("{title}, step {step}").format(title=title, step=step) if step else title


def _unlisted(ref: str) -> Model | None:
    """A model that exists though the list does not show it, such as a snapshot; None, and why, where there is none."""
    if _REFERENCE.fullmatch(ref):
        with suppress(UserError, OSError):
            title = library.describe(ref).recipe.title
            return Model(ref, title, ref.partition(":")[0] if ":" in ref else "bundled")
    st.warning(
        _("The model {ref} is not here any more; choose another one.").format(ref=ref), icon=":material/search_off:"
    )
    return None

"""The choice of two to four models and their snapshots, each in the URL as one reference: ?a=dcgan@4680&b=run:ID.

    chosen = choose_models()                # [] where there is no model at all; an empty state says so then
    chosen[0].letter, chosen[0].ref, chosen[0].title
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from gan_core import library
from gan_core.config import UserError
from gan_core.hub.reference import is_hub
from gan_core.library import Model, Snapshot
from pages.ui import guest_view, hub_models, model_picker, panels, state
from pages.ui.i18n import _

LETTERS = ("a", "b", "c", "d")
NEEDED = 2


@dataclass(frozen=True)
class Chosen:
    """One model on the page: its letter, its reference and what it is called, with its epoch."""

    letter: str
    ref: str
    title: str

    @property
    def name(self) -> str:
        return f"{self.letter.upper()} · {self.title}"


def choose_models() -> list[Chosen]:
    """Render the pickers; return what is chosen, in the order of the letters."""
    models = {model.ref: model for model in (*guest_view.listed(library.models()), *hub_models.of_session())}
    if not models:
        panels.empty_state(
            _("Nothing to compare yet"),
            _("Train a model, or bring one to the Library; two snapshots of one training can be compared, too."),
            link="../train.py", label=_("Train"), icon=":material/compare:",
        )  # fmt: skip
        return []
    defaults = _defaults(models)
    letters = [letter for letter in LETTERS if letter in LETTERS[:NEEDED] or _asked(letter)]
    for letter in letters:
        _fetch(letter, models)
    cells = st.columns(len(letters))
    chosen = []
    for letter, cell in zip(letters, cells, strict=True):
        with cell, st.container(border=True):
            chosen.append(_choose(letter, models, defaults.get(letter, defaults["a"])))
    if len(letters) < len(LETTERS):
        free = next(letter for letter in LETTERS if letter not in letters)
        st.button(
            _("Add a model"), icon=":material/add:", key="compare.add",
            on_click=lambda: ask(**{free: _unused(models, chosen)}),
        )  # fmt: skip
    return chosen


def ask(**refs: str | None) -> None:
    """Choose these models by letter; None takes one off the page."""
    for letter, ref in refs.items():
        st.session_state[f"compare.{letter}"] = ref
    state.write(**refs)


def _asked(letter: str) -> str:
    """What the URL asks for, or what was chosen before the visitor went to another page."""
    return str(st.query_params.get(letter) or st.session_state.get(f"compare.{letter}") or "")


def _fetch(letter: str, models: dict[str, Model]) -> None:
    """Put a model of the Hub that a link names among ``models``; where it cannot be had, the letter is free again."""
    asked = _asked(letter)
    if is_hub(asked) and asked not in models:
        model = hub_models.fetched(asked, param=letter)
        ask(**{letter: model.ref if model is not None else None})
        if model is not None:
            models[model.ref] = model


def _choose(letter: str, models: Mapping[str, Model], default: str) -> Chosen:
    asked = _asked(letter)
    if asked and not (library.listed(asked) and library.without_step(asked) in models):
        st.warning(
            _("The model {ref} is not here any more; choose another one.").format(ref=panels.literal(asked)),
            icon=":material/search_off:",
        )
        asked = ""
    ref = asked or default
    model_key, snapshot_key = f"compare.{letter}.model", f"compare.{letter}.snapshot"
    st.session_state[model_key] = library.without_step(ref)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = st.selectbox(
            _("Model {letter}").format(letter=letter.upper()), list(models), key=model_key,
            format_func=lambda ref: model_picker.title_of(models[ref]),
            on_change=lambda: ask(**{letter: st.session_state[model_key]}),
        )  # fmt: skip
        if letter not in LETTERS[:NEEDED]:
            st.button(
                "", icon=":material/close:", key=f"compare.{letter}.remove", on_click=lambda: ask(**{letter: None}),
                help=_("Take this model off the page"), type="tertiary",
            )  # fmt: skip
    labels = _labels(model)
    if ref not in labels:
        st.caption(_("The snapshot {ref} is not kept; this is the newest.").format(ref=panels.literal(ref)))
    st.session_state[snapshot_key] = ref = ref if ref in labels else model
    st.selectbox(
        _("Snapshot"), list(labels), key=snapshot_key, format_func=labels.__getitem__, disabled=len(labels) < 2,
        on_change=lambda: ask(**{letter: st.session_state[snapshot_key]}),
    )  # fmt: skip
    ask(**{letter: ref})
    return Chosen(letter, ref, f"{_(models[model].title)}, {labels[ref]}")


def _labels(model: str) -> dict[str, str]:
    """Reference → what it is called, the newest first."""
    try:
        kept = library.snapshots(model)
    except UserError:
        kept = []
    labels = {snapshot.ref: _epoch(snapshot) for snapshot in reversed(kept)}
    if model in labels or not kept:
        return labels or {model: _("Newest")}
    newest = _("newest (epoch {epoch})").format(epoch=f"{kept[-1].epoch:.4g}")
    return {model: newest, **labels}


def _epoch(snapshot: Snapshot) -> str:
    return _("epoch {epoch}").format(epoch=f"{snapshot.epoch:.4g}")


def _defaults(models: Mapping[str, Model]) -> dict[str, str]:
    """R5's two models where they are shipped; else the first two; else the last and the first of one training."""
    if "dcgan" in models and "dcgan_modified" in models:
        return {"a": "dcgan", "b": "dcgan_modified"}
    first, *others = models
    if others:
        return {"a": first, "b": others[0]}
    kept = library.snapshots(first)
    return {"a": first, "b": kept[0].ref if kept else first}


def _unused(models: Mapping[str, Model], chosen: list[Chosen]) -> str:
    """A model that is not on the page yet; the first one where all are."""
    shown = {library.without_step(item.ref) for item in chosen}
    return next((ref for ref in models if ref not in shown), next(iter(models)))

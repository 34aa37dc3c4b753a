"""What a visitor of a shared server sees of its rules; on a server of one's own everything is theirs.

    runs = guest_view.own_runs(list_runs())
    if guest_view.owns(run): …                       # else it may be watched
    guest_view.require(run)                          # UserError unless it is theirs: for callbacks
    guest_view.say_limits()                          # one sentence
"""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from gan_core import guests, uploads
from gan_core.config import UserError
from gan_core.hosting import hosted, limits
from gan_core.library import Model
from gan_core.runs import Run
from gan_core.shelf import RunEntry, run_entries
from pages.ui import visitor
from pages.ui.i18n import _


def owns(run: Run) -> bool:
    """Whether the visitor may steer, rename and delete the run."""
    return guests.owns(run, visitor.owner())


def require(run: Run) -> None:
    """UserError unless the run is the visitor's."""
    guests.check_owner(run, visitor.owner())


def own_runs(runs: Iterable[Run]) -> list[Run]:
    """The visitor's own."""
    return [run for run in runs if owns(run)]


def own_entries(entries: Iterable[RunEntry]) -> list[RunEntry]:
    """The visitor's own."""
    return [entry for entry in entries if not hosted() or entry.about.owner == visitor.owner()]


def owns_upload(name: str) -> bool:
    """Whether the visitor brought that bundle."""
    return not hosted() or uploads.owner_of(name) == visitor.owner()


def require_upload(name: str) -> None:
    """UserError unless the visitor brought that bundle."""
    if not owns_upload(name):
        raise UserError("Only the visitor who uploaded this file can change it; you can use it.")


def listed(models: Iterable[Model]) -> list[Model]:
    """The models that a list offers: those that come along, and the visitor's own. A link may name any."""
    if not hosted():
        return list(models)
    own = {f"run:{entry.id}" for entry in own_entries(run_entries())}
    return [
        model
        for model in models
        if (model.ref in own if model.origin == "run" else model.origin != "upload" or owns_upload(model.ref[7:]))
    ]


def say_limits() -> None:
    """What a training may use here, in one sentence."""
    bounds = limits()
    if bounds is None:
        return
    said = _(
        "A shared server: a training takes up to {epochs} epochs and {minutes} minutes on pictures of up to {side} "
        "pixels, and stops after {unwatched} minutes without a viewer."
    ).format(
        epochs=bounds.epochs, minutes=bounds.minutes, side=bounds.side, unwatched=bounds.unwatched_minutes
    )  # fmt: skip
    if not visitor.lasts():
        said += " " + _(
            "Your browser keeps no cookie of this page, so your runs are yours to steer until you close or reload it."
        )
    st.caption(f":material/groups: {said}")


def say_keeping() -> None:
    """How long things stay here, in one sentence."""
    bounds = limits()
    if bounds is not None:
        said = _("A shared server: what nobody uses for {days} days is removed; export what you want to keep.")
        st.caption(f":material/groups: {said.format(days=bounds.keep_days)}")


def upload_limit(usual: int) -> int:
    """MB that an uploaded file may have."""
    bounds = limits()
    return usual if bounds is None else min(usual, bounds.upload_mb)

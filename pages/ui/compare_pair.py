"""Presets and trainings of two: R5's comparison, and starting both recipes together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from gan_core import comparison, guests, jobs, library, shelf
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Recipe
from pages.ui import guest_view, panels, run_words, state, visitor
from pages.ui.compare_models import Chosen, ask
from pages.ui.compare_views import REPORT_EPOCHS
from pages.ui.i18n import _

REPORT_PAIR = ("dcgan", "dcgan_modified")
TICK_SECONDS = 2.0


def offer_preset() -> None:
    """One click to the comparison of report R5, from shipped histories or else from own runs."""
    sources = _report_models()
    st.button(
        _("R5: original against modified at epochs 20, 30, 40, 49"), icon=":material/bolt:", key="compare.preset",
        on_click=_open_preset, args=(sources,), disabled=not sources,
        help=_("A row of the original above a row of the modified for each epoch, as in the report.")
        if sources else _("Neither is shipped with this copy nor trained yet; start both trainings below."),
    )  # fmt: skip


def offer_pair(chosen: Sequence[Chosen]) -> None:
    """Start the trainings of the first two models together; follow those that were."""
    recipes = _recipes(chosen)
    st.markdown(
        _("Trains **{first}** and **{second}** one after the other, on the same data, from the same seed.").format(
            first=panels.literal(_(recipes[0].title)), second=panels.literal(_(recipes[1].title))
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            _("Seed of both trainings"), 0, 2**31 - 1, recipes[0].training.seed, key="pair_seed",
            bind="query-params", width=200,
        )
        epochs = st.number_input(
            _("Epochs"), 1, 10_000, recipes[0].training.epochs, key=f"pair_epochs_{recipes[0].name}",
            bind="query-params", width=160,
        )
        if st.button(_("Start both trainings as a pair"), icon=":material/play_arrow:", type="primary"):
            with panels.guard():
                _start(recipes, int(seed), int(epochs))
    _follow(state.read("started", ""))


def _report_models() -> list[tuple[str, str]]:
    """(original, modified) of every source: the shipped histories, pairs of own runs, then the newest run of each."""
    shipped = [REPORT_PAIR] if all(library.history_run(name).exists() for name in REPORT_PAIR) else []
    own = guest_view.own_entries(shelf.run_entries())
    entries = [entry for entry in own if entry.recipe in REPORT_PAIR and entry.run.newest_bundle()]
    found = []
    for group in dict.fromkeys([*(entry.about.group for entry in entries if entry.about.group), ""]):
        newest = {entry.recipe: entry.id for entry in reversed(entries) if not group or entry.about.group == group}
        if len(newest) == len(REPORT_PAIR):
            found.append((f"run:{newest[REPORT_PAIR[0]]}", f"run:{newest[REPORT_PAIR[1]]}"))
    return [*shipped, *found]


def _open_preset(sources: Sequence[tuple[str, str]]) -> None:
    """Show the source that has most of the report's epochs; the first of those that have as many."""
    first, second = max(sources, key=_epochs_shown)
    ask(a=first, b=second, c=None, d=None)
    st.session_state["view"] = "epochs"
    state.write(view="epochs")


def _epochs_shown(models: tuple[str, str]) -> int:
    _pairs, missing = comparison.epoch_pairs(*models, REPORT_EPOCHS)
    return -len(missing)


def _recipes(chosen: Sequence[Chosen]) -> list[Recipe]:
    """The recipes of the first two models; R5's where there is no model yet, both are of one training, or
    one was trained elsewhere."""
    recipes = [library.describe(item.ref).recipe for item in chosen[:2]]
    if len(recipes) < 2 or recipes[0] == recipes[1] or not all(recipe.trainable for recipe in recipes):
        recipes = [find_recipe(name) for name in REPORT_PAIR]
    return [guests.fitted(recipe) for recipe in recipes]


def _start(recipes: Sequence[Recipe], seed: int, epochs: int) -> None:
    changed = []
    for recipe in recipes:
        training = replace(recipe.training, epochs=epochs, steps=0 if epochs != recipe.training.epochs
                           else recipe.training.steps)  # fmt: skip
        kept = tuple(epoch for epoch in recipe.snapshots.epochs if epoch <= epochs)
        changed.append(replace(recipe, training=training, snapshots=replace(recipe.snapshots, epochs=kept),
                               dataset=recipes[0].dataset))  # fmt: skip
    group = f"pair-{int(time.time())}"
    jobs.start_runs(changed, seed=seed, group=group, owner=visitor.owner())
    state.write(started=group)


def _follow(group: str) -> None:
    """How the trainings that were started here stand, with the way to each."""
    if not group:
        return
    alive = any(entry.status.live for entry in shelf.group_entries(group))

    @st.fragment(run_every=TICK_SECONDS if alive else None)
    @panels.guard()
    def follow() -> None:
        entries = shelf.group_entries(group)
        if alive and not any(entry.status.live for entry in entries):
            st.rerun()  # both have ended: their models can be chosen on the whole page now
        for entry in entries:
            with st.container(border=True, horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{panels.literal(_(entry.about.name))}**", width="stretch")
                stands = entry.status.state
                st.badge(run_words.state_title(stands), icon=run_words.state_icon(stands),
                         color=run_words.state_color(stands))  # fmt: skip
                if entry.status.live and entry.status.total_steps:
                    st.markdown(f"{entry.status.progress:.0%}", width="content")
                panels.go_to("../train.py", _("Watch"), icon=":material/monitoring:", params={"run": entry.id})
        if len(entries) >= 2 and all(entry.run.newest_bundle() is not None for entry in entries):
            refs = {letter: f"run:{entry.id}" for letter, entry in zip("ab", entries, strict=False)}
            if st.button(_("Compare these two"), icon=":material/compare:"):
                ask(**refs)
                st.rerun()

    follow()

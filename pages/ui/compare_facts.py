"""What several models are: their curves over each other, a table of facts, the settings that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from gan_core import comparison, library
from gan_core.comparison import Facts
from gan_core.history import History
from pages.ui import charts, fields, panels, run_words, state
from pages.ui.compare_models import Chosen
from pages.ui.i18n import N_, _, current_language
from pages.ui.library_words import dataset_title
from pages.ui.live_plot import live_plot, plain
from pages.ui.run_learning import newest

QUANTITIES = ("loss_g", "loss_d", "d_real", "d_fake", "lr_g", "lr_d")
AXES = {"epoch": N_("Epoch"), "step": N_("Step"), "seconds": N_("Time (s)")}
TICK_SECONDS = 2.0


def show_curves(chosen: Sequence[Chosen]) -> None:
    """One quantity of all trainings in one chart; it grows while one of them trains."""
    runs = {}
    for item in chosen:  # two snapshots of one training share its curves
        run = library.run_of(item.ref)
        if run is not None:
            letters = "".join(
                other.letter.upper() for other in chosen
                if library.without_step(other.ref) == library.without_step(item.ref)
            )  # fmt: skip
            runs[f"{letters} · {item.title.rpartition(',')[0]}"] = run
    if not runs:
        st.info(_("Neither model came with its curves: uploads carry the networks alone."), icon=":material/info:")
        return

    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantity = state.choice(st.selectbox, _("Curve"), QUANTITIES, param="curve", label=charts.label_of, width=220)
        axis = state.choice(
            st.segmented_control, _("Horizontal axis"), AXES, param="axis", label=lambda name: _(AXES[name])
        )
        smoothing = st.slider(
            _("Smoothing"), 0.0, 0.99, 0.6, 0.01, key="smooth", bind="query-params", persist_state="session", width=160
        )
        log = st.toggle(_("Logarithmic"), key="log", bind="query-params", persist_state="session")

    alive = any(run.status().live for run in runs.values())

    @st.fragment(run_every=TICK_SECONDS if alive else None)
    @panels.guard()
    def draw() -> None:
        histories = {name: run.history() for name, run in runs.items()}
        states = tuple((name, *newest(run, histories[name])) for name, run in runs.items())
        figure = _chart(states, axis, quantity, smoothing, log, current_language(), histories)
        alt = _("{quantity} of {models}").format(quantity=charts.label_of(quantity), models=", ".join(runs))
        live_plot(figure, key="compare.curves", alt=alt, height=360)

    draw()


@st.cache_resource(max_entries=64, show_spinner=False)
def _chart(
    states: tuple[tuple[object, ...], ...], axis: str, quantity: str, smoothing: float, log: bool, language: str,
    _histories: Mapping[str, History],
) -> Mapping[str, Any]:
    """The chart ready to send, made once until one of the trainings has another point."""
    curves = {name: _curve(history, axis, quantity) for name, history in _histories.items()}
    return plain(
        charts.overlay(
            curves, x_title=charts.axis_title(axis), y_title=charts.label_of(quantity), smoothing=smoothing, log_y=log
        )
    )


def show_facts(chosen: Sequence[Chosen]) -> None:
    """Parameters, length, time and hardware of each training."""
    known = [comparison.facts(item.ref) for item in chosen]
    rows = {
        _("Recipe"): [_(facts.recipe.title) for facts in known],
        _("Parameters of the generator"): [f"{facts.generator_parameters:,}" for facts in known],
        _("Parameters of the discriminator"): [
            _if_trained_here(facts, f"{facts.discriminator_parameters:,}") for facts in known
        ],
        _("Trained for"): [_if_trained_here(facts, _epochs(facts)) for facts in known],
        _("Steps"): [_if_trained_here(facts, f"{facts.steps:,}") for facts in known],
        _("Training time"): [
            _("not recorded") if facts.seconds is None else run_words.duration(facts.seconds) for facts in known
        ],
        _("Hardware"): [
            run_words.device_words(facts.hardware) if facts.hardware else _("not recorded") for facts in known
        ],
        _("Data"): [dataset_title(facts.dataset) for facts in known],
        _("Seed"): [_if_trained_here(facts, str(facts.recipe.training.seed)) for facts in known],
        _("Weights shown"): [_("running average") if facts.averaged else _("as trained") for facts in known],
    }
    _table(chosen, rows, alt=_("What is known of each model"))


def show_settings(chosen: Sequence[Chosen]) -> None:
    """The settings in which the recipes differ; those that agree are left out."""
    recipes = [library.describe(item.ref).recipe for item in chosen]
    differences = comparison.recipe_differences(recipes)
    if not differences:
        st.markdown(_("All settings are the same; only the snapshots differ."))
        return
    rows = {}
    for item in differences:
        place = " › ".join(_(part) for part in (fields.SECTIONS.get(item.section, ""), item.part, item.title) if part)
        rows[place] = [_value(value) for value in item.values]
    _table(chosen, rows, alt=_("Settings that differ"))


def _table(chosen: Sequence[Chosen], rows: dict[str, list[str]], *, alt: str) -> None:
    """A row for each name, a column for each model."""
    columns = {"": [panels.literal(name) for name in rows]}
    for index, item in enumerate(chosen):
        columns[panels.literal(item.name)] = [panels.literal(values[index]) for values in rows.values()]
    st.table(columns, border="horizontal", hide_index=True, alt=alt)


def _curve(history: History, axis: str, quantity: str) -> tuple[list[Any], list[Any]]:
    """(x, y) of a quantity; empty where the run has not measured it."""
    scalars = history.scalars
    return (scalars[axis], scalars[quantity]) if axis in scalars and quantity in scalars else ([], [])


def _if_trained_here(facts: Facts, text: str) -> str:
    return text if facts.recipe.trainable else _("not recorded")


def _epochs(facts: Facts) -> str:
    if facts.epochs + 0.005 < facts.planned_epochs:
        return _("{done} of {planned} epochs").format(done=f"{facts.epochs:.4g}", planned=f"{facts.planned_epochs:.4g}")
    return _("{done} epochs").format(done=f"{facts.epochs:.4g}")


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _(value) if isinstance(value, str) else fields.as_text(value)

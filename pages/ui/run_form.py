"""What to train and how: the form that ends in the button *Train*, for a new run or for a branch of an old one.

    run_form(on_start=open_run)                          # recipe, data set and settings are in the URL
    branch_form("ID@STEP", on_start=open_run)            # the settings of that run are the defaults
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import streamlit as st

from gan_core import guests
from gan_core.config import UserError, settings_of
from gan_core.data import find_dataset
from gan_core.devices import available_devices
from gan_core.jobs import start_runs
from gan_core.recipes import RECIPES, find_recipe
from gan_core.recipes.recipe import Recipe, settings_groups
from gan_core.runs import NAME_LENGTH, Run, find_run
from gan_core.schedules import SCHEDULES
from pages.ui import fields, forms, guest_view, lesson, panels, recipe_maths, state, visitor
from pages.ui.data_choice import choose_dataset
from pages.ui.i18n import N_, _, sentence
from pages.ui.run_words import device_words
from pages.ui.term_choice import choose_terms

AT_HAND = (
    "training.epochs",
    "training.batch_size",
    "training.seed",
    "generator_optimizer.learning_rate",
    "discriminator_optimizer.learning_rate",
)
# A branch starts with the networks of its parent, so their sizes are settled.
SETTLED = ("generator", "discriminator", "latents")
DEVICES = {"auto": N_("Automatic"), "cpu": "CPU", "mps": "Apple GPU"}

OnStart = Callable[[Run], None]


def run_form(on_start: OnStart) -> None:
    """Everything that a new run needs; `on_start` is called with the run once it is queued."""
    asked = st.query_params.get("recipe", "")
    if asked and asked not in (recipe.name for recipe in RECIPES):
        st.warning(_("There is no recipe called {name}; here are those there are.").format(name=asked))
    with lesson.control("recipe"):
        name = state.choice(
            st.pills, _("Recipe"), [recipe.name for recipe in RECIPES],
            param="recipe", label=lambda name: f"{find_recipe(name).report} · {_(find_recipe(name).title)}",
        )  # fmt: skip
    recipe = guests.fitted(find_recipe(name))
    show_recipe(recipe)
    guest_view.say_limits()
    settings_and_start(recipe, f"train.{name}", [part for part, _config in settings_groups(recipe)], on_start)


def branch_form(branch: str, on_start: OnStart) -> None:
    """A new run that starts with the networks of a snapshot ("ID@STEP"), its settings prefilled."""
    run_id, _at, step = branch.partition("@")
    run = find_run(run_id)
    bundle = run.bundle_path(int(step)) if step.isdecimal() else None
    if bundle is None or not bundle.is_file():
        raise UserError("The run {run} keeps no networks there; choose another snapshot.", run=run.id)
    recipe = guests.fitted(run.recipe())
    sheet = next((sheet for sheet in run.sheets() if sheet.step == int(step)), None)
    st.info(
        _("This branch of “{name}” starts with its networks at epoch {epoch}; both optimisers start afresh.").format(
            name=panels.literal(_(run.about().name)), epoch=f"{sheet.epoch:g}" if sheet else "?"
        ),
        icon=":material/call_split:",
    )
    parts = [part for part, _config in settings_groups(recipe) if part not in SETTLED]
    settings_and_start(recipe, f"branch.{run.id}", parts, on_start, start_from=bundle, parent=branch)


def show_recipe(recipe: Recipe) -> None:
    """What a recipe is, what its report measured, and how the report's gaps are filled."""
    with st.container(border=True, gap="small"):
        st.markdown(f"**{_(recipe.title)}** — {_(recipe.summary)}")
        st.caption(_(recipe.source))
        if recipe.reported:
            reported = "; ".join(_(figure) for figure in recipe.reported)
            st.markdown(_("The report's own figures: {figures}.").format(figures=reported))
        if recipe.notes:
            title = (
                _("What the report leaves open, and how it is settled here ({count})")
                if recipe.of_report
                else _("How it is made, and why ({count})")
            )
            with st.expander(title.format(count=len(recipe.notes))):
                st.markdown("\n".join(f"- {_(note)}" for note in recipe.notes))


def settings_and_start(
    recipe: Recipe, key: str, parts: list[str], on_start: OnStart, *, start_from: Path | None = None, parent: str = ""
) -> None:
    """Data set, the most important settings, the button that starts the run, and all other settings below it."""
    with lesson.control("data"):
        dataset = choose_dataset(recipe)
    recipe = replace(recipe, dataset=dataset or recipe.dataset)
    at_hand, row = st.container(), st.container()
    with lesson.control("losses"):
        terms, fill_terms = choose_terms(recipe, key)
    first = lesson.settings(AT_HAND, known_settings(recipe))
    with lesson.control("more"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**" + _("All settings") + "**", width="content")
            fill_parts = recipe_maths.parts_menu(recipe)
        edited = forms.edit(
            recipe, key=key, fields=parts, first=first, first_in=at_hand, param="set",
            alternatives={"schedule": SCHEDULES}, parts=terms,
        )  # fmt: skip
    if dataset is None:
        edited = None
    with row:
        if edited is not None:
            st.caption(length(edited) or " ")
        start_row(edited, on_start, start_from=start_from, parent=parent)
    fill_terms()
    fill_parts()


def known_settings(recipe: Recipe) -> list[str]:
    """The dotted paths of all settings that may stand at hand: those outside the losses and the schedules."""
    return [
        f"{part}.{name}"
        for part, config in settings_groups(recipe)
        if fields.is_config(config) and not part.endswith("schedule")
        for name, _setting in settings_of(config)
    ]


def length(recipe: Recipe) -> str:
    """How long the training will be, in steps and epochs; nothing where the data set cannot tell yet."""
    training, source = recipe.training, find_dataset(recipe.dataset)
    if training.classes:  # how many pictures each class has is known once they are loaded
        return ""
    try:
        pictures = source.count("train") - training.held_out
    except UserError:
        return ""
    steps = training.total_steps(pictures)
    text = _("This makes {steps} steps: {epochs} epochs.")
    if training.steps and steps == training.steps:
        text = _("This makes {steps} steps: {epochs} epochs. The setting Steps ends it there.")
    epochs = steps * training.discriminator_steps / max(1, pictures // training.batch_size)
    return text.format(steps=f"{steps:,}", epochs=f"{epochs:.4g}")


def start_row(recipe: Recipe | None, on_start: OnStart, *, start_from: Path | None, parent: str) -> None:
    """Name, device and the button that starts the run."""
    devices = available_devices()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with lesson.control("name", key="name"):
            name = st.text_input(
                _("Name of the run"), key="run_name", max_chars=NAME_LENGTH, bind="query-params",
                placeholder=_(recipe.title) if recipe else None, width=280,
            )  # fmt: skip
        with lesson.control("name", key="device"):
            device = state.choice(
                st.selectbox, _("Device"), list(devices), param="device", width=240,
                label=lambda name: f"{_(DEVICES.get(name, name))} ({device_words(devices[name])})",
                help=_("Where to compute; Automatic takes the graphics processor where there is one."),
            )  # fmt: skip
        # No callback: it would hold the values of the last rendering, not those typed just before the click.
        clicked = st.button(
            _("Train"), type="primary", icon=":material/play_arrow:", key="train.start",
            disabled=recipe is None, width=160,
        )  # fmt: skip
    if clicked and recipe is not None:
        try:
            [run] = start_runs(
                [recipe], device=device, name=name, start_from=start_from, parent=parent, owner=visitor.owner()
            )
        except UserError as error:
            panels.error_panel(sentence(error.text, error.values))
        else:
            on_start(run)

"""What to compare: recipe, data, remedies, seeds and length, and what that will cost.

    lab_form(on_start=show)         # is called with the name of the comparison once its runs are queued
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from gan_core import guests, hosting, jobs, waiting
from gan_core.config import UserError, settings_of
from gan_core.devices import available_devices, faster_precision, pick_device
from gan_core.lab.ablation import JOINED, Arm, Plan, new_group, parse_seeds, settled
from gan_core.metrics.classifier import has_reader
from gan_core.recipes import RECIPES, find_recipe
from gan_core.runs import runs_dir
from pages.ui import guest_view, panels, state, visitor
from pages.ui.data_choice import choose_dataset
from pages.ui.i18n import _, ngettext, sentence
from pages.ui.lab_ways import choose_ways
from pages.ui.run_form import DEVICES
from pages.ui.run_words import duration

FORM_PARAMS = ("recipe", "data", "upload", "folder", "pictures", "ways", "device")
NUMBERS = ("trial_seeds", "trial_epochs", "trial_count")  # bound to their widgets, which take them out of the URL
FIRST = "fc_gan"  # the recipe whose report names remedies and leaves them untried
EPOCHS, SEEDS, COUNT = 20, "1, 2, 3", 2000


def lab_form(on_start: Callable[[str], None]) -> None:
    """Everything that a new comparison needs."""
    name = state.choice(
        st.pills, _("Recipe"), [recipe.name for recipe in RECIPES],
        param="recipe", default=FIRST, label=lambda name: f"{find_recipe(name).report} · {_(find_recipe(name).title)}",
    )  # fmt: skip
    recipe = guests.fitted(find_recipe(name))
    guest_view.say_limits()
    dataset = choose_dataset(recipe)
    if dataset is not None and not has_reader(dataset):
        st.info(
            _("There is no classifier for this data, so the runs would end without scores; choose a data set of digits "
              "or Fashion-MNIST."), icon=":material/info:",
        )  # fmt: skip
    ways = choose_ways(recipe)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seeds, epochs, count = _numbers()
        device = _device()
    plan, arms = None, tuple[Arm, ...]()
    with panels.guard():
        plan = Plan(name, ways, parse_seeds(seeds), epochs, count, dataset or recipe.dataset)
        arms = plan.arms()
        st.caption(cost(arms))
    clicked = st.button(
        _("Start the comparison"), type="primary", icon=":material/play_arrow:", key="lab.start",
        disabled=not arms or dataset is None,
    )  # fmt: skip
    if clicked and plan is not None:
        _start(plan, arms, device, on_start)


def _numbers() -> tuple[str, int, int]:
    """Seeds, epochs and pictures to measure."""
    limits, helps = hosting.limits(), {name: _(setting.help) for name, setting in settings_of(Plan)}
    seeds = st.text_input(
        _("Seeds"), SEEDS, key="trial_seeds", bind="query-params", persist_state="session", width=160,
        help=helps["seeds"],
    )  # fmt: skip
    epochs = st.number_input(
        _("Epochs"), 1, 10_000, EPOCHS if limits is None else min(EPOCHS, limits.epochs), key="trial_epochs",
        bind="query-params", persist_state="session", width=140, help=helps["epochs"],
    )  # fmt: skip
    count = st.number_input(
        _("Measured pictures"), 100, 10_000, COUNT, 100, key="trial_count", bind="query-params",
        persist_state="session", width=180, help=helps["count"],
    )  # fmt: skip
    return seeds, int(epochs), int(count)


def _device() -> str:
    devices = available_devices()
    return state.choice(
        st.selectbox, _("Device"), list(devices), param="device", width=220,
        label=lambda name: f"{_(DEVICES.get(name, name))} ({devices[name]})",
    )  # fmt: skip


def cost(arms: tuple[Arm, ...]) -> str:
    """How many runs, how long they take as far as anybody can tell, and what starts before them."""
    count, ways = len(arms), len({arm.part for arm in arms})
    said = ngettext("{count} run", "{count} runs", count).format(count=count)
    said += " " + _("({ways} ways × {seeds} seeds), one after the other.").format(ways=ways, seeds=count // ways)
    seconds = waiting.planned([arm.recipe for arm in arms])
    if seconds is None:
        said += " " + _("How long they take is known once this recipe has trained here.")
    else:
        text = _("About {time}, as fast as this recipe trained here last; measuring each takes seconds more.")
        said += " " + text.format(time=duration(seconds))
    if ahead := len(jobs.queued(runs_dir())) + len(jobs.training(runs_dir())):
        text = ngettext("{count} other run starts first.", "{count} other runs start first.", ahead)
        said += " " + text.format(count=ahead)
    return said


def _start(plan: Plan, arms: tuple[Arm, ...], device: str, on_start: Callable[[str], None]) -> None:
    """Queue all runs and go there; a refusal is one sentence."""
    group = new_group()
    try:
        arms = settled(arms, faster_precision(pick_device(device)))
        jobs.start_runs(
            [arm.recipe for arm in arms], device=device, group=group, owner=visitor.owner(), measured=plan.count,
            parts=[(arm.part, JOINED.join(_(title) for title in arm.titles)) for arm in arms],
        )  # fmt: skip
    except UserError as error:
        panels.error_panel(sentence(error.text, error.values))
    else:
        on_start(group)

"""What a recipe computes, typeset: losses, optimisers, noise, and in which order the networks learn.

    losses(recipe)                  # each player's loss, term by term, with its source and one sentence
    optimisers(recipe)              # how each network's weights follow their gradients
    sampling(recipe, shape)         # latents, range of the pictures, order of the updates
    techniques(recipe)              # what else its settings switch on
    fill = parts_menu(recipe)       # a popover for all that its settings could switch on, filled later by fill()
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gan_core import formulas
from gan_core.config import settings_of
from gan_core.parts import Part, parts_of, switched_on
from gan_core.recipes.recipe import Optimizer, Recipe, Training
from gan_core.terms import Term
from pages.ui import fields
from pages.ui.i18n import _


def losses(recipe: Recipe) -> None:
    """Both players' losses, the discriminator's first, as it learns first."""
    _loss("discriminator", recipe.discriminator_terms)
    _loss("generator", recipe.generator_terms)


def optimisers(recipe: Recipe) -> None:
    """Both optimisers side by side, or one text for both where they are the same."""
    ours, theirs = recipe.discriminator_optimizer, recipe.generator_optimizer
    if ours == theirs:
        st.markdown("**" + _("Both networks") + "**")
        _optimiser(ours)
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**" + _("Discriminator") + "**")
        _optimiser(ours)
    with right:
        st.markdown("**" + _("Generator") + "**")
        _optimiser(theirs)


def sampling(recipe: Recipe, image_shape: tuple[int, int, int]) -> None:
    """Noise, range of the pictures, and the order of the updates."""
    ranges = formulas.data_range(recipe.generator.pixel_range, image_shape)
    st.latex(rf"{formulas.latents(recipe.latents)},\qquad {ranges}")
    st.markdown(order_of_updates(recipe.training))


def techniques(recipe: Recipe) -> None:
    """What its settings switch on beside the losses, one card each; nothing where they switch nothing on."""
    found = list(switched_on(recipe))
    if found:
        st.markdown("**" + _("Techniques that are switched on") + "**")
    for part, value in found:
        formula, words = st.container(border=True).columns([5, 4], vertical_alignment="center", gap="medium")
        for line in part.formula:
            formula.latex(line)
        words.markdown(f"**{_(part.title)}** — {_(part.summary)}")
        section = _(fields.SECTIONS[part.path.partition(".")[0]])
        words.caption(f"{section} › {_(part.title)} = {fields.as_text(value)} · {_(part.source)}")


def parts_menu(recipe: Recipe) -> Callable[[], None]:
    """All that its settings could switch on, by section: what it does, when it helps, its formula and source.

    What is returned fills the menu: for when what one sees of the page has been sent.
    """
    menu = formulas_menu()

    def fill() -> None:
        for section, offered in parts_of(recipe):
            title = _("Optimisers") if section.endswith("_optimizer") else _(fields.SECTIONS[section])
            menu.markdown("\n\n".join([f"**{title}**", *map(card, offered)]))

    return fill


def formulas_menu() -> DeltaGenerator:
    """The popover for formulas and sources, still empty."""
    return st.popover(_("Formulas and sources"), icon=":material/function:", type="tertiary")


def card(part: Part) -> str:
    """One part as Markdown, which is one element on screen instead of four."""
    lines = [f"**{_(part.title)}** — {_(part.summary)}", *(f"$${line}$$" for line in part.formula)]
    return "\n\n".join([*lines, f":small[:gray[{_(part.source)}]]"])


def order_of_updates(training: Training) -> str:
    """Who learns when, in words."""
    count = training.discriminator_steps
    if training.update == "alternating" and count == 1:
        return _(
            "In each step D learns first, from a batch of real pictures and one that G draws from fresh noise; then G "
            "learns, from new noise, against the D just updated."
        )
    if training.update == "alternating":
        return _(
            "In each step D learns first, {count} times, each from a batch of real pictures and one that G draws from "
            "fresh noise; then G learns, from new noise, against the D just updated."
        ).format(count=count)
    if count == 1:
        return _(
            "In each step G draws one batch; both networks take their gradients from that same forward pass, and then "
            "both are updated."
        )
    return _(
        "In each step D learns {count} times. For the last time it shares G's batch: both networks take their "
        "gradients from that same forward pass, and then both are updated."
    ).format(count=count)


def _loss(player: str, terms: tuple[Term, ...]) -> None:
    st.markdown("**" + (_("Generator") if player == "generator" else _("Discriminator")) + "**")
    st.latex(formulas.loss(player, terms))
    for index, term in enumerate(terms, 1):
        formula, words = st.container(border=True).columns([5, 4], vertical_alignment="center", gap="medium")
        formula.latex(formulas.term(player, index, term.formula))
        if annealing := formulas.annealing(term, index):
            formula.latex(annealing)
        words.markdown(f"**{_(term.title)}** — {_(term.summary)}")
        words.caption(" · ".join([*_values(term), _(term.source)]))


def _optimiser(config: Optimizer) -> None:
    for line in formulas.optimizer(config):
        st.latex(line)
    st.latex(formulas.optimizer_values(config))
    schedule = config.schedule
    st.latex(schedule.formula)
    kept = _("Learning rate over time: {title}").format(title=_(schedule.title))
    st.caption(" · ".join([kept, *_values(schedule), formulas.ALGORITHMS[config.algorithm].source]))


def _values(config: Any) -> list[str]:
    """Each setting with its value."""
    return [f"{_(said.title)} = {fields.as_text(getattr(config, name))}" for name, said in settings_of(config)]

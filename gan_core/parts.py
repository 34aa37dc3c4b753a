"""Every part that recipes are made of beside their architectures: what it is, when it helps, its formula and source.

A part is a kind of term, an optimiser, a kind of schedule, or a setting that switches a published technique on. All of
it follows from declarations: a new term of the table, or a setting with a source, needs no word here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gan_core.config import Setting, settings_of
from gan_core.formulas import ALGORITHMS
from gan_core.models import DISCRIMINATORS, GENERATORS
from gan_core.recipes.recipe import TERMS, Recipe, Training, settings_groups
from gan_core.schedules import SCHEDULES
from gan_core.stabilizers import Stabilizers

PLAYERS = ("discriminator", "generator")


@dataclass(frozen=True)
class Part:
    """One part, and how ``train --set`` asks for it.

    Attributes:
        path: the setting that chooses it, such as "discriminator_terms" or "stabilizers.packing".
        name: its name among that setting's choices; empty where the setting itself switches it on.
        group: what it stands under on screen, if anything.
        summary: what it does and when it helps.
        formula: LaTeX, line by line; empty for what is no formula.
        source: where it is described.
    """

    path: str
    name: str
    group: str
    title: str
    summary: str
    formula: tuple[str, ...]
    source: str


def parts() -> tuple[Part, ...]:
    """All parts there are: terms, optimisers with their schedules, settings; one that many architectures have, once."""
    settings = [
        part
        for field, configs in (
            ("stabilizers", (Stabilizers,)), ("training", (Training,)), ("generator", GENERATORS),
            ("discriminator", DISCRIMINATORS),
        )
        for config in configs
        for part in _switches(field, config)
    ]  # fmt: skip
    first = {(part.path, part.name): part for part in reversed((*_terms(), *_optimisers(), *settings))}
    return tuple(reversed(first.values()))


def parts_of(recipe: Recipe) -> Iterator[tuple[str, tuple[Part, ...]]]:
    """(field of the recipe, the parts that it offers there), without terms, in the order of a form.

    Both optimisers offer the same, which stands under the first of them.
    """
    for field, config in settings_groups(recipe):
        if field == "generator_optimizer":
            yield field, tuple(part for part in _optimisers() if part.path.startswith(f"{field}."))
        elif found := tuple(_switches(field, config)):
            yield field, found


def switched_on(recipe: Recipe) -> Iterator[tuple[Part, Any]]:
    """(part, value) of each setting of a recipe, outside its terms, that switches a published technique on."""
    for field, config in settings_groups(recipe):
        if dataclasses.is_dataclass(config):
            described = dict(settings_of(config))
            for part in _switches(field, config):
                name = part.path.rpartition(".")[2]
                value = getattr(config, name)
                if _is_on(described[name], value):
                    yield part, value


def choices() -> dict[str, list[str]]:
    """What each setting takes that holds one or several kinds of parts: path → names."""
    found: dict[str, list[str]] = {}
    for part in parts():
        if part.name:
            found.setdefault(part.path, []).append(part.name)
    return found


def _terms() -> Iterator[Part]:
    for player in PLAYERS:
        for cls in TERMS:
            if cls.player == player:
                yield Part(f"{player}_terms", cls.kind, cls.group, cls.title, cls.summary, (cls.formula,), cls.source)
                yield from _switches(f"{player}_terms.{cls.kind}", cls)


def _optimisers() -> Iterator[Part]:
    for player in PLAYERS:
        path = f"{player}_optimizer"
        for name, said in ALGORITHMS.items():
            yield Part(f"{path}.algorithm", name, "", said.title, said.summary, said.formula, said.source)
        for schedule in SCHEDULES:
            kind = vars(schedule)
            yield Part(f"{path}.schedule", kind["kind"], "", kind["title"], kind["summary"], (kind["formula"],),
                       kind["source"])  # fmt: skip


def _switches(field: str, config: Any) -> Iterator[Part]:
    """The settings of a config, or of a class of them, that name a source; none of a tuple of terms."""
    if not dataclasses.is_dataclass(config):
        return
    for name, said in settings_of(config):
        if said.source:
            formula = (said.formula,) if said.formula else ()
            yield Part(f"{field}.{name}", "", said.group, said.title, said.help, formula, said.source)


def _is_on(described: Setting, value: Any) -> bool:
    """Numbers are off at their least value; a choice between words is always made."""
    if isinstance(value, str):
        return True
    off = described.choices[0] if described.choices else described.minimum or 0
    return bool(value != off)

"""One field of a form: what it is called, the widget that fits it, and its value as text.

    for entry in entries_of(recipe.training, "training."):
        value = widget(entry, key=f"form/{entry.path}", differs=False)

All of it follows from the declaration of the field (see gan_core.config.setting).
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from gan_core.config import Setting, UserError
from pages.ui.i18n import N_, _

# What the parts of a recipe are called on screen; any other part is called by its own title.
SECTIONS = {
    "generator": N_("Generator"),
    "discriminator": N_("Discriminator"),
    "latents": N_("Latents"),
    "generator_terms": N_("Generator's loss"),
    "discriminator_terms": N_("Discriminator's loss"),
    "generator_optimizer": N_("Generator's optimiser"),
    "discriminator_optimizer": N_("Discriminator's optimiser"),
    "stabilizers": N_("Stabilisers"),
    "schedule": N_("Learning rate over time"),
    "training": N_("Training"),
    "snapshots": N_("Snapshots"),
}


@dataclass(frozen=True)
class Entry:
    """One field of the form: its dotted path, its declaration, its type and its default."""

    path: str
    setting: Setting
    kind: Any
    default: Any
    in_section: bool = False  # whether its title names its section, since it stands outside of it

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def listed(self) -> bool:
        """Whether it is a list of values, which is entered as text."""
        return typing.get_origin(self.kind) is tuple

    @property
    def shown(self) -> Any:
        """The default as its widget holds it."""
        return as_text(self.default) if self.listed else self.default


def titled_path(entry: Entry) -> str:
    """What an entry is called outside its section: both networks have a learning rate."""
    section = SECTIONS.get(entry.path.partition(".")[0])
    return f"{_(section)} › {_(entry.setting.title)}" if section else _(entry.setting.title)


def path_title(config: Any, path: str) -> str:
    """What the entry at a dotted path of `config` is called outside its section."""
    return next(titled_path(entry) for entry in entries_of(*owner_of(config, path)) if entry.path == path)


def entries_of(config: Any, prefix: str = "") -> list[Entry]:
    """The described fields of one dataclass instance, in order."""
    hints = typing.get_type_hints(type(config))
    return [
        Entry(prefix + item.name, item.metadata["setting"], _plain(hints[item.name]), getattr(config, item.name))
        for item in dataclasses.fields(config)
        if "setting" in item.metadata
    ]


def widget(entry: Entry, key: str, *, differs: bool, label: Callable[[Any], str] | None = None) -> Any:
    """The widget that fits an entry's type, range and choices; its value is in the session state under `key`."""
    described = entry.setting
    shared: dict[str, Any] = {
        "label": (":primary[●] " if differs else "") + (titled_path(entry) if entry.in_section else _titled(described)),
        "key": key,
        "help": help_text(described) or None,
        "persist_state": "session",
    }
    if described.choices:
        return st.selectbox(options=described.choices, format_func=label or (lambda value: _(str(value))), **shared)
    if entry.kind is bool:
        return st.toggle(**shared)
    if entry.kind in (int, float):
        kind, low, high = entry.kind, described.minimum, described.maximum
        return st.number_input(
            min_value=None if low is None else kind(low),
            max_value=None if high is None else kind(high),
            step=step_of(entry),
            format="%d" if kind is int else "%g",
            **shared,
        )
    return st.text_input(**shared)


def step_of(entry: Entry) -> int | float:
    """What one press of + adds: a tenth of the default's power of ten (the whole of it on a logarithmic range)."""
    if entry.kind is int:
        return 1
    size = abs(entry.default or 0)
    if not size:
        size = (entry.setting.minimum or 0) if entry.setting.log else min(entry.setting.maximum or 1, 1) / 10
    power = 10.0 ** math.floor(math.log10(size or 0.1))
    return power if entry.setting.log else power / 10


def help_text(described: Setting) -> str:
    """The tooltip: what the setting does, by which formula and from where, and the range it may have."""
    low, high = described.minimum, described.maximum
    if low is not None and high is not None:
        span = _("From {low} to {high}.").format(low=f"{low:,g}", high=f"{high:,g}")
    elif low is not None:
        span = _("At least {low}.").format(low=f"{low:,g}")
    else:
        span = "" if high is None else _("At most {high}.").format(high=f"{high:,g}")
    formula = f"$${described.formula}$$" if described.formula else ""
    return "\n\n".join(part for part in (_(described.help), formula, _(described.source), span) if part)


def parse_list(entry: Entry, text: str) -> tuple[Any, ...]:
    """The values of a list field, from text such as "1, 25, 50"; commas or spaces between them."""
    kind = typing.get_args(entry.kind)[0]
    parts = text.replace(",", " ").replace("，", " ").split()
    try:
        return tuple(kind(part) for part in parts)
    except ValueError:
        raise UserError(
            "{title}: write numbers with commas between them, such as 1, 25, 50.", title=entry.setting.title
        ) from None


def check_range(entry: Entry, value: Any) -> None:
    """Raise UserError where a number, or a number of a list, is outside the declared range."""
    low, high = entry.setting.minimum, entry.setting.maximum
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        if (low is not None and number < low) or (high is not None and number > high) or not math.isfinite(number):
            raise UserError("{title}: {help}", title=entry.setting.title, help=help_text(entry.setting))


def as_text(value: Any) -> str:
    """A value as people read and type it."""
    if isinstance(value, tuple):
        return ", ".join(as_text(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def is_config(value: Any) -> bool:
    """Whether a value is an instance of a dataclass."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def owner_of(config: Any, path: str) -> tuple[Any, str]:
    """The dataclass instance that holds the field at a dotted path, and the path's part up to it."""
    *parents, _name = path.split(".")
    for name in parents:
        config = getattr(config, name)
    return config, "".join(f"{name}." for name in parents)


def _titled(described: Setting) -> str:
    return _(described.title) + (f" ({_(described.unit)})" if described.unit else "")


def _plain(hint: Any) -> Any:
    """The type itself of `X | None`."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def from_link(entry: Entry, text: str | None) -> Any:
    """An entry's value as its widget holds it; the default where the link says nothing or nothing valid."""
    if text is None:
        return entry.shown
    try:
        if entry.listed:
            check_range(entry, parse_list(entry, text))
            return text
        value = text == "true" if entry.kind is bool else entry.kind(text)
        check_range(entry, value)
    except (UserError, ValueError):
        return entry.shown
    return value if not entry.setting.choices or value in entry.setting.choices else entry.shown

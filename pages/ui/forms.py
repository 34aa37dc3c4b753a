"""A form from the metadata of a frozen dataclass (see gan_core.config.setting): one widget a field.

    training = forms.edit(recipe.training, key=f"train.{recipe.name}")
    recipe = forms.edit(recipe, key=f"train.{recipe.name}", param="set")      # the whole recipe, kept in the URL
    optimizer = forms.edit(recipe.generator_optimizer, key="g", fields=["learning_rate", "schedule"],
                           alternatives={"schedule": SCHEDULES})
    st.button(_("Start"), disabled=recipe is None)
    forms.changes(f"train.{recipe.name}")                                     # {"training.epochs": 5}

The config that goes in is the default: what differs is marked, and one button takes it all back. Nested configs, and
tuples of them, become sections that fold. The result is None while an entry is invalid; the reason stands above the
form. Entries stay while the visitor is on other pages; with `param` they are in the URL too, such as
"training.epochs=5;latents.size=64". Put whatever decides the defaults (the recipe's name) into `key`. It works inside a
fragment, not inside `st.form`.

A section draws its widgets while it is open; the entries of a closed one count all the same. Fifty widgets that nobody
looks at took a browser longer than the whole rest of the page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from urllib.parse import quote, unquote

import streamlit as st

from gan_core.config import Setting, UserError
from pages.ui import lesson, panels, state
from pages.ui.fields import (
    SECTIONS,
    Entry,
    as_text,
    check_range,
    entries_of,
    from_link,
    is_config,
    owner_of,
    parse_list,
    titled_path,
    widget,
)
from pages.ui.i18n import N_, _, ngettext, sentence

T = TypeVar("T")
Alternatives = Mapping[str, Sequence[type]]
Parts = Mapping[str, tuple[Any, ...]]
FIRST_COLUMNS = 3

def edit(
    config: T,
    *,
    key: str,
    fields: Iterable[str] | None = None,
    first: Iterable[str] = (),
    first_in: AbstractContextManager[Any] | None = None,
    param: str | None = None,
    alternatives: Alternatives | None = None,
    parts: Parts | None = None,
    columns: int = 2,
    drawn: bool = True,
) -> T | None:
    """Render the form of `config`; return what the visitor made of it, or None while an entry is invalid.

    Args:
        config: an instance whose values are the defaults.
        key: names the form; include whatever decides the defaults.
        fields: the names of the fields to show; all of them if not given.
        first: dotted paths of the entries that stand above all sections, instead of within them.
        first_in: a container for those and for what differs, so that something else can stand above the sections.
        param: the URL parameter that carries the changes, if any.
        alternatives: field name → classes to choose from, for fields that hold one of several.
        parts: field name → configs in place of the field's own, for tuples whose members were chosen elsewhere.
        columns: entries side by side on a wide screen.
        drawn: False where nobody sees the place: the entries count all the same.
    """
    form = _Form(key, alternatives or {}, parts or {}, columns, _asked_by_url(param), drawn=drawn)
    with first_in or nullcontext():
        summary = st.container()
        form.show_first(config, tuple(first))
    edited = cast(T, form.section(config, "", None if fields is None else tuple(fields)))
    st.session_state[f"{key}/changes"] = {path: value for path, (_entry, value) in form.changed.items()}
    with summary:
        form.show_summary()
    if param:
        _write_to_url(param, form.changed)
    return None if form.errors else edited


def changes(key: str) -> dict[str, Any]:
    """Path → value of the entries of form `key` that differ from their defaults, as of its last rendering."""
    return dict(st.session_state.get(f"{key}/changes", {}))


@dataclass
class _Form:
    """One rendering of a form; the entries themselves live in the session state under "key/path".

    `asked` is what a link asks for (path → text), or None where the session already has its entries. `drawn` is whether
    all sections around the place that it has come to are open.
    """

    key: str
    alternatives: Alternatives
    parts: Parts
    columns: int
    asked: Mapping[str, str] | None
    changed: dict[str, tuple[Entry, Any]] = field(default_factory=dict)
    early: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    drawn: bool = True

    def section(self, config: Any, prefix: str, only: Sequence[str] | None = None) -> Any:
        """Render all entries of one dataclass below `prefix`; return it with what was entered."""
        names = [item.name for item in dataclasses.fields(config) if only is None or item.name in only]
        entries = [entry for entry in entries_of(config, prefix) if entry.name in names]
        values = {entry.name: self.early[entry.path] for entry in entries if entry.path in self.early}
        entries = [entry for entry in entries if entry.path not in self.early]
        values |= self.grid([entry for entry in entries if not entry.setting.advanced])
        for name in names:
            path = prefix + name
            value = self.parts.get(path, getattr(config, name))
            if is_config(value) or (isinstance(value, tuple) and value and all(map(is_config, value))):
                with self.fold(_(SECTIONS.get(name) or getattr(value, "title", name)), path):
                    values[name] = self.part(name, value, path)
            elif path in self.parts:
                values[name] = value
        advanced = [entry for entry in entries if entry.setting.advanced]
        if advanced:
            with self.fold(_("Advanced"), f"{prefix}advanced"):
                values |= self.grid(advanced)
        try:
            return dataclasses.replace(config, **values)
        except UserError as error:
            self.errors.append(sentence(error.text, error.values))
            return config

    def show_first(self, config: Any, paths: Sequence[str]) -> None:
        """The entries that matter most, in one grid; those that share a title are called by their section too."""
        entries = [entry for path in paths for entry in entries_of(*owner_of(config, path)) if entry.path == path]
        titles = [entry.setting.title for entry in entries]
        named = [
            entry if titles.count(entry.setting.title) == 1 else dataclasses.replace(entry, in_section=True)
            for entry in entries
        ]
        for start in range(0, len(named), FIRST_COLUMNS):
            for cell, entry in zip(st.columns(FIRST_COLUMNS), named[start : start + FIRST_COLUMNS], strict=False):
                with cell:
                    self.early[entry.path] = self.entry(entry)

    def part(self, name: str, value: Any, path: str) -> Any:
        """A field that holds a config, one of several kinds of config, or a tuple of configs."""
        if name in self.alternatives:
            return self.alternative(value, path, self.alternatives[name])
        if is_config(value):
            return self.section(value, f"{path}.")
        edited = []
        for number, item in enumerate(value):
            title, summary = getattr(item, "title", type(item).__name__), getattr(item, "summary", "")
            if self.drawn:
                st.markdown(f"**{_(title)}**", help=_(summary) or None)
            edited.append(self.section(item, f"{path}.{getattr(item, 'kind', number)}."))
        return tuple(edited)

    def alternative(self, config: Any, path: str, classes: Sequence[Any]) -> Any:
        """Which of several kinds of config, and the entries of the one chosen."""
        kinds = {cls.kind: cls for cls in classes}
        described = Setting(title=N_("Kind"), help="", choices=tuple(kinds))
        chosen = self.entry(Entry(f"{path}.kind", described, str, config.kind), lambda kind: _(kinds[kind].title))
        start = config if chosen == config.kind else kinds[chosen]()
        return self.section(start, f"{path}.{chosen}.")

    @contextmanager
    def fold(self, title: str, path: str) -> Iterator[None]:
        """A section that folds."""
        around = self.drawn
        if around:
            key = f"{self.key}/{path}/fold"
            st.session_state[key] = st.session_state.get(key, False)  # stays when the title is translated
            section = st.expander(title, key=key, on_change="rerun")
            self.drawn = bool(section.open)
            with section:
                yield
        else:
            yield
        self.drawn = around

    def grid(self, entries: Sequence[Entry]) -> dict[str, Any]:
        """Render entries side by side, each group below its name; return name → value."""
        if not self.drawn:
            return {entry.name: self.entry(entry) for entry in entries}
        values = {}
        for group in dict.fromkeys(entry.setting.group for entry in entries):
            members = [entry for entry in entries if entry.setting.group == group]
            if group:
                st.markdown(f"**{_(group)}**")
            for start in range(0, len(members), self.columns):
                row = members[start : start + self.columns]
                for cell, entry in zip(st.columns(self.columns), row, strict=False):
                    with cell:
                        values[entry.name] = self.entry(entry)
        return values

    def entry(self, entry: Entry, label: Callable[[Any], str] | None = None) -> Any:
        """Render one entry where its section is open; its value as the type of the field, the default if invalid."""
        entry_id = f"{self.key}/{entry.path}"
        if self.asked is not None:
            st.session_state[entry_id] = from_link(entry, self.asked.get(entry.path))
        st.session_state.setdefault(entry_id, entry.shown)
        entered = st.session_state[entry_id]
        if self.drawn:
            entered = widget(entry, entry_id, differs=entered != entry.shown, label=label)
        try:
            value = parse_list(entry, entered) if entry.listed else entered
            check_range(entry, value)
        except UserError as error:
            self.errors.append(sentence(error.text, error.values))
            return entry.default
        if value != entry.default:
            self.changed[entry.path] = (entry, value)
        return value

    def show_summary(self) -> None:
        """What is wrong; what differs from the defaults, with the button that takes it back."""
        for reason in self.errors:
            panels.error_panel(reason)
        if not self.changed:
            return
        count = len(self.changed)
        title = ngettext("{count} setting changed", "{count} settings changed", count).format(count=count)
        listed = " · ".join(
            f"{titled_path(entry)}: {as_text(entry.default)} → {as_text(value)}"
            for entry, value in self.changed.values()
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":primary[●] {title} — {listed}")
            if lesson.current() is None:  # it would also take back what the lesson set
                st.button(_("Reset"), icon=":material/undo:", key=f"{self.key}/reset", on_click=self.reset)

    def reset(self) -> None:
        """Take every changed entry back to its default."""
        for path, (entry, _value) in self.changed.items():
            st.session_state[f"{self.key}/{path}"] = entry.shown


def _asked_by_url(param: str | None) -> dict[str, str] | None:
    """The changes that a link carries; None if there are none, or if a form of this session wrote them there itself."""
    text = state.read(param, "") if param else ""
    if not text or text == st.session_state.get(f"{param}/written"):
        return None
    pairs = (part.partition("=") for part in text.split(";"))
    return {path: unquote(value) for path, _separator, value in pairs}


def _write_to_url(param: str, changed: Mapping[str, tuple[Entry, Any]]) -> None:
    """Put the changes into the URL, as "path=value;path=value"."""
    text = ";".join(f"{path}={quote(as_text(value), safe=', ')}" for path, (_entry, value) in changed.items())
    state.write(**{param: text or None})
    st.session_state[f"{param}/written"] = text

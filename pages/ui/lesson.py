"""A lesson: a link whose pages and controls a teacher chose, for a class that should see these alone.

    if lesson.current(): …                                # there is one
    with lesson.control("data"):                          # hidden where the lesson says so
        name = choose_dataset(recipe)
    first = lesson.settings(AT_HAND)                      # the settings that stand above all others

A lesson is in the URL: `lesson` are its pages, `hide` the controls that it hides, `settings` the paths of the settings
that it keeps at hand, and `task` what the class should do. What is hidden keeps its value, which the teacher may have
set in the same link; so it is drawn, and CSS hides it. A lesson is for attention and no lock: one click leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.ui.i18n import N_, _

PARAMS = ("lesson", "hide", "settings", "task")
NONE = "none"  # in place of settings: not a single one at hand
TASK_LENGTH = 280  # characters
_STATE = "ui.lesson"

# What a lesson can hide: the page that has it ("" for several pages), and what it is called.
CONTROLS: Mapping[str, tuple[str, str]] = {
    "recipe": ("train", N_("Choice of recipe")),
    "data": ("train", N_("Choice of data")),
    "losses": ("train", N_("Terms of the losses")),
    "more": ("train", N_("All other settings")),
    "name": ("train", N_("Name and device")),
    "steer": ("train", N_("Pause, stop and resume")),
    "branch": ("train", N_("Branches")),
    "favourites": ("interpolate", N_("Favourites")),
    "pair": ("compare", N_("Training a pair")),
    "model": ("", N_("Choice of model")),
    "downloads": ("", N_("Downloads")),
}


@dataclass(frozen=True)
class Lesson:
    """What a lesson shows: pages by name, the controls it hides, settings by their paths (all at hand if none)."""

    pages: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    task: str = ""

    def params(self) -> dict[str, str]:
        """The lesson as URL parameters."""
        values = (",".join(self.pages), ",".join(self.hidden), ",".join(self.settings), self.task)
        return {name: value for name, value in zip(PARAMS, values, strict=True) if value}


def current() -> Lesson | None:
    """The lesson that this visitor is in."""
    found = st.session_state.get(_STATE)
    return found if isinstance(found, Lesson) else None


def read(params: Mapping[str, str], pages: Iterable[str]) -> Lesson | None:
    """The lesson of a link; None where it names none of the `pages` that there are."""
    asked, hidden, settings = (params.get(name, "").split(",") for name in PARAMS[:3])
    shown = tuple(page for page in pages if page in asked)
    if not shown:
        return None
    hides = tuple(name for name in CONTROLS if name in hidden)
    return Lesson(shown, hides, tuple(filter(None, settings)), params.get("task", "")[:TASK_LENGTH].strip())


def sync(pages: Iterable[str]) -> None:
    """Let the URL decide; where it says nothing (Streamlit drops it on a page switch), put the lesson back into it."""
    if PARAMS[0] in st.query_params:
        st.session_state[_STATE] = read({name: st.query_params.get(name, "") for name in PARAMS}, pages)
    if lesson := current():
        for name, value in lesson.params().items():
            st.query_params[name] = value


def leave() -> None:
    """See everything again."""
    st.session_state.pop(_STATE, None)
    for name in PARAMS:
        st.query_params.pop(name, None)


def shows(page: str) -> bool:
    """Whether a page, by its name, can be seen; all can without a lesson."""
    lesson = current()
    return lesson is None or page in lesson.pages


def control(name: str, *, key: str = "") -> AbstractContextManager[Any]:
    """The place of the control `name` of `CONTROLS`; `key` tells several places on one page apart."""
    lesson = current()
    if lesson is None or name not in lesson.hidden:
        return nullcontext()
    place: AbstractContextManager[Any] = st.container(key=f"lesson-hides-{name}-{key}".rstrip("-"))
    return place


def settings(usual: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The paths of the settings at hand: those of the lesson that are `known`, else the `usual` ones."""
    lesson = current()
    return tuple(path for path in lesson.settings if path in known) if lesson and lesson.settings else tuple(usual)


def banner() -> None:
    """What the class is told: that this is a lesson, its task, and the way out."""
    lesson = current()
    if lesson is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="lesson.banner"):
        with st.container(width="stretch", gap="xsmall"):
            if lesson.task:
                st.text(lesson.task)
            st.caption(_("This link is a lesson: whoever made it chose what it shows."))
        st.button(_("Show everything"), icon=":material/visibility:", type="tertiary", on_click=leave)

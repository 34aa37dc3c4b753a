"""The dialog in which a teacher makes a lesson: which pages, which settings, what to hide, and the link to hand out.

    lesson_dialog.open_dialog("train", {"train": _("Train"), …})
"""

from __future__ import annotations

import streamlit as st

from gan_core.recipes import RECIPES
from pages.ui import fields, lesson, state
from pages.ui.copy_link import copy_link
from pages.ui.i18n import _
from pages.ui.lesson import CONTROLS, Lesson
from pages.ui.run_form import AT_HAND, known_settings

HIDDEN = ("losses", "more")  # what a new lesson hides: few settings are the reason to make one


def open_dialog(page: str, titles: dict[str, str]) -> None:
    """Let the visitor make a lesson that begins on `page`; `titles` are those of all pages by name."""
    st.dialog(_("Make a lesson"), icon=":material/school:", width="large")(_make)(page, titles)


def _make(page: str, titles: dict[str, str]) -> None:
    st.markdown(
        _(
            "A lesson is a link to this page as it is now, with only those pages and controls that you choose. What is "
            "hidden keeps the value that it has now. It guides and does not lock: a click shows everything again."
        )
    )
    pages = st.pills(
        _("Pages"), list(titles), default=[page], selection_mode="multi", key="lesson.pages",
        format_func=titles.__getitem__,
    )  # fmt: skip
    chosen = Lesson(tuple(name for name in titles if name in pages))
    settings: tuple[str, ...] = ()
    if "train" in pages:
        settings = _choose_settings()
    offered = [name for name, (where, _title) in CONTROLS.items() if not where or where in pages]
    hidden = st.pills(
        _("Hide"), offered, default=[name for name in HIDDEN if name in offered], selection_mode="multi",
        format_func=lambda name: _(CONTROLS[name][1]), key=f"lesson.hide.{','.join(chosen.pages)}",
    )  # fmt: skip
    task = st.text_area(
        _("Task for the class"), max_chars=lesson.TASK_LENGTH, key="lesson.task", height=80,
        placeholder=_("Which learning rate makes the training diverge?"),
    )  # fmt: skip
    if not chosen.pages:
        st.info(_("Choose at least one page."), icon=":material/info:")
        return
    chosen = Lesson(chosen.pages, tuple(hidden), settings, task.strip())
    link = _link(chosen, page)
    copy_link(key="lesson.copy", link=link)
    st.code(link, language=None, wrap_lines=True)
    st.link_button(_("Look at it as the class will"), link, icon=":material/open_in_new:", type="tertiary")


def _choose_settings() -> tuple[str, ...]:
    """The settings at hand on the Train page; nothing where they are the usual ones, NONE where there are none."""
    name = state.read("recipe", RECIPES[0].name)
    recipe = next((recipe for recipe in RECIPES if recipe.name == name), RECIPES[0])
    chosen = tuple(
        st.multiselect(
            _("Settings at hand on the Train page"), known_settings(recipe), AT_HAND, key="lesson.settings",
            format_func=lambda path: fields.path_title(recipe, path),
        )
    )  # fmt: skip
    return () if chosen == AT_HAND else chosen or (lesson.NONE,)


def _link(chosen: Lesson, page: str) -> str:
    """The address of the page as it is now, or of the lesson's first page where it leaves this one out."""
    empty = dict.fromkeys(lesson.PARAMS)
    if page in chosen.pages:
        return state.share_link(**empty | chosen.params())
    here = dict.fromkeys((*st.query_params, *state.pinned()))
    first = "" if chosen.pages[0] == "home" else chosen.pages[0]
    kept = state.with_language()
    return state.share_link(first, **here | empty | kept | chosen.params())

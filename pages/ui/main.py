"""The shell around every page: page settings, navigation, language switch."""

from importlib import import_module
from pathlib import Path

import streamlit as st

from pages.ui import i18n, lesson, panels, state
from pages.ui.copy_link import copy_link
from pages.ui.i18n import N_, _

HERE = Path(__file__).parent
FIRST = "home"
# Each page's file name, title and icon, in the order of the navigation.
PAGES = {
    "home": (N_("Home"), ":material/home:"),
    "train": (N_("Train"), ":material/model_training:"),
    "interpolate": (N_("Interpolate"), ":material/conversion_path:"),
    "digits": (N_("Digits"), ":material/looks_3:"),
    "compare": (N_("Compare"), ":material/compare:"),
    "quality": (N_("Quality"), ":material/straighten:"),
    "lab": (N_("Lab"), ":material/science:"),
    "anatomy": (N_("Anatomy"), ":material/schema:"),
    "library": (N_("Library"), ":material/inventory_2:"),
}


def pages() -> list[st.Page]:
    """Every page of the app, in the order of the navigation; the file name is the path in the URL."""
    return [
        st.Page(
            f"../{name}.py", title=_(title), icon=icon, default=name == FIRST,
            visibility="visible" if lesson.shows(name) else "hidden",
        )
        for name, (title, icon) in PAGES.items()
    ]  # fmt: skip


def stay_in_the_lesson(name: str) -> None:
    """Lead to the first page of the lesson whoever asks for a page that it leaves out."""
    within = lesson.current()
    if within is not None and name not in within.pages:
        state.open_page(f"../{within.pages[0]}.py")


def offer_lesson(name: str) -> None:
    """The way for teachers to make a lesson of the page on screen."""
    if lesson.current() is None and st.button(_("Make a lesson"), icon=":material/school:", width="stretch"):
        titles = {page: _(title) for page, (title, _icon) in PAGES.items()}
        import_module("pages.ui.lesson_dialog").open_dialog(name, titles)  # needs the recipes, and so torch


def choose_language() -> None:
    """The switch in the sidebar; it follows the URL, not the other way round."""
    st.session_state["ui.language_switch"] = i18n.current_language()
    st.segmented_control(
        _("Language"),
        list(i18n.LANGUAGES),
        format_func=i18n.LANGUAGES.__getitem__,
        key="ui.language_switch",
        required=True,
        on_change=lambda: i18n.set_language(st.session_state["ui.language_switch"]),
        width="stretch",
    )


def announce_language() -> None:
    """Tell the browser the language of the page: screen readers and the shapes of characters depend on it."""
    st.html(f"<script>document.documentElement.lang = '{i18n.language_tag()}'</script>", unsafe_allow_javascript=True)


i18n.sync_language()
lesson.sync(PAGES)
state.forget_pins()
# Before the navigation, which would otherwise make each page's icon the browser tab's and fetch it from outside.
# The menu needs an entry of ours to be shown at all; the choice between light and dark is in it.
st.set_page_config(
    page_title="GAN Workbench",
    page_icon="🧩",
    layout="wide",
    menu_items={"About": _("GAN Workbench: train a small GAN, watch it learn, and understand it.")},
)
page = st.navigation(pages())
name = page.url_path or FIRST
stay_in_the_lesson(name)
st.set_page_config(page_title=f"{page.title} · GAN Workbench")
st.logo(HERE / "logo.svg", size="large", icon_image=HERE / "icon.svg")
st.html(HERE / "style.css")
announce_language()
with st.sidebar:
    choose_language()
lesson.banner()
with panels.guard():
    page.run()
with st.sidebar:
    copy_link(key="shell.copy")  # after the page, which says what its link must carry
    offer_lesson(name)

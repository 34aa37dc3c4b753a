"""The shell around every page: page settings, navigation, language switch."""

from pathlib import Path

import streamlit as st

from pages.ui import i18n, panels
from pages.ui.i18n import _

HERE = Path(__file__).parent


def pages() -> list[st.Page]:
    """Every page of the app, in the order of the navigation; the file name is the path in the URL."""
    return [
        st.Page("../home.py", title=_("Home"), icon=":material/home:", default=True),
        st.Page("../train.py", title=_("Train"), icon=":material/model_training:"),
        st.Page("../interpolate.py", title=_("Interpolate"), icon=":material/conversion_path:"),
        st.Page("../digits.py", title=_("Digits"), icon=":material/looks_3:"),
        st.Page("../compare.py", title=_("Compare"), icon=":material/compare:"),
        st.Page("../anatomy.py", title=_("Anatomy"), icon=":material/schema:"),
        st.Page("../library.py", title=_("Library"), icon=":material/inventory_2:"),
    ]


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
# Before the navigation, which would otherwise make each page's icon the browser tab's and fetch it from outside.
# The menu needs an entry of ours to be shown at all; the choice between light and dark is in it.
st.set_page_config(
    page_title="GAN Workbench",
    page_icon="🧩",
    layout="wide",
    menu_items={"About": _("GAN Workbench: train a small GAN, watch it learn, and understand it.")},
)
page = st.navigation(pages())
st.set_page_config(page_title=f"{page.title} · GAN Workbench")
st.logo(HERE / "logo.svg", size="large", icon_image=HERE / "icon.svg")
st.html(HERE / "style.css")
announce_language()
with st.sidebar:
    choose_language()
with panels.guard():
    page.run()

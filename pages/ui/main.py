"""The shell around every page: page settings, navigation, language switch."""

from pathlib import Path

import streamlit as st

from pages.ui import i18n, panels
from pages.ui.i18n import _

# The mark alone and with the name; one violet that reads on light and on dark.
MARK = (
    '<g fill="#6C5CE7"><rect width="8" height="8" rx="2"/><rect x="20" y="10" width="8" height="8" rx="2" opacity=".35"/>'
    '<rect x="10" width="8" height="8" rx="2" opacity=".55"/><rect y="10" width="8" height="8" rx="2" opacity=".35"/>'
    '<rect x="10" y="10" width="8" height="8" rx="2"/><rect x="20" y="20" width="8" height="8" rx="2"/>'
    '<rect x="10" y="20" width="8" height="8" rx="2" opacity=".55"/></g>'
)
ICON = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28" width="28" height="28">{MARK}</svg>'
LOGO = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 182 28" width="182" height="28">{MARK}'
    '<text x="38" y="21" font-family="Source Sans, Segoe UI, Helvetica, Arial, sans-serif" font-size="19" '
    'font-weight="600" fill="#6C5CE7" textLength="142" lengthAdjust="spacingAndGlyphs">GAN Workbench</text></svg>'
)


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


i18n.sync_language()
st.set_page_config(page_title="GAN Workbench", page_icon="🧩", layout="wide")
st.logo(LOGO, size="large", icon_image=ICON)
st.html(Path(__file__).with_name("style.css"))
page = st.navigation(pages())
with st.sidebar:
    choose_language()
with panels.guard():
    page.run()

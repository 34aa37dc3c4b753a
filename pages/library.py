"""Library."""

import streamlit as st

from pages.ui.i18n import _

st.title(_("Library"))
st.write(_("This page is being built."))

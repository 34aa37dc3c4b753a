"""Train."""

import streamlit as st

from pages.ui.i18n import _

st.title(_("Train"))
st.write(_("This page is being built."))

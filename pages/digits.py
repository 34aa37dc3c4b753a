"""Digits."""

import streamlit as st

from pages.ui.i18n import _

st.title(_("Digits"))
st.write(_("This page is being built."))

"""The launcher for plot_app.py: the same routes as the real app."""

import streamlit as st

import app as workbench

app = st.App("plot_app.py", routes=workbench.app._user_routes)

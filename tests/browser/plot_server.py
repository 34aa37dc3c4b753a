"""The launcher of plot_app.py, with the route that serves plotly.js."""

import streamlit as st

from pages.ui.plotly_route import ROUTES

app = st.App("plot_app.py", routes=ROUTES)

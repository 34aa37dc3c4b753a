"""The launcher of plot_app.py, with the route that serves plotly.js."""

import streamlit as st
from starlette.routing import Route

from app import serve_plotly
from pages.ui.live_plot import PLOTLY_ROUTE

app = st.App("plot_app.py", routes=[Route(PLOTLY_ROUTE, serve_plotly)])

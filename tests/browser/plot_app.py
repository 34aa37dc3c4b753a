"""A page for the tests of the live chart: two charts, one of which grows, a cursor and a click counter."""

import math

import streamlit as st

from pages.ui.charts import loss_curves
from pages.ui.live_plot import live_plot

if st.button("More data"):
    st.session_state["points"] = st.session_state.get("points", 50) + 50
points = st.session_state.get("points", 50)
cursor = st.slider("Cursor", 0, 50, 10, key="cursor")
history = {
    "step": list(range(points)),
    "loss_g": [2 + math.sin(i / 5) for i in range(points)],
    "loss_d": [1 + math.cos(i / 7) for i in range(points)],
}


def move(x: float) -> None:
    st.session_state["clicks"] = st.session_state.get("clicks", 0) + 1
    st.session_state["cursor"] = min(50, round(x))


live_plot(
    loss_curves(history, ["loss_g", "loss_d"], smoothing=0.8, title="Losses"),
    key="first",
    alt="Two losses that wave",
    cursor_x=cursor if st.toggle("Show cursor", value=True) else None,
    on_click=move,
)
x = live_plot(loss_curves(history, ["loss_g"]), key="second", alt="One loss that waves", on_click=True)
st.write(f"points {points}, clicks {st.session_state.get('clicks', 0)}, second clicked at {x}")

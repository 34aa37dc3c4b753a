"""Compare: any two to four models or snapshots on the same noise."""

import streamlit as st

from pages.ui import compare_facts, compare_pair, compare_views, lesson, panels
from pages.ui.compare_models import Chosen, choose_models
from pages.ui.i18n import _


def show(chosen: list[Chosen]) -> None:
    """Everything below the choice of models."""
    request = compare_views.choose_pictures(chosen)
    view = compare_views.choose_view()
    views = {
        "rows": compare_views.show_rows,
        "wipe": compare_views.show_wipe,
        "difference": compare_views.show_difference,
        "epochs": compare_views.show_epochs,
    }
    if chosen[0].ref == chosen[1].ref:
        st.info(
            _("A and B are the same networks, so they agree in everything: choose another model or snapshot for one."),
            icon=":material/info:",
        )
    with panels.guard():
        views[view](chosen, request)

    st.subheader(_("Curves"))
    with panels.guard():
        compare_facts.show_curves(chosen)
    st.subheader(_("What they are"))
    with panels.guard():
        compare_facts.show_facts(chosen)
    st.subheader(_("Settings that differ"))
    with panels.guard():
        compare_facts.show_settings(chosen)


st.title(_("Compare"))
st.markdown(_("Models side by side on the same noise: what differs in their pictures is what differs in the models."))
with st.container(horizontal=True):
    compare_pair.offer_preset()
chosen = choose_models()
if chosen:
    show(chosen)
with lesson.control("pair"):
    st.subheader(_("Train them yourself"))
    compare_pair.offer_pair(chosen)

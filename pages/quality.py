"""Quality: what a trained model's pictures are worth, beside what real ones score."""

import streamlit as st

from gan_core import library
from gan_core.data import find_dataset
from gan_core.evaluation import inspection
from gan_core.evaluation.inspection import View
from gan_core.explore import MOST_SEED
from pages.ui import panels, quality_numbers, quality_pictures, state
from pages.ui.i18n import _
from pages.ui.model_picker import choose_model


def choose() -> View | None:
    """The model, the pictures to hold it against, and the noise; None where there is nothing to choose."""
    left, middle, right = st.columns([3, 2, 1], vertical_alignment="bottom")
    with left:
        model = choose_model()
    if model is None:
        return None
    sources = {source.name: source for source in inspection.datasets_for(library.describe(model.ref))}
    if not sources:
        st.info(
            _("None of the data sets here has pictures like this model's: get the one it was trained on first."),
            icon=":material/info:",
        )
        return None
    with middle:
        dataset = state.choice(
            st.selectbox, _("Real pictures"), sources, param="data", label=lambda name: _(find_dataset(name).title)
        )
    with right:
        seed = st.number_input(_("Seed of the noise"), 0, MOST_SEED, 0, key="noise", bind="query-params",
                               persist_state="session")  # fmt: skip
    return View(model.ref, dataset, int(seed))


def page() -> None:
    st.title(_("Quality"))
    st.markdown(
        _("Losses do not show quality. These numbers do: each stands beside what real pictures that nobody trained on "
          "score in the same test.")
    )  # fmt: skip
    view = choose()
    if view is None:
        return
    parts = (
        quality_numbers.show, quality_pictures.show_beside, quality_pictures.show_map,
        quality_pictures.show_answers, quality_pictures.show_neighbours,
    )  # fmt: skip
    for part in parts:
        with panels.guard():
            part(view)


page()

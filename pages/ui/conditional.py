"""What to say and to offer where a page needs a conditional model and has another.

    if not info.recipe.conditional:
        offer_conditional(model)
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from gan_core.explore import SampleRequest, nearest_conditional, pictures
from gan_core.images import sheet
from gan_core.library import Model
from pages.ui import panels, state
from pages.ui.i18n import _
from pages.ui.model_picker import title_of


def offer_conditional(model: Model) -> None:
    """Why this model cannot be asked for a class, the way to one that can, and what this one draws."""
    st.info(
        _("{model} learned from pictures without labels, so it draws whatever the noise happens to hold; nobody can "
          "ask it for a 7. A conditional model is told the class of every picture while it trains.")
        .format(model=title_of(model)), icon=":material/info:",
    )  # fmt: skip
    other = nearest_conditional(model.ref)
    if other is None:
        panels.go_to("../train.py", _("Train a conditional model"), icon=":material/model_training:",
                     params={"recipe": "cgan"})  # fmt: skip
    else:
        st.button(_("Use {model} instead").format(model=title_of(other)), type="primary", key="use.conditional",
                  icon=":material/swap_horiz:", on_click=partial(state.write, model=other.ref))  # fmt: skip
    tiles = pictures(SampleRequest(model.ref, seed=1, count=20))
    panels.picture(sheet(tiles, 10), alt=_("Twenty pictures by {model}, as they come").format(model=title_of(model)),
                   caption=_("What it draws when nobody can choose."), width="stretch")  # fmt: skip

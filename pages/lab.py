"""Lab: train a recipe as it is and with remedies, several seeds each, and see what helped.

The URL says what is shown: `?comparison=ID` one of own runs, `?comparison=shipped:NAME` one that comes along,
`?comparison=new` the form. Without it, it is the one that this visitor saw last, or else the newest.
"""

from datetime import datetime

import streamlit as st

from gan_core import shelf
from gan_core.lab import comparisons
from gan_core.lab.comparisons import Comparison
from pages.ui import guest_view, panels, state
from pages.ui.i18n import _, ngettext
from pages.ui.lab_form import FORM_PARAMS, NUMBERS, lab_form
from pages.ui.lab_view import VIEW_PARAMS, lab_view
from pages.ui.library_words import dataset_title

NEW = "new"
LAST = "lab.last"  # session state: the comparison that this visitor saw last


def show(ref: str) -> None:
    """Go on with this comparison on screen."""
    state.write(comparison=ref, **dict.fromkeys((*FORM_PARAMS, *VIEW_PARAMS)))
    st.rerun()


def asked_for(there: list[Comparison]) -> str:
    """The name of the comparison to show, or NEW."""
    asked = state.read("comparison", "")
    if asked:
        return asked
    if any(name in st.query_params for name in (*FORM_PARAMS, *NUMBERS)):
        return NEW
    last = st.session_state.get(LAST, "")
    if last == NEW or any(comparison.ref == last for comparison in there):
        return str(last)
    return there[0].ref if there else NEW


def choose(there: list[Comparison], current: str) -> None:
    """The list of comparisons, and the way to a new one."""
    labels = {NEW: _("New comparison")} | {comparison.ref: label(comparison) for comparison in there}
    labels.setdefault(current, current)
    st.session_state["lab.choice"] = current
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            _("Comparison"), list(labels), key="lab.choice", format_func=labels.__getitem__,
            label_visibility="collapsed",
        )  # fmt: skip
        fresh = current != NEW and st.button(_("New comparison"), icon=":material/add:", key="lab.new")
    if fresh or chosen != current:
        show(NEW if fresh else chosen)


def label(comparison: Comparison) -> str:
    """A comparison in the list."""
    title, data = _(comparison.title), dataset_title(comparison.dataset)
    runs = ngettext("{count} run", "{count} runs", comparison.runs).format(count=comparison.runs)
    when = _("comes along") if comparison.shipped else f"{datetime.fromtimestamp(comparison.created):%m-%d %H:%M}"
    return " · ".join((title, data, runs, when))


st.title(_("Lab"))
st.markdown(
    _("What helps a recipe? Train it as it is and with each of some remedies, several times from other seeds, and see "
      "which differences are more than chance.")
)  # fmt: skip
there = [*comparisons.own(guest_view.own_entries(shelf.run_entries())), *comparisons.shipped()]
current = asked_for(there)
st.session_state[LAST] = current
state.write(comparison=None if current == NEW and state.read("comparison", "") != NEW else current)
if current == NEW:
    state.pin(comparison=NEW)
if there or current != NEW:
    choose(there, current)
with panels.guard():
    if current == NEW:
        lab_form(on_start=show)
    else:
        lab_view(current)

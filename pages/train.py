"""Train: start a run, and watch and steer it.

The URL says what is shown: `?run=ID` a run, `?run=new` the form, `?branch=ID@STEP` the form of a branch, `?recipe=NAME`
the form with that recipe. Without any of these it is the run that this visitor saw last, or else one that trains now.
"""

import streamlit as st

from gan_core.runs import Run, find_run, list_runs
from pages.ui import guest_view, panels, state
from pages.ui.i18n import _
from pages.ui.run_form import branch_form, run_form
from pages.ui.run_view import run_view
from pages.ui.run_words import run_label

NEW = "new"
RECENT = 30
LAST = "train.last"  # session state: the run that this visitor saw last
FORM_PARAMS = (
    "recipe", "data", "upload", "folder", "pictures", "d_terms", "g_terms", "set", "device", "run_name", "branch",
)  # fmt: skip
VIEW_PARAMS = ("snapshot", "snapshot_speed")


def show_run(run: Run) -> None:
    """Go on with this run on screen."""
    state.write(run=run.id, **dict.fromkeys((*FORM_PARAMS, *VIEW_PARAMS)))
    st.rerun()


def show_form(branch: str | None = None) -> None:
    """Go on with the form on screen."""
    state.write(run=NEW, **dict.fromkeys((*FORM_PARAMS, *VIEW_PARAMS)) | {"branch": branch})
    st.rerun()


def asked_for(recent: list[Run]) -> str:
    """The id of the run to show, or NEW."""
    asked = state.read("run", "")
    if asked:
        return asked
    if any(name in st.query_params for name in FORM_PARAMS):
        return NEW
    last = st.session_state.get(LAST, "")
    live = next((run.id for run in recent if run.status().live), NEW)
    return last if last == NEW or any(run.id == last for run in recent) else live


def choose_run(recent: list[Run], current: str) -> None:
    """The list of recent runs, and the way to a new one."""
    labels = {NEW: _("New training")} | {run.id: run_label(run, state=run.id != current) for run in recent}
    if current not in labels:  # an older run, another visitor's, or none that there is
        labels[current] = next((run_label(run, state=False) for run in list_runs() if run.id == current), current)
    st.session_state["train.choice"] = current
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            _("Run"), list(labels), key="train.choice", format_func=labels.__getitem__, label_visibility="collapsed"
        )
        fresh = current != NEW and st.button(_("New training"), icon=":material/add:", key="train.new")
    if fresh or chosen == NEW != current:
        show_form()
    if chosen != current:
        show_run(find_run(chosen))


st.title(_("Train"))
recent = guest_view.own_runs(list_runs())[:RECENT]
current = asked_for(recent)
st.session_state[LAST] = current
state.write(run=None if current == NEW and state.read("run", "") != NEW else current)
if current == NEW and not any(name in st.query_params for name in FORM_PARAMS):
    state.pin(run=NEW)
if recent or current != NEW:
    choose_run(recent, current)
with panels.guard():
    if current != NEW:
        run_view(find_run(current), on_branch=show_form, on_start=show_run)
    elif branch := state.read("branch", ""):
        branch_form(branch, on_start=show_run)
    else:
        run_form(on_start=show_run)

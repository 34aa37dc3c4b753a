"""Which pictures to train on: a set of the table, an uploaded zip file, or a folder of this machine.

    name = choose_dataset(recipe)      # such as "mnist", "celeba?size=64", "upload:cats-1a2b3c4d5e6f?size=28"

All of it is in the URL: `data` is the choice, `upload` and `folder` say which pictures, `pictures` how they are
prepared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import IO

import streamlit as st

from gan_core import guests
from gan_core.config import UserError
from gan_core.data import DATASETS, DatasetSource, find_dataset
from gan_core.datasets.archives import delete_upload, store_upload, uploads
from gan_core.datasets.pictures import PictureSource
from gan_core.hosting import hosted
from gan_core.recipes.recipe import Recipe
from pages.ui import forms, guest_view, panels, state
from pages.ui.i18n import N_, _, sentence

UPLOAD, FOLDER = "upload", "folder"
OWN = {UPLOAD: N_("Own pictures (zip)"), FOLDER: N_("Folder on this machine")}
ICONS = {UPLOAD: "upload", FOLDER: "folder_open"}
UPLOAD_MB = 500  # within what a shared server keeps; larger sets are for a folder, as an upload passes through memory
MINE = "data.mine"  # session state: the uploads of this visitor, whom a shared server shows no others
PROBLEM = "data.problem"  # session state: why the last upload was not kept
ROUND = "data.round"  # session state: part of the uploader's key, so that it is empty again after each file


def choose_dataset(recipe: Recipe) -> str | None:
    """The name of the data set; None where there is none yet, or where it cannot be used (the reason is on screen)."""
    base = recipe.dataset.partition("?")[0]  # the recipe may want a set of the table with its own settings
    names = [recipe.dataset if source.name == base else source.name for source in DATASETS]
    sources = {name: find_dataset(name) for name in dict.fromkeys((*names, recipe.dataset))}
    chosen = state.choice(
        st.pills, _("Data set"), [*sources, UPLOAD, *([] if hosted() else [FOLDER])], param="data",
        default=recipe.dataset, label=lambda name: _label(name, sources),
    )  # fmt: skip
    name = {UPLOAD: choose_upload, FOLDER: choose_folder}[chosen]() if chosen in OWN else chosen
    state.write(**{other: None for other in OWN if other != chosen})
    if not name:
        state.write(pictures=None)
        return None
    try:
        return _prepared_as(find_dataset(name), recipe, own=chosen in OWN)
    except UserError as error:
        panels.error_panel(sentence(error.text, error.values))
        return None


def choose_upload() -> str | None:
    """The uploader, and which of the uploads to train on; None while there is none."""
    st.file_uploader(
        _("A zip file of pictures; folders in it are the classes."), type="zip",
        key=f"{UPLOAD}.{st.session_state.setdefault(ROUND, 0)}", on_change=_receive,
        max_upload_size=guest_view.upload_limit(UPLOAD_MB),
    )  # fmt: skip
    if problem := st.session_state.get(PROBLEM):
        panels.error_panel(sentence(*problem))
    mine = st.session_state.setdefault(MINE, [])
    asked = st.query_params.get(UPLOAD)
    names = list(dict.fromkeys([*mine, *uploads(), *([asked] if asked else [])]))
    if not names:
        return None
    current = asked or st.session_state.get(UPLOAD)
    st.session_state[UPLOAD] = current if current in names else names[0]
    state.write(**{UPLOAD: st.session_state[UPLOAD]})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            _("Uploaded pictures"), names, key=UPLOAD, persist_state="session", width=360,
            on_change=lambda: state.write(**{UPLOAD: st.session_state[UPLOAD]}),
        )  # fmt: skip
        if name in mine or not hosted():
            with st.popover(_("Delete"), icon=":material/delete:"):
                st.markdown(_("Delete {name} and what was prepared from it?").format(name=panels.literal(name)))
                st.button(_("Delete for good"), key=f"{UPLOAD}.delete", on_click=_delete, args=(name,))
    return f"{UPLOAD}:{name}"


def choose_folder() -> str | None:
    """The path of a folder of pictures; None while it is empty."""
    asked = st.query_params.get(FOLDER)
    st.session_state[FOLDER] = st.session_state.get(FOLDER, "") if asked is None else asked
    path = st.text_input(
        _("Path of the folder"), key=FOLDER, placeholder="/home/me/pictures", persist_state="session",
        help=_("All pictures in it and in its folders; the folders directly in it are the classes."),
        on_change=lambda: state.write(**{FOLDER: st.session_state[FOLDER] or None}),
    ).strip()  # fmt: skip
    state.write(**{FOLDER: path or None})
    return f"{FOLDER}:{path}" if path else None


def keep_upload(file: IO[bytes], filename: str) -> str | None:
    """Store a visitor's zip file and choose it; None, and the reason on screen, where it cannot be used."""
    st.session_state[PROBLEM] = None
    try:
        guests.check_room()
        name = store_upload(file, filename)
    except UserError as error:
        st.session_state[PROBLEM] = (error.text, error.values)
        return None
    mine = st.session_state.setdefault(MINE, [])
    st.session_state[MINE] = [name, *(other for other in mine if other != name)]
    state.write(**{UPLOAD: name})
    return name


def availability(source: DatasetSource) -> str:
    """Where a data set's pictures come from, in one sentence."""
    if source.name == "strokes":
        return _("They are drawn on this machine.")
    if source.on_disk():
        return _("They are on this machine.")
    try:
        source.count("train")
    except UserError as error:  # files that only a person can fetch
        return sentence(error.text, error.values)
    if source.name == "mnist":
        return _(
            "They are not on this machine and will be downloaded; where that fails, the run trains on strokes instead: "
            "digits that the workbench draws itself."
        )
    return _("They are not on this machine and will be downloaded when the training starts.")


def _prepared_as(source: DatasetSource, recipe: Recipe, *, own: bool) -> str | None:
    """The name of the set with the settings that the visitor chose, if it has any; None while one is invalid."""
    if own:
        found = _("{count} pictures to train on.").format(count=f"{source.count('train'):,}")
        st.caption(f"{_(source.summary)} {found}")
    else:
        st.caption(f"{_(source.summary)} {availability(source)}")
    if not isinstance(source, PictureSource):
        state.write(pictures=None)
        return source.name
    # Networks are made for one size of picture: start with that of the recipe's own data.
    channels, size, _width = find_dataset(recipe.dataset).image_shape
    start = replace(source.settings, size=size, channels=channels)
    settings = forms.edit(start, key=f"data.{recipe.name}.{source.name}", param="pictures")
    if settings is None:
        return None
    chosen = replace(source, settings=settings)
    if not hosted():
        _offer_to_tidy(chosen)
    return chosen.name


def _offer_to_tidy(source: PictureSource) -> None:
    """What the prepared pictures take of the disk, and the button that gives it back; nothing where there are none."""
    size = source.prepared_bytes
    if not size:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_("Prepared on this machine: {size} MB.").format(size=f"{max(size / 1e6, 0.1):,.1f}"))
        with st.popover(_("Delete"), icon=":material/delete:", type="tertiary"):
            st.markdown(
                _("Delete what was prepared? The pictures themselves stay; the next training prepares them anew.")
            )
            if st.button(_("Delete what was prepared"), key="data.tidy"):
                source.delete_prepared()
                st.rerun()


def _label(name: str, sources: Mapping[str, DatasetSource]) -> str:
    if name in OWN:
        return f":material/{ICONS[name]}: {_(OWN[name])}"
    icon = "check_circle" if sources[name].on_disk() else "download"
    return f":material/{icon}: {_(sources[name].title)}"


def _receive() -> None:
    """Keep the file that was just uploaded, and empty the uploader for the next."""
    file = st.session_state[f"{UPLOAD}.{st.session_state[ROUND]}"]
    if file is not None:
        keep_upload(file, file.name)
        st.session_state[ROUND] += 1


def _delete(name: str) -> None:
    delete_upload(name)
    st.session_state[MINE] = [other for other in st.session_state[MINE] if other != name]
    st.session_state.pop(UPLOAD, None)
    state.write(**{UPLOAD: None})

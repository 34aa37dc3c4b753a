"""Shipped weights and uploaded bundles: what they are, whether they are whole, and where to go with them."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from gan_core import guests, library, shelf, uploads
from gan_core.checkpoints import BundleInfo
from gan_core.config import UserError
from gan_core.export import import_run
from pages.ui import guest_view, library_dialogs, library_publish, library_share, panels, run_words, visitor
from pages.ui.i18n import N_, _
from pages.ui.library_words import dataset_title, say, say_error, size

MOST_MEGABYTES = 1000
THUMBNAIL = 240
ACTIONS = {"share": N_("Share as a file"), "publish": N_("Publish"), "rename": N_("Rename"), "delete": N_("Delete")}


def show_bundled() -> None:
    """The weights that come with the workbench."""
    entries = library.manifest()
    if not entries:
        panels.empty_state(
            _("No weights came with this copy"), _("Train a model yourself; it takes some minutes."),
            link="../train.py", label=_("Train"), icon=":material/inventory_2:",
        )  # fmt: skip
        return
    if st.button(_("Check the files"), icon=":material/verified:", help=_("Compares each file with its SHA-256 sum.")):
        st.session_state["library.checked"] = {entry["name"]: shelf.is_whole(entry) for entry in entries}
    for entry in entries:
        with panels.guard():
            _bundled_card(entry)


def show_uploads() -> None:
    """Bundles that the visitor brought, and the way to bring one."""
    _receive()
    files = [path for path in uploads.list_uploads() if guest_view.owns_upload(path.stem)]
    if not files:
        st.caption(_("Nothing uploaded yet."))
    for path in files:
        with st.container(border=True), panels.guard():
            _upload_card(path.stem, path.stat().st_size)


def _upload_card(name: str, length: int) -> None:
    st.text(name)
    try:
        info = library.describe(f"upload:{name}")
    except (UserError, OSError):
        info = None
    said = _("This file cannot be read any more; delete it.") if info is None else described(info)
    st.caption(panels.literal(f"{said} · {size(length)}"))
    with st.container(horizontal=True, vertical_alignment="center"):
        if info is not None:
            show_links(f"upload:{name}", info)
        chosen = st.menu_button(
            _("More"), list(ACTIONS), key=f"library.upload.{name}", type="tertiary",
            format_func=lambda action: _(ACTIONS[action]),
        )  # fmt: skip
    if chosen is not None:
        if chosen == "share":
            library_share.ask(f"upload:{name}")
        elif chosen == "publish":
            library_publish.ask(f"upload:{name}")
        else:
            library_dialogs.ask(chosen, name, kind="upload")
        st.rerun()


def _receive() -> None:
    """Take in files; their place is emptied afterwards, so that nothing is taken in twice."""
    turn = st.session_state.setdefault("library.turn", 0)
    files = st.file_uploader(
        _("Bring a bundle (.safetensors) or an exported run (.zip)"), ["safetensors", "zip", "json"],
        key=f"library.file.{turn}", max_upload_size=guest_view.upload_limit(MOST_MEGABYTES),
        accept_multiple_files=True,
        help=_("The file is checked before it is kept; nothing in it is ever executed. A generator of another program "
               "comes with a .json file that declares it: choose both at once."),
    )  # fmt: skip
    if not files:
        return
    with st.spinner(_("Checking …")):
        said = {file.name: file.getvalue() for file in files if file.name.lower().endswith(".json")}
        brought = [file for file in files if file.name not in said]
        try:
            if not brought:
                raise UserError("A .json file alone is no model; choose it together with its .safetensors file.")
            for file in brought:
                _take_in(file, next(iter(said.values()), b""))
        except UserError as error:
            say_error(error)
    st.session_state["library.turn"] = turn + 1
    st.rerun()


def _take_in(file: UploadedFile, declaration: bytes) -> None:
    guests.check_room()
    if file.name.lower().endswith(".zip"):
        run = import_run(file, visitor.owner())
        say(_("{name} is among your runs now.").format(name=_(run.about().name)))
    else:
        model = uploads.save_upload(file.name, file.getvalue(), visitor.owner(), declaration)
        say(_("{name} can be chosen on every page now.").format(name=model.title))


def _bundled_card(entry: dict[str, Any]) -> None:
    info = library.describe(entry["name"])
    sheet = shelf.newest_sheet(library.history_run(entry["name"]))
    with st.container(border=True):
        if sheet is not None:
            alt = _("Newest picture sheet of {name}").format(name=_(entry["title"]))
            panels.picture(sheet, alt=alt, width=THUMBNAIL)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_(entry['title'])}**", width="content")
            whole = st.session_state.get("library.checked", {}).get(entry["name"])
            if whole is not None:
                st.badge(
                    _("whole") if whole else _("changed or damaged: get the file again"),
                    icon=":material/verified:" if whole else ":material/error:", color="green" if whole else "red",
                )  # fmt: skip
        st.markdown(_(info.recipe.summary))
        time = run_words.duration(entry["seconds"])
        st.caption(" · ".join([
            *_parts(info)[1:],
            _("trained for {time} on {hardware}").format(time=time, hardware=run_words.device_words(entry["hardware"])),
            _("seed {seed}").format(seed=entry["seed"]),
        ]))  # fmt: skip
        _measured(entry.get("metrics", {}))
        with st.expander(_("How it was made")):
            st.code(entry["command"], language="bash", wrap_lines=True)
            st.caption(f"SHA-256 {entry['sha256']}")
        with st.container(horizontal=True, vertical_alignment="center"):
            show_links(entry["name"], info)
            share_button(entry["name"])
            if st.button(_("Publish"), key=f"library.publish.{entry['name']}", icon=":material/publish:",
                         type="tertiary"):  # fmt: skip
                library_publish.ask(entry["name"])


def _measured(metrics: dict[str, float]) -> None:
    """What was measured of a shipped model."""
    if "label_obedience" in metrics:
        st.caption(
            _("{share} of its pictures are read as the class asked for, by a classifier trained apart.").format(
                share=f"{metrics['label_obedience']:.1%}"
            )
        )


def described(info: BundleInfo) -> str:
    """What a model is, in one line."""
    return " · ".join(_parts(info))


def _parts(info: BundleInfo) -> list[str]:
    """Recipe, data, steps and epochs."""
    if not info.recipe.trainable:
        return [_(info.recipe.title), _("trained elsewhere")]
    return [
        _(info.recipe.title), dataset_title(info.dataset), _("{steps} steps").format(steps=f"{info.step:,}"),
        _("{done} epochs").format(done=f"{info.epoch:.4g}"),
    ]  # fmt: skip


def show_links(ref: str, info: BundleInfo) -> None:
    """The pages that can show a model, side by side."""
    panels.go_to("../interpolate.py", _("Interpolate"), icon=":material/conversion_path:", params={"model": ref})
    if info.recipe.conditional:
        panels.go_to("../digits.py", _("Digits"), icon=":material/looks_3:", params={"model": ref})
    panels.go_to("../compare.py", _("Compare"), icon=":material/compare:", params={"a": ref})
    panels.go_to("../quality.py", _("Quality"), icon=":material/straighten:", params={"model": ref})


def share_button(ref: str) -> None:
    """Opens the dialog that makes a file of the model."""
    if st.button(_("Share as a file"), key=f"library.share.{ref}", icon=":material/file_save:", type="tertiary"):
        library_share.ask(ref)

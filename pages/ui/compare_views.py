"""The pictures of several models on the same noise: row by row, wiped, subtracted, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from gan_core import comparison, library
from gan_core.comparison import Row, RowsRequest
from gan_core.images import png, sheet
from pages.ui import panels, state
from pages.ui.compare_models import Chosen
from pages.ui.i18n import N_, _
from pages.ui.wipe import wipe

VIEWS = {
    "rows": N_("Row by row"),
    "wipe": N_("Wipe"),
    "difference": N_("Difference"),
    "epochs": N_("Epoch by epoch"),
}
REPORT_EPOCHS = (20, 30, 40, 49)  # the comparison of report R5
MOST_EPOCHS = 8
TILE = 96  # pixels on a wide screen
DOWNLOAD_FACTOR = 4


def choose_view() -> str:
    """Which of the views; in the URL."""
    return state.choice(
        st.segmented_control, _("View"), VIEWS, param="view", label=lambda name: _(VIEWS[name]),
        label_visibility="collapsed",
    )  # fmt: skip


def choose_pictures(chosen: Sequence[Chosen]) -> RowsRequest:
    """Seed, number of pictures and, where a model can be told, the class."""
    seed_cell, count_cell, class_cell = st.columns(3)
    with seed_cell:
        seed = st.number_input(
            _("Seed of the noise"), 0, 2**31 - 1, 1, key="noise", bind="query-params", persist_state="session",
            help=_("Another seed, other pictures; the same for all models."),
        )  # fmt: skip
    with count_cell:
        count = st.slider(
            _("Pictures a row"), 4, 20, 10, key="pictures", bind="query-params", persist_state="session",
        )  # fmt: skip
    infos = [library.describe(item.ref) for item in chosen]
    names = next((info.class_names for info in infos if info.recipe.conditional), ())
    label = None
    if names:
        with class_cell:
            options = ["all", *(str(index) for index in range(len(names)))]
            asked = state.choice(
                st.selectbox, _("Class"), options, param="class", help=_("For models that can be told what to draw."),
                label=lambda name: _("All in turn") if name == "all" else _(names[int(name)]),
            )  # fmt: skip
            label = None if asked == "all" else int(asked)
    return RowsRequest(tuple(item.ref for item in chosen), int(seed), int(count), label)


def show_rows(chosen: Sequence[Chosen], request: RowsRequest) -> None:
    """One row of pictures for each model."""
    rows = comparison.make_rows(request)
    for item, row in zip(chosen, rows, strict=True):
        _strip(item.name, row, request)
    _say_noise(rows)
    _download(rows, f"rows-{request.seed}.png")


def show_wipe(chosen: Sequence[Chosen], request: RowsRequest) -> None:
    """Two sheets over each other, and a slider between them."""
    pair = _choose_pair(chosen)
    rows = comparison.make_rows(_of(pair, request))
    columns = _columns(request.count)
    first, second = (png(sheet(tiles, columns)) for tiles in comparison.fitted(rows))
    wipe(
        (first, second),
        names=(pair[0].name, pair[1].name),
        alts=(_alt(pair[0].title, rows[0], request), _alt(pair[1].title, rows[1], request)),
        width=columns * TILE,
        key="compare.wipe",
        at=state.read("wipe", 50, choices=range(101)),
        on_change=lambda place: state.write(wipe=None if place == 50 else place),
    )
    st.caption(_("Drag the handle, or press the arrow keys once it has the focus."))
    _say_noise(rows)
    _download(rows, f"rows-{request.seed}.png")


def show_difference(chosen: Sequence[Chosen], request: RowsRequest) -> None:
    """Two rows, and the second minus the first."""
    pair = _choose_pair(chosen)
    rows = comparison.make_rows(_of(pair, request))
    values = comparison.difference(*rows)
    share = float(np.abs(values).mean())
    for item, row in zip(pair, rows, strict=True):
        _strip(item.name, row, request)
    first, second = (item.letter.upper() for item in pair)
    tiles = comparison.difference_tiles(values)
    st.markdown(_("**{second} minus {first}**").format(first=first, second=second))
    said = _(
        "Mean absolute difference: {share} of the range from black to white ({levels} of 255 grey levels)."
    ).format(share=f"{share:.1%}", levels=f"{share * 255:.1f}")
    panels.picture(sheet(tiles, request.count), alt=said, width=request.count * TILE)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_("{second} darker").format(second=second), width="content")
        scale = comparison.difference_scale().repeat(12, axis=0)
        panels.picture(scale, alt=_("Colours from blue over light grey to orange"), width=160)
        st.caption(_("{second} brighter").format(second=second), width="content")
    st.markdown(said)
    _say_noise(rows)
    downloads = [
        (_("Difference (PNG)"), partial(png, sheet(tiles, request.count), DOWNLOAD_FACTOR), "difference.png",
         "image/png"),
        _rows_file(rows, f"rows-{request.seed}.png"),
    ]  # fmt: skip
    panels.download_row(downloads, key="compare.difference")


def show_epochs(chosen: Sequence[Chosen], request: RowsRequest) -> None:
    """A row of the first model above a row of the second, for each epoch that both keep."""
    pair = _choose_pair(chosen)
    wanted = REPORT_EPOCHS if _is_report(pair) else ()
    pairs, missing = comparison.epoch_pairs(pair[0].ref, pair[1].ref, wanted)
    names = [library.describe(item.ref).recipe.title for item in pair]
    if not pairs:
        st.info(
            _("These two keep no networks of the same epoch, so there is nothing to set side by side. Snapshot epochs "
              "are a setting of the recipe; start both trainings below to have the same ones."),
            icon=":material/info:",
        )  # fmt: skip
        return
    if missing:
        _say_missing([pair.epoch for pair in pairs], missing)
    if len(pairs) > MOST_EPOCHS:  # evenly spaced, the first and the last among them
        pairs = [pairs[round(index * (len(pairs) - 1) / (MOST_EPOCHS - 1))] for index in range(MOST_EPOCHS)]
    one_training = pairs[0].first == pairs[0].second
    refs = tuple(ref for at in pairs for ref in ((at.first,) if one_training else (at.first, at.second)))
    rows = comparison.make_rows(RowsRequest(refs, request.seed, request.count, request.label))
    left = iter(rows)
    for shown in pairs:
        st.markdown("**" + _("Epoch {epoch}").format(epoch=shown.epoch) + "**")
        for item, name in list(zip(pair, names, strict=True))[: 1 if one_training else 2]:
            _strip(f"{item.letter.upper()} · {_(name)}", next(left), request)
    _say_noise(rows[:2])
    _download(rows, f"epochs-{request.seed}.png")


def _choose_pair(chosen: Sequence[Chosen]) -> tuple[Chosen, Chosen]:
    """The two of up to four models that a view of two shows."""
    if len(chosen) == 2:
        return chosen[0], chosen[1]
    by_letter = {item.letter: item for item in chosen}
    pairs = {f"{a}{b}": (by_letter[a], by_letter[b]) for a in by_letter for b in by_letter if a < b}
    key = state.choice(
        st.segmented_control, _("Which two"), pairs, param="pair",
        label=lambda key: f"{key[0].upper()} – {key[1].upper()}",
    )  # fmt: skip
    return pairs[key]


def _of(pair: tuple[Chosen, Chosen], request: RowsRequest) -> RowsRequest:
    return RowsRequest((pair[0].ref, pair[1].ref), request.seed, request.count, request.label)


def _is_report(pair: tuple[Chosen, Chosen]) -> bool:
    return all(library.describe(item.ref).recipe.report == "R5" for item in pair)


def _strip(title: str, row: Row, request: RowsRequest) -> None:
    """One row of pictures under its model's name."""
    with st.container(gap="xxsmall"):
        st.markdown(panels.literal(title))
        panels.picture(sheet(row.tiles, request.count), alt=_alt(title, row, request), width=request.count * TILE)


def _alt(title: str, row: Row, request: RowsRequest) -> str:
    names = library.describe(row.ref).class_names
    drawn = ", ".join(_(names[label]) for label in row.labels) or _("whatever it draws")
    return _("{count} pictures of {title} from seed {seed}: {drawn}").format(
        count=request.count, title=title, seed=request.seed, drawn=drawn
    )


def _say_noise(rows: Sequence[Row]) -> None:
    """Whether pictures below each other may be compared one by one."""
    if comparison.same_noise(rows):
        said = _("The same noise in every row: pictures below each other start from the same random numbers.")
    else:
        kinds = " · ".join(dict.fromkeys(f"{row.latents.size} × {_(row.latents.distribution)}" for row in rows))
        said = _("The same seed, but not the same noise, since these models read different random numbers ({kinds}): "
                 "compare the rows, not picture by picture.").format(kinds=kinds)  # fmt: skip
    if len({bool(row.labels) for row in rows}) > 1:
        said += " " + _("Rows without a class show whatever their model draws; it cannot be told which.")
    st.caption(said)


def _say_missing(shown: Sequence[int], missing: Sequence[int]) -> None:
    listed, gone = (", ".join(map(str, epochs)) for epochs in (shown, missing))
    st.info(
        _("The report compares epochs {wanted}. Not kept by both trainings: {missing} (a training may have ended "
          "earlier). Shown: {shown}.").format(
            wanted=", ".join(map(str, REPORT_EPOCHS)), missing=gone, shown=listed
        ),
        icon=":material/info:",
    )  # fmt: skip


def _download(rows: Sequence[Row], name: str) -> None:
    panels.download_row([_rows_file(rows, name)], key="compare.rows")


def _rows_file(rows: Sequence[Row], name: str) -> panels.Download:
    """The rows below each other, enlarged once somebody asks for them."""
    return _("Rows (PNG)"), lambda: png(comparison.joined(rows), DOWNLOAD_FACTOR), name, "image/png"


def _columns(count: int) -> int:
    """The divisor of ``count`` that makes the sheet about two and a half times as wide as high."""
    divisors = [columns for columns in range(1, count + 1) if count % columns == 0]
    return min(divisors, key=lambda columns: abs(columns - math.sqrt(2.5 * count)))

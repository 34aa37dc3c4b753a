"""The numbers of the Quality page: every measure beside its floor, and the scoreboard of the classes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from gan_core.data import find_dataset
from gan_core.evaluation import kept as kept_evaluations
from gan_core.evaluation.evaluate import ClassRow, Evaluation
from gan_core.evaluation.inspection import View
from gan_core.evaluation.kept import EvaluationRequest
from gan_core.evaluation.scoreboard import percent, shown
from pages.ui import charts, panels, state
from pages.ui.i18n import N_, _, sentence
from pages.ui.live_plot import live_plot

COUNTS = {"1000": N_("1,000 pictures"), "10000": N_("10,000 pictures")}
# Each takes minutes, so it is asked for by name.
THOROUGH = {"gan_train": N_("GAN-train"), "stacked": N_("Stacked digits")}
BETTER = {"lower": N_("lower is better"), "higher": N_("higher is better")}
HEIGHT = 300


def show(view: View) -> None:
    """What is known of the model; where nothing is, the button that measures it."""
    st.subheader(_("Measures"), anchor="measures")
    request = _ask(view)
    found = kept_evaluations.kept(request)
    if found is None:
        st.markdown(
            _("Not measured yet. {count} generated pictures are compared with as many real ones; this takes a few "
              "seconds for 1,000 and about half a minute for 10,000. What is found is kept.").format(
                count=f"{request.count:,}")
        )  # fmt: skip
        if not st.button(_("Measure"), type="primary", icon=":material/straighten:"):
            return
        found = _measured(request)
    _show_measures(found)
    if found.classes:
        _show_classes(found)


def _ask(view: View) -> EvaluationRequest:
    most = EvaluationRequest(view.ref, view.dataset, int(max(COUNTS, key=int)), view.seed)
    known = kept_evaluations.shipped(most) is not None  # what is there already is what a visitor sees first
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = state.choice(
            st.segmented_control, _("Compared"), COUNTS, param="count", label=lambda name: _(COUNTS[name]),
            default=f"{most.count}" if known else None,
        )  # fmt: skip
        thorough = st.pills(
            _("Also measure (minutes each)"), list(THOROUGH), selection_mode="multi", key="thorough",
            format_func=lambda name: _(THOROUGH[name]), bind="query-params", persist_state="session",
        )  # fmt: skip
    return EvaluationRequest(view.ref, view.dataset, int(count), view.seed, tuple(thorough))


def _measured(request: EvaluationRequest) -> Evaluation:
    """Measure while saying what goes on; leaving the page ends it."""
    with st.status(_("Measuring"), expanded=False) as status:
        found = kept_evaluations.measure(
            request, lambda text, /, **values: status.update(label=sentence(text, values))
        )
        status.update(label=_("Measured in {seconds} s").format(seconds=f"{found.seconds:.0f}"), state="complete")
    return found


def _show_measures(found: Evaluation) -> None:
    heads = [_("Measure"), _("Generated"), _("Real"), ""]
    rows = [
        [_(item.title), f"**{shown(item, item.value)}**", shown(item, item.floor), _(BETTER[item.better])]
        for item in found.measures
    ]
    st.markdown(_table(heads, rows, ":--|--:|--:|:--"))
    extractors = dict.fromkeys(item.extractor for item in found.measures if item.extractor)
    said = _("{count} generated pictures (seed {seed}) against {count} training pictures of {dataset}. “Real”: as many "
             "test pictures in place of the generated ones.").format(
                 count=f"{found.count:,}", seed=found.seed, dataset=_(find_dataset(found.dataset).title))  # fmt: skip
    if extractors:
        said += " " + _("Features: {names}.").format(names=", ".join(extractors))
    st.caption(panels.literal(said))
    for notice in found.notices:
        st.caption(panels.literal(sentence(notice.text, notice.values)))
    with st.expander(_("What they mean"), icon=":material/help:"):
        st.markdown("\n".join(f"- **{_(item.title)}**: {_(item.help)} ({item.source})" for item in found.measures))


def _show_classes(found: Evaluation) -> None:
    """Which classes come out best and worst, and whether the mix is right."""
    st.subheader(_("Class by class"), anchor="classes")
    rated = sorted((row for row in found.classes if row.fidelity is not None), key=_standing, reverse=True)
    if len(rated) > 1:
        st.markdown(
            _("Best: **{best}** ({best_share} look real). Worst: **{worst}** ({worst_share}).").format(
                best=_(rated[0].name), best_share=percent(rated[0].fidelity),
                worst=_(rated[-1].name), worst_share=percent(rated[-1].fidelity),
            )
        )  # fmt: skip
    names = [_(row.name) for row in found.classes]
    mix = {
        _("generated"): [100 * row.share for row in found.classes],
        _("real"): [100 * row.real_share for row in found.classes],
    }
    live_plot(
        charts.paired_bars(names, mix, unit="%"), key="quality.mix", height=HEIGHT,
        alt=_("Share of each class, generated and real."),
    )  # fmt: skip
    st.markdown(_class_table(found.classes))
    st.caption(
        _("Fidelity: share of a class's pictures that lie among real ones of it. Diversity: how much they differ among "
          "themselves; 1.00 is as much as real ones. In brackets: real test pictures.")
    )  # fmt: skip


def _standing(row: ClassRow) -> float:
    return row.fidelity or 0.0


def _class_table(rows: Sequence[ClassRow]) -> str:
    obeyed = any(row.obedience is not None for row in rows)
    heads = [_("Class"), *([_("Read as asked")] if obeyed else []), _("Fidelity"), _("Diversity")]
    lines = [
        [
            _(row.name), *([percent(row.obedience)] if obeyed else []),
            f"{percent(row.fidelity)} ({percent(row.fidelity_floor)})",
            f"{_number(row.diversity)} ({_number(row.diversity_floor)})",
        ]
        for row in sorted(rows, key=_standing, reverse=True)
    ]  # fmt: skip
    return _table(heads, lines, ":--" + "|--:" * (len(heads) - 1))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    lines = [" | ".join(heads), align, *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)

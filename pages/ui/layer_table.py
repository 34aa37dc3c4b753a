"""A network's layers as a table: what each one makes, holds and costs."""

from __future__ import annotations

import streamlit as st

from gan_core.anatomy import Layer, Network
from pages.ui.i18n import _
from pages.ui.network_graph import INPUTS, kind_title, shape_text

MOST_LAYERS, LONGEST = 40, 640  # layers, pixels


def layer_table(network: Network) -> None:
    """One row a layer, and the totals."""
    heads = [
        _("Layer"), _("Sizes"), _("Output"), _("Activation"), _("Parameters"), _("Buffers"), _("Multiply–adds"),
        _("FLOPs"),
    ]  # fmt: skip
    lines = [heads, [":--", ":--", ":--", ":--", "--:", "--:", "--:", "--:"], *map(_row, network.layers)]
    totals = (network.trainable, network.buffers, network.multiply_adds, network.flops)
    lines.append(["**" + _("Total") + "**", "", "", "", *(f"**{total:,}**" for total in totals)])
    # A network with a branch for each class has hundreds of layers: those scroll by themselves.
    with st.container(height=LONGEST if len(network.layers) > MOST_LAYERS else "content", border=False):
        st.markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))
    if any(layer.share < 1 for layer in network.layers):
        st.caption(_("Each picture takes the branch of its own class alone; the total costs are those of one picture."))


def _row(layer: Layer) -> list[str]:
    shape = (shape_text(layer.shape) or "1").replace(" ", "\N{NO-BREAK SPACE}")
    if layer.kind == "input":
        return [_(INPUTS.get(layer.detail, layer.detail)), "", shape, "", "", "", "", ""]
    name = f"{kind_title(layer)} `{layer.name}`" if layer.name else kind_title(layer)
    counts = (layer.trainable, layer.buffers, layer.multiply_adds, layer.flops)
    detail = layer.detail.replace(" ", "\N{NO-BREAK SPACE}")
    return [name, detail, shape, layer.activation, *(f"{count:,}" if count else "–" for count in counts)]

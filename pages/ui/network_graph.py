"""A network as a drawing: one block for each layer, as large as its output, from the inputs down to the answer.

    network_graph(generator, key="g", title=_("Generator"), hue=charts.BLUE)      # on the page, in the page's colours
    svg = draw(layout(generator), title=…, palette=printed(charts.BLUE))          # the same as a file
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from gan_core.anatomy import Layer, Network
from pages.ui.i18n import N_, _

KINDS = {
    "Linear": N_("Dense"),
    "Conv2d": N_("Convolution"),
    "Conv2dSame": N_("Convolution"),
    "ConvTranspose2d": N_("Transposed convolution"),
    "ConvTranspose2dSame": N_("Transposed convolution"),
    "BatchNorm1d": N_("Batch norm"),
    "BatchNorm2d": N_("Batch norm"),
    "LayerNorm": N_("Layer norm"),
    "GroupNorm": N_("Group norm"),
    "MinibatchDiscrimination": N_("Minibatch discrimination"),
    "MinibatchDeviation": N_("Minibatch deviation"),
    "Unflatten": N_("Reshape"),
    "gather": N_("Choice by class"),
    "Dropout": N_("Dropout"),
    "Embedding": N_("Label embedding"),
    "LabelEmbedding": N_("Label embedding"),
    "MaxPool2d": N_("Max pooling"),
    "AvgPool2d": N_("Mean pooling"),
    "PixelShuffle": N_("Pixel shuffle"),
    "view": N_("Reshape"),
    "reshape": N_("Reshape"),
    "flatten": N_("Flatten"),
    "mul": N_("Product"),
    "add": N_("Sum"),
    "cat": N_("Joined"),
}
INPUTS = {"z": N_("Noise z"), "x": N_("Picture x"), "label": N_("Label")}
SIGNS = {"mul": "⊙", "add": "+", "cat": "∥"}
GLYPH, GAP, LINE = 84, 26, 17  # width of a block's column, room for an edge, height of a line of text

_component = st.components.v2.component(
    "gan_network_graph",
    # The style sheet comes after the drawing; until then a style of its own keeps the figure within a phone's page.
    html='<figure style="margin: 0; overflow-x: auto"></figure>',
    css="svg { display: block; margin: 0 auto; max-width: 100%; height: auto }",
    js="export default ({ parentElement, data }) => {"
    " parentElement.querySelector('figure').innerHTML = data.svg; };",
)


@dataclass(frozen=True)
class Palette:
    """CSS colours of a drawing; ``ground`` is empty for a transparent one."""

    ink: str
    faint: str
    line: str
    fill: str
    ground: str = ""
    font: str = "system-ui, 'Segoe UI', 'Noto Sans', 'Noto Sans CJK SC', sans-serif"


@dataclass(frozen=True)
class Cell:
    """A place in the drawing: the layer's position in the network, or None where an edge only passes."""

    layer: int | None
    rank: int
    lane: int


@dataclass(frozen=True)
class Layout:
    """Which row and lane each layer has; ``paths`` are edges as the cells that they touch, in order."""

    network: Network
    cells: tuple[Cell, ...]
    paths: tuple[tuple[Cell, ...], ...]


def network_graph(network: Network, *, key: str, title: str, hue: str) -> None:
    """Draw a network in the colours of the page; `hue` is its own colour."""
    svg = draw(layout(network), title=title, palette=on_page(hue))
    _component(key=key, data={"svg": svg})


def on_page(hue: str) -> Palette:
    """Colours that follow the page's theme."""
    ink = "var(--st-text-color)"
    return Palette(
        ink,
        f"color-mix(in srgb, {ink} 68%, transparent)",
        f"color-mix(in srgb, {hue} 72%, {ink})",
        f"color-mix(in srgb, {hue} 24%, var(--st-background-color))",
        font="var(--st-font)",
    )


def printed(hue: str) -> Palette:
    """Colours of a file that stands alone, on white."""
    red, green, blue = (int(hue[start : start + 2], 16) for start in (1, 3, 5))
    light = "#" + "".join(f"{round(255 - (255 - part) * 0.2):02x}" for part in (red, green, blue))
    return Palette("#23232f", "#5f5f6e", hue, light, "#ffffff")


def layout(network: Network) -> Layout:
    """Rows by distance from the output, so that a branch starts as late as it can; a lane for each branch."""
    layers = network.layers
    depth = [0] * len(layers)
    for position in reversed(range(len(layers))):
        for source in layers[position].inputs:
            depth[source] = max(depth[source], depth[position] + 1)
    last = max(depth)
    read = {source for layer in layers for source in layer.inputs}
    for position, layer in enumerate(layers):
        if layer.kind == "input" and position not in read:  # it steers the pass without being computed with
            depth[position] = last
    edges = [(source, position) for position, layer in enumerate(layers) for source in layer.inputs]
    placed: dict[int, Cell] = {}
    passing: dict[tuple[int, int], list[Cell]] = {edge: [] for edge in edges}
    for row in range(last + 1):
        taken: set[int] = set()
        here = [position for position in range(len(layers)) if depth[position] == row]
        wishes = {
            position: min((placed[end].lane for source, end in edges if source == position), default=0)
            for position in here
        }
        for position, wish in sorted(wishes.items(), key=lambda item: (item[1], item[0])):
            lane = next(lane for lane in itertools.count(wish) if lane not in taken)
            taken.add(lane)
            placed[position] = Cell(position, last - row, lane)
        for edge, cells in passing.items():
            source, end = edge
            if depth[end] < row < depth[source]:
                wish = (cells[-1] if cells else placed[end]).lane
                lane = next(lane for lane in itertools.count(wish) if lane not in taken)
                taken.add(lane)
                cells.append(Cell(None, last - row, lane))
    paths = tuple((placed[edge[0]], *reversed(cells), placed[edge[1]]) for edge, cells in passing.items())
    return Layout(network, tuple(placed[position] for position in range(len(layers))), paths)


def draw(plan: Layout, *, title: str, palette: Palette) -> str:
    """The drawing as SVG text; `title` names it for those who cannot see it, along with its layers in words."""
    network = plan.network
    texts = [words(layer) for layer in network.layers]
    cells = [*plan.cells, *(cell for path in plan.paths for cell in path[1:-1])]
    lanes, ranks = 1 + max(cell.lane for cell in cells), 1 + max(cell.rank for cell in cells)
    widths = [GLYPH // 2] * lanes
    heights = [0.0] * ranks
    for cell, lines in zip(plan.cells, texts, strict=True):
        widths[cell.lane] = max(widths[cell.lane], GLYPH + round(max(map(_text_width, lines))) + 8)
        heights[cell.rank] = max(heights[cell.rank], LINE * len(lines), _extent(network, _layer(plan, cell))[1])
    lefts = [sum(widths[:lane]) for lane in range(lanes)]
    tops = [8 + sum(heights[:rank]) + GAP * rank for rank in range(ranks)]
    middles = {cell: (lefts[cell.lane] + GLYPH / 2, tops[cell.rank] + heights[cell.rank] / 2) for cell in cells}
    body = []
    for path in plan.paths:
        top, bottom = (
            middles[cell][1] + side * _extent(network, _layer(plan, cell))[1] / 2
            for cell, side in ((path[0], 1), (path[-1], -1))
        )
        body.append(_edge([(middles[cell][0], tops[cell.rank] - GAP / 2) for cell in path], top, bottom))
    for cell, lines in zip(plan.cells, texts, strict=True):
        body.append(_block(network, _layer(plan, cell), *middles[cell], lines))
    width, height = sum(widths), tops[-1] + heights[-1] + 8
    alt = escape(alt_text(network, title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}" '
        f'height="{height:.0f}" style="min-width:{0.72 * width:.0f}px" role="img" aria-label="{alt}">'
        f"<style>{_style(palette)}</style>"
        + (f'<rect width="100%" height="100%" fill="{palette.ground}"/>' if palette.ground else "")
        + "".join(body)
        + "</svg>"
    )


def words(layer: Layer) -> list[str]:
    """What is written beside a block: what it is, its output's shape and activation, its parameters."""
    if layer.kind == "input":
        return [_(INPUTS.get(layer.detail, layer.detail)), shape_text(layer.shape) or _("one class")]
    first = f"{kind_title(layer)} {layer.detail.split(',')[0] if ',' in layer.detail else ''}".strip()
    lines = [first, " · ".join(part for part in (shape_text(layer.shape), layer.activation) if part)]
    if layer.trainable:
        lines.append(_("{count} parameters").format(count=f"{layer.trainable:,}"))
    return lines


def kind_title(layer: Layer) -> str:
    """What a kind of layer is called on screen; one without a name here keeps its class name."""
    return _(KINDS.get(layer.kind, layer.kind))


def shape_text(shape: Sequence[int]) -> str:
    """Such as "64 × 14 × 14"; empty for a single number."""
    return " × ".join(str(side) for side in shape)


def alt_text(network: Network, title: str) -> str:
    """The drawing in words."""
    return f"{title}: " + "; ".join(", ".join(words(layer)) for layer in network.layers)


def _layer(plan: Layout, cell: Cell) -> Layer:
    assert cell.layer is not None
    return plan.network.layers[cell.layer]


def _extent(network: Network, layer: Layer) -> tuple[float, float]:
    """Width and height of a layer's block: a bar for a vector, a box for a map, a disc for what joins two."""
    if layer.kind in SIGNS:
        return 22, 22
    if len(layer.shape) == 3:
        widest = max(max(other.shape[1:]) for other in network.layers if len(other.shape) == 3)
        depth = _depth(layer)
        return 10 + 30 * layer.shape[2] / widest + depth, 10 + 30 * layer.shape[1] / widest + depth
    return (14 + 4.3 * math.log2(math.prod(layer.shape)), 14) if layer.shape else (14, 14)


def _depth(layer: Layer) -> float:
    """How far a box reaches back: its channels, by their power of two."""
    return 3 * math.log2(layer.shape[0]) if layer.shape[0] > 1 else 0.0


def _block(network: Network, layer: Layer, x: float, y: float, lines: Sequence[str]) -> str:
    width, height = _extent(network, layer)
    left, top = x - width / 2, y - height / 2
    dashed = " input" if layer.kind == "input" else ""
    if layer.kind in SIGNS:
        shape = (
            f'<circle class="b" cx="{x:.1f}" cy="{y:.1f}" r="11"/>'
            f'<text class="s" x="{x:.1f}" y="{y + 5:.1f}">{SIGNS[layer.kind]}</text>'
        )
    elif len(layer.shape) == 3:
        shape = _box(left, top, width, height, _depth(layer), dashed)
    else:
        shape = (
            f'<rect class="b{dashed}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="3"/>'
        )
    start = y - LINE * (len(lines) - 1) / 2 + 4.5
    text = "".join(
        f'<text class="t{min(row, 1)}" x="{x + GLYPH / 2:.1f}" y="{start + LINE * row:.1f}">{escape(line)}</text>'
        for row, line in enumerate(lines)
    )
    name = f"<title>{escape(layer.name)}</title>" if layer.name else ""
    return f"<g>{name}{shape}{text}</g>"


def _box(left: float, top: float, width: float, height: float, depth: float, dashed: str) -> str:
    """A box seen from its front: the face is a map, the depth its channels."""
    face_width, face_height, front = width - depth, height - depth, top + depth
    right, bottom = left + face_width, front + face_height
    sides = (
        f'<path class="b d" d="M{left:.1f} {front:.1f} l{depth:.1f} {-depth:.1f} h{face_width:.1f} v{face_height:.1f} '
        f'l{-depth:.1f} {depth:.1f} M{right:.1f} {front:.1f} l{depth:.1f} {-depth:.1f}"/>'
        if depth
        else ""
    )
    return sides + (
        f'<rect class="b{dashed}" x="{left:.1f}" y="{front:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - front:.1f}"/>'
    )


def _edge(turns: Sequence[tuple[float, float]], top: float, bottom: float) -> str:
    """A line from `top` to `bottom` with an arrow at its end.

    `turns` are, for each cell on the way, the middle of its lane and the height at which the line may change lanes
    before it: the gaps between rows, which hold nothing else.
    """
    x = turns[0][0]
    steps = [f"M{x:.1f} {top:.1f}"]
    for next_x, height in turns[1:]:
        if next_x != x:
            side = math.copysign(6, next_x - x)
            steps.append(f"V{height - 6:.1f}q0 6 {side:.0f} 6H{next_x - side:.1f}q{side:.0f} 0 {side:.0f} 6")
            x = next_x
    steps.append(f"V{bottom - 3:.1f}")
    return f'<path class="e" d="{"".join(steps)}"/><path class="a" d="M{x - 4:.1f} {bottom - 8:.1f}l4 7l4 -7z"/>'


def _style(palette: Palette) -> str:
    return (
        f"text{{font-family:{palette.font}}}"
        f".t0{{font-size:14px;font-weight:600;fill:{palette.ink}}}"
        f".t1{{font-size:13px;fill:{palette.faint}}}"
        f".s{{font-size:15px;text-anchor:middle;fill:{palette.ink}}}"
        f".b{{fill:{palette.fill};stroke:{palette.line};stroke-width:1.4;stroke-linejoin:round}}"
        f".d{{fill-opacity:.55}}.input{{stroke-dasharray:4 3}}"
        f".e{{fill:none;stroke:{palette.faint};stroke-width:1.3}}.a{{fill:{palette.faint}}}"
    )


def _text_width(line: str) -> float:
    """A generous guess in pixels; Chinese characters are twice as wide."""
    return sum(14.0 if ord(sign) > 0x2E7F else 8.3 for sign in line)

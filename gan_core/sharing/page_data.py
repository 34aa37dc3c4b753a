"""What a shared page tells of a model: facts, classes, curves, sheets, and all its words in Chinese."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gan_core.checkpoints import Bundle, BundleInfo
from gan_core.config import UserError
from gan_core.data import find_dataset
from gan_core.favourites import Favourite
from gan_core.history import History
from gan_core.runs import Run, Sheet
from gan_core.translation import translations

MOST_POINTS = 400  # of a curve
MOST_SHEETS = 60
MOST_SHEET_BYTES = 3 * 2**20

CHARTS: tuple[Mapping[str, Any], ...] = (
    {
        "title": "Losses",
        "series": ({"key": "loss_g", "label": "Generator loss"}, {"key": "loss_d", "label": "Discriminator loss"}),
    },
    {
        "title": "What the discriminator answers",
        "range": (0, 1),
        "series": (
            {"key": "d_real", "label": "D(x), real pictures"},
            {"key": "d_fake", "label": "D(G(z)), generated pictures"},
        ),
    },
)
WORDS = (
    "About this model", "All", "Choose a picture: the walk goes there from the one you chose before.", "Class", "Draw",
    "Epoch", "Epoch {epoch}, step {step}", "Favourites", "First pictures", "From", "Generated pictures",
    "Generated pictures at epoch {epoch}", "How it learned", "Licences", "Moment of the training", "New pictures",
    "Noise is mixed so that each step is as likely as a picture drawn at random.", "Picture {number}",
    "Picture {number}: {name}", "Place on the walk, in percent", "Play", "Save picture", "Save sheet",
    "Save the generator (ONNX)",
    "The generator runs on ONNX Runtime Web, inside this page. Nothing is sent anywhere.",
    "The picture at {place} percent of the walk", "The picture that the walk leaves {name}",
    "The picture that the walk reaches {name}",
    "This browser cannot run the generator; open the page in a current Chrome, Edge, Firefox or Safari.",
    "To", "Trained elsewhere", "Walk from picture to picture", "{steps} steps, {epochs} epochs of {data}",
    "Recipe", "Source", "Latents", "Generator's parameters", "Made with",
    "{size} numbers, normal", "{size} numbers, uniform between −1 and 1",
)  # fmt: skip


def describe(bundle: Bundle, run: Run | None, favourites: Sequence[Favourite], first: int) -> dict[str, Any]:
    """The page's data as JSON values; ``first`` latents of the shipped seed come before those of the favourites."""
    info = bundle.info
    recipe, history = info.recipe, run.history() if run is not None else History()
    sheets = [] if run is None else [sheet for sheet in run.sheets(history) if sheet.step <= info.step]
    described: dict[str, Any] = {
        "name": recipe.name, "title": recipe.title, "summary": recipe.summary, "notes": recipe.notes,
        "trained": recipe.trainable, "dataset": _dataset_title(info), "step": info.step, "epoch": info.epoch,
        "shape": info.image_shape, "range": recipe.generator.pixel_range,
        "classes": info.class_names if recipe.conditional else (),
        "latents": {"size": recipe.latents.size, "distribution": recipe.latents.distribution, "first": first},
        "favourites": [{"name": favourite.name, "label": favourite.label} for favourite in favourites],
        "facts": list(_facts(bundle)), "charts": CHARTS, "curves": _curves(history, info.step),
        "sheets": [_sheet(sheet) for sheet in chosen_sheets(sheets)],
    }  # fmt: skip
    return described | {"chinese": _chinese(described)}


def chosen_sheets(sheets: Sequence[Sheet]) -> list[Sheet]:
    """The first, the last and evenly many between, as far as their number and their size allow."""
    if not sheets:
        return []
    mean = sum(sheet.picture.stat().st_size for sheet in sheets) / len(sheets)
    count = min(MOST_SHEETS, len(sheets), max(2, int(MOST_SHEET_BYTES / mean)))
    places = np.linspace(0, len(sheets) - 1, count).round().astype(int)
    return [sheets[place] for place in dict.fromkeys(places.tolist())]


def thinned(values: Sequence[float | None], most: int = MOST_POINTS) -> list[float | None]:
    """Means of at most ``most`` equal stretches; None where a stretch has no value."""
    if not values:
        return []
    parts = np.array_split(np.array(values, dtype=np.float64), min(most, len(values)))
    means = (float(np.mean(part[~np.isnan(part)])) if (~np.isnan(part)).any() else math.nan for part in parts)
    return [float(f"{mean:.5g}") if math.isfinite(mean) else None for mean in means]


def _curves(history: History, last: int) -> dict[str, list[float | None]]:
    """The charts' columns over "epoch", up to step ``last``."""
    count = sum(1 for step in history.scalars.get("step", ()) if step is not None and step <= last)
    keys = ["epoch", *(series["key"] for chart in CHARTS for series in chart["series"])]
    return {key: thinned(history.scalars.get(key, [])[:count]) for key in keys if key == "epoch" or
            any(value is not None for value in history.scalars.get(key, [])[:count])}  # fmt: skip


def _sheet(sheet: Sheet) -> dict[str, Any]:
    return {"step": sheet.step, "epoch": sheet.epoch, "png": base64.b64encode(sheet.picture.read_bytes()).decode()}


def _facts(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """(name, value), both to be translated."""
    recipe = bundle.info.recipe
    yield "Recipe", recipe.name
    if recipe.source:
        yield "Source", recipe.source
    parameters = sum(parameter.numel() for parameter in bundle.generator.parameters())
    yield "Generator's parameters", f"{parameters:,}"
    kind = "normal" if recipe.latents.distribution == "normal" else "uniform between −1 and 1"
    yield "Latents", f"{recipe.latents.size} numbers, {kind}"
    yield "Made with", "GAN Workbench"


def _dataset_title(info: BundleInfo) -> str:
    try:
        return find_dataset(info.dataset).title
    except UserError:  # a folder of another machine
        return info.dataset.rpartition("/")[2]


def _chinese(described: Mapping[str, Any]) -> dict[str, str]:
    """All that the page may say, by its English text; empty where the catalogue is not at hand."""
    chinese = translations()
    size = described["latents"]["size"]
    texts = [
        *WORDS, *(label for chart in CHARTS for label in (chart["title"], *(one["label"] for one in chart["series"]))),
        described["title"], described["summary"], described["dataset"], *described["notes"], *described["classes"],
        *(value for _name, value in described["facts"]),
    ]  # fmt: skip
    said = {text: chinese.gettext(text) for text in texts if text}
    for kind in ("normal", "uniform between −1 and 1"):
        template = f"{{size}} numbers, {kind}"
        said[template.format(size=size)] = chinese.gettext(template).format(size=size)
    return {text: words for text, words in said.items() if words != text}

"""``python -m docs.update_results``: docs/results.md from weights/manifest.json and weights/evaluations.json."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gan_core.data import find_dataset
from gan_core.evaluation.evaluate import Evaluation, Measure
from gan_core.evaluation.scoreboard import NONE, percent, shown
from gan_core.lab.ablation import JOINED, titles_of
from gan_core.lab.comparisons import open_results, shipped
from gan_core.lab.trials import Results, marks_by_chance, shown_cell, summarise
from gan_core.lab.trials import shown as shown_value
from gan_core.library import manifest
from gan_core.metrics.table import BY_KEY, METRICS
from gan_core.recipes import RECIPES
from weights.measure import evaluations

RESULTS = Path(__file__).resolve().parent / "results.md"
REPORT = "R4"  # the one report that measured what it made
INTRODUCTION = """\
# Results

What the shipped models are worth. Made by `python -m docs.update_results` from `weights/manifest.json` and
`weights/evaluations.json`; `python -m gan_core evaluate NAME --all` measures one of them again.

The row *real test pictures* is the floor: as many real pictures that no model has seen, measured in the model's place.
No generator needs to be better. {count:,} generated pictures of seed {seed} are compared with as many training
pictures; GAN-train uses 20,000, the stacked measures 78,000. Each model was trained once, with the seed in the last
table, so small differences between models mean little. A model of some classes is compared with pictures of these
alone; there are fewer of them, so fewer are compared, and its numbers cannot stand beside the others'.
"""
PUBLISHED = """\
## Published by the report

FID as {report} gives it: Inception-V3 features, 10,000 pictures of each kind. Quoted, not measured here. These numbers
come from other features than those above, so the two cannot be compared.
"""
REMEDIES = """\
## Remedies for `{recipe}`

On {dataset}, {epochs} epochs, {count:,} pictures of each run measured: mean ± standard deviation over the seeds.
▲: each run beats each run without remedy; ▼: each falls behind. If no remedy did anything, about {marks:.1f} of these
marks would still be expected. Made by `{command}`.
"""


def document() -> str:
    """The whole file."""
    kept = {name: Evaluation.from_dict(data) for name, data in evaluations().items()}
    entries = [entry for entry in manifest() if entry["name"] in kept]
    first = next(iter(kept.values()))
    parts = [INTRODUCTION.format(count=first.count, seed=first.seed)]
    for (dataset, classes), chosen in compared(entries, kept).items():
        parts += [f"## {_heading(dataset, classes)}\n", *_measures(chosen), *_classes(chosen)]
    parts += [part for comparison in shipped() for part in remedies(open_results(comparison.ref))]
    parts += ["## How they were trained\n", _trainings(entries), PUBLISHED.format(report=REPORT), _published()]
    return "\n".join(parts)


def compared(
    entries: Sequence[dict[str, Any]], kept: dict[str, Evaluation]
) -> dict[tuple[str, tuple[str, ...]], dict[str, Evaluation]]:
    """The models by data set and classes: measures against other real pictures cannot stand side by side."""
    found: dict[tuple[str, tuple[str, ...]], dict[str, Evaluation]] = {}
    for entry in entries:
        evaluation = kept[entry["name"]]
        classes = tuple(row.name for row in evaluation.classes)
        found.setdefault((entry["dataset"], classes), {})[entry["name"]] = evaluation
    datasets = list(dict.fromkeys(dataset for dataset, _ in found))
    return dict(sorted(found.items(), key=lambda item: datasets.index(item[0][0])))


def _heading(dataset: str, classes: Sequence[str]) -> str:
    source = find_dataset(dataset)
    return source.title if len(classes) == len(source.class_names) else f"{source.title}, {' and '.join(classes)} alone"


def _measures(chosen: dict[str, Evaluation]) -> Iterator[str]:
    """One row a measure, one column a model: there are more measures than a page is wide."""
    rows = []
    for metric in METRICS:
        found = {name: evaluation.find(metric.key) for name, evaluation in chosen.items()}
        known = [measure for measure in found.values() if measure is not None]
        if known:
            floor = next((measure.floor for measure in known if measure.floor is not None), None)
            rows.append([
                metric.title, "↓" if metric.better == "lower" else "↑", shown(known[0], floor),
                *(NONE if measure is None else _emphasised(measure, known) for measure in found.values()),
            ])  # fmt: skip
    extractors = sorted({measure.extractor for item in chosen.values() for measure in item.measures} - {""})
    yield f"Features and classes: {', '.join(extractors)}. Arrows say which way is better; the best model is bold.\n"
    yield _table(["", "", "real test pictures", *(f"`{name}`" for name in chosen)], rows)


def _emphasised(measure: Measure, among: Sequence[Measure]) -> str:
    """In bold where no other of several models looks better; a tie of all is no merit."""
    text = shown(measure, measure.value)
    pick = min if measure.better == "lower" else max
    best = shown(measure, pick(other.value for other in among))
    different = len({shown(other, other.value) for other in among}) > 1
    return f"**{text}**" if different and text == best else text


def _classes(chosen: dict[str, Evaluation]) -> Iterator[str]:
    """Fidelity and diversity of each class; the floors are those of the first model's count, the same for all."""
    first = next(iter(chosen.values()))
    if not first.classes:
        return
    yield "Class by class: fidelity (share of the pictures that look like real ones of the class) / diversity (1 is "
    yield "as varied as real training pictures).\n"
    rows = [
        [row.name, _pair(row.fidelity_floor, row.diversity_floor),
         *(_pair(other.classes[place].fidelity, other.classes[place].diversity) for other in chosen.values())]
        for place, row in enumerate(first.classes)
    ]  # fmt: skip
    yield _table(["class", "real test pictures", *(f"`{name}`" for name in chosen)], rows)


def _pair(fidelity: float | None, diversity: float | None) -> str:
    return f"{percent(fidelity)} / {NONE if diversity is None else f'{diversity:.2f}'}"


def remedies(results: Results) -> Iterator[str]:
    """What each remedy did, as the Lab page shows it."""
    table = summarise(results)
    yield REMEDIES.format(
        recipe=results.recipe, dataset=results.dataset, epochs=results.epochs, count=results.count,
        marks=marks_by_chance(table), command=results.command,
    )  # fmt: skip
    rows = [
        [JOINED.join(titles_of(row.part)), f"{row.measured} of {row.runs}",
         *(shown_cell(key, row.cells.get(key)) for key in table.keys)]
        for row in table.rows
    ]  # fmt: skip
    rows.append(["real test pictures", "", *(shown_value(key, table.floors.get(key)) for key in table.keys)])
    yield _table(["", "runs", *(BY_KEY[key].title for key in table.keys)], rows)


def _trainings(entries: Sequence[dict[str, Any]]) -> str:
    heads = ["model", "recipe", "data", "seed", "epochs", "steps", "time", "hardware", "precision"]
    return _table(heads, [
        [f"`{entry['name']}`", f"`{entry['recipe']}`", entry["dataset"], str(entry["seed"]), _length(entry),
         f"{entry['steps']:,}", f"{entry['seconds'] / 60:.0f} min", entry["hardware"], entry["precision"]]
        for entry in entries
    ])  # fmt: skip


def _length(entry: dict[str, Any]) -> str:
    planned = f" of {entry['planned_epochs']:g}" if entry["planned_epochs"] != entry["epochs"] else ""
    return f"{entry['epochs']:g}{planned}"


def _published() -> str:
    """The numbers stand in the recipes, as what their report says of them."""
    said = {
        recipe.title: {data: value for value, data in re.findall(r"([\d.]+) on ([^,]+)", " ".join(recipe.reported))}
        for recipe in RECIPES if recipe.report == REPORT and recipe.reported
    }  # fmt: skip
    datasets = list(dict.fromkeys(data for row in said.values() for data in row))
    rows = [[title, *(row.get(data, NONE) for data in datasets)] for title, row in said.items()]
    return _table(["", *datasets], rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (heads, ["---"] * len(heads), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    RESULTS.write_text(document(), encoding="utf-8")

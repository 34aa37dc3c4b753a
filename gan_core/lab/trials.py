"""What the runs of an ablation came to: each run's scores, their mean and spread over the seeds, tables and pictures.

    results = results_of(group)             # of the run folders, finished or not; or read_results(path) of a file
    table = summarise(results)
    table.row("batch_norm").cells["coverage"].mean
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gan_core import shelf
from gan_core.config import UserError
from gan_core.evaluation.evaluate import Evaluation
from gan_core.files import read_json
from gan_core.lab.ablation import JOINED, PLAIN, titles_of
from gan_core.metrics.table import BY_KEY
from gan_core.runs import Run

# What a table of an ablation has, as far as it was measured: variety first, for that is what remedies are after.
MEASURES = ("coverage", "classes_covered", "frechet", "precision", "recall", "obedience")
FEWEST_FOR_A_VERDICT = 3  # runs of each side: if chance alone decided, all of one side would win once in 20 times
VERSION = 1


@dataclass(frozen=True)
class Trial:
    """One run: its part and seed, how it stands, and its ``scores`` by the measure's key, none before its end."""

    run: str
    part: str
    seed: int
    state: str
    step: int
    seconds: float
    device: str
    scores: Mapping[str, float] = field(default_factory=dict)
    floors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """All trials of one ablation; ``sheets`` are PNG files by part, of the first seed that has one.

    ``command`` says how to repeat it; empty where it was started on the page.
    """

    recipe: str
    title: str
    dataset: str
    epochs: int
    count: int
    trials: tuple[Trial, ...]
    sheets: Mapping[str, bytes] = field(default_factory=dict)
    command: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The ways that were compared, in order."""
        return tuple(dict.fromkeys(trial.part for trial in self.trials))

    def to_json(self) -> str:
        """The text of a file that :func:`read_results` reads."""
        values = asdict(self) | {"sheets": {part: base64.b64encode(png).decode() for part, png in self.sheets.items()}}
        return json.dumps({"version": VERSION, **values}, ensure_ascii=False, indent=1)


@dataclass(frozen=True)
class Cell:
    """One measure of one part: the mean over its runs, and their standard deviation, None for a single run.

    ``verdict`` is 1 where each of its runs beats each plain run, -1 where each falls behind, 0 where they overlap or
    are too few to tell.
    """

    values: tuple[float, ...]
    verdict: int = 0

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float | None:
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Row:
    """One part: how many of its runs are measured, of how many, and the mean seconds that they trained."""

    part: str
    measured: int
    runs: int
    seconds: float
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Table:
    """``keys`` are the measures that there are, ``floors`` what real pictures score in them."""

    keys: tuple[str, ...]
    floors: Mapping[str, float]
    rows: tuple[Row, ...]

    def row(self, part: str) -> Row:
        return next(row for row in self.rows if row.part == part)


def results_of(group: str, root: Path | None = None) -> Results:
    """The runs of a group as they stand.

    Raises:
        UserError: there are no runs of that group.
    """
    runs = [entry.run if root is None else Run(root / entry.id) for entry in shelf.group_entries(group)]
    runs = [run for run in runs if run.about().part]
    if not runs:
        raise UserError("There is no comparison {group}; its runs were deleted or are elsewhere.", group=repr(group))
    trials, recipe = tuple(map(trial_of, runs)), runs[0].recipe()
    sheets: dict[str, bytes] = {}
    for run, trial in zip(runs, trials, strict=True):
        if trial.scores and trial.part not in sheets and (picture := shelf.newest_sheet(run)):
            sheets[trial.part] = picture
    count = runs[0].about().measured
    return Results(recipe.name, recipe.title, recipe.dataset, recipe.training.epochs, count, trials, sheets)


def trial_of(run: Run) -> Trial:
    """One run as it stands."""
    about, status = run.about(), run.status()
    found = evaluation_of(run)
    measures = [] if found is None else [measure for key in MEASURES if (measure := found.find(key)) is not None]
    return Trial(
        run.id, about.part, run.recipe().training.seed, status.state, status.step, round(status.seconds, 1),
        status.device, {item.key: item.value for item in measures},
        {item.key: item.floor for item in measures if item.floor is not None},
    )  # fmt: skip


def evaluation_of(run: Run) -> Evaluation | None:
    """What was measured at the end of a run; None where nothing was, or its file is damaged."""
    data = read_json(run.evaluation_path)
    try:
        return Evaluation.from_dict(data) if isinstance(data, dict) else None
    except UserError:
        return None


def read_results(path: Path) -> Results:
    """The results that :meth:`Results.to_json` wrote; UserError where the file has none."""
    data = read_json(path)
    if not isinstance(data, dict) or data.pop("version", None) != VERSION:
        raise UserError("{file} holds no results of a comparison.", file=path.name)
    sheets = {part: base64.b64decode(text) for part, text in data.pop("sheets").items()}
    trials = tuple(Trial(**trial) for trial in data.pop("trials"))
    return Results(**data, trials=trials, sheets=sheets)


def summarise(results: Results) -> Table:
    """Mean and spread of each measure over the seeds, part by part."""
    by_part = {part: [trial for trial in results.trials if trial.part == part] for part in results.parts}
    keys = tuple(key for key in MEASURES if any(key in trial.scores for trial in results.trials))
    plain = {key: _values(by_part.get(PLAIN, ()), key) for key in keys}
    floors = {key: value for trial in results.trials for key, value in trial.floors.items()}
    return Table(keys, floors, tuple(_row(part, trials, plain) for part, trials in by_part.items()))


def _row(part: str, trials: Sequence[Trial], plain: Mapping[str, tuple[float, ...]]) -> Row:
    measured = [trial for trial in trials if trial.scores]
    cells = {key: Cell(values, _verdict(key, values, others))
             for key, others in plain.items() if (values := _values(trials, key))}  # fmt: skip
    seconds = statistics.fmean(trial.seconds for trial in measured) if measured else 0.0
    return Row(part, len(measured), len(trials), seconds, cells)


def _values(trials: Sequence[Trial], key: str) -> tuple[float, ...]:
    return tuple(trial.scores[key] for trial in trials if key in trial.scores)


def _verdict(key: str, values: tuple[float, ...], plain: tuple[float, ...]) -> int:
    if min(len(values), len(plain)) < FEWEST_FOR_A_VERDICT:
        return 0
    sign = 1 if BY_KEY[key].better == "higher" else -1
    signed, signed_plain = [sign * value for value in values], [sign * value for value in plain]
    return int(min(signed) > max(signed_plain)) - int(max(signed) < min(signed_plain))


def marks_by_chance(table: Table) -> float:
    """How many verdicts are to be expected if no remedy did anything: 2 of C(n + m, n) orders of a cell are clear."""
    plain = next((row.cells for row in table.rows if row.part == PLAIN), {})
    pairs = [(len(cell.values), len(plain[key].values)) for row in table.rows if row.part != PLAIN
             for key, cell in row.cells.items() if key in plain]  # fmt: skip
    return sum(2 / math.comb(n + m, n) for n, m in pairs if min(n, m) >= FEWEST_FOR_A_VERDICT)


def shown(key: str, value: float | None) -> str:
    """A value of a measure in few characters: shares in percent."""
    if value is None:
        return "–"
    return f"{value:.1%}" if BY_KEY[key].unit == "share" else f"{value:.1f}"


def shown_cell(key: str, cell: Cell | None) -> str:
    """Mean ± spread, with ▲ where each run beats each plain one and ▼ where each falls behind."""
    if cell is None:
        return "–"
    mark = {1: " ▲", -1: " ▼"}.get(cell.verdict, "")
    return shown(key, cell.mean) + ("" if cell.spread is None else f" ± {shown(key, cell.spread)}") + mark


def table_csv(table: Table) -> str:
    """One line a part: mean and standard deviation of each measure, and what real pictures score as the last line."""
    heads = [head for key in table.keys for head in (key, f"{key}_spread")]
    rows: list[list[object]] = []
    for row in table.rows:
        cells = [row.cells.get(key) for key in table.keys]
        numbers = [number for cell in cells for number in ((cell.mean, cell.spread) if cell else ("", ""))]
        rows.append([JOINED.join(titles_of(row.part)), row.measured, round(row.seconds, 1), *map(_short, numbers)])
    floors = [number for key in table.keys for number in (_short(table.floors.get(key)), "")]
    return _csv(["way", "runs", "seconds", *heads], [*rows, ["real pictures", "", "", *floors]])


def trials_csv(results: Results) -> str:
    """One line a run, so that others can do their own statistics."""
    keys = [key for key in MEASURES if any(key in trial.scores for trial in results.trials)]
    return _csv(
        ["run", "way", "seed", "state", "steps", "seconds", "device", *keys],
        [[trial.run, trial.part, trial.seed, trial.state, trial.step, trial.seconds, trial.device,
          *(_short(trial.scores.get(key)) for key in keys)] for trial in results.trials],
    )  # fmt: skip


def _short(value: object) -> object:
    return "" if value is None else float(f"{value:.5g}") if isinstance(value, float) else value


def _csv(heads: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([heads, *rows])
    return text.getvalue()

"""The command line's ``ablate``: a recipe as it is and with each of some remedies, run after run, and the table."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gan_core.config import UserError

if TYPE_CHECKING:  # torch takes seconds to import
    from gan_core.lab.ablation import Plan
    from gan_core.lab.trials import Results, Table
    from gan_core.runs import Run

NAMED = "named"
SUFFIXES = (".csv", ".json")


def ablate(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="The recipe that the remedies are to help.")],
    remedies: Annotated[
        str,
        typer.Option(help=f"Commas between, + joins two; {NAMED} are the six of report R2, all is each that fits."),
    ] = NAMED,
    seeds: Annotated[str, typer.Option(help="Each way is trained once with each of them.")] = "1,2,3",
    epochs: Annotated[int, typer.Option(help="How long each run trains.")] = 20,
    dataset: Annotated[str, typer.Option(help="Another data set than the recipe's own.")] = "",
    count: Annotated[int, typer.Option(help="How many pictures of each finished run are measured.")] = 2000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    group: Annotated[str, typer.Option(help="Go on with the comparison of that name, or give a new one a name.")] = "",
    out: Annotated[Path | None, typer.Option(help="Also write the table (.csv) or everything (.json).")] = None,
) -> None:
    """Compare remedies: train a recipe as it is and with each of them, with several seeds, and print what helped."""
    if out is not None:
        _check_out(out)
    from gan_core.lab.ablation import NAMED as SIX
    from gan_core.lab.ablation import Plan, fitting, new_group, parse_seeds
    from gan_core.lab.trials import results_of, summarise, table_csv
    from gan_core.recipes import find_recipe

    chosen = {NAMED: SIX, "all": fitting(find_recipe(recipe))}.get(remedies) or tuple(remedies.split(","))
    plan = Plan(recipe, chosen, parse_seeds(seeds), epochs, count, dataset)
    group = group or new_group()
    code = _train(plan, group, device)
    if code:
        print(f"Go on with --group {group}.", file=sys.stderr)
        raise typer.Exit(code)
    options = f" --dataset {shlex.quote(dataset)}" if dataset else ""
    results = replace(
        results_of(group),
        command=f"python -m gan_core ablate {recipe} --remedies {','.join(chosen)} --seeds {seeds} --epochs {epochs} "
                f"--count {count}{options}",
    )  # fmt: skip
    table = summarise(results)
    print(as_text(results, table))
    if out is not None:
        out.write_text(table_csv(table) if out.suffix == ".csv" else results.to_json(), encoding="utf-8")
    print(group)


def _check_out(out: Path) -> None:
    """Raise UserError now, rather than when hours of training are over."""
    if out.suffix not in SUFFIXES:
        raise UserError("--out must end in {suffixes}; it is {file}.", suffixes=" or ".join(SUFFIXES), file=out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("The folder {folder} cannot be made ({reason}); check its place.", folder=out.parent,
                        reason=error.strerror) from error  # fmt: skip


def _train(plan: Plan, group: str, device: str) -> int:
    """Every run of the plan that has not ended yet, one after the other; the exit code of the first that did not end.

    A run that diverges is a result like any other.
    """
    from gan_core.devices import faster_precision, pick_device
    from gan_core.fitting import check_fit
    from gan_core.foreground import train_in_foreground
    from gan_core.lab.ablation import settled
    from gan_core.runs import create_run
    from gan_core.shelf import group_entries

    fastest = faster_precision(pick_device(device))
    there: dict[tuple[str, int], Run] = {
        (entry.about.part, entry.run.recipe().training.seed): entry.run for entry in group_entries(group)
    }
    begun = next((run.recipe().training.precision for run in there.values()), fastest)
    arms = settled(plan.arms(), begun)
    for arm in arms:
        check_fit(arm.recipe)
    for number, arm in enumerate(arms, 1):
        run = there.get((arm.part, arm.seed))
        if run is not None and run.recipe() != replace(arm.recipe, dataset=run.recipe().dataset):
            raise UserError("The comparison {group} has other settings; leave out --group.", group=group)
        run = run or create_run(
            arm.recipe, name=arm.title, device=device, group=group, part=arm.part, measured=plan.count
        )
        if run.status().state in ("finished", "diverged"):
            continue
        print(f"{number} of {len(arms)}: {arm.title}, seed {arm.seed}", file=sys.stderr)
        code = train_in_foreground(run)
        if code and run.status().state != "diverged":
            return code
    return 0


def as_text(results: Results, table: Table) -> str:
    """The table for a terminal: mean ± spread, and a mark where all seeds agree that it helps or harms."""
    from gan_core.lab.ablation import JOINED, titles_of
    from gan_core.lab.trials import shown, shown_cell
    from gan_core.metrics.table import BY_KEY

    heads = ["", "runs", *(BY_KEY[key].title for key in table.keys)]
    rows = [
        [JOINED.join(titles_of(row.part)), f"{row.measured}/{row.runs}",
         *(shown_cell(key, row.cells.get(key)) for key in table.keys)]
        for row in table.rows
    ]  # fmt: skip
    rows.append(["real pictures", "", *(shown(key, table.floors.get(key)) for key in table.keys)])
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) if place else cell.ljust(width)
                  for place, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in (heads, *rows)
    ]  # fmt: skip
    about = f"{results.title} on {results.dataset}, {results.epochs} epochs, {results.count} pictures a run"
    return "\n".join([about, "", *lines])

"""``python weights/pack.py RUN_DIR NAME --hardware "…"``: ships a finished or stopped run.

Writes NAME.safetensors (half precision), history/NAME (a run folder to read: thinned curves, sheets, quality,
kept generators) and NAME's entries in manifest.json and evaluations.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from gan_core.checkpoints import load_bundle, save_bundle
from gan_core.files import read_json, write_bytes
from gan_core.recipes import RECIPES, find_recipe
from gan_core.runs import Run
from gan_core.sampling import cycle_labels, draw_latents, generate
from weights.measure import measure

HERE = Path(__file__).resolve().parent
CURVE_POINTS = 600
SHEETS = 60
WORST_MEAN_DIFFERENCE = 0.25  # grey levels of 255, over all pixels, that half precision may cost


def copy_bundle(source: Path, target: Path, *, with_discriminator: bool) -> None:
    """Store a bundle in half precision, once its pictures have proved to agree with the original's."""
    bundle = load_bundle(source)
    discriminator = bundle.discriminator.state_dict() if bundle.discriminator and with_discriminator else None
    target.parent.mkdir(parents=True, exist_ok=True)
    save_bundle(target, bundle.info, bundle.generator.state_dict(), discriminator, dtype=torch.float16)
    before, after = pictures(source, 320), pictures(target, 320)
    difference = (before.float() - after.float()).abs().mean().item()
    if difference > WORST_MEAN_DIFFERENCE:
        raise SystemExit(f"{source}: half precision changes pictures by {difference:.2f} grey levels on average")


def pictures(path: Path, count: int, seed: int = 0) -> torch.Tensor:
    """uint8 (count, C, H, W) of a bundle; classes in turn."""
    bundle = load_bundle(path)
    recipe = bundle.info.recipe
    labels = cycle_labels(count, range(len(bundle.info.class_names))) if recipe.conditional else None
    return generate(
        bundle.generator, draw_latents(recipe.latents, seed, count), labels, recipe.generator.pixel_range
    )


def copy_history(run: Run, target: Path) -> None:
    """The run folder, thinned: enough to draw its curves, scrub its sheets and open its kept generators."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "snapshots").mkdir(parents=True)
    for name in ("recipe.json", "about.json", "status.json"):
        shutil.copyfile(run.path / name, target / name)
    lines = [json.loads(text) for text in run.metrics_path.read_text().splitlines()]
    scalars = thinned([line for line in lines if line["event"] == "scalars"], CURVE_POINTS)
    sheets = [line for line in lines if line["event"] == "snapshot"]
    kept = {line["step"] for line in sheets if run.bundle_path(line["step"]).exists()}
    shown = {line["step"] for line in thinned(sheets, SHEETS)} | kept
    sheets = [line for line in sheets if line["step"] in shown]
    quality = thinned([line for line in lines if line["event"] == "quality"], SHEETS)
    for line in sheets:
        shutil.copyfile(run.sheet_path(line["step"]), Run(target).sheet_path(line["step"]))
    for step in sorted(kept - {0})[:-1]:  # the last one is the bundle itself
        copy_bundle(run.bundle_path(step), Run(target).bundle_path(step), with_discriminator=False)
    order = ("scalars", "snapshot", "quality")  # of a step's lines, as the worker writes them
    merged = sorted([*scalars, *sheets, *quality], key=lambda line: (line["step"], order.index(line["event"])))
    (target / "metrics.jsonl").write_text("".join(json.dumps(rounded(line)) + "\n" for line in merged))


def thinned(lines: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """At most ``most`` lines, evenly spaced, the first and the last among them."""
    if len(lines) <= most:
        return lines
    return [lines[round(index * (len(lines) - 1) / (most - 1))] for index in range(most)]


def rounded(value: Any) -> Any:
    """Floats with six significant digits, everywhere inside."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def place(entry: dict[str, Any]) -> tuple[int, bool, str]:
    """Where a bundle stands in every list: as its recipe among the recipes, the recipe's own data first."""
    recipe = find_recipe(entry["recipe"])
    return RECIPES.index(recipe), entry["dataset"] != recipe.dataset, entry["dataset"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--hardware", required=True, help="processor, cores and what else ran beside")
    parser.add_argument("--command", required=True, help="the command line that repeats the training")
    arguments = parser.parse_args()
    run = Run(arguments.run)
    status, recipe, newest = run.status(), run.recipe(), run.newest_bundle()
    if newest is None:
        raise SystemExit(f"{run.path} keeps no networks")
    target = HERE / f"{arguments.name}.safetensors"
    copy_bundle(newest, target, with_discriminator=True)
    copy_history(run, HERE / "history" / arguments.name)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    obedience = measure(arguments.name, digest).find("obedience")
    entry = {
        "name": arguments.name, "title": recipe.title, "file": target.name,
        "sha256": digest, "recipe": recipe.name, "dataset": recipe.dataset,
        "steps": status.step, "epochs": round(status.epoch, 2), "planned_epochs": round(status.total_epochs, 2),
        "seconds": round(status.seconds), "device": status.device, "hardware": arguments.hardware,
        "torch": torch.__version__, "precision": recipe.training.precision, "seed": recipe.training.seed,
        "command": arguments.command, "metrics": {"label_obedience": obedience.value} if obedience else {},
    }  # fmt: skip
    path = HERE / "manifest.json"
    others = [old for old in (read_json(path) or {"bundles": []})["bundles"] if old["name"] != arguments.name]
    listing = json.dumps({"bundles": sorted([*others, entry], key=place)}, indent=1, ensure_ascii=False) + "\n"
    write_bytes(path, listing.encode())
    print(json.dumps(entry, indent=1))


if __name__ == "__main__":
    main()

"""The command line's ``evaluate``: what a trained generator's pictures are worth."""

from __future__ import annotations

import json as json_format
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gan_core.cli import hub

if TYPE_CHECKING:  # torch takes seconds to import
    from gan_core.datasets.dataset import Report

DOWNLOAD = "download"


def evaluate(
    weights: hub.Weights,
    dataset: Annotated[str, typer.Option(help="Real pictures to compare with; the model's own if left out.")] = "",
    count: Annotated[int, typer.Option(help="How many pictures of each kind.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pictures.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    thorough: Annotated[
        bool, typer.Option("--all", help="Also what takes minutes: GAN-train, stacked digits and FID.")
    ] = False,
    inception: Annotated[
        str, typer.Option(metavar=f"FILE|{DOWNLOAD}", help="Measure FID, with Inception's standard weights.")
    ] = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "cpu",
) -> None:
    """Measure a model's pictures, each number beside what real test pictures score."""
    weights = hub.at_hand(weights)
    from gan_core.devices import pick_device
    from gan_core.evaluation import scoreboard
    from gan_core.evaluation.evaluate import evaluate as measure
    from gan_core.evaluation.thorough import THOROUGH
    from gan_core.library import open_model

    bundle, say = open_model(weights), _progress()
    if inception:
        _use_inception(inception, say)
    chosen = tuple(THOROUGH) if thorough else ("inception",) if inception else ()
    found = measure(
        bundle, dataset or bundle.info.dataset, count=count, seed=seed, thorough=chosen, device=pick_device(device),
        report=say,
    )  # fmt: skip
    say("")
    if json:
        print(json_format.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False, indent=2))
    else:
        print(scoreboard.as_text(found))


def _use_inception(named: str, say: Report) -> None:
    """Make the named weights those of this process, once they have proved to be the right ones."""
    from pathlib import Path

    from gan_core.metrics.inception import download_weights, load_inception

    path = download_weights(say) if named == DOWNLOAD else Path(named)
    load_inception(path)
    os.environ["GAN_INCEPTION"] = str(path)


def _progress() -> Report:
    """Says on a terminal's one line what goes on; elsewhere nothing."""
    terminal = sys.stderr.isatty()

    def say(text: str, /, **values: object) -> None:
        if terminal:
            print(f"\r\x1b[K{text.format(**values)}", end="", file=sys.stderr, flush=True)

    return say

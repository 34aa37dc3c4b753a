"""The command that gives a trained generator away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gan_core.cli.hub import Weights, at_hand


def export(
    weights: Weights,
    to: Annotated[
        Path,
        typer.Option("--to", help="A page (.html), a script with its weights (.zip), a graph (.onnx) or a folder."),
    ],
    owner: Annotated[str, typer.Option(hidden=True, help="Whose favourites a page offers.")] = "",
) -> None:
    """Give a model away: as a page that runs in any browser, as a script with its weights, or as a folder with all."""
    from gan_core.sharing.share import check_target, write_share

    check_target(to)
    write_share(at_hand(weights), to, owner)
    print(to)

"""The command line's `space`: the workbench itself on the Hub."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def space() -> None:
    """The workbench as a Docker Space of the Hugging Face Hub."""


@app.command()
def create(
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The Space; made if it is not there.")],
    private: Annotated[bool, typer.Option("--private", help="Make a new Space visible to you alone.")] = False,
) -> None:
    """Upload the workbench, its code and weights, as a Space, or bring one up to date; prints the Space's page.

    The token is that of HF_TOKEN or of `hf auth login`.
    """
    from gan_core.hub.client import own_token
    from gan_core.hub.space import create_space

    print(create_space(repo, own_token(), private=private).address)

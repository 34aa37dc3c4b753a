"""The command line's dealings with the Hub: pull, push, and models that are named ``hf:owner/name``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

Weights = Annotated[
    str,
    typer.Argument(
        metavar="WEIGHTS",
        help="A bundled name (such as cgan), a run folder, a .safetensors file or hf:owner/name[@revision].",
    ),
]


def pull(
    repo: Annotated[
        str, typer.Argument(metavar="OWNER/NAME[@REVISION]", help="Or OWNER/NAME/FILE.safetensors[@REVISION].")
    ],
) -> None:
    """Load a model from the Hugging Face Hub; the last line printed names it, pinned to its commit."""
    from gan_core.hub.reference import parse_reference

    print(_loaded(str(parse_reference(repo))))


def push(
    weights: Weights,
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository; made if it is not there.")],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository visible to you alone.")] = False,
    message: Annotated[str, typer.Option(help="What this revision is.")] = "",
    license: Annotated[str, typer.Option(help="Of the weights, by the Hub's short name.")] = "mit",
    static: Annotated[
        bool, typer.Option("--static", help="As a free static Space instead: a page that draws in any browser.")
    ] = False,
) -> None:
    """Publish a model on the Hugging Face Hub; the last line printed names it, pinned to its commit.

    With --static it becomes a Space, and the one line printed is its address. The token is that of HF_TOKEN or of
    `hf auth login`.
    """
    from gan_core.hub.client import own_token

    if static:
        from gan_core.sharing.share import publish_page

        print(publish_page(
            at_hand(weights), repo, own_token(), private=private, message=message, license=license
        ).address)  # fmt: skip
        return
    from gan_core.hub.publish import publish

    made = publish(at_hand(weights), repo, own_token(), private=private, message=message, license=license)
    print(made.address)
    print(made.reference)


def at_hand(weights: str) -> str:
    """The reference of a model that is on this machine: one of the Hub is loaded first, unless it was before."""
    from gan_core.hub.download import cached
    from gan_core.hub.reference import is_hub, parse_reference

    if not is_hub(weights):
        return weights
    there = cached(parse_reference(weights))
    return _loaded(weights) if there is None else str(there[0])


def _loaded(ref: str) -> str:
    """The pinned reference of a model once it is loaded and proved to be one; the progress goes to stderr."""
    from tqdm import tqdm

    from gan_core.hub.client import own_token
    from gan_core.hub.download import pull as pull_model
    from gan_core.hub.reference import parse_reference

    with tqdm(unit="B", unit_scale=True, desc=ref, file=sys.stderr, disable=not sys.stderr.isatty()) as bar:

        def report(loaded: int, size: int) -> None:
            bar.total = size
            bar.update(loaded - bar.n)

        pinned = pull_model(parse_reference(ref), own_token(), report)
    from gan_core.hub.register import remember
    from gan_core.library import open_model

    open_model(str(pinned))
    remember(pinned)
    return str(pinned)

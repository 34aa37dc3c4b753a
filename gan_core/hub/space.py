"""The whole workbench as a Docker Space: its code and weights, and the page that tells the Hub how to run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gan_core.config import UserError
from gan_core.hub.publish import Published, upload_files
from gan_core.shipped import WEIGHTS_DIR

ROOT = WEIGHTS_DIR.parent
# What runs, as .dockerignore has it too, and what builds it; no runs, data, tests or documents.
PARTS = (".streamlit", "app.py", "gan_core", "LICENSE", "locale", "pages", "requirements.txt", "weights")
LEFT_OUT = (".pyc", ".part", ".tmp")
SECRETS = "secrets.toml"  # Streamlit's, in .streamlit
BUILD = ("Dockerfile", ".dockerignore")
PORT = 8501

# The README of the Space, not of the project: what stands above its text is for the Hub alone, and other hosts would
# show it as a table at the top.
_PAGE = """\
---
title: GAN Workbench
emoji: 🧩
colorFrom: indigo
colorTo: purple
sdk: docker
app_port: {port}
license: mit
short_description: Train a small GAN and watch it learn
hf_oauth: true
hf_oauth_scopes:
- contribute-repos
---

# GAN Workbench

Train small GANs on pictures of digits, watch them learn, and explore what they learned. Trained models come along, so
the first page draws at once.

This server is shared: one training runs at a time, others wait in a queue that shows each visitor's place, and what
nobody watches is stopped. The variables `GAN_HOSTED_…` in the Space's settings change the limits; without persistent
storage, runs are gone when the Space restarts. Signing in is needed only to publish a model, and lets the app write to
repositories that it made itself, to no others.
"""


def create_space(repo: str, token: str | None, *, private: bool = False) -> Published:
    """Put the workbench on the Hub as a Docker Space; the same command again brings it up to date.

    Files of the app that the project has no more are removed there; others that the Space holds stay.

    Args:
        repo: "owner/name"; made if it is not there.
        token: whose; it must be allowed to write.

    Raises:
        UserError: this copy lacks the app's files, there is no token, or the Hub cannot be reached or refuses.
    """
    files = space_files()
    return upload_files(
        repo, files, token=token, repo_type="space", space_sdk="docker", private=private, message="Bring up to date",
        ours=lambda name: name.partition("/")[0] in (*PARTS, *BUILD),
    )  # fmt: skip


def space_files(root: Path = ROOT) -> dict[str, bytes]:
    """Every file of the Space by its path there; UserError where the app is not beside gan_core."""
    for name in (*PARTS, *BUILD):
        if not (root / name).exists():
            raise UserError("A Space is made from the project's own folder; {name} is not here.", name=name)
    paths = [path for name in (*PARTS, *BUILD) for path in _of(root / name)]
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    return {**files, "README.md": _PAGE.format(port=PORT).encode()}


def _of(path: Path) -> Iterator[Path]:
    """The files that a part of the app consists of, but for what Python compiled, what is half written, and secrets."""
    if path.is_file():
        yield path
    for found in sorted(path.rglob("*")) if path.is_dir() else ():
        compiled = "__pycache__" in found.parts
        if found.is_file() and not compiled and found.suffix not in LEFT_OUT and found.name != SECRETS:
            yield found

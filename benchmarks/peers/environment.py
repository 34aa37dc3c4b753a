"""The environment of a program that somebody else starts: how torch's threads wait is left to torch."""

from __future__ import annotations

import os

from gan_core.openmp import NAMES


def untouched() -> dict[str, str]:
    """This process' environment without what the workbench adds to it."""
    return {name: value for name, value in os.environ.items() if name not in NAMES}

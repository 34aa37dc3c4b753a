"""Whether this server is shared with strangers, who then get limits and no look at its files."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, fields
from functools import cache

from gan_core.config import setting

log = logging.getLogger(__name__)

WORKER_NICENESS = 10  # a training's, beside which the pages stay quick; where nobody looks it costs nothing


@dataclass(frozen=True)
class Limits:
    """What each visitor of a shared server may use; GAN_HOSTED_ and a field's name in capitals change it."""

    epochs: int = setting(30, title="Epochs", help="The most epochs of a training.", minimum=1)
    minutes: int = setting(30, title="Minutes", help="How long a training may take, pauses included.", minimum=1)
    side: int = setting(96, title="Pixels", help="The longer side of the pictures that a training draws.", minimum=8)
    runs: int = setting(2, title="Runs", help="How many runs of one visitor may train or wait at once.", minimum=1)
    unwatched_minutes: int = setting(
        10, title="Minutes unwatched", help="After so long without a viewer a training stops.", minimum=1
    )
    keep_days: int = setting(7, title="Days", help="How long a run or an upload is kept after its last use.", minimum=1)
    upload_mb: int = setting(200, title="Upload", help="The largest file to upload, in MB.", minimum=1)
    storage_gb: int = setting(
        10, title="Storage", help="What all runs and uploads may take, in GB; the oldest go first.", minimum=1
    )


def hosted() -> bool:
    """GAN_HOSTED=1, or a hosted Space, which says so itself by SPACE_ID."""
    return os.environ.get("GAN_HOSTED", "1" if os.environ.get("SPACE_ID") else "0") not in ("", "0")


def limits() -> Limits | None:
    """What a visitor may use; None on a server of one's own."""
    if not hosted():
        return None
    values = {}
    for field in fields(Limits):
        variable, least = f"GAN_HOSTED_{field.name.upper()}", int(field.metadata["setting"].minimum)
        values[field.name] = _whole(variable, os.environ.get(variable, ""), least, getattr(Limits, field.name))
    return Limits(**values)


@cache
def _whole(variable: str, text: str, least: int, default: int) -> int:
    """The number in ``text``; what is none is told to the log, once, and the default holds: a limit must never fail."""
    if text.isdecimal() and int(text) >= least:
        return int(text)
    if text:
        log.error("%s must be a whole number of at least %d; it is %r, so %d holds", variable, least, text, default)
    return default


def threads() -> int:
    """How many threads the pages may use: what the environment says, or one for each core that is ours."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    if text.isdecimal() and int(text) > 0:
        return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_threads() -> int:
    """How many a training may use beside them: one is left to the pages."""
    return max(1, threads() - 1)

"""Ends what the limits of a shared server end, says why, and tidies its disk; idle on a server of one's own."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gan_core import guests
from gan_core.config import UserError
from gan_core.guests import Reason
from gan_core.hosting import hosted
from gan_core.runs import Run

LOOK_SECONDS = 1.0
TIDY_SECONDS = 300.0

log = logging.getLogger(__name__)


class Warden:
    """Looks after one runs folder, for the supervisor that owns it; ``now`` is in seconds since 1970 everywhere."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._since: dict[str, float] = {}
        self._reasons: dict[str, Reason] = {}
        self._look_due = self._tidy_due = 0.0

    def look(self, runs: Iterable[Run], now: float | None = None) -> None:
        """Stop those of the running ``runs`` whose time is up or that nobody watches; tidy up now and then."""
        now = time.time() if now is None else now
        if not hosted() or now < self._look_due:
            return
        self._look_due = now + LOOK_SECONDS
        for run in runs:
            since = self._since.setdefault(run.id, now)
            if run.id not in self._reasons and (reason := guests.over(run, since, now)):
                self._reasons[run.id] = reason
                run.set_command("stop")
        if now >= self._tidy_due:
            self._tidy_due = now + TIDY_SECONDS
            if gone := guests.tidy(self.root, now):
                log.info("removed to keep within the limits: %s", ", ".join(gone))

    def admits(self, run: Run, now: float | None = None) -> bool:
        """Whether a waiting run whose turn it is may start; it is stopped where its visitor has left."""
        reason = guests.abandoned(run, time.time() if now is None else now)
        if reason is not None:
            run.set_status(replace(run.status(), state="stopped").saying(reason.text, **reason.values))
        return reason is None

    def ended(self, run: Run) -> None:
        """Say why a run was stopped, once its process is over."""
        self._since.pop(run.id, None)
        reason = self._reasons.pop(run.id, None)
        # A run that was resumed meanwhile waits again and says so itself.
        if reason is not None and run.exists() and run.status().state == "stopped":
            with contextlib.suppress(UserError):
                run.set_status(run.status().saying(reason.text, **reason.values))

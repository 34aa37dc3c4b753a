"""How torch's threads wait for one another on a CPU; needs no torch, since it is settled when torch loads."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gan_core import contention

# A small network's step has hundreds of operations of some 20 µs that are shared by all threads. A thread that sleeps
# between two of them takes longer to wake up than its share takes; one that never sleeps takes the processor from
# whatever else wants it. So it looks for its next share for about 20 µs and then sleeps; for 2 ms where it is watched
# (`contention`), so that it sleeps at once while others want the processor. The first variable is for every OpenMP, the
# second, which overrules it, for GNU's.
_BRIEF: Mapping[str, str] = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}
_WATCHED: Mapping[str, str] = {**_BRIEF, "GOMP_SPINCOUNT": "100000"}
NAMES = frozenset(_BRIEF)
_CHOSEN = {name: os.environ[name] for name in NAMES if name in os.environ}  # by the user, before anything is settled


def environment(*, watched: bool) -> Mapping[str, str]:
    """The variables of a process, whose threads `contention.watching` looks after or not; what the user chose stays."""
    return {**(_WATCHED if watched and contention.can_be_seen() else _BRIEF), **_CHOSEN}


def settle(*, watched: bool) -> None:
    """Let this process' threads wait so, and those of processes that it starts; before torch loads."""
    os.environ.update(environment(watched=watched))

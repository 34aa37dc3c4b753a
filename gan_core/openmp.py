"""How torch's threads wait for one another on a CPU; needs no torch, since it is settled when torch loads."""

from __future__ import annotations

import os
from collections.abc import Mapping

# A small network's step has hundreds of operations of some 20 µs that are shared by all threads. A thread that sleeps
# between two of them takes longer to wake up than its share takes; one that never sleeps takes the processor from
# whatever else wants it. So it looks for its next share for about 20 µs and then sleeps. The first variable is for
# every OpenMP, the second, which overrules it, for GNU's.
WAITING: Mapping[str, str] = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}


def wait_briefly() -> None:
    """Let this process' threads wait so, and those of processes that it starts; what the user chose stays."""
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)

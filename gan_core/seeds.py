"""Independent streams of random numbers from one seed."""

from __future__ import annotations

import hashlib


def stream_seed(seed: int, stream: str) -> int:
    """A seed in [0, 2^63) for the named ``stream`` of a run or a picture of that ``seed``."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{stream}".encode()).digest()[:8], "big") >> 1

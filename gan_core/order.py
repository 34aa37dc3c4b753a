"""In which order an epoch shows its pictures: a table drawn at once, or a permutation that answers for any place alone.

A table takes 8 bytes a picture, so it is for sets of few pictures. For more, a place is split into a row and a column
of a near-square, and by turns each is moved round by an amount that a hash of the other gives: a Feistel network whose
halves need be no powers of two (Black and Rogaway 2002). Each turn can be undone, so no two places meet. The square has
a few places too many; whoever lands on one goes through the network again until he is inside.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

TURNS = 8  # four are as good as random where the hash is (Luby and Rackoff 1988); this one is only fast
Words = npt.NDArray[np.uint64]


def table(count: int, seed: int) -> Tensor:
    """All of ``range(count)`` in a random order, int64 (count,)."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def scattered(places: range, count: int, seed: int) -> Tensor:
    """What stands at ``places`` of a random order of ``range(count)``, int64 (len(places),); no more is worked out."""
    columns = math.isqrt(count - 1) + 1
    rows = -(-count // columns)
    # The first numbers of SplitMix64 (Steele et al. 2014), which a hash of equal steps is.
    keys = _hash(np.arange(1, TURNS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed))
    found = _moved(np.arange(places.start, places.stop, places.step, dtype=np.uint64), rows, columns, keys)
    while (outside := found >= count).any():
        found[outside] = _moved(found[outside], rows, columns, keys)
    return torch.from_numpy(found.astype(np.int64))


def _moved(places: Words, rows: int, columns: int, keys: Words) -> Words:
    """Once through the network: a permutation of ``range(rows * columns)``."""
    row, column = places // np.uint64(columns), places % np.uint64(columns)
    for row_key, column_key in keys.reshape(-1, 2):
        row = (row + _hash(column ^ row_key) % np.uint64(rows)) % np.uint64(rows)
        column = (column + _hash(row ^ column_key) % np.uint64(columns)) % np.uint64(columns)
    return row * np.uint64(columns) + column


def _hash(words: Words) -> Words:
    """SplitMix64's mixing of 64 bits, in arithmetic modulo 2^64."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))

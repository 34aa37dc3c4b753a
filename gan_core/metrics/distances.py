"""Distances between two sets of vectors, a block of rows at a time, so that 10,000 × 10,000 fit into the memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK_ELEMENTS = 10_000_000  # of one block; 80 MB as float64


def distance_blocks(
    rows: Tensor, columns: Tensor, dtype: torch.dtype = torch.float64
) -> Iterator[tuple[slice, Tensor]]:
    """(which rows, their Euclidean distances (B, M) to all columns) for rows (N, F) and columns (M, F)."""
    rows, columns = rows.to(dtype), columns.to(dtype)
    centre = columns.mean(0)  # distances do not change, and a common offset costs no digits
    rows, columns = rows - centre, columns - centre
    lengths = columns.square().sum(1)
    size = block_size(columns.shape[0])
    for start in range(0, rows.shape[0], size):
        part = rows[start : start + size]
        squares = torch.addmm(lengths, part, columns.T, alpha=-2).add_(part.square().sum(1, keepdim=True))
        yield slice(start, start + part.shape[0]), squares.clamp_min_(0).sqrt_()


def block_size(columns: int) -> int:
    """How many rows of that many columns make one block."""
    return max(1, BLOCK_ELEMENTS // max(columns, 1))

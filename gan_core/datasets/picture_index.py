"""What a finished journal of prepared pictures comes to, kept beside it so that opening takes no time and no memory.

``labels.i16`` holds each picture's class and is mapped as the pictures are; ``index.json`` holds the rest. Both follow
from the journal. Where they are missing, or are of another journal, they are made from it; where the folder can only be
read, that happens at each start, and the labels are held in memory.
"""

from __future__ import annotations

import json
import warnings
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gan_core.config import UserError
from gan_core.files import read_json, write_bytes

INDEX, LABELS = "index.json", "labels.i16"  # 16 bits are enough: pictures have at most 1,000 classes


@dataclass(frozen=True)
class Index:
    """A journal's first line, the class of each picture as int16 (N,), how many were left out, and one of those."""

    head: dict[str, Any]
    labels: Tensor
    skipped: int
    example: str


def read_index(journal: Path, version: int) -> Index | None:
    """What a journal of that version comes to; None where it is not finished."""
    index = _read_kept(journal) or _make(journal)
    return index if index is not None and index.head.get("version") == version else None


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole JSON lines of a journal, up to the first that is not."""
    try:
        with path.open(encoding="utf-8") as journal:
            for text in journal:
                line = json.loads(text) if text.endswith("\n") else None
                if not isinstance(line, dict):
                    return
                yield line
    except (OSError, ValueError):
        return


def map_file(path: Path, kind: npt.DTypeLike, shape: tuple[int, ...]) -> Tensor:
    """A file as a tensor that nobody may write to."""
    with warnings.catch_warnings():
        # Torch warns that it cannot be written to. Nobody does, and a mapping that could be written would count against
        # the memory, however large the file.
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.memmap(path, kind, "r", shape=shape))


def mark(path: Path) -> dict[str, int]:
    """What changes when a file does."""
    status = path.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "inode": status.st_ino}


def forget_index(folder: Path) -> None:
    """Remove the files, never cut them: another process may have the labels mapped."""
    for name in (INDEX, LABELS):
        (folder / name).unlink(missing_ok=True)


def _make(journal: Path) -> Index | None:
    """From the journal, and kept where that can be; None where it is not finished."""
    try:
        seen = mark(journal)  # before it is read: should another take its place, this is not the other's index
        made = _of_journal(journal)
        if made is None:
            return None
        # Labels first, and for certain: the index stands for them.
        write_bytes(journal.parent / LABELS, made.labels.numpy().tobytes(), durable=True)
        kept = {"marks": [seen, mark(journal.parent / LABELS)], "head": made.head, "pictures": len(made.labels),
                "skipped": made.skipped, "example": made.example}  # fmt: skip
        write_bytes(journal.parent / INDEX, json.dumps(kept).encode())  # in ASCII: names of files may be no valid text
    except OSError:  # there is no journal
        return None
    except UserError:  # a folder that can only be read
        return made
    return _read_kept(journal) or made


def _of_journal(journal: Path) -> Index | None:
    """From its lines, one after another: those of 10 million pictures would take 100 MB."""
    lines = read_lines(journal)
    head, labels, skipped, example = next(lines, {}), array("h"), 0, ""
    for line in lines:
        if line.get("finished"):
            return Index(head, torch.from_numpy(np.array(labels, np.int16)), skipped, example)
        labels.extend(line["labels"])
        example = example or next(iter(line["skipped"]), "")
        skipped += len(line["skipped"])
    return None


def _read_kept(journal: Path) -> Index | None:
    """The index as it was kept, where it belongs to the journal as it is now."""
    kept = read_json(journal.parent / INDEX)
    try:
        labels = journal.parent / LABELS
        if not isinstance(kept, dict) or kept["marks"] != [mark(journal), mark(labels)]:
            return None
        return Index(kept["head"], map_file(labels, np.int16, (kept["pictures"],)), kept["skipped"], kept["example"])
    except (OSError, ValueError, KeyError):
        return None

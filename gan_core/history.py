"""The fold that turns what a run wrote, line by line, into curves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class History:
    """Curves of a run and what is known of its sheets, as parallel lists.

    ``scalars`` holds "step", "epoch" and "seconds" beside every measured name; a value that a line lacks is None.
    ``snapshots`` are the lines that describe picture sheets, in order.
    """

    scalars: dict[str, list[float | None]] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    offset: int = 0
    inode: int = 0

    def __len__(self) -> int:
        return len(self.scalars.get("step", ()))

    def add(self, line: Mapping[str, Any]) -> None:
        """Take in one line of metrics.jsonl."""
        if line.get("event") == "snapshot":
            self.snapshots.append(dict(line))
        elif line.get("event") == "scalars":
            length = len(self)
            values = {key: line[key] for key in ("step", "epoch", "seconds") if key in line} | line["values"]
            for name in values.keys() - self.scalars.keys():
                self.scalars[name] = [None] * length
            for name, column in self.scalars.items():
                column.append(values.get(name))

    def read(self, path: Path) -> History:
        """Take in the lines that were appended since the last call; a truncated last line waits for its rest."""
        try:
            inode = path.stat().st_ino
            if inode != self.inode:  # a resumed run put back a file that ends at its checkpoint
                self.scalars, self.snapshots, self.offset, self.inode = {}, [], 0, inode
            with path.open("rb") as stream:
                stream.seek(self.offset)
                data = stream.read()
        except OSError:
            return self
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        for line in parse_lines(whole):
            self.add(line)
        return self


def parse_lines(data: bytes) -> Iterable[dict[str, Any]]:
    """The JSON objects in lines of ``data``; a line that is none is passed over."""
    for text in data.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line


def read_history(path: Path) -> History:
    """All of a metrics.jsonl file; empty where there is none."""
    return History().read(path)

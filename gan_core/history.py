"""The fold that turns what a run wrote, line by line, into curves."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gan_core.events import Quality

REMEMBERED = 64

_lock = threading.Lock()
_read: OrderedDict[Path, History] = OrderedDict()


@dataclass
class History:
    """Curves of a run and what is known of its sheets, as parallel lists.

    ``scalars`` holds "step", "epoch" and "seconds" beside every measured name; a value that a line lacks is None.
    ``snapshots`` are the lines that describe picture sheets, in order, and ``quality`` is what was measured of the
    pictures, where it was; runs of older versions have none.
    """

    scalars: dict[str, list[float | None]] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    quality: list[Quality] = field(default_factory=list)
    offset: int = 0
    inode: int = 0

    def __len__(self) -> int:
        return len(self.scalars.get("step", ()))

    def add(self, line: Mapping[str, Any]) -> None:
        """Take in one line of metrics.jsonl."""
        if line.get("event") == "snapshot":
            if self.snapshots and self.snapshots[-1]["step"] == line["step"]:
                self.snapshots.pop()  # a run that was stopped at the end of an epoch says it once more
            self.snapshots.append(dict(line))
        elif line.get("event") == "quality":
            if self.quality and self.quality[-1].step == line["step"]:
                self.quality.pop()
            self.quality.append(_quality(line))
        elif line.get("event") == "scalars":
            length = len(self)
            values = {key: line[key] for key in ("step", "epoch", "seconds") if key in line} | line["values"]
            for name in values:
                self.scalars.setdefault(name, [None] * length)
            for name, column in self.scalars.items():
                column.append(values.get(name))

    def read(self, path: Path) -> History:
        """Take in the lines that were appended since the last call; a truncated last line waits for its rest."""
        try:
            with path.open("rb") as stream:
                found = os.fstat(stream.fileno())
                # A resumed run puts back a file that ends at its checkpoint.
                if found.st_ino != self.inode or found.st_size < self.offset:
                    self._forget(found.st_ino)
                stream.seek(self.offset)
                data = stream.read()
        except FileNotFoundError:
            self._forget(0)
            return self
        except OSError:
            return self
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        for line in parse_lines(whole):
            self.add(line)
        return self

    def copy(self) -> History:
        """The same curves and lines in lists of their own."""
        scalars = {name: list(column) for name, column in self.scalars.items()}
        return History(scalars, list(self.snapshots), list(self.quality), self.offset, self.inode)

    def _forget(self, inode: int) -> None:
        """Begin again, with the file of that number."""
        self.scalars, self.snapshots, self.quality, self.offset, self.inode = {}, [], [], 0, inode

    def csv(self) -> str:
        """All curves as a table for spreadsheets: one column a name, one row a point; not measured is empty."""
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(self.scalars)
        writer.writerows(zip(*self.scalars.values(), strict=True))
        return table.getvalue()


def _quality(line: Mapping[str, Any]) -> Quality:
    """What a line says; what a newer version says beyond it is passed over."""
    known = {item.name: line[item.name] for item in fields(Quality) if item.name in line}
    return Quality(**known | {name: tuple(known[name]) for name in ("classes", "real") if name in known})


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
    """All of a metrics.jsonl file; empty where there is none.

    The last files read are remembered, so that asking each second costs no more than the new lines.
    """
    key = path.resolve()
    with _lock:
        history = _read.setdefault(key, History())
        _read.move_to_end(key)
        while len(_read) > REMEMBERED:
            _read.popitem(last=False)
        # A copy: another thread may read on while the caller still looks at this one.
        return history.read(path).copy()

"""The fold that turns what a run wrote, line by line, into curves."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from gan_core.events import Quality

REMEMBERED = 64
MOST_POINTS = 4096  # several times what a chart draws; beyond it neighbours become one, so that no run is too long
BLOCK_BYTES = 2**20
PLACE = ("step", "epoch", "seconds")

_lock = threading.Lock()
_read: OrderedDict[Path, History] = OrderedDict()


@dataclass
class History:
    """Curves of a run and what is known of its sheets, as parallel lists.

    ``scalars`` holds "step", "epoch" and "seconds" beside every measured name; a value that a line lacks is None.
    With ``most`` lines, an even number, two neighbours become one point: their mean, as the run would have written it
    with twice as many steps to a point, at the place of the later one. From then on a point takes twice as many lines.
    ``snapshots`` are the lines that describe picture sheets, in order, and ``quality`` is what was measured of the
    pictures, where it was; runs of older versions have none.
    """

    scalars: dict[str, list[float | None]] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    quality: list[Quality] = field(default_factory=list)
    offset: int = 0
    inode: int = 0
    most: int | None = MOST_POINTS
    lines_per_point: int = 1
    _lines: int = 0  # in the newest point, and their sums and numbers by name
    _sums: dict[str, tuple[float, int]] = field(default_factory=dict)

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
            self._add_scalars({key: line[key] for key in PLACE if key in line}, line["values"])

    def _add_scalars(self, place: Mapping[str, float], values: Mapping[str, float | None]) -> None:
        """Take a line into the newest point, or begin another."""
        length = len(self)
        if self._lines == self.lines_per_point and length == self.most:
            self._halve()
            length = len(self)
        if self._lines == self.lines_per_point or not length:
            for column in self.scalars.values():
                column.append(None)
            self._lines, self._sums, length = 0, {}, length + 1
        for name in (*place, *values):
            self.scalars.setdefault(name, [None] * length)
        self._lines += 1
        for name, number in place.items():
            self.scalars[name][-1] = number
        for name, value in values.items():
            if value is not None:
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + value, count + 1
                self.scalars[name][-1] = value if not count else (total + value) / (count + 1)

    def _halve(self) -> None:
        """Make one point of two neighbours."""
        for name, column in self.scalars.items():
            pairs = zip(column[::2], column[1::2], strict=True)
            self.scalars[name] = [pair[1] if name in PLACE else _mean(*pair) for pair in pairs]
        self.lines_per_point *= 2
        self._lines = self.lines_per_point

    def read(self, path: Path) -> History:
        """Take in the lines that were appended since the last call; a truncated last line waits for its rest."""
        try:
            with path.open("rb") as stream:
                found = os.fstat(stream.fileno())
                # A resumed run puts back a file that ends at its checkpoint.
                if found.st_ino != self.inode or found.st_size < self.offset:
                    self._forget(found.st_ino)
                stream.seek(self.offset)
                rest = b""
                while block := stream.read(BLOCK_BYTES):
                    data = rest + block
                    end = data.rfind(b"\n") + 1
                    rest, self.offset = data[end:], self.offset + end
                    for line in parse_lines(data[:end]):
                        self.add(line)
        except FileNotFoundError:
            self._forget(0)
        except OSError:
            pass
        return self

    def copy(self) -> History:
        """The same curves and lines in lists of their own."""
        scalars = {name: list(column) for name, column in self.scalars.items()}
        return replace(
            self, scalars=scalars, snapshots=list(self.snapshots), quality=list(self.quality), _sums=dict(self._sums)
        )

    def _forget(self, inode: int) -> None:
        """Begin again, with the file of that number."""
        vars(self).update(vars(History(inode=inode, most=self.most)))

    def csv(self) -> str:
        """The curves as a table for spreadsheets: one column a name, one row a point; not measured is empty."""
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(self.scalars)
        writer.writerows(zip(*self.scalars.values(), strict=True))
        return table.getvalue()


def _mean(one: float | None, other: float | None) -> float | None:
    """Of those that were measured; what is not finite stays so."""
    if one is None or other is None:
        return one if other is None else other
    return (one + other) / 2


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

"""What a benchmark leaves behind: a JSON file, and its section of docs/performance.md with how it was measured.

    origin = stamp("python -m benchmarks.scaling")      # before the work, so that it has the load of other programs
    section = "\n\n".join([table(["batch", "pictures/s"], rows), "What the table shows."])
    publish("scaling", "Scaling", section, origin)      # replaces the section between its markers, or appends it
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
HEAD = "# Performance\n\nEach section is written by the command that it names; nothing here is estimated.\n"
PACKAGES = ("torch", "streamlit")


@dataclass(frozen=True)
class Origin:
    """Where numbers come from; ``load`` is that of the last minute when the benchmark began, on ``cores`` cores."""

    command: str
    when: str
    hardware: str
    cores: int
    memory_gb: float
    load: float
    versions: dict[str, str]

    def sentence(self) -> str:
        """All of it in two lines of Markdown."""
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"`{self.command}`, {self.when}, {self.hardware}, {self.cores} cores, {self.memory_gb:.0f} GB, {versions}. "
            f"Load of the machine at the start: {self.load:.1f}."
        )


def stamp(command: str, hardware: str = "") -> Origin:
    """The machine as it is now; ``hardware`` replaces the processor's name (a GPU's, say)."""
    versions = {"Python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    return Origin(
        command, f"{datetime.now(UTC):%Y-%m-%d}", hardware or processor(), len(os.sched_getaffinity(0)),
        psutil.virtual_memory().total / 1e9, os.getloadavg()[0], versions,
    )  # fmt: skip


def processor() -> str:
    """The processor's name as Linux tells it, else as Python does."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def publish(name: str, title: str, body: str, origin: Origin, document: Path = DOCUMENT) -> None:
    """Put a section into the document in place of its earlier self."""
    text = document.read_text(encoding="utf-8") if document.exists() else HEAD
    document.write_text(with_section(text, name, f"## {title}\n\n{body}\n\n{origin.sentence()}"), encoding="utf-8")


def with_section(text: str, name: str, section: str) -> str:
    """``text`` with ``section`` between the markers of ``name``, which are added at the end where there are none."""
    first, last = f"<!-- {name}: written by its benchmark -->", f"<!-- end of {name} -->"
    marked = f"{first}\n{section}\n{last}"
    begin, end = text.find(first), text.find(last)
    if begin < 0 or end < begin:
        return f"{text.rstrip()}\n\n{marked}\n"
    return text[:begin] + marked + text[end + len(last) :]


def save(path: Path, origin: Origin, results: dict[str, Any]) -> None:
    """The same as JSON, for other programs."""
    path.write_text(json.dumps({"origin": asdict(origin), **results}, indent=1) + "\n", encoding="utf-8")

"""The fold of a run's lines into curves: complete, incremental, and patient with what a kill left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gan_core.files import write_bytes
from gan_core.history import History, read_history


def line(step: int, **values: Any) -> bytes:
    return json.dumps({"event": "scalars", "step": step, "epoch": step / 10, "seconds": 1.0, "values": values}).encode()


def sheet_line(step: int, **more: Any) -> bytes:
    values = {"event": "snapshot", "step": step, "epoch": 1.0, "rows": 1, "columns": 1, "verdicts": [], **more}
    return json.dumps(values).encode()


def test_values_that_a_line_lacks_are_none(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(line(1, a=1.0) + b"\n" + line(2, b=2.0) + b"\n" + line(3, a=3.0, b=4.0) + b"\n")
    scalars = read_history(path).scalars
    assert scalars["step"] == [1, 2, 3]
    assert scalars["a"] == [1.0, None, 3.0] and scalars["b"] == [None, 2.0, 4.0]
    assert all(len(column) == 3 for column in scalars.values())


def test_reading_on_gives_the_same_as_reading_at_once(tmp_path: Path) -> None:
    path, history = tmp_path / "metrics.jsonl", History()
    data = b"".join(line(step, a=float(step)) + b"\n" for step in range(20))
    for end in (0, 5, 100, 101, 400, len(data)):
        with path.open("ab") as stream:
            stream.write(data[stream.tell() : end])
        history.read(path)
    assert history.scalars == read_history(path).scalars


def test_a_truncated_last_line_waits_for_its_rest(tmp_path: Path) -> None:
    path, history = tmp_path / "metrics.jsonl", History()
    path.write_bytes(line(1, a=1.0) + b"\n" + line(2, a=2.0)[:20])
    assert history.read(path).scalars["step"] == [1]
    with path.open("ab") as stream:
        stream.write(line(2, a=2.0)[20:] + b"\n")
    assert history.read(path).scalars["step"] == [1, 2]


def test_a_file_put_back_by_a_resumed_run_is_read_anew(tmp_path: Path) -> None:
    path, history = tmp_path / "metrics.jsonl", History()
    path.write_bytes(line(1, a=1.0) + b"\n" + line(2, a=2.0) + b"\n")
    history.read(path)
    write_bytes(path, line(1, a=1.0) + b"\n")
    with path.open("ab") as stream:
        stream.write(line(2, a=5.0) + b"\n" + line(3, a=6.0) + b"\n")
    assert history.read(path).scalars["a"] == [1.0, 5.0, 6.0]


def test_nonsense_is_passed_over_and_a_missing_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"\xff\xfe\n[]\n3\n{\n\n" + line(1, a=1.0) + b"\n")
    assert read_history(path).scalars["step"] == [1]
    assert len(read_history(tmp_path / "none.jsonl")) == 0


def test_a_sheet_that_is_said_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"\n".join([sheet_line(5), sheet_line(8), sheet_line(8, interrupted=True), b""]))
    assert [entry["step"] for entry in read_history(path).snapshots] == [5, 8]


def test_curves_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(line(1, a=1.5) + b"\n" + line(2) + b"\n")
    assert read_history(path).csv() == "step,epoch,seconds,a\n1,0.1,1.0,1.5\n2,0.2,1.0,\n"

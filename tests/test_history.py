"""The fold of a run's lines into curves: complete, incremental, and patient with what a kill left behind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import gan_core.history
from gan_core.files import write_bytes
from gan_core.history import MOST_POINTS, History, read_history


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


def test_a_long_history_has_the_means_that_fewer_points_would_have_had(tmp_path: Path) -> None:
    for count in (8, 9, 16, 17, 31, 40, 127, 1000):
        history, path = History(most=8), tmp_path / f"{count}.jsonl"
        path.write_bytes(b"".join(line(step, a=float(step)) + b"\n" for step in range(count)))
        scalars = history.read(path).scalars
        width = history.lines_per_point
        blocks = [range(start, min(start + width, count)) for start in range(0, count, width)]
        assert 4 < len(history) <= 8 and len(blocks) == len(history)
        assert scalars["step"] == [block[-1] for block in blocks]
        assert scalars["a"] == pytest.approx([sum(block) / len(block) for block in blocks])


def test_a_long_history_read_bit_by_bit_is_that_read_at_once(tmp_path: Path) -> None:
    path, history = tmp_path / "metrics.jsonl", History(most=16)
    for step in range(300):
        with path.open("ab") as stream:
            stream.write(line(step, a=float(step), **({"b": 1.0} if step % 3 else {})) + b"\n")
        if step % 7 == 0:
            history = history.read(path).copy()
    assert history.read(path).scalars == History(most=16).read(path).scalars
    assert len(History(most=None).read(path)) == 300
    path.write_bytes(line(1, a=2.0) + b"\n")  # a file put back is read anew, with a point for each line
    assert history.read(path).scalars["a"] == [2.0] and history.lines_per_point == 1


def test_what_is_not_finite_and_what_is_not_measured_outlive_the_means(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [line(step, a=math.inf if step == 3 else 1.0) if step < 8 else line(step) for step in range(16)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    scalars = History(most=8).read(path).scalars
    assert scalars["a"] == [1.0, math.inf, 1.0, 1.0, None, None, None, None]


def test_the_memory_of_a_run_and_its_reading_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gan_core.history, "BLOCK_BYTES", 1000)  # lines lie across blocks
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"".join(line(step, a=float(step)) + b"\n" for step in range(10_000)))
    history = read_history(path)
    assert MOST_POINTS / 2 < len(history) <= MOST_POINTS and history.scalars["step"][-1] == 9999


def test_curves_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(line(1, a=1.5) + b"\n" + line(2) + b"\n")
    assert read_history(path).csv() == "step,epoch,seconds,a\n1,0.1,1.0,1.5\n2,0.2,1.0,\n"

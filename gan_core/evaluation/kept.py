"""Evaluations that were made before, here or of a model that ships: what took half a minute is not worked out twice.

    request = EvaluationRequest("cgan", "mnist", count=1000)
    kept(request) or measure(request, report)
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gan_core.config import UserError
from gan_core.datasets.dataset import Report, silent
from gan_core.evaluation.evaluate import Evaluation, evaluate
from gan_core.evaluation.real_side import VERSION, cache_path
from gan_core.files import read_json, read_replaced_json, write_json
from gan_core.library import find_path, open_model
from gan_core.metrics.classifier import has_reader, load_reader
from gan_core.shipped import WEIGHTS_DIR

SHIPPED = WEIGHTS_DIR / "evaluations.json"


@dataclass(frozen=True)
class EvaluationRequest:
    """What :func:`~gan_core.evaluation.evaluate` is asked for, with the model by its reference."""

    ref: str
    dataset: str
    count: int = 1000
    seed: int = 0
    thorough: tuple[str, ...] = ()


def kept(request: EvaluationRequest) -> Evaluation | None:
    """What an earlier evaluation of the same file found; None where there was none."""
    return _read(read_json(_path(request))) or shipped(request)


def shipped(request: EvaluationRequest) -> Evaluation | None:
    """What ships beside the model, all that can be measured of it; None where that is not what is asked."""
    known = read_replaced_json(SHIPPED)
    entry = known.get(request.ref) if isinstance(known, dict) else None
    found = _read(entry)
    if entry is None or found is None or entry["sha256"] != _model(request.ref):
        return None
    same = (found.dataset, found.count, found.seed) == (request.dataset, request.count, request.seed)
    return found if same else None


def measure(request: EvaluationRequest, report: Report = silent) -> Evaluation:
    """Evaluate, and keep what was found. Errors are those of ``evaluate``."""
    found = evaluate(
        open_model(request.ref), request.dataset, count=request.count, seed=request.seed, thorough=request.thorough,
        report=report,
    )  # fmt: skip
    write_json(_path(request), found.to_dict())
    return found


def _path(request: EvaluationRequest) -> Path:
    """Named by all that the answer follows from: the model's own bytes, not what it is called."""
    reader = load_reader(request.dataset).sha256 if has_reader(request.dataset) else ""
    asked = replace(request, ref=_model(request.ref), thorough=tuple(sorted(request.thorough)))
    name = hashlib.sha256(json.dumps([VERSION, reader, *vars(asked).values()]).encode()).hexdigest()
    return cache_path(f"model-{name[:32]}.json")


def _read(data: Any) -> Evaluation | None:
    try:
        return None if data is None else Evaluation.from_dict(data)
    except UserError:  # an older version wrote it
        return None


def _model(ref: str) -> str:
    path = find_path(ref)
    return _digest(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _digest(path: Path, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

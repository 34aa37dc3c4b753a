"""Evaluations that were made before: an answer that took half a minute is not worked out twice.

    request = EvaluationRequest("cgan", "mnist", count=1000)
    kept(request) or measure(request, report)
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from gan_core.config import UserError
from gan_core.datasets.dataset import Report, silent
from gan_core.evaluation.evaluate import Evaluation, evaluate
from gan_core.evaluation.real_side import VERSION, cache_path
from gan_core.files import read_json, write_json
from gan_core.library import find_path, open_model
from gan_core.metrics.classifier import has_reader, load_reader


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
    data = read_json(_path(request))
    try:
        return None if data is None else Evaluation.from_dict(data)
    except UserError:  # an older version wrote it
        return None


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
    path = find_path(request.ref)
    model = _digest(path, path.stat().st_mtime_ns)
    reader = load_reader(request.dataset).sha256 if has_reader(request.dataset) else ""
    asked = replace(request, ref=model, thorough=tuple(sorted(request.thorough)))
    name = hashlib.sha256(json.dumps([VERSION, reader, *vars(asked).values()]).encode()).hexdigest()
    return cache_path(f"model-{name[:32]}.json")


@functools.lru_cache(maxsize=256)
def _digest(path: Path, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

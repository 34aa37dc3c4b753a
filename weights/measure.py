"""``python weights/measure.py [NAME…]``: evaluates shipped bundles, into evaluations.json beside the manifest.

Without names, those that were not measured since they were packed. The data sets must be at hand. Takes minutes for
each bundle, since GAN-train and stacked digits are among the measures; FID only where GAN_INCEPTION names its weights.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from gan_core.evaluation.evaluate import Evaluation, evaluate
from gan_core.evaluation.thorough import THOROUGH
from gan_core.files import read_json, write_bytes
from gan_core.library import manifest, open_model

PATH = Path(__file__).resolve().parent / "evaluations.json"


def evaluations() -> dict[str, dict[str, Any]]:
    """What is kept: name → Evaluation.to_dict(), with the bundle's "sha256"."""
    found: dict[str, dict[str, Any]] = read_json(PATH) or {}
    return found


def measure(name: str, sha256: str) -> Evaluation:
    """Evaluate the shipped bundle of that name and checksum in full, and keep what was found."""

    def say(text: str, /, **values: object) -> None:
        if values.get("done", 0) == 0:
            print(name, "-", text.format(**values), flush=True)

    bundle = open_model(name)
    found = evaluate(bundle, bundle.info.dataset, thorough=tuple(THOROUGH), report=say)
    kept = evaluations() | {name: {"sha256": sha256, "torch": torch.__version__, **found.to_dict()}}
    write_bytes(PATH, (json.dumps(kept, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    names = parser.parse_args().names
    before = evaluations()
    for entry in manifest():
        stale = before.get(entry["name"], {}).get("sha256") != entry["sha256"]
        if entry["name"] in names if names else stale:
            measure(entry["name"], entry["sha256"])


if __name__ == "__main__":
    main()

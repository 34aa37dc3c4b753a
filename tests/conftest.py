"""What all tests share: few threads, folders of their own, and small data."""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before torch: idle threads that spin slow everything else down

from pathlib import Path

import pytest
import torch

torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go to a folder of the test's own, so that no test sees or leaves anything elsewhere."""
    monkeypatch.setenv("GAN_RUNS_DIR", str(tmp_path / "runs"))

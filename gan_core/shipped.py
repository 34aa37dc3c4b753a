"""What ships in weights/, as far as it can be told without torch: enough for a first picture while torch loads."""

from __future__ import annotations

from pathlib import Path

WEIGHTS_DIR = Path(__file__).resolve().parent.parent / "weights"
SHOWPIECE = "house_small_conditional"  # the best of those that draw at once: what a visitor sees who chose nothing


def last_sheet(name: str) -> bytes | None:
    """The PNG file of the last picture sheet in the training history of a shipped model; None where none ships."""
    pictures = sorted((WEIGHTS_DIR / "history" / Path(name).name / "snapshots").glob("step-*.png"))
    return pictures[-1].read_bytes() if pictures else None

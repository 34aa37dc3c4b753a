"""Pictures worth coming back to: a model, a seed, which picture of it, and a name.

One small file each, in a hidden folder beside the runs: two servers on one folder never overwrite each other's.
"""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from gan_core.config import UserError, from_dict
from gan_core.files import read_json, write_json
from gan_core.runs import runs_dir

MOST = 200
NAME_LENGTH = 60  # characters


@dataclass(frozen=True)
class Favourite:
    """Picture ``index`` of ``seed`` by ``model``; ``label`` is its class, -1 for an unconditional model."""

    name: str
    model: str
    seed: int
    index: int = 0
    label: int = -1
    id: str = ""


def list_favourites(owner: str = "") -> list[Favourite]:
    """All of them, or those of one visitor of a shared server, oldest first; a file that cannot be read is left out."""
    found = []
    for path in sorted(favourites_dir(owner).glob("*.json")):
        data = read_json(path)
        try:
            found.append(from_dict(Favourite, {**data, "id": path.stem}))
        except (UserError, TypeError):
            continue
    return found


def save_favourite(favourite: Favourite, owner: str = "") -> Favourite:
    """Keep it; returns it with its id.

    Raises:
        UserError: the name is empty, there are too many already, or the folder cannot be written.
    """
    name = favourite.name.strip()[:NAME_LENGTH]
    if not name:
        raise UserError("A favourite needs a name of at least one character.")
    folder = favourites_dir(owner)
    if sum(1 for _ in folder.glob("*.json")) >= MOST:
        raise UserError("There are {most} favourites already; delete one first.", most=MOST)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("{folder} cannot be made; check the folder's permissions.", folder=folder) from error
    kept = Favourite(name, favourite.model, favourite.seed, favourite.index, favourite.label, f"{time.time_ns():020d}")
    write_json(folder / f"{kept.id}.json", {key: value for key, value in asdict(kept).items() if key != "id"})
    return kept


def delete_favourite(favourite_id: str, owner: str = "") -> None:
    """Forget it; nothing happens where it is gone already."""
    if re.fullmatch(r"\d+", favourite_id):
        (favourites_dir(owner) / f"{favourite_id}.json").unlink(missing_ok=True)


def favourites_dir(owner: str = "") -> Path:
    """Where they are kept; ``owner`` is a hash of letters and digits."""
    return runs_dir() / ".favourites" / owner

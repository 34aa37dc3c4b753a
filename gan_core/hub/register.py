"""Which models of the Hub were loaded here, so that lists of models can offer them again."""

from __future__ import annotations

from pathlib import Path

from gan_core.files import read_json, write_json
from gan_core.hosting import hosted
from gan_core.hub.reference import HubReference
from gan_core.runs import runs_dir

MOST_REMEMBERED = 50


def remember(reference: HubReference) -> None:
    """Put a model on the list of those loaded; on a shared server there is no list that all would see."""
    if hosted():
        return
    known = [str(reference), *(ref for ref in remembered() if ref != str(reference))]
    _register().parent.mkdir(parents=True, exist_ok=True)
    write_json(_register(), known[:MOST_REMEMBERED])


def forget(ref: str) -> None:
    """Take a model off the list; its file stays in the cache, which other programs share."""
    write_json(_register(), [known for known in remembered() if known != ref])


def remembered() -> list[str]:
    """The pinned references of the models loaded, newest first."""
    known = [] if hosted() else read_json(_register())
    return [ref for ref in known if isinstance(ref, str)] if isinstance(known, list) else []


def _register() -> Path:
    return runs_dir() / ".hub.json"

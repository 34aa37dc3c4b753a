"""Files that are whole or not there: written under a temporary name, then put in place."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from gan_core.config import UserError


def write_bytes(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replace ``path`` by ``data`` in one instant; ``durable`` also waits until the disk has it.

    Raises:
        UserError: the disk is full or the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(_reason(path, error)) from error


def write_json(path: Path, value: Any) -> None:
    """:func:`write_bytes` of JSON."""
    write_bytes(path, json.dumps(value, ensure_ascii=False).encode())


def read_json(path: Path) -> Any:
    """The JSON value in ``path``; None where there is no such file or it is not JSON."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _reason(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk that holds {path.parent} is full; free some space and resume."
    if isinstance(error, FileNotFoundError):
        return f"The folder {path.parent} is gone; it was deleted or moved while in use."
    return f"{path.parent} cannot be written to ({error.strerror}); check the folder's permissions."

"""Files that are whole or not there: written under a temporary name, then put in place."""

from __future__ import annotations

import errno
import functools
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
        raise _reason(path, error) from error


def write_json(path: Path, value: Any) -> None:
    """:func:`write_bytes` of JSON."""
    write_bytes(path, json.dumps(value, ensure_ascii=False).encode())


def read_json(path: Path) -> Any:
    """The JSON value in ``path``; None where there is no such file or it is not JSON."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def read_replaced_json(path: Path) -> Any:
    """:func:`read_json` of a file that is only ever replaced: read once, and again where there is another in its place.

    Callers share the value, so none may change it.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return _read_once(path, found.st_ino, found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=10_000)
def _read_once(path: Path, inode: int, changed: int, size: int) -> Any:
    return read_json(path)


def _reason(path: Path, error: OSError) -> UserError:
    folder = path.parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):  # the last: a limit on the size of files
        return UserError("The disk that holds {folder} is full; free some space and resume.", folder=folder)
    if isinstance(error, FileNotFoundError):
        return UserError("The folder {folder} is gone; it was deleted or moved while in use.", folder=folder)
    return UserError(
        "{folder} cannot be written to ({reason}); check the folder's permissions.",
        folder=folder, reason=error.strerror,
    )  # fmt: skip

"""A run as one zip file, to keep and to pass on; and back."""

from __future__ import annotations

import io
import json
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from PIL import Image

from gan_core.checkpoints import load_checkpoint, read_bundle_info
from gan_core.config import UserError, from_dict
from gan_core.history import parse_lines
from gan_core.recipes.recipe import recipe_from_dict
from gan_core.runs import About, Run, Status, free_path, runs_dir

MOST_FILES = 20_000
MOST_BYTES = 4 * 2**30  # unpacked, so that a small file cannot fill the disk
MOST_SIDE = 8192  # pixels of a sheet
_SMALL = ("README.txt", "recipe.json", "about.json", "status.json", "metrics.jsonl", "log.txt", "start.safetensors")
_LARGE = re.compile(r"snapshots/step-\d{8}\.(png|safetensors)|checkpoints/step-\d{8}\.safetensors")
_ENDED = ("finished", "stopped", "diverged", "failed")
_FILLED = frozenset({"template", "values", "notice_template", "notice_values"})

_README = """\
{name}
A training run of GAN Workbench: recipe {recipe}, step {step} of {total}.

recipe.json            every setting that decided the training
about.json status.json the run's name, and how it stands
metrics.jsonl          the curves and what is known of each sheet, one JSON object a line
snapshots/*.png        the picture sheets, named by step
snapshots/*.safetensors the kept networks, named by step; the last one is the newest
checkpoints/           all that is needed to go on from there
log.txt                what the training process said

To look at it: open GAN Workbench, page Library, and upload this zip file. Or unpack it and let
    python -m gan_core sample FOLDER --out digits.png
draw from the newest networks. Or bring one .safetensors file to the Library alone. The files are plain
safetensors, with the recipe in their metadata:
    from gan_core.checkpoints import load_bundle
    bundle = load_bundle(Path("snapshots/step-….safetensors"))
"""


def export_run(run: Run) -> bytes:
    """The zip file of :func:`write_zip`, in memory."""
    stream = io.BytesIO()
    write_zip(run, stream)
    return stream.getvalue()


def write_zip(run: Run, stream: IO[bytes]) -> None:
    """Write a run's recipe, curves, sheets, kept networks and newest checkpoint to ``stream``, one file at a time.

    The same folder gives the same bytes. A run that still trains is written as it stands, as a stopped one.

    Raises:
        UserError: the run is gone or damaged.
    """
    recipe, status = run.recipe(), run.status()
    readme = _README.format(name=run.about().name, recipe=recipe.name, step=status.step, total=status.total_steps)
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in [("README.txt", readme.encode()), *_described(run, status)]:
            add_file(archive, name, data)
        for name, data in _files(run):
            add_file(archive, name, data)


def _described(run: Run, status: Status) -> list[tuple[str, bytes]]:
    """The small files; nothing in them points at a process of this machine."""
    state = "stopped" if status.live else status.state
    still = replace(status, state=state, pid=0, pid_created=0.0, traceback="")
    about = asdict(replace(run.about(), owner=""))
    values = {"about.json": about, "recipe.json": run.recipe().to_dict(), "status.json": asdict(still)}
    return [(name, json.dumps(value, ensure_ascii=False).encode()) for name, value in values.items()]


def _files(run: Run) -> Iterator[tuple[str, bytes]]:
    """The run's larger files in a fixed order; what a training deletes meanwhile is passed over."""
    newest = run.checkpoints()[:1]
    names = ["metrics.jsonl", "log.txt", "start.safetensors"]
    for path in [*(run.path / name for name in names), *sorted((run.path / "snapshots").glob("step-*")), *newest]:
        try:
            yield path.relative_to(run.path).as_posix(), path.read_bytes()
        except OSError:
            continue


def add_file(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Put a file into an archive, packed where that helps; the same files make the same archive."""
    entry = zipfile.ZipInfo(f"{name}", date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    packed = name.endswith((".png", ".safetensors"))  # as good as random: packing would only take time
    entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)


def import_run(data: IO[bytes], owner: str = "") -> Run:
    """The run of a zip file that :func:`write_zip` wrote, as a new run of this machine, ``owner``'s on a shared server.

    Only files of known names are taken, and each is read as what it should be before the run appears.

    Raises:
        UserError: it is no such file, it is damaged, or the disk is full; nothing is kept then.
    """
    runs_dir().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".import-", dir=runs_dir()))
    try:
        with zipfile.ZipFile(data) as archive:
            _unpack(archive, folder)
        recipe = _check(folder, owner)
        target = free_path(runs_dir(), f"{datetime.fromtimestamp(time.time()):%Y%m%d-%H%M%S}-{recipe}")
        folder.chmod(0o755)  # mkdtemp's own is for this user alone
        return Run(folder.rename(target))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise UserError("This zip file is not a whole run exported by GAN Workbench; export the run again.") from error
    except OSError as error:
        raise UserError("The run cannot be unpacked ({reason}); free some space.", reason=error.strerror) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """Write the files of the archive, whose names and sizes must be those of a run."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise UserError("This zip file is too large to be an exported run.")
    for name in ("snapshots", "checkpoints"):
        (folder / name).mkdir()
    for entry in entries:
        if entry.filename not in _SMALL and not _LARGE.fullmatch(entry.filename):
            raise ValueError(f"a run has no file {entry.filename}")
        with archive.open(entry) as source, (folder / entry.filename).open("wb") as target:
            shutil.copyfileobj(source, target)  # checks the sum, and never reads more than the size that was declared


def _check(folder: Path, owner: str) -> str:
    """Read each file as what it should be; the name of the recipe. UserError or ValueError where one is not."""
    recipe = recipe_from_dict(json.loads((folder / "recipe.json").read_bytes()))
    if not re.fullmatch(r"\w{1,60}", recipe.name):
        raise ValueError("a recipe's name is a word")
    run, stands = Run(folder), dict(json.loads((folder / "status.json").read_bytes()))
    # The message stays as it was said; what it was made of is not taken over, for it fills templates.
    status = from_dict(Status, {name: value for name, value in stands.items() if name not in _FILLED})
    state = status.state if status.state in _ENDED else "stopped"
    about = from_dict(About, json.loads((folder / "about.json").read_bytes()))
    _write_json(folder / "about.json", asdict(replace(about, created=time.time(), owner=owner)))
    run.set_status(replace(status, state=state, pid=0, pid_created=0.0))
    lines = [line for line in parse_lines(run.metrics_path.read_bytes()) if _is_metric(line)]
    run.metrics_path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for path in (folder / "snapshots").iterdir():
        _check_picture(path) if path.suffix == ".png" else read_bundle_info(path)
    for path in run.checkpoints():
        load_checkpoint(path)
    return recipe.name


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _is_metric(line: dict[str, Any]) -> bool:
    """Whether a line of the curves is one that :class:`gan_core.history.History` can take in."""
    if line.get("event") == "scalars":
        values = line.get("values")
        return _numbers(line, "step", "epoch") and isinstance(values, dict) and _numbers(values, *values)
    verdicts = line.get("verdicts")
    return (
        line.get("event") == "snapshot"
        and _numbers(line, "step", "epoch", "rows", "columns")
        and isinstance(verdicts, list)
        and all(isinstance(verdict, int | float) for verdict in verdicts)
    )


def _numbers(values: dict[str, Any], *names: str) -> bool:
    return all(isinstance(values.get(name), int | float) for name in names)


def _check_picture(path: Path) -> None:
    with Image.open(path, formats=["PNG"]) as picture:
        if max(picture.size) > MOST_SIDE:
            raise ValueError(f"{path.name} is too large")
        picture.verify()

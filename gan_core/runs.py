"""The run folder: what a run is called, how it stands, and where its files are."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from gan_core.config import UserError
from gan_core.data import find_dataset
from gan_core.files import read_json, read_replaced_json, write_bytes, write_json
from gan_core.history import History, parse_lines, read_history
from gan_core.recipes.recipe import Recipe, recipe_from_dict

LIVE = frozenset({"queued", "running", "paused", "stopping"})
NAME_LENGTH = 120
COMMANDS = frozenset({"run", "pause", "stop"})


@dataclass(frozen=True)
class About:
    """What does not change while a run trains.

    ``parent`` names the run and snapshot that this one branched from; ``group`` ties runs started together, and
    ``part`` says which of them it is; ``measured`` is how many pictures of it are compared with real ones at its end;
    ``owner`` is the visitor of a shared server who started it (a hash, so that whoever reads it cannot take the part).
    """

    name: str
    created: float
    device: str = "auto"
    parent: str = ""
    group: str = ""
    owner: str = ""
    part: str = ""
    measured: int = 0


@dataclass(frozen=True)
class Status:
    """How a run stands; times are seconds since 1970, ``seconds`` is time spent training.

    ``state`` is queued, running, paused, stopping, finished, stopped, diverged or failed; ``message`` is one sentence
    for the user, made of ``template`` and ``values`` where it has any (so that it can be translated); ``notice`` is
    something to know that is no fault, made likewise; ``traceback`` is for developers.
    """

    state: str = "queued"
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    total_epochs: float = 0.0
    images_per_second: float = 0.0
    seconds: float = 0.0
    updated: float = 0.0
    device: str = ""
    message: str = ""
    template: str = ""
    values: Mapping[str, str | int | float] = field(default_factory=dict)
    notice: str = ""
    notice_template: str = ""
    notice_values: Mapping[str, str | int | float] = field(default_factory=dict)
    traceback: str = ""
    pid: int = 0
    pid_created: float = 0.0

    def saying(self, text: str = "", /, **values: object) -> Status:
        """The same with another message: ``text`` with its ``{names}`` filled in."""
        plain = _plain(values)
        return replace(self, message=text.format(**plain) if plain else text, template=text, values=plain)

    def noting(self, text: str, /, **values: object) -> Status:
        """The same with another notice, made as :meth:`saying` makes the message."""
        plain = _plain(values)
        filled = text.format(**plain) if plain else text
        return replace(self, notice=filled, notice_template=text, notice_values=plain)

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def progress(self) -> float:
        """Share done, in [0, 1]."""
        return self.step / self.total_steps if self.total_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the time that the steps so far took; None while unknown."""
        return self.seconds / self.step * (self.total_steps - self.step) if self.step else None


@dataclass(frozen=True)
class Sheet:
    """One snapshot: its picture, what the discriminator says of each tile, and its networks where kept."""

    step: int
    epoch: float
    rows: int
    columns: int
    verdicts: tuple[float, ...]
    picture: Path
    bundle: Path | None


class Run:
    """One run folder; every reading is fresh, and reading never changes anything."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def evaluation_path(self) -> Path:
        """What was measured at the end of a run that was started to be measured."""
        return self.path / "evaluation.json"

    @property
    def start_path(self) -> Path:
        """The networks that a branched run starts from."""
        return self.path / "start.safetensors"

    def exists(self) -> bool:
        return (self.path / "recipe.json").is_file()

    def about(self) -> About:
        data = read_replaced_json(self.path / "about.json")
        return About(**_known(About, data)) if isinstance(data, dict) and "name" in data else About(self.id, 0.0)

    def recipe(self) -> Recipe:
        """UserError where the folder is gone or damaged."""
        data = read_json(self.path / "recipe.json")
        if data is None:
            raise UserError("The run {run} is gone or damaged; choose another in the Library.", run=self.id)
        return recipe_from_dict(data)

    def change_recipe(self, recipe: Recipe) -> Recipe:
        """Keep ``recipe`` as that of the run, whose worker found out what a "choose for me" comes to; returns it."""
        write_json(self.path / "recipe.json", recipe.to_dict())
        return recipe

    def status(self) -> Status:
        data = read_replaced_json(self.path / "status.json")
        if not isinstance(data, dict):
            return Status("failed", message="This run's folder is incomplete; delete it in the Library.")
        return Status(**_known(Status, data))

    def set_status(self, status: Status) -> None:
        write_json(self.path / "status.json", asdict(replace(status, updated=time.time())))

    def history(self) -> History:
        return read_history(self.metrics_path)

    def curves_csv(self) -> str:
        """Every point that the run wrote, as a table, however many there are."""
        return History(most=None).read(self.metrics_path).csv()

    def sheets(self, history: History | None = None) -> list[Sheet]:
        """All snapshots in order; those whose picture is missing are left out."""
        try:
            there = set(os.listdir(self.path / "snapshots"))  # noqa: PTH208 (one look at thousands of names)
        except OSError:
            return []
        sheets = (self._sheet(line, there) for line in (history or self.history()).snapshots)
        return [sheet for sheet in sheets if sheet is not None]

    def _sheet(self, line: Mapping[str, Any], there: Set[str]) -> Sheet | None:
        """What a line describes; None where its picture is not among the files ``there``."""
        step = int(line["step"])
        picture, bundle = self.sheet_path(step), self.bundle_path(step)
        if picture.name not in there:
            return None
        return Sheet(
            step, float(line["epoch"]), int(line["rows"]), int(line["columns"]), tuple(line["verdicts"]), picture,
            bundle if bundle.name in there else None,
        )  # fmt: skip

    def sheet_path(self, step: int) -> Path:
        return self.path / "snapshots" / f"step-{step:08d}.png"

    def bundle_path(self, step: int) -> Path:
        return self.path / "snapshots" / f"step-{step:08d}.safetensors"

    def bundles(self) -> list[Path]:
        """The kept networks, oldest first."""
        return sorted((self.path / "snapshots").glob("step-*.safetensors"))

    def newest_bundle(self) -> Path | None:
        try:
            names = os.listdir(self.path / "snapshots")  # noqa: PTH208 (the library asks this of each of a thousand runs)
        except OSError:
            return None
        kept = (name for name in names if name.startswith("step-") and name.endswith(".safetensors"))
        newest = max(kept, default=None)
        return None if newest is None else self.path / "snapshots" / newest

    def checkpoints(self) -> list[Path]:
        """Newest first."""
        return sorted((self.path / "checkpoints").glob("step-*.safetensors"), reverse=True)

    def checkpoint_path(self, step: int) -> Path:
        return self.path / "checkpoints" / f"step-{step:08d}.safetensors"

    def command(self) -> str:
        """What the user last asked for: "run", "pause" or "stop"."""
        try:
            text = (self.path / "control").read_text()
        except OSError:
            return "run" if self.path.is_dir() else "stop"
        return text if text in COMMANDS else "run"

    def set_command(self, command: str) -> None:
        write_bytes(self.path / "control", command.encode())

    def log(self) -> bytes:
        """What the training process said, for developers; empty where it said nothing yet."""
        try:
            return (self.path / "log.txt").read_bytes()
        except OSError:
            return b""

    def rename(self, name: str) -> None:
        if not name.strip():
            raise UserError("A run needs a name of at least one character.")
        write_json(self.path / "about.json", asdict(replace(self.about(), name=name.strip()[:NAME_LENGTH])))

    def delete(self) -> None:
        """Remove the folder for good; UserError while the run is live."""
        if self.status().live:
            raise UserError("This run is still going; stop it before deleting it.")
        shutil.rmtree(self.path, ignore_errors=True)

    def disk_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def cut_metrics(self, step: int) -> None:
        """Forget what was written after ``step``, and the sheet of an interruption, before going on from there."""
        try:
            data = self.metrics_path.read_bytes()
        except OSError:
            return
        kept = [
            text
            for text in data.splitlines(keepends=True)
            for line in parse_lines(text)
            if line.get("step", 0) <= step and not line.get("interrupted")
        ]
        write_bytes(self.metrics_path, b"".join(kept))


def _plain(values: Mapping[str, object]) -> dict[str, str | int | float]:
    return {name: value if isinstance(value, int | float) else str(value) for name, value in values.items()}


def runs_dir() -> Path:
    """Where runs are kept: GAN_RUNS_DIR, or runs/."""
    return Path(os.environ.get("GAN_RUNS_DIR", "runs"))


def create_run(
    recipe: Recipe,
    *,
    root: Path | None = None,
    path: Path | None = None,
    name: str = "",
    device: str = "auto",
    start_from: Path | None = None,
    parent: str = "",
    group: str = "",
    owner: str = "",
    part: str = "",
    measured: int = 0,
) -> Run:
    """A new folder, under ``root`` with a name from the time, or exactly at ``path``; its status is "queued".

    Args:
        start_from: a bundle whose networks the run starts with; it is copied.
        parent, group, owner, part, measured: see :class:`About`.

    Raises:
        UserError: the folder exists already or cannot be written, or there is no such data set.
    """
    # In full, for a run may be resumed from another working folder than that of a relative path.
    recipe = replace(recipe, dataset=find_dataset(recipe.dataset).name)
    now = time.time()
    path = path or free_path(root or runs_dir(), f"{datetime.fromtimestamp(now):%Y%m%d-%H%M%S}-{recipe.name}")
    try:
        if path.exists() and any(path.iterdir()):
            raise FileExistsError
        (path / "snapshots").mkdir(parents=True)
        (path / "checkpoints").mkdir()
        if start_from is not None:
            shutil.copyfile(start_from, path / "start.safetensors")
    except FileExistsError as error:
        raise UserError("The folder {folder} exists already; choose another, or resume it.", folder=path) from error
    except OSError as error:
        raise UserError(
            "The folder {folder} cannot be made ({reason}); check its place.", folder=path, reason=error.strerror
        ) from error
    run = Run(path)
    about = About(name or recipe.title, now, device, parent, group, owner, part, measured)
    write_json(path / "about.json", asdict(about))
    run.set_status(Status(total_epochs=recipe.training.epochs))
    write_json(path / "recipe.json", recipe.to_dict())  # last: it makes the folder a run
    return run


def list_runs(root: Path | None = None) -> list[Run]:
    """All runs under ``root``, newest first."""
    root = root or runs_dir()
    try:
        folders = (entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))
        names = sorted(folders, reverse=True)
    except OSError:
        return []
    # As Run.exists says it; a thousand Path objects would take longer than the look.
    return [Run(root / name) for name in names if os.path.isfile(f"{root}/{name}/recipe.json")]  # noqa: PTH113


def find_run(run_id: str, root: Path | None = None) -> Run:
    """The run of that id; UserError where there is none."""
    run = Run((root or runs_dir()) / Path(run_id).name)
    if not run.exists():
        raise UserError(
            "There is no run {run}; it was deleted or moved. Choose another in the Library.", run=repr(run_id)
        )
    return run


def free_path(root: Path, name: str) -> Path:
    """``name`` in ``root``, with a number where that is taken."""
    path, number = root / name, 2
    while path.exists():
        path, number = root / f"{name}-{number}", number + 1
    return path


def _known(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    names = {item.name for item in fields(cls)}
    return {key: value for key, value in data.items() if key in names}

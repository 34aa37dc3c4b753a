"""The command line: train recipes and use what they made, without the workbench but with the same run folders.

Exit codes: 0 done, 1 the training failed or diverged, 2 a mistake of the user (one line on stderr), 130 Ctrl-C.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gan_core import openmp
from gan_core.cli import hub, lab, quality, sharing, space
from gan_core.cli.hub import Weights
from gan_core.config import UserError
from gan_core.contention import watching

# torch takes seconds to import; each command imports what it needs, so that --help and mistakes answer at once.
if TYPE_CHECKING:
    import numpy.typing as npt

    from gan_core.checkpoints import BundleInfo
    from gan_core.recipes.recipe import Recipe
    from gan_core.runs import Run

MOST_SAMPLES = 1_000_000
MOST_STEPS = 100_000_000
MOST_SEED = 2**31 - 1
FRAME_MILLISECONDS = 80
FACTOR = 4  # animations are enlarged, since most programs show a 28-pixel picture too small to see
# The vendored or separate click that typer uses; its errors are mistakes in the command line.
CommandLineError: Any = next(cls for cls in typer.BadParameter.__mro__ if cls.__name__ == "ClickException")

app = typer.Typer(
    help="Train small GANs, and use what they learned.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Out = Annotated[Path, typer.Option("--out", help="The file to write; its ending decides the format.")]


@app.command()
def recipes(
    name: Annotated[str, typer.Argument(metavar="[RECIPE]", help="List this recipe's settings instead.")] = "",
    json: Annotated[bool, typer.Option("--json", help="All recipes whole, as JSON.")] = False,
    parts: Annotated[bool, typer.Option("--parts", help="What recipes are made of: formulas and sources.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The table of the documents.")] = False,
) -> None:
    """List the recipes, the settings of one, or the parts that all are made of."""
    from json import dumps

    from gan_core import listing
    from gan_core.recipes import find_recipe

    if name:
        print(listing.settings_text(find_recipe(name)))
    elif json:
        print(dumps(listing.parts_as_json() if parts else listing.as_json(), ensure_ascii=False, indent=2))
    elif parts:
        print(listing.parts_as_text())
    else:
        print(listing.as_markdown() if markdown else listing.as_text())


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Its name; not needed with --resume.")] = "",
    dataset: Annotated[str, typer.Option(help="Another data set than the recipe's own.")] = "",
    epochs: Annotated[int | None, typer.Option(help="How often to see the whole data set.")] = None,
    steps: Annotated[int | None, typer.Option(help="How many steps to train instead.")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides the first weights and all random numbers.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change a setting; `recipes RECIPE` lists them. Repeatable."),
    ] = None,
    run_dir: Annotated[Path | None, typer.Option(help="The run's folder; one under GAN_RUNS_DIR if left out.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
) -> None:
    """Train a recipe; the last line printed is the run's folder."""
    if epochs is not None and steps is not None:
        raise UserError("Give --epochs or --steps, not both.")
    if resume is not None and run_dir is not None:
        raise UserError("Give --run-dir or --resume, not both.")
    if not recipe and resume is None:
        raise UserError("Name a recipe; `python -m gan_core recipes` lists them.")
    changes = _Changes(dataset, dict(map(_parse_change, set_ or ())), epochs, steps, seed)
    if int(os.environ.get("RANK", "0")) > 0:  # torchrun started several; the first one has the run and says what to do
        from gan_core.foreground import follow_in_foreground

        raise typer.Exit(follow_in_foreground())
    run = _created(recipe, changes, device, run_dir) if resume is None else _resumed(recipe, changes, resume)
    from gan_core.foreground import train_in_foreground

    code = train_in_foreground(run)
    print(run.path)
    raise typer.Exit(code)


@app.command()
def sample(
    weights: Weights,
    out: Out,
    count: Annotated[int, typer.Option(help="How many pictures.")] = 100,
    labels: Annotated[str, typer.Option(help="Classes to cycle over, such as 0,1,2; all of them if left out.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same pictures.")] = 1,
) -> None:
    """Draw pictures: a sheet (.png), or an array of uint8 (.npy)."""
    _check_out(out, (".png", ".npy"))
    _check_range("--count", count, 1, MOST_SAMPLES)
    _check_range("--seed", seed, 0, MOST_SEED)
    weights = hub.at_hand(weights)
    from gan_core.images import png, sheet
    from gan_core.library import open_model
    from gan_core.sampling import cycle_labels, draw_latents, generate, pixels

    bundle = open_model(weights)
    classes = _classes(bundle.info, labels or ("all" if bundle.info.recipe.conditional else ""))
    z = draw_latents(bundle.info.recipe.latents, seed, count)
    chosen = cycle_labels(count, classes) if classes else None
    tiles = pixels(generate(bundle.generator, z, chosen, bundle.info.recipe.generator.pixel_range))
    if out.suffix == ".npy":
        _write_array(out, tiles)
    else:
        columns = len(classes) if 1 < len(classes) <= count else math.ceil(math.sqrt(count))
        _write(out, png(sheet(tiles, columns)))


@app.command()
def interpolate(
    weights: Weights,
    seeds: Annotated[str, typer.Option(help="Two to four seeds to pass through, such as 1,2,3.")],
    out: Out,
    frames: Annotated[int, typer.Option(help="How many pictures the whole way has.")] = 33,
    mode: Annotated[str, typer.Option(help="How noise is mixed: matched, slerp or lerp.")] = "matched",
    labels: Annotated[str, typer.Option(help="The class at each seed, such as 3,3,8; 0 if left out.")] = "",
) -> None:
    """Walk from picture to picture: an animation (.gif, .webp), a sheet (.png) or an array of uint8 (.npy)."""
    _check_out(out, (".gif", ".webp", ".png", ".npy"))
    numbers = [_check_range("--seeds", number, 0, MOST_SEED) for number in _numbers("--seeds", seeds)]
    weights = hub.at_hand(weights)
    from gan_core.explore import Anchor, InterpolationRequest, pictures
    from gan_core.images import animation, png, sheet
    from gan_core.library import describe

    classes = _classes(describe(weights), labels) or [0]
    anchors = tuple(Anchor(number, label=classes[place % len(classes)]) for place, number in enumerate(numbers))
    tiles = pictures(InterpolationRequest(weights, anchors, frames, mode))
    if out.suffix == ".npy":
        _write_array(out, tiles)
    elif out.suffix == ".png":
        _write(out, png(sheet(tiles, min(frames, 16))))
    else:
        _write(out, animation(list(tiles), format=out.suffix[1:], milliseconds=FRAME_MILLISECONDS, factor=FACTOR))


app.command()(lab.ablate)
app.command()(quality.evaluate)
app.command()(hub.pull)
app.command()(hub.push)
app.command()(sharing.export)
app.add_typer(space.app, name="space")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    openmp.settle(watched=True)
    command = typer.main.get_command(app)
    try:
        with watching():
            result = command.main(args=arguments, prog_name="python -m gan_core", standalone_mode=False)
    except UserError as error:
        return _mistake(str(error))
    except CommandLineError as error:
        return _mistake(f"{error.format_message().rstrip('.')}; see `python -m gan_core --help`.")
    except (KeyboardInterrupt, typer.Abort):
        return 128 + signal.SIGINT
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return result if isinstance(result, int) else 0


def _mistake(text: str) -> int:
    """Says what is wrong on one line."""
    print("Error:", " ".join(text.split()), file=sys.stderr)
    return 2


@dataclass(frozen=True)
class _Changes:
    """What the command line changes in a recipe."""

    dataset: str
    settings: dict[str, str]
    epochs: int | None
    steps: int | None
    seed: int | None

    def apply(self, recipe: Recipe) -> Recipe:
        """The changed recipe; UserError where a change is not allowed."""
        return self.length(self.settings_only(recipe))

    def settings_only(self, recipe: Recipe) -> Recipe:
        """All changes but how long to train."""
        wanted: dict[str, object] = {**self.settings}
        if self.dataset:
            wanted["dataset"] = self.dataset
        if self.seed is not None:
            wanted["training.seed"] = self.seed
        return recipe.with_values(wanted)

    def length(self, recipe: Recipe) -> Recipe:
        """How long to train, alone."""
        from gan_core.data import find_dataset

        pictures = find_dataset(recipe.dataset).count("train") - recipe.training.held_out
        if self.epochs is not None:
            return recipe.with_values({"training.epochs": self.epochs, "training.steps": 0})
        if self.steps is None:
            return recipe
        steps = _check_range("--steps", self.steps, 1, MOST_STEPS)
        batches = max(pictures // recipe.training.batch_size, 1)
        enough = math.ceil(steps * recipe.training.discriminator_steps / batches)
        return recipe.with_values(
            {"training.steps": steps, "training.epochs": max(recipe.training.epochs, enough)}
        )


def _created(name: str, changes: _Changes, device: str, folder: Path | None) -> Run:
    from gan_core.devices import pick_device
    from gan_core.fitting import check_fit
    from gan_core.recipes import find_recipe
    from gan_core.runs import create_run

    pick_device(device)
    recipe = changes.apply(find_recipe(name))
    check_fit(recipe)
    return create_run(recipe, path=folder, device=device)


def _resumed(name: str, changes: _Changes, folder: Path) -> Run:
    """The run in ``folder``, ready to go on; only how long it trains may differ from before."""
    from gan_core.files import write_json
    from gan_core.jobs import is_alive
    from gan_core.runs import Run

    run = Run(folder)
    if not run.exists():
        raise UserError("{folder} is not a run folder; give one that `train` printed.", folder=folder)
    recipe, status = run.recipe(), run.status()
    if status.state == "queued" or is_alive(status):
        raise UserError("The run in {folder} is still going; stop it first.", folder=folder)
    if name and name != recipe.name:
        raise UserError("The run in {folder} trains {recipe}; leave out the recipe.", folder=folder, recipe=recipe.name)
    if changes.settings_only(recipe) != recipe:
        raise UserError("A resumed run keeps its settings; only --epochs or --steps can be changed.")
    if (longer := changes.length(recipe)) != recipe:
        write_json(run.path / "recipe.json", longer.to_dict())
    return run


def _parse_change(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise UserError("--set takes PATH=VALUE, such as training.batch_size=64; it is {text}.", text=repr(text))
    return path.strip(), value.strip()


def _numbers(option: str, text: str) -> list[int]:
    """Whole numbers with commas between them."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UserError(
            "{option} takes whole numbers with commas between them, such as 1,2,3; it is {text}.",
            option=option, text=repr(text),
        ) from None  # fmt: skip


def _classes(info: BundleInfo, labels: str) -> list[int]:
    """The classes that ``labels`` names; UserError where the model has none or not these."""
    from gan_core.explore import checked_labels

    if not labels:
        return []
    return list(checked_labels(info, range(info.shapes.classes) if labels == "all" else _numbers("--labels", labels)))


def _check_range(option: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise UserError("{option} must be between {low} and {high}; it is {value}.",
                        option=option, low=low, high=high, value=value)  # fmt: skip
    return value


def _check_out(out: Path, suffixes: Sequence[str]) -> None:
    """Before anything takes long: the ending is known and the folder is there."""
    if out.suffix not in suffixes:
        raise UserError("--out must end in {suffixes}; it is {file}.", suffixes=" or ".join(suffixes), file=out)
    if not out.parent.is_dir():
        raise UserError("There is no folder {folder} to write to; make it first.", folder=out.parent)
    if out.is_dir():
        raise UserError("{file} is a folder; name a file.", file=out)


def _write(out: Path, data: bytes) -> None:
    from gan_core.files import write_bytes

    write_bytes(out, data)


def _write_array(out: Path, tiles: npt.NDArray[Any]) -> None:
    import io

    import numpy as np

    stream = io.BytesIO()
    np.save(stream, tiles, allow_pickle=False)
    _write(out, stream.getvalue())

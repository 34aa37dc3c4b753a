"""What a run needs before its first step: its data set, a settled precision, and the place where it goes on."""

from __future__ import annotations

import logging
from dataclasses import replace

import torch

from gan_core.checkpoints import load_checkpoint, read_tensors
from gan_core.config import UserError
from gan_core.data import Dataset, find_dataset
from gan_core.devices import emulates_bfloat16, faster_precision
from gan_core.recipes.recipe import Recipe
from gan_core.runs import Run
from gan_core.standing import Standing
from gan_core.trainer import Trainer

ON_STROKES = (
    "MNIST is not on this machine and could not be downloaded, so this run trains on strokes: digits that the "
    "workbench draws itself."
)
EMULATED = (
    "This processor has no bfloat16, so this run takes many times as long as in float32: start it anew with the "
    "precision float32, or auto."
)

log = logging.getLogger(__name__)


def load_data(standing: Standing) -> tuple[Recipe, Dataset]:
    """The recipe of the run with its data set: strokes in place of an MNIST that cannot be had, which it then says."""
    run = standing.run
    recipe = run.recipe()
    try:
        dataset = find_dataset(recipe.dataset).load(report=standing.loading)
    except UserError:
        source = find_dataset(recipe.dataset)
        if recipe.dataset != "mnist" or source.on_disk() or run.checkpoints():
            raise
        recipe = run.change_recipe(replace(recipe, dataset="strokes"))
        dataset = find_dataset("strokes").load(report=standing.loading)
        standing.note(ON_STROKES)
    if dataset.notice is not None:
        standing.note(dataset.notice.text, **dataset.notice.values)
    standing.say("")
    return recipe, dataset


def settle_precision(standing: Standing, recipe: Recipe, device: torch.device) -> Recipe:
    """What the processor decides is decided once, so that a run resumes as it began wherever it goes on."""
    if recipe.training.precision == "auto":
        return standing.run.change_recipe(recipe.with_values({"training.precision": faster_precision(device)}))
    if recipe.training.precision == "bfloat16" and emulates_bfloat16(device) and not standing.status.notice:
        standing.note(EMULATED)
    return recipe


def go_on(run: Run, trainer: Trainer) -> float | None:
    """Bring ``trainer`` to the newest whole checkpoint; how many seconds the run had trained there.

    Without one it starts afresh, or with the networks of the snapshot that it branches from, and this is None.
    """
    for path in run.checkpoints():
        try:
            state, extra = load_checkpoint(path)
        except UserError as error:  # the one before it is whole
            log.warning("%s", error)
            continue
        trainer.load_state_dict(state)
        run.cut_metrics(trainer.step)
        return float(extra["seconds"])
    run.cut_metrics(-1)
    if run.start_path.exists():
        trainer.load_networks(read_tensors(run.start_path))
    return None

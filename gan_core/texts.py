"""Every English text that the core declares for people, so that all of them can be translated."""

from __future__ import annotations

from collections.abc import Iterator

from gan_core import (
    advice,
    alarms,
    compilation,
    data,
    distributed,
    engine,
    explore,
    foreign,
    guests,
    jobs,
    library,
    preparation,
    worker,
    writing,
)
from gan_core.config import Setting, settings_of
from gan_core.datasets import download, drawn, origins, picture_cache, picture_lists, pictures
from gan_core.evaluation import evaluate as evaluation
from gan_core.evaluation import real_side, subject, thorough
from gan_core.formulas import ALGORITHMS
from gan_core.lab import ablation
from gan_core.metrics import inception, train_classifier
from gan_core.metrics.table import METRICS
from gan_core.models import DISCRIMINATORS, GENERATORS
from gan_core.recipes import RECIPES
from gan_core.recipes.recipe import TERMS, Latents, Optimizer, Recipe, Snapshots, Training
from gan_core.schedules import SCHEDULES
from gan_core.sharing import page_data
from gan_core.stabilizers import Stabilizers

CONFIGS: tuple[type, ...] = (
    *GENERATORS, *DISCRIMINATORS, Latents, *TERMS, Optimizer, *SCHEDULES, Training, Snapshots, Stabilizers,
    origins.PictureSettings, origins.FaceSettings, origins.Folder, origins.Upload,
    explore.SampleRequest, explore.InterpolationRequest, explore.GridRequest, explore.WritingRequest,
    explore.TableRequest, writing.DigitsRequest, ablation.Plan,
)  # fmt: skip
MESSAGES = (
    download.DOWNLOADING,
    download.WAITING,
    drawn.DRAWING,
    picture_cache.PREPARING,
    picture_cache.CHECKING,
    picture_cache.WAITING,
    pictures.SKIPPED,
    *picture_lists.PICTURE,
    foreign.SUMMARY,
    guests.TIME_IS_UP,
    guests.UNWATCHED,
    distributed.LOST,
    jobs.LOST,
    jobs.STARTING,
    worker.COMPILING,
    worker.COMPILED,
    worker.DIVERGED,
    worker.WON,
    worker.FAILED,
    worker.NO_MEMORY,
    preparation.ON_STROKES,
    preparation.EMULATED,
    *engine.REASONS,
    compilation.ON_CPUS,
    compilation.REFUSED,
    *ablation.TEXTS,
    *advice.TEXTS,
    *alarms.TEXTS,
    evaluation.COMPARING,
    inception.DOWNLOADING,
    inception.READING,
    real_side.READING,
    subject.DRAWING,
    subject.FEWER,
    subject.NO_LABELS,
    subject.NO_READER,
    thorough.NO_GAN_TRAIN,
    thorough.NO_INCEPTION,
    thorough.NO_STACKED,
    train_classifier.TRAINING,
    *(text for metric in METRICS for text in (metric.title, metric.help)),
    *explore.MODE_TITLES.values(),
    *explore.MODE_HELP.values(),
    *page_data.WORDS,
    *(text for algorithm in ALGORITHMS.values() for text in (algorithm.title, algorithm.summary, algorithm.source)),
)


def declared_texts() -> Iterator[str]:
    """Each title, tooltip, unit, choice, note, class name and message once, in the order of its declaration.

    Texts without a letter (digits as class names) need no translation and are left out. The sentences of
    :class:`~gan_core.config.UserError` stand where they are raised; a tool that reads source code finds them.
    """
    texts = dict.fromkeys((*_of_recipes(), *_of_configs(), *_of_datasets(), *_of_weights(), *MESSAGES))
    yield from (text for text in texts if any(letter.isalpha() for letter in text))


def _of_recipes() -> Iterator[str]:
    for recipe in RECIPES:
        yield from _of_recipe(recipe)


def _of_recipe(recipe: Recipe) -> Iterator[str]:
    yield from (recipe.title, recipe.summary, recipe.source, *recipe.reported, *recipe.notes)


def _of_configs() -> Iterator[str]:
    for config in CONFIGS:
        yield from (str(getattr(config, name, "")) for name in ("title", "summary", "source"))
        for _, described in settings_of(config):
            yield from _of_setting(described)


def _of_setting(described: Setting) -> Iterator[str]:
    yield from (described.title, described.help, described.unit, described.group, described.source)
    yield from (choice for choice in described.choices if isinstance(choice, str))


def _of_datasets() -> Iterator[str]:
    for source in data.DATASETS:
        yield from (source.title, source.summary, *source.class_names)


def _of_weights() -> Iterator[str]:
    yield from (entry["hardware"] for entry in library.manifest())

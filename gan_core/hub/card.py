"""The model card of a published model: front matter that the Hub reads, and what people should know before using it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_core import library
from gan_core.checkpoints import BundleInfo
from gan_core.config import UserError
from gan_core.data import find_dataset
from gan_core.evaluation.evaluate import Evaluation
from gan_core.evaluation.kept import EvaluationRequest, kept
from gan_core.metrics.classifier import load_reader
from gan_core.recipes.recipe import Optimizer

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

TASK = "unconditional-image-generation"  # the Hub's name for all that draws without a text
# What the Hub calls data sets of ours.
HUB_DATASETS = {
    "mnist": "ylecun/mnist",
    "fashion_mnist": "zalando-datasets/fashion_mnist",
}
MEASURES = {"label_obedience": "Label obedience"}
OBEDIENCE = ("obedience", "label_obedience")  # what the Hub calls accuracy
COUNTS = (10_000, 1000)  # pictures of the evaluations that the Quality page makes, the better ones first


@dataclass(frozen=True)
class Measure:
    """One number of a model; ``extractor`` names the network that looked at the pictures, if any did.

    ``floor`` is what real pictures score in the model's place, where that was measured.
    """

    name: str
    title: str
    value: float
    extractor: str
    floor: float | None = None


def model_card(ref: str, repo: str, info: BundleInfo, license: str, *, curves: bool) -> str:
    """README.md of the repository ``repo`` for the model that ``ref`` names and ``info`` describes.

    Args:
        license: the Hub's short name of a licence, such as "mit".
        curves: whether a picture of the curves is there.
    """
    from huggingface_hub import ModelCardData

    found = measures(ref, info)
    data = ModelCardData(
        license=license,
        library_name="gan-workbench",
        pipeline_tag=TASK,
        tags=["gan", "image-generation", info.recipe.name],
        datasets=HUB_DATASETS.get(info.dataset),
        model_name=repo.partition("/")[2],
        eval_results=[_result(measure, info) for measure in found] or None,
    )
    if not found:
        data.model_name = None  # only the model index needs it
    parts = [
        _opening(info), _usage(repo, info), _training(ref, info), _measured(found, evaluation_of(ref, info), info),
        _limits(ref, info), _origin(info, license),
    ]  # fmt: skip
    if curves:
        parts.insert(3, "![Both losses over the epochs](curves.png)")
    return f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(part for part in parts if part) + "\n"


def measures(ref: str, info: BundleInfo) -> list[Measure]:
    """What was measured of the model: its newest evaluation, or else the numbers that came with it."""
    evaluated = evaluation_of(ref, info)
    if evaluated is not None:
        return [Measure(item.key, item.title, item.value, item.extractor, item.floor) for item in evaluated.measures]
    shipped: Mapping[str, float] = next((entry["metrics"] for entry in library.manifest() if entry["name"] == ref), {})
    numbers: Mapping[str, float] = {**info.metrics, **shipped}
    return [
        Measure(name, MEASURES.get(name, name.replace("_", " ")), value,
                _reader(info.dataset) if name == "label_obedience" else "")
        for name, value in numbers.items()
    ]  # fmt: skip


def evaluation_of(ref: str, info: BundleInfo) -> Evaluation | None:
    """What the Quality page or the command line found out about these very weights, with as many pictures as it did."""
    try:
        requests = (EvaluationRequest(ref, info.dataset, count) for count in COUNTS)
        return next((found for request in requests if (found := kept(request)) is not None), None)
    except (UserError, OSError):
        return None


def _reader(dataset: str) -> str:
    try:
        return load_reader(dataset).title
    except UserError:
        return "a classifier trained apart"


def _result(measure: Measure, info: BundleInfo) -> EvalResult:
    from huggingface_hub import EvalResult

    return EvalResult(
        task_type=TASK, dataset_type=HUB_DATASETS.get(info.dataset, info.dataset), dataset_name=_data_title(info),
        metric_type="accuracy" if measure.name in OBEDIENCE else measure.name, metric_value=measure.value,
        metric_name=f"{measure.title} ({measure.extractor})" if measure.extractor else measure.title,
    )  # fmt: skip


def _data_title(info: BundleInfo) -> str:
    try:
        return find_dataset(info.dataset).title
    except UserError:
        return info.dataset.partition("?")[0].partition(":")[2] or info.dataset


def _opening(info: BundleInfo) -> str:
    channels, height, width = info.image_shape
    colour = "grey" if channels == 1 else "colour"
    classes = f" of the classes {', '.join(info.class_names)}, as asked for" if info.recipe.conditional else ""
    return (
        f"# {info.recipe.title}\n\n{info.recipe.summary}\n\nA generator that turns {info.recipe.latents.size} random "
        f"numbers into a {colour} picture of {height} × {width} pixels{classes}. Made with GAN Workbench.\n\n"
        "![Pictures drawn by this generator](samples.png)"
    )


def _usage(repo: str, info: BundleInfo) -> str:
    labels = " --labels all" if info.recipe.conditional else ""
    return (
        "## How to use it\n\nIn GAN Workbench, open *Library*, *From the Hub*, and enter "
        f"`{repo}`; or on the command line:\n\n```bash\npython -m gan_core pull {repo}\n"
        f"python -m gan_core sample hf:{repo}{labels} --count 100 --seed 1 --out pictures.png\n```\n\n"
        "`model.safetensors` holds the networks' weights and, as metadata, the whole recipe; nothing has to be "
        "unpickled. `config.json` has the same settings to read."
    )


def _training(ref: str, info: BundleInfo) -> str:
    recipe, training = info.recipe, info.recipe.training
    if not recipe.trainable:
        return "## Training\n\nIt was trained elsewhere; this file says no more than how it draws."
    rows = {
        "Recipe": f"`{recipe.name}`: {recipe.title}",
        "Data": f"{_data_title(info)} (`{info.dataset}`)",
        "Length": f"{info.step:,} steps, {info.epoch:.4g} epochs",
        "Batch size": f"{training.batch_size}",
        "Seed": f"{training.seed}",
        "Noise": f"{recipe.latents.size} numbers, {recipe.latents.distribution}",
        "Generator's optimiser": _optimizer(recipe.generator_optimizer),
        "Discriminator's optimiser": _optimizer(recipe.discriminator_optimizer),
        "Generator's loss": ", ".join(f"{term.weight:g} × {term.title}" for term in recipe.generator_terms),
        "Discriminator's loss": ", ".join(f"{term.weight:g} × {term.title}" for term in recipe.discriminator_terms),
        "Precision": training.precision,
        "Weights": "running average of the generator's" if info.averaged else "the last of the training",
        **_machine(ref),
    }
    table = "\n".join(f"| {name} | {text} |" for name, text in rows.items())
    return f"## Training\n\n| | |\n|---|---|\n{table}"


def _optimizer(optimizer: Optimizer) -> str:
    rate = f"{optimizer.algorithm}, learning rate {optimizer.learning_rate:g}"
    return f"{rate}, β₁ {optimizer.beta1:g}, β₂ {optimizer.beta2:g}"


def _machine(ref: str) -> dict[str, str]:
    """How long it took and where, if that is known."""
    entry = next((entry for entry in library.manifest() if entry["name"] == ref), None)
    if entry is not None:
        return {"Time": f"{entry['seconds']:,} s on {entry['hardware']}", "Command": f"`{entry['command']}`"}
    run = library.run_of(ref) if ref.startswith("run:") else None
    status = run.status() if run is not None else None
    return {"Time": f"{status.seconds:,.0f} s on {status.device}"} if status is not None and status.seconds else {}


def _measured(found: list[Measure], evaluated: Evaluation | None, info: BundleInfo) -> str:
    if not found:
        return "## Measures\n\nNone were taken."
    rows = "\n".join(
        f"| {item.title} | {item.value:.4g} | {'–' if item.floor is None else f'{item.floor:.4g}'} | "
        f"{item.extractor or '–'} |" for item in found
    )  # fmt: skip
    how = "" if evaluated is None else (
        f"{evaluated.count:,} pictures of seed {evaluated.seed} against as many of {_data_title(info)}. Real: what as "
        "many real pictures that nobody trained on score in their place.\n\n"
    )  # fmt: skip
    return f"## Measures\n\n{how}| | value | real | measured with |\n|---|---|---|---|\n{rows}"


def _limits(ref: str, info: BundleInfo) -> str:
    planned = info.recipe.training.epochs
    known = info.recipe.trainable
    short = f"- It was trained for {info.epoch:.4g} of the {planned:g} epochs that its recipe plans.\n"
    return (
        "## Limits\n\n"
        f"- It has seen nothing but {_data_title(info) if known else 'its own data'} and draws nothing else; what that "
        "data lacks, it lacks.\n"
        f"{short if known and info.epoch < 0.99 * planned else ''}"
        "- Some pictures are malformed, and a GAN may leave out kinds of pictures that its data has.\n"
        "- The numbers above, if any, hold for these weights and are no promise for another seed."
    )


def _origin(info: BundleInfo, license: str) -> str:
    notes = "\n".join(f"- {note}" for note in info.recipe.notes)
    said = f"\n\nWhere that leaves something open or contradicts itself:\n\n{notes}" if notes else ""
    source = f"The recipe follows: {info.recipe.source}{said}\n\n" if info.recipe.source else ""
    return (
        f"## Source and licence\n\n{source}"
        f"The weights are published under the licence `{license}`. The data has terms of its own."
    )

"""Measures that take minutes each: GAN-train, stacked digits, and the FID of the papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from gan_core.datasets.dataset import Dataset, Notice, Report
from gan_core.evaluation.real_side import cache_path, chosen
from gan_core.evaluation.subject import Scores, Subject
from gan_core.files import write_bytes
from gan_core.metrics.classifier import IMAGE_SHAPE
from gan_core.metrics.frechet import Moments, frechet_distance, moments
from gan_core.metrics.inception import TITLE, find_weights, inception_features, load_inception
from gan_core.metrics.stacked import CHANNELS, STACKED_SAMPLES, stacked_modes
from gan_core.metrics.train_classifier import MIRRORED, accuracy, train_classifier
from gan_core.seeds import stream_seed

TRAIN_COUNT = 20_000  # generated pictures that the classifier of GAN-train learns from
TRAIN_EPOCHS = 6
STACKED_CLASSES = 10
NO_STACKED = "Stacked modes need a classifier of ten classes and a model that draws all of them."
NO_GAN_TRAIN = "GAN-train is measured on grey pictures of 28 × 28 alone."
NO_INCEPTION = (
    "FID as papers report it needs Inception's standard weights, which do not ship: name their file in GAN_INCEPTION "
    "or with --inception."
)


def gan_train(subject: Subject, images: Tensor, seed: int, report: Report) -> Scores:
    """Accuracy on the real test set of a classifier trained on generated pictures alone; the floor's on real ones."""
    side, bundle = subject.side, subject.bundle
    if not bundle.info.recipe.conditional:
        return Scores({}, {})  # the subject has said so already
    if bundle.info.image_shape != IMAGE_SHAPE:
        return Scores({}, {}, notices=(Notice(NO_GAN_TRAIN, {}),))
    real = chosen(side.training, TRAIN_COUNT)

    def measured(train: Dataset) -> float:
        mirror = subject.dataset in MIRRORED
        return accuracy(train_classifier(train, TRAIN_EPOCHS, seed=0, mirror=mirror, report=report), side.test)

    made = replace(real, images=subject.draw(len(real), real.labels, seed, report))
    floor = side.kept(f"gan-train-{TRAIN_COUNT}-{TRAIN_EPOCHS}", lambda: measured(real))
    return Scores({"gan_train": measured(made)}, {"gan_train": floor})


def stacked(subject: Subject, images: Tensor, seed: int, report: Report) -> Scores:
    """Modes and divergence of 26,000 stacks of three independent samples, with classes drawn uniformly."""
    reader, count = subject.reader, STACKED_SAMPLES * CHANNELS
    if reader is None or len(subject.classes) != STACKED_CLASSES:
        return Scores({}, {}, notices=(Notice(NO_STACKED, {}),))
    source = torch.Generator().manual_seed(stream_seed(seed, "stacked"))
    labels = torch.randint(STACKED_CLASSES, (count,), generator=source) if subject.asked is not None else None
    found = stacked_modes(reader.classify(subject.draw(count, labels, seed, report)))
    values: Mapping[str, float] = {"stacked_modes": float(found.modes), "stacked_divergence": found.divergence}

    def of_real() -> dict[str, float]:
        read = reader.classify(subject.side.test.images)
        picked = torch.randint(len(read), (count,), generator=torch.Generator().manual_seed(0))
        real = stacked_modes(read[picked])
        return {"stacked_modes": float(real.modes), "stacked_divergence": real.divergence}

    return Scores(values, subject.side.kept("stacked", of_real), reader.title)


def inception(subject: Subject, images: Tensor, seed: int, report: Report) -> Scores:
    """FID on Inception's features, where the weights are at hand; an hour on a CPU, less than a minute on a GPU."""
    path = find_weights()
    if path is None:
        return Scores({}, {}, notices=(Notice(NO_INCEPTION, {}),))
    network = load_inception(path).to(next(subject.bundle.generator.parameters()).device)
    side = subject.side
    real = _kept_moments(network, side.reference, f"{side.kept_as}-inception", report)
    floor = side.kept(
        "inception-floor", lambda: frechet_distance(real, moments(_features(network, side.held, report)))
    )
    distance = frechet_distance(real, moments(inception_features(network, images, report)))
    return Scores({"inception_fid": distance}, {"inception_fid": floor}, TITLE)


# Name → measure, in the order in which they are taken; each is given the pictures that were drawn anyway.
THOROUGH: Mapping[str, Callable[[Subject, Tensor, int, Report], Scores]] = {
    "gan_train": gan_train,
    "stacked": stacked,
    "inception": inception,
}


def _features(network: nn.Module, pictures: Dataset, report: Report) -> Tensor:
    return inception_features(network, pictures.batch(torch.arange(len(pictures)))[0], report)


def _kept_moments(network: nn.Module, pictures: Dataset, name: str, report: Report) -> Moments:
    path = cache_path(f"{name}.safetensors")
    try:
        with safe_open(str(path), framework="pt") as stream:
            return Moments(stream.get_tensor("mean"), stream.get_tensor("covariance"))
    except (OSError, SafetensorError):
        found = moments(_features(network, pictures, report))
        write_bytes(path, save({"mean": found.mean, "covariance": found.covariance}))
        return found

"""``python -m gan_core.metrics.train_classifier DATASET``: trains the classifier that ships in weights/."""

from __future__ import annotations

import argparse
import os
import time

import torch
from torch import Tensor
from torch.nn import functional

from gan_core.data import Dataset, Report, find_dataset
from gan_core.datasets.dataset import silent
from gan_core.devices import faster_precision
from gan_core.metrics.classifier import BATCH, Classifier, classifier_path, save_classifier

LEARNING_RATE = 2e-3
SHIFT = 2  # pixels, the most that a training picture is moved either way
MIRRORED = frozenset({"fashion_mnist"})  # sets whose pictures mean the same in a mirror
TRAINING = "Training a classifier: epoch {epoch} of {epochs}"


def train_classifier(
    train: Dataset, epochs: int, seed: int, *, mirror: bool, report: Report = silent
) -> Classifier:
    """A classifier for ``train``; pictures are shifted at random, and mirrored where ``mirror`` allows it.

    The global random source is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _trained(train, epochs, mirror, report)


def _trained(train: Dataset, epochs: int, mirror: bool, report: Report) -> Classifier:
    module = Classifier(len(train.class_names))
    optimizer = torch.optim.AdamW(module.parameters(), LEARNING_RATE, weight_decay=1e-2, fused=True)
    steps = len(train) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=epochs * steps)
    halved = faster_precision(torch.device("cpu")) == "bfloat16"  # many times slower on a CPU that does not have it
    for epoch in range(epochs):
        report(TRAINING, epoch=epoch + 1, epochs=epochs)
        order = torch.randperm(len(train))
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            with torch.autocast("cpu", torch.bfloat16, enabled=halved):
                logits = module(augment(train.images[chosen], mirror=mirror))
            loss = functional.cross_entropy(logits.float(), train.labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    return module.eval()


def augment(images: Tensor, *, mirror: bool) -> Tensor:
    """uint8 (N, 1, H, W) moved by up to SHIFT pixels, each its own way, and half of them mirrored if asked."""
    count, _, height, width = images.shape
    padded = functional.pad(images, (SHIFT,) * 4)
    top, left = torch.randint(2 * SHIFT + 1, (2, count, 1, 1))
    rows = top + torch.arange(height)[None, :, None]  # (N, H, 1)
    columns = left + torch.arange(width)[None, None, :]  # (N, 1, W)
    if mirror:
        columns = torch.where(torch.rand(count, 1, 1) < 0.5, columns.flip(2), columns)
    return padded[torch.arange(count)[:, None, None], 0, rows, columns].unsqueeze(1)


@torch.inference_mode()
def accuracy(module: Classifier, test: Dataset) -> float:
    """Share of ``test`` that is read right."""
    answers = torch.cat([module(part).argmax(1) for part in torch.split(test.images, BATCH)])
    return (answers == test.labels).float().mean().item()


def _say(text: str, /, **values: object) -> None:
    print(text.format(**values), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    source, began = find_dataset(arguments.dataset), time.monotonic()
    module = train_classifier(
        source.load("train"), arguments.epochs, arguments.seed, mirror=arguments.dataset in MIRRORED, report=_say
    )
    reached = accuracy(module, source.load("test"))
    path = classifier_path(arguments.dataset)
    save_classifier(path, module, {
        "dataset": arguments.dataset, "accuracy": reached, "seed": arguments.seed, "epochs": arguments.epochs,
        "seconds": round(time.monotonic() - began), "hardware": f"CPU, {torch.get_num_threads()} of {os.cpu_count()}",
    })  # fmt: skip
    print(f"{path}: {reached:.4f} of the test set read right")


if __name__ == "__main__":
    main()

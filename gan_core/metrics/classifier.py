"""The reader: a small convolutional classifier trained on real pictures, whose answers and features metrics use."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from gan_core.config import UserError
from gan_core.files import write_bytes

FEATURES = 128
BATCH = 256
IMAGE_SHAPE = (1, 28, 28)
# Digits of other sources, in MNIST's layout, are read by MNIST's classifier.
READ_AS = {"strokes": "mnist", "qmnist": "mnist", "emnist_digits": "mnist", "usps": "mnist"}


class Classifier(nn.Module):
    """uint8 pictures (N, 1, 28, 28) -> logits (N, classes); :meth:`features` gives (N, 128) before the last layer."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((1, 32), (32, 64), (64, 128)):
            layers += [
                nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.MaxPool2d(2), nn.ReLU()
            ]  # fmt: skip
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 3 * 3, FEATURES), nn.ReLU())
        self.dropout = nn.Dropout(0.4)
        self.head = nn.Linear(FEATURES, classes)

    def features(self, images: Tensor) -> Tensor:
        """float32 (N, 128), not negative, from uint8 (N, 1, 28, 28)."""
        features: Tensor = self.body(images.to(torch.float32) / 255)
        return features

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.features(images)))
        return logits


@dataclass(frozen=True)
class Reading:
    """What the reader sees in pictures: ``features`` float32 (N, 128), not negative, and ``classes`` int64 (N,)."""

    features: Tensor
    classes: Tensor


@dataclass(frozen=True)
class Reader:
    """A trained classifier, the data set it was trained on, its accuracy there on the test set, and its file's hash."""

    module: Classifier
    dataset: str
    accuracy: float
    sha256: str

    @property
    def title(self) -> str:
        """What scores on these features are named for: the data set and the first digits of the file's hash."""
        return f"{self.dataset} classifier {self.sha256[:8]}"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures that it reads."""
        return IMAGE_SHAPE

    def to(self, device: torch.device | str) -> Reader:
        """A copy that computes on ``device``; answers always come back to the CPU."""
        return replace(self, module=copy.deepcopy(self.module).to(device))

    @torch.inference_mode()
    def read(self, images: Tensor) -> Reading:
        """Features and classes of uint8 (N, 1, 28, 28), in one pass."""
        device = next(self.module.parameters()).device
        parts = [self.module.features(part.to(device)) for part in torch.split(images, BATCH)]
        classes = torch.cat([self.module.head(part).argmax(1) for part in parts])
        return Reading(torch.cat(parts).cpu(), classes.cpu())

    def classify(self, images: Tensor) -> Tensor:
        """The class read in each of uint8 (N, 1, 28, 28), int64 (N,)."""
        return self.read(images).classes

    def features(self, images: Tensor) -> Tensor:
        """float32 (N, 128) of uint8 (N, 1, 28, 28)."""
        return self.read(images).features


def classifier_path(dataset: str) -> Path:
    """Where the shipped classifier that reads a data set is."""
    name = READ_AS.get(dataset, dataset)
    return Path(__file__).resolve().parents[2] / "weights" / f"classifier_{name}.safetensors"


def has_reader(dataset: str) -> bool:
    """Whether a classifier for the data set ships."""
    return classifier_path(dataset).is_file()


@functools.lru_cache(maxsize=4)
def load_reader(dataset: str) -> Reader:
    """The shipped classifier for a data set, on the CPU; MNIST's reads all sets of digits.

    Raises:
        UserError: none ships for this data set, or its file is damaged.
    """
    path = classifier_path(dataset)
    if not path.is_file():
        raise UserError("There is no classifier for the data set {dataset}.", dataset=dataset)
    module = Classifier()
    try:
        with safe_open(str(path), framework="pt") as stream:
            described = json.loads(stream.metadata()["classifier"])
        module.load_state_dict(load_file(path))
    except Exception as error:
        raise UserError("The classifier {file} is damaged; get it again.", file=path.name) from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Reader(module.eval().requires_grad_(False), described["dataset"], described["accuracy"], digest)


def save_classifier(path: Path, module: Classifier, description: dict[str, object]) -> None:
    """Write the weights with what is known of them ("dataset", "accuracy", "seed", "epochs", …)."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    write_bytes(path, save(tensors, {"classifier": json.dumps(description)}), durable=True)

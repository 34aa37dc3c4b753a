"""The classifier that learns from pictures learns in arithmetic that the processor has."""

import pytest
import torch
from torch import Tensor, nn

from gan_core.data import Dataset
from gan_core.metrics import train_classifier as training
from gan_core.metrics.classifier import Classifier

COUNT = 8


@pytest.mark.parametrize("faster", ["float32", "bfloat16"])
def test_layers_compute_in_the_faster_precision(faster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: set[torch.dtype] = set()

    class Watched(Classifier):
        def __init__(self, classes: int) -> None:
            super().__init__(classes)
            self.head.register_forward_hook(self.note)

        @staticmethod
        def note(_head: nn.Module, _inputs: tuple[Tensor, ...], answer: Tensor) -> None:
            kinds.add(answer.dtype)

    monkeypatch.setattr(training, "Classifier", Watched)
    monkeypatch.setattr(training, "BATCH", COUNT)
    monkeypatch.setattr(training, "faster_precision", lambda device: faster)
    images = torch.zeros(COUNT, 1, 28, 28, dtype=torch.uint8)
    train = Dataset("zeros", images, torch.zeros(COUNT, dtype=torch.int64), ("0", "1"))
    training.train_classifier(train, 1, seed=0, mirror=False)
    assert kinds == {getattr(torch, faster)}

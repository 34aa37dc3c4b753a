"""What can be asked of a trained model: frozen requests in, uint8 pictures out.

    tiles = pictures(SampleRequest("cgan", seed=3, count=10, labels=(7,)))      # (10, 28, 28)

The same request always gives the same pictures, picture i of a seed is the same in every request, and the last answers
are remembered, so that a slider over them costs nothing.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from gan_core import latent
from gan_core.checkpoints import BundleInfo
from gan_core.config import UserError, Validated, setting
from gan_core.images import Pixels
from gan_core.library import Model, describe, find_path, models, open_model
from gan_core.sampling import cycle_labels, draw_latents, generate, pixels
from gan_core.seeds import stream_seed

MOST_SEED = 2**31 - 1
REMEMBERED = 64  # answers; 64 films of 96 frames of 28×28 are 5 MB

MODE_TITLES = {"matched": "Matched", "slerp": "Slerp (circle)", "lerp": "Lerp (line)"}
MODE_HELP = {
    "matched": "Mixes the noise, then gives each number back the distribution that the generator was trained on.",
    "slerp": "Turns from one noise vector to the next as on a globe; its length changes evenly.",
    "lerp": "Mixes the noise number by number, as the textbook does; half way it is weaker than any the model knows.",
}


class Request(Protocol):
    """What every request knows: its model and what that model's generator is to be fed."""

    @property
    def model(self) -> str: ...

    def __hash__(self) -> int: ...

    def inputs(self, info: BundleInfo) -> tuple[Tensor, Tensor | None]:
        """(z (N, latent), labels (N,) or (N, classes) or None); UserError where the model cannot do it."""
        ...


@dataclass(frozen=True)
class Anchor:
    """Picture ``index`` of ``seed``; ``label`` is its class where the model has classes."""

    seed: int = 1
    index: int = 0
    label: int = 0


@dataclass(frozen=True)
class SampleRequest(Validated):
    """Pictures ``first`` … of a seed; ``labels`` cycle over them, all classes where none are given."""

    model: str
    seed: int = setting(1, title="Seed", help="The same seed always gives the same pictures.",
                        minimum=0, maximum=MOST_SEED)
    count: int = setting(20, title="Pictures", help="How many to draw.", minimum=1, maximum=400)
    labels: tuple[int, ...] = ()
    first: int = 0

    def inputs(self, info: BundleInfo) -> tuple[Tensor, Tensor | None]:
        z = draw_latents(info.recipe.latents, self.seed, self.count, self.first)
        if not info.recipe.conditional:
            return z, None
        labels = self.labels or tuple(range(info.shapes.classes))
        return z, cycle_labels(self.count, checked_labels(info, labels))


@dataclass(frozen=True)
class InterpolationRequest(Validated):
    """A way through two to four anchors; where their classes differ, the class changes along with the noise."""

    model: str
    anchors: tuple[Anchor, ...]
    frames: int = setting(33, title="Frames", help="How many pictures the whole way has.", minimum=2, maximum=240)
    mode: str = setting("matched", title="Way of mixing", help="How the noise between two pictures is made.",
                        choices=latent.MODES)
    closed: bool = setting(False, title="Back to the start", help="Ends where it began, so that it can play for ever.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= len(self.anchors) <= latent.MOST_ANCHORS:
            raise UserError("Choose between two and {most} pictures to go through.", most=latent.MOST_ANCHORS)

    def inputs(self, info: BundleInfo) -> tuple[Tensor, Tensor | None]:
        z = latent.path(anchor_latents(info, self.anchors), self.frames, self.mode, closed=self.closed,
                        distribution=info.recipe.latents.distribution)  # fmt: skip
        weights = latent.path_weights(len(self.anchors), self.frames, closed=self.closed)
        return z, mixed_labels(info, self.anchors, weights)


@dataclass(frozen=True)
class GridRequest(Validated):
    """A sheet between four corners: top left, top right, bottom left, bottom right."""

    model: str
    corners: tuple[Anchor, ...]
    rows: int = setting(8, title="Rows", help="Pictures from top to bottom.", minimum=2, maximum=20)
    columns: int = setting(8, title="Columns", help="Pictures from left to right.", minimum=2, maximum=20)
    mode: str = setting("matched", title="Way of mixing", help="How the noise between the corners is made.",
                        choices=latent.MODES)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.corners) != 4:
            raise UserError("A grid needs four pictures, one for each corner.")

    def inputs(self, info: BundleInfo) -> tuple[Tensor, Tensor | None]:
        z = latent.grid(anchor_latents(info, self.corners), self.rows, self.columns, self.mode,
                        distribution=info.recipe.latents.distribution)  # fmt: skip
        return z, mixed_labels(info, self.corners, latent.grid_weights(self.rows, self.columns))


@dataclass(frozen=True)
class WritingRequest(Validated):
    """The classes ``labels`` written one after another by one hand: picture ``hand`` of ``seed``."""

    model: str
    labels: tuple[int, ...]
    seed: int = setting(1, title="Style", help="Each number is another handwriting.", minimum=0, maximum=MOST_SEED)
    hand: int = 0
    variation: float = setting(
        0.25, title="Liveliness", minimum=0.0, maximum=1.0,
        help="0 draws equal digits exactly alike; 1 takes another handwriting for each; people are in between.",
    )

    def inputs(self, info: BundleInfo) -> tuple[Tensor, Tensor | None]:
        labels = checked_labels(info, self.labels)
        latents = info.recipe.latents
        style = draw_latents(latents, self.seed, 1, self.hand)
        own = draw_latents(latents, stream_seed(self.seed, f"writing of hand {self.hand}"), len(labels))
        angle = self.variation * math.pi / 2
        weights = torch.tensor([[math.cos(angle), math.sin(angle) if self.variation else 0.0]])
        z = torch.cat([
            latent.matched(torch.cat([style, row.unsqueeze(0)]), weights, latents.distribution) for row in own
        ])  # fmt: skip
        return z, torch.tensor(labels)


@dataclass(frozen=True)
class TableRequest(Validated):
    """Hands in rows, all classes in columns: row r is the style of picture ``first + r`` of the seed."""

    model: str
    seed: int = setting(1, title="Style", help="Each number is another handwriting.", minimum=0, maximum=MOST_SEED)
    hands: int = setting(6, title="Hands", help="How many handwritings, one in each row.", minimum=1, maximum=24)
    first: int = 0

    def inputs(self, info: BundleInfo) -> tuple[Tensor, Tensor | None]:
        classes = len(checked_labels(info, range(info.shapes.classes)))
        z = draw_latents(info.recipe.latents, self.seed, self.hands, self.first)
        return z.repeat_interleave(classes, dim=0), torch.arange(classes).repeat(self.hands)


def pictures(request: Request) -> Pixels:
    """The answer: uint8 (N, H, W) for grey pictures, (N, H, W, 3) for colour; read-only, since it is remembered.

    Raises:
        UserError: the model is gone or damaged, or cannot do what the request asks.
    """
    # The file and its time are part of the key: a run's newest networks change under the same reference.
    path = find_path(request.model)
    return _pictures(request, path, path.stat().st_mtime_ns)


def anchor_latents(info: BundleInfo, anchors: Sequence[Anchor]) -> Tensor:
    """z (len(anchors), latent)."""
    return torch.cat([draw_latents(info.recipe.latents, anchor.seed, 1, anchor.index) for anchor in anchors])


def mixed_labels(info: BundleInfo, anchors: Sequence[Anchor], weights: Tensor) -> Tensor | None:
    """Class weights float32 (n, classes) for anchors mixed by (n, k); classes (n,) where all anchors share one."""
    if not info.recipe.conditional:
        return None
    labels = torch.tensor(checked_labels(info, [anchor.label for anchor in anchors]))
    if bool((labels == labels[0]).all()):
        return labels[:1].expand(weights.shape[0])
    return (weights @ functional.one_hot(labels, info.shapes.classes).to(weights.dtype)).float()


def checked_labels(info: BundleInfo, labels: Sequence[int]) -> tuple[int, ...]:
    """The labels, once it is sure that the model has such classes."""
    if not info.recipe.conditional:
        raise UserError(
            "{title} learned without labels and draws whatever comes; choose a conditional model to choose the class.",
            title=info.recipe.title,
        )
    for label in labels:
        if not 0 <= label < info.shapes.classes:
            raise UserError("This model has the classes 0 to {last}, not {label}.",
                            last=info.shapes.classes - 1, label=label)  # fmt: skip
    return tuple(labels)


def nearest_conditional(ref: str) -> Model | None:
    """The conditional model most like ``ref``: of the same data set if there is one, else of the same picture size.

    Among equals the list's order decides, which has the bundled ones first.
    """
    own = describe(ref)
    ranked: list[tuple[int, Model]] = []
    for model in models():
        try:
            info = describe(model.ref)
        except UserError:  # a damaged file is no offer
            continue
        if info.recipe.conditional:
            distance = 2 * (info.dataset != own.dataset) + (info.image_shape != own.image_shape)
            ranked.append((distance, model))
    return min(ranked, key=lambda entry: entry[0])[1] if ranked else None


@functools.lru_cache(maxsize=REMEMBERED)
def _pictures(request: Request, path: Path, changed: int) -> Pixels:
    bundle = open_model(request.model)
    z, labels = request.inputs(bundle.info)
    tiles = pixels(generate(bundle.generator, z, labels, bundle.info.recipe.generator.pixel_range))
    tiles.setflags(write=False)
    return tiles

"""From latents to uint8 pictures; picture i of a seed is the same whatever else is drawn with it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_core.images import Pixels
from gan_core.recipes.recipe import Latents
from gan_core.seeds import stream_seed

# Networks always see batches of this size, the last one padded: kernels may round differently for other sizes.
CHUNK = 32


def draw_latents(latents: Latents, seed: int, count: int, first: int = 0) -> Tensor:
    """z (count, size), float32: pictures ``first`` … of ``seed``, each from a random source of its own."""
    rows = torch.empty(count, latents.size)
    for index, row in enumerate(rows, first):
        source = torch.Generator().manual_seed(stream_seed(seed, f"picture {index}"))
        if latents.distribution == "normal":
            row.normal_(generator=source)
        else:
            row.uniform_(-1, 1, generator=source)
    return rows


def cycle_labels(count: int, labels: Sequence[int]) -> Tensor:
    """``labels`` repeated over ``count`` samples, int64 (count,)."""
    return torch.tensor([labels[index % len(labels)] for index in range(count)], dtype=torch.int64)


@torch.inference_mode()
def generate(
    generator: nn.Module, z: Tensor, labels: Tensor | None, pixel_range: tuple[float, float]
) -> Tensor:
    """uint8 (N, C, H, W) on the CPU from z (N, latent); leaves the generator's mode as it was.

    ``labels`` are classes, int64 (N,), or weights of all classes, float32 (N, classes), that mix their embeddings.
    """
    return torch.cat([to_uint8(images, pixel_range) for images, _ in _chunks(generator, None, z, labels)])


@torch.inference_mode()
def generate_judged(
    generator: nn.Module,
    discriminator: nn.Module,
    z: Tensor,
    labels: Tensor | None,
    pixel_range: tuple[float, float],
) -> tuple[Tensor, list[float]]:
    """(uint8 (N, C, H, W), the discriminator's D(G(z)) in [0, 1] for each)."""
    parts = list(_chunks(generator, discriminator, z, labels))
    verdicts = torch.cat([verdict for _, verdict in parts if verdict is not None])
    return torch.cat([to_uint8(images, pixel_range) for images, _ in parts]), verdicts.tolist()


def to_uint8(images: Tensor, pixel_range: tuple[float, float]) -> Tensor:
    """Pictures in ``pixel_range`` as uint8 on the CPU, rounded to the nearest."""
    low, high = pixel_range
    return ((images.float() - low) * (255 / (high - low))).round().clamp(0, 255).to(torch.uint8).cpu()


def pixels(images: Tensor) -> Pixels:
    """uint8 (N, C, H, W) as an array (N, H, W) for grey pictures and (N, H, W, 3) for colour."""
    array: Pixels = images.numpy()
    return array[:, 0] if array.shape[1] == 1 else array.transpose(0, 2, 3, 1)


def _chunks(
    generator: nn.Module, discriminator: nn.Module | None, z: Tensor, labels: Tensor | None
) -> list[tuple[Tensor, Tensor | None]]:
    device = next(generator.parameters()).device
    modes = [(module, module.training) for module in (generator, discriminator) if module is not None]
    for module, _ in modes:
        module.eval()
    parts = []
    for start in range(0, z.shape[0], CHUNK):
        part = z[start : start + CHUNK]
        missing = CHUNK - part.shape[0]
        padded = torch.cat([part, part[-1:].expand(missing, -1)]).to(device)
        classes = None
        if labels is not None:
            chosen = labels[start : start + CHUNK]
            classes = torch.cat([chosen, chosen[-1:].expand(missing, *chosen.shape[1:])]).to(device)
        images = generator(padded, classes)
        verdict = None
        if discriminator is not None:
            verdict = discriminator(images, classes).logits.float().sigmoid().cpu()
            # A discriminator that judges packs of pictures gives each picture its pack's verdict.
            verdict = verdict.repeat_interleave(CHUNK // verdict.shape[0])[: part.shape[0]]
        parts.append((images[: part.shape[0]], verdict))
    for module, training in modes:
        module.train(training)
    return parts

"""What a shared script does beside its model; its functions are copied into the script as they stand here.

They need torch and safetensors alone: no numpy and no Pillow, so pictures are written by hand.
"""

from __future__ import annotations

import argparse
import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from gan_core.images import GAP
from gan_core.recipes.recipe import Latents
from gan_core.sampling import CHUNK, cycle_labels, draw_latents, to_uint8

WEIGHTS = "model.safetensors"  # beside the script


def load_generator(generator: nn.Module, path: Path) -> nn.Module:
    """The generator with the weights in ``path``, ready to draw."""
    tensors = load_file(path)
    prefix = "generator."
    weights = {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}
    generator.load_state_dict({key: v.float() if v.is_floating_point() else v for key, v in weights.items()})
    return generator.eval()


@torch.inference_mode()
def generate(
    generator: nn.Module, z: Tensor, labels: Tensor | None, pixel_range: tuple[float, float]
) -> Tensor:
    """uint8 (N, C, H, W) from z (N, latent) and classes (N,).

    The network always sees batches of one size, the last one padded: kernels may round differently for others.
    """
    parts = []
    for start in range(0, len(z), CHUNK):
        rows = torch.arange(start, start + CHUNK).clamp_max(len(z) - 1)
        images = generator(z[rows], None if labels is None else labels[rows])
        parts.append(to_uint8(images, pixel_range))
    return torch.cat(parts)[: len(z)]


def tile(images: Tensor, columns: int) -> Tensor:
    """Pictures (N, C, H, W) in reading order as one sheet (C, height, width), with black gaps."""
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    sheet = torch.zeros(channels, rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, dtype=torch.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[:, top : top + height, left : left + width] = image
    return sheet


def png(sheet: Tensor) -> bytes:
    """The bytes of a PNG file of uint8 (1 or 3, height, width)."""
    channels, height, width = sheet.shape
    rows = torch.cat([torch.zeros(height, 1, dtype=torch.uint8), sheet.permute(1, 2, 0).reshape(height, -1)], 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows.flatten().tolist()))), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def read_labels(text: str, names: Sequence[str]) -> list[int]:
    """The classes that a text such as "3,1,4" asks for; all of them where it is empty."""
    if not text:
        return list(range(len(names)))
    if not all(part.strip().isdecimal() and int(part) < len(names) for part in text.split(",")):
        raise SystemExit(f"--labels takes numbers from 0 to {len(names) - 1} with commas between them.")
    return [int(part) for part in text.split(",")]


def main(generator: nn.Module, latents: Latents, pixel_range: tuple[float, float], class_names: Sequence[str]) -> None:
    """Draw a sheet of pictures; ``class_names`` is empty for a model that learned without labels."""
    parser = argparse.ArgumentParser(description="Draw pictures with the generator of this folder.")
    parser.add_argument("--out", type=Path, default=Path("pictures.png"), help="the PNG file to write")
    parser.add_argument("--count", type=int, default=100, help="how many pictures")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same pictures")
    if class_names:
        said = ", ".join(name if name == str(label) else f"{label} {name}" for label, name in enumerate(class_names))
        parser.add_argument("--labels", default="", help=f"classes to cycle over: {said}".replace("%", "%%"))
    options = parser.parse_args()
    if options.count < 1 or options.seed < 0:
        parser.error("--count must be at least 1, and --seed at least 0.")
    classes = read_labels(options.labels, class_names) if class_names else []
    z = draw_latents(latents, options.seed, options.count)
    labels = cycle_labels(options.count, classes) if classes else None
    load_generator(generator, Path(__file__).with_name(WEIGHTS))
    images = generate(generator, z, labels, pixel_range)
    columns = len(classes) if 1 < len(classes) <= options.count else math.ceil(math.sqrt(options.count))
    options.out.write_bytes(png(tile(images, columns)))
    print(options.out)

"""Inception-V3 as FID uses it: the network of 2015 that TensorFlow published, with its own pooling and resizing.

Heusel et al. 2017 (arXiv:1706.08500). The weights do not ship with the project: they are 96 MB, in the file that all
ports of FID to torch use. It is believed only if its SHA-256 is right, and nothing but tensors is read from it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import socket
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import inception as blocks

from gan_core.config import UserError
from gan_core.datasets.dataset import Report, cache_dir, silent

FILE = "pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
TITLE = f"Inception-V3 {SHA256[:8]}"
CLASSES = 1008
SIDE = 299  # pixels
BATCH = 32
SILENCE_SECONDS = 15.0  # the longest that the server may keep a download waiting
READING = "Reading pictures with Inception-V3: {done} of {count}"
DOWNLOADING = "Downloading Inception's weights, 96 MB"


class _Repooled(nn.Module):
    """One of torchvision's blocks whose last branch pools otherwise."""

    def __init__(self, block: nn.Module, *, largest: bool) -> None:
        super().__init__()
        self.block, self.largest = block, largest

    def forward(self, x: Tensor) -> Tensor:
        *others, _ = self.block._forward(x)  # type: ignore[operator]
        if self.largest:
            pooled = functional.max_pool2d(x, 3, stride=1, padding=1)
        else:  # TensorFlow's mean is over the pixels that are there, torch's counts the padding in
            pooled = functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        return torch.cat([*others, self.block.branch_pool(pooled)], dim=1)  # type: ignore[operator]


def build_inception() -> nn.Module:
    """The network without weights: float32 (N, 3, 299, 299) in [-1, 1] -> class scores (N, 1008)."""
    network: nn.Module = blocks.Inception3(
        num_classes=CLASSES, aux_logits=False, transform_input=False, init_weights=False
    )
    return network.eval().requires_grad_(False)


def feature_network(network: nn.Module) -> nn.Module:
    """:func:`build_inception`'s network, filled, as FID uses it: features (N, 2048) instead of class scores."""
    averaged = ("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7b")
    for name in (*averaged, "Mixed_7c"):
        setattr(network, name, _Repooled(getattr(network, name), largest=name == "Mixed_7c"))
    network.fc = nn.Identity()
    return network


def resize(images: Tensor, side: int = SIDE) -> Tensor:
    """Pictures (N, C, H, W) of any numbers, bilinearly to (N, C, side, side) as TensorFlow 1 did, float32.

    Its grid starts at the corner of the first pixel and not at its centre: output i lies at i · H / side.
    """
    rows, columns = (_interpolation(size, side).to(images.device) for size in images.shape[2:])
    return rows @ images.float() @ columns.T


@torch.inference_mode()
def inception_features(network: nn.Module, images: Tensor, report: Report = silent) -> Tensor:
    """float32 (N, 2048) of uint8 (N, 1 or 3, H, W); grey pictures become three equal channels."""
    device = next(network.parameters()).device
    parts: list[Tensor] = []
    for part in torch.split(images, BATCH):
        report(READING, done=len(parts) * BATCH, count=len(images))
        coloured = part.to(device).expand(-1, 3, -1, -1)
        parts.append(network((resize(coloured) - 128) / 128).float().cpu())
    return torch.cat(parts)


def find_weights() -> Path | None:
    """The file of weights: that of GAN_INCEPTION, or one downloaded before; None where there is none."""
    named = os.environ.get("GAN_INCEPTION", "")
    path = Path(named) if named else _download_path()
    return path if path.is_file() else None


@functools.lru_cache(maxsize=1)
def load_inception(path: Path) -> nn.Module:
    """The feature network with the weights in ``path``, on the CPU.

    Raises:
        UserError: it cannot be read or is another file than the standard one.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError("Inception's weights cannot be read from {file}; check the path.", file=path) from error
    if digest != SHA256:
        raise UserError(
            "{file} is not the standard file of Inception's weights ({name}); its SHA-256 is another. Get it again.",
            file=path, name=FILE,
        )  # fmt: skip
    network = build_inception()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return feature_network(network)


def download_weights(report: Report = silent) -> Path:
    """Fetch the weights into the cache, unless they are there.

    Raises:
        UserError: they cannot be had, or something else came in their place.
    """
    path = _download_path()
    if path.is_file():
        return path
    report(DOWNLOADING)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE_SECONDS)
    try:
        torch.hub.download_url_to_file(URL, str(path), hash_prefix=SHA256, progress=False)
    except (OSError, URLError, RuntimeError) as error:
        raise UserError(
            "Inception's weights could not be downloaded; get {name} on another machine and give its path.", name=FILE
        ) from error
    finally:
        socket.setdefaulttimeout(before)
    return path


def _download_path() -> Path:
    return cache_dir() / FILE


@functools.lru_cache(maxsize=8)
def _interpolation(size: int, side: int) -> Tensor:
    """The matrix (side, size) that takes a line of pixels to its resized one."""
    places = torch.arange(side, dtype=torch.float64) * size / side
    lower = places.long()
    matrix = torch.zeros(side, size, dtype=torch.float64)
    rows = torch.arange(side)
    matrix[rows, lower] += 1 - (places - lower)
    matrix[rows, (lower + 1).clamp_max(size - 1)] += places - lower
    return matrix.float()

"""Where to compute: which devices torch can use here, by the names that people give them."""

from __future__ import annotations

import functools

import torch

from gan_core.config import UserError


def pick_device(name: str) -> torch.device:
    """The torch device for "auto", "cpu", "cuda[:n]" or "mps"; UserError where it is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    counts = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    kind, colon, index = name.partition(":")
    if kind not in counts or (colon and not index.isdecimal()):
        raise UserError("There is no device {name!r}; choose auto, cpu, cuda or mps.", name=name)
    if not counts[kind]:
        raise UserError("This machine has no {kind} device that torch can use; choose auto or cpu.", kind=kind)
    if colon and int(index) >= counts[kind]:
        raise UserError(
            "This machine has {count} {kind} devices, counted from 0; choose another than {name!r}.",
            count=counts[kind], kind=kind, name=name,
        )  # fmt: skip
    return torch.device(name)


def device_title(device: torch.device) -> str:
    """The device in words, for the status and the manifest."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type


@functools.cache
def available_devices() -> dict[str, str]:
    """Name for :func:`pick_device` → the device in words, "auto" first; a machine keeps what it has."""
    names = ["auto"]
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        names += ["cuda"] if count == 1 else [f"cuda:{index}" for index in range(count)]
    if torch.backends.mps.is_available():
        names.append("mps")
    return {name: device_title(pick_device(name)) for name in [*names, "cpu"]}

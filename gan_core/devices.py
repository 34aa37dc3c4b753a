"""Where to compute: which devices torch can use here, by the names that people give them."""

from __future__ import annotations

import ctypes
import functools
import math
import time
from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional

from gan_core.config import UserError

# glibc's names (malloc.h) for mallopt: how much free memory at the end of the heap is kept, and how many large pieces
# may come from the system one by one.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
HOPELESS = 5  # so many times slower for one picture: no batch can make up for it
CLEARLY = 1.2  # so many times faster, since a run that changes its precision for less would only be harder to repeat
ROUNDS = 6  # of which the first warms up


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


@functools.cache
def faster_precision(device: torch.device) -> str:
    """"bfloat16" where this processor computes layers clearly faster in it, else "float32".

    A CPU is measured, which takes some 0.1 s, or 0.3 s where it does not have it. A GPU is known: from compute
    capability 8.0 (Ampere) on it is faster.
    """
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float32"
    if device.type != "cpu" or emulates_bfloat16(device):  # which would take seconds for a whole batch
        return "float32"
    long, short = _seconds_of_layers(16, ROUNDS, torch.float32, torch.bfloat16)
    return "bfloat16" if long > CLEARLY * short else "float32"


@functools.cache
def emulates_bfloat16(device: torch.device) -> bool:
    """Whether it is a CPU without bfloat16, on which torch computes it at a small part of float32's speed."""
    if device.type != "cpu":
        return False
    long, short = _seconds_of_layers(1, 2, torch.float32, torch.bfloat16)
    return short > HOPELESS * long


def keep_freed_memory() -> None:
    """Have this process reuse what it freed; for a training process, which needs the same memory in each step.

    By itself glibc gives each piece of 32 MB and more back to the system at once, and gets it anew, page by page: a
    third of the time of a step with such activations. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


@torch.no_grad()
def _seconds_of_layers(pictures: int, rounds: int, *precisions: torch.dtype) -> list[float]:
    """The least time of a dense layer and a convolution in each precision, of the widths that small GANs have.

    They take turns, so that other work on the machine slows all of them.
    """
    layers: list[Callable[[], object]] = []
    for precision in precisions:
        dense, kernel = torch.ones(512, 512, dtype=precision), torch.ones(128, 64, 5, 5, dtype=precision)
        rows, maps = torch.ones(32 * pictures, 512, dtype=precision), torch.ones(pictures, 64, 14, 14, dtype=precision)
        layers += [partial(functional.linear, rows, dense), partial(functional.conv2d, maps, kernel, padding=2)]
    least = [math.inf] * len(layers)
    for _ in range(rounds):
        for index, layer in enumerate(layers):
            began = time.perf_counter()
            layer()
            least[index] = min(least[index], time.perf_counter() - began)
    return [dense + convolution for dense, convolution in zip(least[::2], least[1::2], strict=True)]


def device_title(device: torch.device) -> str:
    """The device in words, for the status and the manifest."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


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

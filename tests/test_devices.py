"""Devices by the names that people give them."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
import torch

from gan_core import devices
from gan_core.config import UserError
from gan_core.devices import available_devices, pick_device


def test_names_that_are_there() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert all(isinstance(pick_device(name), torch.device) for name in available_devices())


@pytest.mark.parametrize("name", ["gpu", "cuda:abc", "cpu:", "cuda:-1", "cpu:0.5", "", ":0", "cuda:0:0"])
def test_a_name_that_is_none_is_told(name: str) -> None:
    with pytest.raises(UserError, match="There is no device"):
        pick_device(name)


@pytest.mark.parametrize("name", ["cpu:1", f"cuda:{torch.cuda.device_count()}", "mps:1"])
def test_a_device_that_is_not_there_is_told(name: str) -> None:
    with pytest.raises(UserError, match="This machine has"):
        pick_device(name)


def test_the_faster_precision_is_the_one_that_took_less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = devices._seconds_of_layers(16, 6, torch.float32, torch.float32)
    assert 0.5 < measured[0] / measured[1] < 2
    found = []
    for times in ((1.0, 1.3), (1.3, 1.0), (1.1, 1.0)):
        monkeypatch.setattr(devices, "_seconds_of_layers", lambda *_arguments, times=times: times)
        devices.faster_precision.cache_clear()
        found.append(devices.faster_precision(torch.device("cpu")))
    devices.faster_precision.cache_clear()
    assert found == ["float32", "bfloat16", "float32"]


def test_a_precision_that_the_cpu_does_not_have_costs_no_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    def hopeless(pictures: int, rounds: int, *precisions: torch.dtype) -> list[float]:
        looked_at.append(pictures)
        return [1.0, 30.0]

    monkeypatch.setattr(devices, "_seconds_of_layers", hopeless)
    for measured in (devices.faster_precision, devices.emulates_bfloat16):
        measured.cache_clear()
    assert devices.faster_precision(torch.device("cpu")) == "float32" and looked_at == [1]
    assert devices.emulates_bfloat16(torch.device("cpu")) and not devices.emulates_bfloat16(torch.device("meta"))
    for measured in (devices.faster_precision, devices.emulates_bfloat16):
        measured.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's settings")
def test_a_training_process_gets_its_memory_from_the_system_once() -> None:
    code = """
import resource, sys
import torch
from gan_core.devices import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for round in range(40):
    if round == 20:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    ways = ("keep", "leave")
    found = [subprocess.run([sys.executable, "-c", code, way], capture_output=True, text=True) for way in ways]
    kept, left = (int(process.stdout) for process in found)
    pages = 2**26 // resource.getpagesize()
    assert kept < pages and left > 19 * pages

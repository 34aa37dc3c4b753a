"""Devices by the names that people give them."""

from __future__ import annotations

import pytest
import torch

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

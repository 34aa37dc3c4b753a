"""Files of weights: what is written comes back, and anything else is refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gan_core.checkpoints import (
    FORMAT_KEY,
    BundleInfo,
    load_bundle,
    load_checkpoint,
    read_bundle_info,
    save_bundle,
    save_checkpoint,
)
from gan_core.config import UserError
from gan_core.data import DIGITS
from gan_core.fitting import build_networks
from gan_core.recipes.recipe import Recipe
from gan_core.sampling import draw_latents, generate
from tests.small import small_recipe


@pytest.fixture
def recipe() -> Recipe:
    return small_recipe("leaky_gan")


@pytest.fixture
def bundle(recipe: Recipe, tmp_path: Path) -> Path:
    return write(tmp_path / "bundle.safetensors", recipe)


def write(
    path: Path, recipe: Recipe, dtype: torch.dtype = torch.float32, metrics: dict[str, float] | None = None
) -> Path:
    info = BundleInfo(recipe, 7, 0.5, (1, 28, 28), DIGITS, "mnist", averaged=True, metrics=metrics or {})
    generator, discriminator = build_networks(recipe, info.shapes, seed=1)
    save_bundle(path, info, generator.state_dict(), discriminator.state_dict(), dtype=dtype)
    return path


def parts(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(str(path), framework="pt") as stream:
        return {key: stream.get_tensor(key) for key in stream.keys()}, stream.metadata()  # noqa: SIM118


def test_a_bundle_comes_back_as_it_was(recipe: Recipe, tmp_path: Path) -> None:
    path = write(tmp_path / "b.safetensors", recipe, metrics={"accuracy": 0.97})
    info = read_bundle_info(path)
    assert info == BundleInfo(recipe, 7, 0.5, (1, 28, 28), DIGITS, "mnist", averaged=True, metrics={"accuracy": 0.97})
    loaded = load_bundle(path)
    generator, discriminator = build_networks(recipe, info.shapes, seed=1)
    assert loaded.discriminator is not None and not loaded.generator.training
    for mine, theirs in ((generator, loaded.generator), (discriminator, loaded.discriminator)):
        for key, value in mine.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[key])
            assert not theirs.state_dict()[key].requires_grad


def test_half_precision_is_stored_small_and_draws_nearly_the_same(recipe: Recipe, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.safetensors", recipe)
    half = write(tmp_path / "half.safetensors", recipe, torch.float16)
    sizes = [sum(t.nbytes for t in parts(path)[0].values()) for path in (whole, half)]
    assert sizes[0] == 2 * sizes[1]
    z = draw_latents(recipe.latents, 0, 8)
    one, other = (
        generate(load_bundle(path).generator, z, None, recipe.generator.pixel_range).int() for path in (whole, half)
    )
    assert (one - other).abs().max() <= 1


def test_a_bundle_may_do_without_its_discriminator(bundle: Path, tmp_path: Path) -> None:
    tensors, metadata = parts(bundle)
    save_file({k: v for k, v in tensors.items() if k.startswith("generator.")}, tmp_path / "g.safetensors", metadata)
    assert load_bundle(tmp_path / "g.safetensors").discriminator is None


def change(edit: Callable[[dict[str, torch.Tensor], dict[str, str], dict[str, Any]], object]) -> Any:
    """A damage: ``edit`` changes tensors, metadata or the description of a bundle."""

    def damage(path: Path) -> None:
        tensors, metadata = parts(path)
        described = json.loads(metadata["bundle"])
        edit(tensors, metadata, described)
        if "bundle" in metadata and metadata["bundle"] != "{":
            metadata["bundle"] = json.dumps(described)
        save_file(tensors, path, metadata)

    return damage


def fill(tensors: dict[str, torch.Tensor], value: float) -> None:
    next(iter(tensors.values())).flatten()[0] = value


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(), "no file"),
    "empty": (lambda path: path.write_bytes(b""), "cut short"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-10]), "cut short"),
    "cut early": (lambda path: path.write_bytes(path.read_bytes()[:100]), "cut short"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 500), "cut short"),
    "a pickle": (lambda path: torch.save({"generator": torch.zeros(3)}, path), "cut short"),
    "foreign": (lambda path: save_file({"w": torch.zeros(2)}, path), "not written by GAN Workbench"),
    "a checkpoint": (
        lambda path: save_checkpoint(path, {"step": 1, "tensors": {"w": torch.zeros(2)}}, {}), "choose a bundle file"
    ),
    "newer": (change(lambda tensors, metadata, described: metadata.update({FORMAT_KEY: "99"})), "format 99"),
    "no JSON": (change(lambda tensors, metadata, described: metadata.update({"bundle": "{"})), "cannot be read"),
    "lacks a field": (change(lambda tensors, metadata, described: described.pop("step")), "incomplete"),
    "wrong type": (change(lambda tensors, metadata, described: described.update(metrics=3)), "incomplete"),
    "huge pictures": (
        change(lambda tensors, metadata, described: described.update(image_shape=[1, 10**6, 10**6])), "incomplete"
    ),
    "unknown recipe field": (
        change(lambda tensors, metadata, described: described["recipe"].update(colour=1)), "no field 'colour'"
    ),
    "unknown kind": (
        change(lambda tensors, metadata, described: described["recipe"]["generator"].update(kind="future")),
        "update GAN Workbench",
    ),
    "out of range": (
        change(lambda tensors, metadata, described: described["recipe"]["latents"].update(size=10**9)), "between"
    ),
    "unexpected weight": (
        change(lambda tensors, metadata, described: tensors.update({"generator.extra": torch.zeros(2)})), "not fit"
    ),
    "missing weight": (change(lambda tensors, metadata, described: tensors.pop("generator.head.0.bias")), "not fit"),
    "misshapen weight": (
        change(lambda tensors, metadata, described: tensors.update({"generator.head.0.bias": torch.zeros(3)})),
        "not fit",
    ),
    "not a number": (change(lambda tensors, metadata, described: fill(tensors, float("nan"))), "not finite"),
    "infinite": (change(lambda tensors, metadata, described: fill(tensors, float("inf"))), "not finite"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_refused_in_one_sentence(name: str, bundle: Path) -> None:
    damage, words = DAMAGES[name]
    damage(bundle)
    with pytest.raises(UserError, match=words) as caught:
        load_bundle(bundle)
    assert "\n" not in str(caught.value)


def test_checkpoints_come_back_bit_for_bit(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(5), "b": torch.arange(3), "c": torch.randint(256, (4,), dtype=torch.uint8)}
    save_checkpoint(tmp_path / "c.safetensors", {"step": 12, "tensors": tensors}, {"seconds": 1.5})
    state, extra = load_checkpoint(tmp_path / "c.safetensors")
    assert state["step"] == 12 and extra["seconds"] == 1.5
    assert all(torch.equal(tensors[key], value) for key, value in state["tensors"].items())
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]  # nothing half-written is left


def test_a_bundle_is_no_checkpoint(bundle: Path) -> None:
    with pytest.raises(UserError, match="choose a checkpoint file"):
        load_checkpoint(bundle)


def test_a_folder_that_is_gone_is_one_sentence(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is gone"):
        write(tmp_path / "gone" / "b.safetensors", recipe)

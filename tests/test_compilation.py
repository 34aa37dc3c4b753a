"""torch.compile as an option: it changes rounding alone, and where it cannot be had the run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from gan_core import compilation
from gan_core.recipes.recipe import Recipe
from gan_core.trainer import Trainer
from tests.small import small_data, small_recipe

needs_compiler = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("c++")), reason="needs a C++ compiler")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[None]:
    """Compiled anew, whatever other tests or programs have compiled."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "programs"))
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def recipe_of(*, compiled: bool) -> Recipe:
    changes = {"training.steps": 100, "training.epochs": 100, "training.compile": compiled}
    return small_recipe("fc_gan", changes)


def trained(recipe: Recipe) -> Trainer:
    trainer = Trainer(recipe, small_data(recipe))
    for _ in trainer.events():
        pass
    return trainer


@needs_compiler
def test_compiled_networks_agree_with_plain_ones_over_100_steps() -> None:
    plain, compiled = trained(recipe_of(compiled=False)), trained(recipe_of(compiled=True))
    assert compiled.compiles and not compiled.notice and not plain.compiles
    for mine, theirs in zip(plain.modules.values(), compiled.modules.values(), strict=True):
        assert list(mine.state_dict()) == list(theirs.state_dict())
        for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("error", [RuntimeError("no compiler"), OSError("no folder")])
def test_where_nothing_compiles_the_run_goes_on_and_says_so(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(function: object) -> object:
        raise error

    monkeypatch.setattr(torch, "compile", refuse)
    refused = trained(recipe_of(compiled=True))
    assert refused.notice == compilation.REFUSED and not refused.compiles
    plain = trained(recipe_of(compiled=False))
    pairs = zip(refused.generator.parameters(), plain.generator.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_networks_on_another_device_are_not_compiled() -> None:
    assert compilation.why_not_compiled(torch.device("meta")) == compilation.ON_CPUS

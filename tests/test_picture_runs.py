"""Training on pictures: the same weights wherever they lie, notices in the run, and a stop that is heard early."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gan_core.data import find_dataset
from gan_core.datasets import picture_cache, pictures
from gan_core.fitting import check_fit
from gan_core.runs import Run, create_run
from gan_core.trainer import Trainer
from gan_core.worker import train_run
from tests.picture_files import write_pictures
from tests.small import small_recipe


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two classes of pictures, one of them damaged."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GAN_HOSTED", raising=False)
    write_pictures(tmp_path / "pets", [f"{kind}/{number:02d}.png" for kind in ("cat", "dog") for number in range(20)])
    (tmp_path / "pets" / "cat" / "03.png").write_bytes(b"no picture")
    return f"folder:{tmp_path}/pets?size=28&channels=1"


@pytest.mark.parametrize("changes", [{}, {"training.held_out": 7}, {"training.classes": [1]}])
def test_a_mapped_set_trains_to_the_same_weights(name: str, changes: dict[str, object]) -> None:
    recipe = small_recipe("cgan", {"dataset": name, **changes})
    mapped = find_dataset(name).load()
    weights = []
    for dataset in (mapped, replace(mapped, images=mapped.images.clone()), replace(mapped, resident=False)):
        trainer = Trainer(recipe, dataset)
        for _ in trainer.events():
            pass
        weights.append(trainer.state_dict()["tensors"])
    for others in weights[1:]:
        assert all(torch.equal(tensor, others[key]) for key, tensor in weights[0].items())


def test_a_run_says_what_was_left_out(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a relative path is written down in full
    recipe = small_recipe("fc_gan", {"dataset": name.replace(f"{tmp_path}/", "")})
    check_fit(recipe)
    run = create_run(recipe)
    assert run.recipe().dataset == name
    status = train_run(run)
    assert status.state == "finished", status.message
    assert status.notice.startswith("1 of 40 pictures could not be used and were left out, such as cat/03.png: ")
    assert status.notice == status.notice_template.format(**status.notice_values)
    assert Run(run.path).status().notice == status.notice


def test_a_run_can_be_stopped_while_its_pictures_are_prepared(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_cache, "BLOCK", 4)
    monkeypatch.setattr(picture_cache, "REPORT_SECONDS", 0.0)
    run = create_run(small_recipe("fc_gan", {"dataset": name}))
    run.set_command("stop")
    status = train_run(run)
    assert (status.state, status.step, status.message) == ("stopped", 0, "")
    run.set_command("run")
    assert train_run(run).state == "finished"


def test_pictures_that_vanish_fail_the_run_with_a_sentence(name: str, tmp_path: Path) -> None:
    run = create_run(small_recipe("fc_gan", {"dataset": name.replace("pets", "gone")}))
    status = train_run(run)
    assert status.state == "failed" and status.message == f"There is no folder {tmp_path}/gone; check the path."
    assert not status.traceback


def test_a_small_set_goes_to_the_device_and_a_large_one_does_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_dataset(name).load().resident
    monkeypatch.setattr(pictures, "RESIDENT_BYTES", 1000)
    assert not find_dataset(name).load().resident

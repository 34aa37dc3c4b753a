"""Several processes train one run: what they agree on, and what happens when one of them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gan_core.config import UserError
from gan_core.feed import Batches
from gan_core.runs import Run
from gan_core.worker import train_run
from tests.ranks import TRAINED
from tests.servers import free_port
from tests.small import small_data, small_recipe

# What each rank has for itself: random numbers, the unfinished point of its curves, how often a layer ran there.
OWN = ("rng.", "meter.", "num_batches_tracked")


def start_ranks(command: Sequence[str]) -> list[subprocess.Popen[str]]:
    """Two processes with the environment that torchrun would give them."""
    port = str(free_port())
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen(
            [sys.executable, "-m", *command], env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip


def wait_for(condition: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_two_ranks_have_the_same_weights_and_the_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    for process in start_ranks(["tests.ranks", str(tmp_path)]):
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
    for name in ("gradients", *TRAINED):
        mine, theirs = (load_file(tmp_path / str(rank) / f"{name}.safetensors") for rank in range(2))
        assert mine.keys() == theirs.keys()
        for key in mine:
            if not any(own in key for own in OWN):
                assert torch.equal(mine[key], theirs[key]), (name, key)
    noise = (load_file(tmp_path / str(rank) / "cgan.safetensors")["rng.noise"] for rank in range(2))
    assert not torch.equal(*noise)


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_share_each_batch_of_a_lone_process(ranks: int) -> None:
    recipe = small_recipe("cgan")
    data = small_data(recipe)
    alone = Batches(recipe, data)
    shares = [Batches(recipe, data, rank, ranks) for rank in range(ranks)]
    for batch in range(2 * alone.per_epoch):
        parts = [share.at(batch) for share in shares]
        assert torch.equal(torch.cat([images for images, _ in parts]), alone.at(batch)[0])
        assert torch.equal(torch.cat([labels for _, labels in parts if labels is not None]), alone.at(batch)[1])


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    recipe = small_recipe("fc_gan", {"stabilizers.packing": 4})
    with pytest.raises(UserError, match="shared evenly by 12 processes"):
        Batches(recipe, small_data(recipe), 0, 3)


def test_a_killed_rank_ends_the_run_and_another_number_of_ranks_goes_on(tmp_path: Path, noise_mnist: Path) -> None:
    run = Run(tmp_path / "run")
    settings = ("training.batch_size=16", "training.log_every=5", "generator.hidden=8", "discriminator.hidden=8",
                "snapshots.measured=0")  # fmt: skip
    changes = [part for setting in settings for part in ("--set", setting)]
    command = ["gan_core", "train", "cgan", "--steps", "100000", "--run-dir", str(run.path), *changes]
    first, second = start_ranks(command)
    try:
        wait_for(lambda: first.poll() is not None or (run.exists() and run.status().step > 0))
        assert first.poll() is None, first.communicate()[1]
        run.set_command("pause")
        wait_for(lambda: run.status().state == "paused")
        kept = run.status().step
        run.set_command("run")
        wait_for(lambda: run.status().step > kept)
        second.send_signal(signal.SIGKILL)
        output, errors = first.communicate(timeout=60)
    finally:
        first.kill()
        second.kill()
        second.communicate()
    assert first.returncode == 1 and output == f"{run.path}\n" and "resume to go on" in errors
    assert run.status().state == "failed" and not run.status().traceback
    assert [path.name for path in run.checkpoints()] == [f"step-{kept:08d}.safetensors"]

    (run.path / "recipe.json").write_text(
        (run.path / "recipe.json").read_text().replace('"steps": 100000', f'"steps": {kept + 7}')
    )
    assert train_run(run).state == "finished"
    steps = [step for step in run.history().scalars["step"] if step is not None]
    assert steps == sorted(set(steps)) and steps[-1] == kept + 7

"""The command line: what it prints, what it writes, and one line with exit code 2 for every mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_core import listing
from gan_core.checkpoints import read_tensors
from gan_core.cli import main
from gan_core.objectives import RelativisticCritic, RelativisticGenerator
from gan_core.recipes import RECIPES
from gan_core.regularizers import R1
from gan_core.runs import Run, create_run, list_runs
from gan_core.schedules import Cosine
from gan_core.worker import train_run
from tests.made_runs import write_bundle
from tests.small import small_recipe

COMMAND = [sys.executable, "-m", "gan_core"]
SMALL = ["--set", "generator.hidden=6", "--set", "discriminator.hidden=6", "--set", "training.batch_size=8"]


@pytest.fixture
def digits(tmp_path: Path) -> str:
    """A small conditional model in a file."""
    write_bundle(tmp_path / "digits.safetensors", small_recipe("cgan"))
    return str(tmp_path / "digits.safetensors")


@pytest.fixture
def unlabelled(tmp_path: Path) -> str:
    write_bundle(tmp_path / "plain.safetensors", small_recipe("fc_gan"))
    return str(tmp_path / "plain.safetensors")


# ---- mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing command"),
        (["paint"], "No such command 'paint'"),
        (["train"], "Name a recipe"),
        (["train", "stylegan"], "no recipe 'stylegan'; choose one of cgan"),
        (["recipes", "stylegan"], "no recipe 'stylegan'"),
        (["train", "fc_gan", "--set", "discriminator_terms=r3"], "cannot be 'r3'; choose from real_cross_entropy, "),
        (["train", "fc_gan", "--set", "generator_optimizer.schedule=late"], "choose from constant, step_decay, "),
        (["train", "fc_gan", "--set", "generator_terms=minimax,minimax"], "Minimax loss stands in the loss twice"),
        (["train", "fc_gan", "--set", "discriminator_terms=real_cross_entropy,fake_cross_entropy,kernel_decay"],
         "names the convolutions [2], but the discriminator has 0"),
        (["train", "cgan", "--bogus"], "--bogus"),
        (["train", "cgan", "--epochs", "1", "--steps", "1"], "not both"),
        (["train", "cgan", "--epochs", "soon"], "--epochs"),
        (["train", "cgan", "--epochs", "0"], "between 1 and"),
        (["train", "cgan", "--steps", "0"], "--steps must be between"),
        (["train", "cgan", "--seed", "-1"], "Seed"),
        (["train", "cgan", "--dataset", "cifar"], "no data set 'cifar'"),
        (["train", "cgan", "--device", "tpu"], "no device 'tpu'"),
        (["train", "cgan", "--set", "training"], "PATH=VALUE"),
        (["train", "cgan", "--set", "training.speed=1"], "no setting 'training.speed'; here are epochs"),
        (["train", "cgan", "--set", "training.batch_size=1"], "between 2 and 8192; it is 1"),
        (["train", "cgan", "--set", "training.held_out=59999"], "batch size"),
        (["train", "dcgan", "--set", "generator.strides=2,2,2"], "56×56"),
        (["train", "cgan", "--run-dir", "/proc/run"], "cannot be made"),
        (["train", "cgan", "--run-dir", "x", "--resume", "y"], "not both"),
        (["train", "--resume", "/nowhere"], "not a run folder"),
        (["sample", "MODEL"], "--out"),
        (["sample", "nothing", "--out", "a.png"], "no model 'nothing'"),
        (["sample", "hf:someone", "--out", "a.png"], "owner/name"),
        (["sample", "MODEL", "--out", "a.jpg"], "end in .png or .npy"),
        (["sample", "MODEL", "--out", "none/a.png"], "no folder none"),
        (["sample", "MODEL", "--out", "/proc/a.png"], "/proc"),
        (["sample", "MODEL", "--out", "a.png", "--count", "0"], "--count must be between"),
        (["sample", "MODEL", "--out", "a.png", "--seed", "-3"], "--seed must be between"),
        (["sample", "MODEL", "--out", "a.png", "--labels", "3,10"], "classes 0 to 9, not 10"),
        (["sample", "MODEL", "--out", "a.png", "--labels", "three"], "whole numbers"),
        (["sample", "PLAIN", "--out", "a.png", "--labels", "3"], "without labels"),
        (["sample", "PLAIN", "--out", "a.png", "--labels", "all"], "without labels"),
        (["sample", "PICTURE", "--out", "a.png"], "not a readable safetensors file"),
        (["interpolate", "MODEL", "--seeds", "1,2", "--out", "a.mp4"], "end in .gif"),
        (["interpolate", "MODEL", "--seeds", "1", "--out", "a.gif"], "two and 4"),
        (["interpolate", "MODEL", "--seeds", "1;2", "--out", "a.gif"], "whole numbers"),
        (["interpolate", "MODEL", "--seeds", "1,2", "--out", "a.gif", "--frames", "1"], "Frames"),
        (["interpolate", "MODEL", "--seeds", "1,2", "--out", "a.gif", "--mode", "jump"], "matched, slerp, lerp"),
        (["interpolate", "PLAIN", "--seeds", "1,2", "--out", "a.gif", "--labels", "3"], "without labels"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str],
    words: str,
    digits: str,
    unlabelled: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.safetensors").write_bytes(b"\x89PNG" * 100)
    files = {"MODEL": digits, "PLAIN": unlabelled, "PICTURE": "picture.safetensors"}
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main([files.get(argument, argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("Error: ")
    assert any(word in err for word in words.split("|"))
    assert sorted(path.name for path in tmp_path.iterdir()) == before and list_runs() == []


def test_a_process_tells_a_mistake_the_same_way() -> None:
    result = subprocess.run([*COMMAND, "train", "cgan", "--nothing"], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1


def test_help_and_usage_come_without_torch() -> None:
    code = "import sys; from gan_core.cli import main; main(['--help']); main(['train', '--help']); " \
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"  # fmt: skip
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for word in ("recipes", "train", "sample", "interpolate", "--resume", "--set"):
        assert word in result.stdout


# ---- recipes


def test_recipes_are_listed_in_three_forms(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [recipe.name for recipe in RECIPES]
    assert main(["recipes", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [recipe.name for recipe in RECIPES]
    assert rows[0]["parameters"] == {"generator": 582_520, "discriminator": 574_113} and rows[0]["conditional"]
    assert "relativistic_critic" in rows[0]["choices"]["discriminator_terms"]
    assert main(["recipes", "--markdown"]) == 0
    assert capsys.readouterr().out == listing.as_markdown() + "\n"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_listed_setting_can_be_set_to_what_is_listed(
    recipe: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipes", recipe.name]) == 0  # type: ignore[attr-defined]
    lines = [line.partition(" = ") for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert len(lines) > 20
    values = {path: value for path, _, value in lines}
    assert recipe.with_values(values) == recipe  # type: ignore[attr-defined]


def test_every_part_is_listed_with_its_formula_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "--parts", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert main(["recipes", "--parts"]) == 0
    text = capsys.readouterr().out
    for row in rows:
        assert row["title"] in text and row["source"] in text and all(line in text for line in row["formula"])
    assert {"discriminator_terms=r1", "generator_optimizer.schedule=cosine", "stabilizers.packing"} <= set(
        text.splitlines()
    )


def test_parts_are_combined_by_name(noise_mnist: Path) -> None:
    chosen = ["--set", "discriminator_terms=relativistic_critic,r1", "--set", "generator_terms=relativistic_generator",
              "--set", "discriminator_terms.r1.weight=0.5", "--set", "generator_optimizer.schedule=cosine"]  # fmt: skip
    assert main(["train", "fc_gan", "--steps", "2", *chosen, *SMALL]) == 0
    recipe = list_runs()[0].recipe()
    assert recipe.discriminator_terms == (RelativisticCritic(), R1(weight=0.5))
    assert recipe.generator_terms == (RelativisticGenerator(),)
    assert recipe.generator_optimizer.schedule == Cosine()


# ---- train


def test_train_makes_the_folder_that_the_workbench_shows(
    noise_mnist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "fc_gan", "--steps", "9", "--seed", "5", *SMALL]) == 0
    out, err = capsys.readouterr()
    (run,) = list_runs()
    assert out.splitlines()[-1] == str(run.path)
    assert run.status().state == "finished" and run.status().step == 9
    assert run.recipe().training.seed == 5 and run.recipe().training.steps == 9
    assert "9/9" in err and "G=" in err and "D=" in err
    other = create_run(run.recipe())
    train_run(other)
    mine, theirs = (read_tensors(one.checkpoints()[0]) for one in (run, other))
    assert all((mine[name] == theirs[name]).all() for name in mine)


def test_epochs_and_steps_decide_alone_how_long(noise_mnist: Path, tmp_path: Path) -> None:
    large = ["--set", "training.batch_size=8192", "--set", "training.log_every=100"]
    hidden = SMALL[:4]
    assert main(["train", "fc_gan", "--epochs", "1", "--run-dir", str(tmp_path / "a"), *hidden, *large]) == 0
    assert Run(tmp_path / "a").status().step == 7  # the recipe's own 40,001 steps do not count
    assert main(["train", "fc_gan", "--steps", "9", "--run-dir", str(tmp_path / "b"),
                 "--set", "training.epochs=1", *hidden, *large]) == 0  # fmt: skip
    assert Run(tmp_path / "b").status().step == 9


def test_a_run_is_resumed_and_may_be_made_longer(
    noise_mnist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "run")
    assert main(["train", "fc_gan", "--steps", "4", "--run-dir", folder, *SMALL]) == 0
    assert main(["train", "fc_gan", "--steps", "4", "--run-dir", folder, *SMALL]) == 2
    assert main(["train", "fc_gan", "--resume", folder, "--steps", "9"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == folder
    run = Run(tmp_path / "run")
    assert run.status().state == "finished" and run.status().step == 9
    assert main(["train", "--resume", folder]) == 0  # nothing is left to do
    for mistake in (["--seed", "7"], ["--set", "training.batch_size=4"], ["--dataset", "strokes"]):
        assert main(["train", "--resume", folder, *mistake]) == 2
    assert main(["train", "cgan", "--resume", folder]) == 2
    run.set_status(run.status().__class__("queued"))
    assert main(["train", "--resume", folder]) == 2
    assert "still going" in capsys.readouterr().err


def test_ctrl_c_stops_with_a_checkpoint(noise_mnist: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [*COMMAND, "train", "fc_gan", "--steps", "1000000", "--run-dir", str(folder), *SMALL]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    run = Run(folder)
    end = time.monotonic() + 90
    while not (run.exists() and run.status().step > 0):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out.splitlines()[-1] == str(folder)
    assert "Traceback" not in err
    status = run.status()
    assert status.state == "stopped" and run.checkpoints()[0] == run.checkpoint_path(status.step)
    assert main(["train", "--resume", str(folder), "--steps", str(status.step + 2)]) == 0
    assert run.status().step == status.step + 2


def test_a_run_that_fails_is_exit_code_1_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_bytes(b"\0\0\x08\x03")
    monkeypatch.setenv("GAN_DATA_DIR", str(tmp_path / "data"))
    assert main(["train", "fc_gan", "--steps", "3", *SMALL]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == str(list_runs()[0].path)
    assert err.count("\n") == 1 and "damaged" in err


# ---- sample and interpolate


def test_samples_are_the_same_whatever_their_number(digits: str, tmp_path: Path) -> None:
    few, many = tmp_path / "few.npy", tmp_path / "many.npy"
    assert main(["sample", digits, "--out", str(few), "--count", "7", "--labels", "3,4", "--seed", "2"]) == 0
    assert main(["sample", digits, "--out", str(many), "--count", "70", "--labels", "3,4", "--seed", "2"]) == 0
    one, other = np.load(few), np.load(many)
    assert one.shape == (7, 28, 28) and one.dtype == other.dtype == np.uint8 and other.shape == (70, 28, 28)
    np.testing.assert_array_equal(one, other[:7])


def test_labels_cycle_and_all_is_every_class(digits: str, tmp_path: Path) -> None:
    arrays = []
    for labels in ([], ["--labels", "all"], ["--labels", "0,1,2,3,4,5,6,7,8,9"], ["--labels", "1"]):
        assert main(["sample", digits, "--out", str(tmp_path / "a.npy"), "--count", "12", *labels]) == 0
        arrays.append(np.load(tmp_path / "a.npy"))
    np.testing.assert_array_equal(arrays[0], arrays[1])
    np.testing.assert_array_equal(arrays[0], arrays[2])
    np.testing.assert_array_equal(arrays[0][[1, 11]], arrays[3][[1, 11]])
    assert not np.array_equal(arrays[0], arrays[3])


def test_a_sheet_has_a_column_for_each_label(digits: str, unlabelled: str, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert main(["sample", digits, "--out", str(out), "--count", "20"]) == 0
    assert Image.open(out).size == (10 * 30 - 2, 2 * 30 - 2)
    assert main(["sample", unlabelled, "--out", str(out), "--count", "20"]) == 0
    assert Image.open(out).size == (5 * 30 - 2, 4 * 30 - 2)


def test_a_run_folder_is_a_model(noise_mnist: Path, tmp_path: Path) -> None:
    run = create_run(small_recipe())
    train_run(run)
    for name in (str(run.path), f"run:{run.id}", f"run:{run.id}@11"):
        assert main(["sample", name, "--out", str(tmp_path / "a.npy"), "--count", "3"]) == 0
        assert np.load(tmp_path / "a.npy").shape == (3, 28, 28)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "npy"])
def test_a_way_between_seeds_in_each_format(suffix: str, digits: str, tmp_path: Path) -> None:
    out = tmp_path / f"way.{suffix}"
    assert main(["interpolate", digits, "--seeds", "1,2,3", "--frames", "9", "--out", str(out), "--labels", "4"]) == 0
    if suffix == "npy":
        frames = np.load(out)
        assert frames.shape == (9, 28, 28) and frames.dtype == np.uint8
        for seed, frame in ((1, 0), (2, 4), (3, 8)):  # it passes through the samples of its seeds
            assert main(["sample", digits, "--out", str(tmp_path / "s.npy"), "--count", "1", "--labels", "4",
                         "--seed", str(seed)]) == 0  # fmt: skip
            np.testing.assert_array_equal(frames[frame], np.load(tmp_path / "s.npy")[0])
    elif suffix == "png":
        assert Image.open(out).size == (9 * 30 - 2, 28)
    else:
        assert Image.open(out).n_frames == 9  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["matched", "slerp", "lerp"])
def test_each_way_of_mixing(mode: str, unlabelled: str, tmp_path: Path) -> None:
    out = str(tmp_path / "way.npy")
    assert main(["interpolate", unlabelled, "--seeds", "5,6", "--frames", "5", "--out", out, "--mode", mode]) == 0
    assert np.load(out).shape == (5, 28, 28)

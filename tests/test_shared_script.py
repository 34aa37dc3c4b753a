"""A shared script draws the workbench's pictures with torch and safetensors alone."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_core import library, uploads
from gan_core.checkpoints import load_bundle, read_bundle_info
from gan_core.cli import main
from gan_core.images import read_png
from gan_core.recipes import RECIPES
from gan_core.runs import Run
from gan_core.sharing.script import script
from gan_core.sharing.share import share
from tests.made_runs import make_run, write_bundle
from tests.small import small_recipe

# Runs each script as `python -I` would, without the workbench and without what torch may do without.
DRIVER = """
import runpy, sys
for name in ("gan_core", "numpy", "PIL", "torchvision", "streamlit", "plotly"):
    sys.modules[name] = None
for folder in sys.argv[1].split("|"):
    sys.argv = ["sample.py", "--out", f"{folder}/pictures.png", "--count", "35", "--seed", "3"]
    runpy.run_path(f"{folder}/sample.py", run_name="__main__")
"""


def unpacked(data: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def run_alone(folders: list[Path]) -> None:
    joined = "|".join(map(str, folders))
    done = subprocess.run(
        [sys.executable, "-I", "-c", DRIVER, joined], capture_output=True, text=True, cwd=folders[0]
    )
    assert done.returncode == 0, done.stderr


def drawn_here(ref: str, out: Path) -> np.ndarray:
    assert main(["sample", ref, "--out", str(out), "--count", "35", "--seed", "3"]) == 0
    return read_png(out.read_bytes())


def test_every_recipe_and_the_shipped_cgan_draw_the_same_pixels(tmp_path: Path) -> None:
    refs = ["cgan"]
    for recipe in RECIPES:
        path = tmp_path / f"{recipe.name}.safetensors"
        write_bundle(path, small_recipe(recipe.name))
        refs.append(str(path))
    folders = [unpacked(share(ref, ".zip"), tmp_path / f"out{rank}") for rank, ref in enumerate(refs)]
    run_alone(folders)
    for ref, folder in zip(refs, folders, strict=True):
        here = drawn_here(ref, tmp_path / "here.png")
        assert here.std() > 0
        np.testing.assert_array_equal(read_png((folder / "pictures.png").read_bytes()), here, err_msg=ref)


def test_the_weights_inside_can_be_brought_back_and_name_no_folder_of_this_machine(tmp_path: Path) -> None:
    source = tmp_path / "source.safetensors"
    write_bundle(source, replace(small_recipe("fc_gan"), dataset="folder:/home/somebody/secret/cats"))
    data = share(str(source), ".zip")
    folder = unpacked(data, tmp_path / "out")
    texts = b"".join((folder / name).read_bytes() for name in ("sample.py", "recipe.json", "README.txt"))
    assert b"somebody" not in texts + (folder / "model.safetensors").read_bytes()
    assert b"cats" in texts
    model = uploads.save_upload("brought.safetensors", (folder / "model.safetensors").read_bytes())
    recipe = library.describe(model.ref).recipe
    assert recipe.to_dict() == json.loads((folder / "recipe.json").read_text(encoding="utf-8"))


def test_a_stranger_s_words_cannot_become_code(tmp_path: Path) -> None:
    """Whatever a bundle says of itself, its script has the statements of any other and only another docstring."""
    path, words = tmp_path / "model.safetensors", '"""\nraise SystemExit(99)\n"""\\'
    statements = []
    for said in ("", words):
        recipe = small_recipe("cgan")
        write_bundle(path, replace(recipe, title=said, summary=said, source=said) if said else recipe)
        tree = ast.parse(script(load_bundle(path)))
        statements.append([ast.dump(node) for node in tree.body[1:]])
    assert "raise SystemExit(99)" in (ast.get_docstring(tree) or "")
    assert statements[0] == statements[1]


def export(run: Run, target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", f"run:{run.id}", "--to", str(target)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(target)


def test_the_command_writes_what_the_ending_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run: Run = make_run("fc_gan")
    for name in ("model.zip", "folder"):
        export(run, tmp_path / name, capsys)
    assert zipfile.is_zipfile(tmp_path / "model.zip")
    folder = tmp_path / "folder"
    assert {path.name for path in folder.iterdir()} == {
        "index.html", "generator.onnx", "sample.py", "model.safetensors", "recipe.json", "README.md",
    }  # fmt: skip
    assert (folder / "index.html").read_bytes().startswith(b"<!doctype html>")
    assert "sdk: static\n" in (folder / "README.md").read_text(encoding="utf-8")
    assert read_bundle_info(folder / "model.safetensors").step == 20


@pytest.mark.slow
def test_the_files_of_a_folder_are_those_that_are_written_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run("fc_gan")
    for name in ("model.onnx", "model.html", "folder", "folder"):  # a folder that was exported is replaced
        export(run, tmp_path / name, capsys)
    assert (tmp_path / "folder" / "index.html").read_bytes() == (tmp_path / "model.html").read_bytes()
    assert (tmp_path / "folder" / "generator.onnx").read_bytes() == (tmp_path / "model.onnx").read_bytes()


@pytest.mark.parametrize("target", ["model.gif", "missing/model.html", "holding", "folder.html"])
def test_a_place_that_cannot_be_written_is_one_sentence(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "holding").mkdir()
    (tmp_path / "holding" / "own.txt").write_text("mine")
    assert main(["export", "fc_gan", "--to", str(tmp_path / target)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [path.name for path in (tmp_path / "holding").iterdir()] == ["own.txt"]

"""The Library page without a browser: lists, search, uploads, names, deletion."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gan_core import library, uploads
from gan_core.export import export_run
from gan_core.runs import find_run, list_runs
from pages.ui.library_share import file_name
from tests.made_runs import make_run, write_bundle
from tests.small import small_recipe

MAIN = Path(__file__).parents[2] / "pages" / "ui" / "main.py"


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "weights")
    return tmp_path / "weights"


def shelf(**params: str) -> AppTest:
    test = AppTest.from_file(MAIN, default_timeout=60)
    test.run()
    test.switch_page("../library.py")
    test.query_params.update(params)
    test.run()
    assert not test.exception
    return test


def names(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def answer(test: AppTest, action: str, run_id: str, label: str, name: str = "") -> None:
    """Open a dialog as the menu does, and press one of its buttons; the test tool redraws the whole page for each."""
    test.session_state["library.asked"] = (action, run_id, "run")
    test.run()
    if name:
        test.text_input[-1].set_value(name)
    test.session_state["library.asked"] = (action, run_id, "run")
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception


def ship(weights: Path, name: str = "cgan") -> None:
    recipe = small_recipe(name)
    write_bundle(weights / f"{name}.safetensors", recipe, 4680, 10.0)
    entry = {
        "name": name, "title": recipe.title, "recipe": name, "dataset": "mnist",
        "steps": 4680, "epochs": 10, "seconds": 75,
        "hardware": "2 CPU cores", "seed": 1, "command": "python -m gan_core train cgan",
        "sha256": hashlib.sha256((weights / f"{name}.safetensors").read_bytes()).hexdigest(),
        "metrics": {"label_obedience": 0.981},
    }  # fmt: skip
    (weights / "manifest.json").write_text(json.dumps({"bundles": [entry]}))


def bundle(tmp_path: Path) -> bytes:
    write_bundle(tmp_path / "made.safetensors", small_recipe("cgan"))
    return (tmp_path / "made.safetensors").read_bytes()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["runs", "weights", "uploads"])
def test_an_empty_shelf_says_how_to_fill_it(name: str, language: str) -> None:
    test = shelf(shelf=name, lang=language)
    assert not test.error
    assert test.subheader or test.caption


def test_runs_are_listed_newest_first_a_page_at_a_time() -> None:
    for number in range(14):
        run = make_run("fc_gan", name=f"Run {number}" if number % 2 else f"Walk {number}", epochs=())
        about = json.loads((run.path / "about.json").read_text())
        (run.path / "about.json").write_text(json.dumps(about | {"created": 1e9 + number}))
    assert names(shelf())[:3] == ["Run 13", "Walk 12", "Run 11"]
    assert len(names(shelf())) == 12
    assert names(shelf(page="2")) == ["Run 1", "Walk 0"]
    assert names(shelf(page="2", find="walk")) == [f"Walk {number}" for number in range(12, -1, -2)]


def test_search_recipe_and_state_are_in_the_url() -> None:
    make_run("fc_gan", name="One", epochs=())
    make_run("cgan", name="Two", state="stopped", epochs=())
    make_run("cgan", name="Three", state="failed", epochs=())
    assert set(names(shelf(of="cgan"))) == {"Two", "Three"}
    assert names(shelf(state="trouble")) == ["Three"]
    test = shelf(find="nothing like it")
    assert names(test) == []
    assert "No run fits" in test.info[0].value
    test.text_input(key="find").set_value("two").run()
    assert names(test) == ["Two"]


def test_a_run_is_renamed_in_a_dialog() -> None:
    run = make_run("fc_gan", name="Old")
    test = shelf()
    answer(test, "rename", run.id, "Rename", name="New")
    assert run.about().name == "New"
    assert "New" in names(test)


def test_a_run_is_deleted_only_after_the_question() -> None:
    run = make_run("fc_gan", name="Old")
    test = shelf()
    answer(test, "delete", run.id, "Keep it")
    assert run.exists()
    answer(test, "delete", run.id, "Delete")
    assert not run.path.exists()
    assert test.success[0].value == "Old is deleted."


def test_a_run_that_still_trains_is_not_deleted() -> None:
    run = make_run("fc_gan", state="running")
    test = shelf()
    answer(test, "delete", run.id, "Delete")
    assert "stop it before deleting" in test.error[0].value
    assert run.exists()


def test_a_dialog_for_a_run_that_is_gone_is_one_sentence() -> None:
    make_run("fc_gan")
    test = shelf()
    test.session_state["library.asked"] = ("delete", "gone", "run")
    test.run()
    assert not test.exception
    assert len(test.error) == 1


def test_a_damaged_run_is_listed_and_does_not_break_the_page() -> None:
    run = make_run("fc_gan", name="Damaged")
    (run.path / "recipe.json").write_text("{")
    test = shelf()
    assert not test.error
    assert names(test) == ["Damaged"]


def test_shipped_weights_say_where_they_come_from_and_are_checked_on_request(weights: Path) -> None:
    ship(weights)
    test = shelf()
    assert not test.error
    said = "\n".join(element.value for element in [*test.markdown, *test.caption])
    for part in ("Conditional GAN", "4,680 steps", "10 epochs", "1 min 15 s", "2 CPU cores", "seed 1", "98.1%"):
        assert part in said, part
    check = next(button for button in test.button if button.label == "Check the files")
    check.click().run()
    assert "whole" in "\n".join(element.value for element in test.markdown)
    path = weights / "cgan.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    next(button for button in test.button if button.label == "Check the files").click().run()
    assert "changed or damaged" in "\n".join(element.value for element in test.markdown)


def test_a_bundle_is_taken_in_once(tmp_path: Path) -> None:
    test = shelf(shelf="uploads")
    test.file_uploader[0].upload("mine.safetensors", bundle(tmp_path), "application/octet-stream").run()
    assert not test.error
    assert "can be chosen" in test.success[0].value
    assert names(test) == ["mine"]
    test.run()
    assert names(test) == ["mine"]
    assert not test.success


@pytest.mark.parametrize("name", ["wrong.safetensors", "wrong.zip"])
def test_a_wrong_file_is_one_sentence_and_nothing_is_kept(name: str) -> None:
    test = shelf(shelf="uploads")
    test.file_uploader[0].upload(name, b"no bundle and no zip file", "application/octet-stream").run()
    assert len(test.error) == 1
    assert not test.exception
    assert uploads.list_uploads() == []
    assert list_runs() == []


def test_an_exported_run_is_taken_in_once() -> None:
    run = make_run("fc_gan", name="Passed on")
    data = io.BytesIO(export_run(run)).getvalue()
    run.delete()
    test = shelf(shelf="uploads")
    test.file_uploader[0].upload("run.zip", data, "application/zip").run()
    test.run()
    assert not test.error
    assert [find_run(run.id).about().name for run in list_runs()] == ["Passed on"]


def test_a_model_becomes_a_file_to_give_away() -> None:
    run = make_run("fc_gan", name="Mine")
    test = shelf(shelf="runs")

    def opened() -> None:
        test.session_state["library.share"] = f"run:{run.id}"

    opened()
    test.run()
    opened()
    test.radio(key="library.share.as").set_value(".zip").run()
    opened()
    test.button(key="library.share.make").click().run()
    assert not test.exception and not test.error
    form, data = test.session_state["library.share.made"]
    assert form == ".zip" and {"sample.py", "model.safetensors"} <= set(zipfile.ZipFile(io.BytesIO(data)).namelist())
    assert [button.proto.label for button in test.get("download_button") if "MB" in button.proto.label or
            "kB" in button.proto.label]  # fmt: skip
    opened()
    test.radio(key="library.share.as").set_value(".onnx").run()
    assert not [button for button in test.get("download_button") if "kB" in button.proto.label], "another file's"


def test_a_file_is_called_what_its_model_is() -> None:
    names = {"cgan": "cgan.html", "run:20260102-030405-x": "20260102-030405-x.html", "upload:my-own": "my-own.html",
             "hf:ada/digits/sub/a.safetensors@0123": "ada-digits-sub-a-safetensors-0123.html"}  # fmt: skip
    assert {ref: file_name(ref, ".html") for ref in names} == names

"""The Compare page without a browser: what it shows, what stands in the URL, what it starts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gan_core import jobs, library
from gan_core.runs import list_runs, runs_dir
from tests.made_runs import make_run, write_bundle
from tests.small import small_recipe

MAIN = Path(__file__).parents[2] / "pages" / "ui" / "main.py"


@pytest.fixture(autouse=True)
def no_shipped_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "weights")


def compare(**params: str) -> AppTest:
    test = AppTest.from_file(MAIN, default_timeout=60)
    test.run()
    test.switch_page("../compare.py")
    test.query_params.update(params)
    test.run()
    assert not test.exception
    return test


def pictures(test: AppTest) -> int:
    return len(test.get("image"))


def texts(test: AppTest) -> str:
    return "\n".join(element.value for element in [*test.markdown, *test.caption, *test.info, *test.warning])


def test_without_a_model_the_page_says_how_to_get_one_and_offers_the_pair() -> None:
    test = compare()
    assert not test.error
    assert any("Nothing to compare yet" in element.value for element in test.subheader)
    assert any("Start both trainings" in button.label for button in test.button)


def test_one_training_is_compared_with_its_own_beginning() -> None:
    run = make_run("fc_gan", epochs=(1, 2))
    test = compare()
    assert not test.error
    assert (test.query_params["a"], test.query_params["b"]) == (f"run:{run.id}", f"run:{run.id}@10")
    assert pictures(test) == 2
    assert "The same noise" in texts(test)
    assert "All settings are the same" in texts(test)


@pytest.mark.parametrize(("device", "words"), [("CPU, 2 threads", "CPU，2 线程"), ("NVIDIA H200", "NVIDIA H200")])
def test_what_a_model_was_trained_on_is_told_in_the_visitors_language(device: str, words: str) -> None:
    run = make_run("fc_gan", epochs=(1,))
    run.set_status(replace(run.status(), device=device))
    known = compare(a=f"run:{run.id}", lang="zh").table[0].value
    assert words in known.to_numpy()


def test_the_same_networks_twice_are_pointed_out() -> None:
    run = make_run("fc_gan", epochs=(1,))
    assert "the same networks" in texts(compare(a=f"run:{run.id}", b=f"run:{run.id}"))


def test_a_link_brings_models_noise_view_and_pair() -> None:
    refs = [f"run:{make_run(name).id}" for name in ("fc_gan", "cgan", "leaky_gan")]
    test = compare(a=refs[0], b=f"{refs[1]}@10", c=refs[2], view="difference", pair="ac", noise="7", pictures="6")
    assert not test.error
    assert test.number_input(key="noise").value == 7
    assert test.slider(key="pictures").value == 6
    assert "**C minus A**" in texts(test)
    assert "Mean absolute difference" in texts(test)
    assert test.query_params["b"] == f"{refs[1]}@10"


def test_the_class_is_offered_only_where_a_model_can_be_told() -> None:
    plain = make_run("fc_gan")
    assert "Class" not in [box.label for box in compare().selectbox]
    told = make_run("cgan")
    test = compare(a=f"run:{plain.id}", b=f"run:{told.id}", **{"class": "3"})
    assert [box.value for box in test.selectbox if box.label == "Class"] == ["3"]
    assert "it cannot be told which" in texts(test)


def test_models_with_other_noise_are_said_to_share_the_seed_alone() -> None:
    refs = [f"run:{make_run('fc_gan', changes=change).id}" for change in ({}, {"latents.size": 20})]
    said = texts(compare(a=refs[0], b=refs[1]))
    assert "The same seed, but not the same noise" in said
    assert "100 × uniform · 20 × uniform" in said


def test_pictures_of_other_sizes_are_refused_in_one_sentence_and_the_rest_stays(tmp_path: Path) -> None:
    run = make_run("dcgan", epochs=(1,), changes={"training.batch_size": 8})
    large = small_recipe("dcgan", {"generator.base_size": 8})
    write_bundle(library.uploads_dir() / "large.safetensors", large, side=32)
    test = compare(a=f"run:{run.id}", b="upload:large", view="difference")
    assert [error.value for error in test.error] == [
        "These two models draw pictures of different sizes, so they cannot be subtracted."
    ]
    assert any(element.value == "Settings that differ" for element in test.subheader)


@pytest.mark.parametrize("ref", ["run:gone", "upload:../x", "/etc/passwd", "run:..", "nothing@5"])
def test_a_model_that_is_not_there_is_said_and_replaced(ref: str) -> None:
    run = make_run("fc_gan")
    test = compare(a=ref)
    assert not test.error
    assert "is not here any more" in texts(test)
    assert test.query_params["a"] == f"run:{run.id}"


def test_a_snapshot_that_is_not_kept_is_said_and_replaced() -> None:
    run = make_run("fc_gan")
    test = compare(a=f"run:{run.id}@15", b=f"run:{run.id}")
    assert "is not kept" in texts(test)
    assert test.query_params["a"] == f"run:{run.id}"


def test_models_are_added_and_taken_off() -> None:
    make_run("fc_gan", epochs=(1, 2))
    other = make_run("leaky_gan")
    test = compare(a=f"run:{other.id}", b=f"run:{other.id}@10")
    test.button(key="compare.add").click().run()
    assert "c" in test.query_params
    assert pictures(test) == 3
    test.button(key="compare.c.remove").click().run()
    assert "c" not in test.query_params
    assert pictures(test) == 2


def test_the_choice_survives_a_visit_to_another_page() -> None:
    run = make_run("fc_gan", epochs=(1, 2, 3))
    test = compare(a=f"run:{run.id}@10", b=f"run:{run.id}@20")
    test.switch_page("../home.py").run()
    test.query_params.clear()
    test.switch_page("../compare.py").run()
    assert (test.query_params["a"], test.query_params["b"]) == (f"run:{run.id}@10", f"run:{run.id}@20")


def test_the_preset_shows_both_recipes_at_the_reports_epochs_that_both_keep() -> None:
    make_run("fc_gan")
    original = make_run("dcgan", epochs=(20, 30, 40, 49), group="pair")
    modified = make_run("dcgan_modified", epochs=(20, 30), group="pair")
    make_run("dcgan_modified", epochs=())  # newer, without networks yet
    for name in ("dcgan", "dcgan_modified"):  # newer, but stopped early
        make_run(name, epochs=(20,), group="short")
    test = compare()
    test.button(key="compare.preset").click().run()
    assert (test.query_params["a"], test.query_params["b"]) == (f"run:{original.id}", f"run:{modified.id}")
    assert test.query_params["view"] == "epochs"
    assert "Not kept by both trainings: 40, 49" in texts(test)
    assert "Shown: 20, 30" in texts(test)
    assert pictures(test) == 4
    headings = [element.value for element in test.markdown if element.value.startswith("**Epoch")]
    assert headings == ["**Epoch 20**", "**Epoch 30**"]


def test_shipped_histories_come_first_in_the_preset() -> None:
    entries = []
    for name in ("dcgan", "dcgan_modified"):
        recipe = small_recipe(name)
        make_run(recipe, path=library.history_run(name).path, epochs=(20,))
        write_bundle(library.WEIGHTS_DIR / f"{name}.safetensors", recipe, 490, 49.0)
        entries.append({"name": name, "title": recipe.title, "recipe": name, "dataset": recipe.dataset})
    (library.WEIGHTS_DIR / "manifest.json").write_text(json.dumps({"bundles": entries}))
    test = compare()
    test.button(key="compare.preset").click().run()
    assert (test.query_params["a"], test.query_params["b"]) == ("dcgan", "dcgan_modified")
    assert "Not kept by both trainings: 30, 40" in texts(test)
    assert pictures(test) == 4


def test_both_trainings_start_with_one_click_and_can_be_followed() -> None:
    refs = [f"run:{make_run(name).id}" for name in ("fc_gan", "leaky_gan")]
    test = compare(a=refs[0], b=refs[1])
    next(button for button in test.button if "Start both" in button.label).click().run()
    assert not test.error
    started = [run for run in list_runs() if run.about().group]
    assert {run.recipe().name for run in started} == {"fc_gan", "leaky_gan"}
    assert len({run.about().group for run in started}) == 1
    assert len({run.recipe().training.seed for run in started}) == 1
    assert sorted(jobs.queued(runs_dir())) == sorted(run.id for run in started)
    assert test.query_params["started"] == started[0].about().group


@pytest.mark.parametrize("view", ["rows", "wipe", "difference", "epochs"])
def test_every_view_works_in_chinese(view: str) -> None:
    make_run("fc_gan", epochs=(1, 2))
    make_run("cgan", epochs=(1, 2))
    test = compare(lang="zh", view=view)
    assert not test.error

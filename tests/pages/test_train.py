"""The Train page without a browser: the form, the start of a run, its controls, and what may be wrong with a run."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from gan_core import jobs
from gan_core.data import find_dataset
from gan_core.datasets.archives import uploads
from gan_core.images import png
from gan_core.jobs import Supervisor
from gan_core.parts import parts_of
from gan_core.recipes import RECIPES, find_recipe
from gan_core.recipes.recipe import TERMS
from gan_core.regularizers import R1
from gan_core.runs import Run, Status, create_run, list_runs
from pages.ui.run_view import tick_seconds
from pages.ui.sheet_route import read_sheet
from tests.made_runs import write_bundle

TILES = np.zeros((28, 58), np.uint8)
MAIN = Path(__file__).parents[2] / "pages" / "ui" / "main.py"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAN_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("GAN_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "runs"


@pytest.fixture
def supervisor(root: Path) -> Iterator[Supervisor]:
    watcher = Supervisor(root)
    watcher.start()
    yield watcher
    for run in list_runs(root):
        jobs.stop(run)
    wait(lambda: not any(run.status().live for run in list_runs(root)))
    watcher.stop()


def wait(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def train_page(**params: str) -> AppTest:
    test = AppTest.from_file(MAIN, default_timeout=60)
    test.query_params.update(params)
    test.run()
    test.switch_page("../train.py")
    test.query_params.update(params)
    return test.run()


def button(test: AppTest, label: str):  # type: ignore[no-untyped-def]
    return next(item for item in test.button if item.label == label)


def labels(test: AppTest) -> list[str]:
    return [item.label for item in test.button]


def texts(test: AppTest) -> str:
    parts = (*test.markdown, *test.caption, *test.info, *test.warning, *test.error)
    return "\n".join(str(item.value) for item in parts)


def made_run(root: Path, name: str = "fc_gan", state: str = "stopped", *, kept: bool = True) -> Run:
    """A run folder as training leaves it: three sheets, of which the last has its networks."""
    run = create_run(find_recipe(name).with_values({"snapshots.rows": 1, "snapshots.columns": 2}), root=root)
    lines = []
    for step in (0, 468, 936):
        run.sheet_path(step).write_bytes(png(TILES + step // 10))
        lines.append(
            f'{{"event": "snapshot", "step": {step}, "epoch": {step // 468}, "rows": 1, "columns": 2, '
            '"verdicts": [0.25, 0.5]}'
        )
        if step:
            lines.append(
                f'{{"event": "scalars", "step": {step}, "epoch": {step // 468}, "seconds": 1.5, "values": '
                '{"loss_g": 1.25, "loss_d": 0.5, "d_real": 0.75, "d_fake": 0.25, "lr_g": 0.0002, "lr_d": 0.0002}}'
            )
    run.metrics_path.write_text("\n".join(lines) + "\n")
    if kept:
        run.bundle_path(936).write_bytes(b"networks")
    run.set_status(Status(state, step=936, total_steps=40_001, epoch=2, total_epochs=85.5, seconds=75))
    return run


def test_each_recipe_has_a_link_and_says_what_its_report_leaves_open() -> None:
    for recipe in RECIPES:
        test = train_page(recipe=recipe.name)
        assert not test.exception and not test.error
        assert recipe.summary in texts(test)
        assert all(note in texts(test) for note in recipe.notes)
        assert all(figure in texts(test) for figure in recipe.reported)
        titles = " ".join(box.label for box in test.expander)
        assert ("the report leaves open" in titles) == recipe.of_report
        assert ("How it is made" in titles) != recipe.of_report


def test_an_unknown_recipe_is_one_sentence_and_the_form_is_there() -> None:
    test = train_page(recipe="stylegan")
    assert "There is no recipe called stylegan" in texts(test)
    assert "Train" in labels(test)


def test_a_missing_mnist_is_announced_with_what_takes_its_place() -> None:
    test = train_page(recipe="fc_gan")
    assert "trains on strokes instead" in texts(test)


def test_a_link_fills_the_form_and_marks_what_differs_from_the_report(root: Path) -> None:
    test = train_page(recipe="fc_gan", data="strokes", set="training.epochs=3;training.seed=7")
    assert "2 settings changed" in texts(test)
    assert "1,404 steps: 3 epochs" in texts(test)
    button(test, "Train").click().run()
    [run] = list_runs(root)
    recipe = run.recipe()
    assert (recipe.training.epochs, recipe.training.seed, recipe.dataset) == (3, 7, "strokes")
    assert recipe.generator == find_recipe("fc_gan").generator
    assert test.query_params["run"] == run.id
    assert jobs.queued(root) == [run.id]


def test_a_recipe_that_cannot_train_is_refused_with_one_sentence(root: Path) -> None:
    test = train_page(recipe="dcgan", set="generator.strides=1%2C%202%2C%201")
    button(test, "Train").click().run()
    assert len(test.error) == 1 and "14×14" in test.error[0].value
    assert list_runs(root) == []


def test_a_run_trains_pauses_goes_on_stops_and_resumes(root: Path, supervisor: Supervisor) -> None:
    test = train_page(recipe="fc_gan", data="strokes")
    button(test, "Train").click().run()
    [run] = list_runs(root)
    wait(lambda: run.status().state == "running" and len(run.history()) > 0)
    test.run()
    button(test, "Pause").click().run()
    wait(lambda: run.status().state == "paused")
    step = run.status().step
    test.run()
    assert run.status().step == step
    button(test, "Continue").click().run()
    wait(lambda: run.status().step > step)
    test.run()
    button(test, "Stop").click().run()
    wait(lambda: run.status().state == "stopped")
    test.run()
    assert run.newest_bundle() is not None
    reached = run.status().step
    button(test, "Resume").click().run()
    wait(lambda: run.status().state == "running" and run.status().step > reached)
    other = train_page()  # a second visitor, without a link, is shown what trains
    assert other.query_params["run"] == run.id
    assert "Stop" in labels(other)


def test_a_branch_starts_from_a_kept_snapshot_with_the_settings_of_its_parent(root: Path) -> None:
    parent = made_run(root)
    test = train_page(run=parent.id)
    button(test, "Branch").click().run()
    assert test.query_params["branch"] == f"{parent.id}@936"
    assert not any("hidden" in item.key for item in test.text_input)  # the networks are settled
    button(test, "Train").click().run()
    [child] = [run for run in list_runs(root) if run.id != parent.id]
    assert child.about().parent == f"{parent.id}@936"
    assert child.start_path.read_bytes() == b"networks"
    assert child.recipe() == parent.recipe()


def test_a_branch_of_nothing_is_one_sentence(root: Path) -> None:
    run = made_run(root)
    for branch in (f"{run.id}@468", f"{run.id}@x", "gone@3"):
        test = train_page(run="new", branch=branch)
        assert len(test.error) == 1 and not test.exception
        assert "Train" not in labels(test)


def test_networks_that_were_not_kept_are_not_offered(root: Path) -> None:
    run = made_run(root, kept=False)
    test = train_page(run=run.id)
    assert button(test, "Branch").disabled


def test_a_waiting_run_says_what_it_waits_for(root: Path) -> None:
    first, second, third = (made_run(root, name) for name in ("cgan", "fc_gan", "leaky_gan"))
    first.set_status(Status("paused", step=1, total_steps=2))
    jobs.enqueue(second)
    time.sleep(0.01)
    jobs.enqueue(third)
    assert "Next in line" in progress(train_page(run=second.id))
    assert "1 other run" in progress(train_page(run=third.id))


def test_a_page_looks_less_often_at_a_longer_curve_and_often_at_what_is_about_to_change(root: Path) -> None:
    run = create_run(find_recipe("fc_gan"), root=root)

    def tick(state: str, seconds: float) -> float | None:
        return tick_seconds(run, Status(state=state, seconds=seconds))

    assert [tick("running", seconds) for seconds in (0, 59, 60, 119, 120, 299, 300, 1e6)] == [1, 1, 2, 2, 5, 5, 10, 10]
    assert tick("queued", 1e6) == tick("paused", 1e6) == tick("stopping", 1e6) == 1
    assert tick("finished", 1e6) is tick("stopped", 0) is None
    run.set_command("pause")
    assert tick("running", 1e6) == 1


def progress(test: AppTest) -> str:
    return next(str(item.proto.text) for item in test.get("progress"))


def test_a_run_that_is_gone_is_one_sentence_and_the_page_goes_on(root: Path) -> None:
    kept, gone = made_run(root), made_run(root, "cgan")
    test = train_page(run=gone.id)
    assert not test.error
    gone.delete()
    test.run()
    assert len(test.error) == 1 and not test.exception
    assert "New training" in labels(test)
    test = train_page(run="../../etc")
    assert len(test.error) == 1 and not test.exception
    assert not train_page(run=kept.id).error


@pytest.mark.parametrize("state", ["failed", "diverged"])
def test_a_run_that_went_wrong_says_so_and_offers_its_log(root: Path, state: str) -> None:
    run = made_run(root, state=state)
    run.set_status(Status(state, step=9, total_steps=10, traceback="Traceback: secret").saying("The memory is full."))
    test = train_page(run=run.id)
    assert [item.value for item in test.error] == ["The memory is full."]
    assert "secret" not in texts(test)
    assert ("Resume" in labels(test)) == (state == "failed")


def test_another_server_on_the_same_folder_is_mentioned(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run(root)
    jobs.enqueue(run)
    first, second = Supervisor(root), Supervisor(root)
    assert first._take_lock() and not second._take_lock()
    monkeypatch.setattr(jobs, "supervisor", lambda: second)
    assert "Another GAN Workbench" in texts(train_page(run=run.id))
    monkeypatch.setattr(jobs, "supervisor", lambda: first)
    assert "Another GAN Workbench" not in texts(train_page(run=run.id))
    first.stop()


def test_sheets_travel_over_http_and_nothing_else_does(root: Path) -> None:
    run = made_run(root)
    assert read_sheet(f"run:{run.id}", 468) == run.sheet_path(468).read_bytes()
    for model, step in (
        (f"run:{run.id}", 5), ("run:../x", 0), ("run:..", 0), (f"run:{run.id}/../{run.id}", 468), ("/etc/passwd", 0),
        (str(run.path), 468), ("run:", 0), ("upload:x", 0), ("", 0),
    ):  # fmt: skip
        assert read_sheet(model, step) is None


def test_the_page_is_chinese_throughout(root: Path) -> None:
    run = made_run(root)
    test = train_page(run=run.id, lang="zh")
    assert not {"Resume", "Branch", "New training"} & set(labels(test))
    form = train_page(run="new", lang="zh")
    assert "Train" not in labels(form)
    assert any("线程" in option for box in form.selectbox for option in box.options)




def test_a_link_chooses_the_terms_of_a_loss_and_their_weights(root: Path) -> None:
    test = train_page(
        recipe="fc_gan", data="strokes", d_terms="real_cross_entropy,fake_cross_entropy,r1",
        set="discriminator_terms.r1.weight=5",
    )  # fmt: skip
    assert not test.error and not test.exception
    assert "not the recipe's own terms" in texts(test)
    button(test, "Train").click().run()
    [run] = list_runs(root)
    own = find_recipe("fc_gan")
    assert run.recipe().discriminator_terms == (*own.discriminator_terms, R1(weight=5.0))
    assert run.recipe().generator_terms == own.generator_terms


def test_every_term_is_offered_with_formula_source_and_sentence() -> None:
    test = train_page(recipe="fc_gan")
    offered = [option.content for group in test.button_group for option in group.proto.options]
    latex = "\n".join(item.value for item in test.latex)
    for term in TERMS:
        assert term.title in offered and term.summary in texts(test) and term.source in texts(test)
        assert term.formula in latex


def test_every_other_part_is_described_beside_all_settings() -> None:
    text = texts(train_page(recipe="fc_gan"))
    offered = [part for _, found in parts_of(find_recipe("fc_gan")) for part in found]
    assert len(offered) > 15
    for part in offered:
        assert all(said in text for said in (f"**{part.title}** — {part.summary}", part.source, *part.formula))


def test_a_contradiction_is_one_sentence_and_nothing_can_start() -> None:
    for recipe, params in {
        "r4_dcgan": {"d_terms": "real_cross_entropy,fake_cross_entropy,r1"},
        "fc_gan": {"d_terms": "none"},
    }.items():
        test = train_page(recipe=recipe, **params)
        assert len(test.error) == 1 and not test.exception
        assert button(test, "Train").disabled
    button(test, "Reset").click().run()
    assert not test.error and not button(test, "Train").disabled
    assert "d_terms" not in test.query_params


def test_chosen_terms_stay_with_their_recipe() -> None:
    test = train_page(recipe="fc_gan", g_terms="minimax,feature_matching")
    test.pills(key="recipe").set_value("cgan").run()
    assert "g_terms" not in test.query_params and "not the recipe's own terms" not in texts(test)
    test.pills(key="recipe").set_value("fc_gan").run()
    assert test.query_params["g_terms"] == "minimax,feature_matching"


def zipped(count: int) -> bytes:
    """A zip of small grey pictures in two folders."""
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for index in range(count):
            archive.writestr(f"{index % 2}/{index}.png", png(np.full((32, 40), index, np.uint8)))
    return packed.getvalue()


def test_uploaded_pictures_are_a_data_set_that_can_be_deleted(root: Path) -> None:
    test = train_page(recipe="fc_gan", data="upload", set="training.batch_size=16")
    assert button(test, "Train").disabled
    test.file_uploader[0].set_value(("odd.zip", b"not a zip", "application/zip")).run()
    assert len(test.error) == 1 and "not a zip file" in test.error[0].value
    test.file_uploader[0].set_value(("My cats.zip", zipped(40), "application/zip")).run()
    assert not test.error and "40 pictures" in texts(test)
    [upload] = uploads()
    assert test.query_params["upload"] == upload
    button(test, "Train").click().run()
    [run] = list_runs(root)
    assert run.recipe().dataset.startswith("upload:My-cats-")
    assert find_dataset(run.recipe().dataset).image_shape == (1, 28, 28)
    test = train_page(recipe="fc_gan", data="upload", upload=upload, pictures="size=32")
    assert not test.error
    button(test, "Delete for good").click().run()
    assert uploads() == [] and button(test, "Train").disabled


def test_a_folder_is_a_data_set_except_on_a_shared_server(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "pictures"
    folder.mkdir()
    test = train_page(recipe="fc_gan", data="folder", folder=str(folder))
    assert len(test.error) == 1 and button(test, "Train").disabled
    for index in range(30):
        (folder / f"{index}.png").write_bytes(png(np.full((28, 28), index, np.uint8)))
    test = train_page(recipe="fc_gan", data="folder", folder=str(folder), set="training.batch_size=16")
    assert not test.error and "30 pictures" in texts(test)
    button(test, "Train").click().run()
    [run] = list_runs(root)
    assert run.recipe().dataset == f"folder:{folder}?size=28&channels=1"
    assert "Prepared on this machine" not in texts(test)
    find_dataset(run.recipe().dataset).load()
    test = train_page(recipe="fc_gan", data="folder", folder=str(folder), set="training.batch_size=16")
    assert "Prepared on this machine: 0.1 MB" in texts(test)
    test.button(key="data.tidy").click().run()
    assert not test.error and "Prepared on this machine" not in texts(test)
    monkeypatch.setenv("GAN_HOSTED", "1")
    test = train_page(recipe="fc_gan", data="folder", folder=str(folder))
    assert "folder" not in test.query_params and str(folder) not in texts(test)


def measured(run: Run, epoch: int, classes: tuple[int, ...], distance: float) -> None:
    """One more line in the run's file, as the gauge writes it."""
    line = {"event": "quality", "step": 468 * epoch, "epoch": epoch, "count": 1000, "spread": 0.8, "reader": "mnist",
            "classes": classes, "real": [0.1] * 10, "distance": distance, "floor": 0.6, "alone": 160.0,
            "d_trained": 0.6, "d_held_out": 0.6, "memory": 0.5}  # fmt: skip
    with run.metrics_path.open("a") as stream:
        stream.write(json.dumps(line) + "\n")


ONE = (20, 840, 0, 50, 0, 20, 0, 40, 30, 0)


def test_a_collapse_is_said_in_words_and_a_click_trains_a_branch_from_before_it(root: Path) -> None:
    run = made_run(root)
    write_bundle(run.bundle_path(936), run.recipe(), 936, 2)
    for epoch in (3, 4):
        measured(run, epoch, ONE, 120.0)
    test = train_page(run=run.id, data="strokes")
    assert not test.exception
    assert "84% of the pictures are read as “1”; among real ones it is 10%." in texts(test)
    assert "Since epoch 3, seen 2 times in a row." in texts(test)
    assert [(item.label, item.value) for item in test.metric][:2] == [
        ("Classes covered", "6 of 10"), ("Distance to real pictures", "120"),
    ]  # fmt: skip
    assert "2, 4, 6, 9" in texts(test)
    assert "Compare remedies from the start, in the Lab" in [link.proto.label for link in test.get("page_link")]
    button(test, "Feature matching").click().run()
    [branch] = [other for other in list_runs(root) if other.id != run.id]
    assert not test.error and branch.about().parent == f"{run.id}@936"
    assert [term.kind for term in branch.recipe().generator_terms] == ["non_saturating", "feature_matching"]
    assert branch.start_path.read_bytes() == run.bundle_path(936).read_bytes()
    assert test.query_params["run"] == branch.id and jobs.queued(root) == [branch.id]


def test_a_healthy_run_shows_figures_and_no_alarm(root: Path) -> None:
    run = made_run(root)
    measured(run, 3, (100,) * 10, 5.0)
    test = train_page(run=run.id)
    assert not test.exception and "No class is missing." in texts(test)
    assert test.metric[0].value == "10 of 10" and "Feature matching" not in labels(test)


def chart_places(test: AppTest) -> list[list[int]]:
    """Where each chart stands in the tree of the page: a chart whose place changes is drawn anew in the browser."""
    places: list[list[int]] = []

    def walk(block: Block, path: list[int]) -> None:
        for index, child in block.children.items():
            if isinstance(child, Block):
                walk(child, [*path, index])
            elif child.type == "bidi_component":
                places.append([*path, index])

    walk(test.main, [])
    return places


def test_what_a_run_says_leaves_the_charts_where_they_are(root: Path) -> None:
    run = made_run(root)
    before = chart_places(train_page(run=run.id))
    for epoch in (3, 4):
        measured(run, epoch, ONE, 120.0)
    run.set_status(replace(run.status(), notice="The processor is slow today."))
    test = train_page(run=run.id)
    assert "The processor is slow today." in texts(test) and "are read as “1”" in texts(test)
    after = chart_places(test)
    assert before and all(place in after for place in before)


def test_without_kept_networks_remedies_wait(root: Path) -> None:
    run = made_run(root, kept=False)
    for epoch in (3, 4):
        measured(run, epoch, ONE, 120.0)
    test = train_page(run=run.id)
    assert "this run has none yet" in texts(test) and "Feature matching" not in labels(test)


def test_a_run_that_was_never_measured_says_so(root: Path) -> None:
    test = train_page(run=made_run(root).id)
    assert not test.exception and "This run was not measured" in texts(test) and not test.metric

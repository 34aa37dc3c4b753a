"""The Lab page without a browser: what a comparison costs, how it starts and stops, and what its table says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gan_core import jobs
from gan_core.evaluation.evaluate import Evaluation, Measure
from gan_core.files import write_json
from gan_core.images import png
from gan_core.lab import comparisons
from gan_core.lab.ablation import PLAIN, Plan
from gan_core.lab.trials import results_of
from gan_core.metrics.table import BY_KEY
from gan_core.runs import Run, list_runs
from pages.ui import visitor
from tests.pages.opened import open_page

FLOORS = {"coverage": 0.96, "frechet": 1.5}


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(comparisons, "LAB_DIR", tmp_path / "lab")


def lab(**params: str) -> AppTest:
    return open_page("lab", **params)


def written(test: AppTest) -> str:
    kinds = (test.markdown, test.caption, test.subheader, test.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def press(test: AppTest, key: str) -> AppTest:
    test = test.button(key).click().run()
    assert not test.exception
    return test


def started(plan: Plan, group: str = "mine", owner: str = "") -> list[Run]:
    return jobs.start_runs(
        [arm.recipe for arm in plan.arms()], group=group, measured=plan.count, owner=owner,
        parts=[(arm.part, arm.title) for arm in plan.arms()],
    )  # fmt: skip


def end(run: Run, **scores: float) -> None:
    """As a finished run leaves its folder."""
    measures = tuple(Measure(BY_KEY[key], value, FLOORS[key]) for key, value in scores.items())
    found = Evaluation("mnist", 500, 0, 9, 1.0, measures, (), ())
    write_json(run.evaluation_path, found.to_dict())
    run.sheet_path(9).write_bytes(png(np.full((28, 56), 90, np.uint8)))
    jobs.stop(run)
    run.set_status(replace(run.status(), state="finished", step=9, epoch=1.0, seconds=60.0))


def ended_comparison(group: str = "mine") -> list[Run]:
    plan = Plan("fc_gan", ("batch_norm", "packing", "r1"), seeds=(1, 2, 3), epochs=1, count=500)
    runs = started(plan, group)
    for run in runs:
        part, seed = run.about().part, run.recipe().training.seed
        coverage = {PLAIN: 0.2, "batch_norm": 0.5, "packing": 0.21, "r1": 0.6}[part] + seed / 100
        frechet = {PLAIN: 40, "batch_norm": 90, "packing": 40, "r1": 20}[part] + seed
        if (part, seed) != ("r1", 3):
            end(run, coverage=coverage, frechet=float(frechet))
    return runs


def test_the_form_says_beforehand_what_it_costs() -> None:
    test = lab()
    assert "21 runs (7 ways × 3 seeds), one after the other. How long they take is known once" in written(test)
    [run] = started(Plan("fc_gan", (), seeds=(1,), epochs=1), "earlier")
    end(run, coverage=0.1)
    test = lab(comparison="new", ways="batch_norm", trial_epochs="5")
    assert "6 runs (2 ways × 3 seeds)" in written(test)
    assert "About 30 min 0 s" in written(test), "six runs of five epochs at 60 s"
    jobs.start_runs([Plan("fc_gan", epochs=1).base])
    assert "1 other run starts first." in written(lab(comparison="new"))


def test_a_start_queues_each_way_with_each_seed_and_leads_there() -> None:
    test = lab(recipe="fc_gan", data="strokes", ways="packing,batch_norm+packing", trial_seeds="4, 9", trial_epochs="2",
               trial_count="300")  # fmt: skip
    test = press(test, "lab.start")
    assert not test.error
    runs = [Run(run.path) for run in reversed(list_runs())]
    by_place = [next(run for run in runs if run.id == name) for name in jobs.queued(runs[0].path.parent)]
    assert [(run.about().part, run.recipe().training.seed) for run in by_place] == [
        (part, seed) for seed in (4, 9) for part in (PLAIN, "packing", "batch_norm+packing")
    ]  # fmt: skip
    [group] = {run.about().group for run in runs}
    assert {(run.about().measured, run.recipe().training.epochs, run.recipe().dataset) for run in runs} == {
        (300, 2, "strokes")
    }  # fmt: skip
    assert len({run.recipe().training.precision for run in runs} - {"auto"}) == 1
    assert by_place[2].about().name == "Fully connected GAN + Batch normalisation in G + Packing"
    assert test.query_params["comparison"] in (group, [group]) and "ways" not in test.query_params
    assert "0 of 6 runs have ended" in {bar.proto.text for bar in test.get("progress")} | {written(test)}
    assert "The table appears as soon as the first run has ended" in written(test)


@pytest.mark.parametrize("seeds", ["1, x", "", "3, 3", "-1"])
def test_bad_seeds_are_one_sentence_and_nothing_starts(seeds: str) -> None:
    test = lab(comparison="new", trial_seeds=seeds or " ")
    assert len(test.error) == 1 and test.error[0].value.endswith(".")
    assert test.button("lab.start").disabled


def test_remedies_are_joined_on_the_page_and_the_link_says_so() -> None:
    test = lab(comparison="new", ways="r1")
    key = "lab.ways.fc_gan"
    assert test.button(f"{key}.join").disabled
    test.session_state[f"{key}.parts"] = ["packing", "batch_norm"]
    test = press(test.run(), f"{key}.join")
    assert test.query_params["ways"] in ("r1,batch_norm+packing", ["r1,batch_norm+packing"])
    assert "9 runs (3 ways × 3 seeds)" in written(test)


def test_the_table_says_in_words_what_is_more_than_chance() -> None:
    ended_comparison()
    test = lab(comparison="mine")
    [table] = [item.value for item in test.markdown if item.value.startswith("| ")]
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines()}
    assert list(rows)[2] == "As it is"
    [words] = [item.value for item in test.markdown if item.value.startswith("- ")]
    assert words.splitlines() == [
        "- **As it is**: the baseline",
        "- **Batch normalisation in G**: better: Coverage; worse: Fréchet distance",
        "- **Packing**: no clear difference",
        "- **R1 penalty**: too few runs to tell",
    ]
    assert "52.0%\u00a0±\u00a01.0%\u00a0▲" in rows["Batch normalisation in G"] and "2/3" in rows["R1 penalty"]
    assert "*96.0%*" in rows["*Real pictures*"]
    # Two ways with three runs, two measures each: 2 of the 20 orders of three and three are clear.
    assert "about 0.4 of such marks" in written(test)
    assert {item.proto.label for item in test.get("download_button")} >= {
        "Table", "Each run", "Everything", "Picture sheets",
    }  # fmt: skip


def test_all_are_stopped_after_a_question_and_can_go_on() -> None:
    runs = started(Plan("fc_gan", ("r1",), seeds=(1, 2), epochs=1))
    test = press(lab(comparison="mine"), "mine.stop")
    assert {run.status().state for run in runs} == {"queued"}, "a question comes first"
    assert "4 runs train or wait." in written(test)
    test = press(test, "mine.stop_now")
    assert {run.status().state for run in runs} == {"stopped"} and not jobs.queued(runs[0].path.parent)
    assert "No run was measured" in written(test.run())
    press(test, "mine.resume")
    assert jobs.queued(runs[0].path.parent) == [run.id for run in runs]


def test_a_comparison_opens_the_form_with_its_settings() -> None:
    ended_comparison()
    test = press(lab(comparison="mine"), "mine.repeat")
    assert test.text_input("trial_seeds").value == "1, 2, 3" and test.number_input("trial_epochs").value == 1
    assert "12 runs (4 ways × 3 seeds)" in written(test)


def test_what_comes_along_is_shown_with_its_command(tmp_path: Path) -> None:
    ended_comparison()
    results = replace(results_of("mine"), command="python -m gan_core ablate fc_gan")
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "fc_gan.json").write_text(results.to_json(), encoding="utf-8")
    for run in list_runs():
        jobs.stop(run)
        run.delete()
    test = lab()
    assert test.query_params["comparison"] in ("shipped:fc_gan", ["shipped:fc_gan"])
    assert [item.value for item in test.code][:1] == ["python -m gan_core ablate fc_gan"]
    assert "better: Coverage" in written(test) and "mine.stop" not in {item.key for item in test.button}


def test_what_there_is_not_is_one_sentence() -> None:
    for ref in ("nobody", "shipped:nothing", "../etc"):
        test = lab(comparison=ref)
        assert len(test.error) == 1 and test.error[0].value.endswith(".")


def test_strangers_watch_and_stay_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = started(Plan("fc_gan", (), seeds=(1,), epochs=1), owner="another")
    monkeypatch.setenv("GAN_HOSTED", "1")
    monkeypatch.setattr(visitor, "owner", lambda: "somebody")
    test = lab(comparison="mine")
    assert "You are watching" in written(test) and "mine.stop" not in {item.key for item in test.button}
    test = press(lab(comparison="new", trial_epochs="5", data="strokes"), "lab.start")
    assert "2 of your runs may train or wait at once" in test.error[0].value
    assert [run.id for run in list_runs()] == [run.id for run in runs]

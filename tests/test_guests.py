"""A shared server: what may train, whose a run is, what ends by itself, what is tidied away, who waits how long."""

from __future__ import annotations

import dataclasses
import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gan_core import guests, jobs, uploads, waiting
from gan_core.config import UserError
from gan_core.datasets.archives import prepared_dir, upload_path, uploads_dir
from gan_core.export import export_run, import_run
from gan_core.hosting import Limits, limits, worker_threads
from gan_core.jobs import Supervisor
from gan_core.recipes import RECIPES, find_recipe
from gan_core.runs import Run, create_run, find_run, list_runs, runs_dir
from gan_core.warden import LOOK_SECONDS, Warden
from tests.made_runs import make_run
from tests.small import small_recipe

NOW = 2e9  # seconds since 1970
DAY = 86_400.0


@pytest.fixture(autouse=True)
def hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("GAN_HOSTED"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GAN_HOSTED", "1")


def aged(run: Run, days: float, now: float) -> Run:
    """The run as one that was last used so long ago."""
    from gan_core.files import write_json

    write_json(run.path / "status.json", dataclasses.asdict(replace(run.status(), updated=now - days * DAY)))
    (run.path / "seen").touch()
    os.utime(run.path / "seen", (now - days * DAY, now - days * DAY))
    return run


def test_limits_come_from_the_environment_and_nonsense_there_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits() == Limits()
    for number, field in enumerate(dataclasses.fields(Limits), 50):
        monkeypatch.setenv(f"GAN_HOSTED_{field.name.upper()}", str(number))
    assert limits() == Limits(*range(50, 50 + len(dataclasses.fields(Limits))))
    for text in ("0", "-3", "many", "1.5", " "):
        monkeypatch.setenv("GAN_HOSTED_EPOCHS", text)
        assert limits() == Limits(Limits.epochs, *range(51, 50 + len(dataclasses.fields(Limits))))
    monkeypatch.delenv("GAN_HOSTED")
    assert limits() is None
    monkeypatch.setenv("SPACE_ID", "owner/name")
    assert limits() is not None


def test_the_readme_lists_every_limit_with_its_default() -> None:
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `GAN_HOSTED_(\w+)` \|.*\| (\d+) \|$", readme, re.MULTILINE))
    assert listed == {name.upper(): str(value) for name, value in dataclasses.asdict(Limits()).items()}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_as_fitted_is_allowed_and_one_more_epoch_is_not(recipe) -> None:  # type: ignore[no-untyped-def]
    fitted = guests.fitted(recipe)
    guests.check(fitted)
    assert fitted.training.epochs == min(recipe.training.epochs, Limits.epochs)
    assert all(epoch <= fitted.training.epochs for epoch in fitted.snapshots.epochs)
    more = fitted.with_values({"training.epochs": Limits.epochs + 1})
    with pytest.raises(UserError, match="30 epochs"):
        guests.check(more)


def test_large_pictures_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    small = small_recipe("fc_gan", {"dataset": "strokes"})
    monkeypatch.setenv("GAN_HOSTED_SIDE", "28")
    guests.check(small)
    monkeypatch.setenv("GAN_HOSTED_SIDE", "27")
    with pytest.raises(UserError, match="27 × 27"):
        guests.check(small)


def test_a_visitor_has_so_many_runs_at_once_and_others_have_their_own() -> None:
    recipe = small_recipe("fc_gan", {"dataset": "strokes"})
    jobs.start_runs([recipe, recipe], owner="ann")
    with pytest.raises(UserError, match="2 of your runs"):
        jobs.start_runs([recipe], owner="ann")
    jobs.start_runs([recipe], owner="bob")
    with pytest.raises(UserError, match="2 of your runs"):
        jobs.start_runs([recipe, recipe], owner="bob")
    assert sorted(run.about().owner for run in list_runs()) == ["ann", "ann", "bob"]
    jobs.stop(next(run for run in list_runs() if run.about().owner == "ann"))
    jobs.start_runs([recipe], owner="ann")


def test_a_run_is_its_visitors_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, nobodys = create_run(small_recipe(), owner="ann"), create_run(small_recipe())
    assert guests.owns(mine, "ann")
    guests.check_owner(mine, "ann")
    for visitor in ("bob", ""):
        for run in (mine, nobodys):
            assert not guests.owns(run, visitor)
            with pytest.raises(UserError, match="you can watch it"):
                guests.check_owner(run, visitor)
    monkeypatch.delenv("GAN_HOSTED")
    assert guests.owns(mine, "bob") and guests.owns(nobodys, "")


def test_an_export_says_nothing_of_its_visitor_and_an_import_is_its_bringers() -> None:
    import io
    import zipfile

    run = make_run()
    run.path.joinpath("about.json").write_text(run.path.joinpath("about.json").read_text().replace('"owner": ""',
                                                                                                  '"owner": "ann"'))
    assert run.about().owner == "ann"
    data = export_run(run)
    assert b"ann" not in zipfile.ZipFile(io.BytesIO(data)).read("about.json")
    assert import_run(io.BytesIO(data), "bob").about().owner == "bob"


def test_an_upload_keeps_its_visitor_when_it_is_renamed_and_forgets_it_with_itself() -> None:
    data = make_run().bundles()[0].read_bytes()
    name = uploads.save_upload("mine.safetensors", data, "ann").ref.partition(":")[2]
    assert uploads.owner_of(name) == "ann"
    assert uploads.save_upload("mine.safetensors", data, "bob").title == name
    assert uploads.owner_of(name) == "ann", "the same file again is still hers"
    name = uploads.rename_upload(name, "other")
    assert (uploads.owner_of(name), uploads.owner_of("mine")) == ("ann", "")
    uploads.delete_upload(name)
    assert list(uploads.uploads_dir().iterdir()) == []


def test_time_counts_pauses_and_earlier_sessions() -> None:
    run = create_run(small_recipe())
    guests.seen(run)
    limit = Limits.minutes * 60
    os.utime(run.path / "seen", (NOW + limit, NOW + limit))  # somebody looks all the time
    assert guests.over(run, NOW, NOW + limit - 1) is None
    ended = guests.over(run, NOW, NOW + limit)
    assert ended is not None and ended.text == guests.TIME_IS_UP
    run.set_status(replace(run.status(), seconds=limit))
    assert guests.over(run, NOW + limit - 1, NOW + limit) is not None
    with pytest.raises(UserError, match="30 minutes at most"):
        guests.check_resume(run)


def test_a_run_that_nobody_watches_ends_and_a_look_keeps_it() -> None:
    run, alone = create_run(small_recipe()), Limits.unwatched_minutes * 60
    assert guests.over(run, NOW, NOW + alone - 1) is None
    reason = guests.over(run, NOW, NOW + alone)
    assert reason is not None and reason.text == guests.UNWATCHED
    (run.path / "seen").touch()
    os.utime(run.path / "seen", (NOW + 30, NOW + 30))
    assert guests.over(run, NOW, NOW + alone + 29) is None
    assert guests.over(run, NOW, NOW + alone + 30) is not None


def test_looks_are_noted_but_not_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(small_recipe())
    os.utime(run.path, (1, 1))
    guests.seen(run)
    first = (run.path / "seen").stat().st_mtime
    assert abs(first - time.time()) < 60 and guests.last_seen(run) == first
    guests.seen(run)
    assert (run.path / "seen").stat().st_mtime == first
    os.utime(run.path / "seen", (first - 60, first - 60))
    guests.seen(run)
    assert (run.path / "seen").stat().st_mtime >= first
    monkeypatch.delenv("GAN_HOSTED")
    other = create_run(small_recipe())
    guests.seen(other)
    assert not (other.path / "seen").exists()


def test_the_warden_stops_says_why_and_lets_a_resumed_run_be() -> None:
    root, run, now = runs_dir(), create_run(small_recipe()), time.time()
    warden = Warden(root)
    run.set_status(replace(run.status(), state="running"))
    warden.look([run], now)
    assert run.command() == "run"
    late = now + Limits.unwatched_minutes * 60
    warden.look([run], late)
    assert run.command() == "stop"
    run.set_status(replace(run.status(), state="stopped"))  # as its process does
    warden.ended(run)
    assert run.status().message.startswith("Nobody watched this run for 10 minutes")
    again = Warden(root)
    again.look([run], now)
    again.look([run], late + LOOK_SECONDS)
    run.set_status(replace(run.status(), state="queued").saying(""))
    again.ended(run)
    assert (run.status().state, run.status().message) == ("queued", "")


def test_a_run_whose_visitor_left_the_queue_has_no_turn() -> None:
    run, warden = create_run(small_recipe()), Warden(runs_dir())
    jobs.enqueue(run)
    now = time.time()
    assert warden.admits(run, now + Limits.unwatched_minutes * 60 - 5)
    assert run.status().state == "queued"
    assert not warden.admits(run, now + Limits.unwatched_minutes * 60 + 5)
    assert run.status().state == "stopped" and "Nobody watched" in run.status().message


def test_tidying_removes_what_is_old_then_the_oldest_and_never_a_live_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time() + 100 * DAY
    days = {"ancient": 8.0, "old": 6.0, "middle": 4.0, "new": 1.0}
    runs = {name: aged(make_run(name=name), age, now) for name, age in days.items()}
    live = aged(make_run(name="live", state="running"), 50, now)
    waiting_run = aged(make_run(name="waiting", state="queued"), 50, now)
    assert guests.tidy(now=now) == [runs["ancient"].id]
    kept = sum(run.disk_bytes() for run in (live, waiting_run, runs["middle"], runs["new"]))
    monkeypatch.setattr(guests, "limits", lambda: Limits(storage_gb=kept / 10**9))  # type: ignore[arg-type]
    assert guests.storage_bytes() > kept
    assert guests.tidy(now=now) == [runs["old"].id]
    assert guests.storage_bytes() <= kept
    assert guests.tidy(now=now) == []
    monkeypatch.setattr(guests, "limits", lambda: Limits(storage_gb=0))
    assert guests.tidy(now=now) == [runs["middle"].id, runs["new"].id]
    assert {run.id for run in list_runs()} == {live.id, waiting_run.id}


def pictures(name: str, days: float, now: float, size: int) -> Path:
    """An uploaded zip of pictures that came so many days ago, with something prepared from it."""
    uploads_dir().mkdir(parents=True, exist_ok=True)
    upload_path(name).write_bytes(bytes(size // 2))
    prepared_dir(name).mkdir()
    (prepared_dir(name) / "pictures").write_bytes(bytes(size - size // 2))
    os.utime(upload_path(name), (now - days * DAY, now - days * DAY))
    return upload_path(name)


def test_uploaded_pictures_count_and_go_unless_a_run_needs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAN_DATA_DIR", str(tmp_path / "data"))
    now = time.time() + 100 * DAY
    recipe = replace(small_recipe("fc_gan"), dataset="upload:needed?size=28&channels=1")
    run = create_run(recipe)
    run.set_status(replace(run.status(), state="queued", updated=now))
    before = guests.storage_bytes()
    kept = [pictures(name, age, now, 10_000) for name, age in (("needed", 50.0), ("new", 1.0))]
    gone = pictures("old", 8.0, now, 10_000)
    assert guests.storage_bytes() == before + 30_000
    assert guests.tidy(now=now) == ["old"]
    assert not gone.exists() and not prepared_dir("old").exists()
    monkeypatch.setattr(guests, "limits", lambda: Limits(storage_gb=(before + 15_000) / 10**9))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no room for more"):
        guests.check_room()
    assert guests.tidy(now=now) == ["new"]
    guests.check_room()
    assert [path.exists() for path in kept] == [True, False] and guests.storage_bytes() == before + 10_000


def test_a_server_of_ones_own_removes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = aged(make_run(), 5000, time.time())
    monkeypatch.setenv("GAN_HOSTED", "0")
    assert guests.tidy() == [] and find_run(run.id).exists()
    assert guests.fitted(find_recipe("cgan")) is find_recipe("cgan")
    guests.check(find_recipe("cgan").with_values({"training.epochs": 10_000}))
    guests.check_turn("", 100)


def running(seconds: float, step: int, total: int) -> Run:
    run = create_run(small_recipe("fc_cnn_gan"))
    run.set_status(replace(run.status(), state="running", seconds=seconds, step=step, total_steps=total, epoch=1.0))
    return run


def test_the_wait_is_the_sum_of_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_HOSTED", "0")
    make_run(epochs=(2,))  # 10 s of training: 5 s an epoch
    running(100, 100, 300)
    first, second, third = (create_run(small_recipe("fc_gan", {"training.epochs": 7})) for _ in range(3))
    for run in (first, second, third):
        jobs.enqueue(run)
        time.sleep(0.01)  # places follow the time of queueing
    waits = [waiting.wait_of(run) for run in (first, second, third)]
    assert [wait.place for wait in waits] == [1, 2, 3]
    assert [wait.seconds for wait in waits] == pytest.approx([200, 235, 270])
    jobs.stop(first)
    assert waiting.wait_of(third) == waiting.Wait(2, pytest.approx(235))


def test_the_wait_is_unknown_without_a_precedent_but_bounded_on_a_shared_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GAN_HOSTED_MINUTES", "5")
    running(100, 100, 10_000)  # would take hours; 200 s are left to it
    first, second = create_run(small_recipe()), create_run(small_recipe())
    for run in (first, second):
        jobs.enqueue(run)
        time.sleep(0.01)
    assert waiting.wait_of(second) == waiting.Wait(2, pytest.approx(200 + 300))
    monkeypatch.setenv("GAN_HOSTED", "0")
    assert waiting.wait_of(second) == waiting.Wait(2, None)


def test_the_pages_keep_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, left in (("1", 1), ("2", 1), ("8", 7)):
        monkeypatch.setenv("OMP_NUM_THREADS", given)
        assert worker_threads() == left


def test_a_training_yields_to_the_pages_and_ends_unwatched(monkeypatch: pytest.MonkeyPatch, noise_mnist: Path) -> None:
    """With a real process: its priority, its threads, and the sentence that is left."""
    import psutil

    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    changes = {"training.steps": 10**8, "training.epochs": 30, "training.batch_size": 2}
    [run] = jobs.start_runs([small_recipe("fc_gan", changes)], owner="ann")
    server = Supervisor(run.path.parent)
    server.start()
    try:
        wait(lambda: run.status().step > 0)
        process = psutil.Process(run.status().pid)
        assert process.nice() >= 10
        assert process.environ()["OMP_NUM_THREADS"] == "1"
        later = time.time() + Limits.unwatched_minutes * 60 + 1
        server._warden._look_due = 0.0
        server._warden.look([run], later)
        wait(lambda: run.status().message)
        assert run.status().state == "stopped" and "Nobody watched" in run.status().message
        assert run.newest_bundle() is not None, "everything is kept"
    finally:
        jobs.stop(run)
        wait(lambda: not run.status().live)
        server.stop()


def wait(condition, seconds: float = 90) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)

"""Publishing to the Hub: what lands there, whose right it needs, and what must never be in it."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import logging
import re
import traceback
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from PIL import Image

from gan_core import library
from gan_core.checkpoints import load_bundle, read_bundle_info, read_tensors, rewrite_bundle
from gan_core.cli import main
from gan_core.config import UserError
from gan_core.evaluation import kept
from gan_core.evaluation.evaluate import Evaluation, Measure
from gan_core.evaluation.kept import EvaluationRequest
from gan_core.files import write_json
from gan_core.history import History
from gan_core.hub.download import pull
from gan_core.hub.pictures import curves_picture, ticks
from gan_core.hub.publish import publish, upload_folder
from gan_core.hub.reference import HubReference
from gan_core.metrics.table import METRICS
from tests.hub.conftest import TOKEN
from tests.hub.fake_hub import FakeHub, Fault
from tests.made_runs import write_bundle
from tests.small import small_recipe


@pytest.fixture
def digits(tmp_path: Path) -> str:
    write_bundle(tmp_path / "mine.safetensors", small_recipe("cgan"))
    return str(tmp_path / "mine.safetensors")


def files_of(hub: FakeHub, repo: str) -> dict[str, bytes]:
    return hub.repos[repo].commits[hub.repos[repo].head]


def test_what_is_published_comes_back_the_same(hub: FakeHub, digits: str) -> None:
    made = publish(digits, "ada/digits", TOKEN)
    assert made.reference == HubReference("ada/digits", revision=hub.repos["ada/digits"].head)
    assert made.address == f"{hub.url}/ada/digits"
    pinned = pull(HubReference("ada/digits"))
    assert pinned == made.reference
    again, first = library.find_path(str(pinned)), Path(digits)
    assert read_bundle_info(again) == read_bundle_info(first)
    old, new = read_tensors(first), read_tensors(again)
    assert old.keys() == new.keys() and all(bool((old[key] == new[key]).all()) for key in old)


def test_the_shipped_model_comes_with_card_curves_and_pictures(hub: FakeHub) -> None:
    publish("cgan", "ada/cgan", TOKEN)
    files = files_of(hub, "ada/cgan")
    assert set(files) - {".gitattributes"} == {"model.safetensors", "config.json", "README.md", "curves.png",
                                               "samples.png"}  # fmt: skip
    card = ModelCard(files["README.md"].decode())
    front = card.data.to_dict()
    assert front["license"] == "mit" and front["library_name"] == "gan-workbench"
    assert front["pipeline_tag"] == "unconditional-image-generation" and front["datasets"] == "ylecun/mnist"
    assert {"gan", "cgan"} <= set(front["tags"])
    (result,) = [one for one in card.data.eval_results if one.metric_type == "accuracy"]
    assert result.dataset_type == "ylecun/mnist"
    assert 0.95 < result.metric_value <= 1
    assert re.fullmatch(r"Label obedience \(mnist classifier \w{8}\)", result.metric_name)
    for words in ("46,800 steps", "Batch size | 128", "hf:ada/cgan", "![Pictures", "![Both", "## Limits", "Mirza"):
        assert words in card.text
    config = json.loads(files["config.json"])
    assert config["recipe"]["name"] == "cgan" and config["image_shape"] == [1, 28, 28]
    for name in ("curves.png", "samples.png"):
        picture = Image.open(io.BytesIO(files[name]))
        assert min(picture.size) > 300 and len(picture.convert("RGB").getcolors(100_000) or ()) > 2


def test_what_the_quality_page_found_is_in_the_card(hub: FakeHub, digits: str) -> None:
    chosen = [metric for metric in METRICS if metric.key in ("frechet", "coverage", "obedience")]
    measured = tuple(Measure(metric, 0.25 + rank, 0.125, "mnist classifier 0123abcd")
                     for rank, metric in enumerate(chosen))  # fmt: skip
    found = Evaluation("mnist", 1000, 0, 11, 1.0, measured, (), ())
    write_json(kept._path(EvaluationRequest(digits, library.describe(digits).dataset)), found.to_dict())
    publish(digits, "ada/digits", TOKEN)
    card = ModelCard(files_of(hub, "ada/digits")["README.md"].decode())
    results = {one.metric_type: one for one in card.data.eval_results}
    assert set(results) == {"frechet", "coverage", "accuracy"}
    for rank, (metric, kind) in enumerate(zip(chosen, ("frechet", "coverage", "accuracy"), strict=True)):
        assert results[kind].metric_value == 0.25 + rank
        assert results[kind].metric_name == f"{metric.title} (mnist classifier 0123abcd)"
        assert f"| {metric.title} | {0.25 + rank} | 0.125 | mnist classifier 0123abcd |" in card.text
    assert "1,000 pictures of seed 0 against as many of MNIST" in card.text


def test_a_model_without_curves_or_measures_says_so(hub: FakeHub, digits: str) -> None:
    publish(digits, "ada/digits", TOKEN, license="cc0-1.0")
    files = files_of(hub, "ada/digits")
    card = ModelCard(files["README.md"].decode())
    assert "curves.png" not in files and "curves.png" not in card.text
    assert "None were taken." in card.text and card.data.eval_results is None
    assert card.data.to_dict()["license"] == "cc0-1.0"
    assert "trained for 1 of the 2 epochs" in card.text


def test_each_push_is_one_new_revision(hub: FakeHub, digits: str) -> None:
    first = publish(digits, "ada/digits", TOKEN, message="at first").reference
    second = publish("fc_gan", "ada/digits", TOKEN).reference
    assert first.revision != second.revision
    assert hub.repos["ada/digits"].messages == ["initial commit", "at first", "Publish Fully connected GAN"]
    assert library.describe(str(pull(first))).recipe.name == "cgan"
    assert library.describe(str(pull(second))).recipe.name == "fc_gan"


@pytest.mark.parametrize("private", [False, True])
def test_public_or_private(private: bool, hub: FakeHub, digits: str) -> None:
    publish(digits, "ada/digits", TOKEN, private=private)
    assert hub.repos["ada/digits"].private is private


@pytest.mark.parametrize(
    ("dataset", "shown"),
    [
        ("folder:/home/ada/private stuff/cats?channels=1&size=28", "folder:cats?channels=1&size=28"),
        ("folder:C:\\Users\\ada\\cats\\", "folder:cats"),
        ("celeba?size=64", "celeba?size=64"),
    ],
)
def test_no_path_of_this_machine_leaves_it(dataset: str, shown: str, hub: FakeHub, tmp_path: Path, digits: str) -> None:
    info = read_bundle_info(Path(digits))
    recipe = dataclasses.replace(info.recipe, dataset=dataset)
    local = tmp_path / "local.safetensors"
    rewrite_bundle(Path(digits), local, dataclasses.replace(info, recipe=recipe, dataset=dataset))
    publish(str(local), "ada/cats", TOKEN)
    said = b"".join(files_of(hub, "ada/cats").values())
    assert str(tmp_path).encode() not in said
    if dataset.startswith("folder:"):
        assert b"ada/private" not in said and b"/home/" not in said and b"Users" not in said
    bundle = load_bundle(library.find_path(str(pull(HubReference("ada/cats")))))
    assert (bundle.info.dataset, bundle.info.recipe.dataset) == (shown, shown)


def test_a_folder_is_uploaded_as_a_space(hub: FakeHub, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / "assets").mkdir(parents=True)
    (folder / ".git").mkdir()
    files = {"index.html": b"<p>hello", "assets/model.onnx": b"\0\1\2" * 1000}
    for name, data in {**files, ".git/config": b"secret", ".env": b"secret"}.items():
        (folder / name).write_bytes(data)
    made = upload_folder("ada/site", folder, token=TOKEN, repo_type="space", space_sdk="static", message="A site")
    repo = hub.repos["ada/site"]
    assert (repo.kind, repo.sdk, repo.messages[-1]) == ("space", "static", "A site")
    assert {name: data for name, data in files_of(hub, "ada/site").items() if name != ".gitattributes"} == files
    assert made.address == f"{hub.url}/spaces/ada/site"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no files"):
        upload_folder("ada/site", tmp_path / "empty", token=TOKEN)


# ---- failures


@pytest.mark.parametrize(
    ("repo", "token", "faults", "words"),
    [
        ("ada/digits", None, [], "needs a token with write permission"),
        ("digits", TOKEN, [], "is no name of a repository"),
        ("ada/a b", TOKEN, [], "is no name of a repository"),
        ("ada/--x", TOKEN, [], "no name"),
        ("bob/digits", TOKEN, [], "may not write to bob/digits"),
        ("ada/digits", "hf_of-a-reader", [], "may not write to ada/digits"),
        ("ada/digits", "hf_unknown", [], "does not know this token"),
        ("ada/digits", TOKEN, [Fault("POST .*commit", 403)], "may not write"),
        ("ada/digits", TOKEN, [Fault("POST .*create", 429)], "too many requests"),
        ("ada/digits", TOKEN, [Fault("POST .*commit", 500)], "a fault just now .500."),
    ],
)
def test_each_refusal_is_one_sentence_without_the_token(
    repo: str, token: str | None, faults: list[Fault], words: str, hub: FakeHub, digits: str,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    hub.add_user("ada", "hf_of-a-reader", role="read")
    hub.faults = faults
    with pytest.raises(UserError, match=words) as caught:
        publish(digits, repo, token)
    said = "".join(traceback.format_exception(caught.value)) + caplog.text + "".join(capfd.readouterr())
    assert token is None or token not in said
    assert "\n" not in str(caught.value)


def test_the_token_is_nowhere_but_in_the_requests(
    hub: FakeHub, digits: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("huggingface_hub.constants.HF_DEBUG", True)
    monkeypatch.setattr(logging.getLogger("huggingface_hub"), "propagate", True)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "huggingface_hub")
    made = publish(digits, "ada/digits", TOKEN, private=True)
    pull(made.reference, TOKEN)
    assert f"Bearer {TOKEN}" in hub.authorizations and "authorization: <TOKEN>" in caplog.text
    assert TOKEN not in caplog.text + "".join(capfd.readouterr()) and not any(TOKEN in text for text in hub.requests)
    assert all(TOKEN.encode() not in data for data in files_of(hub, "ada/digits").values())
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept and all(TOKEN.encode() not in path.read_bytes() for path in kept)


def test_a_licence_that_the_hub_does_not_know(hub: FakeHub, digits: str) -> None:
    with pytest.raises(UserError, match=r"the model card \(.license. must be one of .mit, ….\); name a"):
        publish(digits, "ada/digits", TOKEN, license="free beer")


# ---- the command line


def test_push_pull_and_sample(
    hub: FakeHub, digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["push", digits, "ada/digits"]) == 2
    assert "HF_TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert main(["push", digits, "ada/digits", "--private", "--message", "mine"]) == 0
    pinned = capsys.readouterr().out.splitlines()[-1]
    assert pinned == f"hf:ada/digits@{hub.repos['ada/digits'].head}"
    assert main(["pull", "ada/digits"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == pinned
    assert pinned in [model.ref for model in library.models()]
    outputs = []
    for number, ref in enumerate((digits, pinned, "hf:ada/digits")):
        assert main(["sample", ref, "--count", "4", "--out", str(tmp_path / f"{number}.png")]) == 0
        outputs.append((tmp_path / f"{number}.png").read_bytes())
    assert outputs[0] == outputs[1] == outputs[2]
    asked = len(hub.requests)
    assert main(["interpolate", pinned, "--seeds", "1,2", "--frames", "3", "--out", str(tmp_path / "way.png")]) == 0
    assert len(hub.requests) == asked


def test_a_model_is_loaded_where_it_is_first_used(hub: FakeHub, digits: str, tmp_path: Path) -> None:
    hub.commit("ada/digits", {"model.safetensors": Path(digits).read_bytes()})
    assert main(["sample", "hf:ada/digits", "--count", "4", "--out", str(tmp_path / "a.npy")]) == 0
    assert (tmp_path / "a.npy").exists()


@pytest.mark.parametrize("reference", ["ada/none", "digits", "ada/digits/G.pkl", "ada/broken"])
def test_a_mistake_is_one_line(reference: str, hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.commit("ada/broken", {"model.safetensors": b"not safetensors at all"})
    assert main(["pull", reference]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and len(shown.err.splitlines()) == 1
    assert library.hub_models() == []


# ---- pictures


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.3, 7.1), (0, 100), (5, 5), (0, 1e-6), (-3, -3), (0, 0)])
def test_ticks_are_round_and_enclose_the_range(low: float, high: float) -> None:
    found = ticks(low, high)
    assert found[0] <= low and found[-1] >= high and 2 <= len(found) <= 11
    steps = {round((b - a) / (found[1] - found[0]), 6) for a, b in itertools.pairwise(found)}
    assert steps == {1.0}


def test_curves_need_two_points() -> None:
    assert curves_picture(History()) is None
    one = {"step": [1.0], "epoch": [1.0], "loss_d": [0.5], "loss_g": [0.7]}
    assert curves_picture(History({name: list(values) for name, values in one.items()})) is None
    two = {"epoch": [1.0, 2.0], "loss_d": [0.5, float("nan")], "loss_g": [0.7, 0.8]}
    picture = curves_picture(History({name: list(values) for name, values in two.items()}))
    assert picture is not None and Image.open(io.BytesIO(picture)).size == (1200, 520)

"""A model as a static Space: what lands there is one model throughout, and it needs the visitor's right."""

from __future__ import annotations

import base64
import gzip
import json

import pytest
from huggingface_hub import RepoCard

from gan_core import library
from gan_core.checkpoints import load_bundle
from gan_core.cli import main
from gan_core.config import UserError
from gan_core.sharing.script import script
from gan_core.sharing.share import publish_page
from tests.hub.conftest import TOKEN
from tests.hub.fake_hub import FakeHub
from tests.made_runs import make_run


def test_a_pushed_page_script_and_graph_are_one_model(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    ref = f"run:{make_run('cgan').id}"
    assert main(["push", ref, "ada/digits", "--static", "--private", "--license", "apache-2.0"]) == 0
    assert capsys.readouterr().out.strip() == f"{hub.url}/spaces/ada/digits"
    repo = hub.repos["ada/digits"]
    assert (repo.kind, repo.sdk, repo.private) == ("space", "static", True)
    assert repo.messages == ["initial commit", "Publish Conditional GAN"]
    files = repo.commits[repo.head]
    about = RepoCard(files["README.md"].decode()).data.to_dict()
    assert (about["sdk"], about["app_file"], about["license"]) == ("static", "index.html", "apache-2.0")
    bundle = load_bundle(library.find_path(ref))
    assert files["sample.py"] == script(bundle).encode()
    assert json.loads(files["recipe.json"]) == bundle.info.recipe.to_dict()
    # The page draws with the very graph beside it.
    packed = base64.b64encode(gzip.compress(files["generator.onnx"], 9, mtime=0))
    assert packed in files["index.html"] and files["index.html"].startswith(b"<!doctype html>")
    assert TOKEN.encode() not in b"".join(files.values())


def test_without_a_right_nothing_is_made(hub: FakeHub) -> None:
    ref = f"run:{make_run('fc_gan').id}"
    with pytest.raises(UserError, match="needs a token"):
        publish_page(ref, "ada/digits", None)
    with pytest.raises(UserError, match="no name of a repository"):
        publish_page(ref, "digits", TOKEN)
    assert hub.requests == []

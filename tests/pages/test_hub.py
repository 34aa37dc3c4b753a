"""The Hub on the pages, without a browser: list, load, links, publish, and where a token may be."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gan_core import library
from gan_core.config import UserError
from gan_core.hub import signin
from gan_core.hub.download import pull
from gan_core.hub.reference import HubReference
from gan_core.hub.register import remembered
from gan_core.runs import runs_dir
from tests.hub.conftest import TOKEN, hub  # noqa: F401 (a fixture)
from tests.hub.fake_hub import FakeHub, Fault
from tests.made_runs import write_bundle
from tests.pages.opened import open_page
from tests.small import small_recipe
from tests.untrained import save_untrained


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "no-weights")


@pytest.fixture
def bundle(tmp_path: Path) -> bytes:
    write_bundle(tmp_path / "model.safetensors", small_recipe("cgan"))
    return (tmp_path / "model.safetensors").read_bytes()


def named(elements: Any, label: str) -> Any:
    return next(element for element in elements if element.label == label)


def test_a_repository_is_listed_and_a_model_loaded(hub: FakeHub, bundle: bytes) -> None:  # noqa: F811
    sha = hub.commit("ada/many", {"a.safetensors": bundle, "old.pt": b"x"})
    test = open_page("library", shelf="hub", hub="ada/many")
    assert hub.requests == [], "a link alone asks nothing"
    named(test.button, "List its models").click().run()
    assert "old.pt" in " ".join(caption.value for caption in test.caption)
    named(test.button, "Load").click().run()
    assert not test.exception and not test.error
    assert remembered() == [f"hf:ada/many/a.safetensors@{sha}"]
    assert "ada/many/a.safetensors can be chosen" in test.success[0].value
    assert f"ada/many/a.safetensors (Hub, {sha[:7]})" in [text.value for text in test.text]
    named(test.button, "Take off the list").click().run()
    assert remembered() == [] and "Loaded before" not in [part.value for part in test.subheader]


def test_a_refused_repository_is_one_sentence(hub: FakeHub) -> None:  # noqa: F811
    test = open_page("library", shelf="hub", hub="ada/none")
    named(test.button, "List its models").click().run()
    assert [error.value for error in test.error] == [
        "The Hub shows no repository ada/none; check the name, or give a token if it is private."
    ]


@pytest.mark.parametrize(("page", "param"), [("interpolate", "model"), ("digits", "model"), ("compare", "a")])
def test_a_link_opens_a_model_of_the_hub_and_is_pinned(
    page: str, param: str, hub: FakeHub, bundle: bytes  # noqa: F811
) -> None:
    save_untrained(runs_dir(), "mine")
    sha = hub.commit("ada/digits", {"model.safetensors": bundle})
    test = open_page(page, **{param: "hf:ada/digits"})
    assert not test.error and not test.warning
    assert test.query_params[param] == f"hf:ada/digits@{sha}"
    hub.stop()
    again = open_page(page, **{param: f"hf:ada/digits@{sha}"})
    assert not again.error and again.query_params[param] == f"hf:ada/digits@{sha}"


@pytest.mark.parametrize(("page", "param"), [("interpolate", "model"), ("compare", "a")])
def test_a_link_to_what_cannot_be_had_says_so_and_shows_another(page: str, param: str, hub: FakeHub) -> None:  # noqa: F811
    save_untrained(runs_dir(), "mine")
    hub.faults = [Fault("GET /api/models", 503)]
    test = open_page(page, **{param: "hf:ada/digits"})
    assert [error.value for error in test.error] == [
        "The Hub itself has a fault just now (503); try again later."
    ]
    assert not test.warning
    assert named(test.button, "Try again") is not None


def test_on_a_shared_server_a_link_lists_the_model_for_its_visitor_alone(
    hub: FakeHub, bundle: bytes, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    monkeypatch.setenv("GAN_HOSTED", "1")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    sha = hub.commit("ada/digits", {"model.safetensors": bundle})
    save_untrained(runs_dir(), "mine")
    test = open_page("digits", model="hf:ada/digits")
    assert f"ada/digits (Hub, {sha[:7]})" in named(test.selectbox, "Model").options
    assert set(hub.authorizations) == {""}, "the host's token is nobody's"
    other = open_page("digits")
    assert not [option for box in other.selectbox for option in box.options if "Hub" in option]


def publish(test: AppTest, ref: str, repo: str, token: str = "") -> None:
    """Fill in the dialog and press its button; the test tool redraws the whole page, so it is asked for each time."""
    for _ in range(2):
        test.session_state["library.publish"] = ref
        test.run()
        named(test.text_input, "Repository").set_value(repo)
        if token:
            named(test.text_input, "Token").set_value(token)
    test.session_state["library.publish"] = ref
    named(test.button, "Publish").click().run()
    assert not test.exception


def test_a_model_is_published_with_a_token_that_stays_in_the_session(
    hub: FakeHub, bundle: bytes, tmp_path: Path  # noqa: F811
) -> None:
    hub.commit("ada/digits", {"model.safetensors": bundle})
    pinned = str(pull(HubReference("ada/digits")))
    test = open_page("library", shelf="weights")
    publish(test, pinned, "ada/copy")
    assert "needs a token" in test.error[0].value and "ada/copy" not in hub.repos
    publish(test, pinned, "ada/copy", TOKEN)
    assert not test.error
    assert test.code[-1].value == f"hf:ada/copy@{hub.repos['ada/copy'].head}"
    assert TOKEN not in str(test.query_params)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_the_hosts_token_is_no_visitors(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    save_untrained(runs_dir(), "mine")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for shared in ("1", "0"):
        monkeypatch.setenv("GAN_HOSTED", shared)
        test = open_page("library", shelf="weights")
        publish(test, "upload:mine", "ada/copy")
        assert ("ada/copy" in hub.repos) is (shared == "0")
        assert [error.value for error in test.error if "right of your own" in error.value] or shared == "0"


def test_a_visitor_of_a_space_signs_in_and_publishes_with_their_own_right(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    values = {"GAN_HOSTED": "1", "OAUTH_CLIENT_ID": "client", "OAUTH_CLIENT_SECRET": "hush", "SPACE_HOST": "a.hf.space"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(signin, "grants", signin.Grants())
    save_untrained(runs_dir(), "mine")
    test = open_page("library", shelf="weights")
    test.session_state["library.publish"] = "upload:mine"
    test.run()
    assert [link.proto.url for link in test.get("link_button")] == ["/login/huggingface?lang=en"]
    code = signin.grants.keep("", signin.Grant(TOKEN, time.time() + 100))
    for _ in range(2):
        test.session_state["library.publish"] = "upload:mine"
        test.run()
        named(test.text_input, "Repository").set_value("ada/signed")
        named(test.text_input, "Token, or the code of the sign-in").set_value(code)
    test.session_state["library.publish"] = "upload:mine"
    named(test.button, "Publish").click().run()
    assert not test.exception and not test.error
    assert "ada/signed" in hub.repos and TOKEN not in str(test.query_params)
    with pytest.raises(UserError):
        signin.grants.redeem(code)


def test_who_is_signed_in_is_asked_for_no_token(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    values = {"GAN_HOSTED": "1", "OAUTH_CLIENT_ID": "client", "OAUTH_CLIENT_SECRET": "hush", "SPACE_HOST": "a.hf.space"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    held = signin.Grants()
    monkeypatch.setattr(signin, "grants", held)
    save_untrained(runs_dir(), "mine")
    test, number = open_page("library", shelf="weights"), "v" * 43
    test.session_state["visitor.session"] = number  # where the browser keeps no cookie
    held.keep(hashlib.sha256(number.encode()).hexdigest()[:32], signin.Grant(TOKEN, time.time() + 100))
    publish(test, "upload:mine", "ada/signed")
    assert not test.error and "ada/signed" in hub.repos
    assert not [field for field in test.text_input if "Token" in field.label]

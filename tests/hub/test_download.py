"""Loading from the Hub: the real client over HTTP against a Hub on localhost, and everything that can go wrong."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gan_core import library
from gan_core.config import UserError
from gan_core.hub import client, download, register
from gan_core.hub.download import cached, list_bundles, pull
from gan_core.hub.reference import HubReference, parse_reference
from tests.hub.conftest import TOKEN
from tests.hub.fake_hub import FakeHub, Fault
from tests.made_runs import write_bundle
from tests.small import small_recipe

ADA = HubReference("ada/digits")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("bundle") / "model.safetensors"
    write_bundle(path, small_recipe("cgan"))
    return path.read_bytes()


def leftovers() -> list[Path]:
    """Files of the cache that are no whole blob, reference or note."""
    return [path for path in client.cache_dir().rglob("*") if path.name.endswith((".incomplete", ".tmp"))]


# ---- references


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("ada/digits", HubReference("ada/digits")),
        ("hf:ada/digits@v1.0", HubReference("ada/digits", revision="v1.0")),
        ("hf:ada/digits@pr/2", HubReference("ada/digits", revision="pr/2")),
        ("hf:ada/digits/a/b.safetensors@main", HubReference("ada/digits", "a/b.safetensors", "main")),
        (" https://huggingface.co/ada/digits ", HubReference("ada/digits")),
        ("https://huggingface.co/ada/digits/tree/v1", HubReference("ada/digits", revision="v1")),
        (
            "https://huggingface.co/ada/digits/blob/main/sub/x.safetensors",
            HubReference("ada/digits", "sub/x.safetensors", "main"),
        ),
    ],
)
def test_references_are_read(text: str, reference: HubReference) -> None:
    assert parse_reference(text) == reference
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    ["", "hf:", "digits", "hf:ada", "hf:../x", "hf:ada/..", "hf:ada/digits/../../x.safetensors", "hf:ada/digits@",
     "hf:ada/digits@../x", "hf:a\\b/c", "hf:/ada/digits", "hf:ada/digits//x.safetensors",
     "hf:ada/digits/ /x.safetensors", "hf:ada/digits\n", "hf:ada/digits@a b", "hf:ada/digits/readme.md", "hf:-a/b"],
)  # fmt: skip
def test_what_names_nothing_is_refused(text: str) -> None:
    if text.endswith("\n"):
        assert parse_reference(text) == ADA  # blanks around it do not matter
        return
    with pytest.raises(UserError):
        parse_reference(text)


@pytest.mark.parametrize("file", ["pytorch_model.bin", "G.pt", "G.PTH", "a/last.ckpt", "G.pkl"])
def test_a_pickled_file_is_refused_with_the_reason(file: str) -> None:
    with pytest.raises(UserError, match="can run any program hidden in it"):
        parse_reference(f"hf:ada/digits/{file}")


# ---- loading


def test_a_model_is_loaded_and_pinned(hub: FakeHub, bundle: bytes) -> None:
    first = hub.commit("ada/digits", {"model.safetensors": bundle})
    second = hub.commit("ada/digits", {"README.md": b"# more"})
    assert pull(ADA) == HubReference("ada/digits", revision=second)
    assert pull(HubReference("ada/digits", revision=first)).revision == first
    for commit in (first, second):
        path = library.find_path(f"hf:ada/digits@{commit}")
        assert path.read_bytes() == bundle
    assert library.describe(f"hf:ada/digits@{first}").recipe == small_recipe("cgan")


def test_a_repository_lists_its_models(hub: FakeHub, bundle: bytes) -> None:
    sha = hub.commit("ada/many", {"a.safetensors": bundle, "sub/b.safetensors": b"123", "old.bin": b"", "x.txt": b""})
    listing = list_bundles(HubReference("ada/many"))
    sizes = {file.name: file.size for file in listing.files}
    assert sizes == {"a.safetensors": len(bundle), "sub/b.safetensors": 3}
    assert listing.pickled == ("old.bin",)
    assert str(listing.reference(listing.files[0])) == f"hf:ada/many/a.safetensors@{sha}"
    with pytest.raises(UserError, match=r"several models; name one of them: ada/many/a\.safetensors, "):
        pull(HubReference("ada/many"))
    pinned = pull(HubReference("ada/many", "a.safetensors"))
    assert str(pinned) == f"hf:ada/many/a.safetensors@{sha}"
    assert library.find_path(str(pinned)).read_bytes() == bundle


def test_progress_ends_with_the_whole_file(hub: FakeHub, bundle: bytes) -> None:
    hub.commit("ada/digits", {"model.safetensors": bundle})
    seen: list[tuple[int, int]] = []
    pull(ADA, progress=lambda loaded, size: seen.append((loaded, size)))
    assert seen[-1] == (len(bundle), len(bundle))
    assert seen == sorted(seen)


def test_what_was_loaded_opens_without_the_hub_at_once(hub: FakeHub, bundle: bytes) -> None:
    sha = hub.commit("ada/digits", {"model.safetensors": bundle})
    pull(ADA)
    hub.stop()
    before = time.monotonic()
    for ref in ("hf:ada/digits", f"hf:ada/digits@{sha}", "hf:ada/digits/model.safetensors"):
        found = cached(parse_reference(ref))
        assert found is not None and found[0] == HubReference("ada/digits", revision=sha)
        library.open_model(ref)
    assert pull(HubReference("ada/digits", revision=sha)).revision == sha
    assert time.monotonic() - before < 2


def test_looking_into_the_cache_asks_nothing(hub: FakeHub) -> None:
    hub.commit("ada/digits", {"model.safetensors": b"x"})
    assert cached(ADA) is None
    with pytest.raises(UserError, match="is not on this machine yet"):
        library.find_path("hf:ada/digits")
    assert hub.requests == []


def test_loaded_models_are_offered_until_they_are_forgotten(hub: FakeHub, bundle: bytes) -> None:
    hub.commit("ada/digits", {"model.safetensors": bundle})
    pinned = pull(ADA)
    register.remember(pinned)
    register.remember(pinned)
    assert [(model.ref, model.title) for model in library.hub_models()] == [(str(pinned), "ada/digits")]
    assert str(pinned) in [model.ref for model in library.models()]
    register.forget(str(pinned))
    assert library.hub_models() == []


def test_a_shared_server_keeps_no_list_that_all_would_see(
    hub: FakeHub, bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAN_HOSTED", "1")
    hub.commit("ada/digits", {"model.safetensors": bundle})
    register.remember(pull(ADA))
    assert register.remembered() == []


# ---- whose token


def test_a_private_repository_needs_its_owners_token(hub: FakeHub, bundle: bytes) -> None:
    hub.commit("ada/digits", {"model.safetensors": bundle}, private=True)
    with pytest.raises(UserError, match="shows no repository ada/digits"):
        pull(ADA)
    assert pull(ADA, TOKEN).pinned


def test_nobody_asks_with_a_token_that_was_not_given(
    hub: FakeHub, bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.commit("ada/digits", {"model.safetensors": bundle})
    pull(ADA)
    assert set(hub.authorizations) == {""}
    assert client.own_token() == TOKEN
    monkeypatch.setenv("GAN_HOSTED", "1")
    assert client.own_token() is None


def test_a_token_with_odd_characters_is_refused_and_not_repeated() -> None:
    assert client.clean_token(f" {TOKEN}\n") == TOKEN
    for text in (f"{TOKEN}\r\nX: y", "hf_schlüssel", "hf a"):
        with pytest.raises(UserError) as caught:
            client.clean_token(text)
        assert text.strip() not in str(caught.value)


# ---- failures: one sentence each, quickly, and nothing half done is left

FILE = "(HEAD|GET) /ada/digits/resolve/.*safetensors"
FAILURES = {
    "missing": ([Fault("GET /api/models", 404, {"X-Error-Code": "RepoNotFound"})], "shows no repository ada/digits"),
    "unknown token": ([Fault("GET /api", 401, message="Invalid credentials in Authorization header")], "this token"),
    "forbidden": ([Fault("GET /api/models", 403)], "does not let this token read"),
    "gated": ([Fault("GET /api/models", 403, {"X-Error-Code": "GatedRepo"})], "is gated: accept its conditions on"),
    "gated file": ([Fault(FILE, 401, {"X-Error-Code": "GatedRepo"})], "is gated"),
    "revision": ([Fault("GET /api/models", 404, {"X-Error-Code": "RevisionNotFound"})], "no such revision"),
    "vanished": ([Fault(FILE, 404, {"X-Error-Code": "EntryNotFound"})], "no such file"),
    "too many": ([Fault("GET /api/models", 429, {"Retry-After": "300"})], "too many requests"),
    "too many files": ([Fault(FILE, 429, {"Retry-After": "300"})], "too many requests"),
    "fault": ([Fault("GET /api/models", 503)], "fault just now .503."),
    "slow": ([Fault("GET /api/models", delay=1.5)], "cannot be reached|did not finish"),
    "slow file": ([Fault(FILE, delay=1.5)], "cannot be reached|did not finish"),
    "half sent": ([Fault("GET .*safetensors", keep=1000)], "cannot be reached|incomplete|did not finish"),
    "nonsense": ([Fault("GET /api/models", 200, message="not json")], "makes no sense"),
    "other size": ([Fault("HEAD .*safetensors", size=77)], "incomplete|cannot be reached|did not finish"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_is_one_sentence_and_leaves_the_cache_sound(
    name: str, hub: FakeHub, bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(download, "transfer_seconds", lambda size: 3.0)
    hub.commit("ada/digits", {"model.safetensors": bundle})
    hub.faults, words = list(FAILURES[name][0]), FAILURES[name][1]
    before = time.monotonic()
    with pytest.raises(UserError, match=words) as caught:
        pull(ADA)
    assert time.monotonic() - before < 5
    assert "\n" not in str(caught.value) and str(caught.value).endswith((".", ")"))
    assert cached(ADA) is None and leftovers_go()
    hub.faults = []
    assert library.find_path(str(pull(ADA))).read_bytes() == bundle


def leftovers_go() -> bool:
    """Whether the temporary files of a download that was given up are gone once it ends."""
    deadline = time.monotonic() + 8
    while leftovers() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not leftovers()


def test_without_a_hub_the_answer_comes_at_once(hub: FakeHub) -> None:
    hub.stop()
    before = time.monotonic()
    with pytest.raises(UserError, match="cannot be reached"):
        pull(ADA)
    assert time.monotonic() - before < 1.5


def test_a_transfer_that_breaks_off_goes_on_where_it_was(hub: FakeHub, bundle: bytes) -> None:
    hub.commit("ada/digits", {"model.safetensors": bundle})
    hub.faults = [Fault("GET .*safetensors", keep=1000, times=1)]
    assert library.find_path(str(pull(ADA))).read_bytes() == bundle


def test_a_file_that_is_too_large_is_not_loaded(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_HUB_MEGABYTES", "1")
    hub.commit("ada/digits", {"model.safetensors": bytes(1_200_000)})
    with pytest.raises(UserError, match="has 1 MB; at most 1 MB"):
        pull(ADA)
    assert not any("resolve" in request for request in hub.requests)


def test_a_damaged_file_is_not_kept(hub: FakeHub, bundle: bytes) -> None:
    hub.commit("ada/digits", {"model.safetensors": bundle})
    hub.damaged.add("model.safetensors")
    with pytest.raises(UserError, match="arrived damaged and was not kept"):
        pull(ADA)
    assert cached(ADA) is None
    hub.damaged.clear()
    assert library.find_path(str(pull(ADA))).read_bytes() == bundle


def test_a_repository_of_pickles_is_refused_with_the_reason(hub: FakeHub) -> None:
    hub.commit("ada/old", {"pytorch_model.bin": b"\x80\x04."})
    with pytest.raises(UserError, match=r"pytorch_model\.bin is a pickled checkpoint"):
        pull(HubReference("ada/old"))
    hub.commit("ada/text", {"README.md": b"#"})
    with pytest.raises(UserError, match=r"holds no \.safetensors file"):
        pull(HubReference("ada/text"))

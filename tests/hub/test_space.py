"""The workbench as a Space: what is uploaded, what the Hub is told of it, and that no secret goes along."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from huggingface_hub import RepoCard

from gan_core.cli import main
from gan_core.config import UserError
from gan_core.hub.space import PORT, ROOT, create_space, space_files
from tests.hub.conftest import TOKEN
from tests.hub.fake_hub import FakeHub


@pytest.fixture
def small_copy(tmp_path: Path) -> Path:
    """A project folder with one file for each part, and all that must not go along."""
    copy = tmp_path / "copy"
    for name in ("app.py", "LICENSE", "requirements.txt", "Dockerfile", ".dockerignore", ".streamlit/config.toml",
                 "gan_core/cli.py", "pages/home.py", "pages/ui/style.css", "locale/zh.po", "weights/cgan.safetensors",
                 "runs/1/recipe.json", "data/x", "tests/test_x.py", ".git/config", ".env", ".streamlit/secrets.toml",
                 "gan_core/__pycache__/cli.pyc", "README.md"):  # fmt: skip
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return copy


def test_only_what_runs_goes_along(small_copy: Path) -> None:
    files = space_files(small_copy)
    assert set(files) == {
        "app.py", "LICENSE", "requirements.txt", "Dockerfile", ".dockerignore", ".streamlit/config.toml",
        "gan_core/cli.py", "pages/home.py", "pages/ui/style.css", "locale/zh.po", "weights/cgan.safetensors",
        "README.md",
    }  # fmt: skip
    assert files["README.md"] != b"README.md", "the Space has a page of its own"
    (small_copy / "app.py").unlink()
    with pytest.raises(UserError, match=r"app\.py is not here"):
        space_files(small_copy)


def test_the_hub_is_told_how_to_run_it_and_asked_for_the_least_right() -> None:
    told = RepoCard(space_files()["README.md"].decode()).data.to_dict()
    assert (told["sdk"], told["app_port"], told["license"]) == ("docker", PORT, "mit")
    assert told["hf_oauth"] is True and told["hf_oauth_scopes"] == ["contribute-repos"]
    assert len(told["short_description"]) <= 60  # more is refused


def test_every_uploaded_file_is_one_that_the_project_keeps() -> None:
    kept = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                          capture_output=True, text=True, check=False)  # fmt: skip
    if kept.returncode:
        pytest.skip("this copy is no git repository")
    assert set(space_files()) <= set(kept.stdout.splitlines())


def test_a_space_is_made_and_brought_up_to_date(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert main(["space", "create", "ada/workbench", "--private"]) == 0
    assert capsys.readouterr().out.strip() == f"{hub.url}/spaces/ada/workbench"
    repo = hub.repos["ada/workbench"]
    assert (repo.kind, repo.sdk, repo.private) == ("space", "docker", True)
    files = repo.commits[repo.head]
    assert {name: files[name] for name in space_files()} == space_files()
    count = len(repo.commits)
    create_space("ada/workbench", TOKEN)
    assert len(repo.commits) == count + 1 and repo.private


def test_what_vanished_from_the_project_vanishes_there_and_nothing_else(hub: FakeHub) -> None:
    create_space("ada/workbench", TOKEN)
    own = {"pages/old.py": b"old", "gan_core/old/deep.py": b"old", "notes.md": b"mine"}
    hub.commit("ada/workbench", own)
    create_space("ada/workbench", TOKEN)
    repo = hub.repos["ada/workbench"]
    files = repo.commits[repo.head]
    assert set(files) == {*space_files(), ".gitattributes", "notes.md"}


def test_without_a_token_one_line_says_what_to_do(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["space", "create", "ada/workbench"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: Publishing needs a token") and said.count("\n") == 1
    assert "ada/workbench" not in hub.repos

"""The Quality page without a browser: what it shows at once, and what it measures when asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gan_core import library
from gan_core.evaluation.kept import EvaluationRequest, kept
from gan_core.runs import runs_dir
from tests.pages.opened import open_page
from tests.untrained import save_untrained


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "none")


def quality(**params: str) -> AppTest:
    return open_page("quality", seconds=120, **params)


def written(test: AppTest) -> str:
    return "\n".join(element.value for element in (*test.markdown, *test.caption))


def test_a_model_is_measured_when_asked_and_the_answer_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The answers of a run of the tests before this one are those of the same models.
    monkeypatch.setattr("gan_core.evaluation.kept.cache_path", tmp_path.joinpath)
    ref = save_untrained(runs_dir(), "hand", dataset="strokes")
    test = quality(model=ref, data="strokes")
    assert not test.error
    request = EvaluationRequest(ref, "strokes")
    assert kept(request) is None
    next(button for button in test.button if button.label == "Measure").click().run()
    assert not test.exception
    found = kept(request)
    assert found is not None
    obedience = found.find("obedience")
    assert obedience is not None
    assert f"{obedience.value:.1%}" in written(test)
    again = quality(model=ref, data="strokes", lang="zh")
    assert "越高越好" in written(again)
    assert not [button for button in again.button if button.label in ("Measure", "测量")]
    assert f"{obedience.value:.1%}" in written(again)


def test_without_a_model_the_page_says_how_to_get_one() -> None:
    assert "No trained model yet" in "\n".join(element.value for element in quality().subheader)

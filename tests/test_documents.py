"""The documents say what is so: one command to start, one to test, current tables, links that lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks import alarm_accuracy
from docs import update_readme, update_results
from gan_core.cli import main
from gan_core.evaluation.evaluate import Evaluation
from gan_core.library import manifest
from weights.measure import evaluations

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "weights").glob("*.md")])


def shell_lines() -> list[str]:
    """Every line of the README's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_one_line_starts_and_one_line_tests() -> None:
    install = [line for line in shell_lines() if "pip install" in line]
    assert [line.rpartition(" && ")[2] for line in install] == [
        ".venv/bin/streamlit run app.py", ".venv/bin/python -m pytest",
    ]  # fmt: skip
    for line in install:
        (requirements,) = re.findall(r"-r (\S+)", line)
        assert (ROOT / requirements).is_file()


def test_ci_runs_the_readmes_test_command() -> None:
    """Its own reading of the README finds exactly that line."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    found = subprocess.run([str(script), "--show-test-command"], capture_output=True, text=True, check=True)
    assert found.stdout.strip() in shell_lines() and found.stdout.strip().endswith("pytest")


def test_tables_and_tree_are_those_of_the_code() -> None:
    assert update_readme.updated(README) == README, "run `python -m docs.update_readme`"


def test_the_results_are_those_that_ship() -> None:
    kept = update_results.RESULTS.read_text(encoding="utf-8")
    assert update_results.document() == kept, "run `python -m docs.update_results`"


def test_models_of_some_classes_have_a_table_of_their_own() -> None:
    entries = [{"name": entry["name"], "dataset": entry["dataset"]} for entry in manifest()]
    kept = {name: Evaluation.from_dict(data) for name, data in evaluations().items()}
    for (_dataset, classes), models in update_results.compared(entries, kept).items():
        assert all([row.name for row in evaluation.classes] == list(classes) for evaluation in models.values())
        assert ("igan_v2" in models) == (classes == ("0", "1"))


def test_what_is_said_of_the_alarm_follows_from_its_record_and_its_rules() -> None:
    """A changed rule is judged on the recorded runs anew, and the document must say what came of it."""
    found = alarm_accuracy.DOCUMENT.read_text(encoding="utf-8")
    results = alarm_accuracy.read(alarm_accuracy.RECORD)
    assert found == alarm_accuracy.document(results), "run `python -m benchmarks.alarm_accuracy --document`"
    verdicts = [alarm_accuracy.judge(result) for result in results]
    assert len(verdicts) >= 30 and {verdict.bad for verdict in verdicts} == {True, False}
    wrong = [verdict for verdict in verdicts if verdict.bad != verdict.alarm]
    assert len(wrong) <= len(verdicts) / 10


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_examples_of_the_command_line_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that do not train for minutes are run as they stand."""
    monkeypatch.chdir(tmp_path)
    examples = [line for line in shell_lines() if " -m gan_core " in line and " train " not in line]
    assert examples
    for line in examples:
        assert main(line.split(" -m gan_core ")[1].split()) == 0
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["walk.gif", "year.png"]


def test_environment_variables_are_those_that_the_code_reads() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "gan_core").rglob("*.py"))
    read = set(re.findall(r"\bGAN_[A-Z_]+\b", source)) - {"GAN_WORKBENCH"}
    assert read <= set(re.findall(r"\bGAN_[A-Z_]+\b", README))

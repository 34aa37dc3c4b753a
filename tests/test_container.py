"""The container without Docker: its recipe read line by line, and its command run as its user on a read-only copy."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan_core.hub.space import BUILD, PARTS, PORT, ROOT, space_files
from gan_core.runs import Run, list_runs
from tests.servers import end_server, free_port, wait_until_healthy

UID = 1000
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
QUEUE = """
from gan_core.jobs import start_runs
from gan_core.recipes import find_recipe
changes = {"dataset": "strokes", "training.epochs": 1, "training.steps": 3, "training.batch_size": 8}
start_runs([find_recipe("fc_gan").with_values(changes)], owner="ann")
"""
ANSWER = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_stcore/health" else 500)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def instructions() -> list[tuple[str, str]]:
    """(word, the rest) of each instruction, continued lines joined."""
    lines = [line for line in TEXT.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in joined.splitlines() if line.strip()]


def only(word: str) -> str:
    (found,) = [rest for name, rest in instructions() if name == word]
    return found


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(only("ENV")))


def test_every_instruction_is_one_that_docker_knows() -> None:
    order = [word for word, _rest in instructions()]
    assert set(order) <= {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "CMD"}
    assert order[0] == "FROM" and re.fullmatch(r"python:3\.\d+-slim", only("FROM"))
    # Nothing runs as root once the user is chosen, and the code was copied before.
    assert order.index("USER") > max(place for place, word in enumerate(order) if word in ("RUN", "COPY"))
    assert only("USER") == "user" and f"--uid {UID} user" in TEXT


def test_one_port_everywhere() -> None:
    command = json.loads(only("CMD"))
    assert f"--server.port={PORT}" in command and "--server.address=0.0.0.0" in command
    assert only("EXPOSE") == str(PORT)
    assert f"127.0.0.1:{PORT}/_stcore/health" in only("HEALTHCHECK")


def test_what_is_copied_is_what_a_space_gets() -> None:
    """.dockerignore keeps everything out but the parts; each is there."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    assert sorted(line[1:] for line in lines if line[0] == "!") == sorted(PARTS)
    again_out = [line.removeprefix("**/") for line in lines[1:] if line[0] != "!"]
    for name in space_files():
        parts = name.split("/")
        if parts[0] in PARTS:
            assert not [part for part in parts for pattern in again_out if fnmatch.fnmatch(part, pattern)], name
    sources = [part for rest in (rest for word, rest in instructions() if word == "COPY") for part in rest.split()[:-1]]
    assert sources == ["requirements.txt", "."]
    assert all((ROOT / name).exists() for name in (*PARTS, *BUILD))


def test_torch_is_the_one_for_cpus_and_as_new_as_the_requirements_ask() -> None:
    (line,) = [rest for word, rest in instructions() if word == "RUN" and "torch" in rest]
    first, _and, second = line.partition("&&")
    assert "/whl/cpu" in first and "-r requirements.txt" in second
    wanted = [name for name in (ROOT / "requirements.txt").read_text().splitlines() if name.startswith("torch")]
    assert wanted and all(f'"{name}"' in first for name in wanted)


def as_user(command: list[str]) -> list[str]:
    """``command`` as user 1000, who owns nothing here; who can read all, as an interpreter may lie in a root's home."""
    user = [f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs"]
    reads = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    return ["setpriv", *user, *reads, *command]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a read-only copy of the app (code/), an empty home that nobody may write to, and data/."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can run a program as another user, and setpriv does it")
    if subprocess.run(as_user([sys.executable, "-c", "import streamlit"]), capture_output=True, check=False).returncode:
        pytest.skip("this machine lets user 1000 run no Python")
    # Not pytest's own folder, which lies below one that only root may enter.
    base = Path(tempfile.mkdtemp(prefix="container-"))
    base.chmod(0o755)
    for name, data in space_files().items():
        path = base / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (base / "home").mkdir()
    for folder in ("data", "data/scratch"):
        (base / folder).mkdir()
        os.chown(base / folder, UID, UID)
    for path in [*(base / "code").rglob("*"), base / "code", base / "home"]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield base
    shutil.rmtree(base)


def test_it_serves_and_trains_as_its_user_and_writes_where_it_should(place: Path) -> None:
    port, before = free_port(), snapshot(place / "code")
    moved = {"HOME": "home", "GAN_RUNS_DIR": "data/runs", "GAN_DATA_DIR": "data/sets", "TMPDIR": "data/scratch"}
    variables = {**environment(), **{name: str(place / folder) for name, folder in moved.items()},
                 "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}  # fmt: skip
    command = [part.replace(str(PORT), str(port)) for part in json.loads(only("CMD"))]
    assert command[0] == "streamlit"
    command = as_user([sys.executable, "-m", *command])
    log = (place / "server.log").open("wb")
    server = subprocess.Popen(
        command, cwd=place / "code", env=variables, stdout=log, stderr=log, start_new_session=True
    )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", server, seconds=120)
        subprocess.run(as_user([sys.executable, "-c", QUEUE]), cwd=place / "code", env=variables, check=True)
        root = place / "data" / "runs"
        wait_for(lambda: list_runs(root) and not list_runs(root)[0].status().live)
        run: Run = list_runs(root)[0]
        assert (run.status().state, run.status().step) == ("finished", 3), run.log().decode()
        assert run.path.stat().st_uid == UID and run.newest_bundle() is not None
    finally:
        end_server(server, seconds=30)
        log.close()
    said = (place / "server.log").read_text()
    assert "Traceback" not in said, said
    assert snapshot(place / "code") == before
    assert list((place / "home").iterdir()) == []
    written = {path.relative_to(place / "data").parts[0] for path in (place / "data").rglob("*")}
    assert written <= {"runs", "sets", "scratch"}, written


def test_the_health_check_is_true_of_a_server_and_of_no_other() -> None:
    """The very line of the Dockerfile, against a port where nobody answers and one where somebody does."""
    form, _cmd, line = only("HEALTHCHECK").partition("CMD ")
    assert "--interval=" in form and "--start-period=" in form
    check = json.loads(line)
    port = free_port()
    there = [sys.executable, *(part.replace(str(PORT), str(port)) for part in check[1:])]
    assert subprocess.run(there, capture_output=True, check=False).returncode != 0
    other = subprocess.Popen([sys.executable, "-c", ANSWER, str(port)], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: subprocess.run(there, capture_output=True, check=False).returncode == 0, 30)
    finally:
        other.kill()
        other.wait()


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def wait_for(condition, seconds: float = 120) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)

"""A Hub on localhost that the real huggingface_hub client talks to over HTTP: repositories, commits, files, faults.

    with FakeHub() as hub:
        hub.add_user("ada", token="hf_ada")
        sha = hub.commit("ada/digits", {"model.safetensors": data})
        hub.faults.append(Fault("HEAD .*/resolve/", status=429))

It answers as huggingface.co does as far as the client looks: error codes in headers, ETag, X-Repo-Commit, LFS.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

Files = dict[str, bytes]
KINDS = {"model": "models", "dataset": "datasets", "space": "spaces"}


@dataclass
class Fault:
    """What goes wrong with requests whose "METHOD path" matches ``pattern``, the first ``times`` of them.

    ``status`` answers with an error (200: with ``message`` alone), ``delay`` waits so many seconds first, ``keep``
    sends only so many bytes of a body that was announced whole, and ``size`` announces another size than the file has.
    """

    pattern: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    delay: float = 0.0
    keep: int | None = None
    size: int | None = None
    times: int = 1_000_000


@dataclass
class Repo:
    """A repository: its commits in order, and what each holds."""

    kind: str = "model"
    private: bool = False
    gated: bool = False
    sdk: str = ""
    messages: list[str] = field(default_factory=list)
    commits: dict[str, Files] = field(default_factory=dict)

    @property
    def head(self) -> str:
        return next(reversed(self.commits))

    def find(self, revision: str) -> Files | None:
        return self.commits.get(self.head if revision == "main" else revision)


class FakeHub:
    """The server and all it holds; ``requests`` are "METHOD path" in order, ``authorizations`` what came with each."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.users: dict[str, tuple[str, str]] = {}  # token → (name, role)
        self.objects: dict[str, bytes] = {}
        self.granted: dict[str, dict[str, str]] = {}  # code of a sign-in → what was asked for
        self.faults: list[Fault] = []
        self.damaged: set[str] = set()  # files that are sent with one byte changed
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        hub = self

        class Handler(_Handler):
            """The handler of this hub."""

        Handler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeHub:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:  # fmt: skip
        self.stop()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def add_user(self, name: str, token: str, role: str = "write") -> None:
        self.users[token] = (name, role)

    def commit(
        self, repo_id: str, files: Files, *, kind: str = "model", message: str = "", gone: Collection[str] = (),
        **about: Any,
    ) -> str:  # fmt: skip
        """Add, replace or take away files in one new revision; returns its name."""
        repo = self.repos.setdefault(repo_id, Repo(kind=kind))
        for name, value in about.items():
            setattr(repo, name, value)
        held = repo.commits[repo.head] if repo.commits else {}
        whole = {**{name: data for name, data in held.items() if name not in gone}, **files}
        sha = hashlib.sha1(f"{repo_id} {len(repo.commits)} {sorted(files)}".encode()).hexdigest()
        repo.commits[sha] = whole
        repo.messages.append(message)
        return sha


@dataclass
class Answer:
    """A response: JSON or bytes."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)


def refusal(status: int, code: str = "", message: str = "") -> Answer:
    """An error as the Hub words it: a code and a sentence in headers."""
    headers = {name: text for name, text in (("X-Error-Code", code), ("X-Error-Message", message)) if text}
    return Answer(status, {"error": message or code}, headers)


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what matters is in ``hub.requests``."""

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 (http.server's names)

    def _handle(self) -> None:
        body = self._body()
        address = urlsplit(self.path)
        path = unquote(address.path)
        asked = f"{self.command} {path}"
        self.hub.requests.append(asked)
        self.hub.authorizations.append(self.headers.get("Authorization", ""))
        fault = next((f for f in self.hub.faults if f.times > 0 and re.match(f.pattern, asked)), Fault(""))
        fault.times -= 1
        time.sleep(fault.delay)
        if fault.status == 200:
            answer = Answer(body=fault.message.encode())
        elif fault.status:
            answer = refusal(fault.status, message=fault.message)
            answer.headers |= fault.headers
        else:
            answer = self._route(path, parse_qs(address.query), body)
        try:
            self._send(answer, fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, answer: Answer, fault: Fault) -> None:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if fault.size is None else fault.size))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if fault.keep is None else body[: fault.keep])
        if fault.keep is not None or fault.size is not None:
            self.close_connection = True

    def _route(self, path: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        for pattern, method, function in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split():
                return function(self, *match.groups(), query=query, body=body)
        return refusal(404, message=f"no route {self.command} {path}")

    def user(self) -> tuple[str, str] | None:
        """(name, role) of whoever asks; None for nobody."""
        return self.hub.users.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def allowed(self, repo_id: str, *, write: bool = False) -> Repo | Answer:
        """The repository, or why this visitor may not have it."""
        if self.headers.get("Authorization") and self.user() is None:
            return refusal(401, message="Invalid credentials in Authorization header")
        repo, user = self.hub.repos.get(repo_id), self.user()
        owner = repo_id.partition("/")[0]
        if repo is None or (repo.private and (user is None or user[0] != owner)):
            return refusal(404 if user else 401, "RepoNotFound", "Repository not found")
        if write and (user is None or user[0] != owner or user[1] == "read"):
            return refusal(403, message="You don't have the rights to write to this repository")
        if repo.gated and (user is None or user[0] != owner):
            return refusal(403 if user else 401, "GatedRepo", f"Access to model {repo_id} is restricted")
        return repo


def _authorize(handler: _Handler, *, query: Mapping[str, list[str]], **_: Any) -> Answer:
    """What the Hub does once its user has agreed: sends them back with a code."""
    asked = {name: values[0] for name, values in query.items()}
    code = f"code{len(handler.hub.granted)}"
    handler.hub.granted[code] = asked
    back = urlencode({"code": code, "state": asked["state"]})
    return Answer(303, headers={"Location": f"{asked['redirect_uri']}?{back}"})


def _token(handler: _Handler, *, body: bytes, **_: Any) -> Answer:
    given = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    asked = handler.hub.granted.pop(given.get("code", ""), None)
    client = f"Basic {base64.b64encode(b'client:hush').decode()}"
    if asked is None or handler.headers.get("Authorization") != client:
        return Answer(400, {"error": "invalid_grant"})
    digest = hashlib.sha256(given["code_verifier"].encode()).digest()
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
        return Answer(400, {"error": "invalid_grant"})
    return Answer(body={"access_token": next(iter(handler.hub.users)), "expires_in": 28_800, "scope": asked["scope"]})


def _whoami(handler: _Handler, **_: Any) -> Answer:
    user = handler.user()
    if user is None:
        return refusal(401, message="Invalid credentials in Authorization header")
    return Answer(body={"type": "user", "name": user[0], "auth": {"accessToken": {"role": user[1]}}})


def _validate(handler: _Handler, *, body: bytes, **_: Any) -> Answer:
    licence = re.search(r"^license: (.*)$", json.loads(body)["content"], re.MULTILINE)
    if licence is None or licence.group(1) in ("mit", "apache-2.0", "cc0-1.0"):
        return Answer(body={"errors": [], "warnings": []})
    return Answer(400, {"errors": [{"message": '"license" must be one of [mit, …]'}], "warnings": []})


def _create(handler: _Handler, *, body: bytes, **_: Any) -> Answer:
    user, asked = handler.user(), json.loads(body)
    if user is None:
        return refusal(401, message="Invalid credentials in Authorization header")
    owner = asked.get("organization") or user[0]
    if owner != user[0] or user[1] == "read":
        return refusal(403, message=f"You don't have the rights to create a model under the namespace {owner!r}")
    repo_id, kind = f"{owner}/{asked['name']}", asked.get("type", "model")
    if repo_id in handler.hub.repos:
        return Answer(409, {"error": "You already created this repo", "url": f"{handler.hub.url}/{repo_id}"})
    private = asked.get("visibility") == "private" or bool(asked.get("private"))
    handler.hub.commit(repo_id, {".gitattributes": b""}, kind=kind, message="initial commit", private=private,
                       sdk=asked.get("sdk", ""))  # fmt: skip
    prefix = "" if kind == "model" else f"{KINDS[kind]}/"
    return Answer(body={"url": f"{handler.hub.url}/{prefix}{repo_id}", "name": repo_id})


def _sibling(name: str, data: bytes) -> dict[str, Any]:
    plain = {"rfilename": name, "size": len(data), "blobId": hashlib.sha1(data).hexdigest()}
    stored = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return {**plain, "lfs": stored} if b"\0" in data else plain


def _info(handler: _Handler, kind: str, repo_id: str, revision: str = "main", **_: Any) -> Answer:
    repo = handler.allowed(repo_id)
    if isinstance(repo, Answer):
        return repo
    files = repo.find(revision)
    if files is None:
        return refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    sha = next(name for name, held in repo.commits.items() if held is files)
    siblings = [_sibling(name, data) for name, data in sorted(files.items())]
    return Answer(body={"id": repo_id, "modelId": repo_id, "sha": sha, "private": repo.private, "gated": repo.gated,
                        "disabled": False, "tags": [], "siblings": siblings, "author": repo_id.partition("/")[0]})


def _preupload(handler: _Handler, kind: str, repo_id: str, revision: str, *, body: bytes, **_: Any) -> Answer:
    repo = handler.allowed(repo_id, write=True)
    if isinstance(repo, Answer):
        return repo
    files = [
        {"path": file["path"], "shouldIgnore": False,
         "uploadMode": "lfs" if b"\0" in base64.b64decode(file["sample"]) else "regular"}
        for file in json.loads(body)["files"]
    ]  # fmt: skip
    return Answer(body={"files": files})


def _commit(handler: _Handler, kind: str, repo_id: str, revision: str, *, body: bytes, **_: Any) -> Answer:
    repo = handler.allowed(repo_id, write=True)
    if isinstance(repo, Answer):
        return repo
    files: Files = {}
    gone: set[str] = set()
    message = ""
    for line in body.splitlines():
        part = json.loads(line)
        value = part["value"]
        if part["key"] == "header":
            message = value["summary"]
        elif part["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif part["key"] == "deletedFile":
            gone.add(value["path"])
        elif part["key"] == "lfsFile":
            if value["oid"] not in handler.hub.objects:
                return refusal(400, message=f"the object {value['oid']} was never uploaded")
            files[value["path"]] = handler.hub.objects[value["oid"]]
    if gone - set(repo.commits[repo.head]):
        return refusal(404, "EntryNotFound", "a file to delete does not exist")
    sha = handler.hub.commit(repo_id, files, message=message, gone=gone)
    return Answer(body={"commitUrl": f"{handler.hub.url}/{repo_id}/commit/{sha}", "commitOid": sha, "success": True})


def _lfs_batch(handler: _Handler, repo_id: str, *, body: bytes, **_: Any) -> Answer:
    repo = handler.allowed(repo_id.split("/", 1)[1] if repo_id.startswith("spaces/") else repo_id, write=True)
    if isinstance(repo, Answer):
        return repo
    objects = []
    for item in json.loads(body)["objects"]:
        held = item["oid"] in handler.hub.objects
        upload = {"href": f"{handler.hub.url}/lfs/{item['oid']}", "header": {}}
        objects.append({**item, **({} if held else {"actions": {"upload": upload}})})
    return Answer(body={"transfer": "basic", "objects": objects}, headers={"Content-Type": "application/json"})


def _lfs_put(handler: _Handler, oid: str, *, body: bytes, **_: Any) -> Answer:
    if hashlib.sha256(body).hexdigest() != oid:
        return refusal(400, message="the content does not have the sum it was announced with")
    handler.hub.objects[oid] = body
    return Answer()


def _resolve(handler: _Handler, kind: str | None, repo_id: str, revision: str, name: str, **_: Any) -> Answer:
    repo = handler.allowed(repo_id)
    if isinstance(repo, Answer):
        return repo
    files = repo.find(revision)
    if files is None:
        return refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    sha = next(key for key, held in repo.commits.items() if held is files)
    if name not in files:
        answer = refusal(404, "EntryNotFound", "Entry not found")
        answer.headers["X-Repo-Commit"] = sha
        return answer
    data = files[name]
    if name in handler.hub.damaged:
        data = bytes([data[0] ^ 1]) + data[1:]
    headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": sha}
    start = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if start is None:
        return Answer(200, data, headers)
    first = int(start.group(1))
    headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
    return Answer(206, data[first:], headers)


ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    (r"/oauth/authorize", "GET", _authorize),
    (r"/oauth/token", "POST", _token),
    (r"/api/whoami-v2", "GET", _whoami),
    (r"/api/repos/create", "POST", _create),
    (r"/api/validate-yaml", "POST", _validate),
    (r"/api/(models|spaces|datasets)/([^/]+/[^/]+)", "GET", _info),
    (r"/api/(models|spaces|datasets)/([^/]+/[^/]+)/revision/(.+)", "GET", _info),
    (r"/api/(models|spaces|datasets)/([^/]+/[^/]+)/preupload/(.+)", "POST", _preupload),
    (r"/api/(models|spaces|datasets)/([^/]+/[^/]+)/commit/(.+)", "POST", _commit),
    (r"/(.+)\.git/info/lfs/objects/batch", "POST", _lfs_batch),
    (r"/lfs/([0-9a-f]{64})", "PUT", _lfs_put),
    (r"/(?:(spaces|datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "GET HEAD", _resolve),
]

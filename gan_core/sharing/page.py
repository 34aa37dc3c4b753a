"""A trained generator as one HTML file: it draws, walks and shows its training in any browser, without a server.

Everything is inside the file: the generator as ONNX, the engine that runs it (ONNX Runtime Web, see onnxruntime/), the
first latents of a seed, favourites, picture sheets and curves. A content security policy forbids the page to fetch
anything from anywhere.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import torch
from torch import Tensor

from gan_core.checkpoints import Bundle
from gan_core.favourites import Favourite
from gan_core.runs import Run
from gan_core.sampling import draw_latents
from gan_core.sharing import page_data

SEED = 1
FIRST = 64  # pictures of the seed whose latents the page carries

_FILES = Path(__file__).resolve().parent / "page_files"
_ENGINE = Path(__file__).resolve().parent / "onnxruntime"
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#5b4bd6" d="M0 0h8v8H0z"/>'
    '<path fill="#fff" d="M2 2h4v1H3v1h2v2H3V5H2z"/></svg>'
)
_SCRIPTS = ("latents.js", "generator.js", "curves.js", "page.js")
_EXPORTS = re.compile(r"export\{([^{}]*)\};\s*(?://# sourceMappingURL=\S*\s*)?\Z")


def page(bundle: Bundle, model: bytes, run: Run | None = None, favourites: Sequence[Favourite] = ()) -> bytes:
    """The HTML file of a model.

    Args:
        model: its generator, as :func:`gan_core.sharing.onnx_model.to_onnx` makes it.
        run: the folder with the curves and sheets of its training, if there is one.
        favourites: pictures of this model that the page offers by name.
    """
    runtime, code = _runtime(), "\n".join(_text(name) for name in _SCRIPTS)
    parts = {
        "policy": _policy(runtime, code),
        "title": html.escape(bundle.info.recipe.title),
        "icon": quote(_ICON),
        "style": _text("page.css"),
        "licence": html.escape((_ENGINE / "LICENSE").read_text(encoding="utf-8")),
        "data": _json(page_data.describe(bundle, run, favourites, FIRST)),
        "latents": _base64(_latents(bundle, favourites).numpy().astype("<f4").tobytes()),
        "model": _base64(gzip.compress(model, 9, mtime=0)),
        "engine": _base64((_ENGINE / "ort-wasm-simd-threaded.wasm.gz").read_bytes()),
        "runtime": runtime,
        "code": code,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _text("page.html")).encode()


def _latents(bundle: Bundle, favourites: Sequence[Favourite]) -> Tensor:
    """(FIRST + favourites, latent): what the page's own random numbers could not draw."""
    latents = bundle.info.recipe.latents
    rows = [draw_latents(latents, favourite.seed, 1, favourite.index) for favourite in favourites]
    return torch.cat([draw_latents(latents, SEED, FIRST), *rows])


def _runtime() -> str:
    """The engine's module as a script that leaves its exports in ``globalThis.ort``: a page on a disk cannot import."""
    source = (_ENGINE / "ort.wasm.bundle.min.mjs").read_text(encoding="utf-8")
    found = _EXPORTS.search(source)
    assert found is not None, "the engine's file ends otherwise than expected"
    names = [entry.split(" as ") for entry in found[1].split(",")]
    return f"{source[: found.start()]}globalThis.ort={{{','.join(f'{theirs}:{own}' for own, theirs in names)}}};"


def _policy(*scripts: str) -> str:
    """Nothing but these scripts may run, and nothing may be fetched but what the page holds itself."""
    hashes = " ".join(f"'sha256-{_base64(hashlib.sha256(script.encode()).digest())}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes} 'wasm-unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; connect-src data:; base-uri 'none'; form-action 'none'"
    )


def _json(value: object) -> str:
    """JSON that cannot end the script element that it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

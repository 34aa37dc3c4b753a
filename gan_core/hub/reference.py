"""What names a model on the Hub: ``hf:owner/name``, ``hf:owner/name@revision``, ``hf:owner/name/file.safetensors@rev``.

Without a file the repository's ``model.safetensors`` is meant, or its only safetensors file. A reference is pinned
where its revision is a whole commit: then it means the same weights for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gan_core.config import UserError

PREFIX = "hf:"
MODEL_FILE = "model.safetensors"
SUFFIX = ".safetensors"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")

_PART = r"[A-Za-z0-9](?:[\w.\-]{0,94}[\w])?"
_REFERENCE = re.compile(rf"({_PART}/{_PART})((?:/[\w.\- ]+)*)(?:@([\w.\-/]+))?", re.ASCII)
_ADDRESS = re.compile(
    r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([^/?#]+/[^/?#]+)(?:/(?:tree|blob|resolve)/([^/?#]+)((?:/[^?#]+)?))?/?",
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubReference:
    """A model on the Hub; ``file`` is empty for the repository's own choice, ``revision`` for its newest."""

    repo: str
    file: str = ""
    revision: str = ""

    def __str__(self) -> str:
        file = f"/{self.file}" if self.file else ""
        return f"{PREFIX}{self.repo}{file}" + (f"@{self.revision}" if self.revision else "")

    @property
    def pinned(self) -> bool:
        """Whether it names one commit, and so always the same weights."""
        return _COMMIT.fullmatch(self.revision) is not None

    def at(self, commit: str, file: str) -> HubReference:
        """The same, pinned to what was found; a file that goes without saying is left out."""
        return replace(self, revision=commit, file="" if file == MODEL_FILE else file)


def is_hub(ref: str) -> bool:
    """Whether a model's reference points at the Hub."""
    return ref.startswith(PREFIX)


def parse_reference(text: str) -> HubReference:
    """The reference that ``text`` writes, with or without ``hf:``, or as an address of the Hub's website.

    Raises:
        UserError: it is none, or names a file that would have to be unpickled.
    """
    text = text.strip()
    address = _ADDRESS.fullmatch(text)
    if address:
        repo, revision, file = address.groups()
        text = repo + (file or "") + (f"@{revision}" if revision else "")
    match = _REFERENCE.fullmatch(text.removeprefix(PREFIX))
    segments = match.group(2).split("/")[1:] if match else []
    if match is None or ".." in text or any(not part.strip(". ") for part in segments):
        raise UserError(
            "{text} is not a model on the Hub; write owner/name, owner/name@revision or "
            "owner/name/file.safetensors.",
            text=repr(text),
        )
    file = "/".join(segments)
    if file.lower().endswith(PICKLED):
        raise pickled(file)
    if file and not file.endswith(SUFFIX):
        raise UserError("{file} is no safetensors file; name one that ends in .safetensors.", file=file)
    return HubReference(match.group(1), file, match.group(3) or "")


def pickled(file: str) -> UserError:
    """Why a pickled checkpoint is refused."""
    return UserError(
        "{file} is a pickled checkpoint, and opening one can run any program hidden in it, so it is refused; ask its "
        "author for a .safetensors file.",
        file=file,
    )

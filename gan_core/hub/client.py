"""How the Hub is spoken to: whose token, for how long at most, and what each failure is called.

huggingface_hub repeats a request that failed five times, with pauses of 1, 2, 4, 8 and 8 seconds, and sends some
without any time limit. So each conversation starts with one plain request, which fails at once, and has a limit.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gan_core.config import UserError
from gan_core.hosting import hosted

# The client takes a fifth of a second to import, which nobody should wait for who asks nothing of the Hub.
if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

T = TypeVar("T")

ANSWER_SECONDS = 10.0  # for one small request
TICK_SECONDS = 0.1
SLOWEST = 100_000  # bytes a second that a transfer is given time for
TOKENS_PAGE = "https://huggingface.co/settings/tokens"


def endpoint() -> str:
    """Where the Hub is: HF_ENDPOINT, or huggingface.co."""
    from huggingface_hub import constants

    return os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")


def cache_dir() -> Path:
    """Where huggingface_hub keeps what it loaded, shared with every other program that uses it."""
    from huggingface_hub import constants

    return Path(os.environ.get("HF_HUB_CACHE", constants.HF_HUB_CACHE))


def own_token() -> str | None:
    """The token of whoever runs this program: HF_TOKEN or the login. None on a shared server, where nobody may use it.

    Raises:
        UserError: it holds characters that no token has.
    """
    if hosted():
        return None
    from huggingface_hub import get_token

    return clean_token(get_token() or "") or None


def clean_token(text: str) -> str:
    """``text`` without the blanks around it; UserError, which does not repeat it, where it can be no token."""
    text = text.strip()
    # Such a character would end in an error message of the HTTP library that quotes the whole header.
    if text and not re.fullmatch(r"[\w.\-]+", text, re.ASCII):
        raise UserError("This is no token of the Hub; copy one from {page}.", page=TOKENS_PAGE)
    return text


def client(token: str | None) -> HfApi:
    """The client that asks with ``token``, or as a stranger; never with a token that it finds by itself."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()  # a server's log is no place for them
    return HfApi(endpoint=endpoint(), token=token or False, library_name="gan-workbench")


def transfer_seconds(size: int) -> float:
    """How long a transfer of so many bytes may take."""
    return 30 + size / SLOWEST


def ask(
    repo: str, seconds: float, work: Callable[[], T], *, writing: bool = False, tick: Callable[[], None] = lambda: None
) -> T:
    """The result of ``work``, which talks to the Hub about ``repo``, within so many seconds.

    Args:
        writing: whether it changes something there, which needs other rights.
        tick: called in the caller's own thread, some times a second and at the end.

    Raises:
        UserError: whatever goes wrong, in one sentence.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    # Left to itself where it takes too long: it writes to temporary names only, and no lock of ours is held.
    threading.Thread(target=run, name="hub", daemon=True).start()
    deadline = time.monotonic() + seconds
    while not wait([answer], timeout=TICK_SECONDS).done and time.monotonic() < deadline:
        tick()
    tick()
    if not answer.done():
        raise UserError(
            "The Hub did not finish within {seconds} s; try again when the network is faster.", seconds=round(seconds)
        )
    try:
        return answer.result()
    except UserError:
        raise
    except Exception as error:
        raise explain(error, repo, writing) from error


def explain(error: Exception, repo: str, writing: bool) -> UserError:
    """What went wrong between us and the Hub, as one sentence that says what to do."""
    from huggingface_hub import errors

    if isinstance(error, errors.HfHubHTTPError):
        return _refusal(error, repo, writing)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return UserError("HF_HUB_OFFLINE is set, so the Hub is not asked; unset it, or use a model loaded before.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError("The disk that holds {folder} is full; free some space and try again.", folder=cache_dir())
    if isinstance(error, OSError) and "Consistency check failed" in str(error):
        return UserError("The file from {repo} arrived incomplete and was not kept; try again.", repo=repo)
    if isinstance(error, PermissionError):
        return UserError("{folder} cannot be written to; check its permissions.", folder=cache_dir())
    if isinstance(error, errors.HFValidationError):
        return UserError("{repo} is no name that the Hub allows; write owner/name.", repo=repr(repo))
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0].startswith("httpx"):
        return UserError(
            "The Hub ({address}) cannot be reached; check the network. Models loaded before still open.",
            address=endpoint(),
        )
    if isinstance(error, ValueError) and "README.md" in str(error):
        return UserError("The Hub refuses the model card ({reason}); name a licence that it knows.",
                         reason=" ".join(str(error).split("\n- ")[1:]).strip(". ") or "no reason given")  # fmt: skip
    return UserError(
        "The Hub's answer about {repo} makes no sense ({reason}); try again later.",
        repo=repo, reason=type(error).__name__,
    )  # fmt: skip


def _refusal(error: HfHubHTTPError, repo: str, writing: bool) -> UserError:
    from huggingface_hub import errors

    status = error.response.status_code
    if isinstance(error, errors.GatedRepoError):
        return UserError(
            "{repo} is gated: accept its conditions on {address} and give a token of yours.",
            repo=repo, address=f"{endpoint()}/{repo}",
        )  # fmt: skip
    if isinstance(error, errors.RevisionNotFoundError):
        return UserError("{repo} has no such revision; leave it out for the newest.", repo=repo)
    if isinstance(error, errors.EntryNotFoundError):
        return UserError("{repo} has no such file in that revision; look at its list of files.", repo=repo)
    if isinstance(error, errors.DisabledRepoError):
        return UserError("The Hub has closed {repo}; choose another repository.", repo=repo)
    if status == 401 and "credentials" in (error.server_message or "").lower():
        return UserError("The Hub does not know this token; make a new one on {page}.", page=TOKENS_PAGE)
    if status in (401, 404) and not writing:
        return UserError("The Hub shows no repository {repo}; check the name, or give a token if it is private.",
                         repo=repo)  # fmt: skip
    if status in (401, 403):
        if writing:
            return UserError(
                "This token may not write to {repo}; use a token with write permission and a name of its owner.",
                repo=repo,
            )
        return UserError("The Hub does not let this token read {repo}; use another token.", repo=repo)
    if status == 429:
        return UserError("The Hub has had too many requests from here; wait some minutes and try again.")
    if status >= 500:
        return UserError("The Hub itself has a fault just now ({status}); try again later.", status=status)
    return UserError("The Hub refuses this ({status}): {reason}. Change it and try again.",
                     status=status, reason=(error.server_message or "no reason given").strip(". \n"))  # fmt: skip

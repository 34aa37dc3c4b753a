"""A page of the whole app, opened without a browser."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

MAIN = Path(__file__).parents[2] / "pages" / "ui" / "main.py"


def open_page(page: str, /, *, seconds: float = 60, **params: str) -> AppTest:
    """The page as somebody sees it who opens it with these URL parameters; it may take so many seconds."""
    test = AppTest.from_file(MAIN, default_timeout=seconds)
    test.switch_page(f"../{page}.py")
    test.query_params.update(params)
    test.run()
    assert not test.exception
    return test

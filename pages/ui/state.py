"""What a visitor chose, in the URL: a link reproduces what is on screen.

    recipe = state.choice(st.selectbox, _("Recipe"), RECIPES, param="recipe", label=lambda name: _(RECIPES[name].title))
    seed = st.number_input(_("Seed"), 0, 9999, 1, key="seed", bind="query-params")  # numbers, switches, text: bind
    run = state.read("run", "")                     # typed by the default; what does not fit reads as the default
    state.write(run=run_id, epoch=None)             # None takes a parameter out of the URL
    st.code(state.share_link(epoch=12))             # the whole address, with the language
    state.pin(text=today())                         # on screen by default; links carry it all the same
    state.open_page("../digits.py", run=run_id)     # leave for another page

Why `choice` and not `bind` for lists: Streamlit writes the label on screen into the URL, which is another text in
another language; `choice` writes the name. Both are kept when the visitor leaves the page and comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

from pages.ui import i18n, lesson

_PINS = "ui.pins"  # session state: what links add to the parameters of the URL

T = TypeVar("T", bool, int, float, str)


def read(param: str, default: T, *, choices: Iterable[T] | None = None) -> T:
    """The value of a URL parameter, read as the type of `default`; anything that does not fit reads as `default`."""
    text = st.query_params.get(param)
    if text is None:
        return default
    try:
        value = _parse(text, type(default))
    except ValueError:
        return default
    return default if choices is not None and value not in choices else value


def write(**params: object) -> None:
    """Put values into the URL; None takes one out."""
    for name, value in params.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != _text(value):
            st.query_params[name] = _text(value)


def choice(
    widget: Callable[..., Any],
    title: str,
    options: Iterable[str],
    *,
    param: str,
    default: str | None = None,
    label: Callable[[str], str] = str,
    **more: Any,
) -> str:
    """One of `options`, chosen with `widget` and kept in the URL by its name.

    Args:
        widget: st.selectbox, st.radio, st.select_slider, st.segmented_control or st.pills.
        options: names, which are the same in every language; at least one.
        param: the URL parameter, and the key of the widget in the session state.
        default: what a URL without the parameter means; the first option if not given.
        label: what an option is called on screen.
        more: further arguments of the widget.
    """
    names = list(options)
    first = default if default in names else names[0]
    asked = st.query_params.get(param)
    current = asked if asked in names else st.session_state.get(param, first)
    st.session_state[param] = current if current in names else first

    def remember() -> None:
        write(**{param: None if st.session_state[param] == first else st.session_state[param]})

    remember()
    if widget in (st.segmented_control, st.pills):
        more["required"] = True
    widget(title, names, key=param, format_func=label, on_change=remember, persist_state="session", **more)
    return str(st.session_state[param])


def pin(**params: object) -> None:
    """Have links say what is on screen though the URL does not: defaults that another day or server would not share."""
    pinned().update({name: _text(value) for name, value in params.items()})


def pinned() -> dict[str, str]:
    """What links add where the URL says nothing else."""
    pins: dict[str, str] = st.session_state.setdefault(_PINS, {})
    return pins


def forget_pins() -> None:
    """Begin a page anew."""
    st.session_state[_PINS] = {}


def share_link(page: str | None = None, **params: object) -> str:
    """The address of what is on screen; `params` are added to those in the URL, None takes one out.

    Args:
        page: the path of another page, such as "train", in place of the current one's.
    """
    query = {name: [value] for name, value in pinned().items()}
    # Two underscores begin a host's own parameters, such as a key to a private page: not to be passed on.
    query |= {name: st.query_params.get_all(name) for name in st.query_params if not name.startswith("__")}
    query.update({name: [] if value is None else [_text(value)] for name, value in params.items()})
    address = (st.context.url or "").split("?")[0]
    if page is not None:
        address = f"{address.rpartition('/')[0]}/{page}"
    encoded = urlencode({name: values for name, values in query.items() if values}, doseq=True)
    return f"{address}?{encoded}" if encoded else address


def open_page(page: str, **params: object) -> None:
    """Leave for another page, such as "../train.py", with these URL parameters and the language."""
    st.switch_page(page, query_params=with_language({name: _text(value) for name, value in params.items()}))


def with_language(params: Mapping[str, str] | None = None) -> dict[str, str]:
    """URL parameters for a link within the app, which also stays in the lesson."""
    language, within = i18n.current_language(), lesson.current()
    kept = {} if language == i18n.DEFAULT else {i18n.PARAM: language}
    return kept | (within.params() if within else {}) | dict(params or {})


def _parse(text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    return kind(text)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

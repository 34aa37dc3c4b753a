"""Settings that describe themselves: frozen dataclasses whose fields carry title, help, range and unit.

Forms, command-line help and documents are all made from the same declarations. Everything that a user may get
wrong raises :class:`UserError` with one sentence that says what to do.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")


class UserError(Exception):
    """A mistake that the user can mend; the message is one sentence that says how.

    ``text`` is a template and ``values`` what fills it, so that a user interface can translate the template.
    """

    def __init__(self, text: str, **values: object) -> None:
        self.text, self.values = text, values
        super().__init__(text.format(**values) if values else text)


@dataclass(frozen=True)
class Setting:
    """What a form needs to know of one field; ``minimum`` and ``maximum`` are inclusive."""

    title: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    unit: str = ""
    group: str = ""
    log: bool = False
    advanced: bool = False


def setting(
    default: Any,
    *,
    title: str,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Iterable[Any] = (),
    unit: str = "",
    group: str = "",
    log: bool = False,
    advanced: bool = False,
) -> Any:
    """A dataclass field with a description of itself.

    Args:
        default: the field's default value (immutable).
        minimum, maximum: inclusive range of a number, or of each number in a tuple.
        choices: the allowed values, where they are few.
        log: whether a slider over the range should be logarithmic.
        advanced: whether a form may fold the field away.
    """
    described = Setting(title, help, minimum, maximum, tuple(choices), unit, group, log, advanced)
    return dataclasses.field(default=default, metadata={"setting": described})


def settings_of(config: Any) -> Iterator[tuple[str, Setting]]:
    """The described fields of a dataclass or of one of its instances, in order."""
    for field in dataclasses.fields(config):
        if "setting" in field.metadata:
            yield field.name, field.metadata["setting"]


class Validated:
    """Base of configs: checks each described field against its own declaration."""

    def __post_init__(self) -> None:
        for name, described in settings_of(self):
            check(type(self).__name__, name, described, getattr(self, name))


def check(owner: str, name: str, described: Setting, value: Any) -> None:
    """Raise :class:`UserError` where ``value`` is not allowed by its declaration."""
    if described.choices and value not in described.choices:
        allowed = ", ".join(str(choice) for choice in described.choices)
        raise UserError(f"{owner}.{name} must be one of {allowed}; it is {value!r}.")
    numbers = value if isinstance(value, tuple) else (value,)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        low, high = described.minimum, described.maximum
        if not math.isfinite(number) or (low is not None and number < low) or (high is not None and number > high):
            span = f"between {low:g} and {high:g}" if low is not None and high is not None else (
                f"at least {low:g}" if low is not None else f"at most {high:g}" if high is not None else "finite"
            )
            raise UserError(f"{owner}.{name} must be {span}; it is {number:g}.")


def to_dict(config: Any) -> Any:
    """Plain JSON values of a config; a class that has a ``kind`` says so, so that it can be read back."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        values = {field.name: to_dict(getattr(config, field.name)) for field in dataclasses.fields(config)}
        kind = getattr(config, "kind", None)
        return values if kind is None else {"kind": kind, **values}
    if isinstance(config, tuple | list):
        return [to_dict(value) for value in config]
    return config


def from_dict(cls: type[T], data: Any, *, kinds: Mapping[str, type] | None = None) -> T:
    """The config that :func:`to_dict` wrote.

    Args:
        cls: the dataclass expected.
        data: JSON values; fields left out keep their defaults.
        kinds: classes by their ``kind``, for fields that hold one of several.

    Raises:
        UserError: an unknown field or kind, a wrong type, or a value outside its range.
    """
    return cast(T, _read(cls, data, kinds or {}, cls.__name__))


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _read(cls: Any, data: Any, kinds: Mapping[str, type], where: str) -> Any:
    if isinstance(data, Mapping) and "kind" in data:
        if data["kind"] not in kinds:
            raise UserError(f"{where}: this version does not know the kind {data['kind']!r}; update GAN Workbench.")
        cls = kinds[data["kind"]]
        data = {key: value for key, value in data.items() if key != "kind"}
    if dataclasses.is_dataclass(cls):
        if not isinstance(data, Mapping):
            raise UserError(f"{where} must be a group of fields; it is {data!r}.")
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise UserError(f"{where} has no field {unknown[0]!r}; it has {', '.join(sorted(known))}.")
        hints = _hints(cast(type, cls))
        try:
            return cast(Callable[..., Any], cls)(
                **{name: _read(hints[name], value, kinds, f"{where}.{name}") for name, value in data.items()}
            )
        except TypeError as error:
            raise UserError(f"{where} is incomplete: {error}.") from error
    return _convert(cls, data, kinds, where)


def _convert(hint: Any, value: Any, kinds: Mapping[str, type], where: str) -> Any:
    """``value`` as the plain type that ``hint`` names; text is read as the command line writes it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        values = [part for part in value.replace(",", " ").split() if part] if isinstance(value, str) else value
        if not isinstance(values, list | tuple):
            raise UserError(f"{where} must be a list; it is {value!r}.")
        return tuple(_read(arguments[0], part, kinds, where) for part in values)
    if hint is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "yes", "on", "1", "false", "no", "off", "0"):
            return str(value).lower() in ("true", "yes", "on", "1")
        raise UserError(f"{where} must be true or false; it is {value!r}.")
    if hint in (int, float):
        try:
            number = float(value)
            if hint is float:
                return number
            if number == int(number):
                return int(number)
        except (TypeError, ValueError, OverflowError):
            pass
        raise UserError(f"{where} must be {'a whole number' if hint is int else 'a number'}; it is {value!r}.")
    if hint is str and not isinstance(value, str):
        raise UserError(f"{where} must be text; it is {value!r}.")
    return value


def with_value(config: T, path: str, value: Any, *, kinds: Mapping[str, type] | None = None) -> T:
    """``config`` with the field at a dotted ``path`` changed, as ``--set training.batch_size=64`` asks.

    Items of a tuple are named by their number or by their ``kind``.
    """
    data = to_dict(config)
    node: Any = data
    *parents, last = path.split(".")
    for part in parents:
        node = _child(node, part, path)
    if isinstance(node, list):
        node[_index(node, last, path)] = value
    elif isinstance(node, dict) and last in node and last != "kind":
        node[last] = value
    else:
        raise UserError(f"There is no setting {path!r}; here are {_names(node)}.")
    return from_dict(type(config), data, kinds=kinds)


def _child(node: Any, part: str, path: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, part, path)]
    if isinstance(node, dict) and part in node and part != "kind":
        return node[part]
    raise UserError(f"There is no setting {path!r}; here are {_names(node)}.")


def _index(node: list[Any], part: str, path: str) -> int:
    for index, item in enumerate(node):
        if part == str(index) or (isinstance(item, dict) and item.get("kind") == part):
            return index
    raise UserError(f"There is no setting {path!r}; here are {_names(node)}.")


def _names(node: Any) -> str:
    if isinstance(node, dict):
        return ", ".join(key for key in node if key != "kind")
    if isinstance(node, list):
        return ", ".join(str(item.get("kind", index) if isinstance(item, dict) else index) for index, item in enumerate(node))
    return "no further settings"

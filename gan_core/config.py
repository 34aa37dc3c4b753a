"""Settings that describe themselves: frozen dataclasses whose fields carry title, help, range and unit.

Forms, command-line help and documents are all made from the same declarations. Everything that a user may get
wrong raises :class:`UserError` with one sentence that says what to do.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import reprlib
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")


class UserError(Exception):
    """A mistake that the user can mend; the message is one sentence that says how.

    ``text`` is a template and ``values`` what fills it, so that a user interface can translate the template.
    """

    def __init__(self, text: str, /, **values: object) -> None:
        self.text, self.values = text, values
        super().__init__(text.format(**values) if values else text)


@dataclass(frozen=True)
class Setting:
    """What a form needs to know of one field; ``minimum`` and ``maximum`` are inclusive, ``formula`` is LaTeX."""

    title: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    unit: str = ""
    group: str = ""
    log: bool = False
    advanced: bool = False
    formula: str = ""
    source: str = ""


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
    formula: str = "",
    source: str = "",
) -> Any:
    """A dataclass field with a description of itself.

    Args:
        default: the field's default value (immutable).
        minimum, maximum: inclusive range of a number, or of each number in a tuple.
        choices: the allowed values, where they are few.
        log: whether a slider over the range should be logarithmic.
        advanced: whether a form may fold the field away.
        formula, source: of a published technique that the field switches on: LaTeX, and where it is described.
    """
    described = Setting(title, help, minimum, maximum, tuple(choices), unit, group, log, advanced, formula, source)
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
    said: dict[str, object] = {"title": described.title, "field": f"{owner}.{name}"}
    if described.choices and value not in described.choices:
        choices = ", ".join(str(choice) for choice in described.choices)
        raise UserError(
            "{title} ({field}) must be one of {choices}; it is {value}.", **said, choices=choices, value=shown(value)
        )
    numbers = value if isinstance(value, tuple) else (value,)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        low, high = described.minimum, described.maximum
        if math.isfinite(number) and (low is None or number >= low) and (high is None or number <= high):
            continue
        said["value"] = f"{number:.12g}"
        if low is not None and high is not None:
            raise UserError(
                "{title} ({field}) must be between {low} and {high}; it is {value}.",
                **said, low=f"{low:.12g}", high=f"{high:.12g}",
            )  # fmt: skip
        if low is not None:
            raise UserError("{title} ({field}) must be at least {low}; it is {value}.", **said, low=f"{low:.12g}")
        if high is not None:
            raise UserError("{title} ({field}) must be at most {high}; it is {value}.", **said, high=f"{high:.12g}")
        raise UserError("{title} ({field}) must be a finite number; it is {value}.", **said)


def shown(value: Any) -> str:
    """A value as an error message quotes it: as code, on one line, and cut where it is long."""
    return reprlib.repr(value)


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
    if isinstance(data, str) and data in kinds and cls is not str and typing.get_origin(cls) is not tuple:
        data = {"kind": data}  # as the command line writes it
    if isinstance(data, Mapping) and "kind" in data:
        return _read_kind(cls, data, kinds, where)
    if not dataclasses.is_dataclass(cls):
        return _convert(cls, data, kinds, where)
    if not isinstance(data, Mapping):
        raise _no_group(cls, data, kinds, where)
    if "kind" in _hints(cast(type, cls)) and not hasattr(cls, "kind"):  # an abstract base
        raise UserError("{field} does not say its kind; add the field kind.", field=where)
    return _build(cast(type, cls), data, kinds, where)


def _read_kind(hint: Any, data: Mapping[str, Any], kinds: Mapping[str, type], where: str) -> Any:
    """The config of the class that ``data`` names, if it is one that ``hint`` allows."""
    kind = data["kind"]
    if not isinstance(kind, str) or kind not in kinds:
        raise UserError(
            "{field}: this version does not know the kind {kind}; update GAN Workbench.", field=where, kind=shown(kind)
        )
    config = _build(kinds[kind], {key: value for key, value in data.items() if key != "kind"}, kinds, where)
    if not isinstance(config, hint):
        raise UserError("{field} cannot be of the kind {kind}; choose another.", field=where, kind=shown(kind))
    return config


def _build(cls: type, data: Mapping[str, Any], kinds: Mapping[str, type], where: str) -> Any:
    """An instance of the dataclass ``cls`` with the fields in ``data``."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    unknown = sorted(str(name) for name in data if name not in fields)
    if unknown:
        raise UserError(
            "{field} has no field {name}; it has {names}.",
            field=where, name=shown(unknown[0]), names=", ".join(sorted(fields)),
        )  # fmt: skip
    for name, field in fields.items():
        if name not in data and field.default is MISSING and field.default_factory is MISSING:
            raise UserError("{field} lacks the field {name}; add it.", field=where, name=shown(name))
    hints = _hints(cls)
    return cls(**{name: _read(hints[name], value, kinds, f"{where}.{name}") for name, value in data.items()})


def _convert(hint: Any, value: Any, kinds: Mapping[str, type], where: str) -> Any:
    """``value`` as the plain type that ``hint`` names; text is read as the command line writes it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        values = [part for part in value.replace(",", " ").split() if part] if isinstance(value, str) else value
        if not isinstance(values, list | tuple):
            raise UserError("{field} must be a list; it is {value}.", field=where, value=shown(value))
        return tuple(_read(arguments[0], part, kinds, where) for part in values)
    if hint is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "yes", "on", "1", "false", "no", "off", "0"):
            return str(value).lower() in ("true", "yes", "on", "1")
        raise UserError("{field} must be true or false; it is {value}.", field=where, value=shown(value))
    if hint in (int, float):
        try:
            number = float(value)
            if hint is float:
                return number
            if number == int(number):
                return int(number)
        except (TypeError, ValueError, OverflowError):
            pass
        if hint is int:
            raise UserError("{field} must be a whole number; it is {value}.", field=where, value=shown(value))
        raise UserError("{field} must be a number; it is {value}.", field=where, value=shown(value))
    if hint is str and not isinstance(value, str):
        raise UserError("{field} must be text; it is {value}.", field=where, value=shown(value))
    if not isinstance(value, hint):  # one of several kinds of config
        raise _no_group(hint, value, kinds, where)
    return value


def _no_group(hint: Any, value: Any, kinds: Mapping[str, type], where: str) -> UserError:
    """What is wrong with a ``value`` where a config belongs; text is taken for a kind that there is not."""
    allowed = set(typing.get_args(hint) or (hint,))
    names = [kind for kind, cls in kinds.items() if allowed & set(cls.__mro__)]
    if isinstance(value, str) and names:
        return UserError("{field} cannot be {value}; choose from {names}.",
                         field=where, value=shown(value), names=", ".join(names))  # fmt: skip
    return UserError("{field} must be a group of fields; it is {value}.", field=where, value=shown(value))


def with_values(config: T, changes: Mapping[str, Any], *, kinds: Mapping[str, type] | None = None) -> T:
    """``config`` with the fields at dotted paths changed, as ``--set training.batch_size=64`` asks.

    Items of a tuple are named by their number or by their ``kind``. A change names what the ones before it put there;
    whether they all are allowed, and go together, is checked when they are in place.
    """
    data = to_dict(config)
    cls: type = type(config)
    failed: UserError | None = None
    for path, value in changes.items():
        first = path.partition(".")[0]
        try:
            _place(data, path, value)
        except UserError as error:
            raise failed or error from None  # the path leads through what an earlier change broke
        try:
            data[first] = to_dict(_read(_hints(cls)[first], data[first], kinds or {}, f"{cls.__name__}.{first}"))
        except UserError as error:  # which a later change may mend
            failed = failed or error
    return cast(T, from_dict(cls, data, kinds=kinds))


def _place(data: Any, path: str, value: Any) -> None:
    """Put ``value`` at a dotted path of what :func:`to_dict` made."""
    node = data
    *parents, last = path.split(".")
    for part in parents:
        node = _child(node, part, path)
    if isinstance(node, list):
        node[_index(node, last, path)] = value
    elif isinstance(node, dict) and last in node and last != "kind":
        node[last] = value
    else:
        raise _no_setting(path, node)


def _child(node: Any, part: str, path: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, part, path)]
    if isinstance(node, dict) and part in node and part != "kind":
        return node[part]
    raise _no_setting(path, node)


def _index(node: list[Any], part: str, path: str) -> int:
    for index, item in enumerate(node):
        if part == str(index) or (isinstance(item, dict) and item.get("kind") == part):
            return index
    raise _no_setting(path, node)


def _no_setting(path: str, node: Any) -> UserError:
    return UserError("There is no setting {path}; here are {names}.", path=shown(path), names=_names(node))


def _names(node: Any) -> str:
    if isinstance(node, dict):
        return ", ".join(key for key in node if key != "kind")
    if isinstance(node, list):
        kinds = (item.get("kind") if isinstance(item, dict) else None for item in node)
        return ", ".join(kind or str(index) for index, kind in enumerate(kinds))
    return "no further settings"

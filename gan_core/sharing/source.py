"""Gathers the source of some definitions and of all that they are made from into one readable Python file.

The text of each definition stays as it was written. Settings classes lose what describes them to forms: their fields
take the values of one model as defaults.
"""

from __future__ import annotations

import ast
import builtins
import functools
import itertools
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gan_core.config import Validated

_REMARKS = re.compile(r"\s*# (?:type: ignore|noqa|fmt: skip).*$", re.MULTILINE)
_OWN = "gan_core."
_DEFINING = ("class", "def", "@")
_FORMS = frozenset({"build", "__post_init__"})  # methods of settings that serve the workbench


@dataclass
class Gathered:
    """Definitions in the order in which Python needs them, and the lines that import what they use.

    ``settings`` are the values that settings classes take, by class.
    """

    settings: Mapping[type, Any]
    imports: set[tuple[str, str]] = field(default_factory=set)
    parts: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, module: str, name: str) -> None:
        """Take in what ``name`` means in ``module``, after all that it needs."""
        module, name, node = _definition(module, name)
        if (module, name) in self.parts:
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.imports.add(_import_line(node, name))
            return
        text, needed = self._settings(module, node) if _settings_class(module, node) else _plain(module, node)
        for other in sorted(needed - {name} - set(dir(builtins))):
            if other in _names(module):
                self.add(module, other)
        self.parts[module, name] = _REMARKS.sub("", text)

    def text(self) -> str:
        """The file, without its docstring."""
        names = [name for _module, name in self.parts]
        assert len(names) == len(set(names)), "two definitions share a name"
        constants = [text for text in self.parts.values() if not text.startswith(_DEFINING)]
        others = [text for text in self.parts.values() if text.startswith(_DEFINING)]
        head = ["from __future__ import annotations", *_import_blocks(self.imports), "\n".join(constants)]
        return "\n\n".join(head) + "\n\n\n" + "\n\n\n".join(others) + "\n"

    def _settings(self, module: str, node: ast.ClassDef) -> tuple[str, set[str]]:
        """A settings class as a plain dataclass with this model's values, and the names that it needs."""
        own = _settings_class(module, node)
        assert own is not None
        value = next((value for cls, value in self.settings.items() if issubclass(cls, own)), None) or own()
        bases = [base.__name__ for base in own.__bases__ if issubclass(base, Validated) and base is not Validated]
        lines = ["@dataclass(frozen=True)", f"class {node.name}{'(' + ', '.join(bases) + ')' if bases else ''}:"]
        lines.append(f'    """{ast.get_docstring(node) or "Settings."}"""\n')
        needed = {"dataclass", *bases}
        for item in node.body:
            if isinstance(item, ast.AnnAssign):
                name, kind = ast.unparse(item.target), ast.unparse(item.annotation)
                said = repr(getattr(value, name)) if hasattr(value, name) else ""
                lines.append(f"    {name}: {kind}{said and f' = {said}'}")
                needed |= _used(item.annotation) | _used(ast.parse(said))
            elif isinstance(item, ast.FunctionDef) and item.name not in _FORMS:
                lines.append("\n" + _source(module, item))
                needed |= _used(item)
        return "\n".join(lines), needed


def _plain(module: str, node: ast.stmt) -> tuple[str, set[str]]:
    return _source(module, node), _used(node)


def _settings_class(module: str, node: ast.stmt) -> type[Validated] | None:
    """The class that a statement defines, if it holds settings."""
    cls = getattr(sys.modules[module], node.name) if isinstance(node, ast.ClassDef) else None
    return cls if isinstance(cls, type) and issubclass(cls, Validated) and cls is not Validated else None


def _definition(module: str, name: str) -> tuple[str, str, Any]:
    """Where a name is defined: (module, its name there, the statement), or the statement that imports it."""
    node = _names(module)[name]
    if isinstance(node, ast.ImportFrom) and str(node.module).startswith(_OWN):
        original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
        assert original == name, "definitions keep their names"
        return _definition(str(node.module), original)
    return module, name, node


def _used(node: ast.AST) -> set[str]:
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}


def _import_line(node: ast.Import | ast.ImportFrom, name: str) -> tuple[str, str]:
    """(module, name) of ``from module import name``, or ("", module) of ``import module``."""
    alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
    said = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
    return (str(node.module) if isinstance(node, ast.ImportFrom) else "", said)


def _import_blocks(imports: Iterable[tuple[str, str]]) -> list[str]:
    """The standard library's imports, then those of other packages; one line a module."""
    blocks: dict[bool, list[str]] = {False: [], True: []}
    for module, lines in itertools.groupby(sorted(imports), key=lambda entry: entry[0]):
        names = [name for _module, name in lines]
        said = [f"from {module} import {', '.join(names)}"] if module else [f"import {name}" for name in names]
        for line in said:
            blocks[line.split()[1].partition(".")[0] not in sys.stdlib_module_names].append(line)
    return ["\n".join(lines) for lines in blocks.values() if lines]


@functools.cache
def _names(module: str) -> Mapping[str, ast.stmt]:
    """Every name that a module defines or imports, with its statement."""
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(_text(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found.update({item.id: node for item in ast.walk(node) if isinstance(item, ast.Name)
                          and isinstance(item.ctx, ast.Store)})  # fmt: skip
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update({alias.asname or alias.name: node for alias in node.names})
    return found


@functools.cache
def _text(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def _source(module: str, node: ast.stmt) -> str:
    """The lines of a statement, with its decorators."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n".join(_text(module).splitlines()[first - 1 : node.end_lineno])

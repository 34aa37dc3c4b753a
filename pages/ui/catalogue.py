"""Keeps the translation catalogue in step with the code.

    python -m pages.ui.catalogue                    # add what is new in the code, list what has no translation yet
    python -m pages.ui.catalogue --merge zh.json    # the same, and take over {"English text": "translation", …}
    python -m pages.ui.catalogue --prune            # the same, and drop what the code no longer says

The file is written sorted, without dates, places in the code or wrapped lines, so that two people's additions merge.
The plain `pybabel extract -F babel.cfg .` finds the same texts in the pages; those that gan_core declares come in here.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from gan_core.texts import declared_texts
from gan_core.translation import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
HEADER = """\
# Simplified Chinese texts of GAN Workbench.
msgid ""
msgstr ""
"Language: zh_CN\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
ERRORS = {"UserError": None, "MissingError": None}  # their sentences are templates: panels translate and fill them
KEYWORDS = {**DEFAULT_KEYWORDS, **ERRORS}
Text = str | tuple[str, ...]


def texts_of_pages() -> Iterator[tuple[str, Text]]:
    """(where, text) of every `_()`, `N_()` and `ngettext()` in the interface."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as source:
        methods, _options = parse_mapping_cfg(source)
    found = extract_from_dir(ROOT, methods, keywords=KEYWORDS, directory_filter=_of_interface)
    for file, line, text, _comments, _context in found:
        yield f"{file}:{line}", text


def texts_of_core() -> Iterator[tuple[str, Text]]:
    """(where, text) of what gan_core says on screen: titles, tooltips, notes, and the sentences of its errors."""
    for text in declared_texts():
        yield "gan_core", text
    for file, line, text, _comments, _context in extract_from_dir(ROOT / "gan_core", keywords=ERRORS):
        yield f"gan_core/{file}:{line}", text


def texts() -> Iterator[tuple[str, Text]]:
    """(where, text) of all that the catalogue must hold."""
    yield from texts_of_pages()
    yield from texts_of_core()


def placeholders(text: str) -> list[str]:
    """The names of the `{…}` in a text, sorted; a translation must have the same."""
    return sorted(re.findall(r"\{(\w*)(?:![rsa])?(?::[^}]*)?\}", text))


def load(path: Path = CATALOGUE) -> Catalog:
    """The catalogue as it is."""
    with path.open("rb") as source:
        return read_po(source, locale="zh_CN")


def save(catalogue: Catalog, path: Path = CATALOGUE) -> None:
    """Write the catalogue in the one order and layout that it always has."""
    body = BytesIO()
    write_po(body, catalogue, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(HEADER.encode() + body.getvalue().strip() + b"\n")
    temporary.replace(path)


def update(catalogue: Catalog, translations: Mapping[str, str] = {}, *, prune: bool = False) -> Catalog:
    """A catalogue with the texts of the code, the translations so far and the new ones."""
    fresh = Catalog(locale="zh_CN")
    wanted = [text for _where, text in texts()]
    known = [] if prune else [message.id for message in catalogue if message.id]
    for text in [*wanted, *known]:
        singular = singular_of(text)
        old = catalogue.get(singular)
        translation = translations.get(singular) or (singular_of(old.string) if old else "")
        fresh.add(text, translation if isinstance(text, str) else (translation,))  # Chinese has one form for all counts
    return fresh


def missing(catalogue: Catalog) -> list[str]:
    """The texts without a translation."""
    return sorted(singular_of(message.id) for message in catalogue if message.id and not singular_of(message.string))


def singular_of(text: Text) -> str:
    """A text itself, or the first form of a counted one."""
    return text if isinstance(text, str) else next(iter(text), "")


def _of_interface(folder: str | os.PathLike[str]) -> bool:
    name = Path(folder).name
    return name in (ROOT.name, "pages", "ui")


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody else may rewrite the catalogue between our reading and our writing (where the system knows such locks)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    folder = os.open(CATALOGUE.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Bring the Chinese catalogue in step with the code.")
    parser.add_argument("--merge", type=Path, help="a JSON file of English text: translation")
    parser.add_argument("--prune", action="store_true", help="drop texts that the code no longer has")
    arguments = parser.parse_args()
    translations = json.loads(arguments.merge.read_text(encoding="utf-8")) if arguments.merge else {}
    with _alone():
        catalogue = update(load(), translations, prune=arguments.prune)
        save(catalogue)
    unknown = sorted(set(translations) - {singular_of(message.id) for message in catalogue})
    for text in unknown:
        print(f"not in the code: {text!r}")
    for text in missing(catalogue):
        print(f"no translation: {text!r}")


if __name__ == "__main__":
    main()

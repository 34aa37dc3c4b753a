"""The Chinese catalogue is complete, and reads the same placeholders as the English texts."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from gan_core import translation
from pages.ui import catalogue
from pages.ui.catalogue import Text

SOURCES: dict[str, Callable[[], Iterable[tuple[str, Text]]]] = {
    "pages": catalogue.texts_of_pages,
    "gan_core": catalogue.texts_of_core,
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_text_is_translated(source: str) -> None:
    known = catalogue.load()
    lacking = {
        f"{where}: {text!r}"
        for where, text in SOURCES[source]()
        if not (message := known.get(catalogue.singular_of(text))) or not catalogue.singular_of(message.string)
    }
    assert not lacking, "run `python -m pages.ui.catalogue --merge FILE.json` for:\n" + "\n".join(sorted(lacking))


@pytest.mark.parametrize("source", SOURCES)
def test_translations_have_the_same_placeholders(source: str) -> None:
    known = catalogue.load()
    for where, text in SOURCES[source]():
        english = text if isinstance(text, str) else text[-1]
        message = known.get(catalogue.singular_of(text))
        translation = catalogue.singular_of(message.string) if message else ""
        if translation:
            assert catalogue.placeholders(english) == catalogue.placeholders(translation), where


def test_the_interface_says_something() -> None:
    assert {"Train", "Language"} <= {text for _where, text in catalogue.texts_of_pages()}


def test_the_catalogue_is_written_as_the_command_writes_it(tmp_path: Path) -> None:
    again = tmp_path / "again.po"
    catalogue.save(catalogue.update(catalogue.load()), again)
    assert again.read_text("utf-8") == translation.CATALOGUE.read_text("utf-8")


def test_an_update_keeps_what_was_translated() -> None:
    updated = catalogue.update(catalogue.load(), {"Train": "训练一下"})
    assert updated["Train"].string == "训练一下"
    assert updated["Language"].string == "语言"


@pytest.mark.parametrize(
    ("text", "names"), [("", []), ("{a} of {b:,g}", ["a", "b"]), ("{b} {a}", ["a", "b"]), ("none", [])]
)
def test_placeholders(text: str, names: list[str]) -> None:
    assert catalogue.placeholders(text) == names

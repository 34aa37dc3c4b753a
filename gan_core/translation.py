"""The Chinese catalogue, read from the .po file itself, so that no compiled file can be out of date."""

from __future__ import annotations

import gettext
from functools import lru_cache
from io import BytesIO
from pathlib import Path

CATALOGUE = Path(__file__).resolve().parents[1] / "locale" / "zh_CN" / "LC_MESSAGES" / "gan_workbench.po"


def translations() -> gettext.NullTranslations:
    """The catalogue as it is now; one that leaves every text as it is where the file or babel is missing."""
    try:
        return _compiled(CATALOGUE, CATALOGUE.stat().st_mtime_ns)
    except (ImportError, FileNotFoundError):
        return gettext.NullTranslations()


@lru_cache(maxsize=1)
def _compiled(path: Path, changed: int) -> gettext.GNUTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path.open("rb") as source:
        catalogue = read_po(source, locale="zh_CN")
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)

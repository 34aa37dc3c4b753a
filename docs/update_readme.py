"""``python -m docs.update_readme``: the parts of README.md that follow from the code, between their markers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gan_core import library, listing

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PACKAGES = (
    "pages", "pages/ui", "gan_core", "gan_core/cli", "gan_core/datasets", "gan_core/evaluation", "gan_core/hub",
    "gan_core/lab", "gan_core/metrics", "gan_core/models", "gan_core/recipes", "gan_core/sharing",
)  # fmt: skip
OTHERS = {
    "weights/": "trained bundles, manifest.json (steps, time, hardware, seed, sha256) and the history of each training",
    "tests/": "one file for each part; pages/ runs the pages, browser/ drives a real Chromium",
    "benchmarks/": "measurements that the documents quote",
    "docs/": "architecture.md and other documents, the picture above, and the commands that make tables",
    "locale/": "the Chinese catalogue",
    ".ci/run": "everything that must hold before a change is accepted",
}


def updated(text: str) -> str:
    """The README ``text`` with every generated part as the code has it now."""
    for name, part in (("recipes", listing.as_markdown()), ("weights", weights_table()), ("files", file_tree())):
        marked = re.compile(rf"(<!-- {name}: [^\n]* -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        text, count = marked.subn(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
        if count != 1:
            raise ValueError(f"README.md must have the markers of {name!r} once; it has them {count} times")
    return text


def weights_table() -> str:
    """What ships in weights/, and how long it trained."""
    lines = ["| bundle | data | epochs | steps | time | hardware |", "|---|---|---|---|---|---|"]
    for entry in library.manifest():
        planned = f" of {entry['planned_epochs']:g}" if entry["planned_epochs"] != entry["epochs"] else ""
        lines.append(
            f"| `{entry['name']}` | {entry['dataset']} | {entry['epochs']:g}{planned} | {entry['steps']:,} | "
            f"{entry['seconds'] / 60:.0f} min | {entry['hardware']} |"
        )
    return "\n".join(lines)


def file_tree() -> str:
    """Every source file with the first sentence of its docstring, and every other folder with its purpose."""
    rows = [("app.py", purpose(ROOT / "app.py"))]
    for package in PACKAGES:
        rows += [(f"{package}/", purpose(ROOT / package / "__init__.py"))]
        rows += [(f"  {path.name}", purpose(path)) for path in sources(ROOT / package)]
    rows += OTHERS.items()
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(["```text", *(f"{name:{width}}{text}".rstrip() for name, text in rows), "```"])


def sources(folder: Path) -> Iterator[Path]:
    """The Python files of a folder but its __init__.py, in order."""
    yield from (path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py")


def purpose(path: Path) -> str:
    """The first sentence of a module's docstring, in plain text; pages/ itself is no package and has none."""
    if not path.exists():
        return "one thin file a page"
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    sentence = re.split(r"(?<=[.;]) (?=[A-Z])", paragraph)[0]
    return re.sub(r"``|:\w+:`([^`]*)`|`", lambda match: match[1] or "", sentence).rstrip(".")


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")

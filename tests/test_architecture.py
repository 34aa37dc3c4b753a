"""Imports run one way: the order of the layers, and what no layer may ever touch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted((ROOT / "gan_core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))
INTERFACE = sorted((ROOT / "pages").rglob("*.py"))
TOOLKITS = {"streamlit", "plotly"}
HEAVY = {"torch", "torchvision", "safetensors"}
FILES = {"io", "os", "pathlib", "shutil", "tempfile", "zipfile"}

# Each module of gan_core by its layer; it may import from its own layer (never in a circle) and from those above it
# in this list. Names without a dot are whole packages or modules.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"config", "seeds", "events", "images", "files", "contracts", "arithmetic", "hosting", "locks",
               "shipped", "translation", "declared", "contention", "openmp"}),
    frozenset({"layers", "blocks", "terms", "objectives", "regularizers", "remedies", "schedules", "stabilizers",
               "strokes", "datasets", "data", "history", "latent", "devices", "distributed", "metrics"}),
    frozenset({"models"}),
    frozenset({"recipes"}),
    frozenset({"optimization", "meter", "fitting", "order", "feed", "engine", "compilation", "state", "trainer",
               "sampling", "checkpoints", "anatomy", "formulas", "parts", "listing", "live_quality", "alarms",
               "foreign"}),
    frozenset({"runs", "library", "shelf", "uploads", "downloads", "favourites", "export", "explore", "writing",
               "comparison", "lab", "advice", "hub", "sharing", "evaluation"}),
    frozenset({"guests", "warden", "waiting", "standing", "recording", "preparation", "worker", "follower", "jobs",
               "foreground"}),
    frozenset({"cli", "texts", "__main__"}),
)  # fmt: skip
# Measurements that need a recipe or a data set sit above them, beside the commands that make them.
MEASURED_ABOVE = {"metrics.train_classifier"}


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of everything that a file imports, inside functions too; ``from a import b`` is a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports name the whole module"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "import_module":
            name = node.args[0]
            assert isinstance(name, ast.Constant), f"{path}:{node.lineno}: name the module in full"
            yield str(name.value), node.lineno


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def part_of(name: str) -> str:
    """The name of the layer's member that a dotted module of gan_core belongs to."""
    return name.removeprefix("gan_core").lstrip(".").partition(".")[0]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def layer_of(name: str) -> int:
    found = [number for number, members in enumerate(LAYERS) if part_of(name) in members]
    assert found, f"{name} belongs to no layer: put it into LAYERS where it fits"
    return found[0]


@pytest.mark.parametrize("path", CORE, ids=names(CORE))
def test_the_core_imports_downwards_only(path: Path) -> None:
    module = module_of(path)
    if module == "gan_core" or module.removeprefix("gan_core.") in MEASURED_ABOVE:
        return
    for name, line in imports_of(path):
        if name.startswith("gan_core.") and part_of(name) != part_of(module):
            assert layer_of(name) <= layer_of(module), f"{path}:{line}: {module} imports {name}"


@pytest.mark.parametrize("path", CORE, ids=names(CORE))
def test_the_core_knows_no_user_interface(path: Path) -> None:
    for name, line in imports_of(path):
        assert name.partition(".")[0] not in {*TOOLKITS, "pages", "app", "tests"}, f"{path}:{line}: {name}"


def test_families_of_models_never_import_each_other() -> None:
    for path in (ROOT / "gan_core" / "models").glob("*.py"):
        if path.name != "__init__.py":
            assert not [name for name, _ in imports_of(path) if name.startswith("gan_core.models")], path


def test_nothing_is_imported_in_a_circle() -> None:
    """Module-level imports alone: those inside functions are lazy and cannot close a circle."""
    graph: dict[str, set[str]] = {}
    modules = {module_of(path) for path in CORE}
    for path in CORE:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        targets = {
            f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in modules else str(node.module)
            for node in body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        graph[module_of(path)] = {target for target in targets if target in modules} - {module_of(path)}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail, module))
        if module not in done:
            for target in graph[module]:
                visit(target, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", PAGES, ids=names(PAGES))
def test_a_page_neither_computes_nor_opens_files_nor_knows_other_pages(path: Path) -> None:
    pages = {page.stem for page in PAGES}
    for name, line in imports_of(path):
        root, _, rest = name.partition(".")
        assert root not in HEAVY | FILES, f"{path}:{line}: {name}"
        assert root != "pages" or rest.partition(".")[0] == "ui", f"{path}:{line}: {name}"
        assert root not in pages, f"{path}:{line}: {name}"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert getattr(node.func, "id", "") != "open", f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", INTERFACE, ids=names(INTERFACE))
def test_the_interface_leaves_torch_to_the_core(path: Path) -> None:
    assert not [name for name, _ in imports_of(path) if name.partition(".")[0] in HEAVY], path


def test_nothing_imports_the_launcher_and_nothing_is_called_utils() -> None:
    python = [path for folder in ("gan_core", "pages", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    assert not [path for path in python if path.stem in ("utils", "util", "helpers", "misc", "common")]
    for path in (*CORE, *INTERFACE):
        assert not [name for name, _ in imports_of(path) if name == "app" or name.startswith("app.")], path

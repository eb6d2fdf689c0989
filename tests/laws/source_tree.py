"""The package's source as data: modules, what each imports, who calls what."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "resolver"


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    name: str
    """With dots, without ``resolver.``; empty for the package itself."""
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree, parsed when a test asks for it: every worker of pytest imports this."""
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    @property
    def part(self) -> str:
        """What stands right below the package: ``dns``, ``query``."""
        return self.name.partition(".")[0]


@cache
def modules() -> dict[str, Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        found[name] = Module(name, path)
    return found


@cache
def importers() -> list[Module]:
    """The package beside it, which reads the settings of other resolvers."""
    paths = sorted((ROOT / "darban_import").glob("*.py"))
    return [Module(f"darban_import.{path.stem}", path) for path in paths]


def absent(names: Iterable[str]) -> list[str]:
    """Those of the names, in full, that no module or package has, of this program or installed.

    A law that forbids such a name forbids nothing.
    """
    return [name for name in names if not _exists(name)]


def _exists(name: str) -> bool:
    top, _, within = name.partition(".")
    return within in modules() if top == "resolver" else find_spec(name) is not None


def imported(module: Module) -> Iterator[str]:
    """Every module that is imported, anywhere in the file, by its whole name."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}: imports are absolute"
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                within = whole.removeprefix("resolver.")
                yield whole if whole != within and within in modules() else node.module


def own_imports(module: Module) -> Iterator[Module]:
    """The package's own modules that a module imports."""
    for name in imported(module):
        if name.partition(".")[0] == "resolver":
            yield modules()[name.partition(".")[2]]


@cache
def calls(module: Module) -> frozenset[tuple[str, str]]:
    """Each call as the function that it stands in and the last name of what is called."""
    return frozenset(_calls(module.tree, module.name))


def _calls(node: ast.AST, within: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            called = child.func
            name = called.attr if isinstance(called, ast.Attribute) else None
            name = called.id if isinstance(called, ast.Name) else name
            if name is not None:
                yield within, name
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _calls(child, f"{within}.{child.name}")
        else:
            yield from _calls(child, within)

"""Every module of the package is used by another one, or started by its name."""

import ast

from resolver.cli.app import COMMANDS, module_name
from tests.laws.source_tree import modules, own_imports

START = "__main__"
"""``python -m resolver``."""


def _imported() -> set[str]:
    return {
        other.name
        for module in modules().values()
        for other in own_imports(module)
        if other.name != module.name
    }


def _started_by_name() -> set[str]:
    """What a module names in full, for ``python -m``; a package stands for its ``__main__``."""
    named = {
        node.value.removeprefix("resolver.")
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith("resolver.")
    }
    return named | {f"{name}.__main__" for name in named}


def test_every_module_is_imported_or_started_by_name() -> None:
    commands = {module_name(name).removeprefix("resolver.") for name in COMMANDS}
    packages = {name for name, module in modules().items() if module.path.stem == "__init__"}
    used = _imported() | _started_by_name() | commands | {START}
    assert modules().keys() - packages - used == set()

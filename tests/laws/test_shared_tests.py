"""What tests share is in modules of its own: no test is imported by another module."""

import ast

from tests.laws.source_tree import ROOT


def test_no_test_is_imported() -> None:
    importing = [
        (str(path.relative_to(ROOT)), node.module)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        if node.module.rpartition(".")[2].startswith("test_")
    ]
    assert importing == []

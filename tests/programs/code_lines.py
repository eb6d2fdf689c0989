"""``python -m tests.programs.code_lines``: the lines of code in the package, by sub-package.

Blank lines, comments and docstrings do not count. Templates and messages count besides Python.
"""

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_NO_CODE = frozenset(
    {
        *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
        tokenize.ENDMARKER,
    }
)


def code_lines(tree: Path) -> Counter[str]:
    """How many there are below each directory of a tree's package."""
    counts: Counter[str] = Counter()
    package = tree / "resolver"
    for path in package.rglob("*.*"):
        place = path.relative_to(package).parts
        if path.suffix in (".py", ".html", ".toml"):
            text = path.read_text(encoding="utf-8")
            lines = python_lines(text) if path.suffix == ".py" else other_lines(text)
            counts[place[0] if len(place) > 1 else "(top)"] += lines
    return counts


def python_lines(text: str) -> int:
    """The lines of a Python file on which there is code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), end_lineno=int(end)):
                lines.difference_update(range(node.lineno, end + 1))
    return len(lines)


def other_lines(text: str) -> int:
    """The lines of a template or of messages that are neither blank nor a comment."""
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in text.split("\n"))


def main() -> None:
    """Print the table for the tree that the command line names, else for this one."""
    counts = code_lines(Path(sys.argv[1]) if len(sys.argv) > 1 else _ROOT)
    for place, lines in counts.most_common():
        print(f"{lines:7,} {place}")
    print(f"{counts.total():7,} in all")


if __name__ == "__main__":
    main()

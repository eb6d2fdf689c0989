"""``make size``: lines of code, without comments, docstrings and blank lines.

By package of resolver/, of the packages beside it and of the tests; templates, messages and texts
of the program, whose lines are those that are not blank, stand apart.
"""

import ast
import io
import subprocess
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXTS = (".html", ".toml", ".css", ".js", ".svg", ".sh")
"""The ends of files of the program that are no Python."""
_NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    tokenize.ENDMARKER,
}


def code_lines(source: str) -> int:
    """The lines of Python that have code: a string that is a statement of its own is none."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        line
        for token in tokens
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - _lines_of_docstrings(ast.parse(source)))


def _lines_of_docstrings(tree: ast.AST) -> set[int]:
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node.value.value, str) and node.end_lineno
        for line in range(node.lineno, node.end_lineno + 1)
    }


def _files(*patterns: str) -> list[Path]:
    """The files that git tracks."""
    command = ["git", "-C", str(ROOT), "ls-files", "--", *patterns]
    named = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [Path(name) for name in named if (ROOT / name).is_file()]


def _packages(folder: str) -> Counter[str]:
    """The lines of code of the packages in a folder."""
    lines: Counter[str] = Counter()
    for path in _files(f"{folder}/*.py"):
        package = "/".join(path.parts[: min(2, len(path.parts) - 1)])
        lines[package] += code_lines((ROOT / path).read_text(encoding="utf-8"))
    return lines


def _texts() -> int:
    paths = [path for path in _files("resolver/*") if path.suffix in TEXTS]
    texts = ((ROOT / path).read_text(encoding="utf-8") for path in paths)
    return sum(bool(line.strip()) for text in texts for line in text.splitlines())


def main() -> None:
    """Print the table."""
    for folder in ("resolver", "darban_import", "blocklists", "deploy", "tests"):
        lines = _packages(folder)
        for package, count in lines.items() if len(lines) > 1 else ():
            print(f"{count:7,}  {package}")
        print(f"{lines.total():7,}  {folder}/, Python\n")
    print(f"{_texts():7,}  resolver/, templates, messages and other texts")


if __name__ == "__main__":
    main()

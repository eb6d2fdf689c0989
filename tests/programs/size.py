"""``make size``: lines of code and words of documents, now and at the last release.

A line of code is no comment, docstring or blank line. Templates, messages and texts of the program,
whose lines are those that are not blank, stand apart, and so do the words of Markdown.
"""

import ast
import io
import subprocess
import tarfile
import tokenize
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXTS = (".html", ".toml", ".css", ".js", ".svg", ".sh")
"""The ends of files of the program that are no Python."""
_RELEASE = r"^release: [0-9]+\.[0-9]+\.[0-9]+$"
"""The subject of the commit of a release."""
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


def sizes(files: Iterable[tuple[Path, bytes]]) -> Counter[str]:
    """The size of each part that has some of the files."""
    size: Counter[str] = Counter()
    for path, content in files:
        folder = path.parts[0]
        if path.suffix == ".py":
            lines = code_lines(content.decode())
            if len(path.parts) > 2:
                size["/".join(path.parts[:2])] += lines
            size[f"{folder}, all Python"] += lines
        elif path.suffix == ".md":
            language = "Persian" if path.is_relative_to("docs/fa") else "English"
            size[f"{language} documents, words"] += len(content.split())
        elif folder == "resolver" and path.suffix in TEXTS:
            lines = sum(bool(line.strip()) for line in content.splitlines())
            size["resolver, templates, messages and other texts"] += lines
    return size


def _git(*command: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *command], capture_output=True, check=True).stdout


def _tracked() -> Iterable[tuple[Path, bytes]]:
    for name in map(Path, _git("ls-files").decode().splitlines()):
        if (ROOT / name).is_file():
            yield name, (ROOT / name).read_bytes()


def _at(commit: str) -> Iterable[tuple[Path, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)):
                yield Path(member.name), file.read()


def main() -> None:
    """Print the table."""
    last = _git("log", "-1", "--format=%H %s", "-E", f"--grep={_RELEASE}").decode()
    commit, _, release = last.strip().partition(" release: ")
    now, then = sizes(_tracked()), sizes(_at(commit))
    print(f"{'now':>7}  {release:>7}")
    for part in sorted(now | then):
        print(f"{now[part]:7,}  {then[part]:7,}  {part}")


if __name__ == "__main__":
    main()

"""The logo of the block page: what is taken, and what is refused with which words."""

import base64
import datetime as dt
from pathlib import Path

import pytest

from resolver.analysis.summary import summarize
from resolver.compiler.compilation import CompileResult, compile_file

PNG = b"\x89PNG\r\n\x1a\n"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
CONFIG = """[block_page]
name = "سازمان نمونه"
logo = "logo"
[policies.open]
[vlans.all]
prefixes = ["10.0.0.0/8"]
policy = "open"
[lists]
directories = []
"""


def compiled(folder: Path, content: bytes | None) -> CompileResult:
    if content is not None:
        (folder / "logo").write_bytes(content)
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    return compile_file(folder / "config.toml", 0.0)


@pytest.mark.parametrize(("content", "kind"), [(PNG, "png"), (SVG, "svg+xml")])
def test_a_logo_is_in_the_snapshot(tmp_path: Path, content: bytes, kind: str) -> None:
    result = compiled(tmp_path, content)
    assert result.errors == []
    head = result.snapshot.compiled.settings.page_head
    assert head.name == "سازمان نمونه"
    assert head.logo == f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    shown = summarize(result.snapshot.compiled, dt.UTC)["settings"]
    assert str(shown["block_page.logo"]["value"]).startswith("SHA-256 ")
    assert not any(head.logo in str(table) for table in shown.values())


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (None, "It cannot be read (No such file or directory)."),
        (b"GIF89a", "It is neither an SVG nor a PNG file."),
        (PNG + bytes(32 << 10), "It cannot be read (more than 32 KiB)."),
    ],
)
def test_what_is_no_logo_is_an_error(tmp_path: Path, content: bytes | None, advice: str) -> None:
    [error] = compiled(tmp_path, content).errors
    assert (error.file.rpartition("/")[2], error.line, error.path, error.found, error.advice) == (
        *("config.toml", 3, "block_page.logo"),
        *('"logo"', advice),
    )
    assert error.expected == "an SVG or PNG file of at most 32 KiB"

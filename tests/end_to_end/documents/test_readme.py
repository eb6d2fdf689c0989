"""The dig commands of the README, and what it says that they print."""

import re
import shlex
from pathlib import Path

from tests.live.clients import run
from tests.live.configs import ROOT
from tests.live.nsd import ANY_V4
from tests.live.server import Server


def test_the_readme_s_example_is_what_comes(quiet: Server, dig_program: Path) -> None:
    """Word for word, but for the query's ID, and for what the tests' upstream says of the name."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"^\$ (dig [^\n]+)\n(.*?)(?=^\$ |^```$)", text, re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    for command, told in examples:
        options = shlex.split(command.replace("5300", str(quiet.port)))[1:]
        came = run([dig_program, *options])
        shown = told if "+short" not in options else ANY_V4
        assert _without_id(came) == _without_id(shown)


def _without_id(text: str) -> str:
    return re.sub(r"id: \d+", "id: 1", text).strip()

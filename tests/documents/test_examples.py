"""The configs that the documents show are good."""

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from resolver.compiler.compilation import compile_file
from tests.documents.console import commands
from tests.documents.pages import PAGES, ROOT, Block, blocks
from tests.live.certificates import CertificateAuthority
from tests.live.programs import needed

SHIPPED = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))
_FETCHED = ("There is no copy of it", "It comes from [policy_source]")
"""How a config begins to tell of what only a running server fetches."""
_WRITTEN = dt.datetime(2026, 12, 1, tzinfo=dt.UTC).timestamp()
"""The holidays in the examples are not over then."""


def _with(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """A config with the keys of an example, which stand instead of its own."""
    merged = dict(base)
    for key, value in more.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _with(old, value)
        merged[key] = value
    return merged


def test_no_command_has_a_date_that_passes() -> None:
    """``--at`` a past date is answered from the audit log, and shows something else."""
    texts = [command.text for page in PAGES for command in commands(page)]
    assert len(texts) > 30
    assert [text for text in texts if re.search(r"\d{4}-\d\d-\d\d", text)] == []


@pytest.mark.processes
@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_a_config_is_good(tmp_path: Path, block: Block) -> None:
    example = tomllib.loads(block.text)
    tls = example.get("server", {}).get("tls", {})
    if tls:
        _issue(tmp_path, tls["certificate"], tls["key"])
    base = SHIPPED | {"lists": {"directories": [str(ROOT / "blocklists")]}, "expect": []}
    path = tmp_path / "config.toml"
    path.write_text(tomlkit.dumps(_with(base, example)), encoding="utf-8")
    compiled = compile_file(path, _WRITTEN)
    assert [
        problem for problem in compiled.problems if not problem.advice.startswith(_FETCHED)
    ] == []
    assert compiled.failed == []


def _issue(place: Path, certificate: str, key: str) -> None:
    """Issue what docs/how-to/encrypted-dns.md says that the certificate of [server.tls] has."""
    authority = CertificateAuthority.make(needed("openssl"), place / "ca")
    names = ("DNS:dns.agency.example", "IP:10.0.0.53", "IP:fd00::53")
    issued = authority.issue("dns", *names)
    (place / certificate).write_bytes(issued.file.read_bytes())
    (place / key).write_bytes(issued.key.read_bytes())

"""Old settings made into a config, compiled, and asked."""

import json
import tomllib
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import jsonschema

from darban_import.imported_config import ImportedConfig, text_of_imported
from darban_import.old_setup import OldSetup
from darban_import.settings import named_services
from resolver.analysis.explanation import Explainer
from resolver.compiler.compilation import compile_file
from resolver.config.first_config import NewConfig, NewVlan
from resolver.dns import names
from tests.live.configs import BLOCKLISTS, ROOT

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((ROOT / "deploy/schemas/config.json").read_text(encoding="utf-8"))
)
WALL = 1_790_000_000.0
"""Of the expectations."""
SERVICES = named_services([BLOCKLISTS])


def text(old: OldSetup, *vlans: NewVlan) -> str:
    """The text of the config, which the JSON Schema takes."""
    given = NewConfig(vlans, ["127.0.0.1:53"], [], "", [str(BLOCKLISTS)], audit=False)
    made = text_of_imported(ImportedConfig(old, given, SERVICES))
    SCHEMA.validate(tomllib.loads(made))
    return made


def vlan(name: str, *prefixes: str, is_open: bool = False) -> NewVlan:
    return NewVlan(name, [ip_network(prefix) for prefix in prefixes], is_open)


def explainer(directory: Path, old: OldSetup, *vlans: NewVlan, wall: float = WALL) -> Explainer:
    """The policy of the config that comes of the old settings; all its expectations hold."""
    path = directory / "config.toml"
    path.write_text(text(old, *vlans), encoding="utf-8")
    compiled = compile_file(path, WALL)
    assert [str(error) for error in compiled.errors] == []
    assert compiled.failed == []
    return Explainer(compiled.snapshot.compiled, compiled.snapshot.index(), wall)


def outcomes(asked: Explainer, clients: Sequence[str], questions: Sequence[str]) -> set[str]:
    """``client name outcome`` of each question of each client."""
    return {
        f"{client} {name} {asked.for_client(client, names.parse(name), 1).outcome}"
        for client in clients
        for name in questions
    }

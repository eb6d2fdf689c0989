"""The text of an imported config: TOML, whatever the old settings have."""

import contextlib
import json
import tempfile
import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from darban_import.adguard import read_adguard
from darban_import.imported_config import ImportedConfig, text_of_imported
from darban_import.old_setup import (
    OldClients,
    OldDuring,
    OldHours,
    OldList,
    OldPolicy,
    OldSetup,
    OldSetupError,
    label,
)
from darban_import.pihole import read_gravity
from resolver.config.first_config import NewConfig
from tests.darban_import.adguard_texts import NO_SCHEDULE, adguard, client
from tests.darban_import.gravity import PiHole
from tests.darban_import.imported import SERVICES, text, vlan

# TOML holds no lone surrogates; tomllib refuses them.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
KEYS = (
    *("server", "upstream", "forward", "local", "upstreams", "lists", "hours", "policies"),
    *("vlans", "expect"),
)


@given(value=TEXTS)
def test_no_value_adds_a_key(value: str) -> None:
    policy = OldPolicy(
        ("||good.example^",),
        ("||bad.example^",),
        ("imported-list",),
        ("service",),
        (OldDuring("imported-hours", True, ("other",)),),
        (value,),
    )
    old = OldSetup("Pi-hole", OldPolicy(), [OldClients(label(value), (), policy)])
    old.lists["imported-list"] = OldList(value, True, "hosts", value)
    old.hours["imported-hours"] = OldHours(("sat",), "00:00", "24:00", value)
    old.local["a.example"], old.forward[value] = [value], [value]
    old.upstream, old.bootstrap, old.came = [value], [value], [value]
    old.leave(value)
    given_ = NewConfig([vlan("staff", "10.0.0.0/8")], [value], [], value, [value], audit=False)
    services = {"service": "a.example", "other": "b.example"}
    read = tomllib.loads(text_of_imported(ImportedConfig(old, given_, services)))
    assert list(read) == list(KEYS)
    assert read["lists"]["sources"] == {
        "imported-list": {"file": value, "format": "hosts", "category": "imported"}
    }
    assert read["upstreams"] == {"imported-1": {"servers": [value]}}
    assert list(read["vlans"]) == ["staff", label(value)]
    assert read["policies"][label(value)]["contact"] == value


@given(value=TEXTS)
def test_whatever_is_in_a_yaml_it_is_refused_or_becomes_toml(value: str) -> None:
    quoted = json.dumps(value)
    content = adguard(
        rules=[value, f"||{value}^", f"@@{value}", f"0.0.0.0 {value}"],
        upstream=[value, f"[/{value}/]9.9.9.9", f"[/a.example/]{value}"],
        services=f"{NO_SCHEDULE}ids: [{quoted}]",
        rewrites=f"- domain: {quoted}\n  answer: {quoted}\n- domain: a.example\n  answer: {quoted}",
        filters=f"- enabled: true\n  url: {quoted}\n  name: {quoted}",
        clients=client("x", [value], upstreams=[value]).replace("name: x", f"name: {quoted}"),
    )
    with contextlib.suppress(OldSetupError):
        old = read_adguard(content.encode(), Path("AdGuardHome.yaml"), SERVICES)
        assert set(tomllib.loads(text(old, vlan("staff", "10.0.0.0/8")))) <= set(KEYS)


@given(value=TEXTS)
def test_whatever_is_in_a_gravity_db_becomes_toml(value: str) -> None:
    made = PiHole(
        groups={1: (value, True)},
        domains=[(kind, value, [0, 1]) for kind in range(4)],
        lists=[(value, [1])],
        clients=[(value, [1]), ("10.20.0.0/16", [1])],
    )
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "gravity.db"
        made.save(path)
        old = read_gravity(path.read_bytes(), path)
    assert set(tomllib.loads(text(old, vlan("staff", "10.0.0.0/8")))) <= set(KEYS)

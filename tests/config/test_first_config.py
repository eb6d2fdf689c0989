"""The text of a new config: TOML with the values that were given, whatever they are."""

import tomllib
from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from resolver.config.first_config import NewConfig, NewVlan, text_of

# TOML holds no lone surrogates; tomllib refuses them.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(name=TEXTS, value=TEXTS)
def test_no_value_adds_a_key(name: str, value: str) -> None:
    vlan = NewVlan(name, [ip_network("10.10.0.0/16")], is_open=False)
    read = tomllib.loads(text_of(NewConfig([vlan], [value], [value], value, [value], audit=False)))
    assert list(read["vlans"]) == [name]
    assert read["policies"]["administrative"]["contact"] == value
    assert read["server"] == {"listen": [value]}
    assert read["upstream"] == {"servers": [value]}
    assert read["lists"] == {"directories": [value]}
    assert list(read) == [
        *("server", "upstream", "lists", "directives", "policies", "vlans", "expect")
    ]


def test_every_prefix_has_an_expectation_and_a_client_of_no_vlan_is_refused() -> None:
    prefixes = [ip_network(text) for text in ("192.0.2.0/24", "10.0.0.7/32", "fd00:10::/64")]
    vlans = [NewVlan("staff", prefixes, is_open=False)]
    read = tomllib.loads(text_of(NewConfig(vlans, [], [], "", [], audit=True)))
    assert [(item["client"], item["outcome"]) for item in read["expect"]] == [
        ("192.0.2.5", "would_block"),
        ("10.0.0.7", "would_block"),
        ("fd00:10::5", "would_block"),
        ("192.0.2.5", "passed"),
        ("198.51.100.1", "refused"),
    ]
    assert read["policies"].keys() == {"administrative"}


def _clients(*prefixes: str) -> list[str]:
    """For each prefix, a VLAN of its own: the clients of the expectations."""
    vlans = [NewVlan(prefix, [ip_network(prefix)], is_open=True) for prefix in prefixes]
    read = tomllib.loads(text_of(NewConfig(vlans, [], [], "", [], audit=False)))
    return [item["client"] for item in read["expect"] if item["outcome"] == "passed"]


def test_the_client_of_a_prefix_is_in_no_longer_prefix() -> None:
    assert _clients("10.0.0.0/16", "10.0.0.0/24") == ["10.0.1.0", "10.0.0.5"]
    assert _clients("10.0.0.8/29", "10.0.0.0/28", "10.0.0.0/24", "10.0.0.0/29") == [
        *("10.0.0.13", "10.0.0.16", "10.0.0.5")  # of 10.0.0.0/28 no address is left
    ]
    assert _clients("0.0.0.0/0", "255.0.0.0/8", "::/0", "::/64") == [
        *("0.0.0.5", "255.0.0.5", "0:0:0:1::", "::5")
    ]

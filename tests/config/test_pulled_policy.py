"""The config.toml of a policy repository, merged with a server's own."""

import pytest

from resolver.config.load import LoadedConfig, load
from tests.config.files_in_memory import PULLED, InMemory, messages

LOCAL = """
[policy_source]
repository = "https://git.agency.example/policy.git"
allowed_signers = "signers"
[vlans.guests]
prefixes = ["10.9.0.0/16"]
policy = "p"
"""
POLICY = """
[policies.p]
[vlans.a]
prefixes = ["10.0.0.0/16"]
policy = "p"
"""


def _load(policy: str, local: str = LOCAL) -> LoadedConfig:
    return load("config.toml", InMemory({"config.toml": local, PULLED: policy}))


def test_it_adds_to_the_servers_own() -> None:
    loaded = _load(POLICY)
    assert messages(loaded) == []
    assert set(loaded.config.vlans) == {"guests", "a"}


def test_its_paths_are_in_the_repository() -> None:
    assert _load(POLICY).config.lists.directories == ("policy/blocklists",)
    lists = """
[lists]
directories = ["lists", "/srv/lists"]
ca_file = "ca.pem"
[lists.sources.ads]
file = "ads.txt"
format = "plain"
category = "advertising"
[lists.sources.signed]
url = "https://lists.example/signed.txt"
format = "plain"
category = "advertising"
allowed_signers = "signers"
"""
    found = _load(POLICY + lists).config.lists
    assert found.directories == ("policy/lists", "/srv/lists")
    assert found.ca_file == "policy/ca.pem"
    assert found.sources["ads"].file == "policy/ads.txt"
    assert found.sources["signed"].allowed_signers == "policy/signers"
    assert found.sources["signed"].url == "https://lists.example/signed.txt"


def test_lists_of_the_server_come_first() -> None:
    own = LOCAL + '[lists]\ndirectories = ["own"]\n'
    assert _load(POLICY, own).config.lists.directories == ("own", "policy/blocklists")


@pytest.mark.parametrize("section", ["server", "upstream", "policy_source", "block_log", "x"])
def test_it_has_no_section_of_a_server(section: str) -> None:
    loaded = _load(f"[{section}]\n" + POLICY)
    [message] = messages(loaded)
    assert message.startswith(f"policy/config.toml:1: {section}: found [{section}]; expected a sec")


def test_a_second_definition_is_an_error() -> None:
    [message] = messages(_load(POLICY + '[vlans.guests]\nprefixes = ["10.1.0.0/16"]\n'))
    assert "a second definition" in message


def test_what_was_not_pulled_is_one_problem() -> None:
    loaded = load("config.toml", InMemory({"config.toml": LOCAL}))
    [message] = messages(loaded)
    assert message.startswith("policy/config.toml: found No such file or directory")
    assert message.endswith("'darban pull' fetches it.")


def test_without_a_repository_nothing_is_read() -> None:
    loaded = _load("[[", POLICY)
    assert messages(loaded) == []


def test_signers_are_required() -> None:
    [message] = messages(_load(POLICY, LOCAL.replace('allowed_signers = "signers"\n', "")))
    assert message.startswith("config.toml:2: policy_source: found no allowed_signers")

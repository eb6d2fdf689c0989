"""What a start tells an operator about upstreams."""

from resolver.supervisor.startup import lacking_servers
from tests.compiler.texts import compile_texts

CONFIG = """
[upstreams.open]
servers = ["system"]
[[forward]]
zones = ["agency.internal", "10.in-addr.arpa"]
servers = ["system"]
[policies.p]
[vlans.office]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""


def test_a_group_without_servers_is_named_as_the_config_names_it() -> None:
    terms = compile_texts(CONFIG).terms
    said = lacking_servers(terms, [group.name for group in terms.groups])
    assert sorted(each.partition(": ")[0] for each in said) == [
        "[[forward]] agency.internal, 10.in-addr.arpa",
        "[upstream]",
        "[upstreams.open]",
    ]

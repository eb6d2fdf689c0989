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
    compiled = compile_texts(CONFIG).compiled
    said = lacking_servers(compiled, [group.name for group in compiled.groups])
    assert sorted(text.partition(": ")[0] for text in said) == [
        "[[forward]] agency.internal, 10.in-addr.arpa",
        "[upstream]",
        "[upstreams.open]",
    ]

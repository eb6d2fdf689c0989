"""[pair]: its keys, as in ``model``."""

from typing import Annotated

from resolver.config.section import ConfigSection, Several
from resolver.config.values import matching

SshHost = Annotated[
    str,
    matching(
        'a host as ssh takes it, such as "ns2.agency.example" or "noc@10.0.0.2"',
        r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9._:-]*",
        "Its port and key are in ~/.ssh/config.",
    ),
]
"""It begins with no hyphen: ssh would take it for an option."""


class PairConfig(ConfigSection):
    """The other nodes that have the same policy as this one."""

    nodes: Several[SshHost] = ()
    """The hosts on which `darban exempt` runs too, by the operator's own SSH."""

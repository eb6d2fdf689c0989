"""[[exemptions]] and [exemption_limits]: their keys, as in ``model``, and their errors."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from resolver.config.dates import Duration, Moment
from resolver.config.problems import Problem
from resolver.config.provenance import Provenance
from resolver.config.section import ConfigSection, OneOrMore, Several
from resolver.config.section_checks import link_local
from resolver.config.toml_lines import Path
from resolver.config.values import Identifier, Line, Prefix, ServiceReference, SomeLine


class ExemptionConfig(ConfigSection):
    """Services that some clients may use until a moment, and who approved it."""

    id: Identifier
    """The name of the exemption."""
    prefixes: Several[Prefix] = ()
    """The clients it is for."""
    vlan: str | None = None
    """The VLAN it is for, instead of prefixes."""
    services: OneOrMore[ServiceReference]
    """The services and @categories that it permits."""
    from_: Annotated[Moment | None, Field(alias="from")] = None
    """The moment it begins, with an offset from UTC; none is at once."""
    hours: str | None = None
    """The hours within which it permits them; none is always."""
    until: Moment
    """The moment it ends, with an offset from UTC: 2027-03-20T23:59:59+03:30."""
    approver: SomeLine
    """Who approved it."""
    ticket: SomeLine
    """Where it was asked for."""
    reason: Line = ""
    """What it is for."""

    @classmethod
    def table_errors(cls, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """An exemption is for some prefixes, or for a VLAN."""
        has_prefixes = table.get("prefixes", []) != []
        if has_prefixes == ("vlan" in table):
            keys = "both prefixes and vlan" if has_prefixes else "neither prefixes nor vlan"
            yield keys, "one of the two, to say whom it is for"

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """A link-local prefix says nothing of the VLAN."""
        return link_local((*path, "prefixes"), self.prefixes, "vlan", provenance)


class ExemptionLimitsConfig(ConfigSection):
    """What no exemption may exceed, unless it was in force before."""

    longest: Duration | None = None
    """The longest time from now, or from a later beginning, to its end, such as "30d"."""

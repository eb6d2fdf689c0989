"""[policies]: its keys, as in ``model``, and its errors."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import Field

from resolver.config.problems import Problem
from resolver.config.provenance import Provenance
from resolver.config.section import ConfigSection, OneOrMore, Several
from resolver.config.section_checks import not_one_of, second_of_a_family
from resolver.config.toml_lines import Path
from resolver.config.values import ClientAddress, Line, ServiceReference


class DuringConfig(ConfigSection):
    """Services that a policy blocks or counts besides, for a part of the week."""

    hours: str | None = None
    """The hours within which it does so."""
    outside: str | None = None
    """The hours outside of which it does so, instead of "hours"."""
    block: Several[ServiceReference] = ()
    """The services and @categories to block then."""
    count: Several[ServiceReference] = ()
    """The services and @categories to count then."""

    @classmethod
    def table_errors(cls, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """A part of the week is within some hours, or outside of some."""
        return not_one_of("hours", "outside", table)

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """A part of the week names services to block or to count."""
        if not (self.block or self.count) and provenance.whole(path):
            expected = "services in 'block' or in 'count'"
            yield provenance.problem(path, "hours without services", expected)


class PolicyConfig(ConfigSection):
    """What is blocked, how a blocked name is answered, and by which directives."""

    title: Line = ""
    """What Persian pages and reports call it; "" is the table's name."""
    extends: str | None = None
    """The policy that it begins as; its own keys add to that, or replace it."""
    except_: Annotated[Several[ServiceReference], Field(alias="except")] = ()
    """The services and @categories that it does not block or count, unlike the one it extends."""
    block: Several[ServiceReference] = ()
    """The services and @categories to block."""
    count: Several[ServiceReference] = ()
    """The services and @categories whose names pass, and are counted as would_block."""
    during: Several[DuringConfig] = ()
    """What to block or count besides, for a part of the week."""
    allow: Several[str] = ()
    """The names that pass even if a list blocks them; services too, if default is not "pass"."""
    deny: Several[str] = ()
    """More names to block."""
    default: Literal["pass", "block", "count"] = "pass"
    """What happens to names that no list and no other key covers."""
    answer: Literal["sinkhole", "nxdomain", "nodata", "refused"] = "sinkhole"
    """How a blocked name is answered."""
    sinkhole: OneOrMore[ClientAddress] = (ip_address("0.0.0.0"), ip_address("::"))
    """The addresses that a sinkhole answer gives."""
    mode: Literal["enforce", "audit"] = "enforce"
    """Whether names are blocked or only counted."""
    directives: Several[str] = ()
    """The directives that the policy carries out."""
    contact: Line = ""
    """Whom a blocked person may ask."""
    upstream: str = ""
    """The group of name servers to ask; "" is [upstream]."""

    @property
    def restricts(self) -> bool:
        """Whether it blocks any name, or in audit mode would."""
        hourly = any(part.block for part in self.during)
        return bool(self.block or hourly or self.deny or self.default == "block")

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """Errors about its default, its sinkhole and its exceptions."""
        yield from self._below_blocked_names(path, provenance)
        if self.except_ and self.extends is None and provenance.whole(path):
            expected = "none in a policy that extends no other"
            advice = "It takes services out of what a policy inherits."
            yield provenance.problem((*path, "except"), "services", expected, advice)
        elif self.except_ and self.default == "block":
            advice = "All that 'allow' does not have is blocked: name the services there."
            expected = 'none where default is "block"'
            yield provenance.problem((*path, "except"), "services", expected, advice)
        yield from second_of_a_family((*path, "sinkhole"), self.sinkhole, provenance)

    def _below_blocked_names(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """Where the default blocks, what passes at some hours or is counted is below blocked names.

        NXDOMAIN for these says that no name exists below them (RFC 8020).
        """
        if self.default != "block":
            return
        expected = 'none where default is "block"'
        if self.during:
            advice = "All services that 'allow' does not have are blocked at all hours."
            yield provenance.problem((*path, "during"), "hours", expected, advice)
        if self.count:
            advice = "To count services, take default = \"count\", or name them in 'allow'."
            yield provenance.problem((*path, "count"), "services to count", expected, advice)

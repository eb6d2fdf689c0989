"""[[expect]]: its keys, as in ``model``, and its errors."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from resolver.config.dates import Moment
from resolver.config.section import ConfigSection, Several
from resolver.config.section_checks import not_one_of
from resolver.config.values import (
    Address,
    ClientAddress,
    DomainName,
    Identifier,
    RecordType,
    ServiceName,
    ServiceReference,
)

Outcome = Literal["blocked", "would_block", "exempted", "passed", "refused"]
_OF_QUESTION = ("client", "name")
_OF_ONE_QUESTION = (*_OF_QUESTION, "type", "service", "at", "hours")
_OF_COVERAGE = ("vlan", "policy", "services", "except")


class ExpectedAnswer(NamedTuple):
    """What one query must get; its fields are those of ``ExpectationConfig``."""

    client: Address
    name: bytes
    type: str
    outcome: Outcome
    service: str | None
    at: dt.datetime | None
    hours: str | None


class ExpectationConfig(ConfigSection):
    """A test of the policy: how one query, or every name of some services, must be answered."""

    client: ClientAddress | None = None
    """The address that asks."""
    name: DomainName | None = None
    """The name that is asked for."""
    type: RecordType = "A"
    """The record type that is asked for."""
    outcome: Outcome
    """The outcome that the query must have."""
    service: ServiceName | None = None
    """The service that the name must be counted as."""
    at: Moment | None = None
    """The moment of the query, to be tested with the exemptions and the hours of then."""
    hours: str | None = None
    """The hours within which the query must have the outcome; none is in all hours."""
    vlan: Identifier | None = None
    """The VLAN on which every name of "services" must have the outcome, not a client's name."""
    policy: Identifier | None = None
    """The policy that must block or count them, instead of "vlan"."""
    services: Several[ServiceReference] = ()
    """The services and @categories of which every name must have the outcome."""
    except_: Annotated[Several[str], Field(alias="except")] = ()
    """The names of these services that may pass, as in the "allow" of a policy."""

    @property
    def question(self) -> "ExpectedAnswer | None":
        """What one query must get; None where it is for every name of some services."""
        if self.client is None or self.name is None:
            return None
        asked = (self.client, self.name, self.type)
        return ExpectedAnswer(*asked, self.outcome, self.service, self.at, self.hours)

    @classmethod
    def table_errors(cls, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """It is for one query, or for every name of some services; and for one time."""
        yield from not_one_of("at", "hours", table, required=False)
        if not table.keys() & set(_OF_COVERAGE):
            for key in _OF_QUESTION:
                if key not in table:
                    text = cls.describe(key)
                    yield f"no {key}", f"{text[0].lower()}{text[1:-1]}"
            return
        if mixed := [key for key in _OF_ONE_QUESTION if key in table]:
            expected = "an expectation for one query, or one for every name of services"
            yield f"{mixed[0]} beside {_first(table)}", expected
        yield from not_one_of("vlan", "policy", table)
        if not table.get("services"):
            yield "no services", 'services such as ["@messenger"]'
        if table.get("outcome", "blocked") not in ("blocked", "would_block"):
            yield f"the outcome {table['outcome']}", "blocked or would_block, for names of services"


def _first(table: Mapping[str, object]) -> str:
    return next(key for key in _OF_COVERAGE if key in table)

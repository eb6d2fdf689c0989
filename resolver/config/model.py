"""The sections of config.toml: what each may say, what it says when it is silent.

How it works: pydantic, strict, checks each value by itself and reports all that are
wrong. Whatever needs two values at once is in ``crosscheck``. Descriptions are shown to
the operator where a required key is missing, so each reads well after "expected".

What must stay true:
- No validator here spans fields: ``load`` relies on later rounds of validation finding
  nothing but the consequences of the first.
- Required keys are few; every other key has a default that is right for most networks.
"""

import datetime as dt
from ipaddress import ip_address
from typing import Annotated, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field

from resolver.config.values import (
    DNS_PORT,
    MIB,
    Bootstrap,
    CacheSize,
    Category,
    ClientAddress,
    Digest,
    DomainName,
    Identifier,
    Line,
    Listen,
    Moment,
    NameServer,
    Prefix,
    Record,
    RecordType,
    Server,
    ServiceName,
    ServiceReference,
    SocketAddress,
    SomeLine,
    SourceUrl,
)

T = TypeVar("T")
Several = Annotated[tuple[T, ...], Field(strict=False)]
"""A TOML array; strict would take tuples alone, and its elements stay strict."""

SYSTEM = NameServer("system", DNS_PORT, "system")

ListFormat = Literal["adblock", "hosts", "plain", "suffix", "wildcard", "dnsmasq", "unbound", "rpz"]
Outcome = Literal["blocked", "would_block", "exempted", "passed", "refused"]


class ConfigSection(BaseModel):
    """What all sections have in common: exact types, no unknown keys, no change after."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class ServerConfig(ConfigSection):
    """Where clients are answered, and by how many processes."""

    listen: Several[Listen] = Field(
        default=(SocketAddress("127.0.0.1", 5300), SocketAddress("::1", 5300)),
        min_length=1,
        description="the addresses and ports to answer on, by UDP and TCP",
    )
    workers: int = Field(
        default=0, ge=0, le=256, description="the number of worker processes; 0 is one a CPU"
    )
    unknown_clients: Literal["refuse"] = Field(
        default="refuse", description="what becomes of clients that no VLAN's prefix holds"
    )


class UpstreamConfig(ConfigSection):
    """Whom to ask about everything that no other group or zone is for."""

    servers: Several[Server] = Field(
        default=(SYSTEM,), min_length=1, description="the name servers to ask"
    )
    bootstrap: Several[Bootstrap] = Field(
        default=(),
        description="the addresses of name servers that resolve the hosts of upstreams and lists;"
        " none means the upstream addresses in this file, else the system's",
    )


class UpstreamGroupConfig(ConfigSection):
    """Another group of name servers, for the policies that name it."""

    servers: Several[Server] = Field(min_length=1, description="the name servers of the group")


class ForwardConfig(ConfigSection):
    """Zones that are asked of their own servers and of nobody else."""

    zones: Several[DomainName] = Field(
        min_length=1, description="the zones, each with all names below it"
    )
    servers: Several[Server] = Field(min_length=1, description="the name servers of the zones")


class LocalConfig(ConfigSection):
    """A name that is answered from this file."""

    name: DomainName = Field(description="the name that the records belong to")
    records: Several[Record] = Field(
        min_length=1, description='the records of the name, such as ["A 10.0.0.30"]'
    )


class ListSourceConfig(ConfigSection):
    """A list that others keep, fetched or read from a file."""

    url: SourceUrl | None = Field(default=None, description="where to fetch it, by HTTPS")
    file: SomeLine | None = Field(default=None, description="where it lies, instead of a url")
    format: ListFormat = Field(description=f"its format: {', '.join(get_args(ListFormat))}")
    service: ServiceName | None = Field(
        default=None, description="the service whose names it adds to"
    )
    category: Category | None = Field(
        default=None,
        description="the category in which it is a service of its own, instead of a service",
    )
    sha256: Digest | None = Field(
        default=None, description="the SHA-256 of the file, where it must not change"
    )


class ListsConfig(ConfigSection):
    """Where the block lists are."""

    directories: Several[SomeLine] = Field(
        default=("blocklists",),
        description="the directories of block lists; of two lists of a name the later adds",
    )
    sources: dict[ServiceName, ListSourceConfig] = Field(
        default={}, description="lists that others keep, by name"
    )


class DirectiveConfig(ConfigSection):
    """The ground on which services are blocked, cited in answers and pages."""

    number: SomeLine = Field(description="the number to cite")
    date: dt.date = Field(description="the day it was issued, such as 2015-02-18")
    covers: Several[ServiceReference] = Field(
        default=(), description="the services and @categories that it bans"
    )
    narrows: str | None = Field(
        default=None, description="the directive whose ban this later one narrows"
    )


class PolicyConfig(ConfigSection):
    """What is blocked, how that is answered, and on what ground."""

    block: Several[ServiceReference] = Field(
        default=(), description="the services and @categories to block"
    )
    allow: Several[str] = Field(
        default=(), description="the names that pass whatever the lists say"
    )
    deny: Several[str] = Field(default=(), description="the names that are blocked besides")
    answer: Literal["sinkhole", "nxdomain", "nodata", "refused"] = Field(
        default="sinkhole", description="how a blocked name is answered"
    )
    sinkhole: Several[ClientAddress] = Field(
        default=(ip_address("0.0.0.0"), ip_address("::")),
        min_length=1,
        description="the addresses that a sinkhole answer gives",
    )
    mode: Literal["enforce", "audit"] = Field(
        default="enforce", description="whether names are blocked or only counted"
    )
    directives: Several[str] = Field(default=(), description="the directives it carries out")
    contact: Line = Field(default="", description="whom a blocked person may ask")
    upstream: str = Field(
        default="", description='the group of name servers to ask; "" is [upstream]'
    )


class VlanConfig(ConfigSection):
    """Clients that share a policy; the table's name is the label of its metrics."""

    id: int | None = Field(default=None, ge=1, le=4094, description="the VLAN's number, for people")
    prefixes: Several[Prefix] = Field(
        min_length=1, description='the prefixes of its clients, such as ["10.10.0.0/16"]'
    )
    policy: str = Field(description="the name of the policy that applies to it")


class ExemptionConfig(ConfigSection):
    """Services lifted for some clients until a moment, with who answers for it."""

    id: Identifier = Field(description="the name of the exemption")
    prefixes: Several[Prefix] = Field(default=(), description="the clients it is for")
    vlan: str | None = Field(default=None, description="the VLAN it is for, instead of prefixes")
    services: Several[ServiceReference] = Field(
        min_length=1, description="the services and @categories it lifts"
    )
    until: Moment = Field(
        description="the moment it ends, with an offset from UTC: 2027-03-20T23:59:59+03:30"
    )
    approver: SomeLine = Field(description="who approved it")
    ticket: SomeLine = Field(description="where it was asked for")
    reason: Line = Field(default="", description="what it is for")


class ExpectationConfig(ConfigSection):
    """A test of the policy: what becomes of one question."""

    client: ClientAddress = Field(description="the address that asks")
    name: DomainName = Field(description="the name that is asked for")
    type: RecordType = Field(default="A", description="the record type that is asked for")
    outcome: Outcome = Field(description="what must become of the question")
    service: ServiceName | None = Field(
        default=None, description="the service that the name must be counted as"
    )
    at: Moment | None = Field(
        default=None, description="the moment of the question, where exemptions matter"
    )


class MetricsConfig(ConfigSection):
    """Where Prometheus and people look."""

    listen: Listen = Field(
        default=SocketAddress("127.0.0.1", 9153),
        description="the address and port of the metrics",
    )


class BlockPageConfig(ConfigSection):
    """Where people whose name was blocked are told why."""

    listen: Several[Listen] = Field(
        default=(),
        description="the addresses and ports of the page; none means no page",
    )


class CacheConfig(ConfigSection):
    """How much is remembered."""

    max_bytes: CacheSize = Field(
        default=64 * MIB, description='the size of the answer cache of a worker, such as "64MiB"'
    )


class LimitsConfig(ConfigSection):
    """How much clients may ask."""

    queries_per_prefix: int = Field(
        default=20_000,
        ge=1,
        description="queries a second that each /24 or /56 of clients may ask of a worker",
    )


class BlockLogConfig(ConfigSection):
    """A file of the queries that were blocked, or would have been."""

    enabled: bool = Field(default=False, description="whether it is written")
    file: Line = Field(
        default="", description='the file; "" is blocks.jsonl in the state directory'
    )
    client: Literal["vlan", "prefix", "address"] = Field(
        default="vlan", description="how exactly each line says who asked"
    )
    retention_days: int = Field(
        default=30, ge=1, le=3660, description="days after which lines are removed"
    )
    max_bytes: CacheSize = Field(
        default=1024 * MIB, description='the size of all its files together, such as "1GiB"'
    )


class Config(ConfigSection):
    """The whole file."""

    include: Several[str] = Field(default=(), description="more files to read, as patterns")
    server: ServerConfig = Field(default=ServerConfig(), description="how clients are answered")
    upstream: UpstreamConfig = Field(default=UpstreamConfig(), description="whom to ask")
    upstreams: dict[Identifier, UpstreamGroupConfig] = Field(
        default={}, description="other groups of name servers, by name"
    )
    forward: Several[ForwardConfig] = Field(default=(), description="zones with their own servers")
    local: Several[LocalConfig] = Field(
        default=(), description="names that are answered from this file"
    )
    lists: ListsConfig = Field(default=ListsConfig(), description="where the block lists are")
    directives: dict[Identifier, DirectiveConfig] = Field(
        default={}, description="the directives, by name"
    )
    policies: dict[Identifier, PolicyConfig] = Field(
        default={}, description="the policies, by name"
    )
    vlans: dict[Identifier, VlanConfig] = Field(default={}, description="the VLANs, by name")
    exemptions: Several[ExemptionConfig] = Field(
        default=(), description="services lifted for a time"
    )
    expect: Several[ExpectationConfig] = Field(default=(), description="tests of the policy")
    metrics: MetricsConfig = Field(default=MetricsConfig(), description="where Prometheus looks")
    block_page: BlockPageConfig = Field(
        default=BlockPageConfig(), description="where people are told why a name is blocked"
    )
    cache: CacheConfig = Field(default=CacheConfig(), description="how much is remembered")
    block_log: BlockLogConfig = Field(
        default=BlockLogConfig(), description="a file of what was blocked, where one is wanted"
    )
    limits: LimitsConfig = Field(default=LimitsConfig(), description="how much clients may ask")

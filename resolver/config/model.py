"""The sections of config.toml: their keys, with types, bounds and defaults.

How it works: pydantic, strict, checks each value by itself and reports every error. What takes
several values of a section is checked by the section (``ConfigSection.errors`` and
``table_errors``), what takes several sections in ``crosscheck``. Where a required key is missing,
its docstring is shown to the operator after "expected".

What must stay true:
- No validator here spans fields: ``validation`` relies on later rounds finding nothing but
  the consequences of the first.
- Required keys are few; every other key has a default that is right for most networks.

To add a key:
- A field with type, default and docstring, here or in the module of its section; new types are in
  ``values``. A check of several sections is in ``crosscheck``, a warning in ``warnings``.
- What a process needs of it: ``policy.settings``, ``policy.upstream_groups`` or
  ``policy.compiled``, filled in by the module of that name in compiler/ (``compiler.policy`` for
  the last). No process reads ``config`` while it serves. The last good snapshot of the release
  before lacks the field: so it has a default. A new value of an old field raises ``FORM``
  (``policy.compiled``).
- ``compiler.restart_settings``, if it cannot change while the server runs. ``analysis.summary``, if
  ``darban diff`` should say it better than by its name.
- deploy/reference.toml, ``make reference``; tests/config/wrong: a wrong value, with its message.
Fails until done: tests/config/test_shipped.py, tests/snapshot/test_last_good.py.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import ByteSize, Field

from resolver.config.dates import Day
from resolver.config.exemption_model import ExemptionConfig, ExemptionLimitsConfig
from resolver.config.expectation_model import ExpectationConfig, ExpectedAnswer
from resolver.config.front_model import FeedsConfig, FrontConfig, ProxyConfig
from resolver.config.hours_model import HoursConfig, ZoneName
from resolver.config.network_values import InterfaceName, Listen, Secondary, SocketAddress
from resolver.config.pair_model import PairConfig
from resolver.config.policy_model import PolicyConfig
from resolver.config.problems import Problem
from resolver.config.provenance import Provenance
from resolver.config.section import ConfigSection, OneOrMore, Several
from resolver.config.section_checks import link_local, not_one_of
from resolver.config.tls_model import TlsConfig
from resolver.config.toml_lines import Path
from resolver.config.upstream_model import (
    ForwardConfig,
    NameServersConfig,
    UpstreamConfig,
    UpstreamGroupConfig,
)
from resolver.config.values import (
    MIB,
    Branch,
    CacheSize,
    Category,
    Identifier,
    KeyName,
    Line,
    LocalDomainName,
    PlainPath,
    Prefix,
    Record,
    Repository,
    ServerText,
    ServiceName,
    ServiceReference,
    SomeLine,
    SourceUrl,
)
from resolver.policy.settings import DEFAULT_TIME_ZONE

ListFormat = Literal["adblock", "hosts", "plain", "suffix", "wildcard", "rpz"]


class ServerConfig(ConfigSection):
    """Where queries are answered, and by how many processes."""

    listen: OneOrMore[Listen] = (
        SocketAddress(ip_address("127.0.0.1"), 5300),
        SocketAddress(ip_address("::1"), 5300),
    )
    """The addresses and ports to answer on, by UDP and TCP."""
    redirected: Several[Listen] = ()
    """The addresses and ports that a gateway redirects queries for other resolvers to."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """The number of worker processes; 0 is one for each CPU."""
    identity: ServerText = ""
    """The answer to who this server is: NSID (RFC 5001), id.server; none by default."""
    tls: TlsConfig = TlsConfig.model_construct()
    """DNS over TLS."""
    proxy: ProxyConfig = ProxyConfig.model_construct()
    """Listeners for servers in front, such as dnsdist."""


class LocalConfig(ConfigSection):
    """A name that is answered from this file."""

    name: LocalDomainName
    """The name that the records belong to; ``*.name`` for the names below it that have none."""
    records: OneOrMore[Record]
    """The records of the name, such as ["A 10.0.0.30"]."""


class ListSourceConfig(ConfigSection):
    """A list that others maintain, fetched or read from a file."""

    url: SourceUrl | None = None
    """Where to fetch the list, by HTTPS, or from a file that another program writes."""
    file: SomeLine | None = None
    """The list's file, instead of a url."""
    format: ListFormat
    """Its format: adblock, hosts, plain, suffix, wildcard, rpz."""
    service: ServiceName | None = None
    """The service that the list's names belong to."""
    category: Category | None = None
    """The category in which the list is a service of its own, instead of a service."""
    allowed_signers: SomeLine | None = None
    """The file of the SSH keys of which one must have signed the manifest beside the list."""

    @classmethod
    def table_errors(cls, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """A list comes from one place, and is for one service or category."""
        yield from not_one_of("url", "file", table)
        if "allowed_signers" in table and "file" in table:
            yield "allowed_signers for a file", 'a url, such as "file:///srv/lists/ads.txt"'
        yield from not_one_of("service", "category", table)


class ListsConfig(ConfigSection):
    """Where the block lists are."""

    directories: Several[SomeLine] = ("blocklists",)
    """The directories of block lists; of two lists of a name the later adds."""
    ca_file: SomeLine | None = None
    """Certificates of authorities, in PEM, that are trusted besides the system's."""
    allowed_signers: SomeLine | None = None
    """The file of the SSH keys of which one must have signed lists of a release from a medium."""
    sources: dict[ServiceName, ListSourceConfig] = {}
    """Lists that others maintain, by name."""


class DirectiveConfig(ConfigSection):
    """The order that services are blocked by, cited in answers and pages."""

    number: SomeLine
    """The number to cite."""
    date: Day
    """The day it was issued, such as 2015-02-18."""
    covers: Several[ServiceReference] = ()
    """The services and @categories that it bans."""
    narrows: str | None = None
    """The directive whose ban this later one narrows."""


class VlanConfig(ConfigSection):
    """Clients that share a policy; the table's name is the label of its metrics."""

    title: Line = ""
    """What Persian pages and reports call it; "" is the table's name."""
    id: Annotated[int, Field(ge=1, le=4094)] | None = None
    """The VLAN's number, for people."""
    prefixes: OneOrMore[Prefix]
    """The prefixes of its clients, such as ["10.10.0.0/16"]."""
    interface: InterfaceName | None = None
    """The interface on which its clients with link-local addresses ask."""
    policy: str
    """The name of the policy that applies to it."""
    allow: Several[str] = ()
    """Names that pass here, whatever the policy and its lists say."""
    deny: Several[str] = ()
    """Names to block here besides."""
    queries_per_address: Annotated[int, Field(ge=1)] | None = None
    """Queries a second from each address, instead of [limits]: for many clients behind one."""

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """A link-local prefix says nothing of the VLAN."""
        yield from link_local((*path, "prefixes"), self.prefixes, "interface", provenance)


class MetricsConfig(ConfigSection):
    """Where the metrics and the status page are."""

    listen: Listen = SocketAddress(ip_address("127.0.0.1"), 9153)
    """The address and port of the metrics."""


class BlockPageConfig(ConfigSection):
    """The page that explains to people why a name is blocked."""

    listen: Several[Listen] = ()
    """The addresses and ports of the page; none means no page."""
    name: SomeLine | None = None
    """The name of the agency, at the head of the page."""
    logo: SomeLine | None = None
    """An SVG or PNG file, at the head of the page."""


class CacheConfig(ConfigSection):
    """The answer cache."""

    max_bytes: CacheSize = ByteSize(64 * MIB)
    """The size of the answer cache of a worker, such as "64MiB"."""


class SecondaryConfig(ConfigSection):
    """A resolver that may transfer the zones."""

    address: Secondary
    """Its address, which is notified of changes."""


class PublishConfig(ConfigSection):
    """The policy as response policy zones, for resolvers that transfer them from Knot DNS."""

    listen: Several[Listen] = ()
    """The addresses and ports of Knot DNS on this host; none means that no zone is written."""
    directory: PlainPath = ""
    """The directory of the zones; "" is zones in the state directory."""
    secondaries: dict[KeyName, SecondaryConfig] = {}
    """The resolvers that may transfer the zones, by the names of their TSIG keys."""


class PolicySourceConfig(ConfigSection):
    """The git repository that the policy comes from."""

    repository: Repository = ""
    """The repository, by HTTPS or SSH, or its directory on this host; "" is none."""
    branch: Branch = "stable"
    """The branch whose newest commit is put in force."""
    allowed_signers: Line = ""
    """The file of the SSH keys whose signatures are accepted."""
    expires_days: Annotated[int, Field(ge=0, le=3660)] = 0
    """Days after which the newest commit has expired; 0 is never."""

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """A repository needs keys that sign its commits."""
        if self.repository and not self.allowed_signers:
            expected = "the file of the SSH keys whose signatures are accepted"
            if provenance.whole((*path, "allowed_signers")):
                yield provenance.problem(path, "no allowed_signers", expected)


class LimitsConfig(ConfigSection):
    """How many queries clients may send."""

    queries_per_address: Annotated[int, Field(ge=1)] = 1_000
    """Queries a second that each client may send to a worker."""
    queries_per_prefix: Annotated[int, Field(ge=1)] = 20_000
    """Queries a second that each /24 or /64 of a VLAN may send to a worker."""


class BlockLogConfig(ConfigSection):
    """A file of the queries that were blocked, or would have been."""

    enabled: bool = False
    """Whether the file is written."""
    client: Literal["vlan", "prefix", "address"] = "vlan"
    """How exactly each line names the client."""
    retention_days: Annotated[int, Field(ge=1, le=3660)] = 100
    """Days after which lines are removed."""
    max_bytes: CacheSize = ByteSize(4096 * MIB)
    """The size of all its files together, such as "1GiB"."""


class ReportConfig(ConfigSection):
    """The figures that are kept, and the report of a month."""

    time_zone: ZoneName = DEFAULT_TIME_ZONE
    """The time zone whose hours queries are counted by."""
    smallest: Annotated[int, Field(ge=1, le=1000)] = 5
    """Exempted queries are counted by part of a month where an exemption holds fewer addresses."""
    national_filter: bool = False
    """Whether queries that the national filter answers are counted apart from those that pass."""
    name: SomeLine | None = None
    """The name of the agency, at the head of the report."""
    logo: SomeLine | None = None
    """An SVG or PNG file, at the head of the report."""
    sign_key: SomeLine | None = None
    """An SSH key that signs a report of a period that is written to a file."""


class WarningsConfig(ConfigSection):
    """Warnings that are known and accepted."""

    acknowledged: Several[str] = ()
    """The codes of warnings that are not shown, such as "open-vlan:guests"."""


class Config(ConfigSection):
    """The whole file."""

    include: Several[str] = ()
    """More files to read, as patterns."""
    server: ServerConfig = ServerConfig.model_construct()
    """How clients are answered."""
    upstream: UpstreamConfig = UpstreamConfig.model_construct()
    """The name servers to ask."""
    upstreams: dict[Identifier, UpstreamGroupConfig] = {}
    """Other groups of name servers, by name."""
    forward: Several[ForwardConfig] = ()
    """Zones with their own name servers."""
    local: Several[LocalConfig] = ()
    """Names that are answered from this file."""
    lists: ListsConfig = ListsConfig.model_construct()
    """Where the block lists are."""
    directives: dict[Identifier, DirectiveConfig] = {}
    """The directives, by name."""
    hours: dict[Identifier, HoursConfig] = {}
    """Hours of the week, by name."""
    policies: dict[Identifier, PolicyConfig] = {}
    """The policies, by name."""
    vlans: dict[Identifier, VlanConfig] = {}
    """The VLANs, by name."""
    exemptions: Several[ExemptionConfig] = ()
    """Services that are permitted for a time."""
    exemption_limits: ExemptionLimitsConfig = ExemptionLimitsConfig.model_construct()
    """What no exemption may exceed."""
    expect: Several[ExpectationConfig] = ()
    """Tests of the policy."""
    metrics: MetricsConfig = MetricsConfig.model_construct()
    """Where Prometheus reads the metrics."""
    block_page: BlockPageConfig = BlockPageConfig.model_construct()
    """The page that explains to people why a name is blocked."""
    cache: CacheConfig = CacheConfig.model_construct()
    """The answer cache."""
    block_log: BlockLogConfig = BlockLogConfig.model_construct()
    """A file of blocked queries."""
    publish: PublishConfig = PublishConfig.model_construct()
    """The policy as zones, for other resolvers."""
    policy_source: PolicySourceConfig = PolicySourceConfig.model_construct()
    """The git repository that the policy comes from."""
    pair: PairConfig = PairConfig.model_construct()
    """The other nodes that have the same policy as this one."""
    limits: LimitsConfig = LimitsConfig.model_construct()
    """How many queries clients may send."""
    report: ReportConfig = ReportConfig.model_construct()
    """The figures that are kept, and the report of a month."""
    warnings: WarningsConfig = WarningsConfig.model_construct()
    """Warnings that are known and accepted."""
    front: FrontConfig = FrontConfig.model_construct()
    """dnsdist in front, as `darban export dnsdist-front` writes it."""
    feeds: FeedsConfig = FeedsConfig.model_construct()
    """Address lists by service, for firewalls that fetch them."""

    def questions(self) -> Iterator[tuple[int, ExpectedAnswer]]:
        """The expectations for one query, each with its place in ``expect``."""
        for place, expectation in enumerate(self.expect):
            if (question := expectation.question) is not None:
                yield place, question

    def groups(self) -> Iterator[tuple[Path, NameServersConfig]]:
        """Every group of name servers, with its path."""
        yield ("upstream",), self.upstream
        for name, group in self.upstreams.items():
            yield ("upstreams", name), group
        for place, forward in enumerate(self.forward):
            yield ("forward", place), forward

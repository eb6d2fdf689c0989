"""The settings of a snapshot that are not policy: plain values, as in ``policy.compiled``."""

from dataclasses import dataclass

from resolver.policy.prefix import Prefix

DOH_PATH = "/dns-query"
"""Where dnsdist in front serves DNS over HTTPS."""
TCP_PER_ADDRESS = 250
"""Connections over TCP from one address at most; a new one then closes another of this address.
dnsdist in front has the same bound."""
DEFAULT_TIME_ZONE = "Asia/Tehran"
"""The time zone of hours and reports, unless the config says otherwise."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port to listen on."""

    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @property
    def name_server(self) -> str:
        """As aiodns takes a name server, which leaves out one whose interface is missing."""
        host, separator, interface = self.address.partition("%")
        return f"{Endpoint(host, self.port)}{separator}{interface}"


@dataclass(frozen=True, slots=True)
class BlockLog:
    """Where and how blocked queries are recorded."""

    client: str
    """How a client is recorded: ``vlan``, ``prefix`` or ``address``."""
    retention_days: int
    max_bytes: int
    """Octets of all its files together."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A list that is fetched."""

    name: str
    url: str
    format: str
    allowed_signers: str = ""
    """The file of the keys that may sign it, relative to the config's folder; empty for none."""


@dataclass(frozen=True, slots=True)
class Secondary:
    """A resolver that may transfer the zones."""

    key: str
    """The name of its TSIG key."""
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Publication:
    """Where the policy is written as response policy zones, and who serves them."""

    listen: tuple[Endpoint, ...]
    """Where Knot DNS answers."""
    zone: bytes
    """The name that all zones lie below."""
    directory: str
    """Relative to the config; empty for the default one in the state directory."""
    secondaries: tuple[Secondary, ...]


@dataclass(frozen=True, slots=True)
class Feeds:
    """Where firewalls fetch address lists."""

    listen: tuple[Endpoint, ...] = ()
    firewalls: tuple[Prefix, ...] = ()
    """Who may fetch them; the owners mean nothing."""


@dataclass(frozen=True, slots=True)
class Front:
    """dnsdist in front of the nodes."""

    name: str
    certificate: str
    """The file; relative to the config, as that of the key."""
    key: str
    dns: tuple[Endpoint, ...]
    dot: tuple[Endpoint, ...]
    doh: tuple[Endpoint, ...]
    nodes: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """DNS over TLS by this server."""

    listen: tuple[Endpoint, ...]
    certificate: str
    """The file; relative to the config, as that of the key."""
    key: str


@dataclass(frozen=True, slots=True)
class PolicySource:
    """The git repository that the policy comes from."""

    repository: str
    branch: str
    allowed_signers: str
    """The file of accepted SSH keys, relative to the config."""
    max_newly_blocked: int
    """Recorded names that a commit may block newly."""
    expires_days: int = 0
    """Days after which the newest commit has expired; 0 is never."""


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """The figures that are kept, and the report of a month."""

    time_zone: str = DEFAULT_TIME_ZONE
    """The time zone whose hours queries are counted by."""
    smallest: int = 5
    """Exempted queries of a VLAN are counted by part of a month where an exemption holds fewer
    addresses."""
    national_filter: bool = False
    """Whether queries that the national filter answers are counted apart from those that pass."""
    name: str = ""
    """Of the agency; may be empty, as the paths below."""
    logo: str = ""
    """A file; a relative path begins at the config's folder, as that of the key."""
    sign_key: str = ""


@dataclass(frozen=True, slots=True)
class PageHead:
    """The agency at the head of the block page."""

    name: str = ""
    """May be empty, as the logo."""
    logo: str = ""
    """A data URI."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the processes that are not policy."""

    listen: tuple[Endpoint, ...]
    workers: int
    metrics: Endpoint
    block_page: tuple[Endpoint, ...]
    cache_bytes: int
    bootstrap: tuple[Endpoint, ...]
    queries_per_prefix: int
    block_log: BlockLog | None
    ca_file: str = ""
    """Trusted besides the system's when lists are fetched; relative to the config; may be empty."""
    identity: str = ""
    """The answer to NSID and id.server; empty for none."""
    proxied: tuple[Endpoint, ...] = ()
    """Listeners where each query needs a PROXY header."""
    proxies: tuple[Prefix, ...] = ()
    """The servers in front, which may send PROXY headers."""
    publish: Publication | None = None
    front: Front | None = None
    policy_source: PolicySource | None = None
    probe_signed: str = "iana.org"
    """A signed name, by which upstream servers are probed for validation."""
    probe_bogus: str = "dnssec-failed.org"
    """A name whose signatures are wrong."""
    tls: TlsSettings | None = None
    report: ReportSettings = ReportSettings()
    probe_abroad: str = "com"
    """A domain abroad: names of it that do not exist tell whether the link abroad is cut."""
    probe_home: str = "nic.ir"
    """A domain at home, likewise."""
    feeds: Feeds = Feeds()
    redirected: tuple[Endpoint, ...] = ()
    """Listeners that a gateway redirects queries for other resolvers to."""
    page_head: PageHead = PageHead()
    lists_signers: str = ""
    """The file of the keys that may sign lists of a release from a medium, relative to the config;
    empty where no signature is needed."""

    @property
    def plain_listen(self) -> tuple[Endpoint, ...]:
        """Where queries come over UDP and TCP."""
        return (*self.listen, *self.redirected, *self.proxied)

    @property
    def tls_listen(self) -> tuple[Endpoint, ...]:
        """Where DNS over TLS is served."""
        return () if self.tls is None else self.tls.listen

"""A snapshot: everything that a worker must know, compiled, in values that files can hold.

It is made from a config and its lists by ``compile``, written aside and renamed into place
by the supervisor, and read by workers, which never see the config itself. Services, lists,
policies and VLANs refer to each other by their place in these tuples.

What must stay true:
- Equal configs and lists give equal bytes, so that a snapshot is named by its content.
- Nothing here is computed from the clock; exemptions keep the moment they end.
"""

import hashlib
import json
from dataclasses import dataclass

from resolver.dns.record import LocalRecord
from resolver.policy import codec


@dataclass(frozen=True, slots=True)
class Service:
    """One messenger, or one way around the network's DNS."""

    name: str
    category: str
    title: str
    persian: str
    """The title in Persian; may be empty."""
    always_nxdomain: bool
    """A canary: only NXDOMAIN tells the client what it asks."""
    entries: int
    """Blocking rules in its lists."""
    reviewed: str
    """The day when a person last went through its lists, the oldest of several; may be empty."""


@dataclass(frozen=True, slots=True)
class Source:
    """One list of a service."""

    file: str
    """Where it comes from: a file, or the address that it is fetched from."""
    service: int
    name: str
    """What it is called in metrics."""
    entries: int
    """Its blocking rules."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A list that is fetched."""

    name: str
    url: str
    format: str
    sha256: str
    """What it has to be; empty where it may change."""


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A name that a policy itself allows or denies."""

    name: bytes
    subtree: bool
    allow: bool
    text: str
    """As the config has it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """On what a block stands: a directive, or the agency's own policy."""

    directive: str
    """The directive's number; empty for the agency's own policy."""
    text: str


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive that a policy carries out."""

    number: str
    date: str
    """As in 2015-02-18."""
    narrows: str
    """The number of the directive whose ban it narrows; may be empty."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is blocked, how it is answered, on what ground."""

    name: str
    blocks: int
    """The services it blocks, a bit each."""
    own: tuple[OwnRule, ...]
    answer: str
    sinkhole_v4: bytes
    sinkhole_v6: bytes
    enforce: bool
    directives: tuple[Directive, ...]
    grounds: tuple[Ground, ...]
    """The agency's own policy first."""
    ground_of: tuple[int, ...]
    """By service."""
    contact: str
    upstream: str


@dataclass(frozen=True, slots=True)
class Vlan:
    """Clients that share a policy."""

    name: str
    id: int | None
    policy: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix of a VLAN or of an exemption."""

    network: bytes
    """4 or 16 octets."""
    length: int
    owner: int
    """The VLAN's or the exemption's place."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """Services lifted for a VLAN (or for the prefixes that name this exemption)."""

    id: str
    vlan: int | None
    services: int
    """A bit each."""
    until: float
    """Seconds of the wall clock since 1970, UTC."""
    approver: str
    ticket: str
    reason: str


@dataclass(frozen=True, slots=True)
class LocalName:
    """A name that this server answers by itself."""

    name: bytes
    records: tuple[LocalRecord, ...]


@dataclass(frozen=True, slots=True)
class ForwardZone:
    """A zone that is asked of a group of its own."""

    zone: bytes
    group: str


@dataclass(frozen=True, slots=True)
class Server:
    """A name server to ask."""

    host: str
    port: int
    kind: str
    """``address``, ``hostname`` or ``system``."""


@dataclass(frozen=True, slots=True)
class Group:
    """Name servers that are asked for the same names; ``""`` is the default group."""

    name: str
    servers: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port to listen on."""

    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BlockLog:
    """Where and how blocked queries are written down."""

    file: str
    """Seen from the config; empty for the state directory's own."""
    client: str
    """How clients are told: ``vlan``, ``prefix`` or ``address``."""
    retention_days: int
    max_bytes: int
    """Of all its files together."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the processes need besides policy."""

    listen: tuple[Endpoint, ...]
    workers: int
    metrics: Endpoint
    block_page: tuple[Endpoint, ...]
    cache_bytes: int
    bootstrap: tuple[Endpoint, ...]
    queries_per_prefix: int
    block_log: BlockLog | None


@dataclass(frozen=True, slots=True)
class Terms:
    """A snapshot without its index."""

    services: tuple[Service, ...]
    sources: tuple[Source, ...]
    policies: tuple[Policy, ...]
    vlans: tuple[Vlan, ...]
    prefixes: tuple[Prefix, ...]
    exemptions: tuple[Exemption, ...]
    exempted_prefixes: tuple[Prefix, ...]
    excepted: tuple[bytes, ...]
    """The names at which lists have exceptions."""
    local: tuple[LocalName, ...]
    forward: tuple[ForwardZone, ...]
    groups: tuple[Group, ...]
    subscriptions: tuple[Subscription, ...]
    settings: Settings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The terms and the two buffers of the index (see lists.index)."""

    terms: Terms
    trie: bytes
    rules: bytes

    def document(self) -> bytes:
        """The terms as JSON, in one form only."""
        plain = codec.encode(self.terms)
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()

    def hash(self) -> str:
        """The snapshot's name: 16 hexadecimal digits of the SHA-256 of its content."""
        return content_hash(self.document(), self.trie, self.rules)


def content_hash(document: bytes, trie: bytes, rules: bytes) -> str:
    """What a snapshot of this content is called."""
    digest = hashlib.sha256()
    for part in (document, trie, rules):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:16]


def read_terms(document: bytes) -> Terms:
    """The terms that ``Snapshot.document`` wrote."""
    return codec.decode(Terms, json.loads(document))

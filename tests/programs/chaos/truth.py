"""What a reply must say: for every name, every client, and every moment.

The address of a name is a hash of the name, so that the answer for another name, or one that the
upstream never gave, is seen. What a client may ask changes while it asks: a ``Switch`` holds
what may be in force, and a reply is right if it was right at some moment from its query to itself.
The upstream notes when it gave a record, so every TTL is compared with the clock.
"""

import struct
import zlib
from collections import defaultdict, deque
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from tests.programs.attacks import wire

BANNED_ZONE = "messenger.example"
"""The list of the service ``made-up`` blocks this name and all below it."""
LISTED_ZONE = "listed.example"
"""The fetched list blocks this name and all below it."""
TOGGLED_ZONE = "toggled.example"
"""Blocked by the policy itself, in every second config."""
ALIAS_ZONE = "alias.example"
"""Every name here is an alias of one in ``BANNED_ZONE``."""
LIE = "203.0.113.66"
"""An address that no name has."""
TTLS = (3, 20, 300)
"""Seconds; a name has one of them."""
BLOCKED_TTL = 60
STALE_TTL = 30
"""Of an answer that has expired (RFC 8767, section 5.2)."""

_SINKHOLES = {wire.A: bytes(4), wire.AAAA: bytes(16)}
_EDE_BLOCKING = {15, 16, 17}
_CLOCKS = 1.0
"""Seconds that a record may lie in a socket before the server reads it and the clock."""
_STALE_AFTER = 40.0
"""Seconds after a failure in which stale answers may be given: 30 (RFC 8767, section 5), and
those in which a failure that begins late becomes one."""


class Kind(Enum):
    """What a question needs for its answer."""

    KNOWN = "known"
    """Asked so often that each worker has the answer."""
    FRESH = "fresh"
    """Never asked before: the upstream is needed."""
    BANNED = "banned"
    """In the block list: the upstream is needed only for those whom nothing is blocked for."""
    ALIAS = "alias"
    LISTED = "listed"
    TOGGLED = "toggled"


_RULED = {Kind.BANNED, Kind.ALIAS, Kind.LISTED}
"""Blocked but for an exemption or audit mode: such an answer lives no longer than a blocked one."""


class Question(NamedTuple):
    """A question, and who asks it."""

    kind: Kind
    client: str
    name: str
    qtype: int
    edns: bool = False


class Switch:
    """Something that is on or off, and for a while may be either."""

    def __init__(self, on: bool) -> None:
        self._history = [(0.0, frozenset({on}))]
        """The monotonic second from which each set of values was possible."""

    def begin(self, on: bool, now: float) -> None:
        """From now on it may have the new value as well."""
        self._history.append((now, self._history[-1][1] | {on}))

    def end(self, on: bool, now: float) -> None:
        """From now on it has this value."""
        self._history.append((now, frozenset({on})))

    def between(self, first: float, last: float) -> frozenset[bool]:
        """Every value that it may have had."""
        values: frozenset[bool] = frozenset()
        for since, possible in reversed(self._history):
            if since <= last:
                values |= possible
            if since <= first:
                break
        return values


ALWAYS, NEVER = Switch(True), Switch(False)


class Verdict(Enum):
    """What a reply says."""

    PASSED = "passed"
    BLOCKED = "blocked"
    FAILED = "SERVFAIL"


class WrongAnswer(Exception):
    """A reply that must not be; the message says why."""


class Truth:
    """Who is blocked from what."""

    def __init__(self) -> None:
        self.exempt = {EXEMPT: ALWAYS, EXEMPT_BY_COMMAND: Switch(False), EXEMPT_TODAY: Switch(True)}
        """Clients of administration who may ask for the messenger."""
        self.toggled = Switch(False)
        """Whether the config blocks ``TOGGLED_ZONE``."""
        self.stale = Switch(False)
        """Whether an upstream may fail, so that an expired answer is given."""
        self._given: defaultdict[tuple[str, int], deque[float]] = defaultdict(deque)
        """The monotonic seconds at which the upstream gave each answer that has not expired."""

    def give(self, name: str, qtype: int, moment: float) -> None:
        """Note that the upstream gives an answer then; a fresh name is asked for only once."""
        if not name.endswith(FRESH_ZONE):
            given = self._given[name, qtype]
            given.append(moment)
            while given[0] < moment - ttl(name) - _STALE_AFTER:
                given.popleft()

    def may_be_blocked(self, question: Question, first: float, last: float) -> frozenset[bool]:
        """Whether the question was to be blocked between two moments; both where it changed."""
        if not question.client.startswith(_ADMINISTRATION):
            return frozenset({False})
        if question.kind in (Kind.BANNED, Kind.ALIAS):
            lifted = self.exempt.get(question.client, NEVER)
            return frozenset(not on for on in lifted.between(first, last))
        if question.kind is Kind.TOGGLED:
            return self.toggled.between(first, last)
        return frozenset({question.kind is Kind.LISTED})

    def check(self, question: Question, reply: bytes, sent: float, heard: float) -> Verdict:
        """Judge a reply.

        Raises:
            WrongAnswer: it is malformed, or says what it must not say.
        """
        verdict, said = read(question, reply)
        allowed = self.may_be_blocked(question, sent, heard)
        if verdict is Verdict.BLOCKED and True not in allowed:
            raise WrongAnswer(f"blocked though permitted: {question}")
        if verdict is Verdict.PASSED and False not in allowed:
            raise WrongAnswer(f"passed though blocked: {question}")
        if verdict is Verdict.FAILED and False not in allowed and question.kind is not Kind.ALIAS:
            raise WrongAnswer(f"failed though blocked: {question}")
        if verdict is Verdict.PASSED:
            self._check_ttls(question, said, sent, heard)
        return verdict

    def _check_ttls(self, question: Question, said: wire.Packet, sent: float, heard: float) -> None:
        """Compare the TTLs with when the upstream gave the answer; WrongAnswer if none fits."""
        whole, ttls = ttl(question.name), {record.ttl for record in said.answer}
        fresh = question.kind is Kind.FRESH
        given = [sent] if fresh else [*self._given.get((question.name, question.qtype), ())]
        possible = {
            left
            for moment in given
            for left in range(
                whole - int(heard - moment + _CLOCKS),
                whole - max(0, int(sent - moment - _CLOCKS)) + 1,
            )
        }
        if self.stale.between(heard - _STALE_AFTER, heard) != {False}:
            possible.add(STALE_TTL)
        if question.kind in _RULED and not question.client.startswith(_NO_POLICY):
            possible = {min(left, BLOCKED_TTL) for left in possible}
        if len(ttls) == 1 and ttls <= possible and min(ttls) >= 0:
            return
        ages = [round(heard - moment, 1) for moment in given]
        raise WrongAnswer(f"TTLs {ttls} of {whole}, given {ages} s before: {question}")


FRESH_ZONE = "fresh.example"
VLANS = {
    "administration": ("127.0.10.0/24", "127.64.0.0/16", "::1/128"),
    "publicity": ("127.0.20.0/24", "127.65.0.0/16"),
    "audited": ("127.0.30.0/24", "127.66.0.0/16"),
}
_ADMINISTRATION = ("127.0.10.", "127.64.", "::1")
_NO_POLICY = ("127.0.20.", "127.65.")
EXEMPT, EXEMPT_BY_COMMAND, EXEMPT_TODAY = (f"127.0.10.{host}" for host in (200, 201, 202))
CLIENTS = (
    *(f"127.0.10.{host}" for host in range(5, 10)),
    *("::1", EXEMPT, EXEMPT_BY_COMMAND, EXEMPT_TODAY),
    *(f"127.0.20.{host}" for host in range(5, 8)),
    *(f"127.0.30.{host}" for host in range(5, 7)),
)
"""Those who ask again and again."""


def passer_by(number: int) -> str:
    """An address that has asked for nothing before, of one of the three VLANs."""
    host, vlan = divmod(number, len(VLANS))
    return f"127.{64 + vlan}.{host >> 8 & 255}.{host & 255}"


def ttl(name: str) -> int:
    """The TTL that the upstream gives all records of the answer to a question for a name."""
    return TTLS[zlib.crc32(name.encode()) % len(TTLS)]


def address(name: str, qtype: int) -> bytes:
    """The address that the upstream gives for a name, as RDATA."""
    spread = zlib.crc32(f"{name} {qtype}".encode())
    if qtype == wire.A:
        return struct.pack("!I", 0xC6120000 | spread & 0x1FFFF)  # 198.18.0.0/15
    return struct.pack("!IIQ", 0x20010DB8, 0, spread)


def target(name: str) -> str:
    """The name that an alias leads to; the name itself where it is none."""
    host, _, zone = name.partition(".")
    return f"{host}.{BANNED_ZONE}" if zone == ALIAS_ZONE else name


def read(question: Question, reply: bytes) -> tuple[Verdict, wire.Packet]:
    """Read a reply to a question; its TTLs are not judged.

    Raises:
        WrongAnswer: it is malformed, or none of the replies that this question can have.
    """
    try:
        said = wire.read(reply)
    except (IndexError, struct.error) as error:
        raise WrongAnswer(f"malformed ({error!r}): {question}: {reply.hex()}") from None
    asked = wire.question(question.name, question.qtype)[wire.HEADER :]
    if reply[wire.HEADER : wire.HEADER + len(asked)] != asked or reply[4:6] != b"\0\1":
        raise WrongAnswer(f"another question: {question}: {reply.hex()}")
    if said.flags & (wire.QR | wire.TC | wire.RA) != wire.QR | wire.RA:
        raise WrongAnswer(f"flags {said.flags:04x}: {question}")
    if [told.rtype for told in said.additional] != [wire.OPT] * question.edns:
        raise WrongAnswer(f"additional {said.additional}: {question}")
    if said.rcode in (wire.SERVFAIL, wire.REFUSED) and not said.answer:
        return Verdict.FAILED, said
    records = [(record.owner, record.rtype, record.data) for record in said.answer]
    qtype, name, last = question.qtype, question.name, target(question.name)
    if said.rcode == wire.NOERROR and records == [(name, qtype, _SINKHOLES[qtype])]:
        if said.answer[0].ttl > BLOCKED_TTL or (
            question.edns and not _EDE_BLOCKING & {*said.errors}
        ):
            raise WrongAnswer(f"a blocked name with {said}: {question}")
        return Verdict.BLOCKED, said
    right = records[-1:] == [(last, qtype, address(last, qtype))]
    if right and said.rcode == wire.NOERROR and _leads(records[:-1], reply, name, last):
        return Verdict.PASSED, said
    raise WrongAnswer(f"rcode {said.rcode}, {records}: {question}")


def _leads(aliases: list[tuple[str, int, bytes]], reply: bytes, name: str, last: str) -> bool:
    """Whether the records before the address are the one alias that there must be, or none."""
    if name == last:
        return not aliases
    if [aliase[:2] for aliase in aliases] != [(name, wire.CNAME)]:
        return False
    at = wire.name_at(reply, wire.question_end(reply))[1] + 10
    with suppress(IndexError):  # a pointer to nowhere
        return wire.name_at(reply, at)[0] == last
    return False

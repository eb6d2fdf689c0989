"""The chain over the audit log, by which ``darban history --verify`` checks that it is whole.

The state directory has it as ``journal-chain.jsonl``, beside the audit log, which earlier releases
read as before. Each line is a link: a JSON object for a record of the audit log, by its SHA-256,
or for the figures of a time. ``chain`` is its last field: the SHA-256 of the chain of the link
before and of the rest of the link. So the chain of the last link, the head, stands for all records
and all links before. The head is a metric: who has scraped it is a witness.

What must stay true:
- A record is written before its link. A chain that is behind (a kill between the two, a release
  that knows no chain, a restored backup) goes on with a link that says so, before the links of the
  records that it lacked.
- No link is changed or removed. What the chain cannot vouch for, a link says.
- To follow a record costs the same however long the log and the chain are.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from resolver import __version__
from resolver.evidence.journal import Journal
from resolver.stored import is_moment, read_fields

AUDIT_LOG, CHAIN = "journal.jsonl", "journal-chain.jsonl"
_SEALED = re.compile(rb'(\{.*), "chain": "([0-9a-f]{64})"\}', re.DOTALL)
NO_CHAIN: Final = "0" * 64
"""What stands for the chain before the first link."""


class Kind(StrEnum):
    """What a link is for."""

    BEGIN = "begin"
    """The first one: earlier records of the audit log have links after it, as far as they were
    read; those before have none."""
    RECORD = "record"
    """A record of the audit log."""
    FIGURES = "figures"
    """The figures of a time."""
    ROTATED = "rotated"
    """``journal.jsonl`` has become ``journal.1.jsonl``, and what had that name was removed."""
    BEHIND = "behind"
    """The chain lacked the records that follow."""
    CLOCK_BACK = "clock_back"
    """The clock has gone back: figures from ``since`` on are sealed again."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link without its chain. Its fields keep their meaning in later releases."""

    kind: Kind
    at: float
    """When it was written, in seconds since 1970."""
    version: str = __version__
    """The release that wrote it."""
    hash: str = ""
    """The SHA-256 of the record, or of the figures."""
    since: float = 0.0
    """The figures are those from here, in seconds since 1970,"""
    before: float = 0.0
    """and before this moment."""
    records: int = 0
    """How many records a chain that was behind, or that begins, lacked."""
    lost: bool = False
    """Whether the last record that has a link was no longer in the audit log."""
    expected: str = ""
    """The head that this server had written, where the chain has another."""
    node: str = ""
    """The name of the node that has the figures; 1.0.0 has not noted it."""
    time_zone: str = ""
    """The time zone of their hours; the same."""
    unlinked: int = 0
    """How many records without a link there were that this server has not written; 1.0.0 has not
    counted them."""

    @property
    def hash_of_record(self) -> str:
        """The SHA-256 of its record; empty where it is for something else."""
        return self.hash if self.kind is Kind.RECORD else ""


@dataclass(frozen=True, slots=True)
class SealedLink:
    """A link as it is in the file."""

    link: Link
    chain: str
    """As it is written there."""
    text: bytes
    """All but the chain."""

    def follows(self, before: str) -> bool:
        """Whether its chain is the one that it must have after the chain before."""
        return self.chain == _chain(before, self.text)


class HistoryChain:
    """The chain in a state directory; one process writes it."""

    def __init__(self, state: Path) -> None:
        self._log = Journal(state / AUDIT_LOG)
        self._chain = Journal(state / CHAIN)
        self._written = ""
        """The head as this object has written it last; empty before."""
        self._appended = 0
        """How many records this server has written that have no link yet."""

    def links(self) -> Iterator[SealedLink]:
        """The last links, the newest first; what is no link is left out. OSError."""
        return filter(None, map(sealed_link, self._chain.latest()))

    def head(self) -> str:
        """The chain of the last link that is on disk; empty where there is none. OSError."""
        return next((each.chain for each in self.links()), "")

    def version(self, record: str) -> str:
        """The release that wrote the link of a record, by its SHA-256; empty where none has it.

        A link that says that the chain was behind makes no claim for the records after it.
        """
        is_behind = False
        for sealed in filter(None, map(sealed_link, (each.text for each in self._chain.places()))):
            link = sealed.link
            if link.kind is not Kind.RECORD:
                is_behind = link.kind in (Kind.BEHIND, Kind.BEGIN) and link.records > 1
            elif link.hash == record:
                return "" if is_behind else link.version
        return ""

    def follow(self, now: float, appended: int = 0) -> str:
        """Add a link for each record that has none; the head after it.

        ``appended`` is how many records this server has just written. OSError where the chain
        cannot be read or written: the next call adds what is missing.
        """
        self._appended += appended
        newest = next(self.links(), None)
        last = self._last_record()
        missing, is_earlier = self._records_after({last}) or (None, False)
        lost = missing is None and bool(last)
        if missing is None:
            known = {each.link.hash for each in self.links() if each.link.hash_of_record}
            missing, is_earlier = self._records_after(known, or_all=True) or ([], False)
        unlinked = max(0, len(missing) - self._appended)
        links: list[Link] = []
        if newest is None:
            links.append(Link(Kind.BEGIN, now, records=len(missing), unlinked=unlinked))
        elif is_earlier and newest.link.kind is not Kind.ROTATED:
            links.append(Link(Kind.ROTATED, now))
        cut = self._written not in ("", newest.chain if newest is not None else NO_CHAIN)
        if lost or cut or (newest is not None and unlinked):
            expected = self._written if cut else ""
            behind = Link(Kind.BEHIND, now, records=len(missing), lost=lost, expected=expected)
            links.append(replace(behind, unlinked=unlinked))
        links += [Link(Kind.RECORD, now, hash=each) for each in missing]
        head = self._add(links, newest)
        self._appended = 0
        return head

    def _last_record(self) -> str:
        """The SHA-256 of the last record that has a link; empty where there is none."""
        found = next((each.link.hash for each in self.links() if each.link.hash_of_record), "")
        if not found:  # years of seals may have come after it
            lines = (sealed_link(each.text) for each in self._chain.places())
            for sealed in filter(None, lines):
                found = sealed.link.hash_of_record or found
        return found

    def sealed_until(self) -> float:
        """When the figures end that were sealed last, in seconds since 1970; 0 for none. OSError.

        Where the clock went back since, it is the moment to which it did.
        """
        kinds = {Kind.FIGURES: "before", Kind.CLOCK_BACK: "since"}
        links = (each.link for each in self.links())
        return next((getattr(each, kinds[each.kind]) for each in links if each.kind in kinds), 0.0)

    def seal(self, link: Link) -> str:
        """Add a link for the figures of a time; the head after it."""
        self.follow(link.at)
        return self._add([link], next(self.links(), None))

    def clock_back(self, now: float, since: float) -> str:
        """Add a link that says that the figures from ``since`` on will change; the head."""
        self.follow(now)
        return self._add([Link(Kind.CLOCK_BACK, now, since=since)], next(self.links(), None))

    def _records_after(
        self, known: Collection[str], *, or_all: bool = False
    ) -> tuple[list[str], bool] | None:
        """The hashes of the records after the last known one, the oldest first.

        And whether that one is in the earlier file. None where no known one is among the last
        records; with ``or_all`` all of these then.
        """
        after: list[str] = []
        for is_earlier, line in self._log.latest_by_age():
            if is_record(line):
                if (found := record_hash(line)) in known:
                    return after[::-1], is_earlier
                after.append(found)
        return (after[::-1], False) if or_all else None

    def _add(self, links: Iterable[Link], newest: SealedLink | None) -> str:
        chain, lines = newest.chain if newest is not None else NO_CHAIN, []
        for each in links:
            text = json.dumps(asdict(each)).encode()[:-1]
            chain = _chain(chain, text)
            lines.append(text + f', "chain": "{chain}"}}'.encode())
        if lines:
            self._chain.append(b"\n".join(lines))
        self._written = chain
        return chain


def _chain(before: str, text: bytes) -> str:
    return hashlib.sha256(before.encode() + text).hexdigest()


def sealed_link(line: bytes) -> SealedLink | None:
    """The link of a line; None where it has none."""
    parts = _SEALED.fullmatch(line)
    if parts is None:
        return None
    try:
        plain = json.loads(parts[1] + b"}")
        link = read_fields(Link, {**plain, "kind": Kind(plain["kind"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if not all(map(is_moment, (link.at, link.since, link.before))):
        return None
    return SealedLink(link, parts[2].decode(), parts[1])


def is_record(line: bytes) -> bool:
    """Whether a line of the audit log is whole; one that was cut short is not."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def record_hash(line: bytes) -> str:
    """The SHA-256 of a record of the audit log, without the end of its line."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()

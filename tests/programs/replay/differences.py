# ruff: noqa: ANN401 - what a tree hands out is of a type of its own
"""What differs between two notes of the same packet, by kind, with an example of each kind."""

from collections import Counter
from typing import Any

from dnslib import DNSError, DNSRecord

from tests.programs.replay.note import Note

_LABELS = ("vlan", "outcome", "service", "rcode", "type")


class Differences:
    """All differences found so far."""

    def __init__(self) -> None:
        self.packets = 0
        """Packets of which anything differs."""
        self._compared = 0
        self._met: dict[str, Counter[str]] = {}
        self._kinds: dict[str, list[Any]] = {}

    def compare(self, before: Note, now: Note) -> None:
        """Note what differs of one packet."""
        assert (before.who, before.packet) == (now.who, now.packet), "the scripts differ"
        self._compared += 1
        self._meet(now)
        kinds = list(_kinds(before, now))
        self.packets += bool(kinds)
        for kind in kinds:
            example = self._kinds.setdefault(kind, [0, self._compared, before, now])
            example[0] += 1

    def _meet(self, note: Note) -> None:
        """Count what the packets of the script lead to, for the reader to judge the script."""
        for labels in note.labels:
            if len(labels) == len(_LABELS):
                for label, value in zip(_LABELS[:4], labels, strict=False):
                    self._met.setdefault(label, Counter())[str(value) or "none"] += 1
        how = "at once" if note.began == note.ended else "later"
        self._met.setdefault("answered", Counter())[how if note.replies else "never"] += 1
        self._met.setdefault("attempts", Counter())[str(len(note.asked))] += 1
        for reply in note.replies:
            self._met.setdefault("flags and rcode", Counter())[reply[2:4].hex()] += 1

    def summary(self) -> str:
        """What the packets of the script lead to."""
        return "".join(
            f"{what}: {', '.join(f'{value} {times:,}' for value, times in met.most_common(20))}\n"
            for what, met in self._met.items()
        )

    def report(self) -> str:
        """Each kind, how often, and its first packet; the earliest first, since one may lead on."""
        text = ""
        for kind, (times, number, before, now) in sorted(
            self._kinds.items(), key=lambda each: each[1][1]
        ):
            text += f"{times:,} times: {kind}\n  packet {number} of {before.who}"
            text += f" at {before.began:.3f}: {_shown(before.packet)}\n"
            text += f"  before: {_told(before)}\n  now:    {_told(now)}\n\n"
        return text


def _kinds(before: Note, now: Note) -> "list[str]":
    kinds = []
    if before.replies != now.replies:
        kinds.append(_reply_kind(before.replies, now.replies))
    if before.labels != now.labels:
        kinds.append(_label_kind(before.labels, now.labels))
    if before.asked != now.asked:
        kinds.append(_asked_kind(before.asked, now.asked))
    if before.observed != now.observed:
        kinds.append("told to observers")
    if before.replies and (before.ended, before.replies) != (now.ended, before.replies):
        kinds.append("time of the reply")
    return kinds


def _reply_kind(before: list[bytes], now: list[bytes]) -> str:
    if len(before) != len(now):
        return f"replies: {len(before)} before, {len(now)} now"
    one, other = before[0], now[0]
    if one[:2] != other[:2]:
        return "reply: ID"
    if one[2:4] != other[2:4]:
        return f"reply: flags and rcode, {one[2:4].hex()} before, {other[2:4].hex()} now"
    try:
        first, second = DNSRecord.parse(one), DNSRecord.parse(other)
    except (DNSError, ValueError, IndexError):
        return "reply: octets, in a message that dnslib does not read"
    for part in ("questions", "rr", "auth", "ar"):
        was, became = getattr(first, part), getattr(second, part)
        if list(map(str, was)) != list(map(str, became)):
            return f"reply: {part}{_only_ttl(was, became)}"
    return "reply: octets, with the same records"


def _only_ttl(was: Any, became: Any) -> str:
    def bare(records: Any) -> list[tuple[str, ...]]:
        return [(str(r.rname), str(r.rtype), str(r.rdata)) for r in records]

    if not was or not hasattr(was[0], "rdata"):
        return ""
    if bare(was) == bare(became):
        return ", TTL only"
    return ", order only" if sorted(bare(was)) == sorted(bare(became)) else ""


def _label_kind(before: list[Any], now: list[Any]) -> str:
    if len(before) != len(now):
        return f"counts: {len(before)} before, {len(now)} now"
    (was, *_), (became, *_) = before, now
    if len(was) != len(_LABELS):
        return "totals"
    changed = (
        f"{label} {one or '(none)'} -> {other or '(none)'}"
        for label, one, other in zip(_LABELS, was, became, strict=True)
        if one != other
    )
    return "counted as: " + ", ".join(changed)


def _asked_kind(before: list[Any], now: list[Any]) -> str:
    if [each[1:] for each in before] == [each[1:] for each in now]:
        return "asked upstream at another time"
    if [each[2:] for each in before] == [each[2:] for each in now]:
        return "asked another server of the group"
    return f"asked upstream: {len(before)} times before, {len(now)} now"


def _told(note: Note) -> str:
    parts = [_shown(each) for each in note.replies] or ["no reply"]
    parts += [str(each) for each in note.labels]
    parts += [f"{at:.3f} {server} {over} {what.hex()}" for at, server, over, what in note.asked]
    parts += [str(each) for each in note.observed]
    parts.append(f"ended {note.ended:.4f}")
    return "\n          ".join(parts)


def _shown(octets: bytes) -> str:
    try:
        return f"{octets.hex()} {DNSRecord.parse(octets).short()!r} {_question(octets)}"
    except (DNSError, ValueError, IndexError):
        return octets.hex()


def _question(octets: bytes) -> str:
    record = DNSRecord.parse(octets)
    return str(record.q).lstrip(";") if record.questions else ""

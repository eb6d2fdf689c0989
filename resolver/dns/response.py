"""Scan a response: check every octet, and find what policy and cache need.

``scan`` walks all records of all sections once and notes their offsets. It checks names but does
not build them: for each offset at which a label starts, it keeps the length of the name from
there on. A compression pointer must lead to such an offset. So no octet is walked twice, each
pointer of a chain costs one step, and no name can run through a TTL, which changes as the record
ages. ``Response.name_at`` builds a name when it is needed; ``dns.scanned_record`` reads records.

What must stay true:
- ``scan`` is total: any bytes give a ``Response`` or ``None``, in time linear in their length.
  Any conforming reader can parse the packet of a ``Response``, whatever its TTLs become.
- ``Response.end`` is the offset of the OPT. OPT is hop by hop (RFC 6891 section 6.2.6), and
  a record behind it (a TSIG for this server) is not for the client either.
"""

from typing import Final

from resolver.dns import codes, rdata
from resolver.dns.codes import HEADER
from resolver.dns.names import MAX_LABEL, MAX_NAME, ROOT
from resolver.dns.render import QNAME_POINTER

ANSWER: Final = 0
AUTHORITY: Final = 1
ADDITIONAL: Final = 2

MAX_RECORDS: Final = 640
"""The most records of a response that are read, or written anew, one by one."""
_WORK: Final = 8
_REPEATED_WORK: Final = 3
_MAX_WORK: Final = MAX_RECORDS * _WORK
"""The work that a response of more than ``MAX_RECORDS`` may take, so that none takes over 5 ms.

A record takes ``_WORK``; one that repeats owner and type of the record before ``_REPEATED_WORK``,
or 1 if it is an address. So an RRset of addresses may have as many records as a message holds, and
an RRset of another type 1,705."""

_QNAME: Final = int.from_bytes(QNAME_POINTER, "big")
_MAX_ERROR_TEXT: Final = 200
"""Octets of the text of an Extended DNS Error that go to the client (RFC 8914 section 2)."""
TOP_BIT: Final = 0x80000000
"""A TTL with this bit counts as 0 (RFC 2181 section 8)."""
_ADDRESS_LENGTH: Final[dict[int, int]] = {codes.A: 4, codes.AAAA: 16}


class Response:
    """A response that was scanned to its last octet."""

    __slots__ = (
        "_least",
        "_names",
        "_noted",
        "_sections",
        "_work",
        "at",
        "counts",
        "end",
        "ends",
        "errors",
        "flags",
        "has_opt",
        "heads",
        "is_indirect",
        "lengths",
        "max_ttl",
        "min_ttl",
        "owner_offsets",
        "packet",
        "qname_end",
        "qtype",
        "question_end",
        "rcode",
        "soa_at",
        "type_offsets",
    )

    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.flags = packet[2] << 8 | packet[3]
        self.rcode = self.flags & codes.RCODE
        """The rcode, with its upper bits from the OPT (RFC 6891 section 6.1.3)."""
        self.qname_end = self.question_end = 0
        """The offset behind the qname, and behind the question section."""
        self.qtype = 0
        self.end = 0
        """The offset behind the last record; an OPT starts here."""
        self.owner_offsets: list[int] = []
        """The offset of each record's owner, also of the OPT and of the records behind it."""
        self.type_offsets: list[int] = []
        """The offset of each record's type, behind its owner."""
        self._sections = [0, 0, 0]
        self.counts = (0, 0, 0)
        """The numbers of records by section, without the OPT and the records behind it."""
        self.ends: list[int] = []
        """The offset behind each section."""
        self._least: list[int] = []
        """The smallest TTL up to the end of each section."""
        self.is_indirect = False
        """Whether some answer record has another type than the question, a target, or an owner that
        is not the pointer to the qname."""
        self.min_ttl = 0x7FFFFFFF
        self.max_ttl = 0
        """The largest TTL in the packet; one with its top bit set is not counted as 0 here."""
        self.soa_at = 0
        """The offset of the type of the first SOA record in the authority section."""
        self.errors: list[bytes] = []
        """Extended DNS Errors, each as the data of its option (RFC 8914 section 2)."""
        self.has_opt = False
        self.lengths: dict[int, int] = {}
        """By the offset of a label, the length of the name from there on, in octets."""
        self._names: dict[int, bytes] = {}
        """The names that were built, by their offsets."""
        self.heads: list[int] = []
        """In a response of more than ``MAX_RECORDS``: the numbers of the answer records that do not
        just repeat owner and type of the record before."""
        self._work = 0
        self._noted = 0
        """How many of the first owners are in ``lengths``."""
        self.at = HEADER

    def keep(self, last: int) -> None:
        """Forget the records of all sections behind this one."""
        kept = sum(self._sections[: last + 1])
        del self.type_offsets[kept:]
        self._sections = [count if n <= last else 0 for n, count in enumerate(self._sections)]
        self.counts = (self._sections[0], self._sections[1], self._sections[2])
        self.end, self.min_ttl = self.ends[last], self._least[last]

    @property
    def name(self) -> bytes:
        """The qname in lower case."""
        return self.packet[HEADER : self.qname_end].lower()

    @property
    def question(self) -> bytes:
        """The question section, with the qname in lower case."""
        return self.name + self.packet[self.qname_end : self.question_end]

    def section_of(self, number: int) -> int:
        """The section of the record with this number."""
        if number < self._sections[ANSWER]:
            return ANSWER
        return AUTHORITY if number < self._sections[ANSWER] + self._sections[AUTHORITY] else 2

    def name_at(self, at: int) -> bytes:
        """Build the name at an offset that the scan has checked: lower case, uncompressed.

        The names at all labels and pointers on the way are kept, so none is walked twice.
        """
        packet, built = self.packet, self._names
        if not built:
            built[HEADER] = self.name
        steps = []
        name = built.get(at)
        while name is None:
            length = packet[at]
            if length == 0:
                name = ROOT
                break
            steps.append(at)
            if length > MAX_LABEL:
                at = (length & 0x3F) << 8 | packet[at + 1]
            else:
                at += 1 + length
            name = built.get(at)
        for step in reversed(steps):
            length = packet[step]
            if length <= MAX_LABEL:
                name = packet[step : step + 1 + length].lower() + name
            built[step] = name
        return name

    def read(self, total: int) -> bool:
        """Scan a packet of so many records; False if it is malformed, or takes too much work."""
        packet = self.packet
        self.qname_end = self._question_end()
        self.question_end = self.qname_end + 4
        if not self.qname_end or self.question_end > len(packet):
            return False
        self.qtype = packet[self.qname_end] << 8 | packet[self.qname_end + 1]
        self.at = self.question_end
        for section in range(3):
            count = packet[6 + 2 * section] << 8 | packet[7 + 2 * section]
            if total > MAX_RECORDS:
                if not self._many(section, count):
                    return False
                count = 0
            for _ in range(count):
                if not self._record(section):
                    return False
            self.ends.append(self.at)
            self._least.append(self.min_ttl)
        if not self.has_opt:
            self.end = self.at
        self.counts = (self._sections[0], self._sections[1], self._sections[2])
        return self.at == len(packet)

    def _question_end(self) -> int:
        """The offset behind the qname; 0 if it is malformed or has a compression pointer."""
        packet = self.packet
        at = HEADER
        while length := packet[at]:
            if length > MAX_LABEL:
                return 0
            at += 1 + length
        return at + 1 if at < HEADER + MAX_NAME else 0

    def _record(self, section: int) -> bool:
        """Check the record at ``at`` and move ``at`` behind it; False if it is malformed."""
        packet = self.packet
        start = self.at
        at = start + 2
        of_question = packet[start] << 8 | packet[start + 1] == _QNAME
        if not of_question:
            at = self._name(start)
            if not at:
                return False
        self.owner_offsets.append(start)
        rtype = packet[at] << 8 | packet[at + 1]
        ttl = packet[at + 4] << 24 | packet[at + 5] << 16 | packet[at + 6] << 8 | packet[at + 7]
        data = at + 10
        length = packet[at + 8] << 8 | packet[at + 9]
        end = data + length
        if end > len(packet):
            return False
        size = _ADDRESS_LENGTH.get(rtype)
        if length != size and (size or not self._rdata_fits(rtype, data, end)):
            return False
        self.at = end
        if rtype == codes.OPT:
            return self._opt(section, start, at, end)
        if self.has_opt:
            return True
        self.type_offsets.append(at)
        self._sections[section] += 1
        if ttl > self.max_ttl:
            self.max_ttl = ttl
        if ttl & TOP_BIT:
            ttl = 0
        if ttl < self.min_ttl:
            self.min_ttl = ttl
        if section == ANSWER:
            if not of_question or rtype != self.qtype or self._has_target(rtype, data):
                self.is_indirect = True
        elif section == AUTHORITY and rtype == codes.SOA and not self.soa_at:
            self.soa_at = at
        return True

    def _many(self, section: int, count: int) -> bool:
        """Read a section of a response with many records; False as ``read``."""
        end = len(self.owner_offsets) + count
        while len(self.owner_offsets) < end:
            start = self.at
            if section == ANSWER:
                self.heads.append(len(self.type_offsets))
            self._work += _WORK
            if self._work > _MAX_WORK or not self._record(section):
                return False
            if not self.has_opt and not self._repeats(section, start, end):
                return False
        return True

    def _repeats(self, section: int, start: int, most: int) -> bool:
        """Read what repeats owner and type of the record at ``start``, up to ``most`` in all."""
        packet, owners, types, lengths = (
            self.packet,
            self.owner_offsets,
            self.type_offsets,
            self.lengths,
        )
        head = packet[start : start + 4]
        rtype = head[2] << 8 | head[3]
        if head[0] <= MAX_LABEL or rtype in rdata.TARGET_AT:
            return True
        size = _ADDRESS_LENGTH.get(rtype)
        work = 1 if size else _REPEATED_WORK
        begun = len(owners)
        most = min(most, begun + (_MAX_WORK - self._work) // work + 1)
        rest, at = lengths.get(start, 0), self.at
        least = longest = packet[start + 6 : start + 10]
        while len(owners) < most and packet[at : at + 4] == head:
            owners.append(at)
            if rest:
                lengths[at] = rest
            types.append(at + 2)
            length = packet[at + 10] << 8 | packet[at + 11]
            ttl = packet[at + 6 : at + 10]
            if ttl < least:
                least = ttl
            elif ttl > longest:
                longest = ttl
            at += 12
            if length != size and (size or not self._rdata_fits(rtype, at, at + length)):
                return False
            at += length
        self.at = at
        self._note_ttl(int.from_bytes(least, "big"))
        self._note_ttl(int.from_bytes(longest, "big"))
        repeated = len(owners) - begun
        self._sections[section] += repeated
        self._work += repeated * work
        return at <= len(packet) and self._work <= _MAX_WORK

    def _note_ttl(self, ttl: int) -> None:
        self.max_ttl = max(self.max_ttl, ttl)
        self.min_ttl = min(self.min_ttl, 0 if ttl & TOP_BIT else ttl)

    def _has_target(self, rtype: int, data: int) -> bool:
        target = rdata.TARGET_AT.get(rtype)
        return target is not None and self.packet[data + target] != 0

    def _opt(self, section: int, start: int, at: int, end: int) -> bool:
        """Read the OPT; there may be one, in the additional section, with the root as its owner."""
        packet = self.packet
        if self.has_opt or section != ADDITIONAL or self.name_at(start) != ROOT:
            return False
        self.has_opt = True
        self.end = start
        self.rcode |= packet[at + 4] << 4
        option = at + 10
        while option < end:
            length = packet[option + 2] << 8 | packet[option + 3]
            if packet[option] << 8 | packet[option + 1] == codes.EDE and length >= 2:
                self.errors.append(_readable(packet[option + 4 : option + 4 + length]))
            option += 4 + length
        return True

    def _rdata_fits(self, rtype: int, at: int, end: int) -> bool:
        """Whether the RDATA has the layout of its type."""
        layout = rdata.LAYOUTS.get(rtype)
        if layout is None:
            return True
        for part in layout:
            if part >= 0:
                at += part
            elif part == rdata.NAME:
                at = self._name(at)
                if not at:
                    return False
            elif part == rdata.STRING:
                at += 1 + self.packet[at]
            else:
                at = self._tail(part, at, end)
            if at > end:
                return False
        return at == end

    def _tail(self, part: int, at: int, end: int) -> int:
        """Check a part that fills the rest of the RDATA; the offset at which it ends."""
        packet = self.packet
        if part == rdata.REST:
            return end
        if part == rdata.STRINGS:
            at += 1 + packet[at]  # at least one
            while at < end:
                at += 1 + packet[at]
            return at
        previous = -1
        while at < end:
            if part == rdata.PARAMS:
                key = packet[at] << 8 | packet[at + 1]
                if key <= previous:
                    return end + 1
                previous = key
            at += 4 + (packet[at + 2] << 8 | packet[at + 3])
        return at

    def _name(self, at: int) -> int:
        """Check the name at an offset; the offset behind it, or 0 if it is malformed."""
        packet, lengths = self.packet, self.lengths
        if not lengths:
            self._note_question()
        starts = []
        while length := packet[at]:
            if length > MAX_LABEL:
                if length < 0xC0:
                    return 0
                rest = self._length_from((length & 0x3F) << 8 | packet[at + 1])
                if not rest:
                    return 0
                lengths[at] = rest  # a later pointer may point to this pointer
                end = at + 2
                break
            starts.append(at)
            at += 1 + length
        else:
            rest = lengths[at] = 1
            end = at + 1
        for start in reversed(starts):
            rest += 1 + packet[start]
            lengths[start] = rest
        return end if rest <= MAX_NAME else 0

    def _length_from(self, at: int) -> int:
        """The length of the name at an offset, in octets; 0 if no label starts there."""
        lengths = self.lengths
        if at not in lengths:
            # The scan of a record does not note an owner that is a pointer to the qname.
            for owner in self.owner_offsets[self._noted :]:
                lengths.setdefault(owner, self.qname_end - HEADER)
            self._noted = len(self.owner_offsets)
        return lengths.get(at, 0)

    def _note_question(self) -> None:
        """Note the labels of the qname, so that pointers may point to them."""
        at = HEADER
        while length := self.packet[at]:
            self.lengths[at] = self.qname_end - at
            at += 1 + length
        self.lengths[at] = 1


def scan(packet: bytes) -> Response | None:
    """Scan a packet that should be a response with one question; None if it is malformed."""
    if len(packet) < HEADER or not packet[2] & 0x80 or packet[4:6] != b"\x00\x01":
        return None
    counts = packet[6:HEADER]
    total = (counts[0] + counts[2] + counts[4] << 8) + counts[1] + counts[3] + counts[5]
    response = Response(packet)
    try:
        return response if response.read(total) else None
    except IndexError:
        return None


def _readable(error: bytes) -> bytes:
    """An Extended DNS Error with its text shortened; without a text if that is not UTF-8."""
    try:
        text = error[2:].decode()
    except UnicodeDecodeError:
        return error[:2]
    return error[:2] + text.encode()[:_MAX_ERROR_TEXT].decode(errors="ignore").encode()

"""A question for an upstream group: what the cache keeps an answer by, and upstreams are asked."""

from resolver.dns import names
from resolver.dns.render import QueryShape


class UpstreamQuestion:
    """A name, a type, DO and CD, and the group that is asked."""

    __slots__ = ("checking_disabled", "dnssec_ok", "group", "key", "name", "qtype")

    def __init__(self, name: bytes, shape: QueryShape, group: bytes) -> None:
        self.name = name
        """Lower-case wire form."""
        self.qtype = shape.qtype
        self.dnssec_ok = shape.dnssec_ok
        self.checking_disabled = shape.checking_disabled
        self.group = group
        """The upstream group's name."""
        self.key = cache_key(name, shape, group)


def cache_key(name: bytes, shape: QueryShape, group: bytes) -> bytes:
    """What makes two questions the same: a name ends with its root label, so none is ambiguous."""
    return name + shape.key + group


def is_key_within(key: bytes, zone: bytes) -> bool:
    """Whether the name of a key is the zone's own or lies below it."""
    end = 0
    while length := key[end]:
        end += 1 + length
    return names.is_within(key[: end + 1], zone)

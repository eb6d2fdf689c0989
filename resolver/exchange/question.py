"""A question for an upstream group. Its key is the key of the answer cache."""

from resolver.dns import codes, names
from resolver.dns.render import PROFILE_KEY, QueryProfile


class UpstreamQuestion:
    """A name, a type, DO, CD, and an upstream group."""

    __slots__ = (
        "_profile",
        "checking_disabled",
        "dnssec_ok",
        "entry_key",
        "group",
        "key",
        "name",
        "qtype",
    )

    def __init__(self, name: bytes, profile: QueryProfile, group: bytes, key: bytes = b"") -> None:
        """``key`` is what ``cache_key`` gives for these, if the caller has it."""
        self._profile = profile
        self.name = name
        """Lower-case wire form."""
        self.qtype = profile.upstream_type
        self.dnssec_ok = profile.dnssec_ok
        self.checking_disabled = profile.flags & codes.CD != 0
        self.group = group
        """The name of the upstream group."""
        self.key = key or cache_key(name, profile, group)
        self.entry_key = self.key
        """The key of the cache entry that its answer becomes."""

    def to(self, group: bytes) -> "UpstreamQuestion":
        """The same question for another group, which answers in the place of its own."""
        made = UpstreamQuestion(self.name, self._profile, group, self.key + group)
        made.entry_key = self.entry_key
        return made


def cache_key(name: bytes, profile: QueryProfile, group: bytes) -> bytes:
    """The key of a question. A name ends with its root label, so no two questions share a key."""
    return name + profile.key + group


def name_of_key(key: bytes) -> bytes:
    """The name of a question by its key."""
    return names.first_in(key)


def type_of_key(key: bytes) -> bytes:
    """The type of a question by its key, in two octets."""
    end = len(name_of_key(key))
    return key[end : end + 2]


def group_of_key(key: bytes) -> bytes:
    """The upstream group of a question by its key."""
    return key[len(name_of_key(key)) + PROFILE_KEY :]


def is_key_within(key: bytes, zone: bytes) -> bool:
    """Whether the name in a key equals the zone or lies below it."""
    return names.is_within(name_of_key(key), zone)

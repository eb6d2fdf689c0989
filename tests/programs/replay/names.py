"""The names that a replay asks for, by kind; ``upstream`` answers each kind in its own way."""

import random
import string
from collections.abc import Callable

BLOCKED = (
    *("telegram.org", "web.telegram.org", "t.me", "www.t.me", "viber.com", "a.b.viber.com"),
    *("shared.example", "www.shared.example", "exact.telegram.example", "dns.google"),
    *("g.whatsapp.net", "games.example.org", "a.games.example.org", "use-application-dns.net"),
)
"""Blocked for some VLANs at least."""
NEAR = (
    *("open.telegram.org", "x.open.telegram.org", "status.telegram.org", "notelegram.org"),
    *("sub.exact.telegram.example", "www.dns.google", "org", "telegram.org.example.org", "."),
    *("t\\.me", "a.status.telegram.org", "me"),
)
"""Names beside blocked ones: exceptions, allowed names, lookalikes."""
LOCAL = (
    *("printer.agency.internal", "scanner.agency.internal", "absent.printer.agency.internal"),
    *("localhost", "a.localhost", "a.onion", "onion", "x.invalid", "x.test", "x.home.arpa"),
    *("1.0.0.127.in-addr.arpa", "1.0.168.192.in-addr.arpa", "_dns.resolver.arpa", "resolver.arpa"),
    *("x.local", "8.e.f.ip6.arpa", "portal.example.org"),
)
"""Answered by the server itself, or nearly."""
FORWARDED = (
    *("a.agency.internal", "b.agency.internal", "half.agency.internal", "agency.internal"),
    *("5.0.0.10.in-addr.arpa", "a.partner.example", "led.partner.example"),
    "missing.partner.example",
)
"""In zones that are forwarded, in most of the configs."""
WAYS = (
    *("plain", "alias", "led", "half", "missing", "nosoa", "empty", "fail", "refuse", "formerr"),
    *("big", "huge", "silent", "late", "unreachable", "flaky", "wrongid", "wrongname", "broken"),
    *("https", "dname", "signed", "rich", "error", "short", "zero", "topbit", "mutated"),
    *("loop", "toblocked", "tolocal", "toforward", "chain", "notaquery", "crowded", "text"),
)
"""How an upstream answers a name whose first label begins so; see ``upstream``."""
_ZONES = ("example.org", "example.com", "gov.example", "x.y.example.net")


def wire(name: str) -> bytes:
    """A name in wire form; ``\\.`` is a dot within a label."""
    labels = name.replace("\\.", "\0").rstrip(".").split(".")
    octets = [label.replace("\0", ".").encode("latin-1") for label in labels if label]
    return b"".join(bytes((len(each),)) + each for each in octets) + b"\0"


def _blocked(rng: random.Random) -> str:
    name = rng.choice(BLOCKED)
    if rng.random() < 0.4:
        return name
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(1, 30))) + "." + name


def _usual(rng: random.Random) -> str:
    """A name of a few that are asked for often."""
    rank = min(int(rng.paretovariate(0.7)), 300)
    return f"{WAYS[rank % len(WAYS)]}{rank}.{_ZONES[rank % len(_ZONES)]}"


def _new(rng: random.Random) -> str:
    """A name that nobody is likely to have asked for."""
    return f"{rng.choice(WAYS)}{rng.randrange(10**9)}.{rng.choice(_ZONES)}"


def _plain(rng: random.Random) -> str:
    return f"plain{rng.randrange(10**9)}.{rng.choice(_ZONES)}"


def _long(rng: random.Random) -> str:
    labels = ["x" * rng.choice((1, 30, 62, 63)) for _ in range(rng.randint(1, 6))]
    name = ".".join(("plain", *labels, "example.org"))
    return name if len(wire(name)) <= 255 else name[-200:].lstrip(".")


KINDS: dict[str, tuple[float, Callable[[random.Random], str]]] = {
    "usual": (40, _usual),
    "new": (6, _new),
    "plain": (4, _plain),
    "blocked": (22, _blocked),
    "near": (6, lambda rng: rng.choice(NEAR)),
    "local": (6, lambda rng: rng.choice(LOCAL)),
    "forwarded": (6, lambda rng: rng.choice(FORWARDED)),
    "long": (0.5, _long),
}
"""Each kind's share of the queries, and what makes a name of it."""

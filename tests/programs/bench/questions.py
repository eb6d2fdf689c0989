"""What is asked and what is blocked: made up, and the same every time.

No real list and no real traffic is needed, and two runs on two days measure the same work.
A name's kind is written into it, so that a blocked name is never also one to be answered.
"""

import itertools
import random
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

SUFFIXES = ("com", "net", "org", "ir", "app", "co.uk")
FULL = "full"
"""The zone whose answers come with authority and additional records."""
TYPES = ("A", "AAAA", "HTTPS")
_TYPE_WEIGHTS = (60, 25, 15)
_BLOCKED_SHARE = 0.3
STEADY = 5
"""Seconds of a workload with a rate."""
_MIX_MISSED, _MIX_BLOCKED = 0.15, 0.10

Question = tuple[str, str]
"""A name and the type that is asked for."""


@dataclass(frozen=True)
class Counts:
    """How much of everything there is."""

    blocked: int = 100_000
    cached: int = 10_000
    hits: int = 200_000
    misses: int = 40_000
    few_misses: int = 20_000
    mix: int = 100_000
    blocks: int = 100_000
    tcp: int = 60_000
    clients: int = 250


QUICK = Counts(100_000, 2_000, 40_000, 8_000, 4_000, 20_000, 20_000, 10_000, clients=50)
"""For a rough figure; the list is as long, since what a look-up costs depends on that."""


@dataclass(frozen=True)
class Data:
    """Everything that a run needs, as names and questions."""

    blocked: list[str]
    warmup: list[Question]
    """Every question that a hit may ask of the cache, once."""
    workloads: dict[str, list[Question]]


def make(counts: Counts, rates: Mapping[str, int] = MappingProxyType({})) -> Data:
    """All names and questions of a run; ``rates`` has the workloads at so many queries a second."""
    rng = random.Random(20261124)
    blocked = _names(rng, "b", counts.blocked)
    cached = [_host(rng) + name for name in _names(rng, "c", counts.cached)]
    missed, few, full = (
        [_host(rng) + name for name in _names(rng, kind, count)]
        for kind, count in (("m", counts.misses), ("f", counts.few_misses), ("z", counts.misses))
    )
    workloads = {
        "hits": list(_hits(rng, blocked, cached, counts.hits)),
        "misses": [(name, _type(rng)) for name in missed],
        "misses-20": [(name, _type(rng)) for name in few],
        "misses-full": [(f"{name}.{FULL}", _type(rng)) for name in full],
        "blocks": [
            (_under(rng, name), _type(rng)) for name in rng.choices(blocked, k=counts.blocks)
        ],
        "tcp": list(_hits(rng, blocked, cached, counts.tcp)),
        "mix": list(_mix(rng, blocked, cached, counts.mix)),
    }
    for name, rate in rates.items():
        kind = name.partition("-")[0]
        if kind == "misses":
            new = _names(rng, f"s{rate}x", rate * STEADY)
            workloads[name] = [(_host(rng) + text, _type(rng)) for text in new]
        else:
            workloads[name] = workloads[kind]
    return Data(blocked, list(itertools.product(cached, TYPES)), workloads)


def _names(rng: random.Random, kind: str, count: int) -> list[str]:
    words = (
        "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9))) for _ in range(count)
    )
    return [f"{word}-{kind}{n}.{rng.choice(SUFFIXES)}" for n, word in enumerate(words)]


def _host(rng: random.Random) -> str:
    return rng.choice(("", "www.", "api.", "cdn.static.", "img3."))


def _type(rng: random.Random) -> str:
    return rng.choices(TYPES, _TYPE_WEIGHTS)[0]


def _under(rng: random.Random, name: str) -> str:
    """A blocked name as it is asked for: itself, its site, or what nobody has asked before."""
    match rng.randrange(3):
        case 0:
            return name
        case 1:
            return "www." + name
    return "".join(rng.choices(string.ascii_lowercase + string.digits, k=12)) + "." + name


def _hits(
    rng: random.Random, blocked: list[str], cached: list[str], count: int
) -> Iterator[Question]:
    for name in _popular(rng, cached, count):
        if rng.random() < _BLOCKED_SHARE:
            yield _under(rng, rng.choice(blocked)), _type(rng)
        else:
            yield name, _type(rng)


def _mix(
    rng: random.Random, blocked: list[str], cached: list[str], count: int
) -> Iterator[Question]:
    """As in an office: most is in the cache, some is new, some is blocked."""
    new = iter(_names(rng, "x", count))
    for name in _popular(rng, cached, count):
        share = rng.random()
        if share < _MIX_MISSED:
            yield _host(rng) + next(new), _type(rng)
        elif share < _MIX_MISSED + _MIX_BLOCKED:
            yield _under(rng, rng.choice(blocked)), _type(rng)
        else:
            yield name, _type(rng)


def _popular(rng: random.Random, cached: list[str], count: int) -> list[str]:
    """Few names are asked for often, as everywhere: Zipf's law with exponent 1."""
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(cached) + 1)))
    return rng.choices(cached, cum_weights=weights, k=count)


def blocklist(blocked: Iterable[str]) -> str:
    """The list as Darban reads it."""
    headers = (
        "! Title: Made up for the benchmark\n! Category: messenger\n"
        "! Source: tests/programs/bench\n! Reviewed: 2026-11-24\n\n"
    )
    return headers + "".join(f"||{name}^\n" for name in blocked)


def domains(blocked: Iterable[str]) -> str:
    """The list as bare names, each for itself and all below it."""
    return "".join(f"{name}\n" for name in blocked)


def response_policy_zone(blocked: Iterable[str]) -> str:
    """The list as a response policy zone."""
    head = (
        "$ORIGIN rpz.bench.\n$TTL 300\n"
        "@ SOA localhost. root.localhost. 1 3600 600 86400 300\n@ NS localhost.\n"
    )
    return head + "".join(f"{name} CNAME .\n*.{name} CNAME .\n" for name in blocked)


def write_questions(path: Path, questions: Iterable[Question]) -> None:
    """A file that dnsperf reads."""
    path.write_text("".join(f"{name} {qtype}\n" for name, qtype in questions))

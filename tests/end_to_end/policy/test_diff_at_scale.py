"""A candidate that adds one service: what diff says beforehand holds after the reload.

The names are the popular ones where the project's shared data is, else made up.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.live.commands import GOOD, darban, diff
from tests.live.configs import BLOCKLISTS, ROOT, replaced_once
from tests.live.questions import Question, answers
from tests.live.server import Server

POPULAR = ROOT.parent / "shared" / "data" / "popular-names.txt"
QUESTIONS = 100_000
NAMES = 5_000
CLIENT = "127.0.10.5"
BLOCKED = b"noc@agency.example"
"""The contact stands in the text of every blocked answer, and in no other."""
SERVICE = "added"
_UNLIMITED = "[limits]\nqueries_per_address = 1_000_000\nqueries_per_prefix = 1_000_000\n"


def names() -> list[str]:
    if POPULAR.is_file():
        return POPULAR.read_text(encoding="ascii").split()[:NAMES]
    made = [f"n{n}.{'xyz'[n % 3]}d{n % 400}.example" for n in range(NAMES - 3)]
    return [*made, "web.telegram.org", "wa.me", "www.viber.com"]


def rules(known: Sequence[str]) -> list[str]:
    """Names alone, names with all below, parents of names, and exceptions."""
    some = [name for name in known if name.count(".") >= 2]
    chosen = random.Random(1).sample(some, 60)
    parents = [name.partition(".")[2] for name in chosen[:20] if name.count(".") >= 3]
    return [
        *(f"||{name}^" for name in dict.fromkeys([*chosen[:30], *parents])),
        *(f"|{name}^" for name in chosen[30:50]),
        *(f"@@||{name}^" for name in [*chosen[:5], *chosen[50:]]),
    ]


def covered(name: str, lines: Sequence[str]) -> bool:
    """Whether a list covers a name: slow, and plain to see."""

    def by(mark: str, *, below: bool) -> bool:
        targets = [line.removeprefix(mark)[:-1] for line in lines if line.startswith(mark)]
        return any(name == each or (below and name.endswith("." + each)) for each in targets)

    blocks = by("||", below=True) or by("|", below=False)
    return blocks and not by("@@||", below=True)


def candidate(server: Server, lines: Sequence[str]) -> None:
    """new.toml beside the server's config: the same with one more service."""
    more = server.directory / "more"
    more.mkdir()
    head = "! Title: Added\n! Category: messenger\n"
    (more / f"{SERVICE}.txt").write_text(head + "\n".join(lines), encoding="ascii")
    text = server.config.read_text(encoding="utf-8")
    old = f'directories = ["{BLOCKLISTS}"]'
    new = replaced_once(text, old, f'directories = ["{BLOCKLISTS}", "more"]')
    (server.directory / "new.toml").write_text(new, encoding="utf-8")


def blocked(server: Server, asked: Sequence[Question]) -> dict[Question, bool]:
    got = answers(server.port, CLIENT, asked)
    return {question: BLOCKED in answer for question, answer in zip(asked, got, strict=True)}


def test_a_service_that_is_added_blocks_what_diff_has_said(
    make_shipped: Callable[[], Server], figure: Callable[[str], None]
) -> None:
    known = names()
    lines = rules(known)
    chance = random.Random(2)
    asked: list[Question] = [
        (chance.choice(known), chance.choice(["A", "AAAA", "HTTPS"])) for _ in range(QUESTIONS)
    ]
    distinct = sorted(set(asked))
    server = make_shipped()
    text = server.config.read_text(encoding="utf-8") + _UNLIMITED
    server.config.write_text(text, encoding="utf-8")
    server.start()
    before = blocked(server, distinct)
    by_list = {name: covered(name, lines) for name in known}
    expected = Counter(each for each in asked if by_list[each[0]] and not before[each])
    assert len(expected) > 50

    candidate(server, lines)
    place: Path = server.directory
    text = "".join(f"{name} {rtype}\n" for name, rtype in asked)
    (place / "asked.txt").write_text(text, encoding="ascii")
    began = time.monotonic()
    found = diff("new.toml", "--queries", "asked.txt", "--vlan", "administration", at=place)
    took = time.monotonic() - began
    [turn] = found["questions"]["changed"]
    said = {(each["name"], t): n for each in turn["names"] for t, n in each["types"].items()}
    assert (turn["old"], turn["new"], turn["service"]) == ("passed", "blocked", SERVICE)
    assert said == dict(expected)

    (place / "config.toml").write_bytes((place / "new.toml").read_bytes())
    assert darban("reload", at=place).code == GOOD
    after = blocked(server, distinct)
    assert {each for each in distinct if after[each] != before[each]} == said.keys()
    assert all(after[each] for each in said)
    figure(
        f"darban diff of {len(asked)} questions took {took:.1f} s and named {len(said)}; after "
        f"the reload the server agreed on all {len(distinct)} different ones"
    )

"""Names that must never be blocked in administration.

The long lists go through the real engine (``explanation.Engine`` on the shipped config,
which is the engine that answers queries, without its sockets), so that 50,000 names take
seconds; the names that break a network when they are blocked are asked of the server too.
"""

import time
from collections.abc import Callable, Iterable

import pytest

from resolver.analysis.explanation import Explainer
from resolver.compiler.compilation import compile_file
from resolver.dns import codes, names
from resolver.policy.index import Index
from tests.lists.guard_sets import OPEN, guard_sets
from tests.live.clients import ask
from tests.live.configs import ROOT
from tests.live.server import Server

CLIENT = "127.0.10.5"
SETS = guard_sets()
ASKED = (*SETS["domestic messengers"], *(name for kind in OPEN.values() for name in kind))

Blocked = Callable[[Iterable[str]], list[str]]
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def blocked() -> Blocked:
    """Those of some names that an administrative client does not get, each with the reason."""
    snapshot = compile_file(ROOT / "config.toml", time.time()).snapshot
    engine = Explainer(snapshot.terms, Index(snapshot.trie, snapshot.rules), time.time())

    def of(texts: Iterable[str]) -> list[str]:
        told = (engine.for_client(CLIENT, names.parse(text), codes.A) for text in texts)
        return [f"{each.name}: {each.decided_by}" for each in told if each.outcome != "passed"]

    assert of(["web.telegram.org"]), "the engine must be one that blocks"
    return of


@pytest.mark.parametrize("kind", [kind for kind in SETS if "itself" not in kind])
def test_no_guarded_name(blocked: Blocked, figure: Figure, kind: str) -> None:
    found = blocked(SETS[kind])
    figure(f"{kind}: {len(found)} of {len(SETS[kind])} blocked")
    assert found == []


def test_the_server_agrees(quiet: Server, figure: Figure) -> None:
    texts = [name for name in ASKED if not name.endswith(".arpa")]
    got = {text: ask(quiet.port, text, client=CLIENT) for text in texts}
    blocked = [text for text, reply in got.items() if reply is None or _is_sinkholed(reply)]
    figure(f"asked of the server: {len(blocked)} of {len(texts)} blocked")
    assert blocked == []


def _is_sinkholed(reply: object) -> bool:
    records = getattr(reply, "rr", [])
    return not records or any(str(record.rdata) == "0.0.0.0" for record in records)

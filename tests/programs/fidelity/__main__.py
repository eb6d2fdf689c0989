"""``python -m tests.programs.fidelity``: is what Darban carries what its upstream said?

NSD serves zones with every kind of record, Unbound validates and resolves before it, and
Darban forwards to Unbound. Each question goes to Unbound, to Darban and to Unbound again;
Darban's reply must be as one of Unbound's, or differ for a reason that is known.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.live.programs import find
from tests.programs.attacks.client_side import ADMINISTRATION, PUBLICITY, ask_raw, ask_stream
from tests.programs.attacks.real_server import darban
from tests.programs.fidelity import asked_questions, comparing
from tests.programs.fidelity.asked_questions import Question
from tests.programs.fidelity.peers_of_darban import PROGRAMS, recursive
from tests.programs.fidelity.zone_texts import BLOCKED

IDENTICAL = "nothing: identical"
UNEXPLAINED = "unexplained"
_POLICY = f"""
[policies.strict]
deny = ["{BLOCKED}"]
[vlans.strict]
prefixes = ["{ADMINISTRATION}/32"]
policy = "strict"
[limits]
queries_per_address = 1_000_000
"""


def main() -> int:
    """Ask, compare, print; 1 where a difference has no known reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.fidelity", description=__doc__)
    parser.add_argument("--questions", type=int, default=5000, help="how many")
    parser.add_argument("--show", type=int, default=20, help="how many unexplained to show")
    options = parser.parse_args()
    if lacking := [program for program in PROGRAMS if not find(program)]:
        sys.stderr.write(f"fidelity needs {' and '.join(lacking)}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    comparison = compare(options.questions)
    print(document(comparison, options.show))
    return 1 if comparison.unexplained else 0


class Comparison:
    """All that was compared."""

    def __init__(self, unbound: int, port: int) -> None:
        self._unbound = unbound
        self._port = port
        self._began = time.monotonic()
        self._earlier: dict[tuple[str, str, bool, bool], list[comparing.Reply]] = {}
        self._any: set[tuple[str, str, bool, bool]] = set()
        """What Darban has asked Unbound for ANY, which Unbound itself was not asked."""
        self.counts: Counter[str] = Counter()
        """Replies by what they differ in."""
        self.kinds: Counter[str] = Counter()
        """What there was to Unbound's replies."""
        self.unexplained: list[str] = []

    def ask(self, question: Question, client: str) -> None:
        """Ask Unbound, Darban and Unbound again, and compare."""
        before = _ask(self._unbound, question, "127.0.0.1")
        ours = _ask(self._port, question, client)
        after = _ask(self._unbound, question, "127.0.0.1")
        if ours is None or before is None or after is None:
            lost = "no reply from " + ("Darban" if ours is None else "Unbound")
            self.counts[UNEXPLAINED] += 1
            self.unexplained.append(f"{question}: {lost}")
            return
        self.kinds.update(comparing.kinds(before))
        before, after = comparing.without_unjudged(before), comparing.without_unjudged(after)
        earlier = self._earlier.setdefault(question.asked_as, [])
        earlier += [reply for reply in (before, after) if reply not in earlier]
        if question.type == "ANY":
            self._any.add(question.forwarded_as)
        blocking = client == ADMINISTRATION
        why = self._why(question, ours, [before, after], earlier, blocking)
        self.counts[why] += 1
        if why == UNEXPLAINED:
            self.unexplained.append(f"{question}: {comparing.shown(ours, after)}")

    def _why(
        self,
        question: Question,
        ours: comparing.Reply,
        theirs: list[comparing.Reply],
        earlier: list[comparing.Reply],
        blocking: bool,
    ) -> str:
        """The reason for the least difference."""
        elapsed = time.monotonic() - self._began
        found = [comparing.differences(ours, reply) for reply in theirs]
        if not all(found):
            return IDENTICAL
        for reply, differing in zip(theirs, found, strict=True):
            why = comparing.reason(question, ours, reply, differing, elapsed, blocking)
            if why is not None:
                return why
        if any(comparing.differences(ours, reply) <= {"TTL"} for reply in earlier):
            return "as Unbound said earlier, and cached since"
        if question.asked_as in self._any and any(
            comparing.lacks_only_cached_error(ours, reply, elapsed) for reply in theirs
        ):
            return "EDE 5, which Unbound adds from its cache; ANY had asked for A before"
        return UNEXPLAINED


def compare(questions: int) -> Comparison:
    """Start all three servers, and ask that many questions."""
    with (
        tempfile.TemporaryDirectory(prefix="darban-fidelity-") as place,
        recursive(Path(place)) as unbound,
        darban([f"127.0.0.1:{unbound}"], more=_POLICY) as server,
    ):
        comparison = Comparison(unbound, server.port)
        for n, question in enumerate(asked_questions.draw(questions)):
            comparison.ask(question, ADMINISTRATION if n % 10 == 0 else PUBLICITY)
    return comparison


def _ask(port: int, question: Question, client: str) -> comparing.Reply | None:
    send = ask_stream if question.stream else ask_raw
    packet = send(port, question.packet, client)
    return None if packet is None else comparing.read(packet)


def document(comparison: Comparison, show: int) -> str:
    """What was seen, for people."""
    counts = comparison.counts
    lines = [f"{counts.total():,} questions of {len(asked_questions.TYPES)} types", ""]
    lines += ["| replies | differ by |", "|---|---|"]
    lines += [f"| {count:,} | {why} |" for why, count in counts.most_common()]
    if UNEXPLAINED not in counts:
        lines.append(f"| 0 | {UNEXPLAINED} |")
    told = ", ".join(f"{kind} {count:,}" for kind, count in comparison.kinds.most_common())
    return "\n".join([*lines, "", f"Unbound's replies: {told}", *comparison.unexplained[:show]])


if __name__ == "__main__":
    sys.exit(main())

# ruff: noqa: ANN401 - what a tree hands out is of a type of its own
"""What the adapters of both trees have in common."""

from typing import Any

from tests.programs.replay.agency import LISTS
from tests.programs.replay.note import Labels

CACHE = 256 << 20
"""Octets of the cache. Nothing is evicted: the size of an entry may differ between trees."""


class OneFile:
    """A config that is a single file, and its lists."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lists = [(text, name, f"blocklists/{name}.txt") for name, text in LISTS.items()]

    def read(self, path: str) -> str:  # noqa: ARG002 - there is but one
        return self.text

    def glob(self, pattern: str) -> list[str]:
        return [pattern]

    def pulled(self, path: str) -> str:
        return path


class Observing:
    """Notes what the engine tells its observers, and names what is counted."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        """Where to note it: the list of the packet at hand."""
        self.terms: Any = None
        """Of the snapshot in force."""
        self.wants_questions = self.wants_blocks = False

    def use(self, snapshot: Any, problems: Any) -> None:
        """Name what is counted, and hear, as this snapshot wants."""
        wrong = [str(each) for each in problems if each.severity == "error"]
        assert not wrong, wrong
        self.terms = snapshot.terms
        self.wants_blocks = self.wants_questions = snapshot.terms.settings.block_log is not None

    def labels(self, tally: Any) -> Labels:
        """How a query is counted, by names."""
        service = "" if tally.service < 0 else self.terms.services[tally.service].name
        vlan = "unknown" if tally.vlan < 0 else self.terms.vlans[tally.vlan].name
        return vlan, tally.outcome.label, service, tally.rcode, tally.qtype

    def asked(self, view: Any, query: Any) -> None:
        self.heard.append(("asked", self.terms.vlans[view.vlan].name, query.name, query.qtype))

    def blocked(self, address: str, view: Any, query: Any, verdict: Any) -> None:
        service = "" if verdict.service < 0 else self.terms.services[verdict.service].name
        source = self.terms.sources[verdict.source].file if verdict.source >= 0 else ""
        who = (address, self.terms.vlans[view.vlan].name, query.name, query.qtype)
        rule = (service, verdict.rule_text, source, verdict.outcome.label, verdict.target)
        self.heard.append(("blocked", *who, *rule))

    def refused(self, address: str) -> None:
        self.heard.append(("refused", address))

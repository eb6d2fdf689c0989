"""``extends``: a policy that begins as another one.

How it works: before validation, each table of a policy gets what it inherits. A validated model
has its defaults, and no longer knows what was written. Arrays of ``_ADDED`` get the elements of
the base before their own; another key replaces what it inherits. Each inherited value keeps its
place, so that a problem with it names the file and the line where it is written.

What must stay true:
- Nothing after validation knows of ``extends``, but for ``except``. It may name a service of a
  category, which the block lists define: so the compiler takes these out
  (``compiler/service_entries.py``).
- A policy whose base is not known is not in the config, and no problem follows from that.
"""

from collections.abc import Iterator, Mapping, Sequence

from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Document, Location, MergedDocument
from resolver.config.toml_lines import Path

_SECTION = "policies"
_ADDED = ("block", "count", "during", "deny", "allow", "directives")
_ONCE = ("deny", "allow", "directives")
"""Arrays in which an entry that is inherited already is not added again.

In ``block`` and ``count`` it is: ``except`` takes out what is inherited, and not what a policy
itself says.
"""
_NOT_INHERITED = ("title", "extends", "except")


def resolve(merged: MergedDocument) -> tuple[MergedDocument, list[Problem]]:
    """Give each policy what it inherits; a circle is a problem."""
    section = merged.document.get(_SECTION)
    policies = section if isinstance(section, dict) else {}
    resolved: Document = {}
    locations: dict[Path, Location] = dict(merged.locations)
    unresolved: set[Path] = set()
    problems: list[Problem] = []
    for name, table in policies.items():
        if not isinstance(table, dict) or "extends" not in table:
            continue
        chain = _chain(policies, name)
        if len(chain) > 1 and chain[-1] == name:
            problems.append(_circle(chain, merged.location((_SECTION, name, "extends"))))
        if _is_whole(policies, chain):
            resolved[name] = _table(merged, policies, chain, locations)
        else:
            unresolved.add((_SECTION, name))
    if not resolved and not unresolved:
        return merged, []
    document = {**merged.document, _SECTION: {**policies, **resolved}}
    return MergedDocument(document, locations, merged.complete, frozenset(unresolved)), problems


def _chain(policies: Mapping[str, object], name: str) -> list[str]:
    """A policy and those that it extends, the nearest first; at the end what cannot be extended.

    This is the first that extends none or is not there, or the one where a circle closes.
    """
    chain: list[str] = []
    base: object = name
    while isinstance(base, str):
        closed = base in chain
        chain.append(base)
        table = policies.get(base)
        base = table.get("extends") if isinstance(table, dict) and not closed else None
    return chain


def _is_whole(policies: Mapping[str, object], chain: Sequence[str]) -> bool:
    """Whether a chain ends with a policy that extends none."""
    last = policies.get(chain[-1])
    return isinstance(last, dict) and "extends" not in last


def _circle(chain: Sequence[str], location: Location) -> Problem:
    names = ", which extends ".join(chain[1:])
    expected = "a policy that does not extend this one"
    return location.problem(toml_text(chain[1]), expected, f"{chain[0]} extends {names}.")


def _table(
    merged: MergedDocument,
    policies: Mapping[str, object],
    chain: Sequence[str],
    locations: dict[Path, Location],
) -> Document:
    """The table of the first policy of a chain with what it inherits; ``locations`` gets places."""
    table: Document = {}
    elements: dict[str, list[tuple[object, Location]]] = {}
    for origin, key, value in _written(policies, chain):
        written_at = merged.location((_SECTION, origin, key))
        if key == "except":
            _take_out(elements, value)
        if key in _NOT_INHERITED and origin != chain[0]:
            continue
        table[key], locations[_SECTION, chain[0], key] = value, written_at
        if key in _ADDED and isinstance(value, list):
            inherited = elements.setdefault(key, [])
            known = [element for element, _ in inherited] if key in _ONCE else []
            added = [(element, written_at.at((place,))) for place, element in enumerate(value)]
            inherited += [pair for pair in added if pair[0] not in known]
    for key, pairs in elements.items():
        if isinstance(table[key], list):
            table[key] = [element for element, _ in pairs]
            for place, (_, location) in enumerate(pairs):
                locations[_SECTION, chain[0], key, place] = location
    return table


def _take_out(elements: dict[str, list[tuple[object, Location]]], exceptions: object) -> None:
    """Take out the entries that ``except`` repeats; the others may be a category that has it."""
    if isinstance(exceptions, list):
        for key in elements.keys() & {"block", "count"}:
            elements[key] = [pair for pair in elements[key] if pair[0] not in exceptions]


def _written(
    policies: Mapping[str, object], chain: Sequence[str]
) -> Iterator[tuple[str, str, object]]:
    """What the policies of a chain have, from its end: the policy, the key, the value.

    ``except`` comes before the other keys of its policy.
    """
    for origin in reversed(chain):
        table = policies[origin]
        assert isinstance(table, dict), "the chain is whole"
        for key in sorted(table, key=lambda key: key != "except"):
            yield origin, key, table[key]

"""Checks that several sections make of their values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv6Network

from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Provenance
from resolver.config.toml_lines import Path
from resolver.config.values import Address, Network
from resolver.dns import names


def repeated(
    what: str, values: Iterable[tuple[Path, object]], provenance: Provenance
) -> Iterator[Problem]:
    """Values that occur before, whatever their paths."""
    first: dict[str, Path] = {}
    for path, value in values:
        text = names.text(value) if isinstance(value, bytes) else str(value)
        before = first.setdefault(text, path)
        if before != path:
            advice = f"It is also at {provenance.location(before)}."
            yield provenance.problem(path, toml_text(text), f"each {what} once", advice)


def second_of_a_family(
    path: Path, addresses: Sequence[Address], provenance: Provenance
) -> Iterator[Problem]:
    """Addresses after the first of their family; ``path`` is that of the array."""
    families = [address.version for address in addresses]
    for index, family in enumerate(families):
        if family in families[:index]:
            text = toml_text(str(addresses[index]))
            yield provenance.problem((*path, index), text, f"one IPv{family} address at most")


def link_local(
    path: Path, prefixes: Sequence[Network], instead: str, provenance: Provenance
) -> Iterator[Problem]:
    """Link-local prefixes: every link has these addresses, so that they say nothing of a VLAN."""
    for index, prefix in enumerate(prefixes):
        if isinstance(prefix, IPv6Network) and prefix.is_link_local:
            advice = f"Every link has link-local addresses. Name the {instead} instead."
            text, expected = toml_text(str(prefix)), "a prefix of one network"
            yield provenance.problem((*path, index), text, expected, advice)


def not_one_of(
    one: str, other: str, table: Mapping[str, object], *, required: bool = True
) -> Iterator[tuple[str, str]]:
    """What is wrong with a table that is to have one of two keys; found, and expected.

    Where none is required, it has one at most.
    """
    if one in table and other in table:
        yield f"both {one} and {other}", "one of the two"
    elif required and one not in table and other not in table:
        yield f"no {one} or {other}", "one of the two"

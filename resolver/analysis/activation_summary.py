"""What an activation has changed for all names, as the audit log keeps it: plain and bounded.

Counts are whole. Of what is counted, a few are named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from resolver.system.stored import read_fields

Kind = Literal["opened", "closed", "counted", "uncounted", "otherwise"]
_BLOCKED: Final = "blocked"


@dataclass(frozen=True, slots=True)
class ChangedNames:
    """Names that changed alike on some VLANs, as ``name_changes.NameChange`` says."""

    how: str
    """``looser``, ``stricter`` or ``otherwise``."""
    service: str
    old: str
    new: str
    vlans: tuple[str, ...]
    """The first of them."""
    vlan_count: int
    hours: tuple[str, ...]
    classes: int
    examples: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """What happened to the names, in a word."""
        if self.old == self.new:
            return "otherwise"
        if _BLOCKED in (self.old, self.new):
            return "opened" if self.old == _BLOCKED else "closed"
        return "counted" if self.how == "stricter" else "uncounted"

    @property
    def more_vlans(self) -> int:
        """The VLANs that are not named."""
        return self.vlan_count - len(self.vlans)


@dataclass(frozen=True, slots=True)
class ChangedList:
    """A list of which rules are gone or added."""

    service: str
    file: str
    gone: int
    added: int
    examples: tuple[str, ...]
    """The first of both, such as ``-||t.me^``."""


@dataclass(frozen=True, slots=True)
class ActivationSummary:
    """The changes from what was in force before; exemptions have their own place in the record."""

    names: tuple[ChangedNames, ...] = ()
    """What opens comes first."""
    lists: tuple[ChangedList, ...] = ()
    moved_prefixes: tuple[str, ...] = ()
    """The first prefixes of clients whose VLAN has another name, who are not in ``names``."""
    left_out: int = 0
    """How many more of these three there were."""

    @property
    def changes_anything(self) -> bool:
        """Whether any name or list has changed for anybody."""
        return bool(self.names or self.lists or self.moved_prefixes)

    def services(self, kind: Kind) -> list[str]:
        """The services of names to which this happened, each once; empty for other names."""
        return list(
            dict.fromkeys(changed.service for changed in self.names if changed.kind == kind)
        )


def read_summary(plain: Mapping[str, Any] | None) -> ActivationSummary | None:
    """The summary of a record.

    Raises:
        TypeError: a field is missing.
        AttributeError: it is no object.
    """
    if plain is None:
        return None
    stored = read_fields(ActivationSummary, plain)
    return ActivationSummary(
        tuple(read_fields(ChangedNames, _with_tuples(changed)) for changed in stored.names),
        tuple(read_fields(ChangedList, _with_tuples(changed)) for changed in stored.lists),
        tuple(stored.moved_prefixes),
        stored.left_out,
    )


def _with_tuples(plain: Any) -> dict[str, Any]:  # noqa: ANN401 - what JSON has
    return {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}

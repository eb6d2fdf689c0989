"""The lookup of a name on the status page: the answer of ``darban explain``, or what is wrong.

Every user of this host can ask. So a client is answered as its whole VLAN is, or the page would
show which clients have an exemption; and an exemption of the VLAN is not named.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resolver.analysis.explanation import Explainer, Explanation
from resolver.analysis.step import step
from resolver.dns import codes, names
from resolver.dns.typed_name import typed_name

_LONGEST = 300
"""Characters of a name or a client; the form accepts no more."""


@dataclass(frozen=True, slots=True)
class NameLookup:
    """What was typed into the form, and the result."""

    who: str
    """A client's address or a VLAN."""
    name: str
    explanation: Explanation | None = None
    problem: str = ""
    """The key of the message that says what is wrong with the input."""
    wrong: Sequence[str] = ()
    """The fields that it is about: ``who``, ``name``."""

    @property
    def host(self) -> str:
        """The name that was looked up, where it is only a part of what was typed; else empty."""
        if self.explanation is None or typed_name(self.name) == self.name:
            return ""
        return self.explanation.name


def look_up(explainer: Explainer, who: str, name: str) -> NameLookup:
    """Look a name up for a client or a VLAN; nothing is looked up if both are empty."""
    if not who and not name:
        return NameLookup(who, name)
    if not who or not name:
        return NameLookup(who, name, problem="nothing_asked", wrong=("name" if who else "who",))
    wire = _parse(name)
    if wire is None:
        return NameLookup(who, name, problem="no_name", wrong=("name",))
    try:
        return NameLookup(who, name, _explanation(explainer, who, wire))
    except ValueError:
        is_address = any(char in who for char in ".:") and who[:1].isalnum()
        problem = "no_address" if is_address else "no_vlan"
        return NameLookup(who, name, problem=problem, wrong=("who",))


def _explanation(explainer: Explainer, who: str, name: bytes) -> Explanation:
    """How the VLAN of a client, or the VLAN that is named, is answered.

    Raises:
        ValueError: it is neither a VLAN nor an address.
    """
    view = explainer.vlan(who)
    if view is None:
        of_client = explainer.client(who)
        if of_client is None:
            return explainer.for_client(who, name, codes.A)
        view = explainer.vlan(explainer.compiled.vlans[of_client.vlan].name)
    assert view is not None
    explanation = explainer.for_view(view, name, codes.A)
    if not explanation.exemption:
        return explanation
    return replace(explanation, exemption="", decided_by=step("exemption_of_vlan"))


def _parse(name: str) -> bytes | None:
    try:
        return names.parse(typed_name(name)) if len(name) <= _LONGEST else None
    except names.InvalidName:
        return None

"""What the block page tells a person, as values.

The name is that of the Host header, the client is the address that the request came from.
The policy explainer that answers ``darban explain`` judges the two. Neither is stored.
"""

import enum
from dataclasses import dataclass
from datetime import datetime

from resolver.analysis.explanation import Explainer
from resolver.dns import codes, names
from resolver.policy.compiled import Directive, Service
from resolver.web.host_header import read_host


class NoticeKind(enum.StrEnum):
    """Why a client came to the block page."""

    BLOCKED = "blocked"
    NOT_BLOCKED = "not_blocked"
    """Nothing blocks the name: the answer was out of date, or the name is an alias of a blocked
    one."""
    EXEMPTED = "exempted"
    GENERAL = "general"
    """The request names no domain, or no VLAN holds the client."""


@dataclass(frozen=True, slots=True)
class BlockNotice:
    """What to tell; what does not apply is empty."""

    kind: NoticeKind
    name: str = ""
    service: Service | None = None
    vlan: str = ""
    vlan_title: str = ""
    """What people call the VLAN; may be empty."""
    contact: str = ""
    directives: tuple[Directive, ...] = ()
    """The directive that bans the service, then those that narrow it."""
    client: str = ""
    """The address of the person's device."""
    at: float = 0.0
    """The moment of the visit, in Unix time."""
    opens_at: float | None = None
    """The end of the hours within which alone the name is blocked, in Unix time."""
    blocks_rest: bool = False
    """Whether no rule but the default of the policy blocks the name."""

    @property
    def reason(self) -> str:
        """The key of the message that says why the name is blocked or not."""
        if self.kind is not NoticeKind.BLOCKED:
            return self.kind
        if self.service is None:
            return "rest" if self.blocks_rest else "no_service"
        if self.service.category == "messenger" and self.directives:
            return "messenger"
        is_dns = self.service.category == "encrypted-dns"
        return "encrypted_dns" if is_dns else "other_service"

    @property
    def exempts_publicity(self) -> bool:
        """Whether the block is the ban of foreign messengers, from which publicity is exempt."""
        category = "" if self.service is None else self.service.category
        return bool(self.directives) or category == "messenger"


def block_notice(explainer: Explainer, client: str, host: str) -> BlockNotice:
    """What to tell a client that asks for a host, as its Host header names it."""
    name = read_host(host)
    if not isinstance(name, bytes) or name == names.ROOT:
        return BlockNotice(NoticeKind.GENERAL)
    explanation = explainer.for_client(client, name, codes.A)
    if explanation.outcome == "refused":
        return BlockNotice(NoticeKind.GENERAL)
    compiled = explainer.compiled
    policy = next(policy for policy in compiled.policies if policy.name == explanation.policy)
    banning = [
        directive for directive in policy.directives if explanation.directive == directive.number
    ]
    narrowing = [
        directive
        for directive in policy.directives
        if explanation.directive == directive.narrows != ""
    ]
    kinds = {"blocked": NoticeKind.BLOCKED, "exempted": NoticeKind.EXEMPTED}
    is_blocked = explanation.outcome == "blocked"
    return BlockNotice(
        kinds.get(explanation.outcome, NoticeKind.NOT_BLOCKED),
        explanation.name,
        next(
            (service for service in compiled.services if service.name == explanation.service), None
        ),
        explanation.vlan,
        next((vlan.title for vlan in compiled.vlans if vlan.name == explanation.vlan), ""),
        policy.contact,
        (*banning, *narrowing),
        client,
        explainer.wall,
        datetime.fromisoformat(explanation.until).timestamp()
        if is_blocked and explanation.until
        else None,
        explanation.decided_by.kind == "default",
    )

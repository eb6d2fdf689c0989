"""How a policy answers blocked queries: one class for each answer mode.

All types of a blocked name are blocked. What no answer mode changes is decided here, too:
- A canary domain always gets NXDOMAIN, since clients take an address for permission.
- An answer that is withheld for a private address (``policy.rebinding``) is NODATA.

What must stay true:
- NXDOMAIN only if all names below the name are blocked, too (RFC 8020).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from resolver.dns import codes
from resolver.policy.compiled import Policy, Service
from resolver.policy.verdict import NO_SERVICE, REBINDING, Verdict

Answer = tuple[int, bytes]
"""An rcode, and the address that is the answer; empty if there is none."""
_NODATA: Final[Answer] = (codes.NOERROR, b"")
_NXDOMAIN: Final[Answer] = (codes.NXDOMAIN, b"")
_REFUSED: Final[Answer] = (codes.REFUSED, b"")


class BlockedAnswers(ABC):
    """The answers of a policy to blocked queries; each subclass is an answer mode."""

    has_addresses: ClassVar[bool] = False
    """Whether clients get the addresses of the policy's sinkhole."""
    advice_against: ClassVar[str] = ""
    """Why a config should not use the mode; empty if it may."""

    def __init__(self, sinkhole: Mapping[int, bytes], canaries: int) -> None:
        """``sinkhole`` has its addresses by type; ``canaries`` is a set of services."""
        self._sinkhole = sinkhole
        self._canaries = canaries

    def to_query(self, qtype: int, verdict: Verdict) -> Answer:
        """The answer to a query that a verdict blocks, or whose upstream answer it withholds."""
        if verdict.outcome is REBINDING:
            return _NODATA
        if verdict.service != NO_SERVICE and self._canaries >> verdict.service & 1:
            return _missing(verdict)
        return self._of_mode(qtype, verdict)

    @abstractmethod
    def _of_mode(self, qtype: int, verdict: Verdict) -> Answer:
        """The answer to a query whose name is blocked and no canary."""


class SinkholeAnswers(BlockedAnswers):
    """A and AAAA get the sinkhole's addresses, other types NODATA."""

    has_addresses = True

    def _of_mode(self, qtype: int, verdict: Verdict) -> Answer:  # noqa: ARG002 - as the others
        return codes.NOERROR, self._sinkhole.get(qtype, b"")


class NxdomainAnswers(BlockedAnswers):
    """NXDOMAIN where it is true."""

    def _of_mode(self, qtype: int, verdict: Verdict) -> Answer:  # noqa: ARG002
        return _missing(verdict)


class NodataAnswers(BlockedAnswers):
    """NODATA."""

    def _of_mode(self, qtype: int, verdict: Verdict) -> Answer:  # noqa: ARG002
        return _NODATA


class RefusedAnswers(BlockedAnswers):
    """REFUSED."""

    advice_against = "On REFUSED systemd-resolved asks another server."

    def _of_mode(self, qtype: int, verdict: Verdict) -> Answer:  # noqa: ARG002
        return _REFUSED


MODES: Final[Mapping[str, type[BlockedAnswers]]] = {
    "sinkhole": SinkholeAnswers,
    "nxdomain": NxdomainAnswers,
    "nodata": NodataAnswers,
    "refused": RefusedAnswers,
}
"""The answer modes by their names in the config (``PolicyConfig.answer``)."""


def blocked_answers(policy: Policy, services: Sequence[Service]) -> BlockedAnswers:
    """The answers of a policy; ``services`` are all services of the config."""
    canaries = 0
    for index, service in enumerate(services):
        if service.always_nxdomain:
            canaries |= 1 << index
    sinkhole = {codes.A: policy.sinkhole_v4, codes.AAAA: policy.sinkhole_v6}
    return MODES[policy.answer](sinkhole, canaries)


def _missing(verdict: Verdict) -> Answer:
    return _NXDOMAIN if verdict.all_below else _NODATA

"""What needs an operator's attention, decided once for all that show a status.

faults.toml has what ``darban status`` and the status page say of each kind. The kinds have the
thresholds of the alerts in deploy/prometheus/alerts.yml; an alert also waits for some minutes.

To add a kind: here; its texts and alerts in faults.toml; its change in
tests/metrics/test_faults.py; its row in docs/how-to/runbook.md; its row in
tests/programs/faults/catalog.py, or the reason in ``UNTRIED``. DarbanFault fires where no other
alert has it. Fails until done:
tests/metrics/test_faults.py, tests/program_tests/test_faults.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from resolver.metrics.status import (
    DRAINING,
    CertificateStatus,
    FetchedStatus,
    PolicySourceStatus,
    PublishStatus,
    Status,
)

Kind = Literal[
    "config_not_ok",
    "config_failed",
    "config_edited",
    "config_edit_refused",
    "wrong_decisions",
    "workers_missing",
    "address_missing",
    "tcp_not_accepted",
    "no_control_socket",
    "draining",
    "not_ready",
    "link_cut",
    "upstream_down",
    "upstream_unverified",
    "upstream_wrong",
    "upstream_rewrites",
    "upstream_fails",
    "clock_wrong",
    "certificate_unusable",
    "certificate_expired",
    "certificate_ends",
    "block_log_fails",
    "figures_not_written",
    "audit_log_broken",
    "zones_not_written",
    "zones_not_served",
    "policy_not_pulled",
    "policy_expired",
    "copy_not_accepted",
    "medium_not_accepted",
    "zones_leave_out",
    "list_stale",
    "list_never_fetched",
    "list_held",
    "exemption_ends",
    "exemption_ended",
]
STALE = 7 * 86400.0
"""Seconds after which a fetched list that cannot be updated is a fault."""
EXPIRES_SOON = 14 * 86400.0
"""Seconds before the end of a certificate from when on it is a fault: it was not renewed."""
EDITED = 900.0
"""Seconds after which an edit that nobody has reloaded is a fault."""
_OF_OPERATORS = {"why", "what", "file", "files"}
"""The values that no page shows: paths, addresses of clients, and reasons that may have them."""
_SHOWN = 5
"""Wrong decisions, and edited files, in the text of their fault."""
_REMINDERS = {
    *("zones_leave_out", "list_stale", "list_never_fetched", "list_held"),
    *("exemption_ends", "exemption_ended"),
}


FaultValue = str | int | float | tuple[str, ...]
"""A name or a reason, a count (int), a moment (float), or services."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that needs an operator's attention."""

    kind: Kind
    values: Mapping[str, FaultValue] = field(default_factory=dict)
    """What the texts need."""
    report: tuple[str, ...] = ()
    """What was wrong with the config; for operators alone."""

    @property
    def public_values(self) -> Mapping[str, FaultValue]:
        """The values that the status page may show."""
        return {key: value for key, value in self.values.items() if key not in _OF_OPERATORS}

    @property
    def is_reminder(self) -> bool:
        """Whether the server does what it should, and a person has to do something."""
        return self.kind in _REMINDERS

    @property
    def is_coming(self) -> bool:
        """Whether nothing is wrong, and something ends soon, as was planned."""
        return self.kind == "exemption_ends"


def faults(now: Status) -> Iterator[Fault]:
    """The faults of a server, those that are no reminders first."""
    if not now.config_ok:
        yield _config(now)
    elif now.edited_files and not is_new_edit(now):
        yield _edited(now)
    if now.wrong_decisions:
        values: dict[str, FaultValue] = {"what": "; ".join(now.wrong_decisions[:_SHOWN])}
        yield Fault("wrong_decisions", {**values, "wrong": len(now.wrong_decisions)})
    if now.workers < now.workers_expected:
        yield Fault("workers_missing", {"workers": now.workers, "expected": now.workers_expected})
    for address in now.missing_addresses:
        yield Fault("address_missing", {"address": address})
    if now.not_accepting:
        yield Fault("tcp_not_accepted")
    if not now.has_control_socket:
        yield Fault("no_control_socket")
    if now.not_ready:
        if now.not_ready == DRAINING:
            yield Fault("draining")
        else:
            yield Fault("not_ready", {"why": now.not_ready})
    if now.link_cut:
        yield Fault("link_cut", {"since": now.link_cut, "answers": now.fallback_answers})
    for upstream in now.upstreams:
        if upstream.unverified:
            server = {"server": upstream.name}
            yield Fault("upstream_unverified", {**server, "why": upstream.unverified})
        elif not upstream.up:
            yield Fault("upstream_down", {"server": upstream.name})
        if upstream.wrong is not None:
            probed = {"server": upstream.name, "name": upstream.wrong.name}
            if upstream.wrong.got:
                yield Fault("upstream_wrong", {**probed, "got": upstream.wrong.got})
            else:
                yield Fault("upstream_rewrites", probed)
        elif upstream.up and upstream.failing:
            yield Fault("upstream_fails", {"server": upstream.name})
    if now.clock_synchronised is False:
        yield Fault("clock_wrong")
    if now.certificate is not None:
        yield from _certificate(now.certificate, now.at)
    if now.block_log is not None and now.block_log.problem:
        yield Fault("block_log_fails", {"why": now.block_log.problem})
    if now.figures_problem:
        yield Fault("figures_not_written", {"why": now.figures_problem})
    if now.audit_log_broken_at:
        yield Fault("audit_log_broken", {"record": now.audit_log_broken_at})
    if now.publish is not None:
        yield from _zones(now.publish)
    if now.policy_source is not None:
        yield from _pulled(now.policy_source, now.at)
    for fetched in now.fetched:
        if fetched.copy_fault:
            yield Fault("copy_not_accepted", {"list": fetched.name, "why": fetched.copy_fault})
    if now.medium_refusal:
        yield Fault("medium_not_accepted", {"why": now.medium_refusal})
    if now.publish is not None and now.publish.left_out:
        yield Fault("zones_leave_out", {"what": "; ".join(now.publish.left_out)})
    for fetched in now.fetched:
        yield from _fetched(fetched, now.at)
    for exemption in now.exemptions:
        if exemption.state in ("ends soon", "ended"):
            kind: Kind = "exemption_ended" if exemption.state == "ended" else "exemption_ends"
            about: dict[str, FaultValue] = {
                "exemption": exemption.id,
                "services": tuple(exemption.services),
            }
            yield Fault(kind, {**about, "until": exemption.until})


def _config(now: Status) -> Fault:
    """The config is not in force; a reload that was applied since then says nothing of it."""
    if now.config_failure:
        return Fault("config_failed", report=(now.config_failure,))
    last = now.last_reload
    rejected = last is not None and last.result not in ("applied", "unchanged")
    return Fault("config_not_ok", report=last.report if last is not None and rejected else ())


def edited_files(now: Status) -> str:
    """The files that are not what is in force, as far as they are named."""
    more = len(now.edited_files) - _SHOWN
    return ", ".join([*now.edited_files[:_SHOWN], *([f"{more} more"] if more > 0 else [])])


def is_new_edit(now: Status) -> bool:
    """Whether an edit is not in force, and is no fault yet."""
    return now.config_ok and bool(now.edited_files) and now.at - now.edited_since < EDITED


def _edited(now: Status) -> Fault:
    """The files that a start would put in force, or would refuse."""
    values: dict[str, FaultValue] = {"files": edited_files(now), "since": now.edited_since}
    if now.edit_refused:
        return Fault("config_edit_refused", values, now.edit_refused)
    return Fault("config_edited", values)


def _certificate(certificate: CertificateStatus, at: float) -> Iterator[Fault]:
    if certificate.problem:
        yield Fault("certificate_unusable", {"why": certificate.problem})
    if certificate.expires and certificate.expires - at < EXPIRES_SOON:
        kind: Kind = "certificate_expired" if certificate.expires <= at else "certificate_ends"
        yield Fault(kind, {"file": certificate.file, "until": certificate.expires})


def _zones(publish: PublishStatus) -> Iterator[Fault]:
    if publish.problem:
        yield Fault("zones_not_written", {"why": publish.problem})
    if publish.not_served():
        counts = {"zones": publish.not_served(), "written": len(publish.zones)}
        yield Fault("zones_not_served", {"server": publish.server, **counts})


def _pulled(source: PolicySourceStatus, at: float) -> Iterator[Fault]:
    if source.problem:
        yield Fault("policy_not_pulled", {"why": source.problem})
    if 0 < source.expiry <= at:
        yield Fault("policy_expired", {"until": source.expiry})


def _fetched(fetched: FetchedStatus, at: float) -> Iterator[Fault]:
    if fetched.updated is None:
        yield Fault("list_never_fetched", {"list": fetched.name})
    elif fetched.failures and at - fetched.updated > STALE:
        yield Fault("list_stale", {"list": fetched.name, "updated": fetched.updated})
    if fetched.held:
        yield Fault("list_held", {"list": fetched.name})

"""The policy that was in force at an earlier moment, for commands that take --at."""

import math
import pwd
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple

from resolver import __version__
from resolver.cli.exemption_text import exemption_text
from resolver.cli.moments import moment_text
from resolver.compiler.past_policy import compile_past
from resolver.errors import DarbanError
from resolver.evidence.audit_log import AuditEntry, AuditLog
from resolver.evidence.figures import store as figure_store
from resolver.evidence.figures.tables import copied
from resolver.evidence.history_chain import HistoryChain
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.state_owner import become_owner


class NothingInForce(DarbanError):
    """No policy was in force at a moment, as far as the audit log says."""

    code = 1


@dataclass(frozen=True, slots=True)
class PastPolicy:
    """A policy that was in force; it is read, and never served."""

    moment: float
    """The moment that is asked about, in seconds since 1970."""
    entry: AuditEntry
    """What put it in force."""
    version: str
    """The release that ran then; empty where that is not known."""
    backdated: AuditEntry | None
    """A record that says that something else was in force, and that is not believed."""
    compiled: CompiledConfig
    index: Index
    decided_by: str
    """What decides now, in words."""

    def text(self) -> str:
        """Since when and by whom it was in force, and whose code decides now."""
        ran = f"Darban {self.version} ran then" if self.version else _UNKNOWN_VERSION
        lines = [since(self.entry, self.moment), f"{ran}; {self.decided_by}"]
        if self.backdated is not None:
            lines.append(backdated_text(self.backdated, self.moment))
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """The same for --json, without the difference of the config."""
        entry = {key: each for key, each in asdict(self.entry).items() if key != "diff"}
        told = {"at": self.moment, "version": self.version, "decided_by": self.decided_by}
        return {**told, "activation": entry, "backdated": self.backdated}


class ActivationInForce(NamedTuple):
    """What the audit log says was in force."""

    entry: AuditEntry
    version: str
    """The release that noted it; empty where that is not known."""
    backdated: AuditEntry | None
    """As in ``PastPolicy``."""


_MINUTE: Final = 60.0
_NOT_STORED_YET: Final = 300.0
"""Seconds for which a minute may not be in the figures yet."""
_UNKNOWN_VERSION = "which version of Darban ran then was not noted"


def is_past(moment: float) -> bool:
    """Whether the audit log decides what was in force."""
    return moment < time.time()


def in_force_at(config: Path, moment: float) -> PastPolicy:
    """The policy that a config's server had in force at a past moment.

    Its snapshot is read where it is still kept; else the config and the lists of then are compiled.
    Root gives up its rights for those of the service's user, for good.

    Raises:
        NothingInForce: the server did not run, or the audit log begins later.
        NotKept: what was in force is not kept.
        RefusedToday: the config of then has errors for this release.
        DarbanError: the audit log cannot be read.
    """
    state = store.directory(config)
    become_owner(state)
    found = activation_at(state, moment)
    entry = found.entry
    try:
        compiled, index = store.load(store.saved(state, entry.snapshot))
    except store.StateError:
        snapshot = compile_past(config, state, AuditLog(state).sources(entry))
        same = "they make the snapshot of then"
        if snapshot.hash() != entry.snapshot:
            same = f"they make another snapshot than then, {snapshot.hash()}"
        decided_by = f"Darban {__version__} decides here, by the config and lists of then: {same}"
        return PastPolicy(moment, *found, snapshot.compiled, snapshot.index(), decided_by)
    decided_by = f"Darban {__version__} decides here, by the snapshot of then"
    return PastPolicy(moment, *found, compiled, index, decided_by)


def activation_at(state: Path, moment: float) -> ActivationInForce:
    """What was in force at a moment.

    Raises:
        NothingInForce: the server did not run, or the audit log begins later.
        DarbanError: the audit log cannot be read.
    """
    try:
        found = AuditLog(state).before(moment, time.time())
        if found is None or not found.entry.snapshot:
            why = "the audit log begins later"
            if found is not None:
                why = f"the server was stopped at {moment_text(found.entry.time)}"
            raise NothingInForce(f"at {moment_text(moment)} nothing was in force: {why}")
        _refuse_gap(state, moment, found.entry)
        return ActivationInForce(
            found.entry, HistoryChain(state).version(found.record), found.backdated
        )
    except OSError as error:
        raise DarbanError(str(error)) from None


def _refuse_gap(state: Path, moment: float, entry: AuditEntry) -> None:
    """Raise NothingInForce where the figures show that no server ran at a moment.

    A server that is killed, or whose power is cut, writes no stop to the audit log.
    """
    gap = figure_store.gap_at(state / figure_store.NAME, moment, copied)
    now = time.time()
    if gap is None or moment < entry.time + _MINUTE:
        return
    if gap.end == math.inf and now < moment + _NOT_STORED_YET:
        return
    begin, end = max(gap.begin, entry.time), min(gap.end, now)
    raise NothingInForce(
        f"at {moment_text(moment)} nothing was in force, as far as is known: the figures have no "
        f"minute from {moment_text(begin)} to {moment_text(end)}, so no server of 1.0 or later "
        f"ran, or its disk took no figures. Before, {who(entry)} had put snapshot "
        f"{entry.snapshot} in force at {moment_text(entry.time)} ({entry.event})"
    )


def since(entry: AuditEntry, moment: float) -> str:
    """Which snapshot was in force at a moment, since when and by whom."""
    config = entry.config or "unknown"
    return (
        f"in force at {moment_text(moment)}: snapshot {entry.snapshot}, config {config}\n"
        f"since {moment_text(entry.time)}, by {who(entry)} ({entry.event})"
    )


def backdated_text(entry: AuditEntry, moment: float) -> str:
    """What is said of a record that is not believed, with the exemptions that it has."""
    exempted = "".join(f"; it exempts {exemption_text(e)}" for e in entry.exempted_at(moment))
    return (
        f"not believed: a record of {moment_text(entry.time)} by {who(entry)} ({entry.event}), "
        f"snapshot {entry.snapshot or '-'}, which was written after a later one: the clock was set "
        f"back, or somebody added it; see darban history --verify{exempted}"
    )


def who(entry: AuditEntry) -> str:
    """The user ID and the user's name, where this host knows it."""
    kind, _, number = entry.who.partition(" ")
    if kind != "uid":
        return entry.who
    try:
        return f"{entry.who} ({pwd.getpwuid(int(number)).pw_name})"
    except (KeyError, ValueError):
        return entry.who

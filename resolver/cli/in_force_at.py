"""The policy that was in force at an earlier moment, for commands that take --at."""

import math
import pwd
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from resolver import DarbanError, __version__
from resolver.audit.audit_log import AuditEntry
from resolver.audit.clock import read_clock
from resolver.audit.figures import store as figure_store
from resolver.audit.figures.tables import copied
from resolver.audit.in_force import ActivationInForce, in_force
from resolver.audit.reading import Reading
from resolver.cli.command import echo
from resolver.cli.history_verify import break_text
from resolver.cli.moments import InvalidMoment, moment_text, parse_moment
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.state_owner import become_owner
from resolver.system.english import span_text


class NothingInForce(DarbanError):
    """No policy was in force at a moment, as far as the audit log says."""

    code = 1


@dataclass(frozen=True, slots=True)
class PastPolicy:
    """A policy that was in force; it is read, and never served."""

    moment: float
    """The moment that is asked about, in seconds since 1970."""
    activation: ActivationInForce
    """What put it in force."""
    compiled: CompiledConfig
    index: Index

    def text(self) -> str:
        """Since when and by whom it was in force, and whose code decides now."""
        release = self.activation.entry.release
        ran = f"Darban {release} ran then" if release else _UNKNOWN_RELEASE
        return f"{since(self.activation, self.moment)}\n{ran}; {_DECIDED_BY}"

    def as_json(self) -> dict[str, object]:
        """The same for --json, without the difference of the config."""
        entry = {
            key: value for key, value in asdict(self.activation.entry).items() if key != "diff"
        }
        basis = {"at": self.moment, "version": entry["release"], "decided_by": _DECIDED_BY}
        return {**basis, "activation": entry, "clock_ahead": self.activation.ahead}


_MINUTE: Final = 60.0
_NOT_STORED_YET: Final = 300.0
"""Seconds for which a minute may not be in the figures yet."""
_DECIDED_BY: Final = f"Darban {__version__} decides here, by the snapshot of then"
_UNKNOWN_RELEASE = "which version of Darban ran then was not noted"


def is_past(moment: float) -> bool:
    """Whether the audit log decides what was in force."""
    return moment < time.time()


def past_moment(text: str, what: str) -> float:
    """A moment of the past, in seconds since 1970; ``what`` has only the past.

    Raises:
        InvalidMoment: it is still to come, or is no moment.
    """
    moment = parse_moment(text).timestamp()
    if not is_past(moment):
        raise InvalidMoment(f"'{text}' is still to come; {what} has only the past")
    return moment


def in_force_at(config: Path, moment: float) -> list[PastPolicy]:
    """The policy that a config's server had in force at a past moment.

    It is several where the clock was set: each place in the audit log that has the moment has one.
    Root gives up its rights for those of the service's user, for good.

    Raises:
        NothingInForce: the server did not run, or the audit log begins later.
        DarbanError: its snapshot is not kept; or the audit log cannot be read, or is broken there.
    """
    state = store.directory(config)
    become_owner(state)
    return [_policy(state, moment, activation) for activation in activations_at(state, moment)]


def _policy(state: Path, moment: float, activation: ActivationInForce) -> PastPolicy:
    entry = activation.entry
    try:
        path = store.saved(state, entry.snapshot)
        if entry.sha256 and store.whole_hash(state, entry.snapshot) != entry.sha256:
            expected = f"the audit log has SHA-256 {entry.sha256}"
            raise store.StateError(f"{path}: the snapshot has another content: {expected}")
        compiled, index = store.load(path)
    except store.StateError as error:
        raise DarbanError(
            f"{error}\nexpected the snapshot that was in force at {moment_text(moment)}: nothing "
            f"else says what was blocked then. {store.KEPT} are kept besides the one in force. "
            "'darban history --at' with this moment shows who put it in force, and the exemptions; "
            "with --json also the texts of the config. A backup of the state directory from that "
            "time may have the snapshot: restore it elsewhere, and ask there"
        ) from None
    return PastPolicy(moment, activation, compiled, index)


def activations_at(state: Path, moment: float) -> list[ActivationInForce]:
    """What was in force at a moment; several where the clock was set.

    Raises:
        NothingInForce: the server did not run, or the audit log begins later.
        DarbanError: the audit log cannot be read, or is broken there.
    """
    try:
        reading = Reading(state)
        candidates = in_force(reading, read_clock(), moment)
        if reading.breaks:
            broken = "\n".join(map(break_text, reading.breaks))
            if not candidates:
                raise DarbanError(f"what was in force is not known:\n{broken}")
            echo(f"the audit log is not as it was written elsewhere:\n{broken}", err=True)
        activations = [candidate for candidate in candidates if candidate.entry.snapshot]
        if not activations:
            why = "the audit log begins later"
            if candidates:
                why = f"the server was stopped at {moment_text(candidates[0].entry.time)}"
            raise NothingInForce(f"at {moment_text(moment)} nothing was in force: {why}")
        for candidate in candidates:
            if not candidate.entry.snapshot:
                stopped = moment_text(candidate.entry.time)
                echo(f"or nothing was in force: the server was stopped at {stopped}", err=True)
        if len(candidates) == 1:
            _refuse_gap(state, moment, candidates[0].entry)
        return activations
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


def since(activation: ActivationInForce, moment: float) -> str:
    """Which snapshot was in force at a moment, since when and by whom."""
    entry = activation.entry
    config = entry.config or "unknown"
    clock = f"\n{_clock_text(activation.ahead)}" if activation.ahead else ""
    return (
        f"in force at {moment_text(moment)}: snapshot {entry.snapshot}, config {config}\n"
        f"since {moment_text(entry.time)}, by {who(entry)} ({entry.event}){clock}"
    )


def _clock_text(ahead: float) -> str:
    """By how much the server's clock was wrong, compared with another time of the same boot."""
    way = "ahead" if ahead > 0 else "behind"
    return f"the server's clock was {way} by {span_text(round(abs(ahead)))} then, and was set later"


def who(entry: AuditEntry) -> str:
    """The user ID and the user's name, where this host knows it."""
    kind, _, number = entry.who.partition(" ")
    if kind != "uid":
        return entry.who
    try:
        return f"{entry.who} ({pwd.getpwuid(int(number)).pw_name})"
    except (KeyError, ValueError):
        return entry.who

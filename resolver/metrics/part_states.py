"""What the parts of the server say of themselves, for the metrics and the status.

A part gives values of these types, or of ``metrics.status``, which never change
(``metrics.part``). They are collected anew for each reader.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from resolver.metrics.status import (
    DRAINING,
    ConfigChange,
    LastReload,
    PolicySourceStatus,
    WrongAnswer,
)

_State = TypeVar("_State")


class PartStates:
    """What all parts say at a moment: one value of a type."""

    def __init__(self, values: Iterable[object]) -> None:
        self._by_type = {type(value): value for value in values}

    def of(self, kind: type[_State]) -> _State:
        """The value of a type; its default where no part gives one."""
        state = self.find(kind)
        return kind() if state is None else state

    def find(self, kind: type[_State]) -> _State | None:
        """The value of a type; None where no part gives one."""
        state = self._by_type.get(kind)
        assert state is None or isinstance(state, kind)
        return state


@dataclass(frozen=True, slots=True)
class WorkersState:
    """The worker processes."""

    serving: int = 0
    expected: int = 0
    restarts: int = 0
    draining: bool = False
    """Whether an operator has asked that no client uses this node."""

    @property
    def not_ready(self) -> str:
        """Why clients should ask another node; empty while they may ask this one.

        A config that is refused or an upstream that is down is no reason: all nodes have the same,
        and would all withdraw. Alerts tell of these.
        """
        if self.draining:
            return DRAINING
        return "" if self.serving else "no worker serves"


@dataclass(frozen=True, slots=True)
class ReloadState:
    """The config on disk, and the reloads."""

    config_ok: bool = True
    """Whether the config on disk, as it was last tried, is in force."""
    config_failure: str = ""
    """A failure that the config did not cause, such as a full disk; else empty."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """The reloads since the server started, by result."""
    last: LastReload | None = None


@dataclass(frozen=True, slots=True)
class EditState:
    """Edits on disk that nobody has reloaded."""

    files: tuple[str, ...] = ()
    """The files that say something else than what is in force."""
    since: float = 0.0
    """When that was first seen, in seconds since 1970; 0 where nothing differs."""
    refused: tuple[str, ...] = ()
    """Why a start would not put them in force; empty where it would."""
    is_unknown: bool = False
    """Whether the files could not be compared with what is in force."""


@dataclass(frozen=True, slots=True)
class ControlSocketState:
    """The control socket."""

    listens: bool = True
    """Whether commands can reach the server."""


@dataclass(frozen=True, slots=True)
class AddressState:
    """The addresses on which DNS is served."""

    missing: tuple[str, ...] = ()
    """Those that this host lacks, with their ports."""


@dataclass(frozen=True, slots=True)
class FetchState:
    """The fetches of one list."""

    updated: float = 0.0
    """When the copy was last known to be up to date, in seconds since 1970; 0 for never."""
    failures: int = 0
    """Failed fetches since the server started."""
    held: bool = False
    """Whether a large change is held, or one with which expectations fail."""
    copy_fault: str = ""
    """Why the copy in use would not be accepted now; empty where it would."""


@dataclass(frozen=True, slots=True)
class FetchedLists:
    """The lists that are fetched."""

    by_name: Mapping[str, FetchState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediumState:
    """The lists from a medium."""

    refusal: str = ""
    """Why those in force would not be accepted now; empty where they would, or there are none."""


@dataclass(frozen=True, slots=True)
class UpstreamProbes:
    """The last probes of the upstream servers, by their names; empty before the first one."""

    validating: Mapping[str, bool] = field(default_factory=dict)
    """Whether a server is known to validate DNSSEC."""
    wrong: Mapping[str, WrongAnswer] = field(default_factory=dict)
    """The servers whose answer was wrong."""
    unverified: Mapping[str, str] = field(default_factory=dict)
    """Why TLS with servers failed."""


@dataclass(frozen=True, slots=True)
class FailingUpstreams:
    """The upstream servers that fail."""

    names: frozenset[str] = frozenset()
    """Those of which a quarter of the queries or more had no usable answer lately."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """Whether the upstreams find names abroad and at home; None before the first probe."""

    abroad: bool | None = None
    home: bool | None = None
    since: float = 0.0
    """Since when names abroad are found, or not, in seconds since 1970."""

    @property
    def cut_since(self) -> float:
        """Since when names abroad get no answer, while those at home do; 0 where they get one."""
        return self.since if self.abroad is False and self.home is True else 0.0


@dataclass(frozen=True, slots=True)
class BlockPageState:
    """The block page."""

    served: bool | None = None
    """Whether it is served on all its addresses; None where the config has none."""


@dataclass(frozen=True, slots=True)
class BlockLogState:
    """The block log's file, and the number of records since the server started."""

    path: Path | None = None
    """None while the block log is off."""
    records: int = 0
    """Records written."""
    lost: int = 0
    """Records that could not be written."""
    problem: str = ""
    """Why no record can be written now; empty while writing works."""


@dataclass(frozen=True, slots=True)
class FiguresState:
    """The figures on disk."""

    problem: str = ""
    """Why they cannot be written now; empty while writing works."""


@dataclass(frozen=True, slots=True)
class SelfTestState:
    """What the newest self-test has said."""

    result: Literal["held", "failed", "untested"] = "untested"
    """Under the policy in force; untested where it is old."""
    wrong_decisions: tuple[str, ...] = ()
    """What workers decide other than the expectations of the config say."""


@dataclass(frozen=True, slots=True)
class PullsState:
    """The pulls of the policy from git."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """The pulls since the server started, by result."""
    source: PolicySourceStatus | None = None
    """None where the policy does not come from git, and until the first pull."""


@dataclass(frozen=True, slots=True)
class AuditState:
    """The audit log."""

    head: str = ""
    """The hash of its last record; empty until it is known."""
    number: int = 0
    """Of this record."""
    changes: tuple[ConfigChange, ...] = ()
    """The newest changes of the config, the newest first; none from before ``broken_at``."""
    broken_at: int = 0
    """The number of the newest record that the line before it does not fit; 0 for none."""

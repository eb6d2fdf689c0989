"""A config that is compiled before it is put in force: from what, and with what result.

A fetched list comes in force at any hour, when nobody watches. An edit that was not reloaded must
not come in force with it. Therefore the config is then compiled from ``SourceTexts``: the texts of
the last activation. It is rejected if one of the agency's own lists has changed since. A command
that writes the config has its texts compiled in the same way, and writes them if they are accepted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from resolver import DarbanError
from resolver.analysis.activation_summary import ActivationSummary
from resolver.snapshot.config_files import SourceTexts

FAILED_EXPECTATIONS = 1
NOT_ACCEPTED = 1
ALL_LISTS = "*"
"""Among the lists whose losses are accepted (``no_longer_blocked``): every list."""
WRONG_CONFIG = 2


class Rejected(DarbanError):
    """The config cannot be put in force; ``code`` is the exit code.

    ``lists`` are the lists of others that may be the reason why expectations fail.
    """

    def __init__(
        self, report: Sequence[str], code: int = WRONG_CONFIG, lists: Sequence[str] = ()
    ) -> None:
        self.report = list(report)
        self.code = code
        self.lists = list(lists)
        super().__init__("\n".join(report))


class Held(Rejected):
    """The config is right, and waits until a person accepts it (``--accept``).

    Lists have lost much (``no_longer_blocked``), or a file would revert what others have changed.
    """

    def __init__(self, report: Sequence[str]) -> None:
        super().__init__(report, NOT_ACCEPTED)


class NotCompiled(Rejected):
    """No snapshot was made, for a reason outside of the config: no room, process or memory."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """What a server serves."""

    snapshot: str
    """The hash of its snapshot."""
    sources: SourceTexts | None
    """None where it is the last good snapshot, whose texts are unknown."""


@dataclass(frozen=True, slots=True)
class Edits:
    """What on disk differs from what is in force."""

    files: tuple[str, ...]
    """Relative to the config's folder, or absolute."""
    refused: tuple[str, ...]
    """Why a start would not put it in force; empty where it would."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A config that was compiled without an error, and whose expectations hold."""

    snapshot: str
    """The directory of the saved snapshot."""
    warnings: list[str] = field(default_factory=list)
    expectations: int = 0
    example: str = ""
    """A dig command for a blocked name; empty where no expectation has one."""
    sources: SourceTexts | None = None
    """None where the last good snapshot is served, whose texts are unknown."""
    last_good: bool = False
    """Whether the config was rejected, and this is the last good snapshot."""
    summary: ActivationSummary | None = None
    """What it changes for all names; None where no snapshot was in force before."""
    failure: str = ""
    """A failure that the config did not cause, for which it was not compiled; else empty."""

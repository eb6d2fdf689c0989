"""The audit log: which config was in force when, and who put it in force.

The state directory has it as ``journal.jsonl``: a JSON line for each activation of a config, for
each exemption that has ended, for each commit of the policy that was refused, and for each stop of
the server. Lines are only ever added. A line
holds the difference to the config before. The whole text of each config, and the hashes of all
lists, are kept once, in files of their own that are named by the hash of their content. So a year
later the log still answers what was in force at any moment.

What must stay true:
- A line that was cut short (power failure, full disk) harms no line before or after it.
- Lines of earlier versions can be read.
- The audit log never keeps a config from being put in force: the caller handles OSError.
- An activation costs the server the same, however long the log is: it has the last one in memory.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from resolver.files import make_directory, write_atomically
from resolver.metrics.status import ExemptionDetails, exemption_details
from resolver.policy.compiled import CompiledConfig
from resolver.snapshot.candidate import SourceTexts
from resolver.snapshot.config_files import difference

_LOG, _CONFIGS = "journal.jsonl", "configs"
REFUSED = "refused"
_LONGEST_TEXT = 4 << 20
"""Characters of a config that is kept; of a longer one only the hash is."""
_OWN, _FETCHED = "own", "fetched"
"""The agency's own lists, and the fetched ones, among the hashes of all lists."""
_NOT_KEPT = "(the text before was not kept)\n"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line; times are in seconds since 1970, UTC."""

    time: float
    event: str
    """``start``, ``start --last-good``, ``reload``, ``exempt``, ``restore``, ``lists``, ``pull``,
    ``stop``, ``ended`` for an exemption, or ``refused`` for a commit of the policy."""
    who: str
    """For ``pull`` and ``refused`` also the commit and its signer; empty where an exemption has
    ended, which nobody did."""
    snapshot: str
    """The hash of the snapshot; empty where nothing was put in force."""
    config: str = ""
    """The hash of the config's text."""
    diff: str = ""
    """To the config before; empty where the text is the same."""
    exemptions: list[ExemptionDetails] = field(default_factory=list)
    """All exemptions of the config, ended or not."""
    ended: ExemptionDetails | None = None
    """The exemption that has ended; the server may have noted that later, after a start."""
    lists: str = ""
    """The hash of the hashes of all lists; empty where they are not known."""

    @property
    def changes(self) -> bool:
        """Whether something else is in force after it."""
        return self.ended is None and self.event != REFUSED

    def exempted_at(self, moment: float) -> list[ExemptionDetails]:
        """The exemptions that applied at a moment under this config."""
        return [each for each in self.exemptions if moment < each.until]


class AuditLog:
    """The audit log in a state directory."""

    def __init__(self, state: Path) -> None:
        self._path = state / _LOG
        self._configs = state / _CONFIGS
        self._latest: AuditEntry | None = None
        """The last activation: read once, then as this object has written it."""

    def entries(self) -> Iterator[AuditEntry]:
        """Every whole line, the oldest first.

        Raises:
            OSError: the file exists and cannot be read.
        """
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            for line in file:
                entry = _entry(line)
                if entry is not None:
                    yield entry

    def last_activation(self, snapshot: str | None = None) -> AuditEntry | None:
        """The last entry that put a config, or this snapshot, in force; OSError as above."""
        last = None
        for entry in self.entries():
            if entry.snapshot and snapshot in (None, entry.snapshot):
                last = entry
        return last

    def ends(self) -> set[tuple[str, float]]:
        """The ids and moments of the exemptions that have ended; OSError as above."""
        ended = (entry.ended for entry in self.entries())
        return {(each.id, each.until) for each in ended if each is not None}

    def text(self, config: str) -> dict[str, str]:
        """The files of a config, by the hash of its text; empty where they were not kept."""
        return self._kept(config)

    def sources(self, entry: AuditEntry) -> SourceTexts:
        """The texts of an activation, and the hashes of its lists: None where not known."""
        lists = self._kept(entry.lists)
        return SourceTexts(self.text(entry.config), lists.get(_OWN), lists.get(_FETCHED, {}))

    def _kept(self, name: str) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads((self._configs / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return kept

    def activated(
        self,
        time: float,
        event: str,
        who: str,
        snapshot: str,
        terms: CompiledConfig,
        sources: SourceTexts | None,
        *,
        once: bool = False,
    ) -> None:
        """Add the activation of a snapshot.

        Without ``sources`` those of an earlier activation of this snapshot are meant. With ``once``
        nothing is added where the texts and the lists are those of the last activation.

        Raises:
            OSError: the log cannot be written.
        """
        before = self._latest or self.last_activation()
        config = lists = diff = ""
        if sources is not None:
            config, lists = self._keep(sources.texts), self._keep(_hashes(sources))
            if once and before is not None and (before.config, before.lists) == (config, lists):
                return
            if before is not None and before.config != config:
                earlier = self.text(before.config)
                diff = difference(earlier, sources.texts) if earlier else _NOT_KEPT
        elif (same := self.last_activation(snapshot)) is not None:
            config, lists = same.config, same.lists
        exemptions = list(exemption_details(terms))
        entry = AuditEntry(time, event, who, snapshot, config, diff, exemptions, lists=lists)
        self._append(entry)
        self._latest = entry

    def stopped(self, time: float, who: str) -> None:
        """Add that somebody stopped the server; OSError as above."""
        self._append(AuditEntry(time, "stop", who, ""))

    def refused(self, time: float, what: str) -> None:
        """Add that a commit of the policy was refused, and why; OSError as above."""
        self._append(AuditEntry(time, REFUSED, what, ""))

    def ended(self, time: float, exemption: ExemptionDetails) -> None:
        """Add that an exemption has ended; OSError as above."""
        self._append(AuditEntry(time, "ended", "", "", ended=exemption))

    def _keep(self, value: Mapping[str, object]) -> str:
        text = json.dumps(dict(value))
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        path = self._configs / f"{name}.json"
        if not path.exists() and len(text) <= _LONGEST_TEXT:
            make_directory(self._configs)
            write_atomically(path, text.encode())
        return name

    def _append(self, entry: AuditEntry) -> None:
        line = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
        make_directory(self._path.parent)
        with self._path.open("a+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size and os.pread(file.fileno(), 1, size - 1) != b"\n":  # the last line is cut short
                line = b"\n" + line
            try:
                written = file.write(line)
                os.fsync(file.fileno())
                if written != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.truncate(file.fileno(), size)
                raise


def _entry(line: bytes) -> AuditEntry | None:
    try:
        plain = json.loads(line)
        exemptions = [ExemptionDetails(**each) for each in plain.pop("exemptions")]
        ended = plain.pop("ended", None)
        return AuditEntry(
            **plain,
            exemptions=exemptions,
            ended=None if ended is None else ExemptionDetails(**ended),
        )
    except (ValueError, TypeError, KeyError, AttributeError):  # cut short, or no line of this log
        return None


def _hashes(sources: SourceTexts) -> dict[str, Mapping[str, str]]:
    return {_OWN: sources.lists or {}, _FETCHED: sources.fetched}

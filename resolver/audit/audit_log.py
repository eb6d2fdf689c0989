"""The audit log: which config was in force when, and who put it in force.

It is a file of records (``journal``): one for each activation of a config, for each commit of the
policy that was refused, for each stop of the server, and those that the log has of itself. The
record of an activation holds the difference to the config before, what changed for all names, and
the exemptions that have not ended, each with its end. The whole text of each config, and the hashes
of all lists, are kept once, by the hash of their content (``snapshot.archive``). So a year later
the log still answers what was in force at any moment.

What must stay true:
- Lines of earlier and of later releases can be read; a field that this one does not know is left
  out. So no field of a line changes its meaning.
- The audit log never keeps a config from being put in force: the caller handles OSError.
- A start and an activation cost the same, however long the log is: they read its end.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from resolver.analysis.activation_summary import ActivationSummary, read_summary
from resolver.audit.journal import Journal
from resolver.audit.kept_texts import KeptTexts
from resolver.audit.record import AuditRecord, ClockReading, Head
from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import ExemptionDetails, exemption_details
from resolver.policy.moment import ended
from resolver.snapshot import store
from resolver.snapshot.config_files import SourceTexts, difference, differing
from resolver.system.stored import read_fields

REFUSED = "refused"
SERIAL_RESET = "lists --reset-serial"
_OWN, _FETCHED = "own", "fetched"
"""The agency's own lists, and the fetched ones, among the hashes of all lists."""
_NOT_KEPT = "(the text before was not kept)\n"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line; times are in seconds since 1970, UTC."""

    time: float
    event: str
    """``start``, ``start --last-good``, ``reload``, ``exempt``, ``lists``, ``pull``, ``stop``,
    ``refused`` for a commit of the policy, ``lists --reset-serial``, or ``lists --from`` and
    ``lists --shipped`` for lists that replace those of the release, and for these again."""
    who: str
    """For ``pull`` and ``refused`` also the commit and its signer, for ``lists --reset-serial`` the
    lists, for ``lists --from`` their serial and signer."""
    snapshot: str
    """The name of the snapshot, the first 16 digits of ``sha256``; empty where nothing was put in
    force."""
    config: str = ""
    """The SHA-256 of the config's text."""
    diff: str = ""
    """To the config before; empty where the text is the same."""
    exemptions: list[ExemptionDetails] = field(default_factory=list)
    """Those of the config that had not ended; earlier versions have noted the others, too."""
    lists: str = ""
    """The SHA-256 of the hashes of all lists; empty where they are not known."""
    summary: ActivationSummary | None = None
    """What it changed for all names; None where that is not known: before, nothing was in force,
    or an earlier release has written the line."""
    waited_since: float = 0.0
    """Of a start: since when the files that differ from the activation before are on disk as they
    are, the oldest of them; 0 where none differs."""
    belongs_to: str = ""
    """The users to whom these files belong: not always those who have edited them."""
    sha256: str = ""
    """Of the content of the snapshot; empty where that is not known."""
    number: int = 0
    """Of the record; 0 where a release before 1.2 has written it."""
    release: str = ""
    """Which one wrote it; empty where that is not known."""

    @property
    def changes(self) -> bool:
        """Whether something else is in force after it."""
        return self.event not in (REFUSED, SERIAL_RESET)

    def exempted_at(self, moment: float) -> list[ExemptionDetails]:
        """The exemptions that applied at a moment under this config."""
        return [exemption for exemption in self.exemptions if not ended(exemption.until, moment)]

    def changed_exemptions(self, before: "AuditEntry") -> list["ExemptionChange"]:
        """The exemptions that it gave, ended or changed after an activation before it.

        Those that have ended by themselves between the two are left out.
        """
        old, new = (
            {exemption.id: exemption for exemption in entry.exempted_at(self.time)}
            for entry in (before, self)
        )
        return [
            ExemptionChange(exemption_id, old.get(exemption_id), new.get(exemption_id))
            for exemption_id in dict.fromkeys([*old, *new])
            if old.get(exemption_id) != new.get(exemption_id)
        ]


class FileOnDisk(NamedTuple):
    """A file of a config, or a list of the agency's own."""

    since: float
    """When it became as it is, by the kernel (st_ctime)."""
    owner: str
    """The user to whom it belongs."""


class ExemptionChange(NamedTuple):
    """An exemption before and after an activation; None where there was none."""

    id: str
    before: ExemptionDetails | None
    after: ExemptionDetails | None


class AuditLog:
    """The audit log in a state directory."""

    def __init__(self, state: Path) -> None:
        self.journal = Journal(state)
        self._state = state
        self._texts = KeptTexts(state)
        self._last: AuditEntry | None = None
        """The last activation: read once, then as this object has written it."""

    def last_activation(self, snapshot: str | None = None) -> AuditEntry | None:
        """The last entry that put a config, or this snapshot, in force.

        None where it is not among the last records. OSError if the log cannot be read.
        """
        activations = (entry for entry in self._latest() if entry.snapshot)
        return next(
            (activation for activation in activations if snapshot in (None, activation.snapshot)),
            None,
        )

    def newest_changes(self, most: int) -> Iterator[AuditEntry]:
        """The last entries that changed the config, the newest first, of the last records.

        Raises:
            OSError: the log cannot be read.
        """
        return islice((entry for entry in self._latest() if entry.diff), most)

    def _latest(self) -> Iterator[AuditEntry]:
        return entries(self.journal.latest())

    def text(self, config: str) -> dict[str, str]:
        """The files of a config, by the hash of its text; empty where they were not kept."""
        return self._kept(config)

    def sources(self, entry: AuditEntry) -> SourceTexts:
        """The texts of an activation, and the hashes of its lists: None where not known."""
        lists = self._kept(entry.lists)
        return SourceTexts(self.text(entry.config), lists.get(_OWN), lists.get(_FETCHED, {}))

    def _kept(self, name: str) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(self._texts.text(name) or b"{}")
        except ValueError:
            return {}
        return kept

    def activated(
        self,
        now: ClockReading,
        event: str,
        who: str,
        snapshot: str,
        compiled: CompiledConfig,
        sources: SourceTexts | None,
        summary: ActivationSummary | None = None,
        *,
        once: bool = False,
        on_disk: Mapping[str, FileOnDisk] | None = None,
    ) -> Head | None:
        """Add the activation of a snapshot; the head after it.

        Without ``sources`` those of an earlier activation of this snapshot are meant. With ``once``
        nothing is added where the texts and the lists are those of the last activation. ``on_disk``
        has the files of ``sources``, where nobody has asked for their activation.

        Raises:
            OSError: the log cannot be written.
        """
        before = self._last or self.last_activation()
        config = lists = diff = ""
        edited: list[FileOnDisk] = []
        if sources is not None:
            config, lists = self._texts.keep(sources.texts), self._texts.keep(_hashes(sources))
            if once and before is not None and (before.config, before.lists) == (config, lists):
                return None
            if before is not None and before.config != config:
                earlier = self.text(before.config)
                diff = difference(earlier, sources.texts) if earlier else _NOT_KEPT
            if before is not None and on_disk:
                edited = _edited(self.sources(before), sources, on_disk)
        elif (same := self.last_activation(snapshot)) is not None:
            config, lists = same.config, same.lists
        details = exemption_details(compiled)
        exemptions = [detail for detail in details if not ended(detail.until, now.time)]
        since = min((file.since for file in edited), default=0.0)
        owners = ", ".join(sorted({file.owner for file in edited}))
        put = (now.time, event, who, snapshot, config, diff, exemptions, lists, summary)
        sha256 = store.whole_hash(self._state, snapshot)
        entry = AuditEntry(*put, since, owners, sha256)
        self._last = None  # it may be added without its head
        head = self._append(now, entry)
        self._last = entry
        return head

    def stopped(self, now: ClockReading, who: str) -> Head:
        """Add that somebody stopped the server; OSError if the log cannot be written."""
        return self._append(now, AuditEntry(now.time, "stop", who, ""))

    def refused(self, now: ClockReading, what: str) -> Head:
        """Add that a commit of the policy was refused, and why; OSError if that fails."""
        return self._append(now, AuditEntry(now.time, REFUSED, what, ""))

    def serial_reset(self, now: ClockReading, who: str) -> Head:
        """Add that somebody let signed lists begin with a lower serial; OSError if that fails."""
        return self._append(now, AuditEntry(now.time, SERIAL_RESET, who, ""))

    def _append(self, now: ClockReading, entry: AuditEntry) -> Head:
        content = asdict(entry)
        for field_of_record in ("time", "event", "number", "release"):
            del content[field_of_record]
        return self.journal.append(now, entry.event, **content)


def _edited(
    before: SourceTexts, now: SourceTexts, on_disk: Mapping[str, FileOnDisk]
) -> list[FileOnDisk]:
    """The files that differ between two activations; none where the texts before are not kept."""
    if not before.texts:
        return []
    of_lists = differing(before.lists or {}, now.lists or {})
    files = (*differing(before.texts, now.texts), *of_lists)
    return [on_disk[file] for file in files if file in on_disk]


def entries(records: Iterable[AuditRecord]) -> Iterator[AuditEntry]:
    """The entries of records; the log has others of itself."""
    return filter(None, map(audit_entry, records))


def audit_entry(record: AuditRecord) -> AuditEntry | None:
    """The entry of a record; None where it has none, but is one of the log itself."""
    try:
        plain = dict(record.plain)
        if plain.pop("ended", None):  # earlier versions have noted the end of an exemption
            return None
        exemptions = [
            read_fields(ExemptionDetails, exemption) for exemption in plain.pop("exemptions")
        ]
        summary = read_summary(plain.pop("summary", None))
        entry = read_fields(AuditEntry, plain)
        return replace(entry, exemptions=exemptions, summary=summary)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _hashes(sources: SourceTexts) -> dict[str, Mapping[str, str]]:
    return {_OWN: sources.lists or {}, _FETCHED: sources.fetched}

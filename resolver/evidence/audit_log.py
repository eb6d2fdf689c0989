"""The audit log: which config was in force when, and who put it in force.

The state directory has it as ``journal.jsonl``: a JSON line for each activation of a config, for
each commit of the policy that was refused, and for each stop of the server. Lines are only added;
at 64 MiB the older of two files goes (``journal``). A line holds the difference to the config
before, what changed for all names, and the exemptions that have not ended, each with its end. The
whole text of each config, and the hashes of all lists, are kept once, by the hash of their content
(``snapshot.archive``). So a year later the log still answers what was in force at any moment. A
chain beside it shows whether it is whole (``history_chain``).

What must stay true:
- Lines of earlier and of later releases can be read; a field that this one does not know is left
  out. So no field of a line changes its meaning.
- The audit log never keeps a config from being put in force: the caller handles OSError.
- A start and an activation cost the same, however long the log is: they read its end.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from resolver.analysis.activation_summary import ActivationSummary, read_summary
from resolver.evidence.history_chain import AUDIT_LOG, record_hash
from resolver.evidence.journal import Journal
from resolver.evidence.record_order import RecordOrder
from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import ExemptionDetails, exemption_details
from resolver.policy.moment import ended
from resolver.snapshot.archive import Archive
from resolver.snapshot.config_files import SourceTexts, difference, differing
from resolver.stored import is_moment, read_fields

VERSION = 1
"""Of the form of a line (deploy/schemas/audit-log.json), which changes no meaning of a field."""
REFUSED = "refused"
_OWN, _FETCHED = "own", "fetched"
"""The agency's own lists, and the fetched ones, among the hashes of all lists."""
_NOT_KEPT = "(the text before was not kept)\n"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line; times are in seconds since 1970, UTC."""

    time: float
    event: str
    """``start``, ``start --last-good``, ``reload``, ``exempt``, ``lists``, ``pull``, ``stop``,
    or ``refused`` for a commit of the policy."""
    who: str
    """For ``pull`` and ``refused`` also the commit and its signer."""
    snapshot: str
    """The hash of the snapshot; empty where nothing was put in force."""
    config: str = ""
    """The hash of the config's text."""
    diff: str = ""
    """To the config before; empty where the text is the same."""
    exemptions: list[ExemptionDetails] = field(default_factory=list)
    """Those of the config that had not ended; earlier versions have noted the others, too."""
    lists: str = ""
    """The hash of the hashes of all lists; empty where they are not known."""
    summary: ActivationSummary | None = None
    """What it changed for all names; None where that is not known: before, nothing was in force,
    or an earlier release has written the line."""
    waited_since: float = 0.0
    """Of a start: since when the files that differ from the activation before are on disk as they
    are, the oldest of them; 0 where none differs."""
    belongs_to: str = ""
    """The users to whom these files belong: not always those who have edited them."""

    @property
    def changes(self) -> bool:
        """Whether something else is in force after it."""
        return self.event != REFUSED

    def exempted_at(self, moment: float) -> list[ExemptionDetails]:
        """The exemptions that applied at a moment under this config."""
        return [each for each in self.exemptions if not ended(each.until, moment)]

    def changed_exemptions(self, before: "AuditEntry") -> list["ExemptionChange"]:
        """The exemptions that it gave, ended or changed after an activation before it.

        Those that have ended by themselves between the two are left out.
        """
        old, new = (
            {each.id: each for each in entry.exempted_at(self.time)} for entry in (before, self)
        )
        return [
            ExemptionChange(each, old.get(each), new.get(each))
            for each in dict.fromkeys([*old, *new])
            if old.get(each) != new.get(each)
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


class Activation(NamedTuple):
    """What was in force at a moment, as far as the audit log says."""

    entry: AuditEntry
    record: str
    """The SHA-256 of its record, by which the chain has it."""
    backdated: AuditEntry | None
    """A record that was written after a later one, and says that something else was in force."""


class OrderedEntry(NamedTuple):
    """An entry, and whether it is backdated (``record_order``): then it puts nothing in force."""

    entry: AuditEntry
    is_backdated: bool


class AuditLog:
    """The audit log in a state directory."""

    def __init__(self, state: Path) -> None:
        self._journal = Journal(state / AUDIT_LOG)
        self._configs = Archive(state / "configs")
        self._last: AuditEntry | None = None
        """The last activation: read once, then as this object has written it."""

    def entries(self) -> Iterator[AuditEntry]:
        """Every whole line, the oldest first.

        Raises:
            OSError: the file exists and cannot be read.
        """
        return filter(None, map(audit_entry, self._journal.lines()))

    def in_order(self, now: float) -> Iterator[OrderedEntry]:
        """The same; ``now`` is as for ``RecordOrder``."""
        order = RecordOrder(now)
        for entry in self.entries():
            yield OrderedEntry(entry, order.is_backdated(entry.time))

    def last_activation(self, snapshot: str | None = None) -> AuditEntry | None:
        """The last entry that put a config, or this snapshot, in force.

        None where it is not among the last lines. OSError if the log cannot be read.
        """
        activations = (entry for entry in self._latest() if entry.snapshot)
        return next((each for each in activations if snapshot in (None, each.snapshot)), None)

    def newest_changes(self, most: int) -> Iterator[AuditEntry]:
        """The last entries that changed the config, the newest first, of the last lines.

        Raises:
            OSError: the log cannot be read.
        """
        return islice((entry for entry in self._latest() if entry.diff), most)

    def _latest(self) -> Iterator[AuditEntry]:
        return filter(None, map(audit_entry, self._journal.latest()))

    def before(self, moment: float, now: float) -> Activation | None:
        """The last entry that changed what is in force, at a moment or before it.

        The order of the records decides: one that is backdated puts nothing in force. None where
        the log begins later. OSError if the log cannot be read.
        """
        found: tuple[AuditEntry, bytes] | None = None
        backdated: AuditEntry | None = None
        order = RecordOrder(now)
        for line in self._journal.lines():
            entry = audit_entry(line)
            if entry is None:
                continue
            is_backdated = order.is_backdated(entry.time)
            if not entry.changes or entry.time > moment:
                continue
            if is_backdated:
                backdated = entry
            else:
                found, backdated = (entry, line), None
        return None if found is None else Activation(found[0], record_hash(found[1]), backdated)

    def text(self, config: str) -> dict[str, str]:
        """The files of a config, by the hash of its text; empty where they were not kept."""
        return self._kept(config)

    def sources(self, entry: AuditEntry) -> SourceTexts:
        """The texts of an activation, and the hashes of its lists: None where not known."""
        lists = self._kept(entry.lists)
        return SourceTexts(self.text(entry.config), lists.get(_OWN), lists.get(_FETCHED, {}))

    def _kept(self, name: str) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(self.kept_text(name) or b"{}")
        except ValueError:
            return {}
        return kept

    def kept_text(self, name: str) -> bytes | None:
        """What is kept by its hash: of a config, or of lists; None where it has another hash."""
        text = self._configs.content(f"{name}.json")
        return text if text is not None and _name(text) == name else None

    def is_text_changed(self, name: str) -> bool:
        """Whether a text is there, and is not the one that was kept."""
        return self._configs.holds(f"{name}.json") and self.kept_text(name) is None

    def activated(
        self,
        time: float,
        event: str,
        who: str,
        snapshot: str,
        compiled: CompiledConfig,
        sources: SourceTexts | None,
        summary: ActivationSummary | None = None,
        *,
        once: bool = False,
        on_disk: Mapping[str, FileOnDisk] | None = None,
    ) -> None:
        """Add the activation of a snapshot.

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
            config, lists = self._keep(sources.texts), self._keep(_hashes(sources))
            if once and before is not None and (before.config, before.lists) == (config, lists):
                return
            if before is not None and before.config != config:
                earlier = self.text(before.config)
                diff = difference(earlier, sources.texts) if earlier else _NOT_KEPT
            if before is not None and on_disk:
                edited = _edited(self.sources(before), sources, on_disk)
        elif (same := self.last_activation(snapshot)) is not None:
            config, lists = same.config, same.lists
        exemptions = [each for each in exemption_details(compiled) if not ended(each.until, time)]
        since = min((each.since for each in edited), default=0.0)
        owners = ", ".join(sorted({each.owner for each in edited}))
        put = (time, event, who, snapshot, config, diff, exemptions, lists, summary)
        entry = AuditEntry(*put, since, owners)
        self._append(entry)
        self._last = entry

    def stopped(self, time: float, who: str) -> None:
        """Add that somebody stopped the server; OSError if the log cannot be written."""
        self._append(AuditEntry(time, "stop", who, ""))

    def refused(self, time: float, what: str) -> None:
        """Add that a commit of the policy was refused, and why; OSError if that fails."""
        self._append(AuditEntry(time, REFUSED, what, ""))

    def _keep(self, value: Mapping[str, object]) -> str:
        text = json.dumps(dict(value)).encode()
        name = _name(text)
        self._configs.keep(f"{name}.json", text)
        return name

    def _append(self, entry: AuditEntry) -> None:
        line = {"version": VERSION, **asdict(entry)}
        self._journal.append(json.dumps(line, ensure_ascii=False).encode())


def _edited(
    before: SourceTexts, now: SourceTexts, on_disk: Mapping[str, FileOnDisk]
) -> list[FileOnDisk]:
    """The files that differ between two activations; none where the texts before are not kept."""
    if not before.texts:
        return []
    of_lists = differing(before.lists or {}, now.lists or {})
    files = (*differing(before.texts, now.texts), *of_lists)
    return [on_disk[each] for each in files if each in on_disk]


def record_time(line: bytes) -> float | None:
    """The time of a record, also of one that is no entry; None where it has none."""
    try:
        time = json.loads(line)["time"]
    except (ValueError, TypeError, KeyError):
        return None
    return float(time) if is_moment(time) else None


def audit_entry(line: bytes) -> AuditEntry | None:
    """The entry of a line; None where it has none."""
    try:
        plain = json.loads(line)
        if plain.pop("ended", None):  # earlier versions have noted the end of an exemption
            return None
        if not is_moment(plain["time"]):
            return None
        exemptions = [read_fields(ExemptionDetails, each) for each in plain.pop("exemptions")]
        summary = read_summary(plain.pop("summary", None))
        entry = read_fields(AuditEntry, plain)
        return replace(entry, exemptions=exemptions, summary=summary)
    except (ValueError, TypeError, KeyError, AttributeError):  # cut short, or no line of this log
        return None


def _name(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def _hashes(sources: SourceTexts) -> dict[str, Mapping[str, str]]:
    return {_OWN: sources.lists or {}, _FETCHED: sources.fetched}

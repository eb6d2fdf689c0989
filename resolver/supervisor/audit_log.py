"""The journal: what was put in force, when and by whom; a JSON line for each activation.

It lies in the state directory, and is only ever added to. A line has the difference to the
config before it; the whole text of a config is kept beside, once, named by its hash. So a
year later it can still be told what was in force at any moment, and who answers for it.

What must stay true:
- A line that was cut short (power, a full disk) spoils neither what stands before it nor
  what comes after it.
- Nothing here keeps a config from being put in force: who writes it sees to OSError.
"""

import difflib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from resolver.files import write_atomically
from resolver.metrics.status import ExemptionDetails, exemption_details
from resolver.policy.compiled import Terms

_JOURNAL, _CONFIGS = "journal.jsonl", "configs"
_LONGEST_TEXT = 4 << 20
"""Characters of a config that are kept; a larger one is only named by its hash."""
_LONGEST_DIFF = 64 << 10
_NOT_KEPT = "(the text before was not kept)\n"
_CUT = "... (the difference is longer; the whole texts are kept)\n"

Texts = Mapping[str, str]
"""A config by its files: config.toml, then what it includes."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One activation; times are in seconds since 1970, UTC."""

    time: float
    event: str
    """``start``, ``start --last-good``, ``reload``, another reason to reload, or ``stop``."""
    who: str
    snapshot: str
    config: str = ""
    """The hash of the config's text."""
    diff: str = ""
    """To the config before; empty where it is the same."""
    exemptions: list[ExemptionDetails] = field(default_factory=list)
    """All of the config, whether or not they had ended."""

    def exempted_at(self, moment: float) -> list[ExemptionDetails]:
        """The exemptions that lifted something at a moment under this config."""
        return [each for each in self.exemptions if moment < each.until]


class AuditLog:
    """The journal of a state directory."""

    def __init__(self, state: Path) -> None:
        self._path = state / _JOURNAL
        self._configs = state / _CONFIGS

    def entries(self) -> Iterator[AuditEntry]:
        """Every whole line, the oldest first; OSError where there is a file that cannot be read."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            for line in file:
                entry = _entry(line)
                if entry is not None:
                    yield entry

    def activations(self) -> list[AuditEntry]:
        """The entries that put something in force."""
        return [entry for entry in self.entries() if entry.snapshot]

    def text(self, config: str) -> dict[str, str]:
        """The files of a config by its hash; none where they were not kept."""
        try:
            texts: dict[str, str] = json.loads((self._configs / f"{config}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return texts

    def activated(
        self, time: float, event: str, who: str, snapshot: str, terms: Terms, texts: Texts
    ) -> None:
        """Note that a snapshot was put in force; without texts, that of an earlier activation.

        Raises:
            OSError: it could not be written.
        """
        before = self.activations()
        if texts:
            config, diff = self._keep(texts), ""
            if before and before[-1].config != config:
                earlier = self.text(before[-1].config)
                diff = difference(earlier, texts) if earlier else _NOT_KEPT
        else:
            same = [entry.config for entry in before if entry.snapshot == snapshot]
            config, diff = same[-1] if same else "", ""
        self._append(
            AuditEntry(time, event, who, snapshot, config, diff, list(exemption_details(terms)))
        )

    def stopped(self, time: float, who: str) -> None:
        """Note that the server has ended as it was told to; OSError as above."""
        self._append(AuditEntry(time, "stop", who, ""))

    def reworded(
        self, time: float, event: str, who: str, snapshot: str, terms: Terms, texts: Texts
    ) -> None:
        """Note another text of what is in force already; nothing where it is the same."""
        last = self.activations()[-1:]
        if not last or last[0].config != _hash(texts):
            self.activated(time, event, who, snapshot, terms, texts)

    def _keep(self, texts: Texts) -> str:
        name = _hash(texts)
        path = self._configs / f"{name}.json"
        if path.exists() or sum(map(len, texts.values())) > _LONGEST_TEXT:
            return name
        self._configs.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(dict(texts)).encode())
        return name

    def _append(self, entry: AuditEntry) -> None:
        line = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size and _last_octet(file.fileno(), size) != b"\n":  # the line before was cut short
                line = b"\n" + line
            try:
                written = file.write(line)
                os.fsync(file.fileno())
                if written != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.truncate(file.fileno(), size)
                raise


def difference(before: Texts, after: Texts) -> str:
    """The unified difference of two configs, file by file, cut to what a line may hold."""
    lines = [
        line if line.endswith("\n") else f"{line}\n"
        for file in dict.fromkeys([*before, *after])
        for line in difflib.unified_diff(
            before.get(file, "").splitlines(keepends=True),
            after.get(file, "").splitlines(keepends=True),
            file,
            file,
        )
    ]
    text = "".join(lines)
    return text if len(text) <= _LONGEST_DIFF else text[:_LONGEST_DIFF].rpartition("\n")[0] + _CUT


def _entry(line: bytes) -> AuditEntry | None:
    try:
        plain = json.loads(line)
        exemptions = [ExemptionDetails(**each) for each in plain.pop("exemptions")]
        return AuditEntry(**plain, exemptions=exemptions)
    except (ValueError, TypeError, KeyError, AttributeError):  # cut short, or not ours
        return None


def _hash(texts: Texts) -> str:
    return hashlib.sha256(json.dumps(dict(texts)).encode()).hexdigest()[:16]


def _last_octet(file: int, size: int) -> bytes:
    return os.pread(file, 1, size - 1)

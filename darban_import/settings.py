"""The importers of ``darban init``: they read the file of another resolver."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from darban_import.adguard import read_adguard
from darban_import.imported_config import ImportedConfig, comment, text_of_imported
from darban_import.old_setup import OldSetup
from darban_import.pihole import read_gravity
from resolver import DarbanError
from resolver.config.first_config import NewConfig, NewVlan
from resolver.dns import names
from resolver.lists.adblock import AdblockReader
from resolver.system.regular_files import read_regular

_LONGEST_DATABASE = 1 << 30
"""A gravity.db has the names of all its lists, a hundred octets each."""
_LONGEST_YAML = 4 << 20
_LONGEST_LIST = 16 << 20


@dataclass(frozen=True, slots=True)
class OldSettings:
    """What ``darban init`` asks of an importer: ``Imported`` in ``resolver.cli.importer``."""

    old: OldSetup
    services: Mapping[str, str]
    """The services of the new config, each with one of its names."""

    @property
    def program(self) -> str:
        """The name of the other resolver."""
        return self.old.program

    @property
    def clients(self) -> Sequence[NewVlan]:
        """The clients that it lists."""
        return [NewVlan(clients.name, clients.prefixes, False) for clients in self.old.clients]

    def text(self, new: NewConfig) -> str:
        """The text of the config."""
        return text_of_imported(ImportedConfig(self.old, new, self.services))

    def notes(self) -> Mapping[str, Sequence[str]]:
        """What came over and what is left, by title, as a terminal can show it."""
        notes = {"What came over:": self.old.came, "What is left:": self.old.all_left}
        return {title: [comment(note) for note in texts] for title, texts in notes.items()}


def pihole(file: Path, lists: Sequence[Path]) -> OldSettings:
    """Read a gravity.db of Pi-hole.

    Raises:
        DarbanError: the file cannot be read.
    """
    _refuse_journal(file)
    services = named_services(lists)
    return OldSettings(read_gravity(_read(file, _LONGEST_DATABASE), file), services)


def adguard(file: Path, lists: Sequence[Path]) -> OldSettings:
    """Read an AdGuardHome.yaml.

    Raises:
        DarbanError: the file cannot be read.
    """
    services = named_services(lists)
    return OldSettings(read_adguard(_read(file, _LONGEST_YAML), file, services), services)


def _refuse_journal(path: Path) -> None:
    """Raise where a transaction of the database is not finished: its file alone is not whole."""
    for end in ("-journal", "-wal"):
        beside = path.with_name(path.name + end)
        if beside.exists() and beside.stat().st_size:
            raise DarbanError(
                f"{path}: Pi-hole writes it now ({beside.name}). Copy it first, and name the copy: "
                f"sqlite3 {path.name} \"VACUUM INTO 'copy.db'\""
            )


def _read(path: Path, longest: int) -> bytes:
    try:
        return read_regular(path, longest)
    except OSError as error:
        raise DarbanError(f"{path} cannot be read ({error.strerror})") from None


def named_services(directories: Sequence[Path]) -> dict[str, str]:
    """The services of the lists in the directories, each with a name that its list blocks."""
    services: dict[str, str] = {}
    for directory in directories:
        for path in sorted(directory.glob("*.txt")):
            name = next(_blocked(path), None)
            if name is not None:
                services.setdefault(path.stem, name)
    return services


def _blocked(path: Path) -> Iterator[str]:
    """The names that a list blocks, and that none of its exceptions is for."""
    text = _read(path, _LONGEST_LIST).decode("utf-8", "replace")
    rules = AdblockReader.read(text, path.stem, path.name).rules
    passing = {rule.name for rule in rules if rule.exception}
    for rule in rules:
        if not rule.exception and passing.isdisjoint(names.zones(rule.name)):
            yield names.text(rule.name)

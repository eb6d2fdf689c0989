"""The settings of another resolver that ``darban init`` takes over, from their file."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from resolver import DarbanError
from resolver.cli.command import echo
from resolver.cli.importers.adguard import read_adguard
from resolver.cli.importers.imported_config import comment
from resolver.cli.importers.old_setup import OldSetup
from resolver.cli.importers.pihole import read_gravity
from resolver.dns import names
from resolver.lists.adblock import AdblockReader
from resolver.system.regular_files import read_regular

_LONGEST_DATABASE = 1 << 30
"""A gravity.db has the names of all its lists, a hundred octets each."""
_LONGEST_YAML = 4 << 20
_LONGEST_LIST = 16 << 20


def read_old(
    pihole: Path | None, adguard: Path | None, services: Collection[str]
) -> OldSetup | None:
    """The settings in the file that the command line names; None where it names none.

    Raises:
        DarbanError: it names two, or the file cannot be read.
    """
    if pihole is not None and adguard is not None:
        raise DarbanError("say one of --from-pihole and --from-adguard")
    if pihole is not None:
        _refuse_journal(pihole)
        return read_gravity(_read(pihole, _LONGEST_DATABASE), pihole)
    if adguard is not None:
        return read_adguard(_read(adguard, _LONGEST_YAML), adguard, services)
    return None


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


def print_old(old: OldSetup, *, has_vlans: bool) -> None:
    """Print what came over, and what is left."""
    for title, notes in (("What came over:", old.came), ("What is left:", old.all_left)):
        echo(f"\n{title}")
        for note in notes:
            echo(f"- {comment(note)}")
    if not has_vlans:
        echo(
            "- clients that the old config does not list are refused: name their prefixes with "
            "--vlan NAME=PREFIX,..., and they have what such clients had"
        )


def named_services(base: Path, directories: Sequence[str]) -> dict[str, str]:
    """The services of the lists in the directories, each with a name that its list blocks."""
    found: dict[str, str] = {}
    for directory in directories:
        for path in sorted((base / directory).glob("*.txt")):
            name = next(_blocked(path), None)
            if name is not None:
                found.setdefault(path.stem, name)
    return found


def _blocked(path: Path) -> Iterator[str]:
    """The names that a list blocks, and that none of its exceptions is for."""
    text = _read(path, _LONGEST_LIST).decode("utf-8", "replace")
    rules = AdblockReader.read(text, path.stem, path.name).rules
    passing = {rule.name for rule in rules if rule.exception}
    for rule in rules:
        if not rule.exception and passing.isdisjoint(names.zones(rule.name)):
            yield names.text(rule.name)

"""``python -m tests.snapshot.save_state``: store what this release saves, for later releases.

The directory ``saved_by_VERSION`` has a config with something of everything. Its state is what a
server of this release saves of it: the snapshot, and the audit log with its head and the texts of
the config.
"""

import shutil
from pathlib import Path

from resolver import __version__
from resolver.audit.audit_log import AuditLog
from resolver.audit.record import ClockReading, Event
from resolver.compiler.compilation import compile_file
from resolver.snapshot import store
from resolver.snapshot.config_files import DiskFiles, SourceTexts

_PLACE = Path(__file__).parent
_CONFIG, _LISTS, STATE = "config.toml", "lists", "state"
STATES = sorted(_PLACE.glob(f"saved_by_*/{STATE}"))
"""Of 1.0.0, and of each release after it that stores something else."""
MOMENT = 1_798_700_000.0
"""2026-12-31, when the audit log says that the config was put in force."""
SEALED = (1_798_588_800.0, 1_798_675_200.0, "e3b0" * 16)
"""A day, and what stands for the hash of its figures."""
CLOCK = ClockReading(MOMENT, MOMENT - 3600.0, "0" * 32, synchronised=True)


def save_state(config: Path, state: Path) -> None:
    """Save what a server with this config saves when it has put it in force."""
    files = DiskFiles(config)
    compiled = compile_file(config, MOMENT, files)
    assert not compiled.errors, compiled.errors
    path = store.save(state, compiled.snapshot)
    store.mark_good(path)
    sources = SourceTexts(files.texts(config.parent), compiled.own_lists)
    given = ("reload", "uid 1000", path.name, compiled.snapshot.compiled, sources)
    log = AuditLog(state)
    log.activated(CLOCK, *given)
    since, until, figures = SEALED
    of_day = {"begin": since, "end": until, "figures": figures, "node": "", "time_zone": ""}
    log.journal.append(CLOCK, Event.SEALED, **of_day)


def _version(directory: Path) -> list[int]:
    return [int(text) for text in directory.name.removeprefix("saved_by_").split(".")]


def newest_saved() -> Path:
    """The directory of the newest release that has one."""
    return max((state.parent for state in STATES), key=_version)


def main() -> None:
    """Store the state of the newest config; this release gets a directory if it has none."""
    saved = _PLACE / f"saved_by_{__version__.removesuffix('.dev0')}"
    if not saved.exists():
        before = newest_saved()
        saved.mkdir()
        shutil.copy(before / _CONFIG, saved)
        shutil.copytree(before / _LISTS, saved / _LISTS)
    shutil.rmtree(saved / STATE, ignore_errors=True)
    save_state(saved / _CONFIG, saved / STATE)


if __name__ == "__main__":
    main()

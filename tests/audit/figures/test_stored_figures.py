"""Files of every version of the tables are read, and counted on in."""

import gzip
from pathlib import Path

import pytest

from resolver.audit.figures.store import read
from resolver.audit.figures.tables import VERSION
from tests.audit.figures.save_figures import PLACE, SAVED, add_to
from tests.audit.figures.synthetic import ABAN, AZAR

FILES = sorted(PLACE.glob("version-*.sqlite.gz"))


@pytest.mark.parametrize("packed", FILES, ids=lambda path: path.name)
def test_a_file_of_an_earlier_release_is_read_and_added_to(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "2026-10.sqlite").write_bytes(gzip.decompress(packed.read_bytes()))
    assert read(tmp_path, ABAN, AZAR) == SAVED
    add_to(tmp_path)
    found = read(tmp_path, ABAN, AZAR)
    assert [count.queries for count in found.counts] == [
        2 * count.queries for count in SAVED.counts
    ]
    assert (found.minutes, found.damaged) == (SAVED.minutes, ())


def test_a_file_of_each_version_is_kept() -> None:
    assert [path.name for path in FILES] == [
        f"version-{number + 1}.sqlite.gz" for number in range(VERSION)
    ]

"""Importers are found by their entry points; one that is not installed is named."""

from pathlib import Path

import pytest

from resolver import DarbanError
from resolver.cli.importer import read_settings


def test_one_that_is_not_installed_is_named() -> None:
    with pytest.raises(DarbanError, match=r"--from-bind9: .* Install the package darban-import"):
        read_settings({"bind9": Path("named.conf")}, [])


def test_two_files_are_one_too_many() -> None:
    with pytest.raises(DarbanError, match="say one of --from-pihole and --from-adguard"):
        read_settings({"pihole": Path("gravity.db"), "adguard": Path("AdGuardHome.yaml")}, [])


def test_no_file_is_no_settings() -> None:
    assert read_settings({"pihole": None, "adguard": None}, []) is None

"""What is said of each kind of fault, from the table in faults.toml."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

_TABLE: Final = Path(__file__).with_name("faults.toml")
ELSE: Final = ("DarbanFault",)
"""The alert of a fault that has none of its own."""


class FaultText(NamedTuple):
    """What is said of a kind of fault."""

    short: str
    """For operators, with all values of a fault."""
    sentences: Mapping[str, str]
    """For the status page, by language, without the values that are for operators alone."""
    alerts: tuple[str, ...]
    """Those that fire for it; the runbook has a section for each."""


@cache
def fault_texts() -> Mapping[str, FaultText]:
    """The texts by kind of fault."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return {kind: _text(row) for kind, row in table.items()}


def _text(row: Mapping[str, str]) -> FaultText:
    sentences = {language: row[language] for language in row.keys() - {"short", "alerts"}}
    return FaultText(row["short"], sentences, tuple(row.get("alerts", ELSE)))

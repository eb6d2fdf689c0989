"""Read YAML that somebody else wrote, as texts, arrays and tables alone.

No tag makes an object, no alias repeats a part, and no scalar is read as anything but its text.
"""

from pathlib import Path
from typing import Any

import yaml

from darban_import.old_setup import OldSetupError


class _Loader(yaml.BaseLoader):  # type: ignore[misc] # no types
    """Every scalar is a text; aliases are refused, since few of them can mean endless content."""

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - as PyYAML has it
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"line {self.peek_event().start_mark.line + 1}: an alias")
        return super().compose_node(parent, index)


class Table:
    """A table of the document. Everything in it may be missing, or of another type."""

    def __init__(self, value: object) -> None:
        self._values = value if isinstance(value, dict) else {}

    def keys(self) -> set[str]:
        """The keys that are texts."""
        return {key for key in self._values if isinstance(key, str)}

    def table(self, key: str) -> "Table":
        """The table at a key; an empty one where there is none."""
        return Table(self._values.get(key))

    def tables(self, key: str) -> list["Table"]:
        """The tables of the array at a key."""
        return [Table(item) for item in self._array(key) if isinstance(item, dict)]

    def texts(self, key: str) -> list[str]:
        """The texts of the array at a key."""
        return [item.strip() for item in self._array(key) if isinstance(item, str)]

    def text(self, key: str) -> str:
        """The text at a key; empty where there is none."""
        value = self._values.get(key)
        return value.strip() if isinstance(value, str) else ""

    def is_true(self, key: str, *, otherwise: bool = False) -> bool:
        """Whether a key has the value true."""
        return {"true": True, "false": False}.get(self.text(key).lower(), otherwise)

    def _array(self, key: str) -> list[object]:
        value = self._values.get(key)
        return value if isinstance(value, list) else []


def read_yaml(content: bytes, path: Path) -> Table:
    """Read a document whose outermost part is a table.

    Raises:
        OldSetupError: it is no YAML, or more than texts, arrays and tables.
    """
    try:
        document = yaml.load(content, _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise OldSetupError(f"{path}: no YAML that is read here: {error}") from error
    except RecursionError:
        raise OldSetupError(f"{path}: its parts are nested too deep") from None
    if not isinstance(document, dict):
        raise OldSetupError(f"{path}: expected an AdGuardHome.yaml")
    return Table(document)

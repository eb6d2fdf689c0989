"""Strings and lists in Lua, in which dnsdist and the PowerDNS Recursor are configured."""

from collections.abc import Iterable


def lua_string(text: str) -> str:
    """A string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def lua_list(texts: Iterable[object]) -> str:
    """A table of strings."""
    return f"{{ {', '.join(lua_string(str(each)) for each in texts)} }}"

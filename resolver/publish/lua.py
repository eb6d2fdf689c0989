"""Strings and lists in Lua, in which dnsdist and the PowerDNS Recursor are configured."""

import re
from collections.abc import Iterable

_SPECIAL = re.compile(r'[\x00-\x1f\x7f"\\]')


def lua_string(text: str) -> str:
    """A string literal on one line, so that it can stand in a comment, too."""
    return '"' + _SPECIAL.sub(lambda match: f"\\{ord(match[0]):03d}", text) + '"'


def lua_list(texts: Iterable[object]) -> str:
    """A table of strings."""
    return f"{{ {', '.join(lua_string(str(text)) for text in texts)} }}"

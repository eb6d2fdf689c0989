"""What is wrong with a file that is no UTF-8 or no TOML, by the words of Python and tomllib.

Keyboards and editors put curly quotes, Persian digits and characters that cannot be seen into a
config. Where tomllib stops at one of them, its Unicode name is shown.
"""

import re
import unicodedata

from resolver.config.problems import Problem
from resolver.config.toml_lines import first_definition, path_text

_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")
_REPEATED = ("Cannot declare ", "Cannot overwrite ", "Cannot mutate ", "Cannot redefine ")
_AT_END = " (at end of document)"


def not_utf8(file: str, error: UnicodeDecodeError) -> Problem:
    """The problem of a file that cannot be decoded."""
    octets, at = error.object, error.start
    found = f"the byte 0x{octets[at]:02X}, which is not UTF-8"
    return Problem("error", file, octets.count(b"\n", 0, at) + 1, "", found, "a text in UTF-8")


def not_toml(file: str, message: str, text: str) -> Problem:
    """The problem of a text that tomllib refuses with a message."""
    text, position = text.replace("\r\n", "\n"), _POSITION.search(message)
    line, at = text.count("\n") + 1, len(text)
    found = f"at the end of the file: {message.removesuffix(_AT_END)}"
    if position is not None:
        line, column = int(position[1]), int(position[2])
        at = sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column - 1
        char = text[at : at + 1]
        named = "" if char.isascii() else f" ({unicodedata.name(char, f'U+{ord(char):04X}')})"
        found = f"at column {column}{named}: {message[: position.start()]}"
    if message.startswith(_REPEATED) and (defined := first_definition(text, at)):
        path, first = defined
        found = f"a second {path_text(path[:-1] if isinstance(path[-1], int) else path)}"
        advice = f"It is also at {file}:{first}."
        return Problem("error", file, line, "", found, "each table and each key once", advice)
    expected = '"," after each element and "]" after the last' if "array" in found else "valid TOML"
    return Problem("error", file, line, "", found, expected)
